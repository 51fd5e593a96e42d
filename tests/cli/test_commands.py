"""The command line as users run it: a process of its own, an Airflow connection, files, exit codes."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.cli.shared import check_writable
from airflow_provider_kinde.exceptions import SyncError
from kinde_emulator import Emulator, Settings
from tests.support.company import HEADER, Company, connection, row, seeded, writes
from tests.support.operator_runs import AIRFLOW_3

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cli(company: Company, command: Cli) -> Cli:
    """Runs a command beside the company's files; a command that takes a spec gets theirs."""

    def run(name: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        spec = () if "--spec" in arguments or name in ("init", "schema") else ("--spec", "hr.yaml")
        return command(name, *spec, *arguments, **env)

    return run


def expect(done: subprocess.CompletedProcess[str], code: int) -> str:
    """Standard output, once the exit code is as expected; nobody ever sees a traceback."""
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def loaded(path: Path) -> Any:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_process_started_by_hand(company: Company, kinde: Emulator, airflow_process: Cli) -> None:
    done = airflow_process("-m", "airflow_provider_kinde", "plan", "--spec", "hr.yaml")
    assert "Plan: 12 create, 12 add membership, 6 add role" in expect(done, 2)
    assert expect(airflow_process("-m", "airflow_provider_kinde"), 1).startswith("usage: python -m")


def test_from_the_first_plan_to_an_approved_one(cli: Cli, company: Company, kinde: Emulator, tmp_path: Path) -> None:
    planned = expect(cli("plan", "--out", "plan.json"), 2)
    assert "Plan: 12 create, 12 add membership, 6 add role" in planned
    assert "\nplan.json: the plan; plan.html: the same as a page\n" in planned
    plan = loaded(tmp_path / "plan.json")
    assert (plan["summary"]["create"], writes(kinde)) == (12, 0)
    kinde.clear_log()
    company.change(13)
    text = expect(cli("apply", "--plan", "plan.json", "--report", "report.json"), 0)
    assert "changed since the plan: new, not done: create E13" in text
    assert "\nreport.json: the report; report.html: the same as a page\n" in text
    report = loaded(tmp_path / "report.json")
    assert {o["outcome"] for o in report["operations"]} == {"done"}
    sent = [entry for entry in kinde.log() if entry["kind"] == "api"]
    assert report["requests"] == {"read": len(sent) - writes(kinde), "write": writes(kinde), "total": len(sent)}

    assert json.loads(expect(cli("apply", "--json"), 0))["summary"]["create"] == 1
    assert json.loads(expect(cli("plan", "--json"), 0))["outcome"] == "no changes"

    for number in range(1, 9):
        company.change(number, status="Left")
    assert "max_leavers (10%): 8 people would lose access" in expect(cli("plan", "--out", "plan.json"), 3)
    plan = loaded(tmp_path / "plan.json")
    assert plan["outcome"] == "blocked"
    kinde.clear_log()
    assert "Blocked. Nothing was written." in expect(cli("apply", "--approve", "0" * 64), 3)
    assert writes(kinde) == 0
    expect(cli("apply", "--approve", plan["hash"], "--plan", "plan.json", "--report", "report.csv"), 0)
    with (tmp_path / "report.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [(line["id"], line["kind"], line["outcome"]) for line in table] == [
        (f"E{number}", "suspend", "done") for number in range(1, 9)
    ]


def test_some_people_some_kinds_at_some_moment(cli: Cli, kinde: Emulator) -> None:
    moment = "2026-03-02T12:00:00Z"
    done = cli("apply", "--id", "E1", "E2", "--only", "create", "--now", moment, "--json")
    report = json.loads(expect(done, 0))
    assert [(o["id"], o["kind"]) for o in report["operations"]] == [("E1", "create"), ("E2", "create")]
    assert report["created_at"] == moment
    assert len([user for user in kinde.state()["users"] if user["provided_id"]]) == 2
    text = expect(cli("explain", "--id", "E1"), 2)
    assert [word for word in ("row 2 of", "mapping", "match", "action", "give role") if word not in text] == []
    kinde.clear_log()
    for arguments, words in (
        (("--now", "tomorrow"), "not a moment in ISO 8601: 'tomorrow'"),
        (("--only", "explode"), "no such kind of change: explode"),
        (("--report", "no/folder/report.json"), "could not be written: no folder"),
        (("--plan", "hr.yaml"), "the plan file hr.yaml cannot be read"),
    ):
        done = cli("apply", *arguments)
        expect(done, 1)
        assert words in done.stderr
    assert writes(kinde) == 0


BAD_SPECS = [
    ("absent: hold\nleavers: {}", "leavers", "unknown key; did you mean leaver?"),
    ('scope: "{{ row.team == }}"', "scope", "not a valid expression"),
    ("absent: delete", "absent", "one of suspend, remove, hold is expected"),
    ("keep: [{email: a@x.com, organization: its}]", "keep[0].organization", "'its' is not an alias in organizations"),
    ("guards: {max_leavers: 110%}", "guards.max_leavers", "a share from 0% to 100%"),
]


@pytest.mark.parametrize(("text", "key", "words"), BAD_SPECS, ids=[key for _, key, _ in BAD_SPECS])
def test_a_wrong_spec_is_told_with_file_line_and_key(
    cli: Cli, company: Company, kinde: Emulator, text: str, key: str, words: str
) -> None:
    lines = company.spec.read_text().rstrip().count("\n") + 1
    company.spec.write_text(company.spec.read_text().rstrip() + "\n" + text + "\n")
    where = f"hr.yaml:{lines + 1 + text.count(chr(10))}: {key}: "
    done = cli("apply")
    expect(done, 1)
    assert where in done.stderr
    assert words in done.stderr
    assert kinde.log() == []


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        (
            "row.team == 'IT'",
            "row.department == 'IT'",
            3,
            "no column 'department', which memberships[0].when",
        ),
        ("roles: [engineer]", "roles: [enginer]", 1, "Kinde has no role with the key 'enginer'"),
        ("{name: HR}", "{name: Human Resources}", 1, "Kinde has no organization with the name 'Human Resources'"),
        ("people.csv", "nobody.csv", 1, "there is no file"),
    ],
)
def test_unknown_columns_roles_and_organizations_stop_the_command(
    cli: Cli, company: Company, kinde: Emulator, old: str, new: str, code: int, words: str
) -> None:
    company.spec.write_text(company.spec.read_text().replace(old, new))
    done = cli("apply")
    expect(done, code)
    assert words in done.stdout + done.stderr
    assert writes(kinde) == 0


