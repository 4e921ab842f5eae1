"""A simulated disk at the level of LMDB transactions: a commit is there wholly or not at all, and durable once synced.

It keeps what `jifen.store.LedgerStore` keeps and refuses what that refuses. Whoever writes decides by `write` when the
sync has succeeded; until then nothing of the transaction exists, which is what LMDB promises of an unsynced commit.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import final

import msgspec

from jifen.chain.executor import ExecutedBlock, Tip
from jifen.chain.memory import MemoryState
from jifen.codec.blocks import block_hash, decode_block
from jifen.codec.merkle import leaf_hash
from jifen.consensus.messages import Certificate, Entry
from jifen.consensus.types import HardState, Position
from jifen.keys.verification import Claim
from jifen.ledger.evidence.statements import Evidence
from jifen.ledger.types import Record
from jifen.store.entries import read_entry
from jifen.store.errors import StoreDamaged, StoreError
from jifen.store.records import Outcome, StoreBatch

CAPACITY_BYTES = 1 << 40
"""Room on a disk that is not full: more than any simulation writes."""


class DiskWiped(StoreError):
    """There was a store and there is none: what `StoreWiped` says of a real data directory."""


class WorldSnapshot(msgspec.Struct, frozen=True):
    """A committed state as one validator hands it to another. What proves it to a stranger is tested elsewhere."""

    tip: Tip
    """The block after which the state is."""
    certificate: Certificate | None
    """That block's certificate."""
    records: dict[bytes, bytes]
    """The whole state, encoded; nobody changes it."""

    @property
    def position(self) -> Position:
        """Where a log begins that follows it."""
        return Position(self.tip.height, self.tip.header.term, self.tip.hash)


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
        self.base = Position(0, 0, self._genesis.tip.hash)
        """The highest position whose entry is not here: the genesis block, or what was compacted or installed."""
        self.log: list[Entry] = []
        """Entries above `base`. Invariant: each follows the one before it, the first follows `base`."""
        self.snapshot: WorldSnapshot | None = None
        """The newest snapshot held here. Invariant: there is one when `base` is not block 0, not below `base`."""
        self.outcomes_above = 0
        """Outcomes are known of the blocks above: those below a snapshot came without."""
        self.certificates: dict[int, Certificate] = {}
        self.tip: Tip = self._genesis.tip
        """The committed tip, which state and certificates belong to."""
        self.state = MemoryState(self._genesis.writes)
        self.evidence: dict[tuple[str, int, int, int], Evidence] = {}
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
        if self.tip.height > self.base.height:
            self.entry(self.tip.height)
        if self.hash_at(self.tip.height) != self.tip.hash:
            raise StoreDamaged("log and state differ")
        if self.log and leaf_hash(self._rotten.get(self.last_height, self.log[-1].payload)) != self._log_end:
            raise StoreDamaged("the last block of the log is not the one that was written")

    def wipe(self) -> None:
        """Lose everything but the note that there was something."""
        self._format()
        self.wiped = self.started

    def rot(self, height: int, place: int) -> None:
        """Flip a bit of the log's block at `height`, at byte `place` modulo its length."""
        payload = bytearray(self._held(height).payload)
        payload[place % len(payload)] ^= 1
        self._rotten[height] = bytes(payload)

    def misdirect(self, height: int, from_height: int) -> None:
        """Let the log's block at `height` be overwritten by what was meant for another height."""
        self._rotten[height] = self._held(from_height).payload

    @property
    def rotten(self) -> bool:
        """Whether a block of the log is not what was written."""
        return bool(self._rotten)

    # Reading.

    def entry(self, height: int) -> Entry | None:
        """Return the entry at a height, or None; raises StoreDamaged when it is rotten."""
        if not self.base.height < height <= self.last_height:
            return None
        rotten = self._rotten.get(height)
        if rotten is None:
            return self._held(height)
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
        return self.base.height + len(self.log)

    def _held(self, height: int) -> Entry:
        return self.log[height - self.base.height - 1]

    def hash_at(self, height: int) -> bytes | None:
        """Return the hash of the durable block at a height, or None."""
        if height == self.base.height:
            return self.base.hash
        return self._held(height).hash if self.base.height < height <= self.last_height else None

    # Writing.

    def fits(self, batches: Iterable[StoreBatch]) -> bool:
        """Whether there is room for the batches."""
        size = sum(len(payload) for batch in batches for _, payload in batch.blocks)
        return self.used_bytes + size <= self.capacity_bytes

    def write(self, batches: Iterable[StoreBatch]) -> None:
        """Make the batches durable, in order."""
        for batch in batches:
            for evidence in batch.evidence_dropped:
                self.evidence.pop(evidence.place, None)
            self.evidence.update((evidence.place, evidence) for evidence in batch.evidence)
            if batch.hard_state is not None:
                self.hard_state = batch.hard_state
            if batch.truncate_from is not None:
                assert batch.truncate_from > self.tip.height, f"block {batch.truncate_from} is committed and stays"
                del self.log[batch.truncate_from - self.base.height - 1 :]
            for height, payload in batch.blocks:
                assert height == self.last_height + 1, f"block {height} leaves a gap after {self.last_height}"
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

    def compact(self, height: int) -> None:
        """Keep a snapshot of the committed state, and drop the blocks up to `height`, which is committed."""
        assert height <= self.tip.height, f"block {height} is not committed and stays"
        if height <= self.base.height:
            return
        if self.snapshot is None or self.snapshot.tip.height < self.tip.height:
            certificate = self.certificates.get(self.tip.height)
            self.snapshot = WorldSnapshot(self.tip, certificate, dict(self.state.records))
        entry = self._held(height)
        del self.log[: height - self.base.height]
        self._begin_at(Position(height, entry.term, entry.hash))

    def install(self, snapshot: WorldSnapshot) -> None:
        """Put a snapshot's state in place of the present one. Entries that follow it stay, others go."""
        position = snapshot.position
        follows = self.hash_at(position.height) == position.hash
        self.log = self.log[position.height - self.base.height :] if follows else []
        self._begin_at(position)
        if snapshot.certificate is not None:
            self.certificates[position.height] = snapshot.certificate
        self.tip, self.snapshot = snapshot.tip, snapshot
        self.state = MemoryState(snapshot.records.items())
        self.outcomes = {}
        self.outcomes_above = position.height
        if self.hard_state.term < position.term:
            self.hard_state = HardState(position.term, None)

    def _begin_at(self, position: Position) -> None:
        self.base = position
        self.certificates = {height: item for height, item in self.certificates.items() if height > position.height}
        last = self.last_height
        self._rotten = {height: data for height, data in self._rotten.items() if position.height < height <= last}
