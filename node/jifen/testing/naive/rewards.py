"""Naive rules of rewards: what is in stock is counted anew from what was put in and what was redeemed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from jifen.ledger.rejections import Rejection
from jifen.ledger.rewards.bodies import (
    AddRewardCodes,
    CancelRedemption,
    FulfilRedemption,
    PublishReward,
    RedeemReward,
    RestockReward,
    WithdrawReward,
)
from jifen.ledger.rewards.records import RewardDetails, RewardPrice
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import OrganizationStatus, Scope
from jifen.testing.naive.held import give_back, hold, lots_kept, may_be_held, spend
from jifen.testing.naive.points import against_debit
from jifen.testing.naive.terms import Effects, in_force, signed_by
from jifen.testing.naive.time import TIMED_OUT

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

MOST_IN_STOCK: Final = 1_000_000_000
MOST_SHOWN: Final = 1000
MOST_WAITING: Final = 100


class NaiveReward(NamedTuple):
    """A reward, with everything that was ever said about it."""

    versions: tuple[tuple[RewardDetails, int, bytes], ...] = ()
    """Details, when they were published, and by which transaction."""
    units: int = 0
    """Ever put in stock."""
    codes: tuple[bytes, ...] = ()
    withdrawn: bool = False


class NaiveRedemption(NamedTuple):
    """A redemption."""

    account: bytes
    version: int
    price: RewardPrice
    at: int
    due: int
    status: str
    ended_at: int = 0


def against_owner(ledger: "NaiveLedger", reward: str, scopes: tuple[Scope, ...], item: Transaction) -> set[Rejection]:
    """Return what speaks against an organization and who signed for it."""
    owner = reward.split("/", maxsplit=1)[0]
    if owner not in ledger.organizations:
        return {Rejection.ORGANIZATION_UNKNOWN}
    found = set()
    if ledger.organizations[owner].status == OrganizationStatus.SUSPENDED:
        found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
    if scopes and not any(signed_by(ledger, owner, scope, item) for scope in scopes):
        found.add(Rejection.NOT_AUTHORIZED)
    return found


def left_of(ledger: "NaiveLedger", reward: str) -> int:
    """Count what is left of a reward; a code that was given out once is gone."""
    known = ledger.rewards[reward]
    taken = [made for (name, _), made in ledger.redemptions.items() if name == reward]
    if known.versions[-1][0].has_codes:
        return len(known.codes) - len(taken)
    return known.units - len([made for made in taken if made.status != "CANCELLED"])


def is_full(ledger: "NaiveLedger", reward: str, more: int) -> bool:
    """Tell whether so many more would be too many."""
    taken = len([name for name, _ in ledger.redemptions if name == reward])
    return left_of(ledger, reward) + taken + more > MOST_IN_STOCK


def payable(ledger: "NaiveLedger", owner: str, price: RewardPrice, time: int) -> bool:
    """Tell whether points may be spent at an organization at this rate."""
    terms = in_force(ledger, price.point_type, time)
    issuer = price.point_type.split("/", maxsplit=1)[0]
    worth, promised = price.rate.fen * terms.settlement_points, terms.settlement_fen * price.rate.points
    return (owner == issuer or owner in terms.accepted_by) and worth <= promised


def against_reward(ledger: "NaiveLedger", body: PublishReward, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a version of a reward."""
    found = against_owner(ledger, body.reward, (Scope.ADMIN, Scope.ISSUER), item)
    details, known = body.details, ledger.rewards.get(body.reward)
    types = [price.point_type for price in details.prices]
    if any(name not in ledger.point_types for name in types):
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    owner = body.reward.split("/", maxsplit=1)[0]
    if any(name in ledger.point_types and not payable(ledger, owner, price, time)
           for name, price in zip(types, details.prices, strict=True)):  # fmt: skip
        found.add(Rejection.POINTS_NOT_ACCEPTED)
    if body.version != (len(known.versions) if known else 0) + 1:
        found.add(Rejection.REWARD_VERSION_WRONG)
    if len({(price.point_type, price.tier) for price in details.prices}) != len(details.prices):
        found.add(Rejection.REWARD_CONTRADICTORY)
    if details.closes_at != 0 and details.opens_at >= details.closes_at:
        found.add(Rejection.REWARD_CONTRADICTORY)
    if known and known.versions[0][0].has_codes != details.has_codes:
        found.add(Rejection.REWARD_CONTRADICTORY)
    if details.has_codes and body.stock > 0:
        found.add(Rejection.WRONG_KIND_OF_STOCK)
    if known and is_full(ledger, body.reward, body.stock):
        found.add(Rejection.SUPPLY_EXHAUSTED)
    shown = [name for name, other in ledger.rewards.items() if not other.withdrawn and name.startswith(f"{owner}/")]
    if len({*shown, body.reward}) > MOST_SHOWN:
        found.add(Rejection.TOO_MANY_REWARDS)
    return found


def publish(ledger: "NaiveLedger", body: PublishReward, item: Transaction, time: int) -> Effects:
    """Add a version."""
    known = ledger.rewards.get(body.reward, NaiveReward())
    versions = (*known.versions, (body.details, time, item.id))
    ledger.rewards[body.reward] = known._replace(versions=versions, units=known.units + body.stock, withdrawn=False)
    return ((body.reward, body.version, left_of(ledger, body.reward)),)


