"""Sealing: what is signed here is what every validator will read."""

import msgspec
import pytest

from jifen.chain.gateway import open_transaction
from jifen.chain.sealing import seal
from jifen.codec.errors import Malformed
from jifen.keys.signing import KeyPair
from jifen.keys.verification import false_claims
from jifen.ledger.transactions import EarnPoints, RegisterMember, TransferPoints
from jifen.testing.small_alliance import CREATED_AT, keys_of
from jifen.testing.small_chain import SmallChain

EARN = EarnPoints(CREATED_AT, bytes(12), "books", "order-1", bytes(20), "books/consumer", 1000, CREATED_AT)


def test_a_sealed_transaction_opens_to_its_body_and_a_genuine_signature() -> None:
    chain = SmallChain()
    key = keys_of("books").operator
    sealed = seal(chain.chain_id, EARN, key)
    transaction, claims = open_transaction(chain.chain_id, sealed.signed)
    assert transaction.body == EARN
    assert transaction.id == sealed.id
    assert transaction.signers == (key.public,)
    assert not false_claims(claims)


def test_sealing_twice_gives_the_same_bytes_and_another_nonce_gives_others() -> None:
    chain = SmallChain()
    key = keys_of("books").operator
    assert seal(chain.chain_id, EARN, key) == seal(chain.chain_id, EARN, key)
    other = msgspec.structs.replace(EARN, nonce=bytes(11) + b"\1")
    assert seal(chain.chain_id, other, key).id != seal(chain.chain_id, EARN, key).id


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": b"short"},
        {"nonce": bytes(17)},
        {"merchant": "Books"},
        {"order_id": ""},
        {"order_id": "a b"},
        {"account": bytes(19)},
        {"point_type": "books"},
        {"amount_fen": -1},
        {"amount_fen": 10**12 + 1},
        {"expires_at": -1},
    ],
    ids=str,
)
def test_a_field_out_of_range_is_refused_before_anything_is_signed(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        seal(bytes(32), msgspec.structs.replace(EARN, **change), keys_of("books").operator)


@pytest.mark.parametrize("points", [0, -1, 2**53])
def test_a_transfer_of_no_points_or_too_many_is_refused(points: int) -> None:
    key = keys_of("books").operator
    with pytest.raises(Malformed):
        seal(bytes(32), TransferPoints(CREATED_AT, bytes(12), bytes(20), bytes(20), "a/consumer", points, b""), key)


def test_whoever_signs_somebody_elses_body_makes_another_transaction() -> None:
    """Otherwise a validator could use up the id of a transaction it does not like by having its own copy rejected."""
    owner, stranger = KeyPair.derive(bytes(32), "owner"), KeyPair.derive(bytes(32), "stranger")
    body = RegisterMember(1, b"12345678", owner.public)
    ids = {seal(bytes(32), body, *keys).id for keys in ((owner,), (stranger,), (owner, stranger), (stranger, owner))}
    assert len(ids) == 4
