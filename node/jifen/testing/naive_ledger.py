"""A deliberately naive second version of the ledger, to compare the real one with.

It keeps flat lists and plain dictionaries, merges nothing, remembers nothing it could count again, and decides a
transaction by collecting every reason that holds and giving the first in order of precedence. Slow and obvious is the
point: whoever doubts the real ledger reads this. Undoing blocks is done by keeping a whole copy per block.
"""

import copy
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from jifen.codec.transactions import encode_body, transaction_id
from jifen.ledger.genesis import Genesis, ValidatorAddress
from jifen.ledger.rejections import PRECEDENCE, Rejection
from jifen.ledger.transactions import Body, EarnPoints, RefundOrder, RegisterMember, Transaction, TransferPoints
from jifen.ledger.types import (
    Operator,
    Organization,
    OrganizationKind,
    OrganizationStatus,
    PointType,
    PublicKey,
    RoleClass,
    Scope,
)
from jifen.ledger.validators import Validator, ValidatorStatus

DAY_MS: Final = 86_400_000
"""One day, ms: the longest life of a transaction and the grain of a lot's age."""

LARGEST_QUANTITY: Final = 9_007_199_254_740_991
"""Most points there may be of one type: 2**53 - 1."""

CHAIN_ID: Final = sha256(b"a chain for tests").digest()
"""Chain of the scene."""

START: Final = 1_790_000_000_000
"""Time of the scene's block 0, ms; not the start of a day."""


def key_of(name: str) -> PublicKey:
    """Return the public key of somebody in the scene: nothing signs with it, the ledger only compares."""
    return PublicKey(sha256(f"key of {name}".encode()).digest())


def account_of(key: bytes, chain_id: bytes = CHAIN_ID) -> bytes:
    """Return the account id of a key: the first 20 bytes of a tagged hash of chain id and key."""
    tag = sha256(b"jifen/account/1").digest()
    return sha256(tag + tag + chain_id + key).digest()[:20]


def transaction(body: Body, *signers: bytes) -> Transaction:
    """Return a transaction as a gateway would hand it to the ledger, its signatures taken for checked."""
    identity = transaction_id(CHAIN_ID, signers, encode_body(body))
    return Transaction(identity, body, tuple(PublicKey(key) for key in signers), bytes(32), b"")


def scene() -> Genesis:
    """Return a small alliance with something of everything.

    `mall` has a till, an issuer's key and an administrator who may credit nobody; `books` issues points at so high a
    rate that a few orders exhaust the largest supply; `attic` is suspended. `mall/guide` is not transferable.
    """
    operators = {
        "mall": {"mall till": Scope.CASHIER, "mall issuer": Scope.ISSUER, "mall admin": Scope.ADMIN | Scope.TREASURER},
        "books": {"books till": Scope.CASHIER | Scope.LOCK_OFFICER},
        "attic": {"attic till": Scope.CASHIER},
    }
    organizations = tuple(
        Organization(
            name,
            name.title(),
            OrganizationKind.MALL if name == "mall" else OrganizationKind.MERCHANT,
            OrganizationStatus.SUSPENDED if name == "attic" else OrganizationStatus.ACTIVE,
            tuple(Operator(key_of(operator), int(scopes)) for operator, scopes in keys.items()),
            key_of(f"{name} validator"),
        )
        for name, keys in operators.items()
    )
    point_types = (
        PointType("mall/consumer", "mall", RoleClass.CONSUMER, 1, 1, 10, True),
        PointType("mall/guide", "mall", RoleClass.GUIDE, 4, 3, 7, False),
        PointType("books/consumer", "books", RoleClass.CONSUMER, 2, 10**9, 1, True),
        PointType("attic/consumer", "attic", RoleClass.CONSUMER, 1, 1, 1, True),
    )
    addresses = tuple(ValidatorAddress(name, "127.0.0.1", 1, "http://127.0.0.1:1", "none") for name in operators)
    return Genesis(1, "Scene", START, organizations, point_types, addresses)


