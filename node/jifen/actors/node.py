"""One validator: the actors wired together under one nursery.

Consensus, storage or execution failing stops the validator with a reason; a bad connection stops only itself.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import final

import structlog
import trio

from jifen.actors.checkers import Checkers
from jifen.actors.checkpoints import CheckpointActor
from jifen.actors.clock import tick_for_ever
from jifen.actors.consensus import ConsensusActor, NodeRetired, RefusedBlock, SnapshotDuties, retired
from jifen.actors.evidence import EvidenceKeeper
from jifen.actors.facade import Node, NodeStatus
from jifen.actors.gateway import PeerGateway
from jifen.actors.links import PeerLinks, PeerStatus
from jifen.actors.mempool import Mempool, SubmitResult, SubmitStatus
from jifen.actors.peers import PeerBook
from jifen.actors.recovery import execute_log, position_of, recover
from jifen.actors.setup import NodeSetup, Timing
from jifen.actors.snapshots import SnapshotExchange, Standing
from jifen.actors.storage import StorageActor
from jifen.actors.subscriptions import SubscriptionHub, TooManySubscribers
from jifen.actors.surroundings import Surroundings
from jifen.actors.verifier import FindFalse, find_false
from jifen.chain.anchor import genesis_block
from jifen.chain.checkpoints import Manifest
from jifen.chain.evidence import EvidenceBook
from jifen.chain.executor import BlockInvalid, Executor, Tip
from jifen.chain.gateway import CheckedTransactions
from jifen.codec.errors import Malformed
from jifen.codec.genesis import chain_id
from jifen.consensus.raft import Raft
from jifen.consensus.types import RaftConfig, RandomDraws
from jifen.ledger.governance.validators import Validator, ValidatorStatus, read_validator_set
from jifen.ledger.records import read
from jifen.ledger.state import validator_key
from jifen.store.directory import STORE_DIRECTORY, check_not_wiped, has_started, locked_directory, remember_started
from jifen.store.errors import BlockNotHeld, StoreClosed, StoreError
from jifen.store.evidence import EvidenceRecord
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import BlockRecord, CommittedBlock, TransactionRecord
from jifen.store.snapshots import SNAPSHOTS_DIRECTORY, SnapshotFolder
from jifen.store.view import ReadView
from jifen.transport import (
    Address,
    CannotListen,
    Peers,
    certificate_fingerprint,
    client_context,
    serve_peers,
    server_context,
)

APPEND_BYTES_MAX = 1 << 20
"""Block bytes that one message between validators is filled with; a single larger block goes alone."""

INFLIGHT_MESSAGES_MAX = 8
"""Append requests on their way to one peer: twice the blocks in flight, so that the window is never what waits."""

INFLIGHT_BYTES_MAX = 16 << 20
"""Bytes on their way to one peer."""

RESEND_EVERY_MS = 1_000
"""How often the mempool looks for what must be sent again."""


log = structlog.get_logger()


class NodeStopped(Exception):
    """The validator cannot go on; the text says why and what to do."""


async def run_node(
    setup: NodeSetup,
    *,
    surroundings: Surroundings | None = None,
    task_status: trio.TaskStatus[Node] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a validator until cancelled, by default in this machine's own surroundings.

    Raises:
        StoreError: the data directory cannot be used.
        CannotListen: the peer port is busy.
        NodeStopped: consensus, execution or the disk failed while it ran.
        NodeRetired: the alliance has taken this validator out; nothing failed.
    """
    surroundings = surroundings or Surroundings()
    chain = chain_id(setup.genesis)
    with locked_directory(setup.directory):
        check_not_wiped(setup.directory)
        genesis = genesis_block(chain, setup.genesis)
        store = LedgerStore(
            setup.directory / STORE_DIRECTORY,
            genesis,
            setup.store_map_bytes,
            may_be_new=not has_started(setup.directory),
            checkpoint_blocks=setup.genesis.checkpoint_blocks,
        )
        try:
            remember_started(setup.directory)
            _check_identity(setup, store)
            folder = SnapshotFolder(setup.directory / SNAPSHOTS_DIRECTORY)
            await surroundings.workers.compute(partial(_keep_fetched, folder, store.tip.height))
            _check_not_retired(setup, store)
            executor = await surroundings.workers.compute(partial(recover, store, chain))
            await _Wiring(setup, store, executor, surroundings).run(task_status)
        except BaseExceptionGroup as group:
            raise _reason(group) from group
        finally:
            store.close()


def _check_identity(setup: NodeSetup, store: LedgerStore) -> None:
    """Raise NodeStopped when the ledger names another key or certificate for this validator than it has."""
    record = read(store, validator_key(setup.validator), Validator)
    if record is None:
        return  # not admitted yet, or not as far as is known here
    if record.key != setup.validator_key.public:
        raise NodeStopped(f"the ledger names another validator key for {setup.validator}; restore the right key file")
    pinned, own = record.certificate_pem.encode(), setup.certificate_path.read_bytes()
    if certificate_fingerprint(pinned) != certificate_fingerprint(own):
        raise NodeStopped(
            f"the ledger names another certificate for {setup.validator}; restore the right files in tls/"
        )


