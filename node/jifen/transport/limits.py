"""Every limit of the transport in one record, each with the reason for its number."""

import msgspec

FRAME_BYTES_MAX = 8 * 1024 * 1024
"""Largest frame, in bytes. A catch-up batch of several full blocks fits; the few frames per peer that can be in memory
at once (one with the handler, those read ahead, one being put together) stay small beside the ledger's own caches."""

FRAMES_READ_AHEAD_MAX = 2
"""Frames that may wait for the handler of a link: enough for the next large one to be read, past a heartbeat, while the
handler works on the last. A busy event loop takes as long to read a megabyte as to execute it."""


class TransportLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a link may cost and how long it may keep anybody waiting.

    Invariant: `send_seconds < pong_seconds < silence_seconds` and `keep_alive_seconds < silence_seconds`, so that the
    sender of a link gives up before its receiver does, and knows the better reason.
    """

    frame_bytes_max: int = FRAME_BYTES_MAX
    """Largest frame either side sends or accepts, in bytes. A longer one ends its link."""

    connect_seconds: float = 5.0
    """Until a TCP connection stands: several retransmissions of a lost SYN, and no more."""

    tls_seconds: float = 5.0
    """For the TLS handshake: a few round trips and four signatures, with room for a busy machine."""

    hello_seconds: float = 5.0
    """For the WebSocket upgrade and the two Hello frames, taken together."""

    send_seconds: float = 10.0
    """For one frame to leave for the other side's buffers: the largest frame at 1 MB/s, a tenth of a poor link."""

    keep_alive_seconds: float = 5.0
    """Between keep-alives of the dialling side; short enough to keep address translators from forgetting the link."""

    pong_seconds: float = 15.0
    """For a pong. It queues behind a whole frame that is being sent and behind frames that the other side has not
    handled yet, hence longer than `send_seconds`: it also bounds how long the other side may stop consuming."""

    silence_seconds: float = 30.0
    """The accepting side hangs up when no complete frame, not even an empty keep-alive, came for this long."""

    close_seconds: float = 1.0
    """For the closing handshake. It only carries the reason across, so it is not worth waiting for."""

    unauthenticated_connections_max: int = 32
    """Accepted connections that have not shown who they are. More than every validator of an alliance redialling at
    once; at some 100 KiB each they cost little. One more evicts the oldest, which had the most time to be quick."""

    retry_seconds_min: float = 0.1
    """First bound of the back-off between dials: a restarted peer is back within a few hundred milliseconds."""

    retry_seconds_max: float = 5.0
    """Last bound of the back-off: a peer that comes back waits half of this on average."""

    stable_seconds: float = 10.0
    """A link that lived this long resets the back-off. Without it two processes with one identity, which replace each
    other's links for ever, would do so at full speed."""

    def __post_init__(self) -> None:
        """Check the invariant above.

        Raises: ValueError.
        """
        if not self.send_seconds < self.pong_seconds < self.silence_seconds:
            raise ValueError("send_seconds < pong_seconds < silence_seconds does not hold")
        if not self.keep_alive_seconds < self.silence_seconds:
            raise ValueError("keep_alive_seconds < silence_seconds does not hold")
        if not 0 < self.retry_seconds_min <= self.retry_seconds_max:
            raise ValueError("0 < retry_seconds_min <= retry_seconds_max does not hold")
        if self.frame_bytes_max < 1 or self.unauthenticated_connections_max < 1:
            raise ValueError("a limit of frames or connections is below one")
