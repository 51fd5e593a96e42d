from __future__ import annotations

import datetime as dt
import random
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pendulum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kinde.sources import ListSource
from airflow_provider_kinde.sync.model import Access, DesiredMembership, Row, UnclearRule
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.people import People

NOW = pendulum.datetime(2026, 3, 31, 12)
BASE = """\
version: 1
name: hr
source: {type: file, path: hr.csv}
person:
  id: "{{ row.id }}"
  email: "{{ row.email }}"
  given_name: "{{ row.first }}"
  family_name: "{{ row.last }}"
employment:
  status: "{{ row.status }}"
  active: [Active, Leave of Absence]
  inactive: [Terminated]
"""
DATES = """\
  start_date: "{{ row.start }}"
  end_date: "{{ row.end }}"
"""
RULES = """\
organizations: {it: org_it, sales: org_sales}
memberships:
  - organization: it
    when: "{{ row.dept == 'IT' }}"
    roles: [engineer]
"""


class Table:
    """A source whose columns are known beforehand, as a CSV file's are."""

    name = "the table"

    def __init__(self, rows: Sequence[Mapping[str, Any] | str], columns: Sequence[str] | None = None) -> None:
        first = next((row for row in rows if not isinstance(row, str)), {})
        self.columns = list(first) if columns is None else columns
        self.rows = rows
        self.incomplete: list[str] = []
        self.warnings: list[str] = []
        self.proven = True

    def read(self) -> Table:
        return self

    def __iter__(self) -> Iterator[Row]:
        for number, row in enumerate(self.rows, 2):
            yield Row(number, {}, row) if isinstance(row, str) else Row(number, row)


def person(id: Any, **columns: Any) -> dict[str, Any]:
    row = {"id": id, "first": f"First{id}", "last": "Doe", "email": f"p{id}@x.com", "status": "Active"}
    return {**row, "start": "", "end": "", "dept": "Sales", "type": "", **columns}


def read(rows: Sequence[Mapping[str, Any] | str], text: str = BASE, **options: Any) -> People:
    return read_people(SyncSpec.parse(text, "hr.yaml"), Table(rows, **options), options.pop("now", NOW))


def reasons(people: People) -> dict[int, str]:
    return {rejected.row: rejected.reason for rejected in people.rejected}


def test_a_person() -> None:
    people = read([person("1", email=" Ann@X.com ", first=" Ann  Marie", last="Zoe\u0308", status=" active ")])
    ann = people.persons["1"]
    assert (ann.id, ann.row, ann.email, ann.given_name, ann.family_name) == ("1", 2, "Ann@x.com", "Ann Marie", "Zoë")
    assert (ann.access, ann.why, ann.memberships, ann.unclear_rules) == (Access.ACTIVE, "status is active", (), ())
    assert (people.rows, people.ids, people.ids_certain, people.proven) == (1, {"1"}, True, True)
    assert (people.problems, people.rejected, people.held, people.source) == ([], [], {}, "the table")


@pytest.mark.parametrize("id", [10026, "10026", " 10026 ", 10026.0])
def test_an_id_is_the_same_text_however_the_source_holds_it(id: Any) -> None:
    assert list(read([person(id, email="a@x.com")]).persons) == ["10026"]


@pytest.mark.parametrize("id", ["", "  ", None, "a~b", "a\x00b", "a\nb", "x" * 201, ["a"]])
def test_a_row_without_a_usable_id_is_rejected_and_no_person_is_absent(id: Any) -> None:
    people = read([person("1"), person(id)])
    assert list(people.persons) == ["1"]
    assert [(rejected.row, rejected.id) for rejected in people.rejected] == [(3, None)]
    assert not people.ids_certain
    assert people.ids == {"1"}


def test_an_id_that_is_cut_in_a_message_ends_with_an_ellipsis() -> None:
    (rejected,) = read([person("7" * 250)]).rejected
    assert f"'{'7' * 40}…'" in rejected.reason


