"""Personio's v2 persons and employments, as its reference describes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sync.model import Access
from tests.support.hr_server import SECRET, Call, HrServer, Read, Reply, make, people

REST = """
person: {id: "{{ row.id }}", email: "{{ row.email }}", given_name: "{{ row.first_name }}",
         family_name: "{{ row.last_name }}"}
may_be_empty: [employment.termination.last_working_date]
employment:
  status: "{{ row['employment.status'] }}"
  active: [ACTIVE, LEAVE, ONBOARDING]
  inactive: [INACTIVE]
  start_date: "{{ row['employment.employment_start_date'] }}"
  end_date: "{{ row['employment.termination.last_working_date'] }}"
"""


class Personio(HrServer):
    """Persons by cursor, 50 at most, the rest one request per person; a token for all of it."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.persons = {str(5000 + number): self.person(5000 + number) for number in range(count)}
        self.employments = {id: [self.employment(id)] for id in self.persons}
        self.bare = False
        self.token = "papi-token"

    @staticmethod
    def person(number: int) -> dict[str, Any]:
        return {
            "id": str(number), "email": f"e{number}@acme.test", "first_name": f"F{number}", "last_name": f"L{number}",
            "status": "ACTIVE", "employments": [{"id": f"e-{number}"}],
            "custom_attributes": [
                {"id": "dynamic_1", "global_id": "1", "type": "STRING", "label": "Badge", "value": f"B{number}"}
            ],
        }  # fmt: skip

    @staticmethod
    def employment(id: str, status: str = "ACTIVE", **more: Any) -> dict[str, Any]:
        return {
            "id": f"e-{id}", "status": status, "employment_start_date": "2024-03-01",
            "org_units": [{"type": "department", "id": "d7"}, {"type": "team", "id": "t1"}],
            "termination": None, "person": {"id": id}, **more,
        }  # fmt: skip

    def answer(self, call: Call) -> Reply:
        if call.path == "/v2/auth/token":
            if call.form.get("client_secret") != SECRET or call.form.get("grant_type") != "client_credentials":
                return Reply({"error": "unauthorized_client", "error_description": "Wrong credentials"}, 401)
            return Reply({"access_token": self.token, "expires_in": 86400, "token_type": "Bearer", "scope": "x"})
        if call.headers.get("authorization") != f"Bearer {self.token}":
            return Reply({"errors": [{"title": "Unauthorized", "detail": "Invalid token"}]}, 401)
        parts = call.path.split("/")
        if parts[-1] == "employments":
            found = self.employments.get(parts[3])
            return Reply({"_data": found, "_meta": {"links": {}}}) if found is not None else Reply({}, 404)
        assert call.path == "/v2/persons"
        limit, start = int(call.query.get("limit", 10)), int(call.query.get("cursor", "cur_0").removeprefix("cur_"))
        if not 1 <= limit <= 50:
            return Reply({"errors": [{"title": "Bad Request", "detail": "limit"}]}, 400)
        rows = list(self.persons.values())
        page = rows[start : start + limit]
        links = {"self": {"href": "/v2/persons"}}
        if start + limit < len(rows):
            links["next"] = {"href": f"/v2/persons?limit={limit}&cursor=cur_{start + limit}"}
        keep = ("id", "employments")
        shown = [{name: row[name] for name in keep} for row in page] if self.bare else page
        return Reply({"_data": shown, "_meta": {"links": links}})


@pytest.fixture
def personio() -> Iterator[Personio]:
    with Personio(57) as running:
        yield running


def source(personio: Personio, **options: Any) -> Any:
    return make(personio, {"type": "personio", **options}, REST)


