"""An HR id that was mistyped: every command says so, and names the ids that look like it."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.exceptions import SyncError, UnknownIdsError
from airflow_provider_kinde.sync.person.as_test import as_test
from airflow_provider_kinde.sync.person.explain import explain
from airflow_provider_kinde.sync.person.forms import FormRefused
from airflow_provider_kinde.sync.person.offboard import Leaver, offboard
from airflow_provider_kinde.sync.plan.run_request import as_source, moment
from airflow_provider_kinde.sync.repair.release import release
from airflow_provider_kinde.sync.repair.relink import relink
from airflow_provider_kinde.sync.repair.undo import make_undo
from airflow_provider_kinde.sync.report.text import plan_text, report_text
from tests.support.world import NOW, World, person

ROWS = [person("00120"), person("00121"), person("E-3377"), person("M10045")]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("120", "00120"), ("e3377", "E-3377"), ("M10054", "M10045"), ("0120", "00120"), ("99999", ""), ("7", "")],
)
def test_plan_apply_and_explain_say_what_was_asked_for_and_suggest(world: World, typed: str, meant: str) -> None:
    world.apply(ROWS[:3])
    near = f" (did you mean {meant}?)" if meant else ""
    line = f"id {typed}: no HR row and no account of this sync has it{near}"
    plan = world.plan(ROWS, ids=[typed])
    assert plan.warnings == [line]
    said = f"No changes for this selection: id {typed}. I{line[1:]}".rstrip(".")
    assert said in plan_text(plan)
    assert said in report_text(world.apply(ROWS, ids=[typed]))
    text, _ = explain(world.spec(), ROWS, world.client, typed, now=NOW)
    assert f"has this id{near}" in text
    assert "nothing: no HR row and no account of this sync has this id" in text
    with pytest.raises(SyncError) as refused:
        as_test(world.spec(), as_source(ROWS), typed, moment(NOW))
    assert ("did you mean" in str(refused.value)) is bool(meant)


def test_offboard_release_and_relink_suggest(world: World) -> None:
    world.apply(ROWS)
    with pytest.raises(FormRefused, match="did you mean 00120"):
        offboard(world.spec(), ROWS, world.client, Leaver(id="120"), now=NOW, tell=lambda *_: None)
    with pytest.raises(SyncError, match="did you mean 00120"):
        release(world.spec(), world.client, "120")
    with pytest.raises(SyncError, match="did you mean E-3377"):
        relink(world.spec(), ROWS, world.client, "00120", "e3377", now=NOW)
    done = relink(world.spec(), ROWS, world.client, "120", "00121", now=NOW)
    assert "no account carries the link of 120 (did you mean 00120?)" in done.text()


def test_an_approval_that_concerns_no_person_of_the_command_is_refused(world: World) -> None:
    report = world.apply(ROWS).to_json()
    world.kinde.clear_log()
    with pytest.raises(UnknownIdsError, match=r"names 120 \(did you mean 00120\?\): the report says"):
        make_undo(world.spec(), world.client, report, now=NOW, approve_protected=["120"])
    with pytest.raises(UnknownIdsError, match="names '120': this release is about 00120"):
        release(world.spec(), world.client, "00120", approve_protected=["120"])
    with pytest.raises(UnknownIdsError, match="names '00120': this relink is about 00121"):
        relink(world.spec(), ROWS, world.client, "00120", "00121", approve_protected=["00120"], now=NOW)
    with pytest.raises(UnknownIdsError, match=r"names '120' \(did you mean 00120\?\)"):
        world.plan(ROWS, approve_protected=["120"])
    assert world.writes() == []


def test_an_undo_for_an_id_that_is_not_in_the_report_says_so(world: World) -> None:
    report = world.apply(ROWS).to_json()
    found = make_undo(world.spec(), world.client, report, now=NOW, ids=["120"])
    said = "the report says of no such id that something was done: 120 (did you mean 00120?)"
    assert found.plan.warnings == [said]
    assert f"Nothing to undo. T{said[1:]}." in found.text()
