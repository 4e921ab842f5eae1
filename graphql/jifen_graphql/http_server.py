"""HTTP/1.1 by hypercorn's protocol code, one connection at a time, with its known faults out of reach.

hypercorn 0.18.0 is pinned exactly, because its connection classes are no documented interface. What is changed, and the
test that attacks it, stand together in tests/api/test_server_attacks.py:

- no WebSocket and no HTTP/2 ever starts here, whatever a later request on the connection asks for: issue 225 (a byte
  behind an upgrade kills the server), deflate without limits and sends without a checkpoint all live in those;
- a peer that leaves gives its place back at once, not when the keep-alive timer runs out;
- a body that the application does not read does not block the connection's reader for ever;
- sends have a deadline, below the shield that hypercorn puts around them (`stream`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import h11
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Event, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from jifen_graphql.stream import HEAD_BYTES_MAX, GuardedStream

KEEP_ALIVE_SECONDS_MAX: Final = 75.0
"""Longest silence between two requests of a connection: browsers keep theirs for a minute."""

KEEP_ALIVE_REQUESTS_MAX: Final = 1_000_000
"""Requests of one connection: an import sends thousands, and reconnecting would only cost time."""


def http_config() -> Config:
    """Return hypercorn's configuration."""
    config = Config()
    config.h11_max_incomplete_size = HEAD_BYTES_MAX
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS_MAX
    config.keep_alive_max_requests = KEEP_ALIVE_REQUESTS_MAX
    config.include_server_header = False
    config.accesslog = None
    config.errorlog = logging.getLogger("jifen_graphql.http")
    return config


class _PlainProtocol(H11Protocol):
    """HTTP/1.1 without upgrades: RFC 9110 7.8 lets a server ignore them."""

    async def _check_protocol(self, event: h11.Request) -> None:
        """Never switch to HTTP/2, which the base class would."""

    async def _create_stream(self, request: h11.Request) -> None:
        headers = [(name, value) for name, value in request.headers if name != b"upgrade"]
        plain = h11.Request(
            method=request.method, target=request.target, headers=headers, http_version=request.http_version
        )
        await super()._create_stream(plain)


class _TaskGroup(TaskGroup):
    """Runs the application; what is left of a body when it has answered is dropped instead of waited for."""

    async def spawn_app(self, app: Any, config: Config, scope: Any, send: Any) -> Callable[[Any], Awaitable[None]]:
        put, take = trio.open_memory_channel[Any](config.max_app_queue_size)
        assert self._nursery is not None, "the group is not open"
        self._nursery.start_soon(self._run, app, scope, take, send, config)

        async def feed(event: Any) -> None:
            try:
                await put.send(event)
            except trio.BrokenResourceError:
                await trio.lowlevel.checkpoint()

        return feed

    @staticmethod
    async def _run(app: Any, scope: Any, take: trio.MemoryReceiveChannel[Any], send: Any, config: Config) -> None:
        with take:
            try:
                await app(scope, take.receive, send, trio.to_thread.run_sync, trio.from_thread.run)
            except Exception:  # noqa: BLE001  one request's fault: hypercorn answers 500 when nothing was sent
                await config.log.exception("request failed")
        await send(None)


class HttpConnection(TCPServer):
    """One connection; `run` ends when it does."""

    def __init__(self, app: Any, config: Config, context: WorkerContext, stream: GuardedStream) -> None:
        super().__init__(ASGIWrapper(app), config, context, {}, stream)  # type: ignore[arg-type]  # ours is no SSLStream
        self.guarded = stream
        self._is_reading = True

    async def run(self) -> None:
        """Serve requests until either side closes; the peer's faults end here."""
        sock = self.guarded.socket
        try:
            client = parse_socket_addr(sock.family, sock.getpeername())
            server = parse_socket_addr(sock.family, sock.getsockname())
            async with _TaskGroup() as task_group:
                self._task_group = task_group
                self.protocol = _PlainProtocol(  # type: ignore[assignment]  # the wrapper only chooses between protocols
                    self.app,
                    self.config,
                    self.context,
                    task_group,
                    ConnectionState({}),
                    False,
                    client,
                    server,
                    self.protocol_send,
                )
                await self.protocol.initiate()
                await self.idle_task.restart(task_group, self._idle_timeout)
                await self._read_data()
                self._is_reading = False
                await self.idle_task.stop()
        finally:
            await self._close()

    async def protocol_send(self, event: Event) -> None:
        """Send what the protocol wants sent; see the base class."""
        if isinstance(event, Updated) and not self._is_reading:
            return  # the peer is gone: a timer for its next request would only hold the connection's place
        await super().protocol_send(event)
