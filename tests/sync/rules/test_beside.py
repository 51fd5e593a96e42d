"""A part of long work in a process of its own. Each test is a program: those of pytest have threads."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, sys, threading
from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.rules.beside import beside
os.cpu_count = lambda: 2
def items(fail=""):
    yield os.getpid()
    if fail == "error":
        raise SyncError("the old spec names no such organization")
    if fail == "killed":
        os.kill(os.getpid(), 9)
    yield "x" * 3_000_000
"""


def run(text: str) -> str:
    done = subprocess.run([sys.executable, "-c", PROGRAM + text], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_items_are_made_by_another_process() -> None:
    assert run("pid, text = beside(items()); print(pid != os.getpid(), len(text))") == "True 3000000"


def test_where_threads_run_the_items_are_made_here() -> None:
    text = "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    assert run(text + "pid, text = beside(items()); print(pid == os.getpid(), len(text))") == "True 3000000"


def test_what_goes_wrong_there_is_an_error_here() -> None:
    text = "\ntry:\n    list(beside(items('{}')))\nexcept Exception as error:\n    print(type(error).__name__, error)"
    assert run(text.format("error")) == "ProviderError the old spec names no such organization"
    assert run(text.format("killed")) == "ProviderError a process of this command ended with -9"


def test_an_iterator_that_is_left_ends_its_process() -> None:
    text = "\nfound = beside(items())\npid = next(found)\nfound.close()\n"
    text += "try:\n    os.kill(pid, 0)\nexcept ProcessLookupError:\n    print('gone')"
    assert run(text) == "gone"
