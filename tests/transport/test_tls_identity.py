"""Certificates of validators: what they are, whom a context trusts, and what unusable ones say."""

import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jifen.transport import IdentityFault, certificate_fingerprint, client_context, create_tls_identity

if TYPE_CHECKING:
    from tests.transport.conftest import Validators


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Carry a handshake's bytes between two contexts, without any network."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(3):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends


def test_the_fingerprint_is_sha_256_over_the_der_form(validators: "Validators") -> None:
    pem = validators.identities["mall"].certificate_pem
    assert certificate_fingerprint(pem) == hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).digest()


def test_two_identities_of_one_organization_differ() -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    first, second = create_tls_identity("mall", start), create_tls_identity("mall", start)
    assert certificate_fingerprint(first.certificate_pem) != certificate_fingerprint(second.certificate_pem)


def test_a_certificate_starts_when_told_and_outlives_the_machine(validators: "Validators") -> None:
    certificate = x509.load_pem_x509_certificate(validators.identities["mall"].certificate_pem)
    assert certificate.not_valid_before_utc == datetime(2020, 1, 1, tzinfo=UTC)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc > timedelta(days=19 * 365)


def test_a_certificate_is_no_authority_over_others(validators: "Validators") -> None:
    certificate = x509.load_pem_x509_certificate(validators.identities["mall"].certificate_pem)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert constraints.critical
    assert not constraints.value.ca
    assert not usage.value.key_cert_sign
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)


def test_pinned_peers_shake_hands_under_strict_rules_with_tls_1_3_only(validators: "Validators") -> None:
    client = validators.client_context("mall", "north")
    server = validators.server_context("north", "mall")
    for context in (client, server):
        assert context.verify_flags & ssl.VerifyFlags.VERIFY_X509_STRICT
    client_end, server_end = shake_hands(client, server)
    assert (client_end.version(), server_end.version()) == ("TLSv1.3", "TLSv1.3")
    for end, other in ((client_end, "north"), (server_end, "mall")):
        der = end.getpeercert(binary_form=True)
        assert der is not None
        assert hashlib.sha256(der).digest() == validators.peer(other).fingerprint


def test_a_server_outside_genesis_is_not_trusted(validators: "Validators") -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(validators.client_context("mall", "north"), validators.server_context("south", "mall"))


def test_a_client_outside_genesis_is_not_trusted(validators: "Validators") -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(validators.client_context("south", "north"), validators.server_context("north", "mall"))


def test_a_client_without_a_certificate_is_turned_away(validators: "Validators") -> None:
    anonymous = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anonymous.check_hostname = False
    anonymous.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLError, match=r"(?i)did.not.return.a.certificate"):
        shake_hands(anonymous, validators.server_context("north", "mall"))


def test_tls_1_2_is_not_spoken(validators: "Validators") -> None:
    old = validators.client_context("mall", "north")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol|version"):
        shake_hands(old, validators.server_context("north", "mall"))


def test_a_second_certificate_in_a_peers_pem_is_not_trusted(validators: "Validators") -> None:
    smuggled = validators.identities["north"].certificate_pem + validators.identities["south"].certificate_pem
    client = client_context(
        certificate_path=validators.directory / "mall.crt",
        private_key_path=validators.directory / "mall.key",
        peer_certificates={"north": smuggled},
    )
    shake_hands(client, validators.server_context("north", "mall"))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client, validators.server_context("south", "mall"))


def test_an_encrypted_key_is_refused_instead_of_asking_on_the_terminal(
    validators: "Validators", tmp_path: Path
) -> None:
    key = serialization.load_pem_private_key(validators.identities["mall"].private_key_pem, None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    path = tmp_path / "private-key.pem"
    path.write_bytes(encrypted)
    with pytest.raises(IdentityFault, match="the key is encrypted"):
        client_context(certificate_path=validators.directory / "mall.crt", private_key_path=path, peer_certificates={})


@pytest.mark.parametrize("key_name", ["absent.key", "north.key", "mall.crt"])
def test_a_key_that_is_absent_or_another_ones_or_no_key_is_named(validators: "Validators", key_name: str) -> None:
    with pytest.raises(IdentityFault, match=key_name):
        client_context(
            certificate_path=validators.directory / "mall.crt",
            private_key_path=validators.directory / key_name,
            peer_certificates={},
        )


def test_a_peers_certificate_that_is_none_is_named(validators: "Validators") -> None:
    with pytest.raises(IdentityFault, match="the certificate of north is no PEM certificate"):
        client_context(
            certificate_path=validators.directory / "mall.crt",
            private_key_path=validators.directory / "mall.key",
            peer_certificates={"north": b"no certificate"},
        )


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        create_tls_identity("mall", datetime(2020, 1, 1))  # noqa: DTZ001


def test_printing_an_identity_does_not_show_its_key(validators: "Validators") -> None:
    identity = validators.identities["mall"]
    assert "PRIVATE" not in repr(identity)
    assert validators.peer("mall").fingerprint.hex() in repr(identity)
