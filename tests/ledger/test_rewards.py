"""Rewards: points, stock and the right to a reward change hands together, and come back together."""

from typing import Final

import msgspec
import pytest

from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS, MINUTE_MS
from jifen.ledger.locks.bodies import LockAccount
from jifen.ledger.locks.records import LockReason
from jifen.ledger.points.positions import Rate
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.bodies import AddRewardCodes, RedeemReward, RestockReward, WithdrawReward
from jifen.ledger.rewards.effects import RedemptionCancelled, RedemptionFulfilled, RewardRedeemed
from jifen.ledger.rewards.records import (
    CODES_MAX,
    HOLD_MINUTES_MAX,
    PRICES_MAX,
    RedemptionStatus,
    RewardPrice,
    code_commitment,
)
from jifen.ledger.rewards.redeeming import redeem_for
from jifen.ledger.state import holding_key, supply_key
from jifen.ledger.terms.effects import PointsExpired
from jifen.ledger.terms.records import RollingExpiry
from jifen.ledger.tiers.bodies import PublishTiers
from jifen.ledger.tiers.records import Tier, TierProgramme
from jifen.ledger.transactions import EarnPoints, TransferPoints
from jifen.ledger.types import Lot, LotOrigin
from jifen.testing.naive.scene import CHAIN_ID, account_of, key_of
from jifen.testing.scenes.reward_stage import ANN, CONSUMER, MUG, STORE, TEN_FOR_ONE, RewardStage, one

HOUR: Final = 60
BO: Final = account_of(key_of("bo"))
CODES: Final = tuple(code_commitment(MUG, bytes([number] * 16), f"CODE-{number}") for number in range(4))


@pytest.fixture
def stage() -> RewardStage:
    """Return a stage on which Ann has 1,000 of the mall's points and 400 of books' stores'."""
    made = RewardStage()
    made.points.earn("A1", 10_000)
    made.points.earn("S1", 2_000, STORE)
    return made


def test_f14_points_stock_and_right_change_hands_in_one_transaction_or_none_of_them(stage: RewardStage) -> None:
    stage.offer(hold_minutes=HOUR)
    before = stage.points.holding()
    assert stage.redeem(99) is Rejection.REWARD_PRICE_WRONG
    assert (stage.points.holding(), stage.reward().stock, stage.reward().redeemed) == (before, 5, 0)

    effect = one(stage.redeem(), RewardRedeemed)
    assert (effect.number, effect.stock_after, effect.available_after) == (1, 4, 900)
    made = stage.redemption()
    assert (made.status, made.account, made.due) == (RedemptionStatus.HELD, ANN, stage.points.time + HOUR * MINUTE_MS)
    assert (stage.points.holding().available, stage.points.holding().held) == (900, 100)


def test_f14_what_needs_no_hand_over_is_paid_and_fulfilled_at_once(stage: RewardStage) -> None:
    stage.offer()
    effects = stage.redeem()

    assert not isinstance(effects, Rejection)
    assert [type(effect) for effect in effects] == [RewardRedeemed, RedemptionFulfilled]
    assert (stage.points.holding().available, stage.points.holding().held) == (900, 0)
    assert stage.points.supply().burned == 100
    assert stage.redemption().status is RedemptionStatus.FULFILLED
    assert stage.fulfil() is stage.cancel() is Rejection.REDEMPTION_NOT_HELD


def test_f15_points_burn_at_their_issuer_only_when_the_reward_is_handed_over(stage: RewardStage) -> None:
    stage.offer(hold_minutes=HOUR)
    stage.redeem()
    assert stage.points.supply().burned == 0
    effect = one(stage.fulfil(), RedemptionFulfilled)
    assert (effect.burned, effect.points) == (True, 100)
    assert stage.points.supply().burned == 100
    assert stage.redemption().lots == ()


def test_f3a_points_of_another_issuer_pass_to_the_organization_at_the_rate_of_the_price(stage: RewardStage) -> None:
    stage.offer(RewardPrice(STORE, 300, "", Rate(40, 2)), hold_minutes=HOUR)
    stage.redeem(300, STORE)
    assert stage.position(Rate(20, 1)) == 0
    effect = one(stage.fulfil(), RedemptionFulfilled)
    assert (effect.burned, effect.rate) == (False, Rate(40, 2))
    assert stage.position(Rate(20, 1)) == 300
    assert stage.points.supply(STORE).burned == 0


