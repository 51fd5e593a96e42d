"""SCIM 2.0 against scim2-server, and against a server that leaves out what the RFC allows to leave out."""

from __future__ import annotations

import datetime as dt
import io
import sys
import threading
from collections.abc import Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import requests

from airflow_provider_kinde.exceptions import SourceError, SpecError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sources.http.login import Login
from airflow_provider_kinde.sources.vendors.source import VendorSource
from airflow_provider_kinde.sync.model import Access
from tests.support.hr_server import SECRET, Call, HrServer, Read, Reply, Waits, people, spec

needs_server = pytest.mark.skipif(sys.version_info < (3, 11), reason="scim2-server needs Python 3.11")
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
REST = """
person: {id: "{{ row['enterprise.employeeNumber'] }}", email: "{{ row['emails.primary'] }}",
         given_name: "{{ row['name.givenName'] }}", family_name: "{{ row['name.familyName'] }}"}
employment: {status: "{{ row.active }}", active: ["true"], inactive: ["false"]}
organizations: {it: org_1}
memberships: [{organization: it, when: "{{ row['enterprise.department'] == 'IT' }}", roles: [engineer]}]
"""


class Scim:
    """A real SCIM server in a thread; ``before`` runs ahead of each answer to a GET."""

    def __init__(self, *, cursors: bool = False) -> None:
        from scim2_models import Pagination, ScimProvider
        from scim2_server.memory import InMemoryStorage
        from scim2_server.service import ScimService
        from scim2_server.testserver.application import BearerTokenApplication
        from scim2_server.utils import (
            load_default_resource_types,
            load_default_schemas,
            load_default_service_provider_config,
        )

        config = load_default_service_provider_config()
        if cursors:
            config.pagination = Pagination(cursor=True, index=True)
        schemas, types = load_default_schemas().values(), load_default_resource_types().values()
        provider = ScimProvider.from_discovery(schemas, types, config=config)
        app = BearerTokenApplication(InMemoryStorage(), provider, ScimService(provider, secret="cursors"), [SECRET])
        self.headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/scim+json"}
        self.calls: list[str] = []
        self.before: Any = None

        def wrapped(environ: Any, start: Any) -> Any:
            if environ["REQUEST_METHOD"] == "GET":
                self.calls.append(environ["QUERY_STRING"])
                if self.before:
                    self.before(len(self.calls))
            return app(environ, start)

        class Quiet(WSGIRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.app = app
        self._server = make_server("127.0.0.1", 0, wrapped, handler_class=Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v2"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.ids = [self.add(number) for number in range(1, 8)]

    def add(self, number: int, **more: Any) -> str:
        user = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "userName": f"user{number}", "active": True,
            "name": {"givenName": f"F{number}", "familyName": f"L{number}"},
            "emails": [
                {"value": f"home{number}@x.test", "type": "home"},
                {"value": f"u{number}@acme.test", "type": "work", "primary": True},
            ],
            ENTERPRISE: {"employeeNumber": f"E{number}", "department": "IT", "manager": {"value": "26118915"}},
            **more,
        }  # fmt: skip
        done = requests.post(f"{self.url}/Users", json=user, headers=self.headers, timeout=10)
        assert done.status_code == 201, done.text
        return str(done.json()["id"])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def scim() -> Iterator[Scim]:
    running = Scim()
    yield running
    running.close()


@pytest.fixture
def cursors() -> Iterator[Scim]:
    running = Scim(cursors=True)
    yield running
    running.close()


def source(url: str, password: str = SECRET, **options: Any) -> VendorSource:
    parsed = spec({"type": "scim", "conn_id": "scim", **options}, REST)
    return VendorSource(parsed, connect=lambda _id: Login(url, "", password), sleep=Waits())


@needs_server
def test_users_by_index_with_the_enterprise_extension(scim: Scim) -> None:
    found = Read(source(scim.url, page_size=3))
    assert len(found.rows) == 7
    assert (found.proven, found.incomplete) == (True, [])
    row = next(values for values in found.values if values["userName"] == "user1")
    assert (row["emails.primary"], row["emails.home"], row["enterprise.department"]) == (
        "u1@acme.test",
        "home1@x.test",
        "IT",
    )
    assert row["enterprise.manager.value"] == "26118915"
    assert [query.split("&")[-1] for query in scim.calls] == ["startIndex=1", "startIndex=3", "startIndex=5"]
    read = people(source(scim.url))
    assert sorted(read.persons) == [f"E{number}" for number in range(1, 8)]
    assert read.persons["E1"].memberships[0].alias == "it"
    assert read.proven


@needs_server
def test_users_by_cursor(cursors: Scim) -> None:
    found = Read(source(cursors.url, page_size=3, paging="cursor"))
    assert len({values["id"] for values in found.values}) == 7
    assert (found.proven, found.incomplete) == (True, [])
    assert "cursor=" in cursors.calls[0]
    assert [call.partition("&")[0] for call in cursors.calls] == ["count=3"] * 3 + ["count=2"] * 4


@needs_server
@pytest.mark.parametrize("paging", ["index", "cursor"])
def test_a_person_deleted_between_two_pages_takes_no_other_along(cursors: Scim, paging: str) -> None:
    # The server answers one request at a time: the deletion goes past its socket.
    def before(number: int) -> None:
        if number != 2:
            return
        environ = {
            "REQUEST_METHOD": "DELETE", "PATH_INFO": f"/v2/Users/{cursors.ids[0]}", "SCRIPT_NAME": "",
            "SERVER_NAME": "x", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "QUERY_STRING": "",
            "HTTP_AUTHORIZATION": f"Bearer {SECRET}", "wsgi.input": io.BytesIO(),
        }  # fmt: skip
        list(cursors.app(environ, lambda *_args: None))

    cursors.before = before
    found = Read(source(cursors.url, page_size=3, paging=paging))
    assert {values["id"] for values in found.values} == set(cursors.ids[1:])
    assert (len(found.rows), found.proven) == (6, True)
    assert len(cursors.calls) > 3


@needs_server
def test_a_filter_and_chosen_attributes(scim: Scim) -> None:
    scim.add(20, active=False)
    found = Read(source(scim.url, filter="active eq false", attributes=["name", "emails", "active", ENTERPRISE]))
    assert [values["enterprise.employeeNumber"] for values in found.values] == ["E20"]
    assert "userName" not in found.values[0]
    assert people(source(scim.url)).persons["E20"].access is Access.NONE


@needs_server
def test_missing_attributes_and_an_empty_list(scim: Scim) -> None:
    scim.add(21, name={"familyName": "OnlyFamily"}, emails=[])
    read = people(source(scim.url))
    assert {rejected.id for rejected in read.rejected} == {"E21"}
    assert read.problems == []
    problems = people(source(scim.url, filter='userName eq "nobody"')).problems
    assert "is empty" in problems[0]


@needs_server
def test_changes_are_found(scim: Scim) -> None:
    assert source(scim.url).changed_since(dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc))
    assert not source(scim.url).changed_since(dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=1))


