"""Snapshots in the simulated world: the tests of MIT 6.5840, lab 3D, and what etcd-io/raft plays of slow followers.

Same names, same ideas, own words. `world.injected["snapshots carried over"]` counts snapshots that arrived whole.
"""

import pytest

from jifen.testing.script import play
from jifen.testing.world.engine import World
from jifen.testing.world.scenario import from_text

ELECTION_MS = 2500
"""Within so long somebody leads, if a quorum can."""

BEHIND = 30
"""Blocks that whoever is away misses: more than a log keeps that is compacted."""


def begin(text: str = "") -> World:
    """Run a world of three that compacts until somebody leads; clients are called by the test alone."""
    world = World(from_text(f"validators 3\nclients 0\ncompact_every 2\nduration_ms 600000\n{text}"))
    world.clients.resting = True
    world.run_until(ELECTION_MS)
    return world


def agree(world: World, count: int = BEHIND, patience_ms: int = 20_000) -> None:
    """Let clients ask for transactions, one after the other, and wait for each answer."""
    for _ in range(count):
        world.clients.begin(1000 + world.clients.counts["begun"], world)
        deadline = world.now + patience_ms
        while world.clients.waiting:
            assert world.now < deadline, world.summary()
            world.run_for(10)


def carried(world: World) -> int:
    """Return how many snapshots have arrived whole."""
    return world.injected["snapshots carried over"]


def away(world: World, turn: int) -> str:
    """Name who goes away in a turn: the leader in every third, else a follower."""
    leader = world.leader().id
    others = [id for id in world.ids if id != leader]
    return leader if turn % 3 == 2 else others[turn % 2]


def test_logs_stay_short_while_validators_compact_them() -> None:
    """MIT SnapshotBasic."""
    world = begin()
    agree(world, 60)
    assert world.height >= 60
    assert all(len(node.disk.log) < BEHIND for node in world.nodes.values())
    assert carried(world) == 0
    world.settle()


@pytest.mark.parametrize(
    "network",
    [
        pytest.param("", id="SnapshotInstall"),
        pytest.param("loss_per_mille 100\nduplicate_per_mille 50\ndelay_ms_mean 10\n", id="SnapshotInstallUnreliable"),
    ],
)
def test_who_was_cut_off_goes_on_from_a_snapshot(network: str) -> None:
    """MIT SnapshotInstall, SnapshotInstallUnreliable."""
    world = begin(network)
    for turn in range(4):
        whom = away(world, turn)
        world.nemesis(f"isolate {whom}")
        agree(world)
        world.nemesis("heal")
        agree(world, 2)
        world.run_for(3000)
        assert world.nodes[whom].disk.outcomes_above > 0, world.summary()
    assert carried(world) >= 3
    world.settle()


@pytest.mark.parametrize(
    "network",
    [
        pytest.param("", id="SnapshotInstallCrash"),
        pytest.param("loss_per_mille 100\nduplicate_per_mille 50\ndelay_ms_mean 10\n", id="SnapshotInstallUnCrash"),
    ],
)
def test_who_had_crashed_goes_on_from_a_snapshot(network: str) -> None:
    """MIT SnapshotInstallCrash, SnapshotInstallUnCrash."""
    world = begin(network)
    for turn in range(4):
        whom = away(world, turn)
        world.nemesis(f"crash {whom}")
        agree(world)
        world.nemesis(f"restart {whom}")
        agree(world, 2)
        world.run_for(3000)
        assert world.nodes[whom].disk.outcomes_above > 0, world.summary()
    assert carried(world) >= 3
    world.settle()


def test_all_crash_at_once_and_start_from_what_they_had_compacted() -> None:
    """MIT SnapshotAllCrash."""
    world = begin()
    for _ in range(3):
        agree(world, 20)
        height = world.height
        world.nemesis("crash all")
        world.nemesis("restart all")
        world.run_for(ELECTION_MS)
        assert all(node.disk.tip.height >= height for node in world.nodes.values())
        assert all(node.raft.base.height > 0 for node in world.nodes.values())
    world.settle()


def test_who_starts_again_after_a_snapshot_keeps_what_came_with_it() -> None:
    """MIT SnapshotInit: a second crash finds the state that the first start installed, and new blocks above it."""
    world = begin()
    whom = away(world, 0)
    world.nemesis(f"crash {whom}")
    agree(world)
    world.nemesis(f"restart {whom}")
    agree(world, 1)
    world.run_for(3000)
    base = world.nodes[whom].disk.base.height
    assert base > 0
    world.nemesis("crash all")
    world.nemesis("restart all")
    world.run_for(ELECTION_MS)
    agree(world, 1)
    assert world.nodes[whom].disk.base.height >= base
    world.settle()


@pytest.mark.parametrize("seed", range(8))
def test_a_crash_in_the_middle_of_an_install_leaves_the_old_or_the_new(seed: int) -> None:
    world = begin(f"seed {seed}\nsync_ms_max 30\n")
    whom = away(world, 0)
    world.nemesis(f"crash {whom}")
    agree(world)
    world.nemesis(f"restart {whom}")
    node = world.nodes[whom]
    deadline = world.now + 5000
    while node.installing is None:
        assert world.now < deadline, world.summary()
        world.run_for(1)
    old, new = node.disk.tip.height, node.installing.tip.height
    world.nemesis(f"crash {whom}")
    assert node.disk.tip.height in (old, new)
    assert node.disk.base.height in (node.disk.tip.height, 0) or node.disk.tip.height == old
    world.nemesis(f"restart {whom}")
    agree(world, 2)
    world.settle()


def test_a_follower_that_lacks_what_is_compacted_is_offered_a_snapshot_and_goes_on_from_it() -> None:
    """etcd slow_follower_after_compaction, snapshot_succeed_via_app_resp."""
    play("""
        validators a b c uncommitted_heights_max=2
        elect a
        isolate c
        propose a 2
        deliver
        propose a 2
        deliver
        propose a 2
        deliver
        a b: committed 7
        compact a 3
        a: base 3, last 7
        heal
        beat a
        deliver a > c
        c: committed 1
        install c from a                    # its answer alone tells the leader: nobody reports that it went well
        c: base 3, committed 3
        deliver
        beat a
        deliver
        agreed
        c: committed 7, base 3
    """)


def test_a_snapshot_that_the_leader_has_compacted_past_is_as_good_if_what_follows_is_still_there() -> None:
    """etcd snapshot_succeed_via_app_resp_behind: the snapshot is older than the leader's log by then begins."""
    play("""
        validators a b c uncommitted_heights_max=2
        elect a
        isolate c
        propose a 2
        deliver
        propose a 2
        deliver
        propose a 2
        deliver
        compact a 2
        heal
        beat a
        deliver a > c
        install c from a
        c: base 2
        hold c > a                          # what it says of that is on its way while the leader compacts on
        compact a 3
        release
        deliver
        beat a
        deliver
        install c from a
        deliver
        beat a
        deliver
        agreed
        c: committed 7, base 3
    """)
