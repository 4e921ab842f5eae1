"""Rewards, redemptions and cash back, offered to both ledgers."""

from datetime import date
from hashlib import sha256
from typing import Final
from unittest.mock import patch

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger.cashback import cashing
from jifen.ledger.cashback.bodies import ConfirmCashback, RejectCashback, RequestCashback, SetCashbackPolicy
from jifen.ledger.cashback.records import Cashback, CashbackPolicy, CashbackStatus, CashbackUse
from jifen.ledger.opened.records import MemberOpen, OrganizationOpen
from jifen.ledger.points.positions import Rate
from jifen.ledger.rewards import redeeming, stocking
from jifen.ledger.rewards.bodies import (
    AddRewardCodes,
    CancelRedemption,
    FulfilRedemption,
    PublishReward,
    RedeemReward,
    RestockReward,
    WithdrawReward,
)
from jifen.ledger.rewards.records import (
    LISTED,
    Redemption,
    RedemptionStatus,
    Reward,
    RewardCode,
    RewardCodeNumber,
    RewardDetails,
    RewardPrice,
    RewardStanding,
    RewardVersion,
)
from jifen.ledger.terms.bodies import PublishTerms
from jifen.ledger.transactions import TransferPoints
from jifen.ledger.types import Lot, Record
from jifen.testing.naive import cashbacks as naive_cashbacks
from jifen.testing.naive import rewards as naive_rewards
from jifen.testing.naive.held import lots_kept
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.twin.draws import ISSUED_TYPES, MEMBERS, POINT_TYPES, TILLS, lives, members, nonces
from jifen.testing.twin.machine import TwinMachine, as_record
from jifen.testing.twin.points import PointRules

REWARDS: Final = (
    *("mall/mug", "mall/mug", "mall/ticket", "books/pen"),
    *("mall/mug", "mall/cup", "attic/lamp", "nobody/thing"),
)
LIMITS: Final = (
    *((stocking, "REWARDS_MAX", 2), (naive_rewards, "MOST_SHOWN", 2)),
    *((redeeming, "REDEMPTIONS_MAX", 2), (naive_rewards, "MOST_WAITING", 2)),
    *((cashing, "CASHBACKS_MAX", 2), (naive_cashbacks, "MOST_UNPAID", 2)),
)
"""So few that members and organizations come to them."""

STOCKERS: Final = ("mall admin", "mall issuer", "books admin", "mall till", "attic admin", "ann")
TREASURERS: Final = ("mall admin", "mall admin", "books admin", "mall issuer", "ann")

rates = st.sampled_from((Rate(1, 0), Rate(1, 0), Rate(10, 1), Rate(30, 2), Rate(2, 3)))
prices = st.builds(
    RewardPrice,
    point_type=st.sampled_from(("mall/consumer", "mall/consumer", "mall/guide", "books/store", "mall/store")),
    points=st.integers(1, 30),
    tier=st.sampled_from(("", "", "gold")),
    rate=rates,
)
details = st.builds(
    RewardDetails,
    name=st.sampled_from(("Mug", "Becher")),
    prices=st.lists(prices, min_size=1, max_size=3).map(tuple),
    opens_at=st.sampled_from((0, 0, 0, 2**47)),
    closes_at=st.sampled_from((0, 0, 0, 1, 2**47)),
    member_limit=st.sampled_from((0, 0, 1, 2)),
    has_codes=st.booleans(),
    hold_minutes=st.sampled_from((0, 1, 1440, 60 * 24 * 30)),
)


def commitment_of(number: int) -> bytes:
    """Return a commitment; to what, the ledger never knows."""
    return sha256(b"%d" % number).digest()


