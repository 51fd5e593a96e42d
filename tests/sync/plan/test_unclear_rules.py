"""A blank cell that decides: whom it holds, and for what."""

from __future__ import annotations

import pytest

from tests.support.world import SPEC, World, people, person

SITES = SPEC.replace("when: \"{{ row.dept == 'Sales' }}\"", "when: \"{{ row.site == 'X' }}\"")


def test_a_blank_that_decides_which_organization_holds_a_mover(world: World) -> None:
    spec = SPEC[: SPEC.index("memberships:")] + (
        "memberships:\n  - organization: \"{{ 'eng' if row.dept == 'Eng' else 'sales' }}\"\n"
    )
    rows = people(20, dept="Eng")
    world.apply(rows, spec)
    rows[0] = person(1, dept="")
    assert [held.id for held in world.plan(rows, spec).held] == ["1"]


@pytest.mark.parametrize(
    "organizations",
    [
        """organizations: {eng: {name: Engineering}, sales: {name: Sales}}
memberships:
  - organization: "{{ 'eng' if row.dept == 'Eng' else 'sales' }}"
    when: "{{ row.dept in ['Eng', 'Sales'] }}"
    roles: [engineer]
""",
        """organizations: {match: external_id, prefix: "hr-"}
memberships:
  - organization: "hr-{{ row.dept }}"
    when: "{{ row.dept != '' }}"
    roles: [engineer]
""",
    ],
    ids=["named", "matched"],
)
def test_a_blank_organization_column_removes_no_membership(world: World, organizations: str) -> None:
    matched = [{"name": f"Matched {name}", "external_id": f"hr-{name}"} for name in ("Eng", "Sales")]
    world.kinde.seed({"organizations": matched})
    spec = SPEC.partition("organizations:")[0] + organizations
    rows = [person(number, dept="Eng" if number % 2 else "Sales") for number in range(1, 21)]
    world.apply(rows, spec)
    for row in rows[:2]:
        row["dept"] = ""
    plan = world.plan(rows, spec)
    assert plan.operations == []
    assert [held.id for held in plan.held] == ["1", "2"]


def test_an_unclear_rule_for_one_organization_holds_no_change_of_another(world: World) -> None:
    rows = people(20, site="X", dept="Other")
    world.apply(rows, SITES)
    rows[0] = person(1, site="Y", dept="")
    plan = world.plan(rows, SITES)
    assert (plan.held, [(o.kind, o.alias) for o in plan.operations]) == ([], [("remove_membership", "sales")])


def test_a_reason_names_the_rules_of_that_organization_alone(world: World) -> None:
    spec = SPEC + "  - {organization: eng, when: \"{{ row.last == 'Doe' }}\"}\n"
    reasons = {o.alias: o.reason for o in world.plan([person(1)], spec).operations if o.kind == "add_membership"}
    assert reasons == {"eng": "rule in line 26: last is Doe", "sales": "rule in line 24: dept is Sales"}


@pytest.mark.parametrize("member", [False, True], ids=["a joiner", "a member"])
def test_a_reason_of_a_role_names_the_rules_that_give_the_role_and_no_others(world: World, member: bool) -> None:
    rules = """  - organization: sales
    roles: [lead]
    when: "{{ row.title == 'Manager' }}"
  - organization: sales
    roles: [auditor]
    when: "{{ row.title != 'Temp' }}"
"""
    row = person(1, title="Manager")
    if member:
        world.apply([row])
    operations = world.plan([row], SPEC + rules).operations
    sales, lead, auditor = (
        "rule in line 24: dept is Sales",
        "rule in line 26: title is Manager",
        "rule in line 29: title is not Temp",
    )
    reasons = {operation.role: operation.reason for operation in operations if operation.kind == "add_role"}
    assert reasons == {"lead": lead, "auditor": auditor}
    joined = [operation.reason for operation in operations if operation.kind == "add_membership"]
    assert joined == ([] if member else [f"{sales}; {lead}; {auditor}"])
