"""What a purchase earns under a rule: exact rationals, in a fixed order, rounded once.

1. **Base**: points for the visit; lines under item rules, each at its own rate. 2. **Brackets**: everything else.
3. **Tier**: the coefficient of the account's tier. 4. **Campaigns**: stacked with it by the rule's `stacking`, the
factor capped. Then one rounding, the cap of the order, and what budgets and the member's cap have left.

Campaigns are taken in order of their ids. Each adds what the order earns with it and all before it beyond what it earns
without it, and takes its exact share, rounded up, of its budget; so its points never pass its budget, and what refunds
give back to the budget depends on the amount refunded in all, never on the parts. What a campaign was not granted at
the purchase, because its budget, the member or the order's cap were at an end, it does not grant after a refund either.

Everything here is a function of the amount that was kept, and never falls when that grows.
"""

from collections.abc import Iterable

import msgspec

from jifen.ledger.rules.effects import BracketStep, ItemStep
from jifen.ledger.rules.records import BracketMode, Campaign, EarningRule, OrderLine, Rounding, Stacking
from jifen.ledger.types import POINTS_MAX, Credit

Ratio = tuple[int, int]
"""Numerator and denominator, which is above 0; not in lowest terms."""


class Grant(msgspec.Struct, frozen=True, gc=False):
    """What a leg of an order is given."""

    points: int
    """In all."""
    base: int
    """Without campaigns."""
    campaigns: tuple[tuple[Campaign, int], ...]
    """What the budget of each campaign that holds is charged."""
    computed: int
    """By arithmetic alone, before budgets and the member's cap."""
    factor: Ratio
    """Of tier and campaigns together, capped."""


def value_of(rule: EarningRule, credit: Credit, kept_fen: int, amount_fen: int) -> Ratio:
    """Return what is earned before any factor when `kept_fen` of an order of `amount_fen` were kept.

    What was returned by name is taken off its part of the order; what else was refunded, off all that then is left, in
    proportion. All of it exactly. A visit without a purchase has nothing that could be refunded and keeps its points.
    """
    if kept_fen == 0 and amount_fen:
        return 0, 1
    shared = (kept_fen, amount_fen - sum(credit.returned))
    top, bottom = credit.visit_points, 1
    for place, part in enumerate(credit.parts, start=1):
        item = rule.items[part.rule]
        amount, over = _left(credit, place, part.amount_fen, shared)
        top, bottom = _sum(top, bottom, amount * item.points, over * item.fen)
    amount, scale = _left(credit, 0, credit.bracket_fen, shared)
    start = credit.before_fen * scale
    end = start + amount
    brackets = rule.brackets
    if rule.mode is BracketMode.WHOLE_AMOUNT:
        bracket = brackets[0]
        for other in brackets:
            if other.from_fen * scale <= end:
                bracket = other
        top, bottom = _sum(top, bottom, amount * bracket.points, bracket.fen * scale)
    else:
        last = len(brackets) - 1
        for place, bracket in enumerate(brackets):
            low = max(start, bracket.from_fen * scale)
            high = end if place == last else min(end, brackets[place + 1].from_fen * scale)
            if low < high:
                top, bottom = _sum(top, bottom, (high - low) * bracket.points, bracket.fen * scale)
    return top, bottom


def _left(credit: Credit, place: int, earning_fen: int, shared: Ratio) -> Ratio:
    """Return what is left, in fen, of a part of an order of which `earning_fen` earned.

    `shared` is what is kept of what was not returned by name. What points have paid of a part goes with it.
    """
    top, bottom = earning_fen, 1
    if credit.returned:
        paid = credit.paid[place] if credit.paid else 0
        top -= credit.returned[place]
        if paid:
            bought = earning_fen + paid
            top, bottom = earning_fen * (bought - credit.returned[place]), bought
    if shared[0] == shared[1]:
        return top, bottom
    return top * shared[0], bottom * shared[1]


def place_of(rule: EarningRule, line: OrderLine) -> int:
    """Return the place of the first item rule that fits a line of an order, or -1: then it earns by brackets."""
    for place, item in enumerate(rule.items):
        if (not item.category or item.category == line.category) and (not item.item or item.item == line.item):
            return place
    return -1


