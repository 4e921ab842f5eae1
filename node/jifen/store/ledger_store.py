"""The LMDB environment of one validator.

Tables: `meta` (format, vote, committed tip, where the log begins), `log` (height -> block bytes, committed or not),
`certificates` and `receipts` (height -> bytes, committed only), `state` (record key -> record bytes at the committed
height), `transactions` (id -> height, index, rejection; committed only) and `evidence` (place -> proof).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, final

import lmdb

from jifen.chain.checkpoints import ConfigurationChange, Manifest
from jifen.chain.executor import ExecutedBlock, Tip
from jifen.codec.blocks import FORMAT_VERSION, decode_certificate
from jifen.codec.canonical import StrictDecoder, encode
from jifen.codec.errors import Malformed
from jifen.codec.merkle import leaf_hash
from jifen.codec.records import decode_record
from jifen.consensus.messages import Certificate, Entry
from jifen.consensus.types import HardState, Position
from jifen.ledger.types import Record
from jifen.store import log_range
from jifen.store.entries import read_entry
from jifen.store.errors import (
    DAMAGED_ADVICE,
    FormatUnknown,
    StoreClosed,
    StoreDamaged,
    StoreError,
    StoreFailed,
    StoreFull,
    StoreWiped,
    WrongChain,
    damaged,
)
from jifen.store.evidence import evidence_place
from jifen.store.limits import MAP_BYTES_DEFAULT
from jifen.store.records import CommittedBlock, StoreBatch, cut_after
from jifen.store.scan import StateScan
from jifen.store.view import BASE_KEY, CHANGE_KEY, ReadView, decode_position, height_key, read_range
from jifen.store.whole import filled_up

READERS_MAX: Final = 512
"""Read snapshots open at once: every API request holds one for a moment, never across a wait."""

TIP_BYTES_MAX: Final = 8192
"""Largest committed tip: a header and at most 53 subtree roots."""

_LOG_END: Final = b"log_end"
"""Key of a hash over the last block of the log. Every block below is named by the one above it; the last one's name
comes from its own bytes, so that a flipped bit in its term or time would pass for another block."""

_META, _LOG, _CERTIFICATES, _RECEIPTS = b"meta", b"log", b"certificates", b"receipts"
_STATE, _TRANSACTIONS, _EVIDENCE = b"state", b"transactions", b"evidence"

_decode_tip: Final[StrictDecoder[Tip]] = StrictDecoder(Tip, what="committed tip", bytes_max=TIP_BYTES_MAX)
_decode_hard_state: Final[StrictDecoder[HardState]] = StrictDecoder(HardState, what="hard state", bytes_max=256)


@final
class LedgerStore:
    """Open store. `write` belongs to one thread; everything else may be called from any.

    Invariant: the committed tip, the state, the receipts and the certificates are of one height; the log reaches at
    least to it, from the block above `base` on and without a gap. Block 0 is held besides.
    """

    def __init__(
        self,
        path: Path,
        genesis: ExecutedBlock,
        map_bytes: int = MAP_BYTES_DEFAULT,
        *,
        may_be_new: bool = True,
        checkpoint_blocks: int = 0,
    ) -> None:
        """Open the store under `path`, writing block 0 into a new one.

        Args:
            path: directory of the store; made when it is not there.
            genesis: block 0 of the alliance.
            map_bytes: largest size of the store.
            may_be_new: False where a store was made before: one that holds nothing has then lost it.
            checkpoint_blocks: heights that this divides can be scanned; zero divides none.

        Raises:
            StoreWiped: it is empty and must not be.
            WrongChain: it belongs to another chain than `genesis`.
            FormatUnknown: it was written by a newer version.
            StoreDamaged: it contradicts itself.
            StoreError: it cannot be opened at all.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._closed = False
            self._env = lmdb.open(str(path), map_size=map_bytes, max_dbs=7, max_readers=READERS_MAX)
        except (lmdb.Error, OSError) as error:
            raise StoreError(f"the store {path} cannot be opened: {error}") from None
        self._path = path
        self._failed = False
        self._checkpoint_blocks = checkpoint_blocks
        self._scan: StateScan | None = None
        try:
            with filled_up(self._env, path):
                names = (_META, _LOG, _CERTIFICATES, _RECEIPTS, _STATE, _TRANSACTIONS, _EVIDENCE)
                self._tables = {name: self._env.open_db(name) for name in names}
                self._check_identity(genesis, may_be_new)
                self._clear_stale_readers()
                self.tip = self._read_tip()
                self.base = self._read_base(genesis)
                self._check_log()
                _ = self.hard_state  # damage is found before anybody relies on it
        except (Malformed, ValueError, AssertionError, lmdb.Error) as error:
            self._env.close()
            raise StoreDamaged(f"the store {path} is damaged ({error}); {DAMAGED_ADVICE}") from error
        except BaseException:
            self._env.close()
            raise
        self.genesis_hash = genesis.tip.hash

    def close(self) -> None:
        """Close the environment; open views must be closed before."""
        self._closed = True
        self._env.close()

    def write(self, batches: Iterable[StoreBatch]) -> None:
        """Make the batches durable with one sync; raises StoreFailed, after which nothing more is written.

        When this returns, the data is on the disk and `view` and `load` see it. Blocks of heights that
        `checkpoint_blocks` divides end a transaction, and with it a sync, of their own: the state just after each can
        then be scanned (`take_scan`).
        """
        with self._writing():
            for part, is_checkpoint in cut_after(batches, self._checkpoint_blocks):
                tip = self.tip
                with self._env.begin(write=True) as transaction:
                    for batch in part:
                        tip = self._write_batch(transaction, batch, tip)
                self.tip = tip
                if is_checkpoint and self._scan is None:
                    self._scan = StateScan(self._env.begin(), self._tables, tip)

    def take_scan(self) -> StateScan | None:
        """Return the scan of the checkpoint last passed, which the caller closes, or None."""
        scan, self._scan = self._scan, None
        return scan

    def install(self, manifest: Manifest, records: Iterable[Sequence[tuple[bytes, bytes]]]) -> None:
        """Put a snapshot's state in place of the present one, in one transaction; raises StoreFailed.

        Args:
            manifest: what the snapshot is; verified, and of a block above the committed one.
            records: all (key, record bytes) pairs of the state, the keys ascending, some at a time.

        Whatever `records` raises is raised on, and nothing has changed then.
        """
        tip = manifest.tip
        assert tip.height > self.tip.height, f"snapshot {tip.height} is not above block {self.tip.height}"
        hard_state = self.hard_state
        with self._writing():
            with self._env.begin(write=True) as transaction:
                base = log_range.replace_state(transaction, self._tables, tip, manifest.certificate, records)
                for change in manifest.configurations:
                    key = CHANGE_KEY + height_key(change.header.height)
                    transaction.put(key, encode(change), db=self._tables[_META])
                log_range.raise_term(transaction, self._tables, hard_state, tip.header.term)
                self._note_log_end(transaction)
            self.tip, self.base = tip, base

    def compact(self, height: int) -> bool:
        """Drop some of the blocks up to `height`, which is committed; return whether any are left to drop.

        One transaction of bounded size, so that what waits for the disk meanwhile waits no longer than for a block.
        """
        assert height <= self.tip.height, f"block {height} is not committed and stays"
        if height > self.base.height:
            with self._writing():
                with self._env.begin(write=True) as transaction:
                    base = log_range.drop_slice(transaction, self._tables, self.base, height)
                    self._note_log_end(transaction)
                self.base = base
        return height > self.base.height

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._failed:
            raise StoreFailed(f"the store {self._path} failed before; restart the validator")
        try:
            yield
        except lmdb.MapFullError:
            self._failed = True
            raise StoreFull(
                f"the store {self._path} has reached its limit; raise store_map_bytes in node.toml and start again"
            ) from None
        except AssertionError:
            self._failed = True
            raise
        except (lmdb.Error, OSError) as error:
            self._failed = True
            raise StoreFailed(
                f"writing the store {self._path} failed ({error}); check the disk's space and health, then start again"
            ) from None

    def get(self, key: bytes) -> Record | None:
        """Return the committed record under a state key, or None.

        Raises StoreFailed when the disk does not read, StoreDamaged when what it reads makes no sense.
        """
        data = self._get(_STATE, key)
        try:
            return None if data is None else decode_record(key, data)
        except Malformed as error:
            raise damaged("a record of the state", error) from None

    def range(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, Record]]:
        """Return the first `limit` committed keys of `start <= key < stop` in ascending order, with their records.

        Raises as `get`.
        """
        try:
            with self._env.begin(db=self._tables[_STATE]) as transaction:
                return read_range(transaction, self._tables[_STATE], start, stop, limit)
        except Malformed as error:
            raise damaged("a record of the state", error) from None
        except lmdb.Error as error:
            raise StoreFailed(f"reading the store {self._path} failed ({error}); check the disk's health") from error

    @contextmanager
    def view(self) -> Iterator[ReadView]:
        """Open a read snapshot at one height; close it before anything is awaited. Raises StoreClosed after `close`."""
        if self._closed:
            raise StoreClosed
        with self._env.begin() as transaction:
            tip = transaction.get(b"tip", db=self._tables[_META])
            assert tip is not None, "the store lost its committed tip"
            yield ReadView(transaction, self._tables, _decode_tip(bytes(tip)))

    def position(self, height: int) -> Position | None:
        """Return the position of the log's block at a height, or None; `base` has one."""
        if height == self.base.height:
            return self.base
        entry = self.entry(height)
        return None if entry is None else Position(entry.height, entry.term, entry.hash)

    def entry(self, height: int) -> Entry | None:
        """Return the log entry at a height, committed or not, or None; part of the consensus `LogReader`.

        Raises StoreDamaged when it is not what was written.
        """
        key = height_key(height)
        data = self._get(_LOG, key)
        if data is None or height == 0:
            return None
        certificate = self.certificate(height)
        return read_entry(height, data, None if certificate is None else certificate.hash, self)

    def certificate(self, height: int) -> Certificate | None:
        """Return the certificate of a committed height, or None; part of the consensus `LogReader`.

        Raises StoreDamaged when it is none: Malformed would lay the blame on a peer.
        """
        data = self._get(_CERTIFICATES, height_key(height))
        try:
            return None if data is None else decode_certificate(data)
        except Malformed as error:
            raise damaged(f"the certificate of block {height}", error) from None

    @property
    def hard_state(self) -> HardState:
        """Term and vote, as they are on the disk."""
        data = self._get(_META, b"hard_state")
        return HardState(0, None) if data is None else _decode_hard_state(data)

    @property
    def last_height(self) -> int:
        """Height of the last log entry, or where the log begins when there is none."""
        with self._env.begin(db=self._tables[_LOG]) as transaction, transaction.cursor() as cursor:
            found = cursor.last()
            assert found, "the log lost block 0"
            return max(self.base.height, int.from_bytes(cursor.key(), "big"))

    def _get(self, table: bytes, key: bytes) -> bytes | None:
        try:
            with self._env.begin(db=self._tables[table]) as transaction:
                data = transaction.get(key)
        except lmdb.Error as error:
            raise StoreFailed(f"reading the store {self._path} failed ({error}); check the disk's health") from error
        return None if data is None else bytes(data)

    def _write_batch(self, transaction: lmdb.Transaction, batch: StoreBatch, tip: Tip) -> Tip:
        tables = self._tables
        if batch.hard_state is not None:
            transaction.put(b"hard_state", encode(batch.hard_state), db=tables[_META])
        if batch.truncate_from is not None:
            assert batch.truncate_from > tip.height, f"block {batch.truncate_from} is committed and stays"
            _truncate(transaction, tables[_LOG], batch.truncate_from)
        for height, payload in batch.blocks:
            transaction.put(height_key(height), payload, db=tables[_LOG])
        if batch.blocks or batch.truncate_from is not None:
            self._note_log_end(transaction)
        for block in batch.commits:
            assert block.executed.tip.height == tip.height + 1, "a block was committed out of order"
            self._write_commit(transaction, block)
            tip = block.executed.tip
        if batch.commits:
            transaction.put(b"tip", encode(tip), db=tables[_META])
        for evidence in batch.evidence_dropped:
            transaction.delete(evidence_place(evidence), db=tables[_EVIDENCE])
        for evidence in batch.evidence:
            transaction.put(evidence_place(evidence), encode(evidence), db=tables[_EVIDENCE])
        return tip

    def _note_log_end(self, transaction: lmdb.Transaction) -> None:
        last = leaf_hash(_last_block(transaction, self._tables[_LOG]))
        transaction.put(_LOG_END, last, db=self._tables[_META])

    def _write_commit(self, transaction: lmdb.Transaction, block: CommittedBlock) -> None:
        tables, executed = self._tables, block.executed
        key = height_key(executed.tip.height)
        transaction.put(key, encode(block.certificate), db=tables[_CERTIFICATES])
        transaction.put(key, _joined(executed.encoded_receipts), db=tables[_RECEIPTS])
        with transaction.cursor(tables[_STATE]) as cursor:
            cursor.putmulti([(name, value) for name, value in executed.writes if value is not None])
        for name, value in executed.writes:
            if value is None:
                found = transaction.delete(name, db=tables[_STATE])
                assert found, f"block {executed.tip.height} deletes the record {name.hex()}, which is not there"
        positions = [
            (receipt.transaction_id, key + index.to_bytes(4, "big") + bytes([receipt.rejection]))
            for index, receipt in enumerate(executed.receipts)
        ]
        with transaction.cursor(tables[_TRANSACTIONS]) as cursor:
            cursor.putmulti(sorted(positions))

        if executed.new_configuration is not None and executed.new_configuration.joint:
            change = ConfigurationChange.of(executed, block.certificate)
            transaction.put(CHANGE_KEY + key, encode(change), db=tables[_META])

    def _check_identity(self, genesis: ExecutedBlock, may_be_new: bool) -> None:
        with self._env.begin(write=True) as transaction:
            meta = self._tables[_META]
            version = transaction.get(b"format", db=meta)
            if version is None:
                if not may_be_new:
                    raise StoreWiped(self._path.parent, self._path.name)
                self._write_genesis(transaction, genesis)
                return
            if int(version) != FORMAT_VERSION:
                raise FormatUnknown(
                    f"the store {self._path} has format {int(version)}, this version reads {FORMAT_VERSION}; "
                    "use the version that wrote it, or an empty directory"
                )
            if transaction.get(height_key(0), db=self._tables[_LOG]) != genesis.payload:
                raise WrongChain(
                    f"the store {self._path} belongs to another alliance than genesis.json beside it; "
                    "put the right genesis.json back, or use an empty directory"
                )

    def _write_genesis(self, transaction: lmdb.Transaction, genesis: ExecutedBlock) -> None:
        tables = self._tables
        transaction.put(b"format", str(FORMAT_VERSION).encode(), db=tables[_META])
        transaction.put(b"tip", encode(genesis.tip), db=tables[_META])
        transaction.put(height_key(0), genesis.payload, db=tables[_LOG])
        transaction.put(height_key(0), _joined(()), db=tables[_RECEIPTS])
        for key, value in genesis.writes:
            assert value is not None, "block 0 deletes nothing"
            transaction.put(key, value, db=tables[_STATE])

    def _clear_stale_readers(self) -> None:
        # A killed process leaves its reader slots behind, which would keep old pages alive for ever.
        self._env.reader_check()

    def _read_tip(self) -> Tip:
        with self.view() as view:
            return view.tip

    def _read_base(self, genesis: ExecutedBlock) -> Position:
        data = self._get(_META, BASE_KEY)
        return Position(0, 0, genesis.tip.hash) if data is None else decode_position(data)

    def _check_log(self) -> None:
        # A leader with a hole in its log could never bring a peer up to date; a tip that the log does not hold means
        # that files of different stores were mixed.
        committed = self.position(self.tip.height)
        assert committed is not None, "the log lacks the committed block"
        assert committed.hash == self.tip.hash, "log and state differ"
        with self._env.begin(db=self._tables[_LOG]) as transaction:
            written = transaction.get(_LOG_END, db=self._tables[_META])
            found = leaf_hash(_last_block(transaction, self._tables[_LOG]))
            assert written in (None, found), "the last block of the log is not the one that was written"
            missing = self.last_height - self.base.height + 1 - transaction.stat(self._tables[_LOG])["entries"]
        assert missing == 0, f"{missing} blocks of the log are missing"


def _truncate(transaction: lmdb.Transaction, table: Any, first: int) -> None:
    with transaction.cursor(table) as cursor:
        found = cursor.set_range(height_key(first))
        while found:
            found = cursor.delete()


def _last_block(transaction: lmdb.Transaction, table: Any) -> bytes:
    with transaction.cursor(table) as cursor:
        found = cursor.last()
        assert found, "the log lost block 0"
        return bytes(cursor.value())


def _joined(receipts: tuple[bytes, ...]) -> bytes:
    count = len(receipts)
    assert count < 1 << 16, f"{count} receipts in one block"
    head = bytes([0x90 | count]) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
    return head + b"".join(receipts)
