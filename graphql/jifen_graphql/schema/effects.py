"""Effects: what transactions did, each with its arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import strawberry

from jifen.ledger import effects
from jifen.ledger import receipts as ledger
from jifen.ledger.bonuses import effects as bonus_effects
from jifen.ledger.cashback import effects as cashback_effects
from jifen.ledger.checkpoints import records as checkpoint_records
from jifen.ledger.draws import effects as draw_effects
from jifen.ledger.evidence import records as evidence_records
from jifen.ledger.evidence.statements import StatementKind
from jifen.ledger.governance import bodies as governance
from jifen.ledger.locks import bodies as lock_bodies
from jifen.ledger.payments import effects as payment_effects
from jifen.ledger.rewards import effects as reward_effects
from jifen.ledger.rewards import standing_orders
from jifen.ledger.rules import effects as rule_effects
from jifen.ledger.swaps import bodies as swap_bodies
from jifen.ledger.terms import effects as term_effects
from jifen.ledger.tiers import effects as tier_effects
from jifen.ledger.types import AccountId, PublicKey
from jifen_graphql.schema.bonus_effects import BonusGranted, BonusPolicySet, PointsAdjusted
from jifen_graphql.schema.draw_effects import (
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
from jifen_graphql.schema.governance_effects import (
    ChangeProposed,
    ProposalWithdrawn,
    ValidatorActivated,
    ValidatorAdmitted,
    ValidatorRemoved,
    VoteCounted,
)
from jifen_graphql.schema.locks import AccountLocked, AccountUnlocked
from jifen_graphql.schema.payment_effects import (
    AcceptancePublished,
    OrderPaid,
    PaymentPolicySet,
    PointsGivenBack,
    PointsHeld,
    PointsReleased,
)
from jifen_graphql.schema.reward_effects import (
    CashbackConfirmed,
    CashbackOverdue,
    CashbackPolicySet,
    CashbackRejected,
    CashbackRequested,
    RedemptionCancelled,
    RedemptionFulfilled,
    RewardCodesAdded,
    RewardPublished,
    RewardRedeemed,
    RewardRestocked,
    RewardWithdrawn,
)
from jifen_graphql.schema.rule_effects import (
    CampaignEnded,
    CampaignPublished,
    EarningArithmetic,
    EarningPolicySet,
    EarningRuleInForce,
    EarningRulePublished,
    OrganizationTagged,
)
from jifen_graphql.schema.scalars import DateTime, Hash, Points
from jifen_graphql.schema.standing_orders import AutoRedeemed, AutoRedemptionEnded, AutoRedemptionSet
from jifen_graphql.schema.states import EarnRate
from jifen_graphql.schema.swap_effects import PointsSwapped, SwapOfferClosed, SwapOffered
from jifen_graphql.schema.term_effects import (
    ExpiryAnnounced,
    PointsActivated,
    PointsExpired,
    TermsInForce,
    TermsPublished,
)
from jifen_graphql.schema.tier_effects import (
    PointsQualified,
    RecognitionPublished,
    TierAtRisk,
    TierChanged,
    TiersPublished,
)


@strawberry.type(description="An account was opened.")
class MemberRegistered:
    """Effect of `registerMember`."""

    account: AccountId
    key: PublicKey

    @classmethod
    def of(cls, effect: ledger.MemberRegistered) -> MemberRegistered:
        """Return the API's form of an effect."""
        return cls(account=AccountId(effect.account), key=PublicKey(effect.key))


def _rate(effect: ledger.PointsEarned | ledger.PointsRevoked) -> EarnRate | None:
    if not effect.earn_fen:
        return None
    return EarnRate(points=Points(effect.earn_points), per_fen=Points(effect.earn_fen))


@strawberry.type(description="Points were issued: amountFen x earnRate, rounded down once, or as the arithmetic says.")
class PointsEarned:
    """Effect of `earnPoints`, with its arithmetic (invariant I10)."""

    merchant: str
    account: AccountId
    point_type: str
    rule_version: int
    amount_fen: Points
    earn_rate: EarnRate | None = strawberry.field(description="The flat rate; null when a rule beyond it held.")
    points: Points
    available_after: Points = strawberry.field(description="The account's available points of the type afterwards.")
    debt_repaid: Points = strawberry.field(description="Part of the points that repaid what refunds had left owing.")
    terms_version: int = strawberry.field(description="Version of the terms that gave the points their dates.")
    available_from: DateTime | None = strawberry.field(
        description="From when they can be spent; null when they wait for the confirmation of their order."
    )
    points_expire_at: DateTime | None = strawberry.field(
        description="When they expire, unless they slide; null: never."
    )
    pending_after: Points
    arithmetic: EarningArithmetic | None = strawberry.field(description="Null: the flat rate.")

    @classmethod
    def of(cls, effect: ledger.PointsEarned) -> PointsEarned:
        """Return the API's form of an effect."""
        return cls(
            merchant=effect.merchant,
            account=AccountId(effect.account),
            point_type=effect.point_type,
            rule_version=effect.rule_version,
            amount_fen=Points(effect.amount_fen),
            earn_rate=_rate(effect),
            points=Points(effect.points),
            available_after=Points(effect.available_after),
            debt_repaid=Points(effect.debt_repaid),
            terms_version=effect.terms_version,
            available_from=DateTime(effect.available_from) if effect.available_from else None,
            points_expire_at=DateTime(effect.expires_at) if effect.expires_at else None,
            pending_after=Points(effect.pending_after),
            arithmetic=EarningArithmetic.of(effect.arithmetic) if effect.arithmetic else None,
        )


