"""What the core asks of its host, and the place where it gathers that between two calls of `take_output`."""

import msgspec

from jifen.consensus.messages import AppendResponse, Certificate, Entry, Message, SnapshotOffer
from jifen.consensus.types import HardState, Role, Suspicion

SUSPICIONS_PER_OUTPUT_MAX = 16
"""Most suspicions in one output: one is enough to look, and a faulty peer must not fill the memory."""


class Output(msgspec.Struct, frozen=True):
    """The host's duties, in the order of the fields.

    Outputs are worked off one after the other in the order taken. Nothing of a later output may become durable before
    everything of an earlier one. If any write fails the node stops: it neither retries nor sends what depended on it.
    """

    role: Role
    """Role when the output was taken."""
    term: int
    """Term when the output was taken."""
    leader: str | None
    """Leader of `term` as far as known."""
    leave_joint: bool = False
    """True as long as the host has to propose, next, a block that leaves the joint configuration: its voters hold the
    certificates of everything below, so that the outgoing ones may go. It does for the block that `became_leader` asks
    for."""
    retired: bool = False
    """True when this validator has been removed, and the block that did it is committed here: nobody needs it any more,
    and the host stops it when everything below is done. A host that starts a validator again knows from its ledger."""
    became_leader: bool = False
    """True once for each leadership, unless it was already lost again: the host must now propose a block of the new
    term, empty if need be; nothing of earlier terms commits before it (Raft 5.4.2, 8)."""
    suspicions: tuple[Suspicion, ...] = ()
    """Contradictions found; to be reported, and looked into for what is signed."""
    reads: tuple[tuple[int, int], ...] = ()
    """Confirmed reads, as (request id, height): a state of at least that height shows everything that was committed,
    anywhere, when `Raft.read_index` was called. May be told at once; it waits for nothing below."""
    reads_lost: tuple[int, ...] = ()
    """Reads that will not be confirmed: there is no leader, another leads, or an answer was too long in coming. To be
    asked for again, with new ids."""
    snapshot_offered: SnapshotOffer | None = None
    """The leader no longer holds the blocks that come next here. To be fetched: a snapshot of a height not below the
    offer's; when it is checked and durable, `Raft.install` is called. Repeated with every heartbeat until then."""
    messages: tuple[Message, ...] = ()
    """To send; may go at once, in this order, without waiting for anything below."""
    hard_state: HardState | None = None
    """To make durable, when not None, together with or before the log changes below."""
    truncate_from: int | None = None
    """First height whose old entry, and all above, must be dropped before `entries` are written, in one transaction.
    Invariant: above every height that was ever committed here."""
    entries: tuple[Entry, ...] = ()
    """To execute, check and make durable, in order."""
    commits: tuple[Certificate, ...] = ()
    """Newly committed heights, ascending and without a gap; to apply and to store, together with all of the above or
    after it. They may follow, but never precede, the entries they certify."""
    messages_after_persist: tuple[Message, ...] = ()
    """To send, in this order, only after all of the above, certificates included, and of every earlier output is
    durable. The host fills in the signatures of a successful AppendResponse: one for each height above `leader_commit`
    up to `height`. A message to this validator itself is stepped into the core after that, like any received one."""


