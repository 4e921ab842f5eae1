"""Validators and the decisions about them, in both ledgers."""

from collections.abc import Iterable
from typing import Final

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger import state
from jifen.ledger.context import BlockContext
from jifen.ledger.governance.bodies import ActivateValidator, ProposeChange, VoteOnProposal, WithdrawProposal
from jifen.ledger.governance.changes import Change, RemoveValidator
from jifen.ledger.governance.proposals import Governance, OpenProposal, Proposal, ProposalStatus, Vote
from jifen.ledger.governance.validators import ValidatorSet, ValidatorStatus, settle
from jifen.ledger.types import Record
from jifen.testing.naive import governance as naive_governance
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.records import NaiveProposal
from jifen.testing.naive.scene import CHAIN_ID, DAY_MS, key_of
from jifen.testing.scenes.governance import admission
from jifen.testing.twin.draws import lives, nonces
from jifen.testing.twin.machine import TwinMachine

ORGANIZATIONS: Final = ("mall", "books", "cafe", "attic", "tea", "zoo", "nobody")
ACTIVE: Final = ("mall", "books", "cafe")
VALIDATORS: Final = (
    *ACTIVE, "attic", "tea", "zoo",
    *(f"{name}-{number}" for number in (2, 3) for name in ("mall", "books", "cafe", "tea")),
)  # fmt: skip

