"""The validators and who of them votes: records, and how one set of voters gives way to the next.

Membership changes by joint consensus (Raft, section 6; Ongaro's thesis, 4.3). A change of voters first makes the set
*joint*: for a while every decision needs a quorum of the new voters and one of the outgoing. The block that ends this
calls `settle`. To the ledger a set is data; `jifen.consensus` decides under it.
"""

from enum import IntEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.ledger.context import BlockContext
from jifen.ledger.records import read
from jifen.ledger.state import (
    VALIDATOR,
    VALIDATOR_SET_KEY,
    StateReader,
    StateWriter,
    after_prefix,
    past_set_key,
    validator_key,
)
from jifen.ledger.types import Height, HostName, KeyBytes, PortNumber, Record, Slug, UrlText

VALIDATORS_MAX = 64
"""Voters, outgoing and observers together: a certificate's bitmap stays in one machine word whatever changes next."""

CERTIFICATE_CHARACTERS_MAX = 2048
"""Longest TLS certificate, PEM. Ours have under 900; with the rest of an admission it stays within a transaction."""

VALIDATOR_END = bytes([VALIDATOR[0] + 1])
"""First key after those of validators."""

CertificateText = Annotated[str, Meta(max_length=CERTIFICATE_CHARACTERS_MAX)]


class ValidatorStatus(IntEnum):
    """What a validator is at present."""

    OBSERVER = 1
    """Admitted: gets every block, decides nothing."""
    VOTER = 2
    """Votes and acknowledges; as long as the set is joint, the outgoing do so too."""
    RETIRED = 3
    """Out for good. Its record stays, so that its id and key mean the same validator for ever."""


class Validator(Record, frozen=True):
    """A machine that an organization runs.

    Invariant: ids are never used twice, retired ones included, and the id of one organization's validator is no other
    organization's id. A validator that genesis names goes by the id of its organization.
    """

    id: Slug
    organization: Slug
    key: KeyBytes
    """Key that signs its acknowledgements. Invariant: no two validators and no operator ever shared it."""
    certificate_pem: CertificateText
    """Its TLS certificate, the pin of its peer links."""
    peer_host: HostName
    peer_port: PortNumber
    public_url: UrlText
    """Base URL of its public API."""
    status: ValidatorStatus
    since: Height
    """Height of the block that gave it the status."""
    replaces: Slug | None = None
    """Voter of the same organization whose place it takes when it becomes a voter, or None."""


class ValidatorSet(Record, frozen=True):
    """Who decides.

    Invariant: a validator's status is VOTER exactly when it stands in `voters` or `outgoing`, OBSERVER exactly when it
    stands in `observers`. Nobody stands twice in one list, no observer in another. An organization has at most one
    validator in `voters` and at most one in `outgoing`. `voters` is never empty.

    The set in force from each height on stays in the state beside the present one, without observers: certificates of
    old blocks name their signers by their place in it.
    """

    voters: Annotated[tuple[Slug, ...], Meta(min_length=1, max_length=VALIDATORS_MAX)]
    """In the order in which they became voters."""
    outgoing: Annotated[tuple[Slug, ...], Meta(max_length=VALIDATORS_MAX)] = ()
    """The voters before, while the set is joint; else empty. Those that stay stand in both."""
    observers: Annotated[tuple[Slug, ...], Meta(max_length=VALIDATORS_MAX)] = ()
    changed_at: Height = 0
    """Height of the block that last changed `voters` or `outgoing`. Invariant: no block changes them twice."""

    @property
    def joint(self) -> bool:
        """Whether decisions need the quorums of both sets of voters."""
        return bool(self.outgoing)

    @property
    def signing(self) -> tuple[str, ...]:
        """Who may sign a certificate, in the order of its bits: the outgoing first, while the set is joint."""
        return self.outgoing + tuple(name for name in self.voters if name not in self.outgoing)

    @property
    def all(self) -> tuple[str, ...]:
        """Everybody who is not retired, each once."""
        left = tuple(name for name in self.outgoing if name not in self.voters)
        return self.voters + left + self.observers


def read_validator_set(state: StateReader) -> ValidatorSet:
    """Return the set as the state has it; genesis wrote it."""
    found = read(state, VALIDATOR_SET_KEY, ValidatorSet)
    assert found is not None, "the state has no validator set: it does not begin with genesis"
    return found


def read_validator(state: StateReader, validator: str) -> Validator:
    """Return a validator that a list of the state names."""
    found = read(state, validator_key(validator), Validator)
    assert found is not None, f"validator {validator} is listed and has no record"
    return found


def validators_of(state: StateReader) -> list[Validator]:
    """Return every validator there ever was, in the order of their ids."""
    found: list[Validator] = []
    start = VALIDATOR
    while True:
        page = state.range(start, VALIDATOR_END, VALIDATORS_MAX)
        found += [record for _, record in page if isinstance(record, Validator)]
        if len(page) < VALIDATORS_MAX:
            return found
        start = page[-1][0] + b"\0"


def voting_sets(state: StateReader) -> list[ValidatorSet]:
    """Return every set that ever decided, oldest first, without observers; each decides from `changed_at` on."""
    found: list[ValidatorSet] = []
    start, stop = past_set_key(0), after_prefix(VALIDATOR_SET_KEY)
    while True:
        page = state.range(start, stop, VALIDATORS_MAX)
        found += [record for _, record in page if isinstance(record, ValidatorSet)]
        if len(page) < VALIDATORS_MAX:
            return found
        start = page[-1][0] + b"\0"


def put_voters(state: StateWriter, after: ValidatorSet) -> None:
    """Write a set whose voters or outgoing voters are other ones than before, and keep it for later questions."""
    state.put(VALIDATOR_SET_KEY, after)
    state.put(past_set_key(after.changed_at), ValidatorSet(after.voters, after.outgoing, (), after.changed_at))


def begin_joint(state: StateWriter, voters: tuple[str, ...], context: BlockContext) -> None:
    """Begin the change to these voters: from this block on decisions need their quorum and that of those before."""
    before = read_validator_set(state)
    assert not before.joint, f"block {context.height} begins a change of voters within another"
    observers = tuple(name for name in before.observers if name not in voters)
    put_voters(state, ValidatorSet(voters, before.voters, observers, context.height))


def settle(state: StateWriter, context: BlockContext) -> ValidatorSet:
    """End the joint configuration: the outgoing set is dropped and who was only in it retires. Returns the new set.

    The executor calls it, once, in the block that leaves the joint configuration, before its transactions: those see
    the new set, and none of them can begin another change (`CONFIGURATION_CHANGING`).
    """
    before = read_validator_set(state)
    assert before.joint, f"block {context.height} ends a joint configuration that is none"
    for name in before.outgoing:
        if name not in before.voters:
            put_status(state, name, ValidatorStatus.RETIRED, context)
    after = ValidatorSet(before.voters, (), before.observers, context.height)
    put_voters(state, after)
    return after


def put_status(state: StateWriter, validator: str, status: ValidatorStatus, context: BlockContext) -> None:
    """Give a validator a status from this block on."""
    record = read_validator(state, validator)
    state.put(validator_key(validator), msgspec.structs.replace(record, status=status, since=context.height))
