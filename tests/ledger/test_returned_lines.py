"""Refunds that name lines of their order: what these have earned is taken, of every leg by its own rule."""

from fractions import Fraction
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.ledger.payments.bodies import PaymentPart, PayOrder, PublishAcceptance, SetPaymentPolicy
from jifen.ledger.payments.effects import PointsGivenBack
from jifen.ledger.payments.records import Acceptance
from jifen.ledger.receipts import AnyEffect, PointsEarned, PointsRevoked
from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.bodies import PublishEarningRule
from jifen.ledger.rules.reckoning import value_of
from jifen.ledger.rules.records import Bracket, BracketMode, EarningRule, ItemRule, OrderLine
from jifen.ledger.transactions import EarnPoints
from jifen.ledger.types import Credit, ItemPart
from jifen.testing.scenes.point_stage import ANN, BO, CONSUMER, PointStage

TEA, CARD = OrderLine("tea", "", 3000), OrderLine("gift-card", "", 5000)
RULE: Final = EarningRule(
    2, (Bracket(0, 1, 100),), items=(ItemRule("tea", "", 2, 100), ItemRule("gift-card", "", 0, 1))
)
"""A point a yuan, two for tea, none for gift cards."""


class Counter:
    """The mall's till. An order of 100.00: tea for 30.00, a gift card of 50.00, 20.00 of other things; 80 points."""

    def __init__(self, rule: EarningRule | None = RULE, **changes: Any) -> None:
        self.stage = PointStage()
        self.refunds = 0
        if rule is not None:
            self.publish(msgspec.structs.replace(rule, **changes), CONSUMER)

    def publish(self, rule: EarningRule, point_type: str) -> None:
        body = PublishEarningRule(self.stage.time, self.stage.nonce(), "mall", point_type, rule)
        assert not isinstance(self.stage.take(body, "mall admin"), Rejection)

    def sell(self, items: tuple[OrderLine, ...] = (TEA, CARD), guide: bytes | None = None) -> list[int]:
        head = (self.stage.time, self.stage.nonce(), "mall", "A", ANN, CONSUMER, 10_000, 7)
        effects = self.stage.effects_of(EarnPoints(*head, items, guide), "mall till")
        assert not isinstance(effects, Rejection), effects
        return [effect.points for effect in effects if isinstance(effect, PointsEarned)]

    def effects(self, amount: int, *items: OrderLine) -> tuple[AnyEffect, ...] | Rejection:
        self.refunds += 1
        body = self.stage.refund_body("A", f"R{self.refunds}", amount)
        return self.stage.effects_of(msgspec.structs.replace(body, items=items), "mall till")

    def refund(self, amount: int, *items: OrderLine) -> list[int]:
        """Refund lines and return what every leg loses."""
        effects = self.effects(amount, *items)
        assert not isinstance(effects, Rejection), effects
        return [effect.points for effect in effects if isinstance(effect, PointsRevoked)]


def line(category: str, amount: int) -> OrderLine:
    return OrderLine(category, "", amount)


def test_a_line_takes_what_it_has_earned_and_not_its_share_of_the_order() -> None:
    for items, amount, taken in (((TEA,), 3000, 60), ((CARD,), 5000, 0), ((line("book", 2000),), 2000, 20)):
        counter = Counter()
        assert counter.sell() == [80]
        assert counter.refund(amount, *items) == [taken]
        assert counter.refund(10_000 - amount) == [80 - taken], "what is left of the order gives the rest"


def test_without_lines_all_that_is_kept_shares_a_refund() -> None:
    counter = Counter()
    counter.sell()
    assert counter.refund(5000) == [40]
    assert counter.refund(5000) == [40]


def test_what_a_refund_gives_beyond_its_lines_comes_off_what_is_kept() -> None:
    counter = Counter()
    counter.sell()
    # 10.00 for the trouble, on top of the tea: a seventh of card and other things, of which the latter earn 20.
    assert counter.refund(4000, TEA) == [63]
    assert counter.refund(6000) == [17]


def test_a_full_refund_by_lines_takes_everything() -> None:
    counter = Counter(visit_points=5, visits_per_day=1)
    assert counter.sell() == [85]
    assert counter.refund(8000, CARD, TEA) == [60], "who keeps anything has come"
    assert counter.refund(2000, line("other", 2000)) == [25]
    assert counter.stage.holding().available == 0


