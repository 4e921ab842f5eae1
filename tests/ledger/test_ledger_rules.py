"""What an applied transaction does: receipts with their arithmetic, rounding, and lots that keep their life."""

from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jifen.ledger.apply import RULES, apply_transaction
from jifen.ledger.bodies import TransactionBody
from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS, day_start
from jifen.ledger.genesis import write_genesis
from jifen.ledger.invariants import check_all
from jifen.ledger.members.registering import account_id
from jifen.ledger.points.earning import points_for
from jifen.ledger.points.limits import NOTHING_MOVED, Movement
from jifen.ledger.points.moving import Transfer, transfer
from jifen.ledger.receipts import MemberRegistered, PointsEarned, PointsTransferred, Receipt
from jifen.ledger.records import read
from jifen.ledger.state import account_key, holding_key, mark_key, order_key, supply_key
from jifen.ledger.terms.records import PointType
from jifen.ledger.transactions import KIND_NAMES, Body, EarnPoints, RegisterMember, TransferPoints
from jifen.ledger.types import (
    AMOUNT_FEN_MAX,
    EMPTY_HOLDING,
    RATE_TERM_MAX,
    Account,
    Holding,
    Lot,
    LotOrigin,
    OrderRecord,
    Organization,
    RoleClass,
    Scope,
    Supply,
    TransactionMark,
)
from jifen.testing.memory import Memory
from jifen.testing.naive.scene import CHAIN_ID, START, account_of, key_of, scene, transaction
from jifen.testing.strategies import holdings, values_of

NONCE: Final = b"nonce000"
TYPE: Final = "mall/consumer"
ANN, BO = (account_of(key_of(name)) for name in ("ann", "bo"))


class Ledger:
    """The scene's ledger, Ann and Bo registered in block 1."""

    def __init__(self) -> None:
        self.state = Memory()
        self.height = 1
        write_genesis(self.state, scene())
        for name in ("ann", "bo"):
            self.take(RegisterMember(START, NONCE, key_of(name)), name, time=START)

    def take(self, body: Body, signer: str, time: int) -> Receipt:
        """Apply a transaction in a block of this time and check every invariant."""
        receipt = apply_transaction(
            self.state, transaction(body, key_of(signer)), BlockContext(CHAIN_ID, self.height, time)
        )
        check_all(self.state.items())
        return receipt

    def earn(self, amount: int, order: str, time: int, point_type: str = TYPE) -> Receipt:
        """Credit Ann with a purchase at the mall."""
        return self.take(EarnPoints(time, NONCE, "mall", order, ANN, point_type, amount, 1), "mall till", time)


def test_a_member_is_registered_under_the_hash_of_chain_and_key() -> None:
    ledger = Ledger()
    body = RegisterMember(START + 5, NONCE, key_of("cy"))

    receipt = ledger.take(body, "cy", START + 5)

    account = account_id(CHAIN_ID, key_of("cy"))
    assert account == account_of(key_of("cy"))
    assert receipt == Receipt(transaction(body, key_of("cy")).id, 0, (MemberRegistered(account, key_of("cy")),))
    assert ledger.state[account_key(account)] == Account(account, key_of("cy"), START + 5)
    assert account_id(bytes(32), key_of("cy")) != account


def test_a_purchase_issues_points_and_tells_its_arithmetic() -> None:
    ledger = Ledger()

    receipt = ledger.earn(12_345, "A1", START + 5)

    (effect,) = receipt.effects
    assert effect == PointsEarned("mall", ANN, TYPE, 1, 12_345, 1, 10, 1234, 1234, 0, 1, day_start(START), 0, 0)
    lot = Lot(1234, LotOrigin.EARNED, day_start(START), 0)
    assert ledger.state[holding_key(ANN, TYPE)] == Holding(1234, (lot,))
    assert ledger.state[supply_key(TYPE)] == Supply(1234, 0)
    assert ledger.state[order_key("mall", "A1")] == OrderRecord(
        receipt.transaction_id, ANN, TYPE, 1, 1, 10, 12_345, 0, 1, day_start(START), 0, 0, False
    )
    assert ledger.state[mark_key(START + 5, receipt.transaction_id)] == TransactionMark(1)


def test_purchases_of_a_day_are_one_lot_and_of_two_days_two() -> None:
    ledger = Ledger()
    ledger.earn(100, "A1", START)
    ledger.earn(200, "A2", START + 1)
    ledger.earn(300, "A3", START + DAY_MS)

    holding = ledger.state[holding_key(ANN, TYPE)]

    first, second = day_start(START), day_start(START + DAY_MS)
    assert holding == Holding(60, (Lot(30, LotOrigin.EARNED, first, 0), Lot(30, LotOrigin.EARNED, second, 0)))


def test_a_purchase_too_small_for_a_point_is_recorded_and_earns_none() -> None:
    ledger = Ledger()

    receipt = ledger.earn(9, "A1", START)

    assert receipt.effects == (PointsEarned("mall", ANN, TYPE, 1, 9, 1, 10, 0, 0, 0, 1, day_start(START), 0, 0),)
    assert holding_key(ANN, TYPE) not in ledger.state
    assert ledger.state[supply_key(TYPE)] == Supply(0, 0)
    assert ledger.earn(100, "A1", START + 1).rejection != 0, "its order is credited all the same"


