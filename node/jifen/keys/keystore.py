"""Encrypted key files.

A JSON document whose secret is sealed with AES-256-GCM under a key that scrypt (RFC 7914) makes from a passphrase.
Everything readable in the file is bound to the seal as associated data, so nobody can swap the label or public key.
"""

import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from msgspec import Meta

from jifen.keys.signing import SECRET_BYTES, KeyPair

FORMAT: Final = "jifen-key/1"
SCRYPT_N: Final = 2**15
"""Memory cost: 32 MB and some 100 ms a guess, what RFC 7914's author gives for interactive use, doubled."""
SCRYPT_R: Final = 8
"""Block size, RFC 7914's own."""
PASSPHRASE_CHARACTERS_MIN: Final = 12
"""Shorter ones fall to guessing even behind scrypt."""
KEY_FILE_BYTES_MAX: Final = 16_384
"""Largest key file read; a real one has under 1,000 bytes."""


class KeyFileError(Exception):
    """A key file that cannot be written or opened; the text says what to do."""


class KeyDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key file says."""

    format: str
    label: str
    """What the key is for, in its owner's words."""
    public: str
    """Public key, hex; empty for a master secret, from which keys are derived."""
    n: Annotated[int, Meta(ge=2**14, le=2**20)]
    """scrypt's cost; bounded, for a forged file must not eat the machine's memory."""
    salt: Annotated[bytes, Meta(min_length=16, max_length=16)]
    nonce: Annotated[bytes, Meta(min_length=12, max_length=12)]
    sealed: Annotated[bytes, Meta(min_length=48, max_length=48)]
    """The 32-byte secret and its 16-byte tag."""


def write_secret(path: Path, secret: bytes, public: str, label: str, passphrase: str) -> None:
    """Seal a 32-byte secret into a new file, readable by its owner only; raises KeyFileError.

    Refused are a passphrase too short, a label too long to be read back, and a path where something is already.
    """
    assert len(secret) == SECRET_BYTES, f"a secret has {SECRET_BYTES} bytes, not {len(secret)}"
    if len(passphrase) < PASSPHRASE_CHARACTERS_MIN:
        raise KeyFileError(f"the passphrase has under {PASSPHRASE_CHARACTERS_MIN} characters; choose a longer one")
    salt, nonce = os.urandom(16), os.urandom(12)
    head = KeyDocument(FORMAT, label, public, SCRYPT_N, salt, nonce, b"")
    sealed = AESGCM(_stretch(passphrase, salt, SCRYPT_N)).encrypt(nonce, secret, _bound(head))
    text = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(head, sealed=sealed)), indent=2)
    if len(text) > KEY_FILE_BYTES_MAX - 1:
        raise KeyFileError(f"the label has {len(label)} characters; choose a shorter one")
    _write_new_file(path, text + b"\n")


def read_secret(path: Path, passphrase: str) -> bytes:
    """Return the 32-byte secret of a key file; raises KeyFileError."""
    document = read_document(path)
    key = _stretch(passphrase, document.salt, document.n)
    try:
        return AESGCM(key).decrypt(document.nonce, document.sealed, _bound(document))
    except InvalidTag:
        raise KeyFileError(
            f"{path} does not open: the passphrase is wrong or the file was altered; give the one that it was made with"
        ) from None


def write_key_file(path: Path, pair: KeyPair, passphrase: str, label: str) -> None:
    """Seal a key pair into a new file; raises KeyFileError."""
    write_secret(path, pair.secret, pair.public.hex(), label, passphrase)


def read_key_file(path: Path, passphrase: str) -> KeyPair:
    """Open a key file; raises KeyFileError."""
    if read_document(path).public == "":
        raise KeyFileError(f"{path} holds a master secret, not a signing key; derive a member's key from it")
    return KeyPair(read_secret(path, passphrase))


def read_document(path: Path) -> KeyDocument:
    """Return what a key file says, without opening its seal; raises KeyFileError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > KEY_FILE_BYTES_MAX:
        raise KeyFileError(f"{path} is too large to be a key file")
    try:
        document = msgspec.json.decode(data, type=KeyDocument)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path} is no key file: {error}") from None
    if document.format != FORMAT:
        raise KeyFileError(f"{path} has format {document.format!r}; this version reads {FORMAT!r}")
    if document.n.bit_count() != 1:
        raise KeyFileError(f"{path} was altered: scrypt's cost {document.n} is no power of two")
    return document


def _write_new_file(path: Path, data: bytes) -> None:
    """Write and sync beside the path, then give it the name: a crash or a full disk leaves no half a key behind."""
    unnamed = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        descriptor = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(unnamed, path)
        finally:
            unnamed.unlink()
    except FileExistsError:
        raise KeyFileError(f"{path} exists; move it away first, a key is never overwritten") from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written: {error.strerror}") from None


def _stretch(passphrase: str, salt: bytes, n: int) -> bytes:
    try:
        encoded = passphrase.encode()
    except UnicodeEncodeError:  # a terminal or file that is no UTF-8 hands such text over
        raise KeyFileError("the passphrase is no valid UTF-8; type it anew or mend the file it comes from") from None
    return Scrypt(salt=salt, length=32, n=n, r=SCRYPT_R, p=1).derive(encoded)


def _bound(document: KeyDocument) -> bytes:
    return msgspec.json.encode([document.format, document.label, document.public, document.n])
