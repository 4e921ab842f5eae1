"""Earning rules, campaigns, policies and tags; what a purchase would earn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry
from graphql import GraphQLError

from jifen.ledger.context import BlockContext
from jifen.ledger.points.earning import Earning
from jifen.ledger.records import read
from jifen.ledger.rejections import REJECTION_TEXTS, Rejection
from jifen.ledger.rules import records as ledger
from jifen.ledger.rules.book import newest_rule, read_book
from jifen.ledger.rules.calculating import calculate
from jifen.ledger.rules.records import BracketBasis, BracketMode, Period, Rounding, Stacking
from jifen.ledger.state import (
    after_prefix,
    campaign_budget_key,
    campaign_key,
    earning_policy_key,
    point_type_key,
    rule_budget_key,
    rule_key,
    tags_key,
)
from jifen.ledger.terms.records import AvailableOnConfirmation, PointType, availability_of, expiry_of
from jifen.ledger.transactions import EarnPoints
from jifen.ledger.types import POINTS_MAX, RULE_VERSION_MAX, AccountId
from jifen_graphql.schema.fields import query_field
from jifen_graphql.schema.order_lines import OrderLineInput, lines_of
from jifen_graphql.schema.rule_effects import EarningArithmetic, Ratio
from jifen_graphql.schema.scalars import DateTime, Hash, Points
from jifen_graphql.schema.states import EarnRate

if TYPE_CHECKING:
    from jifen.actors.node import ReadView

from jifen_graphql.schema.context import Info
from jifen_graphql.schema.pages import check_page_size

RULES_PAGE_DEFAULT = 10


def _limit(points: int) -> Points | None:
    return None if points == POINTS_MAX else Points(points)


@strawberry.type(description="Amounts from `fromFen` on, up to the next bracket's, earn `points` for every `perFen`.")
class Bracket:
    """A bracket of a rule."""

    from_fen: Points = strawberry.field(description="The first amount that is in it.")
    points: Points
    per_fen: Points


@strawberry.type(description="Lines that earn at a rate of their own in place of the brackets; 0 points: nothing.")
class ItemRule:
    """An item rule of a rule."""

    category: str | None = strawberry.field(description="Null: of any.")
    item: str | None = strawberry.field(description="Null: any.")
    points: Points
    per_fen: Points


@strawberry.type(description="What members of a tier earn in place of 1.")
class TierCoefficient:
    """A coefficient of a rule."""

    tier: str
    numerator: int
    denominator: int


@strawberry.type(description="One version of how purchases earn points of a type.")
class EarningRule:
    """A version of a rule. Limits that are null do not exist."""

    version: int
    hash: Hash
    effective_from: DateTime | None = strawberry.field(description="Null: the flat rate, which held from the start.")
    ends_at: DateTime | None
    mode: BracketMode
    basis: BracketBasis
    period: Period
    brackets: list[Bracket]
    items: list[ItemRule] = strawberry.field(description="Of those that a line fits the first one holds.")
    visit_points: Points
    visits_per_day: int
    regions: list[str]
    industries: list[str]
    budget: Points | None
    order_cap: Points | None
    member_cap: Points | None
    rounding: Rounding
    coefficients: list[TierCoefficient]
    stacking: Stacking
    factor_cap: Ratio
    earns_on_points_paid: bool
    given: Points | None = strawberry.field(description="Charged to the budget so far; null without one.")

    @classmethod
    def of(cls, view: ReadView, name: str, rule: ledger.EarningRule) -> EarningRule:
        """Return the API's form of a version."""
        given = read(view, rule_budget_key(name, rule.version), ledger.Budget) or ledger.EMPTY_BUDGET
        return cls(
            version=rule.version,
            hash=Hash(ledger.rule_hash(name, rule)),
            effective_from=DateTime(rule.effective_from) if rule.effective_from else None,
            ends_at=DateTime(rule.ends_at) if rule.ends_at else None,
            mode=rule.mode,
            basis=rule.basis,
            period=rule.period,
            brackets=[
                Bracket(from_fen=Points(item.from_fen), points=Points(item.points), per_fen=Points(item.fen))
                for item in rule.brackets
            ],
            items=[
                ItemRule(
                    category=item.category or None,
                    item=item.item or None,
                    points=Points(item.points),
                    per_fen=Points(item.fen),
                )
                for item in rule.items
            ],
            visit_points=Points(rule.visit_points),
            visits_per_day=rule.visits_per_day,
            regions=list(rule.regions),
            industries=list(rule.industries),
            budget=_limit(rule.budget),
            order_cap=_limit(rule.order_cap),
            member_cap=_limit(rule.member_cap),
            rounding=rule.rounding,
            coefficients=[
                TierCoefficient(tier=item.tier, numerator=item.numerator, denominator=item.denominator)
                for item in rule.coefficients
            ],
            stacking=rule.stacking,
            factor_cap=Ratio.of(rule.factor_numerator, rule.factor_denominator),
            earns_on_points_paid=rule.earns_on_points_paid,
            given=None if rule.budget == POINTS_MAX else Points(given.points),
        )


