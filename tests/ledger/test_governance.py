"""Deciding who keeps the ledger: admission by all, removal, replacement, and how a change of voters ends."""

from typing import Any, Final

import msgspec
import pytest

from jifen.codec.errors import Malformed
from jifen.codec.transactions import TRANSACTION_BYTES_MAX, decode_body, encode_body, encode_signed
from jifen.ledger.apply import apply_transaction, final_rejection, preflight
from jifen.ledger.context import BlockContext
from jifen.ledger.genesis import UNANIMITY, Threshold, write_genesis
from jifen.ledger.governance.bodies import (
    ActivateValidator,
    ChangeProposed,
    ProposeChange,
    ValidatorActivated,
    ValidatorAdmitted,
    ValidatorRemoved,
    VoteCounted,
    VoteOnProposal,
    WithdrawProposal,
)
from jifen.ledger.governance.changes import (
    OPERATORS_MAX,
    AdmitValidator,
    Change,
    Newcomer,
    RemoveValidator,
)
from jifen.ledger.governance.proposals import Proposal, ProposalStatus, read_governance
from jifen.ledger.governance.validators import (
    CERTIFICATE_CHARACTERS_MAX,
    ValidatorSet,
    read_validator,
    read_validator_set,
    settle,
    voting_sets,
)
from jifen.ledger.invariants import check_all
from jifen.ledger.records import read
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import organization_key, proposal_key
from jifen.ledger.transactions import Body, Signature, Transaction
from jifen.ledger.types import Operator, Organization, OrganizationKind, OrganizationStatus
from jifen.testing.memory import Memory
from jifen.testing.naive.scene import CHAIN_ID, DAY_MS, START, key_of, scene, transaction
from jifen.testing.scenes.governance import admission

ALL: Final = ("mall", "books", "cafe")


class Alliance(Memory):
    """The scene's ledger, block by block; `attic` is suspended."""

    def __init__(self, approval: Threshold = UNANIMITY, active: tuple[str, ...] = ALL) -> None:
        super().__init__()
        self.height, self.time, self.nonce = 0, START, 0
        write_genesis(self, msgspec.structs.replace(scene(), approval=approval))
        for name in ALL:
            if name not in active:
                self.suspend(name)
        self.next_block()

    def next_block(self, later: int = 1000) -> None:
        """Go on in the next block, after every invariant has been found to hold."""
        check_all(self.items())
        self.height, self.time = self.height + 1, self.time + later

    @property
    def context(self) -> BlockContext:
        """The open block."""
        return BlockContext(CHAIN_ID, self.height, self.time)

    @property
    def voters(self) -> ValidatorSet:
        """The validator set."""
        return read_validator_set(self)

    def suspend(self, name: str) -> None:
        """Suspend an organization."""
        record = self.get(organization_key(name))
        assert isinstance(record, Organization)
        self.put(organization_key(name), msgspec.structs.replace(record, status=OrganizationStatus.SUSPENDED))

    def take(self, body: Body, signer: str) -> tuple[Any, ...]:
        """Apply a transaction and return its effects, or its rejection alone."""
        receipt = apply_transaction(self, transaction(body, key_of(signer)), self.context)
        return receipt.effects or (Rejection(receipt.rejection),)

    def propose(self, who: str, change: Change, open_for: int = DAY_MS) -> tuple[bytes, tuple[Any, ...]]:
        """Propose a change; returns the proposal's id and the effects."""
        self.nonce += 1
        nonce = self.nonce.to_bytes(8, "big")
        body = ProposeChange(self.time + 1, nonce, who, change, self.time + open_for)
        return transaction(body, key_of(f"{who} admin")).id, self.take(body, f"{who} admin")

    def vote(self, who: str, proposal: bytes, *, approve: bool = True) -> tuple[Any, ...]:
        """Vote on a proposal and return the effects."""
        return self.take(VoteOnProposal(self.time + 1, bytes(8), who, proposal, approve), f"{who} admin")

    def decide(self, change: Change) -> tuple[Any, ...]:
        """Carry a change out by the votes of all who are asked; returns the effect of the change."""
        proposal, effects = self.propose("mall", change)
        for name in ("books", "cafe", "tea"):
            if effects[0].status is ProposalStatus.OPEN:
                effects = self.vote(name, proposal)
        return effects[1:]

    def activate(self, validator: str) -> tuple[Any, ...]:
        """Let a validator become a voter; returns the effects."""
        return self.take(ActivateValidator(self.time + 1, bytes(8), validator), f"{validator} validator")

    def leave_joint(self) -> None:
        """Leave the joint configuration in a block of its own."""
        self.next_block()
        settle(self, self.context)
        self.next_block()

    def status_of(self, validator: str) -> tuple[str, int]:
        """Return status and since when."""
        record = read_validator(self, validator)
        return record.status.name, record.since


