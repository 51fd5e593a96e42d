from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.exceptions import (
    KindeConflictError,
    KindeError,
    KindeInputError,
    KindeNotFoundError,
    KindeResponseError,
    StorageError,
)
from airflow_provider_kinde.operators.users import (
    KindeCreateUserOperator,
    KindeDeleteUserOperator,
    KindeSuspendUserOperator,
    KindeUnsuspendUserOperator,
    KindeUpdateUserOperator,
)
from kinde_emulator import Emulator
from tests.support.operator_runs import Ti, by_email, calls, execute, user, writes

KIND = {"task_id": "task", "kinde_conn_id": "kinde_test"}


def test_a_user_is_created_once(kinde: Emulator) -> None:
    operator = KindeCreateUserOperator(
        **KIND, email="dan@example.com", given_name="Dan", family_name="Ng", provided_id="E7", properties={"team": "X"}
    )
    first = execute(operator)
    made = by_email(kinde, "dan@example.com")
    assert first == {"user_id": made["id"], "outcome": "created", "changed": ["team"]}
    assert (made["first_name"], made["last_name"], made["provided_id"]) == ("Dan", "Ng", "E7")
    assert made["properties"] == {"team": "X"}
    before = writes(kinde)
    assert execute(operator) == {"user_id": made["id"], "outcome": "skipped", "changed": []}
    assert writes(kinde) == before


def test_a_user_is_created_in_an_organization_with_roles(kinde: Emulator) -> None:
    found = execute(KindeCreateUserOperator(**KIND, email="dan@example.com", org_handle="sales", roles=["lead"]))
    assert found["outcome"] == "created"
    assert user(kinde, found["user_id"])["memberships"] == {"org_sales": ["lead"]}


def test_an_existing_user_is_brought_to_what_is_asked_for(kinde: Emulator) -> None:
    operator = KindeCreateUserOperator(
        **KIND, email="cat@example.com", given_name="Cat", org_code="org_sales", roles="lead", if_exists="update"
    )
    assert execute(operator) == {"user_id": "kp_cat", "outcome": "updated", "changed": ["given_name", "roles"]}
    assert user(kinde, "kp_cat")["memberships"] == {"org_sales": ["lead", "seller"]}
    before = writes(kinde)
    assert execute(operator)["outcome"] == "unchanged"
    assert writes(kinde) == before


def test_an_existing_user_joins_the_organization(kinde: Emulator) -> None:
    operator = KindeCreateUserOperator(**KIND, email="ann@EXAMPLE.com", org_name="Sales", if_exists="update")
    assert execute(operator) == {"user_id": "kp_ann", "outcome": "updated", "changed": ["organization"]}
    assert user(kinde, "kp_ann")["memberships"] == {"org_sales": []}


def test_an_existing_user_fails_the_task_if_wanted(kinde: Emulator) -> None:
    with pytest.raises(KindeConflictError, match="kp_ann"):
        execute(KindeCreateUserOperator(**KIND, email="ann@example.com", if_exists="fail"))
    assert writes(kinde) == []


@pytest.mark.parametrize("if_exists", ["skip", "update", "fail"])
def test_a_lost_answer_makes_no_second_user(kinde: Emulator, if_exists: Any) -> None:
    kinde.fault("POST", "/api/v1/user$", after_work=True)
    found = execute(KindeCreateUserOperator(**KIND, email="dan@example.com", if_exists=if_exists))
    assert found == {"user_id": by_email(kinde, "dan@example.com")["id"], "outcome": "created", "changed": []}
    assert writes(kinde) == ["POST /api/v1/user"]


def test_a_lost_request_is_sent_again(kinde: Emulator) -> None:
    kinde.fault("POST", "/api/v1/user$", drop=True)
    assert execute(KindeCreateUserOperator(**KIND, email="dan@example.com"))["outcome"] == "created"
    assert len([item for item in kinde.state()["users"] if item["email"] == "dan@example.com"]) == 1


def test_a_user_created_by_another_client_is_used(kinde: Emulator) -> None:
    # The look before the creation sees nobody.
    kinde.fault("GET", "/api/v1/users", status=200, body={"users": [], "next_token": None})
    assert execute(KindeCreateUserOperator(**KIND, email="ann@example.com"))["outcome"] == "skipped"
    kinde.fault("GET", "/api/v1/users", status=200, body={"users": [], "next_token": None})
    with pytest.raises(KindeConflictError):
        execute(KindeCreateUserOperator(**KIND, email="ann@example.com", if_exists="fail"))


