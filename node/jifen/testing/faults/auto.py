"""Faults of standing orders."""

from typing import Final

from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.standing_orders import CancelAutoRedemption, SetAutoRedemption
from jifen.ledger.transactions import Body
from jifen.testing.faults.scene import ANN, BO, DORA, NOW, STRANGER, Fault
from jifen.testing.naive.scene import DAY_MS

NONCE: Final = b"nonce000"

GOOD_ORDERS: Final[dict[str, tuple[Body, str]]] = {
    "standing order": (SetAutoRedemption(NOW + 1, NONCE, ANN, "mall", "mall/mug", 100, 3, NOW + DAY_MS), "ann"),
    "order taken back": (CancelAutoRedemption(NOW + 1, NONCE, BO, "mall"), "bo"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""


ORDER_FAULTS: Final = (
    *(Fault(kind, Rejection.ORGANIZATION_UNKNOWN, {"organization": "nobody"}) for kind in GOOD_ORDERS),
    *(Fault(kind, Rejection.ACCOUNT_UNKNOWN, {"account": STRANGER}, "stranger") for kind in GOOD_ORDERS),
    *(Fault(kind, Rejection.NOT_AUTHORIZED, {}, "mall admin") for kind in GOOD_ORDERS),
    Fault("standing order", Rejection.ACCOUNT_LOCKED, {"account": DORA}, "dora"),
    Fault("standing order", Rejection.REWARD_UNKNOWN, {"reward": "mall/nothing"}),
    Fault("standing order", Rejection.STANDING_ORDER_OUT_OF_RANGE, {"until": NOW - 1}),
    Fault("standing order", Rejection.STANDING_ORDER_OUT_OF_RANGE, {"until": NOW + 366 * DAY_MS + 1}),
    Fault("order taken back", Rejection.NO_STANDING_ORDER, {"organization": "books"}),
    Fault("order taken back", Rejection.NO_STANDING_ORDER, {"account": ANN}, "ann"),
)

ORDERS_NEVER_MEET: Final[dict[tuple[str, str], str]] = {}
"""Reasons of one of these kinds that no transaction can have as its first and a later one."""
