"""Rounding, reading and writing of micro amounts."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timbra.cfdi.model import Micro
from timbra.cfdi.money import LIMIT, decimals_of, half_up, micro, round_to, text, times, to_decimal

amounts = st.integers(0, LIMIT).map(Micro)


@pytest.mark.parametrize(
    ("value", "rounded"), [("2.665", "2.67"), ("0.005", "0.01"), ("1.005", "1.01"), ("0.004999", "0")]
)
def test_halves_are_rounded_up(value: str, rounded: str) -> None:
    assert round_to(micro(value), 2) == micro(rounded)


@pytest.mark.parametrize(
    ("n", "d", "expected"), [(0, 7, 0), (1, 2, 1), (1, 3, 0), (2, 3, 1), (10**40, 3, (10**40 - 1) // 3)]
)
def test_half_up(n: int, d: int, expected: int) -> None:
    assert half_up(n, d) == expected


@pytest.mark.parametrize(("n", "d"), [(-1, 2), (1, 0), (1, -1)])
def test_half_up_takes_no_negative_numbers(n: int, d: int) -> None:
    with pytest.raises(AssertionError):
        half_up(n, d)


@given(a=amounts, b=amounts)
def test_times_is_the_rounded_product(a: Micro, b: Micro) -> None:
    assert times(a, b) == half_up(a * b, 10**6)


@given(value=amounts, decimals=st.integers(0, 6))
def test_rounding_moves_an_amount_by_half_a_unit_at_most(value: Micro, decimals: int) -> None:
    unit = 10 ** (6 - decimals)

    rounded = round_to(value, decimals)

    assert rounded % unit == 0
    assert -unit <= 2 * (value - rounded) < unit


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("99.99"), 99_990_000),
        (Decimal("-1.5"), -1_500_000),
        (Decimal("1E+3"), 1_000_000_000),
        (Decimal("0E+999999"), 0),
        (Decimal("-0"), 0),
        (Decimal("1.00000000000000"), 1_000_000),
        (7, 7_000_000),
        ("0.000001", 1),
        ("999999999999.999999", LIMIT),
        ("-999999999999.999999", -LIMIT),
    ],
)
def test_micro_is_exact(value: Decimal | str | int, expected: int) -> None:
    assert micro(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        Decimal("0.0000001"),
        Decimal("1E-999999"),
        Decimal("1.0000000000000000000000000000000000001"),
        Decimal("999999999999.9999999"),
        Decimal("1E+12"),
        Decimal("1E+999999"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
        10**12,
        10**400,
        "1000000000000",
        "",
        "1e5",
        "1_000",
        " 1",
        "1\n",
        "+1",
        ".5",
        "1.",
        "1,5",
        "٣",
        "NaN",
        "9" * 5_000,
    ],
)
def test_micro_refuses_what_is_no_amount(value: Decimal | str | int) -> None:
    with pytest.raises(ValueError, match=r"is not a|is too large|has more than 6 decimals"):
        micro(value)


def test_micro_ignores_the_callers_decimal_context() -> None:
    with localcontext(prec=3):
        assert micro(Decimal("123456.789012")) == 123_456_789_012
        assert to_decimal(Micro(123_456_789_012)) == Decimal("123456.789012")


@given(value=amounts)
def test_decimal_and_text_come_back_as_the_same_amount(value: Micro) -> None:
    assert micro(to_decimal(value)) == value
    assert micro(text(value)) == value
    assert micro(to_decimal(Micro(-value))) == -value


@pytest.mark.parametrize(
    ("value", "decimals", "written"),
    [
        (0, 0, "0"),
        (0, 2, "0.00"),
        (5, 0, "0.000005"),
        (1_500_000, 0, "1.5"),
        (1_500_000, 2, "1.50"),
        (1_050_000, 2, "1.05"),
        (1_000_000, 6, "1.000000"),
        (160_000, 6, "0.160000"),
        (86_198_276, 2, "86.198276"),
        (86_198_000, 2, "86.198"),
        (86_198_000, 4, "86.1980"),
        (100_000_000, 1, "100.0"),
    ],
)
def test_text_has_at_least_the_decimals_asked_for(value: int, decimals: int, written: str) -> None:
    assert text(value, decimals) == written


@given(value=amounts, decimals=st.integers(0, 6))
def test_text_is_the_shortest_with_those_decimals(value: Micro, decimals: int) -> None:
    written = text(value, decimals)

    assert micro(written) == value
    assert decimals_of(written) >= decimals
    assert decimals_of(written) == decimals or not written.endswith("0")


def test_text_of_a_negative_amount_is_a_fault() -> None:
    with pytest.raises(AssertionError):
        text(-1)
