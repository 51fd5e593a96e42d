"""What a task remembers for its own retries: a small file under ``[kinde] storage_path``, without names or addresses.

Airflow clears a task's XCom at each try, so it cannot hold what an earlier try began.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage import run_files


def state_path(context: Mapping[str, Any]) -> str | None:
    """The file of a task in its DAG run, the same for all its tries; ``None`` outside of a DAG run.

    :param context: the task's context.
    """
    ti = context.get("ti")
    if not all(isinstance(getattr(ti, name, None), str) for name in ("dag_id", "run_id", "task_id")):
        return None
    index = getattr(ti, "map_index", None)
    task = ti.task_id if index is None or index < 0 else f"{ti.task_id}.{index}"  # type: ignore[union-attr]
    parts = ("tasks", f"{ti.dag_id}__{ti.run_id}", f"{task}.json")  # type: ignore[union-attr]
    return "/".join([run_files.default_path().rstrip("/"), *map(run_files.segment, parts)])


def read_state(path: str) -> dict[str, Any]:
    """What an earlier try wrote; empty where there was none.

    :param path: from :func:`state_path`.
    :raises StorageError: the file cannot be read.
    """
    try:
        found = json.loads(run_files.read(path))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} could not be read: {error}") from error
    return found if isinstance(found, dict) else {}


def write_state(path: str, state: Mapping[str, Any]) -> None:
    """Write it.

    :param path: from :func:`state_path`.
    :param state: what JSON can hold.
    :raises StorageError: the file cannot be written.
    """
    run_files.write(path, json.dumps(dict(state)) + "\n")
