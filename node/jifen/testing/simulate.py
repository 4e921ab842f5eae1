"""Run many simulated worlds: `python -m jifen.testing.simulate --seeds 1000`, or `make simulate SEEDS=1000`.

Each seed is one world of `jifen.testing.world`, or with `--actors` of `jifen.testing.actor_world`. A seed that fails is
run again with fewer events, as long as it still fails, and what is left is saved as a scenario file that
`--scenario FILE` runs exactly so. Exit code 1 when any failed.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import process_time
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from jifen.consensus.invariants import InvariantBroken
from jifen.testing.actor_world import drawing
from jifen.testing.actor_world.engine import ActorWorld
from jifen.testing.world.engine import World
from jifen.testing.world.figures import AnyWorld
from jifen.testing.world.scenario import Scenario, drawn, from_text, shrunk, to_text

DIRECTORY: Final = Path("simulation-failures")
"""Where failing scenarios are saved."""

PROGRESS_LINES: Final = 20
"""Lines that tell how far a run is where no terminal shows the bar, as in a log: a thousand worlds take minutes."""


class Kind(NamedTuple):
    """A kind of worlds."""

    make: Callable[[Scenario], AnyWorld]
    draw: Callable[[int], Scenario]
    steps: str
    """What is counted as a step."""
    option: str
    """Option of the command line that asks for it."""


CORES: Final = Kind(World, drawn, "steps of consensus cores", "")
ACTORS: Final = Kind(ActorWorld, drawing.drawn, "steps of tasks", "--actors ")


class Failure(NamedTuple):
    """A world in which something broke."""

    scenario: Scenario
    """With as few events as were found to suffice."""
    report: str
    """What broke, and what happened before."""


class Totals:
    """What many worlds came to."""

    def __init__(self) -> None:
        self.worlds = 0
        self.steps = 0
        self.blocks = 0
        self.transactions = 0
        """Committed, and told to their clients."""
        self.reads = 0
        self.woken = 0
        """Linearizable reads confirmed."""
        self.terms = 0
        """Leaders elected."""
        self.injected: Counter[str] = Counter()
        """Faults by kind."""
        self.failures: list[Failure] = []

    def add(self, world: AnyWorld) -> None:
        """Count a world in."""
        self.worlds += 1
        figures = world.figures()
        self.steps += figures.steps
        self.blocks += figures.blocks
        self.transactions += figures.transactions
        self.reads += figures.reads
        self.woken += figures.woken
        self.terms += figures.terms
        self.injected += world.injected


def report_of(scenario: Scenario, kind: Kind = CORES) -> str | None:
    """Run a world and return what broke in it, or None."""
    try:
        kind.make(scenario).run()
    except InvariantBroken as error:
        return str(error)
    return None


def run(scenarios: Iterable[Scenario], totals: Totals, kind: Kind) -> Iterable[Failure | None]:
    """Run worlds one after the other; yield, for each, its failure or None."""
    for scenario in scenarios:
        world = kind.make(scenario)
        failure = None
        try:
            world.run()
        except InvariantBroken as error:
            small = shrunk(scenario, lambda smaller: report_of(smaller, kind) is not None)
            failure = Failure(small, report_of(small, kind) or str(error))
            totals.failures.append(failure)
        totals.add(world)
        yield failure


def save(failure: Failure, directory: Path, name: str = "") -> Path:
    """Write a failing scenario under `name`, or its seed, with what happened in it as remarks; return the file."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name or f'seed-{failure.scenario.seed}'}.scenario"
    remarks = "".join(f"# {line}\n" for line in failure.report.splitlines())
    path.write_text(to_text(failure.scenario) + "\n# What happened:\n" + remarks, encoding="utf-8")
    return path


def table_of(totals: Totals, seconds: float, kind: Kind) -> Table:
    """Return the summary table."""
    table = Table(title=f"{totals.worlds} worlds in {seconds:.0f} s of processor time", title_justify="left")
    table.add_column("what")
    table.add_column("count", justify="right")
    for name, count in (
        (kind.steps, totals.steps),
        ("steps a second", int(totals.steps / max(seconds, 0.001))),
        ("leaders elected", totals.terms),
        ("blocks committed", totals.blocks),
        ("transactions acknowledged", totals.transactions),
        ("linearizable reads", totals.reads),
        ("effects of time", totals.woken),
    ):
        table.add_row(name, f"{count:,}")
    table.add_section()
    for name, count in sorted(totals.injected.items()):
        table.add_row(f"fault: {name}", f"{count:,}")
    table.add_section()
    table.add_row("violations", str(len(totals.failures)), style="red" if totals.failures else "green")
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m jifen.testing.simulate", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100, help="how many worlds (100)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first (0)")
    parser.add_argument("--scenario", type=Path, help="run this file instead")
    parser.add_argument("--save", type=Path, default=DIRECTORY, help=f"where failing scenarios go ({DIRECTORY})")
    parser.add_argument("--actors", action="store_true", help="run real actors, not only real cores: fewer, and slower")
    options = parser.parse_args(arguments)
    console, totals, kind = Console(highlight=False), Totals(), ACTORS if options.actors else CORES
    scenarios: Iterable[Scenario]
    if options.scenario:
        scenarios, count = [from_text(options.scenario.read_text(encoding="utf-8"))], 1
    else:
        scenarios, count = map(kind.draw, range(options.first, options.first + options.seeds)), options.seeds
    started = process_time()
    columns = (TextColumn("worlds"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("worlds", total=count)
        for ran, failure in enumerate(run(scenarios, totals, kind), 1):
            progress.advance(bar)
            if not console.is_terminal and ran % max(count // PROGRESS_LINES, 1) == 0:
                console.print(f"{ran} of {count} worlds, {len(totals.failures)} violations")
            if failure is not None:
                path = save(failure, options.save)
                console.print(failure.report, markup=False, soft_wrap=True)
                seed = failure.scenario.seed
                command = f"python -m jifen.testing.simulate {kind.option}"
                console.print(f"replay:  {command}--scenario {path}", style="bold", soft_wrap=True)
                console.print(f"or:      {command}--seeds 1 --first {seed}", soft_wrap=True)
    console.print(table_of(totals, process_time() - started, kind))
    return 1 if totals.failures else 0


if __name__ == "__main__":
    sys.exit(main())
