"""Who holds a protected role in organizations that the spec does not manage."""

from __future__ import annotations

from typing import Any

from airflow_provider_kinde.resources.members import iter_members
from airflow_provider_kinde.sync.model import Account
from airflow_provider_kinde.sync.snapshot.reader import Snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec


class OtherOrganizations:
    """Says who holds a protected role in an organization that the spec does not manage.

    Asked only about accounts that are to be adopted or renamed: one request for each organization that they are in and
    each protected role that Kinde has, once a run (``GET /organizations/{code}/users``).

    :param spec: the spec, whose protected roles count.
    :param snapshot: Kinde's side of the run.
    :param client: a ``KindeClient``.
    """

    def __init__(self, spec: SyncSpec, snapshot: Snapshot, client: Any) -> None:
        self.client = client
        self.roles = sorted(spec.protect.roles & snapshot.roles.keys())
        self._managed = {organization.code for organization in snapshot.organizations.values()}
        self._holders: dict[str, set[str]] = {}

    def holds_protected_role(self, account: Account) -> bool:
        """Whether an account holds a protected role in an organization that the spec does not manage.

        :param account: the account.
        """
        return any(account.id in self._holders_in(code) for code in account.organizations if code not in self._managed)

    def _holders_in(self, code: str) -> set[str]:
        if code not in self._holders:
            found = self._holders[code] = set()
            for role in self.roles:
                members = iter_members(self.client, code, role=role)
                found.update(user_id for user_id, roles in members if role in roles)
        return self._holders[code]
