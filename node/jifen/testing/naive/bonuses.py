"""Naive rules of bonuses and adjustments: every one is remembered, and all limits are counted anew each time."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from jifen.ledger.bonuses.bodies import AdjustPoints, GrantBonus, SetBonusPolicy
from jifen.ledger.bonuses.records import BonusCause, BonusPolicy, Direction
from jifen.ledger.rejections import Rejection
from jifen.ledger.terms.records import AvailableAfterDays
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import OrganizationStatus, Scope
from jifen.testing.naive.points import LARGEST_QUANTITY, spending_order
from jifen.testing.naive.records import NaiveLot
from jifen.testing.naive.terms import Effects, dates_of, in_force
from jifen.testing.naive.tiers import against_administrator

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

Hand = GrantBonus | AdjustPoints
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC).date()


class NaiveMove(NamedTuple):
    """A bonus or an adjustment that was made."""

    body: Hand
    identity: bytes
    clerk: bytes
    day: int
    policy: BonusPolicy


class NaiveBonuses:
    """Everything about bonuses."""

    def __init__(self) -> None:
        self.policies: dict[str, BonusPolicy] = {}
        self.moves: list[NaiveMove] = []

    def policy(self, organization: str) -> BonusPolicy:
        """Return the limits of an organization."""
        return self.policies.get(organization, BonusPolicy())

    def granted(self, organization: str) -> int:
        """Return what bonuses have come to under the policy of now."""
        version = self.policy(organization).version
        return sum(
            move.body.points
            for move in self.moves
            if isinstance(move.body, GrantBonus) and (move.body.issuer, move.policy.version) == (organization, version)
        )

    def by_clerk(self, organization: str, clerk: bytes, day: int) -> list[Hand]:
        """Return what an operator did last without another day between."""
        mine = [move for move in self.moves if (move.body.issuer, move.clerk) == (organization, clerk)]
        found: list[Hand] = []
        for move in reversed(mine):
            if move.day != day:
                break
            found.append(move.body)
        return found


def day_of(time: int, policy: BonusPolicy) -> int:
    """Return the number of the issuer's day."""
    local = datetime.fromtimestamp(time // 1000, UTC) + timedelta(minutes=policy.utc_offset_minutes)
    return (local.date() - EPOCH).days


def cause_of(body: Hand) -> tuple[object, ...]:
    """Return what may happen once."""
    if isinstance(body, AdjustPoints):
        return (body.issuer, "adjustment", body.cause_key)
    if body.cause == BonusCause.WELCOME:
        return (body.issuer, "welcome", body.account)
    if body.cause == BonusCause.EVENT:
        return (body.issuer, "event", body.account, body.holder or body.issuer, body.cause_key)
    if body.cause == BonusCause.SPECIAL:
        return (body.issuer, "special", body.account, body.cause_key)
    return (body.issuer, "goodwill", body.cause_key)


def with_scope(ledger: "NaiveLedger", organization: str, item: Transaction, *scopes: Scope) -> list[bytes]:
    """Return the signers that have one of the scopes, in order."""
    operators = {operator.key: Scope(operator.scopes) for operator in ledger.organizations[organization].operators}
    return [key for key in item.signers if key in operators and any(scope in operators[key] for scope in scopes)]


def clerks(ledger: "NaiveLedger", body: Hand, item: Transaction) -> list[bytes]:
    """Return the signers who may do it."""
    scopes = (Scope.CASHIER, Scope.ISSUER) if isinstance(body, GrantBonus) else (Scope.ISSUER,)
    return with_scope(ledger, body.issuer, item, *scopes)


def against_policy(ledger: "NaiveLedger", body: SetBonusPolicy, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against a policy."""
    found = against_administrator(ledger, body.organization, item)
    policy = body.policy
    if policy.version != ledger.bonuses.policy(body.organization).version + 1:
        found.add(Rejection.VERSION_NOT_NEXT)
    if any(low >= high for low, high in zip(policy.staff, policy.staff[1:], strict=False)):
        found.add(Rejection.POLICY_CONTRADICTORY)
    if policy.grant_max < policy.two_operators_above:
        found.add(Rejection.POLICY_CONTRADICTORY)
    return found


def set_policy(ledger: "NaiveLedger", body: SetBonusPolicy, _item: Transaction, _time: int) -> Effects:
    """Let limits hold."""
    ledger.bonuses.policies[body.organization] = body.policy
    return ((body.organization, body.policy.version),)


def against_grant(ledger: "NaiveLedger", body: GrantBonus, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a bonus."""
    holder = body.holder
    if holder is None and body.cause == BonusCause.EVENT:
        holder = body.issuer
    found = against_anything(ledger, body, item, holder)
    if body.point_type in ledger.point_types:
        found |= against_credit(ledger, body, time)
    if body.issuer not in ledger.organizations:
        return found
    policy = ledger.bonuses.policy(body.issuer)
    found |= against_limits(ledger, body, item, time)
    if holder in ledger.organizations:
        seen = set(with_scope(ledger, holder, item, Scope.CASHIER)) - set(clerks(ledger, body, item)[:1])
        if not seen:
            found.add(Rejection.CHECK_IN_MISSING)
    if body.account in policy.staff:
        found.add(Rejection.STAFF_ACCOUNT)
    if body.points > policy.grant_max:
        found.add(Rejection.GRANT_TOO_LARGE)
    if ledger.bonuses.granted(body.issuer) + body.points > policy.budget:
        found.add(Rejection.BONUS_BUDGET_SPENT)
    return found


def against_adjustment(ledger: "NaiveLedger", body: AdjustPoints, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against an adjustment."""
    found = against_anything(ledger, body, item, None)
    if body.direction == Direction.DEBIT:
        if body.points > ledger.balance(body.account, body.point_type) and not body.may_owe:
            found.add(Rejection.INSUFFICIENT_POINTS)
        if ledger.debts.get((body.account, body.point_type), 0) + body.points > LARGEST_QUANTITY:
            found.add(Rejection.SUPPLY_EXHAUSTED)
    elif body.point_type in ledger.point_types:
        found |= against_credit(ledger, body, time)
    if body.issuer in ledger.organizations:
        found |= against_limits(ledger, body, item, time)
        if body.direction == Direction.CREDIT and body.account in ledger.bonuses.policy(body.issuer).staff:
            found.add(Rejection.STAFF_ACCOUNT)
    return found


def against_anything(ledger: "NaiveLedger", body: Hand, item: Transaction, holder: str | None) -> set[Rejection]:
    """Return what speaks against moving anything there."""
    found = set()
    for name in {body.issuer, holder or body.issuer}:
        if name not in ledger.organizations:
            found.add(Rejection.ORGANIZATION_UNKNOWN)
        elif ledger.organizations[name].status == OrganizationStatus.SUSPENDED:
            found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
    if body.account not in ledger.accounts:
        found.add(Rejection.ACCOUNT_UNKNOWN)
    if body.point_type not in ledger.point_types:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    elif body.point_type.split("/")[0] != body.issuer:
        found.add(Rejection.NOT_THE_ISSUER)
    if body.issuer in ledger.organizations and not clerks(ledger, body, item):
        found.add(Rejection.NOT_AUTHORIZED)
    return found


def against_limits(ledger: "NaiveLedger", body: Hand, item: Transaction, time: int) -> set[Rejection]:
    """Return what of the issuer's own limits speaks against a move."""
    found = set()
    policy = ledger.bonuses.policy(body.issuer)
    if any(cause_of(move.body) == cause_of(body) for move in ledger.bonuses.moves):
        found.add(Rejection.CAUSE_ALREADY_USED)
    for clerk in clerks(ledger, body, item)[:1]:
        if body.points > policy.two_operators_above:
            others = with_scope(ledger, body.issuer, item, Scope.ISSUER, Scope.ADMIN)
            if not set(others) - {clerk}:
                found.add(Rejection.SECOND_OPERATOR_MISSING)
        today = [body, *ledger.bonuses.by_clerk(body.issuer, clerk, day_of(time, policy))]
        kind = [move for move in today if isinstance(move, GrantBonus) and move.cause == BonusCause.GOODWILL]
        if sum(move.points for move in today) > policy.clerk_points_per_day or (
            len(kind) > policy.clerk_goodwill_per_day
        ):
            found.add(Rejection.CLERK_LIMIT_REACHED)
    return found


def repaid_by(ledger: "NaiveLedger", body: Hand, time: int) -> int:
    """Return how many points of a credit repay a debt at once."""
    if isinstance(in_force(ledger, body.point_type, time).pending, AvailableAfterDays):
        return 0
    return min(body.points, ledger.debts.get((body.account, body.point_type), 0))


def against_credit(ledger: "NaiveLedger", body: Hand, time: int) -> set[Rejection]:
    """Return what speaks against issuing so many points."""
    found, name = set(), body.point_type
    if ledger.issued[name] + body.points > LARGEST_QUANTITY:
        found.add(Rejection.SUPPLY_EXHAUSTED)
    new = body.points - repaid_by(ledger, body, time)
    there = ledger.issued[name] - ledger.burned[name] - ledger.expired[name]
    if new > 0 and there + new > in_force(ledger, name, time).issue_cap:
        found.add(Rejection.ISSUE_CAP_REACHED)
    return found


def give(ledger: "NaiveLedger", body: Hand, time: int) -> tuple[int, int, int, int]:
    """Issue points; return what repaid a debt, the version of the terms, and the lot's dates."""
    terms, whose = in_force(ledger, body.point_type, time), (body.account, body.point_type)
    repaid = repaid_by(ledger, body, time)
    begins, ends, _ = dates_of(terms, time)
    ledger.issued[body.point_type] += body.points
    ledger.burned[body.point_type] += repaid
    ledger.debts[whose] = ledger.debts.get(whose, 0) - repaid
    place = "pending" if isinstance(terms.pending, AvailableAfterDays) else "available"
    if body.points > repaid:
        ledger.lots.append(NaiveLot(*whose, body.points - repaid, "bonus", begins, ends, 0, place))
    return repaid, terms.version, begins, ends


def remember(ledger: "NaiveLedger", body: Hand, item: Transaction, time: int) -> tuple[bytes, int]:
    """Enter a move into the books; return its clerk and the version of the policy."""
    clerk, policy = clerks(ledger, body, item)[0], ledger.bonuses.policy(body.issuer)
    ledger.bonuses.moves.append(NaiveMove(body, item.id, clerk, day_of(time, policy), policy))
    return clerk, policy.version


def grant(ledger: "NaiveLedger", body: GrantBonus, item: Transaction, time: int) -> Effects:
    """Grant a bonus."""
    clerk, version = remember(ledger, body, item, time)
    given = give(ledger, body, time)
    whose = (body.account, body.point_type)
    head = (body.issuer, *whose, body.points, body.cause, body.cause_key, body.reason, clerk, version)
    return ((*head, *given, ledger.balance(*whose), ledger.waiting(*whose)),)


def adjust(ledger: "NaiveLedger", body: AdjustPoints, item: Transaction, time: int) -> Effects:
    """Correct an account."""
    clerk, version = remember(ledger, body, item, time)
    whose = (body.account, body.point_type)
    repaid = 0
    if body.direction == Direction.CREDIT:
        repaid = give(ledger, body, time)[0]
    else:
        missing = body.points
        while missing and (mine := ledger.lots_in(*whose, "available")):
            lot = min(mine, key=spending_order)
            part = min(missing, lot.points)
            missing -= part
            ledger.burned[body.point_type] += part
            ledger.lots.remove(lot)
            if lot.points > part:
                ledger.lots.append(lot._replace(points=lot.points - part))
        ledger.debts[whose] = ledger.debts.get(whose, 0) + missing
    head = (body.issuer, *whose, body.direction, body.points, body.cause_key, body.reason_code, body.reason)
    after = (ledger.balance(*whose), ledger.debts.get(whose, 0), ledger.waiting(*whose))
    return ((*head, clerk, version, repaid, *after),)
