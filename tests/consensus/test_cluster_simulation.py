"""Whole clusters in the simulated world: faults first, then healing, and all invariants after every step."""

import pytest

from jifen.consensus.invariants import InvariantBroken, check_log_matching
from jifen.consensus.types import HardState, Position, Role
from jifen.testing.consensus_host import make_chain, position_of
from jifen.testing.consensus_world import Faults, World

STEPS = 700
"""Steps of the faulty phase: some twenty elections' worth."""

CALM = Faults(proposal=0.0)


@pytest.mark.parametrize("seed", range(40))
def test_seed_is_safe_under_faults_and_live_after_healing(seed: int) -> None:
    world = World(seed)
    world.run(STEPS)
    world.check_logs()
    world.settle()
    assert len(world.committed) > 1, "a world in which nothing is committed tests nothing"


def test_the_worlds_inject_every_fault_and_hold_many_elections() -> None:
    """A harness that stops injecting would pass everything."""
    totals: dict[str, int] = {}
    outcomes: dict[str, int] = {}
    elections = 0
    for seed in range(12):
        world = World(seed)
        world.run(300)
        elections += len(world.leaders)
        for name, count in world.injected.items():
            totals[name] = totals.get(name, 0) + count
        for name, count in world.outcomes.items():
            outcomes[name] = outcomes.get(name, 0) + count
    assert min(totals.values()) > 0, totals
    assert min(outcomes.values()) > 0, outcomes
    assert elections > 20


def test_a_seed_is_one_run_exactly() -> None:
    def digest(seed: int) -> tuple[int, dict[int, str], dict[int, bytes], str]:
        world = World(seed)
        world.run(250)
        return world.steps, world.leaders, world.committed, world.summary()

    assert digest(5) == digest(5)
    assert digest(5) != digest(6)


def calm(validators: int = 4) -> World:
    """Return a faultless world with a leader and a few committed blocks."""
    world = World(1, validators=validators, faults=Faults(proposal=0.2))
    world.run(100)
    world.faults = CALM
    world.run(20)
    assert world.agreed(beyond=3)
    return world


def leader_of(world: World) -> str:
    leader = world.leader()
    assert leader is not None
    return leader.host.config.id


def test_a_leader_cut_off_steps_down_and_the_others_elect_another() -> None:
    """MIT 6.5840 ReElection; TigerBeetle "partition 1-2 (isolate primary, symmetric)"."""
    world = calm()
    old = leader_of(world)
    world.partition("".join(id for id in world.ids if id != old))
    world.run(80)
    assert world.nodes[old].host.raft.role is not Role.LEADER
    assert leader_of(world) != old
    world.settle()


def test_a_leader_that_hears_nobody_does_not_stay_although_it_is_heard() -> None:
    """The partial partition that needs check-quorum as well as pre-vote."""
    world = calm()
    old = leader_of(world)
    world.blocked = {(id, old) for id in world.ids if id != old}
    world.run(100)
    assert leader_of(world) != old
    world.settle()


def test_a_validator_that_comes_back_does_not_disrupt_the_leader() -> None:
    """etcd prevote_checkquorum; MIT 6.5840 Rejoin."""
    world = calm()
    leader = leader_of(world)
    term = world.nodes[leader].host.raft.term
    away = next(id for id in world.ids if id != leader)
    world.partition("".join(id for id in world.ids if id != away))
    world.run(200)
    world.settle()
    assert (leader_of(world), world.nodes[leader].host.raft.term) == (leader, term)


def test_without_a_quorum_nothing_is_committed() -> None:
    """MIT 6.5840 FailNoAgree."""
    world = calm()
    leader = leader_of(world)
    others = [id for id in world.ids if id != leader]
    world.partition(leader + others[0], others[1] + others[2])
    before = max(world.committed)
    world.faults = Faults(proposal=1.0)
    world.run(150)
    assert max(world.committed) == before
    world.settle()


def test_a_bridge_between_two_halves_still_lets_a_leader_serve() -> None:
    """Every half hears only the validator in the middle."""
    world = calm(5)
    world.blocked = {(one, other) for one in "ab" for other in "de"} | {(one, other) for one in "de" for other in "ab"}
    before = max(world.committed)
    world.faults = Faults(proposal=0.5)
    world.run(300)
    assert max(world.committed) > before
    world.settle()


def test_everybody_restarting_at_once_loses_nothing() -> None:
    """MIT 6.5840 Persist1."""
    world = calm()
    before = dict(world.committed)
    for id in world.ids:
        world.crash(id)
    world.run(3)
    world.settle()
    assert before.items() <= world.committed.items()


def test_a_validator_far_behind_catches_up_from_blocks() -> None:
    world = calm()
    away = next(id for id in world.ids if id != leader_of(world))
    world.crash(away)
    world.faults = Faults(proposal=0.9)
    world.run(300)
    assert max(world.committed) > world.nodes[away].host.disk.committed + 100
    world.settle()
    assert world.nodes[away].host.disk.committed == max(world.committed)


def test_a_long_divergence_is_overwritten() -> None:
    """CCF long_divergence_sync: a leader alone with one follower builds a tail while the others go on."""
    world = calm(5)
    old = leader_of(world)
    follower = next(id for id in world.ids if id != old)
    world.partition(old + follower, "".join(id for id in world.ids if id not in {old, follower}))
    for _ in range(4):
        world.nodes[old].host.propose(b"lost")
        world.run(1)
    lost = world.nodes[follower].host.raft.last_hash
    world.faults = Faults(proposal=0.5)
    world.run(100)
    assert lost in {entry.hash for entry in world.nodes[follower].host.disk.log}
    world.settle()
    assert all(lost not in {entry.hash for entry in node.host.disk.log} for node in world.nodes.values())


def test_a_failure_tells_its_seed_and_how_to_replay_it() -> None:
    """The harness can fail: a disk that forgets its vote is noticed."""
    world = World(7, faults=CALM)
    world.run(60)
    victim = world.nodes[leader_of(world)]
    world.crash(victim.host.config.id)
    victim.host.disk.hard_state = HardState(victim.host.disk.last.term, None)
    world.restart(victim.host.config.id)
    victim.host.disk.log.pop()
    with pytest.raises(InvariantBroken, match=r"seed 7, step \d+[^$]*replay: World\(7\)"):
        world.run(300)


def test_two_logs_that_agree_above_a_difference_break_log_matching() -> None:
    one = [Position(0, 0, bytes(32)), *map(position_of, make_chain([1, 2]))]
    other = [one[0], Position(1, 1, bytes(32)), one[2]]
    check_log_matching(one, one[:2])
    with pytest.raises(InvariantBroken):
        check_log_matching(one, other)
