"""Write the inventory as a table (CSV), as JSON or as an HTML page, account by account."""

from __future__ import annotations

import csv
import html
import io
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.accounts.inventory import Inventory, ListedAccount
from airflow_provider_kinde.sync.report.page import inline_policy, page_asset
from airflow_provider_kinde.sync.report.table import safe_cell
from airflow_provider_kinde.sync.report.text import clean

COLUMNS = (
    "class", "id", "user_id", "email", "name", "reason", "suspended", "last_sign_in", "created", "organizations",
    "provided_id",
)  # fmt: skip
SUFFIXES = (".csv", ".json", ".html")


def check_suffix(path: str) -> None:
    """Check that a file's name says in which form it is written.

    :param path: the file.
    :raises SyncError: its name ends in none of :data:`SUFFIXES`.
    """
    if not path.endswith(SUFFIXES):
        raise SyncError(f"{path}: the inventory is written as {', '.join(SUFFIXES)}; let the name end in one of these")


def inventory_lines(inventory: Inventory, path: str, counts: Counter[str]) -> Iterator[str]:
    """Write the inventory in the form that a file's name says.

    :param inventory: the inventory.
    :param path: the file.
    :param counts: filled with the number of accounts of each class.
    :returns: the pieces of the file.
    """
    check_suffix(path)
    write = {"csv": _csv, "json": _json, "html": _html}[path.rpartition(".")[2]]
    return write(inventory, counts)


def _csv(inventory: Inventory, counts: Counter[str]) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for account in inventory:
        counts[account.kind] += 1
        writer.writerow([safe_cell(text) for text in _texts(account)])
        if out.tell() > 65_536:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _json(inventory: Inventory, counts: Counter[str]) -> Iterator[str]:
    plan = inventory.plan
    head = {"spec": plan.spec.name, "host": plan.host, "created_at": plan.now.to_iso8601_string()}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "accounts": [\n'
    for number, account in enumerate(inventory):
        counts[account.kind] += 1
        fields: dict[str, Any] = dict(zip(COLUMNS, account, strict=False))
        entry = {**fields, "last_sign_in": account.last_sign_in or None, "created": account.created or None}
        yield (",\n" if number else "") + json.dumps(entry, ensure_ascii=False)
    tail = {"classes": dict(counts), "summary": inventory.summary(counts)}
    yield "\n], " + json.dumps(tail, ensure_ascii=False)[1:] + "\n"


def _html(inventory: Inventory, counts: Counter[str]) -> Iterator[str]:
    plan = inventory.plan
    title = f"Accounts of {clean(plan.host)}"
    css = page_asset("page.css") + "main{max-width:none}"
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(inline_policy(css, ""))}">'
        f"<title>{html.escape(title)}</title><style>{css}</style></head><body>"
        f'<header><p class="kicker">{html.escape(plan.spec.name)}</p><h1>{html.escape(title)}</h1></header><main><ul>'
    )
    found = inventory.counts()
    yield "".join(f"<li>{html.escape(clean(line))}</li>" for line in inventory.summary(found))
    yield "</ul><table><thead><tr>" + "".join(f"<th>{name}</th>" for name in COLUMNS) + "</tr></thead><tbody>\n"
    for account in inventory:
        counts[account.kind] += 1
        yield "<tr>" + "".join(f"<td>{html.escape(clean(text))}</td>" for text in _texts(account)) + "</tr>\n"
    yield "</tbody></table></main></body></html>\n"


def _texts(account: ListedAccount) -> list[str]:
    places = [f"{name} ({', '.join(roles)})" if roles else name for name, roles in account.organizations.items()]
    return [
        account.kind, account.id, account.user_id, account.email, account.name, account.reason,
        "yes" if account.suspended else "no", account.last_sign_in, account.created, "; ".join(places),
        account.provided_id,
    ]  # fmt: skip
