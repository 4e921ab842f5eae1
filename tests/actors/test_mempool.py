"""The mempool: what it takes in, what it refuses and on what ground, and how transactions find the leader."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
import trio.testing
from coincurve import PrivateKey

from jifen.actors import mempool as mempool_module
from jifen.actors.mempool import EXPIRED_FOR_MS, RESEND_AFTER_SECONDS, Mempool, SubmitResult, SubmitStatus
from jifen.chain.executor import ExecutedBlock
from jifen.chain.sealing import SealedTransaction
from jifen.codec.messages import FORWARDED_TRANSACTIONS_MAX
from jifen.codec.transactions import decode_signed, encode_signed
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Signature
from jifen.store.ledger_store import LedgerStore
from jifen.store.records import CommittedBlock, StoreBatch
from jifen.testing.one_validator import OneValidator
from jifen.testing.small_alliance import CREATED_AT
from jifen.testing.small_chain import LIFETIME_MS, SmallChain


class Centre:
    """A validator's mempool on a real store, to which blocks are committed by hand."""

    def __init__(self, node: OneValidator) -> None:
        self.node = node
        self.chain = node.chain
        self.clerk = node.chain.clerk
        self.mempool: Mempool = node.mempool
        self.store: LedgerStore = node.store

    def commit(self, *sealed: SealedTransaction, time: int = CREATED_AT) -> ExecutedBlock:
        """Commit a block with these transactions, as consensus and storage would."""
        block = self.chain.build(sealed, time=time)
        self.store_block(block)
        self.mempool.committed(block)
        return block

    def store_block(self, block: ExecutedBlock) -> None:
        certified = CommittedBlock(block, self.chain.certify(block))
        self.store.write([StoreBatch(blocks=((block.tip.height, block.payload),), commits=(certified,))])
        self.chain.commit()

    async def submit(self, *items: SealedTransaction | bytes) -> list[SubmitResult]:
        """Submit without waiting for the outcome."""
        signed = [item if isinstance(item, bytes) else item.signed for item in items]
        return await self.mempool.submit(signed, wait=False, timeout_seconds=0)

    def lead(self) -> None:
        self.mempool.leadership("books", 1, is_self=True)

    def follow(self, leader: str | None = "mall") -> None:
        self.mempool.leadership(leader, 1, is_self=False)

    def queue(self) -> list[bytes]:
        """Take everything that waits to be ordered here, and return the ids."""
        return [item.id for item in self.mempool.take(10_000, 1 << 30)]


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return Centre(OneValidator(tmp_path, SmallChain()))


def flipped(sealed: SealedTransaction) -> bytes:
    """Return the same body under a signature that is none."""
    envelope = decode_signed(sealed.signed)
    [signature] = envelope.signatures
    false = Signature(signature.key, bytes([signature.signature[0] ^ 1]) + signature.signature[1:])
    return encode_signed(envelope.body, (false,))


async def settled(wait: Callable[[], Awaitable[list[SubmitResult]]], act: Callable[[], object]) -> list[SubmitResult]:
    """Start a submission that waits, act once it does, and return its results."""
    results: list[SubmitResult] = []

    async def run() -> None:
        results.extend(await wait())

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await trio.testing.wait_all_tasks_blocked()
            act()
    return results


async def test_results_stand_in_the_order_of_the_bytes_and_each_says_what_is_wrong(centre: Centre) -> None:
    good = centre.clerk.register("ann")
    results = await centre.submit(b"rubbish", good, flipped(centre.clerk.register("bob")), good.signed + b"\0")
    assert [(item.status, item.error) for item in results] == [
        (SubmitStatus.REFUSED, "MALFORMED"),
        (SubmitStatus.ACCEPTED, None),
        (SubmitStatus.REFUSED, "BAD_SIGNATURE"),
        (SubmitStatus.REFUSED, "MALFORMED"),
    ]
    assert [item.id is None for item in results] == [True, False, False, True]
    assert results[1].id == good.id
    assert centre.mempool.pending == 1


