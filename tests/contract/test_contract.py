"""Every operation's request, against Kinde's OpenAPI document: ``make test-contract OPENAPI=path/to/document.yaml``.

The document is Kinde's and not in this repository; without it these tests are not run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS
from tests.contract.validating_server import ValidatingServer, load
from tests.support.every_request import everything, required

NAMES = sorted(ENDPOINTS)
OTHER_IDS = {
    "remove_organization_users": "update_organization_users",
    "update_organization_users": "update_organization_users",
}
"""Methods that are not called as the document's ``operationId`` in snake case."""
UNDOCUMENTED = {"get_users": {"sort"}}
"""Parameters that are offered although the document no longer has them; its text still calls the list sortable."""


@pytest.fixture(scope="session")
def server() -> Iterator[ValidatingServer]:
    path = os.environ.get("OPENAPI", "")
    if not path:
        pytest.skip("make test-contract OPENAPI=path/to/kinde's/document.yaml")
    server = ValidatingServer(load(path))
    yield server
    server.close()


@pytest.fixture(scope="session")
def client(server: ValidatingServer) -> Iterator[KindeClient]:
    with KindeClient(server.url, "id", "secret", max_tries=1) as client:
        yield client


def snake(name: str) -> str:
    """``AddOrganizationUserAPIScope`` -> ``add_organization_user_api_scope``, ``getAPIs`` -> ``get_apis``."""
    name = name.replace("APIs", "Apis").replace("URLs", "Urls")
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("arguments", [everything, required])
def test_the_request_is_what_the_document_allows(
    server: ValidatingServer, client: KindeClient, name: str, arguments: Any
) -> None:
    sent = {key: value for key, value in arguments(name).items() if key not in UNDOCUMENTED.get(name, ())}
    server.problems.clear()
    server.seen.clear()
    try:
        client.call(name, **sent)
    finally:
        assert server.problems == []
    assert [snake(seen) for seen in server.seen] == [OTHER_IDS.get(name, name)]


@pytest.mark.parametrize("name", NAMES)
def test_everything_documented_is_offered_under_its_name(server: ValidatingServer, name: str) -> None:
    operation = ENDPOINTS[name]
    documented = server.operation(operation.call)
    assert documented, f"{operation.call} is not in the document"
    assert documented["path"] == operation.template
    query = {item["name"].partition("[")[0] for item in documented["parameters"] if item["in"] == "query"}
    contents = (documented.get("requestBody") or {}).get("content", {})
    body = {field for content in contents.values() for field in content["schema"].get("properties", {})}
    assert set(operation.query) - UNDOCUMENTED.get(name, set()) == query
    assert {*operation.body, *filter(None, [operation.file])} == body
    needed = {item["name"] for item in documented["parameters"] if item.get("required")}
    for content in contents.values():
        needed |= set(content["schema"].get("required", []))
    assert needed <= operation.required
    scopes = re.findall(r"[a-z]+:[a-z_]+", documented["description"])
    assert operation.scope in (scopes or [""])


def test_every_documented_operation_has_a_method(server: ValidatingServer) -> None:
    documented = {
        f"{method.upper()} {path}"
        for path, methods in server.document["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    }
    assert {operation.call for operation in ENDPOINTS.values()} == documented


@pytest.mark.parametrize(
    ("method", "path", "params", "json"),
    [
        ("GET", "/api/v1/userz", {}, None),
        ("GET", "/api/v1/users", {"page-size": 1}, None),
        ("GET", "/api/v1/users", {"page_size": "many"}, None),
        ("GET", "/api/v1/user", {}, None),
        ("POST", "/api/v1/organization", {}, {"nome": "x"}),
        ("POST", "/api/v1/organization", {}, {"name": "x", "nome": "y"}),
        ("POST", "/api/v1/organization", {}, {"name": 7}),
        ("POST", "/api/v1/user", {}, {"identities": [{"type": "email", "detail": {}}]}),
        ("DELETE", "/api/v1/user", {"id": "kp_1"}, {"id": "kp_1"}),
    ],
)
def test_the_server_refuses_what_the_document_does_not_allow(
    server: ValidatingServer, client: KindeClient, method: str, path: str, params: Any, json: Any
) -> None:
    server.problems.clear()
    with pytest.raises(Exception, match="NOT_IN_DOCUMENT"):
        client.request(method, path, params, json)
    assert len(server.problems) == 1
