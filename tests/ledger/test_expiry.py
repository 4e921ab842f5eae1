"""Time: points expire, become available, are announced; and what refunds make of those that are not there any more."""

from typing import Final
from unittest.mock import patch

import msgspec
import pytest

from jifen.ledger import agenda
from jifen.ledger.dates import day_end, day_start
from jifen.ledger.points.holdings import LAPSED_KEPT_MS
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import AGENDA, MARK, after_prefix, holding_key
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.effects import ExpiryAnnounced, PointsActivated, PointsExpired
from jifen.ledger.terms.records import (
    AvailableAfterDays,
    AvailableOnConfirmation,
    Expiry,
    Pending,
    RollingExpiry,
    SlidingExpiry,
    Terms,
)
from jifen.ledger.transactions import EarnPoints, RefundOrder, TransferPoints
from jifen.ledger.types import EMPTY_HOLDING, Lot, LotOrigin
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.scenes.point_stage import ANN, BO, CONSUMER, PointStage

EARNED: Final = LotOrigin.EARNED


def stage_with(expiry: Expiry | None = None, pending: Pending | None = None) -> PointStage:
    """Return a stage on which the mall's points are given these terms from the start."""
    stage = PointStage()
    change(stage, expiry, pending)
    return stage


def change(stage: PointStage, expiry: Expiry | None = None, pending: Pending | None = None) -> None:
    """Publish the next version of the mall's terms."""
    version = 2 + sum(isinstance(kind, PublishTerms) for kind in stage.taken)
    terms = Terms(version=version)
    terms = msgspec.structs.replace(terms, expiry=expiry or terms.expiry, pending=pending or terms.pending)
    assert not isinstance(
        stage.take(PublishTerms(stage.time, stage.nonce(), "mall", CONSUMER, terms), "mall admin"), Rejection
    )


def told(effects: list[AnyEffect], kind: type[AnyEffect]) -> list[AnyEffect]:
    """Return the effects of one kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


# Expiry.


def test_points_expire_at_the_first_block_whose_time_has_reached_their_date() -> None:
    stage = stage_with(RollingExpiry(3))
    end = day_end(stage.time, 3)
    stage.earn("A1", 1000)
    assert stage.earned("A1").expires_at == end

    assert told(stage.wait(end - 1 - stage.time), PointsExpired) == []
    assert stage.holding().available == 100
    assert stage.wait(1) == [PointsExpired(ANN, CONSUMER, 100, end, 0, 0)]
    assert (stage.supply().issued, stage.supply().burned, stage.supply().expired) == (100, 0, 100)


def test_points_can_be_spent_past_their_date_as_long_as_the_agenda_has_not_come_to_them() -> None:
    stage = stage_with(RollingExpiry(3))
    stage.earn("A1", 1000)
    stage.time = day_end(stage.time, 3) + 5

    stage.give_away(40)

    assert stage.holding(account=BO).available == 40
    effects = told(stage.wait(0), PointsExpired)
    assert sorted(effect.points for effect in effects if isinstance(effect, PointsExpired)) == [40, 60]


def test_two_dates_expire_one_after_the_other_and_each_is_told() -> None:
    stage = stage_with(RollingExpiry(3))
    stage.earn("A1", 1000)
    stage.wait(DAY_MS)
    stage.earn("A2", 500)
    first, second = (stage.earned(order).expires_at for order in ("A1", "A2"))

    effects = told(stage.wait(10 * DAY_MS), PointsExpired)

    assert effects == [
        PointsExpired(ANN, CONSUMER, 100, first, 50, 0),
        PointsExpired(ANN, CONSUMER, 50, second, 0, 0),
    ]


def test_p5_a_shorter_policy_leaves_old_lots_their_dates() -> None:
    """P5: an issuer publishes a shorter policy; old lots keep their old dates."""
    stage = stage_with(RollingExpiry(365))
    stage.earn("A1", 1000)
    old = stage.earned("A1").expires_at
    change(stage, RollingExpiry(1))
    stage.earn("A2", 500)

    assert stage.earned("A2").expires_at == day_end(stage.time, 1) < old
    stage.wait(30 * DAY_MS)
    assert [(lot.points, lot.expires_at) for lot in stage.holding().lots] == [(100, old)]


def test_p5_terms_that_never_expire_touch_no_lot_that_does() -> None:
    """P5: nor does a longer policy; a lot's date is its own."""
    stage = stage_with(RollingExpiry(2))
    stage.earn("A1", 1000)
    change(stage)

    assert [lot.expires_at for lot in stage.holding().lots] == [day_end(stage.time, 2)]


