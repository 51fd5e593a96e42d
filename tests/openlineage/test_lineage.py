"""OpenLineage: events of real runs, with the real provider, and the names of data sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_kinde.openlineage import lineage
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync.spec.models import SyncSpec
from kinde_emulator import Emulator
from tests.support.company import SECRET_WORDS, SPEC, Company, Run

conf = pytest.importorskip("airflow.providers.openlineage.conf")

DagFile = Callable[[str], Any]
FACTORY = """
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", default_args={{"retries": 0}})
"""


def forget_settings() -> None:
    for value in vars(conf).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


@pytest.fixture
def switched_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """OpenLineage writes into this file."""
    path = tmp_path / "events.jsonl"
    transport = {"type": "file", "log_file_path": str(path), "append": True}
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps(transport))
    forget_settings()
    yield path
    forget_settings()


@pytest.fixture
def events(switched_on: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], dict[str, Any]]]:
    """The last event of a task, from what the provider's own listener wrote."""
    from airflow.providers.openlineage.plugins.listener import OpenLineageListener

    # Otherwise every event has a process of its own.
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__EXECUTE_IN_THREAD", "True")
    forget_settings()
    manager = task_listeners()
    listener = OpenLineageListener()
    manager.add_listener(listener)

    def last(task_id: str) -> dict[str, Any]:
        found = [json.loads(line) for line in switched_on.read_text(encoding="utf-8").splitlines()]
        return [event for event in found if event["job"]["name"].endswith(f".{task_id}")][-1]

    yield last
    manager.pm.unregister(listener)


def task_listeners() -> Any:
    """Tasks have listeners of their own from Airflow 3.2 on."""
    try:
        from airflow.sdk.listener import get_listener_manager
    except ImportError:
        from airflow.listeners.listener import get_listener_manager
    return get_listener_manager()


def names(datasets: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["namespace"], item["name"]) for item in datasets]


def test_a_sync_tells_what_went_where(
    dag_file: DagFile, company: Company, kinde: Emulator, events: Callable[[str], dict[str, Any]], switched_on: Path
) -> None:
    dag = dag_file(FACTORY.format(spec=str(company.spec)))
    company.change(3, email="no address")
    assert Run(dag).state == "success"
    host = f"kinde://{kinde.url.partition('://')[2]}"
    codes = {item["name"]: item["code"] for item in kinde.state()["organizations"]}
    people = [("file", str(company.folder / "people.csv"))]

    plan, apply = events("plan"), events("apply")
    assert (names(plan["inputs"]), plan["outputs"]) == (people, [])
    assert plan["eventType"] == apply["eventType"] == "COMPLETE"
    assert names(apply["inputs"]) == people
    counts = {item["name"]: item["outputFacets"]["outputStatistics"]["rowCount"] for item in apply["outputs"]}
    assert names(apply["outputs"]) == [(host, name) for name in counts]
    # Five of six in IT, each with a membership and a role; six in HR; eleven accounts.
    assert counts == {"/": 11, codes["IT"]: 10, codes["HR"]: 6}
    facet = apply["run"]["facets"]["kinde_sync"]
    assert (facet["outcome"], facet["rejected"], facet["held"], facet["blocked"]) == ("changes", 1, 0, 0)
    assert facet["summary"]["create"] == 11
    assert facet["outcomes"] == {"done": 27, "failed": 0, "skipped": 0}
    assert facet["requests"]["write"] > 0
    assert plan["run"]["facets"]["kinde_sync"]["outcomes"] == {}

    company.rows = {}
    company.save()
    assert Run(dag).states["plan"] == "failed"
    blocked = events("plan")
    assert (blocked["eventType"], names(blocked["inputs"]), blocked["outputs"]) == ("FAIL", people, [])
    assert blocked["run"]["facets"]["kinde_sync"]["blocked"] == 2
    written = switched_on.read_text(encoding="utf-8").lower()
    assert not [word for word in (*SECRET_WORDS, kinde.client_secret.lower()) if word in written]


def source(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "hr.yaml"
    path.write_text(SPEC.replace("{type: file, path: people.csv, expect: {min_rows: 2}}", text))
    return make_source(SyncSpec.load(path))


@pytest.mark.parametrize(
    ("text", "namespace", "name"),
    [
        ("{type: file, path: /srv/hr/people.csv}", "file", "/srv/hr/people.csv"),
        ("{type: file, path: 'file:///srv/hr/people.csv'}", "file", "/srv/hr/people.csv"),
        ("{type: file, path: 's3://aws_hr@bucket/hr/people.csv'}", "s3://bucket", "hr/people.csv"),
        ("{type: bamboohr, conn_id: hr_api, company: acme}", "https://acme.bamboohr.com", "/api/v1/employees"),
        ("{type: http, conn_id: hr_host, url: 'people?key=k1', rows: items}", "http://127.0.0.1:9", "/people"),
        (
            "{type: sql, conn_id: hr_db, query: 'SELECT * FROM hr.people JOIN hr.teams USING (id)'}",
            "postgres://127.0.0.1:9",
            "",
        ),
        ("{type: sql, conn_id: hr_lite, query: 'SELECT * FROM people'}", "sqlite:///srv/hr.db", "/"),
    ],
)
def test_inputs_are_named_as_openlineage_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, namespace: str, name: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HR_API", '{"conn_type": "http", "login": "key", "password": "pass-word"}')
    monkeypatch.setenv("AIRFLOW_CONN_HR_HOST", '{"conn_type": "http", "host": "http://127.0.0.1:9", "login": "me"}')
    monkeypatch.setenv("AIRFLOW_CONN_HR_DB", "postgres://me:pass-word@127.0.0.1:9/staff")
    monkeypatch.setenv("AIRFLOW_CONN_HR_LITE", '{"conn_type": "sqlite", "host": "/srv/hr.db"}')
    found = [(item.namespace, item.name) for item in lineage.inputs(source(tmp_path, text))]
    tables = {"staff.hr.people", "staff.hr.teams"}
    assert set(found) == ({(namespace, table) for table in tables} if not name else {(namespace, name)})


def test_assets_are_the_datasets_of_the_sync() -> None:
    for uri, name in (("kinde://acme.kinde.com/org_1", "org_1"), ("kinde://acme.kinde.com", "/")):
        found = lineage.asset_dataset(SimpleNamespace(uri=uri), None)
        assert (found.namespace, found.name) == ("kinde://acme.kinde.com", name)


def test_airflow_finds_the_converter() -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    names = ("asset_to_openlineage_converters", "dataset_to_openlineage_converters")  # of Airflow 3, and of 2.11
    found: Any = next(getattr(manager, name) for name in names if hasattr(manager, name))
    assert found["kinde"] is lineage.asset_dataset


def test_lineage_is_never_why_a_sync_fails(switched_on: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert lineage.active()
    assert lineage.trace(object(), SimpleNamespace(), {}, applied=True) is None  # type: ignore[arg-type]
    assert "no lineage" in caplog.text


def test_no_lineage_is_built_without_a_listener() -> None:
    forget_settings()
    assert not lineage.active()
    assert lineage.trace(object(), SimpleNamespace(), {}, applied=True) is None  # type: ignore[arg-type]
