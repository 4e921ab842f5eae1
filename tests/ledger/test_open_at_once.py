"""What one organization, or member, has open at once is bounded, and whatever ends makes room again."""

from typing import Final

import pytest

from jifen.ledger.dates import DAY_MS, MINUTE_MS
from jifen.ledger.draws.bodies import CancelDraw, CreateDraw
from jifen.ledger.opened.checks import check_no_more_is_counted_as_open_than_there_is
from jifen.ledger.opened.records import (
    CASHBACKS_MAX,
    DRAWS_MAX,
    REDEMPTIONS_MAX,
    MemberOpen,
    open_of_member,
    open_of_organization,
)
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards import stocking
from jifen.ledger.rewards.bodies import PublishReward, WithdrawReward
from jifen.ledger.rewards.records import RewardDetails, RewardPrice
from jifen.ledger.rewards.redeeming import redeem_for
from jifen.ledger.state import member_open_key, organization_open_key
from jifen.testing.scenes.draw import draw_terms
from jifen.testing.scenes.draw_stage import DRAW, DrawStage
from jifen.testing.scenes.reward_stage import ANN, CONSUMER, MUG, RewardStage

HOUR: Final = 60
PEN: Final = "mall/pen"


@pytest.fixture
def stage() -> RewardStage:
    """Return a stage on which Ann has many points, a mug waits an hour for whoever redeems it, and a pen does not."""
    made = RewardStage()
    made.points.earn("A1", 1_000_000)
    made.offer(RewardPrice(CONSUMER, 10), stock=REDEMPTIONS_MAX + 9, hold_minutes=HOUR)
    made.offer(RewardPrice(CONSUMER, 10), reward=PEN)
    return made


def redeem_all_that_may_wait(stage: RewardStage) -> None:
    """Let as many redemptions wait for Ann as may."""
    for _ in range(REDEMPTIONS_MAX):
        assert not isinstance(stage.redeem(10), Rejection)
        stage.points.time += 1


@pytest.mark.parametrize("end", ["fulfilled", "cancelled", "out of time"])
def test_a_member_has_a_hundred_redemptions_waiting_and_one_more_when_one_is_over(stage: RewardStage, end: str) -> None:
    redeem_all_that_may_wait(stage)
    before = stage.points.holding()
    assert stage.redeem(10) is Rejection.TOO_MANY_REDEMPTIONS
    assert redeem_for(stage.points.state, ANN, MUG, stage.points.context) is None, "nor does a standing order redeem it"
    assert stage.points.holding() == before
    assert not isinstance(stage.redeem(10, reward=PEN), Rejection), "what does not wait is not counted"

    if end == "fulfilled":
        stage.fulfil()
    elif end == "cancelled":
        stage.cancel()
    else:
        stage.points.wait(stage.redemption().due - stage.points.time)
    assert open_of_member(stage.points.state, ANN, "mall").redemptions == REDEMPTIONS_MAX - 1
    assert not isinstance(stage.redeem(10), Rejection)
    assert stage.redeem(10) is Rejection.TOO_MANY_REDEMPTIONS


def test_when_nothing_waits_any_more_nothing_is_kept_about_it(stage: RewardStage) -> None:
    stage.redeem(10)
    assert open_of_member(stage.points.state, ANN, "mall") == MemberOpen(redemptions=1)
    stage.points.wait(HOUR * MINUTE_MS)
    assert stage.points.state.get(member_open_key(ANN, "mall")) is None


@pytest.mark.parametrize("paid", [True, False], ids=["paid", "rejected"])
def test_a_member_waits_for_money_of_sixteen_requests_and_asks_again_when_one_is_over(
    stage: RewardStage, paid: bool
) -> None:
    stage.pay(day_points=10_000, month_points=10_000)
    for _ in range(CASHBACKS_MAX):
        assert not isinstance(stage.ask(10, 1), Rejection)
    assert stage.ask(10, 1) is Rejection.TOO_MANY_CASHBACKS
    stage.points.wait(4 * DAY_MS)
    assert stage.ask(10, 1) is Rejection.TOO_MANY_CASHBACKS, "what is overdue is not paid"

    stage.confirm() if paid else stage.reject()
    assert not isinstance(stage.ask(10, 1), Rejection)
    assert stage.ask(10, 1) is Rejection.TOO_MANY_CASHBACKS


def test_an_organization_shows_so_many_rewards_and_another_when_one_is_withdrawn(
    stage: RewardStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stocking, "REWARDS_MAX", 20)  # the table of rejections comes to the thousand

    def publish(reward: str, version: int = 1) -> object:
        details = RewardDetails("Cup", (RewardPrice(CONSUMER, 100),))
        body = PublishReward(stage.points.time, stage.points.nonce(), reward, version, details, 0)
        return stage.points.take(body, "mall admin")

    for number in range(2, 20):
        assert not isinstance(publish(f"mall/cup-{number}"), Rejection)
    assert publish("mall/more") is Rejection.TOO_MANY_REWARDS
    assert not isinstance(publish("mall/cup-7", 2), Rejection), "a new version is no new reward"
    withdrawal = WithdrawReward(stage.points.time, stage.points.nonce(), "mall/cup-7")
    stage.points.effects_of(withdrawal, "mall admin")
    assert not isinstance(publish("mall/more"), Rejection)
    assert publish("mall/cup-7", 3) is Rejection.TOO_MANY_REWARDS, "a withdrawn one that comes back is one more"


def test_an_organization_has_sixteen_draws_that_are_not_over_and_publishes_another_when_one_is() -> None:
    stage = DrawStage()

    def publish(draw: str) -> object:
        terms = draw_terms(stage.time, stage.context.height + 5)
        return stage.take(CreateDraw(stage.time, stage.nonce(), "mall", draw, terms), "mall admin")

    for number in range(DRAWS_MAX - 1):
        assert not isinstance(publish(f"more-{number}"), Rejection)
    assert publish("too-many") is Rejection.TOO_MANY_DRAWS
    assert not isinstance(
        stage.take(CancelDraw(stage.time, stage.nonce(), "mall", DRAW, "no"), "mall admin"), Rejection
    )
    assert publish("too-many") is Rejection.TOO_MANY_DRAWS, "not before everybody has their points back"
    stage.next_block()
    assert not isinstance(publish("one-more"), Rejection)
    assert publish("too-many") is Rejection.TOO_MANY_DRAWS


def test_what_was_opened_before_anybody_counted_ends_like_everything_else(stage: RewardStage) -> None:
    """A ledger from before there were counts has open redemptions and rewards, and no record of how many."""
    stage.redeem(10)
    stage.points.time += 1
    stage.redeem(10)
    stage.points.state.delete(member_open_key(ANN, "mall"))
    stage.points.state.delete(organization_open_key("mall"))

    stage.redeem(10)
    stage.fulfil(1)
    stage.cancel(2)
    withdrawal = WithdrawReward(stage.points.time, stage.points.nonce(), PEN)
    stage.points.effects_of(withdrawal, "mall admin")
    assert open_of_member(stage.points.state, ANN, "mall") == MemberOpen(), "never below nothing"
    assert open_of_organization(stage.points.state, "mall").rewards == 0
    check_no_more_is_counted_as_open_than_there_is(stage.points.state.range(b"", b"\xff" * 32, 10_000))
    stage.points.wait(HOUR * MINUTE_MS)
    assert stage.points.holding().held == 0