def test_a8_a_newcomer_is_admitted_when_the_last_active_organization_has_approved() -> None:
    alliance = Alliance()

    proposal, effects = alliance.propose("mall", admission("tea", "tea"))
    assert effects == (ChangeProposed(1, "mall", START + 1000 + DAY_MS, 1, 3, 3, ProposalStatus.OPEN),)
    alliance.next_block()
    counted = VoteCounted(1, proposal, "books", True, 2, 0, 3, 3, ProposalStatus.OPEN)
    assert alliance.vote("books", proposal) == (counted,)
    alliance.next_block()
    assert alliance.vote("books", proposal) == (Rejection.ALREADY_VOTED,)
    assert alliance.get(organization_key("tea")) is None

    assert alliance.vote("cafe", proposal) == (
        VoteCounted(1, proposal, "cafe", True, 3, 0, 3, 3, ProposalStatus.ACCEPTED),
        ValidatorAdmitted("tea", "tea", True, None),
    )
    assert alliance.status_of("tea") == ("OBSERVER", 3)
    assert alliance.voters == ValidatorSet(("mall", "books", "attic", "cafe"), (), ("tea",), 0)
    organization = read(alliance, organization_key("tea"), Organization)
    assert organization is not None
    assert (organization.status, organization.validator_key) == (OrganizationStatus.ACTIVE, key_of("tea validator"))
    alliance.next_block()


def test_a_newcomer_has_a_vote_from_its_admission_on() -> None:
    alliance = Alliance()
    alliance.decide(admission("tea", "tea"))
    alliance.next_block()

    proposal, effects = alliance.propose("mall", RemoveValidator("attic"))

    assert effects[0].asked == 4
    assert [alliance.vote(name, proposal)[0].status.name for name in ("books", "cafe", "tea")][1:] == [
        "OPEN",
        "ACCEPTED",
    ]


def test_one_refusal_ends_what_needs_everybody() -> None:
    alliance = Alliance()
    proposal, _ = alliance.propose("mall", admission("tea", "tea"))

    (effect,) = alliance.vote("books", proposal, approve=False)

    assert (effect.refusals, effect.status) == (1, ProposalStatus.REFUSED)
    assert alliance.vote("cafe", proposal) == (Rejection.PROPOSAL_NOT_OPEN,)
    alliance.next_block()


def test_with_a_lower_threshold_a_refusal_is_outvoted() -> None:
    alliance = Alliance(Threshold(2, 3))
    proposal, _ = alliance.propose("mall", admission("tea", "tea"))

    (refused,) = alliance.vote("books", proposal, approve=False)
    counted, admitted = alliance.vote("cafe", proposal)

    assert refused.status is ProposalStatus.OPEN
    assert (counted.approvals, counted.refusals, counted.needed) == (2, 1, 2)
    assert admitted == ValidatorAdmitted("tea", "tea", True, None)


def test_votes_are_counted_anew_over_the_organizations_that_are_active_now() -> None:
    alliance = Alliance()
    proposal, _ = alliance.propose("mall", admission("tea", "tea"))
    alliance.suspend("cafe")

    counted, _ = alliance.vote("books", proposal)

    assert (counted.approvals, counted.needed, counted.asked) == (2, 2, 2)

    alliance = Alliance()
    proposal, _ = alliance.propose("mall", admission("tea", "tea"))
    alliance.suspend("mall")
    (counted,) = alliance.vote("books", proposal)

    assert (counted.approvals, counted.needed, counted.asked) == (1, 2, 2)


