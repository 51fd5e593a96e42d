"""Certificates and proxies, alike in both clients."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from airflow_provider_kinde.client import AsyncKindeClient, KindeClient, transport_base
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


@pytest.mark.parametrize("how", ["file", "off", "environment"])
def test_a_certificate_of_ones_own(
    how: str, connect: Any, secure: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = secure.host
    if how == "environment":
        # Not loopback by name, so that the environment counts.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        monkeypatch.setattr("airflow_provider_kinde.client.settings.is_loopback", lambda _: False)
    verify = {"file": str(certificate), "off": False, "environment": True}[how]
    assert connect(domain=f"https://{host}", verify=verify).get_users()["code"] == "OK"
    assert len(secure.sent()) == 1


@pytest.mark.parametrize("form", ["all", "by scheme"])
def test_a_proxy(form: str, connect: Any, server: Server) -> None:
    proxy = f"http://{server.host}"
    server.on("GET /api/v1/users", Reply({"users": [{"id": "kp_1"}]}))
    client = connect(domain="http://127.0.0.1:9", proxies=proxy if form == "all" else {"http": proxy})
    assert client.get_users() == {"users": [{"id": "kp_1"}]}
    assert server.sent()[0].target == "http://127.0.0.1:9/api/v1/users"


def test_a_proxy_that_is_away(connect: Any, clock: Clock) -> None:
    client = connect(domain="http://127.0.0.1:9", proxies="http://127.0.0.1:9", max_tries=2)
    with pytest.raises(KindeServerError) as caught:
        client.create_user()
    assert not caught.value.fate_unknown
    assert len(clock.sleeps) == 1


def test_idle_connections_are_not_used_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_base, "IDLE_TIME", 0.3)
    server.on("GET /api/v1/business", Reply({}, delay=0.05))
    with KindeClient(server.host, "id", SECRET) as client, ThreadPoolExecutor(2) as threads:

        def two_at_once() -> None:
            list(threads.map(lambda _: client.request("GET", "/api/v1/business"), range(2)))

        two_at_once()
        for _ in range(4):
            time.sleep(0.1)
            two_at_once()
        assert server.connections == 2
        time.sleep(0.4)
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
