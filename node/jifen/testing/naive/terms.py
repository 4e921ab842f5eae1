"""Naive rules of point types and their terms: which version holds when, and what it says of points.

Dates are those of the standard library's calendar, not of the ledger's own arithmetic.
"""

import calendar
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from jifen.ledger.rejections import Rejection
from jifen.ledger.terms.bodies import CreatePointType, PublishTerms
from jifen.ledger.terms.records import (
    AvailableAfterDays,
    AvailableOnConfirmation,
    CalendarExpiry,
    NeverExpires,
    PointType,
    RollingExpiry,
    SlidingExpiry,
    Terms,
    Unbacked,
)
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import OrganizationStatus, Scope

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

Effects = tuple[tuple[object, ...], ...]

YEAR_OF_NOTICE: Final = 366 * 86_400_000
"""Longest notice, ms."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def digest_of(name: str, terms: Terms) -> bytes:
    """Return the hash of a version of terms: of its canonical msgpack behind the domain's tag."""
    tag = sha256(b"jifen/terms/1").digest()
    return sha256(tag + tag + msgspec.msgpack.encode([name, terms])).digest()


def in_force(ledger: "NaiveLedger", name: str, time: int) -> Terms:
    """Return the terms that hold: of the versions whose time has come the last that was not replaced before that."""
    versions = ledger.terms[name]
    found = []
    for place, (terms, _, _) in enumerate(versions):
        replaced = any(published < terms.effective_from for _, published, _ in versions[place + 1 :])
        if terms.effective_from <= time and not replaced:
            found.append(terms)
    return found[-1]


def come_into_force(ledger: "NaiveLedger", time: int) -> list[tuple[object, ...]]:
    """Tell of the versions that hold since the last block."""
    return [effect for name in ledger.terms for effect in tell_in_force(ledger, name, time)]


def tell_in_force(ledger: "NaiveLedger", name: str, time: int) -> list[tuple[object, ...]]:
    """Tell of the version of a type that holds, if that has not been told."""
    terms = in_force(ledger, name, time)
    if (name, terms.version) in ledger.told_in_force:
        return []
    ledger.told_in_force.add((name, terms.version))
    return [(name, terms.version, digest_of(name, terms))]


def local_date(time: int, terms: Terms) -> date:
    """Return the issuer's date at a block time."""
    return (EPOCH + timedelta(milliseconds=time, minutes=terms.utc_offset_minutes)).date()


def midnight(day: date, terms: Terms) -> int:
    """Return the block time at which a date of the issuer's begins, ms."""
    ahead = datetime(day.year, day.month, day.day, tzinfo=UTC) - EPOCH - timedelta(minutes=terms.utc_offset_minutes)
    return ahead // timedelta(milliseconds=1)


def dates_of(terms: Terms, time: int) -> tuple[int, int, int]:
    """Return (available from, expires at, renewal days) of points earned at a block time."""
    today, expiry = local_date(time, terms), terms.expiry
    available_from = midnight(today, terms)
    if isinstance(terms.pending, AvailableAfterDays):
        available_from = midnight(today + timedelta(days=terms.pending.days + 1), terms)
    if isinstance(expiry, NeverExpires):
        return available_from, 0, 0
    if isinstance(expiry, CalendarExpiry):
        return available_from, midnight(last_day(expiry, today) + timedelta(days=1), terms), 0
    end = midnight(today + timedelta(days=expiry.days + 1), terms)
    return available_from, end, expiry.days if isinstance(expiry, SlidingExpiry) else 0


def last_day(expiry: CalendarExpiry, today: date) -> date:
    """Return the last day of points earned today: walk the days to the first stated one, then the periods."""
    day = today
    while not is_stated(expiry, day):
        day += timedelta(days=1)
    left = expiry.periods
    while left:
        day += timedelta(days=1)
        left -= is_stated(expiry, day)
    return day


def is_stated(expiry: CalendarExpiry, day: date) -> bool:
    """Tell whether points may expire at the end of a day."""
    last = calendar.monthrange(day.year, day.month)[1]
    return expiry.month in {0, day.month} and day.day == min(expiry.day, last)


def against_terms(ledger: "NaiveLedger", issuer: str, terms: Terms, item: Transaction) -> set[Rejection]:
    """Return what speaks against terms of an issuer whatever came before, and against who signed."""
    found = set()
    named = [issuer, *terms.accepted_by]
    if not isinstance(terms.backing, Unbacked):
        named.append(terms.backing.guarantor)
        worth, backing = terms.issue_cap * terms.settlement_fen, terms.backing.amount_fen * terms.settlement_points
        if worth > backing:
            found.add(Rejection.BACKING_TOO_SMALL)
        if terms.backing.guarantor == issuer:
            found.add(Rejection.TERMS_CONTRADICTORY)
    if any(name not in ledger.organizations for name in named):
        found.add(Rejection.ORGANIZATION_UNKNOWN)
    if issuer in ledger.organizations:
        if ledger.organizations[issuer].status == OrganizationStatus.SUSPENDED:
            found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
        if not signed_by(ledger, issuer, Scope.ADMIN, item):
            found.add(Rejection.NOT_AUTHORIZED)
    names = list(terms.accepted_by)
    if names != sorted(names) or len(set(names)) < len(names) or issuer in names:
        found.add(Rejection.TERMS_CONTRADICTORY)
    corridor = terms.corridor
    if not set(range(corridor.lowest_percent, 101)) & set(range(corridor.highest_percent + 1)):
        found.add(Rejection.TERMS_CONTRADICTORY)
    if isinstance(terms.pending, AvailableAfterDays) and shortest_life(terms) <= terms.pending.days:
        found.add(Rejection.TERMS_CONTRADICTORY)
    return found


