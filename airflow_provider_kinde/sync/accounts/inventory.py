"""Make the inventory of a tenant from a plan: the same joins, the same decisions, nothing written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.sync.kinds import KINDS
from airflow_provider_kinde.sync.link import Link, onboarded_prefix, parse_link
from airflow_provider_kinde.sync.model import Access, Source
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.snapshot.members import read_other_members
from airflow_provider_kinde.sync.snapshot.organizations import Organization
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.accounts import decode_roles
from airflow_provider_kinde.sync.store.inventory import CLASSES, InventoryRow, inventory_rows, prepare
from airflow_provider_kinde.sync.tenant import client_of

_MANY = 20_000
_WAYS = {
    "orphan": "nothing: not in HR, and managed by no source. Give it an owner, suspend it, or name it in `ignore`",
    "held": "nothing until the reason is settled",
    "other source": "nothing: another source manages it",
    "service or test": "nothing: the spec ignores it",
}


class ListedAccount(NamedTuple):
    """One account of the inventory.

    :param kind: one of :data:`CLASSES`.
    :param id: HR id of the person, where one is known.
    :param user_id: Kinde's id of the account.
    :param email: the primary address.
    :param name: first and last name in Kinde.
    :param reason: why the account is in this class, where that needs a reason.
    :param suspended: whether the account is suspended.
    :param last_sign_in: when the user signed in last, as Kinde writes it; empty for never.
    :param created: when the account was made, ISO 8601; empty where Kinde does not say.
    :param organizations: organization -> role keys there.
    :param provided_id: the account's ``provided_id``.
    """

    kind: str
    id: str
    user_id: str
    email: str
    name: str
    reason: str
    suspended: bool
    last_sign_in: str
    created: str
    organizations: Mapping[str, list[str]]
    provided_id: str


@dataclass(slots=True)
class Inventory:
    """Every account of a tenant in one class.

    :param plan: the plan that a first sync would carry out.
    :param names: organization code or alias -> the name that the inventory shows.
    """

    plan: Plan
    names: Mapping[str, str]
    known: dict[tuple[str, str], Mapping[str, list[str]]] = field(default_factory=dict, repr=False)
    """Organizations and members, as the tables keep them -> what the inventory shows."""

    def __iter__(self) -> Iterator[ListedAccount]:
        assert self.plan.snapshot is not None
        prefix = onboarded_prefix(self.plan.spec.name)
        return map(self._listed, inventory_rows(self.plan.snapshot.database, prefix))

    def _listed(self, row: InventoryRow) -> ListedAccount:
        created = "" if row.created is None else datetime.fromtimestamp(row.created, timezone.utc).isoformat()
        return ListedAccount(
            CLASSES[row.kind],
            row.id,
            row.user_id,
            row.email,
            f"{row.first} {row.last}".strip(),
            _reason(CLASSES[row.kind], row, parse_link(row.provided_id, self.plan.spec.name)),
            bool(row.suspended),
            row.signed_in,
            created,
            self._places(row.organizations, row.members),
            row.provided_id,
        )

    def _places(self, organizations: str, members: str) -> Mapping[str, list[str]]:
        """Organization -> role keys. Many accounts have the same, which is decoded once."""
        found = self.known.get((organizations, members))
        if found is None:
            if len(self.known) > _MANY:
                self.known.clear()
            codes = json.loads(organizations) if organizations else []
            places: dict[str, list[str]] = {self.names.get(code, code): [] for code in codes}
            for alias, roles in json.loads(members):
                places[self.names.get(alias, alias)] = sorted(decode_roles(roles))
            found = self.known[organizations, members] = dict(sorted(places.items()))
        return found

    def summary(self, counts: Mapping[str, int]) -> list[str]:
        """Say for each class what a sync would do to it.

        :param counts: class -> how many accounts are in it.
        """
        kinds = self.plan.operations.kinds()
        done = ", ".join(f"{kinds[kind]:,} {kind.replace('_', ' ')}" for kind in KINDS if kinds[kind])
        ways = {**_WAYS, "adoptable": "adopted", "managed": "kept in step"}
        lines = [f"{counts.get(kind, 0):,} {kind}: {ways[kind]}" for kind in CLASSES]
        lines.append(f"{counted(sum(counts.values()), 'account')}. A sync would do now: {done or 'nothing'}")
        if self.plan.blocked:
            reasons = "; ".join(block.reason for block in self.plan.blocked)
            lines.append(f"It is blocked until this is approved or settled: {reasons}")
        return lines

    def counts(self) -> Counter[str]:
        """How many accounts are in each class."""
        assert self.plan.snapshot is not None
        prefix = onboarded_prefix(self.plan.spec.name)
        return Counter(CLASSES[row.kind] for row in inventory_rows(self.plan.snapshot.database, prefix))


def take_inventory(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    request: RunRequest,
    *,
    progress: Progress | None = None,
) -> Inventory:
    """Read HR and Kinde once, and put every account of the tenant into one class. Nothing is written.

    Beside what a plan reads, the members of organizations that the spec does not manage are read, for their roles
    (``GET /organizations/{code}/users``).

    :param spec: the spec.
    :param source: an HR source, or a list of rows.
    :param client: a ``KindeClient`` or a ``KindeHook``.
    :param request: the moment of the run.
    :param progress: called while long lists are read.
    :raises SyncError: HR cannot be used (empty, incomplete, drifted), or the connection leads to another tenant.
    """
    plan = plan_run(spec, source, client, request, progress=progress)
    client = client_of(client)
    snapshot = plan.snapshot
    if snapshot is None:
        raise SyncError("no inventory: " + "; ".join(block.reason for block in plan.blocked))
    managed = {o.code: alias for alias, o in snapshot.organizations.items() if o.code}
    listed = {fields.id_in(item, "code"): fields.text_in(item, "name") for item in client.iter_organizations()}
    others = [Organization(code, code, name) for code, name in listed.items() if code not in managed]
    read_other_members(client, others, snapshot.database)
    ignored = {*spec.ignore.emails, *(f"@{domain}" for domain in spec.ignore.domains)}
    prepare(snapshot.database, ((held.id, held.reason) for held in plan.held), ignored)
    names = {code: name or code for code, name in listed.items()}
    names |= {alias: names.get(code, alias) for code, alias in managed.items()}
    return Inventory(plan, names)


def _reason(kind: str, row: InventoryRow, link: Link | None) -> str:
    if link is not None and link.problem:
        return link.problem
    if kind == "managed":
        return row.reason or ("" if row.listed else "HR has no row with this id")
    if kind in ("adoptable", "service or test", "orphan"):
        return ""
    if kind == "other source" and row.id == "":
        return ""
    if row.reason:
        return row.reason
    if row.elsewhere:
        return "HR has a person with this address, whose account is another one"
    if row.access == Access.NONE.value:
        return f"HR has a person with this address who has no access ({row.why}): suspend the account in Kinde"
    if row.access in (Access.KEEP.value, Access.GRACE.value):
        return f"HR has a person with this address, who is given nothing today ({row.why})"
    if row.access is None and row.unclear is not None:
        return f"row {row.unclear} has this address, and is rejected or held"
    if row.access is None and row.namesake is not None:
        return f"row {row.namesake} has this name, and is rejected or held: correct the row in HR"
    return "HR has a person with this address"
