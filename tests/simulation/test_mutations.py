"""The world notices classic bugs; all of them, with the seeds they take, are in docs/testing.md (`make mutations`)."""

import re
from pathlib import Path

import pytest

from jifen.testing.mutations import MUTATIONS, Mutation, catch
from jifen.testing.world.disk import SimulatedDisk

QUICK_SEEDS_MAX = 6

RARE = {
    "vote cleared on a step-down within the term",
    "vote for a log that is not up to date",
    "late answers of an older term counted",
    "unverified suffix acknowledged",
    "committed beyond the verified prefix",
    "wiped disk votes under its old identity",
}
"""Take more seeds than that: left to `make mutations`."""

QUICK = [mutation for mutation in MUTATIONS if mutation.name not in RARE]


@pytest.mark.parametrize("mutation", QUICK, ids=[mutation.name for mutation in QUICK])
def test_the_world_notices(mutation: Mutation) -> None:
    assert catch(mutation, seeds_max=QUICK_SEEDS_MAX) is not None


def test_what_is_no_bug_is_not_caught() -> None:
    harmless = Mutation("nothing", ((SimulatedDisk, "open", SimulatedDisk.open),))

    assert catch(harmless, first=200, seeds_max=3) is None


def test_the_table_in_the_docs_lists_every_planted_bug() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| \d+ \| [^|]+ \|$", docs, re.MULTILINE)

    assert rows == [mutation.name for mutation in MUTATIONS]
