"""Effects of tiers."""

from __future__ import annotations

import strawberry

from jifen.ledger.tiers import effects as ledger
from jifen.ledger.tiers.effects import TierChange
from jifen.ledger.types import AccountId
from jifen_graphql.schema.scalars import DateTime, Points, SignedPoints


@strawberry.type(description="A purchase or refund moved what counts for tiers.")
class PointsQualified:
    """Effect of `earnPoints` and `refundOrder` at an organization that has tiers."""

    organization: str
    account: AccountId
    qualified_points: SignedPoints = strawberry.field(description="By how many; below zero by a refund.")
    period_points: SignedPoints = strawberry.field(description="Qualifying points of the running period afterwards.")
    tier: str | None
    lifetime: Points

    @classmethod
    def of(cls, effect: ledger.PointsQualified) -> PointsQualified:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            account=AccountId(effect.account),
            qualified_points=SignedPoints(effect.points),
            period_points=SignedPoints(effect.period_points),
            tier=effect.tier or None,
            lifetime=Points(effect.lifetime),
        )


@strawberry.type(description="A tier was reached, lost or prolonged.")
class TierChanged:
    """Effect of `earnPoints` and of time."""

    organization: str
    account: AccountId
    change: TierChange
    tier_before: str | None
    tier: str | None
    judged_points: SignedPoints = strawberry.field(description="Qualifying points by which it was judged.")
    programme_version: int
    judged_at: DateTime = strawberry.field(description="End of the period or grace; of an upgrade its block's time.")

    @classmethod
    def of(cls, effect: ledger.TierChanged) -> TierChanged:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            account=AccountId(effect.account),
            change=effect.change,
            tier_before=effect.before or None,
            tier=effect.tier or None,
            judged_points=SignedPoints(effect.points),
            programme_version=effect.programme_version,
            judged_at=DateTime(effect.judged_at),
        )


@strawberry.type(description="A period ended without reaching the tier again; it falls after the grace.")
class TierAtRisk:
    """Effect of time."""

    organization: str
    account: AccountId
    tier: str | None
    judged_points: SignedPoints
    missing: Points = strawberry.field(description="What has to be bought before the grace is over.")
    grace_until: DateTime

    @classmethod
    def of(cls, effect: ledger.TierAtRisk) -> TierAtRisk:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            account=AccountId(effect.account),
            tier=effect.tier,
            judged_points=SignedPoints(effect.points),
            missing=Points(effect.missing),
            grace_until=DateTime(effect.grace_until),
        )


@strawberry.type(description="A version of an organization's tiers holds.")
class TiersPublished:
    """Effect of `publishTiers`."""

    organization: str
    programme_version: int

    @classmethod
    def of(cls, effect: ledger.TiersPublished) -> TiersPublished:
        """Return the API's form of an effect."""
        return cls(organization=effect.organization, programme_version=effect.version)


@strawberry.type(description="A version of an organization's map of recognition holds.")
class RecognitionPublished:
    """Effect of `publishRecognition`."""

    organization: str
    map_version: int

    @classmethod
    def of(cls, effect: ledger.RecognitionPublished) -> RecognitionPublished:
        """Return the API's form of an effect."""
        return cls(organization=effect.organization, map_version=effect.version)
