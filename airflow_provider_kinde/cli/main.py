"""The entry point, with plan, apply and explain. The other modules add the other commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import chain
from typing import Any

from airflow_provider_kinde.cli import (
    accounts,
    backtest,
    doctor,
    draft,
    history,
    import_file,
    next_steps,
    probe,
    repair,
    reviews,
    scopes,
    validate,
)
from airflow_provider_kinde.cli.interruption import EXIT, ignore_interruptions, interruptible
from airflow_provider_kinde.cli.progress import Progress
from airflow_provider_kinde.cli.run_history import CommandHistory, add_approved_by
from airflow_provider_kinde.cli.shared import (
    AGAINST_EXIT,
    APPLY_EXIT,
    PLAN_EXIT,
    USAGE_EXIT,
    add_approval,
    add_common,
    add_format,
    add_full,
    add_protected,
    add_redact,
    add_selection,
    check_writable,
    color,
    fail,
    files_line,
    keep,
    open_all,
    page_beside,
    read_plan,
    run_facts,
    run_request,
    show,
    to_json,
    write_private,
)
from airflow_provider_kinde.exceptions import KindePermissionError, ProviderError, SyncError, UnknownIdsError

EPILOG = """exit codes:
  plan    0 no changes, 2 changes, 3 blocked, 1 error
          with --against: 0 the rules change nothing today, 2 they change something, 3 nothing could be planned,
                          1 a test of the new spec fails (what the rules change is shown nevertheless)
  apply   0 done, 1 something failed or a protected leaver waits for a decision, 3 blocked (nothing was written)
  undo    like plan; with --apply like apply
  review  0 the lists were written; with --decisions like plan, with --apply like apply
  backtest  0 no day would have been stopped, 3 one would have been; with --against: 0 same, 2 the specs differ
  all     130 ended by Ctrl-C or SIGTERM; 2 wrong usage
  probe   0 done or only described, 1 error, stopped early, or a test object could not be removed
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of ``python -m airflow_provider_kinde``.

    :param argv: the arguments without the program's name; those of the process when left out.
    :returns: the exit code, as the help text lists them. Errors go to standard error as one line each.
    """
    options = parser().parse_args(argv)
    if not hasattr(options, "command"):
        parser().print_help()
        return 1
    try:
        with interruptible():
            code: int = options.command(options)
        return code
    except UnknownIdsError as error:
        fail(str(error))
        return USAGE_EXIT
    except KindePermissionError as error:
        writes_nothing = options.command in (_plan, _apply, _explain) and "nothing was written" not in str(error)
        code = fail(f"{error}{'; nothing was written' if writes_nothing else ''}")
        for line in next_steps.after_refusal(options):
            print(line, file=sys.stderr)
        return code
    except ProviderError as error:
        return fail(str(error))
    except KeyboardInterrupt:
        fail(getattr(options, "interrupted", "interrupted; nothing was written"))
        return EXIT
    except BrokenPipeError:
        sys.stderr.close()  # the reader closed the pipe (`| head`); Python would print an error at exit
        return 1


def parser() -> argparse.ArgumentParser:
    """Build the parser.

    :returns: the parser with all commands and their options.
    """
    top = argparse.ArgumentParser(
        prog="python -m airflow_provider_kinde",
        description="Keep Kinde's users, organizations and roles in step with an HR system.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the versions of provider, Airflow and Python")
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    plan = commands.add_parser("plan", help="show what apply would do; only reads")
    add_common(plan)
    add_selection(plan)
    add_protected(plan)
    plan.add_argument(
        "--out", metavar="FILE", help="write the plan as JSON, for `apply --plan`, and as a page beside it (.html)"
    )
    add_format(plan)
    plan.add_argument(
        "--personal-data", action="store_true", help="with --format markdown: show names, addresses and values, too"
    )
    add_full(plan)
    add_redact(plan)
    plan.add_argument(
        "--import-file",
        metavar="DIR",
        help="write the creations into DIR as files for Kinde's own import, and say how to upload them: for a first "
        "load of thousands",
    )
    plan.add_argument(
        "--against",
        metavar="OLD",
        help="compare with another spec, a file or git:REVISION, over the same HR data and Kinde: show only what the "
        "rules change, and exit with 2 if they change anything",
    )
    plan.set_defaults(command=_plan)

    apply = commands.add_parser("apply", help="plan again and write the changes to Kinde")
    add_common(apply)
    add_selection(apply)
    apply.add_argument(
        "--plan", metavar="FILE", help="apply only what this plan file (at most 7 days old) holds as well"
    )
    add_approval(apply)
    add_approved_by(apply)
    apply.add_argument(
        "--report",
        metavar="FILE",
        help="write the report: JSON, or a table if FILE ends in .csv; and as a page beside it (.html)",
    )
    apply.add_argument("--json", action="store_true", help="print the report as JSON instead of text")
    add_full(apply)
    add_redact(apply)
    apply.set_defaults(command=_apply)

    explain = commands.add_parser(
        "explain", help="show for one person the row, the mapping, the account and the changes"
    )
    add_common(explain)
    who = explain.add_mutually_exclusive_group(required=True)
    who.add_argument("--id", metavar="ID", help="the person's HR id")
    who.add_argument("--email", metavar="ADDRESS", help="an address of the person, in HR or in Kinde")
    explain.add_argument(
        "--as-test",
        action="store_true",
        help="print a test for the spec made of the person's row, with a made-up name and address; Kinde is not read",
    )
    explain.set_defaults(command=_explain)

    accounts.add_commands(commands)
    backtest.add_commands(commands)
    scopes.add_commands(commands)
    doctor.add_commands(commands)
    draft.add_commands(commands)
    history.add_commands(commands)
    repair.add_commands(commands)
    reviews.add_commands(commands)
    probe.add_parser(commands)
    validate.add_commands(commands)
    return top


class _Version(argparse.Action):
    """Prints the versions without importing Airflow."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        for name in ("airflow-provider-kinde", "apache-airflow"):
            try:
                print(name, version(name))
            except PackageNotFoundError:
                print(name, "is not installed")
        print("Python", ".".join(map(str, sys.version_info[:3])))
        parser.exit(0)


