"""Draft a spec from an HR export, and from a tenant where one is given.

Every guess is explained; a guess that is not certain is marked ``# check``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pendulum

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.draft.columns import DraftColumns, guess
from airflow_provider_kinde.sync.draft.end_dates import EndDates, comments, count_end_dates, further_columns
from airflow_provider_kinde.sync.draft.file_reading import (
    HrFile,
    MakeSource,
    count_pairs,
    open_reading,
    read_columns,
    readable,
    source_options,
)
from airflow_provider_kinde.sync.draft.file_text import Parts, department_lines, header, spec_text
from airflow_provider_kinde.sync.draft.tenant import read_tenant
from airflow_provider_kinde.sync.draft.tenant_draft import fill_parts
from airflow_provider_kinde.sync.people.null_texts import NULL_TEXTS
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.spec.date_parser import DateReader
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.sections import UNKNOWN_DOMAIN
from airflow_provider_kinde.sync.tenant import client_of


def draft(
    path: str,
    out: str = "",
    *,
    make_source: MakeSource,
    client: Any = None,
    conn_id: str = "kinde_default",
    progress: Progress | None = None,
) -> str:
    """Draft the spec for an HR export.

    With a client, the tenant is read as well (users, organizations, members; nothing is written), and the draft holds
    the rules that explain today's memberships and roles.

    :param path: the HR export: CSV, JSON, JSON lines or Parquet; a path or a URL of an object storage.
    :param out: where the spec will be written: paths in it are relative to that folder.
    :param make_source: opens the source of a spec.
    :param client: a ``KindeClient`` or a connection that opens one; without it, organizations are drafted from the
        departments of the file.
    :param conn_id: the Airflow connection of the client.
    :param progress: called while long lists are read.
    :returns: a valid spec as YAML, with the evidence of every guess.
    :raises SyncError: the file cannot be read, has no row, or has no column that can be an id; with a client, also
        when it has no column of addresses.
    :raises KindeError: the tenant cannot be read.
    """
    options = source_options(path)
    columns, rows = read_columns(path, options, make_source)
    if nulls := sorted(NULL_TEXTS.intersection(text for column in columns for text in column.counts)):
        options["null_values"] = nulls
        columns, rows = read_columns(path, options, make_source)
    tenant = None
    if client is not None:
        client = client_of(client)
        tenant = read_tenant(client, progress or (lambda stage, done, total: None))
    found = guess(
        columns,
        rows,
        tenant.addresses if tenant else frozenset(),
        lambda *names: count_pairs(open_reading(path, options, make_source), *names),
    )
    if tenant is not None and not found.has_addresses:
        raise SyncError(
            f"{path} has no column of e-mail addresses, so its people cannot be matched to the accounts of "
            f"{tenant.host}. Export the work addresses as well. Nothing was drafted"
        )
    ends = _end_dates(path, options, found, make_source) if found.end_columns else []
    found.read_end_dates(further_columns(ends, found.end_column))
    parts = Parts(conn_id, ends=[*comments(ends, found.end_column), *found.unread_dates])
    parts.sample = next((text for column in columns for text in column.counts if not text.isascii()), "")
    written = {**options, "path": _relative(path, out)}

    def text() -> str:
        return spec_text(found, written, parts)

    file = HrFile(path, options, columns, make_source)
    about: list[str] = []
    if tenant is None:
        parts.organizations = department_lines(found)
        people = file.people(text())
    else:
        people, about = fill_parts(parts, file, found, tenant, client, text)
    found_text = text()
    SyncSpec.parse(readable(found_text))
    if found.status_column is None:
        about.append("check: no column looks like a status. Whose end date is not past has access.")
        if not found.end_column:
            about[-1] = "check: neither a status nor an end date was found: EVERY person of the file has access."
    if not found.has_addresses:
        about += [
            "check: the file has no column of e-mail addresses. Export the work addresses and draft again, or replace",
            f"{UNKNOWN_DOMAIN} below. Until then no command accepts this spec.",
        ]
    return header(path, rows, people, about) + found_text


def _end_dates(path: str, options: dict[str, Any], found: DraftColumns, make_source: MakeSource) -> list[EndDates]:
    """Count the end dates of people whose status gives access."""
    reader = DateReader(found.formats, pendulum.now("UTC").date())
    active = frozenset(value.casefold() for value, _ in found.active)
    rows = open_reading(path, options, make_source)
    return count_end_dates(rows, list(found.end_columns), found.status_column, active, reader, found.start_column)


def _relative(path: str, out: str) -> str:
    """The path for the spec: relative to the spec's folder if the file is below it."""
    if "://" in path or not out:
        return path
    full, folder = Path(path).expanduser().absolute(), Path(out).expanduser().absolute().parent
    return full.relative_to(folder).as_posix() if full.is_relative_to(folder) else str(full)
