"""The GraphQL operations that the SDK sends: document, the field of the answer, and the record it becomes."""

from typing import Any, Final, Generic, TypeVar, final

import msgspec

from jifen.client.errors import ProtocolFault
from jifen.client.records import (
    Account,
    BalanceUpdate,
    Block,
    Checkpoint,
    NodeStatus,
    Organization,
    Overview,
    PointBalance,
    Submission,
    Transaction,
)

T = TypeVar("T")


@final
class Operation(Generic[T]):
    """An operation and how its answer is read."""

    def __init__(self, document: str, field: str | None, kind: Any) -> None:
        """Answers of `document` have a `kind` under `field`, or are one when `field` is None."""
        self.document = document
        self.field = field
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind, strict=False)

    def decode(self, url: str, data: bytes) -> T:
        """Return the record in an answer's data; raises ProtocolFault naming the URL that gave it."""
        try:
            if self.field is not None:
                data = msgspec.json.decode(data, type=dict[str, msgspec.Raw])[self.field]
            return self._decoder.decode(data)
        except (msgspec.DecodeError, KeyError) as error:
            raise ProtocolFault(url, f"answers in another shape than expected: {error}") from None


_AS_OF: Final = "asOf { height hash time }"
_NODE: Final = (
    "node { chainId organization role term leader height committedHeight stateDigest version pendingTransactions "
    f"lastBlockTime peers {{ id connected }} refusedBlock {{ height proposer reason }} {_AS_OF} }}"
)
_ORGANIZATIONS: Final = (
    "organizations { id name kind status publicUrl validatorKey "
    "pointTypes { id issuer role earnRate { points perFen } supply { issued } } }"
)
_BALANCE: Final = (
    "{ pointType available pending held debt valueFen lots { points state origin availableFrom expiresAt slides } }"
)
_BLOCK: Final = "height hash term parentHash time proposer stateDigest transactionCount certificate { term signers }"
_EFFECTS: Final = (
    "effects { __typename "
    "... on MemberRegistered { account key } "
    "... on PointsEarned { merchant account pointType ruleVersion amountFen points availableAfter debtRepaid "
    "termsVersion availableFrom pointsExpireAt pendingAfter } "
    "... on PointsRevoked { merchant account pointType ruleVersion amountFen orderAmountFen orderRefundedFen points "
    "availableAfter debtAfter lapsed pendingAfter returnedFen } "
    "... on PointsExpired { account pointType points expiresAt availableAfter pendingAfter } "
    "... on PointsActivated { account pointType points debtRepaid availableAfter pendingAfter confirmedBy "
    "confirmedOrder } "
    "... on ExpiryAnnounced { account pointType points expiresAt days } "
    "... on TermsPublished { pointType version hash effectiveFrom } "
    "... on TermsInForce { pointType version hash } "
    "... on EarningRulePublished { pointType version hash effectiveFrom } "
    "... on EarningRuleInForce { pointType version hash } "
    "... on EarningPolicySet { mall version hash } "
    "... on CampaignPublished { pointType campaign hash startsAt endsAt } "
    "... on CampaignEnded { pointType campaign points } "
    "... on OrganizationTagged { organization regions industries } "
    "... on ChangeProposed { number organization openUntil approvals needed asked status } "
    "... on VoteCounted { number proposal organization approve approvals refusals needed asked status } "
    "... on ProposalWithdrawn { number proposal organization } "
    "... on ValidatorAdmitted { validator organization newcomer replaces } "
    "... on ValidatorRemoved { validator organization votesOn } "
    "... on ValidatorActivated { validator organization replaced } "
    "... on CheckpointAttested { validator height blockHash root agreeing certified } "
    "... on EvidenceRecorded { validator kind term height firstHash secondHash recorded } "
    "... on AccountLocked { account lockReason organizations lockedAt until } "
    "... on SwapOffered { offer maker giveType givePoints wantType wantPoints valueFen openUntil availableAfter } "
    "... on PointsSwapped { offer maker taker giveType points wantType pays valueFen left makerAvailableAfter "
    "takerAvailableAfter takerAvailableLeft } "
    "... on SwapOfferClosed { offer maker end giveType points debtRepaid availableAfter } "
    "... on AccountUnlocked { account unlockReason organizations lockedAt days } "
    "... on PointsQualified { organization account qualifiedPoints periodPoints tier lifetime } "
    "... on TierChanged { organization account change tierBefore tier judgedPoints programmeVersion judgedAt } "
    "... on TierAtRisk { organization account tier judgedPoints missing graceUntil } "
    "... on TiersPublished { organization programmeVersion } "
    "... on RecognitionPublished { organization mapVersion } "
    "... on BonusPolicySet { organization policyVersion } "
    "... on BonusGranted { issuer account pointType points cause causeKey reason clerk policyVersion debtRepaid "
    "termsVersion availableFrom pointsExpireAt availableAfter pendingAfter } "
    "... on AutoRedemptionSet { account organization reward threshold perDay until } "
    "... on AutoRedemptionEnded { account organization reward hasLapsed } "
    "... on AutoRedeemed { account organization reward pointType threshold today standingOrder } "
    "... on PointsAdjusted { issuer account pointType direction points causeKey reasonCode reason clerk policyVersion "
    "debtRepaid availableAfter debtAfter pendingAfter } "
    "... on RewardPublished { reward rewardVersion stockAfter } "
    "... on RewardCodesAdded { reward first added stockAfter } "
    "... on RewardRestocked { reward added stockAfter } "
    "... on RewardWithdrawn { reward rewardVersion } "
    "... on RewardRedeemed { reward redemptionNumber rewardVersion account pointType points priceTier "
    "tradeRate { points fen } commitment heldUntil stockAfter availableAfter } "
    "... on RedemptionFulfilled { reward redemptionNumber account pointType points tradeRate { points fen } burned } "
    "... on RedemptionCancelled { reward redemptionNumber account pointType points debtRepaid availableAfter "
    "stockAfter cancelledBecause } "
    "... on CashbackPolicySet { pointType policyVersion tradeRate { points fen } minimumPoints dayPoints monthPoints "
    "dueDays } "
    "... on CashbackRequested { pointType cashbackNumber account points tradeRate { points fen } policyVersion "
    "amountFen dueAt availableAfter } "
    "... on CashbackConfirmed { pointType cashbackNumber account points amountFen referenceHash overdue } "
    "... on CashbackRejected { pointType cashbackNumber account points debtRepaid availableAfter rejectedBecause } "
    "... on CashbackOverdue { pointType cashbackNumber account points amountFen dueAt } "
    "... on AcceptancePublished { organization pointType acceptance { version } } "
    "... on PaymentPolicySet { policiesRevision policy { organization version shareBp } } "
    "... on OrderPaid { merchant orderId account amountFen paidFen moneyFen shareBp policiesRevision capturedHold "
    "paidParts { pointType points fen rate { points fen } acceptanceVersion availableAfter } } "
    "... on PointsHeld { organization orderId account hold amountFen heldFen shareBp policiesRevision runsOutAt "
    "heldParts { pointType points fen rate { points fen } acceptanceVersion availableAfter } } "
    "... on PointsReleased { organization account hold timedOut "
    "returnedParts { pointType points fen debtRepaid availableAfter } } "
    "... on PointsGivenBack { merchant orderId account amountFen orderAmountFen orderRefundedFen orderPaidFen moneyFen "
    "restFen returnedParts { pointType points fen debtRepaid availableAfter } } "
    "... on DrawCreated { organization draw drawHash prizeCount closeHeight settleBy } "
    "... on SecretCommitted { organization draw committer missingCommitters } "
    "... on SecretsKept { organization draw committer opened } "
    "... on DrawEntered { organization draw account firstNumber entryCount pointType points availableAfter digest } "
    "... on SecretRevealed { organization draw committer pieces missingPieces } "
    "... on DrawCancelled { organization draw cancellation entryCount } "
    "... on PrizeFulfilled { organization draw number account prize } "
    "... on WinnersDrawn { organization draw entryCount digest seed winnerCount withheld } "
    "... on EntriesSettled { organization draw account firstNumber entryCount pointType points refunded debtRepaid } "
    "... on DrawEnded { organization draw drawStatus refundReason entryCount withheld } "
    "... on PointsTransferred { sender recipient pointType points senderAvailableAfter "
    "recipientAvailableAfter } }"
)
_SUBMISSION: Final = "{ id status outcome rejection height message userErrors { code message } }"