def _keep_fetched(folder: SnapshotFolder, height: int) -> None:
    try:
        folder.keep_fetched(height)
    except OSError as error:
        log.warning("a fetched snapshot cannot be kept; check the disk", reason=str(error))


def _check_not_retired(setup: NodeSetup, store: LedgerStore) -> None:
    """Raise NodeRetired when the committed ledger says that this validator is out.

    Consensus knows only of the changes since the ledger that it began with, or went on from: it would wait for ever for
    a leader that has nothing to tell it any more.
    """
    record = read(store, validator_key(setup.validator), Validator)
    if record is not None and record.status is ValidatorStatus.RETIRED:
        raise retired(setup.validator, store.tip.height)


def _reason(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the one error that a caller can act on, or the group when it holds a bug or a cancellation only."""
    peaceful = group.subgroup(NodeRetired)
    if peaceful is not None:
        return _first(peaceful)
    failed = group.subgroup((BlockInvalid, StoreError, Malformed))
    if failed is not None:
        return NodeStopped(f"stopped: {_first(failed)}")
    busy = group.subgroup(CannotListen)
    return group if busy is None else _first(busy)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@final
class _Wiring:
    """Makes the actors and runs them."""

    def __init__(
        self,
        setup: NodeSetup,
        store: LedgerStore,
        executor: Executor,
        surroundings: Surroundings,
    ) -> None:
        self._setup = setup
        self._chain_id = executor.chain_id
        self._listen = surroundings.listen
        clock, draws, workers = surroundings.clock, surroundings.draws, surroundings.workers
        self._workers = workers
        self._checkers = Checkers(surroundings.checkers, workers) if surroundings.checkers else None
        checks = partial(find_false, workers=workers) if self._checkers is None else self._checkers.find_false
        checked = CheckedTransactions()
        self._hub = SubscriptionHub(store.tip.height)
        self._store = store
        self._make_links(surroundings)
        self._mempool = Mempool(
            chain_id=self._chain_id,
            checked=checked,
            find_false=checks,
            clock=clock,
            wake=self._wake,
            forward=self._links.forward,
            view=store.view,
        )
        folder = self._make_exchange()
        self._consensus = ConsensusActor(
            name=setup.validator,
            key=setup.validator_key,
            raft=_raft(setup, store, executor, draws),
            executor=executor,
            orderable=self._mempool,
            send=self._links.send,
            on_committed=self._committed,
            snapshots=SnapshotDuties(self._snapshots.offered, self._installed),
            clock=clock,
            draws=draws,
        )
        self._consensus.outsiders = self._book.outsiders
        self._checkpoints: CheckpointActor
        self._evidence: EvidenceKeeper
        self._make_storage(folder, surroundings)
        self._make_evidence(checks, surroundings)
        self._gateway = PeerGateway(
            name=setup.validator,
            consensus=self._consensus,
            mempool=self._mempool,
            snapshots=self._snapshots,
            evidence=self._evidence,
            checked=checked,
            find_false=checks,
            clock=clock,
        )
        self.node = Node(
            setup=setup,
            chain=self._chain_id,
            store=store,
            consensus=self._consensus,
            checkpoints=self._checkpoints,
            mempool=self._mempool,
            hub=self._hub,
            links=self._links,
            clock=clock,
            draws=draws,
        )

    def _make_exchange(self) -> SnapshotFolder:
        setup = self._setup
        folder = self._folder = SnapshotFolder(setup.directory / SNAPSHOTS_DIRECTORY)
        self._snapshots = SnapshotExchange(
            name=setup.validator,
            genesis=genesis_block(self._chain_id, setup.genesis).validators,
            folder=folder,
            send=self._links.send,
            connected=self._links.connected,
            install=self._install,
            standing=self._standing,
            workers=self._workers,
            bytes_per_second=setup.snapshot_bytes_per_second,
        )
        return folder

    def _make_storage(self, folder: SnapshotFolder, surroundings: Surroundings) -> None:
        setup, store = self._setup, self._store
        self._checkpoints = CheckpointActor(
            name=setup.validator,
            chain_id=self._chain_id,
            key=setup.validator_key,
            folder=folder,
            store=store,
            mempool=self._mempool,
            surroundings=surroundings,
            retained_blocks=setup.retained_blocks,
            compact=self._consensus.retain_above,
        )
        self._storage = StorageActor(
            store,
            self._chain_id,
            setup.validator_key,
            self._consensus.job_done,
            self._workers,
            on_checkpoint=self._checkpoints.take_scan,
        )
        self._consensus.storage = self._storage

    def _make_evidence(self, checks: FindFalse, surroundings: Surroundings) -> None:
        consensus, store = self._consensus, self._store
        with store.view() as view:
            book = EvidenceBook(consensus.executor, consensus.raft, store, view.kept_evidence())
        self._evidence = EvidenceKeeper(
            key=self._setup.validator_key,
            book=book,
            store=store,
            mempool=self._mempool,
            show=self._links.show,
            leave=consensus.leave_leader,
            find_false=checks,
            surroundings=surroundings,
        )
        self._evidence.storage = self._storage
        consensus.on_suspicion = self._evidence.suspect

    def _make_links(self, surroundings: Surroundings) -> None:
        setup = self._setup
        identity = {"certificate_path": setup.certificate_path, "private_key_path": setup.private_key_path}
        dialling = client_context(**identity, peer_certificates={})
        self._serving = server_context(**identity, peer_certificates={})
        self._peers = Peers()
        self._links = PeerLinks(
            name=setup.validator,
            chain_id=self._chain_id,
            context=dialling,
            connect=surroundings.connect,
            draws=surroundings.draws,
        )
        self._book = PeerBook(
            own=setup.validator,
            links=self._links,
            peers=self._peers,
            contexts=(dialling, self._serving),
            addresses=setup.peer_addresses,
            contacts=setup.contacts,
        )
        self._book.follow(self._store, self._store.tip.height)

    async def run(self, task_status: trio.TaskStatus[Node]) -> None:
        """Run all actors until one fails or everything is cancelled."""
        setup = self._setup
        async with trio.open_nursery() as nursery:
            await nursery.start(
                partial(
                    serve_peers,
                    address=Address(setup.peer_host, setup.peer_port),
                    local=setup.validator,
                    chain_id=self._chain_id,
                    context=self._serving,
                    peers=self._peers,
                    handler=self._gateway.take_frame,
                    on_change=self._book.heard_of,
                    listen=self._listen,
                )
            )
            nursery.start_soon(self._storage.run)
            if self._checkers is not None:
                nursery.start_soon(self._checkers.run)
            nursery.start_soon(self._consensus.run)
            nursery.start_soon(self._links.run)
            nursery.start_soon(self._checkpoints.run)
            nursery.start_soon(self._evidence.run)
            nursery.start_soon(self._snapshots.run)
            nursery.start_soon(tick_for_ever, setup.timing.tick_ms, self._consensus.tick)
            nursery.start_soon(tick_for_ever, RESEND_EVERY_MS, self._mempool.resend)
            task_status.started(self.node)

    def _wake(self) -> None:
        self._consensus.wake()

    def _committed(self, block: CommittedBlock) -> None:
        height = block.executed.tip.height
        if block.executed.new_configuration is not None:
            self._book.follow(self._store, height)
        self._book.passed(height)
        self._checkpoints.committed(block)
        self._evidence.committed(block)
        self._hub.publish(block)

    def _standing(self) -> Standing:
        raft, members = self._consensus.raft, read_validator_set(self._store)
        votes = self._setup.validator in members.signing
        return Standing(votes, self._store.tip.height, raft.leader)

    async def _install(self, manifest: Manifest, chunks: Callable[[], Iterator[bytes]]) -> str | None:
        return await self._consensus.install(manifest, chunks)

    async def _installed(self, tip: Tip) -> None:
        executor = self._consensus.executor
        executor.start_from(tip)
        await self._workers.compute(partial(execute_log, executor, self._store))
        await self._workers.compute(partial(_keep_fetched, self._folder, tip.height))
        self._book.follow(self._store, tip.height)
        self._mempool.jumped()
        self._hub.jumped(tip.height)
        _check_not_retired(self._setup, self._store)


def _raft(setup: NodeSetup, store: LedgerStore, executor: Executor, draws: RandomDraws) -> Raft:
    timing = setup.timing
    config = RaftConfig(
        id=setup.validator,
        election_ticks_min=timing.election_ticks_min,
        election_ticks_max=timing.election_ticks_max,
        heartbeat_ticks=timing.heartbeat_ticks,
        append_bytes_max=APPEND_BYTES_MAX,
        inflight_messages_max=INFLIGHT_MESSAGES_MAX,
        inflight_bytes_max=INFLIGHT_BYTES_MAX,
        uncommitted_heights_max=setup.uncommitted_heights_max,
    )
    return Raft(
        config=config,
        configurations=executor.configurations(),
        hard_state=store.hard_state,
        base=store.base,
        last=position_of(executor),
        committed=store.tip.height,
        reader=store,
        random=draws,
    )


__all__ = [
    "BlockNotHeld",
    "BlockRecord",
    "CommittedBlock",
    "EvidenceRecord",
    "Node",
    "NodeRetired",
    "NodeSetup",
    "NodeStatus",
    "NodeStopped",
    "PeerStatus",
    "ReadView",
    "RefusedBlock",
    "StoreClosed",
    "SubmitResult",
    "SubmitStatus",
    "Timing",
    "TooManySubscribers",
    "TransactionRecord",
    "run_node",
]
