"""Attacks on the real server: every known fault of its parts, and what a hostile or broken client does."""

import contextlib
import json
import socket
import struct
import zlib
from functools import partial
from typing import Any, cast

import httpx
import pytest
import trio
from trio_websocket import ConnectionClosed, open_websocket

from jifen.actors.node import Node
from jifen.testing.fake_node import FakeNode
from jifen_graphql import app, server, stream
from jifen_graphql.server import ListenFailed, PortBusy, serve_admin, serve_public

PATIENCE_SECONDS = 10.0
"""How long a test waits for what must come; only a failing test waits so long."""

UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
PROTOCOL = b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
QUERY = b'{"query":"{__typename}"}'
POST = (
    b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    % (len(QUERY), QUERY)
)


async def exchange(port: int, *pieces: bytes, until: bytes | None = None) -> bytes:
    """Send pieces on one connection and return what comes back until the end, or until `until` was seen."""
    received = b""
    async with await trio.open_tcp_stream("127.0.0.1", port) as connection:
        with trio.fail_after(PATIENCE_SECONDS):
            for piece in pieces:
                with contextlib.suppress(trio.BrokenResourceError):  # refused before all was sent
                    await connection.send_all(piece)
            while until is None or until not in received:
                try:
                    data = await connection.receive_some(65536)
                except trio.BrokenResourceError:
                    break
                if not data:
                    break
                received += bytes(data)
    return received


async def assert_serves(port: int) -> None:
    """Check that the server still answers everybody else."""
    with trio.fail_after(PATIENCE_SECONDS):
        async with httpx.AsyncClient(trust_env=False) as client:
            response = await client.post(f"http://127.0.0.1:{port}/graphql", json={"query": "{ __typename }"})
    assert response.json() == {"data": {"__typename": "Query"}}


async def test_a_byte_behind_an_upgrade_harms_nothing(port: int) -> None:
    """hypercorn issue 225: there it ended the whole server."""
    for trailing in (b"\x00", b"\x81"):  # the beginnings of frames
        answer = await exchange(port, UPGRADE + PROTOCOL + b"\r\n" + trailing, until=b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 ")
    for trailing in (b"X" * 4000, bytes(range(256)) * 8, POST):  # no frames: the reset may overtake the 101
        await exchange(port, UPGRADE + PROTOCOL + b"\r\n" + trailing, until=b"\r\n\r\n")
    await assert_serves(port)


async def test_a_later_upgrade_on_an_http_connection_never_becomes_a_websocket(port: int) -> None:
    """The dispatcher sees the first head only: hypercorn itself must not know how to upgrade."""
    answer = await exchange(port, POST, UPGRADE + b"Connection: close\r\n\r\n" + b"\x00", until=b"400 ")
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b" 101 " not in answer
    assert b"websocket" not in answer.lower()
    await assert_serves(port)


@pytest.mark.parametrize(
    "head",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
        (
            b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
            b"Connection: Upgrade, HTTP2-Settings, close\r\n\r\n"
        ),
    ],
)
async def test_http_2_is_not_spoken(port: int, head: bytes) -> None:
    """Over HTTP/2 a WebSocket could be opened past the dispatcher (RFC 8441)."""
    answer = await exchange(port, head)
    assert b" 101 " not in answer
    assert b"h2c" not in answer
    await assert_serves(port)


async def test_no_deflate_is_negotiated_and_a_compressed_bomb_ends_its_connection(port: int) -> None:
    bomb = zlib.compressobj(wbits=-15)
    data = bomb.compress(b"\0" * (1 << 16)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    frame = struct.pack(">BB", 0xC1, 0x80 | len(data)) + bytes(4) + data
    offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    async with await trio.open_tcp_stream("127.0.0.1", port) as connection:
        with trio.fail_after(PATIENCE_SECONDS):
            await connection.send_all(UPGRADE + PROTOCOL + offer)
            assert b"sec-websocket-extensions" not in bytes(await connection.receive_some(4096)).lower()
            await connection.send_all(frame)
            answer = bytes(await connection.receive_some(4096))
    assert answer == b"", "a frame with a reserved bit must end the connection"
    await assert_serves(port)


@pytest.mark.parametrize(
    "bytes_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
        b"GET / HTCPCP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        POST.replace(b"Content-Length: 24", b"Transfer-Encoding: chunked"),
        b"GET /%ff%00/../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        UPGRADE.replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 7") + b"\r\n",
        UPGRADE.replace(b"Sec-WebSocket-Key", b"Sec-WebSocket-Quay") + b"\r\n",
        UPGRADE + PROTOCOL + b"\r\n" + b"\xff" * 100,
        UPGRADE + PROTOCOL + b"\r\n" + b"\x81\xfe\xff\xff",
    ],
)
async def test_nonsense_ends_its_own_connection_only(port: int, bytes_: bytes) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", port) as connection:
        await connection.send_all(bytes_)
        await connection.send_eof()
        with trio.fail_after(PATIENCE_SECONDS):
            answer = b"".join([bytes(chunk) async for chunk in connection])
    assert not answer.startswith(b"HTTP/1.1 200")
    await assert_serves(port)