def test_a_ragged_row_is_rejected_and_no_person_is_absent() -> None:
    people = read([person("1"), "has 3 cells where the header has 9"])
    assert reasons(people) == {3: "has 3 cells where the header has 9"}
    assert (people.rows, people.ids_certain, people.rejected[0].id) == (2, False, None)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"email": "jane.doe"}, "email is not an e-mail address: it holds no @"),
        ({"email": ""}, "email is blank"),
        ({"first": "  "}, "given_name is blank"),
        ({"last": None}, "family_name is blank"),
        ({"last": "Doe\x07"}, "family_name holds a control character"),
        ({"last": "D" * 201}, "family_name is longer than"),
        ({"status": "Furloughed"}, "status 'Furloughed' is neither in employment.active nor in employment.inactive"),
        ({"status": ""}, "status is blank, and is neither"),
        ({"start": "soon"}, "start_date 'soon' is not a date in an ISO 8601 date"),
        ({"end": "31.3.2026"}, "end_date '31.3.2026' is not a date"),
    ],
)
def test_a_row_that_cannot_be_understood_leaves_its_person_alone(columns: dict[str, Any], reason: str) -> None:
    people = read([person("1"), person("2", **columns), person("3")], BASE + DATES)
    assert list(people.persons) == ["1", "3"]
    assert reasons(people)[3].startswith(reason)
    assert people.rejected[0].id == "2"
    assert people.ids == {"1", "2", "3"}, "the person is not absent"
    assert people.ids_certain


def test_a_leaver_may_lack_an_address_and_a_name_but_not_have_a_mangled_one() -> None:
    gone = {"status": "terminated", "first": "", "last": "", "email": ""}
    people = read([person("1", **gone), person("2", **gone | {"email": "mangled"}), person("3")])
    leaver = people.persons["1"]
    assert (leaver.access, leaver.why, leaver.email, leaver.given_name) == (Access.NONE, "status is terminated", "", "")
    assert reasons(people) == {3: "email is not an e-mail address: it holds no @ where one is expected"}


def test_a_leavers_address_that_cannot_be_built_from_nothing_is_blank() -> None:
    text = BASE.replace("{{ row.email }}", "{{ row.first.split()[0] }}@x.com")
    people = read([person("1", status="Terminated", first=""), person("2", first=""), person("3")], text)
    assert people.persons["1"].email == ""
    assert reasons(people) == {3: "email: list object has no element 0"}


def test_a_blank_name_is_fine_where_the_spec_says_so() -> None:
    people = read([person("1", first=""), person("2", last=""), person("3")], BASE + "may_be_empty: [first]\n")
    assert people.persons["1"].given_name == ""
    assert reasons(people) == {3: "family_name is blank"}


def test_dates_and_time_zones() -> None:
    text = BASE + DATES + '  timezone: "{{ row.zone }}"\njoiner: {days_before_start: 1}\nleaver: {grace_days: 2}\n'
    now = pendulum.datetime(2026, 3, 31, 12, 59)  # 23:59 in Melbourne, 01:59 of April in Auckland
    rows = [
        person("mel", zone="Australia/Melbourne", status="Terminated", end="2026-03-31"),
        person("akl", zone="Pacific/Auckland", status="Terminated", end="2026-03-31"),
        person("ny", zone="America/New_York", start="2026-04-02"),
        person("akl2", zone="Pacific/Auckland", start="2026-04-02"),
        person("old", zone="UTC", status="Terminated", end="2026-03-28"),
        person("bad", zone="Moon/Base"),
        person("none", zone=""),
    ]
    people = read_people(SyncSpec.parse(text), Table(rows), now)
    found = {id: entry.access for id, entry in people.persons.items()}
    due, keep, grace, none = Access.ACTIVE, Access.KEEP, Access.GRACE, Access.NONE
    assert found == {"mel": due, "akl": grace, "ny": keep, "akl2": due, "old": none}
    assert reasons(people)[7] == "timezone 'Moon/Base' is not a time zone such as Europe/Berlin"
    assert people.persons["old"].why == "status is Terminated, ended on 2026-03-28"


