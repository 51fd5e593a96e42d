"""Two HR sources, two namespaces, one tenant: neither run touches what the other one manages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from airflow_provider_kinde.sync import Report
from airflow_provider_kinde.sync.repair.release import release
from airflow_provider_kinde.sync.repair.relink import relink
from kinde_emulator import Emulator
from tests.laws.test_sync_laws import OPEN
from tests.support.world import SPEC, TENANT, World, person

STAFF = SPEC + OPEN
"""Employees: ``hr``, Engineering and Sales."""
AGENCY = STAFF.replace("name: hr\n", "name: hr-agency\n")
"""Contractors of the same two organizations. One namespace begins like the other."""
APART = AGENCY.replace("{name: Engineering}", "{name: Partners}").replace("{name: Sales}", "{name: Suppliers}")
"""Contractors in organizations of their own."""
NAMES = {STAFF: "hr:", AGENCY: "hr-agency:", APART: "hr-agency:"}


class Tenant(World):
    """Runs one source, and checks that nobody but its own people changed."""

    def __init__(self, kinde: Emulator) -> None:
        super().__init__(kinde)
        kinde.seed(TENANT)
        kinde.seed({"organizations": ["Partners", "Suppliers"], "users": [{"email": "boss@example.com",
                    "memberships": {"Engineering": ["owner"], "Partners": []}}]})  # fmt: skip

    def run(self, spec: str, rows: Sequence[dict[str, Any]], day: int = 1, **options: Any) -> Report:
        before = {user["id"]: user for user in self.kinde.state()["users"]}
        report = self.apply(rows, spec, now=f"2026-03-{day:02}T12:00:00Z", **options)
        after = {user["id"]: user for user in self.kinde.state()["users"]}
        mine = NAMES[spec]
        adopted = {o.account.id for o in report.plan.operations if o.kind == "adopt" and o.account}
        for id, user in before.items():
            if not (user["provided_id"] or "").startswith(mine) and id not in adopted:
                assert after[id] == user
        for id in after.keys() - before.keys():
            assert after[id]["provided_id"].startswith(mine)
        return report

    def of(self, email: str) -> tuple[str, bool, list[str]]:
        """Link, suspended, organizations."""
        user = self.users()[email]
        return (
            user["provided_id"],
            user["is_suspended"],
            sorted(self.memberships(email).keys() - {"Default Organization"}),
        )


@pytest.fixture
def tenant() -> Any:
    with Emulator() as kinde:
        made = Tenant(kinde)
        with made.client:
            yield made


def contractor(number: int, **columns: Any) -> dict[str, Any]:
    """The ids are those of employees, too: only the namespace tells them apart."""
    return person(number, "Con", f"Tractor{number}", **{"email": f"c{number}@agency.example", **columns})


@pytest.mark.parametrize("agency", [AGENCY, APART])
def test_days_of_joiners_movers_and_leavers_in_both(tenant: Tenant, agency: str) -> None:
    staff = {n: person(n, dept="Eng" if n % 2 else "Sales") for n in range(1, 7)}
    hired = {n: contractor(n, dept="Eng" if n % 2 else "Sales") for n in range(1, 7)}
    eng, sales = ("Engineering", "Sales") if agency == AGENCY else ("Partners", "Suppliers")
    for day, (mine, theirs) in enumerate(
        [
            ({}, {}),
            ({1: person(1, status="Terminated")}, {2: contractor(2, dept="Eng")}),
            ({2: person(2, dept="Eng", last="Roe")}, {1: contractor(1, status="Terminated")}),
            ({1: person(1, dept="Sales")}, {3: contractor(3, dept="None"), 7: contractor(7)}),
            ({3: person(3, email="new3@example.com")}, {1: contractor(1, dept="Eng")}),
        ],
        start=1,
    ):
        staff |= mine
        hired |= theirs
        # Now one first, now the other: the order of the two decides nothing.
        for spec, rows in sorted([(STAFF, staff), (agency, hired)], reverse=day % 2 == 0):
            assert tenant.run(spec, list(rows.values()), day).outcome == "changes"
        for spec, rows in ((STAFF, staff), (agency, hired)):
            tenant.settled(list(rows.values()), spec, now=f"2026-03-{day:02}T13:00:00Z")
    assert tenant.of("p1@example.com") == ("hr:1", False, ["Sales"])
    assert tenant.of("new3@example.com") == ("hr:3", False, ["Sales"])
    assert tenant.of("c1@agency.example") == ("hr-agency:1", False, [eng])
    assert tenant.of("c2@agency.example") == ("hr-agency:2", False, [eng])
    assert tenant.of("c3@agency.example") == ("hr-agency:3", False, [])
    assert tenant.of("c7@agency.example") == ("hr-agency:7", False, [sales])
    assert tenant.users()["boss@example.com"]["memberships"] == {
        tenant.code("Engineering"): ["owner"], tenant.code("Partners"): [],
    }  # fmt: skip


def test_a_source_that_goes_empty_or_loses_all_takes_nothing_from_the_other(tenant: Tenant) -> None:
    for spec, rows in ((STAFF, [person(1), person(2)]), (AGENCY, [contractor(1), contractor(2)])):
        tenant.run(spec, rows)
    assert tenant.run(AGENCY, []).outcome == "blocked"
    assert tenant.run(AGENCY, [contractor(9)]).outcome == "changes"
    assert tenant.of("c1@agency.example")[1]
    assert not tenant.of("p1@example.com")[1]
    tenant.settled([person(1), person(2)], STAFF, now="2026-03-02T12:00:00Z")


def test_a_person_in_both_sources_belongs_to_the_first_sync(tenant: Tenant) -> None:
    """The second source holds them, and says whose they are; it gives them nothing and takes nothing."""
    both = {"email": "ann@example.com", "first": "Ann"}
    tenant.run(STAFF, [person(1, dept="Eng", **both)])
    for _ in range(2):
        report = tenant.run(AGENCY, [contractor(1, email="ann@example.com"), contractor(2)])
        assert [(held.id, held.reason) for held in report.plan.held] == [
            ("1", "the address belongs to an account that another source manages (hr:1)")
        ]
    assert tenant.of("ann@example.com") == ("hr:1", False, ["Engineering"])
    # Renamed onto an address of the other source: held as well.
    (held,) = tenant.run(AGENCY, [contractor(2, email="ann@example.com"), contractor(3)]).plan.held
    assert (held.id, "is not this person's has that address already" in held.reason) == ("2", True)


def test_moving_with_the_account(tenant: Tenant) -> None:
    """From contractor to employee, the new source naming the old link: one account, one update, no gap in access."""
    tenant.run(APART, [contractor(5, dept="Eng"), contractor(6)])
    taking = STAFF + "joiner: {adopt_provided_id: \"{{ 'hr-agency:' ~ row.was if row.was else '' }}\"}\n"
    NAMES[taking] = "hr:"
    ann = {**contractor(5, dept="Sales"), "id": "100", "was": "5"}
    report = tenant.run(taking, [ann, {**person(1), "was": ""}])
    assert [o.kind for o in report.plan.operations if o.id == "100"] == ["adopt", "add_membership"]
    # What the former source gave stays: this one does not manage those organizations.
    assert tenant.of("c5@agency.example") == ("hr:100", False, ["Partners", "Sales"])
    # While the agency still lists them they are held there; once it does not, nothing happens to them.
    (held,) = tenant.run(APART, [contractor(5, dept="Eng"), contractor(6)], 2).plan.held
    assert "another source manages (hr:100)" in held.reason
    for rows in ([contractor(5, status="Terminated"), contractor(6)], [contractor(6)]):
        assert tenant.run(APART, rows, 3).outcome == "no changes"
    assert tenant.of("c5@agency.example") == ("hr:100", False, ["Partners", "Sales"])
    tenant.settled([ann, {**person(1), "was": ""}], taking)


def test_moving_with_the_address_only(tenant: Tenant) -> None:
    """Once the former source has let them go, ``release`` frees the address, and the new one makes an account."""
    ann = person(100, "Con", "Tractor5", email="c5@agency.example")
    tenant.run(AGENCY, [contractor(5), contractor(6)])
    tenant.run(AGENCY, [contractor(6)], 2)
    (held,) = tenant.run(STAFF, [ann], 2).plan.held
    assert "another source manages (hr-agency:5~left=2026-03-02)" in held.reason
    release(tenant.spec(AGENCY), tenant.client, "5")
    assert tenant.run(STAFF, [ann], 3).outcome == "changes"
    assert tenant.of("c5@agency.example") == ("hr:100", False, ["Sales"])
    for spec, rows in ((STAFF, [ann]), (AGENCY, [contractor(6)])):
        tenant.settled(rows, spec, now="2026-03-04T12:00:00Z")


def test_relink_stays_in_its_own_namespace(tenant: Tenant) -> None:
    tenant.run(STAFF, [person(1), person(2)])
    tenant.run(AGENCY, [contractor(1), contractor(2)])
    tenant.run(AGENCY, [contractor(2)], 2)
    new = contractor(50, email="c1@agency.example")
    before = tenant.of("p1@example.com")
    relink(tenant.spec(AGENCY), [contractor(2), new], tenant.client, "1", "50", now="2026-03-02T12:00:00Z")
    assert tenant.run(AGENCY, [contractor(2), new], 2).outcome == "changes"
    assert tenant.of("c1@agency.example") == ("hr-agency:50", False, ["Sales"])
    assert tenant.of("p1@example.com") == before


EXAMPLES = int(os.environ.get("KINDE_EXAMPLES", "20")) // 4
exports = st.lists(
    st.builds(
        lambda id, address, dept, status: person(id, "Sam", email=f"e{address}@example.com", dept=dept, status=status),
        st.integers(1, 4),
        st.integers(1, 6),
        st.sampled_from(["Eng", "Sales", "Other"]),
        st.sampled_from(["Active", "Active", "Active", "Terminated"]),
    ),
    min_size=1,
    max_size=4,
)
SPECS = [AGENCY, APART, AGENCY + "leaver: {action: remove}\n", AGENCY + "absent: hold\njoiner: {adopt: false}\n"]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES <= 10)
@given(st.lists(st.tuples(st.booleans(), exports), min_size=3, max_size=5), st.sampled_from(SPECS))
def test_no_run_changes_an_account_of_the_other_source(history: list[tuple[bool, list[Any]]], agency: str) -> None:
    NAMES[agency] = "hr-agency:"
    with Emulator() as kinde, Tenant(kinde).client as client:
        tenant = Tenant(kinde)
        tenant.client = client
        for day, (staff, rows) in enumerate(history, 1):
            report = tenant.run(STAFF if staff else agency, rows, day)
            event(f"{report.outcome}, {'held' if report.plan.held else 'nobody held'}")
            assert not report.failed
        links = [user["provided_id"].split("~")[0] for user in kinde.state()["users"] if user["provided_id"]]
        assert len(links) == len(set(links))
