"""Options that several commands share, and what follows from them."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from jifen.client import Client
    from jifen.home import AllianceRecord

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


def asked(question: "Callable[[Client], Awaitable[T]]", home: Path | None, url: list[str] | None) -> T:
    """Ask the validators of a home, or those at the URLs, a question and return the answer."""
    import trio

    from jifen.client import Client

    urls = urls_of(url, home)

    async def run() -> T:
        async with Client(urls) as client:
            return await question(client)

    return trio.run(run)


def ask_passphrase(directory: Path | None = None, *, confirm: bool = False) -> str:
    """Return the passphrase of the environment or the data directory, or ask for it on the terminal.

    Raises CommandFailed when there is nobody to ask.
    """
    from jifen.cli.failures import CommandFailed
    from jifen.config import find_passphrase

    found = find_passphrase(directory)
    if found is not None:
        return found
    if not sys.stdin.isatty():
        raise CommandFailed("a passphrase is needed; set JIFEN_PASSPHRASE_FILE to a file that holds it, mode 0600")
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True))


def print_json(value: object) -> None:
    """Print a record as one JSON document."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()
