"""The arithmetic of draws: how a secret is shared, what decides a draw, and who wins. Anybody can do it again.

Sharing is replicated: for every group of committers one too small to open a secret there is a piece that exactly this
group lacks (Ito, Saito, Nishizeki 1987). A majority has all pieces, anything less lacks one. Each piece is committed
by its hash, so every keeper sees at once whether it was given the right one, and no two majorities can ever open a
secret to different values.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, count

from jifen.hashing import DRAW_ENTRY_DIGEST, DRAW_PIECE, DRAW_SAMPLE, DRAW_SEED

WORD_BITS = 64
"""Bits of one number of the stream: with a million entries one in 2**44 is thrown away."""


def majority_of(committers: int) -> int:
    """Return how many of the committers open a secret: more than half of them."""
    return committers // 2 + 1


def lacking(committers: int) -> tuple[tuple[int, ...], ...]:
    """Return for each piece of a secret, in their order, the places of the committers that do not get it."""
    return tuple(combinations(range(committers), majority_of(committers) - 1))


def piece_hash(draw: bytes, committer: str, index: int, piece: bytes) -> bytes:
    """Return the hash that commits a piece: of the draw's hash, its index, the piece and whose secret it is of."""
    return DRAW_PIECE(draw, index.to_bytes(2, "big"), piece, committer.encode())


def next_digest(before: bytes, account: bytes, first: int, entries: int, transaction_id: bytes) -> bytes:
    """Return the digest over all entries after one more transaction; before the first it is the draw's hash."""
    return DRAW_ENTRY_DIGEST(before, account, first.to_bytes(8, "big"), entries.to_bytes(8, "big"), transaction_id)


def seed_of(digest: bytes, secrets: Iterable[Sequence[bytes]]) -> bytes:
    """Return what decides a draw: the digest over its entries and all pieces of all secrets, in order."""
    return DRAW_SEED(digest, *(piece for pieces in secrets for piece in pieces))


def words_of(seed: bytes) -> Iterator[int]:
    """Return the stream of numbers of WORD_BITS bits that a seed gives: four from each hash of seed and counter."""
    for counter in count():
        block = DRAW_SAMPLE(seed, counter.to_bytes(8, "big"))
        for start in range(0, 32, WORD_BITS // 8):
            yield int.from_bytes(block[start : start + WORD_BITS // 8], "big")


def below(bound: int, words: Iterator[int], bits: int = WORD_BITS) -> int:
    """Return a number from 0 to `bound - 1`, all equally likely when the words are.

    A word at or above the largest multiple of the bound is thrown away, since taking its remainder would favour the
    small numbers.
    """
    limit = (1 << bits) - (1 << bits) % bound
    return next(word for word in words if word < limit) % bound


def draw_places(entries: int, prizes: int, words: Iterator[int], bits: int = WORD_BITS) -> tuple[int, ...]:
    """Return the places, from 0, of the entries that win, in the order of the prizes: the start of a shuffle.

    Fisher and Yates shuffle from the front, and stop when the prizes are gone; only what was moved is remembered, so
    the cost grows with the prizes and not with the entries. With fewer entries than prizes all win.
    """
    moved: dict[int, int] = {}
    won = []
    for place in range(min(entries, prizes)):
        other = place + below(entries - place, words, bits)
        won.append(moved.get(other, other))
        moved[other] = moved.get(place, place)
    return tuple(won)


def winners_of(seed: bytes, entries: int, prizes: int) -> tuple[int, ...]:
    """Return the numbers, from 1, of the entries that win, in the order of the prizes."""
    return tuple(place + 1 for place in draw_places(entries, prizes, words_of(seed)))