def test_points_are_spent_in_the_order_in_which_they_expire() -> None:
    stage = stage_with(RollingExpiry(30))
    stage.earn("A1", 100)
    change(stage)
    stage.wait(DAY_MS)
    stage.earn("A2", 200)
    change(stage, RollingExpiry(5))
    stage.earn("A3", 300)

    stage.give_away(35)

    assert [lot.points for lot in stage.holding(account=BO).lots] == [30, 5]
    assert [(lot.points, bool(lot.expires_at)) for lot in stage.holding().lots] == [(5, True), (20, False)]


def test_a_gift_keeps_the_date_and_expires_with_whoever_has_it() -> None:
    stage = stage_with(RollingExpiry(3))
    stage.earn("A1", 1000)
    stage.wait(2 * DAY_MS)
    end = stage.earned("A1").expires_at
    stage.give_away(30)

    effects = told(stage.wait(end - stage.time), PointsExpired)

    assert {(effect.account, effect.points) for effect in effects if isinstance(effect, PointsExpired)} == {
        (ANN, 70),
        (BO, 30),
    }
    assert stage.holding(account=BO) == EMPTY_HOLDING, "what was received is not remembered for refunds"


# Sliding.


def test_an_earn_lets_what_slides_live_on() -> None:
    stage = stage_with(SlidingExpiry(10))
    stage.earn("A1", 1000)
    stage.wait(9 * DAY_MS)
    stage.earn("A2", 10)

    assert [lot.expires_at for lot in stage.holding().lots] == [day_end(stage.time, 10)] * 2
    assert told(stage.wait(9 * DAY_MS), PointsExpired) == []
    assert told(stage.wait(2 * DAY_MS), PointsExpired) == [
        PointsExpired(ANN, CONSUMER, 101, stage.earned("A2").expires_at, 0, 0)
    ]


def test_a_refund_takes_what_slides_from_the_points_of_its_own_order() -> None:
    stage = stage_with(SlidingExpiry(10))
    stage.earn("A1", 1000)
    stage.wait(2 * DAY_MS)
    stage.earn("A2", 500)
    older, younger = stage.holding().lots
    assert (older.points, younger.points, older.expires_at) == (100, 50, younger.expires_at)

    stage.take(RefundOrder(stage.time, stage.nonce(), "mall", "A2", "r1", 500), "mall till")

    assert stage.holding().lots == (older,)


def test_neither_spending_nor_receiving_nor_a_purchase_without_points_lets_anything_live_on() -> None:
    stage = stage_with(SlidingExpiry(10))
    stage.earn("A1", 1000)
    end = stage.earned("A1").expires_at
    stage.wait(5 * DAY_MS)
    stage.give_away(10)
    body = TransferPoints(stage.time, stage.nonce(), BO, ANN, CONSUMER, 5, b"")
    stage.take(body, "bo")
    stage.earn("A2", 9)

    assert {lot.expires_at for lot in (*stage.holding().lots, *stage.holding(account=BO).lots)} == {end}


def test_what_was_received_does_not_slide_for_whoever_earns_often() -> None:
    """I9: passing points round resets nothing."""
    stage = stage_with(SlidingExpiry(10))
    stage.earn("A1", 1000)
    end = stage.earned("A1").expires_at
    stage.give_away(100)
    stage.wait(5 * DAY_MS)
    body = EarnPoints(stage.time, stage.nonce(), "mall", "B1", BO, CONSUMER, 100, 7)
    stage.take(body, "mall till")
    back = TransferPoints(stage.time, stage.nonce(), BO, ANN, CONSUMER, 60, b"")
    stage.take(back, "bo")
    stage.earn("A2", 10)

    received = [lot for lot in (*stage.holding().lots, *stage.holding(account=BO).lots) if lot.origin is not EARNED]
    assert {(lot.expires_at, lot.renewal_days) for lot in received} == {(end, 0)}
    assert sum(lot.points for lot in received) == 100


