"""Transactions: what members and organizations ask the ledger to do.

A body is a canonical msgpack array: kind tag, expiry, nonce, then the fields of the kind in order. The chain id is not
in it: it is hashed in front of it, so a transaction of one alliance means nothing in another. Tags are never reused.
Bodies of members, purchases and transfers are here, those of other families in modules of their own.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.ledger.bodies import MemoHash, TransactionBody
from jifen.ledger.bonuses.bodies import AdjustPoints, GrantBonus, SetBonusPolicy
from jifen.ledger.cashback.bodies import ConfirmCashback, RejectCashback, RequestCashback, SetCashbackPolicy
from jifen.ledger.checkpoints.records import AttestCheckpoint
from jifen.ledger.draws.bodies import (
    CancelDraw,
    CommitToDraw,
    CreateDraw,
    EnterDraw,
    FulfilPrize,
    KeepDrawSecrets,
    RevealSecret,
)
from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.governance.bodies import ActivateValidator, ProposeChange, VoteOnProposal, WithdrawProposal
from jifen.ledger.locks.bodies import LockAccount, UnlockAccount
from jifen.ledger.payments.bodies import (
    CaptureHold,
    HoldPoints,
    PayOrder,
    PublishAcceptance,
    SetPaymentPolicy,
    VoidHold,
)
from jifen.ledger.rewards.bodies import (
    AddRewardCodes,
    CancelRedemption,
    FulfilRedemption,
    PublishReward,
    RedeemReward,
    RestockReward,
    WithdrawReward,
)
from jifen.ledger.rewards.standing_orders import CancelAutoRedemption, SetAutoRedemption
from jifen.ledger.rules.bodies import (
    EndCampaign,
    PublishCampaign,
    PublishEarningRule,
    SetEarningPolicy,
    SetOrganizationTags,
)
from jifen.ledger.rules.records import ORDER_LINES_MAX, OrderLine
from jifen.ledger.swaps.bodies import AcceptSwapOffer, CancelSwapOffer, CreateSwapOffer
from jifen.ledger.terms.bodies import ConfirmOrder, CreatePointType, PublishTerms
from jifen.ledger.tiers.bodies import PublishRecognition, PublishTiers
from jifen.ledger.types import (
    AMOUNT_FEN_MAX,
    AccountBytes,
    AmountFen,
    HashBytes,
    KeyBytes,
    OrderId,
    PointTypeName,
    PositiveQuantity,
    PublicKey,
    RoleClass,
    Slug,
    TimeMs,
    TransactionId,
)


class RegisterMember(TransactionBody, frozen=True, tag=1):
    """Open an account for the holder of `key`, who signs."""

    key: KeyBytes


class EarnPoints(TransactionBody, frozen=True, tag=2):
    """Credit a member for a purchase; signed by an operator of the merchant with scope CASHIER or ISSUER."""

    merchant: Slug
    order_id: OrderId
    """The merchant's own number of the order; unique per merchant for ever (invariant I3)."""
    account: AccountBytes
    point_type: PointTypeName
    amount_fen: AmountFen
    """What the order came to, in fen."""
    purchased_at: TimeMs
    """When the purchase was made by the till's clock, ms. Recorded, never used to decide anything."""
    items: Annotated[tuple[OrderLine, ...], Meta(max_length=ORDER_LINES_MAX)] = ()
    """Lines of the order that item rules look at; together at most `amount_fen`."""
    guide: AccountBytes | None = None
    """Account of the guide who served; the till's signature is what attributes the order to it."""
    store: AccountBytes | None = None
    """Account of the shop."""
    distributor: AccountBytes | None = None
    """Account of the distributor."""


def accounts_of_roles(roles: Mapping[RoleClass, bytes] | None) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Return the guide, store and distributor of `EarnPoints`, None for whom `roles` does not name."""
    named = roles or {}
    return named.get(RoleClass.GUIDE), named.get(RoleClass.STORE), named.get(RoleClass.DISTRIBUTOR)


class TransferPoints(TransactionBody, frozen=True, tag=3):
    """Pass points from one member to another; signed with the sender's current key."""

    sender: AccountBytes
    recipient: AccountBytes
    point_type: PointTypeName
    points: PositiveQuantity
    memo_hash: MemoHash
    """Hash of a private message, or empty."""


class RefundOrder(TransactionBody, frozen=True, tag=4):
    """Take back what a refunded part of an order has earned; signed like the order.

    An order may be refunded in parts and repeatedly; what is taken depends on the sums only, never on the parts.
    """

    merchant: Slug
    order_id: OrderId
    """The order, as it was credited."""
    refund_id: OrderId
    """The merchant's own number of the refund; unique per merchant for ever (invariant I3)."""
    amount_fen: Annotated[int, Meta(ge=1, le=AMOUNT_FEN_MAX)]
    """What is paid back this time, fen."""
    items: Annotated[tuple[OrderLine, ...], Meta(max_length=ORDER_LINES_MAX)] = ()
    """Lines of the order that are returned, together at most `amount_fen`: what they have earned is taken. All lines
    that are kept share the rest of the refund in proportion."""


