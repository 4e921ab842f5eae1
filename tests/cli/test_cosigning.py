"""Drafts: what several have to sign goes from one to the other as a file."""

import json
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner, Result

from jifen.cli.app import app
from jifen.cli.cosigning import DRAFT_BYTES_MAX, read_draft, write_draft
from jifen.cli.failures import CommandFailed, UsageFault
from jifen.client import TransactionBuilder, missing_signers
from jifen.keys.keystore import write_key_file
from jifen.keys.signing import KeyPair

PASSPHRASE: Final = "correct horse battery"
CHAIN: Final = bytes(range(32))
ALICE, BOB = KeyPair.derive(bytes(32), "alice"), KeyPair.derive(bytes(32), "bob")


@pytest.fixture
def draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a draft of Alice's that Bob is to sign, beside Bob's key."""
    monkeypatch.setenv("JIFEN_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("JIFEN_PASSPHRASE", PASSPHRASE)
    write_key_file(tmp_path / "bob.key", BOB, PASSPHRASE, "bob")
    builder = TransactionBuilder(CHAIN, clock=lambda: 1_790_000_000_000, cosigners=[BOB.public])
    sealed = builder.transfer_points(ALICE, recipient=bytes(20), point_type="books/consumer", points=5)
    write_draft(tmp_path / "gift.tx", CHAIN, sealed)
    return tmp_path / "gift.tx"


def run(*arguments: str | Path) -> Result:
    """Run `jifen tx` in this process."""
    return CliRunner().invoke(app, ["tx", *map(str, arguments)])


def test_a_draft_says_what_it_does_and_who_is_missing(draft: Path) -> None:
    result = run("inspect", draft)

    assert result.exit_code == 0, result.output
    for text in ("kind         transferPoints", "points               5", "recipient            jf1qqqqqq"):
        assert text in result.output
    assert f"signed by    {ALICE.public.hex()}\nmissing      {BOB.public.hex()}" in result.output
    told = json.loads(run("inspect", draft, "--json").output)
    assert (told["kind"], told["fields"]["points"]) == ("transferPoints", 5)
    assert [item["signed"] for item in told["signers"]] == [True, False]
    assert told["fields"]["expires_at"] == "2026-09-21T14:23:20+00:00"


def test_the_other_signs_the_file_without_a_network_and_nothing_is_missing_any_more(draft: Path) -> None:
    result = run("sign", draft, "--key", draft.parent / "bob.key")

    assert result.exit_code == 0, result.output
    assert f"next         jifen tx submit {draft}" in result.output
    chain, signed = read_draft(draft)
    assert (chain, missing_signers(signed)) == (CHAIN, ())
    assert [path.name for path in sorted(draft.parent.iterdir())] == ["bob.key", "gift.tx"]


def test_a_draft_that_lacks_signatures_is_not_submitted(draft: Path) -> None:
    result = run("submit", draft, "--url", "http://127.0.0.1:9")

    assert isinstance(result.exception, CommandFailed)
    assert str(result.exception).startswith(f"{draft} lacks the signature of {BOB.public.hex()}")


def test_who_is_not_named_cannot_sign_and_the_draft_stays(draft: Path) -> None:
    write_key_file(draft.parent / "eve.key", KeyPair.derive(bytes(32), "eve"), PASSPHRASE, "eve")
    before = draft.read_bytes()
    result = run("sign", draft, "--key", draft.parent / "eve.key")

    assert isinstance(result.exception, UsageFault)
    assert "is to be signed by" in str(result.exception)
    assert draft.read_bytes() == before
    assert isinstance(run("sign", draft).exception, UsageFault), "nobody was named who signs"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is no draft"),
        (b"[]", "is no draft"),
        (b'{"chain": "00", "transaction": ""}', "names no alliance"),
        (b'{"chain": "zz", "transaction": ""}', "is no draft"),
        (b"{" + b" " * DRAFT_BYTES_MAX + b"}", "is no draft"),
    ],
)
def test_what_is_no_draft_is_refused_with_the_way_to_one(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "x.tx"
    path.write_bytes(content)
    with pytest.raises(CommandFailed, match=text):
        read_draft(path)
    with pytest.raises(CommandFailed, match="cannot be read"):
        read_draft(tmp_path / "none.tx")


def test_no_draft_is_written_over(draft: Path, tmp_path: Path) -> None:
    before = draft.read_bytes()
    sealed = TransactionBuilder(CHAIN).register_member(ALICE)
    for path in (draft, tmp_path / "no directory" / "gift.tx"):
        with pytest.raises(CommandFailed, match="cannot be written"):
            write_draft(path, CHAIN, sealed)
    assert draft.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--cosigner", "ab" * 32), "--cosigner needs --draft FILE"),
        (("--draft", "new.tx", "--cosigner", "5f"), "is no public key"),
        (("--draft", "gift.tx"), "exists; name another file"),
    ],
)
def test_wrong_wishes_for_a_draft_are_told_before_anybody_is_asked(
    draft: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], text: str
) -> None:
    monkeypatch.chdir(draft.parent)
    result = run(*options, "register", "--key", "bob.key", "--url", "http://127.0.0.1:9")

    assert isinstance(result.exception, UsageFault)
    assert text in str(result.exception)
