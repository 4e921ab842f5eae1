"""Checking many signatures on threads finds the same false ones as checking them one by one."""

import os
import random

import pytest

from jifen.actors import verifier
from jifen.actors.surroundings import Threads
from jifen.actors.verifier import CLAIMS_INLINE_MAX, CLAIMS_PER_THREAD_MIN, find_false
from jifen.keys.signing import KeyPair
from jifen.keys.verification import Claim, false_claims

KEYS = [KeyPair.derive(bytes(32), f"key {number}") for number in range(5)]


def claims(count: int) -> list[Claim]:
    signed = []
    for number in range(count):
        key, message = KEYS[number % len(KEYS)], number.to_bytes(32, "big")
        signed.append(Claim(key.public, message, key.sign(message)))
    return signed


@pytest.mark.parametrize(
    "count", [0, 1, CLAIMS_INLINE_MAX, CLAIMS_INLINE_MAX + 1, CLAIMS_PER_THREAD_MIN, 2 * CLAIMS_PER_THREAD_MIN + 3]
)
@pytest.mark.parametrize("threads", [1, 2, 7])
async def test_threads_change_nothing(count: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "CLAIMS_PER_THREAD_MIN", max(1, count // threads))
    monkeypatch.setattr(os, "cpu_count", lambda: threads)
    batch = claims(count)
    draw = random.Random(count)
    lies = sorted({draw.randrange(count) for _ in range(3)} | {0, count - 1}) if count else []
    for place in lies:
        batch[place] = batch[place]._replace(message=bytes(32)[:-1] + b"\xff")
    assert false_claims(batch) == lies
    assert await find_false(batch, Threads()) == lies


async def test_a_key_that_is_none_signs_nothing() -> None:
    [good] = claims(1)
    assert await find_false([good._replace(key=b"\xff" * 32), good, good._replace(key=bytes(32))], Threads()) == [0, 2]
