"""Terms, waiting points, expiry and the agenda over the real server, asked in the SDK's own words."""

import json
from enum import Enum
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given

from jifen.client import queries, terms
from jifen.client.queries import Operation
from jifen.client.terms import Terms, changed_terms
from jifen.codec.addresses import encode_account
from jifen.keys.signing import KeyPair
from jifen.ledger.dates import DAY_MS, day_end, day_start
from jifen.ledger.members.registering import account_id
from jifen.ledger.terms import records as ledger
from jifen.ledger.terms.bodies import ConfirmOrder, CreatePointType, PublishTerms
from jifen.ledger.terms.records import AvailableOnConfirmation, CalendarExpiry, Deposit, RollingExpiry, SlidingExpiry
from jifen.ledger.transactions import Body, EarnPoints, RegisterMember
from jifen.ledger.types import POINTS_MAX, RoleClass
from jifen.testing.fake_node import MASTER, FakeNode, operator_of
from jifen.testing.strategies import values_of
from jifen_graphql.schema import terms as schema

ALICE = KeyPair.derive(MASTER, "member/alice")
TYPE = "mall/consumer"


class Shop:
    """The mall's till and Alice, on a fake node."""

    def __init__(self, node: FakeNode, http: httpx.AsyncClient) -> None:
        self.node = node
        self.http = http
        self.account = account_id(node.chain_id, ALICE.public)

    async def take(self, body: Body, key: KeyPair | None = None) -> None:
        """Commit a transaction that is applied."""
        [result] = await self.node.submit(
            [self.node.sign(body, key or operator_of("mall"))], wait=True, timeout_seconds=1
        )
        assert (result.rejection, result.error) == (None, None), result

    async def register(self) -> None:
        """Open Alice's account."""
        await self.take(RegisterMember(self.node.time + DAY_MS, bytes(8), ALICE.public), ALICE)

    async def publish(self, version: int, **changes: Any) -> None:
        """Publish a version of the mall's terms."""
        body = PublishTerms(self.node.time + DAY_MS, bytes(8), "mall", TYPE, ledger.Terms(version=version, **changes))
        await self.take(body)

    async def earn(self, order: str, fen: int = 10_000) -> None:
        """Credit a purchase of Alice's."""
        body = EarnPoints(self.node.time + DAY_MS, bytes(8), "mall", order, self.account, TYPE, fen, 1)
        await self.take(body)

    def wait_until(self, time: int) -> int:
        """Commit an empty block at a time and return its height."""
        self.node.time = time - 1000  # a commit moves the clock by a second
        return self.node.commit()

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


@pytest.fixture
async def shop(node: FakeNode, http: httpx.AsyncClient) -> Shop:
    shop = Shop(node, http)
    await shop.register()
    return shop


async def test_a_point_type_is_shown_with_its_terms_past_present_and_to_come(shop: Shop) -> None:
    await shop.publish(2, expiry=RollingExpiry(30), cashable=True)
    later = shop.node.time + DAY_MS
    await shop.publish(3, effective_from=later, expiry=CalendarExpiry(12, 31, 1), issue_cap=500)
    await shop.publish(4, effective_from=later + 5)

    found = await shop.ask(terms.POINT_TYPE, id=TYPE)

    assert (found.terms.version, found.scheduled_terms.version, found.newest.version) == (2, 4, 4)
    assert (found.terms.expiry.mode, found.terms.expiry.days, found.terms.cashable) == ("ROLLING", 30, True)
    assert [(item.terms.version, item.held) for item in found.terms_history] == [
        (1, True), (2, True), (3, False), (4, True),
    ]  # fmt: skip
    third = found.terms_history[2].terms
    assert (third.expiry.mode, third.expiry.month, third.expiry.day, third.expiry.periods) == ("CALENDAR", 12, 31, 1)
    assert third.issue_cap == 500
    assert [item.transaction is None for item in found.terms_history] == [True, False, False, False]
    assert len({item.terms.hash for item in found.terms_history}) == 4
    assert await shop.ask(terms.POINT_TYPE, id="mall/store") is None
    shop.wait_until(later + 5)
    after = await shop.ask(terms.POINT_TYPE, id=TYPE)
    assert (after.terms.version, after.scheduled_terms) == (4, None)


