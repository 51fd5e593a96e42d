from __future__ import annotations

import base64
import datetime as dt
import email.utils
import json
import socket
import threading
import time
import traceback
from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SourceError, SpecError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sources.http import call
from airflow_provider_kinde.sources.http.login import Login
from airflow_provider_kinde.sources.http.source import HttpSource
from airflow_provider_kinde.sync.model import Access
from tests.support.hr_server import REST, SECRET, Call, HrServer, Read, Reply, Waits, make, people, person, spec

LIST = {"type": "http", "url": "/people"}
DATA = {**LIST, "rows": "data"}


def refused(server: HrServer, options: dict[str, Any], **more: Any) -> str:
    """The message of a source that cannot be read; no secret is in it, nor in what stands behind it."""
    with pytest.raises(SourceError) as caught:
        Read(make(server, options, **more))
    told = "".join(traceback.format_exception(caught.value))
    assert SECRET not in told.replace(f"SECRET = {SECRET!r}", "")
    return str(caught.value)


# -- rows --------------------------------------------------------------------------------------------------------------


def test_a_bare_list(server: HrServer) -> None:
    server.script = [Reply([person(1, work={"title": "x"}), "oops"])]
    found = Read(make(server, {**LIST, "query": {"a": True, "b": [1, 2]}, "headers": {"X-View": "full"}}))
    assert found.values[0] == {**person(1), "work.title": "x"}
    assert found.problems == {2: "is not an object but str"}
    assert (found.reading.columns, found.proven, found.incomplete) == (None, False, [])
    call = server.calls[0]
    assert (call.query, call.headers["x-view"], call.headers["accept"]) == (
        {"a": "true", "b": "1,2"},
        "full",
        "application/json",
    )
    assert found.reading.name == f"{server.url}/people"


def test_jmespath_rows_total_and_columns(server: HrServer) -> None:
    emails = [{"kind": "home", "value": "h@x.test"}, {"kind": "work", "value": "w@x.test"}]
    server.script = [Reply({"a": [{"list": [person(1, emails=emails)]}], "sizes": [1]})]
    found = Read(
        make(
            server,
            {
                **LIST,
                "rows": "a[0].list",
                "total": "sum(sizes)",
                "columns": {"mail": "emails[?kind=='work'].value | [0]"},
                "lists": {"emails": {"key": "kind", "value": "value"}},
            },
        )
    )
    assert found.values[0]["mail"] == found.values[0]["emails.work"] == "w@x.test"
    assert found.proven


def test_lists_become_columns(server: HrServer) -> None:
    lists = {"lists": {"mails": {"key": "type", "value": "value", "primary": "primary"}}}
    for mails, primary in (
        ([{"type": "work", "value": "w"}, {"type": "home", "value": "h", "primary": True}], "h"),
        ([{"type": "work", "value": "w", "primary": "False"}, {"type": "home", "value": "h", "primary": "True"}], "h"),
        ([{"value": "only"}], "only"),
        ([{"type": "a", "value": "1"}, {"type": "b", "value": "2"}], None),
        ([], None),
    ):
        server.script = [Reply([{"id": "1", "mails": mails}])]
        assert Read(make(server, {**LIST, **lists})).values[0]["mails.primary"] == primary


def test_today_in_parameters(server: HrServer) -> None:
    server.script = [Reply([])]
    options = {**LIST, "query": {"as_of": "{today}", "to": "{today+14}"}, "timezone": "America/Los_Angeles"}
    make(server, options, now=dt.datetime(2026, 11, 21, 3, tzinfo=dt.timezone.utc)).read()
    assert server.calls[0].query == {"as_of": "2026-11-20", "to": "2026-12-04"}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(body=b"<html><title>Sign in</title>"), "answered 200 with a web page where JSON is expected"),
        (Reply(body=b""), "answered 200 with nothing where JSON is expected"),
        (Reply(body=b'{"data": ['), "answered 200 with something else where JSON is expected"),
        (Reply({"error": "boom", "code": 7}), "answered 200 without a list at data: it has code, error"),
        (Reply({"data": {"p1": {}}}), "answered 200 without a list at data: it has data"),
        (Reply([person(1)]), "answered 200 without a list at data: list"),
        (Reply(None), "answered 200 without a list at data: NoneType"),
        (Reply({"message": "moved"}, 302, {"Location": "/login"}), "HTTP 302, a redirect: is the address right?"),
        (Reply({"message": "No such\n  thing"}, 404), "HTTP 404: there is no such address: No such thing"),
        (Reply({"errors": [{"detail": "no"}]}, 403), "HTTP 403: connection 'hr': its account may not read this: no"),
        (Reply({"error": SECRET}, 401), "HTTP 401: connection 'hr': its credentials are refused: ***"),
        (Reply(body=b"Name: Ann", status=400), "HTTP 400: the request is not as it should be"),
    ],
)
def test_a_response_that_is_no_list_is_refused(server: HrServer, reply: Reply, said: str) -> None:
    server.script = [reply]
    assert refused(server, {**DATA, "auth": "bearer"}).endswith(said)


