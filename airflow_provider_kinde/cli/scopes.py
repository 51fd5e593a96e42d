"""The command ``scopes``: what the Kinde application must be allowed to do."""

from __future__ import annotations

import argparse
from typing import Any

from airflow_provider_kinde.cli.shared import show


def add_commands(commands: Any) -> None:
    """Add the command to the command line.

    :param commands: the subparsers of the command line.
    """
    scopes = commands.add_parser("scopes", help="list the scopes that a spec may need; needs no network")
    scopes.add_argument("--spec", metavar="FILE", required=True, help="the spec file")
    scopes.set_defaults(command=_scopes)


def _scopes(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sync.plan.scopes import scopes_of
    from airflow_provider_kinde.sync.spec.models import SyncSpec

    found = scopes_of(SyncSpec.load(options.spec))
    width = max(map(len, found))
    show(f"{scope:{width}}  {', '.join(why)}\n" for scope, why in found.items())
    return 0