@pytest.mark.parametrize(
    ("before", "amount", "items"),
    [
        ((), 100, (line("tea", 60), line("book", 41))),
        ((), 3001, (line("tea", 3001),)),
        ((line("tea", 2000),), 1001, (line("tea", 1001),)),
        ((), 2001, (line("book", 2001),)),
        ((), 3000, (line("tea", 1500), line("tea", 1501))),
    ],
    ids=["more than the refund", "more than was bought", "returned before", "more than other things", "twice"],
)
def test_lines_that_the_order_has_not_left_are_refused(
    before: tuple[OrderLine, ...], amount: int, items: tuple[OrderLine, ...]
) -> None:
    counter = Counter()
    counter.sell()
    if before:
        counter.refund(sum(item.amount_fen for item in before), *before)
    held = counter.stage.holding()
    assert counter.effects(amount, *items) is Rejection.ITEMS_EXCEED_REFUND
    assert counter.stage.holding() == held
    assert counter.effects(amount) is not Rejection.ITEMS_EXCEED_REFUND, "without lines it can be refunded"


def test_a_line_of_which_the_order_has_nothing_is_refused() -> None:
    counter = Counter()
    counter.sell((CARD,))
    assert counter.effects(1, line("tea", 1)) is Rejection.ITEMS_EXCEED_REFUND
    assert counter.refund(1, line("tea", 0)) == [1], "a line of nothing takes nothing; the fen is other things'"


def test_f23_every_leg_looks_at_lines_by_its_own_rule() -> None:
    counter = Counter()
    guides = EarningRule(5, (Bracket(0, 1, 100),), items=(ItemRule("gift-card", "", 5, 100),))
    counter.publish(guides, "mall/guide")
    assert counter.sell(guide=BO) == [80, 300]
    assert counter.refund(5000, CARD) == [0, 250]
    assert counter.refund(3000, TEA) == [60, 30]
    assert counter.effects(1, line("tea", 1)) is Rejection.ITEMS_EXCEED_REFUND, (
        "the guide's rule knows no tea; ours does"
    )
    assert counter.refund(2000) == [20, 20]


def test_where_a_flat_rate_or_no_rule_held_lines_make_no_difference() -> None:
    flat, gone = Counter(None), Counter(regions=("north",))
    assert (flat.sell(), gone.sell()) == ([1000], [0])
    assert (flat.refund(3000, TEA), gone.refund(3000, TEA)) == ([300], [0])
    assert (flat.refund(7000), gone.refund(7000, line("card", 7000))) == ([700], [0])


def test_the_receipt_says_what_was_returned_of_each_part_in_all() -> None:
    counter = Counter()
    counter.sell()
    told = []
    for items in ((line("tea", 1000),), (), (line("wine", 500), line("tea", 200))):
        effects = counter.effects(max(1, sum(item.amount_fen for item in items)), *items)
        assert not isinstance(effects, Rejection)
        [effect] = effects
        assert isinstance(effect, PointsRevoked)
        told.append(effect.returned)
    assert told == [(0, 1000, 0), (0, 1000, 0), (500, 1200, 0)]


def paid(counter: Counter) -> None:
    """Let Ann pay 40.00 of order A with points."""
    stage = counter.stage
    stage.earn("rich", 10_000_000)
    acceptance = PublishAcceptance(stage.time, stage.nonce(), "mall", CONSUMER, Acceptance(1, 1, 1, 1, 1, 6_000, 5_000))
    order = PayOrder(stage.time, stage.nonce(), "mall", "A", bytes(32), ANN, 10_000, (PaymentPart(CONSUMER, 4000),))
    policy = SetPaymentPolicy(stage.time, stage.nonce(), "mall", 1, 8_000, 9_000)
    for body, signers in ((policy, ("mall admin",)), (acceptance, ("mall admin",)), (order, ("ann", "mall till"))):
        assert not isinstance(stage.effects_of(body, *signers), Rejection)


def test_of_a_line_that_points_have_paid_in_part_only_the_money_has_earned() -> None:
    counter = Counter()
    paid(counter)
    # Points have paid the 20.00 of other things and 20.00 of the tea, whose other 10.00 earn 20.
    assert counter.sell() == [20]
    assert counter.refund(1500, line("tea", 1500)) == [10]
    effects = counter.effects(2000, line("book", 2000))
    assert not isinstance(effects, Rejection)
    [back] = [effect for effect in effects if isinstance(effect, PointsGivenBack)]
    assert (back.amount_fen - back.money_fen, counter.stage.holding().available > 0) == (800, True)
    assert counter.refund(1500, line("tea", 1500)) == [10]
    assert counter.refund(5000, CARD) == [0]


