"""The receiving half: accept links from peers and hand their frames on, one peer's never overlapping.

What a connection does ends that connection alone. Whoever has no validator's certificate gets no further than the TLS
handshake; a peer that has one gets a single live link, on which it can at worst waste its own turn.
"""

import errno
import math
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NoReturn, final

import structlog
import trio
from structlog.typing import FilteringBoundLogger

from jifen.transport.frames import PEER_FAULT_CLOSE_CODE, PROTOCOL_VERSION, Hello, Refusal, check_hello, encode_hello
from jifen.transport.limits import TransportLimits
from jifen.transport.link import Link, TlsStream, shake_hands
from jifen.transport.peers import (
    Address,
    CannotListen,
    ChangeCallback,
    FrameHandler,
    LinkLost,
    LinkState,
    PeerFault,
    Peers,
    PortBusy,
)

BACKLOG_CONNECTIONS = 128
"""Connections the kernel holds until they are accepted: what Linux allows without asking for more."""

Listening = tuple[trio.abc.Listener[trio.abc.Stream], Address]
"""What takes byte streams, and where."""

Listen = Callable[[Address], Awaitable[Sequence[Listening]]]
"""Begins to listen on an address; raises CannotListen."""

_log: FilteringBoundLogger = structlog.get_logger("jifen.transport")


async def listen_on_tcp(address: Address) -> Sequence[Listening]:
    """Listen on every address of a name, as production does; port 0 takes a free port.

    Raises: PortBusy, CannotListen.
    """
    try:
        listeners = await trio.open_tcp_listeners(address.port, host=address.host, backlog=BACKLOG_CONNECTIONS)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortBusy(address) from error
        raise CannotListen(address, error.strerror or str(error)) from error
    return [(listener, _bound_address(listener)) for listener in listeners]