def test_what_speaks_against_a_change_is_not_final_for_a_vote_that_decides_only_until_somebody_is_admitted() -> None:
    alliance = Alliance()
    admitting, _ = alliance.propose("mall", admission("tea", "tea"))
    twice = [alliance.propose(who, RemoveValidator("attic"))[0] for who in ("mall", "books")]
    for proposal, *others in ((twice[0], "books", "cafe"), (twice[1], "mall")):
        for who in others:
            alliance.vote(who, proposal)
    last = transaction(VoteOnProposal(alliance.time + DAY_MS, bytes(8), "cafe", twice[1], True), key_of("cafe admin"))
    alliance.leave_joint()

    assert preflight(alliance, last, alliance.context) is Rejection.VALIDATOR_RETIRED
    assert final_rejection(alliance, last, alliance.context) is None

    alliance.vote("books", admitting)
    alliance.vote("cafe", admitting)
    assert apply_transaction(alliance, last, alliance.context).rejection == 0
    again = transaction(msgspec.structs.replace(last.body, nonce=b"a second"), key_of("cafe admin"))
    assert final_rejection(alliance, again, alliance.context) is Rejection.ALREADY_VOTED


def test_whose_validator_is_to_be_removed_is_not_asked() -> None:
    alliance = Alliance()
    proposal, effects = alliance.propose("mall", RemoveValidator("cafe"))
    assert (effects[0].needed, effects[0].asked) == (2, 2)

    (objection,) = alliance.vote("cafe", proposal, approve=False)
    assert (objection.refusals, objection.status) == (0, ProposalStatus.OPEN)
    counted, removed = alliance.vote("books", proposal)

    assert counted.status is ProposalStatus.ACCEPTED
    assert removed == ValidatorRemoved("cafe", "cafe", True)


def test_who_proposes_its_own_removal_leaves_it_to_the_others() -> None:
    alliance = Alliance()
    proposal, effects = alliance.propose("cafe", RemoveValidator("cafe"))

    assert (effects[0].approvals, effects[0].needed) == (0, 2)
    assert len(alliance.vote("mall", proposal)) == 1
    assert len(alliance.vote("books", proposal)) == 2


def test_of_two_organizations_neither_puts_the_other_out_alone() -> None:
    alliance = Alliance(active=("mall", "books"))

    proposal, effects = alliance.propose("mall", RemoveValidator("books"))

    assert (effects[0].needed, effects[0].asked, effects[0].status) == (2, 2, ProposalStatus.OPEN)
    assert alliance.vote("books", proposal)[1] == ValidatorRemoved("books", "books", True)


def test_an_organization_alone_decides_by_proposing() -> None:
    alliance = Alliance(active=("mall",))

    _, effects = alliance.propose("mall", admission("tea", "tea"))

    assert effects[0].status is ProposalStatus.ACCEPTED
    assert effects[1] == ValidatorAdmitted("tea", "tea", True, None)
    assert read_governance(alliance).open == ()
    alliance.next_block()


def test_an_observer_becomes_a_voter_by_a_joint_configuration() -> None:
    alliance = Alliance()
    alliance.decide(admission("tea", "tea"))
    alliance.next_block()

    assert alliance.activate("tea") == (ValidatorActivated("tea", "tea", None),)

    before = ("mall", "books", "attic", "cafe")
    assert alliance.voters == ValidatorSet((*before, "tea"), before, (), 2)
    assert alliance.status_of("tea") == ("VOTER", 2)
    alliance.leave_joint()
    assert alliance.voters == ValidatorSet((*before, "tea"), (), (), 3)
    assert alliance.activate("tea") == (Rejection.ALREADY_A_VOTER,)


