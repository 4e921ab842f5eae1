"""The clock of a nemesis' validator obeys its standard input."""

import pytest
import trio
import trio.testing

from jifen.actors.clock import system_clock
from jifen.testing.nemesis.validator import ShiftedClock, obey


async def test_the_clock_is_off_by_what_the_last_whole_line_says() -> None:
    clock = ShiftedClock()
    there, here = trio.testing.memory_stream_one_way_pair()
    await there.send_all(b"5\n-600000\n70")
    await there.aclose()

    await obey(clock, here)

    assert clock.offset_ms == -600_000
    assert abs(clock() - system_clock() + 600_000) < 10_000


async def test_what_is_no_offset_is_refused() -> None:
    there, here = trio.testing.memory_stream_one_way_pair()
    await there.send_all(b"x" * 100)
    with pytest.raises(ValueError, match="is no offset"):
        await obey(ShiftedClock(), here)
