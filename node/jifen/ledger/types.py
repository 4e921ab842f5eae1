"""Identifiers, limits and records of the ledger.

Records are the values of the state: what one key of `state.py` holds. They are frozen; a rule replaces a record, it
never edits one. Their field order is their encoding (see `jifen.codec.records`), so new fields go to the end and a
change of meaning needs a new format version.
"""

from enum import IntEnum, IntFlag
from typing import Annotated, NewType

import msgspec
from msgspec import Meta

OrganizationId = NewType("OrganizationId", str)
"""Slug of an organization, `[a-z0-9-]{1,32}`; the validator it began with goes by the same name."""

PointTypeId = NewType("PointTypeId", str)
"""Name of a point type: `<issuer>/<role>`, for example `north-music/consumer`."""

AccountId = NewType("AccountId", bytes)
"""Twenty bytes naming an account for life; keys bound to it may change. Text form: BIP-350 bech32m, prefix `jf`."""

TransactionId = NewType("TransactionId", bytes)
"""Thirty-two bytes: the domain-tagged hash of chain id, signers and body, which is also what the signers sign."""

PublicKey = NewType("PublicKey", bytes)
"""Thirty-two bytes: an x-only public key (BIP-340)."""

POINTS_MAX = 2**53 - 1
"""Largest quantity of points in one lot, sum or supply: the largest integer that a JavaScript client reads exactly."""

AMOUNT_FEN_MAX = 10**12
"""Largest amount of one purchase, in fen: ten billion yuan, far above any till, far below an overflow."""

RATE_TERM_MAX = 10**9
"""Largest numerator or denominator of a rate: with AMOUNT_FEN_MAX a product stays under 2**70, cheap for Python."""

COEFFICIENT_NUMERATOR_MAX = 10_000
COEFFICIENT_DENOMINATOR_MAX = 100
"""Largest terms of a coefficient: hundredths, up to ten thousand of them. The factor that a tier and all campaigns make
together then has terms that a JavaScript client reads exactly."""

LEGS_MAX = 3
"""Roles beside the customer that earn on an order: guide, store, distributor. Fixed, and without levels below."""

RULE_VERSION_MAX = 10**9
"""Largest version of a rule: far beyond any number of changes, and encodable, which not every JSON integer is."""

TIME_MAX = 2**48
"""Latest time that a record names, ms: the year 10889."""

TRANSACTION_LIFETIME_MS_MAX = 24 * 60 * 60 * 1000
"""A transaction may expire at most this long after the block that takes it: an unsent one cannot surprise for ever."""

# `\Z`, not `$`: that one lets a line feed follow, and an order id with one would be a second order that looks the same.
SLUG_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\Z"
POINT_TYPE_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?/(consumer|guide|store|distributor)\Z"
ORDER_ID_PATTERN = r"^[\x21-\x7e]{1,64}\Z"
# A name, an IPv4 address, or an IPv6 address without brackets.
HOST_PATTERN = r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4}){2,7})\Z"
URL_PATTERN = (
    r"^https?://([A-Za-z0-9]([A-Za-z0-9._-]{0,120}[A-Za-z0-9])?|\[[0-9a-fA-F:]{2,39}\])"
    r"(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~/-]{0,80})?\Z"
)

Slug = Annotated[str, Meta(pattern=SLUG_PATTERN, max_length=32)]
PointTypeName = Annotated[str, Meta(pattern=POINT_TYPE_PATTERN, max_length=44)]
OrderId = Annotated[str, Meta(pattern=ORDER_ID_PATTERN, max_length=64)]
AccountBytes = Annotated[bytes, Meta(min_length=20, max_length=20)]
HashBytes = Annotated[bytes, Meta(min_length=32, max_length=32)]
KeyBytes = Annotated[bytes, Meta(min_length=32, max_length=32)]
Quantity = Annotated[int, Meta(ge=0, le=POINTS_MAX)]
PositiveQuantity = Annotated[int, Meta(ge=1, le=POINTS_MAX)]
AmountFen = Annotated[int, Meta(ge=0, le=AMOUNT_FEN_MAX)]
RateTerm = Annotated[int, Meta(ge=1, le=RATE_TERM_MAX)]
RateOrNone = Annotated[int, Meta(ge=0, le=RATE_TERM_MAX)]
RuleVersion = Annotated[int, Meta(ge=1, le=RULE_VERSION_MAX)]
OrganizationName = Annotated[str, Meta(min_length=1, max_length=64)]
TimeMs = Annotated[int, Meta(ge=0, le=TIME_MAX)]
Height = Annotated[int, Meta(ge=0, le=2**53)]
HostName = Annotated[str, Meta(pattern=HOST_PATTERN, max_length=253)]
PortNumber = Annotated[int, Meta(ge=1, le=65535)]
UrlText = Annotated[str, Meta(pattern=URL_PATTERN, max_length=256)]


class OrganizationKind(IntEnum):
    """What an organization is in the alliance."""

    MALL = 1
    MERCHANT = 2


