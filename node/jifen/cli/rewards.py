"""`jifen reward`: what members see of rewards, and what organizations do with them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, asked, open_key, print_json, require_organization
from jifen.cli.telling import effects_of
from jifen.cli.terms import IssuerOption, operator_of
from jifen.cli.transactions import KeyOption, print_submission, submit_built

if TYPE_CHECKING:
    from jifen.client.rewards import Redemption, Reward, RewardDraft

app = typer.Typer(help="Look at rewards, redeem them, hand them over.", rich_markup_mode=None, no_args_is_help=True)

RewardArgument = Annotated[str, typer.Argument(metavar="ID", help="For example north-music/mug.")]
NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Number of the redemption.")]
OwnerOption = Annotated[
    Path, typer.Option("--data", envvar="JIFEN_DATA", help="Organization's data directory, whose operator key signs.")
]
AccountOption = Annotated[str | None, typer.Option("--account", help="For this member; begins with jf1.")]


@app.command("list")
def list_rewards(
    organization: Annotated[str, typer.Argument(metavar="ORGANIZATION")],
    account: AccountOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an organization's rewards: what is left and what they cost, perhaps for one member.

    \b
    jifen reward list north-music --account jf1...
    """
    found = asked(lambda client: client.rewards(organization, account=account), home, url)
    if not found:
        require_organization(organization, home, url)
    if as_json:
        print_json(found)
        return
    for reward in found:
        _print_reward(reward)
    if not found:
        typer.echo("no rewards")


