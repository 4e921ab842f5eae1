"""Tiers as the API tells them: records, the operations that ask for them, and the way back into a transaction."""

from datetime import datetime
from typing import Final, TypeVar

import msgspec

from jifen.client.queries import Operation
from jifen.client.records import Answer
from jifen.ledger.tiers import records as ledger

T = TypeVar("T", bound=Answer)


class Tier(Answer, frozen=True, forbid_unknown_fields=True):
    """A rank of an organization's tiers."""

    id: str
    name: str
    threshold: int
    """Qualifying points of one period that reach it."""


class TierProgramme(Answer, frozen=True, forbid_unknown_fields=True):
    """One version of an organization's tiers."""

    tiers: tuple[Tier, ...]
    """The lowest first."""
    version: int = 0
    period: str = "YEARS"
    """`YEARS`, `MONTHS` or `ROLLING`."""
    period_days: int | None = None
    """Of a ROLLING period."""
    utc_offset_minutes: int = 480
    downgrade: str = "BALANCE_BASED"
    """`NEVER`, `ONE_DOWN` or `BALANCE_BASED`."""
    grace_days: int = 0

    def to_ledger(self, version: int) -> ledger.TierProgramme:
        """Return the ledger's form as another version; raises ValueError for a period or policy that is none."""
        if self.downgrade not in ledger.Downgrade.__members__:
            raise ValueError("downgrade: NEVER, ONE_DOWN or BALANCE_BASED")
        return ledger.TierProgramme(
            version,
            tuple(ledger.Tier(tier.id, tier.name, tier.threshold) for tier in self.tiers),
            self._period(),
            self.utc_offset_minutes,
            ledger.Downgrade[self.downgrade],
            self.grace_days,
        )

    def _period(self) -> ledger.Period:
        if self.period == "ROLLING" and self.period_days is not None:
            return ledger.RollingPeriod(self.period_days)
        if self.period in {"YEARS", "MONTHS"}:
            return ledger.CalendarPeriod(self.period == "MONTHS")
        raise ValueError("period: YEARS, MONTHS, or ROLLING with periodDays")


class RecognisedTier(Answer, frozen=True, forbid_unknown_fields=True):
    """Whoever has `tier` of `organization` is treated as having `counts_as`."""

    organization: str
    tier: str
    counts_as: str


class Recognition(Answer, frozen=True, forbid_unknown_fields=True):
    """One version of a map of recognition."""

    entries: tuple[RecognisedTier, ...]
    version: int = 0

    def to_ledger(self, version: int) -> ledger.Recognition:
        """Return the ledger's form as another version, its entries in the order that the ledger asks for."""
        entries = [ledger.RecognisedTier(item.organization, item.tier, item.counts_as) for item in self.entries]
        return ledger.Recognition(version, tuple(sorted(entries, key=lambda item: (item.organization, item.tier))))


class OrganizationTiers(Answer, frozen=True):
    """The tiers of an organization and its map."""

    organization: str
    programme: TierProgramme | None
    recognition: Recognition | None

    @property
    def next_programme(self) -> int:
        """Version under which the next tiers are published."""
        return (self.programme.version if self.programme else 0) + 1

    @property
    def next_recognition(self) -> int:
        """Version under which the next map is published."""
        return (self.recognition.version if self.recognition else 0) + 1


class TierPath(Answer, frozen=True):
    """Why an account has a tier."""

    organization: str
    """Where it was earned."""
    earned_tier: str
    map_version: int | None
    """Of the map that recognises it; None: it is an own one."""
    since: datetime
    height: int
    """The receipts of this block tell of it."""


class TierProgress(Answer, frozen=True):
    """How far an account has come in an organization's tiers."""

    organization: str
    account: str
    tier: str | None
    """The best one, recognised ones included."""
    path: TierPath | None
    own_tier: str | None
    qualifying_points: int
    lifetime: int
    period_end: datetime | None
    next_tier: str | None
    points_to_next: int | None
    evaluated_at: datetime | None
    grace_until: datetime | None
    at_risk: bool
    points_to_keep: int


def decoded(text: bytes, kind: type[T]) -> T:
    """Return tiers, a map or a policy from JSON in the API's own form; raises ValueError saying what to mend."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None


_PROGRAMME: Final = (
    "programme { version tiers { id name threshold } period periodDays utcOffsetMinutes downgrade graceDays }"
)

TIERS: Final = Operation[OrganizationTiers | None](
    f"query Tiers($organization: String!) {{ tiers(organization: $organization) {{ organization {_PROGRAMME} "
    "recognition { version entries { organization tier countsAs } } } }",
    "tiers",
    OrganizationTiers | None,
)
PROGRESS: Final = Operation[TierProgress | None](
    "query TierProgress($account: AccountId!, $organization: String!, $minHeight: Int) { tierProgress("
    "account: $account, organization: $organization, minHeight: $minHeight) { organization account tier "
    "path { organization earnedTier mapVersion since height } ownTier qualifyingPoints lifetime periodEnd nextTier "
    "pointsToNext evaluatedAt graceUntil atRisk pointsToKeep } }",
    "tierProgress",
    TierProgress | None,
)
