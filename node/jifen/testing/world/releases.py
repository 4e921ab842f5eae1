"""Two releases side by side, as while an alliance upgrades one validator after the other.

The older one is the present one without the messages below: it sends none of them and would drop a peer that did. So it
neither hands over nor takes over at once, confirms no read, and fetches no certificates; all else must go on.
"""

from collections.abc import Mapping
from typing import Final

from jifen.consensus.messages import (
    CertificatesRequest,
    CertificatesResponse,
    LeadershipCheck,
    LeadershipConfirmation,
    ReadIndexRequest,
    ReadIndexResponse,
    TimeoutNow,
    TransferVoteRequest,
)

OLDER: Final = 1
PRESENT: Final = 2

LATER: Final[Mapping[type, int]] = dict.fromkeys(
    (
        TimeoutNow,
        TransferVoteRequest,
        LeadershipCheck,
        LeadershipConfirmation,
        ReadIndexRequest,
        ReadIndexResponse,
        CertificatesRequest,
        CertificatesResponse,
    ),
    PRESENT,
)
"""What the older release does not know, in the form of `jifen.codec.messages.SINCE`."""
