"""Faults of bonuses and adjustments, and the limits of the scene that they are tried in."""

from typing import Any, Final

import msgspec

from jifen.ledger.bonuses.bodies import AdjustPoints, GrantBonus, SetBonusPolicy
from jifen.ledger.bonuses.records import AdjustmentReason, BonusCause, BonusPolicy, Direction
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Body
from jifen.ledger.types import POINTS_MAX
from jifen.testing.faults.scene import ANN, BO, NOW, STRANGER, Fault, Scene
from jifen.testing.naive.scene import key_of, transaction
from jifen.testing.scenes.bonus import GOODWILL, STAFF, grant_in

NONCE: Final = b"nonce000"
MALL: Final = ("mall", ANN, "mall/consumer")
CREDIT: Final = AdjustPoints(
    NOW + 1, NONCE, *MALL, Direction.CREDIT, 100, "c1", AdjustmentReason.CORRECTION, "booked twice"
)
DEBIT: Final = AdjustPoints(NOW + 1, NONCE, *MALL, Direction.DEBIT, 100, "c1", AdjustmentReason.MISUSE, "found out")

GOOD_BONUSES: Final[dict[str, tuple[Body, str]]] = {
    "policy": (SetBonusPolicy(NOW + 1, NONCE, "mall", BonusPolicy(2, staff=STAFF)), "mall admin"),
    "goodwill": (GrantBonus(NOW + 1, NONCE, *MALL, 100, GOODWILL, "c1", "a broken cup"), "mall till"),
    "event": (
        GrantBonus(NOW + 1, NONCE, *MALL, 100, BonusCause.EVENT, "reading", "came", "books"),
        "mall till and books till",
    ),
    "credit": (CREDIT, "mall issuer"),
    "debit": (DEBIT, "mall issuer"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""

GRANTS: Final = ("goodwill", "event")
ADJUSTMENTS: Final = ("credit", "debit")
HANDS: Final = (*GRANTS, *ADJUSTMENTS)
GIVEN: Final = (*GRANTS, "credit")


def _till_has_granted(scene: Scene) -> None:
    """Let the till have granted twice today."""
    for number in range(2):
        grant_in(scene, f"t{number}", 1, "mall till")


def _much_is_granted(scene: Scene) -> None:
    """Let the issuer's key, and the till, have granted almost all that one may in a day, and almost all there is."""
    for clerk in ("mall issuer", "mall till"):
        for number in range(2):
            grant_in(scene, f"{clerk[5:]}{number}", 390, f"{clerk} and mall admin", BonusCause.SPECIAL)


def _bo_owes(scene: Scene) -> None:
    """Let Bo owe a point."""
    body = msgspec.structs.replace(DEBIT, account=BO, points=1, may_owe=True, cause_key="owed")
    assert scene.take(transaction(body, key_of("mall issuer"))) == 0


OWED: Final = {"account": BO, "points": POINTS_MAX, "may_owe": True}


def _all(kinds: tuple[str, ...], reason: Rejection, changes: dict[str, Any], signer: str | None = None) -> list[Fault]:
    return [Fault(kind, reason, changes, signer) for kind in kinds]


BONUS_FAULTS: Final = (
    Fault("policy", Rejection.ORGANIZATION_UNKNOWN, {"organization": "nobody"}),
    Fault("policy", Rejection.ORGANIZATION_NOT_ACTIVE, {"organization": "attic"}),
    Fault("policy", Rejection.ORGANIZATION_NOT_ACTIVE, {"organization": "attic"}, "attic admin"),
    Fault("policy", Rejection.NOT_AUTHORIZED, {}, "mall issuer"),
    Fault("policy", Rejection.VERSION_NOT_NEXT, {"policy.version": 1}),
    Fault("policy", Rejection.VERSION_NOT_NEXT, {"policy.version": 3}),
    Fault("policy", Rejection.POLICY_CONTRADICTORY, {"policy.staff": STAFF[::-1]}),
    Fault("policy", Rejection.POLICY_CONTRADICTORY, {"policy.staff": STAFF[:1] * 2}),
    Fault("policy", Rejection.POLICY_CONTRADICTORY, {"policy.grant_max": 499}),
    *_all(HANDS, Rejection.ORGANIZATION_UNKNOWN, {"issuer": "nobody"}),
    Fault("event", Rejection.ORGANIZATION_UNKNOWN, {"holder": "nobody"}),
    *_all(HANDS, Rejection.ORGANIZATION_NOT_ACTIVE, {"issuer": "attic"}),
    *_all(HANDS, Rejection.ORGANIZATION_NOT_ACTIVE, {"issuer": "attic"}, "attic till"),
    Fault("event", Rejection.ORGANIZATION_NOT_ACTIVE, {"holder": "attic"}),
    Fault("event", Rejection.ORGANIZATION_NOT_ACTIVE, {"holder": "attic"}, "mall till and attic till"),
    *_all(HANDS, Rejection.ACCOUNT_UNKNOWN, {"account": STRANGER}),
    *_all(HANDS, Rejection.POINT_TYPE_UNKNOWN, {"point_type": "mall/store"}),
    *_all(HANDS, Rejection.NOT_AUTHORIZED, {}, "mall admin"),
    *_all(HANDS, Rejection.NOT_AUTHORIZED, {}, "books till"),
    *_all(HANDS, Rejection.NOT_AUTHORIZED, {}, "ann"),
    *_all(ADJUSTMENTS, Rejection.NOT_AUTHORIZED, {}, "mall till"),
    *_all(HANDS, Rejection.NOT_THE_ISSUER, {"point_type": "books/store"}),
    Fault("debit", Rejection.INSUFFICIENT_POINTS, {"points": 100_001}),
    Fault("debit", Rejection.INSUFFICIENT_POINTS, {"account": BO, "may_owe": False}),
    *_all(GIVEN, Rejection.SUPPLY_EXHAUSTED, {"points": POINTS_MAX}),
    Fault("debit", Rejection.SUPPLY_EXHAUSTED, OWED, stage=_bo_owes),
    *_all(GIVEN, Rejection.ISSUE_CAP_REACHED, {"point_type": "mall/distributor", "points": 1901}),
    Fault("event", Rejection.CHECK_IN_MISSING, {}, "mall till"),
    Fault("event", Rejection.CHECK_IN_MISSING, {}, "mall till and books admin"),
    Fault("event", Rejection.CHECK_IN_MISSING, {"holder": None}),
    Fault("goodwill", Rejection.CHECK_IN_MISSING, {"holder": "books"}),
    *_all(GIVEN, Rejection.STAFF_ACCOUNT, {"account": BO}),
    Fault("goodwill", Rejection.CAUSE_ALREADY_USED, {"cause_key": "used"}),
    Fault("event", Rejection.CAUSE_ALREADY_USED, {"cause_key": "used"}),
    Fault("credit", Rejection.CAUSE_ALREADY_USED, {"cause_key": "used"}),
    Fault("debit", Rejection.CAUSE_ALREADY_USED, {"cause_key": "used"}),
    *_all(GRANTS, Rejection.GRANT_TOO_LARGE, {"points": 401}),
    *_all(HANDS, Rejection.SECOND_OPERATOR_MISSING, {"points": 251}),
    Fault("goodwill", Rejection.CLERK_LIMIT_REACHED, {}, stage=_till_has_granted),
    *(Fault(kind, Rejection.CLERK_LIMIT_REACHED, {"points": 121}, stage=_much_is_granted) for kind in HANDS),
    *(Fault(kind, Rejection.BONUS_BUDGET_SPENT, {"points": 39}, stage=_much_is_granted) for kind in GRANTS),
)

BONUSES_NEVER_MEET: Final = {
    ("ORGANIZATION_UNKNOWN", "CHECK_IN_MISSING"): "an unknown organization holds nothing",
    ("ORGANIZATION_UNKNOWN", "CAUSE_ALREADY_USED"): "nor has it granted anything",
    ("ORGANIZATION_NOT_ACTIVE", "CAUSE_ALREADY_USED"): "the scene's was suspended from the start",
    ("NOT_AUTHORIZED", "SECOND_OPERATOR_MISSING"): "without a first operator there is no second",
    ("NOT_AUTHORIZED", "CLERK_LIMIT_REACHED"): "nor one whose limit it could be",
}
"""Reasons of one of these kinds that no transaction can have as its first and a later one."""
