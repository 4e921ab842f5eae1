"""A bound on what strangers can make a validator write into its log.

Every refused connection is worth a line, and anybody can make thousands a second: unbounded, the log fills the disk
that the ledger needs.
"""

import time
from collections.abc import Callable
from logging import LogRecord
from typing import Any, Final, final

import structlog

LINES_MAX: Final = 60
"""Lines of one event in a window: all that a busy day has to say, some 30 MB a day of the loudest one at worst."""

WINDOW_SECONDS: Final = 60.0
"""Length of a window."""

EVENTS_MAX: Final = 256
"""Different events counted: ours are some dozens; a library that puts numbers into its messages must not grow this."""


@final
class Throttle:
    """Lets the first lines of every event through, counts the others, and tells their number with the next line."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}
        """Begin of the window, s, and lines in it, by event."""

    def count(self, event: str) -> int | None:
        """Count a line; return None when it is one too many, else how many were left out since the last one let by."""
        now = self._clock()
        begin, lines = self._windows.get(event, (now, 0))
        left_out = 0
        if now - begin >= WINDOW_SECONDS:
            begin, left_out, lines = now, max(0, lines - LINES_MAX), 0
        if len(self._windows) >= EVENTS_MAX and event not in self._windows:
            self._windows.clear()
        self._windows[event] = (begin, lines + 1)
        return None if lines >= LINES_MAX else left_out

    def __call__(self, _logger: Any, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
        """As a processor of structlog."""
        left_out = self.count(str(line.get("event")))
        if left_out is None:
            raise structlog.DropEvent
        if left_out:
            line["left_out"] = left_out
        return line

    def filter(self, record: LogRecord) -> bool:
        """As a filter of the standard library's logging, for what libraries say."""
        return self.count(str(record.msg)) is not None
