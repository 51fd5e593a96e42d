"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

_POLICIES = {os.SCHED_OTHER: "shared with others", os.SCHED_FIFO: "before others (SCHED_FIFO)"}


def machine() -> dict[str, Any]:
    """Processor, memory, Python, versions, the day, and how busy the machine was with other things."""
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "processor_time": _POLICIES.get(os.sched_getscheduler(0), "other"),
        "versions": {name: version(name) for name in ("airflow-provider-kinde", "requests", "httpx", "uvicorn")},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.machine()
