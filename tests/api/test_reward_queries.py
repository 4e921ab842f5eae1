"""Rewards, redemptions and cash back over the real server, asked in the SDK's own words."""

import json
from collections.abc import AsyncIterator
from typing import Any, final

import httpx
import msgspec
import pytest

from jifen.client import Client, TransactionBuilder
from jifen.client.rewards import committed_code, draft_of
from jifen.codec.addresses import encode_account
from jifen.keys.signing import KeyPair
from jifen.ledger.dates import DAY_MS
from jifen.ledger.locks.records import LockReason
from jifen.ledger.points.positions import Rate
from jifen.ledger.rewards import redeeming
from jifen.ledger.rewards.records import RewardDetails, RewardPrice
from jifen.ledger.terms.records import Terms
from jifen.testing.fake_node import MASTER, FakeNode, operator_of

ALICE = KeyPair.derive(MASTER, "member/alice")
TYPE = "mall/consumer"
MUG, TICKET = "mall/mug", "mall/ticket"


@final
class Shop:
    """The mall and Alice on a fake node, and the SDK's client on its server."""

    def __init__(self, node: FakeNode, client: Client) -> None:
        self.node = node
        self.client = client
        self.builder = TransactionBuilder(node.chain_id, clock=lambda: node.time)
        self.account = encode_account(self.builder.account_of(ALICE.public))

    async def take(self, made: Any) -> None:
        """Submit what must be applied."""
        await self.client.submit(made)

    async def open(self) -> None:
        """Register Alice, credit her with 1,000 points, let points be worth something, and have two rewards."""
        builder, till = self.builder, operator_of("mall")
        await self.take(builder.register_member(ALICE))
        member = builder.account_of(ALICE.public)
        bought: dict[str, Any] = {"merchant": "mall", "account": member, "point_type": TYPE, "amount_fen": 100_000}
        await self.take(builder.earn_points(till, order_id="A-1", **bought))
        worth = Terms(version=2, settlement_points=10, settlement_fen=1, cashable=True)
        await self.take(builder.publish_terms(till, issuer="mall", point_type=TYPE, terms=worth))
        prices = (RewardPrice(TYPE, 100, "", Rate(20, 1)), RewardPrice(TYPE, 1, "gold"))
        mug = RewardDetails("Mug", prices, hold_minutes=60, member_limit=2)
        await self.take(builder.publish_reward(till, reward=MUG, version=1, details=mug, stock=5))
        ticket = RewardDetails("Ticket", (RewardPrice(TYPE, 5000),), has_codes=True)
        await self.take(builder.publish_reward(till, reward=TICKET, version=1, details=ticket))

    async def redeem(self, points: int = 100) -> None:
        """Let Alice redeem a mug."""
        made = self.builder.redeem_reward(ALICE, reward=MUG, version=1, point_type=TYPE, points=points)
        await self.take(made)


@pytest.fixture
async def shop(node: FakeNode, http: httpx.AsyncClient) -> AsyncIterator[Shop]:
    async with Client([str(http.base_url)]) as client:
        shop = Shop(node, client)
        await shop.open()
        yield shop


async def test_rewards_show_what_is_left_and_what_a_member_pays(shop: Shop) -> None:
    mug, ticket = await shop.client.rewards("mall", account=shop.account)

    assert (mug.id, mug.version, mug.name, mug.stock, mug.redeemed, mug.open) == (MUG, 1, "Mug", 5, 0, True)
    assert (mug.member_limit, mug.hold_minutes, mug.has_codes, mug.closes_at) == (2, 60, False, None)
    assert [(price.points, price.tier, price.rate.points, price.accepted) for price in mug.prices] == [
        (100, None, 20, True),
        (1, "gold", 1, True),
    ]
    assert mug.member is not None
    assert [price.points for price in mug.member.prices] == [100], "Alice has no tier"
    assert (mug.member.tier, mug.member.affordable, mug.member.limit_reached) == (None, (TYPE,), False)
    assert ticket.member is not None
    assert (ticket.has_codes, ticket.stock, ticket.member.affordable) == (True, 0, ())
    assert (await shop.client.rewards("books")) == ()
    assert (await shop.client.reward("mall/cup")) is None


async def test_a_redemption_is_told_with_its_points_until_it_is_over(shop: Shop) -> None:
    await shop.redeem()
    await shop.redeem()
    await shop.take(shop.builder.fulfil_redemption(operator_of("mall"), reward=MUG, number=1))
    await shop.take(shop.builder.cancel_redemption(operator_of("mall"), reward=MUG, number=2, reason="broken"))

    mine = await shop.client.account_redemptions(shop.account)
    assert [(item.reward, item.number, item.status) for item in mine] == [
        (MUG, 1, "FULFILLED"),
        (MUG, 2, "CANCELLED"),
    ]
    assert [(item.points, item.held_until, item.commitment) for item in mine] == [(100, None, None)] * 2
    assert [item.number for item in await shop.client.organization_redemptions("mall")] == [1, 2]
    assert [item.number for item in await shop.client.organization_redemptions("mall", reward=MUG)] == [1, 2]
    assert await shop.client.organization_redemptions("mall", reward=TICKET) == ()
    reward = await shop.client.reward(MUG, account=shop.account)
    assert reward is not None
    assert reward.member is not None
    assert (reward.stock, reward.redeemed, reward.member.redemptions) == (4, 2, 1)
    [balance] = await shop.client.balances(shop.account)
    assert balance.available == 900


