"""CCF's scenarios of reconfiguration and retirement, played by our cores: same names, same ideas, own words.

There a change is one block that needs both quorums; here it is two, the joint configuration and the one that leaves it.
A name like `reconfig_01_el2_12` says: from voters 0 and 1 to voters 1 and 2, with 2 elected in between.
"""

import pytest

from jifen.testing.script import play

# Coming.


def test_one_newcomer_after_the_other() -> None:
    """CCF reconfiguration_new."""
    play("""
        validators a | b c
        elect a
        configure a: voters a b, outgoing a
        deliver
        agreed
        configure a: voters a b c, outgoing a b
        deliver
        agreed
        a b c: voters a b c, outgoing nobody
    """)


def test_newcomers_that_are_needed_for_their_own_admission() -> None:
    """CCF reconfiguration: from an empty log, and its first answer is a refusal."""
    play("""
        validators a | b c d
        elect a
        configure a: voters a b, outgoing a
        deliver
        hold a > c d
        configure a: voters a b c d, outgoing a b
        deliver
        a: committed 3, last 4
        deliver a > c 1
        deliver
        a: committed 3                              # it refused: its log is empty
        deliver a > c 1
        deliver
        a: committed 4                              # three of four, and both of the two
        release
        beat a
        deliver
        a b c d: voters a b c d, outgoing nobody
    """)


def test_who_is_in_no_configuration_stands_for_nothing() -> None:
    """CCF 4806."""
    play("""
        validators a | b
        tick b 200
        b: follower, term 0, follows nobody, log -
        elect a
    """)


def test_a_leader_that_passes_all_on_to_one_it_cannot_reach_waits() -> None:
    """CCF 4582.2."""
    play("""
        validators a | b
        elect a
        propose a
        isolate b
        configure a: voters b, outgoing a
        deliver
        a: leader, last 3, committed 2
        b: log -, voters a
        timeout a
        a: follower                                 # the new voters' quorum does not answer
        heal
        elect a
        a: follower, retired
        b: leader, voters b, outgoing nobody
    """)


# Replacing, and elections meanwhile.


def test_one_voter_hands_the_ledger_to_another() -> None:
    """CCF reconfig_0_1, rcfg_0_1."""
    play("""
        validators a | b
        elect a
        propose a 2
        configure a: voters b, outgoing a
        deliver
        a: follower, retired
        b: leader, term 2, log 1 1 1 1 1 2, committed 6
        crash a
        propose b
        b: committed 7
    """)


def test_two_pass_the_ledger_on_and_one_of_them_stays() -> None:
    """CCF reconfig_01_12, rcfg_01_12, swap_node_no_election."""
    play("""
        validators a b | c
        elect a
        configure a: voters b c, outgoing a b
        deliver
        a: retired
        b: leader, term 2
        b c: voters b c, outgoing nobody, log 1 1 1 2
        crash a
        propose b
        deliver
        b c: committed 5
    """)


def test_two_pass_the_ledger_on_to_two_others() -> None:
    """CCF reconfig_01_23."""
    play("""
        validators a b | c d
        elect a
        configure a: voters c d, outgoing a b
        deliver
        a b: retired
        c: leader, term 2
        c d: voters c d, outgoing nobody
        crash a b
        propose c
        deliver
        c d: committed 5
    """)


@pytest.mark.parametrize("who", ["a", "b", "c"])
def test_one_of_the_three_is_elected_in_the_middle_of_the_change(who: str) -> None:
    """CCF reconfig_01_el0_12, reconfig_01_el1_12, reconfig_01_el2_12, rcfg_01_timeout_12, swap_node."""
    play(f"""
        validators a b | c
        elect a
        hold b c > a
        configure a: voters b c, outgoing a b
        round
        deliver c > a
        deliver
        a b c: last 2, outgoing a b, committed 1
        timeout a
        a: follower
        lose >
        release
        elect {who}
        beat b
        beat c
        deliver
        a: retired
        b c: voters b c, outgoing nobody
    """)


