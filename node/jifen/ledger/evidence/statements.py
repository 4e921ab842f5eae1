"""What validators say about blocks under their signature, and the proof that one of them has contradicted itself.

A statement names everything that could be confused: chain, validator set, kind, term, height, block. An honest
validator makes at most one of each kind for one term and height; `docs/decisions/evidence.md` says why. So two over
different blocks are proof of a fault, whoever shows them and however late.
"""

from enum import IntEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.ledger.types import HashBytes, Height, KeyBytes, Record, Slug


class StatementKind(IntEnum):
    """What a validator says of a block. The Byzantine profile will add kinds; numbers are never reused."""

    ACKNOWLEDGEMENT = 1
    """The block, and with it every block below, is on the signer's disk."""
    PROPOSAL = 2
    """The signer leads the term and has made the block."""


class Statement(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Something that a validator has signed, as it is shown to others."""

    validator: Slug
    """Who is said to have signed; whoever uses the statement checks that."""
    kind: StatementKind
    term: Height
    """Of a proposal, the block's; of an acknowledgement, that in which it was given."""
    height: Height
    validator_set_hash: HashBytes
    """Set that certifies the block; part of what is signed."""
    hash: HashBytes
    """Hash of the block."""
    signature: Annotated[bytes, Meta(min_length=64, max_length=64)]

    @property
    def place(self) -> tuple[str, int, int, int]:
        """What an honest validator says one thing about at most: validator, kind, term, height."""
        return (self.validator, int(self.kind), self.term, self.height)


class SignedHash(Record, frozen=True):
    """One side of a contradiction."""

    validator_set_hash: HashBytes
    hash: HashBytes
    signature: Annotated[bytes, Meta(min_length=64, max_length=64)]


class Evidence(Record, frozen=True):
    """Two statements of one validator, of one kind, term and height, over different blocks.

    It proves itself to whoever knows the chain id and the validator's key. Invariant where this software made it: the
    lower hash stands first, so that one contradiction is one value.
    """

    validator: Slug
    key: KeyBytes
    """The validator's, under which both signatures hold."""
    kind: StatementKind
    term: Height
    height: Height
    first: SignedHash
    second: SignedHash

    @property
    def place(self) -> tuple[str, int, int, int]:
        """Where the contradiction is: validator, kind, term, height. No ledger records two of one place."""
        return (self.validator, int(self.kind), self.term, self.height)


def contradiction(key: bytes, one: Statement, other: Statement) -> Evidence | None:
    """Return what two statements prove whose signatures hold under `key`, or None when they do not contradict."""
    if one.place != other.place or one.hash == other.hash:
        return None
    low, high = sorted((one, other), key=lambda item: item.hash)
    return Evidence(
        one.validator,
        key,
        one.kind,
        one.term,
        one.height,
        SignedHash(low.validator_set_hash, low.hash, low.signature),
        SignedHash(high.validator_set_hash, high.hash, high.signature),
    )


def statements_of(evidence: Evidence) -> tuple[Statement, Statement]:
    """Return the two statements that evidence consists of."""
    head = (evidence.validator, evidence.kind, evidence.term, evidence.height)
    first, second = (
        Statement(*head, side.validator_set_hash, side.hash, side.signature)
        for side in (evidence.first, evidence.second)
    )
    return first, second