def _plan(options: argparse.Namespace) -> int:
    progress = Progress(f"reading {options.spec}")  # before the imports, which take their time
    from airflow_provider_kinde.sync.plan.planner import plan_tested
    from airflow_provider_kinde.sync.report.markdown import plan_markdown
    from airflow_provider_kinde.sync.report.page import plan_page
    from airflow_provider_kinde.sync.report.plan_file import lines
    from airflow_provider_kinde.sync.report.redaction import redact_plan
    from airflow_provider_kinde.sync.report.text import plan_lines

    if options.against:
        return _plan_against(options, progress)
    if options.import_file:
        import_file.check_folder(options)
    if options.out:
        check_writable(options.out)
        check_writable(page_beside(options.out))
    with progress:
        facts = run_facts("plan")
        spec, source, client = open_all(options, progress)
        with client:
            plan = plan_tested(spec, source, client, run_request(options, spec, client), progress=progress)
            plan.run = facts.of(client.get_conn())
            imported = import_file.write_import(options, plan, client) if options.import_file else []
    if options.redact:
        plan = redact_plan(plan)
    if options.out:
        write_private(options.out, lines(plan.document()))
        write_private(page_beside(options.out), plan_page(plan))
    if options.format == "json":
        show(lines(plan.document()))
    elif options.format == "html":
        show(plan_page(plan))
    elif options.format == "markdown":
        show(plan_markdown(plan, personal=options.personal_data))
    else:
        told = chain(
            plan_lines(plan, color(), full=options.full),
            filter(None, [files_line("plan", options.out)]),
            imported or next_steps.after_plan(plan, options),
        )
        show(f"{line}\n" for line in told)
    return PLAN_EXIT[plan.outcome]


