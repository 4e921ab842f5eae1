"""Receipts: what a transaction did, with its arithmetic, or why it did nothing."""

from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.ledger.bonuses.effects import BonusGranted, BonusPolicySet, PointsAdjusted
from jifen.ledger.cashback.effects import (
    CashbackConfirmed,
    CashbackOverdue,
    CashbackPolicySet,
    CashbackRejected,
    CashbackRequested,
)
from jifen.ledger.checkpoints.records import CheckpointAttested
from jifen.ledger.draws.effects import (
    DrawCancelled,
    DrawCreated,
    DrawEnded,
    DrawEntered,
    EntriesSettled,
    PrizeFulfilled,
    SecretCommitted,
    SecretRevealed,
    SecretsKept,
    WinnersDrawn,
)
from jifen.ledger.effects import Effect
from jifen.ledger.evidence.records import EvidenceRecorded
from jifen.ledger.governance.bodies import (
    ChangeProposed,
    ProposalWithdrawn,
    ValidatorActivated,
    ValidatorAdmitted,
    ValidatorRemoved,
    VoteCounted,
)
from jifen.ledger.locks.bodies import AccountLocked, AccountUnlocked
from jifen.ledger.payments.effects import (
    AcceptancePublished,
    OrderPaid,
    PaymentPolicySet,
    PointsGivenBack,
    PointsHeld,
    PointsReleased,
)
from jifen.ledger.rewards.effects import (
    RedemptionCancelled,
    RedemptionFulfilled,
    RewardCodesAdded,
    RewardPublished,
    RewardRedeemed,
    RewardRestocked,
    RewardWithdrawn,
)
from jifen.ledger.rewards.standing_orders import AutoRedeemed, AutoRedemptionEnded, AutoRedemptionSet
from jifen.ledger.rules.effects import (
    Arithmetic,
    CampaignEnded,
    CampaignPublished,
    EarningPolicySet,
    EarningRuleInForce,
    EarningRulePublished,
    OrganizationTagged,
)
from jifen.ledger.swaps.bodies import PointsSwapped, SwapOfferClosed, SwapOffered
from jifen.ledger.terms.effects import ExpiryAnnounced, PointsActivated, PointsExpired, TermsInForce, TermsPublished
from jifen.ledger.terms.records import TermsVersionNumber
from jifen.ledger.tiers.effects import (
    PointsQualified,
    RecognitionPublished,
    TierAtRisk,
    TierChanged,
    TiersPublished,
)
from jifen.ledger.types import (
    AccountBytes,
    AmountFen,
    HashBytes,
    KeyBytes,
    PointTypeName,
    PositiveQuantity,
    Quantity,
    RateOrNone,
    RuleVersion,
    Slug,
    TimeMs,
)


class MemberRegistered(Effect, frozen=True, tag=1):
    """An account was opened."""

    account: AccountBytes
    key: KeyBytes


class PointsEarned(Effect, frozen=True, tag=2):
    """Points were issued: `points = amount_fen * earn_points // earn_fen` under `rule_version` of the point type.

    Where a rule beyond the flat rate or a campaign held, both rates are 0 and `arithmetic` says how; what is granted is
    less than its `computed` where a budget or the account's cap was used up.
    """

    merchant: Slug
    account: AccountBytes
    point_type: PointTypeName
    rule_version: RuleVersion
    amount_fen: AmountFen
    earn_points: RateOrNone
    earn_fen: RateOrNone
    points: Quantity
    available_after: Quantity
    """The account's available points of the type after this transaction."""
    debt_repaid: Quantity = 0
    """Part of `points` that went to repay what earlier refunds had left owing."""
    terms_version: TermsVersionNumber = 1
    """Version of the point type's terms that gave the points their dates."""
    available_from: TimeMs = 0
    """Block time from which they can be spent, ms; 0 when they wait for the confirmation of their order."""
    expires_at: TimeMs = 0
    """Block time at which they expire unless they slide, ms; 0: never."""
    pending_after: Quantity = 0
    """The account's pending points of the type after this transaction."""
    arithmetic: Arithmetic | None = None
    """None: the flat rate."""


