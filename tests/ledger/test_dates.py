"""Days and dates by integers say what the standard library's calendar says."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.ledger.dates import DAY_MS, day_end, day_of_date, day_start, year_and_month_of

EPOCH: Final = date(1970, 1, 1)
dates = st.dates(EPOCH, date(9999, 12, 31))
offsets = st.integers(-720, 840)


@given(dates)
def test_a_day_has_the_year_and_month_of_the_calendar(day: date) -> None:
    assert year_and_month_of((day - EPOCH).days) == (day.year, day.month)


@given(dates)
def test_a_date_is_the_day_of_the_calendar(day: date) -> None:
    assert day_of_date(day.year, day.month, day.day) == (day - EPOCH).days


@pytest.mark.parametrize(
    ("year", "month", "day", "last"),
    [(2026, 2, 31, 28), (2028, 2, 31, 29), (2100, 2, 29, 28), (2000, 2, 30, 29), (2026, 4, 31, 30), (2026, 12, 31, 31)],
)
def test_a_day_past_the_end_of_its_month_is_the_last(year: int, month: int, day: int, last: int) -> None:
    assert day_of_date(year, month, day) == (date(year, month, last) - EPOCH).days


@given(st.integers(86_400_000, 250_000_000_000_000), offsets)
def test_a_local_day_begins_at_the_midnight_before(time: int, offset: int) -> None:
    moment = datetime.fromtimestamp(time / 1000, UTC)

    start = datetime.fromtimestamp(day_start(time, offset) / 1000, UTC) + timedelta(minutes=offset)

    assert (start.hour, start.minute, start.second) == (0, 0, 0)
    assert start.date() == (moment + timedelta(minutes=offset)).date()


@given(st.integers(0, 2**45), st.integers(0, 1000), offsets)
def test_what_lasts_for_days_lasts_that_many_full_days_and_ends_at_midnight(time: int, days: int, offset: int) -> None:
    end = day_end(time, days, offset)

    assert days * DAY_MS < end - time <= (days + 1) * DAY_MS
    assert day_start(end, offset) == end