def test_native_dates_are_taken() -> None:
    rows = [person("1", start=dt.date(2026, 4, 1)), person("2", end=dt.datetime(2026, 3, 30, 23, 0))]  # noqa: DTZ001
    people = read(rows, BASE + DATES)
    assert [entry.access for entry in people.persons.values()] == [Access.KEEP, Access.NONE]


def test_memberships_add_up() -> None:
    text = BASE + RULES + '  - organization: "{{ row.dept | lower }}"\n  - {organization: sales, when: no}\n'
    people = read([person("1", dept="IT"), person("2", dept="Sales")], text)
    assert people.persons["1"].memberships == (
        DesiredMembership("it", frozenset({"engineer"}), 0),
        DesiredMembership("it", frozenset(), 1),
    )
    assert people.persons["2"].memberships == (DesiredMembership("sales", frozenset(), 1),)
    assert people.persons["2"].unclear_rules == (), "Sales is an answer"


def test_an_unknown_alias_that_a_row_yields_rejects_the_row_and_names_key_and_value() -> None:
    text = BASE + RULES + '  - organization: "{{ row.dept }}"\n'
    people = read([person("1", dept="it"), person("2", dept="Sal"), person("3", dept="Sal", status="Terminated")], text)
    assert reasons(people) == {
        3: "memberships[1].organization yields 'Sal', which is not an alias in organizations; known are it, sales"
    }
    assert people.persons["3"].access is Access.NONE


def test_with_match_an_alias_is_any_external_id() -> None:
    text = BASE + 'organizations: {match: external_id, prefix: ""}\n'.replace('""', "hr-")
    text += 'memberships: [{organization: "hr-{{ row.dept }}"}]\n'
    assert read([person("1", dept="7")], text).persons["1"].memberships == (DesiredMembership("hr-7", frozenset(), 0),)


def test_a_blank_that_decides_is_a_doubt() -> None:
    text = BASE + RULES + '  - {organization: "{{ row.org }}", roles: [x]}\n'
    rows = [
        person("1", dept=" ", org="it"),
        person("2", dept="Sales", org=""),
        person("3", dept="IT", org="it"),
        person("4", dept=None, org=None),
    ]
    people = read(rows, text)
    engineer, x = frozenset({"engineer"}), frozenset({"x"})
    assert people.persons["1"].unclear_rules == (UnclearRule(("dept",), 0, "it", engineer),)
    assert people.persons["1"].memberships == (DesiredMembership("it", x, 1),)
    assert people.persons["2"].unclear_rules == (UnclearRule(("org",), 1, None, x),)
    assert people.persons["3"].unclear_rules == ()
    assert len(people.persons["4"].unclear_rules) == 2
    allowed = read(rows, text + "may_be_empty: [dept, org]\n")
    assert all(entry.unclear_rules == () for entry in allowed.persons.values())


def test_a_doubt_names_the_organization_only_where_it_is_known() -> None:
    text = BASE + "organizations: {it: org_it}\nmemberships:\n"
    text += '  - {organization: "{{ row.org }}", when: "{{ row.dept == \'IT\' }}"}\n'
    rows = [person("1", dept="", org="it"), person("2", dept="", org="zz"), person("3", dept="x", org="it")]
    people = read(rows, text)
    assert [entry.unclear_rules[0].alias if entry.unclear_rules else "-" for entry in people.persons.values()] == [
        "it",
        None,
        "-",
    ]


def test_out_of_scope() -> None:
    text = BASE + "scope: \"{{ row.type != 'Contractor' and row.type != '' }}\"\n"
    rows = [
        person("1", type="Employee"),
        person("2", type="Contractor", status="whatever", first=""),
        person("3", type=""),
    ]
    people = read(rows, text)
    assert people.persons["1"].access is Access.ACTIVE
    assert (people.persons["2"].access, people.persons["2"].why) == (Access.NONE, "out of scope")
    assert people.persons["2"].unclear_rules == ()
    assert (people.persons["3"].access, people.persons["3"].unclear_rules) == (Access.NONE, (UnclearRule(("type",)),))
    allowed = read(rows, text + "may_be_empty: [type]\n")
    assert allowed.persons["3"].unclear_rules == ()


