"""Replaying a data directory: every commitment it holds is computed again from genesis and compared.

The store is opened read-only and read with this module's own eyes: raw bytes, strictly decoded, so that what a running
validator would skip over is seen here. What is checked, block by block: canonical bytes, every transaction's
signatures, the hash chain, every field of the header (by executing the block), the certificate under the validator set,
the stored receipts and the index of transactions. At the end: the committed tip, the state record by record, the
invariants.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any, Final, final

import lmdb
import msgspec

from jifen import config
from jifen.actors.checkpoints import completed
from jifen.chain.anchor import genesis_block
from jifen.chain.checkpoints import (
    SNAPSHOT_FORMAT,
    Manifest,
    SnapshotInvalid,
    ascending,
    frontier_before,
    pack,
    verify_manifest,
)
from jifen.chain.executor import BlockInvalid, ExecutedBlock, Executor, Tip
from jifen.chain.gateway import open_transaction
from jifen.chain.memory import MemoryState
from jifen.chain.statements import proposal
from jifen.chain.validators import CertificateInvalid
from jifen.codec.blocks import FORMAT_VERSION, Block, block_hash, decode_block, decode_certificate, decode_receipts
from jifen.codec.canonical import StrictDecoder
from jifen.codec.errors import Malformed
from jifen.codec.genesis import chain_id
from jifen.codec.records import decode_record
from jifen.consensus.types import Position
from jifen.keys.verification import Claim, false_claims, is_signed
from jifen.ledger.checking import InvariantBroken
from jifen.ledger.checkpoints.attesting import read_checkpoints
from jifen.ledger.checkpoints.records import Checkpoint
from jifen.ledger.genesis import Genesis
from jifen.ledger.invariants import check_all
from jifen.ledger.state import StateReader
from jifen.ledger.transactions import Transaction
from jifen.store.directory import STORE_DIRECTORY, locked_directory
from jifen.store.errors import FormatUnknown, StoreError, WrongChain
from jifen.store.ledger_store import TIP_BYTES_MAX, LedgerStore
from jifen.store.snapshots import SNAPSHOTS_DIRECTORY, SnapshotFolder
from jifen.store.view import BASE_KEY, decode_position

_TABLES: Final = (b"meta", b"log", b"certificates", b"receipts", b"state", b"transactions")
_decode_tip: Final[StrictDecoder[Tip]] = StrictDecoder(Tip, what="committed tip", bytes_max=TIP_BYTES_MAX)


class Contradiction(Exception):
    """The directory contradicts itself or genesis: a damaged disk, somebody else's writing, or wrong software."""

    def __init__(self, height: int, what: str) -> None:
        super().__init__(f"block {height}: {what}")
        self.height = height
        """Height at which it shows first; the committed height when it is in the state as a whole."""
        self.what = what


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """What a replay without a contradiction has established."""

    directory: str
    organization: str
    chain_id: str
    height: int
    """Committed height."""
    state_digest: str
    blocks: int
    """Blocks replayed, genesis included."""
    transactions: int
    """Transactions executed again, each with its signatures checked."""
    signatures: int
    """Signatures of transactions and certificates checked."""
    certificates: int
    records: int
    """Records of the state compared."""
    uncommitted: int
    """Blocks of the log above the committed height; they carry no certificate yet."""
    seconds: float
    hashes: bytes
    """Hashes of all blocks from `first_height` on, 32 bytes each."""
    first_height: int = 0
    """0 when everything was replayed; else the height of the certified snapshot that the replay began with, because
    the directory does not hold what came before."""

    def hash_at(self, height: int) -> bytes:
        """Return the hash of the block at a height."""
        place = 32 * (height - self.first_height)
        return self.hashes[place : place + 32]


