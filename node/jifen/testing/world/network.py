"""The simulated network: delays, loss, repetition, and links that carry nothing for a while."""

import random
from collections import Counter
from typing import final

from jifen.testing.world.scenario import Scenario

CLOG_DRAW_PER_MILLE = 2
"""Chance that a frame clogs its link, where the scenario clogs: often enough for several clogs a run."""


@final
class Network:
    """Decides for every frame when it arrives, if at all."""

    def __init__(self, scenario: Scenario, draws: random.Random, injected: Counter[str]) -> None:
        self.scenario = scenario
        self._draws = draws
        self._injected = injected
        self.cut: set[tuple[str, str]] = set()
        """Links, as (sender, recipient), that lose everything."""
        self._clogged: dict[tuple[str, str], int] = {}
        """Time until which nothing leaves a link, ms."""
        self._doomed: Counter[tuple[str, str]] = Counter()
        """How many of the next frames a link will lose."""
        self._echoed: Counter[tuple[str, str]] = Counter()
        """How many of the next frames a link will carry twice."""
        self._last: dict[tuple[str, str], int] = {}
        """Arrival of the latest frame of each link, for links that keep the order."""

    def arrivals(self, link: tuple[str, str], now: int) -> tuple[int, ...]:
        """Return when a frame sent now arrives, ms: not at all, once, or twice."""
        scenario, draws = self.scenario, self._draws
        if link in self.cut:
            self._injected["cut off"] += 1
            return ()
        if (scenario.loss_per_mille and draws.randrange(1000) < scenario.loss_per_mille) or self._doomed[link]:
            self._doomed[link] = max(self._doomed[link] - 1, 0)
            self._injected["lost"] += 1
            return ()
        if scenario.clog_ms and draws.randrange(1000) < CLOG_DRAW_PER_MILLE:
            self.clog(link, now + draws.randrange(1, scenario.clog_ms + 1))
        due = self._due(link, now)
        twice = scenario.duplicate_per_mille and draws.randrange(1000) < scenario.duplicate_per_mille
        if twice or self._echoed[link]:
            self._echoed[link] = max(self._echoed[link] - 1, 0)
            self._injected["duplicated"] += 1
            return (due, self._due(link, now))
        return (due,)

    def lose(self, link: tuple[str, str], count: int) -> None:
        """Lose the next frames of a link."""
        self._doomed[link] += count

    def repeat(self, link: tuple[str, str], count: int) -> None:
        """Carry the next frames of a link twice."""
        self._echoed[link] += count

    def clog(self, link: tuple[str, str], until: int) -> None:
        """Hold everything on a link back until then, ms."""
        self._injected["clogs"] += 1
        self._clogged[link] = max(until, self._clogged.get(link, 0))

    def heal(self) -> None:
        """Lose, repeat and hold back nothing from now on."""
        self.cut.clear()
        self._clogged.clear()
        self._doomed.clear()
        self._echoed.clear()
        self.scenario = self.scenario.calm()

    def partition(self, groups: list[list[str]], ids: tuple[str, ...]) -> None:
        """Cut every link between validators that share no group; one in two groups is a bridge."""
        self._injected["partitions"] += 1
        self._injected["bridges"] += len([id for id in ids if sum(id in group for group in groups) > 1])
        together = {(one, other) for group in groups for one in group for other in group}
        self.cut = {(one, other) for one in ids for other in ids if one != other and (one, other) not in together}

    def _due(self, link: tuple[str, str], now: int) -> int:
        scenario = self.scenario
        delay = scenario.delay_ms_min
        if scenario.delay_ms_mean:
            delay += int(self._draws.expovariate(1 / scenario.delay_ms_mean))
            self._injected["delayed"] += 1
        due = max(now, self._clogged.get(link, 0)) + delay
        if scenario.ordered:
            due = max(due, self._last.get(link, 0))
            self._last[link] = due
        elif due < self._last.get(link, 0):
            self._injected["reordered"] += 1
        else:
            self._last[link] = due
        return due