async def test_a_large_batch_is_checked_on_threads_with_the_same_answers(centre: Centre) -> None:
    sealed = [centre.clerk.register(f"member {number}") for number in range(150)]
    bad = {3, 77, 149}
    signed = [flipped(item) if place in bad else item.signed for place, item in enumerate(sealed)]
    results = await centre.submit(*signed)
    assert {place for place, item in enumerate(results) if item.error == "BAD_SIGNATURE"} == bad
    assert centre.mempool.pending == 147


@pytest.mark.parametrize(
    ("rejection", "of"),
    [
        (Rejection.EXPIRED, "expired"),
        (Rejection.ACCOUNT_EXISTS, "registered twice"),
        (Rejection.ORDER_ALREADY_CREDITED, "credited twice"),
        (Rejection.NOT_THE_ISSUER, "another's points"),
        (Rejection.SENDER_IS_RECIPIENT, "to oneself"),
    ],
)
async def test_what_no_later_block_can_cure_is_refused_at_once(centre: Centre, rejection: Rejection, of: str) -> None:
    clerk = centre.clerk
    centre.commit(clerk.register("ann"), clerk.earn("ann", "o-1"))
    if of == "expired":
        clerk.expires_at = CREATED_AT - 1
    hopeless = {
        "expired": clerk.register("bob"),
        "registered twice": clerk.register("ann"),
        "credited twice": clerk.earn("ann", "o-1"),
        "another's points": clerk.earn("ann", "o-2", merchant="music", point_type="books/consumer"),
        "to oneself": clerk.transfer("ann", "ann", 1),
    }[of]
    [result] = await centre.submit(hopeless)
    assert (result.status, result.rejection, result.error) == (SubmitStatus.REFUSED, rejection, None)
    assert centre.mempool.pending == 0


async def test_what_has_expired_by_this_clock_only_is_left_to_the_chain_to_judge(centre: Centre) -> None:
    sealed = centre.clerk.register("ann")
    centre.node.now = CREATED_AT + LIFETIME_MS + 1
    [result] = await centre.submit(sealed)
    assert result.status is SubmitStatus.ACCEPTED


async def test_what_a_transaction_under_way_may_cure_is_taken_in(centre: Centre) -> None:
    clerk = centre.clerk
    early = [clerk.earn("ann", "o-1"), clerk.transfer("ann", "bob", 1), clerk.earn("ann", "o-2", merchant="mall")]
    results = await centre.submit(*early)
    assert {item.status for item in results} == {SubmitStatus.ACCEPTED}


async def test_refusals_rest_on_the_committed_state_alone(centre: Centre) -> None:
    once, again = centre.clerk.register("ann"), centre.clerk.register("ann")
    executed = centre.chain.build([once])
    [result] = await centre.submit(again)
    assert result.status is SubmitStatus.ACCEPTED
    centre.store_block(executed)
    [result] = await centre.submit(centre.clerk.register("ann"))
    assert result.rejection is Rejection.ACCOUNT_EXISTS


async def test_a_committed_transaction_tells_its_outcome_again(centre: Centre) -> None:
    clerk = centre.clerk
    good, bad = clerk.register("ann"), clerk.earn("nobody", "o-1")
    centre.commit(good, bad)
    results = await centre.submit(good, bad)
    assert [(item.status, item.rejection, item.height) for item in results] == [
        (SubmitStatus.COMMITTED, None, 1),
        (SubmitStatus.COMMITTED, Rejection.ACCOUNT_UNKNOWN, 1),
    ]
    assert centre.mempool.pending == 0


async def test_a_full_mempool_is_busy_but_still_answers_for_what_it_has(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mempool_module, "PENDING_MAX", 2)
    sealed = [centre.clerk.register(name) for name in ("ann", "bob", "cyd")]
    results = await centre.submit(*sealed)
    assert [(item.status, item.error) for item in results] == [
        (SubmitStatus.ACCEPTED, None),
        (SubmitStatus.ACCEPTED, None),
        (SubmitStatus.REFUSED, "BUSY"),
    ]
    assert [item.status for item in await centre.submit(*sealed[:2])] == [SubmitStatus.ACCEPTED] * 2
    centre.commit(sealed[0])
    assert [item.status for item in await centre.submit(sealed[2])] == [SubmitStatus.ACCEPTED]


