"""Naive rules of tiers: every purchase that counts is remembered, and counted again whenever anybody asks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from jifen.ledger.rejections import Rejection
from jifen.ledger.tiers.bodies import PublishRecognition, PublishTiers
from jifen.ledger.tiers.effects import TierChange
from jifen.ledger.tiers.records import CalendarPeriod, Downgrade, Recognition, TierProgramme
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import OrganizationStatus, Scope

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

Effects = tuple[tuple[object, ...], ...]

DAY: Final = 86_400_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST_TIME: Final = 2**48


FOLLOWS: Final[list[Callable[["NaiveLedger", str, bytes, int], Effects]]] = []
"""What else follows a purchase: given ledger, point type, account and time. Each family adds its own."""


@dataclass
class NaiveMember:
    """What somebody has bought at an organization, and what he was made for it."""

    purchases: list[int] = field(default_factory=list)
    """What each purchase and refund was worth."""
    counted: list[int] = field(default_factory=list)
    """The same as they count for tiers: who has no tier to lose owes nothing."""
    begun: int = 0
    """Place in `counted` at which the period begins."""
    begun_before: int = 0
    """Place at which the period before began."""
    ends: int = 0
    grace: int = 0
    tier: str = ""
    since: int = 0
    height: int = 0
    price: int = 0
    """What the tier cost when it was reached."""

    @property
    def points(self) -> int:
        """Return what counts in the period that runs."""
        return sum(self.counted[self.begun :])

    @property
    def judged(self) -> int:
        """Return what counts for the period before, while it is given a grace."""
        return sum(self.counted[self.begun_before :]) if self.grace else 0

    @property
    def lifetime(self) -> int:
        """Return what was ever bought, less refunds."""
        total = 0
        for points in self.purchases:
            total = max(0, total + points)
        return total


@dataclass
class NaiveTiers:
    """Everything about tiers."""

    programmes: dict[str, TierProgramme] = field(default_factory=dict)
    maps: dict[str, Recognition] = field(default_factory=dict)
    members: dict[tuple[bytes, str], NaiveMember] = field(default_factory=dict)

    def names(self, organization: str) -> list[str]:
        """Return the tiers of an organization, the lowest first, behind the empty name of none."""
        if organization not in self.programmes:
            return [""]
        return ["", *(tier.id for tier in self.programmes[organization].tiers)]

    def tier_of(self, organization: str, account: bytes) -> str:
        """Return the best tier that somebody has at an organization."""
        candidates = {""}
        if (account, organization) in self.members:
            candidates.add(self.members[account, organization].tier)
        for entry in self.maps[organization].entries if organization in self.maps else ():
            if (account, entry.organization) in self.members:
                there = self.members[account, entry.organization].tier
                if there == entry.tier:
                    candidates.add(entry.counts_as)
        return max(candidates, key=self.names(organization).index)


def against_administrator(ledger: "NaiveLedger", organization: str, item: Transaction) -> set[Rejection]:
    """Return what speaks against publishing something for an organization."""
    if organization not in ledger.organizations:
        return {Rejection.ORGANIZATION_UNKNOWN}
    found = set()
    it = ledger.organizations[organization]
    if it.status == OrganizationStatus.SUSPENDED:
        found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
    if not any(o.key in item.signers and Scope.ADMIN in Scope(o.scopes) for o in it.operators):
        found.add(Rejection.NOT_AUTHORIZED)
    return found


def against_tiers(ledger: "NaiveLedger", body: PublishTiers, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against a version of tiers."""
    found = against_administrator(ledger, body.organization, item)
    before = ledger.tiers.programmes.get(body.organization)
    if body.programme.version != (1 if before is None else before.version + 1):
        found.add(Rejection.VERSION_NOT_NEXT)
    tiers = body.programme.tiers
    names = [tier.id for tier in tiers]
    rising = all(low.threshold < high.threshold for low, high in pairwise(tiers))
    missing = [tier.id for tier in before.tiers if tier.id not in names] if before else []
    if not rising or missing or any(names.count(name) > 1 for name in names):
        found.add(Rejection.TIERS_CONTRADICTORY)
    return found


def publish_tiers(ledger: "NaiveLedger", body: PublishTiers, _item: Transaction, _time: int) -> Effects:
    """Let tiers hold."""
    ledger.tiers.programmes[body.organization] = body.programme
    return ((body.organization, body.programme.version),)


