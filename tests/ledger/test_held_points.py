"""Held points: what leaves what can be spent comes back as it was, or is gone."""

from typing import Final

import pytest

from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS
from jifen.ledger.locks.pausing import wake_at_once
from jifen.ledger.points.held import (
    HELD_LOTS_MAX,
    hold_points,
    hold_points_of_origin,
    may_hold,
    release_points,
    spend_held,
)
from jifen.ledger.points.holdings import LAPSED_KEPT_MS, put_holding
from jifen.ledger.points.lots import points_of
from jifen.ledger.points.positions import (
    Position,
    Rate,
    available_to_give,
    give_out,
    holder_and_type_of,
    rate_of_key,
    take_in,
)
from jifen.ledger.scheduling import next_due
from jifen.ledger.state import POSITION, holding_key, point_type_key, supply_key
from jifen.ledger.terms.effects import PointsExpired
from jifen.ledger.terms.records import PointType
from jifen.ledger.types import Holding, Lot, LotOrigin, Supply
from jifen.testing.memory import Memory
from jifen.testing.naive.scene import CHAIN_ID, account_of, key_of, scene

ANN, TYPE = account_of(key_of("ann")), "mall/consumer"
KEY: Final = holding_key(ANN, TYPE)
SOON = Lot(40, LotOrigin.TRANSFERRED, 0, 90 * DAY_MS)
LATE = Lot(60, LotOrigin.EARNED, 0, 99 * DAY_MS)
EVER = Lot(100, LotOrigin.EARNED, 0, 0)


def state_of(*lots: Lot) -> Memory:
    """Return a state in which Ann holds lots of a type of which 500 points were issued."""
    supply = Supply(500, 500 - points_of(lots))
    kind = scene().point_types[0]
    return Memory({KEY: Holding(points_of(lots), lots), supply_key(TYPE): supply, point_type_key(TYPE): kind})


def test_what_is_held_is_taken_in_spending_order_and_comes_back_as_it_was() -> None:
    state = state_of(SOON, LATE, EVER)
    before = state[KEY]
    lots = hold_points(state, ANN, TYPE, 70, 0)
    assert lots == (SOON, Lot(30, LotOrigin.EARNED, 0, 99 * DAY_MS))
    assert state[KEY] == Holding(130, (Lot(30, LotOrigin.EARNED, 0, 99 * DAY_MS), EVER), held=70)
    assert release_points(state, ANN, TYPE, lots, 0).repaid == 0
    after = state[KEY]
    assert isinstance(after, Holding)
    assert isinstance(before, Holding)
    assert (after.lots, after.available, after.held) == (before.lots, 200, 0)
    assert next_due(state) == after.due == 60 * DAY_MS, "what came back is on the agenda again"


def test_points_that_come_back_repay_first_what_is_owed() -> None:
    state = state_of(SOON)
    lots = hold_points(state, ANN, TYPE, 40, 0)
    state[KEY] = Holding(0, (), debt=15, held=40)
    after, repaid, _ = release_points(state, ANN, TYPE, lots, 0)
    assert (after.available, after.debt, after.held, repaid) == (25, 0, 0, 15)
    assert state[supply_key(TYPE)] == Supply(500, 475)


def test_points_that_come_back_past_their_date_expire_in_that_moment_and_repay_nothing() -> None:
    state = state_of(SOON, LATE, EVER)
    lots = hold_points(state, ANN, TYPE, 120, 0)
    held = state[KEY]
    assert isinstance(held, Holding)
    state[KEY] = Holding(held.available, held.lots, 5, due=held.due, held=held.held)
    after, repaid, expired = release_points(state, ANN, TYPE, lots, 100 * DAY_MS)
    assert expired == (
        PointsExpired(ANN, TYPE, 40, 90 * DAY_MS, 95, 0),
        PointsExpired(ANN, TYPE, 60, 99 * DAY_MS, 95, 0),
    )
    assert (after.available, after.debt, after.held, repaid) == (95, 0, 0, 5)
    assert after.lapsed == (LATE,), "what she has earned herself is remembered for refunds of its order"
    assert next_due(state) == after.due == 99 * DAY_MS + LAPSED_KEPT_MS
    assert state[supply_key(TYPE)] == Supply(500, 305, 100)


def test_points_that_come_back_too_late_for_any_refund_are_not_remembered() -> None:
    state = state_of(LATE)
    lots = hold_points(state, ANN, TYPE, 60, 0)
    release_points(state, ANN, TYPE, lots, 99 * DAY_MS + LAPSED_KEPT_MS)
    assert KEY not in state
    assert next_due(state) is None


