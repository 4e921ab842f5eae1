"""Encrypted key files: what opens, and everything that must not."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from jifen.keys import keystore
from jifen.keys.keystore import (
    KEY_FILE_BYTES_MAX,
    PASSPHRASE_CHARACTERS_MIN,
    KeyFileError,
    read_document,
    read_key_file,
    read_secret,
    write_key_file,
    write_secret,
)
from jifen.keys.signing import KeyPair

PASSPHRASE: Final = "correct horse"
PAIR: Final = KeyPair.derive(bytes(32), "a validator")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a key file, made with the cheapest scrypt that a file may ask for."""
    monkeypatch.setattr(keystore, "SCRYPT_N", 2**14)
    found = tmp_path / "validator.key"
    write_key_file(found, PAIR, PASSPHRASE, "validator of mall")
    return found


def test_a_key_comes_back_as_it_was(path: Path) -> None:
    opened = read_key_file(path, PASSPHRASE)

    assert opened.secret == PAIR.secret
    assert opened.public == PAIR.public


def test_a_file_shows_its_label_and_public_key_but_not_its_secret(path: Path) -> None:
    document = read_document(path)

    assert (document.format, document.label, document.public) == ("jifen-key/1", "validator of mall", PAIR.public.hex())
    data = path.read_bytes()
    assert PAIR.secret not in data
    assert PAIR.secret.hex().encode() not in data
    assert base64.b64encode(PAIR.secret) not in data


def test_only_the_owner_may_read_the_file(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_cost_that_is_written_is_the_documented_one(tmp_path: Path) -> None:
    write_secret(tmp_path / "k", PAIR.secret, "", "master", PASSPHRASE)

    assert read_document(tmp_path / "k").n == 2**15
    assert read_secret(tmp_path / "k", PASSPHRASE) == PAIR.secret


def test_two_files_of_one_key_have_nothing_secret_in_common(path: Path) -> None:
    other = path.with_name("other.key")
    write_key_file(other, PAIR, PASSPHRASE, "validator of mall")

    first, second = read_document(path), read_document(other)
    assert first.salt != second.salt
    assert first.nonce != second.nonce
    assert first.sealed != second.sealed


@pytest.mark.parametrize("passphrase", ["", "correct hors", "correct horse ", "Correct horse", "\u00e9" * 12])
def test_another_passphrase_does_not_open_it(path: Path, passphrase: str) -> None:
    with pytest.raises(KeyFileError, match="does not open: the passphrase is wrong or the file was altered"):
        read_key_file(path, passphrase)


def test_a_passphrase_of_any_script_opens_what_it_closed(path: Path) -> None:
    other = path.with_name("other.key")
    passphrase = "\u79ef\u5206" * 6

    write_key_file(other, PAIR, passphrase, "\u79ef\u5206 \U0001f511")

    assert read_key_file(other, passphrase).public == PAIR.public
    assert read_document(other).label == "\u79ef\u5206 \U0001f511"


def flip(text: str) -> str:
    """Return base64 with one bit of its first byte turned."""
    data = bytearray(base64.b64decode(text))
    data[0] ^= 1
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("label", lambda _: "operator of mall"),
        ("label", lambda _: ""),
        ("public", lambda _: KeyPair.derive(bytes(32), "another").public.hex()),
        ("public", lambda text: text.upper()),
        ("n", lambda _: 2**15),
        ("salt", flip),
        ("nonce", flip),
        ("sealed", flip),
        ("sealed", lambda text: base64.b64encode(base64.b64decode(text)[::-1]).decode()),
    ],
)
def test_an_altered_file_does_not_open(path: Path, field: str, change: Callable[[Any], Any]) -> None:
    document = json.loads(path.read_bytes())
    document[field] = change(document[field])
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(KeyFileError, match="does not open: the passphrase is wrong or the file was altered"):
        read_key_file(path, PASSPHRASE)


def test_a_key_file_is_not_a_master_secret_by_taking_its_public_key_away(path: Path) -> None:
    document = json.loads(path.read_bytes()) | {"public": ""}
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(KeyFileError, match="does not open"):
        read_secret(path, PASSPHRASE)


