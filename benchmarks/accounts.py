"""Accounts: every account of a large tenant put into its class, by the engine alone.

``python -m benchmarks.accounts ACCOUNTS`` runs it once, in a process of its own, since memory is measured at its peak.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import memory
from benchmarks.result import Result

_PLACES = 20
"""Of so many accounts: 12 are managed, 3 can be adopted, and the others are of the other classes."""


class Tenant(memory.Tenant):
    """Kinde's lists, made while they are read: accounts of all classes."""

    def iter_users(self, **query: Any) -> Iterator[dict[str, Any]]:
        for user in super().iter_users():
            n = int(user["id"][3:], 16)
            place = n % _PLACES
            user |= {"created_on": "2025-01-02T03:04:05Z", "last_signed_in": "2026-01-02T03:04:05.678901+00:00"}
            if place >= 12:
                user["provided_id"] = "other:1" if place == 16 else None
            if place >= 17:
                address = f"{'robot' if place == 17 else 'gone'}{n}@{'bots' if place == 17 else 'acme'}.example"
                user |= {"email": address, "identities": [{"type": "email", "identity": address}]}
            yield user

    def iter_user_identities(self, user_id: str) -> Iterator[dict[str, Any]]:
        n = int(user_id[3:], 16)
        yield {"id": "identity_1", "type": "email", "name": f"p{n}@acme.example", "is_confirmed": n % _PLACES != 15}


def main(accounts: int, folder: Path) -> dict[str, Any]:
    """Put all accounts into classes, in this process."""
    from airflow_provider_kinde.sources import make_source
    from airflow_provider_kinde.sync import SyncSpec
    from airflow_provider_kinde.sync.accounts.files import inventory_lines
    from airflow_provider_kinde.sync.accounts.inventory import take_inventory
    from airflow_provider_kinde.sync.plan.run_request import RunRequest

    (folder / "hr.yaml").write_text(memory.SPEC + "ignore: {domains: [bots.example]}\n")
    with (folder / "people.csv").open("w") as file:
        file.write("EmpID,work_email,first,last,Type,Status,Hired,Left,Department,Country\n")
        for n in range(accounts):
            if n % _PLACES < 17:
                file.write(f"{n},p{n}@acme.example,First{n % 5000},Last{n % 20000},Employee,Active,2015-01-01,,")
                file.write(f"{memory.DEPARTMENTS[n % 4]},{'NZ' if n % 3 else 'DE'}\n")
    spec, tenant = SyncSpec.load(folder / "hr.yaml"), Tenant(accounts)
    began = time.process_time()
    inventory = take_inventory(spec, make_source(spec), tenant, RunRequest.of())
    counts: Counter[str] = Counter()
    with (folder / "accounts.csv").open("w") as file:
        file.writelines(inventory_lines(inventory, "accounts.csv", counts))
    seconds = time.process_time() - began
    of = {"managed": 12, "adoptable": 3, "held": 1, "other source": 1, "service or test": 1, "orphan": 2}
    assert counts == {kind: accounts * share // _PLACES for kind, share in of.items()}, counts
    return {"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def run(quick: bool) -> Result:
    """Run two sizes, each in a process of its own."""
    sizes = [1_000] if quick else [25_000, 250_000]
    result = Result(
        "Accounts",
        "The command `accounts` on a tenant of managed, adoptable, held, foreign, service and orphaned accounts, "
        "without HTTP and JSON: HR read, Kinde read, every account put into its class and written as a table. Seconds "
        "of one core; memory at its peak, Python included.",
        ["accounts", "seconds", "µs an account", "peak (MB)"],
    )
    for accounts in sizes:
        command = [sys.executable, "-m", "benchmarks.accounts", str(accounts)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        seconds, peak = found["seconds"], round(found["peak"])
        result.rows.append([accounts, f"{seconds:.2f}", f"{seconds / accounts * 1e6:.0f}", peak])
        if accounts == 250_000:
            result.goals.append(("250,000 accounts: processor time (s)", 60, round(seconds, 1)))
            result.goals.append(("the same: peak memory (MB)", 300, peak))
    return result


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(main(int(sys.argv[1]), Path(name))))
