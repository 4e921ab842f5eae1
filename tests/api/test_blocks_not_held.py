"""Blocks that a validator has dropped, and the checkpoints that let it: each question gets a clear answer."""

import httpx
import pytest
import trio
from trio_websocket import open_websocket

from jifen.keys.signing import KeyPair
from jifen.ledger.checkpoints.records import CHECKPOINT_BLOCKS_DEFAULT, AttestCheckpoint
from jifen.testing.fake_node import MASTER, FakeNode

NOT_HELD = "this validator holds blocks from height 3 on; ask one that keeps all"


@pytest.fixture
def compacted(node: FakeNode) -> FakeNode:
    for _ in range(5):
        node.commit()
    node.base_height = 2
    return node


async def ask(http: httpx.AsyncClient, query: str) -> dict[str, object]:
    answer: dict[str, object] = (await http.post("/graphql", json={"query": query})).json()
    return answer


async def test_a_block_that_is_not_held_is_an_error_that_says_who_has_it(
    http: httpx.AsyncClient, compacted: FakeNode
) -> None:
    assert compacted.base_height == 2
    answer = await ask(http, "{ block(height: 2) { hash } }")
    assert isinstance(answer["errors"], list)
    [error] = answer["errors"]
    assert NOT_HELD in error["message"]
    assert error["extensions"]["code"] == "BLOCK_NOT_HELD"


@pytest.mark.parametrize("height", [0, 3, 5])
async def test_genesis_and_what_is_held_are_answered_as_ever(
    http: httpx.AsyncClient, compacted: FakeNode, height: int
) -> None:
    assert compacted.height == 5
    assert await ask(http, f"{{ block(height: {height}) {{ height }} node {{ firstHeight }} }}") == {
        "data": {"block": {"height": height}, "node": {"firstHeight": 3}}
    }


async def test_a_page_of_blocks_ends_where_the_blocks_do(http: httpx.AsyncClient, compacted: FakeNode) -> None:
    assert compacted.height == 5
    assert await ask(http, "{ blocks(last: 10) { height } }") == {
        "data": {"blocks": [{"height": height} for height in (5, 4, 3)]}
    }
    answer = await ask(http, "{ blocks(last: 10, before: 3) { height } }")
    assert NOT_HELD in str(answer["errors"])


@pytest.mark.parametrize("after", [-1, 0, 1])
async def test_a_subscription_cannot_be_resumed_below_what_is_held(port: int, compacted: FakeNode, after: int) -> None:
    assert compacted.height == 5
    with trio.fail_after(20):
        async with open_websocket(
            "127.0.0.1", port, "/graphql", use_ssl=False, subprotocols=["graphql-transport-ws"]
        ) as connection:
            await connection.send_message('{"type": "connection_init"}')
            await connection.get_message()
            query = f"subscription {{ blocks(after: {after}) {{ height }} }}"
            await connection.send_message(f'{{"type": "subscribe", "id": "1", "payload": {{"query": "{query}"}}}}')
            told = str(await connection.get_message())
    assert '"error"' in told
    assert NOT_HELD in told


async def test_a_subscription_from_the_first_block_held_is_fed(port: int, compacted: FakeNode) -> None:
    assert compacted.height == 5
    with trio.fail_after(20):
        async with open_websocket(
            "127.0.0.1", port, "/graphql", use_ssl=False, subprotocols=["graphql-transport-ws"]
        ) as connection:
            await connection.send_message('{"type": "connection_init"}')
            await connection.get_message()
            query = "subscription { blocks(after: 2) { height } }"
            await connection.send_message(f'{{"type": "subscribe", "id": "1", "payload": {{"query": "{query}"}}}}')
            assert '{"height":3}' in str(await connection.get_message()).replace(" ", "")


async def test_the_checkpoints_name_everybody_s_word(http: httpx.AsyncClient, node: FakeNode) -> None:
    for _ in range(CHECKPOINT_BLOCKS_DEFAULT):
        node.commit()
    names = [organization.id for organization in node.genesis.organizations]
    for place, name in enumerate(names):
        root = bytes([place == 0] * 32)
        body = AttestCheckpoint(node.time + 60_000, bytes(8), name, CHECKPOINT_BLOCKS_DEFAULT, bytes(32), root)
        await node.submit([node.sign(body, validator_of(name))], wait=True, timeout_seconds=1)
    answer = await ask(
        http, "{ checkpoints { height certified root certifiedAt attestations { validator root } asOf { height } } }"
    )
    assert isinstance(answer["data"], dict)
    [told] = answer["data"]["checkpoints"]
    assert (told["height"], told["certified"], told["root"]) == (CHECKPOINT_BLOCKS_DEFAULT, True, "00" * 32)
    assert [item["validator"] for item in told["attestations"]] == names
    assert told["attestations"][0]["root"] == "01" * 32, "who says something else stands there by name"
    fields = "agreeing certified validator height blockHash root"
    block = f"block(height: {told['certifiedAt']})"
    effects = f"effects {{ ... on CheckpointAttested {{ {fields} }} }}"
    told = await ask(http, f"{{ {block} {{ transactions {{ kind receipt {{ {effects} }} }} }} }}")
    effect = {"agreeing": 3, "certified": True, "validator": names[3], "height": CHECKPOINT_BLOCKS_DEFAULT}
    effect |= {"blockHash": "00" * 32, "root": "00" * 32}
    assert told["data"] == {"block": {"transactions": [{"kind": "attestCheckpoint", "receipt": {"effects": [effect]}}]}}


def validator_of(name: str) -> KeyPair:
    return KeyPair.derive(MASTER, f"validator/{name}")
