"""Carrying a change of the validators out: what can speak against it, and what it does."""

from collections.abc import Iterator
from typing import assert_never

import msgspec

from jifen.ledger.context import BlockContext
from jifen.ledger.governance.bodies import ValidatorAdmitted, ValidatorRemoved
from jifen.ledger.governance.changes import AdmitValidator, Change, RemoveValidator
from jifen.ledger.governance.proposals import ORGANIZATIONS_MAX, VALIDATORS_EVER_MAX, Governance, read_governance
from jifen.ledger.governance.validators import (
    VALIDATORS_MAX,
    Validator,
    ValidatorSet,
    ValidatorStatus,
    begin_joint,
    put_status,
    read_validator,
    read_validator_set,
)
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import (
    GOVERNANCE_KEY,
    VALIDATOR_SET_KEY,
    StateReader,
    StateWriter,
    organization_key,
    validator_key,
)
from jifen.ledger.types import Organization, OrganizationStatus, Scope


def check_change(state: StateReader, change: Change) -> Rejection | None:
    """Return why the change could not be carried out as things stand, or None. Order: `rejections.py`.

    `check_no_change_is_under_way` is asked apart, and last: it passes by itself.
    """
    match change:
        case AdmitValidator():
            return _check_admission(state, change)
        case RemoveValidator():
            return _check_removal(state, change)
        case _:
            assert_never(change)


def check_no_change_is_under_way(state: StateReader, change: Change, context: BlockContext) -> Rejection | None:
    """Return CONFIGURATION_CHANGING when the change would touch the voters and another one is not over."""
    if isinstance(change, RemoveValidator):
        current = read_validator_set(state)
        if change.validator in current.voters and is_changing(current, context):
            return Rejection.CONFIGURATION_CHANGING
    return None


def is_changing(current: ValidatorSet, context: BlockContext) -> bool:
    """Tell whether the voters cannot be changed in this block: they are being changed, or were in this very block."""
    return current.joint or current.changed_at == context.height


def carry_out(state: StateWriter, change: Change, context: BlockContext) -> ValidatorAdmitted | ValidatorRemoved:
    """Carry an accepted change out."""
    match change:
        case AdmitValidator():
            return _admit(state, change, context)
        case RemoveValidator():
            return _remove(state, change, context)
        case _:
            assert_never(change)


def voter_of(state: StateReader, current: ValidatorSet, organization: str) -> Validator | None:
    """Return the organization's voter, or None."""
    for name in current.voters:
        validator = read_validator(state, name)
        if validator.organization == organization:
            return validator
    return None


def _check_admission(state: StateReader, change: AdmitValidator) -> Rejection | None:
    owner = read(state, organization_key(change.organization), Organization)
    newcomer = change.newcomer
    if newcomer is None:
        if owner is None:
            return Rejection.OWNER_UNKNOWN
        if owner.status is not OrganizationStatus.ACTIVE:
            return Rejection.OWNER_NOT_ACTIVE
    elif not any(operator.scopes & Scope.ADMIN for operator in newcomer.operators):
        return Rejection.NO_ADMINISTRATOR
    governance = read_governance(state)
    if _is_id_taken(state, change):
        return Rejection.ID_TAKEN
    keys = [change.key, *(operator.key for operator in (newcomer.operators if newcomer else ()))]
    if len({*keys}) < len(keys) or any(key in keys for key in _keys_in_use(state, governance)):
        return Rejection.KEY_IN_USE
    validators = [read_validator(state, name) for name in governance.validators]
    if any(known.certificate_pem == change.certificate_pem for known in validators):
        return Rejection.CERTIFICATE_IN_USE
    place = change.peer_host, change.peer_port
    if any((known.peer_host, known.peer_port) == place for known in validators if _is_beside(known, change)):
        return Rejection.ADDRESS_IN_USE
    current = read_validator_set(state)
    voter = voter_of(state, current, change.organization)
    if change.replaces is not None and (voter is None or voter.id != change.replaces):
        return Rejection.NOT_ITS_VOTER
    if len(current.all) >= VALIDATORS_MAX or len(governance.validators) >= VALIDATORS_EVER_MAX:
        return Rejection.ALLIANCE_FULL
    if newcomer is not None and len(governance.organizations) >= ORGANIZATIONS_MAX:
        return Rejection.ALLIANCE_FULL
    return None


