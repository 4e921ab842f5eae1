"""The formats of paying with points, byte by byte; as for all formats, none ever changes."""

from typing import Any, Final

import pytest

from jifen.codec.canonical import encode
from jifen.codec.records import decode_record
from jifen.codec.transactions import encode_body
from jifen.ledger.payments.bodies import (
    CaptureHold,
    HoldPoints,
    PaymentPart,
    PayOrder,
    PublishAcceptance,
    SetPaymentPolicy,
    VoidHold,
)
from jifen.ledger.payments.effects import (
    AcceptancePublished,
    OrderPaid,
    PaymentPolicySet,
    PointsGivenBack,
    PointsHeld,
    PointsPaid,
    PointsReleased,
    PointsReturned,
)
from jifen.ledger.payments.records import (
    Acceptance,
    AcceptanceRecord,
    Hold,
    OrderPayment,
    PaidPart,
    PaymentPolicies,
    PaymentPolicy,
)
from jifen.ledger.points.positions import Rate
from jifen.ledger.receipts import Receipt
from jifen.ledger.state import (
    POLICIES_KEY,
    acceptance_key,
    hold_key,
    past_acceptance_key,
    past_policies_key,
    payment_key,
)
from jifen.ledger.types import Lot, LotOrigin, Record

NONCE: Final = bytes.fromhex("0001020304050607")
ACCOUNT: Final = b"\xaa" * 20
HASH: Final = b"\x1d" * 32
OTHER: Final = b"\x2e" * 32
TIME: Final = 1_790_000_000_000
TYPE: Final = "mall/consumer"

ACCEPTANCE: Final = Acceptance(2, 3, 7, 30, 3, 3_000, 500_000, 480)
LOT: Final = Lot(30, LotOrigin.EARNED, TIME, TIME + 9, 365)
PART: Final = PaidPart(TYPE, 60, Rate(3, 7), 2, (LOT,), TIME, 4)
POLICY: Final = PaymentPolicy("mall", 2, 3_000, 10**12, True)
PAID: Final = PointsPaid(TYPE, 60, 140, Rate(3, 7), 2, 4, 9)
PARTS: Final = (PaymentPart(TYPE, 60), PaymentPart("books/consumer", 0))

VALUES: Final[dict[str, Any]] = {
    "acceptance record": AcceptanceRecord(ACCEPTANCE, TIME, HASH, TIME, 140),
    "policies": PaymentPolicies((PaymentPolicy("books", 1, 1_000, 7, False), POLICY), 3),
    "payment": OrderPayment(HASH, ACCOUNT, OTHER, 1_000, (PART,), 500),
    "hold": Hold(ACCOUNT, "books", "A-1", OTHER, 1_000, 5_000, (PART,), TIME + 9, 3),
    "accept": PublishAcceptance(TIME, NONCE, "books", TYPE, ACCEPTANCE),
    "set policy": SetPaymentPolicy(TIME, NONCE, "mall", 2, 3_000, 10**12),
    "pay": PayOrder(TIME, NONCE, "books", "A-1", OTHER, ACCOUNT, 1_000, PARTS),
    "hold points": HoldPoints(TIME, NONCE, "books", "A-1", OTHER, ACCOUNT, 1_000, PARTS, TIME + 9),
    "capture": CaptureHold(TIME, NONCE, "books", ACCOUNT, HASH, 900, (30, 0)),
    "void": VoidHold(TIME, NONCE, "books", ACCOUNT, HASH),
    "accepted": Receipt(HASH, 0, (AcceptancePublished("books", TYPE, ACCEPTANCE),)),
    "policy set": Receipt(HASH, 0, (PaymentPolicySet(POLICY, 3),)),
    "paid": Receipt(HASH, 0, (OrderPaid("books", "A-1", OTHER, ACCOUNT, 1_000, 140, 860, 5_000, (PAID,), None, 3),)),
    "captured": Receipt(HASH, 0, (OrderPaid("books", "A-1", OTHER, ACCOUNT, 900, 140, 760, 5_000, (PAID,), HASH, 3),)),
    "held": Receipt(
        HASH, 0, (PointsHeld("books", "A-1", OTHER, ACCOUNT, HASH, 1_000, 140, 5_000, (PAID,), TIME + 9, 3),)
    ),
    "released": Receipt(
        bytes(32), 0, (PointsReleased("books", ACCOUNT, HASH, (PointsReturned(TYPE, 60, 140, 5, 64),), True),)
    ),
    "given back": Receipt(
        HASH,
        0,
        (
            PointsGivenBack(
                "books", "A-1", ACCOUNT, 500, 1_000, 500, 140, 430, 0, (PointsReturned(TYPE, 30, 70, 0, 39),)
            ),
        ),
    ),
}

