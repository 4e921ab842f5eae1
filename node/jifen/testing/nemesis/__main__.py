"""`python -m jifen.testing.nemesis`, or `make nemesis`."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Final

import trio
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from jifen.testing.nemesis.run import PLAN_FILE, Outcome, Progress, run
from jifen.testing.nemesis.schedule import Plan, drawn, from_text, to_text
from jifen.testing.nemesis.summary import table_of

DIRECTORY: Final = Path("nemesis-runs")
"""Where runs are kept while they last, and for good when something broke."""

SEEDS: Final = 1 << 20
"""How many seeds one is drawn from when none is named."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code: 1 when something broke."""
    parser = argparse.ArgumentParser(prog="python -m jifen.testing.nemesis", description=run.__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the phase with faults (10)")
    parser.add_argument("--seed", type=int, help="what the plan is drawn from (drawn)")
    parser.add_argument("--plan", type=Path, help="carry this plan out instead of drawing one")
    parser.add_argument("--show", action="store_true", help="print the plan and do nothing")
    parser.add_argument("--keep", action="store_true", help="keep what the run leaves behind, whatever it found")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help=f"where runs are kept ({DIRECTORY})")
    options = parser.parse_args(arguments)
    if options.plan is not None:
        plan = from_text(options.plan.read_text(encoding="utf-8"))
    else:
        plan = drawn(SystemRandom().randrange(SEEDS) if options.seed is None else options.seed, options.minutes * 60)
    console = Console(highlight=False)
    if options.show:
        console.print(to_text(plan), markup=False, soft_wrap=True)
        return 0
    home = options.directory / f"seed-{plan.seed}"
    if home.exists():
        shutil.rmtree(home)
    outcome = _watched(plan, home, console)
    console.print(table_of(outcome))
    for violation in outcome.violations:
        console.print(f"violation: {violation}", style="red", markup=False, soft_wrap=True)
    if outcome.violations or options.keep:
        console.print(f"kept:    {home} (plan, events, history, directories and logs)")
        console.print(
            f"replay:  python -m jifen.testing.nemesis --plan {home / PLAN_FILE} --directory again", style="bold"
        )
    else:
        shutil.rmtree(home)
    return 1 if outcome.violations else 0


def _watched(plan: Plan, home: Path, console: Console) -> Outcome:
    console.print(f"seed {plan.seed}: {len(plan.faults)} faults in {plan.seconds:g} s; everything is in {home}")
    columns = (TextColumn("{task.fields[committed]:,} committed"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, TextColumn("{task.fields[under_way]}"), console=console) as bar:
        task = bar.add_task("nemesis", total=plan.seconds, committed=0, under_way="starting")

        def show(progress: Progress) -> None:
            bar.update(
                task, completed=progress.seconds, committed=progress.committed, under_way=progress.under_way or "calm"
            )

        def tell(text: str) -> None:
            console.print(text, markup=False, soft_wrap=True)

        return trio.run(partial(run, plan, home, on_event=tell, on_progress=show))


if __name__ == "__main__":
    sys.exit(main())
