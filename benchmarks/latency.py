"""Latency: from a change of HR's data to the suspension in Kinde's own log, in a real Airflow.

``.venvs/airflow3/bin/python -m benchmarks latency`` takes an hour, ``--quick`` (a file, two changes, no file written)
one or two minutes. ``KINDE_LATENCY_PEOPLE=1000,1000000`` measures these numbers of people only, with ``--quick`` as
well. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.hr import TEAMS, Company, Person, tenant
from benchmarks.hr_server import HrServer
from benchmarks.kinde import Kinde, local_kinde
from benchmarks.result import Result
from demo.local_airflow import LocalAirflow
from demo.stage import ROOT

LATENCY = 50
"""Milliseconds of each request to Kinde and to the HR system."""
DAG_ID = "latency"
SOURCES = {
    "file": "{type: file, path: people.csv, expect: {min_rows: 1}}",
    "sql": (
        "{type: sql, conn_id: hr_db, query: SELECT * FROM people, "
        "watermark: 'SELECT max(changed), count(*) FROM people'}"
    ),
    "http": "{type: http, conn_id: hr_api, url: /people, changes: {etag: true}, expect: {min_rows: 1}}",
}
STAGES = ("noticed", "scheduled", "task started", "HR read", "Kinde read, planned", "suspended")
CASES = [
    ("file", 1_000, 34), ("sql", 1_000, 33), ("http", 1_000, 33),
    ("file", 20_000, 34), ("sql", 20_000, 33), ("http", 20_000, 33),
    ("file", 1_000_000, 2),
]  # fmt: skip


def run(quick: bool) -> Result:
    """Measure every case, each in an Airflow of its own."""
    result = Result(
        "Latency",
        "From the change of HR's data to the suspension in the log of a local Kinde, in a real Airflow (scheduler, "
        f'triggerer, DAG processor, API server; SQLite) with `kinde_sync_dag(..., on_change="asset")`; {LATENCY} ms '
        "a request to Kinde and to the HR API. Seconds. The middle columns say where the time goes (medians); of more "
        "than 50,000 people, Kinde is read while HR is still read. A million people are 2,000 pages of users, and each "
        "page names the next: they take 100 s at least.",
        ["source", "people", "changes", "p50", "p99", "longest", *STAGES],
    )
    small: list[float] = []
    for source, people, changes in _cases(quick):
        found = measure(source, people, changes)
        totals = sorted(sum(stages) for stages in found)
        medians = [statistics.median(column) for column in zip(*found, strict=True)]
        row = [_percentile(totals, 0.5), _percentile(totals, 0.99), totals[-1], *medians]
        result.rows.append([source, f"{people:,}", changes, *(f"{value:.1f}" for value in row)])
        if people <= 20_000:
            small += totals
        else:
            result.goals.append((f"{people:,} people: longest (s)", 120.0, totals[-1]))
    small.sort()
    if not small:
        return result
    result.goals += [("p50 (s)", 10.0, _percentile(small, 0.5)), ("p99 (s)", 15.0, _percentile(small, 0.99))]
    return result


def _cases(quick: bool) -> list[tuple[str, int, int]]:
    wanted = [int(number) for number in os.environ.get("KINDE_LATENCY_PEOPLE", "").split(",") if number]
    if quick:
        return [("file", people, 2) for people in wanted or [200]]
    return [case for case in CASES if not wanted or case[1] in wanted]


def measure(source: str, people: int, changes: int) -> list[tuple[float, ...]]:
    """Let some people leave, one after the other; returns for each the seconds of every stage.

    :param source: the type of the HR source.
    :param people: how many people there are.
    :param changes: how many of them leave.
    """
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        company = Company(folder)
        company.hire(people)
        kinde = stack.enter_context(local_kinde(tenant(), latency=LATENCY))
        kinde.seed_users(_synced(company.people))
        hr = stack.enter_context(_hr(source, company))
        company.spec()
        spec = folder / "spec.yaml"
        spec.write_text(spec.read_text().replace("{type: file, path: people.csv}", SOURCES[source]))
        dags = folder / "dags"
        dags.mkdir()
        (dags / "latency.py").write_text(
            "from airflow_provider_kinde.dag_factory import kinde_sync_dag\n"
            f"dag = kinde_sync_dag({str(spec)!r}, on_change='asset', dag_id={DAG_ID!r})\n"
        )
        env = {
            "AIRFLOW_CONN_KINDE_DEFAULT": kinde.connection,
            "AIRFLOW__KINDE__STORAGE_PATH": str(folder / "reports"),
            "PYTHONPATH": str(ROOT),
            **hr.env,
        }
        airflow = stack.enter_context(LocalAirflow(folder / "home", dags, env))
        airflow.start_part("triggerer")
        airflow.unpause(DAG_ID)
        _wait(airflow, 1, 600)
        found = []
        for number in range(changes):
            kinde.forget()
            # Checks come at fixed intervals: changes must not always fall into the same moment between two.
            time.sleep(random.uniform(0, 5))
            hr.leaves(number)
            found.append(_stages(airflow, kinde, time.time(), number + 2, folder))
        return found


def _stages(airflow: LocalAirflow, kinde: Kinde, changed: float, runs: int, folder: Path) -> tuple[float, ...]:
    run = _wait(airflow, runs, 600)
    task = airflow.api("GET", f"dags/{DAG_ID}/dagRuns/{run['dag_run_id']}/taskInstances")["task_instances"][0]
    (event,) = airflow.api("GET", f"dags/{DAG_ID}/dagRuns/{run['dag_run_id']}/upstreamAssetEvents")["asset_events"][-1:]
    if task["state"] != "success":
        raise RuntimeError(f"the run ended as {task['state']}: see {airflow.home}/logs")
    sent = [entry for entry in kinde.log() if entry["kind"] == "api"]
    (suspension,) = (entry for entry in sent if entry["method"] == "PATCH" and "is_suspended" in str(entry["body"]))
    report = max(folder.glob("reports/*/*/*/report.json"), key=lambda path: path.stat().st_mtime)
    # The run is over when its last request is; what is written afterwards takes seconds for a million people.
    over = _moment(sent[-1]["at"]) + sent[-1]["ms"] / 1000
    executing = over - json.loads(report.read_text())["run"]["seconds"]
    moments = [
        changed,
        _moment(event["timestamp"]),
        _moment(task["start_date"]),
        executing,
        _moment(sent[0]["at"]),
        _moment(suspension["at"]),
        _moment(suspension["at"]) + suspension["ms"] / 1000,
    ]
    return tuple(after - before for before, after in pairwise(moments))


def _wait(airflow: LocalAirflow, runs: int, timeout: float) -> dict[str, Any]:
    """Wait until so many runs are over; returns the last one."""
    listed: list[dict[str, Any]] = []

    def over() -> bool:
        listed[:] = airflow.api("GET", f"dags/{DAG_ID}/dagRuns?order_by=-run_after&limit=500")["dag_runs"]
        return len(listed) >= runs and all(run["state"] in ("success", "failed") for run in listed)

    airflow.processes.wait_for(f"run {runs} of {DAG_ID}", over, timeout, every=0.5)
    if listed[0]["state"] != "success":
        raise RuntimeError(f"the run {listed[0]['dag_run_id']} failed: see {airflow.home}/logs")
    return listed[0]


class _Hr:
    """HR's data, of whatever source."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.env: dict[str, str] = {}

    def leaves(self, number: int) -> None:
        """Let one person leave."""
        self.company.people[number] = self.company.people[number].changed(status="Left")
        self.write()

    def write(self) -> None:
        """Write the data of the day, all at once."""
        part = Company(self.company.folder / "part", people=self.company.people)
        part.folder.mkdir(exist_ok=True)
        part.write()
        (part.folder / "people.csv").replace(self.company.folder / "people.csv")


