"""Signatures become certificates: whose, in which order, and where they are found later."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.consensus.certificates import CertificateCache, Collector
from jifen.consensus.configuration import Configuration
from jifen.testing.consensus_host import MemoryDisk, make_certificate, make_chain, position_of, sign

VALIDATORS = ("mall", "books", "music", "tea")
JOINT = Configuration(("music", "cafe", "shoes"), VALIDATORS, ("toys",))


def collector_under(configuration: Configuration) -> Collector:
    return Collector(lambda _height: configuration)


@given(st.permutations(VALIDATORS), st.integers(3, 4))
def test_a_certificate_names_its_signers_by_bit_and_orders_their_signatures_by_it(order: list[str], count: int) -> None:
    configuration = Configuration(VALIDATORS)
    collector = collector_under(configuration)
    [entry] = make_chain([3])
    for signer in order[:count]:
        collector.add(1, signer, sign(signer, 5, 1, entry.hash))
    certificate = collector.certify(position_of(entry), term=5)
    assert certificate == make_certificate(entry, VALIDATORS, order[:count], term=5)
    assert set(configuration.signers(certificate)) == set(order[:count])
    assert configuration.well_formed(certificate)
    assert not any(collector.holds(1, signer) for signer in VALIDATORS)


def test_certifying_without_a_quorum_is_our_own_fault() -> None:
    collector = collector_under(Configuration(VALIDATORS))
    [entry] = make_chain([1])
    for signer in ("mall", "tea"):
        collector.add(1, signer, bytes(64))
    with pytest.raises(AssertionError):
        collector.certify(position_of(entry), term=1)


def test_a_validator_counts_once_however_often_it_signs() -> None:
    collector = collector_under(Configuration(VALIDATORS))
    for _ in range(3):
        collector.add(1, "tea", bytes(64))
    assert not collector.has_quorum(1)
    assert collector.holds(1, "tea")
    assert not collector.holds(1, "mall")
    assert not collector.holds(2, "tea")


@pytest.mark.parametrize("signer", ["stranger", "toys"])
def test_the_signature_of_a_stranger_or_an_observer_counts_for_nothing(signer: str) -> None:
    collector = collector_under(JOINT)
    collector.add(1, signer, bytes(64))
    assert not collector.holds(1, signer)


def test_a_joint_certificate_has_the_outgoing_validators_bits_first_and_then_those_that_come() -> None:
    collector = collector_under(JOINT)
    [entry] = make_chain([1])
    for signer in ("shoes", "music", "mall"):
        collector.add(1, signer, sign(signer, 1, 1, entry.hash))
    assert not collector.has_quorum(1), "two of the four that are left behind"
    collector.add(1, "tea", sign("tea", 1, 1, entry.hash))
    certificate = collector.certify(position_of(entry), term=1)
    assert JOINT.signing == ("mall", "books", "music", "tea", "cafe", "shoes")
    assert certificate == make_certificate(entry, JOINT.signing, ("mall", "music", "tea", "shoes"), 1)
    assert JOINT.well_formed(certificate)


def test_each_height_is_certified_by_the_configuration_in_force_there() -> None:
    collector = Collector(lambda height: Configuration(("mall",)) if height < 2 else Configuration(("tea",)))
    for height in (1, 2):
        collector.add(height, "mall", bytes(64))
    assert collector.has_quorum(1)
    assert not collector.has_quorum(2)


@pytest.mark.parametrize("signers", [("mall", "tea"), ()])
def test_a_certificate_below_the_quorum_is_not_well_formed(signers: tuple[str, ...]) -> None:
    [entry] = make_chain([1])
    assert not Configuration(VALIDATORS).well_formed(make_certificate(entry, VALIDATORS, signers, 1))


def test_a_certificate_with_a_bit_beyond_the_set_is_not_well_formed() -> None:
    [entry] = make_chain([1])
    larger = (*VALIDATORS, "late")
    certificate = make_certificate(entry, larger, ("mall", "tea", "late"), 1)
    assert not Configuration(VALIDATORS).well_formed(certificate)
    assert Configuration(larger).well_formed(certificate)


@pytest.mark.parametrize("signers", [("mall", "books", "tea"), ("music", "cafe", "shoes"), ("mall", "tea", "cafe")])
def test_a_certificate_by_one_half_of_a_joint_configuration_is_not_well_formed(signers: tuple[str, ...]) -> None:
    [entry] = make_chain([1])
    assert not JOINT.well_formed(make_certificate(entry, JOINT.signing, signers, 1))


def test_a_certificate_with_a_signature_too_many_is_not_well_formed() -> None:
    [entry] = make_chain([1])
    certificate = make_certificate(entry, VALIDATORS, VALIDATORS, 1)
    surplus = msgspec.structs.replace(certificate, signatures=(*certificate.signatures, bytes(64)))
    assert not Configuration(VALIDATORS).well_formed(surplus)


def test_old_certificates_leave_memory_and_are_read_back() -> None:
    disk = MemoryDisk()
    cache = CertificateCache(reader=disk, heights_max=2)
    certificates = [make_certificate(entry, VALIDATORS, VALIDATORS, 1) for entry in make_chain([1, 1, 1])]
    for certificate in certificates:
        cache.add(certificate)
    assert [cache.certificate(height) for height in (0, 1, 2, 3, 4)] == [None, None, *certificates[1:], None]
    disk.certificates[1] = certificates[0]
    assert cache.certificate(1) == certificates[0]
