"""Read snapshots: everything an answer says, at one height."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar, final

import lmdb

from jifen.chain.checkpoints import ConfigurationChange
from jifen.chain.executor import Tip
from jifen.codec.blocks import block_hash, decode_block, decode_certificate, decode_receipts
from jifen.codec.canonical import StrictDecoder
from jifen.codec.records import decode_record
from jifen.consensus.messages import Certificate
from jifen.consensus.types import Position
from jifen.ledger import state
from jifen.ledger.checkpoints.attesting import read_checkpoints
from jifen.ledger.checkpoints.records import Checkpoints
from jifen.ledger.evidence.records import EvidenceAgainst
from jifen.ledger.evidence.statements import Evidence
from jifen.ledger.records import read
from jifen.ledger.terms.records import PointType
from jifen.ledger.types import Account, Holding, Organization, Record, Supply
from jifen.store.errors import BlockNotHeld
from jifen.store.evidence import EvidenceRecord, decode_evidence, joined
from jifen.store.records import BlockRecord, Outcome, TransactionRecord

R = TypeVar("R", bound=Record)

Buffer = bytes | memoryview
"""What LMDB's types say it returns; without its `buffers` option it is always bytes."""


BASE_KEY: Final = b"base"
"""Key, in the table of facts about the store, of the highest position whose block is not held; absent when that is
block 0, which always is held."""

CHANGE_KEY: Final = b"change "
"""Start of the keys, in the table of facts about the store, of proofs of changes of the voters; a height follows."""

_decode_change: Final[StrictDecoder[ConfigurationChange]] = StrictDecoder(
    ConfigurationChange, what="change of the voters", bytes_max=64 << 10
)

decode_position: Final[StrictDecoder[Position]] = StrictDecoder(Position, what="base of the log", bytes_max=256)
"""Return the position stored as the base; raises Malformed."""


def height_key(height: int) -> bytes:
    """Return the store key of a height."""
    return height.to_bytes(8, "big")


