"""The ledger's invariants as named checks, over any complete view of the state.

Tests and `jifen verify` run them. Each raises InvariantBroken with the values that do not fit.
"""

from collections.abc import Iterable

from jifen.ledger.lots import add_lots
from jifen.ledger.state import ACCOUNT, HOLDING, ORGANIZATION, POINT_TYPE, SUPPLY, VALIDATOR, VALIDATOR_SET
from jifen.ledger.types import (
    EMPTY_HOLDING,
    POINTS_MAX,
    Account,
    Holding,
    OrderRecord,
    Organization,
    PointType,
    Record,
    Supply,
)
from jifen.ledger.validators import VALIDATORS_MAX, Validator, ValidatorSet, ValidatorStatus

Items = Iterable[tuple[bytes, Record]]


class InvariantBroken(AssertionError):
    """The state contradicts a rule that no transaction may break: a fault of the software or of the disk."""


def _require(holds: bool, text: str) -> None:
    if not holds:
        raise InvariantBroken(text)


def _holdings(items: Items) -> Iterable[tuple[bytes, str, Holding]]:
    for key, record in items:
        if key[:1] == HOLDING:
            assert isinstance(record, Holding)
            yield key[1:21], key[21:].decode(), record


def check_supply_is_conserved(items: Items) -> None:
    """I1: of every point type, issued less burned is the sum of all holdings."""
    known = list(items)
    held: dict[str, int] = {}
    for _, point_type, holding in _holdings(known):
        held[point_type] = held.get(point_type, 0) + holding.available
    for key, record in known:
        if key[:1] == SUPPLY:
            assert isinstance(record, Supply)
            name = key[1:].decode()
            total = held.pop(name, 0)
            _require(
                record.issued - record.burned == total,
                f"I1: {name} has issued {record.issued} and burned {record.burned}, but {total} are held",
            )
    _require(not held, f"I1: points of types without a supply are held: {held}")


def check_nothing_is_negative_or_overflows(items: Items) -> None:
    """I2: every quantity lies in 0..POINTS_MAX, lots hold at least one point."""
    for key, record in items:
        numbers: list[int] = []
        if isinstance(record, Supply):
            numbers = [record.issued, record.burned]
        elif isinstance(record, Holding):
            numbers = [record.available, record.debt, *(lot.points - 1 for lot in record.lots)]
        _require(all(0 <= number <= POINTS_MAX for number in numbers), f"I2: {key.hex()} holds {record}")


def check_holdings_are_the_sum_of_their_lots(items: Items) -> None:
    """A holding's available points are the sum of its lots, which are merged and in spending order."""
    for account, point_type, holding in _holdings(items):
        expected = add_lots(EMPTY_HOLDING, holding.lots)
        same = (holding.available, holding.lots) == (expected.available, expected.lots)
        _require(same, f"holding {account.hex()} {point_type}: {holding}, should be {expected}")


def check_points_have_an_owner_and_a_type(items: Items) -> None:
    """I4, I5: points belong to registered accounts and are of types that an organization issues."""
    known = list(items)
    accounts = {key[1:]: record for key, record in known if key[:1] == ACCOUNT}
    types = {key[1:].decode(): record for key, record in known if key[:1] == POINT_TYPE}
    for account, record in accounts.items():
        _require(isinstance(record, Account) and record.id == account, f"account {account.hex()} holds {record}")
    for name, kind in types.items():
        _require(isinstance(kind, PointType) and kind.id == name, f"point type {name} holds {kind}")
    for account, point_type, _ in _holdings(known):
        _require(account in accounts, f"I5: {account.hex()} holds points but is not registered")
        _require(point_type in types, f"I4: points of unknown type {point_type} are held")


def check_no_refund_exceeds_its_order(items: Items) -> None:
    """I3: of no order is more refunded than it came to."""
    for key, record in items:
        if isinstance(record, OrderRecord):
            _require(0 <= record.refunded_fen <= record.amount_fen, f"I3: order {key.hex()} holds {record}")


def _validators(items: Items) -> tuple[ValidatorSet | None, dict[str, Validator]]:
    found: ValidatorSet | None = None
    validators: dict[str, Validator] = {}
    for key, record in items:
        if key[:1] == VALIDATOR_SET:
            assert isinstance(record, ValidatorSet)
            found = record
        elif key[:1] == VALIDATOR:
            assert isinstance(record, Validator)
            validators[key[1:].decode()] = record
    return found, validators


def check_the_validator_set_agrees_with_the_validators(items: Items) -> None:
    """Everybody in the set has the status of his place, and who has that status stands there, once."""
    found, validators = _validators(items)
    if found is None:
        _require(not validators, f"there are validators {list(validators)} and no set of them")
        return
    for names in (found.voters, found.outgoing, found.observers):
        _require(len({*names}) == len(names), f"somebody stands twice in {names}")
    voting = {*found.voters, *found.outgoing}
    _require(not voting & {*found.observers}, f"an observer votes in {found}")
    _require(len(found.voters) > 0, f"nobody votes in {found}")
    _require(len(found.all) <= VALIDATORS_MAX, f"{len(found.all)} validators; at most {VALIDATORS_MAX} fit")
    _require({*found.all} <= validators.keys(), f"{found} names a validator that has no record")
    for name, validator in validators.items():
        place = ValidatorStatus.RETIRED
        if name in voting:
            place = ValidatorStatus.VOTER
        elif name in found.observers:
            place = ValidatorStatus.OBSERVER
        _require(validator.id == name, f"validator {name} holds {validator}")
        _require(validator.status is place, f"validator {name} is {validator.status.name}, its place says {place.name}")


def check_an_organization_has_at_most_one_voter(items: Items) -> None:
    """No organization has two votes, and its validator key is that of its voter."""
    known = list(items)
    found, validators = _validators(known)
    organizations = {key[1:].decode(): record for key, record in known if key[:1] == ORGANIZATION}
    if found is None:
        return
    for name, validator in validators.items():
        _require(validator.organization in organizations, f"validator {name} belongs to nobody: {validator}")
        _require(
            name == validator.organization or name not in organizations,
            f"validator {name} of {validator.organization} goes by the id of another organization",
        )
    for names in (found.voters, found.outgoing):
        owners = [validators[name].organization for name in names]
        _require(len({*owners}) == len(owners), f"an organization has two voters: {names} belong to {owners}")
    for name in found.voters:
        owner = organizations[validators[name].organization]
        assert isinstance(owner, Organization)
        _require(owner.validator_key == validators[name].key, f"{owner.id} does not know the key of its voter {name}")


def check_validators_share_no_key(items: Items) -> None:
    """A key means one validator, or one operator, for ever."""
    known = list(items)
    _, validators = _validators(known)
    keys = [validator.key for validator in validators.values()]
    for _, record in known:
        if isinstance(record, Organization):
            keys += [operator.key for operator in record.operators]
    _require(len({*keys}) == len(keys), "a key of a validator or operator is used twice")


CHECKS = (
    check_supply_is_conserved,
    check_nothing_is_negative_or_overflows,
    check_holdings_are_the_sum_of_their_lots,
    check_points_have_an_owner_and_a_type,
    check_no_refund_exceeds_its_order,
    check_the_validator_set_agrees_with_the_validators,
    check_an_organization_has_at_most_one_voter,
    check_validators_share_no_key,
)
"""All of them."""


def check_all(items: Items) -> None:
    """Run every check; raises InvariantBroken at the first that fails."""
    known = list(items)
    for check in CHECKS:
        check(known)
