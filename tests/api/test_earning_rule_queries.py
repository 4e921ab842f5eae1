"""Earning rules, campaigns, policies and `calculatePoints` over the real server, asked in the SDK's own words."""

import json
from typing import Any

import httpx
import msgspec
import pytest

from jifen.client import Client, Refused, rules, terms
from jifen.client.queries import Operation
from jifen.client.rules import Bracket, EarningPolicy, EarningRule, ItemRule, OrderLine, Ratio, TierCoefficient
from jifen.codec.addresses import encode_account
from jifen.keys.signing import KeyPair
from jifen.ledger.dates import DAY_MS
from jifen.ledger.members.registering import account_id
from jifen.ledger.rules import records as ledger
from jifen.ledger.rules.bodies import PublishCampaign, PublishEarningRule, SetEarningPolicy, SetOrganizationTags
from jifen.ledger.transactions import Body, EarnPoints, RegisterMember
from jifen.ledger.types import RoleClass
from jifen.testing.fake_node import MASTER, FakeNode, operator_of

ALICE = KeyPair.derive(MASTER, "member/alice")
RICH = EarningRule(
    (Bracket(1, 100), Bracket(2, 100, 100_000)),
    items=(ItemRule(1, 3, "tea"), ItemRule(0, 1, None, "card")),
    visit_points=5,
    visits_per_day=1,
    budget=10_000,
    order_cap=5_000,
    member_cap=9_000,
    period="MONTH",
    rounding="NEAREST",
    coefficients=(TierCoefficient("gold", 3, 2),),
    stacking="ADD",
    factor_cap=Ratio(5, 2),
)


class Desk:
    """The mall's till and administrator, and Alice, on a fake node."""

    def __init__(self, node: FakeNode, http: httpx.AsyncClient) -> None:
        self.node = node
        self.http = http
        self.account = account_id(node.chain_id, ALICE.public)

    async def take(self, body: Body, signer: KeyPair | None = None) -> None:
        """Commit a transaction that is applied."""
        made = self.node.sign(body, signer or operator_of("mall"))
        [result] = await self.node.submit([made], wait=True, timeout_seconds=1)
        assert (result.rejection, result.error) == (None, None), result

    def head(self) -> tuple[int, bytes]:
        """Return what every body begins with."""
        return self.node.time + DAY_MS, self.node.height.to_bytes(8, "big")

    async def publish(self, version: int, rule: EarningRule) -> None:
        """Publish a rule of the mall's."""
        await self.take(PublishEarningRule(*self.head(), "mall", "mall/consumer", rule.to_ledger(version)))

    async def campaign(self) -> None:
        """Publish a campaign that doubles for a day."""
        campaign = ledger.Campaign("double", 2, 1, 0, self.node.time + DAY_MS, 100)
        await self.take(PublishCampaign(*self.head(), "mall", "mall/consumer", campaign))

    async def ask(self, operation: Operation[Any], **variables: Any) -> Any:
        """Ask in the words of the SDK."""
        response = await self.http.post("/graphql", json={"query": operation.document, "variables": variables})
        answer = response.json()
        assert "errors" not in answer, answer
        return operation.decode("here", json.dumps(answer["data"]).encode())

    async def calculate(self, amount: int, *items: OrderLine, **more: Any) -> Any:
        """Ask what a purchase of Alice's would earn."""
        purchase = {"merchant": "mall", "account": encode_account(self.account), "amountFen": str(amount), **more}
        return await self.ask(rules.CALCULATION, purchase=purchase | {"items": [item.to_input() for item in items]})


@pytest.fixture
async def desk(node: FakeNode, http: httpx.AsyncClient) -> Desk:
    desk = Desk(node, http)
    await desk.take(RegisterMember(node.time + DAY_MS, bytes(8), ALICE.public), ALICE)
    return desk


async def test_the_flat_rate_is_shown_as_the_first_rule(desk: Desk) -> None:
    found = await desk.ask(rules.RULES, pointType="mall/consumer")

    kind = desk.node.genesis.point_types[0]
    assert (found.newest_version, found.scheduled, found.campaigns, found.history) == (kind.rule_version, None, (), ())
    assert found.current.brackets == (Bracket(kind.earn_points, kind.earn_fen),)
    assert await desk.ask(rules.RULES, pointType="mall/store") is None


async def test_a_point_type_has_a_flat_rate_as_long_as_no_rule_takes_its_place(desk: Desk) -> None:
    await desk.campaign()
    before = await desk.ask(terms.POINT_TYPE, id="mall/consumer")
    await desk.publish(2, RICH)
    after = await desk.ask(terms.POINT_TYPE, id="mall/consumer")

    kind = desk.node.genesis.point_types[0]
    assert (before.rule_version, before.earn_rate.per_fen) == (kind.rule_version, kind.earn_fen), (
        "campaigns multiply it"
    )
    assert (after.rule_version, after.earn_rate) == (2, None)


async def test_a_rule_comes_back_as_it_was_published(desk: Desk) -> None:
    await desk.publish(2, RICH)
    await desk.campaign()

    found = await desk.ask(rules.RULES, pointType="mall/consumer")

    shown = msgspec.structs.replace(
        found.current, version=0, hash="", effective_from=None, given=None, factor_cap=found.current.factor_cap
    )
    assert shown == RICH
    assert (found.newest_version, found.current.given, len(found.history)) == (2, 0, 1)
    [campaign] = found.campaigns
    assert (campaign.id, campaign.multiplier, campaign.budget, campaign.given) == ("double", Ratio(2), 100, 0)


