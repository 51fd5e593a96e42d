"""The command ``history``: what was done by which run, whether the history is whole, and evidence for auditors."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.cli.progress import Progress
from airflow_provider_kinde.cli.shared import add_common, fail, open_all, show
from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import ProviderError, SyncError

if TYPE_CHECKING:
    from airflow_provider_kinde.storage.history import History
    from airflow_provider_kinde.sync.signature import Sign
    from airflow_provider_kinde.sync.spec.models import SyncSpec

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def add_commands(commands: Any) -> None:
    """Add the command to the command line.

    :param commands: the subparsers of the command line.
    """
    history = commands.add_parser(
        "history", help="list the runs of a spec, what happened to one person, or check that the history is whole"
    )
    add_common(history)
    history.add_argument(
        "--storage", metavar="PATH", help="where plans and reports are kept, instead of [kinde] storage_path"
    )
    history.add_argument("--from", metavar="DAY", type=_day, dest="begin", help="first day, such as 2026-01-01 (UTC)")
    history.add_argument("--to", metavar="DAY", type=_day, dest="end", help="last day (UTC)")
    who = history.add_mutually_exclusive_group()
    who.add_argument("--id", metavar="ID", help="what happened to the person with this HR id")
    who.add_argument("--email", metavar="ADDRESS", help="the same by an address of the person, in HR or in Kinde")
    history.add_argument("--verify", action="store_true", help="check that no entry was changed, moved or taken away")
    history.add_argument(
        "--head", metavar="HASH", default="",
        help="with --verify or --evidence: the hash of an entry that must be there, from a log, a notification or a "
        "report",
    )  # fmt: skip
    history.add_argument(
        "--signed-by", metavar="ID", nargs="+", action="extend", default=[],
        help="with --verify or --evidence: further connections whose client secrets signed entries: of another Kinde "
        "application, or with a secret that was replaced",
    )  # fmt: skip
    history.add_argument(
        "--evidence",
        metavar="DIR",
        help="write evidence for auditors of the days --from to --to: five tables and a page",
    )
    history.add_argument(
        "--held-days", metavar="N", type=int, default=7,
        help="with --evidence: list people who were held for longer than so many days (default: %(default)s)",
    )  # fmt: skip
    history.add_argument("--json", action="store_true", help="print the first line of each entry as JSON")
    history.set_defaults(command=_history)


def _day(text: str) -> str:
    try:
        if _DAY.fullmatch(text) and date.fromisoformat(text) < date.max:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-01-31")


def _history(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.storage.history_settings import open_history
    from airflow_provider_kinde.sync.spec.models import SyncSpec

    if options.head and not (options.verify or options.evidence):
        raise SyncError("--head needs --verify or --evidence: it is checked with the chain")
    if options.evidence and not (options.begin and options.end):
        raise SyncError("--evidence needs --from and --to: the first and the last day, such as 2026-01-01")
    if options.begin and options.end and options.begin > options.end:
        raise SyncError(f"--from {options.begin} is after --to {options.end}")
    spec = SyncSpec.load(options.spec)
    if options.storage is None:
        _start_airflow()
    history = open_history(spec.name, options.storage)
    if options.verify:
        return _verify(history, spec, options)
    if options.evidence:
        return _evidence(history, spec, options)
    return _show(history, spec.name, options)


def _keys(spec: SyncSpec, options: argparse.Namespace) -> dict[str, Sign]:
    """The client secrets of the connections that sign entries. Without the spec's, signatures are not checked."""
    from airflow_provider_kinde.cli.connection import open_connection

    found: dict[str, Sign] = {}
    for conn_id in [options.conn or spec.kinde_conn_id, *options.signed_by]:
        try:
            with open_connection(conn_id) as client:
                found[conn_id] = client.sign
        except ProviderError as error:
            if options.conn or options.signed_by:
                raise
            show(f"note: signatures are not checked: {error}\n")
    return found


def _evidence(history: History, spec: SyncSpec, options: argparse.Namespace) -> int:
    from airflow_provider_kinde.storage.evidence import collect, write_evidence

    begin, end = options.begin, options.end
    if not history.numbers():
        raise SyncError(f"no run of {spec.name} stands in {history.folder}: there is nothing to show")
    with Progress(f"reading {history.folder}"):
        known, keys = options.head.strip().lower(), _keys(spec, options)
        tables, check = collect(history, begin, end, known=known, held_days=options.held_days, keys=keys)
        paths = write_evidence(options.evidence, spec.name, begin, end, tables)
    show(f"{path}: {counted(len(table.rows), 'row')}\n" for path, table in zip(paths, tables, strict=False))
    show(f"{paths[-1]}\n")
    if check.problems:
        return fail(f"the history in {history.folder} is not whole, and completeness.csv says so: {check.problems[0]}")
    return 0


def _start_airflow() -> None:
    """Load Airflow's configuration as the other commands do, without opening its database."""
    from airflow_provider_kinde.cli.airflow_context import open_connections

    open_connections()


def _verify(history: History, spec: SyncSpec, options: argparse.Namespace) -> int:
    from airflow_provider_kinde.storage.history_check import check_chain, check_lines

    check = check_chain(history, options.head.strip().lower(), _keys(spec, options))
    show(f"{line}\n" for line in check_lines(check))
    if check.problems:
        return fail(f"the history in {history.folder} is not whole: keep it as it is, and look for a copy")
    return 0


def _show(history: History, spec_name: str, options: argparse.Namespace) -> int:
    from airflow_provider_kinde.storage.history_reader import heads, read_entries
    from airflow_provider_kinde.sync.history.table import person_lines, run_lines

    begin, end = options.begin or "", options.end or ""
    when = f" from {begin or 'the beginning'} to {end or 'now'}" if begin or end else ""
    if options.id or options.email:
        id = options.id or _find_id(options)
        show(f"{line}\n" for line in person_lines(read_entries(history, begin, end), id.strip(), when))
        return 0
    found: Iterator[dict[str, Any]] = heads(history, begin, end)
    first = next(found, None)
    if first is None:
        show(f"no run of {spec_name}{when} stands in {history.folder}\n")
        return 0

    def listed() -> Iterator[dict[str, Any]]:
        yield first
        yield from found

    show(f"{json.dumps(head)}\n" for head in listed()) if options.json else show(
        f"{line}\n" for line in run_lines(listed())
    )
    return 0


def _find_id(options: argparse.Namespace) -> str:
    from airflow_provider_kinde.sync.person.by_address import find_id

    with Progress(f"reading {options.spec}") as progress:
        spec, source, client = open_all(options, progress)
        with client:
            return str(find_id(spec, source, client, options.email, options.now))
