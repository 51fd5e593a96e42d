"""A local Kinde in a process of its own, which counts what it is sent."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from airflow_provider_kinde.client import KindeClient
from demo.local_kinde import CLIENT_ID, CLIENT_SECRET, LocalKinde


class Kinde(LocalKinde):
    """The emulator, with a look at its settings and its log."""

    def seed(self, data: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """Put data in; returns ids by name."""
        ids: dict[str, dict[str, str]] = self._control("POST", "seed", data)
        return ids

    def seed_users(self, users: Iterable[Mapping[str, Any]]) -> None:
        """Put users in, in parts that the emulator takes (10 MB)."""
        coming = iter(users)
        while part := list(islice(coming, 10_000)):
            self.seed({"users": part})

    def client(self, **options: Any) -> KindeClient:
        """A client of it."""
        return KindeClient(self.url, CLIENT_ID, CLIENT_SECRET, **options)

    def set(self, **settings: Any) -> None:
        """Change how it behaves."""
        self._control("PATCH", "settings", settings)

    def forget(self) -> None:
        """Start the log anew."""
        self._control("DELETE", "log")

    def log(self) -> list[dict[str, Any]]:
        """What it was sent since then."""
        entries: list[dict[str, Any]] = self._control("GET", "log")
        return entries

    def counts(self) -> dict[str, int]:
        """Requests since then: ``read``, ``write``, ``token``, and ``refused`` (429) among them."""
        found: Counter[str] = Counter()
        for entry in self.log():
            api = entry["kind"] == "api"
            found["token" if not api else "read" if entry["method"] == "GET" else "write"] += 1
            found["refused"] += entry["status"] == 429
        return {name: found[name] for name in ("read", "write", "token", "refused")}


@contextmanager
def local_kinde(data: Mapping[str, Any] | None = None, **settings: Any) -> Iterator[Kinde]:
    """A local Kinde that ends with the block.

    :param data: what is in it at first.
    :param settings: how it behaves.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "empty.yaml").write_text("{}\n")
        with Kinde(folder / "logs", folder / "empty.yaml") as kinde:
            kinde.seed(data or {})
            if settings:
                kinde.set(**settings)
            yield kinde
