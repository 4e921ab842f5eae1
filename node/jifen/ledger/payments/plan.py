"""Working out a payment with points: how many of which type, and what they pay of the order.

One pure function for everything that pays, holds, or only asks. Stated quantities are taken as stated. What they leave
of the largest share that points may pay goes to the parts without a quantity, in the order of the list: each gets the
largest number of whole steps that its own share, the day's cap, what is left and the account's points allow, or nothing
when that is below the minimum. Steps are worth whole fen, so the split is exact without rounding; only the two shares
are rounded, down to the fen.
"""

from typing import NamedTuple

from jifen.ledger.dates import day_start
from jifen.ledger.payments.accepting import against_taking, limits_of, rate_of
from jifen.ledger.payments.bodies import PaymentPart
from jifen.ledger.payments.records import (
    BASIS_POINTS,
    PAYMENT_LOTS_MAX,
    AcceptanceRecord,
    PaidPart,
)
from jifen.ledger.points.lots import take_lots
from jifen.ledger.points.positions import Rate, reduced
from jifen.ledger.records import read
from jifen.ledger.rejections import PRECEDENCE, Rejection
from jifen.ledger.state import StateReader, StateWriter, acceptance_key, holding_key, point_type_key
from jifen.ledger.terms.records import PointType, terms_in_force
from jifen.ledger.types import EMPTY_HOLDING, Holding, Lot, Organization, OrganizationKind


class _Asked(NamedTuple):
    """A part that was asked for, with what the ledger knows about it."""

    point_type: PointType
    terms_version: int
    record: AcceptanceRecord
    holding: Holding
    day: int
    taken_fen: int
    """What the organization has taken of it on this day."""

    def most_fen(self, amount_fen: int, daily_fen: int) -> tuple[int, int]:
        """Return the most that it may pay of an order, and that is taken of it on this day; that may be negative."""
        acceptance = self.record.acceptance
        share_fen = amount_fen * acceptance.share_bp // BASIS_POINTS
        return share_fen, min(acceptance.daily_fen, daily_fen) - self.taken_fen


class PlannedPart(NamedTuple):
    """Points of one type that are to pay."""

    point_type: PointType
    terms_version: int
    record: AcceptanceRecord
    """The organization's acceptance of the type, before the payment."""
    rate: Rate
    """In lowest terms."""
    points: int
    fen: int
    day: int
    rest: Holding
    """The account's holding without the points."""
    taken: tuple[Lot, ...]
    """The points, in spending order."""


class Plan(NamedTuple):
    """What is to pay for a part of an order."""

    share_bp: int
    """Largest part of the order that points may pay together."""
    paid_fen: int
    parts: tuple[PlannedPart, ...]
    """In the order in which they were asked for, without those of no points. Invariant: at least one."""
    policies_revision: int
    """Of the payment policies that gave `share_bp`; 0: there was none."""


def make_plan(
    state: StateReader,
    organization: Organization,
    account: bytes,
    amount_fen: int,
    parts: tuple[PaymentPart, ...],
    time: int,
) -> Rejection | Plan:
    """Return why the parts cannot pay for an order of `amount_fen`, or what they pay of it. `time` is the block's, ms.

    Of several reasons the first in order of precedence. Organization and account exist.
    """
    limits = limits_of(state, organization.id, organization.kind is OrganizationKind.MALL)
    against: list[Rejection] = []
    if len(parts) > 1 and len({part.point_type for part in parts}) < len(parts):
        against.append(Rejection.POINT_TYPE_REPEATED)
    asked: list[_Asked] = []
    for part in parts:
        found = _ask(state, organization.id, account, part.point_type, time)
        if isinstance(found, Rejection):
            against.append(found)
        else:
            asked.append(found)
    if len(asked) < len(parts):
        return min(against, key=PRECEDENCE.__getitem__)
    room = amount_fen * limits.share_bp // BASIS_POINTS
    for part, known in zip(parts, asked, strict=True):
        if part.points:
            against += _against_stated(part.points, known, known.most_fen(amount_fen, limits.daily_fen))
            room -= part.points * known.record.acceptance.rate_fen // known.record.acceptance.rate_points
    if room < 0:
        against.append(Rejection.SHARE_EXCEEDED)
    if against:
        return min(against, key=PRECEDENCE.__getitem__)
    planned: list[PlannedPart] = []
    for part, known in zip(parts, asked, strict=True):
        points = part.points or _as_many_as_possible(known, min(room, *known.most_fen(amount_fen, limits.daily_fen)))
        if points:
            planned.append(_planned(known, points))
            room -= 0 if part.points else planned[-1].fen
    if not planned:
        return Rejection.NOTHING_TO_PAY
    if sum([len(part.taken) for part in planned]) > PAYMENT_LOTS_MAX:
        return Rejection.TOO_MANY_LOTS
    return Plan(limits.share_bp, sum([part.fen for part in planned]), tuple(planned), limits.revision)


