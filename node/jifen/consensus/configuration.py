"""Who takes part: the voters of a height, and what counts as a quorum of them (Raft 6, joint consensus)."""

from collections.abc import Container, Mapping

import msgspec

from jifen.consensus.messages import VALIDATORS_MAX, Certificate, ValidatorId
from jifen.consensus.quorum import majority_height, quorum_size


class Configuration(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The voters from some height on, with those that are on their way out or only watch.

    Joint while `outgoing` is not empty: then every decision needs a quorum of the voters and one of the outgoing ones.
    Construction raises ValueError for a set that could not work.
    """

    voters: tuple[ValidatorId, ...]
    """Who elects and certifies, in the agreed order. Invariant: not empty."""
    outgoing: tuple[ValidatorId, ...] = ()
    """Joint: all voters of the configuration that is being left, those that stay included. Otherwise empty."""
    observers: tuple[ValidatorId, ...] = ()
    """Who gets every block and counts for nothing. Invariant: none of them votes here."""

    def __post_init__(self) -> None:
        """Check what any configuration must fulfil."""
        if not self.voters:
            raise ValueError("a configuration has at least one voter")
        for group in (self.voters, self.outgoing, self.observers):
            if len(set(group)) != len(group):
                raise ValueError(f"a validator is named twice in {group}")
        if len(self.signing) > VALIDATORS_MAX or len(self.observers) > VALIDATORS_MAX:
            raise ValueError(f"at most {VALIDATORS_MAX} validators vote in a configuration, and as many observe")
        if not set(self.observers).isdisjoint(self.signing):
            raise ValueError(f"a validator is a voter and an observer: {self.signing}, {self.observers}")

    @property
    def joint(self) -> bool:
        """Whether a change is under way."""
        return bool(self.outgoing)

    @property
    def signing(self) -> tuple[str, ...]:
        """Whose acknowledgements count, in the order of the bits of a certificate."""
        if not self.outgoing:
            return self.voters
        return (*self.outgoing, *(id for id in self.voters if id not in self.outgoing))

    @property
    def members(self) -> tuple[str, ...]:
        """Everybody who gets blocks."""
        return (*self.signing, *self.observers)

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The groups of which each must agree by its own quorum."""
        return (self.outgoing, self.voters) if self.outgoing else (self.voters,)

    def has_quorum(self, ids: Container[str]) -> bool:
        """Tell whether `ids` holds a quorum of every group; others in it count for nothing."""
        return all(sum(id in ids for id in group) >= quorum_size(len(group)) for group in self.groups)

    def majority_height(self, matched: Mapping[str, int]) -> int:
        """Return the highest height that a quorum of every group has reached; who is not in `matched` is at 0."""
        return min(majority_height([matched.get(id, 0) for id in group]) for group in self.groups)

    def signers(self, certificate: Certificate) -> tuple[str, ...]:
        """Return who signed `certificate`, in the order of its signatures; bits beyond the set are left out."""
        return tuple(id for place, id in enumerate(self.signing) if certificate.signers >> place & 1)

    def well_formed(self, certificate: Certificate) -> bool:
        """Tell whether a quorum of every group signed, nobody else, and each signer once."""
        return (
            certificate.signers >> len(self.signing) == 0
            and certificate.signers.bit_count() == len(certificate.signatures)
            and self.has_quorum(self.signers(certificate))
        )

    def may_follow(self, earlier: "Configuration") -> bool:
        """Tell whether a single entry may replace `earlier` by this: voters change in two steps (Raft 6).

        From a simple configuration to the joint one of it and the next, from there to that next one alone. Observers
        come and go at any time.
        """
        if self.joint and not earlier.joint:
            return set(self.outgoing) == set(earlier.voters)
        return self.voters == earlier.voters and self.outgoing in (earlier.outgoing, ())
