"""Nothing in the checkout may hide a library: graphql/ is a source root here and the name of a library elsewhere."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest


@pytest.mark.parametrize("root", ["node", "graphql"])
def test_a_source_root_holds_its_package_and_nothing_else(
    repository: Path, tracked: tuple[Path, ...], root: str
) -> None:
    package = {"node": "jifen", "graphql": "jifen_graphql"}[root]

    assert {path.parts[1] for path in tracked if path.parts[0] == root} == {package}
    assert not (repository / root / "__init__.py").exists()


def test_no_package_marker_exists_anywhere_under_tests(repository: Path) -> None:
    assert [str(path) for path in (repository / "tests").rglob("__init__.py")] == []


def test_test_files_have_names_of_their_own(tracked: tuple[Path, ...]) -> None:
    names = Counter(path.name for path in tracked if path.parts[0] == "tests" and path.name.startswith("test_"))

    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("command", [["-c", "import graphql; print(graphql.__file__)"]])
def test_graphql_core_is_what_importing_graphql_gives_at_the_root(repository: Path, command: list[str]) -> None:
    found = subprocess.run(
        [sys.executable, *command], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()

    assert found.endswith("graphql/__init__.py")
    assert not found.startswith(str(repository / "graphql"))


def test_both_packages_carry_their_type_marker(repository: Path) -> None:
    assert (repository / "node/jifen/py.typed").is_file()
    assert (repository / "graphql/jifen_graphql/py.typed").is_file()
