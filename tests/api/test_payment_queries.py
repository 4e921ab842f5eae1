"""Paying with points over the real server, in the SDK's own words: asked first, then paid, then seen from all sides."""

import json
from typing import Any

import httpx
import pytest

from jifen.chain.sealing import seal
from jifen.client import payments, queries
from jifen.client.queries import Operation
from jifen.codec.addresses import encode_account
from jifen.keys.signing import KeyPair
from jifen.ledger.dates import DAY_MS
from jifen.ledger.locks.bodies import LockAccount
from jifen.ledger.locks.records import LockReason
from jifen.ledger.members.registering import account_id
from jifen.ledger.payments.bodies import HoldPoints, PaymentPart, PayOrder, PublishAcceptance, SetPaymentPolicy
from jifen.ledger.payments.records import Acceptance
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import Terms
from jifen.ledger.transactions import Body, EarnPoints, RegisterMember
from jifen.ledger.types import AMOUNT_FEN_MAX
from jifen.testing.fake_node import MASTER, FakeNode, operator_of

ALICE = KeyPair.derive(MASTER, "member/alice")
TYPE = "mall/consumer"
HASH = b"\x0d" * 32


class Shop:
    """Alice, the mall that issues points, and another organization that takes them."""

    def __init__(self, node: FakeNode, http: httpx.AsyncClient) -> None:
        self.node = node
        self.http = http
        self.account = account_id(node.chain_id, ALICE.public)
        self.address = encode_account(self.account)
        self.other = next(item.id for item in node.genesis.organizations if item.id != "mall")

    def head(self, nonce: bytes = bytes(8)) -> tuple[int, bytes]:
        """Return the beginning of a body."""
        return self.node.time + DAY_MS, nonce

    async def take(self, body: Body, *keys: KeyPair) -> bytes:
        """Commit a transaction that is applied; return its id."""
        sealed = seal(self.node.chain_id, body, *keys)
        [result] = await self.node.submit([sealed.signed], wait=True, timeout_seconds=1)
        assert (result.rejection, result.error) == (None, None), result
        return sealed.id

    async def ask(self, operation: Operation[Any], **variables: Any) -> Any:
        """Ask in the words of the SDK."""
        response = await self.http.post("/graphql", json={"query": operation.document, "variables": variables})
        answer = response.json()
        assert "errors" not in answer, answer
        return operation.decode("here", json.dumps(answer["data"]).encode())

    async def examine(self, amount_fen: int, *parts: tuple[str, int]) -> payments.ExaminedPayment:
        """Ask what would be paid."""
        asked = [{"pointType": name, "points": points} for name, points in parts]
        variables = {"organization": self.other, "account": self.address, "amountFen": amount_fen, "parts": asked}
        found = await self.ask(payments.EXAMINE, **variables)
        assert isinstance(found, payments.ExaminedPayment)
        return found


@pytest.fixture
async def shop(node: FakeNode, http: httpx.AsyncClient) -> Shop:
    shop = Shop(node, http)
    mall, other = operator_of("mall"), operator_of(shop.other)
    await shop.take(RegisterMember(*shop.head(), ALICE.public), ALICE)
    terms = Terms(version=2, accepted_by=(shop.other,), settlement_points=1, settlement_fen=2)
    await shop.take(PublishTerms(*shop.head(), "mall", TYPE, terms), mall)
    await shop.take(EarnPoints(*shop.head(), "mall", "A-1", shop.account, TYPE, 100_000, 1), mall)
    await shop.take(SetPaymentPolicy(*shop.head(), shop.other, 1, 3_000, AMOUNT_FEN_MAX), other)
    acceptance = Acceptance(1, 1, 2, 10, 5, 3_000, AMOUNT_FEN_MAX)
    await shop.take(PublishAcceptance(*shop.head(), shop.other, TYPE, acceptance), other)
    return shop


