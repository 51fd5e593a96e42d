"""Plans and reports without names and addresses: nothing of a person but the HR id, and good for the same things."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.cli import connection
from airflow_provider_kinde.cli.main import main
from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.storage import run_files
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.repair.undo import make_undo
from airflow_provider_kinde.sync.report.approval_text import approval_text
from airflow_provider_kinde.sync.report.page import file_page, report_page
from airflow_provider_kinde.sync.report.plan_file import PlanFile
from airflow_provider_kinde.sync.report.redaction import MARK, redact_file, redact_plan, redact_report
from airflow_provider_kinde.sync.report.table import csv_lines
from airflow_provider_kinde.sync.report.text import plan_text, report_text
from tests.support.world import NOW, SPEC, World, people, person

WITH_TITLE = SPEC.replace("employment:", '  properties: {kp_usr_job_title: "{{ row.title }}"}\nemployment:')
TELLING = ("zaphod", "trillian", "beeblebrox", "mcmillan", "example.com", "example.org", "president", "pilot")
LATER = "2026-03-03T12:00:00Z"


def row(id: int, **columns: Any) -> dict[str, Any]:
    return person(id, f"Zaphod{id}", "Beeblebrox", title="President", **columns)


ROWS = [row(number, dept="Eng") for number in range(1, 41)]
TROUBLE = [
    row(1, dept="Eng", status="Terminated"),
    row(2, dept="Sales"),
    row(3, dept="Eng", email="trillian@example.org"),
    {**row(4, dept="Eng"), "first": "Trillian", "last": "McMillan", "title": "Pilot"},
    row(5, dept="Eng", email="Zaphod Beeblebrox"),
    row(6, dept="Eng", status="Mr Beeblebrox"),
    row(7, dept="Eng", email="p8@example.com"),
    *ROWS[7:],
    row(41),
]
"""Everything that can become of somebody, and every way in which a message quotes who that is."""


@pytest.fixture
def settled(world: World) -> World:
    world.kinde.seed({"properties": ["kp_usr_job_title"]})
    world.kinde.seed({"users": [{"email": "p41@example.com", "first_name": "Zaphod", "is_confirmed": True}]})
    assert world.apply(ROWS, WITH_TITLE).outcome == "changes"
    return world


def names_nobody(*texts: str) -> None:
    for text in texts:
        assert not [word for word in TELLING if word in text.lower()], text


def test_a_redacted_plan_holds_no_names_and_has_the_same_hash(settled: World) -> None:
    plan = settled.plan(TROUBLE, WITH_TITLE)
    assert {"suspend", "rename", "update", "adopt", "add_membership"} <= {o.kind for o in plan.operations}
    assert len(plan.rejected) == 2
    assert plan.held
    redacted = redact_plan(plan)
    assert redacted.hash == plan.hash
    assert redacted.summary == plan.summary
    document = redacted.to_json()
    assert document["redacted"] is True
    asked = approval_text(PlanFile.of(document), [b.reason for b in redacted.blocked], "/plan.json", names=True)
    names_nobody(json.dumps(document), plan_text(redacted), *asked)
    again = redact_file(PlanFile.of(plan.to_json()))
    names_nobody("".join(file_page(again)))
    ids = {o.id for o in plan.operations} | {held.id for held in plan.held}
    assert {entry["id"] for part in ("operations", "held") for entry in document[part]} == ids
    (update,) = (entry for entry in document["operations"] if entry["kind"] == "update")
    assert update["after"] == {"given_name": MARK, "family_name": MARK, "properties": {"kp_usr_job_title": MARK}}
    (suspend,) = (entry for entry in document["operations"] if entry["kind"] == "suspend")
    assert suspend["after"] == {"suspended": True}
    assert "p1@example.com" in json.dumps(settled.plan(TROUBLE, WITH_TITLE).to_json())


def test_a_redacted_report_holds_no_names_from_errors_of_kinde(settled: World) -> None:
    said = "Zaphod4 BEEBLEBROX <p4@example.com>, President, cannot become Trillian McMillan, pilot"
    settled.kinde.fault("PATCH", r"/user\?", status=400, body={"errors": {"code": "NO", "message": said}}, times=None)
    report = settled.apply(TROUBLE, WITH_TITLE)
    assert any("cannot become" in operation.error for operation in report.plan.operations)
    assert "trillian" in json.dumps(report.to_json()).lower()
    redacted = redact_report(report)
    names_nobody(json.dumps(redacted.to_json()), report_text(redacted), "".join(csv_lines(redacted)))
    assert {operation.error for operation in redacted.plan.operations if operation.outcome == "failed"} == {
        f"PATCH /api/v1/user: {MARK} (HTTP 400, NO)"
    }
    assert redacted.outcomes == report.outcomes
    table = list(csv.DictReader(csv_lines(redacted)))
    assert [line["id"] for line in table] == [line["id"] for line in csv.DictReader(csv_lines(report))]


def file_of(plan: Any) -> dict[str, Any]:
    return json.loads(json.dumps(redact_plan(plan).to_json()))


def test_a_redacted_plan_is_approved_and_applied_like_any_other(world: World) -> None:
    world.apply(people(20))
    rows = [*people(20, status="Terminated")[:9], *people(20)[9:]]
    plan = world.plan(rows)
    file = file_of(plan)
    assert [block["approvable"] for block in file["blocked"]] == [True]
    world.kinde.clear_log()
    assert world.apply(rows, plan_file=file).outcome == "blocked"
    with pytest.raises(SyncError, match="not that of the plan file"):
        world.apply(rows, plan_file=file, approve="0" * 64)
    assert world.writes() == []
    # One of the nine came back meanwhile, and somebody else left: neither is done.
    moved = [rows[9] | {"status": "Terminated"} if n == 9 else row for n, row in enumerate(rows)]
    moved[0] = people(20)[0]
    report = world.apply(moved, plan_file=file, approve=plan.hash)
    assert report.outcome == "changes"
    suspended = {email for email, user in world.users().items() if user["is_suspended"]}
    assert suspended == {f"p{number}@example.com" for number in range(2, 10)}
    assert [one.text for one in report.changed_since_plan] == [
        "no longer stands: suspend 1",
        "new, not done: suspend 10",
    ]


def test_a_plan_file_that_leaves_out_what_is_new_does_not_say_that_kinde_agrees(world: World) -> None:
    world.apply(people(20))
    file = file_of(world.plan(people(20)))
    report = world.apply([person(1, status="Terminated"), *people(20)[1:]], plan_file=file)
    (since,) = report.changed_since_plan
    assert (report.outcome, since.text) == ("no changes", "new, not done: suspend 1")
    assert since.who == "Given1 Doe <p1@example.com>"
    assert "Doe" not in json.dumps(redact_report(report).to_json())
    said, shown = report_text(report), "".join(report_page(report))
    assert "No changes. 1 change is new since the plan and was not made: plan again." in said
    assert "No changes; what is new since the plan was not made: plan again." in shown
    assert "agrees" not in said + shown


def test_a_value_that_changed_since_is_not_what_was_approved(world: World) -> None:
    world.apply(people(20))
    file = file_of(world.plan([person(1, email="new@example.com"), *people(20)[1:]]))
    report = world.apply([person(1, email="evil@example.com"), *people(20)[1:]], plan_file=file, approve=file["hash"])
    assert report.plan.operations == []
    assert "evil@example.com" not in world.users()


def test_a_redacted_file_that_was_changed_is_refused(world: World) -> None:
    world.apply(people(20))
    rows = [person(1, status="Terminated"), person(2, "Other"), *people(20)[2:]]
    file = file_of(world.plan(rows))
    first, second = file["operations"]
    swapped = [{**first, "digest": second["digest"]}, {**second, "digest": first["digest"]}]
    world.kinde.clear_log()
    for changed, message in (
        ({"operations": [first]}, "changed"),
        ({"operations": [first, {**second, "digest": "0" * 64}]}, "changed"),
        ({"operations": swapped}, "does not match its content"),
        ({"operations": [{**first, "id": "3"}, second]}, "does not match its content"),
        ({"redacted": False}, "changed"),
        ({"operations": [{"id": "1", "kind": "suspend"}]}, "not a plan file"),
        ({"operations": [{**first, "digest": {}}, second]}, "changed"),
    ):
        with pytest.raises(SyncError, match=message):
            world.apply(rows, plan_file=world.sign({**file, **changed}), approve=file["hash"])
        with pytest.raises(SyncError, match=r"its signature|not a plan file"):
            world.apply(rows, plan_file={**file, **changed}, approve=file["hash"])
    assert world.writes() == []


def test_a_redacted_report_cannot_be_undone_and_says_so(world: World) -> None:
    report = redact_report(world.apply(people(3)))
    with pytest.raises(SyncError, match="the report is redacted"):
        make_undo(SyncSpec.parse(SPEC), world.client, report.to_json(), now=LATER)


def test_names_of_organizations_are_not_redacted(world: World) -> None:
    spec = SPEC.replace("sales: {name: Sales}", "sales: {name: Trading, create: true}")
    plan = redact_plan(world.plan(people(1), spec))
    assert plan.to_json()["operations"][0]["after"] == {"name": "Trading", "external_id": "hr:sales"}
    assert world.apply(people(1), spec, plan_file=plan.to_json()).outcome == "changes"


def test_the_command_line_shows_and_writes_it_redacted(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row(number) for number in range(1, 4)] + [row(4, email="Zaphod Beeblebrox")]
    (tmp_path / "hr.yaml").write_text(
        SPEC.replace("may_be_empty: [", "guards: {max_rejected_rows: 1}\nmay_be_empty: [")
    )
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    (tmp_path / "hr.csv").write_text("\n".join(lines) + "\n")

    def connect(conn_id: str) -> KindeClient:
        return KindeClient(world.kinde.url, world.kinde.client_id, world.kinde.client_secret)

    monkeypatch.setattr(connection, "open_connection", connect)
    monkeypatch.setattr(run_files, "default_path", lambda: str(tmp_path / "storage"))
    plan, report, table = (tmp_path / name for name in ("plan.json", "report.json", "report.csv"))
    common = ["--spec", str(tmp_path / "hr.yaml"), "--now", NOW]
    assert main(["plan", *common, "--out", str(plan), "--redact"]) == 2
    assert main(["plan", *common, "--json", "--redact"]) == 2
    assert main(["apply", *common, "--plan", str(plan), "--report", str(report), "--redact"]) == 0
    assert main(["apply", *common, "--report", str(table), "--redact"]) == 0
    assert len(world.users()) == 3
    names_nobody(plan.read_text(), report.read_text(), table.read_text(), *capsys.readouterr())
    assert json.loads(report.read_text())["outcome"] == "changes"
