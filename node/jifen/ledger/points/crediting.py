"""One leg of an order: what its rule gives to one account, and the counters that this moves.

Nothing is written here but by `keep`; `calculatePoints` asks the same functions that crediting an order does.
What is handed from step to step are structs: a purchase makes a dozen, and a named tuple costs three times as much.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from jifen.ledger.records import read
from jifen.ledger.rules.effects import Arithmetic, BracketStep, CampaignStep, ItemStep
from jifen.ledger.rules.reckoning import Grant, Ratio, bracket_steps, grant, lowest_terms, place_of, value_of_steps
from jifen.ledger.rules.records import (
    NO_TAGS,
    BracketBasis,
    Campaign,
    CampaignTally,
    EarningRule,
    MemberTally,
    OrderLine,
    OrganizationTags,
    RuleBook,
    reaches,
    rule_in_force,
)
from jifen.ledger.rules.tallies import (
    UNLIMITED,
    Allowance,
    Counted,
    budget_of,
    campaign_budget_of,
    charge,
    count,
    counts_in_periods,
    put_tally,
    read_tally,
)
from jifen.ledger.state import StateReader, StateWriter, tags_key
from jifen.ledger.terms.records import PointType, Terms
from jifen.ledger.tiers.qualifying import tier_of
from jifen.ledger.types import POINTS_MAX, CampaignGrant, Credit, ItemPart, RoleClass


class Sale(msgspec.Struct, frozen=True, gc=False):
    """What every leg of an order looks at."""

    merchant: str
    amount_fen: int
    items: tuple[OrderLine, ...]
    paid_fen: int
    """What of it was paid with points."""


class Reckoned(msgspec.Struct, frozen=True, gc=False):
    """What a leg is given, and everything that follows from it."""

    rule: EarningRule
    credit: Credit
    grant: Grant
    budget: Allowance
    """Of the rule."""
    campaign_budgets: dict[str, Allowance]
    """Of the campaigns that hold, by id."""
    tally: MemberTally | None
    """As it shall be; None: nothing of the account counts."""
    arithmetic: Arithmetic


class Recipient(msgspec.Struct, frozen=True, gc=False):
    """Whose leg it is."""

    account: bytes
    point_type: PointType
    terms: Terms
    """In force."""
    book: RuleBook


class Setting(msgspec.Struct, frozen=True, gc=False):
    """What an order meets."""

    rule: EarningRule
    tier: str
    steps: tuple[BracketStep, ...]
    """What brackets take of the order ..."""
    items: tuple[ItemStep, ...]
    """... and what item rules."""
    paid_fen: int
    """What of the order was paid with points and earns nothing."""
    holds: bool
    """Whether the rule does."""


_NOTHING: Final = Grant(0, 0, (), 0, (1, 1))
_UNCOUNTED: Final = Counted(0, 0, 0, 0, 0, {})


def reckon(state: StateReader, sale: Sale, recipient: Recipient, time: int) -> Reckoned:
    """Return what a leg is given at a block time, ms, under the rule and the campaigns that hold then."""
    book, name = recipient.book, recipient.point_type.id
    rule = rule_in_force(book, time)
    campaigns = _holding(state, sale.merchant, book, rule, time)
    if campaigns is None:
        credit, setting = Credit(0, 0, (), 0, 1, 1, 0, ()), Setting(rule, "", (), (), 0, holds=False)
        return Reckoned(rule, credit, _NOTHING, UNLIMITED, {}, None, _explained(setting, credit, _NOTHING))
    tally, counted = None, _UNCOUNTED
    if rule.visits_per_day or counts_in_periods(rule) or [c for c in campaigns if c.member_cap < POINTS_MAX]:
        tally = read_tally(state, recipient.account, name)
        counted = count(tally, rule, time, recipient.terms.utc_offset_minutes)
    tier, coefficient = _tier_of(state, sale, rule, recipient, time)
    bracket, items, paid = _split(rule, sale)
    before = counted.before_fen if rule.basis is BracketBasis.CUMULATIVE else 0
    visit = rule.visit_points if counted.visits < rule.visits_per_day else 0
    steps = bracket_steps(rule, before, bracket)
    budget, budgets, limited = budget_of(state, rule, name), {}, []
    for campaign in campaigns:
        budgets[campaign.id] = allowance = campaign_budget_of(state, campaign, name)
        limited.append((campaign, min(allowance.left, campaign.member_cap - counted.campaigns.get(campaign.id, 0))))
    room = max(0, min(budget.left, rule.member_cap - counted.points))
    given = grant(rule, value_of_steps(visit, steps, items), coefficient, limited, room, room)
    grants = tuple([CampaignGrant(c.id, points) for c, points in given.campaigns])
    parts = tuple([step.part for step in items])
    credit = Credit(before, bracket, parts, visit, *coefficient, given.base, grants, counted.until, paid)
    if tally is not None:
        tally = _moved(tally, counted, rule, sale, given, _tallied(book.campaigns, grants, counted, time))
    arithmetic = _explained(Setting(rule, tier, steps, items, sum(paid), holds=True), credit, given)
    return Reckoned(rule, credit, given, budget, budgets, tally, arithmetic)


def _holding(state: StateReader, merchant: str, book: RuleBook, rule: EarningRule, time: int) -> list[Campaign] | None:
    """Return the campaigns that hold for a merchant at a block time, ms, or None where not even the rule does."""
    campaigns = [c for c in book.campaigns if c.starts_at <= time < c.ends_at]
    if rule.ends_at and time >= rule.ends_at:
        return None
    if rule.regions or rule.industries or [c for c in campaigns if c.regions or c.industries]:
        tags = read(state, tags_key(merchant), OrganizationTags) or NO_TAGS
        if not reaches(rule.regions, rule.industries, tags):
            return None
        campaigns = [c for c in campaigns if reaches(c.regions, c.industries, tags)]
    return campaigns


def _tier_of(state: StateReader, sale: Sale, rule: EarningRule, recipient: Recipient, time: int) -> tuple[str, Ratio]:
    """Return the customer's tier, if the rule knows it, and its coefficient. Roles have no tiers."""
    if rule.coefficients and recipient.point_type.role is RoleClass.CONSUMER:
        tier = tier_of(state, sale.merchant, recipient.account, time)
        for item in rule.coefficients:
            if item.tier == tier:
                return tier, (item.numerator, item.denominator)
    return "", (1, 1)


