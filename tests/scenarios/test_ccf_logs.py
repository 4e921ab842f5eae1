"""The Raft scenarios of CCF in which logs part and come together again; the others are in test_ccf_scenarios.py."""

from jifen.testing.script import play


def test_of_two_tails_of_one_length_the_newer_terms_replaces_the_other() -> None:
    """CCF suffix_collision."""
    play("""
        validators a b c
        elect a
        propose a
        deliver
        isolate a
        propose a                           # drop me
        elect b
        propose b
        deliver
        heal
        beat b
        deliver
        agreed
        a b c: log 1 1 2 2, committed 4
    """)


def test_a_tail_that_has_just_the_length_of_the_new_leaders_log_is_replaced() -> None:
    """CCF suffix_collision.1."""
    play("""
        validators a b c
        elect a
        isolate a
        propose a                           # at the height of b's first block
        deliver
        elect b
        a: last 2
        b: last 2
        heal
        beat b
        deliver
        agreed
        a: log 1 2
    """)


def test_a_helpful_and_an_unhelpful_refusal_lead_to_the_same_place() -> None:
    """CCF suffix_collision.2: a heartbeat always follows before the answer."""
    play("""
        validators a b c
        elect a
        isolate a
        propose a 3
        elect b
        propose b
        deliver
        transfer b > c
        deliver
        c: leader, term 3
        propose c
        deliver
        transfer c > b
        deliver
        b: leader, term 4
        propose b
        deliver
        heal
        beat b
        beat b
        deliver b > a
        a > b: AppendResponse, AppendResponse
        deliver a > b
        beat b
        deliver
        agreed
        a: log 1 2 2 3 3 4 4, committed 7
    """)


def test_a_refusals_hint_is_no_acknowledgement() -> None:
    """CCF suffix_collision.3: two branches, and the refusal names a height beyond what is shared."""
    play("""
        validators a b c d e
        elect a
        propose a
        deliver
        part a b | c d e
        propose a 3                         # branch one, with b
        deliver
        elect c
        propose c 4                         # branch two, heard by nobody yet but d
        deliver c > d
        lose >
        c: last 7, committed 3
        part c a | b d e
        beat c
        deliver c > a
        deliver a > c
        c: committed 3                      # a's hint says height 5, which is not c's height 5
        heal
        beat c
        deliver
        agreed
        a b: log 1 1 2 2 2 2 2, committed 7
    """)


def test_a_leader_that_sends_heartbeats_before_its_first_block_still_brings_all_together() -> None:
    """CCF liveness_through_conflict."""
    play("""
        validators a b c
        first-blocks off
        given all: log 1, committed 1
        elect a
        propose a 2                         # shared with nobody
        lose a >
        elect b
        b: leader, term 3
        a: leader, term 2, log 1 2 2        # does not know yet
        beat b
        beat b
        propose b
        deliver
        a b c: log 1 3, committed 2
    """)


def test_logs_that_differ_in_many_terms_agree_after_few_messages() -> None:
    """CCF long_divergence_sync: hints skip whole terms."""
    cores = play("""
        validators a b
        given a: log 1 3 5 7 9 11 13, committed 1, term 14
        given b: log 1 2 4 6 8 10 12, committed 1, term 14
        elect a
        a: leader, term 15
        agreed
    """)
    refusals = [line for line in cores.transcript if "b > a AppendResponse" in line and "not success" in line]
    assert len(refusals) <= 7, "at most one for each term of the other's branch"


def test_a_request_that_overlaps_what_is_there_adds_only_the_rest() -> None:
    """CCF partial_append_entries, checklist row 5."""
    play("""
        validators a b c certificates_per_message_max=2 append_bytes_max=100
        elect a
        isolate c
        propose a 2
        repeat a > b
        deliver a > b 3                     # both, and then the first again
        b: log 1 1 1
        deliver
        a b: committed 3
        propose a 3
        lose a > b
        b: last 3
        part b c | a
        elect b
        b c: log 1 1 1 2
        heal
        beat b
        deliver                             # a's log agrees up to height 3, and some of what it is sent it has
        agreed
        a: log 1 1 1 2
    """)


