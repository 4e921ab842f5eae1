"""The ledger's invariants as named checks, over any complete view of the state.

Tests and `jifen verify` run them. Each raises InvariantBroken with the values that do not fit.
"""

from jifen.ledger.checking import Items, holdings_of, require
from jifen.ledger.checkpoint_checks import check_checkpoints_are_attested_once_by_each
from jifen.ledger.lots import add_lots
from jifen.ledger.state import ACCOUNT, POINT_TYPE, SUPPLY
from jifen.ledger.types import EMPTY_HOLDING, POINTS_MAX, Account, Holding, OrderRecord, PointType, Supply
from jifen.ledger.validator_checks import (
    check_an_organization_has_at_most_one_voter,
    check_governance_lists_everybody_and_everything_open,
    check_no_set_of_voters_is_forgotten,
    check_nobody_votes_twice,
    check_the_validator_set_agrees_with_the_validators,
    check_validators_share_no_key,
)


def check_supply_is_conserved(items: Items) -> None:
    """I1: of every point type, issued less burned is the sum of all holdings."""
    known = list(items)
    held: dict[str, int] = {}
    for _, point_type, holding in holdings_of(known):
        held[point_type] = held.get(point_type, 0) + holding.available
    for key, record in known:
        if key[:1] == SUPPLY:
            assert isinstance(record, Supply)
            name = key[1:].decode()
            total = held.pop(name, 0)
            require(
                record.issued - record.burned == total,
                f"I1: {name} has issued {record.issued} and burned {record.burned}, but {total} are held",
            )
    require(not held, f"I1: points of types without a supply are held: {held}")


def check_nothing_is_negative_or_overflows(items: Items) -> None:
    """I2: every quantity lies in 0..POINTS_MAX, lots hold at least one point."""
    for key, record in items:
        numbers: list[int] = []
        if isinstance(record, Supply):
            numbers = [record.issued, record.burned]
        elif isinstance(record, Holding):
            numbers = [record.available, record.debt, *(lot.points - 1 for lot in record.lots)]
        require(all(0 <= number <= POINTS_MAX for number in numbers), f"I2: {key.hex()} holds {record}")


def check_holdings_are_the_sum_of_their_lots(items: Items) -> None:
    """A holding's available points are the sum of its lots, which are merged and in spending order."""
    for account, point_type, holding in holdings_of(items):
        expected = add_lots(EMPTY_HOLDING, holding.lots)
        same = (holding.available, holding.lots) == (expected.available, expected.lots)
        require(same, f"holding {account.hex()} {point_type}: {holding}, should be {expected}")


def check_points_have_an_owner_and_a_type(items: Items) -> None:
    """I4, I5: points belong to registered accounts and are of types that an organization issues."""
    known = list(items)
    accounts = {key[1:]: record for key, record in known if key[:1] == ACCOUNT}
    types = {key[1:].decode(): record for key, record in known if key[:1] == POINT_TYPE}
    for account, record in accounts.items():
        require(isinstance(record, Account) and record.id == account, f"account {account.hex()} holds {record}")
    for name, kind in types.items():
        require(isinstance(kind, PointType) and kind.id == name, f"point type {name} holds {kind}")
    for account, point_type, _ in holdings_of(known):
        require(account in accounts, f"I5: {account.hex()} holds points but is not registered")
        require(point_type in types, f"I4: points of unknown type {point_type} are held")


def check_no_refund_exceeds_its_order(items: Items) -> None:
    """I3: of no order is more refunded than it came to."""
    for key, record in items:
        if isinstance(record, OrderRecord):
            require(0 <= record.refunded_fen <= record.amount_fen, f"I3: order {key.hex()} holds {record}")


CHECKS = (
    check_supply_is_conserved,
    check_nothing_is_negative_or_overflows,
    check_holdings_are_the_sum_of_their_lots,
    check_points_have_an_owner_and_a_type,
    check_no_refund_exceeds_its_order,
    check_the_validator_set_agrees_with_the_validators,
    check_an_organization_has_at_most_one_voter,
    check_validators_share_no_key,
    check_governance_lists_everybody_and_everything_open,
    check_nobody_votes_twice,
    check_no_set_of_voters_is_forgotten,
    check_checkpoints_are_attested_once_by_each,
)
"""All of them."""


def check_all(items: Items) -> None:
    """Run every check; raises InvariantBroken at the first that fails."""
    known = list(items)
    for check in CHECKS:
        check(known)
