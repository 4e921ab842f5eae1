"""The command line: one line that says what to do, and an exit code that says whose turn it is."""

import importlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import pytest
import trio
import typer
from typer.testing import CliRunner

from jifen.cli import draws, failures, rewards
from jifen.cli.app import app
from jifen.cli.failures import FAILURE, FAULT, REFUSED, USAGE, CommandFailed, UsageFault, exit_code_of
from jifen.cli.options import client_of, open_key
from jifen.client import Refused, Unavailable
from jifen.client.draws import DrawTerms
from jifen.client.rewards import draft_of
from jifen.keys.keystore import KeyFileError, read_key_file, write_key_file
from jifen.keys.signing import KeyPair
from jifen.ledger.rejections import Rejection

PASSPHRASE: Final = "correct horse battery"
CHAIN: Final = "ab" * 32
NOWHERE: Final = "http://127.0.0.1:9"
"""A port that nobody listens on: discard, RFC 863."""


def jifen(*arguments: str, flags: tuple[str, ...] = (), **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process, without a terminal."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
    return subprocess.run(
        [sys.executable, *flags, "-P", "-m", "jifen", *arguments],
        env=environment | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_one_line(result: subprocess.CompletedProcess[str], code: int, text: str) -> None:
    """Check that a run ended with one line on standard error, holding `text`."""
    assert result.returncode == code, result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("jifen: ")
    assert text in result.stderr


def test_every_command_has_help_with_an_example_and_the_exit_codes() -> None:
    group = typer.main.get_command(app)
    commands: Mapping[str, object] = getattr(group, "commands")  # noqa: B009 - typer's type does not name it
    runner = CliRunner()
    groups = (
        "key",
        "snapshot",
        "tx",
        "point-types",
        "rules",
        "tiers",
        "bonuses",
        "validators",
        "proposals",
        "evidence",
        "join",
        "reward",
        "cashback",
        "draw",
        "swap",
        "pay",
    )
    leaves = [[name] for name in commands if name not in groups]
    leaves += [[name, leaf] for name in groups for leaf in getattr(commands[name], "commands")]  # noqa: B009
    assert len(leaves) == 102

    for leaf in leaves:
        result = runner.invoke(app, [*leaf, "--help"])
        assert result.exit_code == 0, result.output
        assert f"\n  jifen {' '.join(leaf)}" in result.output, leaf
    for leaf in ([], ["demo"], ["start"]):
        assert "3 refused by the ledger" in runner.invoke(app, [*leaf, "--help"]).output.replace("\n  ", " ")


def test_help_does_not_load_the_node() -> None:
    code = "import sys, jifen.cli.app; print([name for name in sys.modules if name in {names!r}])"
    heavy = {"trio", "strawberry", "lmdb", "httpx", "coincurve", "rich.progress", "hypercorn"}

    result = subprocess.run(
        [sys.executable, "-P", "-c", code.format(names=heavy)], capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == "[]"


def test_without_a_command_the_commands_are_listed() -> None:
    result = jifen()

    assert result.returncode == 0
    assert "verify" in result.stdout
    assert "jifen demo      " in result.stdout, "what to begin with"
    assert "...\n" not in result.stdout.partition("Commands:")[2], "a summary is cut off"


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.startswith("jifen 0.")


def test_it_refuses_to_run_without_assertions() -> None:
    assert_one_line(jifen("--version", flags=("-O",)), FAILURE, "start Python without -O")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["nonsense"], USAGE, "No such command 'nonsense'"),
        (["demo", "--port-base", "many"], USAGE, "--port-base"),
        (["start"], USAGE, "--data"),
        (["init", "--merchant", "Tea House:1/10"], USAGE, "write it like tea-house:1/10"),
        (["init", "--merchant", "tea:1"], USAGE, "write it like tea-house:1/10"),
        (["init", "--checkpoint-blocks", "7"], FAILURE, "an even number of blocks apart"),
        (["init", "--checkpoint-blocks", "1"], USAGE, "--checkpoint-blocks"),
        (["init", "--port-base", "80"], FAILURE, "--port-base 80 leaves no room"),
        (["status"], USAGE, "there is no alliance in .jifen; name a validator with --url"),
        (["status", "--url", "127.0.0.1:8080"], USAGE, "write it like http://127.0.0.1:8080"),
        (["status", "--url", "http://127.0.0.1:many"], USAGE, "write it like http://127.0.0.1:8080"),
        (["status", "--url", "http://"], USAGE, "write it like http://127.0.0.1:8080"),
        (["status", "--url", NOWHERE], FAILURE, "no validator answers"),
        (["account", "jf1nonsense", "--url", NOWHERE], USAGE, "copy it again"),
        (["tx", "show", "00", "--url", NOWHERE], USAGE, "64 hexadecimal digits"),
        (["import", "nothing.csv"], FAILURE, "nothing.csv cannot be read"),
        (["tx", "publish-terms", "--data", "nothing", "--url", NOWHERE], FAILURE, "nothing/node.toml does not exist"),
        (["point-types", "show", "x/guide", "--url", "nowhere"], USAGE, "write it like http://127.0.0.1:8080"),
        (["verify"], FAILURE, "there is no alliance in .jifen"),
        (["verify", "nothing"], FAILURE, "nothing/node.toml does not exist"),
        (["start", "--data", "nothing"], FAILURE, "nothing/node.toml does not exist"),
        (["key", "show", "nothing.key"], FAILURE, "nothing.key cannot be read"),
        (["key", "new", "a.key", "--chain-id", "abc"], USAGE, "--chain-id has 64 hexadecimal digits"),
        (["key", "new", "a.key"], FAILURE, "set JIFEN_PASSPHRASE_FILE"),
        (["demo", "--purchases", "nothing.csv"], FAILURE, "nothing.csv cannot be read"),
    ],
)
def test_a_mistake_is_answered_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, text: str
) -> None:
    monkeypatch.chdir(tmp_path)

    assert_one_line(jifen(*arguments), code, text)
    assert list(tmp_path.iterdir()) == []


