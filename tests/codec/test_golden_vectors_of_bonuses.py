"""The formats of bonuses, adjustments and standing orders, byte by byte; as for all formats, none ever changes."""

from typing import Any, Final

import pytest

from jifen.codec.canonical import encode
from jifen.codec.transactions import encode_body
from jifen.ledger.bonuses.bodies import AdjustPoints, GrantBonus, SetBonusPolicy
from jifen.ledger.bonuses.effects import BonusGranted, BonusPolicySet, PointsAdjusted
from jifen.ledger.bonuses.records import (
    AdjustmentReason,
    BonusBook,
    BonusCause,
    BonusMark,
    BonusPolicy,
    ClerkDay,
    Direction,
)
from jifen.ledger.receipts import Receipt
from jifen.ledger.rewards.standing_orders import (
    AutoRedeemed,
    AutoRedemptionEnded,
    AutoRedemptionSet,
    CancelAutoRedemption,
    SetAutoRedemption,
    StandingOrder,
)
from jifen.ledger.state import bonus_book_key, bonus_mark_key, clerk_key, standing_order_key

NONCE: Final = bytes.fromhex("0001020304050607")
ACCOUNT: Final = b"\xaa" * 20
HASH: Final = b"\x1d" * 32
KEY: Final = b"\x4b" * 32
TIME: Final = 1_790_000_000_000
TYPE: Final = "mall/consumer"
POLICY: Final = BonusPolicy(3, 400, 250, 900, 2, 10_000, -90, (ACCOUNT, b"\xbb" * 20))
ADJUSTED: Final = ("mall", ACCOUNT, TYPE, Direction.DEBIT, 30, "a-1", AdjustmentReason.MISUSE, "found out")

VALUES: Final[dict[str, Any]] = {
    "defaults": BonusPolicy(),
    "policy": POLICY,
    "book": BonusBook(POLICY, 700),
    "mark": BonusMark(HASH, ACCOUNT, 30),
    "clerk's day": ClerkDay(20_717, 500, 5),
    "set policy": SetBonusPolicy(TIME, NONCE, "mall", POLICY),
    "goodwill": GrantBonus(TIME, NONCE, "mall", ACCOUNT, TYPE, 30, BonusCause.GOODWILL, "c-1", "a broken cup"),
    "event": GrantBonus(TIME, NONCE, "mall", ACCOUNT, TYPE, 30, BonusCause.EVENT, "e-1", "came", "books"),
    "adjust": AdjustPoints(TIME, NONCE, *ADJUSTED, True),
    "standing order": StandingOrder(HASH, "mall/mug", 100, 3, TIME, 20_717, 2),
    "set order": SetAutoRedemption(TIME, NONCE, ACCOUNT, "mall", "mall/mug", 100, 3, TIME),
    "cancel order": CancelAutoRedemption(TIME, NONCE, ACCOUNT, "mall"),
    "order set": Receipt(HASH, 0, (AutoRedemptionSet(ACCOUNT, "mall", "mall/mug", 100, 3, TIME),)),
    "order ended": Receipt(HASH, 0, (AutoRedemptionEnded(ACCOUNT, "mall", "mall/mug", True),)),
    "order carried out": Receipt(HASH, 0, (AutoRedeemed(ACCOUNT, "mall", "mall/mug", TYPE, 100, 2, HASH),)),
    "policy set": Receipt(HASH, 0, (BonusPolicySet("mall", 3),)),
    "granted": Receipt(
        HASH,
        0,
        (
            BonusGranted(
                "mall", ACCOUNT, TYPE, 30, BonusCause.WELCOME, "w", "joined", KEY, 0, 5, 2, TIME, TIME + 9, 25, 7
            ),
        ),
    ),
    "adjusted": Receipt(HASH, 0, (PointsAdjusted(*ADJUSTED, KEY, 3, 0, 0, 12, 7),)),
}

