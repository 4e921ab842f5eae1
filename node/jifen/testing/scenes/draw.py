"""Draws in the scene that the ledger's tests play in: their terms, their secrets, and who signs what."""

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from jifen.ledger.draws.bodies import (
    CancelDraw,
    CommitToDraw,
    CreateDraw,
    EnterDraw,
    KeepDrawSecrets,
    Piece,
    RevealSecret,
)
from jifen.ledger.draws.drawing import lacking, piece_hash
from jifen.ledger.draws.records import DrawTerms, EntryPrice, Prize, draw_hash
from jifen.ledger.points.positions import Rate
from jifen.ledger.state import organization_key
from jifen.ledger.transactions import Body
from jifen.ledger.types import OrganizationStatus
from jifen.testing.naive.scene import DAY_MS, START, account_of, key_of, transaction

if TYPE_CHECKING:
    from jifen.testing.faults.scene import Scene

NOW: Final = START + 1000
"""Time of the block in which faults are tried, ms."""

ANN, BO, DORA, STRANGER = (account_of(key_of(name)) for name in ("ann", "bo", "dora", "stranger"))

COMMITTERS: Final = ("books", "cafe", "mall")
PIECES: Final = len(lacking(len(COMMITTERS)))

OWN: Final = EntryPrice("mall/consumer", 3, Rate(1, 0))
FOREIGN: Final = EntryPrice("books/consumer", 5, Rate(10, 1))
"""Of a draw of the mall's."""


def draw_terms(now: int, close_height: int, **changes: Any) -> DrawTerms:
    """Return terms of a draw that shows its secrets within a day and is settled within two."""
    terms = DrawTerms(
        rules_hash=bytes(32),
        prizes=(Prize("bicycle", 120_000, 1), Prize("umbrella", 3_000, 2)),
        prices=(OWN,),
        entries_min=1,
        entries_max=1000,
        member_entries_max=5,
        close_height=close_height,
        reveal_by=now + DAY_MS,
        settle_by=now + 2 * DAY_MS,
        committers=COMMITTERS,
    )
    return msgspec.structs.replace(terms, **changes)


def piece_of(draw: str, committer: str, index: int) -> bytes:
    """Return a piece of a committer's secret."""
    return sha256(f"{draw} {committer} {index}".encode()).digest()


def hashes_of(created: CreateDraw, committer: str) -> tuple[bytes, ...]:
    """Return what a committer commits."""
    whole = draw_hash(created.organization, created.draw, created.terms)
    count = len(lacking(len(created.terms.committers)))
    pieces = [piece_of(created.draw, committer, index) for index in range(count)]
    return tuple(piece_hash(whole, committer, index, piece) for index, piece in enumerate(pieces))


def preparations(created: CreateDraw, expires_at: int, nonce: bytes) -> list[tuple[Body, str]]:
    """Return everything that opens a draw after its publication, with who signs it."""
    head, whose = (expires_at, nonce), (created.organization, created.draw)
    names = created.terms.committers
    steps: list[tuple[Body, str]] = [
        (CommitToDraw(*head, *whose, name, hashes_of(created, name)), f"{name} admin") for name in names
    ]
    steps += [(KeepDrawSecrets(*head, *whose, name), f"{name} admin") for name in names]
    return steps


def revealing(created: CreateDraw, committer: str, expires_at: int, nonce: bytes, *indexes: int) -> RevealSecret:
    """Return what shows pieces of a secret, all of them unless indexes are given."""
    shown = indexes or range(len(lacking(len(created.terms.committers))))
    pieces = tuple(Piece(index, piece_of(created.draw, committer, index)) for index in shown)
    return RevealSecret(expires_at, nonce, created.organization, created.draw, committer, pieces)


def furnish_draws(world: "Scene") -> None:
    """Bring draws of the mall's in every condition into both ledgers; they are named after it.

    `fresh` is published, `half` lacks cafe's commitment, `committed` lacks every word that the secrets are kept, `open`
    takes entries and has one of Ann's, `never` was not open at its close, `closed` waits for the secrets and knows a
    piece of mall's, `off` was called off, `dropped` too but before anything was committed, `drawn` has one entry, which
    has won.
    """
    height = world.height
    world.height = height - 4
    for draw in ("fresh", "half", "committed", "open", "never", "closed", "off", "drawn", "dropped"):
        closes = height - 1 if draw in {"never", "closed", "drawn"} else height + 1
        created = scene_draw(draw, closes)
        steps = preparations(created, NOW, bytes(8))
        done = {"fresh": 0, "dropped": 0, "half": 2, "committed": 3, "never": 2}.get(draw, len(steps))
        if draw == "half":
            steps = [steps[0], steps[2]]
        accept(world, created, "mall admin")
        for body, signer in steps[:done]:
            accept(world, body, signer)
        if draw in {"open", "closed", "drawn"}:
            accept(world, EnterDraw(NOW, bytes(8), "mall", draw, ANN, "mall/guide", 1), "ann")
    for draw in ("off", "dropped"):
        accept(world, CancelDraw(NOW, bytes(8), "mall", draw, "rain"), "mall admin")
    world.height = height
    accept(world, revealing(scene_draw("closed", height - 1), "mall", NOW, bytes(8), 0), "mall admin")
    for name in COMMITTERS:
        accept(world, revealing(scene_draw("drawn", height - 1), name, NOW, bytes(8)), f"{name} admin")


def scene_draw(draw: str, close_height: int) -> CreateDraw:
    """Return the publication of one of the scene's draws; Bo, Dora and a stranger may not enter."""
    excluded = tuple(sorted((BO, DORA, STRANGER)))
    prices = (EntryPrice("mall/guide", 50, Rate(1, 0)),)
    terms = draw_terms(NOW, close_height, prices=prices, excluded=excluded, member_entries_max=5)
    return CreateDraw(NOW, bytes(8), "mall", draw, terms)


def accept(world: "Scene", body: Body, signer: str) -> None:
    """Put a transaction into both ledgers, against which nothing speaks."""
    assert world.take(transaction(body, key_of(signer))) == 0, body


def let_attic_act(world: "Scene") -> None:
    """Have attic suspended no longer, in both ledgers."""
    attic = msgspec.structs.replace(world.twin.organizations["attic"], status=OrganizationStatus.ACTIVE)
    world.twin.organizations["attic"] = attic
    world.state.put(organization_key("attic"), attic)
