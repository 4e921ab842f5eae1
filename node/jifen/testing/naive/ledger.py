"""A deliberately naive second version of the ledger, to compare the real one with.

It keeps flat lists and plain dictionaries, merges nothing, remembers nothing it could count again, and decides a
transaction by collecting every reason that holds and giving the first in order of precedence. Slow and obvious is the
point: whoever doubts the real ledger reads this. Undoing blocks is done by keeping a whole copy per block.

Each family of transactions has its rules in a module of its own (`naive_members`, `naive_points`, ...), all of which
work on the lists kept here.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from jifen.ledger.bodies import TransactionBody
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
from jifen.ledger.evidence.statements import Evidence
from jifen.ledger.genesis import Genesis
from jifen.ledger.governance.bodies import ActivateValidator, ProposeChange, VoteOnProposal, WithdrawProposal
from jifen.ledger.governance.validators import Validator, ValidatorStatus
from jifen.ledger.locks.bodies import LockAccount, UnlockAccount
from jifen.ledger.payments.bodies import (
    CaptureHold,
    HoldPoints,
    PayOrder,
    PublishAcceptance,
    SetPaymentPolicy,
    VoidHold,
)
from jifen.ledger.payments.records import Acceptance, PaymentPolicy
from jifen.ledger.rejections import PRECEDENCE, Rejection
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
from jifen.ledger.rules.records import EarningPolicy, EarningRule
from jifen.ledger.swaps.bodies import AcceptSwapOffer, CancelSwapOffer, CreateSwapOffer
from jifen.ledger.terms.bodies import ConfirmOrder, CreatePointType, PublishTerms
from jifen.ledger.terms.records import PointType, Terms
from jifen.ledger.tiers.bodies import PublishRecognition, PublishTiers
from jifen.ledger.transactions import EarnPoints, RefundOrder, RegisterMember, Transaction, TransferPoints
from jifen.testing.naive import agenda as naive_agenda
from jifen.testing.naive import auto as naive_auto
from jifen.testing.naive import bonuses as naive_bonuses
from jifen.testing.naive import cashbacks as naive_cashbacks
from jifen.testing.naive import checkpoints as naive_checkpoints
from jifen.testing.naive import draws as naive_draws
from jifen.testing.naive import evidence as naive_evidence
from jifen.testing.naive import governance as naive_governance
from jifen.testing.naive import locks as naive_locks
from jifen.testing.naive import members as naive_members
from jifen.testing.naive import paying as naive_paying
from jifen.testing.naive import payments as naive_payments
from jifen.testing.naive import points as naive_points
from jifen.testing.naive import rewards as naive_rewards
from jifen.testing.naive import rules as naive_rules
from jifen.testing.naive import swaps as naive_swaps
from jifen.testing.naive import terms as naive_terms
from jifen.testing.naive import tiers as naive_tiers
from jifen.testing.naive import time as naive_time
from jifen.testing.naive import unlocking as naive_unlocking
from jifen.testing.naive.records import (
    NaiveCampaign,
    NaiveLock,
    NaiveLot,
    NaiveMove,
    NaiveOffer,
    NaiveOrder,
    NaiveProposal,
    NaiveReceipt,
)
from jifen.testing.naive.scene import CHAIN_ID, DAY_MS


def copied(value: Any) -> Any:
    """Return something that may change by itself: records and tuples cannot, and are shared.

    `copy.deepcopy` copies those too, which took a third of a run's time.
    """
    if isinstance(value, dict):
        same = type(value)()
        same.update({key: copied(item) for key, item in value.items()})
        return same
    if isinstance(value, list | set):
        return type(value)(copied(item) for item in value)
    if type(value).__module__.startswith(NaiveLedger.__module__.rpartition(".")[0]) and hasattr(value, "__dict__"):
        same = object.__new__(type(value))
        same.__dict__.update({name: copied(item) for name, item in vars(value).items()})
        return same
    return value


class NaiveLedger:
    """The ledger after some block."""

    def __init__(self, genesis: Genesis, chain_id: bytes = CHAIN_ID) -> None:
        self.chain_id = chain_id
        self.organizations = {item.id: item for item in genesis.organizations}
        self.point_types: dict[str, PointType] = {}
        self.issued: dict[str, int] = {}
        self.burned: dict[str, int] = {}
        self.expired: dict[str, int] = {}
        self.terms: dict[str, list[tuple[Terms, int, bytes]]] = {}
        """Every version of the terms of every point type, when it was published, and by which transaction."""
        self.told_in_force: set[tuple[str, int]] = set()
        """Versions that are known to hold, or to have held."""
        self._begin_rules()
        self.time = genesis.created_at
        """Time of the last block, ms."""
        self.is_late = False
        """Whether the last block may have left something undone that was due."""
        self.seen: dict[tuple[bytes, str], int] = {}
        """When time last saw to a holding, where not everything that is due fits into a block."""
        self.warnings: dict[tuple[bytes, str], set[tuple[int, int]]] = {}
        """By holding, what is to be announced and has not been: when that came due, and the date of the points."""
        for kind in genesis.point_types:
            self.add_point_type(kind)
            naive_terms.add_version(self, kind.id, kind.terms, self.time)
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
        self.outgoing: list[str] = []
        self.height = 0
        """Height of the block that is open, or of the last one."""
        self.checkpoint_blocks = genesis.checkpoint_blocks
        self.attested: list[tuple[AttestCheckpoint, bytes]] = []
        """Every attestation there ever was, with its transaction's id."""
        self.certified: dict[int, tuple[bytes, bytes, int]] = {}
        """Root, block and height of the quorum of every certified checkpoint, by height."""
        self.evidence: list[tuple[Evidence, bytes, int]] = []
        """Every piece of evidence recorded, with its transaction's id and its block's height."""
        self.voters_changed_at = 0
        self.past_voters: dict[int, tuple[list[str], list[str]]] = {0: (list(self.voters), [])}
        """Voters and outgoing voters from each height on at which they changed."""
        self.threshold = genesis.approval
        self.proposals: list[NaiveProposal] = []
        """Every proposal there ever was; number n stands at n - 1."""
        self.tiers = naive_tiers.NaiveTiers()
        self.bonuses = naive_bonuses.NaiveBonuses()
        self.standing_orders: dict[tuple[bytes, str], naive_auto.NaiveOrder] = {}
        """By account and organization."""
        self._begin_members()

    def _begin_rules(self) -> None:
        self.rules: dict[str, list[tuple[EarningRule, int, bytes]]] = {}
        """Every published rule of every point type, when it was published, and by which transaction."""
        self.told_rules: set[tuple[str, int]] = set()
        """Rules that are known to hold, or to have held."""
        self.told_over: set[tuple[str, str]] = set()
        """Campaigns of which it was told that their time is over, by point type and id."""
        self.campaigns: dict[tuple[str, str], NaiveCampaign] = {}
        """Every campaign there ever was, by point type and id."""
        self.policies: dict[str, list[tuple[EarningPolicy, int, bytes]]] = {}
        """Every policy of every mall."""
        self.tags: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        """Regions and industries of organizations."""

    def _begin_members(self) -> None:
        self.accounts: dict[bytes, tuple[bytes, int]] = {}
        """Key and time of registration of every account."""
        self.lots: list[NaiveLot] = []
        """Every lot there is, in the order they came; the same account may have many that look alike."""
        self.orders: dict[tuple[str, str], NaiveOrder] = {}
        """Every order, by merchant and order id."""
        self.refunds: dict[tuple[str, str], tuple[bytes, RefundOrder]] = {}
        """Every refund, and its transaction's id, by merchant and refund id."""
        self.locks: dict[bytes, NaiveLock] = {}
        """The newest lock of every account that was locked lately."""
        self.offers: list[NaiveOffer] = []
        """Every open swap offer, the oldest first."""
        self.moves: list[NaiveMove] = []
        """Every passing on of points between members there ever was."""
        self.debts: dict[tuple[bytes, str], int] = {}
        """What an account owes of a type."""
        self.positions: Counter[tuple[str, str, int, int]] = Counter()
        """Points that organizations took in: by organization, point type, and the points and fen of the rate."""
        self.rewards: dict[str, naive_rewards.NaiveReward] = {}
        self.redemptions: dict[tuple[str, int], naive_rewards.NaiveRedemption] = {}
        """Every redemption, by reward and number."""
        self.cashback_policies: dict[str, list[SetCashbackPolicy]] = {}
        """Every policy there was, by point type."""
        self.cashbacks: dict[tuple[str, int], naive_cashbacks.NaiveCashback] = {}
        """Every request for money, by point type and number."""
        self.draws: dict[tuple[str, str], naive_draws.NaiveDraw] = {}
        """Every draw, by organization and name."""
        self.acceptances: dict[tuple[str, str], list[tuple[Acceptance, int, bytes]]] = {}
        """Every version of how an organization takes a point type, when it was published, by which transaction."""
        self.payment_policies: dict[str, list[PaymentPolicy]] = {}
        """Every version of every organization's payment policy."""
        self.policies_ever_set: list[PaymentPolicy] = []
        """The same of all organizations, in the order in which they were set."""
        self.payments: dict[tuple[str, str], naive_payments.NaivePayment] = {}
        """What points paid, by merchant and order id."""
        self.holds: dict[tuple[bytes, bytes], naive_payments.NaiveHold] = {}
        """Open holds, by account and id."""
        self.counted: dict[tuple[str, str], int] = {}
        """The day on which an organization took or held points of a type last."""
        self.receipts: dict[bytes, NaiveReceipt] = {}
        """Receipt of every transaction ever taken, rejected ones too."""
        self.expiries: dict[bytes, int] = {}
        """Until when each of them could have been taken."""

    def copy(self) -> "NaiveLedger":
        """Return a ledger of its own that may go another way."""
        same: NaiveLedger = copied(self)
        return same

    def balance(self, account: bytes, point_type: str) -> int:
        """Return how many points of a type the account can spend."""
        return sum(lot.points for lot in self.lots_in(account, point_type, "available"))

    def waiting(self, account: bytes, point_type: str) -> int:
        """Return how many points of a type the account has and cannot spend yet."""
        return sum(lot.points for lot in self.lots_in(account, point_type, "pending", "awaiting"))

    def add_point_type(self, kind: PointType) -> None:
        """Begin to count points of a type."""
        self.point_types[kind.id] = kind
        self.issued[kind.id] = self.burned[kind.id] = self.expired[kind.id] = 0

    def make_available(self, whose: tuple[bytes, str], lots: list[NaiveLot]) -> int:
        """Let somebody have lots to spend, of which the first repay what he owes; return how much that was."""
        repaid = 0
        for lot in sorted(lots, key=naive_points.spending_order):
            part = min(lot.points, self.debts.get(whose, 0))
            repaid += part
            self.debts[whose] = self.debts.get(whose, 0) - part
            if lot.points > part:
                self.lots.append(lot._replace(points=lot.points - part, place="available"))
        self.burned[whose[1]] += repaid
        return repaid

    def lots_in(self, account: bytes, point_type: str, *places: str) -> list[NaiveLot]:
        """Return the account's lots of one type that stand in some places."""
        mine = [lot for lot in self.lots if (lot.owner, lot.point_type) == (account, point_type)]
        return [lot for lot in mine if lot.place in places]

    def lots_of(self, account: bytes, point_type: str, place: str) -> list[NaiveLot]:
        """Return the account's lots of one type and place in spending order, those that look alike put together."""
        alike: dict[NaiveLot, int] = {}
        for lot in self.lots_in(account, point_type, place):
            kind = lot._replace(points=0)
            alike[kind] = alike.get(kind, 0) + lot.points
        return sorted((kind._replace(points=points) for kind, points in alike.items()), key=naive_points.spending_order)

    def is_taken(self, item: Transaction) -> bool:
        """Tell whether a block holds the transaction."""
        return item.id in self.receipts

    def may_stand(self, item: Transaction, time: int) -> bool:
        """Tell whether a block of this time may hold the transaction."""
        return item.body.expires_at >= time and not self.is_taken(item)

    def begin_block(self, time: int) -> Counter[tuple[object, ...]]:
        """Do what a block of this time begins with; return the effects that must be told, in whatever order."""
        return naive_time.begin_block(self, time)

    def begin_late_block(self, time: int, named: list[tuple[int, bytes]], most: int) -> Counter[tuple[object, ...]]:
        """Do the same, but only the first of what the real agenda names up to that time."""
        return naive_agenda.begin_late_block(self, time, named, most)

    def reasons(self, item: Transaction, time: int) -> set[Rejection]:
        """Return every reason that holds against the transaction at a block time, ms."""
        found = set()
        if item.body.expires_at < time:
            found.add(Rejection.EXPIRED)
        if item.body.expires_at > time + DAY_MS:
            found.add(Rejection.EXPIRY_TOO_FAR)
        if self.is_taken(item):
            found.add(Rejection.ALREADY_APPLIED)
        return found | NAIVE_RULES[type(item.body)].against(self, item.body, item, time)

    def apply(self, item: Transaction, time: int) -> NaiveReceipt:
        """Take the transaction into a block of this time and return its receipt."""
        found = self.reasons(item, time)
        if found:
            receipt = NaiveReceipt(min(found, key=PRECEDENCE.__getitem__), ())
        else:
            receipt = NaiveReceipt(None, NAIVE_RULES[type(item.body)].act(self, item.body, item, time))
        self.receipts[item.id] = receipt
        self.expiries[item.id] = item.body.expires_at
        return receipt

    def refunded_of(self, merchant: str, order: str) -> int:
        """Return how many fen of an order were refunded."""
        return sum(
            refund.amount_fen
            for _, refund in self.refunds.values()
            if (refund.merchant, refund.order_id) == (merchant, order)
        )


