"""The command ``backtest``: rules replayed over kept HR exports, without Kinde."""

from __future__ import annotations

import argparse
from typing import Any

from airflow_provider_kinde.cli.progress import Progress
from airflow_provider_kinde.cli.shared import add_format, show, to_json

BACKTEST_EXIT = {"passed": 0, "same": 0, "differs": 2, "stopped": 3}


def add_commands(commands: Any) -> None:
    """Add the command to the command line.

    :param commands: the subparsers of the command line.
    """
    command = commands.add_parser("backtest", help="replay kept HR exports against an empty Kinde in memory")
    command.add_argument("--spec", metavar="FILE", required=True, help="the spec file")
    command.add_argument(
        "--exports", metavar="DIR", required=True, help="the folder with the exports, each with a day in its name"
    )
    command.add_argument(
        "--against", metavar="OLD", help="replay another spec beside it, a file or git:REVISION, and compare the people"
    )
    add_format(command)
    command.set_defaults(command=_backtest)


def _backtest(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.cli.against import load_old
    from airflow_provider_kinde.sources.file.exports import find_exports
    from airflow_provider_kinde.sync.report.text import clean
    from airflow_provider_kinde.sync.rules.backtest import backtest
    from airflow_provider_kinde.sync.rules.backtest_page import backtest_page
    from airflow_provider_kinde.sync.rules.backtest_text import backtest_lines
    from airflow_provider_kinde.sync.rules.markdown import backtest_markdown
    from airflow_provider_kinde.sync.spec.models import SyncSpec

    spec = SyncSpec.load(options.spec)
    old = load_old(options.against, options.spec) if options.against else None
    exports, notes = find_exports(options.exports, spec)
    found = backtest(spec, exports, old=old, against=options.against or "", notes=notes, progress=Progress())
    if options.format == "json":
        show(to_json(found.to_json()))
    elif options.format == "markdown":
        show(backtest_markdown(found))
    elif options.format == "html":
        show(backtest_page(found))
    else:
        show(f"{clean(line)}\n" for line in backtest_lines(found))
    return BACKTEST_EXIT[found.outcome]
