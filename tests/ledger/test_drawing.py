"""The arithmetic of draws: every outcome equally likely, every majority enough, every minority one piece short."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations, islice, permutations, product

import pytest

from jifen.ledger.draws.drawing import (
    below,
    draw_places,
    lacking,
    majority_of,
    next_digest,
    piece_hash,
    seed_of,
    winners_of,
    words_of,
)

EXHAUSTED = "a stream that was too short"


def finite(words: tuple[int, ...]) -> Iterator[int]:
    """Give the words; raise LookupError when another one is asked for."""
    yield from words
    raise LookupError(EXHAUSTED)


@pytest.mark.parametrize("bound", [1, 2, 3, 5, 6, 7, 8])
def test_a_number_below_a_bound_is_equally_likely_whatever_word_comes_first(bound: int) -> None:
    bits = 3
    found: Counter[int | str] = Counter()
    for word in range(1 << bits):
        try:
            found[below(bound, finite((word,)), bits)] += 1
        except (LookupError, RuntimeError):
            found["thrown away"] += 1
    kept = {number: times for number, times in found.items() if number != "thrown away"}
    assert sorted(kept) == list(range(bound))
    assert len({*kept.values()}) == 1, f"some numbers are likelier: {kept}"
    assert found["thrown away"] == (1 << bits) % bound


@pytest.mark.parametrize(
    ("entries", "prizes"), [(2, 1), (3, 1), (3, 2), (3, 3), (4, 2), (5, 2), (6, 1), (2, 5), (1, 1)]
)
def test_every_order_of_winners_is_equally_likely(entries: int, prizes: int) -> None:
    bits = 3
    asked = min(entries, prizes)
    found: Counter[tuple[int, ...]] = Counter()
    # Each word decides one place, or is thrown away for it: with as many words as places every kept choice comes once.
    for words in product(range(1 << bits), repeat=asked):
        try:
            found[draw_places(entries, prizes, finite(words), bits)] += 1
        except (LookupError, RuntimeError):
            continue
    assert {*found} == {*permutations(range(entries), asked)}
    assert len({*found.values()}) == 1, f"some orders are likelier: {found}"


def test_the_sparse_shuffle_draws_what_a_shuffle_of_the_whole_list_draws() -> None:
    for number in range(50):
        seed = number.to_bytes(32, "big")
        entries, prizes = 1 + number * 7 % 41, 1 + number % 13
        whole, words = [*range(entries)], words_of(seed)
        for place in range(min(entries, prizes)):
            other = place + below(entries - place, words)
            whole[place], whole[other] = whole[other], whole[place]
        assert draw_places(entries, prizes, words_of(seed)) == tuple(whole[: min(entries, prizes)])


def test_winners_are_few_of_many_different_and_within_the_entries() -> None:
    winners = winners_of(b"\x07" * 32, 1_000_000, 256)
    assert len({*winners}) == len(winners) == 256
    assert 1 <= min(winners) <= max(winners) <= 1_000_000
    assert winners != winners_of(b"\x08" * 32, 1_000_000, 256)


def test_with_fewer_entries_than_prizes_all_win_once() -> None:
    assert sorted(winners_of(bytes(32), 4, 10)) == [1, 2, 3, 4]
    assert winners_of(bytes(32), 0, 10) == ()


def test_the_stream_of_numbers_never_repeats_and_depends_on_every_bit_of_the_seed() -> None:
    first = list(islice(words_of(bytes(32)), 1000))
    assert len({*first}) == 1000
    for bit in range(0, 256, 37):
        other = (1 << bit).to_bytes(32, "big")
        assert not {*first} & {*islice(words_of(other), 1000)}


@pytest.mark.parametrize(("committers", "pieces"), [(3, 3), (4, 6), (5, 10), (6, 20), (7, 35)])
def test_every_majority_has_all_pieces_and_every_smaller_group_lacks_one(committers: int, pieces: int) -> None:
    absent = lacking(committers)
    assert len(absent) == pieces
    for size in range(committers + 1):
        for group in combinations(range(committers), size):
            has_all = all(any(member not in lacks for member in group) for lacks in absent)
            assert has_all == (size >= majority_of(committers)), f"{group} of {committers}"


def test_what_decides_a_draw_depends_on_every_entry_and_every_piece() -> None:
    start, secrets = b"\x01" * 32, [(b"\x02" * 32, b"\x03" * 32), (b"\x04" * 32, b"\x05" * 32)]
    digest = next_digest(start, b"\xaa" * 20, 1, 2, b"\x09" * 32)
    changed = [
        next_digest(b"\x02" * 32, b"\xaa" * 20, 1, 2, b"\x09" * 32),
        next_digest(start, b"\xab" * 20, 1, 2, b"\x09" * 32),
        next_digest(start, b"\xaa" * 20, 2, 2, b"\x09" * 32),
        next_digest(start, b"\xaa" * 20, 1, 3, b"\x09" * 32),
        next_digest(start, b"\xaa" * 20, 1, 2, b"\x08" * 32),
    ]
    assert len({digest, *changed}) == 6
    seeds = {seed_of(digest, secrets), seed_of(changed[0], secrets), seed_of(digest, secrets[::-1])}
    for place in range(4):
        other = [list(pieces) for pieces in secrets]
        other[place // 2][place % 2] = b"\x06" * 32
        seeds.add(seed_of(digest, other))
    assert len(seeds) == 7


def test_a_piece_cannot_be_passed_off_as_another_s() -> None:
    whole, piece = b"\x01" * 32, b"\x02" * 32
    hashes = {
        piece_hash(whole, "books", 0, piece),
        piece_hash(whole, "cafe", 0, piece),
        piece_hash(whole, "books", 1, piece),
        piece_hash(b"\x03" * 32, "books", 0, piece),
        piece_hash(whole, "books", 0, whole),
    }
    assert len(hashes) == 5
