"""The interaction scenarios of etcd-io/raft (its `testdata`), played by our cores: same names, same ideas, own words.

`docs/scenarios.md` lists all of them, those too that do not apply here.
"""

from jifen.testing.script import play


def test_who_times_out_first_asks_then_stands_then_leads() -> None:
    """etcd campaign."""
    play("""
        validators a b c
        timeout a
        a: pre-candidate, term 0
        a > b: VoteRequest
        round                               # would you vote for me?
        round                               # I would
        a: candidate, term 1, votes a
        round                               # vote for me
        b c: term 1, votes a
        round
        a: leader, term 1, log 1
        deliver
        agreed
        a b c: log 1, committed 1, follows a
    """)


def test_a_single_validator_leads_and_commits_by_itself() -> None:
    """etcd single_node."""
    play("""
        validators a
        timeout a
        a: leader, term 1, log 1, committed 1
        propose a 2
        a: log 1 1 1, committed 3
        read a
        a: reads 1
    """)


def test_a_leader_counts_itself_and_followers_answer_only_when_the_disk_is_done() -> None:
    """etcd async_storage_writes."""
    play("""
        validators a b c
        elect a
        stall all
        propose a
        a > b: AppendRequest                # goes out before the leader's own disk is done
        round
        b > a: -                            # but nobody answers for what is not durable
        sync b
        b > a: AppendResponse
        deliver
        a: committed 1                      # one of three holds it: the leader's own copy does not count yet
        sync c                              # two followers are a quorum without the leader (thesis 10.2.1)
        deliver
        a: committed 2, durable 1
        sync a
        a: durable 2
        deliver
        agreed
    """)


def test_a_write_that_ends_late_does_not_vouch_for_what_has_replaced_it() -> None:
    """etcd async_storage_writes_append_aba_race: at one height an entry, another, and the first again."""
    play("""
        validators a b c d e
        elect a
        stall b
        propose a
        deliver a > b
        lose a > c d e
        b: log 1 1, durable 1               # waits in front of b's disk
        part b c d e | a
        silence d e
        timeout c
        round
        round
        round
        round
        c: leader, term 2
        lose c > d e
        deliver c > b
        b: log 1 2, durable 1               # waits behind it
        part a b d e | c
        silence b d e
        timeout a                           # c is gone, and only b knows its block
        timeout a
        deliver
        timeout a
        deliver
        a: leader, term 3, log 1 1 3, committed 3
        b: log 1 1 3, durable 1             # the first again waits at the end
        lose > a
        sync b 1
        b: durable 2                        # the right block is there, but not to stay
        b > a: AppendResponse               # of term 1, and worth nothing now
        sync b 1
        b: durable 2                        # c's block
        sync b
        b: durable 3
    """)


def test_what_others_committed_is_applied_only_when_durable_here() -> None:
    """etcd async_storage_writes_apply_nonlocally_committed."""
    cores = play("""
        validators a b c
        elect a
        stall b
        propose a
        deliver
        a c: committed 2
        b: committed 2, durable 1           # proved, but not applied before it is on the disk
        crash b
        restart b
        b: committed 1, durable 1
    """)
    assert cores.agreed()


def test_check_quorum_makes_a_lonely_leader_step_down_and_keeps_others_from_unseating_a_live_one() -> None:
    """etcd checkquorum."""
    play("""
        validators a b c
        elect a
        timeout b                           # b alone has not heard the leader for a while
        b: pre-candidate, term 1
        deliver
        a: leader, term 1                   # c hears a and does not favour b
        beat a
        deliver
        b: follower, term 1, follows a
        hold a >
        silence a
        silence a                           # whoever answered before counts once more
        a: follower, term 1, follows nobody
        release
        deliver
        elect b
        b: leader, term 2
        agreed
    """)


