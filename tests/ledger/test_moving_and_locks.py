"""Acceptance scenarios of moving points and of locked accounts, by the rows of the requirements."""

from typing import Final
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jifen.ledger import agenda
from jifen.ledger.dates import DAY_MS
from jifen.ledger.locks.bodies import AccountLocked, AccountUnlocked, LockAccount, UnlockAccount
from jifen.ledger.locks.records import LockReason, UnlockReason
from jifen.ledger.payments.bodies import PaymentPart, PayOrder, PublishAcceptance, SetPaymentPolicy
from jifen.ledger.payments.records import Acceptance
from jifen.ledger.receipts import PointsTransferred
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import MOVED, acceptance_key, open_offers_key, organization_key
from jifen.ledger.swaps.bodies import AcceptSwapOffer, CancelSwapOffer, CreateSwapOffer, PointsSwapped, SwapOfferClosed
from jifen.ledger.swaps.records import OfferEnd, board_of
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.effects import PointsExpired
from jifen.ledger.terms.records import MovingLimits, RollingExpiry, Terms
from jifen.ledger.transactions import TransferPoints
from jifen.ledger.types import LotOrigin, Operator, Organization, Scope
from jifen.testing.naive.scene import account_of, key_of
from jifen.testing.scenes.point_stage import ANN, BO, PointStage

MALL, STORE = "mall/consumer", "books/store"
CY: Final = account_of(key_of("cy"))


def publish(stage: PointStage, point_type: str, version: int, **changes: object) -> None:
    """Publish terms in force at once."""
    terms = msgspec.structs.replace(Terms(version=version), **changes)
    issuer = point_type.split("/", maxsplit=1)[0]
    body = PublishTerms(stage.time, stage.nonce(), issuer, point_type, terms)
    assert not isinstance(stage.take(body, f"{issuer} admin"), Rejection)


def market() -> PointStage:
    """Return a stage on which Ann has 1,000 points of the mall's, Bo 1,000 of the bookshop's, a fen each."""
    stage = PointStage()
    for point_type in (MALL, STORE):
        publish(stage, point_type, 2, swappable=True, settlement_fen=1)
    stage.earn("A", 10_000)
    stage.earn("B", 5_000, STORE, BO)
    return stage


def pass_on(stage: PointStage, points: int, sender: str = "ann", recipient: bytes = BO) -> object:
    """Pass the mall's points on."""
    body = TransferPoints(stage.time, stage.nonce(), account_of(key_of(sender)), recipient, MALL, points, b"")
    return stage.take(body, sender)


def offer(stage: PointStage, give: int, want: int, value: int, minimum: int = 0, **more: object) -> bytes:
    """Let Ann offer the mall's points for the bookshop's; return the offer's id."""
    body = CreateSwapOffer(
        stage.time, stage.nonce(), ANN, MALL, give, STORE, want, value, stage.time + DAY_MS, minimum or give
    )
    effect = stage.take(msgspec.structs.replace(body, **more), "ann")
    assert not isinstance(effect, Rejection), effect
    return stage.last.id


def accept(stage: PointStage, name: bytes, points: int, pays: int, taker: str = "bo") -> object:
    """Accept an offer."""
    return stage.take(AcceptSwapOffer(stage.time, stage.nonce(), account_of(key_of(taker)), name, points, pays), taker)


def lock(stage: PointStage, account: bytes, organizations: tuple[str, ...], *signers: str) -> object:
    """Lock an account."""
    return stage.take(LockAccount(stage.time, stage.nonce(), account, LockReason.LOST, organizations), *signers)


def unlock(stage: PointStage, account: bytes, *signers: str) -> object:
    """Unlock an account by books and the mall."""
    body = UnlockAccount(stage.time, stage.nonce(), account, UnlockReason.FOUND, ("books", "mall"))
    return stage.take(body, *signers)


OFFICERS: Final = ("books till", "mall guard")