@strawberry.type(description="A multiplier on what a point type's rule earns, for a time.")
class Campaign:
    """A campaign. Limits that are null do not exist."""

    id: str
    hash: Hash
    multiplier: Ratio
    starts_at: DateTime
    ends_at: DateTime
    ended_at: DateTime | None = strawberry.field(description="When it was ended before its time; null: it was not.")
    budget: Points | None
    member_cap: Points | None
    regions: list[str]
    industries: list[str]
    given: Points | None = strawberry.field(description="Charged to the budget so far; null without one.")

    @classmethod
    def of(cls, view: ReadView, name: str, record: ledger.CampaignRecord) -> Campaign:
        """Return the API's form of a campaign."""
        item = record.campaign
        given = read(view, campaign_budget_key(name, item.id), ledger.Budget) or ledger.EMPTY_BUDGET
        return cls(
            id=item.id,
            hash=Hash(record.hash),
            multiplier=Ratio.of(item.numerator, item.denominator),
            starts_at=DateTime(item.starts_at),
            ends_at=DateTime(item.ends_at),
            ended_at=DateTime(record.ended_at) if record.ended_at else None,
            budget=_limit(item.budget),
            member_cap=_limit(item.member_cap),
            regions=list(item.regions),
            industries=list(item.industries),
            given=None if item.budget == POINTS_MAX else Points(given.points),
        )


@strawberry.type(description="What purchases earn of a point type.")
class EarningRules:
    """The rule book of a point type."""

    point_type: str
    current: EarningRule = strawberry.field(description="The version that holds at the snapshot's block.")
    scheduled: EarningRule | None = strawberry.field(description="A version that is published and does not hold yet.")
    newest_version: int
    campaigns: list[Campaign] = strawberry.field(description="Those that have not ended, by id.")

    @query_field("Every version ever published, the first one first, a page at a time; without the flat rate.")
    def history(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most 50.")] = RULES_PAGE_DEFAULT,
        after: Annotated[int, strawberry.argument(description="Version of the last one you have.")] = 0,
    ) -> list[EarningRule]:
        """Read a page of the history of the snapshot."""
        check_page_size("EarningRules", "history", first)
        if not 0 <= after <= RULE_VERSION_MAX:
            raise GraphQLError("after is a version; 0 begins with the first", extensions={"code": "BAD_PAGE"})
        start, stop = rule_key(self.point_type, after + 1), after_prefix(rule_key(self.point_type, 0)[:-4])
        found = info.context.view.range(start, stop, first)
        rules = [record.rule for _, record in found if isinstance(record, ledger.RuleRecord)]
        return [EarningRule.of(info.context.view, self.point_type, rule) for rule in rules]

    @query_field("Every campaign there ever was, by id, a page at a time.")
    def campaign_history(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most 50.")] = RULES_PAGE_DEFAULT,
        after: Annotated[str, strawberry.argument(description="Id of the last one you have.")] = "",
    ) -> list[Campaign]:
        """Read a page of the history of the snapshot."""
        check_page_size("EarningRules", "campaignHistory", first)
        start, stop = campaign_key(self.point_type, after) + b"\0", after_prefix(campaign_key(self.point_type, ""))
        if not after:
            start = campaign_key(self.point_type, "")
        found = info.context.view.range(start, stop, first)
        records = [record for _, record in found if isinstance(record, ledger.CampaignRecord)]
        return [Campaign.of(info.context.view, self.point_type, record) for record in records]


def rules_of(view: ReadView, point_type: str) -> EarningRules | None:
    """Return the rule book of a point type; None when there is none."""
    kind = read(view, point_type_key(point_type), PointType)
    if kind is None:
        return None
    book = read_book(view, kind)
    rule = ledger.rule_in_force(book, view.block_time)
    scheduled = book.scheduled if book.scheduled is not rule else None
    running = [campaign for campaign in book.campaigns if campaign.ends_at > view.block_time]
    records = [read(view, campaign_key(point_type, campaign.id), ledger.CampaignRecord) for campaign in running]
    return EarningRules(
        point_type=point_type,
        current=EarningRule.of(view, point_type, rule),
        scheduled=EarningRule.of(view, point_type, scheduled) if scheduled else None,
        newest_version=newest_rule(book).version,
        campaigns=[Campaign.of(view, point_type, record) for record in records if record is not None],
    )


@strawberry.type(description="What a mall lets the merchants under it promise.")
class EarningPolicy:
    """A policy. Limits that are null do not exist."""

    mall: str
    version: int
    hash: Hash
    merchants: list[str]
    signature_required: bool
    highest_rate: EarnRate | None
    highest_factor: Ratio
    order_cap: Points | None
    member_cap: Points | None
    period: Period = strawberry.field(description="Shortest period over which `memberCap` may count.")


