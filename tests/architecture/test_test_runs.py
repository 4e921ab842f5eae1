"""A green run means that tests ran and passed: not skipped, not warned about, not left out."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("def test_it(): assert True", pytest.ExitCode.OK),
        ("def test_it(): assert False", pytest.ExitCode.TESTS_FAILED),
        ("", pytest.ExitCode.NO_TESTS_COLLECTED),
        ("import pytest\n@pytest.mark.skip\ndef test_it(): pass", pytest.ExitCode.NO_TESTS_COLLECTED),
        ("import warnings\ndef test_it(): warnings.warn('old', DeprecationWarning)", pytest.ExitCode.TESTS_FAILED),
        ("import pytest\n@pytest.mark.xfail\ndef test_it(): pass", pytest.ExitCode.TESTS_FAILED),
        ("import pytest\n@pytest.mark.browzer\ndef test_it(): pass", pytest.ExitCode.INTERRUPTED),
        (
            "async def test_it():\n  import trio\n  await trio.lowlevel.checkpoint()\n  assert False",
            pytest.ExitCode.TESTS_FAILED,
        ),
    ],
    ids=[
        "passes",
        "fails",
        "no test",
        "all skipped",
        "warns",
        "passes unexpectedly",
        "unknown mark",
        "trio test fails",
    ],
)
def test_a_run_ends_with_the_code_it_deserves(
    repository: Path, tmp_path: Path, body: str, expected: pytest.ExitCode
) -> None:
    shutil.copy(repository / "pyproject.toml", tmp_path)
    (tmp_path / "tests").mkdir()
    shutil.copy(repository / "tests" / "conftest.py", tmp_path / "tests")
    (tmp_path / "tests" / "test_sample.py").write_text(body + "\n", encoding="utf-8")

    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == expected, result.stdout + result.stderr