@pytest.mark.parametrize(("text", "words"), [("", "is empty"), (HEADER + row(1), "incomplete")])
def test_a_file_that_cannot_be_whole_blocks(cli: Cli, company: Company, kinde: Emulator, text: str, words: str) -> None:
    (company.folder / "people.csv").write_text(text)
    done = cli("apply", "--report", "report.json")
    assert words in expect(done, 3)
    report = loaded(company.folder / "report.json")
    assert (report["outcome"], report["requests"]["total"], kinde.log()) == ("blocked", 0, [])


def test_an_approval_without_a_hash_is_refused(cli: Cli, kinde: Emulator) -> None:
    before = writes(kinde)
    done = cli("apply", "--approve", "")
    expect(done, 2)
    assert "expected the hash of a plan, got an empty text" in done.stderr
    assert writes(kinde) == before


def test_connections_that_do_not_work(cli: Cli, kinde: Emulator) -> None:
    connections = {
        "AIRFLOW_CONN_WITHOUT": connection(kinde, password=""),
        "AIRFLOW_CONN_WRONG": connection(kinde, password="not-the-secret"),
        "AIRFLOW_CONN_DEAD": connection(kinde, host="http://127.0.0.1:9"),
    }
    for conn_id, words in (
        ("missing", "there is no Airflow connection 'missing'. Correct the id, or add the connection: `airflow conn"),
        ("without", "Connection 'without' has no password (Client secret)"),
        ("wrong", "invalid_client"),
        ("dead", "cannot connect to 127.0.0.1:9"),
    ):
        began = time.monotonic()
        done = cli("apply", "--conn", conn_id, **connections)
        expect(done, 1)
        assert words in done.stderr
        assert "not-the-secret" not in done.stderr
        assert time.monotonic() - began < 60
    assert writes(kinde) == 0


def test_a_connection_that_is_no_json_is_named_without_its_secret(cli: Cli, kinde: Emulator) -> None:
    done = cli("plan", "--conn", "broken", AIRFLOW_CONN_BROKEN='{"conn_type": "kinde", "password": "s3cret"')
    expect(done, 1)
    assert "the environment variable AIRFLOW_CONN_BROKEN is not valid JSON: Expecting ',' delimiter" in done.stderr
    assert "s3cret" not in done.stderr