class _Database(_Hr):
    def __init__(self, company: Company) -> None:
        super().__init__(company)
        path = company.folder / "hr.sqlite"
        self.env = {"AIRFLOW_CONN_HR_DB": json.dumps({"conn_type": "sqlite", "host": str(path)})}
        self.connection = sqlite3.connect(path)
        columns = list(Person(0, "").row())
        rows = [[*person.row().values(), 0.0] for person in company.people]
        with self.connection:
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute(f"CREATE TABLE people ({', '.join(columns)}, changed)")
            self.connection.execute("CREATE INDEX changes ON people (changed)")
            self.connection.executemany(f"INSERT INTO people VALUES ({', '.join('?' * len(rows[0]))})", rows)

    def leaves(self, number: int) -> None:
        with self.connection:
            self.connection.execute(
                "UPDATE people SET status = 'Left', changed = ? WHERE id = ?", (time.time(), number)
            )


class _Api(_Hr):
    def __init__(self, company: Company, server: HrServer) -> None:
        super().__init__(company)
        self.server = server
        self.env = {"AIRFLOW_CONN_HR_API": json.dumps({"conn_type": "generic", "host": server.url})}
        self.write()

    def write(self) -> None:
        self.server.publish([person.row() for person in self.company.people])


@contextlib.contextmanager
def _hr(source: str, company: Company) -> Iterator[_Hr]:
    if source == "http":
        with HrServer(LATENCY) as server:
            yield _Api(company, server)
    elif source == "sql":
        database = _Database(company)
        with contextlib.closing(database.connection):
            yield database
    else:
        hr = _Hr(company)
        hr.write()
        yield hr


def _synced(people: Sequence[Person]) -> Iterator[dict[str, Any]]:
    """The users of a tenant in which everybody has been synced before."""
    assert set(TEAMS) >= {person.team for person in people}
    for person in people:
        yield {
            "email": person.email,
            "first_name": person.row()["given"],
            "last_name": person.row()["family"],
            "provided_id": f"bench:{person.number}",
            "memberships": {person.team: ["lead"] if person.lead else []},
        }


def _percentile(values: Sequence[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)]


def _moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
