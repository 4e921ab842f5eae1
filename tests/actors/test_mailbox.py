"""The mailbox: nothing is lost, nothing overtakes, and putters feel the bound."""

import pytest
import trio
import trio.testing

from jifen.actors.mailbox import Mailbox


async def test_everything_put_is_taken_at_once_and_in_order() -> None:
    mailbox: Mailbox[int] = Mailbox(10)
    for number in range(5):
        await mailbox.put(number)
    mailbox.put_at_once(5)
    assert len(mailbox) == 6
    assert await mailbox.take_all() == [0, 1, 2, 3, 4, 5]
    assert len(mailbox) == 0


async def test_the_taker_waits_for_the_first_item() -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    taken: list[int] = []

    async def take() -> None:
        taken.extend(await mailbox.take_all())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        await trio.testing.wait_all_tasks_blocked()
        assert taken == []
        mailbox.put_at_once(1)
    assert taken == [1]


async def test_a_full_mailbox_holds_its_putters_up_until_it_is_emptied() -> None:
    mailbox: Mailbox[int] = Mailbox(2)
    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(mailbox.put, number)
        await trio.testing.wait_all_tasks_blocked()
        assert len(mailbox) == 2
        assert len(await mailbox.take_all()) == 2
        await trio.testing.wait_all_tasks_blocked()
        assert len(mailbox) == 2
        await mailbox.take_all()
    assert len(await mailbox.take_all()) == 1


async def test_what_is_put_at_once_goes_in_although_it_is_full_and_counts() -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    await mailbox.put(1)
    mailbox.put_at_once(2)
    with trio.move_on_after(0) as scope:
        await mailbox.put(3)
    assert scope.cancelled_caught
    assert await mailbox.take_all() == [1, 2]


async def test_a_cancelled_putter_leaves_nothing_behind() -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    await mailbox.put(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.put, 2)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert await mailbox.take_all() == [1]
    mailbox.put_at_once(3)
    assert await mailbox.take_all() == [3]


async def test_a_cancelled_taker_loses_nothing() -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    mailbox.put_at_once(1)
    with trio.CancelScope() as scope:
        scope.cancel()
        await mailbox.take_all()
        pytest.fail("a cancelled take came back")
    assert await mailbox.take_all() == [1]


async def test_many_putters_and_one_taker_lose_no_wake_up() -> None:
    mailbox: Mailbox[tuple[int, int]] = Mailbox(3)
    taken: list[tuple[int, int]] = []

    async def put(putter: int) -> None:
        for number in range(50):
            await mailbox.put((putter, number))
            if number % 7 == 0:
                mailbox.put_at_once((putter + 100, number))

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for putter in range(8):
                nursery.start_soon(put, putter)
            while len(taken) < 8 * 58:
                taken += await mailbox.take_all()
    for putter in range(8):
        assert [number for who, number in taken if who == putter] == list(range(50))
