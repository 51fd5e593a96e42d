"""``plan --import-file DIR``: the creations of a plan as files for Kinde's own import."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SyncError

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.plan.plan import Plan

_PATTERN = "users-*.ndjson"


def check_folder(options: argparse.Namespace) -> None:
    """Check before the run that the files can be written, and would not stand beside those of an earlier plan.

    :param options: the parsed arguments.
    :raises SyncError: the folder cannot be used, or other options do not go with it.
    """
    if options.redact:
        raise SyncError("--import-file writes names and addresses, and --redact leaves them out: leave one of them out")
    folder = Path(options.import_file)
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        if old := sorted(folder.glob(_PATTERN)):
            raise SyncError(
                f"{folder} holds {old[0].name} of an earlier plan. Name another folder, or delete its files once they "
                "were uploaded"
            )
        if not os.access(folder, os.W_OK | os.X_OK):
            raise SyncError(f"{folder} could not be written to: no permission")
    except OSError as error:
        raise SyncError(f"{folder} could not be used: {error.strerror or error}") from error


def write_import(options: argparse.Namespace, plan: Plan, client: Any) -> list[str]:
    """Write the creations of a plan, line by line. An error leaves no file.

    :param options: the parsed arguments.
    :param plan: the plan; nothing is written if it is blocked.
    :param client: a client for Kinde, which is asked for the organizations' ``external_id``.
    :returns: what was written and how to upload it. It goes to standard error where the plan is printed in a form for
        programs.
    :raises SyncError: a file cannot be written, or one person needs more than a file may hold.
    """
    from airflow_provider_kinde.cli.next_steps import after_plan

    if plan.blocked or plan.snapshot is None:
        said = ["No import file was written: the plan is blocked.", *after_plan(plan, options)]
    else:
        said = _write(options.import_file, plan, client)
    if options.format == "text":
        return said
    if sys.stderr is not None:
        print(*said, sep="\n", file=sys.stderr)
    return []


def _write(folder: str, plan: Plan, client: Any) -> list[str]:
    from airflow_provider_kinde.sync.report.import_lines import MAX_BYTES, ImportLines, external_ids_of

    lines = ImportLines(plan, external_ids_of(client.get_conn().iter_organizations()))
    with _Files(Path(folder)) as files:
        size = MAX_BYTES
        for line in lines:
            if size + len(line) > MAX_BYTES:
                files.begin()
                size = 0
            files.write(line)
            size += len(line)
    if not lines.people:
        return ["No import file was written: the plan creates no account that an import can make.", *lines.left()]
    what = "1 file" if files.number == 1 else f"{files.number} files, users-001.ndjson and so on,"
    people = counted(lines.people, "person", "people")
    head = f"{what} for Kinde's import in {folder}: {people}. They hold names and addresses: delete them afterwards."
    return [head, *(f"  {line}" for line in lines.advice())]


class _Files:
    """Files that only their owner can read, and that appear all at once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.number = folder, 0
        self._file: Any = None
        self._written: list[tuple[Path, Path]] = []

    def begin(self) -> None:
        self.number += 1
        target = self.folder / f"users-{self.number:03}.ndjson"
        partial = self.folder / f".{target.name}.partial"
        self._close()
        with _told(partial):
            self._file = os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        self._written.append((partial, target))

    def write(self, line: bytes) -> None:
        with _told(self._written[-1][1]):
            self._file.write(line)

    def _close(self) -> None:
        if self._file is not None:
            with _told(self._written[-1][1]):
                self._file.close()

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        try:
            self._close()
            if kind is None:
                for partial, target in self._written:
                    with _told(target):
                        partial.replace(target)
        finally:
            for partial, _ in self._written:
                partial.unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SyncError(f"{path} could not be written: {error.strerror or error}") from error
