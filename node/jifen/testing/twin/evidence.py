"""Evidence, in both ledgers."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger import state
from jifen.ledger.evidence.records import EvidenceAgainst, RecordedEvidence, RecordEvidence
from jifen.ledger.evidence.statements import Evidence, SignedHash, StatementKind
from jifen.ledger.types import Record
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.scene import key_of
from jifen.testing.twin.draws import lives, nonces
from jifen.testing.twin.machine import TwinMachine

CULPRITS = ("mall", "books", "attic", "nobody")


class EvidenceRules(TwinMachine):
    """Rules of evidence."""

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        validator=st.sampled_from(CULPRITS),
        signed_by=st.sampled_from(("", "", "", "mall validator", "mall till")),
        kind=st.sampled_from(StatementKind),
        height=st.integers(1, 30),
        hashes=st.sampled_from(((1, 2), (1, 2), (2, 1), (3, 3))),
        count=st.sampled_from((1, 1, 8)),
    )
    def record_evidence(
        self,
        *,
        life: int,
        nonce: bytes,
        validator: str,
        signed_by: str,
        kind: StatementKind,
        height: int,
        hashes: tuple[int, int],
        count: int,
    ) -> None:
        """Show contradictions at some heights; the ledger does not look at signatures."""
        key = key_of(signed_by or f"{validator} validator")
        first, second = (SignedHash(bytes(32), bytes([number] * 32), bytes(64)) for number in hashes)
        for above in range(count):
            evidence = Evidence(validator, key, kind, 1, height + above, first, second)
            self.submit(RecordEvidence(self.time + life, nonce, evidence), key_of("mall till"))


def recorded(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of evidence."""
    found: dict[bytes, Record] = {}
    for name in [validator.id for validator in twin.validators]:
        pieces = tuple(
            RecordedEvidence(item.kind, item.term, item.height, item.first.hash, item.second.hash, identity, height)
            for item, identity, height in twin.evidence
            if item.validator == name
        )
        if pieces:
            found[state.evidence_key(name)] = EvidenceAgainst(pieces)
    return found


TwinMachine.tables += [recorded]
