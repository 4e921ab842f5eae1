"""Publishing terms: new versions of a point type's, and the first of a new point type.

What holds already is never changed after the fact: a version holds from a time that is not past, and points keep the
dates that they were given.
"""

import msgspec

from jifen.ledger.context import BlockContext
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.policies import against_new_type
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import StateReader, StateWriter, organization_key, point_type_key, supply_key, terms_key
from jifen.ledger.terms.bodies import CreatePointType, PublishTerms
from jifen.ledger.terms.effects import TermsInForce, TermsPublished
from jifen.ledger.terms.records import (
    NOTICE_MS_MAX,
    AvailableAfterDays,
    Backing,
    CalendarExpiry,
    PointType,
    RollingExpiry,
    SlidingExpiry,
    Terms,
    TermsRecord,
    Unbacked,
    newest_terms,
    terms_hash,
    terms_in_force,
)
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import EMPTY_SUPPLY, Organization, OrganizationStatus, Scope

PUBLISHING_SCOPE = int(Scope.ADMIN)
"""Scope that sets what an organization promises; see `PublishTerms` for why it is not ISSUER."""


def check_publication(
    state: StateReader, body: PublishTerms, transaction: Transaction, context: BlockContext
) -> Rejection | PointType:
    """Return why the version cannot be published, or the point type as it is. Order: `rejections.py`."""
    terms = body.terms
    issuer = _issuer(state, body.issuer, terms)
    if isinstance(issuer, Rejection):
        return issuer
    point_type = read(state, point_type_key(body.point_type), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    if not _may_publish(issuer, transaction):
        return Rejection.NOT_AUTHORIZED
    if point_type.issuer != body.issuer:
        return Rejection.NOT_THE_ISSUER
    newest = newest_terms(point_type)
    if terms.version != newest.version + 1:
        return Rejection.TERMS_VERSION_WRONG
    if terms.effective_from and terms.effective_from < context.time:
        return Rejection.TERMS_BACK_DATED
    if terms.effective_from > context.time + NOTICE_MS_MAX:
        return Rejection.TERMS_TOO_FAR
    if terms.decimals != newest.decimals or contradicts_itself(terms, body.issuer):
        return Rejection.TERMS_CONTRADICTORY
    if not is_covered(terms):
        return Rejection.BACKING_TOO_SMALL
    if not _backing_is_confirmed(state, newest.backing, terms.backing, transaction):
        return Rejection.BACKING_NOT_CONFIRMED
    return point_type


def publish(
    state: StateWriter, body: PublishTerms, transaction: Transaction, before: PointType, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Publish the version. One that was published before and does not hold yet never will."""
    key = point_type_key(before.id)
    terms = _from(body.terms, context.time)
    scheduled = before.scheduled
    effects: tuple[AnyEffect, ...] = ()
    if scheduled is not None and scheduled.effective_from <= context.time:
        # The agenda has not got to it yet; it holds, and is told of now.
        effects = (_in_force(before.id, scheduled),)
    at_once = terms.effective_from <= context.time
    current = terms if at_once else terms_in_force(before, context.time)
    after = msgspec.structs.replace(before, terms=current, scheduled=None if at_once else terms)
    schedule(state, key, scheduled.effective_from if scheduled else 0, 0 if at_once else terms.effective_from)
    state.put(key, after)
    return (*effects, record_terms(state, before.id, terms, context.time, transaction.id))


def check_creation(
    state: StateReader, body: CreatePointType, transaction: Transaction, _context: BlockContext
) -> Rejection | str:
    """Return why the point type cannot be made, or its id. Order: `rejections.py`."""
    terms = body.terms
    issuer = _issuer(state, body.issuer, terms)
    if isinstance(issuer, Rejection):
        return issuer
    if not _may_publish(issuer, transaction):
        return Rejection.NOT_AUTHORIZED
    name = f"{body.issuer}/{body.role.name.lower()}"
    if state.get(point_type_key(name)) is not None:
        return Rejection.POINT_TYPE_EXISTS
    if terms.version != 1:
        return Rejection.TERMS_VERSION_WRONG
    if terms.effective_from or contradicts_itself(terms, body.issuer):
        return Rejection.TERMS_CONTRADICTORY
    if not is_covered(terms):
        return Rejection.BACKING_TOO_SMALL
    if not _backing_is_confirmed(state, Unbacked(), terms.backing, transaction):
        return Rejection.BACKING_NOT_CONFIRMED
    return against_new_type(state, body.issuer, (body.earn_points, body.earn_fen), transaction) or name


def create(
    state: StateWriter, body: CreatePointType, transaction: Transaction, name: str, context: BlockContext
) -> tuple[TermsPublished]:
    """Make the point type."""
    terms = _from(body.terms, context.time)
    point_type = PointType(name, body.issuer, body.role, 1, body.earn_points, body.earn_fen, terms)
    state.put(point_type_key(name), point_type)
    state.put(supply_key(name), EMPTY_SUPPLY)
    return (record_terms(state, name, terms, context.time, transaction.id),)


def record_terms(state: StateWriter, point_type: str, terms: Terms, time: int, transaction_id: bytes) -> TermsPublished:
    """Enter a version into the history and return the effect that tells of it. `time` is that of its block, ms."""
    digest = terms_hash(point_type, terms)
    state.put(terms_key(point_type, terms.version), TermsRecord(terms, digest, time, transaction_id))
    return TermsPublished(point_type, terms.version, digest, terms.effective_from)


def wake_point_type(state: StateWriter, key: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Let the scheduled version hold, whose time has come."""
    point_type = read(state, key, PointType)
    assert point_type is not None, f"the agenda names the point type {key.hex()}, which does not exist"
    scheduled = point_type.scheduled
    assert scheduled is not None, f"the agenda names {point_type.id}, which has no scheduled terms"
    assert scheduled.effective_from <= context.time, f"the agenda wakes {point_type.id} too early"
    state.put(key, msgspec.structs.replace(point_type, terms=scheduled, scheduled=None))
    return (_in_force(point_type.id, scheduled),)


def contradicts_itself(terms: Terms, issuer: str) -> bool:
    """Tell whether terms of an issuer break an invariant of `Terms` that needs nothing else to be seen."""
    accepted = terms.accepted_by
    if list(accepted) != sorted({*accepted}) or issuer in accepted:
        return True
    if not isinstance(terms.backing, Unbacked) and terms.backing.guarantor == issuer:
        return True
    if terms.corridor.lowest_percent > terms.corridor.highest_percent:
        return True
    if isinstance(terms.pending, AvailableAfterDays):
        days = terms.pending.days
        if isinstance(terms.expiry, RollingExpiry | SlidingExpiry):
            return terms.expiry.days <= days
        # By the calendar, points earned late live shortest: nobody can say for all days at once, so a month is asked.
        return isinstance(terms.expiry, CalendarExpiry) and _shortest_days(terms.expiry) <= days
    return False


def _shortest_days(expiry: CalendarExpiry) -> int:
    """Return a lower bound of the days that points live, whenever they are earned."""
    return expiry.periods * (365 if expiry.month else 28)


def is_covered(terms: Terms) -> bool:
    """Tell whether the backing covers the cap at the settlement price, if there is any."""
    if isinstance(terms.backing, Unbacked):
        return True
    return terms.issue_cap * terms.settlement_fen <= terms.backing.amount_fen * terms.settlement_points


def _issuer(state: StateReader, issuer: str, terms: Terms) -> Rejection | Organization:
    organization = read(state, organization_key(issuer), Organization)
    named = terms.accepted_by
    if not isinstance(terms.backing, Unbacked):
        named += (terms.backing.guarantor,)
    if organization is None or any(state.get(organization_key(name)) is None for name in named):
        return Rejection.ORGANIZATION_UNKNOWN
    if organization.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    return organization


def _may_publish(issuer: Organization, transaction: Transaction) -> bool:
    return any(issuer.scopes_of(key) & PUBLISHING_SCOPE for key in transaction.signers)


def _backing_is_confirmed(state: StateReader, before: Backing, after: Backing, transaction: Transaction) -> bool:
    """Tell whether who answers for the points has signed what changes it: more of it, another kind, or none at all."""
    if isinstance(after, Unbacked):
        guarantor = "" if isinstance(before, Unbacked) else before.guarantor
    else:
        guarantor = after.guarantor
        if type(before) is type(after) and not isinstance(before, Unbacked) and before.guarantor == guarantor:
            guarantor = "" if after.amount_fen <= before.amount_fen else guarantor
    if not guarantor:
        return True
    organization = read(state, organization_key(guarantor), Organization)
    if organization is None or organization.status is not OrganizationStatus.ACTIVE:
        return False
    return any(organization.scopes_of(key) & Scope.TREASURER for key in transaction.signers)


def _from(terms: Terms, time: int) -> Terms:
    """Return terms with the time from which they hold written out."""
    return terms if terms.effective_from else msgspec.structs.replace(terms, effective_from=time)


def _in_force(point_type: str, terms: Terms) -> TermsInForce:
    return TermsInForce(point_type, terms.version, terms_hash(point_type, terms))
