"""The consensus actor: the only place where the Raft core and the executor are touched.

Events come through one mailbox; after each round the core's outputs become peer messages, storage jobs and, when this
validator leads, new blocks.
"""

import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol, final

import msgspec
import structlog
import trio

from jifen.actors.clock import Clock
from jifen.actors.mailbox import Mailbox
from jifen.actors.reads import Reader, ReadQueue
from jifen.actors.recovery import position_of
from jifen.actors.storage import Acknowledgement, JobDone, StorageActor, StorageJob
from jifen.chain.checkpoints import Manifest, SnapshotInvalid
from jifen.chain.executor import BlockInvalid, ExecutedBlock, Executor, Tip
from jifen.chain.statements import proposal
from jifen.codec.blocks import Block, decode_block
from jifen.consensus.messages import SIGNATURES_PER_MESSAGE_MAX, AppendResponse, Entry, Message, SnapshotOffer
from jifen.consensus.output import Output
from jifen.consensus.raft import Raft
from jifen.consensus.types import HardState, NotLeader, Position, Role, SnapshotRefused, Suspicion, TransferRefused
from jifen.keys.signing import KeyPair
from jifen.ledger.transactions import Transaction
from jifen.store.errors import DAMAGED_ADVICE
from jifen.store.records import CommittedBlock, StoreBatch

EVENTS_WAITING_MAX = 64
"""Peer messages that may wait: several from every peer; then the links are no longer read."""

BLOCKS_IN_FLIGHT_MAX = 4
"""Blocks proposed and not committed: enough to keep disk, network and executor busy at once. Deeper pipelines add
latency and no throughput."""

BATCH_GROWS_TO = 256
"""While blocks are in flight, another is made only when so many transactions wait: blocks grow under load, and an idle
ledger answers at once."""

BLOCK_TRANSACTIONS_TARGET = 512
"""Most transactions put into a block: some 20 ms of execution, a twentieth of the shortest election time-out."""

BLOCK_TRANSACTION_BYTES_TARGET = 1 << 20
"""Most transaction bytes put into a block."""

log = structlog.get_logger()


class PreparedBlock(msgspec.Struct, frozen=True):
    """A received block, decoded, with its signatures checked."""

    hash: bytes
    block: Block
    transactions: tuple[Transaction, ...]


class RefusedBlock(msgspec.Struct, frozen=True):
    """An uncommitted block that this validator could not reproduce and does not acknowledge."""

    height: int
    hash: bytes
    term: int
    """Term in which it came."""
    proposer: str
    """Validator that made it, and is damaged if this one is not."""
    reason: str
    """First difference between the block's header and what this validator computes."""


class Delivery(msgspec.Struct, frozen=True):
    """A peer's message that passed the gateway."""

    message: Message
    blocks: tuple[PreparedBlock, ...] = ()
    """The blocks of the message's entries, in their order."""


class NodeRetired(Exception):
    """The alliance goes on without this validator; nothing failed. The text says what that means."""


class Tick(msgspec.Struct, frozen=True):
    """A tick of the clock."""


class Wake(msgspec.Struct, frozen=True):
    """Transactions wait to be ordered."""


class HandOver(msgspec.Struct, frozen=True):
    """This validator is about to stop; another is to lead."""

    over: trio.Event
    """Set when another leads, or when nothing comes of it."""


class SnapshotDuties(msgspec.Struct, frozen=True):
    """What others do about snapshots for the consensus actor."""

    offered: Callable[[SnapshotOffer], None]
    """Told of every offer; must not block."""
    installed: Callable[[Tip], Awaitable[None]]
    """Told of a snapshot that is durable in place of the state; returns when the executor stands at the log's end."""


class LeaveLeader(msgspec.Struct, frozen=True):
    """A leader was found to have lied in its term."""

    leader: str
    term: int


class Retain(msgspec.Struct, frozen=True):
    """Blocks up to a height need not be kept."""

    height: int


@final
class Installation:
    """A snapshot to be put in place of the state."""

    def __init__(self, manifest: Manifest, chunks: Callable[[], Iterator[bytes]]) -> None:
        """The manifest is verified; `chunks` checks each against it as it is read."""
        self.manifest = manifest
        self.chunks = chunks
        self.done = trio.Event()
        self.refusal: str | None = None
        """Why it was of no use, once `done`; None when it is in place."""


Event = Delivery | JobDone | Tick | Wake | HandOver | Reader | Retain | LeaveLeader | Installation


class Orderable(Protocol):
    """Where the transactions to order come from."""

    @property
    def queued(self) -> int:
        """How many wait."""
        ...

    def take(self, count_max: int, bytes_max: int) -> list[Transaction]:
        """Remove and return the oldest that fit; at least one if any wait."""
        ...

    def leadership(self, leader: str | None, term: int, *, is_self: bool) -> None:
        """Learn who leads now."""
        ...

    def committed(self, block: ExecutedBlock) -> None:
        """Learn of a block that is committed and readable."""
        ...


