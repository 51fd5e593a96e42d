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
ADDRESSES = {"answer": "Approve or reject", "page": "Plan or report", "log": "Log"}
"""Fields that hold an address -> what a button says."""
RECOVERED = "recovered"
APPROVAL = "KindeSyncApprovalOperator"
WRITES = ("KindeSyncApplyOperator", "KindeSyncOperator")
AT_APPROVAL, LATE = "failed at the approval", "missed its deadline"


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
    lines = [f"Kinde sync {message['where']}: {_said(message)}"]
    waits = message["state"] == WAITING
    if message["summary"]:
        counts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in message["summary"].items())
        done = message["state"] in (DONE, RECOVERED) or message["outcome"] == "no changes"
        lines.append(counts if done else f"planned: {counts}")
    word = "blocked" if message["state"] == BLOCKED else "reason"
    lines += [f"{word}: {reason}" for reason in message["reasons"]] if not waits else []
    if waits:
        lines.append(f"people who would lose access: {message['leavers']}")
    if told := _to_do(message):
        lines.append(f"to do: {told}")
    if waits and message["until"]:
        lines.append(f"until: {message['until']}; without an answer the run fails and nothing is written")
    failed = {kind: n for kind, n in (message.get("outcomes") or {}).items() if n and kind != "done"}
    lines += [f"{counted(n, 'operation')} {kind}" for kind, n in failed.items()]
    lines += [f"{name}: {message[name]}" for name in ADDRESSES if message.get(name)]
    if message.get("path"):
        lines.append(f"in full: {message['path']}")
    if message.get("history"):
        lines.append(f"history: {message['history']}")
    return "\n".join(lines)


def _said(message: Mapping[str, Any]) -> str:
    """What became of the run, in words: whether anything was written stands in the first line."""
    if message["state"] == WAITING:
        return f"{message['outcome']}: {message['reasons'][0]}"
    if message["state"] == RECOVERED:
        return f"recovered; it was {message['before']}"
    if message["outcome"] == "blocked":
        return "blocked, nothing was written"
    if message["outcome"] == "changes":
        return "changes made" if "outcomes" in message else "changes planned, nothing was written yet"
    return str(message["outcome"])


def _to_do(message: Mapping[str, Any]) -> str:
    """What the reader does next; empty where there is nothing to do."""
    if message["state"] == WAITING:
        return "look at the plan, then approve or reject it in Airflow, under Required Actions or on the page Kinde"
    if message["outcome"] == "blocked":
        if not message.get("approvable"):
            return "correct the source or the spec, and run again; no approval lets this plan pass"
        return (
            f"look at the plan. If it is what HR means, trigger {message['dag_id']} with the hash {message['hash']} "
            "in the field “Approve a blocked plan”; if not, correct HR and run again"
        )
    if message["state"] != FAILED:
        return ""
    if message["outcome"] == LATE:
        return "look in Airflow whether the run still runs, and what holds it up"
    if message["outcome"] == AT_APPROVAL:
        return "nothing was written; run again, and answer in time"
    if "outcomes" not in message:
        return "read the reason, and the log; the next run tries again"
    if not any(message["outcomes"].get(kind) for kind in ("failed", "skipped")):
        return "suspend each of these people in Kinde, or run again with their HR ids in approve_protected"
    return "look at what failed, and correct it; a retry or the next run does only what is left"


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
        return LATE
    task_type = getattr(context.get("task"), "task_type", "")
    if task_type == APPROVAL:
        return AT_APPROVAL
    # A task that writes may have ended without a word after its first write.
    return "failed before there was a report" if task_type in WRITES else "failed before there was a plan"


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
