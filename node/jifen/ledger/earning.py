"""Earning: points for purchases, at the flat rate of the point type, with the dates that its terms in force give."""

from typing import NamedTuple

from jifen.ledger.context import BlockContext
from jifen.ledger.dates import day_end
from jifen.ledger.holdings import put_holding
from jifen.ledger.lots import merged
from jifen.ledger.receipts import AnyEffect, PointsEarned
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
from jifen.ledger.terms import (
    AvailableAfterDays,
    AvailableOnConfirmation,
    PointType,
    Terms,
    availability_of,
    expiry_of,
    renewal_days_of,
    terms_in_force,
)
from jifen.ledger.tiers import qualify
from jifen.ledger.transactions import EarnPoints, Transaction
from jifen.ledger.types import (
    EMPTY_HOLDING,
    EMPTY_SUPPLY,
    POINTS_MAX,
    TIME_MAX,
    Holding,
    Lot,
    LotOrigin,
    OrderRecord,
    Organization,
    OrganizationStatus,
    RoleClass,
    Scope,
    Supply,
)

TILL_SCOPES = int(Scope.CASHIER | Scope.ISSUER)
"""Scopes that may credit a purchase. A plain number: enum arithmetic is slow, and every purchase asks."""


class Earning(NamedTuple):
    """What the check found and the act needs."""

    point_type: PointType
    terms: Terms
    """In force at the block's time."""
    supply: Supply
    holding: Holding
    points: int
    repaid: int
    """Part of the points that repays a debt at once; pending ones do so when they become available."""


def points_for(rate: PointType | OrderRecord, amount_fen: int) -> int:
    """Return the points that an amount earns at a rate, rounded down once."""
    return amount_fen * rate.earn_points // rate.earn_fen


def check_earning(
    state: StateReader, body: EarnPoints, transaction: Transaction, context: BlockContext
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
    terms = terms_in_force(point_type, context.time)
    holding = read(state, holding_key(body.account, body.point_type), Holding) or EMPTY_HOLDING
    repaid = min(points, holding.debt) if _is_immediate(terms) else 0
    # What repays a debt is burned as it is issued and stays below any cap.
    if points > repaid and supply.outstanding + points - repaid > terms.issue_cap:
        return Rejection.ISSUE_CAP_REACHED
    return Earning(point_type, terms, supply, holding, points, repaid)


def earn(
    state: StateWriter, body: EarnPoints, transaction: Transaction, earning: Earning, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Credit the purchase; what the account owes is repaid first, unless the points are pending.

    An order too small to earn a point is recorded all the same and earns 0.
    """
    point_type, terms, supply, holding, points, repaid = earning
    lot = Lot(
        points - repaid,
        LotOrigin.EARNED,
        availability_of(terms, context.time),
        expiry_of(terms, context.time),
        renewal_days_of(terms),
    )
    if points:
        holding = _credited(holding, terms, lot, repaid, context.time)
        # Renewed lots are due later than before, which the agenda finds by itself.
        added = (lot,) if lot.points else ()
        holding = put_holding(state, holding_key(body.account, body.point_type), holding, added, context.time)
        after = Supply(supply.issued + points, supply.burned + repaid, supply.expired)
        state.put(supply_key(body.point_type), after)
    awaiting = isinstance(terms.pending, AvailableOnConfirmation)
    order = OrderRecord(
        transaction.id,
        body.account,
        body.point_type,
        point_type.rule_version,
        point_type.earn_points,
        point_type.earn_fen,
        body.amount_fen,
        0,
        terms.version,
        lot.available_from,
        lot.expires_at,
        lot.renewal_days,
        awaiting,
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
        terms.version,
        0 if awaiting else lot.available_from,
        lot.expires_at,
        holding.pending,
    )
    if point_type.role is RoleClass.CONSUMER:
        return (effect, *qualify(state, body.merchant, body.account, points, context))
    return (effect,)


def _is_immediate(terms: Terms) -> bool:
    return not isinstance(terms.pending, AvailableAfterDays | AvailableOnConfirmation)


def _credited(holding: Holding, terms: Terms, lot: Lot, repaid: int, time: int) -> Holding:
    """Return the holding with the lot put in where it belongs, after what slides was renewed."""
    lots, pending, awaiting = (
        _renewed(lots, terms, time) for lots in (holding.lots, holding.pending_lots, holding.awaiting_lots)
    )
    added = (lot,) if lot.points else ()
    available, waiting = holding.available, holding.pending
    if _is_immediate(terms):
        lots, available = merged(lots, added), available + lot.points
    else:
        waiting += lot.points
        if isinstance(terms.pending, AvailableOnConfirmation):
            awaiting = merged(awaiting, added)
        else:
            pending = merged(pending, added)
    return Holding(
        available, lots, holding.debt - repaid, waiting, pending, awaiting, holding.lapsed, holding.due, holding.held
    )


def _renewed(lots: tuple[Lot, ...], terms: Terms, time: int) -> tuple[Lot, ...]:
    """Return the lots as an earn leaves them: those that slide live on, by the terms they were earned under.

    What has reached its date is gone, though the agenda may not have got to it yet.
    """
    if not [lot for lot in lots if lot.renewal_days]:  # quicker than any() with a generator, and every earn asks
        return lots
    renewed = [
        Lot(
            lot.points,
            lot.origin,
            lot.available_from,
            max(lot.expires_at, min(day_end(time, lot.renewal_days, terms.utc_offset_minutes), TIME_MAX)),
            lot.renewal_days,
        )
        if lot.renewal_days and lot.expires_at > time
        else lot
        for lot in lots
    ]
    return merged((), renewed)
