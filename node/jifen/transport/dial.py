"""The sending half: keep one link to one peer up, for ever, and pump frames into it."""

import math
import ssl
from collections.abc import Awaitable, Callable
from typing import final

import structlog
import trio
from structlog.typing import FilteringBoundLogger

from jifen.transport.frames import PROTOCOL_VERSION, Hello, Refusal, check_hello, encode_hello
from jifen.transport.limits import TransportLimits
from jifen.transport.link import Link, TlsStream, shake_hands
from jifen.transport.peers import Address, ChangeCallback, Jitter, Knock, LinkLost, LinkState, Peer

Connector = Callable[[Address], Awaitable[trio.abc.Stream]]
"""Opens a byte stream to an address; raises OSError when it cannot."""

_log: FilteringBoundLogger = structlog.get_logger("jifen.transport")


async def open_tcp(address: Address) -> trio.abc.Stream:
    """The connector of production: TCP, all addresses of the name tried in turn (RFC 8305)."""
    return await trio.open_tcp_stream(address.host, address.port)


async def dial_peer(  # noqa: PLR0913 - the wiring of one link; a record would only give it a second name
    *,
    address: Address,
    local: str,
    peer: Peer,
    chain_id: bytes,
    context: ssl.SSLContext,
    frames: trio.MemoryReceiveChannel[bytes],
    on_change: ChangeCallback,
    random: Jitter,
    limits: TransportLimits | None = None,
    connect: Connector = open_tcp,
    knock: Knock | None = None,
) -> None:
    """Send `frames` to `peer`, each as one message, reconnecting for as long as the channel is open.

    Nothing is delivered twice or late. A frame under way when the link ends is lost, and while there is no link frames
    are taken and thrown away: consensus repeats what it still needs, and an old heartbeat delivered after an outage
    would only cost the peer time. So the sender of `frames` is held up by a slow peer, never by an absent one.

    Args:
        address: where the peer listens.
        local: id of this validator.
        peer: id and pin of the other side.
        chain_id: 32 bytes.
        context: from `client_context`.
        frames: non-empty frames of at most `frame_bytes_max` bytes; its buffer is the only queue of the link.
        on_change: told when the link comes up, when it goes, and when the reason for its absence changes.
        random: draws the jitter of the back-off.
        limits: defaults to `TransportLimits()`.
        connect: opens the byte stream below TLS.
        knock: cuts the back-off short when the peer is known to live.

    Returns when the channel is closed by its sender. Raises ValueError, in an exception group, for an empty frame or
    one over the limit: that is a bug of this validator.
    """
    dialer = _Dialer(
        address=address,
        local=local,
        peer=peer,
        chain_id=chain_id,
        context=context,
        frames=frames,
        on_change=on_change,
        limits=limits or TransportLimits(),
        connect=connect,
        knock=knock or Knock(),
    )
    await dialer.run(random)


