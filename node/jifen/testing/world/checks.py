"""Everything that must hold in a world, checked after every step against all that the world has ever seen.

Unlike the validators, this memory survives crashes. Names in the messages follow Raft figure 3 where it has one; each
failure raises InvariantBroken.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, final

from jifen.chain.validators import Validators
from jifen.consensus import invariants
from jifen.consensus.invariants import InvariantBroken
from jifen.consensus.messages import AppendRequest, AppendResponse, Certificate, Message, SnapshotOffer, VoteResponse
from jifen.consensus.output import Output
from jifen.consensus.types import HardState, Position, Role
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.world.auditor import Auditor
from jifen.testing.world.signatures import Signatures

if TYPE_CHECKING:
    from jifen.testing.world.disk import SimulatedDisk, WorldSnapshot
    from jifen.testing.world.validator import SimulatedValidator


class _Memory:
    """What is remembered of one validator over all its lives."""

    def __init__(self) -> None:
        self.hard_state = HardState(0, None)
        """Latest that was durable."""
        self.log: list[bytes] = []
        """Hashes of the blocks that were durable last, from height 1 on, those below a snapshot included; a lost disk
        does not shorten it."""
        self.committed = 0
        self.lead = (0, 0, 0)
        """Term, last height and committed height when it was last seen leading."""
        self.proved: tuple[int, dict[int, bytes]] = (0, {})
        """Term, and what that term's leader proved to be its log, by height. Begins anew with every life and term."""
        self.reads: dict[int, int] = {}
        """Height committed anywhere when a read was asked, by its id; those of this life only."""
        self.quiet_ticks = 0
        """Ticks since it last had a reason to wait: it started, heard its leader, or gave its vote."""
        self.strangers = 0
        """Messages of this life from validators that its log names no more: those may be ignored."""


