"""graphql-transport-ws (the protocol of the npm package graphql-ws, its PROTOCOL.md) on trio-websocket.

A session has three tasks of its own (reader, writer, watch) and one for each running operation. Operations pull their
events one at a time from the node and wait for room in the outbox, so a slow client slows down nobody but itself and
costs a handful of messages; one that does not take a message within the stream's deadline is dropped (`stream`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

import msgspec
import structlog
import trio
from graphql import GraphQLError, OperationType
from trio_websocket import ConnectionClosed, WebSocketConnection

from jifen.actors.node import StoreClosed, TooManySubscribers
from jifen_graphql.cost import refusal
from jifen_graphql.execution import Answer, Engine, Operation, RequestRefused, stopping
from jifen_graphql.limits import REQUEST_SECONDS_MAX
from jifen_graphql.schema.context import RequestContext
from jifen_graphql.schema.subscriptions import SOURCES

SUBPROTOCOL: Final = "graphql-transport-ws"

INIT_SECONDS_MAX: Final = 5.0
"""Longest wait for connection_init: clients send it with the first packet."""

PING_SECONDS: Final = 20.0
"""Silence after which the server pings: shorter than what routers and proxies forget a connection after."""

PONG_SECONDS_MAX: Final = 10.0
"""Longest wait for any sign of life after a ping."""

OPERATIONS_MAX: Final = 20
"""Operations running on one connection: a page has a handful."""

OUTBOX_MESSAGES_MAX: Final = 8
"""Messages waiting to be written; whoever finds it full waits, and no task waits but the client's own."""

ID_LENGTH_MAX: Final = 128
"""Longest operation id; graphql-ws uses UUIDs of 36."""

CLOSE_SECONDS_MAX: Final = 1.0
"""Longest time for telling a client that the connection ends."""

BAD_MESSAGE: Final = 4400
UNAUTHORIZED: Final = 4401
BAD_SUBPROTOCOL: Final = 4406
INIT_TIMED_OUT: Final = 4408
ID_EXISTS: Final = 4409
INIT_REPEATED: Final = 4429
NO_PONG: Final = 4499
GOING_AWAY: Final = 1001
"""Close codes; clients come back after the last two and give up after the others."""

_log = structlog.get_logger(__name__)


class _Message(msgspec.Struct):
    """Any message of the protocol."""

    type: str
    id: str | None = None
    payload: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Subscribe(msgspec.Struct):
    """Payload of `subscribe`."""

    query: str
    operation_name: str | None = msgspec.field(name="operationName", default=None)
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


_decode_message = msgspec.json.Decoder(_Message).decode
_decode_subscribe = msgspec.json.Decoder(_Subscribe).decode
_decode_map = msgspec.json.Decoder(dict[str, Any] | None).decode


