"""The page of evidence: what an auditor asks first stands at the top, and the tables can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from airflow_provider_kinde.sync.history.evidence import Table
from airflow_provider_kinde.sync.history.evidence_page import duration_text, evidence_page, leavers_text

COLUMNS = ("id", "due", "done", "late_seconds", "approval")
LATE = ("10011", "2026-11-01T05:00:00Z", "2026-11-01T06:02:03.904Z", 3723.9, "")
QUICK = ("10012", "2026-11-02T05:00:00Z", "2026-11-02T05:00:09.500Z", 9.5, "")
NOT_RUN = "days on which no run was carried out"
MISSING = [
    (f"{NOT_RUN}: {why}", f"2026-11-{day:02}") for day, why in [*((n, "blocked") for n in (1, 2, 3)), (7, "failed")]
]


def shown(leavers: Sequence[Any] = (LATE, QUICK), chain: str = "whole") -> str:
    statement = [("chain", chain), ("entries", "1 to 6"), (NOT_RUN, "4 (3 blocked, 1 failed)"), *MISSING]
    tables = [
        Table("leavers", "Leavers", COLUMNS, list(leavers)),
        Table("access", "Access", ("id", "role"), [("10013", "lead")]),
        Table("by_hand", "By hand", ("id",), []),
        Table("completeness", "Completeness", ("what", "value"), statement),
    ]
    return "".join(evidence_page("hr", "2026-11-01", "2026-11-27", tables))


def test_the_page_begins_with_whether_leavers_lost_access_and_how_late() -> None:
    html = shown()
    assert (
        "<h1>2 people had to lose access, and all did, the slowest 1 h 2 min after it was due or first known.</h1>"
        in html
    )
    assert (
        html.index("In short")
        < html.index('id="leavers"')
        < html.index('id="completeness"')
        < html.index('id="access"')
    )
    assert "The history is whole, entries 1 to 6" in html
    assert "No run was carried out on 4 days (3 blocked, 1 failed)" in html
    assert "No run found a change that it had not made." in html


def test_a_leaver_who_still_has_access_is_in_the_first_sentence() -> None:
    table = Table("leavers", "Leavers", COLUMNS, [LATE, ("10012", "", "", "", "")])
    assert leavers_text(table) == "2 people had to lose access; 1 still has it"
    assert leavers_text(Table("leavers", "Leavers", COLUMNS, [LATE, LATE])).startswith(
        "1 person had to lose access, and did"
    )
    assert leavers_text(Table("leavers", "Leavers", COLUMNS, [])) == "No person had to lose access"


def test_a_history_that_is_not_whole_is_said_before_all_else() -> None:
    assert "<h1>The history is NOT WHOLE: read Completeness before you rely on the rest.</h1>" in shown(
        chain="NOT WHOLE"
    )


def test_moments_durations_and_days_are_written_for_people() -> None:
    html = shown()
    assert "<td>2026-11-01 06:02:03</td><td>1 h 2 min</td>" in html
    assert "Empty in all rows, and left out here: approval." in html
    assert "2026-11-01 to 2026-11-03" in html
    assert "<td>2026-11-07</td>" in html
    assert "2026-11-02</td>" not in html


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.12, "0.1 s"), (12.3, "12 s"), (61, "1 min 1 s"), (-7200, "-2 h 0 min"), (200_000, "2 d 7 h")],
)
def test_a_duration_has_two_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