def test_an_order_that_earned_nothing_yet_gives_back_what_points_have_paid_of_its_lines() -> None:
    counter = Counter()
    paid(counter)
    assert counter.effects(100, line("tea", 101)) is Rejection.ITEMS_EXCEED_REFUND
    effects = counter.effects(5000, CARD)
    assert not isinstance(effects, Rejection)
    [back] = effects
    assert isinstance(back, PointsGivenBack)
    assert back.money_fen == 3000


LINES: Final = ("tea", "gift-card", "wine")

steps = st.lists(st.tuples(st.sampled_from((*LINES, "")), st.integers(1, 2500)), max_size=8)


@given(steps, st.sampled_from(BracketMode), st.randoms(use_true_random=False))
def test_x1_any_parts_of_refunds_in_any_order_take_what_one_of_the_same_lines_takes(
    parts: list[tuple[str, int]], mode: BracketMode, shuffled: Any
) -> None:
    items = (ItemRule("tea", "", 3, 110), ItemRule("gift-card", "", 0, 1))
    rule = EarningRule(2, (Bracket(0, 1, 70), Bracket(900, 2, 90)), mode=mode, items=items)
    room = {"tea": 3000, "gift-card": 5000, "wine": 2000, "": 10_000}
    fitting: list[tuple[str, int]] = []
    for name, amount in parts:
        if amount <= room[name] and sum(part for _, part in fitting) + amount <= 10_000:
            room[name] -= amount
            fitting.append((name, amount))
    orders = [fitting, shuffled.sample(fitting, len(fitting))]
    counters = []
    for order in orders:
        counter = Counter(rule)
        counter.sell()
        for name, amount in order:
            counter.refund(amount, *((line(name, amount),) if name else ()))
        counters.append(counter)
    whole = Counter(rule)
    whole.sell()
    if fitting:
        whole.refund(sum(amount for _, amount in fitting), *(line(name, amount) for name, amount in fitting if name))
    assert len({counter.stage.holding() for counter in (*counters, whole)}) == 1
    left = 10_000 - sum(amount for _, amount in fitting)
    whole.refund(left) if left else None
    assert whole.stage.holding().available == 0


amounts = st.tuples(*[st.tuples(st.integers(0, 60), st.integers(0, 20)) for _ in range(3)])


@given(amounts, amounts, st.integers(0, 100), st.integers(0, 2), st.integers(1, 30), st.sampled_from(BracketMode))
def test_no_refund_ever_leaves_more_than_was_there_and_the_twin_s_words_agree(
    bought: tuple[tuple[int, int], ...],
    back: tuple[tuple[int, int], ...],
    others: int,
    place: int,
    more: int,
    mode: BracketMode,
) -> None:
    rule = msgspec.structs.replace(RULE, brackets=(Bracket(0, 1, 7), Bracket(20, 3, 5)), mode=mode)
    (bracket, _), *parts = bought
    paid, gross = tuple(paid for _, paid in bought), tuple(map(sum, bought))
    named = tuple(min(amount, one[0]) for amount, one in zip(gross, back, strict=True))
    whole = sum(gross)
    items = tuple(ItemPart(number, amount) for number, (amount, _) in enumerate(parts))
    credit = Credit(11, bracket, items, 0, 1, 1, 0, (), 0, paid if any(paid) else (), named if any(named) else ())
    kept = max(0, whole - sum(named) - others)

    def value(of: Credit, kept_fen: int) -> Fraction:
        return Fraction(*value_of(rule, of, kept_fen, whole))

    had = value(credit, kept)
    shares = [Fraction(amount - one, amount) if amount else 0 for amount, one in zip(gross, named, strict=True)]
    rest = Fraction(kept, whole - sum(named)) if kept else Fraction(0)
    left = [amount * share * rest for (amount, _), share in zip(bought, shares, strict=True)]
    if mode is BracketMode.MARGINAL:
        steps = max(Fraction(0), min(left[0], Fraction(9))), max(Fraction(0), left[0] - 9)
        assert had == steps[0] * Fraction(1, 7) + steps[1] * Fraction(3, 5) + left[1] * Fraction(2, 100)
    else:
        assert had == left[0] * (Fraction(3, 5) if left[0] >= 9 else Fraction(1, 7)) + left[1] * Fraction(2, 100)

    assert value(credit, max(0, kept - more)) <= had
    returned = list(credit.returned or (0, 0, 0))
    returned[place] += min(more, gross[place] - returned[place], kept)
    further = msgspec.structs.replace(credit, returned=tuple(returned))
    assert value(further, kept - sum(returned) + sum(named)) <= had
