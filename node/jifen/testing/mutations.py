"""Does the simulated world notice? Plant each classic bug, run seeds until one fails, and tell which check caught it.

`python -m jifen.testing.mutations`, or `make mutations`. A bug is planted by replacing a function while it runs; no
source is touched. Rows are named after the bugs; the checklist they come from is in docs/testing.md.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import msgspec
from rich.console import Console
from rich.table import Table

from jifen.actors.recovery import recover
from jifen.chain import executor
from jifen.codec.blocks import block_hash, decode_block
from jifen.codec.messages import PeerMessage
from jifen.consensus import configuration, following, leading, reading
from jifen.consensus.invariants import InvariantBroken
from jifen.consensus.log import Log
from jifen.consensus.messages import AppendRequest, AppendResponse, Entry, Message, VoteResponse
from jifen.consensus.output import Outbox
from jifen.consensus.progress import Inflight, Progress
from jifen.consensus.raft import Raft
from jifen.consensus.state import Leadership, State
from jifen.consensus.types import HardState, Position, RandomDraws, Role
from jifen.ledger.points import earning
from jifen.ledger.terms.records import PointType
from jifen.store.errors import StoreDamaged
from jifen.testing.world import disk, validator
from jifen.testing.world.disk import SimulatedDisk, WorldSnapshot
from jifen.testing.world.engine import World
from jifen.testing.world.scenario import drawn
from jifen.testing.world.validator import SimulatedValidator

SEEDS_MAX: Final = 300
"""Seeds within which a bug must be caught: less than a minute, so that every night's run would find it many times."""


class Mutation(NamedTuple):
    """A classic bug."""

    name: str
    patches: tuple[tuple[Any, str, Any], ...]
    """What to replace: owner, attribute, replacement."""


class Caught(NamedTuple):
    """How a bug was found."""

    seeds: int
    """Seeds that were run, the failing one included."""
    check: str
    """The first line of the report."""


@contextmanager
def planted(mutation: Mutation) -> Iterator[None]:
    """Plant a bug for a while."""
    with ExitStack() as stack:
        for owner, name, replacement in mutation.patches:
            stack.enter_context(patch.object(owner, name, replacement))
        yield


def catch(
    mutation: Mutation,
    *,
    first: int = 0,
    seeds_max: int = SEEDS_MAX,
    run: Callable[[int], None] = lambda seed: World(drawn(seed)).run(),
) -> Caught | None:
    """Run seeds with a bug planted until one fails; None when none does."""
    with planted(mutation):
        for count in range(seeds_max):
            try:
                run(first + count)
            except InvariantBroken as error:
                return Caught(count + 1, _check_of(str(error)))
    return None


def _check_of(report: str) -> str:
    line = re.sub(r"^(seed|storm) \d+(, \d+ ms)?: ", "", report.splitlines()[0])
    found = re.match(r"""(\w+): \(?(['"]?)(.*?)\2(, .*|\)?)$""", line)
    assert found is not None, line
    if found[1] == "InvariantBroken":
        return re.sub(r"^(mall|books|music|cafe|tea) ", "a validator ", found[3])
    return "an assertion in the validator itself" if found[1] == "AssertionError" else f"{found[1]}: {found[3]}"


# Elections.


def _forgets_vote(state: State, term: int, leader: str | None) -> None:
    original_become_follower(state, term, leader)
    state.vote = None


def _vote_in_memory(state: State, candidate: str) -> None:
    state.vote = candidate


def _vote_without_disk(state: State, term: int, vote: str | None) -> None:
    state.term, state.vote, state.leader = term, vote, None


def _no_reset_on_grant(state: State, random: RandomDraws) -> None:
    elapsed = state.election_elapsed
    original_draw(state, random)
    state.election_elapsed = elapsed


def _heartbeats_do_not_count(raft: Raft, message: Message) -> None:
    elapsed = raft._state.election_elapsed  # noqa: SLF001 -- a planted bug sits inside
    original_dispatch(raft, message)
    if isinstance(message, AppendRequest):
        raft._state.election_elapsed = elapsed  # noqa: SLF001


def _ticks_first(events: list[validator.Event]) -> list[validator.Event]:
    return sorted(events, key=lambda event: not isinstance(event, validator.Tick))


def _ticks_pile_up(node: validator.SimulatedValidator) -> None:
    node.inbox.append(validator.TICK)
    if not node.paused:
        node.turn()


def _always_up_to_date(*_: object) -> bool:
    return True


# Replication.


def _truncates_always(state: State, request: AppendRequest) -> int | None:
    known = original_known(state, request)
    if not known or state.log.committed >= request.prev_height + 1:
        return known
    return 0


def _acknowledges_its_end(state: State, request: AppendRequest) -> None:
    before = len(state.outbox._messages_after_persist)  # noqa: SLF001
    original_on_append(state, request)
    waiting = state.outbox._messages_after_persist  # noqa: SLF001
    if len(waiting) > before and isinstance(waiting[-1], AppendResponse):
        last = state.log.last
        waiting[-1] = msgspec.structs.replace(waiting[-1], height=last.height, hash=last.hash)


