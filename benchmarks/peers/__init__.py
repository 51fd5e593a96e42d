"""Programs to measure against: each runs in the environment that it needs, against the same local Kinde."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
VENVS = Path(os.environ.get("KINDE_VENVS", ROOT / ".venvs"))


def ensure(environment: str) -> Path:
    """Make an environment where it is missing; returns its Python."""
    python = VENVS / environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, ROOT / "scripts" / "env.py", environment], check=True, cwd=ROOT)
    return python


def run_peer(environment: str, name: str, *arguments: str, bytecode: Path | None = None) -> Any:
    """Run ``benchmarks/peers/<name>.py`` to its end; returns the JSON that it prints last.

    :param bytecode: where Python keeps what it has compiled; beside the sources when left out.
    """
    variables = dict(os.environ)
    if bytecode:
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        variables["PYTHONPYCACHEPREFIX"] = str(bytecode)
    python = VENVS / environment / "bin" / "python"
    command: list[str | Path] = [python, ROOT / "benchmarks" / "peers" / f"{name}.py", *arguments]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=900, env=variables)
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
