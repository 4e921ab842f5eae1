"""The wheel holds the two packages, their data and the licence, and nothing of tests, tools or the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build the wheel with the locked backend and return the names of the files in it."""
    target = tmp_path_factory.mktemp("wheel")
    result = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (path,) = target.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_exactly_the_two_packages(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"jifen", "jifen_graphql"}
    assert len([top for top in tops if top.endswith(".dist-info")]) == 1
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)


def test_every_tracked_file_of_the_packages_is_in_the_wheel(wheel: set[str], tracked: tuple[Path, ...]) -> None:
    expected = {path.relative_to(path.parts[0]).as_posix() for path in tracked if path.parts[0] in {"node", "graphql"}}

    assert expected - wheel == set()


def test_the_wheel_holds_no_caches_and_no_secrets(wheel: set[str]) -> None:
    assert [name for name in wheel if name.endswith((".pyc", ".key", ".pem", ".token", ".mdb"))] == []


def test_the_wheel_ships_the_real_purchases_and_the_built_web_client(wheel: set[str]) -> None:
    assert [name for name in wheel if name.endswith("purchases_1997_1998.csv")] != []
    assert "jifen_graphql/web/index.html" in wheel
