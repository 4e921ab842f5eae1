"""Building and checking blocks over the working state.

The leader builds, everybody else executes the same transactions and compares every commitment of the header before
acknowledging. Both go through `_run`, so they cannot differ in anything but who fills the header in.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import final

import msgspec

from jifen.chain.validators import Validators
from jifen.codec.blocks import FORMAT_VERSION, Block, Header, block_hash, encode_block
from jifen.codec.canonical import encode
from jifen.codec.merkle import append_leaf, frontier_root, leaf_hash, merkle_root
from jifen.codec.records import Writes, encode_writes, state_digest
from jifen.consensus.configuration import Configuration
from jifen.ledger.agenda import work_off
from jifen.ledger.apply import apply_transaction, may_stand
from jifen.ledger.context import BlockContext
from jifen.ledger.governance.validators import Validator, settle
from jifen.ledger.receipts import Receipt
from jifen.ledger.records import read
from jifen.ledger.scheduling import next_due
from jifen.ledger.state import VALIDATOR_SET_KEY, StateReader, WorkingState, validator_key
from jifen.ledger.transactions import Transaction


class Tip(msgspec.Struct, frozen=True, array_like=True):
    """The newest block of a chain and what the next one needs of it."""

    header: Header
    hash: bytes
    """32 bytes; `block_hash(header)`."""
    frontier: tuple[bytes, ...]
    """Frontier of the history log over all block hashes up to and with this one."""

    @property
    def height(self) -> int:
        """Height of the block."""
        return self.header.height


class ExecutedBlock(msgspec.Struct, frozen=True):
    """A block with everything that executing it gave."""

    tip: Tip
    transactions: tuple[Transaction, ...]
    receipts: tuple[Receipt, ...]
    """Receipts in the order of the transactions."""
    agenda: tuple[Receipt, ...]
    """Receipts of what the block did by its time, before its transactions; each under AGENDA_ID."""
    encoded_receipts: tuple[bytes, ...]
    """Both, encoded: those of the transactions, then those of the agenda. The receipts root is over these."""
    writes: Writes
    """What the block changed in the state."""
    validators: Validators
    """Who certifies the block: the set in the state after it."""
    new_configuration: Configuration | None = None
    """The set's configuration when the block changed it (Raft section 6: in force from this block on), or None."""
    proposal: bytes = b""
    """Signature of the block's maker; empty in block 0, and until a leader has signed what it has built."""

    @property
    def payload(self) -> bytes:
        """Canonical bytes of the block, made anew at every call."""
        return encode_block(Block(self.tip.header, tuple(item.signed for item in self.transactions), self.proposal))


class BlockInvalid(Exception):
    """A block that breaks a rule every honest leader keeps, or whose commitments this validator cannot reproduce.

    Either its maker or this validator is damaged; nothing may be acknowledged.
    """

    def __init__(self, height: int, what: str) -> None:
        super().__init__(f"block {height}: {what}")
        self.height = height
        self.what = what


