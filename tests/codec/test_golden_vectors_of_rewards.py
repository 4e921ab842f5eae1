"""The formats of rewards and cash back, byte by byte; as for all formats, none ever changes."""

from typing import Any, Final

import pytest

from jifen.codec.canonical import encode
from jifen.codec.transactions import encode_body
from jifen.ledger.cashback import records as cashbacks
from jifen.ledger.cashback.bodies import ConfirmCashback, RejectCashback, RequestCashback, SetCashbackPolicy
from jifen.ledger.cashback.effects import (
    CashbackConfirmed,
    CashbackOverdue,
    CashbackPolicySet,
    CashbackRejected,
    CashbackRequested,
)
from jifen.ledger.cashback.records import Cashback, CashbackPolicy, CashbackStatus, CashbackUse
from jifen.ledger.opened.records import MemberOpen, OrganizationOpen
from jifen.ledger.points.positions import Rate
from jifen.ledger.receipts import Receipt
from jifen.ledger.rewards import records as rewards
from jifen.ledger.rewards.bodies import (
    AddRewardCodes,
    CancelRedemption,
    FulfilRedemption,
    PublishReward,
    RedeemReward,
    RestockReward,
    WithdrawReward,
)
from jifen.ledger.rewards.effects import (
    RedemptionCancelled,
    RedemptionFulfilled,
    RewardCodesAdded,
    RewardPublished,
    RewardRedeemed,
    RewardRestocked,
    RewardWithdrawn,
)
from jifen.ledger.rewards.records import (
    LISTED,
    Redemption,
    RedemptionStatus,
    Reward,
    RewardCode,
    RewardCodeNumber,
    RewardDetails,
    RewardPrice,
    RewardStanding,
    RewardVersion,
)
from jifen.ledger.types import Lot, LotOrigin

NONCE: Final = bytes.fromhex("0001020304050607")
ACCOUNT: Final = b"\xaa" * 20
HASH: Final = b"\x1d" * 32
TIME: Final = 1_790_000_000_000
TYPE: Final = "books/store"
MUG: Final = "mall/mug"
RATE: Final = Rate(10, 1)
PRICE: Final = RewardPrice(TYPE, 400, "gold", RATE)
DETAILS: Final = RewardDetails("Mug", (PRICE, RewardPrice("mall/consumer", 100)), TIME, TIME + 9, 3, True, 60)
LOTS: Final = (Lot(400, LotOrigin.EARNED, TIME, TIME + 9),)
CASH: Final = (TYPE, 7, ACCOUNT, 50)

BODIES: Final[dict[str, Any]] = {
    "publish": PublishReward(TIME, NONCE, MUG, 2, DETAILS, 5),
    "codes": AddRewardCodes(TIME, NONCE, MUG, (HASH, bytes(32))),
    "restock": RestockReward(TIME, NONCE, MUG, 5),
    "withdraw": WithdrawReward(TIME, NONCE, MUG),
    "redeem": RedeemReward(TIME, NONCE, ACCOUNT, MUG, 2, TYPE, 400),
    "fulfil": FulfilRedemption(TIME, NONCE, MUG, 7),
    "cancel": CancelRedemption(TIME, NONCE, MUG, 7, "broken"),
    "set policy": SetCashbackPolicy(TIME, NONCE, "books", TYPE, RATE, 20, 200, 250, 3),
    "request": RequestCashback(TIME, NONCE, ACCOUNT, TYPE, 50, 5),
    "confirm": ConfirmCashback(TIME, NONCE, TYPE, 7, HASH),
    "reject": RejectCashback(TIME, NONCE, TYPE, 7, "unknown"),
}
EFFECTS: Final[dict[str, Any]] = {
    "published": RewardPublished(MUG, 2, 5),
    "codes added": RewardCodesAdded(MUG, 1, 2, 5),
    "restocked": RewardRestocked(MUG, 5, 6),
    "withdrawn": RewardWithdrawn(MUG, 2),
    "redeemed": RewardRedeemed(MUG, 7, 2, ACCOUNT, TYPE, 400, "gold", RATE, HASH, TIME, 4, 9),
    "fulfilled": RedemptionFulfilled(MUG, 7, ACCOUNT, TYPE, 400, RATE, True),
    "cancelled": RedemptionCancelled(MUG, 7, ACCOUNT, TYPE, 400, 1, 408, 5, "broken"),
    "policy set": CashbackPolicySet(TYPE, 2, RATE, 20, 200, 250, 3),
    "requested": CashbackRequested(*CASH, RATE, 2, 5, TIME, 9),
    "confirmed": CashbackConfirmed(*CASH, 5, HASH, True),
    "rejected": CashbackRejected(*CASH, 1, 58, "unknown"),
    "overdue": CashbackOverdue(*CASH, 5, TIME),
}
RECORDS: Final[dict[str, Any]] = {
    "reward": Reward(MUG, 2, DETAILS, 5, 7, 12, True),
    "least details": RewardDetails("Mug", (RewardPrice("mall/consumer", 100),)),
    "version": RewardVersion(DETAILS, TIME, HASH),
    "code": RewardCode(HASH),
    "code number": RewardCodeNumber(7),
    "held": Redemption(MUG, 7, ACCOUNT, 2, PRICE, TIME, RedemptionStatus.HELD, TIME + 9, LOTS, HASH),
    "over": Redemption(MUG, 7, ACCOUNT, 2, PRICE, TIME, RedemptionStatus.CANCELLED, 0, (), b"", TIME + 1),
    "standing": RewardStanding(3),
    "list entry": LISTED,
    "policy": CashbackPolicy(2, RATE, 20, 200, 250, 3, 7),
    "asked": Cashback(*CASH, 5, RATE, 2, TIME, TIME + 9, 20_717, 24_320, CashbackStatus.REQUESTED, LOTS, True),
    "paid": Cashback(*CASH, 5, RATE, 2, TIME, TIME + 9, 1, 2, CashbackStatus.PAID, (), False, TIME + 1, HASH),
    "use": CashbackUse(50),
    "open of organization": OrganizationOpen(3, 1000),
    "open of member": MemberOpen(100, 16),
}