@final
class _Dialer:
    def __init__(
        self,
        *,
        address: Address,
        local: str,
        peer: Peer,
        chain_id: bytes,
        context: ssl.SSLContext,
        frames: trio.MemoryReceiveChannel[bytes],
        on_change: ChangeCallback,
        limits: TransportLimits,
        connect: Connector,
        knock: Knock,
    ) -> None:
        self._knock = knock
        self._address = address
        self._peer = peer
        self._ours = Hello(PROTOCOL_VERSION, chain_id, local, peer.id)
        self._theirs = Hello(PROTOCOL_VERSION, chain_id, peer.id, local)
        self._context = context
        self._frames = frames
        self._on_change = on_change
        self._limits = limits
        self._connect = connect
        self._state: LinkState | None = None
        self._link: Link | None = None
        """The link frames go into; None while there is none, and then they go nowhere."""

    async def run(self, random: Jitter) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_up, random, nursery)
            await self._feed()
            if self._link is not None:
                await self._link.say_goodbye()
            nursery.cancel_scope.cancel()

    async def _feed(self) -> None:
        """Take every frame as it comes: the only consumer of the channel, so an absent peer cannot fill it."""
        async for frame in self._frames:
            if not 0 < len(frame) <= self._limits.frame_bytes_max:
                raise ValueError(f"a frame of {len(frame)} bytes; 1 to {self._limits.frame_bytes_max} can be sent")
            link = self._link
            if link is None:
                continue
            try:
                await link.send(frame)
            except LinkLost as lost:
                # A message may have left in part: the stream is good for nothing any more.
                link.retire(lost.reason)

    async def _keep_up(self, random: Jitter, readers: trio.Nursery) -> None:
        bound = self._limits.retry_seconds_min
        while True:
            reason, lived_seconds = await self._attempt(readers)
            self._change(LinkState(False, reason))
            if lived_seconds >= self._limits.stable_seconds:
                bound = self._limits.retry_seconds_min
            # Full jitter: validators that lost the same peer at the same time must not return in step.
            with trio.move_on_after(random.uniform(0, bound)):
                await self._knock.wait()
            bound = min(2 * bound, self._limits.retry_seconds_max)

    async def _attempt(self, readers: trio.Nursery) -> tuple[str, float]:
        """Dial once and stay until the link is lost. Returns why it was, and how long it had been up, in seconds."""
        try:
            stream = await self._open_stream()
        except LinkLost as lost:
            return lost.reason, 0.0
        # The end of a WebSocket is told by its close frame and a frame carries its length: TLS's own goodbye adds
        # nothing, and waiting to send it could take for ever.
        tls = TlsStream(stream, self._context, https_compatible=True)
        try:
            fingerprint = await shake_hands(tls, self._limits)
            if fingerprint != self._peer.fingerprint:
                return f"the certificate at {self._address} is not that of {self._peer.id}", 0.0
            link = Link(tls, self._limits, readers)
            try:
                return await self._stay(link, await self._greet(link))
            finally:
                self._link = None
                await link.close()
        except LinkLost as lost:
            return lost.reason, 0.0
        finally:
            await trio.aclose_forcefully(tls)

    async def _open_stream(self) -> trio.abc.Stream:
        try:
            with trio.fail_after(self._limits.connect_seconds):
                return await self._connect(self._address)
        except trio.TooSlowError:
            raise LinkLost(f"{self._address} did not answer within {self._limits.connect_seconds:g} s") from None
        except OSError as error:
            raise LinkLost(f"cannot connect to {self._address}: {error.strerror or error}") from error

    async def _greet(self, link: Link) -> int:
        """Exchange Hellos; return the version that both speak."""
        seconds = self._limits.hello_seconds
        try:
            with trio.fail_after(seconds):
                await link.connect(self._peer.id)
                await link.send(encode_hello(self._ours))
                answer = await link.receive(seconds)
        except trio.TooSlowError:
            raise LinkLost(f"no Hello within {seconds:g} s") from None
        verdict = check_hello(answer, self._theirs)
        if isinstance(verdict, Refusal):
            await link.tell(verdict.close_code, verdict.sentence)
            raise LinkLost(verdict.sentence)
        return verdict

    async def _stay(self, link: Link, version: int) -> tuple[str, float]:
        since = trio.current_time()
        self._link = link
        self._change(LinkState(True, str(self._address), version))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_alive, link)
            reason = await _watch(link)
            nursery.cancel_scope.cancel()
        return reason, trio.current_time() - since

    async def _keep_alive(self, link: Link) -> None:
        try:
            while True:
                await trio.sleep(self._limits.keep_alive_seconds)
                await link.send(b"")  # shows the other side that we are there
                await link.ping()  # shows us that the other side is there, and consumes
        except LinkLost as lost:
            link.retire(lost.reason)

    def _change(self, state: LinkState) -> None:
        if state == self._state:
            return  # the tenth refused connection in a row is no news
        self._state = state
        event = "link up" if state.connected else "link down"
        _log.info(event, direction="to", peer=self._peer.id, detail=state.detail)
        self._on_change(self._peer.id, state)


async def _watch(link: Link) -> str:
    """Wait for the end of a link that nothing may come in on. Returns the reason."""
    try:
        await link.receive(math.inf)
    except LinkLost as lost:
        return lost.reason
    return "the other side sent a frame on a link that it only receives on"
