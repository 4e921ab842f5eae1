"""Naive arithmetic of earning rules: fractions, and every counter counted anew from all orders there ever were."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from jifen.ledger.rules.effects import Arithmetic, BracketStep, CampaignStep, ItemStep
from jifen.ledger.rules.records import BracketMode, Campaign, EarningRule, OrderLine, Period, Rounding, Stacking
from jifen.ledger.terms.records import Terms
from jifen.ledger.transactions import EarnPoints
from jifen.ledger.types import ItemPart
from jifen.testing.naive.records import NaiveLeg, NaiveOrder
from jifen.testing.naive.terms import local_date, midnight

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

NO_LIMIT: Final = 9_007_199_254_740_991


class Result(NamedTuple):
    """What a leg earns."""

    points: int
    base: int
    charges: tuple[int, ...]
    computed: int


def amounts_by_rule(rule: EarningRule, body: EarnPoints) -> dict[int | None, int]:
    """Return how much of an order earns by each item rule, and, under None, how much by brackets."""
    found: dict[int | None, int] = {None: body.amount_fen}
    for line in body.items:
        fitting = [
            place
            for place, item in enumerate(rule.items)
            if (item.category or line.category) == line.category and (item.item or line.item) == line.item
        ]
        if fitting:
            found[fitting[0]] = found.get(fitting[0], 0) + line.amount_fen
            found[None] -= line.amount_fen
    return found


def after_payment(rule: EarningRule, body: EarnPoints, paid: int) -> dict[int | None, int]:
    """Return the amounts of an order less what was paid with points, which comes off the brackets first."""
    amounts, left = amounts_by_rule(rule, body), 0 if rule.earns_on_points_paid else paid
    for place in sorted(amounts, key=lambda place: -1 if place is None else place):
        part = min(left, amounts[place])
        amounts[place] -= part
        left -= part
    return amounts


def lines_back(ledger: "NaiveLedger", body: EarnPoints) -> list[OrderLine]:
    """Return every line of an order that a refund has named."""
    its = [item for _, item in ledger.refunds.values() if item.merchant == body.merchant]
    return [line for item in its if item.order_id == body.order_id for line in item.items]


def returned_by_rule(rule: EarningRule, body: EarnPoints, lines: list[OrderLine]) -> dict[int | None, int]:
    """Return how much of an order came back by each item rule, and, under None, of what brackets take."""
    total = sum(line.amount_fen for line in lines)
    return amounts_by_rule(rule, msgspec.structs.replace(body, amount_fen=total, items=tuple(lines)))


def exact(leg: NaiveLeg, body: EarnPoints, kept: int, back: Sequence[OrderLine] = ()) -> Fraction:
    """Return what a leg earns before any factor, when so much of the order was kept and these lines were not."""
    rule = leg.rule
    if rule is None or not leg.holds or (kept == 0 and body.amount_fen > 0):
        return Fraction(0)
    bought, named = amounts_by_rule(rule, body), returned_by_rule(rule, body, [*back])
    rest = body.amount_fen - sum(named.values())
    total = Fraction(rule.visit_points if leg.visited_until else 0)
    for place, earning in after_payment(rule, body, leg.paid_fen).items():
        share = Fraction(kept, rest) if rest else Fraction(1)
        if bought[place]:
            share *= 1 - Fraction(named.get(place, 0), bought[place])
        amount = earning * share
        if place is None:
            start = Fraction(leg.before_fen)
            total += by_brackets(rule, start, start + amount)
        else:
            total += amount * Fraction(rule.items[place].points, rule.items[place].fen)
    return total


def by_brackets(rule: EarningRule, start: Fraction, end: Fraction) -> Fraction:
    """Return what the amount from `start` to `end` earns by brackets."""
    if rule.mode is BracketMode.WHOLE_AMOUNT:
        [*_, reached] = [bracket for bracket in rule.brackets if bracket.from_fen <= end]
        return (end - start) * Fraction(reached.points, reached.fen)
    return up_to(rule, end) - up_to(rule, start)


def up_to(rule: EarningRule, amount: Fraction) -> Fraction:
    """Return what the first `amount` fen earn by brackets: each adds what its rate is above the one before."""
    total = rate = Fraction(0)
    for bracket in rule.brackets:
        step, rate = Fraction(bracket.points, bracket.fen) - rate, Fraction(bracket.points, bracket.fen)
        total += max(Fraction(0), amount - bracket.from_fen) * step
    return total


def factor(rule: EarningRule, coefficient: tuple[int, int], campaigns: list[Campaign]) -> Fraction:
    """Return the factor of a tier and some campaigns."""
    parts = [Fraction(*coefficient), *(Fraction(item.numerator, item.denominator) for item in campaigns)]
    if rule.stacking is Stacking.MAX:
        found = max(parts)
    elif rule.stacking is Stacking.ADD:
        found = 1 + sum((part - 1 for part in parts), start=Fraction(0))
    else:
        found = Fraction(1)
        for part in parts:
            found *= part
    return min(found, Fraction(rule.factor_numerator, rule.factor_denominator))


def whole(rule: EarningRule, value: Fraction) -> int:
    """Return points rounded as the rule says, at most its cap for an order."""
    return min(floor(value) if rule.rounding is Rounding.FLOOR else floor(value + Fraction(1, 2)), rule.order_cap)


def shared(leg: NaiveLeg, value: Fraction, base_limit: int, limits: list[int], room: int) -> Result:
    """Hand out what a leg earns: the base first, then campaign after campaign."""
    rule, campaigns = leg.rule, [campaign for campaign, _ in leg.grants]
    assert rule is not None
    points = base = min(whole(rule, value * factor(rule, leg.coefficient, [])), base_limit)
    charges: list[int] = []
    for number, limit in enumerate(limits, start=1):
        now = factor(rule, leg.coefficient, campaigns[:number])
        share = ceil(value * (now - factor(rule, leg.coefficient, campaigns[: number - 1])))
        charges.append(max(0, min(share, limit, room - points, rule.order_cap - points)))
        points = min(whole(rule, value * now), points + charges[-1])
    return Result(points, base, tuple(charges), whole(rule, value * factor(rule, leg.coefficient, campaigns)))


def flat_points(ledger: "NaiveLedger", leg: NaiveLeg, amount: int) -> int:
    """Return what an amount earns at the flat rate."""
    kind = ledger.point_types[leg.point_type]
    return divmod(amount * kind.earn_points, kind.earn_fen)[0]


def left_of(ledger: "NaiveLedger", order: NaiveOrder, leg: NaiveLeg) -> Result:
    """Return what a leg of an order has left."""
    kept = order.body.amount_fen - ledger.refunded_of(order.body.merchant, order.body.order_id)
    if leg.rule is None:
        points = flat_points(ledger, leg, kept)
        return Result(points, points, (), points)
    limits = [charge for _, charge in leg.grants]
    return shared(leg, exact(leg, order.body, kept, lines_back(ledger, order.body)), leg.base, limits, NO_LIMIT)


def legs_of(ledger: "NaiveLedger", point_type: str, account: bytes | None = None) -> list[tuple[NaiveOrder, NaiveLeg]]:
    """Return every leg there ever was of a type, of one account if one is named."""
    found = [(order, leg) for order in ledger.orders.values() for leg in order.legs if leg.point_type == point_type]
    return [(order, leg) for order, leg in found if account in {None, leg.account}]


def rule_given(ledger: "NaiveLedger", point_type: str, version: int) -> int:
    """Return how many points a version of a rule has given and not taken back."""
    legs = legs_of(ledger, point_type)
    its = [(order, leg) for order, leg in legs if leg.rule is not None and leg.rule.version == version]
    return sum(left_of(ledger, order, leg).points for order, leg in its)


def campaign_given(ledger: "NaiveLedger", point_type: str, campaign: str, account: bytes | None = None) -> int:
    """Return how many points a campaign was charged and not given back."""
    total = 0
    for order, leg in legs_of(ledger, point_type, account):
        for (item, _), charge in zip(leg.grants, left_of(ledger, order, leg).charges, strict=True):
            total += charge if item.id == campaign else 0
    return total


def in_period(ledger: "NaiveLedger", point_type: str, account: bytes, time: int) -> tuple[int, int, int]:
    """Return the end of the account's period that is under way, 0 if none is, what was spent and given in it."""
    counted = [(order, leg) for order, leg in legs_of(ledger, point_type, account) if leg.until > time]
    ends = {leg.until for _, leg in counted}
    assert len(ends) <= 1, "two periods are under way"
    spent = sum(o.body.amount_fen - ledger.refunded_of(o.body.merchant, o.body.order_id) for o, _ in counted)
    return max(ends, default=0), spent, sum(left_of(ledger, order, leg).points for order, leg in counted)


