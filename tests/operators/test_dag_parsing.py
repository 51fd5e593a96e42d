"""What happens to these operators before and beside a run: links, templates, serialised DAGs, light imports."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import KindeError
from airflow_provider_kinde.links.admin import KindeAdminLink
from airflow_provider_kinde.operators.users import KindeSuspendUserOperator
from kinde_emulator import Emulator
from tests.support.operator_runs import Ti, typed_errors

MODULES = (
    "operators.users",
    "operators.organizations",
    "operators.members",
    "operators.invitations",
    "operators.roles",
    "operators.feature_flags",
    "operators.api",
    "sensors.users",
    "sensors.organizations",
)


def classes() -> list[Any]:
    found = []
    for name in MODULES:
        module = importlib.import_module(f"airflow_provider_kinde.{name}")
        found += [
            value
            for key, value in vars(module).items()
            if key.startswith("Kinde") and getattr(value, "__module__", "") == module.__name__
        ]
    return found


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_whatever_is_named_is_templated(kind: Any) -> None:
    import inspect

    parameters: set[str] = set()
    for base in kind.__mro__:
        if base.__module__.startswith("airflow_provider_kinde") and "__init__" in vars(base):
            parameters |= inspect.signature(base.__init__).parameters.keys()
    named = {"kinde_conn_id", "user_id", "email", "org_code", "handle", "external_id", "name", "users", "roles"}
    named |= {
        "role",
        "flags",
        "invite_code",
        "permissions",
        "arguments",
        "operation",
        "changes",
        "settings",
        "properties",
        "given_name",
        "identity",
    }
    if kind.__name__ == "KindeRemoveOrganizationUsersOperator":
        named -= {"roles", "permissions"}
    # A user's address is kept in user_email: task.email is whom Airflow alerts.
    taken = {{"email": "user_email"}.get(name, name) for name in named & parameters}
    assert taken <= set(kind.template_fields)
    assert set(kind.template_fields_renderers) <= set(kind.template_fields)
    assert [link.name for link in kind.operator_extra_links] == ["Kinde admin"]


def test_there_are_as_many_as_documented() -> None:
    assert len(classes()) == 5 + 7 + 1 + 2 + 1 + 1 + 3


def test_the_link_works_while_the_task_runs_and_after_it_failed(kinde: Emulator) -> None:
    ti = Ti()
    kinde.fault("PATCH", "/api/v1/user", status=400)
    with pytest.raises(KindeError), typed_errors():
        KindeSuspendUserOperator(task_id="t", kinde_conn_id="kinde_test", user_id="kp_ann").execute({"ti": ti})  # type: ignore[arg-type]
    assert ti.xcoms == {KindeAdminLink().xcom_key: f"{kinde.url}/admin"}


def test_the_link_never_raises() -> None:
    assert KindeAdminLink().get_link(None, ti_key=object()) == ""  # type: ignore[arg-type]
    assert KindeAdminLink().get_link(None, ti_key=None) == ""  # type: ignore[arg-type]


SERIALIZE = """
import json
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_kinde.operators.users import *
from airflow_provider_kinde.operators.organizations import *
from airflow_provider_kinde.sensors.users import *
with DAG("d", schedule=None) as dag:
    made = KindeCreateUserOperator(task_id="create", email="{{ params.email }}", roles=["a"], org_code="o")
    KindeSuspendUserOperator(task_id="suspend", email=made.output["email"])
    KindeUserSensor(task_id="sensor", user_id=made.output["user_id"], deferrable=True)
    KindeDeleteUserOperator.partial(task_id="mapped").expand(email=made.output)
    KindeAddOrganizationUsersOperator(task_id="add", org_code="o", users=made.output)
    assert dag.get_task("suspend").upstream_task_ids == {"create"}
    assert dag.get_task("add").upstream_task_ids == {"create"}
try:
    from airflow.serialization.serialized_objects import DagSerialization as Serialized
except ImportError:
    from airflow.serialization.serialized_objects import SerializedDAG as Serialized
encoded = json.loads(json.dumps(Serialized.to_dict(dag)))
again = Serialized.from_dict(encoded)
print(len(again.task_ids), again.get_task("create").operator_extra_links[0].name)
"""


def test_dags_are_serialised(kinde: Emulator) -> None:
    done = subprocess.run([sys.executable, "-c", SERIALIZE], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "5 Kinde admin"


LIGHT = """
import json, sys
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator, BaseOperatorLink, XCom
before = set(sys.modules)
import airflow_provider_kinde.operators.users, airflow_provider_kinde.operators.organizations
import airflow_provider_kinde.operators.api, airflow_provider_kinde.sensors.users
import airflow_provider_kinde.sensors.organizations
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_parsing_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not {"requests", "httpx", "yaml", "jinja2", "airflow_provider_kinde.client", "idna"} & loaded
    assert not [
        name for name in loaded if name.startswith(("airflow_provider_kinde.sync", "airflow_provider_kinde.client"))
    ]


def test_importing_everything_loads_nothing_that_airflow_has_not_loaded() -> None:
    if importlib.util.find_spec("airflow.sdk") is None:
        pytest.skip("what Airflow 2.11 has loaded is another matter")
    script = Path(__file__).parents[2] / "benchmarks" / "peers" / "parse.py"
    command = [sys.executable, script, "airflow_provider_kinde"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["modules"] >= 15
    # Only operators.retry_policy needs that one module of Airflow, which imports nothing else.
    assert set(found["others"]) <= {"airflow.sdk.definitions.retry_policy"}
    assert found["heavy"] == found["asked"] == []
