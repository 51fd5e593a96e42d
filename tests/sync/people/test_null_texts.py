"""Texts that mean "no value" are told before they become a person's name."""

from __future__ import annotations

import pendulum

from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.rows import ListSource

SPEC = """
version: 1
name: hr
source: {type: file, path: x.csv}
person: {id: "{{ row.id }}", email: "{{ row.mail }}", given_name: "{{ row.first }}", family_name: "{{ row.last }}"}
employment: {status: Active, active: [Active]}
"""


def test_a_text_that_means_no_value_is_told_with_its_column_and_what_to_set() -> None:
    rows = [
        {"id": n, "mail": f"p{n}@acme.test", "first": first, "last": "Lee", "note": "NULL"}
        for n, first in enumerate(["NULL", "NULL", "#N/A", "Noel", "Nulla"])
    ]
    people = read_people(SyncSpec.parse(SPEC), ListSource(rows), pendulum.datetime(2026, 11, 26))
    told = [warning for warning in people.warnings if "null_values" in warning]
    assert len(told) == 2
    assert "column 'first' holds the text '#N/A' in 1 row," in told[0]
    assert "column 'first' holds the text 'NULL' in 2 rows," in told[1]
    assert 'null_values: ["NULL"]' in told[1]