async def test_the_same_bytes_in_flight_or_within_a_batch_are_one_transaction(centre: Centre) -> None:
    centre.follow()
    sealed = centre.clerk.register("ann")
    first = centre.mempool.submit([sealed.signed] * 3, wait=True, timeout_seconds=10)
    results = await settled(lambda: first, lambda: centre.commit(sealed))
    assert [(item.status, item.height) for item in results] == [(SubmitStatus.COMMITTED, 1)] * 3
    assert centre.node.forwarded == [("mall", (sealed.signed,))]


async def test_everybody_who_waits_for_a_transaction_is_told(centre: Centre) -> None:
    sealed = centre.clerk.register("ann")
    results: list[SubmitResult] = []

    async def wait() -> None:
        results.extend(await centre.mempool.submit([sealed.signed], wait=True, timeout_seconds=10))

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            assert (centre.mempool.pending, results) == (1, [])
            centre.commit(sealed)
    assert [item.height for item in results] == [1] * 5


async def test_one_body_under_two_genuine_signatures_is_pending_once(centre: Centre) -> None:
    sealed = centre.clerk.register("ann")
    key = centre.clerk.member("ann").key
    randomised = PrivateKey(key.secret).sign_schnorr(sealed.id, bytes(31) + b"1")
    other = SealedTransaction(
        sealed.id, encode_signed(decode_signed(sealed.signed).body, (Signature(key.public, randomised),))
    )
    assert other.signed != sealed.signed
    results = await centre.submit(sealed, other)
    assert [item.status for item in results] == [SubmitStatus.ACCEPTED] * 2
    assert centre.mempool.pending == 1
    centre.commit(other)
    assert centre.mempool.pending == 0
    assert [item.height for item in await centre.submit(sealed, other)] == [1, 1]


async def test_a_known_body_under_a_forged_signature_is_still_refused(centre: Centre) -> None:
    sealed = centre.clerk.register("ann")
    await centre.submit(sealed)
    [result] = await centre.submit(flipped(sealed))
    assert (result.status, result.error) == (SubmitStatus.REFUSED, "BAD_SIGNATURE")
    assert centre.mempool.pending == 1


async def test_the_leader_queues_what_it_takes_in_and_a_follower_forwards_it(centre: Centre) -> None:
    one, two, three = (centre.clerk.register(name) for name in ("ann", "bob", "cyd"))
    await centre.submit(one)
    assert (centre.node.forwarded, centre.mempool.queued) == ([], 0)
    centre.follow("mall")
    await centre.submit(two)
    assert centre.node.forwarded == [("mall", (one.signed,)), ("mall", (two.signed,))]
    centre.lead()
    assert centre.queue() == [one.id, two.id]
    await centre.submit(three)
    assert centre.queue() == [three.id]
    centre.follow("music")
    assert centre.node.forwarded[-1] == ("music", (one.signed, two.signed, three.signed))


async def test_a_leader_that_loses_its_office_keeps_nobody_elses_queue(centre: Centre) -> None:
    centre.lead()
    forwarded = centre.clerk.register("ann")
    assert await centre.mempool.take_forwarded([forwarded.signed])
    assert centre.mempool.queued == 1
    centre.follow("mall")
    assert (centre.mempool.queued, centre.node.forwarded) == (0, [])


async def test_forwarded_transactions_are_queued_by_a_leader_only_and_once(centre: Centre) -> None:
    sealed = [centre.clerk.register(name) for name in ("ann", "bob")]
    signed = [item.signed for item in sealed]
    centre.follow("mall")
    assert await centre.mempool.take_forwarded(signed)
    assert centre.mempool.queued == 0
    centre.lead()
    assert await centre.mempool.take_forwarded(signed)
    assert await centre.mempool.take_forwarded(signed)
    assert centre.queue() == [item.id for item in sealed]
    assert centre.mempool.pending == 0


