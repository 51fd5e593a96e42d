"""After runs of a real scheduler: no secret and no token in whatever was written, and nobody's name but in the reports.

What stands in ``docs/data.md`` is what is checked here.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from demo.local_airflow import LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import Stage
from tests.e2e.conftest import Arrival
from tests.e2e.leftovers import cells, files, found, people, secrets


@pytest.fixture(scope="module")
def run_id(arrival: Arrival) -> str:
    """A run that changed something."""
    return arrival.run.run_id


def database(airflow: LocalAirflow) -> str:
    return f"sqlite:///{airflow.home / 'airflow.db'}"


def test_neither_secret_nor_token(
    airflow: LocalAirflow, kinde: LocalKinde, asked_kinde: LocalKinde, stage: Stage, run_id: str
) -> None:
    connection = json.loads(kinde.connection)
    stored = {**connection, "connection_id": "kinde_stored", "extra": json.dumps(connection["extra"])}
    airflow.api("POST", "connections", stored)
    left = [*files(stage.home, stage.folder / "reports"), *cells(database(airflow))]
    # Found, where it is: the run, and the stored connection, whose password is encrypted.
    assert ("run", "xcom.run_id") in found({"run": re.compile(re.escape(run_id.encode()))}, left)
    passwords = next(content for where, content in left if where == "connection.password")
    assert passwords.startswith(b"gAAAAA")
    assert not found(secrets(kinde), left)
    assert not found(secrets(asked_kinde), left)


def test_people_are_named_in_plans_and_reports_only(airflow: LocalAirflow, stage: Stage, run_id: str) -> None:
    named = {(what, Path(where)) for what, where in found(people(), files(stage.folder / "reports"))}
    reports = ("plan.json", "plan.html", "report.json", "report.csv", "report.html")
    assert {(what, path.name) for what, path in named} == {
        (what, name) for what in ("address", "name") for name in reports
    }
    assert all(path.stat().st_mode & 0o077 == 0 for _, path in named)
    assert not found(people(), [*files(stage.home), *cells(database(airflow))])
