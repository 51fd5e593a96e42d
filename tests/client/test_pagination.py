"""All pages, once, and never for ever."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS
from airflow_provider_kinde.client.pagination import Paginator
from airflow_provider_kinde.exceptions import KindeError, KindeResponseError
from tests.support.loopback import Call, Reply, Server

USERS = "GET /api/v1/users"
SEARCH = "GET /api/v1/search/users"
END = [{"next_token": None}, {"next_token": ""}, {}]


def users(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": f"kp_{n}", "new_field": {"x": [None]}} for n in numbers]


def paged(total: int, end: dict[str, Any]) -> Any:
    """A server with so many users that gives a token only where there are more."""

    def reply(call: Call) -> Reply:
        size, start = int(call.query["page_size"]), int(call.query.get("next_token", "0"))
        more = start + size < total
        page = users(*range(start, min(start + size, total)))
        return Reply({"code": "OK", "users": page, **({"next_token": str(start + size)} if more else end)})

    return reply


@pytest.mark.parametrize("end", END, ids=str)
@pytest.mark.parametrize(("total", "requests"), [(0, 1), (1, 1), (499, 1), (500, 1), (501, 2), (1000, 2), (1203, 3)])
def test_every_item_once_in_as_few_requests_as_can_be(
    total: int, requests: int, end: dict[str, Any], client: Any, server: Server
) -> None:
    server.on(USERS, paged(total, end))
    found = [user["id"] for user in client.iter_users(expand="identities")]
    assert found == [f"kp_{n}" for n in range(total)]
    assert len(server.sent()) == requests
    assert all(call.query["expand"] == "identities" and call.query["page_size"] == "500" for call in server.sent())


@pytest.mark.parametrize(
    ("walk", "call", "items"),
    [
        (lambda c: c.iter_organizations(), "GET /api/v1/organizations", "organizations"),
        (lambda c: c.iter_organization_users("o"), "GET /api/v1/organizations/o/users", "organization_users"),
        (lambda c: c.iter_roles(), "GET /api/v1/roles", "roles"),
        (lambda c: c.iter_permissions(), "GET /api/v1/permissions", "permissions"),
        (lambda c: c.iter_organization_invites("o"), "GET /api/v1/organization/o/invites", "invites"),
        (lambda c: c.iter_users(), USERS, "users"),
    ],
)
def test_lists_by_token(walk: Any, call: str, items: str, client: Any, server: Server) -> None:
    server.on(
        call, Reply({items: [{"code": "a"}], "next_token": "n"}), Reply({items: [{"code": "b"}], "next_token": ""})
    )
    assert [item["code"] for item in walk(client)] == ["a", "b"]
    first, second = server.sent()
    assert first.query == {"page_size": "500"}
    assert second.query == {"page_size": "500", "next_token": "n"}
    server.on(call, Reply({items: None, "next_token": None}))
    assert list(walk(client)) == []
    server.on(call, Reply({items: [None, {"code": "a"}, None]}))
    assert list(walk(client)) == [{"code": "a"}]
    assert len(server.sent()) == 4


def test_a_short_page_with_a_token_is_not_the_end(client: Any, server: Server) -> None:
    server.on(
        USERS,
        Reply({"users": users(1), "next_token": "a"}),
        Reply({"users": [], "next_token": "b"}),
        Reply({"users": users(2)}),
    )
    assert [user["id"] for user in client.iter_users()] == ["kp_1", "kp_2"]


def test_an_item_that_moves_to_another_page_counts_once(client: Any, server: Server) -> None:
    server.on(USERS, Reply({"users": users(1, 2, 2), "next_token": "a"}), Reply({"users": users(2, 3)}))
    assert [user["id"] for user in client.iter_users()] == ["kp_1", "kp_2", "kp_3"]


@pytest.mark.parametrize(
    "pages",
    [
        [Reply({"users": users(n), "next_token": "a"}) for n in range(9)],
        [Reply({"users": users(1), "next_token": "a"}), Reply({"users": users(1), "next_token": "b"})],
        [Reply({"users": [{}], "next_token": "a"}), Reply({"users": [{}], "next_token": "b"})],
    ],
    ids=["token", "page", "no ids"],
)
def test_pages_that_repeat_are_an_error_and_not_an_endless_loop(
    pages: list[Reply], client: Any, server: Server
) -> None:
    server.on(USERS, *pages)
    with pytest.raises(KindeResponseError, match="pages repeat"):
        list(client.iter_users())
    assert len(server.sent()) <= 3


@pytest.mark.parametrize("tokens", ["a", "bcd"], ids=["the same token", "new tokens"])
def test_empty_pages_are_the_end_of_a_list_even_beside_a_token(tokens: str, client: Any, server: Server) -> None:
    last = [Reply({"users": [], "next_token": token}) for token in tokens]
    server.on(USERS, Reply({"users": users(1), "next_token": "a"}), *last)
    assert [user["id"] for user in client.iter_users()] == ["kp_1"]
    assert len(server.sent()) == 1 + len(tokens)


@pytest.mark.parametrize("answer", [[], {}, {"up": True}, {"users": {}}, {"users": "x"}, {"users": ["kp_1"]}, 7])
def test_an_answer_without_a_page_is_an_error(answer: Any, client: Any, server: Server) -> None:
    server.on(USERS, Reply(answer))
    with pytest.raises(KindeResponseError):
        list(client.iter_users())


@pytest.mark.parametrize("answer", [{"code": "OK", "message": "Success"}, {"users": None}, {"users": []}])
def test_an_empty_page(answer: Any, client: Any, server: Server) -> None:
    server.on(USERS, Reply(answer))
    assert list(client.iter_users()) == []


def test_an_empty_body_is_not_an_empty_tenant(client: Any, server: Server) -> None:
    server.on(USERS, Reply(body=b""))
    with pytest.raises(KindeResponseError):
        list(client.iter_users())


def test_search_ends_with_a_page_that_is_not_full(client: Any, server: Server) -> None:
    def reply(call: Call) -> Reply:
        start = int(call.query.get("starting_after", "kp_-1")[3:]) + 1
        return Reply({"results": users(*range(start, min(start + 100, 200)))})

    server.on(SEARCH, reply)
    assert len(list(client.search_users("*", expand="properties"))) == 200
    assert [call.query.get("starting_after") for call in server.sent()] == [None, "kp_99", "kp_199"]
    assert server.sent()[1].query == {
        "query": "*",
        "expand": "properties",
        "page_size": "100",
        "starting_after": "kp_99",
    }
    server.on(SEARCH, Reply({"results": []}))
    assert list(client.search_users("nobody")) == []
    assert len(server.sent()) == 4


def test_search_that_ignores_the_cursor(client: Any, server: Server) -> None:
    server.on(SEARCH, Reply({"results": users(*range(100))}))
    with pytest.raises(KindeResponseError, match="pages repeat"):
        list(client.search_users("*"))
    assert len(server.sent()) == 2


def test_one_page_of_a_search_by_name(client: Any, server: Server) -> None:
    server.on(SEARCH, Reply({"results": users(1)}))
    assert client.call("search_users", "x") == {"results": users(1)}


def test_identities_go_by_has_more(client: Any, server: Server) -> None:
    call = "GET /api/v1/users/kp_1/identities"
    server.on(
        call,
        Reply({"identities": [{"id": "identity_1"}], "has_more": True}),
        Reply({"identities": [{"id": "identity_2"}], "has_more": False}),
    )
    assert [item["id"] for item in client.iter_user_identities("kp_1")] == ["identity_1", "identity_2"]
    assert [c.query for c in server.sent()] == [{}, {"starting_after": "identity_1"}]
    server.on(call, Reply({"identities": [{"id": "identity_1"}]}))
    assert len(list(client.iter_user_identities("kp_1"))) == 1
    assert len(server.sent()) == 3
    server.on(call, Reply({"identities": [{"name": "x"}], "has_more": True}))
    with pytest.raises(KindeResponseError, match="no id"):
        list(client.iter_user_identities("kp_1"))


@pytest.mark.parametrize(("limit", "sizes"), [(100, ["500", "100"]), (50, ["500", "100", None])])
def test_a_page_too_large_is_asked_for_again_smaller(
    limit: int, sizes: list[str | None], client: Any, server: Server
) -> None:
    def reply(call: Call) -> Reply:
        size = call.query.get("page_size")
        if size and int(size) > limit:
            error = {"code": "PAGE_SIZE_LIMIT_EXCEEDED", "message": f"Page size cannot be greater than {limit}"}
            return Reply({"errors": [error]}, status=400)
        return Reply({"roles": [{"id": "r"}]})

    server.on("GET /api/v1/roles", reply)
    assert list(client.iter_roles()) == [{"id": "r"}]
    assert [call.query.get("page_size") for call in server.sent()] == sizes


def test_a_page_size_of_ones_own(client: Any, server: Server) -> None:
    server.on(USERS, paged(5, {}))
    assert len(list(client.iter_users(page_size=2))) == 5
    assert len(server.sent()) == 3


def test_errors_come_through(client: Any, server: Server) -> None:
    server.on(USERS, Reply({"users": users(1), "next_token": "a"}), Reply(status=400))
    walk = iter(client.iter_users())
    assert next(walk)["id"] == "kp_1"
    with pytest.raises(KindeError):
        next(walk)


def test_bad_arguments_are_refused_at_the_call(client: Any, server: Server) -> None:
    with pytest.raises(ValueError, match="org_code"):
        client.iter_organization_users("")
    assert server.calls == []


@given(st.data())
def test_no_server_makes_a_walk_endless_or_loses_an_item(data: st.DataObject) -> None:
    pages = Paginator(ENDPOINTS["get_users"], {})
    seen: set[str] = set()
    given_items: set[str] = set()
    for _ in range(200):
        if not pages.more:
            break
        numbers = data.draw(st.lists(st.integers(0, 30), max_size=5))
        token = data.draw(st.sampled_from([None, "", *"abcdefghijklmnop"]))
        try:
            new = pages.take({"users": users(*numbers), "next_token": token})
        except KindeResponseError:
            return
        given_items |= {f"kp_{n}" for n in numbers}
        assert not seen & {user["id"] for user in new}
        seen |= {user["id"] for user in new}
        assert seen == given_items
    assert not pages.more
