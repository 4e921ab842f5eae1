"""Checking many signatures at once.

libsecp256k1 has no batch equation for BIP-340; what is saved is the hop: one worker thread takes a whole list and
releases Python's lock during every check.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from coincurve import PublicKeyXOnly

PARSED_KEYS_MAX = 8192
"""Public keys kept parsed: parsing costs a third of a check, and tills and busy members sign often."""

PUBLIC_KEY_BYTES = 32
"""Length of an x-only public key."""

SIGNATURE_BYTES = 64
"""Length of a signature."""


class Claim(NamedTuple):
    """That `key` signed `message`."""

    key: bytes
    """X-only public key, 32 bytes."""
    message: bytes
    """32 bytes."""
    signature: bytes
    """64 bytes."""


@lru_cache(maxsize=PARSED_KEYS_MAX)
def _parse(key: bytes) -> PublicKeyXOnly | None:
    try:
        return PublicKeyXOnly(key)
    except ValueError:
        return None


def is_signed(claim: Claim) -> bool:
    """Tell whether the claim holds; a key that is no point of the curve signs nothing, nor does one of another length.

    The lengths are checked here because libsecp256k1 reads 32 bytes however short the key is.
    """
    if len(claim.key) != PUBLIC_KEY_BYTES or len(claim.signature) != SIGNATURE_BYTES:
        return False
    parsed = _parse(claim.key)
    return parsed is not None and parsed.verify(claim.signature, claim.message)


def false_claims(claims: Sequence[Claim]) -> list[int]:
    """Return the indexes of the claims that do not hold. Meant for a worker thread when there are many."""
    return [index for index, claim in enumerate(claims) if not is_signed(claim)]