class _BadMessage(Exception):
    """The client broke the protocol: closes the connection with a code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(eq=False)
class _Running:
    """An operation that has not ended."""

    id: str
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    is_over: bool = False
    """Whether the client has ended it: nothing of it may be written any more."""


@final
class Session:
    """One WebSocket connection.

    Invariant: `_running` holds the operations whose end was neither received nor put into the outbox.
    """

    def __init__(self, connection: WebSocketConnection, engine: Engine) -> None:
        self._connection = connection
        self._engine = engine
        self._running: dict[str, _Running] = {}
        self._outbox, self._unwritten = trio.open_memory_channel[tuple[_Running | None, str]](OUTBOX_MESSAGES_MAX)
        self._initialised = trio.Event()
        self._heard = trio.Event()
        self._scope = trio.CancelScope()
        self._closing = GOING_AWAY, ""

    def close(self, code: int, reason: str) -> None:
        """End the session, telling the client why; `run` returns soon after."""
        if not self._scope.cancel_called:
            self._closing = code, reason
            self._scope.cancel()

    async def run(self) -> None:
        """Serve the client until either side ends it."""
        with self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                nursery.start_soon(self._watch)
                await self._read(nursery)
        code, reason = self._closing
        with trio.move_on_after(CLOSE_SECONDS_MAX, shield=True):
            await self._connection.aclose(code, reason[:120] or None)

    async def _read(self, nursery: trio.Nursery) -> None:
        try:
            while True:
                data = await self._connection.get_message()
                self._heard.set()
                await self._take(data, nursery)
        except ConnectionClosed:
            self.close(GOING_AWAY, "")
        except _BadMessage as error:
            self.close(error.code, error.reason)

    async def _write(self) -> None:
        try:
            async for running, text in self._unwritten:
                if running is None or not running.is_over:
                    await self._connection.send_message(text)
        except ConnectionClosed:
            self.close(GOING_AWAY, "")

    async def _watch(self) -> None:
        with trio.move_on_after(INIT_SECONDS_MAX):
            await self._initialised.wait()
        if not self._initialised.is_set():
            return self.close(INIT_TIMED_OUT, "Connection initialisation timeout")
        while True:
            await trio.sleep(PING_SECONDS)
            self._heard = trio.Event()
            await self._send(None, {"type": "ping"})
            with trio.move_on_after(PONG_SECONDS_MAX):
                await self._heard.wait()
            if not self._heard.is_set():
                return self.close(NO_PONG, "No pong in time")

    async def _send(self, running: _Running | None, message: Mapping[str, Any]) -> None:
        await self._outbox.send((running, msgspec.json.encode(message).decode()))

    async def _take(self, data: str | bytes, nursery: trio.Nursery) -> None:
        message = _read_message(data)
        if message.type == "connection_init":
            _check_map(message.payload)
            if self._initialised.is_set():
                raise _BadMessage(INIT_REPEATED, "Too many initialisation requests")
            self._initialised.set()
            await self._send(None, {"type": "connection_ack"})
        elif message.type == "ping":
            _check_map(message.payload)
            await self._send(None, {"type": "pong"})
        elif message.type == "pong":
            _check_map(message.payload)
        elif message.type == "subscribe":
            await self._start(message, nursery)
        elif message.type == "complete":
            running = self._running.pop(_id_of(message), None)
            if running is not None:  # it may have ended by itself just now, which is no fault
                running.is_over = True
                running.scope.cancel()
        else:
            raise _BadMessage(BAD_MESSAGE, "Unknown message type")

    async def _start(self, message: _Message, nursery: trio.Nursery) -> None:
        identity = _id_of(message)
        if not self._initialised.is_set():
            raise _BadMessage(UNAUTHORIZED, "Unauthorized")
        try:
            request = _decode_subscribe(message.payload if isinstance(message.payload, msgspec.Raw) else b"null")
        except (msgspec.DecodeError, RecursionError):
            raise _BadMessage(BAD_MESSAGE, "The payload of subscribe is no GraphQL request") from None
        if identity in self._running:
            raise _BadMessage(ID_EXISTS, f"Subscriber for {identity} already exists"[:100])
        if len(self._running) >= OPERATIONS_MAX:
            error = refusal("TOO_MANY_OPERATIONS", f"at most {OPERATIONS_MAX} operations run on one connection")
            await self._send(None, _error(identity, RequestRefused(error)))
        else:
            running = self._running[identity] = _Running(identity)
            nursery.start_soon(self._operate, running, request)

    async def _operate(self, running: _Running, request: _Subscribe) -> None:
        with running.scope:
            last = await self._last_message(running, request)
            if self._running.get(running.id) is running:
                # the id is free from here on: the client may reuse it as soon as it reads what is sent now
                del self._running[running.id]
                await self._send(running, last)

    async def _last_message(self, running: _Running, request: _Subscribe) -> Mapping[str, Any]:
        """Run an operation and return the message that ends it."""
        try:
            operation = self._engine.prepare(request.query).select(request.operation_name)
            variables = request.variables or {}
            if operation.kind is OperationType.SUBSCRIPTION:
                await self._feed(running, operation, variables)
            else:
                with trio.fail_after(REQUEST_SECONDS_MAX):
                    answer = await self._engine.run(operation, variables)
                await self._next(running, answer)
        except RequestRefused as refused:
            return _error(running.id, refused)
        except GraphQLError as error:
            return _error(running.id, RequestRefused(error))
        except StoreClosed as error:
            return _error(running.id, RequestRefused(stopping(error)))
        except TooManySubscribers as error:
            return _error(running.id, RequestRefused(refusal("BUSY", str(error))))
        except trio.TooSlowError:
            return _error(running.id, RequestRefused(refusal("TIMED_OUT", "no answer in time; ask again")))
        except Exception as error:  # noqa: BLE001  a fault of ours ends one operation, not the node
            _log.error("operation failed", exc_info=error)
            message = "this validator failed to answer; its log says why"
            return _error(running.id, RequestRefused(refusal("INTERNAL", message)))
        return {"id": running.id, "type": "complete"}

    async def _next(self, running: _Running, answer: Answer) -> None:
        await self._send(running, {"id": running.id, "type": "next", "payload": answer})

    async def _feed(self, running: _Running, operation: Operation, variables: Mapping[str, Any]) -> None:
        """Send one event for every height that the node tells of, each out of a snapshot of its own."""
        engine = self._engine
        engine.check(operation, variables)
        name, arguments = engine.subscription_arguments(operation, variables)
        source = SOURCES[name]
        async with source.heights(engine.node, arguments) as heights:
            async for height in heights:
                with engine.node.read() as view:
                    context = RequestContext(engine.node, engine.summaries, view)
                    event = source.event(context, arguments, height)
                    answer = engine.evaluate(operation, variables, context, event)
                await self._next(running, answer)


def _read_message(data: str | bytes) -> _Message:
    if isinstance(data, bytes):
        raise _BadMessage(BAD_MESSAGE, "Messages are text")
    try:
        return _decode_message(data)
    except (msgspec.DecodeError, RecursionError):
        raise _BadMessage(BAD_MESSAGE, "Invalid message received") from None


def _check_map(payload: msgspec.Raw | msgspec.UnsetType) -> None:
    try:
        if isinstance(payload, msgspec.Raw):
            _decode_map(payload)
    except (msgspec.DecodeError, RecursionError):
        raise _BadMessage(BAD_MESSAGE, "The payload must be an object") from None


def _id_of(message: _Message) -> str:
    if not message.id or len(message.id) > ID_LENGTH_MAX:
        raise _BadMessage(BAD_MESSAGE, "The message needs an id")
    return message.id


def _error(identity: str, refused: RequestRefused) -> Mapping[str, Any]:
    return {"id": identity, "type": "error", "payload": refused.answer["errors"]}
