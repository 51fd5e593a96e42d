"""A GCS server (fake-gcs-server) on this machine, behind a proxy that can refuse requests and lose answers."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Sequence
from typing import Any

from tests.stores.store_proxy import Call, StoreProcess, free_port


class GcsServer(StoreProcess):
    """The server. It keeps its objects in memory.

    :param command: the program.
    """

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(free_port())
        options = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(self.backend), "-backend", "memory"]
        self.start([*command, *options, "-external-url", self.url], "/storage/v1/b?project=test")

    def file_system(self) -> Any:
        """What a connection of Airflow would make."""
        from gcsfs import GCSFileSystem

        return GCSFileSystem(project="test", token="anon", endpoint_url=self.url, skip_instance_cache=True)


class GcsBucket:
    """A bucket of its own for each test.

    :param server: the server.
    :param name: the bucket.
    """

    def __init__(self, server: GcsServer, name: str) -> None:
        self.server, self.name = server, name
        self.root = f"gs://kinde@{name}/kinde"
        self._ask("POST", "b?project=test", json.dumps({"name": name}).encode())
        server.calls.clear()

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        url = f"http://127.0.0.1:{self.server.backend}/storage/v1/{path}"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as found:
            content: bytes = found.read()
        return content

    def objects(self) -> list[str]:
        """All objects, without ``kinde/`` before them."""
        found = json.loads(self._ask("GET", f"b/{self.name}/o")).get("items", ())
        return sorted(item["name"].removeprefix("kinde/") for item in found)

    def read(self, key: str) -> bytes:
        """The content of an object."""
        return self._ask("GET", f"b/{self.name}/o/{urllib.parse.quote(f'kinde/{key}', safe='')}?alt=media")

    @staticmethod
    def is_entry(call: Call) -> bool:
        """Whether a request makes an entry of a history; head.json is sent in parts."""
        return call.method == "POST" and "/upload/" in call.path and "uploadType=multipart" in call.query
