"""Terms, confirmations and time, offered to both ledgers."""

from typing import Final

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger import state
from jifen.ledger.terms.bodies import ConfirmOrder, CreatePointType, PublishTerms
from jifen.ledger.terms.records import (
    AvailableAfterDays,
    AvailableOnConfirmation,
    CalendarExpiry,
    CreditLine,
    Deposit,
    ImmediatelyAvailable,
    MovingLimits,
    NeverExpires,
    RollingExpiry,
    SlidingExpiry,
    SwapCorridor,
    Terms,
    TermsRecord,
    Unbacked,
)
from jifen.ledger.transactions import RefundOrder, TransferPoints
from jifen.ledger.types import POINTS_MAX, Record, RoleClass
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.naive.terms import digest_of
from jifen.testing.twin.draws import MERCHANTS, POINT_TYPES, TILLS, WAITING_TYPES, lives, nonces
from jifen.testing.twin.machine import TwinMachine
from jifen.testing.twin.points import PointRules

ADMINS: Final = ("mall admin", "books admin", "attic admin", "mall issuer", "books till")

expiries = st.sampled_from(
    (
        NeverExpires(),
        RollingExpiry(3),
        RollingExpiry(35),
        CalendarExpiry(0, 31, 0),
        CalendarExpiry(0, 15, 1),
        CalendarExpiry(2, 29, 1),
        SlidingExpiry(5),
        SlidingExpiry(31),
    )
)
pendings = st.sampled_from(
    (ImmediatelyAvailable(), AvailableAfterDays(2), AvailableAfterDays(9), AvailableOnConfirmation())
)
backings = st.sampled_from(
    (Unbacked(), Unbacked(), Deposit("books", 500), CreditLine("books", 900), Deposit("mall", 50), CreditLine("x", 1))
)
terms = st.builds(
    Terms,
    version=st.sampled_from((2, 2, 2, 3, 4, 1)),
    effective_from=st.just(0),
    decimals=st.sampled_from((0, 0, 0, 0, 2)),
    settlement_points=st.sampled_from((1, 10)),
    settlement_fen=st.sampled_from((0, 1)),
    expiry=expiries,
    pending=pendings,
    utc_offset_minutes=st.sampled_from((0, 480, -90)),
    transferable=st.sampled_from((True, True, False)),
    accepted_by=st.sampled_from(((), ("books",), ("attic", "books"), ("books", "attic"), ("mall",), ("nobody",))),
    issue_cap=st.sampled_from((POINTS_MAX, 300, 1000)),
    backing=backings,
    corridor=st.sampled_from((SwapCorridor(), SwapCorridor(0, 100), SwapCorridor(90, 80))),
    limits=st.sampled_from((MovingLimits(), MovingLimits(2, 60, 1), MovingLimits(1, POINTS_MAX, 2))),
)
starts = st.sampled_from((0, 0, 0, 1, DAY_MS, 20 * DAY_MS, -1, 367 * DAY_MS))
"""From when terms hold, ms after their block; 0: at once, and mostly good."""


