from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_kinde.notifications import KindeSyncNotifier
from airflow_provider_kinde.notifications.channels import is_teams
from airflow_provider_kinde.notifications.message import message_of, noteworthy
from kinde_emulator import Emulator
from tests.support.company import SECRET_WORDS, Company, Run

DAG = """
from airflow_provider_kinde.dag_factory import kinde_sync_dag
from airflow_provider_kinde.notifications import KindeSyncNotifier
tell = KindeSyncNotifier(conn_id="hook", endpoint="services/x", when="always")
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", default_args={{
    "retries": 0, "on_failure_callback": [tell], "on_success_callback": [tell]}})
"""


class Webhook(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str | None, dict[str, Any]]] = []
        self.status = 200


class Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, self.headers.get("Authorization"), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    server = Webhook()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    values = {"conn_type": "http", "host": "127.0.0.1", "schema": "http", "port": server.server_port, "password": "t0"}
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", json.dumps(values))
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Instance:
    dag_id, run_id, task_id = "hr", "r1", "apply"

    def __init__(self, result: Any) -> None:
        self.result = result

    def xcom_pull(self, task_ids: str, key: str) -> Any:
        assert (task_ids, key) == ("apply", "return_value")
        return self.result


RESULT = {
    "outcome": "blocked",
    "hash": "ab",
    "summary": {"suspend": 8, "create": 0},
    "held": 1,
    "rejected": 0,
    "blocked": ["max_leavers (10%): 8 people would lose access"],
    "approvable": True,
    "path": "/kinde/report.json",
}


def test_every_task_of_a_sync_is_told_of(
    dag_file: Callable[[str], Any], company: Company, kinde: Emulator, webhook: Webhook
) -> None:
    dag = dag_file(DAG.format(spec=str(company.spec)))
    Run(dag)
    company.rows = {}
    company.save()
    Run(dag)
    told = [(body["task_id"], body["outcome"]) for _, _, body in webhook.seen]
    assert told == [("plan", "changes"), ("apply", "changes"), ("plan", "blocked")]
    assert {(path, token) for path, token, _ in webhook.seen} == {("/services/x", "Bearer t0")}
    assert "12 create" in webhook.seen[1][2]["text"]
    assert "report.json" in webhook.seen[1][2]["text"]
    assert "blocked: " in webhook.seen[2][2]["text"]
    assert not [word for word in SECRET_WORDS if word in json.dumps(webhook.seen).lower()]


def test_the_text() -> None:
    message = message_of({"ti": Instance(RESULT)})
    assert message is not None
    approve = (
        "look at the plan. If it is what HR means, trigger hr with the hash ab in the field “Approve a blocked plan”; "
        "if not, correct HR and run again"
    )
    assert message["text"].splitlines() == [
        "Kinde sync hr.apply: blocked, nothing was written",
        "planned: 8 suspend",
        "blocked: max_leavers (10%): 8 people would lose access",
        f"to do: {approve}",
        "in full: /kinde/report.json",
    ]
    assert (message["run_id"], message["held"], message["summary"]) == ("r1", 1, {"suspend": 8})
    early = message_of({"ti": Instance(None)})
    assert early is not None
    first, *rest = early["text"].splitlines()
    assert first == "Kinde sync hr.apply: failed before there was a plan"
    assert rest == ["to do: read the reason, and the log; the next run tries again"]
    assert (message_of({}) or {})["text"].startswith("Kinde sync a sync: failed before there was a plan")


def lines_of(result: Any, **context: Any) -> list[str]:
    message = message_of({"ti": Instance(result), **context})
    assert message is not None
    return str(message["text"]).splitlines()


def test_a_stranger_reads_whether_anything_was_written_and_what_to_do() -> None:
    final = lines_of({**RESULT, "approvable": False})
    assert final[0].endswith("blocked, nothing was written")
    assert "to do: correct the source or the spec, and run again; no approval lets this plan pass" in final
    planned = {**RESULT, "outcome": "changes", "blocked": []}
    assert lines_of(planned)[:2] == [
        "Kinde sync hr.apply: changes planned, nothing was written yet",
        "planned: 8 suspend",
    ]
    done = {**planned, "outcomes": {"done": 8, "failed": 0, "skipped": 0}}
    assert lines_of(done)[:2] == ["Kinde sync hr.apply: changes made", "8 suspend"]
    assert not [line for line in lines_of(done) if line.startswith("to do")]
    failed = {**done, "outcome": "failed", "outcomes": {"done": 5, "failed": 2, "skipped": 1}}
    told = lines_of(failed)
    assert "2 operations failed" in told
    assert "to do: look at what failed, and correct it; a retry or the next run does only what is left" in told
    waiting = lines_of({**failed, "outcomes": {"done": 8}, "reasons": ["protected people who left still have access"]})
    assert "reason: protected people who left still have access" in waiting
    assert any("approve_protected" in line for line in waiting)


