"""Faults of proposals, votes, withdrawals and activations."""

from typing import Any, Final

from jifen.ledger.governance.bodies import ActivateValidator, ProposeChange, VoteOnProposal, WithdrawProposal
from jifen.ledger.governance.changes import Newcomer, RemoveValidator
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Body
from jifen.ledger.types import Operator, OrganizationKind, Scope
from jifen.testing.faults.scene import NOW, Fault
from jifen.testing.naive.scene import DAY_MS, certificate_of, key_of
from jifen.testing.scenes.governance import (
    DEADLINE,
    EXPIRY,
    NO_BOOKS,
    TEA,
    admission,
    admit_tea,
    change_in_this_block,
    fill,
    leave_one_voter,
    make_joint,
    propose_too_much,
    suspend_everybody,
)

NONCE: Final = b"nonce000"

GOOD_GOVERNANCE: Final[dict[str, tuple[Body, str]]] = {
    "admit": (ProposeChange(EXPIRY, NONCE, "mall", admission("tea-2", "tea-2"), DEADLINE), "mall admin"),
    "replace": (
        ProposeChange(EXPIRY, NONCE, "mall", admission("books-3", "books", replaces="books"), DEADLINE),
        "mall admin",
    ),
    "remove": (ProposeChange(EXPIRY, NONCE, "mall", RemoveValidator("books"), DEADLINE), "mall admin"),
    "vote": (VoteOnProposal(EXPIRY, NONCE, "mall", TEA.id, True), "mall admin"),
    "vote to remove": (VoteOnProposal(EXPIRY, NONCE, "mall", NO_BOOKS.id, True), "mall admin"),
    "withdraw": (WithdrawProposal(EXPIRY, NONCE, "books", TEA.id), "books admin"),
    "activate": (ActivateValidator(EXPIRY, NONCE, "mall-2"), "mall-2 validator"),
}
"""A transaction of every kind that nothing speaks against, and who signs it."""

PROPOSING: Final = ("admit", "replace", "remove")
OFFICIAL: Final = (*PROPOSING, "vote", "vote to remove", "withdraw")
"""Kinds that an operator with scope ADMIN signs."""


def newcomer(*operators: tuple[str, Scope]) -> dict[str, Any]:
    """Return the change that makes the newcomer have these operators."""
    keys = tuple(Operator(key_of(name), int(scopes)) for name, scopes in operators)
    return {"change.newcomer": Newcomer("Tea", OrganizationKind.MERCHANT, keys)}


