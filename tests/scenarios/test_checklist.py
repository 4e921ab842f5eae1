"""The checklist of what has gone wrong in other Rafts: one scenario for each row that applies to what exists.

Rows that unit tests show better are there:

    row 1   vote cleared on a step-down within the term
            tests/consensus/test_election.py::test_stepping_down_within_a_term_keeps_the_vote and the one after it
    row 5   truncation without a conflict
            tests/consensus/test_replication.py::test_repeated_and_overtaken_requests_never_shorten_the_log
    row 7   answers of older terms
            tests/consensus/test_replication.py::test_acknowledgements_of_another_hash_or_term_count_nothing
    row 8   an old term's entry committed by counting
            tests/paper/test_raft_paper.py::test_5_4_2_figure_8_an_old_entry_on_a_majority_can_still_be_overwritten
    row 9   quorum arithmetic
            tests/consensus/test_quorum.py, against brute force

The rest plays in the simulated world, which checks its invariants after every step and, in `settle`, that everything
heals: one leader, equal logs, new transactions commit everywhere, no acknowledged one is lost.
"""

import pytest

from jifen.consensus.messages import Entry
from jifen.consensus.types import Role
from jifen.store.errors import StoreFailed
from jifen.testing.world.engine import World
from jifen.testing.world.scenario import from_text
from jifen.testing.world.validator import SimulatedValidator


def play(text: str, until: int | None = None) -> World:
    """Run a scenario up to a time, by default to its end."""
    world = World(from_text(text))
    world.run_until(world.scenario.duration_ms if until is None else until)
    return world


def leader_of(world: World) -> SimulatedValidator:
    """Return the leader, of which there must be one."""
    name = world.leader_id()
    assert name is not None, world.summary()
    return world.nodes[name]


def test_row_2_votes_survive_a_crash_at_any_moment_of_an_election_of_everybody_at_once() -> None:
    crashes = "".join(f"at {at} crash all\nat {at + 5} restart all\n" for at in range(900, 11_000, 617))
    world = play(f"seed 2\nvalidators 5\nsync_ms_max 40\ndelay_ms_mean 20\n{crashes}")

    assert world.injected["torn syncs"] > 3
    world.settle()
    assert len(world.checks.leaders) > 3


def test_row_3_what_a_crash_of_everybody_takes_was_never_acknowledged() -> None:
    world = play("seed 3\nclients 4\nthink_ms 20\nsync_ms_max 300\nduration_ms 6000\nat 5990 crash all\n")
    told = dict(world.checks.auditor.told)

    assert len(told) > 5
    world.settle()
    assert told.items() <= world.checks.auditor.told.items()


def test_row_3_a_single_validator_acknowledges_only_what_is_on_its_disk() -> None:
    """etcd-io/etcd issue 14370: alone, one acknowledgement is a quorum."""
    crashes = "".join(f"at {at} crash mall\nat {at + 1} restart mall\n" for at in range(2500, 14_000, 1900))
    world = play(f"seed 4\nvalidators 1\nclients 4\nthink_ms 10\nsync_ms_max 300\nduration_ms 14000\n{crashes}")

    assert world.injected["torn syncs"] > 2
    world.settle()


def test_row_4_a_failed_sync_ends_the_validator_and_is_not_tried_again() -> None:
    world = play("seed 4\nduration_ms 4000\nat 2000 fail-sync leader\n")
    stopped = [node for node in world.nodes.values() if not node.running]

    assert len(stopped) == 1
    assert not stopped[0].lost
    assert leader_of(world) is not stopped[0]
    height = world.height
    world.run_for(1000)
    assert world.height > height, "three of four go on"
    world.settle()
    assert stopped[0].running


def test_row_6_a_long_tail_of_an_abandoned_leader_is_overwritten_and_none_of_it_committed() -> None:
    """CCF long_divergence_sync, MIT 6.5840 Backup: old leader and one follower go on alone, without a quorum."""
    world = play("seed 6\nvalidators 5\nclients 4\nthink_ms 20\nduration_ms 2500\n")
    old = leader_of(world)
    friend = next(id for id in world.ids if id != old.id)
    rest = " ".join(id for id in world.ids if id not in {old.id, friend})
    world.nemesis(f"partition {old.id} {friend} | {rest}")
    world.run_for(300)
    lost = [entry.hash for entry in world.nodes[friend].disk.log if world.checks.blocks.get(entry.height) is None]
    world.run_for(3000)

    assert lost, "the abandoned leader wrote something"
    assert leader_of(world).id in rest
    world.settle()
    for node in world.nodes.values():
        assert not set(lost) & {entry.hash for entry in node.disk.log}


