from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.exceptions import (
    KindeConflictError,
    KindeInputError,
    KindeNotFoundError,
    KindeResponseError,
)
from airflow_provider_kinde.operators.api import KindeApiOperator
from airflow_provider_kinde.operators.organizations import (
    KindeAddOrganizationUsersOperator,
    KindeCreateOrganizationOperator,
    KindeDeleteOrganizationOperator,
    KindeInviteUserOperator,
    KindeRemoveOrganizationUsersOperator,
    KindeUpdateOrganizationOperator,
    KindeUpdateOrganizationUsersOperator,
)
from kinde_emulator import Emulator
from tests.support.operator_runs import calls, execute, user, writes

KIND: dict[str, Any] = {"task_id": "task", "kinde_conn_id": "kinde_test"}
MEMBERS = [
    KindeAddOrganizationUsersOperator,
    KindeUpdateOrganizationUsersOperator,
    KindeRemoveOrganizationUsersOperator,
]
PATCH = "PATCH /api/v1/organizations/org_sales/users"
POST = "POST /api/v1/organizations/org_sales/users"


def organization(kinde: Emulator, code: str) -> dict[str, Any]:
    return next(item for item in kinde.state()["organizations"] if item["code"] == code)


def crowd(kinde: Emulator, number: int, **fields: Any) -> list[str]:
    kinde.seed({"users": [{"id": f"kp_{n}", "email": f"p{n}@example.com", **fields} for n in range(number)]})
    kinde.clear_log()
    return [f"kp_{n}" for n in range(number)]


# -- the organization itself ------------------------------------------------------------------------------------------


def test_created_once(kinde: Emulator) -> None:
    operator = KindeCreateOrganizationOperator(
        **KIND, name="Legal", handle="legal", external_id="L", settings={"is_allow_registrations": True}
    )
    made = execute(operator)
    assert (made["outcome"], made["changed"]) == ("created", [])
    found = organization(kinde, made["org_code"])
    assert (found["name"], found["handle"], found["external_id"]) == ("Legal", "legal", "L")
    before = writes(kinde)
    assert execute(operator) == {**made, "outcome": "skipped"}
    assert writes(kinde) == before


def test_found_by_the_strongest_key_and_updated(kinde: Emulator) -> None:
    operator = KindeCreateOrganizationOperator(
        **KIND, name="Sales team", external_id="S-1", settings={"background_color": "#112233"}, if_exists="update"
    )
    assert execute(operator) == {
        "org_code": "org_sales",
        "outcome": "updated",
        "changed": ["background_color", "name"],
    }
    assert organization(kinde, "org_sales")["name"] == "Sales team"
    assert execute(operator) == {"org_code": "org_sales", "outcome": "unchanged", "changed": []}


def test_a_lost_answer_makes_no_second_organization(kinde: Emulator) -> None:
    kinde.fault("POST", "/api/v1/organization$", after_work=True)
    assert execute(KindeCreateOrganizationOperator(**KIND, name="Legal", if_exists="fail"))["outcome"] == "created"
    assert [item["name"] for item in kinde.state()["organizations"]].count("Legal") == 1


def test_conflicts(kinde: Emulator) -> None:
    with pytest.raises(KindeConflictError, match="org_sales"):
        execute(KindeCreateOrganizationOperator(**KIND, name="Sales", if_exists="fail"))
    with pytest.raises(KindeConflictError):
        execute(KindeCreateOrganizationOperator(**KIND, name="Other", external_id="O", handle="sales"))
    with pytest.raises(KindeInputError, match="takes no colour"):
        execute(KindeCreateOrganizationOperator(**KIND, name="Other", settings={"colour": "red"}))
    with pytest.raises(KindeInputError, match="empty"):
        execute(KindeCreateOrganizationOperator(**KIND, name=" "))


def test_changed(kinde: Emulator) -> None:
    by_code = KindeUpdateOrganizationOperator(**KIND, org_code="org_sales", name="Selling", handle="sales")
    assert execute(by_code) == {"org_code": "org_sales", "outcome": "updated", "changed": ["name"]}
    assert execute(by_code)["outcome"] == "unchanged"
    by_handle = KindeUpdateOrganizationOperator(**KIND, handle="sales", changes='{"is_suspended": true}')
    assert execute(by_handle) == {"org_code": "org_sales", "outcome": "updated", "changed": ["is_suspended"]}
    assert organization(kinde, "org_sales")["is_suspended"]
    with pytest.raises(KindeInputError, match="nothing to change"):
        execute(KindeUpdateOrganizationOperator(**KIND, name="Sales"))
    with pytest.raises(KindeNotFoundError):
        execute(KindeUpdateOrganizationOperator(**KIND, name="No", changes={"handle": "n"}))
    skipped = KindeUpdateOrganizationOperator(**KIND, name="No", changes={"handle": "n"}, if_missing="skip")
    assert execute(skipped)["outcome"] == "missing"