def test_empty_lists_and_404_as_empty_are_blocked_by_the_engine(server: HrServer) -> None:
    server._answer = lambda call: Reply({"error": "none"}, 404) if call.path == "/gone" else Reply([], 200)
    for options in (LIST, {**LIST, "url": "/gone", "empty_status": [404]}):
        source = make(server, options)
        assert Read(source).rows == []
        assert "is empty" in people(source).problems[0]
    server.script = [Reply(body=b"", status=204)]
    assert Read(make(server, LIST)).rows == []


def test_an_error_page_today_and_the_next_good_run(server: HrServer) -> None:
    """Nothing is kept of a run that failed: the next one reads everything."""
    source = make(server, DATA)
    server.script = [Reply(body=b"<html>", status=200), Reply({"data": [person(1), person(2)]})]
    with pytest.raises(SourceError):
        source.read()
    assert set(people(source).persons) == {"p1", "p2"}


def test_one_bad_row_does_not_stop_the_others(server: HrServer) -> None:
    server._answer = lambda _call: Reply(
        {"data": [person(1, hired="2024-02-01"), person(2, hired="01.02.2024"), person(3, hired="2024-02-01")]}
    )
    rest = REST.replace("active: [active]", 'start_date: "{{ row.hired }}", active: [active]')
    read = people(make(server, DATA, rest))
    assert set(read.persons) == {"p1", "p3"}
    assert [(rejected.row, rejected.id) for rejected in read.rejected] == [(2, "p2")]
    assert not read.problems


@pytest.mark.parametrize("last", ['"dept": "a", "dept": "b"', '"x": {"y": 1}, "x.y": 2'])
def test_a_doubled_column_is_never_chosen_from(server: HrServer, last: str) -> None:
    text = json.dumps([person(1), person(2)])[:-2] + f", {last}}}]"
    server._answer = lambda _call: Reply(body=text.encode())
    read = Read(make(server, {**LIST, "expect": {"min_rows": 1}}))
    assert "stands twice: which one is meant?" in read.incomplete[0]
    assert not read.proven


def test_a_lost_column_is_drift(server: HrServer) -> None:
    rows = [{name: value for name, value in person(number).items() if name != "status"} for number in range(3)]
    server._answer = lambda _call: Reply({"data": rows})
    assert "has no column 'status'" in people(make(server, DATA)).problems[0]


def test_min_rows(server: HrServer) -> None:
    server._answer = lambda _call: Reply({"data": [person(1), person(2), person(2)]})
    assert Read(make(server, {**DATA, "expect": {"min_rows": 2}})).proven
    found = Read(make(server, {**DATA, "expect": {"min_rows": 3}}))
    assert (found.proven, "it has 2 rows, and expect.min_rows is 3" in found.incomplete[0]) == (False, True)


def test_a_total_beside_a_single_answer(server: HrServer) -> None:
    server._answer = lambda _call: Reply({"data": [person(1)], "n": "2"})
    found = Read(make(server, {**DATA, "total": "n"}))
    assert "it counts 2 and its pages hold 1" in found.incomplete[0]


# -- trouble -----------------------------------------------------------------------------------------------------------


def test_429_503_and_broken_connections_are_waited_out(server: HrServer) -> None:
    at = email.utils.format_datetime(dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=90))
    server.script = [
        Reply({}, 429, {"Retry-After": "17"}),
        Reply({}, 503, {"Retry-After": at}),
        Reply({"data": []}, cut=True),
        Reply({}, 500),
        Reply({"data": [person(1)]}),
    ]
    waits = Waits()
    assert len(Read(make(server, DATA, waits=waits)).rows) == 1
    assert waits[0] == 17
    assert 85 < waits[1] < 91
    assert len(waits) == 4


