"""Explain one person: the HR row, how it is read, the account, and what would be done, with reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pendulum

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.model import Access, Account, Person, Row, Source
from airflow_provider_kinde.sync.person.code_points import hidden, look_alike
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.run_request import RunRequest, as_source
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.report.redaction import without_values
from airflow_provider_kinde.sync.report.text import clean, operation_lines
from airflow_provider_kinde.sync.snapshot.reader import Snapshot
from airflow_provider_kinde.sync.spec.cell_text import clean_cell, clean_text
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.rule_text import rule_text
from airflow_provider_kinde.sync.store.near_ids import near_ids, suggestion
from airflow_provider_kinde.sync.store.people import roles_by_organization

_ACCESS = {
    Access.ACTIVE: "has access",
    Access.KEEP: "keeps access if there is any; starts later, so nothing is given yet",
    Access.GRACE: "keeps access for now (grace); nothing is given",
    Access.NONE: "has no access",
}


def explain(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    id: str,
    *,
    now: pendulum.DateTime | str | None = None,
    progress: Progress | None = None,
) -> tuple[str, Plan]:
    """Explain one HR id: row, mapping, account, and what a run over all people would change. Only reads.

    A person whom HR no longer lists counts as absent, as in a run over all people. The guards count this person alone.

    :param spec: the spec.
    :param source: the HR source, or a list of rows.
    :param client: a Kinde client, or a hook that has one.
    :param id: the HR id.
    :param now: the moment to plan for; the current time when left out.
    :param progress: called with stage, count and total during long work.
    :returns: the text, and the plan for this one person.
    """
    source = as_source(source)
    request = replace(RunRequest.of(now=now, ids=[id]), judges_absence=True)
    plan = plan_run(spec, source, client, request, progress=progress)
    return explanation(plan, source, id), plan


def explanation(plan: Plan, source: Source, id: str, *, personal: bool = True) -> str:
    """Explain one HR id from a plan that was made already.

    :param plan: the plan.
    :param source: the HR source.
    :param id: the HR id.
    :param personal: whether the text holds names, addresses and the row's values; without them it fits a log.
    :returns: the text.
    """
    id = clean_text(id)
    lines = [f"{clean(id)}  in {plan.spec.name} -> {plan.host}", ""]
    lines += _section("row", _rows(plan, source, id, personal))
    lines += _section("mapping", _mapping(plan, id, personal))
    lines += _section("match", _match(plan, id, personal))
    lines += _section("action", _action(plan, id, personal))
    return "\n".join(lines) + "\n"


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"  {title if number == 0 else '':<9}{line}" for number, line in enumerate(lines)] + [""]


def _rows(plan: Plan, source: Source, id: str, personal: bool) -> list[str]:
    found: list[str] = []
    spec = plan.spec
    reading = source.read()
    for row in reading:
        if _id(spec, row) == id:
            found.append(f"row {row.number} of {clean(reading.name)}")
            if personal:
                found += _cells(spec, row.values)
    if found:
        return found
    linked = plan.snapshot is not None and id in plan.snapshot.linked
    near = "" if linked or plan.snapshot is None else suggestion(near_ids(plan.snapshot.database, id))
    return [f"no row of {clean(reading.name)} has this id{clean(near)}"]


def _cells(spec: SyncSpec, values: Mapping[str, Any]) -> list[str]:
    """The cells that the spec reads, as it reads them, with a word on characters that cannot be seen."""
    lines = []
    employment = spec.employment
    for column, raw in values.items():
        if spec.columns is not None and column not in spec.columns:
            continue
        cell = clean_cell(raw)
        line = f"  {clean(column)} = " + ("(blank)" if cell is None else repr(clean(cell)))
        if isinstance(raw, str) and (unseen := hidden(raw)):
            line += f" (the source has {unseen} in it, which is read as this)"
        lines.append(line)
        readers = [template for template in spec.templates if column in template.columns]
        texts = frozenset[str]().union(*(template.texts for template in readers))
        if employment.status in readers:
            texts |= employment.active | employment.inactive
        if isinstance(cell, str) and (like := look_alike(cell, texts)):
            lines.append(f"    looks like {clean(like[0])!r} of the spec and is another text: {like[1]}")
    return lines


def _id(spec: SyncSpec, row: Row) -> str | None:
    try:
        return None if row.problem else clean_text(spec.person.id.render(row.values))
    except Exception:  # such a row is listed under "mapping", with the reason
        return None


def _mapping(plan: Plan, id: str, personal: bool) -> list[str]:
    people = plan.people
    if people is None:
        return ["not reached: " + "; ".join(clean(block.reason) for block in plan.blocked)]
    if person := people.persons.get(id):
        return _person(plan, person, personal)
    rejected = [
        f"rejected, row {r.row}: {clean(r.reason if personal else without_values(r.reason))}"
        for r in people.rejected
        if r.id == id
    ]
    held = [f"held: {clean(people.held[id])}"] if id in people.held else []
    if rejected or held:
        return rejected + held
    if plan.absence_unknown:
        return [f"nothing: no person is treated as absent, because {clean(plan.absence_unknown)}"]
    if plan.snapshot is not None and id not in plan.snapshot.linked:
        return ["nothing: no HR row and no account of this sync has this id"]
    if any(held_person.id == id for held_person in plan.held):
        return ["nothing: a run over all people holds this person, see below"]
    return ["nothing: HR no longer lists this person, whom a run over all people treats as absent"]


def _person(plan: Plan, person: Person, personal: bool) -> list[str]:
    name = " ".join(part for part in (person.given_name, person.family_name) if part)
    lines = [f"access   {_ACCESS[person.access]}" + (f": {clean(person.why)}" if personal else "")]
    if personal:
        who = [f"name     {clean(name) or '(blank)'}", f"email    {clean(person.email) or '(blank)'}"]
        lines = who + lines + [f"property {clean(key)} = {clean(value)!r}" for key, value in person.properties]
    for alias, roles in roles_by_organization(person.memberships).items():
        entries = sorted({due.entry for due in person.memberships if due.alias == alias})
        rules = (plan.spec.memberships[entry] for entry in entries)
        given = "; ".join(rule_text(rule.line, rule.when.text if rule.when else "") for rule in rules)
        lines.append(f"due      {clean(alias)}{_with(roles)}, {clean(given)}")
    for unclear in person.unclear_rules:
        rule = None if unclear.entry is None else plan.spec.memberships[unclear.entry]
        what = "scope" if rule is None else clean(rule_text(rule.line, rule.when.text if rule.when else ""))
        lines.append(f"doubt    {what} (column {', '.join(map(repr, unclear.columns))} is blank in this row)")
    return lines


def _match(plan: Plan, id: str, personal: bool) -> list[str]:
    snapshot = plan.snapshot
    if snapshot is None:
        return ["not reached"]
    lines = [account_line(snapshot, account, personal) for account in snapshot.linked.get(id, ())]
    if lines:
        return lines
    lines = ["no account carries the link " + clean(f"{plan.spec.name}:{id}")]
    person = plan.people.persons.get(id) if plan.people else None
    if person and person.email:
        owners = snapshot.accounts.with_address(email_key(person.email))
        lines += [f"the address is on {account_line(snapshot, owner, personal)}" for owner in owners] or [
            "no account has the address"
        ]
    return lines


def account_line(snapshot: Snapshot, account: Account, personal: bool = True) -> str:
    """Describe an account in one line: its link, whether it is suspended, its memberships.

    :param snapshot: the snapshot with the account.
    :param account: the account.
    :param personal: whether the line holds the address.
    :returns: the line.
    """
    state = "suspended" if account.suspended else "enabled"
    where = ", ".join(alias + _with(roles) for alias, roles in snapshot.memberships(account.id).items())
    owner = clean(account.provided_id) if account.provided_id else "no link"
    name = f"{account.id} <{clean(account.email)}>" if personal else account.id
    return f"{name}, {owner}, {state}, in {where or 'no managed organization'}"


def _with(roles: Iterable[str]) -> str:
    listed = ", ".join(sorted(roles))
    return f" (roles {listed})" if listed else ""


def action_lines(operations: Iterable[Change], personal: bool = True) -> list[str]:
    """Describe operations in one line each.

    :param operations: the operations.
    :param personal: whether the lines hold the values before and after.
    :returns: the lines.
    """
    if personal:
        return operation_lines(operations)
    found = []
    for o in operations:
        reason = _without_row(o)
        what = " ".join(clean(part) for part in (o.kind, o.role or "", o.alias or "") if part)
        found.append(f"{what}: {clean(reason)}" if reason else what)
    return found


def _nothing_to_do(plan: Plan, personal: bool) -> str:
    if plan.unknown_ids:
        return f"none: {clean(plan.unknown_ids[0])}"
    if plan.starting_later:
        day = f"on {plan.starting_later.first}" if personal else "on the first day that HR has"
        return f"none yet: the person starts later, and the sync gives access {day}"
    return "none: nothing to do"


def _without_row(change: Change) -> str:
    """The reason of a change without the status and the days of the HR row."""
    reason, person = without_values(change.reason), change.person
    if person is None or not person.row:  # the form's own words: HR has no row for this person
        return reason
    if reason.startswith(person.why):
        return "HR says so" + reason[len(person.why) :]
    return reason.replace(f" ({person.why})", "")


def _action(plan: Plan, id: str, personal: bool) -> list[str]:
    safe: Callable[[str], str] = str if personal else without_values
    held = [f"held: {clean(safe(held.reason))}" for held in plan.held if held.id == id]
    rejected = [f"none: the row is rejected ({clean(safe(r.reason))})" for r in plan.rejected if r.id == id]
    lines = held or rejected or action_lines(plan.operations, personal)
    for one in plan.unmanaged_leavers:
        lines.append(f"none: this sync does not manage {one.account}, which is still enabled: suspend it in Kinde")
        if one.api_keys:
            lines.append(f"{one.account} has {counted(one.api_keys, 'API key')}: delete them, suspension stops none")
    lines = lines or [_nothing_to_do(plan, personal)]
    return lines + [f"blocked: {clean(block.reason)}" for block in plan.blocked]
