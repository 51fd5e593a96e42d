"""Read what the owners decided, and compare it with the list that they were given."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.report.table import safe_cell
from airflow_provider_kinde.sync.report.text import clean
from airflow_provider_kinde.sync.signature import Content

CHECKED = ("organization", "user_id", "email", "roles")
"""Columns that must still say what was decided on. The others, a spreadsheet may have reformatted."""
SHOWN = 20
"""How many mistakes of a file one message names."""


@dataclass(frozen=True)
class Decision:
    """What an owner decided on one membership.

    :param entry: the row of the list.
    :param action: ``keep``, ``remove`` (the membership) or ``remove_roles``.
    :param roles: with ``remove_roles``, the role keys.
    :param comment: what the owner wrote.
    """

    entry: Mapping[str, str]
    action: str
    roles: frozenset[str] = frozenset()
    comment: str = ""


def read_decisions(plan: Plan, review: Mapping[str, Any], files: Mapping[str, str]) -> list[Decision]:
    """Read the decisions of the owners. An organization is decided on as a whole, or not at all.

    :param plan: a plan of the sync, for its name, host and signature.
    :param review: the content of ``review.json``.
    :param files: name of each file that came back -> its text, CSV or JSON.
    :returns: one decision for each membership of the organizations that came back.
    :raises SyncError: the list is not this sync's or was changed, or the decisions have mistakes: all are named.
    """
    listed = _listed(plan, review)
    mistakes: list[str] = []
    found: dict[str, Decision] = {}
    for name, text in files.items():
        for number, row in _rows(name, text):
            try:
                decision = _decision(row, listed)
                if decision.entry["access_id"] in found:
                    raise ValueError("this access_id was decided on in an earlier row")
                found[decision.entry["access_id"]] = decision
            except ValueError as error:
                mistakes.append(f"{clean(name)}, row {number}: {error}")
    organizations = {decision.entry["organization"] for decision in found.values()}
    for alias in sorted(organizations):
        mine = [key for key, entry in listed.items() if entry["organization"] == alias]
        left = [key for key in mine if key not in found]
        if left:
            mistakes.append(
                f"{alias}: {len(left)} of {counted(len(mine), 'row')} without a decision that can be read, such as "
                f"{', '.join(left[:3])}: an organization is decided on as a whole"
            )
    if not found and not mistakes:
        mistakes.append("there is no decision")
    if mistakes:
        more = f"; and {len(mistakes) - SHOWN} more" if len(mistakes) > SHOWN else ""
        raise SyncError(f"the decisions cannot be used, and nothing was done: {'; '.join(mistakes[:SHOWN])}{more}")
    return list(found.values())


def _listed(plan: Plan, review: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """The rows of the list by ``access_id``, once its signature is checked."""
    assert plan.sign is not None
    try:
        entries = list(review["operations"])
        known = (review["review"], review["host"])
        content = Content()
        listed = {str(entry["access_id"]): entry for entry in content.passing(entries)}
    except (KeyError, TypeError, AttributeError) as error:
        raise SyncError(f"this is no review.json of an access review ({type(error).__name__}: {error})") from None
    content.check(review, plan.sign, "the access list")
    if known != (plan.spec.name, plan.host):
        raise SyncError(
            f"the access list is of {known[0]} on {known[1]}, this run is for {plan.spec.name} on {plan.host}"
        )
    return listed


def _rows(name: str, text: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """The rows of a file, numbered from 1 without the header."""
    text = text.removeprefix("\ufeff")
    if text.lstrip()[:1] in ("[", "{"):
        try:
            content = json.loads(text)
        except ValueError as error:
            raise SyncError(f"{clean(name)} is not JSON: {error}") from None
        rows = content if isinstance(content, list) else [content]
        if not all(isinstance(row, Mapping) for row in rows):
            raise SyncError(f"{clean(name)}: a list of objects is expected")
        return enumerate(rows, 1)
    # A spreadsheet writes what separates lists where it runs.
    first = text.partition("\n")[0]
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ","
    )
    missing = [column for column in ("access_id", *CHECKED, "decision") if column not in (reader.fieldnames or ())]
    if missing:
        raise SyncError(f"{clean(name)} lacks the columns {', '.join(missing)}: give back the list as it was written")
    return enumerate(reader, 1)


def _decision(row: Mapping[str, Any], listed: Mapping[str, Mapping[str, str]]) -> Decision:
    """One row.

    :raises ValueError: it cannot be used; the message says why.
    """
    values = {str(key): "" if value is None else str(value).strip() for key, value in row.items()}
    entry = listed.get(values.get("access_id", ""))
    if entry is None:
        raise ValueError(f"access_id {clean(values.get('access_id', ''))!r} is not in the list")
    for column in CHECKED:
        if values.get(column) not in (entry[column], safe_cell(entry[column])):
            raise ValueError(f"{column} was changed: the list says {clean(entry[column])!r}")
    words = values.get("decision", "").casefold()
    comment = values.get("comment", "")
    if words in ("keep", "remove"):
        return Decision(entry, words, comment=comment)
    if words.startswith("remove "):
        held = {role.strip().casefold(): role.strip() for role in entry["roles"].split(",") if role.strip()}
        named = [role.strip() for role in words.removeprefix("remove ").split(",") if role.strip()]
        unknown = [role for role in named if role not in held]
        if unknown:
            raise ValueError(f"the list has no role {', '.join(map(clean, unknown))} here")
        return Decision(entry, "remove_roles", frozenset(held[role] for role in named), comment)
    said = f"the decision is {clean(values['decision'])!r}" if words else "there is no decision"
    raise ValueError(f"{said}: keep, remove, or remove and role keys are expected")
