"""`jifen evidence`: which validators have contradicted themselves, and the proof to take along."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.failures import EPILOG
from jifen.cli.options import HomeOption, JsonOption, UrlOption, asked, print_json

if TYPE_CHECKING:
    from jifen.client.evidence import Evidence
    from jifen.ledger.genesis import Genesis

ValidatorOption = Annotated[str | None, typer.Option("--validator", help="Only against the validator of this id.")]

app = typer.Typer(name="evidence", help="Proof that a validator lied: list, export, verify.", no_args_is_help=True)


@app.command("list", epilog=EPILOG)
def list_evidence(
    validator: ValidatorOption = None, home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """List what proves that a validator has signed two different blocks of one term and height. Mostly: nothing.

    \b
    jifen evidence list
    jifen evidence list --validator east-books --json
    """
    found = asked(lambda client: client.evidence(validator=validator), home, url)
    if as_json:
        print_json(found)
        return
    for item in found:
        recorded = "not recorded yet" if item.recorded_at is None else f"recorded in block {item.recorded_at}"
        proof = "" if item.proof else ", proof held elsewhere"
        typer.echo(f"{item.validator:<24}  {_what(item)}  {recorded}{proof}")
    if not found:
        typer.echo("none: no validator is known to have contradicted itself")


@app.command("export", epilog=EPILOG)
def export_evidence(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to make.")],
    validator: ValidatorOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
) -> None:
    """Write evidence, with both signed statements, to a file that proves itself to anybody who knows the alliance.

    \b
    jifen evidence export evidence.json
    jifen evidence export evidence.json --validator east-books
    """
    from jifen.cli.failures import CommandFailed
    from jifen.client import Client
    from jifen.client.evidence import write_evidence

    async def ask(client: Client) -> "tuple[bytes, tuple[Evidence, ...]]":
        return bytes.fromhex((await client.status()).chain_id), await client.evidence(validator=validator)

    chain, found = asked(ask, home, url)
    proved = tuple(item for item in found if item.proof is not None)
    if not proved:
        raise CommandFailed("there is nothing to export: no evidence is held here; `jifen evidence list` shows it")
    try:
        write_evidence(file, chain, proved)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be made: {error.strerror}") from None
    without = len(found) - len(proved)
    more = f"; {without} more are held elsewhere, ask another validator with --url" if without else ""
    typer.echo(f"{file}: {len(proved)} pieces of evidence{more}")


@app.command("verify", epilog=EPILOG)
def verify_evidence(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File that `jifen evidence export` has made.")],
    genesis: Annotated[
        Path | None, typer.Option("--genesis", help="genesis.json of the alliance; the home's when left out.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Check both signatures of every piece in a file, and that the key is the validator's, without asking anybody.

    Ends with exit code 4 when a piece proves nothing. Of a validator that joined after genesis only the key is
    shown: compare it with `jifen validators list --json`.

    \b
    jifen evidence verify evidence.json
    jifen evidence verify evidence.json --genesis genesis.json
    """
    from jifen.cli.failures import CommandFailed
    from jifen.client.evidence import EvidenceInvalid, read_evidence
    from jifen.codec.genesis import chain_id

    known = _genesis(genesis, home)
    try:
        found = read_evidence(file)
        chain = bytes.fromhex(found.chain_id)
        if chain != chain_id(known):
            raise EvidenceInvalid(f"it is of the alliance {chain.hex()[:16]}, not of {chain_id(known).hex()[:16]}")
        for item in found.evidence:
            item.verify(chain)
        lines = [f"{item.validator:<24}  {_what(item)}  proved; {_whose(item, known)}" for item in found.evidence]
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}") from None
    except EvidenceInvalid as error:
        raise CommandFailed(f"{file} proves nothing: {error}") from None
    typer.echo("\n".join(lines) or "no evidence in it")


def _genesis(path: Path | None, home: Path | None) -> "Genesis":
    from jifen import config
    from jifen.cli.options import alliance_of, home_of

    if path is not None:
        return config.read_genesis_file(path)
    return config.read_genesis(home_of(home) / alliance_of(home).organizations[0])


def _whose(item: "Evidence", genesis: "Genesis") -> str:
    from jifen.client.evidence import EvidenceInvalid

    key = item.proof.key if item.proof else ""
    for organization in genesis.organizations:
        if organization.id == item.validator:
            if organization.validator_key.hex() == key:
                return "the key is the validator's in genesis"
            raise EvidenceInvalid(f"{item.validator} has another key in genesis than {key}")
    return f"that {key} is its key is for the ledger to say"


def _what(item: "Evidence") -> str:
    blocks = f"{item.first_hash[:12]} and {item.second_hash[:12]}"
    return f"{item.kind.lower()}s of {blocks}, term {item.term} height {item.height}"
