"""Bonuses and adjustments: points by hand, within limits, each cause once."""

from typing import Any, Final

import msgspec
import pytest

from jifen.codec.canonical import encode
from jifen.codec.records import decode_record
from jifen.ledger.bonuses.bodies import AdjustPoints, GrantBonus, SetBonusPolicy
from jifen.ledger.bonuses.effects import BonusGranted, PointsAdjusted
from jifen.ledger.bonuses.records import AdjustmentReason, BonusCause, BonusPolicy, ClerkDay, Direction
from jifen.ledger.dates import DAY_MS, day_end, day_start
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import clerk_key, holding_key
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import AvailableAfterDays, AvailableOnConfirmation, RollingExpiry, SlidingExpiry, Terms
from jifen.ledger.types import POINTS_MAX, Lot, LotOrigin
from jifen.testing.naive.scene import key_of
from jifen.testing.scenes.point_stage import ANN, BO, CONSUMER, PointStage
from jifen.testing.scenes.tier_stage import TierStage

WELCOME, EVENT, SPECIAL, GOODWILL = BonusCause
TILL: Final = "mall till"


def grant(stage: PointStage, key: str, points: int = 10, *signers: str, **changes: Any) -> AnyEffect | Rejection:
    """Grant Ann a bonus of the mall's, goodwill unless told otherwise; the till signs unless told otherwise."""
    body = GrantBonus(stage.time, stage.nonce(), "mall", ANN, CONSUMER, points, GOODWILL, key, "a kindness")
    return stage.take(msgspec.structs.replace(body, **changes), *(signers or (TILL,)))


def adjust(
    stage: PointStage, direction: Direction, key: str, points: int = 10, *signers: str, **changes: Any
) -> AnyEffect | Rejection:
    """Adjust Ann's points of the mall's."""
    head = (stage.time, stage.nonce(), "mall", ANN, CONSUMER, direction, points, key)
    body = AdjustPoints(*head, AdjustmentReason.CORRECTION, "booked twice")
    return stage.take(msgspec.structs.replace(body, **changes), *(signers or ("mall issuer",)))


def set_policy(stage: PointStage, version: int = 1, **limits: Any) -> None:
    """Set the mall's limits."""
    policy = BonusPolicy(version, **limits)
    effect = stage.take(SetBonusPolicy(stage.time, stage.nonce(), "mall", policy), "mall admin")
    assert not isinstance(effect, Rejection), effect


def with_terms(**changes: Any) -> PointStage:
    """Return a stage on which the mall's points have these terms."""
    stage = PointStage()
    body = PublishTerms(stage.time, stage.nonce(), "mall", CONSUMER, Terms(version=2, **changes))
    assert not isinstance(stage.take(body, "mall admin"), Rejection)
    return stage


# F19: welcome, events, special purchases.


def test_f19_the_same_welcome_twice_is_one_bonus() -> None:
    stage = PointStage()
    first = grant(stage, "web", cause=WELCOME)
    assert isinstance(first, BonusGranted)

    assert grant(stage, "app", cause=WELCOME) is Rejection.CAUSE_ALREADY_USED

    assert stage.holding().available == 10
    assert isinstance(grant(stage, "web", cause=WELCOME, account=BO), BonusGranted)


def test_f19_every_issuer_may_welcome_a_member_once() -> None:
    stage = PointStage()
    grant(stage, "web", cause=WELCOME)

    other = {"issuer": "books", "point_type": "books/store", "cause": WELCOME}
    assert isinstance(grant(stage, "web", 10, "books till", **other), BonusGranted)
    assert grant(stage, "web", 10, "books till", **other) is Rejection.CAUSE_ALREADY_USED


def test_f19_an_event_bonus_without_a_signed_check_in_is_rejected() -> None:
    stage = PointStage()

    assert grant(stage, "reading", cause=EVENT) is Rejection.CHECK_IN_MISSING
    assert grant(stage, "reading", cause=EVENT, holder="books") is Rejection.CHECK_IN_MISSING
    assert grant(stage, "reading", 10, TILL, "mall admin", cause=EVENT) is Rejection.CHECK_IN_MISSING
    assert stage.holding().available == 0


def test_f19_whoever_was_seen_at_an_event_gets_its_bonus_once() -> None:
    stage = PointStage()
    came: dict[str, Any] = {"cause": EVENT, "holder": "books"}

    assert isinstance(grant(stage, "reading", 10, TILL, "books till", **came), BonusGranted)
    assert grant(stage, "reading", 10, "mall issuer", "books till", **came) is Rejection.CAUSE_ALREADY_USED
    assert isinstance(grant(stage, "reading", 10, TILL, "books till", **came, account=BO), BonusGranted)
    assert isinstance(grant(stage, "concert", 10, TILL, "books till", **came), BonusGranted)


