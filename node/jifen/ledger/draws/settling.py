"""Showing the secrets of a draw, drawing its winners, settling its entries, and handing prizes over.

The last piece of the last secret draws the winners in the block it comes in. What is left, entry by entry, the agenda
does in slices: the points of all entries are spent, or given back as the same lots when the draw comes to nothing.
"""

from typing import Final, NamedTuple

import msgspec

from jifen.ledger.context import BlockContext
from jifen.ledger.draws.bodies import FulfilPrize, RevealSecret
from jifen.ledger.draws.drawing import lacking, piece_hash, seed_of, winners_of
from jifen.ledger.draws.effects import DrawEnded, EntriesSettled, PrizeFulfilled, SecretRevealed, WinnersDrawn
from jifen.ledger.draws.preparing import begin, signed_for
from jifen.ledger.draws.records import (
    RUNNING,
    Commitment,
    Draw,
    DrawEntry,
    DrawStatus,
    RefundReason,
    prize_of,
    read_draw,
    read_tally,
)
from jifen.ledger.opened.records import count_open
from jifen.ledger.points.held import release_points, spend_held
from jifen.ledger.points.positions import take_in
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import (
    StateReader,
    StateWriter,
    draw_entry_key,
    draw_key,
    organization_key,
    point_type_key,
)
from jifen.ledger.terms.records import PointType
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import Organization, OrganizationStatus, Scope

SETTLED_MAX: Final = 32
"""Entry records of one draw that are settled in one block: some 2 ms, so that many draws may end at once."""


class Showing(NamedTuple):
    """What the check found and the act needs."""

    draw: Draw
    place: int
    """Of the secret's committer."""
    own: bool
    """Whether an operator of the committer has signed."""


def check_secret_reveal(
    state: StateReader, body: RevealSecret, transaction: Transaction, context: BlockContext
) -> Rejection | Showing:
    """Return why the pieces cannot be shown, or where they belong. Order: `rejections.py`."""
    draw = read_draw(state, body.organization, body.draw)
    committer = read(state, organization_key(body.committer), Organization)
    own = committer is not None and any(committer.scopes_of(key) for key in transaction.signers)
    if draw is None:
        return Rejection.DRAW_UNKNOWN
    if context.time < draw.terms.reveal_by and not own:
        return Rejection.NOT_AUTHORIZED
    if body.committer not in draw.terms.committers:
        return Rejection.NOT_A_COMMITTER
    place = draw.terms.committers.index(body.committer)
    commitment = draw.commitments[place]
    indexes = [piece.index for piece in body.pieces]
    if indexes != sorted({*indexes}) or indexes[-1] >= len(lacking(len(draw.commitments))):
        return Rejection.DRAW_CONTRADICTORY
    if draw.status not in RUNNING:
        return Rejection.DRAW_OVER
    if context.height <= draw.terms.close_height:
        return Rejection.DRAW_NOT_CLOSED
    if draw.status is not DrawStatus.OPEN:
        return Rejection.DRAW_NOT_OPEN
    if any(
        piece_hash(draw.hash, body.committer, piece.index, piece.value) != commitment.hashes[piece.index]
        for piece in body.pieces
    ):
        return Rejection.PIECE_WRONG
    if all(commitment.pieces[index] for index in indexes):
        return Rejection.PIECES_KNOWN
    return Showing(draw, place, own)