def test_persons_with_their_latest_employment(personio: Personio) -> None:
    first = personio.employments["5000"]
    first.insert(0, personio.employment("5000", "INACTIVE", termination={"last_working_date": "2026-10-31"}))
    found = Read(source(personio))
    assert (len(found.rows), found.proven, found.incomplete) == (57, True, [])
    row = found.values[0]
    assert (row["employment.status"], row["employment.termination.last_working_date"]) == ("INACTIVE", "2026-10-31")
    assert (row["custom_attributes.dynamic_1"], row["employment.org_units.department"]) == ("B5000", "d7")
    listed = [call.query for call in personio.calls if call.path == "/v2/persons"]
    assert [query["limit"] for query in listed] == ["50", "50", "49", "49"]
    assert len([call for call in personio.calls if call.path.endswith("/employments")]) == 57
    assert len([call for call in personio.calls if call.path.endswith("/token")]) == 1
    read = people(source(personio))
    assert (read.persons["5000"].access, read.persons["5001"].access) == (Access.NONE, Access.ACTIVE)
    assert read.proven


def test_a_list_without_leavers_is_read(personio: Personio) -> None:
    assert people(source(personio)).problems == []
    for employments in personio.employments.values():
        del employments[0]["termination"]
    assert people(source(personio)).problems == []


def test_exactly_one_page(personio: Personio) -> None:
    for id in list(personio.persons)[50:]:
        del personio.persons[id]
    found = Read(source(personio, twice=False, employments=False))
    assert (len(found.rows), found.proven, found.incomplete) == (50, False, [])
    assert "employment.status" not in found.values[0]


def test_a_person_deleted_between_list_and_employment_is_left_out(personio: Personio) -> None:
    whole = personio.answer

    def answer(call: Call) -> Reply:
        if call.path == "/v2/persons/5003/employments":
            personio.persons.pop("5003", None)
            personio.employments.pop("5003", None)
        return whole(call)

    personio.answer = answer  # type: ignore[method-assign]
    found = Read(source(personio))
    assert (len(found.rows), found.proven, found.incomplete) == (56, True, [])


def test_a_person_deleted_between_two_pages_takes_no_other_along(personio: Personio) -> None:
    whole = personio.answer

    def answer(call: Call) -> Reply:
        if "cursor" in call.query:
            personio.persons.pop("5001", None)
        return whole(call)

    personio.answer = answer  # type: ignore[method-assign]
    found = Read(source(personio))
    assert {values["id"] for values in found.values} == {str(5000 + n) for n in range(57)} - {"5001"}
    assert found.proven


def test_a_list_that_ends_early_once_and_then_does_not(personio: Personio) -> None:
    """An answer without a next link ends the list: only a second pass can tell that somebody is missing."""
    whole, short = personio.answer, [True]

    def answer(call: Call) -> Reply:
        reply = whole(call)
        if call.path == "/v2/persons" and short:
            short.pop()
            reply.json["_meta"]["links"].pop("next")
        return reply

    personio.answer = answer  # type: ignore[method-assign]
    found = Read(source(personio, employments=False))
    assert (len(found.rows), found.proven, found.incomplete) == (57, True, [])


def test_only_ids_and_employments_come_back(personio: Personio) -> None:
    personio.bare = True
    problems = people(source(personio)).problems
    assert any("has no column 'email'" in problem for problem in problems)


def test_without_an_employment_the_row_is_rejected(personio: Personio) -> None:
    personio.employments["5002"] = []
    read = people(source(personio))
    assert [(rejected.id, "status" in rejected.reason) for rejected in read.rejected] == [("5002", True)]
    assert not read.problems


def test_refused_credentials_and_a_token_that_is_revoked(personio: Personio) -> None:
    personio.script = [Reply({"access_token": "old", "expires_in": 86400})]
    assert len(Read(source(personio)).rows) == 57
    personio.token = "papi-other"
    personio.answer = lambda _call: Reply({"errors": [{"detail": "Wrong"}]}, 401)  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="/v2/auth/token answered HTTP 401"):
        source(personio).read()


def test_changes_are_found(personio: Personio) -> None:
    since = dt.datetime(2026, 11, 20, 9, tzinfo=dt.timezone.utc)
    assert source(personio).changed_since(since)
    assert personio.calls[-1].query == {"updated_at.gt": "2026-11-20T09:00:00Z", "limit": "1"}
    personio.persons.clear()
    assert not source(personio).changed_since(since)
    assert "is empty" in people(source(personio)).problems[0]
