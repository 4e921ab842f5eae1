"""Buying entries of a draw: numbered in the order of the ledger, their points held until the draw is settled."""

from typing import NamedTuple

from jifen.ledger.context import BlockContext
from jifen.ledger.draws.bodies import EnterDraw
from jifen.ledger.draws.drawing import next_digest
from jifen.ledger.draws.effects import DrawEntered
from jifen.ledger.draws.preparing import is_founded
from jifen.ledger.draws.records import (
    MEMBER_ENTRIES_MAX,
    RUNNING,
    Draw,
    DrawEntry,
    DrawStatus,
    DrawTally,
    MemberEntries,
    read_draw,
    read_tally,
)
from jifen.ledger.locks.records import points_wait
from jifen.ledger.points.held import hold_points, why_not_held
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import (
    StateReader,
    StateWriter,
    account_key,
    draw_entry_key,
    draw_member_key,
    draw_tally_key,
    holding_key,
    organization_key,
    point_type_key,
)
from jifen.ledger.terms.records import PointType
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import EMPTY_HOLDING, Account, Holding, Organization, OrganizationStatus


class Entering(NamedTuple):
    """What the check found and the act needs."""

    draw: Draw
    tally: DrawTally
    mine: MemberEntries | None
    points: int
    """What the entries cost together."""


def check_draw_entry(
    state: StateReader, body: EnterDraw, transaction: Transaction, context: BlockContext
) -> Rejection | Entering:
    """Return why the member cannot enter, or what that needs. Order: `rejections.py`."""
    organizer = read(state, organization_key(body.organization), Organization)
    if organizer is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if organizer.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    account = read(state, account_key(body.account), Account)
    if account is None:
        return Rejection.ACCOUNT_UNKNOWN
    point_type = read(state, point_type_key(body.point_type), PointType)
    if point_type is None:
        return Rejection.POINT_TYPE_UNKNOWN
    if account.key not in transaction.signers:
        return Rejection.NOT_AUTHORIZED
    if points_wait(account):
        return Rejection.ACCOUNT_LOCKED
    draw = read_draw(state, body.organization, body.draw)
    if draw is None:
        return Rejection.DRAW_UNKNOWN
    rejection = _check_open(draw, context)
    if rejection is not None:
        return rejection
    if account.id in draw.terms.excluded or is_insider(state, draw, account):
        return Rejection.ACCOUNT_EXCLUDED
    prices = [price for price in draw.terms.prices if price.point_type == body.point_type]
    if not prices or not is_founded(body.organization, prices[0], point_type, context.time):
        return Rejection.DRAW_TAKES_OTHER_POINTS
    return _check_means(state, body, draw, prices[0].points * body.entries)


def enter_draw(
    state: StateWriter, body: EnterDraw, transaction: Transaction, found: Entering, context: BlockContext
) -> tuple[DrawEntered]:
    """Hold the points and number the entries."""
    draw, tally, mine, points = found
    first, last = tally.entries + 1, tally.entries + body.entries
    lots = hold_points(state, body.account, body.point_type, points, context.time)
    digest = next_digest(tally.digest, body.account, first, body.entries, transaction.id)
    state.put(draw_tally_key(draw.organization, draw.name), DrawTally(last, digest))
    entry = DrawEntry(first, body.entries, body.account, body.point_type, points, transaction.id, lots)
    state.put(draw_entry_key(draw.organization, draw.name, last), entry)
    after = MemberEntries((mine.entries if mine else 0) + body.entries, (*(mine.numbers if mine else ()), last))
    state.put(draw_member_key(body.account, draw.organization, draw.name), after)
    holding = read(state, holding_key(body.account, body.point_type), Holding) or EMPTY_HOLDING
    effect = DrawEntered(
        draw.organization,
        draw.name,
        body.account,
        first,
        body.entries,
        body.point_type,
        points,
        holding.available,
        digest,
    )
    return (effect,)


def is_insider(state: StateReader, draw: Draw, account: Account) -> bool:
    """Tell whether an account is that of an operator of the organization or of a committer."""
    for name in (draw.organization, *draw.terms.committers):
        organization = read(state, organization_key(name), Organization)
        if organization is not None and organization.scopes_of(account.key):
            return True
    return False


def _check_open(draw: Draw, context: BlockContext) -> Rejection | None:
    if draw.status not in RUNNING:
        return Rejection.DRAW_OVER
    if context.height > draw.terms.close_height:
        return Rejection.DRAW_CLOSED
    return None if draw.status is DrawStatus.OPEN else Rejection.DRAW_NOT_OPEN


def _check_means(state: StateReader, body: EnterDraw, draw: Draw, points: int) -> Rejection | Entering:
    tally = read_tally(state, draw)
    mine = read(state, draw_member_key(body.account, body.organization, body.draw), MemberEntries)
    holding = read(state, holding_key(body.account, body.point_type), Holding) or EMPTY_HOLDING
    total = (mine.entries if mine else 0) + body.entries
    allowed = min(draw.terms.member_entries_max, MEMBER_ENTRIES_MAX)
    if tally.entries + body.entries > draw.terms.entries_max or total > allowed:
        return Rejection.ENTRIES_EXHAUSTED
    return why_not_held(holding, points) or Entering(draw, tally, mine, points)
