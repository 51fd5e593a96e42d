"""Membership rules in words."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.sync.spec.rule_text import rule_text


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ("{{ row.BusinessUnit == 'BPC' }}", "rule in line 58: BusinessUnit is BPC"),
        ("{{ row['Business Unit'] | trim | lower == 'bpc' }}", "rule in line 58: Business Unit is bpc"),
        ("{{ row.Team.strip() != '' }}", "rule in line 58: Team is not blank"),
        ("{{ row.Grade in ['A', 'B'] }}", "rule in line 58: Grade is one of A, B"),
        ("{{ row.Grade not in ('A',) }}", "rule in line 58: Grade is not one of A"),
        ("{{ row.A == '1' and row.B == '2' }}", "rule in line 58: A is 1 and B is 2"),
        ("{{ row.A == '1' or row.B == '2' or row.C == '3' }}", "rule in line 58: A is 1 or B is 2 or C is 3"),
        ("", "rule in line 58"),
    ],
)
def test_a_comparison_reads_as_a_sentence(when: str, text: str) -> None:
    assert rule_text(58, when) == text


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ("{{ row.A == '1' and (row.B == '2' or row.C == '3') }}", "row.A == '1' and (row.B == '2' or row.C == '3')"),
        ("{{ row.Name.split(' ')[1] == 'x' }}", "row.Name.split(' ')[1] == 'x'"),
        ("{{ row.A ==\n row.B }}", "row.A == row.B"),
        ("{% if row.A %}yes{% endif %}", "{% if row.A %}yes{% endif %}"),
        ("yes", "yes"),
    ],
)
def test_any_other_condition_is_quoted(when: str, text: str) -> None:
    assert rule_text(58, when) == f"rule in line 58: {text}"


@pytest.mark.parametrize(
    "when", ["{{ row.Mail == 'ada@acme.com' }}", "{{ row.A == '" + 200 * "x" + "' }}", "{{ row. }}"]
)
def test_a_condition_that_is_long_or_names_a_person_is_left_out(when: str) -> None:
    assert rule_text(58, when) == "rule in line 58"


def test_a_spec_without_lines() -> None:
    assert rule_text(None, "{{ row.A == '1' }}") == "rule: A is 1"
