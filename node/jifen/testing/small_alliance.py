"""An alliance small enough for a test: real keys, certificates and files, ports that the system chooses."""

import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from jifen.actors.setup import NodeSetup, Timing
from jifen.chain.anchor import genesis_block
from jifen.chain.validators import Validators
from jifen.codec.genesis import GENESIS_FORMAT
from jifen.keys.signing import KeyPair
from jifen.ledger.checkpoints.records import CHECKPOINT_BLOCKS_DEFAULT
from jifen.ledger.genesis import Genesis, ValidatorAddress
from jifen.ledger.governance.changes import AdmitValidator, Newcomer
from jifen.ledger.terms.records import PointType, Terms
from jifen.ledger.types import (
    SCOPES_ALL,
    Operator,
    Organization,
    OrganizationKind,
    OrganizationStatus,
    RoleClass,
    Scope,
)
from jifen.transport import TlsIdentity, create_tls_identity

CREATED_AT = 1_790_000_000_000
"""Time of block 0, ms: in the past of every test's clock."""


class OrganizationKeys(NamedTuple):
    """What an organization keeps to itself."""

    operator: KeyPair
    validator: KeyPair


class SmallAlliance(NamedTuple):
    """A genesis document and what belongs to it."""

    genesis: Genesis
    keys: dict[str, OrganizationKeys]
    setups: dict[str, NodeSetup]


def keys_of(name: str) -> OrganizationKeys:
    """Return the keys of a test organization: the same for every call."""
    return OrganizationKeys(
        KeyPair.derive(bytes(32), f"{name} operator"), KeyPair.derive(bytes(32), f"{name} validator")
    )


def organization(name: str, kind: OrganizationKind) -> Organization:
    """Return a test organization whose operator may do everything."""
    keys = keys_of(name)
    every = Scope.ADMIN | Scope.ISSUER | Scope.CASHIER | Scope.TREASURER | Scope.LOCK_OFFICER
    operators = (Operator(keys.operator.public, int(every)),)
    return Organization(name, name.title(), kind, OrganizationStatus.ACTIVE, operators, keys.validator.public)


def point_type(name: str, *, transferable: bool = True) -> PointType:
    """Return the consumer points of a test organization: 1 point for 10 fen."""
    return PointType(f"{name}/consumer", name, RoleClass.CONSUMER, 1, 1, 10, Terms(transferable=transferable))


def small_genesis(names: tuple[str, ...] = ("mall", "books", "music", "cafe")) -> Genesis:
    """Return a genesis document without network addresses: a mall and merchants."""
    kinds = [OrganizationKind.MALL] + [OrganizationKind.MERCHANT] * (len(names) - 1)
    return Genesis(
        GENESIS_FORMAT,
        "Test alliance",
        CREATED_AT,
        tuple(organization(name, kind) for name, kind in zip(names, kinds, strict=True)),
        tuple(point_type(name) for name in names),
        tuple(ValidatorAddress(name, "127.0.0.1", 1, "http://127.0.0.1:1", "none") for name in names),
    )


def genesis_with(terms: Terms, issuer: str = "books") -> Genesis:
    """Return the small genesis in which one organization's points have these terms."""
    genesis = small_genesis()
    kinds = [
        msgspec.structs.replace(kind, terms=terms) if kind.issuer == issuer else kind for kind in genesis.point_types
    ]
    return msgspec.structs.replace(genesis, point_types=tuple(kinds))


def genesis_set(chain_id: bytes, genesis: Genesis) -> Validators:
    """Return who certifies the first blocks of a chain."""
    return genesis_block(chain_id, genesis).validators


def free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    ports = [int(item.getsockname()[1]) for item in sockets]
    for item in sockets:
        item.close()
    return ports


def small_alliance(
    home: Path,
    names: tuple[str, ...] = ("mall", "books", "music", "cafe"),
    timing: Timing | None = None,
    *,
    ports: Sequence[int] = (),
    identify: Callable[[str, datetime], TlsIdentity] = create_tls_identity,
    checkpoint_blocks: int = CHECKPOINT_BLOCKS_DEFAULT,
    **settings: Any,
) -> SmallAlliance:
    """Make data directories below `home` and the setups of their validators.

    `ports` are free ones by default; `settings` are the same for all.
    """
    base = small_genesis(names)
    validators = []
    for name, port in zip(names, ports or free_ports(len(names)), strict=True):
        directory = home / name
        directory.mkdir(parents=True)
        identity = identify(name, datetime.fromtimestamp(CREATED_AT / 1000 - 86_400, UTC))
        (directory / "certificate.pem").write_bytes(identity.certificate_pem)
        (directory / "private-key.pem").write_bytes(identity.private_key_pem)
        pem = identity.certificate_pem.decode()
        validators.append(ValidatorAddress(name, "127.0.0.1", port, f"http://127.0.0.1:{port}", pem))
    genesis = msgspec.structs.replace(base, validators=tuple(validators), checkpoint_blocks=checkpoint_blocks)
    addresses = {item.organization: (item.peer_host, item.peer_port) for item in validators}
    setups = {
        name: NodeSetup(
            genesis=genesis,
            organization=name,
            validator=name,
            validator_key=keys_of(name).validator,
            operator_key=keys_of(name).operator,
            directory=home / name,
            certificate_path=home / name / "certificate.pem",
            private_key_path=home / name / "private-key.pem",
            peer_host="127.0.0.1",
            peer_port=addresses[name][1],
            peer_addresses={peer: address for peer, address in addresses.items() if peer != name},
            timing=timing or Timing(),
            **settings,
        )
        for name in names
    }
    return SmallAlliance(genesis, {name: keys_of(name) for name in names}, setups)


def newcomer_setup(
    home: Path,
    alliance: SmallAlliance,
    name: str,
    organization: str,
    *,
    port: int = 0,
    identify: Callable[[str, datetime], TlsIdentity] = create_tls_identity,
) -> tuple[NodeSetup, AdmitValidator]:
    """Make the data directory of a validator that is to join, and return its setup and its admission.

    `port` is a free one by default.

    A validator named like its organization brings the organization with it; another one is run by a present one.
    """
    directory = home / name
    directory.mkdir(parents=True)
    identity = identify(name, datetime.fromtimestamp(CREATED_AT / 1000 - 86_400, UTC))
    (directory / "certificate.pem").write_bytes(identity.certificate_pem)
    (directory / "private-key.pem").write_bytes(identity.private_key_pem)
    port = port or free_ports(1)[0]
    keys = keys_of(name)
    operators = (Operator(keys.operator.public, int(SCOPES_ALL)),)
    admission = AdmitValidator(
        organization=organization,
        newcomer=Newcomer(name.title(), OrganizationKind.MERCHANT, operators) if name == organization else None,
        validator=name,
        key=keys.validator.public,
        certificate_pem=identity.certificate_pem.decode(),
        peer_host="127.0.0.1",
        peer_port=port,
        public_url=f"http://127.0.0.1:{port}",
    )
    [example, *_] = alliance.setups.values()
    setup = msgspec.structs.replace(
        example,
        organization=organization,
        validator=name,
        validator_key=keys.validator,
        operator_key=keys_of(organization).operator,
        directory=directory,
        certificate_path=directory / "certificate.pem",
        private_key_path=directory / "private-key.pem",
        peer_port=port,
        peer_addresses={},
    )
    return setup, admission