def against_map(ledger: "NaiveLedger", body: PublishRecognition, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against a map of recognition."""
    found = against_administrator(ledger, body.organization, item)
    before = ledger.tiers.maps.get(body.organization)
    if body.recognition.version != (1 if before is None else before.version + 1):
        found.add(Rejection.VERSION_NOT_NEXT)
    entries = body.recognition.entries
    for entry in entries:
        if entry.tier not in ledger.tiers.names(entry.organization)[1:]:
            found.add(Rejection.TIER_UNKNOWN)
        if entry.counts_as not in ledger.tiers.names(body.organization)[1:]:
            found.add(Rejection.TIER_UNKNOWN)
    pairs = [(entry.organization, entry.tier) for entry in entries]
    if any(low >= high for low, high in pairwise(pairs)):
        found.add(Rejection.RECOGNITION_CONTRADICTORY)
    if body.organization in dict(pairs) or len(dict(pairs)) > 16:
        found.add(Rejection.RECOGNITION_CONTRADICTORY)
    return found


def publish_map(ledger: "NaiveLedger", body: PublishRecognition, _item: Transaction, _time: int) -> Effects:
    """Let a map hold."""
    ledger.tiers.maps[body.organization] = body.recognition
    return ((body.organization, body.recognition.version),)


def midnight(day: date, programme: TierProgramme) -> int:
    """Return the block time at which a local day begins, ms."""
    begins = (day - EPOCH.date()).days * DAY - programme.utc_offset_minutes * 60_000
    return min(begins, LAST_TIME)


def end_of_period(programme: TierProgramme, time: int) -> int:
    """Return when the period ends that begins at a time or in which it lies."""
    today = (EPOCH + timedelta(milliseconds=time, minutes=programme.utc_offset_minutes)).date()
    if not isinstance(programme.period, CalendarPeriod):
        return midnight(today + timedelta(days=programme.period.days), programme)
    if programme.period.monthly:
        return midnight((today.replace(day=1) + timedelta(days=32)).replace(day=1), programme)
    return midnight(date(today.year + 1, 1, 1), programme)


def reached(programme: TierProgramme, points: int) -> int:
    """Return the number of tiers that points reach."""
    return sum(1 for tier in programme.tiers if points >= tier.threshold)


def counts_for_a_tier(ledger: "NaiveLedger", point_type: str) -> bool:
    """Tell whether a purchase that earns points of a type now counts for a tier."""
    organization, role = point_type.split("/")
    return role == "consumer" and organization in ledger.tiers.programmes


def count(ledger: "NaiveLedger", point_type: str, account: bytes, points: int, time: int) -> Effects:
    """Count what a purchase earned or a refund took."""
    organization, role = point_type.split("/")
    programme = ledger.tiers.programmes.get(organization)
    if role != "consumer" or programme is None or points == 0:
        return ()
    him = ledger.tiers.members.setdefault((account, organization), NaiveMember())
    late = catch_up(ledger, account, organization, time)
    if him.tier == "" and time >= him.ends:
        him.begun, him.ends = len(him.counted), end_of_period(programme, time)
    him.purchases.append(points)
    him.counted.append(points if him.tier else max(points, -him.points))
    names, before = ledger.tiers.names(organization), him.tier
    rank = reached(programme, him.points)
    risen = points > 0 and rank > names.index(him.tier)
    if risen:
        him.tier, him.since, him.height, him.grace = names[rank], time, ledger.height, 0
        him.price = programme.tiers[rank - 1].threshold
    told = [*late, (organization, account, points, him.points, him.tier, him.lifetime)]
    if risen:
        change = (TierChange.UPGRADED, before, him.tier, him.points, programme.version, time)
        told.append((organization, account, *change))
    return tuple(told)


def judge_everybody(ledger: "NaiveLedger", time: int) -> list[tuple[object, ...]]:
    """Judge whose period or grace is over."""
    return [
        told for account, organization in ledger.tiers.members for told in catch_up(ledger, account, organization, time)
    ]


def catch_up(ledger: "NaiveLedger", account: bytes, organization: str, time: int) -> list[tuple[object, ...]]:
    """Judge somebody until his period and grace last."""
    told: list[tuple[object, ...]] = []
    him = ledger.tiers.members[account, organization]
    while him.tier and (him.grace or him.ends) <= time:
        told += judge(ledger, organization, account, ledger.tiers.programmes[organization], time)
    return told


def judge(
    ledger: "NaiveLedger", organization: str, account: bytes, programme: TierProgramme, time: int
) -> list[tuple[object, ...]]:
    """Take one step: end a grace, or a period."""
    him = ledger.tiers.members[account, organization]
    names = ledger.tiers.names(organization)
    rank = names.index(him.tier)
    if him.grace:
        points, when = him.judged, him.grace
        him.grace = 0
    else:
        points, when = him.points, him.ends
        him.begun_before, him.begun = him.begun, len(him.counted)
        him.ends = following(programme, when, time)
        if reached(programme, points) < rank and programme.downgrade != Downgrade.NEVER and programme.grace_days:
            him.grace = min(when + programme.grace_days * DAY, him.ends)
            missing = programme.tiers[rank - 1].threshold - points
            return [(organization, account, him.tier, points, missing, him.grace)]
    fair = reached(programme, points)
    if fair < rank:
        lasting = rank
        if him.lifetime < him.price:
            lasting = [place for place in range(rank + 1) if place <= reached(programme, him.lifetime)][-1]
        ways = {Downgrade.NEVER: lasting, Downgrade.ONE_DOWN: rank - 1, Downgrade.BALANCE_BASED: fair}
        fair = ways[programme.downgrade]
    change = TierChange.PROLONGED
    if fair != rank:
        change = TierChange.UPGRADED if fair > rank else TierChange.DOWNGRADED
        him.since, him.height = time, ledger.height
        costs = [0, *(tier.threshold for tier in programme.tiers)][fair]
        him.price = costs if fair > rank or costs < him.price else him.price
    before, him.tier = him.tier, names[fair]
    if him.tier == "" and him.points < 0:
        him.counted.append(-him.points)
    return [(organization, account, change, before, him.tier, points, programme.version, when)]


def following(programme: TierProgramme, end: int, time: int) -> int:
    """Return the end of the period after one that ended."""
    if programme.downgrade == Downgrade.NEVER:
        return end_of_period(programme, time)
    first = end_of_period(programme, end)
    fits = end_of_period(programme, end - 1) == end
    rolls = not isinstance(programme.period, CalendarPeriod)
    return first if fits or rolls else end_of_period(programme, first)
