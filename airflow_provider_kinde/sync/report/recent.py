"""Read from a report what its run took away and changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

import pendulum

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.plan.recent import RecentChanges, first_day
from airflow_provider_kinde.sync.plan.run_request import moment
from airflow_provider_kinde.sync.report.plan_file import PlanFile
from airflow_provider_kinde.sync.signature import Sign

_NAMES = {"given_name", "family_name"}


def changes_of_report(
    open_file: Callable[[], TextIO], name: str, spec_name: str, host: str, now: pendulum.DateTime, sign: Sign
) -> RecentChanges:
    """Read what one report says was done today or yesterday.

    A report without a right signature counts as well, since it can only make the guards stricter. But it may hide
    something, so there is a warning.

    :param open_file: opens the report; it may be called twice.
    :param name: what messages call the report.
    :param spec_name: the spec's name; reports of others hold nothing that counts.
    :param host: Kinde's host.
    :param now: the moment of the run.
    :param sign: signs bytes: a client's ``sign``.
    """
    try:
        file = PlanFile.read(open_file)
        head = file.head
        if (head.get("spec"), head.get("host", host)) != (spec_name, host) or "requests" not in head:
            return RecentChanges()
        if moment(str(head["created_at"])).in_timezone("UTC").date() < first_day(now):
            return RecentChanges()
        codes = dict(head.get("organizations") or {})
    except (SyncError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        return RecentChanges(warnings=(_unread(name, error),))
    removed: dict[str, set[str]] = {}
    renamed = set()
    names = set()
    for change in file.operations.of("remove_membership", "rename", "update"):
        if change.outcome == "done" and change.kind == "update":
            if (change.after or {}).keys() & _NAMES:
                names.add(change.digest)
        elif change.outcome == "done" and change.kind == "rename":
            renamed.add(change.id)
        elif change.outcome == "done":
            removed.setdefault(str(codes.get(change.alias, "")), set()).add(change.id)
    warnings: tuple[str, ...] = ()
    try:
        file.content.check(head, sign, name)
    except SyncError as error:
        warnings = (f"the guards may not see all changes of the last day: {error}",)
    taken = {code: frozenset(ids) for code, ids in removed.items()}
    return RecentChanges(taken, frozenset(renamed), warnings, frozenset(names))


def _unread(name: str, error: Exception) -> str:
    reason = (isinstance(error, OSError) and error.strerror) or f"{type(error).__name__}"
    return f"the guards do not see the changes of an earlier run, since {name} cannot be read ({reason})"
