"""A whole export as HR systems really write them, read by the spec that the documentation shows."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path

import pendulum
import pytest

from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync.model import Access
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.people import People

PAGE = Path(__file__).parents[3] / "docs" / "spec.md"
HEADER = "Employee_Name,EmpID,EmploymentStatus,DateofHire,DateofTermination,Department,Position"
FAMILY = [
    "Ångström",
    "O'Hare",
    "Ait Sidi",
    "Le",
    "Müller",
    "Del Bosque",
    "Łuczak",
    "Smith",
    "Weiß",
    "Núñez",
    "Bø",
    "Roe",
    "Fay",
]
GIVEN = ["Zoë  M", "Lynn ", "Karim   ", "Binh", "Søren", "Ann", "José A", "Chloé", "Đuro", "Ida", "Bob", "Mia", "Jo",
         "Eve", "Max", "Uli", "Kim", "Pia", "Tom", "Ned", "Ada", "Gus", "Hal", "Ivy"]  # fmt: skip
STATUSES = ["Active"] * 4 + ["Leave of Absence", "Voluntarily Terminated", "Terminated for Cause", "Future Start"]
DEPARTMENTS = ["Production       ", "IT/IS", "Sales", "Software Sales ", "Admin Offices"]
COUNT = 311


def rows() -> list[str]:
    lines = []
    names = list(itertools.product(FAMILY, GIVEN))[:COUNT]
    for number, (family, given) in enumerate(names):
        status = STATUSES[number % len(STATUSES)]
        hired = f"{number % 12 + 1}/{number % 28 + 1}/{(68 + number % 50) % 100:02d}"
        left = "6/4/2019" if "Terminated" in status else ""
        if status == "Future Start":
            hired = "12/1/26"
        position = "Production Manager" if number % 10 == 0 else "Technician "
        lines.append(
            f'"{family}, {given}",{10_000 + number},{status},{hired},{left},{DEPARTMENTS[number % 5]},{position}'
        )
    return lines


@pytest.fixture(scope="module")
def text() -> str:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if "Employee_Name" in block]
    return str(block)


def read(text: str, folder: Path, lines: list[str]) -> People:
    (folder / "hr.yaml").write_text(text, encoding="utf-8")
    (folder / "hr.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join([HEADER, *lines, ""]).encode())
    spec = SyncSpec.load(folder / "hr.yaml")
    return read_people(spec, make_source(spec), pendulum.datetime(2026, 3, 31, 12))


def test_the_whole_export(text: str, tmp_path: Path) -> None:
    people = read(text, tmp_path, rows())
    assert (people.rows, len(people.persons), len(people.ids)) == (COUNT, COUNT, COUNT)
    assert (people.rejected, people.held, people.problems, people.warnings) == ([], {}, [], [])
    assert people.proven
    statuses = Counter(STATUSES[number % len(STATUSES)] for number in range(COUNT))
    assert Counter(person.access for person in people.persons.values()) == {
        Access.ACTIVE: statuses["Active"] + statuses["Leave of Absence"],
        Access.KEEP: statuses["Future Start"],
        Access.NONE: statuses["Voluntarily Terminated"] + statuses["Terminated for Cause"],
    }
    zoe, lynn, karim = (people.persons[id] for id in ("10000", "10001", "10002"))
    assert (zoe.email, zoe.given_name, zoe.family_name) == ("zoe.angstrom@acme.com", "Zoë", "Ångström")
    assert zoe.properties == (("kp_usr_job_title", "Production Manager"),)
    assert [(due.alias, sorted(due.roles)) for due in zoe.memberships] == [("production", []), ("production", ["lead"])]
    assert [(due.alias, sorted(due.roles)) for due in lynn.memberships] == [("it", ["engineer"])]
    assert people.persons["10024"].email == "zoe.ohare@acme.com"
    assert people.persons["10048"].email == "zoe.aitsidi@acme.com"
    assert karim.email == "karim.angstrom@acme.com"
    assert all(person.email.isascii() for person in people.persons.values())
    assert people.persons["10005"].why == "status is Voluntarily Terminated, ended on 2019-06-04"
    assert people.persons["10007"].why == "status is Future Start, starts on 2026-12-01"


def test_the_rows_that_the_page_shows(text: str, tmp_path: Path) -> None:
    (block,) = re.findall(r"```\n(Employee_Name.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    header, *lines = block.splitlines()
    assert header == HEADER
    people = read(text.replace("min_rows: 300", "min_rows: 4"), tmp_path, lines)
    shown = [
        (person.email, person.access, [due.alias for due in person.memberships]) for person in people.persons.values()
    ]
    assert shown == [
        ("zoe.angstrom@acme.com", Access.ACTIVE, ["production"]),
        ("lynn.ohare@acme.com", Access.ACTIVE, ["it"]),
        ("karim.aitsidi@acme.com", Access.NONE, []),
        ("binh.le@acme.com", Access.NONE, []),
    ]
    assert (people.rejected, people.problems) == ([], [])


def test_the_export_cut_in_half_is_never_acted_upon(text: str, tmp_path: Path) -> None:
    people = read(text, tmp_path, rows()[: COUNT // 2])
    assert "it has 155 rows, and expect.min_rows is 300" in people.problems[0]
    assert not people.proven


def test_two_names_that_make_one_address_are_held(text: str, tmp_path: Path) -> None:
    twin = '"Ångström, Zoe K",20000,Active,1/1/20,,Sales,Technician'
    people = read(text, tmp_path, [*rows(), twin])
    assert sorted(people.held) == ["10000", "20000"]
    assert "20000 (row 313)" in people.held["10000"]
