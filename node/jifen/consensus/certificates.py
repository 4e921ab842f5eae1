"""Collecting acknowledgements into certificates. Signatures are opaque: the host made or verified them."""

from collections import OrderedDict
from collections.abc import Sequence

from jifen.consensus.messages import Certificate
from jifen.consensus.quorum import quorum_size
from jifen.consensus.types import LogReader, Position


class ValidatorSet:
    """The validators in their agreed order, which gives each its bit."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = tuple(ids)
        self.quorum = quorum_size(len(self.ids))
        """Validators needed to elect a leader or certify a block."""
        self._places = {id: place for place, id in enumerate(self.ids)}
        assert len(self._places) == len(self.ids), self.ids

    def __contains__(self, id: object) -> bool:
        """Whether `id` is a validator."""
        return id in self._places

    def place(self, id: str) -> int:
        """Return the bit of validator `id`; KeyError when it is none."""
        return self._places[id]

    def signers(self, certificate: Certificate) -> tuple[str, ...]:
        """Return who signed `certificate`, in the order of its signatures; bits beyond the set are left out."""
        return tuple(id for place, id in enumerate(self.ids) if certificate.signers >> place & 1)

    def well_formed(self, certificate: Certificate) -> bool:
        """Tell whether `certificate` has a quorum of signers from this set and one signature for each."""
        signers = certificate.signers.bit_count()
        return (
            certificate.signers >> len(self.ids) == 0
            and signers >= self.quorum
            and signers == len(certificate.signatures)
        )


class Collector:
    """Signatures that a leader has gathered in its term for the uncommitted heights of its own log.

    Invariant: every signature held is for the hash that the leader's log has at that height.
    """

    def __init__(self, validators: ValidatorSet) -> None:
        self._validators = validators
        self._signatures: dict[int, dict[int, bytes]] = {}
        """Height, then bit of the signer, then signature."""

    def add(self, height: int, signer: str, signature: bytes) -> None:
        """Keep a signature; the first of a signer stays, since a second says the same."""
        self._signatures.setdefault(height, {}).setdefault(self._validators.place(signer), signature)

    def holds(self, height: int, signer: str) -> bool:
        """Whether a signature of `signer` for `height` is held."""
        return self._validators.place(signer) in self._signatures.get(height, ())

    def count(self, height: int) -> int:
        """How many validators' signatures are held for `height`."""
        return len(self._signatures.get(height, ()))

    def certify(self, position: Position, term: int) -> Certificate:
        """Make the certificate of `position` from what is held, which must be a quorum's, and forget that."""
        held = sorted(self._signatures.pop(position.height).items())
        assert len(held) >= self._validators.quorum, (position.height, len(held))
        return Certificate(
            height=position.height,
            term=term,
            hash=position.hash,
            signers=sum(1 << place for place, _ in held),
            signatures=tuple(signature for _, signature in held),
        )


class CertificateCache:
    """Certificates of committed heights, recent ones in memory, older ones through the LogReader."""

    def __init__(self, *, reader: LogReader, heights_max: int) -> None:
        self._reader = reader
        self._heights_max = heights_max
        self._recent: OrderedDict[int, Certificate] = OrderedDict()

    def add(self, certificate: Certificate) -> None:
        """Keep the certificate of a height that has just been committed."""
        self._recent[certificate.height] = certificate
        if len(self._recent) > self._heights_max:
            self._recent.popitem(last=False)

    def certificate(self, height: int) -> Certificate | None:
        """Return the certificate of committed `height`, or None when it is the genesis block or not readable yet."""
        found = self._recent.get(height)
        if found is not None or height < 1:
            return found
        return self._reader.certificate(height)
