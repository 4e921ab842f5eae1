"""The validators, in both ledgers."""

from jifen.ledger import state
from jifen.ledger.types import Record
from jifen.ledger.validators import ValidatorSet
from jifen.testing.naive_ledger import NaiveLedger
from jifen.testing.twin_machine import TwinMachine


class ValidatorRules(TwinMachine):
    """Rules of the validators."""


def validators_and_their_set(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of all validators and of their set."""
    expected: dict[bytes, Record] = {state.validator_key(item.id): item for item in twin.validators}
    return expected | {state.VALIDATOR_SET_KEY: ValidatorSet(tuple(twin.voters))}


TwinMachine.tables += [validators_and_their_set]
