"""Scenarios of the requirements, named by their rows, that belong to no family alone."""

import random
from itertools import product
from typing import Final

import msgspec

from jifen.ledger.agenda import work_off
from jifen.ledger.apply import apply_transaction
from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS
from jifen.ledger.genesis import write_genesis
from jifen.ledger.invariants import check_all
from jifen.ledger.payments.bodies import PaymentPart, PayOrder, PublishAcceptance
from jifen.ledger.payments.effects import OrderPaid
from jifen.ledger.payments.records import Acceptance
from jifen.ledger.receipts import AnyEffect, PointsEarned, PointsTransferred
from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.effects import RedemptionFulfilled, RewardRedeemed
from jifen.ledger.state import WorkingState
from jifen.ledger.swaps.bodies import AcceptSwapOffer, CreateSwapOffer
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.terms.records import PointType, RollingExpiry, SwapCorridor, Terms
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, TransferPoints
from jifen.ledger.types import Operator, RoleClass, Scope
from jifen.testing.memory import Memory
from jifen.testing.naive.scene import CHAIN_ID, START, account_of, key_of, scene, transaction
from jifen.testing.scenes.point_stage import ANN, BO, CONSUMER, PointStage
from jifen.testing.scenes.reward_stage import RewardStage

ISSUERS: Final = tuple(f"issuer-{number:02}" for number in range(20))
MEMBERS: Final = tuple(f"member {number}" for number in range(15))
OPERATIONS: Final = 3000
"""In `make test`; the nightly run of both ledgers takes more than a million, over all kinds of transactions."""


def test_f6_neither_a_member_nor_a_suspended_organization_credits_points() -> None:
    stage = PointStage()
    for merchant, signer, reason in (
        ("mall", "ann", Rejection.NOT_AUTHORIZED),
        ("mall", "books till", Rejection.NOT_AUTHORIZED),
        ("mall", "mall admin", Rejection.NOT_AUTHORIZED),
        ("attic", "attic till", Rejection.ORGANIZATION_NOT_ACTIVE),
    ):
        body = EarnPoints(stage.time, stage.nonce(), merchant, "o-1", ANN, f"{merchant}/consumer", 1000, 7)
        assert stage.take(body, signer) is reason
    foreign = EarnPoints(stage.time, stage.nonce(), "books", "o-1", ANN, "mall/consumer", 1000, 7)
    assert stage.take(foreign, "books till") is Rejection.NOT_THE_ISSUER
    assert stage.holding().available == stage.supply().issued == 0


def test_x2_points_that_were_spent_before_a_refund_are_owed_and_later_earnings_repay_them_first() -> None:
    stage = PointStage()
    stage.earn("o-1", 1000)
    stage.give_away(80)

    stage.refund("o-1", "r-1", 1000)

    assert (stage.holding().available, stage.debt()) == (0, 80), "the debt stands apart from the balance"
    stage.earn("o-2", 500)
    assert (stage.holding().available, stage.debt()) == (0, 30)
    stage.earn("o-3", 1000)
    assert (stage.holding().available, stage.debt()) == (70, 0)


