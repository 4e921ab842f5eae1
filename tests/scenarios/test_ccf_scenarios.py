"""The Raft scenarios of CCF (`tests/raft_scenarios`), played by our cores: same names, same ideas, own words.

A signature transaction there is what every block is here: the place up to which all may be committed.
`docs/scenarios.md` lists all of them, those too that do not apply here.
"""

from jifen.testing.script import play

# Starting, replicating, electing.


def test_a_single_validator_leads_from_its_first_election_on() -> None:
    """CCF startup."""
    play("""
        validators a
        timeout a
        a: leader, term 1, log 1, committed 1
    """)


def test_two_validators_need_each_other() -> None:
    """CCF startup_2nodes."""
    play("""
        validators a b
        elect a
        a b: log 1, committed 1
        isolate b
        propose a
        deliver
        a: last 2, committed 1
        heal
        beat a
        deliver
        a b: last 2, committed 2
    """)


def test_alone_every_block_is_committed_as_soon_as_it_is_written() -> None:
    """CCF append."""
    play("""
        validators a
        elect a
        stall a
        propose a
        a: last 2, committed 1
        sync a
        a: last 2, committed 2
        propose a 3
        a: last 5, committed 5
    """)


def test_a_block_is_committed_with_the_first_answers_and_everybody_told() -> None:
    """CCF replicate."""
    play("""
        validators a b c
        elect a
        propose a
        round
        a: last 2, committed 1
        round
        a: committed 2
        deliver
        agreed
        b c: committed 2
    """)


def test_an_elected_leader_replicates_one_block_after_the_other() -> None:
    """CCF election."""
    play("""
        validators a b c
        elect a
        a: leader, term 1
        b c: follower, follows a
        propose a
        deliver
        propose a
        deliver
        agreed
        a b c: log 1 1 1, committed 3
    """)


def test_many_large_blocks_go_in_messages_of_bounded_size() -> None:
    """CCF large_entry_batching."""
    cores = play("""
        validators a b c append_bytes_max=40 inflight_messages_max=4
        elect a
        isolate c
        propose a 12
        deliver
        a b: committed 13
        heal
        beat a
        deliver                             # c asks for what it missed
        agreed
    """)
    carried = [line for line in cores.transcript if "a > c AppendRequest" in line and "entries" in line]
    assert len(carried) >= 6, "twelve blocks of about twelve bytes, forty bytes a message"


def test_leaders_of_several_terms_follow_one_another_and_an_abandoned_one_loses_what_it_took() -> None:
    """CCF multi_election."""
    play("""
        validators a b c
        elect a
        propose a
        deliver
        elect b
        b: leader, term 2
        agreed
        propose b 2
        deliver
        agreed
        isolate b
        propose b 3                         # goes on as if it were still in charge
        deliver
        b: leader, last 8
        elect a
        a: leader, term 3
        heal
        beat a
        deliver
        agreed
        b: follower, log 1 1 2 2 2 3, follows a
    """)


def test_a_write_that_nobody_is_in_charge_of_is_refused_and_so_is_a_transfer() -> None:
    """CCF leadership_race."""
    play("""
        validators a b c
        elect a
        isolate a
        silence a
        silence a                           # those who answered at the first election count once more
        a: follower, follows nobody
        refused: propose a
        refused: transfer a
        elect c
        c: leader, term 2
        heal
        deliver
    """)


def test_a_block_goes_to_the_leader_of_the_latest_term() -> None:
    """CCF replicate_on_latest_leader: two lead, of different terms; only one can commit."""
    play("""
        validators a b c
        elect a
        hold > a
        elect b
        a: leader, term 1
        b: leader, term 2
        propose a
        propose b
        deliver
        a: log 1 1, committed 1
        b c: log 1 2 2, committed 3
        release
        beat b
        deliver
        a: log 1 2 2, committed 3
        agreed
    """)


def test_every_kind_of_message_has_a_readable_summary() -> None:
    """CCF message_type_summaries."""
    cores = play("""
        validators a b c
        elect a
        propose a
        deliver
        read a
        deliver
        read b
        deliver
        transfer a > b
        deliver
        b: leader, term 2
    """)
    said = "\n".join(cores.transcript)
    for kind in ("VoteRequest", "VoteResponse", "AppendRequest", "AppendResponse", "TimeoutNow"):
        assert f" {kind} term " in said, kind
    for kind in ("TransferVoteRequest", "LeadershipCheck", "LeadershipConfirmation"):
        assert f" {kind} term " in said, kind
    assert "b > a ReadIndexRequest term 1 request_id 2" in said
    assert "a > b ReadIndexResponse term 1 request_id 2 height 2" in said