GOLDEN: Final[dict[str, str]] = {
    "acceptance record": (
        "95990203071e03cd0bb8ce0007a120cd01e0c3cf000001a0c4506c00c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1dcf000001a0c4506c00cc8c"
    ),
    "policies": "929295a5626f6f6b7301cd03e807c295a46d616c6c02cd0bb8cf000000e8d4a51000c303",
    "payment": (
        "96c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc414aaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaac4202e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2ecd03e89197"
        "ad6d616c6c2f636f6e73756d65723c9203070291961e01cf000001a0c4506c00cf000001a0c4506c09cd016d00cf0000"
        "01a0c4506c0004cd01f4"
    ),
    "hold": (
        "99c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa5626f6f6b73a3412d31c4202e2e2e2e2e2e2e2e2e2e2e2e2e"
        "2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2ecd03e8cd13889197ad6d616c6c2f636f6e73756d65723c920307029196"
        "1e01cf000001a0c4506c00cf000001a0c4506c09cd016d00cf000001a0c4506c0004cf000001a0c4506c0903"
    ),
    "accept": (
        "962dcf000001a0c4506c00c4080001020304050607a5626f6f6b73ad6d616c6c2f636f6e73756d6572990203071e03cd"
        "0bb8ce0007a120cd01e0c3"
    ),
    "set policy": "972ecf000001a0c4506c00c4080001020304050607a46d616c6c02cd0bb8cf000000e8d4a51000",
    "pay": (
        "992fcf000001a0c4506c00c4080001020304050607a5626f6f6b73a3412d31c4202e2e2e2e2e2e2e2e2e2e2e2e2e2e2e"
        "2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2ec414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacd03e89292ad6d616c"
        "6c2f636f6e73756d65723c92ae626f6f6b732f636f6e73756d657200"
    ),
    "hold points": (
        "9a30cf000001a0c4506c00c4080001020304050607a5626f6f6b73a3412d31c4202e2e2e2e2e2e2e2e2e2e2e2e2e2e2e"
        "2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2ec414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacd03e89292ad6d616c"
        "6c2f636f6e73756d65723c92ae626f6f6b732f636f6e73756d657200cf000001a0c4506c09"
    ),
    "capture": (
        "9831cf000001a0c4506c00c4080001020304050607a5626f6f6b73c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aac4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dcd0384921e00"
    ),
    "void": (
        "9632cf000001a0c4506c00c4080001020304050607a5626f6f6b73c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aac4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "accepted": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091942da5626f6f6b73ad6d61"
        "6c6c2f636f6e73756d6572990203071e03cd0bb8ce0007a120cd01e0c3"
    ),
    "policy set": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091932e95a46d616c6c02cd0b"
        "b8cf000000e8d4a51000c303"
    ),
    "paid": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919c2fa5626f6f6b73a3412d"
        "31c4202e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2ec414aaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaacd03e8cc8ccd035ccd13889197ad6d616c6c2f636f6e73756d65723ccc8c920307020409c003"
    ),
    "captured": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919c2fa5626f6f6b73a3412d"
        "31c4202e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2ec414aaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaacd0384cc8ccd02f8cd13889197ad6d616c6c2f636f6e73756d65723ccc8c920307020409c4201d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d03"
    ),
    "held": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919c30a5626f6f6b73a3412d"
        "31c4202e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2ec414aaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaac4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dcd03e8cc8c"
        "cd13889197ad6d616c6c2f636f6e73756d65723ccc8c920307020409cf000001a0c4506c0903"
    ),
    "released": (
        "93c420000000000000000000000000000000000000000000000000000000000000000000919631a5626f6f6b73c414aa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d9195ad6d616c6c2f636f6e73756d65723ccc8c0540c3"
    ),
    "given back": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919b32a5626f6f6b73a3412d"
        "31c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacd01f4cd03e8cd01f4cc8ccd01ae009195ad6d616c6c2f636f"
        "6e73756d65721e460027"
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_the_bytes_of_a_value_are_what_they_were(name: str) -> None:
    assert encode(VALUES[name]).hex() == GOLDEN[name]


def test_every_value_has_its_bytes_and_bodies_are_encoded_as_any_value() -> None:
    assert VALUES.keys() == GOLDEN.keys()
    for name in ("accept", "set policy", "pay", "hold points", "capture", "void"):
        assert encode_body(VALUES[name]).hex() == GOLDEN[name]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (payment_key("books", "A-1"), "payment"),
        (hold_key(ACCOUNT, HASH), "hold"),
        (acceptance_key("books", TYPE), "acceptance record"),
        (past_acceptance_key("books", TYPE, 2), "acceptance record"),
        (POLICIES_KEY, "policies"),
        (past_policies_key(3), "policies"),
    ],
)
def test_a_record_is_found_under_its_key_and_read_again(key: bytes, name: str) -> None:
    record: Record = VALUES[name]
    assert decode_record(key, bytes.fromhex(GOLDEN[name])) == record


def test_the_keys_are_what_they_were() -> None:
    assert payment_key("books", "A-1") == b"wbooks\0A-1"
    assert hold_key(ACCOUNT, HASH) == b"k" + ACCOUNT + HASH
    assert acceptance_key("books", TYPE) == b"Abooks\0mall/consumer"
    assert past_acceptance_key("books", TYPE, 258) == b"A\0books\0mall/consumer\0\0\0\x01\x02"
    assert POLICIES_KEY == b"L"
    assert past_policies_key(258) == b"L\0\0\x01\x02"