class NaiveRule(NamedTuple):
    """What a kind of transaction does."""

    against: Callable[[NaiveLedger, Any, Transaction, int], set[Rejection]]
    """Given the ledger, the body, the transaction and the block's time: every reason of the kind's own that holds."""
    act: Callable[[NaiveLedger, Any, Transaction, int], tuple[tuple[object, ...], ...]]
    """Does it and returns what the effects' fields should be, in their order."""


NAIVE_RULES: Final[dict[type[TransactionBody], NaiveRule]] = {
    RegisterMember: NaiveRule(naive_members.against_registration, naive_members.register),
    EarnPoints: NaiveRule(naive_points.against_earning, naive_points.earn),
    RefundOrder: NaiveRule(naive_points.against_refund, naive_paying.refund),
    TransferPoints: NaiveRule(naive_points.against_transfer, naive_points.transfer),
    AttestCheckpoint: NaiveRule(naive_checkpoints.against_attestation, naive_checkpoints.attest),
    RecordEvidence: NaiveRule(naive_evidence.against_evidence, naive_evidence.record),
    ProposeChange: NaiveRule(naive_governance.against_proposing, naive_governance.propose),
    VoteOnProposal: NaiveRule(naive_governance.against_vote, naive_governance.vote),
    WithdrawProposal: NaiveRule(naive_governance.against_withdrawal, naive_governance.withdraw),
    ActivateValidator: NaiveRule(naive_governance.against_activation, naive_governance.activate),
    PublishTerms: NaiveRule(naive_terms.against_publication, naive_terms.publish),
    CreatePointType: NaiveRule(naive_terms.against_creation, naive_terms.create),
    ConfirmOrder: NaiveRule(naive_points.against_confirmation, naive_points.confirm),
    PublishTiers: NaiveRule(naive_tiers.against_tiers, naive_tiers.publish_tiers),
    PublishRecognition: NaiveRule(naive_tiers.against_map, naive_tiers.publish_map),
    LockAccount: NaiveRule(naive_locks.against_lock, naive_locks.lock),
    UnlockAccount: NaiveRule(naive_locks.against_unlocking, naive_unlocking.unlock),
    SetBonusPolicy: NaiveRule(naive_bonuses.against_policy, naive_bonuses.set_policy),
    GrantBonus: NaiveRule(naive_bonuses.against_grant, naive_bonuses.grant),
    AdjustPoints: NaiveRule(naive_bonuses.against_adjustment, naive_bonuses.adjust),
    SetAutoRedemption: NaiveRule(naive_auto.against_order, naive_auto.set_order),
    CancelAutoRedemption: NaiveRule(naive_auto.against_cancellation, naive_auto.cancel),
    PublishReward: NaiveRule(naive_rewards.against_reward, naive_rewards.publish),
    AddRewardCodes: NaiveRule(naive_rewards.against_codes, naive_rewards.add_codes),
    RestockReward: NaiveRule(naive_rewards.against_restocking, naive_rewards.restock),
    WithdrawReward: NaiveRule(naive_rewards.against_withdrawal, naive_rewards.withdraw),
    RedeemReward: NaiveRule(naive_rewards.against_redemption, naive_rewards.redeem),
    FulfilRedemption: NaiveRule(naive_rewards.against_ending, naive_rewards.fulfil),
    CancelRedemption: NaiveRule(naive_rewards.against_ending, naive_rewards.cancel),
    SetCashbackPolicy: NaiveRule(naive_cashbacks.against_policy, naive_cashbacks.set_policy),
    RequestCashback: NaiveRule(naive_cashbacks.against_request, naive_cashbacks.request),
    ConfirmCashback: NaiveRule(naive_cashbacks.against_answer, naive_cashbacks.confirm),
    RejectCashback: NaiveRule(naive_cashbacks.against_answer, naive_cashbacks.reject),
    PublishEarningRule: NaiveRule(naive_rules.against_rule, naive_rules.publish_rule),
    SetEarningPolicy: NaiveRule(naive_rules.against_policy, naive_rules.set_policy),
    PublishCampaign: NaiveRule(naive_rules.against_campaign, naive_rules.publish_campaign),
    EndCampaign: NaiveRule(naive_rules.against_end, naive_rules.end_campaign),
    SetOrganizationTags: NaiveRule(naive_rules.against_tags, naive_rules.set_tags),
    CreateDraw: NaiveRule(naive_draws.against_creation, naive_draws.create),
    CommitToDraw: NaiveRule(naive_draws.against_commitment, naive_draws.commit),
    KeepDrawSecrets: NaiveRule(naive_draws.against_keeping, naive_draws.keep),
    EnterDraw: NaiveRule(naive_draws.against_entry, naive_draws.enter),
    RevealSecret: NaiveRule(naive_draws.against_reveal, naive_draws.reveal),
    CancelDraw: NaiveRule(naive_draws.against_cancellation, naive_draws.cancel),
    FulfilPrize: NaiveRule(naive_draws.against_fulfilment, naive_draws.fulfil),
    PublishAcceptance: NaiveRule(naive_payments.against_acceptance, naive_paying.accept),
    SetPaymentPolicy: NaiveRule(naive_payments.against_policy, naive_paying.set_policy),
    PayOrder: NaiveRule(naive_payments.against_payment, naive_paying.pay),
    HoldPoints: NaiveRule(naive_payments.against_hold, naive_paying.hold),
    CaptureHold: NaiveRule(naive_payments.against_capture, naive_paying.capture),
    VoidHold: NaiveRule(naive_payments.against_void, naive_paying.void),
    CreateSwapOffer: NaiveRule(naive_swaps.against_offering, naive_swaps.offer),
    AcceptSwapOffer: NaiveRule(naive_swaps.against_accepting, naive_swaps.accept),
    CancelSwapOffer: NaiveRule(naive_swaps.against_cancelling, naive_swaps.cancel),
}
"""The naive rule of every kind."""