def test_tries_are_bounded(server: HrServer) -> None:
    server._answer = lambda _call: Reply({}, 503)
    waits = Waits()
    assert refused(server, {**DATA, "tries": 3}, waits=waits).endswith("answered HTTP 503 (tried 3 times)")
    assert (len(server.calls), len(waits)) == (3, 2)


def test_a_wait_beyond_patience_is_an_error_at_once(server: HrServer) -> None:
    server._answer = lambda _call: Reply({}, 429, {"Retry-After": "86400"})
    assert refused(server, DATA).endswith("HTTP 429 (tried once; it asks to wait 86400 s)")
    assert len(server.calls) == 1


def test_half_a_body_is_never_taken_for_a_whole(server: HrServer) -> None:
    server._answer = lambda _call: Reply([person(1)], cut=True)
    assert "the connection broke off) (tried 2 times" in refused(server, {**LIST, "tries": 2})


def test_an_unreachable_server_is_an_error(server: HrServer) -> None:
    login = Login("http://127.0.0.1:9", "", "")
    assert "does not answer (no connection) (tried 2 times)" in refused(server, {**LIST, "tries": 2}, login=login)


def test_a_page_that_is_too_large(server: HrServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_kinde.sources.http.pages.MAX_ANSWER", 1 << 20)
    server.script = [Reply(body=b"[" + b" " * (1 << 20) + b"]")]
    assert "answers with more than 1 MiB" in refused(server, LIST)
    assert call.MAX_PAGE <= 64 << 20


SLOW = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
    "no length": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[]", b" "),
    "compressed nothing": (
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"a\r\n\x1f\x8b\x08\0\0\0\0\0\2\xff\r\n"
        ),
        b"5\r\n\0\0\0\xff\xff\r\n",
    ),
    "refusal": (b"HTTP/1.1 403 No\r\nContent-Length: 100000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("where", SLOW)
def test_an_answer_that_never_ends(server: HrServer, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "MAX_TIME", 0.4)
    begin, drop = SLOW[where]
    gone = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(begin)
            with suppress(OSError):
                for _ in range(600):
                    connection.sendall(drop)
                    time.sleep(0.05)
                return
            gone.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip, args=(listener,), daemon=True).start()
        login = Login(f"http://127.0.0.1:{listener.getsockname()[1]}", "", "")
        with pytest.raises(SourceError, match="takes longer than 0 minutes to answer"):
            Read(make(server, {**LIST, "timeout": 30, "tries": 1}, login=login))
    assert gone.wait(10), "the connection was shut down, long before the server had sent all"


# -- credentials -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ("basic", "authorization", "Basic " + base64.b64encode(f"hr-user:{SECRET}".encode()).decode()),
        (
            {"type": "basic", "key_as_login": True},
            "authorization",
            "Basic " + base64.b64encode(f"{SECRET}:x".encode()).decode(),
        ),
        ("bearer", "authorization", f"Bearer {SECRET}"),
        ({"type": "header", "header": "X-Api-Key", "prefix": "k "}, "x-api-key", f"k {SECRET}"),
    ],
)
def test_simple_authentication(server: HrServer, auth: Any, header: str, value: str) -> None:
    server.script = [Reply([])]
    make(server, {**LIST, "auth": auth}).read()
    assert server.calls[0].headers[header] == value


def test_a_key_with_blanks_around_it_and_one_that_is_none(server: HrServer) -> None:
    server.script = [Reply([])]
    make(server, {**LIST, "auth": "bearer"}, login=Login(server.url, "", f" {SECRET}\n")).read()
    assert server.calls[0].headers["authorization"] == f"Bearer {SECRET}"
    for key in ("sch\u00f6n-\u20ac", "two\r\nlines"):
        said = refused(server, {**LIST, "auth": "bearer"}, login=Login(server.url, "", key))
        assert said.endswith("its password has characters that a header cannot hold")


