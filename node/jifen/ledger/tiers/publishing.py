"""Publishing tiers, and whose tiers an organization recognises."""

from jifen.ledger.context import BlockContext
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import StateReader, StateWriter, organization_key, tier_book_key
from jifen.ledger.tiers.bodies import PublishRecognition, PublishTiers
from jifen.ledger.tiers.effects import RecognitionPublished, TiersPublished
from jifen.ledger.tiers.records import (
    EMPTY_BOOK,
    RECOGNISED_ORGANIZATIONS_MAX,
    Recognition,
    TierBook,
    TierProgramme,
)
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import Organization, OrganizationStatus, Scope

PUBLISHING_SCOPE = int(Scope.ADMIN)
"""Scope that sets what an organization promises, as for terms."""


def check_tiers(
    state: StateReader, body: PublishTiers, transaction: Transaction, _context: BlockContext
) -> Rejection | TierBook:
    """Return why the version cannot be published, or what the organization has. Order: `rejections.py`."""
    reason = administered(state, body.organization, transaction)
    if reason is not None:
        return reason
    book = read(state, tier_book_key(body.organization), TierBook) or EMPTY_BOOK
    before = book.programme
    if body.programme.version != (before.version if before else 0) + 1:
        return Rejection.VERSION_NOT_NEXT
    if are_contradictory(body.programme) or not _keeps_tiers(before, body.programme):
        return Rejection.TIERS_CONTRADICTORY
    return book


def publish_tiers(
    state: StateWriter, body: PublishTiers, _transaction: Transaction, book: TierBook, _context: BlockContext
) -> tuple[TiersPublished]:
    """Let the version hold."""
    state.put(tier_book_key(body.organization), TierBook(body.programme, book.recognition, book.standing_orders))
    return (TiersPublished(body.organization, body.programme.version),)


def check_recognition(
    state: StateReader, body: PublishRecognition, transaction: Transaction, _context: BlockContext
) -> Rejection | TierBook:
    """Return why the map cannot be published, or what the organization has. Order: `rejections.py`."""
    reason = administered(state, body.organization, transaction)
    if reason is not None:
        return reason
    book = read(state, tier_book_key(body.organization), TierBook) or EMPTY_BOOK
    before = book.recognition
    if body.recognition.version != (before.version if before else 0) + 1:
        return Rejection.VERSION_NOT_NEXT
    for entry in body.recognition.entries:
        there = read(state, tier_book_key(entry.organization), TierBook)
        if not (has_tier(there, entry.tier) and has_tier(book, entry.counts_as)):
            return Rejection.TIER_UNKNOWN
    if is_tangled(body.recognition, body.organization):
        return Rejection.RECOGNITION_CONTRADICTORY
    return book


def publish_recognition(
    state: StateWriter, body: PublishRecognition, _transaction: Transaction, book: TierBook, _context: BlockContext
) -> tuple[RecognitionPublished]:
    """Let the map hold."""
    state.put(tier_book_key(body.organization), TierBook(book.programme, body.recognition, book.standing_orders))
    return (RecognitionPublished(body.organization, body.recognition.version),)


def administered(state: StateReader, organization: str, transaction: Transaction) -> Rejection | None:
    """Return why nothing can be published for an organization under these signatures, or None."""
    found = read(state, organization_key(organization), Organization)
    if found is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if found.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if not any(found.scopes_of(key) & PUBLISHING_SCOPE for key in transaction.signers):
        return Rejection.NOT_AUTHORIZED
    return None


def are_contradictory(programme: TierProgramme) -> bool:
    """Tell whether a programme breaks an invariant of its own."""
    thresholds = [tier.threshold for tier in programme.tiers]
    ids = {tier.id for tier in programme.tiers}
    return thresholds != sorted({*thresholds}) or len(ids) != len(thresholds)


def has_tier(book: TierBook | None, tier: str) -> bool:
    """Tell whether there is a tier of that id."""
    return book is not None and book.programme is not None and any(item.id == tier for item in book.programme.tiers)


def is_tangled(recognition: Recognition, organization: str) -> bool:
    """Tell whether a map of an organization breaks an invariant that needs nothing else to be seen."""
    named = [(entry.organization, entry.tier) for entry in recognition.entries]
    organizations = {name for name, _ in named}
    return (
        named != sorted({*named}) or organization in organizations or len(organizations) > RECOGNISED_ORGANIZATIONS_MAX
    )


def _keeps_tiers(before: TierProgramme | None, after: TierProgramme) -> bool:
    """Tell whether every tier of the version before is still there: members, maps and rules name it."""
    return before is None or {tier.id for tier in before.tiers} <= {tier.id for tier in after.tiers}
