"""Faults of evidence."""

from typing import Final

import msgspec

from jifen.ledger.evidence.records import EVIDENCE_RECORDED_MAX, RecordEvidence
from jifen.ledger.evidence.statements import Evidence, SignedHash, StatementKind
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Body
from jifen.testing.faults.scene import NOW, Fault, Scene
from jifen.testing.naive.scene import key_of, transaction

SHOWN: Final = Evidence(
    "mall",
    key_of("mall validator"),
    StatementKind.PROPOSAL,
    3,
    7,
    SignedHash(bytes(32), b"\1" * 32, bytes(64)),
    SignedHash(bytes(32), b"\2" * 32, bytes(64)),
)

GOOD_EVIDENCE: Final[dict[str, tuple[Body, str]]] = {
    "evidence": (RecordEvidence(NOW + 1, b"nonce000", SHOWN), "stranger"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""


def _many_recorded(scene: Scene) -> None:
    """Let as much be recorded against mall as there may be."""
    for height in range(100, 100 + EVIDENCE_RECORDED_MAX):
        recorded = msgspec.structs.replace(SHOWN, height=height)
        assert scene.take(transaction(RecordEvidence(NOW, bytes(8), recorded), key_of("ann"))) == 0


def _shown_before(scene: Scene) -> None:
    """Let the same be recorded in other words, unless as much is as there may be."""
    if not scene.twin.evidence:
        turned = msgspec.structs.replace(SHOWN, height=100, first=SHOWN.second, second=SHOWN.first)
        assert scene.take(transaction(RecordEvidence(NOW, bytes(8), turned), key_of("ann"))) == 0


EVIDENCE_FAULTS: Final = (
    Fault("evidence", Rejection.VALIDATOR_UNKNOWN, {"evidence.validator": "nobody"}),
    Fault("evidence", Rejection.NOT_ITS_KEY, {"evidence.key": key_of("books validator")}),
    Fault("evidence", Rejection.NOT_ITS_KEY, {"evidence.key": key_of("mall till")}),
    Fault("evidence", Rejection.STATEMENTS_AGREE, {"evidence.second": SHOWN.first}),
    Fault("evidence", Rejection.EVIDENCE_ALREADY_RECORDED, {"evidence.height": 100}, stage=_shown_before),
    Fault("evidence", Rejection.EVIDENCE_ENOUGH, {}, stage=_many_recorded),
)

EVIDENCE_NEVER_MEETS: Final = {
    ("VALIDATOR_UNKNOWN", "NOT_ITS_KEY"): "nobody's key is none",
    ("VALIDATOR_UNKNOWN", "EVIDENCE_ALREADY_RECORDED"): "nothing is recorded against nobody",
    ("VALIDATOR_UNKNOWN", "EVIDENCE_ENOUGH"): "nothing is recorded against nobody",
}
"""Reasons of one kind of transaction that no transaction can have as its first and a later one."""