@final
class Executor:
    """Executes blocks in order.

    Invariant: `tip.height == state.height`; `_tips` holds the tips of the heights from `state.committed` on,
    `_sets` who certifies them.
    """

    def __init__(self, chain_id: bytes, committed: StateReader, tip: Tip) -> None:
        """Start at a committed tip; `committed` reads the state as it was last made durable."""
        self.chain_id = chain_id
        self._committed = committed
        self.start_from(tip)

    def start_from(self, tip: Tip) -> None:
        """Forget everything and go on from a committed tip whose state has just been put in place on the disk."""
        self._tips = deque([tip])
        self._executed: deque[ExecutedBlock] = deque()
        self._next_due_at = b""
        """Hash of the tip that `_next_due` was looked up at."""
        self._next_due: int | None = None
        self.state = WorkingState(self._committed, tip.height)
        self._sets = deque([Validators.of_state(self.chain_id, self.state)])

    @property
    def tip(self) -> Tip:
        """The newest executed block."""
        return self._tips[-1]

    @property
    def validators(self) -> Validators:
        """Who certifies the newest executed block, and the next one unless that changes the set."""
        return self._sets[-1]

    def validators_at(self, height: int) -> Validators:
        """Return who certifies an executed block, from the committed height on."""
        return self._sets[height - self._tips[0].height]

    def configurations(self) -> tuple[tuple[int, Configuration], ...]:
        """Return (first height, configuration): the one in force at the committed height, then the later ones."""
        changes = ((block.tip.height, block.new_configuration) for block in self._executed)
        later = tuple((height, changed) for height, changed in changes if changed is not None)
        return ((self._tips[0].height, self._sets[0].configuration), *later)

    def key_of(self, validator: str) -> bytes | None:
        """Return the key of a validator that the state names, retired or not; None for one it does not know yet."""
        found = read(self.state, validator_key(validator), Validator)
        return None if found is None else found.key

    def may_propose(self, proposer: str, set_hash: bytes) -> bool:
        """Tell whether a block that names this set may be `proposer`'s, as far as the set is known here.

        Not only voters propose: who has been taken out may lead until the others know that they can do without.
        """
        return self.set_named(set_hash) is None or self._knows(proposer)

    def set_named(self, set_hash: bytes) -> Validators | None:
        """Return the set of that hash if it certifies a block from the committed one on, or ends a change under way."""
        for validators in reversed(self._sets):
            if validators.hash == set_hash:
                return validators
        left = self.validators.left()
        return left if left.hash == set_hash else None

    def build(
        self, candidates: Iterable[Transaction], *, term: int, proposer: str, time: int, leave_joint: bool = False
    ) -> ExecutedBlock:
        """Execute the candidates as the next block and return it; those taken before or expired are left out.

        Args:
            candidates: checked transactions, at most a block's worth.
            term: Raft term of the leader.
            proposer: id of the leader.
            time: its clock, ms; the block's time is never lower than its parent's.
            leave_joint: end the joint configuration with this block.
        """
        parent = self.tip
        time = max(time, parent.header.time)
        context = BlockContext(self.chain_id, parent.height + 1, time)
        self.state.begin_block()
        agenda = work_off(self.state, context)
        if leave_joint:
            settle(self.state, context)
        taken: list[Transaction] = []
        receipts: list[Receipt] = []
        for transaction in candidates:
            if may_stand(self.state, transaction, context):
                receipts.append(apply_transaction(self.state, transaction, context))
                taken.append(transaction)
        return self._close(taken, receipts, agenda, term=term, proposer=proposer, time=time)

    def execute(self, block: Block, transactions: Sequence[Transaction]) -> ExecutedBlock:
        """Execute another validator's block on the tip and compare; raises BlockInvalid and leaves no trace.

        Args:
            block: decoded block.
            transactions: its transactions, decoded and checked by the gateway, in its order.
        """
        header, parent, current = block.header, self.tip, self.validators
        assert header.parent_hash == parent.hash, "consensus handed over a block that does not follow the tip"
        # The leader alone knows that the change is committed; the header says so by naming the new voters.
        leaves = current.configuration.joint and header.validator_set_hash == current.left().hash
        if header.time < parent.header.time:
            raise BlockInvalid(header.height, f"its time {header.time} lies before its parent's {parent.header.time}")
        context = BlockContext(self.chain_id, parent.height + 1, header.time)
        self.state.begin_block()
        agenda = work_off(self.state, context)
        if leaves:
            settle(self.state, context)
        receipts: list[Receipt] = []
        for transaction in transactions:
            if not may_stand(self.state, transaction, context):
                self.state.abandon_block()
                raise BlockInvalid(header.height, f"transaction {transaction.id.hex()} was taken before or has expired")
            receipts.append(apply_transaction(self.state, transaction, context))
        executed = self._close(
            transactions,
            receipts,
            agenda,
            term=header.term,
            proposer=header.proposer,
            time=header.time,
            proposal=block.proposal,
        )
        if executed.tip.header != header:
            self.roll_back_to(parent.height)
            raise BlockInvalid(header.height, _first_difference(header, executed.tip.header))
        if not self._knows(header.proposer):
            self.roll_back_to(parent.height)
            raise BlockInvalid(header.height, f"its proposer {header.proposer} is no validator")
        return executed

    def is_due(self, time: int) -> bool:
        """Tell whether something of the agenda is due at a time, ms, and waits for a block."""
        if self._next_due_at != self.tip.hash:
            self._next_due_at, self._next_due = self.tip.hash, next_due(self.state)
        return self._next_due is not None and self._next_due <= time

    def hash_at(self, height: int) -> bytes:
        """Return the hash of an executed block, from the committed height on."""
        return self._tips[height - self._tips[0].height].hash

    def roll_back_to(self, height: int) -> None:
        """Undo executed blocks above `height`; never below the committed height."""
        self.state.roll_back_to(height)
        while self.tip.height > height:
            self._tips.pop()
            self._sets.pop()
            self._executed.pop()

    def commit(self) -> ExecutedBlock:
        """Take the lowest uncommitted block as committed and return it."""
        self.state.commit()
        self._tips.popleft()
        self._sets.popleft()
        return self._executed.popleft()

    def _knows(self, validator: str) -> bool:
        return self.state.get(validator_key(validator)) is not None

    def _close(
        self,
        transactions: Sequence[Transaction],
        receipts: Sequence[Receipt],
        agenda: Sequence[Receipt],
        *,
        term: int,
        proposer: str,
        time: int,
        proposal: bytes = b"",
    ) -> ExecutedBlock:
        parent = self.tip
        changed = self.state.end_block().writes
        writes = encode_writes(changed)
        validators = self.validators
        if VALIDATOR_SET_KEY in changed:
            validators = Validators.of_state(self.chain_id, self.state)
        encoded = tuple(encode(receipt) for receipt in (*receipts, *agenda))
        header = Header(
            version=FORMAT_VERSION,
            chain_id=self.chain_id,
            height=parent.height + 1,
            term=term,
            parent_hash=parent.hash,
            history_root=frontier_root(parent.frontier),
            transactions_root=merkle_root([transaction.digest for transaction in transactions]),
            receipts_root=merkle_root([leaf_hash(receipt) for receipt in encoded]),
            state_digest=state_digest(parent.header.state_digest, writes),
            validator_set_hash=validators.hash,
            proposer=proposer,
            time=time,
        )
        name = block_hash(header)
        frontier = append_leaf(parent.frontier, parent.height + 1, name)
        executed = ExecutedBlock(
            Tip(header, name, tuple(frontier)),
            tuple(transactions),
            tuple(receipts),
            tuple(agenda),
            encoded,
            writes,
            validators,
            None if validators is self.validators else validators.configuration,
            proposal,
        )
        self._tips.append(executed.tip)
        self._sets.append(validators)
        self._executed.append(executed)
        return executed


def _first_difference(claimed: Header, computed: Header) -> str:
    for field in Header.__struct_fields__:
        theirs, ours = getattr(claimed, field), getattr(computed, field)
        if theirs != ours:
            shown = [value.hex() if isinstance(value, bytes) else value for value in (theirs, ours)]
            return f"its {field} is {shown[0]}, this validator computes {shown[1]}"
    raise AssertionError("the headers do not differ")
