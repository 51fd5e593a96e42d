"""What goes over the wire: paths, queries, bodies, headers."""

from __future__ import annotations

import inspect
import io
import re
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kinde import __version__
from airflow_provider_kinde.client import AsyncKindeClient, KindeClient
from airflow_provider_kinde.client.endpoints.base import WALKED, plain_request, segment
from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS
from tests.support.loopback import Clock, Reply, Server, make_client

FORTY_TWO = """get_users get_user_data create_user update_user delete_user get_organization_users add_organization_users
remove_organization_users get_organizations get_organization create_organization update_organization
delete_organization delete_organization_handle update_organization_users remove_organization_user
get_organization_user_roles create_organization_user_role delete_organization_user_role
get_organization_user_permissions create_organization_user_permission delete_organization_user_permission
add_organization_user_api_scope delete_organization_user_api_scope get_org_user_mfa reset_org_user_mfa_all
reset_org_user_mfa replace_organization_mfa get_organization_feature_flags delete_organization_feature_flag_overrides
delete_organization_feature_flag_override update_organization_feature_flag_override get_organization_property_values
update_organization_properties update_organization_property read_organization_logo add_organization_logo
delete_organization_logo get_organization_connections enable_org_connection remove_org_connection
update_organization_sessions""".split()


def example(name: str) -> dict[str, Any]:
    """Arguments for an operation: every parameter has a value."""
    special = {
        "users": ["kp_1"],
        "properties": {"k": ["v"]} if name == "search_users" else {"k": "v"},
        "permissions": "a" if name == "get_organization_users" else [{"id": "p"}],
        "logo": b"\x89PNG...",
        "page_size": 7,
        "roles": ["r"],
        "is_suspended": True,
    }
    operation = ENDPOINTS[name]
    return {p: special.get(p, f"{p}ü;1" if p in operation.path else f"{p} ü/1") for p in operation.parameters}


def test_every_operation_of_the_references_is_a_method() -> None:
    assert len(FORTY_TWO) == 42
    for name in FORTY_TWO:
        assert name in ENDPOINTS
        assert callable(getattr(KindeClient, name))


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_both_clients_send_the_same_bytes(name: str, server: Server) -> None:
    arguments = example(name)
    clients = [make_client(kind, server, Clock()) for kind in ("sync", "async")]
    for client in clients:
        client.call(name, **arguments)
    clients[0].close()
    clients[1].stop()
    one, two = server.sent()
    assert (one.method, one.target, one.body) == (two.method, two.target, two.body)
    ours = {"host", "user-agent", "accept", "accept-encoding", "connection", "authorization"}
    allowed = ours | {"content-type", "content-length"}
    assert set(one.headers) == set(two.headers)
    assert set(one.headers) <= allowed
    assert {k: v for k, v in one.headers.items() if k != "authorization"} == {
        k: v for k, v in two.headers.items() if k != "authorization"
    }
    operation = ENDPOINTS[name]
    assert f"{one.method} {one.path}" == re.sub(r"{(\w+)}", lambda m: segment(arguments[m[1]]), operation.call)
    plain = {p.split("[")[0] for p in one.query}
    assert plain == set(operation.query)
    if operation.body:
        assert set(one.json) == set(operation.body)
    elif not operation.file:
        assert one.body == b""


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_methods_are_documented_and_typed_alike_in_both_clients(name: str) -> None:
    operation = ENDPOINTS[name]
    sync, asynchronous = getattr(KindeClient, name), getattr(AsyncKindeClient, name)
    assert inspect.signature(sync) == inspect.signature(asynchronous)
    assert list(inspect.signature(sync).parameters)[1:] == list(operation.parameters)
    assert list(operation.parameters)[: len(operation.path)] == list(operation.path)
    assert f"``{operation.call}``, scope ``{operation.scope}``" in sync.__doc__
    assert not inspect.iscoroutinefunction(sync)
    assert inspect.iscoroutinefunction(asynchronous) == (name not in WALKED)


@pytest.mark.parametrize("name", [n for n in dir(KindeClient) if n.startswith("iter_")])
def test_every_walk_has_its_async_twin(name: str) -> None:
    assert inspect.signature(getattr(KindeClient, name)) == inspect.signature(getattr(AsyncKindeClient, name))


def test_nothing_is_sent_before_the_first_call(client: Any, server: Server) -> None:
    assert client.host == server.host
    assert client.base_url == f"http://{server.host}"
    assert server.calls == []
    assert repr(client.counts) == "Counts(read=0, write=0, total=0, token=0)"


def test_headers_name_the_provider_and_carry_the_token(connect: Any, server: Server) -> None:
    connect().get_organizations()
    connect(user_agent="mine/1").get_organizations()
    first, second = server.sent()
    assert first.headers["user-agent"].startswith(f"airflow-provider-kinde/{__version__} Python/3.")
    assert first.headers["authorization"] == "Bearer token-1"
    assert second.headers["user-agent"] == "mine/1"
    assert "authorization" not in server.sent("POST /oauth2/token")[0].headers


