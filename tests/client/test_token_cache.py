"""Tokens shared within a process and between processes, and what must not go wrong on disk."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.client import token_cache
from airflow_provider_kinde.client.settings import Credentials
from airflow_provider_kinde.client.token_cache import HostCache
from airflow_provider_kinde.client.tokens import Token
from tests.support.loopback import SECRET, Call, Clock, Reply, Server, make_client

USERS = "GET /api/v1/users"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


def use(server: Server, kind: str = "sync", clock: Clock | None = None, **options: Any) -> str:
    """Make a client, use it once, and return the token that it used."""
    client = make_client(kind, server, clock or Clock(), **options)
    client.get_users()
    (client.close if kind == "sync" else client.stop)()
    return server.sent()[-1].token


def token_file(folder: Path) -> Path:
    (found,) = folder.glob("*.token")
    return found


@pytest.mark.parametrize("cache", ["process", "host"])
def test_clients_with_the_same_credentials_share_a_token(cache: str, server: Server, folder: Path) -> None:
    ours = {"token_cache": cache, "cache_dir": str(folder)}
    assert [use(server, kind, **ours) for kind in ("sync", "async", "sync")] == ["token-1"] * 3
    assert use(server, **ours, client_id="another") == "token-2"
    assert use(server, **ours, audience="https://x/api") == "token-3"
    assert use(server, **ours, scopes="read:users") == "token-4"
    assert use(server, **ours) == "token-1"


def test_without_a_cache_each_client_has_its_own(server: Server) -> None:
    assert [use(server) for _ in range(2)] == ["token-1", "token-2"]


@pytest.mark.parametrize("cache", ["process", "host"])
def test_another_secret_does_not_get_at_the_token(cache: str, server: Server, folder: Path) -> None:
    ours = {"token_cache": cache, "cache_dir": str(folder)}
    use(server, **ours)
    assert use(server, **ours, client_secret="rotated-secret") == "token-2"
    assert use(server, **ours, client_secret="rotated-secret") == "token-2"


@pytest.mark.parametrize("cache", ["process", "host"])
@pytest.mark.parametrize("status", [401, 403])
def test_a_revoked_token_is_replaced_for_all(cache: str, status: int, server: Server, folder: Path) -> None:
    ours = {"token_cache": cache, "cache_dir": str(folder)}
    use(server, **ours)

    def revoked(call: Call) -> Reply:
        return Reply({"users": []}) if call.token == "token-2" else Reply(status=status)

    server.on(USERS, revoked)
    assert use(server, **ours) == "token-2"
    assert use(server, **ours) == "token-2"
    assert server.tokens == 2


def test_a_token_near_its_end_is_not_taken_over(server: Server, folder: Path) -> None:
    clock = Clock()
    ours: dict[str, Any] = {"token_cache": "host", "cache_dir": str(folder), "clock": clock}
    use(server, **ours)
    clock.now += 3550
    assert use(server, **ours) == "token-2"
    clock.now -= 100_000
    assert use(server, **ours) == "token-3"


def test_folder_and_file_are_private_and_encrypted(server: Server, folder: Path) -> None:
    old = os.umask(0)
    try:
        use(server, token_cache="host", cache_dir=str(folder))
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"token-1" not in path.read_bytes()
        assert SECRET.encode() not in path.read_bytes()
    assert {path.suffix for path in folder.iterdir()} == {".token", ".lock"}


@pytest.mark.parametrize("damage", [b"", b"garbage", b"\x00" * 200_000], ids=["empty", "garbage", "large"])
def test_a_damaged_file_is_replaced(damage: bytes, server: Server, folder: Path) -> None:
    ours = {"token_cache": "host", "cache_dir": str(folder)}
    use(server, **ours)
    whole = token_file(folder).read_bytes()
    for content in (damage, whole[: len(whole) // 2], whole[:-10] + b"A" * 10):
        token_file(folder).write_bytes(content)
        before = server.tokens
        use(server, **ours)
        assert server.tokens == before + 1
        use(server, **ours)
        assert server.tokens == before + 1


def test_links_are_not_followed(server: Server, folder: Path, tmp_path: Path) -> None:
    ours = {"token_cache": "host", "cache_dir": str(folder)}
    use(server, **ours)
    treasure = tmp_path / "treasure"
    treasure.write_bytes(token_file(folder).read_bytes())
    treasure.chmod(0o600)
    path = token_file(folder)
    for suffix in (".token", ".lock"):
        path.with_suffix(suffix).unlink()
        path.with_suffix(suffix).symlink_to(treasure)
    kept = treasure.read_bytes()
    assert use(server, **ours) == "token-2"
    assert treasure.read_bytes() == kept
    assert not path.is_symlink()


def test_a_folder_of_others_is_not_used(server: Server, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(elsewhere)
    folder.mkdir(mode=0o700)
    folder.chmod(0o777)
    (tmp_path / "file").write_text("")
    for bad in (folder, tmp_path / "link", tmp_path / "file"):
        before = server.tokens
        for _ in range(2):
            use(server, token_cache="host", cache_dir=str(bad))
        assert server.tokens == before + 2
    assert not list(folder.iterdir())
    assert not list(elsewhere.iterdir())


def test_a_file_that_others_can_read_is_not_used(server: Server, folder: Path) -> None:
    ours = {"token_cache": "host", "cache_dir": str(folder)}
    use(server, **ours)
    token_file(folder).chmod(0o644)
    assert use(server, **ours) == "token-2"
    assert stat.S_IMODE(token_file(folder).stat().st_mode) == 0o600


def test_a_lock_that_is_never_let_go_does_not_stop_us(folder: Path) -> None:
    credentials = Credentials("https://x", "id", "secret", "a", "")
    cache = HostCache(credentials, str(folder), lock_wait=0.05)
    with cache.lock():
        pass
    (lock,) = folder.glob("*.lock")
    with lock.open() as stuck:
        fcntl.flock(stuck, fcntl.LOCK_EX)
        with cache.lock():
            cache.write(Token("a", 10, 0))
    found = cache.read()
    assert found
    assert found.value == "a"


def test_the_default_folder_is_this_users() -> None:
    assert token_cache.default_folder().name == f"airflow-provider-kinde-{os.getuid()}"


def test_many_clients_of_a_process_fetch_once(server: Server, folder: Path) -> None:
    server.on("POST /oauth2/token", Reply({"access_token": "a", "expires_in": 3600}, delay=0.1))
    with ThreadPoolExecutor(8) as threads:
        ours = {"token_cache": "host", "cache_dir": str(folder)}
        found = list(threads.map(lambda _: use(server, **ours), range(8)))
    assert set(found) == {"a"}
    assert server.tokens == 1


def test_many_processes_fetch_once(server: Server, folder: Path) -> None:
    server.on("POST /oauth2/token", Reply({"access_token": "a", "expires_in": 3600}, delay=0.3))
    script = (
        "import sys; from airflow_provider_kinde.client import KindeClient\n"
        "host, folder = sys.argv[1:]\n"
        "KindeClient(host, 'id', 'secret', token_cache='host', cache_dir=folder).get_users()"
    )
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": root}
    command = [sys.executable, "-c", script, server.host, str(folder)]
    workers = [subprocess.Popen(command, env=environment) for _ in range(4)]
    assert [worker.wait(60) for worker in workers] == [0] * 4
    assert server.tokens == 1
    assert len(server.sent()) == 4
