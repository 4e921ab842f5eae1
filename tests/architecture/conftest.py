"""The repository as the architecture tests see it: what is tracked, and every Python source parsed once."""

import ast
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the checkout."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tracked(repository: Path) -> tuple[Path, ...]:
    """Return the files that git tracks and that still exist, relative to the root."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout
    return tuple(path for name in listing.split("\0") if name and (repository / (path := Path(name))).is_file())


@pytest.fixture(scope="session")
def sources(repository: Path, tracked: tuple[Path, ...]) -> dict[Path, ast.Module]:
    """Return every tracked Python file, parsed, by its path relative to the root."""
    return {
        path: ast.parse((repository / path).read_text(encoding="utf-8"), filename=str(path))
        for path in tracked
        if path.suffix == ".py"
    }


@pytest.fixture(scope="session")
def production(sources: dict[Path, ast.Module]) -> dict[Path, ast.Module]:
    """Return the sources of the two packages."""
    return {path: tree for path, tree in sources.items() if path.parts[0] in {"node", "graphql"}}
