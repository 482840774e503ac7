"""Who must accept a cancellation, and until when it may be asked for."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from timbra.cfdi.cancel_rules import Asked, exemption, last_day

PLAIN = Asked(
    kind="I",
    total=1_160_000_000,
    currency="MXN",
    exchange_rate=1_000_000,
    issuer_rfc="EKU9003173C9",
    receiver_rfc="URE180429TM6",
    receiver_regime="601",
    issued_at=datetime(2026, 10, 9, 12),
    now=datetime(2026, 10, 20, 12),
)


def rule(**changes: Any) -> str | None:
    found = exemption(replace(PLAIN, **changes))
    return found.rule if found else None


def test_an_ordinary_invoice_needs_acceptance() -> None:
    assert rule() is None


@pytest.mark.parametrize(
    ("changes", "fraction"),
    [
        ({"total": 1_000_000_000}, "I"),
        ({"total": 1_000_010_000}, None),
        ({"total": 50_000_000, "currency": "USD", "exchange_rate": 20_000_000}, "I"),
        ({"total": 50_000_001, "currency": "USD", "exchange_rate": 20_000_000}, None),
        ({"kind": "E"}, "III"),
        ({"kind": "T", "total": 0}, "IV"),
        ({"receiver_regime": "621"}, "V"),
        ({"receiver_rfc": "XAXX010101000"}, "VII"),
        ({"receiver_rfc": "XEXX010101000"}, "VIII"),
        ({"now": datetime(2026, 10, 9, 23, 59)}, "IX"),
        ({"now": datetime(2026, 10, 12, 23, 59)}, "IX"),  # Monday after a Friday
        ({"now": datetime(2026, 10, 13, 0, 0)}, None),
        ({"kind": "P", "total": 0}, None),
        ({"kind": "P", "total": 0, "now": datetime(2025, 12, 31, 23), "issued_at": datetime(2025, 11, 3)}, "I"),
        ({"kind": "E", "now": datetime(2021, 12, 31), "issued_at": datetime(2021, 11, 3)}, None),
    ],
)
def test_cases_without_acceptance(changes: dict[str, Any], fraction: str | None) -> None:
    assert rule(**changes) == (None if fraction is None else f"RMF 2.7.1.35 fr. {fraction}")


@pytest.mark.parametrize(("rfc", "day"), [("EKU9003173C9", date(2027, 3, 31)), ("CACX7605101P8", date(2027, 4, 30))])
def test_the_last_day_is_in_the_month_of_the_annual_return(rfc: str, day: date) -> None:
    assert last_day(rfc, datetime(2026, 1, 1)) == last_day(rfc, datetime(2026, 12, 31, 23, 59)) == day
