"""Prize draws, offered to both ledgers."""

from typing import Any, Final
from unittest.mock import patch

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger import state
from jifen.ledger.draws import preparing
from jifen.ledger.draws import settling as draw_settling
from jifen.ledger.draws.bodies import CancelDraw, CommitToDraw, CreateDraw, EnterDraw, FulfilPrize, KeepDrawSecrets
from jifen.ledger.draws.records import (
    Commitment,
    Draw,
    DrawEntry,
    DrawStatus,
    DrawTally,
    MemberEntries,
    Prize,
    RefundReason,
)
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.transactions import RegisterMember
from jifen.ledger.types import Record
from jifen.testing.naive import draws as naive_draws
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.scenes.draw import (
    COMMITTERS,
    FOREIGN,
    OWN,
    PIECES,
    draw_terms,
    hashes_of,
    preparations,
    revealing,
)
from jifen.testing.twin.draws import MEMBERS, lives, nonces
from jifen.testing.twin.machine import TwinMachine, as_record
from jifen.testing.twin.points import PointRules

INSIDER: Final = "books admin"
"""A committer's operator with an account of its own."""

entrants = st.sampled_from((*MEMBERS, INSIDER))
draws = st.sampled_from(("d0", "d0", "d1", "d1", "d2", "d3"))
committers = st.sampled_from((*COMMITTERS, *COMMITTERS, "attic", "nobody"))
admins = st.sampled_from(("", "", "", "mall admin", "books admin", "mall till"))
"""Who signs for an organization: mostly its own administrator."""

oddities = st.sampled_from(
    (
        *[{}] * 12,
        {"committers": ("books", "mall", "cafe")},
        {"committers": ("attic", "cafe", "mall")},
        {"prizes": (Prize("car", 5_000_001, 1),)},
        {"prizes": (Prize("pen", 1, 200), Prize("cap", 1, 57))},
        {"prices": (OWN, OWN)},
        {"prices": (FOREIGN, msgspec.structs.replace(OWN, point_type="mall/store"))},
        {"excluded": (account_of(key_of("bo")),)},
        {"entries_min": 9, "entries_max": 8},
        {"reveal_by": 1},
        {"settle_by": 1},
    )
)
"""What is wrong with a draw, if anything."""