def _is_id_taken(state: StateReader, change: AdmitValidator) -> bool:
    if state.get(validator_key(change.validator)) is not None:
        return True
    if change.newcomer is not None:
        # A validator of somebody else may have gone by the newcomer's id.
        taken = state.get(validator_key(change.organization)) is not None
        if taken or state.get(organization_key(change.organization)) is not None:
            return True
    return change.validator != change.organization and state.get(organization_key(change.validator)) is not None


def _keys_in_use(state: StateReader, governance: Governance) -> Iterator[bytes]:
    for name in governance.organizations:
        organization = read(state, organization_key(name), Organization)
        assert organization is not None, f"organization {name} is listed and has no record"
        yield from (operator.key for operator in organization.operators)
    for name in governance.validators:
        yield read_validator(state, name).key


def _is_beside(known: Validator, change: AdmitValidator) -> bool:
    # The one that is replaced may have stood on the same machine.
    return known.status is not ValidatorStatus.RETIRED and known.id != change.replaces


def _check_removal(state: StateReader, change: RemoveValidator) -> Rejection | None:
    validator = read(state, validator_key(change.validator), Validator)
    if validator is None:
        return Rejection.VALIDATOR_UNKNOWN
    current = read_validator_set(state)
    if change.validator not in current.voters + current.observers:  # retired, or about to
        return Rejection.VALIDATOR_RETIRED
    if current.voters == (change.validator,):
        return Rejection.LAST_VOTER
    return None


def _admit(state: StateWriter, change: AdmitValidator, context: BlockContext) -> ValidatorAdmitted:
    governance, current = read_governance(state), read_validator_set(state)
    organizations = governance.organizations
    if change.newcomer is not None:
        organizations += (change.organization,)
        state.put(
            organization_key(change.organization),
            Organization(
                id=change.organization,
                name=change.newcomer.name,
                kind=change.newcomer.kind,
                status=OrganizationStatus.ACTIVE,
                operators=change.newcomer.operators,
                validator_key=change.key,
            ),
        )
    state.put(
        validator_key(change.validator),
        Validator(
            id=change.validator,
            organization=change.organization,
            key=change.key,
            certificate_pem=change.certificate_pem,
            peer_host=change.peer_host,
            peer_port=change.peer_port,
            public_url=change.public_url,
            status=ValidatorStatus.OBSERVER,
            since=context.height,
            replaces=change.replaces,
        ),
    )
    state.put(VALIDATOR_SET_KEY, msgspec.structs.replace(current, observers=(*current.observers, change.validator)))
    known = (*governance.validators, change.validator)
    state.put(GOVERNANCE_KEY, msgspec.structs.replace(governance, organizations=organizations, validators=known))
    return ValidatorAdmitted(change.validator, change.organization, change.newcomer is not None, change.replaces)


def _remove(state: StateWriter, change: RemoveValidator, context: BlockContext) -> ValidatorRemoved:
    validator, current = read_validator(state, change.validator), read_validator_set(state)
    votes = change.validator in current.voters
    if votes:
        begin_joint(state, tuple(name for name in current.voters if name != change.validator), context)
    else:
        left = tuple(name for name in current.observers if name != change.validator)
        state.put(VALIDATOR_SET_KEY, msgspec.structs.replace(current, observers=left))
        put_status(state, change.validator, ValidatorStatus.RETIRED, context)
    return ValidatorRemoved(change.validator, validator.organization, votes)
