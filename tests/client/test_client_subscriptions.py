"""Subscriptions against a real WebSocket server that misbehaves on purpose."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

from jifen.client import Client, ProtocolFault, Refused, SyncClient

Session = Callable[[WebSocketConnection, dict[str, Any]], Awaitable[None]]


def block(height: int) -> dict[str, Any]:
    """Return a block as the API words it."""
    return {
        "height": height, "hash": f"{height:064x}", "term": 1, "parentHash": f"{height - 1:064x}", "proposer": "mall",
        "time": "2026-01-31T08:00:00.000Z", "stateDigest": "00" * 32, "transactionCount": 0,
        "certificate": {"term": 1, "signers": ["mall", "books", "cafe"]},
    }  # fmt: skip


async def send(connection: WebSocketConnection, kind: str, payload: Any = None) -> None:
    """Send one message of the protocol."""
    await connection.send_message(json.dumps({"type": kind, "id": "1", "payload": payload}))


@asynccontextmanager
async def server(session: Session, *, subprotocol: str | None = "graphql-transport-ws") -> AsyncIterator[str]:
    """Serve subscriptions by `session`, which gets the connection and the subscribe message's payload."""

    async def handle(request: WebSocketRequest) -> None:
        connection = await request.accept(subprotocol=subprotocol)
        assert json.loads(await connection.get_message())["type"] == "connection_init"
        await send(connection, "connection_ack")
        asked = json.loads(await connection.get_message())
        assert asked["type"] == "subscribe"
        with suppress(ConnectionClosed):  # the client may leave in the middle
            await session(connection, asked["payload"])

    async with trio.open_nursery() as nursery:
        made = await nursery.start(serve_websocket, handle, "127.0.0.1", 0, None)
        yield f"http://127.0.0.1:{made.port}"
        nursery.cancel_scope.cancel()


async def test_blocks_go_on_without_a_gap_when_the_connection_is_lost() -> None:
    asked_after = []

    async def session(connection: WebSocketConnection, payload: dict[str, Any]) -> None:
        after = payload["variables"]["after"]
        asked_after.append(after)
        for height in (after + 1, after + 2):
            await send(connection, "next", {"data": {"blocks": block(height)}})
        await connection.aclose(1001, "going away")

    async with server(session) as url, Client([url]) as client, client.subscribe_blocks(after=4) as blocks:
        with trio.fail_after(60):
            heights = [(await blocks.receive()).height for _ in range(5)]

    assert heights == [5, 6, 7, 8, 9]
    assert asked_after == [4, 6, 8]


async def test_a_ping_of_the_validator_is_answered() -> None:
    answered = trio.Event()

    async def session(connection: WebSocketConnection, _payload: dict[str, Any]) -> None:
        await send(connection, "ping")
        assert json.loads(await connection.get_message())["type"] == "pong"
        answered.set()
        await send(connection, "next", {"data": {"blocks": block(1)}})
        await trio.sleep_forever()

    async with server(session) as url, Client([url]) as client, client.subscribe_blocks() as blocks:
        with trio.fail_after(60):
            assert (await blocks.receive()).height == 1

    assert answered.is_set()


async def test_a_refused_subscription_is_raised_as_such() -> None:
    async def session(connection: WebSocketConnection, _payload: dict[str, Any]) -> None:
        await send(connection, "error", [{"message": "no such account", "extensions": {"code": "BAD_USER_INPUT"}}])
        await trio.sleep_forever()

    async with server(session) as url, Client([url]) as client:
        with trio.fail_after(60), pytest.raises(Refused, match="no such account"):
            async with client.subscribe_balance("jf1") as balances:
                await balances.receive()


async def test_a_server_of_another_protocol_is_named() -> None:
    async def session(connection: WebSocketConnection, _payload: dict[str, Any]) -> None:
        await trio.sleep_forever()

    async with server(session, subprotocol=None) as url, Client([url]) as client:
        with trio.fail_after(60), pytest.raises(ProtocolFault, match=url):
            async with client.subscribe_blocks() as blocks:
                await blocks.receive()


async def test_the_blocking_client_follows_blocks_too() -> None:
    async def session(connection: WebSocketConnection, payload: dict[str, Any]) -> None:
        for height in range(payload["variables"]["after"] + 1, 100):
            await send(connection, "next", {"data": {"blocks": block(height)}})
        await trio.sleep_forever()

    def follow(url: str) -> list[int]:
        with SyncClient([url]) as client, client.subscribe_blocks(after=2) as blocks:
            return [next(blocks).height for _ in range(3)]

    async with server(session) as url:
        with trio.fail_after(60):
            heights = await trio.to_thread.run_sync(follow, url)

    assert heights == [3, 4, 5]
