"""Who is at the other end of a link, and how the transport speaks about it."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, final

import msgspec
import trio

from jifen.transport.frames import PROTOCOL_VERSION


class Address(msgspec.Struct, frozen=True):
    """Where a validator listens for its peers."""

    host: str
    """Host name or IP address."""

    port: int
    """TCP port; 0 lets the system choose when listening."""

    def __str__(self) -> str:
        """`host:port`, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Peer(msgspec.Struct, frozen=True):
    """One of the other validators."""

    id: str
    """Id of the validator."""

    fingerprint: bytes
    """SHA-256 of its DER certificate, 32 bytes: the pin."""


class LinkState(msgspec.Struct, frozen=True):
    """What became of the link with one peer."""

    connected: bool
    """True from the mutual Hello to the loss of the link."""

    detail: str
    """One phrase for people: the address while connected, the reason when not."""

    version: int = PROTOCOL_VERSION
    """Protocol version that both sides speak on it while connected."""


@final
class Peers:
    """The validators that may link with this one; more are added while links are served.

    Invariant: no two share an id or a fingerprint.
    """

    def __init__(self, peers: Iterable[Peer] = ()) -> None:
        self._ids: dict[bytes, str] = {}
        for peer in peers:
            self.admit(peer)

    def admit(self, peer: Peer) -> None:
        """Let a validator link; one that may already keeps its pin, which is for life."""
        known = self._ids.setdefault(peer.fingerprint, peer.id)
        assert known == peer.id, f"{known} and {peer.id} share a certificate"
        assert sum(id == peer.id for id in self._ids.values()) == 1, f"{peer.id} has two certificates"

    def __contains__(self, id: str) -> bool:
        """Whether that validator may link."""
        return id in self._ids.values()

    def id_of(self, fingerprint: bytes) -> str | None:
        """Return whose certificate has this fingerprint, or None for a stranger's."""
        return self._ids.get(fingerprint)


FrameHandler = Callable[[str, bytes], Awaitable[None]]
"""Takes one frame of one validator. Calls for one validator never overlap and come in the order of sending. While
it waits, the peer's sending waits. May raise `PeerFault`; anything else it raises is a bug and stops the node."""

ChangeCallback = Callable[[str, LinkState], None]
"""Told about a validator's link whenever its state or the reason for it changes. Must not raise."""


class Jitter(Protocol):
    """The source of random draws for the back-off; `random.Random` is one."""

    def uniform(self, a: float, b: float, /) -> float:
        """A number between `a` and `b`."""
        ...


@final
class Knock:
    """Word that a peer lives, for a dialler that is waiting to try again.

    A validator that comes back dials everybody at once; that is the moment to dial it, not the end of a back-off.
    """

    def __init__(self) -> None:
        self._heard = trio.Event()

    def give(self) -> None:
        """Say that the peer lives; a dialler that waits tries at once, one that does not takes no notice."""
        self._heard.set()
        self._heard = trio.Event()

    async def wait(self) -> None:
        """Wait for the next word."""
        await self._heard.wait()


class PeerFault(Exception):
    """The peer sent something it must not send: its link ends, nothing else does.

    Raised by a `FrameHandler`. The reason is logged here and told to the peer, cut to 123 bytes (RFC 6455, 5.5).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LinkLost(Exception):
    """A link cannot go on, by the other side's doing or the network's. Stays inside the transport."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CannotListen(Exception):
    """The address for peers cannot be listened on."""

    advice = "Set the validator's peer address to one of this machine and a port it may use."
    """What to do about it."""

    def __init__(self, address: Address, reason: str) -> None:
        super().__init__(f"cannot listen for peers on {address}: {reason}. {self.advice}")
        self.address = address
        self.reason = reason


class PortBusy(CannotListen):
    """Something listens on the address already."""

    advice = "Stop the other process, which may be this same validator, or choose another peer port."

    def __init__(self, address: Address) -> None:
        super().__init__(address, "the port is in use")