@pytest.mark.parametrize("client", ["body", "basic"])
def test_oauth_gets_a_token_and_renews_one_that_is_refused(server: HrServer, client: str) -> None:
    tokens = iter(["one", "two"])

    def answer(call: Call) -> Reply:
        if call.path == "/token":
            return Reply({"access_token": next(tokens), "expires_in": 3600, "token_type": "Bearer"})
        return Reply([person(1)]) if call.headers["authorization"] == "Bearer two" else Reply({}, 401)

    server._answer = answer
    auth = {"type": "oauth", "token_url": "/token", "scope": "people:read", "client": client, "fields": {"a": "b"}}
    assert len(Read(make(server, {**LIST, "auth": auth})).rows) == 1
    form = server.calls[0].form
    assert (form["grant_type"], form["scope"], form["a"]) == ("client_credentials", "people:read", "b")
    assert ("client_secret" in form) == (client == "body")
    assert ("authorization" in server.calls[0].headers) == (client == "basic")
    assert [call.path for call in server.calls] == ["/token", "/people", "/token", "/people"]


def test_a_token_that_stays_refused_is_asked_for_twice_only(server: HrServer) -> None:
    server._answer = lambda call: Reply({"access_token": "t"}) if call.path == "/token" else Reply({}, 401)
    said = refused(server, {**LIST, "auth": {"type": "oauth", "token_url": "/token"}})
    assert "its credentials are refused" in said
    assert len(server.calls) == 4


def test_refused_client_credentials(server: HrServer) -> None:
    server._answer = lambda _call: Reply({"error": "invalid_client", "error_description": f"bad {SECRET}"}, 401)
    said = refused(server, {**LIST, "auth": {"type": "oauth", "token_url": "/token"}})
    assert "/token answered HTTP 401" in said
    assert said.endswith("bad ***")
    server._answer = lambda _call: Reply({"token": "x"})
    assert "holds no access_token" in refused(server, {**LIST, "auth": {"type": "oauth", "token_url": "/token"}})


@pytest.mark.parametrize(
    ("login", "said"),
    [
        (Login("http://hr.example.com", "u", SECRET), "would send credentials and personal data unencrypted"),
        (Login("https://u:p@hr.example.com", "u", SECRET), "must not hold a user name or password"),
        (Login("ftp://hr.example.com", "u", SECRET), "is not a URL"),
        (Login("", "u", SECRET), "names no host"),
        (Login("http://127.0.0.1:1", "u", ""), "has no password"),
    ],
)
def test_a_connection_that_cannot_be_used(server: HrServer, login: Login, said: str) -> None:
    assert said in refused(server, {**LIST, "auth": "basic"}, login=login)


def test_a_path_of_another_host_is_not_asked(server: HrServer) -> None:
    assert "requests stay on one host" in refused(server, {**LIST, "url": "https://elsewhere.example/people"})


def test_a_whole_address_needs_no_connection(server: HrServer) -> None:
    server.script = [Reply([person(1)])]
    source = HttpSource(spec({"type": "http", "url": f"{server.url}/people?x=1"}))
    found = Read(source)
    assert (len(found.rows), found.reading.name) == (1, f"{server.url}/people")
    assert server.calls[0].query == {"x": "1"}


def test_without_airflow_a_connection_is_an_error_that_says_so() -> None:
    pytest.importorskip("requests")
    try:
        import airflow  # noqa: F401
    except ImportError:
        with pytest.raises(SourceError, match="Airflow is not installed"):
            make_source(spec({**LIST, "conn_id": "hr"})).read()