NODE: Final = Operation[NodeStatus](f"query Node {{ {_NODE} }}", "node", NodeStatus)
ORGANIZATIONS: Final = Operation[tuple[Organization, ...]](
    f"query Organizations {{ {_ORGANIZATIONS} }}", "organizations", tuple[Organization, ...]
)
OVERVIEW: Final = Operation[Overview](f"query Overview {{ {_NODE} {_ORGANIZATIONS} }}", None, Overview)
ACCOUNT: Final = Operation[Account | None](
    "query Account($id: AccountId!, $minHeight: Int, $consistency: Consistency!) "
    "{ account(id: $id, minHeight: $minHeight, consistency: $consistency) "
    f"{{ id key registeredAt lock {{ reason organizations lockedAt until transaction }} "
    f"balances {_BALANCE} {_AS_OF} }} }}",
    "account",
    Account | None,
)
BALANCES: Final = Operation[tuple[PointBalance, ...]](
    "query Balances($account: AccountId!, $minHeight: Int, $consistency: Consistency!) "
    f"{{ pointBalances(account: $account, minHeight: $minHeight, consistency: $consistency) {_BALANCE} }}",
    "pointBalances",
    tuple[PointBalance, ...],
)
TRANSACTION: Final = Operation[Transaction](
    "query Transaction($id: Hash!, $minHeight: Int) { transaction(id: $id, minHeight: $minHeight) "
    f"{{ id status outcome rejection kind height index receipt {{ {_EFFECTS} }} {_AS_OF} }} }}",
    "transaction",
    Transaction,
)
BLOCK: Final = Operation[Block | None](
    f"query Block($height: Int!) {{ block(height: $height) {{ {_BLOCK} }} }}", "block", Block | None
)
CHECKPOINTS: Final = Operation[tuple[Checkpoint, ...]](
    "query Checkpoints { checkpoints { height certified root certifiedAt "
    "attestations { validator blockHash root transactionId } } }",
    "checkpoints",
    tuple[Checkpoint, ...],
)
SUBMIT: Final = Operation[tuple[Submission, ...]](
    "mutation Submit($bytes: [Base64!]!, $waitFor: WaitFor!) "
    f"{{ submitTransactions(bytes: $bytes, waitFor: $waitFor) {_SUBMISSION} }}",
    "submitTransactions",
    tuple[Submission, ...],
)
EARN: Final = Operation[Submission](
    "mutation Earn($order: String!, $account: AccountId!, $amount: Points!, $type: String, $items: [OrderLineInput!], "
    "$guide: AccountId, $store: AccountId, $distributor: AccountId) "
    "{ earnPoints(merchantOrderId: $order, account: $account, amountFen: $amount, pointType: $type, items: $items, "
    f"guide: $guide, store: $store, distributor: $distributor) {_SUBMISSION} }}",
    "earnPoints",
    Submission,
)
REFUND: Final = Operation[Submission](
    "mutation Refund($order: String!, $refund: String!, $amount: Points!, $items: [OrderLineInput!]) "
    "{ refundOrder(merchantOrderId: $order, merchantRefundId: $refund, amountFen: $amount, items: $items) "
    f"{_SUBMISSION} }}",
    "refundOrder",
    Submission,
)
CONFIRM: Final = Operation[Submission](
    f"mutation Confirm($order: String!) {{ confirmOrder(merchantOrderId: $order) {_SUBMISSION} }}",
    "confirmOrder",
    Submission,
)
BLOCKS_SUBSCRIPTION: Final = Operation[Block](
    f"subscription Blocks($after: Int) {{ blocks(after: $after) {{ {_BLOCK} }} }}", "blocks", Block
)
BALANCE_SUBSCRIPTION: Final = Operation[BalanceUpdate](
    "subscription Balance($account: AccountId!) "
    f"{{ balance(account: $account) {{ account balances {_BALANCE} {_AS_OF} }} }}",
    "balance",
    BalanceUpdate,
)
