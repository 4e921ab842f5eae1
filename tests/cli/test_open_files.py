"""A validator asks the system for as many open files as its limits promise."""

import resource
import subprocess
import sys

import pytest

from jifen.cli.descriptors import OPEN_FILES_WANTED

LOWERED = """
import resource
from jifen.cli.descriptors import allow_open_files
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
allow_open_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def limits_after(soft: int, hard: int) -> tuple[list[int], str]:
    """Return the limits of a process that began with these, and what it logged."""
    code = LOWERED.format(soft=soft, hard=hard)
    result = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    *logged, told = result.stdout.splitlines()
    return [int(number) for number in told.split()], "\n".join(logged)


def test_a_shells_soft_limit_is_raised() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES_WANTED:
        pytest.skip("this machine allows too few open files")

    assert limits_after(1024, hard) == ([OPEN_FILES_WANTED, hard], "")


def test_a_hard_limit_that_is_too_low_is_used_up_and_named() -> None:
    limits, logged = limits_after(256, 600)

    assert limits == [600, 600]
    assert "few open files are allowed" in logged
