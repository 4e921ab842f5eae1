"""A member's and a merchant's day on the command line, against a running validator."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from typer.testing import CliRunner

from jifen.alliance import DEMO_ORGANIZATIONS, create_alliance
from jifen.cli.app import app
from jifen.cli.failures import CommandFailed
from jifen.client import Client, SealedTransaction, Unavailable
from jifen.client.records import Submission

PASSPHRASE: Final = "correct horse battery"


class Alliance(NamedTuple):
    """A running alliance of one merchant, and a directory for keys."""

    home: Path
    keys: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        own = {"JIFEN_HOME": str(self.home), "JIFEN_PASSPHRASE_FILE": str(self.keys / "words")}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
        return subprocess.run(
            [sys.executable, "-P", "-m", "jifen", *arguments],
            env=environment | own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def told(self, *arguments: str) -> Any:
        """Run a command that must succeed; return its JSON."""
        result = self.run(*arguments, "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def earn(self, account: str, order: str, amount_fen: int) -> subprocess.CompletedProcess[str]:
        """Credit a purchase."""
        return self.at_the_till("earn", "--account", account, "--order", order, "--amount-fen", str(amount_fen))

    def at_the_till(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `tx` command of the merchant's with the merchant's own passphrase."""
        words = self.home / "north-music" / "passphrase"
        (self.keys / "words").write_text(words.read_text())
        command, *rest = arguments
        result = self.run("tx", command, "--data", str(self.home / "north-music"), *rest)
        (self.keys / "words").write_text(PASSPHRASE)
        return result

    def by_the_merchant(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the merchant's with the merchant's own passphrase."""
        (self.keys / "words").write_text((self.home / "north-music" / "passphrase").read_text())
        result = self.run(*arguments, "--data", str(self.home / "north-music"))
        (self.keys / "words").write_text(PASSPHRASE)
        assert result.returncode == 0, result.stderr
        return result


def free_port_base() -> int:
    """Return a port whose neighbours at +100 and +200 are free as well."""
    # Below the ports that systems lend to outgoing connections (32768 and up on Linux), any of which may come and go.
    for base in range(18_000, 21_000, 300):
        try:
            for distance in (0, 100, 200):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + distance))
        except OSError:
            continue
        return base
    pytest.fail("no free ports were found")


@pytest.fixture(scope="module")
def alliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alliance]:
    """Make an alliance of one, and keep its validator running."""
    root = tmp_path_factory.mktemp("members")
    create_alliance(root / "home", "One", DEMO_ORGANIZATIONS[1:2], port_base=free_port_base())
    (root / "words").touch(mode=0o600)
    (root / "words").write_text(PASSPHRASE)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
    command = [sys.executable, "-P", "-m", "jifen", "start", "--data", str(root / "home" / "north-music")]
    log = root / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*command, "--stop-with-parent"], env=environment, stdin=subprocess.PIPE, stderr=output
        ) as process,
    ):
        try:
            yield Alliance(root / "home", root)
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def members(alliance: Alliance) -> dict[str, str]:
    """Return the accounts of two registered members by name. The SDK waits for the validator to come up."""
    accounts = {}
    for name in ("alice", "bob"):
        file = str(alliance.keys / f"{name}.key")
        account = alliance.told("key", "new", file, "--label", name)["account"]
        assert alliance.told("tx", "register", "--key", file)["account"] == account
        accounts[name] = account
    return accounts


def test_points_are_earned_passed_on_and_shown(alliance: Alliance, members: dict[str, str]) -> None:
    earned = alliance.earn(members["alice"], "A-1", 1234)
    assert earned.returncode == 0, earned.stderr
    assert "earned       123 north-music/consumer\n" in earned.stdout

    moved = alliance.told(
        "tx", "transfer", "--key", str(alliance.keys / "alice.key"), "--to", members["bob"],
        "--point-type", "north-music/consumer", "--points", "23",
    )  # fmt: skip

    shown = alliance.told("tx", "show", moved["id"])
    [effect] = shown["receipt"]["effects"]
    assert (shown["kind"], shown["outcome"], shown["height"]) == ("transferPoints", "APPLIED", moved["height"])
    assert (effect["points"], effect["senderAvailableAfter"], effect["recipientAvailableAfter"]) == ("23", "100", "23")
    held = {
        name: alliance.told("account", members[name], "--min-height", str(moved["height"]))["balances"][0]["available"]
        for name in members
    }
    assert held == {"alice": 100, "bob": 23}


def test_a_refund_takes_back_what_its_part_of_the_order_earned(alliance: Alliance, members: dict[str, str]) -> None:
    assert alliance.earn(members["bob"], "R-1", 1000).returncode == 0
    back = ("refund", "--order", "R-1", "--refund", "back-1", "--amount-fen", "405")

    taken = alliance.at_the_till(*back, "--json")
    [effect] = alliance.told("tx", "show", json.loads(taken.stdout)["id"])["receipt"]["effects"]
    again = alliance.at_the_till(*back)

    assert (effect["__typename"], effect["points"], effect["orderRefundedFen"]) == ("PointsRevoked", "41", "405")
    assert again.returncode == 3
    assert "REFUND_ALREADY_TAKEN" in again.stderr


def test_people_are_told_the_same_in_words(alliance: Alliance, members: dict[str, str]) -> None:
    submitted = alliance.earn(members["bob"], "A-2", 100)
    identity = submitted.stdout.split()[1]

    shown = alliance.run("tx", "show", identity).stdout

    assert "earned       10 north-music/consumer" in submitted.stdout
    assert "kind         earnPoints" in shown
    assert "None" not in shown
    assert "outcome      applied" in shown
    assert members["bob"] in shown
    assert "north-music/consumer" in alliance.run("account", members["bob"]).stdout
    assert "north-music" in alliance.run("status").stdout


@pytest.mark.parametrize("again", [1, 2])
def test_an_order_is_credited_once(alliance: Alliance, members: dict[str, str], again: int) -> None:
    results = [alliance.earn(members["alice"], f"B-{again}", 10) for _ in range(2)]

    assert [result.returncode for result in results] == [0, 3]
    assert results[1].stderr.startswith("jifen: ORDER_ALREADY_CREDITED: ")


def test_a_refusal_names_the_ledgers_reason(alliance: Alliance, members: dict[str, str]) -> None:
    result = alliance.run(
        "tx", "transfer", "--key", str(alliance.keys / "bob.key"), "--to", members["alice"],
        "--point-type", "north-music/consumer", "--points", "1000000",
    )  # fmt: skip

    assert result.returncode == 3
    assert result.stderr.startswith("jifen: INSUFFICIENT_POINTS: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(("order", "amount"), [("A-18", 10**23), ("A-18", 2**60), ("A\udcff18", 100), ("A 18", 100)])
def test_what_fits_no_transaction_is_wrong_usage(
    alliance: Alliance, members: dict[str, str], order: str, amount: int
) -> None:
    result = alliance.earn(members["alice"], order, amount)

    assert (result.returncode, result.stderr.count("\n")) == (2, 1), result.stderr
    assert result.stderr.startswith("jifen: transaction: ")


def test_of_an_open_outcome_the_id_is_told(
    alliance: Alliance, members: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def submit(_client: Client, sealed: SealedTransaction) -> Submission:
        raise Unavailable("not committed in time")

    monkeypatch.setattr(Client, "submit", submit)
    monkeypatch.setenv("JIFEN_HOME", str(alliance.home))
    monkeypatch.setenv("JIFEN_PASSPHRASE_FILE", str(alliance.keys / "words"))
    key = str(alliance.keys / "bob.key")

    result = CliRunner().invoke(app, ["tx", "transfer", "--key", key, "--to", members["alice"], "--points", "1",
                                      "--point-type", "north-music/consumer"])  # fmt: skip

    assert isinstance(result.exception, CommandFailed)
    assert re.search(r"`jifen tx show [0-9a-f]{64}` before you repeat", str(result.exception))


def test_what_no_validator_knows_is_a_failure(alliance: Alliance, members: dict[str, str]) -> None:
    stranger = alliance.told("key", "new", str(alliance.keys / "stranger.key"))["account"]

    account, transaction = alliance.run("account", stranger), alliance.run("tx", "show", "00" * 32)

    assert (account.returncode, transaction.returncode) == (4, 4)
    assert "is not registered" in account.stderr
    assert "no validator that was asked has transaction" in transaction.stderr


def test_the_status_says_who_leads_and_where_it_stands(alliance: Alliance, members: dict[str, str]) -> None:
    status = alliance.told("status")

    [organization] = status["organizations"]
    assert (status["leader"], organization["role"], status["unreachable"]) == ("north-music", "leader", [])
    assert organization["height"] >= 2
    assert organization["pointsIssued"] > 0
    assert alliance.told("status", "--url", organization["url"])["organizations"] == [organization]


def test_a_file_of_purchases_is_imported_once(alliance: Alliance, members: dict[str, str]) -> None:
    file = alliance.keys / "purchases.csv"
    file.write_text("purchase,date,customer,items,amount_cents\n1,1997-01-01,0001,1,250\n2,1997-01-02,0001,1,0\n")

    first, second = alliance.told("import", str(file)), alliance.told("import", str(file))

    assert (first["purchases"], first["credited"], first["members"]) == (2, 2, 1)
    assert (second["purchases"], second["credited"], second["transactions"]) == (2, 0, 0)
    customer = alliance.told("key", "derive", "0001")["account"]
    assert alliance.told("account", customer)["balances"][0]["available"] == 25


def test_a_directory_in_use_is_not_verified(alliance: Alliance, members: dict[str, str]) -> None:
    result = alliance.run("verify")

    assert result.returncode == 4
    assert "is in use by process" in result.stderr


def test_p1_an_issuer_sets_terms_and_points_wait_for_what_they_say(alliance: Alliance, members: dict[str, str]) -> None:
    """P1, K1: a new kind of points with terms of its own, by commands alone."""
    file = alliance.keys / "terms.json"
    file.write_text('{"pending": {"mode": "ON_CONFIRMATION"}, "expiry": {"mode": "ROLLING", "days": 20}}')
    made = alliance.at_the_till(
        "create-point-type", "--role", "guide", "--earn-points", "1", "--earn-fen", "50", "--terms", str(file), "--json"
    )
    assert json.loads(made.stdout)["name"] == "north-music/guide", made.stderr
    guide = ("--point-type", "north-music/guide")
    earned = alliance.at_the_till(
        "earn", "--account", members["bob"], "--order", "G-1", "--amount-fen", "1000", *guide, "--json"
    )
    height = json.loads(earned.stdout)["height"]

    def balance() -> Any:
        balances = alliance.told("account", members["bob"], "--min-height", str(height))["balances"]
        return next(item for item in balances if item["pointType"] == "north-music/guide")

    assert (balance()["available"], balance()["pending"]) == (0, 20)
    assert "0  north-music/guide, 20 pending" in alliance.run("account", members["bob"]).stdout
    assert "20  north-music/guide expire " in alliance.run("account", members["bob"]).stdout
    confirmed = alliance.at_the_till("confirm", "--order", "G-1")
    assert confirmed.returncode == 0, confirmed.stderr
    again = alliance.at_the_till("confirm", "--order", "G-1")
    assert (again.returncode, "ORDER_NOT_PENDING" in again.stderr) == (3, True)
    height = json.loads(alliance.at_the_till("earn", "--account", members["bob"], "--order", "G-2",
                                             "--amount-fen", "0", *guide, "--json").stdout)["height"]  # fmt: skip
    assert (balance()["available"], balance()["pending"]) == (20, 0)


def test_terms_are_shown_changed_and_shown_again(alliance: Alliance, members: dict[str, str]) -> None:
    before = alliance.told("point-types", "show", "north-music/consumer")
    file = alliance.keys / "next.json"
    file.write_text(json.dumps(before["terms"] | {"expiry": {"mode": "SLIDING", "days": 400}, "cashable": True}))

    published = alliance.at_the_till("publish-terms", "--terms", str(file), "--from", "2100-01-01T00:00:00+08:00")
    assert published.returncode == 3, "a version holds within a year"
    assert "TERMS_TOO_FAR" in published.stderr
    published = alliance.at_the_till("publish-terms", "--terms", str(file), "--json")
    assert json.loads(published.stdout)["version"] == str(before["terms"]["version"] + 1), published.stderr
    alliance.told("account", members["bob"], "--min-height", str(json.loads(published.stdout)["height"]))

    after = alliance.told("point-types", "show", "north-music/consumer")
    assert (after["terms"]["expiry"]["mode"], after["terms"]["expiry"]["days"]) == ("SLIDING", 400)
    assert [item["terms"]["version"] for item in after["termsHistory"]] == [1, 2]
    words = alliance.run("point-types", "show", "north-music/consumer", "--history").stdout
    assert "in force     version 2" in words
    assert "  expiry       sliding, days 400" in words
    assert "  may be       transferable, cashable" in words
    assert words.count(after["terms"]["hash"]) == 2
    assert "north-music/consumer" in alliance.run("point-types", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("pay", "holds", "--account", "zz"), 2, "jifen: account 'zz': has 2 characters instead of 41; copy it again"),
        (("tiers", "progress", "north-music", "jf1"), 2, "jifen: account 'north-music': has 11 characters"),
        (("reward", "list", "nobody"), 4, "there is no organization nobody; the alliance has north-music"),
        (("bonuses", "limits", "nobody"), 4, "there is no organization nobody; the alliance has north-music"),
        (("tx", "register", "--key", "none.key"), 4, "make one with `jifen key new none.key`"),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_what_to_do(
    alliance: Alliance, arguments: tuple[str, ...], code: int, text: str
) -> None:
    result = alliance.run(*arguments)

    assert (result.returncode, text in result.stderr, result.stderr.count("\n")) == (code, True, 1), result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("publish-terms", "--from", "tomorrow"), 2, "write it like 2027-01-01T00:00:00+08:00"),
        (("publish-terms", "--from", "2027-01-01"), 2, "is no time with an offset"),
        (("publish-terms", "--point-type", "north-music/store"), 4, "there is no point type north-music/store"),
        (("publish-terms", "--terms", "nothing.json"), 4, "nothing.json cannot be read"),
        (("create-point-type", "--role", "pet", "--earn-points", "1", "--earn-fen", "1"), 2, "choose consumer, guide"),
    ],
)
def test_a_mistake_about_terms_is_told_in_one_line(
    alliance: Alliance, members: dict[str, str], arguments: tuple[str, ...], code: int, text: str
) -> None:
    result = alliance.at_the_till(*arguments)

    assert (result.returncode, result.stderr.count("\n")) == (code, 1), result.stderr
    assert text in result.stderr


def test_terms_that_cannot_be_are_wrong_usage(alliance: Alliance, members: dict[str, str]) -> None:
    file = alliance.keys / "wrong.json"
    for text, reason in (
        ('{"expires": 3}', "terms have no expires"),
        ('{"expiry": {"mode": "ROLLING"}}', "expiry: NEVER"),
        ('{"expiry": {"mode": "ROLLING", "days": 0}}', "transaction: "),
    ):
        file.write_text(text)
        result = alliance.at_the_till("publish-terms", "--terms", str(file))
        assert (result.returncode, result.stderr.count("\n")) == (2, 1), result.stderr
        assert reason in result.stderr


def test_a_draft_signed_in_two_places_is_submitted_once(alliance: Alliance, members: dict[str, str]) -> None:
    draft, keys = str(alliance.keys / "gift.tx"), alliance.keys
    public = alliance.told("key", "show", str(keys / "bob.key"))["key"]
    earned = alliance.earn(members["alice"], "D-1", 100)
    assert earned.returncode == 0, earned.stderr
    transfer = ("--to", members["bob"], "--point-type", "north-music/consumer", "--points", "1")
    written = alliance.run(
        "tx", "--draft", draft, "--cosigner", public, "transfer", "--key", str(keys / "alice.key"), *transfer
    )
    assert written.returncode == 0, written.stderr
    assert f"missing      {public}" in written.stdout
    refused = alliance.run("tx", "submit", draft)
    assert (refused.returncode, "lacks the signature" in refused.stderr) == (4, True)

    signed = alliance.run("tx", "sign", draft, "--key", str(keys / "bob.key"))
    assert signed.returncode == 0, signed.stderr
    first, again = (alliance.told("tx", "submit", draft) for _ in range(2))

    assert first == again, "submitting it twice does nothing twice"
    assert (first["status"], first["id"] in signed.stdout) == ("COMMITTED", True)


def test_tiers_and_bonuses_are_published_given_and_shown(alliance: Alliance, members: dict[str, str]) -> None:
    tiers, policy = alliance.keys / "tiers.json", alliance.keys / "policy.json"
    tiers.write_text(json.dumps({"tiers": [{"id": "gold", "name": "Gold", "threshold": 30}], "graceDays": 30}))
    policy.write_text(json.dumps({"clerkGoodwillPerDay": 1}))
    published = alliance.at_the_till("publish-tiers", "--tiers", str(tiers), "--json")
    assert json.loads(published.stdout)["version"] == "1", published.stderr
    limited = alliance.at_the_till("set-bonus-policy", "--policy", str(policy), "--json")
    assert json.loads(limited.stdout)["version"] == "1", limited.stderr

    to = ("--account", members["bob"], "--reason", "cold tea")
    kindness = ("grant", *to, "--points", "7", "--cause", "goodwill", "--cause-key")
    assert alliance.at_the_till(*kindness, "C-1").returncode == 0
    again = alliance.at_the_till(*kindness, "C-2")
    assert (again.returncode, "CLERK_LIMIT_REACHED" in again.stderr) == (3, True)
    correction = ("adjust", *to, "--points", "3", "--direction", "debit", "--cause-key", "X-1", "--code")
    adjusted = alliance.at_the_till(*correction, "legal-order", "--json")
    assert adjusted.returncode == 0, adjusted.stderr
    wrong = alliance.at_the_till(*correction, "whim")
    assert (wrong.returncode, "choose one of correction, misuse" in wrong.stderr) == (2, True)

    earned = alliance.at_the_till(
        "earn", "--account", members["bob"], "--order", "T-1", "--amount-fen", "100000", "--json"
    )
    alliance.told("account", members["bob"], "--min-height", str(json.loads(earned.stdout)["height"]))
    progress = alliance.told("tiers", "progress", members["bob"], "north-music")
    assert (progress["tier"], progress["path"]["organization"]) == ("gold", "north-music")
    assert (
        f"proof        receipts of block {progress['path']['height']}"
        in alliance.run("tiers", "progress", members["bob"], "north-music").stdout
    )
    assert "there is no organization nobody" in alliance.run("tiers", "show", "nobody").stderr
    assert "gold                       30 points  Gold" in alliance.run("tiers", "show", "north-music").stdout
    assert "1 goodwill grants" in alliance.run("bonuses", "limits", "north-music").stdout
    assert alliance.told("bonuses", "limits", "north-music")["granted"] == 7


def test_standing_orders_are_for_rewards_that_there_are(alliance: Alliance, members: dict[str, str]) -> None:
    mine = ("--key", str(alliance.keys / "bob.key"), "--organization", "north-music")
    asked = alliance.run("tx", "set-auto-redemption", *mine, "--reward", "north-music/nothing", "--threshold", "10")
    assert (asked.returncode, "REWARD_UNKNOWN" in asked.stderr) == (3, True)
    gone = alliance.run("tx", "cancel-auto-redemption", *mine)
    assert (gone.returncode, "NO_STANDING_ORDER" in gone.stderr) == (3, True)
    assert alliance.run("tiers", "standing-order", members["bob"], "north-music").stdout == "no standing order\n"


def test_rules_and_campaigns_are_published_calculated_and_shown(alliance: Alliance, members: dict[str, str]) -> None:
    rule, limits = alliance.keys / "rule.json", alliance.keys / "limits.json"
    rule.write_text(json.dumps({"brackets": [{"points": 1, "perFen": 100}], "budget": 1000}))
    limits.write_text(json.dumps({"budget": 30}))
    role = ("--point-type", "north-music/store")
    made = alliance.at_the_till("create-point-type", "--role", "store", "--earn-points", "1", "--earn-fen", "50")
    assert made.returncode == 0, made.stderr
    published = alliance.at_the_till("publish-rule", "--rule", str(rule), *role, "--json")
    assert json.loads(published.stdout)["version"] == "2", published.stderr
    started = alliance.at_the_till(
        "publish-campaign", "--campaign", "fair", "--multiplier", "3/2", "--limits", str(limits), *role,
        "--until", "2099-01-01T00:00:00+08:00",
    )  # fmt: skip
    assert (started.returncode, "RULE_CONTRADICTORY" in started.stderr) == (3, True), "longer than a year"

    merchant = ("--merchant", "north-music", "--account", members["alice"], "--amount-fen", "1000")
    shop = ("--role", f"store={members['bob']}")
    refused = alliance.run("rules", "calculate", *merchant, "--item", "tea::1001")
    assert (refused.returncode, "ITEMS_EXCEED_ORDER" in refused.stderr) == (3, True)
    words = alliance.run("rules", "calculate", *merchant, *shop).stdout
    assert f"{members['bob']}  10 points of north-music/store, rule version 2" in words
    earned = alliance.at_the_till(
        "earn", "--account", members["alice"], "--order", "S-1", "--amount-fen", "1000", *shop, "--item", "tea::100"
    )
    assert earned.returncode == 0, earned.stderr
    returned = ("refund", "--order", "S-1", "--amount-fen", "100", "--item")
    more = alliance.at_the_till(*returned, "tea::101", "--refund", "S-1-back")
    assert (more.returncode, "ITEMS_EXCEED_REFUND" in more.stderr) == (3, True)
    back = alliance.at_the_till(*returned, "tea::100", "--refund", "S-1-back")
    assert back.returncode == 0, back.stderr
    assert "1 north-music/store" in back.stdout
    shown = alliance.run("rules", "show", "north-music/store").stdout
    assert "in force     version 2, MARGINAL, PER_ORDER, FLOOR" in shown
    assert "  9 of 1000 points given" in shown
    tagged = alliance.at_the_till("set-tags", "--region", "Beijing")
    assert tagged.returncode == 0, tagged.stderr
    wrong = alliance.at_the_till("earn", "--account", members["alice"], "--order", "S-2", "--amount-fen", "1",
                                 "--item", "tea")  # fmt: skip
    assert (wrong.returncode, "write category:item:fen" in wrong.stderr) == (2, True)


TYPE: Final = "north-music/consumer"
TICKET: Final = "north-music/ticket"


def test_a_reward_is_published_redeemed_and_handed_over_and_its_code_is_checked(
    alliance: Alliance, members: dict[str, str]
) -> None:
    alliance.earn(members["alice"], "R-1", 5_000)
    alliance.earn(members["bob"], "R-2", 5_000)
    said, codes, kept = (alliance.keys / name for name in ("ticket.json", "codes.txt", "kept.tsv"))
    price = {"pointType": TYPE, "points": 100}
    ticket = {"name": "Ticket", "holdMinutes": 60, "hasCodes": True, "memberLimit": 1, "prices": [price]}
    said.write_text(json.dumps(ticket))
    codes.write_text("ABC-1\nABC-2\n")
    alliance.by_the_merchant("reward", "publish", TICKET, "--file", str(said))
    alliance.by_the_merchant("reward", "add-codes", TICKET, "--codes", str(codes), "--keep", str(kept))
    assert kept.stat().st_mode & 0o777 == 0o600

    [shown] = alliance.told("reward", "list", "north-music", "--account", members["alice"])
    assert (shown["id"], shown["stock"], shown["member"]["affordable"]) == (TICKET, 2, [TYPE])
    paying = ("--point-type", TYPE, "--points", "100")
    for name in ("alice", "bob"):
        alliance.told("reward", "redeem", TICKET, "--key", str(alliance.keys / f"{name}.key"), *paying)
    listed = alliance.run("reward", "list", "north-music", "--account", members["alice"]).stdout
    assert "the member has redeemed it as often as one member may" in listed
    alliance.by_the_merchant("reward", "fulfil", TICKET, "1")
    alliance.by_the_merchant("reward", "cancel", TICKET, "2", "--reason", "sold out")

    code, salt, _ = kept.read_text().splitlines()[0].split("\t")
    assert alliance.run("reward", "check-code", TICKET, "1", "--code", code, "--salt", salt).returncode == 0
    for number, wrong, reason in (
        ("1", "ABC-2", "not the code"),
        ("2", code, "not the code"),
        ("3", code, "no redempt"),
    ):
        refused = alliance.run("reward", "check-code", TICKET, number, "--code", wrong, "--salt", salt)
        assert refused.returncode != 0
        assert reason in refused.stderr
    told = alliance.told("reward", "redemptions", "--organization", "north-music")
    assert [(item["number"], item["status"]) for item in told] == [(1, "FULFILLED"), (2, "CANCELLED")]
    assert "fulfilled" in alliance.run("reward", "redemptions", "--account", members["alice"]).stdout
    said.write_text(json.dumps({"name": "Mug", "prices": [price]}))
    alliance.by_the_merchant("reward", "publish", "north-music/mug", "--file", str(said))
    lost = alliance.keys / "lost.tsv"
    adding = ("--codes", str(codes), "--keep", str(lost), "--data", str(alliance.home / "north-music"))
    refused = alliance.run("reward", "add-codes", "north-music/mug", *adding)
    assert (refused.returncode, "north-music/mug has no codes" in refused.stderr) == (2, True)
    assert not lost.exists(), "codes that are not in stock must not lie where those in stock do"
    again = alliance.run("reward", "redemptions")
    assert "name either --account or --organization" in again.stderr


def test_cash_back_is_asked_for_paid_and_refused(alliance: Alliance, members: dict[str, str]) -> None:
    alliance.earn(members["alice"], "C-1", 5_000)
    terms = alliance.keys / "worth.json"
    terms.write_text(json.dumps({"cashable": True, "settlementPrice": {"points": 10, "fen": 1}}))
    assert alliance.at_the_till("publish-terms", "--terms", str(terms)).returncode == 0
    caps = ("--price", "10:1", "--day", "500", "--month", "500")
    alliance.by_the_merchant("cashback", "set-policy", TYPE, *caps)
    for _ in range(2):
        asked = alliance.told("cashback", "request", TYPE, "--key", str(alliance.keys / "alice.key"), "--points", "105")
        assert asked["amountFen"] == "10"
    alliance.by_the_merchant("cashback", "confirm", TYPE, "1", "--reference", "20270101-1")
    assert "requested" in alliance.run("cashback", "list", "--issuer", "north-music", "--unpaid").stdout
    alliance.by_the_merchant("cashback", "reject", TYPE, "2", "--reason", "no such bank account")

    told = alliance.told("cashback", "list", "--account", members["alice"])
    assert [(item["number"], item["status"], item["heldPoints"]) for item in told] == [
        (1, "PAID", 0),
        (2, "REJECTED", 0),
    ]
    assert alliance.told("cashback", "list", "--issuer", "north-music", "--overdue") == []
    assert "name either --account" in alliance.run("cashback", "list").stderr


def test_points_are_taken_held_captured_and_examined_from_the_command_line(
    alliance: Alliance, members: dict[str, str]
) -> None:
    alice, order = str(alliance.keys / "alice.key"), ("--order", "PAY-1", "--order-hash", "0d" * 32)
    alliance.earn(members["alice"], "PAY-0", 5_000)
    taken = alliance.by_the_merchant("pay", "accept", TYPE, "--rate", "1:2", "--share", "5000", "--json")
    assert json.loads(taken.stdout)["version"] == "1"
    assert "2 fen for 1" in alliance.run("pay", "accepts", "north-music").stdout
    assert alliance.run("pay", "policies").stdout == "no policies: points may pay whole orders\n"
    alliance.by_the_merchant("pay", "policy", "--share", "6000")
    now = alliance.run("pay", "policies").stdout
    assert "60 % of an order, any a day  (its own)" in now
    assert alliance.run("pay", "policies", "--revision", "1").stdout == now
    asked = ("--account", members["alice"], "--amount", "100", "--with", TYPE)
    examined = alliance.told("pay", "examine", "north-music", *asked)
    assert (examined["paidFen"], examined["moneyFen"], examined["parts"][0]["points"]) == (50, 50, 25)
    refused = alliance.run("pay", "examine", "north-music", *asked[:-1], f"{TYPE}=26")
    assert (refused.returncode, "SHARE_EXCEEDED" in refused.stderr) == (3, True), "a script must notice"

    till = ("--data", str(alliance.home / "north-music"))
    whole = ("--order", "PAY-2", "--order-hash", "0d" * 32, "--amount-fen", "100", "--with", TYPE)
    paid = alliance.run("pay", "order", "--key", alice, *till, *whole).stdout
    assert "points pay   50 fen with 25 north-music/consumer\nmoney        50 fen\n" in paid
    parts = "paidParts                pointType north-music/consumer, points 25, fen 50, rate 2 fen for 1, "
    assert parts in alliance.run("tx", "show", paid.split()[1]).stdout
    back = alliance.at_the_till("refund", "--order", "PAY-2", "--refund", "PAY-2", "--amount-fen", "100").stdout
    assert "given back   25 north-music/consumer\nmoney        50 fen\n" in back

    held = alliance.told("pay", "hold", "north-music", "--key", alice, *order, "--amount", "100", "--with", TYPE)
    assert "25 north-music/consumer" in alliance.run("pay", "holds", "--account", members["alice"]).stdout
    hold = ("--account", members["alice"], "--hold", held["id"])
    alliance.by_the_merchant("pay", "capture", *hold, "--amount", "90", "--points", "10")
    assert alliance.run("pay", "holds", "--account", members["alice"]).stdout == "no holds\n"
    assert alliance.run("positions").stdout == "no positions\n", "at their issuer points burn"
    assert alliance.run("pay", "hold", "north-music", "--key", alice, "--order", "x", "--order-hash", "0d",
                        "--amount", "1", "--with", TYPE).returncode == 2  # fmt: skip