@needs_server
def test_refused(scim: Scim) -> None:
    with pytest.raises(SourceError, match="its credentials are refused"):
        source(scim.url, "wrong").read()
    with pytest.raises(SourceError, match="HTTP 400"):
        source(scim.url, filter="active ==").read()
    with pytest.raises(SourceError, match="HTTP 404"):
        source(scim.url, path="Persons").read()


def test_a_total_of_none_without_resources(server: HrServer) -> None:
    server.script = [Reply({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0})]
    assert Read(source(server.url)).rows == []
    server.script = [Reply({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "detail": "x"})]
    with pytest.raises(SourceError, match="without a list at Resources"):
        source(server.url).read()


def test_cursors_without_totals_are_proven_by_a_second_pass(server: HrServer) -> None:
    user = {"id": "a", "active": True}
    pages = {"": ([user], "c1"), "c1": ([{**user, "id": "b"}], None)}
    server._answer = lambda call: Reply(
        dict(zip(("Resources", "nextCursor"), pages[call.query["cursor"]], strict=True))
    )
    found = Read(source(server.url, paging="cursor"))
    assert ([values["id"] for values in found.values], found.proven, found.incomplete) == (["a", "b"], True, [])
    assert len(server.calls) == 4


def test_an_expired_cursor_is_read_again(server: HrServer) -> None:
    expired = [True]

    def answer(call: Call) -> Reply:
        if call.query["cursor"] and expired:
            expired.pop()
            return Reply({"scimType": "expiredCursor", "status": "400"}, 400)
        first = not call.query["cursor"]
        return Reply({"totalResults": 2, "Resources": [{"id": str(first)}], **({"nextCursor": "n"} if first else {})})

    server._answer = answer
    found = Read(source(server.url, paging="cursor"))
    assert (len(found.rows), found.proven, found.incomplete) == (2, True, [])


def test_options() -> None:
    for options, said in (
        ({"paging": "page"}, "source.paging: one of index, cursor"),
        ({"page_size": "many"}, "source.page_size: a whole number"),
        ({"page_size": 1}, "source.page_size: a whole number from 2"),
        ({"auth": "oauth"}, "source.token_url: is missing"),
        ({"filter": "{{ x }}"}, "source.filter: text is expected; an expression"),
    ):
        with pytest.raises(SpecError) as caught:
            make_source(spec({"type": "scim", "conn_id": "scim", **options}, REST))
        assert said in str(caught.value)
