"""Who must accept a cancellation, and until when one may be asked for: rules of the RMF as dated data. Pure.

What SAT's status service says of a document counts more than this: the rules serve to advise before SAT is asked, and to
name the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from timbra.cfdi.text import FOREIGN_RFC, GENERIC_RFC
from timbra.cfdi.workdays import add_working_days

ACCEPTANCE_RULE: Final = "RMF 2.7.1.34"
DEADLINE_RULE: Final = "CFF 29-A, RMF 2.7.1.47"
COMPANY_RFC_LENGTH: Final = 12
MXN: Final = "MXN"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules look at. total: micro, of the currency; issued_at and now: local time of the place of issue."""

    kind: str
    total: int
    currency: str
    exchange_rate: int  # micro
    issuer_rfc: str
    receiver_rfc: str
    receiver_regime: str
    issued_at: datetime
    now: datetime

    @property
    def total_mxn(self) -> int:
        """In micro."""
        return self.total if self.currency == MXN else self.total * self.exchange_rate // 1_000_000


@dataclass(frozen=True, slots=True)
class Exemption:
    """One case in which nobody has to accept. Members that are empty or None do not matter; all others must hold."""

    rule: str
    reason: str
    valid_from: date
    valid_to: date | None = None
    kinds: frozenset[str] = frozenset()
    but_kinds: frozenset[str] = frozenset()
    receivers: frozenset[str] = frozenset()
    receiver_regimes: frozenset[str] = frozenset()
    total_max: int | None = None  # micro MXN
    working_days: int | None = None  # after the day of issue

    def covers(self, asked: Asked) -> bool:
        """Whether the case is this document's today."""
        today = asked.now.date()
        if today < self.valid_from or (self.valid_to is not None and today > self.valid_to):
            return False
        if self.working_days is not None and today > add_working_days(asked.issued_at.date(), self.working_days):
            return False
        return (
            (not self.kinds or asked.kind in self.kinds)
            and asked.kind not in self.but_kinds
            and (not self.receivers or asked.receiver_rfc in self.receivers)
            and (not self.receiver_regimes or asked.receiver_regime in self.receiver_regimes)
            and (self.total_max is None or asked.total_mxn <= self.total_max)
        )


_FROM: Final = date(2022, 1, 1)
EXEMPTIONS: Final[Sequence[Exemption]] = (
    Exemption("RMF 2.7.1.35 fr. III", "an egress needs no acceptance", _FROM, kinds=frozenset("E")),
    Exemption("RMF 2.7.1.35 fr. IV", "a transfer needs no acceptance", _FROM, kinds=frozenset("T")),
    Exemption("RMF 2.7.1.35 fr. VII", "the receiver is the general public", _FROM, receivers=frozenset({GENERIC_RFC})),
    Exemption("RMF 2.7.1.35 fr. VIII", "the receiver lives abroad", _FROM, receivers=frozenset({FOREIGN_RFC})),
    Exemption("RMF 2.7.1.35 fr. V", "the receiver is in the RIF", _FROM, receiver_regimes=frozenset({"621"})),
    Exemption(
        "RMF 2.7.1.35 fr. I", "the total is at most 1,000 MXN", _FROM, date(2025, 12, 31), total_max=1_000_000_000
    ),
    Exemption(
        "RMF 2.7.1.35 fr. I",
        "the total is at most 1,000 MXN",
        date(2026, 1, 1),
        but_kinds=frozenset("P"),
        total_max=1_000_000_000,
    ),
    Exemption("RMF 2.7.1.35 fr. IX", "it is asked for by the working day after the issue", _FROM, working_days=1),
)


def exemption(asked: Asked) -> Exemption | None:
    """Why the receiver need not accept; None when it must, as far as the rules tell."""
    return next((one for one in EXEMPTIONS if one.covers(asked)), None)


def last_day(issuer_rfc: str, issued_at: datetime) -> date:
    """The last day for asking: the month of the annual return of the year of issue, March for companies, April for people.

    Source: RMF rule 2.7.1.47 (2022 and later).
    """
    year = issued_at.year + 1
    return date(year, 3, 31) if len(issuer_rfc) == COMPANY_RFC_LENGTH else date(year, 4, 30)
