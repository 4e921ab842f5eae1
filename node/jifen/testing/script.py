"""Words for `jifen.testing.cores`: a scenario as a transcript that people read and the cores play.

One thing a line; `#` begins a remark. A validator's name stands for itself, `all` for everybody.

    validators a b c [| d e] [NAME=LIMIT ...]      voters, and those who are there but in no configuration yet; limits
                                            are those of RaftConfig
    given a b: log 1 1 2, committed 2, term 3      what they start with
    first-blocks off                        new leaders propose only when told
    leaving off / leaving on                nobody leaves a joint configuration unless told / everybody when it is due

    tick a b 3          so many ticks pass for each         beat a          a heartbeat's time passes
    silence a b         until a leader unheard is forgotten, or an unanswered one steps down
    timeout a           until it stands, or steps down as an unanswered leader
    elect a             silence for other followers, timeout for a, and everything delivered, until it leads
    deliver             until nothing is on the way         round           only what is on the way now
    deliver a > b [KIND] [COUNT]    from one link: all of a kind or the first COUNT, even if the link is held
    lose [a] > [b] [KIND]           take off the way        repeat a > b    what is on the way there comes twice
    turn a > b          what is on the way arrives the other way round
    hold a > b          deliver only by name                release         hold no link any longer
    cut a > b           one direction loses everything      isolate a       all its links do
    part a b | c        only links within a group carry     heal            all carry again
    propose a [COUNT]   blocks                              transfer a [> b]        hand leadership over
    configure a: voters a b d, outgoing a b c, observers e      a block that sets a configuration
    compact a 3         drop the blocks up to a height      install b from a        the snapshot where a's log begins
    read a              ask for a linearizable read         refused: propose a      the core must refuse it
    stall a / sync a [COUNT]        the disk does not get done / gets done with all or the first COUNT writes
    crash a [COUNT]     the power fails, after the first COUNT waiting writes       restart a

    a b: leader, term 2, log 1 1 2, last 3, committed 2, durable 3, base 0, follows b, votes a, reads 1, lost 2
    a: voters a b d, outgoing a b c, observers e, hands over to b       what must be; `log` is what is above the base
    a: must leave, retired      that a leader is due to leave the joint configuration, or that one is told it is out;
                                `no duty` is neither
    a > b: VoteRequest, AppendRequest       what is on the way; `-` is nothing
    agreed              one leads, all follow, all logs are equal and committed to their end
"""

import re
from collections.abc import Callable
from typing import Final, final

from jifen.consensus.configuration import Configuration
from jifen.consensus.messages import Message
from jifen.consensus.types import NotLeader, PipelineFull, Role, SnapshotRefused, TransferInProgress, TransferRefused
from jifen.testing.cores import Cores, Link

REFUSALS: Final = (NotLeader, PipelineFull, SnapshotRefused, TransferInProgress, TransferRefused)
"""What a core may answer to a host that asks for what cannot be."""

ELECTIONS_MAX: Final = 4
"""Elections that `elect` tries: a leader steps down first, and then one may only learn of a later term."""


class ScriptFailed(AssertionError):
    """A line did not come out as written; the text tells what had happened until then."""


def play(text: str, *, settle: bool = True) -> Cores:
    """Play a script, then see that everything heals; return the cores. Raises ScriptFailed."""
    player = Player()
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("#")[0].strip()
        if line:
            player.play(f"line {number}: {line}", line)
    if settle:
        player.guarded("settle", player.cores.settle)
    player.guarded("compare the logs", player.cores.check_logs)
    return player.cores