def test_a_user_without_the_address_is_no_success(kinde: Emulator) -> None:
    body = {"id": "kp_x", "created": True, "identities": [{"type": "email", "result": {"created": False}}]}
    kinde.fault("POST", "/api/v1/user$", status=200, body=body)
    with pytest.raises(KindeError, match="kp_x"):
        execute(KindeCreateUserOperator(**KIND, email="dan@example.com"))


def test_an_update_writes_what_differs(kinde: Emulator) -> None:
    operator = KindeUpdateUserOperator(
        **KIND, email="ann@example.com", given_name="Ann", family_name="Low", properties='{"team": "Y"}'
    )
    assert execute(operator) == {"user_id": "kp_ann", "outcome": "updated", "changed": ["family_name", "team"]}
    assert user(kinde, "kp_ann")["last_name"] == "Low"
    before = writes(kinde)
    assert execute(operator) == {"user_id": "kp_ann", "outcome": "unchanged", "changed": []}
    assert writes(kinde) == before


def test_suspended_and_back(kinde: Emulator) -> None:
    kinde.seed({"users": [{"id": "kp_ann", "sessions": 2}]})
    suspend = KindeSuspendUserOperator(**KIND, user_id="kp_ann")
    assert execute(suspend) == {"user_id": "kp_ann", "outcome": "suspended", "changed": ["is_suspended"]}
    assert (user(kinde, "kp_ann")["is_suspended"], user(kinde, "kp_ann")["sessions"]) == (True, 0)
    assert execute(suspend)["outcome"] == "unchanged"
    unsuspend = KindeUnsuspendUserOperator(**KIND, user_id="kp_ann")
    assert execute(unsuspend)["outcome"] == "unsuspended"
    assert not user(kinde, "kp_ann")["is_suspended"]
    assert execute(unsuspend)["outcome"] == "unchanged"


def test_a_suspension_that_ended_half_way_is_completed(kinde: Emulator) -> None:
    kinde.seed({"users": [{"id": "kp_ann", "sessions": 1}]})
    kinde.fault("DELETE", "/sessions", status=400)
    suspend = KindeSuspendUserOperator(**KIND, user_id="kp_ann")
    with pytest.raises(KindeError):
        execute(suspend)
    execute(suspend)
    assert (user(kinde, "kp_ann")["is_suspended"], user(kinde, "kp_ann")["sessions"]) == (True, 0)


def test_sessions_stay_where_that_is_wanted(kinde: Emulator) -> None:
    kinde.seed({"users": [{"id": "kp_ann", "sessions": 2}]})
    execute(KindeSuspendUserOperator(**KIND, user_id="kp_ann", end_sessions=False))
    assert user(kinde, "kp_ann")["sessions"] == 2


def test_deleted(kinde: Emulator) -> None:
    operator = KindeDeleteUserOperator(**KIND, email="bob@example.com", is_delete_profile=True)
    assert execute(operator) == {"user_id": "kp_bob", "outcome": "deleted", "changed": []}
    assert [item["id"] for item in kinde.state()["users"]] == ["kp_ann", "kp_cat"]
    assert execute(operator) == {"user_id": None, "outcome": "missing", "changed": []}
    with pytest.raises(KindeNotFoundError, match=r"bob@example\.com"):
        execute(KindeDeleteUserOperator(**KIND, email="bob@example.com", if_missing="fail"))


def test_a_deletion_whose_answer_is_lost(kinde: Emulator) -> None:
    kinde.fault("DELETE", "/api/v1/user", after_work=True)
    assert execute(KindeDeleteUserOperator(**KIND, user_id="kp_bob"))["outcome"] == "deleted"