# Votes.


def test_a_pre_vote_is_given_without_entering_the_term_and_refused_to_a_shorter_log() -> None:
    """CCF pre_vote."""
    play("""
        validators a b c
        elect a
        hold > a
        silence c
        timeout b
        b: pre-candidate, term 1
        deliver b > c
        c: follower, term 1
        deliver c > b
        b: candidate, term 2
        deliver b > c
        deliver c > b
        b: leader, term 2
        silence a                           # a cannot hear and is not heard
        silence a
        a: follower, term 1
        timeout a
        a: pre-candidate, term 1
        release
        lose a >
        deliver
        a: follower, term 2, follows b
        agreed
        propose b
        deliver b > c
        lose >
        silence c
        timeout a                           # lacks the block that c has
        deliver a > c
        deliver c > a
        a: pre-candidate, term 2
        c: term 2
    """)


def test_a_vote_given_survives_a_step_down_within_the_term_so_that_no_two_lead() -> None:
    """CCF pre_vote_double_leader, checklist row 1."""
    play("""
        validators a b c
        elect a
        isolate b c
        propose a                           # a has a block more than the others
        deliver
        silence a
        silence a
        heal
        silence b c
        timeout a
        timeout c
        deliver a > b
        deliver c > b                       # b favours both
        deliver b > a
        deliver b > c
        a c: candidate, term 2
        lose a > c
        lose c > a
        deliver a > b                       # b votes for a
        b: term 2, votes a
        deliver b > a
        a: leader, term 2
        lose a > c
        timeout b                           # and asks around itself, before it hears the leader
        b: pre-candidate, term 2, votes a
        lose b >
        deliver a > b                       # refused: b lacks the block before
        b: follower, term 2, votes a
        deliver c > b                       # c's request of that term comes late
        b: votes a
        deliver b > c
        c: candidate, term 2
        a: leader, term 2
    """)


def test_a_former_candidate_keeps_its_vote_for_itself() -> None:
    """CCF former_candidate_double_vote, checklist row 1."""
    play("""
        validators a b c d e
        given a b d e: log 1, committed 1
        given c: log 1 1, committed 1
        timeout b c d
        deliver b c d > a e                 # a and e favour all three
        deliver a e > b c d
        b c d: candidate, term 2
        lose b >
        lose d > a c e
        deliver c > a e                     # and vote for c
        deliver a e > c
        c: leader, term 2
        b: candidate, votes b
        deliver c > b                       # refused, since b lacks the block before; but it heard a leader
        b: follower, term 2, votes b
        deliver d > b                       # d's request of that term comes late
        b: follower, term 2, votes b
        deliver b > d
        d: candidate
        c: leader, term 2
    """)


def test_a_rejection_of_an_old_round_does_not_count_in_a_new_one() -> None:
    """CCF delayed_vote_requests."""
    play("""
        validators a b c d e
        elect a
        isolate a
        silence b c d e
        timeout b
        timeout c
        deliver b > d
        deliver b > e
        deliver d > b
        deliver e > b
        b: candidate, term 2
        deliver c > d
        deliver c > e
        deliver d > c
        deliver e > c
        c: candidate, term 2
        lose b > c
        lose c > b
        deliver b > d
        deliver b > e
        deliver d > b
        deliver e > b
        b: leader, term 2
        deliver c > d                       # refused: the vote of term 2 is given
        lose b > c
        beat b
        deliver b > c
        c: follower, term 2, follows b
        timeout c
        c: pre-candidate, term 2
        deliver d > c                       # the refusal of the vote comes into a round of pre-votes
        c: pre-candidate, term 2
    """)