@final
class Player:
    """Plays a script line by line."""

    def __init__(self) -> None:
        self._cores: Cores | None = None

    @property
    def cores(self) -> Cores:
        """The cores, once a line has said who takes part."""
        assert self._cores is not None, "the first line says who takes part: validators a b c"
        return self._cores

    def play(self, label: str, line: str) -> None:
        """Play one line; `label` stands for it in reports."""
        if self._cores is not None:
            self._cores.transcript.append(label)
        self.guarded(label, lambda: self._play(line))

    def guarded(self, label: str, act: Callable[[], None]) -> None:
        """Do something; whatever breaks becomes a ScriptFailed that tells what came before."""
        try:
            act()
        except (AssertionError, LookupError, ValueError, *REFUSALS) as error:
            past = [] if self._cores is None else [*self._cores.transcript, *self._cores.summary()]
            report = "\n".join([f"{label}: {type(error).__name__}: {error}", *past])
            raise ScriptFailed(report) from error

    def _play(self, line: str) -> None:
        verb, *words = line.split()
        if verb == "refused:":
            self._refused(" ".join(words))
        elif verb not in {"given", "configure"} and ":" in line:
            names, expected = line.split(":", 1)
            self._expect_way(names, expected) if ">" in names else self._expect(names.split(), expected)
        else:
            act: Callable[[list[str]], None] | None = getattr(self, f"_do_{verb.replace('-', '_')}", None)
            assert act is not None, f"{verb!r} is no command"
            act(words)

    def _refused(self, line: str) -> None:
        try:
            self._play(line)
        except REFUSALS:
            return
        raise AssertionError("the core did not refuse")

    # Names.

    def _named(self, words: list[str]) -> list[str]:
        names = list(self.cores.ids) if words == ["all"] else words
        unknown = set(names) - set(self.cores.ids)
        assert not unknown, f"nobody is called {unknown}"
        return names

    def _links(self, words: list[str]) -> tuple[list[Link], list[str]]:
        """Return the links that `a b > c` names, an empty side being everybody, and the words after them."""
        place = words.index(">")
        before, after = words[:place], words[place + 1 :]
        names = [word for word in after if word in (*self.cores.ids, "all")]
        senders, recipients = self._named(before or ["all"]), self._named(names or ["all"])
        links = [(one, other) for one in senders for other in recipients if one != other]
        return links, after[len(names) :]

    def _chosen(self, link: Link, words: list[str]) -> list[Message]:
        """Return what is on the way on a link: all, those of a kind, or the first few."""
        kinds = [word for word in words if not word.isdigit()]
        counts = [int(word) for word in words if word.isdigit()]
        found = [message for message in self.cores.links[link] if not kinds or type(message).__name__ in kinds]
        assert len(found) >= max(counts, default=0), f"only {len(found)} are on the way"
        return found[: counts[0]] if counts else found

    # Beginning.

    def _do_validators(self, words: list[str]) -> None:
        limits = dict(word.split("=") for word in words if "=" in word)
        names = [word for word in words if "=" not in word]
        voters, others = (names[: names.index("|")], names[names.index("|") + 1 :]) if "|" in names else (names, [])
        self._cores = Cores(voters, others, **{name: int(value) for name, value in limits.items()})

    def _do_given(self, words: list[str]) -> None:
        names, clauses = _clauses(" ".join(words))
        log = [int(number) for number in clauses.get("log", ())]
        [committed], [term] = clauses.get("committed", ["0"]), clauses.get("term", [""])
        for id in self._named(names.split()):
            self.cores.given(id, log, int(committed), int(term) if term else None)

    def _do_first_blocks(self, words: list[str]) -> None:
        self.cores.first_blocks = words == ["on"]

    def _do_leaving(self, words: list[str]) -> None:
        self.cores.leaves = words == ["on"]

    # Time.

    def _do_tick(self, words: list[str]) -> None:
        for id in self._named(words[:-1]):
            self.cores.tick(id, int(words[-1]))

    def _do_silence(self, words: list[str]) -> None:
        for id in self._named(words):
            self.cores.silence(id)

    def _do_timeout(self, words: list[str]) -> None:
        for id in self._named(words):
            self.cores.stand(id)

    def _do_beat(self, words: list[str]) -> None:
        for id in self._named(words):
            self.cores.tick(id, self.cores.hosts[id].config.heartbeat_ticks)

    def _do_elect(self, words: list[str]) -> None:
        [chosen] = self._named(words)
        for _ in range(ELECTIONS_MAX):
            for id, host in self.cores.hosts.items():
                if id != chosen and host.raft.role is Role.FOLLOWER:
                    self.cores.silence(id)
            self.cores.stand(chosen)
            self.cores.deliver_all()
            if self.cores.hosts[chosen].raft.role is Role.LEADER:
                return

    # Messages.

    def _do_deliver(self, words: list[str]) -> None:
        if not words:
            self.cores.deliver_all()
            return
        links, rest = self._links(words)
        for link in links:
            for message in self._chosen(link, rest):
                self.cores.deliver(link, message)

    def _do_round(self, _: list[str]) -> None:
        self.cores.deliver_round()

    def _do_lose(self, words: list[str]) -> None:
        links, rest = self._links(words or [">"])
        for link in links:
            for message in self._chosen(link, rest):
                self.cores.links[link].remove(message)

    def _do_repeat(self, words: list[str]) -> None:
        for link in self._links(words)[0]:
            self.cores.links[link].extend(tuple(self.cores.links[link]))

    def _do_turn(self, words: list[str]) -> None:
        for link in self._links(words)[0]:
            self.cores.links[link].reverse()

    def _do_hold(self, words: list[str]) -> None:
        self.cores.held.update(self._links(words)[0])

    def _do_release(self, _: list[str]) -> None:
        self.cores.held.clear()

    # Links.

    def _cut(self, links: set[Link]) -> None:
        self.cores.cut |= links
        for link in links:
            self.cores.links[link].clear()

    def _do_cut(self, words: list[str]) -> None:
        self._cut(set(self._links(words)[0]))

    def _do_isolate(self, words: list[str]) -> None:
        self._cut({link for link in self.cores.links if set(words) & set(link)})

    def _do_part(self, words: list[str]) -> None:
        groups = [set(self._named(part.split())) for part in " ".join(words).split("|")]
        self.cores.cut.clear()
        self._cut({link for link in self.cores.links if not any(set(link) <= group for group in groups)})

    def _do_heal(self, _: list[str]) -> None:
        self.cores.cut.clear()

    # What validators are asked for, and what befalls them.

    def _do_propose(self, words: list[str]) -> None:
        for number in range(int(words[1]) if len(words) > 1 else 1):
            self.cores.propose(words[0], b"block %d of %d" % (number, len(self.cores.transcript)))

    def _do_configure(self, words: list[str]) -> None:
        name, clauses = _clauses(" ".join(words))
        groups = (tuple(clauses.get(group, ())) for group in ("voters", "outgoing", "observers"))
        self.cores.reconfigure(name, Configuration(*groups))

    def _do_compact(self, words: list[str]) -> None:
        self.cores.compact(words[0], int(words[1]))

    def _do_install(self, words: list[str]) -> None:
        self.cores.install(words[0], words[2])

    def _do_transfer(self, words: list[str]) -> None:
        self.cores.transfer(words[0], words[2] if len(words) > 1 else None)

    def _do_read(self, words: list[str]) -> None:
        for id in self._named(words):
            self.cores.read(id)

    def _do_stall(self, words: list[str]) -> None:
        self.cores.stalled.update(self._named(words))

    def _do_sync(self, words: list[str]) -> None:
        if len(words) > 1:
            self.cores.sync(words[0], int(words[1]))
        else:
            self.cores.stalled.discard(words[0])
            self.cores.sync(words[0])

    def _do_crash(self, words: list[str]) -> None:
        unseen = int(words.pop()) if words[-1].isdigit() else 0
        for id in self._named(words):
            self.cores.crash(id, unseen=unseen)

    def _do_restart(self, words: list[str]) -> None:
        for id in self._named(words):
            self.cores.restart(id)

    # What must be.

    def _do_agreed(self, _: list[str]) -> None:
        assert self.cores.agreed(), "they do not agree"

    def _expect_way(self, names: str, expected: str) -> None:
        [link], _ = self._links(names.split())
        found = [type(message).__name__ for message in self.cores.links[link]]
        wanted = [word for word in re.split(r"[,\s]+", expected.strip()) if word != "-"]
        assert found == wanted, f"on the way is {found}"

    def _expect(self, names: list[str], expected: str) -> None:
        for id in self._named(names):
            for clause in expected.split(","):
                self._expect_clause(id, " ".join(clause.split()))

    def _expect_clause(self, id: str, clause: str) -> None:
        cores, raft = self.cores, self.cores.hosts[id].raft
        log = " ".join(map(str, cores.terms(id)))
        true = {
            "down" if id in cores.down else str(raft.role),
            f"term {raft.term}",
            f"log {log or '-'}",
            f"last {raft.last_height}",
            f"committed {raft.committed}",
            f"durable {len(cores.hosts[id].disk.log)}",
            f"follows {raft.leader or 'nobody'}",
            f"votes {raft.vote or 'nobody'}",
            f"reads {cores.reads[id]}",
            f"lost {cores.reads_lost[id]}",
            f"hands over to {raft.transferring or 'nobody'}",
            f"base {raft.base.height}",
            f"voters {' '.join(raft.configuration.voters)}",
            f"outgoing {' '.join(raft.configuration.outgoing) or 'nobody'}",
            f"observers {' '.join(raft.configuration.observers) or 'nobody'}",
            cores.duties[id],
        }
        assert clause in true, f"{id} is not {clause!r} but {sorted(true)}"


def _clauses(line: str) -> tuple[str, dict[str, list[str]]]:
    """Return what stands before the colon, and the words after the first of each clause behind it, by the first."""
    names, text = line.split(":")
    clauses = [clause.split() for clause in text.split(",")]
    return names.strip(), {words[0]: words[1:] for words in clauses}
