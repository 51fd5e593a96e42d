"""What an alert says: the state of a sync, why, what to do, and where to look. It names no person."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.links.report import answer_address, base_url, has_pages, page_address
from airflow_provider_kinde.notifications.last_alerts import BLOCKED, DONE, FAILED, PLANNED, WAITING

log = logging.getLogger(__name__)

LONGEST_REASON = 500
"""Characters of an error that are sent where there was no plan."""
FIELDS = ("hash", "held", "rejected", "blocked", "approvable", "outcomes", "requests", "path", "history")
ADDRESSES = {"answer": "Approve or reject", "page": "Page", "log": "Log"}
"""Fields that hold an address -> what a button says."""
RECOVERED = "recovered"
APPROVAL = "KindeSyncApprovalOperator"


def message_of(context: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is sent: ``text`` for people, and the same in fields. ``None`` after a success of a task that is no sync.

    :param context: a task's, or the little that a deadline alert has.
    """
    ti = context.get("ti") or context.get("task_instance")
    result = _pulled(ti, "return_value")
    result = result if isinstance(result, Mapping) else {}
    waits = _waits(context, ti, result)
    if "outcome" not in result:
        if not waits and _succeeded(context, ti):
            return None
        result = {}
    message = {**_place(context, ti), **{name: result[name] for name in FIELDS if name in result}}
    message |= {
        "state": _state(context, result, waits),
        "outcome": str(result.get("outcome") or _no_outcome(context)),
    }
    message["summary"] = {kind: count for kind, count in (result.get("summary") or {}).items() if count}
    message["reasons"] = _reasons(context, result, waits)
    if waits:
        message |= _question(context, ti)
    message["text"] = text_of(message)
    return message


