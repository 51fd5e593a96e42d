"""An Airflow of its own for each test process: its DAG folder and metadata database, in the home that conftest made."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import runpy
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest

# Whatever the developer's shell points at must not be touched.
if "airflow" not in sys.modules:
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = tempfile.mkdtemp(prefix="kinde-dags-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

from kinde_emulator import Emulator
from tests.support.commands import run_command
from tests.support.company import Company, connection, seeded

AIRFLOW_HOME = Path(os.environ["AIRFLOW_HOME"])


@cache
def _make_database(folder: Path) -> None:
    """A metadata database for this process: the first process makes it, the others beside it take a copy.

    :param folder: a folder that all processes of this test run share.
    """
    from airflow.utils.db import initdb

    own, made = AIRFLOW_HOME / "airflow.db", folder / "airflow.db"
    with (folder / "airflow.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            initdb()
            _copy(own, made)
            return
    _copy(made, own)


def _copy(source: Path, target: Path) -> None:
    """By SQLite itself, which keeps part of an open database in a file beside it."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A metadata database."""
    base = tmp_path_factory.getbasetemp()
    _make_database(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


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
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs one of the provider's commands in a process of its own, without loading Airflow each time."""

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return run_command(arguments, tmp_path, {**os.environ, **env})

    return run


@pytest.fixture
def storage_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``[kinde] storage_path``, in a temporary folder."""
    monkeypatch.setenv("AIRFLOW__KINDE__STORAGE_PATH", str(tmp_path / "storage"))
    return tmp_path / "storage"


@pytest.fixture
def kinde(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A local Kinde with two organizations, and the connection to it."""
    with Emulator() as emulator:
        seeded(emulator)
        monkeypatch.setenv("AIRFLOW_CONN_KINDE_SMALL", connection(emulator))
        yield emulator


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Twelve people, half of them in IT, half in HR."""
    return Company(tmp_path)


@pytest.fixture
def dag_file(database: None, storage_path: Path) -> Iterator[Callable[[str], Any]]:
    """Writes a DAG file into the DAG folder and returns its ``dag``; ``DAG_ID`` in it is replaced by a fresh id."""
    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    written: list[Path] = []

    def make(text: str) -> Any:
        name = f"dag_{uuid.uuid4().hex[:8]}"
        path = folder / f"{name}.py"
        path.write_text(text.replace("DAG_ID", name))
        written.append(path)
        return runpy.run_path(str(path))["dag"]

    yield make
    for path in written:
        path.unlink()


@pytest.fixture
def said(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], str]:
    """What was logged since last asked: Airflow 2 logs through `logging`, Airflow 3 prints as a task's process does."""
    caplog.set_level(logging.INFO, logger="airflow.task")
    # Airflow 3.0 folds what it prints, and colours it.
    monkeypatch.setenv("COLUMNS", "500")

    def collect() -> str:
        printed = capsys.readouterr()
        text = re.sub(r"\x1b\[[0-9;]*m", "", caplog.text + printed.out + printed.err)
        caplog.clear()
        # And it prints what its processes tell each other, which a deployment does not have in its logs.
        return "\n".join(line for line in text.splitlines() if "[debug " not in line)

    return collect
