"""The storage actor: the one writer of the store.

It takes whatever waits, writes it in one transaction under one sync, and only then lets out what depends on it: the
acknowledgements, which it signs here, and the news of committed blocks.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import final

import msgspec
import trio

from jifen.actors.mailbox import Mailbox
from jifen.actors.surroundings import Workers
from jifen.chain.checkpoints import Manifest, ascending
from jifen.chain.statements import acknowledgement
from jifen.consensus.messages import AckSignature, AppendResponse, Message
from jifen.keys.signing import KeyPair
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.store.scan import StateScan

JOBS_WAITING_MAX = 16
"""Jobs that may wait while one is synced: a pipeline's worth; then consensus waits for the disk."""


class Acknowledgement(msgspec.Struct, frozen=True):
    """A successful AppendResponse and the blocks it still has to sign for."""

    response: AppendResponse
    blocks: tuple[tuple[int, bytes, bytes], ...]
    """(height, hash, hash of the validator set that certifies it), ascending."""


class StorageJob(msgspec.Struct, frozen=True):
    """One output of consensus, ready for the disk."""

    batch: StoreBatch | None
    """What to make durable; None when only an earlier job must be waited for."""
    messages: tuple[Message | Acknowledgement, ...]
    """What may be sent once this and every earlier job is durable."""


class JobDone(msgspec.Struct, frozen=True):
    """A durable job."""

    messages: tuple[Message, ...]
    commits: tuple[CommittedBlock, ...]


class Compaction(msgspec.Struct, frozen=True):
    """Old blocks to be dropped, a slice at a time."""

    height: int
    """Highest of them."""


class Keeping(msgspec.Struct, frozen=True):
    """Something to be made durable that consensus need not know of."""

    batch: StoreBatch
    done: trio.Event
    """Set when it is."""


@final
class StorageActor:
    """Writes jobs in the order given. A failed write ends the actor, and with it the validator."""

    def __init__(
        self,
        store: LedgerStore,
        chain_id: bytes,
        key: KeyPair,
        on_done: Callable[[JobDone], None],
        workers: Workers,
        *,
        on_checkpoint: Callable[[StateScan], None] = StateScan.close,
    ) -> None:
        """`on_done` is called on the event loop for every job, in order; it must not block. `on_checkpoint` is handed
        the state at a checkpoint that the store has passed, to be scanned and closed."""
        self._store = store
        self._chain_id = chain_id
        self._key = key
        self._on_done = on_done
        self._mailbox: Mailbox[StorageJob | Compaction | Keeping] = Mailbox(JOBS_WAITING_MAX)
        self._workers = workers
        self._on_checkpoint = on_checkpoint

    async def submit(self, job: StorageJob) -> None:
        """Hand over a job; waits while the disk is behind."""
        await self._mailbox.put(job)

    async def run(self) -> None:
        """Write for ever; raises StoreFailed."""
        while True:
            taken = await self._mailbox.take_all()
            jobs = [item for item in taken if isinstance(item, StorageJob)]
            keepings = [item for item in taken if isinstance(item, Keeping)]
            # A sync that has begun must be seen to its end: its outcome decides what may be acknowledged.
            done = await self._workers.store(partial(self._write, jobs, [item.batch for item in keepings]))
            for item in done:
                self._on_done(item)
            for kept in keepings:
                kept.done.set()
            scan = self._store.take_scan()
            if scan is not None:
                self._on_checkpoint(scan)
            await self._compact(max((item.height for item in taken if isinstance(item, Compaction)), default=0))

    async def keep(self, batch: StoreBatch) -> None:
        """Make something durable beside the ledger; returns when it is."""
        done = trio.Event()
        await self._mailbox.put(Keeping(batch, done))
        await done.wait()

    def compact(self, height: int) -> None:
        """Drop the blocks up to a committed height, between the writes of jobs; a higher height replaces a lower."""
        self._mailbox.put_at_once(Compaction(height))

    async def install(self, manifest: Manifest, chunks: Callable[[], Iterator[bytes]]) -> None:
        """Put a verified snapshot in place of the state while no job is under way.

        Raises SnapshotInvalid when a chunk turns out damaged, StoreFailed when the disk does; then nothing has changed.
        """
        await self._workers.store(lambda: self._store.install(manifest, ascending(chunks())))

    async def _compact(self, height: int) -> None:
        if height and await self._workers.store(partial(self._store.compact, height)):
            # Behind the jobs that have come meanwhile: a slice never delays more than one of them.
            self._mailbox.put_at_once(Compaction(height))

    def _write(self, jobs: list[StorageJob], more: list[StoreBatch]) -> list[JobDone]:
        batches = [*(job.batch for job in jobs if job.batch is not None), *more]
        if batches:
            self._store.write(batches)
        return [self._finish(job) for job in jobs]

    def _finish(self, job: StorageJob) -> JobDone:
        messages = tuple(self._sign(item) if isinstance(item, Acknowledgement) else item for item in job.messages)
        return JobDone(messages, job.batch.commits if job.batch else ())

    def _sign(self, item: Acknowledgement) -> AppendResponse:
        term = item.response.term
        signatures = tuple(
            AckSignature(height, name, self._key.sign(acknowledgement(self._chain_id, set_hash, term, height, name)))
            for height, name, set_hash in item.blocks
        )
        return msgspec.structs.replace(item.response, signatures=signatures)
