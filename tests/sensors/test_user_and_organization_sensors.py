from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import KindeError, KindeInputError, KindeNotFoundError
from airflow_provider_kinde.sensors.organizations import (
    KindeInvitationSensor,
    KindeOrganizationSensor,
    KindeOrganizationUserSensor,
)
from airflow_provider_kinde.sensors.users import KindeUserSensor
from kinde_emulator import Emulator
from tests.support.operator_runs import Ti, calls, execute, typed_errors

KIND: dict[str, Any] = {"task_id": "task", "kinde_conn_id": "kinde_test", "deferrable": False}

Runner = Callable[..., Any]


@typed_errors()
def poke(sensor: Any) -> Any:
    seen = sensor.poke({"ti": Ti()})
    return seen.xcom_value if seen else None


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"user_id": "kp_ann"}, {"user_id": "kp_ann", "state": "active"}),
        ({"email": "ANN@example.com", "condition": "active"}, {"user_id": "kp_ann", "state": "active"}),
        ({"email": "ann@example.com", "condition": "suspended"}, None),
        ({"user_id": "kp_bob", "condition": "suspended"}, {"user_id": "kp_bob", "state": "suspended"}),
        ({"user_id": "kp_bob", "condition": "active"}, None),
        ({"user_id": "kp_nobody"}, None),
        ({"user_id": "kp_nobody", "condition": "missing"}, {"user_id": "kp_nobody", "state": "missing"}),
        ({"email": "no@example.com", "condition": "missing"}, {"user_id": None, "state": "missing"}),
        ({"user_id": "kp_ann", "condition": "missing"}, None),
        ({"user_id": "kp_ann", "identity": "ann@EXAMPLE.com"}, {"user_id": "kp_ann", "state": "active"}),
        ({"user_id": "kp_ann", "identity_type": "email"}, {"user_id": "kp_ann", "state": "active"}),
        ({"user_id": "kp_ann", "identity_type": "username"}, None),
        ({"user_id": "kp_ann", "identity": "ann@example.com", "identity_type": "phone"}, None),
    ],
)
def test_users(kinde: Emulator, asked: dict[str, Any], found: Any) -> None:
    assert poke(KindeUserSensor(**KIND, **asked)) == found


@pytest.mark.parametrize("shape", ["strings", "objects"])
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"org_code": "org_sales", "user_id": "kp_cat"}, []),
        ({"name": "Sales", "email": "cat@example.com", "roles": ["seller"]}, ["seller"]),
        ({"handle": "sales", "user_id": "kp_cat", "roles": "seller, lead"}, None),
        ({"external_id": "S-1", "user_id": "kp_ann"}, None),
        ({"org_code": "org_none", "user_id": "kp_ann"}, None),
        ({"name": "None at all", "user_id": "kp_ann"}, None),
        ({"org_code": "org_sales", "user_id": "kp_nobody"}, None),
        ({"org_code": "org_sales", "user_id": "kp_ann", "condition": "missing"}, []),
        ({"org_code": "org_sales", "user_id": "kp_cat", "condition": "missing"}, None),
    ],
)
def test_members(kinde: Emulator, asked: dict[str, Any], found: Any, shape: Any) -> None:
    kinde.set(expand_organizations=shape)
    seen = poke(KindeOrganizationUserSensor(**KIND, **asked))
    user_id = asked.get("user_id", "kp_cat")
    assert seen == (None if found is None else {"user_id": user_id, "org_code": "org_sales", "roles": found})


def invite(kinde: Emulator, email: str) -> str:
    """Invite an address to Sales; returns the invitation's code."""
    with KindeClient(kinde.url, kinde.client_id, kinde.client_secret) as client:
        return str(client.create_organization_invite("org_sales", email, ["seller"])["invite"]["code"])


def revoke(kinde: Emulator, code: str) -> None:
    with KindeClient(kinde.url, kinde.client_id, kinde.client_secret) as client:
        client.delete_organization_invite("org_sales", code)