@pytest.mark.parametrize("key", ["scope", "when"])
def test_anything_but_yes_or_no_rejects_the_row(key: str) -> None:
    text = BASE + 'scope: "{{ row.flag }}"\n'
    if key == "when":
        text = BASE + 'organizations: {it: o}\nmemberships: [{organization: it, when: "{{ row.flag }}"}]\n'
    rows = [person(str(n), flag=flag) for n, flag in enumerate(["yes", "NO", "1", "0", "true", "maybe", "", None])]
    people = read(rows, text)
    assert sorted(people.persons) == ["0", "1", "2", "3", "4"]
    assert all("where yes or no is expected" in reason for reason in reasons(people).values())


def test_equal_rows_count_once_and_differing_ones_are_rejected() -> None:
    rows = [
        person("1"),
        person("2"),
        person("1", last="Doe "),
        person("2", dept="IT"),
        person("2"),
        person("3"),
        person("4", email="mangled"),
        person("4", email="mangled"),
    ]
    people = read(rows, BASE + RULES)
    assert list(people.persons) == ["1", "3"]
    assert people.persons["1"].row == 2
    assert [(entry.row, entry.id) for entry in people.rejected] == [(3, "2"), (5, "2"), (6, "2"), (8, "4")]
    assert (
        reasons(people)[3]
        == reasons(people)[6]
        == ("rows 3, 5, 6 hold the same id and differ; where a person may have two jobs: person.rows: all")
    )
    assert (people.rows, people.ids, people.ids_certain) == (8, {"1", "2", "3", "4"}, True)


def test_rows_differ_only_in_what_the_spec_reads() -> None:
    people = read([person("1", dept="IT"), person("1", dept="Sales"), person("1", first="First1\u200b")])
    assert (list(people.persons), people.rejected) == (["1"], [])


def test_a_row_of_blank_cells_alone_is_no_row() -> None:
    blank = dict.fromkeys(person("1"), " \u00a0\u200b")
    people = read([person("1"), blank, blank | {"id": None}])
    assert (list(people.persons), people.rejected, people.rows, people.ids_certain) == (["1"], [], 1, True)
    header_only = "it has a header only, and no rows"
    assert read([blank]).problems == [f"the table is empty: {header_only}. No access was removed"]
    people = read([person("1"), blank | {"type": "x"}])
    assert (reasons(people), people.ids_certain) == ({3: "id is blank"}, False)


def test_two_people_due_with_one_address_are_both_held() -> None:
    rows = [
        person("1", email="Bank@Bücher.de"),
        person("2", email="bank@xn--bcher-kva.de "),
        person("3"),
        person("4", email="bank@bücher.de", status="Terminated"),
    ]
    people = read(rows)
    assert list(people.persons) == ["3", "4"]
    assert people.held == {
        "1": "shares its e-mail address with 2 (row 3): one address cannot be two accounts",
        "2": "shares its e-mail address with 1 (row 2): one address cannot be two accounts",
    }
    assert people.ids == {"1", "2", "3", "4"}


def test_a_failing_expression_rejects_its_row_and_names_the_field() -> None:
    text = (
        BASE + "memberships: [{organization: it, when: \"{{ row.dept.split()[1] == 'x' }}\"}]\norganizations: {it: o}\n"
    )
    text = text.replace("person:", 'person:\n  properties: {title: "{{ row.type.split()[1] }}"}')
    people = read(
        [person("1", type="a b", dept="IT"), person("2", dept="b c", type="x"), person("3", type="a b", dept="a b")],
        text,
    )
    assert reasons(people) == {
        2: "memberships[0].when: list object has no element 1",
        3: "properties.title: list object has no element 1",
    }
    assert people.persons["3"].properties == (("title", "b"),)