@strawberry.type(
    description="A refund took points back: what the order earned before it less what is left of it earns, "
    "each rounded down once, so that parts take exactly what the whole would take."
)
class PointsRevoked:
    """Effect of `refundOrder`, with its arithmetic (invariant I10)."""

    merchant: str
    account: AccountId
    point_type: str
    rule_version: int
    amount_fen: Points = strawberry.field(description="Refunded by this transaction.")
    order_amount_fen: Points
    order_refunded_fen: Points = strawberry.field(description="Refunded of the order in all.")
    earn_rate: EarnRate | None = strawberry.field(description="The flat rate; null when a rule beyond it held.")
    points: Points = strawberry.field(description="Taken back: burned now, or owing.")
    available_after: Points
    debt_after: Points = strawberry.field(description="What the account owes of the type afterwards.")
    lapsed: Points = strawberry.field(description="Part of the points that had expired unspent, and is not asked for.")
    pending_after: Points
    kept: Points = strawberry.field(description="What the part of the order that is left earns.")
    returned_fen: list[Points] = strawberry.field(
        description="What refunds have named of the order in all: of what brackets take, then of each item rule's part."
    )

    @classmethod
    def of(cls, effect: ledger.PointsRevoked) -> PointsRevoked:
        """Return the API's form of an effect."""
        return cls(
            merchant=effect.merchant,
            account=AccountId(effect.account),
            point_type=effect.point_type,
            rule_version=effect.rule_version,
            amount_fen=Points(effect.amount_fen),
            order_amount_fen=Points(effect.order_amount_fen),
            order_refunded_fen=Points(effect.order_refunded_fen),
            earn_rate=_rate(effect),
            points=Points(effect.points),
            available_after=Points(effect.available_after),
            debt_after=Points(effect.debt_after),
            lapsed=Points(effect.lapsed),
            pending_after=Points(effect.pending_after),
            kept=Points(effect.kept),
            returned_fen=[Points(fen) for fen in effect.returned],
        )


@strawberry.type(description="Points changed hands.")
class PointsTransferred:
    """Effect of `transferPoints`."""

    sender: AccountId
    recipient: AccountId
    point_type: str
    points: Points
    sender_available_after: Points
    recipient_available_after: Points

    @classmethod
    def of(cls, effect: ledger.PointsTransferred) -> PointsTransferred:
        """Return the API's form of an effect."""
        return cls(
            sender=AccountId(effect.sender),
            recipient=AccountId(effect.recipient),
            point_type=effect.point_type,
            points=Points(effect.points),
            sender_available_after=Points(effect.sender_available_after),
            recipient_available_after=Points(effect.recipient_available_after),
        )


@strawberry.type(description="A voter has attested the root of the whole state after a block.")
class CheckpointAttested:
    """Effect of `attestCheckpoint`."""

    validator: str
    height: int
    block_hash: Hash
    root: Hash
    agreeing: int = strawberry.field(description="Voters that have attested the same by then, this one included.")
    certified: bool = strawberry.field(description="Whether this attestation completed the quorum.")

    @classmethod
    def of(cls, effect: checkpoint_records.CheckpointAttested) -> CheckpointAttested:
        """Return the API's form of an effect."""
        return cls(
            validator=effect.validator,
            height=effect.height,
            block_hash=Hash(effect.block_hash),
            root=Hash(effect.root),
            agreeing=effect.agreeing,
            certified=effect.certified,
        )


@strawberry.type(description="A validator stands convicted of having said two things of one term and height.")
class EvidenceRecorded:
    """Effect of `recordEvidence`."""

    validator: str
    kind: StatementKind
    term: int
    height: int
    first_hash: Hash
    second_hash: Hash
    recorded: int = strawberry.field(description="Pieces recorded against it by then, this one included.")

    @classmethod
    def of(cls, effect: evidence_records.EvidenceRecorded) -> EvidenceRecorded:
        """Return the API's form of an effect."""
        return cls(
            validator=effect.validator,
            kind=effect.kind,
            term=effect.term,
            height=effect.height,
            first_hash=Hash(effect.first_hash),
            second_hash=Hash(effect.second_hash),
            recorded=effect.recorded,
        )


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
    | EarningRulePublished
    | EarningRuleInForce
    | EarningPolicySet
    | CampaignPublished
    | CampaignEnded
    | OrganizationTagged
    | EvidenceRecorded
    | AccountLocked
    | AccountUnlocked
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
    | SwapOffered
    | PointsSwapped
    | SwapOfferClosed
    | PointsQualified
    | TierChanged
    | TierAtRisk
    | TiersPublished
    | RecognitionPublished
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
    | AcceptancePublished
    | PaymentPolicySet
    | OrderPaid
    | PointsHeld
    | PointsReleased
    | PointsGivenBack
)