@pytest.mark.parametrize("by", ["email", "invite_code"])
def test_an_invitation_is_waited_for_until_it_is_accepted(kinde: Emulator, by: str) -> None:
    code = invite(kinde, "dan@example.com")
    named = {"email": "Dan@example.com"} if by == "email" else {"invite_code": code}
    sensor = KindeInvitationSensor(**KIND, name="Sales", **named)  # type: ignore[arg-type]
    assert poke(sensor) is None
    user_id = kinde.accept_invitation(code)
    assert poke(sensor) == {"org_code": "org_sales", "invite_code": code, "user_id": user_id}


def test_an_invitation_that_does_not_exist_yet_is_waited_for_and_a_member_needs_none(kinde: Emulator) -> None:
    assert poke(KindeInvitationSensor(**KIND, org_code="org_sales", email="dan@example.com")) is None
    assert poke(KindeInvitationSensor(**KIND, name="None at all", email="dan@example.com")) is None
    found = poke(KindeInvitationSensor(**KIND, org_code="org_sales", email="cat@example.com"))
    assert found == {"org_code": "org_sales", "invite_code": None, "user_id": "kp_cat"}


def test_an_invitation_that_can_never_be_accepted_is_an_error(kinde: Emulator) -> None:
    code = invite(kinde, "dan@example.com")
    revoke(kinde, code)
    for named in ({"email": "dan@example.com"}, {"invite_code": code}):
        with pytest.raises(KindeInputError, match="was revoked"):
            poke(KindeInvitationSensor(**KIND, org_code="org_sales", **named))  # type: ignore[arg-type]
    with pytest.raises(KindeNotFoundError, match="no invitation with the code"):
        poke(KindeInvitationSensor(**KIND, org_code="org_sales", invite_code="none"))
    again = invite(kinde, "dan@example.com")
    sensor = KindeInvitationSensor(**KIND, org_code="org_sales", email="dan@example.com")
    assert poke(sensor) is None
    kinde.accept_invitation(again)
    assert poke(sensor)["invite_code"] == again


def test_an_invitation_is_named_once() -> None:
    for named in ({}, {"email": "a@x.com", "invite_code": "c"}):
        with pytest.raises(ValueError, match="by email or by invite_code"):
            KindeInvitationSensor(**KIND, org_code="o", **named)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [404, 400])
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"org_code": "org_sales"}, "org_sales"),
        ({"name": " Sales "}, "org_sales"),
        ({"handle": "none"}, None),
        ({"org_code": "org_none"}, None),
        ({"org_code": "org_none", "condition": "missing"}, "org_none"),
        ({"org_code": "org_sales", "condition": "missing"}, None),
    ],
)
def test_organizations(kinde: Emulator, asked: dict[str, Any], found: Any, status: Any) -> None:
    kinde.set(missing_organization_status=status)
    seen = poke(KindeOrganizationSensor(**KIND, **asked))
    assert seen == (None if found is None else {"org_code": found})


@pytest.mark.parametrize(
    ("sensor", "asked", "words"),
    [
        (KindeUserSensor, {"user_id": "kp/../x"}, "holds '/'"),
        (KindeUserSensor, {"email": "nobody"}, "no @"),
        (KindeUserSensor, {"user_id": "kp_ann", "email": "ann@example.com"}, "both"),
        (KindeUserSensor, {"user_id": "kp_ann", "condition": "missing", "identity": "x"}, "leave identity"),
        (KindeOrganizationSensor, {"org_code": "org?"}, r"holds '\?'"),
        (KindeOrganizationSensor, {"org_code": "org_a", "name": "A"}, "org_code and name"),
        (
            KindeOrganizationUserSensor,
            {"org_code": "o", "user_id": "u", "roles": ["a"], "condition": "missing"},
            "roles",
        ),
    ],
)
@pytest.mark.parametrize("deferrable", [True, False])
def test_bad_input_is_never_sent(
    kinde: Emulator, sensor: Any, asked: dict[str, Any], words: str, deferrable: bool
) -> None:
    with pytest.raises(KindeInputError, match=words):
        execute(sensor(**{**KIND, "deferrable": deferrable}, **asked))
    assert calls(kinde) == []


