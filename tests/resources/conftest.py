from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_kinde.client import KindeClient
from kinde_emulator import Emulator


@pytest.fixture
def kinde() -> Iterator[Emulator]:
    """A local Kinde with one organization and three users, one of whom is a member with a role."""
    with Emulator() as emulator:
        emulator.seed(
            {
                "organizations": [{"name": "Sales", "code": "org_sales"}],
                "roles": ["seller", "lead"],
                "permissions": ["read:deals"],
                "properties": ["team"],
                "users": [
                    {"id": "kp_ann", "email": "Ann@example.com", "first_name": "Ann", "last_name": "Lee"},
                    {"id": "kp_bob", "email": "bob@example.com"},
                    {"id": "kp_cat", "email": "cat@example.com", "memberships": {"org_sales": ["seller"]}},
                ],
            }
        )
        yield emulator


@pytest.fixture
def client(kinde: Emulator) -> Iterator[KindeClient]:
    with KindeClient(kinde.url, kinde.client_id, kinde.client_secret) as client:
        kinde.clear_log()
        yield client


@pytest.fixture
def sent(kinde: Emulator) -> Sent:
    return Sent(kinde)


class Sent:
    """The requests that wrote something."""

    def __init__(self, kinde: Emulator) -> None:
        self._kinde = kinde

    def __call__(self) -> list[tuple[str, str]]:
        return [
            (call["method"], call["path"].removeprefix("/api/v1"))
            for call in self._kinde.log()
            if call["method"] != "GET" and call["path"].startswith("/api/")
        ]

    def bodies(self) -> list[object]:
        return [
            call["body"] for call in self._kinde.log() if call["method"] != "GET" and call["path"].startswith("/api/")
        ]
