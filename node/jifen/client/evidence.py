"""Evidence as the API tells it, in the file in which it is handed on, and checked without asking anybody.

Evidence proves itself: both statements, the validator's key and the chain id are all that a check needs.
"""

from base64 import b64decode
from pathlib import Path
from typing import Final

import msgspec

from jifen.chain.statements import evidence_claims
from jifen.client.queries import Operation
from jifen.client.records import Answer
from jifen.keys.verification import false_claims
from jifen.ledger.evidence.statements import Evidence as LedgerEvidence
from jifen.ledger.evidence.statements import SignedHash, StatementKind

EVIDENCE_FORMAT: Final = "jifen-evidence-1"
"""Format of a file that this version writes and reads."""

EVIDENCE_FILE_BYTES_MAX: Final = 4 << 20
"""Largest file read: some five thousand pieces, many times what an alliance records."""

EVIDENCE_PAGE: Final = 50
"""Pieces of one answer."""


class EvidenceInvalid(ValueError):
    """What is shown as evidence proves nothing; the text says why."""


class SignedStatement(Answer, frozen=True):
    """One of two statements that contradict each other."""

    hash: str
    """Block that it speaks of."""
    validator_set_hash: str
    signature: str
    """64 bytes in base64."""

    def to_ledger(self) -> SignedHash:
        """Return the ledger's form; raises ValueError when it is none."""
        parts = bytes.fromhex(self.validator_set_hash), bytes.fromhex(self.hash), b64decode(self.signature)
        if [len(part) for part in parts] != [32, 32, 64]:
            raise ValueError("hashes have 64 hexadecimal digits, signatures 64 bytes in base64")
        return SignedHash(*parts)


class EvidenceProof(Answer, frozen=True):
    """Both statements, and the key under which they hold."""

    key: str
    first: SignedStatement
    second: SignedStatement


class Evidence(Answer, frozen=True):
    """A contradiction of a validator: two statements of one kind, term and height over different blocks."""

    validator: str
    kind: str
    """`PROPOSAL` or `ACKNOWLEDGEMENT`."""
    term: int
    height: int
    first_hash: str
    second_hash: str
    recorded_at: int | None
    """Height of the block that records it; None when none does."""
    transaction_id: str | None
    """Transaction that recorded it."""
    proof: EvidenceProof | None
    """None when the validator asked holds neither the statements nor the block that records them."""

    def to_ledger(self) -> LedgerEvidence:
        """Return the ledger's form; raises EvidenceInvalid without a proof, or when it is malformed."""
        if self.proof is None:
            raise EvidenceInvalid("the statements themselves are missing; ask a validator that still holds them")
        try:
            kind, key = StatementKind[self.kind], bytes.fromhex(self.proof.key)
            first, second = self.proof.first.to_ledger(), self.proof.second.to_ledger()
        except (KeyError, ValueError) as error:
            raise EvidenceInvalid(f"malformed: {error}") from None
        return LedgerEvidence(self.validator, key, kind, self.term, self.height, first, second)

    def verify(self, chain_id: bytes) -> None:
        """Check that the holder of the key has contradicted itself on a chain; raises EvidenceInvalid.

        Whose key it is, the ledger says: compare `proof.key` with genesis or `Client.validator`.
        """
        evidence = self.to_ledger()
        if evidence.first.hash == evidence.second.hash:
            raise EvidenceInvalid("both statements are about the same block: that is no contradiction")
        if (evidence.first.hash.hex(), evidence.second.hash.hex()) != (self.first_hash, self.second_hash):
            raise EvidenceInvalid("the statements are about other blocks than is said")
        if not 0 <= min(self.term, self.height) <= max(self.term, self.height) < 1 << 64:
            raise EvidenceInvalid("term and height are numbers of at most 64 bits")
        false = false_claims(evidence_claims(chain_id, evidence))
        if false:
            which = " and ".join(("first", "second")[place] for place in false)
            raise EvidenceInvalid(f"not signed under the key {evidence.key.hex()} on this chain: the {which} statement")


class EvidenceFile(Answer, frozen=True):
    """Evidence as it is handed on."""

    format: str
    chain_id: str
    evidence: tuple[Evidence, ...]


def write_evidence(path: Path, chain_id: bytes, evidence: tuple[Evidence, ...]) -> None:
    """Write evidence to a new file, readable for people; raises FileExistsError."""
    data = msgspec.json.format(msgspec.json.encode(EvidenceFile(EVIDENCE_FORMAT, chain_id.hex(), evidence)), indent=2)
    with path.open("xb") as file:
        file.write(data + b"\n")


def read_evidence(path: Path) -> EvidenceFile:
    """Read a file of evidence; raises OSError, and EvidenceInvalid when it is none. Nothing in it is checked yet."""
    with path.open("rb") as file:
        data = file.read(EVIDENCE_FILE_BYTES_MAX + 1)
    try:
        found = msgspec.json.decode(data[:EVIDENCE_FILE_BYTES_MAX], type=EvidenceFile)
        chain = bytes.fromhex(found.chain_id)
    except (msgspec.DecodeError, ValueError) as error:
        raise EvidenceInvalid(f"{path} is no file of evidence: {error}") from None
    if found.format != EVIDENCE_FORMAT or len(chain) != 32:
        raise EvidenceInvalid(f"{path} has format {found.format!r}; this version reads {EVIDENCE_FORMAT!r}")
    return found


_STATEMENT: Final = "{ hash validatorSetHash signature }"

EVIDENCE: Final = Operation[tuple[Evidence, ...]](
    "query Evidence($validator: String, $first: Int!, $after: Int) { "
    "evidence(validator: $validator, first: $first, after: $after) { validator kind term height firstHash secondHash "
    f"recordedAt transactionId proof {{ key first {_STATEMENT} second {_STATEMENT} }} }} }}",
    "evidence",
    tuple[Evidence, ...],
)
