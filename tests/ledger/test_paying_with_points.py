"""Paying with points by the scenarios of the requirements: four shops, three of which issue points the fourth takes."""

from typing import Final, final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.ledger.agenda import work_off
from jifen.ledger.apply import apply_transaction
from jifen.ledger.checking import positions_of
from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS
from jifen.ledger.genesis import Genesis, Threshold, ValidatorAddress, write_genesis
from jifen.ledger.invariants import check_all
from jifen.ledger.payments.bodies import (
    CaptureHold,
    HoldPoints,
    PaymentPart,
    PayOrder,
    PublishAcceptance,
    SetPaymentPolicy,
    VoidHold,
)
from jifen.ledger.payments.effects import OrderPaid, PointsGivenBack, PointsHeld, PointsReleased
from jifen.ledger.payments.giving_back import paid_fen, payment_of
from jifen.ledger.payments.plan import Plan, make_plan
from jifen.ledger.payments.records import HOLD_MS_MAX, Acceptance, PaymentPolicies
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.records import OrderLine
from jifen.ledger.state import WorkingState, hold_key, holding_key, organization_key, past_policies_key, supply_key
from jifen.ledger.terms.effects import PointsExpired
from jifen.ledger.terms.records import PointType, RollingExpiry, Terms
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, Transaction
from jifen.ledger.types import (
    AMOUNT_FEN_MAX,
    EMPTY_HOLDING,
    Holding,
    Operator,
    Organization,
    OrganizationKind,
    OrganizationStatus,
    RoleClass,
    Scope,
    Supply,
)
from jifen.testing.memory import Memory
from jifen.testing.naive.scene import CHAIN_ID, START, account_of, certificate_of, key_of, transaction

ANN: Final = account_of(key_of("ann"))
LAST: Final = "member 82"
"""A key whose account id ends in 0xff."""
HASH: Final = b"\x0d" * 32
SHOPS: Final = ("north", "south", "west", "center")
TILL: Final = int(Scope.CASHIER | Scope.ADMIN)
NORTH, SOUTH, WEST, OWN = (f"{name}/consumer" for name in SHOPS)


def alliance() -> Genesis:
    """Return four organizations; `center` is the mall, and takes everybody's points, for at most a fen each."""
    organizations = tuple(
        Organization(
            name,
            name.title(),
            OrganizationKind.MALL if name == "center" else OrganizationKind.MERCHANT,
            OrganizationStatus.ACTIVE,
            (Operator(key_of(name), TILL),),
            key_of(f"{name} validator"),
        )
        for name in SHOPS
    )
    terms = Terms(settlement_points=1, settlement_fen=1, accepted_by=("center",), expiry=RollingExpiry(100))
    kinds = tuple(
        PointType(
            f"{name}/consumer",
            name,
            RoleClass.CONSUMER,
            1,
            1,
            1,
            Terms(expiry=RollingExpiry(100)) if name == "center" else terms,
        )
        for name in SHOPS
    )
    addresses = tuple(
        ValidatorAddress(name, "127.0.0.1", port, f"http://127.0.0.1:{port}", certificate_of(name))
        for port, name in enumerate(SHOPS, start=1)
    )
    return Genesis(1, "Shops", START, organizations, kinds, addresses, Threshold(1, 1), checkpoint_blocks=2)


