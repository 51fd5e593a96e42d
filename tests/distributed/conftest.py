"""The whole arrangement, once for the session: two local Kindes, Airflow with two workers, and one company."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.local_kinde import CLIENT_ID, CLIENT_SECRET, LocalKinde
from demo.stage import ROOT
from tests.distributed.broker import server
from tests.distributed.celery_airflow import CeleryAirflow
from tests.distributed.staff import Staff, tenant
from tests.support.postgres import binaries

PEOPLE = int(os.environ.get("KINDE_TEST_PEOPLE", "600"))
DAG_ID = "kinde_many_workers"


class TwinKinde(LocalKinde):
    """A local Kinde whose connection shares tokens as they are shared by default: on the host."""

    @property
    def connection(self) -> str:
        """The Airflow connection, as an environment variable holds it."""
        return json.dumps(
            {"conn_type": "kinde", "host": self.url, "login": CLIENT_ID, "password": CLIENT_SECRET, "extra": {}}
        )

    def log(self) -> list[dict[str, Any]]:
        """The requests since the last :meth:`forget`."""
        found: list[dict[str, Any]] = self._control("GET", "log")
        return found

    def forget(self) -> None:
        """Begin the log anew."""
        self._control("DELETE", "log")

    def change(self, **settings: Any) -> None:
        """Behave otherwise from now on."""
        self._control("PATCH", "settings", settings)


@dataclass
class OneProcess:
    """The same work on a Kinde of its own, by the command line.

    :param kinde: that Kinde.
    :param staff: the same company.
    :param folder: for plan and report.
    """

    kinde: TwinKinde
    staff: Staff
    folder: Path

    def run(self) -> dict[str, Any]:
        """Plan, apply the plan, and give the report."""
        self.folder.mkdir(exist_ok=True)
        plan, report = self.folder / "plan.json", self.folder / "report.json"
        self._command("plan", "--out", str(plan))
        self._command("apply", "--plan", str(plan), "--report", str(report))
        found: dict[str, Any] = json.loads(report.read_text())
        return found

    def _command(self, verb: str, *options: str) -> None:
        command = [sys.executable, "-m", "airflow_provider_kinde", verb, "--spec", str(self.staff.path), *options]
        env = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
        env |= {
            "AIRFLOW_HOME": str(self.folder / "home"),
            "AIRFLOW_CONN_KINDE_DEFAULT": self.kinde.connection,
            "TMPDIR": str(self.folder),
        }
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
        assert done.returncode in (0, 2 if verb == "plan" else 0), done.stdout + done.stderr


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for needed in (server, lambda: binaries(tmp_path_factory.mktemp("pg"), copy=False)):
        try:
            needed()
        except RuntimeError as error:
            pytest.skip(str(error))
    return tmp_path_factory.mktemp("many")


@pytest.fixture(scope="session")
def staff(folder: Path) -> Staff:
    return Staff(folder / "hr", PEOPLE)


def _kinde(folder: Path) -> LocalKinde:
    folder.mkdir()
    seed = folder / "seed.yaml"
    seed.write_text(yaml.safe_dump(tenant()))
    return TwinKinde(folder, seed)


@pytest.fixture(scope="session")
def kinde(folder: Path) -> Iterator[LocalKinde]:
    with _kinde(folder / "kinde") as running:
        yield running


@pytest.fixture(scope="session")
def one_process(folder: Path, staff: Staff) -> Iterator[OneProcess]:
    with _kinde(folder / "other-kinde") as running:
        yield OneProcess(running, staff, folder / "one-process")


@pytest.fixture(scope="session")
def airflow(folder: Path, staff: Staff, kinde: TwinKinde) -> Iterator[CeleryAirflow]:
    temporary = folder / "tmp"
    temporary.mkdir()
    env = {
        "AIRFLOW_CONN_KINDE_DEFAULT": kinde.connection,
        "AIRFLOW__KINDE__STORAGE_PATH": str(folder / "reports"),
        "KINDE_TEST_SPEC": str(staff.path),
        "PYTHONPATH": str(ROOT),
        # Where tokens are shared on this host.
        "TMPDIR": str(temporary),
    }
    with CeleryAirflow(folder / "home", Path(__file__).parent / "dags", env) as running:
        running.unpause(DAG_ID)
        yield running
