"""Effects of bonuses and adjustments."""

from __future__ import annotations

import strawberry

from jifen.ledger.bonuses import effects as ledger
from jifen.ledger.bonuses.records import AdjustmentReason, BonusCause, Direction
from jifen.ledger.types import AccountId, PublicKey
from jifen_graphql.schema.scalars import DateTime, Points


@strawberry.type(description="A version of the limits within which an organization's operators grant and adjust holds.")
class BonusPolicySet:
    """Effect of `setBonusPolicy`."""

    organization: str
    policy_version: int

    @classmethod
    def of(cls, effect: ledger.BonusPolicySet) -> BonusPolicySet:
        """Return the API's form of an effect."""
        return cls(organization=effect.organization, policy_version=effect.version)


@strawberry.type(description="Points were issued for something else than a purchase; they count for no tier.")
class BonusGranted:
    """Effect of `grantBonus`."""

    issuer: str
    account: AccountId
    point_type: str
    points: Points
    cause: BonusCause
    cause_key: str
    reason: str
    clerk: PublicKey = strawberry.field(description="Operator key against whose limits it counts.")
    policy_version: int
    debt_repaid: Points
    terms_version: int
    available_from: DateTime | None
    points_expire_at: DateTime | None = strawberry.field(description="When they expire; null: never.")
    available_after: Points
    pending_after: Points

    @classmethod
    def of(cls, effect: ledger.BonusGranted) -> BonusGranted:
        """Return the API's form of an effect."""
        return cls(
            issuer=effect.issuer,
            account=AccountId(effect.account),
            point_type=effect.point_type,
            points=Points(effect.points),
            cause=effect.cause,
            cause_key=effect.cause_key,
            reason=effect.reason,
            clerk=PublicKey(effect.clerk),
            policy_version=effect.policy_version,
            debt_repaid=Points(effect.debt_repaid),
            terms_version=effect.terms_version,
            available_from=DateTime(effect.available_from),
            points_expire_at=DateTime(effect.expires_at) if effect.expires_at else None,
            available_after=Points(effect.available_after),
            pending_after=Points(effect.pending_after),
        )


@strawberry.type(description="An issuer corrected an account: a forced action, with its reason (invariant I5).")
class PointsAdjusted:
    """Effect of `adjustPoints`."""

    issuer: str
    account: AccountId
    point_type: str
    direction: Direction
    points: Points
    cause_key: str
    reason_code: AdjustmentReason
    reason: str
    clerk: PublicKey
    policy_version: int
    debt_repaid: Points
    available_after: Points
    debt_after: Points
    pending_after: Points

    @classmethod
    def of(cls, effect: ledger.PointsAdjusted) -> PointsAdjusted:
        """Return the API's form of an effect."""
        return cls(
            issuer=effect.issuer,
            account=AccountId(effect.account),
            point_type=effect.point_type,
            direction=effect.direction,
            points=Points(effect.points),
            cause_key=effect.cause_key,
            reason_code=effect.reason_code,
            reason=effect.reason,
            clerk=PublicKey(effect.clerk),
            policy_version=effect.policy_version,
            debt_repaid=Points(effect.debt_repaid),
            available_after=Points(effect.available_after),
            debt_after=Points(effect.debt_after),
            pending_after=Points(effect.pending_after),
        )
