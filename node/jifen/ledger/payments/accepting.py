"""Saying who takes which points in payment, and how far: acceptances of organizations, and payment policies.

What is said holds from its block on. An acceptance rests on the issuer's terms when it is published and again at every
payment, so an issuer that stops listing an organization, or lowers its price, ends it without asking.
"""

from typing import NamedTuple

from jifen.ledger.context import BlockContext
from jifen.ledger.payments.bodies import PublishAcceptance, SetPaymentPolicy
from jifen.ledger.payments.effects import AcceptancePublished, PaymentPolicySet
from jifen.ledger.payments.records import (
    BASIS_POINTS,
    Acceptance,
    AcceptanceRecord,
    PaymentPolicies,
    PaymentPolicy,
)
from jifen.ledger.points.positions import Rate, is_accepted_at, is_within_settlement_price
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import (
    POLICIES_KEY,
    StateReader,
    StateWriter,
    acceptance_key,
    organization_key,
    past_acceptance_key,
    past_policies_key,
    point_type_key,
)
from jifen.ledger.terms.records import PointType, Terms, terms_in_force
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import AMOUNT_FEN_MAX, Organization, OrganizationKind, OrganizationStatus, Scope

ACCEPTING_SCOPE = int(Scope.ADMIN)
"""Scope that sets what an organization takes: a till that could would pay with its own thin air."""

NO_POLICIES = PaymentPolicies((), 0)


class Limits(NamedTuple):
    """How far an organization lets orders be paid with points."""

    share_bp: int
    daily_fen: int
    revision: int
    """Of the policies; 0: there is none."""


def limits_of(state: StateReader, organization: str, is_mall: bool) -> Limits:
    """Return the tightest limits that bind an organization: its own, and those of the malls unless it is one.

    Without any policy points may pay everything.
    """
    share_bp, daily_fen = BASIS_POINTS, AMOUNT_FEN_MAX
    found = read(state, POLICIES_KEY, PaymentPolicies) or NO_POLICIES
    for policy in found.policies:
        if policy.organization == organization or (policy.of_mall and not is_mall):
            share_bp = min(share_bp, policy.share_bp)
            daily_fen = min(daily_fen, policy.daily_fen)
    return Limits(share_bp, daily_fen, found.revision)


def rate_of(acceptance: Acceptance) -> Rate:
    """Return the rate at which points pay."""
    return Rate(acceptance.rate_points, acceptance.rate_fen)


def contradicts_itself(acceptance: Acceptance) -> bool:
    """Tell whether a step is worth a part of a fen, or the minimum no whole number of steps."""
    step = acceptance.step_points
    return bool(step * acceptance.rate_fen % acceptance.rate_points or acceptance.minimum_points % step)


def against_taking(organization: str, point_type: PointType, terms: Terms, acceptance: Acceptance) -> Rejection | None:
    """Return why an organization cannot take points at a rate under their terms in force, or None.

    An issuer may take its own points for what it likes: they are burned, and nobody owes anybody.
    """
    if organization == point_type.issuer:
        return None
    if not is_accepted_at(organization, point_type, terms):
        return Rejection.NOT_ON_ACCEPTANCE_LIST
    if not is_within_settlement_price(rate_of(acceptance), terms):
        return Rejection.RATE_ABOVE_SETTLEMENT
    return None


def check_acceptance(
    state: StateReader, body: PublishAcceptance, transaction: Transaction, context: BlockContext
) -> Rejection | AcceptanceRecord | None:
    """Return why the acceptance cannot be published, or the one before it. Order: `rejections.py`."""
    organization = _administered(state, body.organization)
    if isinstance(organization, Rejection):
        return organization
    point_type = read(state, point_type_key(body.point_type), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    if not _may_decide(organization, transaction):
        return Rejection.NOT_AUTHORIZED
    before = read(state, acceptance_key(body.organization, body.point_type), AcceptanceRecord)
    acceptance = body.acceptance
    if acceptance.version != (before.acceptance.version if before else 0) + 1:
        return Rejection.PAYMENT_VERSION_WRONG
    moved = before is not None and before.acceptance.utc_offset_minutes != acceptance.utc_offset_minutes
    if contradicts_itself(acceptance) or moved:
        return Rejection.ACCEPTANCE_CONTRADICTORY
    if acceptance.active:
        terms = terms_in_force(point_type, context.time)
        against = against_taking(body.organization, point_type, terms, acceptance)
        if against is not None:
            return against
        limits = limits_of(state, body.organization, organization.kind is OrganizationKind.MALL)
        if acceptance.share_bp > limits.share_bp or acceptance.daily_fen > limits.daily_fen:
            return Rejection.LOOSER_THAN_POLICY
    return before


def accept(
    state: StateWriter,
    body: PublishAcceptance,
    transaction: Transaction,
    before: AcceptanceRecord | None,
    context: BlockContext,
) -> tuple[AcceptancePublished]:
    """Let the acceptance hold; what was taken on this day goes on counting."""
    day, taken = (before.day, before.taken_fen) if before else (0, 0)
    version = body.acceptance.version
    record = AcceptanceRecord(body.acceptance, context.time, transaction.id)
    state.put(past_acceptance_key(body.organization, body.point_type, version), record)
    now = AcceptanceRecord(body.acceptance, context.time, transaction.id, day, taken)
    state.put(acceptance_key(body.organization, body.point_type), now)
    return (AcceptancePublished(body.organization, body.point_type, body.acceptance),)


def check_payment_policy(
    state: StateReader, body: SetPaymentPolicy, transaction: Transaction, _context: BlockContext
) -> Rejection | PaymentPolicy:
    """Return why the policy cannot be set, or the policy. Order: `rejections.py`."""
    organization = _administered(state, body.organization)
    if isinstance(organization, Rejection):
        return organization
    if not _may_decide(organization, transaction):
        return Rejection.NOT_AUTHORIZED
    known = (read(state, POLICIES_KEY, PaymentPolicies) or NO_POLICIES).policies
    versions = [policy.version for policy in known if policy.organization == body.organization]
    if body.version != (versions[0] if versions else 0) + 1:
        return Rejection.PAYMENT_VERSION_WRONG
    is_mall = organization.kind is OrganizationKind.MALL
    if not is_mall:
        malls = [policy for policy in known if policy.of_mall]
        if any(body.share_bp > mall.share_bp or body.daily_fen > mall.daily_fen for mall in malls):
            return Rejection.LOOSER_THAN_POLICY
    return PaymentPolicy(body.organization, body.version, body.share_bp, body.daily_fen, is_mall)


def set_payment_policy(
    state: StateWriter, body: SetPaymentPolicy, _transaction: Transaction, policy: PaymentPolicy, _context: BlockContext
) -> tuple[PaymentPolicySet]:
    """Let the policy hold. Looser ones that merchants have set stay, and bind no longer by themselves."""
    known = read(state, POLICIES_KEY, PaymentPolicies) or NO_POLICIES
    others = [item for item in known.policies if item.organization != body.organization]
    policies = tuple(sorted((*others, policy), key=lambda item: item.organization))
    after = PaymentPolicies(policies, known.revision + 1)
    state.put(POLICIES_KEY, after)
    state.put(past_policies_key(after.revision), after)
    return (PaymentPolicySet(policy, after.revision),)


def _administered(state: StateReader, name: str) -> Rejection | Organization:
    organization = read(state, organization_key(name), Organization)
    if organization is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if organization.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    return organization


def _may_decide(organization: Organization, transaction: Transaction) -> bool:
    return any(organization.scopes_of(key) & ACCEPTING_SCOPE for key in transaction.signers)
