"""The fingerprint of a proposed change: what people compare who approve it."""

from jifen.codec.canonical import encode
from jifen.hashing import CHANGE
from jifen.ledger.governance.changes import Change


def change_fingerprint(change: Change) -> bytes:
    """Return the 32-byte hash over everything that a change says.

    The newcomer reads it out from his own request, the others from the proposal: equal ones mean that nobody exchanged
    a key or a certificate on the way.
    """
    return CHANGE(encode(change))
