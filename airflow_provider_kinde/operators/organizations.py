"""Create, change and delete Kinde organizations, and manage their members. Each operator may run again.

Organizations are named by ``org_code`` or by one of ``handle``, ``external_id`` and ``name``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_kinde.operators.base import IfExists, IfMissing, KindeOperator, airflow_errors, mapping, one_of
from airflow_provider_kinde.operators.invitations import KindeInviteUserOperator
from airflow_provider_kinde.operators.members import (
    KindeAddOrganizationUsersOperator,
    KindeRemoveOrganizationUsersOperator,
    KindeUpdateOrganizationUsersOperator,
)
from airflow_provider_kinde.operators.organization_base import OrganizationOperator, Result, outcome
from airflow_provider_kinde.operators.properties import check_property_keys, property_texts

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

__all__ = [
    "KindeAddOrganizationUsersOperator",
    "KindeCreateOrganizationOperator",
    "KindeDeleteOrganizationOperator",
    "KindeInviteUserOperator",
    "KindeRemoveOrganizationUsersOperator",
    "KindeUpdateOrganizationOperator",
    "KindeUpdateOrganizationUsersOperator",
]

NAMES = ("external_id", "handle", "name")
"""The names of an organization that a caller chooses, the strongest first. Kinde chooses the code."""


class KindeCreateOrganizationOperator(KindeOperator):
    """Create an organization, unless it is there.

    Kinde allows two of the same name. It is looked up by ``external_id`` if given, else by
    ``handle`` if given, else by ``name``.

    :param name: its name (templated).
    :param handle: a short unique name for URLs (templated).
    :param external_id: an id of your own (templated).
    :param settings: further fields under Kinde's own names, such as ``is_allow_registrations`` (templated).
    :param if_exists: ``skip`` leaves it alone, ``update`` writes the fields that differ, ``fail`` fails the task.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, outcome, changed}`` with the outcome ``created``, ``updated``, ``unchanged``, ``skipped``.
    """

    template_fields: Sequence[str] = ("kinde_conn_id", "name", "handle", "external_id", "settings")
    template_fields_renderers: ClassVar[dict[str, str]] = {"settings": "json"}

    def __init__(
        self,
        *,
        name: str,
        handle: str | None = None,
        external_id: str | None = None,
        settings: Mapping[str, Any] | str | None = None,
        if_exists: IfExists = "skip",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.handle = handle
        self.external_id = external_id
        self.settings = settings
        self.if_exists = one_of("if_exists", if_exists, "skip", "update", "fail")

    @airflow_errors()
    def execute(self, context: Context) -> Result:
        """``POST /organization``, after a look whether it is there.

        :param context: Airflow's context of the task.
        :raises KindeInputError: no name, an unknown setting, or two organizations fit.
        :raises KindeConflictError: it is there, with ``if_exists="fail"``, or another one has the handle.
        """
        from airflow_provider_kinde.exceptions import KindeConflictError, KindeInputError
        from airflow_provider_kinde.resources.organizations import create_organization, write_organization
        from airflow_provider_kinde.resources.queries import OrganizationName, find_organization, plain, run_query

        given = {key: plain(getattr(self, key), key) for key in NAMES}
        if not given["name"]:
            raise KindeInputError("name is empty")
        settings = checked_fields("create_organization", self.settings, "settings")
        body = {**{key: value for key, value in given.items() if value}, **settings}
        key = next(key for key in NAMES if given[key])
        name = OrganizationName(key, given[key])
        with self._client(context) as client:
            found = run_query(find_organization(name), client)
            if found is None:
                creation = create_organization(client, lambda: run_query(find_organization(name), client), **body)
                found = creation.item
                if creation.answered or creation.lost:
                    return outcome(found["code"], "created")
            code = found["code"]
            if self.if_exists == "fail":
                raise KindeConflictError(f"the organization {code} has the {name} already")
            if self.if_exists == "skip":
                return outcome(code, "skipped")
            wanted = {field: value for field, value in body.items() if field in body_of("update_organization")}
            changed = write_organization(client, code, wanted)
            return outcome(code, "updated" if changed else "unchanged", changed)


class KindeUpdateOrganizationOperator(OrganizationOperator):
    """Change an organization; what is left out stays, and what is so already is not written.

    :param org_code: its code (templated). With it, ``name``, ``handle`` and ``external_id`` are new values.
    :param handle: without ``org_code``: what to find it by (templated). ``external_id`` and ``name`` likewise.
    :param changes: new values under Kinde's own names: ``name``, ``handle``, ``is_suspended``, ... (templated).
    :param properties: property key to value (templated).
    :param if_missing: ``fail`` or ``skip`` when there is no such organization.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, outcome, changed}`` with the outcome ``updated``, ``unchanged`` or ``missing``.
    """

    template_fields: Sequence[str] = (*OrganizationOperator.template_fields, "changes", "properties")
    template_fields_renderers: ClassVar[dict[str, str]] = {"changes": "json", "properties": "json"}

    def __init__(
        self,
        *,
        changes: Mapping[str, Any] | str | None = None,
        properties: Mapping[str, Any] | str | None = None,
        if_missing: IfMissing = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.changes = changes
        self.properties = properties
        self.if_missing = one_of("if_missing", if_missing, "skip", "fail")

    @airflow_errors()
    def execute(self, context: Context) -> Result:
        """``PATCH /organization/{code}`` and ``PATCH /organizations/{code}/properties`` with what differs.

        :param context: Airflow's context of the task.
        :raises KindeInputError: nothing to change, an unknown field or property, or two organizations fit.
        :raises KindeNotFoundError: no such organization, with ``if_missing="fail"``.
        """
        from airflow_provider_kinde.exceptions import KindeInputError
        from airflow_provider_kinde.resources.organizations import write_organization, write_properties
        from airflow_provider_kinde.resources.queries import OrganizationName, plain, text

        properties = property_texts(self.properties)
        changes = checked_fields("update_organization", self.changes, "changes")
        if text(self.org_code):
            target = OrganizationName.of(self.org_code)
            new = {key: plain(getattr(self, key), key) for key in NAMES}
            changes = {**{key: value for key, value in new.items() if value}, **changes}
        else:
            target = self._name()
        if not changes and not properties:
            raise KindeInputError("there is nothing to change: put new values into changes or properties")
        with self._client(context) as client:
            code = self._code(client, target, required=self.if_missing == "fail")
            if code is None:
                return outcome(target.value if target.key == "code" else None, "missing")
            check_property_keys(client, properties)
            changed = write_organization(client, code, changes) if changes else []
            changed += write_properties(client, code, properties)
            return outcome(code, "updated" if changed else "unchanged", changed)


class KindeDeleteOrganizationOperator(OrganizationOperator):
    """Delete an organization. Its members leave it; their accounts stay.

    :param org_code: its code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param if_missing: ``skip`` (as wanted: it is not there) or ``fail``.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, outcome, changed}`` with the outcome ``deleted`` or ``missing``.
    """

    def __init__(self, *, if_missing: IfMissing = "skip", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.if_missing = one_of("if_missing", if_missing, "skip", "fail")

    @airflow_errors()
    def execute(self, context: Context) -> Result:
        """``DELETE /organization/{code}``.

        :param context: Airflow's context of the task.
        :raises KindeInputError: two organizations fit.
        :raises KindeNotFoundError: no such organization, with ``if_missing="fail"``.
        """
        from airflow_provider_kinde.resources.organizations import delete_organization

        name = self._name()
        with self._client(context) as client:
            code = self._code(client, name, required=self.if_missing == "fail")
            if code is None:
                return outcome(name.value if name.key == "code" else None, "missing")
            delete_organization(client, code)
            return outcome(code, "deleted")


def body_of(operation: str) -> Sequence[str]:
    """Return the fields that an operation of Kinde takes.

    :param operation: the operation's name, such as ``update_organization``.
    """
    from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS

    return tuple(ENDPOINTS[operation].body)


def checked_fields(operation: str, value: Any, parameter: str) -> dict[str, Any]:
    """Check fields against the fields that an operation of Kinde takes.

    :param operation: the operation's name, such as ``update_organization``.
    :param value: a mapping, or the text of one.
    :param parameter: the operator's parameter, for messages.
    :raises KindeInputError: the operation does not take a field; the message lists the fields that it takes.
    """
    from airflow_provider_kinde.exceptions import KindeInputError

    given, known = mapping(value, parameter), body_of(operation)
    if unknown := sorted(given.keys() - set(known)):
        raise KindeInputError(f"{operation} takes no {', '.join(unknown)}; it takes {', '.join(known)}")
    return given
