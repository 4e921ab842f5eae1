"""However often something happens, the log says so a bounded number of times."""

import logging

import pytest
import structlog

from jifen.cli.throttle import EVENTS_MAX, LINES_MAX, WINDOW_SECONDS, Throttle


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_flood_of_one_event_is_cut_and_counted() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(LINES_MAX):
        assert throttle(None, "warning", {"event": "link refused"}) == {"event": "link refused"}
    for _ in range(7):
        with pytest.raises(structlog.DropEvent):
            throttle(None, "warning", {"event": "link refused"})

    clock.now += WINDOW_SECONDS

    assert throttle(None, "warning", {"event": "link refused"}) == {"event": "link refused", "left_out": 7}
    assert throttle(None, "warning", {"event": "link refused"}) == {"event": "link refused"}


def test_a_flood_of_one_event_does_not_silence_another() -> None:
    throttle = Throttle(Clock())
    for _ in range(10 * LINES_MAX):
        throttle.count("link refused")

    assert throttle(None, "error", {"event": "leader"}) == {"event": "leader"}


def test_what_libraries_say_is_bounded_too() -> None:
    throttle = Throttle(Clock())
    record = logging.LogRecord("trio", logging.ERROR, "-", 1, "accept returned %s", ("EMFILE",), None)

    assert [throttle.filter(record) for _ in range(LINES_MAX + 3)] == [True] * LINES_MAX + [False] * 3


def test_events_without_number_do_not_fill_the_memory() -> None:
    throttle = Throttle(Clock())
    for number in range(10 * EVENTS_MAX):
        throttle.count(f"event {number}")

    assert len(throttle._windows) <= EVENTS_MAX
