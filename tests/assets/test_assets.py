from __future__ import annotations

import subprocess
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from airflow_provider_kinde.assets.kinde import organization_uri, sanitize_uri


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("kinde://acme.kinde.com", "kinde://acme.kinde.com"),
        ("kinde://Acme.Kinde.com/", "kinde://acme.kinde.com"),
        ("kinde://acme.kinde.com/org_1Ab/", "kinde://acme.kinde.com/org_1Ab"),
        ("kinde://127.0.0.1:8900/org_1", "kinde://127.0.0.1:8900/org_1"),
    ],
)
def test_one_form(given: str, expected: str) -> None:
    assert sanitize_uri(urlsplit(given)).geturl() == expected
    assert sanitize_uri(urlsplit(expected)).geturl() == expected


@pytest.mark.parametrize(
    "given",
    [
        "kinde:///org_1",
        "kinde://user:secret@acme.kinde.com/org_1",
        "kinde://acme.kinde.com/org_1/users",
        "kinde://acme.kinde.com/ann@example.com",
        "kinde://acme.kinde.com/org_1?x=1",
        "kinde://acme.kinde.com/org_1#x",
        "kinde://-acme/org_1",
    ],
)
def test_an_invalid_asset_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="URI format kinde"):
        sanitize_uri(urlsplit(given))


def test_the_uri_of_an_organization() -> None:
    assert organization_uri(" Acme.kinde.com ", "org_1") == "kinde://acme.kinde.com/org_1"
    assert organization_uri("acme.kinde.com") == "kinde://acme.kinde.com"
    with pytest.raises(ValueError, match="the code of one organization"):
        organization_uri("acme.kinde.com", "a b")


ASSET = """
try:
    from airflow.sdk import Asset
except ImportError:
    from airflow.datasets import Dataset as Asset
print("URI", Asset(uri="kinde://Acme.kinde.com/org_1/").uri)
"""


def test_airflow_asks_the_provider(airflow_process: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = airflow_process("-c", ASSET)
    assert "URI kinde://acme.kinde.com/org_1\n" in done.stdout, done.stderr
