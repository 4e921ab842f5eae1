"""A validator's settings: `node.toml`, the secrets beside it, and the environment; read and checked here.

Every command reads a home, few start a validator: so nothing here needs the node, and what takes one to start is put
together in `loading.py`. A home is a directory of data directories:

    HOME/alliance.json                  what the home belongs to
    HOME/<organization>/node.toml       settings of one validator: this module's `NodeConfig`
    HOME/<organization>/genesis.json    the document that all organizations agreed on
    HOME/<organization>/keys/           validator.key, operator.key: encrypted
    HOME/<organization>/tls/            certificate.pem, private-key.pem
    HOME/<organization>/admin.token     bearer token of the admin API
    HOME/<organization>/passphrase      opens the keys of an unattended validator; leave it out to be asked
    HOME/<organization>/join-request.json what one that joins asked the alliance for
    HOME/<organization>/contacts.json   validators that one that joined heard the ledger from at first
    HOME/<organization>/ledger/         the store
"""

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from jifen.actors.limits import BYTES_PER_SECOND_DEFAULT
from jifen.codec.errors import Malformed
from jifen.codec.genesis import decode_genesis
from jifen.ledger.genesis import Genesis
from jifen.ledger.types import Slug
from jifen.store.limits import MAP_BYTES_DEFAULT

CONFIG_FORMAT: Final = 1
"""Format of node.toml that this version reads and writes."""

CONFIG_BYTES_MAX: Final = 64 << 10
"""Largest node.toml read: 64 peers take a tenth of it."""

SECRET_BYTES_MAX: Final = 4096
"""Largest passphrase or token file read."""

TOKEN_CHARACTERS_MIN: Final = 32
"""Shortest admin token: 128 bits in hexadecimal."""

HOME_VARIABLE: Final = "JIFEN_HOME"
DATA_VARIABLE: Final = "JIFEN_DATA"
PASSPHRASE_VARIABLE: Final = "JIFEN_PASSPHRASE"  # noqa: S105 - a name, not a secret
PASSPHRASE_FILE_VARIABLE: Final = "JIFEN_PASSPHRASE_FILE"  # noqa: S105 - a name, not a secret
LOG_VARIABLE: Final = "JIFEN_LOG"

HOME_DEFAULT: Final = Path(".jifen")
"""Home when nobody names one: in the current directory, where it is seen and can be thrown away."""

CONFIG_FILE: Final = "node.toml"
GENESIS_FILE: Final = "genesis.json"
VALIDATOR_KEY_FILE: Final = "keys/validator.key"
OPERATOR_KEY_FILE: Final = "keys/operator.key"
CERTIFICATE_FILE: Final = "tls/certificate.pem"
TLS_KEY_FILE: Final = "tls/private-key.pem"
TOKEN_FILE: Final = "admin.token"  # noqa: S105 - a name, not a secret
CONTACTS_FILE: Final = "contacts.json"
REQUEST_FILE: Final = "join-request.json"
PASSPHRASE_FILE: Final = "passphrase"  # noqa: S105 - a name, not a secret

_ADDRESS: Final = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):([1-9][0-9]{0,4})")
_HOST_NAME: Final = re.compile(r"\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253}")
AddressText = Annotated[str, Meta(max_length=260)]
"""`host:port`, as `parse_address` reads it."""


class ConfigError(Exception):
    """A setting or a file beside it cannot be used; the text names the file and says what to do."""


class NodeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What node.toml says. Addresses are `host:port`; an IPv6 host stands in brackets."""

    format: int
    """Format of this file; 1."""
    organization: Slug
    """Whose validator this is."""
    peer_listen: AddressText
    """Where other validators reach this one; TLS with pinned certificates."""
    public_listen: AddressText
    """Where the public API, the playground and the member app are served; plain HTTP."""
    admin_listen: AddressText
    """Where the admin API is served, behind the token in admin.token. Keep it on a private address."""
    allowed_hosts: tuple[str, ...] = ()
    """Further host names under which the public API may be asked, for example that of a proxy before it. Without it
    loopback names and the listening host are answered: a page elsewhere cannot reach the node by a name of its own."""
    peers: dict[Slug, AddressText] = {}
    """Addresses of other validators that differ from those the ledger names, by validator."""
    validator: Slug | None = None
    """Id of the validator where it is not that of the organization: one that joined after genesis."""
    store_map_bytes: Annotated[int, Meta(ge=16 << 20, le=1 << 46)] = MAP_BYTES_DEFAULT
    """Largest size of the store, bytes. The file grows as needed, so a large limit costs nothing."""
    retained_blocks: Annotated[int, Meta(ge=0, le=2**53)] = 0
    """Blocks kept below the newest certified checkpoint; 0 keeps all."""
    snapshot_bytes_per_second: Annotated[int, Meta(ge=16 << 10, le=1 << 34)] = BYTES_PER_SECOND_DEFAULT
    """Most bytes of snapshots served to other validators in a second, to all of them together."""


class Address(msgspec.Struct, frozen=True):
    """Where something listens or is reached."""

    host: str
    """Name or address, without brackets."""
    port: int
    """1 to 65535."""

    @property
    def text(self) -> str:
        """The address as it is written in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def home_directory(given: Path | None) -> Path:
    """Return the home: the given one, or that of the environment, or `.jifen` in the current directory."""
    return given or Path(os.environ.get(HOME_VARIABLE) or HOME_DEFAULT)