@pytest.mark.parametrize(
    "operator",
    [KindeUpdateUserOperator, KindeSuspendUserOperator, KindeUnsuspendUserOperator, KindeDeleteUserOperator],
)
class TestNaming:
    @pytest.mark.parametrize("status", [404, 400])
    def test_a_missing_user_is_skipped_or_fails(self, kinde: Emulator, operator: Any, status: Any) -> None:
        kinde.set(missing_user_status=status)
        with pytest.raises(KindeNotFoundError, match="kp_nobody"):
            execute(operator(**KIND, user_id="kp_nobody", if_missing="fail"))
        found = execute(operator(**KIND, user_id="kp_nobody", if_missing="skip"))
        assert found == {"user_id": "kp_nobody", "outcome": "missing", "changed": []}
        assert writes(kinde) == []

    @pytest.mark.parametrize("user_id", ["kp_ann/..", "../kp_ann", "kp_ann?x=1", "kp_ann\n", "a,b", "..", " ", "a#b"])
    def test_an_invalid_user_id_is_never_sent(self, kinde: Emulator, operator: Any, user_id: str) -> None:
        with pytest.raises(KindeInputError):
            execute(operator(**KIND, user_id=user_id))
        assert calls(kinde) == []

    @pytest.mark.parametrize("email", ["ann", "a@b@c.example", "@x.example", "a,b@x.example", "a b@x.example"])
    def test_an_invalid_address_is_never_sent(self, kinde: Emulator, operator: Any, email: str) -> None:
        with pytest.raises(KindeInputError):
            execute(operator(**KIND, email=email))
        assert calls(kinde) == []

    def test_both_or_neither(self, kinde: Emulator, operator: Any) -> None:
        with pytest.raises(KindeInputError, match="both"):
            execute(operator(**KIND, email="ann@example.com", user_id="kp_ann"))
        with pytest.raises(KindeInputError, match="neither"):
            execute(operator(**KIND, email=" "))
        with pytest.raises(ValueError, match="by user_id or by email"):
            operator(**KIND)

    def test_an_address_of_two(self, kinde: Emulator, operator: Any) -> None:
        kinde.set(email_case="sensitive")
        kinde.seed(
            {"users": [{"id": "kp_other", "email": "bob@EXAMPLE.com"}, {"id": "kp_3", "email": "BOB@example.com"}]}
        )
        kinde.set(email_case="insensitive")
        with pytest.raises(KindeInputError, match="users have the address"):
            execute(operator(**KIND, email="bob@example.com"))
        assert writes(kinde) == []


def test_a_second_address_names_a_user_too(kinde: Emulator) -> None:
    kinde.seed({"users": [{"id": "kp_ann", "email": "Ann@example.com", "identities": ["second@example.com"]}]})
    assert execute(KindeSuspendUserOperator(**KIND, email="SECOND@example.com"))["user_id"] == "kp_ann"


def test_unknown_roles_and_organizations_stop_before_anything_is_written(kinde: Emulator) -> None:
    with pytest.raises(KindeInputError, match="'boss'; there are: lead, owner, seller"):
        execute(KindeCreateUserOperator(**KIND, email="dan@example.com", org_code="org_sales", roles=["boss"]))
    with pytest.raises(KindeNotFoundError, match="org_none"):
        execute(KindeCreateUserOperator(**KIND, email="dan@example.com", org_code="org_none"))
    with pytest.raises(KindeInputError, match="roles are held in an organization"):
        execute(KindeCreateUserOperator(**KIND, email="dan@example.com", roles=["lead"]))
    assert writes(kinde) == []


ANN = {"id": "kp_ann", "email": "ann@example.com"}


@pytest.mark.parametrize("answer", [5, [5], {"users": 5}, {"users": [5]}, {"users": [{**ANN, "identities": "x"}]},
    {"users": [{**ANN, "identities": 5}]}, {"users": [{**ANN, "id": ".."}]}, {"users": [{**ANN, "id": 5}]},
    {"users": [{"email": "ann@example.com"}]}])  # fmt: skip
def test_users_of_another_shape(kinde: Emulator, answer: Any) -> None:
    kinde.fault("GET", "/api/v1/users", status=200, body=answer, times=None)
    with pytest.raises(KindeResponseError):
        execute(KindeSuspendUserOperator(**KIND, email="ann@example.com"))
    assert writes(kinde) == []


@pytest.mark.parametrize(
    "answer", [5, [5], {"id": ".."}, {"id": [1]}, {"id": "kp_x", "identities": "x"}, {"id": "kp_x", "identities": [5]},
    {"id": "kp_x", "identities": [{"result": 5}]}]
)  # fmt: skip
def test_a_creation_answered_in_another_shape(kinde: Emulator, answer: Any) -> None:
    kinde.fault("POST", "/api/v1/user$", status=200, body=answer)
    with pytest.raises(KindeResponseError):
        execute(KindeCreateUserOperator(**KIND, email="dan@example.com", properties={"team": "X"}))
    assert writes(kinde) == ["POST /api/v1/user"]


@pytest.mark.parametrize("answer", [5, [5], {"properties": 5}, {"properties": [5]}, {"properties": {"key": "x"}}])
def test_properties_of_another_shape(kinde: Emulator, answer: Any) -> None:
    kinde.fault("GET", "/properties", status=200, body=answer)
    with pytest.raises(KindeResponseError):
        execute(KindeUpdateUserOperator(**KIND, user_id="kp_ann", properties={"team": "X"}))


