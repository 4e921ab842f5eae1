"""The invariants of bonuses."""

from jifen.ledger.bonuses.granting import is_contradictory
from jifen.ledger.bonuses.records import BonusBook, BonusMark
from jifen.ledger.checking import Items, require
from jifen.ledger.rewards.standing_orders import StandingOrder
from jifen.ledger.state import ACCOUNT, BONUS, ORGANIZATION
from jifen.ledger.tiers.records import TierBook


def check_bonuses_are_within_budgets_and_go_to_members(items: Items) -> None:
    """I3, I4: bonuses are an organization's, within its budget; what was made use of was so by an account."""
    known = list(items)
    accounts = {key[1:] for key, _ in known if key[:1] == ACCOUNT}
    organizations = {key[1:] for key, _ in known if key[:1] == ORGANIZATION}
    for key, record in known:
        if key[:1] != BONUS:
            continue
        if isinstance(record, StandingOrder):
            continue
        organization = key[2:].split(b"\0", maxsplit=1)[0]
        require(organization in organizations, f"{key.hex()} is of an organization that does not exist")
        if isinstance(record, BonusBook):
            sound = not is_contradictory(record.policy) and record.granted <= record.policy.budget
            require(sound, f"I4: bonuses of {organization.decode()} are out of bounds: {record}")
        if isinstance(record, BonusMark):
            require(record.account in accounts, f"I3: a bonus went to {record.account.hex()}, which is not registered")


def check_standing_orders_are_members_and_counted(items: Items) -> None:
    """I5: standing orders are of accounts, carried out within their limit, and every organization knows how many."""
    known = list(items)
    accounts = {key[1:] for key, _ in known if key[:1] == ACCOUNT}
    counted: dict[str, int] = {}
    for key, record in known:
        if isinstance(record, StandingOrder):
            account, organization = key[2:22], key[22:].decode()
            require(account in accounts, f"I5: {account.hex()} has a standing order but is not registered")
            require(record.done <= record.per_day, f"I5: {account.hex()} has {record}, carried out too often")
            counted[organization] = counted.get(organization, 0) + 1
    books = {key[1:].decode(): record.standing_orders for key, record in known if isinstance(record, TierBook)}
    found = {name: number for name, number in books.items() if number}
    require(found == counted, f"there are standing orders {counted}, counted are {found}")