def test_a_pre_vote_changes_nobody_and_is_refused_to_one_that_lacks_blocks() -> None:
    """etcd prevote."""
    play("""
        validators a b c
        elect a
        isolate c
        propose a
        deliver
        heal
        silence b
        timeout c
        hold a >
        deliver                             # b has a block that c lacks
        a b: term 1
        c: pre-candidate, term 1, last 1
        lose a >
        timeout b                           # b asks those whom it would lead
        silence c a
        deliver
        b: leader, term 2
        release
        deliver
        agreed
    """)


def test_one_that_comes_back_after_long_does_not_disturb_the_leader() -> None:
    """etcd prevote_checkquorum."""
    play("""
        validators a b c
        elect a
        isolate c
        timeout c
        timeout c
        timeout c
        c: pre-candidate, term 1            # asks in vain and stays in its term
        heal
        timeout c
        deliver
        a: leader, term 1
        beat a
        deliver
        a b c: term 1, follows a
        isolate a                           # but when the leader is gone
        silence b
        timeout c
        deliver
        c: leader, term 2
    """)


def test_a_heartbeat_answered_brings_a_peer_back_from_probing() -> None:
    """etcd heartbeat_resp_recovers_from_probing."""
    play("""
        validators a b c
        elect a
        propose a
        lose a > b
        propose a
        deliver a > b
        deliver b > a                       # b refuses what follows a block it never got, and is probed
        a > b: AppendRequest
        lose a > b                          # the probe is lost, too
        propose a
        a > b: -                            # one at a time
        beat a
        a > b: AppendRequest
        deliver a > b
        deliver b > a
        a > b: AppendRequest                # and again without waiting
        propose a
        a > b: AppendRequest, AppendRequest
        deliver
        a b c: last 5, committed 5
    """)


def test_a_commit_is_told_to_a_follower_that_lags_without_waiting_for_a_new_block() -> None:
    """etcd lagging_commit."""
    play("""
        validators a b c
        elect a
        hold a > c
        hold c > a                          # c hears and is heard late
        propose a 2
        deliver
        a b: committed 3
        a > c: AppendRequest, AppendRequest, AppendRequest, AppendRequest
        deliver a > c 2                     # the blocks
        c: last 3, committed 1
        deliver a > c                       # the certificates, sent before c had answered
        c: last 3, committed 3
        propose a
        deliver
        deliver a > c 1
        c: last 4, committed 3
        lose a > c                          # this time they are lost
        beat a
        beat a
        beat a
        deliver a > c
        c: committed 3                      # what was sent with blocks on their way is given time to arrive
        beat a
        deliver a > c
        c: committed 4
        release
        deliver
        agreed
    """)


def test_a_leader_finds_where_every_log_agrees_with_its_own_and_replaces_the_rest() -> None:
    """etcd probe_and_replicate; Raft figure 7."""
    play("""
        validators a b c d e f g
        given a: log 1 1 1 4 4 5 5 6 6 6, committed 3, term 7
        given b: log 1 1 1 4 4 5 5 6 6, committed 3, term 7
        given c: log 1 1 1 4, committed 3, term 7
        given d: log 1 1 1 4 4 5 5 6 6 6 6, committed 3, term 7
        given e: log 1 1 1 4 4 5 5 6 6 6 7 7, committed 3, term 7
        given f: log 1 1 1 4 4 4 4, committed 3, term 7
        given g: log 1 1 1 2 2 2 3 3 3 3 3, committed 3, term 7
        elect a                             # d and e know more; the other four suffice
        a: leader, term 8
        all: log 1 1 1 4 4 5 5 6 6 6 8, committed 11
        agreed
    """)


def test_a_full_window_pauses_and_goes_on_when_the_loss_is_found() -> None:
    """etcd replicate_pause."""
    play("""
        validators a b c inflight_messages_max=3
        elect a
        hold b >
        hold > b
        propose a 3
        a > b: AppendRequest, AppendRequest, AppendRequest
        propose a 4
        a > b: AppendRequest, AppendRequest, AppendRequest
        lose a > b                          # all of them, and c acknowledges on
        deliver
        a c: last 8, committed 8
        b: last 1
        beat a
        release
        deliver                             # the refused heartbeat leads to the first loss
        b: last 8, committed 8
        agreed
    """)