@final
class Shops:
    """The ledger in an open block; whatever is done is checked against every invariant."""

    def __init__(self) -> None:
        self.state = WorkingState(Memory(), 0)
        self.state.begin_block()
        write_genesis(self.state, alliance())
        self.time = START
        self.count = 0
        self.last: Transaction
        self.take(RegisterMember(*self.head(), key_of("ann")), "ann")

    def head(self) -> tuple[int, bytes]:
        """Return the beginning of a body."""
        self.count += 1
        return self.time, self.count.to_bytes(8, "big")

    @property
    def context(self) -> BlockContext:
        """The open block."""
        return BlockContext(CHAIN_ID, self.state.height + 1, self.time)

    def wait(self, ms: int) -> list[AnyEffect]:
        """Open a block that much later and return what time did."""
        self.state.end_block()
        self.time += ms
        self.state.begin_block()
        effects = [effect for receipt in work_off(self.state, self.context) for effect in receipt.effects]
        check_all(self.state.range(b"", b"\xff", 100_000))
        return effects

    def take(self, body: Body, *signers: str) -> tuple[AnyEffect, ...] | Rejection:
        """Apply a transaction; return what it did, or why it did nothing."""
        self.last = transaction(body, *map(key_of, signers))
        receipt = apply_transaction(self.state, self.last, self.context)
        check_all(self.state.range(b"", b"\xff", 100_000))
        return Rejection(receipt.rejection) if receipt.rejection else receipt.effects

    def accept(self, name: str = "center", point_type: str = NORTH, **changes: int) -> object:
        """Let an organization take points, as it is asked."""
        usual = Acceptance(1, 1, 1, 1, 1, 10_000, AMOUNT_FEN_MAX)
        acceptance = msgspec.structs.replace(usual, **changes)
        return self.take(PublishAcceptance(*self.head(), name, point_type, acceptance), name)

    def limit(self, name: str, share_bp: int, version: int = 1, daily_fen: int = AMOUNT_FEN_MAX) -> object:
        """Set a policy."""
        return self.take(SetPaymentPolicy(*self.head(), name, version, share_bp, daily_fen), name)

    def earn(self, point_type: str, order: str, amount_fen: int) -> None:
        """Let Ann earn a point for every fen."""
        merchant = point_type.split("/", maxsplit=1)[0]
        body = EarnPoints(*self.head(), merchant, order, ANN, point_type, amount_fen, 7)
        assert not isinstance(self.take(body, merchant), Rejection)

    def pay(self, order: str, amount_fen: int, *parts: tuple[str, int], at: str = "center") -> OrderPaid | Rejection:
        """Let Ann pay."""
        asked = tuple(PaymentPart(*part) for part in parts)
        effects = self.take(PayOrder(*self.head(), at, order, HASH, ANN, amount_fen, asked), "ann", at)
        if isinstance(effects, Rejection):
            return effects
        [effect] = effects
        assert isinstance(effect, OrderPaid)
        return effect

    def refund(self, order: str, refund: str, amount_fen: int, at: str = "center") -> tuple[AnyEffect, ...]:
        """Refund a part of an order."""
        effects = self.take(RefundOrder(*self.head(), at, order, refund, amount_fen), at)
        assert not isinstance(effects, Rejection), effects
        return effects

    def holding(self, point_type: str) -> Holding:
        """Return what Ann holds."""
        found = self.state.get(holding_key(ANN, point_type)) or EMPTY_HOLDING
        assert isinstance(found, Holding)
        return found

    def positions(self) -> dict[tuple[str, str, int, int], int]:
        """Return the matrix of holders and issuers, by rate."""
        found = positions_of(self.state.range(b"", b"\xff", 100_000))
        return {(holder, kind, rate.points, rate.fen): position.points for holder, kind, rate, position in found}

    def supply(self, point_type: str) -> Supply:
        """Return how many points there are."""
        found = self.state.get(supply_key(point_type))
        assert isinstance(found, Supply)
        return found


def three_issuers() -> Shops:
    """Return shops where Ann has points of three issuers, some older than others, at three rates, cap 30 %."""
    shops = Shops()
    assert not isinstance(shops.limit("center", 3_000), Rejection)
    for kind, points, fen, step, least in ((NORTH, 2, 1, 2, 100), (SOUTH, 1, 1, 50, 50), (OWN, 1, 3, 1, 1)):
        taken = shops.accept(
            "center", kind, rate_points=points, rate_fen=fen, step_points=step, minimum_points=least, share_bp=3_000
        )
        assert not isinstance(taken, Rejection)
    for day in range(2):
        shops.earn(NORTH, f"n{day}", 800)
        shops.earn(SOUTH, f"s{day}", 600)
        shops.earn(OWN, f"o{day}", 400)
        shops.wait(DAY_MS)
    return shops


