"""One run of the sync in a process of its own, so that it can be killed: URL, spec, rows, moment, report.

Not a test; ``test_crashes`` starts it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.apply.run import apply
from airflow_provider_kinde.sync.plan.run_request import RunRequest


def main() -> None:
    url, spec, rows, now, out = sys.argv[1:]
    with KindeClient(url, "emulator-client", "emulator-secret") as client:
        people = json.loads(Path(rows).read_text(encoding="utf-8"))
        report = apply(SyncSpec.load(spec), people, client, RunRequest.of(now=now))
    Path(out).write_text(json.dumps(report.to_json()), encoding="utf-8")


main()
