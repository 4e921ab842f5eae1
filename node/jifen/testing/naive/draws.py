"""Naive rules of prize draws: whole lists, shuffled whole, hashed with the standard library."""

from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from jifen.ledger.draws.bodies import (
    CancelDraw,
    CommitToDraw,
    CreateDraw,
    EnterDraw,
    FulfilPrize,
    KeepDrawSecrets,
    RevealSecret,
)
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import OrganizationStatus, Scope
from jifen.testing.naive.locks import waits
from jifen.testing.naive.terms import in_force, signed_by
from jifen.testing.naive.time import DAY, TIMED_OUT, bring_back

if TYPE_CHECKING:
    from jifen.ledger.draws.records import EntryPrice
    from jifen.testing.naive.ledger import NaiveLedger
    from jifen.testing.naive.records import NaiveLot

Effects = tuple[tuple[object, ...], ...]

SLICE = 32
"""Purchases of entries that are settled in one block."""

MOST_OPEN: Final = 16
"""Most draws of one organization that are not over."""

LOTS: Final = 366
"""Most lots in one purchase of entries."""


class Bought(NamedTuple):
    """Entries bought at once."""

    body: EnterDraw
    identity: bytes
    points: int
    first: int

    @property
    def last(self) -> int:
        """Number of the last of them."""
        return self.first + self.body.entries - 1


@dataclass
class NaiveDraw:
    """A draw."""

    body: CreateDraw
    due: int
    status: str = "PREPARING"
    reason: str = "NONE"
    hashes: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    pieces: dict[tuple[str, int], bytes] = field(default_factory=dict)
    bought: list[Bought] = field(default_factory=list)
    settled: list[Bought] = field(default_factory=list)
    fulfilled: set[int] = field(default_factory=set)

    @property
    def name(self) -> tuple[str, str]:
        """Organization and name."""
        return self.body.organization, self.body.draw

    @property
    def owners(self) -> list[bytes]:
        """Whose each entry is, in the order of their numbers."""
        return [item.body.account for item in self.bought for _ in range(item.body.entries)]

    @property
    def key(self) -> bytes:
        """State key of the draw."""
        return b"d" + "\0".join(self.name).encode()

    def key_of(self, item: Bought) -> bytes:
        """State key of entries."""
        return b"D" + self.key[1:] + b"\0" + item.last.to_bytes(8, "big")


def tagged(tag: str, *parts: bytes) -> bytes:
    """Return a hash of parts under a tag of the draws."""
    start = sha256(f"jifen/draw/{tag}/1".encode()).digest()
    return sha256(start + start + b"".join(parts)).digest()


def hash_of(draw: NaiveDraw) -> bytes:
    """Return the hash of what a draw promises."""
    return tagged("terms", msgspec.msgpack.encode([*draw.name, draw.body.terms]))


def digest_of(draw: NaiveDraw) -> bytes:
    """Return the digest over all entries."""
    digest = hash_of(draw)
    for item in draw.bought:
        numbers = item.first.to_bytes(8, "big") + item.body.entries.to_bytes(8, "big")
        digest = tagged("entry", digest, item.body.account, numbers, item.identity)
    return digest


def pieces_asked(draw: NaiveDraw) -> int:
    """Return how many pieces a secret has: one for every group of committers that is one short of a majority."""
    people = len(draw.body.terms.committers)
    short = next(size for size in range(people) if 2 * (size + 1) > people)
    return sum(number.bit_count() == short for number in range(1 << people))


def seed_of(draw: NaiveDraw) -> bytes:
    """Return what decides the draw."""
    known = [draw.pieces[name, index] for name in draw.body.terms.committers for index in range(pieces_asked(draw))]
    return tagged("seed", digest_of(draw), *known)


def winners_of(draw: NaiveDraw) -> list[int]:
    """Return the winning numbers: shuffle all of them, and take as many as there are prizes."""
    seed, numbers = seed_of(draw), [*range(1, len(draw.owners) + 1)]
    stream = iter(
        int.from_bytes(tagged("sample", seed, number.to_bytes(8, "big"))[start : start + 8], "big")
        for number in count()
        for start in (0, 8, 16, 24)
    )
    prizes = sum(prize.count for prize in draw.body.terms.prizes)
    won: list[int] = []
    while numbers[len(won) :] and len(won) < prizes:
        left = len(numbers) - len(won)
        drawn = next(stream)
        if drawn >= 2**64 // left * left:
            continue
        place = len(won) + drawn % left
        numbers[len(won)], numbers[place] = numbers[place], numbers[len(won)]
        won.append(numbers[len(won)])
    return won


