"""Two releases side by side: an alliance goes over to a new one validator by validator, and back if it must.

The older release knows nothing of handing over, current reads and fetching certificates (`world.releases`).
A newer one must never send it such a message: it would be taken for nonsense, and end the link and the test.
"""

import pytest

from jifen.testing.world.engine import World
from jifen.testing.world.releases import OLDER, PRESENT
from jifen.testing.world.scenario import from_text


def begin(text: str) -> World:
    world = World(from_text(f"{text}\nduration_ms 60000\n"))
    world.run_until(2500)
    assert world.height > 3
    return world


def test_an_alliance_is_upgraded_one_validator_at_a_time_while_clients_are_served() -> None:
    world = begin("seed 1\nclients 3\nthink_ms 50\nold 4")
    assert set(world.releases.values()) == {OLDER}
    for id in world.ids:
        told = world.clients.counts["told"]
        world.nemesis(f"upgrade {id}")
        world.run_for(2500)
        assert world.clients.counts["told"] > told + 5, f"nobody is served after {id} was upgraded"

    assert set(world.releases.values()) == {PRESENT}
    assert len(world.checks.leaders) <= 3, "only a leader's own restart needs an election"
    world.settle()


def test_an_upgrade_can_be_taken_back() -> None:
    world = begin("seed 2\nclients 3\nthink_ms 50\nread_ms 50")
    for id in world.ids:
        world.nemesis(f"downgrade {id}")
        world.run_for(1500)
    told = world.clients.counts["told"]
    world.run_for(2000)

    assert world.clients.counts["told"] > told + 5
    world.settle()


def test_what_is_new_works_as_soon_as_enough_know_it() -> None:
    world = begin("seed 3\nclients 2\nold 1\nread_ms 30")
    world.nemesis("transfer books")
    world.run_for(450)
    assert world.leader().id == "books", "three of four know how to hand over"
    before = world.checks.reads_confirmed
    world.run_for(2000)
    assert world.checks.reads_confirmed > before + 20
    world.settle()


@pytest.mark.parametrize("to", ["mall", "any"])
def test_who_does_not_know_how_to_take_over_is_not_told_to_and_the_leader_leads_on(to: str) -> None:
    world = begin("seed 4\nclients 2\nold 3")
    leader = world.leader()
    world.nemesis(f"transfer {to}")
    world.run_for(3000)

    assert (world.leader().id, world.leader().raft.term) == (leader.id, leader.raft.term)
    world.settle()


def test_no_current_read_passes_while_too_few_know_how_to_confirm_it_and_none_is_stale() -> None:
    world = begin("seed 5\nclients 2\nold 2\nread_ms 30")
    world.run_for(2000)

    assert world.reads > 50
    assert world.checks.reads_confirmed == 0
    for id in world.ids:
        world.nemesis(f"upgrade {id}")
    world.run_for(4000)
    assert world.checks.reads_confirmed > 20
