"""Makes the virtual environments under ``.venvs/`` from the lock files in ``requirements/``. Needs Python and pip only.

``env.py unit airflow3`` makes or renews what is out of date and does nothing otherwise; ``env.py --lock`` writes the
lock files anew. ``KINDE_VENVS`` names another folder than ``.venvs``.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
EMULATOR = ROOT / "packages" / "kinde-emulator"
VENVS = Path(os.environ.get("KINDE_VENVS", ROOT / ".venvs"))
OLDEST = (3, 10)
NEWEST = {"airflow2": (3, 12), "lowest": (3, 12)}
"""Environments that the newest supported Python is too new for."""
ANY = (3, 13)
WITHOUT_PACKAGE = {"docs", "release", "uv"}
LOWEST = ["--resolution", "lowest-direct", "pyproject.toml", "packages/kinde-emulator/pyproject.toml"] + [
    part for extra in ("sql", "http", "parquet", "xlsx", "openlineage") for part in ("--extra", extra)
]
"""How the environment ``lowest`` is locked: to the lower bounds that both packages declare."""
NO_PYTHON = 4
"""Exit code: this machine has no Python that the environment can be made with."""
AS_OF = {"airflow2": "2026-03-20", "airflow30": "2026-01-31", "airflow31": "2026-03-31", "airflow32": "2026-05-31"}
"""Airflow does not pin its dependencies, and later ones break it: it is locked to what there was when it came out (3.0
to the first days of the oldest common-compat provider that we take)."""


class EnvError(Exception):
    """The environment cannot be made; the message says why."""


class NoPythonError(EnvError):
    """No suitable Python is on this machine."""


def run(*command: str | Path, quiet: bool = False) -> None:
    """Run a command and show its output only when it fails."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=quiet, text=True, check=False)
    if done.returncode:
        raise EnvError(f"{' '.join(map(str, command))}\n{done.stdout or ''}{done.stderr or ''}".rstrip())


def version_of(python: str) -> tuple[int, int] | None:
    """Version of a Python by running it: a name on the PATH may be a shim that leads nowhere."""
    code = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    parts = done.stdout.split()
    return (int(parts[0]), int(parts[1])) if done.returncode == 0 and len(parts) == 2 else None


def find_python(name: str, uv: str | None) -> str:
    """A Python for the environment: the running one if it fits, else another on this machine, newest first."""
    newest = NEWEST.get(name, ANY)
    if OLDEST <= sys.version_info[:2] <= newest:
        return sys.executable
    minors = range(newest[1], OLDEST[1] - 1, -1)
    for minor in minors:
        found = shutil.which(f"python3.{minor}")
        if found and version_of(found) == (3, minor):
            return found
    for minor in minors if uv else ():
        done = subprocess.run(
            [str(uv), "python", "find", "--no-project", f"3.{minor}"], capture_output=True, text=True, check=False
        )
        found = done.stdout.strip()
        if done.returncode == 0 and version_of(found) == (3, minor):
            return found
    if (
        uv
        and subprocess.run([uv, "python", "install", f"3.{newest[1]}"], capture_output=True, check=False).returncode
        == 0
    ):
        return f"3.{newest[1]}"
    wanted = f"3.{OLDEST[1]} to 3.{newest[1]}"
    raise NoPythonError(f"the environment {name} needs Python {wanted}; none was found on this machine")


def find_uv() -> str | None:
    """Uv from the PATH, or the pinned one, fetched with pip into ``.venvs/uv``; ``None`` where neither works."""
    on_path = shutil.which("uv")
    if on_path:
        return on_path
    home = VENVS / "uv"
    binary = home / "bin" / "uv"
    with locked("pinned-uv"):
        if not binary.exists():
            # --target needs neither the venv module nor a writable system Python.
            pinned = ["--require-hashes", "-r", str(REQUIREMENTS / "uv.txt")]
            with contextlib.suppress(EnvError):
                run(sys.executable, "-m", "pip", "install", "-q", "--target", home, "--upgrade", *pinned, quiet=True)
    return str(binary) if version_like(binary) else None


