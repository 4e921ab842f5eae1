"""What validators say about blocks under their signature, and the proof that one of them has contradicted itself.

A statement names everything that could be confused: chain, validator set, kind, term, height, block. An honest
validator makes at most one of each kind for one term and height; `docs/decisions/evidence.md` says why. So two over
different blocks are proof of a fault, whoever shows them and however late.
"""

from enum import IntEnum


class StatementKind(IntEnum):
    """What a validator says of a block. The Byzantine profile will add kinds; numbers are never reused."""

    ACKNOWLEDGEMENT = 1
    """The block, and with it every block below, is on the signer's disk."""
    PROPOSAL = 2
    """The signer leads the term and has made the block."""
