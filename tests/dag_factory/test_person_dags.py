"""The two forms as DAGs, each followed by the scheduled sync."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.dag_factory import kinde_offboard_dag, kinde_onboard_dag
from kinde_emulator import Emulator
from tests.support.company import SECRET_WORDS, Company, Run, writes

DagFile = Callable[[str], Any]

SYNC = """
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", default_args={{"retries": 0}})
"""
FORM = """
from datetime import timedelta
from airflow_provider_kinde.dag_factory.person_dags import kinde_{which}_dag
dag = kinde_{which}_dag({spec!r}, dag_id="DAG_ID", default_args={{"retries": 1, "retry_delay": timedelta(0)}})
"""
NEW = {
    "email": "mail-77@example.com",
    "given_name": "Firstname77",
    "family_name": "Lastname77",
    "organization": "it",
    "roles": ["engineer"],
}


@pytest.fixture
def sync(dag_file: DagFile, company: Company, kinde: Emulator) -> Any:
    return dag_file(SYNC.format(spec=str(company.spec)))


@pytest.fixture
def onboard(dag_file: DagFile, company: Company) -> Any:
    return dag_file(FORM.format(which="onboard", spec=str(company.spec)))


@pytest.fixture
def offboard(dag_file: DagFile, company: Company) -> Any:
    return dag_file(FORM.format(which="offboard", spec=str(company.spec)))


def user(kinde: Emulator, email: str) -> dict[str, Any]:
    return next(user for user in kinde.state()["users"] if user["email"] == email)


@pytest.mark.smoke
def test_onboarding_then_the_scheduled_sync_then_the_row(
    sync: Any, onboard: Any, company: Company, kinde: Emulator, storage_path: Path
) -> None:
    Run(sync)
    run = Run(onboard, NEW)
    assert run.state == "success"
    made = user(kinde, NEW["email"])
    assert made["provided_id"].startswith("small-hr~onboarded:")
    result = run.xcom("onboard")
    assert (result["outcome"], result["user_ids"]) == ("changes", [])
    assert "mail-77" in next(storage_path.rglob("explain.txt")).read_text()
    before = writes(kinde)
    assert Run(sync).xcom("apply")["outcome"] == "no changes"
    assert (writes(kinde), user(kinde, NEW["email"])) == (before, made)
    assert Run(onboard, NEW).xcom("onboard")["outcome"] == "no changes"
    assert writes(kinde) == before
    company.change(77, team="HR")
    assert Run(sync).xcom("apply")["summary"]["adopt"] == 1
    assert user(kinde, NEW["email"])["provided_id"] == "small-hr:E77"


@pytest.mark.smoke
def test_offboarding_then_the_scheduled_sync(sync: Any, offboard: Any, company: Company, kinde: Emulator) -> None:
    Run(sync)
    run = Run(offboard, {"email": "mail-3@example.com"})
    assert run.state == "success"
    assert run.xcom("offboard")["summary"]["suspend"] == 1
    assert user(kinde, "mail-3@example.com")["is_suspended"]
    after = Run(sync)
    assert (after.state, after.xcom("apply")["held"]) == ("success", 1)
    assert user(kinde, "mail-3@example.com")["is_suspended"]
    company.change(3, status="Left")
    assert Run(sync).xcom("apply")["held"] == 0
    assert "~left=" in user(kinde, "mail-3@example.com")["provided_id"]


def test_the_log_explains_without_names(
    sync: Any, onboard: Any, offboard: Any, company: Company, said: Callable[[], str]
) -> None:
    company.change(78)
    Run(onboard, NEW)
    by_form = said()
    Run(offboard, {"hr_id": "E78", "email": ""})
    refused = said()
    Run(onboard, {**NEW, "email": "mail-78@example.com"})
    by_hr = said()
    assert "has no row for this person: the form decides" in by_form
    assert "create" in by_form
    assert "no Kinde account has the link small-hr:E78" in refused
    assert "access   has access" in by_hr
    assert not [word for word in SECRET_WORDS if word in (by_form + by_hr).lower()]


def test_refused_input_fails_without_a_retry(
    onboard: Any, offboard: Any, kinde: Emulator, said: Callable[[], str]
) -> None:
    kinde.seed({"users": [{"email": "by-hand@example.com"}]})
    run = Run(onboard, {**NEW, "email": "by-hand@example.com"})
    assert (run.states, run.tries) == ({"onboard": "failed"}, {"onboard": 1})
    assert "a form does not take accounts over" in said()
    run = Run(offboard, {"email": "by-hand@example.com"})
    assert (run.states, run.tries) == ({"offboard": "failed"}, {"offboard": 1})
    assert "no source manages it" in said()
    assert writes(kinde) == 0


def test_whom_the_sync_holds_is_not_onboarded(
    sync: Any, onboard: Any, offboard: Any, kinde: Emulator, said: Callable[[], str]
) -> None:
    Run(sync)
    Run(offboard, {"hr_id": "E1"})
    run = Run(onboard, {**NEW, "email": "mail-1@example.com"})
    assert run.states == {"onboard": "failed"}
    assert "the person is held: suspended in Kinde by someone else" in said()
    assert run.xcom("onboard")["held"] == 1


def test_a_lost_kinde_is_tried_again(onboard: Any, kinde: Emulator) -> None:
    kinde.fault("POST", "/api/v1/user", status=400, times=1)
    run = Run(onboard, NEW)
    assert (run.state, run.tries) == ("success", {"onboard": 2})


def test_a_start_ahead_waits_without_a_worker(onboard: Any, company: Company, kinde: Emulator) -> None:
    from airflow.providers.common.compat.sdk import TaskDeferred

    from airflow_provider_kinde.operators.person import KindeOnboardUserOperator

    begin = date.today() + timedelta(days=9)  # noqa: DTZ011
    fields = {**NEW, "address": NEW["email"]}
    del fields["email"]
    task = KindeOnboardUserOperator(task_id="t", spec=str(company.spec), start=begin.isoformat(), **fields)
    # Airflow writes to an operator's `email` when the task fails: it must not be the person's.
    assert task.email is None

    class Instance:
        map_index, dag_id, run_id, task_id, try_number = -1, "d", "r", "t", 1

        def xcom_push(self, key: str, value: str) -> None:
            assert value.startswith(("http", "/")), key

    context: Any = {"dag_run": Instance(), "ti": Instance()}
    with pytest.raises(TaskDeferred) as caught:
        task._onboard(context)
    assert caught.value.method_name == "execute_complete"
    assert caught.value.trigger.moment.date() == begin
    assert json.dumps(caught.value.trigger.serialize()[1], default=str)
    assert writes(kinde) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "nobody"},
        {"email": "two@at@example.com"},
        {"email": None},
        {"given_name": " "},
        {"organization": "legal"},
        {"roles": ["owner"]},
        {"start": "next week"},
    ],
)
def test_the_form_is_checked(onboard: Any, changes: dict[str, Any]) -> None:
    ((name, value),) = changes.items()
    onboard.params[name] = NEW.get(name)
    with pytest.raises(Exception, match=r"(?i)invalid|is not|does not match"):
        onboard.params[name] = value


def test_the_choices_are_those_of_the_spec(company: Company) -> None:
    company.spec.write_text(
        company.spec.read_text().replace("hr: {name: HR}", "hr: {name: Human Resources}").replace("[]", "[owner, aide]")
    )
    dag = kinde_onboard_dag(company.spec)
    schema = {name: dag.params.get_param(name).schema for name in dag.params}
    assert list(schema) == [
        "email", "given_name", "family_name", "organization", "roles", "start", "hr_id", "approve",
    ]  # fmt: skip
    assert schema["organization"]["enum"] == ["it", "hr"]
    assert schema["organization"]["values_display"] == {"it": "IT (it)", "hr": "Human Resources (hr)"}
    assert schema["roles"]["items"]["enum"] == ["engineer", "aide"]
    assert (dag.dag_id, dag.fileloc) == ("small-hr-onboard", __file__)
    assert dag.get_task("onboard").kinde_conn_id == "kinde_small"


def test_matched_organizations_are_typed(company: Company) -> None:
    text = company.spec.read_text()
    company.spec.write_text(text.replace("{it: {name: IT}, hr: {name: HR}}", '{match: external_id, prefix: "hr-"}'))
    assert "enum" not in kinde_onboard_dag(company.spec).params.get_param("organization").schema


def test_everything_of_a_dag_can_be_said(company: Company) -> None:
    dag = kinde_offboard_dag(company.spec, dag_id="mine", kinde_conn_id="other", default_args={"retries": 0})
    task = dag.get_task("offboard")
    assert (dag.dag_id, task.retries, task.kinde_conn_id) == ("mine", 0, "other")
    with pytest.raises(FileNotFoundError, match="there is no spec file"):
        kinde_offboard_dag(company.folder / "none.yaml")


@pytest.mark.parametrize("factory", [kinde_onboard_dag, kinde_offboard_dag])
def test_invalid_form_definitions_are_refused_with_the_reason(company: Company, factory: Any) -> None:
    assert factory(company.spec, schedule=None, catchup=False, params={"ticket": "7"}).params["ticket"] == "7"
    with pytest.raises(ValueError, match=r"schedule='@daily': a run needs a filled-in form"):
        factory(company.spec, schedule="@daily")
    with pytest.raises(ValueError, match="the HR id 1_0 would become 10"):
        factory(company.spec, render_template_as_native_obj=True)


NATIVE = """
from airflow.providers.common.compat.sdk import DAG, Param
from airflow_provider_kinde.operators.person import KindeOffboardUserOperator
with DAG("DAG_ID", schedule=None, render_template_as_native_obj=True, default_args={{"retries": 0}},
         params={{"hr_id": Param("1_0", type="string")}}) as dag:
    KindeOffboardUserOperator(task_id="offboard", spec={spec!r}, hr_id="{{{{ params.hr_id{filter} }}}}")
"""


@pytest.mark.parametrize("filter", ["", " | tojson"])
def test_an_id_stays_as_it_was_typed_in_a_dag_that_renders_natively(
    dag_file: DagFile, sync: Any, company: Company, kinde: Emulator, filter: str
) -> None:
    company.change(1, id="1_0")
    company.change(2, id="10")
    Run(sync)
    assert Run(dag_file(NATIVE.format(spec=str(company.spec), filter=filter))).state == "success"
    suspended = [one["provided_id"] for one in kinde.state()["users"] if one["is_suspended"]]
    assert [id.partition("~")[0] for id in suspended] == ["small-hr:1_0"]


def test_a_person_named_none_is_onboarded_under_that_name(onboard: Any, kinde: Emulator, sync: Any) -> None:
    Run(sync)
    assert Run(onboard, {**NEW, "given_name": "Null", "family_name": "None"}).state == "success"
    made = user(kinde, NEW["email"])
    assert (made["first_name"], made["last_name"]) == ("Null", "None")
