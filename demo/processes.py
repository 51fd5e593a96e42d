"""Child processes that end with their parent, write to log files, and free ports for them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class ProcessError(Exception):
    """A process ended too early or did not become ready; the message holds the end of its log."""


def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path) -> str:
    """The end of a log file."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])


class Processes:
    """Named child processes, each the head of its own session, so that nothing of them outlives the parent."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def log(self, name: str) -> Path:
        """The log file of a process."""
        return self.logs / f"{name}.log"

    def start(self, name: str, command: Sequence[str | Path], env: Mapping[str, str], cwd: Path) -> None:
        """Start a process in the background; its output goes to its log file."""
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                [str(part) for part in command],
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, name: str, command: Sequence[str | Path], env: Mapping[str, str], cwd: Path, timeout: float) -> None:
        """Run a process to its end.

        :raises ProcessError: when it fails.
        """
        self.start(name, command, env, cwd)
        try:
            code = self._running[name].wait(timeout)
        except subprocess.TimeoutExpired:
            raise ProcessError(f"{name} took longer than {timeout:.0f} s\n{tail(self.log(name))}") from None
        finally:
            self._end(name)
        if code:
            raise ProcessError(f"{name} failed with {code}\n{tail(self.log(name))}")

    def wait_for(self, what: str, ready: Callable[[], bool], timeout: float, every: float = 0.2) -> None:
        """Wait until something holds, and give up as soon as one of the processes ends.

        :raises ProcessError: when a process ended, or time is up.
        """
        deadline = time.monotonic() + timeout
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                ends = "\n".join(f"--- {name}\n{tail(self.log(name))}" for name in self._running)
                raise ProcessError(f"{what}: not within {timeout:.0f} s\n{ends}")
            time.sleep(every)

    def check(self) -> None:
        """Make sure that every process is still there.

        :raises ProcessError: when one has ended.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ProcessError(f"{name} ended with {process.returncode}\n{tail(self.log(name))}")

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process and all that it started, whatever groups they are in."""
        _signal_all(self._running[name], number)

    def kill(self, name: str) -> None:
        """End a process and all that it started at once and without a word, as a machine that is switched off."""
        process = self._running.pop(name)
        _signal_all(process, signal.SIGKILL)
        process.wait()

    def ended(self) -> list[str]:
        """Names of those that ended by themselves. What they left running is ended, and they may be started again."""
        names = [name for name, process in self._running.items() if process.poll() is not None]
        for name in names:
            self.kill(name)
        return names

    def stop(self) -> None:
        """End every process and what it started."""
        for process in self._running.values():
            _signal(process, signal.SIGTERM)
        for name in list(self._running):
            self._end(name)

    def _end(self, name: str) -> None:
        process = self._running.pop(name)
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        # Whatever is still there, children of a dead parent included.
        _signal_all(process, signal.SIGKILL)
        process.wait()


def _signal_all(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a process, its group and its session: Airflow's tasks are groups of their own."""
    members = _session(process.pid)
    _signal(process, number)
    for member in members:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(member, number)


def _session(leader: int) -> list[int]:
    """Who is in the session of a process, as far as ``/proc`` says."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name of the program, in brackets, may hold anything.
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[3]) == leader:
                found.append(int(stat.parent.name))
    return found


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
