"""The invariants of bonuses."""

from jifen.ledger.bonus_records import BonusBook, BonusMark
from jifen.ledger.bonuses import is_contradictory
from jifen.ledger.checking import Items, require
from jifen.ledger.state import ACCOUNT, BONUS, ORGANIZATION


def check_bonuses_are_within_budgets_and_go_to_members(items: Items) -> None:
    """I3, I4: bonuses are an organization's, within its budget; what was made use of was so by an account."""
    known = list(items)
    accounts = {key[1:] for key, _ in known if key[:1] == ACCOUNT}
    organizations = {key[1:] for key, _ in known if key[:1] == ORGANIZATION}
    for key, record in known:
        if key[:1] != BONUS:
            continue
        organization = key[2:].split(b"\0", maxsplit=1)[0]
        require(organization in organizations, f"{key.hex()} is of an organization that does not exist")
        if isinstance(record, BonusBook):
            sound = not is_contradictory(record.policy) and record.granted <= record.policy.budget
            require(sound, f"I4: bonuses of {organization.decode()} are out of bounds: {record}")
        if isinstance(record, BonusMark):
            require(record.account in accounts, f"I3: a bonus went to {record.account.hex()}, which is not registered")
