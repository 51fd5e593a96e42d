from __future__ import annotations

import csv
import datetime as dt
import hashlib
import importlib
import json
import os
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pendulum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kinde.exceptions import SourceError, SpecError
from airflow_provider_kinde.sources import SOURCES, ListSource, make_source
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.rows import is_blank_row
from airflow_provider_kinde.sync.spec.models import SyncSpec

REST = """
person: {id: "{{ row.id }}", email: "{{ row.email }}", given_name: "{{ row.a }}", family_name: "{{ row.b }}"}
employment: {status: "{{ row.s }}", active: [A]}
"""


def spec(options: dict[str, Any], file: str = "") -> SyncSpec:
    return SyncSpec.parse(f"version: 1\nname: hr\nsource: {json.dumps(options)}\n{REST}", file)


class Result:
    def __init__(self, path: Path | str, **options: Any) -> None:
        self.reading = make_source(spec({"type": "file", "path": str(path), **options})).read()
        self.columns = self.reading.columns
        self.rows = list(self.reading)
        self.good = [(row.number, dict(row.values)) for row in self.rows if not row.problem]
        self.problems = {row.number: row.problem for row in self.rows if row.problem}
        self.incomplete, self.warnings, self.proven = (
            self.reading.incomplete,
            self.reading.warnings,
            self.reading.proven,
        )


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def read(content: bytes | str, name: str = "hr.csv", **options: Any) -> Result:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Result(path, **options)

    return read


# -- CSV -------------------------------------------------------------------------------------------------------------


def test_csv(file: Any) -> None:
    result = file('id,Two words, padded \n1,a,b\n2,"x, y",\n')
    assert result.columns == ["id", "Two words", "padded"]
    assert result.good == [
        (2, {"id": "1", "Two words": "a", "padded": "b"}),
        (3, {"id": "2", "Two words": "x, y", "padded": ""}),
    ]
    assert (result.problems, result.incomplete, result.warnings, result.proven) == ({}, [], [], False)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_bom_and_any_line_ending(file: Any, bom: bytes, ending: str) -> None:
    text = ending.join(["id,name", "1,Zoë", ""])
    result = file(bom + text.encode())
    assert result.good == [(2, {"id": "1", "name": "Zoë"})]
    assert result.incomplete == result.warnings == []


def test_quoted_line_breaks_and_blank_lines_keep_line_numbers_right(file: Any) -> None:
    result = file('id,note\n1,"two\nlines"\n\n   \n2,"a ""word"""\n')
    assert result.good == [(2, {"id": "1", "note": "two\nlines"}), (6, {"id": "2", "note": 'a "word"'})]
    assert result.incomplete == []


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n", b"id,name\n", b"id,name", b"id,name\r\n\r\n"])
def test_a_file_without_rows_yields_none(file: Any, content: bytes) -> None:
    result = file(content)
    assert (result.rows, result.incomplete) == ([], [])


def test_a_missing_last_line_break_alone_is_a_warning(file: Any) -> None:
    result = file("id,name\n1,a")
    assert len(result.good) == 1
    assert result.incomplete == []
    assert result.warnings[0].endswith("the last line has no line break")


def test_a_ragged_row_in_the_middle_is_its_own_problem(file: Any) -> None:
    result = file("id,name\n1,a\n2\n3,b,c\n4,d\n")
    assert [number for number, _ in result.good] == [2, 5]
    assert result.problems == {
        3: "has 1 cell where the header has 2",
        4: "has 3 cells where the header has 2",
    }
    assert result.incomplete == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,name\n1,a\n2", "its last row, line 3, has 1 cell where the header has 2: was the file cut off?"),
        ("id,name\n1,a\n2,b,c\n\n", "its last row, line 3"),
        ('id,name\n1,a\n2,"b\n3,c\n', "a quote that opens in line 3 is never closed"),
        ('id,name\n1,a\n2,"b', "a quote that opens in line 3 is never closed"),
        ('id,"name\n1,a\n', "a quote that opens in line 1 is never closed"),
        ('id,name\n1,"a"b\n2,c\n', "line 2: broken quotes"),
        ('id,name\n1,"a\n2,"b"\n3,c\n', "lines 2 to 3: broken quotes"),
        ("id,name\n1,a\nid,name\n2,b\n", "line 3 repeats the header"),
        ("id,name\n1,a\n id , name\n", "line 3 repeats the header"),
        (b"id,name\n1,a\n2,\xfff\n", "line 3 cannot be decoded: byte 0xff at character 3"),
        (b"id,name\n1,Zo\xeb\n", "line 2 cannot be decoded: byte 0xeb at character 5"),
        (b"id,name\n1,a\n2,b\xc3", "line 3 cannot be decoded: byte 0xc3"),
        ("id,name\n1,a\n".encode("utf-16"), "line 1 .*encoding: utf-16|line 1 cannot be decoded.*utf-16"),
        (b"id,name\n1,a\n\0\0\0\0", "line 3 holds NUL bytes"),
        ("id,name\n1," + "x" * 131_073 + "\n", "is longer than 131,072 characters"),
    ],
)
def test_a_csv_file_that_cannot_be_whole(file: Any, content: str | bytes, words: str) -> None:
    result = file(content, expect={"min_rows": 1})
    assert len(result.incomplete) >= 1
    assert re.search(words, result.incomplete[0]), result.incomplete
    assert not result.proven