@final
class ConsensusActor:
    """Drives the core.

    Invariant: between rounds the executor's tip is the core's last entry.
    """

    def __init__(
        self,
        *,
        name: str,
        key: KeyPair,
        raft: Raft,
        executor: Executor,
        orderable: Orderable,
        send: Callable[[Message], None],
        on_committed: Callable[[CommittedBlock], None],
        snapshots: SnapshotDuties,
        clock: Clock,
        draws: random.Random,
    ) -> None:
        """`key` signs what this validator proposes. `send` must not block; `on_committed` is told of every block once
        it is durable and readable.
        """
        self._name = name
        self._key = key
        self.raft = raft
        self.executor = executor
        self._orderable = orderable
        self._send = send
        self._on_committed = on_committed
        self._snapshots = snapshots
        self._clock = clock
        self._mailbox: Mailbox[Event] = Mailbox(EVENTS_WAITING_MAX)
        self._prepared: dict[bytes, PreparedBlock] = {}
        self._known_leadership: tuple[str | None, int] = (None, 0)
        self._tick_waits = False
        self._wake_waits = False
        self._hand_overs: list[trio.Event] = []
        """Who waits for another leader. Invariant: empty unless this validator has led and hands over."""
        self._reads = ReadQueue(draws)
        self.refused: RefusedBlock | None = None
        """The latest block that could not be reproduced, until its height is committed."""
        self._jobs = 0
        """Jobs that the disk is not done with."""
        self._installation: Installation | None = None
        self.storage: StorageActor
        self.outsiders: Callable[[], list[str]] = list
        """Names those with a link from here whom the alliance has taken out, and who may not know; at first nobody."""
        self.on_suspicion: Callable[[Suspicion], None]
        """Told what the core finds contradictory; must not wait."""

    async def deliver(self, delivery: Delivery) -> None:
        """Hand over a checked message; waits while the actor is behind."""
        await self._mailbox.put(delivery)

    def tick(self) -> None:
        """Hand over a tick; one waiting tick is enough."""
        if not self._tick_waits:
            self._tick_waits = True
            self._mailbox.put_at_once(Tick())

    def wake(self) -> None:
        """Say that transactions wait to be ordered."""
        if not self._wake_waits:
            self._wake_waits = True
            self._mailbox.put_at_once(Wake())

    async def hand_over(self) -> None:
        """Hand leadership over if this validator leads; returns when another leads, or when nothing comes of it."""
        over = trio.Event()
        await self._mailbox.put(HandOver(over))
        await over.wait()

    async def read_index(self) -> int:
        """Return a height that includes everything that was committed when this was called; waits until it can."""
        reader = Reader()
        await self._mailbox.put(reader)
        try:
            await reader.done.wait()
        finally:
            reader.gone = True
        return reader.height

    def leave_leader(self, leader: str, term: int) -> None:
        """Say that a leader has lied in a term: if it still leads, it is not followed for a while."""
        self._mailbox.put_at_once(LeaveLeader(leader, term))

    def retain_above(self, height: int) -> None:
        """Say that blocks up to a height need not be kept; those that a new leader may need are kept all the same."""
        self._mailbox.put_at_once(Retain(height))

    async def install(self, manifest: Manifest, chunks: Callable[[], Iterator[bytes]]) -> str | None:
        """Put a verified snapshot in place of the state and go on from it; return why it is of no use, or None."""
        installation = Installation(manifest, chunks)
        await self._mailbox.put(installation)
        await installation.done.wait()
        return installation.refusal

    def job_done(self, done: JobDone) -> None:
        """Take in a durable job; their number is bounded by the storage actor's mailbox."""
        self._mailbox.put_at_once(done)

    async def run(self) -> None:
        """Order for ever. Raises what consensus, executor or store raise: each of them must stop the validator.

        Raises NodeRetired when the alliance does not need it any more.
        """
        while True:
            events = await self._mailbox.take_all()
            # Ticks last: what arrived before the clock is heard before a time-out is believed.
            for event in sorted(events, key=lambda item: isinstance(item, Tick)):
                self._take_in(event)
            self._reads.ask(self.raft)
            await self._work_off()
            if self._installation is not None and not self._jobs:
                await self._install(self._installation)
                self._installation = None
            self._leave_if_retired()
            self._prepared.clear()

    def _take_in(self, event: Event) -> None:
        if isinstance(event, Delivery):
            for prepared in event.blocks:
                self._prepared[prepared.hash] = prepared
            self.raft.step(event.message)
        elif isinstance(event, JobDone):
            self._job_done(event)
        elif isinstance(event, Tick):
            self._tick_waits = False
            self.raft.tick()
            self._reads.tick()
            for name in self.outsiders():
                self.raft.tell(name)
        elif isinstance(event, Reader):
            self._reads.add(event)
        elif isinstance(event, HandOver):
            self._begin_hand_over(event)
        elif isinstance(event, Retain):
            self._compact(event.height)
        elif isinstance(event, LeaveLeader):
            if (event.leader, event.term) == (self.raft.leader, self.raft.term):
                self.raft.shun_leader()
        elif isinstance(event, Installation):
            self._installation = event
        else:
            self._wake_waits = False

    def _leave_if_retired(self) -> None:
        state = self.executor.state
        if self.raft.retired and state.flushed == state.committed:
            raise retired(self._name, state.committed)

    def _begin_hand_over(self, event: HandOver) -> None:
        try:
            self.raft.transfer_leadership()
        except (NotLeader, TransferRefused) as reason:
            log.info("leadership is not handed over", reason=str(reason))
            event.over.set()
        else:
            self._hand_overs.append(event.over)

    def _compact(self, height: int) -> None:
        height = min(height, self.raft.compactable)
        if height > self.raft.base.height:
            # The core first: it must never believe to be readable what is gone.
            self.raft.compact(height)
            self.storage.compact(height)

    async def _install(self, installation: Installation) -> None:
        """Install while no job is under way. Whatever comes meanwhile waits: this validator is of no use before."""
        manifest = installation.manifest
        position = Position(manifest.height, manifest.header.term, manifest.tip.hash)
        try:
            self.raft.check_install(position)
            await self.storage.install(manifest, installation.chunks)
        except (SnapshotRefused, SnapshotInvalid) as error:
            installation.refusal = str(error)
        else:
            await self._snapshots.installed(manifest.tip)
            (_, configuration), *later = self.executor.configurations()
            self.raft.install(position, position_of(self.executor), configuration)
            for height, changed in later:
                self.raft.configured(height, changed)
            await self._work_off()
        installation.done.set()

    def _job_done(self, done: JobDone) -> None:
        self._jobs -= 1
        for block in done.commits:
            self.executor.state.forget_flushed(block.executed.tip.height)
            self._orderable.committed(block.executed)
            self._on_committed(block)
        for message in done.messages:
            self._dispatch(message)

    def _dispatch(self, message: Message) -> None:
        if message.recipient == self._name:
            self.raft.step(message)
        else:
            self._send(message)

    async def _work_off(self) -> None:
        while True:
            output = self.raft.take_output()
            await self._carry_out(output)
            if output.became_leader:
                log.info("leader", term=output.term, height=self.raft.last_height)
                self._propose(())
            elif output.leave_joint:
                self._propose((), leave_joint=True)
            elif not self._propose_waiting():
                return

    async def _carry_out(self, output: Output) -> None:
        self._tell_leadership(output)
        self._reads.settle(output)
        if output.snapshot_offered is not None:
            self._snapshots.offered(output.snapshot_offered)
        for suspicion in output.suspicions:
            self.on_suspicion(suspicion)
        for message in output.messages:
            self._dispatch(message)
        if output.truncate_from is not None:
            self.executor.roll_back_to(output.truncate_from - 1)
        output = await self._execute_all(output)
        blocks = tuple((entry.height, entry.payload) for entry in output.entries)
        messages = tuple(self._with_blocks(message) for message in output.messages_after_persist)
        commits = tuple(CommittedBlock(self.executor.commit(), certificate) for certificate in output.commits)
        for block in commits:
            assert block.executed.tip.hash == block.certificate.hash, "a certificate of another block was accepted"
            if self.refused is not None and self.refused.height <= block.executed.tip.height:
                self.refused = None
        batch = None
        if output.hard_state is not None or output.truncate_from is not None or blocks or commits:
            batch = StoreBatch(output.hard_state, output.truncate_from, blocks, commits)
        if batch is not None or messages:
            self._jobs += 1
            await self.storage.submit(StorageJob(batch, messages))

    def _tell_leadership(self, output: Output) -> None:
        leadership = (output.leader, output.term)
        if leadership != self._known_leadership:
            self._known_leadership = leadership
            self._orderable.leadership(output.leader, output.term, is_self=output.role is Role.LEADER)
        if self._hand_overs and self.raft.transferring is None and output.leader is not None:
            for over in self._hand_overs:
                over.set()
            self._hand_overs.clear()

    async def _execute_all(self, output: Output) -> Output:
        """Execute an output's entries; return the output without what must be dropped, if one is not reproduced."""
        for count, entry in enumerate(output.entries):
            try:
                self._execute(entry)
            except BlockInvalid as error:
                if self.raft.is_certified(entry.height, entry.hash):
                    raise damaged_here(error) from error
                return curtailed(output, count, self._refuse(entry, error))
            # A validator that catches up executes for seconds: everybody else gets a turn after every block.
            await trio.lowlevel.checkpoint()
        return output

    def _refuse(self, entry: Entry, error: BlockInvalid) -> HardState:
        proposer = self._prepared[entry.hash].block.header.proposer
        self.refused = RefusedBlock(entry.height, entry.hash, self.raft.term, proposer, error.what)
        log.warning(
            "a block cannot be reproduced; it is not acknowledged and its leader not followed",
            height=entry.height,
            proposer=proposer,
            leader=self.raft.leader,
            reason=error.what,
        )
        return self.raft.drop(entry.height, entry.hash)

    def _execute(self, entry: Entry) -> None:
        if entry.height <= self.executor.tip.height:
            assert self.executor.hash_at(entry.height) == entry.hash, "the log and the executor went apart"
            return
        prepared = self._prepared[entry.hash]
        executed = self.executor.execute(prepared.block, prepared.transactions)
        configuration = executed.new_configuration
        if configuration is not None:
            self.raft.configured(entry.height, configuration)

    def _with_blocks(self, message: Message) -> Message | Acknowledgement:
        if not isinstance(message, AppendResponse) or not message.success:
            return message
        # A leader lacks far fewer than fit one message; of one that asks for more, the newest are of use.
        known = max(message.leader_commit, message.height - SIGNATURES_PER_MESSAGE_MAX, self.raft.base.height)
        heights = range(known + 1, message.height + 1)
        return Acknowledgement(message, tuple(named(self.raft, self.executor, height) for height in heights))

    def _propose_waiting(self) -> bool:
        queued, raft = self._orderable.queued, self.raft
        if raft.role is not Role.LEADER or raft.last_term != raft.term:
            return False
        if raft.transferring is not None or not raft.has_room:
            return False
        in_flight = raft.proposals_in_flight
        if in_flight >= BLOCKS_IN_FLIGHT_MAX or (in_flight and queued < BATCH_GROWS_TO):
            return False
        # What time does to the ledger needs a block too, also when nobody asks for anything.
        if not queued and not self.executor.is_due(self._clock()):
            return False
        candidates = self._orderable.take(BLOCK_TRANSACTIONS_TARGET, BLOCK_TRANSACTION_BYTES_TARGET)
        self._propose(candidates)
        return True

    def _propose(self, candidates: tuple[Transaction, ...] | list[Transaction], *, leave_joint: bool = False) -> None:
        executed = self.executor.build(
            candidates, term=self.raft.term, proposer=self._name, time=self._clock(), leave_joint=leave_joint
        )
        if candidates and not executed.transactions:
            self.executor.roll_back_to(executed.tip.height - 1)
            return
        # Signed only when it is sure to be sent: there must never be a second signature for this term and height. And
        # signed here: 0.1 ms, of which handing it to a thread and back would save the event loop half, and cost the
        # block a third more.
        tip = executed.tip
        signed = msgspec.structs.replace(executed, proposal=self._key.sign(proposal(tip.header)))
        entry = Entry(tip.height, tip.header.term, tip.hash, tip.header.parent_hash, signed.payload)
        self.raft.propose(entry, executed.new_configuration)


