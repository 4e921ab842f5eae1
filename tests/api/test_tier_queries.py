"""Tiers and bonuses over the real server, asked in the SDK's own words."""

import json
from typing import Any

import httpx
import msgspec
import pytest

from jifen.client import bonuses, queries, standing_orders, tiers
from jifen.client.bonuses import BonusPolicy
from jifen.client.queries import Operation
from jifen.client.tiers import RecognisedTier, Recognition, Tier, TierProgramme, decoded
from jifen.codec.addresses import encode_account
from jifen.keys.signing import KeyPair
from jifen.ledger.bonuses import records as bonus_records
from jifen.ledger.bonuses.bodies import GrantBonus, SetBonusPolicy
from jifen.ledger.bonuses.records import BonusCause
from jifen.ledger.dates import DAY_MS
from jifen.ledger.members.registering import account_id
from jifen.ledger.rewards.bodies import PublishReward
from jifen.ledger.rewards.records import RewardDetails, RewardPrice
from jifen.ledger.rewards.standing_orders import SetAutoRedemption
from jifen.ledger.tiers import records as tier_records
from jifen.ledger.tiers.bodies import PublishRecognition, PublishTiers
from jifen.ledger.transactions import Body, EarnPoints, RegisterMember
from jifen.testing.fake_node import MASTER, FakeNode, operator_of

ALICE = KeyPair.derive(MASTER, "member/alice")
LADDER = TierProgramme(
    (Tier("silver", "Silber", 100), Tier("gold", "Gold", 1000)), period="ROLLING", period_days=10, grace_days=3
)


