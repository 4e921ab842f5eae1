"""Prize draws by the acceptance scenarios of F3c, and by what somebody would try who wants the prize."""

from hashlib import sha256
from typing import Any

import msgspec
import pytest

from jifen.ledger.draws.bodies import CancelDraw, CreateDraw, FulfilPrize
from jifen.ledger.draws.drawing import next_digest, seed_of, winners_of
from jifen.ledger.draws.effects import DrawEnded, EntriesSettled, WinnersDrawn
from jifen.ledger.draws.records import DRAW_MS_MAX, PRIZE_FEN_MAX, WINNERS_MAX, DrawStatus, Prize, RefundReason
from jifen.ledger.draws.settling import SETTLED_MAX
from jifen.ledger.points.positions import Position
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import holding_key
from jifen.ledger.terms.effects import PointsExpired
from jifen.ledger.terms.records import Terms
from jifen.ledger.types import Lot, LotOrigin
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.scenes.draw import COMMITTERS, FOREIGN, OWN, piece_of
from jifen.testing.scenes.draw_stage import DRAW, DrawStage

NAMES = ("ann", "bo", "cy", "dee", "eli", "fay", "gus")


def busy_stage(**terms: object) -> DrawStage:
    """Return a stage whose draw has entries of many."""
    stage = DrawStage(**terms)
    for number, name in enumerate(NAMES):
        stage.member(name)
        assert not isinstance(stage.enter(name, 1 + number % 3), Rejection)
    return stage


def drawn(effects: object) -> WinnersDrawn:
    """Return the effect that tells of the winners."""
    assert isinstance(effects, tuple), effects
    [effect] = [effect for effect in effects if isinstance(effect, WinnersDrawn)]
    return effect


def settled(stage: DrawStage) -> DrawEnded:
    """Let the agenda finish, and return what it told at the end."""
    for _ in range(50):
        ended = [effect for effect in stage.told if isinstance(effect, DrawEnded)]
        if ended:
            return ended[0]
        stage.next_block()
    raise AssertionError("the draw did not end")