def test_row_8_leaders_that_crash_one_after_the_other_on_a_bad_network_lose_nothing() -> None:
    """MIT 6.5840 Figure8Unreliable."""
    crashes = "".join(f"at {at} crash leader\nat {at + 450} restart all\n" for at in range(900, 11_000, 500))
    world = play(
        "seed 8\nvalidators 5\nclients 4\nordered 0\ndelay_ms_mean 60\nloss_per_mille 100\nduplicate_per_mille 100\n"
        f"sync_ms_max 30\n{crashes}"
    )

    assert len(world.checks.leaders) > 4
    world.settle()


def test_row_9_without_a_quorum_nothing_commits() -> None:
    """MIT 6.5840 FailNoAgree: two of four are no quorum."""
    world = play("seed 9\nduration_ms 2500\n")
    old = leader_of(world).id
    one, *others = [id for id in world.ids if id != old]
    world.nemesis(f"partition {old} {one} | {' '.join(others)}")
    world.run_for(200)
    height = world.height
    world.run_for(4000)

    assert world.height == height
    world.settle()


def test_row_13_a_validator_whose_disk_was_wiped_does_not_start_again() -> None:
    world = play("seed 13\nduration_ms 4000\nat 2000 wipe books\nat 2500 restart all\n")

    assert not world.nodes["books"].running
    assert "voted before" in world.nodes["books"].lost
    world.settle()
    assert not world.nodes["books"].running


def test_row_15_a_window_full_of_lost_messages_does_not_stop_a_follower_for_ever() -> None:
    """etcd-io/etcd pull request 14633, replicate_pause: the window is two messages, and all of them are lost."""
    world = play("seed 15\ntight 1\nclients 4\nthink_ms 20\nduration_ms 2500\n")
    leader = leader_of(world).id
    away = next(id for id in world.ids if id != leader)
    term = world.nodes[leader].raft.term
    # Shorter than the follower's timeout, so that the same leader has to find its way out.
    world.nemesis(f"cut {leader} > {away}")
    world.run_for(400)
    behind = world.height - world.nodes[away].raft.committed
    world.nemesis("heal")
    world.run_for(1500)

    assert behind > 2
    assert (world.leader_id(), world.nodes[leader].raft.term) == (leader, term)
    assert world.nodes[away].raft.committed >= world.height - 4
    world.settle()


SHAPES = ["isolate {leader}", "deaf {leader}", "mute {leader}", "cut {leader} > {others}", "cut {others} > {leader}"]


@pytest.mark.parametrize("shape", SHAPES)
def test_row_17_a_leader_that_cannot_serve_gives_way(shape: str) -> None:
    """MIT 6.5840 ReElection; the partial partitions need check-quorum as well as pre-vote."""
    world = play("seed 17\nvalidators 5\nduration_ms 2500\n")
    old = leader_of(world).id
    others = [id for id in world.ids if id != old]
    world.nemesis(shape.format(leader=old, others=" ".join(others)))
    world.run_for(3000)

    assert world.nodes[old].raft.role is not Role.LEADER
    assert leader_of(world).id in others
    height = world.height
    world.run_for(1000)
    assert world.height > height
    world.settle()


def test_row_17_two_halves_that_only_one_validator_joins_are_still_served() -> None:
    world = play("seed 17\nvalidators 5\nduration_ms 2500\n")
    height = world.height
    world.nemesis("partition mall books music | music cafe tea")
    world.run_for(6000)

    assert world.height > height + 10
    world.settle()


@pytest.mark.parametrize("shape", ["isolate", "deaf", "mute"])
def test_row_17_a_validator_that_comes_back_does_not_disturb_the_leader(shape: str) -> None:
    """etcd prevote_checkquorum; MIT 6.5840 Rejoin."""
    world = play("seed 18\nduration_ms 2500\n")
    leader = leader_of(world)
    before = (leader.id, leader.raft.term)
    away = next(id for id in world.ids if id != leader.id)
    world.nemesis(f"{shape} {away}")
    world.run_for(5000)
    world.settle()

    assert (leader_of(world).id, leader_of(world).raft.term) == before


def test_row_18_a_validator_that_was_paused_hears_what_waits_before_it_believes_its_clock() -> None:
    world = play("seed 18\nduration_ms 2500\n")
    leader = leader_of(world)
    before = (leader.id, leader.raft.term)
    for _ in range(6):
        sleeper = next(id for id in world.ids if id != leader.id)
        world.nemesis(f"pause {sleeper}")
        world.run_for(1700)
        world.nemesis("resume all")
        world.run_for(1200)

    assert (leader_of(world).id, leader_of(world).raft.term) == before
    world.settle()


