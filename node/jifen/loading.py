"""Everything that starting a validator takes: its settings, keys, certificate and genesis, held against each other."""

from pathlib import Path
from typing import Final

import msgspec

from jifen.actors.peers import Contact
from jifen.actors.setup import NodeSetup
from jifen.config import (
    CERTIFICATE_FILE,
    CONFIG_FILE,
    CONTACTS_FILE,
    GENESIS_FILE,
    OPERATOR_KEY_FILE,
    PASSPHRASE_FILE,
    PASSPHRASE_FILE_VARIABLE,
    TLS_KEY_FILE,
    VALIDATOR_KEY_FILE,
    Address,
    ConfigError,
    NodeConfig,
    find_passphrase,
    parse_address,
    read_config,
    read_file,
    read_genesis,
    read_secret_text,
    read_token,
    refuse_readable,
)
from jifen.keys.keystore import KeyFileError, read_key_file
from jifen.keys.signing import KeyPair
from jifen.ledger.genesis import Genesis
from jifen.transport.identity import IdentityFault, certificate_fingerprint

CONTACTS_BYTES_MAX: Final = 1 << 20
"""Largest list of contacts read: 64 of them with their certificates have a tenth of that."""

PEM_BYTES_MAX: Final = 64 << 10
"""Largest certificate or key file read; ours have under one KiB."""


class LoadedNode(msgspec.Struct, frozen=True):
    """Everything that starting a validator takes."""

    setup: NodeSetup
    public: Address
    admin: Address
    admin_token: str
    """Bearer token of the admin API; never printed."""
    allowed_hosts: tuple[str, ...]

    def __repr__(self) -> str:
        """Leaves the token out, so that no log shows it."""
        return f"LoadedNode({self.setup.organization}, public={self.public.text}, admin={self.admin.text})"


def load_setup(directory: Path, passphrase: str | None = None) -> LoadedNode:
    """Read and check everything that a validator needs to start.

    Args:
        directory: the data directory.
        passphrase: opens the keys; found by `find_passphrase` when left out.

    Raises:
        ConfigError: a setting or file is wrong; the text names it.
        KeyFileError: a key file does not open.
    """
    config, genesis = read_config(directory), read_genesis(directory)
    known = {organization.id: organization for organization in genesis.organizations}
    if config.organization not in known and config.validator is None:
        raise ConfigError(
            f"{directory / CONFIG_FILE}: {config.organization!r} is no organization of {GENESIS_FILE}, "
            f"which knows {', '.join(known)}"
        )
    words = find_passphrase(directory) if passphrase is None else passphrase
    if words is None:
        raise ConfigError(
            f"the keys in {directory} need a passphrase; set {PASSPHRASE_FILE_VARIABLE} to a file with it"
        )
    try:
        validator = read_key_file(directory / VALIDATOR_KEY_FILE, words)
    except KeyFileError:
        # The environment's may be a member's, set for other commands; what lies in the directory is for its keys.
        if passphrase is not None or not (directory / PASSPHRASE_FILE).is_file():
            raise
        words = read_secret_text(directory / PASSPHRASE_FILE)
        validator = read_key_file(directory / VALIDATOR_KEY_FILE, words)
    if config.validator is None and validator.public != known[config.organization].validator_key:
        raise ConfigError(
            f"{directory / VALIDATOR_KEY_FILE} is not the key that {GENESIS_FILE} names for {config.organization}; "
            "restore the right one"
        )
    return LoadedNode(
        setup=_setup(directory, config, genesis, validator, read_key_file(directory / OPERATOR_KEY_FILE, words)),
        public=parse_address(config.public_listen),
        admin=parse_address(config.admin_listen),
        admin_token=read_token(directory),
        allowed_hosts=config.allowed_hosts,
    )


def _setup(directory: Path, config: NodeConfig, genesis: Genesis, validator: KeyPair, operator: KeyPair) -> NodeSetup:
    addresses: dict[str, tuple[str, int]] = {}
    for name, text in config.peers.items():
        address = parse_address(text)
        addresses[name] = (address.host, address.port)
    listen = parse_address(config.peer_listen)
    _check_identity_files(directory, genesis, config)
    return NodeSetup(
        genesis=genesis,
        organization=config.organization,
        validator=config.validator or config.organization,
        contacts=read_contacts(directory),
        validator_key=validator,
        operator_key=operator,
        directory=directory,
        certificate_path=directory / CERTIFICATE_FILE,
        private_key_path=directory / TLS_KEY_FILE,
        peer_host=listen.host,
        peer_port=listen.port,
        peer_addresses=addresses,
        store_map_bytes=config.store_map_bytes,
        retained_blocks=config.retained_blocks,
        snapshot_bytes_per_second=config.snapshot_bytes_per_second,
    )


def read_contacts(directory: Path) -> tuple[Contact, ...]:
    """Return whom a validator that joined knew at first; none for one that genesis names. Raises ConfigError."""
    path = directory / CONTACTS_FILE
    if not path.exists():
        return ()
    try:
        data = read_file(path, CONTACTS_BYTES_MAX, "join again to have it written")
        return msgspec.json.decode(data, type=tuple[Contact, ...])
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} is damaged ({error}); remove it and join again") from None


def _check_identity_files(directory: Path, genesis: Genesis, config: NodeConfig) -> None:
    """See to it that the peers will know this validator: they take no certificate but the one they agreed on."""
    certificate = read_file(directory / CERTIFICATE_FILE, PEM_BYTES_MAX, "restore it from your copy")
    read_file(directory / TLS_KEY_FILE, PEM_BYTES_MAX, "restore it from your copy")
    refuse_readable(directory / TLS_KEY_FILE)
    if config.validator is not None:
        return  # the ledger names it, which is looked at when the validator starts
    organization = config.organization
    [pinned] = [peer.certificate_pem for peer in genesis.validators if peer.organization == organization]
    try:
        same = certificate_fingerprint(certificate) == certificate_fingerprint(pinned.encode())
    except IdentityFault:
        same = False
    if not same:
        raise ConfigError(
            f"{directory / CERTIFICATE_FILE} is not the certificate that {GENESIS_FILE} names for {organization}, "
            "so no other validator would talk to this one; restore the right one with its key"
        )
