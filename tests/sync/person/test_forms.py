"""The two forms, and the scheduled sync after each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SourceError, SyncError
from airflow_provider_kinde.sync import Report, SyncSpec
from airflow_provider_kinde.sync.person.forms import FormRefused
from airflow_provider_kinde.sync.person.offboard import Leaver, offboard
from airflow_provider_kinde.sync.person.onboard import Joiner, StartsLater, onboard, roles_to_give
from airflow_provider_kinde.sync.report.text import report_text
from tests.support.world import NOW, SPEC, World, people, person

Rows = Sequence[Mapping[str, Any]]
NEW = Joiner("new@example.com", "Nia", "Newman", "eng", ("engineer",))
TODAY = NOW[:10]
SECRETS = ("@example.com", "Nia", "Newman", "Given", "Doe")


class Forms:
    """Fills the forms in; keeps what was said before acting."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.told: list[tuple[str, str]] = []
        self.writes_when_told: list[int] = []

    def onboard(self, rows: Any, joiner: Joiner = NEW, spec: str = SPEC, **options: Any) -> Report:
        at = {"now": NOW, **options}
        return onboard(SyncSpec.parse(spec), rows, self.world.client, joiner, tell=self._tell, **at)

    def offboard(self, rows: Any, leaver: Leaver, spec: str = SPEC, **options: Any) -> Report:
        at = {"now": NOW, **options}
        return offboard(SyncSpec.parse(spec), rows, self.world.client, leaver, tell=self._tell, **at)

    def _tell(self, for_log: str, for_file: str) -> None:
        self.told.append((for_log, for_file))
        self.writes_when_told.append(len(self.world.writes()))
        assert not [word for word in SECRETS if word in for_log]


@pytest.fixture
def forms(world: World) -> Forms:
    return Forms(world)


# -- onboarding -----------------------------------------------------------------------------------------------------


def test_a_person_without_a_row_is_created_and_adopted_when_the_row_appears(world: World, forms: Forms) -> None:
    rows = people(6)
    world.apply(rows)
    world.kinde.clear_log()
    report = forms.onboard(rows)
    assert report.outcome == "changes"
    assert report.requests["write"] == len(world.writes())
    user = world.users()["new@example.com"]
    assert user["provided_id"] == f"hr~onboarded:{TODAY}"
    assert (user["first_name"], user["last_name"]) == ("Nia", "Newman")
    assert world.memberships("new@example.com") == {"Engineering": ["engineer"]}
    world.settled(rows)
    assert world.users()["new@example.com"] == user

    rows.append(person("7", "Nia", "Newman", email="NEW@example.com", dept="Sales"))
    report = world.apply(rows)
    assert (report.outcome, report.plan.summary["adopt"], report.plan.summary["create"]) == ("changes", 1, 0)
    assert world.users()["new@example.com"]["provided_id"] == "hr:7"
    world.settled(rows)
    assert world.memberships("new@example.com") == {"Sales": []}


def test_a_form_sent_twice_writes_once(world: World, forms: Forms) -> None:
    forms.onboard(people(2))
    world.kinde.clear_log()
    report = forms.onboard(people(2), now="2026-03-05T12:00:00Z")
    assert (report.outcome, world.writes()) == ("no changes", [])


def test_a_second_form_adds_and_takes_nothing(world: World, forms: Forms) -> None:
    rows = people(2)
    forms.onboard(rows)
    forms.onboard(rows, Joiner("New@Example.com", "Nia", "Newman-Old", "sales"), now="2026-03-05T12:00:00Z")
    assert world.memberships("new@example.com") == {"Engineering": ["engineer"], "Sales": []}
    user = world.users()["new@example.com"]
    assert (user["last_name"], user["provided_id"]) == ("Newman-Old", f"hr~onboarded:{TODAY}")


def test_the_row_of_hr_outranks_the_form(world: World, forms: Forms) -> None:
    rows = [*people(6), person("7", "Nia", "Newman", email="new@example.com")]
    world.apply(people(6))
    report = forms.onboard(rows)
    assert report.outcome == "changes"
    assert {operation.id for operation in report.plan.operations} == {"7"}
    assert world.users()["new@example.com"]["provided_id"] == "hr:7"
    assert world.memberships("new@example.com") == {"Sales": []}
    world.settled(rows)


def test_an_onboarded_account_is_adopted_by_the_form_too(world: World, forms: Forms) -> None:
    forms.onboard(people(2))
    rows = [*people(2), person("7", "Nia", "Newman", email="new@example.com", dept="Eng")]
    forms.onboard(rows)
    assert world.users()["new@example.com"]["provided_id"] == "hr:7"
    assert len(world.users()) == 1


