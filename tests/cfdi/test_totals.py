"""Contract M1 to M8: its vectors, every refusal, and an independent oracle over random documents."""

import os
from dataclasses import replace
from decimal import Decimal
from random import Random

import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import number

from factories import random_invoice
from factories.cfdi_invoice import tax
from timbra.cfdi.limits import line_limits, tax_limits
from timbra.cfdi.model import Factor, Hydrocarbons, Line, LineTax, LocalTax, Micro, Rate, Tax
from timbra.cfdi.money import LIMIT, micro, text
from timbra.cfdi.solver import smallest_shift
from timbra.cfdi.totals import AmountError, Totals, compute

CASES = int(os.environ.get("TIMBRA_SOAK_CASES", "2000"))

IVA = tax()
IVA_IN = LineTax(Tax.IVA, Factor.TASA, Rate(160_000), inclusive=True)
IEPS = tax(Tax.IEPS, "0.08")
IEPS_IN = LineTax(Tax.IEPS, Factor.TASA, Rate(80_000), inclusive=True)
CUOTA_IN = LineTax(Tax.IEPS, Factor.CUOTA, Rate(1_645_100), inclusive=True)
CUOTA = replace(CUOTA_IN, inclusive=False)
EXEMPT = LineTax(Tax.IVA, Factor.EXENTO)
ISR = tax(Tax.ISR, "0.10", withheld=True)


def line(quantity: str, price: str, *taxes: LineTax, discount: str = "0", **changes: object) -> Line:
    made = Line("80141503", "E48", "Servicio", micro(quantity), micro(price), micro(discount), taxes=taxes)
    return replace(made, **changes)


def headers(totals: Totals) -> tuple[str, ...]:
    values = (totals.subtotal, totals.discount, totals.taxes, totals.withholding_taxes, totals.total)
    return tuple(text(value, totals.decimals) for value in values)


# --- vectors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "decimals", "expected"),
    [
        ([line("1", "99.99", IVA_IN)], 2, ("86.20", "0.00", "13.79", "0.00", "99.99")),
        ([line("3", "33.333333", IVA)], 2, ("100.00", "0.00", "16.00", "0.00", "116.00")),
        ([line("1.5", "9.99", IVA)] * 11, 2, ("164.84", "0.00", "26.37", "0.00", "191.21")),
        ([line("1", "100", IEPS, IVA)], 2, ("100.00", "0.00", "25.28", "0.00", "125.28")),
        ([line("1", "125.28", IEPS_IN, IVA_IN)], 2, ("100.00", "0.00", "25.28", "0.00", "125.28")),
        ([line("2", "116", IVA_IN, discount="23.20")], 2, ("200.00", "20.00", "28.80", "0.00", "208.80")),
        (
            [line("1", "10000", IVA, ISR, tax(rate="0.106667", withheld=True))],
            2,
            ("10000.00", "0.00", "1600.00", "2066.67", "9533.33"),
        ),
        ([line("3", "333.4", IVA)], 0, ("1000", "0", "160", "0", "1160")),
        ([line("1", "0.11", IEPS_IN, IVA_IN)], 2, ("0.09", "0.00", "0.02", "0.00", "0.11")),
        ([line("1", "24.50", IVA_IN, CUOTA_IN)], 2, ("19.47", "0.00", "5.03", "0.00", "24.50")),
        ([line("1", "1.0005", IVA)], 3, ("1.001", "0.000", "0.160", "0.000", "1.161")),
    ],
)
def test_contract_vector_of_header_values(lines: list[Line], decimals: int, expected: tuple[str, ...]) -> None:
    assert headers(compute(lines, decimals=decimals)) == expected


def test_net_price_of_an_inclusive_line_has_6_decimals() -> None:
    totals = compute([line("1", "99.99", IVA_IN)], decimals=2)

    assert totals.lines[0].unit_price == micro("86.198276")
    assert totals.rounding_difference == 0