def test_f19_the_check_in_at_an_own_event_is_another_operators() -> None:
    stage = PointStage()

    granted = grant(stage, "opening", 10, "mall issuer", TILL, cause=EVENT)

    assert isinstance(granted, BonusGranted)
    assert granted.clerk == key_of("mall issuer")


def test_f19_a_birthday_is_celebrated_once() -> None:
    stage = PointStage()
    assert isinstance(grant(stage, "birthday-2026", cause=SPECIAL), BonusGranted)

    assert grant(stage, "birthday-2026", cause=SPECIAL) is Rejection.CAUSE_ALREADY_USED
    assert isinstance(grant(stage, "birthday-2027", cause=SPECIAL), BonusGranted)
    assert isinstance(grant(stage, "birthday-2026", cause=SPECIAL, account=BO), BonusGranted)


def test_f19_a_bonus_waits_and_expires_by_the_terms() -> None:
    stage = with_terms(expiry=RollingExpiry(30), pending=AvailableAfterDays(7), utc_offset_minutes=480)

    granted = grant(stage, "c1")

    lot = Lot(10, LotOrigin.BONUS, day_end(stage.time, 7, 480), day_end(stage.time, 30, 480))
    assert stage.holding().pending_lots == (lot,)
    assert isinstance(granted, BonusGranted)
    assert (granted.available_from, granted.expires_at) == (lot.available_from, lot.expires_at)
    stage.wait(lot.available_from - stage.time)
    assert stage.holding().lots == (lot,)
    stage.wait(lot.expires_at - stage.time)
    assert stage.holding().available == 0


def test_a_bonus_has_no_order_to_wait_for() -> None:
    stage = with_terms(pending=AvailableOnConfirmation())

    grant(stage, "c1")

    assert stage.holding().available == 10


def test_a_bonus_does_not_slide() -> None:
    stage = with_terms(expiry=SlidingExpiry(10))
    grant(stage, "c1")
    end = day_end(stage.time, 10)
    stage.wait(5 * DAY_MS)
    stage.earn("A1", 1000)

    bonus, earned = stage.holding().lots
    assert (bonus.origin, bonus.expires_at, bonus.renewal_days) == (LotOrigin.BONUS, end, 0)
    assert earned.expires_at == day_end(stage.time, 10)


def test_a_bonus_counts_for_no_tier() -> None:
    stage = TierStage()

    granted = grant(stage.points, "c1", 500)

    assert isinstance(granted, BonusGranted)
    assert stage.tier() == ""
    assert stage.member().points == 0


# A6: goodwill, limits, staff.