def test_f18_three_hundred_a_for_a_hundred_b_are_swapped_both_or_neither() -> None:
    stage = market()
    publish(stage, STORE, 3, swappable=True, settlement_fen=3)
    name = offer(stage, 300, 100, 300)

    assert accept(stage, name, 300, 99) is Rejection.RATIO_DIFFERENT
    assert (stage.holding().available, stage.holding().held) == (700, 300)
    assert stage.holding(STORE, BO).available == 1000

    effect = accept(stage, name, 300, 100)
    assert isinstance(effect, PointsSwapped)
    assert (effect.points, effect.pays, effect.value_fen, effect.left) == (300, 100, 300, 0)
    assert (stage.holding().available, stage.holding().held, stage.holding(STORE).available) == (700, 0, 100)
    assert (stage.holding(MALL, BO).available, stage.holding(STORE, BO).available) == (300, 900)
    assert [lot.origin for lot in stage.holding(MALL, BO).lots] == [LotOrigin.SWAPPED]


def test_f18_an_offer_is_accepted_once() -> None:
    stage = market()
    name = offer(stage, 30, 30, 30)

    assert isinstance(accept(stage, name, 30, 30), PointsSwapped)
    assert accept(stage, name, 30, 30) is Rejection.OFFER_NOT_OPEN


def test_f18_an_offer_that_has_run_out_cannot_be_accepted_and_its_points_are_back() -> None:
    stage = market()
    name = offer(stage, 30, 30, 30)

    effects = stage.wait(DAY_MS)
    assert [(type(effect), effect.end) for effect in effects if isinstance(effect, SwapOfferClosed)] == [
        (SwapOfferClosed, OfferEnd.EXPIRED)
    ]
    assert accept(stage, name, 30, 30) is Rejection.OFFER_NOT_OPEN
    assert (stage.holding().available, stage.holding().held) == (1000, 0)


def test_f18_a_locked_party_cannot_swap() -> None:
    stage = market()
    name, other = offer(stage, 30, 30, 30), offer(stage, 20, 20, 20)
    lock(stage, BO, (), "bo")
    assert accept(stage, name, 30, 30) is Rejection.ACCOUNT_LOCKED

    body = LockAccount(stage.time, stage.nonce(), ANN, LockReason.LEAKED)
    closed = stage.effects_of(body, "ann")
    assert isinstance(closed, tuple)
    assert [effect.offer for effect in closed if isinstance(effect, SwapOfferClosed)] == [name, other]
    assert accept(stage, name, 30, 30, "bo") is Rejection.ACCOUNT_LOCKED
    assert stage.holding().held == 0
    assert stage.state.get(open_offers_key(ANN)) is None


def test_f18_a_part_is_taken_in_the_exact_ratio_and_what_is_left_can_be_cancelled() -> None:
    stage = market()
    name = offer(stage, 20, 30, 20, minimum=4)

    assert accept(stage, name, 2, 3) is Rejection.PART_TOO_SMALL
    assert accept(stage, name, 5, 7) is Rejection.RATIO_DIFFERENT
    effect = accept(stage, name, 18, 27)
    assert isinstance(effect, PointsSwapped)
    assert effect.left == 2
    assert accept(stage, name, 4, 6) is Rejection.PART_TOO_LARGE
    assert stage.take(CancelSwapOffer(stage.time, stage.nonce(), name), "bo") is Rejection.NOT_AUTHORIZED
    closed = stage.take(CancelSwapOffer(stage.time, stage.nonce(), name), "ann")
    assert isinstance(closed, SwapOfferClosed)
    assert (closed.points, closed.end) == (2, OfferEnd.CANCELLED)
    assert stage.holding().available == 982


def test_f18_the_board_gives_the_lowest_price_first() -> None:
    stage = market()
    dear, cheap, even = offer(stage, 10, 20, 10), offer(stage, 30, 20, 20), offer(stage, 7, 7, 7)
    private = offer(stage, 30, 20, 20, counterparty=BO)

    pair = board_of(MALL, STORE)
    found = [key[-32:] for key, _ in stage.state.range(pair, pair + b"\xff", 10)]
    assert found == [cheap, even, dear]
    assert private not in found


