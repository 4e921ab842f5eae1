"""How much an organization, and a member with an organization, has open: counters in the place of scans.

Whatever stays open costs everybody: a record in the state, mostly a place in the agenda. So nothing can be opened
without end by one party's will. Swap offers and holds are listed with their accounts and bounded there, campaigns in
their rule book; what has no such list is counted here, by whatever opens and whatever ends it.

What was opened before anybody counted is in no count and stays so: its end takes nothing from a count of 0.
"""

from typing import Annotated, Final

from msgspec import Meta

from jifen.ledger.records import read
from jifen.ledger.state import StateReader, StateWriter, member_open_key, organization_open_key
from jifen.ledger.types import Record

DRAWS_MAX: Final = 16
"""Most draws of one organization that are not settled or given back: those that end together settle 32 purchases each
in every block, so sixteen of them take some 30 ms of it."""

REWARDS_MAX: Final = 1000
"""Most rewards of one organization that are not withdrawn: more than any catalogue that people read; with 32 prices
each they are some megabytes."""

REDEMPTIONS_MAX: Final = 100
"""Most redemptions of one member that wait for their hand-over by one organization: nobody carries more home, and
none of them can run out unnoticed among others."""

CASHBACKS_MAX: Final = 16
"""Most unpaid requests for cash of one member with one issuer: each is a payment that somebody has to make."""


class OrganizationOpen(Record, frozen=True):
    """What an organization has open. Invariant: no more than there are; not all are 0."""

    draws: Annotated[int, Meta(ge=0, le=DRAWS_MAX)] = 0
    """That are neither settled nor given back."""
    rewards: Annotated[int, Meta(ge=0, le=REWARDS_MAX)] = 0
    """That are not withdrawn."""


class MemberOpen(Record, frozen=True):
    """What a member has open with an organization. Invariant: no more than there are; not all are 0."""

    redemptions: Annotated[int, Meta(ge=0, le=REDEMPTIONS_MAX)] = 0
    """Of its rewards, that wait for their hand-over."""
    cashbacks: Annotated[int, Meta(ge=0, le=CASHBACKS_MAX)] = 0
    """Requests for cash in place of its points, that are neither paid nor rejected."""


_NOTHING: Final = OrganizationOpen()
_NOTHING_OF_MEMBER: Final = MemberOpen()


def open_of_organization(state: StateReader, organization: str) -> OrganizationOpen:
    """Return what an organization has open."""
    return read(state, organization_open_key(organization), OrganizationOpen) or _NOTHING


def open_of_member(state: StateReader, account: bytes, organization: str) -> MemberOpen:
    """Return what an account has open with an organization."""
    return read(state, member_open_key(account, organization), MemberOpen) or _NOTHING_OF_MEMBER


def count_open(state: StateWriter, organization: str, *, draws: int = 0, rewards: int = 0) -> None:
    """Count that so many of an organization's were opened, or ended when negative."""
    before = open_of_organization(state, organization)
    after = OrganizationOpen(max(0, before.draws + draws), max(0, before.rewards + rewards))
    _put(state, organization_open_key(organization), after, after == _NOTHING)


def count_open_of_member(
    state: StateWriter, account: bytes, organization: str, *, redemptions: int = 0, cashbacks: int = 0
) -> None:
    """Count that an account has opened so many with an organization, or that they ended when negative."""
    before = open_of_member(state, account, organization)
    after = MemberOpen(max(0, before.redemptions + redemptions), max(0, before.cashbacks + cashbacks))
    _put(state, member_open_key(account, organization), after, after == _NOTHING_OF_MEMBER)


def _put(state: StateWriter, key: bytes, record: Record, is_nothing: bool) -> None:
    if is_nothing:
        state.delete(key)
    else:
        state.put(key, record)
