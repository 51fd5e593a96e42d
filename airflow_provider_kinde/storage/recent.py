"""Find the reports of the last day, so that the guards count what earlier runs did."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pendulum

from airflow_provider_kinde.storage import run_files

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.plan.recent import RecentChanges
    from airflow_provider_kinde.sync.spec.models import SyncSpec

_TIMES = ("LastModified", "last_modified", "updated", "mtime", "created")
"""Where the libraries of object stores keep the time of writing. Where there is none, a file counts as new."""
_HEAD = 400
"""So many characters at the beginning of a report hold the name of its spec."""


def recent_in_storage(root: str, spec: SyncSpec, client: Any, now: pendulum.DateTime | None = None) -> RecentChanges:
    """Read what the tasks of today and yesterday did for a spec, from the reports that they stored.

    :param root: where plans and reports are kept.
    :param spec: the spec.
    :param client: a ``KindeClient``, whose secret signs reports.
    :param now: the moment of the run; the current time when left out.
    :returns: what they did, with a warning on each report that cannot be read.
    """
    from airflow_provider_kinde.sync.plan.recent import RecentChanges

    folder = f"{root.rstrip('/')}/{run_files.segment(spec.name)}"
    at = now or pendulum.now("UTC")
    try:
        paths = list(_written_since(folder, "*/*/report.json", _begin(at)))
    except Exception as error:  # each object store has its own errors
        warning = f"the guards do not see earlier runs, since the reports in {folder} cannot be listed"
        return RecentChanges(warnings=(f"{warning} ({type(error).__name__})",))
    return _read(paths, spec, client, at)


def recent_beside(path: str, spec: SyncSpec, client: Any, now: pendulum.DateTime | None = None) -> RecentChanges:
    """Read what the runs of today and yesterday did for a spec, from the reports in the folder of a report.

    :param path: the report that the command line will write; the one of the last run may stand there.
    :param spec: the spec.
    :param client: a ``KindeClient``, whose secret signs reports.
    :param now: the moment of the run; the current time when left out.
    """
    at = now or pendulum.now("UTC")
    folder = Path(path).resolve().parent
    found = [found for found in _written_since(str(folder), "*.json", _begin(at)) if _names_spec(found)]
    return _read(found, spec, client, at)


def _read(paths: list[str], spec: SyncSpec, client: Any, now: pendulum.DateTime) -> RecentChanges:
    from airflow_provider_kinde.sync.plan.recent import RecentChanges
    from airflow_provider_kinde.sync.report.recent import changes_of_report

    return RecentChanges.joined(
        changes_of_report(lambda path=path: run_files.opened(path), path, spec.name, client.host, now, client.sign)  # type: ignore[misc]
        for path in paths
    )


def _begin(now: pendulum.DateTime) -> float:
    """The time before which no report of today or yesterday was written, in seconds since 1970."""
    from airflow_provider_kinde.sync.plan.recent import first_day

    day = first_day(now)
    begin = datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp()
    # A run for another moment than the present (``--now``) has reports of today.
    return min(begin, time.time() - 2 * 86_400)


def _written_since(folder: str, pattern: str, begin: float) -> Iterator[str]:
    local = run_files.local_path(folder)
    if local is None:
        yield from _stored_since(folder, pattern, begin)
        return
    for path in sorted(local.glob(pattern)):
        if path.is_file() and path.stat().st_mtime >= begin:
            yield str(path)


def _stored_since(folder: str, pattern: str, begin: float) -> Iterator[str]:
    """The same in an object store: one list of all objects, since a list for each folder costs a request for each."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    root: Any = ObjectStoragePath(folder)
    root.fs.invalidate_cache()  # what was listed earlier in this process
    length = len(root.path.strip("/").split("/"))
    for name, status in sorted(root.fs.find(root.path, detail=True).items()):
        path = "/".join(name.strip("/").split("/")[length:])
        written = next((status[key] for key in _TIMES if key in status), None)
        seconds = written.timestamp() if isinstance(written, datetime) else written
        fits = path.count("/") == pattern.count("/") and PurePosixPath(path).match(pattern)
        if fits and (not isinstance(seconds, (int, float)) or seconds >= begin):
            yield f"{folder}/{path}"


def _names_spec(path: str) -> bool:
    try:
        with run_files.opened(path) as file:
            return '"spec"' in file.read(_HEAD)
    except (OSError, ValueError):
        return False