def keep(state: StateWriter, point_type: str, account: bytes, reckoned: Reckoned) -> None:
    """Write the counters that a leg moves."""
    charge(state, reckoned.budget, reckoned.grant.points)
    for campaign, points in reckoned.grant.campaigns:
        charge(state, reckoned.campaign_budgets[campaign.id], points)
    if reckoned.tally is not None:
        put_tally(state, account, point_type, reckoned.tally)


def _split(rule: EarningRule, sale: Sale) -> tuple[int, tuple[ItemStep, ...], tuple[int, ...]]:
    """Return what of a sale earns by brackets, what by each item rule, and what of each points paid; amounts in fen.

    What was paid with points is taken off what earns by brackets first, then off the item rules in their order.
    """
    bracket = sale.amount_fen
    amounts: dict[int, int] = {}
    for line in sale.items if rule.items else ():
        place = place_of(rule, line)
        if place >= 0:
            amounts[place] = amounts.get(place, 0) + line.amount_fen
            bracket -= line.amount_fen
    left = 0 if rule.earns_on_points_paid else sale.paid_fen
    if not amounts and not left:
        return bracket, (), ()
    paid = [min(left, bracket)]
    steps = []
    for place in sorted(amounts):
        left -= paid[-1]
        paid.append(min(left, amounts[place]))
        item, part = rule.items[place], ItemPart(place, amounts[place] - paid[-1])
        steps.append(ItemStep(part, item.points, item.fen))
    return bracket - paid[0], tuple(steps), tuple(paid) if any(paid) else ()


def _moved(
    tally: MemberTally,
    counted: Counted,
    rule: EarningRule,
    sale: Sale,
    given: Grant,
    campaigns: tuple[CampaignTally, ...],
) -> MemberTally:
    """Return a tally after a leg."""
    until, spent, points = tally.until, tally.spent_fen, tally.points
    if counted.until:
        # Nobody spends that much; but a sum that cannot be written would stop the ledger.
        until, spent = counted.until, min(counted.before_fen + sale.amount_fen, POINTS_MAX)
        points = counted.points + given.points
    day_until, visits = tally.day_until, tally.visits
    if counted.visits < rule.visits_per_day:
        day_until, visits = counted.day_until, counted.visits + 1
    return MemberTally(until, spent, points, day_until, visits, campaigns, tally.due)


def _tallied(
    campaigns: Iterable[Campaign], grants: Iterable[CampaignGrant], counted: Counted, time: int
) -> tuple[CampaignTally, ...]:
    """Return what every campaign with a limit for accounts that has not ended has given to the account now."""
    new = {item.campaign: item.points for item in grants}
    found = []
    for campaign in campaigns:
        points = counted.campaigns.get(campaign.id, 0) + new.get(campaign.id, 0)
        if points and campaign.member_cap < POINTS_MAX and campaign.ends_at > time:
            found.append(CampaignTally(campaign.id, campaign.ends_at, points))
    return tuple(found)


def _explained(setting: Setting, credit: Credit, given: Grant) -> Arithmetic:
    rule = setting.rule
    return Arithmetic(
        setting.holds,
        rule.mode,
        rule.basis,
        credit.before_fen,
        setting.steps,
        setting.items,
        credit.visit_points,
        setting.paid_fen,
        setting.tier,
        credit.numerator,
        credit.denominator,
        tuple([CampaignStep(c.id, c.numerator, c.denominator, points) for c, points in given.campaigns]),
        rule.stacking,
        rule.factor_numerator,
        rule.factor_denominator,
        *lowest_terms(given.factor),
        rule.rounding,
        rule.order_cap,
        given.computed,
    )
