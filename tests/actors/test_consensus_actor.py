"""The consensus actor between a real core, a real executor and a real store; the test plays the other validators."""

from pathlib import Path

import msgspec
import pytest
import structlog
import trio
import trio.testing

from jifen.actors.consensus import BATCH_GROWS_TO, BLOCKS_IN_FLIGHT_MAX, Delivery
from jifen.chain.executor import BlockInvalid, ExecutedBlock
from jifen.codec.blocks import block_hash, decode_block, encode_block
from jifen.consensus.messages import AppendRequest, AppendResponse, Certificate, Entry, VoteRequest, VoteResponse
from jifen.consensus.raft import Raft
from jifen.consensus.types import HardState
from jifen.ledger.dates import DAY_MS, day_end
from jifen.ledger.terms.records import RollingExpiry, Terms
from jifen.store.errors import StoreFailed
from jifen.store.records import CommittedBlock
from jifen.testing.one_validator import OneValidator
from jifen.testing.small_alliance import CREATED_AT, genesis_with, keys_of, small_genesis
from jifen.testing.small_chain import SmallChain


@pytest.fixture
def chain() -> SmallChain:
    return SmallChain()


@pytest.fixture
def node(tmp_path: Path, chain: SmallChain) -> OneValidator:
    return OneValidator(tmp_path, chain)


def signed_heights(answer: AppendResponse) -> list[int]:
    return [item.height for item in answer.signatures]


def heights_proposed(node: OneValidator, to: str = "mall") -> list[int]:
    """Return the heights of the blocks sent to a peer, in order."""
    return [entry.height for request in node.requests() if request.recipient == to for entry in request.entries]


# Following.


async def test_a_followed_block_is_executed_made_durable_and_acknowledged(
    node: OneValidator, chain: SmallChain
) -> None:
    block = chain.build([chain.clerk.register("ann")])
    async with node.running():
        await node.hear([block])
        assert node.store.last_height == 1
        assert node.executor.tip == block.tip
        [answer] = node.answers()
        assert (answer.success, answer.height, answer.hash) == (True, 1, block.tip.hash)
        assert signed_heights(answer) == [1]
        assert node.committed == []
        assert node.store.hard_state == HardState(1, None, 1)


