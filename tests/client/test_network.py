"""Certificates and proxies, alike in both clients."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from airflow_provider_kinde.client import AsyncKindeClient, KindeClient, network_options, transport_base
from airflow_provider_kinde.exceptions import KindeServerError
from tests.support.loopback import SECRET, Clock, Reply, Server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture(autouse=True)
def without_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that runs the tests may name a CA bundle."""
    for name in network_options._BUNDLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def secure(certificate: Path) -> Iterator[Server]:
    server = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
    yield server
    server.close()


def test_an_untrusted_certificate_is_refused(connect: Any, secure: Server, clock: Clock) -> None:
    with pytest.raises(KindeServerError, match="no trusted connection") as caught:
        connect(domain=f"https://{secure.host}").create_user()
    assert not caught.value.fate_unknown
    assert secure.calls == []
    # It will not be trusted the next second either.
    assert clock.sleeps == []


@pytest.mark.parametrize("how", ["file", "off", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_certificate_of_ones_own(
    how: str, connect: Any, secure: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how.isupper():
        monkeypatch.setenv(how, str(certificate))
    verify = {"file": str(certificate), "off": False}.get(how, True)
    assert connect(domain=f"https://{secure.host}", verify=verify).get_users()["code"] == "OK"
    assert len(secure.sent()) == 1


def test_a_bundle_of_the_environment_that_is_not_there(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/bundle.pem")
    with pytest.raises(ValueError, match="SSL_CERT_FILE in the environment: there is no"):
        connect(domain="https://acme.kinde.com").get_users()


CHILD = """
import asyncio, json, os, resource, sys

kind, domain, verify, room = sys.argv[1:]

from airflow_provider_kinde.client import AsyncKindeClient, KindeClient
from airflow_provider_kinde.exceptions import KindeServerError

options = {"verify": verify, "token_cache": "none", "max_tries": 1}

def few_files():
    highest = max(map(int, os.listdir("/proc/self/fd")))
    limit = highest + 4
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        for file in held[: int(room)]:
            os.close(file)

def told(counts, error=None):
    unknown = bool(error and error.fate_unknown)
    print(json.dumps([counts.total, counts.token, unknown, str(error or "")]))

def sync():
    with KindeClient(domain, "id", "secret", **options) as client:
        client.get_users()
        client.close()
        few_files()
        try:
            client.create_user()
            told(client.counts)
        except KindeServerError as error:
            told(client.counts, error)

async def twin():
    async with AsyncKindeClient(domain, "id", "secret", **options) as client:
        await client.get_users()
        await client._transport.close()
        client._transport = type(client._transport)(client._settings)
        few_files()
        try:
            await client.create_user()
            told(client.counts)
        except KindeServerError as error:
            told(client.counts, error)

sync() if kind == "sync" else asyncio.run(twin())
"""


@pytest.mark.parametrize("room", [0, 1])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_request_for_which_no_file_can_be_opened_was_not_sent(
    kind: str, room: int, secure: Server, certificate: Path
) -> None:
    command = [sys.executable, "-c", CHILD, kind, f"https://{secure.host}", str(certificate), str(room)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    total, tokens, unknown, words = json.loads(done.stdout)
    # With room for a socket only, the async client has its certificates at hand, and the request is sent.
    assert [total, tokens] == [len(secure.sent()), len(secure.calls) - len(secure.sent())]
    assert not unknown
    assert not words or "cannot connect" in words


@pytest.mark.parametrize("form", ["all", "by scheme"])
def test_a_proxy(form: str, connect: Any, server: Server) -> None:
    proxy = f"http://{server.host}"
    server.on("GET /api/v1/users", Reply({"users": [{"id": "kp_1"}]}))
    client = connect(domain="http://127.0.0.1:9", proxies=proxy if form == "all" else {"http": proxy})
    assert client.get_users() == {"users": [{"id": "kp_1"}]}
    assert server.sent()[0].target == "http://127.0.0.1:9/api/v1/users"


def test_a_proxy_that_is_away(connect: Any, clock: Clock) -> None:
    client = connect(domain="http://127.0.0.1:9", proxies="http://user:pass-word@127.0.0.1:9", max_tries=2)
    with pytest.raises(KindeServerError, match=r"proxy 127\.0\.0\.1:9 does not connect .* that it runs") as caught:
        client.create_user()
    assert not caught.value.fate_unknown
    assert "pass-word" not in str(caught.value)
    assert len(clock.sleeps) == 1


@pytest.mark.parametrize("domain", ["http://127.0.0.1:9", "https://acme.kinde.com"])
def test_a_proxy_that_wants_a_login(connect: Any, domain: str, clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_refuse, args=(listening,), daemon=True).start()
        client = connect(domain=domain, proxies=f"http://127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(KindeServerError, match=r"wants a login \(HTTP 407\) .* put user and password") as caught:
            client.create_user()
    assert not caught.value.fate_unknown
    # The login will not be there the next second either.
    assert clock.sleeps == []
    assert (client.counts.total, client.counts.token) == (0, 0)


def _refuse(listening: socket.socket) -> None:
    with suppress(OSError):
        while True:
            with listening.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("names", "direct"),
    [
        ("127.0.0.1", True),
        ("::1,fe80::/10,127.0.0.0/8", True),
        ("[::1]:80 [fe80::1], *", True),
        ("::1,fe80::/10,10.0.0.0/8,.kinde.com", False),
        ("127.0.0.1:1", False),
    ],
)
def test_hosts_in_no_proxy_are_reached_directly(
    connect: Any, server: Server, names: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Loopback takes no proxy of the environment; this is a host like any other.
    monkeypatch.setattr("airflow_provider_kinde.client.settings.is_loopback", lambda _: False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with closing(Server()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.host)
        monkeypatch.setenv("NO_PROXY", names)
        connect().get_users()
        assert (len(server.sent()), len(proxy.sent())) == ((1, 0) if direct else (0, 1))


@pytest.mark.parametrize(
    ("names", "host", "port", "excepted"),
    [
        ("::1", "::1", 8934, True),
        ("[::1]", "::1", 8934, True),
        ("[::1]:8934", "::1", 8934, True),
        ("[::1]:8934", "::1", 80, False),
        ("fd00::/8", "fd12::5", None, True),
        ("fd00::/8", "fe80::1", None, False),
        ("kinde.com", "acme.kinde.com", None, True),
        (".kinde.com", "acme.kinde.com", None, True),
        ("*.kinde.com", "acme.kinde.com", None, True),
        ("kinde.com", "evilkinde.com", None, False),
        ("https://acme.kinde.com", "acme.kinde.com", None, True),
        (", ,", "acme.kinde.com", None, False),
    ],
)
def test_the_forms_of_no_proxy_are_understood(
    names: str, host: str, port: int | None, excepted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", names)
    assert network_options._excepted(host, port) is excepted


def test_idle_connections_are_not_used_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_base, "IDLE_TIME", 1.0)
    server.on("GET /api/v1/business", Reply({}, delay=0.05))
    with KindeClient(server.host, "id", SECRET) as client, ThreadPoolExecutor(2) as threads:

        def two_at_once() -> None:
            list(threads.map(lambda _: client.request("GET", "/api/v1/business"), range(2)))

        two_at_once()
        for _ in range(4):
            time.sleep(0.25)
            two_at_once()
        assert server.connections == 2
        time.sleep(1.1)
        two_at_once()
        assert server.connections == 4


def test_the_async_client_does_not_use_idle_connections_again_either(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_base, "IDLE_TIME", 0.3)
    server.on("GET /api/v1/business", Reply({}, delay=0.05))

    async def run() -> None:
        async with AsyncKindeClient(server.host, "id", SECRET) as client:
            for _ in range(2):
                await asyncio.gather(*(client.request("GET", "/api/v1/business") for _ in range(2)))
            assert server.connections == 3, "two, and one for the token"
            for _ in range(4):
                await client.request("GET", "/api/v1/business")
                await asyncio.sleep(0.1)
            assert server.connections == 3
            await asyncio.gather(*(client.request("GET", "/api/v1/business") for _ in range(2)))
            assert server.connections == 4

    asyncio.run(run())
