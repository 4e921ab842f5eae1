"""Evidence: which validators have contradicted themselves, and the words that prove it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import strawberry

from jifen.actors.node import EvidenceRecord
from jifen.codec.transactions import decode_body, decode_signed
from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.evidence.statements import SignedHash, StatementKind
from jifen.ledger.types import PublicKey
from jifen_graphql.schema.context import Info
from jifen_graphql.schema.fields import query_field
from jifen_graphql.schema.scalars import Base64, Hash
from jifen_graphql.schema.states import AsOf

if TYPE_CHECKING:
    from jifen.ledger.evidence import statements


@strawberry.type(description="One of two statements that contradict each other.")
class SignedStatement:
    """What was signed, besides validator, kind, term and height, which both share."""

    hash: Hash = strawberry.field(description="Block that it speaks of.")
    validator_set_hash: Hash = strawberry.field(description="Validator set that it names as that block's.")
    signature: Base64 = strawberry.field(description="BIP-340 signature, 64 bytes.")

    @classmethod
    def of(cls, side: SignedHash) -> SignedStatement:
        """Return the API's form of one side."""
        return cls(
            hash=Hash(side.hash),
            validator_set_hash=Hash(side.validator_set_hash),
            signature=Base64(side.signature),
        )


@strawberry.type(
    description="Both statements. Whoever knows the chain id and the validator's key can check them alone."
)
class EvidenceProof:
    """The signed words of a contradiction."""

    key: PublicKey = strawberry.field(description="The validator's, under which both signatures hold.")
    first: SignedStatement
    second: SignedStatement

    @classmethod
    def of(cls, evidence: statements.Evidence) -> EvidenceProof:
        """Return the API's form of evidence."""
        return cls(
            key=PublicKey(evidence.key),
            first=SignedStatement.of(evidence.first),
            second=SignedStatement.of(evidence.second),
        )


@strawberry.type(
    description="A contradiction of a validator: two statements over its signature, of one kind, term and height, over "
    "different blocks. An honest one never gives any."
)
class Evidence:
    """Evidence that this validator keeps, that the ledger records, or both."""

    validator: str = strawberry.field(description="Id of the validator that contradicted itself.")
    kind: StatementKind
    term: int
    height: int = strawberry.field(description="Height that both blocks claim.")
    first_hash: Hash
    second_hash: Hash
    recorded_at: int | None = strawberry.field(description="Height of the block that records it; null until one does.")
    transaction_id: Hash | None = strawberry.field(description="Transaction that recorded it; null until one has.")
    record: strawberry.Private[EvidenceRecord]

    @query_field("Both statements; null when this validator holds neither them nor the block that records them.")
    def proof(self, info: Info) -> EvidenceProof | None:
        """Take what is kept, or else read the transaction that recorded it."""
        found = self.record.proof or _recorded_proof(info, self.record)
        return None if found is None else EvidenceProof.of(found)

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)

    @classmethod
    def of(cls, record: EvidenceRecord) -> Evidence:
        """Return the API's form of a record."""
        recorded_by = record.transaction_id
        return cls(
            validator=record.validator,
            kind=record.kind,
            term=record.term,
            height=record.height,
            first_hash=Hash(record.first_hash),
            second_hash=Hash(record.second_hash),
            recorded_at=record.recorded_at,
            transaction_id=None if recorded_by is None else Hash(recorded_by),
            record=record,
        )


def _recorded_proof(info: Info, record: EvidenceRecord) -> statements.Evidence | None:
    height = record.recorded_at
    if height is None or not info.context.view.holds(height):
        return None
    block = info.context.block(height)
    assert block is not None, f"the ledger names block {height}, which is above the snapshot"
    place = next(n for n, receipt in enumerate(block.receipts) if receipt.transaction_id == record.transaction_id)
    body = decode_body(decode_signed(block.transactions[place]).body)
    assert isinstance(body, RecordEvidence), f"transaction {place} of block {height} records no evidence"
    return body.evidence
