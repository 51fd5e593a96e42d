"""The command ``validate``: a spec, and the local HR file that it names, without network."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.cli.shared import fail, show
from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import ProviderError, SourceError

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.model import Source
    from airflow_provider_kinde.sync.spec.models import SyncSpec

WATCH_SECONDS = 0.3
"""How often `validate --watch` looks at the file."""


def add_commands(commands: Any) -> None:
    """Add the command to the command line.

    :param commands: the subparsers of the command line.
    """
    validate = commands.add_parser("validate", help="check a spec file without network")
    validate.add_argument("--spec", metavar="FILE", required=True)
    validate.add_argument("--watch", action="store_true", help="check again each time the file is saved, until Ctrl-C")
    validate.set_defaults(command=_validate)


def _validate(options: argparse.Namespace) -> int:
    return _watch(options) if options.watch else _check(options)


def _watch(options: argparse.Namespace) -> int:
    """Check a spec each time its file is saved."""
    stamp: tuple[int, int] | None = (-1, -1)
    ended = threading.Event()
    # Not KeyboardInterrupt: Python drops one that is raised in a callback, as of an import.
    before = signal.signal(signal.SIGINT, lambda *_: ended.set())
    try:
        while not ended.is_set():
            try:
                status = Path(options.spec).stat()
                now: tuple[int, int] | None = (status.st_mtime_ns, status.st_size)
            except OSError:  # an editor may replace the file
                now = None
            if now != stamp:
                stamp = now
                try:
                    _check(options)
                except ProviderError as error:
                    fail(str(error))
            ended.wait(WATCH_SECONDS)
    finally:
        signal.signal(signal.SIGINT, before)
    return 0


def _check(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sources import make_source
    from airflow_provider_kinde.sync.people.examples import check_examples
    from airflow_provider_kinde.sync.plan.policies import load_policies
    from airflow_provider_kinde.sync.plan.scopes import scopes_of
    from airflow_provider_kinde.sync.spec.date_parser import same_text
    from airflow_provider_kinde.sync.spec.models import SyncSpec

    spec = SyncSpec.load(options.spec)
    source = make_source(spec)
    load_policies(spec)
    check_examples(spec)
    rules, tests = (
        len(spec.memberships),
        f", {counted(len(spec.tests), 'test passes', 'tests pass')}" if spec.tests else "",
    )
    blocking, lines = _look_at_file(spec, source)
    verdict = "the spec is valid, but its file would block a plan" if blocking else "valid"
    show(f"{options.spec}: {verdict}. {spec.name}: {spec.source.type} source, ")
    show(f"{counted(rules, 'membership rule')}{tests}\n")
    both = same_text(spec.employment.date_format)
    # Rows that hold such a date say so themselves, with their number.
    if both and not any(f"{both[0]} and {both[1]}" in line for line in lines):
        show(
            f"  ! employment.date_format: {both[0]} and {both[1]} read some dates as two different days. "
            f"{both[0]}, which comes first, is taken where it can be read\n"
        )
    show(f"  {line}\n" for line in lines)
    show(f"  scopes that a run may need: {' '.join(scopes_of(spec))}\n")
    return 0


def _look_at_file(spec: SyncSpec, source: Source) -> tuple[bool, list[str]]:
    """Whether a local HR file would block a plan, why, and what the rules do not cover; no other source is read, since
    that needs a network.
    """
    import pendulum

    from airflow_provider_kinde.sync.people.coverage import coverage_of
    from airflow_provider_kinde.sync.people.reader import read_people
    from airflow_provider_kinde.sync.plan.guards import RunCounts, blocks_of, measure_guards
    from airflow_provider_kinde.sync.spec.source import FileOptions

    if not isinstance(spec.source, FileOptions) or any("://" in path for path in spec.source.path):
        return False, []
    try:
        people = read_people(spec, source, pendulum.now("UTC"))
    except SourceError as error:
        absent = isinstance(error.__cause__, FileNotFoundError)  # as where a spec is reviewed, without any HR data
        return not absent, [f"! the rows were not looked at: {error}"]
    counts = RunCounts(rejected=len(people.rejected), held=len(people.held), rows=people.rows)
    guards = [] if people.problems else [block.reason for block in blocks_of(measure_guards(spec, (), counts))]
    blocking = [f"! {reason}" for reason in [*people.problems, *guards]]
    found = [*blocking, *(f"! {warning}" for warning in people.warnings)]
    if people.rejected:
        first = people.rejected[0]
        found.append(
            f"! {len(people.rejected):,} of {counted(people.rows, 'row')} rejected; row {first.row}: {first.reason}"
        )
    if people.problems:
        return True, found
    lines = coverage_of(spec, people).lines()
    words = "what the rules do not cover" if lines else "the rules cover every person and value"
    words += " of the other rows" if people.rejected and not lines else ""
    found.append(f"{people.source}, {counted(people.rows, 'row')}: {words}")
    return bool(blocking), [*found, *(f"  {line}" for line in lines)]