GOVERNANCE_FAULTS: Final = (
    *(Fault(kind, Rejection.ORGANIZATION_UNKNOWN, {"organization": "nobody"}) for kind in OFFICIAL),
    *(Fault(kind, Rejection.ORGANIZATION_NOT_ACTIVE, {"organization": "attic"}, "attic admin") for kind in OFFICIAL),
    *(Fault(kind, Rejection.ORGANIZATION_NOT_ACTIVE, {"organization": "attic"}) for kind in OFFICIAL),
    *(Fault(kind, Rejection.NOT_AUTHORIZED, {}, "mall till") for kind in OFFICIAL),
    *(Fault(kind, Rejection.NOT_AUTHORIZED, {}, "cafe admin") for kind in OFFICIAL),
    *(Fault(kind, Rejection.DEADLINE_OUT_OF_RANGE, {"open_until": NOW}) for kind in PROPOSING),
    *(Fault(kind, Rejection.DEADLINE_OUT_OF_RANGE, {"open_until": NOW + 30 * DAY_MS + 1}) for kind in PROPOSING),
    *(Fault(kind, Rejection.TOO_MANY_PROPOSALS, {}, stage=propose_too_much) for kind in PROPOSING),
    Fault("replace", Rejection.OWNER_UNKNOWN, {"change.organization": "nobody"}),
    Fault("replace", Rejection.OWNER_NOT_ACTIVE, {"change.organization": "attic"}),
    Fault("admit", Rejection.NO_ADMINISTRATOR, newcomer(("tea till", Scope.CASHIER))),
    Fault("admit", Rejection.ID_TAKEN, {"change.organization": "books"}),
    Fault("admit", Rejection.ID_TAKEN, {"change.organization": "attic"}),
    Fault("admit", Rejection.ID_TAKEN, {"change.organization": "books-2"}),
    Fault("admit", Rejection.ID_TAKEN, {"change.validator": "mall"}),
    Fault("replace", Rejection.ID_TAKEN, {"change.validator": "cafe-2"}),
    Fault("replace", Rejection.ID_TAKEN, {"change.validator": "tea", "change.replaces": None}, stage=admit_tea),
    Fault("admit", Rejection.KEY_IN_USE, {"change.key": key_of("tea-2 admin")}),
    Fault("admit", Rejection.KEY_IN_USE, {"change.key": key_of("cafe-2 validator")}),
    Fault("admit", Rejection.KEY_IN_USE, newcomer(("tea admin", Scope.ADMIN), ("tea admin", Scope.ISSUER))),
    Fault("admit", Rejection.KEY_IN_USE, newcomer(("tea admin", Scope.ADMIN), ("books till", Scope.ISSUER))),
    Fault("admit", Rejection.KEY_IN_USE, newcomer(("cafe-2 validator", Scope.ADMIN))),
    Fault("replace", Rejection.KEY_IN_USE, {"change.key": key_of("mall validator")}),
    Fault("replace", Rejection.KEY_IN_USE, {"change.key": key_of("attic till")}),
    Fault("admit", Rejection.CERTIFICATE_IN_USE, {"change.certificate_pem": certificate_of("cafe-2")}),
    Fault("replace", Rejection.CERTIFICATE_IN_USE, {"change.certificate_pem": certificate_of("books")}),
    Fault("admit", Rejection.ADDRESS_IN_USE, {"change.peer_port": 1}),
    Fault("replace", Rejection.ADDRESS_IN_USE, {"change.peer_port": 13}),
    Fault("admit", Rejection.NOT_ITS_VOTER, {"change.replaces": "books"}),
    Fault("replace", Rejection.NOT_ITS_VOTER, {"change.replaces": "books-2"}),
    Fault("replace", Rejection.NOT_ITS_VOTER, {"change.replaces": "nobody"}),
    Fault("admit", Rejection.ALLIANCE_FULL, {}, stage=fill),
    Fault("replace", Rejection.ALLIANCE_FULL, {}, stage=fill),
    Fault("remove", Rejection.VALIDATOR_UNKNOWN, {"change.validator": "tea"}),
    Fault("remove", Rejection.VALIDATOR_RETIRED, {"change.validator": "cafe-2"}),
    Fault("remove", Rejection.VALIDATOR_RETIRED, {"change.validator": "attic"}, stage=make_joint),
    Fault("remove", Rejection.LAST_VOTER, {}, stage=leave_one_voter),
    *(Fault(kind, Rejection.PROPOSAL_NOT_OPEN, {"proposal": bytes(32)}) for kind in ("vote", "withdraw")),
    Fault("vote", Rejection.ALREADY_VOTED, {"organization": "books"}, "books admin"),
    Fault("vote to remove", Rejection.ALREADY_VOTED, {"organization": "cafe"}, "cafe admin"),
    Fault("vote", Rejection.ID_TAKEN, {}, stage=admit_tea),
    Fault("vote", Rejection.ALLIANCE_FULL, {}, stage=fill),
    Fault("vote to remove", Rejection.CONFIGURATION_CHANGING, {}, stage=make_joint),
    Fault("vote to remove", Rejection.CONFIGURATION_CHANGING, {}, stage=change_in_this_block),
    Fault("vote to remove", Rejection.LAST_VOTER, {}, stage=leave_one_voter),
    Fault("withdraw", Rejection.NOT_THE_PROPOSER, {"organization": "mall"}, "mall admin"),
    Fault("withdraw", Rejection.NOT_THE_PROPOSER, {"proposal": NO_BOOKS.id}),
    Fault("activate", Rejection.VALIDATOR_UNKNOWN, {"validator": "tea"}),
    Fault("activate", Rejection.NOT_AUTHORIZED, {}, "mall admin"),
    Fault("activate", Rejection.NOT_AUTHORIZED, {}, "mall validator"),
    Fault("activate", Rejection.OWNER_NOT_ACTIVE, {}, stage=suspend_everybody),
    Fault("activate", Rejection.VALIDATOR_RETIRED, {"validator": "cafe-2"}, "cafe-2 validator"),
    Fault("activate", Rejection.ALREADY_A_VOTER, {"validator": "books"}, "books validator"),
    Fault("activate", Rejection.HAS_A_VOTER, {"validator": "books-2"}, "books-2 validator"),
    Fault("activate", Rejection.CONFIGURATION_CHANGING, {}, stage=make_joint),
    Fault("activate", Rejection.CONFIGURATION_CHANGING, {}, stage=change_in_this_block),
)

