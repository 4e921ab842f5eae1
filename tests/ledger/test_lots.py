"""Lots: what goes in and out of a holding, whatever the lots."""

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jifen.ledger.dates import DAY_MS, day_start
from jifen.ledger.points.lots import add_lots, take_lots
from jifen.ledger.types import EMPTY_HOLDING, POINTS_MAX, Holding, Lot, LotOrigin
from jifen.testing.strategies import holdings, lots

some_lots = st.lists(lots(), max_size=10)


def kind(lot: Lot) -> tuple[int, int, LotOrigin, int]:
    """Return what two lots that merge have in common."""
    return (lot.expires_at, lot.available_from, lot.origin, lot.renewal_days)


def by_kind(found: Iterable[Lot]) -> Counter[tuple[int, int, LotOrigin, int]]:
    """Return how many points there are of each kind."""
    counted: Counter[tuple[int, int, LotOrigin, int]] = Counter()
    for lot in found:
        counted[kind(lot)] += lot.points
    return counted


def check_order(holding: Holding) -> None:
    """Check that lots stand in spending order and no two are of a kind."""
    places = [(lot.expires_at == 0, *kind(lot)) for lot in holding.lots]
    assert places == sorted(set(places))


@given(holdings(), some_lots)
def test_adding_keeps_every_point_of_every_kind_and_the_order(holding: Holding, added: list[Lot]) -> None:
    after = add_lots(holding, added)

    assert by_kind(after.lots) == by_kind(holding.lots) + by_kind(added)
    assert after.available == holding.available + sum(lot.points for lot in added) == sum(by_kind(after.lots).values())
    check_order(after)


@given(holdings(), some_lots)
def test_the_order_of_adding_makes_no_difference(holding: Holding, added: list[Lot]) -> None:
    backwards = holding
    for lot in reversed(added):
        backwards = add_lots(backwards, [lot])

    assert backwards == add_lots(holding, added)


@given(holdings())
def test_adding_nothing_changes_nothing(holding: Holding) -> None:
    assert add_lots(holding, []) == holding
    again = add_lots(EMPTY_HOLDING, holding.lots)
    assert (again.available, again.lots) == (holding.available, holding.lots)


def test_lots_equal_in_all_but_quantity_merge_and_others_do_not() -> None:
    lot = Lot(5, LotOrigin.EARNED, DAY_MS, 0)
    others = [
        Lot(7, LotOrigin.EARNED, DAY_MS, 9 * DAY_MS),
        Lot(7, LotOrigin.EARNED, 2 * DAY_MS, 0),
        Lot(7, LotOrigin.TRANSFERRED, DAY_MS, 0),
    ]

    assert add_lots(EMPTY_HOLDING, [lot, Lot(7, LotOrigin.EARNED, DAY_MS, 0)]).lots == (
        Lot(12, LotOrigin.EARNED, DAY_MS, 0),
    )
    for other in others:
        assert add_lots(EMPTY_HOLDING, [lot, other]).available == 12
        assert len(add_lots(EMPTY_HOLDING, [lot, other]).lots) == 2


def test_spending_goes_by_expiry_then_age_then_origin() -> None:
    expected = (
        Lot(1, LotOrigin.TRANSFERRED, 3 * DAY_MS, 4 * DAY_MS),
        Lot(1, LotOrigin.EARNED, 0, 5 * DAY_MS),
        Lot(1, LotOrigin.TRANSFERRED, 0, 5 * DAY_MS),
        Lot(1, LotOrigin.EARNED, DAY_MS, 5 * DAY_MS),
        Lot(1, LotOrigin.EARNED, 0, 0),
        Lot(1, LotOrigin.TRANSFERRED, DAY_MS, 0),
    )

    holding = add_lots(EMPTY_HOLDING, expected[::-1])

    assert holding.lots == expected
    for count in range(1, 7):
        assert take_lots(holding, count)[1] == list(expected[:count])


@given(holdings(), st.data())
def test_taking_keeps_every_point_and_takes_the_first_ones(holding: Holding, data: st.DataObject) -> None:
    assume(holding.available)
    points = data.draw(st.integers(1, holding.available))

    rest, taken = take_lots(holding, points)

    assert sum(lot.points for lot in taken) == points
    assert rest.available == holding.available - points == sum(lot.points for lot in rest.lots)
    assert by_kind(taken) + by_kind(rest.lots) == by_kind(holding.lots)
    assert all(lot.points > 0 for lot in (*taken, *rest.lots))
    check_order(rest)
    # The kinds taken are the first ones in spending order; only the last of them may also be left over.
    kinds = [kind(lot) for lot in holding.lots]
    assert [kind(lot) for lot in taken] == kinds[: len(taken)]
    assert [kind(lot) for lot in rest.lots] == kinds[len(kinds) - len(rest.lots) :]
    assert len(taken) + len(rest.lots) - len(kinds) in {0, 1}, "more than one lot was split"


@given(holdings(), st.data())
def test_no_movement_lengthens_the_life_of_a_point(holding: Holding, data: st.DataObject) -> None:
    assume(holding.available)

    _, taken = take_lots(holding, data.draw(st.integers(1, holding.available)))
    moved = [Lot(lot.points, LotOrigin.TRANSFERRED, lot.available_from, lot.expires_at) for lot in taken]
    received = add_lots(data.draw(holdings()), moved)

    lives = {(lot.expires_at, lot.available_from) for lot in holding.lots}
    assert {(lot.expires_at, lot.available_from) for lot in taken} <= lives
    for lot in moved:
        assert by_kind(received.lots)[kind(lot)] >= lot.points


@given(holdings(), st.data())
def test_points_taken_in_two_steps_are_those_taken_in_one(holding: Holding, data: st.DataObject) -> None:
    assume(holding.available > 1)
    points = data.draw(st.integers(2, holding.available))
    first = data.draw(st.integers(1, points - 1))

    middle, some = take_lots(holding, first)
    rest, others = take_lots(middle, points - first)

    assert (rest, by_kind([*some, *others])) == (take_lots(holding, points)[0], by_kind(take_lots(holding, points)[1]))


@given(holdings(), st.data())
def test_what_is_taken_can_be_put_back(holding: Holding, data: st.DataObject) -> None:
    assume(holding.available)

    rest, taken = take_lots(holding, data.draw(st.integers(1, holding.available)))

    assert add_lots(rest, taken) == holding


@pytest.mark.parametrize("points", [-1, 0, 8])
def test_taking_what_is_not_there_is_our_own_fault(points: int) -> None:
    holding = Holding(7, (Lot(7, LotOrigin.EARNED, 0, 0),))

    with pytest.raises(AssertionError, match=f"{points} of 7 points cannot be taken"):
        take_lots(holding, points)


def test_a_holding_that_claims_more_than_its_lots_is_found_out() -> None:
    with pytest.raises(AssertionError, match="the lots of a holding are fewer"):
        take_lots(Holding(8, (Lot(7, LotOrigin.EARNED, 0, 0),)), 8)


def test_the_largest_quantity_can_be_held_and_taken() -> None:
    holding = add_lots(EMPTY_HOLDING, [Lot(POINTS_MAX, LotOrigin.EARNED, 0, 0)])

    assert take_lots(holding, POINTS_MAX) == (EMPTY_HOLDING, list(holding.lots))


@given(st.integers(0, 2**48))
def test_a_day_begins_at_midnight_utc(time: int) -> None:
    day = day_start(time)

    assert day % DAY_MS == 0
    assert day <= time < day + DAY_MS
