"""`jifen bonuses`, and the transactions by which an organization gives and corrects points by hand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, asked, print_json, require_organization
from jifen.cli.tiers import OrganizationArgument, OwnerOption, operator_of, read_json, valid
from jifen.cli.transactions import print_submission, submit_built

if TYPE_CHECKING:
    from enum import IntEnum

    from jifen.keys.signing import KeyPair

app = typer.Typer(help="Show the limits of bonuses.", rich_markup_mode=None, no_args_is_help=True)

AccountOption = Annotated[str, typer.Option("--account", help="Member's account; begins with jf1.")]
PointsOption = Annotated[int, typer.Option("--points", min=1, help="How many.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="A sentence, public for ever: name no person.")]
PointTypeOption = Annotated[
    str | None, typer.Option("--point-type", help="The issuer's consumer points when left out.")
]
OthersOption = Annotated[
    list[Path] | None, typer.Option("--with", help="Key file of another operator who signs too; repeatable.")
]


@app.command("limits")
def show_limits(
    organization: OrganizationArgument,
    clerk: Annotated[
        str | None, typer.Option("--clerk", help="Public key of an operator: show what it has done today.")
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the limits within which an organization's operators grant and adjust, or what one has done today.

    \b
    jifen bonuses limits harbour-mall --clerk 5f2c...
    """
    require_organization(organization, home, url)
    if clerk is not None:
        key = valid(lambda: bytes.fromhex(clerk), "--clerk")
        day = asked(lambda client: client.clerk_day(organization, key), home, url)
        if as_json:
            print_json(day)
            return
        typer.echo(f"today        {day.points:,} points, {day.goodwill} goodwill grants")
        typer.echo(f"left         {day.points_left:,} points, {day.goodwill_left} goodwill grants")
        return
    found = asked(lambda client: client.bonus_policy(organization), home, url)
    if as_json:
        print_json(found)
        return
    budget = "none" if found.budget is None else f"{found.budget:,}"
    typer.echo(f"policy       {f'version {found.version}' if found.version else 'the defaults'}")
    typer.echo(f"a bonus      {found.grant_max:,} points; two operators above {found.two_operators_above:,}")
    typer.echo(f"a day        {found.clerk_points_per_day:,} points, {found.clerk_goodwill_per_day} goodwill grants")
    typer.echo(f"budget       {budget}; {found.granted:,} granted")
    for account in found.staff:
        typer.echo(f"staff        {account}")


def set_bonus_policy(
    data: OwnerOption,
    policy: Annotated[
        Path, typer.Option("--policy", help="JSON file in the form of `jifen bonuses limits --json`; - reads stdin.")
    ],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set the limits for bonuses and adjustments; what the file does not mention is as without a policy.

    \b
    jifen tx set-bonus-policy --data .jifen/harbour-mall --policy policy.json
    with, for example, {"clerkGoodwillPerDay": 3, "staff": ["jf1..."]} in policy.json
    """
    from jifen import config
    from jifen.client.bonuses import BonusPolicy

    owner = config.read_config(data).organization
    wanted = read_json(policy, BonusPolicy, "--policy")
    before = asked(lambda client: client.bonus_policy(owner), home, url)
    ledger = valid(lambda: wanted.to_ledger(before.version + 1), "--policy")
    operator = operator_of(data)
    submission = submit_built(
        lambda builder: builder.set_bonus_policy(operator, organization=owner, policy=ledger), home, url
    )
    print_submission(submission, as_json, version=str(ledger.version))


def grant(  # noqa: PLR0913, PLR0917 - typer calls it by name
    data: OwnerOption,
    account: AccountOption,
    points: PointsOption,
    cause: Annotated[str, typer.Option("--cause", help="welcome, event, special or goodwill.")],
    key: Annotated[str, typer.Option("--cause-key", help="Makes it unique: birthday-2027, a complaint's number.")],
    reason: ReasonOption,
    holder: Annotated[str | None, typer.Option("--holder", help="Who held the event, if not the issuer.")] = None,
    point_type: PointTypeOption = None,
    others: OthersOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a member points for something else than a purchase, once for every cause.

    \b
    jifen tx grant --data .jifen/tea-house --account jf1... --points 50 --cause goodwill --cause-key C-17 \\
      --reason "cold tea"
    """
    from jifen import config
    from jifen.codec.addresses import decode_account
    from jifen.ledger.bonuses.records import BonusCause

    issuer = config.read_config(data).organization
    member = decode_account(account)
    why = BonusCause(_named(BonusCause, cause, "--cause"))
    clerk, seconds = operator_of(data), _keys(others)
    submission = submit_built(
        lambda builder: builder.grant_bonus(
            clerk,
            *seconds,
            issuer=issuer,
            account=member,
            point_type=point_type or f"{issuer}/consumer",
            points=points,
            cause=why,
            cause_key=key,
            reason=reason,
            holder=holder,
        ),
        home,
        url,
    )
    print_submission(submission, as_json)


def adjust(  # noqa: PLR0913, PLR0917 - typer calls it by name
    data: OwnerOption,
    account: AccountOption,
    points: PointsOption,
    direction: Annotated[str, typer.Option("--direction", help="credit or debit.")],
    key: Annotated[str, typer.Option("--cause-key", help="Your own number of the adjustment: made once, ever.")],
    code: Annotated[str, typer.Option("--code", help="correction, misuse, migration or legal-order.")],
    reason: ReasonOption,
    may_owe: Annotated[
        bool, typer.Option("--may-owe", help="Let a debit take more than there is; it is owed.")
    ] = False,
    point_type: PointTypeOption = None,
    others: OthersOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Correct a member's points of the organization's own.

    \b
    jifen tx adjust --data .jifen/tea-house --account jf1... --points 50 --direction debit --cause-key X-3 \\
      --code correction --reason "booked twice"
    """
    from jifen import config
    from jifen.codec.addresses import decode_account
    from jifen.ledger.bonuses.records import AdjustmentReason, Direction

    issuer = config.read_config(data).organization
    member = decode_account(account)
    way = Direction(_named(Direction, direction, "--direction"))
    why = AdjustmentReason(_named(AdjustmentReason, code, "--code"))
    clerk, seconds = operator_of(data), _keys(others)
    submission = submit_built(
        lambda builder: builder.adjust_points(
            clerk,
            *seconds,
            issuer=issuer,
            account=member,
            point_type=point_type or f"{issuer}/consumer",
            direction=way,
            points=points,
            cause_key=key,
            reason_code=why,
            reason=reason,
            may_owe=may_owe,
        ),
        home,
        url,
    )
    print_submission(submission, as_json)


def _named(kind: "type[IntEnum]", name: str, option: str) -> int:
    from jifen.cli.failures import UsageFault

    member = kind.__members__.get(name.upper().replace("-", "_"))
    if member is None:
        known = ", ".join(item.lower().replace("_", "-") for item in kind.__members__)
        raise UsageFault(f"{option} {name} does not exist; choose one of {known}")
    return int(member)


def _keys(paths: list[Path] | None) -> "list[KeyPair]":
    from jifen.cli.options import open_key

    return [open_key(path, path.absolute().parent.parent, path.parent) for path in paths or ()]
