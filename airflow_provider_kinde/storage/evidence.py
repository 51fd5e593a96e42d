"""Write evidence for auditors from a history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage import run_files
from airflow_provider_kinde.storage.history import History
from airflow_provider_kinde.storage.history_check import ChainCheck, check_chain
from airflow_provider_kinde.storage.history_reader import heads
from airflow_provider_kinde.sync.history.accounts import AccountStates
from airflow_provider_kinde.sync.history.content import names_entry
from airflow_provider_kinde.sync.history.evidence import HELD_DAYS, Evidence, Table
from airflow_provider_kinde.sync.history.evidence_page import evidence_page
from airflow_provider_kinde.sync.signature import Sign

_LAST_DAY = "9000-01-01"
"""A day after all entries."""


def collect(
    history: History,
    begin: str,
    end: str,
    *,
    known: str = "",
    held_days: int = HELD_DAYS,
    keys: Mapping[str, Sign] = MappingProxyType({}),
) -> tuple[list[Table], ChainCheck]:
    """Read a history and make the tables of some days.

    :param history: the history.
    :param begin: first day (UTC), such as ``2026-01-01``.
    :param end: last day (UTC).
    :param known: hash of an entry that must be there, from a log, a notification or a report; empty for none.
    :param held_days: days after which a person who is held is listed as an exception.
    :param keys: id of a Kinde connection -> signs with its client secret.
    :returns: the tables, and whether the chain is whole.
    :raises StorageError: the store cannot be read.
    """
    check = check_chain(history, known, keys)
    evidence = _read(history, Evidence(begin, end, held_days))
    found = [("chain", "whole" if not check.problems else "NOT WHOLE"), ("head (SHA-256)", check.head)]
    found += [("problem of the chain", problem) for problem in check.problems]
    found += [("note on the chain", note) for note in [*check.notes, *check.checkpoints, *check.checked]]
    with names_entry(None):
        return evidence.tables(found), check
    raise AssertionError("unreachable")


def known_access(history: History) -> AccountStates:
    """Read from a history since when each account has what it has.

    :param history: the history.
    :returns: the accounts as they were at the end of the last entry; none for an empty history.
    :raises StorageError: the store cannot be read.
    """
    return _read(history, Evidence(_LAST_DAY, _LAST_DAY)).states


def _read(history: History, evidence: Evidence) -> Evidence:
    for head in heads(history):
        if "unreadable" in head:
            evidence.entry(head, iter(()))
            continue
        with names_entry(head["number"]):
            if evidence.wants(head):
                with history.entry(head["number"]) as (_, lines):
                    evidence.entry(head, map(json.loads, lines))
    return evidence


def write_evidence(folder: str, spec_name: str, begin: str, end: str, tables: list[Table]) -> list[str]:
    """Write the tables as CSV files, and as one page.

    :param folder: the folder; it is made if it is missing.
    :param spec_name: the spec's name.
    :param begin: the first day.
    :param end: the last day.
    :param tables: the tables.
    :returns: the paths.
    :raises StorageError: a file cannot be written.
    """
    place = Path(folder)
    if place.exists() and not place.is_dir():
        raise StorageError(f"{folder} is not a folder: name one for the files of the evidence")
    paths = []
    for table in tables:
        paths.append(str(place / f"{table.name}.csv"))
        run_files.write(paths[-1], table.lines())
    paths.append(str(place / "evidence.html"))
    run_files.write(paths[-1], evidence_page(spec_name, begin, end, tables))
    return paths
