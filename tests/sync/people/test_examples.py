"""The tests of a spec: rows, what must follow, and what is said where something else follows."""

from __future__ import annotations

import textwrap

import pytest

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.people.examples import check_examples
from tests.support.world import SPEC, World, people

PASSING = """
tests:
  - name: an engineer
    given: {dept: Eng, status: Active}
    expect: {access: true, why: status is Active, memberships: {eng: [engineer]}, roles: [engineer]}
  - given: {id: 7, first: Ann, last: Roe, email: Ann@X.com, dept: Ops, status: Active}
    expect: {memberships: {}, roles: [], email: Ann@X.com, given_name: Ann, family_name: Roe}
  - today: 2026-03-01
    given: {dept: Sales, status: Active, start: 2026-03-02}
    expect: {access: keep, memberships: {}}
  - today: 2026-03-02
    given: {dept: Sales, status: Active, start: 2026-03-02}
    expect: {access: true, memberships: {sales: []}}
  - given: {dept: Sales, status: Terminated}
    expect: {access: false}
  - given: {dept: Sales, status: Retired}
    expect: {rejected: neither in employment.active}
  - given: {dept: Eng, status: Active, email: broken}
    expect: {rejected: true}
  - given: {dept: "", status: Active}
    expect: {access: true, held: "reads 'dept'"}
  - given: [{id: "1", email: a@x.com, status: Active}, {id: "2", email: a@x.com, status: Active}]
    expect: {held: shares its e-mail address with 2}
"""


def test_outcomes_of_rows_are_compared_with_the_expected_ones() -> None:
    check_examples(SyncSpec.parse(SPEC + PASSING))


FAILING = [
    ("dept == 'Eng'", "dept == 'Egn'", ["the test (an engineer) expects memberships {eng: [engineer]}, found {}"]),
    ("dept == 'Eng'", "dept == 'Ing'", ["expects roles [engineer], found []"]),
    ("roles: [engineer]}\n", "roles: [lead]}\n", ["expects roles [lead], found [engineer]"]),
    ("active: [Active]", "active: [Aktive]", ["expects access true, found rejected: status 'Active' is neither in"]),
    ("start_date:", "end_date: \"\"\n  start_date:", []),
    ("today: 2026-03-01", "today: 2026-03-05", ["expects access keep, found access true: status is Active"]),
    ("rejected: true", "access: true", ["expects access true, found rejected: email is not an e-mail address"]),
    ("email: Ann@X.com, given_name: Ann", "email: b@x.com, given_name: Bo",
     ["expects email 'b@x.com', found 'Ann@x.com'", "expects given_name 'Bo', found 'Ann'"]),
    ("held: shares", "access: true, why: shares", ["found held: shares its e-mail address with 2"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), FAILING, ids=[new[:20] for _, new, _ in FAILING])
def test_a_failure_names_line_expected_and_found(old: str, new: str, words: list[str]) -> None:
    if not words:  # two keys of one name: the spec itself is wrong
        with pytest.raises(SpecError, match="stands twice"):
            SyncSpec.parse(SPEC.replace(old, new) + PASSING)
        return
    spec = SyncSpec.parse((SPEC + PASSING).replace(old, new), "hr.yaml")
    with pytest.raises(SpecError) as caught:
        check_examples(spec)
    assert [word for word in words if word not in str(caught.value)] == []
    line = (SPEC + PASSING).splitlines().index("    expect: {access: keep, memberships: {}}") + 1
    if "keep" in words[0]:
        assert f"hr.yaml:{line}: tests[2].expect.access" in str(caught.value)


WRONG = [
    ("given: {Dept: Eng, status: Active}", "tests[0].given: no expression of the spec reads a column 'Dept'; did you"),
    ("given: {}", "tests[0].given: a mapping of columns to cells, or a list of such mappings, is expected, found"),
    ("given: Eng", "a mapping of columns to cells"),
    ("given: [{dept: Eng}, {dept: Eng, x: 1}]", "tests[0].given[1]: no expression of the spec reads a column 'x'"),
    ("given: {dept: [Eng]}", "tests[0].given.dept: a text is expected"),
    ("given: {dept: Eng}\n    today: 1.3.2026", "tests[0].today: a day such as 2026-03-01 is expected"),
]


@pytest.mark.parametrize(("given", "words"), WRONG, ids=[given for given, _ in WRONG])
def test_a_test_that_cannot_be_read_is_told_with_its_place(given: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        SyncSpec.parse(f"{SPEC}tests:\n  - {given}\n    expect: {{access: true}}\n", "hr.yaml")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "expect", ["{}", "{access: maybe}", "{rejected: x, access: true}", "{held: false}", "{acess: true}"]
)
def test_an_expectation_that_cannot_be_read_is_told(expect: str) -> None:
    with pytest.raises(SpecError, match=r"tests\[0\]\.expect"):
        SyncSpec.parse(f"{SPEC}tests:\n  - given: {{dept: Eng}}\n    expect: {expect}\n")


def test_cells_are_text_where_the_source_yields_text_and_values_elsewhere() -> None:
    tests = "tests:\n  - given: {status: Active, dept: yes, start: 2026-01-01}\n    expect: {memberships: {%s: [%s]}}\n"
    text = SPEC.replace("row.dept == 'Eng'", "row.dept == 'yes'").replace(
        "row.dept == 'Sales'", "row.dept is sameas true"
    )
    check_examples(SyncSpec.parse(text + tests % ("eng", "engineer")))
    check_examples(SyncSpec.parse(text.replace("hr.csv", "hr.json") + tests % ("sales", "")))


def test_a_plan_and_an_apply_are_refused_before_anything_is_read(world: World) -> None:
    from airflow_provider_kinde.sync import make_plan
    from airflow_provider_kinde.sync.apply.run import apply
    from airflow_provider_kinde.sync.plan.run_request import RunRequest

    spec = SyncSpec.parse(
        SPEC
        + textwrap.dedent("""
        tests:
          - given: {dept: Eng, status: Active}
            expect: {memberships: {sales: []}}
        """)
    )
    for attempt in (
        lambda: make_plan(spec, people(3), world.client),
        lambda: apply(spec, people(3), world.client, RunRequest.of()),
    ):
        with pytest.raises(SpecError, match=r"expects memberships {sales: \[\]}, found {eng: \[engineer\]}"):
            attempt()
    assert world.kinde.log() == []
