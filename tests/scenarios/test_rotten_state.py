"""Ledger states that decay unnoticed: the one who is wrong goes, whoever it is, and the others go on."""

import pytest

from jifen.testing.world.engine import World
from jifen.testing.world.scenario import from_text


def play(text: str, until: int) -> World:
    world = World(from_text(f"{text}\nduration_ms {until}\n"))
    world.run_until(2000)
    assert world.height > 3
    return world


def refusals(world: World) -> list[str]:
    return [line for line in world.trace if " refuses " in line]


@pytest.mark.parametrize("seed", range(4))
def test_a_leader_that_is_damaged_is_replaced_and_stops_with_the_reason(seed: int) -> None:
    """One rotten validator must not halt the alliance: those who cannot reproduce its block elect another."""
    world = play(f"seed {seed}\nclients 4\nthink_ms 40", 9000)
    damaged = world.leader_id()
    assert damaged is not None
    world.nemesis(f"rot-state {damaged}")
    told = world.clients.counts["told"]

    world.run_until(9000)

    assert {line.split("refuses ")[1].split("'")[0] for line in refusals(world)} >= {damaged}
    assert "what this validator holds is damaged" in world.nodes[damaged].lost
    assert world.leader_id() not in (None, damaged)
    assert world.clients.counts["told"] > told + 20
    world.settle()


@pytest.mark.parametrize("seed", range(4))
def test_a_follower_that_is_damaged_stops_with_the_reason_and_disturbs_nobody(seed: int) -> None:
    world = play(f"seed {seed}\nclients 4\nthink_ms 40", 8000)
    leader = world.leader_id()
    damaged = next(id for id in world.ids if id != leader)
    term = world.nodes[damaged].raft.term
    world.nemesis(f"rot-state {damaged}")

    world.run_until(8000)

    assert "what this validator holds is damaged" in world.nodes[damaged].lost
    assert (world.leader_id(), world.checks.auditor.term) == (leader, term)
    world.settle()


def test_a_damaged_validator_does_not_acknowledge_what_it_cannot_reproduce() -> None:
    world = play("seed 5\nclients 4\nthink_ms 40", 8000)
    damaged = next(id for id in world.ids if id != world.leader_id())
    world.nemesis(f"rot-state {damaged}")
    world.run_until(8000)
    node = world.nodes[damaged]
    refused = int(refusals(world)[0].split("block ")[1].split(":")[0])
    assert node.disk.last_height < refused
