"""Faults of swap offers, of accepting and of cancelling them."""

from typing import Any, Final

import msgspec

from jifen.ledger.rejections import Rejection
from jifen.ledger.state import holding_key
from jifen.ledger.swaps.bodies import AcceptSwapOffer, CancelSwapOffer, CreateSwapOffer
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.transactions import Body, TransferPoints
from jifen.ledger.types import Holding, Lot, LotOrigin
from jifen.testing.faults.lock import lock
from jifen.testing.faults.scene import ANN, NOW, STRANGER, Fault, Scene
from jifen.testing.naive.records import NaiveLot
from jifen.testing.naive.scene import DAY_MS, key_of, transaction
from jifen.testing.scenes.swap import CY, GIVEN, TO_ALL, TO_BO, WANTED

NONCE: Final = b"nonce000"

GOOD_SWAPS: Final[dict[str, tuple[Body, str]]] = {
    "offer swap": (CreateSwapOffer(NOW + 1, NONCE, ANN, GIVEN, 10, WANTED, 20, 10, NOW + DAY_MS, 5), "ann"),
    "accept swap": (AcceptSwapOffer(NOW + 1, NONCE, CY, TO_ALL.id, 20, 30), "cy"),
    "cancel swap": (CancelSwapOffer(NOW + 1, NONCE, TO_ALL.id), "ann"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""


def publish(world: Scene, point_type: str, **changes: Any) -> None:
    """Publish other terms."""
    newest, _, _ = world.twin.terms[point_type][-1]
    terms = msgspec.structs.replace(newest, version=newest.version + 1, effective_from=0, **changes)
    issuer = point_type.split("/", maxsplit=1)[0]
    body = PublishTerms(NOW, b"publish0", issuer, point_type, terms)
    world.take(transaction(body, key_of(f"{issuer} admin")))


def cy_is_locked(world: Scene) -> None:
    """Cy has lost the key."""
    lock(world, CY, (), "cy")


def ann_is_locked(world: Scene) -> None:
    """Ann has lost the key."""
    lock(world, ANN, (), "ann")


def no_swaps(world: Scene) -> None:
    """Cafe lets nobody swap such points any more."""
    publish(world, GIVEN, swappable=False)


def low_price(world: Scene) -> None:
    """Cafe buys such points back for a quarter of what it did."""
    publish(world, WANTED, settlement_points=4)


def cy_sent(world: Scene, **limits: int) -> None:
    """Let Cy pass a point on to Ann, and allow that much."""
    newest, _, _ = world.twin.terms[WANTED][-1]
    publish(world, WANTED, limits=msgspec.structs.replace(newest.limits, **limits))
    body = TransferPoints(NOW, b"earlier0", CY, ANN, WANTED, 1, b"")
    world.take(transaction(body, key_of("cy")))


def cy_sent_often(world: Scene) -> None:
    """Cy has passed points on as often as it may."""
    cy_sent(world, transfers=1)


def cy_sent_much(world: Scene) -> None:
    """Cy has passed on as many points as it may."""
    cy_sent(world, points=1)


def ann_received_often(world: Scene) -> None:
    """Ann, who made the offer, has received as often as she may."""
    cy_sent(world, receipts=1)


def ann_sent_often(world: Scene) -> None:
    """Ann has passed points on as often as she may: two offers are two times."""
    newest, _, _ = world.twin.terms[GIVEN][-1]
    publish(world, GIVEN, limits=msgspec.structs.replace(newest.limits, transfers=2))


def ann_sent_much(world: Scene) -> None:
    """Ann has passed on as many points as she may: all that she has offered counts."""
    newest, _, _ = world.twin.terms[GIVEN][-1]
    publish(world, GIVEN, limits=msgspec.structs.replace(newest.limits, points=40))


def many_offers(world: Scene) -> None:
    """Ann has as many offers as she may."""
    body, _ = GOOD_SWAPS["offer swap"]
    for number in range(14):
        other = msgspec.structs.replace(body, expires_at=NOW, nonce=number.to_bytes(8, "big"))
        world.take(transaction(other, key_of("ann")))


def many_lots(world: Scene) -> None:
    """Ann's points are of 600 days."""
    key = holding_key(ANN, GIVEN)
    before = world.state.get(key)
    assert isinstance(before, Holding)
    lots = tuple(Lot(1, LotOrigin.EARNED, day, 0) for day in range(1, 601))
    world.state.put(key, msgspec.structs.replace(before, available=600, lots=lots))
    whose = (ANN, GIVEN)
    world.twin.lots = [
        lot for lot in world.twin.lots if (lot.owner, lot.point_type) != whose or lot.place != "available"
    ]
    world.twin.lots += [NaiveLot(*whose, 1, "earned", day, 0) for day in range(1, 601)]


SWAP_FAULTS: Final = (
    Fault("offer swap", Rejection.ACCOUNT_UNKNOWN, {"maker": STRANGER}, "stranger"),
    Fault("offer swap", Rejection.RECIPIENT_UNKNOWN, {"counterparty": STRANGER}),
    Fault("offer swap", Rejection.POINT_TYPE_UNKNOWN, {"give_type": "mall/store"}),
    Fault("offer swap", Rejection.POINT_TYPE_UNKNOWN, {"want_type": "mall/store"}),
    Fault("offer swap", Rejection.POINT_TYPE_UNKNOWN, {"give_type": "mall/store", "want_type": "mall/store"}),
    Fault("offer swap", Rejection.NOT_AUTHORIZED, {}, "bo"),
    Fault("offer swap", Rejection.ACCOUNT_LOCKED, {}, stage=ann_is_locked),
    Fault("offer swap", Rejection.NOT_SWAPPABLE, {"want_type": "mall/guide"}),
    Fault("offer swap", Rejection.NOT_SWAPPABLE, {"give_type": "mall/guide"}),
    Fault("offer swap", Rejection.NOT_SWAPPABLE, {}, stage=no_swaps),
    Fault("offer swap", Rejection.SENDER_IS_RECIPIENT, {"counterparty": ANN}),
    Fault("offer swap", Rejection.INSUFFICIENT_POINTS, {"give_points": 1001, "want_points": 1000, "value_fen": 700}),
    Fault("offer swap", Rejection.TRANSFER_LIMIT_REACHED, {}, stage=ann_sent_often),
    Fault("offer swap", Rejection.POINTS_LIMIT_REACHED, {}, stage=ann_sent_much),
    Fault("offer swap", Rejection.SAME_POINT_TYPE, {"want_type": GIVEN}),
    Fault("offer swap", Rejection.OFFER_TIME_OUT_OF_RANGE, {"open_until": NOW}),
    Fault("offer swap", Rejection.OFFER_TIME_OUT_OF_RANGE, {"open_until": NOW + 30 * DAY_MS + 1}),
    Fault("offer swap", Rejection.MINIMUM_ABOVE_OFFER, {"minimum": 2000}),
    Fault("offer swap", Rejection.OUTSIDE_CORRIDOR, {"value_fen": 9}),
    Fault("offer swap", Rejection.OUTSIDE_CORRIDOR, {"value_fen": 11}),
    Fault("offer swap", Rejection.OUTSIDE_CORRIDOR, {}, stage=low_price),
    Fault("offer swap", Rejection.TOO_MANY_OFFERS, {}, stage=many_offers),
    Fault(
        "offer swap",
        Rejection.TOO_MANY_OFFERED_LOTS,
        {"give_points": 367, "want_points": 367, "value_fen": 367},
        stage=many_lots,
    ),
    Fault("accept swap", Rejection.ACCOUNT_UNKNOWN, {"taker": STRANGER}, "stranger"),
    Fault("accept swap", Rejection.NOT_AUTHORIZED, {}, "ann"),
    Fault("accept swap", Rejection.ACCOUNT_LOCKED, {}, stage=cy_is_locked),
    Fault("accept swap", Rejection.OFFER_NOT_OPEN, {"offer": bytes(32)}),
    Fault("accept swap", Rejection.OFFER_NOT_OPEN, {}, stage=ann_is_locked),
    Fault("accept swap", Rejection.NOT_THE_COUNTERPARTY, {"offer": TO_BO.id}),
    Fault("accept swap", Rejection.NOT_SWAPPABLE, {}, stage=no_swaps),
    Fault("accept swap", Rejection.SENDER_IS_RECIPIENT, {"taker": ANN}, "ann"),
    Fault("accept swap", Rejection.INSUFFICIENT_POINTS, {"pays": 1_000_000}),
    Fault("accept swap", Rejection.TRANSFER_LIMIT_REACHED, {}, stage=cy_sent_often),
    Fault("accept swap", Rejection.POINTS_LIMIT_REACHED, {}, stage=cy_sent_much),
    Fault("accept swap", Rejection.RECEIPT_LIMIT_REACHED, {}, stage=ann_received_often),
    Fault("accept swap", Rejection.PART_TOO_LARGE, {"points": 22, "pays": 33}),
    Fault("accept swap", Rejection.PART_TOO_SMALL, {"points": 1, "pays": 1}),
    Fault("accept swap", Rejection.RATIO_DIFFERENT, {"pays": 29}),
    Fault("accept swap", Rejection.RATIO_DIFFERENT, {"points": 2, "pays": 3}),
    Fault("accept swap", Rejection.OUTSIDE_CORRIDOR, {}, stage=low_price),
    Fault("cancel swap", Rejection.OFFER_NOT_OPEN, {"offer": bytes(32)}),
    Fault("cancel swap", Rejection.OFFER_NOT_OPEN, {}, stage=ann_is_locked),
    Fault("cancel swap", Rejection.NOT_AUTHORIZED, {}, "bo"),
)
"""What can be wrong with each of them."""

OF_THE_OFFER: Final = (
    "NOT_THE_COUNTERPARTY",
    "NOT_SWAPPABLE",
    "SENDER_IS_RECIPIENT",
    "INSUFFICIENT_POINTS",
    "TRANSFER_LIMIT_REACHED",
    "POINTS_LIMIT_REACHED",
    "RECEIPT_LIMIT_REACHED",
    "PART_TOO_LARGE",
    "PART_TOO_SMALL",
    "RATIO_DIFFERENT",
    "OUTSIDE_CORRIDOR",
)

SWAPS_NEVER_MEET: Final = {
    **{("OFFER_NOT_OPEN", later): "what is not open says nothing of what it asks" for later in OF_THE_OFFER},
    ("ACCOUNT_UNKNOWN", "TOO_MANY_OFFERS"): "an unknown account has no offers",
    ("ACCOUNT_UNKNOWN", "TOO_MANY_OFFERED_LOTS"): "nor lots",
    ("POINT_TYPE_UNKNOWN", "NOT_SWAPPABLE"): "an unknown type has no terms",
    ("POINT_TYPE_UNKNOWN", "OUTSIDE_CORRIDOR"): "nor a corridor",
    ("ACCOUNT_LOCKED", "TOO_MANY_OFFERS"): "locking closes all offers",
    ("INSUFFICIENT_POINTS", "TOO_MANY_OFFERED_LOTS"): "what is not there is in no lots",
    ("PART_TOO_LARGE", "PART_TOO_SMALL"): "it is on one side of what is left",
}
"""Reasons of one of these kinds that no transaction can have as its first and a later one."""
