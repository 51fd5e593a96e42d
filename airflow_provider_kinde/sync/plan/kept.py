"""Exceptions that end: the ``keep`` entries of a spec, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.snapshot.reader import Snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.near_ids import near_ids, suggestion
from airflow_provider_kinde.sync.store.people import People

WARNED_DAYS = 7
"""Days before its end in which plan and report name an entry."""


def utc_today() -> date:
    """The present day in UTC."""
    return datetime.now(timezone.utc).date()


def keep_warnings(spec: SyncSpec, today: date) -> Iterator[str]:
    """Yield a line for each ``keep`` entry that ends within a week, or has ended.

    :param spec: the spec.
    :param today: the UTC day of the run.
    """
    for index, entry in enumerate(spec.keep):
        if entry.until is None or entry.until > today + timedelta(days=WARNED_DAYS):
            continue
        who = f"keep[{index}] ({entry.email or 'id ' + str(entry.id)}, {entry.organization})"
        owner = f". Owner: {entry.owner}" if entry.owner else ""
        if entry.ended(today):
            yield f"{who} ended on {entry.until} and keeps nothing any more: remove the entry, or extend it{owner}"
            continue
        days = (entry.until - today).days
        left = "today" if not days else "tomorrow" if days == 1 else f"in {counted(days, 'day')}"
        yield f"{who} ends on {entry.until}, {left}: the rules decide afterwards{owner}"


def unknown_names(spec: SyncSpec, people: People, snapshot: Snapshot) -> Iterator[str]:
    """Yield a line for each id and address in ``keep`` and ``protect`` that no person has: a typo protects no one.

    :param spec: the spec.
    :param people: what HR says.
    :param snapshot: what Kinde says.
    """
    ids = [(f"keep[{index}]", entry.id) for index, entry in enumerate(spec.keep) if entry.id]
    ids += [("protect.ids", id) for id in sorted(spec.protect.ids)]
    for key, id in ids:
        if id not in people.ids and id not in snapshot.linked:
            near = suggestion(near_ids(people.database, id))
            yield f"{key} names the id {id}: no HR row and no account of this sync has it{near}"
    emails = [(f"keep[{index}]", entry.email) for index, entry in enumerate(spec.keep) if entry.email]
    emails += [("protect.emails", email) for email in sorted(spec.protect.emails)]
    for key, email in emails:
        if not snapshot.accounts.with_address(email) and not people.persons.count_address(email):
            yield f"{key} names {email}: no HR row and no account has this address"
