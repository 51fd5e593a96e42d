"""Remembers which state of an HR source was synced, so that a DAG can wait for the next one.

There are small files per spec under ``storage_path``: the change that was reported last (written by a sensor or
trigger) and the state that was synced (written by a run that succeeded). They hold tokens and times, no rows. A run
that leaves a change unsynced, such as one that only plans, has a file of its own for what was reported to it.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.exceptions import SourceError, SpecError
from airflow_provider_kinde.storage.run_files import segment
from airflow_provider_kinde.storage.state_files import read_state, write_state

if TYPE_CHECKING:
    from airflow_provider_kinde.resources.conditions import CheckResult

AT_LEAST_EVERY = timedelta(hours=6)
"""First days, last days and grace periods come due without a change in HR's data, and Kinde may have been edited."""
RETRY_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class SourceState:
    """Compares the state of an HR source with the state that was synced. Its parameters can be written as JSON.

    :param spec_text: the text of the spec; the file need not exist where this runs.
    :param spec_file: path of the spec file; relative paths in the spec start at its folder.
    :param root: folder of plans and reports.
    :param at_least_every: seconds after the last sync at which the next one is due without a change; 0 for never.
    :param retry_after: seconds after a failed sync at which the same change is reported again.
    :param stays_due: whether it is reported to a run that leaves the change unsynced: it stays due for the others.
    """

    spec_text: str
    spec_file: str
    root: str
    at_least_every: float
    retry_after: float
    stays_due: bool = False

    @classmethod
    def of(
        cls,
        spec_file: Path,
        root: str,
        at_least_every: timedelta | None,
        retry_after: timedelta,
        *,
        stays_due: bool = False,
    ) -> SourceState:
        """The state of the source of a spec file.

        :param spec_file: the spec file.
        :param root: folder of plans and reports.
        :param at_least_every: how long after the last sync the next one is due without a change; ``None`` for never.
        :param retry_after: how long after a failed sync the same change is reported again.
        :param stays_due: whether it is reported to a run that leaves the change unsynced.
        :raises OSError: the spec file cannot be read.
        """
        seconds = at_least_every.total_seconds() if at_least_every else 0.0
        text = spec_file.read_text(encoding="utf-8-sig")
        return cls(text, str(spec_file.absolute()), root, seconds, retry_after.total_seconds(), stays_due)

    def parameters(self) -> dict[str, Any]:
        """The parameters by name, as JSON can hold them."""
        return asdict(self)

    def interval(self) -> float:
        """How many seconds lie between two checks, unless the DAG says something else."""
        from airflow_provider_kinde.sources import make_source
        from airflow_provider_kinde.sources.change_tokens import THOROUGH, check_interval
        from airflow_provider_kinde.sync.spec.models import SyncSpec

        try:
            return check_interval(make_source(SyncSpec.parse(self.spec_text, self.spec_file)))
        except (SpecError, SourceError):
            return THOROUGH  # the check tells what is wrong

    def check(self, now: datetime | None = None) -> CheckResult:
        """Check once whether a sync is due, and write down that it was reported.

        :param now: the time to compare with; the clock's when left out.
        :returns: met when a sync is due, with ``{why, at, token}``.
        :raises SpecError: the spec is wrong.
        :raises SourceError: the source cannot be read.
        """
        from airflow_provider_kinde.resources.conditions import CheckResult
        from airflow_provider_kinde.sources import make_source
        from airflow_provider_kinde.sources.change_tokens import change_token
        from airflow_provider_kinde.sync.spec.models import SyncSpec

        at = now or datetime.now(timezone.utc)
        spec = SyncSpec.parse(self.spec_text, self.spec_file)
        reported = "fired-still-due" if self.stays_due else "fired"
        synced, fired = (_read(_path(self.root, spec.name, name)) for name in ("synced", reported))
        token = change_token(make_source(spec), synced.get("token"), at)
        why = self._why(token, synced, fired, at)
        if why is None:
            return CheckResult(False, {})
        found = {"why": why, "at": at.isoformat(), "token": token}
        write_state(_path(self.root, spec.name, reported), found)
        return CheckResult(True, found)

    def _why(self, token: str, synced: dict[str, str], fired: dict[str, str], at: datetime) -> str | None:
        if not synced:
            why = "nothing was synced yet"
        elif token != synced["token"]:
            why = "the source changed"
        elif self.at_least_every and _age(synced, at) >= self.at_least_every:
            why = f"the last sync was {_age(synced, at) / 3600:.1f} hours ago"
        else:
            return None
        # The run that this was fired for may be under way, or it failed: trying at once would only fail again.
        same = fired.get("token") == token and fired.get("at", "") > synced.get("at", "")
        return None if same and _age(fired, at) < self.retry_after else why


def fired_for(root: str, spec_name: str) -> dict[str, str]:
    """What the newest change of a watched source was; nothing where no DAG watches it.

    Read it before a sync, for :func:`synced`.

    :param root: where plans and reports are kept.
    :param spec_name: the spec's name.
    """
    return _read(_path(root, spec_name, "fired"))


def synced(root: str, spec_name: str, fired: dict[str, str], now: datetime | None = None) -> None:
    """Write down that a sync of everything succeeded, of a source at least as new as ``fired``.

    :param root: where plans and reports are kept.
    :param spec_name: the spec's name.
    :param fired: what :func:`fired_for` returned before the sync.
    :param now: the moment of the run.
    """
    if fired.get("token"):
        at = (now or datetime.now(timezone.utc)).isoformat()
        write_state(_path(root, spec_name, "synced"), {"token": fired["token"], "at": at})


def _path(root: str, spec_name: str, name: str) -> str:
    return f"{root.rstrip('/')}/{segment(spec_name)}/source-{name}.json"


def _read(path: str) -> dict[str, str]:
    """What was written; nothing where there is nothing, or where it cannot be understood: then a sync is due."""
    found = read_state(path)
    with contextlib.suppress(ValueError):
        if all(isinstance(found.get(key), str) for key in ("token", "at")):
            datetime.fromisoformat(found["at"])
            return found
    return {}


def _age(entry: dict[str, str], at: datetime) -> float:
    return (at - datetime.fromisoformat(entry["at"])).total_seconds()