def test_points_that_come_back_past_their_date_let_nothing_be_forgotten_that_the_agenda_has_not_got_to() -> None:
    waiting = Lot(10, LotOrigin.EARNED, 95 * DAY_MS, 0)
    state = Memory({supply_key(TYPE): Supply(70, 0), point_type_key(TYPE): scene().point_types[0]})
    put_holding(state, KEY, Holding(60, (LATE,), pending=10, pending_lots=(waiting,)), (waiting,), 0)
    lots = hold_points(state, ANN, TYPE, 60, 0)

    back, _, expired = release_points(state, ANN, TYPE, lots, 100 * DAY_MS)

    assert [effect.points for effect in expired] == [60]
    assert next_due(state) == back.due == 95 * DAY_MS
    wake_at_once(state, KEY, BlockContext(CHAIN_ID, 1, 100 * DAY_MS))
    holding = state[KEY]
    assert isinstance(holding, Holding)
    assert (holding.available, holding.pending) == (10, 0)


def test_held_points_that_are_spent_leave_the_account_and_an_empty_holding_leaves_nothing() -> None:
    state = state_of(EVER)
    hold_points(state, ANN, TYPE, 100, 0)
    assert spend_held(state, ANN, TYPE, 30, 0).held == 70
    spend_held(state, ANN, TYPE, 70, 0)
    assert KEY not in state


def test_points_of_one_origin_can_be_held() -> None:
    state = state_of(SOON, LATE, EVER)
    assert hold_points_of_origin(state, ANN, TYPE, 110, LotOrigin.EARNED, 0) == (
        LATE,
        Lot(50, LotOrigin.EARNED, 0, 0),
    )
    assert state[KEY] == Holding(90, (SOON, Lot(50, LotOrigin.EARNED, 0, 0)), held=110)
    with pytest.raises(AssertionError, match="fewer than 41 points of origin TRANSFERRED"):
        hold_points_of_origin(state, ANN, TYPE, 41, LotOrigin.TRANSFERRED, 0)


def test_nobody_gets_back_or_spends_more_than_is_held() -> None:
    state = state_of(EVER)
    lots = hold_points(state, ANN, TYPE, 10, 0)
    with pytest.raises(AssertionError, match="only 10 points are held, not 11"):
        spend_held(state, ANN, TYPE, 11, 0)
    release_points(state, ANN, TYPE, lots, 0)
    with pytest.raises(AssertionError, match="only 0 points are held, not 10"):
        release_points(state, ANN, TYPE, lots, 0)


def test_one_record_keeps_a_bounded_number_of_lots() -> None:
    lots = tuple(Lot(1, LotOrigin.EARNED, 0, day * DAY_MS) for day in range(1, HELD_LOTS_MAX + 2))
    holding = Holding(points_of(lots), lots)
    assert may_hold(holding, HELD_LOTS_MAX)
    assert not may_hold(holding, HELD_LOTS_MAX + 1)
    assert not may_hold(Holding(1, lots[:1]), 2)


def test_points_spent_at_their_issuer_burn_and_elsewhere_become_a_position_at_the_trades_rate() -> None:
    state = state_of(EVER)
    kind = state[point_type_key(TYPE)]
    assert isinstance(kind, PointType)
    take_in(state, "mall", kind, Rate(1, 1), 30)
    assert state[supply_key(TYPE)] == Supply(500, 430)
    take_in(state, "books", kind, Rate(100, 2), 30)
    take_in(state, "books", kind, Rate(50, 1), 5)
    take_in(state, "books", kind, Rate(50, 2), 7)
    found = {rate_of_key(key): record for key, record in state.range(POSITION, b"I", 9)}
    assert found == {Rate(50, 1): Position(35), Rate(25, 1): Position(7)}
    assert {holder_and_type_of(key) for key, _ in state.range(POSITION, b"I", 9)} == {("books", TYPE)}


def test_what_was_taken_in_can_be_given_out_again_at_its_rate() -> None:
    state = state_of(EVER)
    kind = state[point_type_key(TYPE)]
    assert isinstance(kind, PointType)
    take_in(state, "mall", kind, Rate(1, 1), 30)
    give_out(state, "mall", kind, Rate(1, 1), 30)
    assert state[supply_key(TYPE)] == Supply(500, 400)
    take_in(state, "books", kind, Rate(50, 1), 35)
    give_out(state, "books", kind, Rate(50, 1), 30)
    assert available_to_give(state, "books", kind, Rate(100, 2)) == 5
    with pytest.raises(AssertionError, match="books has 5 mall/consumer points"):
        give_out(state, "books", kind, Rate(50, 1), 6)
    give_out(state, "books", kind, Rate(50, 1), 5)
    assert state.range(POSITION, b"I", 9) == []
    with pytest.raises(AssertionError, match="of 400 burned"):
        give_out(state, "mall", kind, Rate(1, 1), 401)
