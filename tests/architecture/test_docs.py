"""Every module, public class and public function of the two packages says what it is."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

EXEMPT_DECORATORS: Final = frozenset({"override", "overload", "setter"})
"""An override means what the overridden one says, an overload and a setter what their first definition says."""


def decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Yield the last part of each decorator's name."""
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(target, ast.Attribute):
            yield target.attr
        elif isinstance(target, ast.Name):
            yield target.id


def undocumented(tree: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[str]:
    """Yield the public classes, functions and methods without a docstring; what is inside a function is not public."""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        exempt = not isinstance(node, ast.ClassDef) and not EXEMPT_DECORATORS.isdisjoint(decorators(node))
        if not exempt and not ast.get_docstring(node):
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node, f"{prefix}{node.name}.")


def test_every_module_says_what_it_is_for(production: dict[Path, ast.Module]) -> None:
    assert [str(path) for path, tree in production.items() if not ast.get_docstring(tree)] == []


def test_every_public_class_and_function_is_documented(production: dict[Path, ast.Module]) -> None:
    assert [f"{path}: {name}" for path, tree in production.items() for name in undocumented(tree)] == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f(): ...", ["f"]),
        ("async def f(): ...", ["f"]),
        ("class C:\n  def m(self): ...", ["C", "C.m"]),
        ("class C:\n  'c'\n  @override\n  def m(self): ...", []),
        ("def f():\n  'f'\n  def inner(): ...", []),
        ("def _f(): ...", []),
    ],
)
def test_the_check_finds_what_lacks_a_docstring(code: str, found: list[str]) -> None:
    assert list(undocumented(ast.parse(code))) == found
