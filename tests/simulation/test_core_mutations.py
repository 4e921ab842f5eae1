"""Storms of cores notice bugs that only a change of voters can show; the table is in docs/testing.md."""

import re
from pathlib import Path

import pytest

from jifen.testing.core_mutations import CORE_MUTATIONS, catch_core_bug
from jifen.testing.mutations import Mutation

QUICK_STORMS_MAX = 30
"""Bugs that take more storms than that, by the table in the docs, are left to `make mutations`."""


def storms_needed() -> dict[str, int]:
    """Return the table in docs/testing.md: storms until each planted bug was caught."""
    docs = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
    section = docs.split("\n## Storms of cores", 1)[1].split("\n## ", 1)[0]
    return {name: int(count) for name, count in re.findall(r"^\| ([^|]+) \| [^|]+ \| (\d+) \|$", section, re.MULTILINE)}


QUICK = [mutation for mutation in CORE_MUTATIONS if storms_needed().get(mutation.name, 0) <= QUICK_STORMS_MAX]


@pytest.mark.parametrize("mutation", QUICK, ids=[mutation.name for mutation in QUICK])
def test_a_storm_notices(mutation: Mutation) -> None:
    assert catch_core_bug(mutation) is not None


def test_the_table_in_the_docs_lists_every_planted_bug_of_changing_voters() -> None:
    assert list(storms_needed()) == [mutation.name for mutation in CORE_MUTATIONS]
    assert len(QUICK) > 7
