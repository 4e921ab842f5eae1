"""One validator of the world: a real core and executor, and the duties of their host as the actors carry them out.

The order of things is that of `jifen.actors.consensus` and `jifen.actors.storage`: events in rounds with ticks last,
outputs worked off one after the other, jobs for the disk in order, several in one transaction, and nothing that depends
on a job let out before its sync. A crash forgets all but the disk.
"""

from typing import Protocol, final

import msgspec

from jifen.actors.consensus import (
    BLOCKS_IN_FLIGHT_MAX,
    Delivery,
    PreparedBlock,
    curtailed,
    damaged_here,
    named,
)
from jifen.actors.recovery import execute_log, position_of, recover
from jifen.actors.storage import JOBS_WAITING_MAX, Acknowledgement, JobDone, StorageJob
from jifen.chain.executor import BlockInvalid, ExecutedBlock
from jifen.chain.statements import acknowledgement, proposal
from jifen.codec.canonical import encode
from jifen.codec.messages import ForwardTransactions, PeerMessage, ShowStatements, encode_peer_message
from jifen.consensus.messages import AckSignature, AppendResponse, Entry, Message, SnapshotOffer
from jifen.consensus.output import Output
from jifen.consensus.raft import Raft
from jifen.consensus.types import NotLeader, RaftConfig, RandomDraws, Role, SnapshotRefused, TransferRefused
from jifen.keys.signing import KeyPair
from jifen.ledger.evidence.statements import Statement
from jifen.ledger.governance.validators import Validator, ValidatorStatus
from jifen.ledger.records import read
from jifen.ledger.state import point_type_key, validator_key
from jifen.ledger.terms.records import PointType
from jifen.ledger.transactions import Transaction
from jifen.store.errors import StoreDamaged, StoreFailed
from jifen.store.records import CommittedBlock, Outcome, StoreBatch
from jifen.testing.naive.scene import CHAIN_ID
from jifen.testing.world.checks import Checks
from jifen.testing.world.disk import DiskWiped, SimulatedDisk, WorldSnapshot
from jifen.testing.world.evidence import SimulatedKeeper
from jifen.testing.world.gateway import SimulatedGateway
from jifen.testing.world.mempool import BATCH_MAX, SimulatedMempool
from jifen.testing.world.signatures import Signatures


class Tick:
    """A tick of the clock that waits for its turn."""


Event = Delivery | JobDone | Tick

TICK = Tick()


class Surroundings(Protocol):
    """What a validator needs of the world."""

    checks: Checks
    signatures: Signatures
    genesis: ExecutedBlock

    def clock(self, id: str) -> int:
        """Return the time by a validator's own clock, ms since the epoch."""
        ...

    def is_spoken(self, message: PeerMessage, *ids: str) -> bool:
        """Tell whether the releases that these validators run know this kind of message."""
        ...

    def send(self, sender: str, recipient: str, frame: bytes) -> None:
        """Put a frame on a link."""
        ...

    def start_sync(self, id: str) -> None:
        """Begin to write what waits; `SimulatedValidator.synced` is called when that is done."""
        ...

    def wake(self, id: str) -> None:
        """See to it that the validator gets a turn."""
        ...

    def answer(self, id: str, client: int, transaction: bytes, outcome: Outcome) -> None:
        """Tell a client what became of its transaction."""
        ...

    def note(self, text: str) -> None:
        """Write down what happened."""
        ...

    def retire(self, node: "SimulatedValidator") -> None:
        """Learn that a validator stops because it is out."""
        ...

    def outsiders(self, id: str) -> list[str]:
        """Return who was taken out and has a link from a validator."""
        ...

    @property
    def compact_every(self) -> int:
        """Blocks after which a validator compacts its log; 0 for never."""
        ...

    def fetch(self, id: str, offer: SnapshotOffer) -> None:
        """Have a snapshot fetched; `SimulatedValidator.take_snapshot` is called with it, perhaps."""
        ...

    def refused(self, id: str, entry: Entry, error: BlockInvalid) -> None:
        """Learn that a validator cannot reproduce an uncommitted block."""
        ...


