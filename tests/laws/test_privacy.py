"""What a run leaves behind: no secret anywhere, and names only where they were asked for."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.cli import connection
from airflow_provider_kinde.cli.main import main
from airflow_provider_kinde.client import KindeClient
from tests.laws.test_sync_laws import OPEN
from tests.support.world import SPEC, World, person

SECRET = "tell-nobody/+=%7E secret"
ROWS = [
    person(number, f"Zaphod{number}", "Beeblebrox", email=f"zaphod{number}@heartofgold.example", dept=dept)
    for number, dept in enumerate(("Eng", "Eng", "Sales", "Sales", "Other", "Eng"), 1)
]
NAMES = ("zaphod", "beeblebrox", "heartofgold")


@pytest.fixture
def run(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A command over rows of an HR file; every token that was issued is noted."""
    world.kinde.set(client_secret=SECRET)
    spec, rows_file, tokens = tmp_path / "hr.yaml", tmp_path / "hr.csv", set()
    spec.write_text(SPEC + OPEN)

    def connect(conn_id: str) -> KindeClient:
        return KindeClient(
            world.kinde.url, world.kinde.client_id, SECRET, on_token=tokens.add, token_cache="host",
            cache_dir=str(tmp_path / "cache"), max_tries=2, sleep=lambda seconds: None,
        )  # fmt: skip

    monkeypatch.setattr(connection, "open_connection", connect)

    def command(rows: list[dict[str, Any]], *words: str) -> int:
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        rows_file.write_text("\n".join(lines) + "\n")
        return main([words[0], "--spec", str(spec), *words[1:]])

    command.tokens = tokens  # type: ignore[attr-defined]
    return command


def test_files_and_logs_hold_no_secret_and_no_name(
    world: World, run: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    plan, report, table = (str(tmp_path / name) for name in ("plan.json", "report.json", "report.csv"))
    assert run(ROWS, "plan", "--out", plan) == 2
    assert run(ROWS, "apply", "--plan", plan, "--report", report) == 0
    later = [dict(ROWS[0], status="Terminated"), dict(ROWS[1], email="zaphod99@heartofgold.example"), *ROWS[2:]]
    # Trouble of every sort, with an echo of what was sent: that is when secrets get into messages.
    world.kinde.revoke_tokens()
    echo = {"errors": [{"code": "X", "message": f"bad secret {SECRET} and token {' '.join(run.tokens)}"}]}
    world.kinde.fault("PATCH", r"/user\?", status=400, body=echo)
    world.kinde.fault("POST", "/identities", status=500, body=echo, after_work=True)
    world.kinde.fault("PATCH", "/identities/", after_work=True)
    world.kinde.fault("DELETE", "/sessions", status=429, body=echo, headers={"RateLimit-Reset": "0"})
    assert run(later, "apply", "--report", table) in (0, 1)
    world.kinde.set(client_secret="another")
    world.kinde.revoke_tokens()
    assert run(later, "apply", "--report", report) == 1
    out = "".join(capsys.readouterr())
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in written} >= {".json", ".csv", ".token"}
    left = {str(path): path.read_bytes().decode("utf-8", "replace") for path in written}
    left |= {"log": caplog.text, "output": out, "emulator": str(world.kinde.log())}
    assert len(run.tokens) >= 2
    for place, text in left.items():
        for secret in (SECRET, SECRET.replace(" ", "+"), "tell-nobody", *run.tokens):
            assert secret not in text, f"{place} holds a secret"
    assert all(path.stat().st_mode & 0o077 == 0 for path in written if path.name not in ("hr.yaml", "hr.csv"))
    assert "zaphod1@heartofgold.example" in out  # whoever runs a command asked for it
    assert "Kinde" in caplog.text
    for name in NAMES:
        assert name not in caplog.text.lower()


def test_an_unforeseen_failure_is_logged_without_names(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(world.client, "create_user", None)  # called, it raises a TypeError
    world.apply(ROWS[:1])
    assert "create of 1 failed" in caplog.text
    for name in NAMES:
        assert name not in caplog.text.lower()
