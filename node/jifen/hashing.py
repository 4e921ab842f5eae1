"""Domain-tagged SHA-256: the one hash of the project.

`SHA256(SHA256(tag) || SHA256(tag) || message)`, the construction of BIP-340, so that a hash made for one purpose can
never be passed off as one made for another. Tags begin with `jifen/` and end in a version.
"""

from hashlib import sha256
from typing import Final, final


@final
class TaggedHash:
    """Hash function of one domain; make one per tag, at import."""

    __slots__ = ("_start",)

    def __init__(self, tag: str) -> None:
        prefix = sha256(tag.encode()).digest()
        self._start = sha256(prefix + prefix)

    def __call__(self, *parts: bytes) -> bytes:
        """Return the 32-byte hash of the parts put together; parts of varying length must carry their lengths."""
        state = self._start.copy()
        for part in parts:
            state.update(part)
        return state.digest()


CHAIN_ID: Final = TaggedHash("jifen/chain/1")
"""Of the canonical genesis document."""
TRANSACTION: Final = TaggedHash("jifen/transaction/1")
"""Of chain id, signers and transaction body; what signers sign."""
ACCOUNT: Final = TaggedHash("jifen/account/1")
"""Of chain id and first public key; its first 20 bytes are the account id."""
BLOCK: Final = TaggedHash("jifen/block/1")
"""Of a canonical block header."""
STATE: Final = TaggedHash("jifen/state/1")
"""Of the digest before and the sorted writes of one block."""
STATEMENT: Final = TaggedHash("jifen/statement/1")
"""Of what a validator signs about a block: that it has made it, or that it is on its disk."""
TERMS: Final = TaggedHash("jifen/terms/1")
"""Of a point type and one version of its terms."""
REWARD_CODE: Final = TaggedHash("jifen/reward-code/1")
"""Of a reward, a salt and the secret code that its winner gets: what stands on the ledger in place of the code."""
EARNING_RULE: Final = TaggedHash("jifen/earning-rule/1")
"""Of a point type and one version of its earning rule."""
CAMPAIGN: Final = TaggedHash("jifen/campaign/1")
"""Of a point type and a campaign."""
EARNING_POLICY: Final = TaggedHash("jifen/earning-policy/1")
"""Of a mall and one version of its earning policy."""
VALIDATOR_SET: Final = TaggedHash("jifen/validators/1")
"""Of the ordered validator ids and keys."""
CHANGE: Final = TaggedHash("jifen/change/1")
"""Of a proposed change of the validators: what people compare before they vote."""
DRAW_TERMS: Final = TaggedHash("jifen/draw/terms/1")
"""Of a draw's organization, name and terms."""
DRAW_PIECE: Final = TaggedHash("jifen/draw/piece/1")
"""Of a piece of a draw's secret; by it the piece is committed."""
DRAW_ENTRY_DIGEST: Final = TaggedHash("jifen/draw/entry/1")
"""Of the digest before and one transaction's entries."""
DRAW_SEED: Final = TaggedHash("jifen/draw/seed/1")
"""Of the digest over a draw's entries and all pieces of its secrets."""
DRAW_SAMPLE: Final = TaggedHash("jifen/draw/sample/1")
"""Of a draw's seed and a counter: the numbers that choose the winners."""
DERIVED_KEY: Final = TaggedHash("jifen/derived-key/1")
"""Of a master secret and a label."""
