"""Prize draws: what an organization promises, and what the ledger keeps of it.

A draw's terms are published whole before anybody can enter and never change. Who keeps the secrets that decide it, and
why nobody can choose the outcome, is told in docs/decisions/drawing-prizes.md; the arithmetic is in `drawing.py`.
"""

from enum import IntEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from jifen.hashing import DRAW_TERMS
from jifen.ledger.dates import DAY_MS
from jifen.ledger.points.positions import Rate
from jifen.ledger.records import read
from jifen.ledger.state import StateReader, draw_key, draw_tally_key
from jifen.ledger.types import (
    AMOUNT_FEN_MAX,
    AccountBytes,
    HashBytes,
    Height,
    Lot,
    PointTypeName,
    PositiveQuantity,
    Record,
    Slug,
    TimeMs,
)

PRIZE_FEN_MAX: Final = 5_000_000
"""Largest value of one prize, fen: what the law allows for a prize drawn in a promotion (50,000 yuan)."""

PRIZES_MAX: Final = 16
"""Most kinds of prizes of one draw."""

WINNERS_MAX: Final = 256
"""Most prizes of one draw: all winners are drawn in one transaction and stand in one record."""

PRICES_MAX: Final = 16
"""Most point types that one draw takes."""

ENTRIES_MAX: Final = 10**6
"""Most entries of one draw: they are settled in slices, a million within some minutes."""

MEMBER_ENTRIES_MAX: Final = 100
"""Most entries of one member in one draw: the member's record lists the transactions."""

EXCLUDED_MAX: Final = 64
"""Most accounts that the terms exclude by name; those of the operators of all who take part are out anyway."""

COMMITTERS_MIN: Final = 3
"""Fewest keepers of secrets: of two, a majority is both, so that each alone could stop the draw."""

COMMITTERS_MAX: Final = 7
"""Most keepers of secrets: of seven, each secret has 35 pieces."""

PIECES_MAX: Final = 35
"""Most pieces of one secret: 7 choose 3."""

DRAW_MS_MAX: Final = 366 * DAY_MS
"""Longest time, ms, from the publication of a draw to the moment at which it is settled or everything goes back."""

Count = Annotated[int, Meta(ge=0, le=ENTRIES_MAX)]
EntryNumber = Annotated[int, Meta(ge=1, le=ENTRIES_MAX)]
Entries = Annotated[int, Meta(ge=1, le=MEMBER_ENTRIES_MAX)]
Winners = Annotated[tuple[EntryNumber, ...], Meta(max_length=WINNERS_MAX)]
Pieces = Annotated[tuple[HashBytes, ...], Meta(max_length=PIECES_MAX)]
KnownPiece = Annotated[bytes, Meta(max_length=32)]


class DrawStatus(IntEnum):
    """How far a draw has come."""

    PREPARING = 1
    """Secrets are being committed and handed over; nobody can enter yet."""
    OPEN = 2
    """Takes entries up to its close height, and reveals above it."""
    SETTLING = 3
    """The winners are drawn; the points of the entries are being spent, slice by slice."""
    SETTLED = 4
    REFUNDING = 5
    """The points of the entries are being given back, slice by slice."""
    REFUNDED = 6


RUNNING: Final = (DrawStatus.PREPARING, DrawStatus.OPEN)


class RefundReason(IntEnum):
    """Why everything goes back."""

    NONE = 0
    CANCELLED = 1
    TOO_FEW_ENTRIES = 2
    SECRETS_WITHHELD = 3
    """At the end of its time, too few keepers had shown what they hold."""
    NEVER_OPENED = 4
    NEVER_CLOSED = 5
    """The ledger had not passed the close height in time."""


