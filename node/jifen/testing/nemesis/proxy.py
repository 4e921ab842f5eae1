"""Links between validators with a network in between: delayed, narrow, stalled, losing, cut; each direction by itself.

Validators dial each other, and who dials sends; so there is one proxy for every ordered pair, and what comes back over
it are only TLS's and WebSocket's own words. Bytes are passed on as they are: TLS goes through.
"""

import random
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum, unique
from typing import Final, NamedTuple, final

import trio

CHUNK_BYTES: Final = 16 * 1024
"""Most bytes taken off a socket at once: one record of TLS."""

CHUNKS_WAITING_MAX: Final = 64
"""Chunks that a direction holds while they are delayed: a megabyte, then the sender's own buffers fill up."""

CONNECTIONS_MAX: Final = 64
"""Connections of one link at once; a validator keeps one, and a few that it has given up may linger."""

_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: close at once and by a reset, as when a router has forgotten the connection."""

_BROKEN: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


@unique
class Flow(StrEnum):
    """What becomes of the bytes of one direction."""

    PASS = "pass"  # noqa: S105 - a name, not a secret
    STALL = "stall"
    """They wait, and arrive when the link is mended: packets lost and sent again."""
    DROP = "drop"
    """They vanish. The connection is reset when the link is mended, because its bytes are not whole any more."""
    REFUSE = "refuse"
    """Connections are reset, and new ones too."""


class Pair(NamedTuple):
    """A link: who dials and sends, and who listens."""

    sender: str
    recipient: str


class Conditions(NamedTuple):
    """How one direction of a link carries bytes."""

    flow: Flow = Flow.PASS
    delay_seconds: float = 0.0
    """Every chunk is under way for so long,"""
    jitter_seconds: float = 0.0
    """and up to so much longer; chunks stay in their order."""
    bytes_per_second: float = 0.0
    """Width; 0 is as wide as the machine."""


GOOD: Final = Conditions()


@final
class Direction:
    """One direction of a link: its conditions and its meter."""

    def __init__(self, draws: random.Random) -> None:
        self.bytes = 0
        """Bytes taken in."""
        self._draws = draws
        self._conditions = GOOD
        self._changed = trio.Event()

    @property
    def conditions(self) -> Conditions:
        """How it carries bytes now."""
        return self._conditions

    @conditions.setter
    def conditions(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._changed.set()
        self._changed = trio.Event()

    async def pump(self, source: trio.SocketStream, sink: trio.SocketStream) -> bool:
        """Carry bytes until the source ends; return False when some are lost for good, or either end broke."""
        chunks, delayed = trio.open_memory_channel[tuple[float, bytes]](CHUNKS_WAITING_MAX)
        whole = True
        async with trio.open_nursery() as nursery:

            async def take() -> None:
                nonlocal whole
                due = 0.0
                async with chunks:
                    try:
                        async for data in source:
                            self.bytes += len(data)
                            due = max(due, trio.current_time() + self._draw_delay())
                            await chunks.send((due, bytes(data)))
                    except _BROKEN:
                        whole = False

            nursery.start_soon(take)
            try:
                async for due, data in delayed:
                    whole = await self._deliver(due, data, sink) and whole
                await self._open()
                if whole:
                    await sink.send_eof()
            except _BROKEN:
                whole = False
                nursery.cancel_scope.cancel()
        return whole

    def _draw_delay(self) -> float:
        conditions = self._conditions
        return conditions.delay_seconds + self._draws.uniform(0, conditions.jitter_seconds)

    async def _deliver(self, due: float, data: bytes, sink: trio.SocketStream) -> bool:
        await trio.sleep_until(due)
        if self._conditions.flow is Flow.DROP:
            return False
        await self._open()
        width = self._conditions.bytes_per_second
        if width:
            await trio.sleep(len(data) / width)
        await sink.send_all(data)
        return True

    async def _open(self) -> None:
        while self._conditions.flow is not Flow.PASS:
            await self._changed.wait()


@final
class LinkProxy:
    """The proxy of one link. Run `serve` in a nursery; `port` is what the sender has to dial."""

    def __init__(self, pair: Pair, recipient_port: int, draws: random.Random) -> None:
        self.pair = pair
        self.port = 0
        self.outward = Direction(draws)
        """From the sender to the recipient: the messages."""
        self.inward = Direction(draws)
        """From the recipient to the sender: pongs and TLS's own words."""
        self._recipient_port = recipient_port
        self._connections: dict[trio.CancelScope, None] = {}

    async def serve(self, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        """Pass connections on until cancelled."""
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = int(listener.socket.getsockname()[1])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, self._pass_on, [listener])
            task_status.started(self.port)

    def set(self, outward: Conditions, inward: Conditions = GOOD) -> None:
        """Change the conditions; connections that cannot live under them end now."""
        torn = Flow.DROP in {self.outward.conditions.flow, self.inward.conditions.flow}
        self.outward.conditions, self.inward.conditions = outward, inward
        flows = {outward.flow, inward.flow}
        if Flow.REFUSE in flows or (torn and Flow.DROP not in flows):
            self.cut()

    def cut(self) -> int:
        """Reset every connection there is; return how many there were."""
        count = len(self._connections)
        for scope in list(self._connections):
            scope.cancel()
        return count

    async def _pass_on(self, dialled: trio.SocketStream) -> None:
        refused = Flow.REFUSE in {self.outward.conditions.flow, self.inward.conditions.flow}
        if refused or len(self._connections) >= CONNECTIONS_MAX:
            await _reset(dialled)
            return
        with trio.CancelScope() as scope:
            self._connections[scope] = None
            try:
                await self._carry(dialled)
            finally:
                del self._connections[scope]
        with trio.CancelScope(shield=True):
            await _reset(dialled)

    async def _carry(self, dialled: trio.SocketStream) -> None:
        try:
            onward = await trio.open_tcp_stream("127.0.0.1", self._recipient_port)
        except OSError:
            return  # the recipient is down; its port would have answered with a reset, and so do we
        try:
            async with trio.open_nursery() as nursery:

                async def one_way(direction: Direction, source: trio.SocketStream, sink: trio.SocketStream) -> None:
                    if not await direction.pump(source, sink):
                        nursery.cancel_scope.cancel()

                nursery.start_soon(one_way, self.outward, dialled, onward)
                nursery.start_soon(one_way, self.inward, onward, dialled)
        finally:
            with trio.CancelScope(shield=True):
                await _reset(onward)


