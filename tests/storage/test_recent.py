"""The reports of the last day are found where tasks and the command line keep them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_kinde.storage import run_files
from airflow_provider_kinde.storage.recent import recent_beside, recent_in_storage

SPEC: Any = SimpleNamespace(name="hr")
CLIENT: Any = SimpleNamespace(host="acme.kinde.com", sign=lambda text: "0" * 64)


def report(id: str, day: str = "") -> str:
    change = {"id": id, "kind": "rename", "alias": None, "role": None, "before": {}, "after": {}, "outcome": "done"}
    at = day or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    head = {"spec": "hr", "host": "acme.kinde.com", "created_at": at, "requests": {}, "organizations": {}}
    return json.dumps({**head, "operations": [change]})


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("scheme", ["", "file://", "memory://"])
def test_reports_of_tasks_are_found(tmp_path: Path, scheme: str) -> None:
    root = f"{scheme}{tmp_path}"
    assert recent_in_storage(root, SPEC, CLIENT).renamed == frozenset()
    for number in range(3):
        run_files.write(f"{root}/hr/dag__run{number}/sync.try1/report.json", report(str(number)))
    run_files.write(f"{root}/hr/dag__run0/sync.try1/plan.json", "no report")
    run_files.write(f"{root}/other/dag__run0/sync.try1/report.json", report("other"))
    found = recent_in_storage(root, SPEC, CLIENT)
    assert found.renamed == {"0", "1", "2"}
    assert all("no signature" in warning for warning in found.warnings)


def test_old_files_are_not_opened_and_unreadable_ones_are_told(tmp_path: Path) -> None:
    for name, text in (("old", "{"), ("bad", "{"), ("good", report("7"))):
        run_files.write(f"{tmp_path}/hr/run/{name}/report.json", text)
    os.utime(tmp_path / "hr/run/old/report.json", (1, 1))
    found = recent_in_storage(str(tmp_path), SPEC, CLIENT)
    assert found.renamed == {"7"}
    assert [("bad" in warning, "good" in warning) for warning in found.warnings] == [(True, False), (False, True)]


def test_a_storage_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    found = recent_in_storage("nosuchstore://bucket/kinde", SPEC, CLIENT)
    assert "the guards do not see earlier runs" in found.warnings[0]


def test_reports_beside_the_one_that_will_be_written(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(report("1"))
    (tmp_path / "monday.json").write_text(report("2"))
    (tmp_path / "package.json").write_text('{"name": "something else"}')
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    found = recent_beside(str(tmp_path / "report.json"), SPEC, CLIENT)
    assert found.renamed == {"1", "2"}
    assert len(found.warnings) == 2