def test_f3a_the_last_reward_goes_to_one_of_fifty_and_nobody_else_loses_a_point(stage: RewardStage) -> None:
    stage.offer(stock=1, hold_minutes=HOUR)
    buyers = [f"buyer {number}" for number in range(50)]
    for name in buyers:
        stage.points.register(name)
        stage.points.earn(f"order of {name}".replace(" ", "-"), 1_000, account=account_of(key_of(name)))
    outcomes = []
    for place, name in enumerate(buyers):
        if place in {20, 40}:
            stage.points.wait(1000)  # in three blocks: what the first has taken the others find gone
        outcomes.append(stage.redeem(who=name))
    assert not isinstance(outcomes[0], Rejection)
    assert outcomes[1:] == [Rejection.REWARD_SOLD_OUT] * 49

    held = [stage.points.holding(account=account_of(key_of(name))) for name in buyers]
    assert [(holding.available, holding.held) for holding in held] == [(0, 100), *[(100, 0)] * 49]


def test_f15_every_code_is_given_out_once_even_when_its_redemption_is_cancelled(stage: RewardStage) -> None:
    stage.offer(stock=0, has_codes=True, hold_minutes=HOUR)
    assert stage.redeem() is Rejection.REWARD_SOLD_OUT
    stage.add_codes(*CODES[:2])
    first = one(stage.redeem(), RewardRedeemed)
    one(stage.cancel(), RedemptionCancelled)
    second = one(stage.redeem(), RewardRedeemed)

    assert (first.commitment, second.commitment) == CODES[:2]
    assert stage.reward().stock == 0, "a code that somebody may have seen is no stock"
    assert stage.redeem() is Rejection.REWARD_SOLD_OUT
    again = AddRewardCodes(stage.points.time, stage.points.nonce(), MUG, (CODES[2], CODES[0]))
    assert stage.points.take(again, "mall admin") is Rejection.REWARD_CODE_KNOWN
    stage.add_codes(CODES[2])
    assert one(stage.redeem(), RewardRedeemed).commitment == CODES[2]


def test_f15_a_commitment_holds_for_one_reward_one_salt_and_one_code() -> None:
    salt = bytes(16)
    right = code_commitment(MUG, salt, "ABC")
    others = [
        code_commitment("mall/mug2", salt, "ABC"),
        code_commitment(MUG, bytes(15) + b"\1", "ABC"),
        code_commitment(MUG, salt, "ABD"),
        code_commitment(MUG, salt, "2ABC"),
    ]
    assert right not in others
    assert len(set(others)) == 4
    for wrong in (b"", bytes(15), bytes(17)):
        with pytest.raises(ValueError, match="a salt is 16 bytes"):
            code_commitment(MUG, wrong, "ABC")
    for text in ("", "x" * 257):
        with pytest.raises(ValueError, match="1 to 256 characters"):
            code_commitment(MUG, salt, text)


@pytest.mark.parametrize("by_time", [False, True], ids=["by the organization", "by time"])
def test_x3_a_cancelled_redemption_gives_the_same_lots_back_with_the_dates_they_had(
    stage: RewardStage, by_time: bool
) -> None:
    stage.say(CONSUMER, expiry=RollingExpiry(40))
    stage.points.wait(DAY_MS)
    stage.points.earn("A2", 500)
    before = stage.points.holding()
    stage.offer(RewardPrice(CONSUMER, 80), hold_minutes=24 * HOUR, stock=1, member_limit=1)
    one(stage.redeem(80), RewardRedeemed)
    assert stage.points.holding().lots != before.lots
    assert stage.redeem(80) is Rejection.REWARD_LIMIT_REACHED

    if by_time:
        assert stage.points.wait(DAY_MS - 1) == []
        [effect] = stage.points.wait(1)
    else:
        effect = one(stage.cancel(), RedemptionCancelled)
    assert isinstance(effect, RedemptionCancelled)
    assert (effect.reason, effect.points) == ("" if by_time else "broken", 80)
    assert (stage.points.holding().lots, stage.points.holding().held) == (before.lots, 0)
    assert stage.reward().stock == 1
    assert stage.redeem(80) is not Rejection.REWARD_LIMIT_REACHED, "what was cancelled counts against no limit"


def test_x3_points_that_come_back_past_their_date_are_gone_and_live_no_longer(stage: RewardStage) -> None:
    stage.say(CONSUMER, expiry=RollingExpiry(2))
    stage.points.earn("A2", 500)
    stage.offer(RewardPrice(CONSUMER, 50), hold_minutes=HOLD_MINUTES_MAX)
    one(stage.redeem(50), RewardRedeemed)
    assert stage.redemption().lots[0].expires_at > 0
    stage.points.wait(4 * DAY_MS)
    effects = stage.cancel()
    assert not isinstance(effects, Rejection)
    assert [type(effect) for effect in effects] == [RedemptionCancelled, PointsExpired]
    assert stage.points.holding().available == 1000


def test_a_reward_paid_in_time_can_be_handed_over_after_its_points_would_have_expired(stage: RewardStage) -> None:
    stage.say(CONSUMER, expiry=RollingExpiry(2))
    stage.points.earn("A2", 500)
    stage.offer(RewardPrice(CONSUMER, 50), hold_minutes=HOLD_MINUTES_MAX)
    stage.redeem(50)
    stage.points.wait(4 * DAY_MS)
    assert one(stage.fulfil(), RedemptionFulfilled).points == 50


