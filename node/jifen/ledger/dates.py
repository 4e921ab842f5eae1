"""Days and dates, by integers alone.

A day is a calendar day at a fixed distance from UTC, so that an issuer's day ends at midnight where its shops are.
There is no daylight saving in it: the distance is part of the terms, and changing it is a new version of them.
"""

from functools import lru_cache
from typing import Final

DAY_MS: Final = 24 * 60 * 60 * 1000
MINUTE_MS: Final = 60 * 1000

_DAYS_REMEMBERED: Final = 64
"""Days whose month's and year's end are not reckoned anew: today's and those of refunds, in every time zone."""

_DAYS_OF_400_YEARS: Final = 146_097
_DAYS_TO_EPOCH: Final = 719_468
"""Days from 1 March of year 0 to 1 January 1970."""


def day_start(time_ms: int, utc_offset_minutes: int = 0) -> int:
    """Return the start, in ms since the epoch, of the local day in which `time_ms` lies."""
    return time_ms - (time_ms + utc_offset_minutes * MINUTE_MS) % DAY_MS


def day_end(time_ms: int, days: int, utc_offset_minutes: int = 0) -> int:
    """Return the end of the local day `days` days after the one in which `time_ms` lies: at least `days` full days."""
    return day_start(time_ms, utc_offset_minutes) + (days + 1) * DAY_MS


def month_end(time_ms: int, utc_offset_minutes: int, *, of_year: bool) -> int:
    """Return the end, in ms since the epoch, of the local month, or year, in which `time_ms` lies."""
    day = (time_ms + utc_offset_minutes * MINUTE_MS) // DAY_MS
    return _first_day_after(day, of_year) * DAY_MS - utc_offset_minutes * MINUTE_MS


@lru_cache(maxsize=_DAYS_REMEMBERED)
def _first_day_after(day: int, of_year: bool) -> int:
    """Return the first day after the month, or year, of a day. Purchases ask again and again for a few days."""
    year, month = year_and_month_of(day)
    return day_of_date(year + 1, 1, 1) if of_year or month == 12 else day_of_date(year, month + 1, 1)


def year_and_month_of(day: int) -> tuple[int, int]:
    """Return year and month (1 to 12) of a day, counted from 1 January 1970 (proleptic Gregorian calendar).

    The count is moved to years that begin in March, so that a leap day is the last of its year, and cut into the 400
    years after which the calendar repeats (Hinnant, "chrono-compatible low-level date algorithms", civil_from_days).
    """
    era, day_of_era = divmod(day + _DAYS_TO_EPOCH, _DAYS_OF_400_YEARS)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    months_from_march = (5 * day_of_year + 2) // 153
    month = months_from_march + 3 if months_from_march < 10 else months_from_march - 9
    return era * 400 + year_of_era + (1 if month <= 2 else 0), month


def day_of_date(year: int, month: int, day: int) -> int:
    """Return the day, counted from 1 January 1970, of a date; a day past the end of its month is the month's last."""
    from_march = year - 1 if month <= 2 else year
    era, year_of_era = divmod(from_march, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + min(day, _days_of(year, month)) - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * _DAYS_OF_400_YEARS + day_of_era - _DAYS_TO_EPOCH


def _days_of(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31
