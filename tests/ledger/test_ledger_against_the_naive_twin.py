"""The real ledger and a naive second one take the same transactions; a wrong rule in either shows.

The machine that drives them, and the rules by family, are in `jifen.testing.twin.everything`. That the comparison sees
mistakes is shown by `tests/ledger/test_wrong_rules.py`.
"""

from typing import Final

import pytest
from hypothesis import settings
from hypothesis.stateful import RULE_MARKER, run_state_machine_as_test

from jifen.ledger.rewards.records import Redemption
from jifen.testing.naive.scene import DAY_MS
from jifen.testing.twin.backlogs import (
    LateDraws,
    LateEverything,
    LateLocks,
    LatePayments,
    LateRewards,
    LateRules,
    LateSwaps,
    LateTerms,
    LateTiers,
)
from jifen.testing.twin.everything import LedgerMachine
from jifen.testing.twin.machine import TwinMachine
from jifen.testing.twin.points import PointRules
from jifen.testing.twin.validators import ValidatorRules

NIGHTLY_RUNS: Final = 6_000
"""Runs of all families together in the nightly profile: some 700,000 transactions."""

NIGHTLY_RUNS_ALONE: Final = 400
"""Runs of each family alone in the nightly profile: it meets its own corners far more often than among the others."""

RUNS: Final = 25
"""Runs of all families together otherwise: some ten seconds."""

RUNS_ALONE: Final = 10
"""Runs of each family alone otherwise."""

RUNS_LATE: Final = 2
"""Runs of each family alone, and of all together, where blocks work off little of what is due."""

LATE: Final = [
    LateLocks,
    LateTerms,
    LatePayments,
    LateSwaps,
    LateRewards,
    LateDraws,
    LateTiers,
    LateRules,
    LateEverything,
]

NIGHTLY_TRANSACTIONS: Final = 1_000_000
"""Transactions that a nightly run must have offered to both ledgers."""

FAMILIES: Final = [family for family in LedgerMachine.__mro__ if issubclass(family, PointRules | ValidatorRules)]

is_nightly: Final = settings.get_current_profile_name() == "nightly"

TestLedgerAgainstItsTwin = LedgerMachine.TestCase
TestLedgerAgainstItsTwin.settings = settings(stateful_step_count=60, max_examples=NIGHTLY_RUNS if is_nightly else RUNS)


@pytest.mark.parametrize("family", FAMILIES[1:], ids=lambda family: family.__name__)
def test_a_family_of_transactions_alone_agrees_with_its_twin(family: type[TwinMachine]) -> None:
    runs = NIGHTLY_RUNS_ALONE if is_nightly else RUNS_ALONE

    run_state_machine_as_test(family, settings=settings(stateful_step_count=60, max_examples=runs))


@pytest.mark.parametrize("family", LATE, ids=lambda family: family.__name__)
def test_both_ledgers_agree_while_more_is_due_than_a_block_works_off(family: type[TwinMachine]) -> None:
    runs = NIGHTLY_RUNS_ALONE if is_nightly else RUNS_LATE

    run_state_machine_as_test(family, settings=settings(stateful_step_count=60, max_examples=runs))


def test_the_twin_agrees_about_points_whose_life_a_lock_has_paused_and_that_wait_in_a_redemption() -> None:
    machine = LedgerMachine()
    machine.prepare()
    # Bo's lock, which one organization asked for, has lapsed after three days.
    machine.begin(4 * DAY_MS)
    machine.publish_a_reward(nonce=bytes(8), reward="mall/mug", points=5, limit=0, minutes=60, stock=3, foreign=True)
    prices = machine.twin.rewards["mall/mug"].versions[-1][0].prices
    mug, place = sorted(machine.twin.rewards).index("mall/mug"), [price.point_type for price in prices]
    machine.redeem_properly(picks=[(bytes(8), "bo", mug, place.index("books/guide"), False)])
    machine.end()

    waiting = [record for record in machine.records().values() if isinstance(record, Redemption) and record.lots]
    assert [(lot.points, lot.paused_days) for lot in waiting[-1].lots] == [(5, 3)]
    machine.teardown()


@pytest.mark.skipif(not is_nightly, reason="counts what the nightly profile has done")
def test_a_nightly_run_has_offered_a_million_transactions_of_which_many_were_applied(
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcomes = LedgerMachine.outcomes
    figures = f"{outcomes.total():,} transactions, {outcomes[None]:,} applied, {len(outcomes) - 1} reasons met"
    with capsys.disabled():
        pytestconfig.get_terminal_writer().line(f"\n{figures}")
    assert outcomes.total() >= NIGHTLY_TRANSACTIONS
    assert outcomes[None] >= NIGHTLY_TRANSACTIONS // 4, "hardly anything is applied: the rules draw nonsense"


def test_no_family_of_the_twin_s_rules_hides_a_rule_of_another_one() -> None:
    named: dict[str, list[str]] = {}
    for family in LedgerMachine.__mro__:
        if issubclass(family, TwinMachine):
            for name, member in vars(family).items():
                if hasattr(member, RULE_MARKER):
                    named.setdefault(name, []).append(family.__name__)

    assert len(named) > 60
    assert {name: families for name, families in named.items() if len(families) > 1} == {}
