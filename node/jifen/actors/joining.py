"""Becoming a voter: a validator that was admitted says on the ledger that it has every block.

Admission makes an observer. When it has caught up with what was current a moment ago it sends `activateValidator`, and
from the block that takes it on it votes and acknowledges (thesis 4.2.1: catch up first, so that availability never
hangs on a newcomer that has yet to fetch everything).
"""

from collections.abc import Callable
from typing import Final

import structlog

from jifen.actors.facade import Node
from jifen.actors.mempool import SubmitStatus
from jifen.ledger.governance.validators import ValidatorStatus
from jifen.ledger.rejections import REJECTION_TEXTS, Rejection

CURRENT_SECONDS_MAX: Final = 5.0
"""How long a leader is waited for before it is asked again what is current."""

BLOCK_SECONDS_MAX: Final = 10.0
"""How long a block is waited for before the progress is told again."""

ACTIVATION_SECONDS_MAX: Final = 30.0
"""How long the outcome of the activation is waited for before it is sent again: some elections."""

NOT_YET: Final = frozenset({Rejection.CONFIGURATION_CHANGING, Rejection.VALIDATOR_UNKNOWN, Rejection.EXPIRED})
"""Rejections of an activation that time cures."""

log = structlog.get_logger()


class JoinRefused(Exception):
    """The ledger does not let this validator become a voter; the text says why."""


async def become_voter(node: Node, told: Callable[[int, int | None], None] | None = None) -> None:
    """Wait until the ledger has admitted this validator, catch up, activate; returns when it is a voter.

    Args:
        node: the running validator.
        told: hears of progress: the height held, and the current one or None while nobody tells it.

    Raises: JoinRefused.
    """
    while True:
        record = node.own_record()
        if record is not None and record.status is not ValidatorStatus.OBSERVER:
            _check(record.status)
            return
        current = await node.read_index(CURRENT_SECONDS_MAX)
        if told is not None:
            told(node.status().height, current)
        if current is None or not await node.wait_for_height(current, BLOCK_SECONDS_MAX):
            continue
        if node.own_record() is None:
            # Whoever vouches for a height links with admitted validators only, so its admission is on the way.
            await node.wait_for_height(current + 1, BLOCK_SECONDS_MAX)
            continue
        await _activate(node, current)


def _check(status: ValidatorStatus) -> None:
    if status is ValidatorStatus.RETIRED:
        raise JoinRefused("the alliance has taken this validator out; prepare another one, under an id of its own")


async def _activate(node: Node, current: int) -> None:
    result = await node.activate(timeout_seconds=ACTIVATION_SECONDS_MAX)
    if result.status is SubmitStatus.COMMITTED and result.rejection is None:
        log.info("voter", height=result.height)
    elif result.rejection is None or result.rejection in NOT_YET:
        await node.wait_for_height(current + 1, BLOCK_SECONDS_MAX)
    elif result.rejection is not Rejection.ALREADY_A_VOTER:
        raise JoinRefused(f"the ledger does not make this validator a voter: {REJECTION_TEXTS[result.rejection]}")