def test_i7b_the_agreed_value_is_asked_for_when_an_offer_is_made_and_when_it_is_accepted() -> None:
    stage = market()
    high = CreateSwapOffer(stage.time, stage.nonce(), ANN, MALL, 30, STORE, 30, 31, stage.time + 1, 30)
    low = msgspec.structs.replace(high, value_fen=14)
    assert stage.take(high, "ann") is Rejection.OUTSIDE_CORRIDOR
    assert stage.take(low, "ann") is Rejection.OUTSIDE_CORRIDOR

    name = offer(stage, 30, 30, 30)
    publish(stage, STORE, 3, swappable=True, settlement_fen=1, settlement_points=2)
    assert accept(stage, name, 30, 30) is Rejection.OUTSIDE_CORRIDOR


@given(
    swaps=st.lists(
        st.tuples(st.booleans(), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=12
    )
)
@settings(max_examples=25)
def test_i7b_swapping_back_and_forth_grows_nobody_s_claim_beyond_the_agreed_values(
    swaps: list[tuple[bool, int, int, int]],
) -> None:
    stage = market()
    members = {"ann": ANN, "bo": BO}
    for mine, give, want, value in swaps:
        maker, taker = ("ann", "bo") if mine else ("bo", "ann")
        types = (MALL, STORE) if mine else (STORE, MALL)
        body = CreateSwapOffer(
            stage.time, stage.nonce(), members[maker], types[0], give, types[1], want, value, stage.time + 1, give
        )
        if isinstance(stage.take(body, maker), Rejection):
            continue
        effect = accept(stage, stage.last.id, give, want, taker)
        if isinstance(effect, PointsSwapped):
            assert effect.value_fen <= min(effect.points, effect.pays)
    for point_type in (MALL, STORE):
        there = sum(
            holding.available + holding.held
            for holding in (stage.holding(point_type, account) for account in members.values())
        )
        assert there == stage.supply(point_type).outstanding == 1000


def test_i9_swapped_points_keep_their_dates_and_an_offer_ends_before_they_do() -> None:
    stage = market()
    publish(stage, MALL, 3, swappable=True, settlement_fen=1, expiry=RollingExpiry(2))
    stage.wait(DAY_MS)
    stage.earn("short", 500)
    [short] = [lot for lot in stage.holding().lots if lot.expires_at]
    name = offer(stage, 50, 50, 50, open_until=stage.time + 20 * DAY_MS)

    effect = accept(stage, name, 50, 50)
    assert isinstance(effect, PointsSwapped)
    [got] = stage.holding(MALL, BO).lots
    assert (got.available_from, got.expires_at, got.origin) == (
        short.available_from,
        short.expires_at,
        LotOrigin.SWAPPED,
    )
    stage.earn("again", 500)
    late = offer(stage, 50, 50, 50, open_until=stage.time + 20 * DAY_MS)
    assert isinstance(stage.wait(short.expires_at - stage.time), list)
    assert accept(stage, late, 50, 50) is Rejection.OFFER_NOT_OPEN


def test_x5_the_thirty_first_transfer_of_a_day_is_rejected_and_the_next_day_s_first_is_not() -> None:
    stage = market()
    for _ in range(30):
        assert isinstance(pass_on(stage, 1), PointsTransferred)
    assert pass_on(stage, 1) is Rejection.TRANSFER_LIMIT_REACHED

    stage.wait(DAY_MS)
    assert stage.state.range(MOVED, MOVED + b"\xff", 10) == []
    assert isinstance(pass_on(stage, 1), PointsTransferred)


def test_x5_what_a_member_passes_on_and_receives_in_a_day_is_limited_by_the_terms() -> None:
    stage = market()
    stage.register("cy")
    publish(stage, MALL, 3, limits=MovingLimits(points=100, receipts=2))

    assert pass_on(stage, 101) is Rejection.POINTS_LIMIT_REACHED
    assert isinstance(pass_on(stage, 60), PointsTransferred)
    assert pass_on(stage, 41) is Rejection.POINTS_LIMIT_REACHED
    assert isinstance(pass_on(stage, 10, "bo", CY), PointsTransferred)
    assert isinstance(pass_on(stage, 10, "ann", CY), PointsTransferred)
    assert pass_on(stage, 10, "ann", CY) is Rejection.RECEIPT_LIMIT_REACHED


@pytest.mark.parametrize("blocks", [False, True], ids=["in one block", "through several blocks"])
def test_c5_of_twenty_gifts_of_the_same_hundred_points_exactly_one_is_made(blocks: bool) -> None:
    stage = PointStage()
    stage.earn("A", 1000)
    outcomes = []
    for _ in range(20):
        outcomes.append(pass_on(stage, 100))
        if blocks:
            stage.wait(1)

    assert sum(isinstance(outcome, PointsTransferred) for outcome in outcomes) == 1
    assert outcomes.count(Rejection.INSUFFICIENT_POINTS) == 19
    assert stage.holding(MALL, BO).available == 100


def test_m5a_a_locked_account_pays_nothing_and_still_receives() -> None:
    stage = market()
    effect = lock(stage, ANN, (), "ann")
    assert effect == AccountLocked(ANN, LockReason.LOST, (), stage.time, 0)

    assert pass_on(stage, 1) is Rejection.ACCOUNT_LOCKED
    assert stage.earn("more", 100).points == 10
    assert unlock(stage, ANN, "ann") is Rejection.NOT_AUTHORIZED
    assert isinstance(unlock(stage, ANN, *OFFICERS), AccountUnlocked)
    assert isinstance(pass_on(stage, 1), PointsTransferred)


def test_m5a_a_temporary_lock_lapses_on_time_and_cannot_be_repeated_by_one_organization_alone() -> None:
    stage = market()
    lock(stage, ANN, ("mall",), "mall guard")
    stage.wait(3 * DAY_MS - 1)
    assert pass_on(stage, 1) is Rejection.ACCOUNT_LOCKED

    assert any(isinstance(effect, AccountUnlocked) for effect in stage.wait(1))
    assert isinstance(pass_on(stage, 1), PointsTransferred)
    assert lock(stage, ANN, ("mall",), "mall guard") is Rejection.LOCKED_TOO_SOON
    assert isinstance(lock(stage, ANN, ("books", "mall"), *OFFICERS), AccountLocked)


def test_m5a_a_member_who_confirms_what_one_organization_has_locked_makes_it_last() -> None:
    stage = market()
    assert isinstance(lock(stage, ANN, ("mall",), "mall guard"), AccountLocked)
    assert isinstance(lock(stage, ANN, (), "ann"), AccountLocked)

    stage.wait(30 * DAY_MS)  # every invariant is checked with it

    assert pass_on(stage, 1) is Rejection.ACCOUNT_LOCKED


def test_m5a_a_second_organization_makes_a_temporary_lock_last() -> None:
    stage = market()
    lock(stage, ANN, ("mall",), "mall guard")
    assert lock(stage, ANN, ("mall",), "mall guard") is Rejection.ALREADY_LOCKED
    effect = lock(stage, ANN, ("books",), "books till")
    assert isinstance(effect, AccountLocked)
    assert (effect.organizations, effect.until) == (("mall", "books"), 0)

    stage.wait(40 * DAY_MS)
    assert pass_on(stage, 1) is Rejection.ACCOUNT_LOCKED


def test_p5_a_lot_whose_date_comes_inside_a_lock_is_still_there_after_unlock_and_expires_later() -> None:
    stage = PointStage()
    publish(stage, MALL, 2, expiry=RollingExpiry(5))
    stage.earn("A", 1000)
    stage.earn("G", 1000, "mall/guide")  # these never expire, and move by no day
    [lot] = stage.holding().lots
    stage.wait(2 * DAY_MS)
    lock(stage, ANN, (), "ann")

    assert not any(isinstance(effect, PointsExpired) for effect in stage.wait(10 * DAY_MS))
    assert stage.holding().available == 100
    effect = unlock(stage, ANN, *OFFICERS)
    assert isinstance(effect, AccountUnlocked)
    assert effect.days == 10
    [after] = stage.holding().lots
    assert (after.expires_at - lot.expires_at, after.paused_days) == (10 * DAY_MS, 10)

    assert stage.refund("A", "R", 500).points == 50  # the order still finds its points
    told = stage.wait(after.expires_at - stage.time)
    assert [effect.points for effect in told if isinstance(effect, PointsExpired)] == [50]


def test_p5_points_sent_to_a_locked_account_do_not_grow_old_there() -> None:
    stage = PointStage()
    publish(stage, MALL, 2, expiry=RollingExpiry(30))
    stage.earn("A", 1000)
    [lot] = stage.holding().lots
    lock(stage, BO, (), "bo")
    stage.wait(20 * DAY_MS)
    pass_on(stage, 100)
    stage.wait(2 * DAY_MS)
    unlock(stage, BO, *OFFICERS)

    [got] = stage.holding(MALL, BO).lots
    assert got.expires_at - lot.expires_at == 2 * DAY_MS


def pay(stage: PointStage, order: str, points: int) -> None:
    """Let Ann pay the whole of an order of the mall's with points of its own."""
    if not stage.state.get(acceptance_key("mall", MALL)):
        acceptance = Acceptance(1, 1, 1, 1, 1, 10_000, 5_000)
        limit = SetPaymentPolicy(stage.time, stage.nonce(), "mall", 1, 10_000, 5_000)
        assert not isinstance(stage.effects_of(limit, "mall admin"), Rejection)
        body = PublishAcceptance(stage.time, stage.nonce(), "mall", MALL, acceptance)
        assert not isinstance(stage.effects_of(body, "mall admin"), Rejection)
    paid = PayOrder(stage.time, stage.nonce(), "mall", order, bytes(32), ANN, points, (PaymentPart(MALL, points),))
    assert not isinstance(stage.effects_of(paid, "ann", "mall till"), Rejection)


@pytest.mark.parametrize("paid", [0, 40, 100])
def test_i9_points_that_a_refund_returns_to_a_locked_account_live_no_longer_than_if_they_had_stayed(paid: int) -> None:
    stage = PointStage()
    publish(stage, MALL, 2, expiry=RollingExpiry(5))
    stage.earn("A", 1000)
    [lot] = stage.holding().lots
    if paid:
        pay(stage, "W", paid)
    stage.wait(4 * DAY_MS)
    lock(stage, ANN, (), "ann")
    stage.wait(10 * DAY_MS)
    if paid:
        assert not isinstance(stage.effects_of(stage.refund_body("W", "R", paid), "mall till"), Rejection)
    stage.wait(10 * DAY_MS)
    unlock(stage, ANN, *OFFICERS)

    [after] = stage.holding().lots
    assert (after.points, after.expires_at - lot.expires_at) == (100, 20 * DAY_MS)


def test_i9_no_lock_brings_points_back_to_life_whose_date_had_passed_while_they_were_spent() -> None:
    stage = PointStage()
    publish(stage, MALL, 2, expiry=RollingExpiry(5))
    stage.earn("A", 1000)
    pay(stage, "W", 100)
    stage.wait(7 * DAY_MS)
    lock(stage, ANN, (), "ann")
    stage.wait(DAY_MS)
    assert not isinstance(stage.effects_of(stage.refund_body("W", "R", 100), "mall till"), Rejection)
    stage.wait(5 * DAY_MS)
    unlocked = stage.effects_of(
        UnlockAccount(stage.time, stage.nonce(), ANN, UnlockReason.FOUND, ("books", "mall")), *OFFICERS
    )

    assert not isinstance(unlocked, Rejection)
    assert [effect.points for effect in unlocked if isinstance(effect, PointsExpired)] == [100]
    assert stage.holding().available == 0


# The edges of swapping.


def test_f18_whoever_has_exactly_what_a_swap_takes_can_offer_it_and_pay_it() -> None:
    stage = market()
    name = offer(stage, 1_000, 1_000, 1_000)
    assert stage.holding().available == 0

    assert isinstance(accept(stage, name, 1_000, 1_000), PointsSwapped)

    assert (stage.holding(MALL, BO).available, stage.holding(STORE).available) == (1_000, 1_000)


def test_f18_an_offer_to_one_member_is_for_that_one_alone() -> None:
    stage = market()
    stage.register("cy")
    name = offer(stage, 100, 100, 100, counterparty=CY)

    assert accept(stage, name, 100, 100) is Rejection.NOT_THE_COUNTERPARTY
    assert accept(stage, name, 100, 100, "cy") is Rejection.INSUFFICIENT_POINTS
    stage.earn("C", 500, STORE, CY)
    assert isinstance(accept(stage, name, 100, 100, "cy"), PointsSwapped)


@pytest.mark.parametrize("point_type", [MALL, STORE])
def test_f18_what_an_issuer_stops_letting_members_swap_is_swapped_no_more_though_it_is_offered(point_type: str) -> None:
    stage = market()
    name = offer(stage, 100, 100, 100)
    publish(stage, point_type, 3, swappable=False, settlement_fen=1)

    assert accept(stage, name, 100, 100) is Rejection.NOT_SWAPPABLE


def test_x5_who_has_received_as_often_as_the_terms_let_him_swaps_no_more_that_day() -> None:
    stage = market()
    name = offer(stage, 100, 100, 100, minimum=10)
    limits = MovingLimits(receipts=1)
    publish(stage, MALL, 3, swappable=True, settlement_fen=1, limits=limits)
    assert isinstance(accept(stage, name, 10, 10), PointsSwapped)

    assert accept(stage, name, 10, 10) is Rejection.RECEIPT_LIMIT_REACHED


def test_f18_a_rest_below_the_smallest_part_is_taken_whole() -> None:
    stage = market()
    name = offer(stage, 100, 100, 100, minimum=60)
    assert isinstance(accept(stage, name, 60, 60), PointsSwapped)

    assert accept(stage, name, 39, 39) is Rejection.PART_TOO_SMALL
    assert isinstance(accept(stage, name, 40, 40), PointsSwapped)


def test_f18_an_offer_is_over_at_its_end_also_where_the_agenda_has_not_got_to_it() -> None:
    stage = market()
    name = offer(stage, 100, 100, 100, minimum=10)
    stage.wait(DAY_MS - 1)
    assert isinstance(accept(stage, name, 10, 10), PointsSwapped)
    with patch.object(agenda, "AGENDA_MAX", 0):
        stage.wait(1)

    assert accept(stage, name, 10, 10) is Rejection.OFFER_NOT_OPEN
    body = CancelSwapOffer(stage.time, stage.nonce(), name)
    assert stage.take(body, "ann") is Rejection.OFFER_NOT_OPEN
    [closed] = [effect for effect in stage.wait(0) if isinstance(effect, SwapOfferClosed)]
    assert (closed.end, closed.points) == (OfferEnd.EXPIRED, 90)


def test_m5a_a_lock_closes_what_is_left_of_several_offers_of_which_one_was_taken() -> None:
    stage = market()
    first, second = offer(stage, 100, 100, 100), offer(stage, 200, 200, 200)
    assert isinstance(accept(stage, first, 100, 100), PointsSwapped)

    effects = stage.effects_of(LockAccount(stage.time, stage.nonce(), ANN, LockReason.LOST, ()), "ann")

    assert not isinstance(effects, Rejection)
    assert [effect.offer for effect in effects if isinstance(effect, SwapOfferClosed)] == [second]
    assert stage.holding().available == 900


def test_m5a_two_officers_of_one_organization_are_not_two_organizations() -> None:
    stage = market()
    mall = stage.state.get(organization_key("mall"))
    assert isinstance(mall, Organization)
    second = Operator(key_of("second guard"), int(Scope.LOCK_OFFICER))
    after = msgspec.structs.replace(mall, operators=(*mall.operators, second))
    stage.state.put(organization_key("mall"), after)

    assert lock(stage, ANN, ("mall", "mall"), "mall guard", "second guard") is Rejection.NOT_AUTHORIZED
    assert lock(stage, ANN, ("books", "mall"), "mall guard", "second guard") is Rejection.NOT_AUTHORIZED
    assert isinstance(lock(stage, ANN, ("books", "mall"), "books till", "second guard"), AccountLocked)
