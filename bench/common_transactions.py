"""The transactions that people make all day, as a block of each kind."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from bench.full_ledger import BLOCK, COUNTED, DRAW, FLAT, LIMIT, NOW, POINT_TYPE, REWARD, RULED, account, single
from jifen.chain.gateway import open_transaction
from jifen.chain.sealing import seal
from jifen.keys.signing import KeyPair
from jifen.ledger.dates import DAY_MS
from jifen.ledger.draws.bodies import EnterDraw
from jifen.ledger.payments.bodies import CaptureHold, HoldPoints, PaymentPart, PayOrder
from jifen.ledger.rewards.bodies import RedeemReward
from jifen.ledger.rules.records import OrderLine
from jifen.ledger.swaps.bodies import AcceptSwapOffer, CreateSwapOffer
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, Transaction, TransferPoints
from jifen.testing.small_alliance import keys_of

LINES: Final = (OrderLine("tea", "", 100),)
MANY_LINES: Final = tuple(OrderLine("tea", f"tea {place}", 10) for place in range(16))
UNTIL: Final = NOW + 1000


class Case(NamedTuple):
    """What is measured."""

    before: list[Transaction]
    """Applied first in the same block, and not measured."""
    measured: list[Transaction]


class People(NamedTuple):
    """Who makes transactions."""

    chain: bytes
    member: KeyPair
    """The key of all accounts."""
    names: Sequence[bytes]
    others: Sequence[bytes]
    """As many accounts, with which they have to do."""

    def signed(self, bodies: list[Body], *signers: KeyPair) -> list[Transaction]:
        """Return bodies as checked transactions."""
        return [open_transaction(self.chain, seal(self.chain, body, *signers).signed)[0] for body in bodies]

    def alike(self, names: Sequence[bytes]) -> "People":
        """Return others in their place."""
        return People(self.chain, self.member, names, self.others)


def nonce(word: str) -> bytes:
    """Return what tells transactions apart that are alike otherwise."""
    return word.encode().ljust(8)[:8]


def earned(people: People, merchant: str, word: str = "earn", lines: tuple[OrderLine, ...] = ()) -> list[Transaction]:
    """Return a purchase of each account's."""
    kind = f"{merchant}/consumer"
    bodies: list[Body] = [
        EarnPoints(UNTIL, nonce(word), merchant, f"{word}-{place}", name, kind, 1000 + place, NOW, lines)
        for place, name in enumerate(people.names)
    ]
    return people.signed(bodies, keys_of(merchant).operator)


def transferred(people: People) -> list[Transaction]:
    """Return what each account passes on to another."""
    bodies: list[Body] = [
        TransferPoints(UNTIL, nonce("give"), name, other, POINT_TYPE, 1 + place % 3, b"")
        for place, (name, other) in enumerate(zip(people.names, people.others, strict=True))
    ]
    return people.signed(bodies, people.member)


def paid(people: People, merchant: str) -> list[Transaction]:
    """Return a payment of each account's with points of one type, out of one lot."""
    parts = (PaymentPart(POINT_TYPE, 1),)
    bodies: list[Body] = [
        PayOrder(UNTIL, nonce("pay"), merchant, f"p-{place}", bytes(32), name, 1000, parts)
        for place, name in enumerate(people.names)
    ]
    return people.signed(bodies, people.member, keys_of(merchant).operator)


def held(people: People) -> list[Transaction]:
    """Return what each account sets aside for an order."""
    parts = (PaymentPart(POINT_TYPE, 1),)
    bodies: list[Body] = [
        HoldPoints(UNTIL, nonce("hold"), LIMIT, f"h-{place}", bytes(32), name, 1000, parts, NOW + DAY_MS)
        for place, name in enumerate(people.names)
    ]
    return people.signed(bodies, people.member)


def captured(people: People) -> Case:
    """Return how the orders are paid."""
    holds = held(people)
    bodies: list[Body] = [
        CaptureHold(UNTIL, nonce("take"), LIMIT, name, hold.id, 1000)
        for name, hold in zip(people.names, holds, strict=True)
    ]
    return Case(holds, people.signed(bodies, keys_of(LIMIT).operator))


