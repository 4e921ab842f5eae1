"""Faults of locks, and of transfers that a lock or the limits of the day forbid."""

from typing import Final

import msgspec

from jifen.ledger.locks.bodies import LockAccount, UnlockAccount
from jifen.ledger.locks.records import LockReason, UnlockReason
from jifen.ledger.rejections import Rejection
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import Terms
from jifen.ledger.transactions import Body, TransferPoints
from jifen.testing.faults.scene import ANN, BO, DORA, NOW, STRANGER, Fault, Scene, keys_of
from jifen.testing.naive.scene import key_of, transaction

NONCE: Final = b"nonce000"

GOOD_LOCKS: Final[dict[str, tuple[Body, str]]] = {
    "lock": (LockAccount(NOW + 1, NONCE, ANN, LockReason.LOST), "ann"),
    "lock alone": (LockAccount(NOW + 1, NONCE, ANN, LockReason.DISPUTE, ("mall",)), "mall guard"),
    "lock together": (
        LockAccount(NOW + 1, NONCE, ANN, LockReason.LEAKED, ("books", "mall")),
        "books till and mall guard",
    ),
    "unlock": (
        UnlockAccount(NOW + 1, NONCE, DORA, UnlockReason.FOUND, ("books", "mall")),
        "books till and mall guard",
    ),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""


# Stages are put together by twos: what one wants to do another may have made impossible, and then it is left out.


def lock(world: Scene, account: bytes, organizations: tuple[str, ...], signers: str) -> None:
    """Lock an account in both ledgers."""
    body = LockAccount(NOW, b"lock" + account[:4], account, LockReason.LOST, organizations)
    world.take(transaction(body, *keys_of(signers)))


def ann_is_locked(world: Scene) -> None:
    """Ann has lost her key."""
    lock(world, ANN, (), "ann")


def ann_was_locked_by_the_mall(world: Scene) -> None:
    """The mall had locked Ann; with books it has unlocked her."""
    lock(world, ANN, ("mall",), "mall guard")
    body = UnlockAccount(NOW, b"unlock00", ANN, UnlockReason.MISTAKEN, ("books", "mall"))
    world.take(transaction(body, *keys_of("books till and mall guard")))


def publish(world: Scene, **limits: int) -> None:
    """Have the mall allow little."""
    newest, _, _ = world.twin.terms["mall/consumer"][-1]
    less = msgspec.structs.replace(newest.limits, **limits)
    terms = msgspec.structs.replace(newest, version=newest.version + 1, effective_from=0, limits=less)
    body = PublishTerms(NOW, b"limits00", "mall", "mall/consumer", terms)
    world.take(transaction(body, key_of("mall admin")))


def pass_on(world: Scene, times: int) -> None:
    """Let Ann pass a point on to Bo so many times."""
    for number in range(times):
        body = TransferPoints(NOW, number.to_bytes(8, "big"), ANN, BO, "mall/consumer", 1, b"")
        world.take(transaction(body, key_of("ann")))


def thirty_times(world: Scene) -> None:
    """Ann has passed points on as often as she may when nothing else was said."""
    pass_on(world, Terms().limits.transfers)


def no_transfers(world: Scene) -> None:
    """The mall lets nobody pass its points on any more."""
    newest, _, _ = world.twin.terms["mall/consumer"][-1]
    terms = msgspec.structs.replace(newest, version=newest.version + 1, effective_from=0, transferable=False)
    body = PublishTerms(NOW, b"none0000", "mall", "mall/consumer", terms)
    world.take(transaction(body, key_of("mall admin")))


def few_transfers(world: Scene) -> None:
    """Ann has passed points on as often as she may."""
    publish(world, transfers=1)
    pass_on(world, 1)


def few_points(world: Scene) -> None:
    """Ann has passed all the points on that she may."""
    publish(world, points=1)
    pass_on(world, 1)


def few_receipts(world: Scene) -> None:
    """Ann and Bo have received as often as they may."""
    publish(world, receipts=1)
    pass_on(world, 1)
    back = TransferPoints(NOW, bytes(8), BO, ANN, "mall/consumer", 1, b"")
    world.take(transaction(back, key_of("bo")))


def of_officers(reason: Rejection, changes: dict[str, object], signer: str | None = None) -> tuple[Fault, ...]:
    """Return the fault of two officers, whether they lock or unlock."""
    return tuple(Fault(kind, reason, changes, signer) for kind in ("lock together", "unlock"))


LOCK_FAULTS: Final = (
    Fault("transfer", Rejection.ACCOUNT_LOCKED, {}, stage=ann_is_locked),
    Fault("transfer", Rejection.NOT_TRANSFERABLE, {}, stage=no_transfers),
    Fault("transfer", Rejection.TRANSFER_LIMIT_REACHED, {}, stage=thirty_times),
    Fault("transfer", Rejection.TRANSFER_LIMIT_REACHED, {}, stage=few_transfers),
    Fault("transfer", Rejection.POINTS_LIMIT_REACHED, {}, stage=few_points),
    Fault("transfer", Rejection.RECEIPT_LIMIT_REACHED, {}, stage=few_receipts),
    *of_officers(Rejection.ORGANIZATION_UNKNOWN, {"organizations": ("books", "nobody")}),
    *of_officers(Rejection.ORGANIZATION_UNKNOWN, {"organizations": ("nobody", "attic")}),
    *of_officers(Rejection.ORGANIZATION_NOT_ACTIVE, {"organizations": ("attic", "mall")}),
    *(Fault(kind, Rejection.ACCOUNT_UNKNOWN, {"account": STRANGER}) for kind in GOOD_LOCKS),
    Fault("lock", Rejection.NOT_AUTHORIZED, {}, "bo"),
    Fault("lock", Rejection.NOT_AUTHORIZED, {}, "mall guard"),
    Fault("lock alone", Rejection.ORGANIZATION_UNKNOWN, {"organizations": ("nobody",)}),
    Fault("lock alone", Rejection.ORGANIZATION_NOT_ACTIVE, {"organizations": ("attic",)}),
    Fault("lock alone", Rejection.NOT_AUTHORIZED, {}, "mall admin"),
    Fault("lock alone", Rejection.NOT_AUTHORIZED, {}, "ann"),
    *of_officers(Rejection.NOT_AUTHORIZED, {}, "mall guard"),
    *of_officers(Rejection.NOT_AUTHORIZED, {"organizations": ("mall", "mall")}),
    *of_officers(Rejection.NOT_AUTHORIZED, {}, "books till and mall admin"),
    *of_officers(Rejection.NOT_AUTHORIZED, {}, "ann and dora"),
    Fault("lock", Rejection.ALREADY_LOCKED, {}, stage=ann_is_locked),
    Fault("lock alone", Rejection.ALREADY_LOCKED, {}, stage=ann_is_locked),
    Fault("lock alone", Rejection.ALREADY_LOCKED, {"account": DORA}),
    Fault("lock together", Rejection.ALREADY_LOCKED, {}, stage=ann_is_locked),
    Fault("lock alone", Rejection.LOCKED_TOO_SOON, {}, stage=ann_was_locked_by_the_mall),
    Fault("unlock", Rejection.NOT_LOCKED, {"account": ANN}),
)
"""What can be wrong with each of them."""

LOCKS_NEVER_MEET: Final = {
    ("ACCOUNT_UNKNOWN", "ACCOUNT_LOCKED"): "an unknown account has no lock",
    ("ACCOUNT_UNKNOWN", "ALREADY_LOCKED"): "an unknown account has no lock",
    ("ACCOUNT_UNKNOWN", "LOCKED_TOO_SOON"): "nor had it one",
    ("ACCOUNT_UNKNOWN", "TRANSFER_LIMIT_REACHED"): "nor has it passed anything on",
    ("RECIPIENT_UNKNOWN", "RECEIPT_LIMIT_REACHED"): "nor has it received anything",
    ("POINT_TYPE_UNKNOWN", "TRANSFER_LIMIT_REACHED"): "an unknown type has no limits",
    ("POINT_TYPE_UNKNOWN", "POINTS_LIMIT_REACHED"): "an unknown type has no limits",
    ("POINT_TYPE_UNKNOWN", "RECEIPT_LIMIT_REACHED"): "an unknown type has no limits",
    ("ORGANIZATION_UNKNOWN", "LOCKED_TOO_SOON"): "an unknown organization has locked nobody",
    ("ORGANIZATION_NOT_ACTIVE", "LOCKED_TOO_SOON"): "the scene's was suspended from the start",
    ("ALREADY_LOCKED", "LOCKED_TOO_SOON"): "what holds has not ended",
}
"""Reasons of one of these kinds that no transaction can have as its first and a later one."""