def test_a_task_that_writes_is_not_said_to_have_written_nothing() -> None:
    for task_type, words in (
        ("KindeSyncPlanOperator", "failed before there was a plan"),
        ("KindeSyncApplyOperator", "failed before there was a report"),
    ):
        first, *_ = lines_of(None, task=SimpleNamespace(task_type=task_type))
        assert first == f"Kinde sync hr.apply: {words}"


def test_a_quiet_run_need_not_be_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="airflow_provider_kinde.notifications.sync")
    quiet = {**RESULT, "outcome": "no changes", "held": 0}
    notifier = KindeSyncNotifier(when="noteworthy")
    notifier.notify({"ti": Instance(quiet)})  # type: ignore[typeddict-item]
    assert caplog.text == ""
    notifier.notify({"ti": Instance({**quiet, "held": 1})})  # type: ignore[typeddict-item]
    assert "no changes" in caplog.text
    assert noteworthy(message_of({"ti": Instance(RESULT)}) or {})


def test_on_an_event_loop(webhook: Webhook) -> None:
    notifier = KindeSyncNotifier(conn_id="hook")
    asyncio.run(notifier.async_notify({"ti": Instance(RESULT)}))  # type: ignore[typeddict-item]
    ((path, _, body),) = webhook.seen
    assert (path, body["outcome"]) == ("/", "blocked")


def test_a_failed_notification_quotes_no_address(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    notifier = KindeSyncNotifier(conn_id="hook", endpoint="services/very-secret")
    webhook.status = 403
    with pytest.raises(RuntimeError, match="answered 403"):
        notifier.notify({"ti": Instance(RESULT)})  # type: ignore[typeddict-item]
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", '{"conn_type": "http", "host": "127.0.0.1", "schema": "http", "port": 9}')
    with pytest.raises(RuntimeError, match="cannot be reached") as caught:
        notifier.notify({"ti": Instance(RESULT)})  # type: ignore[typeddict-item]
    assert "very-secret" not in str(caught.value)
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", '{"conn_type": "http"}')
    with pytest.raises(RuntimeError, match="names no host"):
        notifier.notify({"ti": Instance(RESULT)})  # type: ignore[typeddict-item]


def test_markup_from_outside_mentions_no_user_and_hides_no_link(webhook: Webhook) -> None:
    error = ValueError("the columns are: <!channel>, <https://evil.example|payroll>, [here](https://evil.example)")
    KindeSyncNotifier(conn_id="hook").notify({"exception": error})  # type: ignore[typeddict-unknown-key]
    ((_, _, body),) = webhook.seen
    assert "reason: the columns are: &lt;!channel&gt;, &lt;https://evil.example|payroll&gt;" in body["text"]
    assert "](" not in body["text"]


def test_a_slack_connection_as_airflow_has_it(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    host = f"http://127.0.0.1:{webhook.server_port}/services"
    values = {"conn_type": "slackwebhook", "host": host, "password": "T0/B0/s3cret"}
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", json.dumps(values))
    KindeSyncNotifier(conn_id="hook").notify({})
    ((path, authorization, _),) = webhook.seen
    assert (path, authorization) == ("/services/T0/B0/s3cret", None)


def test_a_slack_connection_with_the_whole_address_as_password(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{webhook.server_port}/services/T0/B0/s3cret"
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", json.dumps({"conn_type": "slackwebhook", "password": url}))
    KindeSyncNotifier(conn_id="hook").notify({})
    assert webhook.seen[0][0] == "/services/T0/B0/s3cret"
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", json.dumps({"conn_type": "slackwebhook"}))
    with pytest.raises(RuntimeError, match="the webhook's token is missing"):
        KindeSyncNotifier(conn_id="hook").notify({})


def test_teams_gets_a_card_in_which_nothing_is_markup(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    # As Airflow's users keep it: the address of a Power Automate webhook, without https://, is the host.
    values = {"conn_type": "http", "schema": "http", "host": "127.0.0.1/workflows/ab/paths/invoke?sig=s3cret"}
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", json.dumps({**values, "port": webhook.server_port}))
    error = ValueError("the columns are: <at>all</at>, [here](https://evil.example)")
    KindeSyncNotifier(conn_id="hook", teams=True).notify({"exception": error})  # type: ignore[typeddict-unknown-key]
    ((path, _, body),) = webhook.seen
    assert path == "/workflows/ab/paths/invoke?sig=s3cret"
    (attachment,) = body["attachments"]
    assert (body["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    blocks = attachment["content"]["body"]
    assert {block["type"] for block in blocks} == {"RichTextBlock"}
    assert blocks[1]["inlines"][0]["text"] == f"reason: {error}"


@pytest.mark.parametrize(
    ("url", "teams"),
    [
        ("https://acme.webhook.office.com/webhookb2/a", True),
        ("https://prod-1.westeurope.logic.azure.com:443/workflows/a", True),
        ("https://1.2.environment.api.powerplatform.com/powerautomate/a", True),
        ("https://hooks.slack.com/services/T0", False),
        ("https://logic.azure.com.evil.example/", False),
    ],
)
def test_webhooks_of_teams_are_known_by_their_host(url: str, teams: bool) -> None:
    assert is_teams(url) is teams
