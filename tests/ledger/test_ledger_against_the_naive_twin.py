"""The real ledger and a naive second one take the same transactions; a wrong rule in either shows.

The machine that drives them, and the rules by family, are in `jifen.testing.twin.everything`.
"""

from collections.abc import Callable
from typing import Any, Final
from unittest.mock import patch

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from jifen.ledger import agenda, apply
from jifen.ledger.bonuses import granting as bonuses
from jifen.ledger.context import BlockContext
from jifen.ledger.governance import deciding as governing
from jifen.ledger.governance import validators
from jifen.ledger.governance.proposals import Governance
from jifen.ledger.points import earning, expiring, holdings, lots, moving
from jifen.ledger.rewards import auto_redeeming
from jifen.ledger.state import WorkingState
from jifen.ledger.terms.records import Terms, expiry_of
from jifen.ledger.tiers import qualifying as tiers
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import Holding, Lot, Organization, PublicKey, Record
from jifen.testing.naive.scene import DAY_MS
from jifen.testing.twin.everything import LedgerMachine

NIGHTLY_EXAMPLES: Final = 12_000
"""Runs of the machine in the nightly profile: some 1.4 million transactions, about a quarter of an hour."""

NIGHTLY_TRANSACTIONS: Final = 1_000_000
"""Transactions that a nightly run must have offered to both ledgers."""

is_nightly: Final = settings.get_current_profile_name() == "nightly"

TestLedgerAgainstItsTwin = LedgerMachine.TestCase
TestLedgerAgainstItsTwin.settings = settings(
    stateful_step_count=60, max_examples=NIGHTLY_EXAMPLES if is_nightly else settings().max_examples
)


@pytest.mark.skipif(not is_nightly, reason="counts what the nightly profile has done")
def test_a_nightly_run_has_offered_a_million_transactions_of_which_many_were_applied(
    record_property: Callable[[str, object], None],
) -> None:
    outcomes = LedgerMachine.outcomes
    record_property("transactions", sum(outcomes.values()))
    record_property("reasons met", len(outcomes) - 1)
    assert sum(outcomes.values()) >= NIGHTLY_TRANSACTIONS
    assert outcomes[None] >= NIGHTLY_TRANSACTIONS // 4, "hardly anything is applied: the rules draw nonsense"


def newest_first(holding: Holding, points: int) -> tuple[Holding, list[Lot]]:
    """Take lots from the wrong end."""
    rest, taken = lots.take_lots(Holding(holding.available, holding.lots[::-1]), points)
    return Holding(rest.available, rest.lots[::-1]), taken


def rounded_up(point_type: Any, amount_fen: int) -> int:
    """Earn a point more than is due whenever the amount does not divide."""
    return -(-amount_fen * int(point_type.earn_points) // int(point_type.earn_fen))


def redeemed_first(state: WorkingState, organization: str, account: bytes, points: int, context: BlockContext) -> Any:
    """Carry out a standing order before the tier is looked at."""
    redeemed = auto_redeeming.follow_up(state, organization, account, 0, context)
    return (*redeemed, *tiers.qualify(state, organization, account, points, context))


def last_signer(issuer: Organization, transaction: Transaction, scopes: int) -> PublicKey | None:
    """Return the last signer who may."""
    may = [key for key in transaction.signers if issuer.scopes_of(key) & scopes]
    return may[-1] if may else None


def half_restored(self: WorkingState, replaced: dict[bytes, Record | None]) -> None:
    """Undo a block's writes, but leave what it created."""
    self._records.update({key: record for key, record in replaced.items() if record is not None})


def half_ranged(self: WorkingState, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, Record]]:
    """Give what the disk has, whatever the blocks above it did."""
    return self._base.range(start, stop, limit)


def a_day_late(terms: Terms, earned_at: int) -> int:
    """Let points live a day too long."""
    end = expiry_of(terms, earned_at)
    return end and end + DAY_MS


def without_repaying(holding: Holding, ready: tuple[Lot, ...]) -> expiring.Activation:
    """Make points available and leave the debt as it is."""
    points = sum(lot.points for lot in ready)
    return expiring.Activation(lots.add_lots(holding, ready), points, 0)


def oldest_first(lot: Lot) -> tuple[int, int, int, int]:
    """Put lots in order of age."""
    return (lot.available_from, lot.expires_at, lot.origin, lot.renewal_days)


@pytest.mark.parametrize(
    ("where", "name", "wrong"),
    [
        pytest.param(moving, "take_lots", newest_first, id="newest lots are spent first"),
        pytest.param(earning, "points_for", rounded_up, id="points are rounded up"),
        pytest.param(WorkingState, "_restore", half_restored, id="created records survive a rollback"),
        pytest.param(WorkingState, "range", half_ranged, id="ranges forget what is not on disk"),
        pytest.param(WorkingState, "_evict", lambda self, excess: self._records.clear(), id="eviction takes all"),
        pytest.param(Governance, "needed", lambda _, asked: asked * 2 // 3, id="a threshold is rounded down"),
        pytest.param(validators, "put_status", lambda *_: None, id="nobody retires"),
        pytest.param(governing, "is_changing", lambda *_: False, id="two changes of voters at once"),
        pytest.param(earning, "expiry_of", a_day_late, id="points expire a day late"),
        pytest.param(expiring, "activate", without_repaying, id="activated points repay no debt"),
        pytest.param(expiring, "ANNOUNCED_DAYS", (30, 7), id="nothing is announced a day before"),
        pytest.param(expiring, "LAPSED_KEPT_MS", 0, id="what lapsed is forgotten at once"),
        pytest.param(holdings, "schedule", lambda *_: None, id="no holding stands in the agenda"),
        pytest.param(agenda, "MARKS_MAX", 0, id="marks are kept for ever"),
        pytest.param(lots, "lot_order", oldest_first, id="the oldest points are spent first, whatever expires"),
        pytest.param(earning, "follow_up", redeemed_first, id="what is redeemed by itself comes before the tier"),
        pytest.param(bonuses, "clerk_of", last_signer, id="the last signer is the clerk"),
        pytest.param(bonuses, "local_day", lambda *_: 7, id="a clerk's day never ends"),
        pytest.param(apply, "TRANSACTION_LIFETIME_MS_MAX", 2 * DAY_MS, id="transactions live for two days"),
    ],
)
def test_the_comparison_finds_a_wrong_rule(where: object, name: str, wrong: Callable[..., object]) -> None:
    few = settings(
        max_examples=400,
        stateful_step_count=60,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
    )

    with patch.object(where, name, wrong), pytest.raises(AssertionError):
        run_state_machine_as_test(LedgerMachine, settings=few)
