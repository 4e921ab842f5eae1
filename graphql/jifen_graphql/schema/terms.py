"""Terms of point types, in the form in which people compare them."""

from __future__ import annotations

from enum import Enum

import strawberry

from jifen.ledger.terms import records as ledger
from jifen.ledger.types import POINTS_MAX
from jifen_graphql.schema.scalars import DateTime, Hash, Points


@strawberry.enum(description="When points expire.")
class ExpiryMode(Enum):
    """The four policies."""

    NEVER = strawberry.enum_value("NEVER", description="They do not.")
    ROLLING = strawberry.enum_value("ROLLING", description="`days` days after the day on which they were earned.")
    CALENDAR = strawberry.enum_value(
        "CALENDAR", description="At the end of a stated day: the first one after the earn, and `periods` periods later."
    )
    SLIDING = strawberry.enum_value(
        "SLIDING",
        description="`days` days after the day on which the account last earned such points; only what it has earned "
        "itself slides.",
    )


@strawberry.enum(description="When earned points can be spent.")
class PendingMode(Enum):
    """The three policies."""

    IMMEDIATE = strawberry.enum_value("IMMEDIATE", description="At once.")
    DAYS = strawberry.enum_value("DAYS", description="At the end of the day `days` days after the earn's.")
    ON_CONFIRMATION = strawberry.enum_value("ON_CONFIRMATION", description="When the merchant confirms the order.")


@strawberry.enum(description="What stands behind points.")
class BackingKind(Enum):
    """The two kinds; points may also have none."""

    DEPOSIT = strawberry.enum_value("DEPOSIT", description="Money left with the guarantor.")
    CREDIT_LINE = strawberry.enum_value("CREDIT_LINE", description="What the guarantor answers for.")


@strawberry.type(description="When points expire. Days end at midnight of the issuer's own time.")
class ExpiryPolicy:
    """Fields that the mode does not speak of are null."""

    mode: ExpiryMode
    days: int | None = None
    month: int | None = strawberry.field(default=None, description="Of a CALENDAR expiry once a year; null: monthly.")
    day: int | None = strawberry.field(default=None, description="Past the month's end it is the last day.")
    periods: int | None = strawberry.field(default=None, description="Years, or months, beyond the first such day.")

    @classmethod
    def of(cls, expiry: ledger.Expiry) -> ExpiryPolicy:
        """Return the API's form of a policy."""
        if isinstance(expiry, ledger.RollingExpiry):
            return cls(mode=ExpiryMode.ROLLING, days=expiry.days)
        if isinstance(expiry, ledger.SlidingExpiry):
            return cls(mode=ExpiryMode.SLIDING, days=expiry.days)
        if isinstance(expiry, ledger.CalendarExpiry):
            month = expiry.month or None
            return cls(mode=ExpiryMode.CALENDAR, month=month, day=expiry.day, periods=expiry.periods)
        return cls(mode=ExpiryMode.NEVER)


@strawberry.type(description="When earned points can be spent.")
class PendingPolicy:
    """`days` is null unless the mode is DAYS."""

    mode: PendingMode
    days: int | None = None

    @classmethod
    def of(cls, pending: ledger.Pending) -> PendingPolicy:
        """Return the API's form of a policy."""
        if isinstance(pending, ledger.AvailableAfterDays):
            return cls(mode=PendingMode.DAYS, days=pending.days)
        if isinstance(pending, ledger.AvailableOnConfirmation):
            return cls(mode=PendingMode.ON_CONFIRMATION)
        return cls(mode=PendingMode.IMMEDIATE)


@strawberry.type(description="The issuer buys `points` points back for `fen` fen: an exact rational, never a float.")
class SettlementPrice:
    """0 fen while the issuer names no price."""

    points: Points
    fen: Points


@strawberry.type(description="What another organization has signed to stand behind the points with.")
class Backing:
    """A deposit or a credit line."""

    kind: BackingKind
    guarantor: str = strawberry.field(description="Id of the organization.")
    amount_fen: Points

    @classmethod
    def of(cls, backing: ledger.Backing) -> Backing | None:
        """Return the API's form of a backing; None for points without one."""
        if isinstance(backing, ledger.Unbacked):
            return None
        kind = BackingKind.DEPOSIT if isinstance(backing, ledger.Deposit) else BackingKind.CREDIT_LINE
        return cls(kind=kind, guarantor=backing.guarantor, amount_fen=Points(backing.amount_fen))


@strawberry.type(description="What a member may do with such points on one day of the issuer's; swaps count too.")
class MovingLimits:
    """Velocity and fan-in."""

    transfers: int = strawberry.field(description="Most times that an account passes points on.")
    points: Points | None = strawberry.field(description="Most points that it passes on; null: as many as it has.")
    receipts: int = strawberry.field(description="Most times that it receives points from members.")


@strawberry.type(description="What a member's swap may settle the points at, in percent of the settlement price.")
class SwapCorridor:
    """Both ends are within it."""

    lowest_percent: int
    highest_percent: int


@strawberry.type(description="One version of what an issuer promises about a point type.")
class Terms:
    """A version of terms."""

    version: int
    hash: Hash = strawberry.field(description="Of point type and terms: whoever shows other terms shows another hash.")
    effective_from: DateTime = strawberry.field(description="Block time from which it holds.")
    decimals: int = strawberry.field(description="Decimals that points are shown with; the API counts smallest units.")
    settlement_price: SettlementPrice
    expiry: ExpiryPolicy
    pending: PendingPolicy
    utc_offset_minutes: int = strawberry.field(description="The issuer's own time, in minutes ahead of UTC.")
    transferable: bool
    swappable: bool
    cashable: bool
    accepted_by: list[str] = strawberry.field(description="Organizations beside the issuer that take the points.")
    issue_cap: Points | None = strawberry.field(description="Most points outstanding after an earn; null: no cap.")
    backing: Backing | None
    limits: MovingLimits
    swap_corridor: SwapCorridor

    @classmethod
    def of(cls, point_type: str, terms: ledger.Terms) -> Terms:
        """Return the API's form of a version."""
        price = SettlementPrice(points=Points(terms.settlement_points), fen=Points(terms.settlement_fen))
        return cls(
            version=terms.version,
            hash=Hash(ledger.terms_hash(point_type, terms)),
            effective_from=DateTime(terms.effective_from),
            decimals=terms.decimals,
            settlement_price=price,
            expiry=ExpiryPolicy.of(terms.expiry),
            pending=PendingPolicy.of(terms.pending),
            utc_offset_minutes=terms.utc_offset_minutes,
            transferable=terms.transferable,
            swappable=terms.swappable,
            cashable=terms.cashable,
            accepted_by=list(terms.accepted_by),
            issue_cap=None if terms.issue_cap == POINTS_MAX else Points(terms.issue_cap),
            backing=Backing.of(terms.backing),
            limits=MovingLimits(
                transfers=terms.limits.transfers,
                points=None if terms.limits.points == POINTS_MAX else Points(terms.limits.points),
                receipts=terms.limits.receipts,
            ),
            swap_corridor=SwapCorridor(
                lowest_percent=terms.corridor.lowest_percent, highest_percent=terms.corridor.highest_percent
            ),
        )


@strawberry.type(description="A version in the history of a point type.")
class PublishedTerms:
    """A version that is kept for ever."""

    terms: Terms
    published_at: DateTime
    transaction: Hash | None = strawberry.field(description="The transaction that published it; null for genesis.")
    held: bool = strawberry.field(
        description="Whether it holds, has held or may come to: false when it was replaced before its time."
    )
