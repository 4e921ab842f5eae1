"""What is drawn for the two ledgers that are compared: who acts, with what, for how long."""

from typing import Final

from hypothesis import strategies as st

from jifen.testing.naive.scene import DAY_MS

MEMBERS: Final = ("ann", "bo", "cy", "stranger")
"""The first three register at the start; the last one may or may not."""

TILLS: Final = ("mall till", "mall till", "mall issuer", "mall admin", "books till", "attic till", "ann")
WAITING_TYPES: Final = ("books/guide", "books/store", "mall/distributor")
"""Point types whose points wait or expire from the start."""

ISSUED_TYPES: Final = ("mall/consumer", "mall/guide", "books/consumer", *WAITING_TYPES)
"""Point types that somebody may issue."""

POINT_TYPES: Final = (*ISSUED_TYPES, "attic/consumer", "mall/store")
MERCHANTS: Final = ("mall", "mall", "books", "mall", "attic", "nobody")

members = st.sampled_from(MEMBERS)
lives = st.sampled_from((3_600_000, 1, 2, 60_000, 3, 4, 0, DAY_MS, -1, DAY_MS + 1))
"""Time from the block to a transaction's expiry, ms; most are good."""
nonces = st.integers(0, 40).map(lambda number: number.to_bytes(8, "big"))
"""Few, so that one and the same transaction comes again, sometimes under other signatures."""
