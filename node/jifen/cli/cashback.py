"""`jifen cashback`: money in place of points."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, asked, open_key, print_json
from jifen.cli.terms import IssuerOption, operator_of
from jifen.cli.transactions import KeyOption, print_submission, submit_built

if TYPE_CHECKING:
    from jifen.client.rewards import CashbackPolicy

app = typer.Typer(help="Ask an issuer for money, and answer.", rich_markup_mode=None, no_args_is_help=True)

TypeArgument = Annotated[str, typer.Argument(metavar="POINT_TYPE", help="For example north-music/consumer.")]
NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Number of the request.")]


@app.command("set-policy")
def set_policy(  # noqa: PLR0917 - typer calls it by name
    point_type: TypeArgument,
    data: IssuerOption,
    price: Annotated[str, typer.Option("--price", help="POINTS:FEN, for example 10:1 for a fen for ten points.")],
    day_points: Annotated[int, typer.Option("--day", min=0, help="Most points of a member in a day; 0: pay nothing.")],
    month_points: Annotated[int, typer.Option("--month", min=0, help="Most points of a member in a month.")],
    minimum_points: Annotated[int, typer.Option("--minimum", min=0, help="Fewest points of a request.")] = 0,
    due_days: Annotated[int, typer.Option("--due-days", min=1, help="After these it is overdue.")] = 14,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what an issuer pays for points; its terms must say `cashable` too.

    \b
    jifen cashback set-policy north-music/consumer --data .jifen/north-music --price 10:1 --day 5000 --month 20000
    """
    from jifen.cli.failures import UsageFault
    from jifen.ledger.points.positions import Rate

    points, _, fen = price.partition(":")
    if not (points.isdecimal() and fen.isdecimal()):
        raise UsageFault(f"--price {price} is no price; write POINTS:FEN, for example 10:1")
    administrator = operator_of(data)
    submission = submit_built(
        lambda builder: builder.set_cashback_policy(
            administrator,
            point_type=point_type,
            price=Rate(int(points), int(fen)),
            minimum_points=minimum_points,
            day_points=day_points,
            month_points=month_points,
            due_days=due_days,
        ),
        home,
        url,
    )
    print_submission(submission, as_json)


@app.command("request")
def request(  # noqa: PLR0917 - typer calls it by name
    point_type: TypeArgument,
    key: KeyOption,
    points: Annotated[int, typer.Option("--points", min=1, help="Self-earned points to give.")],
    amount_fen: Annotated[
        int | None, typer.Option("--amount-fen", min=1, help="What you expect; what the policy pays when left out.")
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the issuer for money in place of points that you have earned yourself.

    \b
    jifen cashback request north-music/consumer --key alice.key --points 500
    """

    pair = open_key(key)
    amount = amount_fen or _paid_for(_policy(point_type, home, url), points)
    submission = submit_built(
        lambda builder: builder.request_cashback(pair, point_type=point_type, points=points, amount_fen=amount),
        home,
        url,
    )
    print_submission(submission, as_json, amountFen=str(amount))


@app.command("confirm")
def confirm(  # noqa: PLR0917 - typer calls it by name
    point_type: TypeArgument,
    number: NumberArgument,
    data: IssuerOption,
    reference: Annotated[str, typer.Option("--reference", help="The bank's reference; only its hash is sent.")],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a request was paid.

    \b
    jifen cashback confirm north-music/consumer 7 --data .jifen/north-music --reference 2027010112345678
    """
    from hashlib import sha256

    treasurer, digest = operator_of(data), sha256(reference.encode()).digest()
    submission = submit_built(
        lambda builder: builder.confirm_cashback(
            treasurer, point_type=point_type, number=number, reference_hash=digest
        ),
        home,
        url,
    )
    print_submission(submission, as_json)


@app.command("reject")
def reject(  # noqa: PLR0917 - typer calls it by name
    point_type: TypeArgument,
    number: NumberArgument,
    data: IssuerOption,
    reason: Annotated[str, typer.Option("--reason", help="Told to the member, for ever on the ledger.")],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a request will not be paid, and give the points back.

    \b
    jifen cashback reject north-music/consumer 7 --data .jifen/north-music --reason "the account does not exist"
    """
    treasurer = operator_of(data)
    submission = submit_built(
        lambda builder: builder.reject_cashback(treasurer, point_type=point_type, number=number, reason=reason),
        home,
        url,
    )
    print_submission(submission, as_json)


@app.command("list")
def list_cashbacks(  # noqa: PLR0917 - typer calls it by name
    account: Annotated[str | None, typer.Option("--account", help="Of this member; begins with jf1.")] = None,
    issuer: Annotated[str | None, typer.Option("--issuer", help="To this issuer.")] = None,
    unpaid: Annotated[bool, typer.Option("--unpaid", help="Only what the issuer has not answered.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what the issuer should have paid by now.")] = False,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a member's requests, or those to an issuer.

    \b
    jifen cashback list --account jf1...
    jifen cashback list --issuer north-music --overdue
    """
    from jifen.cli.failures import UsageFault

    if (account is None) == (issuer is None) or (account is not None and (unpaid or overdue)):
        raise UsageFault("name either --account, or --issuer and perhaps --unpaid or --overdue")
    if account is not None:
        found = asked(lambda client: client.account_cashbacks(account), home, url)
    elif unpaid or overdue:
        found = asked(lambda client: client.unpaid_cashbacks(str(issuer), overdue=overdue), home, url)
    else:
        found = asked(lambda client: client.issuer_cashbacks(str(issuer)), home, url)
    if as_json:
        print_json(found)
        return
    for item in found:
        late = "  OVERDUE" if item.overdue else ""
        typer.echo(
            f"{item.point_type} {item.number}  {item.status.lower()}  {item.amount_fen:,} fen for {item.points:,} "
            f"points  due {item.due_at:%Y-%m-%d %H:%M} UTC{late}  {item.account}"
        )
    if not found:
        typer.echo("no cash back was asked for")


def _policy(point_type: str, home: Path | None, url: list[str] | None) -> "CashbackPolicy":
    from jifen.cli.failures import CommandFailed

    found = asked(lambda client: client.cashback_policy(point_type), home, url)
    if found is None:
        raise CommandFailed(f"the issuer pays nothing for {point_type}")
    return found


def _paid_for(policy: "CashbackPolicy", points: int) -> int:
    from jifen.cli.failures import CommandFailed

    amount = points * policy.rate.fen // policy.rate.points
    if not amount:
        raise CommandFailed(f"{points} points are worth less than a fen: ask for more")
    return amount
