"""A test for the spec from a real person's row."""

from __future__ import annotations

from pathlib import Path

import pendulum
import pytest
import yaml

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.people.examples import check_examples
from airflow_provider_kinde.sync.person.as_test import as_test
from airflow_provider_kinde.sync.plan.run_request import as_source
from tests.support.world import NOW, SPEC, person

AT = pendulum.parse(NOW)


def made_of(*rows: dict[str, str], text: str = SPEC, id: str = "10026") -> str:
    assert isinstance(AT, pendulum.DateTime)
    made = as_test(SyncSpec.parse(text), as_source(rows), id, AT)
    check_examples(SyncSpec.parse(f"{text}\ntests:\n{made}"))
    return made


@pytest.mark.parametrize(
    "columns",
    [
        {"dept": "Eng"},
        {"dept": "Eng", "start": "2026-04-01"},
        {"status": "Terminated", "end": "2026-02-01"},
        {"status": "???"},
        {"dept": ""},
    ],
)
def test_a_printed_test_holds_todays_result_without_name_and_address(columns: dict[str, str]) -> None:
    row = person(10026, "Ada", "Lovelace", email="ada@acme.com", salary="90000", **columns)
    made = made_of(person(1), row)
    assert [word for word in ("10026", "Ada", "Lovelace", "ada@", "acme", "90000") if word in made] == []
    test = yaml.safe_load(made)[0]
    assert (str(test["today"]), test["given"]["email"]) == ("2026-03-02", "robin.example@example.com")


def test_an_address_keeps_the_domain_that_a_rule_reads() -> None:
    text = SPEC.replace("row.dept == 'Eng'", "row.email.endswith('@acme.com')")
    made = yaml.safe_load(made_of(person(10026, email="ada@acme.com"), text=text))[0]
    assert made["given"]["email"] == "robin.example@acme.com"
    assert made["expect"]["memberships"].keys() == {"eng", "sales"}


def test_two_rows_of_one_person_are_a_list() -> None:
    text = SPEC.replace("  id:", "  rows: all\n  id:")
    made = yaml.safe_load(made_of(person(10026, dept="Eng"), person(10026), text=text))[0]
    assert made["expect"]["memberships"] == {"eng": ["engineer"], "sales": []}


def test_a_row_that_is_rejected_for_its_address_is_told() -> None:
    assert "other things follow than from the row in HR (email is not" in made_of(person(10026, email="ada"))


def test_an_unknown_id(tmp_path: Path) -> None:
    with pytest.raises(SyncError, match="no row of the HR source has the id 10026"):
        made_of(person(1))
