"""Commands for writing a spec: ``init`` drafts one from a file, ``schema`` prints the JSON schema for editors."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from airflow_provider_kinde.cli.connection import Connection
from airflow_provider_kinde.cli.next_steps import command
from airflow_provider_kinde.cli.progress import Progress
from airflow_provider_kinde.cli.shared import show, to_json
from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SyncError


def add_commands(commands: Any) -> None:
    """Add the commands.

    :param commands: the result of ``add_subparsers``.
    """
    init = commands.add_parser(
        "init", help="draft a spec from an HR export, and from the tenant if --conn names one; only reads"
    )
    init.add_argument(
        "--from", metavar="FILE", required=True, dest="source", help="the HR export (CSV, JSON, JSON lines or Parquet)"
    )
    init.add_argument(
        "--conn",
        metavar="ID",
        help="Airflow connection of a tenant: find the rules that explain its memberships. No network when left out",
    )
    init.add_argument("--out", metavar="FILE", help="write the spec to FILE; print it when left out")
    init.add_argument("--force", action="store_true", help="overwrite an existing file")
    init.set_defaults(command=_init)

    schema = commands.add_parser("schema", help="print the JSON schema of a spec for editors, without network")
    schema.set_defaults(command=_schema)


def _init(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sources import make_source
    from airflow_provider_kinde.sync.draft.draft import draft

    if options.out and Path(options.out).exists() and not options.force:
        raise SyncError(f"{options.out} exists. Nothing was written. Add --force to overwrite it")
    with Progress(f"reading {options.source}" if options.conn else "") as progress:
        client = Connection(options.conn, progress) if options.conn else None
        with client or nullcontext():
            text = draft(
                options.source,
                options.out or "",
                make_source=make_source,
                client=client,
                conn_id=options.conn or "kinde_default",
                progress=progress,
            )
    if not options.out:
        show(text)
        return 0
    try:
        Path(options.out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SyncError(f"{options.out} could not be written: {error.strerror or error}") from error
    checks = text.count("# check")
    show(
        f"{options.out}: a draft, {counted(checks, 'line')} marked `# check`. Read it first.\n"
        f"Next: {command('validate', options, spec=options.out)}\n"
    )
    return 0


def _schema(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sync.spec.json_schema import spec_schema

    show(to_json(spec_schema()))
    return 0