def earning_policy_of(view: ReadView, mall: str) -> EarningPolicy | None:
    """Return the policy of a mall; None when it has none."""
    record = read(view, earning_policy_key(mall), ledger.PolicyRecord)
    if record is None:
        return None
    policy, unlimited = record.policy, ledger.EarningPolicy(1, ())
    rate = EarnRate(points=Points(policy.rate_points), per_fen=Points(policy.rate_fen))
    limited = (policy.rate_points, policy.rate_fen) != (unlimited.rate_points, unlimited.rate_fen)
    return EarningPolicy(
        mall=mall,
        version=policy.version,
        hash=Hash(record.hash),
        merchants=list(policy.merchants),
        signature_required=policy.signature_required,
        highest_rate=rate if limited else None,
        highest_factor=Ratio.of(policy.factor_numerator, policy.factor_denominator),
        order_cap=_limit(policy.order_cap),
        member_cap=_limit(policy.member_cap),
        period=policy.period,
    )


@strawberry.type(description="Where an organization does business, and in what; rules and campaigns may ask for it.")
class OrganizationTags:
    """The tags of an organization."""

    regions: list[str]
    industries: list[str]


def tags_of(view: ReadView, organization: str) -> OrganizationTags:
    """Return the tags of an organization."""
    tags = read(view, tags_key(organization), ledger.OrganizationTags) or ledger.NO_TAGS
    return OrganizationTags(regions=list(tags.regions), industries=list(tags.industries))


@strawberry.input(description="A purchase that may be credited later.")
class PurchaseInput:
    """What `earnPoints` would say of it."""

    merchant: str
    account: AccountId
    amount_fen: Points
    point_type: str | None = strawberry.field(default=None, description="Null: the merchant's consumer points.")
    items: list[OrderLineInput] | None = strawberry.field(default=None, description="At most 32.")
    guide: AccountId | None = None
    store: AccountId | None = None
    distributor: AccountId | None = None

    def to_ledger(self) -> EarnPoints:
        """Return the body of a transaction that nobody sends; raises GraphQLError for lines that nobody could."""
        items = lines_of(self.amount_fen, self.items)
        point_type = self.point_type or f"{self.merchant}/consumer"
        head = (0, b"", self.merchant, "", self.account, point_type, self.amount_fen, 0)
        return EarnPoints(*head, items, self.guide, self.store, self.distributor)


@strawberry.type(description="What an account would earn.")
class CalculatedLeg:
    """A leg of an order that was not credited."""

    account: AccountId
    point_type: str
    rule_version: int
    points: Points
    earn_rate: EarnRate | None = strawberry.field(description="The flat rate; null when a rule beyond it holds.")
    debt_repaid: Points = strawberry.field(description="Part of the points that would repay what refunds left owing.")
    available_from: DateTime | None = strawberry.field(
        description="From when they could be spent; null when they would wait for the confirmation of the order."
    )
    points_expire_at: DateTime | None = strawberry.field(description="Null: never.")
    arithmetic: EarningArithmetic | None = strawberry.field(description="Null: the flat rate.")

    @classmethod
    def of(cls, earning: Earning, time: int) -> CalculatedLeg:
        """Return the API's form of a leg."""
        kind, reckoned, terms = earning.point_type, earning.reckoned, earning.terms
        waits = isinstance(terms.pending, AvailableOnConfirmation)
        expires_at = expiry_of(terms, time)
        return cls(
            account=AccountId(earning.account),
            point_type=kind.id,
            rule_version=reckoned.rule.version if reckoned else kind.rule_version,
            points=Points(earning.points),
            earn_rate=None if reckoned else EarnRate(points=Points(kind.earn_points), per_fen=Points(kind.earn_fen)),
            debt_repaid=Points(earning.repaid),
            available_from=None if waits else DateTime(availability_of(terms, time)),
            points_expire_at=DateTime(expires_at) if expires_at else None,
            arithmetic=EarningArithmetic.of(reckoned.arithmetic) if reckoned else None,
        )


@strawberry.type(description="What a purchase would earn, or why it could not be credited.")
class EarningCalculation:
    """An order that was not credited."""

    legs: list[CalculatedLeg] = strawberry.field(description="The customer's first.")
    rejection: Rejection | None
    reason: str | None


def calculation_of(view: ReadView, body: EarnPoints) -> EarningCalculation:
    """Return what an order would earn in a block at the time of the snapshot's."""
    found = calculate(view, body, BlockContext(b"", view.height + 1, view.block_time))
    if isinstance(found, Rejection):
        return EarningCalculation(legs=[], rejection=found, reason=REJECTION_TEXTS[found])
    legs = [CalculatedLeg.of(earning, view.block_time) for earning in found]
    return EarningCalculation(legs=legs, rejection=None, reason=None)
