"""Validators with certificates, and a network between them that is either memory or loopback TCP.

Most tests run the production code over memory streams: there the clock can be a `MockClock`, nothing takes real time
and a peer can be as rude as it likes. Types are imported from here for annotations only, since tests/ is no package.
"""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import final

import pytest
import trio
import trio.testing
from trio_websocket import WebSocketConnection, wrap_client_stream, wrap_server_stream

from jifen.transport import (
    PROTOCOL_VERSION,
    Address,
    Hello,
    Knock,
    LinkState,
    Peer,
    Peers,
    TlsIdentity,
    TransportLimits,
    certificate_fingerprint,
    client_context,
    create_tls_identity,
    dial_peer,
    serve_peers,
    server_context,
)
from jifen.transport.dial import Connector, open_tcp
from jifen.transport.frames import encode_hello
from jifen.transport.link import TlsStream
from jifen.transport.peers import FrameHandler, Jitter
from jifen.transport.serve import PeerServer

CHAIN_ID = b"\x11" * 32
WAIT_SECONDS_MAX = 120
"""When a test gives up; longer than any deadline of the transport, so that a `MockClock` reaches those first."""
LOOPBACK = Address("127.0.0.1", 0)


@final
class NoJitter:
    """Always the longest back-off."""

    def uniform(self, a: float, b: float, /) -> float:
        return b


@final
class Changes:
    """Collects what `on_change` is told, and lets a test wait for it."""

    def __init__(self) -> None:
        self.states: list[LinkState] = []
        self._news = trio.Event()

    def __call__(self, peer: str, state: LinkState) -> None:
        self.states.append(state)
        self._news.set()
        self._news = trio.Event()

    async def until(self, condition: Callable[[list[LinkState]], bool]) -> LinkState:
        """Wait until the condition holds for all states so far; returns the newest one."""
        with trio.fail_after(WAIT_SECONDS_MAX):
            while not condition(self.states):
                await self._news.wait()
        return self.states[-1]

    async def until_up(self, times: int = 1) -> LinkState:
        return await self.until(lambda states: [state.connected for state in states].count(True) >= times)

    async def until_down(self, times: int = 1) -> LinkState:
        return await self.until(lambda states: [state.connected for state in states].count(False) >= times)


