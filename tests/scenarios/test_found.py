"""Scenarios in which the simulated world once found a bug: as it saved them, with what the bug was in front."""

from pathlib import Path

import pytest

from jifen.testing.world import gateway
from jifen.testing.world.engine import World
from jifen.testing.world.scenario import from_text

FOUND = sorted((Path(__file__).parent / "found").glob("*.scenario"))


@pytest.mark.parametrize("path", FOUND, ids=[path.stem for path in FOUND])
def test_what_was_found_stays_mended(path: Path) -> None:
    World(from_text(path.read_text(encoding="utf-8"))).run()


def test_without_the_remedy_the_clocks_of_a_majority_keep_the_third_validator_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The scenario still reaches the bug it is kept for."""
    monkeypatch.setattr(gateway, "HEARTBEATS_IGNORED_MAX", 1_000_000)
    [path] = (path for path in FOUND if path.stem == "clocks-of-a-majority-ahead")
    with pytest.raises(AssertionError, match="no agreement after healing"):
        World(from_text(path.read_text(encoding="utf-8"))).run()
