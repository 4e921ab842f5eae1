"""Every reason for which a transaction is refused, alone and together with each that could hold beside it."""

from collections.abc import Mapping
from itertools import product
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from jifen.ledger.apply import apply_transaction, is_taken, preflight
from jifen.ledger.context import BlockContext
from jifen.ledger.genesis import write_genesis
from jifen.ledger.rejections import FINAL_REJECTIONS, PRECEDENCE, REJECTION_TEXTS, Rejection
from jifen.ledger.state import WorkingState
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, Transaction, TransferPoints
from jifen.ledger.types import TransactionMark
from jifen.testing.naive_ledger import CHAIN_ID, DAY_MS, START, NaiveLedger, account_of, key_of, scene, transaction

NOW: Final = START + 1000
ANN, BO, STRANGER = (account_of(key_of(name)) for name in ("ann", "bo", "stranger"))

GOOD: Final[dict[str, tuple[Body, str]]] = {
    "register": (RegisterMember(NOW + 1, b"nonce000", key_of("stranger")), "stranger"),
    "earn": (EarnPoints(NOW + 1, b"nonce000", "mall", "A2", ANN, "mall/consumer", 100, 7), "mall till"),
    "transfer": (TransferPoints(NOW + 1, b"nonce000", ANN, BO, "mall/consumer", 10, b""), "ann"),
    "refund": (RefundOrder(NOW + 1, b"nonce000", "mall", "A1", "R2", 100), "mall till"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""


class Fault(NamedTuple):
    """A change to a good transaction that makes a reason hold."""

    kind: str
    reason: Rejection
    changes: Mapping[str, Any]
    signer: str | None = None
    taken: bool = False


EXPIRED, TOO_FAR = {"expires_at": NOW - 1}, {"expires_at": NOW + DAY_MS + 1}
ATTIC_POINTS: Final = {"merchant": "attic", "point_type": "attic/consumer"}

FAULTS: Final = (
    *(Fault(kind, Rejection.EXPIRED, EXPIRED) for kind in GOOD),
    *(Fault(kind, Rejection.EXPIRY_TOO_FAR, TOO_FAR) for kind in GOOD),
    *(Fault(kind, Rejection.ALREADY_APPLIED, {}, taken=True) for kind in GOOD),
    Fault("register", Rejection.NOT_AUTHORIZED, {}, "ann"),
    Fault("register", Rejection.ACCOUNT_EXISTS, {"key": key_of("bo")}, "bo"),
    Fault("earn", Rejection.ORGANIZATION_UNKNOWN, {"merchant": "nobody"}),
    Fault("earn", Rejection.ORGANIZATION_NOT_ACTIVE, ATTIC_POINTS, "attic till"),
    Fault("earn", Rejection.ORGANIZATION_NOT_ACTIVE, {"merchant": "attic"}),
    Fault("earn", Rejection.ACCOUNT_UNKNOWN, {"account": STRANGER}),
    Fault("earn", Rejection.POINT_TYPE_UNKNOWN, {"point_type": "mall/store"}),
    Fault("earn", Rejection.NOT_AUTHORIZED, {}, "mall admin"),
    Fault("earn", Rejection.NOT_AUTHORIZED, {}, "books till"),
    Fault("earn", Rejection.NOT_AUTHORIZED, {}, "ann"),
    Fault("earn", Rejection.NOT_THE_ISSUER, {"merchant": "mall", "point_type": "books/consumer"}, "mall till"),
    Fault("earn", Rejection.ORDER_ALREADY_CREDITED, {"order_id": "A1"}),
    Fault(
        "earn",
        Rejection.ORDER_ALREADY_CREDITED,
        {"merchant": "books", "point_type": "books/consumer", "order_id": "B1"},
        "books till",
    ),
    Fault(
        "earn",
        Rejection.SUPPLY_EXHAUSTED,
        {"merchant": "books", "point_type": "books/consumer", "amount_fen": 9_007_199},
        "books till",
    ),
    Fault("transfer", Rejection.ACCOUNT_UNKNOWN, {"sender": STRANGER}, "stranger"),
    Fault("transfer", Rejection.ACCOUNT_UNKNOWN, {"sender": STRANGER, "recipient": STRANGER}, "stranger"),
    Fault("transfer", Rejection.RECIPIENT_UNKNOWN, {"recipient": STRANGER}),
    Fault("transfer", Rejection.POINT_TYPE_UNKNOWN, {"point_type": "mall/store"}),
    Fault("transfer", Rejection.NOT_AUTHORIZED, {}, "bo"),
    Fault("transfer", Rejection.NOT_TRANSFERABLE, {"point_type": "mall/guide"}),
    Fault("transfer", Rejection.SENDER_IS_RECIPIENT, {"recipient": ANN}),
    Fault("transfer", Rejection.INSUFFICIENT_POINTS, {"points": 100_001}),
    Fault("refund", Rejection.ORGANIZATION_UNKNOWN, {"merchant": "nobody"}),
    Fault("refund", Rejection.ORGANIZATION_NOT_ACTIVE, {"merchant": "attic"}, "attic till"),
    Fault("refund", Rejection.ORGANIZATION_NOT_ACTIVE, {"merchant": "attic"}),
    Fault("refund", Rejection.NOT_AUTHORIZED, {}, "mall admin"),
    Fault("refund", Rejection.NOT_AUTHORIZED, {}, "books till"),
    Fault("refund", Rejection.NOT_AUTHORIZED, {}, "ann"),
    Fault("refund", Rejection.ORDER_UNKNOWN, {"order_id": "A9"}),
    Fault("refund", Rejection.REFUND_ALREADY_TAKEN, {"refund_id": "R1"}),
    Fault("refund", Rejection.REFUND_EXCEEDS_ORDER, {"amount_fen": 1_000_000}),
)


def name_of(*faults: Fault) -> str:
    """Return a test's name."""
    reasons = " before ".join(fault.reason.name for fault in faults)
    return f"{faults[0].kind}: {reasons} ({'/'.join(fault.signer or 'good signer' for fault in faults)})"


class Scene:
    """Both ledgers with Ann and Bo registered, Ann's purchase A1 credited and books' supply nearly exhausted."""

    def __init__(self) -> None:
        self.state = WorkingState(lambda _: None, 0)
        self.twin = NaiveLedger(scene())
        self.state.begin_block()
        write_genesis(self.state, scene())
        for name in ("ann", "bo"):
            self.take(transaction(RegisterMember(NOW, bytes(8), key_of(name)), key_of(name)))
        for merchant, order, point_type, amount in [
            ("mall", "A1", "mall/consumer", 1_000_000),
            ("mall", "G1", "mall/guide", 700),
            ("books", "B1", "books/consumer", 1),
        ]:
            body = EarnPoints(NOW, bytes(8), merchant, order, ANN, point_type, amount, 7)
            assert self.take(transaction(body, key_of(f"{merchant} till"))) == 0
        refunded = RefundOrder(NOW, bytes(8), "mall", "A1", "R1", 1)
        assert self.take(transaction(refunded, key_of("mall till"))) == 0

    def take(self, item: Transaction) -> int:
        """Apply a transaction to both and return its rejection, 0 for none."""
        context = BlockContext(CHAIN_ID, 1, NOW)
        self.twin.apply(item, NOW)
        return apply_transaction(self.state, item, context).rejection


def with_faults(*faults: Fault) -> Transaction:
    """Return a good transaction with the faults put in."""
    body, signer = GOOD[faults[0].kind]
    for fault in faults:
        body = msgspec.structs.replace(body, **fault.changes)
        signer = fault.signer or signer
    return transaction(body, key_of(signer))


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_transaction_is_applied(kind: str) -> None:
    world = Scene()
    body, signer = GOOD[kind]
    item = transaction(body, key_of(signer))

    assert world.twin.reasons(item, NOW) == set()
    assert preflight(world.state, item, BlockContext(CHAIN_ID, 1, NOW)) is None
    assert world.take(item) == 0


@pytest.mark.parametrize("fault", FAULTS, ids=name_of)
def test_a_single_fault_gives_its_reason(fault: Fault) -> None:
    world, item, context = Scene(), with_faults(fault), BlockContext(CHAIN_ID, 1, NOW)
    if fault.taken:
        world.take(item)

    assert fault.reason in world.twin.reasons(item, NOW)
    assert preflight(world.state, item, context) is fault.reason
    if not fault.taken:
        assert world.take(item) == fault.reason


def both_hold(first: Fault, second: Fault) -> bool:
    """Tell whether two faults can be put into one transaction so that these are its first reason and a later one."""
    if first.kind != second.kind or PRECEDENCE[first.reason] >= PRECEDENCE[second.reason]:
        return False
    world, item = Scene(), with_faults(second, first)
    if first.taken or second.taken:
        world.take(item)
    reasons = world.twin.reasons(item, NOW)
    return second.reason in reasons and min(reasons, key=PRECEDENCE.__getitem__) is first.reason


PAIRS: Final = [faults for faults in product(FAULTS, FAULTS) if both_hold(*faults)]


@pytest.mark.parametrize("faults", PAIRS, ids=lambda faults: name_of(*faults))
def test_of_two_reasons_that_hold_the_earlier_is_given(faults: tuple[Fault, Fault]) -> None:
    world, item, context = Scene(), with_faults(*reversed(faults)), BlockContext(CHAIN_ID, 1, NOW)
    if any(fault.taken for fault in faults):
        world.take(item)

    assert preflight(world.state, item, context) is faults[0].reason


NEVER_FIRST_AND_LATER: Final = {
    ("EXPIRED", "EXPIRY_TOO_FAR"): "it lies on one side of the block's time",
    ("ORGANIZATION_UNKNOWN", "ORGANIZATION_NOT_ACTIVE"): "who is unknown is not suspended",
    ("ORGANIZATION_UNKNOWN", "NOT_AUTHORIZED"): "nobody is an operator of an unknown organization",
    ("ORGANIZATION_UNKNOWN", "ORDER_ALREADY_CREDITED"): "nor has it credited an order",
    ("ORGANIZATION_NOT_ACTIVE", "ORDER_ALREADY_CREDITED"): "the scene's was suspended from the start",
    ("POINT_TYPE_UNKNOWN", "NOT_THE_ISSUER"): "an unknown type has no issuer",
    ("POINT_TYPE_UNKNOWN", "NOT_TRANSFERABLE"): "nor a say in whether it moves",
    ("POINT_TYPE_UNKNOWN", "SUPPLY_EXHAUSTED"): "nor a rate",
    ("RECIPIENT_UNKNOWN", "SENDER_IS_RECIPIENT"): "then the sender is unknown too, which comes first",
    ("ORGANIZATION_UNKNOWN", "REFUND_ALREADY_TAKEN"): "an unknown organization has entered no refund",
    ("ORGANIZATION_UNKNOWN", "REFUND_EXCEEDS_ORDER"): "nor has it an order",
    ("ORGANIZATION_NOT_ACTIVE", "REFUND_ALREADY_TAKEN"): "the scene's was suspended from the start",
    ("ORGANIZATION_NOT_ACTIVE", "REFUND_EXCEEDS_ORDER"): "and has credited nothing",
    ("ORDER_UNKNOWN", "REFUND_EXCEEDS_ORDER"): "an unknown order came to nothing that could be exceeded",
}
"""Reasons of one kind of transaction that no transaction can have as its first and a later one."""


def test_the_table_reaches_every_reason_and_every_two_of_a_kind_that_can_meet() -> None:
    assert {fault.reason for fault in FAULTS} == set(Rejection)
    met = {(first.reason.name, second.reason.name) for first, second in PAIRS}
    could = {
        (first.reason.name, second.reason.name)
        for first, second in product(FAULTS, FAULTS)
        if first.kind == second.kind and PRECEDENCE[first.reason] < PRECEDENCE[second.reason]
    }
    assert could - met == NEVER_FIRST_AND_LATER.keys()


def test_every_reason_has_a_text_in_order_and_a_number_of_its_own() -> None:
    assert list(REJECTION_TEXTS) == list(Rejection)
    assert len({*Rejection}) == len(Rejection.__members__)  # an alias would be a number given twice
    assert all(0 < reason < 256 for reason in Rejection)
    for text in REJECTION_TEXTS.values():
        assert text == text.strip()
        assert not text.endswith(".")
    assert len(set(REJECTION_TEXTS.values())) == len(Rejection)


def test_the_numbers_of_the_reasons_never_change() -> None:
    assert {reason.name: int(reason) for reason in Rejection} == {
        "EXPIRED": 1,
        "EXPIRY_TOO_FAR": 2,
        "ALREADY_APPLIED": 3,
        "ORGANIZATION_UNKNOWN": 4,
        "ORGANIZATION_NOT_ACTIVE": 5,
        "ACCOUNT_UNKNOWN": 6,
        "RECIPIENT_UNKNOWN": 7,
        "POINT_TYPE_UNKNOWN": 8,
        "NOT_AUTHORIZED": 9,
        "NOT_THE_ISSUER": 10,
        "ACCOUNT_EXISTS": 11,
        "ORDER_ALREADY_CREDITED": 12,
        "NOT_TRANSFERABLE": 13,
        "SENDER_IS_RECIPIENT": 14,
        "INSUFFICIENT_POINTS": 15,
        "SUPPLY_EXHAUSTED": 16,
        "ORDER_UNKNOWN": 17,
        "REFUND_ALREADY_TAKEN": 18,
        "REFUND_EXCEEDS_ORDER": 19,
    }


CURES: Final[tuple[Body, ...]] = (
    RegisterMember(NOW, b"a cure00", key_of("stranger")),
    EarnPoints(NOW, b"a cure00", "mall", "C1", ANN, "mall/consumer", 10**12, 7),
)
"""Transactions that may still be on their way when another is looked at."""


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.reason in FINAL_REJECTIONS], ids=name_of)
def test_a_final_reason_stays_whatever_else_is_still_on_its_way(fault: Fault) -> None:
    world, item, context = Scene(), with_faults(fault), BlockContext(CHAIN_ID, 1, NOW)
    if fault.taken:
        world.take(item)
    cured = [world.take(transaction(body, key_of("stranger"), key_of("mall till"))) for body in CURES]
    assert 0 in cured

    assert preflight(world.state, item, context) is fault.reason


@pytest.mark.parametrize("kind", GOOD)
def test_a_rejected_transaction_leaves_nothing_but_its_mark(kind: str) -> None:
    for fault in (fault for fault in FAULTS if fault.kind == kind and not fault.taken):
        world, item = Scene(), with_faults(fault)
        world.state.end_block()
        world.state.begin_block()

        assert world.take(item) == fault.reason
        assert is_taken(world.state, item)

        assert list(world.state.end_block().writes.values()) == [TransactionMark(1)]


def test_the_last_moment_of_a_transaction_s_life_is_its_expiry() -> None:
    world = Scene()
    body, signer = GOOD["earn"]
    for expires_at, expected in [
        (NOW - 1, Rejection.EXPIRED),
        (NOW, None),
        (NOW + DAY_MS, None),
        (NOW + DAY_MS + 1, Rejection.EXPIRY_TOO_FAR),
    ]:
        item = transaction(msgspec.structs.replace(body, expires_at=expires_at), key_of(signer))
        assert preflight(world.state, item, BlockContext(CHAIN_ID, 1, NOW)) is expected
