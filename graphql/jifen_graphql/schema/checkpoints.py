"""Checkpoints: what the voters attested of the whole state."""

from __future__ import annotations

import strawberry

from jifen.ledger.checkpoints import records as ledger
from jifen_graphql.schema.context import Info
from jifen_graphql.schema.scalars import Hash
from jifen_graphql.schema.states import AsOf


@strawberry.type(description="What one voter attested of a checkpoint. Another root than the others' names a culprit.")
class CheckpointAttestation:
    """An attestation of the ledger."""

    validator: str
    block_hash: Hash
    root: Hash
    transaction_id: Hash = strawberry.field(description="The transaction that did it.")


@strawberry.type(description="The whole state after one block, and who attested which root of it.")
class Checkpoint:
    """A checkpoint of the ledger."""

    height: int
    certified: bool = strawberry.field(description="Whether a quorum has attested one root.")
    root: Hash | None = strawberry.field(description="The root that a quorum attested; null until one has.")
    certified_at: int | None = strawberry.field(description="Height of the block that completed the quorum.")
    attestations: list[CheckpointAttestation]

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)

    @classmethod
    def of(cls, record: ledger.Checkpoint) -> Checkpoint:
        """Return the API's form of a record."""
        root = record.certified_root
        return cls(
            height=record.height,
            certified=root is not None,
            root=None if root is None else Hash(root),
            certified_at=record.certified_at or None,
            attestations=[
                CheckpointAttestation(
                    validator=item.validator,
                    block_hash=Hash(item.block_hash),
                    root=Hash(item.root),
                    transaction_id=Hash(item.transaction_id),
                )
                for item in record.attestations
            ],
        )
