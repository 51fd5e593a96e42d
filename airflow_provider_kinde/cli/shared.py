"""Shared by the commands: common options, opening spec, source and connection, files, progress and output."""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from airflow_provider_kinde.cli.connection import Connection
from airflow_provider_kinde.cli.progress import Progress
from airflow_provider_kinde.exceptions import SyncError

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.plan.recent import RecentChanges
    from airflow_provider_kinde.sync.plan.run_request import RunRequest
    from airflow_provider_kinde.sync.report.plan_file import PlanFile
    from airflow_provider_kinde.sync.report.run_facts import RunFacts
    from airflow_provider_kinde.sync.spec.models import SyncSpec

USAGE_EXIT = 2
PLAN_EXIT = {"no changes": 0, "changes": 2, "blocked": 3}
AGAINST_EXIT = {"same": 0, "differs": 2, "blocked": 3, "failed": 1}
APPLY_EXIT = {"no changes": 0, "changes": 0, "blocked": 3, "failed": 1}


def add_common(command: argparse.ArgumentParser, *, now: bool = True) -> None:
    """Add ``--spec``, ``--conn`` and ``--now``.

    :param command: the parser of one command.
    :param now: whether the command has ``--now``.
    """
    command.add_argument("--spec", metavar="FILE", required=True, help="the spec file")
    command.add_argument("--conn", metavar="ID", help="Airflow connection, instead of the spec's kinde_conn_id")
    if now:
        command.add_argument(
            "--now", metavar="TIME", help="the moment to plan for, ISO 8601; the current time when left out"
        )


def add_selection(command: argparse.ArgumentParser) -> None:
    """Add ``--id`` and ``--only``, which restrict a plan to some people or some kinds of changes.

    :param command: the parser of one command.
    """
    command.add_argument(
        "--id",
        metavar="ID",
        nargs="+",
        action="extend",
        dest="ids",
        help="only these HR ids; no person counts as absent then",
    )
    command.add_argument(
        "--only", metavar="KIND,...", type=_kinds, help="only these kinds of changes, such as create,suspend"
    )


def add_redact(command: argparse.ArgumentParser) -> None:
    """Add ``--redact``, which keeps names, addresses and properties out of the output and the files.

    :param command: the parser of one command.
    """
    command.add_argument(
        "--redact", action="store_true", help="show and write HR ids only: no names, addresses and properties"
    )


def add_format(command: argparse.ArgumentParser) -> None:
    """Add ``--format`` and ``--json``.

    :param command: the parser of one command.
    """
    command.add_argument(
        "--format",
        choices=["text", "json", "markdown", "html"],
        default="text",
        help="how to print it (default: %(default)s); markdown is made for a review comment, below 60 KB",
    )
    command.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")


def add_full(command: argparse.ArgumentParser) -> None:
    """Add ``--full``, which lists every person.

    :param command: the parser of one command.
    """
    command.add_argument(
        "--full", action="store_true", help="list every person and change; else large plans are grouped, with samples"
    )


def add_approval(command: argparse.ArgumentParser) -> None:
    """Add ``--approve`` and ``--approve-protected``.

    :param command: the parser of one command.
    """
    command.add_argument(
        "--approve", metavar="HASH", type=_hash, help="let the plan with this hash pass the volume guards"
    )
    add_protected(command)


