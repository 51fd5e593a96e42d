"""DAGs with a form: onboard or offboard one person, as a spec of a sync allows it.

.. code-block:: python

    from airflow_provider_kinde.dag_factory.person_dags import kinde_onboard_dag

    dag = kinde_onboard_dag("hr.yaml")
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_kinde.dag_factory.arguments import RETRIES, dag_arguments
from airflow_provider_kinde.dag_factory.dag_file import calling_file, spec_file
from airflow_provider_kinde.operators.person import KindeOffboardUserOperator, KindeOnboardUserOperator
from airflow_provider_kinde.sync.spec.outline import SpecOutline, read_outline

ADDRESS = r"^\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*$"
FIXED = {
    "schedule": (None, "a run needs a filled-in form, which no schedule has"),
    "catchup": (False, "a run needs a filled-in form, which no schedule has"),
}
NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"\S"}

ONBOARD_DOC = """\
Gives **one person** access to Kinde, now. *Trigger* shows the form.

Where HR has the person (`{spec}`), HR decides, and organization and roles of the form are not used. Where HR has no row
yet, an account is made as the form says, and the sync takes it over once HR has the person. Submitting the form again
is harmless. The task's log says what is done before it is.
"""
OFFBOARD_DOC = """\
Takes **one person's** access to Kinde, now, and ends the sessions. *Trigger* shows the form.

