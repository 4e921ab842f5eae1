"""graphql-transport-ws: conformance, by its PROTOCOL.md, against the real server."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, open_websocket

from jifen.actors.node import TooManySubscribers
from jifen.codec.addresses import encode_account
from jifen.keys.signing import KeyPair
from jifen.ledger.receipts import MemberRegistered
from jifen.ledger.transactions import RegisterMember
from jifen.testing.fake_node import MASTER, FakeNode
from jifen_graphql.subscriptions import OPERATIONS_MAX

ACCOUNT = encode_account(bytes(20))
BLOCKS = "subscription Blocks($after: Int) { blocks(after: $after) { height hash asOf { height } } }"
BALANCE = "subscription($account: AccountId!) { balance(account: $account) { asOf { height } balances { available } } }"
PATIENCE_SECONDS = 10.0
"""How long a test waits for what must come; only a failing test waits so long."""

Connect = Callable[..., AbstractAsyncContextManager["Peer"]]


class Peer:
    """A client that says exactly what a test wants."""

    def __init__(self, connection: WebSocketConnection) -> None:
        self.connection = connection

    async def say(self, type_: str, **members: Any) -> None:
        await self.connection.send_message(json.dumps({"type": type_, **members}))

    async def subscribe(self, identity: str, query: str, **variables: Any) -> None:
        await self.say("subscribe", id=identity, payload={"query": query, "variables": variables})

    async def hear(self) -> dict[str, Any]:
        with trio.fail_after(PATIENCE_SECONDS):
            message: dict[str, Any] = json.loads(await self.connection.get_message())
        return message

    async def closed_with(self) -> int:
        """Return the close code, passing over messages before it."""
        with trio.fail_after(PATIENCE_SECONDS):
            with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012  passing over is the point
                while True:
                    await self.connection.get_message()
        assert closed.value.reason is not None
        return closed.value.reason.code


@pytest.fixture
def connect(port: int) -> Connect:
    @asynccontextmanager
    async def opened(
        *,
        init: bool = True,
        protocols: tuple[str, ...] = ("graphql-transport-ws",),
        path: str = "/graphql",
        **more: Any,
    ) -> AsyncIterator[Peer]:
        async with open_websocket(
            "127.0.0.1", port, path, use_ssl=False, subprotocols=list(protocols), max_message_size=1 << 22, **more
        ) as connection:
            peer = Peer(connection)
            if init:
                await peer.say("connection_init")
                assert await peer.hear() == {"type": "connection_ack"}
            yield peer
            await connection.aclose()
            await connection._stream.aclose()  # trio-websocket leaves it open when the server closed first

    return opened


async def test_another_subprotocol_is_closed_with_4406(connect: Connect) -> None:
    for protocols in ((), ("graphql-ws",)):
        async with connect(init=False, protocols=protocols) as peer:
            assert await peer.closed_with() == 4406


async def test_the_subprotocol_is_chosen_among_several(connect: Connect) -> None:
    async with connect(protocols=("graphql-ws", "graphql-transport-ws")) as peer:
        assert peer.connection.subprotocol == "graphql-transport-ws"


@pytest.mark.parametrize("payload", [{}, {"payload": None}, {"payload": {}}, {"payload": {"token": "x"}}])
async def test_init_is_acknowledged_with_any_payload_that_is_a_map_or_none(
    connect: Connect, payload: dict[str, Any]
) -> None:
    async with connect(init=False) as peer:
        await peer.say("connection_init", **payload)
        assert (await peer.hear())["type"] == "connection_ack"


async def test_a_second_init_is_closed_with_4429(connect: Connect) -> None:
    async with connect() as peer:
        await peer.say("connection_init")
        assert await peer.closed_with() == 4429


async def test_a_subscribe_before_the_acknowledgement_is_closed_with_4401(connect: Connect) -> None:
    async with connect(init=False) as peer:
        await peer.subscribe("1", "{ node { role } }")
        assert await peer.closed_with() == 4401


@pytest.mark.parametrize(
    "message",
    [
        "no json",
        "[]",
        '"text"',
        "{}",
        '{"type":7}',
        '{"type":"unknown"}',
        '{"type":"start","id":"1"}',
        '{"type":"connection_init","payload":[]}',
        '{"type":"ping","payload":"x"}',
        '{"type":"pong","payload":3}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","id":"1"}',
        '{"type":"subscribe","id":"","payload":{"query":"{ node { role } }"}}',
        '{"type":"subscribe","id":5,"payload":{"query":"{ node { role } }"}}',
        '{"type":"subscribe","id":"1","payload":{}}',
        '{"type":"subscribe","id":"1","payload":{"query":7}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{ node { role } }","variables":[]}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{ node { role } }","operationName":{}}}',
        '{"type":"complete"}',
        '{"type":"complete","id":9}',
        "[" * 30_000,
    ],
)
async def test_a_malformed_message_is_closed_with_4400(connect: Connect, message: str) -> None:
    async with connect() as peer:
        await peer.connection.send_message(message)
        assert await peer.closed_with() == 4400


async def test_a_binary_message_is_closed_with_4400(connect: Connect) -> None:
    async with connect() as peer:
        await peer.connection.send_message(b'{"type":"ping"}')
        assert await peer.closed_with() == 4400


async def test_a_message_that_is_too_long_is_closed_with_1009(connect: Connect) -> None:
    async with connect() as peer:
        await peer.connection.send_message(" " * (65 << 10))
        assert await peer.closed_with() == 1009


async def test_a_ping_gets_a_pong_before_and_after_init(connect: Connect) -> None:
    async with connect(init=False) as peer:
        await peer.say("ping", payload={"a": 1})
        assert (await peer.hear())["type"] == "pong"
        await peer.say("connection_init")
        assert (await peer.hear())["type"] == "connection_ack"
        await peer.say("ping")
        assert (await peer.hear())["type"] == "pong"


async def test_an_unsolicited_pong_is_allowed(connect: Connect) -> None:
    async with connect() as peer:
        await peer.say("pong")
        await peer.say("ping")
        assert (await peer.hear())["type"] == "pong"


async def test_a_query_is_answered_once_and_completed(connect: Connect) -> None:
    async with connect() as peer:
        await peer.subscribe("q", "{ node { organization } }")
        assert await peer.hear() == {"id": "q", "type": "next", "payload": {"data": {"node": {"organization": "mall"}}}}
        assert await peer.hear() == {"id": "q", "type": "complete"}


async def test_a_mutation_is_answered_once_and_completed(connect: Connect) -> None:
    async with connect() as peer:
        await peer.subscribe("m", 'mutation { submitTransaction(bytes: "AAAA") { status userErrors { code } } }')
        payload = (await peer.hear())["payload"]["data"]["submitTransaction"]
        assert payload == {"status": "REFUSED", "userErrors": [{"code": "MALFORMED"}]}
        assert (await peer.hear())["type"] == "complete"


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "{ nothing }",
        "subscription { balance { asOf { height } } }",
        "subscription { blocks { height } balance }",
        "subscription { blocks(after: -2) { height } }",
        "subscription { blocks { transactions(first: 1000) { id } } }",
        'subscription { balance(account: "jf1nonsense") { asOf { height } } }',
    ],
)
async def test_a_bad_operation_gets_one_error_message_and_frees_its_id(connect: Connect, query: str) -> None:
    async with connect() as peer:
        await peer.subscribe("1", query)
        message = await peer.hear()
        assert (message["id"], message["type"]) == ("1", "error")
        assert message["payload"][0]["message"]
        await peer.subscribe("1", "{ node { role } }")
        assert (await peer.hear())["type"] == "next"


async def test_an_id_in_use_is_closed_with_4409(connect: Connect) -> None:
    async with connect() as peer:
        await peer.subscribe("1", BLOCKS)
        await peer.subscribe("1", BLOCKS)
        assert await peer.closed_with() == 4409


async def test_an_id_may_be_used_again_after_either_side_completed_it(connect: Connect, node: FakeNode) -> None:
    async with connect() as peer:
        await peer.subscribe("1", "{ node { role } }")
        assert [(await peer.hear())["type"] for _ in range(2)] == ["next", "complete"]
        await peer.subscribe("1", BLOCKS, after=0)
        await peer.say("complete", id="1")
        await peer.subscribe("1", BLOCKS, after=0)
        node.commit()
        message = await peer.hear()
        assert (message["id"], message["payload"]["data"]["blocks"]["height"]) == ("1", 1)


async def test_completing_an_unknown_id_is_ignored(connect: Connect) -> None:
    async with connect() as peer:
        await peer.say("complete", id="never")
        await peer.say("ping")
        assert (await peer.hear())["type"] == "pong"


async def test_nothing_comes_after_the_client_completed(connect: Connect, node: FakeNode) -> None:
    async with connect() as peer:
        await peer.subscribe("1", BLOCKS, after=0)
        node.commit()
        assert (await peer.hear())["type"] == "next"
        await peer.say("complete", id="1")
        await peer.say("ping")
        assert (await peer.hear())["type"] == "pong"
        node.commit()
        await peer.say("ping")
        assert (await peer.hear())["type"] == "pong"


async def test_operations_beyond_the_limit_are_refused_and_the_others_live_on(connect: Connect, node: FakeNode) -> None:
    async with connect() as peer:
        for index in range(OPERATIONS_MAX + 1):
            await peer.subscribe(str(index), BLOCKS, after=0)
        message = await peer.hear()
        assert (message["id"], message["type"]) == (str(OPERATIONS_MAX), "error")
        assert message["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
        node.commit()
        heard = {(await peer.hear())["id"] for _ in range(OPERATIONS_MAX)}
        assert heard == {str(index) for index in range(OPERATIONS_MAX)}


async def test_blocks_come_without_a_gap_from_where_the_client_left_off(connect: Connect, node: FakeNode) -> None:
    for _ in range(5):
        node.commit()
    async with connect() as peer:
        await peer.subscribe("1", BLOCKS, after=2)
        seen = [(await peer.hear())["payload"]["data"]["blocks"]["height"] for _ in range(3)]
        node.commit()
        node.commit()
        seen += [(await peer.hear())["payload"]["data"]["blocks"]["height"] for _ in range(2)]
        assert seen == [3, 4, 5, 6, 7]
    async with connect() as peer:
        await peer.subscribe("1", BLOCKS, after=seen[-1])
        node.commit()
        assert (await peer.hear())["payload"]["data"]["blocks"]["height"] == 8


async def test_blocks_without_a_start_begin_with_the_newest(connect: Connect, node: FakeNode) -> None:
    node.commit()
    node.commit()
    async with connect() as peer:
        await peer.subscribe("1", BLOCKS)
        assert (await peer.hear())["payload"]["data"]["blocks"]["height"] == 2


async def test_a_balance_comes_at_once_and_then_only_when_it_changed(connect: Connect, node: FakeNode) -> None:
    key = KeyPair.derive(MASTER, "member/alice")
    signed = node.sign(RegisterMember(node.time + 60_000, bytes(8), key.public), key)
    await node.submit([signed], wait=True, timeout_seconds=1)
    with node.read() as view:
        block = view.block(1)
    assert block is not None
    effect = block.receipts[0].effects[0]
    assert isinstance(effect, MemberRegistered)
    async with connect() as peer:
        await peer.subscribe("1", BALANCE, account=encode_account(effect.account))
        first = (await peer.hear())["payload"]["data"]["balance"]
        assert first == {"asOf": {"height": 1}, "balances": []}
        node.commit()  # changes nothing for Alice
        await node.earn(order_id="1", account=effect.account, amount_fen=700, point_type=None, timeout_seconds=1)
        second = (await peer.hear())["payload"]["data"]["balance"]
        assert second == {"asOf": {"height": 3}, "balances": [{"available": "7"}]}


async def test_a_snapshot_is_closed_before_the_next_event_is_waited_for(connect: Connect, node: FakeNode) -> None:
    async with connect() as peer:
        await peer.subscribe("1", BLOCKS, after=0)
        node.commit()
        await peer.hear()
        assert node.open_views == 0


async def test_blocks_may_begin_with_genesis(connect: Connect) -> None:
    async with connect() as peer:
        await peer.subscribe("1", BLOCKS, after=-1)
        assert (await peer.hear())["payload"]["data"]["blocks"]["height"] == 0


async def test_a_node_with_too_many_subscribers_says_that_it_is_busy(connect: Connect, node: FakeNode) -> None:
    def full(after: int | None) -> object:
        raise TooManySubscribers("20000 subscriptions are open; use another validator")

    node.subscribe_blocks = full  # type: ignore[method-assign,assignment]
    async with connect() as peer:
        await peer.subscribe("1", BLOCKS)
        message = await peer.hear()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "BUSY")


async def test_a_fault_of_ours_ends_the_operation_and_not_the_connection(
    connect: Connect, node: FakeNode, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(after: int | None) -> object:
        raise RuntimeError("secret detail")

    node.subscribe_blocks = broken  # type: ignore[method-assign,assignment]
    async with connect() as peer:
        await peer.subscribe("1", BLOCKS)
        message = await peer.hear()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "INTERNAL")
        assert "secret" not in str(message)
        await peer.say("ping")
        assert (await peer.hear())["type"] == "pong"
    assert "secret detail" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        (["Host: {host}", "Origin: http://evil.example"], "/graphql", 403),
        (["Host: {host}", "Origin: null"], "/graphql", 403),
        (["Host: {host}", "Origin: http://127.0.0.1:1"], "/graphql", 403),
        (["Host: rebound.example"], "/graphql", 421),
        (["Host: rebound.example", "Origin: http://rebound.example"], "/graphql", 421),
        ([], "/graphql", 421),
        (["Host: {host}"], "/elsewhere", 404),
    ],
)
async def test_a_websocket_from_elsewhere_is_rejected(port: int, headers: list[str], path: str, status: int) -> None:
    lines = [f"GET {path} HTTP/1.1", *(line.format(host=f"127.0.0.1:{port}") for line in headers)]
    lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
    lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: graphql-transport-ws", "", ""]
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all("\r\n".join(lines).encode())
        with trio.fail_after(PATIENCE_SECONDS):
            answer = b"".join([chunk async for chunk in stream])
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


async def test_our_own_page_may_connect(connect: Connect, port: int) -> None:
    async with connect(extra_headers=[(b"Origin", f"http://127.0.0.1:{port}".encode())]) as peer:
        await peer.say("ping")
        assert (await peer.hear())["type"] == "pong"
