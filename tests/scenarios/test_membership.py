"""Voters and observers come and go (Raft 6, thesis 4): etcd's scenarios, rows of the checklist, and our own.

CCF's are in test_ccf_membership.py, a crash at every point of a change in test_crash_during_change.py, and storms of
chance in tests/consensus/test_membership_under_loss.py.
"""

from jifen.testing.script import play

# Coming.


def test_a_newcomer_observes_first_and_then_votes() -> None:
    """etcd confchange_v2_add_single_auto; hashicorp AddMembership. Leaving the joint configuration needs no command."""
    play("""
        validators a | b
        elect a
        propose a 2
        configure a: voters a, observers b
        deliver
        beat a
        deliver
        b: follower, log 1 1 1 1, committed 4, voters a, observers b
        isolate b                                   # it counts for nothing yet
        propose a
        a: committed 5
        heal
        beat a
        deliver
        configure a: voters a b, outgoing a
        deliver
        a b: last 7, committed 7, voters a b, outgoing nobody
        isolate b                                   # now it does
        propose a
        a: last 8, committed 7
    """)


def test_a_joint_configuration_lasts_until_the_leader_leaves_it() -> None:
    """etcd confchange_v2_add_single_explicit."""
    play("""
        validators a | b
        elect a
        configure a: voters a, observers b
        deliver
        leaving off
        configure a: voters a b, outgoing a
        deliver
        a: must leave, committed 3
        a b: voters a b, outgoing a
        refused: propose a                          # nothing comes between: who goes must not be needed for it
        leaving on
        beat a
        deliver
        a b: voters a b, outgoing nobody, committed 4, no duty
    """)


def test_two_newcomers_become_voters_in_one_change() -> None:
    """etcd confchange_v2_add_double_auto: also without having observed, and then from an empty log."""
    play("""
        validators a | b c
        elect a
        propose a 3
        configure a: voters a b c, outgoing a
        deliver
        agreed
        a b c: voters a b c, outgoing nobody, log 1 1 1 1 1 1
    """)


def test_while_the_change_is_under_way_both_quorums_are_needed() -> None:
    """etcd confchange_v2_add_double_implicit: joint although the leader alone was the old quorum."""
    play("""
        validators a | b c
        elect a
        configure a: voters a, observers b c
        deliver
        hold b c > a
        configure a: voters a b c, outgoing a
        deliver
        a: last 3, committed 2, outgoing a
        propose a
        deliver
        a: last 4, committed 2                      # its own word was enough before
        deliver b > a
        a: committed 4
        release
        deliver
        a b c: committed 5, outgoing nobody
    """)


def test_a_validator_that_does_not_know_it_is_a_voter_votes() -> None:
    """etcd campaign_learner_must_vote, row 12: the candidate's log makes it one, and could not win without it."""
    play("""
        validators a b | c
        elect a
        configure a: voters a b, observers c
        deliver
        hold > c
        configure a: voters a b c, outgoing a b
        deliver
        a b: committed 4, voters a b c, outgoing nobody
        c: committed 2, voters a b, observers c
        crash a
        lose > c
        release
        elect b
        b: leader, term 2
        c: votes b
        b c: committed 5, voters a b c
    """)


def test_an_observer_never_stands() -> None:
    play("""
        validators a | b
        elect a
        configure a: voters a, observers b
        deliver
        crash a
        tick b 100
        b: follower, term 1, follows nobody
        b > a: -
    """)


def test_who_is_in_no_configuration_yet_follows_a_leader_it_has_never_heard_of() -> None:
    """Its configurations are of the genesis block, in which neither it nor the leader is named."""
    play("""
        validators a | b c
        elect a
        configure a: voters b, outgoing a
        deliver
        b: leader, voters b, outgoing nobody
        configure b: voters b c, outgoing b
        deliver
        c: follower, follows b, voters b c, outgoing nobody
    """)


# Going.


def test_a_removed_leader_leads_on_uncounted_and_then_hands_over() -> None:
    """etcd confchange_v1_remove_leader, row 12; hashicorp RemoveLeader; thesis 4.2.2."""
    play("""
        validators a b c
        elect a
        leaving off
        configure a: voters b c, outgoing a b c
        deliver
        a: must leave, committed 2
        hold b c > a
        configure a: voters b c
        deliver
        a: leader, last 3, committed 2
        deliver b > a AppendResponse 1
        a: leader, committed 2                      # itself and one other would have been a quorum of three
        release
        deliver
        a: follower, retired
        b: leader, term 2
        b c: committed 4, voters b c, outgoing nobody
        a: committed 3
    """)


