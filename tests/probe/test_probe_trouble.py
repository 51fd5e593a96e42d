"""Whatever happens to a probe: nothing is left behind unsaid, and nothing else is written to."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_kinde.cli.main import main
from airflow_provider_kinde.probe import probe_tenant
from airflow_provider_kinde.probe.created_objects import stranger
from airflow_provider_kinde.probe.run import QUESTIONS
from kinde_emulator import Emulator
from kinde_emulator.settings import Settings
from tests.probe.probed_tenant import connect

SCOPES = sorted({scope for question in QUESTIONS for scope in question.scopes})
TAG = "0123456789ab"


def lists(kinde: Emulator) -> dict[str, int]:
    return {name: len(items) for name, items in kinde.state().items() if isinstance(items, list)}


MISSING = [
    *("create:users", "delete:users", "read:users", "create:roles", "delete:permissions", "delete:organizations"),
    *("read:organization_user_permissions", "create:user_identities", "update:organization_users"),
]


@pytest.mark.parametrize("scope", MISSING)
def test_a_missing_scope_is_named_and_costs_only_what_needs_it(kinde: Emulator, scope: str) -> None:
    scopes = [other for other in SCOPES if other != scope]
    kinde.seed({"clients": [{"id": "less", "secret": "less", "scopes": scopes}]})
    before = kinde.state()
    with connect(kinde, client_id="less", client_secret="less") as client:
        findings = probe_tenant(client)
    assert findings.missing_scopes == {scope}
    assert findings.clean
    assert kinde.state() == before
    assert all(entry["status"] != 403 for entry in kinde.log())
    defaults = Settings()
    assert {name: getattr(defaults, name) for name in findings.settings} == findings.settings
    losses = [q for q in QUESTIONS if scope in q.scopes and q.settings]
    for question in losses:
        for setting in set(question.settings) - findings.settings.keys():
            assert scope in findings.not_learnt[setting] or "could not be read" in findings.not_learnt[setting]
    assert not losses or set(findings.not_learnt) & {setting for q in losses for setting in q.settings}


def test_scopes_that_kinde_does_not_tell(kinde: Emulator) -> None:
    kinde.seed({"clients": [{"id": "less", "secret": "less", "scopes": [s for s in SCOPES if s != "create:roles"]}]})
    before = kinde.state()
    with connect(kinde, client_id="less", client_secret="less") as client:
        client.granted_scopes = lambda renew=False: frozenset()  # type: ignore[method-assign]
        findings = probe_tenant(client)
    assert findings.missing_scopes == {"create:roles"}
    assert "create:roles" in findings.not_learnt["patch_roles"]
    assert kinde.state() == before


def test_an_application_without_scopes_is_told_so(kinde: Emulator) -> None:
    kinde.seed({"clients": [{"id": "none", "secret": "none", "scopes": ["read:apis"]}]})
    with connect(kinde, client_id="none", client_secret="none") as client:
        findings = probe_tenant(client)
    assert findings.requests == 0
    assert findings.settings == {"expires_in": 86_400, "expires_in_sent": True, "token_type": "bearer"}
    assert findings.missing_scopes == set(SCOPES)


def test_a_probe_writes_only_to_what_it_made(kinde: Emulator) -> None:
    before = kinde.state()
    strangers = {user["id"] for user in before["users"]} | {item["code"] for item in before["organizations"]}
    strangers |= {item["id"] for kind in ("roles", "permissions") for item in before[kind]}
    kinde.clear_log()
    with connect(kinde) as client:
        findings = probe_tenant(client, tag=TAG)
    assert findings.clean
    for entry in kinde.log():
        if entry["kind"] == "api" and entry["method"] != "GET":
            sent = f"{entry['path']}?{entry['query']} {json.dumps(entry['body'])}"
            assert not [item for item in strangers if item in sent], sent
            for address in re.findall(r"[\w.]+@[\w.]+", sent):
                assert address.lower().startswith(f"airflow.probe.{TAG}.")
                assert address.endswith("@example.com")
            if isinstance(entry["body"], dict) and "name" in entry["body"]:
                assert entry["body"]["name"].startswith(f"airflow-provider-kinde probe {TAG}")
    assert kinde.state() == before


class Interrupting:
    """Presses Ctrl-C when the n-th answer has come: the work is done, and its answer never seen."""

    def __init__(self, client: Any, at: int) -> None:
        self.count, self.at, self.send = 0, at, client._transport.send
        client._transport.send = self

    def __call__(self, request: Any, token: Any) -> Any:
        answer = self.send(request, token)
        self.count += request.path != "/oauth2/token"
        if self.count == self.at:
            raise KeyboardInterrupt
        return answer


@pytest.mark.parametrize("at", [1, 3, 6, 10, 19, 27, 29, 31, 35, 42, 48, 52, 55])
def test_ctrl_c_at_any_moment_removes_everything_or_names_it(kinde: Emulator, at: int) -> None:
    before = kinde.state()
    with connect(kinde) as client:
        interrupting = Interrupting(client, at)
        findings = probe_tenant(client)
    assert interrupting.count >= at
    after = kinde.state()
    if findings.stopped:
        assert findings.stopped == "interrupted"
        assert "the probe stopped before" in findings.not_learnt.values()
        assert after == before
    else:  # it came while things were being removed
        assert all(item.endswith(": interrupted") for item in findings.left_behind)
        named = " ".join(findings.left_behind)
        for kind, name in (("users", "id"), ("organizations", "code"), ("roles", "key"), ("permissions", "key")):
            assert all(item in before[kind] or item[name] in named for item in after[kind])


def test_ctrl_c_twice_names_what_is_left(kinde: Emulator) -> None:
    with connect(kinde) as client:
        kinde.fault("DELETE", "/api/v1/user", status=400, times=1)
        findings = probe_tenant(client, only=["patch_roles"])
        [left] = findings.left_behind
        kinde.clear_faults()
        send = client._transport.send

        def interrupt(request: Any, token: Any) -> Any:
            if request.method == "DELETE":
                raise KeyboardInterrupt
            return send(request, token)

        client._transport.send = interrupt  # type: ignore[method-assign]
        findings = probe_tenant(client, only=["patch_roles"], tag=TAG)
    assert re.match(r"user kp_\w+ \(Airflow\.Probe\.\w+\.A@example\.com\): DELETE /api/v1/user", left)
    assert [item.split(" ")[0] for item in findings.left_behind] == ["user", "organization", "role", "role"]
    assert all(TAG in item and item.endswith(": interrupted") for item in findings.left_behind)


@pytest.mark.parametrize("path", ["/api/v1/user$", "/api/v1/organization$", "/api/v1/roles$", "/api/v1/permissions$"])
def test_a_thing_whose_answer_was_lost_is_looked_for_and_removed(kinde: Emulator, path: str) -> None:
    before = kinde.state()
    fault = kinde.fault("POST", path, after_work=True)
    with connect(kinde, max_tries=1) as client:
        findings = probe_tenant(client)
    assert fault.hits == 1
    assert "broke before the response" in findings.stopped
    assert findings.left_behind == []
    assert kinde.state() == before


def test_an_answer_without_the_id_is_looked_up(kinde: Emulator) -> None:
    before = kinde.state()
    kinde.fault("POST", "/api/v1/user$", after_work=True, status=200, body={"created": True})
    kinde.fault("POST", "/api/v1/organization$", after_work=True, status=200, body={"code": "OK"})
    with connect(kinde) as client:
        findings = probe_tenant(client)
    assert "Kinde told no id of the new user" in findings.not_learnt["email_filter"]
    assert "organization is missing: Kinde told no code" in findings.not_learnt["page_token"]
    assert findings.clean
    assert kinde.state() == before


def test_an_object_that_cannot_be_removed_is_named(kinde: Emulator) -> None:
    kinde.fault("DELETE", "/api/v1/organization/", status=500, times=None)
    kinde.fault("DELETE", "/api/v1/roles/", status=403, times=None)
    with connect(kinde, max_tries=1) as client:
        findings = probe_tenant(client, tag=TAG)
    assert [item.split(":")[0].split(" ")[0] for item in findings.left_behind] == ["organization", "role", "role"]
    assert all(TAG in item for item in findings.left_behind)
    assert "LEFT BEHIND:\n  organization org_" in findings.text()
    assert not findings.clean


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_any_refusal_costs_a_question_and_no_more(kinde: Emulator, status: int) -> None:
    before = kinde.state()
    kinde.fault("PATCH", "/api/v1/organizations/", status=status, times=None)
    with connect(kinde, max_tries=1) as client:
        findings = probe_tenant(client)
    assert "patch_roles" not in findings.settings
    assert findings.not_learnt["role_twice_status"].startswith("second role is missing: PATCH /api/v1/organizations/")
    assert findings.settings["missing_user_status"] == 404
    assert kinde.state() == before


@pytest.mark.parametrize("body", [[], {}, {"users": [{}]}, {"users": None}, {"users": [None]}, "<html>"])
def test_answers_of_an_unknown_form(kinde: Emulator, body: Any) -> None:
    before = kinde.state()
    kinde.fault("GET", "/api/v1/users$", status=200, body=body, times=None)
    with connect(kinde, max_tries=1) as client:
        findings = probe_tenant(client)
    assert findings.settings["patch_roles"] == "replace"
    assert "default_org_policy" in findings.not_learnt
    assert not findings.stopped
    assert kinde.state() == before


def test_an_unreachable_kinde_stops_the_probe(kinde: Emulator) -> None:
    with connect(kinde, max_tries=1) as client:
        kinde.fault("GET", drop=True, skip=3, times=None)
        findings = probe_tenant(client)
    assert "broke before the response" in findings.stopped
    assert findings.left_behind == []
    assert "stopped early: GET " in findings.text()
    assert lists(kinde)["users"] == 2


def test_refused_credentials(kinde: Emulator) -> None:
    with connect(kinde, client_secret="wrong") as client:
        findings = probe_tenant(client)
    assert "check client ID" in findings.stopped
    assert findings.requests == 0


def test_cut_texts_are_no_limit_of_the_emulators_kind(kinde: Emulator) -> None:
    kinde.fault("PATCH", "/api/v1/user", match="xxx", status=200, body={"id": "kp_1"}, times=None)
    with connect(kinde) as client:
        findings = probe_tenant(client, only=["max_name_length", "provided_id_max_length"])
    assert findings.not_learnt["max_name_length"].startswith("a name of 2000 characters was cut to 22")
    assert findings.not_learnt["provided_id_max_length"].startswith("2000 characters were cut to 18")
    assert "max_name_length" not in findings.settings
    assert "provided_id_max_length" not in findings.settings


def test_a_limit_that_the_refusal_does_not_name_is_searched_for(start: Callable[..., Emulator]) -> None:
    kinde = start()
    limit = 77
    too_long = f'"given_name": ?"[^"]{{{limit + 1},}}'
    kinde.fault("PATCH", "/api/v1/user", match=too_long, status=400, body={"errors": [{"code": "LONG"}]}, times=None)
    with connect(kinde) as client:
        findings = probe_tenant(client, only=["max_name_length"])
    assert findings.settings["max_name_length"] == limit
    assert findings.requests < 20


@pytest.mark.parametrize(
    ("words", "learnt"),
    [("between 1 and 100", 100), ("at most 40 of 200", None), ("too many", None), ("400: 100 at most", 100)],
)
def test_a_page_limit_that_is_named_among_others(kinde: Emulator, words: str, learnt: int | None) -> None:
    body = {"errors": [{"code": "PAGE_SIZE_LIMIT_EXCEEDED", "message": words}]}
    kinde.fault("GET", r"/roles\?page_size=(10[1-9]|1[1-9]\d|[2-5]\d\d)$", status=400, body=body, times=None)
    with connect(kinde) as client:
        assert probe_tenant(client, only=["max_page_size"]).settings.get("max_page_size") == learnt


@pytest.mark.parametrize("real", ["kp_" + 32 * "a", "kp:" + 32 * "0", "org_" + 11 * "f", "b8e9"])
def test_a_stranger_has_the_form_of_the_real_one(real: str) -> None:
    other = stranger(real)
    assert other != real
    assert len(other) == len(real)
    assert re.sub("[0-9a-f]+$", "", other) == re.sub("[0-9a-f]+$", "", real)


def test_without_confirm_nothing_happens(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator() as kinde:
        connection = {"conn_type": "kinde", "host": kinde.url, "login": kinde.client_id, "password": "s3cret"}
        monkeypatch.setenv("AIRFLOW_CONN_KINDE_DEFAULT", json.dumps(connection))
        assert main(["probe"]) == 0
        assert main(["probe", "--conn", "elsewhere", "--only", "patch_roles, page_size", "--out", "/nowhere/x"]) == 0
        assert kinde.log() == []
    whole, part = capsys.readouterr().out.split("Nothing was sent. Add --confirm to do it.\n")[:2]
    for question in QUESTIONS:
        assert question.about in whole
    for scope in SCOPES:
        assert scope in whole
    assert "connection elsewhere" in part
    assert "Creates a permission" not in part
    assert main(["probe", "--only", "latency"]) == 1
    assert "no probe learns latency" in capsys.readouterr().err


def test_the_table_and_json(kinde: Emulator) -> None:
    with connect(kinde) as client:
        findings = probe_tenant(client)
    text = findings.text()
    assert re.search(r"^patch_roles +replace +PATCH with another role", text, re.M)
    assert re.search(r"^provided_id_max_length +none ", text, re.M)
    assert re.search(r"^remove a user who is not a member +400 USER_NOT_IN_ORGANIZATION$", text, re.M)
    assert "everything that was made is removed" in text
    document = json.loads(json.dumps(findings.to_json()))
    assert document["settings"] == findings.settings
    assert document["evidence"].keys() == document["settings"].keys()
    assert kinde.client_secret not in json.dumps(document)
    assert Settings().changed(document["settings"])


def test_sigterm_cleans_up_as_ctrl_c_does(kinde: Emulator) -> None:
    from airflow_provider_kinde.cli.probe import _terminable

    before = kinde.state()
    with connect(kinde) as client, _terminable():
        # The signal comes while a user exists.
        client.on_response = None
        findings = probe_tenant(client, sleep=lambda _: os.kill(os.getpid(), signal.SIGTERM), only=["search_lag"])
        kinde.set(search_lag=9e9)
        assert findings.clean
        findings = probe_tenant(client, sleep=lambda _: os.kill(os.getpid(), signal.SIGTERM), only=["search_lag"])
    assert findings.stopped == "interrupted"
    assert findings.left_behind == []
    assert kinde.state() == before
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