def test_points_that_come_back_repay_what_refunds_have_left_owing(stage: RewardStage) -> None:
    stage.offer(RewardPrice(CONSUMER, 900), hold_minutes=HOUR)
    stage.redeem(900)
    stage.points.refund("A1", "R1", 9_000)
    assert stage.points.debt() == 800
    effect = one(stage.cancel(), RedemptionCancelled)
    assert (effect.debt_repaid, effect.available_after, stage.points.debt()) == (800, 100, 0)


def test_f3a_a_tier_pays_its_own_price_and_everybody_else_the_common_one(stage: RewardStage) -> None:
    tiers = TierProgramme(1, (Tier("gold", "Gold", 50),))
    stage.points.take(PublishTiers(stage.points.time, stage.points.nonce(), "mall", tiers), "mall admin")
    stage.offer(RewardPrice(CONSUMER, 100), RewardPrice(CONSUMER, 60, "gold"))
    assert stage.redeem(60) is Rejection.REWARD_PRICE_WRONG
    assert not isinstance(stage.redeem(100), Rejection)
    head = (stage.points.time, stage.points.nonce())
    stage.points.effects_of(EarnPoints(*head, "mall", "A2", ANN, CONSUMER, 5_000, 7), "mall till")
    assert stage.redeem(100) is Rejection.REWARD_PRICE_WRONG
    assert not isinstance(stage.redeem(60), Rejection)


def test_a_price_is_asked_of_the_issuer_anew_at_every_redemption(stage: RewardStage) -> None:
    stage.offer(RewardPrice(STORE, 100, "", TEN_FOR_ONE), hold_minutes=HOUR)
    one(stage.redeem(100, STORE), RewardRedeemed)
    stage.say(STORE, settlement_points=11)
    assert stage.redeem(100, STORE) is Rejection.POINTS_NOT_ACCEPTED, "above what the issuer pays now"
    stage.say(STORE, settlement_points=10, accepted_by=())
    assert stage.redeem(100, STORE) is Rejection.POINTS_NOT_ACCEPTED
    assert one(stage.fulfil(), RedemptionFulfilled).rate == TEN_FOR_ONE, "what was agreed stays agreed (I7)"


def test_what_a_member_has_not_seen_is_not_redeemed(stage: RewardStage) -> None:
    stage.offer()
    stage.offer(RewardPrice(CONSUMER, 100), stock=0)
    head = (stage.points.time, stage.points.nonce())
    old = RedeemReward(*head, ANN, MUG, 1, CONSUMER, 100)
    assert stage.points.take(old, "ann") is Rejection.REWARD_VERSION_WRONG
    assert stage.reward().stock == 5
    assert not isinstance(stage.redeem(), Rejection)


def test_a_reward_is_redeemed_within_its_window_only(stage: RewardStage) -> None:
    now = stage.points.time
    stage.offer(opens_at=now + 10, closes_at=now + 20)
    for step, expected in ((9, Rejection.REWARD_NOT_OPEN), (1, None), (9, None), (1, Rejection.REWARD_NOT_OPEN)):
        stage.points.wait(step)
        outcome = stage.redeem()
        assert outcome is expected if expected else not isinstance(outcome, Rejection)


def test_a_withdrawn_reward_comes_back_with_its_next_version_and_what_waits_is_handed_over(stage: RewardStage) -> None:
    stage.offer(hold_minutes=HOUR)
    stage.redeem()
    stage.points.take(WithdrawReward(stage.points.time, stage.points.nonce(), MUG), "mall issuer")
    assert stage.redeem() is Rejection.REWARD_NOT_OPEN
    restocked = RestockReward(stage.points.time, stage.points.nonce(), MUG, 3)
    assert not isinstance(stage.points.take(restocked, "mall issuer"), Rejection)
    assert not isinstance(stage.fulfil(), Rejection)
    stage.offer(stock=0)
    assert stage.reward().stock == 7
    assert not isinstance(stage.redeem(), Rejection)


def test_a_locked_account_redeems_nothing_and_what_it_has_redeemed_is_handed_over(stage: RewardStage) -> None:
    stage.offer(hold_minutes=HOUR)
    stage.redeem()
    lock = LockAccount(stage.points.time, stage.points.nonce(), ANN, LockReason.LEAKED, ("mall",))
    assert not isinstance(stage.points.take(lock, "mall guard"), Rejection)
    assert stage.redeem() is Rejection.ACCOUNT_LOCKED
    assert redeem_for(stage.points.state, ANN, MUG, stage.points.context) is None
    assert not isinstance(stage.fulfil(), Rejection)