def _commits_unverified(state: State, request: AppendRequest) -> None:
    last = state.log.last.height
    wanted = [item for item in request.certificates if state.log.committed < item.height <= last]
    if wanted and wanted[0].height == state.log.committed + 1:
        state.commit(wanted)
    original_on_append(state, request)


def _counts_old_terms(state: State, lead: Leadership) -> bool:
    lead.term_start, start = 0, lead.term_start
    try:
        return original_advance(state, lead)
    finally:
        lead.term_start = start


def _acknowledges_at_once(outbox: Outbox, message: Message) -> None:
    if isinstance(message, AppendResponse):
        outbox.send(message)
    else:
        original_send_after(outbox, message)


def _own_at_once(outbox: Outbox, response: AppendResponse) -> None:
    outbox.send(response)


def _never_frees(window: Inflight, height: int) -> None:
    del window, height


def _late_answers_count(raft: Raft, message: Message) -> None:
    state = raft._state  # noqa: SLF001
    granted = isinstance(message, VoteResponse) and message.granted and not message.pre
    if message.term < state.term and (granted or (isinstance(message, AppendResponse) and message.success)):
        message = msgspec.structs.replace(message, term=state.term)
    original_step(raft, message)


def _refusals_lower_the_match(progress: Progress, height: int, agree_height: int) -> bool:
    progress.match = min(progress.match, agree_height)
    return original_refused(progress, height, agree_height)


# Reads.


def _confirms_alone(state: State, lead: Leadership) -> None:
    del state
    lead.reads.confirmed.update(lead.peers)


def _reads_before_own_block(state: State, lead: Leadership) -> None:
    lead.term_start, start = 0, lead.term_start
    try:
        original_begin_check(state, lead)
    finally:
        lead.term_start = start


def _read_id_falls_back(world: World, node: SimulatedValidator, count: int) -> int:
    # The counter is stored now and then only, and not raised after a crash: the latest ids are given again.
    lives: dict[str, tuple[int, int]] = vars(world).setdefault("planted_reads", {})
    incarnation, last = lives.get(node.id, (0, count))
    request_id = last + 1 if incarnation == node.incarnation else max(last - 4, 1)
    lives[node.id] = (node.incarnation, request_id)
    return request_id


# Disk and ledger.


def _drops_damaged_end(disk: SimulatedDisk, *rest: Any) -> executor.Executor:
    try:
        return recover(disk, *rest)
    except StoreDamaged:
        del disk.log[disk.tip.height - disk.base.height :]
        disk._rotten.clear()  # noqa: SLF001
        return recover(disk, *rest)


def _installs_the_state_alone(disk: SimulatedDisk, snapshot: WorldSnapshot) -> None:
    # The log stays where it ended, below the state that is there now.
    log, base = disk.log, disk.base
    original_install(disk, snapshot)
    disk.log, disk.base = log, base


def _installs_anything(raft: Raft, position: Position) -> None:
    if raft.role is Role.LEADER:
        original_check_install(raft, position)


def _starts_wiped(disk: SimulatedDisk) -> None:
    disk.wiped = False
    original_open(disk)


def _forgets_hard_state(disk: SimulatedDisk) -> None:
    original_open(disk)
    disk.hard_state = HardState(disk.hard_state.term, None)


def _goes_on_after_failed_sync(world: World, node: validator.SimulatedValidator) -> None:
    # The sync is tried again, with nothing left to write, and so succeeds.
    node.jobs[: node.syncing] = [msgspec.structs.replace(job, batch=None) for job in node.jobs[: node.syncing]]
    node.synced()
    del world


def _read_as_it_is(height: int, data: bytes, *_: object) -> Entry:
    header = decode_block(data).header
    return Entry(height, header.term, block_hash(header), header.parent_hash, data)


def _says_anything(world: World, message: PeerMessage, *ids: str) -> bool:
    return len(ids) > 1 or original_is_spoken(world, message, *ids)