class RewardRules(PointRules):
    """Rules of rewards, redemptions and cash back."""

    def __init__(self) -> None:
        super().__init__()
        for module, name, most in LIMITS:
            self.cleanup.enter_context(patch.object(module, name, most))

    def furnish(self) -> None:
        """Let some points be worth something, be cashable, and be spent at the mall."""
        super().furnish()
        self.begin(1)
        for name in ("mall/consumer", "mall/guide", "books/store", "books/guide"):
            newest, _, _ = self.twin.terms[name][-1]
            changes = {"version": newest.version + 1, "settlement_points": 10, "settlement_fen": 1, "cashable": True}
            worth = msgspec.structs.replace(newest, effective_from=0, **changes)
            issuer = name.split("/", maxsplit=1)[0]
            if issuer == "books":
                worth = msgspec.structs.replace(worth, accepted_by=("mall",))
            self.submit(PublishTerms(self.time + 1, bytes(8), issuer, name, worth), key_of(f"{issuer} admin"))
        for name in ("mall/consumer", "mall/guide"):
            body = SetCashbackPolicy(self.time + 1, bytes(8), "mall", name, Rate(10, 1), 10, 60, 90, 3)
            self.submit(body, key_of("mall admin"))
        paid_with = ("mall/consumer", "books/store", "mall/guide")
        prices = tuple(RewardPrice(name, 7, "", Rate(20, 1)) for name in paid_with)
        for name, limit, codes, minutes in (("mall/mug", 3, False, 60 * 24 * 3), ("mall/ticket", 1, True, 0)):
            details = RewardDetails(name, prices, 0, 0, limit, codes, minutes)
            stock = 0 if codes else 3
            self.submit(PublishReward(self.time + 1, bytes(8), name, 1, details, stock), key_of("mall admin"))
        codes_of = (commitment_of(90), commitment_of(91))
        self.submit(AddRewardCodes(self.time + 1, bytes(8), "mall/ticket", codes_of), key_of("mall admin"))
        self.purchase("mall/consumer", 399, "bo", 300)
        self.purchase("books/store", 398, "bo", 300)
        self.end()
        # A day later, so that what is received is older than what is earned then.
        self.begin(DAY_MS + 1)
        self.request_with_received_points(nonce=bytes(8), giver="bo", taker="cy")
        ticket, stores = sorted(self.twin.rewards).index("mall/ticket"), paid_with.index("books/store")
        self.redeem_properly(picks=[(bytes(8), "bo", ticket, stores, False)])
        self.end()

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        reward=st.sampled_from(REWARDS),
        version=st.integers(0, 3),
        details=details,
        stock=st.sampled_from((0, 0, 1, 3, 10**9)),
        signer=st.sampled_from(STOCKERS),
    )
    def publish_any_reward(
        self, *, life: int, nonce: bytes, reward: str, version: int, details: RewardDetails, stock: int, signer: str
    ) -> None:
        """Publish a reward that may be wrong in any way."""
        known = self.twin.rewards.get(reward)
        number = version or (len(known.versions) if known else 0) + 1
        self.submit(PublishReward(self.time + life, nonce, reward, number, details, stock), key_of(signer))

    @precondition(lambda self: self.open)
    @rule(
        nonce=nonces,
        reward=st.sampled_from(("mall/mug", "mall/ticket", "mall/mug", "mall/ticket", "mall/cup")),
        points=st.integers(1, 20),
        limit=st.sampled_from((0, 0, 2)),
        minutes=st.sampled_from((0, 60, 60 * 24 * 3, 60 * 24 * 40)),
        stock=st.integers(0, 3),
        foreign=st.booleans(),
    )
    def publish_a_reward(
        self, *, nonce: bytes, reward: str, points: int, limit: int, minutes: int, stock: int, foreign: bool
    ) -> None:
        """Publish a reward as it should be, for points of all kinds."""
        codes = reward == "mall/ticket"
        known = self.twin.rewards.get(reward)
        if known and known.versions[0][0].has_codes != codes:
            return
        types = ["mall/consumer", "mall/guide", "mall/distributor"]
        if foreign:
            types += ["books/guide", "books/store"]
        details = RewardDetails(
            "Mug",
            tuple(RewardPrice(name, points, "", Rate(40, 1)) for name in types),
            0,
            0,
            limit,
            codes,
            minutes,
        )
        number = (len(known.versions) if known else 0) + 1
        body = PublishReward(self.time + DAY_MS, nonce, reward, number, details, 0 if codes else stock)
        self.submit(body, key_of("mall admin"))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        reward=st.sampled_from(("mall/ticket", *REWARDS)),
        numbers=st.lists(st.integers(0, 30), min_size=1, max_size=4),
        signer=st.sampled_from(("mall admin", "mall issuer", *STOCKERS)),
    )
    def add_any_codes(self, *, life: int, nonce: bytes, reward: str, numbers: list[int], signer: str) -> None:
        """Put codes in stock, which may be there."""
        commitments = tuple(map(commitment_of, numbers))
        self.submit(AddRewardCodes(self.time + life, nonce, reward, commitments), key_of(signer))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        reward=st.sampled_from(REWARDS),
        units=st.integers(1, 3) | st.just(10**9),
        signer=st.sampled_from(("mall admin", *STOCKERS)),
    )
    def restock_anything(self, *, life: int, nonce: bytes, reward: str, units: int, signer: str) -> None:
        """Put units in stock."""
        self.submit(RestockReward(self.time + life, nonce, reward, units), key_of(signer))

    @precondition(lambda self: self.open)
    @rule(life=lives, nonce=nonces, reward=st.sampled_from(REWARDS), signer=st.sampled_from(STOCKERS))
    def withdraw_any_reward(self, life: int, nonce: bytes, reward: str, signer: str) -> None:
        """Withdraw a reward."""
        self.submit(WithdrawReward(self.time + life, nonce, reward), key_of(signer))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        member=members,
        reward=st.sampled_from(REWARDS),
        version=st.integers(1, 3),
        point_type=st.sampled_from(POINT_TYPES),
        points=st.integers(1, 30),
        signer=members,
    )
    def redeem_anything(
        self,
        *,
        life: int,
        nonce: bytes,
        member: str,
        reward: str,
        version: int,
        point_type: str,
        points: int,
        signer: str,
    ) -> None:
        """Redeem what may not be there."""
        account = account_of(key_of(member))
        self.submit(RedeemReward(self.time + life, nonce, account, reward, version, point_type, points), key_of(signer))

    @precondition(lambda self: self.open and self.twin.rewards)
    @rule(
        picks=st.lists(
            st.tuples(nonces, st.sampled_from(MEMBERS[:3]), st.integers(0, 99), st.integers(0, 99), st.booleans()),
            min_size=1,
            max_size=5,
        )
    )
    def redeem_properly(self, picks: list[tuple[bytes, str, int, int, bool]]) -> None:
        """Redeem rewards at their price, with points that the member may have, or was just credited with."""
        for nonce, member, pick, place, buy in picks:
            account = account_of(key_of(member))
            name = sorted(self.twin.rewards)[pick % len(self.twin.rewards)]
            known = self.twin.rewards[name]
            listed = known.versions[-1][0].prices
            price = listed[place % len(listed)]
            if buy and price.point_type in ISSUED_TYPES:
                self.purchase(price.point_type, 300 + pick + place, member, price.points * 10, nonce)
            version = len(known.versions)
            body = RedeemReward(self.time + DAY_MS, nonce, account, name, version, price.point_type, price.points)
            self.submit(body, key_of(member))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        reward=st.sampled_from(REWARDS),
        number=st.integers(1, 5),
        done=st.booleans(),
        signer=st.sampled_from(("mall till", *TILLS)),
    )
    def end_anything(self, *, life: int, nonce: bytes, reward: str, number: int, done: bool, signer: str) -> None:
        """Fulfil or cancel what may not be there."""
        if done:
            self.submit(FulfilRedemption(self.time + life, nonce, reward, number), key_of(signer))
        else:
            self.submit(CancelRedemption(self.time + life, nonce, reward, number, "broken"), key_of(signer))

    @precondition(lambda self: self.open and self.twin.redemptions)
    @rule(nonce=nonces, pick=st.integers(0, 99), done=st.booleans())
    def end_a_redemption(self, nonce: bytes, pick: int, done: bool) -> None:
        """Fulfil or cancel a redemption, those first that are not over."""
        waiting = [name for name, made in self.twin.redemptions.items() if made.status == "HELD"]
        known = sorted(waiting or self.twin.redemptions)
        reward, number = known[pick % len(known)]
        self.end_anything(
            life=DAY_MS, nonce=nonce, reward=reward, number=number, done=done, signer=f"{reward.split('/')[0]} till"
        )

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        issuer=st.sampled_from(("mall", "mall", "books", "attic", "nobody")),
        point_type=st.sampled_from(("mall/distributor", *POINT_TYPES)),
        price=rates,
        minimum=st.sampled_from((0, 1, 5, 90)),
        day=st.sampled_from((0, 40, 60)),
        month=st.sampled_from((0, 40, 90)),
        days=st.sampled_from((1, 3, 366)),
        signer=st.sampled_from(TREASURERS),
    )
    def set_any_cashback_policy(
        self,
        *,
        life: int,
        nonce: bytes,
        issuer: str,
        point_type: str,
        price: Rate,
        minimum: int,
        day: int,
        month: int,
        days: int,
        signer: str,
    ) -> None:
        """Say what is paid, perhaps wrongly."""
        caps = (minimum, day, month)
        body = SetCashbackPolicy(self.time + life, nonce, issuer, point_type, price, *caps, days)
        self.submit(body, key_of(signer))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        member=members,
        point_type=st.sampled_from(POINT_TYPES),
        points=st.integers(1, 60),
        amount=st.integers(1, 6),
        signer=members,
    )
    def request_anything(
        self, *, life: int, nonce: bytes, member: str, point_type: str, points: int, amount: int, signer: str
    ) -> None:
        """Ask for money that may not be paid."""
        account = account_of(key_of(member))
        self.submit(RequestCashback(self.time + life, nonce, account, point_type, points, amount), key_of(signer))

    @precondition(lambda self: self.open and self.twin.cashback_policies)
    @rule(
        asked=st.lists(
            st.tuples(nonces, st.integers(0, 99), st.sampled_from(MEMBERS[:3]), st.integers(10, 60), st.booleans()),
            min_size=1,
            max_size=3,
        )
    )
    def request_properly(self, asked: list[tuple[bytes, int, str, int, bool]]) -> None:
        """Ask for what the policy pays, with points that the member may have, or was just credited with."""
        for nonce, pick, member, points, buy in asked:
            name = sorted(self.twin.cashback_policies)[pick % len(self.twin.cashback_policies)]
            price = self.twin.cashback_policies[name][-1].price
            if buy and name in ISSUED_TYPES:
                self.purchase(name, 400 + pick + points, member, points * 10, nonce)
            amount = max(1, points * price.fen // price.points)
            body = RequestCashback(self.time + DAY_MS, nonce, account_of(key_of(member)), name, points, amount)
            self.submit(body, key_of(member))

    @precondition(lambda self: self.open)
    @rule(nonce=nonces, giver=st.sampled_from(MEMBERS[:3]), taker=st.sampled_from(MEMBERS[:3]))
    def request_with_received_points(self, nonce: bytes, giver: str, taker: str) -> None:
        """Give points away that are older than those the taker earns now, and let him ask for money for his own."""
        source, target = account_of(key_of(giver)), account_of(key_of(taker))
        held = self.twin.balance(source, "mall/consumer")
        if held:
            body = TransferPoints(self.time + DAY_MS, nonce, source, target, "mall/consumer", held, b"")
            self.submit(body, key_of(giver))
        self.purchase("mall/consumer", 500 + nonce[-1], taker, 200, nonce)
        asked = RequestCashback(self.time + DAY_MS, nonce, target, "mall/consumer", 20, 2)
        self.submit(asked, key_of(taker))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        point_type=st.sampled_from(("mall/consumer", *POINT_TYPES)),
        number=st.integers(1, 3),
        paid=st.booleans(),
        signer=st.sampled_from(TREASURERS),
    )
    def answer_anything(
        self, *, life: int, nonce: bytes, point_type: str, number: int, paid: bool, signer: str
    ) -> None:
        """Confirm or reject what may not be there."""
        if paid:
            body = ConfirmCashback(self.time + life, nonce, point_type, number, commitment_of(number))
            self.submit(body, key_of(signer))
        else:
            self.submit(RejectCashback(self.time + life, nonce, point_type, number, "unknown"), key_of(signer))

    @precondition(lambda self: self.open and self.twin.cashbacks)
    @rule(nonce=nonces, pick=st.integers(0, 99), paid=st.booleans())
    def answer_a_request(self, nonce: bytes, pick: int, paid: bool) -> None:
        """Confirm or reject a request, those first that are not answered."""
        waiting = [name for name, asked in self.twin.cashbacks.items() if asked.status == "REQUESTED"]
        known = sorted(waiting or self.twin.cashbacks)
        name, number = known[pick % len(known)]
        signer = f"{name.split('/')[0]} admin"
        self.answer_anything(life=DAY_MS, nonce=nonce, point_type=name, number=number, paid=paid, signer=signer)


