"""The limits of the scene that faults are tried in, and causes that were made use of."""

from typing import TYPE_CHECKING, Final

from jifen.ledger.bonuses.bodies import AdjustPoints, GrantBonus, SetBonusPolicy
from jifen.ledger.bonuses.records import AdjustmentReason, BonusCause, BonusPolicy, Direction
from jifen.testing.naive.scene import START, account_of, key_of, transaction

if TYPE_CHECKING:
    from jifen.testing.faults.scene import Scene

EXPIRY: Final = START + 1001
GOODWILL: Final = BonusCause.GOODWILL
STAFF: Final = tuple(sorted(account_of(key_of(name)) for name in ("bo", "stranger")))
LIMITS: Final = BonusPolicy(
    1,
    grant_max=400,
    two_operators_above=250,
    clerk_points_per_day=900,
    clerk_goodwill_per_day=2,
    budget=1600,
    staff=STAFF,
)


def grant_in(scene: "Scene", key: str, points: int, signers: str, cause: BonusCause = GOODWILL) -> None:
    """Let Ann be granted something, under signatures separated by ` and `."""
    ann = account_of(key_of("ann"))
    body = GrantBonus(EXPIRY, bytes(8), "mall", ann, "mall/guide", points, cause, key, "kindness")
    assert scene.take(transaction(body, *map(key_of, signers.split(" and ")))) == 0


def furnish_bonuses(scene: "Scene") -> None:
    """Let the mall have limits, and causes of all kinds be used, by keys that nothing else is signed with."""
    ann = account_of(key_of("ann"))
    limits = SetBonusPolicy(EXPIRY, bytes(8), "mall", LIMITS)
    assert scene.take(transaction(limits, key_of("mall admin"))) == 0
    mall = (EXPIRY, bytes(8), "mall", ann, "mall/guide")
    adjusted = AdjustPoints(*mall, Direction.CREDIT, 1, "used", AdjustmentReason.CORRECTION, "booked twice")
    granted = GrantBonus(*mall, 1, GOODWILL, "used", "kindness")
    came = GrantBonus(*mall, 1, BonusCause.EVENT, "used", "came", "books")
    for body in (adjusted, granted, came):
        assert scene.take(transaction(body, key_of("mall issuer"), key_of("books till"))) == 0