async def test_a_leader_queues_so_many_and_takes_the_others_when_they_come_again(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mempool_module, "QUEUED_MAX", 2)
    centre.lead()
    sealed = [centre.clerk.register(name) for name in ("ann", "bob", "cyd")]
    assert await centre.mempool.take_forwarded([item.signed for item in sealed])
    assert centre.queue() == [item.id for item in sealed[:2]]
    assert await centre.mempool.take_forwarded([sealed[2].signed])
    assert centre.queue() == [sealed[2].id]


async def test_one_forged_transaction_among_forwarded_ones_is_told_and_left_out(centre: Centre) -> None:
    centre.lead()
    good, bad = centre.clerk.register("ann"), centre.clerk.register("bob")
    assert not await centre.mempool.take_forwarded([good.signed, flipped(bad)])
    assert not await centre.mempool.take_forwarded([b"rubbish"])
    assert centre.queue() == [good.id]


async def test_a_block_takes_the_oldest_that_fit_and_at_least_one(centre: Centre) -> None:
    centre.lead()
    sealed = [centre.clerk.register(f"member {number}") for number in range(6)]
    await centre.submit(*sealed)
    size = len(sealed[0].signed)
    assert [item.id for item in centre.mempool.take(2, 1 << 20)] == [item.id for item in sealed[:2]]
    assert [item.id for item in centre.mempool.take(9, 2 * size)] == [item.id for item in sealed[2:4]]
    assert [item.id for item in centre.mempool.take(9, 1)] == [sealed[4].id]
    assert centre.queue() == [sealed[5].id]


async def test_what_is_not_committed_in_time_is_sent_again(
    centre: Centre, autojump_clock: trio.testing.MockClock
) -> None:
    centre.follow()
    sealed = centre.clerk.register("ann")
    await centre.submit(sealed)
    centre.mempool.resend()
    assert len(centre.node.forwarded) == 1
    await trio.sleep(RESEND_AFTER_SECONDS)
    centre.mempool.resend()
    centre.mempool.resend()
    assert centre.node.forwarded == [("mall", (sealed.signed,))] * 2
    centre.commit(sealed)
    await trio.sleep(RESEND_AFTER_SECONDS)
    centre.mempool.resend()
    assert len(centre.node.forwarded) == 2


async def test_a_clock_that_is_set_back_stops_no_resending(
    centre: Centre, autojump_clock: trio.testing.MockClock
) -> None:
    centre.follow()
    await centre.submit(centre.clerk.register("ann"))
    centre.node.now -= 3_600_000
    await trio.sleep(RESEND_AFTER_SECONDS)
    centre.mempool.resend()
    assert len(centre.node.forwarded) == 2


async def test_what_a_broken_link_did_not_take_goes_with_the_next_round(centre: Centre) -> None:
    centre.follow()
    centre.node.link_is_up = False
    sealed = centre.clerk.register("ann")
    await centre.submit(sealed)
    centre.node.link_is_up = True
    centre.mempool.resend()
    assert centre.node.forwarded == [("mall", (sealed.signed,))]


async def test_many_are_forwarded_in_messages_of_bounded_length(centre: Centre) -> None:
    sealed = [centre.clerk.register(f"member {number}") for number in range(FORWARDED_TRANSACTIONS_MAX + 5)]
    await centre.submit(*sealed)
    centre.follow()
    assert [len(part) for _, part in centre.node.forwarded] == [FORWARDED_TRANSACTIONS_MAX, 5]


async def test_a_time_out_leaves_the_outcome_open(centre: Centre, autojump_clock: trio.testing.MockClock) -> None:
    sealed = centre.clerk.register("ann")
    [result] = await centre.mempool.submit([sealed.signed], wait=True, timeout_seconds=5)
    assert (result.status, result.error, result.rejection) == (SubmitStatus.ACCEPTED, "TIMED_OUT", None)
    assert "may still" in result.message
    assert centre.mempool.pending == 1
    results = await settled(
        lambda: centre.mempool.submit([sealed.signed], wait=True, timeout_seconds=5), lambda: centre.commit(sealed)
    )
    assert [(item.status, item.height) for item in results] == [(SubmitStatus.COMMITTED, 1)]


