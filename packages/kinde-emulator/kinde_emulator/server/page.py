"""The web page at ``/``: organizations with their members and roles, and the latest requests."""

from __future__ import annotations

import html
import json
import secrets
import sqlite3
from typing import Any
from urllib.parse import urlencode

from kinde_emulator.data.store import grouped, number
from kinde_emulator.server.http import Request, Response, html_response
from kinde_emulator.server.routes import route
from kinde_emulator.server.tenant import Tenant

MEMBERS_SHOWN = 25
ORGANIZATIONS_SHOWN = 50
REQUESTS_SHOWN = 40

STYLE = """
:root {
  color-scheme: light dark; --line: #8884; --soft: #8882; --dim: #666; --bad: #c62828; --good: #2e7d32; --tag: #3949ab;
}
@media (prefers-color-scheme: dark) { :root { --dim: #aaa; --bad: #ef9a9a; --good: #a5d6a7; --tag: #9fa8da; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 78rem; padding: 1.5rem; }
header { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; justify-content: space-between; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 0; } h3 small { font-weight: normal; }
.dim, small { color: var(--dim); } code { font: .87em ui-monospace, monospace; }
section.card {
  border: 1px solid var(--line); border-radius: .5rem; margin: .8rem 0; padding: .8rem 1rem; overflow-x: auto;
}
table { border-collapse: collapse; width: 100%; margin-top: .5rem; }
th { text-align: left; font-weight: 600; color: var(--dim); font-size: .85rem; }
th, td { padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--soft); vertical-align: top; }
tr:last-child td { border-bottom: 0; } .number { text-align: right; font-variant-numeric: tabular-nums; }
.tag {
  border: 1px solid currentColor; border-radius: 1rem; color: var(--tag); font-size: .8rem; padding: 0 .5rem;
  white-space: nowrap;
}
.suspended td:first-child { text-decoration: line-through; } .bad { color: var(--bad); } .good { color: var(--good); }
input {
  font: inherit; padding: .3rem .6rem; border: 1px solid var(--line); border-radius: .4rem;
  width: 21rem; max-width: 100%;
}
td.path { word-break: break-all; }
table.people { table-layout: fixed; min-width: 48rem; }
table.people td { overflow-wrap: anywhere; }
"""

# The page does not reload while the user types in the search field.
SCRIPT = "setInterval(() => document.activeElement?.name === 'q' || location.reload(), 5000)"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; form-action 'self'"


@route("GET", "/")
def index(request: Request) -> Response:
    """Shows organizations, members, roles and the latest requests.

    :param request: the request.
    """
    tenant, parameters = request.tenant, dict(request.query)
    wanted = parameters.get("q", "").strip()
    asked = parameters.get("page", "1")
    page = max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1
    with tenant.store.transaction() as db:
        body = _summary(db) + _roles(db) + _organizations(db, wanted, page) + _unplaced(db, wanted)
    nonce = secrets.token_urlsafe(12)
    return html_response(
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Kinde emulator</title>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        "<noscript><meta http-equiv=refresh content=5></noscript>"
        f"<script nonce={nonce}>{SCRIPT}</script>"
        f"<style>{STYLE}</style></head><body><header><h1>Kinde emulator</h1>{_search(wanted)}</header>"
        f"{body}{_requests(tenant)}</body></html>",
        headers={"content-security-policy": POLICY.format(nonce=nonce)},
    )


def _text(value: Any) -> str:
    return html.escape("" if value is None else str(value))


def _search(wanted: str) -> str:
    field = f"<input type=search name=q value='{_text(wanted)}' placeholder='Find a person or an organization'>"
    return f"<form role=search>{field}</form>"


