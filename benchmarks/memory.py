"""Memory and processor: a million people of whom nothing has changed, and a hundred thousand who are new.

Kinde's answers are made on the spot, without HTTP and JSON: what is measured is the engine. Each case has a process of
its own, since memory is measured at its peak. ``python -m benchmarks.memory CASE PEOPLE`` runs one.
"""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.result import Result

DEPARTMENTS = ("IT", "Sales", "Support", "Ops")
SPEC = """
version: 1
name: acme-hr
source: {type: file, path: people.csv, expect: {min_rows: 1}}
person:
  id: "{{ row.EmpID }}"
  email: "{{ row.work_email }}"
  given_name: "{{ row.first }}"
  family_name: "{{ row.last }}"
scope: "{{ row.Type != 'Contractor' }}"
employment:
  status: "{{ row.Status }}"
  active: [Active, Leave of Absence]
  inactive: [Terminated]
  start_date: "{{ row.Hired }}"
  end_date: "{{ row.Left }}"
  date_format: [M/D/YY, YYYY-MM-DD]
  timezone: America/New_York
organizations: {it: org_it, sales: org_sales, support: org_support, all: org_all}
memberships:
  - {organization: it, when: "{{ row.Department == 'IT' }}", roles: [engineer]}
  - {organization: sales, when: "{{ row.Department == 'Sales' }}", roles: [seller]}
  - {organization: support, when: "{{ row.Department == 'Support' and row.Country in ['NZ', 'AU'] }}", roles: [agent]}
  - {organization: all, roles: []}
absent: suspend
"""
ROLES = {"org_it": "engineer", "org_sales": "seller", "org_support": "agent"}


