"""Refunds: ten of 5.00 take what one of 50.00 takes, and what is spent already is owed and repaid."""

from fractions import Fraction
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.ledger.apply import apply_transaction
from jifen.ledger.context import BlockContext
from jifen.ledger.genesis import write_genesis
from jifen.ledger.invariants import check_all
from jifen.ledger.receipts import AnyEffect, PointsEarned, PointsRevoked
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import WorkingState, holding_key
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, TransferPoints
from jifen.ledger.types import EMPTY_HOLDING, Holding
from jifen.testing.memory import Memory
from jifen.testing.naive.scene import CHAIN_ID, START, account_of, key_of, scene, transaction

LATER: Final = START + 1000
ANN, BO = account_of(key_of("ann")), account_of(key_of("bo"))
GUIDE: Final = "mall/guide"
"""Three points for seven fen: a rate that never divides evenly."""


class Till:
    """A mall's till and two members. Orders are of `mall/consumer`, a point for ten fen, unless another is named."""

    def __init__(self) -> None:
        self.state = WorkingState(Memory(), 0)
        self.state.begin_block()
        write_genesis(self.state, scene())
        self.count = 0
        for name in ("ann", "bo"):
            self.take(RegisterMember(LATER, self.nonce(), key_of(name)), name)

    def nonce(self) -> bytes:
        self.count += 1
        return self.count.to_bytes(8, "big")

    def take(self, body: Body, signer: str = "mall till") -> AnyEffect | Rejection:
        receipt = apply_transaction(self.state, transaction(body, key_of(signer)), BlockContext(CHAIN_ID, 1, START))
        check_all(self.state.range(b"", b"\xff", 10_000))
        return Rejection(receipt.rejection) if receipt.rejection else receipt.effects[0]

    def earn(self, order: str, amount_fen: int, point_type: str = "mall/consumer") -> PointsEarned:
        effect = self.take(EarnPoints(LATER, self.nonce(), "mall", order, ANN, point_type, amount_fen, 7))
        assert isinstance(effect, PointsEarned)
        return effect

    def refund(self, order: str, refund: str, amount_fen: int) -> PointsRevoked:
        effect = self.take(RefundOrder(LATER, self.nonce(), "mall", order, refund, amount_fen))
        assert isinstance(effect, PointsRevoked)
        return effect

    def give_away(self, points: int) -> None:
        body = TransferPoints(LATER, self.nonce(), ANN, BO, "mall/consumer", points, b"")
        assert not isinstance(self.take(body, "ann"), Rejection)

    def holding(self, point_type: str = "mall/consumer") -> Holding:
        holding = self.state.get(holding_key(ANN, point_type)) or EMPTY_HOLDING
        assert isinstance(holding, Holding)
        return holding


def test_ten_refunds_of_five_yuan_take_exactly_what_one_of_fifty_takes() -> None:
    parts, whole = Till(), Till()
    for till in (parts, whole):
        till.earn("A1", 12_345, GUIDE)
    taken = [parts.refund("A1", f"R{number}", 500).points for number in range(10)]
    assert sum(taken) == whole.refund("A1", "R", 5000).points
    assert len(set(taken)) > 1, "a rate that divides evenly would show nothing"
    assert parts.holding(GUIDE) == whole.holding(GUIDE)


@given(st.integers(1, 10**6), st.lists(st.integers(1, 10**5), max_size=8))
def test_what_is_left_is_what_the_part_that_was_kept_earns(amount: int, refunds: list[int]) -> None:
    till = Till()
    till.earn("A1", amount, GUIDE)
    kept = amount
    for number, refund in enumerate(refunds):
        if refund <= kept:
            effect = till.refund("A1", f"R{number}", refund)
            kept -= refund
            assert effect.order_refunded_fen == amount - kept
    assert till.holding(GUIDE).available == int(Fraction(3, 7) * kept)


def test_a_full_refund_takes_everything_and_burns_it() -> None:
    till = Till()
    till.earn("A1", 12_345)
    effect = till.refund("A1", "R1", 12_345)
    assert (effect.points, effect.available_after, effect.debt_after) == (1234, 0, 0)


def test_points_spent_already_are_owed_and_the_next_purchase_repays_them_first() -> None:
    till = Till()
    till.earn("A1", 1000)
    till.give_away(70)
    effect = till.refund("A1", "R1", 1000)
    assert (effect.points, effect.available_after, effect.debt_after) == (100, 0, 70)
    second = till.earn("A2", 500)
    assert (second.points, second.debt_repaid, second.available_after) == (50, 50, 0)
    third = till.earn("A3", 500)
    assert (third.points, third.debt_repaid, third.available_after) == (50, 20, 30)
    assert till.holding().debt == 0


def test_points_that_others_give_do_not_repay_a_debt() -> None:
    till = Till()
    till.earn("A1", 1000)
    till.give_away(100)
    till.refund("A1", "R1", 1000)
    body = TransferPoints(LATER, till.nonce(), BO, ANN, "mall/consumer", 40, b"")
    assert not isinstance(till.take(body, "bo"), Rejection)
    assert (till.holding().available, till.holding().debt) == (40, 100)


def test_a_refund_of_an_order_too_small_to_earn_takes_nothing() -> None:
    till = Till()
    till.earn("A1", 9)
    assert till.refund("A1", "R1", 9).points == 0
    assert till.holding() == EMPTY_HOLDING


@pytest.mark.parametrize(
    ("refund", "order", "amount", "reason"),
    [
        ("R1", "A1", 1, Rejection.REFUND_ALREADY_TAKEN),
        ("R2", "A1", 601, Rejection.REFUND_EXCEEDS_ORDER),
        ("R2", "A9", 1, Rejection.ORDER_UNKNOWN),
    ],
)
def test_a_refund_is_taken_once_and_never_beyond_its_order(
    refund: str, order: str, amount: int, reason: Rejection
) -> None:
    till = Till()
    till.earn("A1", 1000)
    till.refund("A1", "R1", 400)
    before = till.holding()
    assert till.take(RefundOrder(LATER, till.nonce(), "mall", order, refund, amount)) is reason
    assert till.holding() == before
