"""Commands that correct what the sync does not decide by itself: relink, release, undo."""

from __future__ import annotations

import argparse
from typing import Any

from airflow_provider_kinde.cli import next_steps
from airflow_provider_kinde.cli.interruption import EXIT, ignore_interruptions
from airflow_provider_kinde.cli.progress import Progress
from airflow_provider_kinde.cli.run_history import CommandHistory, add_approved_by
from airflow_provider_kinde.cli.shared import (
    APPLY_EXIT,
    PLAN_EXIT,
    add_approval,
    add_common,
    add_full,
    add_protected,
    check_writable,
    color,
    fail,
    files_line,
    keep,
    open_all,
    open_client,
    page_beside,
    read_report,
    recent_changes,
    show,
    to_json,
)
from airflow_provider_kinde.exceptions import SyncError

AGAIN = "interrupted. Run the same command again: it does what is left"


def add_commands(commands: Any) -> None:
    """Add the commands.

    :param commands: the result of ``add_subparsers``.
    """
    relink = commands.add_parser("relink", help="give an account the link of another HR id")
    add_common(relink)
    relink.add_argument("--from", metavar="OLD", required=True, dest="old", help="the HR id that the account carries")
    relink.add_argument("--to", metavar="NEW", required=True, dest="new", help="the HR id that it will carry")
    add_protected(relink)
    add_approved_by(relink)
    relink.add_argument("--dry-run", action="store_true", help="check and show what would be written; write nothing")
    relink.set_defaults(command=_relink, interrupted=AGAIN)

    release = commands.add_parser(
        "release", help="take the address off a leaver's account, so that another account can have it"
    )
    add_common(release, now=False)
    release.add_argument("--id", metavar="OLD", required=True, help="the leaver's HR id")
    release.add_argument("--email", metavar="ADDRESS", help="a secondary address, instead of the primary one")
    add_protected(release)
    add_approved_by(release)
    release.add_argument("--dry-run", action="store_true", help="check and show what would be written; write nothing")
    release.set_defaults(command=_release, interrupted=AGAIN)

    undo = commands.add_parser("undo", help="show or apply the way back from a report, through the same guards")
    add_common(undo)
    undo.add_argument("--report", metavar="FILE", required=True, help="the report.json of the run to undo")
    undo.add_argument(
        "--id", metavar="ID", nargs="+", action="extend", dest="ids", help="undo the changes of these HR ids only"
    )
    undo.add_argument("--apply", action="store_true", help="write to Kinde; without it, only show the plan")
    add_approval(undo)
    add_approved_by(undo)
    undo.add_argument(
        "--out", metavar="FILE", help="write the plan, or with --apply the report, as JSON, and as a page beside it"
    )
    undo.add_argument("--json", action="store_true", help="print JSON instead of text")
    add_full(undo)
    undo.set_defaults(command=_undo)


def _relink(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sync.repair.relink import relink

    progress, history = Progress(f"reading {options.spec}"), CommandHistory("relink", options)
    spec, source, client = open_all(options, progress)
    with history.failures(client, writes=not options.dry_run), client:
        client.get_conn()
        if not options.dry_run:
            history.check(spec.name)
        found = relink(
            spec,
            source,
            client,
            options.old,
            options.new,
            dry_run=options.dry_run,
            approve_protected=options.approve_protected,
            now=options.now,
            progress=progress,
        )
    entry = ""
    if found.written:
        account = found.account
        operation = {"op": "relink", "id": options.new.strip(), "from": options.old.strip(), "user": account.id}
        entry = history.write_change(spec, client, operation)
    return _told(found.text(), entry, history)


def _told(text: str, entry: str, history: CommandHistory) -> int:
    show(text + (f"  {entry}\n" if entry else ""))
    return fail(history.problem) if history.problem else 0


def _release(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sync.repair.release import release
    from airflow_provider_kinde.sync.spec.models import SyncSpec

    progress, history = Progress(f"reading {options.spec}"), CommandHistory("release", options)
    spec = SyncSpec.load(options.spec)
    client = open_client(options, spec, progress)
    with history.failures(client, writes=not options.dry_run), client:
        client.get_conn()
        if not options.dry_run:
            history.check(spec.name)
        found = release(
            spec,
            client,
            options.id,
            email=options.email,
            dry_run=options.dry_run,
            approve_protected=options.approve_protected,
            progress=progress,
        )
    entry = ""
    if found.steps and not found.dry_run:
        operation = {"op": "release", "id": options.id.strip(), "user": found.account.id}
        entry = history.write_change(spec, client, operation)
    return _told(found.text(), entry, history)


def _undo(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sync.apply.stages import apply_plan
    from airflow_provider_kinde.sync.repair.undo import make_undo
    from airflow_provider_kinde.sync.spec.models import SyncSpec

    progress, history = Progress(f"reading {options.report}"), CommandHistory("undo", options)
    spec = SyncSpec.load(options.spec)
    document = read_report(options.report)
    if options.approve and not options.apply:
        raise SyncError("--approve needs --apply: without --apply nothing is written, so nothing needs approval")
    if options.out:
        check_writable(options.out)
        check_writable(page_beside(options.out))
    client = open_client(options, spec, progress)
    with history.failures(client, writes=options.apply), client:
        client.get_conn()
        if options.apply:
            history.check(spec.name)
        undo = make_undo(
            spec,
            client,
            document,
            now=options.now,
            ids=options.ids,
            approve_protected=options.approve_protected,
            recent=recent_changes(options, spec, client),
            progress=progress,
        )
        report = apply_plan(undo.plan, client, approve=options.approve, progress=progress) if options.apply else None
    entry = ""
    if report:
        ignore_interruptions()
        entry = history.write(undo.plan, report)
    text = to_json(undo.to_json(report))
    unkept = keep(options.out, text) or keep(page_beside(options.out), undo.page(report)) if options.out else ""
    if options.json or unkept:
        show(text)
    else:
        told = "".join(f"{line}\n" for line in next_steps.after_undo(undo.plan, report, options))
        kept = [line for line in (entry, files_line("report" if report else "plan", options.out)) if line]
        show(undo.text(report, color(), full=options.full) + "".join(f"{line}\n" for line in kept) + told)
    for problem in filter(None, (unkept, history.problem)):
        fail(problem)
    if unkept or (history.problem and report and not report.blocked):
        return 1
    if report and report.interrupted:
        return EXIT
    return APPLY_EXIT[report.outcome] if report else PLAN_EXIT[undo.plan.outcome]
