"""An HR source that means harm, or that somebody who means harm can write to."""

from __future__ import annotations

import csv
import json
import re
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_provider_kinde.exceptions import SourceError, SpecError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.plan.run_request import as_source, moment
from airflow_provider_kinde.sync.report.approval_text import approval_text
from airflow_provider_kinde.sync.report.page import report_page
from airflow_provider_kinde.sync.report.plan_file import PlanFile
from airflow_provider_kinde.sync.report.table import csv_lines
from airflow_provider_kinde.sync.report.text import plan_text, report_text
from airflow_provider_kinde.sync.spec.expressions import RowView, Template, TemplateError
from tests.laws.test_sync_laws import OPEN
from tests.support.world import NOW, SPEC, World, people, person

PATHS = {f"/api/v1/{name}" for name in ("users", "user", "organizations", "roles", "api_keys")} | {"/oauth2/token"}


IDS = [
    "../../admin", "1/../../x", "1?is_suspended=true&x=1", "1#x", "%2e%2e%2f", "1;drop", "hr:2", "other:1", "$(id)",
    "{{7*7}}", "..", ".", "kp_1", "a" * 100,
]  # fmt: skip


def test_an_id_is_text_and_nothing_else(world: World) -> None:
    rows = [person(id, email=f"a{n}@example.com") for n, id in enumerate(IDS)]
    world.apply(rows, SPEC + OPEN)
    assert {user["provided_id"] for user in world.users().values()} == {f"hr:{id}" for id in IDS}
    world.settled(rows, SPEC + OPEN)
    world.apply([{**row, "status": "Terminated"} for row in rows], SPEC + OPEN)
    assert all(user["is_suspended"] for user in world.users().values())
    members = {f"/api/v1/organizations/{world.code(name)}/users" for name in ("Engineering", "Sales")}
    sessions = {f"/api/v1/users/{user['id']}/sessions" for user in world.users().values()}
    assert {entry["path"] for entry in world.kinde.log()} <= PATHS | members | sessions


@pytest.mark.parametrize("bad", ["\r\nX-Admin: yes", "\n", "\x00", "\x1b[2J", "\x85", "\u2028", "\ud800"])
@pytest.mark.parametrize("column", ["id", "first", "last", "email"])
def test_control_characters_are_not_printed(bad: str, column: str) -> None:
    row = person(1)
    row[column] = f"a{bad}b" if column != "email" else f"a{bad}b@example.com"
    found = read_people(SyncSpec.parse(SPEC), as_source([row, person(2)]), moment(NOW))
    kept = [person for id, person in found.persons.items() if id != "2"]
    assert len(kept) + len(found.rejected) == 1
    # Blanks of any kind within an id or a name are one blank, as everywhere.
    assert not kept or (column in ("id", "first", "last") and bad.isspace() is not bad.startswith("\r\nX"))
    for text in [r.reason for r in found.rejected] + [p.given_name + p.family_name for p in kept]:
        assert not set("\r\n\x00\x1b\x85\u2028\ud800") & set(text)


def test_an_address_stays_one_parameter_of_its_look_up(world: World) -> None:
    address = "a&is_suspended=true+b%20c#d@example.com"
    world.kinde.fault("POST", "^/api/v1/user$", after_work=True)
    world.apply([person(1, email=address)])
    (look_up,) = (entry for entry in world.reads() if "email" in entry["query"])
    assert look_up["query"]["email"] == address
    assert world.users()[address]["provided_id"] == "hr:1"


FORMULAS = [
    "=HYPERLINK(1)",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "=cmd|'/c calc'!A0",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20S",
    "\u200b=1",
    " =1",
]


def test_no_cell_of_the_report_is_a_formula(world: World) -> None:
    rows = [person(f"{formula} {n}", formula, formula, email=f"a{n}@example.com") for n, formula in enumerate(FORMULAS)]
    report = world.apply([*rows, *(person(100 + n, status=formula) for n, formula in enumerate(FORMULAS))], SPEC + OPEN)
    assert report.plan.summary["create"] + report.plan.summary["rejected"] == 2 * len(FORMULAS)
    for row in csv.reader(csv_lines(report)):
        for cell in row:
            assert not re.match("[ \t\r\n]*[=+@\uff1d\uff0b\uff0d\uff20-]", cell)


MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def test_markup_in_names_is_text_wherever_it_is_shown(world: World) -> None:
    rows = [person(1, first=MARKUP, last="](javascript:alert(1)) **x**"), *people(20)[1:]]
    world.apply(rows)
    report = world.apply([{**rows[0], "status": "Terminated"}, *rows[1:]])
    page = httpx.get(world.kinde.url + "/?q=alert", trust_env=False)
    assert MARKUP not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "script-src 'nonce-" in page.headers["content-security-policy"]
    assert MARKUP not in "".join(report_page(report))
    body = approval_text(PlanFile.of(report.plan.to_json()), [MARKUP], f"/x/{MARKUP}", names=True).body
    assert not re.search(r"(?<!\\)<|(?<!\\)\]\(", body)


