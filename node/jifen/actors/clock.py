"""Ticks and the time of day."""

import time
from collections.abc import Callable

import trio

Clock = Callable[[], int]
"""Tells the time of day in ms since the epoch."""


def system_clock() -> int:
    """Return the system's time of day in ms since the epoch."""
    return time.time_ns() // 1_000_000


async def tick_for_ever(tick_ms: int, on_tick: Callable[[], None]) -> None:
    """Call `on_tick` every `tick_ms`.

    A late tick is not made up for: after a pause of the machine, messages that waited are handled before time-outs.
    """
    while True:
        await trio.sleep(tick_ms / 1000)
        on_tick()