def test_none_is_not_sent_and_false_is(client: Any, server: Server) -> None:
    client.update_user("kp_1", given_name=None, is_suspended=False)
    client.get_users(has_organization=False, email=None)
    assert server.sent()[0].json == {"is_suspended": False}
    assert server.sent()[1].query == {"has_organization": "false"}


def test_path_parameters_go_first_and_all_have_names(client: Any, server: Server) -> None:
    client.delete_organization_user_role("org_1", "kp_1", "role")
    client.delete_organization_user_role(role_id="role", user_id="kp_1", org_code="org_1")
    client.delete_user(id="kp_1", is_delete_profile=True)
    one, two, three = server.sent()
    assert one.target == two.target == "/api/v1/organizations/org_1/users/kp_1/roles/role"
    assert three.target == "/api/v1/user?id=kp_1&is_delete_profile=true"


def test_lists_dates_and_mappings_in_a_query(client: Any, server: Server) -> None:
    since = datetime(2026, 1, 2, tzinfo=timezone.utc)
    client.get_users(email=["a+b@x.com", "c&d@y.com"], active_since=since)
    list(client.search_users("*", properties={"kp_team": ["a", "b"]}, page_size=5))
    first, second = server.sent()
    assert "email=a%2Bb%40x.com%2Cc%26d%40y.com" in first.target
    assert first.query["active_since"] == "2026-01-02T00:00:00+00:00"
    assert second.query == {"query": "*", "properties[kp_team]": "a,b", "page_size": "5"}


def test_bodies_keep_unicode_and_plain_types(client: Any, server: Server) -> None:
    client.update_user_properties("kp_1", {"a": "Zoë 😀", "b": datetime(2026, 1, 2, tzinfo=timezone.utc), "c": None})
    client.request("POST", "/api/v1/x", json={"id": UUID(int=1), "all": {2, 1}})
    first, second = server.sent()
    assert first.json == {"properties": {"a": "Zoë 😀", "b": "2026-01-02T00:00:00+00:00", "c": None}}
    assert second.json == {"id": "00000000-0000-0000-0000-000000000001", "all": [1, 2]}


def test_a_logo_goes_as_a_file(client: Any, server: Server, tmp_path: Any) -> None:
    (tmp_path / "logo.svg").write_bytes(b"<svg/>")
    client.add_organization_logo("org_1", "dark", tmp_path / "logo.svg")
    client.add_organization_logo("org_1", "light", io.BytesIO(b"\x89PNG-bytes"))
    first, second = server.sent()
    boundary = first.headers["content-type"].partition("boundary=")[2]
    assert first.path == "/api/v1/organizations/org_1/logos/dark"
    assert (
        first.body
        == (
            f'--{boundary}\r\nContent-Disposition: form-data; name="logo"; filename="logo.svg"\r\n'
            f"Content-Type: image/svg+xml\r\n\r\n<svg/>\r\n--{boundary}--\r\n"
        ).encode()
    )
    assert b"\x89PNG-bytes" in second.body
    assert b"image/png" in second.body
    with pytest.raises(ValueError, match="empty"):
        client.add_organization_logo("org_1", "light", b"")


def test_members_in_bulk(client: Any, server: Server) -> None:
    client.add_organization_users("org_1", ["kp_1", {"id": "kp_2", "roles": ["admin"]}])
    client.remove_organization_users("org_1", ["kp_1"])
    client.update_organization_users(
        "org_1", users=[{"id": "kp_1", "roles": []}, {"id": "kp_2", "operation": "delete"}]
    )
    add, remove, update = server.sent()
    assert (add.method, add.json) == ("POST", {"users": [{"id": "kp_1"}, {"id": "kp_2", "roles": ["admin"]}]})
    assert (remove.method, remove.json) == ("PATCH", {"users": [{"id": "kp_1", "operation": "delete"}]})
    assert update.json["users"][1] == {"id": "kp_2", "operation": "delete"}


@pytest.mark.parametrize("method", ["add_organization_users", "update_organization_users", "remove_organization_users"])
def test_more_than_a_hundred_members_are_refused(method: str, client: Any, server: Server) -> None:
    getattr(client, method)("org_1", [f"kp_{n}" for n in range(100)])
    for users in ([f"kp_{n}" for n in range(101)], "kp_1", [{"roles": ["x"]}], [""]):
        with pytest.raises(ValueError, match="user"):
            getattr(client, method)("org_1", users)
    assert len(server.sent()) == 1


def test_unknown_and_missing_arguments_name_the_allowed_ones(client: Any, server: Server) -> None:
    with pytest.raises(TypeError, match=r"delete_user\(\).*'user_id'.*id, is_delete_profile"):
        client.delete_user(user_id="kp_1")
    with pytest.raises(TypeError, match="org_code, user_id, role_id"):
        client.create_organization_user_role("org_1")
    with pytest.raises(TypeError, match="page_size"):
        client.iter_users(pagesize=5)
    with pytest.raises(ValueError, match="did you mean get_users"):
        client.call("get_user")
    assert server.calls == []