def test_line_taxes_are_rounded_at_6_decimals_over_their_own_bases() -> None:
    (row,) = compute([line("3", "33.333333", IVA, IEPS)], decimals=2).lines

    assert row.amount == micro("99.999999")
    assert [(t.tax, t.base, t.amount) for t in row.taxes] == [
        (Tax.IVA, micro("107.999999"), micro("17.28")),
        (Tax.IEPS, micro("99.999999"), micro("8")),
    ]


@pytest.mark.parametrize(
    ("lines", "net"),
    [
        ([line("1", "0.11", IEPS_IN, IVA_IN)], "0.086802"),
        ([line("1", "24.50", IVA_IN, CUOTA_IN)], "19.474999"),
        # One IVA alone meets its price without help.
        ([line("1", "99.99", IVA_IN)], "86.198276"),
    ],
)
def test_price_is_shifted_by_the_least_that_meets_the_gross_total(lines: list[Line], net: str) -> None:
    totals = compute(lines, decimals=2)

    assert totals.lines[0].unit_price == micro(net)
    assert totals.rounding_difference == 0


def test_shift_goes_to_the_line_with_the_largest_amount() -> None:
    totals = compute([line("1", "0.08", IVA_IN), line("1", "0.11", IEPS_IN, IVA_IN)], decimals=2)

    assert [row.unit_price for row in totals.lines] == [micro("0.068966"), micro("0.086033")]
    assert totals.total == micro("0.19")


def test_gap_that_no_shift_can_close_is_reported() -> None:
    # A step of 0.000001 in the price moves a million units by one peso.
    totals = compute([line("1000000", "1", IVA_IN)], decimals=2)

    assert totals.total == micro("1000000.04")
    assert totals.rounding_difference == micro("0.04")
    assert totals.lines[0].unit_price == micro("0.862069")


def test_taxes_outside_the_price_leave_it_unshifted() -> None:
    totals = compute([line("1", "0.11", IEPS_IN, IVA_IN), line("1", "1", IVA)], decimals=2)

    assert totals.lines[0].unit_price == micro("0.087803")
    assert totals.rounding_difference == 0


def test_withheld_taxes_of_all_rates_make_one_row_per_tax() -> None:
    lines = [line("1", "100.04", ISR), line("1", "100.36", tax(Tax.ISR, "0.0125", withheld=True))]

    (row,) = compute(lines, decimals=2).withheld

    assert (row.tax, row.factor, row.rate, row.amount) == (Tax.ISR, None, None, micro("11.26"))


def test_transferred_rows_are_one_per_tax_factor_and_rate() -> None:
    lines = [line("1", "10", IVA), line("1", "20", IVA), line("1", "5", tax(rate="0.08")), line("1", "7", EXEMPT)]

    rows = compute(lines, decimals=2).transferred

    assert [(r.factor, r.rate, r.base, r.amount) for r in rows] == [
        (Factor.TASA, 160_000, micro("30"), micro("4.80")),
        (Factor.TASA, 80_000, micro("5"), micro("0.40")),
        (Factor.EXENTO, None, micro("7"), 0),
    ]


def test_cuota_is_charged_per_unit_and_iva_on_top_of_it() -> None:
    totals = compute([line("10", "20", CUOTA, IVA)], decimals=2)

    assert [(t.base, t.amount) for t in totals.lines[0].taxes] == [
        (micro("10"), micro("16.451")),
        (micro("216.451"), micro("34.63216")),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"product_key": "15101514"},
        {"hydrocarbons": Hydrocarbons("PER01", "PL/1/EXP/ES/2020", "15101514", "SP16")},
    ],
)
def test_iva_of_fuels_leaves_ieps_out_of_its_base(changes: dict[str, object]) -> None:
    net = compute([line("10", "20", CUOTA, IVA, **changes)], decimals=2)
    gross = compute([line("10", "24.8451", CUOTA_IN, IVA_IN, **changes)], decimals=2)

    assert [(t.base, t.amount) for t in net.lines[0].taxes] == [
        (micro("10"), micro("16.451")),
        (micro("200"), micro("32")),
    ]
    assert gross.lines[0].unit_price == micro("20")
    assert gross.total == net.total == micro("248.45")


