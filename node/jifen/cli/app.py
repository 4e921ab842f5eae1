"""The tree of commands."""

from typing import Annotated

import typer

from jifen import __version__
from jifen.cli import (
    bonuses,
    cashback,
    cosigning,
    demo,
    draws,
    evidence,
    governance,
    joining,
    keys,
    nodes,
    payments,
    rewards,
    rules,
    snapshots,
    standing_orders,
    states,
    swaps,
    terms,
    tiers,
    transactions,
)
from jifen.cli.failures import EPILOG

app = typer.Typer(
    name="jifen",
    epilog=EPILOG,
    no_args_is_help=False,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Jifen (积分): a consortium ledger for the loyalty points of a mall and its merchants.

    \b
    jifen demo                    an alliance of four validators, fed with real purchases
    jifen init                    an alliance to be started one validator at a time
    jifen status                  how the validators of the home stand
    jifen tx show ID              what became of a transaction
    """
    if version:
        typer.echo(f"jifen {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("demo", epilog=EPILOG, short_help="Run an alliance on this machine and feed it.")(demo.demo)
app.command("init", epilog=EPILOG, short_help="Make an alliance: keys, genesis, settings.")(nodes.init)
app.command("start", epilog=EPILOG)(nodes.start)
app.command("status", epilog=EPILOG, short_help="Show how the validators of a home stand.")(states.status)
app.command("account", epilog=EPILOG)(states.account)
app.command("positions", epilog=EPILOG)(payments.list_positions)
app.command("import", epilog=EPILOG)(demo.import_purchases)
app.command("verify", epilog=EPILOG, short_help="Replay stopped directories and compare.")(states.verify)
app.add_typer(keys.app, name="key", epilog=EPILOG)
app.add_typer(snapshots.app, name="snapshot", epilog=EPILOG)
transactions.app.command("propose-admission")(governance.propose_admission)
transactions.app.command("propose-removal")(governance.propose_removal)
transactions.app.command("vote")(governance.vote)
transactions.app.command("withdraw")(governance.withdraw)
transactions.app.command("lock")(swaps.lock)
transactions.app.command("unlock")(swaps.unlock)
transactions.app.command("confirm")(terms.confirm)
transactions.app.command("publish-terms")(terms.publish_terms)
transactions.app.command("create-point-type")(terms.create_point_type)
transactions.app.command("publish-rule")(rules.publish_rule)
transactions.app.command("publish-campaign")(rules.publish_campaign)
transactions.app.command("end-campaign")(rules.end_campaign)
transactions.app.command("set-earning-policy")(rules.set_earning_policy)
transactions.app.command("set-tags")(rules.set_tags)
transactions.app.command("publish-tiers")(tiers.publish_tiers)
transactions.app.command("publish-recognition")(tiers.publish_recognition)
transactions.app.command("set-bonus-policy")(bonuses.set_bonus_policy)
transactions.app.command("grant")(bonuses.grant)
transactions.app.command("adjust")(bonuses.adjust)
transactions.app.command("set-auto-redemption")(standing_orders.set_auto_redemption)
transactions.app.command("cancel-auto-redemption")(standing_orders.cancel_auto_redemption)
tiers.app.command("standing-order")(standing_orders.show_standing_order)
transactions.app.command("sign")(cosigning.sign)
transactions.app.command("submit")(cosigning.submit)
transactions.app.command("inspect")(cosigning.inspect)
app.add_typer(transactions.app, name="tx", epilog=EPILOG)
app.add_typer(rewards.app, name="reward", epilog=EPILOG)
app.add_typer(payments.app, name="pay", epilog=EPILOG)
app.add_typer(swaps.app, name="swap", epilog=EPILOG)
app.add_typer(draws.app, name="draw", epilog=EPILOG)
app.add_typer(cashback.app, name="cashback", epilog=EPILOG)
app.add_typer(terms.point_types, name="point-types", epilog=EPILOG)
app.add_typer(rules.app, name="rules", epilog=EPILOG)
app.add_typer(tiers.app, name="tiers", epilog=EPILOG)
app.add_typer(bonuses.app, name="bonuses", epilog=EPILOG)
app.add_typer(governance.validators, name="validators", epilog=EPILOG)
app.add_typer(governance.proposals, name="proposals", epilog=EPILOG)
app.add_typer(evidence.app, name="evidence", epilog=EPILOG)
app.add_typer(joining.app, name="join", epilog=EPILOG)
