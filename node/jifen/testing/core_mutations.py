"""Bugs that only a change of voters can show, planted as in `jifen.testing.mutations`.

`python -m jifen.testing.core_mutations`, or `make mutations`, runs storms of cores until one notices.
"""

import sys
from collections.abc import Container
from functools import partial
from typing import Final

from jifen.consensus import elections, removal
from jifen.consensus.certificates import Collector
from jifen.consensus.configuration import Configuration
from jifen.consensus.membership import Membership
from jifen.consensus.output import Outbox
from jifen.consensus.quorum import quorum_size
from jifen.consensus.state import Leadership, State
from jifen.consensus.types import RandomDraws
from jifen.testing.core_storm import CoreStorm
from jifen.testing.mutations import Mutation, catch, main


def _only_new(configuration: Configuration) -> tuple[tuple[str, ...], ...]:
    return (configuration.voters,)


def _only_old(configuration: Configuration) -> tuple[tuple[str, ...], ...]:
    return (configuration.outgoing or configuration.voters,)


def _counts_observers(configuration: Configuration, ids: Container[str]) -> bool:
    return all(
        sum(id in ids for id in (*group, *configuration.observers)) >= quorum_size(len(group))
        for group in configuration.groups
    )


def _latest_committed(membership: Membership) -> Configuration:
    return membership.present[0]


def _nothing_forgotten(membership: Membership, height: int) -> None:
    del membership, height


def _leaves_at_once(state: State) -> bool:
    lead = state.leadership
    return lead is not None and state.membership.latest.joint and lead.transfer_to is None


def _keeps_all(collector: Collector, height: int, signer: str, signature: bytes) -> None:
    collector._signatures.setdefault(height, {}).setdefault(signer, signature)  # noqa: SLF001


def _counts_who_left(collector: Collector, height: int) -> bool:
    configuration = collector._configuration_at(height)  # noqa: SLF001
    held = collector._signatures.get(height, {})  # noqa: SLF001
    return all(
        sum(id in group or id not in configuration.members for id in held) >= quorum_size(len(group))
        for group in configuration.groups
    )


def _never_waits(_: object) -> bool:
    return False


def _stays(state: State, lead: Leadership) -> None:
    del state, lead


def _stays_on(state: State, lead: Leadership, random: RandomDraws) -> bool:
    del state, lead, random
    return False


def _leads_at_once(state: State) -> None:
    state.become_leader()


CORE_MUTATIONS: Final = (
    Mutation("joint quorum checks only the new voters", ((Configuration, "groups", property(_only_new)),)),
    Mutation("joint quorum checks only the old voters", ((Configuration, "groups", property(_only_old)),)),
    Mutation(
        "observers are counted",
        ((Configuration, "has_quorum", _counts_observers), (Collector, "add", _keeps_all)),
    ),
    Mutation("configuration in force only when committed", ((Membership, "latest", property(_latest_committed)),)),
    Mutation("configuration kept when its block is truncated", ((Membership, "truncate", _nothing_forgotten),)),
    Mutation(
        "joint configuration left before it is committed",
        ((State, "leave_joint", property(_leaves_at_once)),),
    ),
    Mutation(
        "removed leader still counts", ((Collector, "add", _keeps_all), (Collector, "has_quorum", _counts_who_left))
    ),
    Mutation("removed leader stays", ((removal, "begin", _stays), (removal, "tick", _stays_on))),
    Mutation("stands before its host has seen all blocks", ((Outbox, "entries_wait", property(_never_waits)),)),
    Mutation("leads alone before its vote is durable", ((elections, "_win_alone", _leads_at_once),)),
)
"""Every bug of this kind that is planted."""


def run(seed: int) -> None:
    """Run the storm of a seed; raises InvariantBroken."""
    CoreStorm(seed).run()


catch_core_bug: Final = partial(catch, run=run)
"""Runs storms until one notices a bug."""

if __name__ == "__main__":
    sys.exit(main(name="jifen.testing.core_mutations", mutations=CORE_MUTATIONS, catches=catch_core_bug))