def test_what_has_reached_its_date_is_not_revived_while_the_agenda_lags() -> None:
    stage = stage_with(SlidingExpiry(3))
    stage.earn("A1", 1000)
    end = stage.earned("A1").expires_at
    stage.time = end
    stage.earn("A2", 10)

    assert told(stage.wait(0), PointsExpired) == [PointsExpired(ANN, CONSUMER, 100, end, 1, 0)]


def test_points_slide_by_the_terms_they_were_earned_under() -> None:
    stage = stage_with(SlidingExpiry(10))
    stage.earn("A1", 1000)
    change(stage, RollingExpiry(2))
    stage.wait(5 * DAY_MS)
    stage.earn("A2", 10)

    assert sorted(lot.expires_at for lot in stage.holding().lots) == [day_end(stage.time, 2), day_end(stage.time, 10)]


# Announcements.


def test_an_expiry_is_announced_thirty_seven_and_one_days_before() -> None:
    stage = stage_with(RollingExpiry(40))
    stage.earn("A1", 1000)
    end = stage.earned("A1").expires_at

    found = []
    for _ in range(42):
        found += told(stage.wait(DAY_MS), ExpiryAnnounced)

    assert found == [ExpiryAnnounced(ANN, CONSUMER, 100, end, days) for days in (30, 7, 1)]


def test_of_moments_that_were_missed_only_the_last_is_announced() -> None:
    stage = stage_with(RollingExpiry(40))
    stage.earn("A1", 1000)
    end = stage.earned("A1").expires_at

    assert stage.wait(end - 5 * DAY_MS - stage.time) == [ExpiryAnnounced(ANN, CONSUMER, 100, end, 7)]
    assert stage.wait(4 * DAY_MS - 1) == []
    assert stage.wait(1) == [ExpiryAnnounced(ANN, CONSUMER, 100, end, 1)]


def test_moments_before_points_came_are_not_announced() -> None:
    stage = stage_with(RollingExpiry(40))
    stage.earn("A1", 1000)
    stage.wait(stage.earned("A1").expires_at - 8 * DAY_MS - stage.time)
    stage.give_away(10)

    effects = told(stage.wait(DAY_MS), ExpiryAnnounced)

    assert {
        (effect.account, effect.points, effect.days) for effect in effects if isinstance(effect, ExpiryAnnounced)
    } == {
        (ANN, 90, 7),
        (BO, 10, 7),
    }


def test_what_was_spent_is_not_announced() -> None:
    stage = stage_with(RollingExpiry(3))
    stage.earn("A1", 1000)
    stage.give_away(100)

    effects = stage.wait(3 * DAY_MS)

    assert [effect.account for effect in effects if isinstance(effect, ExpiryAnnounced)] == [BO]


# Pending points.


def test_pending_points_become_available_at_the_end_of_their_last_day() -> None:
    stage = stage_with(pending=AvailableAfterDays(7))
    stage.earn("A1", 1000)
    start = day_end(stage.time, 7)

    assert (stage.holding().available, stage.holding().pending) == (0, 100)
    assert stage.earned("A1").available_from == start
    body = TransferPoints(stage.time, stage.nonce(), ANN, BO, CONSUMER, 1, b"")
    assert stage.take(body, "ann") is Rejection.INSUFFICIENT_POINTS
    assert stage.wait(start - 1 - stage.time) == []
    assert stage.wait(1) == [PointsActivated(ANN, CONSUMER, 100, 0, 100, 0)]
    assert stage.holding().lots == (Lot(100, EARNED, start, 0),)