def test_invalid_sensor_arguments_are_refused_at_parse() -> None:
    with pytest.raises(ValueError, match="by user_id or by email"):
        KindeUserSensor(**KIND)
    with pytest.raises(ValueError, match="condition='there'"):
        KindeUserSensor(**KIND, user_id="kp", condition="there")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="name the organization"):
        KindeOrganizationUserSensor(**KIND, user_id="kp")


def test_an_unknown_role_is_an_error_and_not_waited_for(kinde: Emulator) -> None:
    with pytest.raises(KindeInputError, match="'boss'; there are: lead, owner, seller"):
        poke(KindeOrganizationUserSensor(**KIND, org_code="org_sales", user_id="kp_cat", roles=["boss"]))


def test_a_name_that_two_organizations_share(kinde: Emulator) -> None:
    kinde.seed({"organizations": [{"name": "Sales", "code": "org_other"}]})
    with pytest.raises(KindeInputError, match=r"org_other, org_sales|org_sales, org_other"):
        poke(KindeOrganizationSensor(**KIND, name="Sales"))


def test_a_passing_failure_is_tolerated(kinde: Emulator) -> None:
    sensor = KindeUserSensor(**KIND, user_id="kp_ann", max_failures=3)
    kinde.fault("GET", "/api/v1/users", status=400, body="<html>")
    for _ in range(2):
        kinde.fault("GET", "/api/v1/users", status=302, headers={"Location": "/"})
    with pytest.raises(KindeError):
        poke(sensor)
    assert poke(sensor) is None
    assert poke(sensor) is None
    assert poke(sensor) == {"user_id": "kp_ann", "state": "active"}
    for _ in range(3):
        kinde.fault("GET", "/api/v1/users", status=302, headers={"Location": "/"})
    assert poke(sensor) is None
    assert poke(sensor) is None
    with pytest.raises(Exception, match="redirect"):
        poke(sensor)


def test_deferrable_by_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = {"task_id": "task", "user_id": "kp_ann"}
    assert not KindeUserSensor(**kind).deferrable
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert KindeUserSensor(**kind).deferrable
    assert not KindeUserSensor(**kind, deferrable=False).deferrable


def test_a_condition_that_is_met_already_is_not_deferred(kinde: Emulator) -> None:
    sensor = KindeUserSensor(**{**KIND, "deferrable": True}, user_id="kp_ann")
    assert execute(sensor) == {"user_id": "kp_ann", "state": "active"}


def test_deferred_with_everything_that_was_asked(kinde: Emulator) -> None:
    from airflow.providers.common.compat.sdk import TaskDeferred

    sensor = KindeOrganizationUserSensor(
        task_id="task",
        kinde_conn_id="kinde_test",
        deferrable=True,
        name="Sales",
        email="ann@example.com",
        roles=["lead"],
        poke_interval=timedelta(seconds=7),
        timeout=100,
        max_failures=2,
    )
    before = time.time()
    with pytest.raises(TaskDeferred) as deferred:
        execute(sensor)
    path, kwargs = deferred.value.trigger.serialize()
    assert path == "airflow_provider_kinde.triggers.conditions.KindeConditionTrigger"
    started = kwargs.pop("started")
    assert before <= started <= time.time()
    assert kwargs.pop("deadline") == started + 100
    assert kwargs == {
        "kinde_conn_id": "kinde_test",
        "condition": "MemberCondition",
        "parameters": {
            "org_code": None,
            "handle": None,
            "external_id": None,
            "name": "Sales",
            "user_id": None,
            "email": "ann@example.com",
            "roles": ["lead"],
            "condition": "member",
        },
        "prepared": True,
        "poll_interval": 7.0,
        "exponential_backoff": False,
        "max_wait": None,
        "execution_deadline": None,
        "max_failures": 2,
        "failures": 0,
    }
    assert deferred.value.method_name == "execute_complete"
    assert deferred.value.timeout is not None
    assert deferred.value.timeout.total_seconds() > 100


