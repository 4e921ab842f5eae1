"""What there is to decide in the scene that faults are tried in, and ways to change it in both ledgers alike."""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from jifen.ledger.governance.bodies import ProposeChange, VoteOnProposal
from jifen.ledger.governance.changes import AdmitValidator, Change, Newcomer, RemoveValidator
from jifen.ledger.governance.proposals import Governance
from jifen.ledger.governance.validators import ValidatorSet, ValidatorStatus, settle
from jifen.ledger.state import GOVERNANCE_KEY, VALIDATOR_SET_KEY, organization_key, validator_key
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import Operator, OrganizationKind, OrganizationStatus, Scope
from jifen.testing.naive import governance as naive_governance
from jifen.testing.naive.scene import DAY_MS, START, certificate_of, key_of, transaction

if TYPE_CHECKING:
    from jifen.testing.faults.scene import Scene

EXPIRY: Final = START + 1001
"""Of the scene's transactions."""

DEADLINE: Final = START + DAY_MS
"""Of the scene's proposals."""

PORTS: Final = {"mall-2": 12, "books-2": 13, "cafe-2": 14, "tea": 15, "tea-2": 16}


def admission(validator: str, organization: str, **changes: Any) -> AdmitValidator:
    """Return the admission of a validator; of a newcomer when its id is the organization's."""
    newcomer = None
    if validator == organization:
        operators = (Operator(key_of(f"{organization} admin"), int(Scope.ADMIN)),)
        newcomer = Newcomer(organization.title(), OrganizationKind.MERCHANT, operators)
    change = AdmitValidator(
        organization=organization,
        newcomer=newcomer,
        validator=validator,
        key=key_of(f"{validator} validator"),
        certificate_pem=certificate_of(validator),
        peer_host="127.0.0.1",
        peer_port=PORTS.get(validator, 17),
        public_url="http://127.0.0.1:17",
    )
    return msgspec.structs.replace(change, **changes)


def proposing(organization: str, change: Change, number: int = 0) -> Transaction:
    """Return a proposal, signed as it should be; `number` tells otherwise equal ones apart."""
    body = ProposeChange(EXPIRY, number.to_bytes(8, "big"), organization, change, DEADLINE)
    return transaction(body, key_of(f"{organization} admin"))


def voting(organization: str, proposal: Transaction, *, approve: bool = True) -> Transaction:
    """Return a vote, signed as it should be."""
    body = VoteOnProposal(EXPIRY, bytes(8), organization, proposal.id, approve)
    return transaction(body, key_of(f"{organization} admin"))


TEA: Final = proposing("books", admission("tea", "tea"))
"""Open; another approval accepts it."""

NO_BOOKS: Final = proposing("cafe", RemoveValidator("books"))
"""Open; mall's approval accepts it."""


def furnish_governance(world: "Scene") -> None:
    """Bring observers, a retired validator and open proposals."""
    agree(world, admission("mall-2", "mall", replaces="mall"))
    agree(world, admission("books-2", "books"))
    agree(world, admission("cafe-2", "cafe"))
    agree(world, RemoveValidator("cafe-2"))
    for item in (TEA, NO_BOOKS):
        assert world.take(item) == 0
    assert [(one.id, one.status.name) for one in world.twin.validators[4:]] == [
        ("mall-2", "OBSERVER"),
        ("books-2", "OBSERVER"),
        ("cafe-2", "RETIRED"),
    ]


def agree(world: "Scene", change: Change) -> None:
    """Carry a change out by the votes of all, unless something speaks against it."""
    proposal = proposing("books", change, 1)
    world.take(proposal)
    for name in ("cafe", "mall"):
        world.take(voting(name, proposal))


def make_joint(world: "Scene") -> None:
    """Begin the removal of the suspended organization's validator."""
    agree(world, RemoveValidator("attic"))


def change_in_this_block(world: "Scene") -> None:
    """Begin a change of voters and end it, all in one block."""
    make_joint(world)
    end_joint(world)


def end_joint(world: "Scene") -> None:
    """Leave the joint configuration in both ledgers, if it is one."""
    if world.twin.outgoing:
        settle(world.state, world.context)
        world.twin.height = world.height
        naive_governance.settle(world.twin)


def leave_one_voter(world: "Scene") -> None:
    """Remove every voter but books'."""
    for name in ("mall", "attic", "cafe"):
        agree(world, RemoveValidator(name))
        world.height += 1
        end_joint(world)
        world.height += 1


def fill(world: "Scene") -> None:
    """Bring so many observers that no further validator fits."""
    current, governance = world.state.get(VALIDATOR_SET_KEY), world.state.get(GOVERNANCE_KEY)
    assert isinstance(current, ValidatorSet)
    assert isinstance(governance, Governance)
    (pattern,) = [one for one in world.twin.validators if one.id == "books-2"]
    names = tuple(f"extra-{number}" for number in range(64 - len(current.all)))
    for name in names:
        key, pem = key_of(f"{name} validator"), certificate_of(name)
        extra = msgspec.structs.replace(pattern, id=name, key=key, certificate_pem=pem, peer_host=name)
        assert extra.status is ValidatorStatus.OBSERVER
        world.twin.validators.append(extra)
        world.state.put(validator_key(name), extra)
    world.state.put(VALIDATOR_SET_KEY, msgspec.structs.replace(current, observers=current.observers + names))
    world.state.put(GOVERNANCE_KEY, msgspec.structs.replace(governance, validators=governance.validators + names))


def suspend_everybody(world: "Scene") -> None:
    """Suspend all organizations."""
    for name, organization in world.twin.organizations.items():
        suspended = msgspec.structs.replace(organization, status=OrganizationStatus.SUSPENDED)
        world.twin.organizations[name] = suspended
        world.state.put(organization_key(name), suspended)


def propose_too_much(world: "Scene") -> None:
    """Let the mall have as many open proposals as one may have."""
    for number in range(2, 6):
        assert world.take(proposing("mall", RemoveValidator("books-2"), number)) == 0


def admit_tea(world: "Scene") -> None:
    """Give the id that is proposed for a newcomer away to a validator of cafe."""
    agree(world, admission("tea", "cafe"))
