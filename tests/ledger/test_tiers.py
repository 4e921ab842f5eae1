"""Tiers: who rises, when, by what; who falls, and when; who is recognised where."""

from typing import Final
from unittest.mock import patch

import pytest

from jifen.ledger import agenda
from jifen.ledger.dates import DAY_MS, day_end
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.state import AGENDA, after_prefix
from jifen.ledger.tiers.effects import PointsQualified, TierAtRisk, TierChange, TierChanged
from jifen.ledger.tiers.qualifying import period_end_of, qualify
from jifen.ledger.tiers.records import (
    TIERS_MAX,
    CalendarPeriod,
    Downgrade,
    RecognisedTier,
    RollingPeriod,
    Tier,
)
from jifen.ledger.transactions import RegisterMember, TransferPoints
from jifen.testing.naive.scene import account_of, key_of
from jifen.testing.scenes.point_stage import ANN, BO, CONSUMER
from jifen.testing.scenes.tier_stage import GOLD, PEAK, SILVER, TierStage, ladder

UPGRADED, DOWNGRADED, PROLONGED = TierChange
HALF_YEAR: Final = 183


def changes(effects: list[AnyEffect]) -> list[tuple[TierChange, str, str]]:
    """Return what became of tiers."""
    return [(effect.change, effect.before, effect.tier) for effect in effects if isinstance(effect, TierChanged)]


# F13: what the requirement asks for, line by line.


def test_f13_an_earn_over_the_threshold_raises_the_tier_in_the_same_block() -> None:
    stage = TierStage()
    assert changes(stage.buy("A1", 99)) == [(UPGRADED, "", "silver")]

    effects = stage.buy("A2", 1)

    assert effects[1:] == [
        PointsQualified("mall", ANN, 1, 100, "gold", 100),
        TierChanged("mall", ANN, UPGRADED, "silver", "gold", 100, 1, stage.points.time),
    ]
    assert stage.tier() == "gold"
    assert stage.member().height == stage.points.context.height


def test_f13_spending_everything_leaves_the_tier() -> None:
    stage = TierStage()
    stage.buy("A1", 100)

    stage.points.give_away(100)

    assert stage.points.holding().available == 0
    assert stage.tier() == "gold"
    assert stage.member().points == 100
    stage.days(9)
    assert stage.tier() == "gold"


def test_f13_a_refund_lets_the_tier_fall_when_it_is_judged_and_not_before() -> None:
    stage = TierStage()
    stage.buy("A1", 100)

    assert changes(stage.give_back("A1", 70)) == []
    assert stage.tier() == "gold"
    assert stage.member().points == 30

    assert changes(stage.days(9)) == []
    assert changes(stage.days(1)) == [(DOWNGRADED, "gold", "")]
    assert stage.tier() == ""


def test_f13_the_transfers_of_five_friends_raise_nobody() -> None:
    stage = TierStage()
    points = stage.points
    for number in range(5):
        friend = f"friend {number}"
        points.take(RegisterMember(points.time, points.nonce(), key_of(friend)), friend)
        account = account_of(key_of(friend))
        stage.buy(f"A{number}", 30, account)
        gift = TransferPoints(points.time, points.nonce(), account, BO, CONSUMER, 30, b"")
        points.take(gift, friend)

    assert points.holding(account=BO).available == 150
    assert stage.tier(account=BO) == ""
    assert stage.member(BO).points == 0


def test_f13_points_for_other_roles_count_for_no_tier() -> None:
    stage = TierStage()

    effects = stage.buy("A1", 1000, point_type="mall/guide")

    assert len(effects) == 1
    assert stage.tier() == ""


# Rising.


def test_one_purchase_can_pass_several_thresholds_at_once() -> None:
    stage = TierStage()

    assert changes(stage.buy("A1", 700)) == [(UPGRADED, "", "peak")]


def test_a_purchase_without_points_qualifies_for_nothing() -> None:
    stage = TierStage()

    assert len(stage.buy("A1", 0)) == 1
    assert stage.member().lifetime == 0


def test_where_there_are_no_tiers_a_purchase_looks_for_them_once_and_writes_nothing() -> None:
    stage = TierStage(owner="books")
    state = stage.points.state
    with patch.object(state, "get", wraps=state.get) as looked:
        assert qualify(state, "mall", ANN, 50, stage.points.context) == ()

    assert looked.call_count == 1
    assert stage.tier() == ""


