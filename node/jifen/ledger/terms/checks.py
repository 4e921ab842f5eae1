"""The invariants of terms, of the agenda and of points that wait or expire."""

from jifen.ledger.cashback.records import Cashback, CashbackStatus
from jifen.ledger.checking import Items, holdings_of, require
from jifen.ledger.draws.records import Draw
from jifen.ledger.locks.records import AccountLock
from jifen.ledger.payments.records import Hold
from jifen.ledger.points.earning import kept
from jifen.ledger.points.holdings import LAPSED_KEPT_MS
from jifen.ledger.points.lots import is_of
from jifen.ledger.rewards.records import Redemption
from jifen.ledger.rules.records import MemberTally, RuleBook
from jifen.ledger.state import AGENDA, HOLDING, POINT_TYPE, TERMS
from jifen.ledger.swaps.records import SwapOffer
from jifen.ledger.terms.publishing import contradicts_itself, is_covered
from jifen.ledger.terms.records import PointType, TermsRecord, newest_terms, terms_hash
from jifen.ledger.tiers.records import Membership
from jifen.ledger.types import Account, Holding, Leg, LotOrigin, OrderRecord


def check_the_agenda_names_what_is_due(items: Items) -> None:
    """Every record that waits for a time stands in the agenda, once, and nobody else does."""
    wanted: dict[bytes, int] = {}
    found: dict[bytes, int] = {}
    for key, record in items:
        if key[:1] == AGENDA:
            require(key[9:] not in found, f"the agenda names {key[9:].hex()} twice")
            found[key[9:]] = int.from_bytes(key[1:9], "big")
        elif isinstance(record, Holding | Membership | AccountLock) and record.due:
            wanted[key] = record.due
        elif isinstance(record, PointType) and record.scheduled:
            wanted[key] = record.scheduled.effective_from
        elif isinstance(record, Membership | Redemption | RuleBook | MemberTally | Draw) and record.due:
            wanted[key] = record.due
        elif isinstance(record, Cashback) and record.status is CashbackStatus.REQUESTED and not record.overdue:
            wanted[key] = record.due_at
        elif isinstance(record, Hold):
            wanted[key] = record.until
        elif isinstance(record, SwapOffer):
            wanted[key] = record.open_until
    for key in sorted({*wanted, *found}):
        there, due = found.get(key), wanted.get(key)
        require(there == due, f"the agenda names {key.hex()} at {there}, it is due at {due}")


def check_nothing_happens_to_a_holding_before_it_is_due(items: Items) -> None:
    """The agenda looks at a holding no later than anything is to happen to it; while locked, nothing expires."""
    known = list(items)
    paused = {record.id for _, record in known if isinstance(record, Account) and record.locked_until}
    for account, point_type, holding in holdings_of(known):
        lots = () if account in paused else (*holding.lots, *holding.pending_lots, *holding.awaiting_lots)
        moments = [lot.expires_at for lot in lots if lot.expires_at]
        moments += [lot.available_from for lot in holding.pending_lots]
        moments += [lot.expires_at + LAPSED_KEPT_MS for lot in holding.lapsed]
        first = min(moments, default=0)
        require(
            not first or 0 < holding.due <= first,
            f"holding {account.hex()} {point_type} is due at {holding.due}, but something happens at {first}",
        )


def check_received_points_do_not_slide(items: Items) -> None:
    """I9: only what an account has earned itself lives on when it earns again."""
    for account, point_type, holding in holdings_of(items):
        for lot in (*holding.lots, *holding.pending_lots, *holding.awaiting_lots, *holding.lapsed):
            fixed = lot.origin is LotOrigin.EARNED or not lot.renewal_days
            require(fixed, f"I9: holding {account.hex()} {point_type} has received {lot}, which slides")


def check_waiting_points_are_those_of_their_orders(items: Items) -> None:
    """I3: of every lot that waits for confirmations, the points are what its unconfirmed orders have left."""
    known = list(items)
    get = dict(known).get
    orders: dict[bytes, list[tuple[OrderRecord, OrderRecord | Leg]]] = {}
    for _, record in known:
        if not isinstance(record, OrderRecord):
            continue
        for leg in record.every_leg:
            if leg.awaiting:
                orders.setdefault(HOLDING + leg.account + leg.point_type.encode(), []).append((record, leg))
    for account, point_type, holding in holdings_of(known):
        for lot in holding.awaiting_lots:
            waiting = orders.get(HOLDING + account + point_type.encode(), ())
            its = [(order, leg) for order, leg in waiting if is_of(leg, lot)]
            left = sum(kept(get, leg, order).points for order, leg in its)
            require(left == lot.points, f"I3: {account.hex()} {point_type}: {lot} waits for orders of {left} points")


def check_every_version_of_terms_is_kept(items: Items) -> None:
    """I10: a point type's versions stand in the history from the first to the newest, each under its own hash."""
    known = list(items)
    history: dict[str, list[TermsRecord]] = {}
    for key, record in known:
        if key[:1] == TERMS:
            assert isinstance(record, TermsRecord)
            name, number = key[1:-5].decode(), int.from_bytes(key[-4:], "big")
            history.setdefault(name, []).append(record)
            right = (record.terms.version, record.hash) == (number, terms_hash(name, record.terms))
            require(right, f"I10: terms {name} {number} hold {record}")
    for key, record in known:
        if key[:1] == POINT_TYPE and isinstance(record, PointType):
            versions = {item.terms.version: item.terms for item in history.pop(record.id, [])}
            newest = newest_terms(record)
            require(sorted(versions) == [*range(1, newest.version + 1)], f"I10: {record.id} lacks versions: {versions}")
            for terms in (record.terms, newest):
                same = versions.get(terms.version) == terms
                require(same, f"I10: {record.id} has other terms {terms} than its history")
                sound = not contradicts_itself(terms, record.issuer) and is_covered(terms)
                require(sound, f"I4: the terms of {record.id} contradict themselves or their backing: {terms}")
    require(not history, f"there are terms of point types that do not exist: {sorted(history)}")
