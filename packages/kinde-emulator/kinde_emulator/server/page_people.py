"""The people on the page: organizations with members and roles, as HTML."""

from __future__ import annotations

import html
import json
import sqlite3
from typing import Any
from urllib.parse import quote, urlencode

from kinde_emulator.data.store import grouped, number

MEMBERS_SHOWN = 25
MEMBERS_OF_ONE = 1_000
"""Where one organization is shown alone."""
ORGANIZATIONS_SHOWN = 50


def text_of(value: Any) -> str:
    """A value as text that is no markup.

    :param value: the value.
    """
    return html.escape("" if value is None else str(value))


def summary(db: sqlite3.Connection) -> str:
    """How much there is of everything.

    :param db: the data.
    """
    counts = [
        (number(db, f"SELECT count(*) FROM {table}"), table)
        for table in ("organizations", "users", "members", "roles", "permissions", "sessions")
    ]
    suspended = number(db, "SELECT count(*) FROM users WHERE is_suspended")
    words = [f"<strong>{count:,}</strong> {'memberships' if name == 'members' else name}" for count, name in counts]
    return f"<p class=dim>{' · '.join(words)} · <strong>{suspended:,}</strong> suspended</p>"


def roles(db: sqlite3.Connection) -> str:
    """The roles, and how often each is held.

    :param db: the data.
    """
    sql = """SELECT key, name, (SELECT count(*) FROM member_roles WHERE role_id = id) AS held FROM roles
             ORDER BY key LIMIT 100"""
    tags = [
        f"<span class=tag title='{text_of(row['name'])}'>{text_of(row['key'])}</span> <small>{row['held']:,}</small>"
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


def people(db: sqlite3.Connection, wanted: str, page: int) -> str:
    """Organizations with their members, and people in none.

    :param db: the data.
    :param wanted: part of a name, address or HR id, or the code of an organization; everything when empty.
    :param page: which page of the organizations, from 1.
    """
    return _organizations(db, wanted, page) + _unplaced(db, wanted)


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
    known = [f"<code>{text_of(row['code'])}</code>"]
    known += [f"{name.replace('_', ' ')} {text_of(row[name])}" for name in ("handle", "external_id") if row[name]]
    known.append(f"{row['members']:,} {'member' if row['members'] == 1 else 'members'}")
    title = f"<h3>{text_of(row['name'])}{tags} <small>{' · '.join(known)}</small></h3>"
    condition = f"AND {PERSON}" if wanted and not row["named"] else ""
    most = MEMBERS_OF_ONE if wanted == row["code"] else MEMBERS_SHOWN
    members = db.execute(
        f"""SELECT users.* FROM members JOIN users ON users.id = user_id WHERE org_code = :code {condition}
            ORDER BY email COLLATE NOCASE, users.id LIMIT {most + 1}""",
        {"code": row["code"], **_filter(wanted)},
    ).fetchall()
    return f"<section class=card>{title}{_people(db, members, row['code'], most)}</section>"


def _people(db: sqlite3.Connection, users: list[sqlite3.Row], code: str | None, most: int = MEMBERS_SHOWN) -> str:
    if not users:
        return ""
    ids = json.dumps([user["id"] for user in users])
    sql = """SELECT user_id, key FROM member_roles JOIN roles ON roles.id = role_id
             WHERE org_code = ? AND user_id IN (SELECT value FROM json_each(?)) ORDER BY key"""
    roles = grouped(db.execute(sql, (code, ids)), "user_id")
    lines = []
    for user in users[:most]:
        name = " ".join(part for part in (user["first_name"], user["last_name"]) if part)
        tags = " ".join(f"<span class=tag>{text_of(item['key'])}</span>" for item in roles.get(user["id"], []))
        state = "<span class=bad>suspended</span>" if user["is_suspended"] else "<span class=good>active</span>"
        kind = " class=suspended" if user["is_suspended"] else ""
        lines.append(
            f"<tr{kind}><td>{text_of(name)}</td><td>{text_of(user['email'])}</td><td>{tags}</td><td>{state}</td><td><code>{text_of(user['provided_id'])}</code></td></tr>"
        )
    all_of_it = f", or <a href='?q={quote(code)}'>show this organization alone</a>" if code else ""
    more = f"<p class=dim>… and more: search to see them{all_of_it}</p>" if len(users) > most else ""
    head = "".join(f"<th scope=col>{name}</th>" for name in ("Name", "E-mail", "Roles", "Access", "Provided id"))
    table = f"<table class=people><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f"<div class=scroll tabindex=0 role=group aria-label='People'>{table}</div>{more}"


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