async def serve_peers(
    *,
    address: Address,
    local: str,
    chain_id: bytes,
    context: ssl.SSLContext,
    peers: Peers,
    handler: FrameHandler,
    on_change: ChangeCallback,
    limits: TransportLimits | None = None,
    listen: Listen = listen_on_tcp,
    task_status: trio.TaskStatus[tuple[Address, ...]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Accept links on `address` until cancelled, and pass every frame to `handler`.

    A connection that a peer makes while an earlier one of its own is live replaces it, because the peer knows best
    which of its connections are dead. The handler is let finish first.

    Args:
        address: where to listen; every address of a name is bound, and port 0 takes a free port.
        local: id of this validator.
        chain_id: 32 bytes.
        context: from `server_context`.
        peers: the other validators; nobody else is listened to. Who is dismissed loses the link with the next frame.
        handler: see `FrameHandler`.
        on_change: told when a peer's link comes up and when it goes.
        limits: defaults to `TransportLimits()`.
        listen: takes the byte streams below TLS.
        task_status: gets the bound addresses, with their real ports, once connections are accepted.

    Raises: PortBusy, CannotListen; whatever the handler raises other than PeerFault, in trio's exception groups.
    """
    listening = await listen(address)
    listeners = [listener for listener, _ in listening]
    async with trio.open_nursery() as nursery:
        server = PeerServer(
            local=local,
            chain_id=chain_id,
            context=context,
            peers=peers,
            handler=handler,
            on_change=on_change,
            limits=limits or TransportLimits(),
            readers=nursery,
        )
        nursery.start_soon(partial(trio.serve_listeners, server.serve, listeners, handler_nursery=nursery))
        task_status.started(tuple(bound for _, bound in listening))


def _bound_address(listener: trio.SocketListener) -> Address:
    host, port = listener.socket.getsockname()[:2]
    return Address(host, port)


def _remote(stream: trio.abc.Stream) -> str:
    if isinstance(stream, trio.SocketStream):
        try:
            host, port = stream.socket.getpeername()[:2]
        except OSError:
            return "gone"  # reset before we looked
        return str(Address(host, port))
    return type(stream).__name__


@final
class PeerServer:
    """What `serve_peers` does with each accepted stream, whatever kind of stream that is."""

    def __init__(
        self,
        *,
        local: str,
        chain_id: bytes,
        context: ssl.SSLContext,
        peers: Peers,
        handler: FrameHandler,
        on_change: ChangeCallback,
        limits: TransportLimits,
        readers: trio.Nursery,
    ) -> None:
        self._local = local
        self._chain_id = chain_id
        self._context = context
        self._peers = peers
        self._handler = handler
        self._on_change = on_change
        self._limits = limits
        self._readers = readers
        self._unauthenticated: dict[trio.CancelScope, None] = {}
        """Connections before their Hello, oldest first. Invariant: at most `unauthenticated_connections_max`."""
        self._live: dict[str, Link] = {}
        """The newest link of each peer. Invariant: every other link of it is retired."""
        self._turns: dict[str, trio.Lock] = {}
        """Held while a peer's frames are delivered, so that a new link waits for the old one's handler.
        Invariant: only who was a peer once has one."""

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Take one accepted stream from its first byte to its last, and close it."""
        remote = _remote(stream)
        tls = TlsStream(stream, self._context, server_side=True, https_compatible=True)
        try:
            await self._serve_tls(tls, remote)
        finally:
            await trio.aclose_forcefully(tls)

    async def _serve_tls(self, tls: TlsStream, remote: str) -> None:
        link: Link | None = None
        try:
            try:
                with self._before_hello():
                    peer = await self._identify(tls)
                    link = Link(tls, self._limits, self._readers)
                    await self._greet(link, peer)
            except LinkLost as lost:
                _log.warning("link refused", remote=remote, reason=lost.reason)
                return
            await self._deliver_in_turn(link, peer, remote)
        finally:
            if link is not None:
                await link.close()

    @contextmanager
    def _before_hello(self) -> Iterator[None]:
        """Count the connection among the unauthenticated ones while the body runs.

        Raises: LinkLost when it was evicted for a newer one.
        """
        if len(self._unauthenticated) >= self._limits.unauthenticated_connections_max:
            oldest = next(iter(self._unauthenticated))
            del self._unauthenticated[oldest]
            oldest.cancel()
        scope = trio.CancelScope()
        self._unauthenticated[scope] = None
        try:
            with scope:
                yield
        finally:
            self._unauthenticated.pop(scope, None)
        if scope.cancelled_caught:
            raise LinkLost("too many connections at once that do not say who they are; this was the oldest")

    async def _identify(self, tls: TlsStream) -> str:
        fingerprint = await shake_hands(tls, self._limits)
        peer = self._peers.id_of(fingerprint)
        if peer is None:
            raise LinkLost(f"the certificate with fingerprint {fingerprint.hex()} is no peer's")
        return peer

    async def _greet(self, link: Link, peer: str) -> None:
        seconds = self._limits.hello_seconds
        try:
            with trio.fail_after(seconds):
                await link.accept()
                data = await link.receive(seconds)
                expected = Hello(PROTOCOL_VERSION, self._chain_id, peer, self._local)
                verdict = check_hello(data, expected)
                if not isinstance(verdict, Refusal):
                    await link.send(encode_hello(Hello(PROTOCOL_VERSION, self._chain_id, self._local, peer)))
        except trio.TooSlowError:
            raise LinkLost(f"no Hello within {seconds:g} s") from None
        if isinstance(verdict, Refusal):
            await link.tell(verdict.close_code, verdict.sentence)
            raise LinkLost(f"{peer}: {verdict.sentence}")

    async def _deliver_in_turn(self, link: Link, peer: str, remote: str) -> None:
        older = self._live.get(peer)
        self._live[peer] = link
        if older is not None:
            older.retire("replaced by a newer connection of the same validator")
        turn = self._turns.setdefault(peer, trio.Lock())
        try:
            if not await _acquire(turn, link):
                return  # replaced before it ever got its turn
            try:
                await self._deliver(link, peer, remote)
            finally:
                turn.release()
        finally:
            if self._live.get(peer) is link:
                del self._live[peer]

    async def _deliver(self, link: Link, peer: str, remote: str) -> None:
        log = _log.bind(direction="from", peer=peer)
        log.info("link up", detail=remote)
        self._on_change(peer, LinkState(True, remote))
        try:
            await self._take_frames(link, peer)
        except LinkLost as lost:
            state = LinkState(False, lost.reason)
            log.info("link down", detail=lost.reason)
        except PeerFault as fault:
            state = LinkState(False, fault.reason)
            log.warning("link down", detail=fault.reason)
            await link.tell(PEER_FAULT_CLOSE_CODE, fault.reason)
        self._on_change(peer, state)

    async def _take_frames(self, link: Link, peer: str) -> NoReturn:
        while True:
            frame = await link.receive(self._limits.silence_seconds)
            if peer not in self._peers:
                raise LinkLost("it is no validator any more")
            if frame:  # an empty one is a keep-alive
                await self._handler(peer, frame)


async def _acquire(turn: trio.Lock, link: Link) -> bool:
    """Wait for the turn unless the link is retired first. Returns whether the turn is held."""
    held = False
    with link.interruptible(math.inf):
        await turn.acquire()
        held = True
    return held
