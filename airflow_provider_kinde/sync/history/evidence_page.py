"""Evidence as one HTML file, in the look of plans and reports."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from airflow_provider_kinde.sync.history.evidence import Table
from airflow_provider_kinde.sync.report.page import inline_policy, page_asset
from airflow_provider_kinde.sync.report.text import clean

SHOWN = 500
"""Rows of each table that the page shows; the CSV files have them all."""


def evidence_page(spec_name: str, begin: str, end: str, tables: Sequence[Table]) -> Iterator[str]:
    """Write the tables as an HTML page: no network, no script, no other file.

    :param spec_name: the spec's name.
    :param begin: the first day.
    :param end: the last day.
    :param tables: the tables.
    :returns: the pieces of the page.
    """
    css = page_asset("page.css") + "table { font-size: 0.85rem; } td { overflow-wrap: anywhere; }"
    name = html.escape(clean(spec_name))
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(inline_policy(css, ""))}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>Evidence of {name}</title>\n<style>{css}</style>\n</head>\n<body>\n"
        f'<header>\n<p class="kicker">Evidence · {name}</p>\n<h1>{html.escape(begin)} to {html.escape(end)}</h1>\n'
        "</header>\n<main>\n"
    )
    for table in reversed(tables):  # what the others rest on comes first
        yield f'<section aria-labelledby="{table.name}"><h2 id="{table.name}">{html.escape(table.title)}</h2>\n'
        more = f", the first {SHOWN} are here" if len(table.rows) > SHOWN else ""
        yield f"<p>{len(table.rows):,} rows in {table.name}.csv{more}.</p>\n<table>\n<thead><tr>"
        yield "".join(f'<th scope="col">{html.escape(column.replace("_", " "))}</th>' for column in table.columns)
        yield "</tr></thead>\n<tbody>\n"
        for row in table.rows[:SHOWN]:
            yield "<tr>" + "".join(f"<td>{html.escape(clean(str(value)))}</td>" for value in row) + "</tr>\n"
        yield "</tbody>\n</table></section>\n"
    yield "</main>\n</body>\n</html>\n"
