"""Small JSON files of state under ``[kinde] storage_path``, without names or addresses.

A task's own state is among them: Airflow clears a task's XCom at each try, so it cannot hold what an earlier try began.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage import run_files

log = logging.getLogger(__name__)


def task_path(context: Mapping[str, Any]) -> str | None:
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
    """What was written last; empty where there is no such file.

    Files are written whole or not at all. One that holds no JSON object was edited, and counts as missing.

    :param path: the file.
    :raises StorageError: the file cannot be read now.
    """
    try:
        found = json.loads(run_files.read(path))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}") from error
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    log.warning("%s holds no JSON object. The file counts as missing", path)
    return {}


def write_state(path: str, state: Mapping[str, Any]) -> None:
    """Write a state, in place of the one before.

    :param path: the file.
    :param state: what JSON can hold.
    :raises StorageError: the file cannot be written.
    """
    run_files.write(path, json.dumps(dict(state)) + "\n")