def test_deleted(kinde: Emulator) -> None:
    operator = KindeDeleteOrganizationOperator(**KIND, external_id="S-1")
    assert execute(operator) == {"org_code": "org_sales", "outcome": "deleted", "changed": []}
    assert execute(operator)["outcome"] == "missing"
    with pytest.raises(KindeNotFoundError):
        execute(KindeDeleteOrganizationOperator(**KIND, external_id="S-1", if_missing="fail"))


# -- members ----------------------------------------------------------------------------------------------------------


def test_a_crowd_is_added_and_removed_in_hundreds(kinde: Emulator) -> None:
    ids = crowd(kinde, 230)
    add = KindeAddOrganizationUsersOperator(**KIND, org_code="org_sales", users=ids, roles=["lead"])
    found = execute(add)
    assert found == {"org_code": "org_sales", "added": ids, "updated": [], "unchanged": []}
    assert writes(kinde) == [POST] * 3
    assert all(user(kinde, user_id)["memberships"] == {"org_sales": ["lead"]} for user_id in ids)
    assert execute(add)["unchanged"] == ids
    kinde.clear_log()
    change = KindeUpdateOrganizationUsersOperator(**KIND, name="Sales", users=ids, roles="seller")
    assert execute(change)["updated"] == ids
    assert writes(kinde) == [PATCH] * 3
    assert all(user(kinde, user_id)["memberships"] == {"org_sales": ["seller"]} for user_id in ids)
    kinde.clear_log()
    remove = KindeRemoveOrganizationUsersOperator(**KIND, handle="sales", users=ids)
    assert execute(remove) == {"org_code": "org_sales", "removed": ids, "missing": []}
    assert writes(kinde) == [PATCH] * 3
    assert execute(remove) == {"org_code": "org_sales", "removed": [], "missing": ids}


def test_if_exists_decides_about_existing_members(kinde: Emulator) -> None:
    users = [{"email": "cat@example.com", "roles": ["lead"]}, "kp_ann"]

    def add(if_exists: Any) -> Any:
        return KindeAddOrganizationUsersOperator(**KIND, org_code="org_sales", users=users, if_exists=if_exists)

    with pytest.raises(KindeConflictError, match="kp_cat"):
        execute(add("fail"))
    assert writes(kinde) == []
    found = execute(add("skip"))
    assert (found["added"], found["updated"], found["unchanged"]) == (["kp_ann"], [], ["kp_cat"])
    assert user(kinde, "kp_cat")["memberships"]["org_sales"] == ["seller"]
    found = execute(add("update"))
    assert (found["added"], found["updated"], found["unchanged"]) == ([], ["kp_cat"], ["kp_ann"])
    assert user(kinde, "kp_cat")["memberships"]["org_sales"] == ["lead", "seller"]


@pytest.mark.parametrize("kind", ["200", "204", "409"])
def test_members_added_by_another_client_are_no_error(kinde: Emulator, kind: Any) -> None:
    kinde.set(add_existing_member=kind)
    nobody = {"id": "kp_cat", "email": "cat@example.com", "organizations": [], "identities": []}
    kinde.fault("GET", "/api/v1/users", status=200, body={"users": [nobody], "next_token": None})
    execute(KindeAddOrganizationUsersOperator(**KIND, org_code="org_sales", users=["kp_cat"]))
    assert user(kinde, "kp_cat")["memberships"]["org_sales"] == ["seller"]


def test_an_addition_that_did_not_happen_is_no_success(kinde: Emulator) -> None:
    kinde.fault("POST", "/users$", status=200, body={"users_added": []})
    with pytest.raises(KindeResponseError, match="kp_ann"):
        execute(KindeAddOrganizationUsersOperator(**KIND, org_code="org_sales", users=["kp_ann"]))


