"""What the SDK signs is what every validator accepts."""

from typing import Any

import pytest

from jifen.chain.gateway import open_transaction
from jifen.chain.statements import statement_message
from jifen.client import NotASigner, SealedTransaction, TransactionBuilder, add_signatures, missing_signers
from jifen.client.transactions import LIFETIME_MS_DEFAULT, NONCE_BYTES, PROPOSAL_OPEN_MS_DEFAULT
from jifen.codec.errors import Malformed
from jifen.keys.signing import KeyPair
from jifen.keys.verification import false_claims
from jifen.ledger.bonuses.bodies import AdjustPoints, GrantBonus, SetBonusPolicy
from jifen.ledger.bonuses.records import AdjustmentReason, BonusCause, BonusPolicy, Direction
from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.evidence.statements import Evidence, SignedHash, StatementKind
from jifen.ledger.governance.bodies import ActivateValidator, ProposeChange, VoteOnProposal, WithdrawProposal
from jifen.ledger.governance.changes import RemoveValidator
from jifen.ledger.members.registering import account_id
from jifen.ledger.rewards.standing_orders import CancelAutoRedemption, SetAutoRedemption
from jifen.ledger.rules.records import OrderLine
from jifen.ledger.terms.bodies import ConfirmOrder, CreatePointType, PublishTerms
from jifen.ledger.terms.records import Deposit, RollingExpiry, Terms
from jifen.ledger.tiers.bodies import PublishRecognition, PublishTiers
from jifen.ledger.tiers.records import RecognisedTier, Recognition, Tier, TierProgramme
from jifen.ledger.transactions import EarnPoints, RefundOrder, RegisterMember, TransferPoints
from jifen.ledger.types import RoleClass

CHAIN = bytes(range(32))
ALICE, TILL = KeyPair.derive(bytes(32), "alice"), KeyPair.derive(bytes(32), "till")
NOW = 1_790_000_000_000


def builder(chain: bytes = CHAIN) -> TransactionBuilder:
    """Return a builder without clock and chance."""
    return TransactionBuilder(chain, clock=lambda: NOW, nonce=lambda: bytes(NONCE_BYTES))


def test_a_registration_opens_under_the_chains_rules_and_is_signed_by_its_key() -> None:
    made = builder().register_member(ALICE)

    transaction, claims = open_transaction(CHAIN, made.signed)
    assert transaction.id == made.id
    assert transaction.body == RegisterMember(NOW + LIFETIME_MS_DEFAULT, bytes(NONCE_BYTES), ALICE.public)
    assert transaction.signers == (ALICE.public,)
    assert false_claims(claims) == []


def test_an_earn_is_signed_by_the_till_and_keeps_the_time_of_the_purchase() -> None:
    member = account_id(CHAIN, ALICE.public)
    made = builder().earn_points(
        TILL, merchant="books", order_id="A-1", account=member, point_type="books/consumer", amount_fen=0,
        purchased_at=852_076_800_000,
    )  # fmt: skip

    transaction, claims = open_transaction(CHAIN, made.signed)
    assert isinstance(transaction.body, EarnPoints)
    assert (transaction.body.purchased_at, transaction.body.amount_fen) == (852_076_800_000, 0)
    assert (transaction.signers, false_claims(claims)) == ((TILL.public,), [])


def test_a_transfer_leaves_from_the_signers_own_account() -> None:
    made = builder().transfer_points(ALICE, recipient=bytes(20), point_type="books/consumer", points=5)

    transaction, _ = open_transaction(CHAIN, made.signed)
    assert isinstance(transaction.body, TransferPoints)
    assert transaction.body.sender == account_id(CHAIN, ALICE.public)


def test_evidence_goes_in_with_the_signatures_that_it_rests_on() -> None:
    sides = []
    for name in (b"\1" * 32, b"\2" * 32):
        message = statement_message(CHAIN, bytes(32), StatementKind.PROPOSAL, 3, 7, name)
        sides.append(SignedHash(bytes(32), name, TILL.sign(message)))
    evidence = Evidence("books", TILL.public, StatementKind.PROPOSAL, 3, 7, *sides)
    made = builder().record_evidence(ALICE, evidence)

    transaction, claims = open_transaction(CHAIN, made.signed)
    assert transaction.body == RecordEvidence(NOW + LIFETIME_MS_DEFAULT, bytes(NONCE_BYTES), evidence)
    assert (len(claims), false_claims(claims)) == (3, [])


