"""Naive rules of checkpoints."""

from typing import TYPE_CHECKING

from jifen.ledger.checkpoints.records import AttestCheckpoint
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Transaction

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

KEPT = 4
"""Heights that are remembered."""


def remembered(ledger: "NaiveLedger") -> list[int]:
    """Return the heights that the ledger still knows, newest first."""
    return sorted({body.height for body, _ in ledger.attested}, reverse=True)[:KEPT]


def against_attestation(ledger: "NaiveLedger", body: AttestCheckpoint, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against an attestation."""
    found = set()
    keys = [validator.key for validator in ledger.validators if validator.id == body.validator]
    if body.validator not in [*ledger.voters, *ledger.outgoing]:
        found.add(Rejection.NOT_A_VOTER)
    if not any(key in item.signers for key in keys):
        found.add(Rejection.NOT_AUTHORIZED)
    if body.height % ledger.checkpoint_blocks != 0 or body.height >= ledger.height:
        found.add(Rejection.NOT_A_CHECKPOINT)
    heights = remembered(ledger)
    if len(heights) == KEPT and body.height < min(heights):
        found.add(Rejection.CHECKPOINT_TOO_OLD)
    if any((body.validator, body.height) == (other.validator, other.height) for other, _ in ledger.attested):
        found.add(Rejection.CHECKPOINT_ALREADY_ATTESTED)
    return found


def attest(
    ledger: "NaiveLedger", body: AttestCheckpoint, item: Transaction, _time: int
) -> tuple[tuple[object, ...], ...]:
    """Remember the attestation, and by which one its height was certified, if by this."""
    ledger.attested.append((body, item.id))
    said = (body.height, body.block_hash, body.root)
    agreeing = {other.validator for other, _ in ledger.attested if (other.height, other.block_hash, other.root) == said}
    enough = len(agreeing & {*ledger.voters}) * 2 > len(ledger.voters)
    if ledger.outgoing:
        enough = enough and len(agreeing & {*ledger.outgoing}) * 2 > len(ledger.outgoing)
    certified = enough and body.height not in ledger.certified
    if certified:
        ledger.certified[body.height] = (body.root, body.block_hash, ledger.height)
    return ((body.validator, *said, len(agreeing), certified),)
