"""A spec drafted from a file: it loads, it says what it guessed, and it is marked where it is unsure."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kinde.cli.main import main
from airflow_provider_kinde.exceptions import SpecError, SyncError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.draft.draft import draft
from airflow_provider_kinde.sync.spec.sections import UNKNOWN_DOMAIN
from airflow_provider_kinde.sync.spec.source import FileOptions

EXPORT = """\
Employee_Name,EmpID,MarriedID,State,EmploymentStatus,DateofHire,DateofTermination,Department,Position,ManagerID
"Ångström, Zoë  M",10026,1,MA,Active,7/5/11,,Production       ,Technician,1
"O'Hare, Lynn ",10084,0,MA,Leave of Absence,3/30/15,,IT/IS,Data Analyst,1
"Ait Sidi, Karim   ",10196,0,CT,Voluntarily Terminated,1/9/12,6/4/2015,Production       ,Technician,2
"Le, Binh",10088,1,MA,Terminated for Cause,5/16/16,9/1/2018,Sales,Manager,3
"""
PLAIN = "id,email,first name,last name,status,department\n1,a@x.com,Ann,Lee,Active,Eng\n2,b@x.com,Bob,Ray,Left,Eng\n"


def drafted(tmp_path: Path, text: str | bytes, name: str = "hr.csv") -> tuple[str, SyncSpec]:
    """The draft of a file, and the spec that it is."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    out = tmp_path / "hr.yaml"
    found = draft(str(path), str(out), make_source=make_source)
    out.write_text(found.replace(UNKNOWN_DOMAIN, "example.com"), encoding="utf-8")
    spec = SyncSpec.load(out)
    make_source(spec)
    return found, spec


def test_a_real_export(tmp_path: Path) -> None:
    text, spec = drafted(tmp_path, EXPORT)
    row = {"Employee_Name": "Ångström, Zoë  M", "EmpID": "10026", "EmploymentStatus": "Active"}
    assert spec.person.id.render(row) == "10026"
    assert (spec.person.given_name.render(row), spec.person.family_name.render(row)) == ("Zoë  M", "Ångström")
    assert spec.person.email.render(row) == "zoe-m.angstrom@example.com"
    assert spec.employment.status.render(row) == "Active"
    assert spec.employment.active == {"active", "leave of absence"}
    assert spec.employment.inactive == {"voluntarily terminated", "terminated for cause"}
    assert spec.employment.date_format == ("M/D/YY", "M/D/YYYY")
    assert [(o.alias, o.name, o.create) for o in spec.organizations] == [
        ("production", "Production", True),
        ("it-is", "IT/IS", True),
        ("sales", "Sales", True),
    ]
    assert [str(rule.organization.text) for rule in spec.memberships] == ["production", "it-is", "sales"]
    assert spec.memberships[0].when is not None
    assert spec.memberships[0].when.truth({"Department": "Production   "})
    assert spec.source.path == ("hr.csv",)
    assert "2 people have access, 2 have left," in text
    assert "# check: no column has addresses" in text


def test_a_draft_without_a_column_of_addresses_invites_no_person(tmp_path: Path) -> None:
    text, _ = drafted(tmp_path, EXPORT)
    assert "check: the file has no column of e-mail addresses. Export the work addresses and draft again" in text
    assert "@example.com" not in text
    with pytest.raises(SpecError, match=r"your-domain.invalid stands for a domain .*: replace it by your domain"):
        SyncSpec.parse(text)


def test_a_plain_export_is_sure_of_its_people(tmp_path: Path) -> None:
    text, spec = drafted(tmp_path, PLAIN)
    people = text[text.index("person:") : text.index("employment:")]
    assert "check" not in people
    assert spec.person.given_name.render({"first name": "Ann"}) == "Ann"
    assert (spec.name, spec.employment.inactive) == ("hr", {"left"})


