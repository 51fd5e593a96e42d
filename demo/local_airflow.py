"""A real Airflow 3 in a folder of its own: API server, DAG processor and scheduler, spoken to over its REST API."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from demo.processes import Processes, free_port

FINAL = {"success", "failed", "skipped", "upstream_failed", "removed"}
USER, PASSWORD = "admin", "admin"


class LocalAirflow:
    """Airflow with SQLite, LocalExecutor and simple log-in, on free ports of 127.0.0.1.

    :param home: ``AIRFLOW_HOME``; emptied first.
    :param dags: the DAG folder.
    :param env: further environment: connections, settings.
    :param port: of the API server; 0 for a free one.
    :param users: further users with their roles (``admin``, ``op``, ``user``, ``viewer``); the password is the name.
    :param standalone: run `airflow standalone` instead of the three processes that a run needs.
    """

    def __init__(
        self,
        home: Path,
        dags: Path,
        env: Mapping[str, str],
        *,
        port: int = 0,
        users: Mapping[str, str] | None = None,
        standalone: bool = False,
    ) -> None:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        self.home = home
        self.standalone = standalone
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes = Processes(home / "process-logs")
        self._tokens: dict[str, str] = {}
        roles = {USER: "admin", **(users or {})}
        passwords = home / "passwords.json"
        passwords.write_text(json.dumps({**{name: name for name in roles}, USER: PASSWORD}))
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "_AIRFLOW"))},
            "AIRFLOW_HOME": str(home),
            # `airflow standalone` starts its parts by name.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in roles.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            # Loopback must not go through a proxy.
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **env,
        }

    def command(self, *arguments: str) -> list[str | Path]:
        """An ``airflow`` command of the running Python's environment."""
        return [sys.executable, "-m", "airflow", *arguments]

    def start(self, timeout: float = 120) -> None:
        """Make the metadata database, start the processes, and wait until they are healthy."""
        if self.standalone:
            self.processes.start("standalone", self.command("standalone"), self.env, self.home)
        else:
            self.processes.run("db-migrate", self.command("db", "migrate"), self.env, self.home, timeout)
            for name in ("api-server", "dag-processor", "scheduler"):
                self.start_part(name)
        self.processes.wait_for("Airflow", self.healthy, timeout)

    def start_part(self, name: str) -> None:
        """Start one of Airflow's processes, such as ``triggerer``, or start it again once it has ended."""
        # Logs of tasks are read from disk here: no server is needed, on a port that may be taken.
        options = () if name in ("api-server", "dag-processor") else ("--skip-serve-logs",)
        self.processes.start(name, self.command(name, *options), self.env, self.home)

    def stop(self) -> None:
        """End Airflow and everything that it started."""
        self.processes.stop()

    def __enter__(self) -> LocalAirflow:
        """Start."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def healthy(self) -> bool:
        """Whether API server, scheduler and DAG processor are up."""
        try:
            answer = requests.get(f"{self.url}/api/v2/monitor/health", timeout=5)
        except requests.RequestException:
            return False
        parts = answer.json() if answer.ok else {}
        return all((parts.get(part) or {}).get("status") == "healthy" for part in ("scheduler", "dag_processor"))

    def token(self, user: str = USER) -> str:
        """A token of Airflow's REST API."""
        if user not in self._tokens:
            login = {"username": user, "password": PASSWORD if user == USER else user}
            answer = requests.post(f"{self.url}/auth/token", json=login, timeout=30)
            answer.raise_for_status()
            self._tokens[user] = answer.json()["access_token"]
        return self._tokens[user]

    def api(self, method: str, path: str, json: Any = None, user: str = USER) -> Any:
        """One call of Airflow's REST API, decoded."""
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        for left in (2, 1, 0) if method == "GET" else (0,):
            try:
                answer = requests.request(method, f"{self.url}/api/v2/{path}", json=json, headers=headers, timeout=60)
                break
            except requests.Timeout:
                # A busy machine: what only reads is asked for again.
                if not left:
                    raise
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def sign_in(self, page: Any) -> None:
        """Sign the administrator in on a page of a browser, and wait for the list of connections."""
        page.goto(f"{self.url}/connections")
        page.locator("input[name=username]").fill(USER)
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Add Connection").wait_for()

    def unpause(self, dag_id: str, timeout: float = 60) -> None:
        """Wait until the DAG is known, and unpause it."""

        def known() -> bool:
            try:
                self.api("PATCH", f"dags/{dag_id}", {"is_paused": False})
            except RuntimeError as error:
                if " 404 " not in str(error):
                    raise
                return False
            return True

        self.processes.wait_for(f"the DAG {dag_id}", known, timeout)

    def run(self, dag_id: str, conf: Mapping[str, Any] | None = None, timeout: float = 120) -> DagRun:
        """Trigger a DAG, and wait until its run is over."""
        return self.trigger(dag_id, conf).wait(timeout)

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> DagRun:
        """Trigger a DAG, and leave it running."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        run_id: str = self.api("POST", f"dags/{dag_id}/dagRuns", body)["dag_run_id"]
        return DagRun(self, dag_id, run_id)

    def past(self, dag_id: str, run_id: str) -> DagRun:
        """A run that was triggered before."""
        return DagRun(self, dag_id, run_id)


class DagRun:
    """One run of a DAG, as the REST API shows it."""

    def __init__(self, airflow: LocalAirflow, dag_id: str, run_id: str) -> None:
        self.airflow, self.dag_id, self.run_id = airflow, dag_id, run_id
        self.path = f"dags/{dag_id}/dagRuns/{run_id}"

    @property
    def state(self) -> str:
        """The state of the run."""
        return str(self.airflow.api("GET", self.path)["state"])

    def finished(self) -> bool:
        """Whether the run is over."""
        return self.state in FINAL

    def wait(self, timeout: float = 120) -> DagRun:
        """Wait until the run is over."""
        self.airflow.processes.wait_for(f"run {self.run_id}", self.finished, timeout, every=0.3)
        return self

    def tasks(self) -> dict[str, dict[str, Any]]:
        """The task instances by task id."""
        listed = self.airflow.api("GET", f"{self.path}/taskInstances")["task_instances"]
        return {item["task_id"]: item for item in listed}

    def xcom(self, task_id: str) -> Any:
        """What a task handed on."""
        value = self.airflow.api("GET", f"{self.path}/taskInstances/{task_id}/xcomEntries/return_value")["value"]
        return json.loads(value) if isinstance(value, str) else value

    def log(self, task_id: str, attempt: int = 1) -> str:
        """The log of a task, as text."""
        answer = self.airflow.api("GET", f"{self.path}/taskInstances/{task_id}/logs/{attempt}?full_content=true")
        return "\n".join(line for item in answer["content"] for line in _lines(item))


def _lines(item: Any) -> list[str]:
    if not isinstance(item, dict):
        return [str(item)]
    errors = [f"{error.get('exc_type')}: {error.get('exc_value')}" for error in item.get("error_detail") or ()]
    return [str(item.get("event", item)), *errors]
