"""What plan and report say of the run itself: its duration, its requests, and the versions."""

from __future__ import annotations

import time
from typing import Any


class RunFacts:
    """Measures one run, from now on.

    :param versions: the versions of the programs that run it, in one text.
    :param names: what names the run, such as ``dag_id`` and ``run_id``; empty values are left out.
    """

    def __init__(self, versions: str, **names: Any) -> None:
        self._began = time.monotonic()
        self._fixed = {**{name: str(value) for name, value in names.items() if value}, "versions": versions}

    def of(self, client: Any, **more: Any) -> dict[str, Any]:
        """The facts so far, as plan and report hold them.

        :param client: the ``KindeClient`` that sent the requests of the run.
        :param more: further facts; empty ones are left out.
        """
        counts = client.counts
        return {
            **self._fixed,
            **{name: str(value) for name, value in more.items() if value},
            "seconds": round(time.monotonic() - self._began, 1),
            "throttled_seconds": round(client.throttled_seconds, 1),
            "requests": {"read": counts.read, "write": counts.write, "total": counts.total},
        }