def test_a6_the_sixth_goodwill_of_a_clerk_in_a_day_is_rejected_and_the_receipts_name_the_clerk() -> None:
    stage = PointStage()
    granted = [grant(stage, f"complaint-{number}") for number in range(5)]

    assert grant(stage, "complaint-5") is Rejection.CLERK_LIMIT_REACHED

    assert {effect.clerk for effect in granted if isinstance(effect, BonusGranted)} == {key_of(TILL)}
    assert stage.last.signers == (key_of(TILL),)  # who tried
    day = stage.state.get(clerk_key("mall", key_of(TILL)))
    assert day == ClerkDay(day_start(stage.time, 480) // DAY_MS + 1, 50, 5)
    assert isinstance(grant(stage, "complaint-5", 10, "mall issuer"), BonusGranted)


def test_a6_a_clerks_day_ends_at_local_midnight() -> None:
    stage = PointStage()
    for number in range(5):
        grant(stage, f"c{number}")
    stage.wait(day_end(stage.time, 0, 480) - 1 - stage.time)
    assert grant(stage, "c5") is Rejection.CLERK_LIMIT_REACHED

    stage.wait(1)

    assert isinstance(grant(stage, "c5"), BonusGranted)


def test_a6_staff_accounts_are_granted_nothing() -> None:
    stage = PointStage()
    set_policy(stage, staff=(ANN,))

    assert grant(stage, "c1") is Rejection.STAFF_ACCOUNT
    assert adjust(stage, Direction.CREDIT, "c1") is Rejection.STAFF_ACCOUNT
    assert isinstance(grant(stage, "c1", account=BO), BonusGranted)
    stage.earn("A1", 1000)  # what they buy earns as anybody's
    assert isinstance(adjust(stage, Direction.DEBIT, "c1"), PointsAdjusted)


def test_a6_above_the_limit_two_operators_sign() -> None:
    stage = PointStage()

    assert grant(stage, "c1", 501) is Rejection.SECOND_OPERATOR_MISSING
    assert grant(stage, "c1", 501, TILL, "books admin") is Rejection.SECOND_OPERATOR_MISSING
    assert isinstance(grant(stage, "c1", 501, TILL, "mall admin"), BonusGranted)
    assert isinstance(grant(stage, "c2", 500), BonusGranted)


def test_a6_two_tills_are_not_two_hands_of_the_office() -> None:
    stage = PointStage()

    assert grant(stage, "c1", 501, "mall issuer", TILL) is Rejection.SECOND_OPERATOR_MISSING


def test_a6_no_bonus_is_larger_than_the_policy_allows_whoever_signs() -> None:
    stage = PointStage()

    assert grant(stage, "c1", 1001, TILL, "mall issuer", "mall admin") is Rejection.GRANT_TOO_LARGE


def test_a6_a_clerk_moves_only_so_many_points_in_a_day_whatever_for() -> None:
    stage = PointStage()
    set_policy(stage, clerk_points_per_day=100)
    grant(stage, "birthday", 60, "mall issuer", cause=SPECIAL)
    adjust(stage, Direction.CREDIT, "a1", 40)

    assert grant(stage, "c1", 1, "mall issuer") is Rejection.CLERK_LIMIT_REACHED
    assert adjust(stage, Direction.DEBIT, "a2", 1) is Rejection.CLERK_LIMIT_REACHED


def test_a6_a_complaint_is_made_good_once_to_whomever() -> None:
    stage = PointStage()
    grant(stage, "complaint-7")

    assert grant(stage, "complaint-7", account=BO) is Rejection.CAUSE_ALREADY_USED


def test_a_budget_is_never_overshot_and_begins_anew_with_the_next_policy() -> None:
    stage = PointStage()
    set_policy(stage, budget=25)
    grant(stage, "c1")
    grant(stage, "c2")

    assert grant(stage, "c3", 6) is Rejection.BONUS_BUDGET_SPENT
    assert isinstance(grant(stage, "c3", 5), BonusGranted)
    set_policy(stage, 2, budget=25)
    assert isinstance(grant(stage, "c4"), BonusGranted)


def test_a_bonus_respects_the_issue_cap_and_repays_a_debt_first() -> None:
    stage = with_terms(issue_cap=100)
    stage.earn("A1", 1000)
    assert grant(stage, "c1") is Rejection.ISSUE_CAP_REACHED
    stage.give_away(100)
    stage.refund("A1", "R1", 40)
    assert stage.debt() == 4

    granted = grant(stage, "c1", 4)

    assert isinstance(granted, BonusGranted)
    assert (granted.debt_repaid, granted.available_after, stage.debt()) == (4, 0, 0)


# Adjustments.


def test_a_debit_takes_what_can_be_spent_and_no_more() -> None:
    stage = PointStage()
    stage.earn("A1", 1000)

    assert adjust(stage, Direction.DEBIT, "a1", 101) is Rejection.INSUFFICIENT_POINTS
    assert isinstance(adjust(stage, Direction.DEBIT, "a1", 100), PointsAdjusted)
    assert (stage.holding().available, stage.debt(), stage.supply().burned) == (0, 0, 100)


def test_a_debit_beyond_what_is_there_is_owed_if_it_says_so() -> None:
    stage = PointStage()
    stage.earn("A1", 1000)

    adjusted = adjust(stage, Direction.DEBIT, "a1", 130, may_owe=True)

    assert isinstance(adjusted, PointsAdjusted)
    assert (adjusted.available_after, adjusted.debt_after) == (0, 30)
    more = adjust(stage, Direction.DEBIT, "a2", 20, may_owe=True)
    assert isinstance(more, PointsAdjusted)
    assert (more.debt_repaid, more.debt_after) == (0, 50)
    less = adjust(stage, Direction.CREDIT, "a3", 20)
    assert isinstance(less, PointsAdjusted)
    assert (less.debt_repaid, less.available_after, less.debt_after) == (20, 0, 30)
    assert stage.earn("A2", 1000).debt_repaid == 30


def test_a_refund_of_somebody_who_owes_the_most_there_can_be_leaves_a_debt_that_can_be_written() -> None:
    stage = PointStage()
    set_policy(stage, grant_max=POINTS_MAX, two_operators_above=POINTS_MAX, clerk_points_per_day=POINTS_MAX)
    stage.earn("A1", 1000)
    stage.give_away(100)
    adjusted = adjust(stage, Direction.DEBIT, "a1", POINTS_MAX, may_owe=True)
    assert isinstance(adjusted, PointsAdjusted)
    assert adjusted.debt_after == POINTS_MAX

    revoked = stage.refund("A1", "R1", 1000)

    assert (revoked.points, revoked.debt_after, stage.debt()) == (100, POINTS_MAX, POINTS_MAX)
    key = holding_key(ANN, CONSUMER)
    assert decode_record(key, encode(stage.holding())) == stage.holding()


def test_f19_a_bonus_may_be_as_large_as_the_policy_says_and_fill_the_cap_of_the_points() -> None:
    stage = with_terms(issue_cap=100)
    set_policy(stage, grant_max=101, two_operators_above=101, budget=100)

    assert grant(stage, "g1", 101) is Rejection.ISSUE_CAP_REACHED
    set_policy(stage, 2, grant_max=100, two_operators_above=100, budget=100)
    assert isinstance(grant(stage, "g1", 100), BonusGranted)
    assert adjust(stage, Direction.CREDIT, "a1", 1) is Rejection.ISSUE_CAP_REACHED


def test_what_the_policy_says_of_bonuses_binds_no_adjustment() -> None:
    stage = PointStage()
    set_policy(stage, grant_max=10, two_operators_above=10, budget=10)
    assert isinstance(grant(stage, "g1", 10), BonusGranted)
    both = ("mall issuer", "mall admin")

    assert isinstance(adjust(stage, Direction.CREDIT, "a1", 11, *both), PointsAdjusted)


def test_a_credit_that_only_repays_a_debt_is_made_though_more_than_the_cap_is_out() -> None:
    stage = with_terms(issue_cap=100)
    stage.earn("A1", 1000)
    stage.give_away(100)
    stage.refund("A1", "R1", 300)
    assert (stage.debt(), stage.supply().outstanding) == (30, 100)
    body = PublishTerms(stage.time, stage.nonce(), "mall", CONSUMER, Terms(version=3, issue_cap=50))
    assert not isinstance(stage.take(body, "mall admin"), Rejection)

    assert adjust(stage, Direction.CREDIT, "a1", 31) is Rejection.ISSUE_CAP_REACHED
    assert isinstance(adjust(stage, Direction.CREDIT, "a1", 30), PointsAdjusted)
    assert (stage.debt(), stage.holding().lots) == (0, ())


def test_i4_the_last_points_that_can_be_counted_can_be_granted_and_not_one_more() -> None:
    stage = PointStage()
    set_policy(stage, **dict.fromkeys(("grant_max", "two_operators_above", "clerk_points_per_day"), POINTS_MAX))

    assert isinstance(grant(stage, "most", POINTS_MAX - 1), BonusGranted)
    set_policy(stage, 2, clerk_points_per_day=POINTS_MAX)
    assert grant(stage, "two", 2, "mall issuer") is Rejection.SUPPLY_EXHAUSTED
    assert isinstance(grant(stage, "last", 1, "mall issuer"), BonusGranted)
    assert stage.holding().available == POINTS_MAX


def test_an_adjustment_is_made_once_and_by_the_office() -> None:
    stage = PointStage()

    assert adjust(stage, Direction.CREDIT, "a1", 10, TILL) is Rejection.NOT_AUTHORIZED
    assert isinstance(adjust(stage, Direction.CREDIT, "a1"), PointsAdjusted)
    assert adjust(stage, Direction.DEBIT, "a1") is Rejection.CAUSE_ALREADY_USED
    assert isinstance(grant(stage, "a1"), BonusGranted)  # a bonus has keys of its own


@pytest.mark.parametrize("direction", Direction)
def test_large_adjustments_need_two_operators(direction: Direction) -> None:
    stage = PointStage()
    stage.earn("A1", 10_000)

    assert adjust(stage, direction, "a1", 501) is Rejection.SECOND_OPERATOR_MISSING
    assert isinstance(adjust(stage, direction, "a1", 501, "mall issuer", "mall admin"), PointsAdjusted)


def test_an_adjustment_changes_no_tier() -> None:
    stage = TierStage()
    stage.buy("A1", 100)

    adjust(stage.points, Direction.DEBIT, "a1", 100)

    assert stage.tier() == "gold"
    assert stage.member().points == 100