@pytest.mark.parametrize("who", ["a", "c"])
def test_one_of_the_four_is_elected_in_the_middle_of_the_change(who: str) -> None:
    """CCF reconfig_01_el0_23, reconfig_01_el2_23."""
    play(f"""
        validators a b | c d
        elect a
        configure a: voters a b, observers c d
        deliver
        hold b c d > a
        configure a: voters c d, outgoing a b
        round
        a b c d: last 3, outgoing a b, committed 2
        timeout a
        a: follower
        lose >
        release
        elect {who}
        beat c
        beat d
        deliver
        a b: retired
        c d: voters c d, outgoing nobody
    """)


def test_a_newcomer_that_lacks_blocks_loses_and_the_old_leader_is_elected_again() -> None:
    """CCF reconfig_01_el0_23: the newcomer asks, everybody has more than it."""
    play("""
        validators a b | c d
        elect a
        configure a: voters a b, observers c d
        deliver
        hold b c d > a
        configure a: voters c d, outgoing a b
        round
        propose a
        deliver a > b d
        lose >
        silence a b d
        timeout c
        deliver
        c: last 3
        a b d: last 4, term 1
        release
        elect a
        a b: retired
        c d: voters c d, outgoing nobody
    """)


def test_a_newcomer_is_elected_before_the_old_voters_know_of_it() -> None:
    """CCF election_while_reconfiguration, election_while_reconfiguration_deprecated: it needs both quorums, not three
    of the five: two of those are the newcomers that nobody else has heard of.
    """
    play("""
        validators a b | c d e
        elect a
        configure a: voters a b, observers c d e
        deliver
        hold a > b
        configure a: voters a b c d e, outgoing a b
        deliver a > c d e
        lose a >
        lose > a
        crash a
        timeout c
        deliver c > d e
        deliver
        c: pre-candidate, term 1                    # three of the five are for it, and nobody of the two
        release
        timeout c
        deliver
        c: pre-candidate, term 1
        b: voters a b
        restart a
        elect c
        a b c d e: voters a b c d e, outgoing nobody, term 2
    """)


def test_a_voter_swapped_for_another_in_one_change() -> None:
    """CCF swap_single_node."""
    play("""
        validators a b c | d
        elect a
        configure a: voters a c d, outgoing a b c
        deliver
        a c d: voters a c d, outgoing nobody, committed 3
        b: retired
        a: leader, term 1
    """)


# Going.


def test_a_follower_is_retired() -> None:
    """CCF retire_one."""
    play("""
        validators a b
        elect a
        configure a: voters a, outgoing a b
        deliver
        a: leader, voters a, outgoing nobody, committed 3
        b: retired, committed 3
        crash b
        propose a
        a: committed 4
    """)


def test_after_the_change_the_leader_commits_alone_whatever_came_behind_it() -> None:
    """CCF 5879_deprecated: not only up to the block that set the configuration."""
    play("""
        validators a b
        elect a
        leaving off
        configure a: voters a, outgoing a b
        deliver
        stall a
        configure a: voters a
        propose a 2
        a: last 5, committed 2
        sync a
        a: last 5, committed 5
    """)


def test_a_retired_follower_that_was_not_told_asks_in_vain() -> None:
    """CCF retire_backup, retire_backup_pre_vote: and the leader tells it what it missed."""
    play("""
        validators a b c d
        elect a
        hold a > d
        configure a: voters a b c, outgoing a b c d
        deliver
        a b c: committed 3, voters a b c, outgoing nobody
        deliver a > d AppendRequest 1               # it learns of the change and not that it is committed
        d: last 2, committed 1, outgoing a b c d
        lose a > d
        timeout d
        d: pre-candidate
        release
        deliver
        a: leader, term 1
        beat a
        deliver
        beat a
        deliver
        d: follower, retired, term 1, committed 3
    """)


