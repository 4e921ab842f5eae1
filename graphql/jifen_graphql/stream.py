"""A TCP stream that can put back what it has read ahead, and that never waits long for a reader.

Both servers behind the public port send through it, so a peer that stops reading is dropped here, whatever the server
above does: hypercorn sends inside a shielded scope without a deadline, trio-websocket without one.
"""

from __future__ import annotations

import socket
import struct
from typing import Final, final

import trio

HEAD_BYTES_MAX: Final = 16 << 10
"""Largest request head, hypercorn's own default too: ours are below 2 KiB, a GET's query may fill it."""

HEAD_SECONDS_MAX: Final = 10.0
"""Longest time for a request head to arrive: what a slow client on a bad line needs, no slot is held for longer."""

SEND_SECONDS_MAX: Final = 10.0
"""Longest time for one piece of an answer to leave: a reader that stalls longer is dropped."""

RECEIVE_BYTES_MAX: Final = 64 << 10
"""Most bytes taken from the socket at once."""

_HEAD_END: Final = b"\r\n\r\n"


class HeadRefused(Exception):
    """The peer sent no request head in time or size: its fault, the connection ends without an answer."""


@final
class GuardedStream(trio.abc.HalfCloseableStream):
    """A socket stream with push-back and a deadline on every send.

    Invariant: `_ahead` are bytes read from the socket and not yet handed on.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._ahead = b""
        self.socket = stream.socket
        """The socket, for addresses; hypercorn looks here."""

    async def read_head(self) -> bytes:
        """Return the first request head without consuming it; raises HeadRefused.

        A peek with MSG_PEEK would wake up again and again while the rest of a slow head is on its way, and would not
        work behind TLS: what was read is kept instead, and handed on first.
        """
        with trio.move_on_after(HEAD_SECONDS_MAX):
            while _HEAD_END not in self._ahead:
                if len(self._ahead) >= HEAD_BYTES_MAX:
                    raise HeadRefused("the request head is too large")
                data = await self._receive(HEAD_BYTES_MAX)
                if not data:
                    raise HeadRefused("the connection ended before the request head")
                self._ahead += data
            return self._ahead[: self._ahead.index(_HEAD_END) + len(_HEAD_END)]
        raise HeadRefused("the request head did not arrive in time")

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what was read ahead, or what comes next; see trio.abc.ReceiveStream."""
        if self._ahead:
            await trio.lowlevel.checkpoint()
            data, self._ahead = self._ahead[:max_bytes], self._ahead[max_bytes:] if max_bytes else b""
            return data
        return await self._receive(max_bytes or RECEIVE_BYTES_MAX)

    async def _receive(self, max_bytes: int) -> bytes:
        return bytes(await self._stream.receive_some(max_bytes))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it; raises BrokenResourceError, and gives the connection up, when the peer does not read."""
        with trio.move_on_after(SEND_SECONDS_MAX) as scope:
            await self._stream.send_all(data)
        if scope.cancelled_caught:
            self.abort()
            raise trio.BrokenResourceError("the peer does not read what it asked for")

    async def wait_send_all_might_not_block(self) -> None:
        """See trio.abc.SendStream."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """See trio.abc.HalfCloseableStream."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """See trio.abc.AsyncResource."""
        await self._stream.aclose()

    def close(self) -> None:
        """Close without waiting; harmless when it is closed already."""
        self.socket.close()

    def abort(self) -> None:
        """Close at once, dropping what was not sent: tasks that send or receive here get ClosedResourceError."""
        if self.socket.fileno() >= 0:
            # without lingering, or the kernel keeps the unsent bytes of a stalled reader for minutes
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
