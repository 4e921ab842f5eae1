"""Starting from what the disk holds: the committed state, and the part of the log above it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from jifen.chain.executor import BlockInvalid, Executor, Tip
from jifen.chain.gateway import open_transaction
from jifen.chain.statements import proposal
from jifen.codec.blocks import decode_block
from jifen.codec.errors import Malformed
from jifen.consensus.messages import Entry
from jifen.consensus.types import Position
from jifen.keys.verification import Claim, false_claims
from jifen.ledger.state import StateReader
from jifen.store.errors import DAMAGED_ADVICE, StoreDamaged


class RecoverableStore(StateReader, Protocol):
    """What recovery needs of a store."""

    @property
    def tip(self) -> Tip:
        """The committed tip."""
        ...

    @property
    def last_height(self) -> int:
        """Height of the last log entry."""
        ...

    def entry(self, height: int) -> Entry | None:
        """Return the log entry at a height, or None; raises StoreDamaged for one that is not what was written."""
        ...


def recover(
    store: RecoverableStore,
    chain_id: bytes,
    find_false: Callable[[Sequence[Claim]], list[int]] = false_claims,
) -> Executor:
    """Return an executor whose tip is the last entry of the log.

    Every entry above the committed height is checked like one from a peer before anything is acknowledged or voted on
    its strength: a validator with a rotten log must not lead (raises StoreDamaged). `find_false` checks signatures.
    """
    executor = Executor(chain_id, store, store.tip)
    execute_log(executor, store, find_false)
    return executor


def execute_log(
    executor: Executor, store: RecoverableStore, find_false: Callable[[Sequence[Claim]], list[int]] = false_claims
) -> None:
    """Execute what the log holds above the executor's tip, which is the committed one; see `recover`."""
    for height in range(store.tip.height + 1, store.last_height + 1):
        try:
            entry = store.entry(height)
            if entry is None or entry.parent_hash != executor.tip.hash:
                raise StoreDamaged(
                    f"block {height} of the log is missing or does not follow the one before it; {DAMAGED_ADVICE}"
                )
            block = decode_block(entry.payload)
            opened = [open_transaction(executor.chain_id, signed) for signed in block.transactions]
            maker = executor.key_of(block.header.proposer)
            own = [] if maker is None else [Claim(maker, proposal(block.header), block.proposal)]
            if not own or find_false([*own, *(claim for _, claims in opened for claim in claims)]):
                raise StoreDamaged(f"block {height} of the log holds a signature that is not genuine; {DAMAGED_ADVICE}")
            executor.execute(block, [transaction for transaction, _ in opened])
        except (Malformed, BlockInvalid) as error:
            raise StoreDamaged(f"block {height} of the log is damaged ({error}); {DAMAGED_ADVICE}") from None


def position_of(executor: Executor) -> Position:
    """Return where the executor's tip stands, in the words of consensus."""
    tip = executor.tip
    return Position(tip.height, tip.header.term, tip.hash)