async def test_a_head_that_is_too_large_or_never_ends_is_dropped(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await exchange(port, b"GET / HTTP/1.1\r\nX: " + b"a" * stream.HEAD_BYTES_MAX) == b""
    with monkeypatch.context() as hurried:
        hurried.setattr(stream, "HEAD_SECONDS_MAX", 0.05)
        assert await exchange(port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n") == b""
    await assert_serves(port)


async def test_a_body_that_never_ends_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as hurried:
        hurried.setattr(app, "BODY_SECONDS_MAX", 0.05)
        answer = await exchange(port, POST.replace(b"Content-Length: 24", b"Content-Length: 99"))
    assert answer.startswith(b"HTTP/1.1 408 ")
    await assert_serves(port)


async def test_two_requests_in_one_packet_are_both_answered(port: int) -> None:
    answer = await exchange(port, POST + POST.replace(b"\r\nContent-Type", b"\r\nConnection: close\r\nContent-Type"))
    assert answer.count(b'{"data":{"__typename":"Query"}}') == 2


async def _stalled(port: int, request: bytes) -> trio.SocketStream:
    """Open a connection with a tiny receive buffer, send a request and never read."""
    sock = trio.socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await sock.connect(("127.0.0.1", port))
    connection = trio.SocketStream(sock)
    await connection.send_all(request)
    return connection


class Watched:
    """A listener whose connections a test can count, with small send buffers so that a stall comes soon."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.listener: server.Listener | None = None
        watched = self
        real = server.Listener.__init__

        def init(listener: server.Listener, *args: Any, **kwargs: Any) -> None:
            real(listener, *args, **kwargs)
            watched.listener = listener

        monkeypatch.setattr(server.Listener, "__init__", init)
        real_stream = stream.GuardedStream.__init__

        def small(guarded: stream.GuardedStream, inner: trio.SocketStream) -> None:
            inner.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            real_stream(guarded, inner)

        monkeypatch.setattr(stream.GuardedStream, "__init__", small)

    @property
    def connections(self) -> int:
        assert self.listener is not None
        return len(self.listener._streams)

    async def wait_for(self, connections: int) -> None:
        with trio.fail_after(PATIENCE_SECONDS):
            while self.connections != connections:
                await trio.lowlevel.checkpoint()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


BIG = b'{"query":"{ __schema { types { name description fields { name description args { name description } } } } }"}'
BIG_POST = (
    b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    % (len(BIG), BIG)
)


async def test_a_body_nobody_reads_does_not_keep_its_connection(watched: Watched, port: int) -> None:
    """hypercorn feeds the application through a queue of ten and would wait for ever behind an early answer."""
    head = b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: 40000000\r\n\r\n"
    await exchange(port, head, *[b"x" * 10_000 for _ in range(30)])
    await watched.wait_for(0)
    await assert_serves(port)


async def test_a_client_that_leaves_gives_its_place_back(watched: Watched, port: int) -> None:
    """hypercorn keeps the connection until its keep-alive timer runs out."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as connection:
        await connection.send_all(POST)
        with trio.fail_after(PATIENCE_SECONDS):
            assert await connection.receive_some(4096)
        await watched.wait_for(1)
    await watched.wait_for(0)


async def test_a_reader_that_stalls_is_dropped(
    watched: Watched, node: FakeNode, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """hypercorn sends inside a shield without a deadline: there it stayed until the peer died."""
    monkeypatch.setattr(stream, "SEND_SECONDS_MAX", 0.1)
    port = await nursery.start(partial(serve_public, cast("Node", node), host="127.0.0.1", port=0))
    connection = await _stalled(port, BIG_POST * 20)
    await watched.wait_for(1)
    await watched.wait_for(0)
    await connection.aclose()
    await assert_serves(port)


async def test_a_websocket_that_stalls_is_dropped_and_costs_a_bounded_backlog(
    watched: Watched, node: FakeNode, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SEND_SECONDS_MAX", 0.1)
    for _ in range(300):
        node.commit()
    port = await nursery.start(partial(serve_public, cast("Node", node), host="127.0.0.1", port=0))

    def frame(text: bytes) -> bytes:
        length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + struct.pack(">H", len(text))
        return b"\x81" + length + bytes(4) + text

    opened = node.views_opened
    query = "subscription { blocks(after: 0) { height hash parentHash stateDigest receiptsRoot historyRoot } }"
    subscribe = json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}).encode()
    connection = await _stalled(port, UPGRADE + PROTOCOL + b"\r\n")
    assert (await connection.receive_some(4096)).startswith(b"HTTP/1.1 101 ")
    await connection.send_all(frame(b'{"type":"connection_init"}') + frame(subscribe))
    await watched.wait_for(1)
    await watched.wait_for(0)
    assert 0 < node.views_opened - opened < 300, "events were produced for a client that reads none"
    assert node.open_views == 0
    await connection.aclose()
    await assert_serves(port)


async def test_writing_to_a_client_that_is_gone_gives_way_to_others(node: FakeNode, port: int) -> None:
    """hypercorn returns from a send after the close without a checkpoint: a loop of sends froze every other task."""
    for _ in range(500):
        node.commit()
    for _ in range(5):
        async with open_websocket(
            "127.0.0.1", port, "/graphql", use_ssl=False, subprotocols=["graphql-transport-ws"]
        ) as connection:
            await connection.send_message('{"type":"connection_init"}')
            await connection.get_message()
            query = "subscription { blocks(after: 0) { height } }"
            await connection.send_message(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
            await connection.get_message()
            await connection._stream.aclose()
    await assert_serves(port)


async def test_connections_beyond_the_limit_are_dropped_and_a_free_place_is_given_again(
    watched: Watched, node: FakeNode, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 3)
    port = await nursery.start(partial(serve_public, cast("Node", node), host="127.0.0.1", port=0))
    held = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(3)]
    await watched.wait_for(3)
    assert await exchange(port, POST) == b""
    for connection in held:
        await connection.aclose()
    await watched.wait_for(0)
    await assert_serves(port)


@pytest.mark.parametrize("is_stalled", [False, True])
async def test_stopping_tells_websockets_and_takes_less_than_a_second(
    watched: Watched, node: FakeNode, is_stalled: bool
) -> None:
    async with trio.open_nursery() as outer, trio.open_nursery() as clients:
        serving = trio.CancelScope()

        async def serve(task_status: trio.TaskStatus[int]) -> None:
            with serving:
                await serve_public(cast("Node", node), host="127.0.0.1", port=0, task_status=task_status)
            assert watched.connections == 0

        port = await outer.start(serve)
        idle = await trio.open_tcp_stream("127.0.0.1", port)
        await idle.send_all(POST)
        assert await idle.receive_some(4096)
        stalled = await _stalled(port, BIG_POST * 20) if is_stalled else None
        async with open_websocket(
            "127.0.0.1", port, "/graphql", use_ssl=False, subprotocols=["graphql-transport-ws"]
        ) as connection:
            await connection.send_message('{"type":"connection_init"}')
            await connection.get_message()
            query = "subscription { blocks { height } }"
            await connection.send_message(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
            await connection.get_message()
            started = trio.current_time()
            serving.cancel()
            with pytest.raises(ConnectionClosed) as closed:
                await connection.get_message()
            assert closed.value.reason is not None
            assert closed.value.reason.code == 1001
            with trio.fail_after(PATIENCE_SECONDS):
                while watched.connections:
                    await trio.lowlevel.checkpoint()
            assert trio.current_time() - started < 1.0
            await connection._stream.aclose()
        await idle.aclose()
        if stalled is not None:
            await stalled.aclose()
        clients.cancel_scope.cancel()


async def test_a_request_under_way_is_answered_when_its_node_is_quick_enough(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "GOODBYE_SECONDS_MAX", PATIENCE_SECONDS)
    serving = trio.CancelScope()
    taken = trio.Event()
    real = node.submit

    async def watched_submit(*args: Any, **kwargs: Any) -> Any:
        taken.set()
        await trio.testing.wait_all_tasks_blocked()
        return await real(*args, **kwargs)

    node.submit = watched_submit  # type: ignore[method-assign]
    answers: list[int] = []
    async with trio.open_nursery() as nursery:

        async def serve(task_status: trio.TaskStatus[int]) -> None:
            with serving:
                await serve_public(cast("Node", node), host="127.0.0.1", port=0, task_status=task_status)

        port = await nursery.start(serve)

        async def ask() -> None:
            async with httpx.AsyncClient(trust_env=False) as client:
                query = 'mutation { submitTransaction(bytes: "AAAA") { status } }'
                response = await client.post(f"http://127.0.0.1:{port}/graphql", json={"query": query})
                answers.append(response.status_code)

        nursery.start_soon(ask)
        await taken.wait()
        serving.cancel()
    assert answers == [200]


async def test_a_busy_port_is_named_with_what_to_do(node: FakeNode, port: int) -> None:
    for serve in (
        partial(serve_public, cast("Node", node)),
        partial(serve_admin, cast("Node", node), token="0" * 32),
    ):
        with pytest.raises(PortBusy, match=rf"port {port} on 127\.0\.0\.1 is taken .* choose another port"):
            await serve(host="127.0.0.1", port=port)


async def test_an_address_that_is_not_ours_is_named_with_what_to_do(node: FakeNode) -> None:
    with pytest.raises(ListenFailed, match=r"cannot listen on 192\.0\.2\.1"):
        await serve_public(cast("Node", node), host="192.0.2.1", port=0)


async def test_a_token_that_is_too_short_is_refused(node: FakeNode) -> None:
    with pytest.raises(ValueError, match="admin token"):
        await serve_admin(cast("Node", node), host="127.0.0.1", port=0, token="secret")
