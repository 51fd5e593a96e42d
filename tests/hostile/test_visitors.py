"""Who else may be on this machine, or in a browser on it: pages of other sites, and other users' files."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import httpx
import pytest

from kinde_emulator import Emulator
from kinde_emulator.cli import main
from tests.support.loopback import Server, make_client

OURS = ("127.0.0.1:1", "localhost:8900", "kinde.localhost", "[::1]:8900")
FOREIGN = (
    "evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.7:8900", "[::1",
    "0.0.0.0:8900",
)  # fmt: skip


def test_a_page_whose_name_leads_here_gets_nothing() -> None:
    with Emulator() as kinde, httpx.Client(base_url=kinde.url, trust_env=False) as browser:
        for path in ("/", "/_emulator/state", "/api/v1/users", "/oauth2/token", "/.well-known/jwks"):
            for host in FOREIGN:
                answer = browser.get(path, headers={"Host": host})
                assert (answer.status_code, kinde.client_secret in answer.text) == (403, False), host
            assert 403 not in {browser.get(path, headers={"Host": host}).status_code for host in OURS}


def test_a_form_of_another_site_changes_nothing() -> None:
    with Emulator() as kinde:
        kinde.seed({"users": [{"email": "a@example.com"}]})
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1", kinde.url + ".evil.example"):
            for path in ("/_emulator/revoke_tokens", "/_emulator/seed"):
                answer = httpx.post(kinde.url + path, headers={"Origin": origin}, json={}, trust_env=False)
                assert answer.status_code == 403
        assert [user["email"] for user in kinde.state()["users"]] == ["a@example.com"]


def test_listening_on_other_addresses_than_loopback_warns(capsys: pytest.CaptureFixture[str]) -> None:
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert main(["--port", "0", "--host", "0.0.0.0", "--allow-remote"]) == 0
    timer.join()
    assert "warning: everything in it can be read and changed" in capsys.readouterr().err


def test_an_emulator_that_is_open_answers_to_any_name_but_to_no_foreign_page() -> None:
    with Emulator(host="0.0.0.0") as kinde:
        url = f"http://127.0.0.1:{kinde.url.rpartition(':')[2]}"
        assert httpx.get(url + "/", headers={"Host": "kinde.internal:8900"}, trust_env=False).status_code == 200
        foreign = {"Host": "kinde.internal:8900", "Origin": "http://evil.example"}
        assert httpx.post(url + "/_emulator/revoke_tokens", headers=foreign, trust_env=False).status_code == 403


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tokens"
    made.mkdir(mode=0o700)
    return made


def files_of(folder: Path, server: Server) -> tuple[Path, Path]:
    with make_client("sync", server, None, token_cache="host", cache_dir=str(folder)) as client:
        client.get_users()
    (token,) = folder.glob("*.token")
    return token, token.with_suffix(".lock")


@pytest.mark.parametrize("which", [0, 1], ids=["token", "lock"])
@pytest.mark.parametrize("planted", ["fifo", "folder", "hard link"])
def test_whatever_stands_where_the_token_should_be_is_neither_used_nor_waited_for(
    folder: Path, tmp_path: Path, which: int, planted: str
) -> None:
    server = Server()
    place = files_of(folder, server)[which]
    place.unlink()
    treasure = tmp_path / "treasure"
    treasure.write_text("mine")
    treasure.chmod(0o600)
    if planted == "fifo":
        os.mkfifo(place, 0o600)
    elif planted == "folder":
        place.mkdir(0o700)
    else:
        place.hardlink_to(treasure)
    ended = threading.Event()

    def use() -> None:
        with make_client("sync", server, None, token_cache="host", cache_dir=str(folder)) as client:
            client.get_users()
        ended.set()

    threading.Thread(target=use, daemon=True).start()
    assert ended.wait(20)
    assert treasure.read_text() == "mine"
    server.close()


def test_only_the_page_itself_adds_faults_and_changes_switches() -> None:
    with Emulator() as kinde:
        before = kinde.settings
        for method, name in (("POST", "faults"), ("DELETE", "faults/1"), ("PATCH", "settings")):
            for token in ({}, {"x-emulator-page": "guessed"}):
                answer = httpx.request(
                    method,
                    f"{kinde.url}/_emulator/page/{name}",
                    json={"name": "page_size", "value": "1", "kind": "500"},
                    headers={"origin": "https://evil.example", **token},
                    trust_env=False,
                )
                assert answer.status_code == 403
        assert kinde.settings == before
        assert "No fault waits." in httpx.get(f"{kinde.url}/_emulator/page/faults", trust_env=False).text