class Outbox:
    """Gathers an Output. One for each core.

    Merging several steps into one output must not weaken a promise: when the term rises, everything still waiting from
    lower terms is dropped, because an acknowledgement of an entry that the new leader made us truncate would otherwise
    go out after a write that no longer contains it. Lost messages are Raft's daily bread.
    """

    def __init__(self, last_height: int) -> None:
        self.dirty = False
        """Invariant: False only when every list below is empty."""
        self.became_leader = False
        self._hard_state: HardState | None = None
        self._truncate_from: int | None = None
        self._entries: list[Entry] = []
        self._taken_height = last_height
        """Highest height that the host has in its durable log or was told to write.
        Invariant: pending entries start right above it."""
        self._messages: list[Message] = []
        self._messages_after_persist: list[Message] = []
        self._commits: list[Certificate] = []
        self._suspicions: list[Suspicion] = []
        self._reads: list[tuple[int, int]] = []
        self._reads_lost: list[int] = []
        self._snapshot_offered: SnapshotOffer | None = None

    def hard_state(self, state: HardState) -> None:
        """Ask to persist `state`; when the term rose, forget what was to be sent in a lower one."""
        self.dirty = True
        self._hard_state = state
        if self._messages:
            self._messages = [message for message in self._messages if message.term >= state.term]
        if self._messages_after_persist:
            self._messages_after_persist = [
                message for message in self._messages_after_persist if message.term >= state.term
            ]

    def truncate(self, height: int) -> None:
        """Ask to drop entries from `height` on, those already handed out and those still waiting here."""
        self.dirty = True
        while self._entries and self._entries[-1].height >= height:
            self._entries.pop()
        if height <= self._taken_height:
            assert not self._entries, self._entries[-1].height
            self._truncate_from = height
            self._taken_height = height - 1

    def entry(self, entry: Entry) -> None:
        """Ask to persist `entry`."""
        assert entry.height == self._taken_height + len(self._entries) + 1, (entry.height, self._taken_height)
        self.dirty = True
        self._entries.append(entry)

    def send(self, message: Message) -> None:
        """Send without waiting."""
        self.dirty = True
        self._messages.append(message)

    def send_after_persist(self, message: Message) -> None:
        """Send when everything asked for until now is durable."""
        self.dirty = True
        self._messages_after_persist.append(message)

    def acknowledge_own(self, response: AppendResponse) -> None:
        """Send a leader's acknowledgement to itself; it replaces a waiting one, which it includes."""
        waiting = self._messages_after_persist
        if waiting and waiting[-1].sender == waiting[-1].recipient:
            waiting.pop()
        self.send_after_persist(response)

    def commit(self, certificate: Certificate) -> None:
        """Report a committed height."""
        self.dirty = True
        self._commits.append(certificate)

    def suspicion(self, suspicion: Suspicion) -> None:
        """Report a contradiction, unless there are enough already."""
        self.dirty = True
        if len(self._suspicions) < SUSPICIONS_PER_OUTPUT_MAX:
            self._suspicions.append(suspicion)

    def read(self, request_id: int, height: int) -> None:
        """Report a confirmed read."""
        self.dirty = True
        self._reads.append((request_id, height))

    def read_lost(self, request_id: int) -> None:
        """Report a read that will not be confirmed."""
        self.dirty = True
        self._reads_lost.append(request_id)

    def offer(self, offer: SnapshotOffer) -> None:
        """Report an offered snapshot; the newest offer counts."""
        self.dirty = True
        self._snapshot_offered = offer

    def install(self, last_height: int) -> None:
        """Go on from a log that ends at `last_height` and that the host has made durable."""
        assert not self.dirty, "a snapshot was installed before the last output was taken"
        self._taken_height = last_height

    @property
    def entries_wait(self) -> bool:
        """Whether the host has entries yet to be given, so that nobody knows what configuration they set."""
        return bool(self._entries)

    @property
    def taken_height(self) -> int:
        """Highest height of the log that the host has been given."""
        return self._taken_height

    def take(self, role: Role, term: int, leader: str | None, leave_joint: bool, retired: bool) -> Output:
        """Hand over what has gathered and start anew."""
        output = Output(
            role=role,
            term=term,
            leader=leader,
            leave_joint=leave_joint,
            retired=retired,
            became_leader=self.became_leader and role is Role.LEADER,
            suspicions=tuple(self._suspicions),
            reads=tuple(self._reads),
            reads_lost=tuple(self._reads_lost),
            snapshot_offered=self._snapshot_offered,
            messages=tuple(self._messages),
            hard_state=self._hard_state,
            truncate_from=self._truncate_from,
            entries=tuple(self._entries),
            messages_after_persist=tuple(self._messages_after_persist),
            commits=tuple(self._commits),
        )
        self._taken_height += len(self._entries)
        self.dirty = self.became_leader = False
        self._hard_state = self._truncate_from = None
        self._entries, self._messages, self._messages_after_persist = [], [], []
        self._commits, self._suspicions = [], []
        self._reads, self._reads_lost = [], []
        self._snapshot_offered = None
        return output
