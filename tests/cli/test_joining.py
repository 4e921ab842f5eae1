"""A newcomer's data directory and request: all at once or not at all, and nothing that others could not read."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from typer.testing import CliRunner

from jifen import admission, alliance, config
from jifen.admission import JoinRequest, RequestError, ValidatorPlan, decode_request, prepare_validator, read_request
from jifen.alliance import OPERATOR_SCOPES
from jifen.cli.app import app
from jifen.codec.changes import change_fingerprint
from jifen.codec.genesis import chain_id, encode_genesis
from jifen.home import AllianceError
from jifen.keys.keystore import KeyFileError, read_key_file, write_key_file
from jifen.keys.signing import KeyPair
from jifen.ledger.types import OrganizationKind, Scope
from jifen.testing.small_alliance import small_genesis
from jifen.transport.identity import certificate_fingerprint, create_tls_identity

GENESIS: Final = small_genesis()
PLAN: Final = ValidatorPlan(
    organization="tea-house",
    name="Tea House",
    kind=OrganizationKind.MERCHANT,
    validator="tea-house",
    peer=config.Address("10.0.0.7", 8180),
    public_url="https://points.tea-house.example",
    peer_listen="0.0.0.0:8180",
    public_listen="0.0.0.0:8080",
    admin_listen="127.0.0.1:8280",
)


def changed(**changes: Any) -> ValidatorPlan:
    """Return the plan with some of it exchanged."""
    return msgspec.structs.replace(PLAN, **changes)


def test_the_directory_holds_what_a_validator_needs_and_the_request_says_the_same(tmp_path: Path) -> None:
    request = prepare_validator(tmp_path / "tea", GENESIS, PLAN)

    directory = tmp_path / "tea"
    words = config.read_secret_text(directory / config.PASSPHRASE_FILE)
    validator = read_key_file(directory / config.VALIDATOR_KEY_FILE, words)
    operator = read_key_file(directory / config.OPERATOR_KEY_FILE, words)
    settings = config.read_config(directory)
    assert read_request(directory / config.REQUEST_FILE) == request
    assert request.validator_key == validator.public.hex()
    assert request.certificate_pem == (directory / config.CERTIFICATE_FILE).read_text()
    assert request.chain_id == chain_id(config.read_genesis(directory)).hex() == chain_id(GENESIS).hex()
    assert (settings.organization, settings.validator) == ("tea-house", "tea-house")
    assert (settings.peer_listen, settings.admin_listen) == ("0.0.0.0:8180", "127.0.0.1:8280")
    assert len(config.read_token(directory)) == 64
    change = request.change()
    assert change.newcomer is not None
    [first] = change.newcomer.operators
    assert (first.key, first.scopes) == (operator.public, int(OPERATOR_SCOPES))
    assert (change.key, change.peer_host, change.peer_port) == (validator.public, "10.0.0.7", 8180)
    assert len(certificate_fingerprint(change.certificate_pem.encode())) == 32


def test_no_secret_can_be_read_by_others(tmp_path: Path) -> None:
    prepare_validator(tmp_path / "tea", GENESIS, PLAN)

    open_to_others = {
        str(path.relative_to(tmp_path / "tea"))
        for path in (tmp_path / "tea").rglob("*")
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
    }
    assert open_to_others <= {"node.toml", "genesis.json", "join-request.json", "tls/certificate.pem"}


def test_a_member_brings_its_operator_key_and_no_newcomer(tmp_path: Path) -> None:
    operator = KeyPair.derive(bytes(32), "books operator")
    plan = changed(organization="books", name=None, validator="books-2", replaces="books")

    request = prepare_validator(tmp_path / "books-2", GENESIS, plan, operator)

    words = config.read_secret_text(tmp_path / "books-2" / config.PASSPHRASE_FILE)
    assert read_key_file(tmp_path / "books-2" / config.OPERATOR_KEY_FILE, words).public == operator.public
    assert (request.newcomer, request.validator, request.replaces) == (None, "books-2", "books")


def test_two_directories_share_no_secret(tmp_path: Path) -> None:
    first, second = (prepare_validator(tmp_path / name, GENESIS, PLAN) for name in ("a", "b"))

    assert first.validator_key != second.validator_key
    assert first.certificate_pem != second.certificate_pem
    assert change_fingerprint(first.change()) != change_fingerprint(second.change())


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        pytest.param(changed(organization="books", validator="books-2"), "in the alliance already", id="a member"),
        pytest.param(changed(validator="mall"), "mall is the id of a validator of genesis", id="a taken id"),
        pytest.param(changed(organization="Tea House"), r"\$\.organization", id="no id"),
        pytest.param(changed(validator="tea_house"), r"\$\.validator", id="no validator id"),
        pytest.param(changed(name=""), r"\$\.newcomer\.name", id="no name"),
        pytest.param(changed(public_url="points.example"), r"\$\.public_url", id="no URL"),
        pytest.param(changed(peer=config.Address("::g", 1)), r"\$\.peer_host", id="no host"),
        pytest.param(changed(replaces="MALL"), r"\$\.replaces", id="no id to replace"),
        pytest.param(changed(peer_listen="everywhere"), "'everywhere' is no address", id="no listening address"),
        pytest.param(changed(admin_listen="0.0.0.0:8080"), "two of the listening addresses", id="one port twice"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_and_leaves_nothing(tmp_path: Path, plan: ValidatorPlan, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        prepare_validator(tmp_path / "tea", GENESIS, plan)

    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "tea").mkdir()
    (tmp_path / "tea" / "mine").write_text("keep")

    with pytest.raises(AllianceError, match="is in the way; name an empty or new directory"):
        prepare_validator(tmp_path / "tea", GENESIS, PLAN)

    assert [path.name for path in (tmp_path / "tea").iterdir()] == ["mine"]


@pytest.mark.parametrize("step", ["encode_genesis", "node_toml", "decode_request"])
def test_a_crash_in_between_leaves_no_half_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(admission, step, crash)

    with pytest.raises(KeyboardInterrupt):
        prepare_validator(tmp_path / "tea", GENESIS, PLAN)

    assert list(tmp_path.iterdir()) == []


def document(**changes: Any) -> bytes:
    """Return a request's bytes with some of it exchanged; a value of None leaves the field out."""
    pem = create_tls_identity("tea", datetime.now(UTC)).certificate_pem.decode()
    operator = {"key": "ab" * 32, "scopes": ["ADMIN"]}
    fields: dict[str, Any] = {
        "format": 1, "chain_id": "cd" * 32, "organization": "tea", "validator": "tea", "validator_key": "ef" * 32,
        "newcomer": {"name": "Tea", "kind": "MERCHANT", "operators": [operator]}, "certificate_pem": pem,
        "peer_host": "::1", "peer_port": 1, "public_url": "http://x", "replaces": "old",
    }  # fmt: skip
    return json.dumps({name: value for name, value in (fields | changes).items() if value is not None}).encode()


