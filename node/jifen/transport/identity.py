"""TLS identities of validators: self-signed certificates, pinned in genesis.

There is no certificate authority, because the alliance itself decides who its members are and writes each one's
certificate into genesis. A context trusts exactly those certificates; the pin, SHA-256 over the DER form, then says
which of them the other side holds. Host names prove nothing here and are not looked at.
"""

import hashlib
import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CERTIFICATE_LIFETIME_DAYS = 20 * 365
"""Validity of a certificate. The pin is what is trusted and the alliance's vote is what revokes it, so an expiry date
adds no safety, only a day on which the alliance falls silent. Twenty years lie beyond the machine's life and still
within what every TLS library's date handling takes."""


class TlsIdentity(msgspec.Struct, frozen=True):
    """What a validator needs to prove itself to its peers."""

    certificate_pem: bytes
    """Self-signed X.509 certificate; public, part of genesis."""

    private_key_pem: bytes
    """ECDSA P-256 key, PKCS #8, not encrypted: the node must start unattended. Keep the file at mode 0600."""

    def __repr__(self) -> str:
        """Leaves the key out, so that no log shows it."""
        return f"TlsIdentity(fingerprint={certificate_fingerprint(self.certificate_pem).hex()})"


class IdentityFault(Exception):
    """A certificate or key cannot be used; the message names it and says what to do."""


def create_tls_identity(organization: str, not_before: datetime) -> TlsIdentity:
    """Draw a key and sign a certificate for it.

    The certificate is no authority: it vouches for itself alone. Its extensions are those that OpenSSL asks for under
    X509_V_FLAG_X509_STRICT (RFC 5280, 4.2).

    Args:
        organization: id of the organization, the certificate's common name; for people, nothing compares it.
        not_before: start of validity, with a time zone. Machines whose clocks lag refuse the certificate until then.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    return self_signed(organization, not_before, key, x509.random_serial_number())


def self_signed(
    organization: str, not_before: datetime, key: EllipticCurvePrivateKey | Ed25519PrivateKey, serial_number: int
) -> TlsIdentity:
    """Sign a certificate for a key, as `create_tls_identity` does; with an Ed25519 key always the same one."""
    if not_before.tzinfo is None:
        raise ValueError("not_before needs a time zone")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, organization)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    subject_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial_number)
        .not_valid_before(not_before)
        .not_valid_after(not_before + timedelta(days=CERTIFICATE_LIFETIME_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        # Every validator is the server of some links and the client of others.
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(subject_key, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject_key), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(organization)]), critical=False)
        .sign(key, None if isinstance(key, Ed25519PrivateKey) else hashes.SHA256())
    )
    return TlsIdentity(
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM),
        private_key_pem=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )


def certificate_fingerprint(certificate_pem: bytes) -> bytes:
    """The pin: SHA-256 of the certificate's DER form, 32 bytes.

    Raises: IdentityFault when the text holds no certificate.
    """
    return der_fingerprint(_der(certificate_pem, "the certificate"))


def der_fingerprint(certificate_der: bytes) -> bytes:
    """The pin of a certificate as TLS shows it."""
    return hashlib.sha256(certificate_der).digest()


def server_context(
    *, certificate_path: Path, private_key_path: Path, peer_certificates: Mapping[str, bytes]
) -> ssl.SSLContext:
    """For the side that accepts links. Arguments and errors as for `client_context`."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, certificate_path, private_key_path, peer_certificates)
    # A resumed session would skip the certificates; a full handshake is a millisecond, once per link.
    context.num_tickets = 0
    return context


def client_context(
    *, certificate_path: Path, private_key_path: Path, peer_certificates: Mapping[str, bytes]
) -> ssl.SSLContext:
    """For the side that dials.

    Args:
        certificate_path: this validator's certificate, PEM.
        private_key_path: its key, PEM. A path because the ssl module takes no other form.
        peer_certificates: PEM certificate by validator. No other certificate is trusted until `trust` adds it.

    Raises: IdentityFault.
    """
    return _context(ssl.PROTOCOL_TLS_CLIENT, certificate_path, private_key_path, peer_certificates)


def trust(context: ssl.SSLContext, peer: str, certificate_pem: bytes) -> None:
    """Trust one more certificate, in handshakes from now on; whose it is, the pin decides (`Peers`).

    Raises: IdentityFault when the text holds no certificate.
    """
    # Through the DER form: a PEM text may hold further certificates, which nobody pinned.
    context.load_verify_locations(cadata=_der(certificate_pem, f"the certificate of {peer}"))


def _context(
    protocol: int, certificate_path: Path, private_key_path: Path, peer_certificates: Mapping[str, bytes]
) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3  # both ends are ours: nothing older needs to be spoken
    context.check_hostname = False  # pins replace names
    context.verify_mode = ssl.CERT_REQUIRED
    # Set by newer Pythons anyway: the same certificate must pass or fail alike on every validator. Partial chains make
    # each given certificate an anchor as it is, with no issuer to look for.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    for peer, pem in peer_certificates.items():
        trust(context, peer, pem)
    try:
        context.load_cert_chain(certificate_path, private_key_path, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise IdentityFault(
            f"cannot use {certificate_path} with {private_key_path}: {error}. "
            "Restore both files from a backup: their fingerprint is part of genesis."
        ) from error
    return context


def _no_password() -> NoReturn:
    # Without this the ssl module would ask on the terminal and stop the node until somebody types.
    raise ValueError("the key is encrypted")


def _der(certificate_pem: bytes, what: str) -> bytes:
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
    except ValueError as error:
        raise IdentityFault(f"{what} is no PEM certificate: {error}") from error
    return certificate.public_bytes(serialization.Encoding.DER)
