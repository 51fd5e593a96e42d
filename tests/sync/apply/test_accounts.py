"""Accounts: created, enabled, suspended, and their properties."""

from __future__ import annotations

import json

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.sync import Report, apply_plan
from airflow_provider_kinde.sync.report.text import report_text
from kinde_emulator import Settings
from tests.support.world import SPEC, World, people, person


def lists_of_users(world: World) -> list[dict[str, str]]:
    """The requests for all users, which are no look-ups of one address."""
    asked = [entry["query"] for entry in world.reads() if entry["path"] == "/api/v1/users"]
    return [query for query in asked if "email" not in query]


def outcomes(report: Report) -> set[tuple[str, str]]:
    return {(operation.kind, operation.outcome) for operation in report.plan.operations}


JOB_TITLES = SPEC.replace(
    'family_name: "{{ row.last }}"', 'family_name: "{{ row.last }}"\n  properties: {kp_usr_job_title: "{{ row.dept }}"}'
)


def test_the_finished_steps_of_a_suspension_are_not_repeated(world: World) -> None:
    world.apply(people(20))
    left = [person(1, status="Terminated"), *people(20)[1:]]
    world.kinde.fault("PATCH", "^/api/v1/user$", skip=1, status=400)
    assert outcomes(world.apply(left)) == {("suspend", "failed")}
    world.kinde.clear_log()
    assert outcomes(world.apply(left)) == {("suspend", "done")}
    assert [entry["method"] for entry in world.writes()] == ["DELETE", "PATCH"]


def test_an_enabling_says_what_was_before_and_is_after(world: World) -> None:
    for action, before, after in (
        ("suspend", {"suspended": True}, {"suspended": False}),
        ("remove", {"left": True}, {"left": False}),
    ):
        spec = SPEC + f"leaver: {{action: {action}}}\n"
        world.apply(people(20), spec)
        world.apply([person(1, status="Terminated"), *people(20)[1:]], spec)
        enable = next(operation for operation in world.plan(people(20), spec).operations if operation.kind == "enable")
        assert (enable.before, enable.after) == (before, after)


def test_an_account_that_was_made_without_its_address_is_told(world: World) -> None:
    made = {"id": "kp_1", "created": True, "identities": [{"type": "email", "result": {"created": False}}]}
    world.kinde.fault("POST", "^/api/v1/user$", status=200, body=json.dumps(made))
    (create, _) = world.apply(people(1)).plan.operations
    assert create.error.startswith("Kinde made the account, but not its address")


def test_an_account_that_kinde_answers_nothing_of_is_not_there(world: World) -> None:
    world.kinde.fault("POST", "^/api/v1/user$", status=200, body="{}", times=None)
    world.kinde.fault("GET", "/users\\?.*email=", status=200, body="null", times=None)
    create = next(iter(world.apply(people(1)).plan.operations))
    assert create.error == "Kinde's response to the creation has no id, and no account has the address"


def test_an_account_that_kinde_made_without_a_word_is_found(world: World) -> None:
    world.kinde.fault("POST", "^/api/v1/user$", status=200, body="{}", after_work=True)
    assert outcomes(world.apply(people(1))) == {("create", "done"), ("add_membership", "done")}
    world.settled(people(1))


def test_a_leaver_loses_api_keys_one_request_each(world: World) -> None:
    world.apply(people(20))
    keys = [{"email": f"p{number}@example.com", "api_keys": ["build", "laptop"]} for number in (1, 2)]
    world.kinde.seed({"users": keys})
    world.kinde.clear_log()
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    report = world.apply(rows)
    assert world.users()["p1@example.com"]["api_keys"] == []
    assert world.users()["p2@example.com"]["api_keys"] == ["build", "laptop"]
    deleted = [entry["path"] for entry in world.writes() if entry["method"] == "DELETE"]
    assert [path.rsplit("/", 1)[0] for path in deleted[1:]] == ["/api/v1/api_keys"] * 2
    assert sum(entry["path"] == "/api/v1/api_keys" for entry in world.reads()) == 1
    assert world.writes()[-1]["method"] == "PATCH", "the mark is the last write"
    assert report.notes[0].startswith("access tokens of 1 person stay valid until they expire;")
    assert "Note: access tokens of 1 person" in report_text(report)
    world.settled(rows)


def test_a_leaver_whose_api_key_could_not_be_deleted_is_finished_later(world: World) -> None:
    world.apply(people(20))
    world.kinde.seed({"users": [{"email": "p1@example.com", "api_keys": ["build", "laptop"]}]})
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    world.kinde.fault("DELETE", "/api_keys/", skip=1, status=400)
    assert outcomes(world.apply(rows)) == {("suspend", "failed")}
    assert world.users()["p1@example.com"]["is_suspended"]
    assert outcomes(world.apply(rows)) == {("suspend", "done")}
    assert world.users()["p1@example.com"]["api_keys"] == []


def test_api_keys_of_an_organization_are_not_a_leavers(world: World) -> None:
    world.apply(people(20))
    listed = {"code": "OK", "api_keys": [{"id": "api_key_1", "type": "organization"}], "has_more": False}
    world.kinde.fault("GET", "/api_keys", status=200, body=listed)
    world.kinde.clear_log()
    world.apply([person(1, status="Terminated"), *people(20)[1:]])
    assert not any("/api_keys/" in entry["path"] for entry in world.writes())


