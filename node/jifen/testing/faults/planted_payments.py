"""States that contradict the invariants of paying with points, each in one place."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from jifen.ledger.checking import Items
from jifen.ledger.payments.checks import (
    check_acceptances_are_kept_and_count_their_day,
    check_holds_keep_what_they_promise,
    check_payment_policies_stand_once_in_order,
    check_payments_are_exact_and_give_back_what_was_refunded,
    check_positions_are_what_payments_brought,
)
from jifen.ledger.payments.records import (
    Acceptance,
    AcceptanceRecord,
    Hold,
    OrderPayment,
    PaidPart,
    PaymentPolicies,
    PaymentPolicy,
)
from jifen.ledger.points.positions import Position, Rate, rate_key
from jifen.ledger.state import (
    POLICIES_KEY,
    acceptance_key,
    hold_key,
    order_key,
    past_acceptance_key,
    past_policies_key,
    payment_key,
    position_key,
)
from jifen.ledger.types import Lot, LotOrigin, OrderRecord, Record
from jifen.testing.naive.scene import account_of, key_of

ANN: Final = account_of(key_of("ann"))
PAID_PART = PaidPart("books/store", 60, Rate(3, 7), 1, (Lot(60, LotOrigin.EARNED, 0, 0),), 0, 1)
PAYMENT = OrderPayment(bytes(32), ANN, bytes(32), 1_000, (PAID_PART,))
HELD_KEY = hold_key(ANN, bytes(32))
HELD = Hold(ANN, "mall", "W1", bytes(32), 1_000, 5_000, (PAID_PART,), 9)
TAKEN = Acceptance(1, 3, 7, 60, 3, 5_000, 1_000)
POLICY = PaymentPolicy("mall", 1, 5_000, 1_000, True)


def paid(**changes: Any) -> dict[bytes, Record]:
    """Return a payment of the mall's order W1 to put into the state."""
    return {payment_key("mall", "W1"): msgspec.structs.replace(PAYMENT, **changes)}


def paid_part(**changes: Any) -> dict[bytes, Record]:
    """Return the same with another part."""
    return paid(parts=(msgspec.structs.replace(PAID_PART, **changes),))


def held_for_order(**changes: Any) -> dict[bytes, Record]:
    """Return a hold to put into the state."""
    return {HELD_KEY: msgspec.structs.replace(HELD, **changes)}


def taken(version: int = 1, **changes: Any) -> AcceptanceRecord:
    """Return an acceptance."""
    return AcceptanceRecord(msgspec.structs.replace(TAKEN, version=version, **changes), 0, bytes(32))


exact: Final = check_payments_are_exact_and_give_back_what_was_refunded
reliable: Final = check_holds_keep_what_they_promise
brought: Final = check_positions_are_what_payments_brought
numbered: Final = check_acceptances_are_kept_and_count_their_day
ordered: Final = check_payment_policies_stand_once_in_order
TAKEN_KEY, PAST_KEY = acceptance_key("mall", "books/store"), past_acceptance_key("mall", "books/store", 1)
PLANTED_IN_PAYMENTS: Final[tuple[tuple[Callable[[Items], None], dict[bytes, Record], str, str], ...]] = (
    (exact, paid(refunded_fen=1_001), "more is refunded", "a payment refunded too far"),
    (exact, paid(amount_fen=139), "pays 140 of 139", "points pay more than the order"),
    (
        exact,
        paid() | {order_key("mall", "W1"): OrderRecord(bytes(32), ANN, "mall/consumer", 1, 1, 10, 999)},
        "speaks of another order",
        "another amount was credited",
    ),
    (exact, paid_part(points=61), "not worth whole fen", "half a fen"),
    (exact, paid_part(rate=Rate(6, 14)), "lowest terms", "a rate not reduced"),
    (exact, paid_part(lots=tuple(Lot(1, LotOrigin.EARNED, 0, date) for date in range(1, 368))), "367 lots", "lots"),
    (
        exact,
        paid_part(lots=(Lot(30, LotOrigin.EARNED, 0, 0), Lot(30, LotOrigin.EARNED, 0, 9))),
        "not in spending order",
        "lots of a payment in disorder",
    ),
    (exact, paid(refunded_fen=50), "X3", "nothing given back"),
    (reliable, {hold_key(ANN[:19] + b"x", bytes(32)): HELD}, "of another account", "another's hold"),
    (reliable, held_for_order(share_bp=1_399), "holds 140 fen", "a hold above its share"),
    (reliable, held_for_order(parts=()), "holds 0 fen", "a hold of nothing"),
    (
        reliable,
        held_for_order(parts=(msgspec.structs.replace(PAID_PART, lots=(Lot(57, LotOrigin.EARNED, 0, 0),)),)),
        "holds PaidPart",
        "a hold without its lots",
    ),
    (brought, paid(), "F20: points have paid that nobody has", "no position"),
    (
        brought,
        paid() | {position_key("mall", "books/store", rate_key(Rate(3, 7))): Position(59)},
        "F20: mall has 59",
        "too small a position",
    ),
    (numbered, {TAKEN_KEY: taken()}, "lacks versions", "an acceptance without its history"),
    (numbered, {PAST_KEY: taken()}, "do not exist", "a history alone"),
    (numbered, {PAST_KEY: taken(2), TAKEN_KEY: taken()}, "I10", "another version of an acceptance"),
    (
        numbered,
        {PAST_KEY: msgspec.structs.replace(taken(), taken_fen=1), TAKEN_KEY: taken()},
        "history counts",
        "takings in the history",
    ),
    (
        numbered,
        {PAST_KEY: taken(step_points=1), TAKEN_KEY: taken(step_points=1)},
        "not worth whole fen",
        "an acceptance of half a fen",
    ),
    (ordered, {POLICIES_KEY: PaymentPolicies((), 0)}, "in disorder", "no policy"),
    (ordered, {POLICIES_KEY: PaymentPolicies((POLICY, POLICY), 2)}, "in disorder", "a policy twice"),
    (ordered, {POLICIES_KEY: PaymentPolicies((POLICY,), 2)}, "revision 2 has 1 versions", "a revision too many"),
    (ordered, {POLICIES_KEY: PaymentPolicies((POLICY,), 1)}, "of 1 revisions of policies", "no history of policies"),
    (ordered, {past_policies_key(2): PaymentPolicies((POLICY,), 1)}, "holds", "a revision in the place of another"),
)
"""Check, what is put into a sound state, what the check says, and a name."""