def test_a_file_cut_anywhere_is_never_read_as_complete(file: Any) -> None:
    whole = 'id,name,end\n1,Ann,2026\n2,"Bob, ""the"" B",2026\n3,"Zoë\nX",2026\n'.encode()
    for cut in range(len(b"id,name,end\n") + 1, len(whole)):
        result = file(whole[:cut])
        told = result.incomplete or result.warnings or whole[cut - 1 : cut] == b"\n" or result.problems
        assert told, whole[:cut]


def test_delimiters_and_encodings(file: Any) -> None:
    assert file("id;n\n1;a,b\n", delimiter=";").good == [(2, {"id": "1", "n": "a,b"})]
    for delimiter in ("\t", "tab"):
        assert file("id\tn\n1\ta\n", delimiter=delimiter).good == [(2, {"id": "1", "n": "a"})]
    assert file("id\tn\n1\ta\n", name="hr.tsv").good == [(2, {"id": "1", "n": "a"})]
    assert file("id,n\n1,Zoë\n".encode("cp1252"), encoding="cp1252").good == [(2, {"id": "1", "n": "Zoë"})]
    assert file("id,n\n1,Zoë\n".encode("utf-16"), encoding="utf-16").good == [(2, {"id": "1", "n": "Zoë"})]
    cut = file("id,n\n1,Zoë\n".encode("utf-16")[:-1], encoding="utf-16")
    assert "cannot be decoded" in cut.incomplete[0]
    assert "set delimiter: ';' under source" in file("id;n\n1;a\n").incomplete[0]
    assert 'set delimiter: "\\t" under source' in file("id\tn\n1\ta\n").incomplete[0]


def test_a_column_that_stands_twice_makes_the_file_incomplete(file: Any) -> None:
    result = file("id,a,a,\n1,x,y,c\n")
    assert result.columns == ["id"]
    assert result.good == [(2, {"id": "1"})]
    assert "column 'a' appears 2 times" in result.incomplete[0]


def test_a_column_that_stands_twice_and_that_no_rule_reads_is_left_out_with_a_warning(file: Any) -> None:
    result = file("id,n,n\n1,x,y\n")
    assert (result.columns, result.good, result.incomplete) == (["id"], [(2, {"id": "1"})], [])
    assert "a column name appears 2 times in the header; no rule reads it" in result.warnings[0]


def test_too_many_columns(file: Any) -> None:
    with pytest.raises(SourceError, match="more than 10,000 columns"):
        file(",".join(f"c{n}" for n in range(10_001)) + "\n")


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5))
def test_csv_of_pythons_writer_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: Any) -> None:
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL)
        writer.writerow(["the id", "the name"])
        writer.writerows(rows)
    result = Result(path)
    assert [tuple(values.values()) for _, values in result.good] == [
        row for row in rows if not is_blank_row(dict(zip("ab", row, strict=True)))
    ]
    assert result.incomplete == []


# -- JSON ------------------------------------------------------------------------------------------------------------


def test_json(file: Any) -> None:
    result = file('[{"id": 10026, "n": null}, {"id": "x", "work": {"title": "T", "site": {"name": "B"}}}]', "hr.json")
    assert result.columns is None
    assert result.good == [
        (1, {"id": 10026, "n": None}),
        (2, {"id": "x", "work.title": "T", "work.site.name": "B"}),
    ]
    assert result.incomplete == []


