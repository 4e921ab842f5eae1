"""The formats of locks and of what members move, byte by byte; as for all formats, none ever changes."""

from typing import Any, Final

import pytest

from jifen.codec.canonical import encode
from jifen.codec.transactions import encode_body
from jifen.ledger.locks.bodies import AccountLocked, AccountUnlocked, LockAccount, UnlockAccount
from jifen.ledger.locks.records import UNTIL_UNLOCKED, AccountLock, LockReason, UnlockReason
from jifen.ledger.points.limits import Moved
from jifen.ledger.receipts import Receipt
from jifen.ledger.state import lock_key, moved_key, offer_key, open_offers_key
from jifen.ledger.swaps.bodies import (
    AcceptSwapOffer,
    CancelSwapOffer,
    CreateSwapOffer,
    PointsSwapped,
    SwapOfferClosed,
    SwapOffered,
)
from jifen.ledger.swaps.records import ENTRY, OfferEnd, OpenOffers, SwapOffer, board_key
from jifen.ledger.terms.records import MovingLimits, SwapCorridor
from jifen.ledger.transactions import Body
from jifen.ledger.types import Account, Lot, LotOrigin

NONCE: Final = bytes.fromhex("0001020304050607")
ACCOUNT: Final = b"\xaa" * 20
HASH: Final = b"\x1d" * 32
TIME: Final = 1_790_000_000_000
TYPE: Final = "mall/consumer"

VALUES: Final[dict[str, Any]] = {
    "locked account": Account(ACCOUNT, HASH, TIME, UNTIL_UNLOCKED),
    "paused lot": Lot(7, LotOrigin.EARNED, TIME, TIME + 9, 0, 3),
    "lock": AccountLock(LockReason.LEAKED, ("books", "mall"), TIME, UNTIL_UNLOCKED, HASH, TIME + 1),
    "moved": Moved(3, 400, 5),
    "limits": MovingLimits(30, 1000, 99),
    "corridor": SwapCorridor(50, 90),
    "lock account": LockAccount(TIME, NONCE, ACCOUNT, LockReason.DISPUTE, ("mall",)),
    "unlock account": UnlockAccount(TIME, NONCE, ACCOUNT, UnlockReason.SETTLED, ("books", "mall")),
    "locked": Receipt(HASH, 0, (AccountLocked(ACCOUNT, LockReason.LOST, (), TIME, 0),)),
    "unlocked": Receipt(HASH, 0, (AccountUnlocked(ACCOUNT, UnlockReason.FOUND, ("books", "mall"), TIME, 3),)),
    "offer": SwapOffer(
        ACCOUNT, TYPE, 20, "books/store", 30, 15, 2, TIME + 9, None, TIME, 7, (Lot(7, LotOrigin.EARNED, TIME, 0),)
    ),
    "offer to one": SwapOffer(
        ACCOUNT, TYPE, 20, "books/store", 30, 15, 20, TIME, ACCOUNT, TIME, 20, (Lot(20, LotOrigin.SWAPPED, 0, TIME),)
    ),
    "open offers": OpenOffers((HASH, HASH)),
    "board entry": ENTRY,
    "create swap offer": CreateSwapOffer(TIME, NONCE, ACCOUNT, TYPE, 20, "books/store", 30, 15, TIME + 9, 2),
    "create swap offer to one": CreateSwapOffer(
        TIME, NONCE, ACCOUNT, TYPE, 20, "books/store", 30, 15, TIME + 9, 2, ACCOUNT
    ),
    "accept swap offer": AcceptSwapOffer(TIME, NONCE, ACCOUNT, HASH, 4, 6),
    "cancel swap offer": CancelSwapOffer(TIME, NONCE, HASH),
    "offered": Receipt(HASH, 0, (SwapOffered(HASH, ACCOUNT, TYPE, 20, "books/store", 30, 15, TIME + 9, 80),)),
    "swapped": Receipt(HASH, 0, (PointsSwapped(HASH, ACCOUNT, ACCOUNT, TYPE, 4, "books/store", 6, 3, 16, 106, 4, 94),)),
    "closed": Receipt(HASH, 0, (SwapOfferClosed(HASH, ACCOUNT, OfferEnd.CANCELLED, TYPE, 16, 1, 95),)),
    "lapsed": Receipt(HASH, 0, (AccountUnlocked(ACCOUNT, None, (), TIME, 0),)),
}

