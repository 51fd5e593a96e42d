"""BambooHR, as its OpenAPI document and its page on API details describe it."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SourceError, SpecError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync.model import Access
from airflow_provider_kinde.sync.people.coverage import coverage_of
from tests.support.hr_server import SECRET, Call, HrServer, Read, Reply, Waits, make, people, spec

GIVEN = ("employeeId", "firstName", "lastName", "preferredName", "photoUrl", "jobTitleName", "status")
KNOWN = ("workEmail", "hireDate", "departmentName", "locationName", "employmentStatusName")
REST = """
person: {id: "{{ row.employeeId }}", email: "{{ row.workEmail }}", given_name: "{{ row.firstName }}",
         family_name: "{{ row.lastName }}"}
employment: {status: "{{ row.status }}", active: [Active], inactive: [Inactive], start_date: "{{ row.hireDate }}"}
organizations: {it: org_1}
memberships: [{organization: it, when: "{{ row.departmentName == 'IT' }}", roles: [engineer]}]
"""


class Bamboo(HrServer):
    """Employees by cursor, with permissions by field and person; the directory; and what changed."""

    def __init__(self) -> None:
        super().__init__()
        self.employees = {number: self.employee(number) for number in range(100, 107)}
        self.forbidden: dict[int, set[str]] = {}
        self.changed: dict[str, dict[str, str]] = {}
        self.directory_shared = True

    @staticmethod
    def employee(number: int, **more: Any) -> dict[str, Any]:
        return {
            "employeeId": str(number), "firstName": f"F{number}", "lastName": f"L{number}", "preferredName": None,
            "photoUrl": "https://cdn.example.com/p.jpg", "jobTitleName": "Engineer", "status": "Active",
            "workEmail": f"e{number}@acme.test", "hireDate": "2024-01-15", "departmentName": "IT",
            "locationName": "Utah", "employmentStatusName": "Full-Time", **more,
        }  # fmt: skip

    def answer(self, call: Call) -> Reply:
        if call.headers.get("authorization") != "Basic " + base64.b64encode(f"{SECRET}:x".encode()).decode():
            return Reply(status=401, body=b"")
        if call.path == "/api/v1/employees/changed":
            return Reply({"latest": "2026-11-20T10:00:00+00:00", "employees": self.changed or []})
        if call.path == "/api/v1/employees/directory":
            return self.directory(call)
        assert call.path == "/api/v1/employees"
        assert not [name for name in call.query if name.startswith(("filter", "sort"))]
        asked = [name for name in call.query.get("fields", "").split(",") if name in KNOWN]
        limit, after = int(call.query["page[limit]"]), call.query.get("page[after]")
        assert 1 <= limit <= 2500
        if after is not None and int(after) not in self.employees:
            return Reply({"error": {"code": "BadPage", "message": "The boundary employee changed."}}, 400)
        numbers = sorted(number for number in self.employees if after is None or number > int(after))
        data = [self.seen(number, [*GIVEN, *asked]) for number in numbers[:limit]]
        cursor = str(numbers[limit - 1]) if len(numbers) > limit else None
        meta = {"total": len(self.employees), "page": {"limit": limit, "nextCursor": cursor, "prevCursor": None}}
        links = {"next": {"href": f"https://api.bamboohr.com/api/v1/employees?page%5Bafter%5D={cursor}"}}
        return Reply({"data": data, "meta": meta, "_links": links if cursor else {}})

    def seen(self, number: int, names: list[str]) -> dict[str, Any]:
        hidden = self.forbidden.get(number, set()) & set(names)
        shown = {name: None if name in hidden else self.employees[number][name] for name in names}
        return {**shown, "_restrictedFields": sorted(hidden)}

    def directory(self, call: Call) -> Reply:
        if not self.directory_shared:
            return Reply(status=403, body=b"")
        current = call.query.get("onlyCurrent", "true") == "true"
        rows = [
            {"id": str(number), **{name: row[name] for name in ("firstName", "lastName", "workEmail", "hireDate")}}
            for number, row in self.employees.items()
            if row["status"] == "Active" or (not current and row["hireDate"] > "2026-11-21")
        ]
        return Reply({"fields": [], "employees": rows}) if rows else Reply(status=404, body=b"")


@pytest.fixture
def bamboo() -> Iterator[Bamboo]:
    with Bamboo() as running:
        yield running


def source(bamboo: Bamboo, rest: str = REST, **options: Any) -> Any:
    return make(bamboo, {"type": "bamboohr", **options}, rest)


def test_all_pages_with_the_fields_that_the_spec_reads(bamboo: Bamboo) -> None:
    found = Read(source(bamboo, page_size=3))
    assert [values["employeeId"] for values in found.values] == [str(number) for number in range(100, 107)]
    assert (found.proven, found.incomplete, found.warnings) == (True, [], [])
    assert bamboo.calls[0].query == {"fields": "departmentName,hireDate,workEmail", "page[limit]": "3"}
    assert len(bamboo.calls) == 3
    read = people(source(bamboo))
    assert (len(read.persons), read.proven, read.problems) == (7, True, [])


def test_a_future_hire_is_inactive_and_becomes_due_on_the_day(bamboo: Bamboo) -> None:
    bamboo.employees[200] = bamboo.employee(200, status="Inactive", hireDate="2026-11-22")
    bamboo.employees[201] = bamboo.employee(201, status="Inactive")
    assert people(source(bamboo)).persons["200"].access is Access.NONE
    read = people(source(bamboo, REST + "joiner: {days_before_start: 3}"))
    assert (read.persons["200"].access, read.persons["201"].access) == (Access.ACTIVE, Access.NONE)


def test_the_border_employee_is_deleted_between_two_pages(bamboo: Bamboo) -> None:
    whole = bamboo.answer

    def answer(call: Call) -> Reply:
        if len(bamboo.calls) == 2:
            bamboo.employees.pop(102, None)
        return whole(call)

    bamboo.answer = answer  # type: ignore[method-assign]
    found = Read(source(bamboo, page_size=3))
    assert [values["employeeId"] for values in found.values] == ["100", "101", "103", "104", "105", "106"]
    assert (found.proven, found.incomplete) == (True, [])


def test_another_person_deleted_between_two_pages_takes_no_other_along(bamboo: Bamboo) -> None:
    whole = bamboo.answer

    def answer(call: Call) -> Reply:
        if len(bamboo.calls) == 2:
            bamboo.employees.pop(100, None)
        return whole(call)

    bamboo.answer = answer  # type: ignore[method-assign]
    found = Read(source(bamboo, page_size=3))
    assert (len(found.rows), found.proven) == (6, True)


def test_a_forbidden_field_of_one_person_rejects_that_row_alone(bamboo: Bamboo) -> None:
    bamboo.forbidden = {101: {"departmentName", "photoUrl"}, 102: {"photoUrl"}}
    read = people(source(bamboo))
    assert [rejected.reason for rejected in read.rejected] == [
        "the service account may not see departmentName of this person"
    ]
    assert "102" in read.persons
    assert "101" not in read.persons
    assert not read.ids_certain
    assert read.problems == []


def test_a_field_that_is_forbidden_for_everybody_blocks(bamboo: Bamboo) -> None:
    bamboo.forbidden = {number: {"departmentName"} for number in bamboo.employees}
    problems = people(source(bamboo)).problems
    assert any(
        "is incomplete: the service account may not see departmentName of any person" in problem for problem in problems
    )
    bamboo.forbidden = {number: {"photoUrl"} for number in bamboo.employees}
    assert people(source(bamboo)).problems == []


def test_an_unknown_field_is_ignored_by_bamboohr_and_noticed_here(bamboo: Bamboo) -> None:
    found = Read(source(bamboo, fields=["workEmail", "hireDate", "departmentName", "shoeSize"]))
    assert "no row has the requested field shoeSize" in found.incomplete[0]
    problems = people(source(bamboo, REST.replace("departmentName", "department"))).problems
    assert any("no row has the requested field department: " in problem for problem in problems)


def test_429_and_503_with_retry_after(bamboo: Bamboo) -> None:
    bamboo.script = [Reply({}, 429, {"Retry-After": "7"}), Reply({}, 503, {"Retry-After": "9"})]
    waits = Waits()
    assert len(Read(make(bamboo, {"type": "bamboohr"}, REST, waits=waits)).rows) == 7
    assert waits == [7, 9]


def test_an_empty_list_blocks_the_plan(bamboo: Bamboo) -> None:
    bamboo.employees.clear()
    assert "is empty" in people(source(bamboo)).problems[0]
    assert "is empty" in people(source(bamboo, DIRECTORY, endpoint="directory")).problems[0]


DIRECTORY = """
person: {id: "{{ row.id }}", email: "{{ row.workEmail }}", given_name: "{{ row.firstName }}",
         family_name: "{{ row.lastName }}"}