def test_a_list_within_an_object(file: Any) -> None:
    content = '{"total": 2, "meta": {"a": [1]}, "people": [{"id": 1}, {"id": 2}], "next": null}'
    assert [number for number, _ in file(content, "hr.json", rows="people").good] == [1, 2]
    assert file('{"people": []}', "hr.json", rows="people").rows == []
    assert "holds no list named 'staff'" in file(content, "hr.json", rows="staff").incomplete[0]
    assert "holds no list named 'staff'" in file("{}", "hr.json", rows="staff").incomplete[0]
    with pytest.raises(SourceError, match="name the list of rows in it with rows:"):
        file(content, "hr.json")
    with pytest.raises(SourceError, match="is a list: leave out rows"):
        file("[]", "hr.json", rows="people")


@pytest.mark.parametrize("content", ["", "  \n", "[]", " [ ] \n", "\ufeff[]"])
def test_json_without_a_row(file: Any, content: str) -> None:
    result = file(content, "hr.json")
    assert (result.rows, result.incomplete) == ([], [])


def test_an_item_that_is_no_object_is_its_own_problem(file: Any) -> None:
    result = file('[{"id": 1}, 2, null, [3], {"id": 4}]', "hr.json")
    assert [number for number, _ in result.good] == [1, 5]
    assert result.problems == {
        2: "is not an object but int",
        3: "is not an object but NoneType",
        4: "is not an object but list",
    }


@pytest.mark.parametrize(
    "content",
    [
     '[{"id": 1}', '[{"id": 1},', '[{"id": 1}, {"id"', "[", '[{"id": 1}] x', '[{"id": 1}][]', "null", '"x"',
     "[{'id': 1}]",
     '[{"id": 1} {"id": 2}]', '[{"id": 1}, ]', "[" * 100_000, b'[{"id": "\xff"}]', b"[\0]", '[{"id": 1}]\0'],
)  # fmt: skip
def test_json_that_cannot_be_whole(file: Any, content: str | bytes) -> None:
    result = file(content, "hr.json", expect={"min_rows": 1})
    assert result.incomplete
    assert not result.proven


def test_json_cut_anywhere_is_incomplete(file: Any) -> None:
    whole = '{"a": 1, "people": [{"id": 1, "n": "Zoë"}, {"id": 22}], "b": [1.5]}'.encode()
    for cut in range(1, len(whole)):
        assert file(whole[:cut], "hr.json", rows="people").incomplete, whole[:cut]
    assert not file(whole, "hr.json", rows="people").incomplete


def test_json_is_read_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "hr.json"
    item = json.dumps({"id": 1, "name": "x" * 1000})
    with path.open("w") as out:
        out.write("[" + ",\n".join([item] * 20_000) + "]")
    reading = make_source(spec({"type": "file", "path": str(path)})).read()
    tracemalloc.start()
    count = sum(1 for _ in reading)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (count, reading.incomplete) == (20_000, [])
    assert peak < 3_000_000, "20 MB of JSON in a window of a few hundred kB"


def test_nan_is_nothing_and_long_cells_are_problems(file: Any) -> None:
    result = file('[{"id": NaN, "x": Infinity, "n": 1}, {"id": "' + "x" * 131_073 + '"}]', "hr.json")
    assert result.good == [(1, {"id": None, "x": None, "n": 1})]
    assert "more than 131,072 characters" in result.problems[2]


@pytest.mark.parametrize(
    ("content", "name", "column"),
    [
        ('[{"id": 1}, {"id": 2, "dept": "a", "dept": "b"}]', "hr.json", "dept"),
        ('[{"id": 1}, {"id": 2, "a": {"b": 1}, "a.b": 2}]', "hr.json", "a.b"),
        ('[{"id": 1}, {"id": 2, "a": {"b": 1, "b": 1}}]', "hr.json", "b"),
        ('{"id": 1}\n{"id": 2, "dept": "a", "dept": "b"}\n{"id": 3}\n', "hr.jsonl", "dept"),
        ('{"id": 1}\n{"id": 2, "a.b": 1, "a": {"b": 1}}\n', "hr.jsonl", "a.b"),
    ],
)
def test_a_doubled_column_of_json_is_never_chosen_from(file: Any, content: str, name: str, column: str) -> None:
    result = file(content, name, expect={"min_rows": 1})
    assert (result.good, result.proven) == ([(1, {"id": 1})], False)
    assert result.incomplete == [
        f"{result.reading.name} is incomplete: column {column!r} stands twice: which one is meant?"
    ]


