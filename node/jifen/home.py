"""What a home holds: the alliance that it belongs to, and where its validators answer.

Read by nearly every command, so nothing here needs the node; homes are made in `alliance.py`.
"""

from pathlib import Path
from typing import Final

import msgspec

from jifen import config
from jifen.codec.genesis import chain_id

HOME_FORMAT: Final = 1
"""Format of a home that this version reads and writes."""

ALLIANCE_FILE: Final = "alliance.json"
MEMBERS_KEY_FILE: Final = "members.key"


class AllianceError(Exception):
    """A home that cannot be made or used; the text says what to do."""


class AllianceRecord(msgspec.Struct, frozen=True):
    """What HOME/alliance.json says."""

    format: int
    name: str
    chain_id: str
    """Hex."""
    port_base: int
    organizations: tuple[str, ...]
    """In the order of genesis."""


class Validator(msgspec.Struct, frozen=True):
    """Where a validator answers."""

    id: str
    url: str


def read_alliance(home: Path) -> AllianceRecord | None:
    """Return what a home belongs to, or None where there is none yet; raises AllianceError."""
    path = home / ALLIANCE_FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if home.is_dir() and any(home.iterdir()):
            raise AllianceError(
                f"{home} is not empty and holds no alliance; name an empty or new directory with --home"
            ) from None
        if home.exists() and not home.is_dir():
            raise AllianceError(f"{home} is a file; name a directory with --home") from None
        return None
    except OSError as error:
        raise AllianceError(f"{path} cannot be read: {error.strerror}") from None
    try:
        version = msgspec.json.decode(data, type=dict[str, object]).get("format")
        if version != HOME_FORMAT:
            age = "an older" if isinstance(version, int) and version < HOME_FORMAT else "a newer or unknown"
            raise AllianceError(
                f"{home} was made by {age} version of Jifen (format {version}, this one reads {HOME_FORMAT}); "
                "use that version, or another --home"
            )
        record = msgspec.json.decode(data, type=AllianceRecord)
    except msgspec.DecodeError as error:
        raise AllianceError(f"{path} is damaged ({error}); restore it from a copy, or use another --home") from None
    _check_members(home, record)
    return record


def _check_members(home: Path, record: AllianceRecord) -> None:
    for name in record.organizations:
        directory = home / name
        if not (directory / config.CONFIG_FILE).is_file():
            raise AllianceError(
                f"{directory} is missing from the alliance; restore it from a copy, or use another --home"
            )
        found = chain_id(config.read_genesis(directory)).hex()
        if found != record.chain_id:
            raise AllianceError(
                f"{directory} belongs to another alliance (chain {found[:16]}) than {home / ALLIANCE_FILE} "
                f"(chain {record.chain_id[:16]}); put the right directory back, or use another --home"
            )


def validators_of(home: Path, record: AllianceRecord) -> tuple[Validator, ...]:
    """Return where the validators of a home answer, in the order of genesis; raises ConfigError."""
    found = []
    for name in record.organizations:
        public = config.parse_address(config.read_config(home / name).public_listen)
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(public.host, public.host)  # noqa: S104 - compared, not bound
        found.append(Validator(name, f"http://{config.Address(host, public.port).text}"))
    return tuple(found)