def test_points_wait_for_the_confirmation_of_their_order_and_only_for_that() -> None:
    stage = stage_with(pending=AvailableOnConfirmation())
    stage.earn("A1", 1000)
    stage.earn("A2", 500)
    day = day_start(stage.time)

    assert stage.wait(100 * DAY_MS) == []
    assert stage.earned("A1").available_from == 0
    assert stage.confirm("A1") == PointsActivated(ANN, CONSUMER, 100, 0, 100, 50, "mall", "A1")
    assert stage.holding().lots == (Lot(100, EARNED, day, 0),)
    assert stage.confirm("A1") is Rejection.ORDER_NOT_PENDING


def test_what_is_left_of_a_refunded_order_is_confirmed() -> None:
    stage = stage_with(pending=AvailableOnConfirmation())
    stage.earn("A1", 1000)
    assert stage.refund("A1", "R1", 400).pending_after == 60

    confirmed = stage.confirm("A1")

    assert isinstance(confirmed, PointsActivated)
    assert confirmed.points == 60


def test_an_order_that_was_refunded_or_has_expired_cannot_be_confirmed() -> None:
    stage = stage_with(RollingExpiry(3), AvailableOnConfirmation())
    stage.earn("A1", 1000)
    stage.earn("A2", 500)
    stage.refund("A1", "R1", 1000)
    assert stage.confirm("A1") is Rejection.ORDER_NOT_PENDING

    assert told(stage.wait(4 * DAY_MS), PointsExpired) == [
        PointsExpired(ANN, CONSUMER, 50, stage.earned("A2").expires_at, 0, 0)
    ]
    assert stage.confirm("A2") is Rejection.ORDER_NOT_PENDING


@pytest.mark.parametrize("pending", [AvailableAfterDays(1), AvailableOnConfirmation()])
def test_pending_points_repay_a_debt_when_they_become_available(pending: Pending) -> None:
    stage = PointStage()
    stage.earn("A1", 1000)
    stage.give_away(100)
    stage.refund("A1", "R1", 1000)
    change(stage, pending=pending)

    assert stage.earn("A2", 1500).debt_repaid == 0
    effects: list[AnyEffect | Rejection] = [*stage.wait(2 * DAY_MS)]
    if isinstance(pending, AvailableOnConfirmation):
        effects.append(stage.confirm("A2"))

    [effect] = effects
    assert isinstance(effect, PointsActivated)
    assert (effect.points, effect.debt_repaid, effect.available_after) == (150, 100, 50)
    assert (stage.debt(), stage.supply().burned) == (0, 100)


def test_a_refund_takes_its_own_order_s_pending_points_and_no_others() -> None:
    stage = stage_with(pending=AvailableAfterDays(7))
    stage.earn("A1", 1000)
    stage.wait(DAY_MS)
    stage.earn("A2", 500)

    taken = stage.refund("A1", "R1", 1000)

    assert (taken.points, taken.debt_after, taken.pending_after) == (100, 0, 50)
    assert [lot.available_from for lot in stage.holding().pending_lots] == [stage.earned("A2").available_from]


# Refunds and lots.


def test_x3_a_refund_takes_the_lot_that_the_order_gave_and_leaves_the_others_their_dates() -> None:
    """X3: expiry dates after a refund are those from before."""
    stage = stage_with(RollingExpiry(30))
    stage.earn("A1", 1000)
    stage.wait(DAY_MS)
    stage.earn("A2", 500)
    before = stage.holding().lots

    stage.refund("A2", "R1", 500)

    assert stage.holding().lots == before[:1]


def test_a_refund_takes_from_other_lots_what_is_spent_of_its_own() -> None:
    stage = stage_with(RollingExpiry(30))
    stage.earn("A1", 1000)
    stage.wait(DAY_MS)
    stage.earn("A2", 500)
    stage.give_away(80)

    assert stage.refund("A1", "R1", 1000).debt_after == 30
    assert stage.holding().available == 0