def _summary(db: sqlite3.Connection) -> str:
    counts = [
        (number(db, f"SELECT count(*) FROM {table}"), table)
        for table in ("organizations", "users", "members", "roles", "permissions", "sessions")
    ]
    suspended = number(db, "SELECT count(*) FROM users WHERE is_suspended")
    words = [f"<strong>{count:,}</strong> {'memberships' if name == 'members' else name}" for count, name in counts]
    return f"<p class=dim>{' · '.join(words)} · <strong>{suspended:,}</strong> suspended</p>"


def _roles(db: sqlite3.Connection) -> str:
    sql = """SELECT key, name, (SELECT count(*) FROM member_roles WHERE role_id = id) AS held FROM roles
             ORDER BY key LIMIT 100"""
    tags = [
        f"<span class=tag title='{_text(row['name'])}'>{_text(row['key'])}</span> <small>{row['held']:,}</small>"
        for row in db.execute(sql)
    ]
    return f"<p>Roles: {' &nbsp; '.join(tags)}</p>" if tags else ""


PERSON = """(lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) LIKE :like ESCAPE '\\'
            OR lower(coalesce(email, '')) LIKE :like ESCAPE '\\'
            OR lower(coalesce(provided_id, '')) LIKE :like ESCAPE '\\' OR users.id = :exact)"""
ORGANIZATION = """(lower(organizations.name) LIKE :like ESCAPE '\\' OR code = :exact OR handle = :exact
                  OR external_id = :exact)"""


def _filter(wanted: str) -> dict[str, Any]:
    text = wanted.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {"like": f"%{text}%", "exact": wanted}


def _organizations(db: sqlite3.Connection, wanted: str, page: int) -> str:
    members = "SELECT 1 FROM members JOIN users ON users.id = user_id WHERE org_code = code AND"
    condition = f"WHERE {ORGANIZATION} OR EXISTS ({members} {PERSON})" if wanted else ""
    values = _filter(wanted)
    total = int(db.execute(f"SELECT count(*) FROM organizations {condition}", values).fetchone()[0])
    rows = db.execute(
        f"""SELECT *, {ORGANIZATION} AS named, (SELECT count(*) FROM members WHERE org_code = code) AS members
            FROM organizations {condition} ORDER BY is_default DESC, name COLLATE NOCASE, code
            LIMIT {ORGANIZATIONS_SHOWN} OFFSET :offset""",
        {**values, "offset": (page - 1) * ORGANIZATIONS_SHOWN},
    ).fetchall()
    cards = "".join(_card(db, row, wanted) for row in rows) or "<p class=dim>None.</p>"
    return f"<h2>Organizations <small>{total:,}</small></h2>{cards}{_pager(total, page, wanted)}"


