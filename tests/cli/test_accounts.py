"""The commands ``accounts`` and ``doctor``, and the operator for the list of accounts, as users run them."""

from __future__ import annotations

import csv
import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kinde_emulator import Emulator
from tests.support.airflow_fixtures import command, company, dag_file, database, kinde, storage_path
from tests.support.company import SECRET_WORDS, Company, Run, writes

__all__ = ["command", "company", "dag_file", "database", "kinde", "storage_path"]

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
TASK = """
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_kinde.operators.accounts import KindeAccountsOperator
with DAG("DAG_ID", schedule=None, default_args={{"retries": 0}}) as dag:
    KindeAccountsOperator(task_id="accounts", spec={spec!r}, file_name="accounts.json")
"""


def planted(kinde: Emulator) -> None:
    kinde.seed({"users": [{"email": "mail-1@example.com"}, {"email": "ghost@elsewhere.org", "first_name": "Ghost"}]})


def test_the_command_writes_every_account_and_a_sum(
    command: Cli, company: Company, kinde: Emulator, tmp_path: Path
) -> None:
    planted(kinde)
    before, accounts = writes(kinde), len(kinde.state()["users"])
    done = command("accounts", "--spec", "hr.yaml")
    assert done.returncode == 0, done.stderr
    assert "orphan  ghost@elsewhere.org  Ghost  last sign-in never" in done.stdout
    assert "1 adoptable: adopted" in done.stdout
    for form in ("csv", "json", "html"):
        done = command("accounts", "--spec", "hr.yaml", "--out", f"list.{form}")
        assert done.returncode == 0, done.stderr
        assert f"list.{form}: {accounts} accounts\n" in done.stdout
        assert stat.S_IMODE((tmp_path / f"list.{form}").stat().st_mode) == 0o600
    with (tmp_path / "list.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == accounts
    assert (table[0]["class"], table[0]["email"]) == ("orphan", "ghost@elsewhere.org")
    assert writes(kinde) == before
    wrong = command("accounts", "--spec", "hr.yaml", "--out", "list.txt")
    assert (wrong.returncode, "let the name end in one of these" in wrong.stderr) == (1, True)


def test_the_operator_writes_the_list_and_returns_counts_only(
    dag_file: Callable[[str], Any], company: Company, kinde: Emulator, storage_path: Path
) -> None:
    planted(kinde)
    before = writes(kinde)
    run = Run(dag_file(TASK.format(spec=str(company.spec))))
    assert run.state == "success"
    found = run.xcom("accounts")
    document = json.loads(Path(found["path"]).read_text(encoding="utf-8"))
    assert len(document["accounts"]) == found["accounts"] == len(kinde.state()["users"])
    assert document["classes"] == found["classes"]
    assert not [word for word in SECRET_WORDS if word in json.dumps(found).lower()]
    assert writes(kinde) == before


def test_doctor_finds_nothing_wrong(command: Cli, company: Company, kinde: Emulator) -> None:
    before = writes(kinde)
    done = command("doctor", "--spec", "hr.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (
        "ok     connection: ",
        "ok     environment: Emulator (emulator), not live",
        "ok     scopes: all",
        "ok     HR source: ",
        "ok     storage: ",
        " -m airflow_provider_kinde plan --spec hr.yaml",
    ):
        assert line in done.stdout
    assert writes(kinde) == before


def test_doctor_says_what_is_missing_and_what_to_do(
    command: Cli, company: Company, kinde: Emulator, tmp_path: Path
) -> None:
    kinde.set(scopes=("read:users", "read:roles"), environment_live=True)
    (tmp_path / "file").touch()
    done = command("doctor", "--spec", "hr.yaml", AIRFLOW__KINDE__STORAGE_PATH=str(tmp_path / "file" / "kinde"))
    assert done.returncode == 1
    assert "note   environment: cannot be read without a scope" in done.stdout
    assert "delete:api_keys (leavers: sessions and API keys)" in done.stdout
    assert "next: set [kinde] storage_path" in done.stdout
    assert "2 of these must be settled first" in done.stdout
    (company.folder / "people.csv").write_text("a,b\n1,2\n")
    kinde.set(scopes=None, client_secret="another")
    done = command("doctor", "--spec", "hr.yaml")
    assert "WRONG  connection: " in done.stdout
    assert "next: compare client ID, client secret and audience" in done.stdout
    assert "has no column" in done.stdout
