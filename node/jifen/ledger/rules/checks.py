"""The invariants of earning rules, campaigns and budgets."""

from jifen.ledger.checking import Items, require
from jifen.ledger.points.earning import kept
from jifen.ledger.rules.book import Get, flat_rule, newest_rule
from jifen.ledger.rules.publishing import campaign_contradicts_itself, rule_contradicts_itself
from jifen.ledger.rules.records import (
    Budget,
    CampaignRecord,
    EarningRule,
    RuleBook,
    RuleRecord,
    campaign_hash,
    rule_hash,
)
from jifen.ledger.state import (
    BUDGET,
    CAMPAIGN,
    RULE,
    RULE_BOOK,
    campaign_budget_key,
    campaign_key,
    point_type_key,
    rule_budget_key,
    rule_key,
)
from jifen.ledger.terms.records import PointType
from jifen.ledger.types import POINTS_MAX, OrderRecord


def check_every_version_of_rules_is_kept(items: Items) -> None:
    """I10: rules and campaigns stand in the history under their own hash, and rule books hold nothing else."""
    known = list(items)
    records = dict(known)
    for key, record in known:
        if isinstance(record, RuleRecord):
            name, number = key[1:-5].decode(), int.from_bytes(key[-4:], "big")
            right = key[:1] == RULE and (record.rule.version, record.hash) == (number, rule_hash(name, record.rule))
            require(right and not rule_contradicts_itself(record.rule), f"I10: rule {name} {number} holds {record}")
        elif isinstance(record, CampaignRecord):
            name, _, number_text = key[1:].decode().partition("\0")
            campaign = record.campaign
            right = (campaign.id, record.hash) == (number_text, campaign_hash(name, campaign))
            sound = key[:1] == CAMPAIGN and right and not campaign_contradicts_itself(campaign)
            require(sound, f"I10: campaign {name} {number_text} holds {record}")
    for key, record in known:
        if key[:1] == RULE_BOOK:
            assert isinstance(record, RuleBook)
            name = key[1:].decode()
            kind = records.get(point_type_key(name))
            require(isinstance(kind, PointType), f"there is a rule book of {name}, which does not exist")
            assert isinstance(kind, PointType)
            for version in range(kind.rule_version + 1, newest_rule(record).version + 1):
                require(rule_key(name, version) in records, f"I10: version {version} of the rule of {name} is missing")
            for rule in (record.rule, newest_rule(record)):
                require(
                    _is_published(records.get, kind, rule), f"I10: {name} has a rule that its history lacks: {rule}"
                )
            for item in record.campaigns:
                entry = records.get(campaign_key(name, item.id))
                there = isinstance(entry, CampaignRecord) and entry.campaign == item and not entry.ended_at
                require(there, f"I10: {name} has a campaign that its history lacks, or that was ended: {item}")


def check_budgets_are_what_orders_took(items: Items) -> None:
    """No budget is overshot, and each is charged what orders have of it, refunds taken off."""
    known = list(items)
    records = dict(known)
    taken: dict[bytes, int] = {}
    for _, record in known:
        if isinstance(record, OrderRecord):
            for leg in record.every_leg:
                if leg.credit is None:
                    continue
                given = kept(records.get, leg, record)
                key = rule_budget_key(leg.point_type, leg.rule_version)
                taken[key] = taken.get(key, 0) + given.points
                for campaign, points in given.campaigns:
                    key = campaign_budget_key(leg.point_type, campaign.id)
                    taken[key] = taken.get(key, 0) + points
    limits: dict[bytes, int] = {}
    for key, record in known:
        if isinstance(record, RuleRecord):
            limits[rule_budget_key(key[1:-5].decode(), record.rule.version)] = record.rule.budget
        elif isinstance(record, CampaignRecord):
            name = key[1:].decode().partition("\0")[0]
            limits[campaign_budget_key(name, record.campaign.id)] = record.campaign.budget
    for key, limit in limits.items():
        found = records.get(key)
        charged = found.points if isinstance(found, Budget) else 0
        expected = taken.get(key, 0) if limit < POINTS_MAX else 0
        require(charged == expected <= limit, f"budget {key!r} of {limit} is charged {charged}, orders have {expected}")
    stray = [key for key, _ in known if key[:1] == BUDGET and key not in limits]
    require(not stray, f"there are budgets of rules and campaigns that do not exist: {stray}")


def check_no_more_is_returned_than_was_bought(items: Items) -> None:
    """I3: of every part of an order refunds have named at most what it came to, and no more than was refunded."""
    orders = [(key, record) for key, record in items if isinstance(record, OrderRecord)]
    for key, order in orders:
        for leg in order.every_leg:
            if leg.credit is None:
                continue
            bought, returned = leg.credit.bought(), leg.credit.returned
            fits = not returned or len(returned) == len(bought)
            fits = fits and all(one <= other for one, other in zip(returned, bought, strict=False))
            require(fits and sum(returned) <= order.refunded_fen, f"I3: order {key.hex()} has got back {leg.credit}")


def _is_published(get: Get, kind: PointType, rule: EarningRule) -> bool:
    record = get(rule_key(kind.id, rule.version))
    return rule == (record.rule if isinstance(record, RuleRecord) else flat_rule(kind))
