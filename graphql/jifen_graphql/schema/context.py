"""What every resolver of one request shares: the node and, for a query, one snapshot at one height."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import strawberry
from graphql import GraphQLError

from jifen.actors.node import BlockNotHeld
from jifen.ledger.governance.validators import Validator, ValidatorSet, read_validator, read_validator_set, voting_sets
from jifen_graphql.limits import BLOCK_SUMMARIES_CACHED_MAX, TRANSACTIONS_READ_MAX

if TYPE_CHECKING:
    from jifen.actors.node import BlockRecord, Node, NodeStatus, ReadView
    from jifen.codec.blocks import Header


BLOCK_NOT_HELD = "BLOCK_NOT_HELD"
"""Code of the error that names a block below those this validator holds."""


class BlockSummary(NamedTuple):
    """A committed block without its body. It never changes, so it may be kept."""

    header: Header
    hash: bytes
    transaction_count: int
    agenda_count: int
    """Effects of what the block did by its time."""
    certificate_term: int | None
    """Term of the certificate's acknowledgements; None for genesis, which has no certificate."""
    signers: int
    """Bitmap of the certificate's signers in the order of `RequestContext.signing_at`."""

    @classmethod
    def of(cls, record: BlockRecord) -> BlockSummary:
        """Return what is kept of a block."""
        certificate = record.certificate
        return cls(
            header=record.header,
            hash=record.hash,
            transaction_count=len(record.transactions),
            agenda_count=sum(len(receipt.effects) for receipt in record.agenda),
            certificate_term=certificate.term if certificate else None,
            signers=certificate.signers if certificate else 0,
        )


class BlockSummaries:
    """The block summaries asked for last, shared by all requests: reading a full block to tell its hash is costly."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, BlockSummary] = OrderedDict()
        """By height, least recently used first.

        Invariant: committed blocks only, and at most BLOCK_SUMMARIES_CACHED_MAX of them.
        """

    def get(self, height: int) -> BlockSummary | None:
        """Return the summary of a height, or None when it is not kept."""
        summary = self._kept.get(height)
        if summary is not None:
            self._kept.move_to_end(height)
        return summary

    def put(self, summary: BlockSummary) -> None:
        """Keep a summary."""
        self._kept[summary.header.height] = summary
        if len(self._kept) > BLOCK_SUMMARIES_CACHED_MAX:
            self._kept.popitem(last=False)


@dataclass
class RequestContext:
    """The context value of one execution."""

    node: Node
    summaries: BlockSummaries
    snapshot: ReadView | None = field(default=None)
    """The one snapshot of a query or of a subscription's event; a mutation has none. Closed by who opened it."""
    transactions_read: int = 0
    """Transactions decoded for this answer so far."""
    _blocks: dict[int, BlockRecord | None] = field(default_factory=dict)

    @property
    def view(self) -> ReadView:
        """The snapshot, which a query always has."""
        assert self.snapshot is not None, "a resolver that reads state was reached without a snapshot"
        return self.snapshot

    @cached_property
    def status(self) -> NodeStatus:
        """The node's status, taken once so that all fields of one answer agree."""
        return self.node.status()

    @cached_property
    def validators(self) -> list[Validator]:
        """Everybody who is not retired: voters, those on their way out, observers."""
        return [read_validator(self.view, name) for name in read_validator_set(self.view).all]

    @cached_property
    def _voting_sets(self) -> list[ValidatorSet]:
        return voting_sets(self.view)

    def signing_at(self, height: int) -> tuple[str, ...]:
        """Return who could sign the certificate of a block of the snapshot, in the order of its bits."""
        return next(item.signing for item in reversed(self._voting_sets) if item.changed_at <= height)

    @property
    def read_enough(self) -> bool:
        """Whether this answer has decoded as many transactions as one answer may."""
        return self.transactions_read >= TRANSACTIONS_READ_MAX

    def block(self, height: int) -> BlockRecord | None:
        """Return a block of the snapshot, or None above it; raises GraphQLError: TOO_COSTLY when it was enough,
        BLOCK_NOT_HELD for one that this validator has dropped or never had."""
        if height not in self._blocks:
            if self.read_enough:
                raise GraphQLError(
                    f"the blocks asked for hold more than {TRANSACTIONS_READ_MAX} transactions; ask for fewer at once",
                    extensions={"code": "TOO_COSTLY"},
                )
            try:
                record = self.view.block(height) if 0 <= height <= self.view.height else None
            except BlockNotHeld as error:
                raise GraphQLError(str(error), extensions={"code": BLOCK_NOT_HELD}) from None
            if record is not None:
                self.transactions_read += len(record.transactions) + len(record.agenda)
                self.summaries.put(BlockSummary.of(record))
            self._blocks[height] = record
        return self._blocks[height]

    def summary(self, height: int) -> BlockSummary | None:
        """Return a block of the snapshot without its body, or None above the snapshot."""
        if not 0 <= height <= self.view.height:
            return None
        summary = self.summaries.get(height)
        if summary is None:
            record = self.block(height)
            summary = BlockSummary.of(record) if record else None
        return summary


Info: TypeAlias = strawberry.Info[RequestContext, Any]
"""What a resolver is handed beside its arguments."""
