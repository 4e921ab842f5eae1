"""A wrong rule of rewards or cash back shows against the naive twin."""

from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from jifen.ledger.cashback import cashing
from jifen.ledger.points import held
from jifen.ledger.rewards import redeeming
from jifen.ledger.types import Lot
from jifen.testing.twin.everything import LedgerMachine
from jifen.testing.twin.rewards import RewardRules

assert issubclass(LedgerMachine, RewardRules)  # every table of records is known once all families are


def of_any_origin(state: Any, account: bytes, point_type: str, points: int, _origin: Any, time: int) -> tuple[Lot, ...]:
    """Set points aside wherever they came from."""
    return held.hold_points(state, account, point_type, points, time)


@pytest.mark.parametrize(
    ("where", "name", "wrong"),
    [
        pytest.param(redeeming, "may_have_another", lambda *_: True, id="a member redeems as often as it likes"),
        pytest.param(redeeming, "_count", lambda *_: None, id="nobody counts a member's redemptions"),
        pytest.param(redeeming, "take_in", lambda *_: None, id="points vanish when a reward is handed over"),
        pytest.param(cashing, "used_points", lambda *_: 0, id="no cap of cash back counts"),
        pytest.param(cashing, "hold_points_of_origin", of_any_origin, id="received points are held for cash"),
    ],
)
def test_the_comparison_finds_a_wrong_rule_of_rewards(where: object, name: str, wrong: Any) -> None:
    few = settings(
        max_examples=300,
        stateful_step_count=60,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    with patch.object(where, name, wrong), pytest.raises(AssertionError):
        run_state_machine_as_test(RewardRules, settings=few)
