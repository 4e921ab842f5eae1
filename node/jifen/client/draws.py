"""Prize draws as the API tells them, the operations that ask for them, and drawing the winners again.

`problems_of` needs nothing but what the ledger shows: whoever doubts a draw computes it.
"""

import hmac
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from jifen.client.queries import Operation
from jifen.client.records import Answer
from jifen.codec.addresses import decode_account
from jifen.ledger.draws import records as ledger
from jifen.ledger.draws.bodies import Piece
from jifen.ledger.draws.drawing import lacking, next_digest, piece_hash, seed_of, winners_of
from jifen.ledger.points.positions import Rate

PIECE_BYTES: Final = 32
"""Length of a piece of a secret."""


class DrawPrize(Answer, frozen=True, forbid_unknown_fields=True):
    """One kind of prize."""

    name: str
    value_fen: int
    count: int


class EntryPrice(Answer, frozen=True, forbid_unknown_fields=True):
    """What one entry costs in points of one type; `rate_fen` is 0 for the organization's own."""

    point_type: str
    points: int
    rate_points: int = 1
    rate_fen: int = 0


class DrawTerms(Answer, frozen=True, forbid_unknown_fields=True):
    """What a draw promises; a file with terms has the same form."""

    rules_hash: str
    prizes: tuple[DrawPrize, ...]
    prices: tuple[EntryPrice, ...]
    entries_max: int
    close_height: int
    reveal_by: datetime
    settle_by: datetime
    committers: tuple[str, ...]
    entries_min: int = 1
    member_entries_max: int = ledger.MEMBER_ENTRIES_MAX
    excluded: tuple[str, ...] = ()

    def to_ledger(self) -> ledger.DrawTerms:
        """Return the ledger's form; raises ValueError for a hash or an account that is none."""
        return ledger.DrawTerms(
            rules_hash=bytes.fromhex(self.rules_hash),
            prizes=tuple(ledger.Prize(prize.name, prize.value_fen, prize.count) for prize in self.prizes),
            prices=tuple(
                ledger.EntryPrice(price.point_type, price.points, Rate(price.rate_points, price.rate_fen))
                for price in self.prices
            ),
            entries_min=self.entries_min,
            entries_max=self.entries_max,
            member_entries_max=self.member_entries_max,
            close_height=self.close_height,
            reveal_by=_milliseconds(self.reveal_by),
            settle_by=_milliseconds(self.settle_by),
            committers=tuple(sorted(self.committers)),
            excluded=tuple(sorted(decode_account(account) for account in self.excluded)),
        )


class DrawSecret(Answer, frozen=True):
    """A committer's secret, as far as it is known."""

    committer: str
    kept: bool
    shown: bool
    hashes: tuple[str, ...]
    pieces: tuple[str | None, ...]


class DrawWinner(Answer, frozen=True):
    """An entry that has won."""

    number: int
    prize: int
    account: str
    fulfilled: bool


class DrawSummary(Answer, frozen=True):
    """A draw in a list."""

    organization: str
    name: str
    status: str
    refund_reason: str
    entry_count: int


class Draw(DrawSummary, frozen=True):
    """A draw."""

    hash: str
    digest: str
    settled_entries: int
    withheld: tuple[str, ...]
    terms: DrawTerms
    secrets: tuple[DrawSecret, ...]
    winners: tuple[DrawWinner, ...]


class DrawEntry(Answer, frozen=True):
    """Entries of one member, bought by one transaction."""

    first_number: int
    last_number: int
    account: str
    point_type: str
    points: int
    transaction: str
    held: bool


class MemberDraw(Answer, frozen=True):
    """What one member has in one draw."""

    organization: str
    draw: str
    status: str
    entry_count: int
    last_numbers: tuple[int, ...]
    won_numbers: tuple[int, ...]


class SecretPieces(Answer, frozen=True, forbid_unknown_fields=True):
    """Pieces of a committer's secret: all of them at its committer, those of one keeper at that one."""

    organization: str
    draw: str
    hash: str
    """Of the draw: pieces made for other terms are good for nothing."""
    committer: str
    pieces: dict[int, str]
    """In hex, by index."""

    def as_pieces(self) -> tuple[Piece, ...]:
        """Return them as a transaction carries them."""
        return tuple(Piece(index, bytes.fromhex(self.pieces[index])) for index in sorted(self.pieces))

    def hashes(self) -> tuple[bytes, ...]:
        """Return what commits them, in the order of their indexes."""
        whole = bytes.fromhex(self.hash)
        return tuple(piece_hash(whole, self.committer, piece.index, piece.value) for piece in self.as_pieces())


def make_secret(draw: Draw, committer: str, random: Callable[[int], bytes]) -> SecretPieces:
    """Return a new secret of a committer; `random` gives so many unforeseeable bytes. It is not to be shown around."""
    count = len(lacking(len(draw.terms.committers)))
    pieces = {index: random(PIECE_BYTES).hex() for index in range(count)}
    return SecretPieces(draw.organization, draw.name, draw.hash, committer, pieces)


def pieces_for(draw: Draw, secret: SecretPieces, keeper: str) -> SecretPieces:
    """Return what one committer is given of another's secret."""
    place = draw.terms.committers.index(keeper)
    absent = lacking(len(draw.terms.committers))
    kept = {index: piece for index, piece in secret.pieces.items() if place not in absent[index]}
    return msgspec.structs.replace(secret, pieces=kept)


