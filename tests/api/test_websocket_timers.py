"""The session's deadlines, in virtual time: silent clients are told and dropped, talkative ones live."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream, wrap_server_stream

from jifen.actors.node import Node
from jifen.testing.fake_node import FakeNode
from jifen_graphql.execution import Engine
from jifen_graphql.schema import public_schema
from jifen_graphql.subscriptions import (
    INIT_SECONDS_MAX,
    INIT_TIMED_OUT,
    NO_PONG,
    OUTBOX_MESSAGES_MAX,
    PING_SECONDS,
    PONG_SECONDS_MAX,
    SUBPROTOCOL,
    Session,
)


@asynccontextmanager
async def session(node: FakeNode) -> AsyncIterator[WebSocketConnection]:
    """Serve one session over memory and yield its client."""
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            async with trio.open_nursery() as inner:
                request = await wrap_server_stream(inner, theirs)
                connection = await request.accept(subprotocol=SUBPROTOCOL)
                await Session(connection, Engine(public_schema(), cast("Node", node))).run()
                inner.cancel_scope.cancel()

        nursery.start_soon(serve)
        yield await wrap_client_stream(nursery, cast("Any", ours), "localhost", "/graphql", subprotocols=[SUBPROTOCOL])
        nursery.cancel_scope.cancel()


async def hear(client: WebSocketConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await client.get_message())
    return message


async def close_code(client: WebSocketConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await client.get_message()
    assert closed.value.reason is not None
    return closed.value.reason.code


async def test_a_client_that_does_not_initialise_is_closed_with_4408(
    node: FakeNode, autojump_clock: trio.testing.MockClock
) -> None:
    async with session(node) as client:
        started = trio.current_time()
        assert await close_code(client) == INIT_TIMED_OUT == 4408
        assert trio.current_time() - started == pytest.approx(INIT_SECONDS_MAX)


async def test_a_client_that_falls_silent_is_pinged_and_then_dropped(
    node: FakeNode, autojump_clock: trio.testing.MockClock
) -> None:
    async with session(node) as client:
        await client.send_message('{"type":"connection_init"}')
        assert (await hear(client))["type"] == "connection_ack"
        started = trio.current_time()
        assert (await hear(client))["type"] == "ping"
        assert trio.current_time() - started == pytest.approx(PING_SECONDS)
        assert await close_code(client) == NO_PONG
        assert trio.current_time() - started == pytest.approx(PING_SECONDS + PONG_SECONDS_MAX)


async def test_a_client_that_answers_pings_lives(node: FakeNode, autojump_clock: trio.testing.MockClock) -> None:
    async with session(node) as client:
        await client.send_message('{"type":"connection_init"}')
        await hear(client)
        for _ in range(20):
            assert (await hear(client))["type"] == "ping"
            await client.send_message('{"type":"pong"}')
        assert trio.current_time() >= 20 * PING_SECONDS


async def test_a_client_that_reads_slowly_makes_nothing_pile_up(
    node: FakeNode, autojump_clock: trio.testing.MockClock
) -> None:
    for _ in range(200):
        node.commit()
    ours, theirs = trio.testing.lockstep_stream_pair()
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            async with trio.open_nursery() as inner:
                request = await wrap_server_stream(inner, theirs)
                connection = await request.accept(subprotocol=SUBPROTOCOL)
                await Session(connection, Engine(public_schema(), cast("Node", node))).run()

        nursery.start_soon(serve)
        client = await wrap_client_stream(
            nursery, cast("Any", ours), "localhost", "/graphql", subprotocols=[SUBPROTOCOL]
        )
        await client.send_message('{"type":"connection_init"}')
        await hear(client)
        query = "subscription { blocks(after: 0) { height } }"
        await client.send_message(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
        await trio.testing.wait_all_tasks_blocked()
        produced = node.views_opened
        # those in the outbox, one being written, one waiting for room, and what the client's library reads ahead
        assert produced <= OUTBOX_MESSAGES_MAX + 6
        heights = [(await hear(client))["payload"]["data"]["blocks"]["height"] for _ in range(200)]
        assert heights == list(range(1, 201))
        nursery.cancel_scope.cancel()
