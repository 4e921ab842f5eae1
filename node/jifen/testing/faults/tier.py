"""Faults of tiers and of maps of recognition."""

from typing import Final

from jifen.ledger.rejections import Rejection
from jifen.ledger.tiers.bodies import PublishRecognition, PublishTiers
from jifen.ledger.tiers.records import RecognisedTier, Recognition, Tier, TierProgramme
from jifen.ledger.transactions import Body
from jifen.testing.faults.scene import NOW, Fault
from jifen.testing.scenes.tier import GOLD, SILVER

NONCE: Final = b"nonce000"
KNOWN: Final = RecognisedTier("books", "gold", "silver")

GOOD_TIERS: Final[dict[str, tuple[Body, str]]] = {
    "tiers": (PublishTiers(NOW + 1, NONCE, "mall", TierProgramme(2, (SILVER, GOLD))), "mall admin"),
    "recognition": (PublishRecognition(NOW + 1, NONCE, "mall", Recognition(1, (KNOWN,))), "mall admin"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""

STRANGE: Final = RecognisedTier("books", "peak", "silver")
OWN: Final = RecognisedTier("mall", "gold", "gold")


TIER_FAULTS: Final = (
    *(Fault(kind, Rejection.ORGANIZATION_UNKNOWN, {"organization": "nobody"}) for kind in GOOD_TIERS),
    *(
        Fault(kind, Rejection.ORGANIZATION_NOT_ACTIVE, {"organization": "attic"}, signer)
        for kind in GOOD_TIERS
        for signer in ("attic admin", None)
    ),
    *(
        Fault(kind, Rejection.NOT_AUTHORIZED, {}, signer)
        for kind in GOOD_TIERS
        for signer in ("mall issuer", "books admin", "ann")
    ),
    Fault("tiers", Rejection.VERSION_NOT_NEXT, {"programme.version": 1}),
    Fault("tiers", Rejection.VERSION_NOT_NEXT, {"programme.version": 3}),
    Fault("recognition", Rejection.VERSION_NOT_NEXT, {"recognition.version": 2}),
    Fault("recognition", Rejection.TIER_UNKNOWN, {"recognition.entries": (STRANGE,)}),
    Fault("recognition", Rejection.TIER_UNKNOWN, {"recognition.entries": (RecognisedTier("books", "gold", "peak"),)}),
    Fault("recognition", Rejection.TIER_UNKNOWN, {"recognition.entries": (RecognisedTier("cafe", "gold", "gold"),)}),
    Fault("recognition", Rejection.TIER_UNKNOWN, {"recognition.entries": (STRANGE, KNOWN)}),
    Fault("tiers", Rejection.TIERS_CONTRADICTORY, {"programme.tiers": (GOLD, SILVER)}),
    Fault("tiers", Rejection.TIERS_CONTRADICTORY, {"programme.tiers": (SILVER, GOLD, Tier("peak", "Peak", 1000))}),
    Fault("tiers", Rejection.TIERS_CONTRADICTORY, {"programme.tiers": (SILVER, GOLD, Tier("gold", "Gold", 2000))}),
    Fault("tiers", Rejection.TIERS_CONTRADICTORY, {"programme.tiers": (SILVER,)}),
    Fault("recognition", Rejection.RECOGNITION_CONTRADICTORY, {"recognition.entries": (OWN,)}),
    Fault("recognition", Rejection.RECOGNITION_CONTRADICTORY, {"recognition.entries": (KNOWN, KNOWN)}),
    Fault(
        "recognition",
        Rejection.RECOGNITION_CONTRADICTORY,
        {"recognition.entries": (RecognisedTier("books", "silver", "silver"), KNOWN)},
    ),
)

TIERS_NEVER_MEET: Final[dict[tuple[str, str], str]] = {}
"""Reasons of one of these kinds that no transaction can have as its first and a later one."""
