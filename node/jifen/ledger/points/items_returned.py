"""Lines that a refund names: what is left of each leg of the order without them.

A leg keeps of the lines of its order only what they came to under each item rule. So that is what a refund's lines are
held against: by the rule that the leg had, they fall under the item rules under which they fell at the purchase.
"""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from jifen.ledger.rules.book import Get, rule_of
from jifen.ledger.rules.reckoning import place_of
from jifen.ledger.rules.records import EarningRule, OrderLine
from jifen.ledger.state import point_type_key
from jifen.ledger.terms.records import PointType
from jifen.ledger.transactions import RefundOrder
from jifen.ledger.types import Credit, Leg, OrderRecord

L = TypeVar("L", OrderRecord, Leg)


def has_room_for_items(body: RefundOrder) -> bool:
    """Tell whether the lines that a refund names come to no more than is refunded."""
    return sum([line.amount_fen for line in body.items]) <= body.amount_fen


def without(get: Get, order: OrderRecord, items: Iterable[OrderLine], refunded_fen: int) -> OrderRecord | None:
    """Return an order of which so much is refunded in all, these lines by name, or None if it has fewer left."""
    whole = msgspec.structs.replace(order, refunded_fen=refunded_fen)
    returned = tuple([line for line in items if line.amount_fen])
    if not returned:
        return whole
    legs = tuple([left for leg in order.legs if (left := _leg_without(get, leg, returned)) is not None])
    customer = _leg_without(get, whole, returned)
    if customer is None or len(legs) < len(order.legs):
        return None
    return msgspec.structs.replace(customer, legs=legs)


def _leg_without(get: Get, leg: L, returned: Iterable[OrderLine]) -> L | None:
    if leg.credit is None:
        return leg
    point_type = get(point_type_key(leg.point_type))
    assert isinstance(point_type, PointType), f"point type {leg.point_type} of an order is missing"
    credit = _credit_without(rule_of(get, point_type, leg.rule_version), leg.credit, returned)
    return None if credit is None else msgspec.structs.replace(leg, credit=credit)


def _credit_without(rule: EarningRule, credit: Credit, returned: Iterable[OrderLine]) -> Credit | None:
    bought = credit.bought()
    if not any(bought):
        # The rule did not hold: no line has earned anything.
        return credit
    places = {-1: 0} | {part.rule: place for place, part in enumerate(credit.parts, start=1)}
    back = list(credit.returned or (0,) * len(bought))
    for line in returned:
        place = places.get(place_of(rule, line))
        if place is None or back[place] + line.amount_fen > bought[place]:
            return None
        back[place] += line.amount_fen
    return msgspec.structs.replace(credit, returned=tuple(back))
