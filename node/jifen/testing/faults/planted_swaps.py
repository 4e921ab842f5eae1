"""Faults planted into the records of swap offers: each is found by the check it is named with."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from jifen.ledger.checking import Items
from jifen.ledger.state import offer_key, open_offers_key
from jifen.ledger.swaps.checks import (
    check_members_offers_are_listed,
    check_offers_hold_what_is_left_of_them,
    check_the_board_shows_what_is_open,
)
from jifen.ledger.swaps.records import ENTRY, OpenOffers, SwapOffer, board_key
from jifen.ledger.types import Lot, LotOrigin, Record
from jifen.testing.naive.scene import account_of, key_of

ANN, BO = account_of(key_of("ann")), account_of(key_of("bo"))
GIVEN, WANTED = "mall/consumer", "mall/distributor"
NAME: Final = bytes(32)


def offered(listed: bool = True, shown: bool = True, **changes: Any) -> dict[bytes, Record | None]:
    """Return an open offer of Ann's, listed and on the board."""
    record = SwapOffer(ANN, GIVEN, 20, WANTED, 30, 15, 2, 9, None, 7, 7, (Lot(7, LotOrigin.EARNED, 0, 0),))
    record = msgspec.structs.replace(record, **changes)
    found: dict[bytes, Record | None] = {offer_key(NAME): record}
    found |= {open_offers_key(ANN): OpenOffers((NAME,))} if listed else {}
    return found | ({board_key(NAME, record): ENTRY} if shown else {})


keeping, shown, listing = (
    check_offers_hold_what_is_left_of_them,
    check_the_board_shows_what_is_open,
    check_members_offers_are_listed,
)

PLANTED_IN_SWAPS: Final[tuple[tuple[Callable[[Items], None], dict[bytes, Record | None], str, str], ...]] = (
    (keeping, offered(left=8), "has 8 of 20 left", "more left than kept"),
    (keeping, offered(give_points=6), "has 7 of 6 left", "more left than given"),
    (keeping, offered(open_until=9, lots=(Lot(7, LotOrigin.EARNED, 0, 8),)), "I9", "offered too long"),
    (keeping, offered(minimum=21), "asks for more than it gives", "a minimum above all"),
    (keeping, offered(want_type=GIVEN), "wants what it gives", "swapped for the same"),
    (
        keeping,
        offered(lots=(Lot(3, LotOrigin.EARNED, 5, 0), Lot(4, LotOrigin.EARNED, 0, 0))),
        "out of order",
        "kept out of order",
    ),
    (shown, offered(shown=False), "not", "open and not shown"),
    (shown, offered(counterparty=BO), "too much", "shown and for one only"),
    (listing, offered(listed=False), "not listed with their makers", "nobody's offer"),
    (listing, {open_offers_key(BO): OpenOffers((NAME,)), **offered(listed=False)}, "are of", "another's offer"),
    (listing, {open_offers_key(ANN): OpenOffers(())}, "are listed", "a list of nothing"),
)
"""Check, what is planted, part of what it says, and the fault's name."""