class NaiveLot(NamedTuple):
    """Points that came in at once."""

    owner: bytes
    point_type: str
    points: int
    origin: str
    available_from: int
    expires_at: int


class NaiveReceipt(NamedTuple):
    """Outcome of a transaction: a reason, or what its effect's fields should be, in their order."""

    rejection: Rejection | None
    effect: tuple[object, ...]


class NaiveLedger:
    """The ledger after some block."""

    def __init__(self, genesis: Genesis) -> None:
        self.organizations = {item.id: item for item in genesis.organizations}
        self.point_types = {item.id: item for item in genesis.point_types}
        self.validators = [
            Validator(
                item.organization,
                item.organization,
                self.organizations[item.organization].validator_key,
                item.certificate_pem,
                item.peer_host,
                item.peer_port,
                item.public_url,
                ValidatorStatus.VOTER,
                0,
            )
            for item in genesis.validators
        ]
        """Every validator there ever was."""
        self.voters = [item.id for item in self.validators]
        self.accounts: dict[bytes, tuple[bytes, int]] = {}
        """Key and time of registration of every account."""
        self.lots: list[NaiveLot] = []
        """Every lot there is, in the order they came; the same account may have many that look alike."""
        self.issued = dict.fromkeys(self.point_types, 0)
        self.orders: dict[tuple[str, str], tuple[bytes, EarnPoints]] = {}
        """What credited an order, and under which id, by merchant and order id."""
        self.refunds: dict[tuple[str, str], tuple[bytes, RefundOrder]] = {}
        """Every refund, and its transaction's id, by merchant and refund id."""
        self.debts: dict[tuple[bytes, str], int] = {}
        """What an account owes of a type."""
        self.burned = dict.fromkeys(self.point_types, 0)
        self.receipts: dict[bytes, NaiveReceipt] = {}
        """Receipt of every transaction ever taken, rejected ones too."""

    def copy(self) -> "NaiveLedger":
        """Return a ledger of its own that may go another way."""
        return copy.deepcopy(self)

    def balance(self, account: bytes, point_type: str) -> int:
        """Return how many points of a type the account has."""
        return sum(lot.points for lot in self.lots if (lot.owner, lot.point_type) == (account, point_type))

    def lots_of(self, account: bytes, point_type: str) -> list[NaiveLot]:
        """Return the account's lots of one type in spending order, those that look alike put together."""
        alike: dict[tuple[int, int, str], int] = {}
        for lot in self.lots:
            if (lot.owner, lot.point_type) == (account, point_type):
                kind = (lot.expires_at, lot.available_from, lot.origin)
                alike[kind] = alike.get(kind, 0) + lot.points
        lots = [NaiveLot(account, point_type, alike[kind], kind[2], kind[1], kind[0]) for kind in alike]
        return sorted(lots, key=_spending_order)

    def is_taken(self, item: Transaction) -> bool:
        """Tell whether a block holds the transaction."""
        return item.id in self.receipts

    def reasons(self, item: Transaction, time: int) -> set[Rejection]:
        """Return every reason that holds against the transaction at a block time, ms."""
        body, found = item.body, set()
        if body.expires_at < time:
            found.add(Rejection.EXPIRED)
        if body.expires_at > time + DAY_MS:
            found.add(Rejection.EXPIRY_TOO_FAR)
        if self.is_taken(item):
            found.add(Rejection.ALREADY_APPLIED)
        if isinstance(body, EarnPoints):
            found |= self._against_earning(body, item.signers)
        elif isinstance(body, RefundOrder):
            found |= self._against_refund(body, item.signers)
        elif isinstance(body, TransferPoints):
            found |= self._against_transfer(body, item.signers)
        else:
            if body.key not in item.signers:
                found.add(Rejection.NOT_AUTHORIZED)
            if account_of(body.key) in self.accounts:
                found.add(Rejection.ACCOUNT_EXISTS)
        return found

    def apply(self, item: Transaction, time: int) -> NaiveReceipt:
        """Take the transaction into a block of this time and return its receipt."""
        body, found = item.body, self.reasons(item, time)
        if found:
            receipt = NaiveReceipt(min(found, key=PRECEDENCE.__getitem__), ())
        elif isinstance(body, EarnPoints):
            receipt = NaiveReceipt(None, self._earn(body, item.id, time))
        elif isinstance(body, RefundOrder):
            receipt = NaiveReceipt(None, self._refund(body, item.id))
        elif isinstance(body, TransferPoints):
            receipt = NaiveReceipt(None, self._transfer(body))
        else:
            receipt = NaiveReceipt(None, self._register(body, time))
        self.receipts[item.id] = receipt
        return receipt

    def refunded_of(self, merchant: str, order: str) -> int:
        """Return how many fen of an order were refunded."""
        return sum(
            refund.amount_fen
            for _, refund in self.refunds.values()
            if (refund.merchant, refund.order_id) == (merchant, order)
        )

    def _against_till(self, body: EarnPoints | RefundOrder, signers: tuple[PublicKey, ...]) -> set[Rejection]:
        found = set()
        if body.merchant not in self.organizations:
            found.add(Rejection.ORGANIZATION_UNKNOWN)
        else:
            organization = self.organizations[body.merchant]
            if organization.status == OrganizationStatus.SUSPENDED:
                found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
            may = [o.key for o in organization.operators if Scope.CASHIER in Scope(o.scopes)]
            may += [o.key for o in organization.operators if Scope.ISSUER in Scope(o.scopes)]
            if not set(may) & set(signers):
                found.add(Rejection.NOT_AUTHORIZED)
        return found

    def _against_refund(self, body: RefundOrder, signers: tuple[PublicKey, ...]) -> set[Rejection]:
        found = self._against_till(body, signers)
        if (body.merchant, body.refund_id) in self.refunds:
            found.add(Rejection.REFUND_ALREADY_TAKEN)
        if (body.merchant, body.order_id) not in self.orders:
            found.add(Rejection.ORDER_UNKNOWN)
        else:
            amount = self.orders[body.merchant, body.order_id][1].amount_fen
            if self.refunded_of(body.merchant, body.order_id) + body.amount_fen > amount:
                found.add(Rejection.REFUND_EXCEEDS_ORDER)
        return found

    def _against_earning(self, body: EarnPoints, signers: tuple[PublicKey, ...]) -> set[Rejection]:
        found = self._against_till(body, signers)
        if body.account not in self.accounts:
            found.add(Rejection.ACCOUNT_UNKNOWN)
        if (body.merchant, body.order_id) in self.orders:
            found.add(Rejection.ORDER_ALREADY_CREDITED)
        if body.point_type not in self.point_types:
            found.add(Rejection.POINT_TYPE_UNKNOWN)
        else:
            if not body.point_type.startswith(f"{body.merchant}/"):
                found.add(Rejection.NOT_THE_ISSUER)
            if self.issued[body.point_type] + self._points_of(body) > LARGEST_QUANTITY:
                found.add(Rejection.SUPPLY_EXHAUSTED)
        return found

    def _against_transfer(self, body: TransferPoints, signers: tuple[PublicKey, ...]) -> set[Rejection]:
        found = set()
        if body.sender not in self.accounts:
            found.add(Rejection.ACCOUNT_UNKNOWN)
        elif self.accounts[body.sender][0] not in signers:
            found.add(Rejection.NOT_AUTHORIZED)
        if body.recipient not in self.accounts:
            found.add(Rejection.RECIPIENT_UNKNOWN)
        if body.point_type not in self.point_types:
            found.add(Rejection.POINT_TYPE_UNKNOWN)
        elif not self.point_types[body.point_type].transferable:
            found.add(Rejection.NOT_TRANSFERABLE)
        if body.sender == body.recipient:
            found.add(Rejection.SENDER_IS_RECIPIENT)
        if self.balance(body.sender, body.point_type) < body.points:
            found.add(Rejection.INSUFFICIENT_POINTS)
        return found

    def _points_of(self, body: EarnPoints) -> int:
        rule = self.point_types[body.point_type]
        exact = divmod(body.amount_fen * rule.earn_points, rule.earn_fen)
        return exact[0]

    def _register(self, body: RegisterMember, time: int) -> tuple[object, ...]:
        account = account_of(body.key)
        self.accounts[account] = (body.key, time)
        return (account, body.key)

    def _earn(self, body: EarnPoints, identity: bytes, time: int) -> tuple[object, ...]:
        points, rule = self._points_of(body), self.point_types[body.point_type]
        self.orders[body.merchant, body.order_id] = (identity, body)
        self.issued[body.point_type] += points
        whose = (body.account, body.point_type)
        owed = self.debts.get(whose, 0)
        repaid = points if points <= owed else owed
        self.debts[whose] = owed - repaid
        self.burned[body.point_type] += repaid
        if points - repaid > 0:
            day = time // DAY_MS * DAY_MS
            self.lots.append(NaiveLot(body.account, body.point_type, points - repaid, "earned", day, 0))
        after = self.balance(body.account, body.point_type)
        head = (body.merchant, body.account, body.point_type, rule.rule_version, body.amount_fen)
        return (*head, rule.earn_points, rule.earn_fen, points, after, repaid)

    def _refund(self, body: RefundOrder, identity: bytes) -> tuple[object, ...]:
        _, order = self.orders[body.merchant, body.order_id]
        rule, whose = self.point_types[order.point_type], (order.account, order.point_type)
        before = self.refunded_of(body.merchant, body.order_id)
        self.refunds[body.merchant, body.refund_id] = (identity, body)
        after = self.refunded_of(body.merchant, body.order_id)
        had, keeps = (
            self._points_of(msgspec.structs.replace(order, amount_fen=order.amount_fen - gone))
            for gone in (before, after)
        )
        missing = had - keeps
        while missing > 0 and self.balance(*whose) > 0:
            lot = min((lot for lot in self.lots if (lot.owner, lot.point_type) == whose), key=_spending_order)
            part = min(missing, lot.points)
            missing -= part
            self.burned[order.point_type] += part
            self.lots.remove(lot)
            if lot.points > part:
                self.lots.append(lot._replace(points=lot.points - part))
        self.debts[whose] = self.debts.get(whose, 0) + missing
        head = (body.merchant, order.account, order.point_type, rule.rule_version, body.amount_fen, order.amount_fen)
        tail = (rule.earn_points, rule.earn_fen, had - keeps, self.balance(*whose), self.debts[whose])
        return (*head, after, *tail)

    def _transfer(self, body: TransferPoints) -> tuple[object, ...]:
        missing = body.points
        while missing > 0:
            lot = min(
                (lot for lot in self.lots if (lot.owner, lot.point_type) == (body.sender, body.point_type)),
                key=_spending_order,
            )
            part = min(missing, lot.points)
            missing -= part
            self.lots.remove(lot)
            if lot.points > part:
                self.lots.append(lot._replace(points=lot.points - part))
            self.lots.append(lot._replace(owner=body.recipient, points=part, origin="transferred"))
        left, got = (self.balance(account, body.point_type) for account in (body.sender, body.recipient))
        return (body.sender, body.recipient, body.point_type, body.points, left, got)


def _spending_order(lot: NaiveLot) -> tuple[bool, int, int, str]:
    """Earliest expiry first, those that never expire last; then oldest; then earned before transferred."""
    return (lot.expires_at == 0, lot.expires_at, lot.available_from, lot.origin)
