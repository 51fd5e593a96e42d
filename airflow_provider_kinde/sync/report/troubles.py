"""Who is held, rejected or failed, grouped by reason, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airflow_provider_kinde.sync.model import RejectedRow
from airflow_provider_kinde.sync.report.grouped import once_each
from airflow_provider_kinde.sync.report.text import clean, rejected_name

KEPT = 10_000
"""How many people of one category, held people and rejected rows the page lists; the counts are of all."""
MOST_GROUPS = 200
"""How many reasons are told apart; the rarer ones are put together."""
OTHER = "other reasons"
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\[redacted\]")
_NUMBER = re.compile(r"\d[\d.,:-]*")
ADVICE = {
    "was the id used again": "Ask HR whether it is the same person. If so, write the new name on the account in Kinde; "
    "if not, give the new person another id in HR, or clear the provided_id of the account in Kinde.",
    "--approve-protected": "Decide for each person: suspend or change the account by hand in Kinde, or run again with "
    "the HR id in approve_protected.",
    "suspended in Kinde by someone else": (
        "Look up who suspended it (history --id). If HR is right, enable the account in Kinde; else correct HR."
    ),
    "the spec holds": "Correct HR, or suspend the account by hand. To let the sync do it, change the spec (absent, "
    "leaver.action).",
    "prove that it is whole": "Set source.expect in the spec, so that a whole file proves itself; or set absent to "
    "say what is done with people without a row.",
    "carry the link": "Clear the provided_id of all of these accounts but one in Kinde.",
    "shares its e-mail address": "In HR, give each of them an address of their own; or remove the row that is not "
    "theirs.",
    "still on the account of": "Ask HR whether the person came back under another id. If so: python -m "
    "airflow_provider_kinde relink --spec FILE; if not: release --spec FILE. The reason names the ids.",
    "not deleted: an active HR row": "Decide for the person who is held for the address: the reason there names the "
    "commands.",
    "relink --from": "Give the account its new id: python -m airflow_provider_kinde relink --spec FILE. The reason "
    "names the ids.",
    "swapped or re-used": "Ask HR. If both addresses are right, change them by hand in Kinde, as the reason says.",
    "who has access": "Ask HR whose address it is, and correct the row of the other person.",
    "is suspended: not adopted": "Look at the account in Kinde: enable it if it is the person's, or delete it.",
    "not adopted": "Look at the account in Kinde: correct the address there or in HR, or link it by hand.",
    "is not an e-mail address": "Correct the e-mail address in HR. Until then the person's account stays as it is.",
    "email ": "Write the person's e-mail address into HR. Without one, no account can be made.",
    "address": "Correct the address in HR or in Kinde; the next run decides anew.",
    "employment.active nor in": "Correct the status in HR; or, if it is right, add it to employment.active or "
    "employment.inactive in the spec. Until then the person's account stays as it is.",
    "id is blank": "Give the row its id in HR.",
    "blank": "Fill in the column in HR, or name it in may_be_empty if it may be blank.",
}
"""Part of a reason -> what to do."""
HELD = "Correct the row in HR or the account in Kinde. The next run decides anew; explain --id shows the details."
REJECTED = "Correct the row in HR. Until then the person's account stays as it is."
FAILED_ADVICE = {
    "HTTP 403": "The application lacks a scope: doctor --spec names it. Then run again.",
    "HTTP 429": "Run again: only what is left is done. If Kinde limits each run, lower requests_per_minute.",
    "HTTP 4": "Kinde refuses this request. Correct what it names in HR or in Kinde, then run again.",
}
FAILED = (
    "Run again: only what is left is done. If it fails again, look for the message in the documentation, under "
    "Troubleshooting."
)


class Entry(NamedTuple):
    """A person who is held, a row that is rejected, or a change that failed.

    :param id: the HR id; empty where there is none.
    :param name: what to call it.
    :param who: the person's name and address; empty where the page is redacted, or none is known.
    :param reason: why.
    """

    id: str
    name: str
    who: str
    reason: str


@dataclass(slots=True)
class Trouble:
    """People who are held, or rows that are rejected, for one reason.

    :param reason: the reason, with what differs from one to another left out.
    :param advice: what to do.
    :param count: how many there are.
    :param entries: who, and the whole reason; texts that are safe to print.
    """

    reason: str
    advice: str
    count: int = 0
    entries: list[Entry] = field(default_factory=list)


def held_entries(head: Mapping[str, Any], *, protected: bool) -> Iterator[Entry]:
    """Yield the people whom a plan or a report holds.

    :param head: its content, without the operations.
    :param protected: whether protected people are wanted, who wait for a decision, or the others.
    """
    for item in (item for item in head.get("held") or () if bool(item.get("protected")) == protected):
        yield Entry(str(item["id"]), str(item["id"]), str(item.get("who") or ""), str(item["reason"]))


def rejected_entries(head: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield the rows that a plan or a report rejects.

    :param head: its content, without the operations.
    """
    rows = (
        RejectedRow(int(item["row"]), item["id"], str(item["reason"]), str(item.get("who") or ""))
        for item in head.get("rejected") or ()
    )
    for row in once_each(rows):
        yield Entry(row.id or "", rejected_name(row), row.who, row.reason)


def troubles(entries: Iterable[Entry], advice: str, known: Mapping[str, str] = ADVICE) -> list[Trouble]:
    """Group held people, rejected rows or failed changes by reason.

    :param entries: who, and why.
    :param advice: what to do where no better advice is known.
    :param known: part of a reason -> what to do.
    :returns: the groups, largest first; the rarer reasons as one.
    """
    found: dict[str, Trouble] = {}
    for entry in entries:
        said = clean(entry.reason)
        pattern = _NUMBER.sub("…", _QUOTED.sub("…", _without_id(said, entry.id)))
        told = next((text for mark, text in known.items() if mark in said), advice)
        trouble = found.setdefault(pattern, Trouble(pattern, told))
        trouble.count += 1
        if trouble.count <= KEPT:
            trouble.entries.append(Entry(entry.id, clean(entry.name), clean(entry.who), said))
    for trouble in found.values():
        if len({entry.reason for entry in trouble.entries}) == 1:
            trouble.reason = trouble.entries[0].reason
    ordered = sorted(found.values(), key=lambda trouble: (-trouble.count, trouble.reason))
    rest = ordered[MOST_GROUPS:]
    if not rest:
        return ordered
    others = [entry for trouble in rest for entry in trouble.entries]
    return [*ordered[:MOST_GROUPS], Trouble(OTHER, advice, sum(trouble.count for trouble in rest), others[:KEPT])]


def _without_id(reason: str, id: str) -> str:
    """A reason without the person's own id, so that it is that of others, too."""
    return re.sub(rf"(?<!\w){re.escape(id)}(?!\w)", "…", reason) if id and id in reason else reason
