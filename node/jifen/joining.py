"""Being admitted: what a prepared validator waits for before it can start, and whom it then hears the ledger from."""

from collections.abc import Callable

import msgspec

from jifen.actors.peers import Contact
from jifen.client import Client
from jifen.client.governance import Validator


class NotAdmitted(Exception):
    """The alliance will not have this validator; the text says what to do."""


async def wait_for_admission(client: Client, validator: str, key: bytes, told: Callable[[str], None]) -> None:
    """Wait until the ledger has admitted the validator, with this key; returns at once when it has.

    Args:
        client: talks to validators of the alliance.
        validator: id of the validator.
        key: its own public key.
        told: hears in words what is missing, whenever that changes.

    Raises: NotAdmitted, and what the client raises.
    """
    async with client.subscribe_blocks() as blocks:
        last = ""
        while True:
            found = await client.validator(validator)
            if found is not None:
                _check(found, key)
                return
            words = await _missing(client, validator)
            if words != last:
                told(words)
                last = words
            await blocks.receive()  # nothing is decided but in a block


async def contacts_of(client: Client) -> tuple[Contact, ...]:
    """Return the validators that take part now, as a newcomer needs them to be heard by."""
    current = await client.validator_set()
    return tuple(
        Contact(item.id, item.certificate_pem, item.peer_host, item.peer_port)
        for item in (*current.voters, *current.observers)
    )


def encode_contacts(contacts: tuple[Contact, ...]) -> bytes:
    """Return the file form of contacts."""
    return msgspec.json.format(msgspec.json.encode(contacts), indent=2) + b"\n"


def _check(found: Validator, key: bytes) -> None:
    if found.key != key.hex():
        raise NotAdmitted(
            f"the alliance knows another validator by the id {found.id}; prepare this one again, under an id of its own"
        )
    if found.status == "RETIRED":
        raise NotAdmitted(f"the alliance has taken {found.id} out, for good; prepare another, under an id of its own")


async def _missing(client: Client, validator: str) -> str:
    asked = [
        item
        for item in await client.proposals()
        if item.kind == "ADMIT_VALIDATOR" and item.validator == validator and item.status == "OPEN"
    ]
    if not asked:
        return "nobody has proposed its admission yet; send join-request.json to an organization of the alliance"
    newest = asked[0]
    return f"proposal {newest.number} wants the votes of {', '.join(newest.missing)}"
