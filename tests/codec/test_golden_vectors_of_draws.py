"""The formats of prize draws, byte by byte; as for all formats, none ever changes."""

from typing import Any, Final

import pytest

from jifen.codec.canonical import encode
from jifen.ledger.draws.bodies import (
    CancelDraw,
    CommitToDraw,
    CreateDraw,
    EnterDraw,
    FulfilPrize,
    KeepDrawSecrets,
    Piece,
    RevealSecret,
)
from jifen.ledger.draws.drawing import next_digest, piece_hash, seed_of, winners_of
from jifen.ledger.draws.effects import (
    DrawCancelled,
    DrawCreated,
    DrawEnded,
    DrawEntered,
    EntriesSettled,
    PrizeFulfilled,
    SecretCommitted,
    SecretRevealed,
    SecretsKept,
    WinnersDrawn,
)
from jifen.ledger.draws.records import (
    Commitment,
    Draw,
    DrawEntry,
    DrawStatus,
    DrawTally,
    DrawTerms,
    EntryPrice,
    MemberEntries,
    Prize,
    RefundReason,
    draw_hash,
)
from jifen.ledger.points.positions import Rate
from jifen.ledger.receipts import Receipt
from jifen.ledger.state import draw_entry_key, draw_key, draw_member_key, draw_tally_key
from jifen.ledger.types import Lot, LotOrigin

NONCE: Final = bytes.fromhex("0001020304050607")
ACCOUNT: Final = b"\xaa" * 20
HASH: Final = b"\x1d" * 32
TIME: Final = 1_790_000_000_000
TERMS: Final = DrawTerms(
    HASH,
    (Prize("bicycle", 120_000, 1), Prize("umbrella", 3_000, 20)),
    (EntryPrice("mall/consumer", 50, Rate(1, 0)), EntryPrice("books/consumer", 80, Rate(100, 3))),
    10,
    1000,
    5,
    700,
    TIME + 1,
    TIME + 2,
    ("books", "cafe", "mall"),
    (ACCOUNT,),
)
HEAD: Final = (TIME, NONCE, "mall", "spring")
NAME: Final = ("mall", "spring")

VALUES: Final[dict[str, Any]] = {
    "create": CreateDraw(*HEAD, TERMS),
    "commit": CommitToDraw(*HEAD, "cafe", (HASH, HASH, HASH)),
    "keep": KeepDrawSecrets(*HEAD, "cafe"),
    "enter": EnterDraw(*HEAD, ACCOUNT, "mall/consumer", 2),
    "reveal": RevealSecret(*HEAD, "cafe", (Piece(0, HASH), Piece(2, HASH))),
    "cancel": CancelDraw(*HEAD, "rain"),
    "fulfil": FulfilPrize(*HEAD, 7, HASH),
    "draw": Draw(
        *NAME,
        TERMS,
        HASH,
        (Commitment((HASH,), (b"",), True), Commitment((HASH,), (HASH,), True, True), Commitment()),
        DrawStatus.SETTLING,
        TIME,
        (7, 3),
        5,
        (3,),
        RefundReason.NONE,
    ),
    "tally": DrawTally(9, HASH),
    "entry": DrawEntry(1, 2, ACCOUNT, "mall/consumer", 100, HASH, (Lot(100, LotOrigin.EARNED, TIME, 0),)),
    "member": MemberEntries(3, (2, 9)),
    "created": Receipt(HASH, 0, (DrawCreated(*NAME, HASH, 21, 700, TIME),)),
    "committed": Receipt(HASH, 0, (SecretCommitted(*NAME, "cafe", 1),)),
    "kept": Receipt(HASH, 0, (SecretsKept(*NAME, "cafe", True),)),
    "entered": Receipt(HASH, 0, (DrawEntered(*NAME, ACCOUNT, 1, 2, "mall/consumer", 100, 40, HASH),)),
    "revealed": Receipt(HASH, 0, (SecretRevealed(*NAME, "cafe", 2, 4),)),
    "cancelled": Receipt(HASH, 0, (DrawCancelled(*NAME, "rain", 9),)),
    "fulfilled": Receipt(HASH, 0, (PrizeFulfilled(*NAME, 7, ACCOUNT, 0, b""),)),
    "drawn": Receipt(HASH, 0, (WinnersDrawn(*NAME, 9, HASH, HASH, (7, 3), ("cafe",)),)),
    "settled": Receipt(HASH, 0, (EntriesSettled(*NAME, ACCOUNT, 1, 2, "mall/consumer", 100, True, 3),)),
    "ended": Receipt(
        HASH, 0, (DrawEnded(*NAME, DrawStatus.REFUNDED, RefundReason.SECRETS_WITHHELD, 9, ("cafe", "mall")),)
    ),
}

