"""Making checkpoints: scanning the state at their heights, attesting the root, and keeping what a quorum certifies.

Nothing waits for this actor. A validator that is too slow, or cannot write its disk, lacks a snapshot and says so.
"""

from collections.abc import Callable
from functools import partial
from typing import final

import structlog
import trio

from jifen.actors.mempool import Mempool
from jifen.actors.surroundings import Surroundings
from jifen.chain.checkpoints import SNAPSHOT_FORMAT, Manifest, frontier_before
from jifen.chain.sealing import seal
from jifen.keys.signing import KeyPair
from jifen.ledger.checkpoints.records import AttestCheckpoint, Checkpoint, CheckpointAttested
from jifen.ledger.governance.validators import read_validator_set
from jifen.store.errors import DAMAGED_ADVICE, StoreDamaged
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock
from jifen.store.scan import StateScan
from jifen.store.snapshots import SnapshotFolder, SnapshotWriter
from jifen.store.view import ReadView

SCAN_REST = 3.0
"""Rest after each chunk of a scan, in times of what it took: the scan uses a quarter of one processor at most."""

ATTEST_AGAIN_SECONDS = 60.0
"""How often to look whether an attestation was lost on its way."""

ATTESTATION_LIFETIME_MS = 60 * 60 * 1000
"""How long an attestation may wait for a block; a lost one is made again."""

NONCE_BYTES = 12
"""Random bytes of an attestation."""

log = structlog.get_logger()


