"""Every reason for which a transaction is refused, alone and together with each that could hold beside it."""

from itertools import product
from typing import Final

import msgspec
import pytest

from jifen.ledger.apply import is_taken, preflight
from jifen.ledger.rejections import FINAL_REJECTIONS, PRECEDENCE, REJECTION_TEXTS, Rejection
from jifen.ledger.transactions import Body, EarnPoints, RegisterMember, Transaction
from jifen.ledger.types import TransactionMark
from jifen.testing.faults.scene import ANN, NOW, Fault, Scene, altered, keys_of, shown, staged
from jifen.testing.faults.table import FAULTS, GOOD, NEVER_FIRST_AND_LATER
from jifen.testing.naive.scene import DAY_MS, key_of, transaction


def name_of(*faults: Fault) -> str:
    """Return a test's name."""
    reasons = " before ".join(fault.reason.name for fault in faults)
    return f"{faults[0].kind}: {reasons} ({'/'.join(fault.signer or 'good signer' for fault in faults)})"


def with_faults(*faults: Fault) -> Transaction:
    """Return a good transaction with the faults put in."""
    body, signer = GOOD[faults[0].kind]
    for fault in faults:
        body = altered(body, fault.changes)
        signer = fault.signer or signer
    return transaction(body, *keys_of(signer))


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_transaction_is_applied(kind: str) -> None:
    world = staged()
    body, signer = GOOD[kind]
    item = transaction(body, *keys_of(signer))

    assert world.twin.reasons(item, NOW) == set()
    assert preflight(world.state, item, world.context) is None
    assert world.take(item) == 0


@pytest.mark.parametrize("fault", FAULTS, ids=name_of)
def test_a_single_fault_gives_its_reason(fault: Fault) -> None:
    world, item = staged(fault), with_faults(fault)
    if fault.taken:
        world.take(item)

    assert fault.reason in world.twin.reasons(item, NOW)
    assert preflight(world.state, item, world.context) is fault.reason
    if not fault.taken:
        assert world.take(item) == fault.reason


def as_they_need_it(*faults: Fault) -> Scene:
    """Return a scene for faults: a new one only if the transaction is to be taken before."""
    return staged(*faults) if any(fault.taken for fault in faults) else shown(*faults)


def both_hold(first: Fault, second: Fault) -> bool:
    """Tell whether two faults can be put into one transaction so that these are its first reason and a later one."""
    if first.kind != second.kind or PRECEDENCE[first.reason] >= PRECEDENCE[second.reason]:
        return False
    item = with_faults(second, first)
    world = as_they_need_it(second, first)
    if first.taken or second.taken:
        world.take(item)
    reasons = world.twin.reasons(item, NOW)
    return second.reason in reasons and min(reasons, key=PRECEDENCE.__getitem__) is first.reason


PAIRS: Final = [faults for faults in product(FAULTS, FAULTS) if both_hold(*faults)]


@pytest.mark.parametrize("faults", PAIRS, ids=lambda faults: name_of(*faults))
def test_of_two_reasons_that_hold_the_earlier_is_given(faults: tuple[Fault, Fault]) -> None:
    world, item = as_they_need_it(*reversed(faults)), with_faults(*reversed(faults))
    if any(fault.taken for fault in faults):
        world.take(item)

    assert preflight(world.state, item, world.context) is faults[0].reason


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


