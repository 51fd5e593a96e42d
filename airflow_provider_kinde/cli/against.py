"""The old spec of ``plan --against``: a file, or a file as a commit of git holds it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_kinde.exceptions import SpecError, SyncError

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.spec.models import SyncSpec

_SECONDS = 30


def load_old(against: str, spec_file: str) -> SyncSpec:
    """Load the spec that a new one is compared with.

    :param against: a file, or ``git:REVISION``: the file of ``--spec`` as that commit holds it.
    :param spec_file: the file of ``--spec``.
    :raises SyncError: there is no such file or commit, or it is no valid spec for this version.
    """
    from airflow_provider_kinde.sync.spec.models import SyncSpec

    try:
        if against.startswith("git:"):
            return SyncSpec.parse(_from_git(against[4:], Path(spec_file)), against)
        return SyncSpec.load(against)
    except SpecError as error:
        raise SyncError(
            f"the old spec ({against}) is not valid, so nothing can be compared with it. Correct a copy of it and name "
            f"the copy:\n{error}"
        ) from error


def _from_git(revision: str, spec: Path) -> str:
    name = revision.strip()
    if not name or name.startswith("-"):
        raise SyncError(f"git:{revision} names no commit: write --against git:HEAD~1, or git:main")
    command = ["git", "show", f"{name}:./{spec.name}"]
    try:
        done = subprocess.run(command, cwd=spec.resolve().parent, capture_output=True, timeout=_SECONDS, check=False)
    except FileNotFoundError as error:
        raise SyncError(f"git:{name} cannot be read: the command git is not installed") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SyncError(f"git:{name} cannot be read: {error}") from error
    if done.returncode:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or ["git failed"])[0]
        raise SyncError(f"{spec.name} cannot be read as of git:{name}: {said}")
    try:
        return done.stdout.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SyncError(f"{spec.name} as of git:{name} is not UTF-8") from error
