"""What the SDK returns: the API's answers as frozen records.

Hashes and keys are lowercase hex and accounts bech32m, as they are written everywhere else; points and fen are integers
and times are in UTC. Only what is asked for by `queries.py` is here.
"""

from datetime import datetime

import msgspec

from jifen.ledger.rejections import Rejection


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """Base: unknown fields are left alone, so that a newer server can be asked by an older client."""


class AsOf(Answer, frozen=True):
    """The block that an answer is true at."""

    height: int
    hash: str
    time: datetime


class Peer(Answer, frozen=True):
    """Another validator, as the asked one sees it."""

    id: str
    connected: bool


class RefusedBlock(Answer, frozen=True):
    """A block that a validator could not reproduce and did not acknowledge."""

    height: int
    proposer: str
    """Validator that made it: it is damaged, or the one that was asked."""
    reason: str


class NodeStatus(Answer, frozen=True):
    """A validator's own account of itself."""

    chain_id: str
    organization: str
    role: str
    """`leader`, `follower`, `candidate` or `pre-candidate`."""
    term: int
    leader: str | None
    """Organization of the leader; None while there is none."""
    height: int
    """Height of the answer: committed and readable."""
    committed_height: int
    state_digest: str
    """Running digest of the state at `height`."""
    version: str
    pending_transactions: int
    """Transactions that wait for a block."""
    last_block_time: datetime
    peers: tuple[Peer, ...]
    as_of: AsOf
    refused_block: RefusedBlock | None = None
    """Latest block that it could not reproduce; None once that height is final there."""


class EarnRate(Answer, frozen=True):
    """`points` for every `per_fen` fen spent."""

    points: int
    per_fen: int


class Supply(Answer, frozen=True):
    """How many points of a type exist."""

    issued: int


class PointType(Answer, frozen=True):
    """One kind of points."""

    id: str
    issuer: str
    role: str
    earn_rate: EarnRate | None
    """None: another rule than a flat rate is in force."""
    supply: Supply


class Organization(Answer, frozen=True):
    """A mall or merchant of the alliance."""

    id: str
    name: str
    kind: str
    status: str
    point_types: tuple[PointType, ...]
    public_url: str | None
    validator_key: str


class Overview(Answer, frozen=True):
    """A validator and the organizations, both at one height."""

    node: NodeStatus
    organizations: tuple[Organization, ...]

    def issued_by(self, organization: str) -> int:
        """Return how many points an organization has issued, over all its types."""
        types = (kind for one in self.organizations for kind in one.point_types if one.id == organization)
        return sum(kind.supply.issued for kind in types)


class Lot(Answer, frozen=True):
    """Points of one origin, availability and expiry."""

    points: int
    state: str
    """`AVAILABLE`, `PENDING` until `available_from`, or `AWAITING` the confirmation of its order."""
    origin: str
    available_from: datetime
    expires_at: datetime | None
    """None: never."""
    slides: bool
    """Whether earning again lets it live on."""


class PointBalance(Answer, frozen=True):
    """What an account holds of one type."""

    point_type: str
    available: int
    pending: int
    """Earned, and not to be spent yet."""
    debt: int
    """Taken back by refunds after it was spent; later earnings repay it first."""
    lots: tuple[Lot, ...]
    """The first twenty in spending order, those that can be spent first."""
    held: int = 0
    """Set aside for something that is not decided yet: a hold, an offer, a draw."""
    value_fen: int | None = None
    """What all of them are worth at the issuer's settlement price, fen, rounded down; None while it has none."""


class AccountLock(Answer, frozen=True):
    """Why nothing can be paid out of an account."""

    reason: str
    """`LOST`, `LEAKED` or `DISPUTE`."""
    organizations: tuple[str, ...]
    """Who has set or confirmed it; none: the member has."""
    locked_at: datetime
    until: datetime | None
    """When it lapses; None: two organizations must unlock."""
    transaction: str


class Account(Answer, frozen=True):
    """A member's account."""

    id: str
    key: str
    registered_at: datetime
    balances: tuple[PointBalance, ...]
    as_of: AsOf
    lock: AccountLock | None = None
    """None while it is not locked."""


class BalanceUpdate(Answer, frozen=True):
    """What an account holds after a block."""

    account: str
    balances: tuple[PointBalance, ...]
    as_of: AsOf


class Transaction(Answer, frozen=True):
    """A transaction as a validator knows it."""

    id: str
    status: str
    """`UNKNOWN`, `PENDING` or `COMMITTED`."""
    outcome: str | None
    """`APPLIED` or `REJECTED`; None until it is committed."""
    rejection: str | None
    kind: str | None
    height: int | None
    index: int | None
    receipt: msgspec.Raw
    """The receipt's JSON, whose shape depends on the kind, or null; `effects()` decodes it."""
    as_of: AsOf

    def effects(self) -> list[dict[str, object]]:
        """Return what it did, each effect as the API words it."""
        receipt = msgspec.json.decode(self.receipt, type=_Receipt | None)
        return [] if receipt is None else receipt.effects


class _Receipt(Answer, frozen=True):
    effects: list[dict[str, object]]


class Certificate(Answer, frozen=True):
    """Who signed a block, in which term."""

    term: int
    signers: tuple[str, ...]


class Block(Answer, frozen=True):
    """A committed block without its transactions."""

    height: int
    hash: str
    term: int
    parent_hash: str
    time: datetime
    proposer: str | None
    """None for block 0."""
    state_digest: str
    transaction_count: int
    certificate: Certificate | None


class CheckpointAttestation(Answer, frozen=True):
    """What one voter attested of a checkpoint."""

    validator: str
    block_hash: str
    root: str
    transaction_id: str


class Checkpoint(Answer, frozen=True):
    """The whole state after one block, and who attested which root of it."""

    height: int
    certified: bool
    """Whether a quorum has attested one root."""
    root: str | None
    """That root; None until a quorum has."""
    certified_at: int | None
    """Height of the block that completed the quorum."""
    attestations: tuple[CheckpointAttestation, ...]


class UserError(Answer, frozen=True):
    """Why a submission did not do what was asked."""

    code: str
    message: str


class Submission(Answer, frozen=True):
    """What became of a submitted transaction."""

    id: str | None
    """None when the bytes are no transaction."""
    status: str
    """`ACCEPTED`, `COMMITTED` or `REFUSED`."""
    outcome: str | None
    rejection: str | None
    height: int | None
    message: str
    user_errors: tuple[UserError, ...]

    @property
    def is_applied(self) -> bool:
        """Whether it is committed and took effect."""
        return self.outcome == "APPLIED"

    @property
    def reason(self) -> Rejection | None:
        """The ledger's reason against it, if it gave one."""
        return None if self.rejection is None else Rejection[self.rejection]

    @property
    def error_code(self) -> str | None:
        """The node's reason before the ledger, if it gave one."""
        codes = [error.code for error in self.user_errors if error.code != "REJECTED"]
        return codes[0] if codes else None
