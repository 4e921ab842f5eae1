"""A leader crashes at every point of a change of voters: the change ends, or never was."""

import pytest

from jifen.consensus.types import Role
from jifen.testing.cores import Cores
from jifen.testing.script import Player

CHANGE = """
    validators a b c | d e
    elect a
    configure a: voters a b c, observers d e
    deliver
    configure a: voters c d e, outgoing a b c
"""


def changed(*, crash_after: int, downtime: int) -> Cores:
    """Replace two of three voters, the leader among them, and crash the leader after so many deliveries."""
    player = Player()
    for line in CHANGE.strip().splitlines():
        player.play(line, line.strip())
    cores = player.cores
    delivered = 0
    while delivered < crash_after:
        waiting = [(link, queue[0]) for link, queue in cores.links.items() if queue]
        if not waiting:
            break
        link, message = waiting[delivered % len(waiting)]
        cores.deliver(link, message)
        delivered += 1
    cores.crash("a")
    for _ in range(downtime):
        for id in "bcde":
            cores.tick(id)
        cores.deliver_all()
    return cores


@pytest.mark.parametrize("downtime", [0, 60])
@pytest.mark.parametrize("crash_after", range(0, 44, 2))
def test_a_leader_may_crash_at_any_point_of_a_change(crash_after: int, downtime: int) -> None:
    cores = changed(crash_after=crash_after, downtime=downtime)
    cores.settle()
    leader = cores.leader()
    assert leader is not None
    configuration = cores.hosts[leader].raft.configuration
    assert configuration.voters in {("a", "b", "c"), ("c", "d", "e")}
    assert not configuration.joint
    assert leader in configuration.voters


def test_the_points_at_which_it_crashes_are_of_every_kind() -> None:
    """Before anybody has heard, with the change known and not committed, committed, left, and handed over."""
    seen = set()
    for crash_after in range(0, 44, 2):
        cores = changed(crash_after=crash_after, downtime=0)
        raft = cores.hosts["a"].raft
        heard = max(cores.hosts[id].raft.last_height for id in "bcde") > 2
        seen.add((heard, raft.configuration.joint, raft.committed, raft.role is Role.LEADER))
    assert {(False, True, 2, True), (True, True, 2, True), (True, True, 3, True)} <= seen
    assert {(True, False, 3, True), (True, False, 4, True)} <= seen
    assert any(not leads for *_, leads in seen)