@pytest.mark.parametrize(
    "event",
    [None, {}, "met", {"status": "met"}, {"status": "met", "value": {}}, {"status": "done", "value": {"a": 1}}, [1]],
)
def test_a_lost_event_is_no_success(event: Any) -> None:
    from airflow.providers.common.compat.sdk import AirflowException

    with pytest.raises(AirflowException, match="understands"):
        KindeUserSensor(**KIND, user_id="kp_ann").execute_complete({}, event)  # type: ignore[typeddict-item]


def test_events(kinde: Emulator) -> None:
    from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSensorTimeout

    def complete(event: Any) -> Any:
        return KindeUserSensor(**KIND, user_id="kp_ann").execute_complete({}, event)  # type: ignore[typeddict-item]

    assert complete({"status": "met", "value": {"user_id": "kp_ann"}}) == {"user_id": "kp_ann"}
    with pytest.raises(AirflowSensorTimeout):
        complete({"status": "timeout"})
    with pytest.raises(AirflowFailException, match="no such thing"):
        complete({"status": "error", "retry": False, "message": "no such thing"})
    with pytest.raises(AirflowException, match="down") as failed:
        complete({"status": "error", "retry": True, "message": "down"})
    assert not isinstance(failed.value, AirflowFailException)


SENSORS = (
    'KindeUserSensor(task_id="user", email="{{ dag_run.conf.email }}"{how})',
    'KindeOrganizationUserSensor(task_id="member", handle="sales", email="new@example.com", roles=["lead"]{how})',
    'KindeOrganizationSensor(task_id="organization", name="{{ dag_run.conf.org }}"{how})',
)
HOW = {
    "poke": ", deferrable=False, poke_interval=0.3, timeout=20",
    "reschedule": ", deferrable=False, mode='reschedule', poke_interval=0.3, timeout=20",
    "deferrable": ", deferrable=True, poke_interval=1, timeout=20",
}


@pytest.mark.parametrize("how", HOW)
def test_the_three_ways_of_waiting_end_alike(kinde: Emulator, run: Runner, how: str) -> None:
    def later() -> None:
        time.sleep(1.5)
        kinde.seed(
            {
                "organizations": [{"name": "Legal", "code": "org_legal"}],
                "users": [{"id": "kp_new", "email": "new@example.com", "memberships": {"org_sales": ["lead"]}}],
            }
        )

    thread = threading.Thread(target=later)
    thread.start()
    lines = [line.replace("{how}", HOW[how]) for line in SENSORS]
    done = run(*lines, conf={"email": "new@example.com", "org": "Legal"})
    thread.join()
    assert done.state == "success"
    assert done.xcom("user") == {"user_id": "kp_new", "state": "active"}
    assert done.xcom("member") == {"user_id": "kp_new", "org_code": "org_sales", "roles": ["lead"]}
    assert done.xcom("organization") == {"org_code": "org_legal"}
    assert done.values("user", "kinde_admin_link") == [f"{kinde.url}/admin"]


@pytest.mark.parametrize("how", ["poke", "deferrable"])
@pytest.mark.parametrize(("soft", "state"), [("False", "failed"), ("True", "skipped")])
def test_a_wait_that_is_over_without_success(kinde: Emulator, run: Runner, how: str, soft: str, state: str) -> None:
    options = HOW[how].replace("timeout=20", "timeout=1")
    done = run(f'KindeUserSensor(task_id="user", user_id="kp_nobody", soft_fail={soft}{options})')
    assert done.states == {"user": state}


def test_mapped_sensors(kinde: Emulator, run: Runner) -> None:
    done = run(
        'KindeUserSensor.partial(task_id="user", deferrable=True).expand(user_id=["kp_ann", "kp_bob", "kp_cat"])',
        'KindeOrganizationUserSensor.partial(task_id="member", condition="missing", org_code="org_research").expand('
        'email=["ann@example.com", "bob@example.com"])',
        'KindeOrganizationSensor.partial(task_id="organization").expand(name=["Sales", "Research"])',
    )
    assert done.state == "success"
    assert done.count == {"user": 3, "member": 2, "organization": 2}


def test_alerts_never_go_to_the_user() -> None:
    sensor = KindeUserSensor(**KIND, email="ann@example.com", email_on_failure=True)
    assert (sensor.user_email, sensor.email) == ("ann@example.com", None)
