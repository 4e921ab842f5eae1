"""The hub: block listeners miss nothing, balance listeners get the newest, nobody is waited for."""

from collections.abc import AsyncIterator

import msgspec
import pytest
import trio
import trio.testing

from jifen.actors import subscriptions
from jifen.actors.subscriptions import SubscriptionHub, TooManySubscribers
from jifen.codec.records import encode_writes
from jifen.ledger.state import offer_key
from jifen.ledger.swaps.records import ENTRY, SwapOffer, board_key
from jifen.ledger.types import Lot, LotOrigin, Record
from jifen.store.records import CommittedBlock
from jifen.testing.small_chain import SmallChain


class Feed:
    """A chain whose blocks are published one by one."""

    def __init__(self) -> None:
        self.chain = SmallChain()
        self.hub = SubscriptionHub(0)

    def publish(self, *earners: str) -> None:
        """Commit a block in which each of `earners` gets points."""
        clerk, height = self.chain.clerk, self.chain.executor.tip.height + 1
        block = self.chain.build([clerk.earn(name, f"{name}-{height}") for name in earners])
        self.hub.publish(CommittedBlock(block, self.chain.certify(block)))

    def register(self, *names: str) -> None:
        block = self.chain.build([self.chain.clerk.register(name) for name in names])
        self.hub.publish(CommittedBlock(block, self.chain.certify(block)))

    def write(self, writes: dict[bytes, Record | None]) -> None:
        """Commit a block of which it is only told what it has changed."""
        block = self.chain.build([])
        changed = msgspec.structs.replace(block, writes=encode_writes(writes))
        self.hub.publish(CommittedBlock(changed, self.chain.certify(block)))

    def account(self, name: str) -> bytes:
        return self.chain.clerk.member(name).account


@pytest.fixture
def feed() -> Feed:
    made = Feed()
    made.register("ann", "bob")
    return made


async def soon(heights: AsyncIterator[int]) -> int:
    with trio.fail_after(60):
        return await anext(heights)


async def nothing(heights: AsyncIterator[int]) -> bool:
    """Tell whether the listener has to wait."""
    arrived: list[int] = []

    async def look() -> None:
        arrived.append(await anext(heights))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    return not arrived


async def test_blocks_come_without_a_gap_however_slow_the_listener_is(feed: Feed) -> None:
    async with feed.hub.blocks(after=0) as heights:
        assert await soon(heights) == 1
        for _ in range(20):
            feed.publish()
        assert [await soon(heights) for _ in range(20)] == list(range(2, 22))
        assert await nothing(heights)
        feed.publish()
        assert await soon(heights) == 22


async def test_by_default_the_newest_block_comes_first(feed: Feed) -> None:
    feed.publish()
    async with feed.hub.blocks(after=None) as heights:
        assert await soon(heights) == 2
        assert await nothing(heights)


async def test_a_listener_ahead_of_the_chain_waits_for_it(feed: Feed) -> None:
    async with feed.hub.blocks(after=3) as heights:
        for _ in range(2):
            feed.publish()
            assert await nothing(heights)
        feed.publish()
        assert await soon(heights) == 4


async def test_an_account_tells_the_height_at_once_and_then_its_own_changes_only(feed: Feed) -> None:
    async with feed.hub.account(feed.account("ann")) as heights:
        assert await soon(heights) == 1
        feed.publish("bob")
        assert await nothing(heights)
        feed.publish("bob", "ann")
        assert await soon(heights) == 3
        assert await nothing(heights)


async def test_changes_that_a_slow_listener_missed_become_the_newest_one(feed: Feed) -> None:
    async with feed.hub.account(feed.account("ann")) as heights:
        assert await soon(heights) == 1
        for earner in ("ann", "ann", "bob", "ann", "bob"):
            feed.publish(earner)
        assert await soon(heights) == 5
        assert await nothing(heights)


async def test_a_change_between_subscribing_and_listening_is_not_missed(feed: Feed) -> None:
    async with feed.hub.account(feed.account("ann")) as heights:
        feed.publish("ann")
        assert await soon(heights) == 2
        assert await nothing(heights)


async def test_listeners_do_not_disturb_each_other(feed: Feed) -> None:
    async with (
        feed.hub.account(feed.account("ann")) as one,
        feed.hub.account(feed.account("ann")) as other,
        feed.hub.blocks(after=1) as blocks,
    ):
        assert [await soon(one), await soon(other)] == [1, 1]
        feed.publish("ann")
        assert [await soon(one), await soon(blocks)] == [2, 2]
        feed.publish("ann")
        assert [await soon(other), await soon(one), await soon(blocks)] == [3, 3, 3]


async def test_a_board_tells_of_offers_to_everybody_made_taken_in_part_and_closed(feed: Feed) -> None:
    lots = (Lot(20, LotOrigin.EARNED, 0, 0),)
    offer = SwapOffer(bytes(20), "mall/guide", 20, "mall/store", 30, 30, 2, 99, None, 1, 20, lots)
    name, place = offer_key(bytes(32)), board_key(bytes(32), offer)
    part = msgspec.structs.replace(offer, left=16)
    turned = msgspec.structs.replace(offer, give_type="mall/store", want_type="mall/guide")
    private = msgspec.structs.replace(part, counterparty=bytes(20))
    changes: tuple[dict[bytes, Record | None], ...] = (
        {name: offer, place: ENTRY},
        {name: part},
        {name: None, place: None},
    )
    async with feed.hub.board("mall/guide", "mall/store") as heights:
        assert await soon(heights) == 1
        for height, writes in enumerate(changes, start=2):
            feed.write(writes)
            assert await soon(heights) == height
        feed.write({name: private})
        feed.write({name: turned, board_key(bytes(32), turned): ENTRY})
        feed.publish("ann")
        assert await nothing(heights)
        feed.hub.jumped(9)
        assert await soon(heights) == 9, "a snapshot may have changed anything"
    assert feed.hub._parts == {}


async def test_everything_is_forgotten_when_listeners_leave(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "SUBSCRIBERS_MAX", 2)
    for _ in range(5):
        async with feed.hub.account(feed.account("ann")), feed.hub.blocks(None):
            pass
    with pytest.raises(ValueError, match="on the way out"):
        async with feed.hub.account(feed.account("ann")):
            raise ValueError("on the way out")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed.hub.wait_for, 99)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert feed.hub._count == 0
    assert feed.hub._parts == {}
    assert feed.hub._blocks == {}


async def test_a_full_hub_refuses_and_takes_the_next_when_one_has_left(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "SUBSCRIBERS_MAX", 1)
    async with feed.hub.blocks(None):
        with pytest.raises(TooManySubscribers, match="another validator"):
            async with feed.hub.account(bytes(20)):
                pytest.fail("one too many")
        with pytest.raises(TooManySubscribers):
            await feed.hub.wait_for(2)
        await feed.hub.wait_for(1)  # reached already: costs no place
    assert feed.hub._parts == {}
    async with feed.hub.account(bytes(20)) as heights:
        assert await soon(heights) == 1


async def test_whoever_waits_for_a_height_goes_on_when_it_is_there(feed: Feed) -> None:
    reached: list[int] = []

    async def wait(height: int) -> None:
        await feed.hub.wait_for(height)
        reached.append(height)

    async with trio.open_nursery() as nursery:
        for height in (3, 1, 2):
            nursery.start_soon(wait, height)
        await trio.testing.wait_all_tasks_blocked()
        assert reached == [1]
        feed.publish()
        await trio.testing.wait_all_tasks_blocked()
        assert reached == [1, 2]
        feed.publish()
    assert reached == [1, 2, 3]
