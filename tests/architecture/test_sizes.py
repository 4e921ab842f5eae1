"""A function fits a screen and a file has one subject."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

FUNCTION_LINES_MAX: Final = 70
"""Signature, docstring and body together: what a tall screen shows at once."""

FILE_LINES_MAX: Final = 600
"""Past this a file has more than one subject."""

FILE_LINES_WARN: Final = 400
"""From here on a file is named in the output of every run, so that nobody is surprised by the limit above."""


def long_functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield name and length of every function longer than the limit."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield node.name, lines


def test_every_function_fits_a_screen(sources: dict[Path, ast.Module]) -> None:
    found = [
        f"{path}: {name} has {lines} lines" for path, tree in sources.items() for name, lines in long_functions(tree)
    ]

    assert found == []


def test_every_file_has_one_subject(
    repository: Path, sources: dict[Path, ast.Module], capsys: pytest.CaptureFixture[str]
) -> None:
    lengths = {str(path): len((repository / path).read_text(encoding="utf-8").splitlines()) for path in sources}

    with capsys.disabled():
        for path, lines in lengths.items():
            if FILE_LINES_WARN < lines <= FILE_LINES_MAX:
                print(f"\nlong file: {path} has {lines} lines", end="")  # noqa: T201 - this is what the limit is for
    assert {path: lines for path, lines in lengths.items() if lines > FILE_LINES_MAX} == {}


def test_the_check_counts_from_the_signature_to_the_last_line() -> None:
    body = "\n".join(f"    x = {number}" for number in range(FUNCTION_LINES_MAX))

    assert list(long_functions(ast.parse(f"def f():\n{body}"))) == [("f", FUNCTION_LINES_MAX + 1)]
