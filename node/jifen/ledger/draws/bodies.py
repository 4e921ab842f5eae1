"""The transactions of prize draws."""

from typing import Annotated

from msgspec import Meta

from jifen.ledger.bodies import MemoHash, TransactionBody
from jifen.ledger.draws.records import PIECES_MAX, DrawTerms, Entries, EntryNumber, Pieces
from jifen.ledger.types import AccountBytes, HashBytes, PointTypeName, Record, Slug


class Piece(Record, frozen=True):
    """A piece of a committed secret."""

    index: Annotated[int, Meta(ge=0, le=PIECES_MAX - 1)]
    value: HashBytes
    """Thirty-two bytes, no hash: what the committed hash at the index is made of."""


class CreateDraw(TransactionBody, frozen=True, tag=55):
    """Publish a draw; signed by an operator of the organization with scope ADMIN. It opens when all is in keeping."""

    organization: Slug
    draw: Slug
    """Its name, once and for all; unique for the organization (invariant I3)."""
    terms: DrawTerms


class CommitToDraw(TransactionBody, frozen=True, tag=56):
    """Commit a secret by the hashes of its pieces; signed by an operator of the committer with scope ADMIN."""

    organization: Slug
    draw: Slug
    committer: Slug
    hashes: Annotated[Pieces, Meta(min_length=1)]


class KeepDrawSecrets(TransactionBody, frozen=True, tag=57):
    """Confirm that the committer keeps its pieces of all secrets and that each fits its hash; signed as it was.

    With the last one the draw opens.
    """

    organization: Slug
    draw: Slug
    committer: Slug


class EnterDraw(TransactionBody, frozen=True, tag=58):
    """Buy entries; signed with the account's current key. The points are held until the draw is settled."""

    organization: Slug
    draw: Slug
    account: AccountBytes
    point_type: PointTypeName
    entries: Entries


class RevealSecret(TransactionBody, frozen=True, tag=59):
    """Show pieces of a secret after the close; until `reveal_by` signed by an operator of its committer, then anyhow.

    With the last piece of the last secret the winners are drawn.
    """

    organization: Slug
    draw: Slug
    committer: Slug
    """Whose secret it is."""
    pieces: Annotated[tuple[Piece, ...], Meta(min_length=1, max_length=PIECES_MAX)]
    """By rising index."""


class CancelDraw(TransactionBody, frozen=True, tag=60):
    """Call a draw off, up to its close; signed by an operator of the organization with scope ADMIN. All goes back."""

    organization: Slug
    draw: Slug
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    """What members are told."""


class FulfilPrize(TransactionBody, frozen=True, tag=61):
    """Say that a prize was handed over; signed by an operator of the organization with scope ADMIN or CASHIER."""

    organization: Slug
    draw: Slug
    entry: EntryNumber
    """Number of the entry that won."""
    memo_hash: MemoHash
    """Hash of what was signed at the counter, or empty."""
