"""The witness must be able to say no: every kind of lie about a chain is found."""

import msgspec
import pytest

from jifen.testing.small_chain import SmallChain
from jifen.testing.witness import NotBorneOut, Operation, Reading, Told, check_history

History = tuple[SmallChain, list[bytes], list[Operation], list[Reading]]


@pytest.fixture
def history() -> History:
    """Three transactions in three blocks, the last rejected; all told, one after the other; two balances read."""
    chain = SmallChain()
    clerk = chain.clerk
    sealed = [clerk.register("ann"), clerk.earn("ann", "o-1", 500), clerk.earn("ann", "o-1", 500)]
    blocks = [chain.build([item]) for item in sealed]
    operations = [
        Operation(item.id, 10 * number, 10 * number + 5, Told.COMMITTED, number, block.receipts[0].rejection)
        for number, (item, block) in enumerate(zip(sealed, blocks, strict=True), start=1)
    ]
    account = clerk.member("ann").account
    readings = [Reading(account, "books/consumer", 16, 1, 0), Reading(account, "books/consumer", 26, 2, 50)]
    return chain, [block.payload for block in blocks], operations, readings


def test_a_true_history_is_borne_out(history: History) -> None:
    chain, payloads, operations, readings = history
    check_history(chain.genesis, payloads, operations, readings)
    unknown = [msgspec.structs.replace(item, told=Told.UNKNOWN, height=None) for item in operations]
    check_history(chain.genesis, payloads, unknown, readings)


def test_operations_that_overlap_may_stand_in_any_order(history: History) -> None:
    chain, payloads, operations, _ = history
    overlapping = [
        msgspec.structs.replace(item, invoked=place) for place, item in zip((3, 2, 1), operations, strict=True)
    ]
    check_history(chain.genesis, payloads, overlapping)


@pytest.mark.parametrize(
    ("place", "change", "reason"),
    [
        (2, {"height": 1}, "the chain says"),
        (2, {"rejection": 0}, "the chain says"),
        (0, {"told": Told.REFUSED}, "was refused and is applied in the chain"),
        (0, {"id": bytes(32)}, "is lost"),
        (0, {"invoked": 40, "returned": 41}, "was asked for after"),
    ],
)
def test_a_false_answer_is_found(history: History, place: int, change: dict[str, object], reason: str) -> None:
    chain, payloads, operations, readings = history
    operations[place] = msgspec.structs.replace(operations[place], **change)
    with pytest.raises(NotBorneOut, match=reason):
        check_history(chain.genesis, payloads, operations, readings)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"points": 49}, "49 points read"),
        ({"height": 9}, "above the chain's end"),
        ({"invoked": 36}, "read at 2 after 3 was told"),
    ],
)
def test_a_false_or_stale_reading_is_found(history: History, change: dict[str, object], reason: str) -> None:
    chain, payloads, operations, readings = history
    readings[1] = msgspec.structs.replace(readings[1], **change)
    with pytest.raises(NotBorneOut, match=reason):
        check_history(chain.genesis, payloads, operations, readings)


def test_what_was_refused_may_stand_in_the_chain_as_rejected(history: History) -> None:
    chain, payloads, operations, readings = history
    operations[2] = msgspec.structs.replace(operations[2], told=Told.REFUSED, height=None)
    check_history(chain.genesis, payloads, operations, readings)


def test_reads_that_go_back_are_found(history: History) -> None:
    chain, payloads, operations, readings = history
    account = readings[0].account
    newer = Reading(account, "books/consumer", 50, 3, 50, returned=51, validator="mall")
    older = Reading(account, "books/consumer", 52, 2, 50, returned=53, validator="books", current=False)
    check_history(chain.genesis, payloads, operations, [newer, older])
    with pytest.raises(NotBorneOut, match="read at 2 after 3 was told"):
        check_history(chain.genesis, payloads, operations, [newer, msgspec.structs.replace(older, current=True)])
    with pytest.raises(NotBorneOut, match="mall showed height 2 after 3"):
        check_history(chain.genesis, payloads, operations, [newer, msgspec.structs.replace(older, validator="mall")])


def test_what_is_asked_for_after_a_reading_stands_above_it(history: History) -> None:
    chain, payloads, operations, _ = history
    reading = Reading(chain.clerk.member("ann").account, "books/consumer", 26, 3, 50, returned=27)
    with pytest.raises(NotBorneOut, match="was asked for after"):
        check_history(chain.genesis, payloads, operations, [reading])


def test_a_chain_that_lost_its_end_is_found(history: History) -> None:
    chain, payloads, operations, _ = history
    with pytest.raises(NotBorneOut, match="is lost"):
        check_history(chain.genesis, payloads[:2], operations)
