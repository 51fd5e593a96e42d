"""Read the entries of a history, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage.history import History
from airflow_provider_kinde.sync.history.content import names_entry


def heads(history: History, begin: str = "", end: str = "") -> Iterator[dict[str, Any]]:
    """Yield the first line of each entry.

    :param history: the history.
    :param begin: first day (UTC), such as ``2026-01-01``; empty for the first entry.
    :param end: last day (UTC); empty for the last entry.
    :returns: the lines; of an entry that cannot be read, its number and why (``unreadable``).
    :raises StorageError: the store cannot be listed.
    """
    for number in history.numbers():
        try:
            head = history.head_line(number)
        except (StorageError, FileNotFoundError) as error:
            yield {"number": number, "unreadable": str(error)}
            continue
        if in_days(head, begin, end):
            yield head


def in_days(head: dict[str, Any], begin: str, end: str) -> bool:
    """Whether a run was in some days, by the moment for which it was made.

    :param head: the first line of the entry.
    :param begin: first day (UTC); empty for no bound.
    :param end: last day (UTC); empty for no bound.
    """
    day = str(head.get("at") or head.get("written") or "")[:10]
    return (not begin or day >= begin) and (not end or day <= end)


def read_entries(
    history: History, begin: str = "", end: str = ""
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Yield the first line of each entry with its operations and what it noticed, without lists of accounts.

    :param history: the history.
    :param begin: first day (UTC); empty for the first entry.
    :param end: last day (UTC); empty for the last entry.
    :raises StorageError: an entry cannot be read.
    """
    for head in heads(history, begin, end):
        if "unreadable" in head:
            yield head, []
            continue
        with names_entry(head["number"]), history.entry(head["number"]) as (_, lines):
            changes = [json.loads(line) for line in lines if line.startswith(b"{")]
        yield head, changes
