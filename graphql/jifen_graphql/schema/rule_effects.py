"""Effects of earning rules, campaigns, policies and tags; the arithmetic of an earn."""

from __future__ import annotations

import strawberry

from jifen.ledger.rules import effects as ledger
from jifen.ledger.rules.records import BracketBasis, BracketMode, Rounding, Stacking
from jifen_graphql.schema.scalars import DateTime, Hash, Points


@strawberry.type(description="An exact rational, never a float.")
class Ratio:
    """A coefficient, a multiplier or a factor."""

    numerator: Points
    denominator: Points

    @classmethod
    def of(cls, numerator: int, denominator: int) -> Ratio:
        """Return the API's form of a ratio."""
        return cls(numerator=Points(numerator), denominator=Points(denominator))


@strawberry.type(description="What one bracket contributes: amountFen x points / perFen, exactly.")
class BracketStep:
    """A step of an arithmetic."""

    from_fen: Points = strawberry.field(description="Where the bracket begins.")
    amount_fen: Points
    points: Points
    per_fen: Points

    @classmethod
    def of(cls, step: ledger.BracketStep) -> BracketStep:
        """Return the API's form of a step."""
        return cls(
            from_fen=Points(step.from_fen),
            amount_fen=Points(step.amount_fen),
            points=Points(step.points),
            per_fen=Points(step.fen),
        )


@strawberry.type(description="What one item rule contributes: amountFen x points / perFen, exactly.")
class ItemStep:
    """A step of an arithmetic."""

    item_rule: int = strawberry.field(description="Place of the item rule in its earning rule, from 0.")
    amount_fen: Points
    points: Points
    per_fen: Points

    @classmethod
    def of(cls, step: ledger.ItemStep) -> ItemStep:
        """Return the API's form of a step."""
        return cls(
            item_rule=step.part.rule,
            amount_fen=Points(step.part.amount_fen),
            points=Points(step.points),
            per_fen=Points(step.fen),
        )


@strawberry.type(description="A campaign that held.")
class CampaignStep:
    """A step of an arithmetic."""

    campaign: str
    multiplier: Ratio
    points: Points = strawberry.field(
        description="What of its budget the order takes: its exact share rounded up, or what budget and caps had left."
    )

    @classmethod
    def of(cls, step: ledger.CampaignStep) -> CampaignStep:
        """Return the API's form of a step."""
        multiplier = Ratio.of(step.numerator, step.denominator)
        return cls(campaign=step.campaign, multiplier=multiplier, points=Points(step.points))


@strawberry.type(
    description="How a rule made points, in this order: visit and items, brackets, tier, campaigns. The exact sum is "
    "multiplied with the factor and rounded once."
)
class EarningArithmetic:
    """The arithmetic of one leg of an order (invariant I10)."""

    holds: bool = strawberry.field(
        description="False outside the rule's time, regions and industries: it earns nothing."
    )
    mode: BracketMode
    basis: BracketBasis
    before_fen: Points = strawberry.field(description="Spent in the period before; 0 when orders count alone.")
    brackets: list[BracketStep]
    items: list[ItemStep]
    visit_points: Points
    paid_fen: Points = strawberry.field(description="Paid with points, which earns nothing.")
    tier: str | None
    coefficient: Ratio = strawberry.field(description="Of the tier.")
    campaigns: list[CampaignStep]
    stacking: Stacking
    factor_cap: Ratio
    factor: Ratio = strawberry.field(description="Of tier and campaigns together, capped.")
    rounding: Rounding
    order_cap: Points = strawberry.field(description="Most points of one order.")
    computed: Points = strawberry.field(
        description="What this comes to; granted is less where a budget or the account's cap was used up."
    )

    @classmethod
    def of(cls, found: ledger.Arithmetic) -> EarningArithmetic:
        """Return the API's form of an arithmetic."""
        return cls(
            holds=found.holds,
            mode=found.mode,
            basis=found.basis,
            before_fen=Points(found.before_fen),
            brackets=[BracketStep.of(step) for step in found.brackets],
            items=[ItemStep.of(step) for step in found.items],
            visit_points=Points(found.visit_points),
            paid_fen=Points(found.paid_fen),
            tier=found.tier or None,
            coefficient=Ratio.of(found.tier_numerator, found.tier_denominator),
            campaigns=[CampaignStep.of(step) for step in found.campaigns],
            stacking=found.stacking,
            factor_cap=Ratio.of(found.cap_numerator, found.cap_denominator),
            factor=Ratio.of(found.factor_numerator, found.factor_denominator),
            rounding=found.rounding,
            order_cap=Points(found.order_cap),
            computed=Points(found.computed),
        )


@strawberry.type(description="A version of an earning rule was published.")
class EarningRulePublished:
    """Effect of `publishEarningRule`."""

    point_type: str
    version: int
    hash: Hash
    effective_from: DateTime

    @classmethod
    def of(cls, effect: ledger.EarningRulePublished) -> EarningRulePublished:
        """Return the API's form of an effect."""
        return cls(
            point_type=effect.point_type,
            version=effect.version,
            hash=Hash(effect.hash),
            effective_from=DateTime(effect.effective_from),
        )


@strawberry.type(description="A version of an earning rule that was published for later holds now.")
class EarningRuleInForce:
    """Effect of time."""

    point_type: str
    version: int
    hash: Hash

    @classmethod
    def of(cls, effect: ledger.EarningRuleInForce) -> EarningRuleInForce:
        """Return the API's form of an effect."""
        return cls(point_type=effect.point_type, version=effect.version, hash=Hash(effect.hash))


@strawberry.type(description="A mall has said what the merchants under it may promise.")
class EarningPolicySet:
    """Effect of `setEarningPolicy`."""

    mall: str
    version: int
    hash: Hash

    @classmethod
    def of(cls, effect: ledger.EarningPolicySet) -> EarningPolicySet:
        """Return the API's form of an effect."""
        return cls(mall=effect.mall, version=effect.version, hash=Hash(effect.hash))


@strawberry.type(description="A campaign was published.")
class CampaignPublished:
    """Effect of `publishCampaign`."""

    point_type: str
    campaign: str
    hash: Hash
    starts_at: DateTime
    ends_at: DateTime

    @classmethod
    def of(cls, effect: ledger.CampaignPublished) -> CampaignPublished:
        """Return the API's form of an effect."""
        return cls(
            point_type=effect.point_type,
            campaign=effect.campaign,
            hash=Hash(effect.hash),
            starts_at=DateTime(effect.starts_at),
            ends_at=DateTime(effect.ends_at),
        )


@strawberry.type(description="A campaign is over, by time or by its issuer.")
class CampaignEnded:
    """Effect of time, or of `endCampaign`."""

    point_type: str
    campaign: str
    points: Points = strawberry.field(
        description="What it has given less what refunds gave back; 0 when it had no budget: nobody counted."
    )

    @classmethod
    def of(cls, effect: ledger.CampaignEnded) -> CampaignEnded:
        """Return the API's form of an effect."""
        return cls(point_type=effect.point_type, campaign=effect.campaign, points=Points(effect.points))


@strawberry.type(description="An organization has said where it does business, and in what.")
class OrganizationTagged:
    """Effect of `setOrganizationTags`."""

    organization: str
    regions: list[str]
    industries: list[str]

    @classmethod
    def of(cls, effect: ledger.OrganizationTagged) -> OrganizationTagged:
        """Return the API's form of an effect."""
        return cls(organization=effect.organization, regions=list(effect.regions), industries=list(effect.industries))
