"""The command line: plan, apply, explain, validate, and a local Kinde to try them on."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.exceptions import KindeError
from airflow_provider_kinde.sync.errors import SyncError

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.spec import SyncSpec

PLAN_EXIT = {"no changes": 0, "changes": 2, "blocked": 3}
APPLY_EXIT = {"no changes": 0, "changes": 0, "blocked": 3, "failed": 1}

EPILOG = """exit codes:
  plan    0 no changes, 2 changes, 3 blocked, 1 error
  apply   0 done, 1 something failed or a protected leaver waits, 3 blocked (nothing was written)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["emulator"]:
        return _emulator(arguments[1:])
    options = parser().parse_args(arguments)
    if not hasattr(options, "command"):
        parser().print_help()
        return 1
    try:
        code: int = options.command(options)
        return code
    except (SyncError, KindeError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _fail("interrupted; a rerun does what is left")
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone (`| head`); Python would complain about it at exit
        return 1


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="python -m airflow_provider_kinde",
        description="Keep Kinde's users, organizations and roles in step with an HR system.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    plan = commands.add_parser("plan", help="show what would be done; reads only")
    _common(plan)
    _selection(plan)
    plan.add_argument("--out", metavar="FILE", help="write the plan as JSON, for `apply --plan`")
    plan.add_argument("--json", action="store_true", help="print the plan as JSON instead of text")
    plan.set_defaults(command=_plan)

    apply = commands.add_parser("apply", help="plan afresh, and do it")
    _common(apply)
    _selection(apply)
    apply.add_argument("--plan", metavar="FILE", help="do only what this plan, at most 7 days old, holds as well")
    apply.add_argument("--approve", metavar="HASH", help="let the plan with this hash pass the volume guards")
    apply.add_argument(
        "--approve-protected", metavar="ID", nargs="+", action="extend", default=[],
        help="let these protected people lose their access",
    )  # fmt: skip
    apply.add_argument("--report", metavar="FILE", help="write the report: JSON, or a table if FILE ends in .csv")
    apply.add_argument("--json", action="store_true", help="print the report as JSON instead of text")
    apply.set_defaults(command=_apply)

    explain = commands.add_parser("explain", help="one person: row, mapping, match, action, with reasons")
    _common(explain)
    explain.add_argument("--id", metavar="ID", required=True, help="the person's HR id")
    explain.set_defaults(command=_explain)

    validate = commands.add_parser("validate", help="check a spec file; no network")
    validate.add_argument("--spec", metavar="FILE", required=True)
    validate.set_defaults(command=_validate)

    commands.add_parser("emulator", help="run a local Kinde (see `emulator --help`)", add_help=False)
    return top


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--spec", metavar="FILE", required=True, help="the spec file")
    command.add_argument("--conn", metavar="ID", help="Airflow connection, instead of the spec's kinde_conn_id")
    command.add_argument("--now", metavar="TIME", help="the moment to plan for, ISO 8601; the wall clock otherwise")


def _selection(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--id", metavar="ID", nargs="+", action="extend", dest="ids", help="these HR ids only; never judges absence"
    )
    command.add_argument("--only", metavar="KIND,...", type=_kinds, help="these kinds of operations only")


def _kinds(text: str) -> list[str]:
    return [kind.strip() for kind in text.split(",") if kind.strip()]


def _plan(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sync.plan import make_plan
    from airflow_provider_kinde.sync.render import plan_text

    spec, source, client = _open(options)
    with client:
        plan = make_plan(
            spec, source, client, now=options.now, ids=options.ids, only=options.only, progress=_Progress()
        )
    document = plan.to_json()
    if options.out:
        write_private(options.out, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    _print(json.dumps(document, indent=2, ensure_ascii=False) + "\n" if options.json else plan_text(plan, _color()))
    return PLAN_EXIT[plan.outcome]


def _apply(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sync.render import report_csv, report_text
    from airflow_provider_kinde.sync.run import apply

    spec, source, client = _open(options)
    plan_file = _read_plan(options.plan) if options.plan else None
    if options.report:
        _check_writable(options.report)
    with client:
        report = apply(
            spec,
            source,
            client,
            plan_file=plan_file,
            approve=options.approve,
            approve_protected=options.approve_protected,
            now=options.now,
            ids=options.ids,
            only=options.only,
            progress=_Progress(),
        )
    document = json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n"
    _print(document if options.json else report_text(report, _color()))
    if options.report:
        write_private(options.report, report_csv(report) if options.report.endswith(".csv") else document)
    return APPLY_EXIT[report.outcome]


def _explain(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sync.explain import explain

    spec, source, client = _open(options)
    with client:
        text, plan = explain(spec, source, client, options.id.strip(), now=options.now, progress=_Progress())
    _print(text)
    return PLAN_EXIT[plan.outcome]


def _validate(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sources import make_source
    from airflow_provider_kinde.sync.spec import SyncSpec

    spec = SyncSpec.load(options.spec)
    make_source(spec)
    rules = len(spec.memberships)
    _print(f"{options.spec}: valid. {spec.name}: {spec.source.type} source, {rules} membership rule(s)\n")
    return 0


def _emulator(arguments: list[str]) -> int:
    try:
        from airflow_provider_kinde.emulator.cli import main as emulator
    except ImportError as error:
        return _fail(f"the emulator needs its extra ({error}): pip install 'airflow-provider-kinde[emulator]'")
    return emulator(arguments)


def _open(options: argparse.Namespace) -> tuple[SyncSpec, Any, Any]:
    """Spec, source and client; the connection comes from Airflow, opened as ``airflow connections`` opens it."""
    from airflow_provider_kinde.sources import make_source
    from airflow_provider_kinde.sync.spec import SyncSpec

    spec = SyncSpec.load(options.spec)
    source = make_source(spec)
    conn_id = options.conn or spec.kinde_conn_id
    from airflow_provider_kinde.airflow_context import open_connections

    open_connections()
    from airflow_provider_kinde.hooks.kinde import KindeHook

    try:
        client = KindeHook(kinde_conn_id=conn_id).get_conn()
    except KindeError:
        raise
    except Exception as error:  # Airflow's own errors (no such connection, no database) have no common type
        raise SyncError(f"the Airflow connection {conn_id!r} cannot be used: {error}") from error
    return spec, source, client


def _read_plan(path: str) -> Any:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SyncError(f"the plan file {path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise SyncError(f"the plan file {path} does not hold a plan")
    return found


def _check_writable(path: str) -> None:
    """Told before the first write to Kinde, not after the last."""
    folder = Path(path).resolve().parent
    if not os.access(folder, os.W_OK):
        raise SyncError(f"the report {path} could not be written: no folder {folder}, or no permission for it")


def write_private(path: str, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all.

    :raises SyncError: when the folder does not exist or cannot be written to.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.resolve().parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).replace(target)
    except OSError as error:
        raise SyncError(f"{path} could not be written: {error.strerror or error}") from error


class _Progress:
    """Progress on long work, to standard error: nothing for the first two seconds, then once a second."""

    def __init__(self) -> None:
        self.next = time.monotonic() + 2

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now >= self.next:
            self.next = now + 1
            print(f"... {stage}: {done}{f' of {total}' if total else ''}", file=sys.stderr, flush=True)


def _color() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _print(text: str) -> None:
    writer: Callable[[str], Any] = sys.stdout.write
    try:
        writer(text)
    except UnicodeEncodeError:  # a terminal in an old encoding
        writer(text.encode("ascii", "backslashreplace").decode())
    sys.stdout.flush()


def _fail(message: str) -> int:
    from airflow_provider_kinde.sync.render import clean

    for line in message.splitlines() or [""]:
        print(f"error: {clean(line)}", file=sys.stderr)
    return 1
