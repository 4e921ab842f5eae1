"""Whole alliances under faults drawn from a seed: every check after every step, then healing and progress."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jifen.consensus.invariants import InvariantBroken
from jifen.testing.mutations import MUTATIONS, planted
from jifen.testing.simulate import main, report_of
from jifen.testing.world.engine import World
from jifen.testing.world.scenario import (
    Event,
    Scenario,
    ScenarioUnreadable,
    drawn,
    from_text,
    shrunk,
    to_text,
)
from jifen.testing.world.signatures import SchnorrSignatures

BUG = next(mutation for mutation in MUTATIONS if mutation.name == "leader counts itself before durable")


@pytest.mark.parametrize("seed", range(22))
def test_seed_is_safe_under_faults_and_live_after_healing(seed: int) -> None:
    world = World(drawn(seed))

    world.run()

    assert world.clients.counts["told"] > 10, "a world in which little is committed tests little"


FAULTS = {
    *("lost", "duplicated", "reordered", "delayed", "cut off", "clogs", "partitions", "bridges", "one-way cuts"),
    *("crashes", "restarts", "torn syncs", "unseen syncs", "pauses", "drifting clocks", "clock steps", "transfers"),
    *("slow disks", "full disks", "failed syncs", "wiped disks", "rotten blocks", "misdirected writes"),
    *("rotten old blocks", "rotten states", "refused blocks", "older releases", "releases changed"),
}


def test_the_worlds_inject_every_fault_and_elect_many_leaders() -> None:
    """A harness that stops injecting would pass everything."""
    kinds: set[str] = set()
    leaders = 0
    for seed in range(100, 180):
        world = World(drawn(seed))
        world.run_until(world.scenario.duration_ms)
        kinds |= world.injected.keys()
        leaders += len(world.checks.leaders)
        if kinds >= FAULTS and leaders > 40:
            return
    raise AssertionError(FAULTS - kinds, leaders)


def test_a_seed_is_one_run_exactly() -> None:
    def trace(seed: int) -> tuple[list[str], int, dict[int, bytes]]:
        world = World(drawn(seed))
        world.run()
        return list(world.trace), world.checks.steps, world.checks.blocks

    assert trace(5) == trace(5)
    assert trace(5) != trace(6)


def test_a_world_with_real_signatures_is_safe_too() -> None:
    scenario = from_text("seed 3\nclients 1\nduration_ms 2500\nat 1800 crash leader\nat 2000 restart all\n")
    World(scenario, SchnorrSignatures()).run()


COMMANDS = ("crash {}", "restart all", "pause {}", "resume all", "isolate {}", "deaf {}", "heal", "slow-disk {} 200")


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw a world event by event, so that Hypothesis can leave out what does not matter."""
    moments = st.tuples(
        st.integers(0, 3000), st.sampled_from(COMMANDS), st.sampled_from(("leader", "mall", "books", "music"))
    )
    events = [Event(at, command.format(who)) for at, command, who in draw(st.lists(moments, max_size=12))]
    return Scenario(
        seed=draw(st.integers(0, 1000)),
        validators=3,
        duration_ms=3000,
        tight=draw(st.booleans()),
        delay_ms_mean=draw(st.sampled_from((0, 30))),
        loss_per_mille=draw(st.sampled_from((0, 100))),
        events=tuple(sorted(events)),
    )


@settings(max_examples=12)
@given(scenarios())
def test_whatever_events_hypothesis_thinks_of_are_survived(scenario: Scenario) -> None:
    World(scenario).run()


@given(scenarios())
def test_a_scenario_reads_back_as_written(scenario: Scenario) -> None:
    assert from_text(to_text(scenario)) == scenario


@pytest.mark.parametrize("text", ["seed", "seed one", "color 3", "at noon crash mall", "at"])
def test_a_line_that_says_nothing_is_named(text: str) -> None:
    with pytest.raises(ScenarioUnreadable, match="line 2"):
        from_text(f"# a remark\n{text}\n")


@pytest.mark.parametrize("command", ["crash pharmacy", "explode mall"])
def test_a_command_that_does_not_exist_is_named(command: str) -> None:
    with pytest.raises(InvariantBroken, match="no such"):
        World(from_text(f"seed 1\nat 5 {command}\n")).run()


def test_a_failing_scenario_shrinks_to_the_events_that_matter() -> None:
    events = tuple(Event(at, "crash leader" if at == 40 else "heal") for at in range(100))

    small = shrunk(Scenario(events=events), lambda scenario: Event(40, "crash leader") in scenario.events)

    assert small.events == (Event(40, "crash leader"),)


def test_a_failing_seed_is_saved_and_replays_until_its_bug_is_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--seeds", "1", "--first", "7", "--save", str(tmp_path)]
    with planted(BUG):
        assert main(options) == 1
        path = f"{tmp_path}/seed-7.scenario"
        assert main(["--scenario", path, "--save", f"{tmp_path}/again"]) == 1
    said = capsys.readouterr().out
    assert "seed-7.scenario" in said
    assert "--seeds 1 --first 7" in said
    assert "acknowledged before it was durable" in said
    assert main(["--scenario", path]) == 0
    assert "violations" in capsys.readouterr().out


def test_a_run_without_a_terminal_tells_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "2", "--first", "7"]) == 0

    said = capsys.readouterr().out
    assert said.index("1 of 2 worlds, 0 violations") < said.index("2 of 2 worlds, 0 violations") < said.index("leaders")


def test_the_report_of_a_failure_tells_what_happened_before() -> None:
    with planted(BUG):
        report = report_of(drawn(7))

    assert report is not None
    assert report.startswith("seed 7, ")
    assert "mall: " in report
