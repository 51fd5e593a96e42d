"""The code on the how-to pages is that of the example DAGs, and no operator or sensor is without an example."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "airflow_provider_kinde"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def statements(code: str) -> set[str]:
    """Every statement of a module, at whichever depth, in one form of writing."""
    return {ast.unparse(node) for node in ast.walk(ast.parse(code)) if isinstance(node, ast.stmt)}


def public_tasks() -> set[str]:
    """The public operators, sensors and triggers of watchers, read from their source."""
    files = [path for room in ("operators", "sensors", "triggers") for path in (PACKAGE / room).glob("*.py")]
    classes = (node for path in files for node in ast.parse(path.read_text(encoding="utf-8")).body)
    named = {node.name for node in classes if isinstance(node, ast.ClassDef)}
    return {name for name in named if re.fullmatch(r"(Kinde\w{4,}|Hr\w+)(Operator|Sensor|EventTrigger)", name)} - BASES


BASES = {"KindeSpecOperator"}


def test_the_code_is_that_of_the_example_dags() -> None:
    examples = set().union(*(statements(path.read_text(encoding="utf-8")) for path in (ROOT / "dags").glob("*.py")))
    blocks = [
        block for path in (DOCS / "howto").glob("*.md") for block in BLOCK.findall(path.read_text(encoding="utf-8"))
    ]
    assert len(blocks) > 14
    for block in blocks:
        assert statements(dedent(block)) <= examples, block


def test_every_operator_sensor_and_watcher_is_on_a_page_and_in_the_reference() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md") if path.parent.name != "api")
    reference = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "api").glob("*.md"))
    assert len(public_tasks()) > 18
    assert sorted(name for name in public_tasks() if not re.search(rf"\b{name}\b", pages)) == []
    assert sorted(name for name in public_tasks() if not re.search(rf"\.{name}$", reference, re.MULTILINE)) == []


def test_the_reference_names_what_exists() -> None:
    for page in (DOCS / "api").glob("*.md"):
        for name in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            module, _, member = name.rpartition(".")
            path = ROOT / module.replace(".", "/")
            source = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
            tree = ast.parse(source.read_text(encoding="utf-8"))
            defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
            assert member in defined, name
