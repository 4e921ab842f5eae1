"""No tracked file names a machine it was made on, a path outside the repository, or a registry's host."""

import re
from pathlib import Path
from typing import Final

import pytest

# Written in pieces, so that this file does not itself hold what it looks for.
REGISTRIES: Final = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("yarnpkg", "com"),
    ("debian", "org"),
    ("docker", "io"),
    ("ghcr", "io"),
)
PLACES: Final = (
    "/" + "work/",
    "/tmp" + "/brief",
    "/root" + "/",
    "/home/" + r"(?!me\b)\w",  # examples may speak of /home/me
)
FORBIDDEN: Final = re.compile("|".join([rf"(?:^|[\s\"'`=(\[:]){place}" for place in PLACES] + [
    rf"\b{name}\.{domain}\b" for name, domain in REGISTRIES
]))  # fmt: skip
SHARED: Final = re.compile(r"\.\./" + "shared")

SHARED_ALLOWED: Final = ("tests", "bench")
"""Tests and measurements may read large inputs that lie beside the checkout; they must say so when those are absent."""

GENERATED: Final = "graphql/jifen_graphql/web/"
"""Bundled third-party code, minified: it may link to its own documentation."""


def readable(path: Path) -> str | None:
    """Return the file's text, or None when it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def test_no_tracked_file_names_a_machine_or_a_registry(repository: Path, tracked: tuple[Path, ...]) -> None:
    found = []
    for path in tracked:
        text = None if path.as_posix().startswith(GENERATED) else readable(repository / path)
        for number, line in enumerate((text or "").splitlines(), start=1):
            if FORBIDDEN.search(line):
                found.append(f"{path}:{number}: {line.strip()[:120]}")
            if SHARED.search(line) and path.parts[0] not in SHARED_ALLOWED:
                found.append(f"{path}:{number}: {line.strip()[:120]}")

    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "see /" + "work/main/node",
        "path = '/" + "work/x'",
        "https://registry.npmjs" + ".org/x.tgz",
        "https://files.pythonhosted" + ".org/x.whl",
        "'/home" + "/ann/jifen'",
    ],
)
def test_the_check_finds(line: str) -> None:
    assert FORBIDDEN.search(line)


@pytest.mark.parametrize(
    "line", ["node/jifen/framework/x", "https://www.apache.org/licenses/", "jifen --home /home/me/alliance"]
)
def test_the_check_lets_pass(line: str) -> None:
    assert not FORBIDDEN.search(line)
