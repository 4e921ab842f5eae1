"""A simulated disk at the level of LMDB transactions: a commit is there wholly or not at all, and durable once synced.

It keeps what `jifen.store.LedgerStore` keeps and refuses what that refuses. Whoever writes decides by `write` when the
sync has succeeded; until then nothing of the transaction exists, which is what LMDB promises of an unsynced commit.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import final

from jifen.chain.executor import ExecutedBlock, Tip
from jifen.chain.memory import MemoryState
from jifen.codec.blocks import block_hash, decode_block
from jifen.codec.merkle import leaf_hash
from jifen.consensus.messages import Certificate, Entry
from jifen.consensus.types import HardState
from jifen.keys.verification import Claim
from jifen.ledger.types import Record
from jifen.store.entries import read_entry
from jifen.store.errors import StoreDamaged, StoreError
from jifen.store.records import Outcome, StoreBatch

CAPACITY_BYTES = 1 << 40
"""Room on a disk that is not full: more than any simulation writes."""


class DiskWiped(StoreError):
    """There was a store and there is none: what `StoreWiped` says of a real data directory."""


@final
class SimulatedDisk:
    """What one validator has made durable; survives its crashes. A LogReader and a source of state records."""

    def __init__(self, genesis: ExecutedBlock, find_false: Callable[[Sequence[Claim]], list[int]]) -> None:
        self._genesis = genesis
        self._find_false = find_false
        self.started = False
        """Whether a store was ever made here; kept beside the store, as the data directory does."""
        self.capacity_bytes = CAPACITY_BYTES
        self._format()

    def _format(self) -> None:
        self.hard_state = HardState(0, None)
        self.log: list[Entry] = []
        """Entries from height 1 on."""
        self.certificates: dict[int, Certificate] = {}
        self.tip: Tip = self._genesis.tip
        """The committed tip, which state and certificates belong to."""
        self.state = MemoryState(self._genesis.writes)
        self.outcomes: dict[bytes, Outcome] = {}
        """Outcome of every committed transaction, by its id."""
        self._log_end = b""
        """Hash over the last block of the log, kept beside it."""
        self.used_bytes = 0
        self.wiped = False
        self._rotten: dict[int, bytes] = {}

    # Opening.

    def open(self) -> None:
        """Open the store as a starting process does; raises DiskWiped and StoreDamaged."""
        if self.wiped:
            raise DiskWiped("the store is gone; this identity has voted before")
        self.started = True
        found = self.entry(self.tip.height) if self.tip.height else None
        if self.tip.height and (found is None or found.hash != self.tip.hash):
            raise StoreDamaged("log and state differ")
        if self.log and leaf_hash(self._rotten.get(len(self.log), self.log[-1].payload)) != self._log_end:
            raise StoreDamaged("the last block of the log is not the one that was written")

    def wipe(self) -> None:
        """Lose everything but the note that there was something."""
        self._format()
        self.wiped = self.started

    def rot(self, height: int, place: int) -> None:
        """Flip a bit of the log's block at `height`, at byte `place` modulo its length."""
        payload = bytearray(self.log[height - 1].payload)
        payload[place % len(payload)] ^= 1
        self._rotten[height] = bytes(payload)

    def misdirect(self, height: int, from_height: int) -> None:
        """Let the log's block at `height` be overwritten by what was meant for another height."""
        self._rotten[height] = self.log[from_height - 1].payload

    @property
    def rotten(self) -> bool:
        """Whether a block of the log is not what was written."""
        return bool(self._rotten)

    # Reading.

    def entry(self, height: int) -> Entry | None:
        """Return the entry at a height, or None; raises StoreDamaged when it is rotten."""
        if not 1 <= height <= len(self.log):
            return None
        rotten = self._rotten.get(height)
        if rotten is None:
            return self.log[height - 1]
        certificate = self.certificates.get(height)
        certified = None if certificate is None else certificate.hash
        return read_entry(height, rotten, certified, self, self._find_false)

    def certificate(self, height: int) -> Certificate | None:
        """Return the certificate of a committed height, or None."""
        return self.certificates.get(height)

    def get(self, key: bytes) -> Record | None:
        """Return the committed record under a state key, or None."""
        return self.state.get(key)

    def range(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, Record]]:
        """Return the first `limit` committed keys of `start <= key < stop` in ascending order, with their records."""
        return self.state.range(start, stop, limit)

    @property
    def last_height(self) -> int:
        """Height of the last durable entry."""
        return len(self.log)

    def hash_at(self, height: int) -> bytes | None:
        """Return the hash of the durable block at a height, or None."""
        if height == 0:
            return self._genesis.tip.hash
        return self.log[height - 1].hash if height <= len(self.log) else None

    # Writing.

    def fits(self, batches: Iterable[StoreBatch]) -> bool:
        """Whether there is room for the batches."""
        size = sum(len(payload) for batch in batches for _, payload in batch.blocks)
        return self.used_bytes + size <= self.capacity_bytes

    def write(self, batches: Iterable[StoreBatch]) -> None:
        """Make the batches durable, in order."""
        for batch in batches:
            if batch.hard_state is not None:
                self.hard_state = batch.hard_state
            if batch.truncate_from is not None:
                assert batch.truncate_from > self.tip.height, f"block {batch.truncate_from} is committed and stays"
                del self.log[batch.truncate_from - 1 :]
            for height, payload in batch.blocks:
                assert height == len(self.log) + 1, f"block {height} leaves a gap after {len(self.log)}"
                header = decode_block(payload).header
                self.log.append(Entry(height, header.term, block_hash(header), header.parent_hash, payload))
                self.used_bytes += len(payload)
            if self.log:
                self._log_end = leaf_hash(self.log[-1].payload)
            for block in batch.commits:
                tip = block.executed.tip
                assert tip.height == self.tip.height + 1, "a block was committed out of order"
                assert self.hash_at(tip.height) == tip.hash, "committed another block than the durable one"
                self.tip = tip
                self.certificates[tip.height] = block.certificate
                self.state.write(block.executed.writes)
                for receipt in block.executed.receipts:
                    self.outcomes[receipt.transaction_id] = Outcome(tip.height, receipt.rejection)
