"""What a change of voters would do to the quorums, worked out before anybody votes on it."""

from collections.abc import Collection
from typing import NamedTuple

from jifen.ledger.governance.validators import (
    VALIDATORS_MAX,
    Validator,
    ValidatorStatus,
    read_validator,
    read_validator_set,
)
from jifen.ledger.records import read
from jifen.ledger.state import StateReader, validator_key


class Quorum(NamedTuple):
    """One set of voters."""

    voters: tuple[str, ...]

    @property
    def size(self) -> int:
        """Voters that decide: more than half of them."""
        return len(self.voters) // 2 + 1

    @property
    def tolerated(self) -> int:
        """Voters that may be down at the same time while the others go on deciding."""
        return len(self.voters) - self.size


class Preview(NamedTuple):
    """The quorums before, during and after a change."""

    before: tuple[Quorum, ...]
    """Two while a change is under way: each must be reached."""
    during: tuple[Quorum, ...]
    """The outgoing voters and the new ones; empty when the voters stay as they are."""
    after: Quorum
    problems: tuple[str, ...]
    """Why it could not be done, one sentence each; none when nothing speaks against it."""


def preview(state: StateReader, admit: Collection[str], remove: Collection[str]) -> Preview:
    """Work out what it would do to make voters of `admit` and to take `remove` out, in one change.

    An id that no validator has yet stands for one to come. Who is admitted to replace a voter puts it out.
    """
    current = read_validator_set(state)
    owners = {read_validator(state, name).organization: name for name in current.voters}
    gone, problems = list(dict.fromkeys(remove)), [*_against_removing(state, remove, current.voters, current.observers)]
    for name in dict.fromkeys(admit):
        known = read(state, validator_key(name), Validator)
        if name in current.voters:
            problems.append(f"{name} is a voter already")
        elif name in remove:
            problems.append(f"{name} cannot be admitted and removed")
        elif known is None:
            continue
        elif known.status is ValidatorStatus.RETIRED or name in current.outgoing:
            problems.append(f"{name} has been taken out, for good")
        else:
            voter = owners.get(known.organization)
            if voter is not None and known.replaces == voter:
                gone.append(voter)
            elif voter is not None and voter not in gone:
                problems.append(f"{known.organization} has a voter, {voter}, which {name} was not admitted to replace")
    stay = tuple(name for name in current.voters if name not in gone)
    after = stay + tuple(name for name in dict.fromkeys(admit) if name not in current.voters)
    if not after:
        problems.append("nobody would be left to decide anything")
    if len(current.all) + len([name for name in after if name not in current.all]) > VALIDATORS_MAX:
        problems.append(f"an alliance has at most {VALIDATORS_MAX} validators")
    before = tuple(Quorum(names) for names in (current.outgoing, current.voters) if names)
    during = () if after == current.voters else (Quorum(current.voters), Quorum(after))
    if current.joint and during:
        problems.append("another change of the voters is not over yet")
    return Preview(before, during, Quorum(after), tuple(problems))


def _against_removing(
    state: StateReader, remove: Collection[str], voters: tuple[str, ...], observers: tuple[str, ...]
) -> list[str]:
    problems = []
    for name in dict.fromkeys(remove):
        if name not in voters + observers:
            known = state.get(validator_key(name)) is not None
            problems.append(f"{name} has been taken out, for good" if known else f"no validator has the id {name}")
    return problems
