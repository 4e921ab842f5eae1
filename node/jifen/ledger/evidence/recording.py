"""Recording evidence: the one rule by which a validator's lie comes to stand in the book of those it lied to."""

from jifen.ledger.context import BlockContext
from jifen.ledger.evidence.records import (
    EVIDENCE_RECORDED_MAX,
    EvidenceAgainst,
    EvidenceRecorded,
    RecordedEvidence,
    RecordEvidence,
)
from jifen.ledger.governance.validators import Validator
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import StateReader, StateWriter, evidence_key, validator_key
from jifen.ledger.transactions import Transaction


def check_evidence(
    state: StateReader, body: RecordEvidence, _transaction: Transaction, _context: BlockContext
) -> Rejection | tuple[RecordedEvidence, ...]:
    """Return why the evidence is not recorded, or what is recorded against the validator already.

    That both signatures hold under the key named is the gateway's to see; here it only has to be the validator's own,
    retired or not.
    """
    evidence = body.evidence
    validator = read(state, validator_key(evidence.validator), Validator)
    if validator is None:
        return Rejection.VALIDATOR_UNKNOWN
    if validator.key != evidence.key:
        return Rejection.NOT_ITS_KEY
    if evidence.first.hash == evidence.second.hash:
        return Rejection.STATEMENTS_AGREE
    against = read(state, evidence_key(evidence.validator), EvidenceAgainst)
    pieces = () if against is None else against.pieces
    place = (evidence.kind, evidence.term, evidence.height)
    if any((piece.kind, piece.term, piece.height) == place for piece in pieces):
        return Rejection.EVIDENCE_ALREADY_RECORDED
    if len(pieces) >= EVIDENCE_RECORDED_MAX:
        return Rejection.EVIDENCE_ENOUGH
    return pieces


def record(
    state: StateWriter,
    body: RecordEvidence,
    transaction: Transaction,
    pieces: tuple[RecordedEvidence, ...],
    context: BlockContext,
) -> tuple[EvidenceRecorded]:
    """Record it for good. Nothing follows by itself: what becomes of the validator is for the organizations to vote."""
    evidence = body.evidence
    place = (evidence.kind, evidence.term, evidence.height)
    hashes = (evidence.first.hash, evidence.second.hash)
    piece = RecordedEvidence(*place, *hashes, transaction.id, context.height)
    state.put(evidence_key(evidence.validator), EvidenceAgainst((*pieces, piece)))
    return (EvidenceRecorded(evidence.validator, *place, *hashes, len(pieces) + 1),)
