"""Who takes which points, what paid for orders, what is held for them, and what organizations hold of each other's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import strawberry
from graphql import GraphQLError

from jifen.ledger.payments import records
from jifen.ledger.payments.plan import Plan
from jifen.ledger.points.positions import Position, holder_and_type_of, rate_of_key
from jifen.ledger.rejections import REJECTION_TEXTS, Rejection
from jifen.ledger.state import ACCEPTANCE, POLICIES_KEY, POSITION, after_prefix, hold_key, past_policies_key
from jifen.ledger.types import AccountId
from jifen_graphql.schema.payment_effects import Acceptance, PaymentPolicy, PaymentRate
from jifen_graphql.schema.scalars import DateTime, Hash, Points

if TYPE_CHECKING:
    from jifen.actors.node import ReadView


@strawberry.input(description="Points of one type to pay with.")
class PaymentPartInput:
    """A part of a payment that is asked about."""

    point_type: str
    points: Points = strawberry.field(default=Points(0), description="Exactly so many; 0: as many as possible.")


@strawberry.type(description="Points of one type that would pay.")
class ExaminedPart:
    """A part of an examined payment."""

    point_type: str
    points: Points
    fen: Points
    rate: PaymentRate
    acceptance_version: int
    terms_version: int
    available_after: Points


@strawberry.type(
    description="What points would pay of an order now: nothing is written. To pay exactly so, send the parts it shows."
)
class ExaminedPayment:
    """Worked out by the function that pays."""

    rejection: Rejection | None = strawberry.field(description="Why it would be refused; null when it would not.")
    message: str | None = strawberry.field(description="What that means and what to do about it.")
    amount_fen: Points
    paid_fen: Points
    money_fen: Points = strawberry.field(description="Left to be paid in money.")
    share_bp: int | None = strawberry.field(description="Largest part of the order that points may pay.")
    parts: list[ExaminedPart]

    @classmethod
    def of(cls, plan: Plan | Rejection, amount_fen: int) -> ExaminedPayment:
        """Return the API's form of a plan, or of the reason why there is none."""
        if isinstance(plan, Rejection):
            return cls(
                rejection=plan,
                message=REJECTION_TEXTS[plan],
                amount_fen=Points(amount_fen),
                paid_fen=Points(0),
                money_fen=Points(amount_fen),
                share_bp=None,
                parts=[],
            )
        parts = [
            ExaminedPart(
                point_type=part.point_type.id,
                points=Points(part.points),
                fen=Points(part.fen),
                rate=PaymentRate.of(part.rate),
                acceptance_version=part.record.acceptance.version,
                terms_version=part.terms_version,
                available_after=Points(part.rest.available),
            )
            for part in plan.parts
        ]
        return cls(
            rejection=None,
            message=None,
            amount_fen=Points(amount_fen),
            paid_fen=Points(plan.paid_fen),
            money_fen=Points(amount_fen - plan.paid_fen),
            share_bp=plan.share_bp,
            parts=parts,
        )


@strawberry.type(description="How an organization takes a point type in payment now.")
class AcceptedPoints:
    """An entry of the matrix of who takes what."""

    organization: str
    point_type: str
    acceptance: Acceptance
    published_at: DateTime
    transaction: Hash
    taken_fen: Points = strawberry.field(description="Taken and held on the last day on which any were, fen.")


@strawberry.type(description="Points of one type that paid for an order, or are held for one.")
class PaymentPart:
    """A part of a payment or hold."""

    point_type: str
    points: Points
    fen: Points
    rate: PaymentRate
    acceptance_version: int
    points_left: Points = strawberry.field(description="Of them, those that no refund gave back.")

    @classmethod
    def of(cls, part: records.PaidPart) -> PaymentPart:
        """Return the API's form of a part."""
        return cls(
            point_type=part.point_type,
            points=Points(part.points),
            fen=Points(part.fen),
            rate=PaymentRate.of(part.rate),
            acceptance_version=part.acceptance_version,
            points_left=Points(sum(lot.points for lot in part.lots)),
        )


@strawberry.type(description="What points paid for an order.")
class OrderPayment:
    """A payment."""

    transaction: Hash
    account: AccountId
    order_hash: Hash
    amount_fen: Points
    refunded_fen: Points
    paid_fen: Points
    parts: list[PaymentPart]

    @classmethod
    def of(cls, payment: records.OrderPayment) -> OrderPayment:
        """Return the API's form of a payment."""
        return cls(
            transaction=Hash(payment.transaction_id),
            account=AccountId(payment.account),
            order_hash=Hash(payment.order_hash),
            amount_fen=Points(payment.amount_fen),
            refunded_fen=Points(payment.refunded_fen),
            paid_fen=Points(sum(part.fen for part in payment.parts)),
            parts=[PaymentPart.of(part) for part in payment.parts],
        )


