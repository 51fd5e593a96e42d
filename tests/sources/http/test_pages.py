from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kinde.exceptions import SourceError
from tests.support.hr_server import Call, HrServer, Read, Reply, Waits, make, people, person

Answer = Callable[[Call], Reply]
OFFSET = {
    "type": "http", "url": "/people", "rows": "data", "total": "total", "id": "id",
    "pages": {"type": "offset", "param": "offset", "size_param": "limit", "size": 4},
}  # fmt: skip
NUMBERS = {**OFFSET, "pages": {"type": "page", "param": "page", "size_param": "per", "size": 4, "last": "pages"}}
CURSOR = {
    "type": "http", "url": "/people", "rows": "data", "id": "id",
    "pages": {"type": "cursor", "param": "after", "next": "next", "size_param": "limit", "size": 4},
}  # fmt: skip


class Company(HrServer):
    """People in any of the usual kinds of pages; ``before`` runs ahead of each answer, with its number."""

    def __init__(self, count: int, before: Callable[[int], None] = lambda _number: None) -> None:
        super().__init__()
        self.people = [person(number) for number in range(count)]
        self.before = before
        self.total = True

    def answer(self, call: Call) -> Reply:
        self.before(len(self.calls))
        query = call.query
        if "page" in query:
            size = int(query["per"])
            start = (int(query["page"]) - 1) * size
        else:
            size = int(query["limit"])
            start = int(query.get("offset") or query.get("after") or 0)
        page = self.people[start : start + size]
        more = start + size < len(self.people)
        answer = {"data": page, "next": str(start + size) if more else None, "pages": -(-len(self.people) // size)}
        return Reply({**answer, "total": len(self.people)} if self.total else answer)


def ids(found: Read) -> list[str]:
    return [values["id"] for values in found.values]


@settings(max_examples=25, deadline=None)
@given(count=st.integers(0, 14), kind=st.sampled_from([OFFSET, NUMBERS, CURSOR]), total=st.booleans())
def test_every_page_once(count: int, kind: dict[str, Any], total: bool) -> None:
    with Company(count) as company:
        company.total = total
        found = Read(make(company, {**kind, "total": "total"}))
    assert ids(found) == [f"p{number}" for number in range(count)]
    assert found.incomplete == []
    assert found.proven is (total or kind is not OFFSET)


def test_no_more_requests_than_pages() -> None:
    once = {"pages": {**NUMBERS["pages"], "twice": False}}
    for kind, requests in ((OFFSET, 3), (NUMBERS, 2 + 3), ({**NUMBERS, **once}, 2)):
        with Company(8) as company:
            assert Read(make(company, kind)).proven
            assert len(company.calls) == requests


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from([OFFSET, NUMBERS, {**CURSOR, "total": "total"}]),
    changes=st.dictionaries(
        st.integers(2, 8), st.tuples(st.integers(0, 14), st.one_of(st.none(), st.integers(0, 14))), max_size=3
    ),
)
def test_people_present_during_the_whole_read_are_never_missing(
    kind: dict[str, Any], changes: dict[int, tuple[int, int | None]]
) -> None:
    """Before some requests somebody is deleted, and perhaps somebody else added, anywhere in the list."""

    def before(number: int) -> None:
        if number in changes:
            gone, place = changes[number]
            if gone < len(company.people):
                stayed.discard(company.people.pop(gone)["id"])
            if place is not None:
                company.people.insert(place, person(100 + number))

    with Company(13, before) as company:
        stayed = {row["id"] for row in company.people}
        found = Read(make(company, kind))
    assert found.incomplete or stayed <= set(ids(found))
    assert found.proven is not bool(found.incomplete)


@pytest.mark.parametrize("kind", [OFFSET, NUMBERS, CURSOR])
def test_a_deletion_between_two_pages_makes_the_list_read_again(kind: dict[str, Any]) -> None:
    def before(number: int) -> None:
        if number == 2:
            del company.people[1]

    with Company(11, before) as company:
        found = Read(make(company, kind))
    assert ids(found) == [f"p{number}" for number in range(11) if number != 1]
    assert (found.incomplete, found.proven) == ([], True)


@pytest.mark.parametrize("kind", [OFFSET, NUMBERS, CURSOR])
def test_deleted_and_added_at_once_leaves_the_total_alone_and_is_noticed_all_the_same(kind: dict[str, Any]) -> None:
    def before(number: int) -> None:
        if number == 2:
            del company.people[1]
            company.people.append(person(99))

    with Company(11, before) as company:
        found = Read(make(company, kind))
    assert set(ids(found)) == {f"p{number}" for number in [*range(11), 99] if number != 1}
    assert found.incomplete == []


def test_a_person_added_in_front_shifts_the_pages_and_counts_once() -> None:
    def before(number: int) -> None:
        if number == 2:
            company.people.insert(0, person(99))

    with Company(11, before) as company:
        found = Read(make(company, NUMBERS))
    assert sorted(ids(found)) == sorted(f"p{number}" for number in [*range(11), 99])
    assert found.incomplete == []


def test_a_list_that_never_stands_still_is_incomplete() -> None:
    with Company(30, lambda _number: company.people.pop(0)) as company:
        waits = Waits()
        source = make(company, OFFSET, waits=waits)
        found = Read(source)
        read = people(source)
    assert "is incomplete: page 2 does not begin with the last row of page 1 (read 3 times)" in found.incomplete[0]
    assert (found.proven, waits[:2]) == (False, [2.0, 4.0])
    assert read.problems
    assert not read.proven


def test_a_total_that_shrinks_is_incomplete(server: HrServer) -> None:
    totals = [30, 28, 27] * 3
    server.script = [
        Reply({"data": [person(10 * part + number) for number in range(10)], "total": total})
        for part, total in zip([0, 1, 2] * 3, totals, strict=True)
    ]
    pages = {**NUMBERS["pages"], "last": "pages"}
    found = Read(make(server, {**NUMBERS, "pages": {**pages, "size": 10}}))
    assert "its total went 30 → 28" in found.incomplete[0]


def test_pages_1_and_2_of_4_and_then_nothing() -> None:
    with Company(16) as company:
        company.answer = (
            lambda call: Reply(  # type: ignore[method-assign]
                {"data": [] if int(call.query["page"]) > 2 else company.people[:4], "pages": 4}
            )
        )
        one = Read(make(company, NUMBERS))
    assert "page 2 repeats page 1" in one.incomplete[0]
    with Company(16) as company:
        whole = company.answer

        def answer(call: Call) -> Reply:
            reply = whole(call)
            return Reply({**reply.json, "data": []}) if int(call.query["page"]) > 2 else reply

        company.answer = answer  # type: ignore[method-assign]
        for kind in (NUMBERS, {**NUMBERS, "pages": {**NUMBERS["pages"], "last": "nothing"}}):
            source = make(company, kind)
            found = Read(source)
            assert 0 < len(found.rows) < 16
            assert ("is empty" if kind is NUMBERS else "it counts 16 and its pages hold") in found.incomplete[0]
            assert people(source).problems


def test_an_api_that_does_not_heed_the_offset() -> None:
    with Company(16) as company:
        company.answer = lambda _call: Reply({"data": company.people[:4]})  # type: ignore[method-assign]
        found = Read(make(company, OFFSET))
    assert "page 2 repeats page 1: the API ignores 'offset'" in found.incomplete[0]


def test_a_server_that_caps_the_page_size_loses_no_person() -> None:
    with Company(11) as company:
        whole = company.answer
        company.answer = lambda call: (call.query.update(limit="3"), whole(call))[1]  # type: ignore[method-assign]
        company.total = False
        found = Read(make(company, {**OFFSET, "pages": {**OFFSET["pages"], "size": 500}}))
    assert len(found.rows) == 11
    assert (found.incomplete, found.proven) == ([], False)


def test_a_circle_of_cursors(server: HrServer) -> None:
    following = {None: "b", "b": "c", "c": "b"}
    server._answer = lambda call: Reply({"data": [person(1)], "next": following[call.query.get("after")]})
    found = Read(make(server, CURSOR))
    assert "the pages repeat" in found.incomplete[0]
    assert len(server.calls) < 20


def test_a_page_that_is_pointed_at_and_empty_is_incomplete(server: HrServer) -> None:
    server._answer = lambda call: Reply(
        {"data": [] if "after" in call.query else [person(1)], "next": None if "after" in call.query else "x"}
    )
    found = Read(make(server, CURSOR))
    assert "page 2 is empty, although page 1 links to it" in found.incomplete[0]
    assert [call.query["limit"] for call in server.calls if "after" not in call.query] == ["4", "3", "2"]


def test_an_empty_page_in_the_middle_is_none_of_our_business(server: HrServer) -> None:
    pages = {None: ([person(1)], "b"), "b": ([], "c"), "c": ([person(2)], "")}
    server._answer = lambda call: Reply(dict(zip(("data", "next"), pages[call.query.get("after")], strict=True)))
    assert ids(Read(make(server, CURSOR))) == ["p1", "p2"]


def test_a_cursor_that_the_api_forgot_is_read_again(server: HrServer) -> None:
    expired = [True]

    def answer(call: Call) -> Reply:
        if "after" not in call.query:
            return Reply({"data": [person(1)], "next": "b"})
        if expired.pop() if expired else False:
            return Reply({"error": {"code": "CursorExpired"}}, 400)
        return Reply({"data": [person(2)]})

    server._answer = answer
    found = Read(make(server, {**CURSOR, "restart_on": ["CursorExpired"]}))
    assert (ids(found), found.incomplete) == (["p1", "p2"], [])
    expired.append(True)
    with pytest.raises(SourceError, match="HTTP 400"):
        Read(make(server, CURSOR))


def test_next_links_of_the_body_and_of_the_header(server: HrServer) -> None:
    def answer(call: Call) -> Reply:
        if call.query.get("c") == "a+/=":
            return Reply({"data": [person(2)], "links": {"next": ""}})
        assert call.query == {"status": "all"}
        return Reply(
            {"data": [person(1)], "links": {"next": "?c=a%2B%2F%3D"}},
            headers={"Link": '</people?c=a%2B%2F%3D>; rel="next", </people>; rel="first"'},
        )

    server._answer = answer
    base = {"type": "http", "url": "/people", "rows": "data", "query": {"status": "all"}}
    for pages in ({"type": "next", "next": "links.next"}, {"type": "next"}):
        found = Read(make(server, {**base, "pages": pages}))
        assert ids(found) == ["p1", "p2"]


def test_a_next_link_to_another_host_is_not_followed(server: HrServer) -> None:
    server._answer = lambda _call: Reply({"data": [person(1)], "next": "https://evil.example/people"})
    options = {"type": "http", "url": "/people", "rows": "data", "pages": {"type": "next", "next": "next"}}
    with pytest.raises(SourceError, match=r"https://evil.example is not http://127"):
        Read(make(server, options))


def test_two_passes_as_a_proof(server: HrServer) -> None:
    lists = [[1, 2], [1, 2, 3], [1, 2], [1, 2]]
    server._answer = lambda _call: Reply([person(number) for number in lists[min(len(server.calls) - 1, 3)]])
    options = {"type": "http", "url": "/p", "id": "id", "pages": {"type": "next", "twice": True}}
    found = Read(make(server, options))
    assert (ids(found), found.proven, found.incomplete) == (["p1", "p2"], True, [])
    assert len(server.calls) == 4


def test_parameters_in_the_body(server: HrServer) -> None:
    def answer(call: Call) -> Reply:
        start = call.json["offset"]
        return Reply({"data": [person(n) for n in range(start, min(start + 4, 6))], "total": 6})

    server._answer = answer
    pages = {**OFFSET["pages"], "in": "body"}
    found = Read(make(server, {**OFFSET, "method": "POST", "body": {"view": "all"}, "pages": pages}))
    assert len(found.rows) == 6
    assert server.calls[0].json == {"view": "all", "offset": 0, "limit": 4}
    assert server.calls[0].query == {}
