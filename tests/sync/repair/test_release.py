"""The address taken off a leaver's account, so that somebody else may have it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.exceptions import KindeError, KindePermissionError, SyncError
from airflow_provider_kinde.sync.repair.release import ReleaseResult, release
from kinde_emulator import Settings
from tests.support.world import SPEC, World, people, person

LEFT = "~left=2026-03-02"


def free(world: World, id: str = "1", spec: str = SPEC, **options: Any) -> ReleaseResult:
    return release(world.spec(spec), world.client, id, **options)


def with_a_leaver(world: World, spec: str = SPEC) -> list[dict[str, str]]:
    rows = people(20)
    world.apply(rows, spec)
    rows[0] = person(1, status="Terminated")
    world.apply(rows, spec)
    world.kinde.clear_log()
    return rows


def account(world: World) -> dict[str, Any]:
    """The account of person 1, whatever its address."""
    return next(u for u in world.kinde.state()["users"] if str(u["provided_id"]).split("~")[0] == "hr:1")


def addresses(user: dict[str, Any]) -> list[str]:
    return sorted(identity["value"] for identity in user["identities"])


def test_a_new_hire_gets_the_address_and_the_leaver_is_left_alone(world: World) -> None:
    rows = with_a_leaver(world)
    rows.append(person(21, "Other", email="P1@example.com"))
    assert [held.id for held in world.plan(rows).held] == ["21"]
    found = free(world)
    leaver = account(world)
    placeholder = f"{leaver['id']}@released.invalid"
    assert (found.before, found.after) == ("p1@example.com", placeholder)
    assert "p1@example.com is free for another account" in found.text()
    assert [(e["method"], e["path"].rsplit("/", 1)[-1]) for e in world.writes()][:2] == [
        ("PATCH", "user"),
        ("POST", "identities"),
    ]
    assert len(world.writes()) == 5
    assert (leaver["email"], addresses(leaver), leaver["provided_id"]) == (placeholder, [placeholder], "hr:1" + LEFT)
    assert leaver["is_suspended"]
    report = world.apply(rows)
    assert [(o.id, o.kind) for o in report.plan.operations] == [("21", "create"), ("21", "add_membership")]
    assert world.users()["P1@example.com"]["provided_id"] == "hr:21"
    world.settled(rows)


def test_an_absent_leaver_is_not_renamed_back(world: World) -> None:
    with_a_leaver(world)
    free(world)
    world.settled(people(20)[1:])


def test_a_leaver_who_returns_gets_the_address_that_hr_has(world: World) -> None:
    rows = with_a_leaver(world)
    free(world)
    rows[0] = person(1, email="back@example.com")
    report = world.apply(rows)
    assert {o.kind for o in report.plan.operations} == {"rename", "enable"}
    user = account(world)
    assert (user["email"], addresses(user), user["provided_id"]) == ("back@example.com", ["back@example.com"], "hr:1")
    assert not user["is_suspended"]
    world.settled(rows)


def test_a_leaver_who_returns_to_the_old_address_while_it_is_free(world: World) -> None:
    with_a_leaver(world)
    free(world)
    world.apply(people(20))
    user = world.users()["p1@example.com"]
    assert (user["provided_id"], addresses(user)) == ("hr:1", ["p1@example.com"])
    world.settled(people(20))


def test_a_leaver_who_returns_after_the_address_was_given_away_is_held(world: World) -> None:
    rows = with_a_leaver(world)
    free(world)
    rows.append(person(21, "Other", email="p1@example.com"))
    world.apply(rows)
    rows[0] = person(1)
    rows[-1] = person(21, "Other", email="p1@example.com", status="Terminated", end="2026-03-10")
    plan = world.plan([*rows[1:], person(1)])
    assert "1" in {held.id for held in plan.held} or not plan.operations
    assert "rename" not in {o.kind for o in plan.operations if o.id == "1"}


def test_releasing_twice_writes_once(world: World) -> None:
    with_a_leaver(world)
    free(world)
    world.kinde.clear_log()
    again = free(world)
    assert (again.steps, world.writes()) == ([], [])
    assert "already released" in again.text()


def test_a_dry_run_lists_the_steps_and_writes_nothing(world: World) -> None:
    with_a_leaver(world)
    found = free(world, dry_run=True)
    assert world.writes() == []
    assert len(found.steps) == 5
    assert "would be free" in found.text()
    assert free(world).steps == found.steps


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("trouble", [{"status": 400}, {"status": 400, "after_work": True}, {"drop": "after"}])
def test_a_release_that_was_cut_off_goes_on_when_it_is_run_again(
    world: World, step: int, trouble: dict[str, Any]
) -> None:
    """Whichever of its five writes fails, before or after its work was done."""
    rows = with_a_leaver(world)
    user = account(world)
    paths = [r"/user\?id=", "/identities$", "/identities/", "/identities/", r"/user\?id="]
    method = ["PATCH", "POST", "PATCH", "DELETE", "PATCH"][step]
    world.kinde.fault(method, paths[step], skip=1 if step == 4 else 0, **trouble)
    try:
        free(world)
    except KindeError:
        assert trouble != {"drop": "after"}
    world.kinde.clear_faults()
    free(world)
    after = account(world)
    placeholder = f"{user['id']}@released.invalid"
    assert (after["email"], addresses(after), after["provided_id"]) == (placeholder, [placeholder], "hr:1" + LEFT)
    world.kinde.clear_log()
    assert free(world).steps == []
    world.settled(rows)


@pytest.mark.parametrize("step", range(1, 5))
def test_a_leaver_who_returns_in_the_middle_of_a_release(world: World, step: int) -> None:
    with_a_leaver(world)
    paths = [r"/user\?id=", "/identities$", "/identities/", "/identities/", r"/user\?id="]
    method = ["PATCH", "POST", "PATCH", "DELETE", "PATCH"][step]
    world.kinde.fault(method, paths[step], skip=1 if step == 4 else 0, status=400)
    with pytest.raises(KindeError):
        free(world)
    world.kinde.clear_faults()
    rows = people(20)
    world.apply(rows)
    user = world.users()["p1@example.com"]
    assert (user["provided_id"], user["is_suspended"]) == ("hr:1", False)
    assert "p1@example.com" in addresses(user)
    world.settled(rows)


def test_a_leave_in_the_middle_of_an_address_change_frees_both_addresses(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    user = account(world)
    rows[0] = person(1, email="new@example.com")
    world.kinde.fault("DELETE", "/identities/", status=400)
    world.apply(rows)
    world.kinde.clear_faults()
    rows[0] = person(1, email="new@example.com", status="Terminated")
    world.apply(rows)
    assert "~renaming=" in account(world)["provided_id"]
    free(world)
    after = account(world)
    assert (addresses(after), after["provided_id"]) == ([f"{user['id']}@released.invalid"], "hr:1" + LEFT)
    world.settled(rows)


def test_a_secondary_address_stays_unless_it_is_named(world: World) -> None:
    with_a_leaver(world)
    user = account(world)
    world.client.create_user_identity(user["id"], type="email", value="Second@example.com")
    world.client.create_user_identity(user["id"], type="email", value="third@example.com")
    found = free(world, email="second@example.com")
    assert (found.before, found.after) == ("second@example.com", "p1@example.com")
    assert addresses(account(world)) == ["p1@example.com", "third@example.com"]
    found = free(world)
    assert found.others == ["third@example.com"]
    assert "--email third@example.com" in found.text()
    assert addresses(account(world)) == sorted([found.after, "third@example.com"])
    with pytest.raises(SyncError, match="no e-mail identity"):
        free(world, email="nobody@example.com")


def test_a_stripped_leaver_is_a_finished_one(world: World) -> None:
    spec = SPEC + "leaver: {action: remove}\n"
    rows = with_a_leaver(world, spec)
    assert not account(world)["is_suspended"]
    free(world, spec=spec)
    assert account(world)["email"].endswith("@released.invalid")
    world.settled(rows, spec)


@pytest.mark.parametrize(
    ("id", "words"),
    [("2", "2 has access"), ("77", "no Kinde account carries the link hr:77"), ("", "no Kinde account")],
)
def test_only_finished_leavers_are_released(world: World, id: str, words: str) -> None:
    with_a_leaver(world)
    with pytest.raises(SyncError, match=words):
        free(world, id)
    assert world.writes() == []


def test_an_account_suspended_by_hand_is_no_finished_leaver(world: World) -> None:
    with_a_leaver(world)
    world.client.update_user(world.users()["p2@example.com"]["id"], is_suspended=True)
    with pytest.raises(SyncError, match="is suspended, but not finished as a leaver"):
        free(world, "2")


def test_a_leaver_who_was_enabled_again_is_refused(world: World) -> None:
    with_a_leaver(world)
    world.client.update_user(account(world)["id"], is_suspended=False)
    with pytest.raises(SyncError, match="enabled since and is a member of sales"):
        free(world)


def test_a_social_sign_in_with_the_address_is_refused(world: World) -> None:
    google = {"value": "p1@example.com", "type": "oauth2:google"}
    user = {"email": "p1@example.com", "provided_id": "hr:1" + LEFT, "is_suspended": True, "identities": [google]}
    world.kinde.seed({"users": [user]})
    with pytest.raises(SyncError, match="sign-in of type oauth2:google"):
        free(world)
    assert world.writes() == []


@pytest.mark.parametrize(
    "more", ["protect: {emails: [P1@example.com]}\n", "keep: [{email: p1@example.com, organization: eng}]\n"]
)
def test_an_address_that_the_spec_names_is_refused(world: World, more: str) -> None:
    with_a_leaver(world)
    with pytest.raises(SyncError, match="of the spec"):
        free(world, spec=SPEC + more)
    assert world.writes() == []


def test_the_wrong_tenant_is_refused(world: World) -> None:
    with pytest.raises(SyncError, match="wrong tenant"):
        free(world, spec=SPEC + "tenant: other.kinde.com\n")


READS = "read:users read:roles read:organizations read:organization_users read:user_identities"


@pytest.mark.parametrize("settings", [Settings(scopes=(*READS.split(), "update:users", "create:user_identities"))])
def test_a_missing_scope_is_told_before_the_first_write(world: World) -> None:
    provided = "hr:1" + LEFT
    world.kinde.seed({"users": [{"email": "p1@example.com", "provided_id": provided, "is_suspended": True}]})
    with pytest.raises(KindePermissionError, match="delete:identities, update:identities"):
        free(world)
    assert world.writes() == []
