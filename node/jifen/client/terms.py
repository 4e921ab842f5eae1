"""Point types and their terms as the API tells them: records, the operations that ask for them, and the way back.

`Terms.to_ledger` makes of an answer what a transaction carries, so that the terms in force can be taken, changed and
published as the next version.
"""

from datetime import UTC, datetime
from typing import Final

import msgspec

from jifen.client.queries import Operation
from jifen.client.records import Answer, EarnRate
from jifen.ledger.terms import records as ledger
from jifen.ledger.types import POINTS_MAX


class ExpiryPolicy(Answer, frozen=True, forbid_unknown_fields=True):
    """When points expire; what the mode does not speak of is None."""

    mode: str = "NEVER"
    """`NEVER`, `ROLLING`, `CALENDAR` or `SLIDING`."""
    days: int | None = None
    month: int | None = None
    """Of a CALENDAR expiry once a year; None: every month."""
    day: int | None = None
    periods: int | None = None

    def to_ledger(self) -> ledger.Expiry:
        """Return the ledger's form; raises ValueError for a mode that does not exist or lacks a field."""
        if self.mode == "NEVER":
            return ledger.NeverExpires()
        if self.mode == "ROLLING" and self.days is not None:
            return ledger.RollingExpiry(self.days)
        if self.mode == "SLIDING" and self.days is not None:
            return ledger.SlidingExpiry(self.days)
        if self.mode == "CALENDAR" and self.day is not None:
            return ledger.CalendarExpiry(self.month or 0, self.day, self.periods or 0)
        raise ValueError("expiry: NEVER, ROLLING or SLIDING with days, or CALENDAR with day, month and periods")


class PendingPolicy(Answer, frozen=True, forbid_unknown_fields=True):
    """When earned points can be spent."""

    mode: str = "IMMEDIATE"
    """`IMMEDIATE`, `DAYS` or `ON_CONFIRMATION`."""
    days: int | None = None

    def to_ledger(self) -> ledger.Pending:
        """Return the ledger's form; raises ValueError for a mode that does not exist or lacks a field."""
        if self.mode == "IMMEDIATE":
            return ledger.ImmediatelyAvailable()
        if self.mode == "DAYS" and self.days is not None:
            return ledger.AvailableAfterDays(self.days)
        if self.mode == "ON_CONFIRMATION":
            return ledger.AvailableOnConfirmation()
        raise ValueError("pending: IMMEDIATE, DAYS with days, or ON_CONFIRMATION")


class SettlementPrice(Answer, frozen=True, forbid_unknown_fields=True):
    """The issuer buys `points` points back for `fen` fen."""

    points: int = 1
    fen: int = 0


class Backing(Answer, frozen=True, forbid_unknown_fields=True):
    """What another organization stands behind the points with."""

    kind: str
    """`DEPOSIT` or `CREDIT_LINE`."""
    guarantor: str
    amount_fen: int

    def to_ledger(self) -> ledger.Backing:
        """Return the ledger's form; raises ValueError for a kind that does not exist."""
        if self.kind == "DEPOSIT":
            return ledger.Deposit(self.guarantor, self.amount_fen)
        if self.kind == "CREDIT_LINE":
            return ledger.CreditLine(self.guarantor, self.amount_fen)
        raise ValueError("backing: kind is DEPOSIT or CREDIT_LINE")


class MovingLimits(Answer, frozen=True, forbid_unknown_fields=True):
    """What a member may pass on and receive in a day."""

    transfers: int = ledger.TRANSFERS_A_DAY
    points: int | None = None
    """None: as many as it has."""
    receipts: int = ledger.RECEIPTS_A_DAY

    def to_ledger(self) -> ledger.MovingLimits:
        """Return the ledger's form."""
        return ledger.MovingLimits(self.transfers, POINTS_MAX if self.points is None else self.points, self.receipts)


class SwapCorridor(Answer, frozen=True, forbid_unknown_fields=True):
    """What a swap may settle the points at, in percent of the settlement price."""

    lowest_percent: int = ledger.SWAP_LOWEST_PERCENT
    highest_percent: int = ledger.PERCENT_MAX


