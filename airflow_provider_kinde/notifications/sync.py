"""Tell how a sync ended: a webhook (Slack, Teams, anything that takes JSON), or the log."""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import BaseNotifier

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

LONGEST_REASON = 500
"""Characters of an error that are sent where there was no plan."""
TIMEOUT = 10.0
"""Seconds that a webhook may take: a task that is over waits for it."""


class KindeSyncNotifier(BaseNotifier):
    """Sends outcome, counts, what is held and rejected, why a plan is blocked, and where the report is.

    It names no person. Use it as ``on_failure_callback`` or ``on_success_callback`` of the tasks of a sync; as a DAG's
    callback it tells of the task whose context Airflow passes.

    :param conn_id: a connection of type ``http``: ``host`` (and ``schema``, ``port``) is where to post, ``password`` is
        sent as a bearer token, and ``headers`` in its extra are sent as they are. Or one of type ``slackwebhook``,
        whose password is the webhook's address or the end of it. Left out: the log.
    :param endpoint: what follows the host, such as ``services/T0/B0/secret`` (templated).
    :param only_if_noteworthy: send nothing about a run that changed, held and rejected nothing.
    :param teams: whether to send a card for Microsoft Teams instead of plain JSON; when left out, where the webhook is
        one of Teams or Power Automate.
    :param kwargs: of Airflow's ``BaseNotifier``.
    """

    template_fields: Sequence[str] = ("conn_id", "endpoint")

    def __init__(
        self,
        *,
        conn_id: str | None = None,
        endpoint: str = "",
        only_if_noteworthy: bool = False,
        teams: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.endpoint = endpoint
        self.only_if_noteworthy = only_if_noteworthy
        self.teams = teams

    def notify(self, context: Context) -> None:
        """Send the message, or log it.

        :param context: Airflow's context of the task or DAG run.
        """
        message = message_of(context)
        if self.only_if_noteworthy and not noteworthy(message):
            return
        if self.conn_id is None:
            log.info("%s", message["text"])
            return
        from airflow.providers.common.compat.sdk import BaseHook

        connection = BaseHook.get_connection(self.conn_id)
        self._post(connection, dict(connection.extra_dejson), message)

    async def async_notify(self, context: Context) -> None:
        """Send the message from an event loop, for deadline alerts (Airflow 3.1 and later).

        :param context: Airflow's context of the task or DAG run.
        """
        message = message_of(context)
        if self.only_if_noteworthy and not noteworthy(message):
            return
        if self.conn_id is None:
            log.info("%s", message["text"])
            return
        from airflow_provider_kinde.version_compat import connection_of

        connection, extra = await connection_of(self.conn_id)
        await asyncio.to_thread(self._post, connection, extra, message)

    def _post(self, connection: Any, extra: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        import requests

        headers = dict(extra.get("headers") or {})
        url = address(connection, self.endpoint)
        # Text from outside, such as the name of a column, must not call people or hide a link in a chat.
        if is_teams(url) if self.teams is None else self.teams:
            message = card(str(message["text"]))
        else:
            message = {**message, "text": html.escape(str(message["text"]), quote=False).replace("](", "] (")}
        if connection.password and not _is_slack(connection):
            headers.setdefault("Authorization", f"Bearer {connection.password}")
        try:
            answer = requests.post(url, json=message, headers=headers, timeout=TIMEOUT)
        except requests.RequestException as error:
            # Its text may quote the address, and with it a webhook's secret.
            raise RuntimeError(f"the webhook of {self.conn_id!r} cannot be reached: {type(error).__name__}") from None
        if not answer.ok:
            raise RuntimeError(f"the webhook of {self.conn_id!r} answered {answer.status_code}")


def message_of(context: Mapping[str, Any]) -> dict[str, Any]:
    """What is sent: ``text`` for people, and the same in fields.

    :param context: a task's, or the little that a deadline alert has.
    """
    ti = context.get("ti") or context.get("task_instance")
    result: Any = None
    if ti is not None:
        result = ti.xcom_pull(task_ids=ti.task_id, key="return_value")
    result = result if isinstance(result, Mapping) and "outcome" in result else {}
    dag_id = getattr(ti, "dag_id", None) or getattr(context.get("dag_run"), "dag_id", None) or "a sync"
    where = f"{dag_id}.{ti.task_id}" if ti is not None else str(dag_id)
    run_id = getattr(ti, "run_id", None) or getattr(context.get("dag_run"), "run_id", None)
    counts = {kind: count for kind, count in (result.get("summary") or {}).items() if count}
    outcome = str(result.get("outcome") or "failed before there was a plan")
    lines = [f"Kinde sync {where}: {outcome}"]
    error = context.get("exception")
    if not result and error:
        lines.append(f"reason: {' '.join(str(error).split())[:LONGEST_REASON] or type(error).__name__}")
    if counts:
        lines.append(", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items()))
    lines += [f"blocked: {reason}" for reason in result.get("blocked") or ()]
    if result.get("approvable"):
        lines.append(f"to let this plan pass once, approve {result['hash']}")
    failed = {kind: n for kind, n in (result.get("outcomes") or {}).items() if n and kind != "done"}
    lines += [f"{n} operations {kind}" for kind, n in failed.items()]
    if result.get("path"):
        lines.append(f"in full: {result['path']}")
    fields = ("hash", "held", "rejected", "blocked", "approvable", "outcomes", "requests", "path")
    return {
        "text": "\n".join(lines),
        "dag_id": dag_id,
        "run_id": run_id,
        "task_id": getattr(ti, "task_id", None),
        "outcome": outcome,
        "summary": counts,
        **{name: result[name] for name in fields if name in result},
    }


def _is_slack(connection: Any) -> bool:
    return getattr(connection, "conn_type", None) == "slackwebhook"


def is_teams(url: str) -> bool:
    """Whether a webhook is one of Microsoft Teams, or of Power Automate, which took their place.

    :param url: where to post.
    """
    host = urlsplit(url).hostname or ""
    return host.endswith((".webhook.office.com", ".logic.azure.com", ".api.powerplatform.com"))


def card(text: str) -> dict[str, Any]:
    """The message for Teams, which takes an adaptive card and no plain text.

    :param text: the message. Its lines are shown as they are: nothing in them is markup.
    """
    runs = [{"type": "TextRun", "text": line} for line in text.splitlines()]
    body = [{"type": "RichTextBlock", "inlines": [run]} for run in runs]
    content = {"type": "AdaptiveCard", "version": "1.4", "body": body}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    return {"type": "message", "attachments": [attachment]}


def noteworthy(message: Mapping[str, Any]) -> bool:
    """Whether a run did more than find no changes: it changed, held or rejected something, was blocked or failed.

    :param message: the summary of a run.
    """
    return message["outcome"] != "no changes" or bool(message.get("held")) or bool(message.get("rejected"))


def address(connection: Any, endpoint: str) -> str:
    """The URL to post to.

    :param connection: an Airflow connection of type ``http``.
    :param endpoint: a path below its host.
    """
    host = str(connection.host or "").strip().rstrip("/")
    if _is_slack(connection):
        # Airflow keeps the webhook's address, or what makes it secret, the end of it, as the password.
        secret = str(connection.password or "").strip().strip("/")
        if "://" in secret:
            return secret
        if not secret:
            raise RuntimeError(f"the connection {connection.conn_id!r} has no password: the webhook's token is missing")
        host, endpoint = host or "hooks.slack.com/services", endpoint or secret
    if not host:
        raise RuntimeError(f"the connection {connection.conn_id!r} names no host")
    base = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    if connection.port:
        # The address of a webhook may have a path in the connection's host.
        scheme, _, rest = base.partition("://")
        name, slash, path = rest.partition("/")
        base = f"{scheme}://{name}:{connection.port}{slash}{path}"
    return f"{base}/{endpoint.lstrip('/')}" if endpoint else base