class DrawRules(PointRules):
    """Rules of prize draws."""

    def __init__(self) -> None:
        super().__init__()
        # So few that a draw of some entries takes several blocks.
        self.cleanup.enter_context(patch.object(draw_settling, "SETTLED_MAX", 2))
        self.cleanup.enter_context(patch.object(naive_draws, "SLICE", 2))
        self.cleanup.enter_context(patch.object(preparing, "DRAWS_MAX", 4))
        self.cleanup.enter_context(patch.object(naive_draws, "MOST_OPEN", 4))

    def furnish(self) -> None:
        """Points of another issuer's that the mall may take, and draws that are open."""
        super().furnish()
        self.begin(1)
        terms = msgspec.structs.replace(
            self.twin.terms["books/consumer"][-1][0], version=2, accepted_by=("mall",), settlement_points=10
        )
        terms = msgspec.structs.replace(terms, settlement_fen=1, effective_from=0)
        body = PublishTerms(self.time + 1, bytes(8), "books", "books/consumer", terms)
        self.submit(body, key_of("books admin"))
        self.publish_draw("d0", close=1)
        self.publish_draw("d1", close=2, member_entries_max=3, entries_max=6, entries_min=2)
        self.submit(RegisterMember(self.time + 1, bytes(8), key_of(INSIDER)), key_of(INSIDER))
        self.purchase("mall/consumer", 283, INSIDER, 400)
        for number, name in enumerate(MEMBERS[:3]):
            self.purchase("mall/consumer", 280 + number, name, 400)
            self.purchase("books/consumer", 280 + number, name, 1)
            for draw, point_type in (("d0", "mall/consumer"), ("d1", "books/consumer")):
                entry = EnterDraw(self.time + 1, bytes(8), "mall", draw, account_of(key_of(name)), point_type, 1)
                self.submit(entry, key_of(name))
        self.end()
        self.begin(1)
        self.end()

    def publish_draw(self, draw: str, close: int, **changes: Any) -> None:
        """Publish a draw of the mall's and open it."""
        terms = draw_terms(self.time, self.context().height + close, prices=(FOREIGN, OWN), **changes)
        created = CreateDraw(self.time + DAY_MS, bytes(8), "mall", draw, terms)
        self.submit(created, key_of("mall admin"))
        for body, signer in preparations(created, self.time + DAY_MS, bytes(8)):
            self.submit(body, key_of(signer))

    def created_draw(self, draw: str) -> CreateDraw:
        """Return the publication of a draw, or of one that might have been."""
        known = self.twin.draws.get(("mall", draw))
        return known.body if known else CreateDraw(1, bytes(8), "mall", draw, draw_terms(self.time, 3))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        draw=draws,
        organization=st.sampled_from(("mall", "mall", "mall", "mall", "books", "attic", "nobody")),
        close=st.integers(-1, 6),
        times=st.tuples(st.sampled_from((1, 60_000, DAY_MS)), st.sampled_from((1, DAY_MS, 26 * DAY_MS, 367 * DAY_MS))),
        limits=st.tuples(st.integers(1, 3), st.integers(3, 12), st.integers(1, 6)),
        oddity=oddities,
        signer=admins,
        ready=st.integers(0, 3),
    )
    def publish_any_draw(  # noqa: PLR0917
        self,
        life: int,
        nonce: bytes,
        draw: str,
        organization: str,
        close: int,
        times: tuple[int, int],
        limits: tuple[int, int, int],
        oddity: dict[str, Any],
        signer: str,
        ready: int,
    ) -> None:
        """Publish a draw that may be wrong in any way, and mostly open it."""
        terms = draw_terms(
            self.time,
            max(self.context().height + close, 0),
            prices=(FOREIGN, OWN) if organization == "mall" else (OWN,),
            reveal_by=self.time + times[0],
            settle_by=self.time + times[0] + times[1],
            entries_min=limits[0],
            entries_max=limits[1],
            member_entries_max=limits[2],
        )
        created = CreateDraw(self.time + life, nonce, organization, draw, msgspec.structs.replace(terms, **oddity))
        self.submit(created, key_of(signer or f"{organization} admin"))
        if ready:
            for body, keeper in preparations(created, self.time + DAY_MS, nonce):
                self.submit(body, key_of(keeper))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        draw=draws,
        committer=committers,
        signer=admins,
        cut=st.sampled_from((None, None, None, 1)),
        keep=st.booleans(),
    )
    def keep_draw_secrets(
        self, *, life: int, nonce: bytes, draw: str, committer: str, signer: str, cut: int | None, keep: bool
    ) -> None:
        """Commit a secret, or confirm that all are kept, perhaps wrongly."""
        head = (self.time + life, nonce, "mall", draw, committer)
        body = (
            KeepDrawSecrets(*head) if keep else CommitToDraw(*head, hashes_of(self.created_draw(draw), committer)[:cut])
        )
        self.submit(body, key_of(signer or f"{committer} admin"))

    @precondition(lambda self: self.open)
    @rule(
        entries=st.lists(
            st.tuples(
                nonces,
                draws,
                entrants,
                st.sampled_from(("mall/consumer", "mall/consumer", "books/consumer", "mall/guide", "mall/store")),
                st.integers(1, 4),
            ),
            min_size=1,
            max_size=6,
        ),
        organization=st.sampled_from((*["mall"] * 6, "books", "attic", "nobody")),
        signer=st.sampled_from((*[""] * 6, "ann")),
    )
    def enter_draws(self, entries: list[tuple[bytes, str, str, str, int]], organization: str, signer: str) -> None:
        """Buy entries, with or without the points for them."""
        for nonce, draw, name, point_type, number in entries:
            account = account_of(key_of(name))
            body = EnterDraw(self.time + DAY_MS, nonce, organization, draw, account, point_type, number)
            self.submit(body, key_of(signer or name))

    @precondition(lambda self: self.open)
    @rule(
        nonce=nonces,
        draw=draws,
        committer=committers,
        indexes=st.lists(st.integers(0, PIECES), min_size=1, max_size=2),
        false=st.integers(0, 4),
        signer=admins,
    )
    def reveal_any_pieces(
        self, *, nonce: bytes, draw: str, committer: str, indexes: list[int], false: int, signer: str
    ) -> None:
        """Show pieces that may be false, too early or out of order."""
        body = revealing(self.created_draw(draw), committer, self.time + DAY_MS, nonce, *indexes)
        if not false:
            body = msgspec.structs.replace(body, committer="books")
        self.submit(body, key_of(signer or f"{committer} admin"))

    @precondition(lambda self: self.open)
    @rule(
        nonce=nonces, draw=st.sampled_from(("d0", "d0", "d1", "d2")), absent=st.sampled_from((None, None, None, "cafe"))
    )
    def reveal_secrets(self, nonce: bytes, draw: str, absent: str | None) -> None:
        """Show all secrets, one of them by another committer."""
        for name in COMMITTERS:
            body = revealing(self.created_draw(draw), name, self.time + DAY_MS, nonce)
            self.submit(body, key_of("mall admin" if name == absent else f"{name} admin"))

    @precondition(lambda self: not self.open)
    @rule(
        number=st.integers(4, 9),
        entries=st.lists(st.tuples(entrants, st.integers(1, 3)), min_size=1, max_size=4),
        absent=st.sampled_from((None, None, None, "cafe")),
    )
    def hold_a_draw(self, number: int, entries: list[tuple[str, int]], absent: str | None) -> None:
        """Take a draw from its publication to the settling of its first entries."""
        name = f"d{number}"
        self.begin(1)
        self.publish_draw(name, close=1)
        for who, count in entries:
            self.enter_draws(entries=[(bytes(8), name, who, "mall/consumer", count)], organization="mall", signer="")
        self.end()
        self.begin(1)
        self.end()
        self.begin(1)
        self.reveal_secrets(nonce=bytes(8), draw=name, absent=absent)
        self.end()
        self.begin(1)
        self.end()

    @precondition(lambda self: self.open)
    @rule(life=lives, nonce=nonces, draw=draws, signer=admins, rarely=st.integers(0, 3))
    def cancel_any_draw(self, life: int, nonce: bytes, draw: str, signer: str, rarely: int) -> None:
        """Call a draw off."""
        if not rarely:
            self.submit(CancelDraw(self.time + life, nonce, "mall", draw, "rain"), key_of(signer or "mall admin"))

    @precondition(lambda self: self.open)
    @rule(life=lives, nonce=nonces, draw=draws, entry=st.integers(1, 6), signer=admins)
    def fulfil_any_prize(self, life: int, nonce: bytes, draw: str, entry: int, signer: str) -> None:
        """Hand a prize over that may not be due."""
        body = FulfilPrize(self.time + life, nonce, "mall", draw, entry, b"")
        self.submit(body, key_of(signer or "mall admin"))