def test_a_removed_voter_votes_until_the_joint_configuration_is_left_and_is_then_out_for_good() -> None:
    alliance = Alliance()

    assert alliance.decide(RemoveValidator("attic")) == (ValidatorRemoved("attic", "attic", True),)

    assert alliance.voters == ValidatorSet(("mall", "books", "cafe"), ("mall", "books", "attic", "cafe"), (), 1)
    assert alliance.status_of("attic") == ("VOTER", 0)
    assert alliance.propose("mall", RemoveValidator("attic"))[1] == (Rejection.VALIDATOR_RETIRED,)
    alliance.leave_joint()
    assert alliance.voters == ValidatorSet(("mall", "books", "cafe"), (), (), 2)
    assert alliance.status_of("attic") == ("RETIRED", 2)
    assert alliance.propose("mall", admission("attic", "cafe"))[1] == (Rejection.ID_TAKEN,)


def test_a_removed_observer_is_out_at_once_even_while_the_voters_change() -> None:
    alliance = Alliance()
    alliance.decide(admission("tea", "tea"))
    alliance.decide(RemoveValidator("attic"))
    assert alliance.voters.joint

    proposal, _ = alliance.propose("mall", RemoveValidator("tea"))
    alliance.vote("books", proposal)
    _, removed = alliance.vote("cafe", proposal)

    assert removed == ValidatorRemoved("tea", "tea", False)
    assert alliance.status_of("tea") == ("RETIRED", 1)
    assert alliance.voters.observers == ()
    assert alliance.activate("tea") == (Rejection.VALIDATOR_RETIRED,)
    alliance.next_block()


def test_a_lost_validator_is_replaced_in_one_change() -> None:
    alliance = Alliance()
    # On the same machine as the lost one, under keys of its own.
    assert alliance.decide(admission("books-2", "books", replaces="books", peer_port=2)) == (
        ValidatorAdmitted("books-2", "books", False, "books"),
    )
    alliance.next_block()

    assert alliance.activate("books-2") == (ValidatorActivated("books-2", "books", "books"),)

    before = ("mall", "books", "attic", "cafe")
    assert alliance.voters == ValidatorSet(("mall", "attic", "cafe", "books-2"), before, (), 2)
    owner = read(alliance, organization_key("books"), Organization)
    assert owner is not None
    assert owner.validator_key == key_of("books-2 validator")
    alliance.leave_joint()
    assert [alliance.status_of(name)[0] for name in ("books", "books-2")] == ["RETIRED", "VOTER"]


def test_an_observer_beside_a_voter_stays_one() -> None:
    alliance = Alliance()
    alliance.decide(admission("books-2", "books"))
    alliance.decide(admission("books-3", "books", replaces="books", peer_port=20))
    alliance.next_block()
    assert alliance.activate("books-2") == (Rejection.HAS_A_VOTER,)

    alliance.activate("books-3")
    alliance.leave_joint()

    assert alliance.activate("books-2") == (Rejection.HAS_A_VOTER,)


def test_an_observer_takes_the_place_of_a_voter_that_was_removed_meanwhile() -> None:
    alliance = Alliance()
    alliance.decide(admission("books-2", "books", replaces="books"))
    alliance.decide(RemoveValidator("books"))
    assert alliance.activate("books-2") == (Rejection.CONFIGURATION_CHANGING,)
    alliance.leave_joint()

    assert alliance.activate("books-2") == (ValidatorActivated("books-2", "books", None),)
    alliance.next_block()


def test_there_is_one_change_of_voters_at_a_time_and_a_rejected_vote_can_be_given_again() -> None:
    alliance = Alliance()
    waiting, _ = alliance.propose("mall", RemoveValidator("books"))
    alliance.decide(RemoveValidator("attic"))
    alliance.next_block()

    assert alliance.vote("cafe", waiting) == (Rejection.CONFIGURATION_CHANGING,)

    settle(alliance, alliance.context)
    assert alliance.vote("cafe", waiting) == (Rejection.CONFIGURATION_CHANGING,)  # not in the block that leaves it
    alliance.next_block()
    assert alliance.vote("cafe", waiting)[1] == ValidatorRemoved("books", "books", True)


