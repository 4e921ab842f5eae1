"""The named checks can fail; that they hold, the simulated worlds show after every step."""

import pytest

from jifen.consensus.invariants import InvariantBroken, check_log_matching
from jifen.consensus.types import Position
from jifen.testing.consensus_host import make_chain, position_of


def test_two_logs_that_agree_above_a_difference_break_log_matching() -> None:
    one = [Position(0, 0, bytes(32)), *map(position_of, make_chain([1, 2]))]
    other = [one[0], Position(1, 1, bytes(32)), one[2]]
    check_log_matching(one, one[:2])
    with pytest.raises(InvariantBroken):
        check_log_matching(one, other)