@final
class SimulatedValidator:
    """A validator, running or not.

    Invariant: between rounds the executor's tip is the core's last entry.
    """

    def __init__(self, config: RaftConfig, key: KeyPair, draws: RandomDraws, world: Surroundings) -> None:
        self.id = config.id
        self.config = config
        self.key = key
        self._draws = draws
        self._world = world
        self.disk = SimulatedDisk(world.genesis, world.signatures.false_claims)
        self.running = False
        self.paused = False
        self.lost = ""
        """Why it can never start again, or empty."""
        self.rotten = False
        """Whether its ledger state was damaged, which it does not know."""
        self.incarnation = 0
        """Counts starts, so that what was meant for an earlier one is recognised."""
        self.inbox: list[Event] = []
        self.jobs: list[StorageJob] = []
        """Jobs for the disk. Invariant: the first `syncing` of them are being written."""
        self.syncing = 0
        self._compact_to = 0
        """Height up to which the next transaction drops the log."""
        self._snapshot: WorldSnapshot | None = None
        """One that is fetched, and installed as soon as no job is left."""
        self.installing: WorldSnapshot | None = None
        """One that is being written. Nothing else is done meanwhile."""
        self._reads_held: list[int] = []
        self._prepared: dict[bytes, PreparedBlock] = {}
        self.start()

    # Starting and stopping.

    def start(self) -> None:
        """Start from the disk, unless that must not be."""
        world = self._world
        try:
            self.disk.open()
            self.executor = recover(self.disk, CHAIN_ID, world.signatures.false_claims)
        except (DiskWiped, StoreDamaged) as error:
            self.lost = str(error)
            world.note(f"{self.id} refuses to start: {error}")
            return
        if self._has_retired():
            world.note(f"{self.id} does not start: it is out")
            return
        self.incarnation += 1
        self.raft = Raft(
            config=self.config,
            hard_state=self.disk.hard_state,
            base=self.disk.base,
            last=position_of(self.executor),
            committed=self.disk.tip.height,
            configurations=self.executor.configurations(),
            reader=self.disk,
            random=self._draws,
        )
        self.mempool = SimulatedMempool()
        self._known_leader: tuple[str | None, int] = (None, 0)
        self.running, self.paused = True, False
        self.gateway = SimulatedGateway(
            world.signatures,
            self.raft,
            self.executor,
            clock=lambda: world.clock(self.id),
            knows=lambda message: world.is_spoken(message, self.id),
        )
        self.gateway.evidence = self.evidence = SimulatedKeeper(self)
        world.checks.started(self)

    def _has_retired(self) -> bool:
        record = read(self.disk, validator_key(self.id), Validator)
        return record is not None and record.status is ValidatorStatus.RETIRED

    def stop(self) -> None:
        """End the process; the disk stays as it is."""
        self.running = self.paused = False
        self.inbox.clear()
        self.jobs.clear()
        self.syncing = self._compact_to = 0
        self._snapshot = self.installing = None
        self._reads_held.clear()

    def rot_state(self) -> None:
        """Let a bit flip in the state: the rate at which the first validator's points are earned."""
        self.rotten = True
        key = point_type_key(f"{self.executor.validators.ids[0]}/consumer")
        sound = self.disk.state.get(key)
        assert isinstance(sound, PointType)
        damaged = msgspec.structs.replace(sound, earn_points=sound.earn_points ^ 2)
        self.disk.state.write([(key, encode(damaged))])
        if self.running:
            # The copy in memory is of the same record; which of the two decayed first makes no difference.
            self.executor.state._records.pop(key, None)  # noqa: SLF001

    # What comes in.

    def take_frame(self, frame: bytes) -> None:
        """Handle a frame from a peer."""
        opened = self.gateway.open(frame)
        if isinstance(opened, Delivery):
            self.inbox.append(opened)
        elif opened is not None:
            for transaction in opened:
                self._take_transaction(transaction, None)
        self._world.wake(self.id)

    def take_own(self, signed: bytes) -> None:
        """Take a transaction that this validator made itself."""
        transaction = self.gateway.open_transaction(signed)
        self._take_transaction(transaction, None)
        self._forward([transaction])

    def show(self, statements: tuple[Statement, ...]) -> None:
        """Show every other validator what somebody has signed."""
        for peer in self.raft.configuration.members:
            if peer != self.id:
                self._send(ShowStatements(self.id, peer, statements))

    def note(self, text: str) -> None:
        """Write down what this validator did."""
        self._world.note(f"{self.id} {text}")

    @property
    def signatures(self) -> Signatures:
        """What makes and checks signatures here."""
        return self._world.signatures

    def submit(self, signed: bytes, client: int) -> None:
        """Take a client's transaction: answer when a block holds it, now if one does."""
        transaction = self.gateway.open_transaction(signed)
        self._take_transaction(transaction, client)
        self._world.wake(self.id)

    def tick(self) -> None:
        """Take a tick; one that waits is enough."""
        if TICK not in self.inbox:
            self.inbox.append(TICK)
        self._world.wake(self.id)

    def read(self, request_id: int) -> None:
        """Ask for a height that shows everything committed until it was asked for."""
        if self.installing is not None:
            self._reads_held.append(request_id)
            return
        self.raft.read_index(request_id)
        self._world.checks.after_call(self)
        self._world.wake(self.id)

    def transfer(self, to: str | None) -> None:
        """Hand leadership over, if there is any."""
        try:
            self.raft.transfer_leadership(to)
        except (NotLeader, TransferRefused) as refusal:
            self._world.note(f"{self.id} does not hand over: {refusal}")
        self._world.wake(self.id)

    def synced(self) -> None:
        """The transaction under way is durable."""
        if self.installing is not None:
            self._installed(self.installing)
            return
        jobs, self.jobs = self.jobs[: self.syncing], self.jobs[self.syncing :]
        self.syncing = 0
        for job in jobs:
            self._write(job)
            messages = self._signed(job)
            # Checked here: a later job of the same transaction may already replace what this one made durable.
            for message in messages:
                self._world.checks.promised(self, message)
            self.inbox.append(JobDone(messages, job.batch.commits if job.batch else ()))
        self._drop_old()
        self._sync_more()
        self._world.wake(self.id)

    def write_unseen(self) -> None:
        """The transaction under way reached the disk, but the process ended before it knew."""
        if self.installing is not None:
            self._world.checks.before_install(self, self.installing)
            self.disk.install(self.installing)
            self._world.checks.after_install(self)
            return
        for job in self.jobs[: self.syncing]:
            self._write(job)
        if not self.rotten:
            self._drop_old()

    def _drop_old(self) -> None:
        if self._compact_to:
            self._check_sound()
            self.disk.compact(self._compact_to)
            self._compact_to = 0
            self._world.checks.after_write(self)

    def _write(self, job: StorageJob) -> None:
        if job.batch is not None:
            self._world.checks.before_write(self, job.batch)
            self.disk.write([job.batch])
            self._world.checks.after_write(self)

    # A round.

    def turn(self) -> None:
        """Work through everything that waits, unless the disk is too far behind."""
        if not self.running or self.paused or self.installing or len(self.jobs) >= JOBS_WAITING_MAX:
            return
        events, self.inbox = self.inbox, []
        events = in_order(events)
        for place, event in enumerate(events, 1):
            self._take_in(event, events[place:])
        self._work_off()
        self._begin_install()

    def _take_in(self, event: Event, waiting: list[Event]) -> None:
        if isinstance(event, Delivery):
            self._prepared.update((block.hash, block) for block in event.blocks)
            self._step(event.message)
        elif isinstance(event, JobDone):
            for block in event.commits:
                self._tell_committed(block)
            for message in event.messages:
                self._dispatch(message)
            self._compact()
        else:
            before = self.raft.role
            self.raft.tick()
            self._world.checks.after_tick(
                self, before, [item.message for item in waiting if isinstance(item, Delivery)]
            )
            for id in self._world.outsiders(self.id):
                self.raft.tell(id)
            if self.mempool.aged():
                self._forward(list(self.mempool.pending.values()))

    def _step(self, message: Message) -> None:
        self._world.checks.before_step(self, message)
        self.raft.step(message)
        self._world.checks.after_call(self)

    def _work_off(self) -> None:
        while True:
            output = self.raft.take_output()
            self._carry_out(output)
            if output.became_leader:
                self._world.note(f"{self.id} leads term {output.term} from height {self.raft.last_height}")
                self._propose([])
            elif output.leave_joint:
                self._propose([], leave_joint=True)
            elif not self._propose_waiting():
                break
        self._prepared.clear()
        self._sync_more()
        if self.raft.retired and self.executor.state.flushed == self.executor.state.committed:
            self._world.retire(self)

    def _carry_out(self, output: Output) -> None:
        checks = self._world.checks
        checks.output(self, output)
        for suspicion in output.suspicions:
            self.evidence.suspect(suspicion)
        if (output.leader, output.term) != self._known_leader:
            self._known_leader = (output.leader, output.term)
            self.mempool.start_over()
            self._forward(list(self.mempool.pending.values()))
        if output.snapshot_offered is not None:
            self._world.fetch(self.id, output.snapshot_offered)
        for message in output.messages:
            checks.promised(self, message)
            self._dispatch(message)
        if output.truncate_from is not None:
            self.executor.roll_back_to(output.truncate_from - 1)
        output = self._execute_all(output)
        messages = tuple(self._with_blocks(message) for message in output.messages_after_persist)
        commits = tuple(CommittedBlock(self.executor.commit(), certificate) for certificate in output.commits)
        for block in commits:
            checks.committed(self, block)
        blocks = tuple((entry.height, entry.payload) for entry in output.entries)
        batch = None
        if output.hard_state is not None or output.truncate_from is not None or blocks or commits:
            batch = StoreBatch(output.hard_state, output.truncate_from, blocks, commits)
        if batch is not None or messages:
            self.jobs.append(StorageJob(batch, messages))

    def _execute_all(self, output: Output) -> Output:
        for count, entry in enumerate(output.entries):
            try:
                self._execute(entry)
            except BlockInvalid as error:
                if self.raft.is_certified(entry.height, entry.hash):
                    raise damaged_here(error) from error
                self._world.refused(self.id, entry, error)
                return curtailed(output, count, self.raft.drop(entry.height, entry.hash))
        return output

    def _execute(self, entry: Entry) -> None:
        if entry.height <= self.executor.tip.height:
            assert self.executor.hash_at(entry.height) == entry.hash, "the log and the executor went apart"
            return
        prepared = self._prepared[entry.hash]
        executed = self.executor.execute(prepared.block, prepared.transactions)
        if executed.new_configuration is not None:
            self.raft.configured(entry.height, executed.new_configuration)

    # Snapshots.

    def _compact(self) -> None:
        every = self._world.compact_every
        height = min(self.disk.tip.height, self.raft.compactable)
        if not every or height < self.raft.base.height + every:
            return
        self._check_sound()
        # The core first: it must never believe to be readable what is gone.
        self.raft.compact(height)
        self._compact_to = height
        self.jobs.append(StorageJob(None, ()))

    def _check_sound(self) -> None:
        """Raise StoreDamaged as checkpoints make a real validator do before it drops blocks or gives its state away."""
        if self.rotten:
            raise StoreDamaged("a quorum attests another state than the one that is stored here")

    def take_snapshot(self, snapshot: WorldSnapshot) -> None:
        """Take over a snapshot that was fetched."""
        self._snapshot = snapshot
        self._world.wake(self.id)

    def _begin_install(self) -> None:
        snapshot = self._snapshot
        if snapshot is None or self.jobs or not self.running:
            return
        self._snapshot = None
        try:
            self.raft.check_install(snapshot.position)
        except SnapshotRefused as refusal:
            self._world.note(f"{self.id} does not install: {refusal}")
            return
        self.installing = snapshot
        self._world.start_sync(self.id)

    def _installed(self, snapshot: WorldSnapshot) -> None:
        self._world.checks.before_install(self, snapshot)
        self.disk.install(snapshot)
        self._world.checks.after_install(self)
        self.executor.start_from(self.disk.tip)
        execute_log(self.executor, self.disk, self._world.signatures.false_claims)
        (_, configuration), *later = self.executor.configurations()
        self.raft.install(snapshot.position, position_of(self.executor), configuration)
        for height, changed in later:
            self.raft.configured(height, changed)
        self.installing = None
        self._world.note(f"{self.id} goes on from a snapshot of height {snapshot.tip.height}")
        self._world.checks.after_call(self)
        if self._has_retired():
            self._world.retire(self)
            return
        self._work_off()
        reads, self._reads_held = self._reads_held, []
        for request_id in reads:
            self.read(request_id)
        self._world.wake(self.id)

    # The disk.

    def _sync_more(self) -> None:
        if self.jobs and not self.syncing:
            self.syncing = len(self.jobs)
            if not self.disk.fits(job.batch for job in self.jobs if job.batch is not None):
                raise StoreFailed("the disk is full")
            self._world.start_sync(self.id)

    def _with_blocks(self, message: Message) -> Message | Acknowledgement:
        if not isinstance(message, AppendResponse) or not message.success:
            return message
        heights = range(max(message.leader_commit, self.raft.base.height) + 1, message.height + 1)
        return Acknowledgement(message, tuple(named(self.raft, self.executor, height) for height in heights))

    def _signed(self, job: StorageJob) -> tuple[Message, ...]:
        messages: list[Message] = []
        for item in job.messages:
            if isinstance(item, Acknowledgement):
                messages.append(msgspec.structs.replace(item.response, signatures=self._signatures(item)))
            else:
                messages.append(item)
        return tuple(messages)

    def _signatures(self, item: Acknowledgement) -> tuple[AckSignature, ...]:
        signatures, term = self._world.signatures, item.response.term
        return tuple(
            AckSignature(
                height, name, signatures.sign(self.key, acknowledgement(CHAIN_ID, set_hash, term, height, name))
            )
            for height, name, set_hash in item.blocks
        )

    # Messages and transactions.

    def _dispatch(self, message: Message) -> None:
        if message.recipient == self.id:
            self._step(message)
        else:
            self._send(message)

    def _send(self, message: PeerMessage) -> None:
        if self._world.is_spoken(message, self.id, message.recipient):
            self._world.send(self.id, message.recipient, encode_peer_message(message))

    def _forward(self, transactions: list[Transaction]) -> None:
        leader = self.raft.leader
        if transactions and leader is not None and leader != self.id:
            signed = tuple(transaction.signed for transaction in transactions)
            self._send(ForwardTransactions(self.id, leader, signed))

    def _take_transaction(self, transaction: Transaction, client: int | None) -> None:
        outcome = self.disk.outcomes.get(transaction.id)
        if outcome is not None:
            if client is not None:
                self._world.answer(self.id, client, transaction.id, outcome)
        elif self.mempool.add(transaction, client) and client is not None:
            self._forward([transaction])

    def _tell_committed(self, block: CommittedBlock) -> None:
        tip = block.executed.tip
        self.executor.state.forget_flushed(tip.height)
        self.evidence.committed(block)
        for receipt in block.executed.receipts:
            outcome = Outcome(tip.height, receipt.rejection)
            for client in self.mempool.committed(receipt.transaction_id):
                self._world.answer(self.id, client, receipt.transaction_id, outcome)

    def _propose_waiting(self) -> bool:
        raft, queued = self.raft, self.mempool.queued
        if raft.role is not Role.LEADER or raft.last_term != raft.term or raft.transferring:
            return False
        in_flight = raft.proposals_in_flight
        if not raft.has_room or in_flight >= BLOCKS_IN_FLIGHT_MAX or (in_flight and queued < BATCH_MAX // 4):
            return False
        if not queued and not self.executor.is_due(self._world.clock(self.id)):
            return False
        self._propose(self.mempool.take())
        return True

    def _propose(self, candidates: list[Transaction], *, leave_joint: bool = False) -> None:
        raft = self.raft
        executed = self.executor.build(
            candidates, term=raft.term, proposer=self.id, time=self._world.clock(self.id), leave_joint=leave_joint
        )
        if candidates and not executed.transactions:
            self.executor.roll_back_to(executed.tip.height - 1)
            return
        tip = executed.tip
        signature = self._world.signatures.sign(self.key, proposal(tip.header))
        signed = msgspec.structs.replace(executed, proposal=signature)
        entry = Entry(tip.height, tip.header.term, tip.hash, tip.header.parent_hash, signed.payload)
        raft.propose(entry, executed.new_configuration)
        self._world.checks.after_call(self)


def in_order(events: list[Event]) -> list[Event]:
    """Return a round's events with ticks last: what arrived before the clock is heard before a time-out is believed."""
    return sorted(events, key=lambda event: isinstance(event, Tick))