def _hash(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("expected the hash of a plan, got an empty text: was a variable not set?")
    return text.strip()


def add_protected(command: argparse.ArgumentParser) -> None:
    """Add ``--approve-protected``. The protected people named by it are part of the plan and its hash.

    :param command: the parser of one command.
    """
    command.add_argument(
        "--approve-protected", metavar="ID", nargs="+", action="extend", default=[],
        help="let these protected people lose their access, be renamed or be adopted",
    )  # fmt: skip


def _kinds(text: str) -> list[str]:
    return [kind.strip() for kind in text.split(",") if kind.strip()]


def open_all(options: argparse.Namespace, progress: Progress) -> tuple[SyncSpec, Any, Connection]:
    """Load the spec, make its source, and begin to open its Kinde connection.

    :param options: the parsed arguments.
    :param progress: told while Airflow starts.
    :returns: spec, source and connection.
    :raises SyncError: the spec or ``--now`` cannot be used.
    """
    from airflow_provider_kinde.sources import make_source
    from airflow_provider_kinde.sync.plan.run_request import moment
    from airflow_provider_kinde.sync.spec.models import SyncSpec

    spec = SyncSpec.load(options.spec)
    source = make_source(spec)
    moment(options.now)  # a wrong --now fails before the connection is opened
    return spec, source, open_client(options, spec, progress)


def run_request(
    options: argparse.Namespace, spec: SyncSpec, client: Any, check: Callable[[], None] = lambda: None
) -> RunRequest:
    """What ``--now``, ``--id``, ``--only``, ``--approve`` and ``--approve-protected`` say, where a command has them.

    :param options: the parsed command line.
    :param spec: the spec.
    :param client: a client for Kinde.
    :param check: called once Airflow has started, before anything is written to Kinde.
    :raises SyncError: one of them makes no sense.
    """
    from airflow_provider_kinde.sync.plan.run_request import RunRequest

    given = {name: getattr(options, name, None) for name in ("now", "ids", "only", "approve", "approve_protected")}

    def recent() -> RecentChanges:
        client.get_conn()  # before Airflow's configuration is asked for: Airflow starts in another thread
        check()
        return recent_changes(options, spec, client)

    return RunRequest.of(**given, recent=functools.cache(recent))


def recent_changes(options: argparse.Namespace, spec: SyncSpec, client: Any) -> RecentChanges:
    """What runs of the last day did: from the reports of Airflow's tasks, and those in the folder of ``--report``.

    :param options: the parsed command line.
    :param spec: the spec.
    :param client: a client for Kinde.
    """
    client = client.get_conn()  # before Airflow's configuration is asked for: Airflow starts in another thread
    from airflow_provider_kinde.storage.recent import recent_beside, recent_in_storage
    from airflow_provider_kinde.storage.run_files import default_path
    from airflow_provider_kinde.sync.plan.recent import RecentChanges
    from airflow_provider_kinde.sync.plan.run_request import moment

    now = moment(options.now)
    found = [recent_in_storage(default_path(), spec, client, now)]
    if report := getattr(options, "report", None):
        found.append(recent_beside(report, spec, client, now))
    return RecentChanges.joined(found)


def open_client(options: argparse.Namespace, spec: SyncSpec, progress: Progress) -> Connection:
    """Begin to open the connection of ``--conn``, or else of the spec.

    :param options: the parsed arguments.
    :param spec: the spec.
    :param progress: told while Airflow starts.
    :returns: the connection.
    """
    return Connection(options.conn or spec.kinde_conn_id, progress)


def open_file(path: str) -> TextIO:
    """Open a file that an earlier run wrote.

    :param path: the file; also one where tasks keep their files, such as ``s3://aws_default@bucket/kinde/…``.
    :raises FileNotFoundError: there is no such file.
    :raises StorageError: the store cannot be read.
    """
    from airflow_provider_kinde.storage import run_files

    if run_files.local_path(path) is None:
        from airflow_provider_kinde.cli.airflow_context import open_connections

        open_connections()  # the connection to the store is Airflow's
    return run_files.opened(path)


def read_report(path: str) -> dict[str, Any]:
    """Read a report that an earlier run wrote.

    :param path: the file, as for :func:`open_file`.
    :returns: its content.
    :raises SyncError: the file cannot be read, or holds no JSON object.
    """
    try:
        with open_file(path) as file:
            found = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise SyncError(f"the report file {path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise SyncError(f"the report file {path} does not hold a report")
    return found


def read_plan(path: str) -> PlanFile:
    """Read a plan file that ``plan --out`` or a task wrote.

    :param path: the file, as for :func:`open_file`.
    :returns: the plan file.
    :raises SyncError: the file cannot be read, or is no plan file.
    """
    from airflow_provider_kinde.sync.report.plan_file import PlanFile

    try:
        return PlanFile.read(lambda: open_file(path))
    except SyncError:
        raise
    except (OSError, ValueError) as error:
        raise SyncError(f"the plan file {path} cannot be read: {error}") from error


def run_facts(command: str) -> RunFacts:
    """Begin to measure a run of a command, for plan and report.

    :param command: the name of the command.
    """
    from airflow_provider_kinde.sync.report.run_facts import RunFacts
    from airflow_provider_kinde.version_compat import user_agent

    return RunFacts(user_agent(), command=command)


def page_beside(path: str) -> str:
    """The file of the page that is written beside a plan or a report.

    :param path: the file of the plan or the report.
    :raises SyncError: the file has the name of a page itself.
    """
    page = str(Path(path).with_suffix(".html"))
    if page == path:
        raise SyncError(f"{path}: name a file that ends in .json; the page is written beside it")
    return page


def files_line(what: str, path: str) -> str:
    """Say which files were written: a plan or a report, and its page.

    :param what: ``plan`` or ``report``.
    :param path: the file, with a page beside it.
    :returns: the line; empty where no file was asked for.
    """
    return f"{path}: the {what}; {page_beside(path)}: the same as a page" if path else ""


def check_writable(path: str) -> None:
    """Check before the first write to Kinde that a file can be written.

    :param path: the file.
    :raises SyncError: the file cannot be written.
    """
    target = Path(path)
    if target.exists() and not target.is_dir() and not target.is_file():
        raise SyncError(f"{path} could not be written: it is a device or a pipe, not a regular file. Name a file")
    folder = target.resolve().parent
    if Path(path).is_dir():
        raise SyncError(f"{path} could not be written: it is a folder. Name a file")
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise SyncError(f"{path} could not be written: no folder {folder}, or no permission to write to it")
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(b"x")
    except OSError as error:
        raise SyncError(f"{path} could not be written: {error.strerror or error}") from error


def write_private(path: str, text: str | Iterable[str]) -> None:
    """Write a file that only its owner can read. An error leaves no partial file.

    :param path: the file; an existing one is replaced.
    :param text: the text, or its pieces.
    :raises SyncError: the folder does not exist or cannot be written to.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.resolve().parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.writelines([text] if isinstance(text, str) else text)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink()  # a partial plan holds names too
            raise
    except OSError as error:
        raise SyncError(f"{path} could not be written: {error.strerror or error}") from error


def keep(path: str, text: str | Iterable[str]) -> str:
    """Write what was done to a file whose place was tried before. The disk may be full now.

    :param path: the file.
    :param text: the text, or its pieces.
    :returns: why it could not be written; empty if it was. What was done then belongs on standard output.
    """
    try:
        write_private(path, text)
    except SyncError as error:
        return f"{error}. The report stands on standard output instead"
    return ""


def to_json(document: Any) -> str:
    """Convert a document to JSON text.

    :param document: the document.
    :returns: JSON text with line breaks and a final line break.
    """
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def color() -> bool:
    """Whether to print colours.

    :returns: true if standard output is a terminal and ``NO_COLOR`` is not set.
    """
    return sys.stdout is not None and sys.stdout.isatty() and "NO_COLOR" not in os.environ


def show(text: str | Iterable[str]) -> None:
    """Print to standard output.

    :param text: the text, or its pieces.
    """
    if sys.stdout is None:  # closed by the caller (`>&-`): the exit code still says how it went
        return
    writer: Callable[[str], Any] = sys.stdout.write
    try:
        for piece in [text] if isinstance(text, str) else text:
            try:
                writer(piece)
            except UnicodeEncodeError:  # a terminal in an old encoding
                writer(piece.encode("ascii", "backslashreplace").decode())
        sys.stdout.flush()
    except OSError as error:
        # What was written to Kinde is written: the exit code must say so, even if the reader of the output has gone.
        if not isinstance(error, BrokenPipeError) and sys.stderr is not None:
            print(f"standard output could not be written: {error.strerror or error}", file=sys.stderr)
        # Python would write the rest at its end, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(message: str) -> int:
    """Print an error to standard error.

    :param message: the message; each line gets the prefix ``error:``.
    :returns: the exit code 1.
    """
    from airflow_provider_kinde.sync.report.text import clean

    for line in message.splitlines() or [""] if sys.stderr is not None else []:
        print(f"error: {clean(line)}", file=sys.stderr)
    return 1
