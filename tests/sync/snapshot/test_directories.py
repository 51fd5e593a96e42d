"""Organizations that a SCIM directory keeps: told beforehand if asked for, explained when Kinde refuses."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync import SyncSpec
from kinde_emulator import Settings
from tests.support.world import SPEC, World, people, person

CHECKED = SPEC + "check_directories: true\n"
BY_OKTA = {"organizations": [{"name": "Sales", "directory": {"name": "Okta", "status": "Active"}}]}
REFUSED = [Settings(directory_changes="400"), Settings(directory_changes="403"), Settings(directory_changes="409")]


def directories_read(world: World) -> int:
    return sum(entry["path"] == "/api/v1/directories" for entry in world.reads())


def test_a_spec_that_checks_stops_before_any_write_and_names_both(world: World) -> None:
    world.kinde.seed(BY_OKTA)
    with pytest.raises(SpecError) as told:
        world.apply(people(3), SyncSpec.parse(CHECKED, "hr.yaml"))
    assert world.writes() == []
    for words in ("hr.yaml:19", "organizations.sales", world.code("Sales"), "'Okta' (Active)", "identity provider"):
        assert words in str(told.value)
    assert directories_read(world) == 1


def test_each_managed_organization_is_named(world: World) -> None:
    world.kinde.seed({"organizations": [{"name": "Engineering", "directory": {"name": "Entra", "status": "Error"}}]})
    world.kinde.seed(BY_OKTA)
    matched = CHECKED.replace(
        "  eng: {name: Engineering}\n  sales: {name: Sales}", '  match: external_id\n  prefix: "hr-"'
    ).partition("memberships:")[0]
    codes = {"Engineering": "hr-eng", "Sales": "hr-sales"}
    world.kinde.seed({"organizations": [{"name": name, "external_id": id} for name, id in codes.items()]})
    for spec in (CHECKED, matched + "check_directories: true\n"):
        with pytest.raises(SpecError, match=r"Entra' \(Error\).*Okta' \(Active\)"):
            world.plan(people(3), spec)


@pytest.mark.parametrize("seed", [{"name": "Other", "directory": {"name": "Okta"}},
                                  {"name": "Sales", "directory": {"name": "Okta", "status": "Inactive"}}])  # fmt: skip
def test_a_directory_elsewhere_or_out_of_use_stops_nothing(world: World, seed: dict[str, Any]) -> None:
    world.kinde.seed({"organizations": [seed]})
    assert world.apply(people(3), CHECKED).outcome == "changes"
    world.settled(people(3), CHECKED)


def test_unless_asked_for_a_run_that_goes_well_does_not_look(world: World) -> None:
    world.kinde.seed(BY_OKTA)
    report = world.apply([person(1, dept="Eng"), person(2, dept="Eng")])
    assert report.outcome == "changes"
    assert directories_read(world) == 0


@pytest.mark.parametrize("settings", REFUSED)
def test_a_refusal_says_which_directory_and_the_others_go_on(world: World) -> None:
    """New in the organization that is refused, a mover into it, and people elsewhere."""
    world.apply([person(3, dept="Eng"), person(4, dept="Eng")])
    world.kinde.seed(BY_OKTA)
    rows = [person(1), person(2, dept="Eng"), person(3), person(4, dept="Eng", last="Roe")]
    world.kinde.clear_log()
    report = world.apply(rows)
    outcomes = {(o.id, o.kind): (o.outcome, o.error) for o in report.plan.operations}
    assert report.outcome == "failed"
    for refused in ((1, "create"), (3, "add_membership")):
        outcome, error = outcomes[str(refused[0]), refused[1]]
        assert outcome == "failed"
        assert "ORGANIZATION_MANAGED_BY_DIRECTORY" in error or "managed by directory sync" in error
        assert "'Okta' (Active) keeps this organization: change its members in the identity provider" in error
    assert outcomes["2", "create"][0] == outcomes["4", "update"][0] == "done"
    assert directories_read(world) == 1


@pytest.mark.parametrize("settings", [Settings(scopes=("read:users", "read:roles", "read:organizations",
    "read:organization_users", "create:users", "update:organization_users"))])  # fmt: skip
def test_without_the_scope_kindes_own_words_stand_alone(world: World) -> None:
    world.kinde.seed(BY_OKTA)
    report = world.apply(people(1))
    assert [o.outcome for o in report.plan.operations] == ["failed", "skipped"]
    assert "managed by directory sync" in report.plan.operations[0].error
    assert directories_read(world) == 0


def test_every_directory_is_listed_once(world: World) -> None:
    named = [{"name": f"Unit {n}", "directory": {"name": f"D{n}"}} for n in range(120)]
    world.kinde.seed({"organizations": named})
    listed = [item["directory_name"] for item in world.client.iter_directories()]
    assert sorted(listed) == sorted(f"D{n}" for n in range(120))
    (mine,) = world.client.iter_directories(organization_code=world.code("Unit 7"))
    assert (mine["directory_name"], mine["organization_code"]) == ("D7", world.code("Unit 7"))