The account is suspended, not deleted. Where HR (`{spec}`) does not say yet that the person left, the sync holds the
account until HR does; it never enables it again by itself. Accounts that the sync did not make are not touched.
"""


def kinde_onboard_dag(
    spec_path: str | os.PathLike[str],
    *,
    dag_id: str | None = None,
    kinde_conn_id: str | None = None,
    storage_path: str | None = None,
    log_personal_data: bool | None = None,
    default_args: Mapping[str, Any] | None = None,
    tags: Collection[str] = ("kinde", "hr"),
    **dag_kwargs: Any,
) -> DAG:
    """Make a DAG with a form that gives one person access to Kinde, in agreement with the sync of a spec.

    The choices of the form, organizations and roles, are those of the spec when the DAG file is parsed.

    :param spec_path: the sync's spec file; a relative path starts at the folder of the calling file.
    :param dag_id: ``<name of the spec>-onboard`` when left out.
    :param kinde_conn_id: Airflow connection; the spec's when left out.
    :param storage_path: folder for explanation and report; ``[kinde] storage_path`` when left out.
    :param log_personal_data: whether task logs may name people; ``[kinde] log_personal_data`` when left out.
    :param default_args: merged over the factory's own (retries with exponential backoff).
    :param tags: the DAG's tags.
    :param dag_kwargs: anything else that a DAG takes. ``params`` are added to the form; ``schedule`` can only be
        ``None``, since only a person can fill in the form; native rendering is refused.
    :raises FileNotFoundError: when there is no such spec file.
    :raises ValueError: when the file cannot be the spec of a sync.
    """
    return _form_dag(
        "onboard", KindeOnboardUserOperator, _onboard_params, ONBOARD_DOC, spec_path,
        dag_id=dag_id, kinde_conn_id=kinde_conn_id, default_args=default_args, tags=tags, dag_kwargs=dag_kwargs,
        storage_path=storage_path, log_personal_data=log_personal_data,
    )  # fmt: skip


def kinde_offboard_dag(
    spec_path: str | os.PathLike[str],
    *,
    dag_id: str | None = None,
    kinde_conn_id: str | None = None,
    storage_path: str | None = None,
    log_personal_data: bool | None = None,
    default_args: Mapping[str, Any] | None = None,
    tags: Collection[str] = ("kinde", "hr"),
    **dag_kwargs: Any,
) -> DAG:
    """Make a DAG with a form that takes one person's access to Kinde, in agreement with the sync of a spec.

    :param spec_path: as for :func:`kinde_onboard_dag`.
    :param dag_id: the DAG's id; the spec's name and ``-offboard`` when left out.
    :param kinde_conn_id: the Airflow connection; the spec's when left out.
    :param storage_path: where reports are kept; ``[kinde] storage_path`` when left out.
    :param log_personal_data: whether logs may name people; ``[kinde] log_personal_data`` when left out.
    :param default_args: as for :func:`kinde_onboard_dag`.
    :param tags: the DAG's tags.
    :param dag_kwargs: anything else that a DAG takes.
    :raises FileNotFoundError: when there is no such spec file.
    :raises ValueError: when the file cannot be the spec of a sync.
    """
    return _form_dag(
        "offboard", KindeOffboardUserOperator, _offboard_params, OFFBOARD_DOC, spec_path,
        dag_id=dag_id, kinde_conn_id=kinde_conn_id, default_args=default_args, tags=tags, dag_kwargs=dag_kwargs,
        storage_path=storage_path, log_personal_data=log_personal_data,
    )  # fmt: skip


def _form_dag(
    name: str,
    operator: Callable[..., KindeOnboardUserOperator | KindeOffboardUserOperator],
    make_form: Callable[[SpecOutline], dict[str, Param]],
    doc: str,
    spec_path: str | os.PathLike[str],
    *,
    dag_id: str | None,
    kinde_conn_id: str | None,
    default_args: Mapping[str, Any] | None,
    tags: Collection[str],
    dag_kwargs: dict[str, Any],
    **arguments: Any,
) -> DAG:
    caller = calling_file(__file__)
    path = spec_file(spec_path, caller)
    outline = read_outline(path)
    form = make_form(outline)
    dag = DAG(
        dag_id=dag_id or f"{outline.name}-{name}",
        default_args={**RETRIES, **(default_args or {})},
        tags=list(tags),
        **{"doc_md": doc.format(spec=path.name), **dag_arguments(dag_kwargs, form, FIXED)},
    )
    # Airflow takes the file that calls DAG(), which is this one, and shows it as the DAG's code.
    dag.fileloc = str(caller)
    # Airflow reads the argument "email" as the address of its alerts.
    fields = {"address" if field == "email" else field: f"{{{{ params.{field} | tojson }}}}" for field in form}
    connection = kinde_conn_id or outline.kinde_conn_id
    task = operator(task_id=name, dag=dag, spec=str(spec_path), kinde_conn_id=connection, **fields, **arguments)
    task.spec_folder = str(caller.parent)
    return dag


def _onboard_params(outline: SpecOutline) -> dict[str, Param]:
    params = {
        "email": Param(
            type="string",
            format="email",
            pattern=ADDRESS,
            title="E-mail address",
            description="One address, such as ada@acme.com: a name, an @ and a domain, without blanks.",
        ),
        "given_name": Param(**NAME, title="Given name"),
        "family_name": Param(**NAME, title="Family name"),
        "organization": Param(
            type="string",
            title="Organization",
            # Where organizations are matched by their external_id, only Kinde knows which there are.
            **(
                {"enum": list(outline.organizations), "values_display": dict(outline.organizations)}
                if outline.organizations
                else {"minLength": 1}
            ),
        ),
        "start": Param(
            None,
            type=["string", "null"],
            format="date",
            title="First day",
            description="Access begins on that day; at once when empty.",
        ),
        "hr_id": Param(
            None, type=["string", "null"], title="HR id", description="Where it is known already; else leave it empty."
        ),
        "approve": Param(
            None,
            type=["string", "null"],
            pattern="^([0-9a-f]{64})?$",
            title="Approve a blocked plan",
            description="Only where a volume guard stopped this very form: the hash from the log of that run.",
        ),
    }
    if outline.roles:
        params["roles"] = Param(
            [],
            type=["array", "null"],
            items={"type": "string", "enum": list(outline.roles)},
            examples=list(outline.roles),
            title="Roles",
        )
    else:
        params["roles"] = Param([], type=["array", "null"], maxItems=0, title="Roles (the spec gives none)")
    order = ("email", "given_name", "family_name", "organization", "roles", "start", "hr_id", "approve")
    return {name: params[name] for name in order}


def _offboard_params(_outline: SpecOutline) -> dict[str, Param]:
    return {
        "email": Param(
            None,
            type=["string", "null"],
            pattern=rf"^\s*$|{ADDRESS}",
            title="E-mail address",
            description="Of the person who leaves, such as ada@acme.com; this or the HR id, or both.",
        ),
        "hr_id": Param(None, type=["string", "null"], title="HR id"),
        "confirm_protected": Param(
            None,
            type=["string", "null"],
            title="Confirm a protected person",
            description="Only for a person whom the spec protects: the HR id again (the address, if there is none).",
        ),
    }
