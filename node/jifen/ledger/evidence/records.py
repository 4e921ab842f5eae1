"""Evidence as the ledger keeps it: who contradicted himself where, in whose words, and which transaction showed it."""

from typing import Annotated

from msgspec import Meta

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.effects import Effect
from jifen.ledger.evidence.statements import Evidence, StatementKind
from jifen.ledger.types import HashBytes, Height, Record, Slug

EVIDENCE_RECORDED_MAX = 32
"""Pieces of evidence recorded against one validator. One proves the fault and some show how it went on; without a bound
whoever holds a validator's key could fill the state of all with contradictions of his own making."""


class RecordEvidence(TransactionBody, frozen=True, tag=20):
    """Show the alliance that a validator has contradicted itself; anybody may, under any key.

    The gateway checks both statements' signatures together with those of the transaction.
    """

    evidence: Evidence


class EvidenceRecorded(Effect, frozen=True, tag=20):
    """A validator stands convicted of having said two things of one term and height."""

    validator: Slug
    kind: StatementKind
    term: Height
    height: Height
    first_hash: HashBytes
    second_hash: HashBytes
    recorded: Annotated[int, Meta(ge=1, le=EVIDENCE_RECORDED_MAX)]
    """Pieces recorded against it by now, this one included."""


class RecordedEvidence(Record, frozen=True):
    """One contradiction; the signatures are in the transaction."""

    kind: StatementKind
    term: Height
    height: Height
    first_hash: HashBytes
    second_hash: HashBytes
    transaction_id: HashBytes
    recorded_at: Height
    """Height of the block that holds the transaction."""


class EvidenceAgainst(Record, frozen=True):
    """All evidence recorded against one validator. Invariant: no two pieces are of one kind, term and height."""

    pieces: Annotated[tuple[RecordedEvidence, ...], Meta(min_length=1, max_length=EVIDENCE_RECORDED_MAX)]
    """In the order in which they were recorded."""
