"""The invariant of what is open at once."""

from collections import Counter

from jifen.ledger.cashback.records import Cashback, CashbackStatus
from jifen.ledger.checking import Items, require
from jifen.ledger.draws.records import Draw, DrawStatus
from jifen.ledger.opened.records import MemberOpen, OrganizationOpen
from jifen.ledger.rewards.records import Redemption, RedemptionStatus, Reward
from jifen.ledger.state import member_open_key, organization_open_key

OVER = (DrawStatus.SETTLED, DrawStatus.REFUNDED)


def check_no_more_is_counted_as_open_than_there_is(items: Items) -> None:
    """Of no organization, and no member with an organization, more is counted as open than there is.

    Less may be: what was opened before anybody counted is in no count. That nothing else is missing the comparison with
    the naive twin says. That no count passes its limit the records' types say.
    """
    draws: Counter[bytes] = Counter()
    rewards: Counter[bytes] = Counter()
    redemptions: Counter[bytes] = Counter()
    cashbacks: Counter[bytes] = Counter()
    counts: dict[bytes, OrganizationOpen | MemberOpen] = {}
    for key, record in items:
        if isinstance(record, OrganizationOpen | MemberOpen):
            counts[key] = record
        elif isinstance(record, Draw) and record.status not in OVER:
            draws[organization_open_key(record.organization)] += 1
        elif isinstance(record, Reward) and not record.withdrawn:
            rewards[organization_open_key(record.organization)] += 1
        elif isinstance(record, Redemption) and record.status is RedemptionStatus.HELD:
            redemptions[member_open_key(record.account, record.organization)] += 1
        elif isinstance(record, Cashback) and record.status is CashbackStatus.REQUESTED:
            cashbacks[member_open_key(record.account, record.issuer)] += 1
    for key, count in counts.items():
        if isinstance(count, OrganizationOpen):
            counted, there = (count.draws, count.rewards), (draws[key], rewards[key])
        else:
            counted, there = (count.redemptions, count.cashbacks), (redemptions[key], cashbacks[key])
        require(any(counted), f"{key.hex()} counts nothing, and is there")
        sound = all(one <= other for one, other in zip(counted, there, strict=True))
        require(sound, f"{key.hex()} counts {counted} as open, and there are {there}")