def verify_directory(directory: Path) -> Report:
    """Replay a data directory.

    Raises:
        Contradiction: something stored does not follow from genesis.
        DirectoryLocked: a validator is running on it.
        StoreError: there is no store, or one of another format or chain.
        ConfigError: node.toml or genesis.json cannot be used.
    """
    settings, genesis = config.read_config(directory), config.read_genesis(directory)
    started = time.perf_counter()
    with locked_directory(directory), _opened(directory / STORE_DIRECTORY) as tables:
        replay = _Replay(genesis, tables, SnapshotFolder(directory / SNAPSHOTS_DIRECTORY))
        replay.run()
        return Report(
            directory=str(directory),
            organization=settings.organization,
            chain_id=replay.chain_id.hex(),
            height=replay.tip.height,
            state_digest=replay.tip.header.state_digest.hex(),
            blocks=replay.tip.height - replay.start.height + (1 if replay.start.height == 0 else 0),
            transactions=replay.transactions,
            signatures=replay.signatures,
            certificates=replay.tip.height - replay.start.height,
            records=len(replay.state.records),
            uncommitted=replay.uncommitted,
            seconds=time.perf_counter() - started,
            hashes=bytes(replay.hashes),
            first_height=replay.start.height,
        )


def make_snapshot(directory: Path, height: int | None = None) -> Manifest:
    """Make the certified snapshot of a checkpoint again, by replaying a data directory; return its manifest.

    `height` is one of the newest checkpoints, by default the newest certified. Raises as `verify_directory` does, and
    StoreError when no quorum has attested such a checkpoint, or the blocks do not reach down to where a replay begins.
    """
    config.read_config(directory)
    genesis = config.read_genesis(directory)
    folder = SnapshotFolder(directory / SNAPSHOTS_DIRECTORY)
    with locked_directory(directory):
        with _opened(directory / STORE_DIRECTORY) as tables:
            replay = _Replay(genesis, tables, folder)
            checkpoint = _certified_checkpoint(replay.stored_state(), height)
            replay.run_to(checkpoint.height)
        folder.prepare()
        writer = folder.make(checkpoint.height)
        for chunk in pack(sorted(replay.state.records.items())):
            writer.add(chunk)
        store = LedgerStore(directory / STORE_DIRECTORY, genesis_block(replay.chain_id, genesis), may_be_new=False)
        try:
            with store.view() as view:
                certificate = view.certificate(checkpoint.height)
                header, history = replay.tip.header, frontier_before(replay.tip)
                assert certificate is not None, f"block {checkpoint.height} was replayed without its certificate"
                draft = Manifest(SNAPSHOT_FORMAT, header, history, certificate, tuple(writer.leaves))
                if (draft.root, replay.tip.hash) != (checkpoint.certified_root, checkpoint.certified_hash):
                    writer.drop()
                    raise Contradiction(checkpoint.height, "a quorum attests another state than the replayed one")
                manifest = completed(view, draft, checkpoint)
        finally:
            store.close()
        if manifest is None:
            writer.drop()
            raise StoreError(
                "the blocks with the attestations are not held here; use the directory of another validator"
            )
        writer.finish(draft)
        folder.certify(manifest)
        return manifest


def _certified_checkpoint(state: StateReader, height: int | None) -> Checkpoint:
    checkpoints = read_checkpoints(state)
    found = checkpoints.certified if height is None else checkpoints.at(height)
    if found is None or found.certified_root is None:
        certified = ", ".join(str(item.height) for item in checkpoints.recent if item.certified_root is not None)
        raise StoreError(f"no quorum has attested that checkpoint; attested are: {certified or 'none yet'}")
    return found


def compare(reports: list[Report]) -> None:
    """Raise Contradiction at the lowest height at which two verified directories differ.

    Every block names its parent, so equal hashes at one height mean equal chains up to it.
    """
    for one, other in combinations(reports, 2):
        if one.chain_id != other.chain_id:
            raise Contradiction(0, f"{one.directory} and {other.directory} belong to different alliances")
        common, lowest = min(one.height, other.height), max(one.first_height, other.first_height)
        if lowest > common:
            raise StoreError(
                f"{one.directory} and {other.directory} have no block in common that both could replay; start the one "
                "that is behind until it has caught up, then compare again"
            )
        if one.hash_at(common) != other.hash_at(common):
            heights = range(lowest, common + 1)
            first = next(height for height in heights if one.hash_at(height) != other.hash_at(height))
            raise Contradiction(first, f"{one.directory} and {other.directory} hold different blocks")


