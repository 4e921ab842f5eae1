"""Faults of registrations, purchases, refunds and transfers."""

from typing import Final

from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.records import OrderLine
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, TransferPoints
from jifen.testing.faults.scene import ANN, BO, NOW, STRANGER, Fault
from jifen.testing.naive.scene import key_of

GOOD_POINTS: Final[dict[str, tuple[Body, str]]] = {
    "register": (RegisterMember(NOW + 1, b"nonce000", key_of("stranger")), "stranger"),
    "earn": (EarnPoints(NOW + 1, b"nonce000", "mall", "A2", ANN, "mall/consumer", 100, 7), "mall till"),
    "transfer": (TransferPoints(NOW + 1, b"nonce000", ANN, BO, "mall/consumer", 10, b""), "ann"),
    "refund": (RefundOrder(NOW + 1, b"nonce000", "mall", "A1", "R2", 100), "mall till"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""

ATTIC_POINTS: Final = {"merchant": "attic", "point_type": "attic/consumer"}

POINT_FAULTS: Final = (
    Fault("register", Rejection.NOT_AUTHORIZED, {}, "ann"),
    Fault("register", Rejection.ACCOUNT_EXISTS, {"key": key_of("bo")}, "bo"),
    Fault("earn", Rejection.ORGANIZATION_UNKNOWN, {"merchant": "nobody"}),
    Fault("earn", Rejection.ORGANIZATION_NOT_ACTIVE, ATTIC_POINTS, "attic till"),
    Fault("earn", Rejection.ORGANIZATION_NOT_ACTIVE, {"merchant": "attic"}),
    Fault("earn", Rejection.ACCOUNT_UNKNOWN, {"account": STRANGER}),
    Fault("earn", Rejection.POINT_TYPE_UNKNOWN, {"point_type": "mall/store"}),
    Fault("earn", Rejection.NOT_AUTHORIZED, {}, "mall admin"),
    Fault("earn", Rejection.NOT_AUTHORIZED, {}, "books till"),
    Fault("earn", Rejection.NOT_AUTHORIZED, {}, "ann"),
    Fault("earn", Rejection.NOT_THE_ISSUER, {"merchant": "mall", "point_type": "books/consumer"}, "mall till"),
    Fault("earn", Rejection.ORDER_ALREADY_CREDITED, {"order_id": "A1"}),
    Fault(
        "earn",
        Rejection.ORDER_ALREADY_CREDITED,
        {"merchant": "books", "point_type": "books/consumer", "order_id": "B1"},
        "books till",
    ),
    Fault(
        "earn",
        Rejection.SUPPLY_EXHAUSTED,
        {"merchant": "books", "point_type": "books/consumer", "amount_fen": 9_007_199},
        "books till",
    ),
    Fault("transfer", Rejection.ACCOUNT_UNKNOWN, {"sender": STRANGER}, "stranger"),
    Fault("transfer", Rejection.ACCOUNT_UNKNOWN, {"sender": STRANGER, "recipient": STRANGER}, "stranger"),
    Fault("transfer", Rejection.RECIPIENT_UNKNOWN, {"recipient": STRANGER}),
    Fault("transfer", Rejection.POINT_TYPE_UNKNOWN, {"point_type": "mall/store"}),
    Fault("transfer", Rejection.NOT_AUTHORIZED, {}, "bo"),
    Fault("transfer", Rejection.NOT_TRANSFERABLE, {"point_type": "mall/guide"}),
    Fault("transfer", Rejection.SENDER_IS_RECIPIENT, {"recipient": ANN}),
    Fault("transfer", Rejection.INSUFFICIENT_POINTS, {"points": 100_001}),
    Fault("refund", Rejection.ORGANIZATION_UNKNOWN, {"merchant": "nobody"}),
    Fault("refund", Rejection.ORGANIZATION_NOT_ACTIVE, {"merchant": "attic"}, "attic till"),
    Fault("refund", Rejection.ORGANIZATION_NOT_ACTIVE, {"merchant": "attic"}),
    Fault("refund", Rejection.NOT_AUTHORIZED, {}, "mall admin"),
    Fault("refund", Rejection.NOT_AUTHORIZED, {}, "books till"),
    Fault("refund", Rejection.NOT_AUTHORIZED, {}, "ann"),
    Fault("refund", Rejection.ORDER_UNKNOWN, {"order_id": "A9"}),
    Fault("refund", Rejection.REFUND_ALREADY_TAKEN, {"refund_id": "R1"}),
    Fault("refund", Rejection.REFUND_EXCEEDS_ORDER, {"amount_fen": 1_000_000}),
    Fault(
        "refund", Rejection.ITEMS_EXCEED_REFUND, {"items": (OrderLine("tea", "", 600_000), OrderLine("", "", 600_001))}
    ),
)

POINTS_NEVER_MEET: Final = {
    ("EXPIRED", "EXPIRY_TOO_FAR"): "it lies on one side of the block's time",
    ("ORGANIZATION_UNKNOWN", "ORDER_ALREADY_CREDITED"): "nor has it credited an order",
    ("ORGANIZATION_NOT_ACTIVE", "ORDER_ALREADY_CREDITED"): "the scene's was suspended from the start",
    ("POINT_TYPE_UNKNOWN", "NOT_THE_ISSUER"): "an unknown type has no issuer",
    ("POINT_TYPE_UNKNOWN", "NOT_TRANSFERABLE"): "nor a say in whether it moves",
    ("RECIPIENT_UNKNOWN", "SENDER_IS_RECIPIENT"): "then the sender is unknown too, which comes first",
    ("ORGANIZATION_UNKNOWN", "REFUND_ALREADY_TAKEN"): "an unknown organization has entered no refund",
    ("ORGANIZATION_UNKNOWN", "REFUND_EXCEEDS_ORDER"): "nor has it an order",
    ("ORGANIZATION_NOT_ACTIVE", "REFUND_ALREADY_TAKEN"): "the scene's was suspended from the start",
    ("ORGANIZATION_NOT_ACTIVE", "REFUND_EXCEEDS_ORDER"): "and has credited nothing",
    ("ORDER_UNKNOWN", "REFUND_EXCEEDS_ORDER"): "an unknown order came to nothing that could be exceeded",
}
"""Reasons of one kind of transaction that no transaction can have as its first and a later one."""
