"""What the scene of faults has of rewards and cash back."""

from typing import TYPE_CHECKING, Final

from jifen.ledger.cashback.bodies import RejectCashback, RequestCashback, SetCashbackPolicy
from jifen.ledger.points.positions import Rate
from jifen.ledger.rewards.bodies import (
    AddRewardCodes,
    FulfilRedemption,
    PublishReward,
    RedeemReward,
    WithdrawReward,
)
from jifen.ledger.rewards.records import RewardDetails, RewardPrice
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import SlidingExpiry, Terms
from jifen.ledger.transactions import Body, EarnPoints, TransferPoints
from jifen.testing.naive.scene import START, account_of, key_of, transaction

if TYPE_CHECKING:
    from jifen.testing.faults.scene import Scene

TIME: Final = START + 1000
ANN, BO = (account_of(key_of(name)) for name in ("ann", "bo"))
HEAD: Final = (TIME, b"rewards!")
STORE: Final = "books/store"

PRICES: Final = (
    RewardPrice("mall/consumer", 100),
    RewardPrice("mall/guide", 500),
    RewardPrice(STORE, 400, "", Rate(20, 1)),
    RewardPrice("mall/distributor", 1, "gold"),
)
WORTH: Final = Terms(
    version=2,
    settlement_points=10,
    settlement_fen=1,
    expiry=SlidingExpiry(20),
    cashable=True,
    accepted_by=("mall",),
)
SOLD: Final = {
    "mall/mug": RewardDetails("Mug", PRICES, hold_minutes=60, member_limit=3),
    "mall/once": RewardDetails("Once", PRICES, member_limit=1),
    "mall/rare": RewardDetails("Rare", PRICES, hold_minutes=60),
    "mall/single": RewardDetails("Single", PRICES, hold_minutes=60, member_limit=1),
    "mall/old": RewardDetails("Old", PRICES, member_limit=1),
    "mall/late": RewardDetails("Late", PRICES, opens_at=TIME + 1, hold_minutes=60),
    "mall/gone": RewardDetails("Gone", PRICES, closes_at=TIME),
    "mall/ticket": RewardDetails("Ticket", PRICES, has_codes=True),
}
STOCKS: Final = {"mall/ticket": 0, "mall/rare": 0, "mall/single": 1, "mall/old": 1}
FURNITURE: Final[tuple[tuple[Body, str], ...]] = (
    (PublishTerms(*HEAD, "books", STORE, WORTH), "books admin"),
    (EarnPoints(*HEAD, "books", "S1", ANN, STORE, 5000, 7), "books till"),
    (EarnPoints(*HEAD, "books", "S2", BO, STORE, 50, 7), "books till"),
    (TransferPoints(*HEAD, ANN, BO, STORE, 300, b""), "ann"),
    (SetCashbackPolicy(*HEAD, "books", STORE, Rate(10, 1), 20, 200, 250, 3), "books admin"),
    (RequestCashback(*HEAD, ANN, STORE, 50, 5), "ann"),
    (RequestCashback(*HEAD, ANN, STORE, 20, 2), "ann"),
    (RejectCashback(*HEAD, STORE, 2, "unknown at the bank"), "books admin"),
    *((PublishReward(*HEAD, name, 1, details, STOCKS.get(name, 3)), "mall admin") for name, details in SOLD.items()),
    (AddRewardCodes(*HEAD, "mall/ticket", (b"\x01" * 32, b"\x02" * 32)), "mall issuer"),
    (RedeemReward(*HEAD, ANN, "mall/old", 1, "mall/consumer", 100), "ann"),
    (RedeemReward(*HEAD, ANN, "mall/single", 1, "mall/consumer", 100), "ann"),
    (WithdrawReward(*HEAD, "mall/old"), "mall admin"),
    (RedeemReward(*HEAD, ANN, "mall/mug", 1, "mall/consumer", 100), "ann"),
    (RedeemReward(TIME, b"rewards2", ANN, "mall/mug", 1, "mall/consumer", 100), "ann"),
    (FulfilRedemption(*HEAD, "mall/mug", 2), "mall till"),
    (RedeemReward(*HEAD, ANN, "mall/once", 1, "mall/consumer", 100), "ann"),
)
"""In order; the second redemption of the mug is over, the first one is not."""


def furnish_rewards(scene: "Scene") -> None:
    """Bring rewards of all kinds into both ledgers, redemptions, and requests for cash."""
    for body, signer in FURNITURE:
        assert scene.take(transaction(body, key_of(signer))) == 0, body
