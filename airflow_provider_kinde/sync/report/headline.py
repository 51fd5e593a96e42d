"""What a plan or a report comes to, in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_kinde.counted import counted, singular
from airflow_provider_kinde.sync.report.overview import Category

_COUNTED = {
    "max_leavers": "leavers",
    "max_joiners": "joiners",
    "max_row_drop": "people without an HR row",
    "max_membership_removals": "removals from {subject}",
    "max_membership_grants": "new members of {subject}",
    "max_role_removals": "people who lose the role {subject}",
    "max_role_grants": "people who get the role {subject}",
    "max_email_changes": "changes of address",
    "max_deletes": "deletions",
    "max_rejected_rows": "rejected rows",
    "max_held": "held people",
}
_ONE_SENTENCE = (("delete",), ("suspend",), ("create", "adopt", "enable"))
"""Categories that the sentence tells apart; the others are told as people who change."""
_LONGEST = 120
"""The most characters of a subject."""
_LOSSES = ("suspend", "delete", "remove_membership", "remove_role")


def headline(document: Mapping[str, Any], found: Iterable[Category]) -> str:
    """Write what a plan does, or a report did, in one sentence.

    :param document: the content of ``plan.json`` or ``report.json``, without its operations.
    :param found: the people, grouped.
    """
    report = "outcomes" in document and document["outcome"] != "blocked"
    left = _left(document) if report else 0
    # Where something was not made, the people below are those of the plan: which of them changed is said for each.
    done = report and not left
    people = Counter({category.kind: category.count for category in found})
    parts: list[str] = []
    for kinds in _ONE_SENTENCE:
        count = sum(people.pop(kind, 0) for kind in kinds)
        if count:
            parts.append(f"{_people(count, not parts)} {_verb(kinds[0], count, done)}")
    created = people.pop("create_organization", 0)
    if count := sum(people.values()):
        parts.append(f"{_people(count, not parts)} {'changed' if done else 'would change'}")
    if created:
        verb = ("was" if created == 1 else "were") if done else "would be"
        lost = " (new in the spec, or deleted in Kinde?)" if document.get("recreated") and not report else ""
        parts.append(f"{created:,} {'organization' if created == 1 else 'organizations'} {verb} created{lost}")
    changes = bool(parts)
    if held := len(document.get("held") or ()):
        parts.append(f"{_people(held, not parts)} {'is' if held == 1 else 'are'} held")
    if rejected := len(document.get("rejected") or ()):
        parts.append(f"{rejected:,} HR {'row is' if rejected == 1 else 'rows are'} rejected")
    said, blocked = ", ".join(parts), document.get("blocked")
    if not changes and not blocked:
        said = "; ".join(part for part in (_no_changes(document, bool(parts)), said) if part)
    if blocked:
        # Without changes there may still be some, in what could not be read: it is not said that there are none.
        reason = block_reason(document, blocked)
        said = f"{said}; blocked: {reason}" if said else f"Blocked: {reason}"
    elif left:
        made, every = int(document["outcomes"].get("done", 0)), sum(document["outcomes"].values())
        why = "Interrupted: " if document.get("interrupted") else ""
        said = f"{why}{made:,} of {every:,} {'change was' if every == 1 else 'changes were'} made. Planned: {said}"
    return f"{said}."


def subject(document: Mapping[str, Any], found: Iterable[Category]) -> str:
    """Write what an approver is asked, short enough for a list: ``acme-hr: 44 people would lose access, limit 28``.

    :param document: the content of ``plan.json``, without its operations.
    :param found: the people, grouped.
    """
    exceeded = [check for check in document.get("guards") or () if check.get("exceeded")]
    if exceeded:
        worst = max(exceeded, key=lambda check: check["count"] / max(check["allowed"], 1))
        more = f", and {counted(len(exceeded) - 1, 'more guard')}" if len(exceeded) > 1 else ""
        said = f"{worst['count']:,} {worst['what'].partition(' (')[0]}, limit {worst['allowed']:,}{more}"
    else:
        counts = {category.kind: category for category in found}
        lost = [counts[kind] for kind in _LOSSES if kind in counts]
        told = lost or list(counts.values())
        said = f"{_people(told[0].count, True)} would {told[0].words.would}" if told else "no changes"
        rest = sum(category.count for category in counts.values()) - (told[0].count if told else 0)
        said += f", {rest:,} other {'change' if rest == 1 else 'changes'}" if rest else ""
    text = f"{document['spec']}: {said}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def block_reason(document: Mapping[str, Any], blocked: Sequence[Mapping[str, Any]]) -> str:
    """Write shortly why a plan is blocked: the first guard that it exceeds, or the first problem of its source.

    :param document: the content of the plan or report.
    :param blocked: the reasons, as it holds them.
    """
    for check in document.get("guards") or ():
        if check.get("exceeded"):
            what = _COUNTED.get(str(check["guard"]), "{subject}").format(subject=check.get("subject", ""))
            what = singular(what) if check["count"] == 1 else what
            said = f"{check['count']:,} {what}, the limit without approval is {check['allowed']:,}"
            break
    else:
        said = str(blocked[0]["reason"]).rstrip(".")
    more = len(blocked) - 1
    return said + (f" (and {more} more {'reason' if more == 1 else 'reasons'})" if more else "")


def _no_changes(document: Mapping[str, Any], troubles: bool) -> str:
    if document.get("limits"):
        later = document.get("starting_later")
        said = f"No changes for this selection: {document['limits']}"
        return f"{said}; {counted(later['people'], 'person starts', 'people start')} later" if later else said
    if document.get("absence_unknown"):
        return f"No changes; no person is treated as absent: {document['absence_unknown']}"
    if unmanaged := len(document.get("unmanaged_leavers") or ()):
        accounts = "account of a person" if unmanaged == 1 else "accounts of people"
        return f"No changes; {unmanaged:,} {accounts} who left {'is' if unmanaged == 1 else 'are'} not managed"
    if document.get("left_out"):
        return "No changes; what is new since the plan was not made: plan again"
    return "No changes" if troubles else "No changes: Kinde agrees with HR"


def _left(document: Mapping[str, Any]) -> int:
    outcomes = document["outcomes"]
    return int(outcomes.get("failed", 0)) + int(outcomes.get("skipped", 0))


def _people(count: int, first: bool) -> str:
    return f"{count:,}" + ((" person" if count == 1 else " people") if first else "")


def _verb(kind: str, count: int, done: bool) -> str:
    from airflow_provider_kinde.sync.report.overview import CATEGORIES

    words = CATEGORIES[kind]
    if done:
        return f"{'was' if count == 1 else 'were'} deleted" if kind == "delete" else words.did
    return f"would {words.would}"