# -- options -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pager": 1}, "source.pager: unknown key; did you mean pages?"),
        ({"url": None}, "source.url: is missing"),
        ({"url": "http://hr.example.com/x"}, "source.url: http://hr.example.com/x would send credentials"),
        ({"rows": "a[?"}, "source.rows: 'a[?' is not a JMESPath expression"),
        ({"columns": {"x": "a[?"}}, "source.columns.x: 'a[?' is not a JMESPath expression"),
        ({"query": {"x": "{{ row.id }}"}}, "source.query.x: text, a number or a list"),
        ({"query": ["x"]}, "source.query: a mapping is expected"),
        ({"method": "PUT"}, "source.method: one of GET, POST is expected"),
        ({"body": {"a": 1}}, "source.body: a GET request has no body"),
        ({"auth": "digest"}, "source.auth: one of none, basic, bearer, header, oauth is expected"),
        ({"auth": {"type": "oauth"}}, "source.auth.token_url: is missing"),
        ({"auth": {"type": "header"}}, "source.auth.header: is missing"),
        ({"auth": {"type": "basic", "password": "x"}}, "source.auth.password: unknown key"),
        ({"pages": {"type": "cursor"}}, "source.pages.next: is missing"),
        ({"pages": {"type": "offset", "size": 5}}, "source.pages.size: size and size_param go together"),
        ({"pages": {"type": "page", "overlap": True}}, "source.pages.overlap: only pages by offset"),
        ({"pages": {"type": "offset", "sise": 5}}, "source.pages.sise: unknown key"),
        ({"pages": {"param": "x"}}, "source.pages.type: one of offset, page, cursor, next is expected"),
        ({"each": {"url": "/x"}}, "source.each.into: is missing"),
        ({"empty_status": ["404"]}, "source.empty_status[0]: a whole number"),
        ({"timezone": "Mars/Base"}, "source.timezone: 'Mars/Base' is not a time zone"),
        ({"timeout": 0}, "source.timeout: a number from 1 to 3600"),
        ({"expect": {"trailer": "x"}}, "source.expect.trailer: unknown key"),
        ({"expect": {"min_rows": 0}}, "source.expect.min_rows: a whole number from 1"),
        ({"format": "csv", "rows": "data"}, "source.rows: belongs to JSON"),
        ({"conn_id": None, "auth": "bearer"}, "source.conn_id: is missing"),
        ({"conn_id": None}, "source.conn_id: is missing"),
    ],
)
def test_wrong_options(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        make_source(spec({**LIST, "conn_id": "hr", **options}, file="hr.yaml"))
    assert said in str(caught.value)
    assert str(caught.value).startswith("hr.yaml:3: ")


def test_jmespath_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jmespath", None)
    make_source(spec({**DATA, "conn_id": "hr"}))
    with pytest.raises(SourceError, match=r"pip install 'airflow-provider-kinde\[http\]'"):
        make_source(spec({**LIST, "conn_id": "hr", "rows": "data[0].x"}))


# -- changes -----------------------------------------------------------------------------------------------------------


def test_changed_since(server: HrServer) -> None:
    found: list[Any] = [{"n": 0}, {"n": 3}, {"n": None}]
    server.script = [Reply(entry) for entry in found]
    source = make(server, {**LIST, "changes": {"url": "/changes", "query": {"after": "{since}"}, "found": "n"}})
    since = dt.datetime(2026, 11, 20, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert [source.changed_since(since) for _ in found] == [False, True, False]
    assert server.calls[0].query == {"after": "2026-11-20T22:30:00Z"}
    assert make(server, LIST).changed_since(since)


def test_rows_of_people_reach_the_engine(server: HrServer) -> None:
    server.script = [Reply({"data": [person(1), person(2, status="inactive")], "total": 2})]
    read = people(make(server, {**DATA, "total": "total"}))
    assert (read.persons["p1"].access, read.persons["p2"].access, read.proven) == (Access.ACTIVE, Access.NONE, True)


def test_last_modified_says_when_the_data_was_changed(server: HrServer) -> None:
    headers = {"Last-Modified": "Fri, 27 Nov 2026 08:00:00 GMT"}
    server.script = [
        Reply([{"id": "p1"}], headers=headers),
        Reply([{"id": "p1"}], headers={"Last-Modified": "no date"}),
    ]
    source = make(server, LIST)
    assert source.changed_at() is None
    list(source.read())
    assert source.changed_at() == dt.datetime(2026, 11, 27, 8, tzinfo=dt.timezone.utc)
    list(source.read())
    assert source.changed_at() is None


def test_an_etag_tells_whether_the_list_changed(server: HrServer) -> None:
    server.script = [Reply([], headers={"ETag": '"a"'}), Reply([], 304), Reply([], headers={"ETag": '"b"'}), Reply([])]
    source = make(server, {**LIST, "changes": {"etag": True}})
    first = source.change_token()
    assert source.tells_changes
    assert [first, source.change_token(first), source.change_token(first)] == ['etag:"a"', 'etag:"a"', 'etag:"b"']
    assert [call.headers.get("if-none-match") for call in server.calls] == [None, '"a"', '"a"']
    with pytest.raises(SourceError, match=r"answers without an ETag: leave source\.changes\.etag out"):
        source.change_token(first)
    assert make(server, LIST).change_token() is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"changes": {}}, r"changes\.url: is missing"),
        ({"changes": {"etag": True, "found": "n"}}, r"changes\.found: belongs to a list of changes"),
        ({"changes": {"etag": True}, "pages": {"type": "page", "param": "p"}}, "is about one page"),
    ],
)
def test_an_etag_speaks_for_one_answer_alone(server: HrServer, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make(server, {**LIST, **options})