def test_row_21_a_leader_whose_disk_is_full_stops_instead_of_replicating_on() -> None:
    world = play("seed 21\nduration_ms 5000\nat 2000 fill-disk leader\n")
    stopped = [node for node in world.nodes.values() if not node.running]

    assert len(stopped) == 1
    assert leader_of(world) is not stopped[0]
    world.settle()


def test_row_21_a_leader_that_cannot_read_its_log_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    world = play("seed 22\ntight 1\nduration_ms 2500\n")
    leader = leader_of(world)
    away = next(id for id in world.ids if id != leader.id)
    world.nemesis(f"crash {away}")
    world.run_for(1500)

    def unreadable(_: int) -> Entry | None:
        raise StoreFailed("the disk does not read")

    monkeypatch.setattr(leader, "disk", Unreadable(leader, unreadable))
    world.nemesis(f"restart {away}")
    world.run_for(2000)

    assert not leader.running
    assert leader_of(world) is not leader


class Unreadable:
    """Makes a running core's reader fail; everything else is the disk's."""

    def __init__(self, node: SimulatedValidator, entry: object) -> None:
        self._disk = node.disk
        log = node.raft._state.log
        log._reader = self  # type: ignore[assignment]  # just the one method that is asked for
        self.entry = entry

    def __getattr__(self, name: str) -> object:
        return getattr(self._disk, name)


def test_row_22_a_validator_whose_log_rots_neither_votes_nor_leads_with_what_is_left() -> None:
    world = play("seed 22\nclients 4\nthink_ms 20\nsync_ms_max 40\nduration_ms 4000\nat 2500 rot leader\n")
    rotten = next(node for node in world.nodes.values() if not node.running)
    world.nemesis(f"restart {rotten.id}")

    assert rotten.lost
    world.settle()
    assert not rotten.running


@pytest.mark.parametrize("seed", range(3))
def test_row_22_a_leader_whose_old_blocks_rot_stops_when_one_is_needed_and_another_serves(seed: int) -> None:
    """Otherwise it would be dropped, over and over, by the one that needs the block, and keep it behind for ever."""
    world = play(f"seed {seed}\ntight 1\nclients 4\nthink_ms 20\nduration_ms 2500\n")
    leader = leader_of(world)
    away = next(id for id in world.ids if id != leader.id)
    world.nemesis(f"crash {away}")
    world.run_for(2000)
    for _ in range(20):
        world.nemesis(f"rot-old {leader.id}")
        leader.disk.rot(world.nodes[away].disk.last_height + 2, 200)
    world.nemesis(f"restart {away}")
    world.run_for(3000)

    assert "of the log is damaged" in leader.lost
    assert leader_of(world) is not leader
    world.settle()
    assert world.nodes[away].disk.tip.height == world.height


def test_row_23_asking_again_and_elsewhere_after_no_answer_commits_once_and_tells_the_same() -> None:
    world = play("seed 23\nclients 6\nthink_ms 20\nloss_per_mille 300\nduplicate_per_mille 200\n")

    assert world.clients.counts["repeated"] > 20
    world.settle()
    assert world.clients.counts["told"] == world.clients.counts["begun"] == len(world.checks.auditor.places)


@pytest.mark.parametrize("validators", [1, 3, 5])
def test_row_24_everybody_restarting_at_once_elects_a_leader_again_and_loses_nothing(validators: int) -> None:
    """MIT 6.5840 Persist1; with one validator there is nobody else to wait for."""
    world = play(f"seed 24\nvalidators {validators}\nduration_ms 3000\nat 2990 crash all\n")
    blocks = dict(world.checks.blocks)

    assert len(blocks) > 3
    world.settle()
    assert blocks.items() <= world.checks.blocks.items()


def test_a_validator_far_behind_catches_up_from_blocks() -> None:
    world = play("seed 30\nclients 4\nthink_ms 5\nduration_ms 1500\nat 1400 crash cafe\n")
    world.run_for(15_000)
    behind = world.height - world.nodes["cafe"].disk.tip.height

    assert behind > 100
    world.settle()
    assert world.nodes["cafe"].disk.tip.height == world.height


def test_row_16_under_load_blocks_grow_and_latency_does_not() -> None:
    """hashicorp/raft pull request 541: a deep pipeline only lets transactions queue longer."""

    def latency_ms(clients: int) -> tuple[float, float]:
        world = play(f"seed 16\nclients {clients}\nthink_ms 1\nsync_ms_max 20\nduration_ms 2500\n")
        told, height = world.clients.counts["told"], world.height
        world.run_for(3000)
        told, height = world.clients.counts["told"] - told, world.height - height
        return 3000 * clients / told, told / height

    calm, loaded = latency_ms(2), latency_ms(40)

    assert loaded[0] < 2 * calm[0], "twenty times the clients, and nobody waits twice as long"
    assert loaded[1] > 3 * calm[1], "because blocks carry more"
