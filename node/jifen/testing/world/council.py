"""The council of a world: the organizations decide, by transactions like anybody's, who keeps the ledger.

A decision is a proposal and everybody's vote, sent one after the other until each is answered. Validators admitted so
activate themselves when they have every block.
"""

from typing import Final, Protocol, final

from jifen.codec.transactions import encode_body, transaction_id
from jifen.keys.signing import KeyPair
from jifen.ledger.governance.bodies import ActivateValidator, ProposeChange, VoteOnProposal
from jifen.ledger.governance.changes import AdmitValidator, Change, Newcomer, RemoveValidator
from jifen.ledger.transactions import Body
from jifen.ledger.types import SCOPES_ALL, Operator, OrganizationKind
from jifen.testing.naive.scene import CHAIN_ID, certificate_of
from jifen.testing.small_alliance import CREATED_AT, keys_of
from jifen.testing.world.auditor import Auditor
from jifen.testing.world.clients import LIFETIME_MS, Clients, Ports

FIRST_CLIENT: Final = 1000
"""Clients from here on carry out the council's decisions, one each."""

VOTERS_MIN: Final = 2
"""So many voters are never reduced further."""


class Office(Ports, Protocol):
    """What the council needs of the world."""

    def caught_up(self, id: str) -> bool:
        """Whether a validator runs and has every block."""
        ...


@final
class Council:
    """Decides what the scenario says, and activates who was admitted."""

    def __init__(self, ids: tuple[str, ...], clients: Clients, auditor: Auditor, chain_id: bytes = CHAIN_ID) -> None:
        self._chain_id = chain_id
        self._ids = ids
        self._clients = clients
        self._auditor = auditor
        self._decisions = 0
        self._written = 0

    def admit(self, id: str, world: Office) -> None:
        """Take an organization in with its validator, unless it was in before."""
        if self._auditor.status_of(id) is None:
            operators = (Operator(keys_of(id).operator.public, int(SCOPES_ALL)),)
            newcomer = Newcomer(id.title(), OrganizationKind.MERCHANT, operators)
            key, place = keys_of(id).validator.public, 1000 + self._ids.index(id)
            url = f"http://127.0.0.1:{place}"
            change = AdmitValidator(id, newcomer, id, key, certificate_of(id), "127.0.0.1", place, url)
            self.decide(change, world)

    def remove(self, id: str, world: Ports) -> None:
        """Take a validator out, unless too few would be left."""
        if len(self._auditor.voters) > VOTERS_MIN:
            self.decide(RemoveValidator(id), world)

    def activate(self, world: Office) -> None:
        """Let every observer that has caught up say so."""
        for place, id in enumerate(self._ids):
            client = FIRST_CLIENT - 1 - place
            if self._auditor.status_of(id) == "OBSERVER" and world.caught_up(id) and self._clients.is_free(client):
                body = ActivateValidator(CREATED_AT + LIFETIME_MS, self._nonce(), id)
                self._clients.perform(client, [(body, keys_of(id).validator)], world)

    def decide(self, change: Change, world: Ports) -> None:
        """Have one organization propose a change, and all others approve it."""
        first, *others = self._auditor.organizations
        expires_at = CREATED_AT + LIFETIME_MS
        proposal = ProposeChange(expires_at, self._nonce(), first, change, expires_at)
        key = keys_of(first).operator
        name = transaction_id(self._chain_id, [key.public], encode_body(proposal))
        steps: list[tuple[Body, KeyPair]] = [(proposal, key)]
        for voter in others:
            vote = VoteOnProposal(expires_at, self._nonce(), voter, name, approve=True)
            steps.append((vote, keys_of(voter).operator))
        self._clients.perform(FIRST_CLIENT + self._decisions, steps, world)
        self._decisions += 1

    def _nonce(self) -> bytes:
        self._written += 1
        return b"council" + self._written.to_bytes(5, "big")