@strawberry.type(description="Points that a member has set aside for an order.")
class Hold:
    """An open hold."""

    id: Hash
    account: AccountId
    organization: str
    order_id: str
    order_hash: Hash
    amount_fen: Points
    share_bp: int
    parts: list[PaymentPart]
    runs_out_at: DateTime


@strawberry.type(description="Points of another issuer that an organization holds, taken in at one rate.")
class PartnerPosition:
    """An entry of the matrix of who holds whose points."""

    holder: str
    issuer: str
    point_type: str
    rate: PaymentRate
    points: Points
    value_fen: Points = strawberry.field(description="What they are worth at the rate, rounded down to the fen.")
    cursor: str


def policies_of(view: ReadView, revision: int | None = None) -> list[PaymentPolicy]:
    """Return every organization's policy, now or as of a revision, by id; none where there was no such revision."""
    if revision is not None and not 0 < revision <= records.REVISION_MAX:
        return []
    found = view.get(POLICIES_KEY if revision is None else past_policies_key(revision))
    return [PaymentPolicy.of(item) for item in found.policies] if isinstance(found, records.PaymentPolicies) else []


def acceptances_of(
    view: ReadView, organization: str | None, first: int, after: tuple[str, str] | None
) -> list[AcceptedPoints]:
    """Return a page of what is taken, by organization and point type."""
    start = ACCEPTANCE + (f"{organization}\0".encode() if organization is not None else b"\1")
    stop = after_prefix(start if organization is not None else ACCEPTANCE)
    if after is not None:
        start = max(start, ACCEPTANCE + "\0".join(after).encode() + b"\0")
    found = []
    for key, record in view.range(start, stop, first):
        assert isinstance(record, records.AcceptanceRecord)
        name, point_type = key[1:].decode().split("\0")
        found.append(
            AcceptedPoints(
                organization=name,
                point_type=point_type,
                acceptance=Acceptance.of(record.acceptance),
                published_at=DateTime(record.published_at),
                transaction=Hash(record.transaction_id),
                taken_fen=Points(record.taken_fen),
            )
        )
    return found


def holds_of(view: ReadView, account: AccountId) -> list[Hold]:
    """Return an account's open holds."""
    start = hold_key(account, b"")
    found = []
    for key, record in view.range(start, after_prefix(start), records.HOLDS_MAX):
        assert isinstance(record, records.Hold)
        found.append(
            Hold(
                id=Hash(key[21:]),
                account=account,
                organization=record.organization,
                order_id=record.order_id,
                order_hash=Hash(record.order_hash),
                amount_fen=Points(record.amount_fen),
                share_bp=record.share_bp,
                parts=[PaymentPart.of(part) for part in record.parts],
                runs_out_at=DateTime(record.until),
            )
        )
    return found


def positions_of(
    view: ReadView, holder: str | None, issuer: str | None, first: int, after: str | None
) -> list[PartnerPosition]:
    """Return a page of positions, by holder, point type and rate; of one holder or all, in one issuer's points or all.

    Raises GraphQLError (code BAD_PAGE) for a cursor that is none.
    """
    start = POSITION + (f"{holder}\0".encode() if holder is not None else b"")
    stop = after_prefix(start)
    if after is not None:
        try:
            start = max(start, bytes.fromhex(after) + b"\0")
        except ValueError:
            raise GraphQLError("after is the cursor of a position", extensions={"code": "BAD_PAGE"}) from None
    found: list[PartnerPosition] = []
    while len(found) < first:
        page = view.range(start, stop, first)
        for key, record in page:
            assert isinstance(record, Position)
            name, point_type = holder_and_type_of(key)
            if issuer is None or point_type.startswith(f"{issuer}/"):
                rate = rate_of_key(key)
                found.append(
                    PartnerPosition(
                        holder=name,
                        issuer=point_type.split("/", maxsplit=1)[0],
                        point_type=point_type,
                        rate=PaymentRate.of(rate),
                        points=Points(record.points),
                        value_fen=Points(rate.value_fen(record.points)),
                        cursor=key.hex(),
                    )
                )
        if len(page) < first:
            break
        start = page[-1][0] + b"\0"
    return found[:first]