@app.command("publish")
def publish(  # noqa: PLR0917 - typer calls it by name
    reward: RewardArgument,
    data: IssuerOption,
    file: Annotated[
        Path, typer.Option("--file", help="JSON: name, prices, and what else is to be said; - reads standard input.")
    ],
    stock: Annotated[int, typer.Option("--stock", min=0, help="Units to put in stock with it.")] = 0,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish a reward, or its next version.

    \b
    jifen reward publish north-music/mug --data .jifen/north-music --file mug.json --stock 20
    with, for example, {"name": "Mug", "holdMinutes": 1440, "prices":
      [{"pointType": "north-music/consumer", "points": 100},
       {"pointType": "north-music/consumer", "points": 80, "tier": "gold"}]} in mug.json
    It may also say opensAt, closesAt and memberLimit; of a price in points of another issuer the rate, with points and
    fen, at which they are taken in; and of a reward that is a code hasCodes, which is then true for good: its stock are
    the codes of `jifen reward add-codes`.
    """
    details = _draft(file).to_ledger()
    operator = operator_of(data)
    known = asked(lambda client: client.reward(reward), home, url)
    version = known.version + 1 if known else 1
    submission = submit_built(
        lambda builder: builder.publish_reward(operator, reward=reward, version=version, details=details, stock=stock),
        home,
        url,
    )
    print_submission(submission, as_json, version=str(version))


@app.command("add-codes")
def add_codes(  # noqa: PLR0917 - typer calls it by name
    reward: RewardArgument,
    data: IssuerOption,
    codes: Annotated[Path, typer.Option("--codes", help="File of codes, one a line, at most 100.")],
    keep: Annotated[Path, typer.Option("--keep", help="New file for codes, salts and commitments: keep it secret.")],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put codes in stock. Only hashes leave this machine; the file of --keep is what winners are given from.

    \b
    jifen reward add-codes north-music/ticket --data .jifen/north-music --codes codes.txt --keep secrets.tsv
    """
    from jifen.cli.failures import CommandFailed, UsageFault
    from jifen.client.rewards import committed_code

    if not _reward(reward, home, url).has_codes:
        raise UsageFault(
            f"{reward} has no codes: say hasCodes of it from its first version on; `reward restock` adds units"
        )
    try:
        lines = [line.strip() for line in codes.read_text().splitlines() if line.strip()]
        made = [committed_code(reward, line) for line in lines]
    except OSError as error:
        raise CommandFailed(f"{codes} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageFault(f"--codes {codes}: {error}") from None
    operator = operator_of(data)
    try:
        # Kept before they are sent: a commitment whose code is lost is a reward that nobody can be given.
        with keep.open("x") as kept:
            keep.chmod(0o600)
            kept.writelines(f"{item.code}\t{item.salt.hex()}\t{item.commitment.hex()}\n" for item in made)
    except FileExistsError:
        raise CommandFailed(f"{keep} exists; name a new file, or codes kept in it would be lost") from None
    except OSError as error:
        raise CommandFailed(f"{keep} cannot be written: {error.strerror}") from None
    submission = submit_built(
        lambda builder: builder.add_reward_codes(
            operator, reward=reward, commitments=[item.commitment for item in made]
        ),
        home,
        url,
    )
    print_submission(submission, as_json, codes=str(len(made)))


@app.command("restock")
def restock(
    reward: RewardArgument,
    data: IssuerOption,
    units: Annotated[int, typer.Option("--units", min=1, help="How many more there are.")],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put units of a reward in stock.

    \b
    jifen reward restock north-music/mug --data .jifen/north-music --units 10
    """
    operator = operator_of(data)
    submission = submit_built(lambda builder: builder.restock_reward(operator, reward=reward, units=units), home, url)
    print_submission(submission, as_json)


@app.command("withdraw")
def withdraw(
    reward: RewardArgument,
    data: IssuerOption,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let nobody redeem a reward any more, until its next version is published.

    \b
    jifen reward withdraw north-music/mug --data .jifen/north-music
    """
    operator = operator_of(data)
    submission = submit_built(lambda builder: builder.withdraw_reward(operator, reward=reward), home, url)
    print_submission(submission, as_json)


@app.command("redeem")
def redeem(  # noqa: PLR0917 - typer calls it by name
    reward: RewardArgument,
    key: KeyOption,
    point_type: Annotated[str, typer.Option("--point-type", help="What to pay with.")],
    points: Annotated[int, typer.Option("--points", min=1, help="The price you have seen; at another it is not done.")],
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="The version you have seen; the present one when left out.")
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a reward for points.

    \b
    jifen reward redeem north-music/mug --key alice.key --point-type north-music/consumer --points 100
    """

    pair = open_key(key)
    seen = _reward(reward, home, url).version if version is None else version
    submission = submit_built(
        lambda builder: builder.redeem_reward(pair, reward=reward, version=seen, point_type=point_type, points=points),
        home,
        url,
    )
    told = [] if as_json else effects_of(submission, home, url)
    numbers = [str(effect["redemptionNumber"]) for effect in told if "redemptionNumber" in effect]
    print_submission(submission, as_json, **({"redemption": numbers[0]} if numbers else {}))


@app.command("fulfil")
def fulfil(
    reward: RewardArgument,
    number: NumberArgument,
    data: OwnerOption,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a reward was handed over: its points are gone then. Hand codes over after this, not before.

    \b
    jifen reward fulfil north-music/mug 7 --data .jifen/north-music
    """
    operator = operator_of(data)
    submission = submit_built(
        lambda builder: builder.fulfil_redemption(operator, reward=reward, number=number), home, url
    )
    print_submission(submission, as_json)


@app.command("cancel")
def cancel(  # noqa: PLR0917 - typer calls it by name
    reward: RewardArgument,
    number: NumberArgument,
    data: OwnerOption,
    reason: Annotated[str, typer.Option("--reason", help="Told to the member, for ever on the ledger.")],
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give the points of a redemption back that was not handed over.

    \b
    jifen reward cancel north-music/mug 7 --data .jifen/north-music --reason "the last one broke"
    """
    operator = operator_of(data)
    submission = submit_built(
        lambda builder: builder.cancel_redemption(operator, reward=reward, number=number, reason=reason), home, url
    )
    print_submission(submission, as_json)


@app.command("redemptions")
def redemptions(
    account: AccountOption = None,
    organization: Annotated[str | None, typer.Option("--organization", help="Of this organization's rewards.")] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a member has redeemed, or what was redeemed at an organization.

    \b
    jifen reward redemptions --account jf1...
    jifen reward redemptions --organization north-music
    """
    from jifen.cli.failures import UsageFault

    if (account is None) == (organization is None):
        raise UsageFault("name either --account or --organization")
    if account is not None:
        found = asked(lambda client: client.account_redemptions(account), home, url)
    else:
        found = asked(lambda client: client.organization_redemptions(str(organization)), home, url)
    if as_json:
        print_json(found)
        return
    for item in found:
        _print_redemption(item)
    if not found:
        typer.echo("nothing was redeemed")


@app.command("check-code")
def check_code(
    reward: RewardArgument,
    number: NumberArgument,
    code: Annotated[str, typer.Option("--code", help="The code you were given.")],
    salt: Annotated[str, typer.Option("--salt", help="The salt you were given with it: 32 hexadecimal digits.")],
    home: HomeOption = None,
    url: UrlOption = None,
) -> None:
    """Check that a code is the one that your redemption got, before you rely on it. The code stays on this machine.

    \b
    jifen reward check-code north-music/ticket 7 --code ABC-123 --salt 00112233445566778899aabbccddeeff
    """
    from jifen.cli.failures import CommandFailed, UsageFault

    found = asked(lambda client: client.redemption(reward, number), home, url)
    if found is None:
        raise CommandFailed(f"{reward} has no redemption {number}; see `jifen reward redemptions`")
    if found.commitment is None:
        raise CommandFailed(f"{reward} gives no codes")
    try:
        right = found.is_code_of(bytes.fromhex(salt), code)
    except ValueError as error:
        raise UsageFault(f"--code and --salt: {error}") from None
    if not right:
        raise CommandFailed(f"this is not the code of redemption {number}: ask {reward.partition('/')[0]} for yours")
    typer.echo(f"this is the code of redemption {number} of {reward}")


def _reward(reward: str, home: Path | None, url: list[str] | None) -> "Reward":
    from jifen.cli.failures import CommandFailed

    found = asked(lambda client: client.reward(reward), home, url)
    if found is None:
        raise CommandFailed(f"there is no reward {reward}; see `jifen reward list {reward.partition('/')[0]}`")
    return found


def _draft(path: Path) -> "RewardDraft":
    from jifen.cli.failures import CommandFailed, UsageFault
    from jifen.client.rewards import draft_of

    try:
        return draft_of(sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes())
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageFault(f"--file {path}: {error}") from None


def _print_reward(reward: "Reward") -> None:
    state = "open" if reward.open else "withdrawn" if reward.withdrawn else "closed"
    typer.echo(f"{reward.id:<44} version {reward.version}  {reward.stock:,} left  {state}  {reward.name}")
    prices = reward.prices if reward.member is None else reward.member.prices
    for price in prices:
        tier = f"  tier {price.tier}" if price.tier else ""
        enough = "" if reward.member is None or price.point_type in reward.member.affordable else "  not enough points"
        refused = "" if price.accepted else "  not accepted at present"
        typer.echo(f"{price.points:>12,}  {price.point_type}{tier}{enough}{refused}")
    if reward.member is not None and reward.member.locked:
        typer.echo("              the account is locked and redeems nothing: `jifen account` says why")
    if reward.member is not None and reward.member.limit_reached:
        typer.echo("              the member has redeemed it as often as one member may")
    if reward.member is not None and reward.member.too_many_waiting:
        typer.echo("              too many of the member's redemptions wait here: one has to be fetched first")


def _print_redemption(item: "Redemption") -> None:
    until = f" until {item.held_until:%Y-%m-%d %H:%M} UTC" if item.held_until else ""
    typer.echo(
        f"{item.reward} {item.number}  {item.status.lower()}{until}  {item.points:,} {item.point_type}  {item.account}"
    )
