"""What a leader knows of one peer: how far its log matches, and what is on its way.

A peer is probed until a response shows where its log and the leader's agree: one message at a time, because most of
what follows a wrong guess is wasted. Then it is replicated to: messages follow one another without waiting, limited by
a window in messages and bytes. A refusal, which also tells of a loss, leads back to probing (etcd calls it the same).
A peer that needs what the leader has compacted is offered a snapshot, at the pace of heartbeats, and sent nothing else
until an answer shows that it has come to where the leader's log begins. An offer is as small as a probe and is answered
with the peer's committed height, so a lost one, or a peer that restarts meanwhile, needs no state of its own.

    PROBE --success--> REPLICATE --refusal--> PROBE
    PROBE, REPLICATE --needs what is compacted--> SNAPSHOT --success--> REPLICATE
"""

from collections import deque
from enum import StrEnum, unique
from typing import Final

HEARTBEATS_TO_A_REPEAT: Final = 4
"""Heartbeats without progress after which certificates are sent again though entries are on their way: fewer than an
election time-out has, more than a busy peer takes over a message."""


@unique
class Mode(StrEnum):
    """How a leader sends to a peer."""

    PROBE = "probe"
    REPLICATE = "replicate"
    SNAPSHOT = "snapshot"


class Inflight:
    """Append requests with entries that are on their way to one peer.

    Both limits hold when a message is added, so one message always fits, and the bytes may exceed their limit by one
    message at most.
    """

    def __init__(self, *, messages_max: int, bytes_max: int) -> None:
        self._messages_max = messages_max
        self._bytes_max = bytes_max
        self._sizes: deque[tuple[int, int]] = deque()
        """(last height, payload bytes) of each message. Invariant: heights ascend."""
        self.bytes = 0
        """Sum of the sizes."""

    def __len__(self) -> int:
        """Messages on their way."""
        return len(self._sizes)

    @property
    def full(self) -> bool:
        """Whether another message has to wait."""
        return len(self._sizes) >= self._messages_max or self.bytes >= self._bytes_max

    def add(self, last_height: int, size: int) -> None:
        """Count a message that ends at `last_height` with `size` payload bytes; the window must not be full."""
        assert not self.full
        assert not self._sizes or self._sizes[-1][0] < last_height, (self._sizes[-1], last_height)
        self._sizes.append((last_height, size))
        self.bytes += size

    def free_to(self, height: int) -> None:
        """Stop counting messages that end at or below `height`."""
        while self._sizes and self._sizes[0][0] <= height:
            self.bytes -= self._sizes.popleft()[1]

    def clear(self) -> None:
        """Stop counting everything: the messages arrived or are lost."""
        self._sizes.clear()
        self.bytes = 0


