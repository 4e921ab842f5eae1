"""Paying with points, offered to both ledgers."""

from typing import Final

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger import state
from jifen.ledger.payments.bodies import (
    CaptureHold,
    HoldPoints,
    PaymentPart,
    PayOrder,
    PublishAcceptance,
    SetPaymentPolicy,
    VoidHold,
)
from jifen.ledger.payments.records import Acceptance, AcceptanceRecord, Hold, OrderPayment, PaidPart, PaymentPolicies
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.transactions import RefundOrder
from jifen.ledger.types import AMOUNT_FEN_MAX, Record
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.paying import back_after, cut, rate_of
from jifen.testing.naive.payments import NaivePart, taken_on
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.twin.draws import ISSUED_TYPES, MEMBERS, POINT_TYPES, TILLS, lives, members, nonces
from jifen.testing.twin.machine import TwinMachine, as_record
from jifen.testing.twin.points import PointRules

TAKERS: Final = ("mall", "books", "books", "cafe", "attic", "nobody")
ADMINS: Final = ("mall admin", "books admin", "cafe admin", "attic admin", "books till")
PAYERS: Final = MEMBERS[:3]
HASH: Final = b"\x0d" * 32

acceptances = st.builds(
    Acceptance,
    version=st.sampled_from((1, 2, 3)),
    rate_points=st.sampled_from((1, 1, 2, 3, 100)),
    rate_fen=st.sampled_from((1, 1, 2, 10)),
    minimum_points=st.sampled_from((1, 6, 12, 7)),
    step_points=st.sampled_from((1, 2, 3, 6)),
    share_bp=st.sampled_from((10_000, 5_000, 3_333, 1)),
    daily_fen=st.sampled_from((AMOUNT_FEN_MAX, 40, 100)),
    utc_offset_minutes=st.sampled_from((0, 0, 0, 0, 480)),
    active=st.sampled_from((True, True, True, True, False)),
)
quantities = st.sampled_from((0, 0, 0, 6, 12, 30, 1, 1000))
parts = st.lists(st.builds(PaymentPart, st.sampled_from(ISSUED_TYPES), quantities), min_size=1, max_size=3).map(tuple)
amounts = st.sampled_from((1, 7, 30, 100, 101, 999, 10**12))


