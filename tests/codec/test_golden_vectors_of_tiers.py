"""The formats of tiers, byte by byte; as for all formats, none ever changes."""

from typing import Any, Final

import pytest

from jifen.codec.canonical import encode
from jifen.codec.transactions import encode_body
from jifen.ledger.receipts import Receipt
from jifen.ledger.state import membership_key, tier_book_key
from jifen.ledger.tiers.bodies import PublishRecognition, PublishTiers
from jifen.ledger.tiers.effects import (
    PointsQualified,
    RecognitionPublished,
    TierAtRisk,
    TierChange,
    TierChanged,
    TiersPublished,
)
from jifen.ledger.tiers.records import (
    CalendarPeriod,
    Downgrade,
    Membership,
    RecognisedTier,
    Recognition,
    RollingPeriod,
    Tier,
    TierBook,
    TierProgramme,
)

NONCE: Final = bytes.fromhex("0001020304050607")
ACCOUNT: Final = b"\xaa" * 20
HASH: Final = b"\x1d" * 32
TIME: Final = 1_790_000_000_000
TIERS: Final = (Tier("silver", "Silber", 100), Tier("gold", "Gold", 1000))
ROLLING: Final = TierProgramme(2, TIERS, RollingPeriod(365), -90, Downgrade.ONE_DOWN, 30)
YEARLY: Final = TierProgramme(1, TIERS[:1])
MAP: Final = Recognition(3, (RecognisedTier("books", "gold", "silver"),))

VALUES: Final[dict[str, Any]] = {
    "rolling": ROLLING,
    "yearly": YEARLY,
    "monthly": TierProgramme(1, TIERS[:1], CalendarPeriod(monthly=True)),
    "map": MAP,
    "book": TierBook(ROLLING, MAP, 7),
    "empty book": TierBook(),
    "membership": Membership("gold", TIME, 9, -5, TIME + 1, 40, TIME + 2, 1000),
    "newcomer": Membership("", 0, 0, 0, 0),
    "publish tiers": PublishTiers(TIME, NONCE, "mall", ROLLING),
    "publish map": PublishRecognition(TIME, NONCE, "mall", MAP),
    "qualified": Receipt(HASH, 0, (PointsQualified("mall", ACCOUNT, -7, -2, "gold", 1000),)),
    "changed": Receipt(bytes(32), 0, (TierChanged("mall", ACCOUNT, TierChange.DOWNGRADED, "gold", "", -2, 3, TIME),)),
    "at risk": Receipt(bytes(32), 0, (TierAtRisk("mall", ACCOUNT, "gold", 900, 100, TIME),)),
    "tiers published": Receipt(HASH, 0, (TiersPublished("mall", 2),)),
    "map published": Receipt(HASH, 0, (RecognitionPublished("mall", 3),)),
}

GOLDEN: Final[dict[str, str]] = {
    "rolling": "96029293a673696c766572a653696c6265726493a4676f6c64a4476f6c64cd03e89202cd016dd0a6021e",
    "yearly": "96019193a673696c766572a653696c626572649201c2cd01e00300",
    "monthly": "96019193a673696c766572a653696c626572649201c3cd01e00300",
    "map": "92039193a5626f6f6b73a4676f6c64a673696c766572",
    "book": (
        "9396029293a673696c766572a653696c6265726493a4676f6c64a4476f6c64cd03e89202cd016dd0a6021e92039193a5"
        "626f6f6b73a4676f6c64a673696c76657207"
    ),
    "empty book": "93c0c000",
    "membership": "99a4676f6c64cf000001a0c4506c0009fbcf000001a0c4506c0128cf000001a0c4506c02cd03e800",
    "newcomer": "99a00000000000000000",
    "publish tiers": (
        "954bcf000001a0c4506c00c4080001020304050607a46d616c6c96029293a673696c766572a653696c6265726493a467"
        "6f6c64a4476f6c64cd03e89202cd016dd0a6021e"
    ),
    "publish map": ("954ccf000001a0c4506c00c4080001020304050607a46d616c6c92039193a5626f6f6b73a4676f6c64a673696c766572"),
    "qualified": (
        "93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091974ba46d616c6cc414aaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaf9fea4676f6c64cd03e8"
    ),
    "changed": (
        "93c42000000000000000000000000000000000000000000000000000000000000000000091994ca46d616c6cc414aaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa02a4676f6c64a0fe03cf000001a0c4506c00"
    ),
    "at risk": (
        "93c42000000000000000000000000000000000000000000000000000000000000000000091974da46d616c6cc414aaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa4676f6c64cd038464cf000001a0c4506c00"
    ),
    "tiers published": ("93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091934ea46d616c6c02"),
    "map published": ("93c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d0091934fa46d616c6c03"),
    "book key": "716d616c6c",
    "membership key": "51aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa6d616c6c",
}
"""Bytes in hex, by name."""


def computed() -> dict[str, bytes]:
    """Return the bytes of everything above, and its keys."""
    found = {name: encode(value) for name, value in VALUES.items()}
    for name in ("publish tiers", "publish map"):
        assert encode_body(VALUES[name]) == found[name]
    found["book key"] = tier_book_key("mall")
    found["membership key"] = membership_key(ACCOUNT, "mall")
    return found


def test_every_format_of_tiers_has_a_golden_vector() -> None:
    assert computed().keys() == GOLDEN.keys()


@pytest.mark.parametrize("name", GOLDEN)
def test_a_format_of_tiers_is_what_it_always_was(name: str) -> None:
    assert computed()[name].hex() == GOLDEN[name]