async def test_what_is_examined_is_what_is_paid_and_both_are_explained(shop: Shop) -> None:
    examined = await shop.examine(1_000, (TYPE, 0))
    assert (examined.rejection, examined.paid_fen, examined.money_fen, examined.share_bp) == (None, 300, 700, 3_000)
    [part] = examined.parts
    assert (part.points, part.fen, (part.rate.points, part.rate.fen)) == (150, 300, (1, 2))
    refused = await shop.examine(1_000, (TYPE, 155))
    assert (refused.rejection, refused.paid_fen, refused.parts) == ("SHARE_EXCEEDED", 0, ())
    assert refused.message

    parts = (PaymentPart(TYPE, part.points),)
    body = PayOrder(*shop.head(), shop.other, "W-1", HASH, shop.account, 1_000, parts)
    identity = await shop.take(body, ALICE, operator_of(shop.other))

    paid = await shop.ask(payments.ORDER_PAYMENT, merchant=shop.other, order="W-1")
    assert (paid.transaction, paid.account, paid.paid_fen) == (identity.hex(), shop.address, 300)
    assert [(part.points, part.points_left) for part in paid.parts] == [(150, 150)]
    assert await shop.ask(payments.ORDER_PAYMENT, merchant=shop.other, order="W-2") is None
    transaction = await shop.ask(queries.TRANSACTION, id=identity.hex(), minHeight=None)
    [effect] = transaction.effects()
    assert (effect["__typename"], effect["paidFen"]) == ("OrderPaid", "300")


async def test_k6_who_accepts_what_at_which_rate_and_who_holds_whose_is_on_one_screen(shop: Shop) -> None:
    for order in ("W-1", "W-2"):
        parts = (PaymentPart(TYPE, 20),)
        body = PayOrder(*shop.head(), shop.other, order, HASH, shop.account, 1_000, parts)
        await shop.take(body, ALICE, operator_of(shop.other))
    [position] = await shop.ask(payments.POSITIONS, holder=None, issuer=None, after=None)
    assert (position.holder, position.issuer, position.points, position.value_fen) == (shop.other, "mall", 40, 80)
    assert await shop.ask(payments.POSITIONS, holder=None, issuer=None, after=position.cursor) == ()
    assert await shop.ask(payments.POSITIONS, holder=shop.other, issuer="mall", after=None) == (position,)
    assert await shop.ask(payments.POSITIONS, holder="mall", issuer=None, after=None) == ()
    assert await shop.ask(payments.POSITIONS, holder=None, issuer=shop.other, after=None) == ()
    [accepted] = await shop.ask(payments.ACCEPTANCES, organization=None, after=None)
    assert (accepted.organization, accepted.point_type, accepted.taken_fen) == (shop.other, TYPE, 80)
    assert (accepted.acceptance.step_points, accepted.acceptance.daily_fen) == (5, None)
    assert await shop.ask(payments.ACCEPTANCES, organization=shop.other, after=None) == (accepted,)
    assert await shop.ask(payments.ACCEPTANCES, organization=None, after=f"{shop.other}:{TYPE}") == ()
    [policy] = await shop.ask(payments.POLICIES, revision=None)
    assert await shop.ask(payments.POLICIES, revision=1) == (policy,)
    assert await shop.ask(payments.POLICIES, revision=2) == ()
    assert (policy.organization, policy.share_bp, policy.daily_fen) == (shop.other, 3_000, None)


async def test_held_points_are_shown_as_held_with_the_hold_that_keeps_them(shop: Shop) -> None:
    until = shop.node.time + 60_000
    parts = (PaymentPart(TYPE, 50),)
    body = HoldPoints(*shop.head(), shop.other, "W-1", HASH, shop.account, 1_000, parts, until)
    identity = await shop.take(body, ALICE)
    [hold] = await shop.ask(payments.HOLDS, account=shop.address)
    assert (hold.id, hold.organization, hold.order_id) == (identity.hex(), shop.other, "W-1")
    assert [(part.points, part.fen) for part in hold.parts] == [(50, 100)]
    [balance] = await shop.ask(queries.BALANCES, account=shop.address, minHeight=None, consistency="LOCAL")
    assert balance.held == 50


async def test_nothing_is_promised_to_a_locked_account(shop: Shop) -> None:
    await shop.take(LockAccount(*shop.head(), shop.account, LockReason.LOST, ()), ALICE)
    assert (await shop.examine(1_000, (TYPE, 0))).rejection == "ACCOUNT_LOCKED"
    assert (await shop.examine(1_000, (f"{shop.other}/store", 0))).rejection == "POINT_TYPE_UNKNOWN", (
        "as a payment says"
    )
