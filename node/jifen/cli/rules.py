"""`jifen rules`, and the transactions by which issuers and malls say what purchases earn."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, asked, print_json
from jifen.cli.terms import time_of
from jifen.cli.tiers import operator_of, read_json, valid
from jifen.cli.transactions import print_submission, submit_built

if TYPE_CHECKING:
    from jifen.client.rules import CalculatedLeg, EarningArithmetic, EarningRule, OrderLine
    from jifen.ledger.types import RoleClass

app = typer.Typer(help="Show what purchases earn.", rich_markup_mode=None, no_args_is_help=True)

OwnerOption = Annotated[
    Path, typer.Option("--data", envvar="JIFEN_DATA", help="Organization's data directory, whose operator key signs.")
]
OthersOption = Annotated[
    list[Path] | None,
    typer.Option("--with", help="Data directory of another organization that signs too; repeatable."),
]
TypeOption = Annotated[
    str | None, typer.Option("--point-type", help="The organization's consumer points when left out.")
]
FromOption = Annotated[
    str | None, typer.Option("--from", help="Block time from which it holds, like 2027-01-01T00:00:00+08:00.")
]
ItemOption = Annotated[
    list[str] | None, typer.Option("--item", help="Line of the order as category:item:fen; repeatable.")
]
RoleOption = Annotated[
    list[str] | None,
    typer.Option("--role", help="Who else earns, as guide=jf1..., store=jf1... or distributor=jf1...; repeatable."),
]


@app.command("show")
def show(
    point_type: Annotated[str, typer.Argument(metavar="ID", help="For example north-music/consumer.")],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the earning rule of a point type that holds, the one to come, and its campaigns.

    \b
    jifen rules show north-music/consumer --json
    """
    from jifen.cli.failures import CommandFailed

    found = asked(lambda client: client.earning_rules(point_type), home, url)
    if found is None:
        raise CommandFailed(f"there is no point type {point_type}; see `jifen point-types list`")
    if as_json:
        print_json(found)
        return
    _print_rule("in force", found.current)
    if found.scheduled is not None:
        _print_rule("to come", found.scheduled)
    for campaign in found.campaigns:
        factor = f"{campaign.multiplier.numerator}/{campaign.multiplier.denominator}"
        left = "" if campaign.given is None else f"  {campaign.given} of {campaign.budget} points given"
        typer.echo(f"campaign     {campaign.id} x{factor} until {campaign.ends_at:%Y-%m-%d %H:%M:%S} UTC{left}")