async def test_who_waits_for_what_a_snapshot_has_skipped_is_sent_to_another_validator(centre: Centre) -> None:
    sealed = centre.clerk.register("ann")

    def skip() -> None:
        centre.store_block(centre.chain.build([sealed]))
        centre.mempool.jumped()

    [result] = await settled(lambda: centre.mempool.submit([sealed.signed], wait=True, timeout_seconds=10), skip)
    assert (result.status, result.error, result.height) == (SubmitStatus.ACCEPTED, "TIMED_OUT", None)
    assert "ask another validator" in result.message
    assert centre.mempool.pending == 0


async def test_a_batch_that_is_committed_in_part_says_so_for_each(
    centre: Centre, autojump_clock: trio.testing.MockClock
) -> None:
    one, two = centre.clerk.register("ann"), centre.clerk.register("bob")
    results = await settled(
        lambda: centre.mempool.submit([one.signed, two.signed], wait=True, timeout_seconds=5),
        lambda: centre.commit(one),
    )
    assert [(item.status, item.error) for item in results] == [
        (SubmitStatus.COMMITTED, None),
        (SubmitStatus.ACCEPTED, "TIMED_OUT"),
    ]


async def test_waiting_leaves_nothing_behind_however_it_ends(
    centre: Centre, autojump_clock: trio.testing.MockClock
) -> None:
    sealed = centre.clerk.register("ann")
    for _ in range(3):
        await centre.submit(sealed)
        await centre.mempool.submit([sealed.signed], wait=True, timeout_seconds=1)
        with trio.move_on_after(0.5):
            await centre.mempool.submit([sealed.signed], wait=True, timeout_seconds=1)
    [pending] = centre.mempool._pending.values()
    assert len(pending.waiters) == 0


async def test_what_expired_is_dropped_and_whoever_waits_is_told(centre: Centre) -> None:
    sealed = centre.clerk.register("ann")

    def expire() -> None:
        centre.node.now = CREATED_AT + LIFETIME_MS + EXPIRED_FOR_MS
        centre.mempool.resend()
        assert centre.mempool.pending == 1
        centre.node.now += 1
        centre.mempool.resend()

    results = await settled(lambda: centre.mempool.submit([sealed.signed], wait=True, timeout_seconds=10), expire)
    assert [item.error for item in results] == ["TIMED_OUT"]
    assert centre.mempool.pending == 0


async def test_what_block_time_has_passed_is_refused_for_good(centre: Centre) -> None:
    sealed = centre.clerk.register("ann")

    def pass_it() -> None:
        centre.commit(time=CREATED_AT + LIFETIME_MS)
        centre.mempool.resend()
        assert centre.mempool.pending == 1, "the last moment of its life is its expiry"
        centre.commit(time=CREATED_AT + LIFETIME_MS + 1)
        centre.mempool.resend()

    [result] = await settled(lambda: centre.mempool.submit([sealed.signed], wait=True, timeout_seconds=10), pass_it)
    assert (result.status, result.rejection, result.error) == (SubmitStatus.REFUSED, Rejection.EXPIRED, None)
    assert centre.mempool.pending == 0


async def test_a_committed_block_clears_queue_and_memory(centre: Centre) -> None:
    centre.lead()
    mine, foreign = centre.clerk.register("ann"), centre.clerk.register("bob")
    await centre.submit(mine)
    await centre.mempool.take_forwarded([foreign.signed])
    assert centre.node.checked.find(foreign.signed) is not None
    centre.commit(mine, foreign)
    assert (centre.mempool.queued, centre.mempool.pending) == (0, 0)
    assert centre.node.checked.find(mine.signed) is None
    assert centre.node.checked.find(foreign.signed) is None
