"""Rules of the Raft paper about what servers keep and how long they wait; form and sources as in test_raft_paper.py."""

import pytest

from jifen.actors.setup import Timing
from jifen.consensus.messages import AppendRequest, VoteRequest
from jifen.consensus.types import Role
from jifen.testing.consensus_host import Host, append, elect, make_chain, make_host


def role_after(host: Host, ticks: int) -> Role:
    host.tick(ticks)
    return host.raft.role


def test_figure_2_a_new_leader_begins_every_follower_right_after_its_own_last_entry() -> None:
    """Raft figure 2, state: nextIndex is initialised to the leader's last log index + 1."""
    host = make_host(log=make_chain([1, 1, 2, 2, 2]), committed=1, term=2)
    elect(host, empty_block=False)
    sent = [item for item in host.tick(host.config.heartbeat_ticks) if isinstance(item, AppendRequest)]
    assert [(item.recipient, item.prev_height, item.prev_term, item.entries) for item in sent] == [
        (name, 5, 2, ()) for name in "bcd"
    ]


@pytest.mark.parametrize("heard", ["heartbeat", "block", "vote given"])
def test_figure_2_the_leaders_requests_and_a_vote_given_start_the_wait_anew(heard: str) -> None:
    """Raft figure 2, followers: without AppendEntries from the current leader or granting a vote it converts."""
    host, wait = make_host(term=1), 0
    shortest = host.config.election_ticks_min
    for _ in range(5):
        assert role_after(host, shortest - 1) is Role.FOLLOWER, f"after {wait} ticks"
        wait += shortest - 1
        if heard == "vote given":
            term = host.raft.term + 1
            host.step(VoteRequest(term=term, sender="b", recipient="a", last_height=0, last_term=0, pre=False))
            assert host.raft.vote == "b"
        else:
            chain = make_chain([1]) if heard == "block" else []
            host.step(append(host, chain, term=1))
    assert role_after(host, host.config.election_ticks_max) is Role.PRE_CANDIDATE


def test_5_6_a_heartbeat_comes_many_times_within_the_shortest_election_timeout() -> None:
    """Raft section 5.6: broadcast time << election timeout."""
    timing = Timing()
    assert timing.election_ticks_min >= 5 * timing.heartbeat_ticks
    assert timing.election_ticks_max >= 2 * timing.election_ticks_min, "so wide that ties do not last"
    assert timing.election_ticks_min * timing.tick_ms >= 500, "several times the slowest disk sync"
