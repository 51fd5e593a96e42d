"""A plan or a report as one HTML file: no network, no other file, and nothing from outside is markup or code."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.kinds import SIGNS
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.report.headline import headline
from airflow_provider_kinde.sync.report.overview import Category, categories
from airflow_provider_kinde.sync.report.plan_file import PlanFile
from airflow_provider_kinde.sync.report.report import Report
from airflow_provider_kinde.sync.report.text import clean, value_text
from airflow_provider_kinde.sync.report.troubles import (
    FAILED,
    FAILED_ADVICE,
    HELD,
    KEPT,
    REJECTED,
    Entry,
    held_entries,
    rejected_entries,
    troubles,
)
from airflow_provider_kinde.sync.store.changes import ChangeList

_TEMPLATES = Path(__file__).parent / "templates"
OPEN = 50
"""A group of people is open at first where its category has no more people than this."""
_VERBS = {
    "create_organization": "create organization",
    "create": "new account",
    "adopt": "adopt the account",
    "enable": "enable the account",
    "rename": "change the address",
    "update": "change details",
    "suspend": "suspend the account",
    "delete": "delete the account",
    "add_membership": "join",
    "remove_membership": "leave",
    "add_role": "give role",
    "remove_role": "take role",
}
_SAID_BY_VERB = {"suspend": ("suspended",), "enable": ("suspended",)}
"""Values that say no more than the words of the change: "suspended: no -> yes"."""
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:[\d.]+)?Z")


def plan_page(plan: Plan) -> Iterator[str]:
    """Write a plan as an HTML page.

    :param plan: the plan.
    :returns: the pieces of the page.
    """
    return _page(_head(plan.content()), plan.operations)


def report_page(report: Report) -> Iterator[str]:
    """Write a report as an HTML page.

    :param report: the report.
    :returns: the pieces of the page.
    """
    return _page(_head(report.content()), report.plan.operations)


def file_page(file: PlanFile, links: Sequence[tuple[str, str]] = ()) -> Iterator[str]:
    """Write the page of a plan or a report that was read from its JSON file.

    :param file: the plan or report.
    :param links: text and address of further links at the top.
    :returns: the pieces of the page.
    """
    return _page(file.head, file.operations, links)


def undo_page(content: Mapping[str, Any], changes: ChangeList, note: str) -> Iterator[str]:
    """Write the page of an undo, or of its report.

    :param content: the content of its JSON.
    :param changes: the changes that bring back what was.
    :param note: what the reader has to know first.
    :returns: the pieces of the page.
    """
    return _page(_head(content), changes, note=note)


def content_security_policy() -> str:
    """The policy of the page: its own style and script run, and nothing else is loaded, sent or run."""
    return inline_policy(page_asset("page.css"), page_asset("page.js"))


def inline_policy(style: str, script: str, *, connect: str = "'none'") -> str:
    """The policy of a page with one style and one script in it, which are all that it runs.

    :param style: the text of its style.
    :param script: the text of its script.
    :param connect: where the script may send requests.
    """
    return (
        f"default-src 'none'; style-src '{_sha256(style)}'; script-src '{_sha256(script)}'; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'"
    )


def change_parts(change: Change) -> dict[str, Any]:
    """Take a change apart for the page: sign, words, place, values before and after, and what became of it.

    :param change: the change.
    """
    before, after = change.before or {}, change.after or {}
    keys = [key for key in dict.fromkeys((*before, *after)) if key not in _SAID_BY_VERB.get(change.kind, ())]
    values = [(key, value_text(before.get(key)), value_text(after.get(key))) for key in keys]
    place = [change.role or "", f"in {change.alias}" if change.role and change.alias else change.alias or ""]
    return {
        "sign": {"+": "plus", "-": "minus"}.get(SIGNS[change.kind], "edit"),
        "verb": _VERBS[change.kind],
        "place": clean(" ".join(part for part in place if part)),
        "values": [(clean(key), old, new) for key, old, new in values if old or new],
        "outcome": change.outcome if change.outcome in ("failed", "skipped") else "",
        "error": clean(change.error) if change.outcome in ("failed", "skipped") else "",
    }


def _page(
    head: Mapping[str, Any], changes: ChangeList, links: Sequence[tuple[str, str]] = (), note: str = ""
) -> Iterator[str]:
    found = categories(changes, KEPT)
    report = "outcomes" in head
    return iter(
        _template().generate(
            head=head,
            what="Undo" if "undoes" in head else "Report" if report else "Plan",
            note=note,
            sentence=headline(head, found),
            tone=_tone(head),
            next=_next(head, found),
            failed=troubles(_failed(found), FAILED, FAILED_ADVICE),
            skipped=int((head.get("outcomes") or {}).get("skipped", 0)),
            most_open=OPEN,
            kept=KEPT,
            approval=_approval(head),
            categories=found,
            organizations=_organizations(found),
            protected=troubles(held_entries(head, protected=True), HELD),
            held=troubles(held_entries(head, protected=False), HELD),
            rejected=troubles(rejected_entries(head), REJECTED),
            guards=_bars(head.get("guards") or ()),
            facts=_facts(head),
            links=links,
            parts=change_parts,
            verbs=_VERBS,
            clean=clean,
            csp=content_security_policy(),
            css=page_asset("page.css"),
            js=page_asset("page.js"),
        )
    )


def _head(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != "operations"}


def _tone(head: Mapping[str, Any]) -> str:
    outcome = str(head.get("outcome"))
    if outcome in ("blocked", "failed"):
        return outcome
    return "calm" if outcome == "no changes" or "outcomes" in head else "open"


def _next(head: Mapping[str, Any], found: Iterable[Category]) -> str:
    """What the reader does next."""
    outcome, report = str(head.get("outcome")), "outcomes" in head
    if outcome == "blocked":
        if all(block["approvable"] for block in head["blocked"]):
            return "Nothing was written. If this is what HR means, approve the plan; if not, correct HR and run again."
        return (
            "Nothing was written, and no approval lets this plan pass. Correct the source or the spec, and run again."
        )
    if outcome == "failed":
        return "What failed stands first below. Run again: it does only what is left."
    unclear = bool(head.get("held") or head.get("rejected"))
    correct = "Correct HR or Kinde for the people and rows listed below: each group says what to do." if unclear else ""
    if outcome == "no changes":
        wrote = "Nothing was written." if report else "Applying the plan would write nothing."
        return f"{wrote} {correct}" if correct else "There is nothing to do."
    if report:
        return f"This was carried out. {correct}".strip()
    look = "Look first at those who would lose access. " if _loss(found) else ""
    return f"Nothing is written yet: this is what applying the plan would do. {look}{correct}".strip()


def _loss(found: Iterable[Category]) -> bool:
    return any(category.kind in ("suspend", "delete") for category in found)


def _failed(found: Iterable[Category]) -> Iterator[Entry]:
    """Each change that failed: HR id, whom and what, and Kinde's answer."""
    for category in found:
        for group in category.groups:
            for change in (change for mine in group.people for change in mine if change.outcome == "failed"):
                place = f" {change.role or change.alias}" if change.role or change.alias else ""
                name = " ".join(part for part in (change.id, change.who) if part) or str(change.alias)
                what = f"{name}: {_VERBS[change.kind]}{place}"
                yield Entry(change.id, what, "", change.error or "no reason is known")


