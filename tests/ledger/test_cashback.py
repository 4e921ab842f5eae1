"""Cash back: off by default, for self-earned points only, and an issuer that does not pay is seen."""

from typing import Final

import pytest

from jifen.ledger.cashback.effects import CashbackConfirmed, CashbackOverdue, CashbackRejected, CashbackRequested
from jifen.ledger.cashback.records import CashbackStatus, day_and_month_of
from jifen.ledger.dates import DAY_MS, day_of_date
from jifen.ledger.points.positions import Rate
from jifen.ledger.rejections import Rejection
from jifen.ledger.terms.effects import PointsExpired
from jifen.ledger.terms.records import RollingExpiry
from jifen.ledger.transactions import TransferPoints
from jifen.ledger.types import LotOrigin
from jifen.testing.naive.scene import START, account_of, key_of
from jifen.testing.scenes.reward_stage import ANN, CONSUMER, TEN_FOR_ONE, RewardStage, one

BO: Final = account_of(key_of("bo"))
MIDNIGHT: Final = START // DAY_MS * DAY_MS + DAY_MS - START
"""Time from the start of the stage to the end of its first day, in UTC, which is the mall's."""


@pytest.fixture
def stage() -> RewardStage:
    """Return a stage on which Ann has earned 1,000 of the mall's points and the mall pays for them."""
    made = RewardStage()
    made.points.earn("A1", 10_000)
    made.pay()
    return made


def test_f3d_nothing_is_paid_before_the_terms_and_a_policy_say_so() -> None:
    stage = RewardStage()
    stage.points.earn("A1", 10_000)
    assert stage.ask(100, 10) is Rejection.NOT_CASHABLE, "the terms allow it, but there is no policy"
    stage.pay()
    stage.say(CONSUMER, cashable=False)
    assert stage.ask(100, 10) is Rejection.NOT_CASHABLE
    stage.say(CONSUMER, cashable=True)
    assert not isinstance(stage.ask(100, 10), Rejection)


def test_f3d_received_points_are_never_cashed_however_they_are_mixed_with_earned_ones(stage: RewardStage) -> None:
    stage.points.earn("B1", 500, account=BO)
    stage.points.give_away(600)
    assert stage.points.holding(account=BO).available == 650
    assert stage.ask(51, 5, "bo") is Rejection.NOT_SELF_EARNED
    one(stage.ask(50, 5, "bo"), CashbackRequested)
    assert [lot.origin for lot in stage.cashback().lots] == [LotOrigin.EARNED]
    assert {lot.origin for lot in stage.points.holding(account=BO).lots} == {LotOrigin.TRANSFERRED}
    assert stage.ask(10, 1, "bo") is Rejection.NOT_SELF_EARNED


def test_f3d_earned_points_that_were_given_away_and_back_are_received_ones(stage: RewardStage) -> None:
    stage.points.give_away(1000)
    back = TransferPoints(stage.points.time, stage.points.nonce(), BO, ANN, CONSUMER, 1000, b"")
    stage.points.effects_of(back, "bo")
    assert stage.ask(10, 1) is Rejection.NOT_SELF_EARNED


def test_f3d_points_are_held_until_the_issuer_has_paid_and_then_burned(stage: RewardStage) -> None:
    effect = one(stage.ask(105, 10), CashbackRequested)
    assert (effect.amount_fen, effect.available_after) == (10, 895), "10.5 fen are 10"
    assert (stage.points.holding().held, stage.points.supply().burned) == (105, 0)
    paid = one(stage.confirm(), CashbackConfirmed)
    assert (paid.amount_fen, paid.overdue) == (10, False)
    assert (stage.points.holding().held, stage.points.supply().burned) == (0, 105)
    assert stage.confirm() is stage.reject() is Rejection.CASHBACK_NOT_OPEN


def test_f3d_a_rejected_request_gives_the_same_lots_back_and_counts_against_no_cap(stage: RewardStage) -> None:
    stage.say(CONSUMER, expiry=RollingExpiry(40))
    stage.points.wait(MIDNIGHT)
    stage.points.earn("A2", 1_000)
    before = stage.points.holding()
    one(stage.ask(200, 20), CashbackRequested)
    assert stage.ask(10, 1) is Rejection.CASHBACK_CAP_REACHED
    one(stage.reject(), CashbackRejected)
    assert stage.points.holding() == before
    assert not isinstance(stage.ask(200, 20), Rejection)


def test_f3d_what_comes_back_past_its_date_is_gone(stage: RewardStage) -> None:
    stage.say(CONSUMER, expiry=RollingExpiry(2))
    stage.points.earn("A2", 1_000)
    stage.ask(100, 10)
    stage.points.wait(4 * DAY_MS)
    effects = stage.reject()
    assert not isinstance(effects, Rejection)
    assert [type(effect) for effect in effects] == [CashbackRejected, PointsExpired]


