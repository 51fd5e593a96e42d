"""A Kinde in memory for ``backtest``: it is read like a client, and changes of a plan are carried out on it at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pendulum

from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.kinds import MEMBERSHIP
from airflow_provider_kinde.sync.link import Link
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.spec.models import SyncSpec

Json = dict[str, Any]


@dataclass(slots=True)
class MemoryUser:
    """One account.

    :param id: the HR id of its link.
    :param user_id: Kinde's id.
    :param email: the address.
    :param given_name: the first name.
    :param family_name: the last name.
    :param created: when it was made, in ISO 8601.
    :param suspended: whether it is suspended.
    :param left: the day on which the person left; ``None`` for a person with access.
    :param memberships: organization code -> role keys.
    :param properties: user properties.
    """

    id: str
    user_id: str
    email: str
    given_name: str
    family_name: str
    created: str
    suspended: bool = False
    left: Any = None
    memberships: dict[str, set[str]] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> tuple[Any, ...]:
        """What a person has, for comparing two tenants."""
        where = tuple(sorted((code, tuple(sorted(roles))) for code, roles in self.memberships.items()))
        names = (self.email, self.given_name, self.family_name, tuple(sorted(self.properties.items())))
        return (not self.suspended and self.left is None, where, names)


class MemoryTenant:
    """An empty Kinde with the organizations and roles that a spec names.

    :param spec: the spec.
    """

    max_concurrency = 1

    def __init__(self, spec: SyncSpec) -> None:
        self.name, self.host = spec.name, spec.tenant or "memory"
        self.counts = SimpleNamespace(read=0, write=0)
        self.users: dict[str, MemoryUser] = {}
        """HR id -> account."""
        self._numbers = itertools.count(1)
        self._roles = sorted(spec.role_keys | spec.protect.roles)
        self._organizations: list[Json] = []
        for wanted in (*spec.organizations, *spec.retired.organizations):
            if not wanted.create:
                self._add_organization(wanted.code, wanted.external_id, wanted.handle, wanted.name)

    def _add_organization(
        self, code: str | None, external_id: str | None = None, handle: str | None = None, name: str | None = None
    ) -> str:
        code = code or f"org_{external_id or handle or name}"
        if all(known["code"] != code for known in self._organizations):
            names = {"external_id": external_id, "handle": handle, "name": name or code}
            self._organizations.append({"code": code, **names})
        return code

    @property
    def with_access(self) -> int:
        """How many people have access."""
        return sum(1 for user in self.users.values() if not user.suspended and user.left is None)

    def add_external_ids(self, external_ids: Iterable[str]) -> None:
        """Make the organizations that ``organizations: {match: external_id}`` finds.

        :param external_ids: their external ids.
        """
        for external_id in external_ids:
            self._add_organization(None, external_id)

    def sign(self, content: str) -> str:
        """No plan of a backtest is written, so none is signed.

        :param content: what would be signed.
        """
        raise NotImplementedError("a plan of a backtest is not written")

    # -- reading -----------------------------------------------------------------------------------------------------

    def iter_users(self, **_options: Any) -> Iterator[Json]:
        """All accounts, as Kinde lists them."""
        for user in self.users.values():
            yield {
                "id": user.user_id,
                "provided_id": str(Link(self.name, user.id, left=user.left)),
                "email": user.email,
                "first_name": user.given_name,
                "last_name": user.family_name,
                "is_suspended": user.suspended,
                "created_on": user.created,
                "identities": [{"type": "email", "identity": user.email}],
                "organizations": list(user.memberships),
            }

    def iter_roles(self) -> Iterator[Json]:
        """All roles."""
        return iter([{"id": key, "key": key} for key in self._roles])

    def iter_organizations(self) -> Iterator[Json]:
        """All organizations."""
        return iter(self._organizations)

    def iter_organization_users(self, org_code: str, **_options: Any) -> Iterator[Json]:
        """The members of an organization with their roles.

        :param org_code: its code.
        """
        for user in self.users.values():
            roles = user.memberships.get(org_code)
            if roles is not None:
                yield {"id": user.user_id, "roles": sorted(roles)}

    def search_users(self, *_query: Any, **_options: Any) -> Iterator[Json]:
        """All accounts with their properties."""
        return iter([{"id": user.user_id, "properties": user.properties} for user in self.users.values()])

    def iter_user_identities(self, _user_id: str) -> Iterator[Json]:
        """No identity is ever asked for a second time: every account is linked."""
        return iter(())

    # -- carrying out a plan -----------------------------------------------------------------------------------------

    def carry_out(self, plan: Plan) -> None:
        """Do what a plan says.

        :param plan: the plan, made for this tenant.
        """
        assert plan.snapshot is not None
        codes = {alias: organization.code for alias, organization in plan.snapshot.organizations.items()}
        for change in plan.operations:
            after = dict(change.after or {})
            if change.kind == "create_organization":
                made = self._add_organization(None, str(after.get("external_id")), None, str(after.get("name")))
                codes[change.alias or ""] = made
            elif change.kind in MEMBERSHIP:
                _change_membership(self.users[change.id], change, codes[change.alias or ""])
            else:
                self._change_account(change, after, plan.now)

    def _change_account(self, change: Change, after: Json, now: pendulum.DateTime) -> None:
        kind = change.kind
        if kind == "create":
            user = MemoryUser(
                change.id, f"kp_{next(self._numbers)}", after["email"], after["given_name"], after["family_name"],
                now.in_timezone("UTC").to_iso8601_string(), properties=dict(after.get("properties") or {}),
            )  # fmt: skip
            self.users[change.id] = user
            return
        user = self.users[change.id]
        if kind == "delete":
            del self.users[change.id]
        elif kind == "suspend":
            user.suspended = user.suspended or not change.strips
            user.left = now.in_timezone("UTC").date()
        elif kind == "enable":
            user.suspended, user.left = False, None
        elif kind in ("update", "rename", "adopt"):
            for name in ("email", "given_name", "family_name"):
                setattr(user, name, after.get(name, getattr(user, name)))
            user.properties |= after.get("properties") or {}


def _change_membership(user: MemoryUser, change: Change, code: str) -> None:
    if change.kind == "add_membership":
        user.memberships[code] = set()
    elif change.kind == "remove_membership":
        user.memberships.pop(code, None)
    elif change.kind == "add_role":
        user.memberships[code].add(change.role or "")
    else:
        user.memberships[code].discard(change.role or "")
