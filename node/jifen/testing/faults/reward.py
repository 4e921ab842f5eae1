"""Faults of rewards, redemptions and cash back."""

from typing import Final

import msgspec

from jifen.ledger.cashback.bodies import ConfirmCashback, RejectCashback, RequestCashback, SetCashbackPolicy
from jifen.ledger.opened.records import MemberOpen
from jifen.ledger.points.positions import Rate
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.bodies import (
    AddRewardCodes,
    CancelRedemption,
    FulfilRedemption,
    PublishReward,
    RedeemReward,
    RestockReward,
    WithdrawReward,
)
from jifen.ledger.rewards.records import STOCK_MAX, RewardPrice
from jifen.ledger.state import holding_key, member_open_key
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.transactions import Body, TransferPoints
from jifen.ledger.types import Holding, Lot, LotOrigin
from jifen.testing.faults.lock import ann_is_locked
from jifen.testing.faults.scene import ANN, BO, NOW, STRANGER, Fault, Scene
from jifen.testing.naive.cashbacks import NaiveCashback
from jifen.testing.naive.records import NaiveLot
from jifen.testing.naive.rewards import NaiveRedemption
from jifen.testing.naive.scene import key_of, transaction
from jifen.testing.scenes.reward import PRICES, SOLD, STORE, WORTH

HEAD: Final = (NOW + 1, b"nonce000")