def test_f16_an_order_is_split_over_three_issuers_to_the_fen_and_a_refund_returns_the_lots_with_their_dates() -> None:
    shops = three_issuers()
    before = {kind: shops.holding(kind).lots for kind in (NORTH, SOUTH, OWN)}
    paid = shops.pay("W1", 10_000, (NORTH, 1_600), (SOUTH, 0), (OWN, 0))
    assert isinstance(paid, OrderPaid)
    assert [(part.point_type, part.points, part.fen) for part in paid.parts] == [
        (NORTH, 1_600, 800),
        (SOUTH, 1_200, 1_200),
        (OWN, 333, 999),
    ], "1000 fen are left for own points at 3 fen: 333 of them, and nothing is rounded"
    assert (paid.paid_fen, paid.money_fen, paid.share_bp) == (2_999, 7_001, 3_000)
    assert shops.positions() == {("center", NORTH, 2, 1): 1_600, ("center", SOUTH, 1, 1): 1_200}
    assert shops.supply(OWN).burned == 333
    shops.wait(30 * DAY_MS)
    [back] = shops.refund("W1", "r1", 4_000)
    assert isinstance(back, PointsGivenBack)
    assert [(part.point_type, part.points, part.fen) for part in back.parts] == [
        (NORTH, 640, 320),
        (SOUTH, 480, 480),
        (OWN, 133, 399),
    ]
    assert (back.money_fen, back.rest_fen) == (4_000 - 1_199, 0), "2999 * 40 % is 1199.6, of which 1199 are points"
    assert shops.supply(OWN).burned == 200
    assert shops.positions() == {("center", NORTH, 2, 1): 960, ("center", SOUTH, 1, 1): 720}
    for kind, points in ((NORTH, 640), (SOUTH, 480), (OWN, 467 + 133)):
        lots = shops.holding(kind).lots
        assert sum(lot.points for lot in lots) == points
        assert {lot.expires_at for lot in lots} <= {lot.expires_at for lot in before[kind]}
        assert lots[-1].expires_at == before[kind][-1].expires_at, "what was taken last comes back first"
    shops.refund("W1", "r2", 6_000)
    assert {kind: shops.holding(kind).lots for kind in (NORTH, SOUTH, OWN)} == before
    assert shops.positions() == {}


@pytest.mark.parametrize("credited", [True, False])
def test_x3_ten_small_refunds_return_what_one_large_one_returns(credited: bool) -> None:
    found = []
    for amounts in ([3_000], [300] * 10):
        shops = three_issuers()
        paid = shops.pay("W1", 9_999, (OWN, 0), (SOUTH, 350), (NORTH, 202))
        assert isinstance(paid, OrderPaid)
        if credited:
            shops.earn(OWN, "W1", 9_999)
        money, rest, refunded = 0, -1, 0
        for number, amount in enumerate(amounts):
            back = shops.refund("W1", f"r{number}", amount)[-1]
            assert isinstance(back, PointsGivenBack)
            assert 0 <= back.money_fen <= amount
            money, rest, refunded = money + back.money_fen, back.rest_fen, back.order_refunded_fen
        held = [shops.holding(kind).lots for kind in (NORTH, SOUTH, OWN)]
        found.append((money, rest, refunded, held, shops.positions(), shops.supply(OWN).burned))
    assert found[0] == found[1]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=12), st.integers(30, 1_000), st.integers(0, 3))
