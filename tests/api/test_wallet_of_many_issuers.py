"""P2: one account, the points of many issuers, none of them pooled."""

import json
from typing import Final

import httpx
import msgspec
import pytest

from jifen.client import queries
from jifen.codec.addresses import encode_account
from jifen.keys.signing import KeyPair
from jifen.ledger.dates import DAY_MS
from jifen.ledger.genesis import Genesis
from jifen.ledger.members.registering import account_id
from jifen.ledger.terms.records import PointType, Terms
from jifen.ledger.transactions import EarnPoints, RegisterMember
from jifen.ledger.types import Operator, RoleClass
from jifen.testing.fake_node import MASTER, FakeNode, fake_genesis, operator_of

ALICE: Final = KeyPair.derive(MASTER, "member/alice")
ISSUERS: Final = tuple(f"issuer-{number:02}" for number in range(12))
UNPRICED: Final = ISSUERS[7]


def twelve_issuers() -> Genesis:
    """Return a genesis of twelve merchants whose points are worth 1, 2, 3, ... fen for seven; one names no price."""
    fake = fake_genesis()
    organizations = tuple(
        msgspec.structs.replace(
            fake.organizations[1],
            id=name,
            operators=(Operator(operator_of(name).public, fake.organizations[1].operators[0].scopes),),
            validator_key=KeyPair.derive(MASTER, f"validator/{name}").public,
        )
        for name in ISSUERS
    )
    point_types = tuple(
        PointType(
            f"{name}/consumer",
            name,
            RoleClass.CONSUMER,
            1,
            1,
            100,
            Terms(settlement_points=7, settlement_fen=0 if name == UNPRICED else number + 1),
        )
        for number, name in enumerate(ISSUERS)
    )
    validators = tuple(msgspec.structs.replace(fake.validators[0], organization=name) for name in ISSUERS)
    return msgspec.structs.replace(fake, organizations=organizations, point_types=point_types, validators=validators)


@pytest.fixture
async def node() -> FakeNode:
    return FakeNode(ISSUERS[0], genesis=twelve_issuers())


async def test_p2_a_member_with_twelve_issuers_sees_twelve_balances_and_their_value_at_published_prices(
    node: FakeNode, http: httpx.AsyncClient
) -> None:
    account = account_id(node.chain_id, ALICE.public)
    later = node.time + DAY_MS
    signed = [node.sign(RegisterMember(later, bytes(8), ALICE.public), ALICE)]
    for number, name in enumerate(ISSUERS):
        order = EarnPoints(later, bytes(8), name, "o-1", account, f"{name}/consumer", 100 * (number + 5), 1)
        signed.append(node.sign(order, operator_of(name)))
    for item in signed:
        [result] = await node.submit([item], wait=True, timeout_seconds=1)
        assert (result.rejection, result.error) == (None, None), result

    variables = {"id": encode_account(account), "minHeight": None, "consistency": "LOCAL"}
    answer = (await http.post("/graphql", json={"query": queries.ACCOUNT.document, "variables": variables})).json()
    assert "errors" not in answer, answer
    found = queries.ACCOUNT.decode("here", json.dumps(answer["data"]).encode())

    assert found is not None
    shown = {balance.point_type: (balance.available, balance.value_fen) for balance in found.balances}
    assert shown == {
        f"{name}/consumer": (number + 5, None if name == UNPRICED else (number + 5) * (number + 1) // 7)
        for number, name in enumerate(ISSUERS)
    }