def test_f3d_an_unpaid_request_shows_as_overdue_when_its_days_are_over_and_can_still_be_paid(
    stage: RewardStage,
) -> None:
    stage.ask(100, 10)
    assert stage.points.wait(3 * DAY_MS - 1) == []
    [told] = stage.points.wait(1)
    assert isinstance(told, CashbackOverdue)
    assert (told.number, told.amount_fen, told.due_at) == (1, 10, stage.points.time)
    assert stage.cashback().overdue
    assert stage.points.wait(100 * DAY_MS) == [], "it is told once"
    assert one(stage.confirm(), CashbackConfirmed).overdue
    assert (stage.cashback().status, stage.cashback().overdue) == (CashbackStatus.PAID, True)


def test_f3d_a_request_that_was_answered_in_time_is_never_overdue(stage: RewardStage) -> None:
    stage.ask(100, 10)
    stage.ask(20, 2)
    stage.confirm(1)
    stage.reject(2)
    assert stage.points.wait(400 * DAY_MS) == []


def test_f3d_caps_hold_for_a_member_for_the_issuer_s_day_and_month(stage: RewardStage) -> None:
    stage.points.earn("B1", 10_000, account=BO)
    assert stage.ask(201, 20) is Rejection.CASHBACK_CAP_REACHED
    one(stage.ask(150, 15), CashbackRequested)
    assert stage.ask(51, 5) is Rejection.CASHBACK_CAP_REACHED
    one(stage.ask(50, 5), CashbackRequested)
    one(stage.ask(200, 20, "bo"), CashbackRequested)
    stage.points.wait(MIDNIGHT - 1)
    assert stage.ask(10, 1) is Rejection.CASHBACK_CAP_REACHED
    stage.points.wait(1)
    assert stage.ask(101, 10) is Rejection.CASHBACK_CAP_REACHED, "of the month"
    one(stage.ask(100, 10), CashbackRequested)
    stage.points.wait(31 * DAY_MS)
    one(stage.ask(200, 20), CashbackRequested)


def test_f3d_a_rejection_of_an_earlier_day_frees_nothing_today(stage: RewardStage) -> None:
    stage.ask(200, 20)
    stage.points.wait(MIDNIGHT)
    one(stage.ask(100, 10), CashbackRequested)
    stage.reject(1)
    assert stage.ask(101, 10) is Rejection.CASHBACK_CAP_REACHED
    one(stage.ask(100, 10), CashbackRequested)


def test_f3d_the_day_is_the_issuer_s_own() -> None:
    midnight = day_of_date(2027, 1, 1) * DAY_MS
    assert day_and_month_of(midnight - 1, 0) == (day_of_date(2026, 12, 31), 2026 * 12 + 11)
    assert day_and_month_of(midnight - 1, 480) == (day_of_date(2027, 1, 1), 2027 * 12)
    assert day_and_month_of(midnight, -90) == (day_of_date(2026, 12, 31), 2026 * 12 + 11)


def test_f3d_the_member_is_paid_what_he_has_seen_or_asks_for_nothing(stage: RewardStage) -> None:
    stage.pay(Rate(20, 1))
    assert stage.ask(100, 10) is Rejection.CASHBACK_PRICE_WRONG
    one(stage.ask(100, 5), CashbackRequested)
    stage.pay(TEN_FOR_ONE)
    assert one(stage.confirm(), CashbackConfirmed).amount_fen == 5, "what was asked for stays as it was"


def test_f3d_a_policy_above_the_settlement_price_pays_nothing_any_more(stage: RewardStage) -> None:
    stage.say(CONSUMER, settlement_points=11)
    assert stage.ask(100, 10) is Rejection.NOT_CASHABLE
    stage.pay(Rate(11, 1))
    one(stage.ask(99, 9), CashbackRequested)


def test_f3d_an_issuer_stops_paying_by_a_cap_of_nothing(stage: RewardStage) -> None:
    stage.ask(100, 10)
    stage.pay(day_points=0)
    assert stage.ask(10, 1) is Rejection.CASHBACK_CAP_REACHED
    assert not isinstance(stage.confirm(), Rejection), "what was asked for before is paid"


def test_f3d_a_refund_after_the_cash_was_paid_leaves_a_debt(stage: RewardStage) -> None:
    stage.ask(200, 20)
    stage.confirm()
    stage.points.refund("A1", "R1", 10_000)
    assert (stage.points.holding().available, stage.points.debt()) == (0, 200)


def test_f3d_points_worth_less_than_a_fen_are_not_paid_for(stage: RewardStage) -> None:
    stage.pay(minimum_points=0)
    assert stage.ask(9, 1) is Rejection.CASHBACK_PRICE_WRONG


def test_f3d_the_smallest_request_may_be_all_that_a_day_and_a_member_have() -> None:
    stage = RewardStage()
    stage.points.earn("A1", 1_000)
    stage.pay(minimum_points=100, day_points=100, month_points=100)

    assert stage.ask(99, 9) is Rejection.CASHBACK_TOO_SMALL
    one(stage.ask(100, 10), CashbackRequested)
    assert stage.points.holding().available == 0
