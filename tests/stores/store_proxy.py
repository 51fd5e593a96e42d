"""A store over HTTP that tests can let refuse requests, lose answers and go away."""

from __future__ import annotations

import http.client
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Call(NamedTuple):
    """A request.

    :param method: the HTTP method.
    :param path: the path: bucket and key.
    :param query: the query string.
    :param headers: the headers, by their names in lower case.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]

    @property
    def conditional(self) -> bool:
        """Whether the store is to refuse it if the object exists."""
        return self.headers.get("if-none-match") == "*" or "ifGenerationMatch=0" in self.query


class Fault(NamedTuple):
    """What the server does instead of answering.

    :param status: the HTTP status, with its reason.
    :param code: the store's code of the error.
    :param done: whether the request is carried out all the same, so that only its answer is lost.
    """

    status: str
    code: str
    done: bool = False

    def body(self) -> bytes:
        """The error as S3 and Azure write it."""
        return f"<?xml version='1.0'?><Error><Code>{self.code}</Code><Message>{self.code}</Message></Error>".encode()


REFUSED = Fault("403 Forbidden", "AccessDenied")
GONE = Fault("503 Service Unavailable", "ServiceUnavailable")
UNKNOWN = Fault("501 Not Implemented", "NotImplemented")
CONFLICT = Fault("409 Conflict", "ConditionalRequestConflict")
LOST = Fault("500 Internal Server Error", "InternalError", done=True)


def free_port() -> int:
    """A port that no program listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


class StoreProxy:
    """Stands before the server of a store, and passes requests on.

    :param backend: the port of the server on this machine.
    """

    def __init__(self, backend: int) -> None:
        self.calls: list[Call] = []
        self.fault: Callable[[Call], Fault | None] = lambda call: None
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Say nothing: a run sends hundreds."""

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path, _, query = self.path.partition("?")
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(self.command, path, query, headers)
                proxy.calls.append(call)
                fault = proxy.fault(call)
                if fault and not fault.done:
                    self._answer(int(fault.status[:3]), {"Content-Type": "application/xml"}, fault.body())
                    return
                connection = http.client.HTTPConnection("127.0.0.1", backend, timeout=30)
                try:
                    connection.request(self.command, self.path, body, dict(self.headers.items()))
                    found = connection.getresponse()
                    content, given = found.read(), dict(found.getheaders())
                finally:
                    connection.close()
                if fault:
                    self._answer(int(fault.status[:3]), {"Content-Type": "application/xml"}, fault.body())
                else:
                    self._answer(found.status, given, content)

            def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                given = {name.lower(): value for name, value in headers.items()}.get("content-length", "0")
                length = given if self.command == "HEAD" else str(len(content))
                self.send_header("Content-Length", length)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _pass_on

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class StoreProcess(StoreProxy):
    """A store that is a program of its own, behind the proxy.

    :param backend: the port of the program.
    """

    def __init__(self, backend: int) -> None:
        super().__init__(backend)
        self.backend = backend

    def start(self, command: Sequence[str], path: str) -> None:
        """Start the program, and wait until it answers.

        :param command: the program with its options.
        :param path: what it is asked.
        """
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until_up(f"http://127.0.0.1:{self.backend}{path}")

    def close(self) -> None:
        """Stop the program and the proxy."""
        super().close()
        self._process.terminate()
        self._process.wait(10)


def wait_until_up(url: str, seconds: float = 30) -> None:
    """Wait until a server answers, whatever it says."""
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
