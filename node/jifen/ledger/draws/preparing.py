"""Publishing a draw, putting its secrets into keeping, and calling it off."""

from typing import NamedTuple

import msgspec

from jifen.ledger.context import BlockContext
from jifen.ledger.draws.bodies import CancelDraw, CommitToDraw, CreateDraw, KeepDrawSecrets
from jifen.ledger.draws.drawing import lacking
from jifen.ledger.draws.effects import DrawCancelled, DrawCreated, SecretCommitted, SecretsKept
from jifen.ledger.draws.records import (
    DRAW_MS_MAX,
    PRIZE_FEN_MAX,
    RUNNING,
    WINNERS_MAX,
    Commitment,
    Draw,
    DrawStatus,
    DrawTerms,
    EntryPrice,
    RefundReason,
    draw_hash,
    read_draw,
    read_tally,
)
from jifen.ledger.opened.records import DRAWS_MAX, count_open, open_of_organization
from jifen.ledger.points.positions import is_accepted_at, is_within_settlement_price
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import StateReader, StateWriter, draw_key, organization_key, point_type_key
from jifen.ledger.terms.records import PointType, terms_in_force
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import Organization, OrganizationStatus, Scope


class Keeping(NamedTuple):
    """A draw whose secrets are being put into keeping, and the place of who acts among its committers."""

    draw: Draw
    place: int


def signed_for(organization: Organization, transaction: Transaction, scopes: int) -> bool:
    """Tell whether an operator with one of the scopes has signed."""
    return any(organization.scopes_of(key) & scopes for key in transaction.signers)


def check_draw_creation(
    state: StateReader, body: CreateDraw, transaction: Transaction, context: BlockContext
) -> Rejection | DrawTerms:
    """Return why the draw cannot be published, or its terms. Order: `rejections.py`."""
    terms = body.terms
    organizer, *committers = (
        read(state, organization_key(name), Organization) for name in (body.organization, *terms.committers)
    )
    types = [read(state, point_type_key(price.point_type), PointType) for price in terms.prices]
    if organizer is None or None in committers:
        return Rejection.ORGANIZATION_UNKNOWN
    if any(found and found.status is not OrganizationStatus.ACTIVE for found in (organizer, *committers)):
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if None in types:
        return Rejection.POINT_TYPE_UNKNOWN
    if not signed_for(organizer, transaction, Scope.ADMIN):
        return Rejection.NOT_AUTHORIZED
    if read_draw(state, body.organization, body.draw) is not None:
        return Rejection.DRAW_EXISTS
    if draw_contradicts_itself(terms, body.organization):
        return Rejection.DRAW_CONTRADICTORY
    in_time = context.time < terms.reveal_by and terms.settle_by <= context.time + DRAW_MS_MAX
    if terms.close_height <= context.height or not in_time:
        return Rejection.CLOSE_OUT_OF_RANGE
    if any(prize.value_fen > PRIZE_FEN_MAX for prize in terms.prizes):
        return Rejection.PRIZE_TOO_LARGE
    priced = zip(terms.prices, types, strict=True)
    if not all(found and is_founded(body.organization, price, found, context.time) for price, found in priced):
        return Rejection.PRICE_UNFOUNDED
    if open_of_organization(state, body.organization).draws >= DRAWS_MAX:
        return Rejection.TOO_MANY_DRAWS
    return terms


def create_draw(
    state: StateWriter, body: CreateDraw, _transaction: Transaction, terms: DrawTerms, _context: BlockContext
) -> tuple[DrawCreated]:
    """Publish the draw; the agenda will see to it that nobody's points stay in it for ever."""
    digest = draw_hash(body.organization, body.draw, terms)
    commitments = (Commitment(),) * len(terms.committers)
    draw = Draw(body.organization, body.draw, terms, digest, commitments, DrawStatus.PREPARING, terms.settle_by)
    key = draw_key(body.organization, body.draw)
    state.put(key, draw)
    schedule(state, key, 0, draw.due)
    count_open(state, body.organization, draws=1)
    effect = DrawCreated(body.organization, body.draw, digest, terms.prize_count, terms.close_height, terms.settle_by)
    return (effect,)


def draw_contradicts_itself(terms: DrawTerms, organization: str) -> bool:
    """Tell whether terms of an organization's draw break an invariant of `DrawTerms`."""
    types = [price.point_type for price in terms.prices]
    own = [price for price in terms.prices if price.point_type.split("/", maxsplit=1)[0] == organization]
    return (
        terms.prize_count > WINNERS_MAX
        or len({*types}) < len(types)
        or any(price.rate.fen for price in own)
        or list(terms.committers) != sorted({*terms.committers})
        or list(terms.excluded) != sorted({*terms.excluded})
        or terms.entries_min > terms.entries_max
        or terms.reveal_by >= terms.settle_by
    )


def is_founded(organization: str, price: EntryPrice, point_type: PointType, time: int) -> bool:
    """Tell whether the organization may take points at a price's rate, by what their issuer promises at a time, ms."""
    promised = terms_in_force(point_type, time)
    return is_accepted_at(organization, point_type, promised) and is_within_settlement_price(price.rate, promised)


