"""`jifen tx`: build, sign, submit and look up transactions. Keys stay in this process."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from jifen.cli.options import (
    HomeOption,
    JsonOption,
    UrlOption,
    chain_of,
    client_of,
    open_key,
    print_json,
    urls_of,
)
from jifen.cli.telling import what_happened, words_of

if TYPE_CHECKING:
    from jifen.client import Client, SealedTransaction, TransactionBuilder
    from jifen.client.records import Submission, Transaction
    from jifen.ledger.types import PublicKey

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

KeyOption = Annotated[Path, typer.Option("--key", help="Key file that signs.")]


class Draft(NamedTuple):
    """What `jifen tx --draft` asks for: a file for others to sign, in place of a submission."""

    path: Path | None
    cosigners: tuple[str, ...]


NO_DRAFT: Final = Draft(None, ())

_DRAFT: Final[ContextVar[Draft]] = ContextVar("draft", default=NO_DRAFT)
"""What the command that runs was asked for; every command of the group goes through `drafting` first."""


@app.callback()
def drafting(
    draft: Annotated[
        Path | None, typer.Option("--draft", help="Write the transaction to this file for others to sign; see sign.")
    ] = None,
    cosigner: Annotated[
        list[str] | None, typer.Option("--cosigner", help="Public key of somebody else who is to sign; repeatable.")
    ] = None,
) -> None:
    """Send and show transactions.

    \b
    jifen tx --draft terms.tx --cosigner 5f2c... publish-terms --data .jifen/north-music --terms next.json
    jifen tx sign terms.tx --data .jifen/harbour-mall
    jifen tx submit terms.tx
    """
    _DRAFT.set(Draft(draft, tuple(cosigner or ())))


@app.command("register")
def register(key: KeyOption, home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Open the account of a key.

    \b
    jifen tx register --key alice.key
    """
    from jifen.codec.addresses import encode_account

    pair = open_key(key)
    accounts: list[str] = []

    def build(builder: "TransactionBuilder") -> "SealedTransaction":
        accounts.append(encode_account(builder.account_of(pair.public)))
        return builder.register_member(pair)

    submission = submit_built(build, home, url)
    print_submission(submission, as_json, account=accounts[0])


