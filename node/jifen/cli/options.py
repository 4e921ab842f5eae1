"""Options that several commands share, and what follows from them."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from jifen.client import Client
    from jifen.home import AllianceRecord
    from jifen.keys.signing import KeyPair

T = TypeVar("T")

HomeOption = Annotated[
    Path | None, typer.Option("--home", envvar="JIFEN_HOME", help="Directory of the alliance; .jifen when left out.")
]
UrlOption = Annotated[
    list[str] | None,
    typer.Option("--url", help="Base URL of a validator; may be given several times. Default: those of the home."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def home_of(home: Path | None) -> Path:
    """Return the home that is meant."""
    from jifen.config import home_directory

    return home_directory(home)


def alliance_of(home: Path | None) -> "AllianceRecord":
    """Return the alliance of a home that must hold one; raises CommandFailed."""
    from jifen.cli.failures import CommandFailed
    from jifen.home import read_alliance

    path = home_of(home)
    record = read_alliance(path)
    if record is None:
        raise CommandFailed(f"there is no alliance in {path}; make one with `jifen init`, or name its --home")
    return record


def urls_of(urls: list[str] | None, home: Path | None) -> list[str]:
    """Return the validators to talk to: the given ones, or those of the home; raises UsageFault."""
    from jifen.cli.failures import UsageFault
    from jifen.home import ALLIANCE_FILE, validators_of

    if urls:
        from jifen.client.endpoints import base_url

        try:
            return [base_url(url) for url in urls]
        except ValueError as error:
            raise UsageFault(f"--url {error}") from None
    path = home_of(home)
    if not (path / ALLIANCE_FILE).is_file():
        raise UsageFault(f"there is no alliance in {path}; name a validator with --url or an alliance with --home")
    return [validator.url for validator in validators_of(path, alliance_of(home))]


def chain_of(home: Path | None) -> bytes | None:
    """Return the chain id of the home, or None when there is no alliance in it."""
    from jifen.home import ALLIANCE_FILE

    if not (home_of(home) / ALLIANCE_FILE).is_file():
        return None
    return bytes.fromhex(alliance_of(home).chain_id)


def client_of(urls: list[str]) -> "Client":
    """Return a client of the validators at the URLs; it says once on standard error that it waits for one to answer."""
    from jifen.client import Client

    told: list[str] = []

    def tell(attempts: "Mapping[str, str]") -> None:
        if not told:
            told.extend(attempts)
            sys.stderr.write(f"jifen: no answer yet from {', '.join(attempts)}; trying on, Ctrl-C ends it\n")
            sys.stderr.flush()

    return Client(urls, on_wait=tell)


def asked(question: "Callable[[Client], Awaitable[T]]", home: Path | None, url: list[str] | None) -> T:
    """Ask the validators of a home, or those at the URLs, a question and return the answer."""
    import trio

    urls = urls_of(url, home)

    async def run() -> T:
        async with client_of(urls) as client:
            return await question(client)

    return trio.run(run)


def require_organization(name: str, home: Path | None, url: list[str] | None) -> None:
    """Say that an organization does not exist, where nothing found could as well mean that it has nothing.

    Raises CommandFailed.
    """
    from jifen.cli.failures import CommandFailed

    known = [organization.id for organization in asked(lambda client: client.organizations(), home, url)]
    if name not in known:
        raise CommandFailed(f"there is no organization {name}; the alliance has {', '.join(known)}")


def ask_passphrase(what: str, *, confirm: bool = False) -> str:
    """Return the passphrase of the environment, or ask on the terminal for that of what is named.

    Raises CommandFailed when there is nobody to ask.
    """
    from jifen.cli.failures import CommandFailed
    from jifen.config import find_passphrase

    found = find_passphrase(None)
    if found is not None:
        return found
    if not sys.stdin.isatty():
        raise CommandFailed(f"{what} needs a passphrase; set JIFEN_PASSPHRASE_FILE to a file that holds it, mode 0600")
    return str(typer.prompt(f"Passphrase of {what}", hide_input=True, confirmation_prompt=confirm, err=True))


def open_key(path: Path, *directories: Path) -> "KeyPair":
    """Return the key pair of a key file; raises KeyFileError, CommandFailed.

    The passphrase of the environment is tried first. Where it opens another key of the same command, a member's beside
    an operator's, the one that lies in the key's own data directory is.

    Args:
        path: the key file.
        directories: where its passphrase may lie.
    """
    from jifen.cli.failures import CommandFailed
    from jifen.config import PASSPHRASE_FILE, find_passphrase, read_secret_text
    from jifen.keys.keystore import KeyFileError, read_key_file

    if not path.exists():
        raise CommandFailed(f"there is no key file {path}; make one with `jifen key new {path}`, or name another")
    beside = next((file for each in directories if (file := each / PASSPHRASE_FILE).is_file()), None)
    said = find_passphrase(None)
    if said is None:
        return read_key_file(path, read_secret_text(beside) if beside is not None else ask_passphrase(str(path)))
    try:
        return read_key_file(path, said)
    except KeyFileError:
        if beside is None:
            raise
        return read_key_file(path, read_secret_text(beside))


def print_json(value: object) -> None:
    """Print a record as one JSON document."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()
