from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

# The scripted server of the client's tests.
from tests.support.loopback import SECRET, Server


@pytest.fixture(autouse=True)
def _own_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens are cached for the host: not for the next test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def connection(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Makes an Airflow connection to the server, and returns its id."""

    def make(extra: dict[str, Any] | None = None, **fields: Any) -> str:
        ours = {"conn_type": "kinde", "host": server.host, "login": "id", "password": SECRET, **fields}
        monkeypatch.setenv("AIRFLOW_CONN_KINDE_TEST", json.dumps({**ours, "extra": extra or {}}))
        return "kinde_test"

    return make
