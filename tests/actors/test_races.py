"""Races between members at four validators: what there is once is given once, and nobody loses a point."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import trio

from jifen.chain.sealing import SealedTransaction
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.bodies import PublishReward, RedeemReward
from jifen.ledger.rewards.records import RewardDetails, RewardPrice
from jifen.ledger.rules.bodies import PublishEarningRule
from jifen.ledger.rules.records import Bracket, EarningRule
from jifen.testing.running_alliance import RunningAlliance, running_alliance
from jifen.testing.small_alliance import keys_of


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


async def test_f3a_of_fifty_buyers_of_the_last_reward_one_gets_it_and_the_others_keep_their_points(
    alliance: RunningAlliance,
) -> None:
    clerk = alliance.clerk
    buyers = [f"buyer {number}" for number in range(50)]
    details = RewardDetails("The last umbrella", (RewardPrice("books/consumer", 100),), hold_minutes=60)
    reward = clerk.sealed(
        PublishReward(clerk.expires_at, bytes(8), "books/umbrella", 1, details, 1), keys_of("books").operator
    )
    assert await outcomes_of(alliance, [reward, *map(clerk.register, buyers)]) == {None: 51}
    assert await outcomes_of(alliance, [clerk.earn(name, f"o-{name[6:]}", 1000) for name in buyers]) == {None: 50}
    await at_every_validator(alliance)

    wishes = [
        clerk.sealed(
            RedeemReward(
                clerk.expires_at, bytes(8), clerk.member(name).account, "books/umbrella", 1, "books/consumer", 100
            ),
            clerk.member(name).key,
        )
        for name in buyers
    ]
    assert await outcomes_of(alliance, wishes) == {None: 1, Rejection.REWARD_SOLD_OUT: 49}

    await at_every_validator(alliance)
    for node in alliance.nodes.values():
        with node.read() as view:
            held = [holding for name in buyers for _, holding in view.holdings(clerk.member(name).account)]
        assert sorted((holding.available, holding.held) for holding in held) == [(0, 100), *[(100, 0)] * 49]


async def test_p6_two_hundred_orders_never_earn_more_than_the_budget_of_a_thousand_points(
    alliance: RunningAlliance,
) -> None:
    clerk = alliance.clerk
    shoppers = [f"shopper {number}" for number in range(10)]
    rule = EarningRule(2, (Bracket(0, 1, 100),), budget=1000)
    publication = clerk.sealed(
        PublishEarningRule(clerk.expires_at, bytes(8), "books", "books/consumer", rule), keys_of("books").operator
    )
    assert await outcomes_of(alliance, [publication, *map(clerk.register, shoppers)]) == {None: 11}
    await at_every_validator(alliance)

    orders = [clerk.earn(shoppers[number % 10], f"o-{number}", 700) for number in range(200)]
    assert await outcomes_of(alliance, orders) == {None: 200}, "an order is taken in also when nothing is left for it"

    await at_every_validator(alliance)
    for node in alliance.nodes.values():
        with node.read() as view:
            held = [holding for name in shoppers for _, holding in view.holdings(clerk.member(name).account)]
            assert view.supply("books/consumer").issued == sum(holding.available for holding in held) == 1000
