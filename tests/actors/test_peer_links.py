"""Outgoing links: bounded queues that never hold anybody up, and room for Raft under any load of transactions."""

import random
import ssl
from collections.abc import Callable

import pytest
import trio
import trio.testing

from jifen.actors import links as links_module
from jifen.actors.links import FORWARDED_FRAMES_WAITING_MAX, FRAMES_WAITING_MAX, PeerLinks
from jifen.codec import messages as messages_module
from jifen.codec.messages import ForwardTransactions, decode_peer_message
from jifen.consensus.messages import TimeoutNow, VoteRequest
from jifen.transport import PROTOCOL_VERSION, Address, LinkState, Peer, open_tcp


class Wire:
    """Stands in for `dial_peer`: frames stay in the queue until the test reads them."""

    def __init__(self) -> None:
        self.frames: dict[str, trio.MemoryReceiveChannel[bytes]] = {}
        self.change: dict[str, Callable[[str, LinkState], None]] = {}

    async def dial(
        self,
        *,
        peer: Peer,
        frames: trio.MemoryReceiveChannel[bytes],
        on_change: Callable[[str, LinkState], None],
        **others: object,
    ) -> None:
        self.frames[peer.id] = frames
        self.change[peer.id] = on_change
        await trio.sleep_forever()

    def connect(self, name: str, *, connected: bool = True, version: int = PROTOCOL_VERSION) -> None:
        self.change[name](name, LinkState(connected, "connected" if connected else "gone", version))

    def read(self, name: str) -> list[object]:
        """Take every frame that waits for a peer."""
        found: list[object] = []
        while self.frames[name].statistics().current_buffer_used:
            found.append(decode_peer_message(self.frames[name].receive_nowait()))
        return found


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    monkeypatch.setattr(links_module, "dial_peer", made.dial)
    return made


@pytest.fixture
async def links(wire: Wire, nursery: trio.Nursery) -> PeerLinks:
    made = PeerLinks(
        name="books",
        chain_id=bytes(32),
        context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        connect=open_tcp,
        draws=random.Random(1),
    )
    for name in ("mall", "music"):
        made.admit(Peer(name, bytes(32)), Address("127.0.0.1", 1))
    nursery.start_soon(made.run)
    await trio.testing.wait_all_tasks_blocked()
    return made


def vote(term: int, recipient: str = "mall") -> VoteRequest:
    return VoteRequest(term, "books", recipient, 0, 0, False)


async def test_messages_go_to_their_recipients_in_order(links: PeerLinks, wire: Wire) -> None:
    wire.connect("mall")
    wire.connect("music")
    for term in (1, 2, 3):
        links.send(vote(term))
    links.send(vote(9, "music"))
    assert links.forward("music", (b"\1",))
    assert wire.read("mall") == [vote(1), vote(2), vote(3)]
    assert wire.read("music") == [vote(9, "music"), ForwardTransactions("books", "music", (b"\1",))]


async def test_what_cannot_leave_is_dropped_and_never_waited_for(links: PeerLinks, wire: Wire) -> None:
    links.send(vote(1))
    assert not links.forward("mall", (b"\1",))
    wire.connect("mall")
    assert wire.read("mall") == []
    for term in range(FRAMES_WAITING_MAX + 10):
        links.send(vote(term))
    assert wire.read("mall") == [vote(term) for term in range(FRAMES_WAITING_MAX)]
    wire.connect("mall", connected=False)
    links.send(vote(1))
    assert wire.read("mall") == []
    links.send(vote(1, "stranger"))
    assert not links.forward("stranger", (b"\1",))


async def test_a_peer_of_an_older_version_is_not_sent_what_it_does_not_know(
    links: PeerLinks, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages_module, "SINCE", {TimeoutNow: 2})
    wire.connect("mall", version=1)
    wire.connect("music", version=2)
    for recipient in ("mall", "music"):
        links.send(TimeoutNow(1, "books", recipient))
        links.send(vote(2, recipient))
    assert wire.read("mall") == [vote(2)]
    assert wire.read("music") == [TimeoutNow(1, "books", "music"), vote(2, "music")]


async def test_transactions_leave_room_for_raft(links: PeerLinks, wire: Wire) -> None:
    wire.connect("mall")
    taken = [links.forward("mall", (bytes([number]),)) for number in range(FRAMES_WAITING_MAX)]
    assert taken.count(True) == FORWARDED_FRAMES_WAITING_MAX
    links.send(vote(1))
    assert wire.read("mall")[-1] == vote(1)
    assert links.forward("mall", (b"\1",))


async def test_the_status_tells_of_every_peer_in_order(links: PeerLinks, wire: Wire) -> None:
    assert [(item.id, item.connected) for item in links.status()] == [("mall", False), ("music", False)]
    wire.connect("music")
    assert [(item.id, item.connected, item.detail) for item in links.status()] == [
        ("mall", False, "not dialled yet"),
        ("music", True, "connected"),
    ]