GOVERNANCE_NEVER_MEETS: Final = {
    ("ORGANIZATION_UNKNOWN", "TOO_MANY_PROPOSALS"): "an unknown organization has proposed nothing",
    ("ORGANIZATION_UNKNOWN", "ALREADY_VOTED"): "nor voted",
    ("ORGANIZATION_UNKNOWN", "CONFIGURATION_CHANGING"): "nor does its vote decide",
    ("ORGANIZATION_NOT_ACTIVE", "TOO_MANY_PROPOSALS"): "the scene's was suspended from the start",
    ("ORGANIZATION_NOT_ACTIVE", "ALREADY_VOTED"): "and has not voted",
    ("ORGANIZATION_NOT_ACTIVE", "CONFIGURATION_CHANGING"): "nor does its vote count, so it decides nothing",
    ("OWNER_UNKNOWN", "OWNER_NOT_ACTIVE"): "who is unknown is not suspended",
    ("OWNER_NOT_ACTIVE", "VALIDATOR_UNKNOWN"): "an unknown validator has no owner",
    ("VALIDATOR_UNKNOWN", "VALIDATOR_RETIRED"): "who is unknown has not retired",
    ("VALIDATOR_UNKNOWN", "ALREADY_A_VOTER"): "nor votes",
    ("VALIDATOR_UNKNOWN", "HAS_A_VOTER"): "nor belongs to an organization",
    ("VALIDATOR_UNKNOWN", "LAST_VOTER"): "nor is the last voter",
    ("VALIDATOR_UNKNOWN", "CONFIGURATION_CHANGING"): "nor changes anything",
    ("VALIDATOR_RETIRED", "ALREADY_A_VOTER"): "who has retired votes no more",
    ("VALIDATOR_RETIRED", "HAS_A_VOTER"): "and takes nobody's place",
    ("VALIDATOR_RETIRED", "LAST_VOTER"): "and is not the last voter",
    ("VALIDATOR_RETIRED", "CONFIGURATION_CHANGING"): "and changes nothing",
    ("ALREADY_A_VOTER", "HAS_A_VOTER"): "the organization's voter is this one",
    ("ALREADY_A_VOTER", "CONFIGURATION_CHANGING"): "a voter changes nothing by becoming one",
    ("PROPOSAL_NOT_OPEN", "NOT_THE_PROPOSER"): "a proposal that is not there is nobody's",
    ("PROPOSAL_NOT_OPEN", "ALREADY_VOTED"): "nobody voted on it",
    ("PROPOSAL_NOT_OPEN", "ID_TAKEN"): "and it changes nothing",
    ("PROPOSAL_NOT_OPEN", "ALLIANCE_FULL"): "and admits nobody",
    ("ALREADY_VOTED", "ID_TAKEN"): "a second vote decides nothing",
    ("ALREADY_VOTED", "ALLIANCE_FULL"): "and admits nobody",
    ("ALREADY_VOTED", "LAST_VOTER"): "and removes nobody",
    ("ALREADY_VOTED", "CONFIGURATION_CHANGING"): "and changes nothing",
    ("LAST_VOTER", "CONFIGURATION_CHANGING"): "in the scene the last change is over when one voter is left",
}
"""Reasons of one kind of transaction that no transaction can have as its first and a later one."""