def test_inclusive_mark_of_a_withheld_tax_is_ignored() -> None:
    plain = compute([line("1", "100", IVA, ISR)], decimals=2)
    marked = compute([line("1", "100", IVA, replace(ISR, inclusive=True))], decimals=2)

    assert headers(marked) == headers(plain)


@pytest.mark.parametrize(("decimals", "expected"), [(2, ("3.00", "0.50")), (0, ("3", "1")), (3, ("3.00", "0.50"))])
def test_local_taxes_are_rounded_at_no_more_than_2_decimals(decimals: int, expected: tuple[str, str]) -> None:
    local = [LocalTax("ISH", Rate(30_000)), LocalTax("Cinco al millar", Rate(5_000), withheld=True)]

    totals = compute([line("1", "100.05")], decimals=decimals, local_taxes=local)

    places = min(decimals, 2)
    assert tuple(text(row.amount, places) for row in totals.local) == expected
    assert totals.total == totals.subtotal + totals.local_transferred_total - totals.local_withheld_total


def test_local_taxes_do_not_disturb_the_gross_total() -> None:
    totals = compute([line("1", "0.11", IEPS_IN, IVA_IN)], decimals=2, local_taxes=[LocalTax("ISH", Rate(500_000))])

    assert totals.subtotal + totals.transferred_total == micro("0.11")
    assert totals.total == micro("0.11") + totals.local_transferred_total


# --- M7 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("price", ["116", "99.99", "33.333333"])
def test_line_discounted_to_0_loses_its_taxes(price: str) -> None:
    gross = text(micro(price) * 3)
    totals = compute([line("3", price, IVA_IN, discount=gross), line("1", "10", IVA_IN)], decimals=2)

    assert totals.lines[0].taxes == ()
    assert totals.lines[0].taxability == "01"
    assert totals.lines[0].amount == totals.lines[0].discount > 0
    assert totals.total == micro("10")


@pytest.mark.parametrize("taxability", ["02", "07"])
def test_line_discounted_to_0_refuses_an_explicit_taxability_with_taxes(taxability: str) -> None:
    with pytest.raises(AmountError) as refusal:
        compute([line("1", "1"), line("1", "100", IVA, discount="100", taxability=taxability)], decimals=2)

    assert (refusal.value.path, refusal.value.fix) == ("items[1].taxability", "01")


def test_taxability_follows_the_taxes_unless_given() -> None:
    lines = [line("1", "1", IVA), line("1", "1"), line("1", "1", taxability="04"), line("1", "1", ISR, taxability="06")]

    assert [row.taxability for row in compute(lines, decimals=2).lines] == ["02", "01", "04", "06"]


