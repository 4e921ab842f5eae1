"""Faults of prize draws."""

from typing import Any, Final

from jifen.ledger.draws.bodies import (
    CancelDraw,
    CommitToDraw,
    CreateDraw,
    EnterDraw,
    FulfilPrize,
    KeepDrawSecrets,
    Piece,
)
from jifen.ledger.draws.records import EntryPrice, Prize
from jifen.ledger.points.positions import Rate
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Body
from jifen.testing.faults.lock import ann_is_locked
from jifen.testing.faults.scene import ANN, BO, DORA, HEIGHT, NOW, STRANGER, Fault, Scene
from jifen.testing.naive.scene import DAY_MS, key_of, transaction
from jifen.testing.scenes.draw import draw_terms, hashes_of, let_attic_act, piece_of, revealing, scene_draw
from jifen.testing.scenes.governance import suspend_everybody

NONCE: Final = b"nonce000"
HEAD: Final = (NOW + 1, NONCE, "mall")

GOOD_DRAWS: Final[dict[str, tuple[Body, str]]] = {
    "publish draw": (CreateDraw(*HEAD, "new", draw_terms(NOW, HEIGHT + 1)), "mall admin"),
    "commit": (CommitToDraw(*HEAD, "half", "cafe", hashes_of(scene_draw("half", HEIGHT + 1), "cafe")), "cafe admin"),
    "keep": (KeepDrawSecrets(*HEAD, "committed", "cafe"), "cafe admin"),
    "enter": (EnterDraw(*HEAD, "open", ANN, "mall/guide", 1), "ann"),
    "reveal": (revealing(scene_draw("closed", HEIGHT - 1), "books", NOW + 1, NONCE), "books admin"),
    "cancel": (CancelDraw(*HEAD, "open", "rain"), "mall admin"),
    "fulfil": (FulfilPrize(*HEAD, "drawn", 1, b""), "mall till"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""

OF_THE_ORGANIZER: Final = ("publish draw", "cancel", "fulfil")
OF_A_COMMITTER: Final = ("commit", "keep")
OF_A_DRAW: Final = ("commit", "keep", "enter", "reveal", "cancel", "fulfil")


def of_terms(reason: Rejection, **terms: Any) -> Fault:
    """Return a fault of a draw's terms."""
    return Fault("publish draw", reason, {f"terms.{field}": value for field, value in terms.items()})


def price(point_type: str, fen: int = 0) -> tuple[EntryPrice]:
    """Return a price in another type of points."""
    return (EntryPrice(point_type, 1, Rate(1, fen)),)


KNOWN_PIECE: Final = (Piece(0, piece_of("closed", "mall", 0)),)


def many_draws(scene: Scene) -> None:
    """Let the mall have as many draws as it may; the scene has nine that are not over."""
    for number in range(7):
        body = CreateDraw(NOW, bytes(8), "mall", f"more-{number}", draw_terms(NOW, HEIGHT + 1))
        scene.take(transaction(body, key_of("mall admin")))


DRAW_FAULTS: Final = (
    *(Fault(kind, Rejection.ORGANIZATION_UNKNOWN, {"organization": "nobody"}) for kind in OF_THE_ORGANIZER),
    *(Fault(kind, Rejection.ORGANIZATION_UNKNOWN, {"committer": "nobody"}) for kind in OF_A_COMMITTER),
    Fault("enter", Rejection.ORGANIZATION_UNKNOWN, {"organization": "nobody"}),
    of_terms(Rejection.ORGANIZATION_UNKNOWN, committers=("books", "mall", "nobody")),
    *(Fault(kind, Rejection.ORGANIZATION_NOT_ACTIVE, {"organization": "attic"}) for kind in OF_THE_ORGANIZER),
    *(Fault(kind, Rejection.ORGANIZATION_NOT_ACTIVE, {"committer": "attic"}) for kind in OF_A_COMMITTER),
    *(Fault(kind, Rejection.ORGANIZATION_NOT_ACTIVE, {"committer": "attic"}, "attic admin") for kind in OF_A_COMMITTER),
    Fault("enter", Rejection.ORGANIZATION_NOT_ACTIVE, {"organization": "attic"}),
    *(
        Fault(kind, Rejection.ORGANIZATION_NOT_ACTIVE, {}, stage=suspend_everybody)
        for kind in ("commit", "keep", "enter", "cancel", "fulfil")
    ),
    of_terms(Rejection.ORGANIZATION_NOT_ACTIVE, committers=("attic", "books", "mall")),
    Fault("enter", Rejection.ACCOUNT_UNKNOWN, {"account": STRANGER}),
    Fault("enter", Rejection.POINT_TYPE_UNKNOWN, {"point_type": "mall/store"}),
    of_terms(Rejection.POINT_TYPE_UNKNOWN, prices=price("mall/store") + price("books/consumer")),
    *(Fault(kind, Rejection.NOT_AUTHORIZED, {}, "books admin") for kind in (*OF_THE_ORGANIZER, *OF_A_COMMITTER)),
    *(Fault(kind, Rejection.NOT_AUTHORIZED, {}, "mall issuer") for kind in OF_THE_ORGANIZER),
    Fault("enter", Rejection.NOT_AUTHORIZED, {}, "cy"),
    Fault("enter", Rejection.ACCOUNT_LOCKED, {}, stage=ann_is_locked),
    Fault("enter", Rejection.ACCOUNT_LOCKED, {"account": DORA}, "dora"),
    Fault("reveal", Rejection.NOT_AUTHORIZED, {}, "cafe admin"),
    *(Fault(kind, Rejection.DRAW_UNKNOWN, {"draw": "no"}) for kind in OF_A_DRAW),
    Fault("publish draw", Rejection.DRAW_EXISTS, {"draw": "off"}),
    *(
        Fault(kind, Rejection.NOT_A_COMMITTER, {"committer": "attic"}, "attic admin", stage=let_attic_act)
        for kind in OF_A_COMMITTER
    ),
    Fault("reveal", Rejection.NOT_A_COMMITTER, {"committer": "attic"}, "attic till"),
    Fault("commit", Rejection.DRAW_CONTRADICTORY, {"hashes": (bytes(32),) * 2}),
    Fault("reveal", Rejection.DRAW_CONTRADICTORY, {"pieces": (Piece(3, bytes(32)),)}),
    Fault("reveal", Rejection.DRAW_CONTRADICTORY, {"pieces": (Piece(1, bytes(32)), Piece(0, bytes(32)))}),
    Fault("reveal", Rejection.DRAW_CONTRADICTORY, {"pieces": (*KNOWN_PIECE, *KNOWN_PIECE)}),
    of_terms(Rejection.DRAW_CONTRADICTORY, committers=("cafe", "books", "mall")),
    of_terms(Rejection.DRAW_CONTRADICTORY, committers=("books", "books", "mall")),
    of_terms(Rejection.DRAW_CONTRADICTORY, excluded=tuple(sorted((ANN, BO), reverse=True))),
    of_terms(Rejection.DRAW_CONTRADICTORY, prices=price("mall/consumer") * 2),
    of_terms(Rejection.DRAW_CONTRADICTORY, prices=price("mall/consumer", 1)),
    of_terms(Rejection.DRAW_CONTRADICTORY, prizes=(Prize("pen", 1, 200), Prize("cap", 1, 57))),
    of_terms(Rejection.DRAW_CONTRADICTORY, entries_min=1001),
    of_terms(Rejection.DRAW_CONTRADICTORY, reveal_by=NOW + 2 * DAY_MS),
    of_terms(Rejection.CLOSE_OUT_OF_RANGE, close_height=HEIGHT),
    of_terms(Rejection.CLOSE_OUT_OF_RANGE, reveal_by=NOW),
    of_terms(Rejection.CLOSE_OUT_OF_RANGE, settle_by=NOW + 366 * DAY_MS + 1),
    of_terms(Rejection.PRIZE_TOO_LARGE, prizes=(Prize("car", 5_000_001, 1),)),
    of_terms(Rejection.PRICE_UNFOUNDED, prices=price("books/consumer")),
    Fault("publish draw", Rejection.TOO_MANY_DRAWS, {}, stage=many_draws),
    *(Fault(kind, Rejection.DRAW_OVER, {"draw": "off"}) for kind in ("commit", "keep", "enter", "reveal", "cancel")),
    *(Fault(kind, Rejection.DRAW_OVER, {"draw": "drawn"}) for kind in ("commit", "keep", "enter", "reveal", "cancel")),
    Fault("keep", Rejection.DRAW_OVER, {"draw": "dropped"}),
    *(Fault(kind, Rejection.DRAW_CLOSED, {"draw": "closed"}) for kind in ("commit", "keep", "enter", "cancel")),
    *(Fault(kind, Rejection.DRAW_CLOSED, {"draw": "never"}) for kind in ("commit", "keep", "enter", "cancel")),
    *(Fault("reveal", Rejection.DRAW_NOT_CLOSED, {"draw": draw}) for draw in ("open", "fresh")),
    *(Fault("enter", Rejection.DRAW_NOT_OPEN, {"draw": draw}) for draw in ("fresh", "committed")),
    Fault("reveal", Rejection.DRAW_NOT_OPEN, {"draw": "never"}),
    Fault("commit", Rejection.ALREADY_COMMITTED, {"committer": "books"}, "books admin"),
    Fault("commit", Rejection.ALREADY_COMMITTED, {"draw": "open"}),
    Fault("keep", Rejection.COMMITMENTS_MISSING, {"draw": "half"}),
    Fault("keep", Rejection.SECRETS_ALREADY_KEPT, {"draw": "open"}),
    Fault("enter", Rejection.ACCOUNT_EXCLUDED, {"account": BO}, "bo"),
    Fault("enter", Rejection.DRAW_TAKES_OTHER_POINTS, {"point_type": "mall/consumer"}),
    Fault("enter", Rejection.DRAW_TAKES_OTHER_POINTS, {"point_type": "books/consumer"}),
    Fault("enter", Rejection.ENTRIES_EXHAUSTED, {"entries": 5}),
    Fault("enter", Rejection.ENTRIES_EXHAUSTED, {"entries": 6}),
    Fault("enter", Rejection.INSUFFICIENT_POINTS, {"entries": 4}),
    Fault("reveal", Rejection.PIECE_WRONG, {"pieces": (Piece(2, bytes(32)),)}),
    Fault("reveal", Rejection.PIECE_WRONG, {"committer": "mall", "pieces": (Piece(0, bytes(32)),)}, "mall admin"),
    Fault("reveal", Rejection.PIECES_KNOWN, {"committer": "mall", "pieces": KNOWN_PIECE}, "mall admin"),
    Fault("fulfil", Rejection.NO_PRIZE_DUE, {"entry": 2}),
    Fault("fulfil", Rejection.NO_PRIZE_DUE, {"draw": "closed"}),
)

UNKNOWN_DRAW: Final = (
    "NOT_A_COMMITTER",
    "DRAW_CONTRADICTORY",
    "DRAW_OVER",
    "DRAW_CLOSED",
    "DRAW_NOT_CLOSED",
    "DRAW_NOT_OPEN",
    "ALREADY_COMMITTED",
    "COMMITMENTS_MISSING",
    "SECRETS_ALREADY_KEPT",
    "ACCOUNT_EXCLUDED",
    "DRAW_TAKES_OTHER_POINTS",
    "ENTRIES_EXHAUSTED",
    "INSUFFICIENT_POINTS",
    "PIECE_WRONG",
    "PIECES_KNOWN",
    "NO_PRIZE_DUE",
)
"""Reasons that are asked of a draw."""

UNKNOWN_ORGANIZATION: Final = (
    "ALREADY_COMMITTED",
    "SECRETS_ALREADY_KEPT",
    "DRAW_NOT_OPEN",
    "ACCOUNT_EXCLUDED",
    "DRAW_TAKES_OTHER_POINTS",
    "ENTRIES_EXHAUSTED",
    "NO_PRIZE_DUE",
)

DRAWS_NEVER_MEET: Final[dict[tuple[str, str], str]] = {
    **{("DRAW_UNKNOWN", later): "a draw that does not exist has nothing of the kind" for later in UNKNOWN_DRAW},
    **{("ORGANIZATION_UNKNOWN", later): "who does not exist has no draw" for later in UNKNOWN_ORGANIZATION},
    ("DRAW_TAKES_OTHER_POINTS", "INSUFFICIENT_POINTS"): "what has no price costs nothing",
    ("DRAW_OVER", "DRAW_NOT_OPEN"): "a draw that is over is not being prepared",
    ("COMMITMENTS_MISSING", "SECRETS_ALREADY_KEPT"): "nobody keeps what is not committed",
    ("DRAW_NOT_CLOSED", "PIECES_KNOWN"): "nothing is shown before the close",
    ("DRAW_NOT_OPEN", "PIECES_KNOWN"): "nor of a draw that was never open",
    ("NOT_A_COMMITTER", "PIECE_WRONG"): "who is none has committed nothing",
    ("NOT_A_COMMITTER", "PIECES_KNOWN"): "and shown nothing",
    ("NOT_A_COMMITTER", "ALREADY_COMMITTED"): "and has committed nothing",
    ("NOT_A_COMMITTER", "SECRETS_ALREADY_KEPT"): "and keeps nothing",
}
"""Reasons of one of these kinds that no transaction can have as its first and a later one."""