def test_sessions_are_left_alone_where_the_spec_says_so(world: World) -> None:
    world.apply(people(20))
    world.kinde.clear_log()
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    world.apply(rows, SPEC + "leaver: {end_sessions: false, delete_api_keys: false}\n")
    assert [entry["method"] for entry in world.writes()] == ["PATCH", "PATCH"]


def test_an_account_that_was_not_created_now_is_not_taken(world: World) -> None:
    world.kinde.seed({"users": [{"email": "x@example.com", "provided_id": "other:1"}]})
    stranger = world.users()["x@example.com"]
    answer = {"id": stranger["id"], "created": False, "identities": [None]}
    world.kinde.fault("POST", "/api/v1/user$", status=200, body=answer)
    report = world.apply([person(1, dept="Eng")])
    assert report.plan.operations[0].outcome == "failed"
    assert world.users()["x@example.com"] == stranger


def test_properties_cost_a_page_for_each_hundred_and_blank_ones_nothing(world: World) -> None:
    world.kinde.seed({"properties": ["kp_usr_job_title"]})
    name = 'family_name: "{{ row.last }}"'
    spec = SPEC.replace(name, f"{name}\n  properties: {{kp_usr_job_title: '{{{{ row.job }}}}'}}")
    rows = [*people(99, job=""), person(100, job="Chef")]
    report = world.apply(rows, spec)
    assert report.requests["write"] == 101
    world.kinde.clear_log()
    world.apply(rows, spec)
    assert sum(e["path"].endswith("/search/users") for e in world.reads()) == 1


@pytest.mark.parametrize("settings", [Settings(search_lag=3600)])
def test_properties_that_the_search_does_not_show_yet_are_read_one_by_one(world: World) -> None:
    world.kinde.seed({"properties": ["kp_usr_job_title"]})
    world.apply(people(3), JOB_TITLES)
    world.settled(people(3), JOB_TITLES)


def test_a_creation_without_an_answer_is_looked_up_by_its_link_too(world: World) -> None:
    rows = [person(1)]
    plan = world.plan(rows)
    # Another run, over newer HR data, makes the account at this moment, with another address.
    world.kinde.seed({"users": [{"id": "kp_other", "email": "new@example.com", "provided_id": "hr:1"}]})
    world.kinde.fault("POST", "^/api/v1/user$", drop=True)
    report = apply_plan(plan, world.client)
    assert report.outcome == "changes"
    assert [user["provided_id"] for user in world.users().values()] == ["hr:1"]
    assert world.memberships("new@example.com") == {"Sales": []}
    assert world.plan(rows).summary["rename"] == 1


def test_all_users_are_read_once_for_all_creations_without_an_answer(world: World) -> None:
    rows = people(12)
    plan = world.plan(rows)
    names = {"first_name": "Given7", "last_name": "Doe"}
    world.kinde.seed({"users": [{"id": "kp_other", "email": "new@example.com", "provided_id": "hr:7", **names}]})
    world.kinde.fault("POST", "^/api/v1/user$", drop=True, times=12)
    world.kinde.clear_log()
    report = apply_plan(plan, world.client)
    assert report.outcome == "changes"
    assert len(lists_of_users(world)) == 1
    assert sorted(user["provided_id"] for user in world.users().values()) == sorted(f"hr:{n}" for n in range(1, 13))
    world.settled([person(7, email="new@example.com") if n == 7 else person(n) for n in range(1, 13)])


def test_an_account_without_an_address_is_left_to_the_next_run_where_all_users_were_read_before(world: World) -> None:
    world.kinde.seed({"connections": [{"id": "conn_okta", "name": "Okta", "strategy": "saml:okta"}]})
    spec = SPEC.replace("employment:", "  connection: conn_okta\nemployment:")
    rows = people(6)
    plan = world.plan(rows, spec)
    world.kinde.fault("POST", "^/api/v1/user$", after_work=True, times=6)
    world.kinde.clear_log()
    one_at_a_time = KindeClient(world.kinde.url, world.kinde.client_id, world.kinde.client_secret, max_concurrency=1)
    with one_at_a_time as client:
        report = apply_plan(plan, client)
    assert len(lists_of_users(world)) == 1
    failed = [o.error for o in report.plan.operations.of("create") if o.outcome == "failed"]
    assert len(failed) == 5
    assert all("run again, and the next run finds it by its link" in error for error in failed)
    assert world.apply(rows, spec).outcome == "changes"
    links = [user["provided_id"] for user in world.kinde.state()["users"]]
    assert sorted(links) == [f"hr:{n}" for n in range(1, 7)]
    world.settled(rows, spec)


def test_an_account_that_another_run_made_is_no_creation_of_this_one(world: World) -> None:
    plans = [world.plan(people(3)) for _ in range(2)]
    first, second = (apply_plan(plan, world.client) for plan in plans)
    assert (first.plan.summary["create"], first.outcomes["done"]) == (3, 6)
    assert second.outcome == "changes"
    assert (second.plan.summary["create"], second.to_json()["summary"]["create"]) == (0, 0)
    assert [one.text for one in second.changed_since_plan] == [
        f"another run made the account meanwhile: create {n}" for n in (1, 2, 3)
    ]
    assert "changed since the plan: another run made the account meanwhile: create 1" in report_text(second)
    assert len(world.users()) == 3
    world.settled(people(3))
