"""Key pairs and signatures (BIP-340 Schnorr on secp256k1, through libsecp256k1)."""

from typing import Self, final

from coincurve import PrivateKey, PublicKeyXOnly

from jifen.hashing import DERIVED_KEY
from jifen.ledger.transactions import Signature
from jifen.ledger.types import PublicKey

SECRET_BYTES = 32
"""Length of a private key and of a master secret."""

_GROUP_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@final
class KeyPair:
    """A private key and its x-only public key. Never printed: its repr shows the public half."""

    __slots__ = ("_private", "public")

    public: PublicKey

    def __init__(self, secret: bytes) -> None:
        """Take a 32-byte secret; raises ValueError when it is no valid private key."""
        if len(secret) != SECRET_BYTES:  # libsecp256k1 would pad a shorter one and cut a longer one
            raise ValueError(f"a secret has {SECRET_BYTES} bytes, not {len(secret)}")
        self._private = PrivateKey(secret)
        self.public = PublicKey(PublicKeyXOnly.from_secret(secret).format())

    @classmethod
    def generate(cls) -> Self:
        """Return a new key pair from the system's randomness."""
        return cls(PrivateKey().secret)

    @classmethod
    def derive(cls, master: bytes, label: str) -> Self:
        """Return the key pair that belongs to a label under a 32-byte master secret: same inputs, same pair."""
        assert len(master) == SECRET_BYTES, f"a master secret has {SECRET_BYTES} bytes, not {len(master)}"
        number = int.from_bytes(DERIVED_KEY(master, label.encode()), "big") % (_GROUP_ORDER - 1) + 1
        return cls(number.to_bytes(32, "big"))

    @property
    def secret(self) -> bytes:
        """The 32-byte private key."""
        return self._private.secret

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of a 32-byte message.

        Without auxiliary randomness, so that the same block is always acknowledged with the same bytes; the nonce
        then depends on key and message only, which BIP-340 allows. The signature is verified before it is returned.
        """
        return self._private.sign_schnorr(message, None)  # type: ignore[arg-type]  # None is documented, not typed

    def approve(self, transaction_id: bytes) -> Signature:
        """Return this key's signature of a transaction."""
        return Signature(self.public, self.sign(transaction_id))

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public.hex()})"
