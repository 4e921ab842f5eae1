"""Small records, limits and ports of the consensus core."""

from enum import StrEnum, unique
from typing import Protocol

import msgspec

from jifen.consensus.messages import (
    CERTIFICATES_PER_MESSAGE_MAX,
    SIGNATURES_PER_MESSAGE_MAX,
    BlockHash,
    Certificate,
    Entry,
    Height,
    Term,
    ValidatorId,
)

UNCOMMITTED_HEIGHTS_MAX = 1024
"""Default bound on a log's uncommitted tail, in heights: two orders above a sensible pipeline, and a leader that takes
over such a tail still gets all its signatures in one message."""

UNCOMMITTED_BYTES_MAX = 64 * 1024 * 1024
"""Default bound on the payload bytes that a leader has proposed and nobody has certified yet: these stay in memory
whatever they weigh, and a leader cut off from its quorum must not gather more and more of them."""

CACHE_BYTES_MAX = 32 * 1024 * 1024
"""Default bound on committed entries kept in memory, in payload bytes: lets peers that are seconds behind catch up
without a disk read, small beside the memory of any machine that runs a validator."""

CERTIFICATES_CACHED_MAX = 2048
"""Default bound on certificates kept in memory, in heights; about a kilobyte each with ten validators."""

READS_WAITING_MAX = 4096
"""Most reads that wait on one validator to be confirmed, its own or, on a leader, everybody's: a host asks once for all
readers that came at once, so this many means that nothing is being confirmed, and more would not help."""


@unique
class Role(StrEnum):
    """What a validator is doing in its term (Raft 5.1, thesis 9.6)."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    """Asks whether an election would succeed; has not changed its term."""
    CANDIDATE = "candidate"
    LEADER = "leader"


class HardState(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What must survive a crash besides the log (Raft figure 2), written in one go so that it is never half old."""

    term: Term
    """Latest term seen. Invariant: never falls, over restarts too."""
    vote: ValidatorId | None
    """Who got this validator's vote in `term`. Invariant: once set it stays until the term rises."""
    acknowledged: Height = 0
    """Height up to which this validator may have signed, in `term`, for what its log holds. A leader only ever appends
    to its log, so one that wants something below replaced in its own term lies, and following it would be a second
    signature for one term and height: proof against an honest validator. Invariant: falls only when the term rises."""


