from __future__ import annotations

import csv
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.operators.object_storage import KindeUsersToObjectStorageOperator
from kinde_emulator import Emulator
from tests.storage.conftest import memory
from tests.support.airflow_fixtures import dag_file, kinde, said, storage_path
from tests.support.company import Run

__all__ = ["dag_file", "kinde", "memory", "said", "storage_path"]

DAG = """
from airflow.providers.common.compat.sdk import DAG, Asset
from airflow_provider_kinde.operators.object_storage import KindeUsersToObjectStorageOperator
with DAG("DAG_ID", schedule=None, default_args={{"retries": 0}}) as dag:
    KindeUsersToObjectStorageOperator(task_id="export", kinde_conn_id="kinde_small", {arguments})
"""
BOTH = ["owner", "engineer"]
DagFile = Callable[[str], Any]


@pytest.fixture
def people(kinde: Emulator) -> Emulator:
    """One person with a role in one organization, one whose name is a formula in two, and one suspended in none."""
    kinde.seed(
        {
            "users": [
                {"email": "ada@example.com", "first_name": "Ada", "memberships": {"IT": ["engineer"]}},
                {
                    "email": "bo@example.com",
                    "first_name": "=cmd()",
                    "memberships": {"IT": [], "HR": BOTH},
                },
                {"email": "cy@example.com", "first_name": "Cy", "is_suspended": True},
            ]
        }
    )
    return kinde


def read_csv(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.smoke
def test_users_memberships_and_roles_as_csv(dag_file: DagFile, people: Emulator, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    run = Run(dag_file(DAG.format(arguments=f"path={str(folder)!r}, file_format='csv'")))
    result = run.xcom("export")
    state = people.state()
    users = read_csv(result["files"]["users"])
    assert {user["email"] for user in users} == {user["email"] for user in state["users"]}
    by_email = {user["email"]: user for user in users}
    assert by_email["bo@example.com"]["first_name"] == "'=cmd()"
    assert (by_email["cy@example.com"]["is_suspended"], by_email["ada@example.com"]["is_suspended"]) == (
        "true",
        "false",
    )
    members = {(row["org_name"], row["email"]): row["roles"] for row in read_csv(result["files"]["memberships"])}
    assert members["IT", "ada@example.com"] == "engineer"
    assert members["IT", "bo@example.com"] == ""
    assert sorted(members["HR", "bo@example.com"].split(";")) == ["engineer", "owner"]
    assert {role["key"] for role in read_csv(result["files"]["roles"])} == {"engineer", "owner"}
    assert result["rows"] == {"users": len(users), "memberships": len(members), "roles": 2}
    assert stat.S_IMODE(Path(result["files"]["users"]).stat().st_mode) == 0o600
    assert "ada" not in json.dumps(result)


@pytest.mark.usefixtures("memory")
def test_any_object_storage_and_files_are_replaced(dag_file: DagFile, people: Emulator) -> None:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    arguments = "path='memory://warehouse/kinde/', tables=['users'], file_format='json'"
    dag = dag_file(DAG.format(arguments=arguments))
    first = Run(dag).xcom("export")
    assert first["files"] == {"users": "memory://warehouse/kinde/users.jsonl"}
    people.seed({"users": [{"email": "di@example.com"}]})
    second = Run(dag).xcom("export")
    lines = ObjectStoragePath("memory://warehouse/kinde/users.jsonl").read_text().splitlines()
    assert len(lines) == second["rows"]["users"] == first["rows"]["users"] + 1


def test_a_list_that_cannot_be_read_leaves_the_files_of_the_run_before(
    dag_file: DagFile, people: Emulator, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    dag = dag_file(DAG.format(arguments=f"path={str(folder)!r}, file_format='csv'"))
    Run(dag)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    people.seed({"users": [{"email": "di@example.com"}]})
    people.fault("GET", "/api/v1/roles", status=403, times=None)
    assert Run(dag).state == "failed"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_wrong_arguments_are_refused_at_parse() -> None:
    for arguments, words in (
        ({"tables": "users"}, "expected a list"),
        ({"tables": ["users", "users"]}, "each once"),
        ({"tables": ["people"]}, "expected one of 'users'"),
        ({"file_format": "xml"}, "expected one of 'parquet'"),
    ):
        with pytest.raises(ValueError, match=words):
            KindeUsersToObjectStorageOperator(task_id="export", path="x", **arguments)  # type: ignore[arg-type]


def test_parquet_without_pyarrow_fails_before_the_first_request(
    dag_file: DagFile, people: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    run = Run(dag_file(DAG.format(arguments=f"path={str(tmp_path)!r}")))
    assert run.state == "failed"
    assert "pip install 'airflow-provider-kinde[parquet]'" in said()
    assert [entry for entry in people.log() if entry["kind"] == "api"] == []
