"""Byte streams between validators, as TCP would give them: in order and whole, or late, or broken.

What is sent arrives after a delay; while a link is cut or clogged it waits, as TCP goes on sending it again. A stream
holds only so much, then its sender waits. A process that ends closes its streams, unless the power failed: then nobody
is told, and whoever sends to it learns the truth when the machine is back, or by a time-out.
"""

import errno
import math
import random
from collections import Counter, deque
from typing import Final, final

import trio

from jifen.testing.world.scenario import Scenario
from jifen.transport import Address, CannotListen

BACKLOG: Final = 64
"""Connections that wait to be accepted."""

BUFFER_BYTES: Final = 128_000
"""What a direction of a stream holds: about what Linux begins with."""

BUFFER_BYTES_TIGHT: Final = 3_000
"""The same in a tight world: a few frames."""

RESENT_AFTER_SECONDS: Final = 0.2
"""How late a segment is that was lost once: the shortest retransmission time-out of Linux."""


class Process:
    """One life of a validator, as the network sees it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ended = False
        self.silent = False
        """Whether it ended without a word to anybody, as when power fails."""
        self.buried = False
        """Whether the network has seen to its streams."""


@final
class _Pipe:
    """One direction of a stream."""

    def __init__(self, sender: Process, recipient: Process) -> None:
        self.sender, self.recipient = sender, recipient
        self.chunks: deque[tuple[float, bytes]] = deque()
        """(time of arrival, bytes), ascending; no bytes: the end."""
        self.size = 0
        """Bytes in it."""
        self.unread = False
        """Whether its recipient has closed it, and nobody will read what comes."""
        self.changed = trio.Event()

    def tell(self) -> None:
        """Wake whoever waits for this pipe."""
        self.changed.set()
        self.changed = trio.Event()


@final
class SimulatedNetwork:
    """All links, up or down."""

    def __init__(self, scenario: Scenario, draws: random.Random, injected: Counter[str], names: dict[int, str]) -> None:
        self.scenario = scenario
        self._draws = draws
        self._injected = injected
        self._cut: set[tuple[str, str]] = set()
        self._clogged: dict[tuple[str, str], float] = {}
        self._names = names
        """Validator behind each port."""
        self._off: set[str] = set()
        """Machines without power."""
        self._changed = trio.Event()
        self._listeners: dict[int, _Listener] = {}
        self._streams: dict[_Stream, None] = {}
        """Open streams, both ends."""

    # What the nemesis does.

    @property
    def cut(self) -> set[tuple[str, str]]:
        """Links, as (sender, recipient), that carry nothing."""
        return self._cut

    @cut.setter
    def cut(self, links: set[tuple[str, str]]) -> None:
        self._cut = links
        self.tell()

    def tell(self) -> None:
        """Wake everybody who waits for a link."""
        self._changed.set()
        self._changed = trio.Event()

    def partition(self, groups: list[list[str]], ids: tuple[str, ...]) -> None:
        """Cut every link between validators that share no group; one in two groups is a bridge."""
        self._injected["partitions"] += 1
        together = {(one, other) for group in groups for one in group for other in group}
        self.cut = {(one, other) for one in ids for other in ids if one != other and (one, other) not in together}

    def clog(self, link: tuple[str, str], until_ms: int) -> None:
        """Hold everything on a link back until then."""
        self._injected["clogs"] += 1
        self._clogged[link] = max(until_ms / 1000, self._clogged.get(link, 0))

    def heal(self) -> None:
        """Delay and hold back nothing from now on."""
        self._clogged.clear()
        self.scenario = self.scenario.calm()
        self.cut = set()

    def reset(self, one: str, other: str) -> None:
        """Break every stream between two validators; what was under way is lost."""
        for stream in list(self._streams):
            if {stream.out.sender.name, stream.out.recipient.name} == {one, other}:
                self._injected["broken connections"] += 1
                stream.break_off()

    def ended(self, process: Process) -> None:
        """A process is gone: it listens no more, and unless it is silent its system ends its streams."""
        if process.buried:
            return
        process.buried = True
        for port, listener in list(self._listeners.items()):
            if listener.process is process:
                del self._listeners[port]
        if process.silent:
            self._off.add(process.name)
        for stream in list(self._streams):
            if stream.out.sender is process:
                if not process.silent:
                    self.put(stream.out, b"")
                stream.break_off()
            elif stream.out.recipient is process and not process.silent and self._draws.random() < 0.5:
                # Something was unread there: reset, what is under way is lost.
                stream.break_off()
        self.tell()

    def begins(self, process: Process) -> None:
        """A process starts: its machine disowns the streams of the lives before."""
        self._off.discard(process.name)
        for stream in list(self._streams):
            peer = stream.out.recipient
            if peer.name == process.name and peer.ended:
                stream.break_off()
        self.tell()

    # What a validator does.

    def listen(self, process: Process, address: Address) -> "_Listener":
        """Take connections to a port; raises CannotListen."""
        if address.port in self._listeners:
            raise CannotListen(address, "somebody else listens there")
        self._listeners[address.port] = listener = _Listener(process)
        return listener

    async def connect(self, process: Process, address: Address) -> "_Stream":
        """Connect to a port; raises OSError when nobody listens, and waits while no word gets through."""
        name = self._names[address.port]
        while name in self._off or not self._cut.isdisjoint({(process.name, name), (name, process.name)}):
            await self._changed.wait()
        await trio.sleep(self._delay() + self._delay())
        listener = self._listeners.get(address.port)
        if listener is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        ours, theirs = _Pipe(process, listener.process), _Pipe(listener.process, process)
        one, other = _Stream(self, theirs, ours), _Stream(self, ours, theirs)
        if not listener.offer(other):
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        self._streams[one] = self._streams[other] = None
        return one

    # What streams need.

    def room(self, pipe: _Pipe) -> int:
        """Return how many bytes a pipe takes now."""
        return (BUFFER_BYTES_TIGHT if self.scenario.tight else BUFFER_BYTES) - pipe.size

    def put(self, pipe: _Pipe, data: bytes) -> None:
        """Put bytes, or the end, on their way."""
        if pipe.unread:
            return
        due = max(trio.current_time(), self._clogged.get((pipe.sender.name, pipe.recipient.name), 0)) + self._delay()
        if pipe.chunks:
            due = max(due, pipe.chunks[-1][0])
        pipe.chunks.append((due, data))
        pipe.size += len(data)
        pipe.tell()

    async def arrival(self, pipe: _Pipe) -> bool:
        """Wait until the next bytes of a pipe can be taken, or until something changes; True when they can be."""
        wait = pipe.chunks[0][0] - trio.current_time() if pipe.chunks else math.inf
        cut = (pipe.sender.name, pipe.recipient.name) in self._cut
        if wait <= 0 and not cut:
            await trio.lowlevel.checkpoint()
            return True
        with trio.move_on_after(math.inf if cut else wait):
            await (self._changed if cut else pipe.changed).wait()
        return False

    def closed(self, stream: "_Stream") -> None:
        """Forget a stream."""
        self._streams.pop(stream, None)

    def _delay(self) -> float:
        scenario, draws = self.scenario, self._draws
        delay = scenario.delay_ms_min / 1000
        if scenario.delay_ms_mean:
            delay += draws.expovariate(1000 / scenario.delay_ms_mean)
        if scenario.loss_per_mille and draws.randrange(1000) < scenario.loss_per_mille:
            self._injected["sent again"] += 1
            delay += RESENT_AFTER_SECONDS
        return delay


@final
class _Stream(trio.abc.Stream):
    """One end of a connection."""

    def __init__(self, network: SimulatedNetwork, incoming: _Pipe, out: _Pipe) -> None:
        self._network = network
        self._incoming = incoming
        self.out = out
        self._closed = False
        self._broken = False

    def break_off(self) -> None:
        """Reset the connection, as seen from this end."""
        self._broken = True
        self._network.closed(self)
        for pipe in (self._incoming, self.out):
            pipe.tell()
        self._network.tell()

    def _check(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this end was closed")
        if self._broken:
            raise trio.BrokenResourceError from ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As of `trio.abc.SendStream`; a part may have left when it is cancelled."""
        await trio.lowlevel.checkpoint()
        rest = bytes(data)
        while True:
            self._check()
            room = max(self._network.room(self.out), 0)
            if room and rest:
                self._network.put(self.out, rest[:room])
                rest = rest[room:]
            if not rest:
                return
            await self.out.changed.wait()

    async def wait_send_all_might_not_block(self) -> None:
        """As of `trio.abc.SendStream`."""
        await trio.lowlevel.checkpoint()
        while not self._broken and self._network.room(self.out) <= 0:
            self._check()
            await self.out.changed.wait()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """As of `trio.abc.ReceiveStream`."""
        self._check()
        while not await self._network.arrival(self._incoming):
            self._check()
        chunks = self._incoming.chunks
        due, data = chunks[0]
        if not data:
            return b""  # the end stays
        chunks.popleft()
        taken = data[: max_bytes or len(data)]
        if len(taken) < len(data):
            chunks.appendleft((due, data[len(taken) :]))
        self._incoming.size -= len(taken)
        self._incoming.tell()
        return taken

    async def aclose(self) -> None:
        """As of `trio.abc.AsyncResource`; a process that has ended silently tells nobody."""
        if not self._closed:
            self._closed = True
            self._network.closed(self)
            self._incoming.unread, self._incoming.size = True, 0
            self._incoming.tell()
            if not self.out.sender.ended and not self._broken:
                self._network.put(self.out, b"")
            self.out.tell()
        await trio.lowlevel.checkpoint()


@final
class _Listener(trio.abc.Listener[trio.abc.Stream]):
    """A port that a process listens on."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._in, self._out = trio.open_memory_channel[trio.abc.Stream](BACKLOG)

    def offer(self, stream: trio.abc.Stream) -> bool:
        """Hand over a new connection; False when too many wait, or nobody listens any more."""
        try:
            self._in.send_nowait(stream)
        except (trio.WouldBlock, trio.BrokenResourceError):
            return False
        return True

    async def accept(self) -> trio.abc.Stream:
        """As of `trio.abc.Listener`."""
        return await self._out.receive()

    async def aclose(self) -> None:
        """As of `trio.abc.AsyncResource`."""
        self._out.close()
        await trio.lowlevel.checkpoint()