@final
class Checks:
    """Watches all validators of one world."""

    def __init__(self, ids: Sequence[str], signatures: Signatures, auditor: Auditor) -> None:
        self.steps = 0
        """Calls into cores."""
        self.reads_confirmed = 0
        self.leaders: dict[int, str] = {}
        """Who was seen to lead, by term."""
        self.auditor = auditor
        self._signatures = signatures
        self._memory = {id: _Memory() for id in ids}
        self._entries: dict[tuple[int, int], bytes] = {}
        """Hash of every entry ever seen, by term and height: with linked hashes, this is log matching."""
        self._signed: dict[tuple[str, int, int], bytes] = {}
        """Hash that a validator signed, by validator, term and height."""
        self._committed_in: dict[int, int] = {}
        """Term of the certificate that first committed a height."""
        self._votes: dict[tuple[str, int], str] = {}
        """Candidate that a validator told of its vote, by validator and term."""
        self._acknowledged: dict[tuple[str, int], int] = {}
        """Highest height that a validator acknowledged, by validator and term."""
        self.liars: set[str] = set()
        """Who lies. Where somebody does, logs may differ within a term, a deceived validator may lead, and honest ones
        suspect; that nothing is committed twice is then checked all the same, and holds where a test says so."""

    @property
    def blocks(self) -> dict[int, bytes]:
        """Hash of every block ever committed anywhere."""
        return self.auditor.blocks

    # One validator's life.

    def asked_read(self, node: "SimulatedValidator", request_id: int) -> None:
        """Remember what a read that is asked now must show."""
        self._memory[node.id].reads[request_id] = self.auditor.height

    def started(self, node: "SimulatedValidator") -> None:
        """A validator starts from exactly what it had made durable: nothing forgotten, nothing made up."""
        memory, disk = self._memory[node.id], node.disk
        invariants.check_hard_state_step(memory.hard_state, disk.hard_state)
        log = [entry.hash for entry in disk.log]
        own = memory.log[disk.base.height :]
        _require(log == own, f"{node.id} starts from another log than its own", disk.last_height, len(memory.log))
        _require(node.raft.last_height == len(memory.log), f"{node.id} starts without the end of its log", len(log))
        self._check_follows(disk)
        _require(disk.tip.height >= memory.committed, f"{node.id} forgets what it had committed", memory.committed)
        memory.proved = (0, {})
        memory.quiet_ticks = 0
        memory.reads.clear()
        memory.strangers = 0

    def before_step(self, node: "SimulatedValidator", message: Message) -> None:
        """Remember what a request proves of its leader's log."""
        if message.sender not in node.raft.configuration.members:
            self._memory[node.id].strangers += 1
        memory = self._memory[node.id]
        if message.term == node.raft.term and message.sender == node.raft.shunned:
            return
        if isinstance(message, SnapshotOffer) and message.term >= node.raft.term:
            memory.quiet_ticks = 0
        if not isinstance(message, AppendRequest):
            return
        if message.term >= node.raft.term:
            memory.quiet_ticks = 0
        if memory.proved[0] < message.term:
            memory.proved = (message.term, {})
        if memory.proved[0] == message.term:
            proved = memory.proved[1]
            proved[message.prev_height] = message.prev_hash
            proved.update((entry.height, entry.hash) for entry in message.entries)

    def after_call(self, node: "SimulatedValidator") -> None:
        """Check the core that was just called."""
        self.steps += 1
        raft, memory = node.raft, self._memory[node.id]
        raft.check_invariants()
        self._check_order(node)
        ignored = raft.ignored_messages > memory.strangers and not self.liars
        _require(not ignored, f"{node.id} ignored a correct peer's message")
        if raft.leader is not None:
            invariants.check_election_safety(self.leaders, raft.term, raft.leader)
        if raft.role is Role.LEADER:
            term, last, committed = memory.lead
            if raft.term not in self.leaders:
                self.leaders[raft.term] = node.id
                self._check_elected(node)
                self._check_complete(node)
            if term == raft.term:
                _require(raft.last_height >= last, f"leader {node.id} shortened its own log", last, raft.last_height)
                if committed < raft.committed:
                    found = raft.position(raft.committed)
                    given = raft._state.certificates.certificate(raft.committed)  # noqa: SLF001 -- who counted
                    _require(
                        found is None or found.term == term or (given is not None and given.term < term),
                        "a leader committed an older term's entry by counting",
                        node.id,
                        raft.committed,
                    )
            memory.lead = (raft.term, raft.last_height, raft.committed)
            self._check_matches(node)
        self.auditor.note_term(raft.term)

    def after_tick(self, node: "SimulatedValidator", before: Role, waiting: list[Message]) -> None:
        """Nobody campaigns before the shortest timeout has passed, or while the leader's messages wait to be heard."""
        memory = self._memory[node.id]
        memory.quiet_ticks += 1
        if before is Role.FOLLOWER and node.raft.role in {Role.PRE_CANDIDATE, Role.CANDIDATE}:
            heard = any(
                isinstance(item, AppendRequest) and item.term >= memory.proved[0] and item.sender != node.raft.shunned
                for item in waiting
            )
            _require(not heard, f"{node.id} campaigns while its leader's message waits to be heard")
            _require(
                # One less: a vote is seen here at the end of its round, perhaps after a tick.
                memory.quiet_ticks >= node.config.election_ticks_min - 1,
                f"{node.id} campaigns too early, after a tick",
                memory.quiet_ticks,
            )
        self.after_call(node)

    def _check_elected(self, node: "SimulatedValidator") -> None:
        """A quorum has voted for a leader in its very term (Raft 5.2)."""
        term, configuration = node.raft.term, node.raft.configuration
        voters = {id for id in configuration.signing if self._votes.get((id, term)) == node.id} | {node.id}
        _require(configuration.has_quorum(voters), "a leader without the votes of a quorum", node.id, term, voters)

    def _check_matches(self, node: "SimulatedValidator") -> None:
        """A leader believes of no peer what that has not acknowledged in the leader's very term."""
        leadership = node.raft._state.leadership  # noqa: SLF001 -- what it believes is not for hosts
        assert leadership is not None
        for id, progress in leadership.peers.items():
            known = self._acknowledged.get((id, node.raft.term), 0)
            _require(progress.match <= known, "a leader counts what was not acknowledged in its term", node.id, id)

    def _check_complete(self, node: "SimulatedValidator") -> None:
        """Leader completeness: its log holds the highest committed block, and by its parents' hashes all below.

        Highest of those committed in earlier terms: one that was paused may win a term that is over, and knows nothing
        of what later ones committed.
        """
        terms = self._committed_in
        height = max((height for height, term in terms.items() if term < node.raft.term), default=0)
        executor = node.executor
        # What the log begins after was committed, and has all below among its ancestors.
        height = max(height, node.disk.base.height)
        base = node.disk.tip.height
        held = executor.hash_at(height) if base <= height <= executor.tip.height else node.disk.hash_at(height)
        _require(held == self.blocks[height] or bool(self.liars), "a leader lacks a committed block", node.id, height)

    # What goes out.

    def output(self, node: "SimulatedValidator", output: Output) -> None:
        """Check an output as it is taken."""
        _require(not output.suspicions or bool(self.liars), "a correct validator is suspected", output.suspicions)
        reads = self._memory[node.id].reads
        for request_id, height in output.reads:
            committed = reads.pop(request_id, None)
            _require(committed is not None, "a read is confirmed that nobody waits for", node.id, request_id)
            assert committed is not None
            _require(height >= committed, "a stale read", node.id, height, committed)
            self.reads_confirmed += 1
        for request_id in output.reads_lost:
            reads.pop(request_id)
        for entry in output.entries:
            key = (entry.term, entry.height)
            first = self._entries.setdefault(key, entry.hash)
            _require(first == entry.hash or bool(self.liars), "log matching is broken", key)
        for item in (*output.messages, *output.messages_after_persist):
            if isinstance(item, VoteResponse) and item.granted and not item.pre:
                self._memory[node.id].quiet_ticks = 0
            elif isinstance(item, AppendResponse) and item.success and item.recipient != node.id:
                self._check_proved(node, item)

    def _check_proved(self, node: "SimulatedValidator", message: AppendResponse) -> None:
        """A follower acknowledges no more of its log than a request has shown to be the leader's (Raft 5.3).

        Seen as the core says it, not as it goes out: of what never becomes durable nothing would be heard.
        """
        term, proved = self._memory[node.id].proved
        _require(
            term > message.term
            or proved.get(message.height) == message.hash
            # What is committed equals every later leader's log: whoever comes by a snapshot says so unasked.
            or bool(self.liars)
            or (not message.signatures and self.blocks.get(message.height) == message.hash),
            "acknowledged more than the request proved",
            node.id,
            message.height,
        )

    def promised(self, node: "SimulatedValidator", message: Message) -> None:
        """Nothing is promised that the disk does not hold. Called when a message may go out, not when it goes."""
        durable = node.disk.hard_state
        if isinstance(message, VoteResponse) and message.granted and not message.pre:
            vote = (durable.term, durable.vote)
            _require(vote == (message.term, message.recipient), "a vote was sent before it was durable")
            key = (node.id, message.term)
            told = self._votes.setdefault(key, message.recipient)
            _require(told == message.recipient, "two votes in one term", key)
        elif isinstance(message, AppendResponse) and message.success:
            self._check_acknowledgement(node, message)

    def _check_acknowledgement(self, node: "SimulatedValidator", message: AppendResponse) -> None:
        held = node.disk.hash_at(message.height)
        _require(held == message.hash, "acknowledged before it was durable", node.id, message.height)
        state = node.disk.hard_state
        remembered = (state.term, state.acknowledged) >= (message.term, message.height)
        _require(
            remembered or not message.signatures, "acknowledged without remembering it durably", node.id, message.height
        )
        place = (node.id, message.term)
        self._acknowledged[place] = max(message.height, self._acknowledged.get(place, 0))
        for item in message.signatures:
            key = (node.id, message.term, item.height)
            _require(self._signed.setdefault(key, item.hash) == item.hash, "signed two blocks", key)
            _require(node.disk.hash_at(item.height) == item.hash, "signed what is not durable", key)

    # The disk.

    def before_write(self, node: "SimulatedValidator", batch: StoreBatch) -> None:
        """Nothing committed is dropped, nothing acknowledged is replaced within its term."""
        if batch.hard_state is not None:
            invariants.check_hard_state_step(self._memory[node.id].hard_state, batch.hard_state)
        first = batch.truncate_from
        if first is None:
            return
        for entry in node.disk.log[max(first - node.disk.base.height - 1, 0) :]:
            _require(self.blocks.get(entry.height) != entry.hash, "a committed block is dropped", node.id, entry.height)
        # What replaces an entry begins a conflict, so it is another one, of another term.
        replaced = {height: payload for height, payload in batch.blocks if height <= node.disk.last_height}
        for height, payload in replaced.items():
            if height == first:
                held = node.disk.log[height - node.disk.base.height - 1].payload
                _require(payload != held, "truncated without a conflict", node.id, first)

    def after_write(self, node: "SimulatedValidator") -> None:
        """Remember what is durable."""
        memory, disk = self._memory[node.id], node.disk
        memory.hard_state = disk.hard_state
        base = disk.base.height
        keep = min(len(memory.log), disk.last_height)
        while keep > base and memory.log[keep - 1] != disk.log[keep - base - 1].hash:
            keep -= 1
        memory.log[keep:] = [entry.hash for entry in disk.log[keep - base :]]
        memory.committed = disk.tip.height

    # Snapshots.

    def before_install(self, node: "SimulatedValidator", snapshot: "WorldSnapshot") -> None:
        """A snapshot is of a committed block, and brings nobody back to where it was."""
        committed, tip = self._memory[node.id].committed, snapshot.tip
        _require(tip.height > committed, "an install goes backwards", node.id, tip.height, committed)
        _require(self.blocks.get(tip.height) == tip.hash, "a snapshot of a block never committed", tip.height)

    def after_install(self, node: "SimulatedValidator") -> None:
        """An install is there wholly, and what stays of the log follows it; what was acknowledged stays."""
        memory, disk = self._memory[node.id], node.disk
        height = disk.tip.height
        self._check_follows(disk)
        _require(disk.base.height == height, "an install leaves a log that begins elsewhere", node.id, disk.base.height)
        invariants.check_hard_state_step(memory.hard_state, disk.hard_state)
        followed = memory.log[height - 1 : height] == [disk.tip.hash]
        kept = memory.log[height:] if followed else []
        _require([entry.hash for entry in disk.log] == kept, "an install drops what follows it", node.id, height)
        memory.log = [self.blocks[below] for below in range(1, height + 1)] + kept
        memory.committed, memory.hard_state = height, disk.hard_state

    def _check_order(self, node: "SimulatedValidator") -> None:
        """Purged <= snapshot <= applied <= committed <= last."""
        raft, disk = node.raft, node.disk
        snapshot = disk.base.height if disk.snapshot is None else disk.snapshot.tip.height
        heights = (disk.base.height, snapshot, disk.tip.height, raft.committed, raft.last_height)
        _require(list(heights) == sorted(heights), "purged, snapshot, applied, committed, last", node.id, *heights)
        _require(disk.base.height <= raft.base.height <= disk.tip.height, "the core's log begins elsewhere", node.id)

    def _check_follows(self, disk: "SimulatedDisk") -> None:
        """The log follows what it begins after, without a gap."""
        base = disk.base
        _require(self.blocks.get(base.height) == base.hash, "a log begins after no committed block", base.height)
        height, hash = base.height, base.hash
        for entry in disk.log:
            _require((entry.height, entry.parent_hash) == (height + 1, hash), "a gap in the log", entry.height, height)
            height, hash = entry.height, entry.hash
        _require(disk.tip.height <= height, "a gap between state and log", disk.tip.height, height)

    def committed(self, node: "SimulatedValidator", block: CommittedBlock) -> None:
        """Check a block that a validator takes as committed."""
        tip, certificate = block.executed.tip, block.certificate
        _require(certificate.hash == tip.hash, "committed another block than the certificate's", node.id, tip.height)
        invariants.check_committed_unchanged(self.blocks, tip.height, tip.hash)
        if tip.height not in self.blocks:
            self._check_certificate(certificate, block.executed.validators)
            logs = {id: memory.log for id, memory in self._memory.items()}
            configuration = block.executed.validators.configuration
            invariants.check_durable_on_quorum(configuration, logs, tip.height, tip.hash)
            self._committed_in[tip.height] = certificate.term
            self.auditor.take_block(block.executed)

    def check_logs(self, disks: list["SimulatedDisk"]) -> None:
        """Log matching, entry by entry, between all disks, those of stopped validators included."""
        if self.liars:
            return
        logs = [
            (disk.base.height, [Position(entry.height, entry.term, entry.hash) for entry in disk.log]) for disk in disks
        ]
        for disk in disks:
            self._check_follows(disk)
        for place, (base, one) in enumerate(logs):
            for other_base, other in logs[place + 1 :]:
                above = max(base, other_base)
                invariants.check_log_matching(one[above - base :], other[above - other_base :])

    def _check_certificate(self, certificate: Certificate, validators: Validators) -> None:
        invariants.check_certificate(validators.configuration, certificate)
        claims = validators.claims_of(certificate)
        _require(not self._signatures.false_claims(claims), "a certificate with a false signature", certificate.height)
        for signer in validators.signers_of(certificate):
            key = (signer, certificate.term, certificate.height)
            _require(self._signed.get(key) == certificate.hash, "a certificate with a signature never given", key)


def _require(condition: bool, *facts: object) -> None:
    if not condition:
        raise InvariantBroken(*facts)
