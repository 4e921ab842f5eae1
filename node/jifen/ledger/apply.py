"""The one door to the state: check a transaction, then let it act.

Every rule is a pair: a check that reads and either names a rejection or returns what it found, and an act that cannot
fail. So a rejected transaction has written nothing but its mark, and `preflight` is the same check without the act.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from jifen.ledger.bodies import TransactionBody
from jifen.ledger.bonuses.bodies import AdjustPoints, GrantBonus, SetBonusPolicy
from jifen.ledger.bonuses.granting import (
    adjust,
    check_adjustment,
    check_grant,
    check_policy,
    grant,
    set_policy,
)
from jifen.ledger.cashback.bodies import ConfirmCashback, RejectCashback, RequestCashback, SetCashbackPolicy
from jifen.ledger.cashback.cashing import (
    check_cashback_policy,
    check_payment,
    check_refusal,
    check_request,
    confirm_payment,
    refuse,
    request,
    set_cashback_policy,
)
from jifen.ledger.checkpoints.attesting import attest, check_attestation
from jifen.ledger.checkpoints.records import AttestCheckpoint
from jifen.ledger.context import BlockContext
from jifen.ledger.draws.bodies import (
    CancelDraw,
    CommitToDraw,
    CreateDraw,
    EnterDraw,
    FulfilPrize,
    KeepDrawSecrets,
    RevealSecret,
)
from jifen.ledger.draws.entering import check_draw_entry, enter_draw
from jifen.ledger.draws.preparing import (
    cancel_draw,
    check_draw_cancellation,
    check_draw_commitment,
    check_draw_creation,
    check_draw_keeping,
    commit_secret,
    create_draw,
    keep_secrets,
)
from jifen.ledger.draws.settling import check_prize_fulfilment, check_secret_reveal, fulfil_prize, reveal_secret
from jifen.ledger.evidence.recording import check_evidence, record
from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.governance.bodies import ActivateValidator, ProposeChange, VoteOnProposal, WithdrawProposal
from jifen.ledger.governance.deciding import (
    activate,
    check_activation,
    check_proposing,
    check_vote,
    check_withdrawal,
    propose,
    vote_on,
    withdraw,
)
from jifen.ledger.locks.bodies import LockAccount, UnlockAccount
from jifen.ledger.locks.locking import check_lock, check_unlocking, lock, unlock
from jifen.ledger.members.registering import check_registration, register
from jifen.ledger.payments.accepting import accept, check_acceptance, check_payment_policy, set_payment_policy
from jifen.ledger.payments.bodies import (
    CaptureHold,
    HoldPoints,
    PayOrder,
    PublishAcceptance,
    SetPaymentPolicy,
    VoidHold,
)
from jifen.ledger.payments.holding import capture, check_capture, check_hold, check_void, hold, void
from jifen.ledger.payments.paying import check_order_payment, pay_order
from jifen.ledger.points.confirming import check_confirmation, confirm
from jifen.ledger.points.earning import check_earning, earn
from jifen.ledger.points.moving import check_transfer, transfer
from jifen.ledger.points.refunding import check_refund, refund
from jifen.ledger.receipts import AnyEffect, Receipt
from jifen.ledger.rejections import FINAL_FOR_VOTES, FINAL_REJECTIONS, Rejection
from jifen.ledger.rewards.auto_redeeming import cancel as cancel_order
from jifen.ledger.rewards.auto_redeeming import check_cancellation as check_order_cancellation
from jifen.ledger.rewards.auto_redeeming import check_order, set_order
from jifen.ledger.rewards.bodies import (
    AddRewardCodes,
    CancelRedemption,
    FulfilRedemption,
    PublishReward,
    RedeemReward,
    RestockReward,
    WithdrawReward,
)
from jifen.ledger.rewards.redeeming import (
    cancel,
    check_cancellation,
    check_fulfilment,
    check_redemption,
    fulfil,
    redeem,
)
from jifen.ledger.rewards.standing_orders import CancelAutoRedemption, SetAutoRedemption
from jifen.ledger.rewards.stocking import (
    add_codes,
    check_codes,
    check_restocking,
    check_reward_publication,
    check_reward_withdrawal,
    publish_reward,
    restock,
    withdraw_reward,
)
from jifen.ledger.rules.bodies import (
    EndCampaign,
    PublishCampaign,
    PublishEarningRule,
    SetEarningPolicy,
    SetOrganizationTags,
)
from jifen.ledger.rules.policies import check_earning_policy, check_tags, set_earning_policy, set_tags
from jifen.ledger.rules.publishing import (
    check_campaign,
    check_end,
    check_rule,
    end_campaign,
    publish_campaign,
    publish_rule,
)
from jifen.ledger.state import StateReader, StateWriter, mark_key
from jifen.ledger.swaps.bodies import AcceptSwapOffer, CancelSwapOffer, CreateSwapOffer
from jifen.ledger.swaps.swapping import (
    accept_offer,
    cancel_offer,
    check_accepting,
    check_cancelling,
    check_offering,
    make_offer,
)
from jifen.ledger.terms.bodies import ConfirmOrder, CreatePointType, PublishTerms
from jifen.ledger.terms.publishing import check_creation, check_publication, create, publish
from jifen.ledger.tiers.bodies import PublishRecognition, PublishTiers
from jifen.ledger.tiers.publishing import check_recognition, check_tiers, publish_recognition, publish_tiers
from jifen.ledger.transactions import EarnPoints, RefundOrder, RegisterMember, Transaction, TransferPoints
from jifen.ledger.types import TRANSACTION_LIFETIME_MS_MAX, TransactionMark

B = TypeVar("B", bound=TransactionBody)
F = TypeVar("F")


class Rule(NamedTuple):
    """What a kind of transaction does."""

    check: Callable[[StateReader, Any, Transaction, BlockContext], Any]
    """Returns the first `Rejection` in precedence, or what the act needs to know."""
    act: Callable[[StateWriter, Any, Transaction, Any, BlockContext], tuple[AnyEffect, ...]]
    """Given what the check found: writes, and returns the effects, at least one. It cannot fail."""


def rule(
    check: Callable[[StateReader, B, Transaction, BlockContext], Rejection | F],
    act: Callable[[StateWriter, B, Transaction, F, BlockContext], tuple[AnyEffect, ...]],
) -> Rule:
    """Return a rule whose check finds what its act takes, which the types of the table could not say."""
    return Rule(check, act)


RULES: Final[dict[type[TransactionBody], Rule]] = {
    RegisterMember: rule(check_registration, register),
    EarnPoints: rule(check_earning, earn),
    TransferPoints: rule(check_transfer, transfer),
    RefundOrder: rule(check_refund, refund),
    AttestCheckpoint: rule(check_attestation, attest),
    RecordEvidence: rule(check_evidence, record),
    ProposeChange: rule(check_proposing, propose),
    VoteOnProposal: rule(check_vote, vote_on),
    WithdrawProposal: rule(check_withdrawal, withdraw),
    ActivateValidator: rule(check_activation, activate),
    PublishTerms: rule(check_publication, publish),
    CreatePointType: rule(check_creation, create),
    ConfirmOrder: rule(check_confirmation, confirm),
    PublishTiers: rule(check_tiers, publish_tiers),
    PublishRecognition: rule(check_recognition, publish_recognition),
    LockAccount: rule(check_lock, lock),
    UnlockAccount: rule(check_unlocking, unlock),
    SetBonusPolicy: rule(check_policy, set_policy),
    GrantBonus: rule(check_grant, grant),
    AdjustPoints: rule(check_adjustment, adjust),
    SetAutoRedemption: rule(check_order, set_order),
    CancelAutoRedemption: rule(check_order_cancellation, cancel_order),
    PublishReward: rule(check_reward_publication, publish_reward),
    AddRewardCodes: rule(check_codes, add_codes),
    RestockReward: rule(check_restocking, restock),
    WithdrawReward: rule(check_reward_withdrawal, withdraw_reward),
    RedeemReward: rule(check_redemption, redeem),
    FulfilRedemption: rule(check_fulfilment, fulfil),
    CancelRedemption: rule(check_cancellation, cancel),
    SetCashbackPolicy: rule(check_cashback_policy, set_cashback_policy),
    RequestCashback: rule(check_request, request),
    ConfirmCashback: rule(check_payment, confirm_payment),
    RejectCashback: rule(check_refusal, refuse),
    PublishEarningRule: rule(check_rule, publish_rule),
    SetEarningPolicy: rule(check_earning_policy, set_earning_policy),
    PublishCampaign: rule(check_campaign, publish_campaign),
    EndCampaign: rule(check_end, end_campaign),
    SetOrganizationTags: rule(check_tags, set_tags),
    CreateDraw: rule(check_draw_creation, create_draw),
    CommitToDraw: rule(check_draw_commitment, commit_secret),
    KeepDrawSecrets: rule(check_draw_keeping, keep_secrets),
    EnterDraw: rule(check_draw_entry, enter_draw),
    RevealSecret: rule(check_secret_reveal, reveal_secret),
    CancelDraw: rule(check_draw_cancellation, cancel_draw),
    FulfilPrize: rule(check_prize_fulfilment, fulfil_prize),
    PublishAcceptance: rule(check_acceptance, accept),
    SetPaymentPolicy: rule(check_payment_policy, set_payment_policy),
    PayOrder: rule(check_order_payment, pay_order),
    HoldPoints: rule(check_hold, hold),
    CaptureHold: rule(check_capture, capture),
    VoidHold: rule(check_void, void),
    CreateSwapOffer: rule(check_offering, make_offer),
    AcceptSwapOffer: rule(check_accepting, accept_offer),
    CancelSwapOffer: rule(check_cancelling, cancel_offer),
}
"""The rule of every kind. Invariant: every kind of transaction has one."""


def is_taken(state: StateReader, transaction: Transaction) -> bool:
    """Tell whether this very transaction stands in an earlier block; once it has expired, that is forgotten."""
    return state.get(mark_key(transaction.body.expires_at, transaction.id)) is not None


def may_stand(state: StateReader, transaction: Transaction, context: BlockContext) -> bool:
    """Tell whether a block may hold the transaction: it has not expired, and stands in no block already.

    Block time never goes back, so what has expired once can never stand in a block, and its mark can be forgotten.
    """
    return transaction.body.expires_at >= context.time and not is_taken(state, transaction)


def preflight(state: StateReader, transaction: Transaction, context: BlockContext) -> Rejection | None:
    """Return the reason for which the transaction would be rejected now, or None."""
    rejection = _check_life(transaction, context)
    if rejection is not None:
        return rejection
    if is_taken(state, transaction):
        return Rejection.ALREADY_APPLIED
    body = transaction.body
    found = RULES[type(body)].check(state, body, transaction, context)
    return found if isinstance(found, Rejection) else None


def final_rejection(state: StateReader, transaction: Transaction, context: BlockContext) -> Rejection | None:
    """Return the reason for which the transaction will never be applied, or None when it may be.

    A vote is rejected for what speaks against the change only if it is the one that decides. An organization admitted
    meanwhile makes it one vote among others, so none of these reasons is final for it.
    """
    rejection = preflight(state, transaction, context)
    votes = isinstance(transaction.body, VoteOnProposal)
    return rejection if rejection in (FINAL_FOR_VOTES if votes else FINAL_REJECTIONS) else None


def apply_transaction(state: StateWriter, transaction: Transaction, context: BlockContext) -> Receipt:
    """Apply the transaction, mark it as taken and return its receipt.

    The caller has made sure that it may stand in this block (`may_stand`), and in no place of it before.
    """
    outcome = _act(state, transaction, context)
    state.put(mark_key(transaction.body.expires_at, transaction.id), TransactionMark(context.height))
    if isinstance(outcome, Rejection):
        return Receipt(transaction.id, outcome, ())
    return Receipt(transaction.id, 0, outcome)


def _check_life(transaction: Transaction, context: BlockContext) -> Rejection | None:
    expires_at = transaction.body.expires_at
    if expires_at < context.time:
        return Rejection.EXPIRED
    if expires_at > context.time + TRANSACTION_LIFETIME_MS_MAX:
        return Rejection.EXPIRY_TOO_FAR
    return None


def _act(state: StateWriter, transaction: Transaction, context: BlockContext) -> Rejection | tuple[AnyEffect, ...]:
    rejection = _check_life(transaction, context)
    if rejection is not None:
        return rejection
    body = transaction.body
    check, act = RULES[type(body)]
    found = check(state, body, transaction, context)
    if isinstance(found, Rejection):
        return found
    return act(state, body, transaction, found, context)
