"""node.toml and the files beside it: what is wrong is named with file and setting."""

import shutil
from pathlib import Path

import pytest

from jifen import config, loading
from jifen.alliance import DEMO_ORGANIZATIONS, create_alliance
from jifen.config import ConfigError
from jifen.keys.keystore import KeyFileError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an alliance of two once; scrypt is slow on purpose."""
    home = tmp_path_factory.mktemp("made") / "home"
    create_alliance(home, "Test", DEMO_ORGANIZATIONS[:2], port_base=20000)
    return home


@pytest.fixture
def directory(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data directory to spoil, and an environment without passphrases."""
    monkeypatch.delenv(config.PASSPHRASE_VARIABLE, raising=False)
    monkeypatch.delenv(config.PASSPHRASE_FILE_VARIABLE, raising=False)
    shutil.copytree(made, tmp_path / "home")
    return tmp_path / "home" / "north-music"


def append(directory: Path, text: str) -> None:
    """Add lines to node.toml."""
    path = directory / config.CONFIG_FILE
    path.write_text(path.read_text() + text)


def replace(directory: Path, old: str, new: str) -> None:
    """Change node.toml."""
    path = directory / config.CONFIG_FILE
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_a_directory_as_it_was_made_loads(directory: Path) -> None:
    loaded = loading.load_setup(directory)

    assert (loaded.public.port, loaded.setup.peer_port, loaded.admin.port) == (20001, 20101, 20201)
    assert loaded.setup.peer_addresses == {}, "addresses are the ledger's unless the file says otherwise"
    assert loaded.admin_token not in repr(loaded)


@pytest.mark.parametrize("name", ["http://points.example/", "points.example:80", "", "a b", "*"])
def test_a_name_under_which_nobody_can_ask_is_refused(directory: Path, name: str) -> None:
    replace(directory, "format = 1\n", f'format = 1\nallowed_hosts = ["{name}"]\n')

    with pytest.raises(ConfigError, match=r"allowed_hosts: .* is no host name"):
        loading.load_setup(directory)


def test_text_that_is_not_utf8_is_named(directory: Path) -> None:
    (directory / config.CONFIG_FILE).write_bytes(b"format = 1 # \xff")

    with pytest.raises(ConfigError, match="byte 13 is no UTF-8 text"):
        loading.load_setup(directory)


def test_a_certificate_that_no_peer_expects_is_found_before_the_start(directory: Path) -> None:
    for name in (config.CERTIFICATE_FILE, config.TLS_KEY_FILE):
        shutil.copy(directory.parent / "harbour-mall" / name, directory / name)

    with pytest.raises(ConfigError, match=r"is not the certificate that genesis\.json names for north-music"):
        loading.load_setup(directory)


def test_a_tls_key_that_others_can_read_is_refused(directory: Path) -> None:
    (directory / config.TLS_KEY_FILE).chmod(0o640)

    with pytest.raises(ConfigError, match=r"private-key\.pem can be read by others"):
        loading.load_setup(directory)


def test_addresses_of_peers_can_be_overridden(directory: Path) -> None:
    append(directory, '[peers]\nharbour-mall = "mall.example:9000"\n')

    assert loading.load_setup(directory).setup.peer_addresses == {"harbour-mall": ("mall.example", 9000)}


def test_an_ipv6_address_stands_in_brackets(directory: Path) -> None:
    replace(directory, 'public_listen = "127.0.0.1:20001"', 'public_listen = "[::1]:20001"')

    assert loading.load_setup(directory).public.text == "[::1]:20001"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('colour = "red"\n', r"node\.toml: there is no setting 'colour'; the settings are format, organization"),
        ("format = 2\n", r"node\.toml: .*"),
        ("snapshot_bytes_per_second = 0\n", r"node\.toml: snapshot_bytes_per_second: .*"),
        ("store_map_bytes = 5\n", r"node\.toml: store_map_bytes: .*"),
        ('store_map_bytes = "much"\n', r"node\.toml: store_map_bytes: expected `int`, got `str`"),
        ("[peers]\nharbour-mall = 7\n", r"node\.toml: peers.*: expected `str`, got `int`"),
        (
            '[peers]\nharbour-mall = "nowhere"\n',
            r"node\.toml: peers\.harbour-mall: 'nowhere' is no address; write it as host:port",
        ),
        (
            '[peers]\nharbour-mall = "x:99999"\n',
            r"node\.toml: peers\.harbour-mall: 'x:99999': a port lies between 1 and 65535",
        ),
        ("= broken", r"node\.toml: .*line.*"),
    ],
)
def test_a_wrong_setting_is_named(directory: Path, text: str, message: str) -> None:
    append(directory, text)

    with pytest.raises(ConfigError, match=message):
        loading.load_setup(directory)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 9", "format is 9; this version of Jifen reads format 1"),
        ('organization = "north-music"', 'organization = "nobody"', "'nobody' is no organization of genesis.json"),
        ('organization = "north-music"', 'organization = "No Slug"', "organization: "),
        ("127.0.0.1:20201", "127.0.0.1:20001", "two of the listening addresses are the same"),
        ('peer_listen = "127.0.0.1:20101"', "", "peer_listen"),
        ("127.0.0.1:20001", "20001", "public_listen: '20001' is no address; write it as host:port"),
    ],
)
def test_a_wrong_line_is_named(directory: Path, old: str, new: str, message: str) -> None:
    replace(directory, old, new)

    with pytest.raises(ConfigError, match=message):
        loading.load_setup(directory)