def against_codes(ledger: "NaiveLedger", body: AddRewardCodes, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against codes."""
    found = against_owner(ledger, body.reward, (Scope.ADMIN, Scope.ISSUER), item)
    known = ledger.rewards.get(body.reward)
    if known is None:
        return found | {Rejection.REWARD_UNKNOWN}
    if not known.versions[0][0].has_codes:
        found.add(Rejection.WRONG_KIND_OF_STOCK)
    together = [*known.codes, *body.commitments]
    if len(set(together)) < len(together):
        found.add(Rejection.REWARD_CODE_KNOWN)
    if is_full(ledger, body.reward, len(body.commitments)):
        found.add(Rejection.SUPPLY_EXHAUSTED)
    return found


def add_codes(ledger: "NaiveLedger", body: AddRewardCodes, _item: Transaction, _time: int) -> Effects:
    """Add codes."""
    known = ledger.rewards[body.reward]
    ledger.rewards[body.reward] = known._replace(codes=known.codes + body.commitments)
    return ((body.reward, len(known.codes) + 1, len(body.commitments), left_of(ledger, body.reward)),)


def against_restocking(ledger: "NaiveLedger", body: RestockReward, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against more units."""
    found = against_owner(ledger, body.reward, (Scope.ADMIN, Scope.ISSUER), item)
    if body.reward not in ledger.rewards:
        return found | {Rejection.REWARD_UNKNOWN}
    if ledger.rewards[body.reward].versions[0][0].has_codes:
        found.add(Rejection.WRONG_KIND_OF_STOCK)
    if is_full(ledger, body.reward, body.units):
        found.add(Rejection.SUPPLY_EXHAUSTED)
    return found


def restock(ledger: "NaiveLedger", body: RestockReward, _item: Transaction, _time: int) -> Effects:
    """Add units."""
    known = ledger.rewards[body.reward]
    ledger.rewards[body.reward] = known._replace(units=known.units + body.units)
    return ((body.reward, body.units, left_of(ledger, body.reward)),)


def against_withdrawal(ledger: "NaiveLedger", body: WithdrawReward, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against withdrawing a reward."""
    found = against_owner(ledger, body.reward, (Scope.ADMIN, Scope.ISSUER), item)
    if body.reward not in ledger.rewards:
        found.add(Rejection.REWARD_UNKNOWN)
    elif ledger.rewards[body.reward].withdrawn:
        found.add(Rejection.REWARD_NOT_OPEN)
    return found


def withdraw(ledger: "NaiveLedger", body: WithdrawReward, _item: Transaction, _time: int) -> Effects:
    """Withdraw it."""
    known = ledger.rewards[body.reward]
    ledger.rewards[body.reward] = known._replace(withdrawn=True)
    return ((body.reward, len(known.versions)),)


def price_of(ledger: "NaiveLedger", reward: str, account: bytes, point_type: str) -> RewardPrice | None:
    """Return what somebody pays for a reward in points of a type."""
    tier = ledger.tiers.tier_of(reward.split("/", maxsplit=1)[0], account)
    prices = ledger.rewards[reward].versions[-1][0].prices
    mine = [price for price in prices if (price.point_type, price.tier) == (point_type, tier)]
    mine += [price for price in prices if (price.point_type, price.tier) == (point_type, "")]
    return mine[0] if mine else None


def against_redemption(ledger: "NaiveLedger", body: RedeemReward, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against redeeming a reward."""
    found = against_owner(ledger, body.reward, (), item)
    if body.account not in ledger.accounts:
        found.add(Rejection.ACCOUNT_UNKNOWN)
    else:
        found |= against_debit(ledger, body.account, item, time)
    if body.point_type not in ledger.point_types:
        found.add(Rejection.POINT_TYPE_UNKNOWN)
    if body.reward not in ledger.rewards:
        return found | {Rejection.REWARD_UNKNOWN}
    known = ledger.rewards[body.reward]
    details = known.versions[-1][0]
    if len(known.versions) != body.version:
        found.add(Rejection.REWARD_VERSION_WRONG)
    if known.withdrawn or time < details.opens_at or (details.closes_at and time >= details.closes_at):
        found.add(Rejection.REWARD_NOT_OPEN)
    mine = [
        made for (name, _), made in ledger.redemptions.items() if (name, made.account) == (body.reward, body.account)
    ]
    if details.member_limit and len([made for made in mine if made.status != "CANCELLED"]) >= details.member_limit:
        found.add(Rejection.REWARD_LIMIT_REACHED)
    if details.hold_minutes and waiting_with(ledger, body.account, body.reward) >= MOST_WAITING:
        found.add(Rejection.TOO_MANY_REDEMPTIONS)
    if left_of(ledger, body.reward) == 0:
        found.add(Rejection.REWARD_SOLD_OUT)
    if body.point_type in ledger.point_types:
        price = price_of(ledger, body.reward, body.account, body.point_type)
        owner = body.reward.split("/", maxsplit=1)[0]
        if price is None or not payable(ledger, owner, price, time):
            found.add(Rejection.POINTS_NOT_ACCEPTED)
        if price is not None and price.points != body.points:
            found.add(Rejection.REWARD_PRICE_WRONG)
        if ledger.balance(body.account, body.point_type) < body.points:
            found.add(Rejection.INSUFFICIENT_POINTS)
        elif not may_be_held(ledger, (body.account, body.point_type), body.points):
            found.add(Rejection.TOO_MANY_LOTS)
    return found


def waiting_with(ledger: "NaiveLedger", account: bytes, reward: str) -> int:
    """Count what somebody has redeemed of the organization of a reward that is not over."""
    owner = reward.split("/", maxsplit=1)[0]
    return len([made for (name, _), made in ledger.redemptions.items()
                if made.account == account and name.startswith(f"{owner}/") and made.status == "HELD"])  # fmt: skip


def name_of(reward: str, number: int) -> bytes:
    """Return the state key of a redemption."""
    return b"R" + reward.encode() + b"\0" + number.to_bytes(8, "big")


def redeem(ledger: "NaiveLedger", body: RedeemReward, _item: Transaction, time: int) -> Effects:
    """Redeem it."""
    price = price_of(ledger, body.reward, body.account, body.point_type)
    assert price is not None
    return take(ledger, body.reward, body.account, price, time)


def take(ledger: "NaiveLedger", reward: str, account: bytes, price: RewardPrice, time: int) -> Effects:
    """Take points and a unit."""
    known = ledger.rewards[reward]
    number = len([name for name, _ in ledger.redemptions if name == reward]) + 1
    minutes = known.versions[-1][0].hold_minutes
    due = time + minutes * 60_000 if minutes else 0
    whose = (account, price.point_type)
    hold(ledger, whose, price.points, name_of(reward, number))
    made = NaiveRedemption(account, len(known.versions), price, time, due, "HELD")
    ledger.redemptions[reward, number] = made
    code = known.codes[number - 1] if known.versions[-1][0].has_codes else b""
    head = (reward, number, len(known.versions), *whose, price.points, price.tier, price.rate)
    redeemed = (*head, code, due, left_of(ledger, reward), ledger.balance(*whose))
    return (redeemed,) if due else (redeemed, let_go(ledger, reward, number, time))


def let_go(ledger: "NaiveLedger", reward: str, number: int, time: int) -> tuple[object, ...]:
    """Fulfil a redemption."""
    made, owner = ledger.redemptions[reward, number], reward.split("/", maxsplit=1)[0]
    price = made.price
    spend(ledger, name_of(reward, number))
    own = price.point_type.startswith(f"{owner}/")
    if own:
        ledger.burned[price.point_type] += price.points
    else:
        ledger.positions[owner, price.point_type, price.rate.points, price.rate.fen] += price.points
    ledger.redemptions[reward, number] = made._replace(due=0, status="FULFILLED", ended_at=time)
    return (reward, number, made.account, price.point_type, price.points, price.rate, own)


def against_ending(
    ledger: "NaiveLedger", body: FulfilRedemption | CancelRedemption, item: Transaction, _time: int
) -> set[Rejection]:
    """Return what speaks against fulfilling or cancelling a redemption."""
    found = against_owner(ledger, body.reward, (Scope.CASHIER, Scope.ISSUER), item)
    if (body.reward, body.number) not in ledger.redemptions:
        found.add(Rejection.REDEMPTION_UNKNOWN)
    elif not lots_kept(ledger, name_of(body.reward, body.number)):
        found.add(Rejection.REDEMPTION_NOT_HELD)
    return found


def fulfil(ledger: "NaiveLedger", body: FulfilRedemption, _item: Transaction, time: int) -> Effects:
    """Fulfil it."""
    return (let_go(ledger, body.reward, body.number, time),)


def cancel(ledger: "NaiveLedger", body: CancelRedemption, _item: Transaction, time: int) -> Effects:
    """Cancel it."""
    return undo(ledger, body.reward, body.number, body.reason, time)


def undo(ledger: "NaiveLedger", reward: str, number: int, reason: str, time: int) -> Effects:
    """Give points and unit back."""
    made = ledger.redemptions[reward, number]
    whose = (made.account, made.price.point_type)
    repaid, told = give_back(ledger, name_of(reward, number), time)
    ledger.redemptions[reward, number] = made._replace(due=0, status="CANCELLED", ended_at=time)
    after = (ledger.balance(*whose), left_of(ledger, reward))
    return ((reward, number, *whose, made.price.points, repaid, *after, reason), *told)


def timed_out(ledger: "NaiveLedger", time: int) -> list[tuple[int, bytes, Callable[[], list[tuple[object, ...]]]]]:
    """Return the redemptions that were not fulfilled in time: when, their state keys, and what gives them back."""
    return [
        (made.due, name_of(*name), lambda name=name: list(undo(ledger, name[0], name[1], "", time)))  # type: ignore[misc]
        for name, made in ledger.redemptions.items()
        if made.status == "HELD" and made.due <= time
    ]


TIMED_OUT.append(timed_out)