employment: {status: Active, active: [Active], start_date: "{{ row.hireDate }}"}
absent: suspend
"""


def test_the_directory_holds_active_people_only_and_proves_nothing(bamboo: Bamboo) -> None:
    bamboo.employees[200] = bamboo.employee(200, status="Inactive", hireDate="2026-12-01")
    bamboo.employees[201] = bamboo.employee(201, status="Inactive")
    found = Read(source(bamboo, DIRECTORY, endpoint="directory"))
    ids = [values["id"] for values in found.values]
    assert "200" in ids
    assert "201" not in ids
    assert (found.proven, found.incomplete) == (False, [])
    bamboo.directory_shared = False
    with pytest.raises(SourceError, match="its account may not read this"):
        source(bamboo, DIRECTORY, endpoint="directory").read()


def test_changes_are_found(bamboo: Bamboo) -> None:
    since = dt.datetime(2026, 11, 20, 9, tzinfo=dt.timezone.utc)
    asking = source(bamboo)
    assert not asking.changed_since(since)
    bamboo.changed = {"103": {"id": "103", "action": "Updated", "lastChanged": "2026-11-20T10:00:00+00:00"}}
    assert asking.changed_since(since)
    assert [call.path for call in bamboo.calls] == ["/api/v1/employees/changed"] * 2
    assert bamboo.calls[0].query == {"since": "2026-11-20T09:00:00Z", "type": "all"}


def test_a_wrong_key(bamboo: Bamboo) -> None:
    with pytest.raises(SourceError, match=r"its credentials are refused"):
        make(bamboo, {"type": "bamboohr", "auth": "bearer"}, REST).read()


def test_options() -> None:
    for options, said in (
        ({"company": "acme/../x"}, "source.company: a name as in acme.bamboohr.com is expected"),
        ({"endpoint": "dir"}, "source.endpoint: one of employees, directory"),
        ({"url": "/x"}, "source.url: unknown key"),
        ({"page_size": 0}, "source.page_size: a whole number from 1"),
        ({"fields": "workEmail"}, "source.fields: a list is expected"),
        ({"conn_id": None}, "source.conn_id: is missing"),
    ):
        with pytest.raises(SpecError) as caught:
            make_source(spec({"type": "bamboohr", "conn_id": "hr", **options}, REST))
        assert said in str(caught.value)
    made: Any = make_source(spec({"type": "bamboohr", "conn_id": "hr", "company": "acme"}, REST))
    assert made._base == "https://acme.bamboohr.com"
    assert json.dumps(sorted(made.api.query.items())) == '[["fields", "departmentName,hireDate,workEmail"]]'


def test_a_future_hire_without_a_department_is_told(bamboo: Bamboo) -> None:
    bamboo.employees[200] = bamboo.employee(200, status="Inactive", hireDate="2026-11-25", departmentName=None)
    made = source(bamboo, REST + "joiner: {days_before_start: 14}")
    read = people(made)
    assert read.persons["200"].access is Access.ACTIVE
    assert [line for line in coverage_of(made.spec, read).lines() if "no rule gives" in line] == [
        "no rule gives an organization to 1 person with access, because 'departmentName' is blank in their row: id 200"
    ]


def test_only_current_is_sent_where_the_spec_says_so(bamboo: Bamboo) -> None:
    Read(source(bamboo, onlyCurrent=False))
    Read(source(bamboo))
    assert [call.query.get("onlyCurrent") for call in bamboo.calls] == ["false", None]
