"""An S3 server (moto's) on this machine that can refuse requests, lose answers, and go away."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from tests.stores.store_proxy import Call, Fault

KEY, SECRET, REGION = "access-key", "secret-key", "us-east-1"


class _Handler(MotoRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Say nothing: a run sends hundreds."""


class S3Server:
    """The server. It keeps its objects until the process ends."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.fault: Callable[[Call], Fault | None] = lambda call: None
        self._moto: Any = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> S3Server:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        headers = {
            name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        call = Call(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""), headers)
        self.calls.append(call)
        fault = self.fault(call)
        if fault is None or fault.done:
            answer: Iterable[bytes] = self._moto(environ, start_response if fault is None else lambda *_: None)
            if fault is None:
                return answer
            list(answer)
        else:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(fault.status, [("Content-Type", "application/xml"), ("Content-Length", str(len(fault.body())))])
        return [fault.body()]

    @property
    def connection(self) -> str:
        """The Airflow connection, as an environment variable holds it."""
        extra = {"endpoint_url": self.url, "region_name": REGION}
        return json.dumps({"conn_type": "aws", "login": KEY, "password": SECRET, "extra": extra})

    def client(self) -> Any:
        """A client of boto3."""
        return boto3.client(
            "s3", endpoint_url=self.url, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name=REGION
        )


class S3Bucket:
    """A bucket of its own for each test.

    :param server: the server.
    :param name: the bucket.
    """

    def __init__(self, server: S3Server, name: str) -> None:
        self.server, self.name = server, name
        self.root = f"s3://aws_default@{name}/kinde"
        self._client = server.client()
        self._client.create_bucket(Bucket=name)
        server.calls.clear()

    def objects(self) -> list[str]:
        """All objects, without ``kinde/`` before them."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        found = [item["Key"] for page in pages for item in page.get("Contents", ())]
        return [key.removeprefix("kinde/") for key in found]

    def read(self, key: str) -> bytes:
        """The content of an object."""
        found: bytes = self._client.get_object(Bucket=self.name, Key=f"kinde/{key}")["Body"].read()
        return found

    def write(self, key: str, content: str) -> None:
        """Write an object."""
        self._client.put_object(Bucket=self.name, Key=f"kinde/{key}", Body=content.encode())

    def writes(self) -> list[Call]:
        """The requests that wrote objects."""
        return [call for call in self.server.calls if call.method in ("PUT", "POST")]

    @staticmethod
    def is_entry(call: Call) -> bool:
        """Whether a request makes an entry of a history, or ends a large one."""
        return call.method in ("PUT", "POST") and ".jsonl" in call.path