def test_refunds_of_a_purchase_that_gave_no_tier_take_back_what_it_counted_and_no_more() -> None:
    stage = TierStage()
    stage.buy("A1", 30)
    stage.days(11)
    stage.buy("A2", 5)

    stage.give_back("A1", 30)

    assert stage.member().points == 0  # not -25: who has no tier to lose owes nothing
    assert stage.member().lifetime == 5


def test_a_tier_cannot_be_bought_and_given_back_after_its_period() -> None:
    stage = TierStage()
    stage.buy("A1", 100)
    assert changes(stage.days(10)) == [(PROLONGED, "gold", "gold")]

    stage.give_back("A1", 100)
    stage.buy("A2", 60)

    assert stage.member().points == -40
    assert changes(stage.days(10)) == [(DOWNGRADED, "gold", "")]


def test_a_refund_of_an_order_from_before_there_were_tiers_takes_nothing_that_it_never_counted() -> None:
    stage = TierStage(owner="books")
    stage.buy("old", 90)
    stage.publish(ladder())
    stage.buy("new", 120)

    assert len(stage.give_back("old", 90)) == 1

    assert stage.member().points == stage.member().lifetime == 120
    assert changes(stage.days(10)) == [(PROLONGED, "gold", "gold")]
    assert stage.give_back("new", 120)[1:] == [PointsQualified("mall", ANN, -120, -120, "gold", 0)]


# Being judged.


def test_a_tier_that_is_reached_again_is_prolonged() -> None:
    stage = TierStage()
    stage.buy("A1", 100)

    assert changes(stage.days(10)) == [(PROLONGED, "gold", "gold")]
    stage.buy("A2", 120)
    assert changes(stage.days(10)) == [(PROLONGED, "gold", "gold")]
    assert changes(stage.days(10)) == [(DOWNGRADED, "gold", "")]
    assert stage.member().lifetime == 220


def test_falling_one_down_takes_a_period_for_each_tier() -> None:
    stage = TierStage(ladder(downgrade=Downgrade.ONE_DOWN))
    stage.buy("A1", 500)
    stage.days(10)

    assert [changes(stage.days(10)) for _ in range(4)] == [
        [(DOWNGRADED, "peak", "gold")],
        [(DOWNGRADED, "gold", "silver")],
        [(DOWNGRADED, "silver", "")],
        [],
    ]


def test_by_balance_a_tier_falls_to_what_the_points_reach() -> None:
    stage = TierStage()
    stage.buy("A1", 500)
    stage.days(10)
    stage.buy("A2", 50)

    assert changes(stage.days(10)) == [(DOWNGRADED, "peak", "silver")]


def test_a_tier_that_never_falls_stays_for_years() -> None:
    stage = TierStage(ladder(downgrade=Downgrade.NEVER))
    stage.buy("A1", 100)

    effects = stage.days(3000)

    assert changes(effects) == [(PROLONGED, "gold", "gold")]
    assert stage.tier() == "gold"


def test_a_tier_that_never_falls_cannot_be_bought_and_given_back() -> None:
    for late in (False, True):
        stage = TierStage(ladder(downgrade=Downgrade.NEVER))
        stage.buy("A1", 60)
        stage.buy("A2", 440)
        if late:
            assert changes(stage.days(10)) == [(PROLONGED, "peak", "peak")]
        stage.give_back("A2", 440)
        assert stage.tier() == "peak"

        assert changes(stage.days(10)) == [(DOWNGRADED, "peak", "silver")]
        assert changes(stage.days(10)) == [(PROLONGED, "silver", "silver")]
        stage.give_back("A1", 60)
        assert changes(stage.days(10)) == [(DOWNGRADED, "silver", "")]


def test_a_tier_that_never_falls_stays_when_its_threshold_rises_or_a_little_is_given_back() -> None:
    stage = TierStage(ladder(downgrade=Downgrade.NEVER))
    stage.buy("A1", 150)
    stage.publish(ladder(2, downgrade=Downgrade.NEVER, tiers=(SILVER, Tier("gold", "Gold", 400), PEAK)))
    stage.give_back("A1", 50)

    assert changes(stage.days(10)) == [(PROLONGED, "gold", "gold")]
    stage.give_back("A1", 1)
    assert changes(stage.days(10)) == [(DOWNGRADED, "gold", "silver")]


