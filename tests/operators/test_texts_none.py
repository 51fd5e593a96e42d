"""The text "None" is a name like any other; what a template yields for nothing is the empty text."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.operators.base import listed, mapping, optional_list
from airflow_provider_kinde.operators.users import KindeCreateUserOperator
from kinde_emulator import Emulator
from tests.support.operator_runs import by_email, execute


def test_a_user_named_none(kinde: Emulator) -> None:
    names: dict[str, Any] = {"given_name": "None", "family_name": "None", "properties": {"team": "None"}}
    made = execute(
        KindeCreateUserOperator(task_id="task", kinde_conn_id="kinde_test", email="none@example.com", **names)
    )
    user = by_email(kinde, "none@example.com")
    assert (made["outcome"], user["first_name"], user["last_name"]) == ("created", "None", "None")
    assert user["properties"] == {"team": "None"}


@pytest.mark.parametrize("text", ["None", " None ", "a, None"])
def test_a_list_may_name_none(text: str) -> None:
    assert listed(text, "roles")[-1] == "None"
    assert (optional_list(text, "roles") or [])[-1] == "None"


def test_a_template_that_yields_no_value_is_the_empty_text() -> None:
    assert (optional_list("", "roles"), optional_list(None, "roles"), mapping("", "properties")) == (None, None, {})