@pytest.mark.parametrize("name", ["given_name", "family_name", "picture", "provided_id"])
@pytest.mark.parametrize("text", ["a\0\x1b[2J", "\ud800"])
def test_a_parameter_that_is_no_text_is_never_sent(kinde: Emulator, name: str, text: str) -> None:
    for kind in (KindeCreateUserOperator, KindeUpdateUserOperator):
        with pytest.raises(KindeInputError, match=f"{name} .* holds a control character or half a character"):
            execute(kind(**KIND, email="dan@example.com", **{name: text}))
        with pytest.raises(KindeInputError, match="properties holds a value that cannot be sent"):
            execute(kind(**KIND, email="dan@example.com", properties={"team": ["\ud800"]}))
    assert calls(kinde) == []


def test_choices_are_checked_when_the_dag_is_parsed() -> None:
    with pytest.raises(ValueError, match="if_exists='replace'"):
        KindeCreateUserOperator(**KIND, email="a@b.example", if_exists="replace")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="if_missing='update'"):
        KindeDeleteUserOperator(**KIND, user_id="kp_ann", if_missing="update")  # type: ignore[arg-type]


def test_a_refused_connection_is_not_tried_again(kinde: Emulator) -> None:
    from airflow.providers.common.compat.sdk import AirflowFailException

    kinde.set(scopes=["read:users"])
    with pytest.raises(AirflowFailException, match="update:users"):
        KindeSuspendUserOperator(**KIND, user_id="kp_ann").execute({"ti": Ti()})  # type: ignore[typeddict-item]
    nowhere = KindeSuspendUserOperator(task_id="x", kinde_conn_id="nowhere", user_id="kp_ann")
    with pytest.raises(AirflowFailException, match="Correct the id, or add the connection"):
        nowhere.execute({"ti": Ti()})  # type: ignore[typeddict-item]


def retried(**parameters: Any) -> list[dict[str, Any] | str]:
    """What two tries of one task in one DAG run end with, each in a process of its own as far as the task knows."""
    from types import SimpleNamespace

    from airflow.providers.common.compat.sdk import AirflowFailException

    ended: list[dict[str, Any] | str] = []
    for number in (1, 2):
        ti = SimpleNamespace(
            dag_id="hires", run_id="monday", task_id="task", map_index=-1, try_number=number, xcom_push=Ti().xcom_push
        )
        try:
            ended.append(KindeCreateUserOperator(**KIND, **parameters).execute({"ti": ti}))  # type: ignore[typeddict-item]
        except (KindeError, AirflowFailException, StorageError) as error:
            ended.append(type(error).__name__)
    return ended


@pytest.mark.parametrize("if_exists", ["skip", "fail", "update"])
@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", "/users/.*/properties"), (None, "/organizations/org_sales/users")]
)
def test_a_retry_finishes_the_account_that_the_task_began(
    kinde: Emulator, if_exists: Any, method: str | None, path: str
) -> None:
    kinde.fault(method, path, status=400)
    wanted = {"email": "dan@example.com", "org_code": "org_sales", "roles": ["lead"], "properties": {"team": "X"}}
    first, second = retried(**wanted, if_exists=if_exists)
    assert (first, isinstance(second, dict)) == ("AirflowFailException", True)
    made = by_email(kinde, "dan@example.com")
    assert (made["memberships"].get("org_sales"), made["properties"]) == (["lead"], {"team": "X"})


def test_a_retry_leaves_an_account_alone_that_another_made(kinde: Emulator) -> None:
    before = writes(kinde)
    wanted = {"email": "cat@example.com", "org_code": "org_sales", "roles": ["lead"], "properties": {"team": "X"}}
    assert [ended["outcome"] for ended in retried(**wanted) if isinstance(ended, dict)] == ["skipped", "skipped"]
    assert writes(kinde) == before


@pytest.mark.parametrize("wanted", [{"properties": {"taem": "X"}}, {"org_code": "org_sales", "roles": ["led"]}])
def test_unknown_keys_are_found_before_an_account_is_made(kinde: Emulator, wanted: dict[str, Any]) -> None:
    with pytest.raises(KindeInputError, match=r"no (property|role) with the key"):
        execute(KindeCreateUserOperator(**KIND, email="dan@example.com", **wanted))
    assert writes(kinde) == []


def test_numbers_in_properties_become_text(kinde: Emulator) -> None:
    execute(KindeUpdateUserOperator(**KIND, user_id="kp_ann", properties={"team": 7}))
    assert user(kinde, "kp_ann")["properties"] == {"team": "7"}


def test_an_unwritable_storage_is_found_before_an_account_is_made(
    kinde: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__KINDE__STORAGE_PATH", "/dev/null/kinde")
    assert retried(email="dan@example.com", properties={"team": "X"}) == ["StorageError"] * 2
    assert writes(kinde) == []
