"""What goes into and comes out of the store."""

from collections.abc import Iterable, Iterator

import msgspec

from jifen.chain.executor import ExecutedBlock
from jifen.codec.blocks import Header
from jifen.consensus.messages import Certificate
from jifen.consensus.types import HardState
from jifen.ledger.evidence.statements import Evidence
from jifen.ledger.receipts import Receipt


class CommittedBlock(msgspec.Struct, frozen=True):
    """An executed block and the certificate that committed it."""

    executed: ExecutedBlock
    certificate: Certificate


class StoreBatch(msgspec.Struct, frozen=True):
    """Writes that belong together; several batches may share one transaction, in order."""

    hard_state: HardState | None = None
    truncate_from: int | None = None
    """First height of the log to drop before `blocks` are appended."""
    blocks: tuple[tuple[int, bytes], ...] = ()
    """(height, canonical block bytes) to append to the log."""
    commits: tuple[CommittedBlock, ...] = ()
    """Blocks to take into the state, heights rising by one."""
    evidence: tuple[Evidence, ...] = ()
    """To keep, beside the ledger."""
    evidence_dropped: tuple[Evidence, ...] = ()
    """To keep no more."""


def cut_after(batches: Iterable[StoreBatch], checkpoint_blocks: int) -> Iterator[tuple[list[StoreBatch], bool]]:
    """Yield the batches in parts, each with whether it ends with committing a block whose height `checkpoint_blocks`
    divides; the last part may end anyhow. Zero divides none."""
    part: list[StoreBatch] = []
    for batch in batches:
        rest = batch
        for place, block in enumerate(batch.commits, start=1):
            if checkpoint_blocks and block.executed.tip.height % checkpoint_blocks == 0:
                done = place - len(batch.commits) + len(rest.commits)
                part.append(msgspec.structs.replace(rest, commits=rest.commits[:done]))
                yield part, True
                part, rest = [], StoreBatch(commits=rest.commits[done:])
        if rest is batch or rest.commits:
            part.append(rest)
    if part:
        yield part, False


class BlockRecord(msgspec.Struct, frozen=True):
    """A block as it is read back."""

    header: Header
    hash: bytes
    transactions: tuple[bytes, ...]
    """Signed bytes."""
    receipts: tuple[Receipt, ...]
    """Of the transactions, in their order."""
    agenda: tuple[Receipt, ...]
    """Of what the block did by its time, before its transactions."""
    certificate: Certificate | None
    """None for block 0, which needs none."""


class Outcome(msgspec.Struct, frozen=True):
    """What a committed block says of a transaction, in short."""

    height: int
    rejection: int
    """0 when it was applied, else the number of a `Rejection`."""


class TransactionRecord(msgspec.Struct, frozen=True):
    """A committed transaction as it is read back."""

    id: bytes
    bytes: bytes
    """Signed bytes."""
    height: int
    index: int
    """Position in its block, from 0."""
    receipt: Receipt
