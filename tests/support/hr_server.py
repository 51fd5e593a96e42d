"""A small HTTP server on loopback that answers as a test tells it to, and specs over it."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pendulum

from airflow_provider_kinde.sources.http.login import Login
from airflow_provider_kinde.sources.http.source import ApiSource, HttpSource
from airflow_provider_kinde.sources.vendors.source import VendorSource
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.people import People

SECRET = "s3cret/+key==Zz"
NOW = pendulum.datetime(2026, 11, 21, 12)


@dataclass
class Call:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass
class Reply:
    """What is answered; ``cut`` promises more bytes than it sends."""

    json: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: bool = False


class HrServer:
    """Answers with what ``answer`` makes of each request; ``script`` goes first, one reply to a request."""

    def __init__(self, answer: Callable[[Call], Reply] | None = None) -> None:
        self.calls: list[Call] = []
        self.script: list[Reply] = []
        self._answer = answer
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(self.command, parts.path, query, headers, body)
                with outer._lock:
                    outer.calls.append(call)
                    reply = outer.script.pop(0) if outer.script else outer.answer(call)
                data = reply.body if reply.body is not None else json.dumps(reply.json).encode()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data) + (10 if reply.cut else 0)))
                self.end_headers()
                self.wfile.write(data)
                self.close_connection = self.close_connection or reply.cut

            do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, call: Call) -> Reply:
        return self._answer(call) if self._answer else Reply({"error": "nothing here"}, 404)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def login(self, **extra: Any) -> Login:
        return Login(self.url, "hr-user", SECRET, extra)

    def __enter__(self) -> HrServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


REST = """
person: {id: "{{ row.id }}", email: "{{ row.email }}", given_name: "{{ row.first }}", family_name: "{{ row.last }}"}
employment: {status: "{{ row.status }}", active: [active], inactive: [inactive]}
"""


def spec(options: Mapping[str, Any], rest: str = REST, file: str = "") -> SyncSpec:
    return SyncSpec.parse(f"version: 1\nname: hr\nsource: {json.dumps(options)}\n{rest}", file)


class Read:
    """One reading of a source, taken to its end."""

    def __init__(self, source: Any) -> None:
        self.reading = source.read()
        self.rows: list[Row] = list(self.reading)
        self.values = [dict(row.values) for row in self.rows]
        self.problems = {row.number: row.problem for row in self.rows if row.problem}
        self.incomplete, self.warnings = self.reading.incomplete, self.reading.warnings
        self.proven = self.reading.proven


class Waits(list[float]):
    """Sleeps of a source, noted instead of slept."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def make(
    server: HrServer,
    options: Mapping[str, Any],
    rest: str = REST,
    *,
    login: Login | None = None,
    waits: Waits | None = None,
    now: dt.datetime | None = None,
) -> ApiSource:
    """A source that asks the server, with a connection ``hr`` that leads there."""
    parsed = spec({"conn_id": "hr", **options}, rest)
    kind = HttpSource if parsed.source.type == "http" else VendorSource
    found = login or server.login()
    clock = (lambda zone: now.astimezone(zone)) if now else dt.datetime.now
    return kind(parsed, connect=lambda _conn_id: found, sleep=waits if waits is not None else Waits(), now=clock)


def people(source: ApiSource) -> People:
    """What the engine makes of the source."""
    return read_people(source.spec, source, NOW)


def person(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"p{number}", "email": f"p{number}@acme.test", "first": f"First{number}", "last": f"Last{number}",
        "status": "active", **more,
    }  # fmt: skip