def test_a_receipt_without_points_names_the_balance_that_was_there() -> None:
    ledger = Ledger()
    ledger.earn(100, "A1", START)

    (effect,) = ledger.earn(9, "A2", START).effects

    assert isinstance(effect, PointsEarned)
    assert (effect.points, effect.available_after) == (0, 10)


@given(st.integers(0, AMOUNT_FEN_MAX), st.integers(1, RATE_TERM_MAX), st.integers(1, RATE_TERM_MAX))
def test_points_are_rounded_down_once(amount: int, earn_points: int, earn_fen: int) -> None:
    point_type = PointType(TYPE, "mall", RoleClass.CONSUMER, 1, earn_points, earn_fen)

    points = points_for(point_type, amount)

    assert points * earn_fen <= amount * earn_points < (points + 1) * earn_fen


def test_points_pass_from_one_member_to_the_other() -> None:
    ledger = Ledger()
    ledger.earn(1000, "A1", START)

    receipt = ledger.take(TransferPoints(START, NONCE, ANN, BO, TYPE, 30, b""), "ann", START + 0)

    assert receipt.effects == (PointsTransferred(ANN, BO, TYPE, 30, 70, 30),)
    assert ledger.state[holding_key(ANN, TYPE)] == Holding(70, (Lot(70, LotOrigin.EARNED, day_start(START), 0),))
    assert ledger.state[holding_key(BO, TYPE)] == Holding(30, (Lot(30, LotOrigin.TRANSFERRED, day_start(START), 0),))
    assert ledger.state[supply_key(TYPE)] == Supply(100, 0)


@given(held=holdings(), there=holdings(), data=st.data())
def test_a_transfer_lengthens_no_point_s_life_and_loses_none(
    held: Holding, there: Holding, data: st.DataObject
) -> None:
    assume(held.available)
    state = Memory({holding_key(ANN, TYPE): held, holding_key(BO, TYPE): there})
    points = data.draw(st.integers(1, held.available))

    body = TransferPoints(START, NONCE, ANN, BO, TYPE, points, b"")
    found = Transfer(held, Account(BO, key_of("bo"), START), Movement(b"l1", NOTHING_MOVED, b"l2", NOTHING_MOVED))
    (effect,) = transfer(state, body, transaction(body), found, BlockContext(CHAIN_ID, 1, START))

    rest, got = (state.get(holding_key(account, TYPE), EMPTY_HOLDING) for account in (ANN, BO))
    assert isinstance(rest, Holding)
    assert isinstance(got, Holding)
    assert (effect.sender_available_after, effect.recipient_available_after) == (rest.available, got.available)
    assert rest.available + got.available == held.available + there.available

    def by_life(*found: Holding) -> dict[tuple[int, int], int]:
        lives: dict[tuple[int, int], int] = {}
        for lot in (lot for holding in found for lot in holding.lots):
            life = (lot.available_from, lot.expires_at)
            lives[life] = lives.get(life, 0) + lot.points
        return lives

    assert by_life(rest, got) == by_life(held, there)


def test_all_points_can_be_passed_on_and_back() -> None:
    ledger = Ledger()
    ledger.earn(1000, "A1", START)

    ledger.take(TransferPoints(START, NONCE, ANN, BO, TYPE, 100, b""), "ann", START)
    assert holding_key(ANN, TYPE) not in ledger.state
    ledger.take(TransferPoints(START, NONCE, BO, ANN, TYPE, 100, b""), "bo", START)

    assert ledger.state[holding_key(ANN, TYPE)] == Holding(100, (Lot(100, LotOrigin.TRANSFERRED, day_start(START), 0),))


def test_a_record_of_another_kind_means_a_damaged_state() -> None:
    state = Memory({account_key(ANN): Supply(0, 0)})

    assert read(state, account_key(BO), Account) is None
    with pytest.raises(AssertionError, match="holds a Supply, not a Account"):
        read(state, account_key(ANN), Account)


def test_every_kind_of_transaction_has_a_name_and_a_rule() -> None:
    assert set(KIND_NAMES) == set(TransactionBody.__subclasses__())
    assert set(RULES) == set(KIND_NAMES)
    assert len(set(KIND_NAMES.values())) == len(KIND_NAMES)


@given(values_of(Organization), st.data())
def test_a_key_has_the_scopes_its_organization_gave_it(organization: Organization, data: st.DataObject) -> None:
    for operator in organization.operators:
        first = next(item for item in organization.operators if item.key == operator.key)
        assert organization.scopes_of(operator.key) == first.scopes
    assert organization.scopes_of(b"nobody's") == 0


@pytest.mark.parametrize("scope", Scope)
def test_only_a_till_s_scopes_credit_purchases(scope: Scope) -> None:
    ledger = Ledger()
    mall = scene().organizations[0]
    operator = type(mall.operators[0])(key_of("somebody"), int(scope))
    ledger.state[b"omall"] = Organization(mall.id, mall.name, mall.kind, mall.status, (operator,), mall.validator_key)

    receipt = ledger.take(EarnPoints(START, NONCE, "mall", "A1", ANN, TYPE, 100, 1), "somebody", START)

    assert (receipt.rejection == 0) == (scope in {Scope.CASHIER, Scope.ISSUER})
