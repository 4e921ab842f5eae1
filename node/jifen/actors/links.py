"""Outgoing links: one bounded queue and one dialling task for every peer."""

import random
import ssl
from functools import partial
from typing import final

import msgspec
import trio

from jifen.codec.messages import (
    ForwardTransactions,
    ShowStatements,
    SnapshotChunk,
    SnapshotRequest,
    encode_peer_message,
    is_spoken,
)
from jifen.consensus.messages import Message
from jifen.ledger.evidence.statements import Statement
from jifen.transport import Address, Connector, Knock, LinkState, Peer, dial_peer

FRAMES_WAITING_MAX = 32
"""Frames that may wait for a slow peer: more than Raft's window; the rest is dropped, and Raft repeats it."""

FORWARDED_FRAMES_WAITING_MAX = FRAMES_WAITING_MAX // 4
"""Forwarded transactions leave most of the queue to Raft, whose answers keep the leader in office."""


class PeerStatus(msgspec.Struct, frozen=True):
    """How the link to a peer stands."""

    id: str
    connected: bool
    detail: str
    """One phrase for people."""


@final
class PeerLinks:
    """Sends to the other validators."""

    def __init__(
        self,
        *,
        name: str,
        chain_id: bytes,
        context: ssl.SSLContext,
        connect: Connector,
        draws: random.Random,
    ) -> None:
        """`draws` spreads reconnections."""
        self._name = name
        self._chain_id = chain_id
        self._context = context
        self._connect = connect
        self._draws = draws
        self._waiting: list[tuple[Peer, Address, trio.MemoryReceiveChannel[bytes]]] = []
        """Peers to be dialled once this runs."""
        self._nursery: trio.Nursery | None = None
        self._states: dict[str, LinkState] = {}
        """Invariant: the same keys as `_queues` and `_knocks`: who is a peer now."""
        self._queues: dict[str, trio.MemorySendChannel[bytes]] = {}
        self._knocks: dict[str, Knock] = {}

    def admit(self, peer: Peer, address: Address) -> None:
        """Keep up a link to one more validator; one that has a link keeps it."""
        if peer.id in self._states:
            return
        sender, frames = trio.open_memory_channel[bytes](FRAMES_WAITING_MAX)
        self._states[peer.id] = LinkState(connected=False, detail="not dialled yet")
        self._queues[peer.id] = sender
        self._knocks[peer.id] = Knock()
        if self._nursery is None:
            self._waiting.append((peer, address, frames))
        else:
            self._dial(self._nursery, peer, address, frames)

    def dismiss(self, peer: str) -> None:
        """Give up the link to a validator, if there is one; what is queued still goes out."""
        queue = self._queues.pop(peer, None)
        if queue is not None:
            queue.close()
            del self._states[peer], self._knocks[peer]

    def connected(self) -> list[str]:
        """Return the peers with a link, in the order of admission."""
        return [peer for peer, state in self._states.items() if state.connected]

    def send(self, message: Message | SnapshotRequest | SnapshotChunk | ShowStatements) -> None:
        """Send to the message's recipient without waiting; dropped when it cannot be queued, or is not known there."""
        state = self._states.get(message.recipient)
        if state is not None and is_spoken(message, state.version):
            self._offer(message.recipient, encode_peer_message(message))

    def show(self, statements: tuple[Statement, ...]) -> None:
        """Show every peer with a link what validators have signed, without waiting."""
        for peer in self.connected():
            self.send(ShowStatements(self._name, peer, statements))

    def forward(self, leader: str, transactions: tuple[bytes, ...]) -> bool:
        """Send transactions to the leader without waiting; False when they cannot be queued."""
        queue = self._queues.get(leader)
        if queue is None or queue.statistics().current_buffer_used >= FORWARDED_FRAMES_WAITING_MAX:
            return False
        return self._offer(leader, encode_peer_message(ForwardTransactions(self._name, leader, transactions)))

    def status(self) -> tuple[PeerStatus, ...]:
        """Return how every link stands, in the order of admission."""
        return tuple(PeerStatus(peer, state.connected, state.detail) for peer, state in self._states.items())

    async def run(self) -> None:
        """Dial every peer, those admitted meanwhile too, for ever."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                for peer, address, frames in self._waiting:
                    self._dial(nursery, peer, address, frames)
                self._waiting.clear()
                await trio.sleep_forever()
            finally:
                self._nursery = None

    def heard_of(self, peer: str, incoming: LinkState) -> None:
        """Learn of a peer's own link to here: one that has come back is dialled at once."""
        if incoming.connected and peer in self._knocks:
            self._knocks[peer].give()

    def _dial(
        self, nursery: trio.Nursery, peer: Peer, address: Address, frames: trio.MemoryReceiveChannel[bytes]
    ) -> None:
        nursery.start_soon(
            partial(
                dial_peer,
                address=address,
                local=self._name,
                peer=peer,
                chain_id=self._chain_id,
                context=self._context,
                frames=frames,
                on_change=self._changed,
                knock=self._knocks[peer.id],
                random=self._draws,
                connect=self._connect,
            )
        )

    def _changed(self, peer: str, state: LinkState) -> None:
        if peer in self._states:
            self._states[peer] = state

    def _offer(self, peer: str, frame: bytes) -> bool:
        queue = self._queues.get(peer)
        if queue is None or not self._states[peer].connected:
            return False
        try:
            queue.send_nowait(frame)
        except trio.WouldBlock:
            return False
        return True
