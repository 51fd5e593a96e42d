from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kinde.storage import run_files


def context(**changes: Any) -> dict[str, Any]:
    values = {"dag_id": "d", "run_id": "manual__1", "task_id": "t", "map_index": -1, "try_number": 1}
    return {"ti": SimpleNamespace(**{**values, **changes})}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_local_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        run_files.write(str(tmp_path / "a" / "b" / "plan.json"), "{}")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a" / "b" / "plan.json") == 0o600
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    run_files.write(str(tmp_path / "plan.json"), "{}")
    assert mode(tmp_path) == 0o755


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    run_files.write(str(path), "old")
    with pytest.raises(UnicodeEncodeError):
        run_files.write(str(path), "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("scheme", ["", "file://", "memory://"])
def test_a_written_file_is_read_back(tmp_path: Path, scheme: str) -> None:
    path = f"{scheme}{tmp_path}/run/plan.json"
    run_files.write(path, "Zoë\r\n")
    assert run_files.read(path) == "Zoë\r\n"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run_files.read(str(tmp_path / "none.json"))


def test_every_try_and_map_index_has_its_own_folder() -> None:
    folders = [
        run_files.run_folder("/s/", "hr", context(**changes))
        for changes in (
            {},
            {"try_number": 2},
            {"map_index": 0},
            {"map_index": 1},
            {"task_id": "group.t"},
            {"run_id": "manual__2"},
            {"dag_id": "other"},
        )
    ]
    assert folders[0] == "/s/hr/d__manual__1/t.try1"
    assert len(set(folders)) == len(folders)


def test_scheduled_run_ids_stay_readable() -> None:
    assert run_files.segment("scheduled__2026-11-21T08:00:00+00:00") == "scheduled__2026-11-21T08:00:00+00:00"


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_a_segment_is_one_safe_part_and_tells_texts_apart(one: str, other: str) -> None:
    for text in (one, other):
        part = run_files.segment(text.encode("utf-8", "replace").decode())
        assert "/" not in part
        assert part.strip(".")
        assert part.isascii()
    one, other = (text.encode("utf-8", "replace").decode() for text in (one, other))
    assert (run_files.segment(one) == run_files.segment(other)) == (one == other)


def test_default_is_the_configured_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__KINDE__STORAGE_PATH", "s3://bucket/kinde")
    assert run_files.default_path() == "s3://bucket/kinde"
