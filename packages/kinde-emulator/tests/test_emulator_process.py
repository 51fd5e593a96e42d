"""The emulator as a program, its control API, its page, and the pytest fixture."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests

from kinde_emulator import Emulator
from kinde_emulator.cli import main


@pytest.fixture
def run():
    """Starts the program; gives the process and the two lines it prints."""
    processes = []

    def begin(*arguments):
        command = [sys.executable, "-m", "kinde_emulator", *map(str, arguments)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
        processes.append(process)
        return process, process.stdout.readline(), process.stdout.readline()

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def test_the_program_says_where_it_is_and_ends_cleanly(run, tmp_path):
    (tmp_path / "seed.json").write_text(json.dumps({"roles": ["owner"], "users": [{"email": "a@x.org"}]}))
    (tmp_path / "like.json").write_text(json.dumps({"patch_roles": "merge", "expired_token": 403}))
    arguments = ["--data", tmp_path / "k.db", "--seed", tmp_path / "seed.json", "--like", tmp_path / "like.json"]
    process, first, second = run(
        "--port",
        0,
        *arguments,
        "--set",
        "email-case=lower",
        "--client-id",
        "me",
        "--client-secret",
        "it's",
        "--rate-limit",
        50,
    )
    url = re.search(r"http://127\.0\.0\.1:\d+", first)[0]
    line = re.fullmatch(r"export AIRFLOW_CONN_KINDE_DEFAULT=(.*)\n", second)[1]
    value = subprocess.run(["sh", "-c", f"printf %s {line}"], capture_output=True, text=True, check=True).stdout
    connection = json.loads(value)
    assert connection == {"conn_type": "kinde", "host": url, "login": "me", "password": "it's"}
    form = {
        "grant_type": "client_credentials",
        "client_id": connection["login"],
        "client_secret": connection["password"],
        "audience": f"{url}/api",
    }
    token = requests.post(f"{url}/oauth2/token", data=form, timeout=10).json()["access_token"]
    users = requests.get(f"{url}/api/v1/users", headers={"authorization": f"Bearer {token}"}, timeout=10)
    assert [user["email"] for user in users.json()["users"]] == ["a@x.org"]
    settings = requests.get(f"{url}/_emulator/settings", timeout=10).json()
    assert (settings["patch_roles"], settings["expired_token"], settings["email_case"]) == ("merge", 403, "lower")
    assert (settings["rate_limit"], settings["client_secret"]) == (50, "***")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert process.communicate() == ("", "")


def test_the_data_of_a_killed_program_is_there(run, tmp_path):
    process, first, _ = run("--port", 0, "--data", tmp_path / "k.db")
    url = re.search(r"http://\S+", first)[0]
    requests.post(f"{url}/_emulator/seed", json={"users": [{"email": "a@x.org"}]}, timeout=10).raise_for_status()
    process.kill()
    process.wait(10)
    with Emulator(data=tmp_path / "k.db") as again:
        assert [user["email"] for user in again.state()["users"]] == ["a@x.org"]


def test_an_interrupt_is_a_clean_end(capsys):
    before = signal.getsignal(signal.SIGINT)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert main(["--port", "0"]) == 0
    timer.join()
    assert "Kinde emulator at http://127.0.0.1:" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "patch_roles"], "expected name=value"),
        (["--set", "patch_roles=add"], "patch_roles: 'add' is not one of replace, merge"),
        (["--set", "nonsense=1"], "nonsense: no such setting"),
        (["--set", "page_size=many"], "page_size: 'many' is not a whole number"),
        (["--seed", "none.json"], "--seed none.json: No such file"),
        (["--host", "0.0.0.0"], "--allow-remote"),
        (["--data", "."], "unable to open database file"),
    ],
)
def test_invalid_options_are_reported(capsys, arguments, words):
    assert main(["--port", "0", *arguments]) == 1
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "not a port"),
        (["--rate-limit", "0"], "1 or more"),
        (["--latency", "-1"], "milliseconds"),
        (["--nonsense"], "unrecognized"),
    ],
)
def test_a_wrong_command_line_is_said(capsys, arguments, words):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_files_that_are_not_what_they_should_be(capsys, tmp_path):
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text("[]")
    (tmp_path / "c.json").write_text('{"people": []}')
    for option, name, words in (
        ("--seed", "a.json", "not valid JSON"),
        ("--like", "b.json", "expected a JSON object"),
        ("--seed", "c.json", "people"),
        ("--like", "c.json", "people: no such setting"),
    ):
        assert main(["--port", "0", option, str(tmp_path / name)]) == 1
        assert words in capsys.readouterr().err


def test_a_taken_port_is_said(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert f"cannot listen at 127.0.0.1 port {port}" in capsys.readouterr().err


def test_the_settings_are_listed(capsys):
    assert main(["--list-settings", "--set", "patch_roles=merge"]) == 0
    said = capsys.readouterr().out
    assert "patch_roles=merge\n" in said
    assert "rate_limit=none\n" in said


def test_the_control_api(api):
    url = f"{api.kinde.url}/_emulator"

    def control(method, path, **kwargs):
        answer = requests.request(method, url + path, timeout=10, **kwargs)
        return answer.status_code, answer.json()

    assert control("DELETE", "/log") == (200, {})
    status, made = control("POST", "/seed", json={"roles": ["owner"]})
    assert (status, list(made["roles"])) == (200, ["owner"])
    assert control("GET", "/state")[1]["roles"][0]["key"] == "owner"
    assert control("POST", "/seed", json={"nonsense": 1})[0] == 400
    assert control("PATCH", "/settings", json={"patch_roles": "merge"})[1]["patch_roles"] == "merge"
    status, refused = control("PATCH", "/settings", json={"patch_roles": "x"})
    assert (status, refused["errors"][0]["code"]) == (400, "INVALID_SETTING")
    assert control("GET", "/settings")[1]["patch_roles"] == "merge"
    status, fault = control("POST", "/faults", json={"path": "/roles", "status": 500, "times": None})
    assert status == 201
    assert control("POST", "/faults", json={"nonsense": 1})[0] == 400
    assert api("GET", "/roles").status_code == 500
    assert [item["hits"] for item in control("GET", "/faults")[1]] == [1]
    assert control("DELETE", f"/faults/{fault['id']}") == (200, {})
    assert control("DELETE", f"/faults/{fault['id']}")[0] == 404
    assert control("DELETE", "/faults") == (200, {})
    assert api("GET", "/roles").status_code == 200
    assert control("POST", "/revoke_tokens") == (200, {})
    api.fails(401, "TOKEN_INVALID", "GET", "/roles")
    entries = control("GET", "/log")[1]
    assert [(entry["path"], entry["status"]) for entry in entries] == [
        ("/api/v1/roles", status) for status in (500, 200, 401)
    ]
    assert control("GET", "/log", params={"last": 1})[1] == entries[-1:]
    assert control("GET", "/state", headers={"origin": "https://evil.example"})[0] == 403


def test_the_page_shows_people_and_escapes_everything(api):
    api.kinde.seed(
        {
            "organizations": [{"name": "<i>Shop</i>"}, {"name": "Old", "is_suspended": True}],
            "roles": ["owner"],
            "users": [
                {"email": "ada@x.org", "first_name": "<script>", "memberships": {"<i>Shop</i>": ["owner"]}},
                {"email": "bob@x.org", "is_suspended": True, "memberships": ["Old"]},
                *({"email": f"u{number:03}@x.org", "memberships": ["Old"]} for number in range(60)),
                {"email": "lost@x.org"},
            ],
        }
    )
    api("GET", "/users", params={"email": "<b>'\"x@x.org"})

    def page(**params):
        answer = requests.get(api.kinde.url, params=params, timeout=10)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert not re.search(r"<(i|b)>|<script>|(src|href)=.?https?:", answer.text)
        return answer.text

    text = page()
    assert "&lt;script&gt;" in text
    assert "&lt;i&gt;Shop&lt;/i&gt;" in text
    assert "<tr class=suspended>" in text
    assert "61 members" in text
    assert "search to see them" in text
    assert "In no organization" in text
    assert "/api/v1/users?email=" in text
    found = page(q="ADA")
    assert "ada@x.org" in found
    assert "bob@x.org" not in found.partition("id=h-people")[2]
    assert "u059@x.org" in page(q="u059")
    assert "u059@x.org" not in text
    assert "None." in page(q="'; DROP TABLE users; --%_\\")
    assert page(page="-1").count("<h3>") == page(page="x").count("<h3>") == 3


def test_the_page_has_pages(api):
    api.kinde.seed({"organizations": [f"Org {number:03}" for number in range(120)]})
    texts = [requests.get(api.kinde.url, params={"page": number}, timeout=10).text for number in (1, 2, 3)]
    assert [f"Org {number:03}" in text for text, number in zip(texts, (10, 70, 119), strict=True)] == [True] * 3
    assert "Org 119" not in texts[0]


def test_the_fixture_for_tests_of_ones_own(tmp_path):
    (tmp_path / "test_mine.py").write_text(
        """
