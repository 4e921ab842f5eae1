"""The scene that the ledger's tests play in, and who is in it."""

from base64 import b64encode
from hashlib import sha256
from typing import Final

from jifen.codec.transactions import encode_body, transaction_id
from jifen.ledger.genesis import Genesis, Threshold, ValidatorAddress
from jifen.ledger.terms.records import (
    AvailableAfterDays,
    AvailableOnConfirmation,
    CalendarExpiry,
    CreditLine,
    PointType,
    RollingExpiry,
    SlidingExpiry,
    Terms,
)
from jifen.ledger.transactions import Body, Transaction
from jifen.ledger.types import (
    Operator,
    Organization,
    OrganizationKind,
    OrganizationStatus,
    PublicKey,
    RoleClass,
    Scope,
)

DAY_MS: Final = 86_400_000
"""One day, ms: the longest life of a transaction and the grain of a lot's age."""

CHAIN_ID: Final = sha256(b"a chain for tests").digest()
"""Chain of the scene."""

START: Final = 1_790_000_000_000
"""Time of the scene's block 0, ms; not the start of a day."""


WEEK: Final = AvailableAfterDays(7)


def key_of(name: str) -> PublicKey:
    """Return the public key of somebody in the scene: nothing signs with it, the ledger only compares."""
    return PublicKey(sha256(f"key of {name}".encode()).digest())


def certificate_of(name: str) -> str:
    """Return what looks like the certificate of a validator in the scene: the ledger only compares."""
    middle = b64encode(sha256(f"certificate of {name}".encode()).digest()).decode()
    return f"-----BEGIN CERTIFICATE-----\n{middle}\n-----END CERTIFICATE-----\n"


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
    rate that a few orders exhaust the largest supply; `attic` is suspended; `cafe` issues nothing. `mall/guide` is not
    transferable, `books/guide` waits a week and lives for forty days, `books/store` slides, `mall/distributor` waits
    for confirmations, is capped, backed by `books`, and expires with the month after next. Two thirds of the
    organizations decide.
    """
    operators = {
        "mall": {
            "mall till": Scope.CASHIER,
            "mall issuer": Scope.ISSUER,
            "mall admin": Scope.ADMIN | Scope.TREASURER,
            "mall guard": Scope.LOCK_OFFICER,
        },
        "books": {"books till": Scope.CASHIER | Scope.LOCK_OFFICER, "books admin": Scope.ADMIN | Scope.TREASURER},
        "attic": {"attic till": Scope.CASHIER, "attic admin": Scope.ADMIN | Scope.TREASURER},
        "cafe": {"cafe admin": Scope.ADMIN, "cafe guard": Scope.LOCK_OFFICER, "cafe till": Scope.CASHIER},
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
        PointType("mall/consumer", "mall", RoleClass.CONSUMER, 1, 1, 10),
        PointType("mall/guide", "mall", RoleClass.GUIDE, 4, 3, 7, Terms(transferable=False)),
        PointType("books/consumer", "books", RoleClass.CONSUMER, 2, 10**9, 1),
        PointType("attic/consumer", "attic", RoleClass.CONSUMER, 1, 1, 1),
        PointType("books/guide", "books", RoleClass.GUIDE, 1, 1, 5, Terms(expiry=RollingExpiry(40), pending=WEEK)),
        PointType("books/store", "books", RoleClass.STORE, 1, 1, 5, Terms(expiry=SlidingExpiry(20))),
        PointType(
            "mall/distributor",
            "mall",
            RoleClass.DISTRIBUTOR,
            1,
            1,
            5,
            Terms(
                expiry=CalendarExpiry(0, 31, 2),
                pending=AvailableOnConfirmation(),
                utc_offset_minutes=480,
                issue_cap=2000,
                settlement_fen=1,
                backing=CreditLine("books", 5000),
            ),
        ),
    )
    addresses = tuple(
        ValidatorAddress(name, "127.0.0.1", port, f"http://127.0.0.1:{port}", certificate_of(name))
        for port, name in enumerate(operators, start=1)
    )
    return Genesis(1, "Scene", START, organizations, point_types, addresses, Threshold(2, 3), checkpoint_blocks=2)
