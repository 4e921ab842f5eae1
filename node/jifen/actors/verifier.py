"""Checking signatures without stopping the event loop."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import trio

from jifen.actors.surroundings import Workers
from jifen.keys.verification import Claim, false_claims

CLAIMS_INLINE_MAX = 3
"""Claims checked on the spot: some 120 us, about what handing them to a thread would cost."""

CLAIMS_PER_THREAD_MIN = 64
"""A thread is worth its start from about this many claims, 2.5 ms of work."""


FindFalse = Callable[[Sequence[Claim]], Awaitable[list[int]]]
"""Returns the ascending indexes of the claims that do not hold."""


async def find_false(claims: Sequence[Claim], workers: Workers) -> list[int]:
    """Return the ascending indexes of the claims that do not hold, checking many at once beside the event loop."""
    if len(claims) <= CLAIMS_INLINE_MAX:
        await trio.lowlevel.checkpoint()
        return false_claims(claims)
    threads = max(1, min(workers.count, len(claims) // CLAIMS_PER_THREAD_MIN))
    size = -(-len(claims) // threads)
    found: list[list[int]] = [[] for _ in range(threads)]

    async def check(place: int) -> None:
        start = place * size
        part = await workers.compute(partial(false_claims, claims[start : start + size]))
        found[place] = [start + index for index in part]

    if threads == 1:
        await check(0)
    else:
        async with trio.open_nursery() as nursery:
            for place in range(threads):
                nursery.start_soon(partial(check, place))
    return [index for part in found for index in part]