class Prize(Record, frozen=True):
    """One kind of prize."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    value_fen: Annotated[int, Meta(ge=0, le=AMOUNT_FEN_MAX)]
    """What one is worth, fen."""
    count: Annotated[int, Meta(ge=1, le=WINNERS_MAX)]


class EntryPrice(Record, frozen=True):
    """What one entry costs in points of one type."""

    point_type: PointTypeName
    points: PositiveQuantity
    rate: Rate
    """At which the organization takes in points of other issuers; 0 fen for its own, which are burned."""


class DrawTerms(Record, frozen=True):
    """What a draw promises.

    Invariant: prizes are WINNERS_MAX at most and prices name no type twice; `committers` and `excluded` are sorted and
    name nobody twice; `entries_min <= entries_max`; `reveal_by < settle_by`.
    """

    rules_hash: HashBytes
    """SHA-256 of the rules in words, as members are shown them."""
    prizes: Annotated[tuple[Prize, ...], Meta(min_length=1, max_length=PRIZES_MAX)]
    """In the order in which they are drawn. The odds of an entry are their number to that of the entries, at worst to
    `entries_max`."""
    prices: Annotated[tuple[EntryPrice, ...], Meta(min_length=1, max_length=PRICES_MAX)]
    entries_min: EntryNumber
    """With fewer everything goes back."""
    entries_max: EntryNumber
    member_entries_max: Entries
    close_height: Height
    """Last block that takes entries."""
    reveal_by: TimeMs
    """Block time, ms, until which the committers show their secrets themselves; from then on any keeper may."""
    settle_by: TimeMs
    """Block time, ms, at which everything goes back if the winners are not drawn yet."""
    committers: Annotated[tuple[Slug, ...], Meta(min_length=COMMITTERS_MIN, max_length=COMMITTERS_MAX)]
    """Organizations that commit secrets, each of which is in the keeping of them all."""
    excluded: Annotated[tuple[AccountBytes, ...], Meta(max_length=EXCLUDED_MAX)] = ()
    """Accounts that may not enter."""

    @property
    def prize_count(self) -> int:
        """How many prizes there are."""
        return sum(prize.count for prize in self.prizes)


class Commitment(Record, frozen=True):
    """One committer's secret, as far as the ledger knows it.

    Invariant: `pieces` are as many as `hashes`, each empty or the preimage of its hash.
    """

    hashes: Pieces = ()
    """Of the pieces of the secret; none before it is committed."""
    pieces: Annotated[tuple[KnownPiece, ...], Meta(max_length=PIECES_MAX)] = ()
    """What has been shown of it: 32 bytes each, or none."""
    kept: bool = False
    """Whether this committer has confirmed that it keeps its pieces of all secrets."""
    shown: bool = False
    """Whether the committer itself has shown its secret."""


class Draw(Record, frozen=True):
    """A draw.

    Invariant: one commitment for each committer, in their order; winners exactly while SETTLING or SETTLED; the agenda
    names the draw at `due` until it is SETTLED or REFUNDED.
    """

    organization: Slug
    name: Slug
    terms: DrawTerms
    hash: HashBytes
    """Of organization, name and terms: what people compare, and where the digest of the entries begins."""
    commitments: Annotated[tuple[Commitment, ...], Meta(max_length=COMMITTERS_MAX)]
    status: DrawStatus
    due: TimeMs
    """Block time, ms, at which the agenda looks at it; 0: never again."""
    winners: Winners = ()
    """Numbers of the entries that won, in the order of the prizes."""
    settled: Count = 0
    """Entries up to this number are settled, or given back."""
    fulfilled: Winners = ()
    """Numbers of the entries whose prize was handed over, sorted."""
    reason: RefundReason = RefundReason.NONE


class DrawTally(Record, frozen=True):
    """How many entries a draw has, and the digest over all of them, each chained to the one before."""

    entries: Count
    digest: HashBytes


class DrawEntry(Record, frozen=True):
    """Entries of one member, bought by one transaction: those numbered `first` to the one in its key.

    Invariant: `lots` are held for it and make `points`, until it is settled or given back; then there are none.
    """

    first: EntryNumber
    count: Entries
    account: AccountBytes
    point_type: PointTypeName
    points: PositiveQuantity
    transaction_id: HashBytes
    lots: tuple[Lot, ...]


class MemberEntries(Record, frozen=True):
    """What one member has in one draw."""

    entries: Entries
    numbers: Annotated[tuple[EntryNumber, ...], Meta(max_length=MEMBER_ENTRIES_MAX)]
    """Last number of each of the member's transactions."""


_encode: Final = msgspec.msgpack.Encoder().encode


def draw_hash(organization: str, name: str, terms: DrawTerms) -> bytes:
    """Return the 32-byte hash of a draw: of the canonical msgpack of organization, name and terms."""
    return DRAW_TERMS(_encode((organization, name, terms)))


def read_draw(state: StateReader, organization: str, name: str) -> Draw | None:
    """Return a draw, or None."""
    return read(state, draw_key(organization, name), Draw)


def read_tally(state: StateReader, draw: Draw) -> DrawTally:
    """Return how many entries a draw has."""
    return read(state, draw_tally_key(draw.organization, draw.name), DrawTally) or DrawTally(0, draw.hash)


def prize_of(terms: DrawTerms, place: int) -> int:
    """Return which of the terms' prizes the winner at a place, from 0, has won."""
    for index, prize in enumerate(terms.prizes):
        if place < prize.count:
            return index
        place -= prize.count
    raise IndexError(f"the draw has no prize for place {place} beyond its last")
