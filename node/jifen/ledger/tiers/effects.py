"""Effects of tiers."""

from enum import IntEnum

from jifen.ledger.effects import Effect
from jifen.ledger.tiers.records import HeldTier, QualifyingPoints
from jifen.ledger.types import AccountBytes, PositiveQuantity, Quantity, RuleVersion, Slug, TimeMs


class TierChange(IntEnum):
    """What became of a tier."""

    UPGRADED = 1
    DOWNGRADED = 2
    PROLONGED = 3
    """It was judged and stays."""


class PointsQualified(Effect, frozen=True, tag=75):
    """A purchase or refund moved what counts for tiers."""

    organization: Slug
    account: AccountBytes
    points: QualifyingPoints
    """By how many; below zero by a refund."""
    period_points: QualifyingPoints
    """Of the running period, afterwards."""
    tier: HeldTier
    """Afterwards."""
    lifetime: Quantity


class TierChanged(Effect, frozen=True, tag=76):
    """A tier was reached, lost or prolonged: upgrades with the purchase, all else when it is judged."""

    organization: Slug
    account: AccountBytes
    change: TierChange
    before: HeldTier
    tier: HeldTier
    points: QualifyingPoints
    """Qualifying points by which it was judged."""
    programme_version: RuleVersion
    judged_at: TimeMs
    """End of the period or of the grace, ms; for an upgrade by a purchase the block's time."""


class TierAtRisk(Effect, frozen=True, tag=77):
    """A period ended without reaching the tier again: it falls after the grace unless the rest is bought by then."""

    organization: Slug
    account: AccountBytes
    tier: HeldTier
    points: QualifyingPoints
    missing: PositiveQuantity
    grace_until: TimeMs


class TiersPublished(Effect, frozen=True, tag=78):
    """A version of an organization's tiers holds."""

    organization: Slug
    version: RuleVersion


class RecognitionPublished(Effect, frozen=True, tag=79):
    """A version of an organization's map of recognition holds."""

    organization: Slug
    version: RuleVersion
