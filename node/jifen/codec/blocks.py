"""Bytes of blocks: header, body, receipts, certificate."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from jifen.codec.canonical import StrictDecoder, encode
from jifen.consensus.messages import Certificate
from jifen.hashing import BLOCK
from jifen.ledger.receipts import Receipt
from jifen.ledger.types import HashBytes, TimeMs

FORMAT_VERSION: Final = 2
"""Version of every format that is hashed, stored or sent. Since 2 a block carries its proposer's signature."""

BLOCK_BYTES_MAX: Final = 4 << 20
"""Largest block: some 15,000 ordinary transactions, and one peer frame holds it with room to spare."""

BLOCK_TRANSACTIONS_MAX: Final = 4096
"""Most transactions of one block: executing it stays well below an election timeout."""

RECEIPTS_BYTES_MAX: Final = 32 << 20
"""Largest encoded list of a block's receipts: 6 KiB for each of the most transactions, all of them orders with four
legs under the longest rule, and what the agenda brings about. No peer sends receipts, and any that a block can have
must be read back: nobody could show or compact a block whose receipts were too long."""


class Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """What a block commits to. Its hash is the block's name."""

    version: Annotated[int, Meta(ge=1, le=FORMAT_VERSION)]
    chain_id: HashBytes
    height: Annotated[int, Meta(ge=0, le=2**53)]
    term: Annotated[int, Meta(ge=0, le=2**53)]
    """Raft term of the leader that made it."""
    parent_hash: HashBytes
    history_root: HashBytes
    """RFC 6962 root over the hashes of all earlier blocks, genesis first."""
    transactions_root: HashBytes
    """RFC 6962 root over the signed bytes of the transactions."""
    receipts_root: HashBytes
    """RFC 6962 root over the receipts."""
    state_digest: HashBytes
    """Running digest of the state after the block."""
    validator_set_hash: HashBytes
    proposer: Annotated[str, Meta(max_length=32)]
    """Validator that made it; empty in genesis."""
    time: TimeMs
    """Block time, ms; never lower than the parent's."""


class Block(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A header, the signed bytes of its transactions, and its maker's word for it."""

    header: Header
    transactions: Annotated[tuple[bytes, ...], Meta(max_length=BLOCK_TRANSACTIONS_MAX)]
    proposal: Annotated[bytes, Meta(max_length=64)] = b""
    """The proposer's signature (`StatementKind.PROPOSAL`). It stays with the block for good, so that whoever relays it
    years later can still show who made it. Empty in block 0, which nobody made. Not part of the block's hash, which
    it covers."""


decode_block: Final[StrictDecoder[Block]] = StrictDecoder(Block, what="block", bytes_max=BLOCK_BYTES_MAX)
"""Return the block of canonical bytes; raises Malformed."""

decode_receipts: Final[StrictDecoder[tuple[Receipt, ...]]] = StrictDecoder(
    tuple[Receipt, ...], what="receipts", bytes_max=RECEIPTS_BYTES_MAX
)
"""Return the receipts of a block; raises Malformed."""

decode_certificate: Final[StrictDecoder[Certificate]] = StrictDecoder(
    Certificate, what="certificate", bytes_max=64 * 80 + 256
)
"""Return a certificate of at most 64 signers; raises Malformed."""


def encode_block(block: Block) -> bytes:
    """Return the canonical bytes of a block."""
    return encode(block)


def block_hash(header: Header) -> bytes:
    """Return the 32-byte hash that names a block."""
    return BLOCK(encode(header))
