"""The queries about paying with points."""

from __future__ import annotations

from typing import Annotated

import strawberry
from graphql import GraphQLError

from jifen.ledger.locks.records import points_wait
from jifen.ledger.payments import records
from jifen.ledger.payments.bodies import PaymentPart as LedgerPart
from jifen.ledger.payments.plan import make_plan
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import account_key, organization_key, payment_key
from jifen.ledger.types import AMOUNT_FEN_MAX, Account, AccountId, Organization, OrganizationStatus
from jifen_graphql.limits import PAYMENTS_PAGE_DEFAULT
from jifen_graphql.schema.context import Info
from jifen_graphql.schema.fields import query_field
from jifen_graphql.schema.pages import check_page_size
from jifen_graphql.schema.payment_effects import PaymentPolicy
from jifen_graphql.schema.payments import (
    AcceptedPoints,
    ExaminedPayment,
    Hold,
    OrderPayment,
    PartnerPosition,
    PaymentPartInput,
    acceptances_of,
    holds_of,
    policies_of,
    positions_of,
)
from jifen_graphql.schema.scalars import Points

PageSize = Annotated[int, strawberry.argument(description="At most 100.")]


@strawberry.type
class PaymentQueries:
    """What `Query` inherits."""

    @query_field("What points would pay of an order at an organization, or why they would not; nothing is written.")
    def examine_order_payment(
        self,
        info: Info,
        organization: str,
        account: AccountId,
        amount_fen: Points,
        parts: Annotated[
            list[PaymentPartInput], strawberry.argument(description="At most 8, in the order in which they are to pay.")
        ],
    ) -> ExaminedPayment:
        """Work the payment out on the snapshot, at the time of its block."""
        if not 1 <= amount_fen <= AMOUNT_FEN_MAX or not 1 <= len(parts) <= records.PARTS_MAX:
            raise GraphQLError(
                f"an order comes to 1 to {AMOUNT_FEN_MAX} fen and is paid with 1 to {records.PARTS_MAX} point types",
                extensions={"code": "BAD_ARGUMENT"},
            )
        view = info.context.view
        merchant = read(view, organization_key(organization), Organization)
        if merchant is None:
            return ExaminedPayment.of(Rejection.ORGANIZATION_UNKNOWN, amount_fen)
        if merchant.status is not OrganizationStatus.ACTIVE:
            return ExaminedPayment.of(Rejection.ORGANIZATION_NOT_ACTIVE, amount_fen)
        payer = read(view, account_key(account), Account)
        if payer is None:
            return ExaminedPayment.of(Rejection.ACCOUNT_UNKNOWN, amount_fen)
        asked = tuple(LedgerPart(part.point_type, part.points) for part in parts)
        plan = make_plan(view, merchant, account, amount_fen, asked, view.block_time)
        if plan is not Rejection.POINT_TYPE_UNKNOWN and points_wait(payer):
            plan = Rejection.ACCOUNT_LOCKED
        return ExaminedPayment.of(plan, amount_fen)

    @query_field("Who takes which points in payment, at which rate: of one organization, or of all, by id and type.")
    def acceptances(
        self,
        info: Info,
        organization: str | None = None,
        first: PageSize = PAYMENTS_PAGE_DEFAULT,
        after: Annotated[
            str | None, strawberry.argument(description="Organization and point type of the last one, as `org:type`.")
        ] = None,
    ) -> list[AcceptedPoints]:
        """Read a page of acceptances of the snapshot."""
        check_page_size("Query", "acceptances", first)
        name, _, point_type = (after or "").partition(":")
        return acceptances_of(info.context.view, organization, first, (name, point_type) if after else None)

    @query_field("How far organizations let orders be paid with points, by id.")
    def payment_policies(
        self,
        info: Info,
        revision: Annotated[
            int | None, strawberry.argument(description="As receipts name it; those in force when left out.")
        ] = None,
    ) -> list[PaymentPolicy]:
        """Read the policies of the snapshot."""
        return policies_of(info.context.view, revision)

    @query_field("What points paid for an order of a merchant; null when none did.")
    def order_payment(self, info: Info, merchant: str, order_id: str) -> OrderPayment | None:
        """Read a payment of the snapshot."""
        record = read(info.context.view, payment_key(merchant, order_id), records.OrderPayment)
        return OrderPayment.of(record) if record else None

    @query_field("An account's open holds.")
    def account_holds(self, info: Info, account: AccountId) -> list[Hold]:
        """Read the holds of the snapshot."""
        return holds_of(info.context.view, account)

    @query_field("Who holds whose points, at which rates: by holder, point type and rate.")
    def partner_positions(
        self,
        info: Info,
        holder: Annotated[str | None, strawberry.argument(description="Of this organization only.")] = None,
        issuer: Annotated[str | None, strawberry.argument(description="In this organization's points only.")] = None,
        first: PageSize = PAYMENTS_PAGE_DEFAULT,
        after: Annotated[str | None, strawberry.argument(description="Cursor of the last one you have.")] = None,
    ) -> list[PartnerPosition]:
        """Read a page of positions of the snapshot."""
        check_page_size("Query", "partnerPositions", first)
        return positions_of(info.context.view, holder, issuer, first, after)