def test_a_status_that_says_nothing_is_in_neither_list(tmp_path: Path) -> None:
    text, spec = drafted(tmp_path, PLAIN + "3,c@x.com,Cy,Fox,Furlough,Eng\n")
    assert "furlough" not in spec.employment.active | spec.employment.inactive
    assert '# check: "Furlough" (1 row) is in neither list' in text
    assert "check: row 4 is rejected" in text


def test_personal_and_managers_addresses_are_left_aside(tmp_path: Path) -> None:
    header = "Worker ID,Manager Email,Personal Email,Work Email,Given Name,Surname,Status\n"
    _, spec = drafted(tmp_path, header + "7,m@x.com,me@home.com,me@x.com,Ann,Lee,Active\n")
    assert spec.person.email.columns == {"Work Email"}


def test_whole_names_without_a_comma(tmp_path: Path) -> None:
    text, spec = drafted(tmp_path, "id,full name,email,status\n1,Ann van Lee,a@x.com,Active\n2,Bo Ray,b@x.com,Active\n")
    row = {"full name": "Ann van Lee "}
    assert (spec.person.given_name.render(row), spec.person.family_name.render(row)) == ("Ann van", "Lee")
    assert "# check: one column holds the whole name" in text


@pytest.mark.parametrize(
    ("dates", "formats", "sure"),
    [
        (["2026-03-01", "2025-12-31"], (), True),
        (["3/31/2026", "1/2/2026"], ("M/D/YYYY",), True),
        (["31/3/2026", "1/2/2026"], ("D/M/YYYY",), True),
        (["1/2/2026", "3/4/2026"], ("M/D/YYYY",), False),
        (["31.03.2026", "01.02.2026"], ("D.M.YYYY",), True),
        (["01-Mar-2026", "31-Dec-2025"], ("D-MMM-YYYY",), True),
        (["3/31/2026", "2026-03-31"], ("YYYY-MM-DD", "M/D/YYYY"), True),
    ],
)
def test_the_format_of_dates_is_found(tmp_path: Path, dates: list[str], formats: tuple[str, ...], sure: bool) -> None:
    rows = "".join(f"{n},p{n}@x.com,A,B,Active,{day}\n" for n, day in enumerate(dates))
    text, spec = drafted(tmp_path, "id,email,first,last,status,hire date\n" + rows)
    assert set(spec.employment.date_format) == set(formats)
    assert spec.employment.start_date is not None
    assert ("would read every date as well" in text) is not sure


def test_without_a_status_the_dates_decide(tmp_path: Path) -> None:
    text, spec = drafted(tmp_path, "id,email,first,last,end date\n1,a@x.com,A,B,2020-01-01\n2,b@x.com,C,D,\n")
    assert spec.employment.active == {"active"}
    assert "1 person has access, 1 has left" in text


def test_repeated_ids_and_shared_addresses_are_told(tmp_path: Path) -> None:
    rows = "1,a@x.com,A,B,Active\n1,b@x.com,C,D,Active\n2,a@x.com,E,F,Active\n"
    text, _ = drafted(tmp_path, "employee id,email,first,last,status\n" + rows)
    assert "# check: its name; but values appear twice, such as '1' (2 rows)" in text
    assert "1 stands in an earlier row too: different people who share an address are held" in text


def test_blank_departments_are_told(tmp_path: Path) -> None:
    text, _ = drafted(tmp_path, PLAIN + "3,c@x.com,Cy,Fox,Active,\n")
    assert '# check: "department" is blank in 1 row.' in text
    assert '# may_be_empty: ["department"]' in text


