"""Evidence as one HTML file, in the look of plans and reports: what an auditor asks first stands at the top."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.history.evidence import NOT_RUN, Table
from airflow_provider_kinde.sync.report.page import inline_policy, page_asset
from airflow_provider_kinde.sync.report.text import clean

SHOWN = 500
"""Rows of each table that the page shows; the CSV files have them all."""
_ORDER = ("leavers", "exceptions", "by_hand", "completeness", "access")
_TEXTS = {
    "leavers": "One line for each time that a person had to lose access. Due: when access was to end by HR's dates. "
    "Known: the first run that read it. Done: when access was gone; empty for a person who still has it. Late: from "
    "due to done, or from known where HR has no date. Data time: when the data that the first run read was written.",
    "exceptions": "Plans that were approved or blocked, protected people, people who were held for long, and what the "
    "spec keeps in place.",
    "by_hand": "What another party changed in Kinde between two runs. The page cannot say who: Kinde's own audit log "
    "does.",
    "completeness": "What the other tables rest on. On some days no run was carried out: the last one was blocked, "
    "rejected or failed, was limited to some people or changes, or there was none.",
    "access": "Each person's organizations and roles, and the rule that gives them.",
}
_EMPTY = {
    "leavers": "No person had to lose access in these days.",
    "exceptions": "There was none.",
    "by_hand": "No run found a change that it had not made.",
    "access": "No account had access.",
}
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z")
_CSS = """
.scroll table { width: auto; min-width: 100%; font-size: .87rem; }
.scroll th, .scroll td { white-space: nowrap; }
.scroll td.long { white-space: normal; min-width: 20rem; overflow-wrap: anywhere; }
.answers { padding-left: 1.2rem; }
"""
_LONG = 40
"""Characters from which a cell may break into lines."""


def evidence_page(spec_name: str, begin: str, end: str, tables: Sequence[Table]) -> Iterator[str]:
    """Write the tables as an HTML page: no network, no script, no other file.

    :param spec_name: the spec's name.
    :param begin: the first day.
    :param end: the last day.
    :param tables: the tables.
    :returns: the pieces of the page.
    """
    css = page_asset("page.css") + _CSS
    name = html.escape(clean(spec_name))
    found = {table.name: table for table in tables}
    broken = "NOT WHOLE" in _values(found, "chain")
    sentence = (
        "The history is NOT WHOLE: read Completeness before you rely on the rest"
        if broken
        else leavers_text(found.get("leavers"))
    )
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(inline_policy(css, ""))}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>Evidence of {name}</title>\n<style>{css}</style>\n</head>\n<body>\n"
        f"<header{' class=blocked' if broken else ''}>\n"
        f'<p class="kicker">Evidence · {name} · {html.escape(begin)} to {html.escape(end)}</p>\n'
        f"<h1>{html.escape(sentence)}.</h1>\n"
        '<p class="next">All moments are in UTC. HR ids and Kinde ids only, no names: look a person up in HR.</p>\n'
        "</header>\n<main>\n"
    )
    yield '<section aria-labelledby="answers"><h2 id="answers">In short</h2>\n<ul class="answers">\n'
    yield from (f'<li><a href="#{where}">{html.escape(text)}</a></li>\n' for where, text in _answers(found))
    yield "</ul></section>\n"
    for table in sorted(tables, key=lambda one: _ORDER.index(one.name) if one.name in _ORDER else len(_ORDER)):
        yield from _section(table)
    yield "</main>\n</body>\n</html>\n"


def leavers_text(table: Table | None) -> str:
    """Say in one sentence how many people had to lose access, and whether they did.

    :param table: the table of leavers.
    """
    if table is None or not table.rows:
        return "No person had to lose access"
    done, late = table.columns.index("done"), table.columns.index("late_seconds")
    left = sum(1 for row in table.rows if not row[done])
    count = len({row[table.columns.index("id")] for row in table.rows})
    said = f"{count:,} {'person' if count == 1 else 'people'} had to lose access"
    if left:
        return f"{said}; {left:,} still {'has' if left == 1 else 'have'} it"
    delays = [float(row[late]) for row in table.rows if isinstance(row[late], (int, float))]
    slowest = (
        f", the slowest {duration_text(max(delays))} after it was due or first known"
        if delays and max(delays) > 0
        else ""
    )
    return f"{said}, and {'did' if count == 1 else 'all did'}{slowest}"


def duration_text(seconds: float) -> str:
    """Write a duration in the two largest units: ``2 h 5 min``.

    :param seconds: the duration; below 0 for what was early.
    """
    sign, rest = ("-" if seconds < 0 else ""), abs(seconds)
    if rest < 60:
        return f"{sign}{rest:.1f} s" if rest < 10 else f"{sign}{rest:.0f} s"
    minutes = int(rest // 60)
    if minutes < 60:
        return f"{sign}{minutes} min {int(rest % 60)} s"
    hours = minutes // 60
    return f"{sign}{hours} h {minutes % 60} min" if hours < 24 else f"{sign}{hours // 24} d {hours % 24} h"


def _answers(found: dict[str, Table]) -> Iterator[tuple[str, str]]:
    """The first questions of an auditor: where the answer stands, and what it is."""
    chain = " ".join(_values(found, "chain")) or "not checked"
    yield "completeness", f"The history is {chain}, entries {' '.join(_values(found, 'entries')) or 'none'}"
    for value in _values(found, NOT_RUN):
        number, _, why = value.partition(" ")
        days = counted(int(number), "day")
        text = f"No run was carried out on {days} {why}" if why else "A run was carried out on each day"
        yield "completeness", text
    if "leavers" in found:
        yield "leavers", leavers_text(found["leavers"])
    for name, one, many in (
        ("exceptions", "approval or exception", "approvals and exceptions"),
        ("by_hand", "change in Kinde without a run of the sync", "changes in Kinde without a run of the sync"),
        ("access", "line of access at the end", "lines of access at the end"),
    ):
        if name in found:
            count = len(found[name].rows)
            yield name, f"{count:,} {one if count == 1 else many}"


def _values(found: dict[str, Table], what: str) -> list[str]:
    rows = found["completeness"].rows if "completeness" in found else ()
    return [str(row[1]) for row in rows if row[0] == what]


def _section(table: Table) -> Iterator[str]:
    name = table.name
    yield f'<section aria-labelledby="{name}"><h2 id="{name}">{html.escape(table.title)}</h2>\n'
    yield f"<p>{html.escape(_TEXTS.get(name, ''))}</p>\n"
    if not table.rows:
        yield f'<p class="note">{html.escape(_EMPTY.get(name, "There is none."))}</p></section>\n'
        return
    rows = list(_joined_days(table.rows)) if name == "completeness" else table.rows
    used = [number for number in range(len(table.columns)) if any(str(row[number]) for row in table.rows)]
    unused = [table.columns[number].replace("_", " ") for number in range(len(table.columns)) if number not in used]
    more = f", the first {SHOWN} are here" if len(table.rows) > SHOWN else ""
    empty = f" Empty in all rows, and left out here: {', '.join(unused)}." if unused else ""
    yield f'<p class="note">{counted(len(table.rows), "row")} in {name}.csv{more}.{html.escape(empty)}</p>\n'
    yield f'<div class="scroll" tabindex="0" role="group" aria-labelledby="{name}"><table>\n<thead><tr>'
    yield "".join(f'<th scope="col">{html.escape(_title(table.columns[number]))}</th>' for number in used)
    yield "</tr></thead>\n<tbody>\n"
    for row in rows[:SHOWN]:
        yield "<tr>" + "".join(_cell(table.columns[number], row[number]) for number in used) + "</tr>\n"
    yield "</tbody>\n</table></div></section>\n"


def _title(column: str) -> str:
    return {"late_seconds": "late", "seconds_after_known": "after known"}.get(column, column.replace("_", " "))


def _cell(column: str, value: Any) -> str:
    if column in ("late_seconds", "seconds_after_known") and isinstance(value, (int, float)):
        text = duration_text(float(value))
    else:
        text = _MOMENT.sub(r"\1 \2", clean(str(value)))
    return f"<td{' class=long' if len(text) > _LONG else ''}>{html.escape(text)}</td>"


def _joined_days(rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """Days that follow one another in one row: ``2026-11-01 to 2026-11-26``."""
    name = first = last = ""
    for what, value in [*rows, ("", "")]:
        if what == name and date.fromisoformat(value) - date.fromisoformat(last) == timedelta(days=1):
            last = value
            continue
        if name:
            yield name, first if first == last else f"{first} to {last}"
        name = what if what.startswith(f"{NOT_RUN}: ") else ""
        first = last = value
        if what and not name:
            yield what, value