def test_a_form_explains_its_plan_before_it_writes(world: World, forms: Forms) -> None:
    forms.onboard(people(2))
    rows = [*people(2), person("7", "Nia", "Newman", email="new@example.com")]
    forms.onboard(rows)
    forms.offboard(rows, Leaver(id="7"))
    assert forms.writes_when_told[0] == 0
    by_form, by_hr, leaving = forms.told
    assert "the form decides" in by_form[0]
    assert "create" in by_form[0]
    assert "new@example.com" in by_form[1]
    assert "adopt" in by_hr[0]
    assert "Newman" in by_hr[1]
    assert "the sync holds the account until it does" in leaving[0]
    # HR has no row for the first person, and calls the last one active.
    assert "create: requested in the form" in by_form[0]
    assert "HR says so; the account with this address" in by_hr[0]
    assert "HR says so" not in by_form[0] + leaving[0]
    assert "HR does not agree: the sync holds" in leaving[0]


def test_a_lost_answer_makes_no_second_account(world: World, forms: Forms) -> None:
    world.kinde.fault("POST", "/api/v1/user", drop="after", times=1)
    report = forms.onboard(people(2))
    assert report.outcome == "changes"
    assert [user["provided_id"] for user in world.users().values()] == [f"hr~onboarded:{TODAY}"]
    assert world.memberships("new@example.com") == {"Engineering": ["engineer"]}


def test_a_start_ahead_is_waited_for(world: World, forms: Forms) -> None:
    spec = SPEC.replace("employment:", "joiner: {days_before_start: 2}\nemployment:\n  timezone: Pacific/Auckland")
    later = Joiner("new@example.com", "Nia", "Newman", "eng", start=date(2026, 3, 9))
    with pytest.raises(StartsLater) as caught:
        forms.onboard(people(2), later, spec)
    assert caught.value.begin.in_timezone("UTC").isoformat() == "2026-03-06T11:00:00+00:00"
    assert world.writes() == []
    assert forms.onboard(people(2), later, spec, now=caught.value.begin).outcome == "changes"


def test_a_person_whom_hr_lets_start_later_is_told_to_be_given_nothing_yet(world: World, forms: Forms) -> None:
    rows = [*people(2), person("7", "Nia", "Newman", email="new@example.com", start="2026-03-09")]
    report = forms.onboard(rows)
    assert (report.outcome, world.writes()) == ("no changes", [])
    for_log, for_file = forms.told[0]
    assert "none yet: the person starts later, and the sync gives access on 2026-03-09" in for_file
    assert "none yet: the person starts later, and the sync gives access on the first day that HR has" in for_log
    assert "1 person starts later, on 2026-03-09" in report_text(report)


def test_an_organization_is_made_where_the_spec_says_so(world: World, forms: Forms) -> None:
    spec = SPEC.replace("sales: {name: Sales}", "sales: {name: Sales}\n  ops: {name: Operations, create: true}")
    forms.onboard(people(2), Joiner("new@example.com", "Nia", "Newman", "ops"), spec)
    assert world.memberships("new@example.com") == {"Operations": []}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"email": "new@"}, "the e-mail address"),
        ({"given_name": "  "}, "given name is blank"),
        ({"family_name": "a\nb\0"}, "family name"),
        ({"organization": "legal"}, "not an organization of the spec"),
        ({"roles": ("owner",)}, "no rule of the spec gives the role owner in 'eng'. Choose among: engineer"),
        ({"email": "p1@example.com"}, "the account of the HR id 1"),
        ({"email": "by-hand@example.com"}, "no source manages it"),
        ({"email": "other@example.com"}, "another source manages it"),
        ({"id": "2"}, "another address for 2"),
        ({"id": "99", "email": "p2@example.com"}, "under the id 2"),
        ({"email": "p3@example.com", "given_name": "Given3", "family_name": "Doe"}, "HR says that 3 left"),
        ({"id": "4", "email": "p4@example.com"}, "row for 4 cannot be used"),
        ({"start": date(2226, 3, 1)}, "the first day 2226-03-01 is more than 10 years ahead: correct it"),
        ({"email": "new@example.com,other@example.com"}, "holds 2 @ where one is expected"),
        ({"email": "Nia <new@example.com>"}, "it holds a blank or a control character"),
        ({"email": "n\u200bew@example.com"}, "it holds a blank or a control character"),
        ({"given_name": "a\u202eb"}, "given name is blank, is longer than 200 characters, or has unprintable"),
        ({"organization": " eng "}, "' eng ' is not an organization of the spec"),
        ({"roles": ("Engineer",)}, "no rule of the spec gives the role Engineer in 'eng'. Choose among: engineer"),
    ],
)
def test_invalid_form_input_is_refused(world: World, forms: Forms, changes: dict[str, Any], words: str) -> None:
    world.apply(people(2))
    world.kinde.seed(
        {
            "users": [
                {"email": "by-hand@example.com"},
                {"email": "other@example.com", "provided_id": "other:1"},
            ]
        }
    )
    world.kinde.clear_log()
    rows = [
        person("1", email="renamed@example.com"),
        person("2"),
        person("3", status="Terminated"),
        person("4", status="?"),
    ]
    fields = {"email": NEW.email, "given_name": "Nia", "family_name": "Newman", "organization": "eng", **changes}
    with pytest.raises(FormRefused, match=words):
        forms.onboard(rows, Joiner(**fields))
    assert world.writes() == []


