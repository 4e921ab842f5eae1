"""Hypothesis drives whole alliances rule by rule, and what it finds is a scenario file that anybody can replay."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from jifen.consensus.invariants import InvariantBroken
from jifen.testing.simulate import main, report_of
from jifen.testing.world.engine import World
from jifen.testing.world.scenario import Event, Scenario, from_text
from jifen.testing.world_machine import WorldMachine

WorldMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=30)
TestWorld = WorldMachine.TestCase
"""Whatever rules Hypothesis thinks of, everything is checked after every step, and everything heals."""


def test_a_failure_is_saved_as_the_smallest_scenario_that_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(world: World, to: str | None) -> None:
        raise InvariantBroken("a transfer", to, world.now)

    monkeypatch.setattr(WorldMachine, "directory", tmp_path)
    quick = settings(
        max_examples=30,
        stateful_step_count=5,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
    )
    with monkeypatch.context() as planted:
        planted.setattr(World, "transfer", breaks)
        planted.setattr(World, "settle", lambda _: None)  # what does not break need not heal here, for speed
        with pytest.raises(InvariantBroken) as raised:
            run_state_machine_as_test(WorldMachine, settings=quick)
        path = tmp_path / "hypothesis.scenario"
        scenario = from_text(path.read_text(encoding="utf-8"))
        assert report_of(scenario) is not None

    assert [event.command for event in scenario.events] == ["transfer any"]
    assert f"replay:  python -m jifen.testing.simulate --scenario {path}" in raised.value.__notes__
    assert main(["--scenario", str(path)]) == 0, "mended"


def test_a_run_of_rules_is_the_run_of_its_scenario_exactly() -> None:
    calm = Scenario(seed=4, clients=2, delay_ms_mean=20, ordered=False, sync_ms_max=40, duration_ms=4000)
    events = (
        Event(1501, "crash leader"),
        Event(1502, "ask"),
        Event(2300, "restart all"),
        Event(2301, "lose leader > mall 3"),
        Event(2302, "repeat leader > music 3"),
        Event(2303, "read music"),
    )
    planned = World(msgspec.structs.replace(calm, events=events))
    planned.run_until(4000)
    driven = World(calm)
    for event in events:
        driven.run_until(event.at_ms - 1)
        driven.schedule(event)
    driven.run_until(4000)

    assert list(driven.trace) == list(planned.trace)
    assert (driven.checks.steps, driven.checks.blocks) == (planned.checks.steps, planned.checks.blocks)
    assert driven.injected["lost"] + driven.injected["duplicated"] > 0
