"""``make bench`` or ``python -m benchmarks [--people N] [--latency MS]``: time, requests and memory of a sync."""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import requests

from airflow_provider_kinde.api import KindeClient
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import Report, SyncSpec, apply_plan, make_plan
from demo.local_kinde import CLIENT_ID, CLIENT_SECRET, LocalKinde

TEAMS = ("engineering", "sales", "support", "operations", "finance", "people")
SPEC = """
version: 1
name: bench
source: {type: file, path: people.csv}
person: {id: "{{ row.id }}", email: "{{ row.email }}", given_name: "{{ row.given }}", family_name: "{{ row.family }}"}
employment: {status: "{{ row.status }}", active: [Active], inactive: [Left]}
organizations: {TEAMS}
memberships:
  - {organization: "{{ row.team }}", roles: [member]}
absent: suspend
joiner: {leave_default_organization: true}
"""


def write(path: Path, people: int, moved: int = 0, left: int = 0) -> None:
    """An HR file; the first ``moved`` people are in another team, and the last ``left`` have left."""
    with path.open("w") as file:
        file.write("id,email,given,family,status,team\n")
        for number in range(people):
            team = TEAMS[(number + (number < moved)) % len(TEAMS)]
            status = "Left" if number >= people - left else "Active"
            file.write(f"{number},person{number}@bench.example,Given{number},Family{number},{status},{team}\n")


def sync(spec: SyncSpec, client: KindeClient) -> tuple[Report, float, float]:
    """One run; returns its report, and the seconds for plan and apply."""
    began = time.perf_counter()
    plan = make_plan(spec, make_source(spec), client)
    planned = time.perf_counter()
    report = apply_plan(plan, client)
    return report, planned - began, time.perf_counter() - planned


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Times a sync against a local Kinde.")
    parser.add_argument("--people", type=int, default=5000, help="people in the HR file (5000)")
    parser.add_argument("--latency", type=float, default=0, help="milliseconds that every request takes at least (0)")
    options = parser.parse_args()
    people = options.people
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seed = folder / "kinde.yaml"
        seed.write_text(f"organizations: [{', '.join(TEAMS)}]\nroles: [member]\n")
        (folder / "spec.yaml").write_text(
            SPEC.replace("TEAMS", ", ".join(f"{team}: {{name: {team}}}" for team in TEAMS))
        )
        spec = SyncSpec.load(folder / "spec.yaml")
        with LocalKinde(folder / "logs", seed) as kinde, KindeClient(kinde.url, CLIENT_ID, CLIENT_SECRET) as client:
            change = {"latency": options.latency}
            requests.patch(f"{kinde.url}/_emulator/settings", json=change, timeout=30).raise_for_status()
            print(f"{people} people, {options.latency:g} ms a request, {client.max_concurrency} at once\n")
            print(f"{'run':<22}{'outcome':<12}{'plan s':>8}{'apply s':>9}{'people/min':>12}{'read':>7}{'write':>7}")
            hundredth = max(1, people // 100)
            for title, moved, left in (
                ("everybody arrives", 0, 0),
                ("no changes", 0, 0),
                ("1 % move", hundredth, 0),
                ("1 % leave", hundredth, hundredth),
            ):
                write(folder / "people.csv", people, moved, left)
                report, planned, applied = sync(spec, client)
                rate = people / (planned + applied) * 60
                used = report.requests
                print(
                    f"{title:<22}{report.outcome:<12}{planned:>8.2f}{applied:>9.2f}{rate:>12,.0f}"
                    f"{used['read']:>7}{used['write']:>7}"
                )
    print(f"\npeak memory of the sync: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