async def test_a_member_is_told_when_too_many_redemptions_wait_for_him(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redeeming, "REDEMPTIONS_MAX", 1)
    told = []
    for _ in range(2):
        mug, ticket = [reward.member for reward in await shop.client.rewards("mall", account=shop.account)]
        assert mug is not None
        assert ticket is not None
        told.append((mug.too_many_waiting, ticket.too_many_waiting))
        await shop.redeem() if len(told) < 2 else None
    assert told == [(False, False), (True, False)], "tickets wait for nobody"


async def test_a_member_with_a_locked_account_is_told_so_with_every_reward(shop: Shop) -> None:
    member = shop.builder.account_of(ALICE.public)
    told = []
    for _ in range(2):
        mug, ticket = [reward.member for reward in await shop.client.rewards("mall", account=shop.account)]
        assert mug is not None
        assert ticket is not None
        told.append((mug.locked, ticket.locked))
        if len(told) < 2:
            await shop.take(shop.builder.lock_account(ALICE, account=member, reason=LockReason.LOST))
    assert told == [(False, False), (True, True)]


async def test_pages_of_redemptions_join_without_a_gap(shop: Shop) -> None:
    for number in range(2, 62):
        prices = (RewardPrice(TYPE, 1),)
        details = RewardDetails("Mug", prices, hold_minutes=0)
        made = shop.builder.publish_reward(
            operator_of("mall"), reward=f"mall/r{number:02}", version=1, details=details, stock=1
        )
        await shop.take(made)
        await shop.take(
            shop.builder.redeem_reward(ALICE, reward=f"mall/r{number:02}", version=1, point_type=TYPE, points=1)
        )

    listed = [item.reward for item in await shop.client.account_redemptions(shop.account)]
    assert listed == [f"mall/r{number:02}" for number in range(2, 62)]
    assert sorted(item.reward for item in await shop.client.organization_redemptions("mall")) == listed
    assert [item.id for item in await shop.client.rewards("mall")] == [MUG, *listed, TICKET]


async def test_the_winner_checks_a_code_against_the_ledger_and_nobody_elses_fits(shop: Shop) -> None:
    codes = [committed_code(TICKET, text) for text in ("ABC-1", "ABC-2")]
    till = operator_of("mall")
    await shop.take(shop.builder.add_reward_codes(till, reward=TICKET, commitments=[item.commitment for item in codes]))
    cheap = RewardDetails("Ticket", (RewardPrice(TYPE, 50),), has_codes=True)
    await shop.take(shop.builder.publish_reward(till, reward=TICKET, version=2, details=cheap))
    await shop.take(shop.builder.redeem_reward(ALICE, reward=TICKET, version=2, point_type=TYPE, points=50))

    won = await shop.client.redemption(TICKET, 1)
    assert won is not None
    assert won.is_code_of(codes[0].salt, "ABC-1")
    assert not won.is_code_of(codes[1].salt, "ABC-2")
    assert not won.is_code_of(codes[1].salt, "ABC-1")
    with pytest.raises(ValueError, match="a salt is 16 bytes"):
        won.is_code_of(b"short", "ABC-1")
    assert await shop.client.redemption(TICKET, 2) is None
    assert await shop.client.redemption(TICKET, -1) is None


async def test_cash_back_is_shown_to_both_and_what_is_overdue_to_everybody(shop: Shop) -> None:
    till, builder = operator_of("mall"), shop.builder
    assert await shop.client.cashback_policy(TYPE) is None
    caps: dict[str, Any] = {"minimum_points": 10, "day_points": 500, "month_points": 900, "due_days": 3}
    await shop.take(builder.set_cashback_policy(till, point_type=TYPE, price=Rate(10, 1), **caps))
    for _ in range(3):
        await shop.take(builder.request_cashback(ALICE, point_type=TYPE, points=100, amount_fen=10))
    await shop.take(builder.confirm_cashback(till, point_type=TYPE, number=1, reference_hash=bytes([7] * 32)))
    await shop.take(builder.reject_cashback(till, point_type=TYPE, number=2, reason="closed account"))

    policy = await shop.client.cashback_policy(TYPE)
    assert policy is not None
    assert (policy.version, policy.rate.points, policy.rate.fen, policy.requests) == (1, 10, 1, 3)
    mine = await shop.client.account_cashbacks(shop.account)
    assert [(item.number, item.status, item.held_points) for item in mine] == [
        (1, "PAID", 0),
        (2, "REJECTED", 0),
        (3, "REQUESTED", 100),
    ]
    assert (mine[0].reference_hash, mine[1].reason) == ("07" * 32, "closed account")
    assert await shop.client.issuer_cashbacks("mall") != ()
    assert [item.number for item in await shop.client.unpaid_cashbacks("mall")] == [3]
    assert await shop.client.unpaid_cashbacks("mall", overdue=True) == ()
    shop.node.time += 3 * DAY_MS
    shop.node.commit()
    [late] = await shop.client.unpaid_cashbacks("mall", overdue=True)
    assert (late.number, late.overdue, late.amount_fen) == (3, True, 10)
    assert await shop.client.unpaid_cashbacks("books", overdue=True) == ()