@pytest.mark.parametrize("patch_roles", ["replace", "merge"])
def test_roles_whichever_way_kinde_takes_them(kinde: Emulator, patch_roles: Any) -> None:
    kinde.set(patch_roles=patch_roles)

    def change(mode: Any, *roles: str) -> Any:
        return execute(
            KindeUpdateOrganizationUsersOperator(
                **KIND, org_code="org_sales", users=["kp_cat"], roles=list(roles), mode=mode
            )
        )

    def held() -> Any:
        return user(kinde, "kp_cat")["memberships"]["org_sales"]

    assert change("add", "lead")["updated"] == ["kp_cat"]
    assert held() == ["lead", "seller"]
    assert change("add", "lead")["unchanged"] == ["kp_cat"]
    assert change("remove", "seller", "owner")["updated"] == ["kp_cat"]
    assert held() == ["lead"]
    assert change("replace", "owner")["updated"] == ["kp_cat"]
    assert held() == ["owner"]
    assert change("replace")["updated"] == ["kp_cat"]
    assert held() == []


def test_roles_of_those_who_are_no_members(kinde: Emulator) -> None:
    asked: dict[str, Any] = {"org_code": "org_sales", "users": ["kp_ann", "kp_cat"], "roles": ["lead"]}
    with pytest.raises(KindeNotFoundError, match="kp_ann"):
        execute(KindeUpdateOrganizationUsersOperator(**KIND, **asked))
    assert writes(kinde) == []
    found = execute(KindeUpdateOrganizationUsersOperator(**KIND, **asked, if_missing="skip"))
    assert (found["updated"], found["missing"]) == (["kp_cat"], ["kp_ann"])


def test_removed_with_people_who_are_gone(kinde: Emulator) -> None:
    asked: dict[str, Any] = {"org_code": "org_sales", "users": ["kp_cat", "kp_ann", "kp_none", "no@example.com"]}
    with pytest.raises(KindeNotFoundError, match="kp_none"):
        execute(KindeRemoveOrganizationUsersOperator(**KIND, **asked, if_missing="fail"))
    assert writes(kinde) == []
    found = execute(KindeRemoveOrganizationUsersOperator(**KIND, **asked))
    assert found == {"org_code": "org_sales", "removed": ["kp_cat"], "missing": ["kp_ann", "kp_none"]}


def test_a_user_who_left_meanwhile_is_no_error_of_a_removal(kinde: Emulator) -> None:
    ids = crowd(kinde, 3, memberships=["org_sales"])
    # Kinde refuses the whole request for one who is no member any more.
    kinde.fault("PATCH", "/users$", status=400, body={"errors": [{"code": "USER_NOT_IN_ORGANIZATION", "message": "x"}]})
    assert execute(KindeRemoveOrganizationUsersOperator(**KIND, org_code="org_sales", users=ids))["removed"] == ids
    assert not any(user(kinde, user_id)["memberships"] for user_id in ids)


@pytest.mark.parametrize("operator", MEMBERS)
class TestBadInput:
    @pytest.mark.parametrize(
        ("users", "words"),
        [
            ([], "users is empty"),
            ("", "users is empty"),
            (["kp_ann", "kp/../x"], "holds '/'"),
            (["kp_ann\n"], "holds"),
            ([{"id": "kp_ann", "role": "lead"}], "a user with role"),
            ([{"roles": ["lead"]}], "neither"),
            (["a@b"], "no dot"),
            (7, "must be a list"),
            ("[1", "neither JSON"),
        ],
    )
    def test_users(self, kinde: Emulator, operator: Any, users: Any, words: str) -> None:
        with pytest.raises(KindeInputError, match=words):
            execute(operator(**KIND, org_code="org_sales", users=users))
        assert calls(kinde) == []

    @pytest.mark.parametrize("code", ["org/x", "..", "org?x", "org\n"])
    def test_codes(self, kinde: Emulator, operator: Any, code: str) -> None:
        with pytest.raises(KindeInputError):
            execute(operator(**KIND, org_code=code, users=["kp_ann"]))
        assert calls(kinde) == []

    def test_an_unknown_role_or_user_or_organization(self, kinde: Emulator, operator: Any) -> None:
        user_with_role = [{"id": "kp_cat", "roles": ["boss"]}]
        with pytest.raises(KindeInputError, match="'boss'; there are: lead, owner, seller"):
            execute(operator(**KIND, org_code="org_sales", users=user_with_role))
        if operator is not KindeRemoveOrganizationUsersOperator:
            users = [{"id": "kp_nobody", "roles": []}]
            with pytest.raises(KindeNotFoundError, match="kp_nobody"):
                execute(operator(**KIND, org_code="org_sales", users=users))
        with pytest.raises(KindeNotFoundError, match="No such"):
            execute(operator(**KIND, name="No such", users=["kp_cat"]))
        assert writes(kinde) == []

    def test_a_name_that_two_share(self, kinde: Emulator, operator: Any) -> None:
        kinde.seed({"organizations": [{"name": "Sales", "code": "org_more"}]})
        with pytest.raises(KindeInputError, match="2 organizations have the name"):
            execute(operator(**KIND, name="Sales", users=["kp_cat"]))
        with pytest.raises(KindeInputError, match="handle and name"):
            execute(operator(**KIND, name="Sales", handle="sales", users=["kp_cat"]))
        with pytest.raises(ValueError, match="name the organization"):
            operator(**KIND, users=["kp_cat"])


