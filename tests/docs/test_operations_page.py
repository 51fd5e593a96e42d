"""The page of all operations says what the code says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS
from scripts.operations_page import AREAS, OPERATORS, PAGE, page

OPERATORS_FOLDER = Path(__file__).parents[2] / "airflow_provider_kinde" / "operators"


def operators(*names: str) -> set[str]:
    """The public operators of these modules, read from their source: this runs without Airflow."""
    trees = [ast.parse((OPERATORS_FOLDER / f"{name}.py").read_text(encoding="utf-8")) for name in names]
    classes = {node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    return {name for name in classes if re.fullmatch(r"Kinde\w+Operator", name)}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m scripts.operations_page"


def test_every_operation_has_one_row() -> None:
    rows = re.findall(r"^\| `(\w+)\(", page(), re.M)
    assert sorted(rows) == sorted(ENDPOINTS)
    assert {name for name in ENDPOINTS for area in AREAS.values() if name in vars(area)} == set(ENDPOINTS)
    for operation in ENDPOINTS.values():
        assert f"| `{operation.call}` | `{operation.scope}` |" in page()


def test_the_operators_exist_and_call_what_they_stand_for() -> None:
    named = {operator for of_one in OPERATORS.values() for operator in of_one}
    assert named == operators("users", "organizations", "members", "invitations", "roles", "feature_flags")
    files = [*OPERATORS_FOLDER.glob("*.py"), *(OPERATORS_FOLDER.parent / "resources").glob("*.py")]
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    for operation in OPERATORS:
        # By this method, or by another one for the same HTTP call: removing members is a change of members.
        methods = [name for name in ENDPOINTS if ENDPOINTS[name].call == ENDPOINTS[operation].call]
        assert re.search(rf"client\.({'|'.join(methods)})\b", source), operation
