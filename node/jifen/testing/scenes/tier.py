"""The tiers of the scene that faults are tried in."""

from typing import TYPE_CHECKING, Final

from jifen.ledger.tiers.bodies import PublishTiers
from jifen.ledger.tiers.records import Tier, TierProgramme
from jifen.testing.naive.scene import START, key_of, transaction

if TYPE_CHECKING:
    from jifen.testing.faults.scene import Scene

SILVER, GOLD = Tier("silver", "Silver", 100), Tier("gold", "Gold", 1000)
FIRST: Final = TierProgramme(1, (SILVER, GOLD))


def furnish_tiers(scene: "Scene") -> None:
    """Let the mall and books have tiers."""
    for organization in ("mall", "books"):
        body = PublishTiers(START + 1001, bytes(8), organization, FIRST)
        assert scene.take(transaction(body, key_of(f"{organization} admin"))) == 0
