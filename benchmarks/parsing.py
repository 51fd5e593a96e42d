"""Parsing: what the operators, sensors and triggers cost a process that parses DAG files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.peers import ensure, run_peer
from benchmarks.result import Result

PROVIDERS = {
    "airflow-provider-kinde": "airflow_provider_kinde",
    "dbt Cloud": "airflow.providers.dbt.cloud",
    "Databricks": "airflow.providers.databricks",
}


def run(quick: bool) -> Result:
    """Import every provider in fresh processes, in turns."""
    result = Result(
        "Parsing",
        "Importing every operator, sensor and trigger module in a fresh process that has loaded `DAG`, "
        "`BaseOperator`, `BaseSensorOperator`, `BaseHook`, `BaseTrigger`, `RetryPolicy` and `task` already, everything "
        "compiled: median, and modules that were loaded from elsewhere on the way.",
        ["provider", "modules imported", "ms (median)", "ms (least)", "own modules loaded", "modules from elsewhere"],
    )
    ensure("bench")
    times = 1 if quick else 11
    found: dict[str, list[dict[str, object]]] = {name: [] for name in PROVIDERS}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(times + 1):
            for name, package in PROVIDERS.items():
                run = run_peer("bench", "parse", package, bytecode=Path(folder))
                # The first time, Python compiles: what pip installs is compiled.
                found[name] += [run] if turn else []
    for name, runs in found.items():
        spent = [float(str(run["ms"])) for run in runs]
        others = runs[0]["others"]
        assert isinstance(others, list)
        modules, own = runs[0]["modules"], runs[0]["own"]
        result.rows.append([name, modules, f"{median(spent):.0f}", f"{min(spent):.0f}", own, len(others)])
        if name == "airflow-provider-kinde":
            asked = runs[0]["asked"]
            assert isinstance(asked, list)
            result.goals.append(("milliseconds to import all of this provider", 30.0, median(spent)))
            result.goals.append(("modules from elsewhere that Airflow had not loaded", 0, len(others)))
            result.goals.append(("connections read, sockets or databases opened", 0, len(asked)))
    return result
