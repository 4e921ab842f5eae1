"""The tagged hash is that of BIP-340, and every purpose has a tag of its own."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from jifen import hashing
from jifen.hashing import TaggedHash


def straightforward(tag: str, message: bytes) -> bytes:
    """The definition of BIP-340, written down once more."""
    digest = sha256(tag.encode()).digest()
    return sha256(digest + digest + message).digest()


TAGS = {
    "CHAIN_ID": "jifen/chain/1",
    "TRANSACTION": "jifen/transaction/1",
    "ACCOUNT": "jifen/account/1",
    "BLOCK": "jifen/block/1",
    "STATE": "jifen/state/1",
    "STATEMENT": "jifen/statement/1",
    "TERMS": "jifen/terms/1",
    "REWARD_CODE": "jifen/reward-code/1",
    "EARNING_RULE": "jifen/earning-rule/1",
    "CAMPAIGN": "jifen/campaign/1",
    "EARNING_POLICY": "jifen/earning-policy/1",
    "VALIDATOR_SET": "jifen/validators/1",
    "CHANGE": "jifen/change/1",
    "DRAW_TERMS": "jifen/draw/terms/1",
    "DRAW_PIECE": "jifen/draw/piece/1",
    "DRAW_ENTRY_DIGEST": "jifen/draw/entry/1",
    "DRAW_SEED": "jifen/draw/seed/1",
    "DRAW_SAMPLE": "jifen/draw/sample/1",
    "DERIVED_KEY": "jifen/derived-key/1",
}
"""The tag of every hash of the project: a change of one changes the format of everything hashed by it."""


@given(tag=st.text(max_size=20), parts=st.lists(st.binary(max_size=80), max_size=5))
def test_it_is_the_hash_of_bip_340_over_the_parts_put_together(tag: str, parts: list[bytes]) -> None:
    assert TaggedHash(tag)(*parts) == straightforward(tag, b"".join(parts))


def test_a_tag_of_bip_340_itself_gives_its_known_hash() -> None:
    assert sha256(b"BIP0340/challenge").hexdigest().startswith("7bb52d7a9fef58323eb1bf7a407db382")
    assert TaggedHash("BIP0340/challenge")() == straightforward("BIP0340/challenge", b"")


def test_a_hash_can_be_taken_again_and_again() -> None:
    tagged = TaggedHash("jifen/test/1")

    assert tagged(b"first") == tagged(b"first")
    assert tagged(b"second") != tagged(b"first")


def test_every_hash_of_the_project_has_the_tag_it_always_had() -> None:
    found = {name: value for name, value in vars(hashing).items() if isinstance(value, TaggedHash)}

    assert found.keys() == TAGS.keys()
    for name, tagged in found.items():
        assert tagged(b"message") == straightforward(TAGS[name], b"message")


def test_the_same_message_has_another_hash_for_every_purpose() -> None:
    hashes = [value(b"message") for value in vars(hashing).values() if isinstance(value, TaggedHash)]

    assert len(set(hashes)) == len(hashes) == len(TAGS)
    assert sha256(b"message").digest() not in hashes