async def test_a_receipt_tells_everything_a_redemption_did(shop: Shop) -> None:
    made = shop.builder.redeem_reward(ALICE, reward=MUG, version=1, point_type=TYPE, points=100)
    await shop.take(made)

    told = await shop.client.transaction(made.id)
    assert told.kind == "redeemReward"
    assert told.receipt is not None
    [effect] = msgspec.json.decode(told.receipt)["effects"]
    assert effect["__typename"] == "RewardRedeemed"
    assert effect["tradeRate"] == {"points": "20", "fen": "1"}
    assert (effect["redemptionNumber"], effect["stockAfter"], effect["availableAfter"]) == (1, 4, "900")


async def test_pages_never_leave_the_organization_that_was_asked_for(shop: Shop, http: httpx.AsyncClient) -> None:
    pen = RewardDetails("Pen", (RewardPrice("books/consumer", 1),))
    books = operator_of("books")
    await shop.take(shop.builder.publish_reward(books, reward="books/pen", version=1, details=pen, stock=1))
    for after, expected in (("books/pen", [MUG, TICKET]), ("zoo/x", []), (MUG, [TICKET]), ("a\\u0000b", [MUG, TICKET])):
        query = f'{{ examineRewards(organization: "mall", after: "{after}") {{ id }} }}'
        answer = (await http.post("/graphql", json={"query": query})).json()
        assert [item["id"] for item in answer["data"]["examineRewards"]] == expected


@pytest.mark.parametrize(
    "field",
    [
        "examineRewards(organization: $name) { id }",
        "reward(id: $name) { id }",
        "redemption(reward: $name, number: 1) { number }",
        "organizationRedemptions(organization: $name) { number }",
        'organizationRedemptions(organization: "mall", reward: $name) { number }',
        "cashbackPolicy(pointType: $name) { version }",
        "issuerCashbacks(issuer: $name) { number }",
        "unpaidCashbacks(issuer: $name) { number }",
    ],
)
@pytest.mark.parametrize("name", ["mall\0", "mall/mug\0x", ""])
async def test_a_name_that_nobody_can_have_finds_nothing(http: httpx.AsyncClient, field: str, name: str) -> None:
    asked = {"query": f"query($name: String!) {{ {field} }}", "variables": {"name": name}}
    headers = {"content-type": "application/json"}
    answer = (await http.post("/graphql", content=json.dumps(asked), headers=headers)).json()

    assert answer["data"][field.partition("(")[0]] in (None, [])
    assert "errors" not in answer


@pytest.mark.parametrize("after", ["xyz", "0" * 402])
async def test_a_cursor_that_is_none_is_refused(http: httpx.AsyncClient, after: str) -> None:
    query = f'{{ issuerCashbacks(issuer: "mall", after: "{after}") {{ number }} }}'
    answer = (await http.post("/graphql", json={"query": query})).json()

    assert answer["errors"][0]["extensions"]["code"] == "BAD_PAGE"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{}", "missing required field"),
        (b'{"name": "Mug", "prices": [], "price": 1}', "unknown field"),
        (b'{"name": "Mug", "prices": [], "opensAt": "2027-01-01T00:00:00"}', "opensAt and closesAt are written"),
    ],
)
def test_a_file_that_is_no_reward_is_named(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        draft_of(text)


def test_a_file_says_of_a_reward_what_the_ledger_takes() -> None:
    draft = draft_of(
        b'{"name": "Mug", "holdMinutes": 60, "opensAt": "2027-01-01T00:00:00+08:00", "prices": ['
        b'{"pointType": "mall/consumer", "points": "100", "tier": "gold", "rate": {"points": "20", "fen": "1"}}]}'
    )
    price = RewardPrice(TYPE, 100, "gold", Rate(20, 1))
    assert draft.to_ledger() == RewardDetails("Mug", (price,), opens_at=1_798_732_800_000, hold_minutes=60)
