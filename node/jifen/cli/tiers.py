"""`jifen tiers`, and the transactions by which an organization says what its tiers are and whose it recognises."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, asked, open_key, print_json, require_organization
from jifen.cli.transactions import print_submission, submit_built

if TYPE_CHECKING:
    from collections.abc import Callable

    from jifen.client.records import Answer
    from jifen.client.tiers import OrganizationTiers, TierProgress
    from jifen.keys.signing import KeyPair

T = TypeVar("T")
A = TypeVar("A", bound="Answer")

app = typer.Typer(help="Show tiers and how far members have come.", rich_markup_mode=None, no_args_is_help=True)

OwnerOption = Annotated[
    Path,
    typer.Option("--data", envvar="JIFEN_DATA", help="Data directory of the organization, whose operator key signs."),
]
OrganizationArgument = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="For example harbour-mall.")]


@app.command("show")
def show_tiers(
    organization: OrganizationArgument, home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Show the tiers of an organization, and whose tiers it recognises.

    \b
    jifen tiers show harbour-mall
    """
    from jifen.cli.failures import CommandFailed

    found = asked(lambda client: client.tiers(organization), home, url)
    if found is None:
        require_organization(organization, home, url)
        raise CommandFailed(f"{organization} has published no tiers")
    if as_json:
        print_json(found)
        return
    _print_tiers(found)


@app.command("progress")
def show_progress(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Member's account; begins with jf1.")],
    organization: OrganizationArgument,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a member's tier at an organization, what proves it, and what is missing to the next.

    \b
    jifen tiers progress jf1... harbour-mall
    """
    from jifen.cli.failures import CommandFailed

    found = asked(lambda client: client.tier_progress(account, organization), home, url)
    if found is None:
        require_organization(organization, home, url)
        raise CommandFailed(f"{organization} has published no tiers")
    if as_json:
        print_json(found)
        return
    _print_progress(found)


def publish_tiers(
    data: OwnerOption,
    tiers: Annotated[
        Path,
        typer.Option("--tiers", help="JSON file in the form of `programme` in `jifen tiers show --json`; - is stdin."),
    ],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish the next version of an organization's tiers.

    \b
    jifen tx publish-tiers --data .jifen/harbour-mall --tiers tiers.json
    with, for example, {"tiers": [{"id": "gold", "name": "Gold", "threshold": 1000}], "graceDays": 30} in tiers.json
    """
    from jifen import config
    from jifen.client.tiers import TierProgramme

    owner = config.read_config(data).organization
    wanted = read_json(tiers, TierProgramme, "--tiers")
    before = asked(lambda client: client.tiers(owner), home, url)
    programme = valid(lambda: wanted.to_ledger(before.next_programme if before else 1), "--tiers")
    operator = operator_of(data)
    submission = submit_built(
        lambda builder: builder.publish_tiers(operator, organization=owner, programme=programme), home, url
    )
    print_submission(submission, as_json, version=str(programme.version))


def publish_recognition(
    data: OwnerOption,
    recognition: Annotated[
        Path,
        typer.Option("--map", help="JSON file in the form of `recognition` in `jifen tiers show --json`; - is stdin."),
    ],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish whose tiers an organization recognises, and as which of its own.

    \b
    jifen tx publish-recognition --data .jifen/tea-house --map map.json
    with, for example, {"entries": [{"organization": "harbour-mall", "tier": "gold", "countsAs": "friend"}]} in map.json
    """
    from jifen import config
    from jifen.client.tiers import Recognition

    owner = config.read_config(data).organization
    wanted = read_json(recognition, Recognition, "--map")
    before = asked(lambda client: client.tiers(owner), home, url)
    ledger = wanted.to_ledger(before.next_recognition if before else 1)
    operator = operator_of(data)
    submission = submit_built(
        lambda builder: builder.publish_recognition(operator, organization=owner, recognition=ledger), home, url
    )
    print_submission(submission, as_json, version=str(ledger.version))


def operator_of(data: Path) -> "KeyPair":
    """Return the operator key of a data directory."""
    from jifen import config

    return open_key(data / config.OPERATOR_KEY_FILE, data)


def valid(make: "Callable[[], T]", option: str) -> T:
    """Return what is made of an option's value; raises UsageFault naming the option and the mistake."""
    from jifen.cli.failures import UsageFault

    try:
        return make()
    except ValueError as error:
        raise UsageFault(f"{option}: {error}") from None


def read_json(path: Path, kind: "type[A]", option: str) -> "A":
    """Return what a JSON file says, `-` being standard input; raises UsageFault or CommandFailed."""
    import sys

    from jifen.cli.failures import CommandFailed
    from jifen.client.tiers import decoded

    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}") from None
    return valid(lambda: decoded(text, kind), option)


def _print_tiers(found: "OrganizationTiers") -> None:
    programme = found.programme
    if programme is not None:
        period = f"{programme.period_days} days" if programme.period_days else programme.period.lower()
        typer.echo(f"tiers        version {programme.version}, period {period}, grace {programme.grace_days} days")
        typer.echo(f"downgrade    {programme.downgrade.lower().replace('_', ' ')}")
        for tier in programme.tiers:
            typer.echo(f"  {tier.id:<16} {tier.threshold:>12,} points  {tier.name}")
    if found.recognition is not None:
        typer.echo(f"recognises   version {found.recognition.version}")
        for entry in found.recognition.entries:
            typer.echo(f"  {entry.organization}/{entry.tier} counts as {entry.counts_as}")


def _print_progress(found: "TierProgress") -> None:
    typer.echo(f"tier         {found.tier or 'none'}")
    if found.path is not None:
        how = "" if found.path.map_version is None else f", recognised by map version {found.path.map_version}"
        typer.echo(f"earned       {found.path.organization}/{found.path.earned_tier}{how}")
        typer.echo(f"proof        receipts of block {found.path.height}")
    typer.echo(f"points       {found.qualifying_points:,} in this period, {found.lifetime:,} ever")
    if found.next_tier is not None:
        typer.echo(f"next         {found.next_tier}: {found.points_to_next:,} points to go")
    if found.evaluated_at is not None:
        typer.echo(f"judged       {found.evaluated_at:%Y-%m-%d %H:%M} UTC")
    if found.at_risk:
        typer.echo(f"at risk      {found.points_to_keep:,} points to keep {found.own_tier}")
