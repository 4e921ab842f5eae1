"""Swapping points, and locking and unlocking an account, on the command line of two organizations and two members."""

import json
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from jifen.alliance import DEMO_ORGANIZATIONS
from jifen.config import OPERATOR_KEY_FILE
from jifen.testing.command_line import CommandLine, running_alliance_of

MALL, MUSIC = (item.id for item in DEMO_ORGANIZATIONS[:2])
GIVEN, WANTED = f"{MUSIC}/consumer", f"{MALL}/consumer"
EARNED: Final = 1_000
"""Points that each of the two members begins with."""


@pytest.fixture(scope="module")
def alliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Keep an alliance of two running whose points may be swapped: three of the merchant's for one of the mall's."""
    with running_alliance_of(tmp_path_factory.mktemp("swaps"), DEMO_ORGANIZATIONS[:2]) as running:
        for organization, fen in ((MUSIC, 1), (MALL, 3)):
            said = running.files / f"{organization}.json"
            price = {"points": 1, "fen": fen}
            said.write_text(json.dumps({"swappable": True, "transferable": True, "settlementPrice": price}))
            running.acting(organization, "tx", "publish-terms", "--terms", str(said))
        yield running


@pytest.fixture(scope="module")
def members(alliance: CommandLine) -> dict[str, tuple[str, str]]:
    """Return key file and account of Alice, who has points of the merchant's, and Bo, who has those of the mall's."""
    found = {name: alliance.member(name) for name in ("alice", "bo")}
    for name, organization, fen in (("alice", MUSIC, 10 * EARNED), ("bo", MALL, 100 * EARNED)):
        order = ("--account", found[name][1], "--order", name, "--amount-fen", str(fen))
        alliance.acting(organization, "tx", "earn", *order)
    return found


def balance(alliance: CommandLine, account: str, point_type: str, height: int) -> tuple[int, int]:
    """Return what an account has of a type once its validator has seen a block: available and held."""
    found = alliance.told("account", account, "--min-height", str(height))["balances"]
    [mine] = [item for item in found if item["pointType"] == point_type] or [{"available": 0, "held": 0}]
    return mine["available"], mine["held"]


def effect_of(alliance: CommandLine, submission: Any) -> Any:
    """Return the one effect of a transaction."""
    [effect] = alliance.told("tx", "show", submission["id"])["receipt"]["effects"]
    return effect


def test_the_board_is_watched_until_so_many_changes_or_ctrl_c(
    alliance: CommandLine, members: dict[str, tuple[str, str]]
) -> None:
    pair = ("--give", GIVEN, "--want", WANTED)
    legs = ("--give", f"{GIVEN}:30", "--want", f"{WANTED}:10", "--value-fen", "30")
    with (
        alliance.started("swap", "watch", *pair, "--changes", "1", "--json") as counting,
        alliance.started("swap", "watch", *pair) as watching,
    ):
        assert counting.stdout is not None
        assert watching.stdout is not None
        assert json.loads(counting.stdout.readline())["offers"] == []
        assert " UTC, block " in watching.stdout.readline()
        assert watching.stdout.readline() == "no open offers\n"

        made = alliance.told("swap", "offer", "--key", members["alice"][0], *legs)

        [offer] = json.loads(counting.stdout.readline())["offers"]
        assert (offer["id"], offer["left"]) == (made["id"], 30)
        assert counting.wait(60) == 0
        watching.stdout.readline()
        assert watching.stdout.readline().startswith(made["id"])
        watching.send_signal(signal.SIGINT)
        assert watching.wait(60) == 0
    alliance.told("swap", "cancel", made["id"], "--key", members["alice"][0])
    board = alliance.run("swap", "board", "--give", "mall/nothing", "--want", WANTED)
    assert (board.returncode, "there is no point type mall/nothing" in board.stderr) == (4, True)
    unknown = alliance.run("swap", "watch", "--give", "mall/nothing", "--want", WANTED)
    assert (unknown.returncode, "there is no point type mall/nothing" in unknown.stderr) == (4, True)


def test_f18_points_are_offered_seen_on_the_board_taken_in_parts_and_the_rest_comes_back(
    alliance: CommandLine, members: dict[str, tuple[str, str]]
) -> None:
    (alice, account), (bo, other) = members["alice"], members["bo"]
    legs = ("--give", f"{GIVEN}:300", "--want", f"{WANTED}:100", "--value-fen", "300", "--minimum", "30")
    offered = alliance.told("swap", "offer", "--key", alice, *legs)
    name = offered["id"]
    assert balance(alliance, account, GIVEN, offered["height"]) == (EARNED - 300, 300)
    [seen] = alliance.told("swap", "board", "--give", GIVEN, "--want", WANTED)
    assert (seen["id"], seen["left"], seen["maker"]) == (name, 300, account)
    assert alliance.told("swap", "list", "--account", account) == [seen]
    assert f"100 {WANTED} for 300" in alliance.run("swap", "list", "--account", account).stdout

    dear = alliance.run("swap", "accept", name, "--key", bo, "--points", "30", "--pays", "11")
    assert dear.returncode == 2
    assert "30 points cost 10, not 11" in dear.stderr
    odd = alliance.run("swap", "accept", name, "--key", bo, "--points", "31", "--pays", "10")
    assert "31 points cannot be taken of it: the offer is 100 for 300" in odd.stderr
    own = alliance.run("swap", "accept", name, "--key", alice, "--points", "30", "--pays", "10")
    assert (own.returncode, own.stderr.partition(": ")[2].partition(":")[0]) == (3, "SENDER_IS_RECIPIENT")
    taken = alliance.told("swap", "accept", name, "--key", bo, "--points", "30", "--pays", "10")
    effect = effect_of(alliance, taken)
    assert (effect["__typename"], effect["points"], effect["pays"], effect["left"]) == (
        "PointsSwapped", "30", "10", "270",
    )  # fmt: skip
    assert balance(alliance, other, GIVEN, taken["height"]) == (30, 0)
    assert balance(alliance, account, WANTED, taken["height"]) == (10, 0)

    stranger = alliance.run("swap", "cancel", name, "--key", bo)
    assert "NOT_AUTHORIZED" in stranger.stderr
    ended = alliance.told("swap", "cancel", name, "--key", alice)
    assert balance(alliance, account, GIVEN, ended["height"]) == (EARNED - 30, 0)
    assert alliance.run("swap", "board", "--give", GIVEN, "--want", WANTED).stdout == "no open offers\n"
    gone = alliance.run("swap", "accept", name, "--key", bo, "--points", "30", "--pays", "10")
    assert "see `jifen swap board`" in gone.stderr
    assert "OFFER_NOT_OPEN" in alliance.run("swap", "cancel", name, "--key", alice).stderr


def test_f18_an_offer_to_one_member_is_taken_by_nobody_else(
    alliance: CommandLine, members: dict[str, tuple[str, str]]
) -> None:
    (alice, account), (bo, other) = members["alice"], members["bo"]
    cara, _ = alliance.member("cara")
    legs = ("--give", f"{GIVEN}:30", "--want", f"{WANTED}:10", "--value-fen", "30")
    offered = alliance.told("swap", "offer", "--key", alice, *legs, "--to", other)
    assert "NOT_THE_COUNTERPARTY" in alliance.run("swap", "accept", offered["id"], "--key", cara, "--pays", "10").stderr
    taken = alliance.told("swap", "accept", offered["id"], "--key", bo, "--pays", "10")
    assert effect_of(alliance, taken)["left"] == "0"
    assert alliance.told("swap", "list", "--account", account) == []


def test_m5a_a_locked_account_spends_nothing_receives_and_is_unlocked_by_two_organizations(
    alliance: CommandLine, members: dict[str, tuple[str, str]]
) -> None:
    dora, account = alliance.member("dora")
    alliance.acting(MUSIC, "tx", "earn", "--account", account, "--order", "dora", "--amount-fen", "1000")
    legs = ("--give", f"{GIVEN}:30", "--want", f"{WANTED}:10", "--value-fen", "30")
    alliance.told("swap", "offer", "--key", dora, *legs)
    gift = ("tx", "transfer", "--key", dora, "--to", members["bo"][1], "--point-type", GIVEN, "--points", "1")

    locked = alliance.told("tx", "lock", "--key", dora, "--reason", "lost")
    assert balance(alliance, account, GIVEN, locked["height"]) == (100, 0), "its offers are closed"
    assert "ACCOUNT_LOCKED" in alliance.run(*gift).stderr
    assert "ALREADY_LOCKED" in alliance.run("tx", "lock", "--key", dora, "--reason", "lost").stderr
    lock = alliance.told("account", account)["lock"]
    assert (lock["reason"], lock["organizations"], lock["until"]) == ("LOST", [], None)
    shown = alliance.run("account", account).stdout
    assert "locked      lost, by the member; pays nothing; lock officers of two organizations unlock it" in shown
    alliance.acting(MUSIC, "tx", "earn", "--account", account, "--order", "more", "--amount-fen", "1000")

    found = ("tx", "unlock", "--account", account, "--reason", "found", "--data")
    alone = alliance.try_acting(*found, str(alliance.home / MUSIC))
    assert (alone.returncode, "two organizations unlock; these are 1" in alone.stderr) == (2, True)
    both = alliance.try_acting(*found, str(alliance.home / MUSIC), "--data", str(alliance.home / MALL), "--json")
    assert both.returncode == 0, both.stderr
    moved = alliance.told(*gift)
    assert balance(alliance, account, GIVEN, moved["height"]) == (199, 0)
    again = alliance.try_acting(*found, str(alliance.home / MUSIC), "--data", str(alliance.home / MALL))
    assert "NOT_LOCKED" in again.stderr


def test_m5a_one_organization_locks_for_three_days_and_the_second_signs_an_unlocking_at_its_own_place(
    alliance: CommandLine, tmp_path: Path
) -> None:
    _, account = alliance.member("eli")
    alliance.acting(MALL, "tx", "lock", "--account", account, "--reason", "dispute")
    lock = alliance.told("account", account)["lock"]
    until = datetime.fromisoformat(lock["until"]) - datetime.fromisoformat(lock["lockedAt"])
    assert (lock["reason"], lock["organizations"], until) == ("DISPUTE", [MALL], timedelta(hours=72))
    shown = alliance.run("account", account).stdout
    assert f"locked      dispute, by {MALL}; pays nothing; until 20" in shown
    mug = tmp_path / "mug.json"
    mug.write_text(json.dumps({"name": "Mug", "prices": [{"pointType": GIVEN, "points": 1}]}))
    alliance.acting(MUSIC, "reward", "publish", f"{MUSIC}/mug", "--file", str(mug), "--stock", "1")
    assert "the account is locked" in alliance.run("reward", "list", MUSIC, "--account", account).stdout
    assert "locked" not in alliance.run("reward", "list", MUSIC).stdout

    officer = alliance.told("key", "show", str(alliance.home / MALL / OPERATOR_KEY_FILE))["key"]
    draft = str(tmp_path / "unlock.tx")
    drafted = ("tx", "--draft", draft, "--cosigner", officer, "unlock", "--account", account)
    named = ("--reason", "settled", "--organization", MALL, "--data", str(alliance.home / MUSIC))
    written = alliance.try_acting(*drafted, *named)
    assert written.returncode == 0, written.stderr
    assert "lacks the signature" in alliance.run("tx", "submit", draft).stderr
    signed = alliance.try_acting("tx", "sign", draft, "--data", str(alliance.home / MALL))
    assert signed.returncode == 0, signed.stderr
    assert alliance.told("tx", "submit", draft)["status"] == "COMMITTED"
    assert alliance.told("account", account)["lock"] is None


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("tx", "lock", "--reason", "angry", "--key", "x.key"), "choose lost, leaked or dispute"),
        (("tx", "lock", "--reason", "lost"), "either --key FILE, or --account with --data DIRECTORY"),
        (("tx", "unlock", "--account", "jf1x", "--reason", "bored", "--data", "."), "choose found, settled"),
        (("swap", "cancel", "xyz", "--key", "x.key"), "64 hexadecimal digits"),
        (("swap", "accept", "xyz", "--key", "x.key", "--pays", "1"), "64 hexadecimal digits"),
        (("swap", "accept", "5f2c", "--key", "x.key", "--pays", "1"), "64 hexadecimal digits"),
        (("swap", "offer", "--key", "x.key", "--give", "300", "--want", f"{WANTED}:1", "--value-fen", "1"),
         "write it like north-music/consumer:300"),
    ],
)  # fmt: skip
def test_a_mistake_about_swaps_and_locks_is_told_with_what_to_do(
    alliance: CommandLine, arguments: tuple[str, ...], text: str
) -> None:
    result = alliance.run(*arguments)
    assert result.returncode == 2, result.stderr
    assert text in result.stderr
