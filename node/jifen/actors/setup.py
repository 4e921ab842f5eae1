"""What a validator needs to start, loaded and checked."""

from pathlib import Path

import msgspec

from jifen.actors.limits import BYTES_PER_SECOND_DEFAULT
from jifen.actors.peers import Contact
from jifen.consensus.types import UNCOMMITTED_HEIGHTS_MAX
from jifen.keys.signing import KeyPair
from jifen.ledger.genesis import Genesis
from jifen.store.limits import MAP_BYTES_DEFAULT


class Timing(msgspec.Struct, frozen=True):
    """Raft's clockwork."""

    tick_ms: int = 50
    """Length of a tick: the grain of all others."""
    heartbeat_ticks: int = 2
    """A leader is heard every 100 ms: five times in the shortest election time-out, so one lost message is nothing."""
    election_ticks_min: int = 10
    """Shortest election time-out, 500 ms: some hundred times a disk sync, several times the longest block."""
    election_ticks_max: int = 20
    """Longest election time-out, 1 s."""


class NodeSetup(msgspec.Struct, frozen=True):
    """A validator's identity, files and addresses."""

    genesis: Genesis
    organization: str
    """Whose validator this is."""
    validator: str
    """Id of the validator; that of the organization for the validators that genesis names."""
    validator_key: KeyPair
    """Signs acknowledgements. Invariant: its public half is the key that the ledger has for the validator."""
    operator_key: KeyPair
    """Signs what the admin API issues."""
    directory: Path
    """Data directory; locked while the node runs. The store is in `ledger/` below it."""
    certificate_path: Path
    """TLS certificate (PEM) of the peer links."""
    private_key_path: Path
    """TLS private key (PEM)."""
    peer_host: str
    """Address to listen on for peers."""
    peer_port: int
    peer_addresses: dict[str, tuple[str, int]]
    """Host and port of other validators where they differ from what the ledger says."""
    store_map_bytes: int = MAP_BYTES_DEFAULT
    """Largest size of the store."""
    contacts: tuple[Contact, ...] = ()
    """Validators to hear the ledger from besides those it names at the height held here: for one that joins."""
    timing: Timing = Timing()
    retained_blocks: int = 0
    """Blocks kept below the newest certified checkpoint; 0 keeps all."""
    snapshot_bytes_per_second: int = BYTES_PER_SECOND_DEFAULT
    """Most bytes of snapshots served to peers in a second."""
    uncommitted_heights_max: int = UNCOMMITTED_HEIGHTS_MAX
    """Longest uncommitted tail of the log, in heights; twice as many committed blocks are always kept."""
