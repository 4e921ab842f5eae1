"""Tallies and budgets: what counts against the limits of rules and campaigns.

Every limit has a counter under a key of its own, written only when there is a limit. A member's tally lasts as long as
the period, day or campaign that it counts in; the agenda deletes it then, so that only what can still matter is kept.
"""

from typing import Final

import msgspec

from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS, day_end, month_end
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rules.records import (
    EMPTY_BUDGET,
    EMPTY_TALLY,
    BracketBasis,
    Budget,
    Campaign,
    CampaignTally,
    EarningRule,
    MemberTally,
    Period,
)
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import (
    StateReader,
    StateWriter,
    campaign_budget_key,
    rule_budget_key,
    tally_key,
)
from jifen.ledger.types import POINTS_MAX, TIME_MAX, Leg, OrderRecord

SPREAD_MS: Final = DAY_MS
"""Tallies are deleted within this time after their end, each account's at a moment of its own: a month's end would
else hold the agenda up for hours."""


class Counted(msgspec.Struct, frozen=True, gc=False):
    """What a tally says about an account at a block time."""

    until: int
    """End of the period that counts, ms; 0 when the rule counts nothing."""
    before_fen: int
    points: int
    """Given to the account in the period."""
    day_until: int
    """End of the local day, ms; 0 when the rule counts no visits and none is under way."""
    visits: int
    """Rewarded in the day."""
    campaigns: dict[str, int]
    """Given to the account by each campaign that has not ended."""


class Allowance(msgspec.Struct, frozen=True, gc=False):
    """What the budget of a rule's version or of a campaign says."""

    key: bytes
    """Of the budget in the state."""
    given: int
    left: int
    """Points that may still be given."""


UNLIMITED: Final = Allowance(b"", 0, POINTS_MAX)
"""Of what has no budget: nothing is counted."""


def period_end(period: Period, time: int, utc_offset_minutes: int) -> int:
    """Return the end of the period in which a block time lies, ms."""
    if period is Period.DAY:
        return day_end(time, 0, utc_offset_minutes)
    return min(month_end(time, utc_offset_minutes, of_year=period is Period.YEAR), TIME_MAX)


def counts_in_periods(rule: EarningRule) -> bool:
    """Tell whether a rule needs to know what an account has done in the period."""
    return rule.basis is BracketBasis.CUMULATIVE or rule.member_cap < POINTS_MAX


def count(tally: MemberTally, rule: EarningRule, time: int, utc_offset_minutes: int) -> Counted:
    """Return what counts at a block time, ms. What lies in a period, day or campaign that is over does not."""
    until = spent = points = 0
    if counts_in_periods(rule):
        if tally.until > time:
            # Also when the rule has another period since: a period that has begun ends as it was to.
            until, spent, points = tally.until, tally.spent_fen, tally.points
        else:
            until = period_end(rule.period, time, utc_offset_minutes)
    day_until, visits = tally.day_until, tally.visits
    if day_until <= time:
        day_until, visits = day_end(time, 0, utc_offset_minutes) if rule.visits_per_day else 0, 0
    campaigns = {item.campaign: item.points for item in tally.campaigns if item.until > time}
    return Counted(until, spent, points, day_until, visits, campaigns)


def read_tally(state: StateReader, account: bytes, point_type: str) -> MemberTally:
    """Return an account's tally."""
    return read(state, tally_key(account, point_type), MemberTally) or EMPTY_TALLY


def put_tally(state: StateWriter, account: bytes, point_type: str, tally: MemberTally) -> None:
    """Write a tally and its place in the agenda; its `due` is that of the record before."""
    key = tally_key(account, point_type)
    last = max(tally.until, tally.day_until)
    for item in tally.campaigns:
        last = max(last, item.until)
    if not last:
        schedule(state, key, tally.due, 0)
        state.delete(key)
        return
    due = last + int.from_bytes(account[:4], "big") % SPREAD_MS
    if due != tally.due:
        schedule(state, key, tally.due, due)
        tally = MemberTally(
            tally.until, tally.spent_fen, tally.points, tally.day_until, tally.visits, tally.campaigns, due
        )
    state.put(key, tally)


def wake_tally(state: StateWriter, key: bytes, _context: BlockContext) -> tuple[AnyEffect, ...]:
    """Delete a tally that counts nothing any more."""
    state.delete(key)
    return ()


def budget_of(state: StateReader, rule: EarningRule, point_type: str) -> Allowance:
    """Return what a rule's version may still give."""
    if rule.budget == POINTS_MAX:
        return UNLIMITED
    return _allowance(state, rule_budget_key(point_type, rule.version), rule.budget)


def campaign_budget_of(state: StateReader, campaign: Campaign, point_type: str) -> Allowance:
    """Return what a campaign may still give."""
    if campaign.budget == POINTS_MAX:
        return UNLIMITED
    return _allowance(state, campaign_budget_key(point_type, campaign.id), campaign.budget)


def charge(state: StateWriter, allowance: Allowance, points: int) -> None:
    """Charge points to a budget that stands as it was read; give them back when they are below 0."""
    if points and allowance is not UNLIMITED:
        state.put(allowance.key, Budget(allowance.given + points))


def give_back(
    state: StateWriter, leg: OrderRecord | Leg, amount_fen: int, points: int, campaigns: dict[str, int], time: int
) -> None:
    """Take a refund of a leg out of the account's tally, as far as what it counted in is not over.

    Visits stay counted: the account has come. `campaigns` says what each of them takes back.
    """
    tally = read_tally(state, leg.account, leg.point_type)
    if tally is EMPTY_TALLY:
        return
    spent, given = tally.spent_fen, tally.points
    if leg.credit is not None and tally.until > time and leg.credit.until == tally.until:
        # A sum that has reached the largest quantity has forgotten what was beyond it.
        spent, given = max(0, spent - amount_fen), given - points
    left = tuple(
        CampaignTally(item.campaign, item.until, item.points - campaigns.get(item.campaign, 0))
        if item.until > time
        else item
        for item in tally.campaigns
    )
    after = MemberTally(tally.until, spent, given, tally.day_until, tally.visits, left, tally.due)
    if after != tally:
        state.put(tally_key(leg.account, leg.point_type), after)


def _allowance(state: StateReader, key: bytes, limit: int) -> Allowance:
    given = (read(state, key, Budget) or EMPTY_BUDGET).points
    return Allowance(key, given, limit - given)