class Position(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where an entry stands in the log, without its payload."""

    height: Height
    term: Term
    hash: BlockHash


class Suspicion(msgspec.Struct, frozen=True):
    """Two contradicting facts that only a faulty validator, or a broken safety argument, can produce.

    No proof: messages are not signed, so nobody else need believe it. What is signed makes evidence, which is the
    host's to find; a suspicion tells it where to look.
    """

    kind: "SuspicionKind"
    term: int
    """Term in which both facts claim to hold."""
    height: int
    """Height that both hashes claim, or 0."""
    sender: str
    """Validator whose message showed the second fact; not necessarily the culprit."""
    known_hash: bytes
    """Hash held here, or empty."""
    other_hash: bytes
    """Hash in the message, or empty."""


@unique
class SuspicionKind(StrEnum):
    """What contradicts what."""

    TWO_ENTRIES = "two-entries"
    """Two different entries at one term and height: the leader of that term proposed both."""
    TWO_LEADERS = "two-leaders"
    """Two validators act as leader of one term."""
    TAKEN_BACK = "taken-back"
    """A leader wants replaced what it had shown as part of its log in this very term."""
    COMMITTED_CONFLICT = "committed-conflict"
    """A leader's entry contradicts an entry that is committed here."""
    CERTIFICATE_CONFLICT = "certificate-conflict"
    """A certificate names another block than the leader that sent it."""


class RandomDraws(Protocol):
    """Source of randomness for election timeouts; `random.Random` fits. Tests and simulations hand in a seeded one."""

    def randrange(self, start: int, stop: int) -> int:
        """Return an integer of at least `start` and below `stop`."""


class LogReader(Protocol):
    """Read access to the durable log, for entries that are no longer (or not yet, after a restart) in memory.

    It must show everything that the host has finished persisting, from the base of the log on, and nothing else. Reads
    are of single heights; a storage error is raised as the host's own exception and stops the node.
    """

    def entry(self, height: int) -> Entry | None:
        """Return the entry at `height` (at least 1), or None when the log does not hold it."""

    def certificate(self, height: int) -> Certificate | None:
        """Return the certificate of a committed height (at least 1), or None when it is not stored."""


class NotLeader(Exception):
    """The host proposed a block on a validator that is not leader of the block's term; propose elsewhere."""


class PipelineFull(Exception):
    """The uncommitted tail is at its limit; propose again when something has been committed."""


class TransferInProgress(Exception):
    """The leader is handing over and takes no blocks; propose again when `Raft.transferring` is None."""


class SnapshotRefused(Exception):
    """A snapshot is of no use here: what it holds is committed here already, or this validator leads."""


class TransferRefused(Exception):
    """Leadership cannot be handed over as asked; the text says why. The leader leads on."""


class RaftConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Every limit and timing of the core. Construction raises ValueError on a senseless value.

    Times are in ticks; the host decides how long a tick is.
    """

    id: str
    """This validator."""
    election_ticks_min: int
    """A follower that has heard a leader within so many ticks refuses to elect another (thesis 6.4.1), and a leader
    that has not heard a quorum in so many steps down. Invariant: above `heartbeat_ticks`."""
    election_ticks_max: int
    """Election timeouts are drawn between the minimum and this, both included (Raft 5.2)."""
    heartbeat_ticks: int
    """A leader writes to every peer at least this often."""
    append_bytes_max: int
    """Most payload bytes in one append request; one entry always fits, however large."""
    inflight_messages_max: int
    """Most append requests with entries on their way to one peer."""
    inflight_bytes_max: int
    """Most payload bytes on their way to one peer; one message always fits."""
    certificates_per_message_max: int = 64
    """Most certificates, and most entries, in one append request: equal, so that a peer that catches up gets proofs
    as fast as blocks."""
    uncommitted_heights_max: int = UNCOMMITTED_HEIGHTS_MAX
    """Longest uncommitted tail that a leader builds here or sends to a peer, in heights."""
    uncommitted_bytes_max: int = UNCOMMITTED_BYTES_MAX
    """Payload bytes of its own uncommitted blocks at which a leader takes no more; one block always fits."""
    cache_bytes_max: int = CACHE_BYTES_MAX
    """Committed entries kept in memory, in payload bytes; uncommitted ones always are."""
    certificates_cached_max: int = CERTIFICATES_CACHED_MAX
    """Certificates kept in memory, in heights."""

    def __post_init__(self) -> None:
        """Check every value."""
        if not 1 <= self.heartbeat_ticks < self.election_ticks_min:
            raise ValueError("heartbeat_ticks must be at least 1 and below election_ticks_min")
        if self.election_ticks_max <= self.election_ticks_min:
            raise ValueError("election_ticks_max must be above election_ticks_min, or elections tie for ever")
        if not 1 <= self.certificates_per_message_max <= CERTIFICATES_PER_MESSAGE_MAX:
            raise ValueError(f"certificates_per_message_max must be 1 to {CERTIFICATES_PER_MESSAGE_MAX}")
        if not 1 <= self.uncommitted_heights_max <= SIGNATURES_PER_MESSAGE_MAX // 2:
            raise ValueError(f"uncommitted_heights_max must be 1 to {SIGNATURES_PER_MESSAGE_MAX // 2}")
        positive = (
            self.append_bytes_max,
            self.inflight_messages_max,
            self.inflight_bytes_max,
            self.uncommitted_bytes_max,
            self.cache_bytes_max,
            self.certificates_cached_max,
        )
        if min(positive) < 1:
            raise ValueError("byte and message limits must be at least 1")
