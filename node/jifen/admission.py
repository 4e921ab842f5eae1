"""Asking to be admitted: the data directory of a validator to be, and the request that the alliance votes on.

The newcomer's machine draws all keys and never lets a secret go. What leaves it is the request, a file for people to
read and to send to any organization, which proposes it (`jifen tx propose-admission`).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from jifen import config
from jifen.alliance import OPERATOR_SCOPES, make_identity, new_directory, node_toml
from jifen.codec.genesis import chain_id, encode_genesis
from jifen.home import AllianceError
from jifen.keys.signing import KeyPair
from jifen.ledger.genesis import Genesis
from jifen.ledger.governance.changes import OPERATORS_MAX, AdmitValidator, Newcomer, OneCertificate
from jifen.ledger.types import (
    HostName,
    Operator,
    OrganizationKind,
    OrganizationName,
    PortNumber,
    Scope,
    Slug,
    UrlText,
)
from jifen.transport.identity import IdentityFault, certificate_fingerprint

REQUEST_FORMAT: Final = 1
"""Format of a request that this version writes and reads."""

REQUEST_BYTES_MAX: Final = 64 << 10
"""Largest request read; the largest real one has a tenth of it."""

KeyText = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""A public key in hexadecimal."""

_SCOPES: Final = {scope.name: scope for scope in Scope}


class RequestError(Exception):
    """A request that cannot be made or used; the text says what to do."""


class OperatorRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that is to act for a newcomer."""

    key: KeyText
    scopes: tuple[str, ...]
    """Names of `Scope`."""


class NewcomerRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The organization that wants to join."""

    name: OrganizationName
    kind: str
    """`MALL` or `MERCHANT`."""
    operators: Annotated[tuple[OperatorRequest, ...], Meta(min_length=1, max_length=OPERATORS_MAX)]


class JoinRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What join-request.json says: all of an admission, and which alliance it is for."""

    format: int
    chain_id: KeyText
    """Of the alliance, in hexadecimal."""
    organization: Slug
    newcomer: NewcomerRequest | None
    """Who the organization is; null when it is in the alliance already."""
    validator: Slug
    validator_key: KeyText
    certificate_pem: OneCertificate
    peer_host: HostName
    """Where the other validators reach it."""
    peer_port: PortNumber
    public_url: UrlText
    replaces: Slug | None = None

    def change(self) -> AdmitValidator:
        """Return the change to propose; raises RequestError for a word that means nothing."""
        newcomer = None
        if self.newcomer is not None:
            operators = tuple(
                Operator(bytes.fromhex(item.key), sum(_scope(name) for name in dict.fromkeys(item.scopes)))
                for item in self.newcomer.operators
            )
            newcomer = Newcomer(self.newcomer.name, _kind(self.newcomer.kind), operators)
        return AdmitValidator(
            organization=self.organization,
            newcomer=newcomer,
            validator=self.validator,
            key=bytes.fromhex(self.validator_key),
            certificate_pem=self.certificate_pem,
            peer_host=self.peer_host,
            peer_port=self.peer_port,
            public_url=self.public_url,
            replaces=self.replaces,
        )


class ValidatorPlan(msgspec.Struct, frozen=True):
    """A validator to be."""

    organization: str
    name: str | None
    """Name of an organization that is to join with it; None when it is in the alliance already."""
    kind: OrganizationKind
    validator: str
    peer: config.Address
    """Where the other validators reach it."""
    public_url: str
    peer_listen: str
    public_listen: str
    admin_listen: str
    replaces: str | None = None


def read_request(path: Path) -> JoinRequest:
    """Return a checked request; raises RequestError naming what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(REQUEST_BYTES_MAX + 1)
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}") from None
    return decode_request(data, str(path))


