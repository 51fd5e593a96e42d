"""What holds for every operator that writes: a retry finishes what failed, and the storage is tried before a write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_kinde import get_provider_info
from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import ProviderError
from kinde_emulator import Emulator
from tests.support.company import Company, connection
from tests.support.operator_runs import Ti, writes

SALES: dict[str, Any] = {"org_code": "org_sales"}
EVERYBODY = ["kp_ann", "kp_bob", "kp_cat"]
PERSON = {"given_name": "Dan", "family_name": "Ng", "properties": {"team": "X"}}

TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "create a user": ("users.KindeCreateUserOperator", {"email": "dan@example.com", **PERSON}),
    "create a member": (
        "users.KindeCreateUserOperator",
        {"email": "dan@example.com", **PERSON, "org_name": "Sales", "roles": ["lead"]},
    ),
    "complete a user": (
        "users.KindeCreateUserOperator",
        {"email": "ann@example.com", **PERSON, **SALES, "roles": ["lead"], "if_exists": "update"},
    ),
    "update": ("users.KindeUpdateUserOperator", {"user_id": "kp_ann", **PERSON}),
    "suspend": ("users.KindeSuspendUserOperator", {"user_id": "kp_cat", "delete_api_keys": True}),
    "unsuspend": ("users.KindeUnsuspendUserOperator", {"email": "bob@example.com"}),
    "delete": ("users.KindeDeleteUserOperator", {"user_id": "kp_bob"}),
    "create an organization": ("organizations.KindeCreateOrganizationOperator", {"name": "Legal", "handle": "legal"}),
    "update an organization": (
        "organizations.KindeUpdateOrganizationOperator",
        {**SALES, "changes": {"handle": "seller"}, "properties": {"region": "eu"}},
    ),
    "delete an organization": ("organizations.KindeDeleteOrganizationOperator", SALES),
    "add": (
        "organizations.KindeAddOrganizationUsersOperator",
        {**SALES, "users": EVERYBODY, "roles": ["lead"], "if_exists": "update"},
    ),
    "replace roles": (
        "organizations.KindeUpdateOrganizationUsersOperator",
        {"org_code": "org_research", "users": EVERYBODY, "roles": ["owner"], "permissions": ["read:deals"]},
    ),
    "give roles and permissions": (
        "organizations.KindeUpdateOrganizationUsersOperator",
        {
            "org_code": "org_research",
            "users": EVERYBODY,
            "roles": ["lead"],
            "permissions": ["read:deals"],
            "mode": "add",
        },
    ),
    "take a role": (
        "organizations.KindeUpdateOrganizationUsersOperator",
        {"org_code": "org_research", "users": EVERYBODY, "roles": ["seller"], "mode": "remove"},
    ),
    "remove": (
        "organizations.KindeRemoveOrganizationUsersOperator",
        {"org_code": "org_research", "users": EVERYBODY},
    ),
    "invite": (
        "organizations.KindeInviteUserOperator",
        {**SALES, "email": "dan@example.com", "roles": ["lead"], "send_email": False},
    ),
    "permissions of a role": (
        "roles.KindeUpdateRolePermissionsOperator",
        {"role": "lead", "permissions": ["read:deals"]},
    ),
    "refresh claims": ("roles.KindeRefreshUserClaimsOperator", {"role": "seller"}),
    "flags of the environment": (
        "feature_flags.KindeUpdateFeatureFlagsOperator",
        {"flags": {"beta": True, "size": 7}},
    ),
    "flags of an organization": (
        "feature_flags.KindeUpdateFeatureFlagsOperator",
        {**SALES, "flags": {"beta": True, "size": 7}},
    ),
    "any operation": (
        "api.KindeApiOperator",
        {"operation": "create_role", "arguments": {"name": "Guest", "key": "guest"}, "if_exists": "skip"},
    ),
}
"""A task of each operator on users, organizations and roles."""
OF_THE_SYNC = {
    "sync.KindeSyncPlanOperator": {},
    "sync.KindeSyncApplyOperator": {"plan_path": "plan.json"},
    "sync.KindeSyncOperator": {},
    "accounts.KindeAccountsOperator": {},
    "reviews.KindeAccessReviewOperator": {},
    "person.KindeOnboardUserOperator": {
        "address": "dan@example.com",
        "given_name": "Dan",
        "family_name": "Ng",
        "organization": "it",
    },
    "person.KindeOffboardUserOperator": {"address": "mail-1@example.com"},
}
"""A task of each operator with a spec."""
WITHOUT_WRITES = {"approval.KindeSyncApprovalOperator", "object_storage.KindeUsersToObjectStorageOperator"}
"""Operators that ask a person, or write files only."""
FAILURES = {
    "refused": {"status": 400},
    "answered with an error after the work": {"status": 500, "after_work": True},
}


def kind(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(f"airflow_provider_kinde.operators.{module}"), attribute)


SEED: dict[str, Any] = {
    "organizations": [
        {"name": "Sales", "code": "org_sales", "handle": "sales"},
        {"name": "Research", "code": "org_research"},
    ],
    "roles": ["seller", "lead", "owner"],
    "permissions": ["read:deals"],
    "properties": ["team", {"key": "region", "context": "org"}],
    "feature_flags": [{"key": "beta"}, {"key": "size", "type": "int"}],
    "users": [
        {"id": "kp_ann", "email": "ann@example.com", "memberships": {"org_research": ["seller"]}},
        {
            "id": "kp_bob",
            "email": "bob@example.com",
            "is_suspended": True,
            "memberships": {"org_research": ["seller"]},
        },
        {
            "id": "kp_cat",
            "email": "cat@example.com",
            "memberships": {"org_research": ["seller", "lead"], "org_sales": ["seller"]},
            "sessions": 2,
            "api_keys": ["a", "b"],
        },
    ],
}


@contextmanager
def tenant(monkeypatch: pytest.MonkeyPatch, storage: Path) -> Iterator[Emulator]:
    """A Kinde of its own, and a storage of its own, as the connection ``kinde_test``."""
    monkeypatch.setenv("AIRFLOW__KINDE__STORAGE_PATH", str(storage))
    with Emulator() as kinde:
        kinde.seed(SEED)
        monkeypatch.setenv("AIRFLOW_CONN_KINDE_TEST", connection(kinde))
        yield kinde


def attempt(name: str, arguments: dict[str, Any], number: int) -> str:
    """One try of the task in its DAG run, in a process of its own as far as the task knows."""
    ti = SimpleNamespace(
        dag_id="hires", run_id="monday", task_id="task", map_index=-1, try_number=number, xcom_push=Ti().xcom_push
    )
    try:
        kind(name)(task_id="task", kinde_conn_id="kinde_test", **arguments).execute({"ti": ti})
    except (ProviderError, AirflowException, AirflowFailException) as error:
        return type(error).__name__
    return "success"


def content(kinde: Emulator) -> Any:
    """All that Kinde holds, without ids and times."""
    state = kinde.state()
    names = {item["code"]: item["name"] for item in state["organizations"]}
    with KindeClient(kinde.url, kinde.client_id, kinde.client_secret) as client:
        invitations = [
            (names[code], item["email"], sorted(role["key"] for role in item["roles"]))
            for code in sorted(names)
            for item in client.iter_organization_invites(code)
        ]
        overrides = [client.get_environement_feature_flags()["feature_flags"]]
        overrides += [client.get_organization_feature_flags(code)["feature_flags"] for code in sorted(names)]
    users = [
        (
            item["email"],
            item["first_name"],
            item["last_name"],
            item["is_suspended"],
            item["properties"],
            {names[code]: roles for code, roles in item["memberships"].items()},
            {names[code]: keys for code, keys in item["permissions"].items() if keys},
            item["sessions"],
            item["api_keys"],
        )
        for item in state["users"]
    ]
    organizations = [(item["name"], item["handle"], item["properties"]) for item in state["organizations"]]
    roles = [(item["key"], item["permissions"]) for item in state["roles"]]
    return sorted(users, key=str), sorted(organizations, key=str), roles, invitations, overrides


def as_pattern(path: str) -> str:
    """A path in which ids that Kinde chose may be others."""
    return "^" + re.sub(r"[\w-]*[0-9a-f-]{11,}", "[^/]+", path) + "$"


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("task", TASKS)
def test_a_retry_finishes_what_failed_at_any_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, task: str, failure: str
) -> None:
    name, arguments = TASKS[task]
    with tenant(monkeypatch, tmp_path / "clean") as kinde:
        assert attempt(name, arguments, 1) == "success"
        requests, wanted = writes(kinde), content(kinde)
    assert requests
    # The first, the second and the last write: those in between are like the second.
    for number in sorted({0, min(1, len(requests) - 1), len(requests) - 1}):
        request = requests[number]
        method, path = request.split()
        with tenant(monkeypatch, tmp_path / str(number)) as kinde:
            earlier = [(method, as_pattern(path)) for method, path in map(str.split, requests[:number])]
            skip = earlier.count((method, as_pattern(path)))
            fault = kinde.fault(method, as_pattern(path), skip=skip, **FAILURES[failure])
            ended = [attempt(name, arguments, try_) for try_ in (1, 2)]
            assert (fault.hits, ended[-1], content(kinde)) == (1, "success", wanted), (request, ended)


def test_every_operator_is_tested_here() -> None:
    modules = [name for entry in get_provider_info()["operators"] for name in entry["python-modules"]]
    defined = {
        f"{module.removeprefix('airflow_provider_kinde.operators.')}.{name}"
        for module in modules
        for name, value in vars(import_module(module)).items()
        if name.startswith("Kinde") and name.endswith("Operator") and value.__module__ == module
    }
    tested = {f"{kind(name).__module__.rpartition('.')[2]}.{kind(name).__name__}" for name, _ in TASKS.values()}
    assert defined - WITHOUT_WRITES == tested | OF_THE_SYNC.keys()


@pytest.mark.parametrize("task", TASKS)
def test_a_storage_that_cannot_be_written_is_found_before_the_first_write(
    monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    name, arguments = TASKS[task]
    with tenant(monkeypatch, Path("/dev/null/kinde")) as kinde:
        ended = attempt(name, arguments, 1)
        # Most operators keep nothing.
        assert ended == "success" or (ended == "StorageError" and not writes(kinde))


@pytest.mark.parametrize(
    ("setting", "value"), [("redact", "on"), ("log_personal_data", "perhaps"), ("storage_path", "/dev/null/kinde")]
)
@pytest.mark.parametrize("name", OF_THE_SYNC)
def test_settings_and_storage_are_tried_before_the_first_request_of_the_sync(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, setting: str, value: str
) -> None:
    company = Company(tmp_path)
    with tenant(monkeypatch, tmp_path / "storage") as kinde:
        monkeypatch.setenv(f"AIRFLOW__KINDE__{setting.upper()}", value)
        operator = kind(name)(task_id="task", spec=str(company.spec), kinde_conn_id="kinde_test", **OF_THE_SYNC[name])
        ti = SimpleNamespace(
            dag_id="dag", run_id="run", task_id="task", map_index=-1, try_number=1, xcom_push=Ti().xcom_push
        )
        context = {"ti": ti, "dag_run": SimpleNamespace(run_type="manual", conf={}, run_id="run"), "run_id": "run"}
        with pytest.raises((AirflowException, ProviderError), match=f"{setting}|could not be written"):
            operator.execute(context)
        assert kinde.log() == []
