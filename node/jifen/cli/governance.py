"""`jifen validators`, `jifen proposals`, and the transactions by which organizations decide about validators."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import typer

from jifen.cli.options import HomeOption, JsonOption, UrlOption, asked, open_key, print_json
from jifen.cli.transactions import print_submission, submit_built

if TYPE_CHECKING:
    from jifen.client.governance import Proposal, Quorum, Validator
    from jifen.keys.signing import KeyPair
    from jifen.ledger.governance.changes import Change

T = TypeVar("T")

validators = typer.Typer(
    help="Show who keeps the ledger, and try changes out.", rich_markup_mode=None, no_args_is_help=True
)
proposals = typer.Typer(help="Show what is to be decided.", rich_markup_mode=None, no_args_is_help=True)

DAY_MS = 24 * 60 * 60 * 1000

DataOption = Annotated[
    Path,
    typer.Option(
        "--data", envvar="JIFEN_DATA", help="Data directory of the organization that acts, whose operator key signs."
    ),
]
DaysOption = Annotated[int, typer.Option("--days", min=1, max=30, help="How many days votes are taken.")]
NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Number of the proposal.")]


@validators.command("list")
def list_validators(home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show the voters, those on their way out, the observers, and how many of them decide.

    \b
    jifen validators list
    """
    found = asked(lambda client: client.validator_set(), home, url)
    if as_json:
        print_json(found)
        return
    _print_validators([*found.voters, *found.observers], "")
    _print_validators([item for item in found.outgoing if item.status == "VOTER"], "outgoing")
    size = len(found.voters) // 2 + 1
    typer.echo(f"{size} of {len(found.voters)} voters decide; {len(found.voters) - size} may be down at the same time")
    if found.joint:
        both = f"{len(found.outgoing) // 2 + 1} of the {len(found.outgoing)} outgoing ones, too"
        typer.echo(f"a change is under way since block {found.changed_at}: until it is over, {both}")