def test_named_twice(kinde: Emulator) -> None:
    both = ["kp_ann", "ann@example.com"]
    found = execute(KindeAddOrganizationUsersOperator(**KIND, org_code="org_sales", users=both))
    assert found["added"] == ["kp_ann"]
    users = [{"id": "kp_ann", "roles": ["lead"]}, {"email": "ann@example.com", "roles": ["owner"]}]
    with pytest.raises(KindeInputError, match="named twice"):
        execute(KindeAddOrganizationUsersOperator(**KIND, org_code="org_sales", users=users))


# -- invitations ------------------------------------------------------------------------------------------------------


def test_invited_once(kinde: Emulator) -> None:
    operator = KindeInviteUserOperator(
        **KIND, name="Sales", email="New@example.com", roles=["lead"], first_name="Nell", last_name="Wu"
    )
    first = execute(operator)
    assert (first["org_code"], first["outcome"], first["user_id"]) == ("org_sales", "invited", None)
    assert kinde.log()[-1]["body"]["send_email"] is True
    again = execute(operator)
    assert again == {**first, "outcome": "pending"}
    with pytest.raises(KindeConflictError, match="invited already"):
        execute(KindeInviteUserOperator(**KIND, name="Sales", email="new@example.com", if_exists="fail"))
    member = execute(KindeInviteUserOperator(**KIND, name="Sales", email="cat@example.com"))
    assert (member["outcome"], member["user_id"], member["invite_code"]) == ("member", "kp_cat", None)


def test_a_lost_answer_makes_no_second_invitation(kinde: Emulator) -> None:
    kinde.fault("POST", "/invites$", after_work=True)
    assert execute(KindeInviteUserOperator(**KIND, name="Sales", email="n@example.com"))["outcome"] == "invited"
    assert len([call for call in writes(kinde) if call.endswith("/invites")]) == 1


# -- any operation ----------------------------------------------------------------------------------------------------


def test_any_operation(kinde: Emulator) -> None:
    found = execute(KindeApiOperator(**KIND, operation="get_user_data", arguments={"id": "kp_ann"}))
    assert found["preferred_email"] == "Ann@example.com"
    listed = KindeApiOperator(
        **KIND, operation="iter_users", response_filter=lambda users: sorted(user["id"] for user in users)
    )
    assert execute(listed) == ["kp_ann", "kp_bob", "kp_cat"]
    found = execute(KindeApiOperator(**KIND, operation="search_users", arguments='{"query": "ann"}'))
    assert [user["id"] for user in found] == ["kp_ann"]
    missing: dict[str, Any] = {"operation": "get_user_data", "arguments": {"id": "kp_none"}}
    assert execute(KindeApiOperator(**KIND, **missing, if_missing="skip")) is None
    with pytest.raises(KindeNotFoundError):
        execute(KindeApiOperator(**KIND, **missing))
    twice: dict[str, Any] = {
        "operation": "create_user",
        "arguments": {"identities": [{"type": "email", "details": {"email": "ann@example.com"}}]},
    }
    assert execute(KindeApiOperator(**KIND, **twice, if_exists="skip")) is None
    with pytest.raises(KindeConflictError):
        execute(KindeApiOperator(**KIND, **twice))


