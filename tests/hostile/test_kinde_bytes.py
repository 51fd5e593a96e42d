"""Answers that never end, burst or lie about themselves, byte by byte: each ends in time, in memory, and typed."""

from __future__ import annotations

import gzip
import itertools
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import KindeServerError
from tests.support.loopback import make_client

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
TOKEN = "eyJ-a-token-that-nobody-may-see-0123456789"


class Raw:
    """Says what it was told, with a pause after each piece; gives a token to whoever asks."""

    def __init__(self) -> None:
        self.pieces: Callable[[], Iterable[bytes]] = list
        self.pause = 0.05
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while asked := self._request(connection):
                    if b"/oauth2/token" in asked:
                        body = json.dumps({"access_token": TOKEN, "expires_in": 3600}).encode()
                        connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                        continue
                    for piece in self.pieces():
                        connection.sendall(piece)
                        if self._stop.wait(self.pause):
                            return
            except OSError:
                return

    @staticmethod
    def _request(connection: socket.socket) -> bytes:
        with connection.makefile("rb") as lines:
            first, length = lines.readline(), 0
            while line := lines.readline().strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            lines.read(length)
            return first

    def close(self) -> None:
        self._stop.set()
        self._listener.close()


@pytest.fixture
def raw() -> Iterator[Raw]:
    server = Raw()
    yield server
    server.close()


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest, raw: Raw) -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def make(**options: Any) -> Any:
        made.append(make_client(request.param, raw, None, max_tries=1, **options))
        return made[-1]

    yield make
    for client in made:
        client.close() if isinstance(client, KindeClient) else client.stop()


def on_and_on(first: bytes, then: bytes) -> Callable[[], Iterable[bytes]]:
    return lambda: itertools.chain([first], itertools.repeat(then))


def packed(then: bytes) -> bytes:
    return b"%x\r\n" % len(then) + then + b"\r\n"


NOTHING = b"\0\0\0\xff\xff"
HEAD = zlib.compressobj(9, zlib.DEFLATED, 31)
HEAD_BYTES = HEAD.compress(b"") + HEAD.flush(zlib.Z_SYNC_FLUSH)
GZIP = OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + packed(HEAD_BYTES)
ENDLESS = {
    "known length": on_and_on(OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "chunks": on_and_on(CHUNKED, packed(b" ")),
    "packed nothing": on_and_on(GZIP, packed(NOTHING)),
    "until the end": on_and_on(OK + b"\r\n{}", b" "),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_body_that_drips_is_cut_off(name: str, connect: Any, raw: Raw) -> None:
    raw.pieces = ENDLESS[name]
    began = time.monotonic()
    with pytest.raises(KindeServerError, match=r"no whole response within 0\.5 s") as caught:
        connect(timeout=0.25).create_user()
    assert caught.value.fate_unknown
    assert time.monotonic() - began < 20


def test_packed_nothing_in_a_hurry_is_too_much(connect: Any, raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_kinde.client.transport_base.MAX_BODY", 1_000_000)
    raw.pause, raw.pieces = 0.0, on_and_on(GZIP, packed(NOTHING * 10_000))
    with pytest.raises(KindeServerError, match="larger than"):
        connect(timeout=20).get_users()


def test_a_line_is_of_use_to_later_requests(connect: Any, raw: Raw) -> None:
    client = connect(timeout=5)
    for text in (b'{"a": 1}', b'{"b": 2}'):
        raw.pieces = lambda text=text: [OK + b"Content-Length: 8\r\n\r\n" + text]
        assert client.request("GET", "/x") == json.loads(text)


@pytest.mark.parametrize("how", ["gzip, gzip", "deflate,gzip", "br", "gzip" + ",gzip" * 1000])
def test_layers_of_packing_are_not_opened(how: str, connect: Any, raw: Raw) -> None:
    body = gzip.compress(gzip.compress(b"0" * 1000))
    raw.pieces = lambda: [OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (how.encode(), len(body)) + body]
    with pytest.raises(KindeServerError, match="packed in a way"):
        connect(timeout=10).get_users()


def bare(text: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(text) + packer.flush()


PACKS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("X-GZIP", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", bare),
    ("identity", bytes),
]


@pytest.mark.parametrize(("how", "pack"), PACKS)
def test_packed_answers_are_read(how: str, pack: Callable[[bytes], bytes], connect: Any, raw: Raw) -> None:
    body = pack(b'{"id": "kp_1"}')
    raw.pause = 0.01
    raw.pieces = lambda: [
        OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (how.encode(), len(body)),
        *(body[n : n + 5] for n in range(0, len(body), 5)),
    ]
    assert connect(timeout=10).get_user_data("kp_1") == {"id": "kp_1"}


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b'{"id": 1}', mtime=0)[:-12]], ids=["none", "cut"])
def test_a_packed_answer_that_is_broken(body: bytes, connect: Any, raw: Raw) -> None:
    raw.pieces = lambda: [OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body]
    with pytest.raises(KindeServerError, match=r"unpacked|cut off") as caught:
        connect(timeout=10).create_user()
    assert caught.value.fate_unknown


def test_two_lengths_in_an_answer_are_no_fault_of_the_request(connect: Any, raw: Raw) -> None:
    raw.pieces = lambda: [OK + b"Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}"]
    with pytest.raises(KindeServerError, match="broke before") as caught:
        connect(timeout=10).create_user()
    assert caught.value.fate_unknown
