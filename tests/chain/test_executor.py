"""Building and checking blocks: who builds and who checks come to the same bytes, and nothing else passes."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.chain.executor import BlockInvalid, ExecutedBlock, Tip
from jifen.chain.gateway import open_transaction
from jifen.chain.sealing import SealedTransaction
from jifen.codec.blocks import Block, Header, decode_block, decode_receipts, encode_block
from jifen.codec.canonical import encode
from jifen.codec.merkle import leaf_hash, merkle_root
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import EarnPoints
from jifen.ledger.types import SCOPES_ALL, Organization
from jifen.testing.small_alliance import CREATED_AT
from jifen.testing.small_chain import Clerk, SmallChain

NAMES = ("ann", "bob", "cyd")

Step = tuple[str, str, str, int]

steps = st.tuples(
    st.sampled_from(("register", "earn", "earn for nobody", "earn at another", "transfer", "again")),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.integers(1, 40),
)


def written(clerk: Clerk, plan: list[Step]) -> list[SealedTransaction]:
    """Turn a plan into transactions: some applied, many rejected, some repeated byte for byte."""
    found: list[SealedTransaction] = []
    for kind, one, other, number in plan:
        if kind == "register":
            found.append(clerk.register(one))
        elif kind == "earn":
            found.append(clerk.earn(one, f"order-{number}", number * 7))
        elif kind == "earn for nobody":
            found.append(clerk.earn("nobody", f"order-{number}"))
        elif kind == "earn at another":
            found.append(clerk.earn(one, f"order-{number}", merchant="music", point_type="books/consumer"))
        elif kind == "transfer":
            found.append(clerk.transfer(one, other, number))
        elif found:
            found.append(found[number % len(found)])
    return found


def state_of(chain: SmallChain) -> tuple[Tip, int, dict[bytes, bytes]]:
    """Return everything that a failed block might have touched: tip, height and every record as bytes."""
    keys = set(chain.committed.records) | set(chain.executor.state._records)
    records = {key: chain.executor.state.get(key) for key in keys}
    present = {key: encode(record) for key, record in records.items() if record is not None}
    return chain.executor.tip, chain.executor.state.height, present


def two_blocks(chain: SmallChain) -> tuple[ExecutedBlock, ExecutedBlock]:
    """Build two blocks on `chain`; the second has transactions of every fate."""
    clerk = chain.clerk
    first = chain.build([clerk.register("ann"), clerk.register("bob"), clerk.earn("ann", "o-1")])
    return first, chain.build(
        [clerk.transfer("ann", "bob", 30), clerk.earn("ann", "o-1"), clerk.earn("bob", "o-2", 55)]
    )


@given(st.lists(st.lists(steps, max_size=8), max_size=5), st.integers(-1000, 1000))
def test_whoever_executes_a_block_gets_what_its_builder_got(plan: list[list[Step]], drift: int) -> None:
    leader, follower = SmallChain(), SmallChain()
    for height, part in enumerate(plan, start=1):
        built = leader.build(written(leader.clerk, part), time=CREATED_AT + height * drift)
        checked = follower.execute(built.payload)
        assert checked == built
        assert len(built.transactions) == len({transaction.id for transaction in built.transactions})
    assert state_of(leader) == state_of(follower)


@given(st.lists(st.lists(steps, max_size=8), min_size=1, max_size=5), st.data())
def test_committing_early_or_late_changes_no_block(plan: list[list[Step]], data: st.DataObject) -> None:
    eager, lazy = SmallChain(), SmallChain()
    for part in plan:
        built = eager.build(written(eager.clerk, part))
        lazy.execute(built.payload)
        eager.commit()
        while lazy.executor.state.committed < lazy.executor.state.height and data.draw(st.booleans()):
            lazy.commit()
        assert lazy.executor.tip == eager.executor.tip
    while lazy.executor.state.committed < lazy.executor.state.height:
        lazy.commit()
    assert lazy.committed.records == eager.committed.records


@given(st.lists(st.lists(steps, max_size=6), min_size=1, max_size=4), st.lists(steps, max_size=6), st.data())
def test_a_rolled_back_branch_leaves_nothing_behind(
    plan: list[list[Step]], other: list[Step], data: st.DataObject
) -> None:
    chain, straight = SmallChain(), SmallChain()
    height = data.draw(st.integers(0, len(plan)), label="roll back to")
    for number, part in enumerate(plan, start=1):
        built = chain.build(written(chain.clerk, part))
        if number <= height:
            straight.execute(built.payload)
    chain.executor.roll_back_to(height)
    assert state_of(chain) == state_of(straight)
    branch = chain.build(written(Clerk(chain.chain_id, CREATED_AT + 1), other), term=2)
    assert straight.execute(branch.payload) == branch


def test_the_history_root_commits_to_every_earlier_block() -> None:
    chain = SmallChain()
    hashes = [chain.anchor.tip.hash]
    for height in range(1, 20):
        built = chain.build([chain.clerk.register(f"member {height}")])
        # RFC 6962 leaves: the executor takes a block hash as a leaf hash, domain-tagged as it is.
        assert built.tip.header.history_root == merkle_root(hashes)
        hashes.append(built.tip.hash)


def test_the_roots_are_those_of_the_signed_bytes_and_the_encoded_receipts() -> None:
    _, built = two_blocks(SmallChain())
    block = decode_block(built.payload)
    assert built.tip.header.transactions_root == merkle_root([leaf_hash(item) for item in block.transactions])
    assert built.tip.header.receipts_root == merkle_root([leaf_hash(encode(item)) for item in built.receipts])
    assert decode_receipts(encode(built.receipts)) == built.receipts
    assert [receipt.rejection for receipt in built.receipts] == [0, Rejection.ORDER_ALREADY_CREDITED, 0]


def test_a_block_without_transactions_keeps_the_state_and_moves_the_digest_on() -> None:
    chain = SmallChain()
    built = chain.build(())
    assert built.writes == []
    assert built.receipts == ()
    assert built.tip.height == 1
    assert built.tip.header.state_digest != chain.anchor.tip.header.state_digest


def test_block_time_never_falls_even_when_the_leaders_clock_does() -> None:
    chain = SmallChain()
    assert chain.build((), time=CREATED_AT + 500).tip.header.time == CREATED_AT + 500
    assert chain.build((), time=CREATED_AT + 100).tip.header.time == CREATED_AT + 500
    assert chain.build((), time=0).tip.header.time == CREATED_AT + 500


def tampered(header: Header, field: str, value: Any) -> Header:
    """Return the header with one field changed, past every check of the constructor."""
    return msgspec.structs.replace(header, **{field: value})


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("chain_id", lambda value: value[::-1]),
        ("height", lambda value: value + 1),
        ("history_root", lambda value: value[::-1]),
        ("transactions_root", lambda value: value[::-1]),
        ("receipts_root", lambda value: value[::-1]),
        ("state_digest", lambda value: value[::-1]),
        ("validator_set_hash", lambda value: value[::-1]),
        ("version", lambda value: value + 1),
    ],
)
def test_a_false_commitment_is_named_and_leaves_no_trace(field: str, change: Callable[[Any], Any]) -> None:
    leader, follower = SmallChain(), SmallChain()
    first, built = two_blocks(leader)
    follower.execute(first.payload)
    before = state_of(follower)
    block = decode_block(built.payload)
    false = Block(tampered(block.header, field, change(getattr(block.header, field))), block.transactions)
    with pytest.raises(BlockInvalid, match=f"its {field} is ") as caught:
        follower.executor.execute(false, built.transactions)
    assert caught.value.height == false.header.height
    assert field in caught.value.what
    assert state_of(follower) == before
    assert follower.execute(built.payload) == built


def test_every_field_of_the_header_is_compared_chosen_by_the_leader_or_covered_by_the_parent_hash() -> None:
    compared = {
        "chain_id", "height", "history_root", "transactions_root", "receipts_root", "state_digest",
        "validator_set_hash", "version",
    }  # fmt: skip
    chosen = {"term", "proposer", "time"}
    assert compared | chosen | {"parent_hash"} == set(Header.__struct_fields__)


def test_a_block_older_than_its_parent_is_invalid() -> None:
    leader, follower = SmallChain(), SmallChain()
    follower.execute(leader.build((), time=CREATED_AT + 500).payload)
    before = state_of(follower)
    late = decode_block(leader.build((), time=CREATED_AT + 600).payload)
    early = Block(tampered(late.header, "time", CREATED_AT + 499), ())
    with pytest.raises(BlockInvalid, match="lies before its parent's"):
        follower.executor.execute(early, ())
    assert state_of(follower) == before
    assert follower.execute(encode_block(late)).tip.height == 2


def test_a_block_that_does_not_follow_the_tip_is_our_own_fault() -> None:
    leader, follower = SmallChain(), SmallChain()
    _, second = two_blocks(leader)
    with pytest.raises(AssertionError, match="does not follow the tip"):
        follower.execute(second.payload)


def test_a_transaction_taken_before_is_left_out_by_the_builder() -> None:
    chain = SmallChain()
    once = chain.clerk.register("ann")
    assert len(chain.build([once, once]).transactions) == 1
    assert chain.build([once]).transactions == ()
    chain.commit()
    chain.commit()
    assert chain.build([once]).transactions == ()


@pytest.mark.parametrize("place", ["in the same block", "in an executed block", "in a committed block"])
def test_a_block_that_takes_a_transaction_twice_is_invalid(place: str) -> None:
    leader, follower = SmallChain(), SmallChain()
    once, more = leader.clerk.register("ann"), leader.clerk.register("bob")
    built = leader.build([once])
    repeated = built.transactions
    if place != "in the same block":
        follower.execute(built.payload)
        built = leader.build([more])
    if place == "in a committed block":
        follower.commit()
    before = state_of(follower)
    honest = decode_block(built.payload)
    double = Block(honest.header, (*honest.transactions, repeated[0].signed))
    with pytest.raises(BlockInvalid, match="was taken before"):
        follower.executor.execute(double, [*built.transactions, *repeated])
    assert state_of(follower) == before
    assert follower.execute(built.payload) == built


def test_a_strangers_signature_on_ones_body_neither_acts_nor_spends_the_id() -> None:
    chain = SmallChain()
    honest = chain.clerk.register("ann")
    stranger = chain.clerk.member("bob").key
    copied = chain.clerk.sealed(open_transaction(chain.chain_id, honest.signed)[0].body, stranger)
    assert [receipt.rejection for receipt in chain.build([copied]).receipts] == [Rejection.NOT_AUTHORIZED]
    assert [receipt.rejection for receipt in chain.build([honest]).receipts] == [0]


def test_committed_blocks_cannot_be_rolled_back() -> None:
    chain = SmallChain()
    two_blocks(chain)
    chain.commit()
    with pytest.raises(AssertionError, match="committed"):
        chain.executor.roll_back_to(0)
    chain.executor.roll_back_to(1)
    assert chain.executor.tip.height == 1


def test_hashes_are_known_from_the_committed_height_on() -> None:
    chain = SmallChain()
    _, second = two_blocks(chain)
    third = chain.build(())
    chain.commit()
    chain.commit()
    assert chain.executor.hash_at(2) == second.tip.hash
    assert chain.executor.hash_at(3) == third.tip.hash


def test_f6_a_block_in_which_its_proposer_lets_a_member_credit_himself_is_refused_by_everybody_else() -> None:
    honest, liar = SmallChain(), SmallChain()
    member, clerk = liar.clerk.member("ann"), liar.clerk
    body = EarnPoints(clerk.expires_at, bytes(8), "books", "o-1", member.account, "books/consumer", 10**6, CREATED_AT)
    with patch.object(Organization, "scopes_of", return_value=int(SCOPES_ALL)):
        false = liar.build([clerk.register("ann"), clerk.sealed(body, member.key)])
    assert [receipt.rejection for receipt in false.receipts] == [0, 0], "the liar's own ledger has taken it"

    with pytest.raises(BlockInvalid, match=r"its (receipts_root|state_digest) is "):
        honest.execute(false.payload)

    fair = honest.build([clerk.register("ann"), clerk.sealed(body, member.key)])
    assert [receipt.rejection for receipt in fair.receipts] == [0, Rejection.NOT_AUTHORIZED]
