"""The bound that signatures set: how many transactions a second the machine could check if it did nothing else."""

import os
import time
from typing import Final

import msgspec

from jifen.keys.signing import KeyPair
from jifen.keys.verification import Claim, false_claims

ROUNDS: Final = 5
"""The quickest round counts: the others were disturbed by something else on the machine."""

CLAIMS: Final = 500
"""Signatures a round, some 30 ms."""


class VerificationBound(msgspec.Struct, frozen=True, rename="camel"):
    """Every validator checks every signature, so a machine that runs them all has `cores / (validators x time)`."""

    microseconds_per_verification: float
    """Time of one BIP-340 verification in one thread."""
    cores: int
    """Processors that this process may use."""
    validators: int
    transactions_per_second: float
    """The bound."""
    share: float
    """What the import reached, as a part of the bound; 0 when nothing was imported."""


def measure_verification() -> float:
    """Return the time of one signature check, in microseconds; run it while the machine is idle."""
    pair = KeyPair.generate()
    messages = [index.to_bytes(32, "big") for index in range(CLAIMS)]
    claims = [Claim(pair.public, message, pair.sign(message)) for message in messages]
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        false = false_claims(claims)
        best = min(best, time.perf_counter() - started)
        assert not false, "a signature made a moment ago does not hold"
    return best / CLAIMS * 1e6


def bound_of(microseconds: float, validators: int, reached: float) -> VerificationBound:
    """Return the bound for one verification's time, and the share of it that `reached` transactions a second are."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = cores / (validators * microseconds / 1e6)
    return VerificationBound(round(microseconds, 2), cores, validators, round(limit, 1), round(reached / limit, 4))
