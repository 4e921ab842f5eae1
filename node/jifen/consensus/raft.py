"""The consensus core that a host drives: one Raft validator.

The host's loop: verify and decode messages, then `step` them; call `tick` at a steady pace; after either, and after
`propose`, call `take_output` and do what the Output's fields say in the order they say it. No call blocks or fails
halfway; a call that raises has changed nothing.
"""

from jifen.consensus.messages import Entry, Message
from jifen.consensus.output import Output
from jifen.consensus.types import HardState, LogReader, Position, RaftConfig, RandomDraws, Role


class Raft:
    """One validator's part in ordering blocks."""

    def __init__(
        self,
        *,
        config: RaftConfig,
        hard_state: HardState,
        genesis_hash: bytes,
        last: Position,
        committed: int,
        reader: LogReader,
        random: RandomDraws,
    ) -> None:
        """Start, or restart, from durable state.

        `hard_state` is the stored one, or `HardState(0, None)` at first. `last` is the last entry of the durable log,
        or `Position(0, 0, genesis_hash)`. `committed` is the highest height whose certificate is stored.
        """
        raise NotImplementedError

    def step(self, message: Message) -> None:
        """Take in one message, whose signatures, certificates and block bodies the host has verified."""
        raise NotImplementedError

    def tick(self) -> None:
        """Take in that one tick of time has passed."""
        raise NotImplementedError

    def propose(self, entry: Entry) -> None:
        """Append `entry`, executed and hashed by the host, as leader; see the module's docstring."""
        raise NotImplementedError

    def take_output(self) -> Output:
        """Return everything that the host must do since the last call; nearly free when there is nothing."""
        raise NotImplementedError

    @property
    def role(self) -> Role:
        """Current role."""
        raise NotImplementedError

    @property
    def term(self) -> int:
        """Current term."""
        raise NotImplementedError

    @property
    def leader(self) -> str | None:
        """Leader of the current term as far as known."""
        raise NotImplementedError

    @property
    def last_height(self) -> int:
        """Height of the last entry, durable or not."""
        raise NotImplementedError

    @property
    def last_hash(self) -> bytes:
        """Hash of the last entry."""
        raise NotImplementedError

    @property
    def last_term(self) -> int:
        """Term of the last entry."""
        raise NotImplementedError

    @property
    def committed(self) -> int:
        """Highest committed height."""
        raise NotImplementedError

    @property
    def proposals_in_flight(self) -> int:
        """Heights of this leader's log that are not committed yet; 0 when not leader."""
        raise NotImplementedError
