"""Transactions about bonuses and adjustments."""

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.bonuses.records import AdjustmentReason, BonusCause, BonusPolicy, Direction, Reason
from jifen.ledger.types import AccountBytes, OrderId, PointTypeName, PositiveQuantity, Slug


class SetBonusPolicy(TransactionBody, frozen=True, tag=77):
    """Set the limits within which an organization's operators grant and adjust; signed by one with scope ADMIN."""

    organization: Slug
    policy: BonusPolicy
    """`version` is 1 at first, then the one before and 1."""


class GrantBonus(TransactionBody, frozen=True, tag=78):
    """Give a member points of the issuer's for something else than a purchase.

    Signed by an operator of the issuer with scope CASHIER or ISSUER: the clerk, against whose limits it counts; the
    first of the signers who is one. Above the policy's limit a second operator of the issuer signs too. A bonus for
    having come to an event is signed by another operator, one of the holder's with scope CASHIER, who has seen him.
    """

    issuer: Slug
    account: AccountBytes
    point_type: PointTypeName
    points: PositiveQuantity
    cause: BonusCause
    cause_key: OrderId
    """What makes the cause unique: the event, `birthday-2027`, a complaint's number."""
    reason: Reason
    holder: Slug | None = None
    """Organization that held the event, if it is not the issuer. Where it is named, its check-in is needed."""


class AdjustPoints(TransactionBody, frozen=True, tag=79):
    """Correct a member's points of the issuer's own: a forced action, with its reason (invariant I5).

    Signed by an operator of the issuer with scope ISSUER, the clerk, against whose limits it counts; above the policy's
    limit by a second one with scope ISSUER or ADMIN too.
    """

    issuer: Slug
    account: AccountBytes
    point_type: PointTypeName
    direction: Direction
    points: PositiveQuantity
    cause_key: OrderId
    """The issuer's own number of the adjustment; unique for ever (invariant I3)."""
    reason_code: AdjustmentReason
    reason: Reason
    may_owe: bool = False
    """Whether a debit may take more than can be spent; the rest is then owed, as after a refund."""
