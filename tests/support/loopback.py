"""A scripted server on loopback, a clock that runs when told, and both clients behind one face."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from airflow_provider_kinde.client import AsyncKindeClient, KindeClient

SECRET = "s3cret+/very=long"
TOKEN = "/oauth2/token"


@dataclass
class Reply:
    """What the server answers; ``way`` is how: ``drop``, ``reset``, ``cut`` (half a body) or ``slow``."""

    json: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    way: str = ""
    delay: float = 0.0

    @property
    def bytes(self) -> bytes:
        if self.body is not None:
            return self.body
        return b"" if self.json is None else json.dumps(self.json).encode()


@dataclass
class Call:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {k: v[0] for k, v in parse_qs(urlsplit(self.target).query, keep_blank_values=True).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Server:
    """Answers as it was told; every token request gets a new token unless told otherwise."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.connections = 0
        self.together = 0
        self._under_way = 0
        self._lock = threading.Lock()
        self._script: dict[tuple[str, str], list[Reply | Callable[[Call], Reply]]] = defaultdict(list)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(self.command, self.path, headers, self.rfile.read(length))
                with outer._lock:
                    outer.calls.append(call)
                    outer._under_way += 1
                    outer.together = max(outer.together, outer._under_way)
                try:
                    outer._write(self, outer._reply(call))
                finally:
                    with outer._lock:
                        outer._under_way -= 1

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *args: object) -> None: ...

        class Quiet(ThreadingHTTPServer):
            request_queue_size = 128

            def handle_error(self, *args: object) -> None: ...

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._http.server_port}"

    def on(self, call: str, *replies: Reply | Callable[[Call], Reply]) -> None:
        """Answer ``GET /path`` with these, one after the other; the last one goes on."""
        method, _, path = call.partition(" ")
        self._script[method, path] = list(replies)

    def sent(self, call: str = "") -> list[Call]:
        """Requests for ``GET /path``, or all but those for tokens."""
        if not call:
            return [c for c in self.calls if c.path != TOKEN]
        return [c for c in self.calls if f"{c.method} {c.path}" == call]

    @property
    def tokens(self) -> int:
        return len(self.sent(f"POST {TOKEN}"))

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _reply(self, call: Call) -> Reply:
        script = self._script[call.method, call.path]
        if not script and call.path == TOKEN:
            return Reply({"access_token": f"token-{self.tokens}", "expires_in": 3600, "token_type": "bearer"})
        if not script:
            return Reply({"message": "Success", "code": "OK"})
        with self._lock:
            reply = script.pop(0) if len(script) > 1 else script[0]
        return reply(call) if callable(reply) else reply

    def _write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.delay:
            threading.Event().wait(reply.delay)
        if reply.way in ("drop", "reset"):
            if reply.way == "reset":
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                handler.connection.shutdown(socket.SHUT_RDWR)
            handler.connection.close()
            handler.close_connection = True
            return
        body = reply.bytes
        head = [f"HTTP/1.1 {reply.status} Scripted", f"Content-Length: {len(body)}"]
        if body and "content-type" not in {name.lower() for name in reply.headers}:
            head.append("Content-Type: application/json; charset=utf-8")
        head += [f"{name}: {value}" for name, value in reply.headers.items()]
        half = body[: len(body) // 2] if reply.way == "cut" else body
        # In one piece: in two, each answer would wait for a delayed acknowledgement.
        handler.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n" + half)
        if reply.way == "cut":
            handler.close_connection = True


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.sleeps: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.sleeps.append(seconds)
            self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)
        await asyncio.sleep(0)


class Blocking:
    """An async client that is called like the sync one, so that one test holds for both."""

    def __init__(self, make: Callable[[], AsyncKindeClient]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

        async def build() -> AsyncKindeClient:
            return make()

        self.client = self._run(build())

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if name == "counts" or not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            result = found(*args, **kwargs)
            return self._each(result) if hasattr(result, "__aiter__") else self._run(result)

        return call

    def _each(self, items: Any) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(items, None)

        while (item := self._run(following())) is not None:
            yield item

    def __repr__(self) -> str:
        return repr(self.client)

    def stop(self) -> None:
        self._run(self.client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def make_client(kind: str, server: Server, clock: Clock | None, **options: Any) -> Any:
    """A client of the given kind, on the server."""
    arguments: dict[str, Any] = {"domain": server.host, "client_id": "id", "client_secret": SECRET, **options}
    if kind == "sync":
        ours = {"sleep": clock.sleep, "clock": clock, "wall": clock} if clock else {}
        return KindeClient(**{**ours, **arguments})
    ours = {"sleep": clock.asleep, "blocking_sleep": clock.sleep, "clock": clock, "wall": clock} if clock else {}
    return Blocking(lambda: AsyncKindeClient(**{**ours, **arguments}))
