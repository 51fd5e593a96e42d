"""Every parameter of a public function is documented, room by room."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "airflow_provider_kinde"
EMULATOR = ROOT / "packages" / "kinde-emulator" / "kinde_emulator"
ROOMS = (
    "assets", "cli", "client", "dag_factory", "hooks", "links", "notifications", "openlineage", "operators", "plugins",
    "probe", "resources", "sensors", "sources", "storage", "sync", "triggers",
)  # fmt: skip
"""Rooms that are documented throughout. A room joins this list once it is."""

CLASSES = {
    node.name: node
    for package in (PACKAGE, EMULATOR)
    for path in package.rglob("*.py")
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


@pytest.mark.parametrize("folder", [*(PACKAGE / room for room in ROOMS), EMULATOR], ids=lambda folder: folder.name)
def test_every_parameter_is_documented(folder: Path) -> None:
    found = [
        f"{path.relative_to(folder)}:{function.lineno} {function.name}: {', '.join(names)}"
        for path in sorted(folder.rglob("*.py"))
        for function, docstrings in public(ast.parse(path.read_text(encoding="utf-8")).body)
        if (names := undocumented(function, docstrings))
    ]
    assert found == []