class Desk:
    """The mall's service desk, the books' administrator and Alice, on a fake node."""

    def __init__(self, node: FakeNode, http: httpx.AsyncClient) -> None:
        self.node = node
        self.http = http
        self.account = account_id(node.chain_id, ALICE.public)

    async def take(self, body: Body, signer: KeyPair | None = None) -> None:
        """Commit a transaction that is applied."""
        made = self.node.sign(body, signer or operator_of("mall"))
        [result] = await self.node.submit([made], wait=True, timeout_seconds=1)
        assert (result.rejection, result.error) == (None, None), result

    async def publish(self, organization: str, programme: TierProgramme) -> None:
        """Publish tiers."""
        body = PublishTiers(self.node.time + DAY_MS, bytes(8), organization, programme.to_ledger(1))
        await self.take(body, operator_of(organization))

    async def earn(self, points: int) -> None:
        """Credit a purchase of Alice's at the mall."""
        order = f"A-{self.node.height}"
        head = (self.node.time + DAY_MS, bytes(8), "mall", order, self.account, "mall/consumer")
        rate = self.node.genesis.point_types[0]
        await self.take(EarnPoints(*head, points * rate.earn_fen // rate.earn_points, 1))

    async def ask(self, operation: Operation[Any], **variables: Any) -> Any:
        """Ask in the words of the SDK."""
        response = await self.http.post("/graphql", json={"query": operation.document, "variables": variables})
        answer = response.json()
        assert "errors" not in answer, answer
        return operation.decode("here", json.dumps(answer["data"]).encode())

    async def data(self, query: str, **variables: Any) -> Any:
        """Ask anything."""
        response = await self.http.post("/graphql", json={"query": query, "variables": variables})
        answer = response.json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def progress(self, organization: str = "mall") -> Any:
        """Return how far Alice has come."""
        account = encode_account(self.account)
        return await self.ask(tiers.PROGRESS, account=account, organization=organization, minHeight=None)


@pytest.fixture
async def desk(node: FakeNode, http: httpx.AsyncClient) -> Desk:
    desk = Desk(node, http)
    await desk.take(RegisterMember(node.time + DAY_MS, bytes(8), ALICE.public), ALICE)
    return desk


async def test_where_there_are_no_tiers_there_is_nothing_to_show(desk: Desk) -> None:
    assert await desk.ask(tiers.TIERS, organization="mall") is None
    assert await desk.progress() is None
    assert await desk.progress("nobody") is None


async def test_tiers_are_shown_as_they_are_published(desk: Desk) -> None:
    await desk.publish("mall", LADDER)

    found = await desk.ask(tiers.TIERS, organization="mall")

    assert found.programme == msgspec.structs.replace(LADDER, version=1)
    assert (found.recognition, found.next_programme, found.next_recognition) == (None, 2, 1)


async def test_progress_says_what_is_missing_to_rise_and_to_stay(desk: Desk) -> None:
    await desk.publish("mall", LADDER)
    newcomer = await desk.progress()
    assert (newcomer.tier, newcomer.path, newcomer.next_tier, newcomer.points_to_next) == (None, None, "silver", 100)
    assert (newcomer.period_end, newcomer.evaluated_at, newcomer.at_risk) == (None, None, False)

    await desk.earn(140)
    member = await desk.progress()

    assert (member.tier, member.own_tier, member.qualifying_points, member.lifetime) == ("silver", "silver", 140, 140)
    assert (member.next_tier, member.points_to_next) == ("gold", 860)
    assert (member.at_risk, member.points_to_keep) == (False, 0)
    assert member.evaluated_at == member.period_end
    assert (member.path.organization, member.path.map_version, member.path.height) == ("mall", None, desk.node.height)

    desk.node.time += 10 * DAY_MS
    desk.node.commit()
    judged = await desk.progress()
    assert (judged.tier, judged.at_risk, judged.points_to_keep, judged.grace_until) == ("silver", True, 100, None)


async def test_c8_a_recognised_tier_is_shown_with_the_path_that_proves_it(desk: Desk) -> None:
    await desk.publish("mall", LADDER)
    await desk.publish("books", LADDER)
    shown = Recognition((RecognisedTier("mall", "gold", "silver"), RecognisedTier("mall", "silver", "silver")))
    body = PublishRecognition(desk.node.time + DAY_MS, bytes(8), "books", shown.to_ledger(1))
    await desk.take(body, operator_of("books"))
    await desk.earn(1000)
    height = desk.node.height

    found = await desk.progress("books")

    assert (found.tier, found.own_tier, found.qualifying_points) == ("silver", None, 0)
    path = found.path
    assert (path.organization, path.earned_tier, path.map_version, path.height) == ("mall", "gold", 1, height)
    assert (await desk.ask(tiers.TIERS, organization="books")).recognition.entries[0].counts_as == "silver"


async def test_limits_are_shown_with_what_was_granted_and_by_whom(desk: Desk) -> None:
    assert await desk.ask(bonuses.BONUS_POLICY, organization="mall") == BonusPolicy("mall")
    policy = BonusPolicy(clerk_goodwill_per_day=3, budget=500, staff=(encode_account(b"\1" * 20),))
    await desk.take(SetBonusPolicy(desk.node.time + DAY_MS, bytes(8), "mall", policy.to_ledger(1)))
    head = (desk.node.time + DAY_MS, bytes(8), "mall", desk.account, "mall/consumer")
    await desk.take(GrantBonus(*head, 40, BonusCause.GOODWILL, "C-1", "cold tea"))

    found = await desk.ask(bonuses.BONUS_POLICY, organization="mall")
    clerk = operator_of("mall").public.hex()
    day = await desk.ask(bonuses.CLERK_DAY, organization="mall", clerk=clerk)

    assert found == msgspec.structs.replace(policy, organization="mall", version=1, granted=40)
    assert (day.points, day.goodwill, day.points_left, day.goodwill_left) == (40, 1, 9960, 2)
    desk.node.time += DAY_MS
    desk.node.commit()
    day = await desk.ask(bonuses.CLERK_DAY, organization="mall", clerk=clerk)
    assert (day.points, day.goodwill, day.points_left, day.goodwill_left) == (0, 0, 10_000, 3)


async def test_a_standing_order_is_shown_and_told_of_when_it_is_carried_out(desk: Desk) -> None:
    account = encode_account(desk.account)
    here = {"account": account, "organization": "mall", "minHeight": None}
    assert await desk.ask(standing_orders.STANDING_ORDER, **here) is None
    price = RewardPrice("mall/consumer", 100)
    mug = PublishReward(desk.node.time + DAY_MS, bytes(8), "mall/mug", 1, RewardDetails("Mug", (price,)), 5)
    await desk.take(mug)
    until = desk.node.time + 10 * DAY_MS
    asked = SetAutoRedemption(desk.node.time + DAY_MS, bytes(8), desk.account, "mall", "mall/mug", 100, 2, until)
    await desk.take(asked, ALICE)

    found = await desk.ask(standing_orders.STANDING_ORDER, **here)
    await desk.earn(150)
    query = "query Q($height: Int!) { block(height: $height) { transactions(first: 1) { receipt { " + queries._EFFECTS
    told = await desk.data(query + " } } } }", height=desk.node.height)

    assert (found.reward, found.threshold, found.per_day, found.transaction is not None) == ("mall/mug", 100, 2, True)
    [transaction] = told["block"]["transactions"]
    redeemed = [item for item in transaction["receipt"]["effects"] if item["__typename"] == "AutoRedeemed"]
    assert [(item["threshold"], item["today"], item["standingOrder"]) for item in redeemed] == [
        ("100", 1, found.transaction)
    ]
    desk.node.time += 20 * DAY_MS
    desk.node.commit()
    assert await desk.ask(standing_orders.STANDING_ORDER, **here) is None


def test_what_is_shown_can_be_published_again() -> None:
    text = msgspec.json.encode(LADDER)
    assert decoded(text, TierProgramme).to_ledger(1) == tier_records.TierProgramme(
        1,
        (tier_records.Tier("silver", "Silber", 100), tier_records.Tier("gold", "Gold", 1000)),
        tier_records.RollingPeriod(10),
        grace_days=3,
    )
    assert BonusPolicy().to_ledger(0) == bonus_records.BonusPolicy()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"tiers": [], "period": "WEEKS"}', "period: YEARS"),
        (b'{"tiers": [], "period": "ROLLING"}', "ROLLING with periodDays"),
        (b'{"tiers": [], "downgrade": "SOMETIMES"}', "downgrade: NEVER"),
        (b'{"tiers": [], "gracedays": 3}', "unknown field `gracedays`"),
        (b"{}", "missing required field `tiers`"),
    ],
)
def test_what_are_no_tiers_is_refused_with_the_reason(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decoded(text, TierProgramme).to_ledger(1)