def test_x3_no_refund_asks_for_money_back_and_all_of_them_return_everything(
    amounts: list[int], order_fen: int, parts: int
) -> None:
    shops = three_issuers()
    before = [shops.holding(kind) for kind in (NORTH, SOUTH, OWN)]
    asked = [[(OWN, 0)], [(OWN, 0), (SOUTH, 0)], [(SOUTH, 0), (OWN, 0)], [(NORTH, 0), (OWN, 0)]][parts]
    paid = shops.pay("W1", order_fen, *asked)
    assert isinstance(paid, OrderPaid)
    assert paid_fen(payment_of(shops.state, "center", "W1")) == paid.paid_fen <= order_fen * 3 // 10
    money, left, rest = 0, order_fen, -1
    for number, amount in enumerate([*amounts, AMOUNT_FEN_MAX]):
        part = min(amount, left)
        left -= part
        if part:
            [back] = shops.refund("W1", f"r{number}", part)
            assert isinstance(back, PointsGivenBack)
            assert 0 <= back.money_fen <= part
            money, rest = money + back.money_fen, back.rest_fen
    assert left == 0
    assert (money, rest) == (paid.money_fen, 0)
    assert [shops.holding(kind) for kind in (NORTH, SOUTH, OWN)] == before
    assert shops.positions() == {}


def test_p3_points_of_one_issuer_pay_at_another_whose_position_grows_by_exactly_these() -> None:
    shops = Shops()
    shops.accept()
    shops.earn(NORTH, "n", 500)
    assert isinstance(shops.pay("W1", 300, (NORTH, 120)), OrderPaid)
    assert isinstance(shops.pay("W2", 300, (NORTH, 80)), OrderPaid)
    assert shops.positions() == {("center", NORTH, 1, 1): 200}
    assert shops.supply(NORTH) == Supply(500, 0)
    assert shops.holding(NORTH).available == 300


def test_f20_the_matrix_is_the_sum_of_what_was_acquired_at_every_height() -> None:
    shops = Shops()
    shops.accept()
    shops.accept(point_type=SOUTH, rate_points=4, rate_fen=2, step_points=2, minimum_points=2)
    shops.earn(NORTH, "n", 500)
    shops.earn(SOUTH, "s", 500)
    acquired: dict[tuple[str, str, int, int], int] = {}
    for number, (kind, points, rate) in enumerate([(NORTH, 7, (1, 1)), (SOUTH, 6, (2, 1)), (NORTH, 11, (1, 1))]):
        assert isinstance(shops.pay(f"W{number}", 100, (kind, points)), OrderPaid)
        key = ("center", kind, rate[0], rate[1])
        acquired[key] = acquired.get(key, 0) + points
        shops.wait(1)
        assert shops.positions() == acquired


def test_f5_a_merchant_may_only_tighten_what_its_mall_says_also_when_the_mall_says_it_later() -> None:
    shops = Shops()
    shops.accept("north", NORTH, share_bp=9_000)
    assert not isinstance(shops.limit("center", 5_000, daily_fen=1_000), Rejection)
    assert shops.limit("north", 5_001, daily_fen=1_000) is Rejection.LOOSER_THAN_POLICY
    assert shops.limit("north", 5_000, daily_fen=1_001) is Rejection.LOOSER_THAN_POLICY
    assert shops.accept("north", NORTH, version=2, share_bp=5_001, daily_fen=1_000) is Rejection.LOOSER_THAN_POLICY
    shops.earn(NORTH, "n", 5_000)
    assert shops.pay("W1", 1_000, (NORTH, 501), at="north") is Rejection.SHARE_EXCEEDED
    assert shops.pay("W1", 4_000, (NORTH, 1_001), at="north") is Rejection.DAILY_CAP_REACHED
    paid = shops.pay("W1", 1_000, (NORTH, 0), at="north")
    assert isinstance(paid, OrderPaid)
    assert (paid.paid_fen, paid.share_bp) == (500, 5_000)
    assert not isinstance(shops.limit("north", 2_000, daily_fen=1_000), Rejection)
    assert shops.pay("W2", 1_000, (NORTH, 201), at="north") is Rejection.SHARE_EXCEEDED


