"""`jifen key`: key files. Secrets are never printed."""

from pathlib import Path
from typing import Annotated

import typer

from jifen.cli.options import HomeOption, JsonOption, ask_passphrase, chain_of, print_json

app = typer.Typer(help="Make and show key files.", rich_markup_mode=None, no_args_is_help=True)

ChainOption = Annotated[
    str | None, typer.Option("--chain-id", help="Alliance whose account id is shown, hex; that of the home otherwise.")
]


@app.command("new")
def new(
    file: Annotated[Path, typer.Argument(help="File to write; must not exist.")],
    label: Annotated[str, typer.Option("--label", help="What the key is for, in your words.")] = "member",
    home: HomeOption = None,
    chain_id: ChainOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a key pair and write it, encrypted under a passphrase, into a file that only you can read.

    The passphrase comes from JIFEN_PASSPHRASE, from the file that JIFEN_PASSPHRASE_FILE names, or from the terminal.

    \b
    jifen key new alice.key --label alice
    """
    from jifen.keys.keystore import write_key_file
    from jifen.keys.signing import KeyPair

    chain = _chain(chain_id, home)
    pair = KeyPair.generate()
    write_key_file(file, pair, ask_passphrase(str(file), confirm=True), label)
    _show(label, pair.public.hex(), chain, file, as_json)


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(help="Key file.")],
    home: HomeOption = None,
    chain_id: ChainOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show label and public key of a key file, and its account in the alliance. Needs no passphrase.

    \b
    jifen key show alice.key
    """
    from jifen.keys.keystore import read_document

    document = read_document(file)
    _show(document.label, document.public, _chain(chain_id, home), file, as_json)


@app.command("derive")
def derive(
    customer: Annotated[str, typer.Argument(help="Customer as in the imported file, for example 0001.")],
    master: Annotated[
        Path | None, typer.Option("--master", help="File of the master secret; HOME/members.key when left out.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the key, encrypted, into this file; otherwise only show it.")
    ] = None,
    home: HomeOption = None,
    chain_id: ChainOption = None,
    as_json: JsonOption = False,
) -> None:
    """Derive the key of an imported customer from the master secret, and show its public key and account.

    \b
    jifen key derive 0001
    jifen key derive 0001 --output customer.key
    """
    from jifen.cli.options import home_of
    from jifen.config import PASSPHRASE_FILE, read_secret_text
    from jifen.home import MEMBERS_KEY_FILE
    from jifen.keys.keystore import read_secret, write_key_file
    from jifen.keys.signing import KeyPair

    chain = _chain(chain_id, home)
    source = master or home_of(home) / MEMBERS_KEY_FILE
    beside = source.parent / PASSPHRASE_FILE
    words = read_secret_text(beside) if beside.is_file() else ask_passphrase(str(source))
    pair = KeyPair.derive(read_secret(source, words), customer)
    label = f"customer {customer}"
    if output is not None:
        write_key_file(output, pair, ask_passphrase(str(output), confirm=True), label)
    _show(label, pair.public.hex(), chain, output, as_json)


def _chain(text: str | None, home: Path | None) -> bytes | None:
    from jifen.cli.failures import UsageFault

    if text is None:
        return chain_of(home)
    try:
        chain = bytes.fromhex(text)
    except ValueError:
        chain = b""
    if len(chain) != 32:
        raise UsageFault("--chain-id has 64 hexadecimal digits; `jifen status --json` shows it")
    return chain


def _show(label: str, public: str, chain: bytes | None, file: Path | None, as_json: bool) -> None:
    from jifen.codec.addresses import encode_account
    from jifen.ledger.members.registering import account_id

    account = encode_account(account_id(chain, bytes.fromhex(public))) if chain and public else None
    if as_json:
        print_json({"label": label, "key": public or None, "account": account, "file": str(file) if file else None})
        return
    typer.echo(f"label    {label}")
    typer.echo(f"key      {public or 'none: a master secret, from which keys are derived'}")
    typer.echo(f"account  {account or 'unknown: name the alliance with --home or --chain-id'}")
    if file:
        typer.echo(f"file     {file}")
