"""Standing orders: what members have asked for happens after their purchases, and nothing more."""

from typing import Any, Final

import msgspec
import pytest

from jifen.ledger.dates import DAY_MS, day_end
from jifen.ledger.locks.bodies import LockAccount
from jifen.ledger.locks.records import LockReason
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.bodies import PublishReward
from jifen.ledger.rewards.effects import RewardRedeemed
from jifen.ledger.rewards.records import RewardDetails, RewardPrice
from jifen.ledger.rewards.standing_orders import (
    PER_DAY_MAX,
    AutoRedeemed,
    AutoRedemptionEnded,
    AutoRedemptionSet,
    CancelAutoRedemption,
    SetAutoRedemption,
)
from jifen.ledger.state import organization_key, tier_book_key
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import Terms
from jifen.ledger.tiers.effects import TierChange, TierChanged
from jifen.ledger.types import Organization, OrganizationStatus
from jifen.testing.scenes.point_stage import ANN, BO, CONSUMER
from jifen.testing.scenes.tier_stage import TierStage

MUG: Final = "mall/mug"


def stage_with(*prices: RewardPrice, stock: int = 100) -> TierStage:
    """Return a stage on which the mall has a mug, for 100 points unless told otherwise."""
    stage = TierStage()
    publish(stage, 1, *prices or (RewardPrice(CONSUMER, 100),), stock=stock)
    return stage


def publish(stage: TierStage, version: int, *prices: RewardPrice, stock: int = 0) -> None:
    """Publish a version of the mug."""
    points = stage.points
    body = PublishReward(points.time, points.nonce(), MUG, version, RewardDetails("Mug", prices), stock)
    assert not isinstance(points.take(body, "mall admin"), Rejection)


def order(stage: TierStage, signer: str = "ann", **changes: Any) -> AnyEffect | Rejection:
    """Have a mug redeemed for Ann at 100 points, once a day."""
    points = stage.points
    body = SetAutoRedemption(points.time, points.nonce(), ANN, "mall", MUG, 100, 1, points.time + 30 * DAY_MS)
    return points.take(msgspec.structs.replace(body, **changes), signer)


def kinds(effects: list[AnyEffect]) -> list[str]:
    """Return the names of effects."""
    return [type(effect).__name__ for effect in effects]


def test_f12_a_balance_that_reaches_both_the_tier_and_the_redemption_gets_both() -> None:
    stage = stage_with()
    order(stage)
    stage.buy("A1", 60)
    assert (stage.tier(), stage.points.holding().available) == ("silver", 60)

    effects = stage.buy("A2", 40)

    assert kinds(effects) == [
        "PointsEarned", "PointsQualified", "TierChanged", "AutoRedeemed", "RewardRedeemed", "RedemptionFulfilled",
    ]  # fmt: skip
    assert stage.tier() == "gold"
    assert stage.points.holding().available == 0
    assert stage.member().points == 100


def test_f12_the_price_is_that_of_the_tier_which_the_same_purchase_has_reached() -> None:
    stage = stage_with(RewardPrice(CONSUMER, 100), RewardPrice(CONSUMER, 70, "gold"))
    order(stage)

    effects = stage.buy("A1", 100)

    assert [effect.change for effect in effects if isinstance(effect, TierChanged)] == [TierChange.UPGRADED]
    assert [effect.points for effect in effects if isinstance(effect, RewardRedeemed)] == [70]
    assert stage.points.holding().available == 30


def test_f12_an_order_is_carried_out_no_more_often_in_a_day_than_it_says() -> None:
    stage = stage_with()
    order(stage, per_day=2)

    first = stage.buy("A1", 350)
    assert [effect.today for effect in first if isinstance(effect, AutoRedeemed)] == [1, 2]
    assert kinds(stage.buy("A2", 50)) == ["PointsEarned", "PointsQualified"]
    stage.points.wait(day_end(stage.points.time, 0) - stage.points.time)

    again = stage.buy("A3", 0)
    assert [effect.today for effect in again if isinstance(effect, AutoRedeemed)] == [1, 2]
    assert stage.points.holding().available == 0


def test_a_price_above_the_threshold_is_not_what_the_member_has_signed_for() -> None:
    stage = stage_with()
    order(stage)
    publish(stage, 2, RewardPrice(CONSUMER, 101))

    assert "AutoRedeemed" not in kinds(stage.buy("A1", 300))
    publish(stage, 3, RewardPrice(CONSUMER, 99))
    assert "AutoRedeemed" in kinds(stage.buy("A2", 1))


def test_points_of_another_type_are_not_spent() -> None:
    stage = stage_with(RewardPrice("mall/guide", 1))
    stage.buy("G1", 70, point_type="mall/guide")
    order(stage)

    assert "AutoRedeemed" not in kinds(stage.buy("A1", 300))


def test_what_others_give_sets_nothing_off_until_the_next_purchase() -> None:
    stage = stage_with()
    order(stage, "bo", account=BO)
    stage.buy("A1", 100)
    stage.points.give_away(100)
    assert stage.points.holding(account=BO).available == 100

    assert "AutoRedeemed" in kinds(stage.buy("B1", 1, BO))