def test_f3c_an_auditor_recomputes_the_winners_from_what_the_ledger_shows() -> None:
    stage = busy_stage()
    stage.close()
    told = drawn(stage.reveal_all())

    # By nothing but the standard library, as docs/decisions/drawing-prizes.md says it.
    def tagged(tag: str, *parts: bytes) -> bytes:
        start = sha256(f"jifen/draw/{tag}/1".encode()).digest()
        return sha256(start + start + b"".join(parts)).digest()

    digest = tagged("terms", msgspec.msgpack.encode(["mall", DRAW, stage.terms]))
    assert digest == stage.draw.hash
    for entry in stage.entries():
        numbers = entry.first.to_bytes(8, "big") + entry.count.to_bytes(8, "big")
        digest = tagged("entry", digest, entry.account, numbers, entry.transaction_id)
    pieces = [piece for commitment in stage.draw.commitments for piece in commitment.pieces]
    assert pieces == [piece_of(DRAW, name, index) for name in COMMITTERS for index in range(3)]
    seed = tagged("seed", digest, *pieces)
    order, count = list(range(1, told.entries + 1)), 0
    for place in range(3):
        left = told.entries - place
        while True:
            block = tagged("sample", seed, (count // 4).to_bytes(8, "big"))
            word = int.from_bytes(block[count % 4 * 8 : count % 4 * 8 + 8], "big")
            count += 1
            if word < 2**64 - 2**64 % left:
                break
        other = place + word % left
        order[place], order[other] = order[other], order[place]
    assert (told.digest, told.seed, told.winners) == (digest, seed, tuple(order[:3]))
    assert stage.draw.winners == told.winners
    assert told.withheld == ()


def test_f3c_changing_one_entry_gives_another_digest_and_other_winners() -> None:
    stage = busy_stage()
    stage.close()
    told = drawn(stage.reveal_all())
    entries, secrets = stage.entries(), [commitment.pieces for commitment in stage.draw.commitments]
    for place, entry in enumerate(entries):
        for changed in (
            msgspec.structs.replace(entry, account=account_of(key_of("mallory"))),
            msgspec.structs.replace(entry, transaction_id=bytes(32)),
            msgspec.structs.replace(entry, count=entry.count + 1),
        ):
            digest = stage.draw.hash
            for item in (*entries[:place], changed, *entries[place + 1 :]):
                digest = next_digest(digest, item.account, item.first, item.count, item.transaction_id)
            assert digest != told.digest
            assert seed_of(digest, secrets) != told.seed
    assert winners_of(told.seed, told.entries, 3) == told.winners


def test_f3c_a_late_entry_is_rejected() -> None:
    stage = busy_stage()
    stage.member("late")
    while stage.context.height < stage.terms.close_height:
        stage.next_block()
    assert not isinstance(stage.enter("late"), Rejection), "the close height itself still takes entries"
    before = len(stage.entries())
    stage.next_block()
    assert stage.enter("late") is Rejection.DRAW_CLOSED
    stage.reveal_all()
    assert stage.enter("late") is Rejection.DRAW_OVER
    assert len(stage.entries()) == before


@pytest.mark.parametrize("absent", COMMITTERS)
def test_f3c_a_withheld_reveal_still_settles_with_the_same_winners(absent: str) -> None:
    honest = busy_stage()
    honest.close()
    expected = drawn(honest.reveal_all())

    stage = busy_stage()
    stage.close()
    others = [name for name in COMMITTERS if name != absent]
    for name in others:
        assert not isinstance(stage.reveal(name), Rejection)
    first, second = others
    assert stage.reveal(absent, 0, 1, by=first) is Rejection.NOT_AUTHORIZED, "its own time is not over"
    stage.next_block(DAY_MS)
    # Every keeper shows the two pieces that it has: those that were not cut for a group with it in.
    place, places = COMMITTERS.index(absent), [COMMITTERS.index(name) for name in others]
    has = {member: [index for index in range(3) if index != member] for member in places}
    assert place not in has
    stage.reveal(absent, *has[places[0]], by=first)
    told = drawn(stage.reveal(absent, *has[places[1]], by=second))
    assert (told.winners, told.seed) == (expected.winners, expected.seed)
    assert told.withheld == (absent,), "who withheld stands on the ledger"
    assert settled(stage).status is DrawStatus.SETTLED


def test_f3c_fewer_entries_than_prizes_all_win() -> None:
    stage = DrawStage(prizes=(Prize("car", 5_000_000, 1), Prize("pen", 100, 9)))
    for name in ("ann", "bo"):
        stage.member(name)
        stage.enter(name)
    stage.close()
    told = drawn(stage.reveal_all())
    assert sorted(told.winners) == [1, 2]
    assert settled(stage).status is DrawStatus.SETTLED
    head = (stage.time + DAY_MS, stage.nonce(), "mall", DRAW)
    prizes = []
    for number in told.winners:
        effects = stage.take(FulfilPrize(*head, number, b""), "mall till")
        assert isinstance(effects, tuple)
        prizes.append(effects[0].prize)  # type: ignore[union-attr]
    assert prizes == [0, 1], "the first drawn has the car"
    assert stage.take(FulfilPrize(head[0], b"again000", *head[2:], 1, b""), "mall till") is Rejection.NO_PRIZE_DUE
    assert stage.take(FulfilPrize(head[0], b"other000", *head[2:], 3, b""), "mall till") is Rejection.NO_PRIZE_DUE


def test_f3c_cancellation_gives_every_entry_back_with_its_old_expiry() -> None:
    stage = DrawStage(prices=(FOREIGN, OWN), member_entries_max=100)
    before: dict[tuple[str, str], tuple[Lot, ...]] = {}
    for name in NAMES:
        stage.member(name, books=True)
    stage.next_block(DAY_MS // 2)
    for name in NAMES:
        stage.earn("books", account_of(key_of(name)), 1)
        for point_type in ("mall/consumer", "books/consumer"):
            before[name, point_type] = stage.lots(name, point_type)
            for entries in (3, 1, 40):
                assert not isinstance(stage.enter(name, entries, point_type), Rejection)
    assert stage.holding("ann").held == 132
    effects = stage.take(CancelDraw(stage.time + DAY_MS, bytes(8), "mall", DRAW, "the hall burned down"), "mall admin")
    assert not isinstance(effects, Rejection)
    assert stage.enter("ann") is Rejection.DRAW_OVER
    ended = settled(stage)
    assert (ended.status, ended.reason, ended.entries) == (DrawStatus.REFUNDED, RefundReason.CANCELLED, 616)
    for (name, point_type), lots in before.items():
        assert stage.lots(name, point_type) == lots
        assert stage.holding(name, point_type).held == 0
    refunds = [effect for effect in stage.told if isinstance(effect, EntriesSettled)]
    assert len(refunds) == 42
    assert all(effect.refunded for effect in refunds)
    assert len(before) == 14


def test_f3c_points_whose_date_came_while_they_were_held_expire_when_they_come_back() -> None:
    stage = DrawStage(prices=(FOREIGN,))
    stage.member("ann", books=True)
    stage.enter("ann", 2, "books/consumer")
    stage.next_block(40 * DAY_MS)
    assert settled(stage).reason is RefundReason.NEVER_CLOSED
    expired = [effect for effect in stage.told if isinstance(effect, PointsExpired)]
    assert sum(effect.points for effect in expired) == 10**9
    assert stage.holding("ann", "books/consumer").held == 0


def test_f3c_entries_are_spent_at_the_organizer_and_foreign_ones_become_its_position_at_the_published_rate() -> None:
    stage = DrawStage(prices=(FOREIGN, OWN))
    for name in ("ann", "bo"):
        stage.member(name, books=True)
    stage.enter("ann", 2)
    stage.enter("bo", 5, "books/consumer")
    burned, positions = stage.burned(), stage.positions()
    assert positions == []
    stage.close()
    stage.reveal_all()
    settled(stage)
    assert stage.burned() - burned == 2 * OWN.points
    [(key, position)] = stage.positions()
    assert (position, key[-8:]) == (Position(5 * FOREIGN.points), (10).to_bytes(4, "big") + (1).to_bytes(4, "big"))
    assert stage.burned("books/consumer") == 0
    assert (stage.holding("ann").available, stage.holding("ann").held) == (1000 - 6, 0)


@pytest.mark.parametrize(
    "terms", [{"accepted_by": ("mall",), "settlement_fen": 1}, {"accepted_by": (), "settlement_fen": 2}]
)
def test_i7_an_issuer_that_buys_back_for_less_or_lists_the_organizer_no_more_lets_nobody_enter_with_its_points(
    terms: dict[str, Any],
) -> None:
    stage = DrawStage(prices=(FOREIGN, OWN))
    stage.member("ann", books=True)
    assert not isinstance(stage.enter("ann", 1, "books/consumer"), Rejection)
    stage.publish_of_books(Terms(version=3, settlement_points=11, **terms))
    assert stage.enter("ann", 1, "books/consumer") is Rejection.DRAW_TAKES_OTHER_POINTS
    assert not isinstance(stage.enter("ann"), Rejection)


@pytest.mark.parametrize("silent", [0, 1])
def test_when_more_than_a_minority_stay_silent_everything_goes_back_and_their_names_are_told(silent: int) -> None:
    stage = busy_stage()
    stage.close()
    absent = ["cafe", "mall"]
    assert not isinstance(stage.reveal("books"), Rejection)
    if not silent:
        stage.reveal("cafe", 0)
        absent = ["mall"]
    points = {name: stage.holding(name).available + stage.holding(name).held for name in NAMES}
    stage.next_block(2 * DAY_MS)
    ended = settled(stage)
    assert (ended.reason, list(ended.withheld)) == (RefundReason.SECRETS_WITHHELD, absent)
    assert {name: stage.holding(name).available for name in NAMES} == points


def test_too_few_entries_give_everything_back() -> None:
    stage = DrawStage(entries_min=3)
    stage.member("ann")
    stage.enter("ann", 2)
    stage.close()
    effects = stage.reveal_all()
    assert not any(isinstance(effect, WinnersDrawn) for effect in effects)
    ended = settled(stage)
    assert (ended.status, ended.reason) == (DrawStatus.REFUNDED, RefundReason.TOO_FEW_ENTRIES)
    assert stage.holding("ann").available == 1000


def test_the_organizer_cannot_call_a_draw_off_once_it_could_know_the_outcome() -> None:
    stage = busy_stage()
    stage.close()
    assert not isinstance(stage.reveal("books"), Rejection)
    body = CancelDraw(stage.time + DAY_MS, bytes(8), "mall", DRAW, "I do not like it")
    assert stage.take(body, "mall admin") is Rejection.DRAW_CLOSED


def test_insiders_and_who_the_terms_exclude_cannot_enter() -> None:
    stage = DrawStage(excluded=(account_of(key_of("mallory")),))
    for name in ("mallory", "mall till", "books admin", "cafe admin"):
        stage.member(name)
        assert stage.enter(name) is Rejection.ACCOUNT_EXCLUDED, name
    stage.member("ann")
    assert not isinstance(stage.enter("ann"), Rejection)


def test_an_entry_s_points_cannot_be_spent_twice() -> None:
    stage = DrawStage(member_entries_max=100)
    stage.member("ann", mall_points=10)
    assert not isinstance(stage.enter("ann", 3), Rejection)
    assert stage.enter("ann", 1) is Rejection.INSUFFICIENT_POINTS
    assert (stage.holding("ann").available, stage.holding("ann").held) == (1, 9)


def test_entries_for_points_of_more_days_than_one_record_keeps_are_bought_in_parts() -> None:
    stage = DrawStage(prices=(msgspec.structs.replace(OWN, points=100),), member_entries_max=100)
    account = stage.member("ann", mall_points=400)
    lots = tuple(Lot(1, LotOrigin.EARNED, day, 0) for day in range(1, 401))
    before = stage.holding("ann")
    stage.state.put(holding_key(account, "mall/consumer"), msgspec.structs.replace(before, lots=lots))
    assert stage.enter("ann", 4) is Rejection.TOO_MANY_LOTS
    assert stage.enter("ann", 5) is Rejection.INSUFFICIENT_POINTS
    assert not isinstance(stage.enter("ann", 3), Rejection)
    assert not isinstance(stage.enter("ann", 1), Rejection)


def test_who_wins_does_not_depend_on_who_showed_which_secret_first() -> None:
    found = set()
    for order in (COMMITTERS, COMMITTERS[::-1], ("cafe", "mall", "books")):
        stage = busy_stage()
        stage.close()
        effects: object = ()
        for name in order:
            effects = stage.reveal(name)
        found.add(drawn(effects).winners)
    assert len(found) == 1


def test_many_entries_are_settled_in_slices_that_no_block_notices() -> None:
    stage = DrawStage(member_entries_max=100)
    for number in range(200):
        stage.member(f"member {number}")
        stage.enter(f"member {number}", 1 + number % 3)
    stage.close()
    told = drawn(stage.reveal_all())
    slices = []
    while stage.draw.status is DrawStatus.SETTLING:
        slices.append(len([effect for effect in stage.next_block() if isinstance(effect, EntriesSettled)]))
    assert max(slices) == SETTLED_MAX
    assert sum(slices) == 200
    assert len(slices) == -(-200 // SETTLED_MAX)
    assert told.entries == sum(1 + number % 3 for number in range(200)) == stage.draw.settled
    assert all(entry.lots == () for entry in stage.entries())


# The edges of what a draw may be.


def test_a_draw_may_last_a_year_and_give_as_many_and_as_dear_prizes_as_there_may_be() -> None:
    stage = DrawStage()
    most = Prize("bicycle", PRIZE_FEN_MAX, WINNERS_MAX)
    terms = msgspec.structs.replace(stage.terms, settle_by=stage.time + DRAW_MS_MAX, prizes=(most,))

    def publish(**changes: object) -> object:
        changed = msgspec.structs.replace(terms, **changes)
        return stage.take(CreateDraw(stage.time + DAY_MS, stage.nonce(), "mall", "year", changed), "mall admin")

    assert publish(settle_by=terms.settle_by + 1) is Rejection.CLOSE_OUT_OF_RANGE
    assert publish(prizes=(most, Prize("umbrella", 1, 1))) is Rejection.DRAW_CONTRADICTORY
    assert publish(prizes=(Prize("bicycle", PRIZE_FEN_MAX + 1, 1),)) is Rejection.PRIZE_TOO_LARGE
    assert publish(reveal_by=terms.settle_by) is Rejection.DRAW_CONTRADICTORY
    assert publish(entries_min=1001) is Rejection.DRAW_CONTRADICTORY
    assert not isinstance(publish(entries_min=1000, reveal_by=terms.settle_by - 1), Rejection)


def test_the_last_entries_of_a_draw_and_of_a_member_can_be_bought_and_none_more() -> None:
    stage = DrawStage(entries_max=7, member_entries_max=5)
    for name in ("ann", "bo"):
        stage.member(name)

    assert not isinstance(stage.enter("ann", 4), Rejection)
    assert stage.enter("ann", 2) is Rejection.ENTRIES_EXHAUSTED
    assert not isinstance(stage.enter("ann", 1), Rejection)
    assert stage.enter("bo", 3) is Rejection.ENTRIES_EXHAUSTED
    assert not isinstance(stage.enter("bo", 2), Rejection)


def test_a_draw_that_has_exactly_the_entries_it_needs_is_drawn() -> None:
    stage = DrawStage(entries_min=2)
    stage.member("ann")
    stage.enter("ann", 2)
    stage.close()

    assert drawn(stage.reveal_all()).entries == 2
