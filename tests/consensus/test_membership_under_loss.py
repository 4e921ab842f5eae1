"""Many cores on links that lose, repeat and reorder, while voters and observers come and go at random.

What is checked after every step, and at the end, says `jifen.testing.core_storm`.
"""

import pytest

from jifen.testing.core_storm import CoreStorm

SEEDS = 240
BATCH = 60


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_whatever_is_lost_while_voters_come_and_go_nothing_committed_is_and_the_change_ends(first: int) -> None:
    storms = [CoreStorm(seed) for seed in range(first, first + BATCH)]
    for storm in storms:
        storm.run()
    assert sum(len(storm.cores.committed) for storm in storms) > BATCH * 10
    assert sum(storm.changes for storm in storms) > BATCH * 2