def test_an_approval_of_nobody_is_wrong_usage(cli: Cli, kinde: Emulator) -> None:
    for name in ("plan", "apply"):
        done = cli(name, "--approve-protected", "E1", "E77")
        expect(done, 2)
        named = "--approve-protected (approve_protected) names 'E77' (did you mean E7?): no HR row and no account"
        assert named in done.stderr
    assert writes(kinde) == 0


def next_command(text: str) -> list[str]:
    """The arguments of the command that the output says comes next."""
    (line,) = [line for line in text.splitlines() if line.startswith("Next: ")]
    words = shlex.split(line)
    assert words[1:4] == ["python", "-m", "airflow_provider_kinde"]
    return words[4:]


def test_the_next_step_is_a_complete_command(command: Cli, cli: Cli, company: Company, kinde: Emulator) -> None:
    moment = "2026-11-27T12:00:00Z"
    planned = expect(cli("plan", "--out", "my plan.json", "--now", moment), 2)
    assert next_command(planned)[:3] == ["apply", "--spec", "hr.yaml"]
    expect(command(*next_command(planned)), 0)
    company.rows.pop(12)
    for number in range(1, 9):
        company.change(number, status="Left")
    stopped = expect(cli("plan", "--now", moment), 3)
    expect(command(*next_command(stopped), "--report", "report.json"), 0)
    undo = expect(cli("undo", "--report", "report.json", "--out", "undo.json"), 2)
    assert "\nundo.json: the plan; undo.html: the same as a page\n" in undo
    undo = expect(cli("undo", "--report", "report.json"), 2)
    assert next_command(undo) == ["undo", "--spec", "hr.yaml", "--report", "report.json", "--apply"]
    expect(command(*next_command(undo)), 0)
    again = expect(cli("undo", "--report", "report.json"), 0)
    assert "already: has access" in again
    assert "Next:" not in again


def test_progress_begins_at_once_on_standard_error(cli: Cli, kinde: Emulator) -> None:
    done = cli("plan")
    expect(done, 2)
    lines = done.stderr.splitlines()
    assert lines[0] == "reading hr.yaml …"
    assert "reading HR … 12 rows" in lines
    assert lines.index("reading HR … 12 rows") < next(n for n, line in enumerate(lines) if "reading Kinde" in line)
    assert "…" not in done.stdout


