"""Kept HR exports in a folder: each with the day in its name."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from statistics import median

import pendulum

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sources.file.source import FileSource
from airflow_provider_kinde.sync.rules.backtest import Export
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.source import SUFFIXES, FileOptions

_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_./]?(0[1-9]|1[0-2])(?:[-_./]?(0[1-9]|[12]\d|3[01]))?(?!\d)")
_TIME = re.compile(r"[T_ -]([01]\d|2[0-3])[:h-]?([0-5]\d)(?!\d)")
_GAP = 2.5
"""A distance of so many times the usual one is a gap."""


def find_exports(folder: str, spec: SyncSpec) -> tuple[list[Export], list[str]]:
    """Find the exports in a folder and below it, by the day in their path.

    :param folder: the folder.
    :param spec: the spec, whose options of the file are used where its source is a file.
    :returns: the exports in the order of their moments, and remarks: gaps, several exports of one day, files left out.
    :raises SyncError: there is no such folder, or no export in it.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise SyncError(f"{folder} is no folder: --exports names the folder with the kept exports")
    notes: list[str] = []
    found: dict[pendulum.DateTime, Path] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.is_file() or any(part.startswith(".") for part in Path(name).parts):
            continue
        if _suffix(path) not in SUFFIXES:
            continue
        moment = _moment(name)
        if moment is None:
            notes.append(f"{name} is left out: its name has no day, such as 2024-05-01")
            continue
        if moment in found:
            other = found[moment].relative_to(root).as_posix()
            notes.append(
                f"two exports of {moment:%Y-%m-%d}: {other} is left out, and {name}, the last by name, is used"
            )
        found[moment] = path
    if not found:
        raise SyncError(
            f"{folder} has no export with a day in its name, such as employees-2024-05-01.csv (known are "
            f"{', '.join(sorted(SUFFIXES))}, also with .gz)"
        )
    exports = [
        Export(found[moment].relative_to(root).as_posix(), moment, _source(found[moment], spec))
        for moment in sorted(found)
    ]
    return exports, notes + _gaps([export.moment for export in exports])


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _moment(name: str) -> pendulum.DateTime | None:
    """The moment that a name holds: noon in UTC where it has no time; the first day where it names a month only."""
    days = list(_DAY.finditer(name))
    if not days:
        return None
    day = next((match for match in reversed(days) if match[3]), days[-1])
    time = _TIME.match(name, day.end())
    hour, minute = (int(time[1]), int(time[2])) if time else (12, 0)
    try:
        return pendulum.datetime(int(day[1]), int(day[2]), int(day[3] or 1), hour, minute)
    except ValueError:  # 30 February
        return None


def _gaps(moments: list[pendulum.DateTime]) -> list[str]:
    distances = [(after - before).total_seconds() / 86_400 for before, after in pairwise(moments)]
    if len(distances) < 3:
        return []
    usual = median(distances)
    return [
        f"a gap: no export between {before:%Y-%m-%d} and {after:%Y-%m-%d} "
        f"({counted(round(days), 'day')}; usual: {usual:.0f})"
        for (before, after), days in zip(pairwise(moments), distances, strict=True)
        if days > _GAP * usual
    ]


def _source(path: Path, spec: SyncSpec) -> FileSource:
    """Read one export with the options of the spec. It is old, and not beside a manifest of today."""
    options = spec.source
    if isinstance(options, FileOptions):
        known = SUFFIXES.get(_suffix(path), "")
        expect = options.expect
        if expect.manifest and "{path}" not in expect.manifest:
            expect = expect.model_copy(update={"manifest": None})
        changes = {"path": (str(path),), "newest": "name", "max_age": None, "expect": expect, "conn_id": None}
        form = {} if options.file_format == known else {"format": known, "rows": None, "keyed_by": None}
        options = options.model_copy(update={**changes, **form})
    else:
        made = FileOptions.model_validate({"type": "file", "path": [str(path)]})
        options = made.model_copy(update={"null_values": options.null_values})
    return FileSource(spec.with_changes(source=options))