def reveal_secret(
    state: StateWriter, body: RevealSecret, _transaction: Transaction, found: Showing, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Take the pieces in; with the last one the winners are drawn."""
    draw, place, own = found
    before = draw.commitments[place]
    pieces = list(before.pieces)
    for piece in body.pieces:
        pieces[piece.index] = piece.value
    after = Commitment(before.hashes, tuple(pieces), before.kept, before.shown or own)
    commitments = (*draw.commitments[:place], after, *draw.commitments[place + 1 :])
    draw = msgspec.structs.replace(draw, commitments=commitments)
    missing = sum(not piece for item in commitments for piece in item.pieces)
    shown = sum(map(bool, pieces)) - sum(map(bool, before.pieces))
    effect = SecretRevealed(draw.organization, draw.name, body.committer, shown, missing)
    if missing:
        state.put(draw_key(draw.organization, draw.name), draw)
        return (effect,)
    return (effect, *_draw_winners(state, draw, context))


def _draw_winners(state: StateWriter, draw: Draw, context: BlockContext) -> tuple[AnyEffect, ...]:
    tally = read_tally(state, draw)
    if tally.entries < draw.terms.entries_min:
        begin(state, draw, DrawStatus.REFUNDING, context, reason=RefundReason.TOO_FEW_ENTRIES)
        return ()
    seed = seed_of(tally.digest, [item.pieces for item in draw.commitments])
    winners = winners_of(seed, tally.entries, draw.terms.prize_count)
    begin(state, draw, DrawStatus.SETTLING, context, winners=winners)
    return (WinnersDrawn(draw.organization, draw.name, tally.entries, tally.digest, seed, winners, withheld_in(draw)),)


def withheld_in(draw: Draw) -> tuple[str, ...]:
    """Return the committers of a draw that have not shown their secrets themselves."""
    pairs = zip(draw.terms.committers, draw.commitments, strict=True)
    return tuple(name for name, commitment in pairs if not commitment.shown)


def wake_draw(state: StateWriter, key: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Settle the next slice of a draw's entries, or give it back; at the end of its time, begin to give back."""
    draw = read(state, key, Draw)
    assert draw is not None, f"the agenda names the draw {key.hex()}, which does not exist"
    if draw.status in RUNNING:
        draw = msgspec.structs.replace(draw, status=DrawStatus.REFUNDING, reason=_why_over(state, draw, context))
    found = state.range(
        draw_entry_key(draw.organization, draw.name, draw.settled + 1),
        draw_entry_key(draw.organization, draw.name, 2**63),
        SETTLED_MAX,
    )
    refunding = draw.status is DrawStatus.REFUNDING
    effects: list[AnyEffect] = []
    spent: dict[str, int] = {}
    settled = draw.settled
    for entry_key, record in found:
        assert isinstance(record, DrawEntry), f"{entry_key.hex()} holds a {type(record).__name__}"
        state.put(entry_key, msgspec.structs.replace(record, lots=()))
        repaid = 0
        if refunding:
            back = release_points(state, record.account, record.point_type, record.lots, context.time)
            repaid = back.repaid
            effects += back.expired
        else:
            spend_held(state, record.account, record.point_type, record.points, context.time)
            spent[record.point_type] = spent.get(record.point_type, 0) + record.points
        effects.append(_told(draw, record, refunded=refunding, repaid=repaid))
        settled = record.first + record.count - 1
    _take_in_all(state, draw, spent)
    ended = settled == read_tally(state, draw).entries
    if ended:
        count_open(state, draw.organization, draws=-1)
        status = DrawStatus.REFUNDED if refunding else DrawStatus.SETTLED
        withheld = withheld_in(draw) if draw.reason is RefundReason.SECRETS_WITHHELD else ()
        effects.append(DrawEnded(draw.organization, draw.name, status, draw.reason, settled, withheld))
        draw = msgspec.structs.replace(draw, status=status)
    due = 0 if ended else context.time + 1
    schedule(state, key, 0, due)  # its entry is gone: the agenda took it out
    state.put(key, msgspec.structs.replace(draw, settled=settled, due=due))
    return tuple(effects)


def check_prize_fulfilment(
    state: StateReader, body: FulfilPrize, transaction: Transaction, _context: BlockContext
) -> Rejection | Draw:
    """Return why no prize can be handed over, or the draw. Order: `rejections.py`."""
    organizer = read(state, organization_key(body.organization), Organization)
    if organizer is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if organizer.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if not signed_for(organizer, transaction, Scope.ADMIN | Scope.CASHIER):
        return Rejection.NOT_AUTHORIZED
    draw = read_draw(state, body.organization, body.draw)
    if draw is None:
        return Rejection.DRAW_UNKNOWN
    if body.entry not in draw.winners or body.entry in draw.fulfilled:
        return Rejection.NO_PRIZE_DUE
    return draw


def fulfil_prize(
    state: StateWriter, body: FulfilPrize, _transaction: Transaction, draw: Draw, _context: BlockContext
) -> tuple[PrizeFulfilled]:
    """Note that the prize was handed over."""
    fulfilled = tuple(sorted((*draw.fulfilled, body.entry)))
    state.put(draw_key(draw.organization, draw.name), msgspec.structs.replace(draw, fulfilled=fulfilled))
    account = entry_with(state, draw, body.entry).account
    prize = prize_of(draw.terms, draw.winners.index(body.entry))
    return (PrizeFulfilled(draw.organization, draw.name, body.entry, account, prize, body.memo_hash),)


def entry_with(state: StateReader, draw: Draw, number: int) -> DrawEntry:
    """Return the record in which the entry of a number is; there is one."""
    key = draw_entry_key(draw.organization, draw.name, number)
    [(_, record)] = state.range(key, draw_entry_key(draw.organization, draw.name, 2**63), 1)
    assert isinstance(record, DrawEntry), f"{key.hex()} holds a {type(record).__name__}"
    return record


def _why_over(state: StateReader, draw: Draw, context: BlockContext) -> RefundReason:
    if draw.status is DrawStatus.PREPARING:
        return RefundReason.NEVER_OPENED
    if context.height <= draw.terms.close_height:
        return RefundReason.NEVER_CLOSED
    if read_tally(state, draw).entries < draw.terms.entries_min:
        return RefundReason.TOO_FEW_ENTRIES
    return RefundReason.SECRETS_WITHHELD


def _take_in_all(state: StateWriter, draw: Draw, spent: dict[str, int]) -> None:
    for price in draw.terms.prices:
        if price.point_type in spent:
            point_type = read(state, point_type_key(price.point_type), PointType)
            assert point_type is not None, f"the draw takes {price.point_type}, which does not exist"
            take_in(state, draw.organization, point_type, price.rate, spent[price.point_type])


def _told(draw: Draw, entry: DrawEntry, *, refunded: bool, repaid: int) -> EntriesSettled:
    return EntriesSettled(
        draw.organization,
        draw.name,
        entry.account,
        entry.first,
        entry.count,
        entry.point_type,
        entry.points,
        refunded,
        repaid,
    )
