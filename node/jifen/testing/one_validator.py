"""One validator's actors on a real store, without network and without ticking: a test plays everybody else."""

import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, final

import trio
import trio.testing

from jifen.actors.consensus import ConsensusActor, Delivery, PreparedBlock, SnapshotDuties
from jifen.actors.evidence import EvidenceKeeper
from jifen.actors.gateway import PeerGateway
from jifen.actors.mempool import Mempool
from jifen.actors.recovery import execute_log, position_of, recover
from jifen.actors.snapshots import SnapshotExchange, Standing
from jifen.actors.storage import StorageActor, StorageJob
from jifen.actors.surroundings import Surroundings, Threads
from jifen.actors.verifier import find_false
from jifen.chain.checkpoints import Manifest
from jifen.chain.evidence import EvidenceBook
from jifen.chain.executor import ExecutedBlock, Tip
from jifen.chain.gateway import CheckedTransactions
from jifen.codec.blocks import decode_block
from jifen.consensus.messages import (
    AckSignature,
    AppendRequest,
    AppendResponse,
    Certificate,
    Message,
    SnapshotOffer,
    VoteResponse,
)
from jifen.consensus.raft import Raft
from jifen.consensus.types import RaftConfig
from jifen.ledger.evidence.statements import Statement
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock
from jifen.store.snapshots import SnapshotFolder
from jifen.testing.small_alliance import CREATED_AT, keys_of
from jifen.testing.small_chain import SmallChain, entry_of

PATIENCE_SECONDS: Final = 60
"""How long a test waits for something that must happen: far longer than it takes, on slow and busy machines too."""

TICKS_MIN: Final = 10
TICKS_MAX: Final = 20
MAP_BYTES: Final = 64 << 20
NOBODY: Final = "nobody"
"""Recipient of the message that tells `settle` that the disk has caught up."""