@validators.command("preview")
def preview(
    admit: Annotated[
        list[str] | None, typer.Option("--admit", help="Id of a validator that would vote; several times if need be.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", help="Id of a validator that would go; several times if need be.")
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a change would do to the quorums, and whether those connected now could carry it. Proposes nothing.

    \b
    jifen validators preview --admit east-books-2 --remove east-books
    """
    from jifen.cli.failures import UsageFault

    if not admit and not remove:
        raise UsageFault("name a validator with --admit or --remove")
    found = asked(lambda client: client.preview_validator_set(admit=admit or (), remove=remove or ()), home, url)
    if as_json:
        print_json(found)
        return
    for name, quorums in (("before", found.before), ("during", found.during), ("after", (found.after,))):
        for quorum in quorums:
            typer.echo(f"{name:<8} {_of(quorum)}")
    for problem in found.problems:
        typer.echo(f"cannot be done: {problem}")
    if not found.reachable:
        typer.echo("with the validators that are connected now the alliance would stand still on the way")


@proposals.command("list")
def list_proposals(
    last: Annotated[int, typer.Option("--last", min=1, max=50, help="How many at most, newest first.")] = 20,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the newest proposals to admit or remove validators.

    \b
    jifen proposals list
    """
    found = asked(lambda client: client.proposals(last=last), home, url)
    if as_json:
        print_json(found)
        return
    for item in found:
        missing = f"  missing: {', '.join(item.missing)}" if item.missing else ""
        # What was needed at a decision made long ago depended on who was a member then.
        votes = f"{item.approvals} of {item.needed}" if item.status == "OPEN" else f"{item.approvals} for"
        typer.echo(f"{item.number:>4}  {item.status.lower():<9}  {votes:<8}  {_what(item)}{missing}")
    if not found:
        typer.echo("nothing was ever proposed")


@proposals.command("show")
def show_proposal(
    number: NumberArgument, home: HomeOption = None, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Show everything that a proposal says, who voted, and whose votes are missing.

    \b
    jifen proposals show 3
    """
    found = _proposal(number, home, url)
    if as_json:
        print_json(found)
        return
    lines = {"proposal": str(found.number), "id": found.id, "status": found.status.lower(), "what": _what(found)}
    lines |= {"proposed by": f"{found.organization}, in block {found.proposed_at}", "fingerprint": found.fingerprint}
    admission = found.admission
    if admission is not None:
        lines |= {"organization": admission.organization, "validator key": admission.key}
        lines |= {"certificate": admission.certificate_fingerprint or "unreadable"}
        lines |= {"peers at": f"{admission.peer_host} port {admission.peer_port}", "public URL": admission.public_url}
        if admission.newcomer is not None:
            lines["newcomer"] = f"{admission.newcomer.name}, {admission.newcomer.kind.lower()}"
            for place, operator in enumerate(admission.newcomer.operators, start=1):
                lines[f"operator {place}"] = f"{operator.key} ({operator.scopes})"
    lines["votes until"] = f"{found.open_until:%Y-%m-%d %H:%M:%S} UTC"
    lines["approvals"] = f"{found.approvals}" + (f" of {found.needed} needed" if found.status == "OPEN" else "")
    for name, value in lines.items():
        typer.echo(f"{name:<14} {value}")
    for vote in found.votes:
        typer.echo(
            f"{'  ' + vote.organization:<14} {'approves' if vote.approve else 'refuses'}, in block {vote.height}"
        )
    if found.missing:
        typer.echo(f"{'missing':<14} {', '.join(found.missing)}")


def propose_admission(
    request: Annotated[
        Path, typer.Argument(metavar="REQUEST", help="Request file of the newcomer: join-request.json.")
    ],
    data: DataOption,
    days: DaysOption = 7,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose to admit the validator of a request; this is the organization's own approval, too.

    Compare the fingerprint with the newcomer's, by telephone for example: nobody has exchanged a key then.

    \b
    jifen tx propose-admission join-request.json --data .jifen/harbour-mall
    """
    from jifen.admission import read_request
    from jifen.codec.changes import change_fingerprint

    found = read_request(request)
    change = found.change()
    _propose(change, data, days, home, url, as_json, chain=found.chain_id, fingerprint=change_fingerprint(change).hex())


def propose_removal(
    validator: Annotated[str, typer.Argument(metavar="VALIDATOR", help="Id of the validator that is to go.")],
    data: DataOption,
    days: DaysOption = 7,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose to take a validator out, for good; this is the organization's own approval, too.

    See with `jifen validators preview --remove VALIDATOR` what it would do.

    \b
    jifen tx propose-removal south-cafe --data .jifen/harbour-mall
    """
    from jifen.ledger.governance.changes import RemoveValidator

    _propose(RemoveValidator(validator), data, days, home, url, as_json)


def vote(  # noqa: PLR0917 - typer calls it by name
    number: NumberArgument,
    data: DataOption,
    approve: Annotated[
        bool | None, typer.Option("--approve/--refuse", help="What the organization says; there is no default.")
    ] = None,
    fingerprint: Annotated[
        str | None, typer.Option("--fingerprint", help="Vote only if the proposal has this fingerprint, or begins so.")
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Vote on an open proposal. Each organization votes once and cannot change it.

    \b
    jifen tx vote 3 --approve --data .jifen/north-music
    jifen tx vote 3 --approve --fingerprint 5f2c90ab --data .jifen/north-music
    """
    from jifen.cli.failures import CommandFailed, UsageFault

    if approve is None:
        raise UsageFault("say --approve or --refuse")
    found = _proposal(number, home, url)
    if fingerprint is not None and not (len(fingerprint) >= 8 and found.fingerprint.startswith(fingerprint.lower())):
        raise CommandFailed(
            f"the fingerprint of proposal {number} is {found.fingerprint}, not {fingerprint}: nothing was voted; "
            "ask the newcomer which is right"
        )
    actor, identity = _actor(data), bytes.fromhex(found.id)
    submission = submit_built(
        lambda builder: builder.vote_on_proposal(
            actor.key, organization=actor.organization, proposal=identity, approve=approve
        ),
        home,
        url,
    )
    print_submission(submission, as_json, proposal=str(number), status=_proposal(number, home, url).status.lower())


def withdraw(
    number: NumberArgument,
    data: DataOption,
    home: HomeOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an own open proposal back.

    \b
    jifen tx withdraw 3 --data .jifen/harbour-mall
    """
    actor, identity = _actor(data), bytes.fromhex(_proposal(number, home, url).id)
    submission = submit_built(
        lambda builder: builder.withdraw_proposal(actor.key, organization=actor.organization, proposal=identity),
        home,
        url,
    )
    print_submission(submission, as_json, proposal=str(number))


class _Actor(NamedTuple):
    organization: str
    key: "KeyPair"


def _actor(data: Path) -> _Actor:
    from jifen import config

    organization = config.read_config(data).organization
    return _Actor(organization, open_key(data / config.OPERATOR_KEY_FILE, data))


def _propose(
    change: "Change",
    data: Path,
    days: int,
    home: Path | None,
    url: list[str] | None,
    as_json: bool,
    *,
    chain: str | None = None,
    **more: str,
) -> None:
    from jifen.cli.failures import CommandFailed
    from jifen.client import SealedTransaction, TransactionBuilder

    actor = _actor(data)

    def build(builder: TransactionBuilder) -> SealedTransaction:
        if chain not in (None, builder.chain_id.hex()):
            raise CommandFailed(
                f"the request is for the alliance {str(chain)[:16]}, not for {builder.chain_id.hex()[:16]}; "
                "the newcomer needs the genesis.json of this one"
            )
        return builder.propose_change(
            actor.key, organization=actor.organization, change=change, open_for_ms=days * DAY_MS
        )

    submission = submit_built(build, home, url)
    made = next(
        (item for item in asked(lambda client: client.proposals(), home, url) if item.id == submission.id), None
    )
    print_submission(submission, as_json, proposal=str(made.number) if made else "-", **more)


def _proposal(number: int, home: Path | None, url: list[str] | None) -> "Proposal":
    from jifen.cli.failures import CommandFailed

    found = asked(lambda client: client.proposal(number), home, url)
    if found is None:
        raise CommandFailed(f"there is no proposal {number}; see `jifen proposals list`")
    return found


def _what(item: "Proposal") -> str:
    if item.admission is None:
        return f"remove {item.validator}"
    joining = " (joins the alliance)" if item.admission.newcomer else ""
    replacing = f" in place of {item.admission.replaces}" if item.admission.replaces else ""
    return f"admit {item.validator} of {item.admission.organization}{joining}{replacing}"


def _of(quorum: "Quorum") -> str:
    away = [name for name in quorum.voters if name not in quorum.connected]
    state = f"not connected: {', '.join(away)}" if away else "all connected"
    return f"{quorum.size} of {len(quorum.voters)} decide, {quorum.tolerated} may be down; {state}"


def _print_validators(found: "list[Validator]", place: str) -> None:
    for item in found:
        link = "connected" if item.connected else "not connected"
        status = place or item.status.lower()
        typer.echo(f"{item.id:<24}  {status:<9}  since {item.since:<9}  {link:<14}  {item.public_url}")
