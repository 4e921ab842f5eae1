"""Many cores on links that lose, repeat and reorder, while voters and observers come and go at random.

Everything that `Cores` checks is checked after every step. At the end everything heals, and the last change must come
to its end: one leader with a vote, a configuration that is not joint, equal logs, and nobody left in the dark.
"""

import random
from typing import Final, final

from jifen.consensus.configuration import Configuration
from jifen.consensus.invariants import InvariantBroken
from jifen.consensus.types import NotLeader, PipelineFull, Role, TransferInProgress, TransferRefused
from jifen.testing.consensus_host import configuration_of
from jifen.testing.cores import Cores, Link

POOL: Final = "abcdefghij"
"""All validators there can be; an id is never given to a second one."""

STEPS: Final = 800
"""Things that happen in one storm."""

QUEUE_MAX: Final = 60
"""Most messages on their way on one link; the oldest half is lost then."""

HEALING_TICKS: Final = 400
"""Twenty of the longest election timeouts: a few splits of the vote, and a change to bring to its end."""

REFUSED: Final = (NotLeader, PipelineFull, TransferInProgress, TransferRefused)


@final
class CoreStorm:
    """One seed's storm."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._random = random.Random(seed)
        self.present = list(POOL[: self._random.randint(1, 4)])
        """Who has been named in any configuration, and runs."""
        self.cores = Cores(
            self.present,
            POOL[len(self.present) :],
            uncommitted_heights_max=self._random.choice((4, 64)),
            append_bytes_max=self._random.choice((60, 10_000)),
        )
        for id in POOL:
            host = self.cores.hosts[id]
            host.random = random.Random(f"{seed} {id}")
            host.boot()
        self._haste = self._random.choice((0.05, 0.3, 1))
        """How likely a retired validator is stopped at the next occasion."""
        self._stopped: set[str] = set()
        """Retired validators that are stopped for good."""
        self.changes = 0

    def run(self) -> None:
        """Let everything happen, then heal, and check; raises InvariantBroken, which names the seed."""
        try:
            for _ in range(STEPS):
                self._step()
            self._heal()
            self._propose()
            self._heal()
            self.cores.check_logs()
        except (AssertionError, *REFUSED) as error:
            raise InvariantBroken(f"storm {self.seed}: {type(error).__name__}: {error}") from error

    def _step(self) -> None:
        draw = self._random.random()
        if draw < 0.60:
            self._deliver()
        elif draw < 0.68:
            self._deliver_round()
        elif draw < 0.88:
            self._tick()
        elif draw < 0.92:
            self._propose()
        elif draw < 0.945:
            self._reconfigure()
        elif draw < 0.960:
            self._crash_or_restart()
        elif draw < 0.975:
            self._stall_or_sync()
        elif draw < 0.980:
            self._cut()
        elif draw < 0.983:
            self._transfer()
        else:
            self.cores.cut.clear()

    def _busy(self) -> list[Link]:
        return [link for link, queue in self.cores.links.items() if queue]

    def _deliver(self) -> None:
        for _ in range(self._random.randint(1, 4)):
            busy = self._busy()
            if busy:
                self._deliver_one(self._random.choice(busy))

    def _deliver_one(self, link: Link) -> None:
        queue, fate = self.cores.links[link], self._random.random()
        message = queue[self._random.randrange(min(len(queue), 3))]
        if fate < 0.06:
            queue.remove(message)
            return
        if fate < 0.10:
            queue.append(message)
        self.cores.deliver(link, message)
        if len(queue) > QUEUE_MAX:
            for _ in range(QUEUE_MAX // 2):
                queue.popleft()

    def _deliver_round(self) -> None:
        """Let one validator wake up late: messages and ticks are taken in before its output is looked at."""
        busy = self._busy()
        if busy:
            id = self._random.choice(busy)[1]
            taken = [(link, message) for link in busy if link[1] == id for message in list(self.cores.links[link])[:3]]
            self.cores.wake(id, taken, self._random.choice((0, 1, 1, 25)))

    def _tick(self) -> None:
        cores = self.cores
        for id in self.present if self._random.random() < 0.7 else [self._random.choice(self.present)]:
            cores.tick(id)
        for id in list(self.present):
            if cores.duties[id] == "retired" and self._random.random() < self._haste:
                cores.crash(id)
                self.present.remove(id)
                self._stopped.add(id)

    def _leader(self) -> str | None:
        """Return one of those who lead or believe so, whose disk is not behind so far that it would not propose."""
        cores = self.cores
        leading = [id for id in self.present if id not in cores.down and cores.hosts[id].raft.role is Role.LEADER]
        return self._random.choice(leading) if leading else None

    def _propose(self) -> None:
        leader = self._leader()
        if leader is not None:
            try:
                self.cores.propose(leader, self._random.randbytes(self._random.randint(0, 40)))
            except REFUSED:
                return

    def _transfer(self) -> None:
        leader = self._leader()
        if leader is not None:
            try:
                self.cores.transfer(leader, None)
            except REFUSED:
                return

    def _reconfigure(self) -> None:
        leader = self._leader()
        target = None if leader is None else self._target(leader)
        if leader is None or target is None:
            return
        try:
            self.cores.reconfigure(leader, target)
        except REFUSED:
            return
        self.changes += 1
        self.present += [id for id in target.members if id not in self.present]

    def _target(self, leader: str) -> Configuration | None:
        """Return a configuration that may follow, or None: while one is joint only observers come and go."""
        host = self.cores.hosts[leader]
        now = host.raft.configuration
        used = {*self.cores.voters, *now.members}
        entries = [host.raft.entry(height) for height in range(1, host.raft.last_height + 1)]
        for entry in entries:
            used.update((configuration_of(entry) or now).members if entry is not None else ())
        new = [id for id in POOL if id not in used]
        self._random.shuffle(new)
        if now.joint or self._random.random() < 0.3:
            watching = [id for id in (*now.observers, *new[:1]) if self._random.random() < 0.7]
            return Configuration(now.voters, now.outgoing, tuple(watching))
        staying = [id for id in now.voters if self._random.random() < 0.7]
        coming = [id for id in (*now.observers, *new[:2]) if self._random.random() < 0.6]
        voters = (*staying, *coming)[:5]
        if not voters or set(voters) == set(now.voters):
            return None
        return Configuration(voters, now.voters, tuple(id for id in now.observers if id not in voters))

    def _crash_or_restart(self) -> None:
        down = [id for id in self.present if id in self.cores.down]
        if down and self._random.random() < 0.8:
            self.cores.restart(self._random.choice(down))
        else:
            self.cores.crash(self._random.choice(self.present), unseen=self._random.randint(0, 2))

    def _stall_or_sync(self) -> None:
        stalled = [id for id in self.present if id in self.cores.stalled]
        id = self._random.choice(self.present)
        if stalled and self._random.random() < 0.8:
            self._sync(self._random.choice(stalled))
        elif id not in self.cores.down:
            self.cores.stalled.add(id)

    def _sync(self, id: str) -> None:
        self.cores.stalled.discard(id)
        if id not in self.cores.down:
            self.cores.sync(id)

    def _cut(self) -> None:
        side = {id for id in self.present if self._random.random() < 0.5}
        one_way = self._random.random() < 0.5
        for sender, recipient in self.cores.links:
            if sender in side and recipient not in side:
                self.cores.cut.add((sender, recipient))
                if not one_way:
                    self.cores.cut.add((recipient, sender))

    def _heal(self) -> None:
        """Let everybody come back who was not stopped for good, and time pass without faults until all is well."""
        cores = self.cores
        cores.cut.clear()
        for id in self.present:
            self._sync(id)
            cores.restart(id)
        for _ in range(HEALING_TICKS):
            if not self._amiss():
                return
            for id in self.present:
                cores.tick(id)
            cores.deliver_all()
        raise InvariantBroken(f"does not heal: {self._amiss()}", *cores.summary())

    def _amiss(self) -> str:
        """Return what is not yet as it must be in the end, or nothing."""
        cores, leader = self.cores, self.cores.leader()
        if leader is None:
            return "no leader"
        raft = cores.hosts[leader].raft
        configuration = raft.configuration
        if configuration.joint:
            return f"still joint: {configuration}"
        if leader not in configuration.voters:
            return f"led by {leader}, who has no vote in {configuration}"
        committed = [cores.hosts[id].raft.committed for id in configuration.members]
        if set(committed) != {raft.last_height}:
            return f"not all have {raft.last_height}: {committed}"
        for id in self.present:
            own = cores.hosts[id].raft
            if cores.duties[id] == "retired" and id in configuration.members:
                return f"{id} is told to stop"
            held = own.configuration_at(own.committed)
            assert held is not None, id
            # Who has an old log and knows nobody who is left cannot know that it is out.
            lost = leader not in own.configuration.signing
            if id not in configuration.members and id in held.signing and not lost:
                return f"{id} does not know that it is out"
        return ""
