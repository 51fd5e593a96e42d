"""What a worker calls itself: all of them are on one host here, and Airflow notes for each task where it ran."""

from __future__ import annotations

import os
import socket


def worker_name() -> str:
    return os.environ.get("KINDE_TEST_WORKER") or socket.gethostname()