def test_i10_payments_holds_and_captures_name_the_policies_that_bound_them_and_these_can_be_looked_up() -> None:
    shops = Shops()
    shops.accept("north", NORTH)
    shops.earn(NORTH, "n", 5_000)
    before = shops.pay("W0", 1_000, (NORTH, 0), at="north")
    shops.limit("center", 5_000)
    shops.limit("north", 2_000)
    paid = shops.pay("W1", 1_000, (NORTH, 0), at="north")
    asked = HoldPoints(*shops.head(), "north", "W2", HASH, ANN, 1_000, (PaymentPart(NORTH, 0),), shops.time + 9)
    held = shops.take(asked, "ann")
    hold = shops.last.id
    shops.limit("center", 1_000, version=2)
    captured = shops.take(CaptureHold(*shops.head(), "north", ANN, hold, 1_000, ()), "north")
    after = shops.pay("W3", 1_000, (NORTH, 0), at="north")
    assert isinstance(held, tuple)
    assert isinstance(captured, tuple)
    told = [effect for effect in (before, paid, *held, *captured, after) if isinstance(effect, OrderPaid | PointsHeld)]
    assert [(effect.share_bp, effect.policies_revision) for effect in told] == [
        (10_000, 0), (2_000, 2), (2_000, 2), (2_000, 2), (1_000, 3),
    ]  # fmt: skip
    shares = []
    for revision in (1, 2, 3):
        found = shops.state.get(past_policies_key(revision))
        assert isinstance(found, PaymentPolicies)
        shares.append({policy.organization: policy.share_bp for policy in found.policies})
    assert shares == [{"center": 5_000}, {"center": 5_000, "north": 2_000}, {"center": 1_000, "north": 2_000}]


def test_a_daily_cap_begins_anew_with_the_next_day_and_a_hold_that_is_given_up_leaves_room() -> None:
    shops = Shops()
    shops.accept(daily_fen=100)
    shops.earn(NORTH, "n", 500)
    held = shops.take(
        HoldPoints(*shops.head(), "center", "W1", HASH, ANN, 200, (PaymentPart(NORTH, 60),), shops.time + 9), "ann"
    )
    assert not isinstance(held, Rejection)
    hold = shops.last.id
    assert shops.pay("W2", 200, (NORTH, 41)) is Rejection.DAILY_CAP_REACHED
    assert not isinstance(shops.take(VoidHold(*shops.head(), "center", ANN, hold), "center"), Rejection)
    assert isinstance(shops.pay("W2", 200, (NORTH, 100)), OrderPaid)
    assert shops.pay("W3", 200, (NORTH, 1)) is Rejection.DAILY_CAP_REACHED
    shops.wait(DAY_MS)
    assert isinstance(shops.pay("W3", 200, (NORTH, 100)), OrderPaid)


def test_i7_nobody_takes_points_above_the_price_for_which_their_issuer_buys_them_back() -> None:
    shops = Shops()
    assert shops.accept(rate_points=1, rate_fen=2) is Rejection.RATE_ABOVE_SETTLEMENT
    assert shops.accept("south", NORTH) is Rejection.NOT_ON_ACCEPTANCE_LIST
    assert shops.accept(rate_points=3, rate_fen=2, step_points=2) is Rejection.ACCEPTANCE_CONTRADICTORY
    assert not isinstance(shops.accept("north", NORTH, rate_fen=5), Rejection), "at home any rate goes: points burn"


