"""Outgoing links: one bounded queue and one dialling task for every peer."""

import random
import ssl
from functools import partial
from typing import final

import msgspec
import trio

from jifen.codec.messages import ForwardTransactions, encode_peer_message
from jifen.consensus.messages import Message
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
        peers: dict[str, tuple[Peer, Address]],
        connect: Connector,
        draws: random.Random,
    ) -> None:
        """`peers` gives every other validator's pin and address; `draws` spreads reconnections."""
        self._name = name
        self._chain_id = chain_id
        self._context = context
        self._peers = peers
        self._connect = connect
        self._draws = draws
        self._states = {peer: LinkState(connected=False, detail="not dialled yet") for peer in peers}
        self._queues: dict[str, trio.MemorySendChannel[bytes]] = {}
        self._knocks = {peer: Knock() for peer in peers}

    def send(self, message: Message) -> None:
        """Send to the message's recipient without waiting; dropped when it cannot be queued."""
        self._offer(message.recipient, encode_peer_message(message))

    def forward(self, leader: str, transactions: tuple[bytes, ...]) -> bool:
        """Send transactions to the leader without waiting; False when they cannot be queued."""
        queue = self._queues.get(leader)
        if queue is None or queue.statistics().current_buffer_used >= FORWARDED_FRAMES_WAITING_MAX:
            return False
        return self._offer(leader, encode_peer_message(ForwardTransactions(self._name, leader, transactions)))

    def status(self) -> tuple[PeerStatus, ...]:
        """Return how every link stands, in the order of genesis."""
        return tuple(PeerStatus(peer, state.connected, state.detail) for peer, state in self._states.items())

    async def run(self) -> None:
        """Dial every peer for ever."""
        async with trio.open_nursery() as nursery:
            for name, (peer, address) in self._peers.items():
                sender, frames = trio.open_memory_channel[bytes](FRAMES_WAITING_MAX)
                self._queues[name] = sender
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
                        knock=self._knocks[name],
                        random=self._draws,
                        connect=self._connect,
                    )
                )

    def heard_of(self, peer: str, incoming: LinkState) -> None:
        """Learn of a peer's own link to here: one that has come back is dialled at once."""
        if incoming.connected:
            self._knocks[peer].give()

    def _changed(self, peer: str, state: LinkState) -> None:
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
