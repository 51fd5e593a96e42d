"""Exports as HR systems and spreadsheets write them, in their own encodings: `init` drafts a spec that treats every
person as HR says, and the second run is silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.apply.run import apply
from airflow_provider_kinde.sync.draft.draft import draft
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from tests.support.world import World

EXPORTS = Path(__file__).parent / "exports"
NOW = "2026-11-27T12:00:00Z"
# Each file has a person who left, one whose first day is in January 2027, and one on leave or with another peculiarity.
CASES = {
    "workday.json": ({"000101 Siobhán O'Brien", "000102 Jürgen Müller", "000105 Zoë Nuñez"}, []),
    "workday.csv": (
        {"000201 Siobhán O'Brien", "000202 Jürgen Müller", "000205 Rae Back"},
        ["check: row 10 (Total) looks like a sum: leave it out of the export", "skip_rows: 3"],
    ),
    "bamboohr.csv": ({"301 Siobhán O'Brien", "302 Jürgen Müller", "305 Kees van der Berg"}, []),
    "personio.csv": (
        {"0401 Jörg Weiß", "0402 Änne Groß-Müller", "0405 Eva Elternzeit", "0406 Bert Frist"},
        ['check: "Onboarding" (1 row) is in neither list', 'end_date: "{{ row.Vertragsende }}"'],
    ),
    "hibob.csv": ({"501 Siobhán O'Brien", "502 Jürgen Müller", "505 Zoë Nuñez", "506 Gi Ver"}, []),
    "successfactors.csv": ({"00601 Siobhán O'Brien", "00602 Jürgen Müller"}, ["skip_rows: 1"]),
    "adp.csv": (
        {f"G3349PZGBADQY8H{n}" for n in ("1 Siobhan O'Brien", "2 Juergen Mueller", "4 Zoe Nunez", "5 Rae Back")},
        ["rows: all  # check"],
    ),
    "ukg.csv": ({"000801 Siobhan O'Brien", "000802 Juergen Mueller", "000805 Zoe Nunez"}, []),
    "rippling.csv": (
        {"901 Siobhan O'Brien", "902 Juergen Mueller", "905 Maria del Carmen Nunez"},
        ['check: "ACCEPTED" (1 row) is in neither list'],
    ),
    "excel-de.csv": (
        {"01001 Jörg Weiß", "01002 Änne Groß", "01005 Eva Ruhe"},
        ["row 10 (Summe) looks like a sum", 'encoding: "cp1252"  # check'],
    ),
    "excel-fr.csv": ({"001101 Chloé Lefèvre", "001102 Anaïs D'Artagnan", "001105 Irène Congé"}, []),
    "excel-pl.csv": (
        {"0001201 Łukasz Wiśniewski", "0001202 Małgorzata Żółć", "0001205 Ewa Źrebak"},
        ['encoding: "cp1250"  # check: no valid UTF-8. Is this text right: "Łukasz"?'],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_draft_treats_every_person_as_hr_says(world: World, tmp_path: Path, name: str) -> None:
    expected, said = CASES[name]
    text = draft(str(EXPORTS / name), str(tmp_path / "hr.yaml"), make_source=make_source)
    for words in said:
        assert words in text
    spec = SyncSpec.parse(text)
    report = apply(spec, make_source(spec), world.client, RunRequest.of(now=NOW))
    assert (report.outcome, report.blocked) == ("changes", [])
    found = {
        f"{user['provided_id'].partition(':')[2]} {user['first_name']} {user['last_name']}"
        for user in world.kinde.state()["users"]
    }
    assert found == expected
    again = apply(spec, make_source(spec), world.client, RunRequest.of(now=NOW))
    assert (again.outcome, list(again.plan.operations)) == ("no changes", [])


def small_draft(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "hr.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return draft(str(path), str(tmp_path / "hr.yaml"), make_source=make_source)


def test_a_file_that_does_not_say_who_left_is_told_at_the_head_of_the_draft(tmp_path: Path) -> None:
    text = small_draft(tmp_path, "id,email,first name,last name,team\n1,a@acme.test,Ann,Able,Red\n")
    assert "# check: neither a status nor an end date was found: EVERY person of the file has access." in text


def test_a_status_under_another_heading_is_found_by_its_values(tmp_path: Path) -> None:
    head = "id,email,first name,last name,Zustand\n"
    text = small_draft(tmp_path, head + "1,a@acme.test,Ann,Able,Aktiv\n2,b@acme.test,Bob,Ray,Ausgeschieden\n")
    assert '"{{ row.Zustand }}"' in text
    assert "# check: its values, which say who works here" in text
    assert 'inactive: ["Ausgeschieden"]' in text


@pytest.mark.parametrize(
    ("heading", "day", "said"),
    [
        ("Seit", "2020-05-01", "check: 'Seit' holds dates that nothing here reads: is it a start or an end date?"),
        ("Termination date", "soon", "check: 'Termination date' is called a date, but 'soon' is none that can be read"),
        ("Date of birth", "1980-05-01", ""),
        ("Badge", "45231", ""),
    ],
)
def test_dates_that_the_draft_does_not_read_are_mentioned(tmp_path: Path, heading: str, day: str, said: str) -> None:
    text = small_draft(
        tmp_path, f"id,email,first name,last name,status,{heading}\n1,a@acme.test,Ann,Able,Active,{day}\n"
    )
    assert said in text
    assert ("that nothing here reads" in text or "none that can be read" in text) == bool(said)


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        ("Łukasz,Wiśniewski", "cp1250"),
        ("Zażółć,Gęś", "cp1250"),
        ("Иван,Петров", "cp1251"),
        ("Jörg,Weiß", "cp1252"),
        ("Chloé,D’Été", "cp1252"),
        ("Mª José,Nuñez", "cp1252"),
        ("Åse,Øster–Ærø", "cp1252"),
    ],
)
def test_the_code_page_is_guessed_and_shown_with_a_text(tmp_path: Path, names: str, encoding: str) -> None:
    text = small_draft(
        tmp_path, f"id,email,first name,last name,status\n1,a@acme.test,{names},Active\n".encode(encoding)
    )
    assert f'encoding: "{encoding}"  # check: no valid UTF-8. Is this text right: "' in text
    assert next(part for part in names.split(",") if not part.isascii()) in text


def test_names_are_no_ids(tmp_path: Path) -> None:
    text = small_draft(
        tmp_path, "Employee,Badge,email,status\nAnn Able,7,a@acme.test,Active\nBo Ray,8,b@acme.test,Active\n"
    )
    assert 'id: "{{ row.Badge }}"' in text
    assert "(row.Employee | trim).split(' ')[:-1] | join(' ')" in text