def bracket_steps(rule: EarningRule, start: int, amount_fen: int) -> tuple[BracketStep, ...]:
    """Return the parts of an amount on top of `start` that the brackets take, in fen."""
    end = start + amount_fen
    brackets = rule.brackets
    if rule.mode is BracketMode.WHOLE_AMOUNT:
        bracket = [other for other in brackets if other.from_fen <= end][-1]
        return (BracketStep(bracket.from_fen, amount_fen, bracket.points, bracket.fen),) if amount_fen else ()
    steps = []
    last = len(brackets) - 1
    for place, bracket in enumerate(brackets):
        low = bracket.from_fen
        if low >= end:
            break
        high = end
        if place < last and brackets[place + 1].from_fen < end:
            high = brackets[place + 1].from_fen
        low = max(low, start)
        if low < high:
            steps.append(BracketStep(bracket.from_fen, high - low, bracket.points, bracket.fen))
    return tuple(steps)


def value_of_steps(visit_points: int, brackets: Iterable[BracketStep], items: Iterable[ItemStep]) -> Ratio:
    """Return what is earned before any factor by a whole order of these parts; what `value_of` says of it."""
    top, bottom = visit_points, 1
    for item in items:
        top, bottom = _sum(top, bottom, item.part.amount_fen * item.points, item.fen)
    for step in brackets:
        top, bottom = _sum(top, bottom, step.amount_fen * step.points, step.fen)
    return top, bottom


def lowest_terms(ratio: Ratio) -> Ratio:
    """Return a ratio in its lowest terms, by Euclid's algorithm: many times quicker than a `Fraction`."""
    one, other = ratio
    while other:
        one, other = other, one % other
    return ratio[0] // one, ratio[1] // one


def rounded(rule: EarningRule, value: Ratio, factor: Ratio) -> int:
    """Return whole points, at most the order's cap: the one rounding there is."""
    top, bottom = value[0] * factor[0], value[1] * factor[1]
    points = top // bottom if rule.rounding is Rounding.FLOOR else (2 * top + bottom) // (2 * bottom)
    return points if points < rule.order_cap else rule.order_cap


def grant(
    rule: EarningRule,
    value: Ratio,
    tier: Ratio,
    campaigns: Iterable[tuple[Campaign, int]],
    base_limit: int,
    room: int = POINTS_MAX,
) -> Grant:
    """Return what is given.

    Args:
        rule: the rule.
        value: before any factor.
        tier: the coefficient of the account's tier.
        campaigns: those that hold, in order of their ids, each with the most points that it may give.
        base_limit: most points without campaigns.
        room: most points in all.
    """
    stacked, factor = tier, _capped(rule, tier)
    computed = rounded(rule, value, factor)
    points = base = min(computed, base_limit)
    charges = []
    for campaign, limit in campaigns:
        before, stacked = factor, _stacked(rule, stacked, campaign)
        factor = _capped(rule, stacked)
        more = value[0] * (factor[0] * before[1] - before[0] * factor[1])
        share = -(-more // (value[1] * factor[1] * before[1]))
        computed = rounded(rule, value, factor)
        charge = max(0, min(share, limit, room - points, rule.order_cap - points))
        points = min(computed, points + charge)
        charges.append((campaign, charge))
    return Grant(points, base, tuple(charges), computed, factor)


def _stacked(rule: EarningRule, factor: Ratio, campaign: Campaign) -> Ratio:
    """Return a factor with one more campaign, before the cap."""
    top, bottom = factor
    numerator, denominator = campaign.numerator, campaign.denominator
    if rule.stacking is Stacking.MULTIPLY:
        return top * numerator, bottom * denominator
    if rule.stacking is Stacking.ADD:
        return top * denominator + (numerator - denominator) * bottom, bottom * denominator
    return (numerator, denominator) if numerator * bottom > top * denominator else factor


def _capped(rule: EarningRule, factor: Ratio) -> Ratio:
    cap = (rule.factor_numerator, rule.factor_denominator)
    return factor if factor[0] * cap[1] <= cap[0] * factor[1] else cap


def _sum(top: int, bottom: int, numerator: int, denominator: int) -> Ratio:
    if bottom % denominator == 0:
        return top + numerator * (bottom // denominator), bottom
    return top * denominator + numerator * bottom, bottom * denominator
