"""Blocks, transactions and receipts: what was committed, with the proof material of the header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from jifen.codec.transactions import decode_body, decode_signed
from jifen.ledger import receipts as ledger
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import KIND_NAMES
from jifen_graphql.limits import AGENDA_PAGE_DEFAULT, TRANSACTIONS_PAGE_DEFAULT
from jifen_graphql.schema.context import BlockSummary, Info
from jifen_graphql.schema.effects import EFFECTS, Effect
from jifen_graphql.schema.enums import TransactionOutcome, TransactionStatus
from jifen_graphql.schema.fields import query_field
from jifen_graphql.schema.pages import bounded_page
from jifen_graphql.schema.scalars import Base64, DateTime, Hash
from jifen_graphql.schema.states import AsOf

if TYPE_CHECKING:
    from jifen.actors.node import TransactionRecord


@strawberry.type(description="What a transaction did, or why it did nothing.")
class Receipt:
    """A receipt of the ledger."""

    transaction_id: Hash
    outcome: TransactionOutcome
    rejection: Rejection | None = strawberry.field(description="The ledger's reason; null when it was applied.")
    effects: list[Effect] = strawberry.field(description="Empty when it was rejected.")

    @classmethod
    def of(cls, receipt: ledger.Receipt) -> Receipt:
        """Return the API's form of a receipt."""
        rejection = Rejection(receipt.rejection) if receipt.rejection else None
        return cls(
            transaction_id=Hash(receipt.transaction_id),
            outcome=TransactionOutcome.REJECTED if rejection else TransactionOutcome.APPLIED,
            rejection=rejection,
            effects=[EFFECTS[type(effect)](effect) for effect in receipt.effects],
        )


@strawberry.type(description="A transaction as this validator knows it.")
class Transaction:
    """A committed transaction, or the id of one that is not (yet) known."""

    id: Hash
    status: TransactionStatus
    outcome: TransactionOutcome | None = None
    rejection: Rejection | None = strawberry.field(
        default=None, description="The ledger's reason, when the outcome is REJECTED."
    )
    height: int | None = strawberry.field(default=None, description="Height of the block that holds it.")
    index: int | None = strawberry.field(default=None, description="Its place in that block, from 0.")
    bytes: Base64 | None = strawberry.field(default=None, description="The signed bytes.")
    ledger_receipt: strawberry.Private[ledger.Receipt | None] = None

    @query_field("registerMember, earnPoints, transferPoints, refundOrder, recordEvidence and so on.")
    def kind(self) -> str | None:
        """Decode the kind out of the signed bytes."""
        if self.bytes is None:
            return None
        return KIND_NAMES[type(decode_body(decode_signed(self.bytes).body))]

    @query_field("What it did; null until it is committed.")
    def receipt(self) -> Receipt | None:
        """Convert the receipt when it is asked for."""
        return Receipt.of(self.ledger_receipt) if self.ledger_receipt else None

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)

    @classmethod
    def committed(cls, receipt: ledger.Receipt, signed: Base64, height: int, index: int) -> Transaction:
        """Return the transaction at `index` of the block at `height`."""
        rejected = receipt.rejection != 0
        return cls(
            id=Hash(receipt.transaction_id),
            status=TransactionStatus.COMMITTED,
            outcome=TransactionOutcome.REJECTED if rejected else TransactionOutcome.APPLIED,
            rejection=Rejection(receipt.rejection) if rejected else None,
            height=height,
            index=index,
            bytes=signed,
            ledger_receipt=receipt,
        )

    @classmethod
    def of(cls, record: TransactionRecord) -> Transaction:
        """Return the API's form of a committed transaction."""
        return cls.committed(record.receipt, Base64(record.bytes), record.height, record.index)


@strawberry.type(description="Signed acknowledgements of a quorum: the proof that a block is final.")
class Certificate:
    """Who signed."""

    term: int = strawberry.field(description="Term of the acknowledgements.")
    signers: list[str] = strawberry.field(description="Ids of the validators that signed.")


@strawberry.type(description="A committed block.")
class Block:
    """A block's header, and its body a page at a time."""

    height: int
    hash: Hash
    term: int
    parent_hash: Hash
    time: DateTime
    proposer: str | None = strawberry.field(description="Id of the validator that made it; null for genesis.")
    state_digest: Hash = strawberry.field(description="Running digest of the state after it, equal on all validators.")
    transactions_root: Hash
    receipts_root: Hash
    history_root: Hash = strawberry.field(description="RFC 6962 root over the hashes of all earlier blocks.")
    transaction_count: int
    agenda_count: int = strawberry.field(description="Effects of `agenda`.")
    summary: strawberry.Private[BlockSummary]

    @query_field("Its transactions in order, a page at a time.")
    def transactions(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most 100.")] = TRANSACTIONS_PAGE_DEFAULT,
        after: Annotated[int | None, strawberry.argument(description="Index of the last one you have.")] = None,
    ) -> list[Transaction]:
        """Cut a page out of the body, which is read only when it is asked for."""
        page = range(self.transaction_count)[bounded_page("Block", "transactions", first, after)]
        record = info.context.block(self.height)
        assert record is not None, f"block {self.height} was there a moment ago"
        return [
            Transaction.committed(record.receipts[index], Base64(record.transactions[index]), self.height, index)
            for index in page
        ]

    @query_field(
        "What happened by itself when the block's time came: points expired or became available, expiries were "
        "announced, terms came into force. It precedes the transactions; a page at a time."
    )
    def agenda(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most 100.")] = AGENDA_PAGE_DEFAULT,
        after: Annotated[int | None, strawberry.argument(description="Index of the last one you have.")] = None,
    ) -> list[Effect]:
        """Cut a page out of the agenda's effects, which are read only when there are any."""
        page = bounded_page("Block", "agenda", first, after)
        if not self.agenda_count:
            return []
        record = info.context.block(self.height)
        assert record is not None, f"block {self.height} was there a moment ago"
        effects = [effect for receipt in record.agenda for effect in receipt.effects]
        return [EFFECTS[type(effect)](effect) for effect in effects[page]]

    @query_field("The proof that it is final; null for genesis.")
    def certificate(self, info: Info) -> Certificate | None:
        """Name the signers of the bitmap, whose bits follow the set that was in force at its height."""
        if self.summary.certificate_term is None:
            return None
        signing = info.context.signing_at(self.height)
        signers = [name for index, name in enumerate(signing) if self.summary.signers >> index & 1]
        return Certificate(term=self.summary.certificate_term, signers=signers)

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)

    @classmethod
    def of(cls, summary: BlockSummary) -> Block:
        """Return the API's form of a block."""
        header = summary.header
        return cls(
            height=header.height,
            hash=Hash(summary.hash),
            term=header.term,
            parent_hash=Hash(header.parent_hash),
            time=DateTime(header.time),
            proposer=header.proposer or None,
            state_digest=Hash(header.state_digest),
            transactions_root=Hash(header.transactions_root),
            receipts_root=Hash(header.receipts_root),
            history_root=Hash(header.history_root),
            transaction_count=summary.transaction_count,
            agenda_count=summary.agenda_count,
            summary=summary,
        )
