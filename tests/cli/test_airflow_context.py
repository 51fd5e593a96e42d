"""Connections in a plain process, from each of the places that `airflow connections` knows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kinde_emulator import Emulator
from tests.support.company import Company, connection, seeded

READ = """
import sys
from airflow_provider_kinde.cli.airflow_context import open_connections
open_connections()
from airflow.providers.common.compat.sdk import BaseHook
for name in sys.argv[1:]:
    connection = BaseHook.get_connection(name)
    print(connection.conn_type, connection.host, connection.login, connection.password, connection.extra_dejson)
"""
AIRFLOW = """
import shlex, sys
from airflow.__main__ import main
for command in sys.argv[1:]:
    sys.argv = ["airflow", *shlex.split(command)]
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
"""
"""Runs commands of `airflow` one after the other: it takes seconds to be imported."""
ACME = {"conn_type": "kinde", "host": "acme.kinde.com", "login": "id", "password": "s3cret", "extra": {"timeout": 5}}


def python(home: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW_CONN_")}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        cwd=home,
        check=False,
        env={**inherited, "AIRFLOW_HOME": str(home), **env},
    )


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield seeded(emulator)


@pytest.fixture(scope="module")
def home(running: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A metadata database with two connections in it, put there as a user would do it."""
    folder = tmp_path_factory.mktemp("airflow-home")
    connections = folder / "connections.json"
    connections.write_text(json.dumps({"stored": ACME, "kinde_small": json.loads(connection(running))}))
    done = python(folder, "-c", AIRFLOW, "db migrate", f"connections import {connections}")
    assert done.returncode == 0, done.stderr
    connections.unlink()
    return folder


def test_from_the_metadata_database_and_the_environment(home: Path) -> None:
    done = python(home, "-c", READ, "stored", "mine", AIRFLOW_CONN_MINE="kinde://id:secret@other.kinde.com")
    assert done.stdout == (
        "kinde acme.kinde.com id s3cret {'timeout': 5}\n"
        "kinde other.kinde.com id secret {}\n"
    ), done.stderr  # fmt: skip
    assert "s3cret" not in done.stderr


def test_from_a_secrets_backend(tmp_path: Path) -> None:
    secrets = tmp_path / "connections.json"
    secrets.write_text(json.dumps({"kept": ACME}))
    done = python(
        tmp_path,
        "-c",
        READ,
        "kept",
        AIRFLOW__SECRETS__BACKEND="airflow.secrets.local_filesystem.LocalFilesystemBackend",
        AIRFLOW__SECRETS__BACKEND_KWARGS=json.dumps({"connections_file_path": str(secrets)}),
    )
    assert done.stdout == "kinde acme.kinde.com id s3cret {'timeout': 5}\n", done.stderr


@pytest.mark.smoke
def test_the_command_line_plans_with_a_stored_connection(home: Path, company: Company) -> None:
    plan = python(home, "-m", "airflow_provider_kinde", "plan", "--spec", str(company.spec))
    assert plan.returncode == 2, plan.stderr
    # What Airflow says of itself is not part of a command's output.
    assert plan.stdout.startswith("Plan")
    assert "12 create" in plan.stdout
    assert "Retrieving connection" not in plan.stdout + plan.stderr


def test_an_unknown_connection_is_a_clear_error(home: Path, company: Company) -> None:
    done = python(home, "-m", "airflow_provider_kinde", "plan", "--spec", str(company.spec), "--conn", "nobody")
    assert done.returncode == 1
    assert "there is no Airflow connection 'nobody'. Correct the id, or add the connection" in done.stderr
    assert "Traceback" not in done.stderr