def test_a_removed_leader_that_cannot_hand_over_steps_down() -> None:
    """etcd confchange_v1_remove_leader_stepdown."""
    play("""
        validators a b c
        elect a
        leaving off
        configure a: voters b c, outgoing a b c
        deliver
        configure a: voters b c
        round
        round
        a: leader, committed 3, hands over to b
        lose a > b TimeoutNow
        refused: propose a
        cut a > b
        tick a 10
        a: follower, follows nobody, retired
        heal
        elect c
        beat c
        deliver
        b c: committed 4
        a: retired
    """)


def test_leadership_passes_to_a_newcomer_while_the_change_is_under_way() -> None:
    """etcd confchange_v2_replace_leader."""
    play("""
        validators a b c | d
        elect a
        leaving off
        configure a: voters b c d, outgoing a b c
        deliver
        a: must leave
        transfer a > d
        deliver
        d: leader, term 2
        a b c d: voters b c d, outgoing a b c
        leaving on
        beat d
        deliver
        b c d: voters b c d, outgoing nobody
        a: retired
    """)


def test_a_leader_replaces_itself_and_steps_down() -> None:
    """etcd confchange_v2_replace_leader_stepdown."""
    play("""
        validators a b c | d
        elect a
        configure a: voters b c d, outgoing a b c
        deliver
        a: follower, retired
        b: leader, term 2
        b c d: voters b c d, outgoing nobody
        agreed
    """)


def test_leadership_goes_only_to_one_who_will_have_a_vote() -> None:
    """Row 20: neither to an observer nor to one who is on the way out."""
    play("""
        validators a b | c d
        elect a
        configure a: voters a b, observers c
        deliver
        refused: transfer a > c
        leaving off
        configure a: voters a d, outgoing a b, observers c
        deliver
        refused: transfer a > b
        transfer a > d
        deliver
        d: leader
    """)


def test_leadership_can_be_handed_to_one_that_was_just_added() -> None:
    """Row 20, hashicorp/raft issue 581: the word to stand comes after the block that made it a voter."""
    play("""
        validators a b | c
        elect a
        hold > c
        configure a: voters a b c, outgoing a b
        deliver
        transfer a > c
        a > b: -
        release
        deliver
        c: leader, voters a b c, outgoing nobody
    """)


def test_from_two_to_one_and_the_leader_goes() -> None:
    """Row 12, etcd issue 10563: the one that stays could not win without the one that goes, until it has the block."""
    play("""
        validators a b
        elect a
        leaving off
        configure a: voters b, outgoing a b
        deliver
        hold a > b
        configure a: voters b
        a: leader, last 3, committed 2
        lose a > b
        crash a
        timeout b
        b: pre-candidate                            # joint here: needs the other's vote, who has more
        restart a
        release
        elect a                                     # not a voter in its own log, and yet the only one that can win
        a: follower, retired
        b: leader, committed 5
    """)


def test_from_one_to_two_and_back() -> None:
    play("""
        validators a | b
        elect a
        configure a: voters a b, outgoing a
        deliver
        a b: voters a b, outgoing nobody, committed 3
        configure a: voters a, outgoing a b
        deliver
        a: leader, voters a, outgoing nobody, committed 5
        b: retired
        crash b
        propose a
        a: committed 6
        restart b
    """)


def test_who_has_been_removed_comes_back_under_another_name_only() -> None:
    """Row 13: an id is used once; the same machine is a newcomer with an empty log."""
    play("""
        validators a b c | c2
        elect a
        configure a: voters a b, outgoing a b c
        deliver
        c: retired
        crash c
        configure a: voters a b, observers c2
        deliver
        configure a: voters a b c2, outgoing a b
        deliver
        a b c2: voters a b c2, outgoing nobody, committed 6
    """)


# Disturbers.


def test_a_validator_that_was_removed_while_away_disturbs_nobody_and_is_told() -> None:
    """Row 17, hashicorp RemovePartitionedNode; thesis 4.2.3."""
    play("""
        validators a b c d
        elect a
        isolate d
        configure a: voters a b c, outgoing a b c d
        deliver
        a b c: committed 3, voters a b c, outgoing nobody
        timeout d                                   # asks in vain
        heal
        timeout d
        deliver
        a: leader, term 1
        beat a
        deliver
        beat a
        deliver
        d: term 1, committed 3, retired
        a b c d: term 1
    """)


def test_a_removed_validator_changes_nothing_by_asking_for_votes_when_nobody_leads() -> None:
    """Row 17."""
    play("""
        validators a b c d
        elect a
        isolate d
        configure a: voters a b c, outgoing a b c d
        deliver
        crash a
        heal
        silence b c
        timeout d
        deliver
        d: follower, term 1
        b c: follower, term 1
    """)


