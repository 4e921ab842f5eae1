"""Earning: points for purchases, at the flat rate of the point type."""

from typing import NamedTuple

from jifen.ledger.context import BlockContext
from jifen.ledger.lots import add_lots, day_of
from jifen.ledger.receipts import PointsEarned
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import (
    StateReader,
    StateWriter,
    account_key,
    holding_key,
    order_key,
    organization_key,
    point_type_key,
    supply_key,
)
from jifen.ledger.transactions import EarnPoints, Transaction
from jifen.ledger.types import (
    EMPTY_HOLDING,
    EMPTY_SUPPLY,
    POINTS_MAX,
    Holding,
    Lot,
    LotOrigin,
    OrderRecord,
    Organization,
    OrganizationStatus,
    PointType,
    Scope,
    Supply,
)

TILL_SCOPES = int(Scope.CASHIER | Scope.ISSUER)
"""Scopes that may credit a purchase. A plain number: enum arithmetic is slow, and every purchase asks."""


class Earning(NamedTuple):
    """What the check found and the act needs."""

    point_type: PointType
    supply: Supply
    points: int


def points_for(rate: PointType | OrderRecord, amount_fen: int) -> int:
    """Return the points that an amount earns at a rate, rounded down once."""
    return amount_fen * rate.earn_points // rate.earn_fen


def check_earning(
    state: StateReader, body: EarnPoints, transaction: Transaction, _context: BlockContext
) -> Rejection | Earning:
    """Return why the purchase cannot be credited, or what to credit. Order: `rejections.py`."""
    organization = read(state, organization_key(body.merchant), Organization)
    if organization is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if organization.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if state.get(account_key(body.account)) is None:
        return Rejection.ACCOUNT_UNKNOWN
    point_type = read(state, point_type_key(body.point_type), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    if not any(organization.scopes_of(key) & TILL_SCOPES for key in transaction.signers):
        return Rejection.NOT_AUTHORIZED
    if point_type.issuer != body.merchant:
        return Rejection.NOT_THE_ISSUER
    if state.get(order_key(body.merchant, body.order_id)) is not None:
        return Rejection.ORDER_ALREADY_CREDITED
    supply = read(state, supply_key(body.point_type), Supply) or EMPTY_SUPPLY
    points = points_for(point_type, body.amount_fen)
    if supply.issued + points > POINTS_MAX:
        return Rejection.SUPPLY_EXHAUSTED
    return Earning(point_type, supply, points)


def earn(
    state: StateWriter, body: EarnPoints, transaction: Transaction, earning: Earning, context: BlockContext
) -> tuple[PointsEarned]:
    """Credit the purchase; what the account owes is repaid first.

    An order too small to earn a point is recorded all the same and earns 0.
    """
    point_type, supply, points = earning
    key = holding_key(body.account, body.point_type)
    holding = read(state, key, Holding) or EMPTY_HOLDING
    repaid = min(points, holding.debt)
    if points:
        if repaid:
            holding = Holding(holding.available, holding.lots, holding.debt - repaid)
        if points > repaid:
            holding = add_lots(holding, (Lot(points - repaid, LotOrigin.EARNED, day_of(context.time), 0),))
        state.put(key, holding)
        state.put(supply_key(body.point_type), Supply(supply.issued + points, supply.burned + repaid))
    order = OrderRecord(
        transaction.id,
        body.account,
        body.point_type,
        point_type.rule_version,
        point_type.earn_points,
        point_type.earn_fen,
        body.amount_fen,
    )
    state.put(order_key(body.merchant, body.order_id), order)
    effect = PointsEarned(
        body.merchant,
        body.account,
        body.point_type,
        point_type.rule_version,
        body.amount_fen,
        point_type.earn_points,
        point_type.earn_fen,
        points,
        holding.available,
        repaid,
    )
    return (effect,)
