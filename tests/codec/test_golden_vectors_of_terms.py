"""The formats of terms, of the agenda and of what time does, byte by byte; as for all formats, none ever changes."""

from typing import Any, Final

import pytest

from jifen.codec.canonical import encode
from jifen.codec.records import encode_writes, state_digest
from jifen.codec.transactions import encode_body
from jifen.ledger.receipts import PointsEarned, PointsRevoked, Receipt
from jifen.ledger.scheduling import ENTRY
from jifen.ledger.state import agenda_key, holding_key, mark_key, terms_key
from jifen.ledger.terms.bodies import ConfirmOrder, CreatePointType, PublishTerms
from jifen.ledger.terms.effects import ExpiryAnnounced, PointsActivated, PointsExpired, TermsInForce, TermsPublished
from jifen.ledger.terms.records import (
    AvailableAfterDays,
    AvailableOnConfirmation,
    CalendarExpiry,
    CreditLine,
    Deposit,
    PointType,
    RollingExpiry,
    SlidingExpiry,
    Terms,
    TermsRecord,
    terms_hash,
)
from jifen.ledger.types import Holding, Lot, LotOrigin, OrderRecord, Record, RoleClass, Supply, TransactionMark

NONCE: Final = bytes.fromhex("0001020304050607")
ACCOUNT: Final = b"\xaa" * 20
HASH: Final = b"\x1d" * 32
TIME: Final = 1_790_000_000_000
TYPE: Final = "mall/consumer"

TERMS: Final = Terms(
    2,
    TIME,
    2,
    100,
    1,
    CalendarExpiry(12, 31, 1),
    AvailableAfterDays(14),
    480,
    False,
    True,
    True,
    ("books", "cafe"),
    5_000_000,
    Deposit("books", 50_000),
)
OTHER: Final = Terms(
    expiry=SlidingExpiry(365), pending=AvailableOnConfirmation(), backing=CreditLine("books", 1), utc_offset_minutes=-90
)

VALUES: Final[dict[str, Any]] = {
    "terms": TERMS,
    "other terms": OTHER,
    "least terms": Terms(),
    "rolling terms": Terms(expiry=RollingExpiry(30)),
    "point type": PointType(TYPE, "mall", RoleClass.CONSUMER, 1, 1, 10, OTHER, TERMS),
    "terms record": TermsRecord(TERMS, HASH, TIME, HASH),
    "agenda entry": ENTRY,
    "holding": Holding(
        7,
        (Lot(7, LotOrigin.EARNED, TIME, TIME + 9, 365),),
        1,
        5,
        (Lot(2, LotOrigin.EARNED, TIME + 1, 0),),
        (Lot(3, LotOrigin.EARNED, TIME, TIME + 9),),
        (Lot(4, LotOrigin.EARNED, 0, TIME),),
        TIME + 1,
    ),
    "supply": Supply(100, 20, 30),
    "order": OrderRecord(HASH, ACCOUNT, TYPE, 1, 1, 10, 500, 0, 2, TIME, TIME + 9, 365, True),
    "publish": PublishTerms(TIME, NONCE, "mall", TYPE, TERMS),
    "create": CreatePointType(TIME, NONCE, "mall", RoleClass.GUIDE, 3, 7, OTHER),
    "confirm": ConfirmOrder(TIME, NONCE, "mall", "A-1"),
    "earned": Receipt(HASH, 0, (PointsEarned("mall", ACCOUNT, TYPE, 1, 500, 1, 10, 50, 60, 9, 2, 0, TIME, 41),)),
    "revoked": Receipt(HASH, 0, (PointsRevoked("mall", ACCOUNT, TYPE, 1, 500, 12_345, 700, 1, 10, 50, 1284, 3, 7, 2),)),
    "expired": Receipt(bytes(32), 0, (PointsExpired(ACCOUNT, TYPE, 5, TIME, 6, 7),)),
    "activated": Receipt(bytes(32), 0, (PointsActivated(ACCOUNT, TYPE, 5, 1, 6, 7),)),
    "confirmed": Receipt(HASH, 0, (PointsActivated(ACCOUNT, TYPE, 5, 1, 6, 7, "mall", "A-1"),)),
    "announced": Receipt(bytes(32), 0, (ExpiryAnnounced(ACCOUNT, TYPE, 5, TIME, 30),)),
    "published": Receipt(HASH, 0, (TermsPublished(TYPE, 2, HASH, TIME),)),
    "in force": Receipt(bytes(32), 0, (TermsInForce(TYPE, 2, HASH),)),
}

