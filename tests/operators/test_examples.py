from __future__ import annotations

import inspect
import os
import runpy
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde import get_provider_info
from airflow_provider_kinde.dag_factory.sync_tasks import can_ask
from kinde_emulator import Emulator
from tests.support.company import SPEC, connection
from tests.support.operator_runs import AIRFLOW_3, Run, by_email

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def example(kinde: Emulator, database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs one of the example DAGs."""
    monkeypatch.setenv("AIRFLOW_CONN_KINDE_DEFAULT", connection(kinde))
    copied = []

    def run(name: str) -> Run:
        path = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]) / f"{name}.py"
        shutil.copy(ROOT / "dags" / path.name, path)
        copied.append(path)
        return Run(runpy.run_path(str(path))["dag"])

    yield run
    for path in copied:
        path.unlink()


@pytest.mark.smoke
def test_users(example: Any, kinde: Emulator) -> None:
    run = example("kinde_example_users")
    assert run.all == {"success"}
    assert run.xcom("joined")["user_id"] == by_email(kinde, "jo@example.com")["id"]
    assert by_email(kinde, "jo@example.com")["is_suspended"]
    assert "Airflow example" not in {item["name"] for item in kinde.state()["organizations"]}


@pytest.mark.smoke
def test_organizations(example: Any, kinde: Emulator) -> None:
    before = kinde.state()
    run = example("kinde_example_organizations")
    assert run.all == {"success"}
    assert run.xcom("members") == 1
    assert run.xcom("invitation")["outcome"] == "invited"
    for kind in ("users", "organizations"):
        assert [item["id" if kind == "users" else "code"] for item in kinde.state()[kind]] == [
            item["id" if kind == "users" else "code"] for item in before[kind]
        ]


def test_access(example: Any, kinde: Emulator) -> None:
    run = example("kinde_example_access")
    assert run.all == {"success"}
    assert run.xcom("invitation")["outcome"] == "member"
    assert run.xcom("accepted")["user_id"] == run.xcom("user")["user_id"]
    assert run.xcom("claims") == {"refreshed": 1, "missing": []}
    assert run.xcom("flags")["changed"] == run.xcom("no_flags")["changed"] == ["airflow_example"]
    assert "airflow_example" not in {item["key"] for item in kinde.state()["roles"]}


def public(kind: str, base: str) -> set[str]:
    """What the provider's modules of a kind define for DAGs."""
    modules = [name for entry in get_provider_info()[kind] for name in entry["python-modules"]]
    return {
        name
        for module in map(import_module, modules)
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
        and any(parent.__name__ == base for parent in value.__mro__)
    }


def watchers(schedule: Any) -> Iterator[Any]:
    """The watchers of the assets of a schedule."""
    yield from getattr(schedule, "watchers", ())
    for inner in schedule if isinstance(schedule, list) else getattr(schedule, "objects", ()):
        yield from watchers(inner)


def test_every_operator_and_sensor_stands_in_an_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hr.yaml").write_text(SPEC)
    used: set[str] = set()
    for spec in (None, str(tmp_path / "hr.yaml")):
        if spec:
            monkeypatch.setenv("KINDE_SYNC_SPEC", spec)
            monkeypatch.setenv("KINDE_WATCHED_ORGANIZATION", "org_sales")
        else:
            monkeypatch.delenv("KINDE_SYNC_SPEC", raising=False)
        for path in sorted((ROOT / "dags").glob("*.py")):
            dag = runpy.run_path(str(path)).get("dag")
            if dag is None:
                continue
            used |= {getattr(task, "operator_class", type(task)).__name__ for task in dag.tasks}
            used |= {type(watcher.trigger).__name__ for watcher in watchers(getattr(dag, "schedule", None))}
    wanted = public("operators", "BaseOperator") | public("sensors", "BaseOperator")
    if not can_ask():
        wanted.discard("KindeSyncApprovalOperator")
    if AIRFLOW_3:
        wanted |= public("triggers", "BaseEventTrigger")
    assert len(wanted) > 20
    assert wanted - used == set()
