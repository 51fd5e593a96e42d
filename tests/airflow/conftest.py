"""An Airflow of its own for each test process: home folder and metadata database are made here, before any import."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# Whatever the developer's shell points at must not be touched.
if "airflow" not in sys.modules:
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="kinde-airflow-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = tempfile.mkdtemp(prefix="kinde-dags-")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def database() -> None:
    """A metadata database."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def airflow_process(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python in a fresh process with a fresh ``AIRFLOW_HOME``."""

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            check=False,
            env={**os.environ, "AIRFLOW_HOME": str(tmp_path / "home"), **env},
        )

    return run


@pytest.fixture
def storage_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """``[kinde] storage_path``, in a temporary folder."""
    monkeypatch.setenv("AIRFLOW__KINDE__STORAGE_PATH", str(tmp_path / "storage"))
    yield tmp_path / "storage"
