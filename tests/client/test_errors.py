"""Every shape that Kinde's errors come in becomes one typed error."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde import exceptions
from airflow_provider_kinde.exceptions import (
    KindeConflictError,
    KindeError,
    KindeNotFoundError,
    KindePermissionError,
    KindeResponseError,
    KindeServerError,
)
from tests.support.loopback import Reply, Server

USER = "GET /api/v1/user"
WORDS = "Some words"
SHAPES = [
    lambda code: {"errors": [{"code": code, "message": WORDS}]},
    lambda code: {"errors": {"code": code, "message": WORDS}},
    lambda code: {"code": code, "message": WORDS},
    lambda code: {"errors": [{"code": code, "message": WORDS, "field": "email", "more": [1]}, {"message": "b"}, None]},
]
KINDS = [
    (400, "USER_ALREADY_EXISTS", KindeConflictError),
    (400, "DIRECTORY_EXISTS", KindeConflictError),
    (409, "WHATEVER", KindeConflictError),
    (404, "ROUTE_NOT_FOUND", KindeNotFoundError),
    (404, "USER_NOT_FOUND", KindeNotFoundError),
    (400, "USER_NOT_FOUND", KindeNotFoundError),
    (400, "ORGANIZATION_NOT_FOUND", KindeNotFoundError),
    (400, "USER_NOT_IN_ORGANIZATION", KindeNotFoundError),
    (400, "INVALID_PERMISSION_ID", KindeNotFoundError),
    (400, "EMAIL_TOO_LONG", KindeError),
    (422, "ODD", KindeError),
    (403, "FORBIDDEN", KindePermissionError),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("status", "code", "kind"), KINDS)
def test_code_words_and_kind(status: int, code: str, kind: type, shape: Any, client: Any, server: Server) -> None:
    body = shape(code)
    server.on(USER, Reply(body, status=status, headers={"X-Request-Id": "req-7"}))
    with pytest.raises(kind) as caught:
        client.get_user_data("kp_1")
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.code, error.method, error.path) == (status, code, "GET", "/api/v1/user")
    assert error.request_id == "req-7"
    assert WORDS in str(error)
    assert str(error).startswith("GET /api/v1/user: ")
    assert "kp_1" not in str(error)
    assert len(server.sent()) == 1


@pytest.mark.parametrize("body", [b"", b"<html>Forbidden</html>", b"null", b"[]", b'"text"', b"{}", b'{"errors": []}'])
def test_errors_without_words(body: bytes, client: Any, server: Server) -> None:
    for status, kind in (
        (400, KindeError),
        (404, KindeNotFoundError),
        (403, KindePermissionError),
        (409, KindeConflictError),
    ):
        server.on(USER, Reply(body=body, status=status))
        with pytest.raises(kind) as caught:
            client.get_user_data("kp_1")
        assert caught.value.status == status
        assert caught.value.code == ""


def test_a_missing_scope_is_named(client: Any, server: Server) -> None:
    server.on(USER, Reply({"errors": [{"code": "SCOPE", "message": "Needs scope read:users_all"}]}, status=403))
    with pytest.raises(KindePermissionError, match="Needs scope read:users_all") as caught:
        client.get_user_data("kp_1")
    assert caught.value.scope == "read:users_all"
    server.on(USER, Reply(status=403))
    with pytest.raises(KindePermissionError, match="enable the scope read:users ") as caught:
        client.get_user_data("kp_1")
    assert caught.value.scope == "read:users"
    server.on("GET /x", Reply(status=403))
    with pytest.raises(KindePermissionError) as caught:
        client.request("GET", "/x")
    assert caught.value.scope == ""


def test_errors_ride_on_2xx(client: Any, server: Server) -> None:
    server.on("POST /api/v1/user", Reply({"errors": [{"code": "ODD", "message": WORDS}]}))
    with pytest.raises(KindeResponseError, match=WORDS) as caught:
        client.create_user()
    assert not caught.value.fate_unknown
    server.on("POST /api/v1/user", Reply({"errors": {"code": "USER_ALREADY_EXISTS", "message": WORDS}}))
    with pytest.raises(KindeConflictError):
        client.create_user()
    for empty in ([], {}, None):
        server.on("POST /api/v1/user", Reply({"id": "kp_1", "errors": empty}))
        assert client.create_user()["id"] == "kp_1"


def test_success_goes_by_status_not_by_code(client: Any, server: Server) -> None:
    created = {"code": "INVITATION_CREATED", "message": "x", "invite": {"id": 1}}
    server.on("POST /api/v1/organization/o/invites", Reply(created, status=201))
    assert client.create_organization_invite("o", "a@x.com", ["r"]) == created
    server.on("POST /api/v1/organizations/o/users", Reply(status=204))
    assert client.add_organization_users("o", ["kp_1"]) is None
    server.on(USER, Reply(body='\ufeff{"id": "kp_1"}'.encode()))
    assert client.get_user_data("kp_1") == {"id": "kp_1"}


def test_words_are_bounded_and_on_one_line(client: Any, server: Server) -> None:
    server.on(USER, Reply({"errors": [{"code": "X", "message": "a\n\x1b[31m" + "b" * 100_000}]}, status=400))
    with pytest.raises(KindeError) as caught:
        client.get_user_data("kp_1")
    assert len(str(caught.value)) < 1000
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_gateways_answer_is_described(client: Any, server: Server) -> None:
    server.on(USER, Reply(body=b"<title>Maintenance</title>", status=503, headers={"Content-Type": "text/html"}))
    with pytest.raises(KindeServerError, match=r"text/html.*'Maintenance'") as caught:
        client.get_user_data("kp_1")
    assert caught.value.status == 503


def test_all_errors_are_kinde_errors() -> None:
    kinds = [v for k, v in vars(exceptions).items() if k.startswith("Kinde") and k != "KindeInputError"]
    assert len(kinds) == 9
    assert all(issubclass(kind, KindeError) for kind in kinds)
    assert KindeError.__mro__[1:] == (exceptions.ProviderError, Exception, BaseException, object)
    assert all(kind.__doc__ for kind in kinds)