Body = (
    RegisterMember
    | EarnPoints
    | TransferPoints
    | RefundOrder
    | ProposeChange
    | VoteOnProposal
    | WithdrawProposal
    | ActivateValidator
    | AttestCheckpoint
    | PublishTerms
    | CreatePointType
    | ConfirmOrder
    | RecordEvidence
    | PublishTiers
    | PublishRecognition
    | LockAccount
    | UnlockAccount
    | SetBonusPolicy
    | GrantBonus
    | AdjustPoints
    | SetAutoRedemption
    | CancelAutoRedemption
    | PublishReward
    | AddRewardCodes
    | RestockReward
    | WithdrawReward
    | RedeemReward
    | FulfilRedemption
    | CancelRedemption
    | SetCashbackPolicy
    | RequestCashback
    | ConfirmCashback
    | RejectCashback
    | PublishEarningRule
    | SetEarningPolicy
    | PublishCampaign
    | EndCampaign
    | SetOrganizationTags
    | CreateDraw
    | CommitToDraw
    | KeepDrawSecrets
    | EnterDraw
    | RevealSecret
    | CancelDraw
    | FulfilPrize
    | PublishAcceptance
    | SetPaymentPolicy
    | PayOrder
    | HoldPoints
    | CaptureHold
    | VoidHold
    | CreateSwapOffer
    | AcceptSwapOffer
    | CancelSwapOffer
)

KIND_NAMES: dict[type[TransactionBody], str] = {
    RegisterMember: "registerMember",
    EarnPoints: "earnPoints",
    TransferPoints: "transferPoints",
    RefundOrder: "refundOrder",
    AttestCheckpoint: "attestCheckpoint",
    RecordEvidence: "recordEvidence",
    ProposeChange: "proposeChange",
    VoteOnProposal: "voteOnProposal",
    WithdrawProposal: "withdrawProposal",
    ActivateValidator: "activateValidator",
    PublishTerms: "publishTerms",
    CreatePointType: "createPointType",
    ConfirmOrder: "confirmOrder",
    PublishTiers: "publishTiers",
    PublishRecognition: "publishRecognition",
    LockAccount: "lockAccount",
    UnlockAccount: "unlockAccount",
    SetBonusPolicy: "setBonusPolicy",
    GrantBonus: "grantBonus",
    AdjustPoints: "adjustPoints",
    SetAutoRedemption: "setAutoRedemption",
    CancelAutoRedemption: "cancelAutoRedemption",
    PublishReward: "publishReward",
    AddRewardCodes: "addRewardCodes",
    RestockReward: "restockReward",
    WithdrawReward: "withdrawReward",
    RedeemReward: "redeemReward",
    FulfilRedemption: "fulfilRedemption",
    CancelRedemption: "cancelRedemption",
    SetCashbackPolicy: "setCashbackPolicy",
    RequestCashback: "requestCashback",
    ConfirmCashback: "confirmCashback",
    RejectCashback: "rejectCashback",
    PublishEarningRule: "publishEarningRule",
    SetEarningPolicy: "setEarningPolicy",
    PublishCampaign: "publishCampaign",
    EndCampaign: "endCampaign",
    SetOrganizationTags: "setOrganizationTags",
    CreateDraw: "createDraw",
    CommitToDraw: "commitToDraw",
    KeepDrawSecrets: "keepDrawSecrets",
    EnterDraw: "enterDraw",
    RevealSecret: "revealSecret",
    CancelDraw: "cancelDraw",
    FulfilPrize: "fulfilPrize",
    PublishAcceptance: "publishAcceptance",
    SetPaymentPolicy: "setPaymentPolicy",
    PayOrder: "payOrderWithPoints",
    HoldPoints: "holdPoints",
    CaptureHold: "captureHold",
    VoidHold: "voidHold",
    CreateSwapOffer: "createSwapOffer",
    AcceptSwapOffer: "acceptSwapOffer",
    CancelSwapOffer: "cancelSwapOffer",
}
"""Name of each kind in GraphQL, CLI and documents."""


class Signature(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One signer's approval of a transaction."""

    key: KeyBytes
    signature: Annotated[bytes, Meta(min_length=64, max_length=64)]
    """BIP-340 signature over the transaction id."""


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """A decoded transaction whose signatures have been checked: what the rules work on.

    Made only by a gateway (`jifen.chain.gateway`), which guarantees: 1. the bytes were canonical, 2. `id` is their
    hash under this chain's id, 3. every key in `signers` signed `id`, 4. no key stands twice in `signers`, 5. both
    signatures inside evidence hold under the key that it names.
    """

    id: TransactionId
    body: Body
    signers: tuple[PublicKey, ...]
    digest: HashBytes
    """SHA-256 leaf hash of the whole signed bytes; the transactions root is built from these."""
    signed: bytes
    """The signed bytes as they travel and are stored."""
