"""Sync: how long whole runs take."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import apply_plan, make_plan
from benchmarks.hr import TEAMS, Company, tenant
from benchmarks.kinde import local_kinde
from benchmarks.result import Result


def run(quick: bool) -> Result:
    """Run four days of a company, at two distances from Kinde."""
    result = Result(
        "Sync",
        "Whole runs against a local Kinde in a process of its own: everybody new, nothing changed, 1 % moved to "
        "another team, 1 % left. Limits unknown and not reached.",
        ["latency (ms)", "day", "people", "plan (s)", "apply (s)", "people a minute", "requests"],
    )
    people = 60 if quick else 2000
    hundredth = max(1, people // 100)
    for latency in (0,) if quick else (0, 50):
        with tempfile.TemporaryDirectory() as name, local_kinde(tenant(), latency=latency) as kinde:
            company = Company(Path(name))
            spec = company.spec()
            company.hire(people)
            for title in ("everybody new", "nothing changed", "1 % moved", "1 % left"):
                for place in range(hundredth) if title == "1 % moved" else ():
                    company.people[place] = company.people[place].changed(team=TEAMS[(place + 1) % len(TEAMS)])
                for place in range(people - hundredth, people) if title == "1 % left" else ():
                    company.people[place] = company.people[place].changed(status="Left")
                company.write()
                with kinde.client() as client:
                    began = time.perf_counter()
                    plan = make_plan(spec, make_source(spec), client)
                    planned = time.perf_counter()
                    report = apply_plan(plan, client)
                    done = time.perf_counter()
                assert report.outcome in ("changes", "no changes"), report.outcome
                rate, requests = people / (done - began) * 60, report.requests["total"]
                row = [latency, title, people, f"{planned - began:.2f}", f"{done - planned:.2f}"]
                result.rows.append([*row, f"{rate:,.0f}", requests])
    return result
