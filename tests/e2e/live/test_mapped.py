"""Every operator and sensor that takes a user or an organization, mapped over hundreds of them in one real run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_kinde.links.admin import KindeAdminLink
from kinde_emulator import Emulator
from tests.support.airflow_fixtures import database
from tests.support.operator_runs import kinde, run

__all__ = ["database", "kinde", "run"]

MANY = 250
ABSENT = 7
"""One of them is not there."""

State = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One operator.

    :param partial: what is the same for all instances.
    :param expand: what differs, written with ``n``.
    :param outcome: what each instance returns, and what that of the one who is not there does, or becomes.
    :param holds: of Kinde's state afterwards.
    """

    operator: str
    partial: str
    expand: str
    outcome: tuple[str, str]
    holds: Callable[[State], bool]


def users(state: State) -> list[dict[str, Any]]:
    return [user for user in state["users"] if user["email"].startswith("p")]


def crowd(state: State) -> int:
    return sum("org_crowd" in user["memberships"] for user in users(state))


def units(state: State) -> list[dict[str, Any]]:
    return [item for item in state["organizations"] if item["name"].startswith("Unit")]


ID, MAIL, UNIT = 'f"kp_p{n}"', 'f"p{n}@example.com"', 'f"Unit {n}"'
SKIP = 'if_missing="skip"'
CASES = [
    Case("KindeCreateUserOperator", 'given_name="P"', f'"email": {MAIL}', ("skipped", "created"),
         lambda s: len(users(s)) == MANY),
    Case("KindeUpdateUserOperator", f'family_name="Ng", {SKIP}', f'"email": {MAIL}', ("updated", "missing"),
         lambda s: {user["last_name"] for user in users(s)} == {"Ng"}),
    Case("KindeSuspendUserOperator", SKIP, f'"user_id": {ID}', ("suspended", "missing"),
         lambda s: all(user["is_suspended"] for user in users(s))),
    Case("KindeUnsuspendUserOperator", SKIP, f'"email": {MAIL}', ("unchanged", "missing"),
         lambda s: not any(user["is_suspended"] for user in users(s))),
    Case("KindeDeleteUserOperator", "", f'"user_id": {ID}', ("deleted", "missing"),
         lambda s: users(s) == []),
    Case("KindeInviteUserOperator", 'org_code="org_sales"', f'"email": {MAIL}', ("invited", "invited"),
         lambda s: True),
    Case("KindeAddOrganizationUsersOperator", 'org_code="org_sales", roles=["lead"]', f'"users": [{ID}]',
         ("added", "failed"),
         lambda s: {tuple(user["memberships"].get("org_sales", ())) for user in users(s)} == {("lead",)}),
    Case("KindeUpdateOrganizationUsersOperator", 'org_code="org_crowd", roles=["owner"], if_missing="skip"',
         f'"users": [{ID}]', ("updated", "missing"),
         lambda s: {tuple(user["memberships"]["org_crowd"]) for user in users(s)} == {("owner",)}),
    Case("KindeRemoveOrganizationUsersOperator", 'org_code="org_crowd"', f'"users": [{MAIL}]', ("removed", "nobody"),
         lambda s: crowd(s) == 0),
    Case("KindeCreateOrganizationOperator", "", f'"name": {UNIT}', ("skipped", "created"),
         lambda s: len(units(s)) == MANY),
    Case("KindeUpdateOrganizationOperator", SKIP, f'"name": {UNIT}, "changes": {{"handle": f"unit-{{n}}"}}',
         ("updated", "missing"), lambda s: all(item["handle"] for item in units(s))),
    Case("KindeDeleteOrganizationOperator", "", f'"name": {UNIT}', ("deleted", "missing"),
         lambda s: units(s) == []),
    Case("KindeApiOperator", f'operation="get_user_data", {SKIP}', f'"arguments": {{"id": {ID}}}', ("active", "silent"),
         lambda s: True),
    Case("KindeUserSensor", 'poke_interval=0.1, timeout=0.5, soft_fail=True, mode="poke"', f'"email": {MAIL}',
         ("active", "skipped"), lambda s: True),
    Case("KindeOrganizationUserSensor", 'org_code="org_crowd", poke_interval=0.1, timeout=0.5, soft_fail=True',
         f'"user_id": {ID}', ("member", "skipped"), lambda s: True),
    Case("KindeOrganizationSensor", 'poke_interval=0.1, timeout=0.5, soft_fail=True', f'"name": {UNIT}',
         ("exists", "skipped"), lambda s: True),
]  # fmt: skip


def outcome(value: Any) -> str:
    """What an instance says that it did, in one word."""
    for key in ("outcome", "state"):
        if key in value:
            return str(value[key])
    for key in ("added", "updated", "removed", "missing"):
        if value.get(key):
            return key
    if "removed" in value:  # an address that is nobody's: XCom holds ids alone
        return "nobody"
    if "roles" in value:
        return "member"
    return "active" if value.get("id") and value.get("is_suspended") is False else "exists"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operator)
def test_each_instance_does_its_own_and_says_so(kinde: Emulator, run: Callable[..., Any], case: Case) -> None:
    there = [n for n in range(MANY) if n != ABSENT]
    people = [{"id": f"kp_p{n}", "email": f"p{n}@example.com", "memberships": {"org_crowd": []}} for n in there]
    organizations = [{"name": "Crowd", "code": "org_crowd"}, *({"name": f"Unit {n}"} for n in there)]
    kinde.seed({"organizations": organizations, "users": people})
    comma = ", " if case.partial else ""
    done = run(
        f'{case.operator}.partial(task_id="t"{comma}{case.partial}).expand_kwargs('
        f"[{{{case.expand}}} for n in range({MANY})])"
    )
    assert done.count == {"t": MANY}
    each, absent = case.outcome
    silent = absent in ("failed", "skipped", "silent")
    assert done.all == {"success", absent} - {"silent"} if silent else {"success"}
    # A task that reads the list needs the good ones in their order, and no more than that.
    said = Counter(map(outcome, done.values("t")))
    assert said == Counter([each] * (MANY - 1) + ([] if silent else [absent]))
    assert case.holds(kinde.state())

    assert done.values("t", "kinde_admin_link") == [f"{kinde.url}/admin"] * MANY
    from airflow.models.taskinstancekey import TaskInstanceKey

    for index in (*range(MANY), MANY + 1):
        key = TaskInstanceKey(done.dag_run.dag_id, "t", done.dag_run.run_id, 1, index)
        assert isinstance(KindeAdminLink().get_link(None, ti_key=key), str)  # type: ignore[arg-type]
    assert {entry["path"] for entry in kinde.log() if entry["kind"] == "token"} == {"/oauth2/token"}