def decode_request(data: bytes, where: str) -> JoinRequest:
    """Return the checked request of a file's bytes; raises RequestError, which says `where` they come from."""
    if len(data) > REQUEST_BYTES_MAX:
        raise RequestError(f"{where} has more than {REQUEST_BYTES_MAX} bytes, which no request has")
    try:
        version = msgspec.json.decode(data, type=dict[str, object]).get("format")
        if version != REQUEST_FORMAT:
            raise RequestError(f"{where} has format {version!r}; this version of Jifen reads format {REQUEST_FORMAT}")
        request = msgspec.json.decode(data, type=JoinRequest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"{where} is no request to join: {error}") from None
    try:
        certificate_fingerprint(request.certificate_pem.encode())
    except IdentityFault as error:
        raise RequestError(f"{where}: {error}; ask for the request as `jifen join prepare` wrote it") from None
    request.change()
    return request


def prepare_validator(
    directory: Path,
    genesis: Genesis,
    plan: ValidatorPlan,
    operator: KeyPair | None = None,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> JoinRequest:
    """Make the data directory of a validator to be, with its request in it; all at once or not at all.

    Args:
        directory: missing or empty.
        genesis: the alliance's document.
        plan: who it is and where it is reached.
        operator: operator key of an organization that is in the alliance already; a newcomer's is drawn here.
        now: the time, with a zone.

    Raises:
        RequestError: the plan does not fit the alliance.
        AllianceError: the directory cannot be made.
    """
    _check_plan(plan, genesis)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise AllianceError(f"{directory} is in the way; name an empty or new directory")
    with new_directory(directory) as building:
        identity = make_identity(building, plan.validator, plan.organization, now(), operator)
        newcomer = None
        if plan.name is not None:
            scopes = tuple(scope.name or "" for scope in Scope if scope & OPERATOR_SCOPES)
            first = OperatorRequest(identity.operator_key.hex(), scopes)
            newcomer = NewcomerRequest(plan.name, plan.kind.name, (first,))
        request = JoinRequest(
            format=REQUEST_FORMAT,
            chain_id=chain_id(genesis).hex(),
            organization=plan.organization,
            newcomer=newcomer,
            validator=plan.validator,
            validator_key=identity.validator_key.hex(),
            certificate_pem=identity.certificate_pem,
            peer_host=plan.peer.host,
            peer_port=plan.peer.port,
            public_url=plan.public_url,
            replaces=plan.replaces,
        )
        text = node_toml(
            plan.organization,
            peer_listen=plan.peer_listen,
            public_listen=plan.public_listen,
            admin_listen=plan.admin_listen,
            validator=plan.validator,
        )
        (building / config.GENESIS_FILE).write_bytes(encode_genesis(genesis))
        (building / config.CONFIG_FILE).write_text(text, encoding="utf-8")
        document = msgspec.json.format(msgspec.json.encode(request), indent=2) + b"\n"
        # What the others could not read is told here, and nothing is left behind.
        decode_request(document, "what was asked for")
        (building / config.REQUEST_FILE).write_bytes(document)
    return request


def _check_plan(plan: ValidatorPlan, genesis: Genesis) -> None:
    known = {organization.id: organization for organization in genesis.organizations}
    if plan.name is not None and plan.organization in known:
        raise RequestError(
            f"{plan.organization} is in the alliance already; name its operator key with --operator-key, and no --name"
        )
    if plan.validator in known:
        raise RequestError(f"{plan.validator} is the id of a validator of genesis; choose one that was never used")
    listens = (plan.peer_listen, plan.public_listen, plan.admin_listen)
    for text in listens:
        try:
            config.parse_address(text)
        except ValueError as error:
            raise RequestError(f"listening address {error}") from None
    if len({*listens}) < len(listens):
        raise RequestError("two of the listening addresses are the same; give each its own port")


def _scope(name: str) -> int:
    if name not in _SCOPES:
        raise RequestError(f"there is no scope {name!r}; the scopes are {', '.join(filter(None, _SCOPES))}")
    return int(_SCOPES[name])


def _kind(name: str) -> OrganizationKind:
    try:
        return OrganizationKind[name]
    except KeyError:
        kinds = ", ".join(kind.name for kind in OrganizationKind)
        raise RequestError(f"there is no kind of organization {name!r}; the kinds are {kinds}") from None
