"""Connections in a plain process, from each of the places that `airflow connections` knows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

READ = """
import sys
from airflow_provider_kinde.airflow_context import open_connections
open_connections()
from airflow.providers.common.compat.sdk import BaseHook
connection = BaseHook.get_connection(sys.argv[1])
print(connection.conn_type, connection.host, connection.login, connection.password, connection.extra_dejson)
"""


@pytest.fixture
def home(airflow_process: Run) -> Run:
    """A fresh metadata database with the connection `stored` in it, as a user would put it there."""
    done = airflow_process("-m", "airflow", "db", "migrate")
    assert done.returncode == 0, done.stderr
    connection = {
        "conn_type": "kinde",
        "host": "acme.kinde.com",
        "login": "id",
        "password": "s3cret",
        "extra": {"timeout": 5},
    }
    done = airflow_process("-m", "airflow", "connections", "add", "stored", "--conn-json", json.dumps(connection))
    assert done.returncode == 0, done.stderr
    return airflow_process


def test_from_the_metadata_database_and_the_environment(home: Run) -> None:
    stored = home("-c", READ, "stored")
    assert stored.stdout == "kinde acme.kinde.com id s3cret {'timeout': 5}\n", stored.stderr
    assert "s3cret" not in stored.stderr
    in_environment = home("-c", READ, "mine", AIRFLOW_CONN_MINE="kinde://id:secret@other.kinde.com")
    assert in_environment.stdout == "kinde other.kinde.com id secret {}\n", in_environment.stderr
    unknown = home("-c", READ, "nobody")
    assert unknown.returncode == 1
    assert "The conn_id `nobody` isn't defined" in unknown.stderr


def test_from_a_secrets_backend(airflow_process: Run, tmp_path: Path) -> None:
    secrets = tmp_path / "connections.json"
    secrets.write_text(json.dumps({"kept": {"conn_type": "kinde", "host": "acme.kinde.com", "login": "id"}}))
    done = airflow_process(
        "-c",
        READ,
        "kept",
        AIRFLOW__SECRETS__BACKEND="airflow.secrets.local_filesystem.LocalFilesystemBackend",
        AIRFLOW__SECRETS__BACKEND_KWARGS=json.dumps({"connections_file_path": str(secrets)}),
    )
    assert done.stdout == "kinde acme.kinde.com id None {}\n", done.stderr