def parse_address(text: str) -> Address:
    """Return the address of a `host:port` text, an IPv6 host in brackets; raises ValueError."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no address; write it as host:port")
    if int(match[2]) > 65535:
        raise ValueError(f"{text!r}: a port lies between 1 and 65535")
    return Address(match[1].strip("[]"), int(match[2]))


def read_config(directory: Path) -> NodeConfig:
    """Return the settings in a data directory; raises ConfigError."""
    path = directory / CONFIG_FILE
    data = read_file(path, CONFIG_BYTES_MAX, "make an alliance with `jifen init`, or name another directory")
    try:
        table = tomllib.loads(data.decode())
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is no UTF-8 text; save the file as UTF-8") from None
    unknown = sorted(table.keys() - {*NodeConfig.__struct_fields__})
    if unknown:
        known = ", ".join(NodeConfig.__struct_fields__)
        raise ConfigError(f"{path}: there is no setting {unknown[0]!r}; the settings are {known}")
    version = table.get("format")
    if version != CONFIG_FORMAT:
        raise ConfigError(f"{path}: format is {version!r}; this version of Jifen reads format {CONFIG_FORMAT}")
    try:
        config = msgspec.convert(table, NodeConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_readable(str(error))}") from None
    addresses = {name: getattr(config, name) for name in ("peer_listen", "public_listen", "admin_listen")}
    for name, text in (addresses | {f"peers.{peer}": text for peer, text in config.peers.items()}).items():
        try:
            parse_address(text)
        except ValueError as error:
            raise ConfigError(f"{path}: {name}: {error}") from None
    for host in config.allowed_hosts:
        if _HOST_NAME.fullmatch(host) is None:
            raise ConfigError(f"{path}: allowed_hosts: {host!r} is no host name; leave scheme, port and path out")
    if len({*addresses.values()}) < len(addresses):
        raise ConfigError(f"{path}: two of the listening addresses are the same; give each its own port")
    return config


def read_genesis(directory: Path) -> Genesis:
    """Return the genesis document of a data directory; raises ConfigError."""
    return read_genesis_file(directory / GENESIS_FILE)


def read_genesis_file(path: Path) -> Genesis:
    """Return a genesis document; raises ConfigError."""
    try:
        return decode_genesis(read_file(path, 2 << 20, "copy the one that the alliance agreed on"))
    except Malformed as error:
        raise ConfigError(f"{path}: {error}") from None


def find_passphrase(directory: Path | None) -> str | None:
    """Return the passphrase of the environment, or of the file in the data directory, or None; raises ConfigError.

    `JIFEN_PASSPHRASE` goes before `JIFEN_PASSPHRASE_FILE`, and both before the data directory's own file.
    """
    if os.environ.get(PASSPHRASE_VARIABLE):
        return os.environ[PASSPHRASE_VARIABLE]
    named = os.environ.get(PASSPHRASE_FILE_VARIABLE)
    if named:
        return read_secret_text(Path(named))
    if directory is not None and (directory / PASSPHRASE_FILE).is_file():
        return read_secret_text(directory / PASSPHRASE_FILE)
    return None


def read_secret_text(path: Path) -> str:
    """Return the one line of a secret's file; raises ConfigError when others could read it."""
    data = read_file(path, SECRET_BYTES_MAX, "restore it from your copy")
    refuse_readable(path)
    try:
        text = data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} holds something else than text; restore it from your copy") from None
    if not text or "\n" in text:
        raise ConfigError(f"{path} must hold exactly one line; restore it from your copy")
    return text


def read_token(directory: Path) -> str:
    """Return the admin token of a data directory; raises ConfigError."""
    token = read_secret_text(directory / TOKEN_FILE)
    if len(token) < TOKEN_CHARACTERS_MIN or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(
            f"{directory / TOKEN_FILE} must hold {TOKEN_CHARACTERS_MIN} or more printable characters; "
            "write a random one, for example with: openssl rand -hex 32"
        )
    return token


def refuse_readable(path: Path) -> None:
    """Raise ConfigError when others on this machine could read the file."""
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path} can be read by others on this machine; run: chmod 600 {path}")


def read_file(path: Path, bytes_max: int, advice: str) -> bytes:
    """Return what a file holds; raises ConfigError, with the advice, when it is missing or larger than real ones."""
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; {advice}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > bytes_max:
        raise ConfigError(f"{path} has more than {bytes_max} bytes, which no real one has; {advice}")
    return data


def _readable(error: str) -> str:
    """Turn msgspec's path (`$.peers[...]`) into the setting's name."""
    text, found, place = error.partition(" - at `")
    if not found:
        return error
    setting = place.rstrip("`").removeprefix("$.").removesuffix("[...]")
    return f"{setting}: {text[:1].lower()}{text[1:]}"
