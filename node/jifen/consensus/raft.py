"""The consensus core that a host drives: one Raft validator.

The host's loop: verify and decode messages, then `step` them; call `tick` at a steady pace; after either, and after
`propose`, `transfer_leadership`, `read_index` and `install`, call `take_output` and do what the Output's fields say in
the order they say it. No call blocks. A call that raises NotLeader, PipelineFull, TransferInProgress, TransferRefused
or SnapshotRefused has changed nothing; an AssertionError or an error of the LogReader leaves the core unusable and must
stop the node.
"""

from jifen.consensus import elections, following, leading, reading, removal, transfer
from jifen.consensus.certificates import CertificateCache
from jifen.consensus.configuration import Configuration
from jifen.consensus.invariants import check_state
from jifen.consensus.log import Log
from jifen.consensus.membership import Membership
from jifen.consensus.messages import (
    AppendRequest,
    AppendResponse,
    CertificatesRequest,
    CertificatesResponse,
    Entry,
    LeadershipCheck,
    LeadershipConfirmation,
    MalformedMessage,
    Message,
    ReadIndexRequest,
    ReadIndexResponse,
    SnapshotOffer,
    TimeoutNow,
    TransferVoteRequest,
    VoteRequest,
    VoteResponse,
    check_message,
)
from jifen.consensus.output import Output
from jifen.consensus.state import Leadership, State
from jifen.consensus.types import (
    HardState,
    LogReader,
    Position,
    RaftConfig,
    RandomDraws,
    Role,
    SnapshotRefused,
    SuspicionKind,
)

_FromLeader = AppendRequest | SnapshotOffer | TimeoutNow | LeadershipCheck | CertificatesRequest
"""What only a leader sends."""

_ToLeader = AppendResponse | LeadershipConfirmation | ReadIndexRequest | CertificatesResponse
"""What only a leader is sent."""


