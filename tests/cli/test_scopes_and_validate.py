"""The command ``scopes``, and the scopes that ``validate`` names."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_kinde.cli.main import main
from tests.support.world import SPEC


def test_scopes_and_validate_name_what_the_application_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "hr.yaml"
    spec.write_text(SPEC)
    assert main(["scopes", "--spec", str(spec)]) == 0
    listed = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert listed["delete:api_keys"] == "leavers: sessions and API keys"
    assert listed["read:users"] == "every plan"
    assert main(["validate", "--spec", str(spec)]) == 0
    assert f"scopes that a run may need: {' '.join(listed)}" in capsys.readouterr().out


HEADER = "id,first,last,email,dept,status,start,end"
FINE = f"{HEADER}\n" + "".join(f"{n},A,B,a{n}@example.com,Eng,Active,,\n" for n in range(1, 9))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (FINE.replace(",", ";").encode(), "set delimiter: ';' under source in the spec"),
        (FINE.replace(",", "\t").encode(), r'set delimiter: "\t" under source in the spec'),
        (FINE.replace("A,B", "M\xfcller,B").encode("cp1252"), "set encoding: cp1252"),
        (FINE.encode("utf-16"), "set encoding: utf-16"),
        (f"{HEADER}\n".encode(), "hr.csv is empty: it has a header only, and no rows"),
        (b"", "hr.csv is empty. No access was removed"),
        (FINE[:-20].encode(), "was the file cut off?"),
        (FINE.replace("dept", "Department").encode(), "has no column 'dept'"),
        (FINE.replace(",Eng,", ",,").encode(), "column 'dept' of"),
        (FINE.replace("Active", "Aktiv").encode(), "max_rejected_rows (5%): 8 rows are rejected"),
    ],
)
def test_validate_says_what_would_block_a_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, content: bytes, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hr.yaml").write_text(SPEC, encoding="utf-8")
    Path("hr.csv").write_bytes(content)
    main(["validate", "--spec", "hr.yaml"])
    out = capsys.readouterr().out
    assert said in out
    assert "hr.yaml: the spec is valid, but its file would block a plan." in out
    assert "rules cover" not in out
    if "encoding" in said:
        assert "is empty" not in out
    if "delimiter" in said:
        assert sum(line.startswith("  ! ") for line in out.splitlines()) == 1


@pytest.mark.parametrize(
    ("days", "said"), [(["3/4/2026", "25/4/2026"], "read as two different days, M/D/YYYY and D/M/YYYY: 1"),
                       (["4/25/2026", "25/4/2026"], "read some dates as two different days")],
)  # fmt: skip
def test_two_formats_that_read_other_days_are_named_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, days: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    dated = "  active: [Active]\n  date_format: [M/D/YYYY, D/M/YYYY]"
    Path("hr.yaml").write_text(SPEC.replace("  active: [Active]", dated), encoding="utf-8")
    rows = "".join(f"{n},A,B,a{n}@example.com,Eng,Active,{day},\n" for n, day in enumerate(days))
    Path("hr.csv").write_text(f"{HEADER}\n{rows}", encoding="utf-8")
    main(["validate", "--spec", "hr.yaml"])
    out = capsys.readouterr().out
    assert said in out
    assert out.count("two different days") == 1


def test_validate_reads_no_other_lines_as_the_header(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hr.yaml").write_text(SPEC, encoding="utf-8")
    Path("hr.csv").write_text(f"Staff of 2026\n\n{FINE}", encoding="utf-8")
    main(["validate", "--spec", "hr.yaml"])
    assert "the rows were not looked at: " in (out := capsys.readouterr().out)
    assert "its file would block a plan" in out
    assert "set skip_rows: 2" in out


def test_validate_speaks_of_the_other_rows_where_some_are_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hr.yaml").write_text(SPEC, encoding="utf-8")
    rows = "".join(f"{n},A,B,b{n}@example.com,{'Sales' if n % 2 else 'Eng'},Terminated,,\n" for n in (10, 11))
    Path("hr.csv").write_text(
        FINE + "9,A,B,a9@example.com,Sales,Active,,\n" + rows + "12,A,B,c@example.com,Eng,Aktiv,,\n", encoding="utf-8"
    )
    main(["validate", "--spec", "hr.yaml"])
    out = capsys.readouterr().out
    assert "hr.yaml: valid." in out
    assert "the rules cover every person and value of the other rows" in out
