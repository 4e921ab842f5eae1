"""Merkle trees against RFC 6962: known answers, a recursive second version written from its text, and tampering."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.codec.merkle import (
    EMPTY_ROOT,
    append_leaf,
    frontier_root,
    inclusion_path,
    leaf_hash,
    merkle_root,
    node_hash,
    root_of_path,
)

# Inputs, roots and paths that the authors of RFC 6962 test their reference implementation with
# (google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc).
INPUTS: Final = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS: Final = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Root over the first n inputs, by n."""

LEAVES: Final = [leaf_hash(data) for data in INPUTS]


@pytest.mark.parametrize("size", range(9))
def test_the_root_is_that_of_the_reference_implementation(size: int) -> None:
    assert merkle_root(LEAVES[:size]).hex() == ROOTS[size]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert merkle_root([]) == frontier_root([]) == EMPTY_ROOT == sha256(b"").digest()


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (
            0,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
    ],
)
def test_the_path_is_that_of_the_reference_implementation(index: int, size: int, path: list[str]) -> None:
    assert [item.hex() for item in inclusion_path(LEAVES[:size], index)] == path


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, over leaf hashes."""
    if len(leaves) == 0:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = largest_power_below(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def naive_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    split = largest_power_below(len(leaves))
    if index < split:
        return [*naive_path(leaves[:split], index), naive_root(leaves[split:])]
    return [*naive_path(leaves[split:], index - split), naive_root(leaves[:split])]


def largest_power_below(size: int) -> int:
    """Return the largest power of two smaller than the size."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


leaf_lists = st.integers(0, 70).map(lambda size: [leaf_hash(bytes([number])) for number in range(size)])


@given(leaf_lists)
def test_the_root_equals_that_of_the_recursive_definition(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == naive_root(leaves)


def test_the_growing_log_has_the_tree_s_root_at_every_size() -> None:
    leaves = [leaf_hash(number.to_bytes(2, "big")) for number in range(130)]
    frontier: list[bytes] = []

    for size, leaf in enumerate(leaves):
        assert len(frontier) == bin(size).count("1")
        assert frontier_root(frontier) == naive_root(leaves[:size])
        frontier = append_leaf(frontier, size, leaf)
    assert frontier_root(frontier) == naive_root(leaves)


def test_a_frontier_that_does_not_fit_the_size_is_our_own_fault() -> None:
    with pytest.raises(AssertionError, match="a log of 3 leaves has no frontier of 1 roots"):
        append_leaf([LEAVES[0]], 3, LEAVES[1])


def test_every_path_is_that_of_the_recursive_definition_and_leads_to_the_root() -> None:
    for size in range(1, 34):
        leaves = [leaf_hash(bytes([number])) for number in range(size)]
        root = naive_root(leaves)
        for index, leaf in enumerate(leaves):
            path = inclusion_path(leaves, index)
            assert path == naive_path(leaves, index)
            assert root_of_path(leaf, index, size, path) == root


@given(data=st.data(), size=st.integers(1, 70))
def test_a_tampered_path_leads_nowhere(data: st.DataObject, size: int) -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    root, path = naive_root(leaves), inclusion_path(leaves, index)

    tampered = [
        (leaf_hash(b"another"), index, path),
        (leaves[index], index, [*path, leaves[0]]),
        (leaves[index], index, [leaves[0], *path]),
        *((leaves[index], index, path[:place] + path[place + 1 :]) for place in range(len(path))),
        *((leaves[index], index, [*path[:place], bytes(32), *path[place + 1 :]]) for place in range(len(path))),
        *((leaves[index], other, path) for other in range(-1, size + 1) if other != index),
    ]
    for leaf, place, steps in tampered:
        assert root_of_path(leaf, place, size, steps) != root


@given(data=st.data(), size=st.integers(2, 70))
def test_two_steps_of_a_path_exchanged_lead_nowhere(data: st.DataObject, size: int) -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(leaves, index)

    for place in range(len(path) - 1):
        exchanged = [*path[:place], path[place + 1], path[place], *path[place + 2 :]]
        assert root_of_path(leaves[index], index, size, exchanged) != naive_root(leaves)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (3, 3)])
def test_a_leaf_outside_the_tree_has_no_root(index: int, size: int) -> None:
    assert root_of_path(LEAVES[0], index, size, []) is None


@pytest.mark.parametrize("index", [-1, 3])
def test_a_path_to_a_leaf_outside_the_tree_is_our_own_fault(index: int) -> None:
    with pytest.raises(AssertionError, match="does not exist"):
        inclusion_path(LEAVES[:3], index)


def test_an_inner_node_cannot_be_passed_off_as_a_leaf() -> None:
    left, right = LEAVES[:2]

    assert leaf_hash(left + right) != node_hash(left, right)
    assert merkle_root([leaf_hash(left + right)]) != merkle_root([left, right])


@given(leaf_lists, st.data())
def test_any_two_leaves_exchanged_change_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    if len(leaves) >= 2:
        first, second = data.draw(st.lists(st.integers(0, len(leaves) - 1), min_size=2, max_size=2, unique=True))
        other = list(leaves)
        other[first], other[second] = leaves[second], leaves[first]
        assert merkle_root(other) != merkle_root(leaves)
