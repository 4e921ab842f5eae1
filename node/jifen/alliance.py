"""Making an alliance: keys, certificates, genesis and settings of all its organizations, at once or not at all.

For a demonstration and for tests one machine makes everything. Organizations that trust each other less each make their
own keys (`jifen key new`) and agree on genesis.json; the result looks the same.
"""

import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from jifen import config
from jifen.actors.limits import BYTES_PER_SECOND_DEFAULT
from jifen.codec.genesis import GENESIS_FORMAT, chain_id, encode_genesis
from jifen.home import ALLIANCE_FILE, HOME_FORMAT, MEMBERS_KEY_FILE, AllianceError, AllianceRecord, read_alliance
from jifen.keys.keystore import write_key_file, write_secret
from jifen.keys.signing import KeyPair
from jifen.ledger.checkpoints.records import CHECKPOINT_BLOCKS_DEFAULT, CHECKPOINT_BLOCKS_MAX
from jifen.ledger.genesis import Genesis, ValidatorAddress, check_genesis
from jifen.ledger.terms.records import PointType
from jifen.ledger.types import (
    SCOPES_ALL,
    Operator,
    Organization,
    OrganizationKind,
    OrganizationStatus,
    RoleClass,
)
from jifen.store.limits import MAP_BYTES_DEFAULT
from jifen.transport.identity import create_tls_identity

PORT_BASE_DEFAULT: Final = 8080
"""First public port; organization i listens on base + i, its peers reach it on base + 100 + i, its admin API on
base + 200 + i."""

PEER_PORT_OFFSET: Final = 100
ADMIN_PORT_OFFSET: Final = 200

NAME_CHARACTERS_MAX: Final = 64
"""Longest name of an alliance, as in genesis: with a longer one it could be made and never started."""

ORGANIZATIONS_PER_HOST_MAX: Final = 64
"""More would run into the next range of ports."""

CLOCK_LAG: Final = timedelta(days=1)
"""Certificates are valid from this long ago: the clock of a validator's machine may lag behind this one's."""

PASSPHRASE_BYTES: Final = 24
"""Random bytes of a passphrase that no person needs to remember."""


class OrganizationPlan(msgspec.Struct, frozen=True):
    """An organization to be."""

    id: str
    name: str
    kind: OrganizationKind
    earn_points: int
    """Points for every `earn_fen` fen."""
    earn_fen: int


class Identity(NamedTuple):
    """The public halves of what a data directory was given."""

    validator_key: bytes
    operator_key: bytes
    certificate_pem: str


OPERATOR_SCOPES: Final = SCOPES_ALL
"""What the first operator key of an organization may do: whatever it may not, nobody of the organization could."""

DEMO_NAME: Final = "Harbour Alliance"
DEMO_ORGANIZATIONS: Final = (
    OrganizationPlan("harbour-mall", "Harbour Mall", OrganizationKind.MALL, 1, 100),
    OrganizationPlan("north-music", "North Music", OrganizationKind.MERCHANT, 1, 10),
    OrganizationPlan("east-books", "East Books", OrganizationKind.MERCHANT, 1, 20),
    OrganizationPlan("south-cafe", "South Café", OrganizationKind.MERCHANT, 1, 5),
)
"""A mall that gives a point a yuan, and three merchants that give 10, 5 and 20."""


def public_url(record: AllianceRecord, index: int) -> str:
    """Return the base URL of the public API of the organization at `index`."""
    return f"http://127.0.0.1:{record.port_base + index}"


def check_port_base(port_base: int, organizations: int) -> None:
    """Raise AllianceError unless all ports above the base exist and need no privilege."""
    highest = 65535 - ADMIN_PORT_OFFSET - (organizations - 1)
    if not 1024 <= port_base <= highest:
        raise AllianceError(f"--port-base {port_base} leaves no room for the ports above it; choose 1024 to {highest}")


def check_ports(port_base: int, organizations: int) -> None:
    """Raise AllianceError naming the first port in use of those that so many organizations need."""
    offsets = (0, PEER_PORT_OFFSET, ADMIN_PORT_OFFSET)
    with ExitStack() as held:
        for index in range(organizations):
            for offset in offsets:
                port = port_base + offset + index
                listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    listener.bind(("127.0.0.1", port))
                    listener.listen(1)
                except OSError as error:
                    raise AllianceError(
                        f"port {port} of 127.0.0.1 cannot be used ({error.strerror}); stop what uses it, or make an "
                        "alliance on other ports: --port-base with a new --home"
                    ) from None