def test_f14_a_hold_is_captured_in_part_and_the_rest_comes_back_in_the_same_block() -> None:
    shops = three_issuers()
    before = shops.holding(NORTH).lots
    parts = (PaymentPart(NORTH, 1_000), PaymentPart(OWN, 100))
    effects = shops.take(HoldPoints(*shops.head(), "center", "W1", HASH, ANN, 9_000, parts, shops.time + DAY_MS), "ann")
    assert not isinstance(effects, Rejection)
    [held] = effects
    assert isinstance(held, PointsHeld)
    assert (held.held_fen, shops.holding(NORTH).held, shops.holding(NORTH).available) == (800, 1_000, 600)
    capture = CaptureHold(*shops.head(), "center", ANN, held.hold, 8_000, (500, 0))
    assert shops.take(capture, "ann") is Rejection.NOT_AUTHORIZED
    taken = shops.take(replace_head(capture, shops), "center")
    assert not isinstance(taken, Rejection)
    paid, released = taken
    assert isinstance(paid, OrderPaid)
    assert isinstance(released, PointsReleased)
    assert (paid.paid_fen, paid.money_fen, paid.hold) == (250, 7_750, held.hold)
    assert [(part.point_type, part.points) for part in released.parts] == [(NORTH, 500), (OWN, 100)]
    assert shops.holding(NORTH).held == shops.holding(OWN).held == 0
    assert shops.holding(NORTH).available == 1_100
    shops.refund("W1", "r", 8_000)
    assert shops.holding(NORTH).lots == before
    shops.take(HoldPoints(*shops.head(), "center", "W2", HASH, ANN, 9_000, parts, shops.time + DAY_MS), "ann")
    whole = shops.take(CaptureHold(*shops.head(), "center", ANN, shops.last.id, 9_000), "center")
    assert isinstance(whole, tuple)
    assert len(whole) == 1, "nothing comes back, and nothing is told of it"


def test_an_account_whose_id_ends_in_the_last_byte_there_is_holds_points_as_others_do() -> None:
    shops = three_issuers()
    account = account_of(key_of(LAST))
    assert account.endswith(b"\xff")
    shops.take(RegisterMember(*shops.head(), key_of(LAST)), LAST)
    shops.take(EarnPoints(*shops.head(), "north", "o9", account, NORTH, 800, 7), "north")
    parts = (PaymentPart(NORTH, 100),)
    held = shops.take(HoldPoints(*shops.head(), "center", "W1", HASH, account, 900, parts, shops.time + DAY_MS), LAST)
    assert not isinstance(held, Rejection)
    assert shops.state.get(hold_key(account, shops.last.id)) is not None


def replace_head(body: CaptureHold, shops: Shops) -> CaptureHold:
    """Return the same as another transaction."""
    return CaptureHold(*shops.head(), body.merchant, body.account, body.hold, body.amount_fen, body.points)


def test_a_hold_runs_out_by_itself_and_what_has_passed_its_date_expires_then() -> None:
    shops = Shops()
    shops.accept()
    shops.earn(NORTH, "n", 500)
    shops.wait(90 * DAY_MS)
    body = HoldPoints(
        *shops.head(), "center", "W1", HASH, ANN, 600, (PaymentPart(NORTH, 300),), shops.time + 20 * DAY_MS
    )
    assert not isinstance(shops.take(body, "ann"), Rejection)
    assert [effect.points for effect in shops.wait(15 * DAY_MS) if isinstance(effect, PointsExpired)] == [200]
    effects = shops.wait(6 * DAY_MS)
    [released] = [effect for effect in effects if isinstance(effect, PointsReleased)]
    assert released.timed_out
    assert [effect.points for effect in effects if isinstance(effect, PointsExpired)] == [300]
    assert shops.supply(NORTH) == Supply(500, 0, 500)


def test_points_that_come_back_after_their_date_expire_at_once_and_are_told_of() -> None:
    shops = Shops()
    shops.accept()
    shops.earn(NORTH, "n", 500)
    assert isinstance(shops.pay("W1", 600, (NORTH, 300)), OrderPaid)
    shops.wait(200 * DAY_MS)
    back, expired = shops.refund("W1", "r", 600)
    assert isinstance(back, PointsGivenBack)
    assert isinstance(expired, PointsExpired)
    assert expired.points == 300
    assert shops.supply(NORTH) == Supply(500, 0, 500)
    assert shops.positions() == {}


