"""The peers of a validator: exactly those that the committed state names, with links both ways."""

import ssl
from collections.abc import Mapping, Sequence
from typing import final

import msgspec
import structlog

from jifen.actors.links import PeerLinks
from jifen.ledger.governance.validators import Validator, ValidatorStatus, validators_of
from jifen.ledger.state import StateReader
from jifen.transport import Address, IdentityFault, LinkState, Peer, Peers, certificate_fingerprint, trust

RETIRED_LINK_BLOCKS = 1_000
"""Blocks for which a retired validator is dialled, so that it learns from its peers that it is out. Whoever comes back
later has to come by itself, and is then dialled for as many."""

log = structlog.get_logger()


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A validator known from elsewhere than the ledger, so that one that joins has somebody to hear the ledger from.

    It is trusted to be linked with and for nothing else: what it says counts by the certificates of the ledger.
    """

    id: str
    certificate_pem: str
    host: str
    port: int


@final
class PeerBook:
    """Admits and dismisses peers as the committed set changes.

    Invariant: who is linked with is in the committed set, retired or has come back within the last
    `RETIRED_LINK_BLOCKS` blocks, or is a contact that the ledger does not know yet.
    """

    def __init__(
        self,
        *,
        own: str,
        links: PeerLinks,
        peers: Peers,
        contexts: Sequence[ssl.SSLContext],
        addresses: Mapping[str, tuple[str, int]],
        contacts: Sequence[Contact],
    ) -> None:
        """`contexts` are told of new certificates; `addresses` stand before those that the ledger names."""
        self._own = own
        self._links = links
        self._peers = peers
        self._contexts = contexts
        self._addresses = addresses
        self._known: dict[str, int | None] = {}
        """Who is linked with, in the order of admission, and up to which height; None for good."""
        self._met: dict[str, tuple[Peer, Address]] = {}
        """Everybody that the ledger has ever named, as far as known here: whoever is not linked with has retired."""
        self._height = 0
        for contact in contacts:
            self._meet(contact.id, contact.certificate_pem, contact.host, contact.port)
            self._link(contact.id)

    def follow(self, state: StateReader, height: int) -> None:
        """Link with whom the state at `height` names; who has retired is left to be dismissed in time."""
        self._height = height
        for validator in validators_of(state):
            retired = validator.status is ValidatorStatus.RETIRED
            until = validator.since + RETIRED_LINK_BLOCKS if retired else None
            if validator.id not in self._met:
                self._meet_validator(validator)
            if validator.id not in self._known and (until is None or height <= until):
                self._link(validator.id)
            if validator.id in self._known:
                self._known[validator.id] = None if until is None else max(until, self._known[validator.id] or 0)

    def passed(self, height: int) -> None:
        """Learn that `height` is committed: those who retired long ago are dialled no more."""
        self._height = height
        for name in [name for name, until in self._known.items() if until is not None and height > until]:
            del self._known[name]
            self._links.dismiss(name)
            log.info("retired validator is no peer any more", peer=name)

    def heard_of(self, name: str, incoming: LinkState) -> None:
        """Learn of a peer's own link to here; one that retired long ago and does not know it is answered again."""
        if incoming.connected and name in self._met and name not in self._known:
            log.info("retired validator has come back", peer=name)
            self._link(name)
            self._known[name] = self._height + RETIRED_LINK_BLOCKS
        self._links.heard_of(name, incoming)

    def outsiders(self) -> list[str]:
        """Return who has a link from here although the alliance has taken it out: it may not know."""
        return [name for name in self._links.connected() if self._known.get(name) is not None]

    def _meet_validator(self, validator: Validator) -> None:
        try:
            self._meet(validator.id, validator.certificate_pem, validator.peer_host, validator.peer_port)
        except IdentityFault as fault:
            # The ledger takes the text as it is; only its owner suffers from one that is none.
            log.warning("validator cannot be linked with", peer=validator.id, reason=str(fault))

    def _meet(self, name: str, certificate_pem: str, host: str, port: int) -> None:
        if name == self._own:
            return
        pem = certificate_pem.encode()
        peer = Peer(name, certificate_fingerprint(pem))
        for context in self._contexts:
            trust(context, name, pem)
        host, port = self._addresses.get(name, (host, port))
        self._peers.admit(peer)
        self._met[name] = peer, Address(host, port)

    def _link(self, name: str) -> None:
        if name in self._met:
            self._links.admit(*self._met[name])
            self._known[name] = None