def test_equal_requests_are_two_transactions_because_of_their_nonces() -> None:
    drawing = TransactionBuilder(CHAIN, clock=lambda: NOW)

    assert drawing.register_member(ALICE).id != drawing.register_member(ALICE).id


def test_the_same_request_means_something_else_on_another_chain() -> None:
    assert builder().register_member(ALICE).id != builder(bytes(32)).register_member(ALICE).id


@pytest.mark.parametrize(("points", "point_type"), [(0, "books/consumer"), (2**53, "books/consumer"), (1, "books")])
def test_what_no_validator_would_decode_is_not_signed(points: int, point_type: str) -> None:
    with pytest.raises(Malformed):
        builder().transfer_points(ALICE, recipient=bytes(20), point_type=point_type, points=points)


def test_governance_is_signed_by_whoever_may() -> None:
    made = {
        builder().propose_change(TILL, organization="mall", change=RemoveValidator("books")): ProposeChange(
            NOW + LIFETIME_MS_DEFAULT,
            bytes(NONCE_BYTES),
            "mall",
            RemoveValidator("books"),
            NOW + PROPOSAL_OPEN_MS_DEFAULT,
        ),
        builder().vote_on_proposal(TILL, organization="mall", proposal=bytes(32), approve=False): VoteOnProposal(
            NOW + LIFETIME_MS_DEFAULT, bytes(NONCE_BYTES), "mall", bytes(32), False
        ),
        builder().withdraw_proposal(TILL, organization="mall", proposal=bytes(32)): WithdrawProposal(
            NOW + LIFETIME_MS_DEFAULT, bytes(NONCE_BYTES), "mall", bytes(32)
        ),
        builder().activate_validator(TILL, validator="books-2"): ActivateValidator(
            NOW + LIFETIME_MS_DEFAULT, bytes(NONCE_BYTES), "books-2"
        ),
    }

    for sealed, body in made.items():
        transaction, claims = open_transaction(CHAIN, sealed.signed)
        assert (transaction.body, transaction.signers, false_claims(claims)) == (body, (TILL.public,), [])


def test_how_long_votes_are_taken_is_the_proposer_s_choice() -> None:
    made = builder().propose_change(TILL, organization="mall", change=RemoveValidator("books"), open_for_ms=5)

    transaction, _ = open_transaction(CHAIN, made.signed)
    assert isinstance(transaction.body, ProposeChange)
    assert transaction.body.open_until == NOW + 5


def test_terms_are_signed_by_the_issuer_s_administrator_and_by_who_backs_the_points() -> None:
    terms = Terms(version=2, settlement_fen=1, issue_cap=9, backing=Deposit("books", 9))

    made = builder().publish_terms(ALICE, TILL, issuer="mall", point_type="mall/consumer", terms=terms)

    transaction, claims = open_transaction(CHAIN, made.signed)
    head = (NOW + LIFETIME_MS_DEFAULT, bytes(NONCE_BYTES))
    assert transaction.body == PublishTerms(*head, "mall", "mall/consumer", terms)
    assert (transaction.signers, false_claims(claims)) == ((ALICE.public, TILL.public), [])


def test_a_new_point_type_and_a_confirmation_are_what_they_say() -> None:
    head = (NOW + LIFETIME_MS_DEFAULT, bytes(NONCE_BYTES))
    created = builder().create_point_type(
        ALICE, issuer="mall", role=RoleClass.GUIDE, earn_points=1, earn_fen=50, terms=Terms()
    )
    confirmed = builder().confirm_order(TILL, merchant="mall", order_id="A-1")

    assert open_transaction(CHAIN, created.signed)[0].body == CreatePointType(
        *head, "mall", RoleClass.GUIDE, 1, 50, Terms()
    )
    assert open_transaction(CHAIN, confirmed.signed)[0].body == ConfirmOrder(*head, "mall", "A-1")
    with pytest.raises(Malformed):
        builder().publish_terms(ALICE, issuer="mall", point_type="mall/consumer", terms=Terms(expiry=RollingExpiry(0)))


def drafted(*cosigners: KeyPair) -> SealedTransaction:
    """Return a transfer of Alice's that others are to sign, too."""
    made = TransactionBuilder(CHAIN, clock=lambda: NOW, cosigners=[pair.public for pair in cosigners])
    return made.transfer_points(ALICE, recipient=bytes(20), point_type="books/consumer", points=5)


