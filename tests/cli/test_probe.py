"""`probe` as users run it: an Airflow connection, a file, and an emulator made alike."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kinde_emulator import Emulator, Settings

Process = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def tenant() -> dict[str, str]:
    return {"patch_roles": "merge", "missing_user_status": "400", "bulk_failure": "partial"}


def test_from_the_probe_to_an_emulator_alike(airflow_process: Process, tmp_path: Path, tenant: dict[str, str]) -> None:
    with Emulator(Settings().parsed(f"{name}={value}" for name, value in tenant.items())) as kinde:
        before = kinde.state()
        connection = {"conn_type": "kinde", "host": kinde.url, "login": kinde.client_id}
        extra = {"token_cache": "none"}
        env = {"AIRFLOW_CONN_TENANT": json.dumps({**connection, "password": kinde.client_secret, "extra": extra})}

        def probe(*arguments: str) -> subprocess.CompletedProcess[str]:
            return airflow_process("-m", "airflow_provider_kinde", "probe", "--conn", "tenant", *arguments, **env)

        dry = probe("--out", "probe.json")
        assert (dry.returncode, kinde.log(), list(tmp_path.glob("*.json"))) == (0, [], [])
        assert "Nothing was sent. Add --confirm to do it." in dry.stdout

        done = probe("--confirm", "--out", "probe.json")
        assert done.returncode == 0, done.stderr
        assert "everything that was made is removed" in done.stdout
        assert '"patch_roles": "merge"' in done.stdout
        assert kinde.client_secret not in done.stdout + done.stderr
        assert kinde.state() == before

        unwritable = probe("--confirm", "--out", "no/such/folder.json")
        assert unwritable.returncode == 1
        assert "could not be written" in unwritable.stderr
        kinde.fault("DELETE", "/api/v1/organization/", status=400, times=None)
        left = probe("--confirm", "--json", "--only", "page_token")
        assert left.returncode == 1
        assert json.loads(left.stdout)["left_behind"][0].startswith("organization org_")

    file = tmp_path / "probe.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = subprocess.run(
        [sys.executable, "-m", "kinde_emulator", "--like", str(file), "--list-settings"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert {f"{name}={value}" for name, value in tenant.items()} <= set(listed)
