"""`jifen tx sign`, `submit` and `inspect`: transactions that several have to sign, each where his key is.

A draft is a file with the chain id and the signed bytes, in which signatures may be missing. It holds no secret. What
it says is read from the bytes themselves every time.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, chain_of, client_of, open_key, urls_of
from jifen.cli.transactions import Draft, print_submission, submit_sealed

if TYPE_CHECKING:
    from jifen.client import SealedTransaction
    from jifen.client.records import Submission
    from jifen.ledger.types import PublicKey

DRAFT_LIFETIME_MS: Final = 23 * 60 * 60 * 1000
"""How long a draft can be submitted: an hour less than the longest life of a transaction, for clocks that differ."""

DRAFT_BYTES_MAX: Final = 16_384
"""Largest draft file: a transaction in base64 fits twice."""

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Draft, as `jifen tx --draft FILE` has written it.")]


def sign(
    file: FileArgument,
    key: Annotated[Path | None, typer.Option("--key", help="Key file that signs.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", envvar="JIFEN_DATA", help="Data directory, whose operator key signs.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Add a signature to a draft; look at it with `jifen tx inspect` first. Needs no network.

    \b
    jifen tx sign order.tx --key alice.key
    """
    from jifen import config
    from jifen.cli.failures import UsageFault
    from jifen.client import NotASigner, add_signatures

    if (key is None) == (data is None):
        raise UsageFault("say who signs: either --key FILE or --data DIRECTORY")
    chain, signed = read_draft(file)
    known = chain_of(home)
    if known is not None and known != chain:
        raise UsageFault(f"{file} is for the alliance {chain.hex()[:16]}, the home belongs to {known.hex()[:16]}")
    path = key if data is None else data / config.OPERATOR_KEY_FILE
    assert path is not None, "one of them was given"
    pair = open_key(path, *([data] if data else []))
    try:
        sealed = add_signatures(chain, signed, [pair])
    except NotASigner as error:
        raise UsageFault(f"{file}: {error}") from None
    _replace(file, chain, sealed)
    _say_what_is_missing(file, sealed)


