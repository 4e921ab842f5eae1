"""One WebSocket over one TLS stream: what the dialling and the accepting side share.

trio-websocket is kept at arm's length here, because three of its habits would otherwise reach the node:

- its reader task runs in a nursery of the caller and lets through what the parser makes of hostile bytes (for example
  wsproto's LocalProtocolError on a ping after a close), which would end everything in that nursery;
- when the stream ends during the opening handshake, `wrap_client_stream` and `wrap_server_stream` wait for ever;
- a message may consist of endlessly many empty fragments, which its size limit does not see.

So `Link` stands in for the nursery and catches what the reader raises, and `MeteredStream` counts the bytes.
"""

import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast, final

import trio
from trio_websocket import (
    CloseReason,
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    WebSocketConnection,
    wrap_client_stream,
    wrap_server_stream,
)
from wsproto.utilities import ProtocolError

from jifen.transport.frames import PEER_FAULT_CLOSE_CODE, REFUSALS_BY_CLOSE_CODE
from jifen.transport.identity import der_fingerprint
from jifen.transport.limits import FRAMES_READ_AHEAD_MAX, TransportLimits
from jifen.transport.peers import LinkLost

TlsStream = trio.SSLStream[trio.abc.Stream]

RECEIVE_BYTES = 16 * 1024
"""Read from TLS at once, in bytes: one record of the largest size (RFC 8446, 5.1), which is all that ever comes."""

SLACK_BYTES = 256 * 1024
"""Allowed to arrive beside the payload of one frame, in bytes: the opening handshake (h11 stops at 16 KiB), or the
frame's header, pings, and what one read brought of the next frame."""

PATH = "/peer"
"""Resource of the upgrade request. One suffices; it is there for whoever reads a dump."""

_CLOSE_REASON_BYTES_MAX = 123
"""What fits a close frame beside the code (RFC 6455, 5.5)."""

_TOO_BIG_CLOSE_CODE = 1009
_NORMAL_CLOSE_CODE = 1000
_BROKEN_CLOSE_CODE = 1006
"""Never sent: what trio-websocket notes when the stream ended without a close frame (RFC 6455, 7.1.5)."""

_ENDED_EARLY = "the connection ended before the WebSocket was open; perhaps a certificate is not that of genesis"
"""trio sends no TLS alert when it turns a certificate down, so this is all that the other side sees."""

_WEBSOCKET_ERRORS = (
    ConnectionClosed,
    HandshakeError,
    ProtocolError,
    trio.BrokenResourceError,
    trio.ClosedResourceError,
)
"""All that trio-websocket raises for a connection that is closed, closing or broken."""

_T = TypeVar("_T")


