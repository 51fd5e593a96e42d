"""Evidence: a year of hourly runs of a company, read and written as tables and a page.

``python -m benchmarks.evidence FOLDER`` reads one history in a process of its own: memory is measured at its peak.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from benchmarks.result import Result

_FULL = 168
"""Runs after which an entry lists all accounts: a week of hourly runs."""
_CODES = [f"org_{n:010x}" for n in range(20)]
_HELD = [{"id": f"E{n}", "reason": "suspended in Kinde by someone else, while HR says active"} for n in range(20)]


def _sign(data: bytes) -> str:
    return hmac.new(b"the client secret", data, "sha256").hexdigest()


def _line(n: int, moved: int, suspended: int, moment: str) -> str:
    place = _CODES[(n + moved) % 20]
    return f'["kp_{n:032x}","E{n}",{suspended},{{"{place}":["engineer","reader"]}},"{moment}"]'


def _operations(number: int, people: int, moment: str) -> Iterator[dict[str, Any]]:
    """Each hour two people move, and every third hour one leaves."""
    for step in range(2):
        n = (number * 2 + step) % people
        user, old, new = f"kp_{n:032x}", _CODES[n % 20], _CODES[(n + 1) % 20]
        for kind, code in (("add_membership", new), ("remove_membership", old)):
            yield {
                "op": kind, "id": f"E{n}", "outcome": "done", "user": user, "alias": code, "organization": code,
                "done": moment, "reason": "memberships[3], line 40: row.Department == 'IT'",
            }  # fmt: skip
    if number % 3 == 0:
        n = people - 1 - number // 3
        yield {
            "op": "suspend", "id": f"E{n}", "outcome": "done", "user": f"kp_{n:032x}", "done": moment, "due": moment,
            "steps": {"suspended": moment, "sessions": moment, "api_keys": moment}, "reason": "status is Terminated",
            "organizations": [_CODES[n % 20]],
        }  # fmt: skip


def write_year(folder: Path, people: int, runs: int) -> None:
    """Write the history of a year."""
    from airflow_provider_kinde.storage.history_signature import sign_entry

    folder.mkdir(parents=True)
    begin, previous = datetime(2025, 1, 1, tzinfo=timezone.utc), ""
    moved, suspended = [0] * people, [0] * people
    for number in range(1, runs + 1):
        moment = f"{begin + timedelta(hours=number - 1):%Y-%m-%dT%H:%M:%S.000Z}"
        full = number % _FULL == 1
        head = {
            "number": number, "previous": previous, "spec": "hr", "command": "apply", "host": "acme.kinde.com",
            "run": {"dag_id": "hr_sync", "run_id": f"scheduled__{moment}", "task_id": "sync", "trigger": "scheduled"},
            "at": moment, "began": moment, "ended": moment, "written": moment, "versions": "provider/0.1.0",
            "spec_version": 1, "spec_hash": "0" * 64, "plan_hash": "1" * 64, "outcome": "changes", "managed": people,
            "input": {"source": "s3://hr/people.csv", "rows": people, "columns": ["id"] * 12, "complete": True},
            "guards": [{"guard": f"guard {n}", "limit": "10%", "count": 1, "allowed": 9} for n in range(11)],
            "held": _HELD, "organizations": {code: code for code in _CODES},
            "access": "full" if full else "changes",
        }  # fmt: skip
        lines = [json.dumps(head)]
        if full:
            lines += [_line(n, moved[n], suspended[n], moment) for n in range(people)]
        for operation in _operations(number, people, moment):
            n = int(operation["id"][1:])
            moved[n] |= operation["op"] == "add_membership"
            suspended[n] |= operation["op"] == "suspend"
            lines.append(json.dumps(operation))
        first, body = f"{lines[0]}\n".encode(), "".join(f"{line}\n" for line in lines[1:]).encode()
        content = sign_entry(first, io.BytesIO(body), _sign) + body
        (folder / f"{number:09d}.jsonl").write_bytes(content)
        previous = hashlib.sha256(content).hexdigest()
    from airflow_provider_kinde.storage.history_head import head_content

    (folder / "head.json").write_bytes(head_content("hr", runs, previous, _sign))


def main(folder: Path) -> dict[str, Any]:
    """Make the evidence of a year, in this process."""
    from airflow_provider_kinde.storage.evidence import collect, write_evidence
    from airflow_provider_kinde.storage.history import History

    began = time.process_time()
    tables, check = collect(History(str(folder), "hr"), "2025-01-01", "2025-12-31", keys={"conn": _sign})
    write_evidence(str(folder / "audit"), "hr", "2025-01-01", "2025-12-31", tables)
    seconds = time.process_time() - began
    assert not check.problems, check.problems
    return {"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def run(quick: bool) -> Result:
    """Measure years of two companies, each in a process of its own."""
    result = Result(
        "Evidence",
        "`history --evidence` over a year of hourly runs: the chain checked, access rebuilt, five tables and the page "
        "written. Each week one entry lists all accounts; each hour two people move, each third hour one leaves, 20 "
        "are held all year. Seconds of one core; memory at its peak, Python included.",
        ["people", "runs", "seconds", "peak (MB)"],
    )
    for people, runs in [(500, 200)] if quick else [(1_000, 2_920), (10_000, 8_760)]:
        with tempfile.TemporaryDirectory() as name:
            write_year(Path(name) / "hr/history", people, runs)
            command = [sys.executable, "-m", "benchmarks.evidence", name]
            found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        seconds, peak = found["seconds"], round(found["peak"])
        result.rows.append([people, runs, f"{seconds:.1f}", peak])
        if people == 10_000:
            result.goals.append(("a year of 10,000 people: processor time (s)", 60, round(seconds, 1)))
            result.goals.append(("the same: peak memory (MB)", 500, peak))
    return result


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
