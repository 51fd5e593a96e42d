"""Every operator mapped over several users or organizations, through a whole run of a DAG."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kinde_emulator import Emulator
from tests.support.operator_runs import user, writes

Runner = Callable[..., Any]


def test_users(kinde: Emulator, run: Runner) -> None:
    done = run(
        'made = KindeCreateUserOperator.partial(task_id="create", org_code="org_sales").expand_kwargs('
        '[{"email": f"p{n}@example.com", "given_name": f"P{n}"} for n in range(3)])',
        'update = KindeUpdateUserOperator.partial(task_id="update", family_name="{{ dag_run.conf.family }}").expand('
        'email=["p0@example.com", "p1@example.com", "p2@example.com"])',
        'suspend = KindeSuspendUserOperator.partial(task_id="suspend").expand('
        'user_id=made.output.map(lambda made: made["user_id"]))',
        'unsuspend = KindeUnsuspendUserOperator.partial(task_id="unsuspend").expand('
        'email=["p0@example.com", "p1@example.com"])',
        'delete = KindeDeleteUserOperator.partial(task_id="delete").expand(email=["p1@example.com", "x@example.com"])',
        "made >> update >> suspend >> unsuspend >> delete",
        conf={"family": "Ng"},
    )
    assert done.all == {"success"}
    assert done.count == {"create": 3, "update": 3, "suspend": 3, "unsuspend": 2, "delete": 2}
    assert [item["outcome"] for item in done.values("create")] == ["created"] * 3
    assert [item["outcome"] for item in done.values("update")] == ["updated"] * 3
    assert [item["outcome"] for item in done.values("delete")] == ["deleted", "missing"]
    assert done.values("create", "kinde_admin_link") == [f"{kinde.url}/admin"] * 3
    people = {item["email"]: item for item in kinde.state()["users"] if item["email"].startswith("p")}
    assert {email: (item["last_name"], item["is_suspended"]) for email, item in people.items()} == {
        "p0@example.com": ("Ng", False),
        "p2@example.com": ("Ng", True),
    }


def test_organizations(kinde: Emulator, run: Runner) -> None:
    done = run(
        'made = KindeCreateOrganizationOperator.partial(task_id="create").expand(name=["North", "South"])',
        'add = KindeAddOrganizationUsersOperator.partial(task_id="add", roles=["lead"]).expand_kwargs('
        '[{"name": "North", "users": ["kp_ann", "bob@example.com"]}, {"name": "South", "users": "kp_ann, kp_cat"}])',
        'roles = KindeUpdateOrganizationUsersOperator.partial(task_id="roles", users=["kp_ann"]).expand_kwargs('
        '[{"name": "North", "roles": ["owner"]}, {"name": "South", "roles": []}])',
        'remove = KindeRemoveOrganizationUsersOperator.partial(task_id="remove", users=["cat@example.com"]).expand('
        'name=["North", "South"])',
        'invite = KindeInviteUserOperator.partial(task_id="invite", name="North", roles=["lead"]).expand('
        'email=["new@example.com", "bob@example.com"])',
        'change = KindeUpdateOrganizationOperator.partial(task_id="change", changes={"handle": "north"}).expand('
        'name=["North"])',
        'delete = KindeDeleteOrganizationOperator.partial(task_id="delete").expand('
        'org_code=made.output.map(lambda made: made["org_code"]))',
        'api = KindeApiOperator.partial(task_id="api", operation="get_user_data").expand('
        'arguments=[{"id": "kp_ann"}, {"id": "{{ dag_run.conf.id }}"}])',
        "made >> add >> roles >> remove >> invite >> change >> api >> delete",
        conf={"id": "kp_bob"},
    )
    assert done.all == {"success"}
    assert [(item["added"], item["updated"]) for item in done.values("add")] == [
        (["kp_ann", "kp_bob"], []),
        (["kp_ann", "kp_cat"], []),
    ]
    assert [item["updated"] for item in done.values("roles")] == [["kp_ann"], ["kp_ann"]]
    assert [(item["removed"], item["missing"]) for item in done.values("remove")] == [
        ([], ["kp_cat"]),
        (["kp_cat"], []),
    ]
    assert [item["outcome"] for item in done.values("invite")] == ["invited", "member"]
    assert [item["outcome"] for item in done.values("change")] == ["updated"]
    assert [item["id"] for item in done.values("api")] == ["kp_ann", "kp_bob"]
    assert [item["outcome"] for item in done.values("delete")] == ["deleted", "deleted"]
    assert [item["name"] for item in kinde.state()["organizations"] if item["name"] in ("North", "South")] == []


def test_a_second_run_writes_nothing(kinde: Emulator, run: Runner) -> None:
    create = 'KindeCreateUserOperator.partial(task_id="create", if_exists="update", org_name="Sales", roles=["lead"])'
    lines = [
        create + '.expand(email=["p1@example.com", "ann@example.com"])',
        'KindeUpdateOrganizationUsersOperator(task_id="roles", org_code="org_sales", users="kp_cat", roles=["seller"])',
        'KindeUnsuspendUserOperator(task_id="unsuspend", email="bob@example.com")',
    ]
    assert run(*lines).all == {"success"}
    assert user(kinde, "kp_ann")["memberships"] == {"org_sales": ["lead"]}
    before = writes(kinde)
    again = run(*lines)
    assert again.all == {"success"}
    assert writes(kinde) == before
    assert [item["outcome"] for item in again.values("create")] == ["unchanged", "unchanged"]


def test_one_bad_address_fails_its_own_task_alone(kinde: Emulator, run: Runner) -> None:
    done = run(
        'KindeSuspendUserOperator.partial(task_id="suspend", retries=0).expand('
        'email=["ann@example.com", "no address", "cat@example.com"])'
    )
    assert (done.state, done.count) == ("failed", {"suspend": 3})
    assert user(kinde, "kp_ann")["is_suspended"]
    assert user(kinde, "kp_cat")["is_suspended"]


def test_alerts_go_only_to_the_address_in_default_args(kinde: Emulator, run: Runner) -> None:
    from airflow_provider_kinde.operators.users import KindeDeleteUserOperator, KindeSuspendUserOperator

    args: dict[str, Any] = {"task_id": "t", "default_args": {"email": "oncall@example.com"}}
    named = KindeSuspendUserOperator(**args, user_id="kp_ann")
    assert (named.user_id, named.user_email, named.email) == ("kp_ann", None, "oncall@example.com")
    addressed = KindeSuspendUserOperator(**args, email="ann@example.com", email_on_failure=True)
    assert (addressed.user_email, addressed.email) == ("ann@example.com", "oncall@example.com")
    # An operator that was told of no user must not take the one who is on call.
    with pytest.raises(ValueError, match="default_args"):
        KindeDeleteUserOperator(**args)
    mapped = KindeSuspendUserOperator.partial(**args).expand(email=["ann@example.com", "cat@example.com"])
    assert mapped.email is None
    assert not mapped.partial_kwargs["email_on_failure"]
    assert not mapped.partial_kwargs["email_on_retry"]
