"""A change of validators in the middle of everything: an organization puts a new one in the place of its old one.

The new one begins from nothing and joins as `jifen join start` lets it; the old one, often the leader, is taken out in
the same step and stops by itself.
"""

from typing import Final

import trio

from jifen.actors.peers import Contact
from jifen.admission import ValidatorPlan, prepare_validator
from jifen.alliance import replace_file
from jifen.client import Client, ClientError, SealedTransaction, TransactionBuilder
from jifen.config import CONTACTS_FILE, Address
from jifen.joining import contacts_of, encode_contacts
from jifen.ledger.types import OrganizationKind
from jifen.testing.nemesis.history import Violation
from jifen.testing.nemesis.processes import Alliance, ValidatorProcess
from jifen.testing.small_alliance import free_ports

DECIDES_SECONDS: Final = 60.0
"""Longest time for a proposal and its votes, and then for the newcomer to become a voter: the faults of the network
that go on meanwhile last a sixth of it."""

LEAVES_SECONDS: Final = 20.0
"""How long the old validator is given to learn that it is out; one that was cut off meanwhile may never learn it."""


LOOKS_EVERY_SECONDS: Final = 0.2
"""Pause between two looks whether the newcomer votes."""


async def turn_over(alliance: Alliance, organization: str) -> tuple[ValidatorProcess, ValidatorProcess]:
    """Replace an organization's validator; return the old and the new one. Raises Violation."""
    old = alliance.validators[organization]
    new, request = await trio.to_thread.run_sync(_prepare, alliance, organization)
    with trio.move_on_after(DECIDES_SECONDS) as deciding:
        await _decide(alliance, organization, request)
        replace_file(new.directory / CONTACTS_FILE, encode_contacts(await _contacts(alliance)))
    if deciding.cancelled_caught:
        raise Violation(f"the organizations cannot agree on {new.name} within {DECIDES_SECONDS:g} s")
    old.is_leaving = True
    await new.spawn(joining=True)
    with trio.move_on_after(DECIDES_SECONDS) as joining:
        await _votes(new)
    if joining.cancelled_caught:
        raise Violation(f"{new.name} is no voter {DECIDES_SECONDS:g} s after it was admitted")
    alliance.validators[organization] = new
    with trio.move_on_after(LEAVES_SECONDS):
        code = await old.ended()
        if code != 0:
            raise Violation(f"{old.name} was taken out and ended with exit code {code}: {old.last_line()}")
    await old.kill()
    await old.client.close()
    return old, new


def _prepare(alliance: Alliance, organization: str) -> tuple[ValidatorProcess, SealedTransaction]:
    old = alliance.validators[organization]
    name = f"{organization}-{len(list(alliance.home.glob(f'{organization}-*'))) + 2}"
    peer, public, admin = free_ports(3)
    plan = ValidatorPlan(
        organization=organization,
        name=None,
        kind=OrganizationKind.MERCHANT,
        validator=name,
        peer=Address("127.0.0.1", peer),
        public_url=f"http://127.0.0.1:{public}",
        peer_listen=f"127.0.0.1:{peer}",
        public_listen=f"127.0.0.1:{public}",
        admin_listen=f"127.0.0.1:{admin}",
        replaces=old.name,
    )
    operator = alliance.operators[organization]
    request = prepare_validator(alliance.home / name, alliance.genesis, plan, operator)
    builder = TransactionBuilder(alliance.chain_id)
    sealed = builder.propose_change(operator, organization=organization, change=request.change())
    return ValidatorProcess(alliance.home / name, plan.public_url), sealed


async def _decide(alliance: Alliance, organization: str, proposal: SealedTransaction) -> None:
    builder = TransactionBuilder(alliance.chain_id)
    await _submit(alliance, proposal)
    for voter, operator in alliance.operators.items():
        if voter != organization:
            vote = builder.vote_on_proposal(operator, organization=voter, proposal=proposal.id, approve=True)
            await _submit(alliance, vote)


async def _submit(alliance: Alliance, sealed: SealedTransaction) -> None:
    while True:
        async with Client(alliance.urls) as client:
            try:
                submission = await client.submit(sealed)
            except ClientError:
                continue  # it has waited between its tries; the same bytes again do nothing twice
        if submission.height is not None:
            return


async def _contacts(alliance: Alliance) -> tuple[Contact, ...]:
    while True:
        async with Client(alliance.urls) as client:
            try:
                return await contacts_of(client)
            except ClientError:
                continue  # it has waited between its tries


async def _votes(new: ValidatorProcess) -> None:
    while True:
        try:
            found = await new.client.validator(new.name)
            if found is not None and found.status == "VOTER":
                return
        except ClientError:
            continue  # it has waited between its tries
        await trio.sleep(LOOKS_EVERY_SECONDS)
