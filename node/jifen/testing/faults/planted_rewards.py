"""A sound state's rewards and cash back, and faults planted in them that the checks must find."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from jifen.ledger.cashback.records import (
    Cashback,
    CashbackPolicy,
    CashbackStatus,
    CashbackUse,
    cashback_key,
    cashback_of_account_key,
    cashback_policy_key,
    day_use_key,
    month_use_key,
    open_cashback_key,
)
from jifen.ledger.opened.checks import check_no_more_is_counted_as_open_than_there_is as opened
from jifen.ledger.opened.records import MemberOpen, OrganizationOpen
from jifen.ledger.points.positions import Rate
from jifen.ledger.rewards.checks import (
    check_cash_backs_hold_earned_points_and_count_against_caps as cashed,
)
from jifen.ledger.rewards.checks import (
    check_redemptions_hold_their_price_until_they_are_over as redeemed,
)
from jifen.ledger.rewards.checks import (
    check_rewards_are_what_their_redemptions_and_codes_say as stocked,
)
from jifen.ledger.rewards.records import (
    LISTED,
    Redemption,
    RedemptionStatus,
    Reward,
    RewardCode,
    RewardCodeNumber,
    RewardDetails,
    RewardPrice,
    RewardStanding,
    RewardVersion,
    redemption_key,
    redemption_of_account_key,
    reward_code_index_key,
    reward_code_key,
    reward_key,
    reward_standing_key,
    reward_version_key,
)
from jifen.ledger.scheduling import ENTRY
from jifen.ledger.state import agenda_key, holding_key, member_open_key, organization_open_key, supply_key
from jifen.ledger.types import Holding, Lot, LotOrigin, Record, Supply
from jifen.testing.naive.scene import account_of, key_of

ANN: Final = account_of(key_of("ann"))
TYPE: Final = "books/store"
MUG, TICKET = "mall/mug", "mall/ticket"
PRICE: Final = RewardPrice(TYPE, 5)
DETAILS: Final = RewardDetails("Mug", (PRICE,), hold_minutes=60)
CODED: Final = RewardDetails("Ticket", (PRICE,), has_codes=True)
LOTS: Final = (Lot(5, LotOrigin.EARNED, 0, 0),)
CODE: Final = bytes(range(32))
HELD: Final = Redemption(MUG, 1, ANN, 1, PRICE, 7, RedemptionStatus.HELD, 60, LOTS)
OVER: Final = Redemption(TICKET, 1, ANN, 1, PRICE, 7, RedemptionStatus.FULFILLED, 0, (), CODE, 7)
ASKED: Final = Cashback(TYPE, 1, ANN, 5, 1, Rate(5, 1), 1, 7, 90, 3, 4, CashbackStatus.REQUESTED, LOTS)

SOUND_REWARDS: Final[dict[bytes, Record]] = {
    reward_key(MUG): Reward(MUG, 1, DETAILS, 2, 1),
    reward_version_key(MUG, 1): RewardVersion(DETAILS, 7, bytes(32)),
    redemption_key(MUG, 1): HELD,
    agenda_key(60, redemption_key(MUG, 1)): ENTRY,
    redemption_of_account_key(ANN, 7, MUG, 1): LISTED,
    reward_standing_key(ANN, MUG): RewardStanding(1),
    reward_key(TICKET): Reward(TICKET, 1, CODED, 1, 1, 2),
    reward_version_key(TICKET, 1): RewardVersion(CODED, 7, bytes(32)),
    reward_code_key(TICKET, 1): RewardCode(CODE),
    reward_code_key(TICKET, 2): RewardCode(bytes(32)),
    reward_code_index_key(TICKET, CODE): RewardCodeNumber(1),
    reward_code_index_key(TICKET, bytes(32)): RewardCodeNumber(2),
    redemption_key(TICKET, 1): OVER,
    redemption_of_account_key(ANN, 7, TICKET, 1): LISTED,
    reward_standing_key(ANN, TICKET): RewardStanding(1),
    cashback_policy_key(TYPE): CashbackPolicy(1, Rate(5, 1), 1, 9, 9, 3, 1),
    cashback_key(TYPE, 1): ASKED,
    agenda_key(90, cashback_key(TYPE, 1)): ENTRY,
    cashback_of_account_key(ANN, 7, TYPE, 1): LISTED,
    open_cashback_key(TYPE, 90, 1): LISTED,
    day_use_key(ANN, TYPE, 3): CashbackUse(5),
    month_use_key(ANN, TYPE, 4): CashbackUse(5),
    organization_open_key("mall"): OrganizationOpen(0, 2),
    member_open_key(ANN, "mall"): MemberOpen(1, 0),
    member_open_key(ANN, "books"): MemberOpen(0, 1),
    holding_key(ANN, TYPE): Holding(0, (), held=10),
    supply_key(TYPE): Supply(10, 0),
}
"""Ann holds 5 points for a mug and asks for money for 5 others."""


def changed(record: Any, **changes: Any) -> Any:
    """Return the record with changes."""
    return msgspec.structs.replace(record, **changes)


PLANTED_IN_REWARDS: Final[
    tuple[tuple[Callable[[Any], None], dict[bytes, Record | None], str, str], ...]
] = (
    (stocked, {redemption_key(MUG, 1): None}, "lacks redemption 1", "a redemption is gone"),
    (stocked, {reward_code_key(TICKET, 2): None}, "lacks code 2", "a code is gone"),
    (stocked, {reward_code_key(TICKET, 2): RewardCode(CODE)}, "or a code stands twice", "one code for two"),
    (stocked, {reward_code_key(TICKET, 3): RewardCode(HELD.account + bytes(12))}, "3 codes are kept", "a code of none"),
    (stocked, {reward_key(TICKET): Reward(TICKET, 1, CODED, 2, 1, 2)}, "1 codes are left", "more than there are codes"),
    (stocked, {reward_key(MUG): Reward(MUG, 1, DETAILS, 2, 1, 0, True), reward_version_key(MUG, 1): None},
     "lacks version 1", "a version is forgotten"),
    (stocked, {reward_key(MUG): Reward(MUG, 1, changed(DETAILS, prices=(PRICE, PRICE)), 2, 1)},
     "contradicts itself", "two prices for one"),
    (redeemed, {redemption_key(MUG, 1): changed(HELD, lots=())}, "should hold 5", "a reward that was not paid"),
    (redeemed, {redemption_key(TICKET, 1): changed(OVER, lots=LOTS)}, "should hold 0", "points held for nothing"),
    (redeemed, {redemption_key(MUG, 1): changed(HELD, due=0)}, "HELD and due 0", "a redemption held for ever"),
    (redeemed, {redemption_key(TICKET, 1): changed(OVER, commitment=bytes(32))}, "another code", "another's code"),
    (redeemed, {redemption_of_account_key(ANN, 7, MUG, 1): None}, "not on its account's list", "nobody finds it"),
    (redeemed, {redemption_of_account_key(ANN, 8, MUG, 1): LISTED}, "that do not exist", "a list of what is not"),
    (redeemed, {reward_standing_key(ANN, MUG): RewardStanding(2)}, "is not what their", "counted twice"),
    (cashed, {cashback_key(TYPE, 1): changed(ASKED, lots=())}, "should hold 5", "money for nothing"),
    (cashed, {cashback_key(TYPE, 1): changed(ASKED, lots=(Lot(5, LotOrigin.TRANSFERRED, 0, 0),))},
     "that were not earned", "money for received points"),
    (cashed, {cashback_key(TYPE, 1): changed(ASKED, amount_fen=2)}, "is of 2 fen, not of 1", "too much money"),
    (cashed, {cashback_policy_key(TYPE): None}, "is not among the None", "money without a policy"),
    (cashed, {open_cashback_key(TYPE, 90, 1): None}, "lists of cash backs", "nobody sees that it is unpaid"),
    (cashed, {day_use_key(ANN, TYPE, 3): CashbackUse(4)}, "what counts against caps", "a cap is not reached"),
    (opened, {organization_open_key("mall"): OrganizationOpen(0, 3)}, "as open", "a reward too many"),
    (opened, {organization_open_key("mall"): OrganizationOpen(1, 2)}, "as open", "a draw too many"),
    (opened, {organization_open_key("cafe"): OrganizationOpen()}, "counts nothing", "a count of nothing"),
    (opened, {member_open_key(ANN, "mall"): MemberOpen(2, 0)}, "as open", "a redemption too many"),
    (opened, {member_open_key(ANN, "books"): MemberOpen(0, 2)}, "as open", "a request too many"),
    (opened, {member_open_key(ANN, "books"): MemberOpen()}, "counts nothing", "a member's count of nothing"),
)  # fmt: skip
"""Check, change of the sound state, what it says, and what is wrong."""
