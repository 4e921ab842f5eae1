"""What `make bench` runs goes through to its figures; one that nobody runs goes stale with the formats it writes."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]

SHORT: Final = {
    "costs": ("1", "check signatures"),
    "apply": ("1000", "earn, flat rate"),
    "catch_up": ("--transactions 20000", "ratio: "),
    "failover": ("--kills 1", "1 times:"),
    "idle": ("--seconds 1", "s of processor time a minute"),
}
"""By bench: the words that make it short, and what stands in its figures."""


@pytest.mark.parametrize("bench", SHORT)
def test_a_bench_runs_through_to_its_figures(bench: str) -> None:
    words, figure = SHORT[bench]

    done = subprocess.run(
        [sys.executable, "-m", f"bench.{bench}", *words.split()], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert figure in done.stdout


def test_every_bench_that_the_makefile_offers_is_run() -> None:
    offered = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("bench:"))

    assert all(bench in offered for bench in SHORT)
    assert {path.stem for path in (ROOT / "bench").glob("*.py") if "if __name__" in path.read_text()} == SHORT.keys()