def real_lots(twin: NaiveLedger, key: bytes) -> tuple[Lot, ...]:
    """Return the lots that the record of a state key keeps, as the real ledger writes them."""
    return tuple(map(as_record, lots_kept(twin, key)))


def rewards(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of rewards, their versions and codes."""
    expected: dict[bytes, Record] = {}
    for name, known in twin.rewards.items():
        versions, codes, at = known.versions, known.codes, name.encode()
        redeemed = len([reward for reward, _ in twin.redemptions if reward == name])
        left = naive_rewards.left_of(twin, name)
        expected[b"W" + at] = Reward(name, len(versions), versions[-1][0], left, redeemed, len(codes), known.withdrawn)
        for number, (details, time, identity) in enumerate(versions, start=1):
            expected[b"Y" + at + b"\0" + number.to_bytes(4, "big")] = RewardVersion(details, time, identity)
        for number, commitment in enumerate(codes, start=1):
            expected[b"j" + at + b"\0" + number.to_bytes(8, "big")] = RewardCode(commitment)
            expected[b"J" + at + b"\0" + commitment] = RewardCodeNumber(number)
    return expected


def redemptions(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of redemptions, of accounts' lists of them and of members' standings."""
    expected: dict[bytes, Record] = {}
    for (name, number), made in twin.redemptions.items():
        key = naive_rewards.name_of(name, number)
        has_codes = twin.rewards[name].versions[0][0].has_codes
        expected[key] = Redemption(
            name,
            number,
            made.account,
            made.version,
            made.price,
            made.at,
            RedemptionStatus[made.status],
            made.due,
            real_lots(twin, key),
            twin.rewards[name].codes[number - 1] if has_codes else b"",
            made.ended_at,
        )
        expected[b"y" + made.account + made.at.to_bytes(8, "big") + key[1:]] = LISTED
        mine = [
            other for (reward, _), other in twin.redemptions.items() if (reward, other.account) == (name, made.account)
        ]
        live = len([other for other in mine if other.status != "CANCELLED"])
        if live:
            expected[b"z" + made.account + name.encode()] = RewardStanding(live)
    return expected


def cash_backs(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of cash-back policies and requests, their lists, and what counts against caps."""
    expected: dict[bytes, Record] = {}
    for name, versions in twin.cashback_policies.items():
        body = versions[-1]
        asked_for = len([other for other, _ in twin.cashbacks if other == name])
        caps = (body.minimum_points, body.day_points, body.month_points)
        policy = CashbackPolicy(len(versions), body.price, *caps, body.due_days, asked_for)
        expected[b"P" + name.encode()] = policy
    used: dict[bytes, int] = {}
    for (name, number), asked in twin.cashbacks.items():
        key, request = naive_cashbacks.name_of(name, number), asked.body
        days = (date(*asked.date) - date(1970, 1, 1)).days
        months = asked.date[0] * 12 + asked.date[1] - 1
        head = (name, number, request.account, request.points, request.amount_fen, asked.price, asked.policy_version)
        status = CashbackStatus[asked.status]
        tail = (asked.overdue, asked.ended_at, asked.reference_hash, asked.reason)
        expected[key] = Cashback(*head, asked.at, asked.due_at, days, months, status, real_lots(twin, key), *tail)
        expected[b"m" + request.account + asked.at.to_bytes(8, "big") + key[1:]] = LISTED
        if asked.status == "REQUESTED":
            due = asked.due_at.to_bytes(8, "big")
            expected[b"O" + name.encode() + b"\0" + due + number.to_bytes(8, "big")] = LISTED
        if asked.status != "REJECTED":
            start = b"K" + request.account + name.encode()
            for end in (b"\0d" + days.to_bytes(4, "big"), b"\0m" + months.to_bytes(4, "big")):
                used[start + end] = used.get(start + end, 0) + request.points
    return expected | {key: CashbackUse(points) for key, points in used.items()}


def opened(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return how much organizations, and members with them, have open."""
    draws = [name for (name, _), draw in twin.draws.items() if draw.status not in {"SETTLED", "REFUNDED"}]
    shown = [name.split("/")[0] for name, known in twin.rewards.items() if not known.withdrawn]
    expected: dict[bytes, Record] = {
        b"0" + name.encode(): OrganizationOpen(draws.count(name), shown.count(name)) for name in {*draws, *shown}
    }
    made = [b"1" + item.account + name.split("/")[0].encode() for (name, _), item in twin.redemptions.items()
            if item.status == "HELD"]  # fmt: skip
    asked = [b"1" + item.body.account + name.split("/")[0].encode() for (name, _), item in twin.cashbacks.items()
             if item.status == "REQUESTED"]  # fmt: skip
    return expected | {key: MemberOpen(made.count(key), asked.count(key)) for key in {*made, *asked}}


TwinMachine.tables += [rewards, redemptions, cash_backs, opened]
