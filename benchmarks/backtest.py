"""Rules replayed over kept HR exports: 48 months of 10,000 people, alone and beside another spec.

Each case has a process of its own. ``python -m benchmarks.backtest CASE EXPORTS PEOPLE`` runs one.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.memory import DEPARTMENTS, SPEC
from benchmarks.result import Result

_CHANGED = ("row.Department == 'Sales'", "row.Department in ['Sales', 'Ops']")
"""The change of the rules that the second spec is without."""
_COLUMNS = "EmpID,work_email,first,last,Type,Status,Hired,Left,Department,Country\n"


def write(folder: Path, exports: int, people: int) -> None:
    """Write the exports: each month one in fifty people leaves, as many are hired, and one in twenty moves."""
    chance = random.Random(1)
    staff = {n: (DEPARTMENTS[n % 4], "Active", "") for n in range(people)}
    hired = dict.fromkeys(staff, "2021-06-01")
    for month in range(exports):
        day = f"{2022 + month // 12}-{1 + month % 12:02d}-01"
        if month:
            active = [n for n, (_, status, _) in staff.items() if status == "Active"]
            for n in chance.sample(active, people // 50):
                staff[n] = (staff[n][0], "Terminated", day)
            for n in chance.sample(active, people // 20):
                staff[n] = (chance.choice(DEPARTMENTS), *staff[n][1:])
            for n in range(len(staff), len(staff) + people // 50):
                staff[n], hired[n] = (DEPARTMENTS[n % 4], "Active", ""), day
        with (folder / f"hr-{day}.csv").open("w", encoding="utf-8") as file:
            file.write(_COLUMNS)
            for n, (department, status, left) in staff.items():
                file.write(f"{n},p{n}@acme.example,First{n % 5000},Last{n % 20000},Employee,{status},")
                file.write(f"{hired[n]},{left},{department},{'NZ' if n % 3 else 'DE'}\n")


def main(case: str, exports: int, people: int, folder: Path) -> dict[str, Any]:
    """Run one case in this process."""
    from airflow_provider_kinde.sources.file.exports import find_exports
    from airflow_provider_kinde.sync import SyncSpec
    from airflow_provider_kinde.sync.rules.backtest import backtest

    write(folder, exports, people)
    spec = SyncSpec.parse(SPEC)
    old = SyncSpec.parse(SPEC.replace(*_CHANGED)) if case == "against" else None
    began, used = time.perf_counter(), time.process_time()
    listed, notes = find_exports(str(folder), spec)
    found = backtest(spec, listed, notes=notes, old=old, against="old" if old else "")
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor += children.ru_utime + children.ru_stime
    assert len(found.days) == exports
    assert found.days[-1][2].left >= people // 100, found.days[-1]
    assert not old or found.differ[-1] > people // 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": seconds, "processor": processor, "peak": peak}


def run(quick: bool) -> Result:
    """Run the cases, each in a process of its own."""
    exports, people = (6, 300) if quick else (48, 10_000)
    result = Result(
        "Backtest",
        "Kept HR exports replayed against an empty Kinde in memory: each month one in fifty people leaves, as many are "
        "hired, and one in twenty moves. Against: a second spec beside it, over the same rows. Seconds on the clock, "
        "and of processor.",
        ["case", "exports", "people", "wall (s)", "processor (s)", "ms an export", "peak (MB)"],
    )
    for case in ("alone", "against"):
        command = [sys.executable, "-m", "benchmarks.backtest", case, str(exports), str(people)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        row = [f"{found['wall']:.1f}", f"{found['processor']:.1f}", f"{found['wall'] / exports * 1e3:.0f}"]
        result.rows.append([case, exports, people, *row, f"{found['peak']:.0f}"])
        if not quick:
            result.goals.append((f"{exports} exports of {people:,} people, {case} (s)", 120, round(found["wall"], 1)))
    return result


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(name))))
