"""`jifen draw`: publish prize draws, keep their secrets, enter them, and compute their winners again."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, asked, open_key, print_json
from jifen.cli.terms import operator_of
from jifen.cli.transactions import KeyOption, print_submission, submit_built

if TYPE_CHECKING:
    from jifen.client.draws import Draw, SecretPieces

T = TypeVar("T")

app = typer.Typer(help="Publish prize draws, enter them, verify them.", rich_markup_mode=None, no_args_is_help=True)

DrawArgument = Annotated[str, typer.Argument(metavar="DRAW", help="<organization>/<name>, like harbour-mall/spring.")]
OwnerOption = Annotated[
    Path,
    typer.Option("--data", envvar="JIFEN_DATA", help="Data directory of the organization, whose operator key signs."),
]
SECRETS = "draws"
"""Folder of a data directory in which the secrets of draws are kept."""


@app.command("list")
def list_draws(
    organization: Annotated[str | None, typer.Option("--organization", help="Only those of this one.")] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all prize draws.

    \b
    jifen draw list --organization harbour-mall
    """
    found = asked(lambda client: client.draws(organization), home, url)
    if as_json:
        print_json(found)
        return
    for draw in found:
        typer.echo(f"{draw.organization}/{draw.name:<32} {draw.status.lower():<10} {draw.entry_count:>9,} entries")
    if not found:
        typer.echo("no draws")


