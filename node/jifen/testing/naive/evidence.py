"""Naive rules of evidence."""

from typing import TYPE_CHECKING

from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Transaction

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

MOST = 32
"""Pieces recorded against one validator."""


def against_evidence(ledger: "NaiveLedger", body: RecordEvidence, _item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against recording a piece of evidence."""
    found = set()
    shown = body.evidence
    keys = [validator.key for validator in ledger.validators if validator.id == shown.validator]
    if not keys:
        found.add(Rejection.VALIDATOR_UNKNOWN)
    elif shown.key not in keys:
        found.add(Rejection.NOT_ITS_KEY)
    if shown.first.hash == shown.second.hash:
        found.add(Rejection.STATEMENTS_AGREE)
    known = [other for other, _, _ in ledger.evidence if other.validator == shown.validator]
    if any((item.kind, item.term, item.height) == (shown.kind, shown.term, shown.height) for item in known):
        found.add(Rejection.EVIDENCE_ALREADY_RECORDED)
    if len(known) == MOST:
        found.add(Rejection.EVIDENCE_ENOUGH)
    return found


def record(
    ledger: "NaiveLedger", body: RecordEvidence, item: Transaction, _time: int
) -> tuple[tuple[object, ...], ...]:
    """Remember the evidence."""
    shown = body.evidence
    ledger.evidence.append((shown, item.id, ledger.height))
    count = sum(other.validator == shown.validator for other, _, _ in ledger.evidence)
    where = (shown.validator, shown.kind, shown.term, shown.height)
    return ((*where, shown.first.hash, shown.second.hash, count),)
