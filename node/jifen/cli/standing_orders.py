"""Standing orders of members: given, taken back and shown."""

from pathlib import Path
from typing import Annotated

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, asked, open_key, print_json
from jifen.cli.tiers import OrganizationArgument
from jifen.cli.transactions import KeyOption, print_submission, submit_built

DAY_MS = 24 * 60 * 60 * 1000

AtOption = Annotated[str, typer.Option("--organization", help="After purchases where; its consumer points are spent.")]


def set_auto_redemption(  # noqa: PLR0917 - typer calls it by name
    key: KeyOption,
    organization: AtOption,
    reward: Annotated[str, typer.Option("--reward", help="For example harbour-mall/mug.")],
    threshold: Annotated[int, typer.Option("--threshold", min=1, help="Points that must be there; the highest price.")],
    per_day: Annotated[int, typer.Option("--per-day", min=1, max=10, help="How often in a day at most.")] = 1,
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="How long the order holds.")] = 365,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a reward redeemed by itself whenever a purchase has brought enough points.

    \b
    jifen tx set-auto-redemption --key alice.key --organization harbour-mall --reward harbour-mall/mug --threshold 100
    """
    from jifen.client.transactions import clock_ms

    pair = open_key(key)
    until = clock_ms() + days * DAY_MS
    submission = submit_built(
        lambda builder: builder.set_auto_redemption(
            pair, organization=organization, reward=reward, threshold=threshold, per_day=per_day, until=until
        ),
        home,
        url,
    )
    print_submission(submission, as_json)


def cancel_auto_redemption(
    key: Annotated[Path, typer.Option("--key", help="Key file that signs.")],
    organization: AtOption,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a standing order back.

    \b
    jifen tx cancel-auto-redemption --key alice.key --organization harbour-mall
    """

    pair = open_key(key)
    submission = submit_built(
        lambda builder: builder.cancel_auto_redemption(pair, organization=organization), home, url
    )
    print_submission(submission, as_json)


def show_standing_order(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Member's account; begins with jf1.")],
    organization: OrganizationArgument,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a member has asked to be redeemed after purchases at an organization.

    \b
    jifen tiers standing-order jf1... harbour-mall
    """
    found = asked(lambda client: client.standing_order(account, organization), home, url)
    if as_json:
        print_json(found)
    elif found is None:
        typer.echo("no standing order")
    else:
        typer.echo(f"reward       {found.reward}, {found.per_day} a day at most")
        typer.echo(f"threshold    {found.threshold:,} points of {organization}/consumer")
        typer.echo(f"until        {found.until:%Y-%m-%d %H:%M} UTC")
