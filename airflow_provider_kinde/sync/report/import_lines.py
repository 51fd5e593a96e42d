"""The creations of a plan in the form of Kinde's own import: NDJSON, one user a line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.sync.link import Link
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.store.change_queries import ChangeRow

MAX_BYTES = 49_000_000
"""Kinde takes files up to 49 MB."""


@dataclass
class ImportLines:
    """The lines of an import, and what they cannot hold. The counts are complete once all lines were taken.

    :param plan: the plan.
    :param external_ids: organization code -> ``external_id``, by which an import names an organization.
    """

    plan: Plan
    external_ids: Mapping[str, str]
    people: int = 0
    """People in the lines."""
    connected: int = 0
    """People who sign in by an enterprise connection: an import cannot make that sign-in."""
    unnamed: Counter[str] = field(default_factory=Counter)
    """Alias of an organization without an ``external_id`` of its own -> memberships that are not in the lines."""
    new: set[str] = field(default_factory=set)
    """Aliases of organizations that the sync has to create before the import."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines.

        :raises SyncError: one person needs a line that is longer than a file may be.
        """
        for changes in self.plan.operations.rows_by_person():
            create = next((change for change in changes if change.kind == "create"), None)
            if create is None:
                continue
            after = json.loads(create.after or "{}")
            if "connection" in after:
                self.connected += 1
                continue
            user = self._user(create.id, after, changes)
            line = json.dumps(user, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            if len(line) > MAX_BYTES:
                raise SyncError(
                    f"{create.id} needs {len(line) / 1e6:.1f} MB in an import file, and Kinde takes 49 MB: shorten the "
                    "properties of this person in HR or in the spec. No import file was written"
                )
            self.people += 1
            yield line

    def _user(self, id: str, after: Mapping[str, Any], changes: Iterable[ChangeRow]) -> dict[str, Any]:
        user: dict[str, Any] = {"id": str(Link(self.plan.spec.name, id))}
        names = {"first_name": after.get("given_name"), "last_name": after.get("family_name")}
        user |= {key: value for key, value in names.items() if value}
        user["identities"] = [{"type": "email", "identity": after["email"]}]
        if properties := after.get("properties"):
            user["properties"] = [{"key": key, "value": value} for key, value in sorted(properties.items())]
        if organizations := list(self._organizations(changes)):
            user["organizations"] = organizations
        return user

    def _organizations(self, changes: Iterable[ChangeRow]) -> Iterator[dict[str, Any]]:
        roles: dict[str, list[str]] = {}
        for change in changes:
            if change.kind == "add_membership":
                roles.setdefault(change.alias or "", [])
            elif change.kind == "add_role":
                roles.setdefault(change.alias or "", []).append(change.role or "")
        for alias, keys in sorted(roles.items()):
            external_id = self._external_id(alias)
            if external_id:
                yield {"external_id": external_id, "roles": sorted(keys)}
            else:
                self.unnamed[alias] += 1

    def _external_id(self, alias: str) -> str:
        assert self.plan.snapshot is not None
        organization = self.plan.snapshot.organizations[alias]
        if organization.code:
            return self.external_ids.get(organization.code, "")
        self.new.add(alias)
        return organization.external_id

    def advice(self) -> list[str]:
        """Say how to upload the files, and what is left for the sync."""
        said = []
        if self.new:
            said.append(
                f"Before the upload, apply with --only create_organization: {_listed(self.new)} must exist, or Kinde "
                "puts people into the default organization."
            )
        said.append(
            "In Kinde: Users, Import users, Custom NDJSON; one file after the other. An import changes no user who "
            "exists, so a file may be uploaded again."
        )
        said += self.left()
        said.append("Then plan again: it finds the imported people by their provided_id, and shows what is left.")
        return said

    def left(self) -> list[str]:
        """Say what the files cannot hold, so that the next apply does it."""
        none = "has no external_id of its own in Kinde, so the next apply gives its"
        said = [f"{alias!r} {none} {counted(count, 'membership')}." for alias, count in sorted(self.unnamed.items())]
        if self.connected:
            said.append(
                f"The next apply creates {counted(self.connected, 'person', 'people')} with a sign-in by a connection "
                "(person.connection), which an import cannot make."
            )
        return said


def external_ids_of(organizations: Iterable[fields.Json]) -> dict[str, str]:
    """Find the organizations that an import can name: those whose ``external_id`` no other one has.

    :param organizations: all organizations, as Kinde lists them.
    :returns: code -> ``external_id``.
    """
    found = {fields.id_in(item, "code"): fields.text_in(item, "external_id") for item in organizations}
    times = Counter(found.values())
    return {code: external_id for code, external_id in found.items() if external_id and times[external_id] == 1}


def _listed(aliases: Iterable[str]) -> str:
    found = sorted(aliases)
    return ", ".join(found[:10]) + (f" and {len(found) - 10:,} more" if len(found) > 10 else "")
