"""Airflow with the CeleryExecutor: the processes of ``LocalAirflow``, a broker, PostgreSQL, and workers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.local_airflow import DagRun, LocalAirflow
from demo.processes import Processes
from tests.distributed.broker import Broker
from tests.support.postgres import PASSWORD, Postgres

QUEUES = {"worker-1": "planning", "worker-2": "applying"}
"""Each worker, and the queue whose tasks it takes."""

# What makes a lost worker known within seconds; docs/many-workers.md says what each of them does.
SOON = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "3600",
}


class CeleryAirflow(LocalAirflow):
    """To be entered; everything that was started ends with it.

    :param home: ``AIRFLOW_HOME``; emptied first.
    :param dags: the DAG folder.
    :param env: further environment: connections, settings.
    :param concurrency: how many tasks a worker runs at once.
    """

    def __init__(self, home: Path, dags: Path, env: Mapping[str, str], *, concurrency: int = 2) -> None:
        super().__init__(home, dags, env)
        self.concurrency = concurrency
        self._services = Processes(home / "process-logs")
        self._postgres: Postgres | None = None

    def start(self, timeout: float = 180) -> None:
        """Start database and broker, Airflow on top of them, and the workers; wait until they are ready."""
        self._postgres = Postgres()
        self._postgres.sql("CREATE DATABASE airflow")
        database = f"hr:{PASSWORD}@127.0.0.1:{self._postgres.port}/airflow"
        self.env |= {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__PARALLELISM": "16",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "tests.distributed.worker_name.worker_name",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{database}",
            "AIRFLOW__CELERY__BROKER_URL": Broker(self._services, self.home).url,
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": str(self.concurrency),
            **SOON,
        }
        super().start(timeout)
        for name in QUEUES:
            self.start_worker(name)
        self.processes.wait_for("the workers", lambda: all(map(self._ready, QUEUES)), timeout)

    def start_worker(self, name: str) -> None:
        """Start a worker, for the first time or after it was killed."""
        command = self.command(
            "celery", "worker", "--celery-hostname", name, "--queues", QUEUES[name], "--skip-serve-logs"
        )
        self.processes.start(name, command, {**self.env, "KINDE_TEST_WORKER": name}, self.home)

    def restart_worker(self, name: str, timeout: float = 120) -> None:
        """Start a worker that was killed, and wait until it takes tasks."""
        self.start_worker(name)
        self.processes.wait_for(name, lambda: self._ready(name), timeout)

    def take_over(self, name: str, queue: str) -> None:
        """Let a running worker take the tasks of another queue as well."""
        command = self.command("celery", "add-queue", "--celery-hostname", f"celery@{name}", "--queues", queue)
        self.processes.run("add-queue", command, self.env, self.home, 60)

    def _ready(self, name: str) -> bool:
        log = self.processes.log(name)
        return f"{name} ready" in log.read_text(errors="replace")

    def stop(self) -> None:
        """End Airflow, then what it stands on."""
        super().stop()
        self._services.stop()
        if self._postgres:
            self._postgres.stop()


def instances(run: DagRun) -> list[dict[str, Any]]:
    """The task instances of a run."""
    found: list[dict[str, Any]] = run.airflow.api("GET", f"{run.path}/taskInstances")["task_instances"]
    return found
