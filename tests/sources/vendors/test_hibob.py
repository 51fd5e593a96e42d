"""HiBob, as its "People read API contract" describes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SourceError
from tests.support.hr_server import Call, HrServer, Read, Reply, make, people

REST = """
person: {id: "{{ row['root.id'] }}", email: "{{ row['root.email'] }}", given_name: "{{ row['root.firstName'] }}",
         family_name: "{{ row['root.surname'] }}"}
employment: {status: "{{ row['internal.lifecycleStatus'] }}", active: [employed], inactive: [terminated]}
organizations: {it: org_1}
memberships: [{organization: it, when: "{{ row['work.department'] == 'IT' }}", roles: [engineer]}]
"""
ASKED = ["internal.lifecycleStatus", "root.email", "root.firstName", "root.id", "root.surname", "work.department"]


class Bob(HrServer):
    """People in one answer; a field without permission is left out, without a word."""

    def __init__(self) -> None:
        super().__init__()
        self.people = [self.one(number) for number in range(1, 7)]
        self.hidden: dict[str, set[str]] = {}

    @staticmethod
    def one(number: int, **more: str | None) -> dict[str, str | None]:
        return {
            "root.id": f"33328838840177132{number:02}", "root.email": f"b{number}@acme.test",
            "root.firstName": f"F{number}", "root.surname": f"L{number}", "work.department": "209192163",
            "work.department.readable": "IT", "internal.lifecycleStatus": "employed", "status": "active", **more,
        }  # fmt: skip

    def answer(self, call: Call) -> Reply:
        assert (call.method, call.path) == ("POST", "/v1/people/search")
        if "authorization" not in call.headers:
            return Reply(status=401, body=b"")
        body = call.json
        assert len(body["fields"]) <= 400
        rows = []
        for one in self.people:
            if one["status"] == "inactive" and not body.get("showInactive"):
                continue
            row: dict[str, Any] = {"id": one["root.id"]}
            for name in body["fields"]:
                if name not in one or name in self.hidden.get(one["root.id"] or "", ()):
                    continue
                readable = body.get("humanReadable") == "REPLACE"
                value = one.get(f"{name}.readable", one[name]) if readable else one[name]
                row["/" + name.replace(".", "/")] = {"value": value}
                category, _, field = name.partition(".")
                if category != "root":
                    row.setdefault(category, {})[field] = value
            rows.append(row)
        return Reply({"employees": rows})


@pytest.fixture
def bob() -> Iterator[Bob]:
    with Bob() as running:
        yield running


def source(bob: Bob, **options: Any) -> Any:
    return make(bob, {"type": "hibob", **options}, REST)


def test_everybody_in_one_answer_leavers_too(bob: Bob) -> None:
    bob.people[2] |= {"status": "inactive", "internal.lifecycleStatus": "terminated"}
    found = Read(source(bob))
    assert len(found.rows) == 6
    assert (found.proven, found.incomplete, found.warnings) == (False, [], [])
    assert bob.calls[0].json == {"showInactive": True, "humanReadable": "REPLACE", "fields": ASKED}
    assert found.values[0]["work.department"] == "IT"
    assert not [name for name in found.values[0] if name.startswith("/")]
    read = people(source(bob))
    assert (len(read.persons), read.problems) == (6, [])


def test_list_fields_as_ids(bob: Bob) -> None:
    assert Read(source(bob, human_readable=False)).values[0]["work.department"] == "209192163"


def test_a_field_that_is_left_out_for_everybody_blocks(bob: Bob) -> None:
    bob.hidden = {one["root.id"] or "": {"work.department"} for one in bob.people}
    found = Read(source(bob))
    assert "no row has the requested field work.department" in found.incomplete[0]
    assert people(source(bob)).problems


def test_a_field_that_is_left_out_for_some_is_told_and_they_are_in_doubt(bob: Bob) -> None:
    bob.hidden = {bob.people[0]["root.id"] or "": {"work.department"}}
    read = people(source(bob))
    assert read.problems == []
    assert any("1 of 6 rows without the field work.department" in warning for warning in read.warnings)
    assert read.persons[bob.people[0]["root.id"] or ""].unclear_rules[0].columns == ("work.department",)


def test_a_hidden_status_column_makes_no_leaver(bob: Bob) -> None:
    bob.hidden = {bob.people[0]["root.id"] or "": {"internal.lifecycleStatus"}}
    read = people(source(bob))
    assert [rejected.id for rejected in read.rejected] == [bob.people[0]["root.id"]]


def test_min_rows_is_the_proof(bob: Bob) -> None:
    assert Read(source(bob, expect={"min_rows": 6})).proven
    bob.people.pop()
    assert Read(source(bob, expect={"min_rows": 6})).incomplete


def test_an_answer_that_is_cut_or_no_json(bob: Bob) -> None:
    bob.script = [Reply({"employees": []}, cut=True), Reply(body=b"<html>")]
    with pytest.raises(SourceError, match="a web page where JSON is expected"):
        source(bob).read()


def test_an_empty_list_blocks_the_plan(bob: Bob) -> None:
    bob.people.clear()
    assert "is empty" in people(source(bob)).problems[0]
