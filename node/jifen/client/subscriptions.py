"""Subscriptions over WebSocket, in the protocol graphql-transport-ws, resumed on another validator when one fails."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Generic, TypeVar, final
from urllib.parse import SplitResult, urlsplit

import msgspec
import trio
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, wrap_client_stream

from jifen.client.endpoints import (
    CONNECT_SECONDS,
    GRAPHQL_PATH,
    RETRY_SECONDS_MAX,
    RETRY_SECONDS_MIN,
    TRANSIENT_CODES,
    Endpoints,
)
from jifen.client.errors import ProtocolFault, Refused
from jifen.client.queries import Operation

T = TypeVar("T")

SUBPROTOCOL: Final = "graphql-transport-ws"

CLOSE_SECONDS: Final = 1.0
"""For the closing handshake, which only tells the server what it would notice anyway."""

MESSAGE_BYTES_MAX: Final = 4 << 20
"""Largest message read; an event has a few kilobytes."""

SILENCE_SECONDS: Final = 30.0
"""After so long without a word, a ping is sent; a connection that does not answer it within the same time is lost."""


_Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class _Message(msgspec.Struct):
    type: str
    payload: msgspec.Raw = msgspec.Raw(b"null")


class _Next(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: tuple[dict[str, Any], ...] = ()


class _Lost(Exception):
    """The connection ended without the subscription being at fault."""


@final
class Subscription(Generic[T]):
    """An endless stream of events, one at a time; iterate over it or call `receive`."""

    def __init__(
        self,
        nursery: trio.Nursery,
        endpoints: Endpoints,
        operation: Operation[T],
        variables: Callable[[T | None], Mapping[str, Any]],
    ) -> None:
        self._nursery = nursery
        self._endpoints = endpoints
        self._operation = operation
        self._variables = variables
        self._connection: WebSocketConnection | None = None
        self._stream: _Stream | None = None
        self._url = ""
        self._last: T | None = None

    def __aiter__(self) -> AsyncIterator[T]:
        """Iterate over the events."""
        return self

    async def __anext__(self) -> T:
        """Return the next event."""
        return await self.receive()

    async def receive(self) -> T:
        """Return the next event, reconnecting as often as it takes; bound it with a trio time-out if you must.

        Raises:
            Refused: the validator does not take the subscription.
            ProtocolFault: it does not speak the protocol.
        """
        pause = RETRY_SECONDS_MIN
        while True:
            try:
                if self._connection is None:
                    self._connection = await self._open()
                self._last = await self._next(self._connection)
                return self._last
            except _Lost:
                await self.drop()
                self._endpoints.pass_over(self._url)
                await trio.sleep(pause)
                pause = min(pause * 2, RETRY_SECONDS_MAX)

    async def drop(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        stream, self._stream = self._stream, None
        if connection is not None:
            with trio.move_on_after(CLOSE_SECONDS):
                await connection.aclose()
        if stream is not None:
            # When the server was first to say goodbye, trio-websocket leaves the client's socket open.
            await trio.aclose_forcefully(stream)

    async def _open(self) -> WebSocketConnection:
        self._url = self._endpoints.current
        try:
            with trio.fail_after(CONNECT_SECONDS):
                connection = await self._connect(urlsplit(self._url))
                if connection.subprotocol != SUBPROTOCOL:
                    raise ProtocolFault(self._url, f"does not speak {SUBPROTOCOL}")
                await self._send(connection, {"type": "connection_init"})
                await self._expect_acknowledgement(connection)
        except (HandshakeError, OSError, trio.TooSlowError, trio.BrokenResourceError) as error:
            raise _Lost(str(error)) from error
        payload = {"query": self._operation.document, "variables": self._variables(self._last)}
        await self._send(connection, {"type": "subscribe", "id": "1", "payload": payload})
        return connection

    async def _connect(self, url: SplitResult) -> WebSocketConnection:
        assert url.hostname is not None, "Endpoints has checked its URLs"
        is_secure = url.scheme == "https"
        plain = await trio.open_tcp_stream(url.hostname, url.port or (443 if is_secure else 80))
        stream: _Stream = plain
        if is_secure:
            stream = trio.SSLStream(plain, ssl.create_default_context(), server_hostname=url.hostname)
        self._stream = stream
        return await wrap_client_stream(
            self._nursery,
            stream,
            url.netloc,
            url.path + GRAPHQL_PATH,
            subprotocols=[SUBPROTOCOL],
            max_message_size=MESSAGE_BYTES_MAX,
        )

    async def _expect_acknowledgement(self, connection: WebSocketConnection) -> None:
        message = await self._read(connection)
        if message.type != "connection_ack":
            raise ProtocolFault(self._url, f"answers connection_init with {message.type}")

    async def _next(self, connection: WebSocketConnection) -> T:
        while True:
            message = await self._read(connection)
            if message.type == "next":
                return self._event(message.payload)
            if message.type == "error":
                raise self._refusal(message.payload)
            if message.type == "complete":
                raise _Lost("the validator ended the subscription")

    def _event(self, payload: msgspec.Raw) -> T:
        try:
            event = msgspec.json.decode(payload, type=_Next)
        except msgspec.DecodeError as error:
            raise ProtocolFault(self._url, f"sends an event in another shape than expected: {error}") from None
        if event.errors:
            raise self._refusal(msgspec.json.encode(event.errors))
        return self._operation.decode(self._url, bytes(event.data))

    def _refusal(self, payload: bytes) -> Exception:
        errors = msgspec.json.decode(payload)
        first = errors[0] if isinstance(errors, list) and errors else {}
        code = str(first.get("extensions", {}).get("code", "BAD_REQUEST"))
        message = str(first.get("message", "the subscription was refused"))
        return _Lost(message) if code in TRANSIENT_CODES else Refused(code, message)

    async def _read(self, connection: WebSocketConnection) -> _Message:
        while True:
            try:
                with trio.move_on_after(SILENCE_SECONDS) as silence:
                    text = await connection.get_message()
                if silence.cancelled_caught:
                    await self._ping(connection)
                    continue
                message = msgspec.json.decode(text, type=_Message)
            except ConnectionClosed as error:
                raise _Lost(str(error)) from error
            except msgspec.DecodeError:
                raise ProtocolFault(self._url, f"sends something else than {SUBPROTOCOL}") from None
            if message.type == "ping":
                await self._send(connection, {"type": "pong"})
            elif message.type != "pong":
                return message

    async def _ping(self, connection: WebSocketConnection) -> None:
        with trio.move_on_after(SILENCE_SECONDS) as silence:
            await connection.ping()
        if silence.cancelled_caught:
            raise _Lost("the validator fell silent")

    async def _send(self, connection: WebSocketConnection, message: dict[str, Any]) -> None:
        try:
            await connection.send_message(msgspec.json.encode(message).decode())
        except ConnectionClosed as error:
            raise _Lost(str(error)) from error


@asynccontextmanager
async def subscribe(
    endpoints: Endpoints, operation: Operation[T], variables: Callable[[T | None], Mapping[str, Any]]
) -> AsyncIterator[Subscription[T]]:
    """Open a subscription; `variables` gives those of a (re)connection, from the last event received."""
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        subscription = Subscription(nursery, endpoints, operation, variables)
        try:
            yield subscription
        except Exception as error:  # noqa: BLE001 - raised again below, outside the nursery, which would wrap it
            failure = error
        finally:
            with trio.CancelScope(shield=True):  # bounded by CLOSE_SECONDS
                await subscription.drop()
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