def test_what_is_examined_is_what_is_paid() -> None:
    shops = three_issuers()
    center = shops.state.get(organization_key("center"))
    assert isinstance(center, Organization)
    asked = ((NORTH, 200), (SOUTH, 0), (OWN, 0))
    plan = make_plan(shops.state, center, ANN, 5_000, tuple(PaymentPart(*part) for part in asked), shops.time)
    assert isinstance(plan, Plan)
    paid = shops.pay("W1", 5_000, *asked)
    assert isinstance(paid, OrderPaid)
    assert [(part.point_type.id, part.points, part.fen) for part in plan.parts] == [
        (part.point_type, part.points, part.fen) for part in paid.parts
    ]
    assert plan.paid_fen == paid.paid_fen


def test_an_order_is_paid_with_points_once_and_credited_as_the_order_that_they_paid() -> None:
    shops = three_issuers()
    assert isinstance(shops.pay("W1", 1_000, (OWN, 1)), OrderPaid)
    assert shops.pay("W1", 1_000, (OWN, 1)) is Rejection.ORDER_ALREADY_PAID
    assert isinstance(shops.pay("W2", 1_000, (OWN, 1)), OrderPaid)
    body = EarnPoints(*shops.head(), "center", "W2", ANN, OWN, 1_001, 7)
    assert shops.take(body, "center") is Rejection.ORDER_DIFFERS


# The edges of the limits.


def test_f16_stated_points_may_fill_the_share_to_the_last_fen() -> None:
    shops = Shops()
    shops.accept()
    shops.accept("center", SOUTH)
    shops.limit("center", 5_000)
    shops.earn(NORTH, "n", 500)
    shops.earn(SOUTH, "s", 500)

    assert shops.pay("W1", 200, (NORTH, 60), (SOUTH, 41)) is Rejection.SHARE_EXCEEDED
    paid = shops.pay("W1", 200, (NORTH, 60), (SOUTH, 40))
    assert isinstance(paid, OrderPaid)
    assert paid.paid_fen == 100


def test_f16_points_are_taken_up_from_their_minimum_and_none_below_it() -> None:
    shops = Shops()
    shops.accept(minimum_points=50)
    shops.accept("center", SOUTH)
    shops.earn(NORTH, "n", 500)
    shops.earn(SOUTH, "s", 500)

    below, least = (shops.pay(order, fen, (NORTH, 0), (SOUTH, 1)) for order, fen in (("W1", 50), ("W2", 51)))
    assert isinstance(below, OrderPaid)
    assert isinstance(least, OrderPaid)
    assert [part.points for part in below.parts] == [1]
    assert [part.points for part in least.parts] == [50, 1]


def test_f16_payments_of_a_day_count_together_against_its_cap_and_those_of_the_day_before_do_not() -> None:
    shops = Shops()
    shops.accept(daily_fen=100)
    shops.earn(NORTH, "n", 500)
    for day in range(2):
        assert isinstance(shops.pay(f"{day} first", 200, (NORTH, 60)), OrderPaid)
        assert shops.pay(f"{day} second", 200, (NORTH, 41)) is Rejection.DAILY_CAP_REACHED
        assert isinstance(shops.pay(f"{day} second", 200, (NORTH, 40)), OrderPaid)
        assert shops.pay(f"{day} third", 200, (NORTH, 1)) is Rejection.DAILY_CAP_REACHED
        shops.wait(DAY_MS)


def test_a_hold_given_up_on_a_later_day_leaves_no_more_room_on_that_day() -> None:
    shops = Shops()
    shops.accept(daily_fen=100)
    shops.earn(NORTH, "n", 500)
    parts, until = (PaymentPart(NORTH, 60),), shops.time + 2 * DAY_MS
    held = shops.take(HoldPoints(*shops.head(), "center", "W1", HASH, ANN, 200, parts, until), "ann")
    assert not isinstance(held, Rejection)
    hold = shops.last.id
    shops.wait(DAY_MS)
    assert isinstance(shops.pay("W2", 200, (NORTH, 100)), OrderPaid)

    assert not isinstance(shops.take(VoidHold(*shops.head(), "center", ANN, hold), "center"), Rejection)

    assert shops.pay("W3", 200, (NORTH, 1)) is Rejection.DAILY_CAP_REACHED