def main(case: str, people: int, folder: Path) -> dict[str, Any]:
    """Run one case in this process."""
    (folder / "hr.yaml").write_text(SPEC)
    with (folder / "people.csv").open("w") as file:
        file.write("EmpID,work_email,first,last,Type,Status,Hired,Left,Department,Country\n")
        for n in range(people):
            hired = f"20{10 + n % 14:02d}-{1 + n % 12:02d}-{1 + n % 28:02d}"
            country = "NZ" if n % 3 else "DE"
            file.write(f"{n},p{n}@acme.example,First{n % 5000},Last{n % 20000},Employee,Active,{hired},,")
            file.write(f"{DEPARTMENTS[n % 4]},{country}\n")
    found: dict[str, Any] = {"no change": _no_change, "new": _new, "peer": _peer}[case](people, folder)
    return {**found, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


class Tenant:
    """Kinde's lists, made while they are read."""

    host = "acme.kinde.com"
    max_concurrency = 8

    def __init__(self, people: int) -> None:
        self.people = people
        self.counts = SimpleNamespace(read=0, write=0, total=0, token=0, writes_of_thread=0)

    def granted_scopes(self, renew: bool = False) -> frozenset[str]:
        return frozenset()

    def sign(self, content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    def iter_users(self, **query: Any) -> Iterator[dict[str, Any]]:
        for place in range(self.people):
            n = place * 7919 % self.people  # in another order than HR's
            address = f"p{n}@acme.example"
            yield {
                "id": f"kp_{n:032x}",
                "provided_id": f"acme-hr:{n}",
                "email": address,
                "first_name": f"First{n % 5000}",
                "last_name": f"Last{n % 20000}",
                "is_suspended": False,
                "identities": [{"type": "email", "identity": address}],
                "organizations": ["org_all"],
            }

    def iter_roles(self) -> list[dict[str, str]]:
        return [{"id": f"role_{key}", "key": key} for key in ROLES.values()]

    def iter_organizations(self) -> list[dict[str, str]]:
        return [{"code": code, "name": code} for code in (*ROLES, "org_all")]

    def iter_organization_users(self, code: str) -> Iterator[dict[str, Any]]:
        for n in range(self.people):
            team = ("org_it", "org_sales", "org_support", "")[n % 4]
            if code == "org_all":
                yield {"id": f"kp_{n:032x}", "roles": []}
            elif code == team and (team != "org_support" or n % 3):
                yield {"id": f"kp_{n:032x}", "roles": [ROLES[code]]}


class EmptyTenant(Tenant):
    """Takes people in, and remembers as little of them as it can."""

    stopped = False

    def __init__(self) -> None:
        super().__init__(0)
        self.members: dict[str, dict[int, int]] = {code: {} for code in (*ROLES, "org_all")}
        self.lock = threading.Lock()
        self.made = 0

    def create_user(self, **body: Any) -> dict[str, Any]:
        with self.lock:
            self.made += 1
            if code := body.get("organization_code"):
                self.members[code][self.made] = 0
            return {"id": f"kp_{self.made:032x}", "created": True}

    def update_organization_users(self, code: str, users: list[dict[str, Any]]) -> None:
        for user in users:
            self.members[code][int(user["id"][3:], 16)] = len(user["roles"])

    def iter_organization_users(self, code: str) -> Iterator[dict[str, Any]]:
        for n, roles in self.members[code].items():
            yield {"id": f"kp_{n:032x}", "roles": [ROLES[code]] if roles else []}


def _no_change(people: int, folder: Path) -> dict[str, Any]:
    from airflow_provider_kinde.sources import make_source
    from airflow_provider_kinde.sync import SyncSpec, make_plan

    tenant, spec = Tenant(people), SyncSpec.load(folder / "hr.yaml")
    began = time.process_time()
    for _ in tenant.iter_users():
        pass
    for organization in tenant.iter_organizations():
        for _ in tenant.iter_organization_users(organization["code"]):
            pass
    generated = time.process_time() - began
    began = time.process_time()
    plan = make_plan(spec, make_source(spec), tenant)
    seconds = time.process_time() - began - generated
    assert (plan.outcome, plan.unchanged) == ("no changes", people), plan.summary
    return {"plan": seconds}


def _new(people: int, folder: Path) -> dict[str, Any]:
    from airflow_provider_kinde.sources import make_source
    from airflow_provider_kinde.sync import SyncSpec, apply_plan, make_plan
    from airflow_provider_kinde.sync.report.plan_file import lines

    tenant, spec = EmptyTenant(), SyncSpec.load(folder / "hr.yaml")
    began = time.process_time()
    plan = make_plan(spec, make_source(spec), tenant)
    planned = time.process_time()
    with (folder / "plan.json").open("w") as file:
        file.writelines(lines(plan.document()))
    written = time.process_time()
    report = apply_plan(plan, tenant)
    applied = time.process_time()
    with (folder / "report.json").open("w") as file:
        file.writelines(lines(report.document()))
    assert (report.outcome, tenant.made) == ("changes", people), report.outcomes
    return {"plan": planned - began, "write": written - planned, "apply": applied - written}


def _peer(people: int, folder: Path) -> dict[str, Any]:
    from benchmarks.peers.dictionaries import compare

    began = time.process_time()
    assert compare(Tenant(people), folder) == 0
    return {"plan": time.process_time() - began}


def run(quick: bool) -> Result:
    """Run the cases, each in a process of its own."""
    small, large, new = (500, 1000, 300) if quick else (10_000, 1_000_000, 100_000)
    result = Result(
        "Memory and processor",
        "The engine alone, without HTTP and JSON. Seconds of one core for the plan (mapping included), for writing "
        "it down and for carrying it out; memory at its peak, Python included. Four organizations, eight expressions "
        "with two dates a row. The peer keeps both sides in dictionaries and renders each expression by itself.",
        ["case", "people", "plan (s)", "µs a person", "write (s)", "apply (s)", "peak (MB)"],
    )
    measured: dict[tuple[str, int], dict[str, Any]] = {}
    for case, people in (
        ("no change", small), ("no change", large // 10), ("no change", large), ("new", new // 10), ("new", new),
        ("peer", small), ("peer", large // 10),
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.memory", case, str(people)], capture_output=True, text=True, check=True
        )
        found = measured[case, people] = json.loads(done.stdout)
        row = [f"{found['plan']:.2f}", f"{found['plan'] / people * 1e6:.0f}"]
        row += [f"{found[part]:.2f}" if part in found else "" for part in ("write", "apply")]
        result.rows.append([case, people, *row, f"{found['peak']:.0f}"])
    no_change = measured["no change", large]
    per_person = measured["no change", small]["plan"] / small
    if not quick:
        result.goals += [
            ("a plan of 1,000,000 people without changes: peak memory (MB)", 500, round(no_change["peak"])),
            ("the same: processor time (s)", 60, round(no_change["plan"], 1)),
            ("the same, a person, beside 10,000 people", 1.5, round(no_change["plan"] / large / per_person, 2)),
            (
                "100,000 new people planned, written down and carried out: peak memory beside 10,000 of them",
                2.5,
                round(measured["new", new]["peak"] / measured["new", new // 10]["peak"], 2),
            ),
        ]
    return result


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(main(sys.argv[1], int(sys.argv[2]), Path(name))))