class OrganizationStatus(IntEnum):
    """Whether an organization may act. Only an ACTIVE one issues points (invariant I4)."""

    ACTIVE = 1
    SUSPENDED = 2


class RoleClass(IntEnum):
    """Who a point type is for."""

    CONSUMER = 1
    GUIDE = 2
    STORE = 3
    DISTRIBUTOR = 4


class Scope(IntFlag):
    """What an operator key may do for its organization."""

    ADMIN = 1
    ISSUER = 2
    CASHIER = 4
    TREASURER = 8
    LOCK_OFFICER = 16


SCOPES_ALL = Scope.ADMIN | Scope.ISSUER | Scope.CASHIER | Scope.TREASURER | Scope.LOCK_OFFICER
"""What a key can be allowed at most; a negative bit set would allow everything there will ever be."""


class LotOrigin(IntEnum):
    """How a lot first came into its holder's hands."""

    EARNED = 1
    TRANSFERRED = 2
    SWAPPED = 3
    BONUS = 4


class Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Base of everything the state holds."""


class Operator(Record, frozen=True):
    """A key that acts for an organization."""

    key: KeyBytes
    """X-only public key (BIP-340)."""
    scopes: Annotated[int, Meta(ge=0, le=int(SCOPES_ALL))]
    """Bit set of `Scope`."""


class Organization(Record, frozen=True):
    """A mall or merchant of the alliance."""

    id: Slug
    name: OrganizationName
    """What people call it."""
    kind: OrganizationKind
    status: OrganizationStatus
    operators: tuple[Operator, ...]
    """Keys that act for it. Invariant: no key twice."""
    validator_key: KeyBytes
    """Key of its voter, or of its last or first one while it has none."""

    def scopes_of(self, key: bytes) -> int:
        """Return the scopes of `key` as a bit set of `Scope`; 0 when it is no operator key of this organization."""
        for operator in self.operators:
            if operator.key == key:
                return operator.scopes
        return 0


class Account(Record, frozen=True):
    """A member's account."""

    id: AccountBytes
    key: KeyBytes
    """Key that moves this account's points."""
    registered_at: TimeMs
    """Block time of the registration, ms."""
    locked_until: TimeMs = 0
    """Block time up to which it is locked, ms, `locks.UNTIL_UNLOCKED` when no end is set; 0: it is not locked, or its
    lock has ended and all that follows from that is done."""


class Lot(Record, frozen=True):
    """Points of one type that share origin, availability and expiry. Lots equal in all but quantity merge."""

    points: PositiveQuantity
    origin: LotOrigin
    available_from: TimeMs
    """Block time from which they can be spent, ms, a boundary of the issuer's local days so that the lots of a day
    merge. Of points that wait for the confirmation of their order it is the day of the order."""
    expires_at: TimeMs
    """Block time at which they expire, ms; 0 means never."""
    renewal_days: Annotated[int, Meta(ge=0)] = 0
    """Days that they live on after the account earns again (sliding expiry); 0: `expires_at` is fixed.

    Invariant: 0 unless EARNED; what was received never slides (I9)."""
    paused_days: Annotated[int, Meta(ge=0)] = 0
    """Days by which `expires_at` has moved while its account was locked: without them it is the date that the points
    were earned with.

    Invariant: 0 unless EARNED and not sliding: nobody asks for the others by their date."""


class Holding(Record, frozen=True):
    """An account's points of one type.

    Invariant: `available` is the sum of `lots`, `pending` that of `pending_lots` and `awaiting_lots`; each stands in
    spending order and no two lots of one differ in quantity only. `held` is what the records of `held.HELD_IN` keep. A
    holding of nothing, neither points nor debt nor `lapsed`, has no record. The agenda names the holding at `due`, not
    later than anything that is to happen to it.
    """

    available: Quantity
    lots: tuple[Lot, ...]
    """Can be spent."""
    debt: Quantity = 0
    """Points that refunds have taken back but that were spent already; later earnings repay them first. They are no
    part of `available` and of no lot."""
    pending: Quantity = 0
    pending_lots: tuple[Lot, ...] = ()
    """Earned, and to be spent once their `available_from` has come."""
    awaiting_lots: tuple[Lot, ...] = ()
    """Earned, and to be spent once their order is confirmed."""
    lapsed: tuple[Lot, ...] = ()
    """Points of its own earning that have expired unspent: a refund of their order does not ask for them again."""
    due: TimeMs = 0
    """Block time at which the agenda looks at this holding, ms; 0: never."""
    held: Quantity = 0
    """Set aside for something that is not decided yet: a hold, an offer, an entry of a draw. The record of that keeps
    the lots; they keep their dates meanwhile, and nothing expires while it is held."""


class Supply(Record, frozen=True):
    """How many points of one type exist.

    Invariant I1: `issued - burned - expired` is the sum of all holdings of the type, pending and held points included,
    and of all organizations' positions in it.
    """

    issued: Quantity
    burned: Quantity
    expired: Quantity = 0

    @property
    def outstanding(self) -> int:
        """Points that somebody holds."""
        return self.issued - self.burned - self.expired