class Terms(Answer, frozen=True):
    """One version of what an issuer promises about a point type."""

    version: int = 0
    hash: str = ""
    effective_from: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    decimals: int = 0
    settlement_price: SettlementPrice = SettlementPrice()
    expiry: ExpiryPolicy = ExpiryPolicy()
    pending: PendingPolicy = PendingPolicy()
    utc_offset_minutes: int = 0
    transferable: bool = True
    swappable: bool = False
    cashable: bool = False
    accepted_by: tuple[str, ...] = ()
    issue_cap: int | None = None
    """None: no cap."""
    backing: Backing | None = None
    limits: MovingLimits = MovingLimits()
    swap_corridor: SwapCorridor = SwapCorridor()

    def to_ledger(self, version: int, effective_from: int = 0) -> ledger.Terms:
        """Return the ledger's form as another version; raises ValueError when a policy is none.

        Args:
            version: number of the version to be published.
            effective_from: block time from which it is to hold, ms; 0: from its block on.
        """
        return ledger.Terms(
            version=version,
            effective_from=effective_from,
            decimals=self.decimals,
            settlement_points=self.settlement_price.points,
            settlement_fen=self.settlement_price.fen,
            expiry=self.expiry.to_ledger(),
            pending=self.pending.to_ledger(),
            utc_offset_minutes=self.utc_offset_minutes,
            transferable=self.transferable,
            swappable=self.swappable,
            cashable=self.cashable,
            accepted_by=tuple(sorted(self.accepted_by)),
            issue_cap=POINTS_MAX if self.issue_cap is None else self.issue_cap,
            backing=ledger.Unbacked() if self.backing is None else self.backing.to_ledger(),
            limits=self.limits.to_ledger(),
            corridor=ledger.SwapCorridor(self.swap_corridor.lowest_percent, self.swap_corridor.highest_percent),
        )


TERMS_CHANGEABLE: Final = frozenset(
    {
        "decimals",
        "settlementPrice",
        "expiry",
        "pending",
        "utcOffsetMinutes",
        "transferable",
        "swappable",
        "cashable",
        "acceptedBy",
        "issueCap",
        "backing",
        "limits",
        "swapCorridor",
    }
)
"""What a version may say anew, by the API's names; version, hash and time follow from its publication."""


def changed_terms(before: Terms, changes: bytes) -> Terms:
    """Return terms with the fields of a JSON object put in, in the form in which the API shows them.

    Raises ValueError saying what to mend: nothing that is misspelt may pass for something left as it was.
    """
    try:
        given = msgspec.json.decode(changes, type=dict[str, msgspec.Raw])
        unknown = sorted(given.keys() - TERMS_CHANGEABLE - {"version", "hash", "effectiveFrom"})
        if unknown:
            raise ValueError(f"terms have no {', '.join(unknown)}; they have {', '.join(sorted(TERMS_CHANGEABLE))}")
        whole = msgspec.json.decode(msgspec.json.encode(before), type=dict[str, msgspec.Raw])
        whole |= {name: value for name, value in given.items() if name in TERMS_CHANGEABLE}
        return msgspec.json.decode(msgspec.json.encode(whole), type=Terms)
    except msgspec.DecodeError as error:
        raise ValueError(f"these are no terms: {error}") from None


class PublishedTerms(Answer, frozen=True):
    """A version in the history of a point type."""

    terms: Terms
    published_at: datetime
    transaction: str | None
    """The transaction that published it; None for genesis."""
    held: bool
    """False when it was replaced before its time."""


class PointTypeSupply(Answer, frozen=True):
    """How many points of a type exist."""

    issued: int
    burned: int
    expired: int
    outstanding: int


class PointTypeTerms(Answer, frozen=True):
    """A point type with everything that is said of it."""

    id: str
    issuer: str
    role: str
    rule_version: int
    """Of the earning rule in force."""
    earn_rate: EarnRate | None
    """None: that one is no flat rate; see `Client.earning_rules`."""
    supply: PointTypeSupply
    terms: Terms
    """In force."""
    scheduled_terms: Terms | None
    """Published and not yet in force."""
    terms_history: tuple[PublishedTerms, ...]
    """The first fifty versions."""

    @property
    def newest(self) -> Terms:
        """The version published last, whether it holds yet or not."""
        return self.scheduled_terms or self.terms


class ExpiringPoints(Answer, frozen=True):
    """Points of one account and type that expire at one time."""

    point_type: str
    points: int
    expires_at: datetime
    slides: bool
    """Whether earning again lets some of them live on."""


_TERMS: Final = (
    "{ version hash effectiveFrom decimals settlementPrice { points fen } expiry { mode days month day periods } "
    "pending { mode days } utcOffsetMinutes transferable swappable cashable acceptedBy issueCap "
    "backing { kind guarantor amountFen } limits { transfers points receipts } "
    "swapCorridor { lowestPercent highestPercent } }"
)

POINT_TYPE: Final = Operation[PointTypeTerms | None](
    "query PointType($id: String!) { pointType(id: $id) { id issuer role ruleVersion earnRate { points perFen } "
    f"supply {{ issued burned expired outstanding }} terms {_TERMS} scheduledTerms {_TERMS} "
    f"termsHistory(first: 50) {{ publishedAt transaction held terms {_TERMS} }} }} }}",
    "pointType",
    PointTypeTerms | None,
)
EXPIRING: Final = Operation[tuple[ExpiringPoints, ...]](
    "query Expiring($account: AccountId!, $days: Int!, $after: Int) { expiringPoints(account: $account, "
    "withinDays: $days, first: 100, after: $after) { pointType points expiresAt slides } }",
    "expiringPoints",
    tuple[ExpiringPoints, ...],
)
EXPIRING_PAGE: Final = 100
"""Entries of one answer."""
