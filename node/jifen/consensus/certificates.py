"""Collecting acknowledgements into certificates. Signatures are opaque: the host made or verified them."""

from collections import OrderedDict
from collections.abc import Callable

from jifen.consensus.configuration import Configuration
from jifen.consensus.messages import Certificate
from jifen.consensus.types import LogReader, Position


class Collector:
    """Signatures that a leader has gathered in its term for the uncommitted heights of its own log.

    Invariant: every signature held is for the hash that the leader's log has at that height, and of a validator that
    the configuration of that height lets sign.
    """

    def __init__(self, configuration_at: Callable[[int], Configuration]) -> None:
        """`configuration_at` tells the configuration of an uncommitted height of the log."""
        self._configuration_at = configuration_at
        self._signatures: dict[int, dict[str, bytes]] = {}
        """Height, then signer, then signature."""

    def add(self, height: int, signer: str, signature: bytes) -> None:
        """Keep a signature; the first of a signer stays, since a second says the same. Others' count for nothing."""
        if signer in self._configuration_at(height).signing:
            self._signatures.setdefault(height, {}).setdefault(signer, signature)

    def holds(self, height: int, signer: str) -> bool:
        """Whether a signature of `signer` for `height` is held."""
        return signer in self._signatures.get(height, ())

    def has_quorum(self, height: int) -> bool:
        """Whether the signatures held for `height` are enough to certify it."""
        return self._configuration_at(height).has_quorum(self._signatures.get(height, ()))

    def forget_to(self, height: int) -> None:
        """Forget the signatures for heights up to `height`, which others have certified."""
        for below in [held for held in self._signatures if held <= height]:
            del self._signatures[below]

    def certify(self, position: Position, term: int) -> Certificate:
        """Make the certificate of `position` from what is held, which must be a quorum's, and forget that."""
        assert self.has_quorum(position.height), (position.height, self._signatures.get(position.height))
        held = self._signatures.pop(position.height)
        order = self._configuration_at(position.height).signing
        return Certificate(
            height=position.height,
            term=term,
            hash=position.hash,
            signers=sum(1 << place for place, id in enumerate(order) if id in held),
            signatures=tuple(held[id] for id in order if id in held),
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
