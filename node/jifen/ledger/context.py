"""What a rule knows besides the state."""

import msgspec


class BlockContext(msgspec.Struct, frozen=True):
    """Facts about the block that a transaction stands in."""

    chain_id: bytes
    height: int
    """Height of the block; genesis is 0."""
    time: int
    """Block time, ms since the epoch: the only time the ledger knows. Never lower than the block before."""