def _plan_against(options: argparse.Namespace, progress: Progress) -> int:
    from airflow_provider_kinde.cli.against import load_old
    from airflow_provider_kinde.sync.rules.difference import compare_specs
    from airflow_provider_kinde.sync.rules.difference_text import difference_lines
    from airflow_provider_kinde.sync.rules.markdown import difference_markdown

    if options.import_file:
        raise SyncError("--import-file writes the creations of a plan, and --against makes none: leave one of them out")
    if options.out:
        raise SyncError("--out writes a plan that can be applied, and --against makes none: leave one of them out")
    if options.format == "html":
        raise SyncError("--format html shows a plan, and --against makes none: take --format markdown")
    old = load_old(options.against, options.spec)
    with progress:
        spec, source, client = open_all(options, progress)
    with client:
        found = compare_specs(
            old, spec, source, client, run_request(options, spec, client), against=options.against, progress=progress
        )
        personal = not options.redact
        if options.format == "json":
            show(to_json(found.to_json(personal=personal)))
        elif options.format == "markdown":
            show(difference_markdown(found, personal=options.personal_data and personal))
        else:
            show(f"{line}\n" for line in difference_lines(found, personal=personal))
    return AGAINST_EXIT[found.outcome]


def _apply(options: argparse.Namespace) -> int:
    progress = Progress(f"reading {options.spec}")  # before the imports, which take their time
    from airflow_provider_kinde.sync.apply.run import apply
    from airflow_provider_kinde.sync.report.page import report_page
    from airflow_provider_kinde.sync.report.plan_file import lines
    from airflow_provider_kinde.sync.report.redaction import redact_report
    from airflow_provider_kinde.sync.report.table import csv_lines
    from airflow_provider_kinde.sync.report.text import report_lines

    plan_file = read_plan(options.plan) if options.plan else None
    if options.report:
        check_writable(options.report)
        check_writable(page_beside(options.report))
    facts, kept = run_facts("apply"), CommandHistory("apply", options)
    kept.planned_at = str(plan_file.head.get("created_at") or "") if plan_file else ""
    with progress, kept.failures():
        spec, source, client = open_all(options, progress)
        kept.client = client
        with client:
            request = run_request(options, spec, client, lambda: kept.check(spec.name))
            report = apply(spec, source, client, request, plan_file=plan_file, progress=progress)
            report.plan.run = facts.of(client.get_conn())
    ignore_interruptions()
    entry = kept.write(report.plan, report)
    if options.redact:
        report = redact_report(report)
    unkept = ""
    if options.report:
        table = options.report.endswith(".csv")
        unkept = keep(options.report, csv_lines(report) if table else lines(report.document()))
        unkept = unkept or keep(page_beside(options.report), report_page(report))
    as_json = options.json or bool(unkept)
    if as_json:
        show(lines(report.document()))
    else:
        told = chain(
            report_lines(report, color(), full=options.full),
            filter(None, [entry, files_line("report", options.report)]),
            next_steps.after_apply(report, options),
        )
        show(f"{line}\n" for line in told)
    if report.interrupted:
        fail("interrupted before the end; the report says what was done and what was not begun")
    for problem in filter(None, (unkept, kept.problem)):
        fail(problem)
    if report.interrupted:
        return EXIT
    return 1 if unkept or (kept.problem and not report.blocked) else APPLY_EXIT[report.outcome]


def _explain(options: argparse.Namespace) -> int:
    progress = Progress(f"reading {options.spec}")  # before the imports, which take their time
    from airflow_provider_kinde.sync.person.by_address import AddressWithoutId, find_id
    from airflow_provider_kinde.sync.person.explain import explain

    if options.as_test:
        return _as_test(options)
    with progress:
        spec, source, client = open_all(options, progress)
        with client:
            try:
                id = options.id or find_id(spec, source, client, options.email, options.now)
            except AddressWithoutId as found:
                show(f"{found}\n")
                return 0
            text, plan = explain(spec, source, client, id.strip(), now=options.now, progress=progress)
    show(text)
    return PLAN_EXIT[plan.outcome]


def _as_test(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sources import make_source
    from airflow_provider_kinde.sync.person.as_test import as_test
    from airflow_provider_kinde.sync.plan.run_request import moment
    from airflow_provider_kinde.sync.spec.models import SyncSpec

    if not options.id:
        raise SyncError("--as-test needs --id: it reads HR only")
    spec = SyncSpec.load(options.spec)
    show(as_test(spec, make_source(spec), options.id.strip(), moment(options.now)))
    return 0
