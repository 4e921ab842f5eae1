"""Rows 19 and 20 of the checklist among whole validators: reads that are never stale, and leadership handed over.

Names in docstrings are those of the same ideas in etcd's tests. What one core does by itself is tested in
tests/consensus/test_read_index.py and test_leadership_transfer.py.
"""

import pytest

from jifen.consensus.types import Role
from jifen.testing.world.engine import World
from jifen.testing.world.machines import TICK_MS
from jifen.testing.world.scenario import from_text
from jifen.testing.world.validator import SimulatedValidator


def play(text: str) -> World:
    """Run a world without faults until it has a leader and a few blocks."""
    world = World(from_text(f"{text}\nduration_ms 2500\n"))
    world.run_until(2500)
    assert world.height > 3
    return world


def leader_of(world: World) -> SimulatedValidator:
    """Return the leader, of which there must be one."""
    name = world.leader_id()
    assert name is not None, world.summary()
    return world.nodes[name]


def followers_of(world: World) -> list[str]:
    """Return the others."""
    return [id for id in world.ids if id != leader_of(world).id]


def transferring(node: SimulatedValidator) -> str | None:
    """Return to whom leadership is being handed over now."""
    return node.raft.transferring


@pytest.mark.parametrize("named", [True, False])
def test_row_20_a_peer_that_has_everything_leads_before_anybody_grows_impatient(named: bool) -> None:
    """TestLeaderTransferToUpToDateNode; TestLeaderTransferWithCheckQuorum, since a lease is always held here."""
    world = play("seed 20")
    old, followers = leader_of(world), followers_of(world)
    term = old.raft.term
    world.nemesis(f"transfer {followers[1] if named else 'any'}")
    world.run_for(9 * TICK_MS)  # less than the shortest election timeout

    assert leader_of(world).id in ([followers[1]] if named else followers)
    assert {node.raft.term for node in world.nodes.values()} == {term + 1}
    world.settle()


def test_row_20_leadership_can_be_handed_back() -> None:
    """TestLeaderTransferBack."""
    world = play("seed 20\nvalidators 3")
    first, second = leader_of(world).id, followers_of(world)[0]
    for chosen in (second, first):
        world.nemesis(f"transfer {chosen}")
        world.run_for(9 * TICK_MS)
        assert leader_of(world).id == chosen
    world.settle()


def test_row_20_a_peer_far_behind_is_brought_up_to_date_first() -> None:
    """TestLeaderTransferToSlowFollower."""
    world = play("seed 21\nvalidators 3\nclients 4\nthink_ms 10")
    slow = followers_of(world)[0]
    world.nemesis(f"deaf {slow}")
    world.run_for(7 * TICK_MS)
    behind = leader_of(world).raft.last_height - world.nodes[slow].raft.last_height
    world.nemesis("heal")
    world.clients.resting = True
    world.nemesis(f"transfer {slow}")
    world.run_for(15 * TICK_MS)

    assert behind > 3
    assert leader_of(world).id == slow
    world.settle()


def test_row_20_when_the_chosen_peer_stays_away_the_leader_leads_on() -> None:
    """TestLeaderTransferTimeout."""
    world = play("seed 22")
    leader, away = leader_of(world), followers_of(world)[0]
    term = leader.raft.term
    world.nemesis(f"crash {away}")
    world.nemesis(f"transfer {away}")
    world.run_for(5 * TICK_MS)
    assert transferring(leader) == away
    world.run_for(10 * TICK_MS)
    assert transferring(leader) is None
    height = world.height
    world.run_for(2000)

    assert (leader_of(world), leader.raft.term) == (leader, term)
    assert world.height > height
    world.settle()


def test_row_20_blocks_on_their_way_while_leadership_passes_on_are_neither_lost_nor_doubled() -> None:
    """TestLeaderTransferToUpToDateNodeFromFollower, turned round."""
    world = play("seed 23\nclients 6\nthink_ms 5\nsync_ms_max 20")
    for _ in range(6):
        world.nemesis("transfer any")
        world.run_for(700)

    assert len(world.checks.leaders) > 4
    world.settle()
    assert world.clients.counts["told"] == world.clients.counts["begun"]


def test_row_19_in_calm_every_read_of_every_validator_passes() -> None:
    world = play("seed 19\nread_ms 20")
    before, asked = world.checks.reads_confirmed, world.reads
    world.run_for(2000)

    assert world.reads - asked > 100
    assert world.checks.reads_confirmed - before > world.reads - asked - 10, "all but those under way"


def test_row_19_a_leader_cut_off_confirms_no_read_although_it_still_believes_to_lead() -> None:
    world = play("seed 19")
    old = leader_of(world)
    world.nemesis(f"isolate {old.id}")
    for _ in range(8):
        world.ask_read(old)
        world.run_for(TICK_MS // 2)
        assert old.raft.role is Role.LEADER
    world.run_for(3000)

    assert leader_of(world) is not old
    assert world.checks.reads_confirmed == 0


def test_row_19_a_leader_that_slept_through_an_election_confirms_no_read_when_it_wakes() -> None:
    """The world compares every confirmed height with what was committed anywhere when the read was asked."""
    world = play("seed 19")
    old = leader_of(world)
    world.nemesis(f"pause {old.id}")
    world.run_for(4000)
    assert leader_of(world) is not old
    assert world.height > old.raft.committed + 5
    world.ask_read(old)
    world.nemesis("resume all")
    world.run_for(2000)

    assert world.checks.reads_confirmed == 0
    world.settle()
