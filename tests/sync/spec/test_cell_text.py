from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kinde.sync.spec.cell_text import clean_cell, clean_row, clean_text
from airflow_provider_kinde.sync.spec.expressions import Template


@pytest.mark.parametrize(
    "raw",
    [
        "Bu\u0308ro",
        "B\u00fcro\u00a0",
        "\ufeffB\u00fcro",
        "B\u00fc\u200bro",
        "B\u00fc\u00adro",
        " B\u00fcro\t",
        "Bu\u200d\u0308ro",
    ],
)
def test_texts_that_look_the_same_are_the_same(raw: str) -> None:
    assert clean_text(raw) == "B\u00fcro"


@pytest.mark.parametrize("blank", ["\u00a0", "\u2007", "\u202f", "\u3000", "\u2009"])
def test_a_blank_of_unicode_is_a_plain_blank(blank: str) -> None:
    assert clean_text(f"Human{blank}Resources") == "Human Resources"


def test_cells_that_are_no_text_stay_and_texts_in_lists_are_cleaned() -> None:
    assert clean_cell(["a\u00a0", 1, None]) == ["a", 1, None]
    row = {"a": "x", "b": 1, "c": None}
    assert clean_row(row) is row
    assert clean_row({"a": " x ", "b": " y "}, ["a", "missing"]) == {"a": "x", "b": " y "}


@given(st.text())
def test_cleaning_twice_is_cleaning_once(raw: str) -> None:
    assert clean_text(clean_text(raw)) == clean_text(raw)


@given(st.text())
def test_the_unicode_form_of_a_cell_changes_nothing(raw: str) -> None:
    assert len({clean_text(unicodedata.normalize(form, raw)) for form in ("NFC", "NFD")} | {clean_text(raw)}) == 1


def test_texts_of_an_expression_are_read_as_cells_are() -> None:
    decomposed = Template("{{ row.Department == 'Bu\u0308ro\u00a0Nord' }}")
    assert decomposed.truth({"Department": "B\u00fcro Nord"}) is True
    assert decomposed.texts == {"B\u00fcro Nord"}
    for text in ("{{ row.Department in ['Bu\u0308ro'] }}", "{{ {'Bu\u0308ro': 'yes'}.get(row.Department) }}"):
        assert Template(text).truth({"Department": "B\u00fcro"}) is True
        assert "B\u00fcro" in Template(text).texts


def test_the_name_of_a_column_stays_as_the_source_writes_it() -> None:
    assert Template("{{ row['Bu\u0308ro'] }}").render({"Bu\u0308ro": "x"}) == "x"
    assert Template("{{ row['Bu\u0308ro'] | default('none') }}").render({"Bu\u0308ro": "x"}) == "x"
