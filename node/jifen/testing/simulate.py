"""Run many simulated worlds: `python -m jifen.testing.simulate --seeds 1000`, or `make simulate SEEDS=1000`.

Each seed is one world of `jifen.testing.world`. A seed that fails is run again with fewer events, as long as it still
fails, and what is left is saved as a scenario file that `--scenario FILE` runs exactly so. Exit code 1 when any failed.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import process_time
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from jifen.consensus.invariants import InvariantBroken
from jifen.testing.world.engine import World
from jifen.testing.world.scenario import Scenario, drawn, from_text, shrunk, to_text

DIRECTORY: Final = Path("simulation-failures")
"""Where failing scenarios are saved."""


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
        """Calls into consensus cores."""
        self.blocks = 0
        self.transactions = 0
        """Committed, and told to their clients."""
        self.reads = 0
        """Linearizable reads confirmed."""
        self.terms = 0
        """Leaders elected."""
        self.injected: Counter[str] = Counter()
        """Faults by kind."""
        self.failures: list[Failure] = []

    def add(self, world: World) -> None:
        """Count a world in."""
        self.worlds += 1
        self.steps += world.checks.steps
        self.blocks += world.height
        self.transactions += world.clients.counts["told"]
        self.reads += world.checks.reads_confirmed
        self.terms += len(world.checks.leaders)
        self.injected += world.injected


def report_of(scenario: Scenario) -> str | None:
    """Run a world and return what broke in it, or None."""
    try:
        World(scenario).run()
    except InvariantBroken as error:
        return str(error)
    return None


def run(scenarios: Iterable[Scenario], totals: Totals) -> Iterable[Failure | None]:
    """Run worlds one after the other; yield, for each, its failure or None."""
    for scenario in scenarios:
        world = World(scenario)
        failure = None
        try:
            world.run()
        except InvariantBroken as error:
            small = shrunk(scenario, lambda smaller: report_of(smaller) is not None)
            failure = Failure(small, report_of(small) or str(error))
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


def table_of(totals: Totals, seconds: float) -> Table:
    """Return the summary table."""
    table = Table(title=f"{totals.worlds} worlds in {seconds:.0f} s of processor time", title_justify="left")
    table.add_column("what")
    table.add_column("count", justify="right")
    for name, count in (
        ("steps of consensus cores", totals.steps),
        ("steps a second", int(totals.steps / max(seconds, 0.001))),
        ("leaders elected", totals.terms),
        ("blocks committed", totals.blocks),
        ("transactions acknowledged", totals.transactions),
        ("linearizable reads", totals.reads),
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
    options = parser.parse_args(arguments)
    console, totals = Console(highlight=False), Totals()
    scenarios: Iterable[Scenario]
    if options.scenario:
        scenarios, count = [from_text(options.scenario.read_text(encoding="utf-8"))], 1
    else:
        scenarios, count = map(drawn, range(options.first, options.first + options.seeds)), options.seeds
    started = process_time()
    columns = (TextColumn("worlds"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("worlds", total=count)
        for failure in run(scenarios, totals):
            progress.advance(bar)
            if failure is not None:
                path = save(failure, options.save)
                console.print(failure.report, markup=False, soft_wrap=True)
                seed = failure.scenario.seed
                console.print(f"replay:  python -m jifen.testing.simulate --scenario {path}", style="bold")
                console.print(f"or:      python -m jifen.testing.simulate --seeds 1 --first {seed}")
    console.print(table_of(totals, process_time() - started))
    return 1 if totals.failures else 0


if __name__ == "__main__":
    sys.exit(main())
