"""The invariants of paying with points."""

from jifen.ledger.checking import Items, positions_of, require
from jifen.ledger.payments.accepting import contradicts_itself
from jifen.ledger.payments.giving_back import paid_fen
from jifen.ledger.payments.records import (
    BASIS_POINTS,
    PAYMENT_LOTS_MAX,
    AcceptanceRecord,
    Hold,
    OrderPayment,
    PaidPart,
    PaymentPolicies,
)
from jifen.ledger.points.lots import lot_order, points_of
from jifen.ledger.points.positions import reduced
from jifen.ledger.state import ACCEPTANCE, HOLD, ORDER, PAYMENT, POLICIES, POLICIES_KEY, past_policies_key
from jifen.ledger.types import OrderRecord


def check_payments_are_exact_and_give_back_what_was_refunded(items: Items) -> None:
    """I3, X3: of every payment's units of whole fen those are back that the refunds of its order say."""
    known = list(items)
    orders = {key[1:]: record for key, record in known if key[:1] == ORDER}
    for key, record in known:
        if key[:1] != PAYMENT:
            continue
        assert isinstance(record, OrderPayment)
        what = f"payment {key[1:]!r}"
        require(0 <= record.refunded_fen <= record.amount_fen, f"I3: of {what} more is refunded than it came to")
        require(0 < paid_fen(record) <= record.amount_fen, f"{what} pays {paid_fen(record)} of {record.amount_fen}")
        order = orders.get(key[1:])
        if isinstance(order, OrderRecord):
            same = (order.amount_fen, order.refunded_fen) == (record.amount_fen, record.refunded_fen)
            require(same, f"I3: {what} speaks of another order than the purchase of that id")
        for part in record.parts:
            _check_part(what, part)
            units = part.points // part.rate.points
            back = units * record.refunded_fen // record.amount_fen * part.rate.points
            left = points_of(part.lots)
            require(left == part.points - back, f"X3: {what}: {left} of {part.points} points are left, not less {back}")


def check_holds_keep_what_they_promise(items: Items) -> None:
    """Every hold keeps all of its points, worth whole fen, and no more of the order than its share."""
    for key, record in items:
        if key[:1] == HOLD:
            assert isinstance(record, Hold)
            what = f"hold {key.hex()}"
            require(key[1:21] == record.account, f"{what} is of another account: {record}")
            held = sum(part.fen for part in record.parts)
            require(0 < held <= record.amount_fen * record.share_bp // BASIS_POINTS, f"{what} holds {held} fen")
            for part in record.parts:
                _check_part(what, part)
                require(points_of(part.lots) == part.points, f"{what} holds {part}")


def check_positions_are_what_payments_brought(items: Items) -> None:
    """F20: an organization's position at a rate is what paid for its orders at that rate and was not given back."""
    known = list(items)
    brought: dict[tuple[str, str, int, int], int] = {}
    for key, record in known:
        if key[:1] == PAYMENT:
            assert isinstance(record, OrderPayment)
            merchant = key[1:].split(b"\0")[0].decode()
            for part in record.parts:
                if part.lots and not part.point_type.startswith(f"{merchant}/"):
                    where = (merchant, part.point_type, part.rate.points, part.rate.fen)
                    brought[where] = brought.get(where, 0) + points_of(part.lots)
    for holder, point_type, rate, position in positions_of(known):
        there = brought.pop((holder, point_type, rate.points, rate.fen), 0)
        require(
            there <= position.points, f"F20: {holder} has {position.points} {point_type} at {rate}, of {there} paid"
        )
    require(not brought, f"F20: points have paid that nobody has: {brought}")


def check_acceptances_are_kept_and_count_their_day(items: Items) -> None:
    """I10: an acceptance's versions stand in the history from the first to the one in force; none is half a fen."""
    known = list(items)
    versions: dict[bytes, list[int]] = {}
    for key, record in known:
        if key[:2] == ACCEPTANCE + b"\0":
            assert isinstance(record, AcceptanceRecord)
            versions.setdefault(key[2:-5], []).append(record.acceptance.version)
            require(int.from_bytes(key[-4:], "big") == record.acceptance.version, f"I10: {key.hex()} holds {record}")
            require((record.day, record.taken_fen) == (0, 0), f"I10: the history counts takings: {record}")
    for key, record in known:
        if key[:1] == ACCEPTANCE and key[1:2] != b"\0":
            assert isinstance(record, AcceptanceRecord)
            found = sorted(versions.pop(key[1:], []))
            require(found == [*range(1, record.acceptance.version + 1)], f"I10: {key.hex()} lacks versions: {found}")
            require(not contradicts_itself(record.acceptance), f"{key.hex()} is not worth whole fen: {record}")
    require(not versions, f"I10: there is a history of acceptances that do not exist: {sorted(versions)}")


def check_payment_policies_stand_once_in_order(items: Items) -> None:
    """F5, I10: every organization has at most one policy, found in order; every revision stands in the history."""
    newest, history = 0, []
    for key, record in items:
        if key[:1] == POLICIES:
            assert isinstance(record, PaymentPolicies)
            names = [policy.organization for policy in record.policies]
            require(bool(names) and names == sorted({*names}), f"F5: policies stand in disorder: {names}")
            versions = sum([policy.version for policy in record.policies])
            require(versions == record.revision, f"I10: revision {record.revision} has {versions} versions: {record}")
            if key == POLICIES_KEY:
                newest = record.revision
            else:
                require(key == past_policies_key(record.revision), f"I10: {key.hex()} holds {record}")
                history.append(record.revision)
    require(sorted(history) == [*range(1, newest + 1)], f"I10: of {newest} revisions of policies there are {history}")


def _check_part(what: str, part: PaidPart) -> None:
    require(part.points % part.rate.points == 0 and part.fen > 0, f"{what}: {part} is not worth whole fen")
    require(reduced(part.rate) == part.rate, f"{what}: the rate of {part} is not in lowest terms")
    require(len(part.lots) <= PAYMENT_LOTS_MAX, f"{what} keeps {len(part.lots)} lots")
    order = [lot_order(lot) for lot in part.lots]
    require(order == sorted({*order}), f"{what}: the lots of {part} are not in spending order")
