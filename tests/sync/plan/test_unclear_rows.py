"""Rejected rows whose id is on no account, and what a run says when it judges no person absent."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.sync.person.explain import explain
from airflow_provider_kinde.sync.report.text import plan_text, report_text
from tests.support.world import NOW, SPEC, World, person

DAY_1 = [person(f"0{number}") for number in range(10, 20)]


def changed(**columns: Any) -> list[dict[str, Any]]:
    """The rows of the first day. The first row lost the zero of its id, and holds other cells."""
    return [DAY_1[0] | {"id": "10"} | columns, *DAY_1[1:]]


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"status": "Activ"}, "address"),
        ({"first": ""}, "address"),
        ({"email": "mangled"}, "name"),
        ({"email": "", "status": "Activ"}, "name"),
        ({"start": "soon"}, "address"),
        ({"status": "Activ", "email": "P010@Example.com"}, "address"),
    ],
)
def test_an_absent_person_whose_address_or_name_a_rejected_row_has_is_held(
    world: World, columns: dict[str, Any], what: str
) -> None:
    world.apply(DAY_1)
    plan = world.plan(changed(**columns))
    assert (plan.summary["suspend"], [held.id for held in plan.held]) == (0, ["010"])
    assert f"row 1, which is rejected or held, has the {what} of this account under the id 10" in plan.held[0].reason
    assert plan.absence_unknown == ""


def test_other_absent_people_still_leave(world: World) -> None:
    world.apply(DAY_1)
    plan = world.plan(changed(status="Activ")[:-1])
    assert [(change.kind, change.id) for change in plan.operations] == [("suspend", "019")]


def test_a_rejected_row_of_a_known_person_holds_no_other(world: World) -> None:
    world.apply(DAY_1)
    plan = world.plan([DAY_1[0] | {"status": "Activ"}, *DAY_1[1:-1]])
    assert ([change.id for change in plan.operations], plan.held) == (["019"], [])


def test_people_with_one_address_and_unknown_ids_hold_the_absent_person_with_that_address(world: World) -> None:
    world.apply(DAY_1)
    twins = [DAY_1[0] | {"id": "10"}, DAY_1[0] | {"id": "10b"}]
    plan = world.plan([*twins, *DAY_1[1:]])
    assert ([held.id for held in plan.held], len(plan.operations)) == (["010", "10", "10b"], 0)


def test_several_rows_under_one_unknown_id_hold_each_of_their_people(world: World) -> None:
    world.apply(DAY_1)
    cut = [row | {"id": "20241115000000"} for row in DAY_1[:3]]
    plan = world.plan([*cut, *DAY_1[3:]])
    assert ([held.id for held in plan.held], len(plan.operations)) == (["010", "011", "012"], 0)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"email": "", "first": ""}, "row 1 is not understood, its id 10 is on no account, and neither"),
        ({"id": "2.02E+11"}, "the id in row 1 cannot be read (id '2.02E+11' is a number in scientific notation"),
        ({"id": ""}, "the id in row 1 cannot be read (id is blank)"),
    ],
)
def test_every_text_says_why_no_person_is_treated_as_absent(world: World, columns: dict[str, Any], reason: str) -> None:
    world.apply(DAY_1)
    rows = changed(**columns)
    plan, report = world.plan(rows), world.apply(rows)
    explained, _ = explain(world.spec(), rows, world.client, "010", now=NOW)
    assert (plan.outcome, report.outcome) == ("no changes", "no changes")
    for text in (plan_text(plan), report_text(report)):
        assert "No person is treated as absent" in text
        assert "agrees" not in text
        assert reason in text
    assert f"no person is treated as absent, because {reason}" in explained
    assert any(reason in warning for warning in plan.to_json()["warnings"])


@pytest.mark.parametrize("id", ["2.02E+11", "2,02E+11", "2.02e11", "2E+11", "-1.5E-3"])
def test_an_id_in_scientific_notation_is_rejected(world: World, id: str) -> None:
    assert [rejected.id for rejected in world.plan([person(id), person(1)]).rejected] == [None]


@pytest.mark.parametrize("id", ["4E10", "E100", "1E5A", "10026"])
def test_an_id_with_an_e_in_it_is_an_id(world: World, id: str) -> None:
    assert world.plan([person(id)]).rejected == []


def test_explain_says_that_an_absent_person_is_held(world: World) -> None:
    world.apply(DAY_1)
    text, _ = explain(world.spec(), changed(status="Activ"), world.client, "010", now=NOW)
    assert "a run over all people holds this person" in text
    assert "held: no row has this id, but row 1" in text


def test_a_new_department_code_rejects_its_row_and_leavers_leave(world: World) -> None:
    spec = world.spec(SPEC.partition("memberships:")[0] + 'memberships: [{organization: "{{ row.dept | lower }}"}]\n')
    world.apply(DAY_1, spec)
    plan = world.plan([DAY_1[0] | {"dept": "Legal"}, DAY_1[1] | {"status": "Terminated"}, *DAY_1[2:]], spec)
    assert [(change.kind, change.id) for change in plan.operations] == [("suspend", "011")]
    assert "memberships[0].organization yields 'legal', which is not an alias" in plan.rejected[0].reason


def test_an_alias_that_no_organization_has_rejects_its_row_where_organizations_are_found_by_match(world: World) -> None:
    text = SPEC.partition("organizations:")[0] + "organizations: {match: external_id, prefix: hr-}\n"
    spec = world.spec(text + 'memberships: [{organization: "hr-{{ row.dept | lower }}"}]\n')
    world.client.request("POST", "/api/v1/organization", json={"name": "Sales 2", "external_id": "hr-sales"})
    world.apply(DAY_1, spec)
    plan = world.plan([DAY_1[0] | {"dept": "Legal"}, DAY_1[1] | {"status": "Terminated"}, *DAY_1[2:]], spec)
    assert [(change.kind, change.id) for change in plan.operations] == [("suspend", "011")]
    assert "no managed organization has that alias; there are: hr-sales" in plan.rejected[0].reason
