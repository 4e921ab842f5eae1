"""The world notices classic bugs; all of them, with the seeds they take, are in docs/testing.md (`make mutations`)."""

import re
from pathlib import Path

import pytest

from jifen.testing.mutations import MUTATIONS, Mutation, catch
from jifen.testing.world.disk import SimulatedDisk

WORLDS_MAX = 60
"""Worlds for one bug here: every change of the core deals the seeds anew."""

QUICK_WORLDS_MAX = 3
"""Bugs that take more worlds than that, by the table in the docs, are left to `make mutations`."""


def worlds_needed() -> dict[str, int]:
    """Return the table in docs/testing.md: worlds until each planted bug was caught."""
    docs = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| [^|]+ \|$", docs, re.MULTILINE)
    return {name: int(count) for name, count in rows}


QUICK = [mutation for mutation in MUTATIONS if worlds_needed().get(mutation.name, 0) <= QUICK_WORLDS_MAX]


@pytest.mark.parametrize("mutation", QUICK, ids=[mutation.name for mutation in QUICK])
def test_the_world_notices(mutation: Mutation) -> None:
    assert catch(mutation, seeds_max=WORLDS_MAX) is not None


def test_what_is_no_bug_is_not_caught() -> None:
    harmless = Mutation("nothing", ((SimulatedDisk, "open", SimulatedDisk.open),))

    assert catch(harmless, first=200, seeds_max=3) is None


def test_the_table_in_the_docs_lists_every_planted_bug() -> None:
    assert list(worlds_needed()) == [mutation.name for mutation in MUTATIONS]
    assert len(QUICK) > 10
