"""Faults of terms, of new point types and of confirmations."""

from typing import Final

from jifen.ledger.rejections import Rejection
from jifen.ledger.terms.bodies import ConfirmOrder, CreatePointType, PublishTerms
from jifen.ledger.terms.records import (
    AvailableAfterDays,
    CalendarExpiry,
    CreditLine,
    Deposit,
    RollingExpiry,
    SlidingExpiry,
    SwapCorridor,
    Terms,
)
from jifen.ledger.transactions import Body
from jifen.ledger.types import POINTS_MAX, RoleClass
from jifen.testing.faults.scene import NOW, Fault
from jifen.testing.naive.scene import DAY_MS

NONCE: Final = b"nonce000"
NEXT: Final = Terms(version=2, effective_from=NOW + 5)

GOOD_TERMS: Final[dict[str, tuple[Body, str]]] = {
    "publish": (PublishTerms(NOW + 1, NONCE, "mall", "mall/consumer", NEXT), "mall admin"),
    "create": (CreatePointType(NOW + 1, NONCE, "mall", RoleClass.STORE, 1, 10, Terms()), "mall admin"),
    "confirm": (ConfirmOrder(NOW + 1, NONCE, "mall", "P1"), "mall till"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""

BACKED: Final = {"issue_cap": 10, "settlement_fen": 3, "backing": Deposit("books", 30)}
SOLD_SHORT: Final = {"issue_cap": POINTS_MAX, "settlement_fen": 1, "backing": CreditLine("books", 10**12)}
WEEK: Final = {"pending": AvailableAfterDays(7)}


def of_both(reason: Rejection, terms: dict[str, object]) -> tuple[Fault, ...]:
    """Return the fault of terms, whether they are a new version or of a new point type."""
    changes = {f"terms.{field}": value for field, value in terms.items()}
    return tuple(Fault(kind, reason, changes) for kind in ("publish", "create"))


TERM_FAULTS: Final = (
    *(Fault(kind, Rejection.ORGANIZATION_UNKNOWN, {"issuer": "nobody"}) for kind in ("publish", "create")),
    *of_both(Rejection.ORGANIZATION_UNKNOWN, {"accepted_by": ("books", "nobody")}),
    *of_both(Rejection.ORGANIZATION_UNKNOWN, {"backing": Deposit("nobody", 1)}),
    Fault(
        "publish", Rejection.ORGANIZATION_NOT_ACTIVE, {"issuer": "attic", "point_type": "attic/consumer"}, "attic admin"
    ),
    *(Fault(kind, Rejection.ORGANIZATION_NOT_ACTIVE, {"issuer": "attic"}) for kind in ("publish", "create")),
    Fault("publish", Rejection.POINT_TYPE_UNKNOWN, {"point_type": "mall/store"}),
    *(Fault(kind, Rejection.NOT_AUTHORIZED, {}, "mall issuer") for kind in ("publish", "create")),
    *(Fault(kind, Rejection.NOT_AUTHORIZED, {}, "books admin") for kind in ("publish", "create")),
    *(Fault(kind, Rejection.NOT_AUTHORIZED, {}, "ann") for kind in ("publish", "create")),
    Fault("publish", Rejection.NOT_THE_ISSUER, {"point_type": "books/consumer"}),
    Fault("create", Rejection.POINT_TYPE_EXISTS, {"role": RoleClass.GUIDE}),
    Fault("create", Rejection.POINT_TYPE_EXISTS, {"role": RoleClass.CONSUMER}),
    Fault("publish", Rejection.TERMS_VERSION_WRONG, {"terms.version": 1}),
    *of_both(Rejection.TERMS_VERSION_WRONG, {"version": 3}),
    Fault("publish", Rejection.TERMS_BACK_DATED, {"terms.effective_from": NOW - 1}),
    Fault("publish", Rejection.TERMS_TOO_FAR, {"terms.effective_from": NOW + 366 * DAY_MS + 1}),
    Fault("publish", Rejection.TERMS_CONTRADICTORY, {"terms.decimals": 2}),
    Fault("create", Rejection.TERMS_CONTRADICTORY, {"terms.effective_from": NOW}),
    *of_both(Rejection.TERMS_CONTRADICTORY, {"accepted_by": ("books", "attic")}),
    *of_both(Rejection.TERMS_CONTRADICTORY, {"accepted_by": ("books", "books")}),
    *of_both(Rejection.TERMS_CONTRADICTORY, {"accepted_by": ("mall",)}),
    *of_both(Rejection.TERMS_CONTRADICTORY, {"backing": CreditLine("mall", 1)}),
    *of_both(Rejection.TERMS_CONTRADICTORY, {"corridor": SwapCorridor(61, 60)}),
    *of_both(Rejection.TERMS_CONTRADICTORY, WEEK | {"expiry": RollingExpiry(7)}),
    *of_both(Rejection.TERMS_CONTRADICTORY, WEEK | {"expiry": SlidingExpiry(6)}),
    *of_both(Rejection.TERMS_CONTRADICTORY, WEEK | {"expiry": CalendarExpiry(12, 31, 0)}),
    *of_both(Rejection.BACKING_TOO_SMALL, BACKED | {"issue_cap": 11}),
    *of_both(Rejection.BACKING_TOO_SMALL, SOLD_SHORT),
    *of_both(Rejection.BACKING_NOT_CONFIRMED, BACKED),
    *of_both(Rejection.BACKING_NOT_CONFIRMED, BACKED | {"backing": CreditLine("attic", 30)}),
    Fault("earn", Rejection.ISSUE_CAP_REACHED, {"point_type": "mall/distributor", "amount_fen": 9_510}),
    Fault("earn", Rejection.NOT_THE_ISSUER, {"merchant": "books"}, "books till"),
    Fault("confirm", Rejection.ORGANIZATION_UNKNOWN, {"merchant": "nobody"}),
    Fault("confirm", Rejection.ORGANIZATION_NOT_ACTIVE, {"merchant": "attic"}, "attic till"),
    Fault("confirm", Rejection.ORGANIZATION_NOT_ACTIVE, {"merchant": "attic"}),
    Fault("confirm", Rejection.NOT_AUTHORIZED, {}, "mall admin"),
    Fault("confirm", Rejection.NOT_AUTHORIZED, {}, "books till"),
    Fault("confirm", Rejection.ORDER_UNKNOWN, {"order_id": "A9"}),
    Fault("confirm", Rejection.ORDER_NOT_PENDING, {"order_id": "A1"}),
    Fault("confirm", Rejection.ORDER_NOT_PENDING, {"order_id": "P2"}),
)

TERMS_NEVER_MEET: Final = {
    ("POINT_TYPE_UNKNOWN", "TERMS_VERSION_WRONG"): "an unknown type has no versions",
    ("POINT_TYPE_UNKNOWN", "BACKING_NOT_CONFIRMED"): "nor a backing that changes",
    ("POINT_TYPE_UNKNOWN", "ISSUE_CAP_REACHED"): "nor a cap",
    ("TERMS_BACK_DATED", "TERMS_TOO_FAR"): "it lies on one side of the block's time",
    ("ORGANIZATION_UNKNOWN", "ORDER_NOT_PENDING"): "an unknown organization has no order",
    ("ORGANIZATION_NOT_ACTIVE", "ORDER_NOT_PENDING"): "the scene's was suspended from the start",
    ("ORDER_UNKNOWN", "ORDER_NOT_PENDING"): "an unknown order has no points that could wait",
}
"""Reasons of one of these kinds that no transaction can have as its first and a later one."""
