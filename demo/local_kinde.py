"""A local Kinde in a process of its own, and a look into it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import yaml

from demo.processes import Processes, free_port

if TYPE_CHECKING:
    from typing_extensions import Self

CLIENT_ID, CLIENT_SECRET = "emulator-client", "emulator-secret"


class LocalKinde:
    """The emulator, filled from a YAML file.

    :param folder: for its log.
    :param seed: what is in it at first, see ``hr/kinde.yaml``.
    :param port: 0 for a free one.
    """

    def __init__(self, folder: Path, seed: Path, port: int = 0) -> None:
        self.port = port or free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        self.folder = folder
        self.processes = Processes(folder)
        self._seed = yaml.safe_load(seed.read_text(encoding="utf-8"))

    def __enter__(self) -> Self:
        """Start, wait for the first answer, and fill."""
        command = [sys.executable, "-m", "kinde_emulator", "--port", str(self.port)]
        self.processes.start("kinde", command, os.environ, self.folder)
        try:
            self.processes.wait_for("the local Kinde", self._answers, 30)
            self._control("POST", "seed", self._seed)
        except BaseException:
            self.processes.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.processes.stop()

    @property
    def connection(self) -> str:
        """The Airflow connection, as an environment variable holds it."""
        return json.dumps(
            {
                "conn_type": "kinde",
                "host": self.url,
                "login": CLIENT_ID,
                "password": CLIENT_SECRET,
                # The demo leaves nothing behind in the home directory.
                "extra": {"share_access": "process"},
            }
        )

    def state(self) -> dict[str, Any]:
        """Everything in it: organizations, roles, users."""
        found: dict[str, Any] = self._control("GET", "state")
        return found

    def writes(self) -> int:
        """How many requests so far could have changed something."""
        log = self._control("GET", "log")
        return sum(1 for entry in log if entry["kind"] == "api" and entry["method"] != "GET")

    def _answers(self) -> bool:
        try:
            self._control("GET", "settings")
        except requests.RequestException:
            return False
        return True

    def _control(self, method: str, path: str, json: Mapping[str, Any] | None = None) -> Any:
        answer = requests.request(method, f"{self.url}/_emulator/{path}", json=json, timeout=30)
        answer.raise_for_status()
        return answer.json()