def test_an_organization_alone_proposes_no_change_of_voters_while_one_is_under_way() -> None:
    alliance = Alliance(active=("mall",))
    alliance.propose("mall", RemoveValidator("attic"))
    alliance.next_block()

    _, effects = alliance.propose("mall", RemoveValidator("books"))
    assert effects == (Rejection.CONFIGURATION_CHANGING,)

    alliance.leave_joint()
    _, effects = alliance.propose("mall", RemoveValidator("books"))
    assert effects[1] == ValidatorRemoved("books", "books", True)


def test_no_block_changes_the_voters_twice() -> None:
    alliance = Alliance()
    alliance.decide(admission("cafe-2", "cafe", replaces="cafe"))
    alliance.decide(admission("books-2", "books", replaces="books"))
    assert len(alliance.activate("cafe-2")) == 1

    assert alliance.activate("books-2") == (Rejection.CONFIGURATION_CHANGING,)


def test_the_last_voter_cannot_be_removed() -> None:
    alliance = Alliance()
    for name in ("attic", "books", "cafe"):
        alliance.decide(RemoveValidator(name))
        alliance.leave_joint()
    assert alliance.voters.voters == ("mall",)

    assert alliance.propose("books", RemoveValidator("mall"))[1] == (Rejection.LAST_VOTER,)


def test_a_proposal_takes_votes_until_its_deadline_and_is_closed_when_the_next_is_made() -> None:
    alliance = Alliance()
    first, _ = alliance.propose("mall", admission("tea", "tea"), open_for=2000)
    alliance.next_block(later=2000)
    assert len(alliance.vote("books", first)) == 1
    alliance.next_block(later=1)

    assert alliance.vote("cafe", first) == (Rejection.PROPOSAL_NOT_OPEN,)
    withdrawal = WithdrawProposal(alliance.time, bytes(8), "mall", first)
    assert alliance.take(withdrawal, "mall admin") == (Rejection.PROPOSAL_NOT_OPEN,)
    assert stored(alliance, 1).status is ProposalStatus.OPEN
    second, _ = alliance.propose("books", admission("tea", "tea"))

    assert (stored(alliance, 1).status, stored(alliance, 1).decided_at) == (ProposalStatus.EXPIRED, 3)
    assert [item.id for item in read_governance(alliance).open] == [second]
    alliance.next_block()


def stored(alliance: Alliance, number: int) -> Proposal:
    """Return a proposal's record."""
    found = read(alliance, proposal_key(number), Proposal)
    assert found is not None
    return found


def test_expired_proposals_do_not_count_against_the_four_that_may_be_open() -> None:
    alliance = Alliance()
    for _ in range(4):
        assert alliance.propose("mall", admission("tea", "tea"), open_for=2000)[1][0].status is ProposalStatus.OPEN
    assert alliance.propose("mall", admission("tea", "tea"))[1] == (Rejection.TOO_MANY_PROPOSALS,)
    assert isinstance(alliance.propose("books", admission("tea", "tea"))[1][0], ChangeProposed)
    alliance.next_block(later=2001)

    assert isinstance(alliance.propose("mall", admission("tea", "tea"))[1][0], ChangeProposed)
    assert len(read_governance(alliance).open) == 2
    alliance.next_block()


def test_a_withdrawn_proposal_is_over() -> None:
    alliance = Alliance()
    proposal, _ = alliance.propose("mall", admission("tea", "tea"))
    body = WithdrawProposal(alliance.time, bytes(8), "mall", proposal)

    (effect,) = alliance.take(body, "mall admin")

    assert (effect.number, effect.proposal, effect.organization) == (1, proposal, "mall")
    assert stored(alliance, 1).status is ProposalStatus.WITHDRAWN
    assert alliance.vote("books", proposal) == (Rejection.PROPOSAL_NOT_OPEN,)


def test_nobody_comes_in_under_the_id_of_an_organization_whose_validator_has_another() -> None:
    alliance = Alliance()
    alliance.decide(msgspec.structs.replace(admission("tea", "tea"), validator="tea-2"))
    before = alliance.get(organization_key("tea"))
    assert before is not None

    again = msgspec.structs.replace(admission("tea", "tea"), validator="kiosk")
    assert alliance.propose("mall", again)[1] == (Rejection.ID_TAKEN,)
    assert alliance.get(organization_key("tea")) == before