def test_too_many_departments_are_none(tmp_path: Path) -> None:
    rows = "".join(f"{n},p{n}@x.com,A,B,Active,Team {n}\n" for n in range(60))
    text, spec = drafted(tmp_path, "id,email,first,last,status,team\n" + rows)
    assert (spec.organizations, spec.memberships) == ((), ())
    assert "60 values: too many" in text


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_other_delimiters(tmp_path: Path, mark: str) -> None:
    _, spec = drafted(tmp_path, PLAIN.replace(",", mark))
    assert spec.person.email.columns == {"email"}
    assert isinstance(spec.source, FileOptions)
    assert spec.source.delimiter == mark


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    text, _ = drafted(tmp_path, PLAIN.replace("Eng", "Ingénierie").encode(encoding))
    assert '{name: "Ingénierie", create: true}' in text
    assert ("encoding:" in text) is (encoding != "utf-8-sig")


ITEMS = [
    {"id": 1, "email": "a@x.com", "name": {"first": "A", "last": "B"}, "active": True, "dept": 5},
    {"id": 2, "email": "b@x.com", "name": {"first": "C", "last": "D"}, "active": False, "dept": 6},
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hr.json", json.dumps(ITEMS)),
        ("hr.json", json.dumps({"total": 2, "employees": ITEMS})),
        ("hr.jsonl", "\n".join(map(json.dumps, ITEMS)) + "\n"),
        ("hr.txt", "\n".join(map(json.dumps, ITEMS)) + "\n"),
        ("hr.txt", PLAIN),
    ],
)
def test_other_formats(tmp_path: Path, name: str, text: str) -> None:
    found, spec = drafted(tmp_path, text, name)
    assert "1 person has access, 1 has left" in found
    assert len(spec.organizations) == (1 if text == PLAIN else 2)


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = list(csv.DictReader(io.StringIO(PLAIN)))
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "hr.parquet")
    assert "1 person has access, 1 has left" in draft(str(tmp_path / "hr.parquet"), make_source=make_source)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no row"),
        ("id,email\n", "has no row"),
        ("a,b\n1,2\n1,2\n", "no column can be an id"),
        ("id,thing\n1,2\n2,2\n", "no column has e-mail addresses"),
    ],
)
def test_a_file_without_ids_or_addresses_cannot_be_drafted(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SyncError, match=words):
        drafted(tmp_path, text)


def test_a_json_object_without_a_list(tmp_path: Path) -> None:
    with pytest.raises(SyncError, match="without a list of objects"):
        drafted(tmp_path, '{"a": 1}', "hr.json")


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(CELL, min_size=1, max_size=4), st.lists(CELL, min_size=1, max_size=4), st.text("ab {}'\"\\#%:", max_size=9)
)
def test_whatever_stands_in_the_file_the_draft_loads(
    tmp_path_factory: pytest.TempPathFactory, departments: list[str], names: list[str], column: str
) -> None:
    folder = tmp_path_factory.mktemp("draft")
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "email", "first", "last", "status", "department", f"e mail{column}"])
    for number, (department, name) in enumerate(zip(departments, names, strict=False)):
        writer.writerow([number, f"p{number}@x.com", name, "Doe", department, department, f"q{number}@x.com"])
    drafted(folder, out.getvalue())


