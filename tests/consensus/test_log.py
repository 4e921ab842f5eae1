"""The log: what it keeps in memory, what it reads back, and what it refuses to forget."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.consensus.log import Log
from jifen.consensus.messages import Entry
from jifen.consensus.types import Position
from jifen.testing.consensus_host import GENESIS_HASH, MemoryDisk, make_chain, make_entry, position_of


def make_log(disk: MemoryDisk, *, committed: int = 0, cache_bytes_max: int = 1000) -> Log:
    return Log(base=disk.base, last=disk.last, committed=committed, reader=disk, cache_bytes_max=cache_bytes_max)


def filled(entries: Sequence[Entry], *, cache_bytes_max: int = 1000) -> tuple[Log, MemoryDisk]:
    disk = MemoryDisk()
    log = make_log(disk, cache_bytes_max=cache_bytes_max)
    for entry in entries:
        log.append(entry)
    return log, disk


def test_an_empty_log_ends_at_the_genesis_block() -> None:
    log, _ = filled([])
    assert log.last == Position(0, 0, GENESIS_HASH)
    assert log.position(0) == Position(0, 0, GENESIS_HASH)
    assert log.position(1) is None
    assert log.entry(0) is None


def test_appending_moves_the_end_and_the_entry_can_be_found() -> None:
    chain = make_chain([1, 1, 2])
    log, _ = filled(chain)
    assert log.last == position_of(chain[2])
    assert [log.entry(height) for height in (1, 2, 3)] == chain
    assert log.position(0) == Position(0, 0, GENESIS_HASH)


def test_an_entry_that_does_not_continue_the_log_is_our_own_fault() -> None:
    chain = make_chain([1, 2])
    log, _ = filled(chain)
    for wrong in (make_chain([2])[0], make_entry(Position(2, 2, bytes(32)), 2), make_entry(position_of(chain[1]), 1)):
        with pytest.raises(AssertionError):
            log.append(wrong)


def test_truncating_drops_the_entry_and_all_above() -> None:
    chain = make_chain([1, 1, 1, 1])
    log, _ = filled(chain)
    log.truncate(3)
    assert log.last == position_of(chain[1])
    assert log.entry(3) is None
    log.append(make_entry(log.last, 2))
    assert log.last.term == 2


def test_truncating_a_committed_entry_is_our_own_fault() -> None:
    log, _ = filled(make_chain([1, 1, 1]))
    log.commit(2)
    with pytest.raises(AssertionError):
        log.truncate(2)
    log.truncate(3)


def test_the_committed_height_never_falls_nor_passes_the_end() -> None:
    log, _ = filled(make_chain([1, 1]))
    log.commit(1)
    for wrong in (0, 1, 3):
        with pytest.raises(AssertionError):
            log.commit(wrong)


def test_after_a_restart_old_entries_are_read_and_may_be_truncated() -> None:
    disk = MemoryDisk()
    disk.log = make_chain([1, 1, 1])
    log = make_log(disk, committed=1)
    assert log.entry(2) == disk.log[1]
    log.truncate(2)
    assert log.last == position_of(disk.log[0])
    assert log.entry(2) is None, "the disk still shows it, but it is no longer in the log"


def test_committed_payloads_leave_memory_when_they_are_too_many_and_are_then_read() -> None:
    chain = make_chain([1] * 5, payload=b"x" * 10)
    log, disk = filled(chain, cache_bytes_max=25)
    disk.log = list(chain)
    assert log.cached_bytes == 50
    log.commit(4)
    assert (log.cached_bytes, log.cached_from) == (20, 4)
    assert log.entry(1) == chain[0]


def test_uncommitted_payloads_stay_in_memory_however_many() -> None:
    chain = make_chain([1] * 5, payload=b"x" * 10)
    log, disk = filled(chain, cache_bytes_max=1)
    disk.log = list(chain)
    log.commit(2)
    assert log.cached_from == 2
    assert log.cached_bytes == 40


def test_an_entry_stays_in_memory_while_the_disk_shows_an_abandoned_one() -> None:
    chain = make_chain([2, 2], payload=b"new")
    log, disk = filled(chain, cache_bytes_max=1)
    disk.log = make_chain([1, 1], payload=b"old")
    log.commit(2)
    assert log.entry(1) == chain[0]


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 40), st.data())
def test_searching_by_term_finds_what_a_scan_finds(rises: list[int], term: int, data: st.DataObject) -> None:
    terms = [sum(rises[: count + 1]) for count in range(len(rises))]
    log, _ = filled(make_chain(terms))
    high = data.draw(st.integers(0, len(terms)))
    low = data.draw(st.integers(0, high))
    fitting = [height for height in range(low + 1, high + 1) if terms[height - 1] <= term]
    assert log.highest_with_term_at_most(term, low=low, high=high) == max(fitting, default=low)


@pytest.mark.parametrize(
    ("term", "height", "expected"),
    [(1, 9, False), (2, 1, False), (2, 2, True), (2, 3, True), (3, 1, True)],
)
def test_a_log_is_up_to_date_by_last_term_and_then_by_height(term: int, height: int, expected: bool) -> None:
    log, _ = filled(make_chain([1, 2]))
    assert log.up_to_date(term, height) is expected