def test_a_request_is_read_as_it_stands() -> None:
    request = decode_request(document(replaces=None), "x")

    assert isinstance(request, JoinRequest)
    assert (request.peer_host, request.replaces) == ("::1", None)
    assert decode_request(document(), "x").replaces == "old"


NEWCOMER: Final = {"name": "Tea", "kind": "MERCHANT", "operators": [{"key": "ab" * 32, "scopes": ["ADMIN"]}]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "is no request to join", id="nothing"),
        pytest.param(b"[]", "is no request to join", id="a list"),
        pytest.param(b"\xff", "is no request to join", id="no text"),
        pytest.param(b"x" * (64 << 10) + b"x", "more than 65536 bytes", id="too large"),
        pytest.param(document(format=2), "has format 2; this version of Jifen reads format 1", id="newer"),
        pytest.param(document(extra=1), "unknown field `extra`", id="a field too many"),
        pytest.param(document(validator=None), "missing required field `validator`", id="a field too few"),
        pytest.param(document(validator_key="EF" * 32), r"\$\.validator_key", id="capitals in a key"),
        pytest.param(document(certificate_pem="none"), r"\$\.certificate_pem", id="no certificate"),
        pytest.param(
            document(certificate_pem="-----BEGIN CERTIFICATE-----\nTUE=\n-----END CERTIFICATE-----\n"),
            "no PEM certificate.*as `jifen join prepare` wrote it",
            id="looks like one",
        ),
        pytest.param(document(newcomer=NEWCOMER | {"kind": "CHURCH"}), "no kind of organization 'CHURCH'", id="kind"),
        pytest.param(
            document(newcomer=NEWCOMER | {"operators": [{"key": "ab" * 32, "scopes": ["GOD"]}]}),
            "no scope 'GOD'; the scopes are ADMIN, ISSUER",
            id="scope",
        ),
        pytest.param(document(newcomer=NEWCOMER | {"operators": []}), r"\$\.newcomer\.operators", id="nobody"),
        pytest.param(document(peer_port=0), r"\$\.peer_port", id="port"),
    ],
)
def test_what_is_no_request_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(RequestError, match=reason) as caught:
        decode_request(data, "their file")

    assert str(caught.value).startswith("their file") or "the scopes are" in reason or "no kind" in reason