GOLDEN: Final[dict[str, str]] = {
    "terms": (
        "dc001002cf000001a0c4506c0002640194030c1f0192020ecd01e0c2c3c392a5626f6f6b73a463616665ce004c4b4093"
        "02a5626f6f6b73cdc350931ecf001fffffffffffff64923264"
    ),
    "other terms": (
        "dc001001000001009204cd016d9103d0a6c3c2c290cf001fffffffffffff9303a5626f6f6b7301931ecf001fffffffffffff64923264"
    ),
    "least terms": "dc001001000001009101910100c3c2c290cf001fffffffffffff9101931ecf001fffffffffffff64923264",
    "rolling terms": "dc0010010000010092021e910100c3c2c290cf001fffffffffffff9101931ecf001fffffffffffff64923264",
    "point type": (
        "98ad6d616c6c2f636f6e73756d6572a46d616c6c0101010adc001001000001009204cd016d9103d0a6c3c2c290cf001f"
        "ffffffffffff9303a5626f6f6b7301931ecf001fffffffffffff64923264dc001002cf000001a0c4506c000264019403"
        "0c1f0192020ecd01e0c2c3c392a5626f6f6b73a463616665ce004c4b409302a5626f6f6b73cdc350931ecf001fffffff"
        "ffffff64923264"
    ),
    "terms record": (
        "94dc001002cf000001a0c4506c0002640194030c1f0192020ecd01e0c2c3c392a5626f6f6b73a463616665ce004c4b40"
        "9302a5626f6f6b73cdc350931ecf001fffffffffffff64923264c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1dcf000001a0c4506c00c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d"
    ),
    "agenda entry": "90",
    "holding": (
        "990791960701cf000001a0c4506c00cf000001a0c4506c09cd016d00010591960201cf000001a0c4506c010000009196"
        "0301cf000001a0c4506c00cf000001a0c4506c0900009196040100cf000001a0c4506c000000cf000001a0c4506c0100"
    ),
    "supply": "9364141e",
    "order": (
        "dc0010c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc414aaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657201010acd01f40002cf000001a0c4506c00cf000001a0c4"
        "506c09cd016dc3c090c2"
    ),
    "publish": (
        "961ecf000001a0c4506c00c4080001020304050607a46d616c6cad6d616c6c2f636f6e73756d6572dc001002cf000001"
        "a0c4506c0002640194030c1f0192020ecd01e0c2c3c392a5626f6f6b73a463616665ce004c4b409302a5626f6f6b73cd"
        "c350931ecf001fffffffffffff64923264"
    ),
    "create": (
        "981fcf000001a0c4506c00c4080001020304050607a46d616c6c020307dc001001000001009204cd016d9103d0a6c3c2"
        "c290cf001fffffffffffff9303a5626f6f6b7301931ecf001fffffffffffff64923264"
    ),
    "confirm": "9520cf000001a0c4506c00c4080001020304050607a46d616c6ca3412d31",
    "earned": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091dc001002a46d616c6cc414"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657201cd01f4010a323c090200cf0000"
        "01a0c4506c0029c0"
    ),
    "revoked": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091dc001104a46d616c6cc414"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657201cd01f4cd3039cd02bc010a32cd"
        "05040307020090"
    ),
    "expired": (
        "93c42000000000000000000000000000000000000000000000000000000000000000000091971ec414aaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657205cf000001a0c4506c000607"
    ),
    "activated": (
        "93c42000000000000000000000000000000000000000000000000000000000000000000091991fc414aaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657205010607c0c0"
    ),
    "confirmed": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091991fc414aaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657205010607a46d616c6ca3412d31"
    ),
    "announced": (
        "93c420000000000000000000000000000000000000000000000000000000000000000000919620c414aaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657205cf000001a0c4506c001e"
    ),
    "published": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919521ad6d616c6c2f636f6e"
        "73756d657202c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dcf000001a0c4506c"
        "00"
    ),
    "in force": (
        "93c420000000000000000000000000000000000000000000000000000000000000000000919422ad6d616c6c2f636f6e"
        "73756d657202c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "terms hash": "6e80c890163d03c2bf3b40fa4bba27c0bb7ebb3544da630fe2e4cbb33ed0a039",
    "terms key": "546d616c6c2f636f6e73756d65720000000002",
    "agenda key": "74000001a0c4506c0068aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa6d616c6c2f636f6e73756d6572",
    "digest with a deletion": "cc9f6474678e405a83d45427d304c416bb7c65a7368a57c679b70ac0efed27cf",
}
"""Bytes in hex, by name."""


def computed() -> dict[str, bytes]:
    """Return the bytes of everything above, and what is hashed of them."""
    found = {name: encode(value) for name, value in VALUES.items()}
    for name in ("publish", "create", "confirm"):
        assert encode_body(VALUES[name]) == found[name]
    found["terms hash"] = terms_hash(TYPE, TERMS)
    found["terms key"] = terms_key(TYPE, 2)
    found["agenda key"] = agenda_key(TIME, holding_key(ACCOUNT, TYPE))
    writes: dict[bytes, Record | None] = {mark_key(TIME, HASH): None, mark_key(TIME + 1, HASH): TransactionMark(7)}
    found["digest with a deletion"] = state_digest(bytes(32), encode_writes(writes))
    return found


def test_every_format_has_a_golden_vector() -> None:
    assert computed().keys() == GOLDEN.keys()


@pytest.mark.parametrize("name", GOLDEN)
def test_a_format_is_what_it_always_was(name: str) -> None:
    assert computed()[name].hex() == GOLDEN[name]