GOLDEN: Final[dict[str, str]] = {
    "open of member": "926410",
    "open of organization": "9203cd03e8",
    "publish": (
        "9733cf000001a0c4506c00c4080001020304050607a86d616c6c2f6d75670297a34d75679294ab626f6f6b732f73746f"
        "7265cd0190a4676f6c64920a0194ad6d616c6c2f636f6e73756d657264a0920100cf000001a0c4506c00cf000001a0c4"
        "506c0903c33c05"
    ),
    "codes": (
        "9534cf000001a0c4506c00c4080001020304050607a86d616c6c2f6d756792c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc4200000000000000000000000000000000000000000000000000000000000"
        "000000"
    ),
    "restock": "9535cf000001a0c4506c00c4080001020304050607a86d616c6c2f6d756705",
    "withdraw": "9436cf000001a0c4506c00c4080001020304050607a86d616c6c2f6d7567",
    "redeem": (
        "985fcf000001a0c4506c00c4080001020304050607c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa86d616c6c"
        "2f6d756702ab626f6f6b732f73746f7265cd0190"
    ),
    "fulfil": "9560cf000001a0c4506c00c4080001020304050607a86d616c6c2f6d756707",
    "cancel": "9661cf000001a0c4506c00c4080001020304050607a86d616c6c2f6d756707a662726f6b656e",
    "set policy": ("9a62cf000001a0c4506c00c4080001020304050607a5626f6f6b73ab626f6f6b732f73746f7265920a0114ccc8ccfa03"),
    "request": (
        "9763cf000001a0c4506c00c4080001020304050607c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab626f6f6b"
        "732f73746f72653205"
    ),
    "confirm": (
        "9664cf000001a0c4506c00c4080001020304050607ab626f6f6b732f73746f726507c4201d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "reject": "9665cf000001a0c4506c00c4080001020304050607ab626f6f6b732f73746f726507a7756e6b6e6f776e",
    "published": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919433a86d616c6c2f6d75670205"
    ),
    "codes added": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919534a86d616c6c2f6d7567010205"
    ),
    "restocked": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919435a86d616c6c2f6d75670506"
    ),
    "withdrawn": ("93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919336a86d616c6c2f6d756702"),
    "redeemed": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919d5fa86d616c6c2f6d7567"
        "0702c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab626f6f6b732f73746f7265cd0190a4676f6c64920a01c4"
        "201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dcf000001a0c4506c000409"
    ),
    "fulfilled": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919860a86d616c6c2f6d7567"
        "07c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab626f6f6b732f73746f7265cd0190920a01c3"
    ),
    "cancelled": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919a61a86d616c6c2f6d7567"
        "07c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab626f6f6b732f73746f7265cd019001cd019805a662726f6b"
        "656e"
    ),
    "policy set": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919862ab626f6f6b732f7374"
        "6f726502920a0114ccc8ccfa03"
    ),
    "requested": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919a63ab626f6f6b732f7374"
        "6f726507c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa32920a010205cf000001a0c4506c0009"
    ),
    "confirmed": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919864ab626f6f6b732f7374"
        "6f726507c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa3205c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1dc3"
    ),
    "rejected": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919865ab626f6f6b732f7374"
        "6f726507c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa32013aa7756e6b6e6f776e"
    ),
    "overdue": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919766ab626f6f6b732f7374"
        "6f726507c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa3205cf000001a0c4506c00"
    ),
    "reward": (
        "97a86d616c6c2f6d75670297a34d75679294ab626f6f6b732f73746f7265cd0190a4676f6c64920a0194ad6d616c6c2f"
        "636f6e73756d657264a0920100cf000001a0c4506c00cf000001a0c4506c0903c33c05070cc3"
    ),
    "least details": "97a34d75679194ad6d616c6c2f636f6e73756d657264a0920100000000c200",
    "version": (
        "9397a34d75679294ab626f6f6b732f73746f7265cd0190a4676f6c64920a0194ad6d616c6c2f636f6e73756d657264a0"
        "920100cf000001a0c4506c00cf000001a0c4506c0903c33ccf000001a0c4506c00c4201d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "code": "91c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d",
    "code number": "9107",
    "held": (
        "9ba86d616c6c2f6d756707c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0294ab626f6f6b732f73746f7265cd"
        "0190a4676f6c64920a01cf000001a0c4506c0001cf000001a0c4506c099196cd019001cf000001a0c4506c00cf000001"
        "a0c4506c090000c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00"
    ),
    "over": (
        "9ba86d616c6c2f6d756707c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0294ab626f6f6b732f73746f7265cd"
        "0190a4676f6c64920a01cf000001a0c4506c00030090c400cf000001a0c4506c01"
    ),
    "standing": "9103",
    "list entry": "90",
    "policy": "9702920a0114ccc8ccfa0307",
    "asked": (
        "dc0011ab626f6f6b732f73746f726507c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa3205920a0102cf000001"
        "a0c4506c00cf000001a0c4506c09cd50edcd5f00019196cd019001cf000001a0c4506c00cf000001a0c4506c090000c3"
        "00c400a0"
    ),
    "paid": (
        "dc0011ab626f6f6b732f73746f726507c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa3205920a0102cf000001"
        "a0c4506c00cf000001a0c4506c0901020290c2cf000001a0c4506c01c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1da0"
    ),
    "use": "9132",
    "commitment": "ef37707ad096bbff89eb07abd47541a2228e3845579d7c652717c17a2cd30fc2",
    "reward key": "576d616c6c2f6d7567",
    "version key": "596d616c6c2f6d75670000000002",
    "code key": "6a6d616c6c2f6d7567000000000000000007",
    "code index key": "4a6d616c6c2f6d7567001d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d",
    "redemption key": "526d616c6c2f6d7567000000000000000007",
    "redemption list key": (
        "79aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa000001a0c4506c006d616c6c2f6d7567000000000000000007"
    ),
    "standing key": "7aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa6d616c6c2f6d7567",
    "policy key": "50626f6f6b732f73746f7265",
    "cash back key": "43626f6f6b732f73746f7265000000000000000007",
    "cash back list key": (
        "6daaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa000001a0c4506c00626f6f6b732f73746f7265000000000000000007"
    ),
    "open key": "4f626f6f6b732f73746f726500000001a0c4506c000000000000000007",
    "day key": "4baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa626f6f6b732f73746f72650064000050ed",
    "month key": "4baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa626f6f6b732f73746f7265006d00005f00",
}
"""Bytes in hex, by name."""