def test_a_follower_on_its_way_out_that_is_elected_meanwhile_ends_the_change() -> None:
    """CCF retire: there it tries in vain, here it leads on without counting itself, and then hands over."""
    play("""
        validators a b | c
        elect a
        configure a: voters a b, observers c
        deliver
        hold b c > a
        configure a: voters a c, outgoing a b
        round
        timeout a
        a: follower
        lose >
        release
        elect b
        b: follower, retired
        a c: voters a c, outgoing nobody
    """)


def test_handed_leadership_in_the_middle_of_its_own_retirement_a_follower_does_not_lead() -> None:
    """CCF retire_no_early_election: leadership goes to nobody who will not have a vote."""
    play("""
        validators a b | c
        elect a
        leaving off
        configure a: voters a c, outgoing a b
        deliver
        refused: transfer a > b
        transfer a
        deliver
        c: leader
        leaving on
    """)


def test_the_word_to_stand_comes_too_late_to_one_who_is_out() -> None:
    """CCF retired_committed_delayed_nomination."""
    play("""
        validators a b c
        elect a
        hold a > c
        transfer a > c
        a > c: TimeoutNow
        elect b
        b: leader, term 2
        configure b: voters b, outgoing a b c
        deliver
        b: leader, voters b, outgoing nobody
        c: retired, term 2
        release
        deliver
        c: follower, retired, term 2
        b: leader, term 2
    """)


def test_late_answers_of_one_who_is_out_mean_nothing() -> None:
    """CCF retired_node_delayed_responses."""
    play("""
        validators a b c
        elect a
        hold b > a
        propose a
        configure a: voters a c, outgoing a b c
        deliver
        a c: voters a c, outgoing nobody, committed 4
        b: retired
        crash b
        tick a 4
        deliver
        release
        deliver
        a: leader, term 1, committed 4
    """)


def test_a_retirement_that_is_not_committed_does_not_retire() -> None:
    """CCF retirement_commit_below_signature: an earlier block is committed in the meantime."""
    play("""
        validators a b c
        elect a
        hold b c > a
        propose a
        deliver
        configure a: voters a b, outgoing a b c
        hold a > b
        deliver a > c
        c: last 3, committed 1, outgoing a b c, no duty
        deliver b > a AppendResponse 1
        a: committed 2
        beat a
        deliver a > c
        c: committed 2, no duty
        release
        deliver
        a b: voters a b, outgoing nobody
        c: retired, committed 4
    """)


def test_a_retirement_that_is_taken_back_leaves_a_voter() -> None:
    """CCF retirement_rollback. There the one on its way out wins with both quorums; here it never heard of it."""
    play("""
        validators a b c
        elect a
        hold a > b c
        configure a: voters a b, outgoing a b c
        a: outgoing a b c
        crash a
        lose a >
        release
        elect c
        c: leader, voters a b c, outgoing nobody
        restart a
        beat c
        deliver
        a b c: voters a b c, outgoing nobody, log 1 2
    """)


# A leader that does not hear enough of them.


def test_a_leader_cut_off_in_the_middle_of_leaving_gives_way_to_those_it_leaves_behind() -> None:
    """CCF check_quorum_012_0, check_quorum_2: the others have not heard of the change, and go on with three."""
    play("""
        validators a b c
        elect a
        isolate a
        configure a: voters a, outgoing a b c
        deliver
        a: outgoing a b c, voters a
        timeout a
        a: follower                                 # itself is the new quorum, and not the old
        elect b
        b c: voters a b c, outgoing nobody, committed 2
        heal
        beat b
        deliver
        a: voters a b c, outgoing nobody, log 1 2
    """)


def test_newcomers_cannot_elect_anybody_without_the_old_quorum() -> None:
    """CCF check_quorum_0_012, check_quorum_3."""
    play("""
        validators a | b c
        elect a
        leaving off
        configure a: voters a b c, outgoing a
        deliver
        a b c: outgoing a, committed 2
        isolate a
        timeout a
        a: follower                                 # itself is the old quorum, and not the new
        silence c
        timeout b
        deliver
        b: pre-candidate, term 1                    # two of three are for it, and nobody of the one
        heal
        leaving on
        elect b
        a b c: voters a b c, outgoing nobody
    """)