def test_points_that_expired_unspent_are_not_asked_for_again() -> None:
    stage = stage_with(RollingExpiry(3))
    stage.earn("A1", 1000)
    stage.give_away(40)
    stage.wait(4 * DAY_MS)
    change(stage)
    stage.earn("A2", 500)

    taken = stage.refund("A1", "R1", 1000)

    assert (taken.points, taken.lapsed, taken.available_after, taken.debt_after) == (100, 60, 10, 0)
    assert stage.refund("A2", "R2", 500).lapsed == 0


def test_what_lapsed_is_forgiven_once_over_all_orders_of_the_day() -> None:
    stage = stage_with(RollingExpiry(3))
    stage.earn("A1", 500)
    stage.earn("A2", 500)
    stage.give_away(60)
    stage.wait(4 * DAY_MS)

    first, second = stage.refund("A1", "R1", 500), stage.refund("A2", "R2", 500)

    assert (first.lapsed, first.debt_after) == (40, 10)
    assert (second.lapsed, second.debt_after) == (0, 60)


def test_what_lapsed_is_forgotten_after_a_year_and_an_empty_holding_with_it() -> None:
    stage = stage_with(RollingExpiry(3))
    stage.earn("A1", 1000)
    end = stage.earned("A1").expires_at
    stage.wait(end - stage.time)
    key = holding_key(ANN, CONSUMER)
    assert stage.holding().lapsed == (Lot(100, EARNED, day_start(end - 4 * DAY_MS), end),)

    assert stage.wait(LAPSED_KEPT_MS - 1) == []
    assert stage.state.get(key) is not None
    assert stage.wait(1) == []
    assert stage.state.get(key) is None
    assert stage.refund("A1", "R1", 1000).debt_after == 100


def test_a_holding_of_nothing_leaves_no_record_and_nothing_in_the_agenda() -> None:
    stage = stage_with(RollingExpiry(3))
    stage.earn("A1", 1000)
    stage.give_away(100)

    assert stage.state.get(holding_key(ANN, CONSUMER)) is None
    [(name, _)] = stage.state.range(AGENDA, after_prefix(AGENDA), 10)
    assert name[9:] == holding_key(BO, CONSUMER)


# The agenda.


def test_work_that_does_not_fit_a_block_is_done_first_in_the_next() -> None:
    with patch.object(agenda, "AGENDA_MAX", 2):
        stage = stage_with(RollingExpiry(3))
        accounts = []
        for number in range(5):
            name = f"member {number}"
            accounts.append(account_of(key_of(name)))
            stage.register(name)
            stage.earn(f"A{number}", 1000, account=accounts[-1])
        end = stage.earned("A0").expires_at

        parts = [stage.wait(end - stage.time), stage.wait(0), stage.wait(0), stage.wait(0)]

    owners = [[effect.account for effect in part if isinstance(effect, PointsExpired)] for part in parts]
    assert [len(part) for part in owners] == [2, 2, 1, 0]
    assert [owner for part in owners for owner in part] == sorted(accounts)


def test_what_has_been_due_longest_comes_first() -> None:
    with patch.object(agenda, "AGENDA_MAX", 1):
        stage = stage_with(RollingExpiry(3))
        stage.earn("A1", 1000, account=BO)
        stage.wait(DAY_MS)
        stage.earn("A2", 1000)

        first, second = stage.wait(30 * DAY_MS), stage.wait(0)

    assert [effect.account for effect in (*first, *second) if isinstance(effect, PointsExpired)] == [BO, ANN]


def test_marks_of_expired_transactions_are_forgotten_some_each_block() -> None:
    with patch.object(agenda, "MARKS_MAX", 3):
        stage = PointStage()
        for number in range(5):
            stage.earn(f"A{number}", 10)
        marks = len(stage.state.range(MARK, after_prefix(MARK), 100))
        counts = []
        for step in (0, 1, 0, 0):
            stage.wait(step)
            counts.append(len(stage.state.range(MARK, after_prefix(MARK), 100)))

    assert marks == 7, "two registrations, five purchases"
    assert counts == [7, 4, 1, 0], "the last moment of a transaction's life is its expiry"