def create_alliance(
    home: Path,
    name: str,
    organizations: Sequence[OrganizationPlan],
    *,
    port_base: int = PORT_BASE_DEFAULT,
    checkpoint_blocks: int = CHECKPOINT_BLOCKS_DEFAULT,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AllianceRecord:
    """Make an alliance under `home`, which must be missing or empty.

    Everything is built and synced in a sibling directory and appears with one rename: a crash in between leaves
    nothing that looks like a home. Each organization gets a random passphrase in a file of its own, readable by its
    owner only: whoever can read the file can use the keys beside it.

    Raises:
        AllianceError: the directory is in the way, or the organizations do not fit together.
    """
    if not 1 <= len(organizations) <= ORGANIZATIONS_PER_HOST_MAX:
        raise AllianceError(f"an alliance has 1 to {ORGANIZATIONS_PER_HOST_MAX} organizations")
    if len({plan.id for plan in organizations}) < len(organizations):
        raise AllianceError("two organizations share an id; give each its own")
    check_port_base(port_base, len(organizations))
    if not 2 <= checkpoint_blocks <= CHECKPOINT_BLOCKS_MAX or checkpoint_blocks % 2:
        raise AllianceError(
            f"checkpoints are an even number of blocks apart, 2 to {CHECKPOINT_BLOCKS_MAX}, not {checkpoint_blocks}; "
            "choose another --checkpoint-blocks"
        )
    if not name.strip() or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise AllianceError(
            f"the name of an alliance is 1 to {NAME_CHARACTERS_MAX} printable characters; choose --name"
        )
    if read_alliance(home) is not None:
        raise AllianceError(f"{home} holds an alliance already; start it, or name another directory with --home")
    with new_directory(home) as building:
        record = _build(building, name, organizations, port_base, checkpoint_blocks, now())
    return record


@contextmanager
def new_directory(home: Path) -> Iterator[Path]:
    """Yield a directory to build in, which becomes `home` at once when the block ends well, and vanishes when not.

    Raises AllianceError when `home` cannot be made, or is there and not empty.
    """
    home = home.absolute()
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{home.name}-", suffix=".new", dir=home.parent))
    except OSError as error:
        raise AllianceError(f"{home} cannot be made: {error.strerror}; name another directory") from None
    try:
        yield building
        _sync_tree(building)
        building.rename(home)  # replaces an empty directory, refuses a full one
        _sync(home.parent)
    except OSError as error:
        raise AllianceError(f"{home} cannot be made: {error}; name another directory") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _build(
    building: Path,
    name: str,
    organizations: Sequence[OrganizationPlan],
    port_base: int,
    checkpoint_blocks: int,
    now: datetime,
) -> AllianceRecord:
    made: list[Organization] = []
    addresses: list[ValidatorAddress] = []
    for index, plan in enumerate(organizations):
        organization, certificate = _make_organization(building / plan.id, plan, now)
        made.append(organization)
        addresses.append(
            ValidatorAddress(
                organization=plan.id,
                peer_host="127.0.0.1",
                peer_port=port_base + PEER_PORT_OFFSET + index,
                public_url=f"http://127.0.0.1:{port_base + index}",
                certificate_pem=certificate,
            )
        )
    genesis = Genesis(
        format=GENESIS_FORMAT,
        name=name,
        created_at=int(now.timestamp() * 1000),
        organizations=tuple(made),
        point_types=tuple(_point_type(plan) for plan in organizations),
        validators=tuple(addresses),
        checkpoint_blocks=checkpoint_blocks,
    )
    try:
        check_genesis(genesis)
    except ValueError as error:
        raise AllianceError(str(error)) from None
    document = encode_genesis(genesis)
    for index, plan in enumerate(organizations):
        directory = building / plan.id
        (directory / config.GENESIS_FILE).write_bytes(document)
        settings = node_toml(
            plan.id,
            peer_listen=f"127.0.0.1:{port_base + PEER_PORT_OFFSET + index}",
            public_listen=f"127.0.0.1:{port_base + index}",
            admin_listen=f"127.0.0.1:{port_base + ADMIN_PORT_OFFSET + index}",
        )
        (directory / config.CONFIG_FILE).write_text(settings, encoding="utf-8")
    passphrase = secrets.token_urlsafe(PASSPHRASE_BYTES)
    write_private(building / config.PASSPHRASE_FILE, passphrase)
    write_secret(building / MEMBERS_KEY_FILE, secrets.token_bytes(32), "", "master secret of demo members", passphrase)
    ids = tuple(plan.id for plan in organizations)
    record = AllianceRecord(HOME_FORMAT, name, chain_id(genesis).hex(), port_base, ids)
    text = msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
    (building / ALLIANCE_FILE).write_bytes(text)
    return record


def make_identity(
    directory: Path, validator: str, organization: str, now: datetime, operator: KeyPair | None = None
) -> Identity:
    """Draw the keys of a validator, its certificate and its secrets, and write them into a data directory.

    The keys are sealed under a random passphrase that lies beside them, readable by its owner only.

    Args:
        directory: the data directory; it is there and belongs to its owner alone.
        validator: id of the validator.
        organization: id of the organization that runs it.
        now: the time, with a zone.
        operator: the organization's operator key; a new one is drawn when it is left out.
    """
    for path in (directory / "keys", directory / "tls"):
        path.mkdir(mode=0o700)
    passphrase = secrets.token_urlsafe(PASSPHRASE_BYTES)
    write_private(directory / config.PASSPHRASE_FILE, passphrase)
    write_private(directory / config.TOKEN_FILE, secrets.token_hex(32))
    own, operator = KeyPair.generate(), operator or KeyPair.generate()
    write_key_file(directory / config.VALIDATOR_KEY_FILE, own, passphrase, f"validator of {validator}")
    write_key_file(directory / config.OPERATOR_KEY_FILE, operator, passphrase, f"operator of {organization}")
    identity = create_tls_identity(validator, now - CLOCK_LAG)
    (directory / config.CERTIFICATE_FILE).write_bytes(identity.certificate_pem)
    write_private(directory / config.TLS_KEY_FILE, identity.private_key_pem.decode())
    return Identity(own.public, operator.public, identity.certificate_pem.decode())


def _make_organization(directory: Path, plan: OrganizationPlan, now: datetime) -> tuple[Organization, str]:
    directory.mkdir(mode=0o700)
    identity = make_identity(directory, plan.id, plan.id, now)
    organization = Organization(
        id=plan.id,
        name=plan.name,
        kind=plan.kind,
        status=OrganizationStatus.ACTIVE,
        operators=(Operator(identity.operator_key, int(OPERATOR_SCOPES)),),
        validator_key=identity.validator_key,
    )
    return organization, identity.certificate_pem


def _point_type(plan: OrganizationPlan) -> PointType:
    role = RoleClass.CONSUMER
    name = f"{plan.id}/{role.name.lower()}"
    return PointType(name, plan.id, role, 1, plan.earn_points, plan.earn_fen)


def node_toml(
    organization: str, *, peer_listen: str, public_listen: str, admin_listen: str, validator: str | None = None
) -> str:
    """Return the settings of a validator; the addresses are `host:port`. `validator` names one that is to join."""
    named = "" if validator is None else f'validator = "{validator}"\n'
    return f"""\
# Settings of one validator. `jifen start --data DIR` reads them; docs/operating.md explains each.
format = {config.CONFIG_FORMAT}
organization = "{organization}"
{named}
# Other validators connect here (mutually authenticated TLS).
peer_listen = "{peer_listen}"
# Public API, playground and member app (HTTP).
public_listen = "{public_listen}"
# Admin API, behind the token in admin.token. Keep it on a private address.
admin_listen = "{admin_listen}"

# Further host names under which the public API may be asked.
# allowed_hosts = ["points.example"]
# Largest size of the store, bytes; the file grows as needed.
# store_map_bytes = {MAP_BYTES_DEFAULT}
# Blocks kept below the newest certified checkpoint; 0 keeps all.
# retained_blocks = 0
# Most bytes of snapshots served to other validators in a second.
# snapshot_bytes_per_second = {BYTES_PER_SECOND_DEFAULT}

# Addresses of other validators where they differ from what the ledger says.
# [peers]
# "some-organization" = "10.0.0.2:8180"
"""


def write_private(path: Path, text: str) -> None:
    """Write one line into a new file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text if text.endswith("\n") else text + "\n")


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, in place of one of the same name."""
    building = path.with_name(f".{path.name}.new")
    building.write_bytes(data)
    _sync(building)
    building.replace(path)
    _sync(path.parent)


def _sync_tree(root: Path) -> None:
    for directory, _, files in os.walk(root):
        for name in files:
            _sync(Path(directory) / name)
        _sync(Path(directory))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