def test_a_suspended_account_is_not_enabled_by_a_form(world: World, forms: Forms) -> None:
    rows = people(2)
    forms.onboard(rows)
    forms.offboard(rows, Leaver("new@example.com"))
    with pytest.raises(FormRefused, match="is suspended"):
        forms.onboard(rows)


def test_an_unreliable_source_stops_onboarding(world: World, forms: Forms) -> None:
    with pytest.raises(FormRefused, match="cannot be relied on, so nothing was done"):
        forms.onboard([])
    with pytest.raises(SyncError, match="wrong tenant"):
        forms.onboard(people(1), spec=SPEC.replace("name: hr", "name: hr\ntenant: acme.kinde.com"))
    assert world.writes() == []


def test_roles_to_give_are_those_of_the_rules() -> None:
    spec = SPEC + "retired: {roles: [auditor]}\n"
    assert roles_to_give(SyncSpec.parse(spec), "eng") == {"engineer"}
    assert roles_to_give(SyncSpec.parse(spec), "sales") == frozenset()
    anywhere = spec.replace("- organization: eng", "- organization: '{{ row.dept }}'")
    assert roles_to_give(SyncSpec.parse(anywhere), "sales") == {"engineer"}


# -- offboarding ----------------------------------------------------------------------------------------------------


def suspended(world: World, email: str) -> bool:
    return bool(world.users()[email]["is_suspended"])


def test_whom_hr_calls_active_stays_suspended_until_hr_agrees(world: World, forms: Forms) -> None:
    rows = people(6)
    world.apply(rows)
    world.kinde.clear_log()
    report = forms.offboard(rows, Leaver("p1@example.com"))
    assert report.outcome == "changes"
    assert report.requests["write"] == len(world.writes()) == 2
    assert any("sessions" in entry["path"] and entry["method"] == "DELETE" for entry in world.writes())
    assert suspended(world, "p1@example.com")
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1"

    held = world.apply(rows)
    assert [entry.id for entry in held.plan.held] == ["1"]
    assert "suspended in Kinde by someone else" in held.plan.held[0].reason
    assert suspended(world, "p1@example.com")

    rows[0]["status"] = "Terminated"
    assert world.apply(rows).plan.summary["suspend"] == 1
    assert world.users()["p1@example.com"]["provided_id"] == f"hr:1~left={TODAY}~barred"
    world.settled(rows)


def test_whom_hr_calls_a_leaver_leaves_the_sync_s_way(world: World, forms: Forms) -> None:
    rows = people(6)
    world.apply(rows)
    rows[0]["status"] = "Terminated"
    assert forms.offboard(rows, Leaver("p1@example.com", "1")).outcome == "changes"
    assert suspended(world, "p1@example.com")
    assert world.users()["p1@example.com"]["provided_id"] == f"hr:1~left={TODAY}"
    world.settled(rows)
    assert forms.offboard(rows, Leaver(id="1")).outcome == "no changes"


def test_sessions_end_even_where_the_sync_leaves_them(world: World, forms: Forms) -> None:
    spec = SPEC + "leaver: {end_sessions: false}\n"
    rows = people(6)
    world.apply(rows, spec)
    rows[0]["status"] = "Terminated"
    world.kinde.clear_log()
    report = forms.offboard(rows, Leaver(id="1"), spec)
    assert sum("sessions" in entry["path"] for entry in world.writes()) == 1
    assert report.requests["write"] == len(world.writes())


def test_whom_hr_no_longer_lists(world: World, forms: Forms) -> None:
    rows = people(6)
    world.apply(rows)
    report = forms.offboard(rows[1:], Leaver("p1@example.com"))
    assert report.outcome == "changes"
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1"
    world.apply(rows[1:])
    assert world.users()["p1@example.com"]["provided_id"] == f"hr:1~left={TODAY}~barred"
    world.settled(rows[1:])