def computed() -> dict[str, bytes]:
    """Return the bytes of everything above, its keys and what is hashed."""
    found = {name: encode_body(body) for name, body in BODIES.items()}
    found |= {name: encode(Receipt(HASH, 0, (effect,))) for name, effect in EFFECTS.items()}
    found |= {name: encode(record) for name, record in RECORDS.items()}
    return found | {
        "commitment": rewards.code_commitment(MUG, bytes(range(16)), "ABC-123"),
        "reward key": rewards.reward_key(MUG),
        "version key": rewards.reward_version_key(MUG, 2),
        "code key": rewards.reward_code_key(MUG, 7),
        "code index key": rewards.reward_code_index_key(MUG, HASH),
        "redemption key": rewards.redemption_key(MUG, 7),
        "redemption list key": rewards.redemption_of_account_key(ACCOUNT, TIME, MUG, 7),
        "standing key": rewards.reward_standing_key(ACCOUNT, MUG),
        "policy key": cashbacks.cashback_policy_key(TYPE),
        "cash back key": cashbacks.cashback_key(TYPE, 7),
        "cash back list key": cashbacks.cashback_of_account_key(ACCOUNT, TIME, TYPE, 7),
        "open key": cashbacks.open_cashback_key(TYPE, TIME, 7),
        "day key": cashbacks.day_use_key(ACCOUNT, TYPE, 20_717),
        "month key": cashbacks.month_use_key(ACCOUNT, TYPE, 24_320),
    }


def test_every_format_of_rewards_has_a_golden_vector() -> None:
    assert computed().keys() == GOLDEN.keys()


@pytest.mark.parametrize("name", GOLDEN)
def test_a_format_of_rewards_is_what_it_always_was(name: str) -> None:
    assert computed()[name].hex() == GOLDEN[name]
