"""Both ledgers where more is due than fits into a block: what is late must be right all the while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from unittest.mock import patch

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from jifen.ledger import agenda
from jifen.ledger.payments.bodies import HoldPoints, PaymentPart, VoidHold
from jifen.ledger.state import AGENDA
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import AvailableAfterDays, ImmediatelyAvailable, RollingExpiry
from jifen.ledger.transactions import TransferPoints
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.twin.everything import LedgerMachine
from jifen.testing.twin.locks import LockRules
from jifen.testing.twin.machine import TwinMachine
from jifen.testing.twin.paid_lines import PaidLineRules
from jifen.testing.twin.payments import PaymentRules
from jifen.testing.twin.prize_draws import DrawRules
from jifen.testing.twin.rewards import RewardRules
from jifen.testing.twin.swaps import SwapRules
from jifen.testing.twin.terms import TermRules
from jifen.testing.twin.tiers import TierRules

ROOMS: Final = (0, 0, 1, 2, 3, agenda.AGENDA_MAX)
"""How much fits: nothing, where a block is full of what was due before; or all, so that a backlog comes to its end."""


class Late(TwinMachine):
    """Blocks work off so little that much is late; mixed into families of rules."""

    def __init__(self) -> None:
        super().__init__()
        self.room = agenda.AGENDA_MAX
        self.limit(agenda.AGENDA_MAX)

    def limit(self, room: int) -> None:
        """Let the real agenda work off so many entries a block."""
        self.room = room
        self.cleanup.enter_context(patch.object(agenda, "AGENDA_MAX", room))

    @contextmanager
    def full_blocks(self) -> Iterator[None]:
        """Let blocks work off nothing for a while."""
        before = self.room
        self.limit(0)
        yield
        self.limit(before)

    @initialize(room=st.sampled_from(ROOMS))
    def begin_with(self, room: int) -> None:
        """Let blocks work off so many entries from the first, or second, on."""
        self.limit(room)

    @precondition(lambda self: not self.open)
    @rule(room=st.sampled_from(ROOMS))
    def let_fit(self, room: int) -> None:
        """Let blocks work off so many entries from now on."""
        self.limit(room)

    @precondition(lambda self: not self.open)
    @rule(step=st.sampled_from((3 * DAY_MS, 6 * DAY_MS, 25 * DAY_MS)))
    def begin_full(self, step: int) -> None:
        """Open a block some days later that is full of what was due before: whatever came due meanwhile waits."""
        self.limit(0)
        self.begin(step)

    def named(self) -> tuple[int, list[tuple[int, bytes]], int]:
        """Return the block's time, what the real agenda names up to it, and how much of that a block works off."""
        due = self.working.range(AGENDA, AGENDA + (self.time + 1).to_bytes(8, "big"), 1_000_000)
        return self.time, [(int.from_bytes(key[1:9], "big"), key[9:]) for key, _ in due], self.room


class LateLocks(Late, LockRules):
    """Points and locks."""

    def furnish(self) -> None:
        """Bo tries to pay when his lock has lapsed and the agenda has not got to it."""
        super().furnish()
        self.begin(1)
        self.purchase("mall/consumer", 283, "bo", 500)
        self.end()
        with self.full_blocks():
            self.begin(4 * DAY_MS)
            bo, ann = (account_of(key_of(name)) for name in ("bo", "ann"))
            body = TransferPoints(self.time + DAY_MS, b"furnish1", bo, ann, "mall/consumer", 6, b"")
            self.submit(body, key_of("bo"))
            self.end()


class LateTerms(Late, TermRules, LockRules):
    """Points that wait, and that expire early and late."""


class LateSwaps(Late, SwapRules, LockRules):
    """Offers, and locks that end them."""


class LatePayments(Late, PaymentRules, LockRules):
    """Holds that run out, and points that come back past their date."""

    def furnish(self) -> None:
        """Points of Ann's wait for their day, while others, held, pass their date, and come back to them late."""
        super().furnish()
        self.begin(1)
        self.earn_on_terms(280, RollingExpiry(2), ImmediatelyAvailable())
        whose, parts = account_of(key_of("ann")), (PaymentPart("mall/consumer", 12),)
        head = (self.time + DAY_MS, b"furnish1", "mall", "no281")
        held = HoldPoints(*head, bytes(32), whose, 100, parts, self.time + 26 * DAY_MS)
        self.submit(held, key_of("ann"), key_of("mall till"))
        self.earn_on_terms(282, RollingExpiry(35), AvailableAfterDays(4))
        self.end()
        with self.full_blocks():
            self.begin(6 * DAY_MS)
            self.give_up_all_holds(b"furnish1")
            self.end()

    @precondition(lambda self: self.open and self.twin.holds)
    @rule(nonce=st.binary(min_size=8, max_size=8))
    def give_up_all_holds(self, nonce: bytes) -> None:
        """Void whatever is held."""
        for (account, hold), held in sorted(self.twin.holds.items(), key=lambda item: item[0]):
            merchant = held.body.organization
            self.submit(VoidHold(self.time + DAY_MS, nonce, merchant, account, hold), key_of(f"{merchant} till"))

    def earn_on_terms(
        self, order: int, expiry: RollingExpiry, pending: ImmediatelyAvailable | AvailableAfterDays
    ) -> None:
        """Let Ann earn points of such a life, whatever was published before."""
        newest, _, _ = self.twin.terms["mall/consumer"][-1]
        changed = msgspec.structs.replace(
            newest, version=newest.version + 1, effective_from=0, expiry=expiry, pending=pending
        )
        body = PublishTerms(self.time + DAY_MS, b"furnish1", "mall", "mall/consumer", changed)
        self.submit(body, key_of("mall admin"))
        self.purchase("mall/consumer", order, "ann", 900)


class LateRewards(Late, RewardRules, LockRules):
    """Redemptions and requests for money."""


class LateDraws(Late, DrawRules, LockRules):
    """Draws that settle, or give back."""


class LateTiers(Late, TierRules, LockRules):
    """Tiers that are judged, and points that pay for themselves."""


class LateRules(Late, PaidLineRules, LockRules):
    """Rules that come into force, campaigns that end, and tallies that are over."""


class LateEverything(Late, LedgerMachine):
    """All families together."""