GOLDEN: Final[dict[str, str]] = {
    "defaults": "9800cd03e8cd01f4cd271005cf001fffffffffffffcd01e090",
    "policy": (
        "9803cd0190ccfacd038402cd2710d0a692c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac414bbbbbbbbbbbbbb"
        "bbbbbbbbbbbbbbbbbbbbbbbbbb"
    ),
    "book": (
        "93019803cd0190ccfacd038402cd2710d0a692c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac414bbbbbbbbbb"
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbcd02bc"
    ),
    "mark": (
        "9402c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc414aaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaa1e"
    ),
    "clerk's day": "9403cd50edcd01f405",
    "set policy": (
        "954dcf000001a0c4506c00c4080001020304050607a46d616c6c9803cd0190ccfacd038402cd2710d0a692c414aaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac414bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    ),
    "goodwill": (
        "9b4ecf000001a0c4506c00c4080001020304050607a46d616c6cc414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "ad6d616c6c2f636f6e73756d65721e04a3632d31ac612062726f6b656e20637570c0"
    ),
    "event": (
        "9b4ecf000001a0c4506c00c4080001020304050607a46d616c6cc414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "ad6d616c6c2f636f6e73756d65721e02a3652d31a463616d65a5626f6f6b73"
    ),
    "adjust": (
        "9c4fcf000001a0c4506c00c4080001020304050607a46d616c6cc414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "ad6d616c6c2f636f6e73756d6572021ea3612d3102a9666f756e64206f7574c3"
    ),
    "standing order": (
        "9804c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1da86d616c6c2f6d75676403cf"
        "000001a0c4506c00cd50ed02"
    ),
    "set order": (
        "9950cf000001a0c4506c00c4080001020304050607c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa46d616c6c"
        "a86d616c6c2f6d75676403cf000001a0c4506c00"
    ),
    "cancel order": (
        "9551cf000001a0c4506c00c4080001020304050607c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa46d616c6c"
    ),
    "order set": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919753c414aaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaa46d616c6ca86d616c6c2f6d75676403cf000001a0c4506c00"
    ),
    "order ended": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919554c414aaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaa46d616c6ca86d616c6c2f6d7567c3"
    ),
    "order carried out": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919855c414aaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaa46d616c6ca86d616c6c2f6d7567ad6d616c6c2f636f6e73756d65726402c4201d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "policy set": ("93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919350a46d616c6c03"),
    "granted": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091dc001051a46d616c6cc414"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d65721e01a177a66a6f696e6564c4204b"
        "4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b000502cf000001a0c4506c00cf000001a0"
        "c4506c091907"
    ),
    "adjusted": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919f52a46d616c6cc414aaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d6572021ea3612d3102a9666f756e64206f75"
        "74c4204b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b0300000c07"
    ),
    "order key": "6e61aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa6d616c6c",
    "book key": "6e626d616c6c",
    "mark key": "6e6d6d616c6c0001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "clerk key": "6e636d616c6c004b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b",
}
"""Bytes in hex, by name."""


def computed() -> dict[str, bytes]:
    """Return the bytes of everything above, and its keys."""
    found = {name: encode(value) for name, value in VALUES.items()}
    for name in ("set policy", "goodwill", "event", "adjust", "set order", "cancel order"):
        assert encode_body(VALUES[name]) == found[name]
    found["order key"] = standing_order_key(ACCOUNT, "mall")
    found["book key"] = bonus_book_key("mall")
    found["mark key"] = bonus_mark_key("mall", b"\1" + ACCOUNT)
    found["clerk key"] = clerk_key("mall", KEY)
    return found


def test_every_format_of_bonuses_has_a_golden_vector() -> None:
    assert computed().keys() == GOLDEN.keys()


@pytest.mark.parametrize("name", GOLDEN)
def test_a_format_of_bonuses_is_what_it_always_was(name: str) -> None:
    assert computed()[name].hex() == GOLDEN[name]