def test_of_two_proposals_for_one_id_the_second_cannot_be_carried_out() -> None:
    alliance = Alliance()
    first, _ = alliance.propose("mall", admission("tea", "tea"))
    alliance.decide(admission("tea", "cafe", key=key_of("another"), peer_port=30))

    alliance.vote("books", first)
    assert alliance.vote("cafe", first) == (Rejection.ID_TAKEN,)
    assert stored(alliance, 1).status is ProposalStatus.OPEN


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(("tea validator",), id="its own"),
        pytest.param(("tea admin", "tea validator"), id="its own among others"),
    ],
)
def test_an_activation_is_signed_with_the_validator_s_key(keys: tuple[str, ...]) -> None:
    alliance = Alliance()
    alliance.decide(admission("tea", "tea"))
    body = ActivateValidator(alliance.time, bytes(8), "tea")

    def signed(*names: str) -> Transaction:
        return transaction(body, *map(key_of, names))

    assert preflight(alliance, signed("tea admin"), alliance.context) is Rejection.NOT_AUTHORIZED
    assert preflight(alliance, signed(*keys), alliance.context) is None


def test_everybody_in_the_set_is_listed_once_whoever_leaves() -> None:
    both = ValidatorSet(("b", "c"), ("a", "b"), ("d",), 3)

    assert both.joint
    assert both.all == ("b", "c", "a", "d")
    assert both.signing == ("a", "b", "c")
    assert ValidatorSet(("b", "a"), (), ("c",)).signing == ("b", "a")
    assert ValidatorSet(("a",)).all == ("a",)
    assert not ValidatorSet(("a",)).joint


def test_every_set_of_voters_stays_known_from_the_height_on_at_which_it_decided() -> None:
    alliance = Alliance()
    alliance.decide(admission("tea", "tea"))
    alliance.decide(RemoveValidator("attic"))
    alliance.leave_joint()
    alliance.activate("tea")

    before, after = ("mall", "books", "attic", "cafe"), ("mall", "books", "cafe")
    assert voting_sets(alliance) == [
        ValidatorSet(before),
        ValidatorSet(after, before, (), 1),
        ValidatorSet(after, (), (), 2),
        ValidatorSet((*after, "tea"), after, (), 3),
    ]


def test_a_configuration_that_is_not_joint_cannot_be_left() -> None:
    alliance = Alliance()

    with pytest.raises(AssertionError, match="ends a joint configuration that is none"):
        settle(alliance, alliance.context)


def test_an_admission_of_the_largest_size_fits_into_a_transaction() -> None:
    slug, line = "a" * 32, "A" * 64 + "\n"
    pem = f"-----BEGIN CERTIFICATE-----\n{line * 28}{'A' * 64}\n-----END CERTIFICATE-----\n"
    operators = tuple(Operator(bytes(31) + bytes([number]), 31) for number in range(OPERATORS_MAX))
    newcomer = Newcomer("\U0001f6cd" * 64, OrganizationKind.MERCHANT, operators)
    url = "https://" + "a" * 122 + ":65535/" + "b" * 80
    change = AdmitValidator(slug, newcomer, slug, bytes(32), pem, "h" * 253, 65535, url, slug)
    body = ProposeChange(2**48, bytes(16), slug, change, 2**48)

    encoded = encode_body(body)

    assert decode_body(encoded) == body
    assert 1900 < len(pem) <= CERTIFICATE_CHARACTERS_MAX
    signed = encode_signed(encoded, (Signature(bytes(32), bytes(64)),) * 4)
    assert len(signed) <= TRANSACTION_BYTES_MAX


def test_what_is_no_single_certificate_cannot_be_proposed() -> None:
    good = admission("tea", "tea")
    for pem in ("", good.certificate_pem * 2, f"x{good.certificate_pem}", good.certificate_pem + "x", "none"):
        change = msgspec.structs.replace(good, certificate_pem=pem)
        with pytest.raises(Malformed, match="regex"):
            decode_body(encode_body(ProposeChange(1, bytes(8), "mall", change, 2)))
    decode_body(encode_body(ProposeChange(1, bytes(8), "mall", good, 2)))
