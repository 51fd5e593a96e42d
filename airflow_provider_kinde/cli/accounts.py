"""The command ``accounts``: every account of the tenant, and what a sync would do to it."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from airflow_provider_kinde.cli.progress import Progress
from airflow_provider_kinde.cli.shared import (
    add_common,
    check_writable,
    open_all,
    run_request,
    show,
    write_private,
)
from airflow_provider_kinde.counted import counted

_SHOWN = 20


def add_commands(commands: Any) -> None:
    """Add the command to the command line.

    :param commands: the subparsers of the command line.
    """
    accounts = commands.add_parser(
        "accounts", help="list every account of the tenant: managed, adoptable, held, orphan, ...; only reads"
    )
    add_common(accounts)
    accounts.add_argument("--out", metavar="FILE", help="write the list: .csv, .json or .html")
    accounts.set_defaults(command=_accounts)


def _accounts(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sync.accounts.files import check_suffix, inventory_lines
    from airflow_provider_kinde.sync.accounts.inventory import take_inventory
    from airflow_provider_kinde.sync.report.text import clean

    if options.out:
        check_suffix(options.out)
        check_writable(options.out)
    with Progress(f"reading {options.spec}") as progress:
        spec, source, client = open_all(options, progress)
        with client:
            request = run_request(options, spec, client)
            inventory = take_inventory(spec, source, client, request, progress=progress)
    counts: Counter[str] = Counter()
    if options.out:
        write_private(options.out, inventory_lines(inventory, options.out, counts))
        show(f"{options.out}: {counted(sum(counts.values()), 'account')}\n")
    else:
        for account in inventory:
            counts[account.kind] += 1
            if account.kind == "orphan" and counts["orphan"] <= _SHOWN:
                seen = f"last sign-in {account.last_sign_in or 'never'}"
                show(f"  orphan  {clean(account.email or account.user_id)}  {clean(account.name)}  {clean(seen)}\n")
        if counts["orphan"] > _SHOWN:
            show(f"  ... and {counted(counts['orphan'] - _SHOWN, 'more orphan')}: write the whole list with --out\n")
    show(f"{clean(line)}\n" for line in inventory.summary(counts))
    return 0
