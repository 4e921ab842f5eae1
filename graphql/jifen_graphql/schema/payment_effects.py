"""Effects of paying with points."""

from __future__ import annotations

import strawberry

from jifen.ledger.payments import effects as ledger
from jifen.ledger.payments import records
from jifen.ledger.points.positions import Rate
from jifen.ledger.types import AMOUNT_FEN_MAX, AccountId
from jifen_graphql.schema.scalars import DateTime, Hash, Points


@strawberry.type(description="`points` points pay `fen` fen: an exact rational, never a float.")
class PaymentRate:
    """What points are worth in a payment."""

    points: Points
    fen: Points

    @classmethod
    def of(cls, rate: Rate) -> PaymentRate:
        """Return the API's form of a rate."""
        return cls(points=Points(rate.points), fen=Points(rate.fen))


@strawberry.type(description="One version of how an organization takes a point type in payment.")
class Acceptance:
    """A version of an acceptance."""

    version: int
    rate: PaymentRate
    minimum_points: Points = strawberry.field(description="Fewest points of the type in one payment.")
    step_points: Points = strawberry.field(description="Payments are whole multiples of this; it is worth whole fen.")
    share_bp: int = strawberry.field(description="Largest part of an order that they pay, in basis points.")
    daily_fen: Points | None = strawberry.field(description="Most that is taken of them in a day, fen; null: no cap.")
    utc_offset_minutes: int = strawberry.field(description="Local time in which the organization's days end.")
    active: bool = strawberry.field(description="False: they are not taken at present.")

    @classmethod
    def of(cls, acceptance: records.Acceptance) -> Acceptance:
        """Return the API's form of a version."""
        return cls(
            version=acceptance.version,
            rate=PaymentRate(points=Points(acceptance.rate_points), fen=Points(acceptance.rate_fen)),
            minimum_points=Points(acceptance.minimum_points),
            step_points=Points(acceptance.step_points),
            share_bp=acceptance.share_bp,
            daily_fen=None if acceptance.daily_fen == AMOUNT_FEN_MAX else Points(acceptance.daily_fen),
            utc_offset_minutes=acceptance.utc_offset_minutes,
            active=acceptance.active,
        )


@strawberry.type(description="How far an organization lets orders be paid with points; a mall's binds merchants too.")
class PaymentPolicy:
    """A payment policy."""

    organization: str
    version: int
    share_bp: int = strawberry.field(description="Largest part of an order that all points pay, in basis points.")
    daily_fen: Points | None = strawberry.field(description="Most taken in one point type and day, fen; null: no cap.")
    of_mall: bool

    @classmethod
    def of(cls, policy: records.PaymentPolicy) -> PaymentPolicy:
        """Return the API's form of a policy."""
        return cls(
            organization=policy.organization,
            version=policy.version,
            share_bp=policy.share_bp,
            daily_fen=None if policy.daily_fen == AMOUNT_FEN_MAX else Points(policy.daily_fen),
            of_mall=policy.of_mall,
        )


@strawberry.type(description="An organization has said how it takes a point type in payment.")
class AcceptancePublished:
    """Effect of `publishAcceptance`."""

    organization: str
    point_type: str
    acceptance: Acceptance

    @classmethod
    def of(cls, effect: ledger.AcceptancePublished) -> AcceptancePublished:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            point_type=effect.point_type,
            acceptance=Acceptance.of(effect.acceptance),
        )


@strawberry.type(description="An organization has said how far orders may be paid with points.")
class PaymentPolicySet:
    """Effect of `setPaymentPolicy`."""

    policy: PaymentPolicy
    policies_revision: int = strawberry.field(description="Of all policies together, from now on.")

    @classmethod
    def of(cls, effect: ledger.PaymentPolicySet) -> PaymentPolicySet:
        """Return the API's form of an effect."""
        return cls(policy=PaymentPolicy.of(effect.policy), policies_revision=effect.revision)


@strawberry.type(description="One point type's part of a payment: `points` at `rate` are `fen`, without a rest.")
class PointsPaid:
    """A part of a payment or hold."""

    point_type: str
    points: Points
    fen: Points
    rate: PaymentRate
    acceptance_version: int = strawberry.field(description="Version of the organization's acceptance that it used.")
    terms_version: int = strawberry.field(description="Version of the issuer's terms that allowed it.")
    available_after: Points

    @classmethod
    def of(cls, part: ledger.PointsPaid) -> PointsPaid:
        """Return the API's form of a part."""
        return cls(
            point_type=part.point_type,
            points=Points(part.points),
            fen=Points(part.fen),
            rate=PaymentRate.of(part.rate),
            acceptance_version=part.acceptance_version,
            terms_version=part.terms_version,
            available_after=Points(part.available_after),
        )


