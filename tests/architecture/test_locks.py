"""The lock files: everything pinned by version and hash, nothing that names a host, and all three in agreement."""

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

RUNTIME: Final = "requirements.lock"
DEVELOPMENT: Final = "requirements-dev.lock"
BUILD: Final = "requirements-build.lock"
LOCKS: Final = (RUNTIME, DEVELOPMENT, BUILD)

HASH: Final = re.compile(r"--hash=sha256:[0-9a-f]{64}")
NAMES_A_PLACE: Final = re.compile(
    r"://|(?<!\w)--?(i|index-url|extra-index-url|find-links|trusted-host)\b|\s@\s|[\s(]/\w"
)


def logical_lines(text: str) -> list[str]:
    """Return the requirements of a lock, continuation lines joined, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [line.strip() for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def pins(path: Path) -> dict[str, str]:
    """Return the version that a lock pins each distribution to."""
    requirements = [Requirement(line.split(" --hash")[0]) for line in logical_lines(path.read_text(encoding="utf-8"))]
    return {canonicalize_name(found.name): str(found.specifier).removeprefix("==") for found in requirements}


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_and_hashed(repository: Path, name: str) -> None:
    lines = logical_lines((repository / name).read_text(encoding="utf-8"))

    assert len(lines) > 0
    assert [line for line in lines if not re.match(r"[a-z0-9][a-z0-9._-]*==[^\s;]+\s", line)] == []
    assert [line for line in lines if not HASH.search(line)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_a_host_an_index_or_a_path(repository: Path, name: str) -> None:
    lines = (repository / name).read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if NAMES_A_PLACE.search(line)] == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url x",
        "-i x",
        "    # from https://x",
        "a @ file:a.whl",
        "    # via jifen (/home/me/jifen/pyproject.toml)",
    ],
)
def test_the_check_finds_a_line_that_names_a_place(line: str) -> None:
    assert NAMES_A_PLACE.search(line)


def test_the_locks_meet_what_the_project_asks_for(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for lock, asked in (
        (RUNTIME, project["dependencies"]),
        (DEVELOPMENT, [*project["dependencies"], *project["optional-dependencies"]["dev"]]),
    ):
        pinned = pins(repository / lock)
        for requirement in map(Requirement, asked):
            version = pinned.get(canonicalize_name(requirement.name))
            assert version is not None, f"{lock} lacks {requirement.name}: run make lock"
            assert requirement.specifier.contains(version), (
                f"{lock} pins {requirement.name} {version}, not {requirement}"
            )


def test_the_locks_agree_on_every_version(repository: Path) -> None:
    development = pins(repository / DEVELOPMENT)

    assert pins(repository / RUNTIME).items() <= development.items()
    assert pins(repository / BUILD).items() <= development.items()
    assert {"hatchling", "editables"} <= pins(repository / BUILD).keys()


def test_what_a_newcomer_installs_holds_no_development_tool(repository: Path) -> None:
    assert {"pytest", "mypy", "ruff", "hypothesis", "hatchling"}.isdisjoint(pins(repository / RUNTIME))