async def test_a_certified_block_becomes_readable_before_anybody_is_told(
    node: OneValidator, chain: SmallChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = chain.build([chain.clerk.register("ann")])
    readable: list[int] = []
    on_committed = node.consensus._on_committed

    def look(committed: CommittedBlock) -> None:
        readable.append(node.store.tip.height)
        on_committed(committed)

    monkeypatch.setattr(node.consensus, "_on_committed", look)
    async with node.running():
        await node.hear([block], certificates=[chain.certify(block)])
    assert readable == [1]
    assert [item.executed.tip for item in node.committed] == [block.tip]
    with node.store.view() as view:
        assert view.account(chain.clerk.member("ann").account) is not None


async def test_blocks_are_taken_once_however_often_they_come(node: OneValidator, chain: SmallChain) -> None:
    first, second = chain.build([chain.clerk.register("ann")]), chain.build([chain.clerk.register("bob")])
    async with node.running():
        for _ in range(3):
            await node.hear([first, second])
        await node.hear([first])
        assert node.store.last_height == 2
        assert node.executor.tip == second.tip
        assert [answer.height for answer in node.answers()] == [2, 2, 2, 1]


async def test_a_follower_signs_every_height_the_leader_lacks_even_those_it_knows_committed(
    node: OneValidator, chain: SmallChain
) -> None:
    # A leader that dies after telling one follower of a commit leaves the next leader needing that follower's word.
    first, second = chain.build([chain.clerk.register("ann")]), chain.build(())
    async with node.running():
        await node.hear([first, second])
        await node.hear(certificates=[chain.certify(first), chain.certify(second)], term=1)
        assert node.store.tip.height == 2
        third = chain.build((), term=2, proposer="music")
        await node.hear([third], leader="music", after=(2, 1, second.tip.hash), commit=0)
    answer = node.answers()[-1]
    assert (answer.term, answer.height, answer.commit) == (2, 3, 2)
    assert signed_heights(answer) == [1, 2, 3]
    for item, block in zip(answer.signatures, (first, second, third), strict=True):
        message = chain.validators.acknowledgement(2, item.height, block.tip.hash)
        assert item.signature == keys_of("books").validator.sign(message)


async def test_an_abandoned_tail_is_undone_and_the_new_leaders_is_executed(
    node: OneValidator, chain: SmallChain
) -> None:
    first, second = chain.build([chain.clerk.register("ann")]), chain.build([chain.clerk.register("bob")])
    async with node.running():
        await node.hear([first, second])
        chain.executor.roll_back_to(1)
        other = chain.build([chain.clerk.register("cyd")], term=2, proposer="music")
        await node.hear([other], leader="music")
        assert node.executor.tip == other.tip
        assert node.store.last_height == 2
        await node.hear(certificates=[chain.certify(first, term=2), chain.certify(other)], term=2, leader="music")
    with node.store.view() as view:
        names = [name for name in ("ann", "bob", "cyd") if view.account(chain.clerk.member(name).account)]
    assert names == ["ann", "cyd"]


async def test_two_leaders_blocks_that_wait_together_are_taken_in_their_order(
    node: OneValidator, chain: SmallChain
) -> None:
    first, second = chain.build([chain.clerk.register("ann")]), chain.build([chain.clerk.register("bob")])
    old = node.delivery([first, second])
    chain.executor.roll_back_to(1)
    other = chain.build([chain.clerk.register("cyd")], term=2)
    new = node.delivery([other], leader="music", after=(1, 1, first.tip.hash))
    for delivery in (old, new):
        await node.consensus.deliver(delivery)
    async with node.running():
        await node.settle()
        assert node.executor.tip == other.tip
        assert node.store.last_height == 2
        assert [(answer.recipient, answer.term) for answer in node.answers()] == [("music", 2)]


def falsified(node: OneValidator, blocks: list[ExecutedBlock], lie: str, *proofs: Certificate) -> Delivery:
    """Return a leader's delivery of the blocks, the last one's header with a false commitment, and of proofs of it."""
    delivery = node.delivery(blocks)
    request = delivery.message
    assert isinstance(request, AppendRequest)
    honest = blocks[-1]
    header = msgspec.structs.replace(honest.tip.header, **{lie: bytes(32)})
    block = msgspec.structs.replace(decode_block(honest.payload), header=header)
    entry = Entry(header.height, header.term, block_hash(header), header.parent_hash, encode_block(block))
    request = msgspec.structs.replace(
        request,
        entries=(*request.entries[:-1], entry),
        certificates=tuple(msgspec.structs.replace(proof, hash=entry.hash) for proof in proofs),
        commit=len(blocks) if proofs else 0,
    )
    prepared = msgspec.structs.replace(delivery.blocks[-1], hash=entry.hash, block=block)
    return Delivery(request, (*delivery.blocks[:-1], prepared))


@pytest.mark.parametrize("lie", ["state_digest", "receipts_root", "transactions_root"])
async def test_a_block_that_cannot_be_reproduced_is_refused_unacknowledged_and_its_leader_not_followed(
    node: OneValidator, chain: SmallChain, lie: str
) -> None:
    first, second = chain.build([chain.clerk.register("ann")]), chain.build([chain.clerk.register("bob")])
    async with node.running():
        with structlog.testing.capture_logs() as lines:
            await node.consensus.deliver(falsified(node, [first, second], lie))
            await node.settle()
        assert (node.store.last_height, node.raft.last_height, node.executor.tip) == (1, 1, first.tip)
        assert node.answers() == []
        assert (node.raft.leader, node.raft.shunned) == (None, "mall")
        refused = node.consensus.refused
        assert refused is not None
        assert (refused.height, refused.proposer) == (2, "mall")
        assert f"its {lie} is" in refused.reason
        [line] = [line for line in lines if line["log_level"] == "warning"]
        assert (line["height"], line["leader"], line["reason"]) == (2, "mall", refused.reason)


async def test_after_a_refused_block_another_leaders_takes_its_place_and_the_complaint_ends(
    node: OneValidator, chain: SmallChain
) -> None:
    first, second = chain.build([chain.clerk.register("ann")]), chain.build([chain.clerk.register("bob")])
    async with node.running():
        await node.consensus.deliver(falsified(node, [first, second], "state_digest"))
        await node.settle()
        chain.executor.roll_back_to(1)
        other = chain.build([chain.clerk.register("cyd")], term=2, proposer="music")
        await node.hear([other], leader="music", after=(1, 1, first.tip.hash))
        assert [answer.height for answer in node.answers()] == [2]
        assert node.consensus.refused is not None
        await node.hear(certificates=[chain.certify(first, term=2), chain.certify(other)], term=2, leader="music")
        assert node.store.tip.height == 2
        assert node.consensus.refused is None


async def test_a_certified_block_that_cannot_be_reproduced_stops_the_validator(
    node: OneValidator, chain: SmallChain
) -> None:
    first, second = chain.build([chain.clerk.register("ann")]), chain.build([chain.clerk.register("bob")])
    delivery = falsified(node, [first, second], "state_digest", chain.certify(second))
    await node.consensus.deliver(delivery)
    with trio.fail_after(60), pytest.raises(BlockInvalid, match="what this validator holds is damaged"):
        await node.consensus.run()
    assert node.sent == []
    assert node.store.last_height == 0


# Voting.


async def test_a_vote_leaves_only_after_it_is_durable(node: OneValidator) -> None:
    await node.consensus.deliver(Delivery(VoteRequest(5, "mall", "books", 0, 0, False)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.consensus.run)
        await trio.testing.wait_all_tasks_blocked()
        assert node.sent == []
        nursery.start_soon(node.storage.run)
        await node.until(lambda: node.sent)
        assert node.sent == [VoteResponse(5, "books", "mall", True, False)]
        assert node.store.hard_state == HardState(5, "mall")
        nursery.cancel_scope.cancel()


async def test_a_restarted_validator_remembers_its_vote(tmp_path: Path, chain: SmallChain) -> None:
    first = OneValidator(tmp_path, chain)
    async with first.running():
        await first.consensus.deliver(Delivery(VoteRequest(5, "mall", "books", 0, 0, False)))
        await first.settle()
    first.store.close()
    again = OneValidator(tmp_path, chain)
    async with again.running():
        await again.consensus.deliver(Delivery(VoteRequest(5, "music", "books", 9, 5, False)))
        await again.settle()
        assert again.sent == [VoteResponse(5, "books", "music", False, False)]


async def test_a_write_that_fails_lets_no_vote_out(node: OneValidator, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(batches: object) -> None:
        raise StoreFailed("the disk is gone")

    monkeypatch.setattr(node.store, "write", fail)
    await node.consensus.deliver(Delivery(VoteRequest(5, "mall", "books", 0, 0, False)))
    with trio.fail_after(60), pytest.raises(ExceptionGroup) as caught:
        async with node.running():
            await trio.sleep_forever()
    assert caught.group_contains(StoreFailed)
    assert node.sent == []


# Leading.


async def test_a_new_leader_proposes_an_empty_block_of_its_term_and_commits_it_with_a_quorum(
    node: OneValidator, chain: SmallChain
) -> None:
    async with node.running():
        await node.lead()
        assert heights_proposed(node) == [1]
        await node.acknowledge("mall")
        assert node.committed == []
        await node.acknowledge("music")
        [block] = node.committed
    assert block.executed.transactions == ()
    assert (block.executed.tip.header.proposer, block.executed.tip.header.term) == ("books", 1)
    chain.validators.check_certificate(block.certificate)
    assert chain.validators.signers_of(block.certificate) == ("mall", "books", "music")
    assert node.store.tip.height == 1


async def test_the_leaders_own_word_counts_only_when_its_block_is_durable(
    node: OneValidator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node.running():
        await node.lead()
        await node.acknowledge("mall", "music")
        assert len(node.committed) == 1
        jobs: list[object] = []

        async def withhold(job: object) -> None:
            jobs.append(job)

        submit = node.storage.submit
        monkeypatch.setattr(node.storage, "submit", withhold)
        node.mempool.leadership("books", 1, is_self=True)
        await node.mempool.take_forwarded([node.chain.clerk.register("ann").signed])
        await trio.testing.wait_all_tasks_blocked()
        assert node.raft.last_height == 2
        for validator in ("mall", "music"):
            await node.consensus.deliver(Delivery(node.acknowledgement(validator)))
        await trio.testing.wait_all_tasks_blocked()
        assert node.raft.committed == 1
        monkeypatch.setattr(node.storage, "submit", submit)
        for job in jobs:
            await submit(job)  # type: ignore[arg-type]  # what was withheld
        await node.settle()
        assert node.store.tip.height == 2


async def test_a_waiting_transaction_is_proposed_at_once_when_nothing_is_in_flight(node: OneValidator) -> None:
    async with node.running():
        await node.lead()
        await node.acknowledge("mall", "music")
        sealed = node.chain.clerk.register("ann")
        await node.mempool.submit([sealed.signed], wait=False, timeout_seconds=0)
        await node.settle()
        assert heights_proposed(node) == [1, 2]
        await node.acknowledge("mall", "music")
        with node.store.view() as view:
            outcome = view.outcome(sealed.id)
        assert outcome is not None
        assert outcome.height == 2
        assert node.mempool.pending == 0


async def test_an_idle_leader_makes_a_block_when_something_is_due_and_no_other(tmp_path: Path) -> None:
    node = OneValidator(tmp_path, SmallChain(genesis_with(Terms(expiry=RollingExpiry(2)))))
    end = day_end(CREATED_AT, 2)
    clerk = node.chain.clerk
    async with node.running():
        await node.lead()
        signed = [clerk.register("ann").signed, clerk.earn("ann", "o-1", 500).signed]
        await node.mempool.submit(signed, wait=False, timeout_seconds=0)
        await node.acknowledge("mall", "music")
        await node.settle()
        height = node.raft.last_height
        await node.acknowledge("mall", "music")
        node.now = end - DAY_MS - 1
        await node.tick()
        assert node.raft.last_height == height, "nothing is due yet"
        node.now = end
        await node.tick()
        assert node.raft.last_height == height + 1
        await node.tick()
        assert node.raft.last_height == height + 1, "it is done, though not committed"
        await node.acknowledge("mall", "music")
        with node.store.view() as view:
            record = view.block(height + 1)
        assert record is not None
        assert (record.transactions, len(record.agenda)) == ((), 1)
        await node.tick()
        assert node.raft.last_height == height + 1


async def test_a_follower_makes_no_block_whatever_is_due(tmp_path: Path) -> None:
    chain = SmallChain(genesis_with(Terms(expiry=RollingExpiry(2))))
    node = OneValidator(tmp_path, SmallChain(chain.genesis))
    block = chain.build([chain.clerk.register("ann"), chain.clerk.earn("ann", "o-1", 500)])
    async with node.running():
        await node.hear([block])
        node.now = day_end(CREATED_AT, 2)
        await node.tick()
        assert node.raft.last_height == 1


async def test_while_blocks_are_in_flight_transactions_gather_into_larger_ones(node: OneValidator) -> None:
    clerk = node.chain.clerk
    async with node.running():
        await node.lead()
        few = [clerk.register(f"member {number}").signed for number in range(20)]
        await node.mempool.submit(few, wait=False, timeout_seconds=0)
        await node.settle()
        assert node.raft.last_height == 1
        await node.acknowledge("mall", "music")
        assert node.raft.last_height == 2
        assert len(node.executor.tip.header.transactions_root) == 32
        many = [clerk.register(f"other {number}").signed for number in range(BATCH_GROWS_TO)]
        await node.mempool.submit(many[:-1], wait=False, timeout_seconds=0)
        await node.settle()
        assert node.raft.last_height == 2
        await node.mempool.submit(many[-1:], wait=False, timeout_seconds=0)
        await node.settle()
        assert node.raft.last_height == 3
        assert node.mempool.queued == 0


async def test_no_more_than_a_few_blocks_are_in_flight_however_many_transactions_wait(node: OneValidator) -> None:
    clerk = node.chain.clerk
    async with node.running():
        await node.lead()
        for part in range(6):
            signed = [clerk.register(f"member {part} {number}").signed for number in range(BATCH_GROWS_TO)]
            await node.mempool.submit(signed, wait=False, timeout_seconds=0)
            await node.settle()
        assert node.raft.last_height == BLOCKS_IN_FLIGHT_MAX
        assert node.mempool.queued == 3 * BATCH_GROWS_TO
        await node.acknowledge("mall", "music")
        assert node.raft.committed == BLOCKS_IN_FLIGHT_MAX
        assert node.raft.last_height == BLOCKS_IN_FLIGHT_MAX + 2


async def test_no_block_is_built_while_too_many_bytes_are_not_committed(
    node: OneValidator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Transactions wait where clients can be told that they are too many, and not in a log that nobody certifies."""
    async with node.running():
        await node.lead()
        monkeypatch.setattr("jifen.actors.consensus.BATCH_GROWS_TO", 1)
        monkeypatch.setattr(Raft, "has_room", property(lambda _: False))
        await node.mempool.take_forwarded([node.chain.clerk.register("ann").signed])
        await node.settle()
        assert (node.raft.last_height, node.mempool.queued) == (1, 1)
        monkeypatch.undo()
        await node.acknowledge("mall", "music")
        assert (node.raft.last_height, node.mempool.queued) == (2, 0)


async def test_a_transaction_already_in_the_leaders_log_makes_no_second_block(node: OneValidator) -> None:
    sealed = node.chain.clerk.register("ann")
    async with node.running():
        await node.lead()
        await node.acknowledge("mall", "music")
        await node.mempool.take_forwarded([sealed.signed])
        await node.settle()
        await node.mempool.take_forwarded([sealed.signed])
        await node.acknowledge("mall", "music")
        await node.mempool.take_forwarded([sealed.signed])
        await node.settle()
        assert (node.raft.last_height, node.mempool.queued) == (2, 0)


async def test_what_a_leader_proposed_and_lost_comes_back_with_its_next_term(node: OneValidator) -> None:
    sealed = node.chain.clerk.register("ann")
    async with node.running():
        await node.lead()
        await node.acknowledge("mall", "music")
        [empty] = node.committed
        await node.mempool.submit([sealed.signed], wait=False, timeout_seconds=0)
        await node.settle()
        assert node.raft.last_height == 2
        node.chain.execute(empty.executed.payload)
        other = node.chain.build([], term=2, proposer="music")
        await node.hear([other], leader="music", after=(1, 1, empty.executed.tip.hash))
        assert node.executor.tip == other.tip
        assert node.forwarded == [("music", (sealed.signed,))]
        await node.hear(certificates=[node.chain.certify(other)], term=2, leader="music")
        assert node.mempool.pending == 1
        await node.lead()
        await node.acknowledge("mall", "music")
        await node.acknowledge("mall", "music")
        with node.store.view() as view:
            assert view.outcome(sealed.id) is not None
        assert node.mempool.pending == 0


async def test_block_time_follows_the_leaders_clock_but_never_back(node: OneValidator) -> None:
    async with node.running():
        node.now = CREATED_AT + 1000
        await node.lead()
        assert node.executor.tip.header.time == CREATED_AT + 1000
        await node.acknowledge("mall", "music")
        node.now = CREATED_AT
        await node.mempool.take_forwarded([node.chain.clerk.register("ann").signed])
        await node.settle()
        assert node.executor.tip.header.time == CREATED_AT + 1000


async def test_a_lone_validator_needs_nobody(tmp_path: Path) -> None:
    alone = OneValidator(tmp_path, SmallChain(small_genesis(("mall",))), name="mall")
    async with alone.running():
        await alone.lead()
        await alone.until(lambda: alone.committed)
        sealed = alone.chain.clerk.register("ann")
        [result] = await alone.mempool.submit([sealed.signed], wait=True, timeout_seconds=10)
        assert result.height == 2
    assert alone.sent == []


# Time.


async def test_ticks_that_pile_up_count_as_one_and_come_after_what_was_heard(node: OneValidator) -> None:
    # As after a pause of the machine: one tick short of losing patience, a heartbeat waits behind a clock that ran on.
    while node.raft._state.election_elapsed < node.raft._state.election_timeout - 1:
        node.raft.tick()
    for _ in range(100):
        node.consensus.tick()
    await node.consensus.deliver(Delivery(AppendRequest(1, "mall", "books", 0, 0, node.store.genesis_hash, (), 0, ())))
    async with node.running():
        await node.settle()
        assert (node.raft.role.value, node.raft.leader, node.raft.term) == ("follower", "mall", 1)
        assert not [message for message in node.sent if isinstance(message, VoteRequest)]


async def test_a_follower_without_a_leader_asks_for_votes_and_one_with_heartbeats_does_not(
    node: OneValidator,
) -> None:
    heartbeat = AppendRequest(1, "mall", "books", 0, 0, node.store.genesis_hash, (), 0, ())
    async with node.running():
        for _ in range(60):
            node.consensus.tick()
            await node.consensus.deliver(Delivery(heartbeat))
            await node.settle()
        assert not [message for message in node.sent if isinstance(message, VoteRequest)]
        await node.grow_impatient()
        assert {message.recipient for message in node.sent if isinstance(message, VoteRequest)} == {
            "mall",
            "music",
            "cafe",
        }