import sys

import pytest

assert "uvicorn" not in sys.modules


def test_one(kinde_emulator):
    assert kinde_emulator.url.startswith("http://127.0.0.1:")
    assert kinde_emulator.seed({"roles": ["a"]})["roles"]


@pytest.mark.kinde_emulator(patch_roles="merge", page_size=7)
class TestMarked:
    @pytest.mark.kinde_emulator(page_size=3)
    def test_two(self, kinde_emulator):
        assert kinde_emulator.state()["roles"] == []
        assert (kinde_emulator.settings.patch_roles, kinde_emulator.settings.page_size) == ("merge", 3)
"""
    )
    plugin = ["-p", "kinde_emulator.pytest_plugin", "--strict-markers", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", *plugin, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert "2 passed" in result.stdout, result.stdout + result.stderr


def test_the_package_is_light_until_it_is_used():
    loaded = "print('uvicorn' in sys.modules, 'jwt' in sys.modules)"
    code = f"import sys, kinde_emulator.pytest_plugin; {loaded}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False"]


def test_stopping_does_not_wait_for_slow_requests(start):
    api = start()
    api.kinde.fault(delay=30)
    with pytest.raises(requests.ReadTimeout):
        api.http.get(f"{api.kinde.url}/api/v1/users", timeout=0.1)
    url, started = api.kinde.url, time.perf_counter()
    api.kinde.stop()
    assert time.perf_counter() - started < 5
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=1)