def test_line_of_price_0_is_computed_without_taxes() -> None:
    totals = compute([line("4", "0", IVA)], decimals=2)

    assert totals.lines[0].taxes == ()
    assert totals.total == 0


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "path", "code", "fix"),
    [
        (line("0", "1"), "quantity", "min", None),
        (line("-1", "1"), "quantity", "min", None),
        (line("1", "-0.01"), "unit_price", "CFDI40166", None),
        (line("1", "0", IVA, taxability="02"), "unit_price", "CFDI40166", None),
        (line("1", "1", discount="-0.01"), "discount", "min", Decimal(0)),
        (line("2", "10", discount="20.000001"), "discount", "CFDI40169", Decimal(20)),
        (line("1", "1.90", CUOTA_IN, IVA_IN), "unit_price", "CFDI40166", None),
        (line("1", "1.60", CUOTA_IN), "unit_price", "CFDI40166", None),
        (line("1", "10", IEPS, IVA_IN), "taxes[0].inclusive", "conflict", True),
        (line("1", "10", IVA_IN, ISR, CUOTA), "taxes[2].inclusive", "conflict", True),
        (line("999999999999", "1.000001"), "quantity", "max", None),
        (line("999999999999", "999999999999"), "quantity", "max", None),
        (replace(line("1", "1"), quantity=Micro(2**80)), "quantity", "max", None),
        (replace(line("1", "1"), quantity=Micro(LIMIT + 1), unit_price=Micro(1)), "quantity", "max", None),
        (replace(line("0.000001", "1"), unit_price=Micro(2**80)), "unit_price", "max", None),
    ],
)
def test_impossible_line_is_refused_at_its_field(bad: Line, path: str, code: str, fix: object) -> None:
    with pytest.raises(AmountError) as refusal:
        compute([line("1", "1", IVA), bad], decimals=2)

    assert (refusal.value.path, refusal.value.code, refusal.value.fix) == (f"items[1].{path}", code, fix)


def test_header_beyond_the_limit_is_refused_at_the_largest_line() -> None:
    lines = [line("1", "400000000000"), line("1", "500000000000"), line("1", "400000000000")]

    with pytest.raises(AmountError) as refusal:
        compute(lines, decimals=2)

    assert refusal.value.path == "items[1].quantity"


def test_taxes_beyond_the_limit_are_refused() -> None:
    with pytest.raises(AmountError) as refusal:
        compute([line("1", "900000000000", IVA)], decimals=2)

    assert (refusal.value.path, refusal.value.code) == ("items[0].quantity", "max")


def test_withheld_taxes_above_the_total_are_refused() -> None:
    cuota = LineTax(Tax.IEPS, Factor.CUOTA, Rate(72_000_000), withheld=True)

    with pytest.raises(AmountError) as refusal:
        compute([line("1", "1", cuota)], decimals=2)

    assert refusal.value.path == "items[0].taxes"


def test_local_taxes_above_the_total_are_refused() -> None:
    with pytest.raises(AmountError) as refusal:
        compute([line("1", "1")], decimals=2, local_taxes=[LocalTax("X", Rate(2_000_000), withheld=True)])

    assert refusal.value.path == "local_taxes"


@pytest.mark.parametrize("rate", [-100, 30_050, 1])
def test_local_rate_with_more_than_4_decimals_is_refused(rate: int) -> None:
    with pytest.raises(AmountError) as refusal:
        compute([line("1", "1")], decimals=2, local_taxes=[LocalTax("ISH", Rate(0)), LocalTax("ISH", Rate(rate))])

    assert refusal.value.path == "local_taxes[1].rate"


# --- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "price", "low", "high"),
    [
        ("1.5", "9.99", "14.47", "15.50"),
        ("3", "33.333333", "83.33", "116.67"),
        ("0.333", "12.5", "4.13", "4.19"),
    ],
)
def test_line_limits(quantity: str, price: str, low: str, high: str) -> None:
    assert line_limits(quantity, price, 2) == (micro(low), micro(high))


@pytest.mark.parametrize(
    ("base", "rate", "low", "high"),
    [
        ("100.00", "0.16", "15.99", "16.01"),
        ("100", "0.16", "15.92", "16.08"),
        ("86.20", "0.16", "13.79", "13.80"),
        ("10000.00", "0.106667", "1066.66", "1066.68"),
        ("0", "0.16", "0", "0.08"),
    ],
)
def test_tax_limits(base: str, rate: str, low: str, high: str) -> None:
    assert tax_limits(base, rate, 2) == (micro(low), micro(high))


# --- properties ----------------------------------------------------------------------------------------------------


