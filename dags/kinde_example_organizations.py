"""One organization: create it, change members, roles and the handle, send an invitation, call the API, delete it.

To try it: make an Airflow connection ``kinde_default`` of type *Kinde*, unpause this DAG, and trigger it; the form asks
for an address. The organization "Airflow example 2" is created if it does not exist, and removed at the end. The user
is created and removed; if the user exists already, the DAG fails. The invitation is not sent by e-mail.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, Param

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
from airflow_provider_kinde.operators.retry_policy import kinde_retry_policy
from airflow_provider_kinde.operators.users import (
    KindeCreateUserOperator,
    KindeDeleteUserOperator,
    KindeSuspendUserOperator,
    KindeUnsuspendUserOperator,
    KindeUpdateUserOperator,
)
from airflow_provider_kinde.sensors.organizations import KindeOrganizationSensor

ORGANIZATION = "{{ ti.xcom_pull('organization')['org_code'] }}"
USER = "{{ ti.xcom_pull('user')['user_id'] }}"

with DAG(
    "kinde_example_organizations",
    schedule=None,
    catchup=False,
    is_paused_upon_creation=True,
    tags=["kinde", "example"],
    doc_md=__doc__,
    # From Airflow 3.3 on, errors that a retry cannot change are not retried.
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1), "retry_policy": kinde_retry_policy},
    params={
        "email": Param("kim@example.com", type="string", format="email", description="Address of the user to create")
    },
) as dag:
    organization = KindeCreateOrganizationOperator(task_id="organization", name="Airflow example 2", if_exists="skip")
    there = KindeOrganizationSensor(task_id="there", org_code=ORGANIZATION, poke_interval=5)
    user = KindeCreateUserOperator(
        task_id="user", email="{{ params.email }}", given_name="Kim", family_name="Example", if_exists="fail"
    )
    renamed = KindeUpdateUserOperator(task_id="renamed", user_id=USER, given_name="Kimberly")
    member = KindeAddOrganizationUsersOperator(task_id="member", org_code=ORGANIZATION, users=[USER])
    without_roles = KindeUpdateOrganizationUsersOperator(
        task_id="without_roles", org_code=ORGANIZATION, users=[USER], roles=[]
    )
    invitation = KindeInviteUserOperator(
        task_id="invitation", org_code=ORGANIZATION, email="guest-of-{{ params.email }}", send_email=False
    )
    handle = KindeUpdateOrganizationOperator(
        task_id="handle", org_code=ORGANIZATION, changes={"handle": "airflow-example-2"}
    )
    members = KindeApiOperator(
        task_id="members",
        operation="iter_organization_users",
        arguments={"org_code": ORGANIZATION},
        response_filter=len,
    )
    away = KindeSuspendUserOperator(task_id="away", user_id=USER)
    back = KindeUnsuspendUserOperator(task_id="back", user_id=USER)
    left = KindeRemoveOrganizationUsersOperator(task_id="left", org_code=ORGANIZATION, users=[USER])
    gone = KindeDeleteUserOperator(task_id="gone", user_id=USER)
    cleanup = KindeDeleteOrganizationOperator(task_id="cleanup", org_code=ORGANIZATION)

    organization >> there >> user >> renamed >> member >> without_roles
    without_roles >> [invitation, handle, members] >> away >> back >> left >> gone >> cleanup
