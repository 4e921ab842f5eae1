"""Genesis: the document every organization of the alliance agrees on before the first block.

Its canonical bytes are hashed into the chain id, so two alliances never share one and a member's signature for one is
worth nothing in another.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.ledger.state import StateWriter, organization_key, point_type_key, supply_key
from jifen.ledger.types import EMPTY_SUPPLY, Organization, PointType, Slug, TimeMs

ORGANIZATIONS_MAX = 64
"""Validators of one alliance: a certificate's bitmap stays in one machine word."""


class ValidatorAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where and how an organization's validator is reached at the start; nodes may override it in their own files."""

    organization: Slug
    peer_host: str
    peer_port: Annotated[int, Meta(ge=1, le=65535)]
    public_url: str
    """Base URL of its public API."""
    certificate_pem: str
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
    names = [point_type.id for point_type in genesis.point_types]
    if len({*names}) != len(names):
        raise ValueError("genesis: two point types share an id; give each its own")
    for point_type in genesis.point_types:
        if point_type.issuer not in ids:
            raise ValueError(f"genesis: point type {point_type.id} is issued by {point_type.issuer}, which is unknown")
        if point_type.id != f"{point_type.issuer}/{point_type.role.name.lower()}":
            raise ValueError(f"genesis: point type {point_type.id} must be called <issuer>/<role>")


def write_genesis(state: StateWriter, genesis: Genesis) -> None:
    """Write the records of block 0."""
    for organization in genesis.organizations:
        state.put(organization_key(organization.id), organization)
    for point_type in genesis.point_types:
        state.put(point_type_key(point_type.id), point_type)
        state.put(supply_key(point_type.id), EMPTY_SUPPLY)