def test_no_more_than_two_steps_a_tier_are_taken_however_long_no_block_was_made() -> None:
    stage = TierStage(ladder(period=RollingPeriod(1), downgrade=Downgrade.ONE_DOWN, grace_days=1))
    stage.buy("A1", 500)

    effects = stage.days(36_500)

    assert len(effects) == 1 + 2 * 3
    assert stage.tier() == ""
    assert stage.points.state.range(AGENDA, after_prefix(AGENDA), 10) == []


def test_a_grace_gives_time_to_buy_what_is_missing() -> None:
    stage = TierStage(ladder(grace_days=3))
    stage.buy("A1", 100)
    stage.days(10)
    stage.buy("A2", 70)
    end = stage.member().period_end

    assert stage.days(10) == [TierAtRisk("mall", ANN, "gold", 70, 30, end + 3 * DAY_MS)]
    assert stage.tier() == "gold"
    stage.buy("A3", 30)
    assert changes(stage.days(3)) == [(PROLONGED, "gold", "gold")]
    assert stage.member().points == 30  # what was bought in the grace counts for the running period too


def test_a_grace_that_passes_unused_ends_in_the_fall() -> None:
    stage = TierStage(ladder(grace_days=3))
    stage.buy("A1", 100)
    stage.days(10)
    stage.buy("A2", 70)
    stage.days(10)
    stage.buy("A3", 29)

    assert changes(stage.days(2)) == []
    assert changes(stage.days(1)) == [(DOWNGRADED, "gold", "silver")]


def test_a_refund_in_the_grace_counts_against_it() -> None:
    stage = TierStage(ladder(grace_days=3))
    stage.buy("A1", 100)
    stage.give_back("A1", 20)
    stage.days(10)
    stage.buy("A2", 20)
    stage.give_back("A2", 1)

    assert changes(stage.days(3)) == [(DOWNGRADED, "gold", "silver")]


def test_who_gives_everything_back_in_the_grace_falls_and_owes_nothing_without_a_tier() -> None:
    stage = TierStage(ladder(grace_days=3))
    stage.buy("A1", 100)
    stage.days(10)
    stage.days(10)
    stage.give_back("A1", 100)

    assert changes(stage.days(3)) == [(DOWNGRADED, "gold", "")]
    assert stage.member().points == 0


def test_rising_ends_a_grace() -> None:
    stage = TierStage(ladder(grace_days=5))
    stage.buy("A1", 100)
    stage.days(20)

    assert changes(stage.buy("A2", 500)) == [(UPGRADED, "gold", "peak")]
    assert stage.member().grace_until == 0
    assert changes(stage.days(5)) == []


def test_a_grace_ends_with_the_next_period_at_the_latest() -> None:
    stage = TierStage(ladder(grace_days=300))
    stage.buy("A1", 100)
    stage.days(20)
    member = stage.member()

    assert member.grace_until == member.period_end
    assert changes(stage.days(10)) == [(DOWNGRADED, "gold", "")]


def test_calendar_years_and_months_end_at_local_midnight() -> None:
    yearly, monthly = ladder(period=CalendarPeriod()), ladder(period=CalendarPeriod(monthly=True))
    new_year = 1_798_732_800_000  # 2027-01-01T00:00:00+08:00

    assert period_end_of(yearly, new_year - 1) == new_year
    assert period_end_of(yearly, new_year) == new_year + 365 * DAY_MS
    assert period_end_of(monthly, new_year - 1) == new_year
    assert period_end_of(monthly, new_year) == new_year + 31 * DAY_MS


def test_a_rolling_period_is_so_many_local_days_from_the_purchase_on() -> None:
    stage = TierStage()
    stage.buy("A1", 1)

    assert stage.member().period_end == day_end(stage.points.time, 9, 480)


def test_who_comes_back_after_a_period_begins_a_new_one() -> None:
    stage = TierStage()
    stage.buy("A1", 39)
    stage.days(10)

    assert changes(stage.buy("A2", 39)) == []
    assert stage.member().points == 39
    assert stage.member().lifetime == 78


def test_a_purchase_before_the_agenda_has_come_to_its_membership_is_judged_first() -> None:
    stage = TierStage()
    stage.buy("A1", 100)
    stage.days(10)
    stage.points.state.end_block()
    stage.points.time += 10 * DAY_MS
    stage.points.state.begin_block()

    effects = stage.buy("A2", 45)

    assert changes(effects) == [(DOWNGRADED, "gold", ""), (UPGRADED, "", "silver")]
    stage.points.check()


