"""Signatures become certificates: whose, in which order, and where they are found later."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.consensus.certificates import CertificateCache, Collector, ValidatorSet
from jifen.testing.consensus_host import MemoryDisk, make_certificate, make_chain, position_of, sign

VALIDATORS = ("mall", "books", "music", "tea")


@given(st.permutations(VALIDATORS), st.integers(3, 4))
def test_a_certificate_names_its_signers_by_bit_and_orders_their_signatures_by_it(order: list[str], count: int) -> None:
    validators = ValidatorSet(VALIDATORS)
    collector = Collector(validators)
    [entry] = make_chain([3])
    for signer in order[:count]:
        collector.add(1, signer, sign(signer, 5, 1, entry.hash))
    certificate = collector.certify(position_of(entry), term=5)
    assert certificate == make_certificate(entry, VALIDATORS, order[:count], term=5)
    assert set(validators.signers(certificate)) == set(order[:count])
    assert validators.well_formed(certificate)
    assert collector.count(1) == 0


def test_certifying_without_a_quorum_is_our_own_fault() -> None:
    collector = Collector(ValidatorSet(VALIDATORS))
    [entry] = make_chain([1])
    for signer in ("mall", "tea"):
        collector.add(1, signer, bytes(64))
    with pytest.raises(AssertionError):
        collector.certify(position_of(entry), term=1)


def test_a_validator_counts_once_however_often_it_signs() -> None:
    collector = Collector(ValidatorSet(VALIDATORS))
    for _ in range(3):
        collector.add(1, "tea", bytes(64))
    assert collector.count(1) == 1
    assert collector.holds(1, "tea")
    assert not collector.holds(1, "mall")
    assert not collector.holds(2, "tea")


def test_a_stranger_has_no_bit() -> None:
    with pytest.raises(KeyError):
        Collector(ValidatorSet(VALIDATORS)).add(1, "stranger", bytes(64))


@pytest.mark.parametrize("signers", [("mall", "tea"), ()])
def test_a_certificate_below_the_quorum_is_not_well_formed(signers: tuple[str, ...]) -> None:
    [entry] = make_chain([1])
    assert not ValidatorSet(VALIDATORS).well_formed(make_certificate(entry, VALIDATORS, signers, 1))


def test_a_certificate_with_a_bit_beyond_the_set_is_not_well_formed() -> None:
    [entry] = make_chain([1])
    larger = (*VALIDATORS, "late")
    certificate = make_certificate(entry, larger, ("mall", "tea", "late"), 1)
    assert not ValidatorSet(VALIDATORS).well_formed(certificate)
    assert ValidatorSet(larger).well_formed(certificate)


def test_old_certificates_leave_memory_and_are_read_back() -> None:
    disk = MemoryDisk()
    cache = CertificateCache(reader=disk, heights_max=2)
    certificates = [make_certificate(entry, VALIDATORS, VALIDATORS, 1) for entry in make_chain([1, 1, 1])]
    for certificate in certificates:
        cache.add(certificate)
    assert [cache.certificate(height) for height in (0, 1, 2, 3, 4)] == [None, None, *certificates[1:], None]
    disk.certificates[1] = certificates[0]
    assert cache.certificate(1) == certificates[0]
