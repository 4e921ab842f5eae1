"""Effects of earning rules, campaigns, policies and tags; the arithmetic of an earn."""

from jifen.ledger.effects import Effect
from jifen.ledger.rules.records import (
    BracketBasis,
    BracketMode,
    Denominator,
    Numerator,
    Rounding,
    Stacking,
    Tags,
)
from jifen.ledger.types import (
    AmountFen,
    HashBytes,
    ItemPart,
    PointTypeName,
    Quantity,
    RateOrNone,
    RateTerm,
    Record,
    RuleVersion,
    Slug,
    TimeMs,
)


class BracketStep(Record, frozen=True):
    """What one bracket contributes: `amount_fen * points / fen`, exactly."""

    from_fen: AmountFen
    amount_fen: AmountFen
    points: RateOrNone
    fen: RateTerm


class ItemStep(Record, frozen=True):
    """What one item rule contributes: `amount_fen * points / fen`, exactly."""

    part: ItemPart
    points: RateOrNone
    fen: RateTerm


class CampaignStep(Record, frozen=True):
    """A campaign that held."""

    campaign: Slug
    numerator: Numerator
    denominator: Denominator
    points: Quantity
    """What of its budget the order takes: its exact share rounded up, or what budget and caps had left."""


class Arithmetic(Record, frozen=True):
    """How a rule's version made points of a leg of an order (invariant I10).

    The exact sum of visit, items and brackets is multiplied with the factor and rounded once: `computed`. The factor is
    made of the tier's coefficient and the campaigns by `stacking`, and is at most `cap`.
    """

    holds: bool
    """False outside the rule's time, regions and industries: nothing is earned."""
    mode: BracketMode
    basis: BracketBasis
    before_fen: Quantity
    """What the account had spent in the period before; 0 when the rule looks at orders alone."""
    brackets: tuple[BracketStep, ...]
    items: tuple[ItemStep, ...]
    visit_points: Quantity
    paid_fen: AmountFen
    """What was paid with points and earns nothing."""
    tier: str
    """Tier of the account at the issuer; empty: none that the rule knows."""
    tier_numerator: Numerator
    tier_denominator: Denominator
    campaigns: tuple[CampaignStep, ...]
    stacking: Stacking
    cap_numerator: Numerator
    cap_denominator: Denominator
    factor_numerator: Quantity
    factor_denominator: Quantity
    rounding: Rounding
    order_cap: Quantity
    computed: Quantity
    """Points by this arithmetic, `order_cap` included; what is granted is less where a budget or a member's cap was
    used up."""


class EarningRulePublished(Effect, frozen=True, tag=35):
    """A version of an earning rule was published."""

    point_type: PointTypeName
    version: RuleVersion
    hash: HashBytes
    effective_from: TimeMs


class EarningPolicySet(Effect, frozen=True, tag=36):
    """A mall has said what the merchants under it may promise."""

    mall: Slug
    version: RuleVersion
    hash: HashBytes


class CampaignPublished(Effect, frozen=True, tag=37):
    """A campaign was published."""

    point_type: PointTypeName
    campaign: Slug
    hash: HashBytes
    starts_at: TimeMs
    ends_at: TimeMs


class CampaignEnded(Effect, frozen=True, tag=38):
    """A campaign is over, by time or by its issuer."""

    point_type: PointTypeName
    campaign: Slug
    points: Quantity
    """What it has given, less what refunds gave back; 0 when it had no budget, because nobody counted."""


class OrganizationTagged(Effect, frozen=True, tag=39):
    """An organization has said where it does business, and in what."""

    organization: Slug
    regions: Tags
    industries: Tags


class EarningRuleInForce(Effect, frozen=True, tag=40):
    """A version that was published for later holds now."""

    point_type: PointTypeName
    version: RuleVersion
    hash: HashBytes