NUMBERS: Final = {
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
    "ITEMS_EXCEED_REFUND": 218,
    "NOT_A_VOTER": 65,
    "NOT_A_CHECKPOINT": 66,
    "CHECKPOINT_TOO_OLD": 67,
    "CHECKPOINT_ALREADY_ATTESTED": 68,
    "PROPOSAL_NOT_OPEN": 40,
    "NOT_THE_PROPOSER": 41,
    "ALREADY_VOTED": 42,
    "DEADLINE_OUT_OF_RANGE": 43,
    "TOO_MANY_PROPOSALS": 44,
    "OWNER_UNKNOWN": 45,
    "OWNER_NOT_ACTIVE": 46,
    "NO_ADMINISTRATOR": 47,
    "VALIDATOR_UNKNOWN": 48,
    "VALIDATOR_RETIRED": 49,
    "ALREADY_A_VOTER": 50,
    "ID_TAKEN": 51,
    "KEY_IN_USE": 52,
    "CERTIFICATE_IN_USE": 53,
    "ADDRESS_IN_USE": 54,
    "NOT_ITS_VOTER": 55,
    "HAS_A_VOTER": 56,
    "ALLIANCE_FULL": 57,
    "LAST_VOTER": 58,
    "CONFIGURATION_CHANGING": 59,
    "POINT_TYPE_EXISTS": 70,
    "TERMS_VERSION_WRONG": 71,
    "TERMS_BACK_DATED": 72,
    "TERMS_TOO_FAR": 73,
    "TERMS_CONTRADICTORY": 74,
    "BACKING_TOO_SMALL": 75,
    "ISSUE_CAP_REACHED": 76,
    "ORDER_NOT_PENDING": 77,
    "BACKING_NOT_CONFIRMED": 78,
    "RULE_VERSION_WRONG": 80,
    "RULE_BACK_DATED": 81,
    "RULE_TOO_FAR": 82,
    "RULE_CONTRADICTORY": 83,
    "RULE_AGAINST_POLICY": 84,
    "MALL_NOT_SIGNED": 85,
    "NOT_A_MALL": 86,
    "POLICY_VERSION_WRONG": 87,
    "POLICY_NOT_ACCEPTED": 88,
    "CAMPAIGN_EXISTS": 89,
    "CAMPAIGN_NOT_RUNNING": 90,
    "TOO_MANY_CAMPAIGNS": 91,
    "ROLE_ACCOUNT_UNKNOWN": 93,
    "NOT_CONSUMER_POINTS": 94,
    "ITEMS_EXCEED_ORDER": 95,
    "NOT_ITS_KEY": 60,
    "STATEMENTS_AGREE": 61,
    "EVIDENCE_ALREADY_RECORDED": 62,
    "EVIDENCE_ENOUGH": 63,
    "VERSION_NOT_NEXT": 160,
    "TIER_UNKNOWN": 161,
    "TIERS_CONTRADICTORY": 162,
    "RECOGNITION_CONTRADICTORY": 163,
    "REWARD_UNKNOWN": 120,
    "REWARD_VERSION_WRONG": 121,
    "REWARD_CONTRADICTORY": 122,
    "WRONG_KIND_OF_STOCK": 123,
    "REWARD_CODE_KNOWN": 124,
    "REWARD_NOT_OPEN": 125,
    "POINTS_NOT_ACCEPTED": 126,
    "REWARD_PRICE_WRONG": 127,
    "REWARD_LIMIT_REACHED": 128,
    "REWARD_SOLD_OUT": 129,
    "REDEMPTION_UNKNOWN": 130,
    "REDEMPTION_NOT_HELD": 131,
    "CASHBACK_POLICY_CONTRADICTORY": 132,
    "NOT_CASHABLE": 133,
    "CASHBACK_PRICE_WRONG": 134,
    "CASHBACK_TOO_SMALL": 135,
    "CASHBACK_CAP_REACHED": 136,
    "CASHBACK_UNKNOWN": 137,
    "CASHBACK_NOT_OPEN": 138,
    "NOT_SELF_EARNED": 139,
    "TRANSFER_LIMIT_REACHED": 140,
    "POINTS_LIMIT_REACHED": 141,
    "RECEIPT_LIMIT_REACHED": 142,
    "OFFER_NOT_OPEN": 143,
    "NOT_THE_COUNTERPARTY": 144,
    "NOT_SWAPPABLE": 145,
    "SAME_POINT_TYPE": 146,
    "OFFER_TIME_OUT_OF_RANGE": 147,
    "MINIMUM_ABOVE_OFFER": 148,
    "PART_TOO_LARGE": 149,
    "PART_TOO_SMALL": 150,
    "RATIO_DIFFERENT": 151,
    "OUTSIDE_CORRIDOR": 152,
    "TOO_MANY_OFFERS": 153,
    "TOO_MANY_OFFERED_LOTS": 154,
    "ACCOUNT_LOCKED": 210,
    "ALREADY_LOCKED": 211,
    "LOCKED_TOO_SOON": 212,
    "NOT_LOCKED": 213,
    "POLICY_CONTRADICTORY": 164,
    "CHECK_IN_MISSING": 165,
    "STAFF_ACCOUNT": 166,
    "CAUSE_ALREADY_USED": 167,
    "GRANT_TOO_LARGE": 168,
    "SECOND_OPERATOR_MISSING": 169,
    "CLERK_LIMIT_REACHED": 170,
    "BONUS_BUDGET_SPENT": 171,
    "DRAW_UNKNOWN": 190,
    "DRAW_EXISTS": 191,
    "NOT_A_COMMITTER": 192,
    "DRAW_CONTRADICTORY": 193,
    "CLOSE_OUT_OF_RANGE": 194,
    "PRIZE_TOO_LARGE": 195,
    "PRICE_UNFOUNDED": 196,
    "DRAW_OVER": 197,
    "ALREADY_COMMITTED": 198,
    "COMMITMENTS_MISSING": 199,
    "SECRETS_ALREADY_KEPT": 200,
    "DRAW_NOT_OPEN": 201,
    "DRAW_CLOSED": 202,
    "DRAW_NOT_CLOSED": 203,
    "ACCOUNT_EXCLUDED": 204,
    "DRAW_TAKES_OTHER_POINTS": 205,
    "ENTRIES_EXHAUSTED": 206,
    "PIECE_WRONG": 207,
    "PIECES_KNOWN": 208,
    "NO_PRIZE_DUE": 209,
    "PAYMENT_VERSION_WRONG": 100,
    "ACCEPTANCE_CONTRADICTORY": 101,
    "NOT_ON_ACCEPTANCE_LIST": 102,
    "RATE_ABOVE_SETTLEMENT": 103,
    "LOOSER_THAN_POLICY": 104,
    "POINT_TYPE_NOT_ACCEPTED": 105,
    "ORDER_ALREADY_PAID": 106,
    "ORDER_DIFFERS": 107,
    "POINT_TYPE_REPEATED": 108,
    "BELOW_MINIMUM": 109,
    "NOT_A_STEP": 110,
    "SHARE_EXCEEDED": 111,
    "DAILY_CAP_REACHED": 112,
    "NOTHING_TO_PAY": 113,
    "TOO_MANY_LOTS": 114,
    "TOO_MANY_HOLDS": 115,
    "TIMEOUT_OUT_OF_RANGE": 116,
    "HOLD_UNKNOWN": 117,
    "CAPTURE_EXCEEDS_HOLD": 118,
    "STANDING_ORDER_OUT_OF_RANGE": 172,
    "NO_STANDING_ORDER": 173,
    "TOO_MANY_REWARDS": 215,
    "TOO_MANY_REDEMPTIONS": 216,
    "TOO_MANY_CASHBACKS": 217,
    "TOO_MANY_DRAWS": 214,
}


