"""The language of the scenarios notices what is not as written, and what must never be."""

import re

import pytest

from jifen.consensus import elections
from jifen.consensus.state import State
from jifen.testing.script import ScriptFailed, play


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("a: candidate", "a is not 'candidate'"),
        ("a b: term 2", "a is not 'term 2'"),
        ("a: log 1 1", "a is not 'log 1 1'"),
        ("a: greenish", "a is not 'greenish'"),
        ("a > b: VoteRequest", r"on the way is \[\]"),
        ("e: leader", "nobody is called"),
        ("explode a", "'explode' is no command"),
        ("refused: beat a", "did not refuse"),
        ("propose b", "not leader of term 1"),
        ("deliver a > b 3", "only 0 are on the way"),
    ],
)
def test_a_line_that_is_not_so_is_named_with_what_came_before(line: str, complaint: str) -> None:
    with pytest.raises(ScriptFailed, match=f"line 4: {re.escape(line)}: .*{complaint}") as raised:
        play(f"""
            validators a b c
            elect a
            {line}
        """)
    assert "a > b VoteRequest term 1" in str(raised.value)
    assert "a: leader, term 1, log 1, committed 1" in str(raised.value)


def test_the_first_line_says_who_takes_part() -> None:
    with pytest.raises(ScriptFailed, match=r"line 1: elect a.*validators a b c"):
        play("elect a")


def test_a_script_that_does_not_heal_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elections, "campaign", lambda *_: None)
    with pytest.raises(ScriptFailed, match=r"settle: .*no agreement after healing"):
        play("validators a b c")


def test_a_second_vote_is_noticed_although_no_line_asks_for_votes(monkeypatch: pytest.MonkeyPatch) -> None:
    become_follower = State.become_follower

    def forgets_vote(state: State, term: int, leader: str | None) -> None:
        become_follower(state, term, leader)
        state.vote = None

    monkeypatch.setattr(State, "become_follower", forgets_vote)
    with pytest.raises(ScriptFailed, match=r"line 16: deliver c > b: .*second vote in one term"):
        play("""
            validators a b c
            given a c: log 1 1, committed 1
            given b: log 1, committed 1
            timeout a c
            deliver a c > b
            deliver b > a c
            a c: candidate, term 2
            lose a > c
            lose c > a
            deliver a > b
            timeout b
            deliver b > a c VoteRequest
            deliver a c > b VoteResponse
            b: follower, term 2
            deliver c > b
        """)


def test_configurations_and_snapshots_have_words_too() -> None:
    play("""
        validators a b c | d uncommitted_heights_max=2 certificates_per_message_max=1
        elect a
        configure a: voters a b c, observers d
        deliver
        d: follows a, log 1 1, observers d
        leaving off
        configure a: voters a b d, outgoing a b c
        deliver
        all: last 3, outgoing a b c, committed 3
        a: must leave
        refused: propose a
        configure a: voters a b d
        deliver
        a b d: last 4, committed 4, voters a b d, outgoing nobody, no duty
        c: last 4, committed 4, retired
        isolate d
        propose a
        deliver
        propose a
        deliver
        propose a
        deliver
        compact a 3
        a: base 3, log 1 1 1 1
        heal
        beat a
        deliver
        a b d: last 7, committed 7
    """)


def test_a_snapshot_is_taken_over_from_where_anothers_log_begins() -> None:
    play("""
        validators a b c uncommitted_heights_max=1 certificates_per_message_max=1
        elect a
        isolate c
        propose a
        deliver
        propose a
        deliver
        propose a
        deliver
        propose a
        deliver
        compact a 3
        heal
        beat a
        deliver
        c: last 1, committed 1
        install c from a
        c: base 3, last 3, committed 3
        deliver
        beat a
        deliver
        a b c: last 5, committed 5
    """)
