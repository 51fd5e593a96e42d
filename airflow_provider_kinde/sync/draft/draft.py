"""Draft a spec from an HR export. Every guess is explained; a guess that is not certain is marked ``# check``."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pendulum

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.draft.columns import Column, DraftColumns, guess, slug
from airflow_provider_kinde.sync.draft.csv_layout import csv_options
from airflow_provider_kinde.sync.draft.end_dates import comments, count_end_dates
from airflow_provider_kinde.sync.model import Access, Reading, Source
from airflow_provider_kinde.sync.people.null_texts import NULL_TEXTS, listed
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.report.text import clean
from airflow_provider_kinde.sync.spec.date_parser import DateReader
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.people import People

MAX_ORGANIZATIONS = 50
"""A column with more values is not treated as a department."""
_TAKEN = frozenset({"match", "prefix", "null", "yes", "no", "on", "off", "true", "false"})
"""Words that YAML or a spec does not read as an alias."""
_PROBE = """
version: 1
name: draft
source: {source}
person: {{id: "{{{{ row.x }}}}", email: "{{{{ row.x }}}}", given_name: "", family_name: ""}}
employment: {{status: Active, active: [Active]}}
"""


def draft(path: str, out: str = "", *, make_source: Callable[[SyncSpec], Source]) -> str:
    """Draft the spec for an HR export.

    :param path: the HR export: CSV, JSON, JSON lines or Parquet; a path or a URL of an object storage.
    :param out: where the spec will be written: paths in it are relative to that folder.
    :param make_source: opens the source of a spec.
    :returns: a valid spec as YAML, with the evidence of every guess.
    :raises SyncError: the file cannot be read, has no row, or has no column that can be an id.
    """
    options = _source_options(path)
    columns, rows = _read(path, options, make_source)
    if nulls := sorted(NULL_TEXTS.intersection(text for column in columns for text in column.counts)):
        options["null_values"] = nulls
        columns, rows = _read(path, options, make_source)
    found = guess(columns, rows)
    ends = _end_dates(path, options, found, make_source) if found.end_columns else []
    text = _yaml(found, _name(path), {**options, "path": _relative(path, out)}, ends)
    people = _try(text, {**options, "path": path}, make_source)
    return _header(path, rows, people) + text


# -- reading the file -------------------------------------------------------------------------------------------


def _source_options(path: str) -> dict[str, Any]:
    """Guess the options of the file source from the first bytes of the file."""
    options: dict[str, Any] = {"type": "file"}
    suffix = Path(path.lower().removesuffix(".gz")).suffix
    if "://" in path:
        return options
    try:
        with Path(path).expanduser().open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file = gzip.GzipFile(fileobj=raw) if packed else raw
            head = file.read(1 << 16)
            whole = head + file.read(1 << 24)
    except (OSError, EOFError, zlib.error) as error:
        raise SyncError(f"{path} cannot be read: {getattr(error, 'strerror', '') or error}") from error
    if suffix in (".parquet", ".pq", ".xlsx", ".xlsm"):
        return options
    if head.startswith(b"PK\x03\x04"):
        return {**options, "format": "xlsx"}
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        options["encoding"] = "utf-16"
    elif not _is_utf8(whole):
        options["encoding"] = "cp1252"
    text = head.decode(options.get("encoding", "utf-8-sig"), errors="replace")
    if suffix not in (".csv", ".tsv", ".json", ".jsonl", ".ndjson"):
        options["format"] = (
            ("jsonl" if "\n{" in text else "json") if text.lstrip()[:1] in "[{" and text.strip() else "csv"
        )
    kind = options.get("format", "csv" if suffix in (".csv", ".tsv") else suffix.lstrip("."))
    if kind == "csv":
        options |= csv_options(text, tab=suffix == ".tsv")
    if kind == "json" and text.lstrip()[:1] == "{":
        if re.match(r'\s*\{\s*"[^"\\]*"\s*:\s*\{', text):
            options["keyed_by"] = "id"
        else:
            options["rows"] = _rows_key(text, path)
    return options


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(data) - 4  # a character cut off by the end of what was read
    return True


def _rows_key(text: str, path: str) -> str:
    match = re.search(r'"([^"\\]+)"\s*:\s*\[\s*\{', text)
    if not match:
        raise SyncError(f"{path} is a JSON object without a list of objects near its beginning")
    return match[1]


def _read(path: str, options: dict[str, Any], make_source: Callable[[SyncSpec], Source]) -> tuple[list[Column], int]:
    """Read every column with its values."""
    reading = _reading(path, options, make_source)
    columns = {name: Column(name) for name in reading.columns or ()}
    rows = 0
    for row in reading:
        if row.problem:
            continue
        rows += 1
        for name, value in row.values.items():
            columns.setdefault(name, Column(name)).add(value)
    if not rows:
        why = f": {reading.incomplete[0]}" if reading.incomplete else ""
        raise SyncError(f"{path} has no row, so there is nothing to draft from{why}")
    for column in columns.values():
        column.rows = rows
    return list(columns.values()), rows


def _reading(path: str, options: dict[str, Any], make_source: Callable[[SyncSpec], Source]) -> Reading:
    full = path if "://" in path else str(Path(path).expanduser().absolute())
    spec = SyncSpec.parse(_PROBE.format(source=_flow({**options, "path": full})))
    return make_source(spec).read()


def _end_dates(
    path: str, options: dict[str, Any], found: DraftColumns, make_source: Callable[[SyncSpec], Source]
) -> list[str]:
    """What the draft says about the end dates of people whose status gives access."""
    reader = DateReader(found.formats, pendulum.now("UTC").date())
    active = frozenset(value.casefold() for value, _ in found.active)
    rows = _reading(path, options, make_source)
    return comments(
        count_end_dates(rows, list(found.end_columns), found.status_column, active, reader, found.start_column),
        found.end_column,
    )


def _try(text: str, options: dict[str, Any], make_source: Callable[[SyncSpec], Source]) -> People:
    """Read the file with the drafted spec; the first lines of the draft report the result."""
    SyncSpec.parse(text)
    full = options["path"] if "://" in options["path"] else str(Path(options["path"]).expanduser().absolute())
    here = re.sub(r"(?m)^  path: .*$", lambda _: f"  path: {_quoted(full)}", text, count=1)
    spec = SyncSpec.parse(here)
    return read_people(spec, make_source(spec), pendulum.now("UTC"))


# -- writing the spec -------------------------------------------------------------------------------------------


def _header(path: str, rows: int, people: People) -> str:
    access = sum(person.access is not Access.NONE for person in people.persons.values())
    left = len(people.persons) - access
    again = rows - len(people.persons) - len(people.rejected) - len(people.held)
    lines = [
        f"Drafted from {clean(Path(path).name)}: {rows} rows. All values are guesses; check the lines marked `check`.",
        f"As this draft reads it today: {access} people have access, {left} have left, {len(people.rejected)} rows are",
        f"rejected, {len(people.held)} people are held."
        + (f" {again} of the rows repeat others." if again > 0 else ""),
    ]
    lines += [f"check: row {r.row} is rejected: {clean(r.reason)[:150]}" for r in people.rejected[:3]]
    lines += [f"check: {clean(id)} is held: {clean(why)[:150]}" for id, why in list(people.held.items())[:3]]
    lines += [f"check: blocked: {clean(problem)[:250]}" for problem in people.problems[:3]]
    lines += ["Next: python -m airflow_provider_kinde validate --spec FILE, then plan --spec FILE, which only reads."]
    return "".join(f"# {line}\n" for line in lines)


def _yaml(found: DraftColumns, name: str, options: dict[str, Any], ends: list[str]) -> str:
    lines = [
        "version: 1",
        f"name: {_quoted(name):<28} # the first half of every link in Kinde; never change it later",
        "kinde_conn_id: kinde_default        # the Airflow connection",
        "# tenant: acme.kinde.com            # uncomment it, so that no other Kinde is written to by mistake",
        "",
        "source:",
        "  type: file",
        f"  path: {_quoted(options['path'])}",
    ]
    for key in ("format", "encoding", "delimiter", "skip_rows", "rows", "keyed_by"):
        if key in options:
            why = "no valid UTF-8  # check" if options[key] == "cp1252" else "as the file looks"
            lines.append(f"  {key}: {_scalar(options[key])}  # {why}")
    if nulls := options.get("null_values"):
        lines.append(f"  null_values: {listed(nulls)}  # check: these texts are read as blank; delete a real value")
    least = max(1, found.rows * 9 // 10)
    lines += [
        f"  # expect: {{min_rows: {least}}}  # proves that the file is complete; else absent people are held",
        "",
        "person:",
        *_entry("  id", found.id.expression, found.id.why, found.id.sure),
        *_entry("  email", found.email.expression, found.email.why, found.email.sure),
        *_entry("  given_name", found.given.expression, found.given.why, found.given.sure),
        *_entry("  family_name", found.family.expression, found.family.why, found.family.sure),
        "",
        "employment:",
        *_entry("  status", found.status.expression, found.status.why, found.status.sure),
        *_statuses(found),
    ]
    for key, part in (("start_date", found.start), ("end_date", found.end)):
        if part:
            lines += _entry(f"  {key}", part.expression, part.why, part.sure)
    lines += [f"  # {clean(line)}" for line in ends]
    if found.formats:
        lines.append(f"  date_format: [{', '.join(map(_quoted, found.formats))}]  # {found.formats_why}")
    elif found.formats_why:
        lines.append(f"  # {found.formats_why}")
    lines += ['  timezone: UTC                     # check: where "today" is, such as America/New_York', ""]
    if found.department and found.department.blank:
        column = found.department
        lines.append(
            f"# check: {_quoted(column.name)} is blank in {column.blank} rows. People who would lose access by that are"
        )
        lines += [
            "# held. Uncomment the next line if a blank is a valid value there:",
            f"# may_be_empty: [{_quoted(column.name)}]",
            "",
        ]
    lines += _organizations(found)
    return "\n".join(lines).rstrip() + "\n"


def _entry(key: str, value: str, why: str, sure: bool) -> list[str]:
    comment = f"# {clean(why)}" if sure else f"# check: {clean(why)}"
    line = f"{key}: {_quoted(value)}"
    return [f"{line}  {comment}"] if len(line) + len(comment) < 118 else [f"  {comment}", line]


def _statuses(found: DraftColumns) -> list[str]:
    lines = []
    for key, values in (("active", found.active), ("inactive", found.inactive)):
        listed = ", ".join(_quoted(value) for value, _ in values)
        lines.append(f"  {key}: [{listed}]  # " + ("gives access" if key == "active" else "takes it away"))
        lines += [f"    # {_quoted(value)}: {_rows(count)}" for value, count in values if count]
    for value, count in found.unclear:
        lines.append(f"  # check: {_quoted(value)} ({_rows(count)}) is in neither list: such rows are rejected,")
        lines.append("  #   and nothing is done for their people, until you put it in one")
    return lines


def _organizations(found: DraftColumns) -> list[str]:
    column = found.department
    if column is None:
        return [
            "# No column looks like a department: add organizations and rules yourself.  # check",
            "organizations: {}",
        ]
    values = column.texts()
    if len(values) > MAX_ORGANIZATIONS:
        return [
            f"# {_quoted(column.name)} holds {len(values)} values: too many to draft one organization each.  # check",
            "organizations: {}",
        ]
    aliases = _aliases(values)
    lines = [
        f"# One organization for each value of {_quoted(column.name)}, looked up in Kinde by its name, and created",
        "# if there is none. To name one by its code, write `alias: org_...`.  # check: the names",
        "organizations:",
        *(f"  {alias}: {{name: {_quoted(value)}, create: true}}" for value, alias in aliases.items()),
        "",
        "memberships:                         # every rule that holds adds up; `roles` takes role keys of Kinde",
    ]
    for value, alias in aliases.items():
        test = f"{{{{ {column.reference} | trim == {_literal(value)} }}}}"
        lines += [f"  - organization: {alias}", f"    when: {_quoted(test)}  # {_rows(column.counts[value])}"]
    return lines


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"


def _aliases(values: Iterable[str]) -> dict[str, str]:
    """Make a different short name for each value."""
    found: dict[str, str] = {}
    for value in values:
        base = slug(value) or "organization"
        if base[0].isdigit() or base in _TAKEN:
            base = f"org-{base}"
        alias, number = base, 2
        while alias in found.values():
            alias, number = f"{base}-{number}", number + 1
        found[value] = alias
    return found


def _name(path: str) -> str:
    return slug(Path(path.split("?")[0]).stem)[:31].strip("-") or "hr"


def _relative(path: str, out: str) -> str:
    """The path for the spec: relative to the spec's folder if the file is below it."""
    if "://" in path or not out:
        return path
    full, folder = Path(path).expanduser().absolute(), Path(out).expanduser().absolute().parent
    return full.relative_to(folder).as_posix() if full.is_relative_to(folder) else str(full)


def _flow(options: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {_scalar(value)}" for key, value in options.items()) + "}"


def _scalar(text: str | list[str]) -> str:
    if isinstance(text, list):
        return listed(text)
    return text if text.isascii() and text.isdigit() else _quoted(text)


def _quoted(text: str) -> str:
    """A YAML text in double quotes."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _literal(text: str) -> str:
    """A Jinja text in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