class Alliance:
    """Twenty issuers and some members, driven at random from a seed."""

    def __init__(self, seed: int) -> None:
        self.draws = random.Random(seed)
        self.state = WorkingState(Memory(), 0)
        self.state.begin_block()
        self.time = START
        small = scene()
        organizations = tuple(
            msgspec.structs.replace(
                small.organizations[0],
                id=name,
                operators=(Operator(key_of(f"{name} till"), int(Scope.CASHIER)),),
                validator_key=key_of(f"{name} validator"),
            )
            for name in ISSUERS
        )
        point_types = tuple(
            PointType(
                f"{name}/consumer",
                name,
                RoleClass.CONSUMER,
                1,
                1,
                number + 1,
                Terms(expiry=RollingExpiry(5 + number)) if number % 2 else Terms(),
            )
            for number, name in enumerate(ISSUERS)
        )
        addresses = tuple(
            msgspec.structs.replace(
                small.validators[0], organization=name, peer_port=number, public_url=f"http://127.0.0.1:{number}",
                certificate_pem=small.validators[0].certificate_pem.replace("\n", f"\n{number:04}", 1),
            )
            for number, name in enumerate(ISSUERS, start=1)
        )  # fmt: skip
        write_genesis(
            self.state,
            msgspec.structs.replace(small, organizations=organizations, point_types=point_types, validators=addresses),
        )
        self.outcomes: dict[int, int] = {}
        self.orders: list[tuple[str, str, int]] = []
        for name in MEMBERS:
            self.take(RegisterMember(self.time, bytes(8), key_of(name)), name)

    def take(self, body: Body, signer: str) -> None:
        """Apply a transaction and count what became of it."""
        context = BlockContext(CHAIN_ID, self.state.height + 1, self.time)
        rejection = apply_transaction(self.state, transaction(body, key_of(signer)), context).rejection
        self.outcomes[rejection] = self.outcomes.get(rejection, 0) + 1

    def act(self, number: int) -> None:
        """Do something: buy, give back, pass on."""
        nonce, kind = number.to_bytes(8, "big"), self.draws.random()
        issuer, member = self.draws.choice(ISSUERS), self.draws.choice(MEMBERS)
        if kind < 0.5:
            amount = self.draws.randrange(1, 5000)
            account = account_of(key_of(member))
            order = EarnPoints(self.time, nonce, issuer, f"o{number}", account, f"{issuer}/consumer", amount, 7)
            self.orders.append((issuer, f"o{number}", amount))
            self.take(order, f"{issuer} till")
        elif kind < 0.7 and self.orders:
            merchant, order_id, amount = self.draws.choice(self.orders)
            part = self.draws.randrange(1, amount + 1)
            self.take(RefundOrder(self.time, nonce, merchant, order_id, f"r{number}", part), f"{merchant} till")
        else:
            sender, recipient = account_of(key_of(member)), account_of(key_of(self.draws.choice(MEMBERS)))
            points = self.draws.randrange(1, 400)
            self.take(TransferPoints(self.time, nonce, sender, recipient, f"{issuer}/consumer", points, b""), member)

    def next_block(self) -> None:
        """Close the block, check every invariant, and open one some hours later."""
        self.state.end_block()
        check_all(self.state.range(b"", b"\xff", 1_000_000))
        self.time += self.draws.randrange(DAY_MS // 2)
        self.state.begin_block()
        work_off(self.state, BlockContext(CHAIN_ID, self.state.height + 1, self.time))


def test_c7_points_of_twenty_issuers_circulate_and_every_invariant_holds_after_every_block() -> None:
    alliance = Alliance(seed=7)
    for number in range(OPERATIONS):
        alliance.act(number)
        if number % 50 == 49:
            alliance.next_block()

    met = {Rejection(reason).name: count for reason, count in alliance.outcomes.items() if reason}
    assert alliance.outcomes[0] > OPERATIONS // 2, met
    assert {"INSUFFICIENT_POINTS", "REFUND_EXCEEDS_ORDER", "SENDER_IS_RECIPIENT"} <= {*met}


def test_p7_the_receipts_lead_from_the_burning_of_points_back_to_the_purchase_that_issued_them() -> None:
    stage = RewardStage()
    told: list[AnyEffect] = [stage.points.earn("o-1", 1000)]
    gift = TransferPoints(stage.points.time, stage.points.nonce(), ANN, BO, CONSUMER, 100, b"")
    stage.offer()
    for effects in (stage.points.effects_of(gift, "ann"), stage.redeem(who="bo")):
        assert not isinstance(effects, Rejection), effects
        told += effects

    path, account = [], b""
    for effect in reversed(told):
        if isinstance(effect, RedemptionFulfilled) and effect.burned:
            path.append(f"{effect.points} burned for {effect.reward} {effect.number}")
            account = effect.account
        elif isinstance(effect, PointsTransferred) and effect.recipient == account:
            path.append(f"{effect.points} given")
            account = effect.sender
        elif isinstance(effect, PointsEarned) and effect.account == account:
            path.append(f"{effect.points} issued by {effect.merchant}")
    assert path == ["100 burned for mall/mug 1", "100 given", "100 issued by mall"]
    assert (stage.points.supply().issued, stage.points.supply().burned) == (100, 100)


def test_f4_recording_asking_redeeming_and_paying_speak_of_the_same_points() -> None:
    stage = RewardStage()
    points = stage.points
    recorded = points.earn("o-1", 10_000)
    assert (recorded.points, recorded.available_after) == (1000, points.holding().available)

    stage.offer()
    redeemed = stage.redeem()
    assert not isinstance(redeemed, Rejection)
    [first, *_] = redeemed
    assert isinstance(first, RewardRedeemed)
    assert (first.points, first.available_after) == (100, points.holding().available) == (100, 900)

    acceptance = PublishAcceptance(
        points.time, points.nonce(), "mall", CONSUMER, Acceptance(1, 10, 1, 10, 10, 10_000, 1000)
    )
    assert not isinstance(points.take(acceptance, "mall admin"), Rejection)
    pay = PayOrder(points.time, points.nonce(), "mall", "o-2", bytes(32), ANN, 90, (PaymentPart(CONSUMER, 500),))
    paid = points.effects_of(pay, "ann", "mall till")
    assert not isinstance(paid, Rejection), paid
    [order] = paid
    assert isinstance(order, OrderPaid)
    assert (order.paid_fen, order.money_fen, points.holding().available) == (50, 40, 400)
    assert points.supply().issued - points.supply().burned == points.holding().available


def test_x6_a_round_of_swaps_in_which_every_rate_gains_creates_neither_points_nor_a_claim() -> None:
    """One A for two B, one B for two C, three C for one A: whoever goes round gains what others have agreed to give.

    There are no standing quotes that could be drained; each swap is an offer for a quantity, at a value inside both
    issuers' corridors, and what an issuer owes is counted by points, which no swap makes.
    """
    stage = PointStage()
    types = ("mall/consumer", "books/guide", "books/store")
    for point_type in types:
        issuer = point_type.partition("/")[0]
        terms = Terms(version=2, swappable=True, settlement_fen=4, corridor=SwapCorridor(1, 100))
        assert not isinstance(
            stage.take(PublishTerms(stage.time, stage.nonce(), issuer, point_type, terms), f"{issuer} admin"), Rejection
        )
    for number, (point_type, account) in enumerate(product(types, (ANN, BO))):
        stage.earn(f"o-{number}", 10_000, point_type, account)
    supplies = [stage.supply(point_type) for point_type in types]
    a, b, c = types
    for give, points, want, pays in ((b, 200, a, 100), (c, 400, b, 200), (a, 100, c, 300)):
        later = stage.time + DAY_MS // 2
        offer = CreateSwapOffer(stage.time, stage.nonce(), BO, give, points, want, pays, 400, later, points)
        assert not isinstance(stage.take(offer, "bo"), Rejection)
        accept = AcceptSwapOffer(stage.time, stage.nonce(), ANN, stage.last.id, points, pays)
        assert not isinstance(stage.take(accept, "ann"), Rejection)

    assert [stage.supply(point_type) for point_type in types] == supplies
    for point_type in types:
        both = stage.holding(point_type).available + stage.holding(point_type, BO).available
        assert both == stage.supply(point_type).outstanding
    assert not stage.state.range(b"H", b"I", 9), "no organization has a claim on another by it"
    gained = stage.holding(c).available - stage.holding(c, BO).available
    assert gained == 2 * (400 - 300), "she has a hundred C more and he a hundred less"