class PointsTransferred(Effect, frozen=True, tag=3):
    """Points changed hands."""

    sender: AccountBytes
    recipient: AccountBytes
    point_type: PointTypeName
    points: PositiveQuantity
    sender_available_after: Quantity
    recipient_available_after: Quantity


class PointsRevoked(Effect, frozen=True, tag=4):
    """A refund took points back: those that the order's amount less earlier refunds earns, less those that what is left
    now earns, both rounded down at the order's own rate. Hence parts take exactly what the whole would take."""

    merchant: Slug
    account: AccountBytes
    point_type: PointTypeName
    rule_version: RuleVersion
    amount_fen: AmountFen
    """Refunded by this transaction."""
    order_amount_fen: AmountFen
    order_refunded_fen: AmountFen
    """Refunded of the order in all, this transaction included."""
    earn_points: RateOrNone
    earn_fen: RateOrNone
    points: Quantity
    """Taken back: burned now, or owing."""
    available_after: Quantity
    debt_after: Quantity
    """What the account owes of the type after this transaction."""
    lapsed: Quantity = 0
    """Part of `points` that had expired unspent: gone already, neither burned nor owed."""
    pending_after: Quantity = 0
    kept: Quantity = 0
    """What the part of the order that is left earns by its rule, tier and campaigns, as they were."""
    returned: tuple[AmountFen, ...] = ()
    """What of the order refunds have named in all, fen: of what brackets take, then of each item rule's part. Empty:
    nothing."""


AnyEffect = (
    MemberRegistered
    | PointsEarned
    | PointsTransferred
    | PointsRevoked
    | ChangeProposed
    | VoteCounted
    | ProposalWithdrawn
    | ValidatorAdmitted
    | ValidatorRemoved
    | ValidatorActivated
    | CheckpointAttested
    | PointsExpired
    | PointsActivated
    | ExpiryAnnounced
    | TermsPublished
    | TermsInForce
    | EvidenceRecorded
    | PointsQualified
    | TierChanged
    | TierAtRisk
    | TiersPublished
    | RecognitionPublished
    | AccountLocked
    | AccountUnlocked
    | BonusPolicySet
    | BonusGranted
    | PointsAdjusted
    | AutoRedemptionSet
    | AutoRedemptionEnded
    | AutoRedeemed
    | RewardPublished
    | RewardCodesAdded
    | RewardRestocked
    | RewardWithdrawn
    | RewardRedeemed
    | RedemptionFulfilled
    | RedemptionCancelled
    | CashbackPolicySet
    | CashbackRequested
    | CashbackConfirmed
    | CashbackRejected
    | CashbackOverdue
    | EarningRulePublished
    | EarningRuleInForce
    | EarningPolicySet
    | CampaignPublished
    | CampaignEnded
    | OrganizationTagged
    | DrawCreated
    | SecretCommitted
    | SecretsKept
    | DrawEntered
    | SecretRevealed
    | DrawCancelled
    | PrizeFulfilled
    | WinnersDrawn
    | EntriesSettled
    | DrawEnded
    | AcceptancePublished
    | PaymentPolicySet
    | OrderPaid
    | PointsHeld
    | PointsReleased
    | PointsGivenBack
    | SwapOffered
    | PointsSwapped
    | SwapOfferClosed
)


class Receipt(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Outcome of one transaction in one block, or of what block time has done to one record (`agenda.py`).

    Invariant: `rejection` is 0 exactly when `effects` is not empty.
    """

    transaction_id: HashBytes
    rejection: Annotated[int, Meta(ge=0, le=255)]
    """0 when it was applied, else the number of a `Rejection`."""
    effects: tuple[AnyEffect, ...]