@app.command("earn")
def earn(  # noqa: PLR0917 - typer calls it by name
    account: Annotated[str, typer.Option("--account", help="Member's account; begins with jf1.")],
    amount_fen: Annotated[int, typer.Option("--amount-fen", min=0, help="What the order came to, in fen.")],
    order: Annotated[str, typer.Option("--order", help="The merchant's own number of the order: credited once, ever.")],
    data: Annotated[
        Path, typer.Option("--data", envvar="JIFEN_DATA", help="Merchant's data directory, whose operator key signs.")
    ],
    point_type: Annotated[
        str | None, typer.Option("--point-type", help="The merchant's consumer points when left out.")
    ] = None,
    item: Annotated[
        list[str] | None, typer.Option("--item", help="Line of the order as category:item:fen; repeatable.")
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="Who else earns, as guide=jf1..., store=jf1... or distributor=jf1...; repeatable."),
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Credit a purchase with a merchant's points, and guide, store and distributor with theirs.

    \b
    jifen tx earn --data .jifen/north-music --account jf1... --amount-fen 12800 --order A-17 --item tea:oolong:2800
    """
    from jifen import config
    from jifen.cli.rules import lines_of, roles_of
    from jifen.codec.addresses import decode_account

    member = decode_account(account)
    lines = tuple(line.to_ledger() for line in lines_of(item))
    roles = {name: decode_account(text) for name, text in roles_of(role).items()}
    merchant = config.read_config(data).organization
    operator = open_key(data / config.OPERATOR_KEY_FILE, data)
    submission = submit_built(
        lambda builder: builder.earn_points(
            operator,
            merchant=merchant,
            order_id=order,
            account=member,
            point_type=point_type or f"{merchant}/consumer",
            amount_fen=amount_fen,
            items=lines,
            roles=roles,
        ),
        home,
        url,
    )
    print_submission(submission, as_json, **what_happened(submission, home, url, as_json))


@app.command("refund")
def refund(  # noqa: PLR0917 - typer calls it by name
    order: Annotated[str, typer.Option("--order", help="The order, as it was credited.")],
    refund_id: Annotated[str, typer.Option("--refund", help="The merchant's own number of the refund: taken in once.")],
    amount_fen: Annotated[int, typer.Option("--amount-fen", min=1, help="What is paid back this time, in fen.")],
    data: Annotated[
        Path, typer.Option("--data", envvar="JIFEN_DATA", help="Merchant's data directory, whose operator key signs.")
    ],
    item: Annotated[
        list[str] | None,
        typer.Option("--item", help="Line that is returned, as category:item:fen; repeatable."),
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back what a refunded order, or a part of it, has earned. What is spent already is owed.

    \b
    jifen tx refund --data .jifen/north-music --order A-17 --refund R-3 --amount-fen 2800 --item tea:oolong:2800
    """
    from jifen import config
    from jifen.cli.rules import lines_of

    lines = tuple(line.to_ledger() for line in lines_of(item))
    merchant = config.read_config(data).organization
    operator = open_key(data / config.OPERATOR_KEY_FILE, data)
    submission = submit_built(
        lambda builder: builder.refund_order(
            operator, merchant=merchant, order_id=order, refund_id=refund_id, amount_fen=amount_fen, items=lines
        ),
        home,
        url,
    )
    print_submission(submission, as_json, **what_happened(submission, home, url, as_json))


@app.command("transfer")
def transfer(  # noqa: PLR0917 - typer calls it by name
    key: KeyOption,
    to: Annotated[str, typer.Option("--to", help="Account that receives the points; begins with jf1.")],
    point_type: Annotated[str, typer.Option("--point-type", help="For example north-music/consumer.")],
    points: Annotated[int, typer.Option("--points", min=1, help="How many.")],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pass points on to another member.

    \b
    jifen tx transfer --key alice.key --to jf1... --point-type north-music/consumer --points 120
    """
    from jifen.codec.addresses import decode_account

    recipient = decode_account(to)
    pair = open_key(key)
    submission = submit_built(
        lambda builder: builder.transfer_points(pair, recipient=recipient, point_type=point_type, points=points),
        home,
        url,
    )
    print_submission(submission, as_json)


@app.command("show")
def show(
    identity: Annotated[str, typer.Argument(metavar="ID", help="Transaction id: 64 hexadecimal digits.")],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what became of a transaction.

    \b
    jifen tx show 5f2c...
    """
    import trio

    from jifen.cli.failures import CommandFailed, UsageFault

    try:
        name = bytes.fromhex(identity)
    except ValueError:
        name = b""
    if len(name) != 32:
        raise UsageFault(f"{identity!r} is no transaction id, which has 64 hexadecimal digits; copy it again")
    urls = urls_of(url, home)

    async def ask() -> "Transaction":
        async with client_of(urls) as client:
            return await client.transaction(name)

    found = trio.run(ask)
    if as_json:
        print_json(found)
    elif found.status != "UNKNOWN":
        _print_transaction(found)
    if found.status == "UNKNOWN":
        raise CommandFailed(f"no validator that was asked has transaction {identity}; it may have expired unsent")


def submit_built(
    build: "Callable[[TransactionBuilder], SealedTransaction]", home: Path | None, url: list[str] | None
) -> "Submission":
    """Build a transaction for the alliance that is asked, submit it, and return what became of it."""
    import trio

    from jifen.cli.cosigning import cosigners_of, write_draft

    draft = _DRAFT.get()
    cosigners = cosigners_of(draft)
    urls = urls_of(url, home)
    chain = chain_of(home)

    async def run() -> "Submission":
        async with client_of(urls) as client:
            builder = await _builder(client, chain, cosigners, named=bool(url))
            sealed = build(builder)
            if draft.path is not None:
                write_draft(draft.path, builder.chain_id, sealed)
                raise typer.Exit
            return await submit_sealed(client, sealed)

    return trio.run(run)


async def submit_sealed(client: "Client", sealed: "SealedTransaction") -> "Submission":
    """Submit a transaction and return what became of it; raises CommandFailed when nobody can say."""
    from jifen.cli.failures import CommandFailed
    from jifen.client import Unavailable

    try:
        return await client.submit(sealed)
    except Unavailable as error:
        # The same command again is another transaction: whoever repeats it blindly may pay twice.
        raise CommandFailed(
            f"nobody says yet what becomes of transaction {sealed.id.hex()} ({error}); "
            f"ask with `jifen tx show {sealed.id.hex()}` before you repeat the command"
        ) from None


async def _builder(
    client: "Client", chain: bytes | None, cosigners: "Sequence[PublicKey]", *, named: bool
) -> "TransactionBuilder":
    """Return a builder for the validator's chain, which must be the home's when the home's validators are asked."""
    from jifen.cli.cosigning import DRAFT_LIFETIME_MS
    from jifen.cli.failures import CommandFailed
    from jifen.client import TransactionBuilder

    told = bytes.fromhex((await client.status()).chain_id)
    if chain is not None and told != chain and not named:
        raise CommandFailed(f"the validator belongs to the alliance {told.hex()[:16]}, the home to {chain.hex()[:16]}")
    if cosigners:
        return TransactionBuilder(told, cosigners=cosigners, lifetime_ms=DRAFT_LIFETIME_MS)
    return TransactionBuilder(told)


def print_submission(submission: "Submission", as_json: bool, **more: str) -> None:
    """Print what became of a submitted transaction, and more about it by name."""
    if as_json:
        shown = {"id": submission.id, "status": submission.status, "height": submission.height}
        print_json(shown | more)
        return
    typer.echo(f"transaction  {submission.id}")
    for name, value in more.items():
        typer.echo(f"{name:<12} {value}")
    typer.echo(f"committed    in block {submission.height}")


def _print_transaction(found: "Transaction") -> None:
    typer.echo(f"transaction  {found.id}")
    typer.echo(f"kind         {found.kind or '-'}")
    typer.echo(f"status       {found.status.lower()}")
    if found.height is not None:
        typer.echo(f"block        {found.height}, transaction {found.index}")
    if found.outcome is not None:
        typer.echo(f"outcome      {found.outcome.lower()}{': ' + found.rejection if found.rejection else ''}")
    for effect in found.effects():
        typer.echo(f"effect       {effect.pop('__typename', '')}")
        for name, value in effect.items():
            if value is not None:
                typer.echo(f"  {name:<24} {words_of(value)}")