def _pager(total: int, page: int, wanted: str) -> str:
    pages = -(-total // ORGANIZATIONS_SHOWN)
    if pages <= 1:
        return ""
    links = [
        f"<a href='?{html.escape(urlencode({'q': wanted, 'page': other}))}'>{words}</a>"
        for other, words in ((page - 1, "← previous"), (page + 1, "next →"))
        if 1 <= other <= pages
    ]
    return f"<p>Page {page} of {pages} {' '.join(links)}</p>"


def _card(db: sqlite3.Connection, row: sqlite3.Row, wanted: str) -> str:
    tags = "".join(
        f" <span class='tag{extra}'>{words}</span>"
        for shown, words, extra in ((row["is_default"], "default", ""), (row["is_suspended"], "suspended", " bad"))
        if shown
    )
    known = [f"<code>{_text(row['code'])}</code>"]
    known += [f"{name.replace('_', ' ')} {_text(row[name])}" for name in ("handle", "external_id") if row[name]]
    known.append(f"{row['members']:,} {'member' if row['members'] == 1 else 'members'}")
    title = f"<h3>{_text(row['name'])}{tags} <small>{' · '.join(known)}</small></h3>"
    condition = f"AND {PERSON}" if wanted and not row["named"] else ""
    members = db.execute(
        f"""SELECT users.* FROM members JOIN users ON users.id = user_id WHERE org_code = :code {condition}
            ORDER BY email COLLATE NOCASE, users.id LIMIT {MEMBERS_SHOWN + 1}""",
        {"code": row["code"], **_filter(wanted)},
    ).fetchall()
    return f"<section class=card>{title}{_people(db, members, row['code'])}</section>"


def _people(db: sqlite3.Connection, users: list[sqlite3.Row], code: str | None) -> str:
    if not users:
        return ""
    ids = json.dumps([user["id"] for user in users])
    sql = """SELECT user_id, key FROM member_roles JOIN roles ON roles.id = role_id
             WHERE org_code = ? AND user_id IN (SELECT value FROM json_each(?)) ORDER BY key"""
    roles = grouped(db.execute(sql, (code, ids)), "user_id")
    lines = []
    for user in users[:MEMBERS_SHOWN]:
        name = " ".join(part for part in (user["first_name"], user["last_name"]) if part)
        tags = " ".join(f"<span class=tag>{_text(item['key'])}</span>" for item in roles.get(user["id"], []))
        state = "<span class=bad>suspended</span>" if user["is_suspended"] else "<span class=good>active</span>"
        kind = " class=suspended" if user["is_suspended"] else ""
        lines.append(
            f"<tr{kind}><td>{_text(name)}</td><td>{_text(user['email'])}</td><td>{tags}</td><td>{state}</td><td><code>{_text(user['provided_id'])}</code></td></tr>"
        )
    more = "<tr><td class=dim colspan=5>… and more: search to see them</td></tr>" if len(users) > MEMBERS_SHOWN else ""
    head = "<tr><th>Name</th><th>E-mail</th><th>Roles</th><th>Access</th><th>Provided id</th></tr>"
    return f"<table class=people>{head}{''.join(lines)}{more}</table>"


def _unplaced(db: sqlite3.Connection, wanted: str) -> str:
    nowhere = "NOT EXISTS (SELECT 1 FROM members WHERE user_id = users.id)"
    condition = f"{nowhere} AND {PERSON}" if wanted else nowhere
    values = _filter(wanted)
    users = db.execute(
        f"SELECT * FROM users WHERE {condition} ORDER BY email COLLATE NOCASE, id LIMIT {MEMBERS_SHOWN + 1}", values
    ).fetchall()
    if not users:
        return ""
    return f"<h2>In no organization</h2><section class=card>{_people(db, users, None)}</section>"


def _requests(tenant: Tenant) -> str:
    lines = []
    for entry in reversed(tenant.log.entries(REQUESTS_SHOWN)):
        status = entry["status"]
        if status is None:
            words = "<span class=bad>no answer</span>" if entry["fault"] else "<span class=dim>…</span>"
        else:
            words = f"<span class={'good' if status < 400 else 'bad'}>{status}</span>"
        query = f"?{urlencode(entry['query'], doseq=True)}" if entry["query"] else ""
        body = "" if entry["body"] is None else json.dumps(entry["body"], ensure_ascii=False)
        shown = body if len(body) <= 160 else body[:159] + "…"
        took = "" if entry["ms"] is None else f"{entry['ms']:,.1f}"
        lines.append(
            f"<tr><td class=number>{entry['n']}</td><td><code>{_text(entry['at'][11:19])}</code></td>"
            f"<td><code>{_text(entry['method'])}</code></td><td class=path><code>{_text(entry['path'] + query)}</code>"
            f"<br><small>{_text(shown)}</small></td><td>{words}</td><td class=bad>{_text(entry['fault'])}</td>"
            f"<td class=number>{took}</td></tr>"
        )
    names = ("<th class=number>#", "<th>UTC", "<th>", "<th>Request", "<th>Answer", "<th>Fault", "<th class=number>ms")
    head = f"<tr>{'</th>'.join(names)}</th></tr>"
    table = f"<table>{head}{''.join(lines)}</table>" if lines else "<p class=dim>None yet.</p>"
    return f"<h2>Latest requests</h2><section class=card>{table}</section>"
