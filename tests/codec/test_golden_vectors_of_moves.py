"""The formats of locks and of what members move, byte by byte; as for all formats, none ever changes."""

from typing import Any, Final

import pytest

from jifen.codec.canonical import encode
from jifen.codec.transactions import encode_body
from jifen.ledger.limits import Moved
from jifen.ledger.lock_bodies import AccountLocked, AccountUnlocked, LockAccount, UnlockAccount
from jifen.ledger.locks import UNTIL_UNLOCKED, AccountLock, LockReason, UnlockReason
from jifen.ledger.receipts import Receipt
from jifen.ledger.state import lock_key, moved_key
from jifen.ledger.terms import MovingLimits, SwapCorridor
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
}


def computed() -> dict[str, bytes]:
    """Return the bytes of every value, and of the keys of the state."""
    found = {name: encode_body(value) if isinstance(value, Body) else encode(value) for name, value in VALUES.items()}
    return found | {"lock key": lock_key(ACCOUNT), "moved key": moved_key(TIME, ACCOUNT, TYPE)}


def test_every_format_has_a_golden_vector() -> None:
    assert computed().keys() == GOLDEN.keys()


@pytest.mark.parametrize("name", GOLDEN)
def test_a_format_is_what_it_always_was(name: str) -> None:
    assert computed()[name].hex() == GOLDEN[name]