def count_taken(state: StateWriter, organization: str, part: PlannedPart) -> None:
    """Count a part against the organization's daily cap."""
    record = part.record
    before = record.taken_fen if record.day == part.day else 0
    state.put(
        acceptance_key(organization, part.point_type.id),
        AcceptanceRecord(record.acceptance, record.published_at, record.transaction_id, part.day, before + part.fen),
    )


def count_released(state: StateWriter, organization: str, part: PaidPart, fen: int) -> None:
    """Take back what a hold had counted, as long as it is the same day."""
    key = acceptance_key(organization, part.point_type)
    record = read(state, key, AcceptanceRecord)
    assert record is not None, f"{organization} holds {part.point_type} points that it never took"
    if fen and record.day == part.day:
        taken = record.taken_fen - fen
        after = AcceptanceRecord(record.acceptance, record.published_at, record.transaction_id, record.day, taken)
        state.put(key, after)


def paid_part(part: PlannedPart) -> PaidPart:
    """Return what a payment or hold keeps of a part."""
    acceptance = part.record.acceptance
    return PaidPart(
        part.point_type.id, part.points, part.rate, acceptance.version, part.taken, part.day, part.terms_version
    )


def _ask(state: StateReader, organization: str, account: bytes, name: str, time: int) -> Rejection | _Asked:
    """Return why an organization does not take points of a type now, or what there is to know about them."""
    point_type = read(state, point_type_key(name), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    record = read(state, acceptance_key(organization, name), AcceptanceRecord)
    if record is None or not record.acceptance.active:
        return Rejection.POINT_TYPE_NOT_ACCEPTED
    terms = terms_in_force(point_type, time)
    acceptance = record.acceptance
    rejection = against_taking(organization, point_type, terms, acceptance)
    if rejection is not None:
        return rejection
    day = max(0, day_start(time, acceptance.utc_offset_minutes))
    holding = read(state, holding_key(account, name), Holding) or EMPTY_HOLDING
    return _Asked(point_type, terms.version, record, holding, day, record.taken_fen if record.day == day else 0)


def _against_stated(points: int, known: _Asked, most_fen: tuple[int, int]) -> list[Rejection]:
    """Return every reason against a stated quantity, given the most of the order and of the day."""
    acceptance = known.record.acceptance
    fen = points * acceptance.rate_fen // acceptance.rate_points
    reasons = (
        (points < acceptance.minimum_points, Rejection.BELOW_MINIMUM),
        (points % acceptance.step_points != 0, Rejection.NOT_A_STEP),
        (fen > most_fen[0], Rejection.SHARE_EXCEEDED),
        (fen > most_fen[1], Rejection.DAILY_CAP_REACHED),
        (points > known.holding.available, Rejection.INSUFFICIENT_POINTS),
    )
    return [reason for holds, reason in reasons if holds]


def _as_many_as_possible(known: _Asked, most_fen: int) -> int:
    acceptance = known.record.acceptance
    if most_fen <= 0:
        return 0
    points = min(known.holding.available, most_fen * acceptance.rate_points // acceptance.rate_fen)
    points -= points % acceptance.step_points
    return points if points >= acceptance.minimum_points else 0


def _planned(known: _Asked, points: int) -> PlannedPart:
    rate = reduced(rate_of(known.record.acceptance))
    rest, taken = take_lots(known.holding, points)
    fen = points * rate.fen // rate.points
    return PlannedPart(
        known.point_type, known.terms_version, known.record, rate, points, fen, known.day, rest, tuple(taken)
    )