GOLDEN: Final[dict[str, str]] = {
    "locked account": (
        "94c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1dcf000001a0c4506c00cf0001000000000000"
    ),
    "paused lot": "960701cf000001a0c4506c00cf000001a0c4506c090003",
    "lock": (
        "960292a5626f6f6b73a46d616c6ccf000001a0c4506c00cf0001000000000000c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dcf000001a0c4506c01"
    ),
    "moved": "9303cd019005",
    "limits": "931ecd03e863",
    "corridor": "92325a",
    "lock account": (
        "965acf000001a0c4506c00c4080001020304050607c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0391a46d616c6c"
    ),
    "unlock account": (
        "965bcf000001a0c4506c00c4080001020304050607c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0292a5626f"
        "6f6b73a46d616c6c"
    ),
    "locked": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091965ac414aaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaa0190cf000001a0c4506c0000"
    ),
    "unlocked": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091965bc414aaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaa0192a5626f6f6b73a46d616c6ccf000001a0c4506c0003"
    ),
    "lapsed": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091965bc414aaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaac090cf000001a0c4506c0000"
    ),
    "lock key": "69aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "moved key": "6c000001a0c4506c00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa6d616c6c2f636f6e73756d6572",
    "offer": (
        "9cc414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657214ab626f6f6b732f73746f"
        "72651e0f02cf000001a0c4506c09c0cf000001a0c4506c000791960701cf000001a0c4506c00000000"
    ),
    "offer to one": (
        "9cc414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657214ab626f6f6b732f73746f"
        "72651e0f14cf000001a0c4506c00c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacf000001a0c4506c00149196"
        "140300cf000001a0c4506c000000"
    ),
    "open offers": (
        "9192c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc4201d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "board entry": "90",
    "create swap offer": (
        "9c41cf000001a0c4506c00c4080001020304050607c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c"
        "2f636f6e73756d657214ab626f6f6b732f73746f72651e0fcf000001a0c4506c0902c0"
    ),
    "create swap offer to one": (
        "9c41cf000001a0c4506c00c4080001020304050607c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c"
        "2f636f6e73756d657214ab626f6f6b732f73746f72651e0fcf000001a0c4506c0902c414aaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaa"
    ),
    "accept swap offer": (
        "9742cf000001a0c4506c00c4080001020304050607c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac4201d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0406"
    ),
    "cancel swap offer": (
        "9443cf000001a0c4506c00c4080001020304050607c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "offered": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919a41c4201d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad"
        "6d616c6c2f636f6e73756d657214ab626f6f6b732f73746f72651e0fcf000001a0c4506c0950"
    ),
    "swapped": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919d42c4201d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac4"
        "14aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657204ab626f6f6b732f73746f7265"
        "0603106a045e"
    ),
    "closed": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919843c4201d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa01"
        "ad6d616c6c2f636f6e73756d657210015f"
    ),
    "offer key": "661d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d",
    "open offers key": "53aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "board key": (
        "466d616c6c2f636f6e73756d657200626f6f6b732f73746f7265000000000000000c0000000000000000000000000000"
        "0001a0c4506c001d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
}


def computed() -> dict[str, bytes]:
    """Return the bytes of every value, and of the keys of the state."""
    found = {name: encode_body(value) if isinstance(value, Body) else encode(value) for name, value in VALUES.items()}
    return found | {
        "lock key": lock_key(ACCOUNT),
        "moved key": moved_key(TIME, ACCOUNT, TYPE),
        "offer key": offer_key(HASH),
        "open offers key": open_offers_key(ACCOUNT),
        "board key": board_key(HASH, VALUES["offer"]),
    }


def test_every_format_has_a_golden_vector() -> None:
    assert computed().keys() == GOLDEN.keys()


@pytest.mark.parametrize("name", GOLDEN)
def test_a_format_is_what_it_always_was(name: str) -> None:
    assert computed()[name].hex() == GOLDEN[name]