def test_a_list_that_stands_twice(file: Any) -> None:
    result = file('{"people": [{"id": 1}], "people": [{"id": 2}]}', "hr.json", rows="people")
    assert "'people' stands twice" in result.incomplete[0]
    assert "a key is not text" in file('{5: 1, "people": []}', "hr.json", rows="people").incomplete[0]


def test_a_boolean_is_no_id(file: Any, tmp_path: Path) -> None:
    person = {"email": "a@example.com", "a": "A", "b": "B", "s": "A"}
    (tmp_path / "hr.json").write_text(json.dumps([{"id": True, **person}, {"id": "True", **person}]))
    options = spec({"type": "file", "path": str(tmp_path / "hr.json")})
    people = read_people(options, make_source(options), pendulum.now("UTC"))
    assert [(rejected.row, rejected.id) for rejected in people.rejected] == [(1, None)]
    assert list(people.persons) == ["True"]


# -- JSON lines ------------------------------------------------------------------------------------------------------


def test_jsonl(file: Any) -> None:
    result = file('\ufeff{"id": 1}\n\n{"id": 2}\nnot json\n[1]\n{"id": 3}\n', "hr.jsonl")
    assert result.good == [(1, {"id": 1}), (3, {"id": 2}), (6, {"id": 3})]
    assert list(result.problems) == [4, 5]
    assert result.incomplete == []


def test_jsonl_cut_off(file: Any) -> None:
    result = file('{"id": 1}\n{"id": 2', "hr.ndjson")
    assert "its last line, 2, is not valid JSON" in result.incomplete[0]
    result = file('{"id": 1}\n{"id": 2}', "hr.jsonl")
    assert (result.incomplete, len(result.warnings)) == ([], 1)
    assert file("", "hr.jsonl").rows == []
    assert file(b'{"id": 1}\n{"id": "\xff"}\n', "hr.jsonl").incomplete


# -- Parquet ---------------------------------------------------------------------------------------------------------


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "hr.parquet"
    rows = [{"id": 1, "start": dt.date(2026, 1, 2), "name": None}, {"id": 2, "start": None, "name": "Zoë"}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "m.txt").write_text(f"{digest}  hr.parquet\n")
    result = Result(path, expect={"min_rows": 2, "manifest": str(tmp_path / "m.txt")})
    assert result.columns == ["id", "start", "name"]
    assert result.good == [(1, rows[0]), (2, rows[1])]
    assert result.proven
    path.write_bytes(path.read_bytes()[:-20])
    assert "not a whole Parquet file" in Result(path).incomplete[0]
    path.write_bytes(b"")
    assert Result(path).rows == []


