import pytest

from timbra.cfdi.pdf.figures import figure, moment, negative, percent, printable, wrapped


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("0", "0.00"),
        ("3944.00", "3,944.00"),
        ("1234567.5", "1,234,567.50"),
        ("0.125000", "0.125"),
        ("-12.3", "−12.30"),
        ("999999999999.999999", "999,999,999,999.999999"),
        ("", ""),
        ("1e5", "1e5"),
    ],
)
def test_amounts(text: str, printed: str) -> None:
    assert figure(text) == printed


def test_quantities_and_deductions() -> None:
    assert [figure(text, 0) for text in ("1.000000", "2.50", "1000")] == ["1", "2.5", "1,000"]
    assert [negative(text) for text in ("12.50", "0.00")] == ["−12.50", "0.00"]


@pytest.mark.parametrize(
    ("rate", "printed"),
    [("0.160000", "16%"), ("0.106667", "10.6667%"), ("0.000000", "0%"), ("1.600000", "160%"), ("x", "x")],
)
def test_rates(rate: str, printed: str) -> None:
    assert percent(rate) == printed


def test_moments() -> None:
    assert moment("2026-01-02T03:04:05", "es") == "2 ene 2026, 03:04:05"
    assert moment("2026-12-31T23:59:59", "en") == "31 Dec 2026, 23:59:59"
    assert moment("2026-13-01T00:00:00", "es") == "2026-13-01T00:00:00"
    assert moment("", "es") == ""


def test_long_words_may_break_and_short_ones_stay() -> None:
    assert printable("a" * 28) == "a" * 28
    assert printable("b " + "a" * 30) == "b " + "a" * 14 + "\u200b" + "a" * 14 + "\u200b" + "aa"


def test_seals_are_cut_into_lines() -> None:
    assert wrapped("abcdefg", 3) == "abc\ndef\ng"
