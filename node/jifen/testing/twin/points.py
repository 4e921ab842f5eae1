"""Members, purchases, refunds and transfers, offered to both ledgers."""

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger import state
from jifen.ledger.points.positions import Position
from jifen.ledger.transactions import EarnPoints, RefundOrder, RegisterMember, TransferPoints
from jifen.ledger.types import (
    TIME_MAX,
    Account,
    CampaignGrant,
    Credit,
    ItemPart,
    Leg,
    OrderRecord,
    Record,
    RefundRecord,
    Supply,
)
from jifen.testing.naive.earning import after_payment, amounts_by_rule
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.points import in_order, rate_of, returned_of
from jifen.testing.naive.records import NaiveLeg, NaiveOrder
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.naive.terms import record_of
from jifen.testing.twin.draws import ISSUED_TYPES, MEMBERS, MERCHANTS, POINT_TYPES, TILLS, lives, members, nonces
from jifen.testing.twin.machine import TwinMachine


class PointRules(TwinMachine):
    """Rules of the oldest families."""

    def furnish(self) -> None:
        """Lots of two days: which of them goes first then shows in whatever is spent next."""
        super().furnish()
        for day, number in enumerate((201, 202)):
            self.begin(day * (DAY_MS + 1))
            self.purchase("mall/consumer", number, "ann", 500)
            self.end()

    def purchase(self, point_type: str, order: int, account: str, amount: int, nonce: bytes = bytes(8)) -> None:
        """Credit a purchase as it should be."""
        merchant = point_type.split("/", maxsplit=1)[0]
        self.earn_anything(
            life=DAY_MS,
            nonce=nonce,
            merchant=merchant,
            order=order,
            account=account,
            point_type=point_type,
            amount=amount,
            signers=[f"{merchant} till"],
        )

    @precondition(lambda self: self.open)
    @rule(life=lives, nonce=nonces, member=members, signer=members)
    def register(self, life: int, nonce: bytes, member: str, signer: str) -> None:
        """Open an account, with whatever key."""
        self.submit(RegisterMember(self.time + life, nonce, key_of(member)), key_of(signer))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        merchant=st.sampled_from(MERCHANTS),
        order=st.integers(0, 12),
        account=members,
        point_type=st.sampled_from(POINT_TYPES),
        amount=st.integers(0, 1000) | st.sampled_from((6, 7, 9_000_000, 10**12)),
        signers=st.lists(st.sampled_from(TILLS), min_size=1, max_size=2),
    )
    def earn_anything(
        self,
        *,
        life: int,
        nonce: bytes,
        merchant: str,
        order: int,
        account: str,
        point_type: str,
        amount: int,
        signers: list[str],
    ) -> None:
        """Credit a purchase that may be wrong in any way."""
        body = EarnPoints(
            self.time + life, nonce, merchant, f"no{order}", account_of(key_of(account)), point_type, amount, 7
        )
        self.submit(body, *map(key_of, dict.fromkeys(signers)))

    @precondition(lambda self: self.open)
    @rule(
        purchases=st.lists(
            st.tuples(
                nonces,
                st.sampled_from(ISSUED_TYPES),
                st.integers(0, 200),
                st.sampled_from(MEMBERS[:3]),
                st.integers(0, 1000) | st.just(5_000_000),
            ),
            min_size=1,
            max_size=6,
        )
    )
    def earn_properly(self, purchases: list[tuple[bytes, str, int, str, int]]) -> None:
        """Credit purchases as they should be."""
        for nonce, point_type, order, account, amount in purchases:
            self.purchase(point_type, order, account, amount, nonce)

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        sender=members,
        recipient=members,
        point_type=st.sampled_from(POINT_TYPES),
        points=st.integers(1, 60),
        signer=members,
    )
    def transfer_anything(
        self, *, life: int, nonce: bytes, sender: str, recipient: str, point_type: str, points: int, signer: str
    ) -> None:
        """Pass points on, with or without having them."""
        source, target = account_of(key_of(sender)), account_of(key_of(recipient))
        body = TransferPoints(self.time + life, nonce, source, target, point_type, points, b"")
        self.submit(body, key_of(signer))

    @precondition(lambda self: self.open and self.twin.lots)
    @rule(
        moves=st.lists(
            st.tuples(nonces, st.integers(0, 99), members, st.integers(1, 4), st.integers(-1, 1)),
            min_size=1,
            max_size=5,
        )
    )
    def transfer_held_points(self, moves: list[tuple[bytes, int, str, int, int]]) -> None:
        """Pass points on that somebody has, or one too many."""
        for nonce, pick, recipient, share, more in moves:
            lot = self.twin.lots[pick % len(self.twin.lots)]
            points = max(1, self.twin.balance(lot.owner, lot.point_type) // share + more)
            target = account_of(key_of(recipient))
            body = TransferPoints(self.time + DAY_MS, nonce, lot.owner, target, lot.point_type, points, b"")
            self.submit(body, self.twin.accounts[lot.owner][0])

    @precondition(lambda self: self.open)
    @rule(
        refunds=st.lists(
            st.tuples(
                lives, nonces, st.sampled_from(MERCHANTS), st.integers(0, 12), st.integers(0, 20), st.integers(1, 600)
            ),
            min_size=1,
            max_size=4,
        ),
        till=st.sampled_from((*TILLS, "mall till", "mall till")),
    )
    def refund_anything(self, refunds: list[tuple[int, bytes, str, int, int, int]], till: str) -> None:
        """Refund what may never have been bought."""
        for life, nonce, merchant, order, number, amount in refunds:
            body = RefundOrder(self.time + life, nonce, merchant, f"no{order}", f"r{number}", amount)
            self.submit(body, key_of(till))

    @precondition(lambda self: self.open and self.twin.orders)
    @rule(
        refunds=st.lists(
            st.tuples(nonces, st.integers(0, 99), st.integers(0, 1000), st.integers(1, 4), st.integers(0, 1)),
            min_size=1,
            max_size=5,
        )
    )
    def refund_credited_orders(self, refunds: list[tuple[bytes, int, int, int, int]]) -> None:
        """Refund parts of orders that were credited."""
        for nonce, pick, number, share, more in refunds:
            merchant, order = sorted(self.twin.orders)[pick % len(self.twin.orders)]
            left = self.twin.orders[merchant, order].body.amount_fen - self.twin.refunded_of(merchant, order)
            amount = max(1, left // share + more)
            body = RefundOrder(self.time + DAY_MS, nonce, merchant, order, f"r{number}", amount)
            self.submit(body, key_of(f"{merchant} till"))


def organizations_and_types(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of organizations, point types and supplies."""
    expected: dict[bytes, Record] = {state.organization_key(item.id): item for item in twin.organizations.values()}
    for name in twin.point_types:
        expected[state.point_type_key(name)] = record_of(twin, name, twin.time)
        expected[state.supply_key(name)] = Supply(twin.issued[name], twin.burned[name], twin.expired[name])
    return expected


def members_and_orders(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of accounts, orders and refunds."""
    expected: dict[bytes, Record] = {}
    for account, (key, time) in twin.accounts.items():
        lock = twin.locks.get(account)
        until = 0 if lock is None or lock.ended_at else lock.until or TIME_MAX
        expected[state.account_key(account)] = Account(account, key, time, until)
    for (merchant, number), order in twin.orders.items():
        body = order.body
        (head, tail), *others = [leg_record(twin, order, leg) for leg in order.legs]
        refunded = twin.refunded_of(merchant, number)
        legs = tuple(Leg(*start, *end) for start, end in others)
        fields: tuple[Any, ...] = (order.identity, *head, body.amount_fen, refunded, *tail, legs, order.counts)
        expected[state.order_key(merchant, number)] = OrderRecord(*fields)
    for (merchant, number), (identity, _) in twin.refunds.items():
        expected[state.refund_key(merchant, number)] = RefundRecord(identity)
    return expected


def positions(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of the organizations' positions."""
    found: dict[bytes, Record] = {}
    for (holder, point_type, points, fen), quantity in twin.positions.items():
        exact = Fraction(fen, points)
        ends = exact.denominator.to_bytes(4, "big") + exact.numerator.to_bytes(4, "big")
        key = b"H" + holder.encode() + b"\0" + point_type.encode() + b"\0" + ends
        before = found.get(key, Position(1))
        assert isinstance(before, Position)
        total = quantity + (before.points if key in found else 0)
        if total:
            found[key] = Position(total)
    return found


def leg_record(twin: NaiveLedger, order: NaiveOrder, leg: NaiveLeg) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the fields of a leg's record, those before and those after the amounts of its order."""
    version, *rate = rate_of(twin, leg)
    credit = None
    if leg.rule is not None:
        parts: dict[int | None, int] = {None: 0}
        paid: tuple[int, ...] = ()
        if leg.holds:
            parts, bought = after_payment(leg.rule, order.body, leg.paid_fen), amounts_by_rule(leg.rule, order.body)
            paid = tuple(bought[place] - parts[place] for place in in_order(bought)) if leg.paid_fen else ()
        credit = Credit(
            leg.before_fen,
            parts[None],
            tuple(ItemPart(place, parts[place]) for place in sorted(place for place in parts if place is not None)),
            leg.rule.visit_points if leg.visited_until else 0,
            *leg.coefficient,
            leg.base,
            tuple(CampaignGrant(campaign.id, points) for campaign, points in leg.grants),
            leg.until,
            paid if any(paid) else (),
            returned_of(twin, order, leg),
        )
    dates = (leg.available_from, leg.expires_at, leg.renewal_days, leg.awaiting)
    return (leg.account, leg.point_type, version, *rate), (leg.terms.version, *dates, credit)


TwinMachine.tables += [positions, organizations_and_types, members_and_orders]
