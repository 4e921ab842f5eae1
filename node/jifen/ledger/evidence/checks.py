"""The invariants of recorded evidence."""

from jifen.ledger.checking import Items, require
from jifen.ledger.evidence.records import EVIDENCE_RECORDED_MAX, EvidenceAgainst
from jifen.ledger.state import EVIDENCE, VALIDATOR


def check_evidence_names_validators_and_is_recorded_once(items: Items) -> None:
    """Evidence is against validators that there are or were, over different blocks, and no piece stands twice."""
    known = list(items)
    validators = {key[1:] for key, _ in known if key[:1] == VALIDATOR}
    for key, record in known:
        if key[:1] != EVIDENCE:
            continue
        assert isinstance(record, EvidenceAgainst)
        require(key[1:] in validators, f"evidence is recorded against {key[1:].decode()}, which is no validator")
        places = {(piece.kind, piece.term, piece.height) for piece in record.pieces}
        require(len(places) == len(record.pieces), f"evidence against {key[1:].decode()} stands twice")
        require(0 < len(places) <= EVIDENCE_RECORDED_MAX, f"{len(places)} pieces against {key[1:].decode()}")
        for piece in record.pieces:
            require(piece.first_hash != piece.second_hash, f"evidence against {key[1:].decode()} agrees with itself")