def test_automatic_redemption_pays_with_the_first_price_that_the_account_can_pay(stage: RewardStage) -> None:
    stage.offer(RewardPrice("mall/guide", 1), RewardPrice(CONSUMER, 2000), RewardPrice(STORE, 400), stock=1)
    effects = redeem_for(stage.points.state, ANN, MUG, stage.points.context)
    assert effects is not None
    assert isinstance(effects[0], RewardRedeemed)
    assert (effects[0].point_type, effects[0].points) == (STORE, 400)
    stage.points.check()


def test_automatic_redemption_writes_nothing_when_it_cannot_be(stage: RewardStage) -> None:
    stage.offer(RewardPrice(CONSUMER, 1001))
    state = stage.points.state
    before = dict(state.range(b"", b"\xff", 100_000))
    context = BlockContext(CHAIN_ID, state.height + 1, stage.points.time)
    assert redeem_for(state, ANN, MUG, context) is None
    assert redeem_for(state, BO, MUG, context) is None
    assert redeem_for(state, account_of(key_of("nobody")), MUG, context) is None
    assert redeem_for(state, ANN, "mall/cup", context) is None
    assert dict(state.range(b"", b"\xff", 100_000)) == before


def test_held_points_can_be_spent_on_nothing_else(stage: RewardStage) -> None:
    stage.offer(RewardPrice(CONSUMER, 600), hold_minutes=HOUR)
    stage.redeem(600)
    assert stage.redeem(600) is Rejection.INSUFFICIENT_POINTS
    moved = TransferPoints(stage.points.time, stage.points.nonce(), ANN, BO, CONSUMER, 401, b"")
    assert stage.points.take(moved, "ann") is Rejection.INSUFFICIENT_POINTS


def test_a_full_load_of_prices_and_codes_fits_a_transaction() -> None:
    from jifen.client import TransactionBuilder
    from jifen.codec.transactions import TRANSACTION_BYTES_MAX
    from jifen.keys.signing import KeyPair
    from jifen.ledger.rewards.records import RewardDetails

    longest = f"{'m' * 32}/distributor"
    prices = tuple(RewardPrice(longest, 2**53 - 1, f"{n:032}", Rate(10**9, 10**9)) for n in range(PRICES_MAX))
    details = RewardDetails("n" * 64, prices, 2**48, 2**48, 10**6, True, HOLD_MINUTES_MAX)
    builder, operator = TransactionBuilder(bytes(32)), KeyPair.derive(bytes(32), "operator")
    name = f"{'m' * 32}/{'r' * 32}"
    made = builder.publish_reward(operator, reward=name, version=10**6, details=details, stock=0)
    codes = builder.add_reward_codes(operator, reward=name, commitments=[bytes(32)] * CODES_MAX)
    assert max(len(made.signed), len(codes.signed)) <= TRANSACTION_BYTES_MAX


def test_points_of_more_days_than_one_record_keeps_are_told_from_points_that_are_not_there(stage: RewardStage) -> None:
    """A year of daily purchases and two days more, of a point each: what to do about it is something else."""
    stage.offer(RewardPrice(CONSUMER, 368), RewardPrice(STORE, 200), hold_minutes=HOUR)
    days_of(stage, 368)
    assert stage.points.holding().available == 368
    assert stage.redeem(368) is Rejection.TOO_MANY_LOTS
    assert redeem_for(stage.points.state, ANN, MUG, stage.points.context, point_type=CONSUMER) is None
    one(stage.redeem(200, STORE), RewardRedeemed)
    stage.points.give_away(2)
    assert stage.redeem(368) is Rejection.INSUFFICIENT_POINTS
    stage.offer(RewardPrice(CONSUMER, 366), hold_minutes=HOUR)
    one(stage.redeem(366), RewardRedeemed)


def test_money_for_points_of_very_many_days_is_asked_for_in_parts(stage: RewardStage) -> None:
    stage.pay(day_points=1_000, month_points=1_000)
    days_of(stage, 376)
    assert stage.ask(367, 36) is Rejection.TOO_MANY_LOTS
    assert not isinstance(stage.ask(366, 36), Rejection)
    assert not isinstance(stage.ask(10, 1), Rejection)


def days_of(stage: RewardStage, days: int) -> None:
    """Let Ann have a point of each of so many days, and no others of the mall's."""
    lots = tuple(Lot(1, LotOrigin.EARNED, day, 0) for day in range(1, days + 1))
    before = stage.points.holding()
    burned = stage.points.supply().burned + before.available - days
    stage.points.state.put(holding_key(ANN, CONSUMER), msgspec.structs.replace(before, available=days, lots=lots))
    supply = msgspec.structs.replace(stage.points.supply(), burned=burned)
    stage.points.state.put(supply_key(CONSUMER), supply)
