"""Tiers at work: counting what qualifies, raising at once, judging when a period is over, recognising others' tiers."""

from typing import Final, NamedTuple

import msgspec

from jifen.ledger.context import BlockContext
from jifen.ledger.dates import DAY_MS, MINUTE_MS, day_end, day_of_date, year_and_month_of
from jifen.ledger.receipts import AnyEffect
from jifen.ledger.records import read
from jifen.ledger.scheduling import schedule
from jifen.ledger.state import StateReader, StateWriter, membership_key, tier_book_key
from jifen.ledger.tiers.effects import PointsQualified, TierAtRisk, TierChange, TierChanged
from jifen.ledger.tiers.records import CalendarPeriod, Downgrade, Membership, TierBook, TierProgramme
from jifen.ledger.types import TIME_MAX

NEWCOMER: Final = Membership("", 0, 0, 0, 0)
"""Somebody who has bought nothing that counts: no period runs."""

CONSUMER_POINTS: Final = "/consumer"
"""End of the ids of all point types whose purchases count."""


class Case(msgspec.Struct, frozen=True, gc=False):
    """What a membership is judged by."""

    programme: TierProgramme
    organization: str
    account: bytes
    context: BlockContext


class Path(msgspec.Struct, frozen=True, gc=False):
    """Why an account has a tier."""

    organization: str
    """Where it was earned."""
    tier: str
    """Which tier it is there."""
    member: Membership
    """Says since when, and in which block's receipts that is told."""
    map_version: int
    """Of the map that recognises it; 0: it is an own one."""


class TierStanding(NamedTuple):
    """What an account has at an organization."""

    tier: str
    """The best one; empty: none."""
    path: Path | None
    """None without a tier."""
    member: Membership
    """Its own progress there, as it is at the time asked for."""


def tier_of(state: StateReader, organization: str, account: bytes, time: int) -> str:
    """Return the best tier that an account has at an organization, its own or by recognition; "" without one.

    At most one look-up for each organization that is recognised. A tier is had until it was judged, so the time
    decides nothing; it is asked for because every rule that asks knows it, and a later kind of tier may end by itself.
    """
    del time
    book = read(state, tier_book_key(organization), TierBook)
    if book is None or book.programme is None:
        return ""
    best = _best(state, book, organization, account)
    return best[0] if best is not None else ""


def standing_of(state: StateReader, organization: str, account: bytes, time: int) -> TierStanding:
    """Return what an account has at an organization that has tiers, with the path that led to it.

    `time` is the block's, ms: a period that is over without a tier to judge shows no points any more.
    """
    book = read(state, tier_book_key(organization), TierBook)
    assert book is not None, f"{organization} has no tiers"
    member = read(state, membership_key(account, organization), Membership) or NEWCOMER
    if not member.tier and member.period_end <= time:
        member = Membership("", member.since, member.height, 0, 0, 0, 0, member.lifetime)
    best = _best(state, book, organization, account)
    return TierStanding("", None, member) if best is None else TierStanding(*best, member)


def rank_of(programme: TierProgramme, tier: str) -> int:
    """Return the rank of a tier: 1 for the lowest, 0 for none."""
    if not tier:
        return 0
    for rank, item in enumerate(programme.tiers, start=1):
        if item.id == tier:
            return rank
    raise AssertionError(f"tier {tier} is not of the programme, though none is ever dropped")


def reached_by(programme: TierProgramme, points: int) -> int:
    """Return the rank that qualifying points of one period reach; 0: none."""
    rank = 0
    for tier in programme.tiers:
        if tier.threshold > points:
            break
        rank += 1
    return rank


