"""The list of who is in which managed organization, and why, for the organization's owner to decide on."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.history.accounts import AccountStates
from airflow_provider_kinde.sync.model import Access, Person, Source
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.report.table import safe_cell
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.rule_text import rule_text
from airflow_provider_kinde.sync.store.access import AccessRow, access_rows
from airflow_provider_kinde.sync.store.people import roles_by_organization

COLUMNS = (
    "access_id", "organization", "id", "user_id", "name", "email", "roles", "given_by", "since", "since_by",
    "suspended", "last_sign_in", "decision", "comment",
)  # fmt: skip
BY_HAND = "no rule: given by hand"
UNMANAGED = "no rule: the sync does not manage this account"
KEPT = "keep in the spec"
AFTER = "after the last run"
"""Where the history does not know a membership or a role yet that Kinde has."""


@dataclass(slots=True)
class AccessList:
    """Every membership in the managed organizations.

    :param plan: the plan that a sync would carry out now.
    :param known: what the history of the sync says of its accounts; ``None`` where it is not known.
    """

    plan: Plan
    known: AccountStates | None = None

    def entries(self, organization: str | None = None) -> Iterator[dict[str, str]]:
        """The rows of the list, with blank decisions.

        :param organization: the alias of one organization, for its rows alone.
        """
        assert self.plan.snapshot is not None
        for row in access_rows(self.plan.snapshot.database, organization):
            since, since_by = self._since(row)
            yield {
                "access_id": access_id(self.plan.host, row.alias, row.user_id),
                "organization": row.alias,
                "id": row.id,
                "user_id": row.user_id,
                "name": row.name,
                "email": row.email,
                "roles": ", ".join(sorted(row.roles)),
                "given_by": given_by(self.plan, row),
                "since": since,
                "since_by": since_by,
                "suspended": "yes" if row.suspended else "no",
                "last_sign_in": row.signed_in,
                "decision": "",
                "comment": "",
            }

    def _since(self, row: AccessRow) -> tuple[str, str]:
        """Since when a membership and its roles are there, and by what, as the history says; blank where it does not.

        A role is named where another day or another rule gave it than the membership.
        """
        account = self.known.accounts.get(row.user_id) if self.known else None
        if self.known is None or account is None or self.plan.snapshot is None:
            return "", ""
        code = self.plan.snapshot.organizations[row.alias].code or ""
        days, rules = {}, {}
        for role in ("", *sorted(row.roles)):
            grant = account.grants.get((code, role))
            first = f"before {self.known.since[:10]}"
            days[role] = AFTER if grant is None else grant.since[:10] or first
            rules[role] = AFTER if grant is None else f"{grant.rule} (entry {grant.entry})"
        return _differing(days), _differing(rules)

    def organizations(self) -> list[str]:
        """The aliases of the organizations that the list is about."""
        assert self.plan.snapshot is not None
        return sorted(alias for alias, found in self.plan.snapshot.organizations.items() if found.code)

    def document(self) -> dict[str, Any]:
        """The list as ``review.json`` holds it: signed, so that decisions are only taken on what was listed."""
        return self.plan.signed(
            {
                "review": self.plan.spec.name,
                "host": self.plan.host,
                "created_at": self.plan.now.to_iso8601_string(),
                "organizations": self.organizations(),
                "operations": self.entries(),
            }
        )

    def csv_lines(self, alias: str) -> Iterator[str]:
        """The table for the owner of one organization.

        :param alias: the organization's alias.
        """
        out = io.StringIO()
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        for entry in self.entries(alias):
            writer.writerow({name: safe_cell(value) for name, value in entry.items()})
            if out.tell() > 65_536:
                yield out.getvalue()
                out.seek(0)
                out.truncate()
        yield out.getvalue()


def _differing(texts: Mapping[str, str]) -> str:
    """The text of the membership, and those of roles that have another one."""
    own = texts[""]
    return "; ".join([own, *(f"{role}: {text}" for role, text in texts.items() if text != own)])


def list_access(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    request: RunRequest,
    *,
    known: AccountStates | None = None,
    progress: Progress | None = None,
) -> AccessList:
    """Read HR and Kinde, and list every membership in the managed organizations. Nothing is written.

    :param spec: the spec.
    :param source: an HR source, or a list of rows.
    :param client: a ``KindeClient`` or a ``KindeHook``.
    :param request: the moment of the run.
    :param known: what the history of the sync says of its accounts, for the columns ``since`` and ``since_by``.
    :param progress: called while long lists are read.
    :raises SyncError: HR cannot be used (empty, incomplete, drifted), or the connection leads to another tenant.
    """
    plan = plan_run(spec, source, client, request, progress=progress)
    if plan.snapshot is None:
        raise SyncError("no access list: " + "; ".join(block.reason for block in plan.blocked))
    return AccessList(plan, known)


def access_id(host: str, alias: str, user_id: str) -> str:
    """Name a membership: the same in each list, and not a number, which a spreadsheet would change.

    :param host: Kinde's host.
    :param alias: the organization's alias.
    :param user_id: Kinde's id of the account.
    """
    return "a-" + hashlib.sha256(f"{host}\n{alias}\n{user_id}".encode()).hexdigest()[:16]


def person_of(plan: Plan, id: str) -> Person | None:
    """The person of an HR id, where HR has a row that is understood.

    :param plan: a plan.
    :param id: the HR id; empty for none.
    """
    return plan.people.persons.get(id) if plan.people and id else None


def due_roles(plan: Plan, id: str, alias: str) -> frozenset[str] | None:
    """The roles that the rules give a person in an organization; ``None`` where they give no membership.

    :param plan: a plan.
    :param id: the HR id.
    :param alias: the organization's alias.
    """
    person = person_of(plan, id)
    if person is None or person.access is Access.NONE:
        return None
    return roles_by_organization(person.memberships).get(alias)


def rules_for(plan: Plan, id: str, alias: str) -> str:
    """The rules that give a person an organization, in words.

    :param plan: a plan.
    :param id: the HR id.
    :param alias: the organization's alias.
    """
    person = person_of(plan, id)
    listed = person.memberships if person else ()
    entries = sorted({due.entry for due in listed if due.alias == alias and not due.kept})
    rules = (plan.spec.memberships[entry] for entry in entries)
    return "; ".join(rule_text(rule.line, rule.when.text if rule.when else "") for rule in rules)


def given_by(plan: Plan, row: AccessRow) -> str:
    """Why a membership is there: the rules, ``keep``, or a person.

    :param plan: a plan.
    :param row: the membership.
    """
    if not row.id:
        return UNMANAGED
    due = due_roles(plan, row.id, row.alias)
    kept = any((text, row.alias) in _kept(plan) for text in (row.id, row.email.strip().casefold()))
    if due is None:
        return KEPT if kept else BY_HAND
    hand = sorted(row.roles - due)
    more = f"; {', '.join(hand)}: {KEPT if kept else BY_HAND}" if hand else ""
    return f"{rules_for(plan, row.id, row.alias)}{more}"


def _kept(plan: Plan) -> set[tuple[str, str]]:
    return {(text, entry.organization) for entry in plan.spec.keep for text in (entry.id, entry.email) if text}