def test_who_is_not_there_is_named_and_signs_later_under_the_same_id() -> None:
    draft = drafted(TILL, ALICE)
    assert missing_signers(draft.signed) == (TILL.public,)
    _, claims = open_transaction(CHAIN, draft.signed)
    assert len(false_claims(claims)) == 1, "no validator takes it for signed"

    sealed = add_signatures(CHAIN, draft.signed, [TILL])

    transaction, claims = open_transaction(CHAIN, sealed.signed)
    assert (transaction.id, sealed.id, transaction.signers) == (draft.id, draft.id, (ALICE.public, TILL.public))
    assert (false_claims(claims), missing_signers(sealed.signed)) == ([], ())
    assert add_signatures(CHAIN, sealed.signed, [ALICE, TILL]) == sealed, "signing again changes nothing"


def test_nobody_signs_what_does_not_name_him_and_no_signature_counts_on_another_chain() -> None:
    draft = drafted(TILL)
    with pytest.raises(NotASigner, match="is to be signed by"):
        add_signatures(CHAIN, draft.signed, [KeyPair.derive(bytes(32), "stranger")])
    other = add_signatures(bytes(32), draft.signed, [TILL])
    assert len(false_claims(open_transaction(CHAIN, other.signed)[1])) == 1
    with pytest.raises(Malformed):
        add_signatures(CHAIN, b"\x90", [TILL])


def test_tiers_maps_and_limits_are_signed_by_the_administrator() -> None:
    head = (NOW + LIFETIME_MS_DEFAULT, bytes(NONCE_BYTES))
    programme = TierProgramme(1, (Tier("gold", "Gold", 100),))
    recognition, policy = Recognition(1, (RecognisedTier("books", "gold", "gold"),)), BonusPolicy(1)

    made = [
        builder().publish_tiers(ALICE, organization="mall", programme=programme),
        builder().publish_recognition(ALICE, organization="mall", recognition=recognition),
        builder().set_bonus_policy(ALICE, organization="mall", policy=policy),
    ]

    opened = [open_transaction(CHAIN, item.signed)[0] for item in made]
    assert [item.body for item in opened] == [
        PublishTiers(*head, "mall", programme),
        PublishRecognition(*head, "mall", recognition),
        SetBonusPolicy(*head, "mall", policy),
    ]
    assert {item.signers for item in opened} == {(ALICE.public,)}


def test_points_by_hand_are_signed_by_the_clerk_first() -> None:
    head = (NOW + LIFETIME_MS_DEFAULT, bytes(NONCE_BYTES), "mall", bytes(20), "mall/consumer")
    to: dict[str, Any] = {"issuer": "mall", "account": bytes(20), "point_type": "mall/consumer", "points": 7}

    granted = builder().grant_bonus(
        TILL, ALICE, **to, cause=BonusCause.EVENT, cause_key="E-1", reason="came", holder="books"
    )
    adjusted = builder().adjust_points(
        TILL, **to, direction=Direction.DEBIT, cause_key="X-1", reason_code=AdjustmentReason.MISUSE, reason="seen"
    )

    opened, _ = open_transaction(CHAIN, granted.signed)
    assert opened.body == GrantBonus(*head, 7, BonusCause.EVENT, "E-1", "came", "books")
    assert opened.signers == (TILL.public, ALICE.public)
    assert open_transaction(CHAIN, adjusted.signed)[0].body == AdjustPoints(
        *head, Direction.DEBIT, 7, "X-1", AdjustmentReason.MISUSE, "seen"
    )


def test_a_standing_order_is_the_member_s_own_and_taken_back_by_the_same_key() -> None:
    head = (NOW + LIFETIME_MS_DEFAULT, bytes(NONCE_BYTES), account_id(CHAIN, ALICE.public), "mall")

    made = builder().set_auto_redemption(
        ALICE, organization="mall", reward="mall/mug", threshold=100, per_day=2, until=NOW + 9
    )
    gone = builder().cancel_auto_redemption(ALICE, organization="mall")

    assert open_transaction(CHAIN, made.signed)[0].body == SetAutoRedemption(*head, "mall/mug", 100, 2, NOW + 9)
    assert open_transaction(CHAIN, gone.signed)[0].body == CancelAutoRedemption(*head)


def test_a_refund_names_the_lines_that_come_back() -> None:
    line = OrderLine("tea", "oolong", 300)
    made = builder().refund_order(TILL, merchant="books", order_id="A-1", refund_id="R-1", amount_fen=500, items=[line])

    transaction, claims = open_transaction(CHAIN, made.signed)
    assert isinstance(transaction.body, RefundOrder)
    assert (transaction.body.amount_fen, transaction.body.items) == (500, (line,))
    assert (transaction.signers, false_claims(claims)) == ((TILL.public,), [])
