"""Bytes of the state's records, and the digest over a block's writes."""

from collections.abc import Mapping
from typing import Final

from jifen.codec.canonical import StrictDecoder, encode
from jifen.hashing import STATE
from jifen.ledger import state
from jifen.ledger.bonuses.records import BonusBook, BonusMark, ClerkDay
from jifen.ledger.cashback.records import Cashback, CashbackPolicy, CashbackUse
from jifen.ledger.checkpoints.records import Checkpoints
from jifen.ledger.draws.records import Draw, DrawEntry, DrawTally, MemberEntries
from jifen.ledger.evidence.records import EvidenceAgainst
from jifen.ledger.governance.proposals import Governance, Proposal
from jifen.ledger.governance.validators import Validator, ValidatorSet
from jifen.ledger.locks.records import AccountLock
from jifen.ledger.opened.records import MemberOpen, OrganizationOpen
from jifen.ledger.payments.records import AcceptanceRecord, Hold, OrderPayment, PaymentPolicies
from jifen.ledger.points.limits import Moved
from jifen.ledger.points.positions import Position
from jifen.ledger.rewards.records import (
    ListEntry,
    Redemption,
    Reward,
    RewardCode,
    RewardCodeNumber,
    RewardStanding,
    RewardVersion,
)
from jifen.ledger.rewards.standing_orders import StandingOrder
from jifen.ledger.rules.records import (
    Budget,
    CampaignRecord,
    MemberTally,
    OrganizationTags,
    PolicyRecord,
    RuleBook,
    RuleRecord,
)
from jifen.ledger.scheduling import AgendaEntry
from jifen.ledger.swaps.records import BoardEntry, OpenOffers, SwapOffer
from jifen.ledger.terms.records import PointType, TermsRecord
from jifen.ledger.tiers.records import Membership, TierBook
from jifen.ledger.types import (
    Account,
    Holding,
    OrderRecord,
    Organization,
    Record,
    RefundRecord,
    Supply,
    TransactionMark,
)

RECORD_BYTES_MAX: Final = 1 << 20
"""Largest record: a holding of thirty years of daily lots stays below half of it."""

Writes = list[tuple[bytes, bytes | None]]
"""What a block changed in the state: keys in ascending order, each with the bytes of its record, None when deleted."""

DELETED_LENGTH: Final = b"\xff\xff\xff\xff"
"""Stands in the digest for the length of a deleted record: far above RECORD_BYTES_MAX."""

_KINDS: Final[dict[bytes, type[Record]]] = {
    state.ORGANIZATION: Organization,
    state.POINT_TYPE: PointType,
    state.SUPPLY: Supply,
    state.POSITION: Position,
    state.ACCOUNT: Account,
    state.HOLDING: Holding,
    state.ORDER: OrderRecord,
    state.MARK: TransactionMark,
    state.REFUND: RefundRecord,
    state.AGENDA: AgendaEntry,
    state.TERMS: TermsRecord,
    state.RULE_BOOK: RuleBook,
    state.RULE: RuleRecord,
    state.CAMPAIGN: CampaignRecord,
    state.EARNING_POLICY: PolicyRecord,
    state.TAGS: OrganizationTags,
    state.BUDGET: Budget,
    state.TALLY: MemberTally,
    state.VALIDATOR: Validator,
    state.VALIDATOR_SET: ValidatorSet,
    state.CHECKPOINTS: Checkpoints,
    state.EVIDENCE: EvidenceAgainst,
    state.PAYMENT: OrderPayment,
    state.HOLD: Hold,
    state.ACCEPTANCE: AcceptanceRecord,
    state.POLICIES: PaymentPolicies,
    state.PROPOSAL: Proposal,
    state.GOVERNANCE: Governance,
    state.TIERS: TierBook,
    state.MEMBERSHIP: Membership,
    state.LOCK: AccountLock,
    state.MOVED: Moved,
    state.REWARD: Reward,
    state.REWARD_VERSION: RewardVersion,
    state.REWARD_CODE: RewardCode,
    state.REWARD_CODE_INDEX: RewardCodeNumber,
    state.REDEMPTION: Redemption,
    state.REDEMPTIONS_OF_ACCOUNT: ListEntry,
    state.REWARD_STANDING: RewardStanding,
    state.CASHBACK: Cashback,
    state.CASHBACK_POLICY: CashbackPolicy,
    state.CASHBACK_USE: CashbackUse,
    state.CASHBACKS_OF_ACCOUNT: ListEntry,
    state.CASHBACKS_OPEN: ListEntry,
    state.DRAW: Draw,
    state.DRAW_ENTRY: DrawEntry,
    state.DRAW_TALLY: DrawTally,
    state.DRAW_MEMBER: MemberEntries,
    state.OFFER: SwapOffer,
    state.BOARD: BoardEntry,
    state.OPEN_OFFERS: OpenOffers,
    state.ORGANIZATION_OPEN: OrganizationOpen,
    state.MEMBER_OPEN: MemberOpen,
}

_DECODERS: Final[dict[bytes, StrictDecoder[Record]]] = {
    prefix: StrictDecoder(kind, what=kind.__name__, bytes_max=RECORD_BYTES_MAX) for prefix, kind in _KINDS.items()
}

_DECODERS[state.BONUS] = StrictDecoder(
    BonusBook | BonusMark | ClerkDay | StandingOrder, what="record of bonuses", bytes_max=RECORD_BYTES_MAX
)


def decode_record(key: bytes, data: bytes) -> Record:
    """Return the record stored under `key`; raises Malformed, KeyError for a key of no known table."""
    return _DECODERS[key[:1]](data)


def encode_writes(writes: Mapping[bytes, Record | None]) -> Writes:
    """Return a block's writes as sorted (key, bytes) pairs, ready for digest and store; None deletes."""
    return [(key, None if (record := writes[key]) is None else encode(record)) for key in sorted(writes)]


def state_digest(before: bytes, writes: Writes) -> bytes:
    """Return the running digest after a block: constant cost, and any divergence shows at the block where it happens.

    Keys and values go in with their lengths as four-byte numbers; a deleted key has DELETED_LENGTH and no value.
    """
    parts = [before]
    for key, value in writes:
        parts += (len(key).to_bytes(4, "big"), key)
        parts += (DELETED_LENGTH,) if value is None else (len(value).to_bytes(4, "big"), value)
    return STATE(b"".join(parts))