def retired(name: str, height: int) -> NodeRetired:
    """Return the reason for which a validator whose ledger ends at a height goes in peace."""
    return NodeRetired(
        f"validator {name} was taken out by the alliance, which goes on without it; its ledger ends at "
        f"height {height} and can be kept and verified, but this validator will not be let in again"
    )


def curtailed(output: Output, count: int, hard_state: HardState) -> Output:
    """Return an output with its first `count` entries alone, and nothing that acknowledges the others.

    `hard_state` is what `Raft.drop` said of the first that is left out.
    """
    first = output.entries[count].height
    promises = tuple(
        message
        for message in output.messages_after_persist
        if not (isinstance(message, AppendResponse) and message.success and message.height >= first)
    )
    entries = output.entries[:count]
    return msgspec.structs.replace(output, entries=entries, messages_after_persist=promises, hard_state=hard_state)


def damaged_here(error: BlockInvalid) -> BlockInvalid:
    """Return the reason to stop for: a quorum has certified what this validator cannot reproduce."""
    verdict = f"a quorum has certified it, so what this validator holds is damaged: {DAMAGED_ADVICE}"
    return BlockInvalid(error.height, f"{error.what}; {verdict}")


def named(raft: Raft, executor: Executor, height: int) -> tuple[int, bytes, bytes]:
    """Return what an acknowledgement of a block of the log names: height, hash, hash of the set that certifies it."""
    if height > executor.state.committed:
        return height, executor.hash_at(height), executor.validators_at(height).hash
    entry = raft.entry(height)
    assert entry is not None, f"block {height} is acknowledged but not in the log"
    return height, entry.hash, decode_block(entry.payload).header.validator_set_hash