Effect = Annotated[AnyEffect, strawberry.union("Effect", description="One thing that a transaction, or time, did.")]

EFFECTS: Final[dict[type[effects.Effect], Callable[[Any], AnyEffect]]] = {
    ledger.MemberRegistered: MemberRegistered.of,
    ledger.PointsEarned: PointsEarned.of,
    ledger.PointsTransferred: PointsTransferred.of,
    ledger.PointsRevoked: PointsRevoked.of,
    governance.ChangeProposed: ChangeProposed.of,
    governance.VoteCounted: VoteCounted.of,
    governance.ProposalWithdrawn: ProposalWithdrawn.of,
    governance.ValidatorAdmitted: ValidatorAdmitted.of,
    governance.ValidatorRemoved: ValidatorRemoved.of,
    governance.ValidatorActivated: ValidatorActivated.of,
    checkpoint_records.CheckpointAttested: CheckpointAttested.of,
    term_effects.PointsExpired: PointsExpired.of,
    term_effects.PointsActivated: PointsActivated.of,
    term_effects.ExpiryAnnounced: ExpiryAnnounced.of,
    term_effects.TermsPublished: TermsPublished.of,
    term_effects.TermsInForce: TermsInForce.of,
    rule_effects.EarningRulePublished: EarningRulePublished.of,
    rule_effects.EarningRuleInForce: EarningRuleInForce.of,
    rule_effects.EarningPolicySet: EarningPolicySet.of,
    rule_effects.CampaignPublished: CampaignPublished.of,
    rule_effects.CampaignEnded: CampaignEnded.of,
    rule_effects.OrganizationTagged: OrganizationTagged.of,
    evidence_records.EvidenceRecorded: EvidenceRecorded.of,
    lock_bodies.AccountLocked: AccountLocked.of,
    lock_bodies.AccountUnlocked: AccountUnlocked.of,
    draw_effects.DrawCreated: DrawCreated.of,
    draw_effects.SecretCommitted: SecretCommitted.of,
    draw_effects.SecretsKept: SecretsKept.of,
    draw_effects.DrawEntered: DrawEntered.of,
    draw_effects.SecretRevealed: SecretRevealed.of,
    draw_effects.DrawCancelled: DrawCancelled.of,
    draw_effects.PrizeFulfilled: PrizeFulfilled.of,
    draw_effects.WinnersDrawn: WinnersDrawn.of,
    draw_effects.EntriesSettled: EntriesSettled.of,
    draw_effects.DrawEnded: DrawEnded.of,
    swap_bodies.SwapOffered: SwapOffered.of,
    swap_bodies.PointsSwapped: PointsSwapped.of,
    swap_bodies.SwapOfferClosed: SwapOfferClosed.of,
    tier_effects.PointsQualified: PointsQualified.of,
    tier_effects.TierChanged: TierChanged.of,
    tier_effects.TierAtRisk: TierAtRisk.of,
    tier_effects.TiersPublished: TiersPublished.of,
    tier_effects.RecognitionPublished: RecognitionPublished.of,
    bonus_effects.BonusPolicySet: BonusPolicySet.of,
    bonus_effects.BonusGranted: BonusGranted.of,
    bonus_effects.PointsAdjusted: PointsAdjusted.of,
    standing_orders.AutoRedemptionSet: AutoRedemptionSet.of,
    standing_orders.AutoRedemptionEnded: AutoRedemptionEnded.of,
    standing_orders.AutoRedeemed: AutoRedeemed.of,
    reward_effects.RewardPublished: RewardPublished.of,
    reward_effects.RewardCodesAdded: RewardCodesAdded.of,
    reward_effects.RewardRestocked: RewardRestocked.of,
    reward_effects.RewardWithdrawn: RewardWithdrawn.of,
    reward_effects.RewardRedeemed: RewardRedeemed.of,
    reward_effects.RedemptionFulfilled: RedemptionFulfilled.of,
    reward_effects.RedemptionCancelled: RedemptionCancelled.of,
    cashback_effects.CashbackPolicySet: CashbackPolicySet.of,
    cashback_effects.CashbackRequested: CashbackRequested.of,
    cashback_effects.CashbackConfirmed: CashbackConfirmed.of,
    cashback_effects.CashbackRejected: CashbackRejected.of,
    cashback_effects.CashbackOverdue: CashbackOverdue.of,
    payment_effects.AcceptancePublished: AcceptancePublished.of,
    payment_effects.PaymentPolicySet: PaymentPolicySet.of,
    payment_effects.OrderPaid: OrderPaid.of,
    payment_effects.PointsHeld: PointsHeld.of,
    payment_effects.PointsReleased: PointsReleased.of,
    payment_effects.PointsGivenBack: PointsGivenBack.of,
}
"""How each effect of the ledger becomes one of the API. A test holds this table against the ledger's own union."""
