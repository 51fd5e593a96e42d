"""Write the draft of a spec as YAML, with the evidence of every guess as comments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.draft.column_words import words_of
from airflow_provider_kinde.sync.draft.columns import Column, DraftColumns, slug
from airflow_provider_kinde.sync.draft.file_reading import CODE_PAGES
from airflow_provider_kinde.sync.draft.statuses import is_plain
from airflow_provider_kinde.sync.draft.yaml_text import aliases_of, entry, literal, quoted, scalar
from airflow_provider_kinde.sync.model import Access
from airflow_provider_kinde.sync.people.null_texts import listed
from airflow_provider_kinde.sync.report.text import clean
from airflow_provider_kinde.sync.store.people import People

_SUM = re.compile(
    r"(grand |sub)?totals?( general)?|sum|summe|gesamt(summe)?|suma|somme|totale|totaal|razem|count|records"
)
MAX_ORGANIZATIONS = 50
"""A column with more values is not treated as a department."""
_NAMED = 5
"""People who start later whose ids a draft names."""


@dataclass
class Parts:
    """Lines of a draft that do not come from the columns of the file alone.

    :param conn_id: the Airflow connection.
    :param host: Kinde's host, if a tenant was read.
    :param ends: comments on end dates.
    :param person: further lines of ``person``.
    :param organizations: the section ``organizations``, and ``memberships`` where no tenant was read.
    :param memberships: the section ``memberships``.
    :param keep: the section ``keep``.
    :param joiner: the section ``joiner``.
    :param ignore: the section ``ignore``.
    :param guards: the section ``guards``.
    :param sample: a text of the file that is not ASCII.
    :param blank: columns that rules read, and that are blank in some rows.
    """

    conn_id: str
    host: str = ""
    ends: Sequence[str] = ()
    person: list[str] = field(default_factory=list)
    organizations: list[str] = field(default_factory=lambda: ["organizations: {}"])
    memberships: list[str] = field(default_factory=list)
    keep: list[str] = field(default_factory=list)
    joiner: list[str] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)
    guards: list[str] = field(default_factory=list)
    sample: str = ""
    blank: Sequence[Column] | None = None


def header(path: str, rows: int, people: People, about: Sequence[str] = ()) -> str:
    """Write the first lines of a draft: what it makes of the file, and the next step.

    :param path: the HR export.
    :param rows: how many rows it has.
    :param people: the file as the draft reads it.
    :param about: lines about the tenant.
    """
    access, left, later = 0, 0, list[str]()
    for person in people.persons.values():
        access += person.access in (Access.ACTIVE, Access.GRACE)
        left += person.access is Access.NONE
        if person.access is Access.KEEP:
            later.append(person.id)
    again = rows - len(people.persons) - len(people.rejected) - len(people.held)
    file = clean(Path(path).name)
    refused = counted(len(people.rejected), "row is", "rows are")
    here, gone = counted(access, "person has", "people have"), counted(left, "has", "have")
    lines = [
        f"Drafted from {file}: {counted(rows, 'row')}. All values are guesses; check the lines marked `check`.",
        f"As this draft reads it today: {here} access, {gone} left,",
        f"{refused} rejected, {counted(len(people.held), 'person is', 'people are')} held."
        + (f" {counted(again, 'of the rows repeats', 'of the rows repeat')} others." if again > 0 else ""),
        *_starting_later(later),
        *about,
    ]
    lines += [
        f"check: row {r.row} ({clean(r.id)}) looks like a sum: leave it out of the export, or name it in expect.trailer"
        for r in people.rejected
        if r.id and _SUM.fullmatch(words_of(r.id))
    ]
    lines += [f"check: row {r.row} is rejected: {clean(r.reason)[:150]}" for r in people.rejected[:3]]
    lines += [f"check: {clean(id)} is held: {clean(why)[:150]}" for id, why in list(people.held.items())[:3]]
    lines += [f"check: blocked: {clean(problem)[:250]}" for problem in people.problems[:3]]
    lines += [
        "Next: python -m airflow_provider_kinde validate --spec FILE",
        "Then: python -m airflow_provider_kinde plan --spec FILE, which only reads.",
    ]
    return "".join(f"# {line}\n" for line in lines)


def _starting_later(ids: Sequence[str]) -> list[str]:
    if not ids:
        return []
    more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    starts = counted(len(ids), "person starts", "people start")
    return [f"{starts} later, without access today: {', '.join(map(clean, ids[:_NAMED]))}{more}."]


def spec_text(found: DraftColumns, options: dict[str, Any], parts: Parts) -> str:
    """Write the spec.

    :param found: what the columns mean.
    :param options: the options of the source.
    :param parts: further lines.
    """
    name = _name(options["path"])
    tenant = f"tenant: {quoted(parts.host)}" if parts.host else "# tenant: acme.kinde.com"
    lines = [
        "version: 1",
        f"name: {quoted(name):<28} # the first half of every link in Kinde; never change it later",
        f"kinde_conn_id: {parts.conn_id:<20} # the Airflow connection",
        f"{tenant:<35} # {'' if parts.host else 'uncomment it, '}so that no other Kinde is written to by mistake",
        "",
        "source:",
        "  type: file",
        f"  path: {quoted(options['path'])}",
    ]
    for key in ("format", "encoding", "delimiter", "skip_rows", "rows", "keyed_by"):
        if key in options:
            why = "as the file looks"
            if options[key] in CODE_PAGES:
                why = f"check: no valid UTF-8. Is this text right: {quoted(clean(parts.sample[:40]))}?"
            lines.append(f"  {key}: {scalar(options[key])}  # {why}")
    if nulls := options.get("null_values"):
        lines.append(f"  null_values: {listed(nulls)}  # check: these texts are read as blank; delete a real value")
    least = max(1, found.rows * 9 // 10)
    lines += [
        f"  # expect: {{min_rows: {least}}}  # proves that the file is complete; else absent people are held",
        "",
        "person:",
        *entry("  id", found.id.expression, found.id.why, found.id.sure),
        *entry("  email", found.email.expression, found.email.why, found.email.sure),
        *entry("  given_name", found.given.expression, found.given.why, found.given.sure),
        *entry("  family_name", found.family.expression, found.family.why, found.family.sure),
        *(
            ["  rows: all  # check: rows of one id are one person, who gets what any row gives"]
            if found.two_jobs
            else []
        ),
        *parts.person,
        "",
        "employment:",
        *entry("  status", found.status.expression, found.status.why, found.status.sure),
        *_statuses(found),
    ]
    for key, part in (("start_date", found.start), ("end_date", found.end)):
        if part:
            lines += entry(f"  {key}", part.expression, part.why, part.sure)
    lines += [f"  # {clean(line)}" for line in parts.ends]
    if found.formats:
        lines.append(f"  date_format: [{', '.join(map(quoted, found.formats))}]  # {found.formats_why}")
    elif found.formats_why:
        lines.append(f"  # {found.formats_why}")
    lines += ['  timezone: UTC                     # check: where "today" is, such as America/New_York', ""]
    for column in [found.department] if parts.blank is None else parts.blank:
        if column and column.blank:
            lines.append(
                f"# check: {quoted(column.name)} is blank in {counted(column.blank, 'row')}. "
                "People who would lose access by"
            )
            lines += [
                "# that are held. Uncomment the next line if a blank is a valid value there:",
                f"# may_be_empty: [{quoted(column.name)}]",
                "",
            ]
    for section in (parts.organizations, parts.memberships, parts.keep, parts.joiner, parts.ignore, parts.guards):
        lines += [*section, ""] if section else []
    return "\n".join(lines).rstrip() + "\n"


def _statuses(found: DraftColumns) -> list[str]:
    lines = []
    for key, values in (("active", found.active), ("inactive", found.inactive)):
        listed = ", ".join(quoted(value) for value, _ in values)
        says = "gives access" if key == "active" else "takes it away"
        guessed = [quoted(value) for value, _ in values if not is_plain(value, active=key == "active")]
        if guessed:
            says = f"check: {says}. {', '.join(guessed)} {'is a guess' if len(guessed) == 1 else 'are guesses'}"
        lines.append(f"  {key}: [{listed}]  # {says}")
        lines += [f"    # {quoted(value)}: {counted(count, 'row')}" for value, count in values if count]
    for value, count in found.unclear:
        lines.append(
            f"  # check: {quoted(value)} ({counted(count, 'row')}) is in neither list: such rows are rejected,"
        )
        lines.append("  #   and nothing is done for their people, until you put it in one")
    return lines


def department_lines(found: DraftColumns) -> list[str]:
    """Write organizations and rules for the departments of a file.

    :param found: what the columns mean.
    """
    column = found.department
    if column is None:
        return [
            "# No column looks like a department: add organizations and rules yourself.  # check",
            "organizations: {}",
        ]
    spellings: dict[str, list[str]] = {}
    for value in column.texts():
        spellings.setdefault(value.lower(), []).append(value)
    if len(spellings) > MAX_ORGANIZATIONS:
        return [
            f"# {quoted(column.name)} holds {len(spellings)} values: too many to draft one organization each.  # check",
            "organizations: {}",
        ]
    names = [texts[0] for texts in spellings.values()]
    aliases = aliases_of(names)
    lines = [
        f"# One organization for each value of {quoted(column.name)}, looked up in Kinde by its name, and created",
        "# if there is none. To name one by its code, write `alias: org_...`.  # check: the names",
        "organizations:",
        *(f"  {alias}: {{name: {quoted(name)}, create: true}}" for name, alias in zip(names, aliases, strict=True)),
        "",
        "memberships:                         # every rule that holds adds up; `roles` takes role keys of Kinde",
    ]
    for (folded, texts), alias in zip(spellings.items(), aliases, strict=True):
        test = f"lower == {literal(folded)}" if len(texts) > 1 else f"trim == {literal(texts[0])}"
        rows = counted(sum(column.counts[text] for text in texts), "row")
        lines += [
            f"  - organization: {alias}",
            f"    when: {quoted(f'{{{{ {column.reference} | {test} }}}}')}  # {rows}",
        ]
    return lines


def _name(path: str) -> str:
    return slug(Path(path.split("?")[0]).stem)[:31].strip("-") or "hr"
