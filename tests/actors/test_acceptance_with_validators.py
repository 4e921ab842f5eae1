"""Scenarios of the requirements, named by their rows, that need running validators."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import trio

from jifen.actors.node import SubmitResult
from jifen.chain.gateway import open_transaction
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import EarnPoints
from jifen.testing.running_alliance import RunningAlliance, running_alliance
from jifen.testing.small_alliance import keys_of

TEN_MINUTES_MS = 10 * 60 * 1000


@pytest.fixture
async def alliance(tmp_path: Path) -> AsyncIterator[RunningAlliance]:
    async with running_alliance(tmp_path) as running:
        await running.start()
        yield running


async def submit_everywhere(alliance: RunningAlliance, *items: bytes) -> list[SubmitResult]:
    """Submit transactions at once, each through another validator, and return their outcomes in order."""
    found: dict[int, SubmitResult] = {}

    async def submit(number: int, item: bytes) -> None:
        [found[number]] = await alliance.submit(alliance.names[number % len(alliance.names)], item)

    async with trio.open_nursery() as nursery:
        for number, item in enumerate(items):
            nursery.start_soon(submit, number, item)
    return [found[number] for number in range(len(items))]


async def test_f2_x4_an_order_sent_twice_and_by_two_tills_at_once_is_credited_once_and_tells_the_same(
    alliance: RunningAlliance,
) -> None:
    clerk = alliance.clerk
    [_] = await submit_everywhere(alliance, clerk.register("ann").signed)
    first, second = clerk.earn("ann", "o-1", 1000).signed, clerk.earn("ann", "o-1", 1000).signed

    results = await submit_everywhere(alliance, first, second, first, second)

    assert all(result.error is None for result in results), results
    by_till = [{result.rejection for result in results[place::2]} for place in (0, 1)]
    taken = by_till.index({None} if {None} in by_till else {None, Rejection.ALREADY_APPLIED})
    assert by_till[1 - taken] <= {Rejection.ORDER_ALREADY_CREDITED, Rejection.ALREADY_APPLIED}
    await alliance.height(max(node.status().height for node in alliance.nodes.values()))
    for name in alliance.names:
        [again] = await alliance.submit(name, (first, second)[taken])
        assert (again.rejection, again.height is not None) == (None, True), "the same bytes have the same receipt"
        with alliance.nodes[name].read() as view:
            [(_, holding)] = view.holdings(clerk.member("ann").account)
            assert (holding.available, view.supply("books/consumer").issued) == (100, 100)


async def test_f8_thirty_orders_of_a_till_that_was_offline_are_replayed_once_each_with_the_times_they_had(
    alliance: RunningAlliance,
) -> None:
    clerk, till = alliance.clerk, keys_of("books").operator
    [_] = await submit_everywhere(alliance, clerk.register("ann").signed)
    offline_since = clerk.expires_at - 2 * TEN_MINUTES_MS
    queue = []
    for number in range(30):
        body, _ = open_transaction(clerk.chain_id, clerk.earn("ann", f"offline-{number}", 500).signed)
        assert isinstance(body.body, EarnPoints)
        bought = msgspec.structs.replace(body.body, purchased_at=offline_since + number * 20_000)
        queue.append(clerk.sealed(bought, till))

    first = await alliance.submit("books", *(item.signed for item in queue))
    again = await alliance.submit("cafe", *(item.signed for item in queue))

    assert [(result.rejection, result.error) for result in first + again] == [(None, None)] * 60
    assert [result.height for result in first] == [result.height for result in again], "each stands in one block"
    with alliance.nodes["books"].read() as view:
        [(_, holding)] = view.holdings(clerk.member("ann").account)
        assert holding.available == 30 * 50
        for number, item in enumerate(queue):
            record = view.transaction(item.id)
            assert record is not None
            kept, _ = open_transaction(clerk.chain_id, record.bytes)
            assert isinstance(kept.body, EarnPoints)
            assert kept.body.purchased_at == offline_since + number * 20_000


async def test_f9_c6_p4_without_the_mall_members_pass_points_on_and_the_mall_comes_to_the_same_state_later(
    alliance: RunningAlliance,
) -> None:
    clerk = alliance.clerk
    await submit_everywhere(alliance, clerk.register("ann").signed, clerk.register("bo").signed)
    [_] = await submit_everywhere(alliance, clerk.earn("ann", "o-1", 1000).signed)
    await alliance.stop("mall")
    await alliance.leader()

    [result] = await alliance.submit("books", clerk.transfer("ann", "bo", 40).signed)

    assert (result.rejection, result.error) == (None, None), "points move by their owner's signature alone"
    await alliance.start("mall")
    assert result.height is not None
    await alliance.height(result.height)
    await alliance.digest()
    with alliance.nodes["mall"].read() as view:
        balances = [view.holdings(clerk.member(name).account)[0][1].available for name in ("ann", "bo")]
    assert balances == [60, 40]