organizations = st.sampled_from(ORGANIZATIONS)
deadlines = st.sampled_from((DAY_MS, 1, 2 * DAY_MS, 30 * DAY_MS, 60_000, 0, 30 * DAY_MS + 1))
"""Time from the block to the end of the votes, ms; most are good."""


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Draw a change: of existing and unknown validators, most of them possible at some time."""
    validator = draw(st.sampled_from(VALIDATORS))
    if draw(st.booleans()):
        return RemoveValidator(validator)
    owner = validator.partition("-")[0]
    change = admission(validator, owner, peer_port=draw(st.integers(1, 40)))
    if draw(st.booleans()):
        replaces = draw(st.sampled_from((owner, owner, f"{owner}-2", "mall")))
        change = msgspec.structs.replace(change, replaces=replaces)
    if draw(st.integers(0, 9)) == 0:
        other = draw(st.sampled_from(VALIDATORS))
        wrong = draw(st.sampled_from(("organization", "key", "certificate_pem", "newcomer")))
        value = getattr(admission(other, other.partition("-")[0]), wrong)
        change = msgspec.structs.replace(change, **{wrong: value})
    return change


def observers_of(twin: NaiveLedger) -> tuple[str, ...]:
    """Return the observers, in the order of their admission."""
    return tuple(one.id for one in twin.validators if one.status is ValidatorStatus.OBSERVER)


def some_proposal(twin: NaiveLedger, pick: int) -> NaiveProposal:
    """Return one of the open proposals, now and then one of all."""
    waiting = [one for one in twin.proposals if one.status == "OPEN"]
    choice = waiting if waiting and pick % 8 else twin.proposals
    return choice[pick % len(choice)]


class ValidatorRules(TwinMachine):
    """Rules of the validators."""

    @precondition(lambda self: self.open)
    @rule(life=lives, nonce=nonces, who=organizations, change=changes(), open_for=deadlines, signer=organizations)
    def propose_anything(
        self, *, life: int, nonce: bytes, who: str, change: Change, open_for: int, signer: str
    ) -> None:
        """Propose a change, with or without being allowed to."""
        body = ProposeChange(self.time + life, nonce, who, change, self.time + open_for)
        self.submit(body, key_of(f"{signer} admin"))

    @precondition(lambda self: self.open)
    @rule(nonce=nonces, change=changes(), voters=st.lists(st.sampled_from(ORGANIZATIONS), max_size=5))
    def agree_on_anything(self, nonce: bytes, change: Change, voters: list[str]) -> None:
        """Propose a change and have some approve it."""
        self.agree(nonce, change, voters)

    def agree(self, nonce: bytes, change: Change, voters: Iterable[str]) -> None:
        """Propose a change and have it approved by these."""
        expiry = self.time + DAY_MS
        self.submit(ProposeChange(expiry, nonce, "mall", change, self.time + DAY_MS), key_of("mall admin"))
        proposal = self.known[-1].id
        for name in voters:
            self.submit(VoteOnProposal(expiry, nonce, name, proposal, True), key_of(f"{name} admin"))

    @precondition(lambda self: self.open)
    @rule(nonce=nonces, owner=st.sampled_from((*ACTIVE, "tea", "zoo")), at_once=st.booleans())
    def admit_the_next(self, nonce: bytes, owner: str, at_once: bool) -> None:
        """Admit another validator of somebody, in place of the present one if there is one."""
        known = [one.id for one in self.twin.validators if one.organization == owner]
        replaces = next((name for name in known if name in self.twin.voters), None)
        name = f"{owner}-{len(known) + 1}" if known else owner
        change = admission(name, owner, replaces=replaces, peer_host=name)
        self.agree(nonce, change, ORGANIZATIONS)
        if at_once:
            self.submit(ActivateValidator(self.time + DAY_MS, nonce, name), key_of(f"{name} validator"))

    @precondition(lambda self: self.open)
    @rule(nonce=nonces, pick=st.integers(0, 99))
    def remove_somebody(self, nonce: bytes, pick: int) -> None:
        """Remove a validator that is there."""
        names = [one.id for one in self.twin.validators if one.status is not ValidatorStatus.RETIRED]
        self.agree(nonce, RemoveValidator(names[pick % len(names)]), ORGANIZATIONS)

    @precondition(lambda self: self.open and self.twin.proposals)
    @rule(
        votes=st.lists(
            st.tuples(lives, nonces, st.integers(0, 99), organizations, st.sampled_from((True, True, False))),
            min_size=1,
            max_size=4,
        ),
        stranger=st.sampled_from((None, None, None, *ORGANIZATIONS)),
    )
    def vote_anything(self, votes: list[tuple[int, bytes, int, str, bool]], stranger: str | None) -> None:
        """Vote on proposals, open or not."""
        for life, nonce, pick, who, approve in votes:
            body = VoteOnProposal(self.time + life, nonce, who, some_proposal(self.twin, pick).id, approve)
            self.submit(body, key_of(f"{stranger or who} admin"))

    @precondition(lambda self: self.open and self.twin.proposals)
    @rule(life=lives, nonce=nonces, pick=st.integers(0, 99), who=st.sampled_from((*ACTIVE, None, None, None)))
    def withdraw_any_proposal(self, life: int, nonce: bytes, pick: int, who: str | None) -> None:
        """Take a proposal back, an own one or not."""
        proposal = some_proposal(self.twin, pick)
        name = who or proposal.organization
        self.submit(WithdrawProposal(self.time + life, nonce, name, proposal.id), key_of(f"{name} admin"))

    @precondition(lambda self: self.open)
    @rule(life=lives, nonce=nonces, name=st.sampled_from(VALIDATORS), signer=st.sampled_from((*VALIDATORS, None, None)))
    def activate_anything(self, life: int, nonce: bytes, name: str, signer: str | None) -> None:
        """Make a voter of whomever."""
        self.submit(ActivateValidator(self.time + life, nonce, name), key_of(f"{signer or name} validator"))

    @precondition(lambda self: self.open and len(observers_of(self.twin)) > 0)
    @rule(nonce=nonces, pick=st.integers(0, 99))
    def activate_an_observer(self, nonce: bytes, pick: int) -> None:
        """Make a voter of an observer."""
        observers = observers_of(self.twin)
        name = observers[pick % len(observers)]
        self.submit(ActivateValidator(self.time + DAY_MS, nonce, name), key_of(f"{name} validator"))

    @precondition(lambda self: self.open and self.twin.outgoing and self.twin.voters_changed_at != self.twin.height)
    @rule()
    def leave_the_joint_configuration(self) -> None:
        """Leave it as the executor does."""
        settle(self.working, BlockContext(CHAIN_ID, self.working.height + 1, self.time))
        naive_governance.settle(self.twin)


def validators_and_their_set(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of all validators and of their set."""
    expected: dict[bytes, Record] = {state.validator_key(item.id): item for item in twin.validators}
    now = ValidatorSet(tuple(twin.voters), tuple(twin.outgoing), observers_of(twin), twin.voters_changed_at)
    for height, (voters, outgoing) in twin.past_voters.items():
        expected[state.past_set_key(height)] = ValidatorSet(tuple(voters), tuple(outgoing), (), height)
    return expected | {state.VALIDATOR_SET_KEY: now}


def proposals_and_governance(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of all proposals and of what deciding needs."""
    expected: dict[bytes, Record] = {}
    waiting = []
    for number, item in enumerate(twin.proposals, start=1):
        head = (number, item.id, item.organization, item.change, item.open_until, item.proposed_at)
        votes = tuple(Vote(*vote) for vote in item.votes)
        expected[state.proposal_key(number)] = Proposal(*head, ProposalStatus[item.status], votes, item.ended_at)
        if item.status == "OPEN":
            waiting.append(OpenProposal(item.id, number, item.organization, item.open_until))
    known = tuple(twin.organizations), tuple(item.id for item in twin.validators)
    threshold = twin.threshold.numerator, twin.threshold.denominator
    expected[state.GOVERNANCE_KEY] = Governance(*threshold, *known, len(twin.proposals), tuple(waiting))
    return expected


TwinMachine.tables += [validators_and_their_set, proposals_and_governance]