@pytest.mark.parametrize(
    ("operation", "arguments", "words"),
    [
        ("get_usrs", {}, "get_users"),
        ("iter_everything", {}, "no operation"),
        ("get_user_data", {}, "missing"),
        ("get_user_data", {"id": "a/b"}, "holds '/'"),
        ("delete_user", {"id": "a?b"}, r"holds '\?'"),
        ("delete_organization", {"org_code": ".."}, "holds"),
        ("delete_organization", {"code": "x"}, "unknown argument 'code'; it takes org_code"),
        ("add_organization_users", {"org_code": "o", "users": [str(n) for n in range(101)]}, "100"),
        ("get_users", "no mapping", "neither JSON"),
        ("get_users", "[1]", "must be a mapping"),
        ("update_user", {"id": "kp_ann", "given_name": "\ud800"}, "arguments holds a value that cannot be sent"),
        (None, {}, "operation None: expected the name of an operation"),
        (5, {}, "operation 5: expected the name of an operation"),
    ],
)
def test_operations_that_cannot_be(kinde: Emulator, operation: Any, arguments: Any, words: str) -> None:
    with pytest.raises(KindeInputError, match=words):
        execute(KindeApiOperator(**KIND, operation=operation, arguments=arguments))
    assert calls(kinde) == []


# -- answers of another shape -----------------------------------------------------------------------------------------


def odd(kinde: Emulator, method: str, path: str, answer: Any, operator: Any) -> None:
    kinde.fault(method, path, status=200, body=answer, times=None)
    with pytest.raises(KindeResponseError):
        execute(operator)


@pytest.mark.parametrize("answer", [5, [5], {"organization": 5}, {"organization": {"code": [1]}}])
def test_a_creation_answered_in_another_shape(kinde: Emulator, answer: Any) -> None:
    odd(kinde, "POST", "/organization$", answer, KindeCreateOrganizationOperator(**KIND, name="Legal"))


@pytest.mark.parametrize("answer", [5, [5], "x"])
def test_an_organization_of_another_shape(kinde: Emulator, answer: Any) -> None:
    operator = KindeUpdateOrganizationOperator(**KIND, org_code="org_sales", changes={"name": "New"})
    odd(kinde, "GET", "/organization[?]", answer, operator)
    assert writes(kinde) == []


@pytest.mark.parametrize("code", [None, 5, "..", "a/b"])
def test_a_listed_organization_without_a_code(kinde: Emulator, code: Any) -> None:
    answer = {"organizations": [{"name": "Sales", "code": code}]}
    odd(kinde, "GET", "/organizations", answer, KindeDeleteOrganizationOperator(**KIND, name="Sales"))
    assert writes(kinde) == []


@pytest.mark.parametrize("answer", [5, [5], {"roles": 5}, {"roles": "x"}])
def test_roles_of_another_shape(kinde: Emulator, answer: Any) -> None:
    operator = KindeUpdateOrganizationUsersOperator(**KIND, org_code="org_sales", users="kp_cat", roles="lead")
    odd(kinde, "GET", "/users/kp_cat/roles", answer, operator)
    assert writes(kinde) == []


@pytest.mark.parametrize("answer", [5, [5], {"users_added": 5}])
def test_an_addition_answered_in_another_shape(kinde: Emulator, answer: Any) -> None:
    operator = KindeAddOrganizationUsersOperator(**KIND, org_code="org_sales", users="kp_ann")
    odd(kinde, "POST", "/users$", answer, operator)


@pytest.mark.parametrize("answer", [5, [5], {"invite": 5}])
def test_an_invitation_of_another_shape(kinde: Emulator, answer: Any) -> None:
    operator = KindeInviteUserOperator(**KIND, org_code="org_sales", email="new@example.com")
    odd(kinde, "POST", "/invites$", answer, operator)


@pytest.mark.parametrize("user", [5, True, ["kp_ann"], {"id": 5}, {"email": 5}])
def test_a_user_that_is_no_text_is_refused(kinde: Emulator, user: Any) -> None:
    operator = KindeAddOrganizationUsersOperator(**KIND, org_code="org_sales", users=[{"id": "kp_ann"}, user])
    with pytest.raises(KindeInputError, match="is neither an id nor an address"):
        execute(operator)
    assert calls(kinde) == []


def test_a_parameter_that_is_no_text_is_never_sent(kinde: Emulator) -> None:
    for operator in (
        KindeCreateOrganizationOperator(**KIND, name="a\x1b[2J"),
        KindeCreateOrganizationOperator(**KIND, name="New", handle="\ud800"),
        KindeUpdateOrganizationOperator(**KIND, org_code="org_sales", external_id="a\0"),
        KindeInviteUserOperator(**KIND, org_code="org_sales", email="new@example.com", first_name="\ud800"),
    ):
        with pytest.raises(KindeInputError, match="holds a control character or half a character"):
            execute(operator)
    with pytest.raises(KindeInputError, match="settings holds a value that cannot be sent"):
        execute(KindeCreateOrganizationOperator(**KIND, name="New", settings={"theme_code": "\ud800"}))
    assert calls(kinde) == []