def test_a_request_repeated_after_some_of_it_was_taken_adds_only_the_rest() -> None:
    """CCF matching_partial, checklist row 5: a late refusal takes nothing back."""
    play("""
        validators a b c
        elect a
        elect c
        isolate c
        propose c 2                         # c's own branch
        elect a
        a: leader, term 3
        heal
        propose a
        lose a > c
        beat a
        beat a
        deliver a > c
        c > a: AppendResponse, AppendResponse       # both refused
        deliver c > a 1
        deliver a > c                       # c takes a's blocks
        c: log 1 2 3 3
        turn c > a
        deliver c > a                       # which a learns before the second refusal
        isolate b
        propose a
        deliver
        a: log 1 2 3 3 3, committed 5
        c: log 1 2 3 3 3, committed 5
    """)


def test_a_follower_commits_only_what_the_request_has_proved() -> None:
    """CCF follower_overcommit_partial_verified, checklist row 6."""
    play("""
        validators a b c d e
        given a: log 1 1 2 2, committed 2, term 3
        given b: log 1 1 2 2, committed 2, term 3
        given d e: log 1 1 2 2, committed 2, term 3
        given c: log 1 1 2 2 3 3, committed 2, term 3
        hold a > c
        elect a
        a: leader, term 4
        propose a
        deliver
        a b d e: log 1 1 2 2 4 4, committed 6
        c: term 3
        lose a > c
        beat a                              # anchored at height 4: it proves that much and no more
        deliver a > c
        c: log 1 1 2 2 3 3, committed 4
        release
        deliver
        agreed
        c: log 1 1 2 2 4 4, committed 6
    """)


def test_a_follower_that_stood_in_between_takes_the_next_request_as_if_nothing_had_happened() -> None:
    """CCF follower_rollback_match_index."""
    play("""
        validators a b c
        elect a
        propose a
        deliver a > c
        deliver c > a
        propose a
        timeout c
        c: pre-candidate, term 1, last 2
        lose c > a
        beat a
        deliver a > c
        c: follower, follows a, last 3
        deliver
        agreed
        a c: committed 3
    """)


def test_what_only_a_majority_can_have_committed_survives_two_elections() -> None:
    """CCF fancy_election."""
    play("""
        validators a b c
        elect a
        isolate c
        propose a 4
        deliver a > b                       # on a majority's disks
        deliver b > a
        a: committed 5
        propose a 3                         # these are shared with nobody
        lose a >
        part b c | a
        silence b
        timeout c
        deliver                             # c lacks what b has
        b c: term 1
        silence c
        timeout b
        deliver
        b: leader, term 2, log 1 1 1 1 1 2, committed 6
    """)


def test_the_old_leader_takes_over_the_new_ones_branch_when_it_comes_back() -> None:
    """CCF fancy_election.1."""
    play("""
        validators a b c
        elect a
        isolate c
        propose a 4
        deliver
        propose a 3
        lose a >
        part b c | a
        elect b
        propose b
        deliver
        heal
        beat b
        deliver
        agreed
        a b c: log 1 1 1 1 1 2 2, committed 7
    """)


def test_a_block_on_a_majority_is_overwritten_unless_one_of_its_leaders_term_follows() -> None:
    """CCF fancy_election.2; Raft figure 8, checklist row 8."""
    play("""
        validators a b c d e
        first-blocks off
        given all: log 1, committed 1
        elect a
        propose a                           # (a) the block of term 2 reaches b only
        deliver a > b
        lose >
        a b: log 1 2
        part c d e | a b
        elect e                             # (b)
        propose e
        lose e >
        e: log 1 3
        part a b c d | e
        elect a                             # (c) a leads again, and its old block comes to c and d
        a: leader, term 4
        beat a
        deliver
        a b c d: log 1 2, committed 1       # on four of five, and not committed
        part b c d e | a
        elect e                             # (d) so it may go
        e: leader
        propose e
        deliver
        b: log 1 3 5, committed 3
        heal
        beat e
        deliver
        agreed
        a: log 1 3 5, committed 3
    """)