def test_a_new_key_is_written_encrypted_and_only_its_public_half_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "alice.key"

    made = jifen("key", "new", str(file), "--label", "alice", "--chain-id", CHAIN, JIFEN_PASSPHRASE=PASSPHRASE)
    shown = jifen("key", "show", str(file), "--chain-id", CHAIN, "--json")

    pair = read_key_file(file, PASSPHRASE)
    assert file.stat().st_mode & 0o777 == 0o600
    assert pair.public.hex() in made.stdout
    assert pair.secret.hex() not in made.stdout + made.stderr + file.read_text()
    assert json.loads(shown.stdout)["key"] == pair.public.hex()
    assert json.loads(shown.stdout)["account"].startswith("jf1")


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "alice.key"
    file.write_text("precious")

    result = jifen("key", "new", str(file), JIFEN_PASSPHRASE=PASSPHRASE)

    assert_one_line(result, FAILURE, "a key is never overwritten")
    assert file.read_text() == "precious"


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    assert_one_line(jifen("key", "new", str(tmp_path / "a.key"), JIFEN_PASSPHRASE="short"), FAILURE, "choose a longer")


def test_a_derived_key_is_the_same_every_time_and_can_be_kept(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert jifen("init", "--home", str(home), "--merchant", "tea-house:1/10").returncode == 0
    derive = ("key", "derive", "0001", "--home", str(home), "--json")

    first = json.loads(jifen(*derive).stdout)
    kept = jifen(*derive, "--output", str(tmp_path / "kept.key"), JIFEN_PASSPHRASE=PASSPHRASE)

    assert json.loads(kept.stdout)["account"] == first["account"]
    assert read_key_file(tmp_path / "kept.key", PASSPHRASE).public.hex() == first["key"]
    assert_one_line(jifen("init", "--home", str(home)), FAILURE, "holds an alliance already")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageFault("no"), USAGE),
        (Refused("REJECTED", "too poor", Rejection.INSUFFICIENT_POINTS), REFUSED),
        (Refused("BAD_REQUEST", "account 'zz': has 2 characters instead of 41; copy it again"), USAGE),
        (Unavailable("nobody there"), FAILURE),
        (CommandFailed("no"), FAILURE),
        (KeyboardInterrupt(), FAILURE),
        (ExceptionGroup("both", [CommandFailed("first"), ExceptionGroup("inner", [CommandFailed("second")])]), FAILURE),
    ],
)
def test_expected_errors_have_their_exit_codes(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of(error) == code
    assert capsys.readouterr().err.count("\n") == 1


def test_who_reaches_no_validator_is_told_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code_of(Unavailable("nobody there"))

    told = "jifen: nobody there; start one with `jifen start` or `jifen demo`, or name another with --url\n"
    assert capsys.readouterr().err == told


def test_every_command_that_the_readme_names_exists() -> None:
    runner, readme = CliRunner(), (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    rows = [line for line in readme.splitlines() if line.startswith("| `jifen ")]
    named = {words for row in rows for words in re.findall(r"`jifen ((?:[a-z][a-z-]* ?)+)", row.split(" | ")[0])}

    assert len(named) > 30
    for words in sorted(named):
        assert runner.invoke(app, [*words.split(), "--help"]).exit_code == 0, words


def test_a_key_is_opened_by_the_passphrase_of_its_own_directory_where_the_environments_opens_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = {name: KeyPair.generate() for name in ("alice", "operator")}
    write_key_file(tmp_path / "alice.key", pairs["alice"], PASSPHRASE, "alice")
    write_key_file(tmp_path / "operator.key", pairs["operator"], "another passphrase", "operator")
    (tmp_path / "data").mkdir()
    beside = tmp_path / "data" / "passphrase"
    beside.write_text("another passphrase\n")
    beside.chmod(0o600)
    monkeypatch.setenv("JIFEN_PASSPHRASE", PASSPHRASE)

    assert open_key(tmp_path / "alice.key").public == pairs["alice"].public
    assert open_key(tmp_path / "operator.key", tmp_path / "data").public == pairs["operator"].public
    with pytest.raises(KeyFileError, match="give the one that it was made with"):
        open_key(tmp_path / "operator.key")
    with pytest.raises(CommandFailed, match="make one with `jifen key new"):
        open_key(tmp_path / "none.key")


def test_who_has_no_terminal_is_told_which_key_needs_a_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JIFEN_PASSPHRASE", "JIFEN_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    write_key_file(tmp_path / "alice.key", KeyPair.generate(), PASSPHRASE, "alice")

    with pytest.raises(CommandFailed, match=r"alice\.key needs a passphrase; set JIFEN_PASSPHRASE_FILE"):
        open_key(tmp_path / "alice.key")


def test_the_reason_of_the_ledger_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code_of(Refused("REJECTED", "too poor", Rejection.INSUFFICIENT_POINTS))

    assert capsys.readouterr().err == "jifen: INSUFFICIENT_POINTS: too poor\n"


@pytest.mark.parametrize("error", [ValueError("a bug"), ExceptionGroup("mixed", [CommandFailed("no"), KeyError("x")])])
def test_a_fault_of_ours_shows_its_traceback(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(error) == FAULT
    assert type(error).__name__ in capsys.readouterr().err


def test_the_names_of_expected_errors_are_those_of_classes() -> None:
    for places in failures._EXPECTED.values():
        for place in places:
            module, _, name = place.rpartition(".")
            assert issubclass(getattr(importlib.import_module(module), name), Exception), place


async def test_a_command_that_nobody_answers_says_once_that_it_goes_on_trying(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with client_of([NOWHERE]) as client:
        with trio.move_on_after(1):
            await client.status()

    told = capsys.readouterr().err
    assert told == f"jifen: no answer yet from {NOWHERE}; trying on, Ctrl-C ends it\n"


def examples_in(help_text: str | None) -> list[object]:
    """Return every JSON object that a command's help shows."""
    found, text, place = [], help_text or "", 0
    while (place := text.find("{", place)) >= 0:
        value, length = json.JSONDecoder().raw_decode(text[place:])
        found.append(value)
        place += length
    return found


def test_the_files_that_help_shows_are_taken_as_they_stand() -> None:
    terms, price = examples_in(draws.publish.__doc__)
    assert isinstance(terms, dict)
    promised = terms | {"prices": [*terms["prices"], price]}

    assert len(msgspec.convert(promised, DrawTerms).to_ledger().prices) == 2
    [draft] = examples_in(rewards.publish.__doc__)
    assert draft_of(json.dumps(draft).encode()).to_ledger().prices
