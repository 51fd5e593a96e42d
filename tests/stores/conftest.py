"""``[kinde] storage_path`` in a bucket of an S3 server on this machine, over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.stores.s3_server import Bucket, S3Server
from tests.support.airflow_fixtures import command, company, dag_file, database, kinde, said

__all__ = ["command", "company", "dag_file", "database", "kinde", "said"]


@pytest.fixture(scope="session")
def server() -> Iterator[S3Server]:
    """One server for all tests: Airflow keeps the file system of a connection as long as the process lives."""
    with S3Server() as running:
        yield running


@pytest.fixture
def bucket(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty bucket, in which plans, reports and history are kept."""
    found = Bucket(server, f"audit-{uuid.uuid4().hex[:12]}")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", server.connection)
    monkeypatch.setenv("AIRFLOW__KINDE__STORAGE_PATH", found.root)
    yield found
    server.fault = lambda call: None


@pytest.fixture
def storage_path(bucket: Bucket) -> str:
    """The same, for the fixtures of other tests."""
    return bucket.root