@app.command("show")
def show(draw: DrawArgument, home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show what a draw promises, how far it has come, and who has won.

    \b
    jifen draw show harbour-mall/spring
    """
    found = _draw(draw, home, url)
    if as_json:
        print_json(found)
        return
    terms = found.terms
    typer.echo(f"draw         {draw}, {found.status.lower()}")
    typer.echo(f"hash         {found.hash}")
    typer.echo(f"entries      {found.entry_count:,} of {terms.entries_max:,}, at least {terms.entries_min:,}")
    typer.echo(f"close        with block {terms.close_height}; settled by {terms.settle_by:%Y-%m-%d %H:%M} UTC")
    prizes = sum(prize.count for prize in terms.prizes)
    so_far = f"{prizes} in {max(found.entry_count, prizes):,} so far, " if found.entry_count else ""
    typer.echo(f"odds         {so_far}{prizes} in {terms.entries_max:,} at worst")
    for prize in terms.prizes:
        typer.echo(f"  prize      {prize.count} x {prize.name}, {prize.value_fen / 100:,.2f} yuan")
    for price in terms.prices:
        typer.echo(f"  entry      {price.points:,} {price.point_type}")
    for secret in found.secrets:
        state = "shown" if secret.shown else "kept" if secret.kept else "committed" if secret.hashes else "missing"
        typer.echo(f"  secret     {secret.committer}: {state}")
    for winner in found.winners:
        handed = ", handed over" if winner.fulfilled else ""
        typer.echo(f"  winner     {winner.number}: {terms.prizes[winner.prize].name}, {winner.account}{handed}")


@app.command("verify")
def verify(draw: DrawArgument, home: HomeOption = None, url: UrlOption = None) -> None:
    """Compute the winners again from the entries and the secrets on the ledger, trusting nobody.

    \b
    jifen draw verify harbour-mall/spring
    """
    from jifen.cli.failures import CommandFailed
    from jifen.client.draws import problems_of

    found = _draw(draw, home, url)
    organization, name = _names(draw)
    if not found.winners:
        raise CommandFailed(f"{draw} has no winners yet: it is {found.status.lower()}")
    entries = asked(lambda client: client.draw_entries(organization, name), home, url)
    problems = problems_of(found, entries)
    if problems:
        raise CommandFailed(f"{draw} is not what it says: {'; '.join(problems)}")
    typer.echo(f"{found.entry_count:,} entries, {len(found.winners)} winners: all as anybody computes them")


@app.command("publish")
def publish(
    draw: DrawArgument,
    data: OwnerOption,
    terms: Annotated[Path, typer.Option("--terms", help="JSON file in the form of the terms in `draw show --json`.")],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish a draw. Its terms never change; it opens when all committers keep its secrets.

    \b
    jifen draw publish harbour-mall/spring --data .jifen/harbour-mall --terms spring.json
    with, for example, in spring.json
      {"rulesHash": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
       "prizes": [{"name": "Bicycle", "valueFen": 200000, "count": 1},
                  {"name": "Umbrella", "valueFen": 3000, "count": 50}],
       "prices": [{"pointType": "harbour-mall/consumer", "points": 100}],
       "entriesMax": 5000, "memberEntriesMax": 10, "closeHeight": 120000,
       "revealBy": "2027-03-08T00:00:00+08:00", "settleBy": "2027-03-15T00:00:00+08:00",
       "committers": ["harbour-mall", "north-music", "river-books"]}
    where rulesHash is the SHA-256 of the rules that were made known (`sha256sum rules.pdf`), entries are taken up to
    block closeHeight, and an entry in points of another issuer also names a rate, at most its buy-back price:
      {"pointType": "north-music/consumer", "points": 200, "ratePoints": 2, "rateFen": 1}
    """
    from jifen.client.draws import DrawTerms

    ledger = _read(terms, DrawTerms).to_ledger()
    organization, name = _names(draw)
    operator = operator_of(data)
    submission = submit_built(
        lambda builder: builder.create_draw(operator, organization=organization, draw=name, terms=ledger), home, url
    )
    print_submission(submission, as_json)


@app.command("commit")
def commit(
    draw: DrawArgument, data: OwnerOption, home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Make a secret, keep it in the data directory, commit it, and write what each other committer is to be handed.

    Everybody hands for-NAME.json to NAME, who confirms with `jifen draw keep` what came from all the others.

    \b
    jifen draw commit harbour-mall/spring --data .jifen/north-music
    """
    from jifen import config
    from jifen.cli.failures import UsageFault
    from jifen.client.draws import make_secret, pieces_for

    found = _draw(draw, home, url)
    committer = config.read_config(data).organization
    if committer not in found.terms.committers:
        raise UsageFault(f"{committer} is no committer of {draw}: they are {', '.join(found.terms.committers)}")
    operator = operator_of(data)
    folder = _folder(data, draw)
    # What is lost before the commitment is made is made anew; what is committed must never be made again.
    secret = _written(folder / f"{committer}.json") or make_secret(found, committer, os.urandom)
    if secret.hash != found.hash:
        raise UsageFault(f"{folder} keeps secrets of another alliance's draw of that name: move them away")
    _write(folder / f"{committer}.json", secret)
    for keeper in found.terms.committers:
        if keeper != committer:
            _write(folder / f"for-{keeper}.json", pieces_for(found, secret, keeper))
    organization, name = _names(draw)
    submission = submit_built(
        lambda builder: builder.commit_to_draw(
            operator, organization=organization, draw=name, committer=committer, hashes=secret.hashes()
        ),
        home,
        url,
    )
    print_submission(submission, as_json, handover=str(folder))
    if not as_json:
        for keeper in found.terms.committers:
            if keeper != committer:
                typer.echo(f"Hand {folder / f'for-{keeper}.json'} to {keeper} on a way that nobody else reads.")


@app.command("keep")
def keep(
    draw: DrawArgument,
    data: OwnerOption,
    pieces: Annotated[
        list[Path], typer.Option("--pieces", help="What another committer handed over; once for each of them.")
    ],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check what the other committers handed over, keep it in the data directory, and confirm that on the ledger.

    \b
    jifen draw keep harbour-mall/spring --data .jifen/north-music --pieces from-mall/for-north-music.json \\
      --pieces from-books/for-north-music.json
    """
    from jifen import config
    from jifen.cli.failures import CommandFailed
    from jifen.client.draws import SecretPieces, fits

    found = _draw(draw, home, url)
    keeper = config.read_config(data).organization
    handed = {item.committer: item for item in (_read(path, SecretPieces) for path in pieces)}
    missing = [name for name in found.terms.committers if name not in {keeper, *handed}]
    if missing:
        raise CommandFailed(f"nothing was handed over by {', '.join(missing)}: ask for it, and name every file")
    wrong = [name for name, item in handed.items() if not fits(found, item, keeper)]
    if wrong:
        raise CommandFailed(f"what {', '.join(wrong)} handed over does not fit the ledger: do not confirm, ask again")
    operator = operator_of(data)
    for committer, item in handed.items():
        if committer != keeper:
            _write(_folder(data, draw) / f"{committer}.json", item)
    organization, name = _names(draw)
    submission = submit_built(
        lambda builder: builder.keep_draw_secrets(operator, organization=organization, draw=name, committer=keeper),
        home,
        url,
    )
    print_submission(submission, as_json)


@app.command("enter")
def enter(  # noqa: PLR0917 - typer calls it by name
    draw: DrawArgument,
    key: KeyOption,
    point_type: Annotated[str, typer.Option("--point-type", help="For example harbour-mall/consumer.")],
    entries: Annotated[int, typer.Option("--entries", min=1, help="How many.")] = 1,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Buy entries of a draw; the points are held until it is settled.

    \b
    jifen draw enter harbour-mall/spring --key alice.key --point-type harbour-mall/consumer --entries 3
    """

    pair = open_key(key)
    organization, name = _names(draw)
    submission = submit_built(
        lambda builder: builder.enter_draw(
            pair, organization=organization, draw=name, point_type=point_type, entries=entries
        ),
        home,
        url,
    )
    print_submission(submission, as_json)


@app.command("reveal")
def reveal(
    draw: DrawArgument,
    data: OwnerOption,
    committer: Annotated[
        str | None, typer.Option("--of", help="Show what is kept of this committer's secret; its own when left out.")
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a secret after the close: the own one, or after the reveal time what is kept of another's.

    \b
    jifen draw reveal harbour-mall/spring --data .jifen/north-music
    """
    from jifen import config
    from jifen.cli.failures import CommandFailed

    found = _draw(draw, home, url)
    height = asked(lambda client: client.status(), home, url).height
    if height < found.terms.close_height:
        # A rejected transaction has shown its pieces all the same: who reads it could foresee who wins.
        raise CommandFailed(
            f"{draw} takes entries up to block {found.terms.close_height}, the ledger is at {height}: "
            "a secret shown now would tell who wins while one can still enter"
        )
    whose = committer or config.read_config(data).organization
    path = _folder(data, draw) / f"{whose}.json"
    secret = _written(path)
    if secret is None:
        raise CommandFailed(f"{path} does not exist: nothing of the secret of {whose} is kept here")
    operator = operator_of(data)
    organization, name = _names(draw)
    submission = submit_built(
        lambda builder: builder.reveal_secret(
            operator, organization=organization, draw=name, committer=whose, pieces=secret.as_pieces()
        ),
        home,
        url,
    )
    print_submission(submission, as_json)


@app.command("cancel")
def cancel(
    draw: DrawArgument,
    data: OwnerOption,
    reason: Annotated[str, typer.Option("--reason", help="What members are told.")],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call a draw off, up to its close; all points go back.

    \b
    jifen draw cancel harbour-mall/spring --data .jifen/harbour-mall --reason "the hall is closed"
    """
    operator = operator_of(data)
    organization, name = _names(draw)
    submission = submit_built(
        lambda builder: builder.cancel_draw(operator, organization=organization, draw=name, reason=reason), home, url
    )
    print_submission(submission, as_json)


@app.command("fulfil")
def fulfil(
    draw: DrawArgument,
    data: OwnerOption,
    entry: Annotated[int, typer.Option("--entry", min=1, help="Number of the entry that won.")],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a prize was handed over.

    \b
    jifen draw fulfil harbour-mall/spring --data .jifen/harbour-mall --entry 17
    """
    operator = operator_of(data)
    organization, name = _names(draw)
    submission = submit_built(
        lambda builder: builder.fulfil_prize(operator, organization=organization, draw=name, entry=entry), home, url
    )
    print_submission(submission, as_json)


def _names(draw: str) -> tuple[str, str]:
    from jifen.cli.failures import UsageFault

    organization, slash, name = draw.partition("/")
    if not (organization and slash and name) or "/" in name:
        raise UsageFault(f"{draw} is no draw; write <organization>/<name>, like harbour-mall/spring")
    return organization, name


def _draw(draw: str, home: Path | None, url: list[str] | None) -> "Draw":
    from jifen.cli.failures import CommandFailed

    organization, name = _names(draw)
    found = asked(lambda client: client.draw(organization, name), home, url)
    if found is None:
        raise CommandFailed(f"there is no draw {draw}; see `jifen draw list`")
    return found


def _folder(data: Path, draw: str) -> Path:
    organization, name = _names(draw)
    return data / SECRETS / organization / name


def _read(path: Path, kind: type[T]) -> T:
    import msgspec

    from jifen.cli.failures import CommandFailed, UsageFault

    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UsageFault(f"{path} does not say what it should: {error}") from None


def _written(path: Path) -> "SecretPieces | None":
    from jifen.client.draws import SecretPieces

    return _read(path, SecretPieces) if path.exists() else None


def _write(path: Path, pieces: "SecretPieces") -> None:
    import msgspec

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("wb") as file:
        file.write(msgspec.json.encode(pieces))
        file.flush()
        os.fsync(file.fileno())