def fits(draw: Draw, handed: SecretPieces, keeper: str) -> bool:
    """Tell whether a keeper was handed all pieces it is due, and each is what was committed on the ledger."""
    secret = next((item for item in draw.secrets if item.committer == handed.committer), None)
    if secret is None or handed.hash != draw.hash or keeper not in draw.terms.committers:
        return False
    place = draw.terms.committers.index(keeper)
    due = [index for index, lacks in enumerate(lacking(len(draw.terms.committers))) if place not in lacks]
    if not {*due} <= {*handed.pieces} or not all(0 <= index < len(secret.hashes) for index in handed.pieces):
        return False
    committed = [bytes.fromhex(secret.hashes[index]) for index in sorted(handed.pieces)]
    return all(map(hmac.compare_digest, committed, handed.hashes()))


def problems_of(draw: Draw, entries: Sequence[DrawEntry]) -> list[str]:
    """Return what is wrong with a draw whose winners are drawn: nothing, when they are who they should be.

    Everything is computed anew: the hash of the terms, the digest over the entries, the hashes of the pieces, the seed
    and the winners.
    """
    terms = draw.terms.to_ledger()
    whole = ledger.draw_hash(draw.organization, draw.name, terms)
    found = [] if whole.hex() == draw.hash else ["the terms do not have the hash of the draw"]
    digest, last = whole, 0
    for entry in entries:
        if entry.first_number != last + 1:
            found.append(f"entry {entry.first_number} follows entry {last}")
        count, last = entry.last_number - entry.first_number + 1, entry.last_number
        account, identity = decode_account(entry.account), bytes.fromhex(entry.transaction)
        digest = next_digest(digest, account, entry.first_number, count, identity)
    if last != draw.entry_count:
        found.append(f"{last} entries are shown, {draw.entry_count} are counted")
    if digest.hex() != draw.digest:
        found.append("the entries do not have the digest of the draw")
    secrets = [tuple(bytes.fromhex(piece or "") for piece in secret.pieces) for secret in draw.secrets]
    for secret, pieces in zip(draw.secrets, secrets, strict=True):
        hashes = [piece_hash(whole, secret.committer, index, piece).hex() for index, piece in enumerate(pieces)]
        if not hashes or hashes != list(secret.hashes):
            found.append(f"the secret of {secret.committer} is not what was committed, or not shown whole")
    expected = winners_of(seed_of(digest, secrets), last, terms.prize_count)
    if expected != tuple(winner.number for winner in draw.winners):
        found.append(f"the winners should be {', '.join(map(str, expected))}")
    owners = _owners(entries)
    for place, winner in enumerate(draw.winners):
        if owners(winner.number) != winner.account or winner.prize != ledger.prize_of(terms, place):
            found.append(f"entry {winner.number} is not that of {winner.account}, or has won another prize")
    return found


def _owners(entries: Iterable[DrawEntry]) -> Callable[[int], str | None]:
    known = list(entries)

    def owner(number: int) -> str | None:
        return next((entry.account for entry in known if entry.first_number <= number <= entry.last_number), None)

    return owner


def _milliseconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no offset; write it like 2027-01-01T00:00:00+08:00")
    return round(moment.timestamp() * 1000)


_TERMS: Final = (
    "terms { rulesHash prizes { name valueFen count } prices { pointType points ratePoints rateFen } entriesMin "
    "entriesMax memberEntriesMax closeHeight revealBy settleBy committers excluded }"
)
_SUMMARY: Final = "organization name status refundReason entryCount"

DRAWS_PAGE: Final = 50
"""Draws of one answer."""
ENTRIES_PAGE: Final = 100
"""Purchases of entries of one answer."""
MEMBER_DRAWS_PAGE: Final = 20
"""Draws of a member in one answer."""

DRAW: Final = Operation[Draw | None](
    "query Draw($organization: String!, $name: String!, $minHeight: Int) { draw(organization: $organization, "
    f"name: $name, minHeight: $minHeight) {{ {_SUMMARY} hash digest settledEntries withheld {_TERMS} "
    "secrets { committer kept shown hashes pieces } winners { number prize account fulfilled } } }",
    "draw",
    Draw | None,
)
DRAWS: Final = Operation[tuple[DrawSummary, ...]](
    "query Draws($organization: String, $after: String) { draws(organization: $organization, first: 50, "
    f"after: $after) {{ {_SUMMARY} }} }}",
    "draws",
    tuple[DrawSummary, ...],
)
ENTRIES: Final = Operation[tuple[DrawEntry, ...]](
    "query Entries($organization: String!, $name: String!, $after: Int!) { drawEntries(organization: $organization, "
    "name: $name, first: 100, after: $after) { firstNumber lastNumber account pointType points transaction held } }",
    "drawEntries",
    tuple[DrawEntry, ...],
)
MEMBER_DRAWS: Final = Operation[tuple[MemberDraw, ...]](
    "query MemberDraws($account: AccountId!, $after: String) { memberDraws(account: $account, first: 20, "
    "after: $after) { organization draw status entryCount lastNumbers wonNumbers } }",
    "memberDraws",
    tuple[MemberDraw, ...],
)