def test_the_command_never_writes_over_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "my people.csv", tmp_path / "hr.yaml"
    source.write_text(PLAIN)
    assert main(["init", "--from", str(source)]) == 0
    assert SyncSpec.parse(capsys.readouterr().out).name == "my-people"
    assert main(["init", "--from", str(source), "--out", str(out)]) == 0
    assert main(["validate", "--spec", str(out)]) == 0
    out.write_text("mine")
    assert main(["init", "--from", str(source), "--out", str(out)]) == 1
    assert "exists. Nothing was written" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main(["init", "--from", str(source), "--out", str(out), "--force"]) == 0
    assert SyncSpec.load(out).name == "my-people"
    assert main(["init", "--from", str(tmp_path / "none.csv")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_title_lines_and_a_separator_line_are_written_into_the_draft(tmp_path: Path) -> None:
    titled = "Personalliste\nMandant;Beispiel GmbH;4711\n\n" + PLAIN.replace(",", ";")
    text, spec = drafted(tmp_path, titled)
    assert isinstance(spec.source, FileOptions)
    assert (spec.source.delimiter, spec.source.skip_rows) == (";", 3)
    assert "1 person has access, 1 has left," in text
    _, spec = drafted(tmp_path, "sep=;\n" + PLAIN.replace(",", ";"))
    assert isinstance(spec.source, FileOptions)
    assert (spec.source.delimiter, spec.source.skip_rows) == (None, 0)


def test_rows_of_blank_cells_and_a_delimiter_too_many_do_not_disturb_a_draft(tmp_path: Path) -> None:
    text, _ = drafted(tmp_path, PLAIN + ",,,,,\n" * 30)
    assert text.startswith("# Drafted from hr.csv: 2 rows.")
    text, _ = drafted(tmp_path, PLAIN.splitlines()[0] + "\n" + "".join(f"{row},\n" for row in PLAIN.splitlines()[1:]))
    assert "1 person has access, 1 has left," in text


def test_texts_that_mean_no_value_are_written_into_the_draft(tmp_path: Path) -> None:
    text, spec = drafted(tmp_path, PLAIN + "3,c@x.com,Cy,NULL,Active,#N/A\n")
    assert spec.source.null_values == {"NULL", "#N/A"}
    assert 'null_values: ["#N/A", "NULL"]  # check' in text
    assert [o.name for o in spec.organizations] == ["Eng"]


DATED = "id,email,first name,last name,status,hire date\n"


def with_dates(*dates: str) -> str:
    return DATED + "".join(f"{n},p{n}@x.com,Ann,Lee,Active,{date}\n" for n, date in enumerate(dates))


def test_dates_in_two_orders_are_all_read_and_the_draft_says_which_order_comes_first(tmp_path: Path) -> None:
    text, spec = drafted(tmp_path, with_dates("03/04/2015", "25/06/2017", "07/28/2018"))
    assert spec.employment.date_format == ("M/D/YYYY", "D/M/YYYY")
    assert "is rejected" not in text
    assert "reads every date" not in text
    assert "check: M/D/YYYY and D/M/YYYY read some dates as two different days" in text


def test_days_that_excel_counts_and_months_in_german_are_drafted(tmp_path: Path) -> None:
    _, spec = drafted(tmp_path, with_dates("43831", "44197", "45000"))
    assert spec.employment.date_format == ("excel",)
    _, spec = drafted(tmp_path, with_dates("3. März 2024", "12. Dezember 2023"))
    assert spec.employment.date_format == ("D. MMM YYYY",)


def test_end_dates_beside_the_status_are_mentioned(tmp_path: Path) -> None:
    rows = (
        "id,email,first name,last name,status,hire date,termination date,exit date\n"
        "1,a@x.com,Ann,Lee,Active,2020-01-01,2018-05-05,\n"
        "2,b@x.com,Bob,Ray,Active,2019-01-01,,2020-02-02\n"
        "3,c@x.com,Cy,Roe,Terminated,2019-01-01,2020-01-01,2020-01-01\n"
    )
    text, spec = drafted(tmp_path, rows)
    assert spec.employment.end_date is not None
    assert spec.employment.end_date.text == "{{ row['termination date'] }}"
    assert "check: 1 row with a status that gives access, and a day in 'termination date' before the start" in text
    assert "check: 'exit date' looks like an end date too (2 filled, 1 of them with a status that gives access)" in text
    assert "2 people have access, 1 has left," in text


def test_the_counts_of_a_draft_add_up(tmp_path: Path) -> None:
    rows = (
        "id,email,first name,last name,status,hire date,termination date\n"
        "1,a@x.com,Ann,Lee,Active,2020-01-01,2018-05-05\n"
        "2,b@x.com,Bob,Ray,Active,2019-01-01,2020-02-02\n"
        "3,c@x.com,Cy,Roe,Terminated,2019-01-01,2020-01-01\n"
        "4,d@x.com,Di,Fox,Active,2019-01-01,\n"
        "4,d@x.com,Di,Fox,Active,2019-01-01,\n"
        "5,e@x.com,,,Odd,2019-01-01,\n"
    )
    text, _ = drafted(tmp_path, rows)
    assert "6 rows" in text.splitlines()[0]
    said = " ".join(line.lstrip("# ") for line in text.splitlines()[1:3])
    assert "2 people have access, 2 have left, 1 row is rejected, 0 people are held. 1 of the rows repeats" in said
    assert "1 row with a status that gives access, and a past day in 'termination date': no access" in text
    assert "these people are held" not in text


def test_people_who_start_later_have_no_access_today_and_are_named(tmp_path: Path) -> None:
    rows = (
        "id,email,first name,last name,status,hire date\n"
        "1,a@x.com,Ann,Lee,Active,2020-01-01\n"
        "2,b@x.com,Bob,Ray,Active,2099-01-01\n"
        "3,c@x.com,Cy,Roe,Terminated,2019-01-01\n"
    )
    text, _ = drafted(tmp_path, rows)
    assert "1 person has access, 1 has left," in text
    assert "1 person starts later, without access today: 2." in text


def test_statuses_that_are_guessed_need_a_check(tmp_path: Path) -> None:
    rows = "".join(
        f"{n},p{n}@x.com,P,L{n},{status},Eng\n"
        for n, status in enumerate(["ruhend", "aktiv", "Elternzeit", "ausgetreten", "im Ruhestand (retired)"], 1)
    )
    text, _ = drafted(tmp_path, PLAIN.partition("\n")[0] + "\n" + rows)
    assert '"aktiv", "ruhend"]  # check: gives access. "Elternzeit", "ruhend" are guesses' in text
    assert '# check: takes it away. "im Ruhestand (retired)" is a guess' in text
    text, _ = drafted(tmp_path, PLAIN)
    assert 'active: ["Active"]  # gives access' in text
    assert 'inactive: ["Left"]  # takes it away' in text


def test_a_further_end_date_is_read_where_the_first_is_blank(tmp_path: Path) -> None:
    rows = (
        "id,email,first name,last name,status,termination date,contract end\n"
        "1,a@x.com,Ann,Lee,Active,,2099-12-30\n"
        "2,b@x.com,Bob,Ray,Active,,\n"
        "3,c@x.com,Cy,Roe,Terminated,2020-01-01,\n"
    )
    text, spec = drafted(tmp_path, rows)
    assert spec.employment.end_date is not None
    assert spec.employment.end_date.text == "{{ row['termination date'] or row['contract end'] }}"
    assert "it is read where 'termination date' is blank" in text
    assert "2 people have access, 1 has left," in text


def test_one_department_in_several_spellings_is_one_organization(tmp_path: Path) -> None:
    rows = "".join(f"{n},p{n}@x.com,P,L{n},Active,{unit}\n" for n, unit in enumerate(["IT", "it ", "IT", "Sales"], 1))
    _, spec = drafted(tmp_path, PLAIN.partition("\n")[0] + "\n" + rows)
    assert [(o.alias, o.name) for o in spec.organizations] == [("it", "IT"), ("sales", "Sales")]
    first = spec.memberships[0].when
    assert first is not None
    assert first.text == "{{ row.department | lower == 'it' }}"
    assert [first.truth({"department": text}) for text in ("IT", "it", "Sales")] == [True, True, False]


def test_dates_of_unknown_order_beside_iso_dates_are_told(tmp_path: Path) -> None:
    head = "id,email,first name,last name,status,hire date\n"
    text, spec = drafted(tmp_path, head + "1,a@x.com,Ann,Lee,Active,2020-01-31\n2,b@x.com,Bob,Ray,Active,3/4/2021\n")
    assert spec.employment.date_format == ("YYYY-MM-DD", "M/D/YYYY")
    assert "check: D/M/YYYY would read every date that M/D/YYYY reads as well" in text
