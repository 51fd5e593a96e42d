"""The parts of the page that its script fetches, and what its forms change."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from emulator_api import Api


class Page:
    """The page as its own script uses it."""

    def __init__(self, api: Api) -> None:
        self.url = api.kinde.url
        (self.token,) = re.findall(r"data-token='([^']+)'", requests.get(self.url, timeout=10).text)

    def part(self, name: str, **params: Any) -> str:
        answer = requests.get(f"{self.url}/_emulator/page/{name}", params=params, timeout=10)
        assert answer.status_code == 200
        return answer.text

    def send(self, method: str, name: str, body: Any = None, **headers: str) -> requests.Response:
        sent = {"x-emulator-page": self.token, "origin": self.url, **headers}
        return requests.request(method, f"{self.url}/_emulator/page/{name}", json=body, headers=sent, timeout=10)


@pytest.fixture
def page(api: Api) -> Page:
    return Page(api)


def test_requests_are_found_by_path_and_body_newest_first(api: Api, page: Page) -> None:
    api("GET", "/roles")
    api("GET", "/users")
    api.kinde.fault("GET", "/users", status=503)
    api("GET", "/users")
    text = page.part("requests")
    assert text.index("503") < text.index("/api/v1/roles")
    assert "/api/v1/roles" not in page.part("requests", q="USERS")
    assert page.part("requests", errors="1").count("<tr>") == 2
    assert "None like that." in page.part("requests", q="nothing of this name")


def test_a_fault_is_added_hits_and_is_removed(api: Api, page: Page) -> None:
    fields = {"method": "GET", "path": "/api/v1/users", "kind": "503", "times": "2"}
    assert page.send("POST", "faults", fields).text == "From now on: the request answers 503."
    assert api("GET", "/users").status_code == 503
    assert api("GET", "/roles").status_code == 200
    text = page.part("faults")
    assert "GET /api/v1/users: 503; 1 more, hit 1" in text
    (number,) = re.findall(r"data-fault=(\d+)", text)
    assert page.send("DELETE", f"faults/{number}").text == "The fault is removed."
    assert page.part("faults") == "<p class=dim>No fault waits.</p>"
    assert api("GET", "/users").status_code == 200
    assert page.send("POST", "faults", {**fields, "path": "("}).status_code == 400
    assert page.send("POST", "faults", {**fields, "kind": "nothing"}).status_code == 400


def test_a_switch_changes_how_kinde_behaves(api: Api, page: Page) -> None:
    assert page.send("PATCH", "settings", {"name": "page_size", "value": "1"}).text == "page_size is 1 now."
    assert api.kinde.settings.page_size == 1
    assert "<label class=changed><code>page_size</code>" in requests.get(page.url, timeout=10).text
    assert page.send("PATCH", "settings", {"name": "rate_limit", "value": ""}).text == "rate_limit is none now."
    for name, value, words in (
        ("page_size", "many", "is not a whole number"),
        ("patch_roles", "<b>", "&lt;b&gt;"),
        ("no_such", "1", "no such setting"),
        ("client_secret", "x", "cannot be changed here"),
    ):
        refused = page.send("PATCH", "settings", {"name": name, "value": value})
        assert (refused.status_code, words in refused.text) == (400, True), refused.text


def test_one_organization_alone_shows_all_its_members(api: Api, page: Page) -> None:
    users = [{"email": f"u{number:03}@x.org", "memberships": ["Big"]} for number in range(300)]
    code = api.kinde.seed({"organizations": ["Big", "Small"], "users": users})["organizations"]["Big"]
    assert f"<a href='?q={code}'>show this organization alone</a>" in page.part("people")
    alone = page.part("people", q=code)
    assert alone.count("@x.org") == 300
    assert "Small" not in alone