def submit(file: FileArgument, home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Submit a draft that everybody has signed. Submitting it twice does nothing twice.

    \b
    jifen tx submit order.tx
    """
    import trio

    from jifen.cli.failures import CommandFailed
    from jifen.client import add_signatures, missing_signers

    chain, signed = read_draft(file)
    missing = missing_signers(signed)
    if missing:
        raise CommandFailed(f"{file} lacks the signature of {_names(missing)}; let them run `jifen tx sign {file}`")
    sealed = add_signatures(chain, signed, [])
    urls = urls_of(url, home)

    async def run() -> "Submission":
        async with client_of(urls) as client:
            told = (await client.status()).chain_id
            if told != chain.hex():
                raise CommandFailed(f"{file} is for the alliance {chain.hex()[:16]}, the validator is of {told[:16]}")
            return await submit_sealed(client, sealed)

    print_submission(trio.run(run), as_json)


def inspect(file: FileArgument, as_json: JsonOption = False) -> None:
    """Show what a draft does, who signs it and who still has to.

    \b
    jifen tx inspect order.tx
    """
    import msgspec

    from jifen.cli.options import print_json
    from jifen.client import add_signatures
    from jifen.codec.transactions import decode_body, decode_signed
    from jifen.ledger.transactions import KIND_NAMES

    chain, signed = read_draft(file)
    envelope = decode_signed(signed)
    body = decode_body(envelope.body)
    fields = {name: _shown(name, value) for name, value in msgspec.structs.asdict(body).items() if name != "nonce"}
    signers = {item.key.hex(): item.signature != bytes(64) for item in envelope.signatures}
    identity = add_signatures(chain, signed, []).id.hex()
    if as_json:
        signed_by = [{"key": name, "signed": there} for name, there in signers.items()]
        head = {"id": identity, "chain": chain.hex(), "kind": KIND_NAMES[type(body)]}
        print_json(head | {"fields": fields, "signers": signed_by})
        return
    typer.echo(f"transaction  {identity}")
    typer.echo(f"alliance     {chain.hex()}")
    typer.echo(f"kind         {KIND_NAMES[type(body)]}")
    for name, value in fields.items():
        typer.echo(f"  {name:<20} {value}")
    for name, there in signers.items():
        typer.echo(f"{'signed by' if there else 'missing':<12} {name}")


def cosigners_of(draft: Draft) -> "tuple[PublicKey, ...]":
    """Return the keys that `--cosigner` names; raises UsageFault."""
    from jifen.cli.failures import UsageFault
    from jifen.ledger.types import PublicKey

    if draft.cosigners and draft.path is None:
        raise UsageFault("--cosigner needs --draft FILE: what others have to sign cannot be submitted at once")
    if draft.path is not None and draft.path.exists():
        raise UsageFault(f"{draft.path} exists; name another file for the draft, or remove it")
    found = []
    for text in draft.cosigners:
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise UsageFault(
                f"--cosigner {text} is no public key, which has 64 hexadecimal digits; see `jifen key show`"
            )
        found.append(PublicKey(key))
    return tuple(found)


def write_draft(path: Path, chain: bytes, sealed: "SealedTransaction") -> None:
    """Write a new draft and say what comes next; raises CommandFailed."""
    from jifen.cli.failures import CommandFailed

    try:
        with path.open("xb") as file:
            file.write(_text(chain, sealed))
    except OSError as error:
        raise CommandFailed(f"the draft cannot be written to {path}: {error.strerror}") from None
    _say_what_is_missing(path, sealed)


def read_draft(path: Path) -> tuple[bytes, bytes]:
    """Return chain id and signed bytes of a draft; raises CommandFailed."""
    import base64
    import binascii
    import json

    from jifen.cli.failures import CommandFailed

    try:
        with path.open("rb") as file:
            data = file.read(DRAFT_BYTES_MAX + 1)
        found = json.loads(data if len(data) <= DRAFT_BYTES_MAX else b"too long")
        chain, signed = bytes.fromhex(found["chain"]), base64.b64decode(found["transaction"], validate=True)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise CommandFailed(f"{path} is no draft; `jifen tx --draft FILE ...` writes one") from None
    if len(chain) != 32:
        raise CommandFailed(f"{path} names no alliance; `jifen tx --draft FILE ...` writes a draft anew")
    return chain, signed


def _text(chain: bytes, sealed: "SealedTransaction") -> bytes:
    import base64
    import json

    found = {"chain": chain.hex(), "transaction": base64.b64encode(sealed.signed).decode()}
    return json.dumps(found, indent=1).encode() + b"\n"


def _replace(path: Path, chain: bytes, sealed: "SealedTransaction") -> None:
    """Put a draft in the place of an older one, at once: whoever is interrupted has lost neither."""
    from jifen.cli.failures import CommandFailed

    beside = path.with_name(f"{path.name}.new")
    try:
        beside.write_bytes(_text(chain, sealed))
        beside.replace(path)
    except OSError as error:
        raise CommandFailed(f"the signature cannot be written to {path}: {error.strerror}") from None


def _say_what_is_missing(path: Path, sealed: "SealedTransaction") -> None:
    from jifen.client import missing_signers

    typer.echo(f"transaction  {sealed.id.hex()}")
    missing = missing_signers(sealed.signed)
    for key in missing:
        typer.echo(f"missing      {key.hex()}")
    typer.echo(f"next         jifen tx {'sign' if missing else 'submit'} {path}")


def _names(keys: "Sequence[bytes]") -> str:
    return ", ".join(key.hex() for key in keys)


def _shown(name: str, value: Any) -> Any:
    """Return a field as people read it: accounts in their text form, times as dates, bytes in hex."""
    import msgspec

    from jifen.codec.addresses import encode_account

    if isinstance(value, bytes):
        return encode_account(value) if len(value) == 20 else value.hex()
    if name.endswith("_at") and isinstance(value, int):
        from datetime import UTC, datetime

        return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="seconds")
    if isinstance(value, msgspec.Struct):
        return {inner: _shown(inner, part) for inner, part in msgspec.structs.asdict(value).items()}
    if isinstance(value, tuple):
        return [_shown(name, part) for part in value]
    return value