async def test_a_calculation_is_what_the_order_then_earns(desk: Desk) -> None:
    await desk.publish(2, RICH)
    await desk.campaign()
    tea = OrderLine(300, "tea")

    found = await desk.calculate(150_000, tea)

    [leg] = found.legs
    assert (found.rejection, leg.rule_version, leg.earn_rate) == (None, 2, None)
    told = leg.arithmetic
    assert [(step.amount_fen, step.points, step.per_fen) for step in told.brackets] == [
        (100_000, 1, 100),
        (49_700, 2, 100),
    ]
    assert [(step.item_rule, step.amount_fen) for step in told.items] == [(0, 300)]
    assert (told.visit_points, told.factor, told.computed) == (5, Ratio(2), 2 * (5 + 100 + 1000 + 994))
    assert (leg.points, told.campaigns[0].points) == (5 + 100 + 1000 + 994 + 100, 100)
    head = (*desk.head(), "mall", "A-1", desk.account, "mall/consumer", 150_000, 1)
    await desk.take(EarnPoints(*head, (tea.to_ledger(),)))
    query = "query($h: Int!) { block(height: $h) { transactions(first: 1) { receipt { effects { "
    query += f"... on PointsEarned {{ points earnRate {{ points }} arithmetic {rules.ARITHMETIC} }} }} }} }} }} }}"
    answer = (await desk.http.post("/graphql", json={"query": query, "variables": {"h": desk.node.height}})).json()
    assert "data" in answer, answer
    [transaction] = answer["data"]["block"]["transactions"]
    effect = transaction["receipt"]["effects"][0]
    assert (effect["points"], effect["earnRate"]) == (str(leg.points), None)
    assert msgspec.convert(effect["arithmetic"], rules.EarningArithmetic, strict=False) == told
    again = await desk.calculate(150_000, tea)
    assert again.legs[0].arithmetic.campaigns[0].points == 0, "the budget is used up"


async def test_what_could_not_be_credited_is_told_with_the_reason(desk: Desk) -> None:
    found = await desk.calculate(100, OrderLine(101))
    assert (found.legs, found.rejection) == ((), "ITEMS_EXCEED_ORDER")
    stranger = encode_account(bytes(20))
    assert (await desk.calculate(100, guide=stranger)).rejection == "ROLE_ACCOUNT_UNKNOWN"
    assert (await desk.calculate(100, pointType="books/consumer")).rejection == "NOT_THE_ISSUER"


async def test_a_policy_and_tags_are_shown_as_they_were_set(desk: Desk) -> None:
    assert await desk.ask(rules.POLICY, mall="mall") is None
    policy = EarningPolicy((), signature_required=True, highest_factor=Ratio(5, 2), order_cap=500)
    body = SetEarningPolicy(*desk.head(), "mall", policy.to_ledger(1))
    await desk.take(body)
    found = await desk.ask(rules.POLICY, mall="mall")
    assert msgspec.structs.replace(found, mall="", version=0, hash="") == policy
    await desk.take(SetOrganizationTags(*desk.head(), "mall", ("北京",), ("餐饮",)))
    document = '{ organizationTags(organization: "mall") { regions industries } }'
    answer = (await desk.http.post("/graphql", json={"query": document})).json()
    assert answer["data"]["organizationTags"] == {"regions": ["北京"], "industries": ["餐饮"]}


async def test_the_till_names_lines_and_roles_of_an_order_and_the_lines_that_come_back(
    desk: Desk, admin: httpx.AsyncClient
) -> None:
    await desk.publish(2, RICH)
    token = admin.headers["authorization"].removeprefix("Bearer ")
    shop = encode_account(desk.account)
    async with Client([str(admin.base_url)], token=token) as till:
        await till.earn_points(order_id="A", account=shop, amount_fen=1000, items=[OrderLine(300, "tea")])
        back = await till.refund_order(order_id="A", refund_id="R", amount_fen=150, items=[OrderLine(150, "tea")])
        with pytest.raises(Refused, match="ITEMS_EXCEED_REFUND"):
            await till.refund_order(order_id="A", refund_id="S", amount_fen=200, items=[OrderLine(151, "tea")])
        nobody = {RoleClass.GUIDE: encode_account(bytes(20))}
        with pytest.raises(Refused, match="ROLE_ACCOUNT_UNKNOWN"):
            await till.earn_points(order_id="B", account=shop, amount_fen=1000, roles=nobody)
        with pytest.raises(Refused, match="at most 32"):
            await till.refund_order(order_id="A", refund_id="T", amount_fen=33, items=[OrderLine(1, "tea")] * 33)
        with pytest.raises(Refused, match="amountFen must not exceed"):
            await till.refund_order(order_id="A", refund_id="T", amount_fen=33, items=[OrderLine(2**50, "tea")])
        known = await till.transaction(bytes.fromhex(back.id or ""))

    assert known.receipt is not None
    [effect] = json.loads(bytes(known.receipt))["effects"]
    assert (effect["points"], effect["returnedFen"]) == ("50", ["0", "150"])