@final
class _Tables:
    """One read-only snapshot of a store."""

    def __init__(self, transaction: lmdb.Transaction, tables: Mapping[bytes, Any]) -> None:
        self._transaction = transaction
        self._tables = tables

    def get(self, table: bytes, key: bytes) -> bytes | None:
        data = self._transaction.get(key, db=self._tables[table])
        return None if data is None else bytes(data)

    def items(self, table: bytes) -> Iterator[tuple[bytes, bytes]]:
        with self._transaction.cursor(self._tables[table]) as cursor:
            for key, value in cursor:
                yield bytes(key), bytes(value)

    def count(self, table: bytes) -> int:
        return int(self._transaction.stat(self._tables[table])["entries"])


@contextmanager
def _opened(path: Path) -> Iterator[_Tables]:
    if not (path / "data.mdb").is_file():
        raise StoreError(f"{path} holds no store; a validator makes one when it is first started")
    try:
        # Without LMDB's own lock: the directory's keeps writers out, and nothing at all is written to the store.
        environment = lmdb.open(str(path), readonly=True, lock=False, max_dbs=len(_TABLES), readahead=False)
    except (lmdb.Error, OSError) as error:
        raise StoreError(f"the store {path} cannot be opened: {error}") from None
    try:
        with environment.begin() as transaction:
            tables = {name: environment.open_db(name, transaction, create=False) for name in _TABLES}
            yield _Tables(transaction, tables)
    except lmdb.Error as error:
        raise StoreError(f"the store {path} is damaged ({error}); restore it from another copy") from None
    finally:
        environment.close()


