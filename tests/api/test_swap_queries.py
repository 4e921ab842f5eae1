"""Swap offers and locks over the real server, asked in the SDK's own words."""

from collections.abc import AsyncIterator
from typing import Any, final

import httpx
import pytest
import trio

from jifen.client import Client, TransactionBuilder
from jifen.client.errors import ClientError, Refused
from jifen.client.subscriptions import Subscription
from jifen.client.swaps import BoardUpdate
from jifen.codec.addresses import encode_account
from jifen.keys.signing import KeyPair
from jifen.ledger.dates import DAY_MS
from jifen.ledger.locks.records import LockReason, UnlockReason
from jifen.ledger.terms.records import Terms
from jifen.ledger.types import RoleClass
from jifen.testing.fake_node import MASTER, FakeNode, operator_of

ALICE, BOB = (KeyPair.derive(MASTER, f"member/{name}") for name in ("alice", "bob"))
GIVEN, WANTED = "mall/consumer", "mall/guide"


@final
class Market:
    """Alice has a thousand of the one points, Bob of the other."""

    def __init__(self, node: FakeNode, client: Client) -> None:
        self.node = node
        self.client = client
        self.builder = TransactionBuilder(node.chain_id, clock=lambda: node.time)

    async def open(self) -> None:
        """Register both, let the points be swapped, and credit them."""
        builder, till = self.builder, operator_of("mall")
        worth = Terms(version=2, settlement_fen=1, swappable=True)
        await self.client.submit(builder.publish_terms(till, issuer="mall", point_type=GIVEN, terms=worth))
        guide = Terms(settlement_fen=1, swappable=True)
        await self.client.submit(
            builder.create_point_type(
                till, issuer="mall", role=RoleClass.GUIDE, earn_points=1, earn_fen=100, terms=guide
            )
        )
        for pair, point_type in ((ALICE, GIVEN), (BOB, WANTED)):
            await self.client.submit(builder.register_member(pair))
            bought: dict[str, Any] = {"account": builder.account_of(pair.public), "amount_fen": 100_000}
            await self.client.submit(
                builder.earn_points(till, merchant="mall", order_id=point_type, point_type=point_type, **bought)
            )

    async def offer(self, give: int, want: int, **more: Any) -> str:
        """Let Alice make an offer; return its id."""
        made = self.builder.create_swap_offer(
            ALICE,
            give=(GIVEN, give),
            want=(WANTED, want),
            value_fen=min(give, want),
            open_until=self.node.time + DAY_MS,
            **more,
        )
        await self.client.submit(made)
        return made.id.hex()


@pytest.fixture
async def market(node: FakeNode, http: httpx.AsyncClient) -> AsyncIterator[Market]:
    async with Client([str(http.base_url)]) as client:
        market = Market(node, client)
        await market.open()
        yield market


async def test_the_board_is_shown_by_price_and_page_by_page(market: Market) -> None:
    dear, cheap, even = [await market.offer(give, want) for give, want in ((10, 20), (30, 20), (7, 7))]
    private = await market.offer(30, 20, counterparty=market.builder.account_of(BOB.public))

    [first] = await market.client.swap_offers(GIVEN, WANTED, first=1)
    assert (first.id, first.left, first.want_points) == (cheap, 30, 20)
    rest = await market.client.swap_offers(GIVEN, WANTED, after=first.cursor)
    assert [found.id for found in rest] == [even, dear]
    assert await market.client.swap_offers(WANTED, GIVEN) == ()
    mine = await market.client.account_swap_offers(encode_account(market.builder.account_of(ALICE.public)))
    assert [found.id for found in mine] == [dear, cheap, even, private]
    with pytest.raises(ClientError, match="cursor"):
        await market.client.swap_offers(WANTED, GIVEN, after=first.cursor)


async def test_the_board_is_followed_through_making_taking_in_part_and_closing(market: Market) -> None:
    told: list[tuple[int, list[int]]] = []

    async def hear(board: Subscription[BoardUpdate]) -> None:
        with trio.fail_after(60):
            update = await board.receive()
        assert (update.give_type, update.want_type) == (GIVEN, WANTED)
        told.append((update.as_of.height, [offer.left for offer in update.offers]))

    start = market.node.height
    async with market.client.subscribe_swap_offers(GIVEN, WANTED) as board:
        await hear(board)
        name = await market.offer(20, 30, minimum=2)
        await hear(board)
        await market.offer(20, 30, counterparty=market.builder.account_of(BOB.public))
        await market.client.submit(market.builder.accept_swap_offer(BOB, offer=bytes.fromhex(name), points=4, pays=6))
        await hear(board)
        await market.client.submit(market.builder.cancel_swap_offer(ALICE, offer=bytes.fromhex(name)))
        await hear(board)
    assert told == [(start, []), (start + 1, [20]), (start + 3, [16]), (start + 4, [])]
    async with market.client.subscribe_swap_offers("nonsense", WANTED) as board:
        with pytest.raises(Refused, match="write point types like"):
            await board.receive()


async def test_a_part_of_an_offer_is_accepted_at_its_price_and_the_rest_is_cancelled(market: Market) -> None:
    name = await market.offer(20, 30, minimum=2)
    found = await market.client.swap_offer(name)
    assert found is not None
    assert [found.price_of(points) for points in (1, 3, 4, 20, 22)] == [None, None, 6, 30, None]

    taken = market.builder.accept_swap_offer(BOB, offer=bytes.fromhex(name), points=4, pays=6)
    await market.client.submit(taken)
    found = await market.client.swap_offer(name)
    assert found is not None
    assert found.left == 16
    await market.client.submit(market.builder.cancel_swap_offer(ALICE, offer=bytes.fromhex(name)))
    assert await market.client.swap_offer(name) is None


async def test_an_account_shows_its_lock_which_its_own_key_cannot_undo(market: Market) -> None:
    member = market.builder.account_of(ALICE.public)
    await market.client.submit(market.builder.lock_account(ALICE, account=member, reason=LockReason.LOST))
    account = await market.client.account(encode_account(member))
    assert account is not None
    assert account.lock is not None
    assert (account.lock.reason, account.lock.organizations, account.lock.until) == ("LOST", (), None)

    unlocked = market.builder.unlock_account(
        ALICE, account=member, reason=UnlockReason.FOUND, organizations=("books", "mall")
    )
    with pytest.raises(Refused, match="NOT_AUTHORIZED"):
        await market.client.submit(unlocked)
