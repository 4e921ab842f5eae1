"""A prize draw on the command line, by three organizations with a validator each."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from jifen.alliance import DEMO_ORGANIZATIONS
from jifen.testing.command_line import CommandLine, running_alliance_of

ORGANIZATIONS: Final = sorted(item.id for item in DEMO_ORGANIZATIONS[:3])
PROMISED: Final = {
    "rulesHash": "11" * 32,
    "prizes": [{"name": "bicycle", "valueFen": 120000, "count": 1}, {"name": "umbrella", "valueFen": 3000, "count": 1}],
    "entriesMax": 100,
    "memberEntriesMax": 9,
}


@pytest.fixture(scope="module")
def alliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Make an alliance of three, and keep its validators running."""
    with running_alliance_of(tmp_path_factory.mktemp("draws"), DEMO_ORGANIZATIONS[:3]) as running:
        yield running


def early_reveal(alliance: CommandLine, organization: str, draw: str) -> subprocess.CompletedProcess[str]:
    """Try to show a secret before the close."""
    data = alliance.home / organization
    return alliance.run("draw", "reveal", draw, "--data", str(data), words=data / "passphrase")


def test_a_draw_is_published_kept_entered_revealed_and_verified(alliance: CommandLine) -> None:
    mall, draw = next(item.id for item in DEMO_ORGANIZATIONS[:3] if "mall" in item.id), "spring"
    name = f"{mall}/{draw}"
    keys, account, height = {}, "", 0
    for member in ("alice", "bob"):
        keys[member], account = alliance.member(member)
        earned = ("tx", "earn", "--account", account, "--order", member, "--amount-fen", "1000000")
        height = alliance.acting(mall, *earned)["height"]
    terms = PROMISED | {
        "prices": [{"pointType": f"{mall}/consumer", "points": 5}],
        "closeHeight": height + 11,
        "committers": ORGANIZATIONS,
        "revealBy": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        "settleBy": (datetime.now(UTC) + timedelta(days=2)).isoformat(),
    }
    (alliance.files / "spring.json").write_text(json.dumps(terms))

    alliance.acting(mall, "draw", "publish", name, "--terms", str(alliance.files / "spring.json"))
    for organization in ORGANIZATIONS:
        alliance.acting(organization, "draw", "commit", name)
    folders = {item: alliance.home / item / "draws" / mall / draw for item in ORGANIZATIONS}
    for keeper in ORGANIZATIONS:
        others = [item for item in ORGANIZATIONS if item != keeper]
        files = [str(folders[item] / f"for-{keeper}.json") for item in others]
        wrong = [files[0], str(folders[others[1]] / f"for-{others[0]}.json")]
        data = alliance.home / keeper
        refused = alliance.run(
            "draw",
            "keep",
            name,
            "--data",
            str(data),
            "--pieces",
            wrong[0],
            "--pieces",
            wrong[1],
            words=data / "passphrase",
        )
        assert refused.returncode == 4
        assert "does not fit" in refused.stderr
        alliance.acting(keeper, "draw", "keep", name, "--pieces", files[0], "--pieces", files[1])
    for path in folders[mall].iterdir():
        assert path.stat().st_mode & 0o777 == 0o600

    bought = ("--point-type", f"{mall}/consumer", "--entries")
    alliance.told("draw", "enter", name, "--key", keys["alice"], *bought, "3")
    last = alliance.told("draw", "enter", name, "--key", keys["bob"], *bought, "2")["height"]
    assert "no winners yet" in alliance.run("draw", "verify", name).stderr
    assert "would tell who wins" in early_reveal(alliance, mall, name).stderr
    number = 0
    while last <= terms["closeHeight"]:
        earned = ("tx", "earn", "--account", account, "--order", f"more{number}", "--amount-fen", "100")
        last, number = alliance.acting(mall, *earned)["height"], number + 1
    for organization in ORGANIZATIONS:
        alliance.acting(organization, "draw", "reveal", name)

    verified = alliance.run("draw", "verify", name)
    assert verified.returncode == 0, verified.stderr
    assert verified.stdout == "5 entries, 2 winners: all as anybody computes them\n"
    first = alliance.told("draw", "show", name)["winners"][0]["number"]
    alliance.acting(mall, "draw", "fulfil", name, "--entry", str(first))
    text = alliance.run("draw", "show", name).stdout
    assert "bicycle" in text
    assert text.count("handed over") == 1
    assert "odds         2 in 5 so far, 2 in 100 at worst" in text
    assert name in alliance.run("draw", "list").stdout
    assert "DRAW_OVER" in alliance.run("draw", "enter", name, "--key", keys["bob"], *bought, "1").stderr