def test_a_doubled_column_of_parquet_is_never_chosen_from(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "hr.parquet"
    for arrays, names, column in (
        ([["1"], ["Sales"], ["Eng"]], ["id", "dept", "dept"], "dept"),
        ([["1"], [{"b": 1}], [2]], ["id", "a", "a.b"], "a.b"),
    ):
        parquet.write_table(pyarrow.table([pyarrow.array(values) for values in arrays], names=names), path)
        result = Result(path, expect={"min_rows": 1})
        assert (result.rows, result.proven) == ([], False)
        assert f"column {column!r} stands twice" in result.incomplete[0]


def test_a_cell_of_parquet_that_python_has_no_value_for_is_its_rows_problem(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "hr.parquet"
    no_text = pyarrow.Array.from_buffers(
        pyarrow.string(), 2, [None, pyarrow.py_buffer(b"\0\0\0\0\2\0\0\0\3\0\0\0"), pyarrow.py_buffer(b"\xff\xfea")]
    )
    for cells in (
        pyarrow.array([2**62, 0], pyarrow.timestamp("us")),
        pyarrow.array([2**30, 0], pyarrow.date32()),
        no_text,
    ):
        parquet.write_table(pyarrow.table({"id": ["1", "2"], "odd": cells}), path)
        result = Result(path)
        assert "column 'odd' has a value that cannot be read" in result.problems[1], cells.type
        assert ([number for number, _ in result.good], result.incomplete) == ([2], [])


# -- Proofs ----------------------------------------------------------------------------------------------------------


def test_min_rows(file: Any) -> None:
    assert file("id\n1\n2\n", expect={"min_rows": 2}).proven
    result = file("id\n1\n2\n", expect={"min_rows": 3})
    assert "it has 2 rows, and expect.min_rows is 3" in result.incomplete[0]
    assert not result.proven


def test_trailer(file: Any) -> None:
    expect = {"trailer": "TRAILER|{any}|{rows}"}
    result = file("id,n\n1,a\n2,b\nTRAILER|2026-03-31|0002\n\n", expect=expect)
    assert [number for number, _ in result.good] == [2, 3]
    assert (result.problems, result.incomplete, result.proven) == ({}, [], True)
    assert "counts 3 rows, and 2 were read" in file("id,n\n1,a\n2,b\nTRAILER|x|3\n", expect=expect).incomplete[0]
    cut = file("id,n\n1,a\n2,b\n", expect=expect)
    assert "its last line is not the trailer" in cut.incomplete[0]
    assert not cut.proven
    assert file("", expect=expect).incomplete
    assert file('{"id": 1}\n{"rows": 1}\n', "hr.jsonl", expect={"trailer": '{"rows": {rows}}'}).proven


def test_a_long_last_line_is_read_once_for_all_places_of_a_trailer(file: Any) -> None:
    expect = {"trailer": "{any};{any};{any};{rows}"}
    assert file("id,n\n1,a\n" + ";" * 130_000 + "x\n", expect=expect).incomplete
    assert file("id,n\n1,a\na;b;c;" + "x" * 200_000 + ";2026;1\n", expect=expect).proven
    assert file("id,n\n1,a\n2,b\nrows read: 2 (all)\n", expect={"trailer": "{any}: {rows} {any}"}).proven


def test_manifest(file: Any, tmp_path: Path) -> None:
    content = b"id,n\n1,a\n2,b\n"
    digest = hashlib.sha256(content).hexdigest()
    manifest = tmp_path / "manifest"
    expect = {"manifest": str(manifest)}
    assert "does not exist" in file(content, expect=expect).incomplete[0]
    for text in (
        json.dumps({"rows": 2}),
        json.dumps({"sha256": digest, "made": "today"}),
        json.dumps({"rows": 2, "sha256": digest.upper()}),
        f"{digest}\n",
        f"{digest}  hr.csv\n",
        f"{'0' * 64}  other.csv\n{digest} *out/hr.csv\n",
    ):
        manifest.write_text(text)
        assert file(content, expect=expect).proven, text
    for text, words in (
        (json.dumps({"rows": 3}), "manifest counts 3 rows, and 2 were read"),
        (f"{'0' * 64}  hr.csv\n", "SHA-256 is not the one"),
        (f"{'0' * 64}  a.csv\n{digest}  b.csv\n", "holds neither"),
        ("{}", "holds neither"),
        ("", "holds neither"),
        ("hello", "holds neither"),
        ("[1]", "holds neither"),
        ("[" * 100_000, "holds neither"),
    ):
        manifest.write_text(text)
        result = file(content, expect=expect)
        assert words in result.incomplete[0], text
        assert not result.proven


# -- Options and places ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"type": "flie", "path": "x.csv"},
            "hr.yaml:3: source.type: 'flie' is not a type of source; did you mean file",
        ),
        ({"type": "zzz"}, "source.type: 'zzz' .* known are .*file"),
        ({"type": "file"}, "hr.yaml:3: source.path: is missing"),
        ({"type": "file", "path": 5}, "source.path: text is expected, found a number .5."),
        ({"type": "file", "path": "{{ row.x }}.csv"}, "source.path: text is expected; an expression cannot stand here"),
        (
            {"type": "file", "path": "x.csv", "pth": 1},
            "source.pth: unknown key; did you mean path",
        ),
        ({"type": "file", "path": "http://[x/a.csv"}, "hr.yaml:3: source.path: is not an address"),
        (
            {"type": "file", "path": "~nobody-here/a.csv"},
            "hr.yaml:3: source.path: begins with the home folder of an unknown user",
        ),
        (
            {"type": "file", "path": "x.csv", "expect": {"manifest": "s3://[x/m"}},
            "hr.yaml:3: source.expect.manifest: is not an address",
        ),
        ({"type": "file", "path": "x.xls"}, "source.format: '.xls' does not say what the file is"),
        ({"type": "file", "path": "x.csv", "format": "xml"}, "source.format: one of csv, json, jsonl, parquet"),
        ({"type": "file", "path": "x.csv", "encoding": "utf-9"}, "source.encoding: 'utf-9' is not a text encoding"),
        ({"type": "file", "path": "x.csv", "encoding": "base64"}, "source.encoding: 'base64' is not a text encoding"),
        ({"type": "file", "path": "x.csv", "delimiter": "ab"}, "source.delimiter: one of"),
        ({"type": "file", "path": "x.csv", "rows": "a"}, "source.rows: names the list within a JSON object"),
        ({"type": "file", "path": "x.csv", "expect": 5}, "source.expect: a mapping"),
        ({"type": "file", "path": "x.csv", "expect": {"rows": 5}}, "source.expect.rows: unknown key"),
        ({"type": "file", "path": "x.csv", "expect": {"min_rows": 0}}, "source.expect.min_rows: a whole number"),
        ({"type": "file", "path": "x.csv", "expect": {"min_rows": True}}, "source.expect.min_rows: a whole number"),
        ({"type": "file", "path": "x.csv", "expect": {"min_rows": "9"}}, "source.expect.min_rows: a whole number"),
        ({"type": "file", "path": "x.csv", "expect": {"trailer": "END"}}, "source.expect.trailer: {rows} is expected"),
        ({"type": "file", "path": "x.json", "expect": {"trailer": "{rows}"}}, "source.expect.trailer: a json file"),
    ],
)
def test_a_wrong_option_is_told_with_its_key(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        make_source(spec(options, "hr.yaml"))


def test_paths_are_relative_to_the_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "specs"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "hr.csv").write_text("id\n1\n")
    (folder / "data" / "hr.rows").write_text('{"rows": 1}')
    options = {"type": "file", "path": "data/hr.csv", "expect": {"manifest": "data/hr.rows"}}
    reading = make_source(spec(options, str(folder / "hr.yaml"))).read()
    assert len(list(reading)) == 1
    assert reading.proven
    monkeypatch.chdir(folder)
    assert len(list(make_source(spec(options, "hr.yaml")).read())) == 1
    monkeypatch.setenv("HOME", str(folder))
    assert len(list(make_source(spec({"type": "file", "path": "~/data/hr.csv"}, "/x/hr.yaml")).read())) == 1
    url = {"type": "file", "path": f"file://{folder}/data/hr.csv"}
    assert len(list(make_source(spec(url, "/x/hr.yaml")).read())) == 1


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file .*none.csv: check source.path"):
        Result(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SourceError, match="is a folder"):
        Result(tmp_path / "folder.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(SourceError, match=r"pipe.csv is a pipe or a device"):
        Result(tmp_path / "pipe.csv")
    (tmp_path / "endless.csv").symlink_to("/dev/zero")
    with pytest.raises(SourceError, match="is a pipe or a device"):
        Result(tmp_path / "endless.csv")
    (tmp_path / "hr.csv").write_text("id\n1\n")
    with pytest.raises(SourceError, match=r"pipe.csv is a pipe or a device"):
        Result(tmp_path / "hr.csv", expect={"manifest": str(tmp_path / "pipe.csv")})


def test_secrets_of_a_url_are_not_in_its_name() -> None:
    source: Any = make_source(spec({"type": "file", "path": "https://me:pw@host/hr.csv?sig=secret"}))
    assert source.name == "https://host/hr.csv"
    assert source.paths == ["https://me:pw@host/hr.csv?sig=secret"]


def test_each_read_is_a_new_pass(tmp_path: Path) -> None:
    path = tmp_path / "hr.csv"
    path.write_text("id\n1\n2")
    source = make_source(spec({"type": "file", "path": str(path), "expect": {"min_rows": 2}}))
    for _ in range(2):
        reading = source.read()
        assert len(list(reading)) == 2
        assert (reading.proven, len(reading.warnings)) == (True, 1)


def test_a_list_of_rows_is_complete() -> None:
    source = ListSource([{"id": 1}, {"id": 2}])
    for _ in range(2):
        reading = source.read()
        assert list(reading) == [Row(1, {"id": 1}), Row(2, {"id": 2})]
        assert (reading.proven, reading.incomplete, reading.columns) == (True, [], None)


def test_every_type_of_source_can_be_imported() -> None:
    for name, place in SOURCES.items():
        module, _, attribute = place.partition(":")
        assert callable(getattr(importlib.import_module(module), attribute)), name
