"""An alliance appears whole or not at all, and what stands in its way is named."""

import json
import socket
from pathlib import Path

import pytest

from jifen import alliance, config
from jifen.alliance import DEMO_ORGANIZATIONS, OrganizationPlan, create_alliance
from jifen.codec.genesis import chain_id
from jifen.home import AllianceError, read_alliance
from jifen.ledger.types import OrganizationKind

ONE = DEMO_ORGANIZATIONS[1:2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an alliance once."""
    home = tmp_path_factory.mktemp("made") / "home"
    create_alliance(home, "Test", DEMO_ORGANIZATIONS[:2], port_base=20000)
    return home


def test_all_organizations_hold_the_same_genesis(made: Path) -> None:
    record = read_alliance(made)
    assert record is not None

    chains = {chain_id(config.read_genesis(made / name)).hex() for name in record.organizations}

    assert chains == {record.chain_id}


def test_secrets_can_be_read_by_their_owner_only(made: Path) -> None:
    secret = ["passphrase", "admin.token", "private-key.pem", "validator.key", "operator.key", "members.key"]
    found = {path.name: path.stat().st_mode & 0o777 for path in made.rglob("*") if path.name in secret}

    assert sorted(found) == sorted(secret)
    assert set(found.values()) == {0o600}
    assert made.stat().st_mode & 0o077 == 0


def test_no_two_secrets_are_equal(made: Path) -> None:
    texts = [path.read_text() for name in ("passphrase", "admin.token") for path in made.rglob(name)]

    assert len({*texts}) == len(texts) == 5


@pytest.mark.parametrize("step", ["encode_genesis", "_sync_tree", "write_secret"])
def test_a_crash_in_between_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(alliance, step, crash)

    with pytest.raises(KeyboardInterrupt):
        create_alliance(tmp_path / "home", "Test", ONE, port_base=20000)

    assert list(tmp_path.iterdir()) == []


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()

    create_alliance(tmp_path / "home", "Test", ONE, port_base=20000)

    assert read_alliance(tmp_path / "home") is not None


def test_the_distance_of_checkpoints_is_part_of_genesis(tmp_path: Path) -> None:
    home = tmp_path / "home"
    create_alliance(home, "Test", ONE, checkpoint_blocks=24)
    assert config.read_genesis(home / ONE[0].id).checkpoint_blocks == 24


def test_an_alliance_is_not_made_over_another(made: Path) -> None:
    with pytest.raises(AllianceError, match="holds an alliance already"):
        create_alliance(made, "Test", ONE, port_base=20000)


def test_a_home_that_does_not_exist_holds_no_alliance(tmp_path: Path) -> None:
    assert read_alliance(tmp_path / "nothing") is None


def test_a_directory_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()

    with pytest.raises(AllianceError, match="is not empty and holds no alliance; name an empty or new directory"):
        create_alliance(tmp_path, "Test", ONE, port_base=20000)


def test_a_file_in_the_place_of_a_home_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").touch()

    with pytest.raises(AllianceError, match=r"is a file|cannot be read"):
        read_alliance(tmp_path / "home")


@pytest.mark.parametrize(
    ("version", "age"), [(0, "an older version"), (2, "a newer or unknown version"), ("x", "a newer or unknown")]
)
def test_a_home_of_another_format_is_named(tmp_path: Path, version: object, age: str) -> None:
    (tmp_path / "alliance.json").write_text(json.dumps({"format": version}))

    with pytest.raises(AllianceError, match=f"made by {age}.*use that version, or another --home"):
        read_alliance(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}'])
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "alliance.json").write_text(text)

    with pytest.raises(AllianceError, match="is damaged"):
        read_alliance(tmp_path)


def test_a_directory_of_another_alliance_is_named(tmp_path: Path) -> None:
    for name in ("one", "other"):
        create_alliance(tmp_path / name, "Test", ONE, port_base=20000)
    (tmp_path / "one" / "north-music").rename(tmp_path / "aside")
    (tmp_path / "other" / "north-music").rename(tmp_path / "one" / "north-music")

    with pytest.raises(AllianceError, match="north-music belongs to another alliance"):
        read_alliance(tmp_path / "one")


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    create_alliance(tmp_path / "home", "Test", ONE, port_base=20000)
    (tmp_path / "home" / "north-music").rename(tmp_path / "aside")

    with pytest.raises(AllianceError, match="north-music is missing from the alliance"):
        read_alliance(tmp_path / "home")


def test_two_organizations_of_one_name_make_no_alliance(tmp_path: Path) -> None:
    twin = OrganizationPlan("twin", "Twin", OrganizationKind.MERCHANT, 1, 10)

    with pytest.raises(AllianceError, match="share an id"):
        create_alliance(tmp_path / "home", "Test", [twin, twin], port_base=20000)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "  ", "a" * 65, "two\nlines", "\udcff"])
def test_an_alliance_that_could_not_be_started_is_not_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(AllianceError, match="the name of an alliance is 1 to 64 printable characters"):
        create_alliance(tmp_path / "home", name, ONE, port_base=20000)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port_base", [0, 80, 65535, 65336])
def test_a_port_base_without_room_is_named(tmp_path: Path, port_base: int) -> None:
    with pytest.raises(AllianceError, match="leaves no room"):
        create_alliance(tmp_path / "home", "Test", ONE, port_base=port_base)


def occupied(first: int, last: int, needed: tuple[int, ...]) -> tuple[socket.socket, int]:
    """Return a listener on a port between the two, those at the needed distances below and above it being free."""
    for port in range(first, last, 10):
        try:
            for distance in needed:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port + distance))
            listener = socket.create_server(("127.0.0.1", port))
        except OSError:
            continue
        return listener, port
    pytest.fail("no free ports were found")


@pytest.mark.parametrize("offset", [1, 101, 201])
def test_a_port_in_use_is_named(offset: int) -> None:
    wanted = [distance + index for distance in (0, 100, 200) for index in range(4)]
    # Below the ports that systems lend to outgoing connections (32768 and up on Linux), any of which may come and go.
    listener, port = occupied(12_000, 15_000, tuple(distance - offset for distance in wanted))

    with listener, pytest.raises(AllianceError, match=f"port {port} of 127.0.0.1 cannot be used"):
        alliance.check_ports(port - offset, 4)
