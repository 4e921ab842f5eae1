"""The mutations: each waits for one thing, the node's answer, and reads no state of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry
from graphql import GraphQLError

from jifen.codec.errors import Malformed
from jifen.ledger.rejections import Rejection
from jifen.ledger.types import AccountId, RoleClass
from jifen_graphql.limits import SUBMIT_SECONDS_MAX, SUBMITTED_TRANSACTIONS_MAX
from jifen_graphql.schema.context import Info
from jifen_graphql.schema.enums import SubmitErrorCode, SubmitStatus, TransactionOutcome, WaitFor
from jifen_graphql.schema.fields import mutation_field
from jifen_graphql.schema.order_lines import OrderLineInput, lines_of
from jifen_graphql.schema.scalars import Base64, Hash, Points

if TYPE_CHECKING:
    from jifen.actors.node import SubmitResult


@strawberry.type(description="Why a submission did not do what was asked, and what to do.")
class SubmitError:
    """An error of the caller's making, as data."""

    code: SubmitErrorCode
    message: str


@strawberry.type(description="What became of one submitted transaction. Submitting the same bytes again is harmless.")
class SubmitPayload:
    """The node's answer to one transaction."""

    id: Hash | None = strawberry.field(description="The transaction's id; null when the bytes are no transaction.")
    status: SubmitStatus
    outcome: TransactionOutcome | None = strawberry.field(description="What it did; null until it is committed.")
    rejection: Rejection | None = strawberry.field(description="The ledger's reason, if it gave one.")
    height: int | None = strawberry.field(description="Height of its block; pass it as minHeight to read your writes.")
    message: str = strawberry.field(description="One sentence that says what happened and what to do.")
    user_errors: list[SubmitError] = strawberry.field(description="Empty when it was applied or accepted.")

    @classmethod
    def of(cls, result: SubmitResult) -> SubmitPayload:
        """Return the API's form of the node's answer."""
        status = SubmitStatus(result.status.value)
        outcome = None
        if status is SubmitStatus.COMMITTED:
            outcome = TransactionOutcome.REJECTED if result.rejection else TransactionOutcome.APPLIED
        errors = []
        if result.error is not None:
            errors = [SubmitError(code=SubmitErrorCode(result.error), message=result.message)]
        elif result.rejection is not None:
            errors = [SubmitError(code=SubmitErrorCode.REJECTED, message=result.message)]
        return cls(
            id=Hash(result.id) if result.id is not None else None,
            status=status,
            outcome=outcome,
            rejection=result.rejection,
            height=result.height,
            message=result.message,
            user_errors=errors,
        )

    @classmethod
    def malformed(cls, message: str) -> SubmitPayload:
        """Return the answer to arguments from which no transaction can be made."""
        return cls(
            id=None,
            status=SubmitStatus.REFUSED,
            outcome=None,
            rejection=None,
            height=None,
            message=message,
            user_errors=[SubmitError(code=SubmitErrorCode.MALFORMED, message=message)],
        )


@strawberry.type(description="Writes that everybody may send, because what they carry is signed.")
class Mutation:
    """The public mutations."""

    @mutation_field("Submit one signed transaction.")
    async def submit_transaction(
        self,
        info: Info,
        bytes: Base64,
        wait_for: WaitFor = WaitFor.COMMITTED,
    ) -> SubmitPayload:
        """Hand one transaction to the node."""
        [result] = await info.context.node.submit(
            [bytes], wait=wait_for is WaitFor.COMMITTED, timeout_seconds=SUBMIT_SECONDS_MAX
        )
        return SubmitPayload.of(result)

    @mutation_field("Submit up to 512 signed transactions; the answers stand in the same order.")
    async def submit_transactions(
        self,
        info: Info,
        bytes: list[Base64],
        wait_for: WaitFor = WaitFor.COMMITTED,
    ) -> list[SubmitPayload]:
        """Hand many transactions to the node at once."""
        if len(bytes) > SUBMITTED_TRANSACTIONS_MAX:
            raise GraphQLError(
                f"{len(bytes)} transactions are too many for one submission; send at most {SUBMITTED_TRANSACTIONS_MAX}",
                extensions={"code": "TOO_MANY_TRANSACTIONS"},
            )
        results = await info.context.node.submit(
            bytes, wait=wait_for is WaitFor.COMMITTED, timeout_seconds=SUBMIT_SECONDS_MAX
        )
        assert len(results) == len(bytes), f"{len(bytes)} transactions went in, {len(results)} answers came out"
        return [SubmitPayload.of(result) for result in results]


