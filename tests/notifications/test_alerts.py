"""Alerts are sent when the state of a sync changes, and not at each run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_kinde.dag_factory import kinde_sync_dag
from airflow_provider_kinde.dag_factory.sync_tasks import can_ask
from airflow_provider_kinde.notifications import KindeSyncNotifier
from airflow_provider_kinde.notifications.channels import is_slack
from airflow_provider_kinde.notifications.last_alerts import Sent, digest_of, next_alerts
from kinde_emulator import Emulator
from tests.notifications.test_notifications import RESULT, Instance, Webhook, webhook
from tests.support.company import SECRET_WORDS, Company, Run
from tests.support.mail_server import MailServer

__all__ = ["webhook"]

DAY, NOW = 86_400.0, 1_000_000.0
DAG = """
from airflow_provider_kinde.dag_factory import kinde_sync_dag
from airflow_provider_kinde.notifications import KindeSyncNotifier
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", default_args={{"retries": 0}}, alerts=KindeSyncNotifier(conn_id="hook"))
"""


def told(webhook: Webhook) -> list[str]:
    """States that were told since last asked."""
    found = [body["state"] for _, _, body in webhook.seen]
    webhook.seen.clear()
    return found


def test_each_change_of_state_is_told_once(
    dag_file: Callable[[str], Any], company: Company, kinde: Emulator, webhook: Webhook, storage_path: Path
) -> None:
    dag = dag_file(DAG.format(spec=str(company.spec)))
    people = dict(company.rows)
    Run(dag)
    assert told(webhook) == []
    company.rows = {number: row for number, row in people.items() if number > 9}
    company.save()
    Run(dag)
    ((_, _, body),) = webhook.seen
    assert "blocked: " in body["text"]
    assert f"/dags/{dag.dag_id}/" in body["log"]
    assert f"log: {body['log']}" in body["text"]
    assert told(webhook) == ["blocked"]
    # One leaver more: the numbers in the reason are others, the reason is the same.
    company.rows = {number: row for number, row in people.items() if number > 10}
    company.save()
    Run(dag)
    assert told(webhook) == []
    (company.folder / "people.csv").unlink()
    Run(dag)
    assert "people.csv" in webhook.seen[0][2]["reasons"][0]
    assert told(webhook) == ["failed"]
    company.rows = people
    company.save()
    Run(dag)
    assert "recovered; it was blocked for less than a minute and failed for" in webhook.seen[0][2]["text"]
    assert told(webhook) == ["recovered"]
    Run(dag)
    assert told(webhook) == []
    kept = "".join(path.read_text() for path in (storage_path / "alerts").rglob("*.json"))
    assert kept == "{}\n"


def notify(notifier: KindeSyncNotifier, result: Any, **context: Any) -> None:
    notifier.notify({"ti": Instance(result), **context})  # type: ignore[typeddict-item]


def test_two_channels_and_two_syncs_are_told_independently(webhook: Webhook, storage_path: Path) -> None:
    for endpoint in ("it", "hr"):
        for _ in range(2):
            notify(KindeSyncNotifier(conn_id="hook", endpoint=endpoint), RESULT)
    assert [path for path, _, _ in webhook.seen] == ["/it", "/hr"]
    told(webhook)
    other = Instance(RESULT)
    other.dag_id = "other"
    KindeSyncNotifier(conn_id="hook", endpoint="it").notify({"ti": other})  # type: ignore[typeddict-item]
    assert told(webhook) == ["blocked"]


def test_what_was_not_sent_is_sent_the_next_time(webhook: Webhook, storage_path: Path) -> None:
    webhook.status = 500
    with pytest.raises(RuntimeError, match="answered 500"):
        notify(KindeSyncNotifier(conn_id="hook"), RESULT)
    webhook.status = 200
    notify(KindeSyncNotifier(conn_id="hook"), RESULT)
    assert len(webhook.seen) == 2


def test_an_alert_too_many_where_what_was_sent_cannot_be_read(webhook: Webhook, storage_path: Path) -> None:
    notify(KindeSyncNotifier(conn_id="hook"), RESULT)
    (kept,) = (storage_path / "alerts").rglob("*.json")
    kept.write_text('{"blocked": 7}')
    notify(KindeSyncNotifier(conn_id="hook"), RESULT)
    assert told(webhook) == ["blocked", "blocked"]


def sent(reason: str, at: float = NOW, since: float = NOW) -> Sent:
    return Sent(reason, at, since)


@pytest.mark.parametrize(
    ("before", "state", "reason", "now", "send", "after"),
    [
        ({}, "blocked", "a", NOW, True, {"blocked": sent("a")}),
        ({"blocked": sent("a")}, "blocked", "a", NOW + DAY - 1, False, {"blocked": sent("a")}),
        ({"blocked": sent("a")}, "blocked", "a", NOW + DAY, True, {"blocked": sent("a", NOW + DAY)}),
        ({"blocked": sent("a")}, "blocked", "b", NOW + 1, True, {"blocked": sent("b", NOW + 1)}),
        # A clock that was put back silences nothing.
        ({"blocked": sent("a")}, "blocked", "a", NOW - 5, True, {"blocked": sent("a", NOW - 5)}),
        ({"blocked": sent("a")}, "failed", "b", NOW, True, {"blocked": sent("a"), "failed": sent("b")}),
        ({"blocked": sent("a"), "failed": sent("b")}, "blocked", "a", NOW + 1, False, None),
        ({"failed": sent("a"), "waiting": sent("h")}, "done", "", NOW, True, {}),
        ({"waiting": sent("h")}, "done", "", NOW, False, {}),
        ({}, "done", "", NOW, False, {}),
    ],
)
def test_when_a_state_is_told(
    before: dict[str, Sent], state: str, reason: str, now: float, send: bool, after: dict[str, Sent] | None
) -> None:
    assert next_alerts(before, state, reason, now, DAY) == (send, before if after is None else after)


def test_numbers_and_hashes_make_no_new_reason() -> None:
    one = "max_leavers: 44 people, limit 28; request 3f2a9c1d-77aa-41b2"
    assert digest_of(one) == digest_of("max_leavers: 9 people, limit 5; request 0badc0de-1111-2222")
    assert digest_of(one) != digest_of("max_joiners: 44 people, limit 28")


class Asking(Instance):
    task_id = "approve"

    def __init__(self, plan_hash: str) -> None:
        super().__init__(None)
        self.values = {"return_value": None, "asked": {"asked": True, "hash": plan_hash}}

    def xcom_pull(self, task_ids: str, key: str) -> Any:
        if task_ids == "plan":
            assert key == "return_value"
            return {**RESULT, "summary": {"suspend": 43, "delete": 1}}
        assert task_ids == "approve"
        return self.values[key]


APPROVAL = SimpleNamespace(
    task_type="KindeSyncApprovalOperator",
    subject="acme-hr: 44 people would lose access",
    plan_task_id="plan",
    response_timeout=timedelta(days=1),
)


def test_a_plan_that_waits_is_told_once_and_a_broken_webhook_stops_no_question(
    webhook: Webhook, storage_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = KindeSyncNotifier(conn_id="hook")
    webhook.status = 500
    notifier.notify({"ti": Asking("ab"), "task": APPROVAL})  # type: ignore[typeddict-item]
    assert "the alert of the approval was not sent" in caplog.text
    webhook.status = 200
    webhook.seen.clear()
    for plan_hash in ("ab", "ab", "cd"):
        notifier.notify({"ti": Asking(plan_hash), "task": APPROVAL})  # type: ignore[typeddict-item]
    text = webhook.seen[0][2]["text"]
    first, leavers, to_do, until, *_ = text.splitlines()
    assert first == "Kinde sync hr.approve: waiting for approval: acme-hr: 44 people would lose access"
    assert leavers == "people who would lose access: 44"
    assert "look at the plan, then approve or reject it in Airflow, under Required Actions" in to_do
    assert re.fullmatch(r"until: \d{4}-\d\d-\d\d \d\d:\d\d UTC; without an answer the run fails .*", until)
    assert told(webhook) == ["waiting", "waiting"]


def test_a_blocked_plan_is_not_told_where_the_next_task_asks_for_approval(webhook: Webhook, storage_path: Path) -> None:
    task = SimpleNamespace(task_type="KindeSyncPlanOperator", ask=True)
    for approvable, states in ((True, []), (False, ["blocked"])):
        ti: Any = Instance({**RESULT, "approvable": approvable})
        KindeSyncNotifier(conn_id="hook").notify({"ti": ti, "task": task})  # type: ignore[typeddict-item]
        assert told(webhook) == states


def test_only_slack_gets_its_links_escaped_and_no_chat_is_called(webhook: Webhook, storage_path: Path) -> None:
    ti: Any = Instance({**RESULT, "blocked": ["column <!channel> [x](https://evil.example) is missing"]})
    ti.log_url = "https://airflow.example/dags/hr?a=1&b=2"
    KindeSyncNotifier(conn_id="hook").notify({"ti": ti})  # type: ignore[typeddict-item]
    text = webhook.seen[0][2]["text"]
    assert "log: https://airflow.example/dags/hr?a=1&b=2" in text.splitlines()
    assert "&lt;!channel&gt; [x] (https://evil.example)" in text
    assert is_slack("https://hooks.slack.com/services/T0/B0/x")
    assert not is_slack("https://slack.com.evil.example/services")


def test_a_success_of_another_task_is_not_told(webhook: Webhook, storage_path: Path) -> None:
    ti: Any = Instance({"rows": 12})
    ti.state = "success"
    KindeSyncNotifier(conn_id="hook", when="always").notify({"ti": ti})  # type: ignore[typeddict-item]
    assert webhook.seen == []


def test_a_template_of_the_users_own(webhook: Webhook, storage_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "{{ dag_id }} is {{ state }}: {{ reasons | join('; ') }}"
    notify(KindeSyncNotifier(conn_id="hook", template=text), RESULT)
    assert webhook.seen[0][2]["text"] == "hr is blocked: max_leavers (10%): 8 people would lose access"
    notify(KindeSyncNotifier(conn_id="hook", template="{{ 1 / 0 }}"), RESULT)
    assert webhook.seen[1][2]["text"].startswith("Kinde sync hr.apply: blocked")
    assert "the template of the alert failed" in caplog.text


def test_mail_has_a_subject_and_links_and_quotes_what_comes_from_outside(
    storage_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MailServer() as server:
        extra = {"from_email": "airflow@example.com", "disable_ssl": True, "disable_tls": True}
        values = {"conn_type": "smtp", "host": "127.0.0.1", "port": server.port, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_MAIL", json.dumps(values))
        ti: Any = Instance({**RESULT, "blocked": ["column <b>salary</b> is missing"]})
        ti.log_url = "https://airflow.example/dags/hr?a=1&b=2"
        notifier = KindeSyncNotifier(conn_id="mail", mail_to="it@example.com, hr@example.com")
        notifier.notify({"ti": ti})  # type: ignore[typeddict-item]
        ((recipients, message),) = server.mails
    assert recipients == ["it@example.com", "hr@example.com"]
    assert message["Subject"] == "Kinde sync hr.apply: blocked, nothing was written"
    (part,) = [part for part in message.walk() if part.get_content_type() == "text/html"]
    body = part.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert "blocked: column &lt;b&gt;salary&lt;/b&gt; is missing" in body
    assert '<a href="https://airflow.example/dags/hr?a=1&amp;b=2">Log</a>' in body


def test_alerts_join_the_callbacks_of_a_dag(company: Company) -> None:
    own, alert = (lambda context: None), KindeSyncNotifier()
    arguments: dict[str, Any] = {"default_args": {"on_failure_callback": own}, "alerts": [alert]}
    dag = kinde_sync_dag(company.spec, approve="always" if can_ask() else "never", **arguments)
    for name in dag.task_ids:
        task = dag.get_task(name)
        callbacks = task.on_failure_callback
        assert callbacks[0] is own
        assert [type(one) for one in callbacks[1:]] == [KindeSyncNotifier]
        assert [type(one) for one in task.on_success_callback] == [KindeSyncNotifier]
    if can_ask():
        assert dag.get_task("approve").notifiers == [alert]


def test_an_unknown_when_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 'change', 'noteworthy' or 'always'"):
        KindeSyncNotifier(when="sometimes")  # type: ignore[arg-type]


def test_the_file_of_alerts_names_no_person(webhook: Webhook, storage_path: Path) -> None:
    error = ValueError("mail-3@example.com of Firstname3 is wrong")
    notify(KindeSyncNotifier(conn_id="hook"), None, exception=error)
    (kept,) = (storage_path / "alerts").rglob("*.json")
    assert not [word for word in SECRET_WORDS if word in kept.read_text().lower()]