@pytest.mark.parametrize(
    "name", ["node.toml", "genesis.json", "tls/certificate.pem", "tls/private-key.pem", "admin.token"]
)
def test_a_missing_file_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()

    with pytest.raises(ConfigError, match=f"{name} does not exist"):
        loading.load_setup(directory)


@pytest.mark.parametrize("name", ["passphrase", "admin.token"])
def test_a_secret_that_others_can_read_is_refused(directory: Path, name: str) -> None:
    (directory / name).chmod(0o644)

    with pytest.raises(ConfigError, match="can be read by others on this machine; run: chmod 600"):
        loading.load_setup(directory)


@pytest.mark.parametrize(("content", "message"), [("short", "32 or more"), ("", "one line"), ("a\nb", "one line")])
def test_a_poor_admin_token_is_refused(directory: Path, content: str, message: str) -> None:
    (directory / "admin.token").write_text(content)

    with pytest.raises(ConfigError, match=message):
        loading.load_setup(directory)


def test_a_damaged_genesis_is_named(directory: Path) -> None:
    (directory / "genesis.json").write_text("{}")

    with pytest.raises(ConfigError, match=r"genesis\.json: genesis: "):
        loading.load_setup(directory)


def test_a_key_of_another_organization_is_refused(directory: Path) -> None:
    own, other = directory / "keys" / "validator.key", directory.parent / "harbour-mall" / "keys" / "validator.key"
    shutil.copy(other, own)
    words = config.read_secret_text(directory.parent / "harbour-mall" / "passphrase")
    (directory / "keys" / "operator.key").unlink()
    shutil.copy(directory.parent / "harbour-mall" / "keys" / "operator.key", directory / "keys" / "operator.key")

    with pytest.raises(ConfigError, match=r"is not the key that genesis\.json names for north-music"):
        loading.load_setup(directory, words)


def test_the_passphrase_of_the_environment_goes_first(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "named"
    named.write_text("from the named file\n")
    named.chmod(0o600)

    assert config.find_passphrase(directory) == (directory / "passphrase").read_text().strip()
    monkeypatch.setenv(config.PASSPHRASE_FILE_VARIABLE, str(named))
    assert config.find_passphrase(directory) == "from the named file"
    monkeypatch.setenv(config.PASSPHRASE_VARIABLE, "from the variable")
    assert config.find_passphrase(directory) == "from the variable"


def test_without_a_passphrase_the_way_to_give_one_is_named(directory: Path) -> None:
    (directory / "passphrase").unlink()

    with pytest.raises(ConfigError, match="set JIFEN_PASSPHRASE_FILE"):
        loading.load_setup(directory)


def test_a_wrong_passphrase_opens_nothing(directory: Path) -> None:
    with pytest.raises(KeyFileError, match="the passphrase is wrong or the file was altered"):
        loading.load_setup(directory, "quite another passphrase")


def test_every_setting_is_written_into_a_new_file_or_named_in_it(made: Path) -> None:
    text = (made / "north-music" / config.CONFIG_FILE).read_text()

    assert [name for name in config.NodeConfig.__struct_fields__ if name not in text] == []


def test_a_members_passphrase_in_the_environment_does_not_keep_a_validator_from_its_own(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(config.PASSPHRASE_VARIABLE, "of a member's key")
    assert loading.load_setup(directory).setup.organization == config.read_config(directory).organization
    (directory / config.PASSPHRASE_FILE).rename(directory / "elsewhere")
    with pytest.raises(KeyFileError, match="the passphrase is wrong"):
        loading.load_setup(directory)