@pytest.mark.parametrize("columns", [["id", "email"], []])
def test_a_source_without_rows_is_reported_as_empty_alone(columns: list[str]) -> None:
    people = read([], columns=columns)
    assert len(people.problems) == 1
    assert people.problems[0].startswith("the table is empty")
    assert read_people(SyncSpec.parse(BASE), ListSource([]), NOW).problems[0].startswith("the list of rows is empty")


def test_an_incomplete_source_is_a_problem_and_proves_nothing() -> None:
    table = Table([person("1")])
    table.incomplete = ["the table is incomplete: cut off"]
    table.warnings = ["something"]
    people = read_people(SyncSpec.parse(BASE), table, NOW)
    assert people.problems == ["the table is incomplete: cut off"]
    assert people.warnings == ["something"]
    assert not people.proven


def test_a_missing_column_is_drift_that_names_readers_and_likely_columns() -> None:
    rows = [{name.replace("email", "E-Mail"): cell for name, cell in person("1").items()}]
    people = read(rows, BASE + RULES)
    assert people.problems == [
        (
            "drifted, a missing column: the table has no column 'email', "
            "which person.email (hr.yaml:6) reads; it has 'E-Mail'"
        )
    ]
    assert not people.ids_certain
    assert people.persons == {}


def test_a_column_that_is_asked_for_need_not_exist() -> None:
    text = BASE.replace("{{ row.email }}", "{{ row.work if row.work is defined else row.email }}")
    assert read([person("1")], text).problems == []
    assert read([person("1", work="w@x.com")], text).persons["1"].email == "w@x.com"
    for rows in ([person("1")], [person("1", work="w@x.com"), person("2")]):
        people = read_people(SyncSpec.parse(text), ListSource(rows), NOW)
        assert (people.problems, people.rejected) == ([], [])


def test_a_column_that_no_json_row_has_is_gone() -> None:
    spec = SyncSpec.parse(BASE + RULES, "hr.yaml")
    lacking = [person("1", dept="IT"), {k: v for k, v in person("2").items() if k != "dept"}]
    people = read_people(spec, ListSource(lacking), NOW)
    assert people.problems == []
    assert people.persons["2"].unclear_rules[0].columns == ("dept",)
    people = read_people(spec, ListSource(lacking[1:]), NOW)
    assert "the list of rows has no column 'dept', which memberships[0].when (hr.yaml:16) reads" in people.problems[0]


def test_a_column_named_at_run_time_is_drift_too() -> None:
    text = BASE.replace("{{ row.first }}", "{{ row['fir' ~ row.type] }}")
    people = read([person("1", type="st"), person("2", type="zt")], text)
    assert "no column 'firzt'" in people.problems[0]
    assert people.rejected == []
    people = read_people(SyncSpec.parse(text), ListSource([person("1", type="zt")]), NOW)
    assert "no column 'firzt'" in people.problems[0]


@pytest.mark.parametrize("column", ["id", "email", "first", "last", "status", "dept", "type", "title"])
def test_a_deciding_column_that_is_blank_in_every_row_is_drift(column: str) -> None:
    text = BASE + RULES + "scope: \"{{ row.type != 'Contractor' }}\"\n"
    text = text.replace("person:", 'person:\n  properties: {kp: "{{ row.title }}"}')
    rows = [person(str(number), type="E", title="T", dept="IT") | {column: " "} for number in range(3)]
    people = read(rows, text)
    assert [
        problem for problem in people.problems if f"column {column!r} of the table is blank in every row" in problem
    ]
    rows[1] = rows[1] | {column: "Active"}
    assert read(rows, text).problems == []
    rows[1] = rows[0] | {"id": "x"}
    if column != "id":
        assert read(rows, text + f"may_be_empty: [{column}]\n").problems == []


def test_dates_blank_in_every_row_are_fine() -> None:
    assert read([person("1"), person("2")], BASE + DATES).problems == []


