"""Transactions about tiers."""

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.tiers.records import Recognition, TierProgramme
from jifen.ledger.types import Slug


class PublishTiers(TransactionBody, frozen=True, tag=75):
    """Publish the next version of an organization's tiers; signed by one of its operators with scope ADMIN.

    It holds from its block on. Nobody falls by it: who has a tier keeps it until it is judged.
    """

    organization: Slug
    programme: TierProgramme
    """`version` is 1 at first, then the one before and 1."""


class PublishRecognition(TransactionBody, frozen=True, tag=76):
    """Publish the map by which an organization recognises the tiers of others; signed as PublishTiers is.

    It binds nobody but who publishes it, so the others need not agree.
    """

    organization: Slug
    recognition: Recognition
    """`version` is 1 at first, then the one before and 1. No entries: it recognises nobody any more."""
