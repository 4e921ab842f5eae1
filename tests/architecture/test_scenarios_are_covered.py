"""docs/scenarios.md names every scenario of others, and every test that it names exists and names it back."""

import ast
import re
from pathlib import Path

import pytest

SECTIONS = {"etcd-io/raft": ("etcd", 28), "MIT 6.5840": ("MIT", 28), "CCF": ("CCF", 84), "Twenty-five": ("", 25)}
"""Begin of each heading, with the word that begins a test's docstring, and how many rows there must be."""

REASONS = ("does not apply: ", "waits for ")


@pytest.fixture(scope="module")
def rows(repository: Path) -> dict[str, dict[str, str]]:
    """Return the last column of each section's rows, by the first."""
    text = (repository / "docs" / "scenarios.md").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = {}
    for section in text.split("\n## ")[1:]:
        cells = [line.strip("|").split(" | ") for line in section.splitlines() if re.match(r"\| (`|\d)", line)]
        found[section] = {first.strip(" `"): rest[-1].strip() for first, *rest in cells}
    return {heading: next(rows for text, rows in found.items() if text.startswith(heading)) for heading in SECTIONS}


@pytest.fixture(scope="module")
def tests(sources: dict[Path, ast.Module]) -> dict[str, str]:
    """Return every test function's docstring, by its name."""
    return {
        node.name: ast.get_docstring(node) or ""
        for path, tree in sources.items()
        if path.parts[0] == "tests"
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_scenario_has_a_row_with_a_test_or_a_reason(
    rows: dict[str, dict[str, str]], tests: dict[str, str], heading: str
) -> None:
    assert len(rows[heading]) == SECTIONS[heading][1]
    for name, answer in rows[heading].items():
        named = re.findall(r"`(test_\w+)`", answer)
        assert named or answer.startswith(REASONS), f"{name}: neither a test nor a reason"
        assert set(named) <= tests.keys(), f"{name}: no such test"


@pytest.mark.parametrize("heading", [heading for heading, (word, _) in SECTIONS.items() if word])
def test_a_test_names_the_scenario_that_it_plays(
    rows: dict[str, dict[str, str]], tests: dict[str, str], heading: str
) -> None:
    for name, answer in rows[heading].items():
        for test in re.findall(r"^`(test_\w+)`$", answer):
            said = tests[test]
            assert said.startswith(SECTIONS[heading][0]), test
            assert re.search(rf"\b{re.escape(name)}(?![\w.]*\w)", said), f"{test} does not name {name}"


def test_the_pitfalls_are_numbered_from_1_to_25(rows: dict[str, dict[str, str]]) -> None:
    assert list(rows["Twenty-five"]) == [str(number) for number in range(1, 26)]