def visits(ledger: "NaiveLedger", point_type: str, account: bytes, time: int) -> tuple[int, int]:
    """Return the end of the account's day that is under way, 0 if none is, and the visits rewarded in it."""
    counted = [leg for _, leg in legs_of(ledger, point_type, account) if leg.visited_until > time]
    return max((leg.visited_until for leg in counted), default=0), len(counted)


def end_of(period: Period, terms: Terms, time: int) -> int:
    """Return the end of a period at a block time: walk the days until another one has begun."""
    told_by = {Period.DAY: 3, Period.MONTH: 2, Period.YEAR: 1}[period]
    day = today = local_date(time, terms)
    while day.timetuple()[:told_by] == today.timetuple()[:told_by]:
        day = day.fromordinal(day.toordinal() + 1)
    return midnight(day, terms)


def explained(leg: NaiveLeg, body: EarnPoints, given: Result) -> Arithmetic:
    """Return how a leg's points came about, as the receipt should say it."""
    rule = leg.rule
    assert rule is not None
    amounts: dict[int | None, int] = after_payment(rule, body, leg.paid_fen) if leg.holds else {None: 0}
    bracket = amounts.pop(None)
    start, end = leg.before_fen, leg.before_fen + bracket
    steps = []
    for number, item in enumerate(rule.brackets):
        upper = rule.brackets[number + 1].from_fen if number + 1 < len(rule.brackets) else end
        if rule.mode is BracketMode.WHOLE_AMOUNT:
            reached = item.from_fen <= end and (number + 1 == len(rule.brackets) or upper > end)
            part = bracket if reached else 0
        else:
            part = len(range(max(start, item.from_fen), min(end, upper)))
        if part:
            steps.append(BracketStep(item.from_fen, part, item.points, item.fen))
    campaigns = [campaign for campaign, _ in leg.grants]
    together = factor(rule, leg.coefficient, campaigns) if leg.holds else Fraction(1)
    return Arithmetic(
        leg.holds,
        rule.mode,
        rule.basis,
        leg.before_fen,
        tuple(steps),
        tuple(
            ItemStep(ItemPart(place, amounts[place]), rule.items[place].points, rule.items[place].fen)
            for place in sorted(place for place in amounts if place is not None)
        ),
        rule.visit_points if leg.visited_until else 0,
        0 if rule.earns_on_points_paid or not leg.holds else leg.paid_fen,
        leg.tier,
        *leg.coefficient,
        tuple(
            CampaignStep(item.id, item.numerator, item.denominator, points)
            for item, points in zip(campaigns, given.charges, strict=True)
        ),
        rule.stacking,
        rule.factor_numerator,
        rule.factor_denominator,
        together.numerator,
        together.denominator,
        rule.rounding,
        rule.order_cap,
        given.computed,
    )
