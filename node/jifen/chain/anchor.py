"""Block 0: the state that the genesis document describes."""

from jifen.chain.executor import ExecutedBlock, Tip
from jifen.chain.memory import MemoryState
from jifen.chain.validators import Validators
from jifen.codec.blocks import FORMAT_VERSION, Header, block_hash
from jifen.codec.merkle import EMPTY_ROOT, append_leaf
from jifen.codec.records import encode_writes, state_digest
from jifen.ledger.genesis import Genesis, write_genesis
from jifen.ledger.state import WorkingState

ZERO_HASH = bytes(32)
"""Stands where block 0 would name a parent."""


def genesis_block(chain_id: bytes, genesis: Genesis) -> ExecutedBlock:
    """Return block 0 of the chain. It needs no certificate: its hash follows from the chain id."""
    state = WorkingState(MemoryState(), height=-1)
    state.begin_block()
    write_genesis(state, genesis)
    writes = encode_writes(state.end_block().writes)
    validators = Validators.of_state(chain_id, state)
    header = Header(
        version=FORMAT_VERSION,
        chain_id=chain_id,
        height=0,
        term=0,
        parent_hash=ZERO_HASH,
        history_root=EMPTY_ROOT,
        transactions_root=EMPTY_ROOT,
        receipts_root=EMPTY_ROOT,
        state_digest=state_digest(ZERO_HASH, writes),
        validator_set_hash=validators.hash,
        proposer="",
        time=genesis.created_at,
    )
    name = block_hash(header)
    tip = Tip(header, name, tuple(append_leaf((), 0, name)))
    return ExecutedBlock(tip, (), (), (), (), writes, validators)
