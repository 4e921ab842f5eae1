"""Genesis: the document every organization of the alliance agrees on before the first block.

Its canonical bytes are hashed into the chain id, so two alliances never share one and a member's signature for one is
worth nothing in another.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.ledger.checkpoints.records import CHECKPOINT_BLOCKS_DEFAULT, CheckpointBlocks, Checkpoints
from jifen.ledger.governance.proposals import ORGANIZATIONS_MAX, Governance, ThresholdTerm
from jifen.ledger.governance.validators import CertificateText, Validator, ValidatorSet, ValidatorStatus, put_voters
from jifen.ledger.state import (
    CHECKPOINTS_KEY,
    GOVERNANCE_KEY,
    StateWriter,
    organization_key,
    point_type_key,
    supply_key,
    validator_key,
)
from jifen.ledger.terms.publishing import contradicts_itself, is_covered, record_terms
from jifen.ledger.terms.records import PointType, Unbacked
from jifen.ledger.types import (
    EMPTY_SUPPLY,
    HostName,
    Organization,
    PortNumber,
    Slug,
    TimeMs,
    UrlText,
)


class Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Share of the organizations asked that must approve a change of the alliance.

    Invariant: more than a half and at most all of them, so that no two disjoint groups can both decide.
    """

    numerator: ThresholdTerm
    denominator: ThresholdTerm


UNANIMITY = Threshold(1, 1)
"""Everybody approves: what the alliance has unless genesis says otherwise."""


class ValidatorAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where and how an organization's validator is reached at the start; nodes may override it in their own files."""

    organization: Slug
    peer_host: HostName
    peer_port: PortNumber
    public_url: UrlText
    """Base URL of its public API."""
    certificate_pem: CertificateText
    """Its TLS certificate, the pin of its peer links."""


class Genesis(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The agreed start.

    Invariant: organization ids, point type ids and keys are unique; every point type's issuer is an organization and
    its id is `<issuer>/<role>`; `validators` names every organization once, in the order of `organizations`.
    """

    format: Annotated[int, Meta(ge=1)]
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    created_at: TimeMs
    """Time of block 0, ms."""
    organizations: Annotated[tuple[Organization, ...], Meta(min_length=1, max_length=ORGANIZATIONS_MAX)]
    point_types: tuple[PointType, ...]
    validators: tuple[ValidatorAddress, ...]
    approval: Threshold = UNANIMITY
    """Which share of the active organizations admits and removes validators."""
    checkpoint_blocks: CheckpointBlocks = CHECKPOINT_BLOCKS_DEFAULT
    """A checkpoint of the whole state is taken at every height that this divides."""


def check_genesis(genesis: Genesis) -> None:
    """Raise ValueError naming the first invariant of `Genesis` that does not hold."""
    ids = [organization.id for organization in genesis.organizations]
    if len({*ids}) != len(ids):
        raise ValueError("genesis: two organizations share an id; give each its own")
    keys = [operator.key for organization in genesis.organizations for operator in organization.operators]
    keys += [organization.validator_key for organization in genesis.organizations]
    if len({*keys}) != len(keys):
        raise ValueError("genesis: a key is used twice; make a key of its own for every operator and validator")
    if [validator.organization for validator in genesis.validators] != ids:
        raise ValueError("genesis: `validators` must name every organization once, in the order of `organizations`")
    threshold = genesis.approval
    if not threshold.denominator < 2 * threshold.numerator <= 2 * threshold.denominator:
        raise ValueError("genesis: `approval` must be more than a half and at most 1 (unanimity)")
    names = [point_type.id for point_type in genesis.point_types]
    if len({*names}) != len(names):
        raise ValueError("genesis: two point types share an id; give each its own")
    for point_type in genesis.point_types:
        if point_type.issuer not in ids:
            raise ValueError(f"genesis: point type {point_type.id} is issued by {point_type.issuer}, which is unknown")
        if point_type.id != f"{point_type.issuer}/{point_type.role.name.lower()}":
            raise ValueError(f"genesis: point type {point_type.id} must be called <issuer>/<role>")
        _check_terms(point_type, ids)


def _check_terms(point_type: PointType, organizations: list[str]) -> None:
    terms = point_type.terms
    if (terms.version, terms.effective_from, point_type.scheduled) != (1, 0, None):
        raise ValueError(f"genesis: the terms of {point_type.id} must be version 1 and hold from time 0, which is now")
    named = terms.accepted_by if isinstance(terms.backing, Unbacked) else (*terms.accepted_by, terms.backing.guarantor)
    if not {*named} <= {*organizations}:
        raise ValueError(f"genesis: the terms of {point_type.id} name an organization that is unknown")
    if contradicts_itself(terms, point_type.issuer) or not is_covered(terms):
        raise ValueError(f"genesis: the terms of {point_type.id} contradict themselves or the backing of the cap")


def write_genesis(state: StateWriter, genesis: Genesis) -> None:
    """Write the records of block 0."""
    state.put(CHECKPOINTS_KEY, Checkpoints(genesis.checkpoint_blocks))
    for organization in genesis.organizations:
        state.put(organization_key(organization.id), organization)
    for point_type in genesis.point_types:
        terms = msgspec.structs.replace(point_type.terms, effective_from=genesis.created_at)
        state.put(point_type_key(point_type.id), msgspec.structs.replace(point_type, terms=terms))
        record_terms(state, point_type.id, terms, genesis.created_at, bytes(32))
        state.put(supply_key(point_type.id), EMPTY_SUPPLY)
    for organization, address in zip(genesis.organizations, genesis.validators, strict=True):
        state.put(
            validator_key(organization.id),
            Validator(
                id=organization.id,
                organization=organization.id,
                key=organization.validator_key,
                certificate_pem=address.certificate_pem,
                peer_host=address.peer_host,
                peer_port=address.peer_port,
                public_url=address.public_url,
                status=ValidatorStatus.VOTER,
                since=0,
            ),
        )
    ids = tuple(organization.id for organization in genesis.organizations)
    put_voters(state, ValidatorSet(ids))
    state.put(GOVERNANCE_KEY, Governance(genesis.approval.numerator, genesis.approval.denominator, ids, ids))