def _rounds_up(point_type: PointType, amount_fen: int) -> int:
    return -(-amount_fen * point_type.earn_points // point_type.earn_fen)


def _may_always_stand(*_: object) -> bool:
    return True


original_become_follower = State.become_follower
original_draw = State.draw_election_timeout
original_dispatch = Raft._dispatch  # noqa: SLF001
original_step = Raft.step
original_known = following._known_entries  # noqa: SLF001
original_on_append = following.on_append_request
original_send_after = Outbox.send_after_persist
original_begin_check = reading.begin_check
original_advance = leading._advance  # noqa: SLF001
original_refused = Progress.refused
original_open = SimulatedDisk.open
original_is_spoken = World.is_spoken
original_install = SimulatedDisk.install
original_check_install = Raft.check_install

MUTATIONS: Final = (
    Mutation("vote cleared on a step-down within the term", ((State, "become_follower", _forgets_vote),)),
    Mutation("vote not persisted", ((State, "vote_for", _vote_in_memory),)),
    Mutation("term and vote not persisted", ((State, "_enter", _vote_without_disk),)),
    Mutation("vote forgotten over a restart", ((SimulatedDisk, "open", _forgets_hard_state),)),
    Mutation("vote for a log that is not up to date", ((Log, "up_to_date", _always_up_to_date),)),
    Mutation("quorum off by one", ((configuration, "quorum_size", lambda validators: max(validators // 2, 1)),)),
    Mutation("timer not reset when a vote is granted", ((State, "draw_election_timeout", _no_reset_on_grant),)),
    Mutation("timer not reset by the leader's messages", ((Raft, "_dispatch", _heartbeats_do_not_count),)),
    Mutation(
        "stale timer: ticks before waiting messages",
        ((validator, "in_order", _ticks_first), (SimulatedValidator, "tick", _ticks_pile_up)),
    ),
    Mutation("acknowledged before durable", ((Outbox, "send_after_persist", _acknowledges_at_once),)),
    Mutation("leader counts itself before durable", ((Outbox, "acknowledge_own", _own_at_once),)),
    Mutation("truncated without a conflict", ((following, "_known_entries", _truncates_always),)),
    Mutation("unverified suffix acknowledged", ((following, "on_append_request", _acknowledges_its_end),)),
    Mutation("committed beyond the verified prefix", ((following, "on_append_request", _commits_unverified),)),
    Mutation("old term's entry committed by counting", ((leading, "_advance", _counts_old_terms),)),
    Mutation("late answers of an older term counted", ((Raft, "step", _late_answers_count),)),
    Mutation("late refusal lowers the match", ((Progress, "refused", _refusals_lower_the_match),)),
    Mutation("window of messages never freed", ((Inflight, "free_to", _never_frees),)),
    Mutation("stale read: the leader asks nobody", ((reading, "send_checks", _confirms_alone),)),
    Mutation("stale read: before the term's first block", ((reading, "begin_check", _reads_before_own_block),)),
    Mutation(
        "id of a read used again after a restart",
        ((World, "read_id", _read_id_falls_back),),
    ),
    Mutation("failed sync tried again", ((World, "fail", _goes_on_after_failed_sync),)),
    Mutation("transaction applied twice", ((executor, "may_stand", _may_always_stand),)),
    Mutation("points of a purchase rounded up", ((earning, "points_for", _rounds_up),)),
    Mutation("damaged end of the log dropped, then votes", ((validator, "recover", _drops_damaged_end),)),
    Mutation("gap between snapshot and log", ((SimulatedDisk, "install", _installs_the_state_alone),)),
    Mutation("install goes backwards", ((Raft, "check_install", _installs_anything),)),
    Mutation("compacted as far as it is committed", ((Raft, "compactable", Raft.committed),)),
    Mutation("wiped disk votes under its old identity", ((SimulatedDisk, "open", _starts_wiped),)),
    Mutation("decayed block passed on", ((disk, "read_entry", _read_as_it_is),)),
    Mutation("blocks proposed without room for them", ((Raft, "has_room", True),)),
    Mutation("message sent to a release that does not know it", ((World, "is_spoken", _says_anything),)),
)
"""Every classic bug that can be planted in what exists."""


def table_of(results: Sequence[tuple[Mutation, Caught | None]]) -> Table:
    """Return the table for people."""
    table = Table()
    for heading in ("planted bug", "seeds", "caught by"):
        table.add_column(heading)
    for mutation, caught in results:
        if caught is None:
            table.add_row(mutation.name, "-", "NOT CAUGHT", style="red")
        else:
            table.add_row(mutation.name, str(caught.seeds), caught.check)
    return table


def main(
    arguments: Sequence[str] | None = None,
    *,
    name: str = "jifen.testing.mutations",
    mutations: Sequence[Mutation] = MUTATIONS,
    catches: Callable[..., Caught | None] = catch,
) -> int:
    """Run from the command line; return the exit code: 1 when a bug got away."""
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0, help="seed of the first world (0)")
    parser.add_argument("--only", default="", help="bugs whose name contains this")
    parser.add_argument("--markdown", action="store_true", help="print the table as docs/testing.md holds it")
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    chosen = [mutation for mutation in mutations if options.only in mutation.name]
    with console.status("planting"):
        results = [(mutation, catches(mutation, first=options.first)) for mutation in chosen]
    if options.markdown:
        for mutation, caught in results:
            seeds, check = caught if caught else ("-", "not caught")
            console.print(f"| {mutation.name} | {seeds} | {check} |", soft_wrap=True, markup=False)
    else:
        console.print(table_of(results))
    return int(any(caught is None for _, caught in results))


if __name__ == "__main__":
    sys.exit(main())
