"""What a run came to, for people."""

import statistics
from collections.abc import Iterator

from rich.table import Table

from jifen.testing.nemesis.run import GAP_SECONDS, Outcome


def table_of(outcome: Outcome) -> Table:
    """Return the summary of a run."""
    table = Table(title=f"nemesis, seed {outcome.plan.seed}, {outcome.plan.seconds:g} s", title_justify="left")
    table.add_column("what")
    table.add_column("figure", justify="right")
    for name, count in sorted(outcome.injected.items()):
        table.add_row(name if " " in name else f"fault: {name}", f"{count:,}")
    table.add_section()
    for name, count in sorted(outcome.outcomes.items()):
        table.add_row(name if "reads" in name else f"told: {name}", f"{count:,}")
    table.add_section()
    for name, figure in _times(outcome):
        table.add_row(name, figure)
    table.add_section()
    table.add_row("height", f"{outcome.height:,}")
    table.add_row("transactions in the chain", f"{outcome.transactions:,}")
    table.add_row("violations", str(len(outcome.violations)), style="red" if outcome.violations else "green")
    return table


def _times(outcome: Outcome) -> Iterator[tuple[str, str]]:
    gaps = outcome.gaps
    share = sum(gaps) / max(outcome.seconds, 1.0)
    yield f"times of over {GAP_SECONDS:g} s without a commit", f"{len(gaps)}"
    yield "longest of them", f"{max(gaps, default=0):.1f} s"
    yield "together", f"{sum(gaps):.1f} s, {share:.0%}"
    if outcome.failovers:
        yield f"from a leader's death to the next commit ({len(outcome.failovers)})", distribution(outcome.failovers)
    yield "agreement after the mending", f"{outcome.agreed_seconds:.1f} s"


def distribution(seconds: list[float]) -> str:
    """Return least, median, 90th percentile and most, as text."""
    if len(seconds) == 1:
        return f"{seconds[0]:.2f} s"
    ninth = statistics.quantiles(seconds, n=10, method="inclusive")[-1]
    middle = statistics.median(seconds)
    return f"min {min(seconds):.2f}, median {middle:.2f}, p90 {ninth:.2f}, max {max(seconds):.2f} s"