def _approval(head: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How a blocked plan is approved: in words, and the command or the hash to copy; empty where it cannot be."""
    blocked = head.get("blocked")
    if not blocked or not all(block["approvable"] for block in blocked):
        return []
    dag_id = clean((head.get("run") or {}).get("dag_id") or "")
    what = "undo --report REPORT --apply" if "undoes" in head else "apply"
    command = f"python -m airflow_provider_kinde {what} --spec SPEC --approve {clean(head['hash'])}"
    ways = [("At the command line, with the path of the spec for SPEC:", command)]
    if dag_id:
        trigger = (
            f"In Airflow, if the DAG {dag_id} asks for approval: answer under Required Actions, or on the page Kinde. "
            f"If it does not: trigger it, and paste this into the field “Approve a blocked plan”:"
        )
        ways.insert(0, (trigger, clean(head["hash"])))
    return ways


def _bars(checks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The guards as bars, nearest to its limit first; without those of organizations in which there was no person."""
    counted = [check for check in checks if check["count"] or check["allowed"] or check["base"]]
    return [_bar(check) for check in sorted(counted, key=lambda c: -c["count"] / max(c["allowed"], 0.5))]


def _bar(check: Mapping[str, Any]) -> dict[str, Any]:
    """A guard as a bar: the limit stands at three quarters of the width, unless the value is far beyond it."""
    count, allowed = int(check["count"]), int(check["allowed"])
    most = max(count, allowed * 4 / 3, 1)
    return {**check, "width": round(100 * count / most, 1), "mark": round(100 * allowed / most, 1)}


def _organizations(found: Iterable[Category]) -> list[str]:
    """The organizations that the filter offers."""
    named = {
        alias
        for category in found
        for group in category.groups
        for mine in group.people
        for change in mine
        for alias in (change.alias, *change.organizations)
        if alias
    }
    return sorted(map(clean, named))[:1000]


def _facts(head: Mapping[str, Any]) -> list[tuple[str, str]]:
    run, later = head.get("run") or {}, head.get("starting_later")
    requests = head.get("requests") or run.get("requests")
    # Where the source stopped the run, Kinde was not read: no account was counted.
    read = not requests or requests["total"] or head["summary"]["unchanged"]
    asked = f"{requests['total']:,} ({requests['read']:,} read, {requests['write']:,} write)" if requests else ""
    found = [
        ("Spec", head["spec"]),
        ("Kinde", head["host"]),
        ("Planned at", _moment(str(head["created_at"]))),
        ("People managed", f"{head['managed']:,}" if "managed" in head and read else ""),
        ("Start later", f"{later['people']:,}, the first on {later['first']}" if later else ""),
        ("Without changes", f"{head['summary']['unchanged']:,}" if read else ""),
        ("Requests to Kinde", asked),
        ("Waited for Kinde's rate limit", f"{run['throttled_seconds']:,} s" if "throttled_seconds" in run else ""),
        ("Duration", f"{run['seconds']:,} s" if "seconds" in run else ""),
        ("History", str(run.get("history") or "")),
        ("DAG run", " / ".join(str(run[part]) for part in ("dag_id", "run_id", "task_id") if run.get(part))),
        ("Command", run.get("command") or ""),
        ("Triggered by", run.get("triggered_by") or ""),
        ("Approved by", run.get("approved_by") or ""),
        ("Versions", run.get("versions") or ""),
        ("Hash of the plan", head["hash"]),
    ]
    return [(name, clean(value)) for name, value in found if value]


def _moment(text: str) -> str:
    """A moment to the minute, as a reader needs it: ``2026-11-27 12:08 UTC``."""
    return f"{text[:10]} {text[11:16]} UTC" if _UTC.fullmatch(text) else text


@cache
def page_asset(name: str) -> str:
    """The text of the page's style or script.

    :param name: ``page.css`` or ``page.js``.
    """
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    import jinja2  # the command line starts without it

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).get_template("page.html.jinja")


def _sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