class Progress:
    """One peer's progress under one leader. Every transition is in this class."""

    def __init__(
        self, *, next_height: int, inflight_messages_max: int, inflight_bytes_max: int, commit: int = 0
    ) -> None:
        """Start probing from below `next_height`, taking the peer to have the certificates up to `commit`.

        Hope for the leader's own: what a request says it carries, its answer need not sign (`leader_commit`), and an
        answer with a signature for every height of a long chain could not even be sent.
        """
        self.mode = Mode.PROBE
        self.match = 0
        """Highest height that the peer acknowledged in this term. Invariant: never falls; below `next_height`."""
        self.next_height = next_height
        """Next height to send."""
        self.commit = commit
        """Committed height in the peer's latest response. May fall: responses overtake, peers restart."""
        self.certificates_sent = commit
        """Height up to which certificates are on their way or held; hopeful, and set back to `commit` regularly."""
        self.certified = 0
        """Height up to which the peer has said, in an acknowledgement of this term, that it holds the certificates
        durably. Invariant: never falls."""
        self._heartbeats = 0
        """Heartbeats since `commit` rose, or since certificates were last sent again."""
        self.active = False
        """Whether the peer has answered since the last check of the quorum."""
        self._active_before = False
        """Whether it had answered at that check."""
        self.probe_sent = False
        """PROBE: whether a probe is unanswered and the next one has to wait for an answer or a heartbeat."""
        self.inflight = Inflight(messages_max=inflight_messages_max, bytes_max=inflight_bytes_max)

    @property
    def paused(self) -> bool:
        """Whether entries have to wait for an answer."""
        if self.mode is Mode.SNAPSHOT:
            return True
        return self.probe_sent if self.mode is Mode.PROBE else self.inflight.full

    def lacks(self, base: int) -> bool:
        """Whether the peer needs a block or certificate at or below `base`, where they are compacted away."""
        return min(self.next_height - 1, self.commit) < base

    @property
    def recently_active(self) -> bool:
        """Whether the peer has answered since the check of the quorum before the last one."""
        return self.active or self._active_before

    def checked(self) -> bool:
        """Start counting answers anew, at a check of the quorum; return whether there was one since the last."""
        self._active_before, self.active = self.active, False
        return self._active_before

    def sent(self, last_height: int, size: int) -> None:
        """Note that entries up to `last_height` with `size` payload bytes were sent."""
        assert last_height >= self.next_height, (last_height, self.next_height)
        if self.mode is Mode.PROBE:
            self.probe_sent = True
        else:
            self.inflight.add(last_height, size)
            self.next_height = last_height + 1

    def reported(self, commit: int) -> None:
        """Note the committed height that a response names."""
        self.active = True
        if commit > self.commit:
            self._heartbeats = 0
        self.commit = commit
        self.certificates_sent = max(self.certificates_sent, commit)

    def offered(self) -> None:
        """Note that a snapshot is offered, in place of anything else."""
        self.mode = Mode.SNAPSHOT
        self.probe_sent = False
        self.inflight.clear()
        self.next_height = self.match + 1

    def acknowledged(self, height: int, base: int = 0, certified: int = 0) -> None:
        """Note that the peer's log matches up to `height`, which any response of this term may say, however late.

        `base` is where the leader's log begins: only a peer whose log reaches it is out of SNAPSHOT. `certified` is the
        committed height that the acknowledgement names.
        """
        self.match = max(self.match, height)
        self.certified = max(self.certified, certified)
        if self.mode is Mode.SNAPSHOT:
            self.next_height = self.match + 1
            if not self.lacks(base):
                self.mode = Mode.REPLICATE
                self.certificates_sent = self.commit
        elif self.mode is Mode.PROBE:
            self.mode = Mode.REPLICATE
            self.probe_sent = False
            self.next_height = self.match + 1
        else:
            self.next_height = max(self.next_height, self.match + 1)
            self.inflight.free_to(self.match)

    def refused(self, height: int, agree_height: int) -> bool:
        """Note that the peer refused entries after `height`; `agree_height` is where the logs may still agree.

        Return False when the refusal is too late to mean anything: it contradicts an acknowledgement, or it does not
        answer the current probe. Otherwise the next message starts lower than the refused one.
        """
        if self.mode is Mode.SNAPSHOT or height <= self.match:
            return False
        if self.mode is Mode.PROBE and height != self.next_height - 1:
            return False
        if self.mode is Mode.REPLICATE:
            agree_height = self.match
        self.mode = Mode.PROBE
        self.probe_sent = False
        self.inflight.clear()
        self.next_height = max(self.match, min(agree_height, height - 1)) + 1
        self.certificates_sent = self.commit
        return True

    def resume(self) -> None:
        """Allow for loss, at a heartbeat: send certificates again from where the peer says it is.

        A window full of lost messages needs no more: the heartbeat is anchored after all of them, so its answer frees
        the window (success) or restarts at the first loss (refusal). And while entries are on their way, the
        certificates that went with them are too: a peer that catches up would get each many times over, and check it.
        """
        self._heartbeats += 1
        if not len(self.inflight) or self._heartbeats >= HEARTBEATS_TO_A_REPEAT:
            self.certificates_sent = self.commit
            self._heartbeats = 0
