"""Who does what in an import: purchases dealt out to merchants, customers to accounts. Pure."""

from collections.abc import Sequence

import msgspec

from jifen.demo.purchases import Purchase
from jifen.keys.signing import KeyPair
from jifen.ledger.genesis import Genesis
from jifen.ledger.types import OrganizationKind, RoleClass


class Merchant(msgspec.Struct, frozen=True):
    """A merchant that credits purchases."""

    id: str
    point_type: str
    """The consumer points that it issues."""


class Share(msgspec.Struct, frozen=True):
    """What one merchant has to send."""

    merchant: Merchant
    members: tuple[str, ...]
    """Customers whose first purchase of the file is at this merchant: it sends their registration."""
    purchases: tuple[Purchase, ...]


def merchants_of(genesis: Genesis) -> list[Merchant]:
    """Return the merchants that issue consumer points, in the order of genesis."""
    types = {kind.issuer: kind.id for kind in genesis.point_types if kind.role is RoleClass.CONSUMER}
    return [
        Merchant(organization.id, types[organization.id])
        for organization in genesis.organizations
        if organization.kind is OrganizationKind.MERCHANT and organization.id in types
    ]


def deal_out(purchases: Sequence[Purchase], merchants: Sequence[Merchant]) -> list[Share]:
    """Return every merchant's share. The rule: purchase n is made at merchant n modulo their number, in genesis order.

    The rule depends on nothing but the row, so that another run, with more rows or fewer, credits every purchase at the
    same merchant, where its order id is found if it was credited before.
    """
    assert merchants, "an import needs a merchant"
    members: list[list[str]] = [[] for _ in merchants]
    dealt: list[list[Purchase]] = [[] for _ in merchants]
    known: set[str] = set()
    for purchase in purchases:
        index = purchase.number % len(merchants)
        dealt[index].append(purchase)
        if purchase.customer not in known:
            known.add(purchase.customer)
            members[index].append(purchase.customer)
    return [Share(merchant, tuple(members[index]), tuple(dealt[index])) for index, merchant in enumerate(merchants)]


def order_id(purchase: Purchase) -> str:
    """Return the merchant's order id of a purchase: the business key that lets it be credited once."""
    return f"cdnow-{purchase.number}"


def member_key(master: bytes, customer: str) -> KeyPair:
    """Return a customer's key pair: the same for every run under one master secret."""
    return KeyPair.derive(master, customer)
