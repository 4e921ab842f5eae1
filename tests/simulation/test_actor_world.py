"""Real actors under faults drawn from a seed: in whatever order their tasks run, all checks hold, then all agree."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jifen.consensus.invariants import InvariantBroken
from jifen.testing.actor_world.drawing import drawn
from jifen.testing.actor_world.engine import ActorWorld
from jifen.testing.actor_world.mutations import ACTOR_MUTATIONS, catch_actor_bug
from jifen.testing.mutations import planted
from jifen.testing.simulate import main
from jifen.testing.world.scenario import from_text

BUGS = {mutation.name: mutation for mutation in ACTOR_MUTATIONS}

SHORT = "seed {seed}\ntight 1\nduration_ms 1200\nread_ms 100\nthink_ms 40\nat 800 crash leader\nat 900 restart all\n"

TRACE = f"""
from jifen.testing.actor_world.engine import ActorWorld
from jifen.testing.world.scenario import from_text
world = ActorWorld(from_text({SHORT.format(seed=5)!r}))
world.run()
print(world.lines.hexdigest(), world.steps)
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_world_of_actors_is_safe_under_faults_and_live_after_healing(seed: int) -> None:
    world = ActorWorld(drawn(seed))

    world.run()

    assert world.figures().transactions > 4, "a world in which little is committed tests little"
    assert world.figures().reads >= len(world.ids)


FAULTS = {
    *("kills", "power failures", "pauses", "clean stops", "transfers", "failed syncs", "full disks", "slow disks"),
    *("partitions", "one-way cuts", "broken connections", "sent again", "clock steps"),
}


def test_faults_are_drawn_of_every_kind() -> None:
    verbs = {event.command.split()[0] for seed in range(60) for event in drawn(seed).events}

    assert verbs >= {"crash", "pause", "stop", "reset", "transfer", "fail-sync", "fill-disk", "slow-disk", "clock"}
    assert verbs >= {"partition", "cut", "isolate", "deaf", "mute", "heal", "restart", "resume"}


def test_every_fault_that_is_asked_for_happens() -> None:
    script = """seed 3\nduration_ms 5500\nthink_ms 30\nloss_per_mille 50
        at 1400 transfer any\nat 1500 reset mall cafe\nat 1600 slow-disk mall 20\nat 1700 clock cafe -500
        at 1800 partition mall books | music cafe\nat 1900 heal\nat 1910 deaf music\nat 2000 heal
        at 2300 fill-disk music\nat 2400 pause leader\nat 2500 resume all\nat 4000 empty-disks
        at 4100 crash mall\nat 4150 crash books\nat 4200 crash cafe\nat 4210 restart all
        at 4300 crash cafe\nat 4350 crash mall\nat 4500 restart all
        at 5200 fail-sync mall\nat 5300 stop leader\nat 5400 restart all"""
    world = ActorWorld(from_text(script))

    world.run()

    assert world.injected.keys() >= FAULTS, FAULTS - world.injected.keys()


def test_a_seed_is_one_run_in_this_process_and_in_others_whatever_their_hash_seed() -> None:
    def run(seed: int) -> str:
        world = ActorWorld(from_text(SHORT.format(seed=seed)))
        world.run()
        return f"{world.lines.hexdigest()} {world.steps}"

    def run_elsewhere(hash_seed: int) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
        done = subprocess.run(
            [sys.executable, "-c", TRACE], env=environment, capture_output=True, check=True, text=True, timeout=120
        )
        return done.stdout.strip()

    first = run(5)
    assert run(5) == first
    assert run(6) != first
    assert {run_elsewhere(1), run_elsewhere(2)} == {first}


@pytest.mark.parametrize(
    ("bug", "noticed"),
    [
        ("clients are answered before the block is durable", "answers what it cannot show"),
        ("acknowledgements leave before the write", "committed but not durable on a quorum"),
        ("storage and consensus wait for each other", "no agreement after healing"),
        ("a listener sleeps although there is news", "was told of"),
        ("a current read asks nobody", "a stale read"),
    ],
)
def test_bugs_of_the_glue_are_noticed(bug: str, noticed: str) -> None:
    caught = catch_actor_bug(BUGS[bug], seeds_max=6)

    assert caught is not None
    assert noticed in caught.check


def test_a_command_that_does_not_exist_is_named() -> None:
    world = ActorWorld(from_text("seed 1\nduration_ms 1500\nat 900 explode mall\n"))
    with pytest.raises(InvariantBroken, match="no such command"):
        world.run()


def test_a_seed_that_fails_says_how_to_run_it_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "short.scenario"
    path.write_text(SHORT.format(seed=5))
    options = ["--actors", "--scenario", str(path), "--save", str(tmp_path)]
    with planted(BUGS["acknowledgements leave before the write"]):
        assert main(options) == 1
    said = capsys.readouterr().out
    assert f"replay:  python -m jifen.testing.simulate --actors --scenario {tmp_path}/seed-5.scenario" in said
    assert "--actors --seeds 1 --first 5" in said
    assert "committed but not durable on a quorum" in said
    assert main([*options[:2], f"{tmp_path}/seed-5.scenario"]) == 0


def test_the_table_in_the_docs_lists_every_planted_bug_of_the_glue() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
    for mutation in ACTOR_MUTATIONS:
        assert f"| {mutation.name} |" in docs