@final
class _Replay:
    """Executes the chain again.

    Invariant: `state` is the state after the block last replayed, as encoded records.
    """

    def __init__(self, genesis: Genesis, tables: _Tables, snapshots: SnapshotFolder) -> None:
        self._tables = tables
        self._snapshots = snapshots
        self._check_identity(genesis)
        self.chain_id = chain_id(genesis)
        self._genesis = genesis_block(self.chain_id, genesis)
        self.base = self._read_base()
        self.state, self.tip = self._beginning()
        self.start = self.tip
        """Where the replay begins: block 0, or the block of a certified snapshot."""
        self.hashes = bytearray(self.tip.hash)
        self.transactions = self.signatures = self.uncommitted = self._linked_transactions = 0
        self._executor = Executor(self.chain_id, self.state, self.tip)

    def run_to(self, height: int) -> None:
        """Replay up to a height; raises Contradiction, and StoreError when the replay could only begin above it."""
        if height < self.start.height:
            raise StoreError(
                f"what is held here can be replayed from block {self.start.height} on only; use the directory of a "
                "validator that keeps more"
            )
        for place in range(self.start.height + 1, height + 1):
            self._replay_block(place)

    def stored_state(self) -> MemoryState:
        """Return the committed state as it is stored, unchecked."""
        return MemoryState(self._tables.items(b"state"))

    def run(self) -> None:
        """Replay everything; raises Contradiction at the first thing that does not fit."""
        stored = self._stored_tip()
        if self._tables.get(b"log", _key(0)) != self._genesis.payload:
            raise WrongChain(
                "the store belongs to another alliance than genesis.json beside it; put the right one back"
            )
        self._check_receipts(0, ())
        self._check_links_below()
        for height in range(self.start.height + 1, stored.height + 1):
            self._replay_block(height)
        if stored != self.tip:
            raise Contradiction(stored.height, "the committed tip is not the tip of the replayed chain")
        self._check_tables()
        self._check_state()
        self._execute_uncommitted()

    def _read_base(self) -> Position:
        data = self._tables.get(b"meta", BASE_KEY)
        if data is None:
            return Position(0, 0, self._genesis.tip.hash)
        try:
            return decode_position(data)
        except Malformed as error:
            raise Contradiction(0, str(error)) from None

    def _beginning(self) -> tuple[MemoryState, Tip]:
        """Return state and block from which everything held can be replayed, proved by nothing but genesis."""
        if self.base.height == 0:
            return MemoryState(self._genesis.writes), self._genesis.tip
        for height in reversed(self._snapshots.heights()):
            manifest = self._snapshots.manifest(height)
            if manifest is None or height < self.base.height:
                continue
            try:
                verify_manifest(self._genesis.validators, manifest)
                records = [pair for part in ascending(self._snapshots.chunks(manifest)) for pair in part]
            except SnapshotInvalid as error:
                raise Contradiction(height, f"its snapshot: {error}") from None
            return MemoryState(records), manifest.tip
        raise StoreError(
            f"the store begins after block {self.base.height}, and beside it lies no certified snapshot; "
            "verify the directory of a validator that has one, or that keeps all blocks"
        )

    def _check_links_below(self) -> None:
        """Check the blocks that are held below the replay: each is the one that the next names as its parent."""
        expected = self.start.hash
        for height in range(self.start.height, self.base.height, -1):
            data, receipts = self._tables.get(b"log", _key(height)), self._tables.get(b"receipts", _key(height))
            if data is None or receipts is None:
                raise Contradiction(height, "it is missing from the log, or its receipts are")
            try:
                block, count = decode_block(data), len(decode_receipts(receipts))
            except Malformed as error:
                raise Contradiction(height, str(error)) from None
            if block_hash(block.header) != expected or len(block.transactions) != count:
                raise Contradiction(height, "it is not the block that the one after it names")
            expected = block.header.parent_hash
            self._linked_transactions += count
        if expected != self.base.hash:
            raise Contradiction(self.base.height, "the store begins after another block than the next one names")

    def _check_identity(self, genesis: Genesis) -> None:
        version = self._tables.get(b"meta", b"format")
        if version is None:
            raise StoreError(f"the store of {genesis.name} is empty; a validator fills it when it is first started")
        if version != str(FORMAT_VERSION).encode():
            raise FormatUnknown(
                f"the store has format {version.decode(errors='replace')}, this version reads {FORMAT_VERSION}; "
                "verify it with the version that wrote it"
            )

    def _stored_tip(self) -> Tip:
        data = self._tables.get(b"meta", b"tip")
        if data is None:
            raise Contradiction(0, "the committed tip is missing")
        try:
            return _decode_tip(data)
        except Malformed as error:
            raise Contradiction(0, str(error)) from None

    def _replay_block(self, height: int) -> None:
        block = self._read_block(height)
        transactions = self._open_transactions(height, block)
        self._execute(height, block, transactions)
        executed = self._executor.commit()
        self.state.write(executed.writes)
        self._executor.state.forget_flushed(height)
        self.tip = executed.tip
        self.hashes += executed.tip.hash
        self._check_certificate(height, executed)
        self._check_receipts(height, executed.encoded_receipts)
        self._check_index(height, executed)
        self.transactions += len(transactions)

    def _execute(self, height: int, block: Block, transactions: list[Transaction]) -> None:
        if block.header.height != height:
            raise Contradiction(height, f"the log holds block {block.header.height} in its place")
        try:
            executed = self._executor.execute(block, transactions)
        except BlockInvalid as error:
            raise Contradiction(height, error.what) from None
        self._check_proposal(height, executed)

    def _read_block(self, height: int) -> Block:
        data = self._tables.get(b"log", _key(height))
        if data is None:
            raise Contradiction(height, "it is missing from the log")
        try:
            block = decode_block(data)
        except Malformed as error:
            raise Contradiction(height, str(error)) from None
        if block.header.parent_hash != self._executor.tip.hash:
            raise Contradiction(height, "it does not follow the block before it: the hash chain is broken")
        return block

    def _open_transactions(self, height: int, block: Block) -> list[Transaction]:
        transactions: list[Transaction] = []
        claims: list[Claim] = []
        owners: list[int] = []
        for index, signed in enumerate(block.transactions):
            try:
                transaction, its = open_transaction(self.chain_id, signed)
            except Malformed as error:
                raise Contradiction(height, f"transaction {index}: {error}") from None
            transactions.append(transaction)
            claims += its
            owners += [index] * len(its)
        false = false_claims(claims)
        if false:
            index = owners[false[0]]
            raise Contradiction(height, f"transaction {index} ({transactions[index].id.hex()}) has a forged signature")
        self.signatures += len(claims)
        return transactions

    def _check_proposal(self, height: int, executed: ExecutedBlock) -> None:
        header = executed.tip.header
        key = self._executor.key_of(header.proposer)
        if key is None or not is_signed(Claim(key, proposal(header), executed.proposal)):
            raise Contradiction(height, f"its proposer {header.proposer} has not signed it")
        self.signatures += 1

    def _check_certificate(self, height: int, executed: ExecutedBlock) -> None:
        data = self._tables.get(b"certificates", _key(height))
        if data is None:
            raise Contradiction(height, "its certificate is missing")
        try:
            certificate = decode_certificate(data)
            executed.validators.check_certificate(certificate)
        except (Malformed, CertificateInvalid) as error:
            raise Contradiction(height, str(error)) from None
        if (certificate.height, certificate.hash) != (height, executed.tip.hash):
            raise Contradiction(height, "its certificate is that of another block")
        if certificate.term < executed.tip.header.term:
            raise Contradiction(height, "its certificate is of an earlier term than the block")
        self.signatures += len(certificate.signatures)

    def _check_receipts(self, height: int, encoded: tuple[bytes, ...]) -> None:
        data = self._tables.get(b"receipts", _key(height))
        if data is None:
            raise Contradiction(height, "its receipts are missing")
        try:
            stored = decode_receipts(data)
        except Malformed as error:
            raise Contradiction(height, str(error)) from None
        again = tuple(msgspec.msgpack.encode(receipt) for receipt in stored)
        for index, (theirs, ours) in enumerate(zip(again, encoded, strict=False)):
            if theirs != ours:
                raise Contradiction(height, f"the stored receipt of transaction {index} is not what executing it gives")
        if len(again) != len(encoded):
            raise Contradiction(height, f"{len(again)} receipts are stored for {len(encoded)} transactions")

    def _check_index(self, height: int, executed: ExecutedBlock) -> None:
        for index, receipt in enumerate(executed.receipts):
            position = _key(height) + index.to_bytes(4, "big") + bytes([receipt.rejection])
            if self._tables.get(b"transactions", receipt.transaction_id) != position:
                raise Contradiction(height, f"transaction {index} is not found under its id where it stands")

    def _check_tables(self) -> None:
        height = self.tip.height
        held, based = height - self.base.height, int(self.base.height > 0)
        expected = {
            b"certificates": held + based,
            b"receipts": held + 1,
            b"transactions": self.transactions + self._linked_transactions,
        }
        for table, count in expected.items():
            found = self._tables.count(table)
            if found != count:
                raise Contradiction(height, f"the table of {table.decode()} has {found} entries instead of {count}")

    def _check_state(self) -> None:
        height = self.tip.height
        missing = dict(self.state.records)
        for key, value in self._tables.items(b"state"):
            expected = missing.pop(key, None)
            if expected is None:
                raise Contradiction(height, f"the state holds a record {key.hex()} that no transaction wrote")
            if expected != value:
                raise Contradiction(height, f"the state's record {key.hex()} is not what the transactions give")
        if missing:
            raise Contradiction(height, f"the state lacks the record {min(missing).hex()}")
        try:
            check_all((key, decode_record(key, value)) for key, value in self.state.records.items())
        except InvariantBroken as error:
            raise Contradiction(height, str(error)) from None

    def _execute_uncommitted(self) -> None:
        """Execute what the log holds above the committed height: a restart would acknowledge it as it is."""
        height = self.tip.height + 1
        while self._tables.get(b"log", _key(height)) is not None:
            block = self._read_block(height)
            self._execute(height, block, self._open_transactions(height, block))
            height += 1
        self.uncommitted = height - self.tip.height - 1
        if self._tables.count(b"log") != height - self.base.height:
            raise Contradiction(height, "the log goes on behind a gap")


def _key(height: int) -> bytes:
    return height.to_bytes(8, "big")