@strawberry.type(description="Points of one type that came back as the lots they had been.")
class PointsReturned:
    """A part of what came back."""

    point_type: str
    points: Points
    fen: Points = strawberry.field(description="What they had paid, or would have.")
    debt_repaid: Points = strawberry.field(description="Part of them that repaid what refunds had left owing.")
    available_after: Points

    @classmethod
    def of(cls, part: ledger.PointsReturned) -> PointsReturned:
        """Return the API's form of a part."""
        return cls(
            point_type=part.point_type,
            points=Points(part.points),
            fen=Points(part.fen),
            debt_repaid=Points(part.debt_repaid),
            available_after=Points(part.available_after),
        )


@strawberry.type(
    description="Points paid for a part of an order: burned at their issuer, elsewhere the merchant's position now."
)
class OrderPaid:
    """Effect of `payOrderWithPoints` and `captureHold`."""

    merchant: str
    order_id: str
    order_hash: Hash
    account: AccountId
    amount_fen: Points
    paid_fen: Points = strawberry.field(description="Sum of the parts.")
    money_fen: Points = strawberry.field(description="Left to be paid in money.")
    share_bp: int = strawberry.field(description="Largest part of the order that points could pay, in basis points.")
    paid_parts: list[PointsPaid]
    captured_hold: Hash | None = strawberry.field(description="Null unless it captured a hold.")
    policies_revision: int = strawberry.field(
        description="Of the payment policies that gave `shareBp`, see `paymentPolicies`; 0: there were none."
    )

    @classmethod
    def of(cls, effect: ledger.OrderPaid) -> OrderPaid:
        """Return the API's form of an effect."""
        return cls(
            merchant=effect.merchant,
            order_id=effect.order_id,
            order_hash=Hash(effect.order_hash),
            account=AccountId(effect.account),
            amount_fen=Points(effect.amount_fen),
            paid_fen=Points(effect.paid_fen),
            money_fen=Points(effect.money_fen),
            share_bp=effect.share_bp,
            paid_parts=[PointsPaid.of(part) for part in effect.parts],
            captured_hold=None if effect.hold is None else Hash(effect.hold),
            policies_revision=effect.policies_revision,
        )


@strawberry.type(description="Points were set aside for an order.")
class PointsHeld:
    """Effect of `holdPoints`."""

    organization: str
    order_id: str
    order_hash: Hash
    account: AccountId
    hold: Hash
    amount_fen: Points
    held_fen: Points
    share_bp: int
    held_parts: list[PointsPaid]
    runs_out_at: DateTime = strawberry.field(description="Block time at which they come back by themselves.")
    policies_revision: int = strawberry.field(
        description="Of the payment policies that gave `shareBp`, see `paymentPolicies`; 0: there were none."
    )

    @classmethod
    def of(cls, effect: ledger.PointsHeld) -> PointsHeld:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            order_id=effect.order_id,
            order_hash=Hash(effect.order_hash),
            account=AccountId(effect.account),
            hold=Hash(effect.hold),
            amount_fen=Points(effect.amount_fen),
            held_fen=Points(effect.held_fen),
            share_bp=effect.share_bp,
            held_parts=[PointsPaid.of(part) for part in effect.parts],
            runs_out_at=DateTime(effect.until),
            policies_revision=effect.policies_revision,
        )


@strawberry.type(description="Held points came back: given up, run out, or the rest of a capture.")
class PointsReleased:
    """Effect of `voidHold`, `captureHold` and of time."""

    organization: str
    account: AccountId
    hold: Hash
    returned_parts: list[PointsReturned]
    timed_out: bool

    @classmethod
    def of(cls, effect: ledger.PointsReleased) -> PointsReleased:
        """Return the API's form of an effect."""
        return cls(
            organization=effect.organization,
            account=AccountId(effect.account),
            hold=Hash(effect.hold),
            returned_parts=[PointsReturned.of(part) for part in effect.parts],
            timed_out=effect.timed_out,
        )


@strawberry.type(description="A refund gave back points that had paid for the order; parts give what the whole would.")
class PointsGivenBack:
    """Effect of `refundOrder`."""

    merchant: str
    order_id: str
    account: AccountId
    amount_fen: Points = strawberry.field(description="Refunded by this transaction.")
    order_amount_fen: Points
    order_refunded_fen: Points
    order_paid_fen: Points = strawberry.field(description="What points had paid for the order.")
    money_fen: Points = strawberry.field(description="Part of `amountFen` that is paid back in money.")
    rest_fen: Points = strawberry.field(description="Less than a unit as yet, and comes back with later refunds.")
    returned_parts: list[PointsReturned]

    @classmethod
    def of(cls, effect: ledger.PointsGivenBack) -> PointsGivenBack:
        """Return the API's form of an effect."""
        return cls(
            merchant=effect.merchant,
            order_id=effect.order_id,
            account=AccountId(effect.account),
            amount_fen=Points(effect.amount_fen),
            order_amount_fen=Points(effect.order_amount_fen),
            order_refunded_fen=Points(effect.order_refunded_fen),
            order_paid_fen=Points(effect.order_paid_fen),
            money_fen=Points(effect.money_fen),
            rest_fen=Points(effect.rest_fen),
            returned_parts=[PointsReturned.of(part) for part in effect.parts],
        )
