"""Tell how a sync ended, when its state changes: Slack, Teams, mail, anything that takes JSON, or the log."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import BaseNotifier

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.notifications import channels
from airflow_provider_kinde.notifications.last_alerts import (
    DONE,
    PLANNED,
    TROUBLE,
    WAITING,
    Sent,
    alerts_path,
    digest_of,
    next_alerts,
    read_alerts,
    write_alerts,
)
from airflow_provider_kinde.notifications.message import RECOVERED, message_of, noteworthy, rendered, text_of
from airflow_provider_kinde.storage import run_files

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

REPEAT_AFTER = timedelta(days=1)


class KindeSyncNotifier(BaseNotifier):
    """Sends state, counts, reasons, what to do, and links to the page and the log of a sync. It names no person.

    By default it sends a change of state only: blocked, failed, waiting for approval, recovered. Each is sent once, and
    again when the reason changes or a day has passed. Pass it to ``kinde_sync_dag(alerts=...)``, or use it as
    ``on_failure_callback`` and ``on_success_callback`` of the tasks of a sync, and in ``notifiers`` of an approval.

    :param conn_id: a connection of type ``slackwebhook``, whose password is the webhook's address or the end of it; of
        type ``smtp``, a mail server; or of type ``http``: ``host`` (and ``schema``, ``port``) is where to post,
        ``password`` is sent as a bearer token, and ``headers`` in its extra are sent as they are. Left out: the log.
    :param endpoint: what follows the host, such as ``services/T0/B0/secret`` (templated).
    :param when: ``"change"``: a change of state; ``"noteworthy"``: each task whose run changed, held or rejected
        something, was blocked or failed; ``"always"``: each task of a sync that ends.
    :param repeat_after: with ``"change"``, when the same state is told again (a ``timedelta``, or seconds).
    :param mail_to: addresses, a list or a text with commas, for a connection of type ``smtp`` (templated).
    :param template: a Jinja template of the text. It knows the fields of the message: ``state``, ``where``, ``dag_id``,
        ``run_id``, ``task_id``, ``outcome``, ``summary``, ``reasons``, ``held``, ``rejected``, ``hash``, ``page``,
        ``log``, ``path``, and ``text``, the usual text.
    :param teams: whether to send a card for Microsoft Teams instead of plain JSON; when left out, where the webhook is
        one of Teams or Power Automate.
    :param kwargs: of Airflow's ``BaseNotifier``.
    :raises ValueError: an argument is not supported.
    """

    template_fields: Sequence[str] = ("conn_id", "endpoint", "mail_to")

    def __init__(
        self,
        *,
        conn_id: str | None = None,
        endpoint: str = "",
        when: Literal["change", "noteworthy", "always"] = "change",
        repeat_after: timedelta | float = REPEAT_AFTER,
        mail_to: Sequence[str] | str = (),
        template: str | None = None,
        teams: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if when not in ("change", "noteworthy", "always"):
            raise ValueError(f"when={when!r}: expected 'change', 'noteworthy' or 'always'")
        self.conn_id = conn_id
        self.endpoint = endpoint
        self.when = when
        self.repeat_after = repeat_after.total_seconds() if isinstance(repeat_after, timedelta) else float(repeat_after)
        self.mail_to = mail_to
        self.template = template
        self.teams = teams

    def notify(self, context: Context) -> None:
        """Send the message, or log it, if it is to be told.

        :param context: Airflow's context of the task or DAG run.
        """
        message, path, sent = self._due(context)
        if message is None:
            return
        if self.conn_id is None:
            log.info("%s", message["text"])
        else:
            try:
                from airflow.providers.common.compat.sdk import BaseHook

                connection = BaseHook.get_connection(self.conn_id)
                self._send(connection, dict(connection.extra_dejson), message)
            except Exception as error:
                if message["state"] != WAITING:
                    raise
                # Here the task of the approval runs: the question must be asked whatever becomes of the alert.
                log.error("the alert of the approval was not sent: %s: %s", type(error).__name__, error)
                return
        self._remember(path, sent)

    async def async_notify(self, context: Context) -> None:
        """Send the message from an event loop, for deadline alerts (Airflow 3.1 and later).

        :param context: Airflow's context of the task or DAG run.
        """
        from airflow_provider_kinde.version_compat import connection_of, off_loop

        message, path, sent = await off_loop(self._due, context)
        if message is None:
            return
        if self.conn_id is None:
            log.info("%s", message["text"])
        else:
            connection, extra = await connection_of(self.conn_id)
            if getattr(connection, "conn_type", None) == "smtp":
                await off_loop(self._send, connection, extra, message)
            else:
                await asyncio.to_thread(self._send, connection, extra, message)
        await off_loop(self._remember, path, sent)

    def _due(self, context: Any) -> tuple[dict[str, Any] | None, str | None, dict[str, Sent]]:
        """The message, if it is to be sent; where alerts are remembered, and which then."""
        message = message_of(context)
        if message is None or (self.when == "noteworthy" and not noteworthy(message)):
            return None, None, {}
        path: str | None = None
        sent: dict[str, Sent] = {}
        if self.when == "change" and message["run_id"]:
            if message["state"] == PLANNED:
                return None, None, {}
            path, now = self._path(context, message), time.time()
            before = read_alerts(path)
            # Each plan that waits is one to decide on; its question alone may read like that of the last one.
            waits = message["state"] == WAITING
            digest = str(message.get("hash")) if waits else digest_of(" ".join(sorted(message["reasons"])))
            due, sent = next_alerts(before, message["state"], digest, now, self.repeat_after)
            if not due:
                if sent != before:
                    write_alerts(path, sent)
                return None, None, {}
            if message["state"] == DONE:
                since = {name: before[name].since for name in TROUBLE if name in before}
                was = " and ".join(f"{name} for {_duration(now - at)}" for name, at in since.items())
                message |= {"state": RECOVERED, "before": was}
                message["text"] = text_of(message)
        if self.template is not None:
            message["text"] = rendered(self.template, message)
        return message, path, sent

    def _path(self, context: Any, message: dict[str, Any]) -> str:
        group = str(message["task_id"] or "").rpartition(".")[0]
        root = getattr(context.get("task"), "storage_path", None) or run_files.default_path()
        channel = repr((self.conn_id, self.endpoint, self.mail_to, self.template))
        return alerts_path(str(root), f"{message['dag_id']}.{group}" if group else str(message["dag_id"]), channel)

    @staticmethod
    def _remember(path: str | None, sent: dict[str, Sent]) -> None:
        if path is not None:
            write_alerts(path, sent)

    def _send(self, connection: Any, extra: dict[str, Any], message: dict[str, Any]) -> None:
        if getattr(connection, "conn_type", None) != "smtp":
            channels.post(connection, extra, self.endpoint, message, self.teams)
            return
        listed = self.mail_to.split(",") if isinstance(self.mail_to, str) else self.mail_to
        recipients = [text for one in listed if (text := str(one).strip())]
        channels.mail(str(self.conn_id), recipients, message)


def _duration(seconds: float) -> str:
    """A duration in the largest unit that fits: "3 hours"."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return counted(count, unit)
    return "less than a minute"