# In the middle.


def test_a_change_that_was_not_committed_is_taken_back_with_its_block() -> None:
    """Thesis 4.1: whoever truncates goes back to the configuration before."""
    play("""
        validators a b c | d e
        elect a
        isolate a b
        part a b | c d e
        cut a > b
        configure a: voters a b c d e, outgoing a b c
        a: voters a b c d e, outgoing a b c
        heal
        isolate a
        elect b
        heal
        beat b
        deliver
        a b c: voters a b c, outgoing nobody, log 1 2
    """)


def test_two_leaders_with_a_change_each_cannot_both_have_a_quorum() -> None:
    """Row 10: what single-server changes got wrong (Ongaro 2015); joint quorums always meet."""
    play("""
        validators a b c d | e f
        elect a
        part a e | b c d f
        configure a: voters a b c d e, outgoing a b c d
        deliver
        a: last 2, committed 1
        elect b
        configure b: voters b c d, outgoing a b c d
        deliver
        b: leader, voters b c d, outgoing nobody
        heal
        beat b
        deliver
        a: log 1 2 2 2, retired
        e: log 1 1                                  # nobody's voter, and nobody's concern
    """)


def test_with_the_old_quorum_gone_a_change_neither_ends_nor_loses_anything() -> None:
    play("""
        validators a b c | d e f
        elect a
        configure a: voters a b c, observers d e f
        deliver
        hold b c > a
        configure a: voters d e f, outgoing a b c
        deliver
        crash b c
        lose b c >
        release
        beat a
        deliver
        a d e f: committed 2, voters d e f, outgoing a b c
        tick a 20
        a: follower                                 # it hears the new quorum and not the old
        lose a >
        silence e f
        timeout d
        deliver
        d: pre-candidate
        restart b
        elect a
        a: follower, retired
        d e f: voters d e f, outgoing nobody
    """)


def test_one_change_after_the_other() -> None:
    """hashicorp AddRemoveNodesNotLeader: the next begins although the last is not committed yet."""
    play("""
        validators a b c | d e
        elect a
        leaving off
        configure a: voters a b d, outgoing a b c
        deliver
        configure a: voters a b d
        configure a: voters a d e, outgoing a b d
        a: last 4, committed 2
        deliver
        a: must leave, committed 4
        c: retired
        leaving on
        beat a
        deliver
        a d e: voters a d e, outgoing nobody, committed 5
        b: retired
    """)


def test_who_is_left_behind_is_not_needed_for_what_it_had_certified() -> None:
    """The outgoing go once the block that leaves them out is committed; certificates of before must be with others."""
    play("""
        validators a b c | d e
        elect a
        configure a: voters a b c, observers d e
        deliver
        leaving off
        configure a: voters c d e, outgoing a b c
        deliver a > b c d e AppendRequest
        deliver b c d e > a AppendResponse
        a: committed 3, no duty                     # committed, but nobody who stays has the certificate yet
        refused: propose a
        deliver
        a: must leave
        leaving on
        beat a
        deliver
        crash a b
        elect d
        c d e: voters c d e, outgoing nobody
        agreed
        restart a b
    """)


def test_a_leader_that_lacks_certificates_of_those_who_have_gone_gets_them_from_who_has_them() -> None:
    """Else it could commit nothing any more: it would need signatures of validators that do not exist."""
    play("""
        validators a b c | d e
        elect a
        configure a: voters a b c, observers d e
        deliver
        leaving off
        configure a: voters c d e, outgoing a b c
        deliver a > c
        hold a > c
        deliver
        c: last 3, committed 2
        a b d e: committed 3
        a: must leave
        lose a > c                                  # the certificate
        configure a: voters c d e
        deliver a > c                               # not the block that leaves
        deliver
        lose a > c
        b: retired
        crash a b
        release
        leaving on
        elect c
        beat c
        deliver
        beat c
        deliver
        c d e: voters c d e, outgoing nobody, last 5, committed 5
    """)


def test_a_leader_fetches_certificates_that_others_have() -> None:
    """What is certified need not be signed anew, and could not be once the signers have gone."""
    play("""
        validators a b c
        elect a
        hold a > c
        propose a
        deliver
        deliver a > c AppendRequest 1
        a b: committed 2
        c: last 2, committed 1
        lose a > c
        release
        crash a
        first-blocks off
        elect c
        c: leader, committed 1
        beat c
        deliver
        c: committed 1                              # now it has heard that another has committed more
        beat c
        deliver
        c: committed 2
        first-blocks on
        propose c
    """)
