"""The runs of a history, and what happened to one person, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.history.content import names_entry
from airflow_provider_kinde.sync.kinds import COUNTED
from airflow_provider_kinde.sync.report.text import clean

_WORDS = {
    "create": "account created",
    "adopt": "account taken over",
    "rename": "address changed",
    "update": "account updated",
    "enable": "account enabled",
    "suspend": "access taken: account suspended",
    "delete": "account deleted",
    "add_membership": "joined {place}",
    "remove_membership": "left {place}",
    "add_role": "was given {role} in {place}",
    "remove_role": "lost {role} in {place}",
    "relink": "account passed from {before} to this id",
    "release": "address taken off the account",
}


def run_lines(heads: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Write one line for each run.

    :param heads: the first lines of the entries.
    """
    yield f"{'entry':>7}  {'at':16}  {'run':10}  {'outcome':10}  {'done':>6}  {'failed':>6}  {'held':>5}  by whom, what"
    for head in heads:
        with names_entry(head["number"]):
            line = _run_line(head)
        yield line


def _run_line(head: Mapping[str, Any]) -> str:
    outcomes = head.get("outcomes") or {}
    failed = int(outcomes.get("failed", 0)) + int(outcomes.get("skipped", 0))
    moment = str(head.get("at") or head.get("written") or "")[:16].replace("T", " ")
    return clean(
        f"{head['number']:>7}  {moment:16}  {head.get('command', ''):10}  {head.get('outcome', ''):10}  "
        f"{outcomes.get('done', 0):>6}  {failed:>6}  {len(head.get('held') or ()):>5}  {_details(head)}"
    ).rstrip()


def who_ran(head: Mapping[str, Any]) -> str:
    """Who or what ran an entry's run, in a few words.

    :param head: the first line of the entry.
    """
    run = head.get("run") or {}
    where = " / ".join(str(run[part]) for part in ("dag_id", "run_id", "task_id") if run.get(part))
    by = str(run.get("user") or "")
    return f"{where} ({by})" if where and by else where or by or str(run.get("trigger") or "")


def approval_text(head: Mapping[str, Any]) -> str:
    """Who approved or rejected an entry's run, in a few words; empty where no user did.

    :param head: the first line of the entry.
    """
    given = head.get("approval") or {}
    if "by" not in given:
        return ""
    verb = "rejected" if head.get("outcome") == "rejected" else "approved"
    return f"{verb} by {given.get('by') or 'an unnamed user'} ({given.get('how', '')})"


def _details(head: Mapping[str, Any]) -> str:
    if "unreadable" in head:
        return str(head["unreadable"])
    if checkpoint := head.get("checkpoint"):
        first, last, days = (checkpoint[name] for name in ("first", "last", "keep_days"))
        return f"stands for entries {first} to {last}, dropped after {counted(days, 'day')}"
    counts = head.get("summary") or {}
    told = ", ".join(f"{counts[kind]} {kind.replace('_', ' ')}" for kind in COUNTED if counts.get(kind))
    blocked = "; ".join(str(block["reason"]) for block in head.get("blocked") or ())
    failed = str(head.get("error") or "")
    parts = (who_ran(head), approval_text(head), told, blocked and f"blocked: {blocked}", failed and f"error: {failed}")
    return "; ".join(filter(None, parts))


def person_lines(
    entries: Iterable[tuple[Mapping[str, Any], Iterable[Mapping[str, Any]]]], id: str, when: str = ""
) -> Iterator[str]:
    """Write what happened to one person, and by which run, rule and approval.

    :param entries: the first line of each entry, and its operations and what it noticed.
    :param id: the HR id.
    :param when: the days that were asked for, in words after a blank; empty for the whole history.
    """
    yield f"{id}:"
    found, held = False, ""
    for head, changes in entries:
        with names_entry(head["number"]):
            lines = [line for change in changes if (line := _change_line(head, change, id))]
            reason = next((str(one["reason"]) for one in head.get("held") or () if one.get("id") == id), "")
            if reason and reason != held:
                lines.append(f"{_at(head.get('at'))}  held: {reason}")
            elif held and not reason and head.get("access"):
                lines.append(f"{_at(head.get('at'))}  no longer held")
            if head.get("access") or reason:
                held = reason
            lines += [
                f"{_at(head.get('at'))}  row {one['row']} rejected: {one['reason']}"
                for one in head.get("rejected") or ()
                if one.get("id") == id
            ]
            approved = f", {approval_text(head)}" if lines and approval_text(head) else ""
        found = found or bool(lines)
        yield from (clean(f"  {line}  [entry {head['number']}{approved}]") for line in lines)
    if not found:
        yield f"  the history has nothing about this id{when}"


def _change_line(head: Mapping[str, Any], change: Mapping[str, Any], id: str) -> str:
    if "noticed" in change:
        lines = [line for line in (change["before"], change["after"]) if line]
        if not any(line[1] == id for line in lines):
            return ""
        return f"{_at(head.get('began'))}  changed without a run of this sync: {noticed_text(change)}"
    if id not in (change.get("id"), change.get("from")):
        return ""
    place = change.get("alias") or change.get("organization") or ""
    words = _WORDS.get(change["op"], change["op"]).format(
        place=place, role=change.get("role"), before=change.get("from")
    )
    if change.get("taken_out"):
        words = "access taken: out of all organizations"
    outcome, reason = change["outcome"], change.get("reason")
    if outcome != "done":
        words += f" ({outcome}{': ' + change['error'] if change.get('error') else ''})"
    due = f", due {_at(change['due'])}" if change.get("due") else ""
    return f"{_at(change.get('done') or head.get('at'))}  {words}{due}{' - ' + reason if reason else ''}"


def noticed_text(change: Mapping[str, Any], names: Mapping[str, str] = MappingProxyType({})) -> str:
    """What changed without a run, in words.

    :param change: what a run noticed: the line before, and after.
    :param names: organization code -> alias.
    """
    before, after = change["before"], change["after"]
    if before is None or after is None:
        return "the account belongs to this sync now" if before is None else "the account is gone"
    found = []
    if before[1] != after[1]:
        found.append(f"the account passed from {before[1]} to {after[1]}")
    if before[2] != after[2]:
        found.append("suspended" if after[2] else "enabled")
    for code in sorted({*before[3], *after[3]}):
        had, has, name = before[3].get(code), after[3].get(code), names.get(code, code)
        if had is None or has is None:
            found.append(f"left {name}" if has is None else f"joined {name}{_with_roles(has)}")
            continue
        found += [f"was given {role} in {name}" for role in sorted(set(has) - set(had))]
        found += [f"lost {role} in {name}" for role in sorted(set(had) - set(has))]
    return ", ".join(found)


def _with_roles(roles: list[str]) -> str:
    return f" with {', '.join(sorted(roles))}" if roles else ""


def _at(moment: Any) -> str:
    return str(moment or "")[:19].replace("T", " ")
