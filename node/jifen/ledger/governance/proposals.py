"""Proposals and the votes on them: records."""

from enum import IntEnum
from typing import Annotated

from msgspec import Meta

from jifen.ledger.governance.changes import Change
from jifen.ledger.governance.validators import VALIDATORS_MAX
from jifen.ledger.records import read
from jifen.ledger.state import GOVERNANCE_KEY, StateReader, proposal_key
from jifen.ledger.types import HashBytes, Height, Record, Slug, TimeMs

ORGANIZATIONS_MAX = VALIDATORS_MAX
"""Organizations of one alliance: each may have a voter."""

VALIDATORS_EVER_MAX = 1024
"""Validators that an alliance can have had in all: a machine of every organization changed each year for sixteen
years. Their ids and keys are never used again, so every admission is compared with all of them."""

OPEN_PROPOSALS_MAX = 4
"""Open proposals of one organization: nobody can fill the list and so keep others from proposing."""

PROPOSAL_LIFETIME_MS_MAX = 30 * 24 * 60 * 60 * 1000
"""Longest time, ms, that a proposal waits for votes: thirty days. Forgotten ones do not take effect years later."""

THRESHOLD_TERM_MAX = 1000
"""Largest numerator or denominator of a threshold: finer than any number of organizations can tell apart."""

ThresholdTerm = Annotated[int, Meta(ge=1, le=THRESHOLD_TERM_MAX)]
PROPOSAL_NUMBER_MAX = 2**32
"""Largest number of a proposal: one a second for a century."""

ProposalNumber = Annotated[int, Meta(ge=1, le=PROPOSAL_NUMBER_MAX)]


class ProposalStatus(IntEnum):
    """How far a proposal has come. Only an OPEN one takes votes, and only until its deadline."""

    OPEN = 1
    ACCEPTED = 2
    """Enough approved, and it took effect in the same block."""
    REFUSED = 3
    """So many are against it that it can no longer be accepted."""
    WITHDRAWN = 4
    EXPIRED = 5
    """Its deadline passed; written when the next proposal is made, until then the record still says OPEN."""


class Vote(Record, frozen=True):
    """What one organization says to a proposal."""

    organization: Slug
    approve: bool
    height: Height
    """Height of the block with the vote."""


class Proposal(Record, frozen=True):
    """A change that was proposed.

    Invariant: no organization votes twice; the first vote is the proposer's own and approves.
    """

    number: ProposalNumber
    """1, 2, 3 ... in the order of the chain: for people, and for its place in the state."""
    id: HashBytes
    """Id of the transaction that proposed it: what votes name."""
    organization: Slug
    """Who proposed it."""
    change: Change
    open_until: TimeMs
    """Last block time, ms, at which a vote is taken."""
    proposed_at: Height
    status: ProposalStatus
    votes: Annotated[tuple[Vote, ...], Meta(max_length=ORGANIZATIONS_MAX)]
    decided_at: Height = 0
    """Height of the block that ended it; 0 while it is open."""


class OpenProposal(Record, frozen=True):
    """Where an open proposal is found, and what tells whether it still is open."""

    id: HashBytes
    number: ProposalNumber
    organization: Slug
    open_until: TimeMs


class Governance(Record, frozen=True):
    """What deciding needs: the threshold, who there is, and what is open. There is one.

    Invariant: `organizations` and `validators` name the keys of their tables, each once; `open` names the proposals
    whose record says OPEN, by number.
    """

    numerator: ThresholdTerm
    """Of the threshold in genesis (`Threshold`)."""
    denominator: ThresholdTerm
    organizations: Annotated[tuple[Slug, ...], Meta(max_length=ORGANIZATIONS_MAX)]
    """All of them, in the order in which they joined."""
    validators: Annotated[tuple[Slug, ...], Meta(max_length=VALIDATORS_EVER_MAX)]
    """All there ever were, in the order in which they were admitted."""
    proposals: Annotated[int, Meta(ge=0, le=PROPOSAL_NUMBER_MAX)] = 0
    """Number of the newest proposal; 0 before the first."""
    open: Annotated[tuple[OpenProposal, ...], Meta(max_length=OPEN_PROPOSALS_MAX * ORGANIZATIONS_MAX)] = ()

    def needed(self, asked: int) -> int:
        """Return how many of `asked` organizations must approve: the share, rounded up."""
        return -(-asked * self.numerator // self.denominator)


def read_proposal(state: StateReader, number: int) -> Proposal | None:
    """Return a proposal by its number, or None."""
    return read(state, proposal_key(number), Proposal) if 0 < number <= PROPOSAL_NUMBER_MAX else None


def read_governance(state: StateReader) -> Governance:
    """Return it as the state has it; genesis wrote it."""
    found = read(state, GOVERNANCE_KEY, Governance)
    assert found is not None, "the state does not say how the alliance decides: it does not begin with genesis"
    return found