@final
class ReadView:
    """One LMDB snapshot; synchronous, and closed by whoever opened it."""

    def __init__(self, transaction: lmdb.Transaction, tables: Mapping[bytes, Any], tip: Tip) -> None:
        self._transaction = transaction
        self._tables = tables
        self.tip = tip
        """Committed tip of the snapshot."""
        base = transaction.get(BASE_KEY, db=tables[b"meta"])
        self.base_height = 0 if base is None else decode_position(bytes(base)).height
        """Height at which the blocks held begin: those above it are, and block 0."""

    @property
    def height(self) -> int:
        """Committed height of everything this view says."""
        return self.tip.height

    @property
    def block_hash(self) -> bytes:
        """Hash of the block at `height`."""
        return self.tip.hash

    @property
    def block_time(self) -> int:
        """Block time of the block at `height`, ms."""
        return self.tip.header.time

    @property
    def state_digest(self) -> bytes:
        """Running digest of the state at `height`."""
        return self.tip.header.state_digest

    @property
    def first_height(self) -> int:
        """Height of the lowest block that is held, besides block 0."""
        return self.base_height + 1

    def holds(self, height: int) -> bool:
        """Tell whether a height is not among those that were dropped; one above the view's own is not."""
        return height == 0 or height > self.base_height

    def get(self, key: bytes) -> Record | None:
        """Return the record under a state key, or None."""
        data = self._read(b"state", key)
        return None if data is None else decode_record(key, data)

    def range(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, Record]]:
        """Return the first `limit` state keys of `start <= key < stop` in ascending order, with their records."""
        return read_range(self._transaction, self._tables[b"state"], start, stop, limit)

    def account(self, account: bytes) -> Account | None:
        """Return an account, or None when it is not registered."""
        return read(self, state.account_key(account), Account)

    def holdings(self, account: bytes) -> list[tuple[str, Holding]]:
        """Return (point type id, holding) of everything the account holds or owes, sorted by point type."""
        found = self._records(state.HOLDING + account, Holding)
        shown = [(key[21:].decode(), holding) for key, holding in found]
        return [
            (name, holding)
            for name, holding in shown
            if holding.available or holding.pending or holding.debt or holding.held
        ]

    def organizations(self) -> list[Organization]:
        """Return all organizations, sorted by id."""
        return [record for _, record in self._records(state.ORGANIZATION, Organization)]

    def point_types(self) -> list[PointType]:
        """Return all point types, sorted by id."""
        return [record for _, record in self._records(state.POINT_TYPE, PointType)]

    def supply(self, point_type: str) -> Supply:
        """Return how many points of a type exist; KeyError for an unknown type."""
        supply = read(self, state.supply_key(point_type), Supply)
        if supply is None:
            raise KeyError(point_type)
        return supply

    def configuration_changes(self) -> tuple[ConfigurationChange, ...]:
        """Return the proofs of all changes of the voters since genesis, in the order of their heights."""
        found = []
        with self._transaction.cursor(self._tables[b"meta"]) as cursor:
            there = cursor.set_range(CHANGE_KEY)
            while there and bytes(cursor.key()).startswith(CHANGE_KEY):
                found.append(_decode_change(bytes(cursor.value())))
                there = cursor.next()
        return tuple(found)

    def checkpoints(self) -> Checkpoints:
        """Return the newest checkpoints."""
        return read_checkpoints(self)

    def kept_evidence(self) -> list[Evidence]:
        """Return the evidence that this validator keeps proof of."""
        with self._transaction.cursor(self._tables[b"evidence"]) as cursor:
            return [decode_evidence(bytes(data)) for data in cursor.iternext(keys=False, values=True)]

    def evidence(self) -> list[EvidenceRecord]:
        """Return all evidence known here, kept or recorded on the ledger, sorted by validator, term and height."""
        recorded = self._records(state.EVIDENCE, EvidenceAgainst)
        return joined(self.kept_evidence(), ((key[1:].decode(), against) for key, against in recorded))

    def items(self) -> Iterator[tuple[bytes, Record]]:
        """Yield the whole state in key order; for checks, not for requests."""
        return self._records(b"", Record)

    def block(self, height: int) -> BlockRecord | None:
        """Return a committed block, or None above the view's height; raises BlockNotHeld for one that was dropped."""
        if not 0 <= height <= self.height:
            return None
        if not self.holds(height):
            raise BlockNotHeld(height, self.first_height)
        key = height_key(height)
        data, receipts = self._read(b"log", key), self._read(b"receipts", key)
        assert data is not None, f"committed block {height} is missing"
        assert receipts is not None, f"the receipts of block {height} are missing"
        block = decode_block(data)
        decoded, count = decode_receipts(receipts), len(block.transactions)
        return BlockRecord(
            block.header,
            block_hash(block.header),
            block.transactions,
            decoded[:count],
            decoded[count:],
            self.certificate(height),
        )

    def certificate(self, height: int) -> Certificate | None:
        """Return the certificate of a committed height, or None."""
        data = self._read(b"certificates", height_key(height))
        return None if data is None else decode_certificate(data)

    def outcome(self, identity: bytes) -> Outcome | None:
        """Return what became of a committed transaction, or None; one lookup, where `transaction` reads its block."""
        position = self._read(b"transactions", identity)
        return None if position is None else Outcome(int.from_bytes(position[:8], "big"), position[12])

    def transaction(self, identity: bytes) -> TransactionRecord | None:
        """Return a committed transaction with its receipt, or None."""
        position = self._read(b"transactions", identity)
        if position is None:
            return None
        height, index = int.from_bytes(position[:8], "big"), int.from_bytes(position[8:12], "big")
        block = self.block(height)
        assert block is not None, f"transaction {identity.hex()} points at block {height}, which is missing"
        return TransactionRecord(identity, block.transactions[index], height, index, block.receipts[index])

    def _read(self, table: bytes, key: bytes) -> bytes | None:
        data: Buffer | None = self._transaction.get(key, db=self._tables[table])
        return None if data is None else bytes(data)

    def _records(self, prefix: bytes, kind: type[R]) -> Iterator[tuple[bytes, R]]:
        with self._transaction.cursor(self._tables[b"state"]) as cursor:
            found = cursor.set_range(prefix) if prefix else cursor.first()
            while found:
                key = bytes(cursor.key())
                if not key.startswith(prefix):
                    return
                record = decode_record(key, bytes(cursor.value()))
                assert isinstance(record, kind), f"state key {key.hex()} holds a {type(record).__name__}"
                yield key, record
                found = cursor.next()


def read_range(
    transaction: lmdb.Transaction, table: Any, start: bytes, stop: bytes, limit: int
) -> list[tuple[bytes, Record]]:
    """Return the first `limit` keys of `start <= key < stop` in the table of the state, with their records."""
    found: list[tuple[bytes, Record]] = []
    with transaction.cursor(table) as cursor:
        more = limit > 0 and cursor.set_range(start)
        while more:
            key = bytes(cursor.key())
            if key >= stop:
                break
            found.append((key, decode_record(key, bytes(cursor.value()))))
            more = len(found) < limit and cursor.next()
    return found
