"""What a client takes, and what it refuses before anything is sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kinde.client import AsyncKindeClient, KindeClient
from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS
from airflow_provider_kinde.client.settings import Settings, SettingsError
from airflow_provider_kinde.client.urls import base_url

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "pasted",
    [
        "acme.kinde.com",
        " ACME.kinde.com. ",
        "https://acme.kinde.com",
        "https://acme.kinde.com/",
        "HTTPS://acme.kinde.com/api/v1/users?x=1#y",
        "acme.kinde.com/oauth2/token",
        "https://acme.kinde.com:443",
        "//acme.kinde.com",
    ],
)
def test_whatever_is_pasted_of_a_domain(pasted: str) -> None:
    assert base_url(pasted) == "https://acme.kinde.com"


@pytest.mark.parametrize(
    ("pasted", "base"),
    [
        ("acme.us.kinde.com", "https://acme.us.kinde.com"),
        ("auth.bücher.example", "https://auth.xn--bcher-kva.example"),
        ("127.0.0.1:8900", "http://127.0.0.1:8900"),
        ("http://127.0.0.1:8900/", "http://127.0.0.1:8900"),
        ("https://127.0.0.1:8900", "https://127.0.0.1:8900"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("localhost:1", "http://localhost:1"),
        ("http://[::1]:8900", "http://[::1]:8900"),
        ("acme.kinde.com:8443", "https://acme.kinde.com:8443"),
    ],
)
def test_other_domains(pasted: str, base: str) -> None:
    assert base_url(pasted) == base


@pytest.mark.parametrize(
    ("pasted", "word"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("http://acme.kinde.com", "unencrypted"),
        ("http://127.0.0.1.evil.example", "unencrypted"),
        ("http://192.168.0.1", "unencrypted"),
        ("http://localhost.evil.example", "unencrypted"),
        ("ftp://acme.kinde.com", "https"),
        ("acme", "acme.kinde.com"),
        ("https://me:pass@acme.kinde.com", "password"),
        ("acme.kinde.com@evil.example", "password"),
        ("acme kinde.com", "spaces"),
        ("acme.kinde.com\nevil", "control"),
        ("acme..kinde.com", "domain"),
        ("-acme.kinde.com", "domain"),
        ("acme.kinde.com:port", "address"),
        ("https://", "domain"),
        ("https://acme.kinde.com\\@evil.example", "control"),
        ("{{ var.value.domain }}", "spaces"),
    ],
)
def test_an_invalid_domain_is_refused(pasted: str, word: str) -> None:
    with pytest.raises(ValueError, match=word) as caught:
        base_url(pasted)
    assert "pass@" not in str(caught.value)


@given(st.text())
def test_a_domain_never_fails_in_another_way(text: str) -> None:
    try:
        base = base_url(text)
    except ValueError:
        return
    assert base_url(base) == base
    assert base.startswith("https://") or "127." in base or "localhost" in base or "[::" in base


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"client_id": " "}, "client_id"),
        ({"client_secret": ""}, "client_secret"),
        ({"client_secret": "top-secret\udfff"}, "client_secret: .* half a character"),
        ({"client_id": "id\ud800"}, "client_id"),
        ({"audience": "\ud800"}, "audience"),
        ({"scopes": ["read:users", "\ud800"]}, "scopes"),
        ({"timeout": 0}, "timeout"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"token_cache": "disk"}, "host, process or none"),
        ({"max_tries": 0}, "max_tries"),
        ({"max_concurrency": 10**9}, "max_concurrency"),
        ({"verify": "flase"}, "verify"),
        ({"verify": {"a": 1}}, "verify"),
        ({"proxies": "me:top-secret@proxy:3128"}, "proxies"),
        ({"proxies": {"https": "foo://me:top-secret@proxy"}}, "proxies"),
    ],
)
def test_wrong_client_options_are_refused(options: dict[str, Any], word: str) -> None:
    for kind in (KindeClient, AsyncKindeClient):
        with pytest.raises(ValueError, match=word) as caught:
            kind(**{"domain": "acme.kinde.com", "client_id": "id", "client_secret": "s", **options})
        assert "top-secret" not in str(caught.value)


def test_socks_where_nothing_speaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_kinde.client.transport_base.find_spec", lambda _: None)
    for kind in (KindeClient, AsyncKindeClient):
        with pytest.raises(ValueError, match="proxies: socks5") as caught:
            kind("acme.kinde.com", "id", "s", proxies="socks5://me:top-secret@proxy:1")
        assert "top-secret" not in str(caught.value)


def test_the_secret_is_in_no_repr() -> None:
    settings = Settings("acme.kinde.com", "id", "hidden-secret")
    with KindeClient("acme.kinde.com", "id", "hidden-secret") as client:
        assert "hidden-secret" not in repr(settings) + repr(client) + repr(client._tokens)
        assert client.host == "acme.kinde.com"
    assert settings.credentials.audience == "https://acme.kinde.com/api"


def test_the_methods_cost_no_http_library() -> None:
    script = (
        "import sys, airflow_provider_kinde.client.endpoints.catalog, airflow_provider_kinde.hooks.connection_form\n"
        "heavy = {'requests', 'httpx', 'urllib3', 'tenacity', 'cryptography', 'airflow'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


def test_the_table_of_operations_is_whole() -> None:
    # One operation has two methods: it changes members, and takes them out.
    assert len({operation.call for operation in ENDPOINTS.values()}) == 183
    assert len(ENDPOINTS) == 184
    for name, operation in ENDPOINTS.items():
        assert operation.name == name
        assert operation.template.startswith("/api/v1/")
        # Anyone may ask whether a key is valid.
        assert operation.scope.split(":")[0] in ("read", "create", "update", "delete") or name == "verify_api_key"
        assert set(operation.path) <= operation.required
        assert (operation.paging == "") or operation.items


@pytest.mark.parametrize(
    "option", ["timeout", "max_concurrency", "requests_per_minute", "token_cache", "verify", "scopes", "proxies"]
)
def test_a_secret_in_the_wrong_field_is_not_quoted(option: str) -> None:
    secret = "s3cr3t-9f8e7d6c5b4a39281706"
    values: list[object] = [[secret, 1], {secret: 1}]
    values += [] if option == "scopes" else [secret]
    for value in values:
        with pytest.raises(SettingsError) as caught:
            Settings("https://acme.kinde.com", "id", "secret", **{option: value})
        assert secret[:11] not in str(caught.value)
