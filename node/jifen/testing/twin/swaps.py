"""Swap offers, offered to both ledgers."""

from math import gcd
from typing import Final

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger import state
from jifen.ledger.swaps.bodies import AcceptSwapOffer, CancelSwapOffer, CreateSwapOffer
from jifen.ledger.swaps.records import ENTRY, OpenOffers, SwapOffer
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import SwapCorridor
from jifen.ledger.types import Record
from jifen.testing.naive.held import lots_kept
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.naive.swaps import left_of
from jifen.testing.twin.draws import MEMBERS, POINT_TYPES, lives, members, nonces
from jifen.testing.twin.machine import TwinMachine, as_record
from jifen.testing.twin.points import PointRules

SWAPPED_TYPES: Final = ("mall/consumer", "books/store", "books/guide")
"""Point types that are swapped from the start, at a fen each."""

untils = st.sampled_from((1, 60_000, DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 30 * DAY_MS + 1, 0))
"""Time from the block to an offer's end, ms; most are good."""


class SwapRules(PointRules):
    """Rules of swap offers."""

    def furnish(self) -> None:
        """Have issuers let their points be swapped, and an offer stand."""
        super().furnish()
        self.begin(1)
        for point_type in SWAPPED_TYPES:
            self.allow(point_type, 1, SwapCorridor(20, 100))
        self.purchase("books/store", 330, "cy", 900)
        offers = [("ann", "mall/consumer", 20, "books/store", 30), ("cy", "books/store", 20, "mall/consumer", 10)]
        for number, (maker, give_type, give, want_type, want) in enumerate(offers):
            nonce = number.to_bytes(8, "big")
            self.offer_properly([(nonce, maker, (give_type, want_type), give, want, 4 * DAY_MS, 5)])
        for number, points in enumerate((10, 6)):
            body = AcceptSwapOffer(
                self.time + DAY_MS,
                number.to_bytes(8, "big"),
                account_of(key_of("cy")),
                self.twin.offers[0].identity,
                points,
                points * 3 // 2,
            )
            self.submit(body, key_of("cy"))
        self.end()

    def allow(self, point_type: str, fen: int, corridor: SwapCorridor) -> None:
        """Have an issuer let points be swapped at a price of so many fen for ten."""
        newest, _, _ = self.twin.terms[point_type][-1]
        terms = msgspec.structs.replace(
            newest,
            version=newest.version + 1,
            effective_from=0,
            swappable=True,
            settlement_points=1,
            settlement_fen=fen,
            corridor=corridor,
        )
        issuer = point_type.split("/", maxsplit=1)[0]
        body = PublishTerms(self.time + DAY_MS, bytes(8), issuer, point_type, terms)
        self.submit(body, key_of(f"{issuer} admin"))

    @precondition(lambda self: self.open)
    @rule(
        point_type=st.sampled_from(SWAPPED_TYPES),
        fen=st.sampled_from((1, 1, 2, 0)),
        corridor=st.sampled_from((SwapCorridor(20, 100), SwapCorridor(0, 100), SwapCorridor(80, 100))),
    )
    def allow_swaps(self, point_type: str, fen: int, corridor: SwapCorridor) -> None:
        """Change price and corridor."""
        self.allow(point_type, fen, corridor)

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        maker=members,
        types=st.tuples(st.sampled_from(POINT_TYPES), st.sampled_from(POINT_TYPES)),
        give=st.integers(1, 60),
        want=st.integers(1, 60),
        value=st.integers(1, 60),
        until=untils,
        minimum=st.integers(1, 20),
        counterparty=st.none() | members,
        signer=members,
    )
    def offer_anything(  # noqa: PLR0913 - all that an offer says
        self,
        *,
        life: int,
        nonce: bytes,
        maker: str,
        types: tuple[str, str],
        give: int,
        want: int,
        value: int,
        until: int,
        minimum: int,
        counterparty: str | None,
        signer: str,
    ) -> None:
        """Make an offer that may be wrong in any way."""
        body = CreateSwapOffer(
            self.time + life,
            nonce,
            account_of(key_of(maker)),
            types[0],
            give,
            types[1],
            want,
            value,
            self.time + until,
            minimum,
            account_of(key_of(counterparty)) if counterparty else None,
        )
        self.submit(body, key_of(signer))

    @precondition(lambda self: self.open)
    @rule(
        offers=st.lists(
            st.tuples(
                nonces,
                st.sampled_from(MEMBERS[:3]),
                st.permutations(SWAPPED_TYPES).map(lambda names: (names[0], names[1])),
                st.sampled_from((1, 2, 6, 12, 30)),
                st.sampled_from((1, 3, 6, 12, 20)),
                untils,
                st.sampled_from((1, 1, 2, 5, 30)),
            ),
            min_size=1,
            max_size=4,
        )
    )
    def offer_properly(self, offers: list[tuple[bytes, str, tuple[str, str], int, int, int, int]]) -> None:
        """Offer points that somebody has."""
        for nonce, maker, (give_type, want_type), give, want, until, minimum in offers:
            body = CreateSwapOffer(
                self.time + DAY_MS,
                nonce,
                account_of(key_of(maker)),
                give_type,
                give,
                want_type,
                want,
                min(give, want),
                self.time + until,
                min(minimum, give),
                None if nonce[-1] % 8 != 3 else account_of(key_of("bo")),
            )
            self.submit(body, key_of(maker))

    @precondition(lambda self: self.open)
    @rule(life=lives, nonce=nonces, taker=members, points=st.integers(1, 9), pays=st.integers(1, 9), signer=members)
    def accept_nothing(self, life: int, nonce: bytes, taker: str, points: int, pays: int, signer: str) -> None:
        """Accept an offer that never was."""
        body = AcceptSwapOffer(self.time + life, nonce, account_of(key_of(taker)), bytes(32), points, pays)
        self.submit(body, key_of(signer))

    @precondition(lambda self: self.open and self.twin.offers)
    @rule(
        parts=st.lists(
            st.tuples(nonces, st.integers(0, 99), members, st.integers(1, 3), st.sampled_from((0, 0, 0, 1, -1))),
            min_size=1,
            max_size=4,
        )
    )
    def accept_offers(self, parts: list[tuple[bytes, int, str, int, int]]) -> None:
        """Accept open offers, in whole or in part, in the right ratio or another."""
        for nonce, pick, taker, share, more in parts:
            if self.twin.offers:
                made = self.twin.offers[pick % len(self.twin.offers)]
                terms = made.body
                unit = terms.give_points // gcd(terms.give_points, terms.want_points, terms.value_fen)
                left = sum(lot.points for lot in left_of(self.twin, made))
                points = max(unit, left // share // unit * unit)
                pays = max(1, points * terms.want_points // terms.give_points + more)
                # Mostly somebody who can pay, or nothing would ever be swapped.
                rich = [who for who in self.twin.accounts if self.twin.balance(who, terms.want_type) >= pays]
                takers = [who for who in rich if who != terms.maker] if nonce[-1] % 5 else []
                account = takers[0] if takers else account_of(key_of(taker))
                key = self.twin.accounts[account][0] if takers else key_of(taker)
                body = AcceptSwapOffer(self.time + DAY_MS, nonce, account, made.identity, points, pays)
                self.submit(body, key)

    @precondition(lambda self: self.open)
    @rule(
        nonce=nonces,
        pick=st.integers(0, 999),
        sizes=st.tuples(st.sampled_from((1, 2, 6, 12)), st.sampled_from((1, 2, 6, 12))),
        part=st.sampled_from((1, 2, 3)),
    )
    def swap_properly(self, nonce: bytes, pick: int, sizes: tuple[int, int], part: int) -> None:
        """Let one who has points offer them to one who has others, who takes a part and then another."""
        give, want = sizes
        pairs = [
            (maker, taker, give_type, want_type)
            for maker in sorted(self.twin.accounts)
            for taker in sorted(self.twin.accounts)
            for give_type in SWAPPED_TYPES
            for want_type in SWAPPED_TYPES
            if maker != taker and give_type != want_type
            if self.twin.balance(maker, give_type) >= give and self.twin.balance(taker, want_type) >= want
        ]
        if not pairs:
            return
        maker, taker, give_type, want_type = pairs[pick % len(pairs)]
        value = min(give, want)
        ends = self.time + DAY_MS
        made = CreateSwapOffer(ends, nonce, maker, give_type, give, want_type, want, value, ends, 1)
        self.submit(made, self.twin.accounts[maker][0])
        if self.twin.offers and self.twin.offers[-1].body == made:
            unit = give // gcd(give, want, value)
            points = max(unit, give // part // unit * unit)
            for _ in range(2):
                pays = points * want // give
                identity = self.twin.offers[-1].identity if self.twin.offers else bytes(32)
                body = AcceptSwapOffer(ends, nonce, taker, identity, points, pays)
                self.submit(body, self.twin.accounts[taker][0])
                nonce = bytes(reversed(nonce))

    @precondition(lambda self: self.open and self.twin.offers)
    @rule(nonce=nonces, pick=st.integers(0, 99), signer=st.none() | members)
    def cancel_offer(self, nonce: bytes, pick: int, signer: str | None) -> None:
        """Close an open offer, or try to close somebody else's."""
        made = self.twin.offers[pick % len(self.twin.offers)]
        key = key_of(signer) if signer else self.twin.accounts[made.body.maker][0]
        self.submit(CancelSwapOffer(self.time + DAY_MS, nonce, made.identity), key)


def offers(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of offers, of the board, and of who has which."""
    found: dict[bytes, Record] = {}
    mine: dict[bytes, tuple[bytes, ...]] = {}
    for made in twin.offers:
        body = made.body
        lots = tuple(map(as_record, lots_kept(twin, b"f" + made.identity)))
        found[b"f" + made.identity] = SwapOffer(
            body.maker,
            body.give_type,
            body.give_points,
            body.want_type,
            body.want_points,
            body.value_fen,
            body.minimum,
            made.open_until,
            body.counterparty,
            made.made_at,
            sum(lot.points for lot in lots),
            lots,
        )
        mine[body.maker] = (*mine.get(body.maker, ()), made.identity)
        if body.counterparty is None:
            price = (body.want_points * 2**107 // body.give_points).to_bytes(20, "big")
            pair = f"F{body.give_type}\0{body.want_type}\0".encode()
            found[pair + price + made.made_at.to_bytes(8, "big") + made.identity] = ENTRY
    return found | {state.open_offers_key(maker): OpenOffers(names) for maker, names in mine.items()}


TwinMachine.tables += [offers]