def test_f5_what_one_merchant_limits_binds_no_other() -> None:
    shops = Shops()
    shops.accept("north", NORTH)
    shops.accept("south", SOUTH)
    shops.limit("south", 1_000)
    shops.earn(NORTH, "n", 500)
    shops.earn(SOUTH, "s", 500)

    assert isinstance(shops.pay("W1", 100, (NORTH, 100), at="north"), OrderPaid)
    assert shops.pay("W1", 100, (SOUTH, 11), at="south") is Rejection.SHARE_EXCEEDED


def test_what_was_taken_on_a_day_goes_on_counting_when_another_version_of_the_acceptance_holds() -> None:
    shops = Shops()
    shops.accept(daily_fen=100)
    shops.earn(NORTH, "n", 500)
    assert isinstance(shops.pay("W1", 200, (NORTH, 100)), OrderPaid)

    assert not isinstance(shops.accept(version=2, daily_fen=100), Rejection)

    assert shops.pay("W2", 200, (NORTH, 1)) is Rejection.DAILY_CAP_REACHED


def test_f5_a_merchant_may_say_exactly_what_its_mall_says() -> None:
    shops = Shops()
    shops.limit("center", 5_000, daily_fen=900)

    assert shops.limit("south", 5_001, daily_fen=900) is Rejection.LOOSER_THAN_POLICY
    assert shops.limit("south", 5_000, daily_fen=901) is Rejection.LOOSER_THAN_POLICY
    assert not isinstance(shops.limit("south", 5_000, daily_fen=900), Rejection)


def test_f14_a_hold_lasts_thirty_days_at_most_and_ends_in_the_block_of_its_very_end() -> None:
    shops = Shops()
    shops.accept()
    shops.earn(NORTH, "n", 500)
    parts = (PaymentPart(NORTH, 60),)
    late, held = (
        shops.take(HoldPoints(*shops.head(), "center", "W1", HASH, ANN, 200, parts, shops.time + ms), "ann")
        for ms in (HOLD_MS_MAX + 1, HOLD_MS_MAX)
    )
    assert late is Rejection.TIMEOUT_OUT_OF_RANGE
    assert not isinstance(held, Rejection)

    assert not any(isinstance(effect, PointsReleased) for effect in shops.wait(HOLD_MS_MAX - 1))
    [released] = [effect for effect in shops.wait(1) if isinstance(effect, PointsReleased)]
    assert released.timed_out


def test_f16_an_order_that_was_never_credited_is_refunded_by_each_number_once_and_credited_no_more() -> None:
    shops = Shops()
    shops.accept()
    shops.earn(NORTH, "n", 500)
    assert isinstance(shops.pay("W1", 200, (NORTH, 1)), OrderPaid)

    lines = (OrderLine("tea", "food", 101),)
    assert shops.take(RefundOrder(*shops.head(), "center", "W1", "R1", 100, lines), "center") is (
        Rejection.ITEMS_EXCEED_REFUND
    )
    [effect] = shops.refund("W1", "R1", 100)
    assert isinstance(effect, PointsGivenBack)
    assert effect.parts == (), "of one point nothing comes back before all of the order does"
    again = RefundOrder(*shops.head(), "center", "W1", "R1", 100)
    assert shops.take(again, "center") is Rejection.REFUND_ALREADY_TAKEN
    assert shops.take(EarnPoints(*shops.head(), "center", "W1", ANN, OWN, 200, 7), "center") is Rejection.ORDER_DIFFERS
