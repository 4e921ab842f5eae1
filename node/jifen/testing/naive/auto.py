"""Naive rules of standing orders: after every purchase everything that was asked for is looked through anew."""

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.bodies import RedeemReward
from jifen.ledger.rewards.standing_orders import CancelAutoRedemption, SetAutoRedemption
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import PublicKey
from jifen.testing.naive.points import against_debit
from jifen.testing.naive.rewards import against_redemption, take
from jifen.testing.naive.terms import Effects, in_force, local_date
from jifen.testing.naive.tiers import EPOCH, FOLLOWS

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

YEAR: Final = 366 * 86_400_000


class NaiveOrder(NamedTuple):
    """A standing order, and the days on which it was carried out."""

    body: SetAutoRedemption
    item: Transaction
    days: tuple[int, ...] = ()

    def done(self, day: int) -> int:
        """Return how often it was carried out last on a day, without another day between."""
        found = 0
        for other in reversed(self.days):
            if other != day:
                break
            found += 1
        return found


def against_order(ledger: "NaiveLedger", body: SetAutoRedemption, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a standing order."""
    found = set()
    if body.organization not in ledger.organizations:
        found.add(Rejection.ORGANIZATION_UNKNOWN)
    if body.account not in ledger.accounts:
        found.add(Rejection.ACCOUNT_UNKNOWN)
    else:
        found |= against_debit(ledger, body.account, item, time)
    if body.reward not in ledger.rewards:
        found.add(Rejection.REWARD_UNKNOWN)
    if body.until < time or body.until > time + YEAR:
        found.add(Rejection.STANDING_ORDER_OUT_OF_RANGE)
    return found


def set_order(ledger: "NaiveLedger", body: SetAutoRedemption, item: Transaction, _time: int) -> Effects:
    """Take a standing order in."""
    ledger.standing_orders[body.account, body.organization] = NaiveOrder(body, item)
    return ((body.account, body.organization, body.reward, body.threshold, body.per_day, body.until),)


def against_cancellation(
    ledger: "NaiveLedger", body: CancelAutoRedemption, item: Transaction, time: int
) -> set[Rejection]:
    """Return what speaks against taking one back."""
    found = set()
    if body.organization not in ledger.organizations:
        found.add(Rejection.ORGANIZATION_UNKNOWN)
    if body.account not in ledger.accounts:
        found.add(Rejection.ACCOUNT_UNKNOWN)
    else:
        found |= against_debit(ledger, body.account, item, time) - {Rejection.ACCOUNT_LOCKED}
    if (body.account, body.organization) not in ledger.standing_orders:
        found.add(Rejection.NO_STANDING_ORDER)
    return found


def cancel(ledger: "NaiveLedger", body: CancelAutoRedemption, _item: Transaction, _time: int) -> Effects:
    """Forget it."""
    gone = ledger.standing_orders.pop((body.account, body.organization))
    return ((body.account, body.organization, gone.body.reward, False),)


def follow(ledger: "NaiveLedger", point_type: str, account: bytes, time: int) -> Effects:
    """Carry out what somebody has asked for."""
    organization, role = point_type.split("/")
    order = ledger.standing_orders.get((account, organization))
    if role != "consumer" or order is None:
        return ()
    body = order.body
    if body.until < time:
        del ledger.standing_orders[account, organization]
        return ((account, organization, body.reward, True),)
    day = (local_date(time, in_force(ledger, point_type, time)) - EPOCH.date()).days
    told: list[tuple[object, ...]] = []
    while order.done(day) < body.per_day and ledger.balance(account, point_type) >= body.threshold:
        price = next((price for price in ledger.rewards[body.reward].versions[-1][0].prices
                      if price.point_type == point_type and price.points <= body.threshold
                      and is_price(ledger, order, price.tier, price.points, time)), None)  # fmt: skip
        if price is None:
            break
        order = order._replace(days=(*order.days, day))
        told.append((*(account, organization, body.reward, point_type, body.threshold), order.done(day), order.item.id))
        told += take(ledger, body.reward, account, price, time)
    ledger.standing_orders[account, organization] = order
    return tuple(told)


def is_price(ledger: "NaiveLedger", order: NaiveOrder, tier: str, points: int, time: int) -> bool:
    """Tell whether the member could redeem the reward at a price himself now, and the price is his."""
    body = order.body
    versions = len(ledger.rewards[body.reward].versions)
    point_type = f"{body.organization}/consumer"
    wish = RedeemReward(time, bytes(8), body.account, body.reward, versions, point_type, points)
    mine = ledger.tiers.tier_of(body.reward.split("/", maxsplit=1)[0], body.account)
    listed = [price.tier for price in ledger.rewards[body.reward].versions[-1][0].prices
              if price.point_type == point_type]  # fmt: skip
    his = mine if mine in listed else ""
    signed_anew = msgspec.structs.replace(order.item, signers=(PublicKey(ledger.accounts[body.account][0]),))
    return tier == his and not against_redemption(ledger, wish, signed_anew, time)


FOLLOWS.append(follow)
