"""Effects of bonuses and adjustments."""

from jifen.ledger.bonuses.records import AdjustmentReason, BonusCause, Direction, PolicyVersion, Reason
from jifen.ledger.effects import Effect
from jifen.ledger.terms.records import TermsVersionNumber
from jifen.ledger.types import (
    AccountBytes,
    KeyBytes,
    OrderId,
    PointTypeName,
    PositiveQuantity,
    Quantity,
    RuleVersion,
    Slug,
    TimeMs,
)


class BonusPolicySet(Effect, frozen=True, tag=80):
    """A version of an organization's limits holds."""

    organization: Slug
    version: RuleVersion


class BonusGranted(Effect, frozen=True, tag=81):
    """Points were issued for something else than a purchase; they count for no tier."""

    issuer: Slug
    account: AccountBytes
    point_type: PointTypeName
    points: PositiveQuantity
    cause: BonusCause
    cause_key: OrderId
    reason: Reason
    clerk: KeyBytes
    """Operator key against whose limits it counts."""
    policy_version: PolicyVersion
    debt_repaid: Quantity
    terms_version: TermsVersionNumber
    available_from: TimeMs
    expires_at: TimeMs
    """0: never."""
    available_after: Quantity
    pending_after: Quantity


class PointsAdjusted(Effect, frozen=True, tag=82):
    """An issuer corrected an account."""

    issuer: Slug
    account: AccountBytes
    point_type: PointTypeName
    direction: Direction
    points: PositiveQuantity
    cause_key: OrderId
    reason_code: AdjustmentReason
    reason: Reason
    clerk: KeyBytes
    policy_version: PolicyVersion
    debt_repaid: Quantity
    available_after: Quantity
    debt_after: Quantity
    pending_after: Quantity
