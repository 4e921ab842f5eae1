"""Merkle trees of RFC 6962, section 2.1: roots, the growing log, and inclusion proofs (section 2.1.1).

A leaf is hashed behind a zero byte, a node behind a one byte, so that neither can be taken for the other.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of a tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\1" + left + right).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    # Pairing level by level and carrying an odd last node up gives the tree of RFC 6962, whose left side is the
    # largest power of two, without recursion.
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [sha256(b"\1" + left + right).digest() for left, right in pairs] + odd
    return level[0]


def append_leaf(frontier: Sequence[bytes], size: int, leaf: bytes) -> list[bytes]:
    """Return the frontier of a log of `size` leaves after one more.

    The frontier is the roots of the full subtrees, largest first: one for every set bit of the size.
    """
    assert len(frontier) == size.bit_count(), f"a log of {size} leaves has no frontier of {len(frontier)} roots"
    roots = list(frontier)
    carry = leaf
    while size & 1:
        carry = node_hash(roots.pop(), carry)
        size >>= 1
    roots.append(carry)
    return roots


def frontier_root(frontier: Sequence[bytes]) -> bytes:
    """Return the root of the log with this frontier."""
    if not frontier:
        return EMPTY_ROOT
    root = frontier[-1]
    for subtree in reversed(frontier[:-1]):
        root = node_hash(subtree, root)
    return root


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of leaf `index`, nearest sibling first (RFC 6962, section 2.1.1)."""
    assert 0 <= index < len(leaves), f"leaf {index} of {len(leaves)} does not exist"
    path: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        odd = level[-1:] if len(level) % 2 else []
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)] + odd
        index //= 2
    return path


def root_of_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that an audit path leads to, or None when its length does not fit `index` and `size`."""
    if not 0 <= index < size:
        return None
    rest = list(path)
    root = leaf
    while size > 1:
        sibling = index ^ 1
        if sibling < size:
            if not rest:
                return None
            other = rest.pop(0)
            root = node_hash(other, root) if index & 1 else node_hash(root, other)
        index //= 2
        size = (size + 1) // 2
    return None if rest else root
