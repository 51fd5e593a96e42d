"""Every parameter of a public function is documented, room by room."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "airflow_provider_kinde"
ROOMS = (
    "assets", "cli", "client", "dag_factory", "hooks", "links", "notifications", "openlineage", "operators", "plugins",
    "probe", "resources", "sensors", "sources", "storage", "sync", "triggers",
)  # fmt: skip
"""Rooms that are documented throughout. A room joins this list once it is."""

CLASSES = {
    node.name: node
    for path in PACKAGE.rglob("*.py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef)
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def public(body: list[ast.stmt], within: str = "") -> Iterator[tuple[Function, str]]:
    """The public functions and methods, and constructors, each with the docstrings that may name its parameters."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public(node.body, class_docstrings(node))
        elif isinstance(node, Function) and (node.name == "__init__" or not node.name.startswith("_")):
            yield node, f"{ast.get_docstring(node) or ''}\n{within}"


def class_docstrings(node: ast.ClassDef) -> str:
    """The docstring of a class and of its bases: a parameter that a base takes is documented there."""
    bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
    return "\n".join(
        [ast.get_docstring(node) or "", *(class_docstrings(CLASSES[name]) for name in bases if name in CLASSES)]
    )


def undocumented(function: Function, docstrings: str) -> list[str]:
    if any(isinstance(each, ast.Call) and ast.unparse(each.func) == "question" for each in function.decorator_list):
        return []  # the decorator says what a question of the probe takes
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    names = [argument.arg for argument in every if argument is not None and argument.arg not in ("self", "cls")]
    return [name for name in names if name[0] != "_" and not re.search(rf":param {name}:", docstrings)]


@pytest.mark.parametrize("room", ROOMS)
def test_every_parameter_is_documented(room: str) -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{function.lineno} {function.name}: {', '.join(names)}"
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for function, docstrings in public(ast.parse(path.read_text(encoding="utf-8")).body)
        if (names := undocumented(function, docstrings))
    ]
    assert found == []
