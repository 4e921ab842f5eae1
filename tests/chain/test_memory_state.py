"""The state in memory says what a dictionary would, and its ranges what sorting that would give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.chain.memory import MemoryState
from jifen.codec.canonical import encode
from jifen.ledger.types import Record, Supply, TransactionMark

names = st.builds(lambda table, rest: table + rest, st.sampled_from((b"x", b"s")), st.binary(max_size=2))
blocks = st.lists(st.dictionaries(names, st.none() | st.integers(1, 9), max_size=6), max_size=6)


def record_of(name: bytes, number: int) -> Record:
    """Return a record that belongs under the name."""
    return TransactionMark(number) if name[:1] == b"x" else Supply(number, 0)


@given(blocks, st.binary(max_size=2), st.binary(max_size=2), st.integers(0, 5))
def test_reads_and_ranges_say_what_was_written(
    written: list[dict[bytes, int | None]], start: bytes, stop: bytes, limit: int
) -> None:
    state, expected = MemoryState(), dict[bytes, Record]()
    for block in written:
        writes: list[tuple[bytes, bytes | None]] = []
        for name, number in sorted(block.items()):
            if number is not None:
                expected[name] = record_of(name, number)
                writes.append((name, encode(expected[name])))
            elif expected.pop(name, None) is not None:
                writes.append((name, None))
        state.write(writes)
        for table in (b"x", b"s"):
            wanted = [(name, expected[name]) for name in sorted(expected) if table + start <= name < table + stop]
            assert state.range(table + start, table + stop, limit) == wanted[:limit]
    assert {name: state.get(name) for name in state.records} == expected
    assert state.get(b"x none such") is None


def test_deleting_what_is_not_there_is_our_own_fault() -> None:
    with pytest.raises(KeyError):
        MemoryState().write([(b"x", None)])
