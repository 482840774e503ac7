"""Working days of SAT's terms."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timbra.cfdi.workdays import acceptance_ends_ms, add_working_days, is_working_day
from timbra.cfdi.zones import CENTRAL, instant_of, local_time


@pytest.mark.parametrize(
    "day",
    [
        "2026-01-01", "2026-02-02", "2026-03-16", "2026-05-01", "2026-05-05", "2026-09-16", "2026-11-16", "2026-12-25",
        "2024-10-01", "2030-10-01", "2026-10-10", "2026-10-11", "2027-02-01", "2027-03-15", "2027-11-15",
    ],
)  # fmt: skip
def test_days_off(day: str) -> None:
    assert not is_working_day(date.fromisoformat(day))


@pytest.mark.parametrize("day", ["2026-02-05", "2026-03-21", "2026-10-01", "2026-11-20", "2026-12-12"])
def test_days_that_are_only_celebrated(day: str) -> None:
    assert is_working_day(date.fromisoformat(day)) is (date.fromisoformat(day).weekday() < 5)


@pytest.mark.parametrize(
    ("asked", "ends"),
    [
        ("2026-10-09T12:00:00", "2026-10-14T12:00:00"),  # Friday: Monday, Tuesday, Wednesday
        ("2026-10-10T23:59:59", "2026-10-14T23:59:59"),  # Saturday
        ("2026-11-12T09:30:00", "2026-11-18T09:30:00"),  # Monday 16 November is a holiday
        ("2026-12-24T18:00:00", "2026-12-30T18:00:00"),
        ("2026-12-30T00:00:00", "2027-01-05T00:00:00"),
        ("2026-04-30T10:00:00", "2026-05-07T10:00:00"),  # 1 and 5 May
        ("2024-09-30T10:00:00", "2024-10-04T10:00:00"),  # the federal executive power changes hands
    ],
)
def test_the_receiver_has_three_working_days(asked: str, ends: str) -> None:
    asked_ms = instant_of(datetime.fromisoformat(asked), CENTRAL)

    assert local_time(acceptance_ends_ms(asked_ms), CENTRAL).isoformat() == ends


@given(st.dates(date(2022, 1, 1), date(2060, 1, 1)), st.integers(1, 30))
def test_a_term_has_so_many_working_days(day: date, count: int) -> None:
    end = add_working_days(day, count)

    days = [date.fromordinal(one) for one in range(day.toordinal() + 1, end.toordinal() + 1)]
    assert sum(is_working_day(one) for one in days) == count
    assert is_working_day(end)
