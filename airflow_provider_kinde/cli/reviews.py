"""The command ``review``: who has access, for owners to decide, and the removals that they decide on."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    check_writable,
    color,
    fail,
    keep,
    open_all,
    run_facts,
    run_request,
    show,
)
from airflow_provider_kinde.exceptions import SyncError

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.reviews import Review

SHOWN = 20
"""How many decisions that change nothing are printed."""


def add_commands(commands: Any) -> None:
    """Add the command to the command line.

    :param commands: the subparsers of the command line.
    """
    review = commands.add_parser(
        "review",
        help="write who has access, for the owners of organizations to decide; then remove what they decided",
    )
    add_common(review)
    review.add_argument(
        "--out",
        metavar="DIR",
        required=True,
        help="the folder of the review: the lists and review.json, and later what becomes of each decision",
    )
    review.add_argument(
        "--decisions",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="tables that came back: show the plan of their removals; without it, the lists are written",
    )
    review.add_argument(
        "--review-path", metavar="FILE", help="with --decisions: their review.json; the one in DIR when left out"
    )
    review.add_argument(
        "--apply", action="store_true", help="with --decisions: write to Kinde; without it, only show the plan"
    )
    add_approval(review)
    add_approved_by(review)
    add_full(review)
    review.set_defaults(command=_review)


def _review(options: argparse.Namespace) -> int:
    given = [name for name in ("--apply", "--review-path") if getattr(options, name[2:].replace("-", "_"))]
    if given and not options.decisions:
        raise SyncError(
            f"{given[0]} needs --decisions: without decisions the lists are written, and nothing is removed"
        )
    if options.approve and not options.apply:
        raise SyncError("--approve needs --apply: without --apply nothing is written, so nothing needs approval")
    if Path(options.out).exists() and not Path(options.out).is_dir():
        raise SyncError(f"{options.out} is not a folder: name one for the files of the review")
    return _decided(options) if options.decisions else _list(options)


def _list(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.storage.reviews import access_in_history, write_lists
    from airflow_provider_kinde.sync.report.text import clean
    from airflow_provider_kinde.sync.reviews import list_access

    with Progress(f"reading {options.spec}") as progress:
        spec, source, client = open_all(options, progress)
        with client:
            client.get_conn()  # Airflow has started, whose configuration says where the history is
            known, unknown = access_in_history(spec.name)
            found = list_access(
                spec, source, client, run_request(options, spec, client), known=known, progress=progress
            )
            path, lists = write_lists(found, options.out.rstrip("/"))
            count = sum(1 for _ in found.entries())
    notes = [unknown] if unknown else []
    notes += [f"the sync is blocked now: {clean(block.reason)}" for block in found.plan.blocked]
    told = [f"note: {note}" for note in notes]
    told += [f"{alias}: {place}" for alias, place in lists.items()]
    told += [f"{count:,} memberships; the signed list of all: {path}", *next_steps.after_lists(lists.values(), options)]
    show(f"{line}\n" for line in told)
    return 0


def _decided(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.storage.reviews import REVIEW, read_review, read_tables, write_results
    from airflow_provider_kinde.storage.run_files import make_private
    from airflow_provider_kinde.sync.apply.stages import apply_plan
    from airflow_provider_kinde.sync.report.plan_file import lines
    from airflow_provider_kinde.sync.report.text import plan_lines, report_lines
    from airflow_provider_kinde.sync.reviews import plan_removals

    make_private(Path(options.out))
    file = str(Path(options.out) / ("report.json" if options.apply else "plan.json"))
    check_writable(file)
    history, facts = CommandHistory("review", options), run_facts("review")
    with history.failures(writes=options.apply), Progress(f"reading {options.spec}") as progress:
        spec, source, client = open_all(options, progress)
        history.client = client
        with client:
            client.get_conn()
            if options.apply:
                history.check(spec.name)
            review = read_review(options.review_path or str(Path(options.out) / REVIEW))
            found = plan_removals(
                spec, source, client, run_request(options, spec, client),
                review=review, files=read_tables(options.decisions), progress=progress,
            )  # fmt: skip
            plan, report = found.plan, None
            place = write_results(found, options.out.rstrip("/"))
            if options.apply:
                report = apply_plan(plan, client, approve=options.approve, progress=progress)
            plan.run = facts.of(client.get_conn())
    entry = ""
    if report:
        ignore_interruptions()
        entry = history.write(plan, report)
    document = lines(report.document() if report else plan.document())
    unkept = keep(file, document)
    if unkept:
        show(lines(report.document() if report else plan.document()))
    told = report_lines(report, color(), full=options.full) if report else plan_lines(plan, color(), full=options.full)
    more = [entry] if entry else []
    show(
        f"{line}\n"
        for line in chain(_results(found, place), told, more, next_steps.after_undo(plan, report, options, "review"))
    )
    for problem in filter(None, (unkept, history.problem)):
        fail(problem)
    if report and report.interrupted:
        return EXIT
    if unkept or (history.problem and report and not report.blocked):
        return 1
    return APPLY_EXIT[report.outcome] if report else PLAN_EXIT[plan.outcome]


def _results(found: Review, place: str) -> Iterator[str]:
    from airflow_provider_kinde.sync.report.text import clean

    counted = ", ".join(f"{count} {name}" for name, count in found.counts.items() if count)
    yield f"Decisions: {counted} ({place})"
    left = [result for result in found.results if result.reason]
    for decision, result, reason in left[:SHOWN]:
        entry = decision.entry
        yield f"  {result}  {clean(entry['id'] or entry['user_id'])}, {clean(entry['organization'])}: {clean(reason)}"
    if len(left) > SHOWN:
        yield f"  ... and {len(left) - SHOWN:,} more: see {place}"
    yield ""
