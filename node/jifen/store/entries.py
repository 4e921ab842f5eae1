"""Reading a block of the log back: LMDB keeps no checksums, so the block itself must show that it is unharmed."""

from collections.abc import Callable, Sequence

from jifen.chain.statements import proposal
from jifen.codec.blocks import block_hash, decode_block
from jifen.codec.errors import Malformed
from jifen.codec.merkle import leaf_hash, merkle_root
from jifen.consensus.messages import Entry
from jifen.keys.verification import Claim, false_claims
from jifen.ledger.governance.validators import Validator
from jifen.ledger.records import read
from jifen.ledger.state import StateReader, validator_key
from jifen.store.errors import DAMAGED_ADVICE, StoreDamaged


def read_entry(
    height: int,
    data: bytes,
    certified: bytes | None,
    state: StateReader,
    find_false: Callable[[Sequence[Claim]], list[int]] = false_claims,
) -> Entry:
    """Return the entry of a stored block; raises StoreDamaged when a bit of it has flipped.

    A leader that passed such a block on would be dropped by those who need it, over and over, and keep them behind.

    Args:
        height: where it was found.
        data: its bytes.
        certified: the hash that its certificate names, if there is one.
        state: knows the key of its maker, unless that one joined in a block that is not committed.
        find_false: checks the signature of its maker.
    """
    try:
        block = decode_block(data)
    except Malformed as error:
        raise StoreDamaged(f"block {height} of the log is damaged ({error}); {DAMAGED_ADVICE}") from None
    header, name = block.header, block_hash(block.header)
    if header.height != height or certified not in (None, name):
        raise StoreDamaged(
            f"block {height} of the log is damaged: it is not the one that was certified; {DAMAGED_ADVICE}"
        )
    if merkle_root([leaf_hash(signed) for signed in block.transactions]) != header.transactions_root:
        raise StoreDamaged(f"block {height} of the log is damaged: its transactions are not its own; {DAMAGED_ADVICE}")
    maker = read(state, validator_key(header.proposer), Validator)
    if maker is not None and find_false([Claim(maker.key, proposal(header), block.proposal)]):
        raise StoreDamaged(f"block {height} of the log is damaged: its maker has not signed it; {DAMAGED_ADVICE}")
    return Entry(height, header.term, name, header.parent_hash, data)
