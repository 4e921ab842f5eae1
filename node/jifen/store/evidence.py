"""Evidence beside the ledger: what this validator holds proof of, on the ledger already or not."""

from collections.abc import Iterable
from typing import Final

import msgspec

from jifen.codec.canonical import StrictDecoder
from jifen.ledger.evidence.records import EvidenceAgainst
from jifen.ledger.evidence.statements import Evidence, StatementKind

decode_evidence: Final[StrictDecoder[Evidence]] = StrictDecoder(Evidence, what="evidence", bytes_max=1024)
"""Return evidence from its canonical bytes; raises Malformed. The signatures are not checked."""


class EvidenceRecord(msgspec.Struct, frozen=True):
    """A contradiction of a validator as it is read back."""

    validator: str
    kind: StatementKind
    term: int
    height: int
    first_hash: bytes
    second_hash: bytes
    recorded_at: int | None = None
    """Height of the block that records it, or None."""
    transaction_id: bytes | None = None
    """Transaction that recorded it, or None."""
    proof: Evidence | None = None
    """Both statements with their signatures; None where only the ledger's record is held."""


def evidence_place(evidence: Evidence) -> bytes:
    """Return the store key of evidence: of one validator, kind, term and height there is one piece."""
    numbers = bytes([evidence.kind]) + evidence.term.to_bytes(8, "big") + evidence.height.to_bytes(8, "big")
    return evidence.validator.encode() + b"\0" + numbers


def joined(kept: Iterable[Evidence], recorded: Iterable[tuple[str, EvidenceAgainst]]) -> list[EvidenceRecord]:
    """Return what is kept and what the ledger records, each contradiction once, by validator, term and height.

    `recorded` gives validators' ids with what is recorded against them.
    """
    found: dict[tuple[str, int, int, int], EvidenceRecord] = {}
    for evidence in kept:
        found[evidence.place] = EvidenceRecord(
            evidence.validator,
            evidence.kind,
            evidence.term,
            evidence.height,
            evidence.first.hash,
            evidence.second.hash,
            proof=evidence,
        )
    for validator, against in recorded:
        for piece in against.pieces:
            place = (validator, int(piece.kind), piece.term, piece.height)
            known = found.get(place)
            found[place] = EvidenceRecord(
                validator,
                piece.kind,
                piece.term,
                piece.height,
                piece.first_hash,
                piece.second_hash,
                piece.recorded_at,
                piece.transaction_id,
                None if known is None else known.proof,
            )
    return sorted(found.values(), key=lambda item: (item.validator, item.term, item.height, item.kind))