def test_a_fourth_and_a_fifth_election_find_whoever_holds_what_was_committed() -> None:
    """CCF bad_network: nearly everything is lost for a while."""
    play("""
        validators a b c
        elect a
        propose a
        deliver
        agreed
        propose a
        lose a >
        beat a
        lose a >
        beat a
        lose a > c
        deliver a > b                       # where are you? - one behind
        deliver b > a
        lose a > c
        deliver a > b                       # here it is
        b: last 3
        lose b > a                          # committed in truth, and nobody knows
        a: committed 2
        silence b
        timeout c                           # c lacks it and asks in vain, again and again
        lose c >
        timeout c
        lose c > a
        deliver c > b
        deliver b > c
        c: pre-candidate, term 1
        silence c
        hold a >
        hold > a
        timeout b
        deliver
        b: leader, term 2, log 1 1 1 2, committed 4
        release
        deliver
        agreed
    """)


def test_of_two_branches_the_one_with_the_newer_term_wins_and_neither_commits_by_counting() -> None:
    """CCF candidate_viability: two leaders take turns, each cut off with a branch of its own."""
    play("""
        validators a b c d e
        first-blocks off
        given all: log 1 1, committed 2
        elect a
        part b c d | a e
        propose a 2                         # a's branch
        a: log 1 1 2 2
        elect b
        b: leader, term 3
        propose b 2                         # b's branch, heard by nobody
        lose b >
        b: log 1 1 3 3
        part a c d | b e
        elect a
        a: leader, term 4
        part b c d | a e
        elect b
        b: leader, term 5
        part b c d e | a
        beat b
        deliver                             # b's old branch is with four of five now
        b c d e: log 1 1 3 3, committed 2
        propose b
        deliver                             # with a block of its own term it counts
        b c d e: log 1 1 3 3 5, committed 5
        heal
        beat b
        deliver
        agreed
    """)


def test_one_kept_away_for_terms_is_brought_up_to_date_over_a_link_that_loses() -> None:
    """CCF candidate_viability.2."""
    play("""
        validators a b c d e append_bytes_max=1 inflight_messages_max=1
        elect a
        isolate e
        propose a 2
        deliver
        elect b
        b: leader, term 2
        propose b 2
        deliver
        a b c d: committed 6
        heal
        isolate a c
        beat b
        deliver b > e
        deliver e > b
        lose b > e
        beat b
        deliver b > e
        deliver e > b
        deliver b > e 1
        deliver e > b
        e: last 2
        deliver
        e: last 6, committed 6
    """)


# Quorums and networks.


def test_a_leader_goes_on_with_a_quorum_and_steps_down_without() -> None:
    """CCF check_quorum."""
    play("""
        validators a b c d
        elect a
        propose a
        deliver
        cut a > b
        cut b > a
        beat a
        deliver
        silence a
        deliver
        a: leader
        cut a > c
        cut c > a
        beat a
        deliver
        silence a
        silence a
        a: follower, follows nobody
        heal
        elect a
        a: leader, term 2
        agreed
    """)


def test_what_a_link_lost_while_it_was_cut_is_sent_again() -> None:
    """CCF reconnect."""
    play("""
        validators a b c
        elect a
        propose a
        deliver
        cut a > b
        propose a
        deliver
        b: last 2
        heal
        deliver
        beat a
        deliver
        agreed
        b: last 3
    """)


def test_what_a_validator_missed_while_it_was_cut_off_is_sent_again() -> None:
    """CCF reconnect_node."""
    play("""
        validators a b c
        elect a
        propose a
        deliver
        isolate b
        propose a
        deliver
        a c: committed 3
        heal
        deliver
        beat a
        deliver
        agreed
        b: committed 3
    """)


# Handing over.


def test_the_chosen_successor_stands_at_once() -> None:
    """CCF nominate_successor."""
    play("""
        validators a b c
        elect a
        propose a
        deliver a > c
        deliver c > a                       # c knows most
        transfer a
        a: leader, hands over to c
        a > c: AppendRequest, TimeoutNow
        refused: propose a
        deliver
        c: leader, term 2
        agreed
        transfer c > b
        deliver
        b: leader, term 3
    """)


def test_a_successor_that_has_gone_on_ignores_the_old_leaders_word() -> None:
    """CCF late_nomination."""
    play("""
        validators a b
        elect a
        transfer a
        a > b: TimeoutNow
        repeat a > b
        deliver a > b 1
        b: candidate, term 2
        deliver a > b                       # the same word of term 1
        b: candidate, term 2
        deliver
        b: leader, term 2
    """)


def test_a_leader_without_peers_cannot_hand_over_and_leads_on() -> None:
    """CCF nominate_without_successor."""
    play("""
        validators a
        elect a
        refused: transfer a
        a: leader, hands over to nobody
    """)