def test_an_old_block_is_committed_by_its_own_leaders_later_term() -> None:
    """CCF indirect_commit_stale_leader."""
    play("""
        validators a b c
        first-blocks off
        given all: log 1, committed 1
        elect a
        propose a                           # of term 2, for itself alone
        lose a >
        isolate a
        elect b
        propose b                           # of term 3, at the same height, for itself alone
        lose b >
        a: log 1 2
        b: leader, term 3, log 1 3
        heal
        isolate b
        elect a
        a: leader, term 4, log 1 2
        propose a
        deliver
        a c: log 1 2 4, committed 3
        b: leader, term 3, log 1 3          # does not know yet
    """)


def test_a_commit_known_to_some_stays_when_a_leader_is_elected_twice_in_between() -> None:
    """CCF commit_parity."""
    play("""
        validators a b c
        elect a
        propose a
        round
        round
        lose a > c
        deliver
        a b: committed 2
        c: last 2, committed 1
        first-blocks off
        elect c
        c: leader, term 2, committed 1
        elect a
        a: leader, term 3, committed 2
        first-blocks on
        propose a
        deliver
        c: last 3, committed 1              # the certificate that it lacks comes with the next heartbeat
        beat a
        deliver
        agreed
        a b c: log 1 1 3, committed 3
    """)


def test_a_request_to_vote_never_makes_anybody_drop_a_block() -> None:
    """CCF soft_rollback."""
    play("""
        validators a b c
        elect a
        propose a
        lose a > c
        deliver
        a b: committed 2
        isolate a
        first-blocks off
        elect b
        b: leader, term 2
        propose b 2
        lose b > c
        silence c
        timeout c
        deliver                             # b leads and knows more than c
        b: leader, log 1 1 2 2
        c: last 2
        first-blocks on
        heal
        beat b
        deliver
        agreed
        a b c: committed 4
    """)


def test_an_old_refusal_never_makes_anybody_drop_a_committed_block() -> None:
    """CCF rollback_safety, checklist row 5."""
    play("""
        validators a b c d e
        elect a
        isolate d e
        propose a 2
        lose a > c
        deliver a > b                       # a and b have the blocks, c does not
        lose >
        silence a
        silence a
        first-blocks off
        elect b
        b: leader, term 2, log 1 1 1
        hold c > b
        beat b
        lose b > a
        deliver b > c                       # refused, and the refusal stays on the way
        c > b: AppendResponse
        first-blocks on
        silence b
        silence b
        elect a
        a: leader, term 3, log 1 1 1 3
        deliver
        a c: committed 4
        heal
        isolate e
        silence a
        silence a
        elect b                             # with the votes of a and d
        b: leader, term 4
        deliver c > b AppendResponse 1
        beat b
        deliver b > c
        c: committed 4
        release
        deliver
        a b c d: last 5, committed 5
    """)


def test_an_answer_of_an_earlier_leadership_is_not_taken_for_one_of_this() -> None:
    """CCF ackuracy, checklist row 7: a leader gets a refusal that was meant for it two terms ago."""
    play("""
        validators a b c d e
        elect a
        propose a 3
        lose a >
        hold a > b
        elect b
        b: leader, term 2
        a: follower, term 2                 # it refused: its tail is another
        a > b: AppendResponse
        propose b 2
        hold b > a
        deliver
        transfer b > c
        deliver
        c: leader, term 3
        transfer c > b
        deliver
        b: leader, term 4, last 6
        deliver a > b 1                     # the refusal of term 2 comes now
        b: leader, term 4, committed 6
        release
        deliver
        agreed
    """)


def test_a_leader_elected_anew_counts_no_answer_of_its_former_term() -> None:
    """CCF reelection, checklist row 7."""
    play("""
        validators a b c
        elect a
        propose a 2
        round
        hold > a                            # the answers are slow
        silence a
        silence a
        a: follower
        lose a >
        silence b c
        timeout a
        deliver a >
        deliver b c > a VoteResponse
        deliver a >
        deliver b c > a VoteResponse
        a: leader, term 2, log 1 1 1 2, committed 1
        lose a >
        deliver > a                         # acknowledgements of term 1
        a: committed 1
        release
        beat a
        deliver
        a: leader, term 2, committed 4
        agreed
    """)
