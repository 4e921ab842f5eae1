"""Section 6 of the Raft paper, and chapter 4 of Ongaro's thesis, sentence by sentence: changes of the cluster.

Voters change by joint consensus (Raft 6, thesis 4.3). The one-server changes of thesis 4.1 are not used: each is a
special case, and needs a rule of its own to be safe (a leader must first commit a block of its term).
"""

import pytest

from jifen.consensus.configuration import Configuration
from jifen.testing.consensus_host import append, make_chain, make_host, payload_of
from jifen.testing.script import play

OLD, JOINT, NEW = Configuration(("a", "b", "c")), Configuration(("c", "d", "e"), ("a", "b", "c")), "c d e"

# Section 6: joint consensus.


def test_6_entries_are_replicated_to_all_servers_in_both_configurations() -> None:
    play("""
        validators a b c | d e
        elect a
        leaving off
        configure a: voters c d e, outgoing a b c
        propose a
        deliver
        b c d e: log 1 1 1
    """)


@pytest.mark.parametrize("leader", ["b", "d"])
def test_6_any_server_from_either_configuration_may_serve_as_leader(leader: str) -> None:
    play(f"""
        validators a b c | d e
        elect a
        leaving off
        configure a: voters c d e, outgoing a b c
        deliver
        elect {leader}
        {leader}: leader, outgoing a b c
        a b c d e: last 3, committed 3
    """)


@pytest.mark.parametrize(
    ("there", "elected"),
    [("a b c", False), ("b d e", False), ("a d e", False), ("a b d", False), ("a b d e", True), ("b c d", True)],
)
def test_6_an_election_requires_separate_majorities_of_the_old_and_the_new(there: str, elected: bool) -> None:
    candidate = there.split(maxsplit=1)[0]
    result = "leader" if elected else "pre-candidate"
    others = " ".join(id for id in "abcde" if id not in there)
    play(f"""
        validators a b c | d e
        elect a
        leaving off
        configure a: voters c d e, outgoing a b c
        deliver
        timeout a                                   # it hears nobody, and steps down
        lose >
        isolate {others}
        silence {" ".join(there.split()[1:])}
        timeout {candidate}
        deliver
        {candidate}: {result}
        heal
    """)


@pytest.mark.parametrize(
    ("answering", "committed"), [("b c", False), ("c d e", True), ("d e", False), ("b d", False), ("b d e", True)]
)
def test_6_commitment_requires_separate_majorities_of_the_old_and_the_new(answering: str, committed: bool) -> None:
    """The leader a is one of the old and none of the new."""
    play(f"""
        validators a b c | d e
        elect a
        leaving off
        configure a: voters a b c, observers d e
        deliver
        hold b c d e > a
        configure a: voters c d e, outgoing a b c
        deliver
        deliver {answering} > a
        a: last 3, committed {3 if committed else 2}
        release
    """)


def test_6_a_server_uses_the_latest_configuration_in_its_log_whether_or_not_it_is_committed() -> None:
    host = make_host("d", OLD)
    host.step(append(host, make_chain([1], payload=payload_of(JOINT)), sender="a", term=1))
    assert (host.raft.committed, host.raft.configuration) == (0, JOINT)


def test_6_the_entry_that_begins_the_change_is_itself_decided_by_the_joint_configuration() -> None:
    play("""
        validators a | b
        elect a
        hold b > a
        configure a: voters a b, outgoing a
        deliver
        a: last 2, committed 1                      # alone it was a majority of the old
        release
    """)


@pytest.mark.parametrize("knows", [True, False])
def test_6_if_the_leader_crashes_a_new_one_is_chosen_under_the_configuration_that_the_winner_has(knows: bool) -> None:
    play(f"""
        validators a b c | d e
        elect a
        leaving off
        {"" if knows else "hold a > b c d e"}
        configure a: voters c d e, outgoing a b c
        {"round" if knows else ""}
        crash a
        lose >
        release
        elect b
        b: leader, outgoing {"a b c" if knows else "nobody"}
    """)


def test_6_once_the_joint_entry_is_committed_only_servers_that_have_it_can_be_elected() -> None:
    play("""
        validators a b c | d e
        elect a
        leaving off
        hold a > b
        configure a: voters c d e, outgoing a b c
        deliver
        a: committed 2
        b: last 1
        crash a
        lose > b
        release
        silence c d e
        timeout b                                   # under the old configuration, of which c remains
        deliver
        b: pre-candidate                            # c has more
        elect c
        c: leader
    """)


def test_6_the_new_configuration_takes_effect_on_each_server_as_soon_as_it_is_seen() -> None:
    play("""
        validators a b c | d e
        elect a
        leaving off
        configure a: voters c d e, outgoing a b c
        deliver
        hold b c d e > a
        configure a: voters c d e
        a: voters c d e, outgoing nobody
        deliver
        c d e: voters c d e, outgoing nobody, committed 2
        release
    """)


