"""Periods of receipts and of the global invoices that close them (contract receipts.md section 4.1), in Mexico City."""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from timbra.cfdi.codes import BIMONTHLY
from timbra.cfdi.zones import CENTRAL, instant_of

WORDS: Final = ("day", "week", "two_weeks", "month", "two_months")
BIMONTHLY_REGIME: Final = "621"
_DAILY, _WEEKLY, _FORTNIGHTLY, _MONTHLY = "01", "02", "03", "04"
_CODE_OF_CUTS: Final = {2: _FORTNIGHTLY, 3: _FORTNIGHTLY, 4: _WEEKLY, 5: _WEEKLY}
_LAST_SECOND: Final = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Period:
    """A period by its last day, and how the global node names it. code: c_Periodicidad; months: c_Meses."""

    last_day: date
    code: str
    months: str
    year: int

    @property
    def ends_ms(self) -> int:
        """23:59:59 of the last day."""
        return end_of_day_ms(self.last_day)


def end_of_day_ms(day: date) -> int:
    """23:59:59 of the day."""
    return instant_of(datetime.combine(day, _LAST_SECOND), CENTRAL)


def period_of(day: date, word: str, cuts: int | None) -> Period:
    """The period that holds the day. word: one of WORDS; cuts: global invoices a month, where the team wants several."""
    month = f"{day.month:02}"
    match word:
        case "day":
            return Period(day, _DAILY, month, day.year)
        case "week":
            sunday = day + timedelta(days=6 - day.weekday())
            return Period(min(sunday, _end_of_month(day)), _WEEKLY, month, day.year)
        case "two_weeks":
            last = day.replace(day=15) if day.day <= 15 else _end_of_month(day)
            return Period(last, _FORTNIGHTLY, month, day.year)
        case "two_months":
            even = day if day.month % 2 == 0 else _end_of_month(day) + timedelta(days=1)
            return Period(_end_of_month(even), BIMONTHLY, f"{12 + (day.month + 1) // 2:02}", day.year)
    assert word == "month", word
    if cuts:
        return Period(_end_of_cut(day, cuts), _CODE_OF_CUTS[cuts], month, day.year)
    return Period(_end_of_month(day), _MONTHLY, month, day.year)


def _end_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _end_of_cut(day: date, cuts: int) -> date:
    days = _end_of_month(day).day
    ends = (cut * days // cuts for cut in range(1, cuts + 1))
    return day.replace(day=next(end for end in ends if end >= day.day))
