"""One TCP port, two servers: WebSockets by trio-websocket, everything else by hypercorn's HTTP/1.1.

`serve_public` and `serve_admin` run until they are cancelled; then they tell open WebSockets that they are going away,
give answers under way half a second, and drop the rest.
"""

from __future__ import annotations

import errno
from collections.abc import Collection
from typing import TYPE_CHECKING, Final, final

import structlog
import trio
from hypercorn.trio.worker_context import WorkerContext
from trio_websocket import ConnectionClosed, wrap_server_stream

from jifen_graphql.app import GRAPHQL_PATH, Application
from jifen_graphql.assets import load_assets
from jifen_graphql.execution import Engine
from jifen_graphql.guard import BearerToken, HostGuard
from jifen_graphql.heads import Head
from jifen_graphql.http_server import HttpConnection, http_config
from jifen_graphql.schema import admin_schema, public_schema
from jifen_graphql.stream import GuardedStream, HeadRefused
from jifen_graphql.subscriptions import BAD_SUBPROTOCOL, CLOSE_SECONDS_MAX, GOING_AWAY, SUBPROTOCOL, Session

if TYPE_CHECKING:
    from jifen.actors.node import Node

CONNECTIONS_MAX: Final = 2048
"""Open connections of one listener, HTTP and WebSocket together: some 50 KiB each, half of the usual limit of files."""

BACKLOG_CONNECTIONS_MAX: Final = 256
"""Connections that the kernel keeps for us: a reconnect storm after a restart."""

GOODBYE_SECONDS_MAX: Final = 0.5
"""Longest time for the last words at the end: Ctrl-C must not feel slow."""

REFUSAL_SECONDS_MAX: Final = 1.0
"""Longest time for telling a peer why it gets no connection."""

HANDSHAKE_SECONDS_MAX: Final = 2.0
"""Longest WebSocket handshake: the whole request head is here already."""

WEBSOCKET_MESSAGE_BYTES_MAX: Final = 64 << 10
"""Longest WebSocket message from a client: a document of 16 KiB with its variables. Large submissions go over HTTP."""

WEBSOCKET_MESSAGES_AHEAD_MAX: Final = 1
"""Messages read ahead of the session, besides the one it works on."""

_log = structlog.get_logger(__name__)


class ListenFailed(Exception):
    """The address cannot be listened on; the text says what to do."""

    def __init__(self, host: str, port: int, message: str) -> None:
        super().__init__(message)
        self.host = host
        self.port = port


class PortBusy(ListenFailed):
    """Another process listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        message = f"port {port} on {host} is taken by another process; stop it, or choose another port"
        super().__init__(host, port, message)


async def serve_public(
    node: Node,
    *,
    host: str,
    port: int,
    public_names: Collection[str] = (),
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the public port until cancelled.

    Args:
        node: what is asked.
        host: address to listen on; it also becomes a name by which requests may call us.
        port: TCP port; 0 takes a free one.
        public_names: further names by which requests may call us, without ports (see `guard`).
        task_status: told the port, once it is open.

    Raises:
        PortBusy: another process has the port.
        ListenFailed: the address cannot be listened on.
    """
    application = Application(Engine(public_schema(), node), HostGuard((host, *public_names)), assets=load_assets())
    await Listener(application, has_websockets=True).run(host, port, task_status)


