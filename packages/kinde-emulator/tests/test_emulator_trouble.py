"""Faults, limits, the log, and many requests at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from emulator_api import Api


def test_a_status_instead_of_the_work(api):
    fault = api.kinde.fault("POST", "/user$", status=503, headers={"Retry-After": "2"})
    answer = api("POST", "/user", json={})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["errors"][0]["code"] == "INJECTED_FAULT"
    assert api.kinde.state()["users"] == []
    api.create()
    assert fault.hits == 1
    [failed, made] = api.kinde.log()[-2:]
    assert (failed["status"], failed["worked"], failed["fault"]) == (503, None, "503")
    assert (made["status"], made["worked"], made["fault"]) == (200, 200, None)


@pytest.mark.parametrize(("body", "kind"), [("<h1>Bad gateway</h1>", "text/html"), ({"code": "X"}, "application/json")])
def test_a_body_of_ones_own(api, body, kind):
    api.kinde.fault(status=502, body=body)
    answer = api("GET", "/users")
    assert answer.headers["content-type"].startswith(kind)
    assert (answer.text if isinstance(body, str) else answer.json()) == body


def test_the_work_is_done_and_the_answer_lost(api):
    api.kinde.fault("POST", "/user", after_work=True)
    with pytest.raises(requests.ConnectionError):
        api("POST", "/user", json={})
    assert len(api.kinde.state()["users"]) == 1
    [entry] = api.kinde.log()[-1:]
    assert (entry["status"], entry["worked"], entry["fault"]) == (None, 200, "answer lost")


def test_the_work_is_done_and_the_answer_says_otherwise(api):
    api.kinde.fault("POST", "/user", after_work=True, status=502)
    assert api("POST", "/user", json={}).status_code == 502
    assert len(api.kinde.state()["users"]) == 1


def test_a_connection_dropped_before_the_work(api):
    api.kinde.fault("POST", "/user", drop=True)
    with pytest.raises(requests.ConnectionError):
        api("POST", "/user", json={})
    assert api.kinde.state()["users"] == []
    api.create()


def test_a_slow_answer(api):
    api.kinde.fault(path="/users", delay=0.3)
    started = time.perf_counter()
    with pytest.raises(requests.ReadTimeout):
        api.http.get(f"{api.kinde.url}/api/v1/users", timeout=0.1)
    api.ok("GET", "/users")
    assert time.perf_counter() - started < 0.3


def test_a_revoked_token(api):
    api.kinde.fault(path="/users", revoke_token=True)
    api.fails(401, "TOKEN_INVALID", "GET", "/users")
    api.fails(401, "TOKEN_INVALID", "GET", "/roles")
    Api(api.kinde).ok("GET", "/users")


def test_the_token_endpoint_has_trouble_too(api):
    api.kinde.fault(path="/oauth2/token", status=500, times=2)
    assert [api.token().status_code for _ in range(3)] == [500, 500, 200]
    assert [entry["kind"] for entry in api.kinde.log()[-3:]] == ["token"] * 3


def test_a_fault_befalls_the_requests_it_names(api):
    api.kinde.fault("GET", r"/users\?.*email=b", status=500)
    api.kinde.fault("POST", "/user$", match="bad@", status=500, times=None)
    api.kinde.fault("GET", "^/api/v1/roles$", status=500, skip=2, times=2)
    assert api("GET", "/users", params={"email": "a@x.org"}).status_code == 200
    assert api("GET", "/users", params={"email": "b@x.org"}).status_code == 500
    for _ in range(3):
        bad = {"identities": [{"type": "email", "details": {"email": "bad@x.org"}}]}
        assert api("POST", "/user", json=bad).status_code == 500
    api.create("good@x.org")
    assert [api("GET", "/roles").status_code for _ in range(5)] == [200, 200, 500, 500, 200]
    api.kinde.clear_faults()
    assert api("POST", "/user", json=bad).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "needs one of"),
        ({"path": "("}, "regular expressions"),
        ({"status": 500, "times": 0}, "times"),
        ({"status": 500, "skip": -1}, "negative"),
        ({"status": 99}, "between 200 and 599"),
        ({"drop": True, "status": 500}, "drop"),
        ({"drop": True, "after_work": True}, "drop"),
        ({"delay": 1, "body": "x"}, "need a status"),
    ],
)
def test_faults_that_make_no_sense(api, wrong, words):
    with pytest.raises(ValueError, match=words):
        api.kinde.fault(**wrong)


def test_the_rate_limiter(start):
    api = start(rate_limit=3, rate_window=0.6)
    assert [api("GET", "/roles").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = api("GET", "/roles")
    assert 1 <= int(refused.headers["ratelimit-reset"]) <= 2
    assert "retry-after" not in refused.headers
    assert refused.json()["errors"][0]["code"] == "TOO_MANY_REQUESTS"
    assert api.token().status_code == 200
    assert api.kinde.log()[-2]["status"] == 429
    time.sleep(0.65)
    assert api("GET", "/roles").status_code == 200
    api.kinde.set(rate_limit=None)
    assert all(api("GET", "/roles").status_code == 200 for _ in range(5))


@pytest.mark.parametrize(("header", "sent"), [("Retry-After", True), ("none", False)])
def test_the_header_of_the_rate_limiter(start, header, sent):
    api = start(rate_limit=1, rate_limit_header=header)
    api("GET", "/roles")
    refused = api("GET", "/roles")
    assert ("retry-after" in refused.headers, "ratelimit-reset" in refused.headers) == (sent, False)


def test_the_concurrency_limiter(start):
    api = start(concurrency=2, latency=150)
    begun = threading.Barrier(6)

    def ask(_: int) -> int:
        begun.wait()
        return requests.get(f"{api.kinde.url}/api/v1/roles", headers=dict(api.http.headers), timeout=10).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(ask, range(6)))
    assert statuses == [200] * 2 + [429] * 4
    api.kinde.set(latency=0)
    assert api("GET", "/roles").status_code == 200


def test_many_at_once_lose_nothing(api):
    def create(number: int) -> int:
        body = {"identities": [{"type": "email", "details": {"email": f"u{number % 60}@x.org"}}]}
        url, headers = f"{api.kinde.url}/api/v1/user", dict(api.http.headers)
        return requests.post(url, json=body, headers=headers, timeout=10).status_code

    api.kinde.clear_log()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(create, range(120)))
    assert (statuses.count(200), statuses.count(400)) == (60, 60)
    assert len(api.kinde.state()["users"]) == 60
    log = api.kinde.log()
    assert [entry["n"] for entry in log] == list(range(1, 121))
    assert sorted(entry["status"] for entry in log) == sorted(statuses)


def test_the_log_says_what_was_asked_and_keeps_no_secret(api):
    api.kinde.clear_log()
    api.token(scope="read:users")
    api.ok("GET", "/users", params={"email": "a@x.org,b@x.org", "page_size": 7})
    api("POST", "/user", json={"nonsense": 1})
    requests.get(f"{api.kinde.url}/.well-known/jwks", timeout=10)
    requests.get(api.kinde.url, timeout=10)
    token, users, refused, keys = api.kinde.log()
    assert (token["kind"], token["body"]["client_secret"], token["body"]["scope"]) == ("token", "***", "read:users")
    assert (users["method"], users["path"], users["status"]) == ("GET", "/api/v1/users", 200)
    assert users["query"] == {"email": "a@x.org,b@x.org", "page_size": "7"}
    assert users["client"] == api.kinde.client_id
    assert (refused["body"], refused["status"]) == ({"nonsense": 1}, 400)
    assert (keys["kind"], keys["n"]) == ("public", 4)
    assert users["ms"] >= 0
    assert api.kinde.client_secret not in str(api.kinde.log())
    assert api.http.headers["authorization"].removeprefix("Bearer ") not in str(api.kinde.log())
    assert api.kinde.log(last=1)[0]["n"] == 4
    assert api.kinde.log(last=0) == []


def test_the_log_is_bounded(start):
    api = start(log_size=3)
    for _ in range(5):
        api("GET", "/roles")
    assert [entry["n"] for entry in api.kinde.log()] == [4, 5, 6]
    api.kinde.set(log_size=2)
    assert [entry["n"] for entry in api.kinde.log()] == [5, 6]