def compare(lines: tuple[Line, ...], decimals: int, local: tuple[LocalTax, ...]) -> None:
    """The engine and the oracle give the same document, or both refuse."""
    try:
        expected = oracle.document(lines, decimals, local)
    except oracle.Refused:
        with pytest.raises(AmountError):
            compute(lines, decimals=decimals, local_taxes=local)
        return
    totals = compute(lines, decimals=decimals, local_taxes=local)
    for row, wanted in zip(totals.lines, expected.rows, strict=True):
        assert (number(row.unit_price), number(row.amount)) == (wanted.price, wanted.amount)
        assert number(row.discount) == wanted.discount
        assert [(number(t.base), number(t.amount)) for t in row.taxes] == [(base, a) for _, base, a in wanted.taxes]
        low, high = line_limits(text(row.line.quantity), text(row.unit_price), decimals)
        assert low <= row.amount <= high
        for t in row.taxes:
            if t.factor is not Factor.EXENTO:
                low, high = tax_limits(text(t.base, decimals), text(t.rate, 6), decimals)
                assert low <= t.amount <= high
    transferred = {
        (g.tax, g.factor, number(g.rate or 0)): (number(g.base), number(g.amount)) for g in totals.transferred
    }
    assert transferred == expected.groups(withheld=False)
    withheld = {(g.tax,): (number(g.base), number(g.amount)) for g in totals.withheld}
    assert withheld == expected.groups(withheld=True)
    assert [number(row.amount) for row in totals.local] == expected.locals
    assert (number(totals.subtotal), number(totals.discount)) == (expected.subtotal, expected.discount)
    assert (number(totals.total), number(totals.rounding_difference)) == (expected.total, expected.difference)
    assert totals.total == totals.subtotal - totals.discount + totals.taxes - totals.withholding_taxes


def test_random_documents_equal_the_oracle() -> None:
    for seed in range(CASES):
        random = Random(seed)
        _, decimals = random.choice(random_invoice.CURRENCIES)
        try:
            compare(random_invoice.lines(random), decimals, random_invoice.local_taxes(random))
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise


@given(seed=st.integers(0), factor=st.integers(1, 10**6))
@settings(max_examples=100, deadline=None)
def test_gross_never_falls_when_a_price_grows(seed: int, factor: int) -> None:
    lines = [replace(row, discount=Micro(0)) for row in random_invoice.lines(Random(seed))]
    dearer = [replace(lines[0], unit_price=Micro(lines[0].unit_price + factor)), *lines[1:]]
    try:
        before, after = compute(lines, decimals=2), compute(dearer, decimals=2)
    except AmountError:
        return

    told = before.rounding_difference == 0 == after.rounding_difference
    assert not told or after.subtotal + after.transferred_total >= before.subtotal + before.transferred_total


@given(
    jumps=st.lists(st.integers(0, 3), min_size=61, max_size=61),
    target=st.integers(0, 180),
    lowest=st.integers(-30, 0),
)
@settings(max_examples=300, deadline=None)
def test_smallest_shift_is_what_trying_all_of_them_finds(jumps: list[int], target: int, lowest: int) -> None:
    def gross(shift: int) -> int:
        return sum(jumps[: max(-30, min(30, shift)) + 31])

    tried = [s for s in range(lowest, 31) if gross(s) == target]

    assert smallest_shift(gross, target, lowest=lowest) == min(tried, key=abs, default=None)


@given(
    price=st.integers(1, 10**9).map(lambda cents: cents * 10_000),
    rate=st.sampled_from([80_000, 160_000]),
    quantity=st.integers(1, 30),
)
@settings(max_examples=300, deadline=None)
def test_customer_pays_the_gross_price_to_the_cent(price: int, rate: int, quantity: int) -> None:
    included = LineTax(Tax.IVA, Factor.TASA, Rate(rate), inclusive=True)
    lines = [line("1", "1", included, unit_price=Micro(price))] * quantity

    totals = compute(lines, decimals=2)

    assert totals.total - totals.rounding_difference == price * quantity
    assert abs(totals.rounding_difference) <= micro("0.01")
