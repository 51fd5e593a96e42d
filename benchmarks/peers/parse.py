"""What importing modules costs a fresh process that has imported Airflow's SDK. Runs in the environment ``bench``.

``parse.py PACKAGE...`` imports every operator, sensor and trigger module of one provider, and prints milliseconds,
the modules that came with it from elsewhere, and how often anything outside was asked.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import time

asked: list[str] = []


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "sqlite3.connect", "socket.getaddrinfo"):
        asked.append(event)


def modules_of(package: str) -> list[str]:
    """Every module below the packages ``operators``, ``sensors`` and ``triggers`` of a provider."""
    root = importlib.import_module(package)
    found = []
    for kind in ("operators", "sensors", "triggers"):
        for path in root.__path__:
            below = pkgutil.iter_modules([f"{path}/{kind}"], f"{package}.{kind}.")
            found += [item.name for item in below]
    return found


def main() -> None:
    """Entry point."""
    # What every DAG file with an operator of its own has loaded.
    from airflow.sdk import DAG, BaseOperator, BaseOperatorLink, BaseSensorOperator, task
    from airflow.triggers.base import BaseTrigger

    assert all((DAG, BaseOperator, BaseOperatorLink, BaseSensorOperator, BaseTrigger, task))

    def refuse(*_: object, **__: object) -> None:
        asked.append("connection")

    import airflow.sdk

    # A DAG file imports our retry policy only to set one, and then Airflow's module of them is needed (3.3 and later).
    getattr(airflow.sdk, "RetryPolicy", None)
    # Airflow 3.0 has its hook elsewhere.
    hook = getattr(airflow.sdk, "BaseHook", None) or importlib.import_module("airflow.hooks.base").BaseHook
    hook.get_connection = refuse
    package = sys.argv[1]
    names = modules_of(package)
    before = set(sys.modules)
    sys.addaudithook(_listen)
    began = time.perf_counter()
    for name in names:
        importlib.import_module(name)
    seconds = time.perf_counter() - began
    new = set(sys.modules) - before
    own = {name for name in new if name == package or name.startswith(f"{package}.")}
    heavy = [name for name in new if name.startswith(("airflow_provider_kinde.sync", "requests", "httpx", "pandas"))]
    print(
        json.dumps(
            {
                "ms": 1000 * seconds,
                "modules": len(names),
                "own": len(own),
                "others": sorted(new - own),
                "heavy": sorted(heavy),
                "asked": asked,
            }
        )
    )


if __name__ == "__main__":
    main()
