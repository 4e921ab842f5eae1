"""Checking signatures without stopping the event loop."""

import os
from collections.abc import Sequence
from functools import partial

import trio

from jifen.keys.verification import Claim, false_claims

CLAIMS_INLINE_MAX = 3
"""Claims checked on the spot: some 120 us, about what handing them to a thread would cost."""

CLAIMS_PER_THREAD_MIN = 64
"""A thread is worth its start from about this many claims, 2.5 ms of work."""


async def find_false(claims: Sequence[Claim]) -> list[int]:
    """Return the ascending indexes of the claims that do not hold, checking many at once on worker threads."""
    if len(claims) <= CLAIMS_INLINE_MAX:
        await trio.lowlevel.checkpoint()
        return false_claims(claims)
    threads = max(1, min(os.cpu_count() or 1, len(claims) // CLAIMS_PER_THREAD_MIN))
    size = -(-len(claims) // threads)
    found: list[list[int]] = [[] for _ in range(threads)]

    async def check(place: int) -> None:
        start = place * size
        part = await trio.to_thread.run_sync(false_claims, claims[start : start + size])
        found[place] = [start + index for index in part]

    if threads == 1:
        await check(0)
    else:
        async with trio.open_nursery() as nursery:
            for place in range(threads):
                nursery.start_soon(partial(check, place))
    return [index for part in found for index in part]
