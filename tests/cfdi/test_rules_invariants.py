"""Our own totals, checked again: nothing is found in what the engine makes, everything in what was tampered with."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories.cfdi_invoice import line, micro, tax
from timbra.cfdi.amounts import Totals
from timbra.cfdi.model import Factor, Line, LocalTax, Micro, Rate, Tax
from timbra.cfdi.rules import Level
from timbra.cfdi.rules.invariants import check_totals
from timbra.cfdi.totals import AmountError, compute

TAXES = [
    tax(),
    tax(rate="0.08"),
    tax(rate="0", factor=Factor.EXENTO),
    tax(Tax.IEPS, "0.08"),
    tax(Tax.IEPS, "1.6451", Factor.CUOTA),
    tax(Tax.ISR, "0.10", withheld=True),
    tax(Tax.ISR, "0.0125", withheld=True),
    tax(rate="0.106667", withheld=True),
]
LINES = st.builds(
    line,
    quantity=st.integers(1, 10**10).map(Micro),
    unit_price=st.integers(1, 10**10).map(Micro),
    taxes=st.lists(st.sampled_from(TAXES), unique=True, max_size=4).map(tuple),
)
MIXED = compute(
    [
        line(discount=micro("100"), taxes=(tax(), tax(Tax.ISR, "0.10", withheld=True))),
        line(unit_price=micro("33.333333"), taxes=(tax(rate="0", factor=Factor.EXENTO),)),
    ],
    decimals=2,
    local_taxes=[LocalTax("ISH", Rate(30_000))],
)


@settings(max_examples=300)
@given(st.lists(LINES, min_size=1, max_size=5), st.sampled_from([0, 2, 3]), st.integers(0, 100))
def test_nothing_is_found_in_computed_totals(lines: list[Line], decimals: int, discount_percent: int) -> None:
    discounted = [
        line(
            quantity=row.quantity,
            unit_price=row.unit_price,
            taxes=row.taxes,
            discount=Micro(row.quantity * row.unit_price // 10**8 * discount_percent),
        )
        for row in lines
    ]
    try:
        totals = compute(discounted, decimals=decimals)
    except AmountError:
        return
    found = [row for row in check_totals(totals) if row.level is Level.INVARIANT]
    assert found == []


def codes(totals: Totals) -> set[str]:
    return {row.code for row in check_totals(totals)}


def first_line(**changes: Any) -> Totals:
    return MIXED._replace(lines=(MIXED.lines[0]._replace(**changes), *MIXED.lines[1:]))


def first_tax(at: int, **changes: Any) -> Totals:
    taxes = list(MIXED.lines[0].taxes)
    taxes[at] = taxes[at]._replace(**changes)
    return first_line(taxes=tuple(taxes))


def first_group(side: str, **changes: Any) -> Totals:
    first, *rest = getattr(MIXED, side)
    return MIXED._replace(**{side: (first._replace(**changes), *rest)})


CENT = 10_000


@pytest.mark.parametrize(
    ("totals", "code"),
    [
        (MIXED._replace(subtotal=Micro(MIXED.subtotal + CENT)), "CFDI40108"),
        (MIXED._replace(subtotal=Micro(MIXED.subtotal + 1)), "CFDI40107"),
        (MIXED._replace(discount=Micro(MIXED.discount + CENT)), "CFDI40111"),
        (MIXED._replace(discount=Micro(MIXED.discount + 1)), "CFDI40112"),
        (MIXED._replace(has_discount=False), "CFDI40111"),
        (MIXED._replace(discount=Micro(MIXED.subtotal + CENT)), "CFDI40110"),
        (MIXED._replace(total=Micro(MIXED.total + CENT)), "CFDI40119"),
        (first_line(amount=Micro(MIXED.lines[0].amount + 1)), "CFDI40167"),
        (first_line(discount=Micro(MIXED.lines[0].amount + 1)), "CFDI40169"),
        (first_tax(0, amount=Micro(1)), "CFDI40180"),
        (first_tax(1, amount=Micro(1)), "CFDI40186"),
        (first_group("withheld", amount=Micro(CENT)), "CFDI40211"),
        (first_group("transferred", base=Micro(CENT)), "CFDI40215"),
        (first_group("transferred", amount=Micro(CENT)), "CFDI40221"),
        (MIXED._replace(transferred=(*MIXED.transferred, MIXED.transferred[0])), "CFDI40218"),
        (MIXED._replace(withheld=MIXED.withheld * 2), "CFDI40208"),
        (MIXED._replace(transferred=MIXED.transferred[:1]), "CFDI40221"),
        (
            MIXED._replace(transferred=(MIXED.transferred[0], MIXED.transferred[1]._replace(base=Micro(CENT)))),
            "CFDI40216",
        ),
    ],
)
def test_a_tampered_amount_is_found(totals: Totals, code: str) -> None:
    found = [row for row in check_totals(totals) if row.code == code]

    assert found
    assert all(row.level is Level.INVARIANT and row.path == "" and row.fix is None for row in found)


def test_the_untouched_totals_hold() -> None:
    assert codes(MIXED) == set()


@pytest.mark.parametrize(
    ("totals", "code", "path", "fix"),
    [
        (first_line(unit_price=Micro(0), amount=Micro(0), discount=Micro(0)), "CFDI40166", "items[0].unit_price", None),
        (first_tax(0, base=Micro(0), amount=Micro(0)), "CFDI40174", "items[0].taxes", []),
        (first_tax(1, base=Micro(0), amount=Micro(0)), "CFDI40181", "items[0].taxes", []),
    ],
)
def test_what_vanished_in_rounding_is_the_callers(totals: Totals, code: str, path: str, fix: object) -> None:
    found = [row for row in check_totals(totals) if row.code == code]

    assert [(row.path, row.fix, row.level) for row in found] == [(path, fix, Level.REFUSE)]
