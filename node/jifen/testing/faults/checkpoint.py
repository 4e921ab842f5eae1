"""Faults of attestations."""

from typing import Final

from jifen.ledger.checkpoints.records import AttestCheckpoint
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Body
from jifen.testing.faults.scene import HEIGHT, NOW, Fault

GOOD_CHECKPOINTS: Final[dict[str, tuple[Body, str]]] = {
    "attest": (AttestCheckpoint(NOW + 1, b"nonce000", "mall", 10, bytes(32), bytes(32)), "mall validator"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""

CHECKPOINT_FAULTS: Final = (
    Fault("attest", Rejection.NOT_A_VOTER, {"validator": "nobody"}),
    Fault("attest", Rejection.NOT_AUTHORIZED, {}, "mall till"),
    Fault("attest", Rejection.NOT_AUTHORIZED, {}, "books validator"),
    Fault("attest", Rejection.NOT_A_CHECKPOINT, {"height": 9}),
    Fault("attest", Rejection.NOT_A_CHECKPOINT, {"height": 1}),
    Fault("attest", Rejection.NOT_A_CHECKPOINT, {"height": HEIGHT}),
    Fault("attest", Rejection.CHECKPOINT_TOO_OLD, {"height": 2}),
    Fault("attest", Rejection.CHECKPOINT_ALREADY_ATTESTED, {"validator": "books"}, "books validator"),
)

CHECKPOINTS_NEVER_MEET: Final = {
    ("NOT_A_VOTER", "CHECKPOINT_ALREADY_ATTESTED"): "the scene's voters have not changed",
    ("NOT_A_CHECKPOINT", "CHECKPOINT_ALREADY_ATTESTED"): "what is no checkpoint was never attested",
    ("CHECKPOINT_TOO_OLD", "CHECKPOINT_ALREADY_ATTESTED"): "the scene's attestations are all remembered",
}
"""Reasons of one kind of transaction that no transaction can have as its first and a later one."""
