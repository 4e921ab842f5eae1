"""Validators and proposals through the SDK, trio's and the blocking one, against the real server and a fake node."""

from typing import Any, cast

import pytest
import trio

from jifen.actors.node import Node
from jifen.client import Client, SyncClient, TransactionBuilder
from jifen.keys.signing import KeyPair
from jifen.ledger.governance.changes import RemoveValidator
from jifen.testing.fake_node import MASTER, FakeNode, operator_of
from jifen.testing.scenes.governance import admission
from jifen_graphql.server import serve_public


@pytest.fixture
async def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
async def url(node: FakeNode, nursery: trio.Nursery) -> str:
    """URL of the fake node's public API."""

    async def serve(task_status: Any) -> None:
        await serve_public(cast("Node", node), host="127.0.0.1", port=0, task_status=task_status)

    port = await nursery.start(serve)
    return f"http://127.0.0.1:{port}"


async def test_a_validator_is_proposed_admitted_activated_and_shown(node: FakeNode, url: str) -> None:
    own = KeyPair.derive(MASTER, "validator/cafe")
    builder = TransactionBuilder(node.chain_id, clock=lambda: node.time)
    change = admission("cafe", "cafe", key=own.public)

    async with Client([url]) as client:
        made = await client.submit(builder.propose_change(operator_of("mall"), organization="mall", change=change))
        assert made.id is not None
        [waiting] = await client.proposals()
        ballots = [
            builder.vote_on_proposal(
                operator_of(name), organization=name, proposal=bytes.fromhex(waiting.id), approve=True
            )
            for name in ("books", "music", "tea")
        ]
        voted = [await client.submit(ballot) for ballot in ballots]
        [_, admitted] = (await client.transaction(ballots[-1].id)).effects()
        listed = await client.validator_set()
        await client.submit(builder.activate_validator(own, validator="cafe"))
        changing = await client.validator_set()
        decided = await client.proposal(1)
        stranger = await client.validator("nobody")
        cafe = await client.validator("cafe")

    assert (waiting.number, waiting.status, waiting.missing) == (1, "OPEN", ("books", "music", "tea"))
    assert waiting.admission is not None
    assert waiting.admission.newcomer is not None
    assert (waiting.kind, waiting.admission.newcomer.operators[0].scopes) == ("ADMIT_VALIDATOR", "ADMIN")
    assert all(one.is_applied for one in voted)
    assert (admitted["__typename"], admitted["newcomer"]) == ("ValidatorAdmitted", True)
    assert [one.id for one in listed.observers] == ["cafe"]
    assert (listed.joint, changing.joint) == (False, True)
    assert [one.id for one in changing.voters] == [*(one.id for one in changing.outgoing), "cafe"]
    assert decided is not None
    assert (decided.status, decided.decided_at, len(decided.votes)) == ("ACCEPTED", 4, 4)
    assert stranger is None
    assert cafe is not None
    assert (cafe.status, cafe.connected) == ("VOTER", False)


async def test_the_blocking_client_says_the_same(node: FakeNode, url: str) -> None:
    builder = TransactionBuilder(node.chain_id, clock=lambda: node.time)

    def work() -> None:
        with SyncClient([url]) as client:
            sealed = builder.propose_change(operator_of("mall"), organization="mall", change=RemoveValidator("tea"))
            client.submit(sealed)
            identity = bytes.fromhex(client.proposals(last=1)[0].id)
            client.submit(builder.withdraw_proposal(operator_of("mall"), organization="mall", proposal=identity))
            found = client.proposal(1)
            assert found is not None
            assert (found.status, found.admission, found.missing) == ("WITHDRAWN", None, ())
            assert client.proposals(before=1) == ()
            assert [one.status for one in client.validator_set().voters] == ["VOTER"] * 4
            tea = client.validator("tea")
            assert tea is not None
            assert tea.certificate_fingerprint is None
            seen = client.preview_validator_set(admit=["x"], remove=["tea"])
            assert (seen.before[0].size, seen.after.size, seen.reachable) == (3, 3, True)
            assert seen.after.voters == ("mall", "books", "music", "x")
            assert seen.after.connected == ("mall", "books", "music")

    await trio.to_thread.run_sync(work)
