"""Publishing earning rules and campaigns, and ending campaigns.

As for terms: a version holds from a time that is not past, all versions stay, and what was credited keeps the rule that
it had.
"""

from itertools import pairwise
from typing import Final

import msgspec

from jifen.ledger.context import BlockContext
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.bodies import EndCampaign, PublishCampaign, PublishEarningRule
from jifen.ledger.rules.book import ended, newest_rule, passed, put_book, read_book
from jifen.ledger.rules.effects import CampaignPublished, EarningRulePublished
from jifen.ledger.rules.policies import against_policies, is_sorted, policies_over, signs
from jifen.ledger.rules.records import (
    CAMPAIGNS_MAX,
    BracketMode,
    Campaign,
    CampaignRecord,
    EarningRule,
    Period,
    RuleBook,
    RuleRecord,
    campaign_hash,
    rule_hash,
    rule_in_force,
)
from jifen.ledger.rules.tallies import counts_in_periods
from jifen.ledger.state import StateReader, StateWriter, campaign_key, organization_key, point_type_key, rule_key
from jifen.ledger.terms.records import NOTICE_MS_MAX, PointType
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import Organization, OrganizationStatus

CAMPAIGN_MS_MAX: Final = NOTICE_MS_MAX
"""Longest campaign: what lasts longer is a rule."""


def check_rule(
    state: StateReader, body: PublishEarningRule, transaction: Transaction, context: BlockContext
) -> Rejection | RuleBook:
    """Return why the version cannot be published, or the rule book as it is. Order: `rejections.py`."""
    rule = body.rule
    point_type = _point_type(state, body, transaction)
    if isinstance(point_type, Rejection):
        return point_type
    book = read_book(state, point_type)
    if rule.version != newest_rule(book).version + 1:
        return Rejection.RULE_VERSION_WRONG
    if rule.effective_from and rule.effective_from < context.time:
        return Rejection.RULE_BACK_DATED
    if rule.effective_from > context.time + NOTICE_MS_MAX:
        return Rejection.RULE_TOO_FAR
    if rule_contradicts_itself(rule) or 0 < rule.ends_at <= max(rule.effective_from, context.time):
        return Rejection.RULE_CONTRADICTORY
    return against_policies(state, body.issuer, rule, transaction) or book


