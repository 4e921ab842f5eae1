"""The rule book of a point type in the state: what holds now, what will, and what time does to it."""

from collections.abc import Callable

from jifen.ledger.context import BlockContext
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rules.effects import CampaignEnded, EarningRuleInForce
from jifen.ledger.rules.records import (
    EMPTY_BUDGET,
    Bracket,
    Budget,
    Campaign,
    CampaignRecord,
    EarningRule,
    RuleBook,
    RuleRecord,
    Stacking,
    rule_hash,
    rule_in_force,
)
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import (
    StateReader,
    StateWriter,
    campaign_budget_key,
    campaign_key,
    rule_book_key,
    rule_key,
)
from jifen.ledger.terms.records import PointType
from jifen.ledger.types import Leg, OrderRecord, Record

Get = Callable[[bytes], Record | None]
"""Returns the record under a state key."""


def flat_rule(point_type: PointType) -> EarningRule:
    """Return the first rule of a point type: its flat rate, in one bracket. Campaigns multiply it."""
    return EarningRule(
        point_type.rule_version,
        (Bracket(0, point_type.earn_points, point_type.earn_fen),),
        stacking=Stacking.MULTIPLY,
    )


def read_book(state: StateReader, point_type: PointType) -> RuleBook:
    """Return the rule book of a point type; of the flat rate alone when nothing else was ever published."""
    book = read(state, rule_book_key(point_type.id), RuleBook)
    return RuleBook(flat_rule(point_type), None, ()) if book is None else book


def newest_rule(book: RuleBook) -> EarningRule:
    """Return the version published last, whether it holds yet or not."""
    return book.scheduled or book.rule


def rule_of(get: Get, point_type: PointType, version: int) -> EarningRule:
    """Return a version of a point type's rule."""
    record = get(rule_key(point_type.id, version))
    if record is None:
        assert version == point_type.rule_version, f"version {version} of the rule of {point_type.id} is missing"
        return flat_rule(point_type)
    assert isinstance(record, RuleRecord)
    return record.rule


def campaigns_of(get: Get, leg: OrderRecord | Leg) -> list[tuple[Campaign, int]]:
    """Return the campaigns that held for a leg of an order, in its order, each with what its budget was charged."""
    found = []
    for given in leg.credit.campaigns if leg.credit else ():
        record = get(campaign_key(leg.point_type, given.campaign))
        assert isinstance(record, CampaignRecord), f"campaign {given.campaign} of {leg.point_type} is missing"
        found.append((record.campaign, given.points))
    return found


def put_book(state: StateWriter, point_type: str, book: RuleBook) -> None:
    """Write a rule book and its place in the agenda; its `due` is that of the record before."""
    key = rule_book_key(point_type)
    moments = [campaign.ends_at for campaign in book.campaigns]
    if book.scheduled is not None:
        moments.append(book.scheduled.effective_from)
    due = min(moments, default=0)
    schedule(state, key, book.due, due)
    state.put(key, RuleBook(book.rule, book.scheduled, book.campaigns, due))


def passed(state: StateReader, point_type: str, book: RuleBook, time: int) -> tuple[RuleBook, tuple[AnyEffect, ...]]:
    """Return the book as it stands at a block time, ms, and the effects that tell what of it time has changed."""
    effects: list[AnyEffect] = []
    rule = rule_in_force(book, time)
    scheduled = book.scheduled
    if scheduled is not None and rule is scheduled:
        scheduled = None
        effects.append(EarningRuleInForce(point_type, rule.version, rule_hash(point_type, rule)))
    effects += [ended(state, point_type, campaign.id) for campaign in book.campaigns if campaign.ends_at <= time]
    campaigns = tuple(campaign for campaign in book.campaigns if campaign.ends_at > time)
    return RuleBook(rule, scheduled, campaigns, book.due), tuple(effects)


def ended(state: StateReader, point_type: str, campaign: str) -> CampaignEnded:
    """Return the effect that tells that a campaign is over."""
    given = read(state, campaign_budget_key(point_type, campaign), Budget) or EMPTY_BUDGET
    return CampaignEnded(point_type, campaign, given.points)


def wake_rule_book(state: StateWriter, key: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Let the scheduled version hold whose time has come, and forget campaigns that are over."""
    point_type = key[1:].decode()
    book = read(state, key, RuleBook)
    assert book is not None, f"the agenda names the rule book of {point_type}, which does not exist"
    book, effects = passed(state, point_type, book, context.time)
    assert effects, f"the agenda wakes the rule book of {point_type} too early"
    # The agenda has taken this entry out already; a book that is due never is a later one.
    put_book(state, point_type, RuleBook(book.rule, book.scheduled, book.campaigns, 0))
    return effects
