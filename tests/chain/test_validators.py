"""Acknowledgements name everything that could be confused; certificates prove a quorum or nothing."""

import itertools
from collections.abc import Callable

import msgspec
import pytest

from jifen.chain.executor import ExecutedBlock
from jifen.chain.validators import CertificateInvalid
from jifen.consensus.messages import Certificate
from jifen.keys.verification import is_signed
from jifen.testing.small_alliance import genesis_set, keys_of, small_genesis
from jifen.testing.small_chain import SmallChain


def certified() -> tuple[SmallChain, ExecutedBlock, Certificate]:
    """Return a chain, a block of it and the block's certificate by the first three of four."""
    chain = SmallChain()
    built = chain.build([chain.clerk.register("ann")], term=3)
    return chain, built, chain.certify(built)


def test_the_acknowledgement_differs_with_chain_set_term_height_and_hash() -> None:
    genesis, other = small_genesis(), small_genesis(("mall", "books", "music"))
    sets = [genesis_set(bytes(32), genesis), genesis_set(b"\1" * 32, genesis), genesis_set(bytes(32), other)]
    cases = itertools.product(sets, (1, 2), (1, 2), (bytes(32), b"\1" * 32))
    messages = [item.acknowledgement(term, height, name) for item, term, height, name in cases]
    assert len({*messages}) == len(messages) == 24
    assert {len(message) for message in messages} == {32}


def test_term_and_height_cannot_run_into_each_other() -> None:
    validators = genesis_set(bytes(32), small_genesis())
    assert validators.acknowledgement(1, 256, bytes(32)) != validators.acknowledgement(256, 1, bytes(32))
    assert validators.acknowledgement(0, 1 << 40, bytes(32)) != validators.acknowledgement(1 << 40, 0, bytes(32))


def test_the_set_hash_names_order_ids_and_keys() -> None:
    genesis = small_genesis()
    mall, books, *rest = genesis.organizations
    swapped = msgspec.structs.replace(genesis, organizations=(books, mall, *rest))
    rekeyed = msgspec.structs.replace(mall, validator_key=keys_of("someone else").validator.public)
    variants = [genesis, swapped, msgspec.structs.replace(genesis, organizations=(rekeyed, books, *rest))]
    assert len({genesis_set(bytes(32), item).hash for item in variants}) == 3


@pytest.mark.parametrize(("count", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_a_quorum_is_more_than_half(count: int, quorum: int) -> None:
    names = tuple(f"shop-{number}" for number in range(count))
    configuration = genesis_set(bytes(32), small_genesis(names)).configuration
    assert configuration.has_quorum(names[:quorum])
    assert not configuration.has_quorum(names[: quorum - 1])


def test_a_validators_claim_holds_for_its_own_signature_alone() -> None:
    chain, built, _ = certified()
    tip = built.tip
    signature = chain.signature("music", built)
    claim = chain.validators.claim("music", 3, tip.height, tip.hash, signature)
    assert is_signed(claim)
    for other in ("mall", "books", "cafe"):
        assert not is_signed(chain.validators.claim(other, 3, tip.height, tip.hash, signature))
    with pytest.raises(KeyError):
        chain.validators.claim("stranger", 3, tip.height, tip.hash, signature)


@pytest.mark.parametrize(
    "signers", [("mall", "books", "music"), ("mall", "music", "cafe"), ("mall", "books", "music", "cafe")]
)
def test_any_quorum_proves_a_block(signers: tuple[str, ...]) -> None:
    chain, built, _ = certified()
    certificate = chain.certify(built, signers)
    chain.validators.check_certificate(certificate)
    assert tuple(chain.validators.signers_of(certificate)) == signers


def test_acknowledgements_of_a_later_term_prove_a_block_too() -> None:
    chain, built, _ = certified()
    chain.validators.check_certificate(chain.certify(built, term=9))


def _flipped(signature: bytes) -> bytes:
    return signature[:-1] + bytes([signature[-1] ^ 1])


LIES: dict[str, tuple[Callable[[Certificate], dict[str, object]], str]] = {
    "too few signers": (
        lambda it: {"signers": 0b0011, "signatures": it.signatures[:2]},
        "2 signers; a quorum is 3",
    ),
    "nobody": (lambda _: {"signers": 0, "signatures": ()}, "0 signers"),
    "a bit beyond the set": (lambda it: {"signers": 0b10011}, "names signers that do not exist"),
    "a bit far beyond the set": (
        lambda it: {"signers": it.signers | 1 << 63, "signatures": (*it.signatures, it.signatures[0])},
        "names signers that do not exist",
    ),
    "a signature too many": (lambda it: {"signatures": (*it.signatures, it.signatures[0])}, "too many or few"),
    "a signature too few": (lambda it: {"signatures": it.signatures[:2]}, "too many or few"),
    "a bit too many": (lambda it: {"signers": 0b1111}, "too many or few"),
    "one signer for all": (lambda it: {"signatures": it.signatures[:1] * 3}, "not genuine"),
    "signatures in another order": (lambda it: {"signatures": it.signatures[::-1]}, "not genuine"),
    "another signer's bit": (lambda it: {"signers": 0b1011}, "not genuine"),
    "a flipped bit": (lambda it: {"signatures": (*it.signatures[:2], _flipped(it.signatures[2]))}, "not genuine"),
    "another hash": (lambda it: {"hash": it.hash[::-1]}, "not genuine"),
    "another height": (lambda it: {"height": it.height + 1}, "not genuine"),
    "another term": (lambda it: {"term": it.term + 1}, "not genuine"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_false_certificate_is_refused(lie: str) -> None:
    chain, _, certificate = certified()
    chain.validators.check_certificate(certificate)
    change, reason = LIES[lie]
    with pytest.raises(CertificateInvalid, match=reason):
        chain.validators.check_certificate(msgspec.structs.replace(certificate, **change(certificate)))


def test_a_certificate_of_another_chain_is_refused() -> None:
    chain, _, certificate = certified()
    elsewhere = genesis_set(chain.chain_id[::-1], chain.genesis)
    with pytest.raises(CertificateInvalid, match="not genuine"):
        elsewhere.check_certificate(certificate)


def test_a_certificate_of_a_smaller_set_with_the_same_keys_is_refused() -> None:
    chain, _, certificate = certified()
    fewer = genesis_set(chain.chain_id, small_genesis(("mall", "books", "music")))
    with pytest.raises(CertificateInvalid, match="not genuine"):
        fewer.check_certificate(certificate)
