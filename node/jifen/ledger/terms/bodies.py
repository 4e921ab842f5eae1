"""Transactions about point types and their terms, and the confirmation of an order."""

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.terms.records import Terms
from jifen.ledger.types import OrderId, PointTypeName, RateTerm, RoleClass, Slug


class PublishTerms(TransactionBody, frozen=True, tag=30):
    """Publish the next version of a point type's terms; signed by an operator of the issuer with scope ADMIN.

    ADMIN and not ISSUER: an issuer's key credits purchases all day, and what it may do at worst is bounded by the cap
    that the terms set. Whoever stole it must not be able to lift that cap. Where the backing changes, an operator of
    the guarantor with scope TREASURER signs too.
    """

    issuer: Slug
    point_type: PointTypeName
    terms: Terms
    """`version` is the newest one's and 1; `effective_from` 0 means: from this block on."""


class CreatePointType(TransactionBody, frozen=True, tag=31):
    """Let an organization issue points for another role class; signed as PublishTerms is."""

    issuer: Slug
    role: RoleClass
    earn_points: RateTerm
    """Points earned for every `earn_fen` fen spent ..."""
    earn_fen: RateTerm
    """... rounded down once per order."""
    terms: Terms
    """Version 1, which holds from this block on: `effective_from` is 0."""


class ConfirmOrder(TransactionBody, frozen=True, tag=32):
    """Make the points of an order available that waited for this; signed like the order."""

    merchant: Slug
    order_id: OrderId
