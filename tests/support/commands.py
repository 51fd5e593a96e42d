"""Commands in processes of their own that need not load Airflow again: they are forked off one that has."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing import forkserver
from pathlib import Path

PRELOADED = [
    "airflow_provider_kinde.cli.main",
    "airflow_provider_kinde.hooks.kinde",
    "airflow_provider_kinde.sources.file.source",
    "airflow_provider_kinde.sync.person.explain",
    "airflow_provider_kinde.sync.apply.run",
    "airflow.providers.common.compat.sdk",
]


def run_command(
    arguments: tuple[str, ...], folder: Path, env: Mapping[str, str], timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m airflow_provider_kinde`` with arguments, as a fresh process with this environment would.

    What Airflow reads when it is loaded (``AIRFLOW_HOME``, the metadata database) is that of the first command.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    # Airflow looks at this when it is loaded: see open_connections.
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
    try:
        forkserver.ensure_running()
    finally:
        del os.environ["_AIRFLOW_PROCESS_CONTEXT"]
    out, err = folder / ".stdout", folder / ".stderr"
    process = context.Process(target=_child, args=(arguments, str(folder), dict(env), str(out), str(err)))
    process.start()
    process.join(timeout)
    if process.is_alive():
        process.kill()
        raise subprocess.TimeoutExpired(list(arguments), timeout)
    assert process.exitcode is not None
    return subprocess.CompletedProcess(list(arguments), process.exitcode, out.read_text(), err.read_text())


def _child(arguments: tuple[str, ...], folder: str, env: dict[str, str], out: str, err: str) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for path, number in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.stdout, sys.stderr = os.fdopen(1, "w", encoding="utf-8"), os.fdopen(2, "w", encoding="utf-8")
    from airflow_provider_kinde.cli.main import main

    code = main(list(arguments))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