def shortest_life(terms: Terms) -> int:
    """Return how many days points live at least."""
    expiry = terms.expiry
    if isinstance(expiry, RollingExpiry | SlidingExpiry):
        return expiry.days
    if isinstance(expiry, CalendarExpiry):
        return expiry.periods * 365 if expiry.month else expiry.periods * 28
    return 10**9


def signed_by(ledger: "NaiveLedger", organization: str, scope: Scope, item: Transaction) -> bool:
    """Tell whether an operator with a scope signed for an organization."""
    operators = ledger.organizations[organization].operators
    return any(operator.key in item.signers and scope in Scope(operator.scopes) for operator in operators)


def unconfirmed(ledger: "NaiveLedger", before: Any, terms: Terms, item: Transaction) -> bool:
    """Tell whether a guarantor's signature is missing."""
    after, asked = terms.backing, ""
    if isinstance(after, Unbacked):
        if not isinstance(before, Unbacked):
            asked = before.guarantor
    elif type(before) is not type(after) or before.guarantor != after.guarantor or before.amount_fen < after.amount_fen:
        asked = after.guarantor
    if not asked:
        return False
    known = ledger.organizations.get(asked)
    active = known is not None and known.status == OrganizationStatus.ACTIVE
    return not (active and signed_by(ledger, asked, Scope.TREASURER, item))


def against_publication(ledger: "NaiveLedger", body: PublishTerms, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a version."""
    terms = body.terms
    found = against_terms(ledger, body.issuer, terms, item)
    if body.point_type not in ledger.point_types:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    else:
        newest, _, _ = ledger.terms[body.point_type][-1]
        if not body.point_type.startswith(f"{body.issuer}/"):
            found.add(Rejection.NOT_THE_ISSUER)
        if terms.version - newest.version != 1:
            found.add(Rejection.TERMS_VERSION_WRONG)
        if terms.decimals != newest.decimals:
            found.add(Rejection.TERMS_CONTRADICTORY)
        if unconfirmed(ledger, newest.backing, terms, item):
            found.add(Rejection.BACKING_NOT_CONFIRMED)
    if 0 < terms.effective_from < time:
        found.add(Rejection.TERMS_BACK_DATED)
    if terms.effective_from > time + YEAR_OF_NOTICE:
        found.add(Rejection.TERMS_TOO_FAR)
    return found


def publish(ledger: "NaiveLedger", body: PublishTerms, item: Transaction, time: int) -> Effects:
    """Add a version; the one before may hold, and not have been told of yet."""
    late = tell_in_force(ledger, body.point_type, time)
    return (
        *late,
        add_version(ledger, body.point_type, body.terms, time, item.id),
    )


def add_version(
    ledger: "NaiveLedger", name: str, terms: Terms, time: int, identity: bytes = bytes(32)
) -> tuple[object, ...]:
    """Add a version to the history of a point type."""
    if terms.effective_from == 0:
        terms = msgspec.structs.replace(terms, effective_from=time)
    ledger.terms.setdefault(name, []).append((terms, time, identity))
    if terms.effective_from <= time:
        ledger.told_in_force.add((name, terms.version))
    return (name, terms.version, digest_of(name, terms), terms.effective_from)


def against_creation(ledger: "NaiveLedger", body: CreatePointType, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against a new point type."""
    found = against_terms(ledger, body.issuer, body.terms, item)
    if f"{body.issuer}/{body.role.name.lower()}" in ledger.point_types:
        found.add(Rejection.POINT_TYPE_EXISTS)
    if body.terms.version != 1:
        found.add(Rejection.TERMS_VERSION_WRONG)
    if body.terms.effective_from:
        found.add(Rejection.TERMS_CONTRADICTORY)
    if unconfirmed(ledger, Unbacked(), body.terms, item):
        found.add(Rejection.BACKING_NOT_CONFIRMED)
    for mall, versions in ledger.policies.items():
        policy = versions[-1][0]
        if body.issuer not in policy.merchants or ledger.organizations[mall].status == OrganizationStatus.SUSPENDED:
            continue
        if Fraction(body.earn_points, body.earn_fen) > Fraction(policy.rate_points, policy.rate_fen):
            found.add(Rejection.RULE_AGAINST_POLICY)
        if policy.signature_required and not signed_by(ledger, mall, Scope.ADMIN, item):
            found.add(Rejection.MALL_NOT_SIGNED)
    return found


def create(ledger: "NaiveLedger", body: CreatePointType, item: Transaction, time: int) -> Effects:
    """Add a point type."""
    name = f"{body.issuer}/{body.role.name.lower()}"
    ledger.add_point_type(PointType(name, body.issuer, body.role, 1, body.earn_points, body.earn_fen))
    return (add_version(ledger, name, body.terms, time, item.id),)


def record_of(ledger: "NaiveLedger", name: str, time: int) -> PointType:
    """Return the record of a point type at a block time: what holds is not written before it was told."""
    newest, _, _ = ledger.terms[name][-1]
    holds = in_force(ledger, name, time)
    if (name, holds.version) not in ledger.told_in_force:
        holds = [terms for terms, _, _ in ledger.terms[name] if (name, terms.version) in ledger.told_in_force][-1]
    later = newest if newest.version > holds.version else None
    return msgspec.structs.replace(ledger.point_types[name], terms=holds, scheduled=later)


def is_awaited(terms: Terms) -> bool:
    """Tell whether points wait for a confirmation under these terms."""
    return isinstance(terms.pending, AvailableOnConfirmation)