def test_a_sold_out_reward_leaves_purchase_and_order_alone() -> None:
    stage = stage_with(stock=1)
    order(stage, per_day=PER_DAY_MAX)

    assert kinds(stage.buy("A1", 300)).count("AutoRedeemed") == 1
    assert stage.points.holding().available == 200


def test_a_locked_account_redeems_nothing_and_orders_nothing() -> None:
    stage = stage_with()
    order(stage)
    points = stage.points
    points.take(LockAccount(points.time, points.nonce(), ANN, LockReason.LOST, ()), "ann")

    assert "AutoRedeemed" not in kinds(stage.buy("A1", 300))
    assert order(stage) is Rejection.ACCOUNT_LOCKED
    cancelled = points.take(CancelAutoRedemption(points.time, points.nonce(), ANN, "mall"), "ann")
    assert cancelled == AutoRedemptionEnded(ANN, "mall", MUG, False)


def test_an_order_ends_when_it_is_taken_back_or_its_time_is_over() -> None:
    stage = stage_with()
    points = stage.points
    assert isinstance(order(stage, until=points.time + DAY_MS), AutoRedemptionSet)
    stage.days(2)

    effects = stage.buy("A1", 300)

    assert kinds(effects)[-1] == "AutoRedemptionEnded"
    assert "AutoRedeemed" not in kinds(effects)
    gone = points.take(CancelAutoRedemption(points.time, points.nonce(), ANN, "mall"), "ann")
    assert gone is Rejection.NO_STANDING_ORDER


def test_a_new_order_takes_the_old_ones_place() -> None:
    stage = stage_with()
    order(stage)
    order(stage, threshold=200)

    assert "AutoRedeemed" not in kinds(stage.buy("A1", 150))
    assert "AutoRedeemed" in kinds(stage.buy("A2", 50))


def test_where_nothing_is_left_of_tiers_and_orders_no_record_stays() -> None:
    stage = TierStage(owner="books")
    publish(stage, 1, RewardPrice(CONSUMER, 100))
    order(stage)
    points = stage.points
    assert points.state.get(tier_book_key("mall")) is not None

    points.take(CancelAutoRedemption(points.time, points.nonce(), ANN, "mall"), "ann")

    assert points.state.get(tier_book_key("mall")) is None


@pytest.mark.parametrize("days", [-1, 367])
def test_an_order_ends_within_a_year_and_not_before_it_begins(days: int) -> None:
    stage = stage_with()

    assert order(stage, until=stage.points.time + days * DAY_MS) is Rejection.STANDING_ORDER_OUT_OF_RANGE


def test_a_reward_is_redeemed_by_itself_only_while_it_is_open() -> None:
    stage = TierStage()
    points = stage.points
    opens, closes = points.time + 10, points.time + 20
    details = RewardDetails("Mug", (RewardPrice(CONSUMER, 100),), opens, closes)
    points.take(PublishReward(points.time, points.nonce(), MUG, 1, details, 100), "mall admin")
    order(stage, per_day=PER_DAY_MAX)
    done = []
    for number, ms in enumerate((9, 1, 9, 1)):
        points.wait(ms)
        done.append("AutoRedeemed" in kinds(stage.buy(f"A{number}", 100)))
        if points.holding().available:
            points.give_away(points.holding().available)

    assert done == [False, True, True, False]


def foreign_reward() -> TierStage:
    """Return a stage on which Ann has ordered a lamp of the bookshop's, for points of the mall's, which it takes."""
    stage = TierStage()
    list_books(stage, 2, "books")
    points = stage.points
    details = RewardDetails("Lamp", (RewardPrice(CONSUMER, 100),))
    effect = points.take(PublishReward(points.time, points.nonce(), "books/lamp", 1, details, 100), "books admin")
    assert not isinstance(effect, Rejection), effect
    order(stage, reward="books/lamp")
    return stage


def list_books(stage: TierStage, version: int, *names: str) -> None:
    """Let the mall say who takes its points."""
    points = stage.points
    body = PublishTerms(points.time, points.nonce(), "mall", CONSUMER, Terms(version=version, accepted_by=names))
    assert not isinstance(points.take(body, "mall admin"), Rejection)


def test_i7_no_order_pays_an_organization_that_takes_these_points_no_more() -> None:
    stage = foreign_reward()
    list_books(stage, 3)
    assert "AutoRedeemed" not in kinds(stage.buy("A1", 100))

    list_books(stage, 4, "books")
    assert "AutoRedeemed" in kinds(stage.buy("A2", 1))


def test_no_order_pays_an_organization_that_is_suspended() -> None:
    stage = foreign_reward()
    state = stage.points.state
    books = state.get(organization_key("books"))
    assert isinstance(books, Organization)
    state.put(organization_key("books"), msgspec.structs.replace(books, status=OrganizationStatus.SUSPENDED))
    assert "AutoRedeemed" not in kinds(stage.buy("A1", 100))

    state.put(organization_key("books"), books)
    assert "AutoRedeemed" in kinds(stage.buy("A2", 1))