async def test_the_history_comes_in_pages(shop: Shop) -> None:
    for version in (2, 3):
        await shop.publish(version)
    query = (
        'query ($first: Int!, $after: Int!) { pointType(id: "mall/consumer") '
        "{ termsHistory(first: $first, after: $after) { held terms { version } } } }"
    )

    async def page(first: int, after: int) -> list[int]:
        found = await shop.data(query, first=first, after=after)
        return [item["terms"]["version"] for item in found["pointType"]["termsHistory"]]

    assert [await page(2, 0), await page(2, 2), await page(2, 3)] == [[1, 2], [3], []]
    for first, after in ((0, 0), (51, 0), (1, -1), (1, 10**7)):
        variables = {"first": first, "after": after}
        response = await shop.http.post("/graphql", json={"query": query, "variables": variables})
        assert response.json()["errors"][0]["extensions"]["code"] in {"BAD_PAGE", "TOO_COSTLY"}


async def test_a_new_point_type_is_there_with_its_terms(shop: Shop) -> None:
    new = ledger.Terms(accepted_by=("books", "tea"), expiry=SlidingExpiry(9))
    await shop.take(CreatePointType(shop.node.time + 5000, bytes(8), "mall", RoleClass.GUIDE, 1, 7, new))

    found = await shop.ask(terms.POINT_TYPE, id="mall/guide")

    assert (found.role, found.earn_rate.per_fen, found.supply.outstanding) == ("GUIDE", 7, 0)
    assert found.terms.accepted_by == ("books", "tea")
    assert (found.terms.expiry.mode, found.terms.expiry.days) == ("SLIDING", 9)


async def test_pending_points_are_shown_apart_and_each_lot_with_its_state(shop: Shop) -> None:
    await shop.earn("A-1")
    await shop.publish(2, pending=ledger.AvailableAfterDays(3))
    await shop.earn("A-2", 5_000)
    await shop.publish(3, pending=AvailableOnConfirmation(), expiry=SlidingExpiry(9))
    await shop.earn("A-3", 2_000)

    [balance] = await shop.ask(queries.BALANCES, account=encode_account(shop.account), minHeight=0, consistency="LOCAL")

    assert (balance.available, balance.pending) == (100, 70)
    assert [(lot.points, lot.state, lot.slides) for lot in balance.lots] == [
        (100, "AVAILABLE", False), (50, "PENDING", False), (20, "AWAITING", True),
    ]  # fmt: skip
    assert int(balance.lots[1].available_from.timestamp()) * 1000 == day_end(shop.node.time, 3)


async def test_f24_a_member_sees_what_expires_when(shop: Shop) -> None:
    """F24/M3: balances, lots, expiry and history with reason."""
    await shop.publish(2, expiry=RollingExpiry(10))
    await shop.earn("A-1")
    first = day_end(shop.node.time, 10)
    shop.wait_until(day_start(shop.node.time) + DAY_MS)
    await shop.earn("A-2", 5_000)
    await shop.publish(3, expiry=SlidingExpiry(40))
    await shop.earn("A-3", 2_000)
    account = encode_account(shop.account)

    soon = await shop.ask(terms.EXPIRING, account=account, days=10, after=None)
    all_of_them = await shop.ask(terms.EXPIRING, account=account, days=60, after=None)

    assert [(item.points, int(item.expires_at.timestamp()) * 1000) for item in soon] == [(100, first)]
    assert [(item.points, item.slides) for item in all_of_them] == [(100, False), (50, False), (20, True)]
    assert await shop.ask(terms.EXPIRING, account=account, days=60, after=1) == all_of_them[2:]
    response = await shop.http.post(
        "/graphql", json={"query": terms.EXPIRING.document, "variables": {"account": account, "days": -1}}
    )
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_ARGUMENT"


async def test_a_block_tells_what_its_time_did(shop: Shop) -> None:
    await shop.publish(2, expiry=RollingExpiry(2))
    await shop.earn("A-1")
    end = day_end(shop.node.time, 2)
    height = shop.wait_until(end)

    query = (
        "query ($height: Int!) { block(height: $height) { transactionCount agendaCount agenda { __typename "
        "... on PointsExpired { account pointType points expiresAt availableAfter pendingAfter } } } }"
    )
    block = (await shop.data(query, height=height))["block"]

    assert (block["transactionCount"], block["agendaCount"]) == (0, 1)
    [effect] = block["agenda"]
    assert (effect["__typename"], effect["points"], effect["availableAfter"]) == ("PointsExpired", "100", "0")
    assert effect["account"] == encode_account(shop.account)
    page = "query ($height: Int!) { block(height: $height) { agenda(after: 0) { __typename } } }"
    assert (await shop.data(page, height=height))["block"]["agenda"] == []
    supply = await shop.data('{ pointType(id: "mall/consumer") { supply { issued burned expired outstanding } } }')
    assert supply["pointType"]["supply"] == {"issued": "100", "burned": "0", "expired": "100", "outstanding": "0"}