@final
class CheckpointActor:
    """Makes this validator's snapshots."""

    def __init__(
        self,
        *,
        name: str,
        chain_id: bytes,
        key: KeyPair,
        folder: SnapshotFolder,
        store: LedgerStore,
        mempool: Mempool,
        surroundings: Surroundings,
        retained_blocks: int,
        compact: Callable[[int], None],
    ) -> None:
        """`compact` is told, without waiting, up to which height blocks need not be kept; `retained_blocks` of 0 keeps
        all of them."""
        self._name = name
        self._chain_id = chain_id
        self._key = key
        self._folder = folder
        self._store = store
        self._mempool = mempool
        self._clock, self._draws = surroundings.clock, surroundings.draws
        self._workers = surroundings.workers
        self._retained_blocks = retained_blocks
        self._compact = compact
        self._scan: StateScan | None = None
        """The scan to be made, or under way."""
        self._next: StateScan | None = None
        """A scan for which the one under way is given up."""
        self._wake = trio.Event()
        self._wake.set()
        self.newest: int | None = None
        """Height of the newest certified snapshot that is held here."""

    def take_scan(self, scan: StateScan) -> None:
        """Take over the state at a checkpoint; while another is being scanned, the rounder of the two is kept.

        Validators too slow for every checkpoint thus meet at the same ones: if each just took the next when it was
        done with one, a quorum might never have scanned the same height.
        """
        if self._scan is None:
            self._scan = scan
        elif _roundness(scan.tip.height) > _roundness((self._next or self._scan).tip.height):
            if self._next is not None:
                self._next.close()
            self._next = scan
        else:
            log.warning("checkpoint left out: the one before is still being written", height=scan.tip.height)
            scan.close()
        self._wake.set()

    def committed(self, block: CommittedBlock) -> None:
        """Learn of a committed block; one that certifies a checkpoint is acted upon."""
        for receipt in block.executed.receipts:
            if any(isinstance(effect, CheckpointAttested) and effect.certified for effect in receipt.effects):
                self._wake.set()

    async def run(self) -> None:
        """Make, attest and certify for ever; raises StoreDamaged when a quorum attests another state than this one."""
        try:
            await self._workers.compute(self._folder.prepare)
            while True:
                with trio.move_on_after(ATTEST_AGAIN_SECONDS):
                    await self._wake.wait()
                self._wake = trio.Event()
                try:
                    await self._work()
                except OSError as error:
                    log.warning("snapshots cannot be written; check the disk", reason=str(error))
        finally:
            for scan in (self._scan, self._next):
                if scan is not None:
                    scan.close()

    async def _work(self) -> None:
        while self._scan is not None:
            try:
                await self._make(self._scan)
            finally:
                self._scan.close()
                self._scan, self._next = self._next, None
        await self._attest_what_is_not()
        if await self._workers.compute(self._certify):
            newest = self.newest
            assert newest is not None
            log.info("checkpoint certified", height=newest)
        if self.newest is not None and self._retained_blocks:
            self._compact(self.newest - self._retained_blocks)

    async def _make(self, scan: StateScan) -> None:
        writer = await self._workers.compute(partial(self._folder.make, scan.tip.height))
        try:
            while self._next is None:
                started = trio.current_time()
                if not await self._workers.compute(partial(_write_chunk, scan, writer)):
                    break
                await trio.sleep((trio.current_time() - started) * SCAN_REST)
            if self._next is not None:
                log.warning("checkpoint left out: it took too long", height=scan.tip.height)
                writer.drop()
                return
            draft = Manifest(
                SNAPSHOT_FORMAT, scan.tip.header, frontier_before(scan.tip), scan.certificate(), tuple(writer.leaves)
            )
            await self._workers.compute(partial(writer.finish, draft))
        except BaseException:
            writer.drop()
            raise
        log.info("checkpoint taken", height=draft.height, chunks=len(draft.chunks), root=draft.root.hex())

    async def _attest_what_is_not(self) -> None:
        drafts = await self._workers.compute(self._drafts)
        with self._store.view() as view:
            unsaid = [draft for draft in drafts if self._may_attest(view, draft)]
        for draft in unsaid:
            body = AttestCheckpoint(
                expires_at=self._clock() + ATTESTATION_LIFETIME_MS,
                nonce=self._draws.randbytes(NONCE_BYTES),
                validator=self._name,
                height=draft.height,
                block_hash=draft.tip.hash,
                root=draft.root,
            )
            signed = seal(self._chain_id, body, self._key).signed
            [result] = await self._mempool.submit([signed], wait=False, timeout_seconds=0)
            if result.rejection is not None or result.error is not None:
                log.info("attestation not taken in", height=draft.height, reason=result.message)

    def _drafts(self) -> list[Manifest]:
        return [draft for draft in map(self._folder.draft, self._folder.heights()) if draft is not None]

    def _may_attest(self, view: ReadView, draft: Manifest) -> bool:
        """Tell whether this validator votes, and has not said its word on this checkpoint, which is a recent one."""
        members, checkpoints = read_validator_set(view), view.checkpoints()
        if self._name not in (*members.voters, *members.outgoing):
            return False
        found = checkpoints.at(draft.height)
        if found is None:
            return not checkpoints.recent or draft.height > checkpoints.recent[-1].height
        return all(item.validator != self._name for item in found.attestations)

    def _certify(self) -> bool:
        """Complete the drafts that a quorum has certified; return whether there was one. Runs on a worker thread."""
        done = False
        with self._store.view() as view:
            for checkpoint in view.checkpoints().recent:
                draft = self._folder.draft(checkpoint.height)
                if checkpoint.certified_root is None or draft is None or self._folder.manifest(checkpoint.height):
                    continue
                self._compare(draft, checkpoint)
                manifest = completed(view, draft, checkpoint)
                if manifest is not None:
                    self._folder.certify(manifest)
                    done = True
        self._folder.prune()
        newest = self._folder.newest()
        self.newest = None if newest is None else newest.height
        return done

    def _compare(self, draft: Manifest, checkpoint: Checkpoint) -> None:
        if (draft.root, draft.tip.hash) != (checkpoint.certified_root, checkpoint.certified_hash):
            raise StoreDamaged(
                f"a quorum attests another state after block {draft.height} than the one that is stored here; "
                f"{DAMAGED_ADVICE}"
            )


def _roundness(height: int) -> int:
    """Return the largest power of two that divides a height: higher ones are so much rarer."""
    return height & -height


def _write_chunk(scan: StateScan, writer: SnapshotWriter) -> bool:
    chunk = scan.next_chunk()
    if chunk is not None:
        writer.add(chunk)
    return chunk is not None


def completed(view: ReadView, draft: Manifest, checkpoint: Checkpoint) -> Manifest | None:
    """Return the draft with the attestations of those who agree, or None when their blocks are not held here."""
    assert checkpoint.certified_hash is not None
    assert checkpoint.certified_root is not None
    agreeing = checkpoint.agreeing(checkpoint.certified_hash, checkpoint.certified_root)
    records = [view.transaction(item.transaction_id) for item in checkpoint.attestations if item.validator in agreeing]
    held = tuple(record.bytes for record in records if record is not None)
    if len(held) < len(records):
        return None
    return Manifest(
        draft.format,
        draft.header,
        draft.history,
        draft.certificate,
        draft.chunks,
        view.configuration_changes(),
        held,
    )