@app.command("policy")
def show_policy(
    mall: Annotated[str, typer.Argument(metavar="MALL", help="Id of a mall.")],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the merchants under a mall may promise.

    \b
    jifen rules policy harbour-mall
    """
    from jifen.cli.failures import CommandFailed

    found = asked(lambda client: client.earning_policy(mall), home, url)
    if found is None:
        raise CommandFailed(f"{mall} has set no policy")
    if as_json:
        print_json(found)
        return
    typer.echo(f"version      {found.version}")
    typer.echo(f"merchants    {', '.join(found.merchants) or 'none'}")
    typer.echo(f"co-signs     {'yes' if found.signature_required else 'no'}")
    if found.highest_rate is not None:
        typer.echo(f"at most      {_points(found.highest_rate.points)} for {found.highest_rate.per_fen} fen")
    typer.echo(f"factor       {found.highest_factor.numerator}/{found.highest_factor.denominator} at most")


@app.command("calculate")
def calculate(  # noqa: PLR0917 - typer calls it by name
    merchant: Annotated[str, typer.Option("--merchant", help="Id of the merchant.")],
    account: Annotated[str, typer.Option("--account", help="Member's account; begins with jf1.")],
    amount_fen: Annotated[int, typer.Option("--amount-fen", min=0, help="What the order comes to, in fen.")],
    point_type: TypeOption = None,
    item: ItemOption = None,
    role: RoleOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a purchase would earn, with its arithmetic; nothing is written.

    \b
    jifen rules calculate --merchant north-music --account jf1... --amount-fen 12800 --item tea:oolong:2800
    """
    from jifen.client import Refused

    lines, roles = lines_of(item), roles_of(role)
    found = asked(
        lambda client: client.calculate_points(
            merchant=merchant,
            account=account,
            amount_fen=amount_fen,
            point_type=point_type,
            items=lines,
            roles=roles,
        ),
        home,
        url,
    )
    if as_json:
        print_json(found)
        return
    if found.rejection is not None:
        raise Refused("REJECTED", f"{found.rejection}: {found.reason}")
    for leg in found.legs:
        _print_leg(leg)


def publish_rule(  # noqa: PLR0917 - typer calls it by name
    data: OwnerOption,
    rule: Annotated[
        Path,
        typer.Option("--rule", help="JSON file in the form of `current` in `jifen rules show --json`; - is stdin."),
    ],
    point_type: TypeOption = None,
    effective: FromOption = None,
    until: Annotated[str | None, typer.Option("--until", help="Block time from which it earns nothing.")] = None,
    others: OthersOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish the next version of a point type's earning rule.

    \b
    jifen tx publish-rule --data .jifen/north-music --rule rule.json
    with, for example, {"brackets": [{"points": 1, "perFen": 100}, {"fromFen": 100000, "points": 2, "perFen": 100}]}
    """
    from jifen import config
    from jifen.cli.failures import CommandFailed
    from jifen.client.rules import EarningRule

    issuer = config.read_config(data).organization
    name = point_type or f"{issuer}/consumer"
    wanted = read_json(rule, EarningRule, "--rule")
    book = asked(lambda client: client.earning_rules(name), home, url)
    if book is None:
        raise CommandFailed(f"there is no point type {name}; see `jifen point-types list`")
    times = (time_of(effective), time_of(until))
    ledger = valid(lambda: wanted.to_ledger(book.newest_version + 1, *times), "--rule")
    administrator, more = operator_of(data), [operator_of(path) for path in others or ()]
    submission = submit_built(
        lambda builder: builder.publish_earning_rule(administrator, *more, issuer=issuer, point_type=name, rule=ledger),
        home,
        url,
    )
    print_submission(submission, as_json, version=str(ledger.version))


def publish_campaign(  # noqa: PLR0913, PLR0917 - typer calls it by name
    data: OwnerOption,
    campaign: Annotated[str, typer.Option("--campaign", help="Its id: never used before for the point type.")],
    multiplier: Annotated[str, typer.Option("--multiplier", help="Like 2 or 3/2.")],
    until: Annotated[str, typer.Option("--until", help="Block time at which it ends, like 2027-01-01T00:00:00+08:00.")],
    limits: Annotated[
        Path | None,
        typer.Option(
            "--limits",
            help='JSON like {"budget": 100, "memberCap": 50, "regions": ["Beijing"], "industries": []}; - is stdin.',
        ),
    ] = None,
    effective: FromOption = None,
    point_type: TypeOption = None,
    others: OthersOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish a campaign: what purchases earn is multiplied for a time.

    \b
    jifen tx publish-campaign --data .jifen/north-music --campaign opening --multiplier 2 --limits limits.json
        --until 2027-01-01T00:00:00+08:00
    """
    from jifen import config
    from jifen.client.rules import CampaignLimits, unlimited
    from jifen.ledger.rules.records import Campaign

    issuer = config.read_config(data).organization
    name = point_type or f"{issuer}/consumer"
    bounds = CampaignLimits() if limits is None else read_json(limits, CampaignLimits, "--limits")
    ledger = Campaign(
        campaign,
        *valid(lambda: _ratio(multiplier), "--multiplier"),
        time_of(effective),
        time_of(until),
        unlimited(bounds.budget),
        unlimited(bounds.member_cap),
        tuple(sorted(bounds.regions)),
        tuple(sorted(bounds.industries)),
    )
    administrator, more = operator_of(data), [operator_of(path) for path in others or ()]
    submission = submit_built(
        lambda builder: builder.publish_campaign(administrator, *more, issuer=issuer, point_type=name, campaign=ledger),
        home,
        url,
    )
    print_submission(submission, as_json, campaign=campaign)


def end_campaign(
    data: OwnerOption,
    campaign: Annotated[str, typer.Option("--campaign", help="Its id.")],
    point_type: TypeOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a campaign before its time. What it has given stays.

    \b
    jifen tx end-campaign --data .jifen/north-music --campaign opening
    """
    from jifen import config

    issuer = config.read_config(data).organization
    name, administrator = point_type or f"{issuer}/consumer", operator_of(data)
    submission = submit_built(
        lambda builder: builder.end_campaign(administrator, issuer=issuer, point_type=name, campaign=campaign),
        home,
        url,
    )
    print_submission(submission, as_json)


def set_earning_policy(
    data: OwnerOption,
    policy: Annotated[
        Path, typer.Option("--policy", help="JSON file in the form of `jifen rules policy --json`; - is stdin.")
    ],
    others: OthersOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the merchants under a mall may promise; every merchant that comes under it signs too.

    \b
    jifen tx set-earning-policy --data .jifen/harbour-mall --policy policy.json --with .jifen/north-music
    with, for example, {"merchants": ["north-music"], "signatureRequired": true, "highestFactor": {"numerator": 5}}
    """
    from jifen import config
    from jifen.client.rules import EarningPolicy

    mall = config.read_config(data).organization
    wanted = read_json(policy, EarningPolicy, "--policy")
    before = asked(lambda client: client.earning_policy(mall), home, url)
    ledger = valid(lambda: wanted.to_ledger(before.version + 1 if before else 1), "--policy")
    administrator, more = operator_of(data), [operator_of(path) for path in others or ()]
    submission = submit_built(
        lambda builder: builder.set_earning_policy(administrator, *more, mall=mall, policy=ledger), home, url
    )
    print_submission(submission, as_json, version=str(ledger.version))


def set_tags(
    data: OwnerOption,
    region: Annotated[list[str] | None, typer.Option("--region", help="Repeatable.")] = None,
    industry: Annotated[list[str] | None, typer.Option("--industry", help="Repeatable.")] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say in which regions and industries an organization does business; what is left out is taken off.

    \b
    jifen tx set-tags --data .jifen/north-music --region Beijing --industry music
    """
    from jifen import config

    organization, administrator = config.read_config(data).organization, operator_of(data)
    submission = submit_built(
        lambda builder: builder.set_organization_tags(
            administrator, organization=organization, regions=region or (), industries=industry or ()
        ),
        home,
        url,
    )
    print_submission(submission, as_json)


def lines_of(texts: list[str] | None) -> "list[OrderLine]":
    """Return lines of an order from `category:item:fen`; raises UsageFault."""
    return [valid(lambda text=text: _line(text), "--item") for text in texts or ()]  # type: ignore[misc]


def roles_of(texts: list[str] | None) -> "dict[RoleClass, str]":
    """Return accounts by role from `role=account`; raises UsageFault."""
    return dict(valid(lambda text=text: _role(text), "--role") for text in texts or ())  # type: ignore[misc]


def _role(text: str) -> "tuple[RoleClass, str]":
    from jifen.ledger.types import RoleClass

    name, _, account = text.partition("=")
    if name not in {"guide", "store", "distributor"} or not account:
        raise ValueError(f"{text}: write guide=jf1..., store=jf1... or distributor=jf1...")
    return RoleClass[name.upper()], account


def _line(text: str) -> "OrderLine":
    from jifen.client.rules import OrderLine

    parts = text.split(":")
    if len(parts) != 3 or not parts[2].isdecimal():
        raise ValueError(f"{text}: write category:item:fen; category and item may be empty")
    return OrderLine(int(parts[2]), parts[0], parts[1])


def _ratio(text: str) -> tuple[int, int]:
    numerator, _, denominator = text.partition("/")
    if not numerator.isdecimal() or not (denominator or "1").isdecimal() or not int(denominator or "1"):
        raise ValueError(f"{text}: write a number like 2, or a fraction like 3/2")
    return int(numerator), int(denominator or "1")


def _points(number: int) -> str:
    return f"{number:,} {'point' if number == 1 else 'points'}"


def _print_rule(title: str, rule: "EarningRule") -> None:
    typer.echo(f"{title:<12} version {rule.version}, {rule.mode}, {rule.basis}, {rule.rounding}")
    for bracket in rule.brackets:
        typer.echo(f"  from {bracket.from_fen} fen: {_points(bracket.points)} for {bracket.per_fen} fen")
    for item in rule.items:
        what = " ".join(name for name in (item.category, item.item) if name)
        typer.echo(f"  {what}: {_points(item.points)} for {item.per_fen} fen")
    for tier in rule.coefficients:
        typer.echo(f"  tier {tier.tier}: x{tier.numerator}/{tier.denominator}")
    if rule.budget is not None:
        typer.echo(f"  {rule.given} of {rule.budget} points given")


def _print_leg(leg: "CalculatedLeg") -> None:
    typer.echo(f"{leg.account}  {leg.points} points of {leg.point_type}, rule version {leg.rule_version}")
    if leg.arithmetic is not None:
        _print_arithmetic(leg.arithmetic)


def _print_arithmetic(found: "EarningArithmetic") -> None:
    if not found.holds:
        typer.echo("  the rule does not hold here or now")
        return
    if found.visit_points:
        typer.echo(f"  visit: {found.visit_points}")
    for line in found.items:
        typer.echo(f"  {line.amount_fen} fen x {line.points}/{line.per_fen} by item rule {line.item_rule}")
    for step in found.brackets:
        typer.echo(f"  {step.amount_fen} fen x {step.points}/{step.per_fen} from {step.from_fen} fen on")
    for campaign in found.campaigns:
        factor = f"{campaign.multiplier.numerator}/{campaign.multiplier.denominator}"
        typer.echo(f"  campaign {campaign.campaign} x{factor}: {campaign.points} of its budget")
    tier = f"tier {found.tier}, " if found.tier else ""
    factor = f"{found.factor.numerator}/{found.factor.denominator}"
    typer.echo(f"  {tier}factor {factor}, {found.rounding}: {found.computed}")
