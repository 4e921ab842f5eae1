"""Naive rules of cash back: what counts against a cap is added up from all requests there were."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from jifen.ledger.cashback.bodies import ConfirmCashback, RejectCashback, RequestCashback, SetCashbackPolicy
from jifen.ledger.points.positions import Rate
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import OrganizationStatus, Scope
from jifen.testing.naive.held import give_back, hold, may_be_held, spend
from jifen.testing.naive.points import against_debit
from jifen.testing.naive.terms import Effects, in_force, local_date, signed_by
from jifen.testing.naive.time import DAY, TIMED_OUT

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

MOST_UNPAID: Final = 16


class NaiveCashback(NamedTuple):
    """A request for money."""

    body: RequestCashback
    price: Rate
    policy_version: int
    at: int
    due_at: int
    date: tuple[int, int, int]
    """Year, month and day at the issuer's when it was made."""
    status: str = "REQUESTED"
    overdue: bool = False
    ended_at: int = 0
    reference_hash: bytes = b""
    reason: str = ""


def against_policy(ledger: "NaiveLedger", body: SetCashbackPolicy, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a policy."""
    found = set()
    if body.issuer not in ledger.organizations:
        found.add(Rejection.ORGANIZATION_UNKNOWN)
    else:
        if ledger.organizations[body.issuer].status == OrganizationStatus.SUSPENDED:
            found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
        if not signed_by(ledger, body.issuer, Scope.ADMIN, item):
            found.add(Rejection.NOT_AUTHORIZED)
    if body.price.fen == 0 or body.day_points > body.month_points or 0 < body.day_points < body.minimum_points:
        found.add(Rejection.CASHBACK_POLICY_CONTRADICTORY)
    if body.point_type not in ledger.point_types:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    else:
        if not body.point_type.startswith(f"{body.issuer}/"):
            found.add(Rejection.NOT_THE_ISSUER)
        if above(ledger, body.point_type, body.price, time):
            found.add(Rejection.CASHBACK_POLICY_CONTRADICTORY)
    return found


def above(ledger: "NaiveLedger", point_type: str, price: Rate, time: int) -> bool:
    """Tell whether a price is above the settlement price."""
    terms = in_force(ledger, point_type, time)
    return price.fen * terms.settlement_points > terms.settlement_fen * price.points


def set_policy(ledger: "NaiveLedger", body: SetCashbackPolicy, _item: Transaction, _time: int) -> Effects:
    """Set it."""
    versions = ledger.cashback_policies.setdefault(body.point_type, [])
    versions.append(body)
    caps = (body.minimum_points, body.day_points, body.month_points)
    return ((body.point_type, len(versions), body.price, *caps, body.due_days),)


def against_request(ledger: "NaiveLedger", body: RequestCashback, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a request."""
    found = set()
    if body.account not in ledger.accounts:
        found.add(Rejection.ACCOUNT_UNKNOWN)
    else:
        found |= against_debit(ledger, body.account, item, time)
    if body.point_type not in ledger.point_types:
        return found | {Rejection.POINT_TYPE_UNKNOWN}
    terms = in_force(ledger, body.point_type, time)
    versions = ledger.cashback_policies.get(body.point_type, [])
    if not terms.cashable or not versions or above(ledger, body.point_type, versions[-1].price, time):
        found.add(Rejection.NOT_CASHABLE)
    if versions:
        policy = versions[-1]
        if body.points * policy.price.fen // policy.price.points != body.amount_fen:
            found.add(Rejection.CASHBACK_PRICE_WRONG)
        if body.points < policy.minimum_points:
            found.add(Rejection.CASHBACK_TOO_SMALL)
        today = local_date(time, terms)
        mine = [asked for asked in ledger.cashbacks.values()
                if (asked.body.account, asked.body.point_type) == (body.account, body.point_type)
                and asked.status != "REJECTED"]  # fmt: skip
        that_day = sum(asked.body.points for asked in mine if asked.date == (today.year, today.month, today.day))
        that_month = sum(asked.body.points for asked in mine if asked.date[:2] == (today.year, today.month))
        if that_day + body.points > policy.day_points or that_month + body.points > policy.month_points:
            found.add(Rejection.CASHBACK_CAP_REACHED)
    issuer = body.point_type.split("/", maxsplit=1)[0]
    unpaid = [name for (name, _), asked in ledger.cashbacks.items()
              if asked.body.account == body.account and asked.status == "REQUESTED"]  # fmt: skip
    if len([name for name in unpaid if name.startswith(f"{issuer}/")]) >= MOST_UNPAID:
        found.add(Rejection.TOO_MANY_CASHBACKS)
    whose = (body.account, body.point_type)
    earned = [lot.points for lot in ledger.lots_in(*whose, "available") if lot.origin == "earned"]
    if sum(earned) < body.points:
        found.add(Rejection.NOT_SELF_EARNED)
    if ledger.balance(*whose) < body.points:
        found.add(Rejection.INSUFFICIENT_POINTS)
    if sum(earned) >= body.points and not may_be_held(ledger, whose, body.points, "earned"):
        found.add(Rejection.TOO_MANY_LOTS)
    return found


def name_of(point_type: str, number: int) -> bytes:
    """Return the state key of a request."""
    return b"C" + point_type.encode() + b"\0" + number.to_bytes(8, "big")


def request(ledger: "NaiveLedger", body: RequestCashback, _item: Transaction, time: int) -> Effects:
    """Ask for money."""
    policy = ledger.cashback_policies[body.point_type][-1]
    version = len(ledger.cashback_policies[body.point_type])
    number = len([name for name, _ in ledger.cashbacks if name == body.point_type]) + 1
    today = local_date(time, in_force(ledger, body.point_type, time))
    due_at = time + policy.due_days * DAY
    date = (today.year, today.month, today.day)
    ledger.cashbacks[body.point_type, number] = NaiveCashback(body, policy.price, version, time, due_at, date)
    whose = (body.account, body.point_type)
    hold(ledger, whose, body.points, name_of(body.point_type, number), "earned")
    head = (body.point_type, number, body.account, body.points, policy.price, version)
    return ((*head, body.amount_fen, due_at, ledger.balance(*whose)),)


def against_answer(
    ledger: "NaiveLedger", body: ConfirmCashback | RejectCashback, item: Transaction, _time: int
) -> set[Rejection]:
    """Return what speaks against confirming or rejecting a request."""
    found = set()
    if body.point_type not in ledger.point_types:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    else:
        issuer = body.point_type.split("/", maxsplit=1)[0]
        if not signed_by(ledger, issuer, Scope.TREASURER, item):
            found.add(Rejection.NOT_AUTHORIZED)
    if (body.point_type, body.number) not in ledger.cashbacks:
        found.add(Rejection.CASHBACK_UNKNOWN)
    elif ledger.cashbacks[body.point_type, body.number].ended_at:
        found.add(Rejection.CASHBACK_NOT_OPEN)
    return found


def confirm(ledger: "NaiveLedger", body: ConfirmCashback, _item: Transaction, time: int) -> Effects:
    """Burn the points."""
    asked = ledger.cashbacks[body.point_type, body.number]
    spend(ledger, name_of(body.point_type, body.number))
    ledger.burned[body.point_type] += asked.body.points
    ledger.cashbacks[body.point_type, body.number] = asked._replace(
        status="PAID", ended_at=time, reference_hash=body.reference_hash
    )
    head = (body.point_type, body.number, asked.body.account, asked.body.points, asked.body.amount_fen)
    return ((*head, body.reference_hash, asked.overdue),)


def reject(ledger: "NaiveLedger", body: RejectCashback, _item: Transaction, time: int) -> Effects:
    """Give the points back."""
    asked = ledger.cashbacks[body.point_type, body.number]
    repaid, told = give_back(ledger, name_of(body.point_type, body.number), time)
    ledger.cashbacks[body.point_type, body.number] = asked._replace(
        status="REJECTED", ended_at=time, reason=body.reason
    )
    after = ledger.balance(asked.body.account, body.point_type)
    head = (body.point_type, body.number, asked.body.account, asked.body.points, repaid)
    return ((*head, after, body.reason), *told)


def timed_out(ledger: "NaiveLedger", time: int) -> list[tuple[int, bytes, Callable[[], list[tuple[object, ...]]]]]:
    """Return the requests that were not paid in time: when, their state keys, and what marks them."""
    return [
        (asked.due_at, name_of(*name), lambda name=name: mark(ledger, *name))  # type: ignore[misc]
        for name, asked in ledger.cashbacks.items()
        if asked.status == "REQUESTED" and asked.due_at <= time and not asked.overdue
    ]


def mark(ledger: "NaiveLedger", point_type: str, number: int) -> list[tuple[object, ...]]:
    """Mark a request as overdue."""
    asked = ledger.cashbacks[point_type, number]
    ledger.cashbacks[point_type, number] = asked._replace(overdue=True)
    body = asked.body
    return [(point_type, number, body.account, body.points, body.amount_fen, asked.due_at)]


TIMED_OUT.append(timed_out)