async def test_what_time_and_confirmations_do_is_in_receipts(shop: Shop) -> None:
    await shop.publish(2, pending=AvailableOnConfirmation())
    await shop.earn("A-1")
    body = ConfirmOrder(shop.node.time + 5000, bytes(8), "mall", "A-1")
    await shop.take(body)
    with shop.node.read() as view:
        block = view.block(shop.node.height)
    assert block is not None

    found = await shop.ask(queries.TRANSACTION, id=block.receipts[0].transaction_id.hex(), minHeight=None)

    [effect] = found.effects()
    assert (effect["__typename"], effect["points"], effect["confirmedOrder"]) == ("PointsActivated", "100", "A-1")


async def test_the_node_confirms_orders_for_its_organization(
    node: FakeNode, http: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    shop = Shop(node, http)
    await shop.register()
    await shop.publish(2, pending=AvailableOnConfirmation())
    await shop.earn("A-1")

    async def confirm(order: str) -> Any:
        response = await admin.post("/graphql", json={"query": queries.CONFIRM.document, "variables": {"order": order}})
        return response.json()["data"]["confirmOrder"]

    assert (await confirm("A-1"))["outcome"] == "APPLIED"
    assert (await confirm("A-1"))["rejection"] == "ORDER_NOT_PENDING"
    assert (await confirm("A 1"))["userErrors"][0]["code"] == "MALFORMED"


@given(values_of(ledger.Terms))
def test_terms_come_back_from_the_api_as_they_were(terms: ledger.Terms) -> None:
    shown = schema.Terms.of(TYPE, terms)
    again = msgspec.json.decode(msgspec.json.encode(as_answered(shown)), type=Terms, strict=False)
    expected = msgspec.structs.replace(terms, accepted_by=tuple(sorted(terms.accepted_by)))
    if expected.issue_cap == POINTS_MAX:
        assert again.issue_cap is None
    assert again.to_ledger(terms.version, terms.effective_from) == expected
    assert (shown.backing is None) == isinstance(terms.backing, ledger.Unbacked)


def as_answered(shown: schema.Terms) -> dict[str, Any]:
    """Return the API's type as its answer would have it, numbers as text."""

    def plain(value: Any) -> Any:
        if isinstance(value, Enum):
            return value.name
        if hasattr(value, "__strawberry_definition__"):
            return {camel(name): plain(item) for name, item in vars(value).items()}
        if isinstance(value, bytes):
            return value.hex()
        return value

    found = plain(shown)
    found["effectiveFrom"] = "1970-01-01T00:00:00Z"
    assert isinstance(found, dict)
    return found


def camel(name: str) -> str:
    """Return a field's name as the API has it."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def test_what_changes_mention_is_changed_and_all_else_stays() -> None:
    before = Terms(cashable=True, accepted_by=("books",), issue_cap=9)

    after = changed_terms(before, b'{"expiry": {"mode": "ROLLING", "days": 3}, "issueCap": null, "version": 7}')

    assert after.to_ledger(2) == ledger.Terms(
        version=2, expiry=RollingExpiry(3), cashable=True, accepted_by=("books",), issue_cap=POINTS_MAX
    )
    backed = changed_terms(before, b'{"backing": {"kind": "DEPOSIT", "guarantor": "tea", "amountFen": 5}}')
    assert backed.to_ledger(2).backing == Deposit("tea", 5)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (b'{"expires": 3}', "terms have no expires; they have acceptedBy, backing"),
        (b"[]", "these are no terms"),
        (b'{"expiry": {"mode": "ROLLING", "weeks": 3}}', "these are no terms: Object contains unknown field `weeks`"),
        (b'{"cashable": "yes"}', "these are no terms: Expected `bool`"),
    ],
)
def test_changes_that_are_misspelt_change_nothing(changes: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("`", ".")):
        changed_terms(Terms(), changes)


@pytest.mark.parametrize(
    "changes",
    [
        b'{"expiry": {"mode": "ROLLING"}}',
        b'{"expiry": {"mode": "SOMEDAY", "days": 3}}',
        b'{"expiry": {"mode": "CALENDAR", "month": 3}}',
        b'{"pending": {"mode": "DAYS"}}',
        b'{"pending": {"mode": "LATER"}}',
        b'{"backing": {"kind": "LOVE", "guarantor": "tea", "amountFen": 5}}',
    ],
)
def test_a_policy_that_does_not_exist_is_refused(changes: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(expiry|pending|backing): "):
        changed_terms(Terms(), changes).to_ledger(2)
