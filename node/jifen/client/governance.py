"""Validators and proposals as the API tells them: records, and the operations that ask for them."""

from datetime import datetime
from typing import Final

from jifen.client.queries import Operation
from jifen.client.records import Answer


class Validator(Answer, frozen=True):
    """A machine that keeps the ledger for an organization."""

    id: str
    organization: str
    key: str
    certificate_fingerprint: str | None
    """SHA-256 of its TLS certificate; None when the ledger names none."""
    certificate_pem: str
    peer_host: str
    peer_port: int
    public_url: str
    status: str
    """`OBSERVER`, `VOTER` or `RETIRED`."""
    since: int
    """Height of the block that gave it the status."""
    replaces: str | None
    connected: bool
    """Whether the validator asked is linked to it, or is it."""


class ValidatorSet(Answer, frozen=True):
    """Who decides at present, and who listens."""

    joint: bool
    """Whether a change is under way: decisions need the quorums of `voters` and of `outgoing`."""
    changed_at: int
    voters: tuple[Validator, ...]
    outgoing: tuple[Validator, ...]
    observers: tuple[Validator, ...]


class Quorum(Answer, frozen=True):
    """Voters that decide together."""

    voters: tuple[str, ...]
    size: int
    """How many of them decide."""
    tolerated: int
    """How many may be down while the others go on deciding."""
    connected: tuple[str, ...]
    """Those that the validator asked is linked to, or is."""
    reachable: bool


class ValidatorSetPreview(Answer, frozen=True):
    """What a change of the voters would do."""

    before: tuple[Quorum, ...]
    during: tuple[Quorum, ...]
    """Both must be reached to get through the change; empty when the voters stay."""
    after: Quorum
    reachable: bool
    """Whether those connected are enough all the way."""
    problems: tuple[str, ...]
    """Why it could not be done as things stand."""


class Vote(Answer, frozen=True):
    """What one organization says to a proposal."""

    organization: str
    approve: bool
    height: int


class NewcomerOperator(Answer, frozen=True):
    """A key that is to act for a newcomer."""

    key: str
    scopes: str


class Newcomer(Answer, frozen=True):
    """An organization that would join the alliance."""

    name: str
    kind: str
    operators: tuple[NewcomerOperator, ...]


class Admission(Answer, frozen=True):
    """All that a proposal says of a validator to be."""

    organization: str
    newcomer: Newcomer | None
    """None when the organization is in the alliance already."""
    key: str
    certificate_fingerprint: str | None
    peer_host: str
    peer_port: int
    public_url: str
    replaces: str | None


class Proposal(Answer, frozen=True):
    """A change of the validators that was proposed."""

    number: int
    id: str
    """Id of the transaction that proposed it: what votes name."""
    organization: str
    kind: str
    """`ADMIT_VALIDATOR` or `REMOVE_VALIDATOR`."""
    validator: str
    admission: Admission | None
    """None for a removal."""
    fingerprint: str
    """Hash over the whole change, to be compared with the newcomer's own."""
    open_until: datetime
    proposed_at: int
    decided_at: int | None
    status: str
    """`OPEN`, `ACCEPTED`, `REFUSED`, `WITHDRAWN` or `EXPIRED`."""
    votes: tuple[Vote, ...]
    approvals: int
    refusals: int
    needed: int
    missing: tuple[str, ...]
    """Organizations that are asked and have not voted."""


_VALIDATOR: Final = (
    "{ id organization key certificateFingerprint certificatePem peerHost peerPort publicUrl status "
    "since replaces connected }"
)
_QUORUM: Final = "{ voters size tolerated connected reachable }"
_PROPOSAL: Final = (
    "{ number id organization kind validator fingerprint openUntil proposedAt decidedAt status approvals refusals "
    "needed missing votes { organization approve height } admission { organization key certificateFingerprint peerHost "
    "peerPort publicUrl replaces newcomer { name kind operators { key scopes } } } }"
)

VALIDATOR_SET: Final = Operation[ValidatorSet](
    "query ValidatorSet { validatorSet { joint changedAt "
    f"voters {_VALIDATOR} outgoing {_VALIDATOR} observers {_VALIDATOR} }} }}",
    "validatorSet",
    ValidatorSet,
)
VALIDATOR: Final = Operation[Validator | None](
    f"query Validator($id: String!) {{ validator(id: $id) {_VALIDATOR} }}", "validator", Validator | None
)
PREVIEW: Final = Operation[ValidatorSetPreview](
    "query Preview($admit: [String!], $remove: [String!]) { previewValidatorSet(admit: $admit, remove: $remove) "
    f"{{ before {_QUORUM} during {_QUORUM} after {_QUORUM} reachable problems }} }}",
    "previewValidatorSet",
    ValidatorSetPreview,
)
PROPOSALS: Final = Operation[tuple[Proposal, ...]](
    f"query Proposals($last: Int!, $before: Int) {{ proposals(last: $last, before: $before) {_PROPOSAL} }}",
    "proposals",
    tuple[Proposal, ...],
)
PROPOSAL: Final = Operation[Proposal | None](
    f"query Proposal($number: Int!) {{ proposal(number: $number) {_PROPOSAL} }}", "proposal", Proposal | None
)
