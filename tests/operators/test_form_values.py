"""What operators make of the values of a form, as templates yield them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kinde.operators.person import _day
from airflow_provider_kinde.operators.spec_base import items, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None), ("", None), (" ", None), ("None", None), ("null", None), ("[]", None), ([], None), (",,", None),
        ("1,2", ["1", "2"]), ("1\n2", ["1", "2"]), (" 1 , ,2 ", ["1", "2"]), ('["1", "2"]', ["1", "2"]),
        ("['1', '2']", ["1", "2"]), ("[1, 2]", ["1", "2"]), (["1 ", ""], ["1"]), (5, ["5"]), ("007", ["007"]),
    ],
)  # fmt: skip
def test_a_list_is_read_in_every_form_that_a_template_yields(value: Any, expected: list[str] | None) -> None:
    assert items(value) == expected


@pytest.mark.parametrize("value", ["[1, 2", "['1'", "[os.system('x')]", "[" * 5000])
def test_what_is_no_list_fails_with_the_reason_and_without_a_retry(value: str) -> None:
    with pytest.raises(AirflowFailException, match="is no list: write texts with commas between them, or JSON"):
        items(value)


@pytest.mark.parametrize(("value", "day"), [("2026-11-30", 30), ("2026-11-29T00:00:00Z", 29), ("2026-11-28 00:00", 28)])
def test_a_first_day_is_a_day(value: str, day: int) -> None:
    assert _day(value) == date(2026, 11, day)


@pytest.mark.parametrize("value", ["2026-11-301", "2026-11-30x", "30.11.2026", "2026-13-01", "tomorrow", "2026-11-3"])
def test_what_is_no_day_is_refused(value: str) -> None:
    with pytest.raises(AirflowFailException, match="is not a day such as 2026-11-30"):
        _day(value)


@pytest.mark.parametrize(
    ("value", "expected"), [('"1_0"', "1_0"), ('"', '"'), ('""', None), ("null", None), ("None", "None"), (7, "7")]
)
def test_a_text_is_read_as_it_was_typed(value: Any, expected: str | None) -> None:
    assert text(value) == expected