@strawberry.type(name="Mutation", description="Writes, and those that the node signs with its own operator key.")
class AdminMutation(Mutation):
    """The public mutations and the organization's own."""

    @mutation_field("Credit a member for a purchase at this organization; the node signs with its operator key.")
    async def earn_points(  # noqa: PLR0917 - strawberry calls it by name
        self,
        info: Info,
        merchant_order_id: Annotated[
            str,
            strawberry.argument(description="The merchant's own number of the order; credited once."),
        ],
        account: AccountId,
        amount_fen: Annotated[Points, strawberry.argument(description="What the order came to, in fen.")],
        point_type: Annotated[
            str | None, strawberry.argument(description="Default: the organization's consumer points.")
        ] = None,
        items: Annotated[
            list[OrderLineInput] | None,
            strawberry.argument(description="Lines that item rules look at, together at most amountFen; at most 32."),
        ] = None,
        guide: AccountId | None = None,
        store: AccountId | None = None,
        distributor: AccountId | None = None,
    ) -> SubmitPayload:
        """Have the node build, sign and submit an earn transaction."""
        lines = lines_of(amount_fen, items)
        roles = {RoleClass.GUIDE: guide, RoleClass.STORE: store, RoleClass.DISTRIBUTOR: distributor}
        try:
            result = await info.context.node.earn(
                order_id=merchant_order_id,
                account=account,
                amount_fen=amount_fen,
                point_type=point_type,
                items=lines,
                roles={role: other for role, other in roles.items() if other is not None},
                timeout_seconds=SUBMIT_SECONDS_MAX,
            )
        except Malformed as error:
            return SubmitPayload.malformed(str(error))
        return SubmitPayload.of(result)

    @mutation_field("Make the points of an order available that waited for this; the node signs with its operator key.")
    async def confirm_order(
        self,
        info: Info,
        merchant_order_id: Annotated[str, strawberry.argument(description="The order, as it was credited.")],
    ) -> SubmitPayload:
        """Have the node build, sign and submit a confirmation."""
        try:
            result = await info.context.node.confirm(order_id=merchant_order_id, timeout_seconds=SUBMIT_SECONDS_MAX)
        except Malformed as error:
            return SubmitPayload.malformed(str(error))
        return SubmitPayload.of(result)

    @mutation_field("Take back what a refunded part of an order has earned; the node signs with its operator key.")
    async def refund_order(
        self,
        info: Info,
        merchant_order_id: Annotated[str, strawberry.argument(description="The order, as it was credited.")],
        merchant_refund_id: Annotated[
            str,
            strawberry.argument(description="The merchant's own number of the refund; taken in once."),
        ],
        amount_fen: Annotated[Points, strawberry.argument(description="What is paid back this time, in fen.")],
        items: Annotated[
            list[OrderLineInput] | None,
            strawberry.argument(description="Lines that are returned, together at most amountFen; at most 32."),
        ] = None,
    ) -> SubmitPayload:
        """Have the node build, sign and submit a refund."""
        lines = lines_of(amount_fen, items)
        try:
            result = await info.context.node.refund(
                order_id=merchant_order_id,
                refund_id=merchant_refund_id,
                amount_fen=amount_fen,
                items=lines,
                timeout_seconds=SUBMIT_SECONDS_MAX,
            )
        except Malformed as error:
            return SubmitPayload.malformed(str(error))
        return SubmitPayload.of(result)