GOLDEN: Final = {
    "create": (
        "9637cf000001a0c4506c00c4080001020304050607a46d616c6ca6737072696e679bc4201d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d9293a762696379636c65ce0001d4c00193a8756d6272656c6c61cd0b"
        "b8149293ad6d616c6c2f636f6e73756d65723292010093ae626f6f6b732f636f6e73756d6572509264030acd03e805cd"
        "02bccf000001a0c4506c01cf000001a0c4506c0293a5626f6f6b73a463616665a46d616c6c91c414aaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaa"
    ),
    "commit": (
        "9738cf000001a0c4506c00c4080001020304050607a46d616c6ca6737072696e67a46361666593c4201d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1dc4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "keep": "9639cf000001a0c4506c00c4080001020304050607a46d616c6ca6737072696e67a463616665",
    "enter": (
        "983acf000001a0c4506c00c4080001020304050607a46d616c6ca6737072696e67c414aaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657202"
    ),
    "reveal": (
        "973bcf000001a0c4506c00c4080001020304050607a46d616c6ca6737072696e67a463616665929200c4201d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d9202c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "cancel": "963ccf000001a0c4506c00c4080001020304050607a46d616c6ca6737072696e67a47261696e",
    "fulfil": (
        "973dcf000001a0c4506c00c4080001020304050607a46d616c6ca6737072696e6707c4201d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "draw": (
        "9ba46d616c6ca6737072696e679bc4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "9293a762696379636c65ce0001d4c00193a8756d6272656c6c61cd0bb8149293ad6d616c6c2f636f6e73756d65723292"
        "010093ae626f6f6b732f636f6e73756d6572509264030acd03e805cd02bccf000001a0c4506c01cf000001a0c4506c02"
        "93a5626f6f6b73a463616665a46d616c6c91c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac4201d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d939491c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d91c400c3c29491c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d91c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc3c3949090"
        "c2c203cf000001a0c4506c0092070305910300"
    ),
    "tally": "9209c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d",
    "entry": (
        "970102c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad6d616c6c2f636f6e73756d657264c4201d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d91966401cf000001a0c4506c00000000"
    ),
    "member": "9203920209",
    "created": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919737a46d616c6ca6737072"
        "696e67c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d15cd02bccf000001a0c450"
        "6c00"
    ),
    "committed": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919538a46d616c6ca6737072"
        "696e67a46361666501"
    ),
    "kept": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919539a46d616c6ca6737072"
        "696e67a463616665c3"
    ),
    "entered": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919a3aa46d616c6ca6737072"
        "696e67c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0102ad6d616c6c2f636f6e73756d65726428c4201d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
    ),
    "revealed": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091963ba46d616c6ca6737072"
        "696e67a4636166650204"
    ),
    "cancelled": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091953ca46d616c6ca6737072"
        "696e67a47261696e09"
    ),
    "fulfilled": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091973da46d616c6ca6737072"
        "696e6707c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa00c400"
    ),
    "drawn": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091983ea46d616c6ca6737072"
        "696e6709c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1dc4201d1d1d1d1d1d1d1d"
        "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d92070391a463616665"
    ),
    "settled": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919a3fa46d616c6ca6737072"
        "696e67c414aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0102ad6d616c6c2f636f6e73756d657264c303"
    ),
    "ended": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d00919740a46d616c6ca6737072"
        "696e6706030992a463616665a46d616c6c"
    ),
    "draw key": "646d616c6c00737072696e67",
    "tally key": "496d616c6c00737072696e67",
    "entry key": "446d616c6c00737072696e67000000000000000102",
    "member key": "58aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa6d616c6c00737072696e67",
    "draw hash": "51e9d0aba9a247b6c4e94e8ce29ad0d63ac8f2eeced6e7a5900af8f5d4ccadae",
    "piece hash": "27e38e3f9ab071d0ea24acae9869f6e7ea6eb83e1655909b01171f4e0704dece",
    "digest": "efb5339dc6894e31c836fa11f04e242ec6291b22084a10fe40fcc42ca4357bbb",
    "seed": "d89ee9f83219fba451ade685b9625a9ba9bd5b2e46684b6716f7731b1665b59a",
    "winners": "63ac50ba82bc113675aa96b3",
}
"""Bytes in hex, by name."""


def computed() -> dict[str, bytes]:
    """Return the bytes of everything above, and what is hashed of them."""
    found = {name: encode(value) for name, value in VALUES.items()}
    found["draw key"] = draw_key(*NAME)
    found["tally key"] = draw_tally_key(*NAME)
    found["entry key"] = draw_entry_key(*NAME, 258)
    found["member key"] = draw_member_key(ACCOUNT, *NAME)
    found["draw hash"] = draw_hash(*NAME, TERMS)
    found["piece hash"] = piece_hash(HASH, "cafe", 2, b"\x01" * 32)
    found["digest"] = next_digest(HASH, ACCOUNT, 1, 2, HASH)
    found["seed"] = seed_of(HASH, [(b"\x01" * 32, b"\x02" * 32), (b"\x03" * 32,)])
    found["winners"] = bytes(winners_of(HASH, 200, 12))
    return found


def test_every_format_of_draws_has_a_golden_vector() -> None:
    assert computed().keys() == GOLDEN.keys()


@pytest.mark.parametrize("name", GOLDEN)
def test_a_format_of_draws_is_what_it_always_was(name: str) -> None:
    assert computed()[name].hex() == GOLDEN[name]
