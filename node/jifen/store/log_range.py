"""Where a stored log begins: dropping old blocks in slices, and putting a snapshot in place of everything.

All functions work within a write transaction of the store's, so a crash leaves what was there before or after.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import lmdb

from jifen.chain.executor import Tip
from jifen.codec.blocks import block_hash, decode_block, decode_receipts
from jifen.codec.canonical import encode
from jifen.consensus.messages import Certificate
from jifen.consensus.types import HardState, Position
from jifen.store.view import BASE_KEY, height_key

SLICE_BLOCKS_MAX: Final = 256
"""Most blocks dropped in one transaction."""

SLICE_TRANSACTIONS_MAX: Final = 2048
"""A slice ends with the block that brings it to so many transactions: some 20 ms, less than a sync on a slow disk, so
that acknowledgements hardly wait behind it."""


def drop_slice(transaction: lmdb.Transaction, tables: Mapping[bytes, Any], base: Position, height: int) -> Position:
    """Drop the lowest blocks, at most to `height`, with their certificates, receipts and index; return the new base."""
    dropped = 0
    for lowest in range(base.height + 1, min(height, base.height + SLICE_BLOCKS_MAX) + 1):
        key = height_key(lowest)
        payload = transaction.pop(key, db=tables[b"log"])
        assert payload is not None, f"block {lowest} is missing from the log"
        header = decode_block(bytes(payload)).header
        receipts = decode_receipts(bytes(transaction.pop(key, db=tables[b"receipts"]) or b""))
        for receipt in receipts:
            transaction.delete(receipt.transaction_id, db=tables[b"transactions"])
        # The certificate of the base stays until the next slice: what stands at the base is provable.
        transaction.delete(height_key(base.height), db=tables[b"certificates"])
        base = Position(lowest, header.term, block_hash(header))
        dropped += len(receipts)
        if dropped >= SLICE_TRANSACTIONS_MAX:
            break
    transaction.put(BASE_KEY, encode(base), db=tables[b"meta"])
    return base


def replace_state(
    transaction: lmdb.Transaction,
    tables: Mapping[bytes, Any],
    tip: Tip,
    certificate: Certificate,
    records: Iterable[Sequence[tuple[bytes, bytes]]],
) -> Position:
    """Put the state after block `tip`, which is above the committed one, in place of the present; return the new base.

    Blocks that follow it stay when the log has that very block, because they may have been acknowledged; otherwise
    all are dropped (Raft section 7). Block 0 stays. The vote stays, unless the block is of a later term than any yet.
    """
    position = Position(tip.height, tip.header.term, tip.hash)
    held = transaction.get(height_key(tip.height), db=tables[b"log"])
    keeps = held is not None and block_hash(decode_block(bytes(held)).header) == tip.hash
    _drop_range(transaction, tables[b"log"], tip.height + 1 if keeps else None)
    for table in (b"certificates", b"receipts"):
        _drop_range(transaction, tables[table], None)
    transaction.drop(tables[b"transactions"], delete=False)
    transaction.drop(tables[b"state"], delete=False)
    with transaction.cursor(tables[b"state"]) as cursor:
        for chunk in records:
            cursor.putmulti(chunk, append=True)
    transaction.put(height_key(tip.height), encode(certificate), db=tables[b"certificates"])
    transaction.put(b"tip", encode(tip), db=tables[b"meta"])
    transaction.put(BASE_KEY, encode(position), db=tables[b"meta"])
    return position


def raise_term(transaction: lmdb.Transaction, tables: Mapping[bytes, Any], stored: HardState, term: int) -> None:
    """Enter `term` without a vote, if it is a later one than the stored."""
    if stored.term < term:
        transaction.put(b"hard_state", encode(HardState(term, None)), db=tables[b"meta"])


def _drop_range(transaction: lmdb.Transaction, table: Any, keep_from: int | None) -> None:
    """Drop all heights of a table but 0 and those from `keep_from` on."""
    with transaction.cursor(table) as cursor:
        found = cursor.set_range(height_key(1))
        while found and (keep_from is None or bytes(cursor.key()) < height_key(keep_from)):
            found = cursor.delete()
