"""docs/scenarios.md names every scenario of others, docs/paper.md every rule of Raft; the tests named there exist."""

import ast
import re
from pathlib import Path

import pytest

SECTIONS = {"etcd-io/raft": ("etcd", 28), "MIT 6.5840": ("MIT", 28), "CCF": ("CCF", 84), "Twenty-five": ("", 25)}
"""Begin of each heading, with the word that begins a test's docstring, and how many rows there must be."""

REASON = "does not apply: "


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
        assert named or answer.startswith(REASON), f"{name}: neither a test nor a reason"
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


def test_every_rule_of_the_paper_has_tests_and_every_test_of_the_paper_its_rule(
    repository: Path, sources: dict[Path, ast.Module], tests: dict[str, str]
) -> None:
    text = (repository / "docs" / "paper.md").read_text(encoding="utf-8")
    rules = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ") and "`" in line]
    names = [rule for rule, _, _ in rules]
    assert len(set(names)) == len(names) > 70, "rules told twice, or lost"
    for rule, _, answer in rules:
        assert set(re.findall(r"`(test_\w+)`", answer)) <= tests.keys(), f"{rule}: no such test"
    own = {
        node.name
        for path, tree in sources.items()
        if path.parts[:2] == ("tests", "paper")
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert own <= set(re.findall(r"test_\w+", text)), sorted(own - set(re.findall(r"test_\w+", text)))
