"""A leader's notes on one peer: the window, probing, and answers that come too late."""

import pytest

from jifen.consensus.progress import HEARTBEATS_TO_A_REPEAT, Inflight, Mode, Progress


def make_progress(*, next_height: int = 6, messages: int = 2) -> Progress:
    return Progress(next_height=next_height, inflight_messages_max=messages, inflight_bytes_max=100)


def replicating(**limits: int) -> Progress:
    progress = make_progress(**limits)
    progress.acknowledged(progress.next_height - 1)
    return progress


def test_the_window_is_full_by_messages_or_by_bytes() -> None:
    by_messages = Inflight(messages_max=2, bytes_max=100)
    fullness = []
    for height in (1, 2):
        by_messages.add(height, 1)
        fullness.append(by_messages.full)
    assert fullness == [False, True]
    by_bytes = Inflight(messages_max=9, bytes_max=100)
    by_bytes.add(1, 100)
    assert by_bytes.full


def test_one_message_fits_the_window_however_large() -> None:
    window = Inflight(messages_max=2, bytes_max=10)
    window.add(1, 1000)
    assert window.full
    window.free_to(1)
    assert (len(window), window.bytes, window.full) == (0, 0, False)


def test_acknowledging_a_height_frees_the_messages_up_to_it() -> None:
    window = Inflight(messages_max=5, bytes_max=100)
    for height in (3, 5, 9):
        window.add(height, 10)
    window.free_to(6)
    assert (len(window), window.bytes) == (1, 10)


def test_adding_to_a_full_window_is_our_own_fault() -> None:
    window = Inflight(messages_max=1, bytes_max=10)
    window.add(1, 1)
    with pytest.raises(AssertionError):
        window.add(2, 1)


def test_a_probe_waits_for_its_answer_and_then_replication_starts() -> None:
    progress = make_progress()
    progress.sent(6, 10)
    assert (progress.paused, progress.next_height) == (True, 6)
    progress.acknowledged(6)
    assert (progress.mode, progress.match, progress.next_height, progress.paused) == (Mode.REPLICATE, 6, 7, False)


def test_replicating_moves_on_without_waiting_until_the_window_is_full() -> None:
    progress = replicating()
    progress.sent(6, 10)
    progress.sent(8, 10)
    assert (progress.next_height, progress.paused) == (9, True)
    progress.acknowledged(6)
    assert not progress.paused


def test_a_refusal_while_replicating_empties_the_window_and_restarts_at_the_match() -> None:
    progress = replicating()
    progress.sent(6, 10)
    progress.sent(7, 10)
    assert progress.refused(6, agree_height=0)
    assert (progress.mode, progress.next_height, progress.paused, len(progress.inflight)) == (Mode.PROBE, 6, False, 0)


@pytest.mark.parametrize("height", [3, 5])
def test_a_refusal_below_the_match_is_too_late_to_mean_anything(height: int) -> None:
    progress = replicating()
    progress.sent(6, 10)
    assert not progress.refused(height, agree_height=0)
    assert (progress.mode, progress.next_height) == (Mode.REPLICATE, 7)


def test_a_refusal_of_another_probe_is_ignored() -> None:
    progress = make_progress()
    progress.sent(6, 10)
    assert not progress.refused(4, agree_height=1)
    assert progress.paused
    assert progress.refused(5, agree_height=2)
    assert progress.next_height == 3


def test_every_answered_refusal_lowers_the_next_probe_whatever_the_hint() -> None:
    progress = make_progress()
    assert progress.refused(5, agree_height=99)
    assert progress.next_height == 5


def test_a_late_acknowledgement_never_moves_anything_back() -> None:
    progress = replicating()
    progress.sent(6, 10)
    progress.acknowledged(2)
    assert (progress.match, progress.next_height, len(progress.inflight)) == (5, 7, 1)


def test_a_heartbeat_sets_the_certificates_back_to_what_the_peer_reported() -> None:
    progress = replicating()
    progress.reported(2)
    progress.certificates_sent = 5
    progress.resume()
    assert progress.certificates_sent == 2


def test_certificates_that_went_with_entries_on_their_way_are_not_sent_again_while_the_peer_gets_on() -> None:
    progress = replicating()
    progress.sent(6, 10)
    progress.certificates_sent = 5
    for commit in range(2, 5):
        progress.reported(commit)
        for _ in range(HEARTBEATS_TO_A_REPEAT - 1):
            progress.resume()
    assert progress.certificates_sent == 5

    progress.resume()
    assert progress.certificates_sent == 4