def records_of_draws(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of draws, of their entries and of what members have in them."""
    expected: dict[bytes, Record] = {}
    for draw in twin.draws.values():
        won = naive_draws.winners_of(draw) if draw.status in {"SETTLING", "SETTLED"} else ()
        settled = draw.settled[-1].last if draw.settled else 0
        expected[draw.key] = Draw(
            *draw.name,
            draw.body.terms,
            naive_draws.hash_of(draw),
            tuple(commitment_of(draw, name) for name in draw.body.terms.committers),
            DrawStatus[draw.status],
            draw.due,
            tuple(won),
            settled,
            tuple(sorted(draw.fulfilled)),
            RefundReason[draw.reason],
        )
        if draw.bought:
            tally = DrawTally(len(draw.owners), naive_draws.digest_of(draw))
            expected[state.draw_tally_key(*draw.name)] = tally
        for item in draw.bought:
            lots = tuple(map(as_record, naive_draws.held_by(twin, draw, item)))
            account = item.body.account
            expected[draw.key_of(item)] = DrawEntry(
                item.first, item.body.entries, account, item.body.point_type, item.points, item.identity, lots
            )
            mine = tuple(other.last for other in draw.bought if other.body.account == account)
            total = draw.owners.count(account)
            expected[state.draw_member_key(account, *draw.name)] = MemberEntries(total, mine)
    return expected


def commitment_of(draw: naive_draws.NaiveDraw, committer: str) -> Commitment:
    """Return the record of a committer's secret."""
    hashes = draw.hashes.get(committer, ())
    pieces = tuple(draw.pieces.get((committer, index), b"") for index in range(len(hashes)))
    return Commitment(hashes, pieces, committer in draw.kept, committer in draw.shown)


TwinMachine.tables += [records_of_draws]