def period_end_of(programme: TierProgramme, begin: int) -> int:
    """Return the end, in ms, of the period that begins at a time or, by the calendar, that the time lies in."""
    offset = programme.utc_offset_minutes
    period = programme.period
    if not isinstance(period, CalendarPeriod):
        return min(day_end(begin, period.days - 1, offset), TIME_MAX)
    year, month = year_and_month_of((begin + offset * MINUTE_MS) // DAY_MS)
    if period.monthly:
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    else:
        year, month = year + 1, 1
    return min(day_of_date(year, month, 1) * DAY_MS - offset * MINUTE_MS, TIME_MAX)


def qualify(
    state: StateWriter, organization: str, account: bytes, points: int, context: BlockContext
) -> tuple[AnyEffect, ...]:
    """Count what a member's own purchase earned, or its refund took back; raise the tier if it is reached.

    Called for the consumer points of the organization that the purchase was made at, and for nothing else: what is
    given, swapped, granted or adjusted does not count. A tier never falls here, only when it is judged.

    Args:
        state: with an open block.
        organization: where was bought.
        account: who bought.
        points: earned by the purchase, or less than zero: taken back by a refund.
        context: the block.
    """
    book = read(state, tier_book_key(organization), TierBook)
    if book is None or book.programme is None:
        return ()
    return count_purchase(state, Case(book.programme, organization, account, context), points)


def count_purchase(state: StateWriter, case: Case, points: int) -> tuple[AnyEffect, ...]:
    """Do what `qualify` says, for whoever knows the programme."""
    if not points:
        return ()
    programme, organization, account, context = case.programme, case.organization, case.account, case.context
    time = context.time
    key = membership_key(account, organization)
    before = read(state, key, Membership) or NEWCOMER
    member, told = caught_up(before, case)
    if not member.tier and member.period_end <= time:
        member = Membership("", member.since, member.height, 0, period_end_of(programme, time), 0, 0, member.lifetime)
    tier, since, height, grace_until = member.tier, member.since, member.height, member.grace_until
    asked = member.asked
    counted = member.points + points
    if counted < 0 and not tier:
        counted = 0
    judged = member.judged + points if grace_until else 0
    rank = reached_by(programme, counted) if points > 0 else 0
    if rank and rank > rank_of(programme, tier):
        tier, since, height = programme.tiers[rank - 1].id, time, context.height
        judged, grace_until, asked = 0, 0, programme.tiers[rank - 1].threshold
    lifetime = max(0, member.lifetime + points)
    after = Membership(tier, since, height, counted, member.period_end, judged, grace_until, lifetime, asked)
    schedule(state, key, before.due, after.due)
    state.put(key, after)
    qualified = PointsQualified(organization, account, points, counted, tier, lifetime)
    if tier == member.tier:
        return (*told, qualified)
    version = programme.version
    raised = TierChanged(organization, account, TierChange.UPGRADED, member.tier, tier, counted, version, time)
    return (*told, qualified, raised)


def wake_membership(state: StateWriter, key: bytes, context: BlockContext) -> tuple[AnyEffect, ...]:
    """Judge a membership whose period or grace is over."""
    before = read(state, key, Membership)
    account, organization = key[1:21], key[21:].decode()
    book = read(state, tier_book_key(organization), TierBook)
    assert before is not None, f"the agenda names the membership {key.hex()}, which does not exist"
    assert book is not None, f"there is a membership of {organization}, which has no programme"
    assert book.programme is not None, f"there is a membership of {organization}, which has no programme"
    after, told = caught_up(before, Case(book.programme, organization, account, context))
    schedule(state, key, 0, after.due)  # its entry is gone: the agenda took it out
    state.put(key, after)
    return told


def caught_up(member: Membership, case: Case) -> tuple[Membership, tuple[AnyEffect, ...]]:
    """Return a membership after everything that was due by the block's time, and what is to be told of it.

    It takes two steps a tier at most, however long no block was made: with no tier left, or none that can fall, the
    next period is the one that the block lies in.
    """
    told: tuple[AnyEffect, ...] = ()
    while 0 < member.due <= case.context.time:
        member, effect = (_end_grace if member.grace_until else _end_period)(member, case)
        told = (*told, effect)
    return member, told


def _end_period(member: Membership, case: Case) -> tuple[Membership, AnyEffect]:
    programme = case.programme
    end, points = member.period_end, member.points
    stays = programme.downgrade is Downgrade.NEVER
    next_end = period_end_of(programme, case.context.time) if stays else _end_after(programme, end)
    opened = Membership(member.tier, member.since, member.height, 0, next_end, 0, 0, member.lifetime, member.asked)
    rank = rank_of(programme, member.tier)
    missing = programme.tiers[rank - 1].threshold - points
    if missing <= 0 or stays or not programme.grace_days:
        return _judged(opened, points, end, case)
    until = min(end + programme.grace_days * DAY_MS, next_end)
    waiting = Membership(
        member.tier, member.since, member.height, 0, next_end, points, until, member.lifetime, member.asked
    )
    return waiting, TierAtRisk(case.organization, case.account, member.tier, points, missing, until)


def _end_after(programme: TierProgramme, end: int) -> int:
    """Return when the period ends that follows one that ended at `end`.

    A version with other periods may hold by now. Nobody is then judged by the rest of a year or month alone, so that
    rest and the next one are one period.
    """
    next_end = period_end_of(programme, end)
    if isinstance(programme.period, CalendarPeriod) and period_end_of(programme, end - 1) != end:
        return period_end_of(programme, next_end)
    return next_end


def _end_grace(member: Membership, case: Case) -> tuple[Membership, AnyEffect]:
    after = Membership(
        member.tier, member.since, member.height, member.points, member.period_end, 0, 0, member.lifetime, member.asked
    )
    return _judged(after, member.judged, member.grace_until, case)


def _judged(member: Membership, points: int, end: int, case: Case) -> tuple[Membership, AnyEffect]:
    """Return the membership with the tier that the points of a period leave it, and what is to be told."""
    programme, context = case.programme, case.context
    before, reached = rank_of(programme, member.tier), reached_by(programme, points)
    if reached >= before:
        rank = reached  # a later version may have lowered a threshold
    elif programme.downgrade is Downgrade.NEVER:
        # What stays for ever has to have been earned, and not bought in the evening and given back in the morning.
        rank = before if member.lifetime >= member.asked else min(before, reached_by(programme, member.lifetime))
    else:
        rank = before - 1 if programme.downgrade is Downgrade.ONE_DOWN else reached
    tier = programme.tiers[rank - 1].id if rank else ""
    change = TierChange.UPGRADED if rank > before else TierChange.DOWNGRADED if rank < before else TierChange.PROLONGED
    effect = TierChanged(case.organization, case.account, change, member.tier, tier, points, programme.version, end)
    if rank == before:
        return member, effect
    threshold = programme.tiers[rank - 1].threshold if rank else 0
    asked = threshold if rank > before else min(member.asked, threshold)
    # Who has no tier any more owes nothing.
    left = member.points if tier else max(0, member.points)
    after = Membership(tier, context.time, context.height, left, member.period_end, 0, 0, member.lifetime, asked)
    return after, effect


def _best(state: StateReader, book: TierBook, organization: str, account: bytes) -> tuple[str, Path] | None:
    """Return the best tier that an account has, and the path to it; of equal ones its own, then the first."""
    programme = book.programme
    assert programme is not None, f"{organization} has no tiers"
    own = read(state, membership_key(account, organization), Membership)
    rank, best = 0, None
    if own is not None and own.tier:
        rank, best = rank_of(programme, own.tier), (own.tier, Path(organization, own.tier, own, 0))
    recognition = book.recognition
    there, held = None, ""
    for entry in recognition.entries if recognition is not None else ():
        if entry.organization != held:
            held = entry.organization
            there = read(state, membership_key(account, held), Membership)
        if recognition is not None and there is not None and there.tier == entry.tier:
            found = rank_of(programme, entry.counts_as)
            if found > rank:
                rank, best = found, (entry.counts_as, Path(held, entry.tier, there, recognition.version))
    return best
