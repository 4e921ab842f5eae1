"""`jifen join`: what a newcomer does on its own machine to become a validator of an alliance."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.options import JsonOption, client_of, open_key, print_json

if TYPE_CHECKING:
    from jifen.config import Address
    from jifen.keys.signing import KeyPair

app = typer.Typer(help="Become a validator of an alliance.", rich_markup_mode=None, no_args_is_help=True)


@app.command("prepare")
def prepare(  # noqa: PLR0913, PLR0917 - typer calls it by name
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Data directory to make; missing or empty.")],
    genesis: Annotated[Path, typer.Option("--genesis", help="genesis.json of the alliance; any member has it.")],
    organization: Annotated[str, typer.Option("--organization", help="Id of the organization: a-z, 0-9 and -.")],
    peer: Annotated[str, typer.Option("--peer", help="host:port where the other validators will reach this one.")],
    public_url: Annotated[str, typer.Option("--public-url", help="Base URL of its public API.")],
    name: Annotated[
        str | None, typer.Option("--name", help="What people call an organization that is to join the alliance.")
    ] = None,
    mall: Annotated[bool, typer.Option("--mall", help="The newcomer is a mall; else a merchant.")] = False,
    validator: Annotated[
        str | None, typer.Option("--validator", help="Id of the validator; that of a newcomer when left out.")
    ] = None,
    operator_key: Annotated[
        Path | None, typer.Option("--operator-key", help="Operator key file of an organization that is a member.")
    ] = None,
    replaces: Annotated[
        str | None, typer.Option("--replaces", help="Validator of the same organization whose place it is to take.")
    ] = None,
    peer_listen: Annotated[
        str | None, typer.Option("--peer-listen", help="host:port to listen on; the port of --peer when left out.")
    ] = None,
    public_listen: Annotated[
        str, typer.Option("--public-listen", help="host:port of the public API.")
    ] = "0.0.0.0:8080",
    admin_listen: Annotated[str, typer.Option("--admin-listen", help="host:port of the admin API.")] = "127.0.0.1:8280",
    as_json: JsonOption = False,
) -> None:
    """Make keys, certificate and settings of a validator to be, and the request that the alliance votes on.

    All at once or not at all, and no secret leaves the directory. Send join-request.json to any organization and tell
    it the fingerprint another way.

    \b
    jifen join prepare data --genesis genesis.json --organization tea-house --name "Tea House" \\
        --peer jifen.tea-house.example:8180 --public-url https://points.tea-house.example
    jifen join prepare data --genesis genesis.json --organization east-books --validator east-books-2 \\
        --replaces east-books --operator-key operator.key --peer 10.0.0.7:8180 --public-url http://10.0.0.7:8080
    """
    from jifen.admission import ValidatorPlan, prepare_validator
    from jifen.cli.failures import UsageFault
    from jifen.codec.changes import change_fingerprint
    from jifen.config import REQUEST_FILE, read_genesis_file
    from jifen.ledger.types import OrganizationKind

    if (name is None) == (operator_key is None):
        raise UsageFault("give the --name of an organization that is to join, or the --operator-key of a member")
    if operator_key is not None and validator is None:
        raise UsageFault(f"choose an id for the --validator that nobody has had, for example {organization}-2")
    address = _address(peer)
    plan = ValidatorPlan(
        organization=organization,
        name=name,
        kind=OrganizationKind.MALL if mall else OrganizationKind.MERCHANT,
        validator=validator or organization,
        peer=address,
        public_url=public_url,
        peer_listen=peer_listen or f"0.0.0.0:{address.port}",
        public_listen=public_listen,
        admin_listen=admin_listen,
        replaces=replaces,
    )
    request = prepare_validator(directory, read_genesis_file(genesis), plan, _operator(operator_key))
    fingerprint = change_fingerprint(request.change()).hex()
    if as_json:
        print_json({"request": str(directory / REQUEST_FILE), "fingerprint": fingerprint, "chainId": request.chain_id})
    else:
        _tell(directory, request.validator, fingerprint)


def _tell(directory: Path, validator: str, fingerprint: str) -> None:
    from jifen.config import REQUEST_FILE

    typer.echo(f"{directory}: data directory of {validator}; its secrets stay here")
    typer.echo(f"request      {directory / REQUEST_FILE}")
    typer.echo(f"fingerprint  {fingerprint}")
    typer.echo("Send the request to an organization of the alliance, which proposes it with")
    typer.echo(f"  jifen tx propose-admission {REQUEST_FILE} --data ITS-DIRECTORY")


@app.command("start")
def start(
    data: Annotated[
        Path, typer.Option("--data", envvar="JIFEN_DATA", help="Data directory, made by `jifen join prepare`.")
    ],
    contact: Annotated[
        list[str] | None,
        typer.Option("--contact", help="Base URL of a validator of the alliance; those of genesis when left out."),
    ] = None,
    stop_with_parent: Annotated[
        bool, typer.Option("--stop-with-parent", help="Stop when standard input ends: for whoever starts validators.")
    ] = False,
) -> None:
    """Wait to be admitted, start, fetch everything, become a voter, and go on as one.

    It may be stopped and started again at any time, with this or, once it has begun, with `jifen start`.

    \b
    jifen join start --data /srv/jifen
    jifen join start --data /srv/jifen --contact https://points.harbour-mall.example
    """
    from functools import partial

    import trio

    from jifen.cli.collector import calm_collector
    from jifen.cli.descriptors import allow_open_files
    from jifen.cli.logs import set_up_logs
    from jifen.cli.options import urls_of
    from jifen.cli.serving import serve
    from jifen.loading import load_setup

    loaded = load_setup(data)
    urls = urls_of(contact or [item.public_url for item in loaded.setup.genesis.validators], None)
    trio.run(_be_admitted, data, loaded.setup.validator, loaded.setup.validator_key.public, urls)
    loaded = load_setup(data)
    set_up_logs(loaded.setup.validator)
    allow_open_files()
    calm_collector()
    trio.run(partial(serve, loaded, stop_with_parent, joining=True))


async def _be_admitted(data: Path, validator: str, key: bytes, urls: list[str]) -> None:
    from jifen.alliance import replace_file
    from jifen.config import CONTACTS_FILE
    from jifen.joining import contacts_of, encode_contacts, wait_for_admission

    def told(words: str) -> None:
        typer.echo(f"{validator} is not admitted: {words}")

    async with client_of(urls) as client:
        await wait_for_admission(client, validator, key, told)
        replace_file(data / CONTACTS_FILE, encode_contacts(await contacts_of(client)))
    typer.echo(f"{validator} is admitted")


def _address(peer: str) -> "Address":
    from jifen.cli.failures import UsageFault
    from jifen.config import parse_address

    try:
        return parse_address(peer)
    except ValueError as error:
        raise UsageFault(f"--peer {error}") from None


def _operator(path: Path | None) -> "KeyPair | None":

    if path is None:
        return None
    # In a data directory the passphrase lies beside keys/.
    return open_key(path, path.absolute().parent.parent)