def test_scopes_named_twice_count_once() -> None:
    newcomer = NEWCOMER | {"operators": [{"key": "ab" * 32, "scopes": ["ADMIN", "ADMIN", "CASHIER"]}]}

    change = decode_request(document(newcomer=newcomer), "x").change()

    assert change.newcomer is not None
    assert change.newcomer.operators[0].scopes == int(Scope.ADMIN | Scope.CASHIER)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="nowhere cannot be read"):
        read_request(tmp_path / "nowhere")


def run(*arguments: str) -> Any:
    """Run a command in this process."""
    return CliRunner(env={"JIFEN_PASSPHRASE": None, "JIFEN_PASSPHRASE_FILE": None}).invoke(app, ["join", *arguments])


@pytest.fixture
def genesis_file(tmp_path: Path) -> Path:
    """Return a file with the alliance's document."""
    path = tmp_path / "genesis.json"
    path.write_bytes(encode_genesis(GENESIS))
    return path


WHERE: Final = ("--peer", "10.0.0.7:8180", "--public-url", "http://10.0.0.7:8080")


def test_the_command_tells_the_fingerprint_and_whom_to_send_what(tmp_path: Path, genesis_file: Path) -> None:
    target = tmp_path / "tea"

    result = run(
        "prepare",
        str(target),
        "--genesis",
        str(genesis_file),
        "--organization",
        "tea",
        "--name",
        "Tea",
        "--mall",
        *WHERE,
    )

    assert result.exit_code == 0, result.output
    request = read_request(target / config.REQUEST_FILE)
    assert change_fingerprint(request.change()).hex() in result.output
    assert "jifen tx propose-admission" in result.output
    assert request.newcomer is not None
    assert (request.newcomer.kind, request.validator) == ("MALL", "tea")
    assert config.read_config(target).peer_listen == "0.0.0.0:8180"


def test_the_command_takes_a_member_s_key_from_its_data_directory(tmp_path: Path, genesis_file: Path) -> None:
    key, old = KeyPair.generate(), tmp_path / "old"
    (old / "keys").mkdir(parents=True)
    write_key_file(old / "keys" / "operator.key", key, "old words, many", "operator of books")
    alliance.write_private(old / "passphrase", "old words, many")

    result = run(
        "prepare", str(tmp_path / "new"), "--genesis", str(genesis_file), "--organization", "books",
        "--validator", "books-2", "--replaces", "books", "--operator-key", str(old / "keys" / "operator.key"),
        "--json", *WHERE,
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    request = read_request(Path(told["request"]))
    assert told == {
        "request": str(tmp_path / "new" / "join-request.json"),
        "fingerprint": change_fingerprint(request.change()).hex(),
        "chainId": chain_id(GENESIS).hex(),
    }
    words = config.read_secret_text(tmp_path / "new" / config.PASSPHRASE_FILE)
    assert read_key_file(tmp_path / "new" / config.OPERATOR_KEY_FILE, words).public == key.public
    with pytest.raises(KeyFileError):
        read_key_file(tmp_path / "new" / config.OPERATOR_KEY_FILE, "old words, many")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "give the --name"),
        (("--name", "Tea", "--operator-key", "x"), "give the --name"),
        (("--operator-key", "x"), "choose an id for the --validator"),
        (("--name", "Tea", "--peer", "nowhere"), "--peer 'nowhere' is no address"),
    ],
)
def test_arguments_that_do_not_fit_together_are_told_apart(
    tmp_path: Path, genesis_file: Path, arguments: tuple[str, ...], reason: str
) -> None:
    result = run(
        "prepare", str(tmp_path / "tea"), "--genesis", str(genesis_file), "--organization", "tea", *WHERE, *arguments
    )

    assert result.exit_code != 0
    assert reason in str(result.exception)
    assert not (tmp_path / "tea").exists()