def version_like(binary: Path) -> bool:
    """Whether the binary is there and runs on this machine."""
    try:
        return subprocess.run([str(binary), "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """One builder at a time: parallel make targets ask for the same environment."""
    VENVS.mkdir(parents=True, exist_ok=True)
    with (VENVS / f".{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def stamps_of(name: str, version: tuple[int, int]) -> list[str]:
    """What the environment was made from: the packages, and the metadata of both distributions."""
    packages = hashlib.sha256((REQUIREMENTS / f"{name}.txt").read_bytes()).hexdigest()
    metadata = [(folder / "pyproject.toml").read_bytes() for folder in (ROOT, EMULATOR)]
    project = hashlib.sha256(b"".join(metadata)).hexdigest()
    return [f"python {version[0]}.{version[1]}", f"packages {packages}", f"project {project} {ROOT}"]


def ensure(name: str) -> None:
    """Make the environment ``.venvs/<name>``, or renew what of it is older than its lock file."""
    if not (REQUIREMENTS / f"{name}.txt").exists():
        raise EnvError(f"requirements/{name}.txt: no such lock file")
    target = VENVS / name
    stamp = target / ".stamp"
    python = target / "bin" / "python"
    with locked(name):
        version = version_of(str(python))
        wanted = stamps_of(name, version) if version else []
        found = stamp.read_text().splitlines() if stamp.exists() else []
        if wanted and found == wanted:
            return
        started = time.monotonic()
        print(f"making the environment {name} ({len(lines(name))} packages) ...", file=sys.stderr, flush=True)
        stamp.unlink(missing_ok=True)
        uv = find_uv()
        if version is None or not OLDEST <= version <= NEWEST.get(name, ANY):
            base = find_python(name, uv)
            made = [uv, "venv", "-q", "--no-project", "--clear", "-p", base] if uv else [base, "-m", "venv", "--clear"]
            run(*made, target, quiet=True)
            version, found = version_of(str(python)), []
        if version is None:
            raise EnvError(f"{python} does not run")
        wanted = stamps_of(name, version)
        install(name, python, uv, packages=found[:2] != wanted[:2])
        stamp.write_text("\n".join(wanted) + "\n")
        took = time.monotonic() - started
        print(f"{name}: Python {version[0]}.{version[1]}, {took:.0f} s", file=sys.stderr, flush=True)


def install(name: str, python: Path, uv: str | None, *, packages: bool) -> None:
    """Bring the lock file's packages, the emulator and the provider from the checkout into an environment."""
    pinned = REQUIREMENTS / f"{name}.txt"
    pip: list[str | Path] = [uv, "pip", "install", "-p", python] if uv else [python, "-m", "pip", "install"]
    if packages and uv:
        run(uv, "pip", "sync", "-q", "-p", python, pinned, quiet=True)
    elif packages:
        run(*pip, "-q", "--no-deps", "-r", pinned, quiet=True)
    if name not in WITHOUT_PACKAGE:
        run(*pip, "-q", "--no-deps", "--no-build-isolation", "-e", EMULATOR, "-e", ROOT, quiet=True)


def lines(name: str) -> list[str]:
    """The pins of a lock file."""
    return [line for line in (REQUIREMENTS / f"{name}.txt").read_text().splitlines() if "==" in line]


def lock(names: list[str], upgrade: bool) -> None:
    """Write lock files anew from their ``.in`` files, each pin with the hashes of its files.

    :param names: which; all when empty.
    :param upgrade: to the newest versions, rather than only what the ``.in`` files changed.
    """
    uv = find_uv()
    if uv is None:
        raise EnvError("lock files are made with uv, which could not be installed")
    header = "# Written by `make lock`; edit the .in file beside it.\n"
    for source in sorted(REQUIREMENTS.glob("*.in")):
        name = source.stem
        if name in {"base", "tools"} or (names and name not in names):
            continue
        print(f"requirements/{name}.txt", file=sys.stderr, flush=True)
        day = AS_OF.get("airflow2" if name == "lowest" else name)
        then = ["--exclude-newer", day] if day else []
        then += LOWEST if name == "lowest" else []
        out = REQUIREMENTS / f"{name}.txt"
        options = [
            "-q",
            "--universal",
            "-p",
            "3.10",
            "--generate-hashes",
            *(["--upgrade"] if upgrade else []),
            "--no-emit-index-url",
            "--no-header",
            "--no-annotate",
        ]
        run(uv, "pip", "compile", *options, *then, source, "-o", out, quiet=True)
        out.write_text(header + out.read_text())


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Make the virtual environments under .venvs/.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="unit, airflow3, airflow2, sdk, docs")
    parser.add_argument("--lock", action="store_true", help="write the lock files anew (all, or those of NAME)")
    parser.add_argument("--keep", action="store_true", help="with --lock: leave versions as they are where they fit")
    args = parser.parse_args()
    try:
        if args.lock:
            lock(args.names, upgrade=not args.keep)
            return 0
        for name in args.names:
            ensure(name)
    except NoPythonError as error:
        print(f"env.py: {error}", file=sys.stderr)
        return NO_PYTHON
    except EnvError as error:
        print(f"env.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