def text_of(message: Mapping[str, Any]) -> str:
    """The text of an alert.

    :param message: its fields.
    """
    lines = [f"Kinde sync {message['where']}: {message['outcome']}"]
    waits = message["state"] == WAITING
    if waits:
        lines[0] += f": {message['reasons'][0]}"
    if message["state"] == RECOVERED:
        lines[0] = f"Kinde sync {message['where']}: recovered; it was {message['before']}"
    if message["summary"]:
        lines.append(", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in message["summary"].items()))
    word = "blocked" if message["state"] == BLOCKED else "reason"
    lines += [f"{word}: {reason}" for reason in message["reasons"]] if not waits else []
    if waits:
        lines.append(f"people who would lose access: {message['leavers']}")
        lines.append(
            "to do: look at the plan, then approve or reject it in Airflow, under Required Actions or on the page Kinde"
        )
        if message["until"]:
            lines.append(f"until: {message['until']}; without an answer the run fails and nothing is written")
    elif message.get("approvable"):
        lines.append(f"to let this plan pass once, approve {message['hash']} (Trigger, Approve a blocked plan)")
    failed = {kind: n for kind, n in (message.get("outcomes") or {}).items() if n and kind != "done"}
    lines += [f"{counted(n, 'operation')} {kind}" for kind, n in failed.items()]
    lines += [f"{name}: {message[name]}" for name in ADDRESSES if message.get(name)]
    if message.get("path"):
        lines.append(f"in full: {message['path']}")
    if message.get("history"):
        lines.append(f"history: {message['history']}")
    return "\n".join(lines)


def rendered(template: str, message: Mapping[str, Any]) -> str:
    """The text of an alert by the user's own template; the usual text where the template fails.

    :param template: a Jinja template; it knows the fields of the message.
    :param message: its fields.
    """
    from jinja2.sandbox import SandboxedEnvironment

    try:
        return SandboxedEnvironment().from_string(template).render(message)
    except Exception as error:  # a template can raise anything
        log.warning("the template of the alert failed, so the usual text is sent: %s: %s", type(error).__name__, error)
        return str(message["text"])


def noteworthy(message: Mapping[str, Any]) -> bool:
    """Whether a run did more than find no changes: it changed, held or rejected something, was blocked or failed.

    :param message: the summary of a run.
    """
    return message["outcome"] != "no changes" or bool(message.get("held")) or bool(message.get("rejected"))


def _pulled(ti: Any, key: str) -> Any:
    return None if ti is None else ti.xcom_pull(task_ids=ti.task_id, key=key)


def _waits(context: Mapping[str, Any], ti: Any, result: Mapping[str, Any]) -> bool:
    """Whether an approval task asks right now: it has neither failed nor got an answer."""
    task = context.get("task")
    asks = getattr(task, "task_type", "") == APPROVAL and ti is not None
    return asks and "asked" not in result and not context.get("exception")


def _succeeded(context: Mapping[str, Any], ti: Any) -> bool:
    state = getattr(ti, "state", None)
    return not context.get("exception") and str(getattr(state, "value", state)) in ("success", "skipped")


def _no_outcome(context: Mapping[str, Any]) -> str:
    """What happened where there is no result of a sync."""
    if "deadline" in context:
        return "missed its deadline"
    task_type = getattr(context.get("task"), "task_type", "")
    return "failed at the approval" if task_type == APPROVAL else "failed before there was a plan"


def _question(context: Mapping[str, Any], ti: Any) -> dict[str, Any]:
    """What an approver has to know: how many people would lose access, where to answer, and until when."""
    task = context["task"]
    plan = ti.xcom_pull(task_ids=getattr(task, "plan_task_id", "plan"), key="return_value")
    summary = (plan.get("summary") if isinstance(plan, Mapping) else None) or {}
    timeout = getattr(task, "response_timeout", None)
    until = datetime.now(timezone.utc) + timeout if isinstance(timeout, timedelta) else None
    index = getattr(ti, "map_index", -1)
    return {
        "outcome": "waiting for approval",
        "hash": (_pulled(ti, "asked") or {}).get("hash"),
        "leavers": sum(int(summary.get(kind) or 0) for kind in ("suspend", "delete")),
        "answer": answer_address(ti.dag_id, ti.run_id, ti.task_id, index) if has_pages() and base_url() else "",
        "until": f"{until:%Y-%m-%d %H:%M} UTC" if until else "",
    }


def _state(context: Mapping[str, Any], result: Mapping[str, Any], waits: bool) -> str:
    if waits:
        return WAITING
    outcome = result.get("outcome")
    if outcome == "blocked":
        # Where the next task asks for approval, that task tells it, with what is asked and where to answer.
        asks = getattr(context.get("task"), "ask", False) and result.get("approvable")
        return PLANNED if asks else BLOCKED
    if outcome in ("changes", "no changes"):
        return DONE if "outcomes" in result else PLANNED
    return FAILED


def _reasons(context: Mapping[str, Any], result: Mapping[str, Any], waits: bool) -> list[str]:
    if waits:
        return [str(getattr(context["task"], "subject", "") or "a plan")]
    found = [str(reason) for reason in (*(result.get("blocked") or ()), *(result.get("reasons") or ()))]
    error = context.get("exception")
    if not result and error:
        found.append(" ".join(str(error).split())[:LONGEST_REASON] or type(error).__name__)
    return found


def _place(context: Mapping[str, Any], ti: Any) -> dict[str, Any]:
    """Which task it is, and the addresses of its page and its log."""
    dag_id = getattr(ti, "dag_id", None) or getattr(context.get("dag_run"), "dag_id", None) or "a sync"
    run_id = getattr(ti, "run_id", None) or getattr(context.get("dag_run"), "run_id", None)
    task_id = getattr(ti, "task_id", None)
    place = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id}
    place["where"] = f"{dag_id}.{task_id}" if task_id else str(dag_id)
    place["page"] = place["log"] = ""
    if task_id and run_id:
        plan_task = getattr(context.get("task"), "plan_task_id", None)
        if has_pages() and base_url():
            place["page"] = page_address(dag_id, run_id, plan_task or task_id, getattr(ti, "map_index", -1))
        place["log"] = str(getattr(ti, "log_url", "") or "")
    return place