async def _reset(stream: trio.SocketStream) -> None:
    with suppress(OSError):
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    await trio.aclose_forcefully(stream)


@final
class Network:
    """All links of an alliance."""

    def __init__(self, peer_ports: dict[str, int], draws: random.Random) -> None:
        """Make a proxy for every ordered pair; `peer_ports` says where each validator listens for its peers."""
        self.links: dict[Pair, LinkProxy] = {
            Pair(one, other): LinkProxy(Pair(one, other), port, draws)
            for one in peer_ports
            for other, port in peer_ports.items()
            if one != other
        }

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve all proxies until cancelled."""
        async with trio.open_nursery() as nursery:
            for link in self.links.values():
                await nursery.start(link.serve)
            task_status.started()

    def block(self, pairs: Iterable[Pair], flow: Flow) -> None:
        """Let nothing through over these links, in either direction."""
        for pair in pairs:
            self.links[pair].set(Conditions(flow), Conditions(flow))

    def shape(self, pairs: Iterable[Pair], conditions: Conditions) -> None:
        """Give both directions of these links the same conditions."""
        for pair in pairs:
            self.links[pair].set(conditions, conditions)

    def mend(self) -> None:
        """Let all links carry as well as the machine can."""
        for link in self.links.values():
            link.set(GOOD, GOOD)

    def apart(self, groups: Iterable[Iterable[str]]) -> list[Pair]:
        """Return the links between organizations that share no group; one in two groups is a bridge."""
        sets = [set(group) for group in groups]
        return [pair for pair in self.links if not any({*_organizations(pair)} <= group for group in sets)]

    def of(self, organization: str, *, sends: bool = True, receives: bool = True) -> list[Pair]:
        """Return the links over which an organization's validators send, or receive, or both."""
        ends = [(pair, *_organizations(pair)) for pair in self.links]
        return [
            pair
            for pair, sender, recipient in ends
            if sender != recipient and ((sends and sender == organization) or (receives and recipient == organization))
        ]

    def between(self, sender: str, recipient: str) -> list[Pair]:
        """Return the links over which one organization's validators send to another's."""
        return [pair for pair in self.links if _organizations(pair) == (sender, recipient)]


def organization_of(validator: str) -> str:
    """Return whose a validator is: the first of an organization has its id, later ones a number behind it."""
    return validator.partition("-")[0]


def _organizations(pair: Pair) -> tuple[str, str]:
    return organization_of(pair.sender), organization_of(pair.recipient)
