"""Periods (contract receipts.md section 4.1)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timbra.receipts.period import WORDS, Period, period_of

DAYS = st.dates(date(2024, 1, 1), date(2032, 12, 31))


@pytest.mark.parametrize(
    ("day", "word", "cuts", "expected"),
    [
        (date(2026, 10, 9), "day", None, Period(date(2026, 10, 9), "01", "10", 2026)),
        (date(2026, 10, 9), "week", None, Period(date(2026, 10, 11), "02", "10", 2026)),
        (date(2026, 10, 30), "week", None, Period(date(2026, 10, 31), "02", "10", 2026)),
        (date(2026, 10, 15), "two_weeks", None, Period(date(2026, 10, 15), "03", "10", 2026)),
        (date(2026, 2, 16), "two_weeks", None, Period(date(2026, 2, 28), "03", "02", 2026)),
        (date(2028, 2, 29), "month", None, Period(date(2028, 2, 29), "04", "02", 2028)),
        (date(2026, 10, 15), "month", 2, Period(date(2026, 10, 15), "03", "10", 2026)),
        (date(2026, 10, 16), "month", 2, Period(date(2026, 10, 31), "03", "10", 2026)),
        (date(2026, 10, 11), "month", 3, Period(date(2026, 10, 20), "03", "10", 2026)),
        (date(2026, 2, 1), "month", 4, Period(date(2026, 2, 7), "02", "02", 2026)),
        (date(2026, 10, 31), "month", 5, Period(date(2026, 10, 31), "02", "10", 2026)),
        (date(2026, 10, 9), "day", 3, Period(date(2026, 10, 9), "01", "10", 2026)),
        (date(2026, 1, 1), "two_months", None, Period(date(2026, 2, 28), "05", "13", 2026)),
        (date(2026, 12, 31), "two_months", None, Period(date(2026, 12, 31), "05", "18", 2026)),
    ],
)
def test_a_period_is_named_by_its_last_day(day: date, word: str, cuts: int | None, expected: Period) -> None:
    assert period_of(day, word, cuts) == expected


@given(day=DAYS, word=st.sampled_from(WORDS), cuts=st.sampled_from([None, 2, 3, 4, 5]))
def test_every_day_is_in_one_period_which_ends_in_its_months(day: date, word: str, cuts: int | None) -> None:
    period = period_of(day, word, cuts)

    assert day <= period.last_day
    assert period.last_day.year == period.year == day.year
    assert period_of(period.last_day, word, cuts) == period
    following = period_of(period.last_day + timedelta(days=1), word, cuts)
    assert following.last_day > period.last_day