def test_the_numbers_of_the_reasons_never_change() -> None:
    assert {reason.name: int(reason) for reason in Rejection} == NUMBERS


CURES: Final[tuple[Body, ...]] = (
    RegisterMember(NOW, b"a cure00", key_of("stranger")),
    EarnPoints(NOW, b"a cure00", "mall", "C1", ANN, "mall/consumer", 10**12, 7),
)
"""Transactions that may still be on their way when another is looked at."""


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.reason in FINAL_REJECTIONS], ids=name_of)
def test_a_final_reason_stays_whatever_else_is_still_on_its_way(fault: Fault) -> None:
    world, item = staged(fault), with_faults(fault)
    if fault.taken:
        world.take(item)
    cured = [world.take(transaction(body, key_of("stranger"), key_of("mall till"))) for body in CURES]
    assert 0 in cured

    assert preflight(world.state, item, world.context) is fault.reason


@pytest.mark.parametrize("kind", GOOD)
def test_a_rejected_transaction_leaves_nothing_but_its_mark(kind: str) -> None:
    for fault in (fault for fault in FAULTS if fault.kind == kind and not fault.taken):
        world, item = staged(fault), with_faults(fault)
        world.state.end_block()
        world.state.begin_block()

        assert world.take(item) == fault.reason
        assert is_taken(world.state, item)

        assert list(world.state.end_block().writes.values()) == [TransactionMark(world.height)]


def test_the_last_moment_of_a_transaction_s_life_is_its_expiry() -> None:
    world = staged()
    body, signer = GOOD["earn"]
    for expires_at, expected in [
        (NOW - 1, Rejection.EXPIRED),
        (NOW, None),
        (NOW + DAY_MS, None),
        (NOW + DAY_MS + 1, Rejection.EXPIRY_TOO_FAR),
    ]:
        item = transaction(msgspec.structs.replace(body, expires_at=expires_at), key_of(signer))
        assert preflight(world.state, item, world.context) is expected