def check_draw_commitment(
    state: StateReader, body: CommitToDraw, transaction: Transaction, context: BlockContext
) -> Rejection | Keeping:
    """Return why the secret cannot be committed, or where it belongs. Order: `rejections.py`."""
    found = _check_committer(state, body, transaction)
    if isinstance(found, Rejection):
        return found
    if len(body.hashes) != len(lacking(len(found.draw.terms.committers))):
        return Rejection.DRAW_CONTRADICTORY
    rejection = _check_running(found.draw, context)
    if rejection is not None:
        return rejection
    if found.draw.commitments[found.place].hashes:
        return Rejection.ALREADY_COMMITTED
    return found


def commit_secret(
    state: StateWriter, body: CommitToDraw, _transaction: Transaction, found: Keeping, _context: BlockContext
) -> tuple[SecretCommitted]:
    """Take the commitment in."""
    unknown = (b"",) * len(body.hashes)
    draw = _with_commitment(found, Commitment(body.hashes, unknown))
    state.put(draw_key(draw.organization, draw.name), draw)
    missing = sum(not item.hashes for item in draw.commitments)
    return (SecretCommitted(draw.organization, draw.name, body.committer, missing),)


def check_draw_keeping(
    state: StateReader, body: KeepDrawSecrets, transaction: Transaction, context: BlockContext
) -> Rejection | Keeping:
    """Return why it cannot be confirmed that the pieces are kept, or whose word it is. Order: `rejections.py`."""
    found = _check_committer(state, body, transaction)
    if isinstance(found, Rejection):
        return found
    rejection = _check_running(found.draw, context)
    if rejection is not None:
        return rejection
    if not all(item.hashes for item in found.draw.commitments):
        return Rejection.COMMITMENTS_MISSING
    if found.draw.commitments[found.place].kept:
        return Rejection.SECRETS_ALREADY_KEPT
    return found


def keep_secrets(
    state: StateWriter, body: KeepDrawSecrets, _transaction: Transaction, found: Keeping, _context: BlockContext
) -> tuple[SecretsKept]:
    """Take the word in; with the last one the draw opens."""
    draw = _with_commitment(found, msgspec.structs.replace(found.draw.commitments[found.place], kept=True))
    opened = all(item.kept for item in draw.commitments)
    if opened:
        draw = msgspec.structs.replace(draw, status=DrawStatus.OPEN)
    state.put(draw_key(draw.organization, draw.name), draw)
    return (SecretsKept(draw.organization, draw.name, body.committer, opened),)


def check_draw_cancellation(
    state: StateReader, body: CancelDraw, transaction: Transaction, context: BlockContext
) -> Rejection | Draw:
    """Return why the draw cannot be called off, or the draw. Order: `rejections.py`.

    Not after its close: whoever sees a part of the secrets then could call off what he does not like.
    """
    organizer = read(state, organization_key(body.organization), Organization)
    if organizer is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if organizer.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if not signed_for(organizer, transaction, Scope.ADMIN):
        return Rejection.NOT_AUTHORIZED
    draw = read_draw(state, body.organization, body.draw)
    if draw is None:
        return Rejection.DRAW_UNKNOWN
    return _check_running(draw, context) or draw


def cancel_draw(
    state: StateWriter, body: CancelDraw, _transaction: Transaction, draw: Draw, context: BlockContext
) -> tuple[DrawCancelled]:
    """Call the draw off; the agenda gives the points back."""
    begin(state, draw, DrawStatus.REFUNDING, context, reason=RefundReason.CANCELLED)
    return (DrawCancelled(draw.organization, draw.name, body.reason, read_tally(state, draw).entries),)


def begin(
    state: StateWriter,
    draw: Draw,
    status: DrawStatus,
    context: BlockContext,
    *,
    reason: RefundReason = RefundReason.NONE,
    winners: tuple[int, ...] = (),
) -> None:
    """Let the agenda settle the draw, or give everything back, from the next block on."""
    key = draw_key(draw.organization, draw.name)
    schedule(state, key, draw.due, context.time)
    state.put(key, msgspec.structs.replace(draw, status=status, reason=reason, winners=winners, due=context.time))


def _check_committer(
    state: StateReader, body: CommitToDraw | KeepDrawSecrets, transaction: Transaction
) -> Rejection | Keeping:
    committer = read(state, organization_key(body.committer), Organization)
    if committer is None:
        return Rejection.ORGANIZATION_UNKNOWN
    if committer.status is not OrganizationStatus.ACTIVE:
        return Rejection.ORGANIZATION_NOT_ACTIVE
    if not signed_for(committer, transaction, Scope.ADMIN):
        return Rejection.NOT_AUTHORIZED
    draw = read_draw(state, body.organization, body.draw)
    if draw is None:
        return Rejection.DRAW_UNKNOWN
    if body.committer not in draw.terms.committers:
        return Rejection.NOT_A_COMMITTER
    return Keeping(draw, draw.terms.committers.index(body.committer))


def _check_running(draw: Draw, context: BlockContext) -> Rejection | None:
    if draw.status not in RUNNING:
        return Rejection.DRAW_OVER
    if context.height > draw.terms.close_height:
        return Rejection.DRAW_CLOSED
    return None


def _with_commitment(found: Keeping, commitment: Commitment) -> Draw:
    before = found.draw.commitments
    after = (*before[: found.place], commitment, *before[found.place + 1 :])
    return msgspec.structs.replace(found.draw, commitments=after)