class Raft:
    """One validator's part in ordering blocks."""

    def __init__(
        self,
        *,
        config: RaftConfig,
        hard_state: HardState,
        base: Position,
        last: Position,
        committed: int,
        configurations: tuple[tuple[int, Configuration], ...],
        reader: LogReader,
        random: RandomDraws,
    ) -> None:
        """Start, or restart, from durable state.

        `hard_state` is the stored one, or `HardState(0, None)` at first. `base` is the highest position whose entry is
        not in the durable log: the genesis block, or where the log was compacted or a snapshot installed. `last` is the
        last entry, or `base` when there is none. `committed` is the highest height whose certificate is stored, with
        those of all heights above `base` up to it. `configurations` are those in force from given heights on,
        ascending: first the one in force at `committed`, then those that entries above it set.
        """
        log = Log(
            base=base,
            last=last,
            committed=committed,
            reader=reader,
            cache_bytes_max=config.cache_bytes_max,
        )
        certificates = CertificateCache(reader=reader, heights_max=config.certificates_cached_max)
        assert hard_state.term >= last.term, (hard_state, last)
        self._random = random
        membership = Membership(config.id, configurations, committed)
        self._state = State(config, hard_state, log, certificates, membership)
        self._state.draw_election_timeout(random)
        self._idle = self._state.outbox.take(Role.FOLLOWER, hard_state.term, None, False, False)
        """The last empty output, kept so that asking for nothing costs nothing."""

    def step(self, message: Message) -> None:
        """Take in one message, whose signatures, certificates and block bodies the host has verified.

        Messages that name another recipient, or fields that contradict one another, and answers of validators that this
        log does not know are ignored and counted in `ignored_messages`. Late and duplicate messages are harmless.
        """
        state = self._state
        if state.leadership is not None and isinstance(message, VoteRequest) and message.recipient == state.config.id:
            removal.meet(state, state.leadership, message.sender)
        if not self._addressed(message):
            state.ignored_messages += 1
            return
        try:
            check_message(message)
        except MalformedMessage:
            state.ignored_messages += 1
            return
        if message.term > state.term:
            if isinstance(message, VoteRequest) and elections.leader_is_alive(state):
                return
            speculative = isinstance(message, VoteRequest | VoteResponse) and message.pre
            refusal = isinstance(message, VoteResponse) and not message.granted
            if not speculative or refusal:
                waiting = state.role is Role.FOLLOWER
                state.become_follower(message.term, None)
                if not waiting:
                    state.draw_election_timeout(self._random)
        elif message.term < state.term:
            self._answer_stale(message)
            return
        self._dispatch(message)

    def tick(self) -> None:
        """Take in that one tick of time has passed."""
        state = self._state
        for request_id in state.reads.tick():
            state.outbox.read_lost(request_id)
        if state.leadership is not None:
            leading.tick(state, state.leadership, self._random)
        else:
            state.tick_shunning()
            elections.tick(state, self._random)

    def propose(self, entry: Entry, configuration: Configuration | None = None) -> None:
        """Append a block that the host has built on `last_hash`, executed and hashed; only as leader of its term.

        Raises NotLeader when this validator does not lead `entry.term`, PipelineFull when too many blocks wait to be
        committed or the next one must be that which leaves the joint configuration, and TransferInProgress while
        leadership is being handed over. The host must see to it that `entry` continues the log, and that the first
        block after `Output.became_leader` waits for nothing. `configuration` is the one that the entry sets, if it
        does; a joint one is left when `Output.leave_joint` says so, and not before.
        """
        leading.propose(self._state, entry, configuration)

    def configured(self, height: int, configuration: Configuration) -> None:
        """Take in that the entry at `height`, one of `Output.entries`, sets `configuration`.

        The host must say so as soon as it has executed the entry, before any other call. It is in force from that
        entry on, although not committed (Raft 6), until the entry is truncated; telling it again changes nothing.
        """
        assert height <= self._state.outbox.taken_height, (height, self._state.outbox.taken_height)
        self._state.membership.add(height, configuration)

    def drop(self, height: int, hash: bytes) -> HardState:
        """Forget the uncommitted entry `height`, one of `Output.entries` that the host cannot reproduce, and all above.

        The host says so while it works the output off: it writes none of these entries, sends none of the output's
        acknowledgements that reach them, and makes the hard state returned here durable in place of the output's.
        Their leader is not heard for a while (`shun_leader`). An entry that `is_certified` must not be dropped: then
        what the host holds is wrong.
        """
        state = self._state
        assert state.role is not Role.LEADER, "a leader's own log is reproduced before it is elected"
        assert not self.is_certified(height, hash), height
        position = state.log.position(height)
        if position is not None and position.hash == hash:
            state.truncate(height)
            state.acknowledged = min(state.acknowledged, height - 1)
        state.shun_leader()
        return HardState(state.term, state.vote, state.acknowledged)

    def shun_leader(self) -> None:
        """Do not hear the leader of this term, whom the host knows to be faulty, for twice the longest timeout.

        A quorum that does so elects another; one validator alone hears the leader again after that. Changes nothing on
        a leader, or where none is known.
        """
        if self._state.role is Role.FOLLOWER:
            self._state.shun_leader()

    def is_certified(self, height: int, hash: bytes) -> bool:
        """Tell whether the block is committed here, or a certificate of it has come before it could be."""
        state = self._state
        if height <= state.log.committed:
            position = state.log.position(height)
            return position is not None and position.hash == hash
        ahead = state.certificates_ahead.get(height)
        return ahead is not None and ahead.hash == hash

    def tell(self, id: str) -> None:
        """Send blocks to a validator that was taken out and may not know, until it shows that it does.

        One that voted asks for votes and so makes itself heard; an observer that was away stays silent. The host names
        those that it has a link with, again and again: a leader may have only just begun to lead. Others do nothing.
        """
        if self._state.leadership is not None:
            removal.meet(self._state, self._state.leadership, id)

    def transfer_leadership(self, to: str | None = None) -> None:
        """Hand leadership over to `to`, or to the active peer with most of the log, in the time it takes to say so.

        Blocks are refused while `transferring`. It ends with a later term, or after one election timeout without: then
        this validator leads on. Asking for another peer meanwhile replaces the first; asking for the same, or for
        nobody in particular, changes nothing. Raises NotLeader, and TransferRefused when `to` is no other validator,
        nobody answers, or the first block of the term is still to come.
        """
        transfer.begin(self._state, to)

    def read_index(self, request_id: int) -> None:
        """Ask for a height that shows everything committed until now; `Output.reads` or `reads_lost` will name the id.

        On any validator. Ids must ascend, and must never be used twice, over restarts too: an answer that comes late
        would be taken for the new one's (etcd-io/raft issue 397). Nothing is written to the log.
        """
        reading.ask(self._state, request_id)

    def compact(self, height: int) -> None:
        """Take in that the host is about to drop the entries up to `height`, at most `compactable`, and their
        certificates; peers that need them will be offered a snapshot (Raft section 7). Lower heights change nothing.

        The host drops them only after this, so that whatever the core believes to be readable is.
        """
        assert height <= self.compactable, (height, self.compactable)
        self._state.log.compact(height)

    @property
    def compactable(self) -> int:
        """Highest height that may be compacted away; 0 or less when none may.

        A new leader may hold blocks without their certificates and needs a quorum's signatures for them anew. So many
        can there be at most, and one for each election that ended without a commit; twice that leaves room.
        """
        return self._state.log.committed - 2 * self._state.config.uncommitted_heights_max

    def check_install(self, position: Position) -> None:
        """Raise SnapshotRefused when `install` would: to be asked before the snapshot is made durable."""
        state = self._state
        if state.leadership is not None:
            raise SnapshotRefused("this validator leads; whatever the snapshot holds is in its log")
        if position.height <= state.log.committed:
            raise SnapshotRefused(
                f"the snapshot is of height {position.height}; {state.log.committed} is committed here already"
            )

    def install(self, position: Position, last: Position, configuration: Configuration) -> None:
        """Go on from a snapshot of the state after `position` (Raft section 7), which is durable in place of the log up
        to there; raises SnapshotRefused.

        The host has kept the entries that follow `position` when its durable log had exactly that entry there, since
        it may have acknowledged them (figure 13, rule 6), and has dropped everything when it had another, or none
        (rule 7). `last` is the last entry of its durable log now, or `position`. The term rises to the position's if
        it was lower. `configuration` is the one in force at `position`. Every output must have been taken and carried
        out before.
        """
        self.check_install(position)
        state = self._state
        log = state.log
        log.install(position, last)
        state.membership.install(position.height, log.last.height, configuration)
        state.outbox.install(log.last.height)
        state.certificates_ahead = {
            height: certificate for height, certificate in state.certificates_ahead.items() if height > position.height
        }
        if position.term > state.term:
            state.become_follower(position.term, None)
        elif state.role is not Role.FOLLOWER:
            state.become_follower(state.term, None)
        state.draw_election_timeout(self._random)
        if state.leader is not None:
            following.acknowledge_committed(state, state.leader)

    def take_output(self) -> Output:
        """Return everything that the host must do since the last call; nearly free when there is nothing."""
        state, idle = self._state, self._idle
        now = (state.role, state.term, state.leader, state.leave_joint, state.retired)
        if state.outbox.dirty:
            return state.outbox.take(*now)
        if now != (idle.role, idle.term, idle.leader, idle.leave_joint, idle.retired):
            self._idle = state.outbox.take(*now)
        return self._idle

    def needs_signature(self, sender: str, height: int, hash: bytes) -> bool:
        """Whether a signature of `sender` over `hash` at `height`, given in the current term, would still be of use.

        Lets the host skip verifying signatures that repeat one already held, belong to a committed height, or name
        another block; it may hand those to `step` unverified or leave them out.
        """
        state = self._state
        if state.leadership is None or not state.log.committed < height <= state.log.last.height:
            return False
        if sender not in state.membership.of_uncommitted(height).signing:
            return False
        position = state.log.position(height)
        return position is not None and position.hash == hash and not state.leadership.collector.holds(height, sender)

    def _addressed(self, message: Message) -> bool:
        """Whether `message` is for this validator and its sender may send it.

        Who has yet to learn of a change of voters knows neither its new leader nor a candidate, and must follow the one
        and vote for the other all the same (thesis 4.2.2). Only answers and questions to a leader come from the known,
        and votes are not asked for, with effect, by strangers who could not win.
        """
        state = self._state
        if message.recipient != state.config.id:
            return False
        if message.sender == state.config.id:
            return isinstance(message, AppendResponse | VoteResponse)
        if isinstance(message, _FromLeader) or state.knows(message.sender):
            return True
        if not isinstance(message, VoteRequest | TransferVoteRequest):
            return False
        return message.term < state.term or state.log.up_to_date(message.last_term, message.last_height)

    def _answer_stale(self, message: Message) -> None:
        """Tell those who ask in an older term of this one (Raft 5.1); late answers need no answer.

        Without this a validator that was elected towards a higher term and failed could never rejoin: pre-votes and
        live leases keep its own requests from being heard.
        """
        if isinstance(message, VoteRequest | TransferVoteRequest):
            elections.on_vote_request(self._state, _plain(message), self._random)
        elif isinstance(message, AppendRequest):
            following.refuse(self._state, message)
        elif isinstance(message, SnapshotOffer):
            following.refuse_offer(self._state, message)
        elif isinstance(message, LeadershipCheck):
            reading.answer_check(self._state, message)

    def _dispatch(self, message: Message) -> None:
        state = self._state
        if isinstance(message, _FromLeader):
            self._from_leader(message)
        elif isinstance(message, VoteRequest | TransferVoteRequest):
            elections.on_vote_request(state, _plain(message), self._random)
        elif isinstance(message, VoteResponse):
            elections.on_vote_response(state, message, self._random)
        elif isinstance(message, ReadIndexResponse):
            reading.on_response(state, message)
        elif state.leadership is not None:
            self._to_leader(state.leadership, message)

    def _from_leader(self, message: _FromLeader) -> None:
        state = self._state
        if message.sender == state.shunned:
            return
        if state.leader not in (None, message.sender):
            kind = SuspicionKind.TWO_LEADERS
            state.report(kind, term=message.term, height=0, sender=message.sender, known=b"", other=b"")
            return
        if isinstance(message, LeadershipCheck):
            reading.answer_check(state, message)
            return
        if isinstance(message, CertificatesRequest):
            following.on_certificates_request(state, message)
            return
        if state.role is not Role.FOLLOWER or state.leader is None:
            state.become_follower(state.term, message.sender)
            state.draw_election_timeout(self._random)
        if isinstance(message, TimeoutNow):
            elections.stand_at_once(state, self._random)
            return
        state.election_elapsed = 0
        if isinstance(message, SnapshotOffer):
            following.on_snapshot_offer(state, message)
        else:
            following.on_append_request(state, message)

    def _to_leader(self, leadership: Leadership, message: _ToLeader) -> None:
        if isinstance(message, AppendResponse):
            leading.on_append_response(self._state, leadership, message)
        elif isinstance(message, LeadershipConfirmation):
            reading.on_confirmation(self._state, leadership, message)
        elif isinstance(message, CertificatesResponse):
            leading.on_certificates(self._state, leadership, message)
        else:
            reading.on_request(self._state, leadership, message)

    @property
    def role(self) -> Role:
        """Current role."""
        return self._state.role

    @property
    def retired(self) -> bool:
        """Whether the alliance does not need this validator any more; as `Output.retired`."""
        return self._state.retired

    @property
    def term(self) -> int:
        """Current term."""
        return self._state.term

    @property
    def vote(self) -> str | None:
        """Who got this validator's vote in the current term."""
        return self._state.vote

    @property
    def leader(self) -> str | None:
        """Leader of the current term as far as known."""
        return self._state.leader

    @property
    def shunned(self) -> str | None:
        """Leader of the current term that is not heard for now."""
        return self._state.shunned

    @property
    def configuration(self) -> Configuration:
        """The configuration in force at the end of the log, committed or not, as far as the host has told."""
        return self._state.configuration

    def configuration_at(self, height: int) -> Configuration | None:
        """Return the configuration whose voters certify `height`; above the log's end, the latest.

        None for heights so far below the committed one that it is forgotten here; the host knows those.
        """
        return self._state.membership.at(height)

    @property
    def last_height(self) -> int:
        """Height of the last entry, durable or not."""
        return self._state.log.last.height

    @property
    def last_hash(self) -> bytes:
        """Hash of the last entry."""
        return self._state.log.last.hash

    @property
    def last_term(self) -> int:
        """Term of the last entry."""
        return self._state.log.last.term

    @property
    def committed(self) -> int:
        """Highest committed height."""
        return self._state.log.committed

    @property
    def base(self) -> Position:
        """Position at which the log begins: the entries above it are held."""
        return self._state.log.base

    @property
    def proposals_in_flight(self) -> int:
        """Heights of this leader's log that are not committed yet; 0 when not leader."""
        return self.last_height - self.committed if self._state.leadership is not None else 0

    @property
    def has_room(self) -> bool:
        """Whether this validator leads and another block may be added to those that are not committed: while not, the
        host lets transactions wait, and in the end clients, instead of calling `propose`."""
        leadership = self._state.leadership
        return leadership is not None and leading.has_room(self._state, leadership)

    @property
    def transferring(self) -> str | None:
        """Peer to whom this leader is handing leadership over; None when it is not, or does not lead."""
        leadership = self._state.leadership
        return None if leadership is None else leadership.transfer_to

    @property
    def ignored_messages(self) -> int:
        """Messages ignored as misaddressed or self-contradictory since the start."""
        return self._state.ignored_messages

    def check_invariants(self) -> None:
        """Check this validator's bookkeeping; raise InvariantBroken when it is wrong. Costs little."""
        check_state(self._state)

    def entry(self, height: int) -> Entry | None:
        """Return the log's entry at `height`, or None when there is none that can be read."""
        return self._state.log.entry(height)

    def position(self, height: int) -> Position | None:
        """Return the position of the log's entry at `height`, or None when there is none that can be read."""
        return self._state.log.position(height)


def _plain(request: VoteRequest | TransferVoteRequest) -> VoteRequest:
    """Return what a voter has to judge: past the question of a living leader both kinds are one."""
    if isinstance(request, VoteRequest):
        return request
    return VoteRequest(
        term=request.term,
        sender=request.sender,
        recipient=request.recipient,
        last_height=request.last_height,
        last_term=request.last_term,
        pre=False,
    )
