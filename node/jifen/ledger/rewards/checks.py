"""The invariants of rewards, redemptions and cash back."""

from collections import Counter

from jifen.ledger.cashback.cashing import held_by_cashback
from jifen.ledger.cashback.records import (
    Cashback,
    CashbackPolicy,
    CashbackStatus,
    CashbackUse,
    cashback_of_account_key,
    cashback_policy_key,
    day_use_key,
    month_use_key,
    open_cashback_key,
)
from jifen.ledger.checking import Items, require
from jifen.ledger.rewards.records import (
    Redemption,
    RedemptionStatus,
    Reward,
    RewardCode,
    RewardCodeNumber,
    RewardStanding,
    RewardVersion,
    redemption_key,
    redemption_of_account_key,
    reward_code_index_key,
    reward_code_key,
    reward_standing_key,
    reward_version_key,
)
from jifen.ledger.rewards.redeeming import held_by_redemption
from jifen.ledger.rewards.stocking import contradicts_itself
from jifen.ledger.state import (
    CASHBACKS_OF_ACCOUNT,
    CASHBACKS_OPEN,
    REDEMPTIONS_OF_ACCOUNT,
)
from jifen.ledger.types import LotOrigin


def check_rewards_are_what_their_redemptions_and_codes_say(items: Items) -> None:
    """Redemptions are numbered without a gap, every code stands once, and with codes the stock is what is left."""
    known = dict(items)
    codes: dict[bytes, bytes] = {}
    for record in known.values():
        if isinstance(record, Reward):
            name, has_codes = record.id, record.details.has_codes
            require(not contradicts_itself(record.details), f"reward {name} contradicts itself: {record.details}")
            for number in range(1, record.redeemed + 1):
                require(redemption_key(name, number) in known, f"reward {name} lacks redemption {number}")
            for number in range(1, record.codes + 1):
                code = known.get(reward_code_key(name, number))
                require(isinstance(code, RewardCode), f"reward {name} lacks code {number}")
                assert isinstance(code, RewardCode)
                codes[reward_code_index_key(name, code.commitment)] = number.to_bytes(8, "big")
            if has_codes:
                left = record.codes - record.redeemed
                require(record.stock == left, f"reward {name} has a stock of {record.stock}, but {left} codes are left")
            else:
                require(not record.codes, f"reward {name} has {record.codes} codes and should have none")
            for version in range(1, record.version + 1):
                kept = known.get(reward_version_key(name, version))
                require(isinstance(kept, RewardVersion), f"I10: reward {name} lacks version {version}")
    found = {key: item.number.to_bytes(8, "big") for key, item in known.items() if isinstance(item, RewardCodeNumber)}
    require(found == codes, "the codes of rewards and their index differ, or a code stands twice")
    there = sum(isinstance(item, RewardCode) for item in known.values())
    require(there == len(codes), f"{there} codes are kept, rewards have {len(codes)} different ones")


def check_redemptions_hold_their_price_until_they_are_over(items: Items) -> None:
    """F14: who has the right to a reward has paid for it: held, or spent; a cancelled one holds nothing."""
    known = dict(items)
    standings: Counter[bytes] = Counter()
    listed = {key for key in known if key[:1] == REDEMPTIONS_OF_ACCOUNT}
    for key, record in known.items():
        if not isinstance(record, Redemption):
            continue
        name, number = record.reward, record.number
        require(key == redemption_key(name, number), f"redemption {name} {number} stands under {key.hex()}")
        held = record.status is RedemptionStatus.HELD
        kept = record.price.points if held else 0
        there = sum(points for _, _, points in held_by_redemption(record))
        require(there == kept, f"redemption {name} {number} holds {record.lots}, should hold {kept}")
        require(bool(record.due) == held, f"redemption {name} {number} is {record.status.name} and due {record.due}")
        entry = redemption_of_account_key(record.account, record.redeemed_at, name, number)
        require(entry in listed, f"redemption {name} {number} is not on its account's list")
        listed.discard(entry)
        code = known.get(reward_code_key(name, number))
        right = code.commitment if isinstance(code, RewardCode) else b""
        require(record.commitment == right, f"redemption {name} {number} has another code than its own")
        if record.status is not RedemptionStatus.CANCELLED:
            standings[reward_standing_key(record.account, name)] += 1
    require(not listed, f"accounts list redemptions that do not exist: {[key.hex() for key in listed]}")
    counted = {key: item.redemptions for key, item in known.items() if isinstance(item, RewardStanding)}
    require(counted == dict(standings), "how often members have redeemed rewards is not what their redemptions say")


def check_cash_backs_hold_earned_points_and_count_against_caps(items: Items) -> None:
    """F3d: an unpaid request holds points of the account's own earning, and caps count what was not rejected."""
    known = dict(items)
    uses: Counter[bytes] = Counter()
    entries: set[bytes] = set()
    for record in known.values():
        if not isinstance(record, Cashback):
            continue
        name, number, account = record.point_type, record.number, record.account
        waits = record.status is CashbackStatus.REQUESTED
        kept = record.points if waits else 0
        there = sum(points for _, _, points in held_by_cashback(record))
        require(there == kept, f"cash back {name} {number} holds {record.lots}, should hold {kept}")
        earned = all(lot.origin is LotOrigin.EARNED for lot in record.lots)
        require(earned, f"cash back {name} {number} holds points that were not earned: {record.lots}")
        worth = record.price.value_fen(record.points)
        require(worth == record.amount_fen, f"cash back {name} {number} is of {record.amount_fen} fen, not of {worth}")
        policy = known.get(cashback_policy_key(name))
        require(
            isinstance(policy, CashbackPolicy) and number <= policy.requests,
            f"cash back {name} {number} is not among the {policy}",
        )
        entries.add(cashback_of_account_key(account, record.requested_at, name, number))
        if waits:
            entries.add(open_cashback_key(name, record.due_at, number))
        if record.status is not CashbackStatus.REJECTED:
            uses[day_use_key(account, name, record.day)] += record.points
            uses[month_use_key(account, name, record.month)] += record.points
    listed = {key for key in known if key[:1] in (CASHBACKS_OF_ACCOUNT, CASHBACKS_OPEN)}
    require(listed == entries, "the lists of cash backs are not those of the cash backs")
    counted = {key: item.points for key, item in known.items() if isinstance(item, CashbackUse)}
    require(counted == dict(uses), "what counts against caps of cash back is not what was asked for")
