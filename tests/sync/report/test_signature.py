"""Plans and reports are signed: an edited file, and one of another client secret, is refused, with the reason."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.changes import plan_hash
from airflow_provider_kinde.sync.repair.undo import make_undo
from airflow_provider_kinde.sync.report.plan_file import PlanFile, lines, parse_operation
from airflow_provider_kinde.sync.report.redaction import redact_plan
from tests.support.world import NOW, SPEC, World, people, person

ROWS = [person(1, dept="Eng"), person(2, "Zoë \ud83d"), person(3, "2", "1e5")]
Document = dict[str, Any]


def stored(document: Document) -> Document:
    found: Document = json.loads(json.dumps(document))
    return found


def first(document: Document, **values: Any) -> Document:
    """The file with other values in its first operation, and with the hash that belongs to it."""
    operations = [{**document["operations"][0], **values}, *document["operations"][1:]]
    digests = sorted(parse_operation(entry, "digest" in entry).digest for entry in operations)
    return {**document, "operations": operations, "hash": plan_hash(document["host"], document["spec"], digests)}


EDITS: dict[str, Callable[[Document], Document]] = {
    "a value": lambda file: first(file, after={"email": "evil@example.com"}),
    "a role": lambda file: first(file, kind="add_role", alias="eng", role="owner"),
    "a reason": lambda file: first(file, reason="all is well"),
    "the day": lambda file: {**file, "created_at": "2026-03-02T12:00:01Z"},
    "the order": lambda file: {**file, "operations": file["operations"][::-1]},
    "one left out": lambda file: {**file, "operations": file["operations"][1:]},
    "one more key": lambda file: {**file, "approved": True},
    "the signature": lambda file: {**file, "signature": file["signature"][:-1]},
}


@pytest.mark.parametrize("redacted", [False, True])
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_plan_is_refused(world: World, edit: Callable[[Document], Document], redacted: bool) -> None:
    plan = world.plan(ROWS)
    file = stored((redact_plan(plan) if redacted else plan).to_json())
    with pytest.raises(SyncError, match="the plan file was changed: its signature"):
        world.apply(ROWS, plan_file=edit(file))
    assert world.writes() == []
    assert world.apply(ROWS, plan_file=file).outcome == "changes"


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_report_is_not_undone(world: World, edit: Callable[[Document], Document]) -> None:
    file = stored(world.apply(people(3)).to_json())
    with pytest.raises(SyncError, match="the report was changed: its signature"):
        make_undo(world.spec(), world.client, edit(file), now=NOW)
    assert make_undo(world.spec(), world.client, file, now=NOW).plan.summary["suspend"] == 3


def test_another_secret_or_no_signature_is_told(world: World) -> None:
    plan, report = stored(world.plan(ROWS).to_json()), stored(world.apply(people(3)).to_json())
    world.kinde.set(client_secret="rotated")
    with KindeClient(world.kinde.url, world.kinde.client_id, "rotated") as world.client:
        uses: tuple[tuple[Document, str, Callable[[Document], Any]], ...] = (
            (plan, "the plan file", lambda file: world.apply(ROWS, plan_file=file)),
            (report, "the report", lambda file: make_undo(world.spec(), world.client, file, now=NOW)),
        )
        for file, words, use in uses:
            bare = {key: value for key, value in file.items() if key != "signature"}
            for document, reason in ((file, "was signed with another client secret"), (bare, "has no signature")):
                with pytest.raises(SyncError, match=f"{words} {reason}"):
                    use(document)


@pytest.mark.parametrize("indent", [None, 2], ids=["as it was written", "in another layout"])
def test_a_file_that_is_read_piece_by_piece_has_the_same_signature(world: World, indent: int | None) -> None:
    plan = world.plan(ROWS)
    text = "".join(lines(plan.document()))
    if indent:
        text = json.dumps(json.loads(text), indent=indent)
    assert json.loads(text)["signature"] == plan.to_json()["signature"]
    assert world.apply(ROWS, plan_file=PlanFile.read(lambda: io.StringIO(text))).outcome == "changes"


def test_a_report_is_no_plan(world: World) -> None:
    text = "".join(lines(world.apply(ROWS).document()))
    world.kinde.clear_log()
    with pytest.raises(SyncError, match="this file is a report, not a plan"):
        world.apply(ROWS, plan_file=PlanFile.read(lambda: io.StringIO(text)))
    assert not world.writes()


def test_the_signature_tells_nothing_of_the_secret_and_differs_from_tenant_to_tenant_by_it(world: World) -> None:
    first, second = (KindeClient(world.kinde.url, "id", secret) for secret in ("a", "b"))
    assert first.sign(b"x") == KindeClient(world.kinde.url, "other", "a").sign(b"x")
    assert len({first.sign(b"x"), second.sign(b"x"), first.sign(b"y")}) == 3


def test_undo_gives_no_role_that_the_spec_does_not_name(world: World) -> None:
    wide = SPEC + "retired: {roles: [lead]}\nguards: {max_role_removals: 100}\n"
    rows = people(20, dept="Eng")
    world.apply(rows, wide)
    world.kinde.seed({"users": [{"email": "p1@example.com", "memberships": {"Engineering": ["engineer", "lead"]}}]})
    report = stored(world.apply(rows, wide).to_json())
    assert report["summary"]["remove_role"] == 1
    (left,) = make_undo(world.spec(), world.client, report, now=NOW).left
    assert left.reason == "final: the spec does not name this role"
    assert make_undo(world.spec(wide), world.client, report, now=NOW).plan.summary["add_role"] == 1


def test_undo_changes_no_organization_that_the_alias_leads_to_now(world: World) -> None:
    report = stored(world.apply(people(3, dept="Eng")).to_json())
    assert report["organizations"] == {"eng": world.code("Engineering")}
    world.kinde.seed({"organizations": [{"name": "Owners"}]})
    moved = people(3, dept="Eng")
    moved[0]["dept"] = "Other"
    report = stored(world.apply(moved).to_json())
    found = make_undo(world.spec(SPEC.replace("Engineering", "Owners")), world.client, report, now=NOW)
    assert found.plan.operations == []
    (left,) = found.left
    old, new = world.code("Engineering"), world.code("Owners")
    assert left.reason == f"changed: 'eng' is {new} now, and that run changed {old}; undo it in Kinde"
    again = make_undo(world.spec(), world.client, report, now=NOW)
    assert [o.kind for o in again.plan.operations] == ["add_membership", "add_role"]