@final
class OneValidator:
    """The validator `name`. `chain` is the other validators' view of the ledger, and has everybody's keys."""

    def __init__(self, path: Path, chain: SmallChain, name: str = "books", map_bytes: int = MAP_BYTES) -> None:
        """Open, or open again, the store under `path`."""
        self.chain = chain
        self.name = name
        self.now = CREATED_AT
        """Time of day, ms, as this validator's clock tells it."""
        self.sent: list[Message] = []
        self.forwarded: list[tuple[str, tuple[bytes, ...]]] = []
        self.link_is_up = True
        self.committed: list[CommittedBlock] = []
        self.offers: list[SnapshotOffer] = []
        """Snapshots that were offered to it."""
        self._changed = trio.Event()
        self._settled = trio.Event()
        self.store = LedgerStore(path, chain.anchor, map_bytes)
        self.executor = recover(self.store, chain.chain_id)
        self.checked = CheckedTransactions()
        draws, workers = random.Random(7), Threads()
        self.mempool = Mempool(
            chain_id=chain.chain_id,
            checked=self.checked,
            find_false=partial(find_false, workers=workers),
            clock=self._clock,
            wake=self._wake,
            forward=self._forward,
            view=self.store.view,
        )
        self.snapshots = SnapshotExchange(
            name=name,
            genesis=chain.anchor.validators,
            folder=SnapshotFolder(path.parent / "snapshots"),
            send=lambda _: None,
            connected=list,
            install=self._install,
            standing=lambda: Standing(votes=True, height=0, leader=name),
            workers=workers,
            bytes_per_second=1 << 30,
        )
        self.raft = self._make_core(draws)
        self.consensus = ConsensusActor(
            name=name,
            key=keys_of(name).validator,
            raft=self.raft,
            executor=self.executor,
            orderable=self.mempool,
            send=self._send,
            on_committed=self._on_committed,
            snapshots=SnapshotDuties(self.offers.append, self._on_installed),
            clock=self._clock,
            draws=draws,
        )
        self.storage = StorageActor(
            self.store, chain.chain_id, keys_of(name).validator, self.consensus.job_done, workers
        )
        self.consensus.storage = self.storage
        self.shown: list[tuple[Statement, ...]] = []
        """What it showed to all its peers."""
        self.evidence = self._make_evidence(draws, workers)
        self.gateway = PeerGateway(
            name=name,
            consensus=self.consensus,
            mempool=self.mempool,
            snapshots=self.snapshots,
            evidence=self.evidence,
            checked=self.checked,
            find_false=partial(find_false, workers=workers),
            clock=self._clock,
        )

    def _make_evidence(self, draws: random.Random, workers: Threads) -> EvidenceKeeper:
        with self.store.view() as view:
            book = EvidenceBook(self.executor, self.raft, self.store, view.kept_evidence())
        keeper = EvidenceKeeper(
            key=keys_of(self.name).validator,
            book=book,
            store=self.store,
            mempool=self.mempool,
            show=self.shown.append,
            leave=self.consensus.leave_leader,
            find_false=partial(find_false, workers=workers),
            surroundings=Surroundings(clock=self._clock, draws=draws, workers=workers),
        )
        keeper.storage = self.storage
        self.consensus.on_suspicion = keeper.suspect
        return keeper

    def _make_core(self, draws: random.Random) -> Raft:
        return Raft(
            config=RaftConfig(
                id=self.name,
                election_ticks_min=TICKS_MIN,
                election_ticks_max=TICKS_MAX,
                heartbeat_ticks=2,
                append_bytes_max=1 << 20,
                inflight_messages_max=8,
                inflight_bytes_max=16 << 20,
            ),
            hard_state=self.store.hard_state,
            base=self.store.base,
            last=position_of(self.executor),
            committed=self.store.tip.height,
            configurations=self.executor.configurations(),
            reader=self.store,
            random=draws,
        )

    async def _install(self, manifest: Manifest, chunks: Callable[[], Iterator[bytes]]) -> str | None:
        return await self.consensus.install(manifest, chunks)

    async def _on_installed(self, tip: Tip) -> None:
        self.executor.start_from(tip)
        execute_log(self.executor, self.store)
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the storage and the consensus actor while the body runs."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.storage.run)
            nursery.start_soon(self.evidence.run)
            nursery.start_soon(self.consensus.run)
            yield
            nursery.cancel_scope.cancel()

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until `holds()` is true, looking again whenever the validator sent or committed something."""
        with trio.fail_after(PATIENCE_SECONDS):
            while not holds():
                await self._changed.wait()

    async def eventually(self, holds: Callable[[], object]) -> None:
        """Wait until `holds()` is true, looking again whenever all actors wait; for what comes with no event."""
        with trio.fail_after(PATIENCE_SECONDS):
            while not holds():
                await trio.testing.wait_all_tasks_blocked()

    async def settle(self) -> None:
        """Wait until everything handed over so far has been acted upon, disk included."""
        before = None
        while before != (before := (len(self.sent), len(self.committed), self.raft.last_height, self.store.tip.height)):
            await trio.testing.wait_all_tasks_blocked()
            # A job that writes nothing: when its message comes out, every earlier job is durable and told of.
            self._settled = trio.Event()
            await self.storage.submit(StorageJob(None, (VoteResponse(0, self.name, NOBODY, False, True),)))
            with trio.fail_after(PATIENCE_SECONDS):
                await self._settled.wait()

    async def lead(self) -> None:
        """Make the validator leader: let its time run out, and everybody vote for it."""
        await self.grow_impatient()
        if self.raft.role.value == "pre-candidate":
            await self.all_vote(pre=True)
            await self.all_vote(pre=False)
        assert self.raft.role.value == "leader"
        assert self.raft.last_term == self.raft.term

    async def tick(self) -> None:
        """Let a tick of the clock pass, and what comes of it."""
        self.consensus.tick()
        await self.settle()

    async def grow_impatient(self) -> None:
        """Tick until the validator asks for votes."""
        for _ in range(TICKS_MAX + 1):
            await self.tick()
            if self.raft.role.value != "follower":
                return
        raise AssertionError("it does not ask for votes")

    async def all_vote(self, *, pre: bool) -> None:
        """Grant the validator everybody's vote, or pre-vote."""
        term = self.raft.term + (1 if pre else 0)
        for voter in self.chain.validators.ids:
            if voter != self.name:
                await self.consensus.deliver(Delivery(VoteResponse(term, voter, self.name, True, pre)))
        await self.settle()

    async def hear(
        self,
        blocks: Sequence[ExecutedBlock] = (),
        *,
        certificates: Sequence[Certificate] = (),
        leader: str = "mall",
        term: int | None = None,
        after: tuple[int, int, bytes] | None = None,
        commit: int | None = None,
    ) -> None:
        """Deliver a leader's append request, past the gateway, and wait until it has been acted upon.

        Args:
            blocks: consecutive blocks of `chain`.
            certificates: proofs that come along.
            leader: who sends.
            term: its term, by default that of the last block.
            after: height, term and hash before the blocks, by default those of the first block's parent.
            commit: by default the last certificate's height.
        """
        await self.consensus.deliver(
            self.delivery(blocks, certificates=certificates, leader=leader, term=term, after=after, commit=commit)
        )
        await self.settle()

    def delivery(
        self,
        blocks: Sequence[ExecutedBlock] = (),
        *,
        certificates: Sequence[Certificate] = (),
        leader: str = "mall",
        term: int | None = None,
        after: tuple[int, int, bytes] | None = None,
        commit: int | None = None,
    ) -> Delivery:
        """Return what `hear` delivers."""
        if after is None:
            after = self._parent_of(blocks[0]) if blocks else self._last()
        if commit is None:
            commit = certificates[-1].height if certificates else 0
        request = AppendRequest(
            term=blocks[-1].tip.header.term if term is None else term,
            sender=leader,
            recipient=self.name,
            prev_height=after[0],
            prev_term=after[1],
            prev_hash=after[2],
            entries=tuple(entry_of(block) for block in blocks),
            commit=commit,
            certificates=tuple(certificates),
        )
        prepared = tuple(
            PreparedBlock(block.tip.hash, decode_block(block.payload), block.transactions) for block in blocks
        )
        return Delivery(request, prepared)

    async def acknowledge(self, *validators: str, height: int | None = None) -> None:
        """Deliver the validators' signed acknowledgements of this leader's log, up to `height` or to its end."""
        for validator in validators:
            await self.consensus.deliver(Delivery(self.acknowledgement(validator, height)))
        await self.settle()

    def acknowledgement(self, validator: str, height: int | None = None) -> AppendResponse:
        """Return a validator's acknowledgement of this leader's uncommitted log, up to `height` or to its end."""
        raft, validators = self.raft, self.chain.validators
        top = raft.last_height if height is None else height
        key = keys_of(validator).validator
        positions = [raft.position(number) for number in range(raft.committed + 1, top + 1)]
        signatures = tuple(
            AckSignature(
                item.height, item.hash, key.sign(validators.acknowledgement(raft.term, item.height, item.hash))
            )
            for item in positions
            if item is not None
        )
        last = raft.position(top)
        assert last is not None
        return AppendResponse(
            term=raft.term,
            sender=validator,
            recipient=self.name,
            success=True,
            height=top,
            hash=last.hash,
            commit=raft.committed,
            hint_height=0,
            hint_term=0,
            leader_commit=raft.committed,
            signatures=signatures,
        )

    def requests(self) -> list[AppendRequest]:
        """Return the append requests that were sent."""
        return [message for message in self.sent if isinstance(message, AppendRequest)]

    def answers(self) -> list[AppendResponse]:
        """Return the append responses that were sent."""
        return [message for message in self.sent if isinstance(message, AppendResponse)]

    def _last(self) -> tuple[int, int, bytes]:
        return (self.raft.last_height, self.raft.last_term, self.raft.last_hash)

    def _parent_of(self, block: ExecutedBlock) -> tuple[int, int, bytes]:
        header = block.tip.header
        parent = self.raft.position(header.height - 1)
        known = parent is not None and parent.hash == header.parent_hash
        return (header.height - 1, parent.term if known and parent else header.term, header.parent_hash)

    def _clock(self) -> int:
        return self.now

    def _wake(self) -> None:
        self.consensus.wake()

    def _forward(self, leader: str, transactions: tuple[bytes, ...]) -> bool:
        if self.link_is_up:
            self.forwarded.append((leader, transactions))
        return self.link_is_up

    def _send(self, message: Message) -> None:
        if message.recipient == NOBODY:
            self._settled.set()
            return
        self.sent.append(message)
        self._poke()

    def _on_committed(self, block: CommittedBlock) -> None:
        self.committed.append(block)
        self.evidence.committed(block)
        self._poke()

    def _poke(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
