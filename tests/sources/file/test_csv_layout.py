"""CSV as Excel and HR systems write it: titles, `sep=`, blank rows, spare delimiters, other encodings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pendulum
import pytest

from airflow_provider_kinde.exceptions import SourceError, SpecError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.spec.models import SyncSpec
from tests.support.hr_server import HrServer, Read, Reply, make

REST = """
person: {id: "{{ row.EmpID }}", email: "{{ row.Email }}", given_name: "{{ row.First }}", family_name: "{{ row.Last }}"}
employment: {status: "{{ row.Status }}", active: [Active]}
"""
HEADER = "EmpID;First;Last;Email;Status"
ANN = "101;Ann;Lee;ann@acme.test;Active"
BOB = "102;Bob;Ray;bob@acme.test;Active"
PEOPLE = [
    {"EmpID": "101", "First": "Ann", "Last": "Lee", "Email": "ann@acme.test", "Status": "Active"},
    {"EmpID": "102", "First": "Bob", "Last": "Ray", "Email": "bob@acme.test", "Status": "Active"},
]


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(content: str | bytes, name: str = "hr.csv", **options: Any) -> Read:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        source = json.dumps({"type": "file", "path": str(path), **options})
        return Read(make_source(SyncSpec.parse(f"version: 1\nname: hr\nsource: {source}\n{REST}")))

    return read


def lines(*texts: str) -> str:
    return "".join(f"{text}\r\n" for text in texts)


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;"])
def test_a_first_line_that_names_the_separator_is_followed(read: Any, first: str) -> None:
    found = read(lines(first, HEADER, ANN, BOB))
    assert (found.values, found.incomplete) == (PEOPLE, [])
    assert [row.number for row in found.rows] == [3, 4]
    assert read(lines(first, HEADER, ANN, BOB), delimiter=";").values == PEOPLE


def test_lines_above_the_header_are_skipped_where_the_spec_says_so(read: Any) -> None:
    text = lines("Personalliste", "Stand;26.11.2026", "", HEADER, ANN, BOB)
    found = read(text, delimiter=";", skip_rows=3)
    assert (found.values, found.incomplete) == (PEOPLE, [])
    assert [row.number for row in found.rows] == [5, 6]
    assert read(lines("sep=;", "Personalliste", HEADER, ANN, BOB), skip_rows=2).values == PEOPLE


@pytest.mark.parametrize("title", ["Personalliste", "Personalliste;;;;", "Stand;26.11.2026"])
def test_a_header_below_other_lines_is_named_with_its_line(read: Any, title: str) -> None:
    with pytest.raises(SourceError, match="the header stands in line 3, below other lines: set skip_rows: 2"):
        read(lines(title, "", HEADER, ANN, BOB), delimiter=";")


def test_a_file_without_a_header_gets_its_columns_from_the_spec(read: Any) -> None:
    names = HEADER.split(";")
    found = read(lines(ANN, BOB), delimiter=";", header=names)
    assert (found.values, found.incomplete) == (PEOPLE, [])
    assert [row.number for row in found.rows] == [1, 2]
    assert read(lines("Personalliste", ANN, BOB), delimiter=";", header=names, skip_rows=1).values == PEOPLE
    with pytest.raises(SpecError, match="stands in it twice"):
        read(lines(ANN), header=["EmpID", "EmpID"])


@pytest.mark.parametrize(
    "rows", [(HEADER, f"{ANN};", f"{BOB};"), (f"{HEADER};", ANN, BOB), (HEADER, f"{ANN};;", f"{BOB};;")]
)
def test_a_delimiter_too_many_at_the_end_of_each_row_is_left_aside(read: Any, rows: tuple[str, ...]) -> None:
    found = read(lines(*rows), delimiter=";")
    assert (found.values, found.incomplete, found.problems) == (PEOPLE, [], {})


def test_a_delimiter_within_one_row_never_moves_its_cells(read: Any) -> None:
    """The blank at the end may be the last column, pushed out by a delimiter within a name."""
    moved = "103;Lee;Jr;Cy;cy@acme.test;"
    assert read(lines(HEADER, ANN, moved, BOB), delimiter=";").problems == {3: "has 6 cells where the header has 5"}
    assert read(lines(HEADER, moved), delimiter=";").problems == {2: "has 6 cells where the header has 5"}
    spare = read(lines(HEADER, *[f"{ANN};"] * 30, "103;Lee;Jr;Cy;cy@acme.test;Active", f"{BOB};"), delimiter=";")
    assert spare.problems == {32: "has 6 cells where the header has 5"}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((HEADER, ANN, "102;Bob"), "was the file cut off?"),
        ((HEADER, ANN, f"{BOB};x"), "is there a delimiter too many"),
        (("Personalliste", "a;b", "c;d"), "2 rows have 2 cells. If line 1 is not the header, set skip_rows"),
        ((HEADER, f"{ANN};x", f"{BOB};"), "look for one delimiter too many"),
        ((HEADER, f'"{ANN}"', f'"{BOB}"'), "its one cell holds ';' 4 times. Either the rows have another delimiter"),
        ((HEADER, ANN.replace(";", ","), BOB.replace(";", ",")), "its one cell holds ',' 4 times"),
    ],
)
def test_a_ragged_last_row_is_named_for_what_it_is(read: Any, rows: tuple[str, ...], words: str) -> None:
    found = read(lines(*rows), delimiter=";")
    assert words in found.incomplete[0]
    assert ("cut off" in found.incomplete[0]) == ("cut off" in words)


@pytest.mark.parametrize("blank", [";;;;", " ; ;\u00a0;;", ";", ";;;;;;;", '"";"";;;', "\u200b;;;;"])
def test_a_row_of_blank_cells_is_a_blank_line(read: Any, blank: str) -> None:
    found = read(lines(HEADER, ANN, blank, BOB, *[blank] * 30), delimiter=";", expect={"min_rows": 2})
    assert (found.values, found.problems, found.incomplete) == (PEOPLE, {}, [])
    assert found.reading.proven
    assert "it has 2 rows" in read(lines(HEADER, ANN, blank, BOB), delimiter=";", expect={"min_rows": 3}).incomplete[0]
    assert read(lines(blank, HEADER, ANN, BOB), delimiter=";").values == PEOPLE


def test_a_row_of_blank_cells_is_no_row_in_json_either(read: Any) -> None:
    blank = {"EmpID": None, "First": "", "Last": " ", "Email": [], "Status": {}}
    assert read(json.dumps([PEOPLE[0], blank, PEOPLE[1]]), "hr.json").values == PEOPLE
    assert read("".join(json.dumps(row) + "\n" for row in [blank, *PEOPLE]), "hr.jsonl").values == PEOPLE


def test_texts_that_mean_no_value_read_as_blank(read: Any) -> None:
    text = lines(HEADER, "101;NULL;Lee; #N/A ;Active", "NULL;NULL;NULL;NULL;NULL", "null;Nil;x;y;z")
    found = read(text, delimiter=";", null_values=["NULL", "#N/A"])
    assert found.values[0] == {"EmpID": "101", "First": "", "Last": "Lee", "Email": "", "Status": "Active"}
    assert found.values[1]["EmpID"] == "null"
    assert len(found.values) == 2
    assert read(text, delimiter=";").values[0]["First"] == "NULL"


def test_null_without_quotes_is_a_text_that_means_no_value() -> None:
    spec = SyncSpec.parse(
        f'version: 1\nname: hr\nsource: {{type: file, path: x.csv, null_values: [NULL, None, "-", 0]}}\n{REST}'
    )
    assert spec.source.null_values == {"NULL", "Null", "null", "None", "-", "0"}
    with pytest.raises(SpecError, match=r"source.null_values.*a list of texts"):
        SyncSpec.parse(
            f"version: 1\nname: hr\nsource: {{type: file, path: x.csv, null_values: NULL}}\n{REST}".replace(
                "NULL", "none"
            )
        )


def test_windows_1252_is_named_where_it_is_not_set(read: Any) -> None:
    text = lines(HEADER, ANN, BOB.replace("Ray", "Grün"))
    assert "set encoding: cp1252" in read(text.encode("cp1252"), delimiter=";").incomplete[0]
    assert read(text.encode("cp1252"), delimiter=";", encoding="cp1252").values[1]["Last"] == "Grün"
    cut = read(text.encode()[: text.encode().index(b"\xbc")], delimiter=";").incomplete[0]
    assert "was the file cut off?" in cut
    assert "set encoding: utf-16" in read(text.encode("utf-16")).incomplete[0]


def test_a_file_without_a_header_quotes_no_cell_in_any_message(tmp_path: Path) -> None:
    path = tmp_path / "hr.csv"
    path.write_text("101,Zoltan,Zoltan,zoltan@acme.test,Active\n102,Bela,Ray,bela@acme.test,Active\n", encoding="utf-8")
    spec = SyncSpec.parse(f"version: 1\nname: hr\nsource: {{type: file, path: {path}}}\n{REST}")
    people = read_people(spec, make_source(spec), pendulum.datetime(2026, 11, 26))
    told = " ".join([*people.problems, *people.warnings, *(rejected.reason for rejected in people.rejected)])
    assert "does its first line hold their names?" in told
    assert not [cell for cell in ("Zoltan", "zoltan@", "Bela", "101") if cell in told]


# -- over HTTP ---------------------------------------------------------------------------------------------------------

CSV = {"type": "http", "url": "/hr.csv", "format": "csv"}


def over_http(server: HrServer, text: bytes, kind: str = "text/csv", **options: Any) -> Read:
    server.script = [Reply(body=text, headers={"Content-Type": kind})]
    return Read(make(server, {**CSV, **options}))


def test_the_charset_of_an_answer_counts_over_http(server: HrServer) -> None:
    text = lines("id;email;given;family;status", "1;a@x.test;Zoë;Grün;Active").encode("cp1252")
    expected = [{"id": "1", "email": "a@x.test", "given": "Zoë", "family": "Grün", "status": "Active"}]
    found = over_http(server, text, "text/csv; charset=windows-1252", delimiter=";")
    assert (found.values, found.incomplete) == (expected, [])
    assert over_http(server, text, delimiter=";", encoding="cp1252").values == expected
    assert over_http(server, text, 'text/csv; charset="utf-8"', delimiter=";", encoding="cp1252").values == expected
    assert "set encoding: cp1252" in over_http(server, text, delimiter=";").incomplete[0]
    assert "set encoding: cp1252" in over_http(server, text, "text/csv; charset=nonsense", delimiter=";").incomplete[0]


def test_title_lines_and_rows_of_blanks_over_http(server: HrServer) -> None:
    text = lines("Export", "id;email", "1;a@x.test", ";").encode()
    found = over_http(server, text, delimiter=";", skip_rows=1)
    assert (found.values, found.incomplete) == ([{"id": "1", "email": "a@x.test"}], [])


def test_json_in_another_charset_is_read_or_named(server: HrServer) -> None:
    body = '[{"id": 1, "email": "Zoë"}]'.encode("cp1252")
    options = {"type": "http", "url": "/people"}
    server.script = [Reply(body=body, headers={"Content-Type": "application/json; charset=iso-8859-1"})]
    assert Read(make(server, options)).values == [{"id": 1, "email": "Zoë"}]
    server.script = [Reply(body=body, headers={"Content-Type": "application/json"})]
    with pytest.raises(SourceError, match="bytes that are not UTF-8: set encoding"):
        Read(make(server, options))
    server.script = [Reply(body=body, headers={"Content-Type": "application/json"})]
    assert Read(make(server, {**options, "encoding": "cp1252"})).values == [{"id": 1, "email": "Zoë"}]
    with pytest.raises(SpecError, match=r"source.delimiter: belongs to CSV"):
        make(server, {**options, "delimiter": ";"})