def refunded(people: People, merchant: str, lines: tuple[OrderLine, ...] = ()) -> Case:
    """Return how half of a purchase of each account's is refunded."""
    bodies: list[Body] = [
        RefundOrder(UNTIL, nonce("back"), merchant, f"earn-{place}", f"r-{place}", 500)
        for place in range(len(people.names))
    ]
    return Case(earned(people, merchant, "earn", lines), people.signed(bodies, keys_of(merchant).operator))


def redeemed(people: People) -> list[Transaction]:
    """Return how each account takes a reward."""
    bodies: list[Body] = [RedeemReward(UNTIL, nonce("redeem"), name, REWARD, 1, POINT_TYPE, 5) for name in people.names]
    return people.signed(bodies, people.member)


def entered(people: People) -> list[Transaction]:
    """Return how each account enters a draw."""
    bodies: list[Body] = [EnterDraw(UNTIL, nonce("enter"), FLAT, DRAW, name, POINT_TYPE, 1) for name in people.names]
    return people.signed(bodies, people.member)


def swapped(people: People) -> Case:
    """Return how each account's offer is taken by another."""
    offers: list[Body] = [
        CreateSwapOffer(
            UNTIL, nonce("offer"), name, POINT_TYPE, 10, f"{RULED}/consumer", 10, 10, NOW + DAY_MS, minimum=10
        )
        for name in people.names
    ]
    made = people.signed(offers, people.member)
    takes: list[Body] = [
        AcceptSwapOffer(UNTIL, nonce("take"), other, offer.id, 10, 10)
        for other, offer in zip(people.others, made, strict=True)
    ]
    return Case(made, people.signed(takes, people.member))


def cases(people: People) -> dict[str, Callable[[], Case]]:
    """Return what is measured on every ledger; what has many lots or rules stands after what it is compared with."""
    full, lean = (
        people.alike([name(number) for number in numbers])
        for name, numbers in (
            (account, range(-BLOCK, 0)),
            (single, range(BLOCK)),
        )
    )
    return {
        "earn, flat rate": lambda: Case([], earned(people, FLAT)),
        "earn, brackets, tier, campaign": lambda: Case([], earned(people, RULED, lines=LINES)),
        "earn, everything counted": lambda: Case([], earned(people, COUNTED, lines=LINES)),
        "earn, counted, again in the month": lambda: Case(
            earned(people, COUNTED, "first", LINES), earned(people, COUNTED, lines=LINES)
        ),
        "transfer": lambda: Case([], transferred(people)),
        "pay at the issuer": lambda: Case([], paid(people, FLAT)),
        "pay elsewhere": lambda: Case([], paid(people, LIMIT)),
        "hold": lambda: Case([], held(people)),
        "capture": lambda: captured(people),
        "redeem": lambda: Case([], redeemed(people)),
        "enter a draw": lambda: Case([], entered(people)),
        "take a swap offer": lambda: swapped(people),
        "refund, flat rate": lambda: refunded(people, FLAT),
        "refund, everything counted": lambda: refunded(people, COUNTED, LINES),
        "earn, flat rate, 1 lot": lambda: Case([], earned(lean, FLAT)),
        "earn, flat rate, 366 lots": lambda: Case([], earned(full, FLAT)),
        "transfer, 1 lot": lambda: Case([], transferred(lean)),
        "transfer, 366 lots": lambda: Case([], transferred(full)),
        "pay elsewhere, 1 lot": lambda: Case([], paid(lean, LIMIT)),
        "pay elsewhere, 366 lots": lambda: Case([], paid(full, LIMIT)),
        "earn, largest rule of 256, 4 campaigns": lambda: Case([], earned(people, LIMIT, lines=MANY_LINES[:1])),
        "earn, the same, 16 lines": lambda: Case([], earned(people, LIMIT, lines=MANY_LINES)),
    }