def publish_rule(
    state: StateWriter, body: PublishEarningRule, transaction: Transaction, before: RuleBook, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Publish the version. One that was published before and does not hold yet never will."""
    time, name, rule = context.time, body.point_type, body.rule
    if not rule.effective_from:
        rule = msgspec.structs.replace(rule, effective_from=time)
    book, effects = passed(state, name, before, time)
    if rule.effective_from <= time:
        book = RuleBook(rule, None, book.campaigns, book.due)
    else:
        book = RuleBook(book.rule, rule, book.campaigns, book.due)
    put_book(state, name, book)
    digest = rule_hash(name, rule)
    state.put(rule_key(name, rule.version), RuleRecord(rule, digest, time, transaction.id))
    return (*effects, EarningRulePublished(name, rule.version, digest, rule.effective_from))


def check_campaign(
    state: StateReader, body: PublishCampaign, transaction: Transaction, context: BlockContext
) -> Rejection | RuleBook:
    """Return why the campaign cannot be published, or the rule book as it is. Order: `rejections.py`."""
    campaign, time = body.campaign, context.time
    point_type = _point_type(state, body, transaction)
    if isinstance(point_type, Rejection):
        return point_type
    if state.get(campaign_key(body.point_type, campaign.id)) is not None:
        return Rejection.CAMPAIGN_EXISTS
    if campaign.starts_at and campaign.starts_at < time:
        return Rejection.RULE_BACK_DATED
    if campaign.starts_at > time + NOTICE_MS_MAX:
        return Rejection.RULE_TOO_FAR
    if campaign_contradicts_itself(msgspec.structs.replace(campaign, starts_at=max(campaign.starts_at, time))):
        return Rejection.RULE_CONTRADICTORY
    book = read_book(state, point_type)
    if len([item for item in book.campaigns if item.ends_at > time]) >= CAMPAIGNS_MAX:
        return Rejection.TOO_MANY_CAMPAIGNS
    rejection = against_policies(state, body.issuer, campaign, transaction)
    if rejection is Rejection.RULE_AGAINST_POLICY or not _fits_beside(state, body.issuer, campaign, book, time):
        return Rejection.RULE_AGAINST_POLICY
    return rejection or book


def _fits_beside(state: StateReader, issuer: str, campaign: Campaign, book: RuleBook, time: int) -> bool:
    """Tell whether campaigns together stay within what policies allow, where the rule does not see to that itself."""
    top, bottom = campaign.numerator, campaign.denominator
    for item in book.campaigns:
        if item.ends_at > time:
            top, bottom = top * item.numerator, bottom * item.denominator
    rule = rule_in_force(book, time)
    for _, policy in policies_over(state, issuer):
        most, per = policy.factor_numerator, policy.factor_denominator
        if rule.factor_numerator * per > most * rule.factor_denominator and top * per > most * bottom:
            return False
    return True


def publish_campaign(
    state: StateWriter, body: PublishCampaign, transaction: Transaction, before: RuleBook, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Publish the campaign."""
    time, name = context.time, body.point_type
    campaign = msgspec.structs.replace(body.campaign, starts_at=body.campaign.starts_at or time)
    book, effects = passed(state, name, before, time)
    campaigns = sorted([*book.campaigns, campaign], key=lambda item: item.id)
    put_book(state, name, RuleBook(book.rule, book.scheduled, tuple(campaigns), book.due))
    digest = campaign_hash(name, campaign)
    state.put(campaign_key(name, campaign.id), CampaignRecord(campaign, digest, time, transaction.id))
    return (*effects, CampaignPublished(name, campaign.id, digest, campaign.starts_at, campaign.ends_at))


def check_end(
    state: StateReader, body: EndCampaign, transaction: Transaction, context: BlockContext
) -> Rejection | RuleBook:
    """Return why the campaign cannot be ended, or the rule book as it is. Order: `rejections.py`."""
    point_type = _point_type(state, body, transaction)
    if isinstance(point_type, Rejection):
        return point_type
    book = read_book(state, point_type)
    running = [item.id for item in book.campaigns if item.ends_at > context.time]
    return book if body.campaign in running else Rejection.CAMPAIGN_NOT_RUNNING


def end_campaign(
    state: StateWriter, body: EndCampaign, _transaction: Transaction, before: RuleBook, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """End the campaign."""
    name = body.point_type
    book, effects = passed(state, name, before, context.time)
    campaigns = tuple(item for item in book.campaigns if item.id != body.campaign)
    put_book(state, name, RuleBook(book.rule, book.scheduled, campaigns, book.due))
    key = campaign_key(name, body.campaign)
    record = read(state, key, CampaignRecord)
    assert record is not None, f"campaign {body.campaign} of {name} runs and is missing"
    state.put(key, msgspec.structs.replace(record, ended_at=context.time))
    return (*effects, ended(state, name, body.campaign))


def rule_contradicts_itself(rule: EarningRule) -> bool:
    """Tell whether a rule breaks an invariant of `EarningRule`."""
    brackets = rule.brackets
    pairs = list(pairwise(brackets))
    if brackets[0].from_fen or any(one.from_fen >= other.from_fen for one, other in pairs):
        return True
    # Else a larger amount could earn less, and a refund would have to give points.
    if rule.mode is BracketMode.WHOLE_AMOUNT and any(
        one.points * other.fen > other.points * one.fen for one, other in pairs
    ):
        return True
    items = [(item.category, item.item) for item in rule.items]
    if ("", "") in items or len({*items}) != len(items):
        return True
    tiers = tuple(item.tier for item in rule.coefficients)
    if not (is_sorted(tiers) and is_sorted(rule.regions) and is_sorted(rule.industries)):
        return True
    if counts_in_periods(rule) and rule.period is Period.NONE:
        return True
    if (rule.visit_points > 0) != (rule.visits_per_day > 0):
        return True
    return rule.factor_numerator < rule.factor_denominator


def campaign_contradicts_itself(campaign: Campaign) -> bool:
    """Tell whether a campaign breaks an invariant of `Campaign`."""
    if campaign.numerator < campaign.denominator or not is_sorted(campaign.regions):
        return True
    lasts = campaign.ends_at - campaign.starts_at
    return not 0 < lasts <= CAMPAIGN_MS_MAX or not is_sorted(campaign.industries)


def _point_type(
    state: StateReader, body: PublishEarningRule | PublishCampaign | EndCampaign, transaction: Transaction
) -> Rejection | PointType:
    issuer = read(state, organization_key(body.issuer), Organization)
    if issuer is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if issuer.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    point_type = read(state, point_type_key(body.point_type), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    if not signs(issuer, transaction):
        return Rejection.NOT_AUTHORIZED
    if point_type.issuer != body.issuer:
        return Rejection.NOT_THE_ISSUER
    return point_type
