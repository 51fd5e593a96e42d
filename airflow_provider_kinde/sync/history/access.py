"""Who has access to what, one line an account: as a run reads it from Kinde, and as operations change it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from airflow_provider_kinde.sync.link import onboarded_prefix
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.matches import members_by_account

ACCOUNTS = """
SELECT id, provided_id, link, suspended, signed_in FROM accounts
WHERE link IS NOT NULL OR substr(provided_id, 1, length(?1)) = ?1 ORDER BY id
"""

Line = list[Any]
"""Kinde's user id, HR id, 1 for a suspended account, and organization code -> role keys. A full list adds the moment of
the last sign-in."""


class AccessRow(NamedTuple):
    """One account as a run read it.

    :param user: Kinde's user id.
    :param text: the beginning of the line, as JSON without the closing bracket.
    :param signed_in: when the user signed in last; empty for never.
    :param mark: the marks behind the link, such as ``~left=2026-03-02``.
    """

    user: str
    text: str
    signed_in: str
    mark: str

    @property
    def line(self) -> Line:
        """The line without the last sign-in."""
        return list(json.loads(f"{self.text}]"))


def read_access(database: Database, name: str, codes: Mapping[str, str]) -> Iterator[AccessRow]:
    """Yield every account of a sync as the run read it from Kinde, by user id.

    :param database: the database of the run.
    :param name: the sync's name.
    :param codes: alias -> code of the managed organizations.
    """
    keys = {alias: json.dumps(code) for alias, code in codes.items()}
    members = members_by_account(database)
    ahead = next(members, None)
    for user, provided_id, link, suspended, signed_in in database.each(ACCOUNTS, (onboarded_prefix(name),)):
        parts = []
        while ahead is not None and ahead.account_id <= user:
            if ahead.account_id == user and ahead.alias in keys:
                parts.append(f"{keys[ahead.alias]}:{ahead.roles or '[]'}")
            ahead = next(members, None)
        id = provided_id.rpartition("~")[2] if link is None else link
        mark = "" if link is None else provided_id[len(name) + 1 + len(link) :]
        places = ",".join(sorted(parts))
        yield AccessRow(user, f"[{_text(user)},{_text(id)},{int(suspended)},{{{places}}}", signed_in or "", mark)


def line_text(line: Line) -> str:
    """The beginning of a line as :attr:`AccessRow.text` has it, so that equal lines have equal texts.

    :param line: the line.
    """
    places = ",".join(sorted(f"{json.dumps(code)}:{json.dumps(sorted(roles))}" for code, roles in line[3].items()))
    return f"[{_text(line[0])},{_text(line[1])},{int(line[2])},{{{places}}}"


def changed_line(line: Line | None, change: Mapping[str, Any]) -> Line | None:
    """What one entry of a history makes of the line of an account. The line itself is left as it is.

    :param line: the line before; ``None`` where the account was not the sync's.
    :param change: an operation, or something that a run noticed.
    :returns: the line afterwards; ``None`` where the account is gone.
    """
    if "noticed" in change:
        after = change["after"]
        return None if after is None else list(after[:4])
    kind, steps = change["op"], change.get("steps") or {}
    user, id = change.get("user") or "", change["id"]
    if kind in ("create", "adopt"):
        if not user or (change["outcome"] != "done" and "created" not in steps):
            return line
        return [user, id, 0, {code: list(roles) for code, roles in (change.get("had") or {}).items()}]
    if line is None:
        return None
    line = [line[0], line[1], line[2], dict(line[3])]
    if kind == "suspend" and "suspended" in steps:
        line[2] = 1
    if change["outcome"] != "done":
        return line
    return _done(line, change)


def _done(line: Line, change: Mapping[str, Any]) -> Line | None:
    kind, code, role = change["op"], change.get("organization") or "", change.get("role")
    places: dict[str, list[str]] = line[3]
    if kind == "delete":
        return None
    if kind == "relink":
        line[1] = change["id"]
    elif kind == "suspend":
        line[2] = line[2] if change.get("taken_out") else 1
    elif kind == "enable":
        line[2] = 0
    elif kind == "add_membership":
        places.setdefault(code, [])
    elif kind == "remove_membership":
        places.pop(code, None)
    elif kind == "add_role":
        places[code] = sorted({*places.get(code, ()), str(role)})
    elif kind == "remove_role" and code in places:
        places[code] = [held for held in places[code] if held != role]
    return line


def full_text(row: AccessRow) -> str:
    """A line of a full list: with the last sign-in.

    :param row: the account.
    """
    return f"{row.text},{_text(row.signed_in)}]"


def split_full(text: str) -> tuple[str, str]:
    """User id and line text of a line of a full list.

    :param text: what :func:`full_text` made.
    """
    user = text[2 : text.index('",')]
    return user if "\\" not in user else str(json.loads(f'"{user}"')), text[: text.rindex(',"')]


def replayed(full: Iterable[tuple[str, str]], changes: Mapping[str, list[Any]]) -> Iterator[tuple[str, str]]:
    """Yield user id and line text of every account after some changes, by user id.

    :param full: user id and line text of every account before, by user id.
    :param changes: user id -> the changes of that account, in order.
    """
    added, left = sorted(changes), dict(changes)
    place = 0
    for user, text in full:
        while place < len(added) and added[place] < user:
            if added[place] in left:
                yield from _line_after(None, left.pop(added[place]))
            place += 1
        if user in left:
            yield from _line_after(json.loads(f"{text}]"), left.pop(user))
        else:
            yield user, text
    for user in sorted(left):
        yield from _line_after(None, left[user])


def _line_after(line: Line | None, changes: list[Any]) -> Iterator[tuple[str, str]]:
    for change in changes:
        line = changed_line(line, change)
    if line is not None:
        yield line[0], line_text(line)


def differences(before: Iterable[tuple[str, str]], now: Iterable[AccessRow]) -> Iterator[dict[str, Any]]:
    """Yield what changed without an entry in the history: by hand, or by a run that was killed.

    :param before: user id and line text after the last entry, by user id.
    :param now: the accounts as a run reads them, by user id.
    """
    known = iter(before)
    ahead = next(known, None)
    for row in now:
        while ahead is not None and ahead[0] < row.user:
            yield _noticed(ahead[0], ahead[1], None)
            ahead = next(known, None)
        if ahead is not None and ahead[0] == row.user:
            if ahead[1] != row.text:
                yield _noticed(row.user, ahead[1], row)
            ahead = next(known, None)
        else:
            yield _noticed(row.user, "", row)
    while ahead is not None:
        yield _noticed(ahead[0], ahead[1], None)
        ahead = next(known, None)


def _noticed(user: str, before: str, row: AccessRow | None) -> dict[str, Any]:
    found: dict[str, Any] = {"noticed": user, "before": json.loads(f"{before}]") if before else None}
    found["after"] = row.line if row else None
    if row and row.mark:
        found["mark"] = row.mark
    return found


def _text(value: str) -> str:
    """A text as JSON; nearly all of them need no look at each character."""
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    return json.dumps(value)
