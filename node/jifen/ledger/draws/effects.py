"""Effects of prize draws."""

from typing import Annotated

from msgspec import Meta

from jifen.ledger.bodies import MemoHash
from jifen.ledger.draws.records import COMMITTERS_MAX, Count, DrawStatus, Entries, EntryNumber, RefundReason, Winners
from jifen.ledger.effects import Effect
from jifen.ledger.types import AccountBytes, HashBytes, Height, PointTypeName, PositiveQuantity, Quantity, Slug, TimeMs

Small = Annotated[int, Meta(ge=0, le=1024)]


class DrawCreated(Effect, frozen=True, tag=55):
    """A draw was published."""

    organization: Slug
    draw: Slug
    hash: HashBytes
    """Of organization, name and terms."""
    prizes: Small
    close_height: Height
    settle_by: TimeMs


class SecretCommitted(Effect, frozen=True, tag=56):
    """A committer has committed its secret."""

    organization: Slug
    draw: Slug
    committer: Slug
    missing: Small
    """Committers that have not yet."""


class SecretsKept(Effect, frozen=True, tag=57):
    """A committer keeps its pieces of all secrets."""

    organization: Slug
    draw: Slug
    committer: Slug
    opened: bool
    """Whether it was the last one, so that members can enter."""


class DrawEntered(Effect, frozen=True, tag=58):
    """A member has bought entries; the points are held."""

    organization: Slug
    draw: Slug
    account: AccountBytes
    first: EntryNumber
    """Number of the first of them; the others follow."""
    entries: Entries
    point_type: PointTypeName
    points: PositiveQuantity
    available_after: Quantity
    digest: HashBytes
    """Over all entries up to these."""


class SecretRevealed(Effect, frozen=True, tag=59):
    """Pieces of a secret were shown."""

    organization: Slug
    draw: Slug
    committer: Slug
    pieces: Small
    """Shown for the first time."""
    missing: Small
    """Pieces of all secrets that nobody has shown yet."""


class DrawCancelled(Effect, frozen=True, tag=60):
    """A draw was called off: its entries' points go back from the next block on."""

    organization: Slug
    draw: Slug
    reason: str
    entries: Count


class PrizeFulfilled(Effect, frozen=True, tag=61):
    """A prize was handed over."""

    organization: Slug
    draw: Slug
    entry: EntryNumber
    account: AccountBytes
    prize: Small
    """Which of the terms' prizes, from 0."""
    memo_hash: MemoHash


class WinnersDrawn(Effect, frozen=True, tag=62):
    """The winners are drawn, by the arithmetic of `drawing.py`: anybody can do it again."""

    organization: Slug
    draw: Slug
    entries: Count
    digest: HashBytes
    """Over all entries."""
    seed: HashBytes
    """Hash of the digest and all pieces of all secrets."""
    winners: Winners
    """Numbers of the entries that won, in the order of the prizes."""
    withheld: Annotated[tuple[Slug, ...], Meta(max_length=COMMITTERS_MAX)]
    """Committers that did not show their secrets themselves."""


class EntriesSettled(Effect, frozen=True, tag=63):
    """The points of a member's entries are spent, or given back."""

    organization: Slug
    draw: Slug
    account: AccountBytes
    first: EntryNumber
    entries: Entries
    point_type: PointTypeName
    points: PositiveQuantity
    refunded: bool
    debt_repaid: Quantity
    """Part of what was given back that repaid what refunds had left owing."""


class DrawEnded(Effect, frozen=True, tag=64):
    """All entries of a draw are settled, or given back."""

    organization: Slug
    draw: Slug
    status: DrawStatus
    reason: RefundReason
    entries: Count
    withheld: Annotated[tuple[Slug, ...], Meta(max_length=COMMITTERS_MAX)]
    """Committers that had committed a secret and did not show it, when everything goes back for that."""
