"""Faults of paying with points, and what they are tried on."""

from typing import Final

import msgspec

from jifen.ledger.payments.bodies import (
    CaptureHold,
    HoldPoints,
    PaymentPart,
    PayOrder,
    PublishAcceptance,
    SetPaymentPolicy,
    VoidHold,
)
from jifen.ledger.payments.records import Acceptance
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import holding_key
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.transactions import Body, EarnPoints, Transaction
from jifen.ledger.types import Holding, Lot, LotOrigin
from jifen.testing.faults.scene import ANN, BO, DORA, NOW, STRANGER, Fault, Scene, keys_of
from jifen.testing.naive.records import NaiveLot
from jifen.testing.naive.scene import DAY_MS, transaction
from jifen.testing.scenes.payment import GUIDE, HELD, ORDER_HASH, TAKEN

NONCE: Final = b"nonce000"
GUIDES: Final = (PaymentPart(GUIDE, 50),)

GOOD_PAYMENTS: Final[dict[str, tuple[Body, str]]] = {
    "accept": (
        PublishAcceptance(NOW + 1, NONCE, "books", GUIDE, msgspec.structs.replace(TAKEN, version=2)),
        "books admin",
    ),
    "payment policy": (SetPaymentPolicy(NOW + 1, NONCE, "books", 2, 6_000, 5_000), "books admin"),
    "pay": (PayOrder(NOW + 1, NONCE, "books", "W3", ORDER_HASH, ANN, 200, GUIDES), "ann and books till"),
    "hold": (HoldPoints(NOW + 1, NONCE, "books", "W4", ORDER_HASH, ANN, 200, GUIDES, NOW + 1), "ann"),
    "capture": (CaptureHold(NOW + 1, NONCE, "books", ANN, HELD.id, 100), "books till"),
    "void": (VoidHold(NOW + 1, NONCE, "books", ANN, HELD.id), "books till"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""


def part_of(*parts: tuple[str, int]) -> dict[str, object]:
    """Return a change to parts of points."""
    return {"parts": tuple(PaymentPart(point_type, points) for point_type, points in parts)}


def signed(body: Body, signers: str) -> Transaction:
    """Return a body as a transaction of these signers."""
    return transaction(body, *keys_of(signers))


def publish(world: Scene, **changes: object) -> None:
    """Let the issuer say other things of the points."""
    before = world.twin.terms[GUIDE][-1][0]
    terms = msgspec.structs.replace(before, version=before.version + 1, effective_from=0, **changes)
    assert world.take(signed(PublishTerms(NOW, b"stage000", "mall", GUIDE, terms), "mall admin")) == 0


def unlist(world: Scene) -> None:
    """Let the issuer take the organization from its list."""
    publish(world, accepted_by=())


def lower_price(world: Scene) -> None:
    """Let the issuer buy the points back for less."""
    publish(world, settlement_fen=1)


def lower_cap(world: Scene) -> None:
    """Let the organization take less in a day than it has taken already."""
    acceptance: Acceptance = msgspec.structs.replace(TAKEN, version=2, daily_fen=50)
    assert world.take(signed(PublishAcceptance(NOW, b"stage000", "books", GUIDE, acceptance), "books admin")) == 0


def hold_often(world: Scene) -> None:
    """Let Ann have as many holds as one may have: a little each, of a type that she has plenty of."""
    for number in range(15):
        parts = (PaymentPart("mall/consumer", 1),)
        nonce = number.to_bytes(8, "big")
        body = HoldPoints(NOW, nonce, "mall", f"H{number}", ORDER_HASH, ANN, 100, parts, NOW + DAY_MS)
        assert world.take(signed(body, "ann")) == 0


def shatter(world: Scene) -> None:
    """Let Ann have her points in very many lots."""
    key = holding_key(ANN, GUIDE)
    held = world.state.get(key)
    assert isinstance(held, Holding)
    dates = [NOW + 400 * DAY_MS + number for number in range(450)]
    lots = tuple(Lot(1, LotOrigin.TRANSFERRED, 0, date) for date in dates)
    world.state.put(key, Holding(450, lots, due=held.due, held=held.held))
    twin = world.twin
    others = [lot for lot in twin.lots if (lot.owner, lot.point_type, lot.place) != (ANN, GUIDE, "available")]
    twin.lots = others + [NaiveLot(ANN, GUIDE, 1, "transferred", 0, date) for date in dates]


def pay_held_order(world: Scene) -> None:
    """Let points pay for the order that others are held for."""
    body = PayOrder(NOW, b"stage000", "books", "W2", ORDER_HASH, ANN, 90, (PaymentPart(GUIDE, 20),))
    assert world.take(signed(body, "ann and books till")) == 0


def credit_held_order(world: Scene) -> None:
    """Let the order that points are held for be credited."""
    body = EarnPoints(NOW, b"stage000", "books", "W2", ANN, "books/store", 90, 7)
    assert world.take(signed(body, "books till")) == 0


def of_both(reason: Rejection, changes: dict[str, object], **more: object) -> tuple[Fault, ...]:
    """Return the fault of a payment and of a hold."""
    return tuple(Fault(kind, reason, changes, **more) for kind in ("pay", "hold"))  # type: ignore[arg-type]


def of_all(reason: Rejection, changes: dict[str, object], signer: str | None = None) -> tuple[Fault, ...]:
    """Return the fault of who decides what is taken."""
    return tuple(Fault(kind, reason, changes, signer) for kind in ("accept", "payment policy"))


ATTIC: Final = {"merchant": "attic"}

PAYMENT_FAULTS: Final = (
    *of_all(Rejection.ORGANIZATION_UNKNOWN, {"organization": "nobody"}),
    *of_all(Rejection.ORGANIZATION_NOT_ACTIVE, {"organization": "attic"}, "attic admin"),
    *of_all(Rejection.ORGANIZATION_NOT_ACTIVE, {"organization": "attic"}),
    *of_all(Rejection.NOT_AUTHORIZED, {}, "books till"),
    *of_all(Rejection.NOT_AUTHORIZED, {}, "mall admin"),
    Fault("accept", Rejection.POINT_TYPE_UNKNOWN, {"point_type": "mall/store"}),
    Fault("accept", Rejection.PAYMENT_VERSION_WRONG, {"acceptance.version": 1}),
    Fault("accept", Rejection.PAYMENT_VERSION_WRONG, {"acceptance.version": 3}),
    Fault("payment policy", Rejection.PAYMENT_VERSION_WRONG, {"version": 1}),
    Fault("accept", Rejection.ACCEPTANCE_CONTRADICTORY, {"acceptance.step_points": 5}),
    Fault("accept", Rejection.ACCEPTANCE_CONTRADICTORY, {"acceptance.minimum_points": 25}),
    Fault("accept", Rejection.ACCEPTANCE_CONTRADICTORY, {"acceptance.utc_offset_minutes": 480}),
    Fault("accept", Rejection.NOT_ON_ACCEPTANCE_LIST, {}, stage=unlist),
    Fault("accept", Rejection.RATE_ABOVE_SETTLEMENT, {"acceptance.rate_fen": 5}),
    Fault("accept", Rejection.RATE_ABOVE_SETTLEMENT, {}, stage=lower_price),
    Fault("accept", Rejection.LOOSER_THAN_POLICY, {"acceptance.share_bp": 6_001}),
    Fault("accept", Rejection.LOOSER_THAN_POLICY, {"acceptance.daily_fen": 5_001}),
    Fault("payment policy", Rejection.LOOSER_THAN_POLICY, {"share_bp": 8_001}),
    Fault("payment policy", Rejection.LOOSER_THAN_POLICY, {"daily_fen": 9_001}),
    Fault("pay", Rejection.ORGANIZATION_UNKNOWN, {"merchant": "nobody"}),
    Fault("hold", Rejection.ORGANIZATION_UNKNOWN, {"organization": "nobody"}),
    Fault("pay", Rejection.ORGANIZATION_NOT_ACTIVE, ATTIC, "ann and attic till"),
    Fault("hold", Rejection.ORGANIZATION_NOT_ACTIVE, {"organization": "attic"}),
    Fault("pay", Rejection.ACCOUNT_UNKNOWN, {"account": STRANGER}, "stranger and books till"),
    Fault("hold", Rejection.ACCOUNT_UNKNOWN, {"account": STRANGER}, "stranger"),
    *of_both(Rejection.POINT_TYPE_UNKNOWN, part_of(("mall/store", 5), (GUIDE, 5), (GUIDE, 5), ("mall/consumer", 5))),
    Fault("pay", Rejection.NOT_AUTHORIZED, {}, "ann"),
    Fault("pay", Rejection.NOT_AUTHORIZED, {}, "books till"),
    Fault("pay", Rejection.NOT_AUTHORIZED, {}, "ann and books admin"),
    Fault("pay", Rejection.NOT_AUTHORIZED, {}, "ann and mall till"),
    Fault("hold", Rejection.NOT_AUTHORIZED, {}, "bo"),
    Fault("hold", Rejection.NOT_AUTHORIZED, {}, "books till"),
    Fault("pay", Rejection.ACCOUNT_LOCKED, {"account": DORA}, "dora and books till"),
    Fault("hold", Rejection.ACCOUNT_LOCKED, {"account": DORA}, "dora"),
    *of_both(Rejection.ORDER_ALREADY_PAID, {"order_id": "W1"}),
    *of_both(Rejection.ORDER_ALREADY_CREDITED, {"order_id": "B1"}),
    *of_both(Rejection.ORDER_ALREADY_CREDITED, {"order_id": "B2", "amount_fen": 4}),
    *of_both(Rejection.POINT_TYPE_REPEATED, part_of((GUIDE, 5), (GUIDE, 5), ("mall/consumer", 5))),
    *of_both(Rejection.POINT_TYPE_REPEATED, part_of((GUIDE, 400), (GUIDE, 5))),
    *of_both(Rejection.POINT_TYPE_REPEATED, part_of((GUIDE, 0), (GUIDE, 0))),
    Fault("hold", Rejection.TIMEOUT_OUT_OF_RANGE, {"until": NOW}),
    Fault("hold", Rejection.TIMEOUT_OUT_OF_RANGE, {"until": NOW + 30 * DAY_MS + 1}),
    Fault("hold", Rejection.TOO_MANY_HOLDS, {}, stage=hold_often),
    *of_both(Rejection.POINT_TYPE_NOT_ACCEPTED, part_of(("mall/consumer", 5), (GUIDE, 5))),
    *of_both(Rejection.NOT_ON_ACCEPTANCE_LIST, {}, stage=unlist),
    *of_both(Rejection.RATE_ABOVE_SETTLEMENT, {}, stage=lower_price),
    *of_both(Rejection.BELOW_MINIMUM, part_of((GUIDE, 5))),
    *of_both(Rejection.NOT_A_STEP, part_of((GUIDE, 405))),
    *of_both(Rejection.SHARE_EXCEEDED, {"amount_fen": 2}),
    *of_both(Rejection.SHARE_EXCEEDED, {"amount_fen": 149}),
    *of_both(Rejection.DAILY_CAP_REACHED, {}, stage=lower_cap),
    *of_both(Rejection.INSUFFICIENT_POINTS, part_of((GUIDE, 460)) | {"amount_fen": 10_000}),
    Fault("pay", Rejection.INSUFFICIENT_POINTS, {"account": BO}, "bo and books till"),
    Fault("hold", Rejection.INSUFFICIENT_POINTS, {"account": BO}, "bo"),
    *of_both(Rejection.NOTHING_TO_PAY, part_of((GUIDE, 0)) | {"amount_fen": 15}),
    *of_both(Rejection.TOO_MANY_LOTS, part_of((GUIDE, 400)) | {"amount_fen": 10_000}, stage=shatter),
    *(Fault(kind, Rejection.ORGANIZATION_UNKNOWN, {"merchant": "nobody"}) for kind in ("capture", "void")),
    *(Fault(kind, Rejection.ORGANIZATION_NOT_ACTIVE, ATTIC, "attic till") for kind in ("capture", "void")),
    *(Fault(kind, Rejection.ORGANIZATION_NOT_ACTIVE, ATTIC) for kind in ("capture", "void")),
    *(Fault(kind, Rejection.NOT_AUTHORIZED, {}, "ann") for kind in ("capture", "void")),
    *(Fault(kind, Rejection.NOT_AUTHORIZED, {}, "mall till") for kind in ("capture", "void")),
    *(Fault(kind, Rejection.HOLD_UNKNOWN, {"hold": bytes(32)}) for kind in ("capture", "void")),
    *(Fault(kind, Rejection.HOLD_UNKNOWN, {"account": BO}) for kind in ("capture", "void")),
    *(Fault(kind, Rejection.HOLD_UNKNOWN, {"merchant": "mall"}, "mall till") for kind in ("capture", "void")),
    Fault("capture", Rejection.ORDER_ALREADY_PAID, {}, stage=pay_held_order),
    Fault("capture", Rejection.ORDER_ALREADY_CREDITED, {}, stage=credit_held_order),
    Fault("capture", Rejection.CAPTURE_EXCEEDS_HOLD, {"amount_fen": 101}),
    Fault("capture", Rejection.CAPTURE_EXCEEDS_HOLD, {"points": (31,)}),
    Fault("capture", Rejection.CAPTURE_EXCEEDS_HOLD, {"points": (30, 0)}),
    Fault("capture", Rejection.NOT_A_STEP, {"points": (3,)}),
    Fault("capture", Rejection.SHARE_EXCEEDED, {"amount_fen": 1}),
    Fault("capture", Rejection.NOTHING_TO_PAY, {"points": (0,)}),
    Fault("earn", Rejection.ORDER_DIFFERS, {"order_id": "M1"}),
    Fault(
        "earn",
        Rejection.ORDER_DIFFERS,
        {"merchant": "books", "point_type": "books/consumer", "order_id": "W1", "amount_fen": 9_007_299},
        "books till",
    ),
    Fault("earn", Rejection.ORDER_ALREADY_CREDITED, {"order_id": "M2"}),
)
"""What can be wrong with each of them."""

PLANNED: Final = (
    "BELOW_MINIMUM",
    "NOT_A_STEP",
    "SHARE_EXCEEDED",
    "DAILY_CAP_REACHED",
    "INSUFFICIENT_POINTS",
    "NOTHING_TO_PAY",
    "TOO_MANY_LOTS",
    "ORDER_ALREADY_PAID",
    "ORDER_DIFFERS",
    "CAPTURE_EXCEEDS_HOLD",
)
"""Reasons that need an organization which takes points, or an order or a hold of its own."""

STATED: Final = ("BELOW_MINIMUM", "NOT_A_STEP", "SHARE_EXCEEDED", "DAILY_CAP_REACHED", "INSUFFICIENT_POINTS")
"""Reasons against a stated quantity."""

PAYMENTS_NEVER_MEET: Final[dict[tuple[str, str], str]] = {
    **{
        ("ORGANIZATION_UNKNOWN", name): "an unknown organization takes nothing and has no order"
        for name in PLANNED
        if name != "INSUFFICIENT_POINTS"
    },
    **{
        ("ORGANIZATION_NOT_ACTIVE", name): "the scene's was suspended from the start"
        for name in PLANNED
        if name != "INSUFFICIENT_POINTS"
    },
    ("ORGANIZATION_UNKNOWN", "LOOSER_THAN_POLICY"): "nor is it bound by any mall",
    ("ACCOUNT_UNKNOWN", "TOO_MANY_HOLDS"): "who has no account has no holds",
    ("ACCOUNT_UNKNOWN", "TOO_MANY_LOTS"): "nor lots",
    ("ACCOUNT_LOCKED", "TOO_MANY_HOLDS"): "the scene's locked account holds nothing",
    **{(name, "NOTHING_TO_PAY"): "what is stated is something" for name in STATED},
    ("BELOW_MINIMUM", "TOO_MANY_LOTS"): "so few points come from few lots",
    ("NOTHING_TO_PAY", "TOO_MANY_LOTS"): "and none from none",
    **{
        (first, later): "nothing is worked out for points that are not taken"
        for first in ("POINT_TYPE_UNKNOWN", "POINT_TYPE_NOT_ACCEPTED")
        for later in ("NOTHING_TO_PAY", "TOO_MANY_LOTS")
    },
    **{
        ("HOLD_UNKNOWN", later): "an unknown hold promises nothing that could be exceeded"
        for later in ("CAPTURE_EXCEEDS_HOLD", "NOT_A_STEP", "SHARE_EXCEEDED", "NOTHING_TO_PAY")
    },
    ("ORDER_ALREADY_PAID", "HOLD_UNKNOWN"): "it is the hold that names the order",
    ("ORDER_ALREADY_CREDITED", "HOLD_UNKNOWN"): "it is the hold that names the order",
}
"""Reasons of one of these kinds that no transaction can have as its first and a later one."""