def test_6_the_new_configuration_is_committed_by_its_own_rules_and_then_others_can_be_shut_down() -> None:
    play(f"""
        validators a b c | d e
        elect a
        leaving off
        configure a: voters {NEW}, outgoing a b c
        deliver
        hold b c d e > a
        configure a: voters {NEW}
        deliver
        deliver b c > a
        a: committed 2                              # two of the old
        deliver d > a
        a: committed 3                              # two of the new
        release
        deliver
        a b: retired
        crash a b
        propose c
        deliver
        {NEW}: committed 5
    """)


def test_6_new_servers_join_as_non_voting_members_until_they_have_caught_up() -> None:
    """The first issue of section 6, thesis 4.2.1."""
    play("""
        validators a b | c
        elect a
        propose a 3
        deliver
        configure a: voters a b, observers c
        hold b > a
        deliver
        c: last 5
        a: committed 4                              # its answer does not count
        deliver b > a
        a: committed 5
        release
    """)


def test_6_a_leader_that_is_not_in_the_new_configuration_manages_the_cluster_until_that_is_committed() -> None:
    """The second issue of section 6, thesis 4.2.2: it replicates but does not count itself, and then steps down."""
    play("""
        validators a b c
        elect a
        leaving off
        configure a: voters b c, outgoing a b c
        deliver
        hold b c > a
        configure a: voters b c
        propose a
        deliver
        b c: last 4
        deliver b > a
        a: leader, committed 2
        deliver c > a
        a: leader, committed 4, hands over to b
        release
        deliver
        a: follower, retired
    """)


def test_6_servers_disregard_vote_requests_when_they_believe_a_current_leader_exists() -> None:
    """The third issue of section 6, thesis 4.2.3: removed servers cannot depose a leader that sends heartbeats."""
    play("""
        validators a b c
        elect a
        hold a > c
        configure a: voters a b, outgoing a b c
        deliver
        lose a > c
        timeout c
        timeout c
        timeout c
        deliver
        a: leader, term 1
        b: term 1
        release
    """)


# Thesis 4.


def test_thesis_4_1_a_server_falls_back_to_the_previous_configuration_when_the_entry_is_removed() -> None:
    host = make_host("b", OLD)
    [entry] = make_chain([1], payload=payload_of(JOINT))
    host.step(append(host, [entry], sender="a", term=1))
    host.step(append(host, make_chain([2]), sender="c", term=2))
    assert (host.raft.last_height, host.raft.configuration) == (1, OLD)


def test_thesis_4_1_a_server_accepts_requests_of_a_leader_that_is_not_in_its_configuration() -> None:
    """Else a new server could never be added."""
    host = make_host("x", OLD)
    host.step(append(host, make_chain([4]), sender="leader", term=4))
    assert (host.raft.leader, host.raft.last_height) == ("leader", 1)


def test_thesis_4_1_a_server_grants_its_vote_to_a_candidate_that_is_not_in_its_configuration() -> None:
    """A third server that was just added may be needed for a majority before the second has heard of it."""
    play("""
        validators a b | c
        elect a
        configure a: voters a b, observers c
        deliver
        hold a > b
        leaving off
        configure a: voters a b c, outgoing a b
        deliver
        lose a >
        timeout a
        silence b
        timeout c
        deliver
        release
        b: last 2, voters a b
        elect c
        b: votes c
        c: leader
    """)


def test_thesis_4_2_2_a_server_that_is_not_in_its_latest_configuration_still_starts_elections() -> None:
    """As it may be needed until the entry is committed; it does not count its own vote."""
    play("""
        validators a b
        elect a
        leaving off
        configure a: voters b, outgoing a b
        deliver
        hold a > b
        configure a: voters b
        lose a > b
        crash a
        restart a
        release
        a: last 3, voters b, committed 2
        silence b
        timeout a
        a > b: VoteRequest
        a: pre-candidate
        deliver a > b
        deliver b > a
        a: candidate
        deliver
        b: committed 5
    """)


def test_thesis_4_2_2_it_hands_leadership_over_when_the_entry_is_committed() -> None:
    play("""
        validators a b
        elect a
        configure a: voters b, outgoing a b
        deliver
        a: follower, retired
        b: leader, term 2
    """)


def test_thesis_4_2_4_the_leader_can_commit_the_change_without_the_server_that_it_removes() -> None:
    """Availability during a change: a dead server can be replaced."""
    play("""
        validators a b c | d
        elect a
        configure a: voters a b c, observers d
        deliver
        crash c
        lose > c
        configure a: voters a b d, outgoing a b c
        deliver
        a b d: voters a b d, outgoing nobody, committed 4
    """)


def test_thesis_4_3_a_configuration_change_is_two_entries_and_one_at_a_time() -> None:
    """Nothing may follow a joint configuration but the one that it leads to."""
    assert Configuration(("c", "d", "e")).may_follow(JOINT)
    assert not Configuration(("a", "d"), ("c", "d", "e")).may_follow(JOINT)
    assert not Configuration(("c", "d", "e")).may_follow(OLD)