def test_a_master_secret_is_no_signing_key(path: Path) -> None:
    other = path.with_name("members.key")
    write_secret(other, bytes(range(32)), "", "master secret", PASSPHRASE)

    assert read_secret(other, PASSPHRASE) == bytes(range(32))
    with pytest.raises(KeyFileError, match="holds a master secret, not a signing key"):
        read_key_file(other, PASSPHRASE)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"n": 2**14 - 1}, ">= 16384", id="cheap scrypt"),
        pytest.param({"n": 2**20 + 1}, "<= 1048576", id="scrypt that eats the memory"),
        pytest.param({"n": 2**40}, "<= 1048576", id="scrypt that eats all memory"),
        pytest.param({"n": 20_000}, "20000 is no power of two", id="no power of two"),
        pytest.param({"n": "16384"}, "Expected `int`", id="text for a number"),
        pytest.param({"n": 16384.5}, "Expected `int`", id="a fraction"),
        pytest.param({"salt": ""}, ">= 16", id="no salt"),
        pytest.param({"salt": "?"}, "base64", id="no base64"),
        pytest.param({"nonce": "AAAA"}, ">= 12", id="short nonce"),
        pytest.param({"sealed": "AAAA"}, ">= 48", id="short seal"),
        pytest.param({"extra": 1}, "unknown field `extra`", id="unknown field"),
        pytest.param({"label": None}, "Expected `str`", id="no label"),
        pytest.param(
            {"format": "jifen-key/2"}, "has format 'jifen-key/2'; this version reads 'jifen-key/1'", id="newer"
        ),
    ],
)
def test_a_forged_file_is_refused_before_scrypt_runs(
    path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], reason: str
) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes), encoding="utf-8")
    monkeypatch.setattr(keystore, "_stretch", lambda *_: pytest.fail("scrypt ran on a forged file"))

    with pytest.raises(KeyFileError) as caught:
        read_key_file(path, PASSPHRASE)

    assert reason in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "is no key file", id="nothing"),
        pytest.param(b"\x00\xff\xfe", "is no key file", id="garbage"),
        pytest.param(b'{"format": "jifen-key/1"}', "missing required field", id="fields missing"),
        pytest.param(b'{"format": "\xff"}', "is no key file", id="no UTF-8"),
        pytest.param(b'{"format": ' + b"[" * 10_000, "is no key file", id="deep nesting"),
        pytest.param(b"-----BEGIN PRIVATE KEY-----\n", "is no key file", id="a PEM file"),
        pytest.param(b" " * (KEY_FILE_BYTES_MAX + 1), "is too large to be a key file", id="too large"),
    ],
)
def test_a_file_that_is_no_key_file_is_refused_with_the_reason(path: Path, data: bytes, reason: str) -> None:
    path.write_bytes(data)

    for read in (
        read_document,
        lambda file: read_secret(file, PASSPHRASE),
        lambda file: read_key_file(file, PASSPHRASE),
    ):
        with pytest.raises(KeyFileError) as caught:
            read(path)
        assert reason in str(caught.value)


def test_a_missing_file_and_a_directory_are_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"none\.key cannot be read: No such file or directory"):
        read_key_file(tmp_path / "none.key", PASSPHRASE)
    with pytest.raises(KeyFileError, match="cannot be read: Is a directory"):
        read_key_file(tmp_path, PASSPHRASE)


def test_an_existing_file_is_never_overwritten(path: Path) -> None:
    before = path.read_bytes()

    with pytest.raises(KeyFileError, match="exists; move it away first, a key is never overwritten"):
        write_key_file(path, KeyPair.generate(), PASSPHRASE, "another")

    assert path.read_bytes() == before


def test_a_link_to_nowhere_is_not_followed(path: Path) -> None:
    link = path.with_name("link.key")
    link.symlink_to(path.with_name("target.key"))

    with pytest.raises(KeyFileError, match="exists"):
        write_key_file(link, PAIR, PASSPHRASE, "label")
    assert not path.with_name("target.key").exists()


def test_a_directory_that_does_not_exist_is_named(path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be written: No such file or directory"):
        write_key_file(path.parent / "none" / "k", PAIR, PASSPHRASE, "label")


@pytest.mark.parametrize("length", [0, 1, PASSPHRASE_CHARACTERS_MIN - 1])
def test_a_short_passphrase_is_refused_and_writes_nothing(path: Path, length: int) -> None:
    other = path.with_name("other.key")

    with pytest.raises(KeyFileError, match="under 12 characters; choose a longer one"):
        write_key_file(other, PAIR, "x" * length, "label")
    assert not other.exists()


def test_a_passphrase_that_is_no_utf8_is_refused_and_writes_nothing(path: Path) -> None:
    other = path.with_name("other.key")

    with pytest.raises(KeyFileError, match="no valid UTF-8"):
        write_key_file(other, PAIR, "\udcff" * 12, "label")
    assert not other.exists()
    with pytest.raises(KeyFileError, match="no valid UTF-8"):
        read_key_file(path, "\udcff" * 12)


@pytest.mark.parametrize("label", ["x" * KEY_FILE_BYTES_MAX, "\u79ef" * (KEY_FILE_BYTES_MAX // 3)])
def test_a_label_too_long_to_be_read_back_is_refused_and_writes_nothing(path: Path, label: str) -> None:
    other = path.with_name("other.key")

    with pytest.raises(KeyFileError, match=r"the label has .* characters; choose a shorter one"):
        write_key_file(other, PAIR, PASSPHRASE, label)
    assert not other.exists()


def test_the_longest_label_that_is_written_can_be_read_back(path: Path) -> None:
    other = path.with_name("other.key")
    overhead = path.stat().st_size - len("validator of mall")

    write_key_file(other, PAIR, PASSPHRASE, "x" * (KEY_FILE_BYTES_MAX - overhead))

    assert other.stat().st_size == KEY_FILE_BYTES_MAX
    assert read_key_file(other, PASSPHRASE).public == PAIR.public


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_secret_of_another_length_is_our_own_fault(path: Path, length: int) -> None:
    with pytest.raises(AssertionError, match="a secret has 32 bytes"):
        write_secret(path.with_name("other.key"), bytes(length), "", "label", PASSPHRASE)