def test_an_onboarded_account_is_offboarded_and_then_not_adopted(world: World, forms: Forms) -> None:
    rows = people(6)
    world.apply(rows)
    forms.onboard(rows)
    assert forms.offboard(rows, Leaver("new@example.com")).outcome == "changes"
    assert suspended(world, "new@example.com")
    world.settled(rows)
    rows.append(person("7", "Nia", "Newman", email="new@example.com"))
    held = world.apply(rows)
    assert [entry.id for entry in held.plan.held] == ["7"]
    assert suspended(world, "new@example.com")


def test_leaving_does_not_wait_for_hr(world: World, forms: Forms) -> None:
    class Unreachable:
        def read(self) -> Any:
            raise SourceError("the HR system does not answer")

    rows = people(6)
    world.apply(rows)
    for number, source in enumerate((Unreachable(), [])):
        email = f"p{number + 1}@example.com"
        assert forms.offboard(source, Leaver(email)).outcome == "changes"
        assert suspended(world, email)
    assert [entry.id for entry in world.apply(rows).plan.held] == ["1", "2"]


def test_guards_do_not_stop_an_offboarding(world: World, forms: Forms) -> None:
    rows = people(6)
    spec = SPEC + "guards: {max_leavers: 0}\n"
    world.apply(rows, spec)
    rows[0]["status"] = "Terminated"
    assert world.apply(rows, spec).outcome == "blocked"
    assert forms.offboard(rows, Leaver(id="1"), spec).outcome == "changes"
    assert suspended(world, "p1@example.com")


def test_a_rehire_is_not_enabled_again(world: World, forms: Forms) -> None:
    rows = people(6)
    world.apply(rows)
    rows[0]["status"] = "Terminated"
    world.apply(rows)
    rows[0]["status"] = "Active"
    forms.offboard(rows, Leaver(id="1"))
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1"
    assert [entry.id for entry in world.apply(rows).plan.held] == ["1"]
    assert suspended(world, "p1@example.com")


def test_a_form_never_deletes(world: World, forms: Forms) -> None:
    spec = SPEC + "leaver: {delete_after_days: 1}\n"
    rows = people(6)
    world.apply(rows, spec)
    rows[0]["status"] = "Terminated"
    world.apply(rows, spec)
    forms.offboard(rows, Leaver(id="1"), spec, now="2026-04-02T12:00:00Z")
    assert "p1@example.com" in world.users()


def test_a_second_try_ends_the_sessions(world: World, forms: Forms) -> None:
    rows = people(6)
    world.apply(rows)
    world.kinde.fault("DELETE", "/sessions", status=400, times=1)
    with pytest.raises(Exception, match="400"):
        forms.offboard(rows, Leaver(id="1"))
    assert suspended(world, "p1@example.com")
    world.kinde.clear_log()
    assert forms.offboard(rows, Leaver(id="1")).outcome == "no changes"
    assert [entry["method"] for entry in world.writes()] == ["DELETE"]


def test_the_protected_need_a_confirmation(world: World, forms: Forms) -> None:
    rows = people(6)
    world.apply(rows)
    users = world.users()
    world.kinde.seed({"users": [{"id": users["p1@example.com"]["id"], "memberships": {"Sales": ["owner"]}}]})
    for typed in ("", "2", "p1@example.com"):
        with pytest.raises(FormRefused, match="protected"):
            forms.offboard(rows, Leaver("p1@example.com", confirm_protected=typed))
    assert not suspended(world, "p1@example.com")
    rows[0]["status"] = "Terminated"
    with pytest.raises(FormRefused, match="protected"):
        forms.offboard(rows, Leaver(id="1"))
    forms.offboard(rows, Leaver(id="1", confirm_protected="1"))
    assert world.users()["p1@example.com"]["provided_id"] == f"hr:1~left={TODAY}"
    world.settled(rows)


@pytest.mark.parametrize(
    ("leaver", "words"),
    [
        (Leaver(), "fill in the e-mail address"),
        (Leaver("nobody"), "the e-mail address"),
        (Leaver("nobody@example.com"), "no Kinde account has this address"),
        (Leaver(id="77"), "no Kinde account has the link hr:77"),
        (Leaver("p1@example.com", "2"), "does not have this address"),
        (Leaver("by-hand@example.com"), "no source manages it"),
        (Leaver("other@example.com"), "another source manages it"),
    ],
)
def test_other_people_s_accounts_are_refused(world: World, forms: Forms, leaver: Leaver, words: str) -> None:
    world.apply(people(2))
    world.kinde.seed(
        {"users": [{"email": "by-hand@example.com"}, {"email": "other@example.com", "provided_id": "other:1"}]}
    )
    world.kinde.clear_log()
    with pytest.raises(FormRefused, match=words):
        forms.offboard(people(2), leaver)
    assert world.writes() == []
