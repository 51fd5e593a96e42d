from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path

import pytest
from company import connection
from kinde_stage import Run, by_email

from airflow_provider_kinde.emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_does_what_it_says(kinde: Emulator, database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KINDE_DEFAULT", connection(kinde))
    path = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]) / "kinde_example_users.py"
    shutil.copy(ROOT / "dags" / path.name, path)
    try:
        run = Run(runpy.run_path(str(path))["dag"])
    finally:
        path.unlink()
    assert run.all == {"success"}
    assert run.xcom("joined")["user_id"] == by_email(kinde, "jo@example.com")["id"]
    assert by_email(kinde, "jo@example.com")["is_suspended"]
    assert "Airflow example" not in {item["name"] for item in kinde.state()["organizations"]}
