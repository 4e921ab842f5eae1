"""Naive rules of paying with points: what speaks against it, and how many points of which type pay.

What was taken on a day, what is held and what of a payment came back is never kept, but counted again from all
payments, holds and refunds.
"""

from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Final, NamedTuple

from jifen.ledger.payments.bodies import (
    CaptureHold,
    HoldPoints,
    PaymentPart,
    PayOrder,
    PublishAcceptance,
    SetPaymentPolicy,
    VoidHold,
)
from jifen.ledger.payments.records import Acceptance, PaymentPolicy
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import OrganizationKind, OrganizationStatus, Scope
from jifen.testing.naive.points import against_debit, against_till
from jifen.testing.naive.records import NaiveLot
from jifen.testing.naive.terms import in_force

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

DAY: Final = 86_400_000
LONGEST_HOLD: Final = 30 * DAY
MOST_HOLDS: Final = 16
MOST_LOTS: Final = 366


class NaivePart(NamedTuple):
    """Points of one type that pay, or are held."""

    point_type: str
    points: int
    rate: Fraction
    """Fen for a point."""
    acceptance_version: int
    terms_version: int
    day: int
    lots: tuple[NaiveLot, ...] = ()
    """All that ever paid, in spending order, those that look alike put together."""

    @property
    def fen(self) -> int:
        """What they pay."""
        worth = self.points * self.rate
        assert worth.denominator == 1
        return int(worth)


class NaivePayment(NamedTuple):
    """What points paid for an order; refunds are counted elsewhere."""

    identity: bytes
    account: bytes
    order_hash: bytes
    amount_fen: int
    parts: tuple[NaivePart, ...]


class NaiveHold(NamedTuple):
    """An open hold."""

    body: HoldPoints
    share_bp: int
    parts: tuple[NaivePart, ...]
    policies_set: int
    """How many payment policies had been set."""


def against_admin(ledger: "NaiveLedger", organization: str, item: Transaction) -> set[Rejection]:
    """Return what speaks against an organization, and against who signed as its administrator."""
    found = set()
    if organization not in ledger.organizations:
        found.add(Rejection.ORGANIZATION_UNKNOWN)
    else:
        known = ledger.organizations[organization]
        if known.status == OrganizationStatus.SUSPENDED:
            found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
        if not {o.key for o in known.operators if Scope.ADMIN in Scope(o.scopes)} & set(item.signers):
            found.add(Rejection.NOT_AUTHORIZED)
    return found


def limits(ledger: "NaiveLedger", organization: str) -> tuple[int, int]:
    """Return the largest share, in basis points, and daily cap, fen, that an organization may have."""
    malls = [o.id for o in ledger.organizations.values() if o.kind is OrganizationKind.MALL]
    bound = [organization] if organization in malls else [organization, *malls]
    found = [ledger.payment_policies[name][-1] for name in bound if name in ledger.payment_policies]
    return (
        min([10_000, *(policy.share_bp for policy in found)]),
        min([10**12, *(policy.daily_fen for policy in found)]),
    )


def against_backing(
    ledger: "NaiveLedger", organization: str, point_type: str, fen: Fraction, time: int
) -> set[Rejection]:
    """Return what the issuer's terms have against points being taken at so many fen each."""
    terms = in_force(ledger, point_type, time)
    found: set[Rejection] = set()
    if point_type.startswith(f"{organization}/"):
        return found
    if organization not in terms.accepted_by:
        found.add(Rejection.NOT_ON_ACCEPTANCE_LIST)
    if fen > Fraction(terms.settlement_fen, terms.settlement_points):
        found.add(Rejection.RATE_ABOVE_SETTLEMENT)
    return found