def why_broken(error: BaseException) -> str:
    """The phrase for a stream that broke: trio puts the system's or TLS's own error in the cause."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not one of genesis ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {cause.reason or cause}"
    if isinstance(cause, OSError):
        return cause.strerror or str(cause)
    return "the connection broke"


async def shake_hands(tls: TlsStream, limits: TransportLimits) -> bytes:
    """Do the TLS handshake within its deadline.

    Returns the fingerprint of the other side's certificate. Raises: LinkLost.
    """
    try:
        with trio.fail_after(limits.tls_seconds):
            await tls.do_handshake()
    except trio.TooSlowError:
        raise LinkLost(f"no TLS handshake within {limits.tls_seconds:g} s") from None
    except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
        raise LinkLost(why_broken(error)) from error
    certificate = tls.getpeercert(binary_form=True)
    assert certificate is not None, "CERT_REQUIRED lets no handshake pass without a certificate"
    return der_fingerprint(certificate)


@final
class MeteredStream:
    """The TLS stream as the WebSocket library sees it: limited in bytes per message, and it remembers why it broke.

    Has the three methods of a stream that the library calls.
    """

    def __init__(self, inner: trio.abc.Stream, unclaimed_bytes_max: int) -> None:
        self._inner = inner
        self._unclaimed_bytes_max = unclaimed_bytes_max
        self._unclaimed_bytes = 0
        """Received since the last `claim`. Invariant: at most `RECEIVE_BYTES` above the limit."""
        self.fault: str | None = None
        """Why the stream broke, once it has."""

    def claim(self) -> None:
        """What arrived so far made sense: start counting anew."""
        self._unclaimed_bytes = 0

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As of `trio.abc.ReceiveStream`; breaks when the limit is passed."""
        if self._unclaimed_bytes > self._unclaimed_bytes_max:
            self.fault = f"more than {self._unclaimed_bytes_max} bytes for one frame"
            raise trio.BrokenResourceError(self.fault)
        try:
            data = await self._inner.receive_some(max_bytes)
        except trio.BrokenResourceError as error:
            self.fault = why_broken(error)
            raise
        self._unclaimed_bytes += len(data)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As of `trio.abc.SendStream`."""
        try:
            await self._inner.send_all(data)
        except trio.BrokenResourceError as error:
            self.fault = self.fault or why_broken(error)
            raise

    async def aclose(self) -> None:
        """As of `trio.abc.AsyncResource`."""
        await self._inner.aclose()


@final
class Link:
    """A WebSocket from the upgrade to the close. Whatever the other side does to it comes out as `LinkLost`.

    `close` must be called at the end, however that came; the link is of no use after any `LinkLost`.
    """

    def __init__(self, tls: TlsStream, limits: TransportLimits, readers: trio.Nursery) -> None:
        """Wrap a stream whose TLS handshake is done; `readers` is where the library's reader task will live."""
        self._limits = limits
        self._tls = tls
        self._stream = MeteredStream(tls, (FRAMES_READ_AHEAD_MAX + 1) * limits.frame_bytes_max + SLACK_BYTES)
        self._readers = readers
        self._reader_scope = trio.CancelScope()
        self._reader_fault: str | None = None
        self._opening_scope = trio.CancelScope()
        self._connection: WebSocketConnection | None = None
        self._waiting_scope: trio.CancelScope | None = None
        """Set while the link's task waits for something that `retire` may interrupt."""
        self.retired: str | None = None
        """Why this side gave the link up, once it has. Never cancels a handler: its task looks here when it is free."""

    async def connect(self, host: str) -> None:
        """Upgrade as the client, with `host` in the Host header that HTTP demands.

        Raises: LinkLost; trio.Cancelled from the caller's deadline.
        """

        async def opening() -> WebSocketConnection:
            return await wrap_client_stream(
                cast("trio.Nursery", self),
                cast("trio.SSLStream[trio.SocketStream]", self._stream),  # annotated narrower than what it uses
                host,
                PATH,
                message_queue_size=0,
                max_message_size=self._limits.frame_bytes_max,
                receive_buffer_size=RECEIVE_BYTES,
            )

        self._connection = await self._opened(opening)

    async def accept(self) -> None:
        """Upgrade as the server. Raises: LinkLost; trio.Cancelled from the caller's deadline."""

        async def opening() -> WebSocketConnection:
            request = await wrap_server_stream(
                cast("trio.Nursery", self),
                cast("trio.abc.Stream", self._stream),
                message_queue_size=FRAMES_READ_AHEAD_MAX,
                max_message_size=self._limits.frame_bytes_max,
                receive_buffer_size=RECEIVE_BYTES,
            )
            return await request.accept()

        self._connection = await self._opened(opening)

    def start_soon(self, reader: Callable[[], Awaitable[None]]) -> None:
        """Stand in for the nursery: the only method of one that trio-websocket calls."""
        self._readers.start_soon(self._read, reader)

    async def _read(self, reader: Callable[[], Awaitable[None]]) -> None:
        with self._reader_scope:
            try:
                await reader()
            except ConnectionRejected as error:
                self._reader_fault = f"the upgrade was answered with HTTP status {error.status_code}"
            except Exception as error:  # noqa: BLE001
                # A parser fed by a stranger: whatever it raises is that stranger's doing and ends this link only.
                self._reader_fault = f"unreadable WebSocket bytes ({type(error).__name__}: {error})"
        self._opening_scope.cancel()

    async def _opened(self, opening: Callable[[], Awaitable[_T]]) -> _T:
        try:
            with self._opening_scope:
                return await opening()
        except _WEBSOCKET_ERRORS as error:
            raise self._lost(error) from error
        except Exception as error:
            # The same blame as in `_read`: for example h11's own errors about a request that it let through.
            raise LinkLost(f"an impossible upgrade ({type(error).__name__}: {error})") from error
        raise LinkLost(self._reader_fault or self._stream.fault or _ENDED_EARLY)

    async def send(self, frame: bytes) -> None:
        """Send one binary message within the send deadline. Raises: LinkLost."""
        assert self._connection is not None, "send before the upgrade"
        try:
            with trio.fail_after(self._limits.send_seconds):
                await self._connection.send_message(frame)
        except trio.TooSlowError:
            raise LinkLost(f"a frame could not be sent within {self._limits.send_seconds:g} s") from None
        except _WEBSOCKET_ERRORS as error:
            raise self._lost(error) from error

    async def receive(self, seconds: float) -> bytes:
        """The next message, whole. Raises: LinkLost, also when it is text, does not come in time, or on `retire`."""
        assert self._connection is not None, "receive before the upgrade"
        message: str | bytes | None = None
        try:
            with self.interruptible(seconds):
                message = await self._connection.get_message()
        except _WEBSOCKET_ERRORS as error:
            raise self._lost(error) from error
        if message is None:
            raise LinkLost(self.retired or f"no frame within {seconds:g} s")
        if isinstance(message, str):
            raise LinkLost("sent a text frame; frames are binary")
        self._stream.claim()
        return message

    async def ping(self) -> None:
        """Ping and wait for the pong within its deadline. Raises: LinkLost."""
        assert self._connection is not None, "ping before the upgrade"
        try:
            with trio.fail_after(self._limits.pong_seconds):
                await self._connection.ping()
        except trio.TooSlowError:
            raise LinkLost(f"no pong within {self._limits.pong_seconds:g} s") from None
        except _WEBSOCKET_ERRORS as error:
            raise self._lost(error) from error
        self._stream.claim()

    @contextmanager
    def interruptible(self, seconds: float) -> Iterator[None]:
        """Run the body until the time is over or the link is retired; it is then cut short, without an exception."""
        assert self._waiting_scope is None, "one task waits on a link"
        with trio.move_on_after(seconds) as scope:
            if self.retired is not None:
                scope.cancel()
            self._waiting_scope = scope
            try:
                yield
            finally:
                self._waiting_scope = None

    def retire(self, reason: str) -> None:
        """Give the link up from another task: its own task stops at once if it waits, else when it next would."""
        self.retired = self.retired or reason
        if self._waiting_scope is not None:
            self._waiting_scope.cancel()

    async def tell(self, close_code: int, reason: str) -> None:
        """Try to let the other side know why the link ends. Never fails."""
        if self._connection is None:
            return
        text = reason.encode()[:_CLOSE_REASON_BYTES_MAX].decode(errors="ignore")
        with trio.move_on_after(self._limits.close_seconds):
            try:
                await self._connection.aclose(close_code, text)
            except _WEBSOCKET_ERRORS:
                return  # it is gone already, which is where this was going

    async def say_goodbye(self) -> None:
        """Close without a fault on either side."""
        await self.tell(_NORMAL_CLOSE_CODE, "")

    async def close(self) -> None:
        """Drop the stream, without waiting for anything, and end the reader task."""
        self._reader_scope.cancel()
        await trio.aclose_forcefully(self._tls)

    def _lost(self, error: BaseException) -> LinkLost:
        if self._reader_fault is not None:
            return LinkLost(self._reader_fault)
        closed = error.reason if isinstance(error, ConnectionClosed) else None
        if closed is not None and closed.code != _BROKEN_CLOSE_CODE:
            return LinkLost(
                _why_closed(closed, self._limits)
            )  # it was said why; that the stream ended after it is no news
        return LinkLost(self._stream.fault or "the connection ended")


def _why_closed(closed: CloseReason, limits: TransportLimits) -> str:
    # The text of a close frame is the other side's choice, so the code alone picks the phrase where there is one.
    refusal = REFUSALS_BY_CLOSE_CODE.get(closed.code)
    if refusal is not None:
        return f"refused by the other side: {refusal.sentence}"
    if closed.code == PEER_FAULT_CLOSE_CODE:
        return f"the other side objects to a frame: {closed.reason or 'no reason given'}"
    if closed.code == _TOO_BIG_CLOSE_CODE:
        return f"a frame over {limits.frame_bytes_max} bytes"
    if closed.code == _NORMAL_CLOSE_CODE:
        return "closed by the other side"
    return f"closed with WebSocket code {closed.code}"
