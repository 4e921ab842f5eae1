"""The agenda: what is to happen by itself once block time has come to it.

A record that wants to be looked at again at some time has an entry under that time and its own key. Every block, empty
ones included, begins with what is due by its time: entries in order of time, then of key, at most AGENDA_MAX of them;
what does not fit stays due and comes first in the next block. The module that owns the record says what happens then
(`WAKES`). Whatever happens is told in a receipt under AGENDA_ID: one for each record it happens to.

Holdings go first, whatever their times: what then gives points back, like a hold that has run out, finds them settled
up to the block's time, and nothing depends on when a holding happened to be named.

The marks of taken transactions are an agenda of their own: their keys begin with the expiry.
"""

from collections.abc import Callable
from typing import Final

from jifen.ledger.cashback.cashing import wake_cashback
from jifen.ledger.context import BlockContext
from jifen.ledger.draws.settling import wake_draw
from jifen.ledger.locks.locking import wake_lock
from jifen.ledger.payments.holding import wake_hold
from jifen.ledger.points.expiring import wake_holding
from jifen.ledger.points.limits import forget_past_days
from jifen.ledger.receipts import AnyEffect, Receipt
from jifen.ledger.rewards.redeeming import wake_redemption
from jifen.ledger.rules.book import wake_rule_book
from jifen.ledger.rules.tallies import wake_tally
from jifen.ledger.state import (
    AGENDA,
    CASHBACK,
    DRAW,
    HOLD,
    HOLDING,
    LOCK,
    MARK,
    MEMBERSHIP,
    OFFER,
    POINT_TYPE,
    REDEMPTION,
    RULE_BOOK,
    TALLY,
    StateWriter,
)
from jifen.ledger.swaps.swapping import wake_offer
from jifen.ledger.terms.publishing import wake_point_type
from jifen.ledger.tiers.qualifying import wake_membership

AGENDA_MAX: Final = 256
"""Entries worked off in one block: some 10 ms, half of what a full block of transactions costs."""

MARKS_MAX: Final = 1024
"""Marks cleared in one block: twice as many as an ordinary block sets, so that they never pile up."""

AGENDA_ID: Final = bytes(32)
"""Stands for the transaction in the receipts of the agenda; no hash is zero."""

WAKES: Final[dict[bytes, Callable[[StateWriter, bytes, BlockContext], tuple[AnyEffect, ...]]]] = {
    HOLDING: wake_holding,
    POINT_TYPE: wake_point_type,
    MEMBERSHIP: wake_membership,
    LOCK: wake_lock,
    REDEMPTION: wake_redemption,
    CASHBACK: wake_cashback,
    RULE_BOOK: wake_rule_book,
    TALLY: wake_tally,
    DRAW: wake_draw,
    HOLD: wake_hold,
    OFFER: wake_offer,
}
"""By the table of the record: given its key, does what is due by the block's time, sees to it that the agenda names the
record again if something is left to come, at a later time, and returns the effects."""


def work_off(state: StateWriter, context: BlockContext) -> list[Receipt]:
    """Do what is due by the block's time and return its receipts; the block is open and has written nothing yet."""
    entries = state.range(AGENDA, AGENDA + (context.time + 1).to_bytes(8, "big"), AGENDA_MAX)
    due = [key for key, _ in entries]
    receipts = []
    for key in sorted(due, key=lambda key: key[9:10] != HOLDING):
        if state.get(key) is None:
            continue  # an earlier one has given its record another time
        state.delete(key)
        subject = key[9:]
        effects = WAKES[subject[:1]](state, subject, context)
        if effects:
            receipts.append(Receipt(AGENDA_ID, 0, effects))
    forget_past_days(state, context.time)
    for key, _ in state.range(MARK, MARK + context.time.to_bytes(8, "big"), MARKS_MAX):
        state.delete(key)
    return receipts