class PaymentRules(PointRules):
    """Rules of paying with points."""

    def furnish(self) -> None:
        """Something that is taken in payment: at its issuer, and elsewhere, where it slides or never expires."""
        super().furnish()
        self.begin(1)
        for kind, point_type in enumerate(("mall/consumer", "mall/guide", "books/store")):
            issuer = point_type.split("/", maxsplit=1)[0]
            before = self.twin.terms[point_type][-1][0]
            terms = msgspec.structs.replace(
                before,
                version=before.version + 1,
                effective_from=0,
                accepted_by=("books",) if issuer == "mall" else ("mall",),
                settlement_points=1,
                settlement_fen=3,
            )
            body = PublishTerms(self.time + DAY_MS, b"furnish0", issuer, point_type, terms)
            self.submit(body, key_of(f"{issuer} admin"))
            for organization, rate in (("mall", (3, 2)), ("books", (1, 2))):
                acceptance = Acceptance(1, *rate, 6, 3, 8_000, 500)
                taking = PublishAcceptance(self.time + DAY_MS, b"furnish0", organization, point_type, acceptance)
                self.submit(taking, key_of(f"{organization} admin"))
            for number, name in enumerate(PAYERS):
                self.purchase(point_type, 260 + 3 * kind + number, name, 900)
        self.end()

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        organization=st.sampled_from(TAKERS),
        point_type=st.sampled_from(POINT_TYPES),
        acceptance=acceptances,
        newest=st.integers(0, 4),
        signer=st.sampled_from((None, None, None, *ADMINS)),
    )
    def accept_anything(
        self,
        *,
        life: int,
        nonce: bytes,
        organization: str,
        point_type: str,
        acceptance: Acceptance,
        newest: int,
        signer: str | None,
    ) -> None:
        """Say that points are taken, in a way that may be wrong."""
        versions = self.twin.acceptances.get((organization, point_type), [])
        if newest:
            acceptance = msgspec.structs.replace(acceptance, version=len(versions) + 1)
        body = PublishAcceptance(self.time + life, nonce, organization, point_type, acceptance)
        self.submit(body, key_of(signer or f"{organization} admin"))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        organization=st.sampled_from(TAKERS),
        limits=st.tuples(st.sampled_from((10_000, 9_000, 2_500)), st.sampled_from((AMOUNT_FEN_MAX, 500, 60))),
        newest=st.integers(0, 4),
        signer=st.sampled_from((None, None, None, *ADMINS)),
    )
    def set_any_payment_policy(
        self, *, life: int, nonce: bytes, organization: str, limits: tuple[int, int], newest: int, signer: str | None
    ) -> None:
        """Set a policy that may be wrong."""
        version = len(self.twin.payment_policies.get(organization, [])) + 1 if newest else 2
        body = SetPaymentPolicy(self.time + life, nonce, organization, version, *limits)
        self.submit(body, key_of(signer or f"{organization} admin"))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        merchant=st.sampled_from(TAKERS),
        order=st.integers(0, 12),
        account=members,
        amount=amounts,
        parts=parts,
        signers=st.lists(st.sampled_from((*TILLS, *MEMBERS)), min_size=1, max_size=3),
    )
    def pay_anything(
        self,
        *,
        life: int,
        nonce: bytes,
        merchant: str,
        order: int,
        account: str,
        amount: int,
        parts: tuple[PaymentPart, ...],
        signers: list[str],
    ) -> None:
        """Pay in a way that may be wrong."""
        whose = account_of(key_of(account))
        body = PayOrder(self.time + life, nonce, merchant, f"no{order}", HASH, whose, amount, parts)
        self.submit(body, *map(key_of, dict.fromkeys(signers)))

    @precondition(lambda self: self.open)
    @rule(
        payments=st.lists(
            st.tuples(
                nonces,
                st.sampled_from(("mall", "books")),
                st.integers(230, 250),
                st.sampled_from(PAYERS),
                st.sampled_from((100, 101, 900, 30)),
                parts,
                st.sampled_from((None, None, 0, 1, DAY_MS, 40 * DAY_MS, 26 * DAY_MS)),
            ),
            min_size=1,
            max_size=5,
        )
    )
    def pay_or_hold_properly(
        self, payments: list[tuple[bytes, str, int, str, int, tuple[PaymentPart, ...], int | None]]
    ) -> None:
        """Pay or hold, properly signed, and mostly with points that are taken."""
        for nonce, merchant, order, account, amount, wanted, hold in payments:
            whose, expiry = account_of(key_of(account)), self.time + DAY_MS
            taken = [
                name for name, kind in self.twin.acceptances if name == merchant and kind in dict(wanted_of(wanted))
            ]
            asked = wanted if taken else (PaymentPart("mall/consumer", wanted[0].points),)
            if hold is None:
                body = PayOrder(expiry, nonce, merchant, f"no{order}", HASH, whose, amount, asked)
                self.submit(body, key_of(account), key_of(f"{merchant} till"))
            else:
                until = self.time + hold
                held = HoldPoints(expiry, nonce, merchant, f"no{order}", HASH, whose, amount, asked, until)
                self.submit(held, key_of(account))

    @precondition(lambda self: self.open)
    @rule(
        orders=st.lists(
            st.tuples(st.integers(230, 250), st.sampled_from(PAYERS), st.sampled_from((100, 900, 30)), quantities),
            min_size=1,
            max_size=3,
        )
    )
    def pay_and_credit(self, orders: list[tuple[int, str, int, int]]) -> None:
        """Pay orders with points, and credit what earns of them."""
        for order, account, amount, points in orders:
            parts = (PaymentPart("mall/consumer", points),)
            self.pay_or_hold_properly(payments=[(bytes(8), "mall", order, account, amount, parts, None)])
            self.purchase("mall/consumer", order, account, amount)

    @precondition(lambda self: self.open)
    @rule(
        nonce=nonces,
        point_type=st.sampled_from(("mall/consumer", "mall/guide", "books/store")),
        accepted_by=st.sampled_from(((), ("books",), ("mall",))),
        price=st.sampled_from((3, 3, 1)),
    )
    def change_who_may_take(self, nonce: bytes, point_type: str, accepted_by: tuple[str, ...], price: int) -> None:
        """Have an issuer say anew who may take its points, and what it buys them back for."""
        newest = self.twin.terms[point_type][-1][0]
        issuer = point_type.split("/", maxsplit=1)[0]
        terms = msgspec.structs.replace(
            newest,
            version=newest.version + 1,
            effective_from=0,
            accepted_by=tuple(name for name in accepted_by if name != issuer),
            settlement_points=1,
            settlement_fen=price,
        )
        body = PublishTerms(self.time + DAY_MS, nonce, issuer, point_type, terms)
        self.submit(body, key_of(f"{issuer} admin"))

    @precondition(lambda self: self.open)
    @rule(
        ends=st.lists(
            st.tuples(
                nonces, st.integers(0, 99), st.integers(0, 9), st.sampled_from((100, 101, 900, 30, 70)), quantities
            ),
            min_size=1,
            max_size=3,
        ),
        till=st.sampled_from((None, None, None, *TILLS)),
    )
    def end_holds(self, ends: list[tuple[bytes, int, int, int, int]], till: str | None) -> None:
        """Capture or give up holds, in parts, too much of them, or such as do not exist."""
        for nonce, pick, way, amount, points in ends:
            known = sorted(self.twin.holds)
            account, hold = known[pick % len(known)] if known else (account_of(key_of("ann")), HASH)
            held = self.twin.holds.get((account, hold))
            merchant = held.body.organization if held and way < 9 else "mall"
            signer = key_of(till or f"{merchant} till")
            if way < 3:
                self.submit(VoidHold(self.time + DAY_MS, nonce, merchant, account, hold), signer)
            else:
                some = tuple(points for _ in held.parts) if held and way > 6 else (points,) if way == 6 else ()
                body = CaptureHold(self.time + DAY_MS, nonce, merchant, account, hold, amount, some)
                self.submit(body, signer)

    @precondition(lambda self: self.open and self.twin.payments)
    @rule(
        refunds=st.lists(
            st.tuples(nonces, st.integers(0, 99), st.integers(1001, 9000), st.integers(1, 4), st.integers(0, 1)),
            min_size=1,
            max_size=4,
        )
    )
    def refund_paid_orders(self, refunds: list[tuple[bytes, int, int, int, int]]) -> None:
        """Refund parts of orders that points have paid, credited or not."""
        for nonce, pick, number, share, more in refunds:
            merchant, order = sorted(self.twin.payments)[pick % len(self.twin.payments)]
            left = self.twin.payments[merchant, order].amount_fen - self.twin.refunded_of(merchant, order)
            amount = max(1, left // share + more)
            body = RefundOrder(self.time + DAY_MS, nonce, merchant, order, f"r{number}", amount)
            self.submit(body, key_of(f"{merchant} till"))


def wanted_of(wanted: tuple[PaymentPart, ...]) -> list[tuple[str, int]]:
    """Return parts as pairs."""
    return [(part.point_type, part.points) for part in wanted]


def part_of(part: NaivePart, left: int) -> PaidPart:
    """Return a part of which so many points are left as records write it."""
    lots = tuple(as_record(lot) for lot in cut(part.lots, 0, left))
    return PaidPart(
        part.point_type, part.points, rate_of(part.rate), part.acceptance_version, lots, part.day, part.terms_version
    )


def acceptances_and_policies(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of acceptances, their history, and policies."""
    expected: dict[bytes, Record] = {}
    for (organization, point_type), versions in twin.acceptances.items():
        for acceptance, time, identity in versions:
            key = state.past_acceptance_key(organization, point_type, acceptance.version)
            expected[key] = AcceptanceRecord(acceptance, time, identity)
        acceptance, time, identity = versions[-1]
        day = twin.counted.get((organization, point_type), 0)
        taken = taken_on(twin, organization, point_type, day)
        newest = AcceptanceRecord(acceptance, time, identity, day, taken)
        expected[state.acceptance_key(organization, point_type)] = newest
    for revision in range(1, len(twin.policies_ever_set) + 1):
        last = {policy.organization: policy for policy in twin.policies_ever_set[:revision]}
        expected[state.past_policies_key(revision)] = PaymentPolicies(
            tuple(last[name] for name in sorted(last)), revision
        )
        expected[state.POLICIES_KEY] = expected[state.past_policies_key(revision)]
    return expected


def payments_and_holds(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of payments and of open holds."""
    expected: dict[bytes, Record] = {}
    for (merchant, order), payment in twin.payments.items():
        refunded = twin.refunded_of(merchant, order)
        left = [part_of(part, part.points - back_after(payment, part, refunded)) for part in payment.parts]
        head = (payment.identity, payment.account, payment.order_hash, payment.amount_fen)
        expected[state.payment_key(merchant, order)] = OrderPayment(*head, tuple(left), refunded)
    for (account, identity), held in twin.holds.items():
        order_of = held.body
        head_of = (account, order_of.organization, order_of.order_id, order_of.order_hash, order_of.amount_fen)
        kept = tuple(part_of(part, part.points) for part in held.parts)
        expected[state.hold_key(account, identity)] = Hold(
            *head_of, held.share_bp, kept, order_of.until, held.policies_set
        )
    return expected


TwinMachine.tables += [acceptances_and_policies, payments_and_holds]
