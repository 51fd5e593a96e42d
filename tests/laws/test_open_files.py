"""A process with few file descriptors: the report's counts are those of Kinde's own log."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from kinde_emulator import Emulator
from tests.support.world import NOW, SPEC, TENANT, people

CHILD = """
import json, os, resource, sys

told = json.load(sys.stdin)

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.sync import SyncSpec, apply_plan, make_plan

options = {"token_cache": "none", "max_concurrency": 16, "max_tries": 3, "sleep": lambda seconds: None}
with KindeClient(*told["kinde"], **options) as client:
    plan = make_plan(SyncSpec.parse(told["spec"]), told["rows"], client, now=told["now"])
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + told["room"], used + told["room"]))
    report = apply_plan(plan, client)
    reasons = {str(change.error) for change in plan.operations if change.outcome == "failed"}
print(json.dumps({"requests": report.requests, "reasons": sorted(reasons)}))
"""


def run(kinde: Emulator, room: int) -> dict[str, Any]:
    told = {
        "kinde": [kinde.url, kinde.client_id, kinde.client_secret],
        "spec": SPEC,
        "rows": people(60, dept="Eng"),
        "now": NOW,
        "room": room,
    }
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=json.dumps(told), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("room", [0, 1, 4])
def test_only_requests_that_left_are_counted(room: int) -> None:
    with Emulator() as kinde:
        kinde.seed(TENANT)
        kinde.set(latency=20)
        found = run(kinde, room)
        sent = [entry["method"] for entry in kinde.log() if entry["path"].startswith("/api/")]
    reads = sent.count("GET")
    print(found["reasons"])
    assert found["requests"] == {"read": reads, "write": len(sent) - reads, "total": len(sent)}
