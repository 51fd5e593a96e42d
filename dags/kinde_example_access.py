"""What people may do: permissions of a role, a feature flag, claims that are refreshed, an invitation that is accepted.

To try it: make an Airflow connection ``kinde_default`` of type *Kinde*, unpause this DAG, and trigger it; the form asks
for an address. Role, permission, feature flag, organization and user are created if they do not exist, and removed at
the end, except for a user and a permission. The user is a member, so no invitation has to be accepted: the sensor is
met at once.
"""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_kinde.operators.api import KindeApiOperator
from airflow_provider_kinde.operators.feature_flags import KindeUpdateFeatureFlagsOperator
from airflow_provider_kinde.operators.organizations import (
    KindeCreateOrganizationOperator,
    KindeDeleteOrganizationOperator,
    KindeInviteUserOperator,
)
from airflow_provider_kinde.operators.roles import KindeRefreshUserClaimsOperator, KindeUpdateRolePermissionsOperator
from airflow_provider_kinde.operators.users import KindeCreateUserOperator
from airflow_provider_kinde.sensors.organizations import KindeInvitationSensor

ROLE, PERMISSION, FLAG = "airflow_example", "airflow:example", "airflow_example"
ORGANIZATION = "{{ ti.xcom_pull('organization')['org_code'] }}"

with DAG(
    "kinde_example_access",
    schedule=None,
    catchup=False,
    is_paused_upon_creation=True,
    tags=["kinde", "example"],
    doc_md=__doc__,
    params={"email": Param("lou@example.com", type="string", format="email", description="Address of the user")},
) as dag:
    permission = KindeApiOperator(
        task_id="permission",
        operation="create_permission",
        arguments={"name": "Airflow example", "key": PERMISSION},
        if_exists="skip",
    )
    role = KindeApiOperator(
        task_id="role",
        operation="create_role",
        arguments={"name": "Airflow example", "key": ROLE},
        if_exists="skip",
    )
    flag = KindeApiOperator(
        task_id="flag",
        operation="create_feature_flag",
        arguments={"name": "Airflow example", "key": FLAG, "type": "bool", "default_value": "false"},
        if_exists="skip",
    )
    gives = KindeUpdateRolePermissionsOperator(task_id="gives", role=ROLE, permissions=[PERMISSION], mode="add")
    organization = KindeCreateOrganizationOperator(task_id="organization", name="Airflow example 3", if_exists="skip")
    user = KindeCreateUserOperator(
        task_id="user", email="{{ params.email }}", org_code=ORGANIZATION, roles=[ROLE], if_exists="update"
    )
    invitation = KindeInviteUserOperator(
        task_id="invitation", org_code=ORGANIZATION, email="{{ params.email }}", roles=[ROLE], send_email=False
    )
    accepted = KindeInvitationSensor(
        task_id="accepted", org_code=ORGANIZATION, email="{{ params.email }}", mode="reschedule", poke_interval=60
    )
    flags = KindeUpdateFeatureFlagsOperator(task_id="flags", org_code=ORGANIZATION, flags={FLAG: True})
    claims = KindeRefreshUserClaimsOperator(task_id="claims", role=ROLE, org_code=ORGANIZATION)
    no_flags = KindeUpdateFeatureFlagsOperator(task_id="no_flags", org_code=ORGANIZATION, flags={FLAG: None})
    gone = KindeDeleteOrganizationOperator(task_id="gone", org_code=ORGANIZATION)
    no_flag = KindeApiOperator(
        task_id="no_flag", operation="delete_feature_flag", arguments={"feature_flag_key": FLAG}, if_missing="skip"
    )
    no_role = KindeApiOperator(
        task_id="no_role",
        operation="delete_role",
        arguments={"role_id": "{{ ti.xcom_pull('gives')['role_id'] }}"},
        if_missing="skip",
    )

    [permission, role] >> gives >> organization >> user >> invitation >> accepted >> claims
    [flag, organization] >> flags >> claims >> no_flags >> gone >> [no_flag, no_role]