@final
class Inbox:
    """A handler that keeps frames; while `gate` is closed it takes one and does not return."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.running = 0
        self.running_max = 0
        self.gate = trio.Event()
        self.gate.set()
        self._send, self._receive = trio.open_memory_channel[bytes](1000)

    async def __call__(self, peer: str, frame: bytes) -> None:
        assert peer == "mall"
        self.running += 1
        self.running_max = max(self.running_max, self.running)
        self.frames.append(frame)
        self._send.send_nowait(frame)
        await self.gate.wait()
        self.running -= 1

    async def next(self) -> bytes:
        with trio.fail_after(10):  # shorter than any deadline that could bring a frame late
            return await self._receive.receive()


@final
class Validators:
    """The identities of `mall` (dials), `north` (listens) and `south` (in nobody's genesis unless a test says so)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.identities = {name: self._create(name) for name in ("mall", "north", "south")}

    def _create(self, name: str) -> TlsIdentity:
        identity = create_tls_identity(name, datetime(2020, 1, 1, tzinfo=UTC))
        (self.directory / f"{name}.crt").write_bytes(identity.certificate_pem)
        (self.directory / f"{name}.key").write_bytes(identity.private_key_pem)
        return identity

    def peer(self, name: str, *, pinned_to: str | None = None) -> Peer:
        return Peer(name, certificate_fingerprint(self.identities[pinned_to or name].certificate_pem))

    def server_context(self, name: str, *trusted: str) -> ssl.SSLContext:
        return server_context(
            certificate_path=self.directory / f"{name}.crt",
            private_key_path=self.directory / f"{name}.key",
            peer_certificates={other: self.identities[other].certificate_pem for other in trusted},
        )

    def client_context(self, name: str, *trusted: str) -> ssl.SSLContext:
        return client_context(
            certificate_path=self.directory / f"{name}.crt",
            private_key_path=self.directory / f"{name}.key",
            peer_certificates={other: self.identities[other].certificate_pem for other in trusted},
        )


@final
class Network:
    """Runs `north` as the server and dialers or bare streams as `mall`, in one nursery."""

    def __init__(self, validators: Validators, nursery: trio.Nursery) -> None:
        self.validators = validators
        self.nursery = nursery
        self.inbox = Inbox()
        self.server_changes = Changes()
        self.changes = Changes()
        # Hardly any back-off, for the tests that are not about it.
        self.limits = TransportLimits(retry_seconds_min=0.001, retry_seconds_max=0.01)
        self.chain_id = CHAIN_ID
        self.make_pair: Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]] = trio.testing.memory_stream_pair
        self.jitter: Jitter = NoJitter()
        self.knock = Knock()
        self.server: PeerServer | None = None
        self.dials = 0
        self.streams: list[trio.abc.Stream] = []
        """The server's end of every stream opened so far."""
        self.fixed_streams: list[trio.abc.Stream] = []
        """Handed out first, instead of streams to the server."""

    def start_server(self, handler: FrameHandler | None = None, peers: tuple[Peer, ...] | None = None) -> None:
        """Serve whatever `open_stream` opens."""
        self.server = PeerServer(
            local="north",
            chain_id=CHAIN_ID,
            context=self.validators.server_context("north", "mall", "south"),
            peers=Peers(peers or (self.validators.peer("mall"),)),
            handler=handler or self.inbox,
            on_change=self.server_changes,
            limits=self.limits,
            readers=self.nursery,
        )

    async def listen(self, address: Address = LOOPBACK, handler: FrameHandler | None = None) -> Address:
        """Serve on loopback TCP instead; returns the address."""
        bound: tuple[Address, ...] = await self.nursery.start(
            partial(
                serve_peers,
                address=address,
                local="north",
                chain_id=CHAIN_ID,
                context=self.validators.server_context("north", "mall"),
                peers=Peers([self.validators.peer("mall")]),
                handler=handler or self.inbox,
                on_change=self.server_changes,
                limits=self.limits,
            )
        )
        return bound[0]

    async def open_stream(self, address: Address = LOOPBACK) -> trio.abc.Stream:
        """A connector: the client's end of a stream that the server has accepted."""
        self.dials += 1
        if self.fixed_streams:
            return self.fixed_streams.pop(0)
        if self.server is None:
            raise ConnectionRefusedError(111, "Connection refused")
        ours, theirs = self.make_pair()
        self.streams.append(theirs)
        self.nursery.start_soon(self.server.serve, theirs)
        return ours

    def dial(
        self,
        address: Address | None = None,
        *,
        frames_max: int = 10,
        local: str = "mall",
        peer: Peer | None = None,
        context: ssl.SSLContext | None = None,
        connect: Connector | None = None,
    ) -> trio.MemorySendChannel[bytes]:
        """Start a dialer, by TCP when there is an address; returns where its frames go in."""
        send, receive = trio.open_memory_channel[bytes](frames_max)
        connect = connect or (self.open_stream if address is None else open_tcp)
        run = partial(
            dial_peer,
            address=address or LOOPBACK,
            local=local,
            peer=peer or self.validators.peer("north"),
            chain_id=self.chain_id,
            context=context or self.validators.client_context("mall", "north"),
            frames=receive,
            on_change=self.changes,
            random=self.jitter,
            knock=self.knock,
            limits=self.limits,
            connect=connect,
        )
        self.nursery.start_soon(run)
        return send

    async def open_tls(self, name: str = "mall") -> TlsStream:
        """A TLS stream to the server with the handshake done, in nobody's hands."""
        context = self.validators.client_context(name, "north")
        tls = TlsStream(await self.open_stream(), context, https_compatible=True)
        await tls.do_handshake()
        return tls

    async def open_websocket(self, hello: Hello | None = None) -> WebSocketConnection:
        """A bare WebSocket to the server as `mall`, after the Hellos when one is given."""
        # Annotated by the library for sockets only; it uses what every stream has.
        stream: trio.SSLStream[trio.SocketStream] = await self.open_tls()  # type: ignore[assignment]
        websocket = await wrap_client_stream(self.nursery, stream, "north", "/peer", max_message_size=1 << 26)
        if hello is not None:
            await websocket.send_message(encode_hello(hello))
            await websocket.get_message()
        return websocket

    async def impostor_server(self) -> WebSocketConnection:
        """Start a dialer towards a bare WebSocket with the identity of `north`; returns it after the Hellos."""
        ours, theirs = self.make_pair()
        self.fixed_streams.append(ours)
        self.dial()
        tls = TlsStream(theirs, self.validators.server_context("north", "mall"), server_side=True)
        websocket = await (await wrap_server_stream(self.nursery, tls)).accept()
        await websocket.get_message()
        await websocket.send_message(encode_hello(Hello(PROTOCOL_VERSION, CHAIN_ID, "north", "mall")))
        return websocket

    def hello(self) -> Hello:
        """The Hello that `north` expects of `mall`."""
        return Hello(PROTOCOL_VERSION, CHAIN_ID, "mall", "north")


@pytest.fixture(scope="session")
def validators(tmp_path_factory: pytest.TempPathFactory) -> Validators:
    return Validators(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def network(validators: Validators, nursery: trio.Nursery) -> Network:
    return Network(validators, nursery)
