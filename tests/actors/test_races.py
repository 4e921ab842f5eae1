"""Races between members at four validators: what there is once is given once, and nobody loses a point."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import trio

from jifen.chain.sealing import SealedTransaction
from jifen.ledger.rejections import Rejection
from jifen.testing.running_alliance import RunningAlliance, running_alliance


@pytest.fixture
async def alliance(tmp_path: Path) -> AsyncIterator[RunningAlliance]:
    async with running_alliance(tmp_path) as running:
        await running.start()
        yield running


async def outcomes_of(alliance: RunningAlliance, items: Sequence[SealedTransaction]) -> Counter[Rejection | None]:
    """Submit transactions all at once, each through the next validator, and count what became of them."""
    outcomes: Counter[Rejection | None] = Counter()

    async def submit(name: str, item: SealedTransaction) -> None:
        [result] = await alliance.submit(name, item.signed)
        assert result.error is None, result.message
        outcomes[result.rejection] += 1

    async with trio.open_nursery() as nursery:
        for number, item in enumerate(items):
            nursery.start_soon(submit, alliance.names[number % len(alliance.names)], item)
    return outcomes


async def at_every_validator(alliance: RunningAlliance) -> None:
    """Wait until all validators have what any of them has committed, and agree on the state."""
    await alliance.height(max(node.status().height for node in alliance.nodes.values()))
    await alliance.digest()


async def test_c5_of_twenty_gifts_of_the_same_hundred_points_through_four_validators_one_is_made(
    alliance: RunningAlliance,
) -> None:
    clerk = alliance.clerk
    recipients = [f"friend {number}" for number in range(20)]
    opening = [clerk.register(name) for name in ("ann", *recipients)]
    opening.append(clerk.earn("ann", "o-1", 1000))
    assert await outcomes_of(alliance, opening[:-1]) == {None: 21}
    assert await outcomes_of(alliance, opening[-1:]) == {None: 1}
    await at_every_validator(alliance)

    gifts = [clerk.transfer("ann", name, 100) for name in recipients]
    assert await outcomes_of(alliance, gifts) == {None: 1, Rejection.INSUFFICIENT_POINTS: 19}

    await at_every_validator(alliance)
    for node in alliance.nodes.values():
        with node.read() as view:
            held = [view.holdings(clerk.member(name).account) for name in ("ann", *recipients)]
        assert held[0] == [], "the giver has nothing left"
        assert [[holding.available for _, holding in each] for each in held if each] == [[100]]