async def serve_admin(
    node: Node,
    *,
    host: str,
    port: int,
    token: str,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the administrative listener until cancelled: HTTP only, and only for holders of the token.

    Raises:
        PortBusy: another process has the port.
        ListenFailed: the address cannot be listened on.
        ValueError: the token is too short.
    """
    application = Application(Engine(admin_schema(), node), HostGuard((host,)), token=BearerToken(token))
    await Listener(application, has_websockets=False).run(host, port, task_status)


@final
class Listener:
    """Accepts connections and serves each with the server it asks for.

    Invariant: `_streams` holds every open connection, at most CONNECTIONS_MAX; `_sessions` those that are WebSockets.
    """

    def __init__(self, application: Application, *, has_websockets: bool) -> None:
        self._application = application
        self._has_websockets = has_websockets
        self._config = http_config()
        self._context = WorkerContext(None)
        self._streams: set[GuardedStream] = set()
        self._sessions: set[Session] = set()
        self._stopping = trio.Event()
        self._emptied = trio.Event()

    async def run(self, host: str, port: int, task_status: trio.TaskStatus[int]) -> None:
        """Listen until cancelled, then say goodbye."""
        listeners = await _listen(host, port)
        async with trio.open_nursery() as nursery:
            connections = await nursery.start(self._hold_connections)
            try:
                task_status.started(listeners[0].socket.getsockname()[1])
                await trio.serve_listeners(self._handle, listeners, handler_nursery=connections)
            finally:
                self._stopping.set()

    async def _hold_connections(self, task_status: trio.TaskStatus[trio.Nursery]) -> None:
        """Keep the nursery of the connections out of reach of a cancellation, which they would not live to tell."""
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as nursery:
                task_status.started(nursery)
                await self._stopping.wait()
                with trio.move_on_after(GOODBYE_SECONDS_MAX):
                    await self._say_goodbye()
                for stream in self._streams:
                    stream.abort()  # hypercorn sends inside a shield; only this ends it
                nursery.cancel_scope.cancel()

    async def _say_goodbye(self) -> None:
        await self._context.terminated.set()
        for session in self._sessions:
            session.close(GOING_AWAY, "This validator is stopping")
        while self._streams:
            self._emptied = trio.Event()
            await self._emptied.wait()

    async def _handle(self, stream: trio.SocketStream) -> None:
        guarded = GuardedStream(stream)
        if len(self._streams) >= CONNECTIONS_MAX:
            _log.warning("connection refused", reason="too many", limit=CONNECTIONS_MAX)
            return guarded.abort()
        self._streams.add(guarded)
        try:
            await self._serve(guarded)
        finally:
            self._streams.discard(guarded)
            if not self._streams:
                self._emptied.set()
            guarded.close()

    async def _serve(self, stream: GuardedStream) -> None:
        """Serve one connection; whatever goes wrong with it ends it and nothing else."""
        try:
            head = Head.of(await stream.read_head())
            if head is not None and head.is_websocket:
                await self._serve_websocket(stream, head)
            else:
                await HttpConnection(self._application, self._config, self._context, stream).run()
        except* (HeadRefused, ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError, OSError) as faults:
            _log.debug("connection lost", faults=[repr(fault) for fault in faults.exceptions])
        except* Exception as faults:  # noqa: BLE001  a fault of ours ends one connection, not the node
            _log.error("connection failed", exc_info=faults)

    async def _serve_websocket(self, stream: GuardedStream, head: Head) -> None:
        refusal = self._websocket_refusal(head)
        if refusal is not None:
            await _refuse(stream, refusal)
            return
        async with trio.open_nursery() as nursery:
            with trio.fail_after(HANDSHAKE_SECONDS_MAX):
                request = await wrap_server_stream(
                    nursery, stream, WEBSOCKET_MESSAGES_AHEAD_MAX, WEBSOCKET_MESSAGE_BYTES_MAX
                )
                offered = SUBPROTOCOL in request.proposed_subprotocols
                connection = await request.accept(subprotocol=SUBPROTOCOL if offered else None)
            if offered:
                session = Session(connection, self._application.engine)
                self._sessions.add(session)
                try:
                    await session.run()
                finally:
                    self._sessions.discard(session)
            else:
                with trio.move_on_after(CLOSE_SECONDS_MAX):
                    await connection.aclose(BAD_SUBPROTOCOL, "Subprotocol not acceptable")
            nursery.cancel_scope.cancel()

    def _websocket_refusal(self, head: Head) -> str | None:
        hosts, host = self._application.hosts, head.headers.get("host")
        if host is None or not hosts.knows(host):
            return "421 Misdirected Request"
        if not self._has_websockets or head.path != GRAPHQL_PATH:
            return "404 Not Found"
        if not hosts.is_same_origin(head.headers.get("origin"), host):
            return "403 Forbidden"
        return None


async def _listen(host: str, port: int) -> list[trio.SocketListener]:
    try:
        return await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG_CONNECTIONS_MAX)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortBusy(host, port) from error
        message = f"cannot listen on {host} port {port}: {error.strerror or error}; choose another address or port"
        raise ListenFailed(host, port, message) from error


async def _refuse(stream: GuardedStream, status: str) -> None:
    """Answer a WebSocket request with a plain HTTP status and close."""
    with trio.move_on_after(REFUSAL_SECONDS_MAX):
        await stream.send_all(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode("ascii"))