def withheld(draw: NaiveDraw) -> tuple[str, ...]:
    """Return the committers that have not shown their secret themselves."""
    return tuple(name for name in draw.body.terms.committers if name not in draw.shown)


def against_organization(ledger: "NaiveLedger", name: str, item: Transaction, *scopes: Scope) -> set[Rejection]:
    """Return what speaks against an organization, and against who signed for it."""
    if name not in ledger.organizations:
        return {Rejection.ORGANIZATION_UNKNOWN}
    found = set()
    if ledger.organizations[name].status == OrganizationStatus.SUSPENDED:
        found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
    if scopes and not any(signed_by(ledger, name, scope, item) for scope in scopes):
        found.add(Rejection.NOT_AUTHORIZED)
    return found


def against_creation(ledger: "NaiveLedger", body: CreateDraw, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a draw."""
    terms = body.terms
    found = against_organization(ledger, body.organization, item, Scope.ADMIN)
    for name in terms.committers:
        found |= against_organization(ledger, name, item)
    if (body.organization, body.draw) in ledger.draws:
        found.add(Rejection.DRAW_EXISTS)
    types = [price.point_type for price in terms.prices]
    lists: list[list[Any]] = [list(terms.committers), list(terms.excluded)]
    if any(names != sorted(names) or len(set(names)) < len(names) for names in (*lists, sorted(types))):
        found.add(Rejection.DRAW_CONTRADICTORY)
    if sum(prize.count for prize in terms.prizes) > 256 or terms.entries_min > terms.entries_max:
        found.add(Rejection.DRAW_CONTRADICTORY)
    if terms.settle_by <= terms.reveal_by:
        found.add(Rejection.DRAW_CONTRADICTORY)
    if not terms.close_height > ledger.height or not time < terms.reveal_by or terms.settle_by > time + 366 * DAY:
        found.add(Rejection.CLOSE_OUT_OF_RANGE)
    if any(prize.value_fen > 50_000 * 100 for prize in terms.prizes):
        found.add(Rejection.PRIZE_TOO_LARGE)
    for price in terms.prices:
        if price.point_type not in ledger.point_types:
            found.add(Rejection.POINT_TYPE_UNKNOWN)
            continue
        promise = in_force(ledger, price.point_type, time)
        if price.point_type.startswith(f"{body.organization}/"):
            if price.rate.fen:
                found.add(Rejection.DRAW_CONTRADICTORY)
        elif body.organization not in promise.accepted_by:
            found.add(Rejection.PRICE_UNFOUNDED)
        if price.rate.fen * promise.settlement_points > promise.settlement_fen * price.rate.points:
            found.add(Rejection.PRICE_UNFOUNDED)
    mine = [draw for draw in ledger.draws.values() if draw.body.organization == body.organization]
    if len([draw for draw in mine if draw.status not in {"SETTLED", "REFUNDED"}]) >= MOST_OPEN:
        found.add(Rejection.TOO_MANY_DRAWS)
    return found


def may_charge(ledger: "NaiveLedger", organizer: str, price: "EntryPrice", time: int) -> bool:
    """Tell whether the issuer lets the organizer take points at this rate now."""
    promise = in_force(ledger, price.point_type, time)
    listed = price.point_type.startswith(f"{organizer}/") or organizer in promise.accepted_by
    return listed and price.rate.fen * promise.settlement_points <= promise.settlement_fen * price.rate.points


def create(ledger: "NaiveLedger", body: CreateDraw, _item: Transaction, _time: int) -> Effects:
    """Add a draw."""
    draw = NaiveDraw(body, body.terms.settle_by)
    ledger.draws[draw.name] = draw
    prizes = sum(prize.count for prize in body.terms.prizes)
    return ((*draw.name, hash_of(draw), prizes, body.terms.close_height, body.terms.settle_by),)


def against_draw(ledger: "NaiveLedger", draw: NaiveDraw) -> set[Rejection]:
    """Return what speaks against changing anything about a draw before its close."""
    found = set()
    if draw.status not in {"PREPARING", "OPEN"}:
        found.add(Rejection.DRAW_OVER)
    if ledger.height > draw.body.terms.close_height:
        found.add(Rejection.DRAW_CLOSED)
    return found


def against_committer(
    ledger: "NaiveLedger", body: CommitToDraw | KeepDrawSecrets, item: Transaction
) -> tuple[set[Rejection], NaiveDraw | None]:
    """Return what speaks against a committer, and the draw."""
    found = against_organization(ledger, body.committer, item, Scope.ADMIN)
    draw = ledger.draws.get((body.organization, body.draw))
    if draw is None:
        return found | {Rejection.DRAW_UNKNOWN}, None
    if body.committer not in draw.body.terms.committers:
        found.add(Rejection.NOT_A_COMMITTER)
    return found | against_draw(ledger, draw), draw


def against_commitment(ledger: "NaiveLedger", body: CommitToDraw, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against a commitment."""
    found, draw = against_committer(ledger, body, item)
    if draw is not None:
        if len(body.hashes) != pieces_asked(draw):
            found.add(Rejection.DRAW_CONTRADICTORY)
        if body.committer in draw.hashes:
            found.add(Rejection.ALREADY_COMMITTED)
    return found


def commit(ledger: "NaiveLedger", body: CommitToDraw, _item: Transaction, _time: int) -> Effects:
    """Remember the hashes."""
    draw = ledger.draws[body.organization, body.draw]
    draw.hashes[body.committer] = body.hashes
    return ((*draw.name, body.committer, len(draw.body.terms.committers) - len(draw.hashes)),)


def against_keeping(ledger: "NaiveLedger", body: KeepDrawSecrets, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against a committer's word."""
    found, draw = against_committer(ledger, body, item)
    if draw is not None:
        if set(draw.hashes) != set(draw.body.terms.committers):
            found.add(Rejection.COMMITMENTS_MISSING)
        if body.committer in draw.kept:
            found.add(Rejection.SECRETS_ALREADY_KEPT)
    return found


def keep(ledger: "NaiveLedger", body: KeepDrawSecrets, _item: Transaction, _time: int) -> Effects:
    """Remember the word."""
    draw = ledger.draws[body.organization, body.draw]
    draw.kept.add(body.committer)
    opened = draw.kept == set(draw.body.terms.committers)
    if opened:
        draw.status = "OPEN"
    return ((*draw.name, body.committer, opened),)


def against_entry(ledger: "NaiveLedger", body: EnterDraw, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against entering."""
    found = against_organization(ledger, body.organization, item)
    if body.account not in ledger.accounts:
        found.add(Rejection.ACCOUNT_UNKNOWN)
    if ledger.accounts.get(body.account, (b"", 0))[0] not in item.signers:
        found.add(Rejection.NOT_AUTHORIZED)
    if body.account in ledger.accounts and waits(ledger, body.account):
        found.add(Rejection.ACCOUNT_LOCKED)
    if body.point_type not in ledger.point_types:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    draw = ledger.draws.get((body.organization, body.draw))
    if draw is None:
        return found | {Rejection.DRAW_UNKNOWN}
    found |= against_draw(ledger, draw)
    terms = draw.body.terms
    if draw.status == "PREPARING":
        found.add(Rejection.DRAW_NOT_OPEN)
    if body.account in terms.excluded or body.account in insiders(ledger, draw):
        found.add(Rejection.ACCOUNT_EXCLUDED)
    mine = draw.owners.count(body.account) + body.entries
    if len(draw.owners) + body.entries > terms.entries_max or mine > terms.member_entries_max:
        found.add(Rejection.ENTRIES_EXHAUSTED)
    prices = [price for price in terms.prices if price.point_type == body.point_type]
    if not prices or not all(may_charge(ledger, body.organization, price, time) for price in prices):
        found.add(Rejection.DRAW_TAKES_OTHER_POINTS)
    for price in prices:
        points = price.points * body.entries
        if ledger.balance(body.account, body.point_type) < points:
            found.add(Rejection.INSUFFICIENT_POINTS)
        elif lots_for(ledger, body, points) > LOTS:
            found.add(Rejection.TOO_MANY_LOTS)
    return found


def lots_for(ledger: "NaiveLedger", body: EnterDraw, points: int) -> int:
    """Return how many lots it takes to make so many points."""
    for number, lot in enumerate(ledger.lots_of(body.account, body.point_type, "available"), start=1):
        points -= lot.points
        if points <= 0:
            return number
    return 0


def insiders(ledger: "NaiveLedger", draw: NaiveDraw) -> set[bytes]:
    """Return the accounts of operators of those who take part."""
    keys = {
        operator.key
        for name in (draw.body.organization, *draw.body.terms.committers)
        for operator in ledger.organizations[name].operators
        if operator.scopes
    }
    return {account for account, (key, _) in ledger.accounts.items() if key in keys}


def enter(ledger: "NaiveLedger", body: EnterDraw, item: Transaction, _time: int) -> Effects:
    """Buy entries."""
    draw = ledger.draws[body.organization, body.draw]
    [price] = [price for price in draw.body.terms.prices if price.point_type == body.point_type]
    bought = Bought(body, item.id, price.points * body.entries, len(draw.owners) + 1)
    missing = bought.points
    while missing:
        lot = ledger.lots_of(body.account, body.point_type, "available")[0]
        alike = next(other for other in ledger.lots if other._replace(points=0) == lot._replace(points=0))
        part = min(missing, alike.points)
        missing -= part
        ledger.lots.remove(alike)
        if alike.points > part:
            ledger.lots.append(alike._replace(points=alike.points - part))
        ledger.lots.append(alike._replace(points=part, place="held", held_for=draw.key_of(bought)))
    draw.bought.append(bought)
    left = ledger.balance(body.account, body.point_type)
    what = (body.account, bought.first, body.entries, body.point_type, bought.points)
    return ((*draw.name, *what, left, digest_of(draw)),)


def against_reveal(ledger: "NaiveLedger", body: RevealSecret, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against showing pieces."""
    draw = ledger.draws.get((body.organization, body.draw))
    if draw is None:
        return {Rejection.DRAW_UNKNOWN}
    found, terms = set(), draw.body.terms
    if time < terms.reveal_by and not is_own(ledger, body, item):
        found.add(Rejection.NOT_AUTHORIZED)
    if body.committer not in terms.committers:
        found.add(Rejection.NOT_A_COMMITTER)
    indexes = [piece.index for piece in body.pieces]
    if any(after <= before for before, after in pairwise(indexes)):
        found.add(Rejection.DRAW_CONTRADICTORY)
    if max(indexes) >= pieces_asked(draw):
        found.add(Rejection.DRAW_CONTRADICTORY)
    if draw.status not in {"PREPARING", "OPEN"}:
        found.add(Rejection.DRAW_OVER)
    if ledger.height <= terms.close_height:
        found.add(Rejection.DRAW_NOT_CLOSED)
    if draw.status == "PREPARING":
        found.add(Rejection.DRAW_NOT_OPEN)
    for piece in body.pieces:
        number, committed = piece.index.to_bytes(2, "big"), draw.hashes.get(body.committer, ())
        if piece.index < len(committed):
            digest = tagged("piece", hash_of(draw), number, piece.value, body.committer.encode())
            if digest != committed[piece.index]:
                found.add(Rejection.PIECE_WRONG)
    if all((body.committer, index) in draw.pieces for index in indexes):
        found.add(Rejection.PIECES_KNOWN)
    return found


def is_own(ledger: "NaiveLedger", body: RevealSecret, item: Transaction) -> bool:
    """Tell whether an operator of the secret's committer has signed."""
    known = ledger.organizations.get(body.committer)
    return known is not None and any(operator.key in item.signers and operator.scopes for operator in known.operators)


def reveal(ledger: "NaiveLedger", body: RevealSecret, item: Transaction, time: int) -> Effects:
    """Remember the pieces; when all are there, draw."""
    draw = ledger.draws[body.organization, body.draw]
    before = len(draw.pieces)
    draw.pieces |= {(body.committer, piece.index): piece.value for piece in body.pieces}
    if is_own(ledger, body, item):
        draw.shown.add(body.committer)
    missing = pieces_asked(draw) * len(draw.body.terms.committers) - len(draw.pieces)
    told: list[tuple[object, ...]] = [(*draw.name, body.committer, len(draw.pieces) - before, missing)]
    if missing == 0:
        draw.due = time
        if len(draw.owners) < draw.body.terms.entries_min:
            draw.status, draw.reason = "REFUNDING", "TOO_FEW_ENTRIES"
        else:
            draw.status = "SETTLING"
            won = tuple(winners_of(draw))
            told.append((*draw.name, len(draw.owners), digest_of(draw), seed_of(draw), won, withheld(draw)))
    return tuple(told)


def against_cancellation(ledger: "NaiveLedger", body: CancelDraw, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against calling a draw off."""
    found = against_organization(ledger, body.organization, item, Scope.ADMIN)
    draw = ledger.draws.get((body.organization, body.draw))
    return found | ({Rejection.DRAW_UNKNOWN} if draw is None else against_draw(ledger, draw))


def cancel(ledger: "NaiveLedger", body: CancelDraw, _item: Transaction, time: int) -> Effects:
    """Call a draw off."""
    draw = ledger.draws[body.organization, body.draw]
    draw.status, draw.reason, draw.due = "REFUNDING", "CANCELLED", time
    return ((*draw.name, body.reason, len(draw.owners)),)


def against_fulfilment(ledger: "NaiveLedger", body: FulfilPrize, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against handing a prize over."""
    found = against_organization(ledger, body.organization, item, Scope.ADMIN, Scope.CASHIER)
    draw = ledger.draws.get((body.organization, body.draw))
    if draw is None:
        return found | {Rejection.DRAW_UNKNOWN}
    won = draw.status in {"SETTLING", "SETTLED"} and body.entry in winners_of(draw)
    if not won or body.entry in draw.fulfilled:
        found.add(Rejection.NO_PRIZE_DUE)
    return found


def fulfil(ledger: "NaiveLedger", body: FulfilPrize, _item: Transaction, _time: int) -> Effects:
    """Remember that the prize was handed over."""
    draw = ledger.draws[body.organization, body.draw]
    draw.fulfilled.add(body.entry)
    kinds = [index for index, prize in enumerate(draw.body.terms.prizes) for _ in range(prize.count)]
    prize = kinds[winners_of(draw).index(body.entry)]
    return ((*draw.name, body.entry, draw.owners[body.entry - 1], prize, body.memo_hash),)


def run_out(ledger: "NaiveLedger", time: int) -> list[tuple[int, bytes, Any]]:
    """Return the draws that are to be settled further by now."""
    return [
        (draw.due, draw.key, partial(settle, ledger, draw, time))
        for draw in ledger.draws.values()
        if 0 < draw.due <= time
    ]


def settle(ledger: "NaiveLedger", draw: NaiveDraw, time: int) -> list[tuple[object, ...]]:
    """Settle a slice of a draw, or give it back."""
    if draw.status == "PREPARING":
        draw.status, draw.reason = "REFUNDING", "NEVER_OPENED"
    elif draw.status == "OPEN":
        few = len(draw.owners) < draw.body.terms.entries_min
        over = "TOO_FEW_ENTRIES" if few else "SECRETS_WITHHELD"
        draw.status = "REFUNDING"
        draw.reason = over if ledger.height > draw.body.terms.close_height else "NEVER_CLOSED"
    told: list[tuple[object, ...]] = []
    refunding = draw.status == "REFUNDING"
    for item in draw.bought[len(draw.settled) :][:SLICE]:
        draw.settled.append(item)
        lots = [lot for lot in ledger.lots if lot.held_for == draw.key_of(item)]
        ledger.lots = [lot for lot in ledger.lots if lot not in lots]
        repaid = 0
        if refunding:
            repaid, expired = bring_back(ledger, lots, time)
            told += expired
        else:
            pay(ledger, draw, item)
        what = (item.body.account, item.first, item.body.entries, item.body.point_type, item.points)
        told.append((*draw.name, *what, refunding, repaid))
    draw.due = time + 1
    if len(draw.settled) == len(draw.bought):
        draw.due, draw.status = 0, "REFUNDED" if refunding else "SETTLED"
        named = withheld(draw) if draw.reason == "SECRETS_WITHHELD" else ()
        told.append((*draw.name, STATUSES[draw.status], REASONS[draw.reason], len(draw.owners), named))
    return told


def pay(ledger: "NaiveLedger", draw: NaiveDraw, item: Bought) -> None:
    """Let the organization have the points of entries."""
    organization, point_type = draw.body.organization, item.body.point_type
    if point_type.startswith(f"{organization}/"):
        ledger.burned[point_type] += item.points
        return
    [rate] = [price.rate for price in draw.body.terms.prices if price.point_type == point_type]
    ledger.positions[organization, point_type, rate.points, rate.fen] += item.points


def held_by(ledger: "NaiveLedger", draw: NaiveDraw, item: Bought) -> list["NaiveLot"]:
    """Return the lots held for entries, those that look alike put together, in spending order."""
    mine = ledger.lots_of(item.body.account, item.body.point_type, "held")
    return [lot for lot in mine if lot.held_for == draw.key_of(item)]


STATUSES: Final = {"PREPARING": 1, "OPEN": 2, "SETTLING": 3, "SETTLED": 4, "REFUNDING": 5, "REFUNDED": 6}
REASONS: Final = {
    "NONE": 0,
    "CANCELLED": 1,
    "TOO_FEW_ENTRIES": 2,
    "SECRETS_WITHHELD": 3,
    "NEVER_OPENED": 4,
    "NEVER_CLOSED": 5,
}

TIMED_OUT.append(run_out)
