"""Users and organizations task by task: create a user, wait for it, add it to an organization, suspend it.

To try it: make an Airflow connection ``kinde_default`` of type *Kinde*, unpause this DAG, and trigger it; the form asks
for an address. The organization "Airflow example" is created if it does not exist, and removed at the end.
"""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_kinde.operators.organizations import (
    KindeAddOrganizationUsersOperator,
    KindeCreateOrganizationOperator,
    KindeDeleteOrganizationOperator,
)
from airflow_provider_kinde.operators.users import KindeCreateUserOperator, KindeSuspendUserOperator
from airflow_provider_kinde.sensors.organizations import KindeOrganizationUserSensor
from airflow_provider_kinde.sensors.users import KindeUserSensor

with DAG(
    "kinde_example_users",
    schedule=None,
    catchup=False,
    is_paused_upon_creation=True,
    tags=["kinde", "example"],
    doc_md=__doc__,
    params={
        "email": Param("jo@example.com", type="string", format="email", description="Address of the user to create")
    },
) as dag:
    organization = KindeCreateOrganizationOperator(task_id="organization", name="Airflow example", if_exists="skip")
    joiner = KindeCreateUserOperator(
        task_id="joiner",
        email="{{ params.email }}",
        given_name="Jo",
        family_name="Example",
        if_exists="update",
    )
    there = KindeUserSensor(task_id="there", email="{{ params.email }}", condition="active", poke_interval=5)
    member = KindeAddOrganizationUsersOperator(
        task_id="member",
        org_code="{{ ti.xcom_pull('organization')['org_code'] }}",
        users=["{{ params.email }}"],
    )
    joined = KindeOrganizationUserSensor(
        task_id="joined",
        org_code="{{ ti.xcom_pull('organization')['org_code'] }}",
        email="{{ params.email }}",
        poke_interval=5,
    )
    leaver = KindeSuspendUserOperator(task_id="leaver", email="{{ params.email }}")
    cleanup = KindeDeleteOrganizationOperator(
        task_id="cleanup", org_code="{{ ti.xcom_pull('organization')['org_code'] }}"
    )

    [organization, joiner] >> there >> member >> joined >> leaver >> cleanup
