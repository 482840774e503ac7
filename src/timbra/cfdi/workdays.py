"""Working days of SAT's terms: Monday to Friday without the holidays of CFF article 12."""

from datetime import date, datetime, timedelta

from timbra.cfdi.zones import CENTRAL, instant_of, local_time

ACCEPTANCE_DAYS = 3  # RMF rule 2.7.1.34: the receiver's time to answer a cancellation request
_FIXED = {(1, 1), (5, 1), (5, 5), (9, 16), (12, 25)}


def _nth_monday(year: int, month: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(7 - first.weekday()) % 7 + 7 * (nth - 1))


def is_working_day(day: date) -> bool:
    """False on weekends and on the days that CFF article 12 leaves out."""
    if day.weekday() >= 5 or (day.month, day.day) in _FIXED:
        return False
    movable = (
        _nth_monday(day.year, 2, 1),
        _nth_monday(day.year, 3, 3),
        _nth_monday(day.year, 11, 3),
    )
    is_handover = day.month == 10 and day.day == 1 and (day.year - 2024) % 6 == 0  # federal executive power
    return day not in movable and not is_handover


def add_working_days(day: date, count: int) -> date:
    """The ``count``-th working day after ``day``."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def acceptance_ends_ms(requested_ms: int) -> int:
    """When the receiver's time to answer ends: the same hour, three working days later, in the central zone.

    Instants are ms UTC. Source: RMF rule 2.7.1.34.
    """
    local = local_time(requested_ms, CENTRAL)
    day = add_working_days(local.date(), ACCEPTANCE_DAYS)
    return instant_of(datetime.combine(day, local.time()), CENTRAL)
