"""The invariants of the validators, their set, and of deciding about them."""

from jifen.ledger.checking import Items, require
from jifen.ledger.governance.proposals import Governance, Proposal, ProposalStatus
from jifen.ledger.governance.validators import VALIDATORS_MAX, Validator, ValidatorSet, ValidatorStatus
from jifen.ledger.state import (
    GOVERNANCE,
    ORGANIZATION,
    PROPOSAL,
    VALIDATOR,
    VALIDATOR_SET,
    VALIDATOR_SET_KEY,
    past_set_key,
    proposal_key,
)
from jifen.ledger.types import Organization


def _validators(items: Items) -> tuple[ValidatorSet | None, dict[str, Validator]]:
    found: ValidatorSet | None = None
    validators: dict[str, Validator] = {}
    for key, record in items:
        if key == VALIDATOR_SET_KEY:
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
        require(not validators, f"there are validators {list(validators)} and no set of them")
        return
    for names in (found.voters, found.outgoing, found.observers):
        require(len({*names}) == len(names), f"somebody stands twice in {names}")
    voting = {*found.voters, *found.outgoing}
    require(not voting & {*found.observers}, f"an observer votes in {found}")
    require(len(found.voters) > 0, f"nobody votes in {found}")
    require(len(found.all) <= VALIDATORS_MAX, f"{len(found.all)} validators; at most {VALIDATORS_MAX} fit")
    require({*found.all} <= validators.keys(), f"{found} names a validator that has no record")
    for name, validator in validators.items():
        place = ValidatorStatus.RETIRED
        if name in voting:
            place = ValidatorStatus.VOTER
        elif name in found.observers:
            place = ValidatorStatus.OBSERVER
        require(validator.id == name, f"validator {name} holds {validator}")
        require(validator.status is place, f"validator {name} is {validator.status.name}, its place says {place.name}")


def check_an_organization_has_at_most_one_voter(items: Items) -> None:
    """No organization has two votes, and its validator key is that of its voter."""
    known = list(items)
    found, validators = _validators(known)
    organizations = {key[1:].decode(): record for key, record in known if key[:1] == ORGANIZATION}
    if found is None:
        return
    for name, validator in validators.items():
        require(validator.organization in organizations, f"validator {name} belongs to nobody: {validator}")
        require(
            name == validator.organization or name not in organizations,
            f"validator {name} of {validator.organization} goes by the id of another organization",
        )
    for names in (found.voters, found.outgoing):
        owners = [validators[name].organization for name in names]
        require(len({*owners}) == len(owners), f"an organization has two voters: {names} belong to {owners}")
    for name in found.voters:
        owner = organizations[validators[name].organization]
        assert isinstance(owner, Organization)
        require(owner.validator_key == validators[name].key, f"{owner.id} does not know the key of its voter {name}")


def check_validators_share_no_key(items: Items) -> None:
    """A key means one validator, or one operator, for ever."""
    known = list(items)
    _, validators = _validators(known)
    keys = [validator.key for validator in validators.values()]
    for _, record in known:
        if isinstance(record, Organization):
            keys += [operator.key for operator in record.operators]
    require(len({*keys}) == len(keys), "a key of a validator or operator is used twice")


def check_governance_lists_everybody_and_everything_open(items: Items) -> None:
    """The lists that votes are counted over and keys compared with leave nobody out."""
    known = list(items)
    governance: Governance | None = None
    proposals: list[Proposal] = []
    for key, record in known:
        if key[:1] == GOVERNANCE:
            assert isinstance(record, Governance)
            governance = record
        elif key[:1] == PROPOSAL:
            assert isinstance(record, Proposal)
            require(proposal_key(record.number) == key, f"proposal {key.hex()} holds {record}")
            proposals.append(record)
    if governance is None:
        require(not proposals, "there are proposals and nothing that says how they are decided")
        return
    for names, prefix in ((governance.organizations, ORGANIZATION), (governance.validators, VALIDATOR)):
        there = sorted(key[1:].decode() for key, _ in known if key[:1] == prefix)
        require(sorted(names) == there, f"governance lists {names}, there are {there}")
    require(governance.proposals == len(proposals), f"{len(proposals)} proposals, {governance.proposals} were counted")
    listed = [(item.number, item.id, item.organization, item.open_until) for item in governance.open]
    waiting = [
        (item.number, item.id, item.organization, item.open_until)
        for item in proposals
        if item.status is ProposalStatus.OPEN
    ]
    require(listed == waiting, f"open are {waiting}, listed as open {listed}")


def check_nobody_votes_twice(items: Items) -> None:
    """A proposal has one vote an organization, its proposer's first; it has an end exactly when it is not open."""
    for key, record in items:
        if key[:1] == PROPOSAL:
            assert isinstance(record, Proposal)
            voters = [vote.organization for vote in record.votes]
            require(len({*voters}) == len(voters), f"somebody votes twice in {record}")
            proposer = voters[:1] == [record.organization] and record.votes[0].approve
            require(proposer, f"the proposer does not approve first in {record}")
            ended = record.status is not ProposalStatus.OPEN
            require(ended == (record.decided_at > 0), f"{record} is {record.status.name} and ended at its height")


def check_no_set_of_voters_is_forgotten(items: Items) -> None:
    """The present voters are the newest of the sets that were kept, of which the first is that of genesis."""
    sets: list[ValidatorSet] = []
    present: ValidatorSet | None = None
    for key, record in items:
        if key[:1] == VALIDATOR_SET:
            assert isinstance(record, ValidatorSet)
            if key == VALIDATOR_SET_KEY:
                present = record
            else:
                require(past_set_key(record.changed_at) == key, f"set {key.hex()} holds {record}")
                sets.append(record)
    if present is None and not sets:
        return
    require(bool(sets) and sets[0].changed_at == 0 and present is not None, f"{present} has no past: {sets}")
    assert present is not None
    newest = (sets[-1].voters, sets[-1].outgoing, sets[-1].changed_at)
    require(newest == (present.voters, present.outgoing, present.changed_at), f"{present} is not kept as {sets[-1]}")