def test_characters_that_reverse_text_are_not_printed(world: World) -> None:
    turned = "Ann\u202egnp.exe\u2066x\u200f"
    report = world.apply([person(1, first=turned), person(2, dept="Eng")])
    for text in (plan_text(report.plan), report_text(report), "".join(csv_lines(report))):
        assert not {"\u202e", "\u2066", "\u200f"} & set(text)
    assert json.loads(json.dumps(report.to_json()))["summary"]["create"] == 2


def _read(folder: Path, content: bytes, name: str, extra: str = "") -> Any:
    (folder / name).write_bytes(content)
    spec = SyncSpec.parse(SPEC.replace("path: hr.csv", f"path: {folder / name}{extra}"), str(folder / "hr.yaml"))
    return read_people(spec, make_source(spec), moment(NOW))


ROW = json.dumps(person(1)).encode()
HEAD = b"id,first,last,email,dept,status,start,end\n"
LINE = b"1,Ann,Doe,a@example.com,Eng,Active,,\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deep.json", b"[" * 200_000),
        ("deep.json", b'[{"id": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}]"),
        ("deep.jsonl", b"[" * 200_000 + b"\n"),
        ("long.json", b'[{"id": ' + b"9" * 200_000 + b"}]"),
        ("long.json", b"[" + ROW.replace(b'"Sales"', b"9" * 4_000) + b"]"),
        ("huge.json", b"[" + ROW.replace(b'"Sales"', b"1e999999") + b"]"),
        ("wide.csv", b",".join(b"c%d" % number for number in range(15_000)) + b"\n"),
        ("wide.json", b"[{" + b",".join(b'"c%d":1' % number for number in range(15_000)) + b"}]"),
        ("fat.csv", HEAD + LINE.replace(b"Ann", b"x" * 3_000_000)),
        ("fat.csv", HEAD + LINE.replace(b"Ann", b'"' + b"x\n" * 300_000)),
        ("fat.json", b"[" + ROW.replace(b"Given1", b"x" * 3_000_000) + b"]"),
        ("nul.csv", HEAD + b"\0" * 1_000_000),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)  # fmt: skip
def test_oversized_files_yield_no_row_and_a_reason(tmp_path: Path, name: str, content: bytes) -> None:
    began = time.process_time()
    try:
        found = _read(tmp_path, content, name)
    except SourceError:
        return
    assert found.persons.keys() <= {"1"}
    assert found.problems or found.rejected or found.persons["1"].memberships == ()
    assert time.process_time() - began < 5


def test_a_number_that_python_refuses_to_print_is_a_problem_of_its_row() -> None:
    found = read_people(SyncSpec.parse(SPEC), as_source([person(1) | {"dept": 10**5000}, person(2)]), moment(NOW))
    assert set(found.persons) == {"2"}


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]\n",
        "version: !!python/object/apply:os.system ['true']\n",
        "version: !!python/name:os.system\n",
        "a: " + "[" * 400 + "\n",
        "a: " + "{a: " * 400 + "\n",
        "a: &a " + "x" * 100_000 + "\n" + "b: [" + "*a, " * 5_000 + "]\n",
        "version: " + "9" * 100_000 + "\n",
        "version: 0x" + "f" * 100_000 + "\n",
        "version: 1" + ":59" * 3_000 + "\n",
        "<<: [{a: 1}, {a: 2}]\n" * 2,
    ],
    ids=lambda text: text[:20],
)
def test_yaml_that_means_harm_is_a_wrong_spec(text: str) -> None:
    began = time.process_time()
    with pytest.raises(SpecError):
        SyncSpec.parse(text)
    assert time.process_time() - began < 3


def test_a_cell_that_is_long_is_not_searched() -> None:
    template = Template("{{ row.x | regex_search('[a-z]+') }}")
    assert template.render(RowView({"x": "a" * 500})) == "a" * 500
    with pytest.raises(TemplateError, match="reads at most 500 characters, found 501"):
        template.render(RowView({"x": "a" * 501}))


class _TimedOut(BaseException):
    """As Airflow's own: no `except Exception` stops it."""


def test_an_execution_timeout_ends_a_regular_expression_that_does_not_end() -> None:
    def stop(*_: object) -> None:
        raise _TimedOut

    template = Template("{{ row.x | regex_search('(a|a)*b') }}")
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(_TimedOut):
            template.render(RowView({"x": "a" * 100}))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("pattern", "cell", "found"),
    [
        (r"^(\\w+)\\s+(\\w+)\\s+(\\w+)$", "ab cd " + "e" * 400, "ab cd " + "e" * 400),
        (r"^(.*), (.*)$", "Doe, " + "A" * 300, "Doe, " + "A" * 300),
        (r"\\d{2,4}-?\\d+-?\\d+", "+44 20-7946-0958", "20-7946-0958"),
        ("(Sales|Marketing|Ops)", "Head of Ops " * 40, "Ops"),
    ],
)
def test_usual_expressions_read_long_cells(pattern: str, cell: str, found: str) -> None:
    assert Template("{{ row.x | regex_search('" + pattern + "') }}").render(RowView({"x": cell})) == found