class CampaignGrant(Record, frozen=True):
    """What a campaign gave to a leg of an order at most; refunds give it back in step with the order."""

    campaign: Slug
    points: Quantity


class ItemPart(Record, frozen=True):
    """What of an order earns under one item rule."""

    rule: Annotated[int, Meta(ge=0, le=255)]
    """Place of the item rule in its earning rule, from 0."""
    amount_fen: AmountFen


class Credit(Record, frozen=True):
    """What an earning rule made of a leg of an order, and from what: refunds compute it anew for the part kept.

    The rule itself is the version that the leg names; it and the campaigns are in the history for good.

    Invariant: of nothing more was returned than was bought, and all of it is part of what was refunded.
    """

    before_fen: Quantity
    """What the account had spent in the period before, fen; 0 when the rule looks at orders alone."""
    bracket_fen: AmountFen
    """What of the order earns by brackets, fen."""
    parts: tuple[ItemPart, ...]
    """What of it earns by item rules, in their order."""
    visit_points: Quantity
    """Points for coming at all."""
    numerator: Annotated[int, Meta(ge=1, le=COEFFICIENT_NUMERATOR_MAX)]
    """Coefficient of the account's tier when the order was credited ..."""
    denominator: Annotated[int, Meta(ge=1, le=COEFFICIENT_DENOMINATOR_MAX)]
    base: Quantity
    """Points granted without campaigns."""
    campaigns: tuple[CampaignGrant, ...]
    """Campaigns that held, in order of their ids."""
    until: TimeMs = 0
    """End of the period in whose tally the leg counts, ms; 0: in none."""
    paid: tuple[AmountFen, ...] = ()
    """What of the order points have paid, which earns nothing, fen: of what brackets would take, then of what each of
    `parts` would. Empty: nothing."""
    returned: tuple[AmountFen, ...] = ()
    """What of the order refunds have named, fen, likewise, before anything was paid with points. Empty: nothing."""

    def bought(self) -> tuple[int, ...]:
        """Return what the order came to, fen: of what brackets take, then of each of `parts`, points paid or not."""
        earning = (self.bracket_fen, *(part.amount_fen for part in self.parts))
        return tuple(map(sum, zip(earning, self.paid, strict=True))) if self.paid else earning


class Leg(Record, frozen=True):
    """What an order gave to a guide, a store or a distributor; its fields are those of `OrderRecord`."""

    account: AccountBytes
    point_type: PointTypeName
    rule_version: RuleVersion
    earn_points: RateOrNone
    earn_fen: RateOrNone
    terms_version: Annotated[int, Meta(ge=1)]
    available_from: TimeMs
    expires_at: TimeMs
    renewal_days: Annotated[int, Meta(ge=0)]
    awaiting: bool
    credit: Credit | None


class OrderRecord(Record, frozen=True):
    """A credited order (invariant I3): who was credited, at which rate, and how much of it was refunded.

    Invariant: `refunded_fen <= amount_fen`. The rate is kept because refunds undo the order at the rate it had.
    """

    transaction_id: HashBytes
    """Transaction that credited it."""
    account: AccountBytes
    point_type: PointTypeName
    rule_version: RuleVersion
    earn_points: RateOrNone
    """The flat rate, `earn_points` for every `earn_fen` fen; both 0 when `credit` says how it was earned."""
    earn_fen: RateOrNone
    amount_fen: AmountFen
    refunded_fen: AmountFen = 0
    terms_version: Annotated[int, Meta(ge=1)] = 1
    """Version of the point type's terms that gave its points their dates."""
    available_from: TimeMs = 0
    """As in the lot that holds its points."""
    expires_at: TimeMs = 0
    """As in that lot, when it was earned."""
    renewal_days: Annotated[int, Meta(ge=0)] = 0
    """As in that lot."""
    awaiting: bool = False
    """Whether its points wait for its confirmation."""
    credit: Credit | None = None
    """None: the flat rate."""
    legs: Annotated[tuple[Leg, ...], Meta(max_length=LEGS_MAX)] = ()
    """What it gave to others than the customer."""
    qualifies: bool = False
    """Whether its points count for a tier: its merchant had tiers by then. What never counted no refund takes."""

    @property
    def every_leg(self) -> "tuple[OrderRecord | Leg, ...]":
        """The customer's leg, which is the order itself, and the others."""
        return (self, *self.legs)


class RefundRecord(Record, frozen=True):
    """Proof that a refund was taken in (invariant I3): the transaction that did it."""

    transaction_id: HashBytes


class TransactionMark(Record, frozen=True):
    """Proof that a transaction id was taken into a block; its key begins with the expiry, to clear old ones by."""

    height: Annotated[int, Meta(ge=1)]


EMPTY_HOLDING = Holding(available=0, lots=())
EMPTY_SUPPLY = Supply(issued=0, burned=0)
