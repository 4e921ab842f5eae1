"""What import-linter cannot see: floats, open(), hash-ordered iteration and their like in the pure packages.

Two validators that execute the same block must write the same bytes. A float rounds by platform, a set iterates by the
process's hash seed, `hash()` and `id()` differ from run to run, and none of these needs an import.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

PURE: Final = ("node/jifen/ledger", "node/jifen/consensus", "node/jifen/codec", "node/jifen/hashing.py")

FORBIDDEN_CALLS: Final = frozenset(
    {
        "open", "print", "input", "breakpoint",  # input and output
        "hash", "id",  # differ from one process to the next
        "float", "complex",  # not exact
        "eval", "exec", "compile", "__import__", "globals", "locals", "vars",  # reflection
    }
)  # fmt: skip

FORBIDDEN_IMPORTS: Final = frozenset(
    {"random", "math", "cmath", "statistics", "decimal", "locale", "platform", "importlib"}
)
"""Beside import-linter's list: libraries of floats, and of what differs from machine to machine."""

ORDER_FREE: Final = frozenset({"sorted", "len", "min", "max", "sum", "any", "all", "set", "frozenset"})
"""Calls whose result does not depend on the order in which their argument is iterated."""


def is_set(node: ast.expr) -> bool:
    """Tell whether the expression is visibly a set: a literal, a comprehension or a call of set / frozenset."""
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in {"set", "frozenset"}
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub) and is_set(node.left)


def iterated(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions that this node iterates in an order that reaches its result."""
    if isinstance(node, ast.For):
        yield node.iter
    elif isinstance(node, ast.ListComp | ast.DictComp):
        yield from (generator.iter for generator in node.generators)
    elif isinstance(node, ast.Starred):
        yield node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in ORDER_FREE:
        yield from node.args[:1] if node.func.id in {"list", "tuple", "iter", "enumerate", "dict", "next"} else ()
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"join", "extend"}:
        yield from node.args[:1]


def impurities(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and reason of everything in the tree that may differ between two validators."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield node.lineno, f"the inexact number {node.value}"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield node.lineno, "true division; use // and say how it rounds"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            yield node.lineno, f"a call of {node.func.id}()"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (
                (node.lineno, f"an import of {name}") for name in names if name.split(".")[0] in FORBIDDEN_IMPORTS
            )
        for expression in iterated(node):
            if is_set(expression):
                yield expression.lineno, "iteration over a set, whose order is the process's own"


@pytest.mark.parametrize("name", PURE)
def test_nothing_in_a_pure_package_could_differ_between_validators(
    production: dict[Path, ast.Module], name: str
) -> None:
    pure = {path: tree for path, tree in production.items() if path.is_relative_to(name)}
    assert len(pure) > 0

    assert [f"{path}:{line}: {why}" for path, tree in pure.items() for line, why in impurities(tree)] == []


@pytest.mark.parametrize(
    "code",
    [
        "rate = 0.5",
        "share = total / 2",
        "total /= 2",
        "open('x')",
        "print(1)",
        "key = hash(name)",
        "key = id(name)",
        "import random",
        "from math import sqrt",
        "for x in {1, 2}: pass",
        "for x in set(names): pass",
        "out = [x for x in frozenset(names)]",
        "out = tuple({n for n in names})",
        "out = list(set(a) | set(b))",
        "out = [*set(a)]",
        "out = b''.join(set(parts))",
    ],
)
def test_the_check_finds(code: str) -> None:
    assert len(list(impurities(ast.parse(code)))) >= 1


@pytest.mark.parametrize(
    "code",
    [
        "share = total // 2",
        "for x in sorted({1, 2}): pass",
        "known = x in {1, 2}",
        "count = len(set(names))",
        "from hashlib import sha256",
        "block.hash(1)",
    ],
)
def test_the_check_lets_pass(code: str) -> None:
    assert list(impurities(ast.parse(code))) == []