def test_versions_and_a_person_by_address(cli: Cli, command: Cli, kinde: Emulator) -> None:
    assert expect(cli("explain", "--email", "Mail-3@example.com"), 2).startswith("E3  in small-hr")
    kinde.seed({"users": [{"email": "ghost@elsewhere.org"}]})
    assert "(enabled) has it: no sync manages it" in expect(cli("explain", "--email", "ghost@elsewhere.org"), 0)
    done = cli("explain", "--email", "nobody@example.com")
    expect(done, 1)
    assert "no HR row has it, and Kinde finds no account with it" in done.stderr
    told = subprocess.run(
        [sys.executable, "-m", "airflow_provider_kinde", "--version"], capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith("airflow-provider-kinde 0.")


READS = ("read:users", "read:roles", "read:organizations", "read:organization_users")


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A Kinde whose application may create people, but give them nothing."""
    with Emulator(settings=Settings(scopes=(*READS, "create:users"))) as emulator:
        seeded(emulator)
        monkeypatch.setenv("AIRFLOW_CONN_KINDE_SMALL", connection(emulator))
        yield emulator


def test_a_missing_scope_is_told_before_any_write(cli: Cli, narrow: Emulator) -> None:
    done = cli("apply")
    expect(done, 1)
    assert "does not have: update:organization_users" in done.stderr
    assert done.stderr.count("nothing was written") == 1
    assert next_command(done.stderr) == ["doctor", "--spec", "hr.yaml"]
    assert writes(narrow) == 0


@pytest.mark.parametrize("name", ["plan", "apply"])
def test_a_refusal_to_read_leads_to_doctor(cli: Cli, narrow: Emulator, name: str) -> None:
    narrow.set(scopes=("read:users",))
    done = cli(name)
    expect(done, 1)
    assert re.search(r"^error: .*enable the scope read:.*; nothing was written$", done.stderr, re.M)
    assert next_command(done.stderr) == ["doctor", "--spec", "hr.yaml"]


@pytest.mark.parametrize("redact", [(), ("--redact",)], ids=["whole", "redacted"])
def test_writes_that_kinde_refuses_name_the_scope_and_lead_to_doctor(
    cli: Cli, company: Company, kinde: Emulator, redact: tuple[str, ...]
) -> None:
    kinde.fault("POST", "/api/v1/user$", status=403, times=None)
    done = cli("apply", *redact)
    said = expect(done, 1)
    assert "The Kinde application lacks 1 scope: create:users. Enable them under APIs, then run again." in said
    assert "it does only that" not in said
    assert next_command(said) == ["doctor", "--spec", "hr.yaml"]


def test_release_relink_and_undo(cli: Cli, company: Company, kinde: Emulator, tmp_path: Path) -> None:
    expect(cli("apply"), 0)
    company.change(1, status="Left")
    company.change(2, status="Left")
    expect(cli("apply", "--report", "report.json"), 0)
    company.change(13, email="mail-1@example.com")
    company.change(14, email="mail-2@example.com", given="Firstname2", family="Lastname2")
    before = writes(kinde)
    done = cli("relink", "--from", "E2", "--to", "E3")
    expect(done, 1)
    assert ("E3 already has an account" in done.stderr, writes(kinde)) == (True, before)
    assert "mail-1@example.com is free" in expect(cli("release", "--id", "E1"), 0)
    text = expect(cli("relink", "--from", "E2", "--to", "E14"), 0)
    assert "small-hr:E2~left=" in text
    assert "enable" in text
    expect(cli("apply"), 0)
    owners = {user["email"]: user["provided_id"] for user in kinde.state()["users"]}
    assert (owners["mail-1@example.com"], owners["mail-2@example.com"]) == ("small-hr:E13", "small-hr:E14")

    before = writes(kinde)
    document = json.loads(expect(cli("undo", "--report", "report.json", "--out", "undo.json", "--json"), 2))
    assert loaded(tmp_path / "undo.json") == document
    page = (tmp_path / "undo.html").read_text(encoding="utf-8")
    assert "Undo · small-hr" in page
    assert "<h1>1 person would join.</h1>" in page
    assert "The next scheduled sync will do again" in page
    assert "Left as it is" in page
    assert [(o["id"], o["kind"]) for o in document["operations"]] == [("E1", "enable")]
    assert [(left["id"], left["reason"][:8]) for left in document["not_undone"]] == [("E2", "changed:")]
    assert writes(kinde) == before
    text = expect(cli("undo", "--report", "report.json", "--apply"), 0)
    assert "The next scheduled sync will do again" in text
    for arguments, words in (
        (("--report", "none.json"), "the report file none.json cannot be read"),
        (("--report", "report.json", "--approve", "0" * 64), "--approve needs --apply"),
    ):
        done = cli("undo", *arguments)
        expect(done, 1)
        assert words in done.stderr


def test_a_draft_that_validates(cli: Cli, company: Company) -> None:
    expect(cli("init", "--from", "people.csv", "--out", "draft.yaml"), 0)
    assert "draft.yaml: valid. people: file source" in expect(cli("validate", "--spec", "draft.yaml"), 0)
    assert json.loads(expect(cli("schema"), 0))["title"] == "Kinde sync"


def test_a_draft_of_the_tenant_validates_and_only_reads(cli: Cli, company: Company, kinde: Emulator) -> None:
    before = writes(kinde)
    done = cli("init", "--from", "people.csv", "--conn", "kinde_small", "--out", "draft.yaml")
    expect(done, 0)
    assert "draft.yaml: valid" in expect(cli("validate", "--spec", "draft.yaml"), 0)
    assert writes(kinde) == before
    done = cli("init", "--from", "people.csv", "--conn", "no_such_connection")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no_such_connection" in done.stderr


@pytest.mark.parametrize("redirection", [">&-", "| head -c 1", "> /dev/full"])
def test_a_reader_that_is_gone_changes_no_exit_code_and_leaves_no_traceback(tmp_path: Path, redirection: str) -> None:
    shell = f"set -o pipefail; {sys.executable} -m airflow_provider_kinde schema {redirection}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


@pytest.mark.parametrize("place", ["/dev/null", "fifo"])
def test_a_report_is_written_to_a_regular_file_only(tmp_path: Path, place: str) -> None:
    path = tmp_path / "fifo" if place == "fifo" else Path(place)
    if place == "fifo":
        os.mkfifo(path)
    with pytest.raises(SyncError, match="not a regular file"):
        check_writable(str(path))
    assert not path.is_file()


@pytest.mark.parametrize("arguments", [("apply", "--report"), ("undo", "--report", "report.json", "--apply", "--out")])
def test_a_place_that_cannot_be_written_stops_before_the_first_request(
    cli: Cli, company: Company, kinde: Emulator, arguments: tuple[str, ...]
) -> None:
    (company.folder / "report.json").write_text("{}")
    kinde.clear_log()
    done = cli(*arguments, "/dev/null/report.json")
    assert (done.returncode, "/dev/null/report.json" in done.stderr, kinde.log()) == (1, True, [])


def test_guards_count_removals_of_earlier_runs_from_the_reports_beside(
    cli: Cli, company: Company, kinde: Emulator
) -> None:
    company.spec.write_text(company.spec.read_text() + "guards: {max_membership_removals: 2}\n")
    for number in range(1, 13):
        company.change(number, team="HR")
    expect(cli("apply", "--report", "report.json"), 0)
    for number in (1, 2):
        company.change(number, team="Lost")
    expect(cli("apply", "--report", "report.json"), 0)
    company.change(3, team="Lost")
    text = expect(cli("apply", "--report", "report.json"), 3)
    assert "3 memberships of 'hr' would be removed (2 of them in earlier runs, since yesterday)" in text


def test_without_home_in_the_c_locale_and_with_standard_output_closed(
    company: Company, kinde: Emulator, tmp_path: Path
) -> None:
    company.spec.write_text("# Müller & Søn, 北京\n" + company.spec.read_text(encoding="utf-8"), encoding="utf-8")
    company.change(1, given="Zoë")
    kept = ("PATH", "PYTHONPATH", "VIRTUAL_ENV")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    env |= {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW")}
    env |= {"AIRFLOW_HOME": str(tmp_path / "home"), "LANG": "C", "LC_ALL": "C"}
    words = ["-m", "airflow_provider_kinde", "apply", "--spec", "hr.yaml", "--report", "report.json"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, *words],
        cwd=tmp_path,
        env=env,
        stderr=subprocess.PIPE,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert loaded(tmp_path / "report.json")["outcome"] == "changes"
    assert "Zoë" in {user["first_name"] for user in kinde.state()["users"]}
    if not AIRFLOW_3:
        return
    env |= {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # Airflow 3 itself cannot be loaded then
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, env=env, stderr=subprocess.PIPE, check=False, timeout=120
    )
    assert done.returncode == 1
    assert b"\nerror: Airflow cannot be loaded in a locale whose encoding is " in done.stderr


def test_creations_as_files_for_kindes_own_import(cli: Cli, company: Company, kinde: Emulator, tmp_path: Path) -> None:
    before = writes(kinde)
    created = json.loads(expect(cli("plan", "--json"), 2))["summary"]["create"]
    assert created == 12
    text = expect(cli("plan", "--import-file", "load"), 2)
    assert "1 file for Kinde's import in load: 12 people." in text
    assert "In Kinde: Users, Import users, Custom NDJSON" in text
    file = tmp_path / "load" / "users-001.ndjson"
    assert (stat.S_IMODE(file.stat().st_mode), [f.name for f in file.parent.iterdir()]) == (0o600, [file.name])
    assert len(file.read_text().splitlines()) == created
    assert kinde.import_users(file.read_text())["imported"] == created
    assert json.loads(expect(cli("plan", "--json"), 2))["summary"]["create"] == 0
    for arguments, words in (
        (("--import-file", "load"), "load holds users-001.ndjson of an earlier plan"),
        (("--import-file", "load", "--redact"), "leave one of them out"),
        (("--import-file", "no/such"), "could not be used: No such file"),
        (("--import-file", "load", "--against", "hr.yaml"), "leave one of them out"),
    ):
        done = cli("plan", *arguments)
        expect(done, 1)
        assert words in done.stderr
    (company.folder / "people.csv").write_text(HEADER)
    done = cli("plan", "--import-file", "other", "--json")
    expect(done, 3)
    assert "No import file was written: the plan is blocked." in done.stderr
    assert json.loads(done.stdout)["blocked"]
    assert list((tmp_path / "other").iterdir()) == []
    assert writes(kinde) == before