class TermRules(PointRules):
    """Rules of terms and of points that wait or expire."""

    def furnish(self) -> None:
        """Points that wait, points that expire beside such that never do, and a debt: time has something to do."""
        super().furnish()
        self.begin(1)
        for order, expiry in ((242, RollingExpiry(50)), (243, NeverExpires())):
            newest, _, _ = self.twin.terms["mall/consumer"][-1]
            # Other families may have published before.
            changed = msgspec.structs.replace(newest, version=newest.version + 1, effective_from=0, expiry=expiry)
            self.submit(
                PublishTerms(self.time + DAY_MS, bytes(8), "mall", "mall/consumer", changed), key_of("mall admin")
            )
            self.purchase("mall/consumer", order, "ann", 300)
        for number, point_type in enumerate(WAITING_TYPES):
            self.purchase(point_type, 210 + number, "ann", 500)
            self.purchase(point_type, 220 + number, "bo", 300)
        self.end()
        self.begin(8 * DAY_MS)
        ann, cy = (account_of(key_of(name)) for name in ("ann", "cy"))
        guide = WAITING_TYPES[0]
        head = (self.time + DAY_MS, b"furnish!")
        self.submit(TransferPoints(*head, ann, cy, guide, 100, b""), key_of("ann"))
        self.submit(RefundOrder(*head, "books", "no210", "owed", 500), key_of("books till"))
        self.purchase(guide, 230, "ann", 600)
        self.end()

    @precondition(lambda self: not self.open and self.twins[-1].lots)
    @rule(pick=st.integers(0, 99), days=st.sampled_from((30, 7, 1, 0)), late=st.sampled_from((0, 0, -1, DAY_MS // 2)))
    def begin_at_a_moment(self, pick: int, days: int, late: int) -> None:
        """Open a block at, just before or a while after something is to happen to somebody's points."""
        lots = self.twins[-1].lots
        lot = lots[pick % len(lots)]
        moment = (lot.expires_at - days * DAY_MS if lot.expires_at else lot.available_from) + late
        self.begin(max(0, moment - self.times[-1]))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        point_type=st.sampled_from(POINT_TYPES),
        issuer=st.sampled_from((None, None, None, *MERCHANTS)),
        terms=terms,
        start=starts,
        newest=st.integers(0, 3),
        signers=st.lists(st.sampled_from(ADMINS), min_size=1, max_size=3),
    )
    def publish_anything(
        self,
        *,
        life: int,
        nonce: bytes,
        point_type: str,
        issuer: str | None,
        terms: Terms,
        start: int,
        newest: int,
        signers: list[str],
    ) -> None:
        """Publish a version that may be wrong in any way."""
        versions = self.twin.terms.get(point_type)
        if versions and newest:
            terms = msgspec.structs.replace(terms, version=versions[-1][0].version + 1)
        terms = msgspec.structs.replace(terms, effective_from=self.time + start if start else 0)
        owner = issuer or point_type.split("/", maxsplit=1)[0]
        body = PublishTerms(self.time + life, nonce, owner, point_type, terms)
        self.submit(body, *map(key_of, dict.fromkeys(signers)))

    @precondition(lambda self: self.open)
    @rule(
        changes=st.lists(
            st.tuples(nonces, st.sampled_from(POINT_TYPES[:6]), expiries, pendings, starts), min_size=1, max_size=3
        )
    )
    def publish_properly(self, changes: list[tuple[bytes, str, object, object, int]]) -> None:
        """Publish versions as they should be."""
        for nonce, point_type, expiry, pending, start in changes:
            newest, _, _ = self.twin.terms[point_type][-1]
            later = self.time + start if start > 0 else 0
            changed = msgspec.structs.replace(
                newest, version=newest.version + 1, effective_from=later, expiry=expiry, pending=pending
            )
            issuer = point_type.split("/", maxsplit=1)[0]
            body = PublishTerms(self.time + DAY_MS, nonce, issuer, point_type, changed)
            self.submit(body, key_of(f"{issuer} admin"))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        issuer=st.sampled_from(MERCHANTS),
        role=st.sampled_from(RoleClass),
        terms=terms,
        first=st.booleans(),
        signers=st.lists(st.sampled_from(ADMINS), min_size=1, max_size=3),
    )
    def create_anything(
        self, *, life: int, nonce: bytes, issuer: str, role: RoleClass, terms: Terms, first: bool, signers: list[str]
    ) -> None:
        """Make a point type that may be wrong in any way."""
        if first:
            terms = msgspec.structs.replace(terms, version=1)
        body = CreatePointType(self.time + life, nonce, issuer, role, 1, 3, terms)
        self.submit(body, *map(key_of, dict.fromkeys(signers)))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        merchant=st.sampled_from(MERCHANTS),
        order=st.integers(0, 12),
        till=st.sampled_from(TILLS),
    )
    def confirm_anything(self, life: int, nonce: bytes, merchant: str, order: int, till: str) -> None:
        """Confirm what may never have been bought, or does not wait."""
        self.submit(ConfirmOrder(self.time + life, nonce, merchant, f"no{order}"), key_of(till))

    @precondition(lambda self: self.open and self.twin.orders)
    @rule(picks=st.lists(st.tuples(nonces, st.integers(0, 99)), min_size=1, max_size=4))
    def confirm_credited_orders(self, picks: list[tuple[bytes, int]]) -> None:
        """Confirm orders that were credited, those that wait first."""
        waiting = [name for name, order in self.twin.orders.items() if any(leg.awaiting for leg in order.legs)]
        for nonce, pick in picks:
            known = sorted(waiting or self.twin.orders)
            merchant, order = known[pick % len(known)]
            self.submit(ConfirmOrder(self.time + DAY_MS, nonce, merchant, order), key_of(f"{merchant} till"))


def terms_of_all_versions(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of the history of terms."""
    return {
        state.terms_key(name, terms.version): TermsRecord(terms, digest_of(name, terms), published_at, identity)
        for name, versions in twin.terms.items()
        for terms, published_at, identity in versions
    }


TwinMachine.tables += [terms_of_all_versions]
