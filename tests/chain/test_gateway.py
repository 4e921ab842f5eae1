"""The gateway for transactions, and the memory of what it found good."""

from typing import Any

import msgspec
import pytest

from jifen.chain import gateway
from jifen.chain.gateway import CheckedTransactions, open_transaction
from jifen.chain.sealing import SealedTransaction
from jifen.chain.statements import statement_message
from jifen.codec.errors import Malformed
from jifen.codec.merkle import leaf_hash
from jifen.codec.transactions import decode_signed, encode_signed
from jifen.keys.verification import false_claims
from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.evidence.statements import Evidence, SignedHash, StatementKind
from jifen.ledger.transactions import Signature
from jifen.testing.small_alliance import CREATED_AT, keys_of
from jifen.testing.small_chain import SmallChain, opened


@pytest.fixture
def chain() -> SmallChain:
    return SmallChain()


def forged(sealed: SealedTransaction) -> bytes:
    """Return the same body under a signature that is none."""
    envelope = decode_signed(sealed.signed)
    signature = envelope.signatures[0]
    false = Signature(signature.key, signature.signature[:-1] + bytes([signature.signature[-1] ^ 1]))
    return encode_signed(envelope.body, (false,))


def test_opening_gives_the_id_the_digest_the_signers_and_the_bytes(chain: SmallChain) -> None:
    sealed = chain.clerk.register("ann")
    transaction, claims = open_transaction(chain.chain_id, sealed.signed)
    key = chain.clerk.member("ann").key.public
    assert transaction.id == sealed.id
    assert transaction.digest == leaf_hash(sealed.signed)
    assert transaction.signed == sealed.signed
    assert transaction.signers == (key,)
    assert [claim.key for claim in claims] == [key]
    assert not false_claims(claims)


def test_a_transaction_of_another_chain_has_another_id_and_false_claims(chain: SmallChain) -> None:
    sealed = chain.clerk.register("ann")
    transaction, claims = open_transaction(chain.chain_id[::-1], sealed.signed)
    assert transaction.id != sealed.id
    assert false_claims(claims) == [0]


def test_each_of_several_signers_is_claimed(chain: SmallChain) -> None:
    body = opened(chain.chain_id, chain.clerk.register("ann").signed).body
    keys = [chain.clerk.member(name).key for name in ("ann", "bob", "cyd")]
    transaction, claims = open_transaction(chain.chain_id, chain.clerk.sealed(body, *keys).signed)
    assert transaction.signers == tuple(key.public for key in keys)
    assert not false_claims(claims)
    swapped = [claims[0], claims[1]._replace(signature=claims[2].signature), claims[2]]
    assert false_claims(swapped) == [1]


def test_a_signer_who_stands_twice_is_malformed(chain: SmallChain) -> None:
    sealed = chain.clerk.register("ann")
    envelope = decode_signed(sealed.signed)
    with pytest.raises(Malformed, match="stands twice"):
        open_transaction(chain.chain_id, encode_signed(envelope.body, envelope.signatures * 2))


def test_bytes_that_are_no_transaction_are_malformed(chain: SmallChain) -> None:
    sealed = chain.clerk.register("ann")
    envelope = decode_signed(sealed.signed)
    bad = [
        b"",
        b"\xc0",
        sealed.signed[:-1],
        sealed.signed + b"\0",
        encode_signed(b"\x93\x01\x02\x03", envelope.signatures),
        encode_signed(envelope.body + b"\0", envelope.signatures),
        encode_signed(envelope.body, ()),
        bytes(5000),
    ]
    for data in bad:
        with pytest.raises(Malformed):
            open_transaction(chain.chain_id, data)


def test_a_forged_signature_under_a_known_body_is_not_known(chain: SmallChain) -> None:
    checked = CheckedTransactions()
    sealed = chain.clerk.register("ann")
    transaction = opened(chain.chain_id, sealed.signed)
    checked.remember([transaction])
    assert checked.find(sealed.signed) is transaction
    false = forged(sealed)
    assert open_transaction(chain.chain_id, false)[0].id == sealed.id
    assert checked.find(false) is None


def test_forgetting_one_signature_of_a_body_keeps_the_other(chain: SmallChain) -> None:
    checked = CheckedTransactions()
    one = chain.clerk.register("ann")
    first = opened(chain.chain_id, one.signed)
    second = opened(chain.chain_id, chain.clerk.sealed(first.body, chain.clerk.member("bob").key).signed)
    checked.remember([first, second])
    checked.forget([first, first])
    assert checked.find(first.signed) is None
    assert checked.find(second.signed) is second


def test_the_memory_is_bounded_and_the_oldest_make_room(chain: SmallChain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "CHECKED_TRANSACTIONS_MAX", 3)
    checked = CheckedTransactions()
    items = [opened(chain.chain_id, chain.clerk.register(f"member {number}").signed) for number in range(5)]
    checked.remember(items[:3])
    assert all(checked.find(item.signed) for item in items[:3])
    checked.remember(items[3:])
    assert [checked.find(item.signed) is not None for item in items] == [False, False, True, True, True]


def evidence_on(chain_id: bytes, signer: str = "books", **changes: Any) -> Evidence:
    """Return what books' validator, or another, has signed: two proposals of one term and height."""
    key = keys_of(signer).validator
    sides = []
    for name in (b"\1" * 32, b"\2" * 32):
        message = statement_message(chain_id, bytes(32), StatementKind.PROPOSAL, 3, 7, name)
        sides.append(SignedHash(bytes(32), name, key.sign(message)))
    shown = Evidence("books", key.public, StatementKind.PROPOSAL, 3, 7, *sides)
    return msgspec.structs.replace(shown, **changes)


def recorded(chain: SmallChain, evidence: Evidence) -> list[int]:
    """Return which claims of a transaction that shows the evidence do not hold."""
    body = RecordEvidence(CREATED_AT, bytes(8), evidence)
    _, claims = open_transaction(chain.chain_id, chain.clerk.sealed(body, keys_of("music").operator).signed)
    assert len(claims) == 3
    return false_claims(claims)


def test_evidence_brings_its_own_signatures_to_be_checked(chain: SmallChain) -> None:
    assert recorded(chain, evidence_on(chain.chain_id)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"term": 4},
        {"height": 8},
        {"kind": StatementKind.ACKNOWLEDGEMENT},
        {"key": keys_of("mall").validator.public},
        {"second": SignedHash(bytes(32), b"\2" * 32, bytes(64))},
        {"second": SignedHash(b"\1" * 32, b"\2" * 32, evidence_on(SmallChain().chain_id).second.signature)},
        {"second": SignedHash(bytes(32), b"\3" * 32, evidence_on(SmallChain().chain_id).second.signature)},
    ],
    ids=["term", "height", "kind", "key", "no signature", "validator set", "block"],
)
def test_evidence_of_what_was_not_signed_is_forged(chain: SmallChain, changes: dict[str, Any]) -> None:
    assert recorded(chain, evidence_on(chain.chain_id, **changes)) != []


def test_evidence_of_another_chain_is_forged_here(chain: SmallChain) -> None:
    assert recorded(chain, evidence_on(bytes(32))) == [1, 2]


def test_nobody_is_blamed_for_two_statements_of_two_validators(chain: SmallChain) -> None:
    books, mall = evidence_on(chain.chain_id), evidence_on(chain.chain_id, "mall")
    assert recorded(chain, msgspec.structs.replace(books, second=mall.second)) == [2]
