"""What counts against a guard."""

from __future__ import annotations

from tests.support.world import SPEC, World, people, person


def test_a_mover_does_not_count_as_a_leaver(world: World) -> None:
    world.apply([person(number, dept="Eng") for number in range(1, 41)])
    plan = world.plan(people(40))
    assert {block.reason.split()[0] for block in plan.blocked} == {"max_membership_removals", "max_membership_grants"}


def test_max_role_grants_does_not_count_people_without_access(world: World) -> None:
    """Members of an organization who were suspended: a role for one who returns is no role for one who was there."""
    strict = SPEC + "guards: {floor: 0, max_role_grants: 0, max_leavers: 20, max_role_removals: 20}\n"
    lead = strict.replace("roles: [engineer]", "roles: [engineer, lead]")
    rows = [person(number, dept="Eng") for number in range(1, 6)]
    world.apply(rows, strict)
    world.apply([{**rows[0], "status": "Terminated"}, *rows[1:]], strict)
    returning = world.plan(rows, lead, ids=["1"])
    assert {operation.kind for operation in returning.operations} == {"add_role", "enable"}
    assert returning.outcome == "changes"
    assert world.plan(rows, lead, ids=["2"]).outcome == "blocked"


def test_a_share_is_exact(world: World) -> None:
    spec = SPEC + "guards: {max_leavers: 29%, max_row_drop: 100%, floor: 0}\n"
    world.apply(people(100), spec)
    rows = [person(n, status="Terminated" if n <= 29 else "Active") for n in range(1, 101)]
    assert world.plan(rows, spec).outcome == "changes"


def test_a_role_in_two_organizations_counts_people(world: World) -> None:
    spec = SPEC + "  - {organization: sales, when: \"{{ row.dept == 'Eng' }}\", roles: [engineer]}\n"
    rows = people(40, dept="Eng")
    world.apply(rows, spec)
    fewer = spec.replace("when: \"{{ row.dept == 'Eng' }}\", roles", 'when: "{{ row.id | int > 12 }}", roles').replace(
        "- {organization: sales, when", "- {organization: sales}\n  - {organization: sales, when"
    )
    assert any(
        "12 people would lose role 'engineer'. The limit without approval is 10 (25 % of 40)" in b.reason
        for b in world.plan(rows, fewer).blocked
    )


def test_memberships_removed_by_an_adoption_are_not_measured_against_zero(world: World) -> None:
    world.kinde.seed({"users": [{"email": "p1@example.com", "memberships": {"Engineering": ["engineer"]}}]})
    assert world.plan([person(1)]).outcome == "changes"


def test_unfinished_leavers_count_with_those_of_this_plan(world: World) -> None:
    world.apply(people(20))
    world.kinde.seed({"users": [{"email": f"p{n}@example.com", "is_suspended": True} for n in range(1, 4)]})
    rows = [person(n, status="Terminated") for n in range(1, 7)] + people(20)[6:]
    (block,) = world.plan(rows).blocked
    assert "6 people would lose access (3 of them in an earlier run: unfinished, or since yesterday)." in block.reason
    assert "The limit without approval is 5 (10 % of 20" in block.reason
    assert world.plan([*rows[1:], person(1, status="Terminated", email="")], ids=["1"]).blocked == []


def test_deletions_are_no_unfinished_leavers(world: World) -> None:
    spec = SPEC + "leaver: {delete_after_days: 1}\nguards: {max_deletes: 9}\n"
    world.apply(people(40), spec)
    rows = [person(n, status="Terminated") for n in range(1, 4)] + people(40)[3:]
    world.apply(rows, spec)
    later = [person(n, status="Terminated") for n in range(1, 8)] + people(40)[7:]
    plan = world.plan(later, spec, now="2026-03-20T12:00:00Z")
    assert [block.reason.split(":")[0] for block in plan.blocked] == []
    assert (plan.summary["delete"], plan.summary["suspend"]) == (3, 4)