BAD = ["", "  ", ".", "..", "a\nb", "a\x00", "\x7f", "\x85", "a\u2028b", None, True, 1.5, b"x", ["x"]]


@pytest.mark.parametrize("value", BAD, ids=repr)
def test_values_that_could_reach_another_path_are_refused(value: Any, client: Any, server: Server) -> None:
    with pytest.raises(ValueError, match="org_code"):
        client.delete_organization(value)
    with pytest.raises(ValueError, match="user_id"):
        client.remove_organization_user("org_1", value)
    assert server.calls == []


@pytest.mark.parametrize("value", ["", " ", None])
def test_an_empty_id_in_a_query_is_refused(value: Any, client: Any, server: Server) -> None:
    for method in (client.delete_user, client.get_user_data, client.update_user, client.get_organization):
        with pytest.raises(ValueError, match=r"(id|code) is"):
            method(value)
    assert server.calls == []


def test_an_empty_filter_does_not_become_no_filter(client: Any, server: Server) -> None:
    for value in ("", []):
        with pytest.raises(ValueError, match="email is empty"):
            client.get_users(email=value)
    client.get_users(next_token="", email="a@x.com")
    client.update_user_property("kp_1", "key", "")
    assert [call.target for call in server.sent()] == [
        "/api/v1/users?email=a%40x.com",
        "/api/v1/users/kp_1/properties/key?value=",
    ]


@given(st.text(min_size=1))
def test_a_segment_stays_one_segment(value: str) -> None:
    try:
        quoted = segment(value)
    except ValueError:
        return
    assert not set(quoted) & set("/?#\\ ")
    assert quoted not in (".", "..")
    assert quoted.isascii()


@pytest.mark.parametrize("value", ["a;b", "ü", "kp:1", "..;", "a@b", "a+b&c=d"])
def test_awkward_ids_arrive_as_they_are(value: str, client: Any, server: Server) -> None:
    client.delete_organization(value)
    from urllib.parse import unquote

    last = server.sent()[-1].target.removeprefix("/api/v1/organization/")
    assert "/" not in last
    assert "?" not in last
    assert unquote(last) == value


@pytest.mark.parametrize(
    "value", ["a/b", "a?b=c", "a#b", "../users", "%2e%2e", "%2F", "a b", "a\u00a0b", "a\\b", "\n", "..", "\ud800"]
)
def test_an_id_that_could_reach_another_path_is_refused(value: str, client: Any, server: Server) -> None:
    with pytest.raises(ValueError, match="code") as caught:
        client.delete_organization(value)
    assert type(caught.value) is ValueError
    assert server.calls == []


def test_half_a_character_is_refused_by_name(client: Any, server: Server) -> None:
    half = "a\ud800"
    for call, name in (
        (lambda: client.get_users(email=half), "email"),
        (lambda: client.update_user("kp_1", given_name=half), "given_name"),
        (lambda: client.add_organization_users("o", [{"id": "kp_1", "roles": [half]}]), "users"),
        (lambda: client.request("PATCH", "/x", json={half: 1}), "json"),
        (lambda: client.request("GET", "/x", params={"a": half}), "params"),
        (lambda: client.request("GET", "/x" + half), "path"),
    ):
        with pytest.raises(ValueError, match=rf"{name} holds half a character") as caught:
            call()
        assert type(caught.value) is ValueError
    assert server.calls == []


@pytest.mark.parametrize("users", [[None], [5], ["kp_1", ["kp_2"]], 5])
def test_users_that_are_none(users: Any, client: Any, server: Server) -> None:
    for call in (client.add_organization_users, client.remove_organization_users):
        with pytest.raises(ValueError, match="user"):
            call("o", users)
    assert server.calls == []


def test_request_reaches_the_rest(client: Any, server: Server) -> None:
    server.on("GET /api/v1/environment", Reply({"environment": {"code": "x"}}))
    assert client.request("get", "/api/v1/environment", params={"a": "1 2", "b": None}) == {
        "environment": {"code": "x"}
    }
    client.request("DELETE", "api/v1/webhooks/event_1")
    first, second = server.sent()
    assert first.target == "/api/v1/environment?a=1%202"
    assert second.target == "/api/v1/webhooks/event_1"


@pytest.mark.parametrize(
    "path", ["https://evil.example/x", "/a/../b", "/a/%2e%2E/b", "/a?b", "/a#b", "/a b", "/a\r\nX: y", "/a\\b", "/."]
)
def test_request_takes_no_path_that_leads_elsewhere(path: str) -> None:
    with pytest.raises(ValueError, match="request"):
        plain_request("GET", path)


def test_a_number_that_json_has_not_is_refused(client: Any, server: Server) -> None:
    with pytest.raises(ValueError, match="JSON"):
        client.request("PATCH", "/api/v1/x", json={"a": float("nan")})
    with pytest.raises(TypeError, match="object"):
        client.request("PATCH", "/api/v1/x", json=object())
    assert server.calls == []
