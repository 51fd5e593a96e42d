"""What the operators on one organization share: how it is named, and what they return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from airflow_provider_kinde.operators.base import KindeOperator

if TYPE_CHECKING:
    from airflow_provider_kinde.resources.queries import OrganizationName

Result = dict[str, Any]


class OrganizationOperator(KindeOperator):
    """What the operators on an existing organization share. The organization is named in one of four ways.

    :param org_code: the organization's code (templated), or
    :param handle: its handle (templated), or
    :param external_id: the id that you gave it (templated), or
    :param name: its name (templated).
    """

    template_fields: Sequence[str] = ("kinde_conn_id", "org_code", "handle", "external_id", "name")

    def __init__(
        self,
        *,
        org_code: str | None = None,
        handle: str | None = None,
        external_id: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.org_code = org_code
        self.handle = handle
        self.external_id = external_id
        self.name = name
        if org_code is None and handle is None and external_id is None and name is None:
            raise ValueError("name the organization by one of org_code, handle, external_id, name")

    def _name(self) -> OrganizationName:
        from airflow_provider_kinde.resources.queries import OrganizationName

        return OrganizationName.of(self.org_code, self.handle, self.external_id, self.name)

    @overload
    def _code(self, client: Any, name: OrganizationName) -> str: ...
    @overload
    def _code(self, client: Any, name: OrganizationName, *, required: bool) -> str | None: ...
    def _code(self, client: Any, name: OrganizationName, *, required: bool = True) -> str | None:
        from airflow_provider_kinde.resources.queries import find_organization, need_organization, run_query

        found = run_query(need_organization(name) if required else find_organization(name), client)
        return str(found["code"]) if found else None


def outcome(code: str | None, what: str, changed: Sequence[str] = ()) -> Result:
    """Return what goes to XCom.

    :param code: the organization's code; ``None`` where there is none.
    :param what: what the operator did.
    :param changed: names of the fields that were written.
    """
    return {"org_code": code, "outcome": what, "changed": list(changed)}
