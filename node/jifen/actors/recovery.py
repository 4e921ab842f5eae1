"""Starting from what the disk holds: the committed state, and the part of the log above it."""

from jifen.chain.executor import BlockInvalid, Executor
from jifen.chain.gateway import open_transaction
from jifen.chain.validators import Validators
from jifen.codec.blocks import decode_block
from jifen.codec.errors import Malformed
from jifen.consensus.types import Position
from jifen.keys.verification import false_claims
from jifen.store.errors import StoreDamaged
from jifen.store.ledger_store import DAMAGED_ADVICE, LedgerStore


def recover(store: LedgerStore, validators: Validators) -> Executor:
    """Return an executor whose tip is the last entry of the log.

    Every entry above the committed height is checked like one from a peer before anything is acknowledged or voted on
    its strength: a validator with a rotten log must not lead (raises StoreDamaged).
    """
    executor = Executor(validators, store.load, store.tip)
    for height in range(store.tip.height + 1, store.last_height + 1):
        try:
            entry = store.entry(height)
            if entry is None or entry.parent_hash != executor.tip.hash:
                raise StoreDamaged(
                    f"block {height} of the log is missing or does not follow the one before it; {DAMAGED_ADVICE}"
                )
            block = decode_block(entry.payload)
            opened = [open_transaction(validators.chain_id, signed) for signed in block.transactions]
            if false_claims([claim for _, claims in opened for claim in claims]):
                raise StoreDamaged(f"block {height} of the log holds a signature that is not genuine; {DAMAGED_ADVICE}")
            executor.execute(block, [transaction for transaction, _ in opened])
        except (Malformed, BlockInvalid) as error:
            raise StoreDamaged(f"block {height} of the log is damaged ({error}); {DAMAGED_ADVICE}") from None
    return executor


def position_of(executor: Executor) -> Position:
    """Return where the executor's tip stands, in the words of consensus."""
    tip = executor.tip
    return Position(tip.height, tip.header.term, tip.hash)
