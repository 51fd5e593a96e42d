"""Plans, differences and backtests as review comments: short, without names, and without markup from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_kinde.cli.main import main
from airflow_provider_kinde.sync.report.markdown import MOST_BYTES, plan_markdown
from airflow_provider_kinde.sync.rules.markdown import difference_markdown
from tests.support.world import SPEC, World, people, person
from tests.sync.rules.test_backtest import COMPLETE, write
from tests.sync.rules.test_difference import compare

HOSTILE = "@team `x` | <img src=x> **b** [a](http://x) #1"


def unquoted(text: str) -> str:
    """What is not in a code span."""
    return re.sub(r"`[^`]*`", "", text)


def test_a_plan_is_a_sentence_a_table_and_lists_that_fold(world: World) -> None:
    rows = [person(1, "Ada", "Lovelace", dept="Eng"), person(2, "Bo", status="?"), person(3)]
    text = plan_markdown(world.plan(rows))
    assert text.startswith("**Kinde sync `hr`**: 2 people would join, 1 HR row is rejected.\n")
    assert "| create | 2 |" in text
    assert "<details><summary>2 with changes</summary>" in text
    assert "- `1`\n  - `create`\n  - `add membership eng`\n  - `add role eng engineer`" in text
    assert "<details><summary>1 rejected row</summary>" in text
    assert [word for word in ("Ada", "Lovelace", "p1@example.com") if word in text] == []
    assert "`Ada Lovelace <p1@example.com>`" in plan_markdown(world.plan(rows), personal=True)


def test_text_from_outside_is_quoted(world: World) -> None:
    world.apply(people(3))
    rows = [person(1, HOSTILE), person("@all", dept=HOSTILE), person(3, dept=HOSTILE, status=HOSTILE)]
    for personal in (False, True):
        plan = plan_markdown(world.plan(rows), personal=personal)
        found = difference_markdown(compare(world, SPEC.replace("row.last", "row.first"), rows), personal=personal)
        for text in (plan, found):
            assert [word for word in ("@", "<img", "**b**", "[a]", "#1") if word in unquoted(text)] == []


def test_a_comment_stays_below_its_size_and_says_how_much_is_left_out(world: World) -> None:
    text = plan_markdown(world.plan(people(3000)), personal=True)
    assert len(text.encode()) < MOST_BYTES
    assert re.search(r"- … and [12],\d{3} more\n\n</details>", text)
    assert text.count("<details>") == text.count("</details>")
    assert "3,000 with changes" in text


def test_a_difference_names_rules_organizations_and_people(world: World) -> None:
    rows = [person(1, "Ada", dept="Eng"), person(2, dept="Eng"), person(3)]
    world.apply(rows)
    text = difference_markdown(compare(world, SPEC.replace("roles: [engineer]", "roles: [lead]"), rows))
    assert "against `old.yaml`: The rules change something for 2 people (only with the new rules: 2 add role)." in text
    assert "| `new rule in line 21: dept is Eng` | 2 |" in text
    assert "| `eng` | `give lead` | 2 | 0 |" in text
    assert "Ada" not in text
    same = difference_markdown(compare(world, SPEC, rows))
    assert same == "**Rules of `hr`** against `old.yaml`: The rules change nothing for any person today.\n"


def test_a_backtest_names_guards_and_days(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hr.yaml").write_text(COMPLETE)
    write(tmp_path, "2026-01-01.csv", people(30))
    write(tmp_path, "2026-01-02.csv", people(20))
    command = ["backtest", "--spec", str(tmp_path / "hr.yaml"), "--exports", str(tmp_path), "--format", "markdown"]
    assert main(command) == 3
    text = capsys.readouterr().out
    assert text.startswith("**Backtest of `hr`**: 1 of 2 days would have been stopped: max_leavers 1")
    assert "| max_leavers | 1 |" in text
    assert "- 2026-01-02: 20 rows, 0 joined, 0 moved, 10 left, 0 held, 0 rejected - stopped by max_leavers" in text