GOOD_REWARDS: Final[dict[str, tuple[Body, str]]] = {
    "reward": (PublishReward(*HEAD, "mall/mug", 2, SOLD["mall/mug"], 1), "mall admin"),
    "codes": (AddRewardCodes(*HEAD, "mall/ticket", (b"\x03" * 32, b"\x04" * 32)), "mall issuer"),
    "restock": (RestockReward(*HEAD, "mall/mug", 5), "mall admin"),
    "withdrawal": (WithdrawReward(*HEAD, "mall/mug"), "mall admin"),
    "redemption": (RedeemReward(*HEAD, ANN, "mall/mug", 1, "mall/consumer", 100), "ann"),
    "fulfilment": (FulfilRedemption(*HEAD, "mall/mug", 1), "mall till"),
    "cancellation": (CancelRedemption(*HEAD, "mall/mug", 1, "broken"), "mall issuer"),
    "cash policy": (SetCashbackPolicy(*HEAD, "books", STORE, Rate(20, 1), 20, 200, 250, 3), "books admin"),
    "cash request": (RequestCashback(*HEAD, ANN, STORE, 100, 10), "ann"),
    "cash payment": (ConfirmCashback(*HEAD, STORE, 1, bytes(32)), "books admin"),
    "cash refusal": (RejectCashback(*HEAD, STORE, 1, "unknown"), "books admin"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""

STOCKING: Final = ("reward", "codes", "restock", "withdrawal")
HANDING: Final = ("fulfilment", "cancellation")
PAYING: Final = ("cash payment", "cash refusal")


def no_use_elsewhere(scene: Scene) -> None:
    """Let books' points be spent at books only."""
    terms = msgspec.structs.replace(WORTH, version=3, accepted_by=())
    scene.take(transaction(PublishTerms(NOW, bytes(8), "books", STORE, terms), key_of("books admin")))


def no_cash(scene: Scene) -> None:
    """Let books pay for its points no more."""
    terms = msgspec.structs.replace(WORTH, version=3, cashable=False)
    scene.take(transaction(PublishTerms(NOW, bytes(8), "books", STORE, terms), key_of("books admin")))


def asked_before(scene: Scene) -> None:
    """Let Ann have asked for as much as she may in a day."""
    scene.take(transaction(RequestCashback(NOW, bytes(8), ANN, STORE, 150, 15), key_of("ann")))


def given_away(scene: Scene) -> None:
    """Let Ann have nothing left."""
    scene.take(transaction(TransferPoints(NOW, bytes(8), ANN, BO, STORE, 650, b""), key_of("ann")))


def only_received(scene: Scene) -> None:
    """Let Ann have only what Bo has given back to her."""
    scene.take(transaction(TransferPoints(NOW, b"to and..", ANN, BO, STORE, 650, b""), key_of("ann")))
    scene.take(transaction(TransferPoints(NOW, b"...fro..", BO, ANN, STORE, 650, b""), key_of("bo")))


def many_rewards(scene: Scene) -> None:
    """Let the mall have as many rewards as it may."""
    for number in range(1000):
        body = PublishReward(NOW, bytes(8), f"mall/more-{number}", 1, SOLD["mall/rare"], 0)
        scene.take(transaction(body, key_of("mall admin")))


def many_redemptions(scene: Scene) -> None:
    """Let Ann have as many redemptions as may wait for her."""
    scene.state.put(member_open_key(ANN, "mall"), MemberOpen(100))
    for number in range(1, 101):
        scene.twin.redemptions["mall/more", number] = NaiveRedemption(ANN, 1, PRICES[0], NOW, NOW + 1, "HELD")


def many_requests(scene: Scene) -> None:
    """Let Ann wait for as much money as she may."""
    scene.state.put(member_open_key(ANN, "books"), MemberOpen(cashbacks=16))
    for number in range(101, 116):
        asked = RequestCashback(NOW, bytes(8), ANN, STORE, 20, 2)
        scene.twin.cashbacks[STORE, number] = NaiveCashback(asked, Rate(10, 1), 1, NOW, NOW + 1, (1970, 1, 1))


def many_lots(scene: Scene) -> None:
    """Let Ann's points of the store's be of 600 days, and its caps be high."""
    policy = SetCashbackPolicy(NOW, bytes(8), "books", STORE, Rate(10, 1), 20, 500, 500, 3)
    scene.take(transaction(policy, key_of("books admin")))
    key = holding_key(ANN, STORE)
    before = scene.state.get(key)
    assert isinstance(before, Holding)
    lots = tuple(Lot(1, LotOrigin.EARNED, day, 0) for day in range(1, 601))
    scene.state.put(key, msgspec.structs.replace(before, available=600, lots=lots))
    others = [lot for lot in scene.twin.lots if (lot.owner, lot.point_type, lot.place) != (ANN, STORE, "available")]
    scene.twin.lots = others + [NaiveLot(ANN, STORE, 1, "earned", day, 0) for day in range(1, 601)]


def of_all(
    reason: Rejection, kinds: tuple[str, ...], changes: dict[str, object], signer: str | None = None
) -> tuple[Fault, ...]:
    """Return the same fault of several kinds."""
    return tuple(Fault(kind, reason, changes, signer) for kind in kinds)


REWARD_FAULTS: Final = (
    *of_all(Rejection.ORGANIZATION_UNKNOWN, (*STOCKING, *HANDING, "redemption"), {"reward": "nobody/mug"}),
    *of_all(Rejection.ORGANIZATION_NOT_ACTIVE, STOCKING, {"reward": "attic/mug"}, "attic admin"),
    *of_all(Rejection.ORGANIZATION_NOT_ACTIVE, HANDING, {"reward": "attic/mug"}, "attic till"),
    *of_all(Rejection.ORGANIZATION_NOT_ACTIVE, (*STOCKING, *HANDING, "redemption"), {"reward": "attic/mug"}),
    Fault("redemption", Rejection.ACCOUNT_UNKNOWN, {"account": STRANGER}, "stranger"),
    Fault("redemption", Rejection.POINT_TYPE_UNKNOWN, {"point_type": "mall/store"}),
    Fault("reward", Rejection.POINT_TYPE_UNKNOWN, {"details.prices": (RewardPrice("mall/store", 1),)}),
    *of_all(Rejection.NOT_AUTHORIZED, STOCKING, {}, "mall till"),
    *of_all(Rejection.NOT_AUTHORIZED, (*STOCKING, *HANDING), {}, "books admin"),
    *of_all(Rejection.NOT_AUTHORIZED, HANDING, {}, "mall admin"),
    *of_all(Rejection.NOT_AUTHORIZED, (*STOCKING, *HANDING), {}, "ann"),
    Fault("redemption", Rejection.NOT_AUTHORIZED, {}, "bo"),
    Fault("redemption", Rejection.NOT_AUTHORIZED, {}, "mall admin"),
    Fault("redemption", Rejection.ACCOUNT_LOCKED, {}, stage=ann_is_locked),
    *of_all(Rejection.REWARD_UNKNOWN, ("codes", "restock", "withdrawal", "redemption"), {"reward": "mall/cup"}),
    Fault("reward", Rejection.REWARD_VERSION_WRONG, {"version": 1}),
    Fault("reward", Rejection.REWARD_VERSION_WRONG, {"version": 3}),
    Fault("redemption", Rejection.REWARD_VERSION_WRONG, {"version": 2}),
    Fault("reward", Rejection.REWARD_CONTRADICTORY, {"details.prices": (PRICES[0], RewardPrice("mall/consumer", 7))}),
    Fault("reward", Rejection.REWARD_CONTRADICTORY, {"details.opens_at": 9, "details.closes_at": 9}),
    Fault("reward", Rejection.REWARD_CONTRADICTORY, {"details.has_codes": True}),
    Fault("withdrawal", Rejection.REWARD_NOT_OPEN, {"reward": "mall/old"}),
    *(Fault("redemption", Rejection.REWARD_NOT_OPEN, {"reward": f"mall/{name}"}) for name in ("old", "late", "gone")),
    Fault("reward", Rejection.POINTS_NOT_ACCEPTED, {"details.prices": (RewardPrice("books/consumer", 1),)}),
    Fault("reward", Rejection.POINTS_NOT_ACCEPTED, {"details.prices": (RewardPrice(STORE, 1, "", Rate(9, 1)),)}),
    Fault("redemption", Rejection.POINTS_NOT_ACCEPTED, {"point_type": "books/consumer"}),
    Fault("redemption", Rejection.POINTS_NOT_ACCEPTED, {"point_type": "mall/distributor", "points": 1}),
    Fault("redemption", Rejection.POINTS_NOT_ACCEPTED, {"point_type": STORE}, stage=no_use_elsewhere),
    Fault("reward", Rejection.WRONG_KIND_OF_STOCK, {"details.has_codes": True, "reward": "mall/ticket"}),
    Fault("reward", Rejection.WRONG_KIND_OF_STOCK, {"details.has_codes": True, "reward": "mall/cup", "version": 1}),
    Fault("codes", Rejection.WRONG_KIND_OF_STOCK, {"reward": "mall/mug"}),
    Fault("restock", Rejection.WRONG_KIND_OF_STOCK, {"reward": "mall/ticket"}),
    Fault("codes", Rejection.REWARD_CODE_KNOWN, {"commitments": (b"\x05" * 32, b"\x02" * 32)}),
    Fault("codes", Rejection.REWARD_CODE_KNOWN, {"commitments": (b"\x06" * 32, b"\x06" * 32)}),
    Fault("reward", Rejection.TOO_MANY_REWARDS, {"reward": "mall/cup", "version": 1}, stage=many_rewards),
    Fault("reward", Rejection.TOO_MANY_REWARDS, {"reward": "mall/old"}, stage=many_rewards),
    Fault("redemption", Rejection.REWARD_PRICE_WRONG, {"points": 99}),
    Fault("redemption", Rejection.REWARD_PRICE_WRONG, {"point_type": "mall/guide"}),
    Fault("redemption", Rejection.REWARD_PRICE_WRONG, {"point_type": STORE, "points": 399}),
    Fault("redemption", Rejection.REWARD_LIMIT_REACHED, {"reward": "mall/once"}),
    Fault("redemption", Rejection.REWARD_LIMIT_REACHED, {"reward": "mall/single"}),
    Fault("redemption", Rejection.TOO_MANY_REDEMPTIONS, {}, stage=many_redemptions),
    Fault("redemption", Rejection.REWARD_SOLD_OUT, {"reward": "mall/rare"}),
    *of_all(Rejection.REDEMPTION_UNKNOWN, HANDING, {"number": 3}),
    *of_all(Rejection.REDEMPTION_UNKNOWN, HANDING, {"reward": "mall/cup"}),
    *of_all(Rejection.REDEMPTION_NOT_HELD, HANDING, {"number": 2}),
    Fault("redemption", Rejection.INSUFFICIENT_POINTS, {"point_type": "mall/guide", "points": 500}),
    Fault("redemption", Rejection.INSUFFICIENT_POINTS, {"account": BO}, "bo"),
    Fault("redemption", Rejection.TOO_MANY_LOTS, {"point_type": STORE, "points": 400}, stage=many_lots),
    Fault("reward", Rejection.SUPPLY_EXHAUSTED, {"stock": STOCK_MAX}),
    Fault("restock", Rejection.SUPPLY_EXHAUSTED, {"units": STOCK_MAX}),
)
"""What can be wrong with rewards and redemptions."""

CASHBACK_FAULTS: Final = (
    Fault("cash policy", Rejection.ORGANIZATION_UNKNOWN, {"issuer": "nobody"}),
    Fault("cash policy", Rejection.ORGANIZATION_NOT_ACTIVE, {"issuer": "attic"}),
    Fault("cash policy", Rejection.ORGANIZATION_NOT_ACTIVE, {"issuer": "attic"}, "attic admin"),
    Fault("cash request", Rejection.ACCOUNT_UNKNOWN, {"account": STRANGER}, "stranger"),
    *of_all(
        Rejection.POINT_TYPE_UNKNOWN, ("cash policy", "cash request", *PAYING), {"point_type": "books/distributor"}
    ),
    *of_all(Rejection.NOT_AUTHORIZED, ("cash policy", *PAYING), {}, "books till"),
    *of_all(Rejection.NOT_AUTHORIZED, ("cash policy", *PAYING), {}, "mall admin"),
    *of_all(Rejection.NOT_AUTHORIZED, PAYING, {}, "ann"),
    Fault("cash request", Rejection.NOT_AUTHORIZED, {}, "bo"),
    Fault("cash request", Rejection.NOT_AUTHORIZED, {}, "books admin"),
    Fault("cash request", Rejection.ACCOUNT_LOCKED, {}, stage=ann_is_locked),
    Fault("cash policy", Rejection.NOT_THE_ISSUER, {"point_type": "mall/guide"}),
    Fault("cash policy", Rejection.CASHBACK_POLICY_CONTRADICTORY, {"price": Rate(9, 1)}),
    Fault("cash policy", Rejection.CASHBACK_POLICY_CONTRADICTORY, {"price": Rate(1, 0)}),
    Fault("cash policy", Rejection.CASHBACK_POLICY_CONTRADICTORY, {"minimum_points": 201}),
    Fault("cash policy", Rejection.CASHBACK_POLICY_CONTRADICTORY, {"month_points": 199}),
    Fault("cash request", Rejection.NOT_CASHABLE, {"point_type": "mall/consumer"}),
    Fault("cash request", Rejection.NOT_CASHABLE, {"point_type": "books/consumer"}),
    Fault("cash request", Rejection.NOT_CASHABLE, {}, stage=no_cash),
    Fault("cash request", Rejection.CASHBACK_PRICE_WRONG, {"amount_fen": 9}),
    Fault("cash request", Rejection.CASHBACK_TOO_SMALL, {"points": 19, "amount_fen": 1}),
    Fault("cash request", Rejection.CASHBACK_CAP_REACHED, {"points": 151, "amount_fen": 15}),
    Fault("cash request", Rejection.CASHBACK_CAP_REACHED, {"points": 210, "amount_fen": 21}),
    Fault("cash request", Rejection.CASHBACK_CAP_REACHED, {"points": 320, "amount_fen": 32}),
    Fault("cash request", Rejection.CASHBACK_CAP_REACHED, {"points": 510, "amount_fen": 51}),
    Fault("cash request", Rejection.CASHBACK_CAP_REACHED, {}, stage=asked_before),
    Fault("cash request", Rejection.TOO_MANY_CASHBACKS, {}, stage=many_requests),
    *of_all(Rejection.CASHBACK_UNKNOWN, PAYING, {"number": 3}),
    *of_all(Rejection.CASHBACK_NOT_OPEN, PAYING, {"number": 2}),
    Fault("cash request", Rejection.INSUFFICIENT_POINTS, {}, stage=given_away),
    Fault("cash request", Rejection.NOT_SELF_EARNED, {"account": BO}, "bo"),
    Fault("cash request", Rejection.NOT_SELF_EARNED, {}, stage=only_received),
    Fault("cash request", Rejection.TOO_MANY_LOTS, {"points": 400, "amount_fen": 40}, stage=many_lots),
)
"""What can be wrong with cash back."""

NOT_OF: Final = (
    "REWARD_NOT_OPEN",
    "REWARD_CODE_KNOWN",
    "REWARD_PRICE_WRONG",
    "REWARD_LIMIT_REACHED",
    "REWARD_SOLD_OUT",
    "REDEMPTION_NOT_HELD",
    "TOO_MANY_REWARDS",
    "TOO_MANY_REDEMPTIONS",
)
OF_NO_REWARD: Final = (
    *NOT_OF[:5],
    "REWARD_VERSION_WRONG",
    "POINTS_NOT_ACCEPTED",
    "WRONG_KIND_OF_STOCK",
    "INSUFFICIENT_POINTS",
    "TOO_MANY_LOTS",
    "SUPPLY_EXHAUSTED",
    "TOO_MANY_REDEMPTIONS",
)
OF_NO_TYPE: Final = (
    "POINTS_NOT_ACCEPTED",
    "REWARD_PRICE_WRONG",
    "NOT_CASHABLE",
    "CASHBACK_PRICE_WRONG",
    "CASHBACK_TOO_SMALL",
    "CASHBACK_CAP_REACHED",
    "TOO_MANY_CASHBACKS",
    "CASHBACK_NOT_OPEN",
    "NOT_SELF_EARNED",
)

REWARDS_NEVER_MEET: Final[dict[tuple[str, str], str]] = {
    **{("ORGANIZATION_UNKNOWN", reason): "nobody has no rewards" for reason in NOT_OF},
    **{("ORGANIZATION_NOT_ACTIVE", reason): "the scene's was suspended before it had a reward" for reason in NOT_OF},
    **{("REWARD_UNKNOWN", reason): "there is nothing to say about a reward that is not" for reason in OF_NO_REWARD},
    **{("POINT_TYPE_UNKNOWN", reason): "nobody says anything about such points" for reason in OF_NO_TYPE},
    ("ACCOUNT_UNKNOWN", "REWARD_LIMIT_REACHED"): "who has no account has redeemed nothing",
    ("ACCOUNT_UNKNOWN", "TOO_MANY_REDEMPTIONS"): "nor does anything wait for him",
    ("ACCOUNT_UNKNOWN", "TOO_MANY_CASHBACKS"): "nor has he asked for money",
    ("CASHBACK_TOO_SMALL", "TOO_MANY_LOTS"): "so few points come from few lots",
    ("NOT_SELF_EARNED", "TOO_MANY_LOTS"): "what is not there is in no lots",
    ("REDEMPTION_UNKNOWN", "REDEMPTION_NOT_HELD"): "what is not was never over",
    ("CASHBACK_UNKNOWN", "CASHBACK_NOT_OPEN"): "what is not was never paid",
}
"""Reasons of one of these kinds that no transaction can have as its first and a later one."""