def test_broken_rows_alone_are_not_drift() -> None:
    people = read(["ragged", "ragged"], columns=["id", "first", "last", "email", "status"])
    assert (people.problems, people.rows, len(people.rejected)) == ([], 2, 2)


CELL = st.sampled_from(["", "IT", "Sales", "x", "p1@x.com", "p2@x.com", "Active", "Terminated", "2026-01-01", "zz"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["1", "2", "3", "", "a~b"]),
            "email": st.sampled_from(["p1@x.com", "P1@x.com", "p2@x.com", "", "mangled"]),
            "first": st.sampled_from(["Ann", ""]),
            "last": st.just("Doe"),
            "status": st.sampled_from(["Active", "Terminated", "zz"]),
            "start": st.sampled_from(["", "2026-01-01", "2026-05-01", "zz"]),
            "end": st.sampled_from(["", "2026-02-01", "9999-12-31"]),
            "dept": CELL,
        }
    ),
    min_size=1,
    max_size=8,
)
LAW = SyncSpec.parse(BASE + DATES + RULES + "scope: \"{{ row.dept != 'x' }}\"\nleaver: {grace_days: 99}\n")


def outcome(people: People) -> Any:
    """All that is said of the rows, but for where they stand."""
    persons = {
        id: (entry.email, entry.access, entry.why, entry.memberships, entry.unclear_rules)
        for id, entry in people.persons.items()
    }
    strip = str.maketrans("", "", "0123456789, ")
    rejected = sorted((entry.id or "", entry.reason.translate(strip)) for entry in people.rejected)
    held = {id: sorted(word for word in reason.split() if word in people.ids) for id, reason in people.held.items()}
    return persons, rejected, held, people.ids, people.ids_certain, people.rows, sorted(people.problems)


@settings(max_examples=150, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows: list[dict[str, str]], rng: random.Random) -> None:
    shuffled = rng.sample(rows, len(rows))
    assert outcome(read_people(LAW, Table(rows), NOW)) == outcome(read_people(LAW, Table(shuffled), NOW))


UNSEEN = st.sampled_from(["", " ", "\u00a0", "\u200b", "\ufeff", "\u2007", "\u00ad"])


@settings(max_examples=100, deadline=None)
@given(ROWS, UNSEEN, UNSEEN, st.sampled_from(["NFC", "NFD"]))
def test_invisible_characters_change_nothing(rows: list[dict[str, str]], head: str, tail: str, form: Any) -> None:
    named = [row | {"first": row["first"] and "Zo\u00eb Ann", "last": "\u00c5ngstr\u00f6m"} for row in rows]
    written = [
        {
            name: head + unicodedata.normalize(form, cell).replace(" ", "\u00a0") + tail if cell else cell
            for name, cell in row.items()
        }
        for row in named
    ]
    assert outcome(read_people(LAW, Table(named), NOW)) == outcome(read_people(LAW, Table(written), NOW))


@settings(max_examples=100, deadline=None)
@given(ROWS)
def test_every_row_is_a_person_rejected_or_held(rows: list[dict[str, str]]) -> None:
    people = read_people(LAW, Table(rows), NOW)
    rejected = {entry.id for entry in people.rejected} - {None}
    assert set(people.persons) | set(people.held) | rejected == people.ids
    assert not set(people.persons) & (set(people.held) | rejected)
    assert people.ids_certain == all(row["id"] in ("1", "2", "3") for row in rows)
    assert all(entry.email for entry in people.persons.values() if entry.access is not Access.NONE)
    assert people.rows == len(rows)


@pytest.mark.parametrize("id", ["'00012", '="00012"'])
def test_an_id_that_a_spreadsheet_marked_as_text_is_rejected(id: str) -> None:
    people = read([person("1"), person(id)])
    assert (list(people.persons), people.ids_certain) == (["1"], False)
    assert "begins as a spreadsheet marks text" in reasons(people)[3]