def against_acceptance(ledger: "NaiveLedger", body: PublishAcceptance, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against an acceptance."""
    found = against_admin(ledger, body.organization, item)
    new, rate = body.acceptance, Fraction(body.acceptance.rate_fen, body.acceptance.rate_points)
    if body.point_type not in ledger.point_types:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    elif new.active:
        found |= against_backing(ledger, body.organization, body.point_type, rate, time)
    before = ledger.acceptances.get((body.organization, body.point_type), [])
    if new.version != len(before) + 1:
        found.add(Rejection.PAYMENT_VERSION_WRONG)
    if (new.step_points * rate).denominator != 1 or new.minimum_points % new.step_points:
        found.add(Rejection.ACCEPTANCE_CONTRADICTORY)
    if {item.utc_offset_minutes for item, _, _ in before} - {new.utc_offset_minutes}:
        found.add(Rejection.ACCEPTANCE_CONTRADICTORY)
    if body.organization in ledger.organizations and new.active:
        share, daily = limits(ledger, body.organization)
        if new.share_bp > share or new.daily_fen > daily:
            found.add(Rejection.LOOSER_THAN_POLICY)
    return found


def against_policy(ledger: "NaiveLedger", body: SetPaymentPolicy, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against a payment policy."""
    found = against_admin(ledger, body.organization, item)
    if body.version != len(ledger.payment_policies.get(body.organization, [])) + 1:
        found.add(Rejection.PAYMENT_VERSION_WRONG)
    organization = ledger.organizations.get(body.organization)
    if organization is not None and organization.kind is not OrganizationKind.MALL:
        malls = [name for name in ledger.payment_policies if ledger.organizations[name].kind is OrganizationKind.MALL]
        bounds = [ledger.payment_policies[name][-1] for name in malls]
        if any(body.share_bp > bound.share_bp or body.daily_fen > bound.daily_fen for bound in bounds):
            found.add(Rejection.LOOSER_THAN_POLICY)
    return found


def accepted(ledger: "NaiveLedger", organization: str, point_type: str) -> Acceptance | None:
    """Return how an organization takes a point type, or None."""
    versions = ledger.acceptances.get((organization, point_type), [])
    return versions[-1][0] if versions and versions[-1][0].active else None


def today(acceptance: Acceptance, time: int) -> int:
    """Return when the organization's day began."""
    offset = acceptance.utc_offset_minutes * 60_000
    return max(0, (time + offset) // DAY * DAY - offset)


def taken_on(ledger: "NaiveLedger", organization: str, point_type: str, day: int) -> int:
    """Count what an organization has taken of a type on a day, and what is held that was held on it."""
    parts = [part for (merchant, _), paid in ledger.payments.items() if merchant == organization for part in paid.parts]
    parts += [p for held in ledger.holds.values() if held.body.organization == organization for p in held.parts]
    return sum(part.fen for part in parts if (part.point_type, part.day) == (point_type, day))


def room_of(ledger: "NaiveLedger", organization: str, point_type: str, amount_fen: int, time: int) -> tuple[int, int]:
    """Return the most that a type may pay of an order, and the most of it that is still taken on this day."""
    acceptance = accepted(ledger, organization, point_type)
    assert acceptance is not None
    cap = min(acceptance.daily_fen, limits(ledger, organization)[1])
    share = amount_fen * acceptance.share_bp // 10_000
    return share, cap - taken_on(ledger, organization, point_type, today(acceptance, time))


def against_stated(
    ledger: "NaiveLedger", organization: str, account: bytes, amount_fen: int, part: PaymentPart, time: int
) -> set[Rejection]:
    """Return what speaks against a stated quantity of points that are taken here."""
    found = set()
    acceptance = accepted(ledger, organization, part.point_type)
    assert acceptance is not None
    fen = floor(part.points * Fraction(acceptance.rate_fen, acceptance.rate_points))
    share, day = room_of(ledger, organization, part.point_type, amount_fen, time)
    if part.points < acceptance.minimum_points:
        found.add(Rejection.BELOW_MINIMUM)
    if part.points % acceptance.step_points:
        found.add(Rejection.NOT_A_STEP)
    if fen > share:
        found.add(Rejection.SHARE_EXCEEDED)
    if fen > day:
        found.add(Rejection.DAILY_CAP_REACHED)
    if part.points > ledger.balance(account, part.point_type):
        found.add(Rejection.INSUFFICIENT_POINTS)
    return found


def against_parts(
    ledger: "NaiveLedger", organization: str, account: bytes, amount_fen: int, parts: tuple[PaymentPart, ...], time: int
) -> set[Rejection]:
    """Return what speaks against paying an order with these points."""
    found: set[Rejection] = set()
    names = [part.point_type for part in parts]
    if len(names) != len(set(names)):
        found.add(Rejection.POINT_TYPE_REPEATED)
    stated = 0
    for part in parts:
        acceptance = accepted(ledger, organization, part.point_type)
        if part.point_type not in ledger.point_types:
            found.add(Rejection.POINT_TYPE_UNKNOWN)
        elif acceptance is None:
            found.add(Rejection.POINT_TYPE_NOT_ACCEPTED)
        else:
            rate = Fraction(acceptance.rate_fen, acceptance.rate_points)
            found |= against_backing(ledger, organization, part.point_type, rate, time)
            if part.points:
                found |= against_stated(ledger, organization, account, amount_fen, part, time)
                stated += floor(part.points * rate)
    if stated > amount_fen * limits(ledger, organization)[0] // 10_000:
        found.add(Rejection.SHARE_EXCEEDED)
    if not found & {Rejection.POINT_TYPE_UNKNOWN, Rejection.POINT_TYPE_NOT_ACCEPTED}:
        quantities = divided(ledger, organization, account, amount_fen, parts, time)
        if not any(quantities):
            found.add(Rejection.NOTHING_TO_PAY)
        lots = [spent(ledger, account, n, q) for n, q in zip(names, quantities, strict=True)]
        if sum(map(len, lots)) > MOST_LOTS:
            found.add(Rejection.TOO_MANY_LOTS)
    return found


def divided(
    ledger: "NaiveLedger", organization: str, account: bytes, amount_fen: int, parts: tuple[PaymentPart, ...], time: int
) -> list[int]:
    """Return how many points of each part pay: as stated, or as many as what is left allows, in order."""
    worth = {}
    for part in parts:
        acceptance = accepted(ledger, organization, part.point_type)
        assert acceptance is not None
        worth[part.point_type] = Fraction(acceptance.rate_fen, acceptance.rate_points)
    room = amount_fen * limits(ledger, organization)[0] // 10_000
    room -= sum(floor(part.points * worth[part.point_type]) for part in parts)
    found = []
    for part in parts:
        points = part.points
        if not points:
            acceptance = accepted(ledger, organization, part.point_type)
            assert acceptance is not None
            most = min(room, *room_of(ledger, organization, part.point_type, amount_fen, time))
            points = min(max(0, floor(most / worth[part.point_type])), ledger.balance(account, part.point_type))
            points = points // acceptance.step_points * acceptance.step_points
            points = 0 if points < acceptance.minimum_points else points
            room -= floor(points * worth[part.point_type])
        found.append(points)
    return found


def spent(ledger: "NaiveLedger", account: bytes, point_type: str, points: int) -> list[NaiveLot]:
    """Return the lots that are spent when so many points are, those that look alike put together; as far as they go."""
    found = []
    for lot in ledger.lots_of(account, point_type, "available"):
        part = min(points, lot.points)
        points -= part
        if part:
            found.append(lot._replace(points=part))
    return found


def against_order(ledger: "NaiveLedger", merchant: str, order_id: str) -> set[Rejection]:
    """Return what speaks against points paying for this order."""
    found = set()
    if (merchant, order_id) in ledger.payments:
        found.add(Rejection.ORDER_ALREADY_PAID)
    if (merchant, order_id) in ledger.orders:
        found.add(Rejection.ORDER_ALREADY_CREDITED)
    return found


def against_payment(ledger: "NaiveLedger", body: PayOrder, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against paying an order."""
    known = body.account in ledger.accounts
    found = against_till(ledger, body, item) | against_order(ledger, body.merchant, body.order_id)
    found |= against_debit(ledger, body.account, item, time) if known else {Rejection.ACCOUNT_UNKNOWN}
    return found | against_parts(ledger, body.merchant, body.account, body.amount_fen, body.parts, time)


def against_hold(ledger: "NaiveLedger", body: HoldPoints, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against holding points."""
    known = body.account in ledger.accounts
    found = against_order(ledger, body.organization, body.order_id)
    if body.organization not in ledger.organizations:
        found.add(Rejection.ORGANIZATION_UNKNOWN)
    elif ledger.organizations[body.organization].status == OrganizationStatus.SUSPENDED:
        found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
    found |= against_debit(ledger, body.account, item, time) if known else {Rejection.ACCOUNT_UNKNOWN}
    if body.until <= time or body.until > time + LONGEST_HOLD:
        found.add(Rejection.TIMEOUT_OUT_OF_RANGE)
    if len([name for name, _ in ledger.holds if name == body.account]) >= MOST_HOLDS:
        found.add(Rejection.TOO_MANY_HOLDS)
    return found | against_parts(ledger, body.organization, body.account, body.amount_fen, body.parts, time)


def against_capture(ledger: "NaiveLedger", body: CaptureHold, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against capturing a hold."""
    found = against_void(ledger, body, item, _time)
    held = ledger.holds.get((body.account, body.hold))
    if held is None or Rejection.HOLD_UNKNOWN in found:
        return found
    found |= against_order(ledger, body.merchant, held.body.order_id)
    points = body.points or tuple(part.points for part in held.parts)
    if body.amount_fen > held.body.amount_fen:
        found.add(Rejection.CAPTURE_EXCEEDS_HOLD)
    if len(points) != len(held.parts):
        return found | {Rejection.CAPTURE_EXCEEDS_HOLD}
    worth = [asked * part.rate for asked, part in zip(points, held.parts, strict=True)]
    if any(asked > part.points for asked, part in zip(points, held.parts, strict=True)):
        found.add(Rejection.CAPTURE_EXCEEDS_HOLD)
    if any(fen.denominator != 1 for fen in worth):
        found.add(Rejection.NOT_A_STEP)
    if sum(map(floor, worth)) > body.amount_fen * held.share_bp // 10_000:
        found.add(Rejection.SHARE_EXCEEDED)
    if not any(points):
        found.add(Rejection.NOTHING_TO_PAY)
    return found


def against_void(ledger: "NaiveLedger", body: CaptureHold | VoidHold, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against giving a hold up."""
    found = against_till(ledger, body, item)
    held = ledger.holds.get((body.account, body.hold))
    if held is None or held.body.organization != body.merchant:
        found.add(Rejection.HOLD_UNKNOWN)
    return found


def policy_of(body: SetPaymentPolicy, ledger: "NaiveLedger") -> PaymentPolicy:
    """Return the record of a policy."""
    of_mall = ledger.organizations[body.organization].kind is OrganizationKind.MALL
    return PaymentPolicy(body.organization, body.version, body.share_bp, body.daily_fen, of_mall)
