"""The builder runs what the README promises, and nothing besides."""

import re
from pathlib import Path


def test_the_builder_ends_with_the_commands_that_the_readme_names(repository: Path) -> None:
    script = (repository / ".ci/run").read_text(encoding="utf-8").rstrip().splitlines()

    assert script[-2:] == ["make check", "make test"]
    assert "set -euo pipefail" in script
    for name in ("README.md", "README.zh.md"):
        text = (repository / name).read_text(encoding="utf-8")
        assert [command for command in ("make demo", "make test", "make check") if command not in text] == [], name


def test_every_target_that_the_documentation_names_exists(repository: Path, tracked: tuple[Path, ...]) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE))
    pages = [path for path in tracked if path.suffix == ".md"]
    named = {
        (str(path), target)
        for path in pages
        for target in re.findall(r"`make ([a-z]+)[ `]", (repository / path).read_text(encoding="utf-8"))
    }

    assert {"demo", "test", "check", "help"} <= targets
    assert {(page, target) for page, target in named if target not in targets} == set()