def test_a_crowd_whose_year_ends_at_once_is_judged_over_several_blocks() -> None:
    stage = TierStage(ladder(period=CalendarPeriod()))
    points = stage.points
    for number in range(7):
        points.register(f"member {number}")
        stage.buy(f"A{number}", 100, account_of(key_of(f"member {number}")))
    with patch.object(agenda, "AGENDA_MAX", 3):
        judged = [len(changes(stage.days(days))) for days in (400, 0, 0, 0)]

    assert judged == [3, 3, 1, 0]


# New versions.


def test_nobody_falls_by_a_new_version_before_being_judged() -> None:
    stage = TierStage()
    stage.buy("A1", 100)

    stage.publish(ladder(2, tiers=(SILVER, Tier("gold", "Gold", 1000), Tier("peak", "Peak", 2000))))

    assert stage.tier() == "gold"
    assert changes(stage.days(10)) == [(DOWNGRADED, "gold", "silver")]


def test_lower_thresholds_raise_with_the_next_purchase_or_when_judged() -> None:
    stage = TierStage()
    stage.buy("A1", 80)
    stage.buy("B1", 80, BO)
    stage.publish(ladder(2, tiers=(SILVER, Tier("gold", "Gold", 70), PEAK)))
    assert stage.tier() == "silver"

    assert changes(stage.buy("A2", 1)) == [(UPGRADED, "silver", "gold")]
    assert sorted(changes(stage.days(10))) == [(UPGRADED, "silver", "gold"), (PROLONGED, "gold", "gold")]


def test_new_periods_judge_nobody_by_the_rest_of_a_year() -> None:
    stage = TierStage()
    stage.buy("A1", 100)
    stage.publish(ladder(2, period=CalendarPeriod()))

    stage.days(10)  # in October

    assert stage.member().period_end == 1_798_732_800_000 + 365 * DAY_MS


def test_a_programme_has_at_most_twenty_tiers() -> None:
    many = tuple(Tier(f"t{number}", "T", number + 1) for number in range(TIERS_MAX))
    stage = TierStage(ladder(tiers=many))

    assert changes(stage.buy("A1", 100)) == [(UPGRADED, "", "t19")]


# C8: recognition.


def recognising() -> TierStage:
    """Return a stage on which cafe and books recognise the mall's gold."""
    stage = TierStage()
    stage.publish(ladder(), "cafe")
    stage.publish(ladder(), "books")
    stage.recognise("cafe", RecognisedTier("mall", "gold", "silver"), RecognisedTier("mall", "peak", "gold"))
    stage.recognise("books", RecognisedTier("cafe", "silver", "gold"))
    return stage


def test_c8_gold_at_one_organization_is_a_tier_at_another_by_its_map() -> None:
    stage = recognising()
    assert stage.tier("cafe") == ""

    stage.buy("A1", 100)

    assert stage.tier("cafe") == "silver"
    assert stage.tier("cafe", BO) == ""


def test_c8_a_recognised_tier_is_recognised_by_nobody_else() -> None:
    stage = recognising()
    stage.buy("A1", 100)

    assert stage.tier("books") == ""


def test_c8_of_an_own_and_a_recognised_tier_the_better_counts() -> None:
    stage = TierStage()
    stage.publish(ladder(), "books")
    stage.buy("B1", 1, point_type="books/consumer")  # at a rate that reaches every tier
    stage.recognise("mall", RecognisedTier("books", "peak", "gold"))
    assert stage.tier() == "gold"

    stage.buy("A1", 500)

    assert stage.tier() == "peak"


def test_c8_recognition_ends_with_the_next_map_and_with_the_tier() -> None:
    stage = recognising()
    stage.buy("A1", 100)
    stage.days(20)
    assert stage.tier("cafe") == ""

    stage.buy("A2", 100)
    assert stage.tier("cafe") == "silver"
    stage.recognise("cafe", version=2)
    assert stage.tier("cafe") == ""


@pytest.mark.parametrize("organization", ["nobody", "attic", "books"])
def test_where_there_are_no_tiers_nobody_has_one(organization: str) -> None:
    assert TierStage().tier(organization) == ""


def test_gold_and_silver_are_worth_their_thresholds_and_not_a_point_less() -> None:
    stage = TierStage()

    stage.buy("A1", SILVER.threshold - 1)
    assert stage.tier() == ""
    stage.buy("A2", GOLD.threshold - SILVER.threshold)
    assert stage.tier() == "silver"
