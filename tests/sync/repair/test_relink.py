"""An account handed on to another HR id."""

from __future__ import annotations

import re

import pytest

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.repair.relink import RelinkResult, relink
from tests.support.world import NOW, SPEC, World, people, person


def link(
    world: World, rows: list[dict[str, str]], old: str, new: str, spec: str = SPEC, **options: bool
) -> RelinkResult:
    return relink(world.spec(spec), rows, world.client, old, new, now=NOW, **options)


def rehired(world: World) -> list[dict[str, str]]:
    """Person 1 left, and came back as 21; both are held until they are relinked."""
    rows = people(20, dept="Eng")
    world.apply(rows)
    rows[0] = person(1, dept="Eng", status="Terminated")
    world.apply(rows)
    return [*rows, person(21, "Given1", dept="Eng", email="p1@example.com")]


def test_a_rehire_under_a_new_id_gets_the_old_account_back(world: World) -> None:
    rows = rehired(world)
    held = {held.id for held in world.plan(rows).held}
    assert held == {"1", "21"}
    before = world.users()["p1@example.com"]
    world.kinde.clear_log()
    found = link(world, rows, "1", "21")
    assert (found.written, found.before, found.after) == (True, "hr:1~left=2026-03-02", "hr:21~left=2026-03-02")
    (write,) = world.writes()
    assert (write["method"], write["body"]) == ("PATCH", {"provided_id": "hr:21~left=2026-03-02"})
    assert [o.kind for o in found.plan.operations] == ["enable"]
    assert "enable" in found.text()
    report = world.apply(rows)
    assert report.outcome == "changes"
    assert [(o.id, o.kind) for o in report.plan.operations] == [("21", "enable")]
    after = world.users()["p1@example.com"]
    assert (after["id"], after["provided_id"], after["is_suspended"]) == (before["id"], "hr:21", False)
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"]}
    world.settled(rows)


def test_an_absent_person_is_relinked_too(world: World) -> None:
    world.apply(people(20))
    rows = [*people(20)[1:], person(21, "Given1", email="p1@example.com")]
    assert link(world, rows, "1", "21").written
    world.settled(rows)


def test_relinking_twice_writes_once(world: World) -> None:
    rows = rehired(world)
    link(world, rows, "1", "21")
    world.kinde.clear_log()
    again = link(world, rows, "1", "21")
    assert (again.written, world.writes()) == (False, [])
    assert "already relinked" in again.text()


def test_a_dry_run_shows_the_same_and_writes_nothing(world: World) -> None:
    rows = rehired(world)
    world.kinde.clear_log()
    found = link(world, rows, "1", "21", dry_run=True)
    assert world.writes() == []
    assert "hr:1~left=2026-03-02 -> hr:21~left=2026-03-02" in found.text()
    assert "dry run" in found.text()
    assert [o.kind for o in found.plan.operations] == ["enable"]
    assert link(world, rows, "1", "21").written


def test_the_marks_stay(world: World) -> None:
    world.apply(people(20))
    provided = "hr:1~renaming=identity_1~left=2026-03-01"
    world.client.update_user(world.users()["p1@example.com"]["id"], provided_id=provided, is_suspended=True)
    rows = [*people(20)[1:], person(21, "Given1", email="p1@example.com")]
    link(world, rows, "1", "21")
    assert world.users()["p1@example.com"]["provided_id"] == provided.replace("hr:1~", "hr:21~")


def test_another_name_is_told(world: World) -> None:
    world.apply(people(20))
    rows = [*people(20)[1:], person(21, "Other", "Person", email="p1@example.com")]
    assert "the name in Kinde is 'Given1 Doe', the name in HR is 'Other Person'" in link(world, rows, "1", "21").text()


def test_relink_reports_people_whom_the_next_run_holds(world: World) -> None:
    world.apply(people(20))
    world.client.update_user(world.users()["p1@example.com"]["id"], is_suspended=True)
    rows = [*people(20)[1:], person(21, "Given1", email="p1@example.com")]
    assert "hold: suspended in Kinde by someone else" in link(world, rows, "1", "21").text()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("1", "1", "two different HR ids"),
        ("99", "21", "no Kinde account carries the link hr:99"),
        ("2", "21", "2 still has access according to HR"),
        ("1", "3", "3 already has an account"),
        ("1", "77", "no usable row with the id 77: there is no such row"),
        ("1", "22", "row 21 is rejected (status '???'"),
        ("1", "23", "shares its e-mail address with 24"),
        ("5", "21", "HR still has a row for 5"),
    ],
)
def test_an_impossible_relink_is_refused_without_a_write(world: World, old: str, new: str, words: str) -> None:
    world.apply(people(20))
    rows = [row for row in people(20)[1:] if row["id"] != "5"]
    rows += [person(5, status="???"), person(21, "Given1", email="p1@example.com"), person(22, status="???")]
    rows += [person(23, email="same@example.com"), person(24, email="same@example.com")]
    world.kinde.clear_log()
    with pytest.raises(SyncError, match=re.escape(words)):
        link(world, rows, old, new)
    assert world.writes() == []


def test_an_uncertain_id_could_be_the_old_one(world: World) -> None:
    world.apply(people(20))
    rows = [*people(20)[1:], person(21, "Given1", email="p1@example.com"), person("")]
    with pytest.raises(SyncError, match="it may be the row of 1"):
        link(world, rows, "1", "21")


def test_two_accounts_with_the_old_link_are_refused(world: World) -> None:
    world.kinde.seed({"users": [{"email": f"{n}@example.com", "provided_id": "hr:1"} for n in "ab"]})
    with pytest.raises(SyncError, match="2 Kinde accounts carry the link hr:1"):
        link(world, [person(21)], "1", "21")


def test_a_source_that_cannot_be_relied_on_is_refused(world: World) -> None:
    world.apply(people(20))
    with pytest.raises(SyncError, match="is empty"):
        link(world, [], "1", "21")


def test_the_wrong_tenant_is_refused(world: World) -> None:
    with pytest.raises(SyncError, match="wrong tenant"):
        link(world, people(3), "1", "2", SPEC + "tenant: other.kinde.com\n")


def test_an_unknown_mark_is_refused(world: World) -> None:
    world.kinde.seed({"users": [{"email": "p1@example.com", "provided_id": "hr:1~frozen=1"}]})
    with pytest.raises(SyncError, match="frozen"):
        link(world, [person(21)], "1", "21")


def test_an_id_without_a_row_is_not_suggested_to_itself(world: World) -> None:
    rows = people(20, dept="Eng")
    world.apply(rows)
    gone = rows[1:]
    world.apply(gone)
    with pytest.raises(SyncError, match=r"no usable row with the id 999: there is no such row$"):
        link(world, gone, "1", "999")
